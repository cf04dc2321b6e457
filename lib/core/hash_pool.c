/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See hash_pool.h. */
#include "core/hash_pool.h"

/* At the end. */
static void
list_push(struct ebpf_hash_list *list, const struct ebpf_hash_metas *metas,
	  uint32_t number)
{
	os_store(&ebpf_hash_meta(metas, number)->link, 0);
	if (list->first == 0)
		list->first = number;
	else
		os_store(&ebpf_hash_meta(metas, list->last)->link, number);
	list->last = number;
	list->count++;
}

static uint32_t
list_pop(struct ebpf_hash_list *list, const struct ebpf_hash_metas *metas)
{
	uint32_t number = list->first;

	if (number != 0) {
		list->first = ebpf_hash_meta(metas, number)->link;
		list->count--;
	}
	return number;
}

/* Move all of `from` to the end of `to`. */
static void
list_join(struct ebpf_hash_list *to, struct ebpf_hash_list *from,
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

struct ebpf_hash_pool *
ebpf_hash_pool_create(const struct ebpf_hash_metas *metas, uint32_t first,
		      uint32_t end)
{
	struct ebpf_hash_pool *pool = os_alloc(sizeof(*pool));

	if (pool == NULL)
		return NULL;
	os_spin_init(&pool->lock);
	pool->metas = *metas;
	pool->first = first;
	pool->fresh = first;
	pool->end = end;
	return pool;
}

void
ebpf_hash_pool_destroy(struct ebpf_hash_pool *pool)
{
	os_free(pool);
}

/*
 * Locked pool: these may be used again, and first of all, for they are still in
 * some cache. Stamps only go up; a late settle may come with an old one.
 */
static void
leaving_over(struct ebpf_hash_pool *pool, struct ebpf_hash_leaving *leaving)
{
	if (!leaving->any)
		return;
	list_join(&leaving->list, &pool->free, &pool->metas);
	pool->free = leaving->list;
	if ((int32_t)(leaving->stamp - pool->done) > 0)
		os_store_release(&pool->done, leaving->stamp);
	memset(leaving, 0, sizeof(*leaving));
}

/* Locked pool: what can be had again by now. */
static void
look(struct ebpf_hash_pool *pool)
{
	if (pool->late.any && os_epoch_over(pool->late.epoch)) {
		leaving_over(pool, &pool->early);
		leaving_over(pool, &pool->late);
	} else if (pool->early.any && os_epoch_over(pool->early.epoch)) {
		leaving_over(pool, &pool->early);
	}
	if (!pool->early.any) {
		pool->early = pool->late;
		memset(&pool->late, 0, sizeof(pool->late));
	}
}

/* May there be another chunk, beyond what cannot be helped? */
static bool
affordable(const struct ebpf_hash_pool *pool,
	   const struct ebpf_chunks_more *more)
{
	const struct ebpf_hash_budget *budget = &pool->budget;
	uint64_t count = os_load(budget->count);

	return (int64_t)(pool->metas.chunks->bytes + more->bytes) <=
	       budget->base + (int64_t)(budget->each * count);
}

/* Locked pool: the chunk that comes next. */
static bool
chunk_add(struct ebpf_hash_pool *pool, bool must)
{
	struct ebpf_chunks *chunks = pool->metas.chunks;
	struct ebpf_chunks_more more;

	return ebpf_chunks_ask(chunks, &more) == 0 &&
	       (must || affordable(pool, &more)) &&
	       ebpf_chunks_get(chunks, &more) == 0 &&
	       ebpf_chunks_put(chunks, &more);
}

bool
ebpf_hash_pool_more(struct ebpf_hash_pool *pool)
{
	struct ebpf_chunks *chunks = pool->metas.chunks;
	struct ebpf_chunks_more more;
	bool there;
	int error;

	if (chunks == NULL)
		return false;
	os_spin_lock(&pool->lock);
	there = ebpf_chunks_has(chunks, pool->fresh);
	error = ebpf_chunks_ask(chunks, &more);
	os_spin_unlock(&pool->lock);
	if (there || error != 0 || ebpf_chunks_get(chunks, &more) != 0)
		return there;
	os_spin_lock(&pool->lock);
	ebpf_chunks_put(chunks, &more);
	os_spin_unlock(&pool->lock);
	ebpf_chunks_drop(chunks, &more);
	return true;
}

/*
 * An element that was never handed out. Who goes by number up to fresh finds
 * what is there.
 */
static uint32_t
take_fresh(struct ebpf_hash_pool *pool, bool must)
{
	struct ebpf_chunks *chunks = pool->metas.chunks;
	uint32_t number = pool->fresh;

	if (chunks == NULL) {
		os_store(&pool->fresh, number + 1);
		return number;
	}
	if (!ebpf_chunks_has(chunks, number) && !chunk_add(pool, must))
		return 0;
	os_store_release(&pool->fresh, ebpf_chunks_from(chunks, number + 1));
	return number;
}

static uint32_t
take(struct ebpf_hash_pool *pool)
{
	uint32_t number = list_pop(&pool->free, &pool->metas);

	if (number == 0 && pool->fresh != pool->end)
		number = take_fresh(pool, false);
	return number;
}

/*
 * Elements whose grace period is not over, the first ones removed; or, with
 * chunks, one of another chunk. It is counted how often that was tried.
 */
static __attribute__((__noinline__)) void
hurry(struct ebpf_hash_pool *pool, struct ebpf_hash_hand *hand, uint32_t batch)
{
	uint32_t number, i;

	os_add(&pool->hurried, 1);
	os_spin_lock(&pool->lock);
	for (i = batch; i > 0; i--) { /* what is at the end goes first */
		number = take(pool);
		if (number == 0)
			number = list_pop(&pool->early.list, &pool->metas);
		if (number == 0)
			number = list_pop(&pool->late.list, &pool->metas);
		if (number == 0 && i == batch && pool->metas.chunks != NULL)
			number = take_fresh(pool, true);
		if (number == 0)
			break;
		hand->free[i - 1] = number;
	}
	os_spin_unlock(&pool->lock);
	hand->free_count = (uint16_t)(batch - i);
	if (i != 0)
		memmove(hand->free, hand->free + i,
			(batch - i) * sizeof(hand->free[0]));
}

void
ebpf_hash_pool_refill(struct ebpf_hash_pool *pool,
		      struct ebpf_hash_hand *hand, uint32_t batch)
{
	uint32_t number, count = 0;

	os_spin_lock(&pool->lock);
	if (pool->free.first == 0)
		look(pool);
	while (count < batch && (number = take(pool)) != 0)
		hand->free[count++] = number;
	hand->free_count = (uint16_t)count;
	os_spin_unlock(&pool->lock);
	if (count == 0)
		hurry(pool, hand, (batch + 1) / 2);
}

void
ebpf_hash_pool_return(struct ebpf_hash_pool *pool,
		      struct ebpf_hash_hand *hand)
{
	struct ebpf_hash_leaving *late = &pool->late;
	uint32_t i, number;

	os_spin_lock(&pool->lock);
	look(pool);
	late->any = true;
	late->stamp = ++pool->stamp;
	for (i = 0; i < hand->gone_count; i++) {
		number = hand->gone[i];
		if (number >= pool->first)
			list_push(&late->list, &pool->metas, number);
		else
			os_store(&ebpf_hash_meta(&pool->metas, number)->link,
				 late->stamp & EBPF_HASH_STAMPS);
	}
	hand->gone_count = 0;
	late->epoch = os_epoch_begin();
	os_spin_unlock(&pool->lock);
}

void
ebpf_hash_pool_settle(struct ebpf_hash_pool *pool)
{
	uint32_t stamp;

	os_spin_lock(&pool->lock);
	stamp = pool->stamp;
	os_spin_unlock(&pool->lock);
	os_epoch_sync();
	os_spin_lock(&pool->lock);
	/* what came meanwhile may have begun after the last of these */
	if (pool->early.any && (int32_t)(stamp - pool->early.stamp) >= 0)
		leaving_over(pool, &pool->early);
	if (pool->late.any && (int32_t)(stamp - pool->late.stamp) >= 0)
		leaving_over(pool, &pool->late);
	look(pool);
	os_spin_unlock(&pool->lock);
}
