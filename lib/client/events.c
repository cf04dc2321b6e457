/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records that programs write to ringbuf and perf_event_array maps, one request
 * at a time, handed to a function one by one. What the function does not want
 * yet waits here. The device's reply is checked before it is believed.
 */
#include <stdlib.h>
#include <string.h>

#include "client/clock.h"
#include "client/gebpf.h"

enum {
	ROOM = 256 << 10, /* at first; one record may need more */
	WAIT_MS = 250,	  /* of one request, so that signals are noticed */
};

struct gebpf_events {
	struct gebpf_device *device;
	uint32_t map, cpu;
	uint8_t *room;
	size_t room_len;
	size_t at, len; /* what came and was not handed out yet */
	uint32_t left;
};

int
gebpf_events_open(struct gebpf_device *device, uint32_t map, uint32_t cpu,
		   struct gebpf_events **result, struct gebpf_error *err)
{
	struct ebpf_req_id req = { .id = map };
	struct ebpf_rep_map_info info;
	struct gebpf_events *events;
	const char *kind;
	int error;

	*result = NULL;
	error = gebpf_ask(device, EBPF_REQUEST_MAP_INFO, &req, sizeof(req),
			  &info, sizeof(info));
	if (error)
		return gebpf_fail(err, error, "map %u: %s", map,
				  gebpf_error_text(error));
	info.name[sizeof(info.name) - 1] = '\0';
	kind = gebpf_map_kind_name(info.kind);
	if (info.kind != EBPF_MAP_RINGBUF &&
	    info.kind != EBPF_MAP_PERF_EVENT_ARRAY) {
		gebpf_fail(err, -EBPF_EINVAL,
			   "map '%s' is of type %s, which holds no records",
			   info.name, kind ? kind : "unknown");
		gebpf_hint(err, "maps of type ringbuf and perf_event_array "
				"do");
		return -EBPF_EINVAL;
	}
	events = calloc(1, sizeof(*events));
	if (events)
		events->room = malloc(ROOM);
	if (!events || !events->room) {
		free(events);
		return gebpf_fail(err, -EBPF_ENOMEM, "out of memory");
	}
	events->device = device;
	events->map = map;
	events->cpu = cpu;
	events->room_len = ROOM;
	*result = events;
	return 0;
}

void
gebpf_events_close(struct gebpf_events *events)
{
	if (!events)
		return;
	free(events->room);
	free(events);
}

/* One request. Room grows when the next record asks for it. */
static int
fetch(struct gebpf_events *events, uint32_t wait_ms, uint32_t most)
{
	struct ebpf_req_map_records req = {
		.id = events->map,
		.wait_ms = wait_ms,
		.count_max = most,
		.cpu = events->cpu,
	};
	struct ebpf_rep_map_records rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_RECORDS,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &rep,
		.rep_len = sizeof(rep),
		.exact = true,
	};
	uint8_t *more;
	int error;

	for (;;) {
		memset(&rep, 0, sizeof(rep));
		call.out = events->room;
		call.out_room = events->room_len;
		error = gebpf_request(events->device, &call);
		if (error != -EBPF_ENOSPC)
			break;
		if (rep.need <= events->room_len || rep.need > EBPF_MSG_MAX)
			return -EBPF_EPROTO;
		more = realloc(events->room, rep.need);
		if (!more)
			return -EBPF_ENOMEM;
		events->room = more;
		events->room_len = rep.need;
	}
	if (error)
		return error;
	events->at = 0;
	events->len = call.out_len;
	events->left = rep.count;
	return 0;
}

static int
next(struct gebpf_events *events, struct gebpf_event *event)
{
	size_t left = events->len - events->at;
	struct ebpf_record head;

	if (left < sizeof(head))
		return -EBPF_EPROTO;
	memcpy(&head, events->room + events->at, sizeof(head));
	left -= sizeof(head);
	if (left < head.len)
		return -EBPF_EPROTO;
	memset(event, 0, sizeof(*event));
	event->time_ns = head.time_ns;
	event->cpu = head.cpu;
	event->data = events->room + events->at + sizeof(head);
	event->len = head.len;
	if (head.kind == EBPF_RECORD_LOST) {
		if (head.len != sizeof(event->lost))
			return -EBPF_EPROTO;
		memcpy(&event->lost, event->data, sizeof(event->lost));
	} else if (head.kind != EBPF_RECORD_DATA) {
		return -EBPF_EPROTO;
	}
	events->at += sizeof(head) + head.len;
	events->left--;
	return 0;
}

int
gebpf_events_poll(struct gebpf_events *events, uint32_t wait_ms,
		   uint32_t most,
		   int (*fn)(void *cookie, const struct gebpf_event *event),
		   void *cookie)
{
	uint64_t end = gebpf_now_ms() + wait_ms, now;
	struct gebpf_event event;
	int error = 0, count = 0;

	while (events->left == 0) {
		now = gebpf_now_ms();
		wait_ms = now >= end ? 0 :
			  end - now < WAIT_MS ? (uint32_t)(end - now) :
						WAIT_MS;
		error = fetch(events, wait_ms, most);
		if (error)
			return error;
		if (now >= end)
			break;
	}
	while (events->left != 0 && !error && (!most || count < (int)most)) {
		error = next(events, &event);
		if (error) {
			events->left = 0;
			return error;
		}
		error = fn(cookie, &event);
		count++;
	}
	return error < 0 ? error : count;
}
