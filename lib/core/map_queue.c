/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Queues and stacks: values without keys, in the order they were pushed. One
 * ring of max_entries values under the map's lock; a queue gives the oldest, a
 * stack the newest. Users peek by a lookup, push by an update and pop by a
 * lookup that deletes. A walk shows all, the oldest first.
 */
#include "core/map.h"
#include "core/map_value.h"

enum {
	VALUE_MAX = 4 << 20,
	ENTRIES_MAX = 1u << 31,
	WALK_BYTES = 1 << 16, /* copied under the lock at once, or one value */
};

struct ring {
	struct ebpf_map map;
	uint8_t *values; /* max_entries strides */
	struct os_spin lock;
	uint32_t oldest; /* index; under the lock, as all below */
	uint32_t count;
	uint64_t first; /* how many were before the oldest, at its place */
};

static struct ring *
ring_of(struct ebpf_map *map)
{
	return os_container(map, struct ring, map);
}

/* The value that was pushed `back` values after the oldest. */
static uint8_t *
value_at(const struct ring *ring, uint32_t back)
{
	uint64_t index = (uint64_t)ring->oldest + back;

	if (index >= ring->map.max_entries)
		index -= ring->map.max_entries;
	return ring->values + index * ring->map.stride;
}

static void
drop_oldest(struct ring *ring)
{
	if (++ring->oldest == ring->map.max_entries)
		ring->oldest = 0;
	ring->first++;
	os_store(&ring->count, ring->count - 1);
}

/* EXIST means: when there is no room, the oldest goes. */
static int
ring_push(struct ebpf_map *map, const void *value, uint64_t flags)
{
	struct ring *ring = ring_of(map);
	int error = 0;

	if (flags != EBPF_ANY && flags != EBPF_EXIST)
		return -EBPF_EINVAL;
	os_spin_lock(&ring->lock);
	if (ring->count == map->max_entries && flags == EBPF_ANY) {
		error = -EBPF_E2BIG;
	} else {
		if (ring->count == map->max_entries)
			drop_oldest(ring);
		ebpf_value_store(value_at(ring, ring->count), value,
				 map->value_size);
		os_store(&ring->count, ring->count + 1);
	}
	os_spin_unlock(&ring->lock);
	return error;
}

/* What is asked for when there is none reads as zeros: a program may go on. */
static int
get(struct ebpf_map *map, void *value, bool newest, bool take)
{
	struct ring *ring = ring_of(map);
	int error = 0;

	os_spin_lock(&ring->lock);
	if (ring->count == 0) {
		memset(value, 0, map->value_size);
		error = -EBPF_ENOENT;
	} else {
		ebpf_value_load(value,
				value_at(ring, newest ? ring->count - 1 : 0),
				map->value_size);
		if (take && newest)
			os_store(&ring->count, ring->count - 1);
		else if (take)
			drop_oldest(ring);
	}
	os_spin_unlock(&ring->lock);
	return error;
}

static int
queue_pop(struct ebpf_map *map, void *value)
{
	return get(map, value, false, true);
}

static int
queue_peek(struct ebpf_map *map, void *value)
{
	return get(map, value, false, false);
}

static int
stack_pop(struct ebpf_map *map, void *value)
{
	return get(map, value, true, true);
}

static int
stack_peek(struct ebpf_map *map, void *value)
{
	return get(map, value, true, false);
}

/* The cursor is the place of the next; what stays keeps its place. */
static int
ring_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count, void *out,
	  bool *done)
{
	struct ring *ring = ring_of(map);
	uint32_t most = WALK_BYTES / map->value_size, n = 0;
	uint8_t *at = out;
	uint64_t next, end;

	if (most == 0)
		most = 1;
	if (most > *count)
		most = *count;
	os_spin_lock(&ring->lock);
	next = *cursor > ring->first ? *cursor : ring->first;
	end = ring->first + ring->count;
	for (; next < end && n < most; next++, n++) {
		ebpf_value_load(at, value_at(ring, (uint32_t)(next -
							      ring->first)),
				map->value_size);
		at += map->value_size;
	}
	os_spin_unlock(&ring->lock);
	*cursor = next;
	*count = n;
	*done = next >= end;
	return 0;
}

static uint64_t
ring_count(struct ebpf_map *map)
{
	return os_load(&ring_of(map)->count);
}

static int
ring_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	if (spec->key_size != 0 || spec->value_size == 0 ||
	    spec->max_entries == 0)
		return -EBPF_EINVAL;
	if (spec->value_size > VALUE_MAX || spec->max_entries > ENTRIES_MAX)
		return -EBPF_E2BIG;
	*bytes = (((uint64_t)spec->value_size + 7) & ~7ull) *
		 spec->max_entries;
	return 0;
}

static int
ring_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct ring *ring = ring_of(map);

	os_spin_init(&ring->lock);
	ring->values = os_alloc((size_t)map->stride * map->max_entries);
	return ring->values == NULL ? -EBPF_ENOMEM : 0;
}

static void
ring_fini(struct ebpf_map *map)
{
	os_free(ring_of(map)->values);
}

enum {
	FLAGS = EBPF_F_RDONLY | EBPF_F_WRONLY | EBPF_F_RDONLY_PROG |
		EBPF_F_WRONLY_PROG | EBPF_F_NUMA_NODE,
};

const struct ebpf_map_ops ebpf_map_queue_ops = {
	.kind = EBPF_MAP_QUEUE,
	.flags_allowed = FLAGS,
	.struct_size = sizeof(struct ring),
	.check = ring_check,
	.init = ring_init,
	.fini = ring_fini,
	.push = ring_push,
	.pop = queue_pop,
	.peek = queue_peek,
	.walk = ring_walk,
	.count = ring_count,
};

const struct ebpf_map_ops ebpf_map_stack_ops = {
	.kind = EBPF_MAP_STACK,
	.flags_allowed = FLAGS,
	.struct_size = sizeof(struct ring),
	.check = ring_check,
	.init = ring_init,
	.fini = ring_fini,
	.push = ring_push,
	.pop = stack_pop,
	.peek = stack_peek,
	.walk = ring_walk,
	.count = ring_count,
};
