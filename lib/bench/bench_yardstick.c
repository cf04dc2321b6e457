/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How fast the machine itself is at a moment: the time of a fixed piece of
 * arithmetic, looked at before every round. A processor that shares its core
 * with a busy neighbour, or runs at another clock, takes longer for the same;
 * figures of such a moment are of another machine, and only ratios hold. It
 * says when that was so and corrects nothing: goals are judged as ever.
 */
#include "bench/bench_impl.h"

#include <stdlib.h>

enum {
	STEPS = 20000,
	TRIES = 3,
	PER = 1000, /* steps that the figure is of */
};

static const double MOVED = 1.2;

/*
 * Ten additions that need nothing of each other: whoever takes places in the
 * same core, or in its clock, takes them from these.
 */
static void
steps(uint64_t n)
{
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5;
	uint64_t f = 6, g = 7, h = 8, i = 9, j = 10;

	for (; n > 0; n--) {
		a += 1, b += 2, c += 3, d += 4, e += 5;
		f += 6, g += 7, h += 8, i += 9, j += 10;
		__asm__ volatile(""
				 : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e),
				   "+r"(f), "+r"(g), "+r"(h), "+r"(i),
				   "+r"(j));
	}
}

/* The best of some: an interrupt is no speed. */
static double
measured(void)
{
	double best = 0;

	for (int i = 0; i < TRIES; i++) {
		double from = bench_cpu_ns(), ns;

		steps(STEPS);
		ns = (bench_cpu_ns() - from) * PER / STEPS;
		if (i == 0 || ns < best)
			best = ns;
	}
	return best;
}

void
bench_yardstick_look(struct bench *bench, uint32_t round)
{
	double ns = bench->options.yardstick != NULL
			    ? bench->options.yardstick()
			    : measured();

	bench->yards[round] = ns;
	if (bench->yard_count == bench->yard_room) {
		size_t room = bench->yard_room * 2 + 64;
		double *more = realloc(bench->all_yards,
				       room * sizeof(*more));

		if (more == NULL)
			return; /* the row's own is there */
		bench->all_yards = more;
		bench->yard_room = room;
	}
	bench->all_yards[bench->yard_count++] = ns;
}

void
bench_yardstick(struct bench *bench, struct bench_figure *figure)
{
	bench_summarise(figure, bench->all_yards,
			(uint32_t)bench->yard_count);
}

double
bench_moved(const struct bench_figure *yardstick)
{
	return yardstick->rounds > 0 && yardstick->min > 0 &&
			       yardstick->max > yardstick->min * MOVED
		       ? yardstick->max / yardstick->min
		       : 0;
}
