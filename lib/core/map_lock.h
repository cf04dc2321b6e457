/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Locks inside map values (struct bpf_spin_lock): finding one when the map is
 * made, taking it, and copying values around it. The bytes of a lock are never
 * copied: writers leave them, readers get zero. Used by maps that may have one
 * and by the helpers spin_lock and spin_unlock.
 */
#ifndef CORE_MAP_LOCK_H
#define CORE_MAP_LOCK_H

#include "core/map.h"
#include "core/map_value.h"

enum {
	EBPF_LOCK_SIZE = 4,
};

/*
 * Where the values that spec describes have their lock. map->has_lock and
 * lock_off are set. EINVAL misplaced, E2BIG several, EUNSUPPORTED or EACCES: no
 * map of this kind or these flags may have one.
 */
int ebpf_map_find_lock(struct ebpf_map *map);

/* Whoever holds a lock is pinned, does not sleep, and takes no other. */
void ebpf_lock_take(uint32_t *lock);
void ebpf_lock_give(uint32_t *lock);

/* EBPF_F_LOCK is understood, and beside it the flags of updates. */
static inline bool
ebpf_map_flags_ok(const struct ebpf_map *map, uint64_t flags)
{
	return (flags & ~(uint64_t)EBPF_F_LOCK) <= EBPF_EXIST &&
	       (!(flags & EBPF_F_LOCK) || map->has_lock);
}

/*
 * One value in and out, stored as map_value.h says; flags EBPF_F_LOCK: while
 * holding its lock (pinned). fresh: not in the map yet, or not again. The
 * first two of maps that have locks, the others of any.
 */
void ebpf_lock_value_put(const struct ebpf_map *map, void *stored,
			 const void *from, uint64_t flags, bool fresh);
void ebpf_lock_value_get(const struct ebpf_map *map, void *to, void *stored,
			 uint64_t flags);

static inline void
ebpf_map_value_put(const struct ebpf_map *map, void *stored, const void *from,
		   uint64_t flags, bool fresh)
{
	if (os_likely(!map->has_lock))
		ebpf_value_store(stored, from, map->value_size);
	else
		ebpf_lock_value_put(map, stored, from, flags, fresh);
}

static inline void
ebpf_map_value_get(const struct ebpf_map *map, void *to, void *stored,
		   uint64_t flags)
{
	if (os_likely(!map->has_lock))
		ebpf_value_load(to, stored, map->value_size);
	else
		ebpf_lock_value_get(map, to, stored, flags);
}

#endif
