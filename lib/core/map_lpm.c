/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * lpm_trie maps: the operations and the memory of a trie; lpm_trie.h says how
 * it works. Keys are a prefix length in bits and an address whose first bit is
 * the highest of its first byte.
 */
#include "core/lpm_trie.h"
#include "core/map_value.h"

enum {
	WALK_LOOK = 4096, /* elements looked at by one call */
	ENTRIES_MAX = 1u << 29, /* of 30 bits for a number */
	VALUE_MAX = (4 << 20) - EBPF_LPM_DATA_MAX - 64,
};

/* ---- run path ---- */

/* Into an element that may have been handed on: behind `changes`. */
static void
put(void *to, const void *from, uint32_t len)
{
	const uint8_t *byte = from;
	uint64_t *stored = to, word;

	for (; len >= 8; len -= 8, byte += 8) {
		memcpy(&word, byte, 8);
		os_store_release(stored++, word);
	}
	if (len == 0)
		return;
	word = 0;
	memcpy(&word, byte, len);
	os_store_release(stored, word);
}

/* An element with that key and value, 0: no memory. Locked. */
static uint32_t
element_new(struct ebpf_map_lpm *lpm, const uint64_t *key, const void *value)
{
	uint32_t number = ebpf_lpm_element_take(lpm);

	if (number == 0)
		return 0;
	put((uint8_t *)ebpf_lpm_record(lpm, number) + EBPF_LPM_KEY, key,
	    lpm->map.key_size);
	put(ebpf_lpm_value(lpm, number), value, lpm->map.value_size);
	return number;
}

/* It is linked: walks see it now. */
static void
element_show(struct ebpf_map_lpm *lpm, uint32_t number)
{
	/* unlike what it said when last in the map */
	lpm->stamp++;
	os_store_release(&ebpf_lpm_record(lpm, number)->live,
			 EBPF_LPM_LIVE | lpm->stamp);
}

/*
 * The prefix is there. Bits behind its length may be other ones now, and users
 * are shown them: then by another element.
 */
static int
overwrite(struct ebpf_map_lpm *lpm, uint32_t old, const uint64_t *key,
	  const void *value)
{
	uint32_t number;

	if (memcmp(ebpf_lpm_element(lpm, old), key, lpm->map.key_size) == 0) {
		ebpf_value_store(ebpf_lpm_value(lpm, old), value,
				 lpm->map.value_size);
		return 0;
	}
	number = element_new(lpm, key, value);
	if (number == 0)
		return -EBPF_ENOMEM;
	ebpf_lpm_replace(lpm, old, number);
	element_show(lpm, number);
	ebpf_lpm_element_give(lpm, old);
	return 0;
}

static int
insert(struct ebpf_map_lpm *lpm, const uint64_t *key, const void *value)
{
	uint32_t number;
	int error;

	if (lpm->count == lpm->map.max_entries)
		return -EBPF_ENOSPC;
	number = element_new(lpm, key, value);
	if (number == 0)
		return -EBPF_ENOMEM;
	error = ebpf_lpm_link(lpm, number);
	if (error != 0) {
		ebpf_lpm_element_undo(lpm, number);
		return error;
	}
	element_show(lpm, number);
	os_store(&lpm->count, lpm->count + 1);
	return 0;
}

static int
set_locked(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe,
	   const uint64_t *key, const void *value, uint64_t flags)
{
	uint32_t number = ebpf_lpm_find_exact(lpm, probe);

	if (number == 0)
		return flags == EBPF_EXIST ? -EBPF_ENOENT :
					     insert(lpm, key, value);
	if (flags == EBPF_NOEXIST)
		return -EBPF_EEXIST;
	return overwrite(lpm, number, key, value);
}

static void
lock(struct ebpf_map_lpm *lpm, struct ebpf_lpm_larder *larder)
{
	os_spin_lock(&lpm->lock);
	lpm->larder = larder;
	ebpf_lpm_store_tidy(lpm);
}

/*
 * The key is copied: it may be a map's value that others are changing, and what
 * is linked must be what was looked for.
 */
static int
lpm_update(struct ebpf_map *map, const void *from, const void *value,
	   uint64_t flags)
{
	uint64_t key[(EBPF_LPM_LEN + EBPF_LPM_DATA_MAX + 7) / 8];
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	struct ebpf_lpm_larder larder;
	struct ebpf_lpm_probe probe;
	int error = -EBPF_ENOMEM;

	key[(map->key_size - 1) / 8] = 0; /* behind its end */
	memcpy(key, from, map->key_size);
	probe = ebpf_lpm_probe(lpm, key);
	if (flags > EBPF_EXIST || probe.len > lpm->data_bits)
		return -EBPF_EINVAL;
	ebpf_lpm_larder_begin(&larder);
	do {
		lock(lpm, &larder);
		if (error == -EBPF_ENOMEM)
			error = set_locked(lpm, &probe, key, value, flags);
		else
			ebpf_lpm_fit(lpm, &probe, false);
		os_spin_unlock(&lpm->lock);
	} while (os_unlikely(ebpf_lpm_larder_more(lpm, &larder)));
	ebpf_lpm_larder_end(lpm, &larder);
	return error;
}

static int
remove_locked(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe)
{
	uint32_t number = ebpf_lpm_find_exact(lpm, probe);

	if (number == 0)
		return -EBPF_ENOENT;
	ebpf_lpm_unlink(lpm, number);
	ebpf_lpm_element_give(lpm, number);
	os_store(&lpm->count, lpm->count - 1);
	return 0;
}

static int
lpm_remove(struct ebpf_map *map, const void *key)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	struct ebpf_lpm_probe probe = ebpf_lpm_probe(lpm, key);
	struct ebpf_lpm_larder larder;
	int error;

	if (probe.len > lpm->data_bits)
		return -EBPF_EINVAL;
	ebpf_lpm_larder_begin(&larder);
	lock(lpm, &larder);
	error = remove_locked(lpm, &probe);
	os_spin_unlock(&lpm->lock);
	while (os_unlikely(ebpf_lpm_larder_more(lpm, &larder))) {
		lock(lpm, &larder);
		ebpf_lpm_fit(lpm, &probe, true);
		os_spin_unlock(&lpm->lock);
	}
	ebpf_lpm_larder_end(lpm, &larder);
	return error;
}

/* ---- users ---- */

static uint32_t
next_of(const struct ebpf_map_lpm *lpm, const void *key, void *next)
{
	struct ebpf_lpm_probe probe;
	uint32_t number;

	if (key != NULL)
		probe = ebpf_lpm_probe(lpm, key);
	number = ebpf_lpm_next(lpm, key != NULL ? &probe : NULL);
	if (number != 0)
		ebpf_value_load(next, ebpf_lpm_element(lpm, number),
				lpm->map.key_size);
	return number;
}

static int
lpm_next(struct ebpf_map *map, const void *key, void *next)
{
	uint8_t from[EBPF_LPM_LEN + EBPF_LPM_DATA_MAX];
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	uint32_t number, tries, changes;

	if (key != NULL) /* next may be the same memory */
		key = memcpy(from, key, map->key_size);
	for (tries = 0; tries < EBPF_LPM_TRIES; tries++) {
		changes = os_load_acquire(&lpm->changes);
		number = next_of(lpm, key, next);
		if (ebpf_lpm_same(lpm, changes))
			return number != 0 ? 0 : -EBPF_ENOENT;
	}
	os_spin_lock(&lpm->lock);
	number = next_of(lpm, key, next);
	os_spin_unlock(&lpm->lock);
	return number != 0 ? 0 : -EBPF_ENOENT;
}

/* The value is copied while nothing is handed on that may be its element. */
static int
lpm_read(struct ebpf_map *map, const void *key, void *value)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	uint32_t tries, changes;
	const void *stored;

	for (tries = 0; tries < EBPF_LPM_TRIES; tries++) {
		changes = os_load_acquire(&lpm->changes);
		stored = map->lookup(map, key);
		if (stored == NULL)
			return -EBPF_ENOENT;
		ebpf_value_load(value, stored, map->value_size);
		if (ebpf_lpm_same(lpm, changes))
			return 0;
	}
	os_spin_lock(&lpm->lock);
	stored = map->lookup(map, key);
	if (stored != NULL)
		ebpf_value_load(value, stored, map->value_size);
	os_spin_unlock(&lpm->lock);
	return stored != NULL ? 0 : -EBPF_ENOENT;
}

static uint32_t
live_of(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return os_load_acquire(&ebpf_lpm_record(lpm, number)->live);
}

static bool
is_live(uint32_t live)
{
	return (live & EBPF_LPM_LIVE) != 0;
}

/* By number, so that what stays is seen once. The cursor is the last seen. */
static int
lpm_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count, void *out,
	 bool *done)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	uint32_t end = os_load_acquire(&lpm->element_end), n = 0, looked = 0;
	const struct ebpf_chunks *chunks = &lpm->elements;
	uint32_t number, live;
	uint8_t *at = out;

	if (*cursor >= end)
		return -EBPF_EINVAL;
	number = ebpf_chunks_from(chunks, (uint32_t)*cursor + 1);
	for (; number < end && looked < WALK_LOOK && n < *count; looked++) {
		live = live_of(lpm, number);
		if (is_live(live)) {
			ebpf_value_load(at, ebpf_lpm_element(lpm, number),
					map->key_size);
			ebpf_value_load(at + map->key_size,
					ebpf_lpm_value(lpm, number),
					map->value_size);
			/* or else it has gone meanwhile */
			if (live_of(lpm, number) == live) {
				at += (size_t)map->key_size + map->value_size;
				n++;
			}
		}
		*cursor = number;
		number = ebpf_chunks_from(chunks, number + 1);
	}
	*count = n;
	while (number < end && looked++ < WALK_LOOK &&
	       !is_live(live_of(lpm, number)))
		number = ebpf_chunks_from(chunks, number + 1);
	*done = number >= end;
	return 0;
}

static uint64_t
lpm_count(struct ebpf_map *map)
{
	return os_load(&ebpf_lpm_of(map)->count);
}

/* ---- making and ending ---- */

static int
lpm_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	if (spec->max_entries == 0 || spec->key_size <= EBPF_LPM_LEN ||
	    spec->key_size > EBPF_LPM_LEN + EBPF_LPM_DATA_MAX ||
	    spec->value_size == 0 || spec->value_size > VALUE_MAX ||
	    (spec->flags & EBPF_F_NO_PREALLOC) == 0)
		return -EBPF_EINVAL;
	if (spec->max_entries > ENTRIES_MAX)
		return -EBPF_E2BIG;
	*bytes = 0; /* what comes with elements is charged then */
	return 0;
}

static int
lpm_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);

	if (map->key_size == EBPF_LPM_LEN + 4)
		map->lookup = ebpf_lpm_lookup_ipv4;
	os_spin_init(&lpm->lock);
	lpm->data_bits = (spec->key_size - EBPF_LPM_LEN) * 8;
	lpm->value_off = EBPF_LPM_KEY + ((spec->key_size + 7) & ~7u);
	ebpf_lpm_store_init(lpm, lpm->value_off +
				 ((spec->value_size + 7) & ~7u));
	return 0;
}

static void
lpm_fini(struct ebpf_map *map)
{
	ebpf_lpm_store_fini(ebpf_lpm_of(map));
}

static void
lpm_settle(struct ebpf_map *map)
{
	ebpf_lpm_store_settle(ebpf_lpm_of(map));
}

const struct ebpf_map_ops ebpf_map_lpm_trie_ops = {
	.kind = EBPF_MAP_LPM_TRIE,
	.flags_allowed = EBPF_F_NO_PREALLOC | EBPF_F_RDONLY | EBPF_F_WRONLY |
			 EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG |
			 EBPF_F_NUMA_NODE,
	.struct_size = sizeof(struct ebpf_map_lpm),
	.check = lpm_check,
	.init = lpm_init,
	.fini = lpm_fini,
	.lookup = ebpf_lpm_lookup,
	.update = lpm_update,
	.remove = lpm_remove,
	.read = lpm_read,
	.next = lpm_next,
	.walk = lpm_walk,
	.count = lpm_count,
	.settle = lpm_settle,
};
