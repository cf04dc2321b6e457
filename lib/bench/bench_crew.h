/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One and the same work on several threads at once. */
#ifndef BENCH_BENCH_CREW_H
#define BENCH_BENCH_CREW_H

#include "bench/bench.h"

enum { BENCH_HANDS = 2 };

struct bench_crew {
	bench_run_fn *run; /* each thread's, with a cookie of its own */
	void *cookies[BENCH_HANDS];
	uint32_t count; /* 1: the calling thread alone */
	/*
	 * Each on a processor of its own, another each time, and really at the
	 * same time.
	 */
	bool pinned;
	uint32_t turn; /* how often it ran */
};

/* bench_run_fn: what the slowest took; each does it `repeat` times. */
double bench_crew_run(void *crew, uint64_t repeat);

/*
 * The calling thread, and those that it starts from now on, on one processor,
 * the n-th of those that are allowed; and back to what was before.
 */
struct bench_pin {
	uint64_t before[16]; /* of the system's own form */
	bool pinned;
};
void bench_pin_to(struct bench_pin *pin, uint32_t n);
void bench_pin_back(struct bench_pin *pin);

/* Processors that this process may use. */
uint32_t bench_crew_cpus(void);

#endif
