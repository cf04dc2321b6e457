/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* This engine's side of map_side.h: by the core's calls, batches by requests. */
#include <string.h>

#include "abi/wire.h"
#include "core/map.h"
#include "door.h"
#include "map_side.h"

static int
our_create(struct side *side, const struct side_shape *shape, uint32_t inner)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = shape->kind,
		.key_size = shape->key,
		.value_size = shape->value,
		.max_entries = shape->entries,
		.flags = shape->flags,
		.map_extra = shape->extra,
		.name = "m",
	};
	struct ebpf_map *map;
	int error;

	if (side_is_outer(shape->kind))
		spec.inner = (void *)(uintptr_t)side->inners[0];
	error = ebpf_map_create(door_rt, &spec, &map);
	if (error != 0)
		return error;
	if (inner != 0) {
		side->inners[inner - 1] = (uintptr_t)map;
		side->inner_ids[inner - 1] = map->obj.id;
	} else {
		side->map = (uintptr_t)map;
	}
	return 0;
}

static int
our_call(struct side *side, const char *verb, const uint8_t *key,
	 uint8_t *value, uint64_t flags)
{
	struct ebpf_map *map = (void *)(uintptr_t)side->map;
	int error;

	switch (*verb) {
	case 'l':
		return ebpf_map_read(map, key, value);
	case 'u':
		while ((error = ebpf_map_write(map, key, value, flags)) ==
		       -EBPF_EAGAIN)
			os_epoch_drain();
		return error;
	case 'd':
		return ebpf_map_remove(map, key);
	case 'e':
		return ebpf_map_extract(map, key, value);
	default:
		return ebpf_map_next(map, key, value);
	}
}

static void
our_close(struct side *side)
{
	uint32_t i;

	if (side->open)
		ebpf_map_put((void *)(uintptr_t)side->map);
	for (i = 0; i < SIDE_INNERS; i++) {
		ebpf_map_put((void *)(uintptr_t)side->inners[i]);
		side->inners[i] = 0;
	}
	side->open = false;
}

/* Elements of a request: key, value, key, value ... */
static int
our_write_batch(struct side *side, bool remove, struct side_batch *batch)
{
	static uint8_t packed[DOOR_ROOM / 2];
	const struct ebpf_map *map = (void *)(uintptr_t)side->map;
	uint32_t value = remove ? 0 : side_value_size(side), i;
	struct ebpf_req_map_batch req = {
		.id = map->obj.id, .count = batch->count,
	};
	struct ebpf_rep_map_batch rep;
	uint8_t *at = packed;
	int error;

	for (i = 0; i < batch->count; i++) {
		memcpy(at, batch->keys + i * map->key_size, map->key_size);
		at += map->key_size;
		if (!remove)
			memcpy(at, batch->values + i * value, value);
		at += value;
	}
	error = door_ask(remove ? EBPF_REQUEST_MAP_DELETE_BATCH :
				  EBPF_REQUEST_MAP_UPDATE_BATCH,
			 &req, sizeof(req), packed, (size_t)(at - packed));
	memset(&rep, 0, sizeof(rep));
	if (door_head.size >= sizeof(door_head) + sizeof(rep))
		memcpy(&rep, door_rep, sizeof(rep));
	batch->count = rep.count;
	return error;
}

static int
our_read_batch(struct side *side, bool remove, struct side_batch *batch)
{
	const struct ebpf_map *map = (void *)(uintptr_t)side->map;
	struct ebpf_req_map_lookup_batch req = {
		.id = map->obj.id, .count = batch->count,
		.flags = remove ? EBPF_BATCH_REMOVE : 0,
		.cursor = batch->cursor,
	};
	uint32_t value = side_value_size(side), i;
	struct ebpf_rep_map_lookup_batch rep;
	const uint8_t *at;
	int error;

	error = ASK(MAP_LOOKUP_BATCH, req);
	batch->count = 0;
	if (error != 0)
		return error;
	memcpy(&rep, door_rep, sizeof(rep));
	at = door_rep + sizeof(rep);
	for (i = 0; i < rep.count; i++) {
		memcpy(batch->keys + i * map->key_size, at, map->key_size);
		at += map->key_size;
		memcpy(batch->values + i * value, at, value);
		at += value;
	}
	batch->count = rep.count;
	batch->cursor = rep.cursor;
	batch->done = rep.done != 0;
	return 0;
}

static int
our_batch(struct side *side, const char *verb, struct side_batch *batch)
{
	if (verb[1] == 'u' || verb[1] == 'd')
		return our_write_batch(side, verb[1] == 'd', batch);
	return our_read_batch(side, verb[1] == 'e', batch);
}

struct side side_ours = { our_create, our_call, our_batch, our_close,
			  .cpus = 0 };

bool
side_open_ours(void)
{
	if (!door_open(NULL))
		return false;
	side_ours.cpus = os_cpu_count();
	return side_ours.cpus <= SIDE_CPU_MAX;
}

void
side_close_ours(void)
{
	our_close(&side_ours);
	os_epoch_drain();
	door_close();
}
