/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The hash table's memory and its links: elements taken, linked into buckets
 * and unlinked; making a table and its end. How much of what a map gets
 * hash_plan.h says; lookups are in hash_table.h.
 */
#include "core/hash_plan.h"
#include "core/map_value.h"

enum {
	PLACES_MAX = 16, /* that a hand keeps */
	GATHER_TRIES = 16,
	HANDS_PART = 16, /* one of as many is in hands, of those on demand */
};

/* An element at home with its bucket that is free, 0: none. */
static uint32_t
home_take(struct ebpf_map_hash *hash, uint64_t h)
{
	uint32_t done = os_load_acquire(&hash->pool->done);
	uint32_t number = ebpf_hash_home(hash, h), end = number + hash->home;

	for (; number < end; number++)
		if (ebpf_hash_stamp_over(os_load(&hash->metas.all[number].link),
					 done))
			return number;
	return 0;
}

/* ---- hands ---- */

/* Where interrupts are off it is the processor's; else others may come along. */
static struct ebpf_hash_hand *
hand_lock(struct ebpf_map_hash *hash)
{
	struct ebpf_hash_hand *hand =
		&hash->hands[os_cpu_id() & hash->hand_mask];

	os_spin_lock(&hand->lock);
	return hand;
}

/* With chunks, what hands have is a small part of all there is. */
static uint32_t
batch_now(const struct ebpf_map_hash *hash)
{
	uint32_t batch;

	if (os_likely(hash->metas.chunks == NULL))
		return hash->batch;
	batch = os_load(&hash->count) / (HANDS_PART * (hash->hand_mask + 1u));
	if (batch > hash->batch)
		return hash->batch;
	return batch != 0 ? batch : 1;
}

/*
 * Up to `want` places of the map's; how many. Who finds none because of those
 * that others keep sees that they do.
 */
static uint32_t
places_count(struct ebpf_map_hash *hash, uint32_t want)
{
	uint32_t count = os_load_acquire(&hash->count), room;

	do {
		room = hash->map.max_entries - count;
		if (room == 0)
			return 0;
		if (want > room)
			want = room;
	} while (!os_cas(&hash->count, &count, count + want));
	return want;
}

static void
places_keep(struct ebpf_map_hash *hash)
{
	if (os_load(&hash->places_kept) == 0)
		os_store(&hash->places_kept, 1);
}

/* Locked hand. LRU maps keep none: what goes there makes place for another's. */
static inline void
place_give(struct ebpf_map_hash *hash, struct ebpf_hash_hand *hand)
{
	if (hash->used != NULL) {
		os_sub(&hash->count, 1);
		return;
	}
	if (os_unlikely(hand->places == PLACES_MAX)) {
		os_sub(&hash->count, PLACES_MAX / 2);
		os_store(&hand->places, PLACES_MAX / 2);
	}
	os_store(&hand->places, hand->places + 1);
	places_keep(hash);
}

/*
 * A place, from all hands if need be; none is locked. Who keeps one in a hand
 * that was already gathered has seen by its lock that places_kept is no longer
 * set, and sets it again.
 */
static bool
place_gather(struct ebpf_map_hash *hash)
{
	struct ebpf_hash_hand *hand;
	uint32_t tries = 0, i;
	bool found;

	os_spin_lock(&hash->places_lock);
	found = places_count(hash, 1) != 0;
	/* more than once: others may take some meanwhile, and keep them again */
	while (!found && os_load(&hash->places_kept) != 0 &&
	       tries++ < GATHER_TRIES) {
		os_store(&hash->places_kept, 0);
		for (i = 0; i <= hash->hand_mask; i++) {
			hand = &hash->hands[i];
			os_spin_lock(&hand->lock);
			os_sub(&hash->count, hand->places);
			os_store(&hand->places, 0);
			os_spin_unlock(&hand->lock);
		}
		found = places_count(hash, 1) != 0;
	}
	os_spin_unlock(&hash->places_lock);
	return found;
}

/* Locked hand, which has none: a place. */
static __attribute__((__noinline__)) bool
place_search(struct ebpf_map_hash *hash, struct ebpf_hash_hand *hand)
{
	uint32_t room = hash->map.max_entries - os_load(&hash->count), some = 1;
	bool found;

	if (hash->used == NULL && room / PLACES_MAX > hash->hand_mask + 1u) {
		some = hash->metas.chunks == NULL ? PLACES_MAX :
						    batch_now(hash);
		places_keep(hash);
	}
	some = places_count(hash, some);
	if (some > 0) {
		os_store(&hand->places, some - 1);
		return true;
	}
	os_spin_unlock(&hand->lock);
	found = place_gather(hash);
	os_spin_lock(&hand->lock);
	return found;
}

static inline bool
place_take(struct ebpf_map_hash *hash, struct ebpf_hash_hand *hand)
{
	if (os_unlikely(hand->places == 0))
		return place_search(hash, hand);
	os_store(&hand->places, hand->places - 1);
	return true;
}

uint32_t
ebpf_hash_count(const struct ebpf_map_hash *hash)
{
	uint32_t count = os_load(&hash->count), places = 0, i;

	for (i = 0; i <= hash->hand_mask; i++)
		places += os_load(&hash->hands[i].places);
	return count > places ? count - places : 0;
}

/* An element that was taken out begins its way back. */
static inline void
leave(struct ebpf_map_hash *hash, uint32_t number)
{
	struct ebpf_hash_hand *hand = hand_lock(hash);

	ebpf_hash_hand_give(hand, hash->pool, number, batch_now(hash));
	place_give(hash, hand);
	os_spin_unlock(&hand->lock);
}

void
ebpf_hash_leave(struct ebpf_map_hash *hash, uint32_t number)
{
	leave(hash, number);
}

/* Locked hand, which has none. */
static __attribute__((__noinline__)) uint32_t
free_search(struct ebpf_map_hash *hash, struct ebpf_hash_hand *hand)
{
	ebpf_hash_pool_refill(hash->pool, hand, batch_now(hash));
	return ebpf_hash_hand_take(hand);
}

/*
 * Locked hand: what a live element's link says, unlike what it said when last
 * in the map, for no two hands say the same either.
 */
static uint32_t
link_next(const struct ebpf_map_hash *hash, struct ebpf_hash_hand *hand)
{
	hand->links += hash->hand_mask + 1;
	return EBPF_HASH_LIVE | (hand->links & (EBPF_HASH_LIVE / 2 - 1));
}

int
ebpf_hash_take(struct ebpf_map_hash *hash, uint64_t h, uint32_t *gone,
	       struct ebpf_hash_taken *taken)
{
	uint32_t number = hash->home != 0 ? home_take(hash, h) : 0;
	struct ebpf_hash_hand *hand = hand_lock(hash);
	int error = 0;

	if (*gone != 0) {
		ebpf_hash_hand_give(hand, hash->pool, *gone, batch_now(hash));
		*gone = 0;
	} else if (os_unlikely(!place_take(hash, hand))) {
		error = -EBPF_E2BIG;
		goto out;
	}
	if (number == 0)
		number = ebpf_hash_hand_take(hand);
	if (os_unlikely(number == 0))
		number = free_search(hash, hand);
	taken->number = number;
	taken->link = link_next(hash, hand);
	/*
	 * Who has a place finds an element, if hash_plan.c is right, or else
	 * there is no memory.
	 */
	if (os_unlikely(number == 0)) {
		place_give(hash, hand);
		error = hash->metas.chunks != NULL ? -EBPF_ENOMEM :
						     -EBPF_EAGAIN;
	}
out:
	os_spin_unlock(&hand->lock);
	return error;
}

void
ebpf_hash_untake(struct ebpf_map_hash *hash, uint32_t number)
{
	struct ebpf_hash_hand *hand;

	/* one at home was not linked yet: nothing says that it is taken */
	if (!ebpf_hash_is_home(hash, number)) {
		ebpf_hash_leave(hash, number);
		return;
	}
	hand = hand_lock(hash);
	place_give(hash, hand);
	os_spin_unlock(&hand->lock);
}

/* ---- buckets ---- */

/* The bucket's chain without that element; false: it is not there. */
static bool
chain_unlink(struct ebpf_map_hash *hash, struct ebpf_hash_bucket *bucket,
	     uint32_t number)
{
	uint32_t *at = &bucket->chain, next;

	/* others, who want the lock, write it to the bucket's meanwhile */
	for (;; at = &ebpf_hash_meta(&hash->metas, next)->chain) {
		next = os_load(at) & ~OS_BIT_LOCK;
		if (next == 0)
			return false;
		if (next == number)
			break;
	}
	next = ebpf_hash_meta(&hash->metas, number)->chain;
	os_store_release(at, next | (os_load(at) & OS_BIT_LOCK));
	return true;
}

static inline bool
take_out(struct ebpf_map_hash *hash, struct ebpf_hash_bucket *bucket,
	 size_t slot, uint32_t number)
{
	if (os_likely(slot < EBPF_HASH_SLOTS))
		os_store_release(&bucket->tags,
				 bucket->tags & ~(0xffull << (slot * 8)));
	else if (!chain_unlink(hash, bucket, number))
		return false;
	/* behind that, and in front of whatever becomes of the element */
	os_store_release(&bucket->changes, bucket->changes + 1);
	os_store(&ebpf_hash_meta(&hash->metas, number)->link,
		 EBPF_HASH_REMOVED);
	if (hash->used != NULL)
		os_store(&hash->used[number], EBPF_HASH_OUT);
	return true;
}

bool
ebpf_hash_unlink(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, h);
	uint64_t match = ebpf_hash_match(bucket->tags, ebpf_hash_tag(h));
	size_t slot = EBPF_HASH_SLOTS;

	for (; match != 0; match &= match - 1) {
		slot = ebpf_hash_first(match);
		if (ebpf_hash_slot(hash, bucket, h, slot, hash->slots) ==
		    number)
			break;
		slot = EBPF_HASH_SLOTS;
	}
	return take_out(hash, bucket, slot, number);
}

void
ebpf_hash_remove(struct ebpf_map_hash *hash, struct ebpf_hash_bucket *bucket,
		 size_t slot, uint32_t number)
{
	take_out(hash, bucket, slot, number);
	leave(hash, number);
}

/* ---- making and ending ---- */

static uint64_t
random64(void)
{
	uint64_t high = os_random_u32();

	return high << 32 | os_random_u32();
}

static bool
elements_make(struct ebpf_map_hash *hash, const struct ebpf_hash_plan *plan)
{
	hash->elements = os_alloc(plan->elements * plan->element_size);
	hash->metas.all = os_alloc(plan->elements *
				   sizeof(hash->metas.all[0]));
	return hash->elements != NULL && hash->metas.all != NULL;
}

static void
chunks_make(struct ebpf_map_hash *hash, const struct ebpf_hash_plan *plan,
	    bool percpu)
{
	struct ebpf_chunks_spec spec = {
		.size = EBPF_HASH_CHUNK_KEY + (uint32_t)plan->element_size,
		.cpu_size = percpu ? hash->map.stride : 0,
		.records = plan->records,
		.spare = plan->record_spare,
	};

	ebpf_chunks_init(&hash->chunks, &hash->map.obj, &spec);
	hash->metas.chunks = &hash->chunks;
}

int
ebpf_hash_init(struct ebpf_map *map, const struct ebpf_map_spec *spec,
	       bool percpu, bool lru)
{
	struct ebpf_map_hash *hash = ebpf_hash_of(map);
	struct ebpf_hash_plan plan;
	uint32_t i;

	ebpf_hash_plan_make(&plan, spec, percpu, lru);
	hash->bucket_bits = (plan.buckets - 1) << EBPF_HASH_SHIFT;
	hash->hand_mask = (uint16_t)(plan.hands - 1);
	hash->element_size = (uint32_t)plan.element_size;
	hash->value_off = plan.key_room;
	hash->slots = (uint8_t)plan.slots;
	hash->bucket_shift = plan.slots == EBPF_HASH_SLOTS ?
		EBPF_HASH_SHIFT : EBPF_HASH_INSIDE_SHIFT;
	hash->home = (uint8_t)plan.home;
	hash->home_first = plan.home_first;
	hash->home_end = (uint32_t)plan.first;
	hash->home_numbers = (uint8_t)plan.home_numbers;
	hash->batch = (uint16_t)plan.batch;
	for (i = 0; i < 3; i++)
		hash->seed[i] = (spec->flags & EBPF_F_ZERO_SEED) != 0 ?
			0x9e3779b97f4a7c15ull * (i + 1) : random64();

	if (plan.chunks)
		chunks_make(hash, &plan, percpu);
	else if (!elements_make(hash, &plan))
		return -EBPF_ENOMEM;
	hash->buckets = plan.slots == EBPF_HASH_SLOTS ?
		os_alloc(plan.bucket_bytes) : (void *)hash->elements;
	hash->hands = os_alloc(plan.hands * sizeof(hash->hands[0]));
	if (hash->buckets == NULL || hash->hands == NULL)
		return -EBPF_ENOMEM;
	if (lru) {
		hash->used = os_alloc(plan.used_size);
		if (hash->used == NULL)
			return -EBPF_ENOMEM;
	}
	if (plan.percpu_size != 0) {
		hash->percpu = os_percpu_alloc(plan.percpu_size);
		if (hash->percpu == NULL)
			return -EBPF_ENOMEM;
	}
	for (i = 0; i < plan.hands; i++) {
		os_spin_init(&hash->hands[i].lock);
		hash->hands[i].links = i;
	}
	os_spin_init(&hash->places_lock);
	hash->homes = hash->elements + plan.home_first * plan.element_size;
	if (plan.slots != EBPF_HASH_SLOTS)
		hash->homes = (uint8_t *)(hash->buckets + 1);
	hash->home_step = plan.home_numbers * plan.element_size;
	if (plan.chunks)
		plan.first = ebpf_chunks_first(hash->metas.chunks);
	hash->pool = ebpf_hash_pool_create(&hash->metas, (uint32_t)plan.first,
					   (uint32_t)plan.elements);
	if (hash->pool == NULL)
		return -EBPF_ENOMEM;
	hash->pool->budget = (struct ebpf_hash_budget){
		.base = plan.base,
		.each = plan.each,
		.count = &hash->count,
	};
	ebpf_hash_lookup_choose(map);
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
	os_free(hash->metas.all);
	if (hash->metas.chunks != NULL)
		ebpf_chunks_fini(hash->metas.chunks);
	os_free(hash->hands);
	if (hash->slots == EBPF_HASH_SLOTS)
		os_free(hash->buckets);
	os_free(hash->elements);
}

void
ebpf_hash_settle(struct ebpf_map *map)
{
	ebpf_hash_pool_settle(ebpf_hash_of(map)->pool);
}

bool
ebpf_hash_collect(struct ebpf_map_hash *hash)
{
	struct ebpf_hash_pool *pool = hash->pool;
	struct ebpf_hash_hand *hand = hash->hands;
	bool any;
	uint32_t i;

	for (i = 0; i <= hash->hand_mask; i++, hand++) {
		os_spin_lock(&hand->lock);
		ebpf_hash_pool_return(pool, hand);
		os_spin_unlock(&hand->lock);
	}
	os_spin_lock(&pool->lock);
	any = pool->free.first != 0 || pool->early.list.first != 0 ||
	      pool->late.list.first != 0;
	os_spin_unlock(&pool->lock);
	return any;
}
