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
	uint8_t *at; /* NULL: there is none */
	uint32_t next, frames;
};

/* Both ways between two taps, or two interfaces that are there. */
struct bench_bare {
	int files[2]; /* taps, or the rings' sockets; negative: none */
	struct bench_ring rings[2];
	pthread_t thread;
	bool runs;
	uint32_t stop; /* atomic */
};

#define BENCH_BARE_NONE { .files = { -1, -1 } }

/* Side 0 or 1: a tap that it makes, or a ring. -errno; to be closed even then. */
int bench_bare_tap(struct bench_bare *bare, int side, const char *name,
		   bool headers);
int bench_bare_interface(struct bench_bare *bare, int side, const char *name);
/* All that waits at a side goes to the other; how many frames. */
uint32_t bench_bare_move(struct bench_bare *bare, int side);
/* A thread that does it whenever something comes; -errno. */
int bench_bare_start(struct bench_bare *bare);
/* The thread ends, then what it moves between is closed. */
void bench_bare_close(struct bench_bare *bare);

#endif
