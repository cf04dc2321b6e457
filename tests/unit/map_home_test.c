/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hash maps so big that buckets have elements of their own at home, and threads
 * that insert and remove keys of theirs, no more in all than a map may have: so
 * each finds room, always.
 */
#include <pthread.h>

#include "core/hash_table.h"
#include "map_lab.h"
#include "tap.h"

enum {
	THREADS = 3,
	ROUNDS = 12000, /* of each */
};

static struct ebpf_map *map;
static uint32_t per_thread, refused;

static void *
churn(void *arg)
{
	uint32_t first = (uint32_t)(uintptr_t)arg * per_thread, key, i;
	uint64_t state = first + 1, value = 0;
	int error;

	for (i = 0; i < ROUNDS; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		key = first + (uint32_t)(state >> 33) % per_thread;
		error = ebpf_map_remove(map, &key);
		if (error == -EBPF_ENOENT)
			error = ebpf_map_write(map, &key, &value, EBPF_NOEXIST);
		if (error != 0)
			os_add(&refused, 1);
	}
	return NULL;
}

static void
run(uint32_t entries)
{
	pthread_t threads[THREADS];
	uint64_t value = 0;
	uint32_t i, key;

	map = maps_make(EBPF_MAP_HASH, 4, 8, entries, 0);
	if (map == NULL)
		return;
	tap_ok(ebpf_hash_of(map)->home != 0, "%u: elements are at home",
	       entries);
	per_thread = entries / THREADS;
	refused = 0;
	for (key = 0; key < entries; key++)
		if (ebpf_map_write(map, &key, &value, EBPF_NOEXIST) != 0)
			refused++;
	tap_ok(refused == 0, "%u: so many fit", entries);
	tap_ok(ebpf_map_write(map, &key, &value, EBPF_ANY) == -EBPF_E2BIG,
	       "%u: and no more", entries);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, churn, (void *)(uintptr_t)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_ok(refused == 0, "%u: each key finds room", entries);
	ebpf_map_put(map);
}

int
main(void)
{
	if (!maps_begin())
		return 1;
	run(8192);
	run(131072);
	return maps_end();
}
