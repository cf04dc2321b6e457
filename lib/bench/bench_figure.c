/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What becomes of numbers: clocks, units, medians and quartiles, ratios and
 * whether a goal was reached. Knows no suite, no row and no round.
 */
#include "bench/bench_impl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	return unit != BENCH_MPS && unit != BENCH_GBPS;
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
	case BENCH_GBPS:
		return "Gbit/s";
	case BENCH_BYTES:
		return "bytes";
	}
	return "";
}

double
bench_in_unit(double ns, enum bench_unit unit)
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
	case BENCH_GBPS:
		return ns > 0 ? 1 / ns : 0;
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

void
bench_summarise(struct bench_figure *figure, double *values, uint32_t n)
{
	memset(figure, 0, sizeof(*figure));
	if (n == 0)
		return;
	qsort(values, n, sizeof(values[0]), by_value);
	figure->min = values[0];
	figure->max = values[n - 1];
	figure->q1 = quantile(values, n, 0.25);
	figure->median = quantile(values, n, 0.5);
	figure->q3 = quantile(values, n, 0.75);
	figure->rounds = n;
}

double
bench_divide(enum bench_sense sense, enum bench_unit unit, double of,
	     double to)
{
	bool invert = (sense == BENCH_FASTER) == bench_less_is_better(unit);

	return invert ? to / of : of / to;
}

void
bench_judge(struct bench_goal *goal, double value)
{
	goal->known = true;
	goal->reached = goal->at_least ? value >= goal->value
				       : value <= goal->value;
}
