/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What becomes of elements of hashes that are removed or make way for others:
 * how long they stand, that they are handed on before an insertion would fail,
 * and which ones an lru_hash lets go.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hash_table.h"
#include "map_lab.h"
#include "tap.h"

/* Delete and insert at full, without waiting longer than a grace period. */
static void
test_churn(uint32_t kind, uint32_t entries, uint32_t rounds)
{
	struct ebpf_map *map = maps_make(kind, 4, 8, entries, 0);
	uint8_t *value = calloc(1, ebpf_map_user_value_size(map));
	uint32_t i, old, waits = 0;
	bool good = true;
	int error;

	for (i = 0; i < entries; i++)
		good = good && maps_put(map, &i, value, EBPF_NOEXIST) == 0;
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
	struct ebpf_map *map = maps_make(EBPF_MAP_HASH, 4, 8, entries, 0);
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
	struct ebpf_map *map = maps_make(kind, key_size, 8, entries, 0);
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
	struct ebpf_map *map = maps_make(EBPF_MAP_HASH, 4, 8, entries, 0);
	uint32_t first = 0, end = 0, i, n;
	uint64_t value = 1;
	bool good = true;

	for (; end < entries; end++)
		good = good && maps_put(map, &end, &value, EBPF_NOEXIST) == 0;
	for (i = 0; i < rounds; i++) {
		for (n = 0; n < 1 + i % 40; n++, first++)
			good = good && ebpf_map_remove(map, &first) == 0;
		good = good && map->ops->count(map) == entries - n;
		for (; n > 0; n--, end++)
			good = good &&
			       maps_put(map, &end, &value, EBPF_NOEXIST) == 0;
		good = good && map->ops->count(map) == entries &&
		       maps_put(map, &end, &value, EBPF_ANY) == -EBPF_E2BIG;
	}
	for (; first < end; first++)
		good = good && ebpf_map_read(map, &first, &value) == 0;
	tap_ok(good, "%u entries are as many as fit, %u times", entries,
	       rounds);
	ebpf_map_put(map);
}

/* Full is never full: what programs use stays, what nobody uses goes. */
static void
test_lru(uint32_t kind, uint32_t entries)
{
	struct ebpf_map *map = maps_make(kind, 4, 8, entries, 0);
	uint8_t *value = calloc(1, ebpf_map_user_value_size(map));
	uint32_t i, j, hot = entries / 8 + 1, kept = 0, recent = 0;
	struct ebpf_section section;
	bool good = true;

	for (i = 0; i < entries * 20; i++) {
		memcpy(value, &i, 4);
		good = good && maps_put(map, &i, value, EBPF_NOEXIST) == 0 &&
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
		good = good && maps_put(map, &i, value, EBPF_ANY) == 0;
	}
	tap_ok(good, "also when all are in use");
	for (j = 0; j < i; j++)
		ebpf_map_remove(map, &j);
	TAP_CHECK(map->ops->count(map) == 0);
	free(value);
	ebpf_map_put(map);
}

/* The only one that nobody has used since the hand came by is what goes. */
static void
test_idle(void)
{
	uint32_t entries, key, idle, wrong = 0;
	struct ebpf_section section;
	struct ebpf_map *map;
	uint64_t value = 1;

	for (entries = 2; entries <= 40; entries++) {
		map = maps_make(EBPF_MAP_LRU_HASH, 4, 8, entries, 0);
		for (key = 0; key <= entries; key++)
			wrong += maps_put(map, &key, &value, EBPF_ANY) != 0;
		idle = entries / 2;
		if (ebpf_map_read(map, &idle, &value) != 0)
			idle--;
		ebpf_section_enter(&section);
		for (key = 0; key <= entries; key++)
			if (key != idle)
				ebpf_map_find(map, &key);
		ebpf_section_leave(&section);
		wrong += maps_put(map, &key, &value, EBPF_NOEXIST) != 0;
		wrong += map->ops->count(map) != entries;
		wrong += ebpf_map_read(map, &idle, &value) == 0;
		ebpf_map_put(map);
	}
	tap_ok(wrong == 0, "lru: what is idle goes, of up to 40");
}

int
main(void)
{
	if (!maps_begin())
		return 1;
	test_churn(EBPF_MAP_HASH, 1, 5000);
	test_churn(EBPF_MAP_HASH, 1000, 20000);
	test_churn(EBPF_MAP_PERCPU_HASH, 100, 5000);
	test_churn(EBPF_MAP_LRU_HASH, 100, 5000);
	test_lru(EBPF_MAP_LRU_HASH, 1);
	test_lru(EBPF_MAP_LRU_HASH, 64);
	test_lru(EBPF_MAP_LRU_HASH, 1000);
	test_lru(EBPF_MAP_LRU_PERCPU_HASH, 200);
	test_idle();
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
	return maps_end();
}
