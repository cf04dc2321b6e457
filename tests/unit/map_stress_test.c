/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps with keys, shared by writers, deleters, readers, walkers and compiled
 * programs on all CPUs, against books of what must be there (books.h). But a
 * pointer into a map may lead to another key's value when removed elements
 * were handed on at once meanwhile.
 *
 * At the end the count, the walks and the owners' books must agree, a map must
 * take exactly as many elements as it may, and all memory is given back.
 *
 *	map_stress_test [--seconds N] [--seed N]	for each map a little
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "books.h"
#include "client/gebpf.h"
#include "core/each.h"
#include "core/hash_table.h"
#include "core/lpm_trie.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

enum {
	WRITERS_MAX = 8,
	STEP = 64, /* elements of a walk's step */
	WALKS_MIN = 12,
};

static struct ebpf_runtime *rt;
static struct ebpf_map *map;
static struct ebpf_prog *prog;
static uint32_t writers;
static uint64_t seed = 1;

/* Elements that were handed on before those who saw them were done. */
static uint64_t
hurried(void)
{
	if (books_is_array)
		return 0;
	if (books_is_lpm)
		return os_load_acquire(&ebpf_lpm_of(map)->changes);
	return os_load_acquire(&ebpf_hash_of(map)->pool->hurried);
}

/* Another key's value: who looked for it since then may have been too late. */
static void
note_foreign(uint64_t since)
{
	if (hurried() != since)
		os_add(&books->aliased, 1);
	else
		books_note(BOOKS_FOREIGN);
}

/* ---- threads ---- */

static void *
reader(void *arg)
{
	uint64_t state = seed + (uintptr_t)arg, n = 0, *value, since;
	struct books_seen *seen = calloc(1, sizeof(*seen));
	struct ebpf_section section;
	uint8_t key[BOOKS_KEY_MAX];
	uint32_t i, asked;

	while (!os_load(&books->stop)) {
		ebpf_section_enter(&section);
		for (i = 0; i < 16; i++, n++) {
			asked = books_random(&state, BOOKS_KEYS);
			books_key(asked, key);
			since = hurried();
			value = ebpf_map_find(map, key);
			if (value == NULL) {
				if (asked < books_stable)
					books_note(BOOKS_LOST);
				continue;
			}
			if (!books_check(asked, value, books_shape->words,
					 seen))
				note_foreign(since);
			/* and it stays so while the section lasts */
			if (n % 64 == 15)
				os_yield();
			if (!books_check(asked, value, books_shape->words,
					 NULL))
				note_foreign(since);
		}
		ebpf_section_leave(&section);
	}
	os_add(&books->reads, n);
	free(seen);
	return NULL;
}

/* Compiled: what was asked for, what came, and how it ended. */
struct call {
	uint64_t op; /* 0: look up, 1: update, 2: remove */
	uint64_t result;
	uint8_t key[BOOKS_KEY_MAX];
	uint64_t value[BOOKS_WORDS_MAX];
};

static const char call_text[] =
	"r6 = r1\n"
	"r7 = *(u64 *)(r6 +0)\n"
	"r2 = r6\n"
	"r2 += 16\n"
	"r1 = map[idx:0]\n"
	"if r7 == 1 goto update\n"
	"if r7 == 2 goto remove\n"
	"call map_lookup_elem\n"
	"if r0 == 0 goto none\n"
	"r1 = *(u64 *)(r0 +0)\n"
	"*(u64 *)(r6 +56) = r1\n"
	"r1 = *(u64 *)(r0 +8)\n"
	"*(u64 *)(r6 +64) = r1\n"
	"r1 = *(u64 *)(r0 +16)\n"
	"*(u64 *)(r6 +72) = r1\n"
	"r0 = 1\n"
	"exit\n"
	"none:\n"
	"r0 = 0\n"
	"exit\n"
	"update:\n"
	"r3 = r6\n"
	"r3 += 56\n"
	"r4 = 0\n"
	"call map_update_elem\n"
	"exit\n"
	"remove:\n"
	"call map_delete_elem\n"
	"exit\n";

static void *
program(void *arg)
{
	uint64_t state = seed + (uintptr_t)arg, n = 0, since;
	struct books_seen *seen = calloc(1, sizeof(*seen));
	struct ebpf_section section;
	uint32_t asked, i;
	struct call call;
	int64_t got;

	while (!os_load(&books->stop)) {
		ebpf_section_enter(&section);
		for (i = 0; i < 16; i++, n++) {
			asked = books_random(&state, BOOKS_KEYS);
			books_key(asked, call.key);
			call.op = 0;
			if (asked >= BOOKS_STABLE + BOOKS_OWNED) {
				call.op = books_random(&state, 3);
				books_fill(asked, (uint32_t)n, call.value);
			}
			since = hurried();
			got = (int64_t)ebpf_prog_run_raw(prog, &call,
							 sizeof(call));
			if (call.op != 0 || got != 1) {
				if (asked < books_stable)
					books_note(BOOKS_LOST);
				continue;
			}
			/* the program copies the first three words */
			if (!books_check(asked, call.value, 3, seen))
				note_foreign(since);
		}
		ebpf_section_leave(&section);
	}
	os_add(&books->reads, n);
	free(seen);
	return NULL;
}

static int
write_key(uint32_t n, uint32_t version, uint64_t flags)
{
	uint64_t value[BOOKS_VALUE_MAX];
	uint8_t key[BOOKS_KEY_MAX];
	int error;

	books_key(n, key);
	books_fill(n, version, value);
	while ((error = ebpf_map_write(map, key, value, flags)) ==
	       -EBPF_EAGAIN) {
		os_add(&books->again, 1);
		os_epoch_sync();
	}
	return error;
}

/* Is what users read of an owned key what its owner has put there? */
static void
check_book(uint32_t n)
{
	uint64_t value[BOOKS_VALUE_MAX] = { 0 };
	uint8_t key[BOOKS_KEY_MAX];

	books_key(n, key);
	books_read(n, ebpf_map_read(map, key, value), value);
}

static void
insert_owned(uint32_t n, uint64_t flags)
{
	uint32_t version = books_next_version(n);

	books_inserted(n, version, flags, write_key(n, version, flags));
}

static void
remove_owned(uint32_t n, bool extract)
{
	uint64_t value[BOOKS_VALUE_MAX];
	uint8_t key[BOOKS_KEY_MAX];

	books_key(n, key);
	if (extract)
		books_removed(n, ebpf_map_extract(map, key, value), value);
	else
		books_removed(n, ebpf_map_remove(map, key), NULL);
}

static void *
writer(void *arg)
{
	static const uint64_t flags[] = { EBPF_ANY, EBPF_ANY, EBPF_NOEXIST,
					  EBPF_EXIST };
	uint64_t state = seed + (uintptr_t)arg, count = 0;
	uint32_t self = (uint32_t)(uintptr_t)arg % writers, n, what;
	uint8_t key[BOOKS_KEY_MAX];
	int error;

	for (; !os_load(&books->stop); count++) {
		what = books_random(&state, 8);
		if (what < 5) {
			n = books_random(&state, BOOKS_OWNED / writers) * writers +
			    self + BOOKS_STABLE;
			if (what < 3)
				insert_owned(n, flags[books_random(&state, 4)]);
			else if (what == 3 && !books_is_array)
				remove_owned(n, map->ops->extract != NULL &&
						books_random(&state, 2) == 0);
			check_book(n);
			continue;
		}
		n = books_random(&state, BOOKS_STABLE + BOOKS_COMMON);
		if (n >= BOOKS_STABLE)
			n += BOOKS_OWNED;
		books_key(n, key);
		if (n >= BOOKS_STABLE && what == 5 && !books_is_array)
			error = ebpf_map_remove(map, key);
		else
			error = write_key(n, (uint32_t)count, EBPF_ANY);
		books_changed(n, error);
	}
	os_add(&books->writes, count);
	return NULL;
}

/* All elements by steps of some; true: to the end. */
static bool
walk(uint64_t *state, uint8_t *seen)
{
	uint32_t user = ebpf_map_user_value_size(map), n, i;
	size_t element = books_shape->key_size + user;
	uint8_t *out = malloc(element * STEP);
	uint64_t *value = malloc(user), cursor = 0;
	bool done = false;

	while (!done) {
		n = 1 + books_random(state, STEP);
		if (ebpf_map_walk(map, &cursor, &n, out, &done) != 0) {
			books_note(BOOKS_ODD_ERROR);
			break;
		}
		for (i = 0; i < n; i++) {
			memcpy(value, out + i * element + books_shape->key_size,
			       user);
			if (!books_saw(seen, out + i * element, value))
				books_note(BOOKS_FOREIGN);
		}
	}
	free(value);
	free(out);
	return done;
}

/* As a program's callback sees them: in place, within a section. */
static bool
each(uint8_t *seen)
{
	struct ebpf_section section;
	uint64_t key[BOOKS_KEY_MAX / 8];
	struct ebpf_each e;
	uint64_t since;
	uint32_t i;

	if (map->ops->each == NULL)
		return false;
	ebpf_section_enter(&section);
	since = hurried();
	if (ebpf_each_begin(&e, map, 0) != 0)
		books_note(BOOKS_ODD_ERROR);
	else
		while (ebpf_each_next(&e)) {
			memset(key, 0, sizeof(key));
			for (i = 0; i < (books_shape->key_size + 7) / 8; i++)
				key[i] = books_shape->key_size == 4 ?
					os_load((uint32_t *)(uintptr_t)e.key) :
					os_load((uint64_t *)(uintptr_t)e.key +
						i);
			if (!books_saw(seen, (uint8_t *)key,
				       (uint64_t *)(uintptr_t)e.value))
				note_foreign(since);
		}
	ebpf_section_leave(&section);
	return true;
}

/* By next: a key that has gone starts again, but not for ever. */
static void
keys(uint8_t *seen)
{
	uint8_t key[BOOKS_KEY_MAX], next[BOOKS_KEY_MAX];
	uint32_t i;
	int error;

	for (i = 0; i < 2 * BOOKS_KEYS; i++) {
		error = ebpf_map_next(map, i == 0 ? NULL : key, next);
		if (error != 0) {
			if (error != -EBPF_ENOENT)
				books_note(BOOKS_ODD_ERROR);
			break;
		}
		if (!books_saw(seen, next, NULL))
			books_note(BOOKS_FOREIGN);
		memcpy(key, next, sizeof(key));
	}
}

static void *
walker(void *arg)
{
	uint64_t state = seed + (uintptr_t)arg, count = 0;
	uint8_t seen[BOOKS_KEYS];
	bool whole;

	for (; !os_load(&books->stop); count++, os_add(&books->walks, 1)) {
		memset(seen, 0, sizeof(seen));
		if (count % 3 == 2) {
			keys(seen);
			continue;
		}
		whole = count % 3 == 1 && map->ops->each != NULL ?
				each(seen) :
				walk(&state, seen);
		if (whole)
			books_walked(seen);
	}
	return NULL;
}

/* ---- one map ---- */

static bool
make(void)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = books_shape->kind,
		.key_size = books_shape->key_size,
		.value_size = books_shape->words * 8,
		.flags = books_shape->flags,
	};
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = EBPF_PROG_RAW,
		.mem_size = sizeof(struct call),
		.maps = &map,
		.map_count = 1,
	};
	struct gebpf_error err = { 0 };
	struct ebpf_insn *insns;
	int error;

	spec.max_entries = books_entries;
	if (ebpf_map_create(rt, &spec, &map) != 0) {
		tap_ok(false, "%s: it is made", books_shape->name);
		return false;
	}
	if (gebpf_asm(call_text, strlen(call_text), &insns,
		      &request.insn_count, &err) != 0) {
		tap_ok(false, "%s", err.text);
		return false;
	}
	request.insns = insns;
	error = ebpf_prog_load(rt, &request, &prog);
	free(insns);
	return error == 0 || tap_ok(false, "%s: a program", books_shape->name);
}

static void
run_threads(uint32_t ms)
{
	static void *(*const roles[])(void *) = { reader, program, walker };
	uint64_t until = os_time_ns() + ms * 1000000ull;
	struct timespec rest = { 0, 10 * 1000 * 1000 };
	uint32_t others = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), i;
	pthread_t threads[WRITERS_MAX * 4];

	if (others < 3)
		others = 3;
	if (others > WRITERS_MAX * 3)
		others = WRITERS_MAX * 3;
	writers = others < WRITERS_MAX ? others : WRITERS_MAX;
	os_store(&books->stop, 0);
	for (i = 0; i < writers; i++)
		pthread_create(&threads[i], NULL, writer,
			       (void *)(uintptr_t)i);
	for (i = 0; i < others; i++)
		pthread_create(&threads[writers + i], NULL, roles[i % 3],
			       (void *)(uintptr_t)(i + writers));
	/* long enough, and nobody has slept through it */
	while (os_time_ns() < until || os_load(&books->walks) < WALKS_MIN)
		nanosleep(&rest, NULL);
	os_store(&books->stop, 1);
	for (i = 0; i < writers + others; i++)
		pthread_join(threads[i], NULL);
}

/* Nobody else is there: books, count, walk, next and lookups agree. */
static void
check_rest(void)
{
	uint8_t seen[BOOKS_KEYS] = { 0 }, again_seen[BOOKS_KEYS] = { 0 }, key[BOOKS_KEY_MAX];
	uint64_t value[BOOKS_VALUE_MAX], state = 1;
	uint32_t n, there, walked = 0, found = 0;
	bool good = true;

	walk(&state, seen);
	keys(again_seen);
	for (n = 0; n < BOOKS_KEYS; n++) {
		books_key(n, key);
		there = ebpf_map_read(map, key, value) == 0;
		if (books_is_lpm && there)
			there = books_is_of(n, value);
		walked += seen[n];
		found += there;
		good &= seen[n] == there && again_seen[n] == there;
		if (n >= BOOKS_STABLE && n < BOOKS_STABLE + BOOKS_OWNED)
			check_book(n);
	}
	tap_ok(good && books_nothing_wrong(),
	       "%s: walk, next, lookups and owners agree", books_shape->name);
	if (map->ops->count != NULL)
		tap_ok(map->ops->count(map) == walked && walked == found,
		       "%s: counted right, %u", books_shape->name, walked);
}

/* Empty it, then as much as there may be fits, and no more. */
static void
check_room(void)
{
	uint8_t key[BOOKS_KEY_MAX];
	uint32_t n, taken = 0;
	int error;

	if (books_is_array)
		return;
	for (n = 0; n < BOOKS_KEYS; n++) {
		books_key(n, key);
		ebpf_map_remove(map, key);
	}
	tap_ok(map->ops->count(map) == 0 &&
	       ebpf_map_next(map, NULL, key) == -EBPF_ENOENT, "%s: empty",
	       books_shape->name);
	os_epoch_drain();
	for (n = 0; n < BOOKS_ENTRIES; n++)
		taken += write_key(n, 1, EBPF_NOEXIST) == 0;
	error = write_key(n, 1, EBPF_NOEXIST);
	if (books_is_lru)
		tap_ok(error == 0 && map->ops->count(map) <= BOOKS_ENTRIES,
		       "%s: takes ever more", books_shape->name);
	else
		tap_ok(taken == BOOKS_ENTRIES && map->ops->count(map) == BOOKS_ENTRIES &&
		       error == (books_is_lpm ? -EBPF_ENOSPC : -EBPF_E2BIG),
		       "%s: %u fit and no more", books_shape->name, taken);
}

static void
run(const struct books_shape *shape, uint32_t ms)
{
	uint64_t live = os_test_live(), used = os_load(&rt->mem_used);
	uint32_t n;

	books_open(shape, os_cpu_count());
	if (!make())
		return;
	for (n = 0; n < BOOKS_STABLE; n++)
		if (write_key(n, 1, books_is_array ? EBPF_ANY : EBPF_NOEXIST) != 0)
			books_note(BOOKS_ODD_ERROR);
	run_threads(ms);
	books_told(true);
	check_rest();
	check_room();
	ebpf_prog_put(prog);
	ebpf_map_put(map);
	os_epoch_drain();
	tap_ok(os_test_live() == live && os_load(&rt->mem_used) == used,
	       "%s: all memory is given back", books_shape->name);
}

int
main(int argc, char **argv)
{
	const char *text = getenv("GEBPF_RACE_MS");
	uint32_t ms = text != NULL ? (uint32_t)atoi(text) : 150, i;
	uint64_t live = os_test_live();
	int a;

	for (a = 1; a + 1 < argc; a += 2) {
		if (strcmp(argv[a], "--seconds") == 0)
			ms = (uint32_t)atoi(argv[a + 1]) * 1000 /
			     books_shape_count;
		else if (strcmp(argv[a], "--seed") == 0)
			seed = strtoull(argv[a + 1], NULL, 0);
	}
	tap_diag("seed %llu", (unsigned long long)seed);
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	if (os_cpu_count() > BOOKS_CPUS_MAX)
		tap_skip("more CPUs than this test has room for",
			 "maps under stress");
	/* the first of each makes room for more, which stays */
	books_open(&books_shapes[0], os_cpu_count());
	if (make()) {
		ebpf_prog_put(prog);
		ebpf_map_put(map);
		os_epoch_drain();
	}
	for (i = 0; i < books_shape_count && os_cpu_count() <= BOOKS_CPUS_MAX; i++)
		run(&books_shapes[i], ms);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
