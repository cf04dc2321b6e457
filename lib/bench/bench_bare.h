/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The barest loops that bring frames from one file to another, decide nothing
 * and count nothing but frames: what ports are measured against.
 */
#ifndef BENCH_BENCH_BARE_H
#define BENCH_BENCH_BARE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A packet socket whose ring the kernel fills: TPACKET_V2. */
struct bench_ring {
	int fd;
	uint8_t *at;
	uint32_t next, frames;
};

/* -errno. */
int bench_ring_open(struct bench_ring *ring, const char *name);
void bench_ring_close(struct bench_ring *ring); /* a zeroed one is fine */

/* All that waits goes to the other; how many frames. */
uint32_t bench_bare_files(int from, int to);
uint32_t bench_bare_ring(struct bench_ring *ring, int to);

/* A thread that does the one or the other whenever something comes. */
struct bench_bare {
	int files[2];		    /* taps, or what rings send to */
	struct bench_ring *ring[2]; /* NULL: files */
	pthread_t thread;
	bool runs;
	uint32_t stop; /* atomic */
};
int bench_bare_start(struct bench_bare *bare);
void bench_bare_stop(struct bench_bare *bare);

#endif
