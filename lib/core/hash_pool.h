/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The elements of a hash map on their way: handed out, removed, waiting for
 * their grace period, handed out again. Elements are numbers from 1; what they
 * hold is hash_table.h's. A hand is what a processor has of them, under a lock
 * of its own, which nobody else wants as a rule; behind all hands stands one
 * pool. Their memory is there from the start, or comes in chunks when they are
 * handed out first.
 */
#ifndef CORE_HASH_POOL_H
#define CORE_HASH_POOL_H

#include "core/chunks.h"

/* Of meta.link: in the map, on no list. The 30 bits below differ each time. */
#define EBPF_HASH_LIVE (2u << 30)
#define EBPF_HASH_REMOVED UINT32_MAX /* not returned yet, on no list */

enum {
	EBPF_HASH_BATCH = 12, /* most elements between a hand and the pool */
};

struct ebpf_hash_meta {
	uint32_t chain; /* next without a slot; readers follow it, so it stays
			   as it was until the element is used again */
	uint32_t link;	/* atomic: next in a free or removed list, or LIVE */
};

/* Where meta is: side by side, or in front of each record in chunks. */
struct ebpf_hash_metas {
	struct ebpf_hash_meta *all;
	struct ebpf_chunks *chunks; /* NULL: all are there from the start */
};

static inline struct ebpf_hash_meta *
ebpf_hash_meta(const struct ebpf_hash_metas *metas, uint32_t number)
{
	if (os_likely(metas->chunks == NULL))
		return &metas->all[number];
	return ebpf_chunks_at(metas->chunks, number);
}

/* The first number from that on which has an element, or will have one. */
static inline uint32_t
ebpf_hash_number_from(const struct ebpf_hash_metas *metas, uint32_t number)
{
	if (os_likely(metas->chunks == NULL))
		return number;
	return ebpf_chunks_from(metas->chunks, number);
}

static inline bool
ebpf_hash_link_live(uint32_t link)
{
	return link >> 30 == EBPF_HASH_LIVE >> 30;
}

/* Elements on their way: a list through meta.link. */
struct ebpf_hash_list {
	uint32_t first, last, count;
};

/* Protected by the lock, which is taken inside a bucket's. */
struct ebpf_hash_hand {
	struct os_spin lock;
	/*
	 * Places in the map's count that removals left here for insertions;
	 * written with the lock, read without by who counts.
	 */
	uint32_t places;
	uint32_t links; /* of the last element that was put into the map */
	uint16_t free_count, gone_count;
	uint32_t free[EBPF_HASH_BATCH]; /* taken from the end */
	/* removed, the first one first; their grace period has not begun */
	uint32_t gone[EBPF_HASH_BATCH];
} __attribute__((aligned(64)));

/*
 * Removed elements on their way back, all of them removed before the grace
 * period of that number began.
 */
struct ebpf_hash_leaving {
	struct ebpf_hash_list list; /* but for those that are stamped */
	bool any;
	uint32_t stamp;
	uint64_t epoch; /* of os_epoch_begin() */
};

/*
 * With chunks: how many bytes they may have before an element is rather handed
 * on early than another chunk taken: base + each * *count, atomic.
 */
struct ebpf_hash_budget {
	int64_t base;
	uint64_t each;
	const uint32_t *count;
};

/*
 * Where hands get and return elements. Its owner may have elements of smaller
 * numbers that are in no list (home): when such a one is returned it is stamped,
 * and may be used again when that stamp is done. Nobody waits for a grace
 * period: who needs an element asks whether it is over.
 */
struct ebpf_hash_pool {
	/* read-mostly */
	struct ebpf_hash_metas metas;
	struct ebpf_hash_budget budget; /* its owner's */
	uint32_t first;
	uint32_t end; /* without chunks; with them no number */
	uint32_t done; /* atomic: what has that stamp may be used again */
	uint64_t hurried; /* atomic: tries to hand some on before their grace
			     is over */
	/* protected by the lock, which is taken inside a hand's */
	struct os_spin lock __attribute__((aligned(64)));
	uint32_t stamp; /* of the last return */
	uint32_t fresh; /* atomic: from here on never handed out */
	struct ebpf_hash_list free;
	/* two, so that the first ones need not wait for the last ones */
	struct ebpf_hash_leaving early, late;
};

/*
 * Elements first .. end - 1, all free, or those that chunks will have; metas are
 * borrowed. NULL: no memory.
 */
struct ebpf_hash_pool *
ebpf_hash_pool_create(const struct ebpf_hash_metas *metas, uint32_t first,
		      uint32_t end);
void ebpf_hash_pool_destroy(struct ebpf_hash_pool *pool); /* NULL is fine */

/*
 * Locked hand, nothing is free: up to `batch` elements. When there is none, some
 * whose grace period is not over: for who knows what that means to readers. None
 * even so: all are in the map, in hands or not returned, or there is no memory.
 * Run path.
 */
void ebpf_hash_pool_refill(struct ebpf_hash_pool *pool,
			   struct ebpf_hash_hand *hand, uint32_t batch);
/*
 * No hand is locked: memory for an element that was never handed out, where it
 * is not to be had with a lock, or was not just then. Run path.
 */
bool ebpf_hash_pool_more(struct ebpf_hash_pool *pool);
/* Locked hand: begin a grace period for what was removed. Run path. */
void ebpf_hash_pool_return(struct ebpf_hash_pool *pool,
			   struct ebpf_hash_hand *hand);
/* sleep: the grace period of what was given back before is over on return. */
void ebpf_hash_pool_settle(struct ebpf_hash_pool *pool);

/*
 * Of meta.link, for elements in no list: the lower 31 bits of a stamp. One that
 * is very old may pass for one that is not over.
 */
#define EBPF_HASH_STAMPS 0x7fffffffu

/* Is that grace period over? LIVE and REMOVED are no stamps. */
static inline bool
ebpf_hash_stamp_over(uint32_t link, uint32_t done)
{
	return link <= EBPF_HASH_STAMPS &&
	       ((done - link) & EBPF_HASH_STAMPS) < EBPF_HASH_STAMPS / 2;
}

/* Locked hand: 0 when there is none. */
static inline uint32_t
ebpf_hash_hand_take(struct ebpf_hash_hand *hand)
{
	return hand->free_count != 0 ? hand->free[--hand->free_count] : 0;
}

/* Locked hand: `batch` of them, not above BATCH, go back at once. */
static inline void
ebpf_hash_hand_give(struct ebpf_hash_hand *hand, struct ebpf_hash_pool *pool,
		    uint32_t number, uint32_t batch)
{
	hand->gone[hand->gone_count++] = number;
	if (hand->gone_count >= batch)
		ebpf_hash_pool_return(pool, hand);
}

#endif
