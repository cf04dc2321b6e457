/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hash maps: hash, percpu_hash and, with eviction (map_lru.c), lru_hash and
 * lru_percpu_hash; with maps for values hash_of_maps. What changes a map, and
 * the tables of operations; hash_table.h says how it works.
 */
#include "core/hash_table.h"
#include "core/map_inner.h"
#include "core/map_lock.h"
#include "core/map_value.h"

enum {
	YIELD = 4096,	 /* buckets that are waited for in one go */
	TRIES = 8,	 /* of an update that others get in the way of */
	PLACE_TRIES = 256, /* and for a place that others have taken first */
	KEY_CHANGED = 1, /* its result then; no error code */
};

/* Where an update's value comes from and goes to. */
enum target {
	ONE,	 /* the element's own value */
	THIS_CPU, /* a program's: this CPU's; new elsewhere: zero */
	ALL_CPUS, /* a user's: one value per CPU */
	INNER,	 /* an inner map, which the element then holds */
};

EBPF_HASH_INLINE void
value_set(struct ebpf_map_hash *hash, uint32_t number, const void *from,
	  uint64_t flags, enum target target, bool fresh)
{
	uint32_t size = hash->map.value_size, cpu, self;
	const uint8_t *value = from;
	struct ebpf_map *old;

	switch (target) {
	case ONE:
		ebpf_map_value_put(&hash->map,
				   ebpf_hash_element(hash, number) +
					   hash->value_off,
				   value, flags, fresh);
		break;
	case THIS_CPU:
		self = os_cpu_id();
		ebpf_value_store(ebpf_hash_percpu(hash, number, self), value,
				 size);
		for (cpu = 0; fresh && cpu < os_cpu_count(); cpu++)
			if (cpu != self)
				ebpf_value_zero(ebpf_hash_percpu(hash, number,
								 cpu),
						size);
		break;
	case ALL_CPUS:
		for (cpu = 0; cpu < os_cpu_count(); cpu++)
			ebpf_value_store(ebpf_hash_percpu(hash, number, cpu),
					 value + (size_t)cpu * hash->map.stride,
					 size);
		break;
	case INNER:
		old = os_swap(ebpf_hash_inner(hash, number),
			      *(struct ebpf_map *const *)from);
		/* what is left in a fresh element was put when it went */
		if (!fresh)
			ebpf_map_put(old);
		break;
	}
}

/*
 * Locked bucket: the key into a new element, behind the value, for who still
 * looks at the element finds it by its key. False when others have changed a
 * long key since it was hashed and looked for; what is stored must be what a
 * lookup finds, and only once. Short ones were copied into the probe.
 */
EBPF_HASH_INLINE bool
key_set(struct ebpf_map_hash *hash, uint32_t number,
	const struct ebpf_hash_probe *probe, uint32_t size)
{
	uint8_t *key = ebpf_hash_element(hash, number);
	struct ebpf_hash_probe stored;

	if (os_likely(size <= 16)) {
		ebpf_key_short_store(key, size, probe->words);
		return true;
	}
	ebpf_key_long_store(key, probe->key, size);
	stored = ebpf_hash_probe_stored(hash, key);
	return stored.hash == probe->hash &&
	       ebpf_hash_find_locked(hash, &stored, size) == 0;
}

/* Locked bucket: overwrite or insert; *gone: as ebpf_hash_take() has it. */
EBPF_HASH_INLINE int
set_locked(struct ebpf_map_hash *hash, const struct ebpf_hash_probe *probe,
	   const void *value, uint64_t flags, enum target target,
	   uint32_t size, uint32_t *gone)
{
	uint32_t number = ebpf_hash_find_locked(hash, probe, size);
	struct ebpf_hash_taken taken;
	int error;

	if (number != 0) {
		if (flags & EBPF_NOEXIST)
			return -EBPF_EEXIST;
		value_set(hash, number, value, flags, target, false);
		if (hash->used != NULL)
			ebpf_hash_mark_used(hash, number);
		return 0;
	}
	if (flags & EBPF_EXIST)
		return -EBPF_ENOENT;
	error = ebpf_hash_take(hash, probe->hash, gone, &taken);
	if (error != 0)
		return error;
	number = taken.number;
	value_set(hash, number, value, flags, target, true);
	if (os_unlikely(!key_set(hash, number, probe, size))) {
		ebpf_hash_untake(hash, number);
		return KEY_CHANGED;
	}
	if (hash->used != NULL)
		os_store(&hash->used[number], EBPF_HASH_NEW);
	ebpf_hash_link(hash, probe->hash, &taken);
	return 0;
}

static inline bool
is_frozen(const struct ebpf_map *map)
{
	return os_load(&map->frozen) != EBPF_MAP_OPEN;
}

/* In a full LRU map something must go first: that one, or 0. */
EBPF_HASH_INLINE uint32_t
place_make(struct ebpf_map_hash *hash, const struct ebpf_hash_probe *probe,
	   uint64_t flags, uint32_t size)
{
	if (os_load(&hash->count) < hash->map.max_entries ||
	    (flags & EBPF_EXIST) || ebpf_hash_find_sized(hash, probe, size) != 0)
		return 0;
	return ebpf_hash_evict(hash);
}

/*
 * Another try of an update? In an LRU map there is a place again as soon as who
 * has one that was evicted has put its own element there, or that is evicted.
 */
static __attribute__((__noinline__)) bool
again(const struct ebpf_map_hash *hash, int error, uint32_t tries)
{
	if (error != -EBPF_E2BIG)
		return tries < TRIES;
	if (hash->used == NULL || tries >= PLACE_TRIES)
		return false;
	os_relax(tries);
	return true;
}

/*
 * There was none for a new element: without the lock there may be some, which
 * others may take meanwhile, or else one of old may do. True: try again.
 */
static bool
memory_find(struct ebpf_map_hash *hash, bool *collected)
{
	if (ebpf_hash_pool_more(hash->pool))
		return true;
	if (*collected)
		return false;
	*collected = true;
	return ebpf_hash_collect(hash);
}

/*
 * Size: of the keys, where it is a constant, else as the map says. user: one
 * without a section, who may not write what is frozen.
 */
EBPF_HASH_INLINE int
set_sized(struct ebpf_map *map, const void *key, const void *value,
	  uint64_t flags, enum target target, uint32_t size, bool user)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_bucket *bucket;
	struct ebpf_hash_probe probe;
	uint32_t tries = 0, gone = 0;
	bool collected = false;
	unsigned long held;
	int error;

	if (user && os_unlikely(is_frozen(map)))
		return -EBPF_EACCES;
	if (os_unlikely(!ebpf_map_flags_ok(map, flags)))
		return -EBPF_EINVAL;
	do {
		probe = ebpf_hash_probe_sized(hash, key, size);
		bucket = ebpf_hash_bucket(hash, probe.hash);
		ebpf_hash_ask_update(hash, probe.hash);
		if (hash->used != NULL && gone == 0)
			gone = place_make(hash, &probe, flags, size);
		held = ebpf_hash_lock(bucket);
		if (user && os_unlikely(is_frozen(map)))
			error = -EBPF_EACCES;
		else
			error = set_locked(hash, &probe, value, flags, target,
					   size, &gone);
		ebpf_hash_unlock(bucket, held);
		if (os_unlikely(error == -EBPF_ENOMEM) &&
		    memory_find(hash, &collected))
			error = KEY_CHANGED;
	} while (os_unlikely(error == KEY_CHANGED || error == -EBPF_E2BIG) &&
		 again(hash, error, tries++));
	if (os_unlikely(gone != 0))
		ebpf_hash_leave(hash, gone);
	/* by somebody who changes it all the time */
	return error == KEY_CHANGED ? -EBPF_EAGAIN : error;
}

static int
set(struct ebpf_map *map, const void *key, const void *value, uint64_t flags,
    enum target target)
{
	return set_sized(map, key, value, flags, target, map->key_size, false);
}

/* ---- the ops ---- */

static int
hash_update(struct ebpf_map *map, const void *key, const void *value,
	    uint64_t flags)
{
	switch (map->key_size) {
	case 4:
		return set_sized(map, key, value, flags, ONE, 4,
				 false);
	case 8:
		return set_sized(map, key, value, flags, ONE, 8,
				 false);
	case 16:
		return set_sized(map, key, value, flags, ONE, 16,
				 false);
	default:
		return set(map, key, value, flags, ONE);
	}
}

#define USER_WRITE(name, target, size)                                  \
	static int name(struct ebpf_map *map, const void *key,            \
			const void *value, uint64_t flags)                \
	{                                                                 \
		return set_sized(map, key, value, flags, target, size,    \
				 true);                                   \
	}
USER_WRITE(write_4, ONE, 4)
USER_WRITE(write_8, ONE, 8)
USER_WRITE(write_16, ONE, 16)
USER_WRITE(write_any, ONE, map->key_size)
USER_WRITE(percpu_write, ALL_CPUS, map->key_size)

/* What LRU maps evict is not under the lock in which they write. */
static void
write_choose(struct ebpf_map *map)
{
	if (map->ops == &ebpf_map_percpu_hash_ops)
		map->write = percpu_write;
	else if (map->ops != &ebpf_map_hash_ops)
		map->write = NULL;
	else if (map->key_size == 4)
		map->write = write_4;
	else if (map->key_size == 8)
		map->write = write_8;
	else if (map->key_size == 16)
		map->write = write_16;
	else
		map->write = write_any;
}

/* Whoever takes a lock after that sees what was set in front of it. */
static void
hash_writers_wait(struct ebpf_map *map)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_bucket *bucket;
	unsigned long held;
	uint64_t i;

	for (i = 0; i <= ebpf_hash_index(hash, ~0ull); i++) {
		bucket = ebpf_hash_bucket(hash, i << EBPF_HASH_SHIFT);
		held = ebpf_hash_lock(bucket);
		ebpf_hash_unlock(bucket, held);
		if (i % YIELD == YIELD - 1)
			os_yield();
	}
}

EBPF_HASH_INLINE int
remove_sized(struct ebpf_map *map, const void *key, uint32_t size)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_probe probe = ebpf_hash_probe_sized(hash, key, size);
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, probe.hash);
	unsigned long held;
	size_t slot;
	uint32_t number;

	ebpf_hash_ask(hash, probe.hash);
	ebpf_hash_ask_metas(hash, probe.hash);
	held = ebpf_hash_lock(bucket);
	number = ebpf_hash_find_in(hash, bucket, &probe, size,
				   &slot);
	if (number != 0)
		ebpf_hash_remove(hash, bucket, slot, number);
	ebpf_hash_unlock(bucket, held);
	return number != 0 ? 0 : -EBPF_ENOENT;
}

static int
hash_remove(struct ebpf_map *map, const void *key)
{
	switch (map->key_size) {
	case 4:
		return remove_sized(map, key, 4);
	case 8:
		return remove_sized(map, key, 8);
	case 16:
		return remove_sized(map, key, 16);
	default:
		return remove_sized(map, key, map->key_size);
	}
}

static void
hash_ask(struct ebpf_map *map, const void *key)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint64_t h = ebpf_hash_probe(hash, key).hash;

	ebpf_hash_ask(hash, h);
	ebpf_hash_ask_metas(hash, h);
}

static uint64_t
hash_count(struct ebpf_map *map)
{
	return ebpf_hash_count(ebpf_hash_of(map));
}

/* No update comes between; a program that holds the value still may write. */
static int
hash_extract(struct ebpf_map *map, const void *key, void *value)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_probe probe = ebpf_hash_probe(hash, key);
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, probe.hash);
	unsigned long held;
	size_t slot;
	uint32_t number;

	ebpf_hash_ask(hash, probe.hash);
	ebpf_hash_ask_metas(hash, probe.hash);
	held = ebpf_hash_lock(bucket);
	number = ebpf_hash_find_in(hash, bucket, &probe, map->key_size,
				   &slot);
	if (number != 0) {
		ebpf_hash_value_get(hash, number, value);
		ebpf_hash_remove(hash, bucket, slot, number);
	}
	ebpf_hash_unlock(bucket, held);
	return number != 0 ? 0 : -EBPF_ENOENT;
}

static int
percpu_hash_update(struct ebpf_map *map, const void *key, const void *value,
		   uint64_t flags)
{
	return set(map, key, value, flags, THIS_CPU);
}

static int
percpu_hash_write(struct ebpf_map *map, const void *key, const void *value,
		  uint64_t flags)
{
	return set(map, key, value, flags, ALL_CPUS);
}

/* ---- hash_of_maps ---- */

static int
maps_write(struct ebpf_map *map, const void *key, const void *value,
	   uint64_t flags)
{
	struct ebpf_map *inner;
	int error = ebpf_map_inner_get(map, value, &inner);

	if (error == 0)
		error = set(map, key, &inner, flags, INNER);
	if (error != 0)
		ebpf_map_put(inner);
	return error;
}

/* id: of the map that was removed, unless that is NULL. */
static int
maps_take(struct ebpf_map *map, const void *key, void *id)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_probe probe = ebpf_hash_probe(hash, key);
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, probe.hash);
	struct ebpf_map *inner = NULL;
	unsigned long held;
	size_t slot;
	uint32_t number;

	held = ebpf_hash_lock(bucket);
	number = ebpf_hash_find_in(hash, bucket, &probe, map->key_size,
				   &slot);
	if (number != 0) {
		if (id != NULL)
			ebpf_hash_value_get(hash, number, id);
		/* left in place for who has just found the element */
		inner = *ebpf_hash_inner(hash, number);
		ebpf_hash_remove(hash, bucket, slot, number);
	}
	ebpf_hash_unlock(bucket, held);
	ebpf_map_put(inner);
	return number != 0 ? 0 : -EBPF_ENOENT;
}

static int
maps_remove(struct ebpf_map *map, const void *key)
{
	return maps_take(map, key, NULL);
}

static void
maps_fini(struct ebpf_map *map)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t number = 0;

	if (hash->pool != NULL)
		while ((number = ebpf_hash_live_from(hash, number + 1,
					   hash->pool->fresh)) != 0)
			ebpf_map_put(*ebpf_hash_inner(hash, number));
	ebpf_hash_fini(map);
}

static int
maps_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	if (spec->value_size != sizeof(uint32_t))
		return -EBPF_EINVAL;
	return ebpf_hash_check(spec, bytes, false, false);
}

static int
hash_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	return ebpf_hash_check(spec, bytes, false, false);
}

static int
hash_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	int error = ebpf_hash_init(map, spec, false, false);

	write_choose(map);
	return error;
}

static int
percpu_hash_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	return ebpf_hash_check(spec, bytes, true, false);
}

static int
percpu_hash_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	int error = ebpf_hash_init(map, spec, true, false);

	write_choose(map);
	return error;
}

static int
lru_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	return ebpf_hash_check(spec, bytes, false, true);
}

static int
lru_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	return ebpf_hash_init(map, spec, false, true);
}

static int
lru_percpu_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	return ebpf_hash_check(spec, bytes, true, true);
}

static int
lru_percpu_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	return ebpf_hash_init(map, spec, true, true);
}

/*
 * LRU kinds refuse NO_PREALLOC by another error than other flags. NO_COMMON_LRU
 * is taken and means nothing: there is one order of age for all CPUs.
 */
enum {
	FLAGS = EBPF_F_RDONLY | EBPF_F_WRONLY | EBPF_F_ZERO_SEED |
		EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG,
	HASH_FLAGS = FLAGS | EBPF_F_NO_PREALLOC,
	LRU_FLAGS = FLAGS | EBPF_F_NO_COMMON_LRU | EBPF_F_NO_PREALLOC,
};

const struct ebpf_map_ops ebpf_map_hash_ops = {
	.kind = EBPF_MAP_HASH,
	.flags_allowed = HASH_FLAGS | EBPF_F_NUMA_NODE,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = hash_check,
	.init = hash_init,
	.fini = ebpf_hash_fini,
	.lookup = ebpf_hash_lookup,
	.update = hash_update,
	.remove = hash_remove,
	.read = ebpf_hash_read,
	.extract = hash_extract,
	.next = ebpf_hash_next,
	.walk = ebpf_hash_walk,
	.count = hash_count,
	.writers_wait = hash_writers_wait,
	.ask = hash_ask,
	.settle = ebpf_hash_settle,
	.each = ebpf_hash_each,
};

const struct ebpf_map_ops ebpf_map_percpu_hash_ops = {
	.kind = EBPF_MAP_PERCPU_HASH,
	.flags_allowed = HASH_FLAGS,
	.percpu = true,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = percpu_hash_check,
	.init = percpu_hash_init,
	.fini = ebpf_hash_fini,
	.lookup = ebpf_hash_percpu_lookup,
	.lookup_cpu = ebpf_hash_percpu_lookup_cpu,
	.update = percpu_hash_update,
	.remove = hash_remove,
	.read = ebpf_hash_read,
	.write = percpu_hash_write,
	.extract = hash_extract,
	.next = ebpf_hash_next,
	.walk = ebpf_hash_walk,
	.count = hash_count,
	.writers_wait = hash_writers_wait,
	.ask = hash_ask,
	.settle = ebpf_hash_settle,
	.each = ebpf_hash_each,
};

const struct ebpf_map_ops ebpf_map_lru_hash_ops = {
	.kind = EBPF_MAP_LRU_HASH,
	.flags_allowed = LRU_FLAGS | EBPF_F_NUMA_NODE,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = lru_check,
	.init = lru_init,
	.fini = ebpf_hash_fini,
	.lookup = ebpf_hash_lru_lookup,
	.update = hash_update,
	.remove = hash_remove,
	.read = ebpf_hash_read,
	.extract = hash_extract,
	.next = ebpf_hash_next,
	.walk = ebpf_hash_walk,
	.count = hash_count,
	.ask = hash_ask,
	.settle = ebpf_hash_settle,
	.each = ebpf_hash_each,
};

const struct ebpf_map_ops ebpf_map_lru_percpu_hash_ops = {
	.kind = EBPF_MAP_LRU_PERCPU_HASH,
	.flags_allowed = LRU_FLAGS,
	.percpu = true,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = lru_percpu_check,
	.init = lru_percpu_init,
	.fini = ebpf_hash_fini,
	.lookup = ebpf_hash_lru_percpu_lookup,
	.lookup_cpu = ebpf_hash_lru_percpu_lookup_cpu,
	.update = percpu_hash_update,
	.remove = hash_remove,
	.read = ebpf_hash_read,
	.write = percpu_hash_write,
	.extract = hash_extract,
	.next = ebpf_hash_next,
	.walk = ebpf_hash_walk,
	.count = hash_count,
	.ask = hash_ask,
	.settle = ebpf_hash_settle,
	.each = ebpf_hash_each,
};

const struct ebpf_map_ops ebpf_map_hash_of_maps_ops = {
	.kind = EBPF_MAP_HASH_OF_MAPS,
	.flags_allowed = HASH_FLAGS | EBPF_F_NUMA_NODE,
	.holds_ids = true,
	.holds_maps = true,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = maps_check,
	.init = hash_init,
	.fini = maps_fini,
	.lookup = ebpf_hash_maps_lookup,
	.remove = maps_remove,
	.extract = maps_take,
	.read = ebpf_hash_read,
	.write = maps_write,
	.next = ebpf_hash_next,
	.walk = ebpf_hash_walk,
	.count = hash_count,
	.ask = hash_ask,
	.settle = ebpf_hash_settle,
};
