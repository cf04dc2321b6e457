/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A run of suites from the inside: for bench_run.c and bench_svg.c. */
#ifndef BENCH_BENCH_IMPL_H
#define BENCH_BENCH_IMPL_H

#include "bench/bench.h"

/* What ran of one suite. */
struct bench_part {
	const struct bench_suite *suite;
	struct bench_row **rows;
	size_t row_count;
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
	uint32_t round, until; /* of the instance under way */
	double warm; /* operations before each measurement; 0: none */
	uint32_t mean_rows; /* bit of a ratio: the row counts in its mean */
	int error;
	char why[256];
};

#endif
