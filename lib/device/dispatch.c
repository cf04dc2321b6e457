/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The only door of a device. Checks everything about a message that can be
 * checked without knowing its meaning (wire.h's rules), so that handlers see
 * whole, fitted bodies; frames the reply. Called by the transports.
 */
#include "device/dispatch.h"

enum {
	BODY_ALIGN = 8,
};

struct request {
	int (*handle)(struct ebpf_call *call);
	uint32_t req_size, rep_size;
	int16_t pad_off; /* of a field that must be zero; -1: none */
	bool has_tail;	 /* trailing bytes; their length is the handler's */
};

/*
 * Where bodies have padding, and who takes trailing bytes. Inline, because
 * they are asked for constants: one switch finds all of a request.
 */
static inline __attribute__((always_inline)) int16_t
pad_of(enum ebpf_request number)
{
	switch (number) {
	case EBPF_REQUEST_STOP:
		return offsetof(struct ebpf_req_stop, pad);
	case EBPF_REQUEST_OBJ_NEXT:
		return offsetof(struct ebpf_req_obj_next, pad);
	case EBPF_REQUEST_OBJ_HOLD:
	case EBPF_REQUEST_OBJ_DROP:
		return offsetof(struct ebpf_req_obj, pad);
	case EBPF_REQUEST_UNPIN:
	case EBPF_REQUEST_PIN_GET:
		return offsetof(struct ebpf_req_pin_name, pad);
	case EBPF_REQUEST_PIN_NEXT:
		return offsetof(struct ebpf_req_pin_next, pad);
	case EBPF_REQUEST_PROG_DUMP:
		return offsetof(struct ebpf_req_prog_dump, pad);
	case EBPF_REQUEST_MAP_CREATE:
		return offsetof(struct ebpf_req_map_create, pad);
	case EBPF_REQUEST_MAP_NEXT:
		return offsetof(struct ebpf_req_map_next, pad);
	case EBPF_REQUEST_MAP_UPDATE_BATCH:
	case EBPF_REQUEST_MAP_DELETE_BATCH:
		return offsetof(struct ebpf_req_map_batch, pad);
	case EBPF_REQUEST_MAP_RECORDS:
		return offsetof(struct ebpf_req_map_records, pad);
	case EBPF_REQUEST_SWITCH_CREATE:
	case EBPF_REQUEST_SWITCH_DESTROY:
	case EBPF_REQUEST_SWITCH_INFO:
		return offsetof(struct ebpf_req_switch, pad);
	case EBPF_REQUEST_SWITCH_NEXT:
		return offsetof(struct ebpf_req_switch_next, pad);
	case EBPF_REQUEST_PORT_ADD:
		return offsetof(struct ebpf_req_port_add, pad);
	case EBPF_REQUEST_HELLO:
	case EBPF_REQUEST_FEATURES:
	case EBPF_REQUEST_STATS:
	case EBPF_REQUEST_TRACELOG:
	case EBPF_REQUEST_OBJ_FIND:
	case EBPF_REQUEST_PIN:
	case EBPF_REQUEST_PROG_LOAD:
	case EBPF_REQUEST_PROG_INFO:
	case EBPF_REQUEST_PROG_RUN:
	case EBPF_REQUEST_MAP_INFO:
	case EBPF_REQUEST_MAP_LOOKUP:
	case EBPF_REQUEST_MAP_UPDATE:
	case EBPF_REQUEST_MAP_DELETE:
	case EBPF_REQUEST_MAP_LOOKUP_DELETE:
	case EBPF_REQUEST_MAP_LOOKUP_BATCH:
	case EBPF_REQUEST_MAP_FREEZE:
	case EBPF_REQUEST_BTF_LOAD:
	case EBPF_REQUEST_BTF_INFO:
	case EBPF_REQUEST_BTF_DATA:
	case EBPF_REQUEST_LINK_CREATE:
	case EBPF_REQUEST_LINK_UPDATE:
	case EBPF_REQUEST_LINK_DETACH:
	case EBPF_REQUEST_LINK_INFO:
	case EBPF_REQUEST_SWITCH_START:
	case EBPF_REQUEST_PORT_DEL:
	case EBPF_REQUEST_PORT_INFO:
		break;
	}
	return -1;
}

static inline __attribute__((always_inline)) bool
has_tail(enum ebpf_request number)
{
	return number == EBPF_REQUEST_PROG_LOAD ||
	       number == EBPF_REQUEST_PROG_RUN ||
	       number == EBPF_REQUEST_MAP_LOOKUP ||
	       number == EBPF_REQUEST_MAP_UPDATE ||
	       number == EBPF_REQUEST_MAP_DELETE ||
	       number == EBPF_REQUEST_MAP_LOOKUP_DELETE ||
	       number == EBPF_REQUEST_MAP_NEXT ||
	       number == EBPF_REQUEST_MAP_UPDATE_BATCH ||
	       number == EBPF_REQUEST_MAP_DELETE_BATCH ||
	       number == EBPF_REQUEST_BTF_LOAD;
}

static inline __attribute__((always_inline)) bool
request_find(uint32_t number, struct request *request)
{
	switch (number) {
#define EBPF_REQUEST(nr, NAME, name, req, rep)                 \
	case nr:                                               \
		request->handle = ebpf_do_##name;              \
		request->req_size = sizeof(struct ebpf_req_##req); \
		request->rep_size = sizeof(struct ebpf_rep_##rep); \
		request->pad_off = pad_of(EBPF_REQUEST_##NAME);    \
		request->has_tail = has_tail(EBPF_REQUEST_##NAME); \
		return true;
#include "abi/request.def"
	default:
		return false;
	}
}

static bool
all_zero(const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/*
 * The body of len bytes of message at `at`, fitted to this version, and what
 * trails it.
 */
static inline __attribute__((always_inline)) int
fit_body(struct ebpf_call *call, const struct request *request,
	 const uint8_t *at, size_t len)
{
	uint32_t size, pad;

	if (os_unlikely(len < sizeof(size)))
		return -EBPF_EPROTO;
	memcpy(&size, at, sizeof(size));
	if (os_unlikely(size > len))
		return -EBPF_EPROTO;
	if (os_likely(size == request->req_size)) {
		call->req = at;
	} else {
		if (size < BODY_ALIGN || size % BODY_ALIGN != 0)
			return -EBPF_EPROTO;
		if (size > request->req_size &&
		    !all_zero(at + request->req_size,
			      size - request->req_size))
			return -EBPF_EPROTO;
		memset(&call->session->req, 0, request->req_size);
		memcpy(&call->session->req, at,
		       size < request->req_size ? size : request->req_size);
		call->req = &call->session->req;
	}
	if (request->pad_off >= 0) {
		memcpy(&pad, (const uint8_t *)call->req + request->pad_off,
		       sizeof(pad));
		if (pad != 0)
			return -EBPF_EPROTO;
	}
	call->in = at + size;
	call->in_len = len - size;
	if (!request->has_tail && call->in_len != 0)
		return -EBPF_EPROTO;
	return 0;
}

/*
 * Checks, handles; the length of the reply behind its header in *body_len. The
 * request is known as a constant, or was found.
 */
static inline __attribute__((always_inline)) int
handle(struct ebpf_call *call, const struct request *request,
       const struct ebpf_msg *msg, uint8_t *rep, size_t room, size_t *body_len)
{
	const uint8_t *body = (const uint8_t *)(msg + 1);
	uint32_t i;
	int error = fit_body(call, request, body, msg->size - sizeof(*msg));

	if (os_unlikely(error != 0))
		return error;
	if (os_unlikely(room < request->rep_size))
		return -EBPF_ENOSPC; /* before anything happens */
	memset(rep, 0, request->rep_size);
	call->rep = rep;
	call->out = rep + request->rep_size;
	call->out_room = room - request->rep_size;
	error = request->handle(call);
	for (i = call->object_count; os_unlikely(i > 0); i--)
		ebpf_object_put(call->objects[i - 1]);
	if (os_likely(error == 0) || call->keep_reply) {
		memcpy(rep, &request->rep_size, sizeof(request->rep_size));
		*body_len = request->rep_size + call->out_len;
	}
	return error;
}

static __attribute__((__noinline__)) int
handle_any(struct ebpf_call *call, const struct ebpf_msg *msg, uint8_t *rep,
	   size_t room, size_t *body_len)
{
	struct request request OS_NOT_CLEARED;

	if (!request_find(msg->number, &request))
		return -EBPF_EUNSUPPORTED;
	return handle(call, &request, msg, rep, room, body_len);
}

static inline __attribute__((always_inline)) int
handle_known(enum ebpf_request number, struct ebpf_call *call,
	     const struct ebpf_msg *msg, uint8_t *rep, size_t room,
	     size_t *body_len)
{
	struct request request OS_NOT_CLEARED;

	request_find(number, &request);
	return handle(call, &request, msg, rep, room, body_len);
}

/* What comes once for each element of a map is not looked for. */
static inline __attribute__((always_inline)) int
handle_number(struct ebpf_call *call, const struct ebpf_msg *msg, uint8_t *rep,
	      size_t room, size_t *body_len)
{
	if (msg->number == EBPF_REQUEST_MAP_LOOKUP)
		return handle_known(EBPF_REQUEST_MAP_LOOKUP, call, msg, rep,
				    room, body_len);
	if (msg->number == EBPF_REQUEST_MAP_UPDATE)
		return handle_known(EBPF_REQUEST_MAP_UPDATE, call, msg, rep,
				    room, body_len);
	if (msg->number == EBPF_REQUEST_MAP_DELETE)
		return handle_known(EBPF_REQUEST_MAP_DELETE, call, msg, rep,
				    room, body_len);
	return handle_any(call, msg, rep, room, body_len);
}

size_t
ebpf_dispatch(struct ebpf_session *session, const void *request, size_t len,
	      void *reply, size_t cap)
{
	struct ebpf_call call OS_NOT_CLEARED;
	const struct ebpf_msg *msg = request;
	struct ebpf_reply *head = reply;
	size_t body_len = 0;
	int error = -EBPF_EPROTO;

	if (os_unlikely(cap < sizeof(*head)))
		return 0;
	head->tag = 0;
	if (os_unlikely(len < sizeof(*msg)))
		goto out;
	head->tag = msg->tag;
	if (os_unlikely(msg->reply_max < sizeof(*head) || msg->size != len ||
			len > EBPF_MSG_MAX || msg->flags != 0 || msg->pad != 0))
		goto out;
	if (cap > msg->reply_max)
		cap = msg->reply_max;
	if (cap > EBPF_MSG_MAX)
		cap = EBPF_MSG_MAX;
	/* field by field: clearing objects[] would cost what a lookup costs */
	call.session = session;
	call.device = session->device;
	call.rt = session->device->rt;
	call.out_len = 0;
	call.keep_reply = false;
	call.object_count = 0;
	error = handle_number(&call, msg, (uint8_t *)(head + 1),
			      cap - sizeof(*head), &body_len);
out:
	head->size = (uint32_t)(sizeof(*head) + body_len);
	head->error = error;
	return head->size;
}

/* ---- what handlers share ---- */

struct ebpf_object *
ebpf_call_object(struct ebpf_call *call, uint32_t kind, uint32_t id)
{
	struct ebpf_object *obj;

	if (call->object_count == EBPF_CALL_OBJECTS)
		return NULL;
	/* what the session holds needs neither the registry nor its lock */
	obj = ebpf_session_find(call->session, kind, id);
	if (obj != NULL)
		return obj;
	obj = ebpf_object_by_id(call->rt, kind, id);
	if (obj != NULL)
		call->objects[call->object_count++] = obj;
	return obj;
}

int
ebpf_call_window_len(struct ebpf_call *call, uint32_t total, uint32_t off,
		     uint32_t len)
{
	struct ebpf_rep_data *rep = call->rep;

	if (off > total)
		return -EBPF_ERANGE;
	if (len > total - off)
		len = total - off;
	if (len > call->out_room)
		len = (uint32_t)call->out_room;
	rep->len = len;
	rep->total = total;
	call->out_len = len;
	return 0;
}

int
ebpf_call_window(struct ebpf_call *call, const void *data, uint32_t total,
		 uint32_t off, uint32_t len)
{
	int error = ebpf_call_window_len(call, total, off, len);

	if (error == 0 && call->out_len != 0)
		memcpy(call->out, (const uint8_t *)data + off, call->out_len);
	return error;
}

int
ebpf_call_text(const char *text, size_t size)
{
	return strnlen(text, size) == size ? -EBPF_EPROTO : 0;
}
