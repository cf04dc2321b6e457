/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device's door under hostile clients. The input is a list of requests of
 * several sessions: a number, where the body differs from a good one, trailing
 * bytes, now and then bytes as they are. Replies must be framed right, and in
 * the end, when all sessions are gone, so must be all they made.
 */
#include <stdlib.h>
#include <string.h>

#include "core/link.h"
#include "core/map.h"
#include "core/runtime.h"
#include "device/device.h"
#include "fuzz_input.h"
#include "standin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SESSIONS = 3,
	TAIL_MAX = 2048,
};

static const struct {
	uint16_t number;
	uint16_t size;
} requests[] = {
#define EBPF_REQUEST(number, NAME, name, req, rep) \
	{ number, sizeof(struct ebpf_req_##req) },
#include "abi/request.def"
};

static struct ebpf_runtime *rt;
static struct ebpf_device *device;
static struct ebpf_session *sessions[SESSIONS];

/* A number that matters: small ids and counts, and the edges. */
static uint32_t
take_number(struct input *in)
{
	static const uint32_t edges[] = {
		0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8, 0xfffffffc,
		0x40000000, 65536,	65535,	    4096,	1 << 20,
		256,	    512,	0x100,	    0x101,	0x102,
	};
	uint8_t byte = take(in);

	if (byte < 230)
		return byte % 64;
	return edges[byte % (sizeof(edges) / sizeof(edges[0]))];
}

/* ---- good requests, to be spoilt ---- */

static const struct ebpf_insn code_raw[] = {
	{ 0x71, 0x10, 0, 0 }, { 0x72, 0x01, 0, 7 }, { 0x95, 0, 0, 0 },
};
static const struct ebpf_insn code_const[] = {
	{ 0xb7, 0, 0, 1 }, { 0x95, 0, 0, 0 },
};
/* *(u32 *)(r10 - 4) = 0; r0 = lookup(map 0, r10 - 4); r0 = 0 */
static const struct ebpf_insn code_map[] = {
	{ 0x62, 0x0a, -4, 0 }, { 0xbf, 0xa2, 0, 0 }, { 0x07, 2, 0, -4 },
	{ 0x18, 0x51, 0, 0 },  { 0, 0, 0, 0 },	     { 0x85, 0, 0, 1 },
	{ 0xb7, 0, 0, 0 },     { 0x95, 0, 0, 0 },
};

static const uint32_t btf_words[] = {
	0x0001eb9f, 24, 0, 16, 16, 5, 1, 0x01000000, 4, 0x01000020,
	0x746e6900, 0,
};

static size_t
good_prog(struct input *in, struct ebpf_req_prog_load *req, uint8_t *tail)
{
	uint32_t which = take(in) % 4, map_id;

	req->log_size = 512;
	switch (which) {
	case 0:
		req->kind = EBPF_PROG_RAW;
		req->mem_size = 1;
		req->insn_count = 3;
		memcpy(tail, code_raw, sizeof(code_raw));
		return sizeof(code_raw);
	case 1:
		req->kind = EBPF_PROG_RAW;
		req->insn_count = 8;
		req->map_count = 1;
		map_id = take(in) % 32;
		memcpy(tail, code_map, sizeof(code_map));
		memcpy(tail + sizeof(code_map), &map_id, 4);
		return sizeof(code_map) + 4;
	default:
		req->kind = which == 2 ? EBPF_PROG_VALE : EBPF_PROG_XDP;
		req->insn_count = 2;
		memcpy(tail, code_const, sizeof(code_const));
		return sizeof(code_const);
	}
}

/*
 * A body and trailing bytes that have a chance; the length of the latter. Ids
 * are small numbers, and those are given out one by one.
 */
static size_t
good_request(struct input *in, uint16_t number, uint32_t *body, uint8_t *tail)
{
	static const uint8_t map_kinds[] = { 1, 2, 3, 4, 5, 6, 9, 10,
					     11, 12, 13, 22, 23, 27, 30 };
	struct ebpf_req_map_create *create = (void *)body;
	struct ebpf_req_map_key *key = (void *)body;
	struct ebpf_req_map_update *update = (void *)body;
	struct ebpf_req_map_batch *batch = (void *)body;
	struct ebpf_req_prog_run *run = (void *)body;
	uint32_t i;

	switch ((enum ebpf_request)number) {
	case EBPF_REQUEST_HELLO:
		body[1] = EBPF_WIRE_VERSION;
		return 0;
	case EBPF_REQUEST_OBJ_NEXT:
	case EBPF_REQUEST_OBJ_FIND:
	case EBPF_REQUEST_OBJ_HOLD:
	case EBPF_REQUEST_OBJ_DROP:
	case EBPF_REQUEST_PIN:
		body[1] = 1 + take(in) % 4;
		body[2] = take(in) % 32;
		if (number == EBPF_REQUEST_PIN)
			((struct ebpf_req_pin *)body)->pin[0] =
				(char)('a' + take(in) % 4);
		return 0;
	case EBPF_REQUEST_UNPIN:
	case EBPF_REQUEST_PIN_GET:
		((struct ebpf_req_pin_name *)body)->pin[0] =
			(char)('a' + take(in) % 4);
		return 0;
	case EBPF_REQUEST_PROG_LOAD:
		return good_prog(in, (void *)body, tail);
	case EBPF_REQUEST_PROG_RUN:
		run->id = take(in) % 32;
		run->data_len = take(in);
		run->ctx_len = take(in) % 3 * 8;
		run->data_out_max = run->ctx_out_max = 64;
		memset(tail, 0, TAIL_MAX);
		return run->data_len + run->ctx_len;
	case EBPF_REQUEST_MAP_CREATE:
		create->kind = map_kinds[take(in) % sizeof(map_kinds)];
		create->key_size = 4;
		create->value_size = 4;
		create->max_entries = 1 + take(in) % 64;
		if (create->kind == EBPF_MAP_RINGBUF) {
			create->key_size = create->value_size = 0;
			create->max_entries = 4096;
		}
		if (create->kind == EBPF_MAP_QUEUE ||
		    create->kind == EBPF_MAP_STACK ||
		    create->kind == EBPF_MAP_BLOOM_FILTER)
			create->key_size = 0;
		if (create->kind == EBPF_MAP_LPM_TRIE) {
			create->key_size = 8;
			create->flags = EBPF_F_NO_PREALLOC;
		}
		if (create->kind == EBPF_MAP_ARRAY_OF_MAPS ||
		    create->kind == EBPF_MAP_HASH_OF_MAPS)
			create->inner_map_id = take(in) % 32;
		return 0;
	case EBPF_REQUEST_MAP_LOOKUP:
	case EBPF_REQUEST_MAP_DELETE:
	case EBPF_REQUEST_MAP_LOOKUP_DELETE:
	case EBPF_REQUEST_MAP_NEXT:
		key->id = take(in) % 32;
		i = take(in) % 4;
		key->key_len = i == 0 ? 0 : i == 1 ? 8 : 4;
		memset(tail, 0, 8);
		tail[0] = take(in) % 64;
		return key->key_len;
	case EBPF_REQUEST_MAP_UPDATE:
		update->id = take(in) % 32;
		i = take(in) % 8;
		update->key_len = i == 1 ? 0 : i == 2 ? 8 : 4;
		update->value_len = i != 0 ? 4 : 8 * os_cpu_count();
		memset(tail, 0, TAIL_MAX);
		tail[0] = take(in) % 64;
		tail[4] = take(in) % 32;
		return update->key_len + update->value_len;
	case EBPF_REQUEST_MAP_UPDATE_BATCH:
	case EBPF_REQUEST_MAP_DELETE_BATCH:
		batch->id = take(in) % 32;
		batch->count = take(in) % 100;
		for (i = 0; i < TAIL_MAX / 4; i++)
			memcpy(tail + i * 4, &i, 4);
		return (size_t)batch->count *
		       (number == EBPF_REQUEST_MAP_UPDATE_BATCH ? 8 : 4);
	case EBPF_REQUEST_MAP_LOOKUP_BATCH:
		body[1] = take(in) % 32;
		body[2] = take(in);
		body[3] = take(in) % 4 == 0 ? EBPF_BATCH_REMOVE : 0;
		return 0;
	case EBPF_REQUEST_MAP_RECORDS:
		body[1] = take(in) % 32;
		body[4] = take(in) % 4 == 0 ? 0 : UINT32_MAX;
		return 0;
	case EBPF_REQUEST_BTF_LOAD:
		body[1] = 45;
		memcpy(tail, btf_words, 45);
		return 45;
	case EBPF_REQUEST_BTF_DATA:
	case EBPF_REQUEST_PROG_DUMP:
		body[1] = take(in) % 32;
		body[2] = take(in) % 8;
		body[3] = take(in);
		body[4] = take(in);
		if (number == EBPF_REQUEST_BTF_DATA)
			body[4] = 0;
		return 0;
	case EBPF_REQUEST_LINK_CREATE:
		body[1] = take(in) % 32;
		body[2] = EBPF_HOOK_VALE;
		body[3] = take(in) % 2;
		memcpy(((struct ebpf_req_link_create *)body)->target, "vale0",
		       6);
		return 0;
	case EBPF_REQUEST_LINK_UPDATE:
		body[1] = take(in) % 32;
		body[2] = take(in) % 32;
		return 0;
	case EBPF_REQUEST_SWITCH_CREATE:
	case EBPF_REQUEST_SWITCH_DESTROY:
	case EBPF_REQUEST_SWITCH_NEXT:
	case EBPF_REQUEST_SWITCH_INFO:
	case EBPF_REQUEST_SWITCH_START:
	case EBPF_REQUEST_PORT_ADD:
	case EBPF_REQUEST_PORT_DEL:
	case EBPF_REQUEST_PORT_INFO:
		/* the name comes first in all of them */
		memcpy((char *)body + 8, "vale0", 6);
		if (number == EBPF_REQUEST_PORT_ADD && take(in) % 2 == 0)
			memcpy(((struct ebpf_req_port_add *)body)->spec,
			       "good:", 6);
		if (number == EBPF_REQUEST_PORT_DEL)
			((struct ebpf_req_port *)body)->index = take(in) % 8;
		return 0;
	case EBPF_REQUEST_FEATURES:
	case EBPF_REQUEST_STOP:
	case EBPF_REQUEST_STATS:
	case EBPF_REQUEST_TRACELOG:
	case EBPF_REQUEST_PIN_NEXT:
	case EBPF_REQUEST_PROG_INFO:
	case EBPF_REQUEST_MAP_INFO:
	case EBPF_REQUEST_MAP_FREEZE:
	case EBPF_REQUEST_BTF_INFO:
	case EBPF_REQUEST_LINK_DETACH:
	case EBPF_REQUEST_LINK_INFO:
		body[1] = take(in) % 32;
		return 0;
	}
	return 0;
}

/* ---- one request ---- */

/* Exactly sized copies, so that a byte too far is noticed. */
static void
send(struct ebpf_session *session, const uint8_t *message, size_t len,
     size_t cap)
{
	uint8_t *request = malloc(len + (len == 0)), *reply = malloc(cap + 1);
	struct ebpf_reply head;
	struct ebpf_msg msg;
	uint32_t repeat;
	size_t got;

	memcpy(request, message, len);
	/* runs are bounded by time, and there is none to lose */
	if (len >= sizeof(msg) + 12) {
		memcpy(&msg, request, sizeof(msg));
		if (msg.number == EBPF_REQUEST_PROG_RUN ||
		    msg.number == EBPF_REQUEST_MAP_RECORDS) { /* its wait */
			memcpy(&repeat, request + sizeof(msg) + 8, 4);
			repeat %= msg.number == EBPF_REQUEST_PROG_RUN ? 64 : 2;
			memcpy(request + sizeof(msg) + 8, &repeat, 4);
		}
	}
	got = ebpf_dispatch(session, request, len, reply, cap);
	REQUIRE(got <= cap && (got >= sizeof(head) || cap < sizeof(head)));
	if (got != 0) {
		memcpy(&head, reply, sizeof(head));
		REQUIRE(head.size == got && head.error <= 0);
	}
	free(reply);
	free(request);
}

static void
one_request(struct input *in)
{
	uint32_t body[sizeof(union { struct ebpf_req_port_add largest; }) / 4 +
		      64];
	uint8_t message[8192], tail[TAIL_MAX + 64];
	struct ebpf_session *session = sessions[take(in) % SESSIONS];
	uint32_t which = take(in), how = take(in), i, at, number, size;
	struct ebpf_msg msg = { 0 };
	size_t tail_len, cap;

	which %= sizeof(requests) / sizeof(requests[0]);
	memset(body, 0, sizeof(body));
	tail_len = good_request(in, requests[which].number, body, tail);
	if (tail_len > TAIL_MAX)
		tail_len = TAIL_MAX;
	size = requests[which].size;
	if (how & 1) /* a few fields of the body are something else */
		for (i = take(in) % 4 + 1; i > 0; i--) {
			at = take(in) % (size / 4);
			body[at] = take_number(in);
		}
	if (how & 2)
		size = (size + take(in) * 8) % 2048 & ~7u;
	if (size < 8)
		size = 8;
	if (size > sizeof(body))
		size = sizeof(body);
	body[0] = how & 4 ? take_number(in) : size;
	if (how & 8)
		tail_len = take_number(in) % (TAIL_MAX + 1);
	if (how & 16)
		for (i = 0; i < 8 && tail_len != 0; i++)
			tail[take(in) % tail_len] = take(in);
	cap = how & 32 ? take_number(in) % 65536 : 65536;
	msg.number = requests[which].number;
	msg.reply_max = 65536;
	msg.size = (uint32_t)(sizeof(msg) + size + tail_len);
	if (how & 64) { /* the header too */
		number = take_number(in);
		memcpy((uint8_t *)&msg + take(in) % (sizeof(msg) - 4), &number,
		       4);
	}
	memcpy(message, &msg, sizeof(msg));
	memcpy(message + sizeof(msg), body, size);
	memcpy(message + sizeof(msg) + size, tail, tail_len);
	send(session, message, sizeof(msg) + size + tail_len, cap);
}

/* A session ends and another client takes its place. */
static void
reopen(uint32_t which)
{
	ebpf_session_close(sessions[which]);
	sessions[which] = NULL;
	REQUIRE(ebpf_session_open(device, which, &sessions[which]) == 0);
}

static void
start(void)
{
	struct ebpf_runtime_config limits = {
		.size = sizeof(limits),
		.trace_slots = 16,
		.mem_max = 32 << 20,
	};
	struct ebpf_device_config config = { .switches = &standin_switch_ops,
					     .session_holds_max = 100 };
	uint32_t i;

	REQUIRE(ebpf_runtime_create(&limits, &rt) == 0);
	REQUIRE(ebpf_hook_register(rt, &standin_hook_ops, NULL) == 0);
	config.rt = rt;
	REQUIRE(ebpf_device_create(&config, &device) == 0);
	for (i = 0; i < SESSIONS; i++)
		REQUIRE(ebpf_session_open(device, i, &sessions[i]) == 0);
}

static void
end(void)
{
	struct ebpf_link *link;
	uint32_t i, kind;

	for (i = 0; i < SESSIONS; i++)
		ebpf_session_close(sessions[i]);
	while (rt->pin_count > 0)
		REQUIRE(ebpf_pin_remove(rt, rt->pins[0].name) == 0);
	link = standin_link;
	if (link != NULL) {
		ebpf_link_get(link);
		REQUIRE(ebpf_link_detach(link) == 0);
		ebpf_link_put(link);
	}
	/* what held each other goes one after the other */
	for (i = 0; i < 8; i++)
		os_epoch_drain();
	for (kind = EBPF_OBJ_PROG; kind <= EBPF_OBJ_BTF; kind++)
		REQUIRE(ebpf_object_count(rt, kind) == 0);
	REQUIRE(rt->mem_used == 0);
	ebpf_device_destroy(device);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t live = os_test_live();
	uint8_t op;

	start();
	if (size > 0 && size < 4096 && data[0] == 0xff) {
		/* bytes as they are */
		send(sessions[0], data, size, 4096);
		in.left = 0;
	}
	while (in.left > 0) {
		op = take(&in);
		if (op < 8)
			reopen(op % SESSIONS);
		else
			one_request(&in);
	}
	end();
	REQUIRE(os_test_live() == live);
	return 0;
}
