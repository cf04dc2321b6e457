/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite ports, TCP: one connection between two taps in two networks, its data
 * through the switch's thread, or through a thread that only reads and writes;
 * both taps with headers, so that data crosses merged.
 */
#include "bench/suite_ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench_bare.h"
#include "bench/bench_net.h"

enum {
	PORT = 7777,
	CHUNK = 128 << 10,
	REPEAT_BYTES = 1 << 20,
	PATIENCE_MS = 10000,
};

struct stream {
	int in, out; /* negative: none */
	uint64_t left; /* for the receiver */
};

static struct sockaddr_in
address_of(uint32_t host)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(PORT) };

	address.sin_addr.s_addr = htonl(0x0a4d0000 + host);
	return address;
}

/* From the first network, where we are, to the second. */
static int
stream_open(struct stream *stream, const struct bench_net *second,
	    const struct bench_net *first)
{
	struct sockaddr_in there = address_of(2);
	int server, error = bench_net_enter(second);
	struct pollfd wait = { .events = POLLIN };

	if (error != 0)
		return error;
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server < 0 ||
	    bind(server, (struct sockaddr *)&there, sizeof(there)) != 0 ||
	    listen(server, 1) != 0) {
		error = -errno;
		goto close;
	}
	error = bench_net_enter(first);
	if (error != 0)
		goto close;
	stream->out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (stream->out < 0 ||
	    connect(stream->out, (struct sockaddr *)&there, sizeof(there)) != 0)
		error = -errno;
	wait.fd = server;
	if (error == 0 && poll(&wait, 1, PATIENCE_MS) == 1) {
		stream->in = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		if (stream->in < 0)
			error = -errno;
	} else if (error == 0) {
		error = -ETIMEDOUT;
	}
close:
	bench_net_enter(first);
	if (server >= 0)
		close(server);
	return error;
}

static void
stream_close(struct stream *stream)
{
	if (stream->in >= 0)
		close(stream->in);
	if (stream->out >= 0)
		close(stream->out);
}

static void *
receive_work(void *cookie)
{
	static __thread uint8_t chunk[CHUNK];
	struct stream *stream = cookie;
	struct pollfd wait = { .fd = stream->in, .events = POLLIN };
	ssize_t n = 1;

	while (stream->left > 0 && n > 0) {
		if (poll(&wait, 1, PATIENCE_MS) != 1)
			break;
		n = recv(stream->in, chunk,
			 stream->left < CHUNK ? stream->left : CHUNK, 0);
		if (n > 0)
			stream->left -= (uint64_t)n;
	}
	/* a sender that nobody reads would wait for ever */
	if (stream->left > 0)
		shutdown(stream->in, SHUT_RDWR);
	return NULL;
}

static double
run_stream(void *cookie, uint64_t repeat)
{
	static const uint8_t chunk[CHUNK];
	struct stream *stream = cookie;
	uint64_t left = repeat * REPEAT_BYTES;
	double start = bench_wall_ns();
	pthread_t receiver;
	ssize_t n;

	stream->left = left;
	if (pthread_create(&receiver, NULL, receive_work, stream) != 0)
		return -1;
	while (left > 0) {
		n = send(stream->out, chunk, left < CHUNK ? left : CHUNK,
			 MSG_NOSIGNAL);
		if (n <= 0)
			break;
		left -= (uint64_t)n;
	}
	if (left > 0)
		shutdown(stream->out, SHUT_RDWR);
	pthread_join(receiver, NULL);
	return left > 0 || stream->left > 0 ? -1 : bench_wall_ns() - start;
}

/* Two taps of those names, each with an address in its own network. */
static int
name_hosts(const struct bench_net *first, const struct bench_net *second,
	   const char *here, const char *there)
{
	int error = bench_net_address(here, 1);

	if (error == 0)
		error = bench_net_enter(second);
	if (error == 0)
		error = bench_net_address(there, 2);
	bench_net_enter(first);
	return error;
}

static int
bare_open(struct bench_bare *loop, const struct bench_net nets[4],
	  struct stream *stream)
{
	int error = bench_net_enter(&nets[2]);

	if (error != 0)
		return error;
	loop->files[0] = bench_net_tap("tcp0", true);
	if (loop->files[0] < 0)
		return loop->files[0];
	error = bench_net_enter(&nets[3]);
	if (error != 0)
		return error;
	loop->files[1] = bench_net_tap("tcp1", true);
	if (loop->files[1] < 0)
		return loop->files[1];
	error = bench_net_enter(&nets[2]);
	if (error == 0)
		error = name_hosts(&nets[2], &nets[3], "tcp0", "tcp1");
	if (error == 0)
		error = bench_bare_start(loop);
	return error != 0 ? error : stream_open(stream, &nets[3], &nets[2]);
}

static int
ours_open(struct bench_ports *ports, const struct bench_net nets[4],
	  struct stream *stream)
{
	int error = bench_ports_open(ports);

	if (error == 0)
		error = bench_net_enter(&nets[0]);
	if (error == 0)
		error = bench_ports_add(ports, "tap:tcp0");
	if (error == 0)
		error = bench_net_enter(&nets[1]);
	if (error == 0)
		error = bench_ports_add(ports, "tap:tcp1");
	if (error == 0)
		error = bench_net_enter(&nets[0]);
	if (error == 0)
		error = name_hosts(&nets[0], &nets[1], "tcp0", "tcp1");
	return error != 0 ? error : stream_open(stream, &nets[1], &nets[0]);
}

int
bench_ports_tcp(struct bench *bench, struct bench_ports *ports)
{
	struct bench_bare loop = { .files = { -1, -1 } };
	struct stream ours = { .in = -1, .out = -1 }, bare = ours;
	struct bench_net nets[4];
	int error = 0, n;

	memset(nets, 0, sizeof(nets));
	for (n = 0; n < 4 && error == 0; n++)
		error = bench_net_open(&nets[n]);
	if (error == 0)
		error = ours_open(ports, nets, &ours);
	if (error == 0)
		error = bare_open(&loop, nets, &bare);
	if (error == 0) {
		bench_row_unit(bench, BENCH_GBPS);
		bench_row_goal(bench, BENCH_GOAL_RATIO, PORTS_SWITCH_BARE, 0.9);
		bench_row_add(bench, PORTS_SWITCH, run_stream, &ours,
			      8.0 * REPEAT_BYTES);
		bench_row_add(bench, PORTS_BARE, run_stream, &bare,
			      8.0 * REPEAT_BYTES);
		bench_row_measure(bench);
	}
	stream_close(&bare);
	stream_close(&ours);
	bench_bare_stop(&loop);
	for (int i = 0; i < 2; i++)
		if (loop.files[i] >= 0)
			close(loop.files[i]);
	while (n-- > 0)
		bench_net_close(&nets[n]);
	return error;
}
