/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A run of suites: which rows are wanted, what a suite says of a row before it
 * is measured, who is told. Rounds are bench_measure.c's.
 */
#include "bench/bench_impl.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "abi/error.h"

enum {
	ROUNDS = 9,
	SAMPLE_US = 4000,
};

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
	free(bench->all_yards);
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

bool
bench_was_stopped(const struct bench *bench)
{
	return bench->stopped ||
	       (bench->options.stopped != NULL && bench->options.stopped());
}

uint32_t
bench_rows(const struct bench *bench)
{
	size_t n = 0;

	for (struct bench_part *p = bench->parts; p != NULL; p = p->next)
		n += p->row_count;
	return (uint32_t)n;
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
	bench->stopped = bench_was_stopped(bench);
	bench->error = 0;
	bench->why[0] = '\0';
	error = bench->stopped ? 0 : suite->run(bench);
	if (error == 0)
		error = bench->error;
	bench->stopped = bench_was_stopped(bench);
	for (uint32_t i = 0; i < suite->ratio_count; i++) {
		struct bench_mean *mean = &part->means[i];

		if (mean->rows > 0) {
			mean->value /= mean->rows;
			/* of a part of the rows it would be another goal */
			if (bench->options.rows != NULL || bench->stopped)
				mean->goal.kind = BENCH_GOAL_NONE;
			if (mean->goal.kind != BENCH_GOAL_NONE)
				bench_judge(&mean->goal, mean->value);
		}
	}
	if (part->begun)
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

	if (bench->error != 0 || bench_was_stopped(bench))
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
	if (!part->begun)
		bench->sink->suite_begin(bench->cookie, part->suite,
					 bench->options.rounds);
	part->begun = true;
	part->rows[part->row_count++] = row;
	if (bench->options.list) {
		bench->sink->row(bench->cookie, part->suite, row);
		return false;
	}
	for (uint32_t c = 0; c < BENCH_COLUMNS; c++)
		for (uint32_t i = 0; i < BENCH_ROUNDS_MAX; i++)
			bench->samples[c][i] = -1;
	for (uint32_t i = 0; i < BENCH_ROUNDS_MAX; i++)
		bench->yards[i] = -1;
	bench->round = bench->until = 0;
	bench->warm = 0;
	bench->mean_rows = 0;
	bench->cut = false;
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

	/* "linux" is "linux2" as well */
	for (; without != NULL && *without != NULL; without++)
		if (strncmp(*without, name, strlen(*without)) == 0 &&
		    strspn(name + strlen(*without), "0123456789") ==
			    strlen(name + strlen(*without)))
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
		bench_summarise(&bench->row->figures[column], &value, 1);
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
