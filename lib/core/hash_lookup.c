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

/* What programs are given of an element. */
enum given {
	VALUE,
	CPU_VALUE, /* this CPU's */
	INNER,	   /* the map it holds */
};

EBPF_HASH_INLINE void *
give(const struct ebpf_map_hash *hash, uint32_t number, uint8_t *element,
     uint32_t size, enum given given, bool lru)
{
	/* a user's look says nothing about an element's use, only programs' */
	if (lru)
		ebpf_hash_mark_used(hash, number);
	if (given == CPU_VALUE)
		return ebpf_hash_percpu(hash, number, os_cpu_id());
	element += (size + 7) & ~7u; /* value_off */
	if (given == INNER)
		return os_load_acquire((struct ebpf_map **)(void *)element);
	return element;
}

/* For the memory of what is at home; with small keys most are in one line. */
EBPF_HASH_INLINE void
ask(const struct ebpf_map_hash *hash, uint64_t h, uint32_t size)
{
	const uint8_t *home = hash->homes +
			      (h & hash->bucket_mask) * hash->home_step;

	__builtin_prefetch(home);
	if (size > 8)
		__builtin_prefetch(home + 64);
}

/*
 * Rare, and apart from the rest, which thus needs no stack. Somebody may have
 * changed the key since: then that one is looked for.
 */
static __attribute__((__noinline__)) void *
look_chained(struct ebpf_map *map, const void *key, enum given given, bool lru)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_probe probe = ebpf_hash_probe(hash, key);
	uint32_t number = ebpf_hash_find(hash, &probe);

	if (number == 0)
		return NULL;
	return give(hash, number, ebpf_hash_element(hash, number),
		    map->key_size, given, lru);
}

/*
 * ebpf_hash_find(), but for what is on no chain it has the element's address
 * ready, and it asks for the memory where that will be.
 */
EBPF_HASH_INLINE void *
look(struct ebpf_map *map, const void *key, uint32_t size, enum given given,
     bool lru)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	const struct ebpf_hash_bucket *bucket;
	struct ebpf_hash_probe probe;
	uint64_t match;
	uint32_t number;
	uint8_t *element;

	if (size == ANY)
		size = map->key_size;
	probe = ebpf_hash_probe_sized(hash, key, size);
	bucket = ebpf_hash_bucket(hash, probe.hash);
	if (given != CPU_VALUE && !lru)
		ask(hash, probe.hash, size);
	match = ebpf_hash_match(os_load_acquire(&bucket->tags),
				ebpf_hash_tag(probe.hash));
	for (; match != 0; match &= match - 1) {
		number = os_load_acquire(
			&bucket->elements[ebpf_hash_first(match)]);
		element = ebpf_hash_element(hash, number);
		if (os_likely(ebpf_hash_probe_is(&probe, element, size)))
			return give(hash, number, element, size, given, lru);
	}
	if (os_likely(os_load_acquire(&bucket->chain) == 0))
		return NULL;
	return look_chained(map, key, given, lru);
}

/* The routines of a kind: for any key size, and for those that are frequent. */
#define ROUTINES(any, name, given, lru)                               \
	void *any(struct ebpf_map *map, const void *key)              \
	{                                                             \
		return look(map, key, ANY, given, lru);               \
	}                                                             \
	static void *name##_4(struct ebpf_map *map, const void *key)  \
	{                                                             \
		return look(map, key, 4, given, lru);                 \
	}                                                             \
	static void *name##_6(struct ebpf_map *map, const void *key)  \
	{                                                             \
		return look(map, key, 6, given, lru);                 \
	}                                                             \
	static void *name##_8(struct ebpf_map *map, const void *key)  \
	{                                                             \
		return look(map, key, 8, given, lru);                 \
	}                                                             \
	static void *name##_16(struct ebpf_map *map, const void *key) \
	{                                                             \
		return look(map, key, 16, given, lru);                \
	}

ROUTINES(ebpf_hash_lookup, one, VALUE, false)
ROUTINES(ebpf_hash_percpu_lookup, percpu, CPU_VALUE, false)
ROUTINES(ebpf_hash_lru_lookup, lru, VALUE, true)
ROUTINES(ebpf_hash_lru_percpu_lookup, lru_percpu, CPU_VALUE, true)
ROUTINES(ebpf_hash_maps_lookup, maps, INNER, false)

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

static uint32_t
find(const struct ebpf_map_hash *hash, const void *key)
{
	struct ebpf_hash_probe probe = ebpf_hash_probe(hash, key);

	return ebpf_hash_find(hash, &probe);
}

void *
ebpf_hash_percpu_lookup_cpu(struct ebpf_map *map, const void *key,
			    uint32_t cpu)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key);

	return os_likely(number != 0) ? ebpf_hash_percpu(hash, number, cpu) :
					NULL;
}

void *
ebpf_hash_lru_percpu_lookup_cpu(struct ebpf_map *map, const void *key,
				uint32_t cpu)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = find(hash, key);

	if (os_unlikely(number == 0))
		return NULL;
	ebpf_hash_mark_used(hash, number);
	return ebpf_hash_percpu(hash, number, cpu);
}

uint32_t
ebpf_hash_find_chained(const struct ebpf_map_hash *hash,
		       struct ebpf_hash_probe probe)
{
	uint32_t number, size = hash->map.key_size;

	number = os_load_acquire(&ebpf_hash_bucket(hash, probe.hash)->chain);
	while (number != 0 &&
	       !ebpf_hash_probe_is(&probe, ebpf_hash_element(hash, number),
				   size))
		number = os_load_acquire(&hash->meta[number].chain);
	return number;
}
