/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_trip.h. */
#include "bench/bench_trip.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bench_net.h"
#include "core/os.h"

enum { LOOK_US = 100000, PATIENCE = 100 /* looks */ };

/* What comes goes back to whom it came from. */
static void *
echo_work(void *cookie)
{
	struct bench_trip *trip = cookie;
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

int
bench_trip_open(struct bench_trip *trip, const char *here, const char *there)
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

void
bench_trip_close(struct bench_trip *trip)
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

double
bench_trip_run(void *cookie, uint64_t repeat)
{
	struct bench_trip *trip = cookie;
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
