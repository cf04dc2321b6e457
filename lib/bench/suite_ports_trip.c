/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite ports, round trips: there and back through the switch's thread, or
 * through a thread with the barest loop. Whoever moves frames has a processor,
 * both ends have another: left to itself, a scheduler puts them here or there,
 * and that is half of what is measured.
 */
#include "bench/suite_ports.h"

#include "bench/bench_crew.h"
#include "bench/bench_trip.h"

enum { ENDS, MOVER }; /* numbers of processors */

int
bench_ports_trip(struct bench *bench, struct bench_ports *ports,
		 const struct bench_sides *sides)
{
	struct bench_bare loop = BENCH_BARE_NONE;
	struct bench_trip ours = BENCH_TRIP_NONE, bare = BENCH_TRIP_NONE;
	struct bench_pin pin;
	int error;

	bench_pin_to(&pin, MOVER);
	error = bench_ports_sides(ports, &loop, sides);
	if (error == 0)
		error = bench_bare_start(&loop);
	bench_pin_back(&pin);
	bench_pin_to(&pin, ENDS);
	if (error == 0)
		error = bench_trip_open(&ours, sides->ours[0], sides->ours[1]);
	if (error == 0)
		error = bench_trip_open(&bare, sides->bare[0], sides->bare[1]);
	if (error == 0) {
		bench_row_add(bench, PORTS_SWITCH, bench_trip_run, &ours, 1);
		bench_row_add(bench, PORTS_BARE, bench_trip_run, &bare, 1);
		bench_row_measure(bench);
	}
	bench_pin_back(&pin);
	bench_trip_close(&bare);
	bench_trip_close(&ours);
	bench_bare_close(&loop);
	return error;
}
