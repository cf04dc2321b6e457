/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How users go through maps whose elements are slots by index, some of them
 * empty: prog_array, array_of_maps, devmap and their like. Knows no kind; each
 * says by its ops what a slot holds.
 */
#include "core/map.h"
#include "core/map_value.h"

enum {
	WALK_LOOK = 4096, /* slots looked at by one call */
	POINTERS_MAX = 1 << 20,
};

int
ebpf_slots_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	if (spec->key_size != sizeof(uint32_t) ||
	    spec->value_size != sizeof(uint32_t) || spec->max_entries == 0)
		return -EBPF_EINVAL;
	if (spec->max_entries > POINTERS_MAX)
		return -EBPF_E2BIG;
	*bytes = (uint64_t)spec->max_entries * sizeof(void *);
	return 0;
}

/* Of kinds whose users know an id. */
uint64_t
ebpf_slots_count(struct ebpf_map *map)
{
	uint32_t index, id;
	uint64_t n = 0;

	for (index = 0; index < map->max_entries; index++)
		n += map->ops->read(map, &index, &id) == 0;
	return n;
}

int
ebpf_slots_next(struct ebpf_map *map, const void *key, void *next)
{
	uint32_t index = key == NULL ? UINT32_MAX : ebpf_key_index(key);

	index = index >= map->max_entries ? 0 : index + 1;
	if (index >= map->max_entries)
		return -EBPF_ENOENT;
	memcpy(next, &index, sizeof(index));
	return 0;
}

/* Only slots that are taken. */
int
ebpf_slots_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
		void *out, bool *done)
{
	uint32_t looked = 0, n = 0, index;
	uint8_t *at = out;

	if (*cursor > map->max_entries)
		return -EBPF_EINVAL;
	for (index = (uint32_t)*cursor; index < map->max_entries &&
	     n < *count && looked < WALK_LOOK; index++, looked++) {
		if (map->ops->read(map, &index, at + sizeof(index)) != 0)
			continue;
		memcpy(at, &index, sizeof(index));
		at += sizeof(index) + map->value_size;
		n++;
	}
	*cursor = index;
	*count = n;
	*done = index == map->max_entries;
	return 0;
}
