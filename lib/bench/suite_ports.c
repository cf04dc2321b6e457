/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite ports: the userspace switch's ports against the barest loop that does
 * the same to the same files. Rates are of frames of 60 bytes, by the moving
 * thread's own processor time with all that the kernel does in it; frames are
 * put before the ports while the clock stands. Round trips and TCP are by the
 * wall's clock, with the switch's own thread. All but captures are in a network
 * of their own, so root only.
 */
#include "bench/suite_ports.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench_bare.h"
#include "bench/bench_net.h"

enum {
	WAITING = 448, /* frames put before a port; its queue takes them */
};

static const double PATIENCE_NS = 10e9;

/* ---- the switch ---- */

int
bench_ports_open(struct bench_ports *ports)
{
	int error = ebpf_runtime_create(NULL, &ports->rt);

	if (error == 0)
		error = ebpf_vswitch_create(ports->rt, &ports->set);
	if (error == 0)
		error = ebpf_vswitch_ops.create(ports->set, "vale0", 0);
	if (error != 0) {
		snprintf(ports->why, sizeof(ports->why), "no switch: %s",
			 ebpf_error_text(error));
		return -ENOMEM;
	}
	ports->vale = vale_get(ports->set, "vale0");
	return 0;
}

int
bench_ports_add(struct bench_ports *ports, const char *port)
{
	struct ebpf_rep_port_info info;

	return vale_port_add(ports->set, "vale0", "", port, &info, ports->why,
			     sizeof(ports->why)) != 0
		       ? -EIO
		       : 0;
}

void
bench_ports_close(struct bench_ports *ports)
{
	if (ports->vale != NULL)
		vale_put(ports->vale);
	if (ports->set != NULL)
		ebpf_vswitch_destroy(ports->set);
	if (ports->rt != NULL)
		ebpf_runtime_destroy(ports->rt);
	memset(ports, 0, sizeof(*ports));
}

/* All that waits at a port goes where it must; how many frames. */
static uint32_t
forward(struct vale *vale, uint32_t index)
{
	struct vale_port *port = vale->ports[index];
	uint64_t before = vale->ports[!index]->info.tx_frames;
	struct vale_burst burst;

	do {
		vale_move_lock(vale);
		burst.count = 0;
		port->ops->receive(port, &burst, vale->slots);
		vale_forward(vale, &burst);
		if (port->ops->release != NULL)
			port->ops->release(port);
		vale_move_unlock(vale);
	} while (burst.count == VALE_BURST);
	return (uint32_t)(vale->ports[!index]->info.tx_frames - before);
}

/* ---- what they stand between ---- */

const struct bench_sides bench_sides_taps = {
	.taps = true,
	.ours = { "ours0", "ours1" },
	.bare = { "bare0", "bare1" },
	.near_ours = { "ours0", "ours1" },
	.near_bare = { "bare0", "bare1" },
};

const struct bench_sides bench_sides_veths = {
	.ours = { "o0", "p0" },
	.bare = { "r0", "q0" },
	.near_ours = { "o1", "p1" },
	.near_bare = { "r1", "q1" },
};

int
bench_ports_sides(struct bench_ports *ports, struct bench_bare *bare,
		  const struct bench_sides *sides)
{
	char port[32];
	int error = bench_ports_open(ports);

	for (int i = 0; i < 2 && error == 0; i++) {
		if (!sides->taps)
			error = bench_net_veth(sides->ours[i],
					       sides->near_ours[i]);
		if (error == 0 && !sides->taps)
			error = bench_net_veth(sides->bare[i],
					       sides->near_bare[i]);
		if (error == 0)
			error = sides->taps
					? bench_bare_tap(bare, i,
							 sides->near_bare[i],
							 false)
					: bench_bare_interface(
						  bare, i,
						  sides->near_bare[i]);
		snprintf(port, sizeof(port), "%s:%s",
			 sides->taps ? "tap" : "if", sides->near_ours[i]);
		if (error == 0)
			error = bench_ports_add(ports, port);
	}
	return error;
}

/* ---- frames from one side to the other ---- */

/* Somebody who moves what waits, and where it is put before him. */
struct way {
	struct vale *vale; /* NULL: bare */
	struct bench_bare *bare;
	int sender;
};

static uint32_t
move(struct way *way)
{
	return way->vale != NULL ? forward(way->vale, 0)
				 : bench_bare_move(way->bare, 0);
}

/* A repetition is WAITING frames; some may come a moment later. */
static double
run_way(void *cookie, uint64_t repeat)
{
	struct way *way = cookie;
	double spent = 0, start, end = bench_wall_ns() + PATIENCE_NS;

	while (repeat-- > 0) {
		uint32_t moved = 0, got;

		if (bench_net_fill(way->sender, 0, 1, WAITING) != 0)
			return -1;
		do {
			start = bench_cpu_ns();
			got = move(way);
			/* looking in vain is nobody's work */
			if (got > 0)
				spent += bench_cpu_ns() - start;
			moved += got;
			if (got == 0 && bench_wall_ns() > end)
				return -1;
		} while (moved < WAITING);
	}
	return spent;
}

/* The switch learns where host 1 is. */
static int
teach(struct bench_ports *ports, const char *side)
{
	int sender = bench_net_sender(side);

	if (sender < 0)
		return sender;
	if (bench_net_fill(sender, 1, 0, 1) == 0)
		forward(ports->vale, 1);
	close(sender);
	return 0;
}

static int
measure_frames(struct bench *bench, struct bench_ports *ports,
	       const struct bench_sides *sides)
{
	struct bench_bare loop = BENCH_BARE_NONE;
	struct way ours, bare;
	int error = bench_ports_sides(ports, &loop, sides);

	if (error != 0)
		goto close;
	ebpf_vswitch_stop(ports->set); /* its threads: we move */
	ours = (struct way){ .vale = ports->vale };
	bare = (struct way){ .bare = &loop };
	ours.sender = bench_net_sender(sides->ours[0]);
	bare.sender = bench_net_sender(sides->bare[0]);
	error = ours.sender < 0	  ? ours.sender
		: bare.sender < 0 ? bare.sender
				  : teach(ports, sides->ours[1]);
	if (error == 0) {
		bench_row_add(bench, PORTS_SWITCH, run_way, &ours, WAITING);
		bench_row_add(bench, PORTS_BARE, run_way, &bare, WAITING);
		bench_row_measure(bench);
	}
	if (ours.sender >= 0)
		close(ours.sender);
	if (bare.sender >= 0)
		close(bare.sender);
close:
	bench_bare_close(&loop);
	return error;
}

/* ---- rows ---- */

static const struct row {
	const char *name;
	bench_ports_fn *measure;
	bool net; /* in a network of its own */
	const struct bench_sides *sides; /* or NULL */
	enum bench_unit unit;
	double goal; /* how many times as fast as the barest loop */
} rows[] = {
	{ "capture to capture", bench_ports_capture, false, NULL, BENCH_MPS, 1 },
	{ "capture to /dev/null", bench_ports_null, false, NULL, BENCH_MPS, 1 },
	{ "tap to tap", measure_frames, true, &bench_sides_taps, BENCH_MPS,
	  0.9 },
	{ "veth to veth, packet sockets", measure_frames, true,
	  &bench_sides_veths, BENCH_MPS, 0.9 },
	{ "round trip, taps", bench_ports_trip, true, &bench_sides_taps,
	  BENCH_US, 0.9 },
	{ "round trip, veth and packet sockets", bench_ports_trip, true,
	  &bench_sides_veths, BENCH_US, 0.9 },
	{ "TCP, tap to tap", bench_ports_tcp, true, NULL, BENCH_GBPS, 0.9 },
};

static void
skip_both(struct bench *bench, int error, const char *why)
{
	for (uint32_t c = PORTS_SWITCH; c <= PORTS_BARE; c++) {
		if (why[0] != '\0')
			bench_row_skip(bench, c, "%.150s", why);
		else
			bench_row_skip(bench, c, "no such network here: %s%s",
				       strerror(-error),
				       error == -EPERM ? ": only root may"
						       : "");
	}
}

static int
run(struct bench *bench)
{
	static struct bench_ports ports;
	struct bench_net net;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!bench_row_begin(bench, "%s", rows[i].name))
			continue;
		while (bench_row_next(bench, 3)) {
			int error = 0;

			memset(&net, 0, sizeof(net));
			memset(&ports, 0, sizeof(ports));
			bench_row_unit(bench, rows[i].unit);
			bench_row_goal(bench, BENCH_GOAL_RATIO,
				       PORTS_SWITCH_BARE, rows[i].goal);
			if (rows[i].net)
				error = bench_net_open(&net);
			if (error == 0)
				error = rows[i].measure(bench, &ports,
							rows[i].sides);
			if (error < 0)
				skip_both(bench, error, ports.why);
			bench_ports_close(&ports);
			bench_net_close(&net);
		}
	}
	return 0;
}

const struct bench_suite bench_suite_ports = {
	.name = "ports",
	.what = "the switch's ports beside the barest loop",
	.columns = { "switch", "bare" },
	.ratios = {
		[PORTS_SWITCH_BARE] = { PORTS_SWITCH, PORTS_BARE,
					BENCH_FASTER },
	},
	.ratio_count = 1,
	.reference = PORTS_BARE,
	.run = run,
};
