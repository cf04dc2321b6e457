/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Rounds: those who are compared take turns, each as many repetitions as fill
 * the time of a measurement, so that what disturbs the machine disturbs all.
 * Ratios are those of each round, then their median: two figures of one moment
 * are compared, never one of a quiet second with one of a busy one.
 */
#include "bench/bench_impl.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/error.h"

enum {
	ROUNDS = 9,
	SAMPLE_US = 4000,
};

/* ---- figures ---- */

double
bench_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double
bench_wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

bool
bench_less_is_better(enum bench_unit unit)
{
	return unit != BENCH_MPS;
}

const char *
bench_unit_name(enum bench_unit unit)
{
	switch (unit) {
	case BENCH_NS:
		return "ns";
	case BENCH_US:
		return "us";
	case BENCH_MS:
		return "ms";
	case BENCH_MPS:
		return "M/s";
	case BENCH_BYTES:
		return "bytes";
	}
	return "";
}

static double
in_unit(double ns, enum bench_unit unit)
{
	switch (unit) {
	case BENCH_NS:
	case BENCH_BYTES:
		break;
	case BENCH_US:
		return ns / 1e3;
	case BENCH_MS:
		return ns / 1e6;
	case BENCH_MPS:
		return ns > 0 ? 1e3 / ns : 0;
	}
	return ns;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between two neighbours where the place falls there. */
static double
quantile(const double *sorted, uint32_t n, double part)
{
	double at = part * (n - 1);
	uint32_t low = (uint32_t)at;

	if (low + 1 >= n)
		return sorted[n - 1];
	return sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]);
}

static void
summarise(struct bench_figure *figure, const double *values, uint32_t n)
{
	double sorted[BENCH_ROUNDS_MAX];

	memset(figure, 0, sizeof(*figure));
	if (n == 0)
		return;
	memcpy(sorted, values, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), by_value);
	figure->min = sorted[0];
	figure->max = sorted[n - 1];
	figure->q1 = quantile(sorted, n, 0.25);
	figure->median = quantile(sorted, n, 0.5);
	figure->q3 = quantile(sorted, n, 0.75);
	figure->rounds = n;
}

/* ---- runs and suites ---- */

int
bench_create(const struct bench_options *options,
	     const struct bench_sink *sink, void *cookie, struct bench **out)
{
	struct bench *bench;

	if (options->rounds > BENCH_ROUNDS_MAX)
		return -EBPF_EINVAL;
	bench = calloc(1, sizeof(*bench));
	if (bench == NULL)
		return -EBPF_ENOMEM;
	bench->options = *options;
	if (bench->options.rounds == 0)
		bench->options.rounds = ROUNDS;
	if (bench->options.sample_us == 0)
		bench->options.sample_us = SAMPLE_US;
	bench->sink = sink;
	bench->cookie = cookie;
	bench->last = &bench->parts;
	*out = bench;
	return 0;
}

void
bench_destroy(struct bench *bench)
{
	struct bench_part *part, *next;

	if (bench == NULL)
		return;
	for (part = bench->parts; part != NULL; part = next) {
		next = part->next;
		for (size_t i = 0; i < part->row_count; i++)
			free(part->rows[i]);
		free(part->rows);
		free(part);
	}
	free(bench);
}

uint32_t
bench_column_count(const struct bench_suite *suite)
{
	uint32_t n = 0;

	while (n < BENCH_COLUMNS && suite->columns[n] != NULL)
		n++;
	return n;
}

const void *
bench_cookie(const struct bench *bench)
{
	return bench->part->suite->cookie;
}

int
bench_fail(struct bench *bench, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(bench->why, sizeof(bench->why), format, args);
	va_end(args);
	return error;
}

const char *
bench_why(const struct bench *bench)
{
	return bench->why;
}

uint32_t
bench_rows(const struct bench *bench)
{
	size_t n = 0;

	for (struct bench_part *p = bench->parts; p != NULL; p = p->next)
		n += p->row_count;
	return (uint32_t)n;
}

static void
judge(struct bench_goal *goal, double value)
{
	goal->known = true;
	goal->reached = goal->at_least ? value >= goal->value
				       : value <= goal->value;
}

int
bench_run(struct bench *bench, const struct bench_suite *suite)
{
	struct bench_part *part = calloc(1, sizeof(*part));
	int error;

	if (part == NULL)
		return -EBPF_ENOMEM;
	part->suite = suite;
	*bench->last = part;
	bench->last = &part->next;
	bench->part = part;
	bench->error = 0;
	bench->why[0] = '\0';
	error = suite->run(bench);
	if (error == 0)
		error = bench->error;
	for (uint32_t i = 0; i < suite->ratio_count; i++) {
		struct bench_mean *mean = &part->means[i];

		if (mean->rows > 0) {
			mean->value /= mean->rows;
			/* of a part of the rows it would be another goal */
			if (bench->options.rows != NULL)
				mean->goal.kind = BENCH_GOAL_NONE;
			if (mean->goal.kind != BENCH_GOAL_NONE)
				judge(&mean->goal, mean->value);
		}
	}
	if (part->row_count > 0)
		bench->sink->suite_end(bench->cookie, suite, part->means);
	bench->part = NULL;
	return error;
}

/* ---- rows ---- */

/* Part of the name, or a pattern of the whole. */
static bool
is_wanted(const char *pattern, const char *name)
{
	if (pattern == NULL)
		return true;
	if (strpbrk(pattern, "*?[") != NULL)
		return fnmatch(pattern, name, 0) == 0;
	return strstr(name, pattern) != NULL;
}

bool
bench_row_begin(struct bench *bench, const char *format, ...)
{
	struct bench_part *part = bench->part;
	struct bench_row *row, **more;
	char name[sizeof(row->name)];
	va_list args;

	if (bench->error != 0)
		return false;
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (!is_wanted(bench->options.rows, name))
		return false;
	row = calloc(1, sizeof(*row));
	more = realloc(part->rows, (part->row_count + 1) * sizeof(*more));
	if (more != NULL)
		part->rows = more;
	if (row == NULL || more == NULL) {
		free(row);
		bench->error = -EBPF_ENOMEM;
		return false;
	}
	memcpy(row->name, name, sizeof(name));
	if (part->row_count == 0)
		bench->sink->suite_begin(bench->cookie, part->suite,
					 bench->options.rounds);
	part->rows[part->row_count++] = row;
	if (bench->options.list) {
		bench->sink->row(bench->cookie, part->suite, row);
		return false;
	}
	for (uint32_t c = 0; c < BENCH_COLUMNS; c++)
		for (uint32_t i = 0; i < BENCH_ROUNDS_MAX; i++)
			bench->samples[c][i] = -1;
	bench->round = bench->until = 0;
	bench->warm = 0;
	bench->mean_rows = 0;
	bench->row = row;
	return true;
}

void
bench_row_unit(struct bench *bench, enum bench_unit unit)
{
	bench->row->unit = unit;
}

void
bench_row_warm(struct bench *bench, double operations)
{
	bench->warm = operations;
}

void
bench_row_note(struct bench *bench, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(bench->row->note, sizeof(bench->row->note), format, args);
	va_end(args);
}

void
bench_row_skip(struct bench *bench, uint32_t column, const char *format, ...)
{
	char *why = bench->row->skipped[column];
	va_list args;

	va_start(args, format);
	vsnprintf(why, BENCH_TEXT, format, args);
	va_end(args);
	/* what a kernel says may have several lines */
	why[strcspn(why, "\n")] = '\0';
}

bool
bench_wants(const struct bench *bench, uint32_t column)
{
	const char *const *without = bench->options.without;
	const char *name = bench->part->suite->columns[column];

	for (; without != NULL && *without != NULL; without++)
		if (strcmp(*without, name) == 0)
			return false;
	return true;
}

void
bench_row_add_net(struct bench *bench, uint32_t column, bench_run_fn *run,
		  void *cookie, bench_run_fn *base, void *base_cookie,
		  double operations)
{
	if (!bench_wants(bench, column)) {
		bench_row_skip(bench, column, "not asked for");
		return;
	}
	bench->turns[column] = (struct bench_turn){
		.run = run,
		.base = base,
		.cookie = cookie,
		.base_cookie = base_cookie,
		.operations = operations,
	};
	if (base != NULL)
		bench->row->net = true;
}

void
bench_row_add(struct bench *bench, uint32_t column, bench_run_fn *run,
	      void *cookie, double operations)
{
	bench_row_add_net(bench, column, run, cookie, NULL, NULL, operations);
}

void
bench_row_value(struct bench *bench, uint32_t column, double value)
{
	if (bench_wants(bench, column))
		summarise(&bench->row->figures[column], &value, 1);
	else
		bench_row_skip(bench, column, "not asked for");
}

void
bench_row_goal(struct bench *bench, enum bench_goal_kind kind, uint32_t on,
	       double value)
{
	const struct bench_suite *suite = bench->part->suite;

	bench->row->goal = (struct bench_goal){
		.kind = kind,
		.on = on,
		.value = value,
		.at_least = kind == BENCH_GOAL_RATIO
				    ? suite->ratios[on].sense == BENCH_FASTER
				    : !bench_less_is_better(bench->row->unit),
	};
}

void
bench_row_in_mean(struct bench *bench, uint32_t ratio, double goal)
{
	struct bench_goal *at = &bench->part->means[ratio].goal;

	bench->mean_rows |= 1u << ratio;
	if (goal != 0)
		*at = (struct bench_goal){
			.kind = BENCH_GOAL_RATIO,
			.on = ratio,
			.value = goal,
			.at_least = bench->part->suite->ratios[ratio].sense ==
				    BENCH_FASTER,
		};
}

/* ---- measuring ---- */

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

/* Above 1: the first takes more time, or is faster, as the sense has it. */
static double
divide(enum bench_sense sense, enum bench_unit unit, double of, double to)
{
	bool invert = (sense == BENCH_FASTER) == bench_less_is_better(unit);

	return invert ? to / of : of / to;
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
				values[n++] = divide(sense, row->unit, a[k],
						     b[k]);
		if (n == 0 && of > 0 && to > 0)
			values[n++] = divide(sense, row->unit, of, to);
		summarise(&row->ratios[i], values, n);
	}
}

static void
finish(struct bench *bench)
{
	struct bench_part *part = bench->part;
	struct bench_row *row = bench->row;
	struct bench_goal *goal = &row->goal;
	const struct bench_figure *on;
	double values[BENCH_ROUNDS_MAX];

	for (uint32_t c = 0; c < bench_column_count(part->suite); c++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < bench->options.rounds; i++)
			if (bench->samples[c][i] >= 0)
				values[n++] = bench->samples[c][i];
		if (n > 0)
			summarise(&row->figures[c], values, n);
	}
	ratios(bench);
	if (goal->kind != BENCH_GOAL_NONE) {
		on = goal->kind == BENCH_GOAL_RATIO ? &row->ratios[goal->on]
						    : &row->figures[goal->on];
		if (on->rounds > 0)
			judge(goal, on->median);
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

	if (bench->until == rounds) {
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

	for (uint32_t c = 0; c < columns; c++) {
		struct bench_turn *turn = &bench->turns[c];

		if (turn->run != NULL && !prepare(bench, turn)) {
			turn->run = NULL;
			if (row->skipped[c][0] == '\0')
				bench_row_skip(bench, c, "it fails");
		}
	}
	for (uint32_t round = bench->round; round < bench->until; round++) {
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
			bench->samples[c][round] = in_unit(ns, row->unit);
		}
	}
}
