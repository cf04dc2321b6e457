/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Measuring, once: rounds in which those who are compared take turns, medians
 * and quartiles, ratios, goals, what was left out and why. Knows neither what
 * is measured (suite_*.c) nor how it is shown (cmd/bench.c, bench_svg.c).
 *
 * A suite has columns (who is compared) and ratios between them; its run
 * function goes through its rows:
 *
 *	if (bench_row_begin(bench, "name of the row"))
 *		while (bench_row_next(bench, 3)) {
 *			prepare, then for each column
 *			bench_row_add(bench, COLUMN, run, cookie, operations);
 *			or bench_row_skip(bench, COLUMN, "why");
 *			bench_row_measure(bench);
 *			take down
 *		}
 *
 * Here the rounds are divided among three instances of what is measured: where
 * code and tables happen to lie can matter more than anything that differs from
 * round to round, and belongs to the spread.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	BENCH_COLUMNS = 6,
	BENCH_RATIOS = 5,
	BENCH_ROUNDS_MAX = 101,
	BENCH_TEXT = 160,
};

enum bench_unit {
	BENCH_NS, /* of one operation */
	BENCH_US,
	BENCH_MS,
	BENCH_MPS,   /* million operations a second: more is better */
	BENCH_GBPS,  /* gigabits a second, where an operation is a bit */
	BENCH_BYTES, /* no time: given as it is */
};

/* What a ratio of two columns says. */
enum bench_sense {
	BENCH_TIME,   /* how much of the other's time (or bytes) it takes */
	BENCH_FASTER, /* how many times as fast as the other it is */
};

struct bench_figure { /* in the row's unit */
	double median, q1, q3, min, max;
	uint32_t rounds; /* 0: there is none */
};

enum bench_goal_kind {
	BENCH_GOAL_NONE,
	BENCH_GOAL_RATIO,  /* on ratio number `on` */
	BENCH_GOAL_FIGURE, /* on column number `on` */
};

/* At most that where less is better, else at least. */
struct bench_goal {
	enum bench_goal_kind kind;
	uint32_t on;
	double value;
	bool at_least, reached;
	bool known; /* there is something to judge by */
};

struct bench_row {
	char name[64];
	char note[BENCH_TEXT]; /* "": none */
	enum bench_unit unit;
	bool net; /* of a loop or call around it, measured beside it */
	struct bench_figure figures[BENCH_COLUMNS];
	/* Of the ratios of each round; rounds 0: none. */
	struct bench_figure ratios[BENCH_RATIOS];
	char skipped[BENCH_COLUMNS][BENCH_TEXT]; /* why; "": not skipped */
	struct bench_goal goal;
	/* of the machine, before each of its rounds: see bench_yardstick() */
	struct bench_figure yardstick;
};

/* Of a ratio, over the rows that ask for it. */
struct bench_mean {
	double value;
	uint32_t rows; /* 0: none */
	struct bench_goal goal;
};

struct bench;

struct bench_suite {
	const char *name;
	const char *what; /* "time of one run": what the figures are */
	const char *columns[BENCH_COLUMNS]; /* NULL after the last */
	struct bench_ratio {
		uint8_t of, to; /* columns */
		uint8_t sense;	/* enum bench_sense */
	} ratios[BENCH_RATIOS];
	uint32_t ratio_count;
	uint32_t reference; /* the column that plots scale to */
	/* 0, or a negative error after which nothing else makes sense. */
	int (*run)(struct bench *bench);
	const void *cookie; /* the run function's own: bench_cookie() */
};

/* The suites of gebpf bench, in their order; NULL ends. */
extern const struct bench_suite *const bench_suites[];

struct bench_options {
	uint32_t rounds;    /* 0: 9 */
	uint32_t sample_us; /* roughly how long one measurement is; 0: 4000 */
	const char *rows;   /* part of a name, or a pattern with * ?; NULL: all */
	const char *const *without; /* columns to leave out; NULL ends, or NULL */
	bool list;	    /* measure nothing: name the rows */
	/* Looked at between measurements: end with what there is. Or NULL. */
	bool (*stopped)(void);
	/* Nanoseconds of what bench_yardstick() is about; NULL: measured. */
	double (*yardstick)(void);
};

/*
 * Who is told, as things become known: of a suite with its first row, of rows
 * when they are whole. Rows and means live until bench_destroy().
 */
struct bench_sink {
	void (*suite_begin)(void *cookie, const struct bench_suite *suite,
			    uint32_t rounds);
	void (*row)(void *cookie, const struct bench_suite *suite,
		    const struct bench_row *row);
	void (*suite_end)(void *cookie, const struct bench_suite *suite,
			  const struct bench_mean means[BENCH_RATIOS]);
};

/* ENOMEM, EINVAL for more rounds than BENCH_ROUNDS_MAX. options are copied. */
int bench_create(const struct bench_options *options,
		 const struct bench_sink *sink, void *cookie,
		 struct bench **bench);
void bench_destroy(struct bench *bench); /* NULL is fine */

/* One suite, all rows that were asked for. What its run function returns. */
int bench_run(struct bench *bench, const struct bench_suite *suite);

/* Somebody stopped it: what comes after is not measured. */
bool bench_was_stopped(const struct bench *bench);
/* How many rows there were in all of what ran. */
uint32_t bench_rows(const struct bench *bench);
/*
 * How long a fixed piece of arithmetic took, in nanoseconds: how fast the
 * machine was before each round so far. rounds 0: nothing was measured.
 */
void bench_yardstick(struct bench *bench, struct bench_figure *figure);
/*
 * How many times as long at its slowest as at its fastest; 0 where that is too
 * little to speak of.
 */
double bench_moved(const struct bench_figure *yardstick);
/* Words on the error that bench_run() returned; "" for none. */
const char *bench_why(const struct bench *bench);

bool bench_less_is_better(enum bench_unit unit);
const char *bench_unit_name(enum bench_unit unit); /* "ns", "M/s" */
uint32_t bench_column_count(const struct bench_suite *suite);

/* Everything that ran so far as a picture. EIO. bench_svg.c */
int bench_svg(struct bench *bench, const char *title, FILE *file);

/* ---- for suites ---- */

/*
 * Do it `repeat` times; return the nanoseconds that took, measured with
 * bench_cpu_ns() or, where more than one thread works, bench_wall_ns().
 * Negative: it cannot be done.
 */
typedef double bench_run_fn(void *cookie, uint64_t repeat);

/* This thread's own time: others may have the processor in between. */
double bench_cpu_ns(void);
double bench_wall_ns(void);

const void *bench_cookie(const struct bench *bench);
/* Words on why the suite cannot go on; returns error. */
int bench_fail(struct bench *bench, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Is this column wanted? Where not, rows say so by themselves. */
bool bench_wants(const struct bench *bench, uint32_t column);

/* False: not asked for, go on with the next. Rows start in nanoseconds. */
bool bench_row_begin(struct bench *bench, const char *name, ...)
	__attribute__((format(printf, 2, 3)));
/* True for each instance that is to be measured; at last the row is whole. */
bool bench_row_next(struct bench *bench, uint32_t instances);
void bench_row_unit(struct bench *bench, enum bench_unit unit);
/*
 * So many operations come before each measurement and are not part of it: what
 * the others left in the caches would count for more than what is measured.
 */
void bench_row_warm(struct bench *bench, double operations);
void bench_row_note(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* operations: how many are in one repetition. */
void bench_row_add(struct bench *bench, uint32_t column, bench_run_fn *run,
		   void *cookie, double operations);
/* The same, and what `base` takes is taken off: the loop alone. */
void bench_row_add_net(struct bench *bench, uint32_t column, bench_run_fn *run,
		       void *cookie, bench_run_fn *base, void *base_cookie,
		       double operations);
/* A figure that is no time. */
void bench_row_value(struct bench *bench, uint32_t column, double value);
void bench_row_skip(struct bench *bench, uint32_t column, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));
/* At most this in time or bytes, at least this in speed. */
void bench_row_goal(struct bench *bench, enum bench_goal_kind kind,
		    uint32_t on, double value);
/* The row counts in the mean of a ratio; goal 0: none. */
void bench_row_in_mean(struct bench *bench, uint32_t ratio, double goal);
/* Take turns, for the rounds of this instance. */
void bench_row_measure(struct bench *bench);

#endif
