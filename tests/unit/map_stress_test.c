/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps with keys, shared by writers, deleters, readers, walkers and compiled
 * programs on all CPUs. Every word of a value says whose it is and how old, so
 * whoever sees a torn word, another key's value or an older one than before
 * has found a bug; but a pointer into a hash may lead to another key's when
 * removed elements were handed on at once meanwhile. Keys are of three sorts:
 *
 *	stable	never removed: found always, and once by every walk
 *	owned	by one writer, who knows at each moment what must be there:
 *		nothing is lost, nothing comes back
 *	common	everybody inserts and removes them
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

#include "client/gebpf.h"
#include "core/each.h"
#include "core/hash_table.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

enum {
	STABLE = 64, /* keys 0 .. that stay, but not in LRU maps */
	OWNED = 400, /* the next */
	COMMON = 200,
	KEYS = STABLE + OWNED + COMMON,
	ENTRIES = 420, /* fewer than keys: full at times */
	WRITERS_MAX = 8,
	KEY_MAX = 40,
	WORDS_MAX = 16, /* of a value */
	CPUS_MAX = 64,
	STEP = 64, /* elements of a walk's step */
	WALKS_MIN = 12,
};

static const struct shape {
	const char *name;
	uint32_t kind, key_size, words, flags;
} shapes[] = {
	{ "hash", EBPF_MAP_HASH, 8, 3, 0 },
	{ "hash, long keys and values", EBPF_MAP_HASH, 40, 16, 0 },
	{ "hash, no_prealloc", EBPF_MAP_HASH, 4, 3, EBPF_F_NO_PREALLOC },
	{ "percpu_hash", EBPF_MAP_PERCPU_HASH, 8, 3, 0 },
	{ "lru_hash", EBPF_MAP_LRU_HASH, 8, 3, 0 },
	{ "lru_percpu_hash", EBPF_MAP_LRU_PERCPU_HASH, 8, 3, 0 },
	{ "array", EBPF_MAP_ARRAY, 4, 3, 0 },
	{ "percpu_array", EBPF_MAP_PERCPU_ARRAY, 4, 3, 0 },
	{ "lpm_trie", EBPF_MAP_LPM_TRIE, 8, 3, EBPF_F_NO_PREALLOC },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static struct ebpf_runtime *rt;
static const struct shape *shape;
static struct ebpf_map *map;
static struct ebpf_prog *prog;
static uint32_t stop, writers, stable;
static bool is_array, is_lru, is_lpm, is_hash, is_percpu;
static uint64_t seed = 1;
static uint64_t reads, writes, walks, full, again, aliased;

/* ---- what is wrong ---- */

enum wrong {
	TORN, FOREIGN, OLDER, LOST, BACK, TWICE, ODD_ERROR, WRONGS
};
static const char *const wrong_names[WRONGS] = {
	"torn words", "values of other keys", "values older than before",
	"lost elements", "removed elements that are back",
	"stable elements not seen once by a walk", "errors without reason",
};
static uint64_t wrong[WRONGS];

static void
note(enum wrong what)
{
	os_add(&wrong[what], 1);
}

/* ---- keys and values ---- */

static uint32_t
next_random(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33) % below;
}

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

static void
key_of(uint32_t n, uint8_t *key)
{
	struct prefix p;

	memset(key, 0x5a, KEY_MAX);
	if (is_lpm) {
		p = prefix_of(n);
		memcpy(key, &p, sizeof(p));
		return;
	}
	memcpy(key, &n, sizeof(n));
	if (shape->key_size == KEY_MAX)
		memcpy(key + KEY_MAX - 4, &n, sizeof(n));
}

/* May the value found for key number `asked` be number n's? */
static bool
answers(uint32_t asked, uint32_t n)
{
	struct prefix a, b;

	if (!is_lpm)
		return n == asked;
	a = prefix_of(asked);
	b = prefix_of(n);
	return n < KEYS && is_part(&a, &b);
}

/* number:16, version:24, check:24 */
static uint64_t
word_of(uint32_t n, uint32_t version, uint32_t index)
{
	uint64_t low = (uint64_t)(n & 0xffff) << 24 | (version & 0xffffff);
	uint64_t mixed = (low + index + 1) * 0x9e3779b97f4a7c15ull;

	return low << 24 | mixed >> 40;
}

static uint32_t
word_number(uint64_t word)
{
	return (uint32_t)(word >> 48);
}

static uint32_t
word_version(uint64_t word)
{
	return (uint32_t)(word >> 24) & 0xffffff;
}

static bool
word_is_whole(uint64_t word, uint32_t index)
{
	return word == word_of(word_number(word), word_version(word), index);
}

/* A new element of an array, or of a program's on other CPUs, is zeros. */
static bool
may_be_zero(uint64_t word)
{
	return word == 0 && (is_array || is_percpu);
}

/* Elements that were handed on before those who saw them were done. */
static uint64_t
hurried(void)
{
	return is_hash ? os_load_acquire(&ebpf_hash_of(map)->pool->hurried) :
			 0;
}

/* Another key's value: who looked for it since then may have been too late. */
static void
note_foreign(uint64_t since)
{
	if (hurried() != since)
		os_add(&aliased, 1);
	else
		note(FOREIGN);
}

enum {
	NO_VERSION = UINT32_MAX,
};

/*
 * A value in place or a copy: every word whole and the key's. The version of
 * the first, 0 for zeros, NO_VERSION: of another key's. since: hurried() before
 * it was looked for.
 */
static uint32_t
check_value(uint32_t asked, const uint64_t *value, uint64_t since)
{
	uint64_t first = os_load_acquire(&value[0]), word;
	uint32_t i;

	for (i = 0; i < shape->words; i++) {
		word = i == 0 ? first : os_load_acquire(&value[i]);
		if (may_be_zero(word))
			continue;
		if (!word_is_whole(word, i))
			note(TORN);
		else if (!answers(asked, word_number(word)))
			note_foreign(since);
	}
	return may_be_zero(first) || answers(asked, word_number(first)) ?
		word_version(first) : NO_VERSION;
}

static void
fill_value(uint32_t n, uint32_t version, uint64_t *value)
{
	uint32_t i, copies = is_percpu ? os_cpu_count() : 1;

	for (i = 0; i < shape->words * copies; i++)
		value[i] = word_of(n, version, i % shape->words);
}

/* ---- threads ---- */

/* What a reader last saw of each key that one writer makes ever newer. */
struct memory {
	uint32_t version[KEYS];
};

static void
check_age(struct memory *seen, uint32_t asked, uint32_t version)
{
	/* a CPU's copies are written one after the other */
	if (is_percpu || is_lpm || asked < STABLE || asked >= STABLE + OWNED ||
	    version == 0 || version == NO_VERSION)
		return;
	if (version < seen->version[asked])
		note(OLDER);
	seen->version[asked] = version;
}

static void *
reader(void *arg)
{
	uint64_t state = seed + (uintptr_t)arg, n = 0, *value, since;
	struct memory *seen = calloc(1, sizeof(*seen));
	struct ebpf_section section;
	uint8_t key[KEY_MAX];
	uint32_t i, asked;

	while (!os_load(&stop)) {
		ebpf_section_enter(&section);
		for (i = 0; i < 16; i++, n++) {
			asked = next_random(&state, KEYS);
			key_of(asked, key);
			since = hurried();
			value = ebpf_map_find(map, key);
			if (value == NULL) {
				if (asked < stable)
					note(LOST);
				continue;
			}
			check_age(seen, asked,
				  check_value(asked, value, since));
			/* and it stays so while the section lasts */
			if (n % 64 == 15)
				os_yield();
			check_value(asked, value, since);
		}
		ebpf_section_leave(&section);
	}
	os_add(&reads, n);
	free(seen);
	return NULL;
}

/* Compiled: what was asked for, what came, and how it ended. */
struct call {
	uint64_t op; /* 0: look up, 1: update, 2: remove */
	uint64_t result;
	uint8_t key[KEY_MAX];
	uint64_t value[WORDS_MAX];
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
	uint64_t state = seed + (uintptr_t)arg, n = 0, word, since;
	struct memory *seen = calloc(1, sizeof(*seen));
	struct ebpf_section section;
	uint32_t asked, i;
	struct call call;
	int64_t got;

	while (!os_load(&stop)) {
		ebpf_section_enter(&section);
		for (i = 0; i < 16; i++, n++) {
			asked = next_random(&state, KEYS);
			key_of(asked, call.key);
			call.op = 0;
			if (asked >= STABLE + OWNED) {
				call.op = next_random(&state, 3);
				fill_value(asked, (uint32_t)n, call.value);
			}
			since = hurried();
			got = (int64_t)ebpf_prog_run_raw(prog, &call,
							 sizeof(call));
			if (call.op != 0 || got != 1) {
				if (asked < stable)
					note(LOST);
				continue;
			}
			/* the program copies the first three words */
			for (word = 0; word < 3; word++)
				if (!may_be_zero(call.value[word]) &&
				    !word_is_whole(call.value[word],
						   (uint32_t)word))
					note(TORN);
			word = call.value[0];
			if (may_be_zero(word))
				continue;
			if (answers(asked, word_number(word)))
				check_age(seen, asked, word_version(word));
			else
				note_foreign(since);
		}
		ebpf_section_leave(&section);
	}
	os_add(&reads, n);
	free(seen);
	return NULL;
}

/* What a writer knows of the keys it owns: 0, or the version that is there. */
static uint32_t books[KEYS];
static uint32_t versions[KEYS]; /* the newest there was */

static int
write_key(uint32_t n, uint32_t version, uint64_t flags)
{
	uint64_t value[WORDS_MAX * CPUS_MAX];
	uint8_t key[KEY_MAX];
	int error;

	key_of(n, key);
	fill_value(n, version, value);
	while ((error = ebpf_map_write(map, key, value, flags)) ==
	       -EBPF_EAGAIN) {
		os_add(&again, 1);
		os_epoch_sync();
	}
	return error;
}

/* Is what users read of an owned key what its owner has put there? */
static void
check_book(uint32_t n)
{
	uint64_t value[WORDS_MAX * CPUS_MAX] = { 0 };
	uint32_t i, copies = is_percpu ? os_cpu_count() : 1;
	uint8_t key[KEY_MAX];
	int error;

	key_of(n, key);
	error = ebpf_map_read(map, key, value);
	/* another prefix may cover it */
	if (error == 0 && is_lpm && word_number(value[0]) != n &&
	    word_is_whole(value[0], 0))
		error = -EBPF_ENOENT;
	if (error == -EBPF_ENOENT) {
		if (books[n] != 0 && !is_lru)
			note(LOST);
		return;
	}
	if (error != 0) {
		note(ODD_ERROR);
		return;
	}
	if (books[n] == 0 && !(is_array && value[0] == 0)) {
		note(BACK);
		return;
	}
	for (i = 0; i < shape->words * copies && books[n] != 0; i++)
		if (value[i] != word_of(n, books[n], i % shape->words)) {
			note(OLDER);
			return;
		}
}

static void
insert_owned(uint32_t n, uint64_t flags)
{
	bool there = books[n] != 0 || is_array;
	uint32_t version = versions[n] % 0xfffff0 + 1;
	int error = write_key(n, version, flags);

	if (error == 0) {
		if (!is_lru && flags == EBPF_EXIST && !there)
			note(BACK);
		if (!is_lru && flags == EBPF_NOEXIST && there)
			note(LOST);
		books[n] = versions[n] = version;
	} else if (error == -EBPF_EEXIST) {
		if (flags != EBPF_NOEXIST || !there)
			note(BACK);
	} else if (error == -EBPF_ENOENT) {
		if (flags != EBPF_EXIST || (there && !is_lru))
			note(LOST);
		books[n] = is_lru ? 0 : books[n];
	} else if (error == (is_lpm ? -EBPF_ENOSPC : -EBPF_E2BIG)) {
		os_add(&full, 1);
		if (there && !is_lru)
			note(LOST);
		if (is_lru || is_array)
			note(ODD_ERROR);
	} else {
		note(ODD_ERROR);
	}
}

static void
remove_owned(uint32_t n, bool extract)
{
	uint64_t value[WORDS_MAX * CPUS_MAX];
	uint8_t key[KEY_MAX];
	int error;

	key_of(n, key);
	error = extract ? ebpf_map_extract(map, key, value) :
			  ebpf_map_remove(map, key);
	if (error == 0) {
		if (books[n] == 0)
			note(BACK);
		else if (extract && value[0] != word_of(n, books[n], 0))
			note(OLDER);
	} else if (error != -EBPF_ENOENT) {
		note(ODD_ERROR);
	} else if (books[n] != 0 && !is_lru) {
		note(LOST);
	}
	books[n] = 0;
}

static void *
writer(void *arg)
{
	static const uint64_t flags[] = { EBPF_ANY, EBPF_ANY, EBPF_NOEXIST,
					  EBPF_EXIST };
	uint64_t state = seed + (uintptr_t)arg, count = 0;
	uint32_t self = (uint32_t)(uintptr_t)arg % writers, n, what;
	uint8_t key[KEY_MAX];
	int error;

	for (; !os_load(&stop); count++) {
		what = next_random(&state, 8);
		if (what < 5) {
			n = next_random(&state, OWNED / writers) * writers +
			    self + STABLE;
			if (what < 3)
				insert_owned(n, flags[next_random(&state, 4)]);
			else if (what == 3 && !is_array)
				remove_owned(n, map->ops->extract != NULL &&
						next_random(&state, 2) == 0);
			check_book(n);
			continue;
		}
		n = next_random(&state, STABLE + COMMON);
		if (n >= STABLE)
			n += OWNED;
		key_of(n, key);
		if (n >= STABLE && what == 5 && !is_array)
			error = ebpf_map_remove(map, key);
		else
			error = write_key(n, (uint32_t)count, EBPF_ANY);
		if (error == (is_lpm ? -EBPF_ENOSPC : -EBPF_E2BIG)) {
			os_add(&full, 1);
			if (n < stable)
				note(LOST);
		} else if (error != 0 && error != -EBPF_ENOENT) {
			note(ODD_ERROR);
		}
	}
	os_add(&writes, count);
	return NULL;
}

/* The number of a key that a walk shows; KEYS: it is none of ours. */
static uint32_t
number_of(const uint8_t *key)
{
	uint8_t right[KEY_MAX];
	struct prefix p;
	uint32_t n;

	if (is_lpm) {
		memcpy(&p, key, sizeof(p));
		for (n = 0; n < KEYS; n++) {
			struct prefix q = prefix_of(n);

			if (memcmp(&p, &q, sizeof(p)) == 0)
				break;
		}
		return n;
	}
	memcpy(&n, key, sizeof(n));
	key_of(n, right);
	return n < KEYS && memcmp(key, right, shape->key_size) == 0 ? n : KEYS;
}

/* since: hurried() before that, if they are in place. */
static void
saw(uint8_t *seen, const uint8_t *key, const uint64_t *value,
    const uint64_t *since)
{
	uint32_t n = number_of(key), i;

	if (n == KEYS && since != NULL) {
		note_foreign(*since);
		return;
	}
	if (n == KEYS) {
		note(FOREIGN);
		return;
	}
	if (seen[n] < 255)
		seen[n]++;
	for (i = 0; value != NULL && i < shape->words; i++) {
		uint64_t word = os_load_acquire(&value[i]);

		if (may_be_zero(word))
			continue;
		if (!word_is_whole(word, i))
			note(TORN);
		else if (word_number(word) != n && since != NULL)
			note_foreign(*since);
		else if (word_number(word) != n)
			note(FOREIGN);
	}
}

/* All elements by steps of some; true: to the end. */
static bool
walk(uint64_t *state, uint8_t *seen)
{
	uint32_t user = ebpf_map_user_value_size(map), n, i;
	size_t element = shape->key_size + user;
	uint8_t *out = malloc(element * STEP);
	uint64_t *value = malloc(user), cursor = 0;
	bool done = false;

	while (!done) {
		n = 1 + next_random(state, STEP);
		if (ebpf_map_walk(map, &cursor, &n, out, &done) != 0) {
			note(ODD_ERROR);
			break;
		}
		for (i = 0; i < n; i++) {
			memcpy(value, out + i * element + shape->key_size,
			       user);
			saw(seen, out + i * element, value, NULL);
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
	uint64_t key[KEY_MAX / 8];
	struct ebpf_each e;
	uint64_t since;
	uint32_t i;

	if (map->ops->each == NULL)
		return false;
	ebpf_section_enter(&section);
	since = hurried();
	if (ebpf_each_begin(&e, map, 0) != 0)
		note(ODD_ERROR);
	else
		while (ebpf_each_next(&e)) {
			memset(key, 0, sizeof(key));
			for (i = 0; i < (shape->key_size + 7) / 8; i++)
				key[i] = shape->key_size == 4 ?
					os_load((uint32_t *)(uintptr_t)e.key) :
					os_load((uint64_t *)(uintptr_t)e.key +
						i);
			saw(seen, (uint8_t *)key,
			    (uint64_t *)(uintptr_t)e.value, &since);
		}
	ebpf_section_leave(&section);
	return true;
}

/* By next: a key that has gone starts again, but not for ever. */
static void
keys(uint8_t *seen)
{
	uint8_t key[KEY_MAX], next[KEY_MAX];
	uint32_t i;
	int error;

	for (i = 0; i < 2 * KEYS; i++) {
		error = ebpf_map_next(map, i == 0 ? NULL : key, next);
		if (error != 0) {
			if (error != -EBPF_ENOENT)
				note(ODD_ERROR);
			break;
		}
		saw(seen, next, NULL, NULL);
		memcpy(key, next, sizeof(key));
	}
}

static void *
walker(void *arg)
{
	uint64_t state = seed + (uintptr_t)arg, count = 0;
	uint8_t seen[KEYS];
	bool whole;
	uint32_t i;

	for (; !os_load(&stop); count++, os_add(&walks, 1)) {
		memset(seen, 0, sizeof(seen));
		if (count % 3 == 2) {
			keys(seen);
			continue;
		}
		whole = count % 3 == 1 && map->ops->each != NULL ?
				each(seen) :
				walk(&state, seen);
		for (i = 0; i < stable && whole; i++)
			if (seen[i] != 1)
				note(TWICE);
	}
	return NULL;
}

/* ---- one map ---- */

static bool
make(void)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = shape->kind,
		.key_size = shape->key_size,
		.value_size = shape->words * 8,
		.flags = shape->flags,
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

	is_array = shape->kind == EBPF_MAP_ARRAY ||
		   shape->kind == EBPF_MAP_PERCPU_ARRAY;
	is_lru = shape->kind == EBPF_MAP_LRU_HASH ||
		 shape->kind == EBPF_MAP_LRU_PERCPU_HASH;
	is_lpm = shape->kind == EBPF_MAP_LPM_TRIE;
	is_hash = !is_array && !is_lpm;
	spec.max_entries = is_array ? KEYS : ENTRIES;
	if (ebpf_map_create(rt, &spec, &map) != 0) {
		tap_ok(false, "%s: it is made", shape->name);
		return false;
	}
	is_percpu = map->ops->percpu;
	stable = is_lru ? 0 : STABLE;
	if (gebpf_asm(call_text, strlen(call_text), &insns,
		      &request.insn_count, &err) != 0) {
		tap_ok(false, "%s", err.text);
		return false;
	}
	request.insns = insns;
	error = ebpf_prog_load(rt, &request, &prog);
	free(insns);
	return error == 0 || tap_ok(false, "%s: a program", shape->name);
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
	os_store(&stop, 0);
	for (i = 0; i < writers; i++)
		pthread_create(&threads[i], NULL, writer,
			       (void *)(uintptr_t)i);
	for (i = 0; i < others; i++)
		pthread_create(&threads[writers + i], NULL, roles[i % 3],
			       (void *)(uintptr_t)(i + writers));
	/* long enough, and nobody has slept through it */
	while (os_time_ns() < until || os_load(&walks) < WALKS_MIN)
		nanosleep(&rest, NULL);
	os_store(&stop, 1);
	for (i = 0; i < writers + others; i++)
		pthread_join(threads[i], NULL);
}

static bool
nothing_wrong(void)
{
	bool good = true;
	uint32_t i;

	for (i = 0; i < WRONGS; i++) {
		if (wrong[i] != 0)
			tap_diag("%s: %llu %s", shape->name,
				 (unsigned long long)wrong[i], wrong_names[i]);
		good &= wrong[i] == 0;
		wrong[i] = 0;
	}
	return good;
}

/* Nobody else is there: books, count, walk, next and lookups agree. */
static void
check_rest(void)
{
	uint8_t seen[KEYS] = { 0 }, again_seen[KEYS] = { 0 }, key[KEY_MAX];
	uint64_t value[WORDS_MAX * CPUS_MAX], state = 1;
	uint32_t n, there, walked = 0, found = 0;
	bool good = true;

	walk(&state, seen);
	keys(again_seen);
	for (n = 0; n < KEYS; n++) {
		key_of(n, key);
		there = ebpf_map_read(map, key, value) == 0;
		if (is_lpm && there)
			there = word_number(value[0]) == n;
		walked += seen[n];
		found += there;
		good &= seen[n] == there && again_seen[n] == there;
		if (n >= STABLE && n < STABLE + OWNED)
			check_book(n);
	}
	tap_ok(good && nothing_wrong(),
	       "%s: walk, next, lookups and owners agree", shape->name);
	if (map->ops->count != NULL)
		tap_ok(map->ops->count(map) == walked && walked == found,
		       "%s: counted right, %u", shape->name, walked);
}

/* Empty it, then as much as there may be fits, and no more. */
static void
check_room(void)
{
	uint8_t key[KEY_MAX];
	uint32_t n, taken = 0;
	int error;

	if (is_array)
		return;
	for (n = 0; n < KEYS; n++) {
		key_of(n, key);
		ebpf_map_remove(map, key);
	}
	tap_ok(map->ops->count(map) == 0 &&
	       ebpf_map_next(map, NULL, key) == -EBPF_ENOENT, "%s: empty",
	       shape->name);
	os_epoch_drain();
	for (n = 0; n < ENTRIES; n++)
		taken += write_key(n, 1, EBPF_NOEXIST) == 0;
	error = write_key(n, 1, EBPF_NOEXIST);
	if (is_lru)
		tap_ok(error == 0 && map->ops->count(map) <= ENTRIES,
		       "%s: takes ever more", shape->name);
	else
		tap_ok(taken == ENTRIES && map->ops->count(map) == ENTRIES &&
		       error == (is_lpm ? -EBPF_ENOSPC : -EBPF_E2BIG),
		       "%s: %u fit and no more", shape->name, taken);
}

static void
run(const struct shape *s, uint32_t ms)
{
	uint64_t live = os_test_live(), used = os_load(&rt->mem_used);
	uint32_t n;

	shape = s;
	memset(books, 0, sizeof(books));
	memset(versions, 0, sizeof(versions));
	reads = writes = walks = full = again = aliased = 0;
	if (!make())
		return;
	for (n = 0; n < STABLE; n++)
		if (write_key(n, 1, is_array ? EBPF_ANY : EBPF_NOEXIST) != 0)
			note(ODD_ERROR);
	run_threads(ms);
	tap_ok(nothing_wrong(), "%s: %llu reads, %llu writes, %llu walks; full "
	       "%llu times, waited %llu, %llu others in its place",
	       shape->name,
	       (unsigned long long)reads, (unsigned long long)writes,
	       (unsigned long long)walks, (unsigned long long)full,
	       (unsigned long long)again, (unsigned long long)aliased);
	check_rest();
	check_room();
	ebpf_prog_put(prog);
	ebpf_map_put(map);
	os_epoch_drain();
	tap_ok(os_test_live() == live && os_load(&rt->mem_used) == used,
	       "%s: all memory is given back", shape->name);
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
			ms = (uint32_t)atoi(argv[a + 1]) * 1000 / SHAPES;
		else if (strcmp(argv[a], "--seed") == 0)
			seed = strtoull(argv[a + 1], NULL, 0);
	}
	tap_diag("seed %llu", (unsigned long long)seed);
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	if (os_cpu_count() > CPUS_MAX)
		tap_skip("more CPUs than this test has room for",
			 "maps under stress");
	/* the first of each makes room for more, which stays */
	shape = &shapes[0];
	if (make()) {
		ebpf_prog_put(prog);
		ebpf_map_put(map);
		os_epoch_drain();
	}
	for (i = 0; i < SHAPES && os_cpu_count() <= CPUS_MAX; i++)
		run(&shapes[i], ms);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
