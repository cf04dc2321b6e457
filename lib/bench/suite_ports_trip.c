/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite ports, round trips: a frame goes out here, comes back from a thread at
 * the other end, and goes out again only then. Everybody sleeps and is woken
 * each time, as with requests in real networks; there and back through the
 * switch's thread, or through a thread with the barest loop.
 */
#include "bench/suite_ports.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/bench_bare.h"
#include "bench/bench_net.h"
#include "core/os.h"

enum { LOOK_US = 100000, PATIENCE = 100 /* looks */ };

struct trip {
	int here, there; /* sockets; negative: none */
	pthread_t echo;
	bool runs;
	uint32_t stop; /* atomic */
};

/* What comes goes back to whom it came from. */
static void *
echo_work(void *cookie)
{
	struct trip *trip = cookie;
	uint8_t frame[2048], mac[6];
	ssize_t n;

	while (!os_load_acquire(&trip->stop)) {
		n = recv(trip->there, frame, sizeof(frame), 0);
		if (n < BENCH_FRAME)
			continue;
		memcpy(mac, frame, 6);
		memcpy(frame, frame + 6, 6);
		memcpy(frame + 6, mac, 6);
		if (send(trip->there, frame, (size_t)n, 0) != n)
			break;
	}
	return NULL;
}

static int
look_often(int fd)
{
	struct timeval time = { .tv_usec = LOOK_US };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) != 0
		       ? -errno
		       : 0;
}

static int
trip_open(struct trip *trip, const char *here, const char *there)
{
	int error;

	memset(trip, 0, sizeof(*trip));
	trip->here = bench_net_socket(here, true);
	trip->there = bench_net_socket(there, true);
	if (trip->here < 0 || trip->there < 0)
		return trip->here < 0 ? trip->here : trip->there;
	error = look_often(trip->here);
	if (error == 0)
		error = look_often(trip->there);
	if (error == 0)
		error = -pthread_create(&trip->echo, NULL, echo_work, trip);
	trip->runs = error == 0;
	return error;
}

static void
trip_close(struct trip *trip)
{
	if (trip->runs) {
		os_store_release(&trip->stop, 1);
		pthread_join(trip->echo, NULL);
	}
	if (trip->here >= 0)
		close(trip->here);
	if (trip->there >= 0)
		close(trip->there);
}

static double
run_trip(void *cookie, uint64_t repeat)
{
	struct trip *trip = cookie;
	uint8_t frame[BENCH_FRAME], back[2048];
	double start = bench_wall_ns();
	uint32_t looks;

	bench_net_frame(frame, 0, 1);
	while (repeat-- > 0) {
		if (send(trip->here, frame, sizeof(frame), 0) < 0)
			return -1;
		looks = 0;
		while (recv(trip->here, back, sizeof(back), 0) < 0)
			if (++looks > PATIENCE)
				return -1; /* it was lost */
	}
	return bench_wall_ns() - start;
}

static void
measure_trips(struct bench *bench, struct trip *ours, struct trip *bare)
{
	bench_row_unit(bench, BENCH_US);
	bench_row_goal(bench, BENCH_GOAL_RATIO, PORTS_SWITCH_BARE, 0.9);
	bench_row_add(bench, PORTS_SWITCH, run_trip, ours, 1);
	bench_row_add(bench, PORTS_BARE, run_trip, bare, 1);
	bench_row_measure(bench);
}

int
bench_ports_tap_trip(struct bench *bench, struct bench_ports *ports)
{
	struct bench_bare loop = { .files = { bench_net_tap("bare0", false),
					      bench_net_tap("bare1", false) } };
	struct trip ours = { .here = -1, .there = -1 }, bare = ours;
	int error = loop.files[0] < 0	? loop.files[0]
		    : loop.files[1] < 0 ? loop.files[1]
					: bench_ports_open(ports);

	if (error == 0)
		error = bench_ports_add(ports, "tap:ours0");
	if (error == 0)
		error = bench_ports_add(ports, "tap:ours1");
	if (error == 0)
		error = trip_open(&ours, "ours0", "ours1");
	if (error == 0)
		error = trip_open(&bare, "bare0", "bare1");
	if (error == 0)
		error = bench_bare_start(&loop);
	if (error == 0)
		measure_trips(bench, &ours, &bare);
	bench_bare_stop(&loop);
	trip_close(&bare);
	trip_close(&ours);
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
	struct trip ours = { .here = -1, .there = -1 }, bare = ours;
	int error = 0;

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
		error = trip_open(&ours, "o0", "p0");
	if (error == 0)
		error = trip_open(&bare, "r0", "q0");
	if (error == 0)
		error = bench_bare_start(&loop);
	if (error == 0)
		measure_trips(bench, &ours, &bare);
	bench_bare_stop(&loop);
	trip_close(&bare);
	trip_close(&ours);
	for (int i = 0; i < 2; i++)
		bench_ring_close(&rings[i]);
	return error;
}
