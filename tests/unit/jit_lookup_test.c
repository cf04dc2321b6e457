/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The lookups that maps get as code of their own, beside those in C: every kind
 * and size of key that has one, and some that have not; keys that are there,
 * were there, never were; keys that share tags, buckets and chains; what
 * programs make of the answer. Small maps are gone through by all keys.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash_table.h"
#include "core/jit/jit_lookup.h"
#include "core/runtime.h"
#include "jit_lab.h"
#include "tap.h"
#include "unverified.h"

enum {
	MEM = 64,
	KEY_MAX = 24,
	TRIED = 3000, /* keys of a map */
	CROWD = 24,   /* of a bucket */
};

static uint64_t mem[MEM / 8];
static uint64_t state = 1;

static uint64_t
number(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return state >> 24;
}

/* ---- maps ---- */

static struct ebpf_map *inner;

static struct ebpf_map *
make(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries,
     uint32_t flags)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = kind, .key_size = key,
		.value_size = value, .max_entries = entries, .flags = flags,
	};
	struct ebpf_map *map = NULL;

	if (kind == EBPF_MAP_HASH_OF_MAPS) {
		spec.inner = inner;
		spec.value_size = 4;
	}
	if (ebpf_map_create(lab_rt, &spec, &map) != 0) {
		tap_ok(false, "map of kind %u", kind);
		exit(tap_done());
	}
	return map;
}

static int
put(struct ebpf_map *map, const uint8_t *key)
{
	static uint8_t value[8 * 1024];

	if (map->ops->holds_maps)
		memcpy(value, &inner->obj.id, 4);
	return ebpf_map_write(map, key, value, EBPF_ANY);
}

/* The n-th key of a map: few bytes differ, all of them somewhere. */
static void
key_make(uint8_t *key, uint32_t size, uint32_t n)
{
	uint64_t x = n * 0x9e3779b97f4a7c15ull;

	memset(key, 0x5a, KEY_MAX);
	if (n % 3 == 0)
		memset(key, 0, KEY_MAX);
	memcpy(key, &n, 4);
	if (n % 2 == 1)
		memcpy(key + size - (size < 8 ? size : 8), &x,
		       size < 8 ? size : 8);
}

/* What the map's generic routine finds; which one it marks, which is undone. */
static uint64_t
wanted(struct ebpf_map *map, const uint8_t *key, uint32_t *used)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint64_t found = (uintptr_t)map->ops->lookup(map, key);
	struct ebpf_hash_probe probe = ebpf_hash_probe(hash, key);
	uint32_t n = ebpf_hash_find(hash, &probe);

	*used = 0;
	if (hash->used == NULL || n == 0)
		return found;
	*used = n;
	hash->used[n] = (uint8_t)(number() % EBPF_HASH_USED);
	return found;
}

static bool
same(struct ebpf_prog *const *progs, struct ebpf_map *map, const uint8_t *key)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_section section;
	bool same = true;

	memcpy((uint8_t *)mem + LAB_KEY_AT, key, map->key_size);
	ebpf_section_enter(&section);
	for (uint32_t asks = LAB_NOT; asks < LAB_LOOKUPS; asks++) {
		uint32_t used;
		uint64_t want = wanted(map, key, &used);

		same &= ebpf_prog_run(progs[asks], (uintptr_t)mem, MEM, 0) ==
			lab_asked(want, asks);
		if (used != 0)
			same &= hash->used[used] == EBPF_HASH_USED;
	}
	ebpf_section_leave(&section);
	return same;
}

/* What a map's own code leaves to C. */
static uint32_t left_to_c;

static void *
counted(struct ebpf_map *map, const void *key)
{
	left_to_c++;
	return map->ops->lookup(map, key);
}

static bool
try_map(struct ebpf_map *map, uint32_t keys)
{
	void *(*lookup)(struct ebpf_map *map, const void *key) = map->lookup;
	uint32_t step = keys > TRIED ? keys / TRIED : 1;
	struct ebpf_prog *progs[LAB_LOOKUPS];
	uint8_t key[KEY_MAX];
	bool ok = true, own;

	map->lookup = counted;
	left_to_c = 0;
	ok &= lab_lookups(map, progs);
	for (uint32_t n = 0; ok && n < keys; n += step) {
		key_make(key, map->key_size, n);
		ok &= same(progs, map, key);
	}
	ebpf_jit_lookup_code(map, false, &own);
	if (own && left_to_c > 20 + keys / step) { /* of 6 for each key */
		tap_diag("%u of %u lookups were left to C", left_to_c,
			 keys / step * 6);
		ok = false;
	}
	map->lookup = lookup;
	lab_lookups_free(progs);
	return ok;
}

/* Three quarters are in, of which some leave; the rest was never there. */
static bool
fill_and_try(uint32_t kind, uint32_t key_size, uint32_t value,
	     uint32_t entries, uint32_t flags)
{
	struct ebpf_map *map = make(kind, key_size, value, entries, flags);
	uint8_t key[KEY_MAX];
	bool ok, own, has_code = key_size <= 16 &&
		(key_size == 12 || key_size == 6 || key_size % 4 == 0) &&
		!(kind == EBPF_MAP_PERCPU_HASH && flags == EBPF_F_NO_PREALLOC);

	for (uint32_t n = 0; n < entries; n++) {
		key_make(key, key_size, n);
		put(map, key);
	}
	for (uint32_t n = 0; n < entries; n += 7) {
		key_make(key, key_size, n);
		ebpf_map_remove(map, key);
	}
	ok = try_map(map, entries + entries / 3 + 1);
	ebpf_jit_lookup_code(map, false, &own);
	if (own != has_code) {
		tap_diag("keys of %u: code of its own: %d", key_size, own);
		ok = false;
	}
	if (!ok)
		tap_diag("key %u, value %u, %u entries", key_size, value,
			 entries);
	ebpf_map_put(map);
	return ok;
}

static const struct {
	uint32_t kind;
	const char *name;
} kinds[] = {
	{ EBPF_MAP_HASH, "hash" },
	{ EBPF_MAP_PERCPU_HASH, "percpu_hash" },
	{ EBPF_MAP_LRU_HASH, "lru_hash" },
	{ EBPF_MAP_LRU_PERCPU_HASH, "lru_percpu_hash" },
	{ EBPF_MAP_HASH_OF_MAPS, "hash_of_maps" },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void
shapes(uint32_t flags, const char *what)
{
	static const uint32_t keys[] = { 4, 5, 6, 8, 12, 15, 16, 20 };
	static const uint32_t entries[] = { 1, 5, 40, 700, 9000 };
	static const uint32_t values[] = { 8, 1, 24, 100, 4 };

	for (uint32_t k = 0; k < KINDS; k++) {
		bool ok = true;

		if (flags == EBPF_F_NO_PREALLOC && strstr(kinds[k].name, "lru"))
			continue;
		for (uint32_t s = 0; s < sizeof(keys) / sizeof(keys[0]); s++)
			for (uint32_t e = 0; e < 5; e++)
				ok &= fill_and_try(kinds[k].kind, keys[s],
						   values[(e + s) % 5],
						   entries[e], flags);
		tap_ok(ok, "%s%s: lookups find what the map finds",
		       kinds[k].name, what);
	}
}

/*
 * Keys that all go into the first bucket, those of one tag before the others:
 * they meet there, and those that find no slot are on its chain.
 */
static bool
crowd(uint32_t kind, uint32_t key_size, uint32_t entries, uint32_t flags)
{
	struct ebpf_map *map = make(kind, key_size, 8, entries, flags);
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	uint32_t in = 0, n, chained = 0;
	struct ebpf_prog *progs[LAB_LOOKUPS];
	uint8_t keys[40][KEY_MAX];
	bool ok = true, alone = ebpf_jit_host() == &ebpf_jit_x86_64 &&
		key_size <= 8 && hash->metas.chunks == NULL &&
		hash->slots == EBPF_HASH_SLOTS;

	for (n = 0; in < 40; n++) {
		struct ebpf_hash_probe probe;

		key_make(keys[in], key_size, n);
		probe = ebpf_hash_probe(hash, keys[in]);
		if (ebpf_hash_index(hash, probe.hash) != 0 ||
		    (in < 4 && n < 1 << 18 && ebpf_hash_tag(probe.hash) != 1))
			continue;
		ok &= in >= 20 || put(map, keys[in]) == 0;
		in++;
	}
	for (n = hash->buckets->chain; n != 0; n = ebpf_hash_meta(&hash->metas, n)->chain)
		chained++;
	ok &= chained == 20 - EBPF_HASH_SLOTS;
	map->lookup = counted;
	ok &= lab_lookups(map, progs);
	left_to_c = 0;
	for (n = 0; n < 20; n++)
		ok &= same(progs, map, keys[n]);
	if (alone && left_to_c > 0) {
		tap_diag("%u of 20 keys of %u, %u are left to C", left_to_c / 6,
			 key_size, entries);
		ok = false;
	}
	for (; n < in; n++)
		ok &= same(progs, map, keys[n]);
	/* holes where others with that tag were */
	ok &= ebpf_map_remove(map, keys[0]) == 0 &&
	      ebpf_map_remove(map, keys[2]) == 0;
	for (n = 0; n < in; n++)
		ok &= same(progs, map, keys[n]);
	lab_lookups_free(progs);
	ebpf_map_put(map);
	return ok;
}

/* Every second key of a bucket comes and goes. */
struct coming {
	struct ebpf_map *map;
	uint8_t keys[CROWD][KEY_MAX];
	bool stop; /* atomic */
};

static void *
come_and_go(void *cookie)
{
	struct coming *c = cookie;

	while (!os_load_acquire(&c->stop)) {
		for (uint32_t n = 1; n < CROWD; n += 2)
			ebpf_map_remove(c->map, c->keys[n]);
		for (uint32_t n = 1; n < CROWD; n += 2)
			put(c->map, c->keys[n]);
	}
	return NULL;
}

/* The others are always found, in slots and on the chain. */
static bool
staying(uint32_t kind, uint32_t key_size)
{
	struct coming c = { .map = make(kind, key_size, 8, 64, 0) };
	struct ebpf_hash_probe probe;
	struct ebpf_prog *prog = lab_lookup_prog(c.map, LAB_NOT);
	uint64_t found[CROWD];
	pthread_t thread;
	bool ok = unverified_compile(prog) == 0;

	for (uint32_t n = 0, in = 0; in < CROWD; n++) {
		key_make(c.keys[in], key_size, n);
		probe = ebpf_hash_probe(ebpf_hash_of(c.map), c.keys[in]);
		if (ebpf_hash_index(ebpf_hash_of(c.map), probe.hash) == 0)
			put(c.map, c.keys[in++]);
	}
	for (uint32_t n = 0; n < CROWD; n++)
		found[n] = (uintptr_t)c.map->ops->lookup(c.map, c.keys[n]);
	pthread_create(&thread, NULL, come_and_go, &c);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t n = i * 2 % CROWD;

		memcpy((uint8_t *)mem + LAB_KEY_AT, c.keys[n], key_size);
		ok &= lab_run(prog, (uintptr_t)mem, MEM, 0) == found[n];
	}
	os_store_release(&c.stop, true);
	pthread_join(thread, NULL);
	unverified_free(prog);
	ebpf_map_put(c.map);
	return ok;
}

static void
crowds(void)
{
	static const uint32_t sizes[] = { 4, 6, 8, 12, 16 };
	bool ok = true;

	for (uint32_t k = 0; k < KINDS; k++)
		for (uint32_t s = 0; s < 5; s++)
			ok &= crowd(kinds[k].kind, sizes[s], 64, 0);
	for (uint32_t s = 0; s < 5; s++)
		ok &= crowd(EBPF_MAP_HASH, sizes[s], 64, EBPF_F_NO_PREALLOC);
	tap_ok(ok, "keys that meet in a bucket, by their tags and on its chain");
	tap_ok(staying(EBPF_MAP_HASH, 6) && staying(EBPF_MAP_LRU_HASH, 4) &&
		       staying(EBPF_MAP_HASH_OF_MAPS, 8),
	       "what stays is found while others come and go beside it");
	tap_ok(crowd(EBPF_MAP_HASH, 4, 1 << 17, 0) &&
		       crowd(EBPF_MAP_HASH, 8, 1 << 17, 0) &&
		       crowd(EBPF_MAP_HASH_OF_MAPS, 6, 1 << 17, 0) &&
		       fill_and_try(EBPF_MAP_HASH, 6, 4, 1 << 17, 0),
	       "and where homes lie inside buckets");
}

/* Every thread has its own number, held while it is in its section. */
static void *
other_thread(void *unused)
{
	tap_ok(fill_and_try(EBPF_MAP_PERCPU_HASH, 8, 24, 700, 0) &&
		       fill_and_try(EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 700, 0),
	       "per-CPU values in another thread");
	return unused;
}

static void
threads(void)
{
	struct ebpf_section section;
	pthread_t thread;

	ebpf_section_enter(&section);
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_join(thread, NULL);
	ebpf_section_leave(&section);
}

/* ---- which map a call asks ---- */

/* mem[0] = which way to go; the maps' only key is in mem + LAB_KEY_AT */
static void
ways(void)
{
	struct ebpf_map *maps[2] = { make(EBPF_MAP_HASH, 4, 8, 8, 0),
				     make(EBPF_MAP_HASH, 4, 8, 8, 0) };
	struct ebpf_prog *prog;
	uint64_t want[2], got[2];
	bool ok = true;

	memset(mem, 0, MEM);
	for (int i = 0; i < 2; i++)
		put(maps[i], (uint8_t *)mem + LAB_KEY_AT);
	for (int way = 0; way < 2; way++)
		want[way] = (uintptr_t)maps[way]->ops->lookup(
			maps[way], (uint8_t *)mem + LAB_KEY_AT);
	/* jumped to between the load and the call */
	lab_put(0xbf, 2, 1, 0, 0);
	lab_put(0x07, 2, 0, 0, LAB_KEY_AT);
	lab_put(0x71, 3, 1, 0, 0);
	lab_put_map(1, 1);
	lab_put(0x55, 3, 0, 2, 0);
	lab_put_map(1, 0);
	lab_put(0xbf, 4, 3, 0, 0);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(maps, 2, NULL);
	TAP_CHECK(unverified_compile(prog) == 0);
	for (int way = 0; way < 2; way++) {
		mem[0] = (uint64_t)way;
		ok &= lab_run(prog, (uintptr_t)mem, MEM, 0) == want[way];
	}
	unverified_free(prog);
	tap_ok(ok, "a map chosen on the way to the call");

	/* loaded once, asked twice; r1 is somebody else's in between */
	mem[0] = 0;
	lab_put(0xbf, 6, 1, 0, 0);
	lab_put_map(1, 0);
	lab_put(0xbf, 7, 1, 0, 0);
	lab_put(0xbf, 2, 6, 0, 0);
	lab_put(0x07, 2, 0, 0, LAB_KEY_AT);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	lab_put(0x7b, 6, 0, 16, 0);
	lab_put_map(1, 0);
	lab_put(0xbf, 1, 7, 0, 0);
	lab_put(0xbf, 2, 6, 0, 0);
	lab_put(0x07, 2, 0, 0, LAB_KEY_AT);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	lab_put(0x7b, 6, 0, 24, 0);
	lab_put_map(1, 1); /* another map's update reads r1 */
	lab_put(0xbf, 2, 6, 0, 0);
	lab_put(0x07, 2, 0, 0, LAB_KEY_AT);
	lab_put(0xbf, 3, 6, 0, 0);
	lab_put(0xb7, 4, 0, 0, EBPF_NOEXIST);
	lab_put_call(EBPF_FUNC_map_update_elem);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(maps, 2, NULL);
	TAP_CHECK(unverified_compile(prog) == 0);
	got[0] = lab_run(prog, (uintptr_t)mem, MEM, 0);
	tap_ok((int64_t)got[0] == -17 && mem[2] == want[0] && mem[3] == want[0],
	       "a map kept in a register");
	unverified_free(prog);
	ebpf_map_put(maps[0]);
	ebpf_map_put(maps[1]);
}

/* One piece of code for all programs, and it stays when they go. */
static void
shared(void)
{
	struct ebpf_map *map = make(EBPF_MAP_HASH, 4, 8, 8, 0);
	struct ebpf_prog *progs[2];
	const void *code;
	bool own[2];

	TAP_CHECK(ebpf_jit_lookup_code(map, false, &own[0]) ==
			  (const void *)(uintptr_t)map->lookup &&
		  !own[0]);
	for (int i = 0; i < 2; i++) {
		progs[i] = lab_lookup_prog(map, LAB_NOT);
		TAP_CHECK(unverified_compile(progs[i]) == 0);
	}
	code = ebpf_jit_lookup_code(map, false, &own[0]);
	unverified_free(progs[0]);
	unverified_free(progs[1]);
	tap_ok(own[0] && ebpf_jit_lookup_code(map, false, &own[1]) == code && own[1],
	       "programs share a map's code");
	ebpf_map_put(map);
}

static void
allocation_failures(void)
{
	struct ebpf_map *map = make(EBPF_MAP_HASH, 4, 8, 8, 0);
	struct ebpf_prog *prog = lab_lookup_prog(map, LAB_NOT);
	struct ebpf_jit_image *image;
	uint32_t failed = 0;
	bool ok = true;
	int error;

	do {
		os_test_fail_at(++failed);
		error = unverified_image(prog, &image);
		os_test_fail_at(0);
		ok &= error == 0 || error == -EBPF_ENOMEM;
	} while (error != 0 && failed < 100);
	ebpf_jit_free(image);
	tap_ok(ok && error == 0 && failed > 5,
	       "each of %u allocations may fail", failed - 1);
	unverified_free(prog);
	ebpf_map_put(map);
}

int
main(void)
{
	if (!lab_open("jit lookups"))
		return lab_close();
	inner = make(EBPF_MAP_ARRAY, 4, 8, 2, 0);
	shapes(EBPF_F_ZERO_SEED, ", known seed");
	shapes(0, "");
	shapes(EBPF_F_NO_PREALLOC, ", on demand");
	crowds();
	threads();
	ways();
	shared();
	allocation_failures();
	lab_rt->config.harden = EBPF_HARDEN_CONSTANTS;
	crowds();
	ways();
	ebpf_map_put(inner);
	return lab_close();
}
