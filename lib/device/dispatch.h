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
	uint64_t start_time_ns; /* Unix time */
};

/*
 * One request on its way. Sizes have been checked: `req` is the whole body as
 * this version knows it, zero-extended, its unknown rest zero. The handler
 * fills `rep` (zeroed, whole) and up to tail_room bytes at `out`. On an error
 * `rep` and `out` are sent only if keep_reply is set.
 */
struct ebpf_call {
	struct ebpf_session *session;
	struct ebpf_device *device;
	struct ebpf_runtime *rt;
	const void *req;
	const uint8_t *in; /* trailing bytes of the request */
	size_t in_len;
	void *rep;
	uint8_t *out; /* trailing bytes of the reply */
	size_t out_room;
	size_t out_len;
	bool keep_reply;
};

#define EBPF_REQUEST(number, NAME, name, req, rep) \
	int ebpf_do_##name(struct ebpf_call *call);
#include "abi/request.def"

/* Session references (session.c): take keeps one, drop returns ENOENT. */
int ebpf_session_hold(struct ebpf_session *session, struct ebpf_object *obj);
int ebpf_session_drop(struct ebpf_session *session, uint32_t kind, uint32_t id);

/* -EBPF_EINVAL unless the fixed-size text has its NUL (request names). */
int ebpf_call_text(const char *text, size_t size);

#endif
