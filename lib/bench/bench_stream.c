/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_stream.h. */
#include "bench/bench_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"

enum {
	PORT = 7777,
	CHUNK = 128 << 10,
	PATIENCE_MS = 10000,
};

static struct sockaddr_in
address_of(uint32_t host)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(PORT) };

	address.sin_addr.s_addr = htonl(0x0a4d0000 + host);
	return address;
}

int
bench_stream_open(struct bench_stream *stream, const struct bench_net *first,
		  const struct bench_net *second)
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

void
bench_stream_close(struct bench_stream *stream)
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
	struct bench_stream *stream = cookie;
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

double
bench_stream_run(void *cookie, uint64_t repeat)
{
	static const uint8_t chunk[CHUNK];
	struct bench_stream *stream = cookie;
	uint64_t left = repeat * BENCH_STREAM_BYTES;
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

int
bench_stream_hosts(const struct bench_net *first,
		   const struct bench_net *second, const char *here,
		   const char *there)
{
	int error = bench_net_enter(first);

	if (error == 0)
		error = bench_net_address(here, 1);
	if (error == 0)
		error = bench_net_enter(second);
	if (error == 0)
		error = bench_net_address(there, 2);
	bench_net_enter(first);
	return error;
}
