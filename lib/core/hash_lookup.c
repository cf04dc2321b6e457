/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The lookups that programs make in hash kinds, and the copies that users get.
 * Most keys have one of a few sizes, for which each kind has a routine of its
 * own: a map chooses when it is made, and compiled programs call what it chose
 * (map.h, struct ebpf_map).
 */
#include "core/hash_table.h"
#include "core/map_lock.h"

enum {
	ANY = 0, /* key size, where no constant takes its place: the map's */
	TRIES = 8, /* of a look that others get in the way of */
};

/* What programs are given of an element. */
enum given {
	VALUE,
	CPU_VALUE, /* this CPU's */
	INNER,	   /* the map it holds */
};

/* What is known of homes. */
enum homes {
	NONE,
	CHUNKS, /* nor elements side by side */
	APART,	/* or none */
	INSIDE,
	ANYWHERE,
};

EBPF_HASH_INLINE void *
give(const struct ebpf_map_hash *hash, uint32_t number, uint8_t *element,
     uint32_t size, enum given given, bool lru, enum homes homes)
{
	/* a user's look says nothing about an element's use, only programs' */
	if (lru)
		ebpf_hash_mark_used(hash, number);
	if (given == CPU_VALUE)
		return homes == CHUNKS ?
			ebpf_chunks_cpu_at(hash->metas.chunks, number,
					   os_cpu_id()) :
			ebpf_hash_percpu(hash, number, os_cpu_id());
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
			      ebpf_hash_index(hash, h) * hash->home_step;

	__builtin_prefetch(home);
	if (size > 8)
		__builtin_prefetch(home + 64);
}

/*
 * Rare, and apart from the rest, which thus needs no stack. Somebody may have
 * changed the key since: then that one is looked for.
 */
static __attribute__((__noinline__)) void *
look_careful(struct ebpf_map *map, const void *key, enum given given, bool lru,
	     enum homes homes)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = ebpf_hash_find_careful(hash,
						 ebpf_hash_probe(hash, key));

	if (number == 0)
		return NULL;
	return give(hash, number, ebpf_hash_element(hash, number),
		    map->key_size, given, lru, homes);
}

EBPF_HASH_INLINE uint8_t *
element_of(const struct ebpf_map_hash *hash, uint32_t number, enum homes homes)
{
	if (homes == INSIDE)
		return hash->elements +
		       (size_t)number * EBPF_HASH_INSIDE_ELEMENT;
	if (homes == CHUNKS)
		return ebpf_hash_in_chunk(hash, number);
	if (homes == ANYWHERE)
		return ebpf_hash_element(hash, number);
	return hash->elements + (size_t)number * hash->element_size;
}

/* What there is to know of a lookup. */
struct look {
	struct ebpf_hash_probe probe;
	const struct ebpf_hash_bucket *bucket;
	uint32_t changes; /* of the bucket, before; of no short key's lookup */
	uint32_t number;
	uint8_t *element; /* NULL: it is in no slot */
};

/*
 * ebpf_hash_find(), but for what is on no chain it has the element's address
 * ready, and it asks for the memory where that will be. Who wants to know all
 * changes, or has a long key, looks at them again.
 */
EBPF_HASH_INLINE void
look_at(const struct ebpf_map_hash *hash, const void *key, uint32_t size,
	bool asks, bool all, enum homes homes, struct look *look)
{
	uint32_t slots = EBPF_HASH_SLOTS, shift = EBPF_HASH_SHIFT;
	uint64_t match;

	if (homes == INSIDE) {
		slots = EBPF_HASH_INSIDE;
		shift = EBPF_HASH_INSIDE_SHIFT;
	} else if (homes == ANYWHERE) {
		slots = hash->slots;
		shift = hash->bucket_shift;
	}
	look->probe = ebpf_hash_probe_sized(hash, key, size);
	look->bucket = ebpf_hash_bucket_at(hash, look->probe.hash, shift);
	if (slots != EBPF_HASH_SLOTS)
		__builtin_prefetch(look->bucket + 1);
	else if (asks)
		ask(hash, look->probe.hash, size);
	if (all || size > 8)
		look->changes = os_load_acquire(&look->bucket->changes);
	match = ebpf_hash_match(os_load_acquire(&look->bucket->tags),
				ebpf_hash_tag(look->probe.hash));
	for (; match != 0; match &= match - 1) {
		look->number = ebpf_hash_slot(hash, look->bucket,
					      look->probe.hash,
					      ebpf_hash_first(match), slots);
		look->element = element_of(hash, look->number, homes);
		if (os_likely(ebpf_hash_probe_is(&look->probe, look->element,
						 size)))
			return;
	}
	look->element = NULL;
}

EBPF_HASH_INLINE void *
look(struct ebpf_map *map, const void *key, uint32_t size, enum given given,
     bool lru, enum homes homes)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct look look;

	if (size == ANY)
		size = map->key_size;
	look_at(hash, key, size, homes >= APART && given != CPU_VALUE, false,
		homes, &look);
	if (look.element == NULL)
		return os_likely(ebpf_hash_chain(look.bucket) == 0) ? NULL :
			look_careful(map, key, given, lru, homes);
	if (size > 8 && !ebpf_hash_same(look.bucket, look.changes))
		return look_careful(map, key, given, lru, homes);
	return give(hash, look.number, look.element, size, given, lru, homes);
}

/* The routines of a kind: for any key size, and for those that are frequent. */
#define ROUTINE(name, size, given, lru, homes)                       \
	static void *name(struct ebpf_map *map, const void *key)     \
	{                                                            \
		return look(map, key, size, given, lru, homes);      \
	}
#define SIZES(name, given, lru, homes)                               \
	ROUTINE(name##_4, 4, given, lru, homes)                      \
	ROUTINE(name##_6, 6, given, lru, homes)                      \
	ROUTINE(name##_8, 8, given, lru, homes)                      \
	ROUTINE(name##_16, 16, given, lru, homes)
#define ROUTINES(any, name, given, lru, homes)                       \
	void *any(struct ebpf_map *map, const void *key)             \
	{                                                            \
		return look(map, key, ANY, given, lru,               \
			    lru ? homes : ANYWHERE);                 \
	}                                                            \
	SIZES(name, given, lru, homes)

ROUTINES(ebpf_hash_lookup, one, VALUE, false, APART)
ROUTINES(ebpf_hash_percpu_lookup, percpu, CPU_VALUE, false, NONE)
ROUTINES(ebpf_hash_lru_lookup, lru, VALUE, true, NONE)
ROUTINES(ebpf_hash_lru_percpu_lookup, lru_percpu, CPU_VALUE, true, NONE)
ROUTINES(ebpf_hash_maps_lookup, maps, INNER, false, APART)
SIZES(chunk, VALUE, false, CHUNKS)
SIZES(percpu_chunk, CPU_VALUE, false, CHUNKS)
SIZES(maps_chunk, INNER, false, CHUNKS)
ROUTINE(inside_4, 4, VALUE, false, INSIDE)
ROUTINE(inside_6, 6, VALUE, false, INSIDE)
ROUTINE(inside_8, 8, VALUE, false, INSIDE)

/*
 * A user's copy of what was there at one moment, but for who overwrites the
 * value. It needs no section: elements stay elements, and what was read of one
 * counts only if the bucket has lost none since.
 */
EBPF_HASH_INLINE int
copy(struct ebpf_map *map, const void *key, void *value, uint32_t size,
     enum homes homes)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct look look;

	look_at(hash, key, size, true, true, homes, &look);
	if (look.element == NULL)
		return os_likely(ebpf_hash_chain(look.bucket) == 0) ?
			-EBPF_ENOENT : ebpf_hash_read(map, key, value);
	ebpf_map_value_get(map, value, look.element + ((size + 7) & ~7u), 0);
	if (os_unlikely(!ebpf_hash_same(look.bucket, look.changes)))
		return ebpf_hash_read(map, key, value);
	return 0;
}

#define COPY(name, size, homes)                                             \
	static int name(struct ebpf_map *map, const void *key, void *value) \
	{                                                                   \
		return copy(map, key, value, size, homes);                  \
	}
COPY(copy_4, 4, APART)
COPY(copy_8, 8, APART)
COPY(copy_16, 16, APART)
COPY(copy_any, map->key_size, ANYWHERE)

/* What maps of maps refer to needs a section. */
static void
copy_choose(struct ebpf_map *map)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);

	if (map->ops->holds_maps)
		map->read = NULL;
	else if (map->ops->percpu)
		map->read = ebpf_hash_read;
	else if (hash->metas.chunks != NULL || hash->slots != EBPF_HASH_SLOTS)
		map->read = copy_any;
	else if (map->key_size == 4)
		map->read = copy_4;
	else if (map->key_size == 8)
		map->read = copy_8;
	else if (map->key_size == 16)
		map->read = copy_16;
	else
		map->read = copy_any;
}

static const struct choice {
	const struct ebpf_map_ops *ops;
	enum homes homes;
	void *(*four)(struct ebpf_map *map, const void *key);
	void *(*six)(struct ebpf_map *map, const void *key); /* MACs */
	void *(*eight)(struct ebpf_map *map, const void *key);
	void *(*sixteen)(struct ebpf_map *map, const void *key);
} choices[] = {
	{ &ebpf_map_hash_ops, APART, one_4, one_6, one_8, one_16 },
	{ &ebpf_map_hash_ops, INSIDE, inside_4, inside_6, inside_8,
	  NULL },
	{ &ebpf_map_hash_ops, CHUNKS, chunk_4, chunk_6, chunk_8,
	  chunk_16 },
	{ &ebpf_map_percpu_hash_ops, APART, percpu_4, percpu_6,
	  percpu_8, percpu_16 },
	{ &ebpf_map_percpu_hash_ops, CHUNKS, percpu_chunk_4,
	  percpu_chunk_6, percpu_chunk_8, percpu_chunk_16 },
	{ &ebpf_map_lru_hash_ops, APART, lru_4, lru_6, lru_8, lru_16 },
	{ &ebpf_map_lru_percpu_hash_ops, APART, lru_percpu_4,
	  lru_percpu_6, lru_percpu_8, lru_percpu_16 },
	{ &ebpf_map_hash_of_maps_ops, APART, maps_4, maps_6, maps_8,
	  maps_16 },
	{ &ebpf_map_hash_of_maps_ops, CHUNKS, maps_chunk_4,
	  maps_chunk_6, maps_chunk_8, maps_chunk_16 },
};

void
ebpf_hash_lookup_choose(struct ebpf_map *map)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	enum homes homes = APART;
	uint32_t i;

	if (hash->metas.chunks != NULL)
		homes = CHUNKS;
	else if (hash->slots != EBPF_HASH_SLOTS)
		homes = INSIDE;
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (choices[i].ops != map->ops || choices[i].homes != homes)
			continue;
		if (map->key_size == 4)
			map->lookup = choices[i].four;
		else if (map->key_size == 6)
			map->lookup = choices[i].six;
		else if (map->key_size == 8)
			map->lookup = choices[i].eight;
		else if (map->key_size == 16)
			map->lookup = choices[i].sixteen;
	}
	copy_choose(map);
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

/* One look at all there is; *settled: and nothing went meanwhile. */
static uint32_t
look_through(const struct ebpf_map_hash *hash,
	     const struct ebpf_hash_probe *probe, bool *settled)
{
	const struct ebpf_hash_bucket *bucket =
		ebpf_hash_bucket(hash, probe->hash);
	uint32_t changes = os_load_acquire(&bucket->changes), number;
	uint32_t size = hash->map.key_size;
	uint64_t match = ebpf_hash_match(os_load_acquire(&bucket->tags),
				    ebpf_hash_tag(probe->hash));

	*settled = true;
	for (; match != 0; match &= match - 1) {
		number = ebpf_hash_slot(hash, bucket, probe->hash,
					ebpf_hash_first(match), hash->slots);
		if (!ebpf_hash_probe_is(probe, ebpf_hash_element(hash, number),
					size))
			continue;
		*settled = ebpf_hash_same(bucket, changes);
		return number;
	}
	/* what was handed on is on another bucket's chain now, or on none */
	for (number = ebpf_hash_chain(bucket); number != 0 && *settled;
	     number = os_load_acquire(
		     &ebpf_hash_meta(&hash->metas, number)->chain)) {
		bool is = ebpf_hash_probe_is(
			probe, ebpf_hash_element(hash, number), size);

		*settled = ebpf_hash_same(bucket, changes);
		if (is)
			return number;
	}
	*settled = ebpf_hash_same(bucket, changes);
	return 0;
}

/* After some tries with the lock; whoever holds it already needs one. */
uint32_t
ebpf_hash_find_careful(const struct ebpf_map_hash *hash,
		       struct ebpf_hash_probe probe)
{
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, probe.hash);
	uint32_t number = 0, tries;
	unsigned long held;
	bool settled = false;

	for (tries = 0; tries < TRIES && !settled; tries++)
		number = look_through(hash, &probe, &settled);
	if (os_likely(settled))
		return number;
	held = ebpf_hash_lock(bucket);
	number = look_through(hash, &probe, &settled);
	ebpf_hash_unlock(bucket, held);
	return number;
}
