/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A network of one's own for a measurement, gone when it is closed: taps,
 * veths, sockets on them, and frames of 60 bytes. Linux only, root only. All
 * functions return -errno where they fail.
 */
#ifndef BENCH_BENCH_NET_H
#define BENCH_BENCH_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_FRAME = 60 };

/* Networks are those of a thread, and of the threads that it starts. */
struct bench_net {
	int before, own; /* descriptors */
};

/* Make one and be in it. A second one is closed before the first. */
int bench_net_open(struct bench_net *net);
int bench_net_enter(const struct bench_net *net);
void bench_net_close(struct bench_net *net); /* a zeroed one is fine */

/* A tap's descriptor, nonblocking; headers: with those of virtio. */
int bench_net_tap(const char *name, bool headers);
int bench_net_veth(const char *a, const char *b);
int bench_net_up(const char *name);
/* Into another network, where it is down again. */
int bench_net_move(const char *name, const struct bench_net *to);
/* 10.77.0.HOST with a network of 24 bits. */
int bench_net_address(const char *name, uint32_t host);

/* A packet socket that only sends: nothing is queued for it. */
int bench_net_sender(const char *name);
/* One that receives, but not what others send there. */
int bench_net_socket(const char *name, bool wait);

/* Frames that came in at an interface so far, whoever wanted them. */
uint64_t bench_net_received(const char *name);

/* From host 02::FROM to host 02::TO, of a type for local experiments. */
void bench_net_frame(uint8_t frame[BENCH_FRAME], uint32_t from, uint32_t to);
/* Put so many before whoever listens there. */
int bench_net_fill(int sender, uint32_t from, uint32_t to, uint32_t count);

#endif
