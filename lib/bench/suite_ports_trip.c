/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite ports, round trips: there and back through the switch's thread, or
 * through a thread with the barest loop. Whoever moves frames has a processor,
 * both ends have another: left to itself, a scheduler puts them here or there,
 * and that is half of what is measured.
 */
#include "bench/suite_ports.h"

#include <unistd.h>

#include "bench/bench_bare.h"
#include "bench/bench_crew.h"
#include "bench/bench_net.h"
#include "bench/bench_trip.h"

enum { ENDS, MOVER }; /* numbers of processors */

static void
measure_trips(struct bench *bench, struct bench_trip *ours, struct bench_trip *bare)
{
	bench_row_unit(bench, BENCH_US);
	bench_row_goal(bench, BENCH_GOAL_RATIO, PORTS_SWITCH_BARE, 0.9);
	bench_row_add(bench, PORTS_SWITCH, bench_trip_run, ours, 1);
	bench_row_add(bench, PORTS_BARE, bench_trip_run, bare, 1);
	bench_row_measure(bench);
}

int
bench_ports_tap_trip(struct bench *bench, struct bench_ports *ports)
{
	struct bench_bare loop = { .files = { bench_net_tap("bare0", false),
					      bench_net_tap("bare1", false) } };
	struct bench_trip ours = BENCH_TRIP_NONE, bare = BENCH_TRIP_NONE;
	int error = loop.files[0] < 0	? loop.files[0]
		    : loop.files[1] < 0 ? loop.files[1]
					: 0;
	struct bench_pin pin;

	bench_pin_to(&pin, MOVER);
	if (error == 0)
		error = bench_ports_open(ports);
	if (error == 0)
		error = bench_ports_add(ports, "tap:ours0");
	if (error == 0)
		error = bench_ports_add(ports, "tap:ours1");
	if (error == 0)
		error = bench_bare_start(&loop);
	bench_pin_back(&pin);
	bench_pin_to(&pin, ENDS);
	if (error == 0)
		error = bench_trip_open(&ours, "ours0", "ours1");
	if (error == 0)
		error = bench_trip_open(&bare, "bare0", "bare1");
	if (error == 0)
		measure_trips(bench, &ours, &bare);
	bench_pin_back(&pin);
	bench_bare_stop(&loop);
	bench_trip_close(&bare);
	bench_trip_close(&ours);
	for (int i = 0; i < 2; i++)
		if (loop.files[i] >= 0)
			close(loop.files[i]);
	return error;
}

int
bench_ports_if_trip(struct bench *bench, struct bench_ports *ports)
{
	static const char *const pairs[4][2] = {
		{ "r0", "r1" }, { "q0", "q1" }, { "o0", "o1" }, { "p0", "p1" }
	};
	struct bench_ring rings[2] = { { .fd = 0 }, { .fd = 0 } };
	struct bench_bare loop = { .ring = { &rings[0], &rings[1] },
				   .files = { -1, -1 } };
	struct bench_trip ours = BENCH_TRIP_NONE, bare = BENCH_TRIP_NONE;
	struct bench_pin pin;
	int error = 0;

	bench_pin_to(&pin, MOVER);
	for (int i = 0; i < 4 && error == 0; i++)
		error = bench_net_veth(pairs[i][0], pairs[i][1]);
	for (int i = 0; i < 2 && error == 0; i++) {
		error = bench_ring_open(&rings[i], pairs[i][1]);
		loop.files[i] = rings[i].fd;
	}
	if (error == 0)
		error = bench_ports_open(ports);
	if (error == 0)
		error = bench_ports_add(ports, "if:o1");
	if (error == 0)
		error = bench_ports_add(ports, "if:p1");
	if (error == 0)
		error = bench_bare_start(&loop);
	bench_pin_back(&pin);
	bench_pin_to(&pin, ENDS);
	if (error == 0)
		error = bench_trip_open(&ours, "o0", "p0");
	if (error == 0)
		error = bench_trip_open(&bare, "r0", "q0");
	if (error == 0)
		measure_trips(bench, &ours, &bare);
	bench_pin_back(&pin);
	bench_bare_stop(&loop);
	bench_trip_close(&bare);
	bench_trip_close(&ours);
	for (int i = 0; i < 2; i++)
		bench_ring_close(&rings[i]);
	return error;
}
