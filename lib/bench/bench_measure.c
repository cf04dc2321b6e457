/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Rounds: those who are compared take turns, each as many repetitions as fill
 * the time of a measurement, so that what disturbs the machine disturbs all.
 * Ratios are those of each round, then their median: two figures of one moment
 * are compared, never one of a quiet second with one of a busy one.
 */
#include "bench/bench_impl.h"

#include <stdlib.h>
#include <string.h>

/* How often to repeat so that it takes the time of one measurement; 0: fails. */
static uint64_t
calibrate(bench_run_fn *run, void *cookie, double want_ns)
{
	uint64_t repeat = 1, grow;
	double ns;

	for (;;) {
		ns = run(cookie, repeat);
		if (ns < 0)
			return 0;
		if (ns >= want_ns / 2)
			return repeat;
		grow = ns > 0 ? (uint64_t)(want_ns / ns) : 10;
		if (grow > 10)
			grow = 10;
		if (grow < 2)
			grow = 2;
		if (repeat > UINT32_MAX / grow)
			return repeat;
		repeat *= grow;
	}
}

/* One measurement in nanoseconds of one operation; negative: it failed. */
static double
sample(const struct bench_turn *turn, double warm)
{
	double ns, base;

	if (warm > 0)
		turn->run(turn->cookie,
			  1 + (uint64_t)(warm / turn->operations));
	ns = turn->run(turn->cookie, turn->repeat);
	if (ns < 0)
		return ns;
	ns /= (double)turn->repeat * turn->operations;
	if (turn->base == NULL)
		return ns;
	base = turn->base(turn->base_cookie, turn->base_repeat);
	if (base < 0)
		return base;
	base /= (double)turn->base_repeat * turn->operations;
	/* less than a 50th of the loop cannot be told from it */
	return ns > base * 1.02 ? ns - base : 0;
}

static bool
prepare(struct bench *bench, struct bench_turn *turn)
{
	double want = (double)bench->options.sample_us * 1e3;

	turn->repeat = calibrate(turn->run, turn->cookie, want);
	if (turn->repeat != 0 && turn->base != NULL)
		turn->base_repeat = calibrate(turn->base, turn->base_cookie,
					      want);
	return turn->repeat != 0 &&
	       (turn->base == NULL || turn->base_repeat != 0);
}

/* Of each round where both were measured, else of the two figures. */
static void
ratios(struct bench *bench)
{
	const struct bench_suite *suite = bench->part->suite;
	struct bench_row *row = bench->row;
	double values[BENCH_ROUNDS_MAX];

	for (uint32_t i = 0; i < suite->ratio_count; i++) {
		const struct bench_ratio *r = &suite->ratios[i];
		enum bench_sense sense = (enum bench_sense)r->sense;
		const double *a = bench->samples[r->of];
		const double *b = bench->samples[r->to];
		double of = row->figures[r->of].median;
		double to = row->figures[r->to].median;
		uint32_t n = 0;

		for (uint32_t k = 0; k < bench->options.rounds; k++)
			if (a[k] > 0 && b[k] > 0)
				values[n++] = bench_divide(sense, row->unit, a[k],
						     b[k]);
		if (n == 0 && of > 0 && to > 0)
			values[n++] = bench_divide(sense, row->unit, of, to);
		bench_summarise(&row->ratios[i], values, n);
	}
}

/* A row of which nothing is known when it was stopped was never begun. */
static bool
is_empty(const struct bench *bench)
{
	for (uint32_t c = 0; c < BENCH_COLUMNS; c++)
		if (bench->row->figures[c].rounds > 0)
			return false;
	return bench->cut;
}

/* Of rounds that were not reached the value is negative. */
static void
summarise(struct bench_figure *figure, const double *samples, uint32_t rounds)
{
	double values[BENCH_ROUNDS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < rounds; i++)
		if (samples[i] >= 0)
			values[n++] = samples[i];
	if (n > 0)
		bench_summarise(figure, values, n);
}

static void
finish(struct bench *bench)
{
	struct bench_part *part = bench->part;
	struct bench_row *row = bench->row;
	struct bench_goal *goal = &row->goal;
	const struct bench_figure *on;
	uint32_t rounds = bench->options.rounds;

	for (uint32_t c = 0; c < bench_column_count(part->suite); c++)
		summarise(&row->figures[c], bench->samples[c], rounds);
	summarise(&row->yardstick, bench->yards, rounds);
	if (is_empty(bench)) {
		part->row_count--;
		free(row);
		bench->row = NULL;
		return;
	}
	ratios(bench);
	if (bench->cut)
		bench_row_note(bench, "stopped before all rounds");
	if (goal->kind != BENCH_GOAL_NONE) {
		on = goal->kind == BENCH_GOAL_RATIO ? &row->ratios[goal->on]
						    : &row->figures[goal->on];
		if (on->rounds > 0)
			bench_judge(goal, on->median);
	}
	for (uint32_t i = 0; i < part->suite->ratio_count; i++) {
		if ((bench->mean_rows & 1u << i) && row->ratios[i].rounds > 0) {
			part->means[i].value += row->ratios[i].median;
			part->means[i].rows++;
		}
	}
	bench->row = NULL;
	bench->sink->row(bench->cookie, part->suite, row);
}

bool
bench_row_next(struct bench *bench, uint32_t instances)
{
	uint32_t rounds = bench->options.rounds;

	if (bench->until < rounds && bench_was_stopped(bench))
		bench->cut = true;
	if (bench->until == rounds || bench->cut) {
		finish(bench);
		return false;
	}
	if (instances == 0)
		instances = 1;
	memset(bench->turns, 0, sizeof(bench->turns));
	bench->round = bench->until;
	bench->until += (rounds + instances - 1) / instances;
	if (bench->until > rounds)
		bench->until = rounds;
	return true;
}

void
bench_row_measure(struct bench *bench)
{
	struct bench_row *row = bench->row;
	uint32_t columns = bench_column_count(bench->part->suite);
	bool any = false;

	for (uint32_t c = 0; c < columns; c++) {
		struct bench_turn *turn = &bench->turns[c];

		if (bench_was_stopped(bench)) {
			bench->cut = true;
			return;
		}
		if (turn->run != NULL && !prepare(bench, turn)) {
			turn->run = NULL;
			if (row->skipped[c][0] == '\0')
				bench_row_skip(bench, c, "it fails");
		}
		any |= turn->run != NULL;
	}
	for (uint32_t round = bench->round; round < bench->until; round++) {
		if (bench_was_stopped(bench)) {
			bench->cut = true;
			return;
		}
		if (any)
			bench_yardstick_look(bench, round);
		for (uint32_t i = 0; i < columns; i++) {
			/* whoever begins may find other caches than the rest */
			uint32_t c = (round + i) % columns;
			struct bench_turn *turn = &bench->turns[c];
			double ns;

			if (turn->run == NULL)
				continue;
			ns = sample(turn, bench->warm);
			if (ns < 0) {
				turn->run = NULL;
				bench_row_skip(bench, c, "it fails in round %u",
					       round + 1);
				continue;
			}
			bench->samples[c][round] = bench_in_unit(ns, row->unit);
		}
	}
}
