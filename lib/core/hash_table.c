/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The hash table's memory and its links: how much of what a map gets, elements
 * taken, linked into buckets and unlinked. Lookups are in hash_table.h.
 */
#include "core/hash_table.h"
#include "core/jit/jit.h"
#include "core/map_value.h"

enum {
	BUCKET_LOAD = 4,  /* most elements per bucket in the mean */
	STRIPES_MIN = 16, /* unless there are fewer buckets */
	STRIPES_MAX = 256,
	BATCH_BYTES = 4096, /* bigger elements move one by one */
	BATCH_MIN = 4, /* rather fewer stripes, unless it is one */
	LINUX_MORE = 40,    /* bytes an element, see spares_make() */
	FIXED_BYTES = 2048, /* of a map, elements apart */
	PLACES_MAX = 8, /* that a stripe keeps */
	SPARE_MIN = 8,
	SPARE_SMALL = 64,
	SPARE_BYTES = 2048, /* for as many as that, if need be */
	SPARE_MAX = 1 << 16,
	LRU_SPARE_SMALL = 1024,
	LRU_SPARE_BYTES = 1 << 16,
	LRU_SPARE_MAX = 1 << 14, /* the hand of map_lru.c passes them */
	HOME_ENTRIES = 1 << 13, /* smaller maps stay in a near cache */
	HOME_ELEMENT = 24, /* bytes; all of a home lie in two cache lines */
	ELEMENT_MAX = (4 << 20) - 48, /* key and value are less: as in Linux */
	PERCPU_VALUE_MAX = 32 << 10,
	ENTRIES_MAX = 1u << 30,
};

/* An element at home with its bucket that is free, 0: none. */
static uint32_t
home_take(struct ebpf_map_hash *hash, uint64_t h)
{
	uint32_t done = os_load_acquire(&hash->pool->done);
	uint32_t number = ebpf_hash_home(hash, h), end = number + hash->home;

	for (; number < end; number++)
		if (ebpf_hash_stamp_over(hash->meta[number].link, done))
			return number;
	return 0;
}

/* ---- places in the count ---- */

static int
place_take(struct ebpf_map_hash *hash, struct ebpf_hash_stripe *stripe)
{
	if (stripe->places > 0) {
		os_store(&stripe->places, stripe->places - 1);
		return 0;
	}
	if (os_load(&hash->count) < hash->map.max_entries) {
		if (os_add(&hash->count, 1) <= hash->map.max_entries)
			return 0;
		os_sub(&hash->count, 1);
	}
	return os_load(&hash->places_kept) != 0 ? EBPF_HASH_PLACES_KEPT :
						  -EBPF_E2BIG;
}

/* LRU maps keep none: what goes there makes place for another stripe's. */
static void
place_give(struct ebpf_map_hash *hash, struct ebpf_hash_stripe *stripe)
{
	if (hash->used != NULL || stripe->places == PLACES_MAX) {
		os_sub(&hash->count, 1);
		return;
	}
	os_store(&stripe->places, stripe->places + 1);
	if (os_load(&hash->places_kept) == 0)
		os_store(&hash->places_kept, 1);
}

/*
 * Who keeps a place in a stripe that was already gathered has seen by its lock
 * that places_kept is no longer set, and sets it again.
 */
void
ebpf_hash_places_gather(struct ebpf_map_hash *hash)
{
	struct ebpf_hash_stripe *stripe = hash->stripes;
	uint32_t i, places = 0;

	os_store(&hash->places_kept, 0);
	for (i = 0; i <= hash->stripe_mask; i++, stripe++) {
		os_spin_lock(&stripe->lock);
		places += stripe->places;
		os_store(&stripe->places, 0);
		os_spin_unlock(&stripe->lock);
	}
	os_sub(&hash->count, places);
}

uint32_t
ebpf_hash_count(const struct ebpf_map_hash *hash)
{
	uint32_t count = os_load(&hash->count), places = 0, i;

	for (i = 0; i <= hash->stripe_mask; i++)
		places += os_load(&hash->stripes[i].places);
	/* an insertion that is about to be refused may have counted itself */
	count = count > places ? count - places : 0;
	return count < hash->map.max_entries ? count : hash->map.max_entries;
}

/* ---- elements and buckets ---- */

int
ebpf_hash_take(struct ebpf_map_hash *hash, uint64_t h, bool has_place,
	       uint32_t *number)
{
	struct ebpf_hash_stripe *stripe = ebpf_hash_stripe(hash, h);
	int error = has_place ? 0 : place_take(hash, stripe);

	if (error != 0)
		return error;
	*number = hash->home != 0 ? home_take(hash, h) : 0;
	if (*number != 0)
		return 0;
	if (stripe->free.first == 0)
		ebpf_hash_pool_refill(hash->pool, stripe, hash->batch);
	*number = ebpf_hash_list_pop(&stripe->free, hash->meta);
	if (*number != 0)
		return 0;
	if (!has_place)
		place_give(hash, stripe);
	return -EBPF_EAGAIN;
}

void
ebpf_hash_untake(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct ebpf_hash_stripe *stripe = ebpf_hash_stripe(hash, h);

	/* one at home was not linked yet: nothing says that it is taken */
	if (!ebpf_hash_is_home(hash, h, number))
		ebpf_hash_list_push(&stripe->free, hash->meta, number);
	place_give(hash, stripe);
}

void
ebpf_hash_link(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, h);
	uint64_t tags = bucket->tags;
	uint64_t vacant = ebpf_hash_match(tags, 0);
	size_t slot;

	os_store_release(&hash->meta[number].link, EBPF_HASH_LIVE);
	if (os_likely(vacant != 0)) {
		slot = ebpf_hash_first(vacant);
		os_store_release(&bucket->elements[slot], number);
		os_store_release(&bucket->tags,
				 tags | ebpf_hash_tag(h) << (slot * 8));
		return;
	}
	os_store(&hash->meta[number].chain, bucket->chain);
	os_store_release(&bucket->chain, number);
}

/* False: it is not there. */
static bool
unlink_element(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, h);
	uint64_t match = ebpf_hash_match(bucket->tags, ebpf_hash_tag(h));
	uint32_t *at;
	size_t slot;

	for (; match != 0; match &= match - 1) {
		slot = ebpf_hash_first(match);
		if (bucket->elements[slot] != number)
			continue;
		os_store_release(&bucket->tags,
				 bucket->tags & ~(0xffull << (slot * 8)));
		return true;
	}
	for (at = &bucket->chain; *at != number; at = &hash->meta[*at].chain)
		if (*at == 0)
			return false;
	os_store_release(at, hash->meta[number].chain);
	return true;
}

bool
ebpf_hash_unlink(struct ebpf_map_hash *hash, uint64_t h, uint32_t number,
		 bool keep_place)
{
	struct ebpf_hash_stripe *stripe = ebpf_hash_stripe(hash, h);

	if (os_unlikely(!unlink_element(hash, h, number)))
		return false;
	if (ebpf_hash_is_home(hash, h, number)) {
		os_store(&hash->meta[number].link, EBPF_HASH_REMOVED);
		stripe->home[stripe->home_count++] = number;
	} else {
		ebpf_hash_list_push(&stripe->removed, hash->meta, number);
	}
	if (stripe->removed.count + stripe->home_count >= hash->batch)
		ebpf_hash_pool_return(hash->pool, stripe);
	if (!keep_place)
		place_give(hash, stripe);
	return true;
}

/* ---- making and ending ---- */

/* What a map of this shape consists of. */
struct plan {
	uint64_t buckets;
	uint64_t stripes;
	uint64_t first;	   /* number that the pool begins with */
	uint64_t elements; /* the unused number 0 and all homes included */
	uint64_t element_size;
	uint64_t percpu_size; /* of one CPU; 0: values are in elements */
	uint32_t key_room;
	uint32_t batch;
	uint32_t home;
};

static uint64_t
round8(uint64_t n)
{
	return (n + 7) & ~7ull;
}

/*
 * Elements beyond max_entries, for those in their grace period: a map may be
 * full and yet be churned, and an LRU map lives by it. They and the homes cost
 * no more than what Linux spends on each element beyond ours, but small maps
 * have some at least, and LRU maps enough for a busy program's one run.
 * Half of them are free to move: the rest may be at hand of stripes or not yet
 * returned by them, so that the last free element is never out of reach.
 */
static uint64_t
spares_make(struct plan *plan, uint64_t max_entries, uint64_t bytes_each,
	    bool lru)
{
	uint64_t budget = max_entries * (LINUX_MORE - lru) > FIXED_BYTES ?
		max_entries * (LINUX_MORE - lru) - FIXED_BYTES : 0;
	uint64_t homes = plan->buckets * plan->home * bytes_each;
	uint64_t spares = homes < budget ? (budget - homes) / bytes_each : 0;
	uint64_t least = (lru ? LRU_SPARE_BYTES : SPARE_BYTES) / bytes_each;

	if (least > (lru ? LRU_SPARE_SMALL : SPARE_SMALL))
		least = lru ? LRU_SPARE_SMALL : SPARE_SMALL;
	if (least < SPARE_MIN)
		least = SPARE_MIN;
	if (spares < least)
		spares = least;
	if (spares > (lru ? LRU_SPARE_MAX : SPARE_MAX))
		spares = lru ? LRU_SPARE_MAX : SPARE_MAX;
	while (plan->batch > BATCH_MIN && plan->stripes * plan->batch * 4 > spares)
		plan->batch /= 2;
	while (plan->stripes > 1 && plan->stripes * plan->batch * 4 > spares)
		plan->stripes /= 2;
	while (plan->batch > 1 && plan->stripes * plan->batch * 4 > spares)
		plan->batch /= 2;
	return spares;
}

static void
plan_make(struct plan *plan, const struct ebpf_map_spec *spec, bool percpu,
	  bool lru)
{
	uint64_t value = round8(spec->value_size), each;
	uint64_t stripes_max = STRIPES_MIN;

	while (stripes_max < os_cpu_count() * 4ull && stripes_max < STRIPES_MAX)
		stripes_max *= 2;
	plan->buckets = 1;
	while (plan->buckets * BUCKET_LOAD < spec->max_entries)
		plan->buckets *= 2;
	plan->stripes = plan->buckets < stripes_max ? plan->buckets :
						      stripes_max;
	plan->key_room = (uint32_t)round8(spec->key_size);
	plan->element_size = plan->key_room + (percpu ? 0 : value);
	each = plan->element_size + (percpu ? value * os_cpu_count() : 0) +
	       sizeof(struct ebpf_hash_meta) + lru;
	plan->home = 0;
	if (spec->max_entries >= HOME_ENTRIES && !percpu && !lru &&
	    plan->element_size <= HOME_ELEMENT)
		plan->home = (uint32_t)((spec->max_entries +
					 plan->buckets / 2) / plan->buckets);
	plan->first = plan->home == 0 ? 1 : EBPF_HASH_HOME +
					    plan->buckets * plan->home;
	plan->batch = each <= BATCH_BYTES ? EBPF_HASH_BATCH : 1;
	plan->elements = plan->first + (uint64_t)spec->max_entries +
			 spares_make(plan, spec->max_entries, each, lru);
	plan->percpu_size = percpu ? plan->elements * value : 0;
}

int
ebpf_hash_check(const struct ebpf_map_spec *spec, uint64_t *bytes,
		bool percpu, bool lru)
{
	struct plan plan;

	if (lru && (spec->flags & EBPF_F_NO_PREALLOC) != 0)
		return -EBPF_EUNSUPPORTED;
	if (spec->key_size == 0 || spec->value_size == 0 ||
	    spec->max_entries == 0)
		return -EBPF_EINVAL;
	if ((uint64_t)spec->key_size + spec->value_size >= ELEMENT_MAX ||
	    spec->max_entries > ENTRIES_MAX ||
	    (percpu && spec->value_size > PERCPU_VALUE_MAX))
		return -EBPF_E2BIG;
	plan_make(&plan, spec, percpu, lru);
	*bytes = plan.buckets * sizeof(struct ebpf_hash_bucket) +
		 plan.stripes * sizeof(struct ebpf_hash_stripe) +
		 plan.elements * (plan.element_size + lru +
				  sizeof(struct ebpf_hash_meta)) +
		 plan.percpu_size * os_cpu_count() + sizeof(struct ebpf_hash_pool);
	return 0;
}

static uint64_t
random64(void)
{
	uint64_t high = os_random_u32();

	return high << 32 | os_random_u32();
}

int
ebpf_hash_init(struct ebpf_map *map, const struct ebpf_map_spec *spec,
	       bool percpu, bool lru)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct plan plan;
	uint32_t i;

	ebpf_hash_lookup_choose(map);
	plan_make(&plan, spec, percpu, lru);
	hash->bucket_mask = plan.buckets - 1;
	hash->stripe_mask = (uint32_t)plan.stripes - 1;
	hash->element_size = plan.element_size;
	hash->value_off = plan.key_room;
	hash->batch = plan.batch;
	for (i = 0; i < 3; i++)
		hash->seed[i] = (spec->flags & EBPF_F_ZERO_SEED) != 0 ?
			0x9e3779b97f4a7c15ull * (i + 1) : random64();

	hash->buckets = os_alloc(plan.buckets * sizeof(hash->buckets[0]));
	hash->stripes = os_alloc(plan.stripes * sizeof(hash->stripes[0]));
	hash->elements = os_alloc(plan.elements * plan.element_size);
	hash->meta = os_alloc(plan.elements * sizeof(hash->meta[0]));
	if (hash->buckets == NULL || hash->stripes == NULL ||
	    hash->elements == NULL || hash->meta == NULL)
		return -EBPF_ENOMEM;
	if (lru) {
		hash->used = os_alloc(plan.elements);
		if (hash->used == NULL)
			return -EBPF_ENOMEM;
	}
	if (percpu) {
		hash->percpu = os_percpu_alloc(plan.percpu_size);
		if (hash->percpu == NULL)
			return -EBPF_ENOMEM;
	}
	for (i = 0; i < plan.stripes; i++)
		os_spin_init(&hash->stripes[i].lock);
	hash->home = plan.home;
	hash->home_step = plan.home * plan.element_size;
	hash->homes = hash->elements;
	if (plan.home != 0)
		hash->homes += EBPF_HASH_HOME * plan.element_size;
	hash->pool = ebpf_hash_pool_create(hash->meta, (uint32_t)plan.first,
					   (uint32_t)plan.elements);
	if (hash->pool == NULL)
		return -EBPF_ENOMEM;
	return 0;
}

void
ebpf_hash_fini(struct ebpf_map *map)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);

	ebpf_jit_lookup_free(hash->code);
	ebpf_hash_pool_destroy(hash->pool);
	if (hash->percpu != NULL)
		os_percpu_free(hash->percpu);
	os_free(hash->used);
	os_free(hash->meta);
	os_free(hash->elements);
	os_free(hash->stripes);
	os_free(hash->buckets);
}

void
ebpf_hash_settle(struct ebpf_map *map)
{
	ebpf_hash_pool_settle(ebpf_hash_of(map)->pool);
}
