/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* This engine's side of map_side.h: by the core's calls, batches by requests. */
#include <string.h>

#include "abi/wire.h"
#include "client/gebpf.h"
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

/* As a client would, through the door. */
static int
ask_door(struct gebpf_call *call)
{
	int error = door_ask(call->number, call->req, call->req_len,
			     call->in[0].data, call->in[0].len);
	size_t len = door_head.size > sizeof(door_head) ?
			     door_head.size - sizeof(door_head) : 0;
	size_t body = len < call->rep_len ? len : call->rep_len;

	memcpy(call->rep, door_rep, body);
	len -= body;
	if (len > call->out_room)
		return -EBPF_EPROTO;
	if (len > 0)
		memcpy(call->out, door_rep + body, len);
	call->out_len = len;
	return error;
}

static int
our_batch(struct side *side, const char *verb, struct side_batch *batch)
{
	const struct ebpf_map *map = (void *)(uintptr_t)side->map;

	return side_request_batch(side, map->obj.id, verb, batch, ask_door);
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
