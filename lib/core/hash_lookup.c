/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The lookups that programs make in hash kinds. Most keys have one of a few
 * sizes, for which each kind has a routine of its own: a map chooses when it is
 * made, and compiled programs call what it chose (map.h, struct ebpf_map).
 */
#include "core/hash_table.h"

/* The key size of a map, where no constant takes its place. */
enum {
	ANY = 0,
};

EBPF_HASH_INLINE uint32_t
find(const struct ebpf_map_hash *hash, const void *key, uint32_t size)
{
	struct ebpf_hash_probe probe;

	if (size == ANY)
		size = hash->map.key_size;
	probe = ebpf_hash_probe_sized(hash, key, size);
	return ebpf_hash_find_sized(hash, &probe, size);
}

EBPF_HASH_INLINE void *
one(struct ebpf_map *map, const void *key, uint32_t size)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key, size);

	return os_likely(number != 0) ?
		ebpf_hash_element(hash, number) + hash->value_off : NULL;
}

EBPF_HASH_INLINE void *
percpu(struct ebpf_map *map, const void *key, uint32_t size)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key, size);

	return os_likely(number != 0) ?
		ebpf_hash_percpu(hash, number, os_cpu_id()) : NULL;
}

/* A user's look at an element says nothing about its use: only programs'. */
EBPF_HASH_INLINE void *
lru(struct ebpf_map *map, const void *key, uint32_t size)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key, size);

	if (os_unlikely(number == 0))
		return NULL;
	ebpf_hash_mark_used(hash, number);
	return ebpf_hash_element(hash, number) + hash->value_off;
}

EBPF_HASH_INLINE void *
lru_percpu(struct ebpf_map *map, const void *key, uint32_t size)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key, size);

	if (os_unlikely(number == 0))
		return NULL;
	ebpf_hash_mark_used(hash, number);
	return ebpf_hash_percpu(hash, number, os_cpu_id());
}

EBPF_HASH_INLINE void *
maps(struct ebpf_map *map, const void *key, uint32_t size)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key, size);

	return os_likely(number != 0) ?
		os_load_acquire(ebpf_hash_inner(hash, number)) : NULL;
}

/* The routines of a kind: for any key size, and for those that are frequent. */
#define ROUTINES(any, how)                                   \
	void *any(struct ebpf_map *map, const void *key)     \
	{                                                    \
		return how(map, key, ANY);                   \
	}                                                    \
	static void *how##_4(struct ebpf_map *map, const void *key)  \
	{                                                    \
		return how(map, key, 4);                     \
	}                                                    \
	static void *how##_6(struct ebpf_map *map, const void *key)  \
	{                                                    \
		return how(map, key, 6);                     \
	}                                                    \
	static void *how##_8(struct ebpf_map *map, const void *key)  \
	{                                                    \
		return how(map, key, 8);                     \
	}                                                    \
	static void *how##_16(struct ebpf_map *map, const void *key) \
	{                                                    \
		return how(map, key, 16);                    \
	}

ROUTINES(ebpf_hash_lookup, one)
ROUTINES(ebpf_hash_percpu_lookup, percpu)
ROUTINES(ebpf_hash_lru_lookup, lru)
ROUTINES(ebpf_hash_lru_percpu_lookup, lru_percpu)
ROUTINES(ebpf_hash_maps_lookup, maps)

static const struct choice {
	const struct ebpf_map_ops *ops;
	void *(*four)(struct ebpf_map *map, const void *key);
	void *(*six)(struct ebpf_map *map, const void *key);
	void *(*eight)(struct ebpf_map *map, const void *key);
	void *(*sixteen)(struct ebpf_map *map, const void *key);
} choices[] = {
	{ &ebpf_map_hash_ops, one_4, one_6, one_8, one_16 },
	{ &ebpf_map_percpu_hash_ops, percpu_4, percpu_6, percpu_8, percpu_16 },
	{ &ebpf_map_lru_hash_ops, lru_4, lru_6, lru_8, lru_16 },
	{ &ebpf_map_lru_percpu_hash_ops, lru_percpu_4, lru_percpu_6,
	  lru_percpu_8, lru_percpu_16 },
	{ &ebpf_map_hash_of_maps_ops, maps_4, maps_6, maps_8, maps_16 },
};

void
ebpf_hash_lookup_choose(struct ebpf_map *map)
{
	uint32_t i;

	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (choices[i].ops != map->ops)
			continue;
		if (map->key_size == 4)
			map->lookup = choices[i].four;
		else if (map->key_size == 6) /* MAC addresses */
			map->lookup = choices[i].six;
		else if (map->key_size == 8)
			map->lookup = choices[i].eight;
		else if (map->key_size == 16)
			map->lookup = choices[i].sixteen;
	}
}

void *
ebpf_hash_percpu_lookup_cpu(struct ebpf_map *map, const void *key,
			    uint32_t cpu)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key, ANY);

	return os_likely(number != 0) ? ebpf_hash_percpu(hash, number, cpu) :
					NULL;
}

void *
ebpf_hash_lru_percpu_lookup_cpu(struct ebpf_map *map, const void *key,
				uint32_t cpu)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key, ANY);

	if (os_unlikely(number == 0))
		return NULL;
	ebpf_hash_mark_used(hash, number);
	return ebpf_hash_percpu(hash, number, cpu);
}
