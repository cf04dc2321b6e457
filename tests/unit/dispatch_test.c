/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device's door from outside: framing rules on every request, the device's
 * own requests, switches, sessions that end, allocations that fail one after
 * the other. Maps, programs, links and BTF are requests_test.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tracelog.h"
#include "door.h"
#include "standin.h"
#include "tap.h"

static uint32_t stops;

static void
on_stop(void *cookie)
{
	stops++;
}

static const struct {
	const char *name;
	uint32_t number, req, rep;
	bool tail;
} requests[] = {
#define EBPF_REQUEST(nr, NAME, word, req_word, rep_word)             \
	{ #NAME, nr, sizeof(struct ebpf_req_##req_word),             \
	  sizeof(struct ebpf_rep_##rep_word),                        \
	  nr == EBPF_REQUEST_PROG_LOAD || nr == EBPF_REQUEST_PROG_RUN ||     \
		  nr == EBPF_REQUEST_MAP_LOOKUP ||                           \
		  nr == EBPF_REQUEST_MAP_UPDATE ||                           \
		  nr == EBPF_REQUEST_MAP_DELETE ||                           \
		  nr == EBPF_REQUEST_MAP_LOOKUP_DELETE ||                    \
		  nr == EBPF_REQUEST_MAP_NEXT ||                             \
		  nr == EBPF_REQUEST_MAP_UPDATE_BATCH ||                     \
		  nr == EBPF_REQUEST_MAP_DELETE_BATCH ||                     \
		  nr == EBPF_REQUEST_BTF_LOAD },
#include "abi/request.def"
};

static void
test_framing(void)
{
	uint8_t body[4096];
	uint32_t i, number, size, len;
	struct ebpf_msg msg;
	int plain;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		bool good = true;

		number = requests[i].number;
		size = requests[i].req;
		plain = door_ask(number, door_zeros, size, NULL, 0);
		/* longer by zeros, and shorter: the same */
		good = good && door_ask(number, door_zeros, size + 8, NULL, 0) ==
				       plain;
		good = good && door_ask(number, door_zeros, size + 2048, NULL, 0) ==
				       plain;
		good = good && door_ask(number, door_zeros, 8, NULL, 0) == plain;
		if (!tap_ok(good, "%s: bodies may grow", requests[i].name))
			tap_diag("%s, then %s", ebpf_error_name(plain),
				 ebpf_error_name(door_head.error));
		/* longer by something else */
		memset(body, 0, sizeof(body));
		body[size + 7] = 1;
		good = door_ask(number, body, size + 8, NULL, 0) ==
		       -EBPF_EPROTO;
		/* sizes that cannot be */
		len = (uint32_t)door_frame(number, door_zeros, size, NULL, 0, DOOR_ROOM);
		size += 4;
		memcpy(door_request + sizeof(msg), &size, 4);
		good = good && door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		size += 4;
		memcpy(door_request + sizeof(msg), &size, 4);
		good = good && door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		size = 0xfffffff8;
		memcpy(door_request + sizeof(msg), &size, 4);
		good = good && door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		size = 0;
		memcpy(door_request + sizeof(msg), &size, 4);
		good = good && door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		size = 4;
		memcpy(door_request + sizeof(msg), &size, 4);
		good = good && door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		/* cut anywhere */
		for (size = 0; size < len; size++) {
			door_frame(number, door_zeros, len - sizeof(msg), NULL, 0, DOOR_ROOM);
			memcpy(door_request, &size, 4);
			good = good && door_send(size, DOOR_ROOM) == -EBPF_EPROTO;
		}
		tap_ok(good, "%s: other sizes are malformed", requests[i].name);

		/* header */
		door_frame(number, door_zeros, requests[i].req, NULL, 0, DOOR_ROOM);
		memcpy(&msg, door_request, sizeof(msg));
		msg.flags = 1;
		memcpy(door_request, &msg, sizeof(msg));
		good = door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		msg.flags = 0;
		msg.pad = 1;
		memcpy(door_request, &msg, sizeof(msg));
		good = good && door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		msg.pad = 0;
		msg.size++;
		memcpy(door_request, &msg, sizeof(msg));
		good = good && door_send(len, DOOR_ROOM) == -EBPF_EPROTO;
		tap_ok(good, "%s: header is checked", requests[i].name);

		/* a reply that has no room for its body: before any effect */
		door_frame(number, door_zeros, requests[i].req, NULL, 0,
			   (uint32_t)sizeof(door_head) + requests[i].rep - 1);
		good = door_send(len, DOOR_ROOM) == -EBPF_ENOSPC;
		door_frame(number, door_zeros, requests[i].req, NULL, 0, DOOR_ROOM);
		good = good && door_send(len, sizeof(door_head)) == -EBPF_ENOSPC;
		tap_ok(good, "%s: room for the reply", requests[i].name);

		if (!requests[i].tail)
			tap_ok(door_ask(number, door_zeros, requests[i].req, door_zeros,
					8) == -EBPF_EPROTO &&
			       door_ask(number, door_zeros, requests[i].req,
					door_zeros, 1) == -EBPF_EPROTO,
			       "%s: no trailing bytes", requests[i].name);
	}
	TAP_CHECK(door_ask(0, door_zeros, 8, NULL, 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(door_ask(0xffff, door_zeros, 8, NULL, 0) == -EBPF_EUNSUPPORTED);
	door_frame(EBPF_REQUEST_HELLO, door_zeros, 8, NULL, 0, 15);
	TAP_CHECK(door_send(32, DOOR_ROOM) == -EBPF_EPROTO);
	TAP_CHECK(ebpf_dispatch(door_session, door_request, 32, door_reply, 15) == 0);
	TAP_CHECK(ebpf_dispatch(door_session, door_request, 0, door_reply, 16) == 16);
}

/* Padding within bodies, one request each that has it. */
static void
test_padding(void)
{
	struct ebpf_req_stop stop = { .pad = 1 };
	struct ebpf_req_obj_next next = { .kind = 2, .pad = 1 };
	struct ebpf_req_obj hold = { .kind = 2, .id = 1, .pad = 1 };
	struct ebpf_req_pin_name name = { .pad = 1, .pin = "a" };
	struct ebpf_req_pin_next pin = { .pad = 1 };
	struct ebpf_req_prog_dump dump = { .pad = 1 };
	struct ebpf_req_map_next map_next = { .pad = 1 };
	struct ebpf_req_map_batch batch = { .pad = 1 };
	struct ebpf_req_switch vale = { .pad = 1 };
	struct ebpf_req_switch_next vale_next = { .pad = 1 };
	struct ebpf_req_port_add port = { .pad = 1 };

	TAP_CHECK(ASK(STOP, stop) == -EBPF_EPROTO);
	TAP_CHECK(ASK(OBJ_NEXT, next) == -EBPF_EPROTO);
	TAP_CHECK(ASK(OBJ_HOLD, hold) == -EBPF_EPROTO);
	TAP_CHECK(ASK(OBJ_DROP, hold) == -EBPF_EPROTO);
	TAP_CHECK(ASK(UNPIN, name) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PIN_GET, name) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PIN_NEXT, pin) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PROG_DUMP, dump) == -EBPF_EPROTO);
	TAP_CHECK(ASK(MAP_NEXT, map_next) == -EBPF_EPROTO);
	TAP_CHECK(ASK(MAP_UPDATE_BATCH, batch) == -EBPF_EPROTO);
	TAP_CHECK(ASK(MAP_DELETE_BATCH, batch) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_CREATE, vale) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_DESTROY, vale) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_INFO, vale) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_NEXT, vale_next) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PORT_ADD, port) == -EBPF_EPROTO);
}

#define UNENDED(field) memset(field, 'x', sizeof(field))

static void
test_texts(void)
{
	struct ebpf_req_obj_find find = { .kind = 2 };
	struct ebpf_req_pin pin = { .kind = 2, .id = 1 };
	struct ebpf_req_pin_name name = { 0 };
	struct ebpf_req_pin_next pins = { 0 };
	struct ebpf_req_map_create map = { .kind = EBPF_MAP_HASH };
	struct ebpf_req_prog_load load = { 0 };
	struct ebpf_req_btf_load btf = { 0 };
	struct ebpf_req_link_create link = { .prog_id = 1 };
	struct ebpf_req_switch vale = { 0 };
	struct ebpf_req_switch_start start = { 0 };
	struct ebpf_req_port_add add = { 0 };
	struct ebpf_req_port port = { 0 };

	UNENDED(find.name);
	UNENDED(pin.pin);
	UNENDED(name.pin);
	UNENDED(pins.prefix);
	UNENDED(map.name);
	UNENDED(load.license);
	UNENDED(btf.name);
	UNENDED(link.target);
	UNENDED(vale.name);
	UNENDED(start.name);
	UNENDED(add.spec);
	UNENDED(port.port_name);
	TAP_CHECK(ASK(OBJ_FIND, find) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PIN, pin) == -EBPF_EPROTO);
	TAP_CHECK(ASK(UNPIN, name) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PIN_GET, name) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PIN_NEXT, pins) == -EBPF_EPROTO);
	memset(pins.prefix, 0, sizeof(pins.prefix));
	UNENDED(pins.pin);
	TAP_CHECK(ASK(PIN_NEXT, pins) == -EBPF_EPROTO);
	TAP_CHECK(ASK(MAP_CREATE, map) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PROG_LOAD, load) == -EBPF_EPROTO);
	TAP_CHECK(ASK(BTF_LOAD, btf) == -EBPF_EPROTO);
	TAP_CHECK(ASK(LINK_CREATE, link) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_CREATE, vale) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_DESTROY, vale) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_NEXT, vale) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_INFO, vale) == -EBPF_EPROTO);
	TAP_CHECK(ASK(SWITCH_START, start) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PORT_ADD, add) == -EBPF_EPROTO);
	memset(add.spec, 0, sizeof(add.spec));
	UNENDED(add.port_name);
	TAP_CHECK(ASK(PORT_ADD, add) == -EBPF_EPROTO);
	TAP_CHECK(ASK(PORT_DEL, port) == -EBPF_EPROTO);
}

static void
test_switch(void)
{
	struct ebpf_req_switch vale = { .name = "vale0" };
	struct ebpf_req_switch_next next = { 0 };
	struct ebpf_req_switch_start start = { .name = "vale0" };
	struct ebpf_req_port_add add = { .name = "vale0", .spec = "good:" };
	struct ebpf_req_port port = { .name = "vale0", .index = 7 };
	struct ebpf_req_port_info info = { .name = "vale0" };
	struct ebpf_rep_switch_info *got;

	TAP_CHECK(ASK(SWITCH_CREATE, vale) == 0 && standin_switches > 0);
	TAP_CHECK(ASK(SWITCH_INFO, vale) == 0);
	got = (void *)door_rep;
	TAP_CHECK(got->size == sizeof(*got) && got->port_count == 3);
	TAP_CHECK(ASK(SWITCH_NEXT, next) == 0);
	memcpy(next.name, "vale0", 6);
	TAP_CHECK(ASK(SWITCH_NEXT, next) == -EBPF_ENOENT);
	TAP_CHECK(ASK(SWITCH_START, start) == 0);
	TAP_CHECK(ASK(PORT_ADD, add) == 0 &&
		  ((struct ebpf_rep_port_info *)door_rep)->index == 7);
	memcpy(add.spec, "bad:", 5);
	TAP_CHECK(ASK(PORT_ADD, add) == -EBPF_ENODEV);
	TAP_CHECK(((struct ebpf_rep_port_info *)door_rep)->index == 0);
	TAP_CHECK(door_head.size == sizeof(door_head) +
		  sizeof(struct ebpf_rep_port_info) + 16 &&
		  memcmp(door_rep + sizeof(struct ebpf_rep_port_info),
			 "cannot open bad:", 16) == 0);
	TAP_CHECK(ASK(PORT_INFO, info) == 0);
	TAP_CHECK(ASK(PORT_DEL, port) == 0);
	port.index = 6;
	TAP_CHECK(ASK(PORT_DEL, port) == -EBPF_ENOENT);
	TAP_CHECK(ASK(SWITCH_DESTROY, vale) == 0);
	memcpy(vale.name, "vale1", 6);
	TAP_CHECK(ASK(SWITCH_DESTROY, vale) == -EBPF_ENOENT);
	TAP_CHECK(door_head.size == sizeof(door_head));
}

static void
test_device(void)
{
	struct ebpf_req_hello hello = { .version = EBPF_WIRE_VERSION };
	struct ebpf_req_features features = { 0 };
	struct ebpf_req_stop stop = { 0 };
	struct ebpf_req_stats stats = { .op = EBPF_STATS_ON };
	struct ebpf_req_tracelog log = { 0 };
	struct ebpf_rep_hello *greeting;
	struct ebpf_rep_features *can;
	struct ebpf_rep_tracelog *lines;
	struct ebpf_trace_record record;
	uint32_t all, before = stops;

	TAP_CHECK(ASK(HELLO, hello) == 0);
	greeting = (void *)door_rep;
	TAP_CHECK(greeting->version == EBPF_WIRE_VERSION &&
		  greeting->home == EBPF_HOME_LOCAL && greeting->pid == 42 &&
		  greeting->sessions == 1 && greeting->stats_on == 0 &&
		  greeting->cpu_count == os_cpu_count());
	TAP_CHECK(strlen(greeting->release) > 0);
	hello.version++;
	TAP_CHECK(ASK(HELLO, hello) == -EBPF_EVERSION);
	TAP_CHECK(door_head.size == sizeof(door_head) + sizeof(*greeting) &&
		  ((struct ebpf_rep_hello *)door_rep)->version ==
		  EBPF_WIRE_VERSION);

	TAP_CHECK(ASK(FEATURES, features) == 0);
	can = (void *)door_rep;
	all = can->helper_count;
	TAP_CHECK(all > 5 && can->map_kind_count >= 5 &&
		  can->prog_kind_count >= 4 &&
		  can->insn_max == EBPF_INSN_MAX && can->hooks == 1);
	TAP_CHECK(door_head.size == sizeof(door_head) + sizeof(*can) +
		  4 * (all + can->map_kind_count + can->prog_kind_count));
	features.prog_kind = EBPF_PROG_RAW;
	TAP_CHECK(ASK(FEATURES, features) == 0 &&
		  ((struct ebpf_rep_features *)door_rep)->helper_count < all);
	features.prog_kind = 0x7777;
	TAP_CHECK(ASK(FEATURES, features) == -EBPF_EUNSUPPORTED);
	features.prog_kind = 0;
	door_frame(EBPF_REQUEST_FEATURES, &features, sizeof(features), NULL, 0,
		   sizeof(door_head) + sizeof(*can) + 4);
	TAP_CHECK(door_send(sizeof(struct ebpf_msg) + sizeof(features),
			    DOOR_ROOM) == 0 &&
		  can->helper_count == all &&
		  door_head.size == sizeof(door_head) + sizeof(*can) + 4);

	TAP_CHECK(ASK(STATS, stats) == 0 && door_rt->stats_on == 1);
	stats.op = EBPF_STATS_RESET;
	TAP_CHECK(ASK(STATS, stats) == 0 && door_rt->stats_on == 1);
	stats.op = EBPF_STATS_OFF;
	TAP_CHECK(ASK(STATS, stats) == 0 && door_rt->stats_on == 0);
	stats.op = 3;
	TAP_CHECK(ASK(STATS, stats) == -EBPF_EINVAL);

	ebpf_tracelog_write(door_rt->tracelog, 9, "one", 3);
	ebpf_tracelog_write(door_rt->tracelog, 8, "three", 5);
	TAP_CHECK(ASK(TRACELOG, log) == 0);
	lines = (void *)door_rep;
	memcpy(&record, door_rep + sizeof(*lines), sizeof(record));
	TAP_CHECK(lines->count == 2 && record.prog_id == 9 && record.len == 3 &&
		  memcmp(door_rep + sizeof(*lines) + sizeof(record), "one", 3) == 0);
	log.after = lines->next;
	TAP_CHECK(ASK(TRACELOG, log) == 0 &&
		  ((struct ebpf_rep_tracelog *)door_rep)->count == 0);

	TAP_CHECK(ASK(STOP, stop) == 0 && stops == before + 1);
}

/* Ids that nobody has, in every request that takes one. */
static void
test_unknown(void)
{
	struct ebpf_req_id id = { .id = 0x7fffffff };
	struct ebpf_req_obj obj = { .kind = EBPF_OBJ_PROG, .id = 99999 };
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .id = 99999,
				    .pin = "p" };
	struct ebpf_req_prog_dump dump = { .id = 99999,
					   .what = EBPF_DUMP_RAW };
	struct ebpf_req_prog_run run = { .id = 99999 };
	struct ebpf_req_map_key key = { .id = 99999 };
	struct ebpf_req_map_update update = { .id = 99999 };
	struct ebpf_req_map_next next = { .id = 99999 };
	struct ebpf_req_map_lookup_batch batch = { .id = 99999, .count = 1 };
	struct ebpf_req_map_batch many = { .id = 99999 };
	struct ebpf_req_btf_data btf = { .id = 99999 };
	struct ebpf_req_link_create link = { .prog_id = 99999, .hook = 1 };
	struct ebpf_req_link_update change = { .id = 99999 };

	TAP_CHECK(ASK(PROG_INFO, id) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_INFO, id) == -EBPF_ENOENT);
	TAP_CHECK(ASK(BTF_INFO, id) == -EBPF_ENOENT);
	TAP_CHECK(ASK(LINK_INFO, id) == -EBPF_ENOENT);
	TAP_CHECK(ASK(LINK_DETACH, id) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_FREEZE, id) == -EBPF_ENOENT);
	TAP_CHECK(ASK(OBJ_HOLD, obj) == -EBPF_ENOENT);
	TAP_CHECK(ASK(OBJ_DROP, obj) == -EBPF_ENOENT);
	TAP_CHECK(ASK(PIN, pin) == -EBPF_ENOENT);
	TAP_CHECK(ASK(PROG_DUMP, dump) == -EBPF_ENOENT);
	TAP_CHECK(ASK(PROG_RUN, run) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_LOOKUP, key) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_DELETE, key) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_UPDATE, update) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_NEXT, next) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_UPDATE_BATCH, many) == -EBPF_ENOENT);
	TAP_CHECK(ASK(MAP_DELETE_BATCH, many) == -EBPF_ENOENT);
	TAP_CHECK(ASK(BTF_DATA, btf) == -EBPF_ENOENT);
	TAP_CHECK(ASK(LINK_CREATE, link) == -EBPF_ENOENT);
	TAP_CHECK(ASK(LINK_UPDATE, change) == -EBPF_ENOENT);
}

static void
test_sessions(void)
{
	struct ebpf_session *first = door_session, *more[3];
	uint32_t i, kept, gone;
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .pin = "kept" };
	struct ebpf_req_pin_name unpin = { .pin = "kept" };
	struct ebpf_req_id get = { 0 };
	struct ebpf_req_obj hold = { .kind = EBPF_OBJ_MAP };

	for (i = 0; i < 3; i++)
		TAP_CHECK(ebpf_session_open(door_device, 77, &more[i]) == 0);
	TAP_CHECK(ebpf_session_open(door_device, 77, &door_session) == -EBPF_ELIMIT);
	door_session = more[0];
	kept = pin.id = door_map(EBPF_MAP_ARRAY, 4, 4, 1, "kept");
	gone = door_map(EBPF_MAP_ARRAY, 4, 4, 1, "gone");
	TAP_CHECK(ASK(PIN, pin) == 0);
	ebpf_session_close(door_session);
	os_epoch_drain();
	door_session = more[1];
	get.id = gone;
	TAP_CHECK(ASK(MAP_INFO, get) == -EBPF_ENOENT);
	get.id = kept;
	TAP_CHECK(ASK(MAP_INFO, get) == 0);
	/* holds are limited */
	hold.id = kept;
	for (i = 0; i < 100 && ASK(OBJ_HOLD, hold) == 0; i++)
		;
	TAP_CHECK(i == 64 && door_head.error == -EBPF_ELIMIT);
	TAP_CHECK(door_map(EBPF_MAP_ARRAY, 4, 4, 1, "over") == 0 &&
		  door_head.error == -EBPF_ELIMIT);
	TAP_CHECK(ASK(OBJ_DROP, hold) == 0);
	TAP_CHECK(door_map(EBPF_MAP_ARRAY, 4, 4, 1, "fits") != 0);
	TAP_CHECK(ASK(UNPIN, unpin) == 0);
	TAP_CHECK(ASK(MAP_INFO, get) == 0);
	ebpf_session_close(door_session);
	ebpf_session_close(more[2]);
	ebpf_session_close(NULL);
	door_session = first;
	os_epoch_drain();
	TAP_CHECK(ASK(MAP_INFO, get) == -EBPF_ENOENT);
}

/* A client's whole life; false at the first request that fails. */
static bool
life(void)
{
	struct ebpf_req_map_create map = { .kind = EBPF_MAP_HASH,
					   .key_size = 4, .value_size = 4,
					   .max_entries = 10, .name = "m" };
	struct ebpf_req_btf_load btf = { .len = 45 };
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .pin = "life" };
	struct ebpf_req_pin_name unpin = { .pin = "life" };
	struct ebpf_req_map_update update = { .key_len = 4, .value_len = 4 };
	struct ebpf_req_prog_run run = { .data_len = 3, .data_out_max = 3 };
	struct ebpf_req_link_create link = { .hook = EBPF_HOOK_VALE,
					     .target = "vale0" };
	struct ebpf_req_id detach = { 0 };
	uint32_t bytes[2] = { 1, 2 };

	if (ASK_TAIL(BTF_LOAD, btf, door_btf, 45) != 0)
		return false;
	map.btf_id = door_id();
	map.btf_key_type = 1;
	if (ASK(MAP_CREATE, map) != 0)
		return false;
	pin.id = update.id = door_id();
	if (ASK(PIN, pin) != 0)
		return false;
	if (ASK_TAIL(MAP_UPDATE, update, bytes, 8) != 0) {
		ASK(UNPIN, unpin);
		return false;
	}
	if (ASK(UNPIN, unpin) != 0)
		return false;
	run.id = door_prog(EBPF_PROG_RAW, door_raw_code, 3, 0);
	if (run.id == 0 || ASK_TAIL(PROG_RUN, run, "abc", 3) != 0)
		return false;
	link.prog_id = door_prog(EBPF_PROG_VALE, door_vale_code, 2, 0);
	if (link.prog_id == 0 || ASK(LINK_CREATE, link) != 0)
		return false;
	detach.id = door_id();
	return ASK(LINK_DETACH, detach) == 0;
}

static void
test_failing(void)
{
	struct ebpf_session *first = door_session;
	uint64_t live = 0, n;
	bool good = true, done = false;

	/* once in peace, so that what grows once has grown */
	if (!tap_ok(ebpf_session_open(door_device, 1, &door_session) == 0 && life(),
		    "a life: %s", ebpf_error_name(door_head.error)))
		return;
	ebpf_session_close(door_session);
	for (n = 1; !done && n < 1000; n++) {
		os_epoch_drain();
		live = os_test_live();
		os_test_fail_at(n);
		if (ebpf_session_open(door_device, 1, &door_session) == 0) {
			done = life();
			good = good && (done || door_head.error == -EBPF_ENOMEM ||
					door_head.error == -EBPF_EJIT);
			if (!good)
				tap_diag("%llu: %s", (unsigned long long)n,
					 ebpf_error_name(door_head.error));
			ebpf_session_close(door_session);
		}
		/* a JIT without memory leaves the interpreter */
		done = done && !os_test_failed();
		os_test_fail_at(0);
		os_epoch_drain();
		if (os_test_live() != live || standin_link != NULL) {
			tap_diag("%llu: %lld more than before",
				 (unsigned long long)n,
				 (long long)(os_test_live() - live));
			good = false;
		}
	}
	tap_ok(good && done, "each of %llu allocations may fail",
	       (unsigned long long)n - 2);
	door_session = first;
}

static void
test_without(void)
{
	struct ebpf_device_config config = { .rt = door_rt };
	struct ebpf_device *bare;
	struct ebpf_session *first = door_session;
	struct ebpf_req_switch vale = { .name = "vale0" };
	struct ebpf_req_port_add add = { .name = "vale0" };
	struct ebpf_req_stop stop = { 0 };

	TAP_CHECK(ebpf_device_create(&config, &bare) == 0);
	TAP_CHECK(ebpf_session_open(bare, 0, &door_session) == 0);
	TAP_CHECK(ASK(SWITCH_CREATE, vale) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(SWITCH_INFO, vale) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(PORT_ADD, add) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(STOP, stop) == -EBPF_EUNSUPPORTED);
	ebpf_session_close(door_session);
	ebpf_device_destroy(bare);
	ebpf_device_destroy(NULL);
	door_session = first;
}

int
main(void)
{
	if (!door_open(on_stop))
		return 1;
	test_framing();
	test_padding();
	test_texts();
	test_switch();
	test_device();
	test_unknown();
	test_sessions();
	test_failing();
	test_without();
	door_close();
	return tap_done();
}
