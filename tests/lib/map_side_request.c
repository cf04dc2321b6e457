/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Many elements at once, as a device of this process or of another is asked for
 * them: key, value, key, value ... of map_side_ours.c and map_side_device.c.
 */
#include <string.h>

#include "abi/wire.h"
#include "client/gebpf.h"
#include "map_side.h"

static uint64_t packed[SIDE_REQUEST_ROOM / 8];

static int
write_batch(struct side *side, uint32_t map, bool remove,
	    struct side_batch *batch, side_ask_fn *ask)
{
	uint32_t key = side->shape.key, value = remove ? 0 : side_value_size(side);
	struct ebpf_req_map_batch req = { .id = map, .count = batch->count };
	struct ebpf_rep_map_batch rep = { .count = 0 };
	struct gebpf_call call = {
		.number = remove ? EBPF_REQUEST_MAP_DELETE_BATCH :
				   EBPF_REQUEST_MAP_UPDATE_BATCH,
		.req = &req, .req_len = sizeof(req),
		.in = { { packed, (size_t)batch->count * (key + value) } },
		.rep = &rep, .rep_len = sizeof(rep),
	};
	uint8_t *at = (uint8_t *)packed;
	int error;

	for (uint32_t i = 0; i < batch->count; i++) {
		memcpy(at, batch->keys + i * key, key);
		memcpy(at + key, batch->values + i * value, value);
		at += key + value;
	}
	error = ask(&call);
	batch->count = rep.count;
	return error;
}

static int
read_batch(struct side *side, uint32_t map, bool remove,
	   struct side_batch *batch, side_ask_fn *ask)
{
	uint32_t key = side->shape.key, value = side_value_size(side);
	struct ebpf_req_map_lookup_batch req = {
		.id = map, .count = batch->count,
		.flags = remove ? EBPF_BATCH_REMOVE : 0,
		.cursor = batch->cursor,
	};
	struct ebpf_rep_map_lookup_batch rep = { .count = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
		.req = &req, .req_len = sizeof(req),
		.rep = &rep, .rep_len = sizeof(rep),
		.out = packed, .out_room = sizeof(packed),
	};
	const uint8_t *at = (const uint8_t *)packed;
	int error = ask(&call);

	batch->count = 0;
	if (error != 0)
		return error;
	for (uint32_t i = 0; i < rep.count; i++) {
		memcpy(batch->keys + i * key, at, key);
		memcpy(batch->values + i * value, at + key, value);
		at += key + value;
	}
	batch->count = rep.count;
	batch->cursor = rep.cursor;
	batch->done = rep.done != 0;
	return 0;
}

int
side_request_batch(struct side *side, uint32_t map, const char *verb,
		   struct side_batch *batch, side_ask_fn *ask)
{
	if (verb[1] == 'u' || verb[1] == 'd')
		return write_batch(side, map, verb[1] == 'd', batch, ask);
	return read_batch(side, map, verb[1] == 'e', batch, ask);
}
