/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The elements of a hash map on their way: handed out, removed, waiting for
 * their grace period, handed out again. Elements are numbers from 1; what they
 * hold is hash_table.h's. A stripe has some at hand under its own lock; behind
 * all stripes stands one pool.
 */
#ifndef CORE_HASH_POOL_H
#define CORE_HASH_POOL_H

#include "core/os.h"

#define EBPF_HASH_LIVE UINT32_MAX /* in the map, on no list */

struct ebpf_hash_meta {
	uint32_t chain; /* next without a slot; readers follow it, so it stays
			   as it was until the grace period is over */
	uint32_t link;	/* atomic: next in a free or removed list, or LIVE */
};

/* Elements on their way: a list through meta.link. */
struct ebpf_hash_list {
	uint32_t first, last, count;
};

/* Lock of some buckets and a few elements at hand; protected by the lock. */
struct ebpf_hash_stripe {
	struct os_spin lock;
	struct ebpf_hash_list free;
	struct ebpf_hash_list removed; /* their grace period has not begun */
	uint32_t stamped; /* removed since the last return, in no list */
} __attribute__((aligned(64)));

/*
 * Where stripes get and return elements. Allocated apart from the map: a grace
 * period may end after the map's end. Its owner may have elements of smaller
 * numbers that are in no list: such a one, when removed, is stamped with the
 * number of a grace period, after which it may be used again.
 */
struct ebpf_hash_pool {
	/* read-mostly */
	struct ebpf_hash_meta *meta;
	uint32_t end;
	uint32_t done; /* atomic: grace periods that are over */
	/*
	 * Atomic, written by every insertion and removal: the number of the
	 * map's elements, and in the upper half that of grace periods begun. In
	 * one word, so that a removal, which counts itself after its unlinking,
	 * learns a grace period that begins after both.
	 */
	uint64_t live __attribute__((aligned(64)));
	/* protected by the lock, which is taken inside a stripe's */
	struct os_spin lock __attribute__((aligned(64)));
	struct ebpf_hash_list free;
	struct ebpf_hash_list waiting; /* for the next grace period */
	struct ebpf_hash_list grace;   /* until the current one ends */
	bool in_grace;
	bool stamped; /* there are some since the current one began */
	bool orphan; /* the map is gone: free the pool when grace ends */
	uint32_t fresh; /* atomic: from here on never handed out */
	struct os_deferred deferred;
};

/*
 * Elements first .. end - 1, all free; meta[end] is borrowed. NULL: no memory.
 * The end of it: at once, or with the grace period under way.
 */
struct ebpf_hash_pool *ebpf_hash_pool_create(struct ebpf_hash_meta *meta,
					     uint32_t first, uint32_t end);
void ebpf_hash_pool_destroy(struct ebpf_hash_pool *pool); /* NULL is fine */

/* Locked stripe: up to `batch` elements from the pool. Run path. */
void ebpf_hash_pool_refill(struct ebpf_hash_pool *pool,
			   struct ebpf_hash_stripe *stripe, uint32_t batch);
/* Locked stripe: begin a grace period for what was removed. Run path. */
void ebpf_hash_pool_return(struct ebpf_hash_pool *pool,
			   struct ebpf_hash_stripe *stripe);
/* sleep: what was given back before can be had again on return. */
void ebpf_hash_pool_settle(struct ebpf_hash_pool *pool);

/*
 * Of meta.link, for elements in no list: a number of 31 bits, so that it is
 * never LIVE. A stamp much older than that may pass for one that is not over.
 */
static inline uint32_t
ebpf_hash_stamp(uint64_t live)
{
	return ((uint32_t)(live >> 32) + 1) & 0x7fffffff;
}

/* Is that grace period over? What is LIVE is refused as well. */
static inline bool
ebpf_hash_stamp_over(uint32_t link, uint32_t done)
{
	return link != EBPF_HASH_LIVE &&
	       ((done - link) & 0x7fffffff) < 0x40000000;
}

/* At the end: what was removed first is handed out first. */
static inline void
ebpf_hash_list_push(struct ebpf_hash_list *list, struct ebpf_hash_meta *meta,
		    uint32_t number)
{
	os_store(&meta[number].link, 0);
	if (list->first == 0)
		list->first = number;
	else
		os_store(&meta[list->last].link, number);
	list->last = number;
	list->count++;
}

static inline uint32_t
ebpf_hash_list_pop(struct ebpf_hash_list *list,
		   const struct ebpf_hash_meta *meta)
{
	uint32_t number = list->first;

	if (number != 0) {
		list->first = meta[number].link;
		list->count--;
	}
	return number;
}

/* Move all of `from` to the end of `to`. */
static inline void
ebpf_hash_list_join(struct ebpf_hash_list *to, struct ebpf_hash_list *from,
		    struct ebpf_hash_meta *meta)
{
	if (from->first == 0)
		return;
	if (to->first == 0)
		to->first = from->first;
	else
		os_store(&meta[to->last].link, from->first);
	to->last = from->last;
	to->count += from->count;
	memset(from, 0, sizeof(*from));
}

#endif
