/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * queue, stack, bloom_filter and maps of maps under several threads at once.
 * Values say whose they are, so whoever sees what cannot be has found a bug;
 * map_stress_test has the maps with keys. Meant for TSan as well.
 *
 *	kinds_race_test [--seconds N]
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/map.h"
#include "tap.h"

enum {
	NUMBERS = 4000, /* through a queue, at a time */
	PUSHERS = 2,
};

static struct ebpf_runtime *rt;
static struct ebpf_map *map;
static uint32_t stop, ms = 200;
static uint64_t wrong, done_reads, done_writes;

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

static bool
create(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries,
       uint32_t flags, struct ebpf_map *inner, struct ebpf_map **result)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
		.flags = flags,
		.inner = inner,
	};

	return ebpf_map_create(rt, &spec, result) == 0;
}

static void
run_threads(void *(*const *roles)(void *), uint32_t count, bool timed)
{
	pthread_t threads[8];
	uint64_t until;
	uint32_t i;

	stop = 0;
	wrong = done_reads = done_writes = 0;
	for (i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, roles[i],
			       (void *)(uintptr_t)(i + 1));
	until = os_time_ns() + ms * 1000000ull;
	while (timed && os_time_ns() < until) {
		struct timespec rest = { 0, 10 * 1000 * 1000 };

		nanosleep(&rest, NULL);
	}
	if (timed)
		os_store(&stop, 1);
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* ---- queue, stack ---- */

static uint32_t popped;
static uint8_t times[PUSHERS][NUMBERS];

/* Its own numbers in order: {who, number, the same in another form}. */
static void *
pusher(void *arg)
{
	uint64_t self = (uintptr_t)arg % PUSHERS, value[3];
	uint32_t n;

	for (n = 0; n < NUMBERS; n++) {
		value[0] = self;
		value[1] = n;
		value[2] = ~(uint64_t)n;
		while (ebpf_map_write(map, NULL, value, EBPF_ANY) ==
		       -EBPF_E2BIG)
			os_yield();
	}
	return NULL;
}

/* From a queue they come in each pusher's order, whoever else pops. */
static void *
popper(void *arg)
{
	uint64_t value[3], next[PUSHERS] = { 0 }, who;

	while (os_load(&popped) < PUSHERS * NUMBERS) {
		if (ebpf_map_extract(map, NULL, value) != 0) {
			os_yield();
			continue;
		}
		os_add(&popped, 1);
		who = value[0];
		if (who >= PUSHERS || value[1] >= NUMBERS ||
		    value[2] != ~value[1]) {
			os_add(&wrong, 1);
			continue;
		}
		os_add(&times[who][value[1]], 1);
		if (map->ops->kind == EBPF_MAP_QUEUE && value[1] < next[who])
			os_add(&wrong, 1);
		next[who] = value[1] + 1;
	}
	return NULL;
}

/* What is peeked at was pushed, and is whole. */
static void *
peeper(void *arg)
{
	uint64_t value[3];

	while (os_load(&popped) < PUSHERS * NUMBERS) {
		if (ebpf_map_read(map, NULL, value) == 0 &&
		    (value[0] >= PUSHERS || value[1] >= NUMBERS ||
		     value[2] != ~value[1]))
			os_add(&wrong, 1);
		os_yield();
	}
	return NULL;
}

static void
test_ring(uint32_t kind)
{
	static void *(*const roles[])(void *) = { pusher, popper, peeper,
						  pusher, popper };
	uint64_t until = os_time_ns() + ms * 1000000ull;
	uint32_t i, rounds = 0, once = 0;

	if (!TAP_CHECK(create(kind, 0, 24, 16, 0, NULL, &map)))
		return;
	do {
		memset(times, 0, sizeof(times));
		popped = 0;
		run_threads(roles, 5, false);
		for (i = 0, once = 0; i < PUSHERS * NUMBERS; i++)
			once += times[i / NUMBERS][i % NUMBERS] == 1;
		rounds++;
	} while (os_time_ns() < until && wrong == 0 &&
		 once == PUSHERS * NUMBERS);
	tap_ok(once == PUSHERS * NUMBERS && wrong == 0 &&
	       map->ops->count(map) == 0,
	       "kind %u: %u of %u values came out once, %u times", kind, once,
	       PUSHERS * NUMBERS, rounds);
	ebpf_map_put(map);
}

/* ---- bloom_filter ---- */

static void *
bloom_user(void *arg)
{
	uint64_t value, first = (uintptr_t)arg * NUMBERS, i;

	for (i = 0; i < NUMBERS; i++) {
		value = first + i;
		if (ebpf_map_write(map, NULL, &value, EBPF_ANY) != 0 ||
		    ebpf_map_read(map, NULL, &value) != 0)
			os_add(&wrong, 1);
	}
	/* bits that others set beside did not lose ours */
	for (i = 0; i < NUMBERS; i++) {
		value = first + i;
		if (ebpf_map_read(map, NULL, &value) != 0)
			os_add(&wrong, 1);
	}
	return NULL;
}

static void
test_bloom(void)
{
	static void *(*const roles[])(void *) = { bloom_user, bloom_user,
						  bloom_user };

	if (!TAP_CHECK(create(EBPF_MAP_BLOOM_FILTER, 0, 8, 64, 0, NULL, &map)))
		return;
	run_threads(roles, 3, false);
	tap_ok(wrong == 0, "bloom_filter: all that was pushed is found");
	ebpf_map_put(map);
}

/* ---- maps of maps ---- */

/* Through the outer map into the inner one, which may go at any moment. */
static void *
outer_reader(void *arg)
{
	struct ebpf_section section;
	uint64_t state = (uintptr_t)arg, n = 0, *value;
	struct ebpf_map *inner;
	uint32_t key, zero = 0, i;

	while (!os_load(&stop)) {
		ebpf_section_enter(&section);
		for (i = 0; i < 16; i++, n++) {
			key = next_random(&state) % 4;
			inner = ebpf_map_find(map, &key);
			if (inner == NULL)
				continue;
			value = ebpf_map_find(inner, &zero);
			if (value == NULL || os_load(value) != 77)
				os_add(&wrong, 1);
		}
		ebpf_section_leave(&section);
	}
	os_add(&done_reads, n);
	return NULL;
}

/* New inner maps all the time, held by the outer one alone. */
static void *
outer_writer(void *arg)
{
	uint64_t state = (uintptr_t)arg, n = 0, value = 77;
	uint32_t key, zero = 0;
	struct ebpf_map *inner;

	for (; !os_load(&stop); n++) {
		key = next_random(&state) % 4;
		if (next_random(&state) % 4 == 0) {
			ebpf_map_remove(map, &key);
			continue;
		}
		if (!create(EBPF_MAP_ARRAY, 4, 8, 1, 0, NULL, &inner)) {
			os_add(&wrong, 1);
			break;
		}
		if (ebpf_map_write(inner, &zero, &value, EBPF_ANY) != 0)
			os_add(&wrong, 1);
		while (ebpf_map_write(map, &key, &inner->obj.id, EBPF_ANY) ==
		       -EBPF_EAGAIN)
			os_epoch_sync();
		ebpf_map_put(inner);
	}
	os_add(&done_writes, n);
	return NULL;
}

static void
test_outer(uint32_t kind)
{
	static void *(*const roles[])(void *) = { outer_reader, outer_reader,
						  outer_writer, outer_writer };
	struct ebpf_map *inner;

	TAP_CHECK(create(EBPF_MAP_ARRAY, 4, 8, 1, 0, NULL, &inner));
	if (!TAP_CHECK(create(kind, 4, 4, 4, 0, inner, &map)))
		return;
	ebpf_map_put(inner);
	run_threads(roles, 4, true);
	tap_ok(wrong == 0, "kind %u: %llu reads, %llu writes, %llu wrong", kind,
	       (unsigned long long)done_reads, (unsigned long long)done_writes,
	       (unsigned long long)wrong);
	ebpf_map_put(map);
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_MAP) == 0);
}

int
main(int argc, char **argv)
{
	const char *text = getenv("GEBPF_RACE_MS");
	uint64_t live = os_test_live();

	if (text != NULL)
		ms = (uint32_t)atoi(text);
	if (argc == 3 && strcmp(argv[1], "--seconds") == 0)
		ms = (uint32_t)atoi(argv[2]) * 250;
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	test_ring(EBPF_MAP_QUEUE);
	test_ring(EBPF_MAP_STACK);
	test_bloom();
	os_epoch_drain();
	test_outer(EBPF_MAP_ARRAY_OF_MAPS);
	test_outer(EBPF_MAP_HASH_OF_MAPS);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
