/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a client asks of maps, objects, programs, links and BTF: every handler's
 * good path and its refusals, batches, dumps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/link.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/tracelog.h"
#include "door.h"
#include "standin.h"
#include "tap.h"

static void
test_map(void)
{
	uint32_t id = door_map(EBPF_MAP_HASH, 4, 8, 100, "flows");
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
	info = (void *)door_rep;
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
	TAP_CHECK(door_head.size ==
		  sizeof(door_head) + sizeof(struct ebpf_rep_none) + 8);
	TAP_CHECK(memcmp(door_rep + sizeof(struct ebpf_rep_none), bytes + 1, 8) ==
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
	door_frame(EBPF_REQUEST_MAP_LOOKUP, &key, sizeof(key), bytes, 4,
		   sizeof(door_head) + 8 + 7);
	TAP_CHECK(door_send(sizeof(struct ebpf_msg) + sizeof(key) + 4, DOOR_ROOM) ==
		  -EBPF_ENOSPC);

	TAP_CHECK(ASK(MAP_NEXT, next) == 0 &&
		  memcmp(door_rep + 8, bytes, 4) == 0 && door_head.size == 16 + 8 + 4);
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
		  ((struct ebpf_rep_map_batch *)door_rep)->count == 100);
	many.count = 101;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE_BATCH, many, bytes, 1212) ==
		  -EBPF_E2BIG);
	TAP_CHECK(door_head.size == sizeof(door_head) + 8 &&
		  ((struct ebpf_rep_map_batch *)door_rep)->count == 100);
	many.count = 0xffffffff;
	TAP_CHECK(ASK_TAIL(MAP_UPDATE_BATCH, many, bytes, 1200) ==
		  -EBPF_EPROTO);
	walk = (void *)door_rep;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == 0 && walk->count == 60 &&
		  walk->done == 0);
	for (i = 0; i < 60; i++)
		seen[*(uint32_t *)(door_rep + sizeof(*walk) + i * 12) % 100]++;
	batch.cursor = walk->cursor;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == 0 && walk->count == 40 &&
		  walk->done == 1);
	TAP_CHECK(door_head.size == sizeof(door_head) + sizeof(*walk) + 40 * 12);
	for (i = 0; i < 40; i++)
		seen[*(uint32_t *)(door_rep + sizeof(*walk) + i * 12) % 100]++;
	TAP_CHECK(memchr(seen, 0, 100) == NULL && memchr(seen, 2, 100) == NULL);
	batch.cursor = UINT64_MAX;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_EINVAL);
	batch.cursor = 0;
	batch.count = 0;
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_EINVAL);
	batch.count = 10;
	door_frame(EBPF_REQUEST_MAP_LOOKUP_BATCH, &batch, sizeof(batch), NULL, 0,
		   sizeof(door_head) + sizeof(*walk) + 35);
	TAP_CHECK(door_send(sizeof(struct ebpf_msg) + sizeof(batch), DOOR_ROOM) == 0 &&
		  walk->count == 2);
	for (i = 0; i < 100; i++)
		bytes[i] = i < 50 ? i : i + 1000;
	many.count = 100;
	TAP_CHECK(ASK_TAIL(MAP_DELETE_BATCH, many, bytes, 400) ==
		  -EBPF_ENOENT);
	TAP_CHECK(((struct ebpf_rep_map_batch *)door_rep)->count == 50);

	/* read and removed in one step: one, then all that are left */
	i = 60;
	TAP_CHECK(ASK_TAIL(MAP_LOOKUP_DELETE, key, &i, 4) == 0 &&
		  door_head.size == sizeof(door_head) + 8 + 8);
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
	batch.id = many.id = door_map(EBPF_MAP_RINGBUF, 0, 0, 4096, "ring");
	batch.cursor = 0;
	many.count = UINT32_MAX;
	TAP_CHECK(batch.id != 0);
	TAP_CHECK(ASK(MAP_LOOKUP_BATCH, batch) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(MAP_UPDATE_BATCH, many) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ASK(MAP_DELETE_BATCH, many) == -EBPF_EUNSUPPORTED);

	/* a map whose spare elements are all in their grace period */
	id = door_map(EBPF_MAP_HASH, 4, 8, 1, "small");
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

static void
test_objects(void)
{
	uint32_t a = door_map(EBPF_MAP_ARRAY, 4, 4, 1, "a");
	uint32_t b = door_map(EBPF_MAP_ARRAY, 4, 4, 1, "b");
	struct ebpf_req_obj_next next = { .kind = EBPF_OBJ_MAP, .id = a };
	struct ebpf_req_obj_find find = { .kind = EBPF_OBJ_MAP, .name = "b" };
	struct ebpf_req_obj hold = { .kind = EBPF_OBJ_MAP, .id = a };
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .id = b,
				    .pin = "x/y" };
	struct ebpf_req_pin_name name = { .pin = "x/y" };
	struct ebpf_req_pin_next pins = { .prefix = "x/" };
	struct ebpf_req_id info = { .id = b };
	struct ebpf_rep_pin *got;

	TAP_CHECK(ASK(OBJ_NEXT, next) == 0 && door_id() == b);
	next.id = b;
	TAP_CHECK(ASK(OBJ_NEXT, next) == -EBPF_ENOENT);
	next.kind = 5;
	TAP_CHECK(ASK(OBJ_NEXT, next) == -EBPF_EINVAL);
	next.kind = 0;
	TAP_CHECK(ASK(OBJ_NEXT, next) == -EBPF_EINVAL);
	TAP_CHECK(ASK(OBJ_FIND, find) == 0 && door_id() == b);
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
	got = (void *)door_rep;
	TAP_CHECK(got->kind == EBPF_OBJ_MAP && got->id == b &&
		  strcmp(got->pin, "x/y") == 0);
	TAP_CHECK(ASK(MAP_INFO, info) == 0 &&
		  ((struct ebpf_rep_map_info *)door_rep)->refs == 1);
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

static void
test_prog(void)
{
	uint32_t id = door_prog(EBPF_PROG_RAW, door_raw_code, 3, EBPF_PROG_INTERP);
	uint32_t map = door_map(EBPF_MAP_ARRAY, 4, 4, 1, "used");
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
		    ebpf_error_name(door_head.error)))
		return;
	TAP_CHECK(ASK(PROG_INFO, get) == 0);
	info = (void *)door_rep;
	TAP_CHECK(info->id == id && info->kind == EBPF_PROG_RAW &&
		  info->jited == 0 && info->insn_count == 3 &&
		  info->jited_len == 0 && info->refs == 1 &&
		  info->uid == 77 && strcmp(info->name, "prog") == 0);
	memcpy(find.tag, info->tag, sizeof(find.tag));
	TAP_CHECK(ASK(OBJ_FIND, find) == 0 && door_id() == id);

	data = (void *)door_rep;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 24 &&
		  data->total == 24 &&
		  memcmp(door_rep + sizeof(*data), door_raw_code, 24) == 0);
	dump.offset = 5;
	dump.len = 7;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 7 &&
		  memcmp(door_rep + sizeof(*data), (uint8_t *)door_raw_code + 5, 7) ==
		  0);
	dump.what = EBPF_DUMP_XLATED;
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0 && data->len == 7 &&
		  memcmp(door_rep + sizeof(*data), (uint8_t *)door_raw_code + 5, 7) ==
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
	ran = (void *)door_rep;
	TAP_CHECK(ran->retval == 7 && ran->data_len == 3 &&
		  ran->data_sent == 3 &&
		  memcmp(door_rep + sizeof(*ran), "\7bc", 3) == 0);
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 4) == -EBPF_EPROTO);
	run.data_out_max = 1;
	run.repeat = 0;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 3) == 0 &&
		  ran->retval == 'a' && ran->data_sent == 1 &&
		  door_head.size == sizeof(door_head) + sizeof(*ran) + 1);
	run.engine = 3;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 3) == -EBPF_EINVAL);
	run.engine = EBPF_ENGINE_JIT;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 3) == -EBPF_EJIT);
	run.engine = 0;
	run.data_len = 65537;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, door_zeros, 65537) == -EBPF_E2BIG);
	run.data_len = 3;
	run.ctx_len = 0xfffffffd;
	TAP_CHECK(ASK_TAIL(PROG_RUN, run, "abc", 0) == -EBPF_EPROTO);

	/* a rejection says why */
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, &bad, 8) == -EBPF_EREJECTED);
	loaded = (void *)door_rep;
	TAP_CHECK(door_head.size == sizeof(door_head) + sizeof(*loaded) +
		  loaded->log_len && loaded->log_len > 0 && loaded->id == 0 &&
		  memchr(door_rep + sizeof(*loaded), 0, loaded->log_len) == NULL);
	load.log_size = 0;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, &bad, 8) == -EBPF_EREJECTED &&
		  loaded->log_len == 0);
	load.flags = EBPF_PROG_VERIFY_ONLY;
	load.insn_count = 2;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 16) == 0 &&
		  loaded->id == 0 && loaded->jit_ns == 0);
	load.flags = EBPF_PROG_JIT | EBPF_PROG_INTERP;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 16) == -EBPF_EINVAL);
	load.flags = 8;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 16) == -EBPF_EINVAL);
	load.flags = 0;
	load.log_level = 3;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 16) == -EBPF_EINVAL);
	load.log_level = 0;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 15) == -EBPF_EPROTO);
	load.insn_count = 0x20000001;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 8) == -EBPF_E2BIG);
	load.insn_count = 2;
	load.map_count = 0x40000000;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 16) == -EBPF_EPROTO);
	load.map_count = 0;
	load.btf_id = 4242;
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, door_vale_code, 16) == -EBPF_ENOENT);
	load.btf_id = 0;

	/* a program that uses a map holds it */
	load.insn_count = 4;
	load.map_count = 1;
	memcpy(parts, lddw, 32);
	memcpy(parts + 32, &map, 4);
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, parts, 36) == 0);
	used = loaded->id;
	get.id = used;
	info = (void *)door_rep;
	TAP_CHECK(ASK(PROG_INFO, get) == 0 && info->map_count == 1 &&
		  memcmp(door_rep + sizeof(*info), &map, 4) == 0);
	other = 31337;
	memcpy(parts + 32, &other, 4);
	TAP_CHECK(ASK_TAIL(PROG_LOAD, load, parts, 36) == -EBPF_ENOENT);

	/* no address of this process in what the JIT made */
	id = door_prog(EBPF_PROG_RAW, door_raw_code, 3, EBPF_PROG_JIT);
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

/* Code that changes a map knows where the map is; its dump must not say. */
static void
test_jit_dump(void)
{
	static const struct ebpf_insn code[] = {
		{ 0x62, 0x0a, -4, 0 }, /* *(u32 *)(r10 - 4) = 0 */
		{ 0xbf, 0xa2, 0, 0 },  /* r2 = r10 */
		{ 0x07, 2, 0, -4 },    /* r2 += -4 */
		{ 0x18, 0x51, 0, 0 },  /* r1 = map 0 */
		{ 0, 0, 0, 0 },
		{ 0x85, 0, 0, 3 },     /* call map_delete_elem */
		{ 0xb7, 0, 0, 0 },
		{ 0x95, 0, 0, 0 },
	};
	uint32_t map = door_map(EBPF_MAP_HASH, 4, 4, 4, "secret");
	struct ebpf_req_prog_load load = { .kind = EBPF_PROG_RAW,
					   .flags = EBPF_PROG_JIT,
					   .insn_count = 8, .map_count = 1 };
	struct ebpf_req_prog_dump dump = { .what = EBPF_DUMP_JITED,
					   .len = DOOR_ROOM };
	uint8_t parts[sizeof(code) + 4];
	struct ebpf_rep_data *data;
	struct ebpf_object *obj;
	uintptr_t address;
	uint8_t *copy;
	uint32_t len, i, same = 0;

	memcpy(parts, code, sizeof(code));
	memcpy(parts + sizeof(code), &map, 4);
	if (ASK_TAIL(PROG_LOAD, load, parts, sizeof(parts)) != 0) {
		tap_ok(door_head.error == -EBPF_EJIT, "load with the JIT: %s",
		       ebpf_error_name(door_head.error));
		return;
	}
	dump.id = ((struct ebpf_rep_prog_load *)door_rep)->id;
	obj = ebpf_object_by_id(door_rt, EBPF_OBJ_MAP, map);
	address = (uintptr_t)os_container(obj, struct ebpf_map, obj);
	ebpf_object_put(obj);
	TAP_CHECK(ASK(PROG_DUMP, dump) == 0);
	data = (void *)door_rep;
	len = data->len;
	TAP_CHECK(len == data->total && len > 0);
	copy = malloc(len);
	memcpy(copy, door_rep + sizeof(*data), len);
	obj = ebpf_object_by_id(door_rt, EBPF_OBJ_PROG, dump.id);
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
			same += door_rep[sizeof(*data) + i] ==
				copy[dump.offset + i];
	}
	TAP_CHECK(same == len);
	free(copy);
}

static void
test_link(void)
{
	uint32_t vale = door_prog(EBPF_PROG_VALE, door_vale_code, 2, 0);
	uint32_t vale2 = door_prog(EBPF_PROG_VALE, door_vale_code, 2, 0);
	uint32_t raw = door_prog(EBPF_PROG_RAW, door_raw_code, 3, 0);
	struct ebpf_req_link_create make = { .prog_id = vale,
					     .hook = EBPF_HOOK_VALE,
					     .target = "vale0" };
	struct ebpf_req_link_update update = { .prog_id = vale2 };
	struct ebpf_req_obj drop = { .kind = EBPF_OBJ_LINK };
	struct ebpf_rep_link_info *info = (void *)door_rep;
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
	TAP_CHECK(ASK(LINK_CREATE, make) < 0 && standin_link == NULL);
	make.hook = EBPF_HOOK_VALE;
	make.prog_id = raw;
	TAP_CHECK(ASK(LINK_CREATE, make) == -EBPF_EINVAL);
	make.prog_id = vale;
	memcpy(make.target, "vale9", 6);
	TAP_CHECK(ASK(LINK_CREATE, make) == -EBPF_ENOENT);
	memcpy(make.target, "vale0", 6);
	TAP_CHECK(ASK(LINK_CREATE, make) == 0);
	first = get.id = update.id = drop.id = door_id();
	TAP_CHECK(ASK(LINK_INFO, get) == 0);
	info = (void *)door_rep;
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
	get.id = standin_link->obj.id;
	TAP_CHECK(ASK(LINK_DETACH, get) == 0 && standin_link == NULL);
}

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

	TAP_CHECK(ASK_TAIL(BTF_LOAD, load, door_btf, 44) == -EBPF_EPROTO);
	TAP_CHECK(ASK_TAIL(BTF_LOAD, load, door_zeros, 45) < 0);
	if (!tap_ok(ASK_TAIL(BTF_LOAD, load, door_btf, 45) == 0,
		    "load BTF: %s", ebpf_error_name(door_head.error)))
		return;
	get.id = data.id = map.btf_id = door_id();
	TAP_CHECK(ASK(BTF_DATA, data) == 0 &&
		  ((struct ebpf_rep_data *)door_rep)->len == 45 &&
		  memcmp(door_rep + 16, door_btf, 45) == 0);
	data.offset = 46;
	TAP_CHECK(ASK(BTF_DATA, data) == -EBPF_ERANGE);
	map.btf_value_type = 2;
	TAP_CHECK(ASK(MAP_CREATE, map) == -EBPF_EINVAL);
	map.btf_value_type = 1;
	TAP_CHECK(ASK(MAP_CREATE, map) == 0);
	map_id = door_id();
	TAP_CHECK(ASK(BTF_INFO, get) == 0);
	info = (void *)door_rep;
	TAP_CHECK(info->len == 45 && info->map_count == 1 &&
		  info->prog_count == 0 &&
		  memcmp(door_rep + sizeof(*info), &map_id, 4) == 0 &&
		  strcmp(info->name, "types") == 0);
}

int
main(void)
{
	if (!door_open(NULL))
		return 1;
	test_map();
	test_objects();
	test_btf();
	test_prog();
	test_jit_dump();
	test_link();
	door_close();
	return tap_done();
}
