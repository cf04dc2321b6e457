/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See hash_pool.h. At most one grace period of a pool is under way. */
#include "core/hash_pool.h"

struct ebpf_hash_pool *
ebpf_hash_pool_create(struct ebpf_hash_meta *meta, uint32_t first,
		      uint32_t end)
{
	struct ebpf_hash_pool *pool = os_alloc(sizeof(*pool));

	if (pool == NULL)
		return NULL;
	os_spin_init(&pool->lock);
	pool->meta = meta;
	pool->fresh = first;
	pool->end = end;
	return pool;
}

void
ebpf_hash_pool_destroy(struct ebpf_hash_pool *pool)
{
	bool in_grace;

	if (pool == NULL)
		return;
	os_spin_lock(&pool->lock);
	in_grace = pool->in_grace;
	pool->orphan = true;
	os_spin_unlock(&pool->lock);
	if (!in_grace)
		os_free(pool);
}

static void grace_over(struct os_deferred *work);

/* Locked pool: let the next grace period begin unless one is under way. */
static void
grace_begin(struct ebpf_hash_pool *pool)
{
	if (pool->in_grace || (pool->waiting.first == 0 && !pool->stamped))
		return;
	pool->in_grace = true;
	pool->stamped = false;
	os_add(&pool->live, 1ull << 32);
	ebpf_hash_list_join(&pool->grace, &pool->waiting, pool->meta);
	os_epoch_defer(&pool->deferred, grace_over);
}

static void
grace_over(struct os_deferred *work)
{
	struct ebpf_hash_pool *pool =
		os_container(work, struct ebpf_hash_pool, deferred);
	bool orphan;

	os_spin_lock(&pool->lock);
	pool->in_grace = false;
	os_store_release(&pool->done, pool->done + 1);
	orphan = pool->orphan;
	if (!orphan) {
		ebpf_hash_list_join(&pool->free, &pool->grace, pool->meta);
		grace_begin(pool);
	}
	os_spin_unlock(&pool->lock);
	if (orphan)
		os_free(pool);
}

void
ebpf_hash_pool_refill(struct ebpf_hash_pool *pool,
		      struct ebpf_hash_stripe *stripe, uint32_t batch)
{
	uint32_t number;

	os_spin_lock(&pool->lock);
	for (; batch > 0; batch--) {
		number = ebpf_hash_list_pop(&pool->free, pool->meta);
		if (number == 0 && pool->fresh < pool->end) {
			number = pool->fresh;
			os_store(&pool->fresh, number + 1);
		}
		if (number == 0)
			break;
		ebpf_hash_list_push(&stripe->free, pool->meta, number);
	}
	os_spin_unlock(&pool->lock);
}

void
ebpf_hash_pool_return(struct ebpf_hash_pool *pool,
		      struct ebpf_hash_stripe *stripe)
{
	os_spin_lock(&pool->lock);
	ebpf_hash_list_join(&pool->waiting, &stripe->removed, pool->meta);
	pool->stamped |= stripe->stamped != 0;
	stripe->stamped = 0;
	grace_begin(pool);
	os_spin_unlock(&pool->lock);
}

/* What a grace period under way was for, its end then looks for in vain. */
void
ebpf_hash_pool_settle(struct ebpf_hash_pool *pool)
{
	struct ebpf_hash_list settled = { 0 };

	os_spin_lock(&pool->lock);
	ebpf_hash_list_join(&settled, &pool->grace, pool->meta);
	ebpf_hash_list_join(&settled, &pool->waiting, pool->meta);
	os_spin_unlock(&pool->lock);
	os_epoch_sync();
	os_spin_lock(&pool->lock);
	ebpf_hash_list_join(&pool->free, &settled, pool->meta);
	os_spin_unlock(&pool->lock);
}
