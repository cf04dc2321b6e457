/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One TCP connection between two networks that somebody connects by taps. */
#ifndef BENCH_BENCH_STREAM_H
#define BENCH_BENCH_STREAM_H

#include "bench/bench_net.h"

enum { BENCH_STREAM_BYTES = 1 << 20 }; /* in one repetition */

struct bench_stream {
	int in, out;   /* negative: none */
	uint64_t left; /* for the receiver */
};

#define BENCH_STREAM_NONE { .in = -1, .out = -1 }

/*
 * Give the taps of those names, one in each network, their addresses; then
 * connect from the first to the second. Both leave us in the first. -errno.
 */
int bench_stream_hosts(const struct bench_net *first,
		       const struct bench_net *second, const char *here,
		       const char *there);
int bench_stream_open(struct bench_stream *stream,
		      const struct bench_net *first,
		      const struct bench_net *second);
void bench_stream_close(struct bench_stream *stream);
/* bench_run_fn: by the wall's clock, until all has come. */
double bench_stream_run(void *stream, uint64_t repeat);

#endif
