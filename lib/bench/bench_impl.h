/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A run of suites from the inside: for bench_run.c, bench_measure.c,
 * bench_figure.c, bench_yardstick.c and bench_svg.c.
 */
#ifndef BENCH_BENCH_IMPL_H
#define BENCH_BENCH_IMPL_H

#include "bench/bench.h"

/* What ran of one suite. */
struct bench_part {
	const struct bench_suite *suite;
	struct bench_row **rows;
	size_t row_count;
	bool begun; /* of which the sink was told */
	struct bench_mean means[BENCH_RATIOS];
	struct bench_part *next;
};

/* Somebody of the row that is under way. */
struct bench_turn {
	bench_run_fn *run, *base;
	void *cookie, *base_cookie;
	double operations;
	uint64_t repeat, base_repeat;
};

struct bench {
	struct bench_options options;
	const struct bench_sink *sink;
	void *cookie;
	struct bench_part *parts, **last;
	struct bench_part *part; /* under way; NULL: none */
	struct bench_row *row;	 /* under way; NULL: none */
	struct bench_turn turns[BENCH_COLUMNS];
	/* in the row's unit; negative: none in that round */
	double samples[BENCH_COLUMNS][BENCH_ROUNDS_MAX];
	double yards[BENCH_ROUNDS_MAX]; /* of the machine, before each round */
	double *all_yards; /* of all rows, in no order */
	size_t yard_count, yard_room;
	uint32_t round, until; /* of the instance under way */
	double warm; /* operations before each measurement; 0: none */
	uint32_t mean_rows; /* bit of a ratio: the row counts in its mean */
	bool stopped;
	bool cut; /* the row under way was stopped before its last round */
	int error;
	char why[256];
};

/* ---- bench_figure.c ---- */

double bench_in_unit(double ns, enum bench_unit unit);
/* n 0: no figure. The values are sorted. */
void bench_summarise(struct bench_figure *figure, double *values, uint32_t n);
/* Above 1: the first takes more time, or is faster, as the sense has it. */
double bench_divide(enum bench_sense sense, enum bench_unit unit, double of,
		    double to);
void bench_judge(struct bench_goal *goal, double value);

/* ---- bench_yardstick.c ---- */

/* Before a round of the row under way. */
void bench_yardstick_look(struct bench *bench, uint32_t round);

#endif
