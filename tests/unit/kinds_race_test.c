/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * lpm_trie, queue, stack, bloom_filter and maps of maps under several threads at
 * once. Values say whose they are, so whoever sees what cannot be has found a
 * bug. Meant for TSan as well; GEBPF_RACE_MS changes its short time.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/map.h"
#include "tap.h"

enum {
	STABLE = 64,  /* prefixes that stay */
	PREFIXES = 700,
	ENTRIES = 500, /* full at times */
	NUMBERS = 4000, /* through a queue */
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

/* ---- lpm_trie ---- */

struct prefix {
	uint32_t len;
	uint8_t at[4];
};

/* Prefix number n, unlike all others; seven each are parts of one another. */
static struct prefix
prefix_of(uint32_t n)
{
	uint32_t group = n / 7, bits, i;
	struct prefix p = { .len = 12 + n % 7 * 3 };

	/* the first bits alike for all, so that the trie is deep */
	bits = 0x98000000u | group << 20 | (group * 0x9e3779b1u >> 12);
	for (i = 0; i < p.len; i++)
		if (bits >> (31 - i) & 1)
			p.at[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return p;
}

static bool
is_part(const struct prefix *part, const struct prefix *of)
{
	uint32_t i;

	if (part->len < of->len)
		return false;
	for (i = 0; i < of->len; i++)
		if ((part->at[i / 8] ^ of->at[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static void *
lpm_reader(void *arg)
{
	uint64_t state = (uintptr_t)arg, n = 0, *value, number;
	struct ebpf_section section;
	struct prefix key, found, full;
	uint32_t i, asked;

	while (!os_load(&stop)) {
		ebpf_section_enter(&section);
		for (i = 0; i < 16; i++, n++) {
			asked = next_random(&state) % PREFIXES;
			key = prefix_of(asked);
			full = key;
			if (next_random(&state) % 2 == 0)
				full.len = 32;
			value = ebpf_map_find(map, &full);
			if (value == NULL) {
				if (asked < STABLE)
					os_add(&wrong, 1);
				continue;
			}
			number = os_load(value);
			found = prefix_of((uint32_t)number);
			if (number >= PREFIXES || !is_part(&full, &found) ||
			    (asked < STABLE && found.len < key.len))
				os_add(&wrong, 1);
			if (n % 256 == 255)
				os_yield();
			if (os_load(value) != number)
				os_add(&wrong, 1);
		}
		ebpf_section_leave(&section);
	}
	os_add(&done_reads, n);
	return NULL;
}

static void *
lpm_writer(void *arg)
{
	uint64_t state = (uintptr_t)arg, value, n = 0;
	struct prefix key;
	int error;

	for (; !os_load(&stop); n++) {
		value = next_random(&state) % PREFIXES;
		key = prefix_of((uint32_t)value);
		if (value >= STABLE && next_random(&state) % 2 == 0)
			error = ebpf_map_remove(map, &key);
		else
			error = ebpf_map_write(map, &key, &value, EBPF_ANY);
		if (error == -EBPF_EAGAIN)
			os_epoch_sync();
		else if (error != 0 && error != -EBPF_ENOENT &&
			 error != -EBPF_ENOSPC)
			os_add(&wrong, 1);
	}
	os_add(&done_writes, n);
	return NULL;
}

/* All in order, and all by number. */
static void *
lpm_walker(void *arg)
{
	struct { struct prefix key; uint64_t value; } out[64];
	uint64_t state = (uintptr_t)arg, cursor;
	uint8_t seen[PREFIXES];
	struct prefix key, next;
	uint32_t i, n;
	bool done;

	while (!os_load(&stop)) {
		memset(seen, 0, sizeof(seen));
		for (cursor = 0, done = false; !done;) {
			n = 1 + next_random(&state) % 64;
			if (ebpf_map_walk(map, &cursor, &n, out, &done) != 0) {
				os_add(&wrong, 1);
				break;
			}
			for (i = 0; i < n; i++) {
				key = prefix_of((uint32_t)out[i].value);
				if (out[i].value >= PREFIXES ||
				    memcmp(&key, &out[i].key, sizeof(key)) != 0)
					os_add(&wrong, 1);
				else
					seen[out[i].value]++;
			}
		}
		for (i = 0; i < STABLE; i++)
			if (seen[i] != 1)
				os_add(&wrong, 1);
		/* a key that has gone starts again: not for ever */
		for (i = 0; i < 2 * PREFIXES; i++) {
			if (ebpf_map_next(map, i == 0 ? NULL : &key, &next) != 0)
				break;
			if (next.len > 32)
				os_add(&wrong, 1);
			key = next;
		}
	}
	return NULL;
}

static void
test_lpm(void)
{
	static void *(*const roles[])(void *) = { lpm_reader, lpm_reader,
						  lpm_writer, lpm_writer,
						  lpm_walker };
	struct prefix key;
	uint64_t value;

	if (!TAP_CHECK(create(EBPF_MAP_LPM_TRIE, 8, 8, ENTRIES,
			      EBPF_F_NO_PREALLOC, NULL, &map)))
		return;
	for (value = 0; value < STABLE; value++) {
		key = prefix_of((uint32_t)value);
		TAP_CHECK(ebpf_map_write(map, &key, &value, EBPF_NOEXIST) == 0);
	}
	run_threads(roles, 5, true);
	tap_ok(wrong == 0, "lpm_trie: %llu reads, %llu writes, %llu wrong",
	       (unsigned long long)done_reads, (unsigned long long)done_writes,
	       (unsigned long long)wrong);
	for (value = STABLE; value < PREFIXES; value++) {
		key = prefix_of((uint32_t)value);
		ebpf_map_remove(map, &key);
	}
	TAP_CHECK(map->ops->count(map) == STABLE);
	ebpf_map_put(map);
}

/* ---- queue, stack ---- */

static uint32_t pushed, popped;
static uint8_t times[NUMBERS];

static void *
pusher(void *arg)
{
	uint64_t value[3];
	uint32_t n;

	while ((n = os_add(&pushed, 1) - 1) < NUMBERS) {
		value[0] = value[1] = value[2] = n;
		while (ebpf_map_write(map, NULL, value, EBPF_ANY) ==
		       -EBPF_E2BIG)
			os_yield();
	}
	return NULL;
}

static void *
popper(void *arg)
{
	uint64_t value[3];

	while (os_load(&popped) < NUMBERS) {
		if (ebpf_map_extract(map, NULL, value) != 0) {
			os_yield();
			continue;
		}
		os_add(&popped, 1);
		if (value[0] >= NUMBERS || value[1] != value[0] ||
		    value[2] != value[0])
			os_add(&wrong, 1);
		else
			os_add(&times[value[0]], 1);
	}
	return NULL;
}

static void
test_ring(uint32_t kind)
{
	static void *(*const roles[])(void *) = { pusher, popper, pusher,
						  popper };
	uint32_t i, once = 0;

	if (!TAP_CHECK(create(kind, 0, 24, 16, 0, NULL, &map)))
		return;
	memset(times, 0, sizeof(times));
	pushed = popped = 0;
	run_threads(roles, 4, false);
	for (i = 0; i < NUMBERS; i++)
		once += times[i] == 1;
	tap_ok(once == NUMBERS && wrong == 0 && map->ops->count(map) == 0,
	       "kind %u: %u of %u values came out once", kind, once, NUMBERS);
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
main(void)
{
	const char *text = getenv("GEBPF_RACE_MS");
	uint64_t live = os_test_live();

	if (text != NULL)
		ms = (uint32_t)atoi(text);
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	test_lpm();
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
