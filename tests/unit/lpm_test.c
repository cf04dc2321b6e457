/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * lpm_trie against a plain list of prefixes: random insertions, overwriting and
 * removals, and after each of them lookups, the order of keys and the number of
 * nodes in use. Sizes from one byte to the largest; addresses from few bits, so
 * that prefixes nest, and from many.
 */
#include <stdlib.h>
#include <string.h>

#include "core/lpm_trie.h"
#include "dice.h"
#include "lpm_lab.h"
#include "map_lab.h"
#include "tap.h"

enum { KEY_MAX = EBPF_LPM_LEN + EBPF_LPM_DATA_MAX, LIST_MAX = 2048 };

static struct dice dice = { 1 };

static uint32_t
rnd(uint32_t below)
{
	return dice_below(&dice, below);
}

/* ---- the model ---- */

struct prefix {
	uint8_t key[KEY_MAX];
	uint64_t value;
};

static struct prefix list[LIST_MAX];
static uint32_t list_count, data_size;

static uint32_t
len_of(const uint8_t *key)
{
	uint32_t len;

	memcpy(&len, key, 4);
	return len;
}

static int
bit(const uint8_t *key, uint32_t at)
{
	return key[4 + at / 8] >> (7 - at % 8) & 1;
}

static bool
same_bits(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t i;

	for (i = 0; i < bits; i++)
		if (bit(a, i) != bit(b, i))
			return false;
	return true;
}

static struct prefix *
model_exact(const uint8_t *key)
{
	uint32_t i;

	for (i = 0; i < list_count; i++)
		if (len_of(list[i].key) == len_of(key) &&
		    same_bits(list[i].key, key, len_of(key)))
			return &list[i];
	return NULL;
}

static struct prefix *
model_longest(const uint8_t *key)
{
	struct prefix *best = NULL;
	uint32_t i;

	for (i = 0; i < list_count; i++)
		if (len_of(list[i].key) <= len_of(key) &&
		    same_bits(list[i].key, key, len_of(list[i].key)) &&
		    (best == NULL || len_of(best->key) < len_of(list[i].key)))
			best = &list[i];
	return best;
}

/* Longer ones first where one is part of the other, else by bits. */
static int
by_order(const void *x, const void *y)
{
	const uint8_t *a = ((const struct prefix *)x)->key;
	const uint8_t *b = ((const struct prefix *)y)->key;
	uint32_t least = len_of(a) < len_of(b) ? len_of(a) : len_of(b), i;

	for (i = 0; i < least; i++)
		if (bit(a, i) != bit(b, i))
			return bit(a, i) - bit(b, i);
	return (len_of(a) < len_of(b)) - (len_of(a) > len_of(b));
}

/* ---- the same on both ---- */

static void
random_key(uint8_t *key, uint32_t style)
{
	uint32_t i, len, bits = data_size * 8;

	if (list_count != 0 && rnd(3) == 0) {
		/* near one that is there */
		memcpy(key, list[rnd(list_count)].key, 4 + data_size);
		len = len_of(key);
		if (rnd(2) == 0) {
			i = rnd(bits);
			key[4 + i / 8] ^= (uint8_t)(1 << i % 8);
		}
		if (rnd(2) == 0)
			len = rnd(4) == 0 ? rnd(bits + 1) :
					    (len + rnd(5) - 2) % (bits + 1);
	} else {
		for (i = 0; i < data_size; i++)
			key[4 + i] = style == 0 ? (uint8_t)rnd(256) :
				     style == 1 ? (uint8_t)(rnd(4) << 6) :
						  (uint8_t)-(int)rnd(2);
		len = rnd(bits + 1);
	}
	memcpy(key, &len, 4);
}

static bool
check_lookups(struct ebpf_map *map, uint32_t style)
{
	uint8_t key[KEY_MAX];
	struct prefix *wanted;
	uint64_t *got;
	uint32_t i, full = data_size * 8;

	for (i = 0; i < 4; i++) {
		random_key(key, style);
		if (rnd(2) == 0)
			memcpy(key, &full, 4);
		wanted = model_longest(key);
		got = ebpf_map_find(map, key);
		if ((got == NULL) != (wanted == NULL) ||
		    (got != NULL && *got != wanted->value))
			return false;
	}
	return true;
}

/* All keys, in order, once each; and by a walk. */
static bool
check_order(struct ebpf_map *map)
{
	uint8_t key[KEY_MAX], next[KEY_MAX], *out;
	size_t element = 4 + data_size + 8;
	uint32_t i, n, seen = 0;
	uint64_t cursor = 0;
	struct prefix *p;
	bool done = false, good = true;

	qsort(list, list_count, sizeof(list[0]), by_order);
	for (i = 0; i < list_count; i++) {
		if (ebpf_map_next(map, i == 0 ? NULL : key, next) != 0 ||
		    memcmp(next, list[i].key, 4 + data_size) != 0)
			return false;
		memcpy(key, next, sizeof(key));
	}
	if (ebpf_map_next(map, i == 0 ? NULL : key, next) != -EBPF_ENOENT)
		return false;
	out = malloc(element * (list_count + 1));
	while (!done && good) {
		n = list_count + 1 - seen;
		good = ebpf_map_walk(map, &cursor, &n, out + seen * element,
				     &done) == 0;
		seen += n;
	}
	for (i = 0; i < seen && good; i++) {
		p = model_exact(out + i * element);
		good = p != NULL && memcmp(&p->value, out + i * element + 4 +
						      data_size, 8) == 0;
	}
	free(out);
	return good && seen == list_count;
}

static int
change(struct ebpf_map *map, const uint8_t *key, uint64_t value, uint32_t flags)
{
	struct prefix *p = model_exact(key);
	int wanted = 0, got;

	if (p != NULL && flags == EBPF_NOEXIST)
		wanted = -EBPF_EEXIST;
	else if (p == NULL && flags == EBPF_EXIST)
		wanted = -EBPF_ENOENT;
	else if (p == NULL && list_count == map->max_entries)
		wanted = -EBPF_ENOSPC;
	while ((got = ebpf_map_write(map, key, &value, flags)) == -EBPF_EAGAIN)
		os_epoch_drain();
	if (got != wanted || got != 0)
		return got == wanted;
	if (p == NULL)
		p = &list[list_count++];
	memcpy(p->key, key, 4 + data_size);
	p->value = value;
	return true;
}

static void
test_random(uint32_t size, uint32_t entries, uint32_t style, uint32_t steps)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = EBPF_MAP_LPM_TRIE,
		.key_size = 4 + size,
		.value_size = 8,
		.max_entries = entries,
		.flags = EBPF_F_NO_PREALLOC,
		.name = "lpm",
	};
	uint8_t key[KEY_MAX] = { 0 };
	struct ebpf_map *map;
	struct prefix *p;
	uint32_t i, grow;
	bool good;

	data_size = size;
	list_count = 0;
	if (!TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == 0))
		return;
	good = true;
	for (i = 0; i < steps && good; i++) {
		grow = i / 512 % 2 == 0 ? 7 : 3; /* of 8 */
		random_key(key, style);
		if (rnd(8) < grow) {
			good = change(map, key, i, rnd(4) == 0 ? rnd(3) : 0);
		} else {
			if (list_count != 0 && rnd(4) != 0)
				memcpy(key, list[rnd(list_count)].key,
				       sizeof(key));
			p = model_exact(key);
			good = ebpf_map_remove(map, key) ==
			       (p != NULL ? 0 : -EBPF_ENOENT);
			if (p != NULL)
				*p = list[--list_count];
		}
		good = good && check_lookups(map, style);
		if (i % 64 == 63)
			good = good && check_order(map) && lpm_lab_check(map, NULL);
		good = good && map->ops->count(map) == list_count;
	}
	tap_ok(good, "%u bytes, %u entries, style %u: %u steps, %u at the end",
	       size, entries, style, i, list_count);
	while (list_count > 0 && good) {
		good = ebpf_map_remove(map, list[--list_count].key) == 0 &&
		       (list_count % 16 != 0 ||
			(check_order(map) && lpm_lab_check(map, NULL)));
	}
	tap_ok(good && ebpf_map_next(map, NULL, key) == -EBPF_ENOENT,
	       "and none when all are removed");
	ebpf_map_put(map);
}

static void
test_create(void)
{
	static const struct {
		uint32_t key, value, entries, flags;
		int error;
	} cases[] = {
		{ 8, 8, 1, EBPF_F_NO_PREALLOC, 0 },
		{ 5, 1, 1, EBPF_F_NO_PREALLOC, 0 },
		{ 260, 8, 1, EBPF_F_NO_PREALLOC, 0 },
		{ 8, 8, 1, EBPF_F_NO_PREALLOC | EBPF_F_RDONLY_PROG, 0 },
		{ 8, 8, 1, 0, -EBPF_EINVAL },
		{ 4, 8, 1, EBPF_F_NO_PREALLOC, -EBPF_EINVAL },
		{ 0, 8, 1, EBPF_F_NO_PREALLOC, -EBPF_EINVAL },
		{ 261, 8, 1, EBPF_F_NO_PREALLOC, -EBPF_EINVAL },
		{ 8, 0, 1, EBPF_F_NO_PREALLOC, -EBPF_EINVAL },
		{ 8, 8, 0, EBPF_F_NO_PREALLOC, -EBPF_EINVAL },
		{ 8, 1u << 23, 1, EBPF_F_NO_PREALLOC, -EBPF_EINVAL },
		{ 8, 8, UINT32_MAX, EBPF_F_NO_PREALLOC, -EBPF_E2BIG },
	};
	struct ebpf_map_spec spec = { .size = sizeof(spec),
				      .kind = EBPF_MAP_LPM_TRIE };
	struct ebpf_map *map;
	uint32_t i;
	int error;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		spec.key_size = cases[i].key;
		spec.value_size = cases[i].value;
		spec.max_entries = cases[i].entries;
		spec.flags = cases[i].flags;
		error = ebpf_map_create(maps_rt, &spec, &map);
		tap_ok(error == cases[i].error,
		       "key %u value %u entries %u flags %x: %s", spec.key_size,
		       spec.value_size, spec.max_entries, spec.flags,
		       ebpf_error_name(error));
		ebpf_map_put(map);
	}
	os_epoch_drain();
	spec.key_size = 8;
	spec.value_size = 8;
	spec.max_entries = 100;
	spec.flags = EBPF_F_NO_PREALLOC;
	maps_failing(&spec, 1);
}

/*
 * What is removed stays readable in a section while there are spare elements;
 * then they are handed on at once, and insertions never fail for want of any,
 * nor of nodes.
 */
static void
test_grace(void)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = EBPF_MAP_LPM_TRIE,
		.key_size = 8,
		.value_size = 8,
		.max_entries = 1,
		.flags = EBPF_F_NO_PREALLOC,
	};
	struct { uint32_t len; uint8_t at[4]; } key = { 32, { 10, 0, 0, 1 } };
	struct os_epoch section;
	struct ebpf_map *map;
	uint64_t value = 1, *old;
	uint32_t i, n = 0, stands = 0;
	int error = 0;

	TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == 0);
	TAP_CHECK(ebpf_map_write(map, &key, &value, 0) == 0);
	os_epoch_enter(&section);
	old = ebpf_map_find(map, &key);
	for (i = 0; i < 10000 && error == 0; i++) {
		error = ebpf_map_remove(map, &key);
		value++;
		if (error == 0)
			error = ebpf_map_write(map, &key, &value, 0);
		n += error == 0;
		if (ebpf_lpm_of(map)->changes == 0) {
			stands++;
			TAP_CHECK(*old == 1);
		}
	}
	os_epoch_exit(&section);
	tap_ok(error == 0 && stands >= 8 && ebpf_lpm_of(map)->changes != 0,
	       "%u times removed and inserted in one section, %u of them "
	       "beside what was removed first", n, stands);
	ebpf_map_settle(map);
	TAP_CHECK(ebpf_map_write(map, &key, &value, 0) == 0);
	key.len = 33;
	TAP_CHECK(ebpf_map_find(map, &key) == NULL);
	TAP_CHECK(ebpf_map_write(map, &key, &value, 0) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_EINVAL);
	ebpf_map_put(map);
}

/* A full map whose prefixes and nodes all go and come, in one section. */
static void
test_section(uint32_t entries)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = EBPF_MAP_LPM_TRIE,
		.key_size = 20,
		.value_size = 8,
		.max_entries = entries,
		.flags = EBPF_F_NO_PREALLOC,
	};
	struct { uint32_t len; uint32_t at[4]; } key = { 0 };
	struct os_epoch section;
	struct ebpf_map *map;
	uint32_t i, n, old;
	uint64_t value;
	bool good = true;

	TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == 0);
	os_epoch_enter(&section);
	for (i = 0; i < entries * 12 && good; i++) {
		for (n = 0; n < 2; n++) {
			old = n == 0 ? i - entries : i;
			key.len = 40 + old % 89;
			key.at[0] = old / 100;
			key.at[1] = old * 0x9e3779b1u;
			if (n == 0 && i >= entries)
				good = ebpf_map_remove(map, &key) == 0;
		}
		value = i;
		good = good && ebpf_map_write(map, &key, &value,
					      EBPF_NOEXIST) == 0;
	}
	good = good && map->ops->count(map) == entries;
	for (i -= entries; i < entries * 12 && good; i++) {
		key.len = 40 + i % 89;
		key.at[0] = i / 100;
		key.at[1] = i * 0x9e3779b1u;
		good = ebpf_map_extract(map, &key, &value) != 0 &&
		       ebpf_map_read(map, &key, &value) == 0 && value == i;
	}
	os_epoch_exit(&section);
	tap_ok(good, "%u prefixes are replaced again and again in one section",
	       entries);
	ebpf_map_put(map);
}

int
main(void)
{
	static const uint32_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 16, 33 };
	uint32_t i, style;

	if (!maps_begin())
		return 1;
	test_create();
	test_grace();
	test_section(1);
	test_section(3);
	test_section(1000);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (style = 0; style < 3; style++)
			test_random(sizes[i], i % 2 == 0 ? 100 : 300, style,
				    1900);
	test_random(4, 2000, 0, 6600);
	test_random(256, 100, 2, 600);
	test_random(256, 100, 0, 600);
	test_random(2, 1, 0, 100);
	return maps_end();
}
