/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The parts of suite ports. Each measures one instance of its row: the switch
 * beside the barest loop that does the same. Negative: -errno of what cannot
 * be made here, and the row is left out; bench_fail() is for what is wrong.
 */
#ifndef BENCH_SUITE_PORTS_H
#define BENCH_SUITE_PORTS_H

#include "bench/bench.h"
#include "host/vswitch_parts.h"

enum { PORTS_SWITCH, PORTS_BARE };
enum { PORTS_SWITCH_BARE };

/* A switch with two ports. */
struct bench_ports {
	struct ebpf_runtime *rt;
	struct ebpf_vswitch *set;
	struct vale *vale;
	char why[256]; /* what went wrong in words, or "" */
};

int bench_ports_open(struct bench_ports *ports);
/* A port as `gebpf vale add` takes it. */
int bench_ports_add(struct bench_ports *ports, const char *port);
void bench_ports_close(struct bench_ports *ports); /* a zeroed one is fine */

/* suite_ports.c, suite_ports_capture.c, suite_ports_trip.c, suite_ports_tcp.c */
int bench_ports_tap(struct bench *bench, struct bench_ports *ports);
int bench_ports_if(struct bench *bench, struct bench_ports *ports);
int bench_ports_capture(struct bench *bench, struct bench_ports *ports);
int bench_ports_null(struct bench *bench, struct bench_ports *ports);
int bench_ports_tap_trip(struct bench *bench, struct bench_ports *ports);
int bench_ports_if_trip(struct bench *bench, struct bench_ports *ports);
int bench_ports_tcp(struct bench *bench, struct bench_ports *ports);

#endif
