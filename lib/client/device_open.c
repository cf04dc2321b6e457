/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device handle: which target is meant, the framing of requests, the
 * checking of replies. Knows no socket and no ioctl (transport.h does) and no
 * request but HELLO and STOP. What a device answers is not trusted: every
 * length is checked before it is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/gebpf.h"
#include "client/transport.h"

enum {
	REPLY_SLACK = 512, /* for bodies that have grown since we were made */
	EMPTY_SLACK = 64,  /* and for those that had nothing in them */
	BUFFER_KEEP = 256 << 10, /* larger buffers are given back */
	HELLO_MS = 10000,
	OPEN_ATTEMPTS = 5,
	OPEN_DROPPED_MS = 500,
	OPEN_PAUSE_US = 20000,
	STOP_MS = 10000,
};

struct buffer {
	uint8_t *data;
	size_t room;
};

struct gebpf_device {
	const struct gebpf_transport *transport;
	void *state;
	bool broken; /* nothing can be asked any more */
	uint64_t tag;
	struct buffer request, reply;
	struct ebpf_rep_hello hello;
	char target[GEBPF_TARGET_SIZE];
};

static const struct gebpf_transport *const transports[] = {
	&gebpf_transport_chardev,
	&gebpf_transport_socket,
	&gebpf_transport_local,
};

static int
buffer_reserve(struct buffer *buffer, size_t size)
{
	uint8_t *data;

	if (size <= buffer->room)
		return 0;
	/* Old content is of no use: do not copy it. */
	data = malloc(size);
	if (!data)
		return -EBPF_ENOMEM;
	free(buffer->data);
	buffer->data = data;
	buffer->room = size;
	return 0;
}

static void
buffer_trim(struct buffer *buffer)
{
	if (buffer->room <= BUFFER_KEEP)
		return;
	free(buffer->data);
	buffer->data = NULL;
	buffer->room = 0;
}

/* The whole request in device->request. */
static int
frame(struct gebpf_device *device, const struct gebpf_call *call,
      size_t reply_cap, size_t *len)
{
	struct ebpf_msg msg = {
		.reply_max = (uint32_t)reply_cap,
		.number = (uint16_t)call->number,
		.tag = ++device->tag,
	};
	uint32_t body_size = (uint32_t)call->req_len;
	size_t total = sizeof(msg) + call->req_len;
	uint8_t *at;
	size_t i;
	int error;

	if (call->req_len < sizeof(body_size) || call->req_len > EBPF_MSG_MAX)
		return -EBPF_EINVAL;
	for (i = 0; i < sizeof(call->in) / sizeof(call->in[0]); i++) {
		if (call->in[i].len > EBPF_MSG_MAX - total)
			return -EBPF_E2BIG;
		total += call->in[i].len;
	}
	error = buffer_reserve(&device->request, total);
	if (error)
		return error;

	msg.size = (uint32_t)total;
	at = device->request.data;
	memcpy(at, &msg, sizeof(msg));
	at += sizeof(msg);
	memcpy(at, call->req, call->req_len);
	memcpy(at, &body_size, sizeof(body_size));
	at += call->req_len;
	for (i = 0; i < sizeof(call->in) / sizeof(call->in[0]); i++) {
		if (call->in[i].len)
			memcpy(at, call->in[i].data, call->in[i].len);
		at += call->in[i].len;
	}
	*len = total;
	return 0;
}

/* Take the reply apart into the caller's body and room. */
static int
unframe(struct gebpf_device *device, struct gebpf_call *call, size_t len)
{
	const uint8_t *data = device->reply.data;
	struct ebpf_reply head;
	uint32_t body;
	size_t left, take;

	if (len < sizeof(head))
		return -EBPF_EPROTO;
	memcpy(&head, data, sizeof(head));
	if (head.size != len || head.error > 0)
		return -EBPF_EPROTO;
	/* A server that turns us away has not read a tag. */
	if (head.tag != device->tag) {
		device->broken = true;
		if (head.tag == 0 && head.error && len == sizeof(head))
			return head.error;
		return -EBPF_EPROTO;
	}
	data += sizeof(head);
	left = len - sizeof(head);
	if (!left)
		return head.error || !call->rep_len ? head.error :
						      -EBPF_EPROTO;
	if (left < sizeof(body))
		return -EBPF_EPROTO;
	memcpy(&body, data, sizeof(body));
	if (body < sizeof(body) || body > left)
		return -EBPF_EPROTO;
	if (call->rep) {
		take = body < call->rep_len ? body : call->rep_len;
		memset(call->rep, 0, call->rep_len);
		memcpy(call->rep, data, take);
	}
	data += body;
	left -= body;
	/* The device may fill the slack that frame() offered; we do not ask. */
	if (left > call->out_room)
		left = call->out_room;
	if (left && call->out)
		memcpy(call->out, data, left);
	call->out_len = call->out ? left : 0;
	return head.error;
}

int
gebpf_request(struct gebpf_device *device, struct gebpf_call *call)
{
	size_t cap, len, got = 0;
	int error;

	call->out_len = 0;
	if (device->broken)
		return -EBPF_EBADF;
	cap = sizeof(struct ebpf_reply) +
	      (call->rep_len > sizeof(struct ebpf_rep_none) ? REPLY_SLACK :
							      EMPTY_SLACK);
	if (call->rep_len > EBPF_MSG_MAX - cap ||
	    call->out_room > EBPF_MSG_MAX - cap - call->rep_len)
		return -EBPF_E2BIG;
	if (call->exact)
		cap = sizeof(struct ebpf_reply);
	cap += call->rep_len + call->out_room;

	error = frame(device, call, cap, &len);
	if (!error)
		error = buffer_reserve(&device->reply, cap);
	if (error)
		return error;
	error = device->transport->exchange(device->state,
					    device->request.data, len,
					    device->reply.data, cap, &got);
	if (error) {
		device->broken = true;
		return error;
	}
	error = unframe(device, call, got);
	if (error == -EBPF_EPROTO)
		call->out_len = 0;
	buffer_trim(&device->request);
	buffer_trim(&device->reply);
	return error;
}

int
gebpf_ask(struct gebpf_device *device, enum ebpf_request number,
	  const void *req, size_t req_len, void *rep, size_t rep_len)
{
	struct gebpf_call call = {
		.number = number,
		.req = req,
		.req_len = req_len,
		.rep = rep,
		.rep_len = rep_len,
	};

	return gebpf_request(device, &call);
}

static int
hello(struct gebpf_device *device, struct gebpf_error *err)
{
	struct ebpf_req_hello req = { .version = EBPF_WIRE_VERSION };
	const struct gebpf_transport *transport = device->transport;
	int error;

	if (transport->limit)
		transport->limit(device->state, HELLO_MS);
	error = gebpf_ask(device, EBPF_REQUEST_HELLO, &req, sizeof(req),
			  &device->hello, sizeof(device->hello));
	if (transport->limit)
		transport->limit(device->state, 0);
	if (!error && device->hello.version != EBPF_WIRE_VERSION)
		error = -EBPF_EVERSION;
	/* They go to the terminal as they are. */
	device->hello.release[sizeof(device->hello.release) - 1] = '\0';
	device->hello.jit[sizeof(device->hello.jit) - 1] = '\0';

	switch (-error) {
	case 0:
		return 0;
	case EBPF_EVERSION:
		gebpf_fail(err, error,
			   "device %s speaks version %u, this gebpf %u",
			   device->target, device->hello.version,
			   EBPF_WIRE_VERSION);
		gebpf_hint(err, "stop the device and start it again with this "
				"gebpf, or use the gebpf it came with");
		return error;
	case EBPF_EACCES:
	case EBPF_EPERM:
		gebpf_fail(err, -EBPF_EACCES,
			   "device %s: access denied: it serves only its "
			   "owner and root", device->target);
		gebpf_hint(err, "use your own device: -t embedded, or "
				"-t embedded:SOCKET");
		return -EBPF_EACCES;
	case EBPF_ELIMIT:
		gebpf_fail(err, error, "device %s: too many clients",
			   device->target);
		gebpf_hint(err, "wait for other commands to end");
		return error;
	case EBPF_EBADF:
		return gebpf_fail(err, -EBPF_ENODEV,
				  "device %s closed the connection or does "
				  "not answer", device->target);
	case EBPF_EPROTO:
		return gebpf_fail(err, error,
				  "%s does not answer like a gebpf device",
				  device->target);
	default:
		return gebpf_fail(err, error, "device %s: %s", device->target,
				  gebpf_error_text(error) ?
					  gebpf_error_text(error) :
					  "unknown error");
	}
}

/* "kernel:PATH" into its transport and argument; NULL when no such word. */
static const struct gebpf_transport *
target_parse(const char *target, const char **argument)
{
	size_t i, len = strcspn(target, ":");

	*argument = target[len] == ':' ? target + len + 1 : NULL;
	for (i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (strlen(transports[i]->name) == len &&
		    !strncmp(transports[i]->name, target, len))
			return transports[i];
	return NULL;
}

static int
target_choose(const char *target, const struct gebpf_transport **transport,
	      const char **argument, struct gebpf_error *err)
{
	int error = -EBPF_EINVAL;

	if (!target || !*target)
		target = getenv("GEBPF_TARGET");
	if (!target || !*target) {
		*argument = NULL;
		*transport = gebpf_chardev_usable() ? &gebpf_transport_chardev :
						      &gebpf_transport_socket;
		return 0;
	}
	*transport = target_parse(target, argument);
	if (!*transport)
		gebpf_fail(err, error, "unknown target '%s'", target);
	else if (*argument && *transport == &gebpf_transport_local)
		gebpf_fail(err, error, "target 'local' takes no argument");
	else if (*argument && !**argument)
		gebpf_fail(err, error, "target '%s': nothing after the colon",
			   target);
	else
		return 0;
	gebpf_hint(err, "targets are kernel[:PATH], embedded[:SOCKET] and "
			"local");
	return error;
}

int
gebpf_open(const char *target, unsigned int flags,
	   struct gebpf_device **result, struct gebpf_error *err)
{
	struct gebpf_device *device;
	const char *argument;
	uint64_t begin;
	int error, attempt;

	*result = NULL;
	device = calloc(1, sizeof(*device));
	if (!device)
		return gebpf_fail(err, -EBPF_ENOMEM, "out of memory");
	error = target_choose(target, &device->transport, &argument, err);
	if (error)
		goto free;
	for (attempt = 1;; attempt++) {
		error = device->transport->open(argument, flags,
						&device->state, device->target,
						err);
		if (error)
			goto free;
		begin = gebpf_now_ms();
		error = hello(device, err);
		if (!error)
			break;
		device->transport->close(device->state);
		/* A daemon that is just ending takes the connection and drops
		 * it: soon it has gone, and the next attempt says so or
		 * starts another. One that is mute is not asked again. */
		if (error != -EBPF_ENODEV || attempt == OPEN_ATTEMPTS ||
		    gebpf_now_ms() - begin > OPEN_DROPPED_MS)
			goto free;
		usleep(OPEN_PAUSE_US);
		device->broken = false;
	}
	*result = device;
	return 0;

free:
	free(device->request.data);
	free(device->reply.data);
	free(device);
	return error;
}

void
gebpf_close(struct gebpf_device *device)
{
	if (!device)
		return;
	device->transport->close(device->state);
	free(device->request.data);
	free(device->reply.data);
	free(device);
}

const char *
gebpf_target(const struct gebpf_device *device)
{
	return device->target;
}

const struct ebpf_rep_hello *
gebpf_hello(const struct gebpf_device *device)
{
	return &device->hello;
}

int
gebpf_socket_path(const char *target, bool make, char *path, size_t size,
		  struct gebpf_error *err)
{
	const struct gebpf_transport *transport = &gebpf_transport_socket;
	const char *argument = NULL;
	int error;

	if (target && *target) {
		error = target_choose(target, &transport, &argument, err);
		if (error)
			return error;
	}
	if (transport != &gebpf_transport_socket)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "target '%s' has no socket", target);
	error = gebpf_socket_find(argument, path, size, err);
	if (!error && make)
		error = gebpf_socket_folder(path, argument == NULL, true, err);
	if (error == -EBPF_ENOENT)
		gebpf_fail(err, error, "the folder of %s has gone", path);
	return error;
}

int
gebpf_stop(struct gebpf_device *device, struct gebpf_error *err)
{
	struct ebpf_req_stop req = { 0 };
	int error;

	error = gebpf_ask(device, EBPF_REQUEST_STOP, &req, sizeof(req), NULL,
			  0);
	if (error == -EBPF_EUNSUPPORTED)
		return gebpf_fail(err, error, "device %s cannot be stopped",
				  device->target);
	if (error)
		return gebpf_fail(err, error, "device %s: stop failed: %s",
				  device->target,
				  gebpf_error_text(error) ?
					  gebpf_error_text(error) :
					  "unknown error");
	device->broken = true;
	if (device->transport->wait_gone)
		error = device->transport->wait_gone(device->state, STOP_MS);
	if (error)
		gebpf_fail(err, error, "device %s was asked to stop and is "
			   "still there after %u s", device->target,
			   STOP_MS / 1000);
	return error;
}
