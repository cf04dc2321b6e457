/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Small maps with more writers than there are elements at hand: places in the
 * count go from hand to hand, and in an LRU map one's place is what another has
 * just evicted. Who stays within max_entries is never told that a hash is full,
 * and of an LRU map hardly ever; at the end as many fit as may.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash_table.h"
#include "map_lab.h"
#include "tap.h"

enum { WRITERS = 8, ROUNDS = 8000, KEYS_MAX = 8 };

static struct ebpf_map *map;
static uint32_t own;		       /* keys of each writer */
static uint32_t go, refused, surprises; /* atomic */

/* All keys come and go; no more of them are there than fit. */
static void *
come_and_go(void *arg)
{
	uint32_t self = (uint32_t)(uintptr_t)arg, i, k, key;
	uint64_t value;
	int error;

	while (os_load_acquire(&go) == 0)
		os_relax(200);
	for (i = 0; i < ROUNDS; i++) {
		k = i % own;
		key = self * own + k;
		value = key;
		error = ebpf_map_write(map, &key, &value, EBPF_NOEXIST);
		if (error == -EBPF_E2BIG)
			os_add(&refused, 1);
		else if (error != 0)
			os_add(&surprises, 1);
		if (error == 0 && ebpf_map_remove(map, &key) != 0)
			os_add(&surprises, 1);
	}
	return NULL;
}

/* Each one's update evicts what another's has put there. */
static void *
push_out(void *arg)
{
	uint32_t key = (uint32_t)(uintptr_t)arg, i;
	uint64_t value;
	int error;

	while (os_load_acquire(&go) == 0)
		os_relax(200);
	for (i = 0; i < ROUNDS; i++, key += WRITERS) {
		value = key;
		error = ebpf_map_write(map, &key, &value, EBPF_ANY);
		if (error == -EBPF_E2BIG)
			os_add(&refused, 1);
		else if (error != 0)
			os_add(&surprises, 1);
	}
	return NULL;
}

static void
crowd(void *(*writer)(void *))
{
	pthread_t threads[WRITERS];
	uint32_t i;

	go = refused = surprises = 0;
	for (i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, writer,
			       (void *)(uintptr_t)i);
	os_store_release(&go, 1);
	for (i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

/* So many go in, one by one, and no more. */
static bool
fills(uint32_t entries)
{
	uint32_t i, key;
	uint64_t value = 0;
	int error;

	for (i = 0; i <= entries; i++) {
		key = 0x10000 + i;
		error = maps_put(map, &key, &value, EBPF_NOEXIST);
		if (error != (i < entries ? 0 : -EBPF_E2BIG))
			return false;
	}
	return map->ops->count(map) == entries;
}

static void
test_hash(uint32_t keys, uint32_t flags)
{
	uint32_t entries = WRITERS * keys;

	own = keys;
	map = maps_make(EBPF_MAP_HASH, 4, 8, entries, flags);
	crowd(come_and_go);
	tap_ok(refused == 0 && surprises == 0 && map->ops->count(map) == 0 &&
		       fills(entries),
	       "%u entries%s, %u writers of %u each: never full, but exactly "
	       "then", entries, flags != 0 ? " on demand" : "", WRITERS, keys);
	ebpf_map_put(map);
	os_epoch_drain();
}

static void
test_lru(uint32_t entries)
{
	map = maps_make(EBPF_MAP_LRU_HASH, 4, 8, entries, 0);
	crowd(push_out);
	tap_diag("%u of %u refused", refused, WRITERS * ROUNDS);
	tap_ok(refused < WRITERS * ROUNDS / 100 && surprises == 0 &&
		       map->ops->count(map) <= entries &&
		       map->ops->count(map) > 0,
	       "lru_hash of %u, %u writers: each gets its place", entries,
	       WRITERS);
	ebpf_map_put(map);
	os_epoch_drain();
}

int
main(void)
{
	if (!maps_begin())
		return 1;
	test_hash(1, 0);
	test_hash(KEYS_MAX, 0);
	test_hash(1, EBPF_F_NO_PREALLOC);
	test_hash(KEYS_MAX, EBPF_F_NO_PREALLOC);
	test_lru(1);
	test_lru(2);
	test_lru(16);
	return maps_end();
}
