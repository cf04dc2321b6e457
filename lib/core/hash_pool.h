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
	EBPF_HASH_BATCH = 16, /* most elements between a hand and the pool */
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
	struct ebpf_hash_list free;
	struct ebpf_hash_list removed; /* their grace period has not begun */
	/*
	 * Places in the map's count that removals left here for insertions;
	 * written with the lock, read without by who counts.
	 */
	uint32_t places;
	uint32_t links; /* of the last element that was put into the map */
	uint32_t home_count;
	uint32_t home[EBPF_HASH_BATCH]; /* removed, in no list; likewise */
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
	uint32_t end; /* without chunks */
	uint32_t done; /* atomic: what has that stamp may be used again */
	uint64_t hurried; /* atomic: tries to hand one on before its grace is
			     over */
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

/* Locked hand: up to `batch` elements from the pool. Run path. */
void ebpf_hash_pool_refill(struct ebpf_hash_pool *pool,
			   struct ebpf_hash_hand *hand, uint32_t batch);
/*
 * When there was none: an element whose grace period is not over, the first one
 * removed; or, with chunks, one of another chunk. 0: all are in the map, in
 * hands or not returned, or there is no memory. For who knows what that means
 * to readers. Run path.
 */
uint32_t ebpf_hash_pool_hurry(struct ebpf_hash_pool *pool);
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

/* At the end. */
static inline void
ebpf_hash_list_push(struct ebpf_hash_list *list,
		    const struct ebpf_hash_metas *metas, uint32_t number)
{
	os_store(&ebpf_hash_meta(metas, number)->link, 0);
	if (list->first == 0)
		list->first = number;
	else
		os_store(&ebpf_hash_meta(metas, list->last)->link, number);
	list->last = number;
	list->count++;
}

static inline uint32_t
ebpf_hash_list_pop(struct ebpf_hash_list *list,
		   const struct ebpf_hash_metas *metas)
{
	uint32_t number = list->first;

	if (number != 0) {
		list->first = ebpf_hash_meta(metas, number)->link;
		list->count--;
	}
	return number;
}

/* Move all of `from` to the end of `to`. */
static inline void
ebpf_hash_list_join(struct ebpf_hash_list *to, struct ebpf_hash_list *from,
		    const struct ebpf_hash_metas *metas)
{
	if (from->first == 0)
		return;
	if (to->first == 0)
		to->first = from->first;
	else
		os_store(&ebpf_hash_meta(metas, to->last)->link, from->first);
	to->last = from->last;
	to->count += from->count;
	memset(from, 0, sizeof(*from));
}

#endif
