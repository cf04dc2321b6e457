/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * lpm_trie maps that become large and small again: thousands of prefixes in a
 * window of 16 bits somewhere in the address, so that nodes become tables of
 * all widths and tables nodes, against an array that has every prefix of the
 * window; without memory at any point, or with the lock; and beside readers and
 * walkers.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "lpm_lab.h"
#include "map_lab.h"
#include "tap.h"

enum { WINDOW = 16, KEY_MAX = EBPF_LPM_LEN + EBPF_LPM_DATA_MAX };

static struct dice dice = { 88172645463325252ull };

static uint32_t
rnd(uint32_t below)
{
	return dice_below(&dice, below);
}

/* ---- prefixes of the window ---- */

static uint32_t data_size, base; /* bits in front of the window */

/* By length in the window and bits; 0: not there. */
static uint64_t model[WINDOW + 1][1 << WINDOW];
static uint32_t model_count;

static uint64_t
value_of(uint32_t len, uint32_t bits)
{
	return 1ull << 40 | (uint64_t)len << 32 | bits;
}

/* What stands outside of the window is always the same. */
static void
key_of(uint32_t len, uint32_t bits, uint8_t *key)
{
	uint32_t all = base + len, i, at;

	memcpy(key, &all, 4);
	for (i = 0; i < data_size; i++)
		key[4 + i] = (uint8_t)(i * 37 + 11);
	for (i = 0; i < WINDOW; i++) {
		at = base + i;
		if (at >= data_size * 8)
			break;
		key[4 + at / 8] &= (uint8_t)~(0x80 >> at % 8);
		/* bits behind the length are zero */
		if (i < len && (bits >> (len - 1 - i) & 1) != 0)
			key[4 + at / 8] |= (uint8_t)(0x80 >> at % 8);
	}
}

/* The longest that is there, for a prefix or whole address of the window. */
static uint64_t
model_longest(uint32_t len, uint32_t bits)
{
	uint32_t l = len + 1;

	while (l-- > 0)
		if (model[l][bits >> (len - l)] != 0)
			return model[l][bits >> (len - l)];
	return 0;
}

static void
random_prefix(uint32_t *len, uint32_t *bits)
{
	*len = rnd(4) == 0 ? rnd(WINDOW + 1) : 6 + rnd(11);
	*bits = rnd(1u << *len);
}

static bool
check_lookups(struct ebpf_map *map)
{
	uint32_t len, bits, i, all = data_size * 8;
	uint8_t key[KEY_MAX];
	uint64_t *got, wanted;

	for (i = 0; i < 3; i++) {
		random_prefix(&len, &bits);
		if (i > 0) {
			len = WINDOW;
			bits = rnd(1u << WINDOW);
		}
		key_of(len, bits, key);
		if (i > 0)
			memcpy(key, &all, 4);
		wanted = model_longest(len, bits);
		if (i == 2 && base != 0 && rnd(4) == 0) {
			/* outside of the window nothing is there */
			key[4] ^= 0x80;
			wanted = 0;
		}
		got = ebpf_map_find(map, key);
		if ((got != NULL ? *got : 0) != wanted)
			return false;
	}
	return true;
}

/* Does the walk from *at go on with all that is below this prefix, and it? */
static bool
check_below(struct ebpf_map *map, uint32_t len, uint32_t bits, uint8_t *at,
	    uint32_t *seen)
{
	uint8_t key[KEY_MAX];

	if (len < WINDOW &&
	    (!check_below(map, len + 1, bits * 2, at, seen) ||
	     !check_below(map, len + 1, bits * 2 + 1, at, seen)))
		return false;
	if (model[len][bits] == 0)
		return true;
	key_of(len, bits, key);
	if (ebpf_map_next(map, *seen == 0 ? NULL : at, at) != 0 ||
	    memcmp(at, key, 4 + data_size) != 0)
		return false;
	++*seen;
	return true;
}

static bool
check_order(struct ebpf_map *map)
{
	uint32_t seen = 0;
	uint8_t at[KEY_MAX];

	return check_below(map, 0, 0, at, &seen) && seen == model_count &&
	       ebpf_map_next(map, seen == 0 ? NULL : at, at) == -EBPF_ENOENT;
}

static bool
put(struct ebpf_map *map, uint32_t len, uint32_t bits)
{
	uint64_t value = value_of(len, bits);
	uint8_t key[KEY_MAX];

	key_of(len, bits, key);
	if (maps_put(map, key, &value, 0) != 0)
		return false;
	model_count += model[len][bits] == 0;
	model[len][bits] = value;
	return true;
}

static bool
take(struct ebpf_map *map, uint32_t len, uint32_t bits)
{
	uint8_t key[KEY_MAX];
	int wanted = model[len][bits] != 0 ? 0 : -EBPF_ENOENT;

	key_of(len, bits, key);
	model_count -= model[len][bits] != 0;
	model[len][bits] = 0;
	return ebpf_map_remove(map, key) == wanted;
}

static struct ebpf_map *under; /* the last one made */

static struct ebpf_map *
make(uint32_t entries)
{
	memset(model, 0, sizeof(model));
	model_count = 0;
	under = maps_make(EBPF_MAP_LPM_TRIE, 4 + data_size, 8, entries,
			  EBPF_F_NO_PREALLOC);
	return under;
}

/* Random ones come, up to `most`, then all go, in random order. */
static void
test_window(uint32_t size, uint32_t at, uint32_t most)
{
	uint32_t len, bits, steps = 0, widest = 0, i, l;
	struct lpm_lab_seen seen;
	struct ebpf_map *map;
	bool good = true;

	data_size = size;
	base = at;
	map = make(1u << 17);
	while (model_count < most && good) {
		random_prefix(&len, &bits);
		good = rnd(8) != 0 ? put(map, len, bits) :
				     take(map, len, bits);
		good = good && check_lookups(map);
		if (++steps % 2048 == 0)
			good = good && lpm_lab_check(map, NULL);
	}
	good = good && lpm_lab_check(map, &seen) && check_order(map);
	widest = seen.bits;
	tap_ok(good && widest >= 8, "%u bytes, from bit %u: %u, %u tables, the "
	       "widest of %u bits", size, at, model_count, seen.tables, widest);
	/* from a random place on, so that what is empty comes in all sizes */
	for (l = 0; l <= WINDOW && good; l++)
		for (i = 0; i < 1u << l && good; i++) {
			bits = i * 0x9e37u & ((1u << l) - 1);
			if (model[l][bits] != 0 && rnd(64) != 0)
				good = take(map, l, bits) &&
				       check_lookups(map);
			if (++steps % 4096 == 0)
				good = good && lpm_lab_check(map, NULL);
		}
	good = good && lpm_lab_check(map, &seen) && check_order(map);
	tap_ok(good, "and %u are left, %u tables, the widest of %u bits",
	       model_count, seen.tables, seen.bits);
	for (l = 0; l <= WINDOW && good; l++)
		for (i = 0; i < 1u << l && good; i++)
			if (model[l][i] != 0)
				good = take(map, l, i) && check_lookups(map);
	good = good && lpm_lab_check(map, &seen) && check_order(map);
	ebpf_map_settle(map);
	good = good && ebpf_lpm_of(map)->tables_leaving.begun.count == 0;
	tap_ok(good && seen.nodes == 0, "and none");
	ebpf_map_put(map);
	os_epoch_drain();
}

/* In order: what is above becomes a table behind what is below. */
static void
test_sorted(uint32_t size, uint32_t at, bool down)
{
	uint32_t len, i, bits;
	struct lpm_lab_seen seen;
	struct ebpf_map *map;
	bool good = true;

	data_size = size;
	base = at;
	map = make(1u << 17);
	for (i = 0; i < 1u << WINDOW && good; i += 5) {
		bits = down ? (1u << WINDOW) - 1 - i : i;
		len = 8 + i % 9;
		good = put(map, len, bits >> (WINDOW - len)) &&
		       check_lookups(map);
	}
	good = good && lpm_lab_check(map, &seen) && check_order(map);
	tap_ok(good && seen.bits >= 8, "%u in order%s: %u tables, the widest "
	       "of %u bits", model_count, down ? ", backwards" : "",
	       seen.tables, seen.bits);
	for (i = 0; i < 1u << WINDOW && good; i += 5) {
		bits = down ? (1u << WINDOW) - 1 - i : i;
		len = 8 + i % 9;
		bits >>= WINDOW - len;
		if (model[len][bits] != 0)
			good = take(map, len, bits) && check_lookups(map);
		if (i % 1000 == 0)
			good = good && lpm_lab_check(map, NULL);
	}
	good = good && lpm_lab_check(map, &seen);
	tap_ok(good && model_count == 0 && seen.nodes == 0, "and away");
	ebpf_map_put(map);
	os_epoch_drain();
}

/* ---- without memory ---- */

static uint32_t allowed, denied; /* allocations */

static bool
first_few(size_t size)
{
	if (allowed > 0)
		allowed--;
	else
		denied++;
	return denied == 0;
}

/*
 * All allocations fail, from the first on, the second, and so on: the insertion
 * has not been, or it has.
 */
static void
test_failing(void)
{
	uint32_t len, bits, i, n, refused = 0, did = 0;
	uint8_t key[KEY_MAX];
	struct ebpf_map *map;
	uint64_t value;
	bool good = true;
	int error;

	data_size = 4;
	base = 8;
	map = make(4096);
	for (i = 0; i < 1500 && good; i++) {
		random_prefix(&len, &bits);
		key_of(len, bits, key);
		value = value_of(len, bits);
		for (n = 0, error = 1; error != 0 && good; n++) {
			allowed = n;
			denied = 0;
			os_test_now(first_few);
			error = ebpf_map_write(map, key, &value, 0);
			did += error == 0 && denied > 0;
			os_test_now(NULL);
			if (error == 0)
				break;
			refused++;
			good = error == -EBPF_ENOMEM &&
			       model[len][bits] == 0 &&
			       map->ops->count(map) == model_count &&
			       lpm_lab_check(map, NULL) && check_lookups(map);
		}
		model_count += model[len][bits] == 0;
		model[len][bits] = value;
		good = good && check_lookups(map);
	}
	good = good && lpm_lab_check(map, NULL) && check_order(map);
	tap_ok(good && refused > 20 && did > 0,
	       "%u, though memory failed: %u refused, %u without a table",
	       model_count, refused, did);
	ebpf_map_put(map);
	os_epoch_drain();
}

static uint32_t asked_locked;

/* As in a home that has no memory while locks are held. */
static bool
unlocked(size_t size)
{
	bool held = os_test_held(&ebpf_lpm_of(under)->lock);

	asked_locked += held;
	return !held;
}

static bool
never(size_t size)
{
	return false;
}

/* Tables, nodes and elements come and go as ever. */
static void
test_without_lock(void)
{
	asked_locked = 0;
	os_test_now(unlocked);
	test_window(4, 8, 14000);
	test_window(16, 57, 6000);
	test_sorted(4, 11, true);
	os_test_now(NULL);
	tap_ok(asked_locked > 0, "with no memory to be had with the lock");
}

/* What is there can be taken away without any memory. */
static void
test_none(void)
{
	uint32_t len, bits, i;
	struct ebpf_map *map;
	bool good = true;

	data_size = 4;
	base = 8;
	map = make(1u << 17);
	while (model_count < 6000 && good) {
		random_prefix(&len, &bits);
		good = put(map, len, bits);
	}
	os_test_now(never);
	for (i = 0; i < 20000 && good; i++) {
		random_prefix(&len, &bits);
		good = take(map, len, bits) && check_lookups(map);
	}
	good = good && lpm_lab_check(map, NULL) && check_order(map);
	os_test_now(NULL);
	tap_ok(good, "%u are left of 6000, without memory", model_count);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* As many as the domain's limit has memory for, again and again. */
static void
test_limit(void)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = EBPF_MAP_LPM_TRIE,
		.key_size = 8,
		.value_size = 8,
		.max_entries = 1 << 16,
		.flags = EBPF_F_NO_PREALLOC,
	};
	struct ebpf_runtime_config config = {
		.size = sizeof(config),
		.mem_max = 100000,
	};
	uint32_t i, n = 0, first = 0, round;
	struct ebpf_runtime *rt;
	uint8_t key[KEY_MAX];
	struct ebpf_map *map;
	uint64_t value = 1;
	bool good;
	int error = 0;

	data_size = 4;
	base = 16;
	good = ebpf_runtime_create(&config, &rt) == 0 &&
	       ebpf_map_create(rt, &spec, &map) == 0;
	if (!TAP_CHECK(good))
		return;
	for (round = 0; round < 4 && good; round++) {
		for (n = 0; n < 1 << 16; n++) {
			key_of(WINDOW, n * 0x9e37u & 0xffff, key);
			error = ebpf_map_write(map, key, &value, 0);
			if (error != 0)
				break;
		}
		first = round == 0 ? n : first;
		good = error == -EBPF_ENOMEM && rt->mem_used <= 100000 &&
		       rt->mem_used > 60000 && lpm_lab_check(map, NULL) &&
		       map->ops->count(map) == n && n >= first / 2;
		for (i = 0; i < n && good; i++) {
			key_of(WINDOW, i * 0x9e37u & 0xffff, key);
			good = ebpf_map_remove(map, key) == 0;
		}
		ebpf_map_settle(map);
		good = good && lpm_lab_check(map, NULL);
	}
	tap_ok(good, "%u fit into the domain's memory, then %u", first, n);
	ebpf_map_put(map);
	os_epoch_drain();
	TAP_CHECK(rt->mem_used == 0);
	ebpf_runtime_destroy(rt);
}

/* ---- beside others ---- */

enum {
	STABLE_STEP = 64, /* every 64th whole address stays */
	ROUNDS = 4,
	COMERS = 6000,
};

static uint32_t done, failures;

static void
expect(bool good)
{
	if (!good)
		os_add(&failures, 1);
}

/* What stays is found, whatever else comes and goes. */
static void *
reader(void *cookie)
{
	struct ebpf_map *map = cookie;
	uint32_t n = 0, bits, len;
	struct os_epoch section;
	uint8_t key[KEY_MAX];
	uint64_t got, *at;

	while (os_load_acquire(&done) == 0) {
		n = n * 1664525 + 1013904223;
		bits = n >> 16;
		key_of(WINDOW, bits, key);
		expect(ebpf_map_read(map, key, &got) == 0);
		len = (uint32_t)(got >> 32) & 0xff;
		/* one that covers it, and the whole address if that stays */
		expect(len <= WINDOW && (uint32_t)got == bits >> (WINDOW - len));
		if (bits % STABLE_STEP == 0)
			expect(got == value_of(WINDOW, bits));
		len = n % (WINDOW + 1);
		key_of(len, bits >> (WINDOW - len), key);
		os_epoch_enter(&section);
		at = ebpf_map_find(map, key);
		got = at != NULL ? os_load(at) : 0;
		os_epoch_exit(&section);
		expect(at != NULL && ((uint32_t)(got >> 32) & 0xff) <= len);
	}
	return NULL;
}

/* Longer ones first where one is part of the other, else by bits. */
static int
compare(const uint8_t *a, const uint8_t *b)
{
	uint32_t i, len_a, len_b;
	int differ;

	memcpy(&len_a, a, 4);
	memcpy(&len_b, b, 4);
	for (i = 0; i < len_a && i < len_b; i++) {
		differ = (a[4 + i / 8] >> (7 - i % 8) & 1) -
			 (b[4 + i / 8] >> (7 - i % 8) & 1);
		if (differ != 0)
			return differ;
	}
	return (len_a < len_b) - (len_a > len_b);
}

/* Behind one that stays comes, at the latest, the next that does. */
static void *
walker(void *cookie)
{
	uint8_t key[KEY_MAX], next[KEY_MAX], got[KEY_MAX];
	struct ebpf_map *map = cookie;
	uint32_t bits = 0;

	while (os_load_acquire(&done) == 0) {
		key_of(WINDOW, bits, key);
		bits = (bits + STABLE_STEP) % (1u << WINDOW);
		key_of(WINDOW, bits, next);
		if (bits == 0) /* the shortest is the last of all */
			key_of(0, 0, next);
		expect(ebpf_map_next(map, key, got) == 0 &&
		       compare(key, got) < 0 && compare(got, next) <= 0);
	}
	return NULL;
}

static void
test_beside(uint32_t size, uint32_t at)
{
	uint32_t i, round, len, bits;
	struct ebpf_map *map;
	pthread_t threads[3];
	bool good = true;

	data_size = size;
	base = at;
	os_store(&done, 0);
	os_store(&failures, 0);
	map = make(1u << 17);
	good = put(map, 0, 0);
	for (bits = 0; bits < 1u << WINDOW && good; bits += STABLE_STEP)
		good = put(map, WINDOW, bits);
	pthread_create(&threads[0], NULL, reader, map);
	pthread_create(&threads[1], NULL, reader, map);
	pthread_create(&threads[2], NULL, walker, map);
	for (round = 0; round < ROUNDS && good; round++) {
		for (i = 0; i < COMERS && good; i++) {
			len = 1 + rnd(WINDOW);
			good = put(map, len, rnd(1u << len));
		}
		for (len = 1; len <= WINDOW && good; len++)
			for (bits = 0; bits < 1u << len && good; bits++)
				if (model[len][bits] != 0 &&
				    (len < WINDOW || bits % STABLE_STEP != 0))
					good = take(map, len, bits);
	}
	os_store_release(&done, 1);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	tap_ok(good && os_load(&failures) == 0 && lpm_lab_check(map, NULL) &&
	       check_order(map), "%u bytes, from bit %u: %u stay beside those "
	       "who come and go", size, at, model_count);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* ---- a table that is taken to pieces ---- */

/* Through the window's prefix of 7 bits to that of none. */
static void *
asker(void *cookie)
{
	struct ebpf_map *map = cookie;
	struct os_epoch section;
	uint8_t key[8];
	uint64_t *at;

	key_of(4, 0, key);
	while (os_load_acquire(&done) == 0) {
		os_epoch_enter(&section);
		at = ebpf_map_find(map, key);
		expect(at != NULL && os_load(at) == value_of(0, 0));
		os_epoch_exit(&section);
	}
	return NULL;
}

/* A prefix of 16 bits beside the window, or again without it. */
static bool
neighbour(struct ebpf_map *map, uint8_t first, bool in)
{
	uint8_t key[8] = { 0 };
	uint64_t value = first;
	uint32_t len = 16;

	memcpy(key, &len, 4);
	key[4] = first;
	return (in ? ebpf_map_write(map, key, &value, 0) :
		     ebpf_map_remove(map, key)) == 0;
}

/*
 * The window's table of eight bits gets neighbours: one that begins before it
 * takes it in, piece by piece, while somebody asks for what is short in it.
 */
static void
test_pieces(void)
{
	uint8_t others[3];
	struct ebpf_map *map;
	pthread_t thread;
	uint32_t round, i;
	bool good;

	data_size = 4;
	base = 8;
	os_store(&done, 0);
	os_store(&failures, 0);
	map = make(1u << 12);
	for (i = 0; i < 3; i++)
		others[i] = (uint8_t)(11 ^ (i + 1)); /* the window's is 11 */
	good = put(map, 0, 0) && put(map, 7, 0);
	pthread_create(&thread, NULL, asker, map);
	for (round = 0; round < 600 && good; round++) {
		for (i = 0; i < 256 && good; i++)
			good = put(map, 8, i);
		for (i = 0; i < 3 && good; i++)
			good = neighbour(map, others[i], true);
		for (i = 0; i < 3 && good; i++)
			good = neighbour(map, others[i], false);
		for (i = 0; i < 256 && good; i++)
			good = take(map, 8, i);
	}
	os_store_release(&done, 1);
	pthread_join(thread, NULL);
	tap_ok(good && os_load(&failures) == 0 && lpm_lab_check(map, NULL),
	       "what is short in a table is found while that goes to pieces");
	ebpf_map_put(map);
	os_epoch_drain();
}

int
main(void)
{
	if (!maps_begin())
		return 1;
	test_window(4, 0, 14000);
	test_window(4, 8, 14000);
	test_window(4, 16, 14000);
	test_window(3, 5, 6000);
	test_window(8, 47, 6000);
	test_window(16, 40, 6000);
	test_window(16, 57, 6000); /* across the first eight bytes */
	test_window(16, 71, 6000);
	test_window(256, 2032, 3000);
	test_sorted(4, 0, false);
	test_sorted(4, 11, true);
	test_sorted(16, 60, false);
	test_failing();
	test_without_lock();
	test_none();
	test_limit();
	test_beside(4, 8);
	test_beside(16, 56);
	test_pieces();
	return maps_end();
}
