/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A runtime, a device and a session to ask; door.h. */
#include <string.h>

#include "door.h"
#include "standin.h"
#include "tap.h"

enum {
	CANARY = 0xa5,
};

struct ebpf_runtime *door_rt;
struct ebpf_device *door_device;
struct ebpf_session *door_session;
struct ebpf_reply door_head;
uint8_t *door_rep;
bool door_sane = true;
const uint8_t door_zeros[66000];

static uint64_t request_words[DOOR_ROOM / 8], reply_words[DOOR_ROOM / 8 + 8];
uint8_t *const door_request = (uint8_t *)request_words;
uint8_t *const door_reply = (uint8_t *)reply_words;
static uint64_t tag;
static uint64_t live;

/* r0 = first byte of memory; that byte becomes 7. */
const struct ebpf_insn door_raw_code[] = {
	{ 0x71, 0x10, 0, 0 }, /* r0 = *(u8 *)(r1 + 0) */
	{ 0x72, 0x01, 0, 7 }, /* *(u8 *)(r1 + 0) = 7 */
	{ 0x95, 0, 0, 0 },    /* exit */
};
const struct ebpf_insn door_vale_code[] = {
	{ 0xb7, 0, 0, 254 }, /* r0 = 254 */
	{ 0x95, 0, 0, 0 },   /* exit */
};

/* Header, one int type, strings "\0int\0". */
const uint32_t door_btf[] = {
	0x0001eb9f, 24, 0, 16, 16, 5, /* header */
	1, 0x01000000, 4, 0x01000020, /* int, 4 bytes, signed, 32 bits */
	0x746e6900, 0,
};

/* Send what stands in request; checks the reply's framing. */
int
door_send(size_t len, size_t cap)
{
	size_t got;

	memset(door_reply, CANARY, cap + 64);
	got = ebpf_dispatch(door_session, door_request, len, door_reply, cap);
	memcpy(&door_head, door_reply, sizeof(door_head));
	door_rep = door_reply + sizeof(door_head);
	if (got < sizeof(door_head) || got > cap || door_head.size != got ||
	    (len >= sizeof(struct ebpf_msg) && door_head.tag != tag) ||
	    door_head.error > 0 || door_reply[cap] != CANARY ||
	    door_reply[cap + 63] != CANARY)
		door_sane = false;
	return door_head.error;
}

size_t
door_frame(uint32_t number, const void *body, size_t body_len, const void *tail,
	   size_t tail_len, uint32_t reply_max)
{
	struct ebpf_msg msg = {
		.size = (uint32_t)(sizeof(msg) + body_len + tail_len),
		.reply_max = reply_max,
		.number = (uint16_t)number,
		.tag = ++tag,
	};
	uint32_t size = (uint32_t)body_len;

	memcpy(door_request, &msg, sizeof(msg));
	if (body_len != 0)
		memcpy(door_request + sizeof(msg), body, body_len);
	if (body_len >= sizeof(size))
		memcpy(door_request + sizeof(msg), &size, sizeof(size));
	if (tail_len != 0)
		memcpy(door_request + sizeof(msg) + body_len, tail, tail_len);
	return msg.size;
}

int
door_ask(uint32_t number, const void *body, size_t body_len, const void *tail,
	 size_t tail_len)
{
	size_t len = door_frame(number, body, body_len, tail, tail_len,
				DOOR_ROOM);

	return door_send(len, DOOR_ROOM);
}

uint32_t
door_id(void)
{
	return ((struct ebpf_rep_id *)door_rep)->id;
}

uint32_t
door_map(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries,
	 const char *name)
{
	struct ebpf_req_map_create req = {
		.kind = kind,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
	};

	memcpy(req.name, name, strlen(name) + 1);
	return ASK(MAP_CREATE, req) == 0 ? door_id() : 0;
}

uint32_t
door_prog(uint32_t kind, const struct ebpf_insn *code, uint32_t count,
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
		((struct ebpf_rep_prog_load *)door_rep)->id : 0;
}

bool
door_open(void (*stop)(void *cookie))
{
	struct ebpf_device_config config = {
		.switches = &standin_switch_ops,
		.home = EBPF_HOME_LOCAL,
		.pid = 42,
		.session_max = 4,
		.session_holds_max = 64,
		.stop = stop,
	};

	live = os_test_live();
	if (ebpf_runtime_create(NULL, &door_rt) != 0)
		return false;
	config.rt = door_rt;
	TAP_CHECK(ebpf_hook_register(door_rt, &standin_hook_ops, NULL) == 0);
	TAP_CHECK(ebpf_device_create(&config, &door_device) == 0);
	TAP_CHECK(ebpf_session_open(door_device, 77, &door_session) == 0);
	return true;
}

void
door_close(void)
{
	ebpf_session_close(door_session);
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(door_rt, EBPF_OBJ_MAP) == 0 &&
		  ebpf_object_count(door_rt, EBPF_OBJ_PROG) == 0 &&
		  ebpf_object_count(door_rt, EBPF_OBJ_LINK) == 0 &&
		  ebpf_object_count(door_rt, EBPF_OBJ_BTF) == 0);
	TAP_CHECK(door_rt->mem_used == 0);
	ebpf_device_destroy(door_device);
	ebpf_runtime_destroy(door_rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	tap_ok(door_sane, "all replies are framed right");
}
