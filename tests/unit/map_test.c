/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What each kind of map promises: creation and its refusals, flags, fullness,
 * iteration, walks, values of all CPUs, freezing, what becomes of removed
 * elements, and that no failed allocation leaks or half-makes anything.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash_table.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

static struct ebpf_runtime *rt;

/* The map, or NULL after saying why not. */
static struct ebpf_map *
make(uint32_t kind, uint32_t key_size, uint32_t value_size,
     uint32_t max_entries, uint32_t flags)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
		.flags = flags,
		.name = "m",
	};
	struct ebpf_map *map;
	int error = ebpf_map_create(rt, &spec, &map);

	if (error == 0)
		return map;
	tap_diag("kind %u key %u value %u entries %u: %s", kind, key_size,
		 value_size, max_entries, ebpf_error_name(error));
	return NULL;
}

/* Keys and values that all differ: the number, then bytes made of it. */
static void
fill(uint8_t *bytes, size_t size, uint32_t number, uint8_t salt)
{
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = i < 4 ? (uint8_t)(number >> (8 * i)) :
				   (uint8_t)(number * 31 + i * 7 + salt);
}

/* ---- creation ---- */

static void
test_create(void)
{
	static const struct {
		const char *what;
		uint32_t kind, key, value, entries, flags;
		int error;
	} cases[] = {
		{ "hash", EBPF_MAP_HASH, 4, 8, 16, 0, 0 },
		{ "array", EBPF_MAP_ARRAY, 4, 8, 16, 0, 0 },
		{ "percpu_hash", EBPF_MAP_PERCPU_HASH, 4, 8, 16, 0, 0 },
		{ "percpu_array", EBPF_MAP_PERCPU_ARRAY, 4, 8, 16, 0, 0 },
		{ "prog_array", EBPF_MAP_PROG_ARRAY, 4, 4, 16, 0, 0 },
		{ "lru_hash", EBPF_MAP_LRU_HASH, 4, 8, 16, 0, 0 },
		{ "lru_hash no common", EBPF_MAP_LRU_HASH, 4, 8, 16,
		  EBPF_F_NO_COMMON_LRU, 0 },
		{ "lru_hash no_prealloc", EBPF_MAP_LRU_HASH, 4, 8, 16,
		  EBPF_F_NO_PREALLOC, -EBPF_EUNSUPPORTED },
		{ "lru_percpu_hash", EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 16, 0, 0 },
		{ "no such kind", 999, 4, 8, 16, 0, -EBPF_EUNSUPPORTED },
		{ "kind of Linux alone", EBPF_MAP_SOCKMAP, 4, 8, 16, 0,
		  -EBPF_EUNSUPPORTED },
		{ "hash key 0", EBPF_MAP_HASH, 0, 8, 16, 0, -EBPF_EINVAL },
		{ "hash value 0", EBPF_MAP_HASH, 4, 0, 16, 0, -EBPF_EINVAL },
		{ "hash entries 0", EBPF_MAP_HASH, 4, 8, 0, 0, -EBPF_EINVAL },
		{ "hash key 512", EBPF_MAP_HASH, 512, 8, 4, 0, 0 },
		{ "hash key 513", EBPF_MAP_HASH, 513, 8, 4, 0, 0 },
		{ "hash element 4 MiB", EBPF_MAP_HASH, 1 << 20, 3 << 20, 4, 0,
		  -EBPF_E2BIG },
		{ "hash value huge", EBPF_MAP_HASH, 4, 0xffffffff, 1, 0,
		  -EBPF_E2BIG },
		{ "hash entries huge", EBPF_MAP_HASH, 4, 8, 0xffffffff, 0,
		  -EBPF_E2BIG },
		{ "hash no_prealloc", EBPF_MAP_HASH, 4, 8, 16,
		  EBPF_F_NO_PREALLOC, 0 },
		{ "hash zero seed", EBPF_MAP_HASH, 4, 8, 16, EBPF_F_ZERO_SEED,
		  0 },
		{ "hash mmapable", EBPF_MAP_HASH, 4, 8, 16, EBPF_F_MMAPABLE,
		  -EBPF_EINVAL },
		{ "unknown flag", EBPF_MAP_HASH, 4, 8, 16, 1u << 31,
		  -EBPF_EINVAL },
		{ "read-only and write-only", EBPF_MAP_HASH, 4, 8, 16,
		  EBPF_F_RDONLY | EBPF_F_WRONLY, -EBPF_EINVAL },
		{ "the same for programs", EBPF_MAP_HASH, 4, 8, 16,
		  EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG, -EBPF_EINVAL },
		{ "array key 8", EBPF_MAP_ARRAY, 8, 8, 16, 0, -EBPF_EINVAL },
		{ "array value 0", EBPF_MAP_ARRAY, 4, 0, 16, 0, -EBPF_EINVAL },
		{ "array entries 0", EBPF_MAP_ARRAY, 4, 8, 0, 0, -EBPF_EINVAL },
		{ "array entries huge", EBPF_MAP_ARRAY, 4, 8, 0xffffffff, 0,
		  -EBPF_E2BIG },
		{ "array value huge", EBPF_MAP_ARRAY, 4, 0xffffffff, 1, 0,
		  -EBPF_E2BIG },
		{ "array mmapable", EBPF_MAP_ARRAY, 4, 8, 1, EBPF_F_MMAPABLE,
		  0 },
		{ "percpu_array value 32K", EBPF_MAP_PERCPU_ARRAY, 4, 32768, 1,
		  0, 0 },
		{ "percpu_array value above", EBPF_MAP_PERCPU_ARRAY, 4, 32769,
		  1, 0, -EBPF_E2BIG },
		{ "percpu_hash value above", EBPF_MAP_PERCPU_HASH, 4, 32769, 1,
		  0, -EBPF_E2BIG },
		{ "prog_array value 8", EBPF_MAP_PROG_ARRAY, 4, 8, 1, 0,
		  -EBPF_EINVAL },
		{ "prog_array read-only prog", EBPF_MAP_PROG_ARRAY, 4, 4, 1,
		  EBPF_F_RDONLY_PROG, -EBPF_EINVAL },
	};
	struct ebpf_map_spec spec;
	struct ebpf_map *map;
	uint64_t used;
	uint32_t i;
	int error;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&spec, 0, sizeof(spec));
		spec.size = sizeof(spec);
		spec.kind = cases[i].kind;
		spec.key_size = cases[i].key;
		spec.value_size = cases[i].value;
		spec.max_entries = cases[i].entries;
		spec.flags = cases[i].flags;
		map = (void *)1;
		error = ebpf_map_create(rt, &spec, &map);
		tap_ok(error == cases[i].error && (error == 0) == (map != NULL),
		       "create %s: %s", cases[i].what,
		       error == 0 ? "made" : ebpf_error_name(error));
		if (error == 0)
			ebpf_map_put(map);
	}
	os_epoch_drain();
	TAP_CHECK(rt->mem_used == 0);

	memset(&spec, 0, sizeof(spec));
	spec.size = sizeof(spec);
	spec.kind = EBPF_MAP_HASH;
	spec.key_size = spec.value_size = spec.max_entries = 4;
	spec.pad = 1;
	TAP_CHECK(ebpf_map_create(rt, &spec, &map) == -EBPF_EINVAL);
	spec.pad = 0;
	spec.btf_key_type = 1; /* of no BTF */
	TAP_CHECK(ebpf_map_create(rt, &spec, &map) == -EBPF_EINVAL);
	spec.btf_key_type = 0;
	spec.name = "a/b";
	TAP_CHECK(ebpf_map_create(rt, &spec, &map) == -EBPF_EINVAL);
	spec.name = NULL;
	spec.size = 1;
	TAP_CHECK(ebpf_map_create(rt, &spec, &map) == -EBPF_EINVAL);
	spec.size = offsetof(struct ebpf_map_spec, name);
	TAP_CHECK(ebpf_map_create(rt, &spec, &map) == 0);
	used = rt->mem_used;
	TAP_CHECK(used >= sizeof(*map) && used == map->obj.mem_bytes);

	rt->config.mem_max = used + 1000;
	spec.max_entries = 1 << 20;
	{
		struct ebpf_map *big;
		uint64_t live = os_test_live();

		TAP_CHECK(ebpf_map_create(rt, &spec, &big) == -EBPF_ENOMEM);
		TAP_CHECK(os_test_live() == live && rt->mem_used == used);
	}
	rt->config.mem_max = 0;
	ebpf_map_put(map);
	os_epoch_drain();
	TAP_CHECK(rt->mem_used == 0);
}

/* ---- hashes ---- */

/* Write, waiting for a grace period when that is all it takes. */
static int
put(struct ebpf_map *map, const void *key, const void *value, uint64_t flags)
{
	int error;

	while ((error = ebpf_map_write(map, key, value, flags)) ==
	       -EBPF_EAGAIN)
		os_epoch_drain();
	return error;
}

/* Walk in steps; *seen[number]++ for each, false on a value that is wrong. */
static bool
walk(struct ebpf_map *map, uint32_t step, uint8_t salt, uint8_t *seen,
     uint32_t seen_max, uint32_t *total)
{
	uint32_t user = ebpf_map_user_value_size(map), n, i, number;
	size_t element = (size_t)map->key_size + user;
	uint8_t *out = malloc(step * element), *expect = malloc(element);
	uint64_t cursor = 0;
	bool done = false, good = true;

	*total = 0;
	while (!done) {
		n = step;
		if (ebpf_map_walk(map, &cursor, &n, out, &done) != 0 ||
		    (n < step && !done)) {
			good = false;
			break;
		}
		for (i = 0; i < n; i++) {
			number = 0;
			memcpy(&number, out + i * element,
			       map->key_size < 4 ? map->key_size : 4);
			fill(expect, map->key_size, number, 1);
			good = good && number < seen_max &&
			       memcmp(expect, out + i * element,
				      map->key_size) == 0;
			if (number < seen_max)
				seen[number]++;
			if (salt != 0) {
				fill(expect, map->value_size, number, salt);
				good = good &&
				       memcmp(expect,
					      out + i * element + map->key_size,
					      map->value_size) == 0;
			}
		}
		*total += n;
	}
	free(expect);
	free(out);
	return good;
}

static void
test_hash(uint32_t kind, uint32_t key_size, uint32_t value_size,
	  uint32_t entries)
{
	struct ebpf_map *map = make(kind, key_size, value_size, entries, 0);
	uint32_t user, i, total, cpus = os_cpu_count(), cpu;
	uint8_t *key, *next, *value, *got, *seen;
	bool percpu = kind == EBPF_MAP_PERCPU_HASH;
	uint32_t stride = (value_size + 7) & ~7u;
	bool good = true;
	int error;

	if (!tap_ok(map != NULL, "hash %u key %u value %u entries %u", kind,
		    key_size, value_size, entries))
		return;
	user = ebpf_map_user_value_size(map);
	TAP_CHECK(user == (percpu ? stride * cpus : value_size));
	key = calloc(1, key_size);
	next = calloc(1, key_size);
	value = calloc(1, user);
	got = calloc(1, user);
	seen = calloc(1, entries + 1);

	/* empty */
	fill(key, key_size, 0, 1);
	TAP_CHECK(ebpf_map_read(map, key, got) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_remove(map, key) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_next(map, NULL, next) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_EXIST) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_write(map, key, value, 3) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_F_LOCK) == -EBPF_EINVAL);
	TAP_CHECK(walk(map, 3, 2, seen, entries, &total) && total == 0);

	/* to the brim, and not further */
	for (i = 0; i < entries; i++) {
		fill(key, key_size, i, 1);
		for (cpu = 0; cpu < (percpu ? cpus : 1); cpu++)
			fill(value + cpu * stride, value_size, i,
			     (uint8_t)(2 + cpu));
		error = put(map, key, value, EBPF_NOEXIST);
		if (error != 0 && good) {
			tap_diag("%u: %s", i, ebpf_error_name(error));
			good = false;
		}
	}
	TAP_CHECK(good);
	TAP_CHECK(map->ops->count(map) == entries);
	if (key_size >= 4) {
		fill(key, key_size, entries, 1);
		TAP_CHECK(put(map, key, value, EBPF_ANY) == -EBPF_E2BIG);
		TAP_CHECK(ebpf_map_read(map, key, got) == -EBPF_ENOENT);
	}
	for (i = 0, good = true; i < entries; i++) {
		fill(key, key_size, i, 1);
		error = ebpf_map_read(map, key, got);
		for (cpu = 0; cpu < (percpu ? cpus : 1); cpu++) {
			fill(value, value_size, i, (uint8_t)(2 + cpu));
			good = good && error == 0 &&
			       memcmp(value, got + cpu * stride,
				      value_size) == 0;
		}
	}
	tap_ok(good, "%u elements, each with its value", entries);

	/* flags on what exists */
	fill(key, key_size, entries / 2, 1);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_NOEXIST) ==
		  -EBPF_EEXIST);
	for (cpu = 0; cpu < (percpu ? cpus : 1); cpu++)
		fill(value + cpu * stride, value_size, entries / 2, 2);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_EXIST) == 0);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_ANY) == 0);

	/* walks of several steps, and next, meet all of them once */
	for (i = 1; i <= entries + 7; i = i * 3 + 1) {
		memset(seen, 0, entries + 1);
		good = walk(map, i, 2, seen, entries, &total);
		good = good && total == entries &&
		       memchr(seen, 0, entries) == NULL &&
		       (entries == 0 || memchr(seen, 2, entries) == NULL);
		tap_ok(good, "walk by %u sees each once", i);
	}
	error = ebpf_map_next(map, NULL, next);
	for (total = 0; error == 0 && total <= entries; total++) {
		memcpy(key, next, key_size);
		error = ebpf_map_next(map, key, next);
	}
	TAP_CHECK(error == -EBPF_ENOENT && total == entries);

	/* every second one goes, while an iteration is on its way */
	for (i = 0, good = true; i < entries; i += 2) {
		fill(key, key_size, i, 1);
		good = good && ebpf_map_remove(map, key) == 0 &&
		       ebpf_map_remove(map, key) == -EBPF_ENOENT &&
		       ebpf_map_read(map, key, got) == -EBPF_ENOENT;
	}
	TAP_CHECK(good);
	TAP_CHECK(map->ops->count(map) == entries / 2);
	memset(seen, 0, entries + 1);
	TAP_CHECK(walk(map, 5, 2, seen, entries, &total) &&
		  total == entries / 2);
	for (i = 0, good = true; i < entries; i++)
		good = good && seen[i] == i % 2;
	TAP_CHECK(good);
	/* Linux: a key that is gone starts the iteration again */
	fill(key, key_size, 0, 1);
	error = ebpf_map_next(map, key, next);
	if (entries > 1) {
		memcpy(got, next, key_size < user ? key_size : user);
		TAP_CHECK(error == 0);
		TAP_CHECK(ebpf_map_next(map, NULL, key) == 0 &&
			  memcmp(key, next, key_size) == 0);
	} else {
		TAP_CHECK(error == -EBPF_ENOENT);
	}
	/* deleting along the way empties the map */
	for (i = 0; i <= entries && ebpf_map_next(map, NULL, key) == 0; i++)
		good = good && ebpf_map_remove(map, key) == 0;
	TAP_CHECK(good && i == entries / 2 && map->ops->count(map) == 0);

	/* and full again, at once */
	for (i = 0, good = true; i < entries; i++) {
		fill(key, key_size, i, 1);
		good = good && put(map, key, value, EBPF_NOEXIST) == 0;
	}
	tap_ok(good && map->ops->count(map) == entries, "filled again");

	free(seen);
	free(got);
	free(value);
	free(next);
	free(key);
	ebpf_map_put(map);
}

/* Delete and insert at full, without waiting longer than a grace period. */
static void
test_churn(uint32_t kind, uint32_t entries, uint32_t rounds)
{
	struct ebpf_map *map = make(kind, 4, 8, entries, 0);
	uint8_t *value = calloc(1, ebpf_map_user_value_size(map));
	uint32_t i, old, waits = 0;
	bool good = true;
	int error;

	for (i = 0; i < entries; i++)
		good = good && put(map, &i, value, EBPF_NOEXIST) == 0;
	for (; i < entries + rounds && good; i++) {
		old = i - entries;
		good = ebpf_map_remove(map, &old) == 0;
		while ((error = ebpf_map_write(map, &i, value,
					       EBPF_NOEXIST)) ==
		       -EBPF_EAGAIN) {
			os_epoch_drain();
			waits++;
		}
		good = good && error == 0;
	}
	tap_ok(good && map->ops->count(map) == entries,
	       "kind %u: %u of %u replaced at full, %u waits", kind, rounds,
	       entries, waits);
	free(value);
	ebpf_map_put(map);
}

/*
 * A pointer into the map keeps showing its own key's value in its section, for
 * as long as there are others to hand out; then an element is handed on at
 * once, and insertions never fail.
 */
static void
test_grace(uint32_t entries)
{
	struct ebpf_map *map = make(EBPF_MAP_HASH, 4, 8, entries, 0);
	const struct ebpf_hash_pool *pool = ebpf_hash_of(map)->pool;
	struct ebpf_section section;
	uint64_t value = 1000, *held;
	uint32_t key = 0, i, old, spared = 0;
	bool good = true, stands = true;

	TAP_CHECK(ebpf_map_write(map, &key, &value, EBPF_ANY) == 0);
	ebpf_section_enter(&section);
	held = ebpf_map_find(map, &key);
	TAP_CHECK(held != NULL && *held == 1000);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0);
	TAP_CHECK(ebpf_map_find(map, &key) == NULL);
	for (i = 1; i < 200000 && good; i++) {
		value = 1000 + i;
		old = i;
		good = map->ops->update(map, &i, &value, EBPF_NOEXIST) == 0 &&
		       map->ops->remove(map, &old) == 0;
		if (pool->hurried == 0) {
			spared = i;
			stands = stands && *held == 1000;
		}
		good = good && *held >= 1000 && *held <= value;
	}
	tap_ok(good, "%u come and go in one section", i - 1);
	tap_ok(stands && spared >= entries && pool->hurried != 0,
	       "while %u of them do a removed value stands", spared);
	TAP_CHECK(map->ops->count(map) == 0);
	/* the same key anew is a new element */
	ebpf_section_leave(&section);
	ebpf_map_settle(map);
	value = 5;
	TAP_CHECK(ebpf_map_write(map, &key, &value, EBPF_ANY) == 0);
	ebpf_map_put(map);
}

/* Full to the last element, in one section: what goes makes place at once. */
static void
test_section(uint32_t kind, uint32_t key_size, uint32_t entries)
{
	struct ebpf_map *map = make(kind, key_size, 8, entries, 0);
	uint8_t *value = calloc(1, ebpf_map_user_value_size(map));
	bool lru = kind == EBPF_MAP_LRU_HASH, good = true;
	struct ebpf_section section;
	uint8_t key[40] = { 0 };
	uint32_t i, old;

	ebpf_section_enter(&section);
	for (i = 0; i < entries * 8 + 100; i++) {
		old = i - entries;
		memcpy(key, &old, sizeof(old));
		if (i >= entries && !lru)
			good = good && map->ops->remove(map, key) == 0;
		memcpy(key, &i, sizeof(i));
		good = good && map->ops->update(map, key, value,
						EBPF_NOEXIST) == 0;
	}
	good = good && map->ops->count(map) == entries;
	for (i = 0, old = 0; i < entries * 8 + 100; i++) {
		memcpy(key, &i, sizeof(i));
		old += ebpf_map_find(map, key) != NULL;
	}
	ebpf_section_leave(&section);
	tap_ok(good && old == entries,
	       "kind %u, keys of %u: %u are replaced again and again in one "
	       "section", kind, key_size, entries);
	free(value);
	ebpf_map_put(map);
}

/* What is removed makes place for as many others, wherever these belong. */
static void
test_full(uint32_t entries, uint32_t rounds)
{
	struct ebpf_map *map = make(EBPF_MAP_HASH, 4, 8, entries, 0);
	uint32_t first = 0, end = 0, i, n;
	uint64_t value = 1;
	bool good = true;

	for (; end < entries; end++)
		good = good && put(map, &end, &value, EBPF_NOEXIST) == 0;
	for (i = 0; i < rounds; i++) {
		for (n = 0; n < 1 + i % 40; n++, first++)
			good = good && ebpf_map_remove(map, &first) == 0;
		good = good && map->ops->count(map) == entries - n;
		for (; n > 0; n--, end++)
			good = good &&
			       put(map, &end, &value, EBPF_NOEXIST) == 0;
		good = good && map->ops->count(map) == entries &&
		       put(map, &end, &value, EBPF_ANY) == -EBPF_E2BIG;
	}
	for (; first < end; first++)
		good = good && ebpf_map_read(map, &first, &value) == 0;
	tap_ok(good, "%u entries are as many as fit, %u times", entries,
	       rounds);
	ebpf_map_put(map);
}

/* Elements in the fullest bucket. */
static uint32_t
fullest(struct ebpf_map *map)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t most = 0, n, number;
	const struct ebpf_hash_bucket *bucket;
	uint64_t at, tags;

	for (at = 0; at <= hash->bucket_mask; at++) {
		n = 0;
		bucket = ebpf_hash_bucket(hash, at);
		for (tags = bucket->tags; tags != 0; tags >>= 8)
			n += (tags & 0xff) != 0;
		for (number = bucket->chain; number != 0;
		     number = hash->meta[number].chain)
			n++;
		if (n > most)
			most = n;
	}
	return most;
}

/* Keys that differ in few bits, always the same ones, spread like others. */
static void
test_regular_keys(void)
{
	static const uint32_t sizes[] = { 4, 8, 16, 24, 40 };
	uint32_t i, shift, most = 0, n;
	uint64_t value = 0, key[5];
	struct ebpf_map *map;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (shift = 0; shift <= (sizes[i] == 4 ? 20 : 52);
		     shift += 4) {
			map = make(EBPF_MAP_HASH, sizes[i], 8, 4096, 0);
			for (n = 0; n < 4096; n++) {
				memset(key, 0, sizeof(key));
				key[shift % 8 == 0 ? 0 : sizes[i] / 9] =
					(uint64_t)n << shift;
				put(map, key, &value, EBPF_NOEXIST);
			}
			if (fullest(map) > most)
				most = fullest(map);
			ebpf_map_put(map);
		}
	/* four in the mean; of random ones 24 meet once in 10^8 maps */
	tap_ok(most < 24, "no bucket has more than %u", most);
}

/* Many seeds and sizes: full buckets, chains, what is removed from them. */
static void
test_chains(void)
{
	uint32_t round, i, count, entries;
	struct ebpf_map *map;
	uint64_t value, got;
	bool good = true;

	for (round = 0; round < 60; round++) {
		entries = 512 << round % 4;
		map = make(EBPF_MAP_HASH, 8, 8, entries, 0);
		for (i = 0; i < entries; i++) {
			uint64_t key = (uint64_t)i << (round % 33);

			value = key * 3;
			good = good && put(map, &key, &value, EBPF_NOEXIST) == 0;
		}
		for (i = 0; i < entries; i += 3) {
			uint64_t key = (uint64_t)i << (round % 33);

			good = good && ebpf_map_remove(map, &key) == 0;
		}
		for (i = 0, count = 0; i < entries; i++) {
			uint64_t key = (uint64_t)i << (round % 33);
			int error = ebpf_map_read(map, &key, &got);

			good = good && (i % 3 == 0 ? error == -EBPF_ENOENT :
						     error == 0 &&
							     got == key * 3);
			count += error == 0;
		}
		good = good && map->ops->count(map) == count;
		ebpf_map_put(map);
	}
	tap_ok(good, "crowded buckets lose and mix nothing");
}

/* A program's update touches its own CPU; a fresh element is zero elsewhere. */
static void
test_percpu_hash_update(void)
{
	struct ebpf_map *map = make(EBPF_MAP_PERCPU_HASH, 4, 4, 8, 0);
	uint32_t cpus = os_cpu_count(), self, i, key = 7, value = 0x11223344;
	uint64_t *all = calloc(cpus, 8);
	struct ebpf_section section;
	bool good = true;

	memset(all, 0xff, cpus * 8ul);
	TAP_CHECK(ebpf_map_write(map, &key, all, EBPF_ANY) == 0);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0);
	ebpf_section_enter(&section);
	self = os_cpu_id();
	TAP_CHECK(map->ops->update(map, &key, &value, EBPF_ANY) == 0);
	TAP_CHECK(*(uint32_t *)ebpf_map_find(map, &key) == value);
	ebpf_section_leave(&section);
	memset(all, 0xff, cpus * 8ul);
	TAP_CHECK(ebpf_map_read(map, &key, all) == 0);
	for (i = 0; i < cpus; i++)
		good = good && all[i] == (i == self ? value : 0);
	TAP_CHECK(good);
	free(all);
	ebpf_map_put(map);
}

/* Full is never full: what programs use stays, what nobody uses goes. */
static void
test_lru(uint32_t kind, uint32_t entries)
{
	struct ebpf_map *map = make(kind, 4, 8, entries, 0);
	uint8_t *value = calloc(1, ebpf_map_user_value_size(map));
	uint32_t i, j, hot = entries / 8 + 1, kept = 0, recent = 0;
	struct ebpf_section section;
	bool good = true;

	for (i = 0; i < entries * 20; i++) {
		memcpy(value, &i, 4);
		good = good && put(map, &i, value, EBPF_NOEXIST) == 0 &&
		       map->ops->count(map) <= entries;
		if (entries == 1)
			continue;
		ebpf_section_enter(&section);
		for (j = 0; j < hot; j += 7)
			ebpf_map_find(map, &j);
		ebpf_section_leave(&section);
	}
	tap_ok(good && map->ops->count(map) == entries,
	       "lru %u: %u elements in turn through %u", kind, i, entries);
	for (j = 0; j < hot; j += 7)
		kept += ebpf_map_read(map, &j, value) == 0;
	for (j = i - entries; j < i; j++)
		recent += ebpf_map_read(map, &j, value) == 0;
	/* How many places wait for a grace period depends on the machine's
	 * other work, and so does how far eviction runs ahead. */
	if (entries > 8)
		tap_ok(kept == (hot + 6) / 7 && recent >= entries / 4,
		       "all %u in use are there, and %u of the newest %u",
		       kept, recent, entries);
	else
		tap_ok(recent > 0, "the newest is there");
	/* everything used all the time: something goes all the same */
	for (j = 0; j < entries * 4; j++, i++) {
		uint32_t k;

		ebpf_section_enter(&section);
		for (k = i - entries * 2; k < i; k++)
			ebpf_map_find(map, &k);
		ebpf_section_leave(&section);
		good = good && put(map, &i, value, EBPF_ANY) == 0;
	}
	tap_ok(good, "also when all are in use");
	for (j = 0; j < i; j++)
		ebpf_map_remove(map, &j);
	TAP_CHECK(map->ops->count(map) == 0);
	free(value);
	ebpf_map_put(map);
}

/* ---- arrays ---- */

static void
test_array(uint32_t kind, uint32_t value_size, uint32_t entries)
{
	struct ebpf_map *map = make(kind, 4, value_size, entries, 0);
	uint32_t i, next, user, cpu, stride = (value_size + 7) & ~7u, n, steps;
	bool percpu = kind == EBPF_MAP_PERCPU_ARRAY, good = true, done;
	uint32_t copies = percpu ? os_cpu_count() : 1;
	struct ebpf_map_array *array = (struct ebpf_map_array *)map;
	uint8_t *value, *got, *out;
	struct ebpf_section section;
	uint64_t cursor;

	if (!tap_ok(map != NULL, "array %u value %u entries %u", kind,
		    value_size, entries))
		return;
	user = ebpf_map_user_value_size(map);
	TAP_CHECK(user == (percpu ? stride * copies : value_size));
	TAP_CHECK(array->index_mask >= entries - 1 &&
		  (array->index_mask & (array->index_mask + 1)) == 0);
	value = calloc(1, user);
	got = malloc(user);
	for (i = 0; i < entries; i++)
		good = good && ebpf_map_read(map, &i, got) == 0 &&
		       memcmp(got, value, user) == 0;
	tap_ok(good, "all zero at first");
	for (i = 0; i < entries; i++) {
		for (cpu = 0; cpu < copies; cpu++)
			fill(value + cpu * stride, value_size, i,
			     (uint8_t)cpu);
		good = good && ebpf_map_write(map, &i, value, EBPF_ANY) == 0 &&
		       ebpf_map_write(map, &i, value, EBPF_EXIST) == 0 &&
		       ebpf_map_write(map, &i, value, EBPF_NOEXIST) ==
			       -EBPF_EEXIST;
	}
	for (i = 0; i < entries; i++) {
		for (cpu = 0; cpu < copies; cpu++)
			fill(value + cpu * stride, value_size, i,
			     (uint8_t)cpu);
		good = good && ebpf_map_read(map, &i, got) == 0 &&
		       memcmp(value, got, user) == 0;
		ebpf_section_enter(&section);
		good = good &&
		       memcmp(ebpf_map_find(map, &i),
			      value + (percpu ? os_cpu_id() * stride : 0),
			      value_size) == 0;
		ebpf_section_leave(&section);
	}
	tap_ok(good, "values come back");
	i = entries;
	TAP_CHECK(ebpf_map_read(map, &i, got) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_write(map, &i, value, EBPF_ANY) == -EBPF_E2BIG);
	i = 0;
	TAP_CHECK(ebpf_map_remove(map, &i) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, &i, value, 3) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, &i, value, EBPF_F_LOCK) == -EBPF_EINVAL);
	i = 0xffffffff;
	TAP_CHECK(ebpf_map_next(map, &i, &next) == 0 && next == 0);
	good = ebpf_map_next(map, NULL, &next) == 0;
	for (i = 0; i + 1 < entries; i++)
		good = good && next == i && ebpf_map_next(map, &i, &next) == 0;
	TAP_CHECK(good && next == entries - 1);
	TAP_CHECK(ebpf_map_next(map, &next, &next) == -EBPF_ENOENT);

	out = malloc(7ul * (4 + user));
	cursor = 0;
	i = 0;
	for (done = false, steps = 0; !done && steps <= entries; steps++) {
		n = 7;
		good = good &&
		       ebpf_map_walk(map, &cursor, &n, out, &done) == 0;
		if (n > 0)
			memcpy(&next, out, 4);
		good = good && (n == 0 || next == i);
		i += n;
	}
	TAP_CHECK(good && done && i == entries);
	cursor = 1ull << 40;
	n = 7;
	TAP_CHECK(ebpf_map_walk(map, &cursor, &n, out, &done) == -EBPF_EINVAL &&
		  n == 0);
	free(out);
	free(got);
	free(value);
	ebpf_map_put(map);
}

/* ---- what users' flags and freezing allow ---- */

static void
test_modes(void)
{
	static const uint32_t kinds[] = { EBPF_MAP_HASH, EBPF_MAP_ARRAY,
					  EBPF_MAP_PERCPU_HASH,
					  EBPF_MAP_PERCPU_ARRAY };
	uint32_t i, key = 0, n, next;
	struct ebpf_map *map;
	uint8_t *value;
	uint64_t cursor;
	bool done;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		map = make(kinds[i], 4, 8, 4, EBPF_F_RDONLY);
		value = calloc(64, ebpf_map_user_value_size(map));
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_read(map, &key, value) != -EBPF_EACCES);
		ebpf_map_put(map);

		map = make(kinds[i], 4, 8, 4, EBPF_F_WRONLY);
		cursor = 0;
		n = 1;
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == 0);
		TAP_CHECK(ebpf_map_read(map, &key, value) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_next(map, NULL, &next) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_walk(map, &cursor, &n, value, &done) ==
				  -EBPF_EACCES &&
			  n == 0);
		ebpf_map_put(map);

		map = make(kinds[i], 4, 8, 4, EBPF_F_RDONLY_PROG);
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == 0);
		TAP_CHECK(ebpf_map_freeze(map) == 0);
		TAP_CHECK(ebpf_map_freeze(map) == -EBPF_EBUSY);
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_read(map, &key, value) == 0);
		TAP_CHECK(map->writers == 0);
		ebpf_map_put(map);
		free(value);
	}
	map = make(EBPF_MAP_HASH, 4, 8, 4, 0);
	map->writers = 1; /* as if a user were in the middle of a write */
	TAP_CHECK(ebpf_map_freeze(map) == -EBPF_EBUSY && map->frozen == 0);
	map->writers = 0;
	TAP_CHECK(ebpf_map_freeze(map) == 0);
	ebpf_map_put(map);
}

/* A user who writes until it is forbidden; wrote: so often. */
struct busy_writer {
	struct ebpf_map *map;
	uint64_t wrote; /* atomic */
	int error;
	bool many;
};

static void *
busy_write(void *arg)
{
	struct busy_writer *w = arg;
	struct {
		uint32_t key;
		uint8_t value[8];
	} element = { 0 };
	uint64_t value;
	uint32_t n;

	do {
		value = w->wrote + 1;
		memcpy(element.value, &value, 8);
		n = 1;
		w->error = w->many ?
			ebpf_map_write_many(w->map, &element, &n, 0) :
			ebpf_map_write(w->map, &element.key, element.value, 0);
		if (w->error == 0)
			os_store(&w->wrote, value);
	} while (w->error == 0);
	return NULL;
}

/* On return of a freeze the last write has been made, and is the last. */
static void
test_freeze_while_written(enum ebpf_map_kind kind)
{
	uint64_t at_once, later, round, wrong = 0;
	struct busy_writer w;
	uint32_t key = 0;
	pthread_t thread;

	for (round = 0; round < 60; round++) {
		w = (struct busy_writer){ .many = round % 2 };
		w.map = make(kind, 4, 8, 4, EBPF_F_RDONLY_PROG);
		pthread_create(&thread, NULL, busy_write, &w);
		while (os_load(&w.wrote) < round % 3)
			sched_yield();
		wrong += ebpf_map_freeze(w.map) != 0;
		at_once = later = 0;
		wrong += round % 3 != 0 &&
			 ebpf_map_read(w.map, &key, &at_once) != 0;
		pthread_join(thread, NULL);
		if (round % 3 != 0)
			ebpf_map_read(w.map, &key, &later);
		wrong += at_once != later || w.error != -EBPF_EACCES ||
			 (round % 3 != 0 && later != w.wrote);
		ebpf_map_put(w.map);
	}
	tap_ok(wrong == 0, "kind %u: what is frozen is written no more", kind);
}

/* What a home that maps memory is told; see also chardev_share_test.c. */
static void
test_share(void)
{
	static const uint32_t read_only[] = { EBPF_F_RDONLY,
					      EBPF_F_RDONLY_PROG };
	struct ebpf_map *map = make(EBPF_MAP_ARRAY, 4, 12, 4, EBPF_F_MMAPABLE);
	uint32_t key = 1, i;
	uint8_t value[12];
	size_t size = 0;
	void *memory;

	TAP_CHECK(ebpf_map_share(map, true, &memory, &size) == 0 && size == 64);
	memcpy((uint8_t *)memory + 16, "twelve bytes", 12);
	TAP_CHECK(ebpf_map_read(map, &key, value) == 0 &&
		  memcmp(value, "twelve bytes", 12) == 0);
	ebpf_map_share_again(map, true);
	ebpf_map_unshare(map, true);
	TAP_CHECK(ebpf_map_freeze(map) == -EBPF_EBUSY && map->frozen == 0);
	ebpf_map_unshare(map, true);
	TAP_CHECK(ebpf_map_freeze(map) == 0);
	TAP_CHECK(ebpf_map_share(map, true, &memory, &size) == -EBPF_EACCES &&
		  map->writers == 0);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) == 0 &&
		  map->obj.refs == 2);
	ebpf_map_unshare(map, false);
	TAP_CHECK(map->obj.refs == 1);
	ebpf_map_put(map);
	for (i = 0; i < 2; i++) {
		map = make(EBPF_MAP_ARRAY, 4, 8, 4,
			   EBPF_F_MMAPABLE | read_only[i]);
		TAP_CHECK(ebpf_map_share(map, true, &memory, &size) ==
			  -EBPF_EACCES);
		TAP_CHECK(ebpf_map_share(map, false, &memory, &size) == 0);
		ebpf_map_unshare(map, false);
		ebpf_map_put(map);
	}
	map = make(EBPF_MAP_ARRAY, 4, 8, 4, EBPF_F_MMAPABLE | EBPF_F_WRONLY);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) == -EBPF_EACCES);
	ebpf_map_put(map);
	map = make(EBPF_MAP_ARRAY, 4, 8, 4, 0);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) ==
		  -EBPF_EUNSUPPORTED);
	ebpf_map_put(map);
	map = make(EBPF_MAP_HASH, 4, 8, 4, 0);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) ==
		  -EBPF_EUNSUPPORTED);
	ebpf_map_put(map);
}

/* ---- program arrays ---- */

static struct ebpf_prog *
load(uint32_t kind)
{
	static const struct ebpf_insn code[] = {
		{ 0xb7, 0, 0, 0 }, /* r0 = 0 */
		{ 0x95, 0, 0, 0 }, /* exit */
	};
	struct ebpf_load spec = {
		.size = sizeof(spec),
		.kind = kind,
		.insns = code,
		.insn_count = 2,
		.engine = EBPF_LOAD_INTERP,
	};
	struct ebpf_prog *prog = NULL;
	int error = ebpf_prog_load(rt, &spec, &prog);

	tap_ok(error == 0, "load a program of kind %u", kind);
	return prog;
}

static void
test_prog_array(void)
{
	struct ebpf_map *map = make(EBPF_MAP_PROG_ARRAY, 4, 4, 8, 0);
	struct ebpf_prog *raw = load(EBPF_PROG_RAW);
	struct ebpf_prog *raw2 = load(EBPF_PROG_RAW);
	struct ebpf_prog *vale = load(EBPF_PROG_VALE);
	uint32_t key, value, id, n, out[16];
	uint64_t cursor = 0;
	bool done;

	if (raw == NULL || raw2 == NULL || vale == NULL)
		return;
	key = 2;
	TAP_CHECK(ebpf_map_user_value_size(map) == 4);
	TAP_CHECK(ebpf_map_find(map, &key) == NULL);
	TAP_CHECK(ebpf_map_read(map, &key, &value) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_prog_array_get(map, 2) == NULL);
	TAP_CHECK(ebpf_prog_array_get(map, 1ull << 32) == NULL);
	id = 0;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == -EBPF_ENOENT);
	id = raw->obj.id;
	TAP_CHECK(ebpf_map_write(map, &key, &id, EBPF_NOEXIST) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == 0);
	TAP_CHECK(raw->obj.refs == 2);
	TAP_CHECK(ebpf_map_read(map, &key, &value) == 0 && value == id);
	TAP_CHECK(ebpf_prog_array_get(map, 2) == raw);
	id = vale->obj.id;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == -EBPF_EINVAL);
	TAP_CHECK(vale->obj.refs == 1 && ebpf_prog_array_get(map, 2) == raw);
	id = raw2->obj.id;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == 0);
	TAP_CHECK(raw->obj.refs == 1 && raw2->obj.refs == 2);
	TAP_CHECK(map->ops->count(map) == 1);
	key = 8;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == -EBPF_E2BIG);
	TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_E2BIG);
	key = 7;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == 0);
	n = 8;
	TAP_CHECK(ebpf_map_walk(map, &cursor, &n, out, &done) == 0 && done &&
		  n == 2 && out[0] == 2 && out[1] == id && out[2] == 7);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0 && raw2->obj.refs == 2);
	TAP_CHECK(ebpf_prog_array_adopt(map, EBPF_PROG_RAW, false) == 0);
	TAP_CHECK(ebpf_prog_array_adopt(map, EBPF_PROG_RAW, true) ==
		  -EBPF_EINVAL);
	TAP_CHECK(ebpf_prog_array_adopt(map, EBPF_PROG_XDP, false) ==
		  -EBPF_EINVAL);
	ebpf_map_put(map);
	os_epoch_drain();
	TAP_CHECK(raw2->obj.refs == 1);
	ebpf_prog_put(raw);
	ebpf_prog_put(raw2);
	ebpf_prog_put(vale);
}

/* ---- no memory ---- */

static void
test_failing(void)
{
	static const uint32_t kinds[] = { EBPF_MAP_HASH, EBPF_MAP_ARRAY,
					  EBPF_MAP_PERCPU_HASH,
					  EBPF_MAP_PERCPU_ARRAY,
					  EBPF_MAP_PROG_ARRAY,
					  EBPF_MAP_LRU_HASH,
					  EBPF_MAP_LRU_PERCPU_HASH };
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.key_size = 4,
		.value_size = 4,
		.max_entries = 100,
		.name = "failing",
	};
	struct ebpf_map *map;
	uint64_t live;
	uint32_t i, n;
	int error;
	bool good;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		spec.kind = kinds[i];
		os_epoch_drain();
		good = true;
		for (n = 1;; n++) {
			live = os_test_live();
			os_test_fail_at(n);
			error = ebpf_map_create(rt, &spec, &map);
			if (!os_test_failed())
				break;
			good = good && error == -EBPF_ENOMEM && map == NULL;
			os_epoch_drain();
			good = good && os_test_live() == live &&
			       rt->mem_used == 0;
		}
		os_test_fail_at(0);
		tap_ok(good && error == 0 && n > 2,
		       "kind %u: %u allocations, each may fail", kinds[i],
		       n - 1);
		if (error == 0)
			ebpf_map_put(map);
		os_epoch_drain();
	}
	TAP_CHECK(rt->mem_used == 0);
}

int
main(void)
{
	static const uint32_t key_sizes[] = { 2,  3,  4,  5,  6,  7,  8,  9,
					      12, 15, 16, 17, 23, 24, 32, 512 };
	uint64_t live = os_test_live();
	uint32_t i;

	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	test_create();
	test_failing();
	for (i = 0; i < sizeof(key_sizes) / sizeof(key_sizes[0]); i++)
		test_hash(EBPF_MAP_HASH, key_sizes[i], 1 + i * 5, 97);
	test_hash(EBPF_MAP_HASH, 1, 3, 1);
	test_hash(EBPF_MAP_HASH, 4, 4, 1);
	test_hash(EBPF_MAP_HASH, 4, 8, 20000);
	test_hash(EBPF_MAP_HASH, 4, 70000, 5);
	test_hash(EBPF_MAP_PERCPU_HASH, 6, 8, 300);
	test_hash(EBPF_MAP_PERCPU_HASH, 20, 13, 64);
	test_percpu_hash_update();
	test_churn(EBPF_MAP_HASH, 1, 5000);
	test_churn(EBPF_MAP_HASH, 1000, 20000);
	test_churn(EBPF_MAP_PERCPU_HASH, 100, 5000);
	test_lru(EBPF_MAP_LRU_HASH, 1);
	test_lru(EBPF_MAP_LRU_HASH, 64);
	test_lru(EBPF_MAP_LRU_HASH, 1000);
	test_lru(EBPF_MAP_LRU_PERCPU_HASH, 200);
	test_churn(EBPF_MAP_LRU_HASH, 100, 5000);
	test_grace(4);
	test_grace(10000); /* elements have homes */
	test_section(EBPF_MAP_HASH, 4, 1);
	test_section(EBPF_MAP_HASH, 4, 5);
	test_section(EBPF_MAP_HASH, 4, 1000);
	test_section(EBPF_MAP_HASH, 8, 10000);
	test_section(EBPF_MAP_HASH, 16, 10000);
	test_section(EBPF_MAP_HASH, 4, 131072);
	test_section(EBPF_MAP_HASH, 40, 300);
	test_section(EBPF_MAP_PERCPU_HASH, 4, 16);
	test_section(EBPF_MAP_LRU_HASH, 4, 1);
	test_section(EBPF_MAP_LRU_HASH, 4, 64);
	test_section(EBPF_MAP_LRU_HASH, 24, 1000);
	test_full(1000, 50);
	test_full(10000, 50);
	test_regular_keys();
	test_chains();
	test_array(EBPF_MAP_ARRAY, 1, 1);
	test_array(EBPF_MAP_ARRAY, 4, 5);
	test_array(EBPF_MAP_ARRAY, 13, 1000);
	test_array(EBPF_MAP_ARRAY, 100000, 3);
	test_array(EBPF_MAP_PERCPU_ARRAY, 8, 9);
	test_array(EBPF_MAP_PERCPU_ARRAY, 21, 65);
	test_modes();
	test_freeze_while_written(EBPF_MAP_HASH);
	test_freeze_while_written(EBPF_MAP_ARRAY);
	test_share();
	test_prog_array();
	os_epoch_drain();
	TAP_CHECK(rt->mem_used == 0);
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_MAP) == 0);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
