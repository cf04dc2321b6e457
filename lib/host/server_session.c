/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One client of the daemon: read a message whole, hand it to the dispatcher,
 * write the reply whole. Memory grows with the bytes that have come, never
 * with what a header promises; a message that does not come in time, or a
 * reply that is not taken in time, ends the session.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/wire.h"
#include "core/os.h"
#include "host/server_parts.h"

enum {
	SMALL = 64 << 10, /* buffers of this size stay with the session */
};
/* Bytes of all large messages and replies at one time. */
static const uint64_t IN_FLIGHT_MAX = 512ull << 20;

struct buffer {
	uint8_t *data;
	size_t room;
	size_t have; /* requests: bytes that have come, perhaps of two */
	uint64_t charged;
};

static bool
charge(struct server *server, struct buffer *buffer, uint64_t bytes)
{
	if (os_add(&server->in_flight, bytes) > IN_FLIGHT_MAX) {
		os_sub(&server->in_flight, bytes);
		return false;
	}
	buffer->charged += bytes;
	return true;
}

/* Keep at least `keep` bytes of content. */
static int
buffer_grow(struct server *server, struct buffer *buffer, size_t size,
	    size_t keep)
{
	uint8_t *data;

	if (size <= buffer->room)
		return 0;
	if (size > SMALL && !charge(server, buffer, size - buffer->charged))
		return -EBPF_ELIMIT;
	data = malloc(size);
	if (!data)
		return -EBPF_ENOMEM;
	if (keep)
		memcpy(data, buffer->data, keep);
	free(buffer->data);
	buffer->data = data;
	buffer->room = size;
	return 0;
}

/* Give back what is large, unless it holds the start of the next message. */
static void
buffer_shrink(struct server *server, struct buffer *buffer)
{
	if (buffer->room > SMALL && buffer->have <= SMALL) {
		uint8_t *data = NULL;

		if (buffer->have) {
			data = malloc(SMALL);
			if (!data)
				return;
			memcpy(data, buffer->data, buffer->have);
		}
		free(buffer->data);
		buffer->data = data;
		buffer->room = data ? SMALL : 0;
	}
	if (buffer->room > SMALL)
		return;
	if (buffer->charged)
		os_sub(&server->in_flight, buffer->charged);
	buffer->charged = 0;
}

/* ---- one message ---- */

static void
send_error(struct server *server, int fd, uint64_t tag, int error)
{
	struct ebpf_reply reply = {
		.size = sizeof(reply),
		.error = error,
		.tag = tag,
	};

	server_send_all(fd, (uint8_t *)&reply, sizeof(reply),
		 server_deadline(server, sizeof(reply)));
}

void
server_refuse(int fd, int error)
{
	struct ebpf_reply reply = { .size = sizeof(reply), .error = error };

	if (send(fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return; /* it will see the end of the connection instead */
}

/*
 * Have one whole message at the start of request, perhaps with bytes of the
 * next behind it. 0 and its header; 1 at the end of the session. first: a
 * client that connects and says nothing is not waited for.
 */
static int
receive_message(struct server_session *session, struct buffer *request,
		struct ebpf_msg *msg, bool first)
{
	struct server *server = session->server;
	uint64_t end = first ? server_deadline(server, 0) : 0;
	size_t got, want;
	int error;

	error = buffer_grow(server, request, SMALL, 0);
	if (error)
		return 1;
	if (request->have && !end)
		end = server_deadline(server, 0);
	while (request->have < sizeof(*msg)) {
		got = server_receive(session, request->data + request->have,
				   request->room - request->have, end);
		if (!got)
			return 1;
		request->have += got;
		if (request->have < sizeof(*msg) && !end)
			end = server_deadline(server, 0);
	}
	memcpy(msg, request->data, sizeof(*msg));
	/* After any of these nobody knows where the next message starts. */
	error = msg->size < sizeof(*msg) ||
				msg->reply_max < sizeof(struct ebpf_reply) ?
			-EBPF_EPROTO :
		msg->size > EBPF_MSG_MAX ? -EBPF_E2BIG :
					   0;
	if (!error && request->have < msg->size)
		end = server_deadline(server, msg->size);
	while (!error && request->have < msg->size) {
		if (request->have == request->room) {
			want = request->room * 2;
			error = buffer_grow(server, request,
					    want < msg->size ? want :
							       msg->size,
					    request->have);
			if (error)
				break;
		}
		got = server_receive(session, request->data + request->have,
				   request->room - request->have, end);
		if (!got)
			return 1;
		request->have += got;
	}
	if (error) {
		send_error(server, session->fd, msg->tag, error);
		return 1;
	}
	return 0;
}

/* The message has been dealt with: what follows it moves to the start. */
static void
consume(struct buffer *request, const struct ebpf_msg *msg)
{
	request->have -= msg->size;
	if (request->have)
		memmove(request->data, request->data + msg->size,
			request->have);
}

static bool
answer(struct server_session *session, struct ebpf_session *client,
       const struct buffer *request, const struct ebpf_msg *msg,
       struct buffer *reply)
{
	struct server *server = session->server;
	size_t cap, len;
	int error;

	cap = msg->reply_max < EBPF_MSG_MAX ? msg->reply_max : EBPF_MSG_MAX;
	error = buffer_grow(server, reply, cap < SMALL ? SMALL : cap, 0);
	if (error) {
		send_error(server, session->fd, msg->tag, error);
		return true;
	}
	len = ebpf_dispatch(client, request->data, msg->size, reply->data, cap);
	return len && server_send_all(session->fd, reply->data, len,
			       server_deadline(server, len));
}

void *
server_session_main(void *cookie)
{
	struct server_session *session = cookie;
	struct server *server = session->server;
	struct buffer request = { 0 }, reply = { 0 };
	struct ebpf_session *client = NULL;
	struct ebpf_msg msg;
	ssize_t n;
	bool first = true;
	int error;

	error = ebpf_session_open(server->device, session->uid, &client);
	if (error)
		server_refuse(session->fd, error);
	while (!error && !os_load_acquire(&server->stopping)) {
		if (receive_message(session, &request, &msg, first))
			break;
		if (!answer(session, client, &request, &msg, &reply))
			break;
		consume(&request, &msg);
		buffer_shrink(server, &request);
		buffer_shrink(server, &reply);
		first = false;
	}
	ebpf_session_close(client);
	request.have = 0;
	buffer_shrink(server, &request);
	buffer_shrink(server, &reply);
	free(request.data);
	free(reply.data);
	/*
	 * The main thread closes the file, so that nobody else gets its number
	 * before; when the daemon stops it does so last of all.
	 */
	if (!os_load_acquire(&server->stopping))
		shutdown(session->fd, SHUT_RDWR);
	os_store_release(&session->done, 1);
	n = write(server->wake[1], "r", 1);
	(void)n; /* full: somebody else's byte does */
	return NULL;
}
