/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the dispatcher hands to a handler, and the handlers, one per line of
 * request.def, one file per noun (req_prog.c, req_map.c, ...).
 */
#ifndef DEVICE_DISPATCH_H
#define DEVICE_DISPATCH_H

#include "abi/wire.h"
#include "core/object.h"
#include "device/device.h"

struct ebpf_device {
	struct ebpf_device_config config;
	struct ebpf_runtime *rt;
	struct os_mutex lock; /* sessions */
	uint32_t sessions;
	uint32_t ending; /* atomic: nobody waits any more */
	uint64_t start_time_ns; /* Unix time */
};

/* Any request's and any reply's body. */
union ebpf_req_any {
#define EBPF_REQUEST(number, NAME, name, req, rep) struct ebpf_req_##req name;
#include "abi/request.def"
};
union ebpf_rep_any {
#define EBPF_REQUEST(number, NAME, name, req, rep) struct ebpf_rep_##rep name;
#include "abi/request.def"
};

/* Objects of one kind that a session holds, ascending by id. */
struct ebpf_holds {
	struct ebpf_hold *holds;
	uint32_t count, room;
};

struct ebpf_session {
	struct ebpf_device *device;
	uint32_t uid;
	uint32_t hold_count; /* of all kinds, each as often as it was taken */
	uint32_t recent_map_id; /* the map that was found last; 0: none */
	struct ebpf_object *recent_map; /* held */
	struct ebpf_holds holds[EBPF_OBJ_BTF + 1];
	bool reads_trace;    /* it has asked for the trace log */
	uint64_t trace_next; /* where it will go on reading */
	union ebpf_req_any req; /* a body of another size, fitted */
};

enum {
	EBPF_CALL_OBJECTS = 4,
};

/*
 * One request on its way. Sizes have been checked: `req` is the whole body as
 * this version knows it, zero-extended, its unknown rest zero. The handler
 * fills `rep` (zeroed, whole) and up to out_room bytes at `out`. On an error
 * `rep` and `out` are sent only if keep_reply is set.
 */
struct ebpf_call {
	struct ebpf_session *session;
	struct ebpf_device *device;
	struct ebpf_runtime *rt;
	const void *req;
	const uint8_t *in; /* trailing bytes of the request, aligned to 8 */
	size_t in_len;
	void *rep;
	uint8_t *out; /* trailing bytes of the reply, aligned to 8 */
	size_t out_room;
	size_t out_len;
	bool keep_reply;
	uint32_t object_count;
	struct ebpf_object *objects[EBPF_CALL_OBJECTS]; /* put afterwards */
};

#define EBPF_REQUEST(number, NAME, name, req, rep) \
	int ebpf_do_##name(struct ebpf_call *call);
#include "abi/request.def"

/*
 * The object with that id for the time of this call, without a reference for
 * the handler to put; NULL when there is none. At most EBPF_CALL_OBJECTS.
 */
struct ebpf_object *ebpf_call_object(struct ebpf_call *call, uint32_t kind,
				     uint32_t id);
/* Copy what fits of a reply's bytes [off, off + len) of data[total]. */
int ebpf_call_window(struct ebpf_call *call, const void *data, uint32_t total,
		     uint32_t off, uint32_t len);
/* The same without data: how many bytes the caller has to write at out. */
int ebpf_call_window_len(struct ebpf_call *call, uint32_t total, uint32_t off,
			 uint32_t len);

/* -EBPF_EPROTO unless the fixed-size text has its NUL (request names). */
int ebpf_call_text(const char *text, size_t size);

/*
 * Session references (session.c). Hold takes one of its own; after a
 * successful reserve the next hold of that kind cannot fail. ENOMEM, ELIMIT.
 */
int ebpf_session_reserve(struct ebpf_session *session, uint32_t kind);
int ebpf_session_hold(struct ebpf_session *session, struct ebpf_object *obj);
/* ENOENT when it is not held. */
int ebpf_session_drop(struct ebpf_session *session, uint32_t kind, uint32_t id);
/* What it holds under that id, without a new reference, or NULL. */
struct ebpf_object *ebpf_session_find(struct ebpf_session *session,
				      uint32_t kind, uint32_t id);
/* The same for a map, if that was the last one found. */
static inline struct ebpf_object *
ebpf_session_recent_map(const struct ebpf_session *session, uint32_t id)
{
	return os_likely(id == session->recent_map_id) ? session->recent_map :
							 NULL;
}

#endif
