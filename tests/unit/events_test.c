/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records from a program to a client of libgebpf, on a local device: read one
 * by one and many at once, one larger than the reader's first room, counted
 * losses, and replies that no device should send.
 */
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "tap.h"

enum { BYTES = 3 << 20 }; /* more than a reader's room at first */

static struct gebpf_device *device;
static struct gebpf_error err;

static uint32_t
make(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries)
{
	struct ebpf_req_map_create req = {
		.kind = kind,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
		.name = "events",
	};
	struct ebpf_rep_id rep = { 0 };

	if (gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &req, sizeof(req),
		      &rep, sizeof(rep)) != 0)
		abort();
	return rep.id;
}

static uint32_t source; /* an array map that holds what programs write */

/* A program that writes the first len bytes of that. */
static uint32_t
load(uint32_t map, bool perf, uint32_t len)
{
	const struct ebpf_insn ring[] = {
		{ 0x18, 0x51, 0, 0 },	       { 0, 0, 0, 0 },
		{ 0x18, 0x62, 0, 1 },	       { 0, 0, 0, 0 },
		{ 0xb7, 3, 0, (int32_t)len },  { 0xb7, 4, 0, 0 },
		{ 0x85, 0, 0, 130 },	       { 0x95, 0, 0, 0 },
	};
	const struct ebpf_insn array[] = {
		{ 0x18, 0x52, 0, 0 },	      { 0, 0, 0, 0 },
		{ 0x18, 3, 0, -1 },	      { 0, 0, 0, 0 },
		{ 0x18, 0x64, 0, 1 },	      { 0, 0, 0, 0 },
		{ 0xb7, 5, 0, (int32_t)len }, { 0x85, 0, 0, 25 },
		{ 0x95, 0, 0, 0 },
	};
	const uint32_t maps[2] = { map, source };
	struct ebpf_req_prog_load req = {
		.kind = EBPF_PROG_RAW,
		.insn_count = perf ? 9 : 8,
		.map_count = 2,
		.name = "emit",
	};
	struct ebpf_rep_prog_load rep = { 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { perf ? array : ring,
			  req.insn_count * sizeof(struct ebpf_insn) },
			{ maps, sizeof(maps) } },
		.rep = &rep,
		.rep_len = sizeof(rep),
	};

	return gebpf_request(device, &call) == 0 ? rep.id : 0;
}

static void
set_bytes(const void *data, uint32_t len)
{
	static uint8_t value[BYTES];
	uint32_t key = 0;
	struct ebpf_req_map_update req = {
		.id = source,
		.key_len = sizeof(key),
		.value_len = BYTES,
	};
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { &key, sizeof(key) }, { value, BYTES } },
	};

	memcpy(value, data, len);
	if (gebpf_request(device, &call) != 0)
		abort();
}

/* That program's result; it is loaded for the length and goes again. */
static int64_t
emit(uint32_t map, bool perf, const void *data, uint32_t len, uint32_t repeat)
{
	struct ebpf_req_prog_run req = { .repeat = repeat };
	struct ebpf_rep_prog_run rep = { 0 };
	struct ebpf_req_obj drop = { .kind = EBPF_OBJ_PROG };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_RUN,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &rep,
		.rep_len = sizeof(rep),
	};

	set_bytes(data, len);
	req.id = drop.id = load(map, perf, len);
	if (req.id == 0 || gebpf_request(device, &call) != 0 ||
	    gebpf_ask(device, EBPF_REQUEST_OBJ_DROP, &drop, sizeof(drop),
		      NULL, 0) != 0)
		abort();
	return (int64_t)rep.retval;
}

struct seen {
	uint32_t count, stop_at;
	int result;
	uint64_t lost, bytes;
	uint32_t last_len;
	uint8_t first, last;
};

static int
see(void *cookie, const struct gebpf_event *event)
{
	struct seen *seen = cookie;
	const uint8_t *bytes = event->data;

	if (event->lost) {
		seen->lost += event->lost;
		return 0;
	}
	seen->count++;
	seen->bytes += event->len;
	seen->last_len = event->len;
	if (event->len) {
		seen->first = bytes[0];
		seen->last = bytes[event->len - 1];
	}
	return seen->count == seen->stop_at ? seen->result : 0;
}

static void
test_ring(void)
{
	uint32_t map = make(EBPF_MAP_RINGBUF, 0, 0, 4 << 20), i;
	struct gebpf_events *events;
	struct seen seen = { 0 };
	uint8_t *large;

	TAP_CHECK(gebpf_events_open(device, map, GEBPF_CPU_ANY, &events,
				    &err) == 0);
	TAP_CHECK(gebpf_events_poll(events, 1, 0, see, &seen) == 0);
	TAP_CHECK(emit(map, false, "\1\2\3", 3, 1) == 0);
	TAP_CHECK(gebpf_events_poll(events, 1000, 0, see, &seen) == 1 &&
		  seen.last_len == 3 && seen.first == 1 && seen.last == 3);
	emit(map, false, "\5", 1, 10);
	TAP_CHECK(gebpf_events_poll(events, 1000, 4, see, &seen) == 4 &&
		  seen.count == 5);
	/* the function has enough: the others are kept */
	seen.stop_at = 7;
	seen.result = 1;
	TAP_CHECK(gebpf_events_poll(events, 1000, 0, see, &seen) == 2);
	seen.stop_at = 8;
	seen.result = -77;
	TAP_CHECK(gebpf_events_poll(events, 0, 0, see, &seen) == -77);
	TAP_CHECK(gebpf_events_poll(events, 0, 1, see, &seen) == 1);
	TAP_CHECK(gebpf_events_poll(events, 0, 0, see, &seen) == 2 &&
		  seen.count == 11);

	/* several replies full of them: none falls between two */
	memset(&seen, 0, sizeof(seen));
	emit(map, false, "0123456789abcdef", 16, 50000);
	while (gebpf_events_poll(events, 0, 0, see, &seen) > 0)
		;
	TAP_CHECK(seen.count == 50000 && seen.bytes == 800000);

	large = malloc(BYTES);
	for (i = 0; i < BYTES; i++)
		large[i] = (uint8_t)(i * 7);
	TAP_CHECK(emit(map, false, large, BYTES, 1) == 0 &&
		  emit(map, false, "\11", 1, 1) == 0);
	TAP_CHECK(gebpf_events_poll(events, 1000, 1, see, &seen) == 1 &&
		  seen.last_len == BYTES &&
		  seen.last == (uint8_t)((BYTES - 1) * 7));
	TAP_CHECK(gebpf_events_poll(events, 1000, 0, see, &seen) == 1 &&
		  seen.first == 9);
	TAP_CHECK(emit(map, false, large, BYTES, 2) == -EBPF_EAGAIN);
	free(large);
	gebpf_events_close(events);
	gebpf_events_close(NULL);
}

static void
test_perf(void)
{
	uint32_t cpus = gebpf_hello(device)->cpu_count;
	uint32_t map = make(EBPF_MAP_PERF_EVENT_ARRAY, 4, 4, cpus);
	struct gebpf_events *events;
	struct seen seen = { 0 };
	int n;

	emit(map, true, "0123456789abcdef", 16, 10000);
	TAP_CHECK(gebpf_events_open(device, map, GEBPF_CPU_ANY, &events,
				    &err) == 0);
	while ((n = gebpf_events_poll(events, 0, 0, see, &seen)) > 0)
		;
	tap_ok(n == 0 && seen.lost > 0 && seen.count > 0 &&
		       seen.count + seen.lost == 10000 &&
		       seen.bytes == seen.count * 16,
	       "%u came, %llu were lost", seen.count,
	       (unsigned long long)seen.lost);
	gebpf_events_close(events);
	TAP_CHECK(gebpf_events_open(device, map, cpus, &events, &err) == 0);
	TAP_CHECK(gebpf_events_poll(events, 0, 0, see, &seen) ==
		  -EBPF_ERANGE);
	gebpf_events_close(events);
}

static void
test_wrong(void)
{
	uint32_t hash = make(EBPF_MAP_HASH, 4, 4, 4);
	struct gebpf_events *events;

	TAP_CHECK(gebpf_events_open(device, hash, 0, &events, &err) ==
			  -EBPF_EINVAL &&
		  events == NULL && strstr(err.text, "type hash") != NULL);
	TAP_CHECK(gebpf_events_open(device, 9999, 0, &events, &err) ==
		  -EBPF_ENOENT);
	TAP_CHECK(load(hash, false, 4) == 0 && load(hash, true, 4) == 0);
}

/* A request as it is, to see what the device makes of its numbers. */
static int
ask(struct ebpf_req_map_records *req, size_t room,
    struct ebpf_rep_map_records *rep, size_t *got)
{
	static uint8_t out[4096];
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_RECORDS,
		.req = req,
		.req_len = sizeof(*req),
		.rep = rep,
		.rep_len = sizeof(*rep),
		.out = out,
		.out_room = room,
		.exact = true,
	};
	int error = gebpf_request(device, &call);

	*got = call.out_len;
	return error;
}

static void
test_request(void)
{
	uint32_t map = make(EBPF_MAP_RINGBUF, 0, 0, 4096);
	struct ebpf_req_map_records req = { .id = map, .cpu = UINT32_MAX };
	struct ebpf_rep_map_records rep;
	uint8_t data[2000] = { 0 };
	size_t got;

	TAP_CHECK(ask(&req, 4096, &rep, &got) == 0 && rep.count == 0 &&
		  got == 0);
	req.pad = 1;
	TAP_CHECK(ask(&req, 4096, &rep, &got) == -EBPF_EPROTO);
	req.pad = 0;
	emit(map, false, data, 2000, 1);
	TAP_CHECK(ask(&req, 2000 + sizeof(struct ebpf_record) - 1, &rep,
		      &got) == -EBPF_ENOSPC &&
		  rep.need == 2000 + sizeof(struct ebpf_record) && got == 0);
	req.wait_ms = UINT32_MAX; /* there is one: no wait */
	TAP_CHECK(ask(&req, rep.need, &rep, &got) == 0 && rep.count == 1 &&
		  got == 2000 + sizeof(struct ebpf_record));
	req.id = 9999;
	TAP_CHECK(ask(&req, 4096, &rep, &got) == -EBPF_ENOENT);
	req.id = make(EBPF_MAP_ARRAY, 4, 4, 1);
	TAP_CHECK(ask(&req, 4096, &rep, &got) == -EBPF_EUNSUPPORTED);
}

int
main(void)
{
	if (gebpf_open("local", 0, &device, &err) != 0)
		abort();
	source = make(EBPF_MAP_ARRAY, 4, BYTES, 1);
	test_ring();
	test_perf();
	test_wrong();
	test_request();
	gebpf_close(device);
	return tap_done();
}
