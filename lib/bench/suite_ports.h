/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The parts of suite ports. Each measures one instance of its row: the switch
 * beside the barest loop that does the same. Negative: -errno of what cannot
 * be made here, and the row is left out; bench_fail() is for what is wrong.
 */
#ifndef BENCH_SUITE_PORTS_H
#define BENCH_SUITE_PORTS_H

#include "bench/bench.h"
#include "bench/bench_bare.h"
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

/*
 * What the switch and the barest loop stand between: two taps that each makes,
 * or the near ends of two veths. Hosts send at `ours` and `bare`.
 */
struct bench_sides {
	bool taps;
	const char *ours[2], *bare[2];
	const char *near_ours[2], *near_bare[2]; /* for taps the same */
};
extern const struct bench_sides bench_sides_taps, bench_sides_veths;

/* Both are there, neither moves by a thread yet. To be closed even then. */
int bench_ports_sides(struct bench_ports *ports, struct bench_bare *bare,
		      const struct bench_sides *sides);

/* A row: suite_ports.c, and _capture.c, _trip.c, _tcp.c. */
typedef int bench_ports_fn(struct bench *bench, struct bench_ports *ports,
			   const struct bench_sides *sides);
bench_ports_fn bench_ports_capture, bench_ports_null, bench_ports_trip,
	bench_ports_tcp;

#endif
