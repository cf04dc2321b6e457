/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device's door from outside: framing rules on every request, every
 * handler's good path and refusals, batches, dumps, links and switches through
 * stand-ins, sessions that end, allocations that fail one after the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/link.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/tracelog.h"
#include "device/device.h"
#include "tap.h"

enum {
	ROOM = 1 << 20,
	CANARY = 0xa5,
};

static struct ebpf_runtime *rt;
static struct ebpf_device *device;
static struct ebpf_session *session;

static uint64_t request_words[ROOM / 8], reply_words[ROOM / 8 + 8];
static uint8_t *const request = (uint8_t *)request_words;
static uint8_t *const reply = (uint8_t *)reply_words;
static struct ebpf_reply head; /* of the last reply */
static uint8_t *rep;	       /* body of the last reply */
static uint64_t tag;
static const uint8_t zeros[66000];
static bool sane = true; /* no reply broke the framing so far */

/* Send what stands in request; checks the reply's framing. */
static int
send(size_t len, size_t cap)
{
	size_t got;

	memset(reply, CANARY, cap + 64);
	got = ebpf_dispatch(session, request, len, reply, cap);
	memcpy(&head, reply, sizeof(head));
	rep = reply + sizeof(head);
	if (got < sizeof(head) || got > cap || head.size != got ||
	    (len >= sizeof(struct ebpf_msg) && head.tag != tag) ||
	    head.error > 0 || reply[cap] != CANARY ||
	    reply[cap + 63] != CANARY)
		sane = false;
	return head.error;
}

static size_t
frame(uint32_t number, const void *body, size_t body_len, const void *tail,
      size_t tail_len, uint32_t reply_max)
{
	struct ebpf_msg msg = {
		.size = (uint32_t)(sizeof(msg) + body_len + tail_len),
		.reply_max = reply_max,
		.number = (uint16_t)number,
		.tag = ++tag,
	};
	uint32_t size = (uint32_t)body_len;

	memcpy(request, &msg, sizeof(msg));
	if (body_len != 0)
		memcpy(request + sizeof(msg), body, body_len);
	if (body_len >= sizeof(size))
		memcpy(request + sizeof(msg), &size, sizeof(size));
	if (tail_len != 0)
		memcpy(request + sizeof(msg) + body_len, tail, tail_len);
	return msg.size;
}

static int
ask_tail(uint32_t number, const void *body, size_t body_len, const void *tail,
	 size_t tail_len)
{
	return send(frame(number, body, body_len, tail, tail_len, ROOM), ROOM);
}

#define ASK(NAME, body) \
	ask_tail(EBPF_REQUEST_##NAME, &(body), sizeof(body), NULL, 0)
#define ASK_TAIL(NAME, body, tail, len) \
	ask_tail(EBPF_REQUEST_##NAME, &(body), sizeof(body), tail, len)

static uint32_t
rep_id(void)
{
	return ((struct ebpf_rep_id *)rep)->id;
}

/* ---- framing ---- */

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
		plain = ask_tail(number, zeros, size, NULL, 0);
		/* longer by zeros, and shorter: the same */
		good = good && ask_tail(number, zeros, size + 8, NULL, 0) ==
				       plain;
		good = good && ask_tail(number, zeros, size + 2048, NULL, 0) ==
				       plain;
		good = good && ask_tail(number, zeros, 8, NULL, 0) == plain;
		if (!tap_ok(good, "%s: bodies may grow", requests[i].name))
			tap_diag("%s, then %s", ebpf_error_name(plain),
				 ebpf_error_name(head.error));
		/* longer by something else */
		memset(body, 0, sizeof(body));
		body[size + 7] = 1;
		good = ask_tail(number, body, size + 8, NULL, 0) ==
		       -EBPF_EPROTO;
		/* sizes that cannot be */
		len = (uint32_t)frame(number, zeros, size, NULL, 0, ROOM);
		size += 4;
		memcpy(request + sizeof(msg), &size, 4);
		good = good && send(len, ROOM) == -EBPF_EPROTO;
		size += 4;
		memcpy(request + sizeof(msg), &size, 4);
		good = good && send(len, ROOM) == -EBPF_EPROTO;
		size = 0xfffffff8;
		memcpy(request + sizeof(msg), &size, 4);
		good = good && send(len, ROOM) == -EBPF_EPROTO;
		size = 0;
		memcpy(request + sizeof(msg), &size, 4);
		good = good && send(len, ROOM) == -EBPF_EPROTO;
		size = 4;
		memcpy(request + sizeof(msg), &size, 4);
		good = good && send(len, ROOM) == -EBPF_EPROTO;
		/* cut anywhere */
		for (size = 0; size < len; size++) {
			frame(number, zeros, len - sizeof(msg), NULL, 0, ROOM);
			memcpy(request, &size, 4);
			good = good && send(size, ROOM) == -EBPF_EPROTO;
		}
		tap_ok(good, "%s: other sizes are malformed", requests[i].name);

		/* header */
		frame(number, zeros, requests[i].req, NULL, 0, ROOM);
		memcpy(&msg, request, sizeof(msg));
		msg.flags = 1;
		memcpy(request, &msg, sizeof(msg));
		good = send(len, ROOM) == -EBPF_EPROTO;
		msg.flags = 0;
		msg.pad = 1;
		memcpy(request, &msg, sizeof(msg));
		good = good && send(len, ROOM) == -EBPF_EPROTO;
		msg.pad = 0;
		msg.size++;
		memcpy(request, &msg, sizeof(msg));
		good = good && send(len, ROOM) == -EBPF_EPROTO;
		tap_ok(good, "%s: header is checked", requests[i].name);

		/* a reply that has no room for its body: before any effect */
		frame(number, zeros, requests[i].req, NULL, 0,
		      (uint32_t)sizeof(head) + requests[i].rep - 1);
		good = send(len, ROOM) == -EBPF_ENOSPC;
		frame(number, zeros, requests[i].req, NULL, 0, ROOM);
		good = good && send(len, sizeof(head)) == -EBPF_ENOSPC;
		tap_ok(good, "%s: room for the reply", requests[i].name);

		if (!requests[i].tail)
			tap_ok(ask_tail(number, zeros, requests[i].req, zeros,
					8) == -EBPF_EPROTO &&
				       ask_tail(number, zeros, requests[i].req,
						zeros, 1) == -EBPF_EPROTO,
			       "%s: no trailing bytes", requests[i].name);
	}
	TAP_CHECK(ask_tail(0, zeros, 8, NULL, 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ask_tail(0xffff, zeros, 8, NULL, 0) == -EBPF_EUNSUPPORTED);
	frame(EBPF_REQUEST_HELLO, zeros, 8, NULL, 0, 15);
	TAP_CHECK(send(32, ROOM) == -EBPF_EPROTO);
	TAP_CHECK(ebpf_dispatch(session, request, 32, reply, 15) == 0);
	TAP_CHECK(ebpf_dispatch(session, request, 0, reply, 16) == 16);
	tap_ok(sane, "all replies are framed right");
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

/* ---- stand-ins: a switch provider, a hook, a stop ---- */

static uint32_t stops, created;
static struct ebpf_link *attached;

static void
on_stop(void *cookie)
{
	stops++;
}

static int
vale_create(void *cookie, const char *name, uint32_t uid)
{
	created++;
	return strcmp(name, "vale0") == 0 ? 0 : -EBPF_EINVAL;
}

static int
vale_destroy(void *cookie, const char *name)
{
	return strcmp(name, "vale0") == 0 ? 0 : -EBPF_ENOENT;
}

static int
vale_info(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	if (strcmp(name, "vale0") != 0)
		return -EBPF_ENOENT;
	info->port_count = 3;
	memcpy(info->name, "vale0", 6);
	return 0;
}

static int
vale_next(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	return strcmp(name, "vale0") < 0 ? vale_info(NULL, "vale0", info) :
					   -EBPF_ENOENT;
}

static int
vale_start(void *cookie, const char *name, uint32_t wait_ms,
	   struct ebpf_rep_switch_info *info)
{
	return vale_info(cookie, name, info);
}

static int
vale_port_add(void *cookie, const char *name, const char *port_name,
	      const char *spec, struct ebpf_rep_port_info *info, char *why,
	      size_t why_size)
{
	info->index = 7;
	if (strcmp(spec, "good:") == 0)
		return 0;
	snprintf(why, why_size, "cannot open %s", spec);
	return -EBPF_ENODEV;
}

static int
vale_port_del(void *cookie, const char *name, uint32_t index,
	      const char *port_name)
{
	return index == 7 ? 0 : -EBPF_ENOENT;
}

static int
vale_port_info(void *cookie, const char *name, uint32_t index,
	       struct ebpf_rep_port_info *info)
{
	if (index > 7)
		return -EBPF_ENOENT;
	info->index = 7;
	return 0;
}

static const struct ebpf_switch_ops switch_ops = {
	.create = vale_create,
	.destroy = vale_destroy,
	.next = vale_next,
	.info = vale_info,
	.start = vale_start,
	.port_add = vale_port_add,
	.port_del = vale_port_del,
	.port_info = vale_port_info,
};

static int
hook_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	if (strcmp(link->target, "vale0") != 0)
		return -EBPF_ENOENT;
	if (attached != NULL) {
		if (!replace)
			return -EBPF_EBUSY;
		ebpf_link_gone(attached, EBPF_LINK_DETACHED);
		ebpf_link_put(attached);
	}
	ebpf_link_get(link);
	attached = link;
	return 0;
}

static int
hook_update(void *cookie, struct ebpf_link *link, struct ebpf_prog *prog)
{
	return attached == link ? 0 : -EBPF_ESTALE;
}

static void
hook_detach(void *cookie, struct ebpf_link *link)
{
	if (attached != link)
		return;
	attached = NULL;
	ebpf_link_put(link);
}

static const struct ebpf_hook_ops hook_ops = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE | EBPF_KINDS_VALE_BUF,
	.attach = hook_attach,
	.update = hook_update,
	.detach = hook_detach,
};

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

	TAP_CHECK(ASK(SWITCH_CREATE, vale) == 0 && created > 0);
	TAP_CHECK(ASK(SWITCH_INFO, vale) == 0);
	got = (void *)rep;
	TAP_CHECK(got->size == sizeof(*got) && got->port_count == 3);
	TAP_CHECK(ASK(SWITCH_NEXT, next) == 0);
	memcpy(next.name, "vale0", 6);
	TAP_CHECK(ASK(SWITCH_NEXT, next) == -EBPF_ENOENT);
	TAP_CHECK(ASK(SWITCH_START, start) == 0);
	TAP_CHECK(ASK(PORT_ADD, add) == 0 &&
		  ((struct ebpf_rep_port_info *)rep)->index == 7);
	memcpy(add.spec, "bad:", 5);
	TAP_CHECK(ASK(PORT_ADD, add) == -EBPF_ENODEV);
	TAP_CHECK(((struct ebpf_rep_port_info *)rep)->index == 0);
	TAP_CHECK(head.size == sizeof(head) +
		  sizeof(struct ebpf_rep_port_info) + 16 &&
		  memcmp(rep + sizeof(struct ebpf_rep_port_info),
			 "cannot open bad:", 16) == 0);
	TAP_CHECK(ASK(PORT_INFO, info) == 0);
	TAP_CHECK(ASK(PORT_DEL, port) == 0);
	port.index = 6;
	TAP_CHECK(ASK(PORT_DEL, port) == -EBPF_ENOENT);
	TAP_CHECK(ASK(SWITCH_DESTROY, vale) == 0);
	memcpy(vale.name, "vale1", 6);
	TAP_CHECK(ASK(SWITCH_DESTROY, vale) == -EBPF_ENOENT);
	TAP_CHECK(head.size == sizeof(head));
}

/* ---- the device itself ---- */

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
	greeting = (void *)rep;
	TAP_CHECK(greeting->version == EBPF_WIRE_VERSION &&
		  greeting->home == EBPF_HOME_LOCAL && greeting->pid == 42 &&
		  greeting->sessions == 1 && greeting->stats_on == 0 &&
		  greeting->cpu_count == os_cpu_count());
	TAP_CHECK(strlen(greeting->release) > 0);
	hello.version++;
	TAP_CHECK(ASK(HELLO, hello) == -EBPF_EVERSION);
	TAP_CHECK(head.size == sizeof(head) + sizeof(*greeting) &&
		  ((struct ebpf_rep_hello *)rep)->version ==
			  EBPF_WIRE_VERSION);

	TAP_CHECK(ASK(FEATURES, features) == 0);
	can = (void *)rep;
	all = can->helper_count;
	TAP_CHECK(all > 5 && can->map_kind_count >= 5 &&
		  can->prog_kind_count >= 4 &&
		  can->insn_max == EBPF_INSN_MAX && can->hooks == 1);
	TAP_CHECK(head.size == sizeof(head) + sizeof(*can) +
		  4 * (all + can->map_kind_count + can->prog_kind_count));
	features.prog_kind = EBPF_PROG_RAW;
	TAP_CHECK(ASK(FEATURES, features) == 0 &&
		  ((struct ebpf_rep_features *)rep)->helper_count < all);
	features.prog_kind = 0x7777;
	TAP_CHECK(ASK(FEATURES, features) == -EBPF_EUNSUPPORTED);
	features.prog_kind = 0;
	frame(EBPF_REQUEST_FEATURES, &features, sizeof(features), NULL, 0,
	      sizeof(head) + sizeof(*can) + 4);
	TAP_CHECK(send(sizeof(struct ebpf_msg) + sizeof(features), ROOM) == 0 &&
		  can->helper_count == all &&
		  head.size == sizeof(head) + sizeof(*can) + 4);

	TAP_CHECK(ASK(STATS, stats) == 0 && rt->stats_on == 1);
	stats.op = EBPF_STATS_RESET;
	TAP_CHECK(ASK(STATS, stats) == 0 && rt->stats_on == 1);
	stats.op = EBPF_STATS_OFF;
	TAP_CHECK(ASK(STATS, stats) == 0 && rt->stats_on == 0);
	stats.op = 3;
	TAP_CHECK(ASK(STATS, stats) == -EBPF_EINVAL);

	ebpf_tracelog_write(rt->tracelog, 9, "one", 3);
	ebpf_tracelog_write(rt->tracelog, 8, "three", 5);
	TAP_CHECK(ASK(TRACELOG, log) == 0);
	lines = (void *)rep;
	memcpy(&record, rep + sizeof(*lines), sizeof(record));
	TAP_CHECK(lines->count == 2 && record.prog_id == 9 && record.len == 3 &&
		  memcmp(rep + sizeof(*lines) + sizeof(record), "one", 3) == 0);
	log.after = lines->next;
	TAP_CHECK(ASK(TRACELOG, log) == 0 &&
		  ((struct ebpf_rep_tracelog *)rep)->count == 0);

	TAP_CHECK(ASK(STOP, stop) == 0 && stops == before + 1);
}

/* ---- maps ---- */

static uint32_t
make_map(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries,
	 const char *name)
{
	struct ebpf_req_map_create req = {
		.kind = kind,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
	};

	memcpy(req.name, name, strlen(name) + 1);
	return ASK(MAP_CREATE, req) == 0 ? rep_id() : 0;
}

static void
test_map(void)
{
	uint32_t id = make_map(EBPF_MAP_HASH, 4, 8, 100, "flows");
	struct ebpf_req_id get = { .id = id };
	struct ebpf_req_map_key key = { .id = id, .key_len = 4 };
	struct ebpf_req_map_next next = { .id = id };
	struct ebpf_req_map_update update = { .id = id, .key_len = 4,
					      .value_len = 8 };
	struct ebpf_req_map_lookup_batch batch = { .id = id, .count = 60 };
	struct ebpf_req_map_batch many = { .id = id };
	struct ebpf_req_map_create bad = { .kind = EBPF_MAP_HASH,
					   .key_size = 4, .value_size = 4,
					   .max_entries = 1, .btf_id = 99 };
	struct ebpf_rep_map_info *info;
	struct ebpf_rep_map_lookup_batch *walk;
	uint32_t bytes[3 * 200], i;
	uint8_t seen[100] = { 0 };

	TAP_CHECK(id != 0);
	TAP_CHECK(ASK(MAP_INFO, get) == 0);
	info = (void *)rep;
	TAP_CHECK(info->size == sizeof(*info) && info->id == id &&
		  info->kind == EBPF_MAP_HASH && info->key_size == 4 &&
		  info->value_size == 8 && info->max_entries == 100 &&
		  info->user_value_size == 8 && info->uid == 77 &&
		  info->refs == 1 && info->mem_bytes > 0 && info->count == 0 &&
		  info->created_ns > 0 && strcmp(info->name, "flows") == 0);

	bytes[0] = 5;
	bytes[1] = 50;
	bytes[2] = 500;
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP, key, bytes, 4) == -EBPF_ENOENT);
	TAP_CHECK(ASK_TAIL(MAP_UPDATE, update, bytes, 12) == 0);
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP, key, bytes, 4) == 0);
	TAP_CHECK(head.size == sizeof(head) + sizeof(struct ebpf_rep_none) + 8);
	TAP_CHECK(memcmp(rep + sizeof(struct ebpf_rep_none), bytes + 1, 8) ==
		  0);
	update.flags = EBPF_NOEXIST;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE, update, bytes, 12) == -EBPF_EEXIST);
	update.flags = 0;
	/* lengths */
	TAP_CHECK(ASK_TAIL(MAP_UPDATE, update, bytes, 11) == -EBPF_EPROTO);
	TAP_CHECK(ASK_TAIL(MAP_UPDATE, update, bytes, 13) == -EBPF_EPROTO);
	update.value_len = 7;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE, update, bytes, 11) == -EBPF_EINVAL);
	update.key_len = 0xfffffffc;
	update.value_len = 16;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE, update, bytes, 12) == -EBPF_EPROTO);
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP, key, bytes, 5) == -EBPF_EPROTO);
	key.key_len = 5;
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP, key, bytes, 5) == -EBPF_EINVAL);
	TAP_CHECK(ASK_TAIL(MAP_DELETE, key, bytes, 5) == -EBPF_EINVAL);
	key.key_len = 4;
	key.flags = 1;
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP, key, bytes, 4) == -EBPF_EINVAL);
	TAP_CHECK(ASK_TAIL(MAP_DELETE, key, bytes, 4) == -EBPF_EINVAL);
	key.flags = 0;
	frame(EBPF_REQUEST_MAP_LOOKUP, &key, sizeof(key), bytes, 4,
	      sizeof(head) + 8 + 7);
	TAP_CHECK(send(sizeof(struct ebpf_msg) + sizeof(key) + 4, ROOM) ==
		  -EBPF_ENOSPC);

	TAP_CHECK(ASK(MAP_NEXT, next) == 0 &&
		  memcmp(rep + 8, bytes, 4) == 0 && head.size == 16 + 8 + 4);
	next.key_len = 4;
	TAP_CHECK(ASK_TAIL(MAP_NEXT, next, bytes, 4) == -EBPF_ENOENT);
	next.key_len = 3;
	TAP_CHECK(ASK_TAIL(MAP_NEXT, next, bytes, 3) == -EBPF_EINVAL);
	TAP_CHECK(ASK_TAIL(MAP_DELETE, key, bytes, 4) == 0);
	TAP_CHECK(ASK_TAIL(MAP_DELETE, key, bytes, 4) == -EBPF_ENOENT);

	/* batches */
	for (i = 0; i < 101; i++) {
		bytes[3 * i] = i;
		bytes[3 * i + 1] = i + 1000;
		bytes[3 * i + 2] = 0;
	}
	many.count = 100;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE_BATCH, many, bytes, 1201) ==
		  -EBPF_EPROTO);
	TAP_CHECK(ASK_TAIL(MAP_UPDATE_BATCH, many, bytes, 1200) == 0 &&
		  ((struct ebpf_rep_map_batch *)rep)->count == 100);
	many.count = 101;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE_BATCH, many, bytes, 1212) ==
		  -EBPF_E2BIG);
	TAP_CHECK(head.size == sizeof(head) + 8 &&
		  ((struct ebpf_rep_map_batch *)rep)->count == 100);
	many.count = 0xffffffff;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE_BATCH, many, bytes, 1200) ==
		  -EBPF_EPROTO);
	walk = (void *)rep;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == 0 && walk->count == 60 &&
		  walk->done == 0);
	for (i = 0; i < 60; i++)
		seen[*(uint32_t *)(rep + sizeof(*walk) + i * 12) % 100]++;
	batch.cursor = walk->cursor;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == 0 && walk->count == 40 &&
		  walk->done == 1);
	TAP_CHECK(head.size == sizeof(head) + sizeof(*walk) + 40 * 12);
	for (i = 0; i < 40; i++)
		seen[*(uint32_t *)(rep + sizeof(*walk) + i * 12) % 100]++;
	TAP_CHECK(memchr(seen, 0, 100) == NULL && memchr(seen, 2, 100) == NULL);
	batch.cursor = UINT64_MAX;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_EINVAL);
	batch.cursor = 0;
	batch.count = 0;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_EINVAL);
	batch.count = 10;
	frame(EBPF_REQUEST_MAP_LOOKUP_BATCH, &batch, sizeof(batch), NULL, 0,
	      sizeof(head) + sizeof(*walk) + 35);
	TAP_CHECK(send(sizeof(struct ebpf_msg) + sizeof(batch), ROOM) == 0 &&
		  walk->count == 2);
	for (i = 0; i < 100; i++)
		bytes[i] = i < 50 ? i : i + 1000;
	many.count = 100;
	TAP_CHECK(ASK_TAIL(MAP_DELETE_BATCH, many, bytes, 400) ==
		  -EBPF_ENOENT);
	TAP_CHECK(((struct ebpf_rep_map_batch *)rep)->count == 50);

	/* read and removed in one step: one, then all that are left */
	i = 60;
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP_DELETE, key, &i, 4) == 0 &&
		  head.size == sizeof(head) + 8 + 8);
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP_DELETE, key, &i, 4) == -EBPF_ENOENT);
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP_DELETE, key, &i, 3) == -EBPF_EPROTO);
	batch.flags = 2;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_EINVAL);
	batch.flags = EBPF_BATCH_REMOVE;
	batch.count = 20;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == 0 && walk->count == 20 &&
		  walk->done == 0);
	batch.count = 60;
	batch.cursor = walk->cursor;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == 0 && walk->count == 29 &&
		  walk->done == 1);
	batch.flags = 0;
	batch.cursor = 0;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == 0 && walk->count == 0 &&
		  walk->done == 1);

	TAP_CHECK(ASK(MAP_FREEZE, get) == 0);
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP_DELETE, key, &i, 4) == -EBPF_EACCES);
	TAP_CHECK(ASK_TAIL(MAP_DELETE, key, bytes + 50, 4) == -EBPF_EACCES);
	TAP_CHECK(ASK(MAP_CREATE, bad) == -EBPF_ENOENT);
	bad.btf_id = 0;
	bad.inner_map_id = 9999;
	TAP_CHECK(ASK(MAP_CREATE, bad) == -EBPF_ENOENT);
	bad.inner_map_id = id;
	TAP_CHECK(ASK(MAP_CREATE, bad) == -EBPF_EINVAL);

	/* elements of no bytes */
	batch.id = many.id = make_map(EBPF_MAP_RINGBUF, 0, 0, 4096, "ring");
	batch.cursor = 0;
	many.count = UINT32_MAX;
	TAP_CHECK(batch.id != 0);
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(MAP_UPDATE_BATCH, many) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(MAP_DELETE_BATCH, many) == -EBPF_EUNSUPPORTED);

	/* a map whose spare elements are all in their grace period */
	id = make_map(EBPF_MAP_HASH, 4, 8, 1, "small");
	key.id = update.id = id;
	update.key_len = 4;
	update.value_len = 8;
	for (i = 0; i < 3000; i++) {
		bytes[0] = i;
		if (ASK_TAIL(MAP_UPDATE, update, bytes, 12) != 0 ||
		    ASK_TAIL(MAP_DELETE, key, bytes, 4) != 0)
			break;
	}
	tap_ok(i == 3000, "requests wait for free elements");
}

/* ---- objects and pins ---- */

static void
test_objects(void)
{
	uint32_t a = make_map(EBPF_MAP_ARRAY, 4, 4, 1, "a");
	uint32_t b = make_map(EBPF_MAP_ARRAY, 4, 4, 1, "b");
	struct ebpf_req_obj_next next = { .kind = EBPF_OBJ_MAP, .id = a };
	struct ebpf_req_obj_find find = { .kind = EBPF_OBJ_MAP, .name = "b" };
	struct ebpf_req_obj hold = { .kind = EBPF_OBJ_MAP, .id = a };
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .id = b,
				    .pin = "x/y" };
	struct ebpf_req_pin_name name = { .pin = "x/y" };
	struct ebpf_req_pin_next pins = { .prefix = "x/" };
	struct ebpf_req_id info = { .id = b };
	struct ebpf_rep_pin *got;

	TAP_CHECK(ASK(OBJ_NEXT, next) == 0 && rep_id() == b);
	next.id = b;
	TAP_CHECK(ASK(OBJ_NEXT, next) == -EBPF_ENOENT);
	next.kind = 5;
	TAP_CHECK(ASK(OBJ_NEXT, next) == -EBPF_EINVAL);
	next.kind = 0;
	TAP_CHECK(ASK(OBJ_NEXT, next) == -EBPF_EINVAL);
	TAP_CHECK(ASK(OBJ_FIND, find) == 0 && rep_id() == b);
	find.id = b;
	TAP_CHECK(ASK(OBJ_FIND, find) == -EBPF_ENOENT);
	find.by_tag = 1;
	TAP_CHECK(ASK(OBJ_FIND, find) == -EBPF_EINVAL);

	TAP_CHECK(ASK(OBJ_HOLD, hold) == 0);
	TAP_CHECK(ASK(OBJ_DROP, hold) == 0);
	TAP_CHECK(ASK(OBJ_DROP, hold) == 0);
	TAP_CHECK(ASK(OBJ_DROP, hold) == -EBPF_ENOENT);
	os_epoch_drain();
	TAP_CHECK(ASK(OBJ_HOLD, hold) == -EBPF_ENOENT);
	hold.kind = 0xffffffff;
	TAP_CHECK(ASK(OBJ_HOLD, hold) == -EBPF_EINVAL);
	TAP_CHECK(ASK(OBJ_DROP, hold) == -EBPF_EINVAL);

	TAP_CHECK(ASK(PIN, pin) == 0);
	TAP_CHECK(ASK(PIN, pin) == -EBPF_EEXIST);
	pin.replace = 2;
	TAP_CHECK(ASK(PIN, pin) == -EBPF_EINVAL);
	pin.replace = 1;
	TAP_CHECK(ASK(PIN, pin) == 0);
	hold.kind = EBPF_OBJ_MAP;
	hold.id = b;
	TAP_CHECK(ASK(OBJ_DROP, hold) == 0);
	os_epoch_drain();
	TAP_CHECK(ASK(PIN_GET, name) == 0);
	got = (void *)rep;
	TAP_CHECK(got->kind == EBPF_OBJ_MAP && got->id == b &&
		  strcmp(got->pin, "x/y") == 0);
	TAP_CHECK(ASK(MAP_INFO, info) == 0 &&
		  ((struct ebpf_rep_map_info *)rep)->refs == 1);
	TAP_CHECK(ASK(PIN_NEXT, pins) == 0 && got->id == b);
	memcpy(pins.pin, "x/y", 4);
	TAP_CHECK(ASK(PIN_NEXT, pins) == -EBPF_ENOENT);
	pins.id = 1;
	TAP_CHECK(ASK(PIN_NEXT, pins) == -EBPF_EINVAL);
	pins.kind = 9;
	TAP_CHECK(ASK(PIN_NEXT, pins) == -EBPF_EINVAL);
	TAP_CHECK(ASK(UNPIN, name) == 0);
	TAP_CHECK(ASK(UNPIN, name) == -EBPF_ENOENT);
	os_epoch_drain();
	TAP_CHECK(ASK(MAP_INFO, info) == -EBPF_ENOENT);
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

/* ---- programs ---- */

/* r0 = first byte of memory; that byte becomes 7. */
static const struct ebpf_insn raw_code[] = {
	{ 0x71, 0x10, 0, 0 }, /* r0 = *(u8 *)(r1 + 0) */
	{ 0x72, 0x01, 0, 7 }, /* *(u8 *)(r1 + 0) = 7 */
	{ 0x95, 0, 0, 0 },    /* exit */
};
/* r0 = map's address, then 0: a pointer may not be returned */
static const struct ebpf_insn vale_code[] = {
	{ 0xb7, 0, 0, 254 }, /* r0 = 254 */
	{ 0x95, 0, 0, 0 },   /* exit */
};

static uint32_t
load_prog(uint32_t kind, const struct ebpf_insn *code, uint32_t count,
	  uint32_t flags)
{
	struct ebpf_req_prog_load req = {
		.kind = kind,
		.flags = flags,
		.insn_count = count,
		.mem_size = kind == EBPF_PROG_RAW ? 1 : 0,
		.log_size = 4096,
		.name = "prog",
		.license = "GPL",
	};

	return ASK_TAIL(PROG_LOAD, req, code, count * 8) == 0 ?
		((struct ebpf_rep_prog_load *)rep)->id : 0;
}

static void
test_prog(void)
{
	uint32_t id = load_prog(EBPF_PROG_RAW, raw_code, 3, EBPF_PROG_INTERP);
	uint32_t map = make_map(EBPF_MAP_ARRAY, 4, 4, 1, "used");
	struct ebpf_req_id get = { .id = id };
	struct ebpf_req_prog_dump dump = { .id = id, .what = EBPF_DUMP_RAW,
					   .len = 1000 };
	struct ebpf_req_prog_run run = { .id = id, .data_len = 3, .repeat = 2,
					 .data_out_max = 100 };
	struct ebpf_req_prog_load load = { .kind = EBPF_PROG_RAW,
					   .insn_count = 1, .log_size = 4096 };
	struct ebpf_req_obj_find find = { .kind = EBPF_OBJ_PROG, .by_tag = 1 };
	struct ebpf_insn bad = { 0x95, 0, 0, 0 }; /* exit without r0 */
	struct ebpf_insn lddw[4] = { { 0x18, 0x51, 0, 0 }, /* r1 = map 0 */
				     { 0, 0, 0, 0 },
				     { 0xb7, 0, 0, 0 },
				     { 0x95, 0, 0, 0 } };
	struct ebpf_rep_prog_info *info;
	struct ebpf_rep_data *data;
	struct ebpf_rep_prog_run *ran;
	struct ebpf_rep_prog_load *loaded;
	uint8_t parts[4 * 8 + 4];
	uint32_t used, other;

	if (!tap_ok(id != 0, "load a program: %s",
		    ebpf_error_name(head.error)))
		return;
	TAP_CHECK(ASK(PROG_INFO, get) == 0);
	info = (void *)rep;
	TAP_CHECK(info->id == id && info->kind == EBPF_PROG_RAW &&
		  info->jited == 0 && info->insn_count == 3 &&
		  info->jited_len == 0 && info->refs == 1 &&
		  info->uid == 77 && strcmp(info->name, "prog") == 0);
	memcpy(find.tag, info->tag, sizeof(find.tag));
	TAP_CHECK(ASK(OBJ_FIND, find) == 0 && rep_id() == id);

	data = (void *)rep;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 24 &&
		  data->total == 24 &&
		  memcmp(rep + sizeof(*data), raw_code, 24) == 0);
	dump.offset = 5;
	dump.len = 7;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 7 &&
		  memcmp(rep + sizeof(*data), (uint8_t *)raw_code + 5, 7) ==
			  0);
	dump.what = EBPF_DUMP_XLATED;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 7 &&
		  memcmp(rep + sizeof(*data), (uint8_t *)raw_code + 5, 7) ==
			  0);
	dump.offset = 25;
	TAP_CHECK(ASK(PROG_DUMP, dump) == -EBPF_ERANGE);
	dump.offset = 24;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 0);
	dump.what = EBPF_DUMP_JITED;
	TAP_CHECK(ASK(PROG_DUMP, dump) == -EBPF_ENOENT);
	dump.what = EBPF_DUMP_LINE_INFO;
	dump.offset = 0;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->total == 0);
	dump.what = 0;
	TAP_CHECK(ASK(PROG_DUMP, dump) == -EBPF_EINVAL);

	/* runs see what the one before left */
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 3) == 0);
	ran = (void *)rep;
	TAP_CHECK(ran->retval == 7 && ran->data_len == 3 &&
		  ran->data_sent == 3 &&
		  memcmp(rep + sizeof(*ran), "\7bc", 3) == 0);
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 4) == -EBPF_EPROTO);
	run.data_out_max = 1;
	run.repeat = 0;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 3) == 0 &&
		  ran->retval == 'a' && ran->data_sent == 1 &&
		  head.size == sizeof(head) + sizeof(*ran) + 1);
	run.engine = 3;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 3) == -EBPF_EINVAL);
	run.engine = EBPF_ENGINE_JIT;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 3) == -EBPF_EJIT);
	run.engine = 0;
	run.data_len = 65537;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, zeros, 65537) == -EBPF_E2BIG);
	run.data_len = 3;
	run.ctx_len = 0xfffffffd;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 0) == -EBPF_EPROTO);

	/* a rejection says why */
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, &bad, 8) == -EBPF_EREJECTED);
	loaded = (void *)rep;
	TAP_CHECK(head.size == sizeof(head) + sizeof(*loaded) +
		  loaded->log_len && loaded->log_len > 0 && loaded->id == 0 &&
		  memchr(rep + sizeof(*loaded), 0, loaded->log_len) == NULL);
	load.log_size = 0;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, &bad, 8) == -EBPF_EREJECTED &&
		  loaded->log_len == 0);
	load.flags = EBPF_PROG_VERIFY_ONLY;
	load.insn_count = 2;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 16) == 0 &&
		  loaded->id == 0);
	load.flags = EBPF_PROG_JIT | EBPF_PROG_INTERP;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 16) == -EBPF_EINVAL);
	load.flags = 8;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 16) == -EBPF_EINVAL);
	load.flags = 0;
	load.log_level = 3;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 16) == -EBPF_EINVAL);
	load.log_level = 0;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 15) == -EBPF_EPROTO);
	load.insn_count = 0x20000001;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 8) == -EBPF_E2BIG);
	load.insn_count = 2;
	load.map_count = 0x40000000;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 16) == -EBPF_EPROTO);
	load.map_count = 0;
	load.btf_id = 4242;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, vale_code, 16) == -EBPF_ENOENT);
	load.btf_id = 0;

	/* a program that uses a map holds it */
	load.insn_count = 4;
	load.map_count = 1;
	memcpy(parts, lddw, 32);
	memcpy(parts + 32, &map, 4);
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, parts, 36) == 0);
	used = loaded->id;
	get.id = used;
	info = (void *)rep;
	TAP_CHECK(ASK(PROG_INFO, get) == 0 && info->map_count == 1 &&
		  memcmp(rep + sizeof(*info), &map, 4) == 0);
	other = 31337;
	memcpy(parts + 32, &other, 4);
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, parts, 36) == -EBPF_ENOENT);

	/* no address of this process in what the JIT made */
	id = load_prog(EBPF_PROG_RAW, raw_code, 3, EBPF_PROG_JIT);
	if (id == 0) {
		tap_skip("no JIT here", "machine code");
		return;
	}
	get.id = id;
	TAP_CHECK(ASK(PROG_INFO, get) == 0 && info->jited == 1 &&
		  info->jited_len > 0);
	dump.id = id;
	dump.what = EBPF_DUMP_JITED;
	dump.len = 100000;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == data->total &&
		  data->len > 0);
	dump.what = EBPF_DUMP_JIT_OFFSETS;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 12);
}

static uint32_t
occurrences(const uint8_t *bytes, size_t len, uintptr_t address, size_t size)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i + size <= len; i++)
		n += memcmp(bytes + i, &address, size) == 0;
	return n;
}

/* Code that looks up a map knows where the map is; its dump must not say. */
static void
test_jit_dump(void)
{
	static const struct ebpf_insn code[] = {
		{ 0x62, 0x0a, -4, 0 }, /* *(u32 *)(r10 - 4) = 0 */
		{ 0xbf, 0xa2, 0, 0 },  /* r2 = r10 */
		{ 0x07, 2, 0, -4 },    /* r2 += -4 */
		{ 0x18, 0x51, 0, 0 },  /* r1 = map 0 */
		{ 0, 0, 0, 0 },
		{ 0x85, 0, 0, 1 },     /* call map_lookup_elem */
		{ 0xb7, 0, 0, 0 },
		{ 0x95, 0, 0, 0 },
	};
	uint32_t map = make_map(EBPF_MAP_HASH, 4, 4, 4, "secret");
	struct ebpf_req_prog_load load = { .kind = EBPF_PROG_RAW,
					   .flags = EBPF_PROG_JIT,
					   .insn_count = 8, .map_count = 1 };
	struct ebpf_req_prog_dump dump = { .what = EBPF_DUMP_JITED,
					   .len = ROOM };
	uint8_t parts[sizeof(code) + 4];
	struct ebpf_rep_data *data;
	struct ebpf_object *obj;
	uintptr_t address;
	uint8_t *copy;
	uint32_t len, i, same = 0;

	memcpy(parts, code, sizeof(code));
	memcpy(parts + sizeof(code), &map, 4);
	if (ASK_TAIL(PROG_LOAD, load, parts, sizeof(parts)) != 0) {
		tap_ok(head.error == -EBPF_EJIT, "load with the JIT: %s",
		       ebpf_error_name(head.error));
		return;
	}
	dump.id = ((struct ebpf_rep_prog_load *)rep)->id;
	obj = ebpf_object_by_id(rt, EBPF_OBJ_MAP, map);
	address = (uintptr_t)os_container(obj, struct ebpf_map, obj);
	ebpf_object_put(obj);
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0);
	data = (void *)rep;
	len = data->len;
	TAP_CHECK(len == data->total && len > 0);
	copy = malloc(len);
	memcpy(copy, rep + sizeof(*data), len);
	obj = ebpf_object_by_id(rt, EBPF_OBJ_PROG, dump.id);
	tap_ok(occurrences(os_container(obj, struct ebpf_prog, obj)
				   ->image->code, len, address, 4) > 0,
	       "the code itself knows the map");
	ebpf_object_put(obj);
	TAP_CHECK(occurrences(copy, len, address, 4) == 0);
	TAP_CHECK(occurrences(copy, len, address >> 16, 4) == 0);
	/* piece by piece it is the same */
	dump.len = 7;
	for (dump.offset = 0; dump.offset < len; dump.offset += 7) {
		if (ASK(PROG_DUMP, dump) != 0)
			break;
		for (i = 0; i < data->len; i++)
			same += rep[sizeof(*data) + i] ==
				copy[dump.offset + i];
	}
	TAP_CHECK(same == len);
	free(copy);
}

static void
test_link(void)
{
	uint32_t vale = load_prog(EBPF_PROG_VALE, vale_code, 2, 0);
	uint32_t vale2 = load_prog(EBPF_PROG_VALE, vale_code, 2, 0);
	uint32_t raw = load_prog(EBPF_PROG_RAW, raw_code, 3, 0);
	struct ebpf_req_link_create make = { .prog_id = vale,
					     .hook = EBPF_HOOK_VALE,
					     .target = "vale0" };
	struct ebpf_req_link_update update = { .prog_id = vale2 };
	struct ebpf_req_obj drop = { .kind = EBPF_OBJ_LINK };
	struct ebpf_rep_link_info *info = (void *)rep;
	struct ebpf_req_id get = { 0 };
	uint32_t first;

	if (vale == 0 || vale2 == 0 || raw == 0) {
		tap_ok(false, "load programs for links");
		return;
	}
	make.replace = 2;
	TAP_CHECK(ASK(LINK_CREATE, make) == -EBPF_EINVAL);
	make.replace = 0;
	make.hook = 2;
	TAP_CHECK(ASK(LINK_CREATE, make) < 0 && attached == NULL);
	make.hook = EBPF_HOOK_VALE;
	make.prog_id = raw;
	TAP_CHECK(ASK(LINK_CREATE, make) == -EBPF_EINVAL);
	make.prog_id = vale;
	memcpy(make.target, "vale9", 6);
	TAP_CHECK(ASK(LINK_CREATE, make) == -EBPF_ENOENT);
	memcpy(make.target, "vale0", 6);
	TAP_CHECK(ASK(LINK_CREATE, make) == 0);
	first = get.id = update.id = drop.id = rep_id();
	TAP_CHECK(ASK(LINK_INFO, get) == 0);
	info = (void *)rep;
	TAP_CHECK(info->id == first && info->hook == EBPF_HOOK_VALE &&
		  info->prog_id == vale && info->state == EBPF_LINK_ATTACHED &&
		  info->refs == 2 && strcmp(info->target, "vale0") == 0);
	/* it outlives its session's reference */
	TAP_CHECK(ASK(OBJ_DROP, drop) == 0);
	os_epoch_drain();
	TAP_CHECK(ASK(LINK_INFO, get) == 0 && info->refs == 1);
	TAP_CHECK(ASK(LINK_CREATE, make) == -EBPF_EBUSY);
	update.old_prog_id = vale2;
	TAP_CHECK(ASK(LINK_UPDATE, update) == -EBPF_EBUSY);
	update.old_prog_id = 4711;
	TAP_CHECK(ASK(LINK_UPDATE, update) == -EBPF_EBUSY);
	update.old_prog_id = vale;
	TAP_CHECK(ASK(LINK_UPDATE, update) == 0);
	TAP_CHECK(ASK(LINK_INFO, get) == 0 && info->prog_id == vale2);
	update.prog_id = raw;
	update.old_prog_id = 0;
	TAP_CHECK(ASK(LINK_UPDATE, update) == -EBPF_EINVAL);
	TAP_CHECK(ASK(OBJ_HOLD, drop) == 0);
	make.replace = 1;
	TAP_CHECK(ASK(LINK_CREATE, make) == 0);
	TAP_CHECK(ASK(LINK_INFO, get) == 0 &&
		  info->state == EBPF_LINK_DETACHED);
	TAP_CHECK(ASK(LINK_DETACH, get) == -EBPF_ESTALE);
	get.id = attached->obj.id;
	TAP_CHECK(ASK(LINK_DETACH, get) == 0 && attached == NULL);
}

/* ---- BTF ---- */

/* Header, one int type, strings "\0int\0". */
static const uint32_t btf_words[] = {
	0x0001eb9f, 24, 0, 16, 16, 5, /* header */
	1, 0x01000000, 4, 0x01000020, /* int, 4 bytes, signed, 32 bits */
	0x746e6900, 0,
};

static void
test_btf(void)
{
	struct ebpf_req_btf_load load = { .len = 45, .name = "types" };
	struct ebpf_req_id get = { 0 };
	struct ebpf_req_btf_data data = { .len = 1000 };
	struct ebpf_req_map_create map = { .kind = EBPF_MAP_ARRAY,
					   .key_size = 4, .value_size = 4,
					   .max_entries = 1,
					   .btf_key_type = 1,
					   .btf_value_type = 1 };
	struct ebpf_rep_btf_info *info;
	uint32_t map_id;

	TAP_CHECK(ASK_TAIL(BTF_LOAD, load, btf_words, 44) == -EBPF_EPROTO);
	TAP_CHECK(ASK_TAIL(BTF_LOAD, load, zeros, 45) < 0);
	if (!tap_ok(ASK_TAIL(BTF_LOAD, load, btf_words, 45) == 0,
		    "load BTF: %s", ebpf_error_name(head.error)))
		return;
	get.id = data.id = map.btf_id = rep_id();
	TAP_CHECK(ASK(BTF_DATA, data) == 0 &&
		  ((struct ebpf_rep_data *)rep)->len == 45 &&
		  memcmp(rep + 16, btf_words, 45) == 0);
	data.offset = 46;
	TAP_CHECK(ASK(BTF_DATA, data) == -EBPF_ERANGE);
	map.btf_value_type = 2;
	TAP_CHECK(ASK(MAP_CREATE, map) == -EBPF_EINVAL);
	map.btf_value_type = 1;
	TAP_CHECK(ASK(MAP_CREATE, map) == 0);
	map_id = rep_id();
	TAP_CHECK(ASK(BTF_INFO, get) == 0);
	info = (void *)rep;
	TAP_CHECK(info->len == 45 && info->map_count == 1 &&
		  info->prog_count == 0 &&
		  memcmp(rep + sizeof(*info), &map_id, 4) == 0 &&
		  strcmp(info->name, "types") == 0);
}

/* ---- sessions and memory ---- */

static void
test_sessions(void)
{
	struct ebpf_session *first = session, *more[3];
	uint32_t i, kept, gone;
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .pin = "kept" };
	struct ebpf_req_pin_name unpin = { .pin = "kept" };
	struct ebpf_req_id get = { 0 };
	struct ebpf_req_obj hold = { .kind = EBPF_OBJ_MAP };

	for (i = 0; i < 3; i++)
		TAP_CHECK(ebpf_session_open(device, 77, &more[i]) == 0);
	TAP_CHECK(ebpf_session_open(device, 77, &session) == -EBPF_ELIMIT);
	session = more[0];
	kept = pin.id = make_map(EBPF_MAP_ARRAY, 4, 4, 1, "kept");
	gone = make_map(EBPF_MAP_ARRAY, 4, 4, 1, "gone");
	TAP_CHECK(ASK(PIN, pin) == 0);
	ebpf_session_close(session);
	os_epoch_drain();
	session = more[1];
	get.id = gone;
	TAP_CHECK(ASK(MAP_INFO, get) == -EBPF_ENOENT);
	get.id = kept;
	TAP_CHECK(ASK(MAP_INFO, get) == 0);
	/* holds are limited */
	hold.id = kept;
	for (i = 0; i < 100 && ASK(OBJ_HOLD, hold) == 0; i++)
		;
	TAP_CHECK(i == 64 && head.error == -EBPF_ELIMIT);
	TAP_CHECK(make_map(EBPF_MAP_ARRAY, 4, 4, 1, "over") == 0 &&
		  head.error == -EBPF_ELIMIT);
	TAP_CHECK(ASK(OBJ_DROP, hold) == 0);
	TAP_CHECK(make_map(EBPF_MAP_ARRAY, 4, 4, 1, "fits") != 0);
	TAP_CHECK(ASK(UNPIN, unpin) == 0);
	TAP_CHECK(ASK(MAP_INFO, get) == 0);
	ebpf_session_close(session);
	ebpf_session_close(more[2]);
	ebpf_session_close(NULL);
	session = first;
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

	if (ASK_TAIL(BTF_LOAD, btf, btf_words, 45) != 0)
		return false;
	map.btf_id = rep_id();
	map.btf_key_type = 1;
	if (ASK(MAP_CREATE, map) != 0)
		return false;
	pin.id = update.id = rep_id();
	if (ASK(PIN, pin) != 0)
		return false;
	if (ASK_TAIL(MAP_UPDATE, update, bytes, 8) != 0) {
		ASK(UNPIN, unpin);
		return false;
	}
	if (ASK(UNPIN, unpin) != 0)
		return false;
	run.id = load_prog(EBPF_PROG_RAW, raw_code, 3, 0);
	if (run.id == 0 || ASK_TAIL(PROG_RUN, run, "abc", 3) != 0)
		return false;
	link.prog_id = load_prog(EBPF_PROG_VALE, vale_code, 2, 0);
	if (link.prog_id == 0 || ASK(LINK_CREATE, link) != 0)
		return false;
	detach.id = rep_id();
	return ASK(LINK_DETACH, detach) == 0;
}

static void
test_failing(void)
{
	struct ebpf_session *first = session;
	uint64_t live = 0, n;
	bool good = true, done = false;

	/* once in peace, so that what grows once has grown */
	if (!tap_ok(ebpf_session_open(device, 1, &session) == 0 && life(),
		    "a life: %s", ebpf_error_name(head.error)))
		return;
	ebpf_session_close(session);
	for (n = 1; !done && n < 1000; n++) {
		os_epoch_drain();
		live = os_test_live();
		os_test_fail_at(n);
		if (ebpf_session_open(device, 1, &session) == 0) {
			done = life();
			good = good && (done || head.error == -EBPF_ENOMEM ||
					head.error == -EBPF_EJIT);
			if (!good)
				tap_diag("%llu: %s", (unsigned long long)n,
					 ebpf_error_name(head.error));
			ebpf_session_close(session);
		}
		/* a JIT without memory leaves the interpreter */
		done = done && !os_test_failed();
		os_test_fail_at(0);
		os_epoch_drain();
		if (os_test_live() != live || attached != NULL) {
			tap_diag("%llu: %lld more than before",
				 (unsigned long long)n,
				 (long long)(os_test_live() - live));
			good = false;
		}
	}
	tap_ok(good && done, "each of %llu allocations may fail",
	       (unsigned long long)n - 2);
	session = first;
	tap_ok(sane, "all replies are framed right");
}

static void
test_without(void)
{
	struct ebpf_device_config config = { .rt = rt };
	struct ebpf_device *bare;
	struct ebpf_session *first = session;
	struct ebpf_req_switch vale = { .name = "vale0" };
	struct ebpf_req_port_add add = { .name = "vale0" };
	struct ebpf_req_stop stop = { 0 };

	TAP_CHECK(ebpf_device_create(&config, &bare) == 0);
	TAP_CHECK(ebpf_session_open(bare, 0, &session) == 0);
	TAP_CHECK(ASK(SWITCH_CREATE, vale) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(SWITCH_INFO, vale) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(PORT_ADD, add) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(STOP, stop) == -EBPF_EUNSUPPORTED);
	ebpf_session_close(session);
	ebpf_device_destroy(bare);
	ebpf_device_destroy(NULL);
	session = first;
}

int
main(void)
{
	struct ebpf_device_config config = {
		.switches = &switch_ops,
		.home = EBPF_HOME_LOCAL,
		.pid = 42,
		.session_max = 4,
		.session_holds_max = 64,
		.stop = on_stop,
	};
	uint64_t live = os_test_live();

	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	config.rt = rt;
	TAP_CHECK(ebpf_hook_register(rt, &hook_ops, NULL) == 0);
	TAP_CHECK(ebpf_device_create(&config, &device) == 0);
	TAP_CHECK(ebpf_session_open(device, 77, &session) == 0);
	test_device();
	test_framing();
	test_padding();
	test_texts();
	test_unknown();
	test_switch();
	test_without();
	test_map();
	test_objects();
	test_btf();
	test_prog();
	test_jit_dump();
	test_link();
	test_sessions();
	test_failing();
	ebpf_session_close(session);
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_MAP) == 0 &&
		  ebpf_object_count(rt, EBPF_OBJ_PROG) == 0 &&
		  ebpf_object_count(rt, EBPF_OBJ_LINK) == 0 &&
		  ebpf_object_count(rt, EBPF_OBJ_BTF) == 0);
	TAP_CHECK(rt->mem_used == 0);
	ebpf_device_destroy(device);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
