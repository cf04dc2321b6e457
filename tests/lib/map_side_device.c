/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A device's side of map_side.h, the kernel's above all: all of it by requests. */
#include <string.h>

#include "abi/wire.h"
#include "client/gebpf.h"
#include "map_side.h"

static struct gebpf_device *device;
static uint64_t out[SIDE_VALUE_MAX * SIDE_CPU_MAX / 8];

static int
dev_create(struct side *side, const struct side_shape *shape, uint32_t inner)
{
	struct ebpf_req_map_create req = {
		.kind = shape->kind,
		.key_size = shape->key,
		.value_size = shape->value,
		.max_entries = shape->entries,
		.flags = shape->flags,
		.map_extra = shape->extra,
		.name = "m",
	};
	struct ebpf_rep_id rep = { .id = 0 };
	int error;

	if (side_is_outer(shape->kind))
		req.inner_map_id = side->inner_ids[0];
	error = gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &req, sizeof(req),
			  &rep, sizeof(rep));
	if (error != 0)
		return error;
	if (inner != 0)
		side->inner_ids[inner - 1] = rep.id;
	else
		side->map = rep.id;
	return 0;
}

/* LOOKUP, DELETE, LOOKUP_DELETE and NEXT: trailing bytes in and out. */
static int
ask_key(enum ebpf_request number, struct side *side, const void *key,
	uint32_t key_len, void *value, uint32_t value_len)
{
	struct ebpf_req_map_key req = {
		.id = (uint32_t)side->map, .key_len = key_len,
	};
	struct gebpf_call call = {
		.number = number,
		.req = &req, .req_len = sizeof(req),
		.in = { { key, key_len } },
		.out = out, .out_room = value_len,
	};
	int error = gebpf_request(device, &call);

	if (error == 0 && call.out_len <= value_len)
		memcpy(value, out, call.out_len);
	return error;
}

static int
dev_call(struct side *side, const char *verb, const uint8_t *key,
	 uint8_t *value, uint64_t flags)
{
	uint32_t size = side_value_size(side), key_len = side->shape.key;
	struct ebpf_req_map_update update = {
		.id = (uint32_t)side->map, .key_len = key_len,
		.value_len = size, .flags = flags,
	};
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &update, .req_len = sizeof(update),
		.in = { { key, key_len }, { value, size } },
	};

	/* a bloom filter's values are what it is asked for */
	if (side->shape.kind == EBPF_MAP_BLOOM_FILTER &&
	    strchr("lde", *verb) != NULL)
		return ask_key(*verb == 'l' ? EBPF_REQUEST_MAP_LOOKUP :
			       *verb == 'd' ? EBPF_REQUEST_MAP_DELETE :
					      EBPF_REQUEST_MAP_LOOKUP_DELETE,
			       side, value, size, value, 0);
	switch (*verb) {
	case 'l':
		return ask_key(EBPF_REQUEST_MAP_LOOKUP, side, key, key_len,
			       value, size);
	case 'u':
		return gebpf_request(device, &call);
	case 'd':
		return ask_key(EBPF_REQUEST_MAP_DELETE, side, key, key_len,
			       value, 0);
	case 'e':
		return ask_key(EBPF_REQUEST_MAP_LOOKUP_DELETE, side, key,
			       key_len, value, size);
	default:
		return ask_key(EBPF_REQUEST_MAP_NEXT, side, key,
			       key != NULL ? key_len : 0, value, key_len);
	}
}

static void
drop(uint32_t id)
{
	struct ebpf_req_obj req = { .kind = EBPF_OBJ_MAP, .id = id };

	if (id != 0)
		gebpf_ask(device, EBPF_REQUEST_OBJ_DROP, &req, sizeof(req),
			  NULL, 0);
}

static void
dev_close(struct side *side)
{
	if (side->open)
		drop((uint32_t)side->map);
	for (uint32_t i = 0; i < SIDE_INNERS; i++) {
		drop(side->inner_ids[i]);
		side->inner_ids[i] = 0;
	}
	side->open = false;
}

static int
ask_device(struct gebpf_call *call)
{
	return gebpf_request(device, call);
}

static int
dev_batch(struct side *side, const char *verb, struct side_batch *batch)
{
	return side_request_batch(side, (uint32_t)side->map, verb, batch,
				  ask_device);
}

bool
side_open_device(struct side *side, const char *target)
{
	if (gebpf_open(target, 0, &device, NULL) != 0)
		return false;
	*side = (struct side){ dev_create, dev_call, dev_batch, dev_close,
			       .cpus = gebpf_hello(device)->cpu_count };
	return side->cpus <= 8; /* with more, batches may be too long to send */
}

void
side_close_device(struct side *side)
{
	dev_close(side);
	gebpf_close(device);
}
