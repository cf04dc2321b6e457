/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite rivals: whole userspace switches as processes, ours beside Open
 * vSwitch and vde_switch where those are installed, and beside the barest loop,
 * which is a thread. Rates are frames of 60 bytes by their processor time, all
 * threads and what the kernel does for them; round trips and TCP by the wall's
 * clock. Each in networks of its own, so root only; what is not installed is
 * left out.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bench_crew.h"
#include "bench/bench_rival.h"
#include "bench/bench_stream.h"
#include "bench/bench_trip.h"

enum { OURS_OVS, OURS_VDE, OURS_BARE };
enum {
	WAITING = 128, /* frames at one time; small queues take them */
	LOOKS = 1000,  /* in vain, before frames count as lost */
	LOOK_US = 100,
};

/*
 * The ends have one processor, the switch another, where what is put onto which
 * matters more than who does the work: anywhere but in TCP, which has threads
 * of the kernel besides.
 */
enum { ENDS, MOVER };

enum what { FRAMES, TRIP, TCP };

static const struct row {
	const char *name;
	enum what what;
	bool taps; /* else packet sockets on veths */
	const char *option; /* of our ports */
	uint32_t goal_on;
	double goal;
} rows[] = {
	{ "tap to tap, beside OVS", FRAMES, true, "", OURS_OVS, 1.8 },
	{ "tap to tap, beside vde_switch", FRAMES, true, "", OURS_VDE, 1.5 },
	{ "tap to tap, ours plain", FRAMES, true, ",plain", OURS_OVS, 1.8 },
	{ "veth to veth", FRAMES, false, "", OURS_OVS, 2.5 },
	{ "veth to veth, ours with xdp", FRAMES, false, ",xdp", OURS_OVS, 2.5 },
	{ "round trip, taps", TRIP, true, "", 0, 0 },
	{ "round trip, veth", TRIP, false, "", 0, 0 },
	{ "TCP, tap to tap", TCP, true, "", 0, 0 },
};

/* One switch, its two networks, and what goes through it. */
struct match {
	struct bench_rival rival;
	struct bench_net nets[2];
	struct bench_trip trip;
	struct bench_stream stream;
	int from, to; /* sockets; negative: none */
	uint64_t lost;
};

/* ---- frames ---- */

/*
 * Until so many have come in all, or nothing comes any more; how many have.
 * Interfaces count for themselves: nobody has to receive frames, which would
 * be part of everybody's time.
 */
static uint64_t
wait_for(const char *name, uint64_t wanted)
{
	struct timespec pause = { 0, LOOK_US * 1000 };
	uint64_t now = bench_net_received(name), before = now;

	for (uint32_t looks = 0; now < wanted && looks < LOOKS; looks++) {
		nanosleep(&pause, NULL);
		now = bench_net_received(name);
		if (now != before)
			looks = 0;
		before = now;
	}
	return now;
}

static double
run_frames(void *cookie, uint64_t repeat)
{
	struct match *match = cookie;
	double start;
	uint64_t wanted = repeat * WAITING, got = 0, at;

	if (bench_net_enter(&match->nets[0]) != 0)
		return -1;
	at = bench_net_received("b0");
	start = bench_rival_cpu_ns(&match->rival);
	while (repeat-- > 0) {
		uint64_t before = at;

		if (bench_net_fill(match->from, 0, 1, WAITING) != 0)
			return -1;
		at = wait_for("b0", before + WAITING);
		got += at - before;
	}
	if (got < wanted)
		match->lost += wanted - got;
	if (got == 0)
		return -1;
	return (bench_rival_cpu_ns(&match->rival) - start) / (double)got *
	       (double)wanted;
}

static int
open_frames(struct match *match, const char *here, const char *there)
{
	match->from = bench_net_sender(here);
	if (match->from < 0)
		return match->from;
	match->to = bench_net_sender(there);
	if (match->to < 0)
		return match->to;
	/* where host 1 is */
	return bench_net_fill(match->to, 1, 0, 1);
}

/* ---- matches ---- */

static void
match_close(struct match *match)
{
	if (match->from >= 0)
		close(match->from);
	if (match->to >= 0)
		close(match->to);
	bench_stream_close(&match->stream);
	bench_trip_close(&match->trip);
	bench_rival_stop(&match->rival);
	bench_net_close(&match->nets[1]);
	bench_net_close(&match->nets[0]);
}

/* The second tap into a network of its own, as TCP needs it. */
static int
open_tcp(struct match *match)
{
	int error = bench_net_open(&match->nets[1]);

	if (error == 0)
		error = bench_net_enter(&match->nets[0]);
	if (error == 0)
		error = bench_net_move("b0", &match->nets[1]);
	if (error == 0)
		error = bench_stream_hosts(&match->nets[0], &match->nets[1],
					   "a0", "b0");
	return error != 0 ? error
			  : bench_stream_open(&match->stream, &match->nets[0],
					      &match->nets[1]);
}

static bool
match_open(struct match *match, const struct row *row,
	   enum bench_rival_kind kind, char *why, size_t why_size)
{
	const char *a = row->taps ? "a0" : "a1", *b = row->taps ? "b0" : "b1";
	int error;

	*match = (struct match){ .trip = BENCH_TRIP_NONE,
				 .stream = BENCH_STREAM_NONE,
				 .from = -1, .to = -1 };
	if (kind == BENCH_RIVAL_VDE && !row->taps) {
		snprintf(why, why_size, "it has no such ports");
		return false;
	}
	error = bench_net_open(&match->nets[0]);
	if (error == 0 && !row->taps)
		error = bench_net_veth("a0", "a1");
	if (error == 0 && !row->taps)
		error = bench_net_veth("b0", "b1");
	if (error == 0) {
		struct bench_pin pin = { .pinned = false };
		bool started;

		if (row->what != TCP)
			bench_pin_to(&pin, MOVER);
		started = bench_rival_start(&match->rival, kind, row->taps,
					    row->option, a, b, why, why_size);
		bench_pin_back(&pin);
		if (!started)
			return false;
	}
	if (error == 0 && row->what == FRAMES)
		error = open_frames(match, "a0", "b0");
	if (error == 0 && row->what == TRIP) {
		struct bench_pin pin;

		bench_pin_to(&pin, ENDS);
		error = bench_trip_open(&match->trip, "a0", "b0");
		bench_pin_back(&pin);
	}
	if (error == 0 && row->what == TCP)
		error = open_tcp(match);
	if (error != 0)
		snprintf(why, why_size, "no such network here: %s%s",
			 strerror(-error),
			 error == -EPERM ? ": only root may" : "");
	return error == 0;
}

static void
add(struct bench *bench, uint32_t column, const struct row *row,
    struct match *match)
{
	switch (row->what) {
	case FRAMES:
		bench_row_add(bench, column, run_frames, match, WAITING);
		break;
	case TRIP:
		bench_row_add(bench, column, bench_trip_run, &match->trip, 1);
		break;
	case TCP:
		bench_row_add(bench, column, bench_stream_run, &match->stream,
			      8.0 * BENCH_STREAM_BYTES);
		break;
	}
}

static void
measure(struct bench *bench, const struct row *row)
{
	static struct match matches[BENCH_RIVALS];
	struct bench_pin pin = { .pinned = false };
	char why[BENCH_TEXT];
	uint64_t lost = 0;

	bench_row_unit(bench, row->what == FRAMES ? BENCH_MPS
			      : row->what == TRIP ? BENCH_US
						  : BENCH_GBPS);
	for (uint32_t c = 0; c < BENCH_RIVALS; c++) {
		if (!bench_wants(bench, c)) {
			matches[c] = (struct match){ .trip = BENCH_TRIP_NONE,
						     .stream =
							     BENCH_STREAM_NONE,
						     .from = -1, .to = -1 };
			bench_row_skip(bench, c, "not asked for");
		} else if (match_open(&matches[c], row, c, why, sizeof(why))) {
			add(bench, c, row, &matches[c]);
		} else {
			bench_row_skip(bench, c, "%s", why);
		}
	}
	if (row->goal != 0)
		bench_row_goal(bench, BENCH_GOAL_RATIO, row->goal_on,
			       row->goal);
	if (row->what != TCP)
		bench_pin_to(&pin, ENDS);
	bench_row_measure(bench);
	bench_pin_back(&pin);
	/* the last that was opened is the first that is left */
	for (uint32_t c = BENCH_RIVALS; c-- > 0;) {
		lost += matches[c].lost;
		match_close(&matches[c]);
	}
	if (lost > 0)
		bench_row_note(bench, "%llu frames were lost",
			       (unsigned long long)lost);
}

static int
run(struct bench *bench)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bench_row_begin(bench, "%s", rows[i].name))
			while (bench_row_next(bench, 1))
				measure(bench, &rows[i]);
	return 0;
}

const struct bench_suite bench_suite_rivals = {
	.name = "rivals",
	.what = "whole switches: frames in a second of processor time, times, "
		"rates",
	.columns = { "gebpf", "ovs", "vde", "bare" },
	.ratios = {
		[OURS_OVS] = { BENCH_RIVAL_OURS, BENCH_RIVAL_OVS,
			       BENCH_FASTER },
		[OURS_VDE] = { BENCH_RIVAL_OURS, BENCH_RIVAL_VDE,
			       BENCH_FASTER },
		[OURS_BARE] = { BENCH_RIVAL_OURS, BENCH_RIVAL_BARE,
				BENCH_FASTER },
	},
	.ratio_count = 3,
	.reference = BENCH_RIVAL_OURS,
	.run = run,
};
