/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Userspace switches as processes of their own, ours like the others', in the
 * network of the calling thread: started with two ports, ended again. Those
 * that are not installed are no error of anybody's. And the barest loop, a
 * thread of this process, for what a switch could at best be.
 */
#ifndef BENCH_BENCH_RIVAL_H
#define BENCH_BENCH_RIVAL_H

#include <stddef.h>
#include <sys/types.h>

#include "bench/bench_bare.h"
#include "bench/bench_daemon.h"

enum bench_rival_kind {
	BENCH_RIVAL_OURS,
	BENCH_RIVAL_OVS, /* Open vSwitch with its userspace datapath */
	BENCH_RIVAL_VDE, /* vde_switch: taps only */
	BENCH_RIVAL_BARE,
	BENCH_RIVALS,
};

struct bench_rival {
	enum bench_rival_kind kind;
	struct bench_daemon ours;
	pid_t pids[2];	  /* the first moves frames; 0: none */
	int input;	  /* the end of a pipe that keeps it alive; 0: none */
	char folder[128]; /* "": none */
	struct bench_bare bare;
};

/*
 * taps: it makes two of those names; else they are interfaces that are there.
 * option: what ours says behind their names. False, with words in why. To be stopped even then.
 */
bool bench_rival_start(struct bench_rival *rival, enum bench_rival_kind kind,
		       bool taps, const char *option, const char *a,
		       const char *b, char *why, size_t why_size);
void bench_rival_stop(struct bench_rival *rival); /* a zeroed one is fine */

/* Processor time of all its threads so far, with the kernel's for it. */
double bench_rival_cpu_ns(const struct bench_rival *rival);

#endif
