/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arrays and per-CPU arrays: values side by side, found by index, never absent
 * and never removed. The JIT inlines these lookups (struct ebpf_map_array in
 * core/map.h), so what it relies on is said there.
 */
#include "core/each.h"
#include "core/map_lock.h"
#include "core/map_value.h"

enum {
	VALUE_MAX = 16 << 20,
	PERCPU_VALUE_MAX = 32 << 10,
	ENTRIES_MAX = 1u << 31,
	WALK_LOOK = 4096, /* elements of one call */
	PAGE = 4096,	  /* at least; of memory that can be mapped */
	FLAGS = EBPF_F_RDONLY | EBPF_F_WRONLY | EBPF_F_RDONLY_PROG |
		EBPF_F_WRONLY_PROG,
};

static struct ebpf_map_array *
array_of(struct ebpf_map *map)
{
	return os_container(map, struct ebpf_map_array, map);
}

static uint32_t
index_mask(uint32_t max_entries)
{
	uint64_t n = 1;

	while (n < max_entries)
		n <<= 1;
	return (uint32_t)(n - 1);
}

static int
array_check_any(const struct ebpf_map_spec *spec, uint32_t value_max)
{
	if (spec->key_size != sizeof(uint32_t) || spec->value_size == 0 ||
	    spec->max_entries == 0)
		return -EBPF_EINVAL;
	if (spec->value_size > value_max || spec->max_entries > ENTRIES_MAX)
		return -EBPF_E2BIG;
	return 0;
}

static uint64_t
block_bytes(const struct ebpf_map_spec *spec)
{
	return (uint64_t)spec->max_entries *
	       (((uint64_t)spec->value_size + 7) & ~7ull);
}

static int
array_next_any(struct ebpf_map *map, const void *key, void *next_key)
{
	uint32_t index = key == NULL ? UINT32_MAX : ebpf_key_index(key);

	/* what is not an index of the map starts again, as in Linux */
	index = index >= map->max_entries ? 0 : index + 1;
	if (index >= map->max_entries)
		return -EBPF_ENOENT;
	memcpy(next_key, &index, sizeof(index));
	return 0;
}

/* An index is read once: the key may be a value that others are changing. */
static int
update_check(const struct ebpf_map *map, uint32_t index, uint64_t flags)
{
	if (!ebpf_map_flags_ok(map, flags))
		return -EBPF_EINVAL;
	if (index >= map->max_entries)
		return -EBPF_E2BIG;
	return (flags & EBPF_NOEXIST) ? -EBPF_EEXIST : 0;
}

static int
no_remove(struct ebpf_map *map, const void *key)
{
	return -EBPF_EINVAL;
}

/* The walk of both kinds: the cursor is the next index. */
static int
array_walk_any(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
	       void *out, bool *done)
{
	uint32_t size = ebpf_map_user_value_size(map), n = 0;
	uint8_t *at = out;
	uint32_t index;
	int error;

	if (*cursor > map->max_entries)
		return -EBPF_EINVAL;
	for (index = (uint32_t)*cursor;
	     index < map->max_entries && n < *count && n < WALK_LOOK;
	     index++, n++) {
		memcpy(at, &index, sizeof(index));
		at += sizeof(index);
		error = map->ops->read(map, &index, at);
		if (error != 0)
			return error;
		at += size;
	}
	*cursor = index;
	*count = n;
	*done = index == map->max_entries;
	return 0;
}

/* The number of the next element, its key; UINT32_MAX: there is none. */
static uint32_t
each_index(const struct ebpf_map *map, struct ebpf_each *each)
{
	if (each->next >= map->max_entries)
		return UINT32_MAX;
	each->index = each->next++;
	each->key = (uintptr_t)&each->index;
	return each->index;
}

/* ---- array ---- */

static int
array_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	*bytes = block_bytes(spec);
	if ((spec->flags & EBPF_F_MMAPABLE) != 0)
		*bytes = (*bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	return array_check_any(spec, VALUE_MAX);
}

static int
array_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct ebpf_map_array *array = array_of(map);

	array->index_mask = index_mask(map->max_entries);
	array->values = (spec->flags & EBPF_F_MMAPABLE) != 0 ?
			os_pages_alloc(block_bytes(spec)) :
			os_alloc(block_bytes(spec));
	return array->values == NULL ? -EBPF_ENOMEM : 0;
}

static void
array_fini(struct ebpf_map *map)
{
	os_free(array_of(map)->values);
}

/* index: below max_entries */
static void *
array_at(struct ebpf_map *map, uint32_t index)
{
	index = ebpf_index_within(index, map->max_entries);
	return array_of(map)->values + (size_t)index * map->stride;
}

static void *
array_lookup(struct ebpf_map *map, const void *key)
{
	uint32_t index = ebpf_key_index(key);

	if (os_unlikely(index >= map->max_entries))
		return NULL;
	return array_at(map, index);
}

static int
array_update(struct ebpf_map *map, const void *key, const void *value,
	     uint64_t flags)
{
	uint32_t index = ebpf_key_index(key);
	int error = update_check(map, index, flags);

	if (error == 0)
		ebpf_map_value_put(map, array_at(map, index), value, flags,
				   false);
	return error;
}

static int
array_read(struct ebpf_map *map, const void *key, void *value)
{
	void *stored = array_lookup(map, key);

	if (stored == NULL)
		return -EBPF_ENOENT;
	ebpf_map_value_get(map, value, stored, 0);
	return 0;
}

static bool
array_each(struct ebpf_map *map, struct ebpf_each *each)
{
	uint32_t index = each_index(map, each);

	if (index == UINT32_MAX)
		return false;
	each->value = (uintptr_t)array_at(map, index);
	return true;
}

const struct ebpf_map_ops ebpf_map_array_ops = {
	.kind = EBPF_MAP_ARRAY,
	.flags_allowed = FLAGS | EBPF_F_MMAPABLE | EBPF_F_INNER_MAP |
			 EBPF_F_NUMA_NODE,
	.struct_size = sizeof(struct ebpf_map_array),
	.check = array_check,
	.init = array_init,
	.fini = array_fini,
	.lookup = array_lookup,
	.update = array_update,
	.remove = no_remove,
	.read = array_read,
	.next = array_next_any,
	.walk = array_walk_any,
	.each = array_each,
};

/* ---- percpu_array ---- */

static int
percpu_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	*bytes = block_bytes(spec) * os_cpu_count();
	return array_check_any(spec, PERCPU_VALUE_MAX);
}

static int
percpu_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct ebpf_map_array *array = array_of(map);

	array->index_mask = index_mask(map->max_entries);
	array->percpu = os_percpu_alloc(block_bytes(spec));
	return array->percpu == NULL ? -EBPF_ENOMEM : 0;
}

static void
percpu_fini(struct ebpf_map *map)
{
	if (array_of(map)->percpu != NULL)
		os_percpu_free(array_of(map)->percpu);
}

static void *
percpu_at(struct ebpf_map *map, uint32_t index, uint32_t cpu)
{
	index = ebpf_index_within(index, map->max_entries);
	return (uint8_t *)os_percpu_ptr(array_of(map)->percpu, cpu) +
	       (size_t)index * map->stride;
}

static void *
percpu_lookup_cpu(struct ebpf_map *map, const void *key, uint32_t cpu)
{
	uint32_t index = ebpf_key_index(key);

	if (os_unlikely(index >= map->max_entries))
		return NULL;
	return percpu_at(map, index, cpu);
}

static void *
percpu_lookup(struct ebpf_map *map, const void *key)
{
	return percpu_lookup_cpu(map, key, os_cpu_id());
}

static int
percpu_update(struct ebpf_map *map, const void *key, const void *value,
	      uint64_t flags)
{
	uint32_t index = ebpf_key_index(key);
	int error = update_check(map, index, flags);

	if (error == 0)
		ebpf_value_store(percpu_at(map, index, os_cpu_id()), value,
				 map->value_size);
	return error;
}

/* Every stored value is stride bytes, its rounding zero, as users get it. */
static int
percpu_read(struct ebpf_map *map, const void *key, void *value)
{
	uint32_t index = ebpf_key_index(key), cpu;

	if (index >= map->max_entries)
		return -EBPF_ENOENT;
	for (cpu = 0; cpu < os_cpu_count(); cpu++)
		ebpf_value_load((uint8_t *)value + (size_t)cpu * map->stride,
				percpu_at(map, index, cpu), map->stride);
	return 0;
}

static int
percpu_write(struct ebpf_map *map, const void *key, const void *value,
	     uint64_t flags)
{
	uint32_t index = ebpf_key_index(key), cpu;
	int error = update_check(map, index, flags);

	for (cpu = 0; error == 0 && cpu < os_cpu_count(); cpu++)
		ebpf_value_store(percpu_at(map, index, cpu),
				 (const uint8_t *)value +
					 (size_t)cpu * map->stride,
				 map->value_size);
	return error;
}

static bool
percpu_each(struct ebpf_map *map, struct ebpf_each *each)
{
	if (each_index(map, each) == UINT32_MAX)
		return false;
	each->value = (uintptr_t)percpu_lookup(map, &each->index);
	return true;
}

const struct ebpf_map_ops ebpf_map_percpu_array_ops = {
	.kind = EBPF_MAP_PERCPU_ARRAY,
	.flags_allowed = FLAGS,
	.percpu = true,
	.struct_size = sizeof(struct ebpf_map_array),
	.check = percpu_check,
	.init = percpu_init,
	.fini = percpu_fini,
	.lookup = percpu_lookup,
	.lookup_cpu = percpu_lookup_cpu,
	.update = percpu_update,
	.remove = no_remove,
	.read = percpu_read,
	.write = percpu_write,
	.next = array_next_any,
	.walk = array_walk_any,
	.each = percpu_each,
};
