/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See hash_pool.h. */
#include "core/hash_pool.h"

struct ebpf_hash_pool *
ebpf_hash_pool_create(const struct ebpf_hash_metas *metas, uint32_t first,
		      uint32_t end)
{
	struct ebpf_hash_pool *pool = os_alloc(sizeof(*pool));

	if (pool == NULL)
		return NULL;
	os_spin_init(&pool->lock);
	pool->metas = *metas;
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
	ebpf_hash_list_join(&leaving->list, &pool->free, &pool->metas);
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
affordable(const struct ebpf_hash_pool *pool)
{
	const struct ebpf_hash_budget *budget = &pool->budget;
	const struct ebpf_chunks *chunks = pool->metas.chunks;
	uint64_t count = os_load(budget->count);

	return (int64_t)(chunks->bytes + ebpf_chunks_next_bytes(chunks)) <=
	       budget->base + (int64_t)(budget->each * count);
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
		if (number == pool->end)
			return 0;
		os_store(&pool->fresh, number + 1);
		return number;
	}
	if (!ebpf_chunks_has(chunks, number) &&
	    ((!must && !affordable(pool)) || ebpf_chunks_add(chunks) != 0))
		return 0;
	os_store_release(&pool->fresh, ebpf_chunks_from(chunks, number + 1));
	return number;
}

static uint32_t
take(struct ebpf_hash_pool *pool)
{
	uint32_t number = ebpf_hash_list_pop(&pool->free, &pool->metas);

	return number != 0 ? number : take_fresh(pool, false);
}

void
ebpf_hash_pool_refill(struct ebpf_hash_pool *pool,
		      struct ebpf_hash_hand *hand, uint32_t batch)
{
	uint32_t number;

	os_spin_lock(&pool->lock);
	if (pool->free.first == 0)
		look(pool);
	for (; batch > 0; batch--) {
		number = take(pool);
		if (number == 0)
			break;
		ebpf_hash_list_push(&hand->free, &pool->metas, number);
	}
	os_spin_unlock(&pool->lock);
}

/*
 * Counted in front of the lock: taking that comes before whatever is written to
 * the element, behind a store as the lock's release nothing need wait.
 */
uint32_t
ebpf_hash_pool_hurry(struct ebpf_hash_pool *pool)
{
	uint32_t number;

	os_add(&pool->hurried, 1);
	os_spin_lock(&pool->lock);
	number = take(pool);
	if (number == 0)
		number = ebpf_hash_list_pop(&pool->early.list, &pool->metas);
	if (number == 0)
		number = ebpf_hash_list_pop(&pool->late.list, &pool->metas);
	if (number == 0 && pool->metas.chunks != NULL)
		number = take_fresh(pool, true);
	os_spin_unlock(&pool->lock);
	return number;
}

void
ebpf_hash_pool_return(struct ebpf_hash_pool *pool,
		      struct ebpf_hash_hand *hand)
{
	struct ebpf_hash_leaving *late = &pool->late;
	uint32_t i;

	os_spin_lock(&pool->lock);
	look(pool);
	ebpf_hash_list_join(&late->list, &hand->removed, &pool->metas);
	late->any = true;
	late->stamp = ++pool->stamp;
	for (i = 0; i < hand->home_count; i++)
		os_store(&ebpf_hash_meta(&pool->metas, hand->home[i])->link,
			 late->stamp & EBPF_HASH_STAMPS);
	hand->home_count = 0;
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
