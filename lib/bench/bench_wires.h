/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A userspace switch with two pair ports whose other ends are here, and
 * 60-byte frames that go through it from the first to the second: for suites
 * vale and threads.
 */
#ifndef BENCH_BENCH_WIRES_H
#define BENCH_BENCH_WIRES_H

#include "bench/bench_program.h"
#include "host/vswitch_parts.h"

/* How a frame's way is decided. */
enum bench_wires_way {
	BENCH_WIRES_LEARN,
	BENCH_WIRES_CONSTANT, /* a program that returns 1 */
	BENCH_WIRES_BRIDGE,   /* the learning bridge of the examples */
};

/* Who moves frames. */
enum bench_wires_mover {
	BENCH_WIRES_US,	     /* whoever calls bench_wires_alone() */
	BENCH_WIRES_ITS_OWN, /* the switch's threads */
	BENCH_WIRES_COPY,    /* as the first, without a decision */
};

enum {
	BENCH_WIRES_FRAMES = 8192,   /* in one repetition; they fit a ring */
	BENCH_WIRES_HOSTS_MAX = 512, /* a side: what the example's table holds */
};

/* It has a runtime of its own: there is one set of switches in each. */
struct bench_wires {
	struct bench_home home;
	struct ebpf_prog *prog; /* NULL: learning */
	struct ebpf_vswitch *set;
	struct vale *vale;
	struct ebpf_pair_end *from, *to;
	struct ebpf_link *link;
	uint32_t hosts;
	enum bench_wires_mover mover;
	uint32_t lost; /* frames that did not arrive */
};

/* With all hosts of the second side known. Says why it fails. */
int bench_wires_open(struct bench *bench, enum bench_wires_way way,
		     enum bench_wires_mover mover, uint32_t hosts,
		     struct bench_wires *wires);
void bench_wires_close(struct bench_wires *wires);

/* bench_run_fn with wires: the data path alone, its ends not timed. */
double bench_wires_alone(void *wires, uint64_t repeat);
/* The wall's time, ends and all, with the switch's own threads. */
double bench_wires_threads(void *wires, uint64_t repeat);

#endif
