/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is read of a hash map of any kind but by programs' lookups: a value, the
 * next key, a walk. Nobody is stopped for it; what is copied is looked at again
 * before it counts. A walk goes by element number: what stays is seen exactly
 * once. For the ops tables of map_hash.c.
 */
#include "core/each.h"
#include "core/hash_table.h"
#include "core/map_lock.h"
#include "core/map_value.h"

enum {
	WALK_LOOK = 4096, /* elements looked at by one call */
	TRIES = 8,	  /* of a copy that writers get in the way of */
};

void
ebpf_hash_value_get(struct ebpf_map_hash *hash, uint32_t number, uint8_t *value)
{
	const struct ebpf_map *inner;
	uint32_t cpu;

	if (hash->map.inner != NULL) {
		inner = os_load_acquire(ebpf_hash_inner(hash, number));
		memcpy(value, &inner->obj.id, sizeof(inner->obj.id));
		return;
	}
	if (!hash->map.ops->percpu) {
		ebpf_map_value_get(&hash->map, value,
				   ebpf_hash_element(hash, number) +
					   hash->value_off,
				   0);
		return;
	}
	for (cpu = 0; cpu < os_cpu_count(); cpu++)
		ebpf_value_load(value + (size_t)cpu * hash->map.stride,
				ebpf_hash_percpu(hash, number, cpu),
				hash->map.stride);
}

/*
 * The element's key, and value unless that is NULL. False: it is not live, or
 * has gone meanwhile.
 */
EBPF_HASH_INLINE bool
copy_live(struct ebpf_map_hash *hash, uint32_t number, uint8_t *key,
	  uint8_t *value)
{
	const uint32_t *at = &ebpf_hash_meta(&hash->metas, number)->link;
	uint32_t link = os_load_acquire(at);

	if (!ebpf_hash_link_live(link))
		return false;
	ebpf_value_load(key, ebpf_hash_element(hash, number),
			hash->map.key_size);
	if (value != NULL)
		ebpf_hash_value_get(hash, number, value);
	return os_load_acquire(at) == link;
}

/* A key that is not there (any more) starts again, as in Linux. */
int
ebpf_hash_next(struct ebpf_map *map, const void *key, void *next)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = 0;
	struct ebpf_hash_probe probe;

	if (key != NULL) {
		probe = ebpf_hash_probe(hash, key);
		number = ebpf_hash_find(hash, &probe);
	}
	do {
		number = ebpf_hash_live_from(hash, number + 1,
				   os_load_acquire(&hash->pool->fresh));
		if (number == 0)
			return -EBPF_ENOENT;
	} while (!copy_live(hash, number, next, NULL));
	return 0;
}

/* The cursor is the last number that was looked at. */
int
ebpf_hash_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
	       void *out, bool *done)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t value_size = ebpf_map_user_value_size(map);
	uint32_t end = os_load_acquire(&hash->pool->fresh), n = 0, stop;
	uint32_t number;
	uint8_t *at = out;

	if (*cursor >= end)
		return -EBPF_EINVAL;
	number = ebpf_hash_number_from(&hash->metas, (uint32_t)*cursor + 1);
	if (number > end)
		number = end;
	stop = end - number < WALK_LOOK ? end : number + WALK_LOOK;
	for (; number < stop && n < *count;
	     number = ebpf_hash_number_from(&hash->metas, number + 1)) {
		if (!copy_live(hash, number, at, at + map->key_size))
			continue;
		at += (size_t)map->key_size + value_size;
		n++;
	}
	*cursor = number - 1;
	*count = n;
	*done = ebpf_hash_live_from(hash, number, stop) == 0 && stop == end;
	return 0;
}

/* In place, also what goes while it is visited. */
bool
ebpf_hash_each(struct ebpf_map *map, struct ebpf_each *each)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = ebpf_hash_live_from(hash, each->next + 1,
				    os_load_acquire(&hash->pool->fresh));

	if (number == 0)
		return false;
	each->next = number;
	each->key = (uintptr_t)ebpf_hash_element(hash, number);
	each->value = map->ops->percpu ?
		(uintptr_t)ebpf_hash_percpu(hash, number, os_cpu_id()) :
		each->key + hash->value_off;
	return true;
}

/* A copy of what was there at one moment, but for who overwrites the value. */
int
ebpf_hash_read(struct ebpf_map *map, const void *key, void *value)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_probe probe = ebpf_hash_probe(hash, key);
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, probe.hash);
	unsigned long held;
	uint32_t number, changes, tries;

	for (tries = 0; tries < TRIES; tries++) {
		changes = os_load_acquire(&bucket->changes);
		number = ebpf_hash_find(hash, &probe);
		if (number == 0)
			return -EBPF_ENOENT;
		ebpf_hash_value_get(hash, number, value);
		if (ebpf_hash_same(bucket, changes))
			return 0;
	}
	held = ebpf_hash_lock(bucket);
	number = ebpf_hash_find_locked(hash, &probe, map->key_size);
	if (number != 0)
		ebpf_hash_value_get(hash, number, value);
	ebpf_hash_unlock(bucket, held);
	return number != 0 ? 0 : -EBPF_ENOENT;
}
