/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See hash_plan.h. */
#include "core/hash_plan.h"

enum {
	BUCKET_LOAD = 4,  /* most elements per bucket in the mean */
	HANDS_MAX = 256,
	BATCH_BYTES = 4096, /* bigger elements move one by one */
	BATCH_MIN = 3, /* rather fewer hands, unless it is one */
	/* what maps take in Linux 6.18: see linux_each() */
	LINUX_FIXED = 896,
	LINUX_BUCKET = 16, /* as many as entries, rounded up to a power of two */
	LINUX_ELEMENT = 48, /* beside key and value */
	LINUX_ALONE = 8,    /* and that, if each is allocated on demand, */
	LINUX_CPU_ALONE = 16, /* and that for its values on CPUs */
	SPARE_MAX = 1 << 16,
	SPARE_BATCHES = 4, /* spare elements of each hand, at least */
	LRU_SPARE_MAX = 1 << 14, /* the hand of map_lru.c passes them */
	HOME_ENTRIES = 1 << 13, /* smaller maps stay in a near cache */
	INSIDE_ENTRIES = 1 << 17, /* where two lines apart are further away
				     than what finding homes inside takes */
	HOME_ENTRIES_MAX = 1 << 28, /* numbers are below 1 << 31 */
	HOME_ELEMENT = 24, /* bytes; all of a home lie in two cache lines */
	HOME_FIRST = 4,	   /* number, so that they begin a line */
	ELEMENT_MAX = (4 << 20) - 48, /* key and value are less: as in Linux */
	PERCPU_VALUE_MAX = 32 << 10,
	ENTRIES_MAX = 1u << 30,
};

static uint64_t
round8(uint64_t n)
{
	return (n + 7) & ~7ull;
}

/* What Linux spends on an element of such a map. */
static uint64_t
linux_each(const struct ebpf_map_spec *spec, bool percpu)
{
	uint64_t each = LINUX_ELEMENT + round8(spec->key_size);

	each += percpu ? 8 + round8(spec->value_size) * os_cpu_count() :
			 round8(spec->value_size);
	if ((spec->flags & EBPF_F_NO_PREALLOC) != 0)
		each += LINUX_ALONE + (percpu ? LINUX_CPU_ALONE : 0);
	return each;
}

/* And on the rest, without what it keeps for each CPU. */
static uint64_t
linux_fixed(const struct ebpf_map_spec *spec)
{
	uint64_t buckets = 1;

	while (buckets < spec->max_entries)
		buckets *= 2;
	return LINUX_FIXED + buckets * LINUX_BUCKET;
}

static uint64_t
plan_bytes(const struct ebpf_hash_plan *plan, bool lru)
{
	return plan->bucket_bytes +
	       plan->hands * sizeof(struct ebpf_hash_hand) +
	       plan->elements * (plan->element_size +
				 sizeof(struct ebpf_hash_meta)) +
	       (lru ? round8(plan->elements) : 0) +
	       plan->percpu_size * os_cpu_count() +
	       sizeof(struct ebpf_hash_pool);
}

/* What one more element takes. */
static uint64_t
element_bytes(const struct ebpf_hash_plan *plan, uint64_t value, bool percpu,
	      bool lru)
{
	return plan->element_size + (percpu ? value * os_cpu_count() : 0) +
	       sizeof(struct ebpf_hash_meta) + lru;
}

/*
 * Elements beyond max_entries, for those in their grace period: a map may be
 * full and yet be churned, and an LRU map lives by it. All in all a map takes
 * no more than in Linux.
 * Half of them are free to move: the rest may be in hands or not yet returned
 * by them, so that the last free element is never out of reach. Where there are
 * few, there are fewer hands than processors.
 */
static uint64_t
plan_spares(struct ebpf_hash_plan *plan, uint64_t budget, uint64_t bytes_each,
	    bool lru)
{
	uint64_t most = lru ? LRU_SPARE_MAX : SPARE_MAX;
	uint64_t taken, spares;

	for (;; plan->hands /= 2) {
		taken = sizeof(struct ebpf_map_hash) + plan_bytes(plan, lru);
		spares = taken < budget ? (budget - taken) / bytes_each : 0;
		if (plan->hands == 1 ||
		    spares >= plan->hands * plan->batch * SPARE_BATCHES)
			break;
		if (plan->batch > BATCH_MIN) {
			plan->batch /= 2;
			plan->hands *= 2;
		}
	}
	while (plan->batch > 1 && plan->batch * SPARE_BATCHES > spares)
		plan->batch /= 2;
	return spares < most ? spares : most;
}

/*
 * Homes inside are as many as buckets have room for: too many where max_entries
 * is but little above a power of two.
 */
static bool
inside_fits(const struct ebpf_hash_plan *plan, const struct ebpf_map_spec *spec,
	    uint64_t budget)
{
	struct ebpf_hash_plan inside = *plan;

	inside.bucket_bytes = 0;
	inside.elements = plan->buckets * EBPF_HASH_SLOTS + spec->max_entries +
			  plan->hands * plan->batch * SPARE_BATCHES;
	return sizeof(struct ebpf_map_hash) + plan_bytes(&inside, false) <=
	       budget;
}

/* Homes: where they are, and how many. Of no use while a cache has it all. */
static void
plan_homes(struct ebpf_hash_plan *plan, const struct ebpf_map_spec *spec,
	   uint64_t budget)
{
	if (plan->element_size == EBPF_HASH_INSIDE_ELEMENT &&
	    spec->max_entries >= INSIDE_ENTRIES &&
	    inside_fits(plan, spec, budget)) {
		plan->slots = EBPF_HASH_INSIDE;
		plan->home = EBPF_HASH_SLOTS - EBPF_HASH_INSIDE;
		plan->home_first = EBPF_HASH_INSIDE;
		plan->home_numbers = EBPF_HASH_SLOTS;
		plan->first = plan->buckets * plan->home_numbers;
		plan->bucket_bytes = 0;
		return;
	}
	plan->home = (uint32_t)((spec->max_entries + plan->buckets / 2) /
				plan->buckets);
	plan->home_numbers = plan->home;
	plan->home_first = HOME_FIRST;
	plan->first = HOME_FIRST + plan->buckets * plan->home;
}

/* Elements on demand: the fewer hands, the less an empty map takes. */
static void
plan_chunks(struct ebpf_hash_plan *plan, const struct ebpf_map_spec *spec)
{
	plan->chunks = true;
	plan->records = spec->max_entries + SPARE_MAX;
	plan->record_spare = LINUX_ELEMENT;
	while (plan->hands > 1 &&
	       sizeof(struct ebpf_map_hash) + plan_bytes(plan, false) >
		       linux_fixed(spec))
		plan->hands /= 2;
}

/* Elements from the start, and spare ones. */
static void
plan_elements(struct ebpf_hash_plan *plan, const struct ebpf_map_spec *spec,
	      bool percpu, bool lru)
{
	uint64_t value = round8(spec->value_size);
	uint64_t budget = linux_fixed(spec) + plan->each * spec->max_entries;
	uint64_t bytes_each = element_bytes(plan, value, percpu, lru);

	if (spec->max_entries >= HOME_ENTRIES &&
	    spec->max_entries <= HOME_ENTRIES_MAX && !percpu && !lru &&
	    plan->element_size <= HOME_ELEMENT)
		plan_homes(plan, spec, budget);
	plan->elements = plan->first + spec->max_entries;
	plan->percpu_size = percpu ? plan->elements * value : 0;
	plan->elements += plan_spares(plan, budget, bytes_each, lru);
	plan->percpu_size = percpu ? plan->elements * value : 0;
}

void
ebpf_hash_plan_make(struct ebpf_hash_plan *plan,
		    const struct ebpf_map_spec *spec, bool percpu, bool lru)
{
	uint64_t value = round8(spec->value_size);

	memset(plan, 0, sizeof(*plan));
	plan->buckets = 1;
	while (plan->buckets * BUCKET_LOAD < spec->max_entries)
		plan->buckets *= 2;
	plan->bucket_bytes = plan->buckets * sizeof(struct ebpf_hash_bucket);
	plan->hands = 1;
	while (plan->hands < os_cpu_count() && plan->hands < HANDS_MAX)
		plan->hands *= 2;
	plan->key_room = (uint32_t)round8(spec->key_size);
	plan->element_size = plan->key_room + (percpu ? 0 : value);
	plan->slots = EBPF_HASH_SLOTS;
	plan->first = 1;
	plan->batch = element_bytes(plan, value, percpu, lru) <= BATCH_BYTES ?
		EBPF_HASH_BATCH : 1;
	plan->each = linux_each(spec, percpu);
	if ((spec->flags & EBPF_F_NO_PREALLOC) != 0)
		plan_chunks(plan, spec);
	else
		plan_elements(plan, spec, percpu, lru);
	plan->used_size = lru ? round8(plan->elements) : 0;
	plan->base = (int64_t)linux_fixed(spec) -
		     (int64_t)(sizeof(struct ebpf_map_hash) +
			       plan_bytes(plan, lru));
}

int
ebpf_hash_check(const struct ebpf_map_spec *spec, uint64_t *bytes,
		bool percpu, bool lru)
{
	struct ebpf_hash_plan plan;

	if (lru && (spec->flags & EBPF_F_NO_PREALLOC) != 0)
		return -EBPF_EUNSUPPORTED;
	if (spec->key_size == 0 || spec->value_size == 0 ||
	    spec->max_entries == 0)
		return -EBPF_EINVAL;
	if ((uint64_t)spec->key_size + spec->value_size >= ELEMENT_MAX ||
	    spec->max_entries > ENTRIES_MAX ||
	    (percpu && spec->value_size > PERCPU_VALUE_MAX))
		return -EBPF_E2BIG;
	ebpf_hash_plan_make(&plan, spec, percpu, lru);
	*bytes = plan_bytes(&plan, lru);
	return 0;
}
