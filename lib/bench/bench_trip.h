/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Round trips: a frame goes out at one interface, comes back from a thread that
 * waits at another, and goes out again only then. Everybody sleeps and is woken
 * each time, as with requests in real networks.
 */
#ifndef BENCH_BENCH_TRIP_H
#define BENCH_BENCH_TRIP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct bench_trip {
	int here, there; /* sockets; negative: none */
	pthread_t echo;
	bool runs;
	uint32_t stop; /* atomic */
};

#define BENCH_TRIP_NONE { .here = -1, .there = -1 }

/* -errno; to be closed even then. */
int bench_trip_open(struct bench_trip *trip, const char *here,
		    const char *there);
void bench_trip_close(struct bench_trip *trip);
/* bench_run_fn: there and back, by the wall's clock. */
double bench_trip_run(void *trip, uint64_t repeat);

#endif
