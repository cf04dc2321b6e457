/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device, whoever serves it: made by a home (daemon, local transport,
 * kernel module) around a runtime and, where there are switches, a provider.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include "core/ebpf.h"
#include "switch/provider.h"

struct ebpf_device;
struct ebpf_session;

struct ebpf_device_config {
	struct ebpf_runtime *rt;	       /* outlives the device */
	const struct ebpf_switch_ops *switches; /* NULL: none here */
	void *switches_cookie;
	uint32_t home; /* enum ebpf_home */
	uint32_t pid;
	uint32_t uid;
	uint32_t session_max;		/* 0: 1024 */
	uint32_t session_holds_max;	/* objects held by one; 0: 65536 */
	void (*stop)(void *cookie);	/* STOP was asked; NULL: unsupported */
	void *stop_cookie;
};

int ebpf_device_create(const struct ebpf_device_config *config,
		       struct ebpf_device **device);
/* All sessions must be closed. */
void ebpf_device_destroy(struct ebpf_device *device);

/* Before sessions are waited for: requests that wait for records return. */
void ebpf_device_end_waits(struct ebpf_device *device);

/* A client. uid is its owner's. ELIMIT over session_max. */
int ebpf_session_open(struct ebpf_device *device, uint32_t uid,
		      struct ebpf_session **session);
/* Drops every reference it held. NULL is fine. */
void ebpf_session_close(struct ebpf_session *session);

/*
 * For homes that map memory: ebpf_map_share() of the map with that id; also
 * during a call of the same session. ENOENT. sleep
 */
struct ebpf_map;
int ebpf_session_share(struct ebpf_session *session, uint32_t id, bool write,
		       struct ebpf_map **map, void **memory, size_t *size);

/*
 * For poll(2) and its like: a map that the session holds has a record to take,
 * or the trace log, if the session has read it, a line that it has not seen.
 * Not during a call of the same session. What may change it signals an event.
 */
bool ebpf_session_readable(struct ebpf_session *session);

/*
 * The only door. request[len] is the caller's private copy of one message;
 * reply[cap] is private to the call as well; both are aligned to 8. Returns
 * bytes of reply, all of them written (at least
 * sizeof(struct ebpf_reply) whenever cap allows). One call at a time per
 * session; sessions run in parallel.
 */
size_t ebpf_dispatch(struct ebpf_session *session, const void *request,
		     size_t len, void *reply, size_t cap);

#endif
