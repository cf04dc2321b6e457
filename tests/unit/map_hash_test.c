/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What hashes promise: flags, fullness, iteration and walks, values of all
 * CPUs, and buckets that spread whatever keys they get. What becomes of
 * elements that are removed: map_reuse_test.c.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hash_table.h"
#include "map_lab.h"
#include "tap.h"

static void
test_hash(uint32_t kind, uint32_t key_size, uint32_t value_size,
	  uint32_t entries)
{
	struct ebpf_map *map = maps_make(kind, key_size, value_size, entries,
					 0);
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
	maps_fill(key, key_size, 0, 1);
	TAP_CHECK(ebpf_map_read(map, key, got) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_remove(map, key) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_next(map, NULL, next) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_EXIST) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_write(map, key, value, 3) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_F_LOCK) == -EBPF_EINVAL);
	TAP_CHECK(maps_walk(map, 3, 2, seen, entries, &total) && total == 0);

	/* to the brim, and not further */
	for (i = 0; i < entries; i++) {
		maps_fill(key, key_size, i, 1);
		for (cpu = 0; cpu < (percpu ? cpus : 1); cpu++)
			maps_fill(value + cpu * stride, value_size, i,
				  (uint8_t)(2 + cpu));
		error = maps_put(map, key, value, EBPF_NOEXIST);
		if (error != 0 && good) {
			tap_diag("%u: %s", i, ebpf_error_name(error));
			good = false;
		}
	}
	TAP_CHECK(good);
	TAP_CHECK(map->ops->count(map) == entries);
	if (key_size >= 4) {
		maps_fill(key, key_size, entries, 1);
		TAP_CHECK(maps_put(map, key, value, EBPF_ANY) == -EBPF_E2BIG);
		TAP_CHECK(ebpf_map_read(map, key, got) == -EBPF_ENOENT);
	}
	for (i = 0, good = true; i < entries; i++) {
		maps_fill(key, key_size, i, 1);
		error = ebpf_map_read(map, key, got);
		for (cpu = 0; cpu < (percpu ? cpus : 1); cpu++) {
			maps_fill(value, value_size, i, (uint8_t)(2 + cpu));
			good = good && error == 0 &&
			       memcmp(value, got + cpu * stride,
				      value_size) == 0;
		}
	}
	tap_ok(good, "%u elements, each with its value", entries);

	/* flags on what exists */
	maps_fill(key, key_size, entries / 2, 1);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_NOEXIST) ==
		  -EBPF_EEXIST);
	for (cpu = 0; cpu < (percpu ? cpus : 1); cpu++)
		maps_fill(value + cpu * stride, value_size, entries / 2, 2);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_EXIST) == 0);
	TAP_CHECK(ebpf_map_write(map, key, value, EBPF_ANY) == 0);

	/* walks of several steps, and next, meet all of them once */
	for (i = 1; i <= entries + 7; i = i * 3 + 1) {
		memset(seen, 0, entries + 1);
		good = maps_walk(map, i, 2, seen, entries, &total);
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
		maps_fill(key, key_size, i, 1);
		good = good && ebpf_map_remove(map, key) == 0 &&
		       ebpf_map_remove(map, key) == -EBPF_ENOENT &&
		       ebpf_map_read(map, key, got) == -EBPF_ENOENT;
	}
	TAP_CHECK(good);
	TAP_CHECK(map->ops->count(map) == entries / 2);
	memset(seen, 0, entries + 1);
	TAP_CHECK(maps_walk(map, 5, 2, seen, entries, &total) &&
		  total == entries / 2);
	for (i = 0, good = true; i < entries; i++)
		good = good && seen[i] == i % 2;
	TAP_CHECK(good);
	/* Linux: a key that is gone starts the iteration again */
	maps_fill(key, key_size, 0, 1);
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
		maps_fill(key, key_size, i, 1);
		good = good && maps_put(map, key, value, EBPF_NOEXIST) == 0;
	}
	tap_ok(good && map->ops->count(map) == entries, "filled again");

	free(seen);
	free(got);
	free(value);
	free(next);
	free(key);
	ebpf_map_put(map);
}

/* A program's update touches its own CPU; a fresh element is zero elsewhere. */
static void
test_percpu_hash_update(void)
{
	struct ebpf_map *map = maps_make(EBPF_MAP_PERCPU_HASH, 4, 4, 8, 0);
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

/* ---- buckets ---- */

/* Elements in the fullest bucket. */
static uint32_t
fullest(struct ebpf_map *map)
{
	const struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t most = 0, n, number;
	const struct ebpf_hash_bucket *bucket;
	uint64_t at, tags;

	for (at = 0; at <= ebpf_hash_index(hash, ~0ull); at++) {
		n = 0;
		bucket = ebpf_hash_bucket(hash, at << EBPF_HASH_SHIFT);
		for (tags = bucket->tags; tags != 0; tags >>= 8)
			n += (tags & 0xff) != 0;
		for (number = bucket->chain; number != 0;
		     number = hash->metas.all[number].chain)
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
			map = maps_make(EBPF_MAP_HASH, sizes[i], 8, 4096, 0);
			for (n = 0; n < 4096; n++) {
				memset(key, 0, sizeof(key));
				key[shift % 8 == 0 ? 0 : sizes[i] / 9] =
					(uint64_t)n << shift;
				maps_put(map, key, &value, EBPF_NOEXIST);
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
		map = maps_make(EBPF_MAP_HASH, 8, 8, entries, 0);
		for (i = 0; i < entries; i++) {
			uint64_t key = (uint64_t)i << (round % 33);

			value = key * 3;
			good = good && maps_put(map, &key, &value,
						EBPF_NOEXIST) == 0;
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

int
main(void)
{
	static const uint32_t key_sizes[] = { 2,  3,  4,  5,  6,  7,  8,  9,
					      12, 15, 16, 17, 23, 24, 32, 512 };
	uint32_t i;

	if (!maps_begin())
		return 1;
	for (i = 0; i < sizeof(key_sizes) / sizeof(key_sizes[0]); i++)
		test_hash(EBPF_MAP_HASH, key_sizes[i], 1 + i * 5, 97);
	test_hash(EBPF_MAP_HASH, 1, 3, 1);
	test_hash(EBPF_MAP_HASH, 4, 4, 1);
	test_hash(EBPF_MAP_HASH, 4, 8, 20000);
	test_hash(EBPF_MAP_HASH, 4, 70000, 5);
	test_hash(EBPF_MAP_PERCPU_HASH, 6, 8, 300);
	test_hash(EBPF_MAP_PERCPU_HASH, 20, 13, 64);
	test_percpu_hash_update();
	test_regular_keys();
	test_chains();
	return maps_end();
}
