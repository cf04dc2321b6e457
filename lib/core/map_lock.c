/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Locks inside map values; see map_lock.h. A lock is one word, 0 when free:
 * what programs declare is four bytes, so it cannot be a home's own lock.
 * Holders are pinned, so nobody who could want the same lock interrupts them.
 */
#include "core/map_lock.h"

#include "core/btf.h"

int
ebpf_map_find_lock(struct ebpf_map *map)
{
	uint32_t off;
	int error;

	if (map->btf == NULL || map->btf_value_type == 0)
		return 0;
	error = ebpf_btf_find_member(map->btf, map->btf_value_type,
				     "bpf_spin_lock", EBPF_LOCK_SIZE, &off);
	if (error == -EBPF_ENOENT)
		return 0;
	if (error != 0)
		return error;
	if (map->ops->kind != EBPF_MAP_ARRAY && map->ops->kind != EBPF_MAP_HASH)
		return -EBPF_EUNSUPPORTED;
	if ((map->flags & (EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG)) != 0)
		return -EBPF_EACCES;
	if (off % EBPF_LOCK_SIZE != 0 || map->value_size < EBPF_LOCK_SIZE ||
	    off > map->value_size - EBPF_LOCK_SIZE)
		return -EBPF_EINVAL;
	map->lock_off = off;
	map->has_lock = true;
	return 0;
}

void
ebpf_lock_take(uint32_t *lock)
{
	uint32_t round;

	while (os_swap(lock, 1) != 0)
		for (round = 0; os_load(lock) != 0; round++)
			os_relax(round);
}

void
ebpf_lock_give(uint32_t *lock)
{
	os_store_release(lock, 0);
}

/* The half of the lock's word that is not the lock. */
static void
put_half(uint8_t *stored, const uint8_t *from, uint32_t half, uint32_t size)
{
	uint8_t bytes[4] = { 0 };
	uint32_t word, i;

	for (i = 0; i < 4 && half + i < size; i++)
		bytes[i] = from[half + i];
	__builtin_memcpy(&word, bytes, 4);
	os_store((uint32_t *)(void *)(stored + half), word);
}

static void
get_half(uint8_t *to, uint8_t *stored, uint32_t half, uint32_t size)
{
	uint32_t word = os_load_acquire((uint32_t *)(void *)(stored + half)), i;
	uint8_t bytes[4];

	__builtin_memcpy(bytes, &word, 4);
	for (i = 0; i < 4 && half + i < size; i++)
		to[half + i] = bytes[i];
}

void
ebpf_lock_value_put(const struct ebpf_map *map, void *stored, const void *from,
		    uint64_t flags, bool fresh)
{
	uint32_t size = map->value_size, at = map->lock_off & ~7u;
	uint32_t half = map->lock_off ^ 4;
	uint32_t *lock;
	bool held;

	lock = (uint32_t *)(void *)((uint8_t *)stored + map->lock_off);
	/* a program may still have that of one that was handed on */
	held = (flags & EBPF_F_LOCK) != 0 && !fresh;
	if (held)
		ebpf_lock_take(lock);
	ebpf_value_store(stored, from, at);
	put_half(stored, from, half, size);
	if (size > at + 8)
		ebpf_value_store((uint8_t *)stored + at + 8,
				 (const uint8_t *)from + at + 8, size - at - 8);
	if (held)
		ebpf_lock_give(lock);
}

void
ebpf_lock_value_get(const struct ebpf_map *map, void *to, void *stored,
		    uint64_t flags)
{
	uint32_t size = map->value_size, at = map->lock_off & ~7u;
	uint32_t half = map->lock_off ^ 4;
	uint32_t *lock;

	lock = (uint32_t *)(void *)((uint8_t *)stored + map->lock_off);
	if ((flags & EBPF_F_LOCK) != 0)
		ebpf_lock_take(lock);
	ebpf_value_load(to, stored, at);
	get_half(to, stored, half, size);
	if (size > at + 8)
		ebpf_value_load((uint8_t *)to + at + 8,
				(uint8_t *)stored + at + 8, size - at - 8);
	if ((flags & EBPF_F_LOCK) != 0)
		ebpf_lock_give(lock);
	memset((uint8_t *)to + map->lock_off, 0, EBPF_LOCK_SIZE);
}
