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

/* ---- frames from one port to the other ---- */

/* Somebody who moves what waits, and where it is put before him. */
struct way {
	struct vale *vale; /* NULL: bare */
	struct bench_ring *ring; /* NULL: files */
	int from, to;
	int sender;
};

static uint32_t
move(struct way *way)
{
	if (way->vale != NULL)
		return forward(way->vale, 0);
	return way->ring != NULL ? bench_bare_ring(way->ring, way->to)
				 : bench_bare_files(way->from, way->to);
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

static void
measure_ways(struct bench *bench, struct bench_ports *ports, struct way *ours,
	     struct way *bare)
{
	ebpf_vswitch_stop(ports->set); /* its threads: we move */
	/* the switch knows where host 1 is */
	if (bench_net_fill(ours->to, 1, 0, 1) == 0)
		forward(ours->vale, 1);
	bench_row_unit(bench, BENCH_MPS);
	bench_row_goal(bench, BENCH_GOAL_RATIO, PORTS_SWITCH_BARE, 0.9);
	bench_row_add(bench, PORTS_SWITCH, run_way, ours, WAITING);
	bench_row_add(bench, PORTS_BARE, run_way, bare, WAITING);
	bench_row_measure(bench);
}

static void
close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* The first that is an error, or 0. */
static int
first_error(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] < 0)
			return fds[i];
	return 0;
}

int
bench_ports_tap(struct bench *bench, struct bench_ports *ports)
{
	int fds[5] = { bench_net_tap("bare0", false),
		       bench_net_tap("bare1", false), -1, -1, -1 };
	struct way ours, bare;
	int error = first_error(fds, 2);

	if (error == 0)
		error = bench_ports_open(ports);
	if (error == 0)
		error = bench_ports_add(ports, "tap:ours0");
	if (error == 0)
		error = bench_ports_add(ports, "tap:ours1");
	if (error != 0)
		goto out;
	fds[2] = bench_net_sender("bare0");
	fds[3] = bench_net_sender("ours0");
	fds[4] = bench_net_sender("ours1");
	error = first_error(fds, 5);
	if (error != 0)
		goto out;
	bare = (struct way){ .from = fds[0], .to = fds[1], .sender = fds[2] };
	ours = (struct way){ .vale = ports->vale, .to = fds[4],
			     .sender = fds[3] };
	measure_ways(bench, ports, &ours, &bare);
out:
	close_all(fds, 5);
	return error;
}

int
bench_ports_if(struct bench *bench, struct bench_ports *ports)
{
	struct bench_ring ring = { .fd = 0 };
	int fds[4] = { -1, -1, -1, -1 };
	struct way ours, bare;
	int error = bench_net_veth("r0", "r1");

	if (error == 0)
		error = bench_net_veth("q0", "q1");
	if (error == 0)
		error = bench_net_veth("o0", "o1");
	if (error == 0)
		error = bench_net_veth("p0", "p1");
	if (error == 0)
		error = bench_ring_open(&ring, "r1");
	if (error == 0)
		error = bench_ports_open(ports);
	if (error == 0)
		error = bench_ports_add(ports, "if:o1");
	if (error == 0)
		error = bench_ports_add(ports, "if:p1");
	if (error != 0)
		goto out;
	fds[0] = bench_net_sender("r0");
	fds[1] = bench_net_sender("q1");
	fds[2] = bench_net_sender("o0");
	fds[3] = bench_net_sender("p0");
	error = first_error(fds, 4);
	if (error != 0)
		goto out;
	bare = (struct way){ .ring = &ring, .to = fds[1], .sender = fds[0] };
	ours = (struct way){ .vale = ports->vale, .to = fds[3],
			     .sender = fds[2] };
	measure_ways(bench, ports, &ours, &bare);
out:
	close_all(fds, 4);
	bench_ring_close(&ring);
	return error;
}

/* ---- rows ---- */

static const struct row {
	const char *name;
	int (*measure)(struct bench *bench, struct bench_ports *ports);
	bool net; /* in a network of its own */
} rows[] = {
	{ "capture to capture", bench_ports_capture, false },
	{ "capture to /dev/null", bench_ports_null, false },
	{ "tap to tap", bench_ports_tap, true },
	{ "veth to veth, packet sockets", bench_ports_if, true },
	{ "round trip, taps", bench_ports_tap_trip, true },
	{ "round trip, veth and packet sockets", bench_ports_if_trip, true },
	{ "TCP, tap to tap", bench_ports_tcp, true },
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
			if (rows[i].net)
				error = bench_net_open(&net);
			if (error == 0)
				error = rows[i].measure(bench, &ports);
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
