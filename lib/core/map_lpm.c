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
	ENTRIES_MAX = 1u << 30,
	VALUE_MAX = (4 << 20) - EBPF_LPM_DATA_MAX - 64,
	SPARE_MIN = 16, /* beyond max_entries, for those in their grace */
	SPARE_PART = 4, /* of max_entries */
	SPARE_MAX = 4096,
};

/* ---- run path ---- */

/* An element with that key, of whole words, and value. Locked. */
static uint32_t
element_new(struct ebpf_map_lpm *lpm, const uint64_t *key, const void *value)
{
	struct ebpf_lpm_store *store = &lpm->element_store;
	uint32_t number = ebpf_lpm_take(lpm, store), i;
	uint64_t *stored = (void *)(lpm->elements +
				    (size_t)number * lpm->element_size);

	for (i = 0; i < (lpm->map.key_size + 7) / 8; i++)
		os_store_release(&stored[i], key[i]);
	ebpf_value_store(ebpf_lpm_value(lpm, number), value,
			 lpm->map.value_size);
	/* unlike what it said when last in the map, for walks */
	store->at_hand.links++;
	os_store_release(&store->meta[number].link,
			 EBPF_HASH_LIVE | (store->at_hand.links &
					   (EBPF_HASH_LIVE / 2 - 1)));
	return number;
}

/*
 * The prefix is there. Bits behind its length may be other ones now, and users
 * are shown them: then by another element.
 */
static void
overwrite(struct ebpf_map_lpm *lpm, uint32_t old, const uint64_t *key,
	  const void *value)
{
	uint32_t number;

	if (memcmp(ebpf_lpm_element(lpm, old), key, lpm->map.key_size) == 0) {
		ebpf_value_store(ebpf_lpm_value(lpm, old), value,
				 lpm->map.value_size);
		return;
	}
	number = element_new(lpm, key, value);
	ebpf_lpm_replace(lpm, old, number);
	ebpf_lpm_give(&lpm->element_store, old);
}

static int
insert(struct ebpf_map_lpm *lpm, const uint64_t *key, const void *value)
{
	if (lpm->count == lpm->map.max_entries)
		return -EBPF_ENOSPC;
	ebpf_lpm_link(lpm, element_new(lpm, key, value));
	os_store(&lpm->count, lpm->count + 1);
	return 0;
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
	struct ebpf_lpm_probe probe;
	uint32_t number;
	int error = 0;

	key[(map->key_size - 1) / 8] = 0; /* behind its end */
	memcpy(key, from, map->key_size);
	probe = ebpf_lpm_probe(lpm, key);
	if (flags > EBPF_EXIST || probe.len > lpm->data_bits)
		return -EBPF_EINVAL;
	os_spin_lock(&lpm->lock);
	number = ebpf_lpm_find_exact(lpm, &probe);
	if (number == 0)
		error = flags == EBPF_EXIST ? -EBPF_ENOENT :
					      insert(lpm, key, value);
	else if (flags == EBPF_NOEXIST)
		error = -EBPF_EEXIST;
	else
		overwrite(lpm, number, key, value);
	os_spin_unlock(&lpm->lock);
	return error;
}

static int
lpm_remove(struct ebpf_map *map, const void *key)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	struct ebpf_lpm_probe probe = ebpf_lpm_probe(lpm, key);
	uint32_t number;

	if (probe.len > lpm->data_bits)
		return -EBPF_EINVAL;
	os_spin_lock(&lpm->lock);
	number = ebpf_lpm_find_exact(lpm, &probe);
	if (number != 0) {
		ebpf_lpm_unlink(lpm, number);
		ebpf_lpm_give(&lpm->element_store, number);
		os_store(&lpm->count, lpm->count - 1);
	}
	os_spin_unlock(&lpm->lock);
	return number != 0 ? 0 : -EBPF_ENOENT;
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
link_of(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return os_load_acquire(&lpm->element_store.meta[number].link);
}

/* By number, so that what stays is seen once. The cursor is the last seen. */
static int
lpm_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count, void *out,
	 bool *done)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	uint32_t end = os_load(&lpm->element_store.pool->fresh), n = 0;
	uint32_t number, stop, link;
	uint8_t *at = out;

	if (*cursor >= end)
		return -EBPF_EINVAL;
	number = (uint32_t)*cursor + 1;
	stop = end - number < WALK_LOOK ? end : number + WALK_LOOK;
	for (; number < stop && n < *count; number++) {
		link = link_of(lpm, number);
		if (!ebpf_hash_link_live(link))
			continue;
		ebpf_value_load(at, ebpf_lpm_element(lpm, number),
				map->key_size);
		ebpf_value_load(at + map->key_size,
				ebpf_lpm_value(lpm, number), map->value_size);
		if (link_of(lpm, number) != link)
			continue; /* has gone meanwhile */
		at += (size_t)map->key_size + map->value_size;
		n++;
	}
	*cursor = number - 1;
	*count = n;
	while (number < stop && !ebpf_hash_link_live(link_of(lpm, number)))
		number++;
	*done = number == end;
	return 0;
}

static uint64_t
lpm_count(struct ebpf_map *map)
{
	return os_load(&ebpf_lpm_of(map)->count);
}

/* ---- making and ending ---- */

struct plan {
	uint64_t elements, nodes; /* the unused number 0 included */
	uint64_t element_size;
	uint32_t value_off;
	uint32_t root_bits;
};

static void
plan_make(struct plan *plan, const struct ebpf_map_spec *spec)
{
	uint32_t spare = spec->max_entries / SPARE_PART;

	if (spare < SPARE_MIN)
		spare = SPARE_MIN;
	if (spare > SPARE_MAX)
		spare = SPARE_MAX;
	plan->elements = 1 + (uint64_t)spec->max_entries + spare;
	plan->nodes = plan->elements;
	plan->value_off = (spec->key_size + 7) & ~7u;
	plan->element_size = plan->value_off +
			     (((uint64_t)spec->value_size + 7) & ~7ull);
	plan->root_bits = EBPF_LPM_ROOT_MIN;
	while (plan->root_bits < EBPF_LPM_ROOT_MAX &&
	       plan->root_bits < (spec->key_size - EBPF_LPM_LEN) * 8 &&
	       1u << plan->root_bits >> 1 < spec->max_entries)
		plan->root_bits++;
}

static int
lpm_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	struct plan plan;

	if (spec->max_entries == 0 || spec->key_size <= EBPF_LPM_LEN ||
	    spec->key_size > EBPF_LPM_LEN + EBPF_LPM_DATA_MAX ||
	    spec->value_size == 0 || spec->value_size > VALUE_MAX ||
	    (spec->flags & EBPF_F_NO_PREALLOC) == 0)
		return -EBPF_EINVAL;
	if (spec->max_entries > ENTRIES_MAX)
		return -EBPF_E2BIG;
	plan_make(&plan, spec);
	*bytes = plan.elements *
			 (plan.element_size + sizeof(struct ebpf_hash_meta)) +
		 plan.nodes * (sizeof(struct ebpf_lpm_node) +
			       sizeof(struct ebpf_hash_meta)) +
		 (sizeof(struct ebpf_lpm_entry) + sizeof(uint32_t)) *
			 (1ull << plan.root_bits) +
		 2 * sizeof(struct ebpf_hash_pool);
	return 0;
}

static int
store_init(struct ebpf_lpm_store *store, uint64_t numbers)
{
	store->meta = os_alloc(numbers * sizeof(store->meta[0]));
	if (store->meta == NULL)
		return -EBPF_ENOMEM;
	store->pool = ebpf_hash_pool_create(store->meta, 1,
					    (uint32_t)numbers);
	return store->pool == NULL ? -EBPF_ENOMEM : 0;
}

static int
lpm_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	struct plan plan;
	int error;

	plan_make(&plan, spec);
	if (map->key_size == EBPF_LPM_LEN + 4)
		map->lookup = ebpf_lpm_lookup_ipv4;
	os_spin_init(&lpm->lock);
	lpm->root_bits = plan.root_bits;
	lpm->data_bits = (spec->key_size - EBPF_LPM_LEN) * 8;
	lpm->element_size = plan.element_size;
	lpm->value_off = plan.value_off;
	lpm->root = os_alloc(sizeof(lpm->root[0]) << plan.root_bits);
	lpm->shorts = os_alloc(sizeof(lpm->shorts[0]) << plan.root_bits);
	lpm->elements = os_alloc(plan.elements * plan.element_size);
	lpm->nodes = os_alloc(plan.nodes * sizeof(lpm->nodes[0]));
	if (lpm->root == NULL || lpm->shorts == NULL ||
	    lpm->elements == NULL || lpm->nodes == NULL)
		return -EBPF_ENOMEM;
	error = store_init(&lpm->element_store, plan.elements);
	if (error == 0)
		error = store_init(&lpm->node_store, plan.nodes);
	return error;
}

static void
lpm_fini(struct ebpf_map *map)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);

	ebpf_hash_pool_destroy(lpm->node_store.pool);
	ebpf_hash_pool_destroy(lpm->element_store.pool);
	os_free(lpm->node_store.meta);
	os_free(lpm->element_store.meta);
	os_free(lpm->nodes);
	os_free(lpm->elements);
	os_free(lpm->shorts);
	os_free(lpm->root);
}

static void
lpm_settle(struct ebpf_map *map)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);

	ebpf_hash_pool_settle(lpm->element_store.pool);
	ebpf_hash_pool_settle(lpm->node_store.pool);
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
