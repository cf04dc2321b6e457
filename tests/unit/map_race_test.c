/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps under several threads at once: writers and deleters, readers that hold
 * pointers inside sections, walkers. Every value carries its key, so whoever
 * ever sees another key's value has found a bug; keys that are never deleted
 * must be found always and walked exactly once. Meant for TSan as well; the
 * time is short (GEBPF_RACE_MS to change it).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/map.h"
#include "tap.h"

enum {
	STABLE = 64, /* keys 0 .. that stay, but not in LRU maps */
	KEYS = 512,  /* keys that come and go are above those */
	ENTRIES = 330, /* fewer than keys: the map is full at times */
};

static struct ebpf_runtime *rt;
static struct ebpf_map *map;
static uint32_t stop;
static uint32_t stable; /* STABLE, or 0 */
static uint64_t wrong; /* what should never be seen */
static uint64_t reads, writes, walks, full, again;

struct value {
	uint64_t key;
	uint64_t noise;
	uint64_t check; /* key again, in another form */
};

static uint64_t
form(uint64_t key)
{
	return key * 0x9e3779b97f4a7c15ull + 1;
}

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

/* A program's view: through the element's address, words at a time. */
static bool
value_is(struct value *value, uint64_t key)
{
	return os_load(&value->key) == key && os_load(&value->check) == form(key);
}

static void *
reader(void *arg)
{
	uint64_t state = (uintptr_t)arg, key;
	struct ebpf_section section;
	struct value *value;
	uint32_t i, n = 0;

	while (!os_load(&stop)) {
		ebpf_section_enter(&section);
		for (i = 0; i < 16; i++) {
			key = next_random(&state) % (STABLE + KEYS);
			value = ebpf_map_find(map, &key);
			if (value == NULL) {
				if (key < stable)
					os_add(&wrong, 1);
				continue;
			}
			if (!value_is(value, key))
				os_add(&wrong, 1);
			/* and it stays so while the section lasts */
			if (i == 15)
				os_yield();
			if (!value_is(value, key))
				os_add(&wrong, 1);
			n++;
		}
		ebpf_section_leave(&section);
	}
	os_add(&reads, n);
	return NULL;
}

static void *
writer(void *arg)
{
	uint64_t state = (uintptr_t)arg, key;
	uint32_t n = 0, i, cpus;
	struct value value[64];
	int error;

	cpus = ebpf_map_user_value_size(map) / sizeof(value[0]);
	while (!os_load(&stop)) {
		key = next_random(&state) % (STABLE + KEYS);
		if (key >= STABLE && next_random(&state) % 2 == 0) {
			error = ebpf_map_remove(map, &key);
			if (error != 0 && error != -EBPF_ENOENT)
				os_add(&wrong, 1);
			continue;
		}
		for (i = 0; i < cpus; i++) {
			value[i].key = key;
			value[i].noise = state;
			value[i].check = form(key);
		}
		error = ebpf_map_write(map, &key, value, EBPF_ANY);
		if (error == -EBPF_E2BIG) {
			os_add(&full, 1);
			if (key < stable || stable == 0)
				os_add(&wrong, 1);
		} else if (error == -EBPF_EAGAIN) {
			os_add(&again, 1);
			os_epoch_sync();
		} else if (error != 0) {
			os_add(&wrong, 1);
		}
		n++;
	}
	os_add(&writes, n);
	return NULL;
}

static void *
walker(void *arg)
{
	uint32_t user = ebpf_map_user_value_size(map), n, i, count = 0, step;
	size_t element = sizeof(uint64_t) + user;
	uint64_t state = (uintptr_t)arg, cursor, key;
	uint8_t *out = malloc(element * 100);
	uint8_t seen[STABLE + KEYS];
	struct value value;
	bool done;

	while (!os_load(&stop)) {
		memset(seen, 0, sizeof(seen));
		cursor = 0;
		for (done = false; !done;) {
			n = step = 1 + next_random(&state) % 100;
			if (ebpf_map_walk(map, &cursor, &n, out, &done) != 0 ||
			    (n < step && !done)) {
				os_add(&wrong, 1);
				break;
			}
			for (i = 0; i < n; i++) {
				memcpy(&key, out + i * element, sizeof(key));
				memcpy(&value, out + i * element + sizeof(key),
				       sizeof(value));
				if (key >= STABLE + KEYS ||
				    value.key != key ||
				    value.check != form(key)) {
					os_add(&wrong, 1);
					continue;
				}
				seen[key]++;
			}
		}
		for (i = 0; i < stable; i++)
			if (seen[i] != 1)
				os_add(&wrong, 1);
		count++;
	}
	free(out);
	os_add(&walks, count);
	return NULL;
}

static void
run(uint32_t kind, const char *name, uint32_t ms)
{
	static void *(*const roles[])(void *) = { reader, reader, writer,
						  writer, writer, walker };
	enum { THREADS = sizeof(roles) / sizeof(roles[0]) };
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = sizeof(uint64_t),
		.value_size = sizeof(struct value),
		.max_entries = ENTRIES,
	};
	uint64_t key, until;
	pthread_t threads[THREADS];
	struct value value[64];
	uint32_t i;

	if (ebpf_map_create(rt, &spec, &map) != 0 ||
	    ebpf_map_user_value_size(map) > sizeof(value)) {
		tap_skip("more CPUs than this test has room for", "%s", name);
		return;
	}
	stop = 0;
	stable = kind == EBPF_MAP_LRU_HASH ||
				 kind == EBPF_MAP_LRU_PERCPU_HASH ?
			 0 : STABLE;
	wrong = reads = writes = walks = full = again = 0;
	for (key = 0; key < STABLE; key++) {
		for (i = 0; i < 64; i++) {
			value[i].key = key;
			value[i].noise = 0;
			value[i].check = form(key);
		}
		if (ebpf_map_write(map, &key, value, EBPF_NOEXIST) != 0)
			wrong++;
	}
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, roles[i],
			       (void *)(uintptr_t)(i + 1));
	until = os_time_ns() + ms * 1000000ull;
	while (os_time_ns() < until) {
		struct timespec rest = { 0, 10 * 1000 * 1000 };

		nanosleep(&rest, NULL);
	}
	os_store(&stop, 1);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_ok(wrong == 0,
	       "%s: %llu reads, %llu writes, %llu walks; full %llu, waited %llu; wrong %llu",
	       name, (unsigned long long)reads, (unsigned long long)writes,
	       (unsigned long long)walks, (unsigned long long)full,
	       (unsigned long long)again, (unsigned long long)wrong);
	/* the count is right, and what is free can be filled */
	for (key = stable; key < STABLE + KEYS; key++)
		ebpf_map_remove(map, &key);
	tap_ok(map->ops->count(map) == stable, "%s: counted right", name);
	os_epoch_drain();
	for (key = 1000, i = 0; i < ENTRIES - stable; i++, key++)
		if (ebpf_map_write(map, &key, value, EBPF_NOEXIST) != 0)
			break;
	tap_ok(i == ENTRIES - stable && map->ops->count(map) == ENTRIES,
	       "%s: full afterwards", name);
	ebpf_map_put(map);
}

int
main(void)
{
	const char *text = getenv("GEBPF_RACE_MS");
	uint32_t ms = text != NULL ? (uint32_t)atoi(text) : 250;
	uint64_t live = os_test_live();

	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	run(EBPF_MAP_HASH, "hash", ms);
	run(EBPF_MAP_PERCPU_HASH, "percpu_hash", ms);
	run(EBPF_MAP_LRU_HASH, "lru_hash", ms);
	run(EBPF_MAP_LRU_PERCPU_HASH, "lru_percpu_hash", ms);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
