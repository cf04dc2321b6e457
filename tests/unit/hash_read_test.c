/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Users read hash maps without a section: while others insert and remove keys
 * so fast that elements go from one to the next at once, each copy is of the key
 * that was asked for, and what nobody removes is always there.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/map.h"
#include "core/os.h"
#include "map_lab.h"
#include "tap.h"

enum {
	KEYS = 24,  /* twice as many as stay or fit */
	STAY = 4,   /* of them are never removed */
	KEY_MAX = 40,
	WRITES = 50000,
	WRITERS = 2,
};

static const struct shape {
	uint32_t kind, key_size, words, flags;
} shapes[] = {
	{ EBPF_MAP_HASH, 4, 1, 0 },
	{ EBPF_MAP_HASH, 8, 60, 0 },
	{ EBPF_MAP_HASH, 16, 60, 0 },
	{ EBPF_MAP_HASH, 6, 2, 0 },
	{ EBPF_MAP_HASH, 40, 60, 0 },
	{ EBPF_MAP_HASH, 8, 60, EBPF_F_NO_PREALLOC },
	{ EBPF_MAP_PERCPU_HASH, 4, 30, 0 },
	{ EBPF_MAP_LRU_HASH, 4, 60, 0 },
};

static struct ebpf_map *map;
static const struct shape *shape;
static uint32_t stop, wrong;
static uint64_t hits;

static void
make_key(uint32_t n, uint8_t *key)
{
	memset(key, (int)(n * 7), KEY_MAX);
	memcpy(key, &n, 4);
}

/* Keys from `first` on, every other one. */
static void *
writer(void *arg)
{
	uint32_t first = STAY + (uint32_t)(uintptr_t)arg, n = first, i, w;
	uint64_t *value = calloc(1, ebpf_map_user_value_size(map));
	uint32_t words = ebpf_map_user_value_size(map) / 8;
	uint8_t key[KEY_MAX];
	int error;

	for (i = 0; i < WRITES; i++) {
		make_key(n, key);
		for (w = 0; w < words; w++)
			value[w] = n;
		error = ebpf_map_remove(map, key);
		if (error == -EBPF_ENOENT)
			error = ebpf_map_write(map, key, value, EBPF_ANY);
		/* others may have taken what there is */
		if (error != 0 && error != -EBPF_E2BIG && error != -EBPF_EAGAIN)
			os_add(&wrong, 1);
		n += WRITERS;
		if (n >= KEYS)
			n = first;
	}
	free(value);
	return NULL;
}

static void *
reader(void *arg)
{
	uint64_t *value = calloc(1, ebpf_map_user_value_size(map));
	uint32_t words = ebpf_map_user_value_size(map) / 8, n, w;
	uint64_t state = (uintptr_t)arg + 1;
	uint8_t key[KEY_MAX];
	int error;

	while (!os_load(&stop)) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		n = (uint32_t)(state >> 33) % KEYS;
		make_key(n, key);
		error = ebpf_map_read(map, key, value);
		/* from an LRU map anything may go */
		if (error != 0 &&
		    (error != -EBPF_ENOENT ||
		     (n < STAY && shape->kind != EBPF_MAP_LRU_HASH)))
			os_add(&wrong, 1);
		for (w = 0; error == 0 && w < words; w++)
			if (value[w] != n)
				os_add(&wrong, 1);
		os_add(&hits, error == 0);
	}
	free(value);
	return NULL;
}

static void
run(const struct shape *now)
{
	pthread_t readers[2], writers[WRITERS];
	uint64_t *value;
	uint8_t key[KEY_MAX];
	uint32_t n, w;

	shape = now;
	map = maps_make(shape->kind, shape->key_size, shape->words * 8,
			STAY + (KEYS - STAY) / 2, shape->flags);
	if (map == NULL)
		return;
	value = calloc(1, ebpf_map_user_value_size(map));
	wrong = 0;
	hits = 0;
	for (n = 0; n < STAY; n++) {
		make_key(n, key);
		for (w = 0; w < ebpf_map_user_value_size(map) / 8; w++)
			value[w] = n;
		wrong += ebpf_map_write(map, key, value, EBPF_NOEXIST) != 0;
	}
	os_store(&stop, 0);
	for (n = 0; n < 2; n++)
		pthread_create(&readers[n], NULL, reader,
			       (void *)(uintptr_t)n);
	while (os_load(&hits) == 0)
		os_yield();
	for (n = 0; n < WRITERS; n++)
		pthread_create(&writers[n], NULL, writer,
			       (void *)(uintptr_t)n);
	for (n = 0; n < WRITERS; n++)
		pthread_join(writers[n], NULL);
	os_store(&stop, 1);
	for (n = 0; n < 2; n++)
		pthread_join(readers[n], NULL);
	tap_ok(wrong == 0, "kind %u, keys of %u, %u words, flags %u: copies "
	       "are of what was asked for", shape->kind, shape->key_size,
	       shape->words, shape->flags);
	free(value);
	ebpf_map_put(map);
}

int
main(void)
{
	uint32_t i;

	if (!maps_begin())
		return 1;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		run(&shapes[i]);
	return maps_end();
}
