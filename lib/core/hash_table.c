/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The hash table's memory and its links: how much of what a map gets, elements
 * taken, linked into buckets and unlinked. Lookups are in hash_table.h.
 */
#include "core/hash_table.h"
#include "core/map_value.h"

enum {
	BUCKET_LOAD = 4,  /* most elements per bucket in the mean */
	STRIPES_MIN = 16, /* unless there are fewer buckets */
	STRIPES_MAX = 256,
	BATCH = 8,	    /* elements between a stripe and the pool */
	BATCH_BYTES = 4096, /* bigger elements move one by one */
	CHURN_BYTES = 1 << 20,
	CHURN_MIN = 4,
	CHURN_SMALL = 1024,
	CHURN_MAX = 1 << 16,
	LRU_CHURN = 8, /* times max_entries */
	LRU_CHURN_MAX = 1 << 14, /* the hand of map_lru.c passes them */
	ELEMENT_MAX = (4 << 20) - 48, /* key and value are less: as in Linux */
	PERCPU_VALUE_MAX = 32 << 10,
	ENTRIES_MAX = 1u << 30,
};

/* ---- elements and buckets ---- */

int
ebpf_hash_take(struct ebpf_map_hash *hash, struct ebpf_hash_stripe *stripe,
	       uint32_t *number)
{
	if (os_load(&hash->count) >= hash->map.max_entries)
		return -EBPF_E2BIG;
	if (os_add(&hash->count, 1) > hash->map.max_entries) {
		os_sub(&hash->count, 1);
		return -EBPF_E2BIG;
	}
	if (stripe->free.first == 0)
		ebpf_hash_pool_refill(hash->pool, stripe, hash->batch);
	*number = ebpf_hash_list_pop(&stripe->free, hash->meta);
	if (*number == 0) {
		os_sub(&hash->count, 1);
		return -EBPF_EAGAIN;
	}
	return 0;
}

void
ebpf_hash_untake(struct ebpf_map_hash *hash, struct ebpf_hash_stripe *stripe,
		 uint32_t number)
{
	ebpf_hash_list_push(&stripe->free, hash->meta, number);
	os_sub(&hash->count, 1);
}

void
ebpf_hash_link(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, h);
	uint64_t tags = bucket->tags;
	uint64_t vacant = ~tags & EBPF_HASH_HIGH;
	uint32_t slot;

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

static void
unlink_element(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, h);
	uint64_t match = ebpf_hash_match(bucket->tags, ebpf_hash_tag(h));
	uint32_t *at, slot;

	for (; match != 0; match &= match - 1) {
		slot = ebpf_hash_first(match);
		if (bucket->elements[slot] != number)
			continue;
		os_store_release(&bucket->tags,
				 bucket->tags & ~(0xffull << (slot * 8)));
		return;
	}
	for (at = &bucket->chain; *at != number; at = &hash->meta[*at].chain)
		;
	os_store_release(at, hash->meta[number].chain);
}

void
ebpf_hash_unlink(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct ebpf_hash_stripe *stripe = ebpf_hash_stripe(hash, h);

	unlink_element(hash, h, number);
	os_sub(&hash->count, 1);
	ebpf_hash_list_push(&stripe->removed, hash->meta, number);
	if (stripe->removed.count >= hash->batch)
		ebpf_hash_pool_return(hash->pool, stripe);
}

/* ---- making and ending ---- */

/* What a map of this shape consists of. */
struct plan {
	uint64_t buckets;
	uint64_t stripes;
	uint64_t elements; /* the unused number 0 included */
	uint64_t element_size;
	uint64_t percpu_size; /* of one CPU; 0: values are in elements */
	uint32_t key_room;
	uint32_t batch;
};

static uint64_t
round8(uint64_t n)
{
	return (n + 7) & ~7ull;
}

/*
 * Elements beyond max_entries. First as many as stripes can keep at hand or
 * have not yet returned, so that the last free element is never out of reach.
 * Then some for those in their grace period: a map may be full and yet be
 * churned, by as many elements as fit in CHURN_BYTES; an LRU map lives by it.
 */
static uint64_t
spare_count(uint64_t stripes, uint32_t batch, uint64_t bytes_each,
	    uint32_t max_entries, bool lru)
{
	uint64_t wanted = (uint64_t)max_entries * (lru ? LRU_CHURN : 1);
	uint64_t churn = CHURN_BYTES / bytes_each;

	if (churn > wanted)
		churn = wanted;
	if (churn < CHURN_SMALL && bytes_each * CHURN_SMALL <= CHURN_BYTES)
		churn = CHURN_SMALL;
	if (churn > (lru ? LRU_CHURN_MAX : CHURN_MAX))
		churn = lru ? LRU_CHURN_MAX : CHURN_MAX;
	if (churn < CHURN_MIN)
		churn = CHURN_MIN;
	return stripes * batch * 2 + churn;
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
	each = plan->element_size + (percpu ? value * os_cpu_count() : 0);
	plan->batch = each <= BATCH_BYTES ? BATCH : 1;
	plan->elements = 1 + (uint64_t)spec->max_entries +
			 spare_count(plan->stripes, plan->batch, each,
				     spec->max_entries, lru);
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
	hash->pool = ebpf_hash_pool_create(hash->meta, (uint32_t)plan.elements);
	if (hash->pool == NULL)
		return -EBPF_ENOMEM;
	return 0;
}

void
ebpf_hash_fini(struct ebpf_map *map)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);

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
