/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hash maps and per-CPU hash maps. Readers take no lock: they run inside an
 * epoch section. Writers lock one of some stripes of buckets. All memory is
 * there from the start, in elements numbered from 1:
 *
 *   bucket: one cache line of 8 tags (7 bits of the hash) and 8 element
 *	numbers; what does not fit hangs on a chain of elements. Nothing ever
 *	moves, so a reader needs no retry.
 *   element: key, then value, at number * element size. A live element keeps
 *	its number and its place; an update overwrites the value in place.
 *   removed element: handed out again only after a grace period, so a program
 *	that holds a pointer never sees another key's value. For that there
 *	are spare elements beyond max_entries; see spare_count().
 *
 * A walk goes by element number: what stays is seen exactly once.
 */
#include "core/map.h"
#include "core/map_value.h"

enum {
	SLOTS = 8,	  /* of a bucket */
	BUCKET_LOAD = 4,  /* most elements per bucket in the mean */
	STRIPES_MIN = 16, /* unless there are fewer buckets */
	STRIPES_MAX = 256,
	BATCH = 8,	    /* elements between a stripe and the pool */
	BATCH_BYTES = 4096, /* bigger elements move one by one */
	CHURN_BYTES = 1 << 20,
	CHURN_MIN = 4,
	CHURN_SMALL = 1024,
	CHURN_MAX = 1 << 16,
	KEY_MAX = 512,	       /* a program's stack has no more */
	VALUE_MAX = 16 << 20,
	PERCPU_VALUE_MAX = 32 << 10,
	ENTRIES_MAX = 1u << 30,
	WALK_LOOK = 4096, /* elements looked at by one call */
};

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull

struct bucket {
	uint64_t tags; /* one byte each, high bit set; 0: free slot */
	uint32_t elements[SLOTS];
	uint32_t chain; /* first element without a slot, 0: none */
} __attribute__((aligned(64)));

struct meta {
	uint32_t chain; /* next without a slot; readers follow it, so it stays
			   as it was until the grace period is over */
	uint32_t link;	/* next in a free or removed list */
};

/* Elements on their way: a list through meta.link. */
struct list {
	uint32_t first, last, count;
};

/* Lock of some buckets and a few elements at hand; protected by the lock. */
struct stripe {
	struct os_spin lock;
	struct list free;
	struct list removed; /* their grace period has not begun */
} __attribute__((aligned(64)));

/*
 * Where stripes get and return elements. Allocated apart from the map: a grace
 * period may end after the map's end.
 */
struct pool {
	struct os_deferred deferred;
	struct os_spin lock; /* taken inside a stripe's */
	struct meta *meta;
	struct list free;
	struct list waiting; /* for the next grace period */
	struct list grace;   /* until the current one ends */
	bool in_grace;
	bool orphan; /* the map is gone: free the pool when grace ends */
	uint32_t fresh; /* numbers from here on were never handed out */
	uint32_t end;
};

struct ebpf_map_hash {
	struct ebpf_map map;
	/* read-mostly */
	struct bucket *buckets;
	uint64_t bucket_mask;
	uint64_t seed[3];
	uint8_t *elements; /* that of number 0 is not used */
	size_t element_size;
	uint32_t value_off; /* in an element; per-CPU: not there */
	uint32_t stripe_mask;
	void *percpu; /* values by number; NULL unless per-CPU */
	struct stripe *stripes;
	struct meta *meta;
	uint8_t *live; /* atomic bytes by number: is in the map */
	struct pool *pool;
	uint32_t batch;
	/* written by every insertion and removal */
	uint32_t count __attribute__((aligned(64)));
};

static struct ebpf_map_hash *
hash_of(struct ebpf_map *map)
{
	return os_container(map, struct ebpf_map_hash, map);
}

/* ---- keys ---- */

static inline uint64_t
load64(const uint8_t *from)
{
	uint64_t v;

	__builtin_memcpy(&v, from, 8);
	return v;
}

static inline uint32_t
load32(const uint8_t *from)
{
	uint32_t v;

	__builtin_memcpy(&v, from, 4);
	return v;
}

/* Multiply to 128 bits and fold: every input bit reaches every output bit. */
static inline uint64_t
mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
#else
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t low = al * bl, m1 = ah * bl, m2 = al * bh, high = ah * bh;
	uint64_t carry = ((low >> 32) + (uint32_t)m1 + (uint32_t)m2) >> 32;

	low += (m1 << 32) + (m2 << 32);
	high += (m1 >> 32) + (m2 >> 32) + carry;
	return low ^ high;
#endif
}

/* A key of up to 16 bytes as two words: for hashing and for comparing. */
struct words {
	uint64_t a, b;
};

static inline struct words
short_key(const uint8_t *key, uint32_t size)
{
	struct words w;

	if (size == 4) {
		w.a = load32(key);
		w.b = w.a << 32;
	} else if (size >= 8) {
		w.a = load64(key);
		w.b = load64(key + size - 8);
	} else if (size > 4) {
		w.a = load32(key);
		w.b = load32(key + size - 4);
	} else {
		w.a = key[0] | (uint32_t)key[size / 2] << 8 |
		      (uint32_t)key[size - 1] << 16;
		w.b = 0;
	}
	return w;
}

/*
 * The seed is secret and random for each map, and both factors of every
 * product depend on it, so nobody outside can make keys collide on purpose.
 */
static inline uint64_t
hash_short(const struct ebpf_map_hash *hash, struct words w)
{
	return mix(w.a ^ hash->seed[0], w.b ^ hash->seed[1]);
}

static uint64_t
hash_long(const struct ebpf_map_hash *hash, const uint8_t *key, uint32_t size)
{
	uint64_t h = hash->seed[2];

	for (; size > 16; size -= 16, key += 16)
		h = mix(load64(key) ^ hash->seed[0] ^ h,
			load64(key + 8) ^ hash->seed[1]);
	/* the last 16 bytes, some of them maybe for the second time */
	key = key + size - 16;
	return mix(load64(key) ^ hash->seed[0] ^ h,
		   load64(key + 8) ^ hash->seed[1] ^ hash->seed[2]);
}

static bool
equal_long(const uint8_t *a, const uint8_t *b, uint32_t size)
{
	uint32_t i;

	for (i = 0; i + 8 < size; i += 8)
		if (load64(a + i) != load64(b + i))
			return false;
	return load64(a + size - 8) == load64(b + size - 8);
}

/* A key on its way through an operation. */
struct probe {
	const uint8_t *key;
	struct words words; /* of a short key */
	uint64_t hash;
};

static inline struct probe
probe_make(const struct ebpf_map_hash *hash, const void *key)
{
	uint32_t size = hash->map.key_size;
	struct probe probe = { .key = key };

	if (os_likely(size <= 16)) {
		probe.words = short_key(key, size);
		probe.hash = hash_short(hash, probe.words);
	} else {
		probe.hash = hash_long(hash, key, size);
	}
	return probe;
}

static inline uint8_t *
element_at(const struct ebpf_map_hash *hash, uint32_t number)
{
	return hash->elements + (size_t)number * hash->element_size;
}

static inline bool
probe_is(const struct ebpf_map_hash *hash, const struct probe *probe,
	 uint32_t number)
{
	const uint8_t *key = element_at(hash, number);
	uint32_t size = hash->map.key_size;
	struct words w;

	if (os_unlikely(size > 16))
		return equal_long(key, probe->key, size);
	w = short_key(key, size);
	return w.a == probe->words.a && w.b == probe->words.b;
}

static inline struct bucket *
bucket_of(const struct ebpf_map_hash *hash, uint64_t h)
{
	return &hash->buckets[h & hash->bucket_mask];
}

static inline struct stripe *
stripe_of(const struct ebpf_map_hash *hash, uint64_t h)
{
	return &hash->stripes[h & hash->stripe_mask];
}

static inline uint64_t
tag_of(uint64_t h)
{
	return h >> 57 | 0x80;
}

/*
 * High bits of the bytes of tags that equal tag. A byte above a true match may
 * be reported wrongly; the key comparison that follows sorts it out.
 */
static inline uint64_t
tags_match(uint64_t tags, uint64_t tag)
{
	uint64_t x = tags ^ (tag * ONES);

	return (x - ONES) & ~x & HIGH;
}

static inline uint32_t
first_byte(uint64_t bits)
{
	return (uint32_t)__builtin_ctzll(bits) >> 3;
}

/*
 * The element's number, 0 when there is none. Inside a section or under the
 * stripe's lock. A tag read before its slot was reused leads to an element of
 * another key, which the comparison refuses.
 */
static inline uint32_t
find(const struct ebpf_map_hash *hash, const struct probe *probe)
{
	struct bucket *bucket = bucket_of(hash, probe->hash);
	uint64_t match = tags_match(os_load_acquire(&bucket->tags),
				    tag_of(probe->hash));
	uint32_t number;

	for (; match != 0; match &= match - 1) {
		number = os_load_acquire(&bucket->elements[first_byte(match)]);
		if (os_likely(number != 0 && probe_is(hash, probe, number)))
			return number;
	}
	number = os_load_acquire(&bucket->chain);
	while (os_unlikely(number != 0)) {
		if (probe_is(hash, probe, number))
			return number;
		number = os_load_acquire(&hash->meta[number].chain);
	}
	return 0;
}

/* ---- elements: handed out, removed, handed out again ---- */

static void
list_push(struct list *list, struct meta *meta, uint32_t number)
{
	meta[number].link = list->first;
	if (list->first == 0)
		list->last = number;
	list->first = number;
	list->count++;
}

static uint32_t
list_pop(struct list *list, const struct meta *meta)
{
	uint32_t number = list->first;

	if (number != 0) {
		list->first = meta[number].link;
		list->count--;
	}
	return number;
}

/* Put all of `from` in front of `to`. */
static void
list_join(struct list *to, struct list *from, struct meta *meta)
{
	if (from->first == 0)
		return;
	meta[from->last].link = to->first;
	if (to->first == 0)
		to->last = from->last;
	to->first = from->first;
	to->count += from->count;
	memset(from, 0, sizeof(*from));
}

static void grace_over(struct os_deferred *work);

/* Locked pool: let the next grace period begin unless one is under way. */
static void
grace_begin(struct pool *pool)
{
	if (pool->in_grace || pool->waiting.first == 0)
		return;
	pool->in_grace = true;
	list_join(&pool->grace, &pool->waiting, pool->meta);
	os_epoch_defer(&pool->deferred, grace_over);
}

static void
grace_over(struct os_deferred *work)
{
	struct pool *pool = os_container(work, struct pool, deferred);
	bool orphan;

	os_spin_lock(&pool->lock);
	pool->in_grace = false;
	orphan = pool->orphan;
	if (!orphan) {
		list_join(&pool->free, &pool->grace, pool->meta);
		grace_begin(pool);
	}
	os_spin_unlock(&pool->lock);
	if (orphan)
		os_free(pool);
}

/* Locked stripe: some elements from the pool. */
static void
stripe_refill(struct ebpf_map_hash *hash, struct stripe *stripe)
{
	struct pool *pool = hash->pool;
	uint32_t i, number;

	os_spin_lock(&pool->lock);
	for (i = 0; i < hash->batch; i++) {
		number = list_pop(&pool->free, hash->meta);
		if (number == 0 && pool->fresh < pool->end) {
			number = pool->fresh;
			os_store(&pool->fresh, number + 1);
		}
		if (number == 0)
			break;
		list_push(&stripe->free, hash->meta, number);
	}
	os_spin_unlock(&pool->lock);
}

/* Locked stripe: an unlinked element begins its way back. */
static void
retire(struct ebpf_map_hash *hash, struct stripe *stripe, uint32_t number)
{
	struct pool *pool = hash->pool;

	list_push(&stripe->removed, hash->meta, number);
	if (stripe->removed.count < hash->batch)
		return;
	os_spin_lock(&pool->lock);
	list_join(&pool->waiting, &stripe->removed, hash->meta);
	grace_begin(pool);
	os_spin_unlock(&pool->lock);
}

/* ---- insert and remove, under the stripe's lock ---- */

/*
 * A place in the count and an element: E2BIG when the map is full, EAGAIN when
 * all spare elements wait for their grace period.
 */
static int
take(struct ebpf_map_hash *hash, struct stripe *stripe, uint32_t *number)
{
	if (os_load(&hash->count) >= hash->map.max_entries)
		return -EBPF_E2BIG;
	if (os_add(&hash->count, 1) > hash->map.max_entries) {
		os_sub(&hash->count, 1);
		return -EBPF_E2BIG;
	}
	if (stripe->free.first == 0)
		stripe_refill(hash, stripe);
	*number = list_pop(&stripe->free, hash->meta);
	if (*number == 0) {
		os_sub(&hash->count, 1);
		return -EBPF_EAGAIN;
	}
	return 0;
}

/* Make a filled element findable. */
static void
link_element(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct bucket *bucket = bucket_of(hash, h);
	uint64_t tags = bucket->tags;
	uint64_t vacant = ~tags & HIGH;
	uint32_t slot;

	os_store_release(&hash->live[number], 1);
	if (os_likely(vacant != 0)) {
		slot = first_byte(vacant);
		os_store_release(&bucket->elements[slot], number);
		os_store_release(&bucket->tags,
				 tags | tag_of(h) << (slot * 8));
		return;
	}
	os_store(&hash->meta[number].chain, bucket->chain);
	os_store_release(&bucket->chain, number);
}

static void
unlink_element(struct ebpf_map_hash *hash, uint64_t h, uint32_t number)
{
	struct bucket *bucket = bucket_of(hash, h);
	uint64_t match = tags_match(bucket->tags, tag_of(h));
	uint32_t *at, slot;

	os_store(&hash->live[number], 0);
	for (; match != 0; match &= match - 1) {
		slot = first_byte(match);
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

static void *
percpu_at(const struct ebpf_map_hash *hash, uint32_t number, uint32_t cpu)
{
	return (uint8_t *)os_percpu_ptr(hash->percpu, cpu) +
	       (size_t)number * hash->map.stride;
}

/* Where an update's value comes from and goes to. */
enum target {
	ONE,	 /* the element's own value */
	THIS_CPU, /* a program's: this CPU's; new elsewhere: zero */
	ALL_CPUS, /* a user's: one value per CPU */
};

static void
value_set(struct ebpf_map_hash *hash, uint32_t number, const uint8_t *value,
	  enum target target, bool fresh)
{
	uint32_t size = hash->map.value_size, cpu, self;

	switch (target) {
	case ONE:
		ebpf_value_store(element_at(hash, number) + hash->value_off,
				 value, size);
		break;
	case THIS_CPU:
		self = os_cpu_id();
		ebpf_value_store(percpu_at(hash, number, self), value, size);
		for (cpu = 0; fresh && cpu < os_cpu_count(); cpu++)
			if (cpu != self)
				ebpf_value_zero(percpu_at(hash, number, cpu),
						size);
		break;
	case ALL_CPUS:
		for (cpu = 0; cpu < os_cpu_count(); cpu++)
			ebpf_value_store(percpu_at(hash, number, cpu),
					 value + (size_t)cpu * hash->map.stride,
					 size);
		break;
	}
}

static inline int
set(struct ebpf_map *map, const void *key, const void *value, uint64_t flags,
    enum target target)
{
	struct ebpf_map_hash *hash = hash_of(map);
	struct probe probe;
	struct stripe *stripe;
	uint32_t number;
	int error = 0;

	if (os_unlikely(flags > EBPF_EXIST))
		return -EBPF_EINVAL;
	probe = probe_make(hash, key);
	stripe = stripe_of(hash, probe.hash);
	os_spin_lock(&stripe->lock);
	number = find(hash, &probe);
	if (number != 0) {
		if (flags == EBPF_NOEXIST)
			error = -EBPF_EEXIST;
		else
			value_set(hash, number, value, target, false);
	} else if (flags == EBPF_EXIST) {
		error = -EBPF_ENOENT;
	} else {
		error = take(hash, stripe, &number);
		if (error == 0) {
			memcpy(element_at(hash, number), key, map->key_size);
			value_set(hash, number, value, target, true);
			link_element(hash, probe.hash, number);
		}
	}
	os_spin_unlock(&stripe->lock);
	return error;
}

/* ---- the ops ---- */

static void *
hash_lookup(struct ebpf_map *map, const void *key)
{
	struct ebpf_map_hash *hash = hash_of(map);
	struct probe probe = probe_make(hash, key);
	uint32_t number = find(hash, &probe);

	return os_likely(number != 0) ?
		element_at(hash, number) + hash->value_off : NULL;
}

static int
hash_update(struct ebpf_map *map, const void *key, const void *value,
	    uint64_t flags)
{
	return set(map, key, value, flags, ONE);
}

static int
hash_remove(struct ebpf_map *map, const void *key)
{
	struct ebpf_map_hash *hash = hash_of(map);
	struct probe probe = probe_make(hash, key);
	struct stripe *stripe = stripe_of(hash, probe.hash);
	uint32_t number;

	os_spin_lock(&stripe->lock);
	number = find(hash, &probe);
	if (number != 0) {
		unlink_element(hash, probe.hash, number);
		os_sub(&hash->count, 1);
		retire(hash, stripe, number);
	}
	os_spin_unlock(&stripe->lock);
	return number != 0 ? 0 : -EBPF_ENOENT;
}

static uint64_t
hash_count(struct ebpf_map *map)
{
	uint32_t n = os_load(&hash_of(map)->count);

	/* an insertion that is about to be refused may have counted itself */
	return n < map->max_entries ? n : map->max_entries;
}

/* The first live number from `number` on, 0 when there is none before `end`. */
static uint32_t
live_from(const struct ebpf_map_hash *hash, uint32_t number, uint32_t end)
{
	for (; number < end; number++)
		if (os_load_acquire(&hash->live[number]) != 0)
			return number;
	return 0;
}

/* A key that is not there (any more) starts again, as in Linux. */
static int
hash_next(struct ebpf_map *map, const void *key, void *next)
{
	struct ebpf_map_hash *hash = hash_of(map);
	uint32_t number = 0;
	struct probe probe;

	if (key != NULL) {
		probe = probe_make(hash, key);
		number = find(hash, &probe);
	}
	number = live_from(hash, number + 1, os_load(&hash->pool->fresh));
	if (number == 0)
		return -EBPF_ENOENT;
	memcpy(next, element_at(hash, number), map->key_size);
	return 0;
}

static void
value_get(struct ebpf_map_hash *hash, uint32_t number, uint8_t *value)
{
	uint32_t cpu;

	if (hash->percpu == NULL) {
		ebpf_value_load(value,
				element_at(hash, number) + hash->value_off,
				hash->map.value_size);
		return;
	}
	for (cpu = 0; cpu < os_cpu_count(); cpu++)
		ebpf_value_load(value + (size_t)cpu * hash->map.stride,
				percpu_at(hash, number, cpu),
				hash->map.stride);
}

/* The cursor is the last number that was looked at. */
static int
hash_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count, void *out,
	  bool *done)
{
	struct ebpf_map_hash *hash = hash_of(map);
	uint32_t value_size = ebpf_map_user_value_size(map);
	uint32_t end = os_load(&hash->pool->fresh), n = 0, stop, number;
	uint8_t *at = out;

	if (*cursor >= end)
		return -EBPF_EINVAL;
	number = (uint32_t)*cursor + 1;
	stop = end - number < WALK_LOOK ? end : number + WALK_LOOK;
	for (; number < stop && n < *count; number++) {
		if (os_load_acquire(&hash->live[number]) == 0)
			continue;
		memcpy(at, element_at(hash, number), map->key_size);
		value_get(hash, number, at + map->key_size);
		at += (size_t)map->key_size + value_size;
		n++;
	}
	*cursor = number - 1;
	*count = n;
	*done = live_from(hash, number, stop) == 0 && stop == end;
	return 0;
}

static int
hash_read(struct ebpf_map *map, const void *key, void *value)
{
	struct ebpf_map_hash *hash = hash_of(map);
	struct probe probe = probe_make(hash, key);
	uint32_t number = find(hash, &probe);

	if (number == 0)
		return -EBPF_ENOENT;
	value_get(hash, number, value);
	return 0;
}

static void *
percpu_hash_lookup(struct ebpf_map *map, const void *key)
{
	struct ebpf_map_hash *hash = hash_of(map);
	struct probe probe = probe_make(hash, key);
	uint32_t number = find(hash, &probe);

	return os_likely(number != 0) ?
		percpu_at(hash, number, os_cpu_id()) : NULL;
}

static int
percpu_hash_update(struct ebpf_map *map, const void *key, const void *value,
		   uint64_t flags)
{
	return set(map, key, value, flags, THIS_CPU);
}

static int
percpu_hash_write(struct ebpf_map *map, const void *key, const void *value,
		  uint64_t flags)
{
	return set(map, key, value, flags, ALL_CPUS);
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
 * churned, by as many elements as fit in CHURN_BYTES.
 */
static uint64_t
spare_count(uint64_t stripes, uint32_t batch, uint64_t bytes_each,
	    uint32_t max_entries)
{
	uint64_t churn = CHURN_BYTES / bytes_each;

	if (churn > max_entries)
		churn = max_entries;
	if (churn < CHURN_SMALL && bytes_each * CHURN_SMALL <= CHURN_BYTES)
		churn = CHURN_SMALL;
	if (churn > CHURN_MAX)
		churn = CHURN_MAX;
	if (churn < CHURN_MIN)
		churn = CHURN_MIN;
	return stripes * batch * 2 + churn;
}

static void
plan_make(struct plan *plan, const struct ebpf_map_spec *spec, bool percpu)
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
				     spec->max_entries);
	plan->percpu_size = percpu ? plan->elements * value : 0;
}

static int
check(const struct ebpf_map_spec *spec, uint64_t *bytes, bool percpu)
{
	struct plan plan;

	if (spec->key_size == 0 || spec->value_size == 0 ||
	    spec->max_entries == 0)
		return -EBPF_EINVAL;
	if (spec->key_size > KEY_MAX || spec->max_entries > ENTRIES_MAX ||
	    spec->value_size > (percpu ? PERCPU_VALUE_MAX : VALUE_MAX))
		return -EBPF_E2BIG;
	plan_make(&plan, spec, percpu);
	*bytes = plan.buckets * sizeof(struct bucket) +
		 plan.stripes * sizeof(struct stripe) +
		 plan.elements * (plan.element_size + sizeof(struct meta) + 1) +
		 plan.percpu_size * os_cpu_count() + sizeof(struct pool);
	return 0;
}

static uint64_t
random64(void)
{
	uint64_t high = os_random_u32();

	return high << 32 | os_random_u32();
}

static int
init(struct ebpf_map *map, const struct ebpf_map_spec *spec, bool percpu)
{
	struct ebpf_map_hash *hash = hash_of(map);
	struct plan plan;
	uint32_t i;

	plan_make(&plan, spec, percpu);
	hash->bucket_mask = plan.buckets - 1;
	hash->stripe_mask = (uint32_t)plan.stripes - 1;
	hash->element_size = plan.element_size;
	hash->value_off = plan.key_room;
	hash->batch = plan.batch;
	for (i = 0; i < 3; i++)
		hash->seed[i] = (spec->flags & EBPF_F_ZERO_SEED) != 0 ?
			0x9e3779b97f4a7c15ull * (i + 1) : random64();

	hash->buckets = os_alloc(plan.buckets * sizeof(struct bucket));
	hash->stripes = os_alloc(plan.stripes * sizeof(struct stripe));
	hash->elements = os_alloc(plan.elements * plan.element_size);
	hash->meta = os_alloc(plan.elements * sizeof(struct meta));
	hash->live = os_alloc(plan.elements);
	hash->pool = os_alloc(sizeof(struct pool));
	if (hash->buckets == NULL || hash->stripes == NULL ||
	    hash->elements == NULL || hash->meta == NULL ||
	    hash->live == NULL || hash->pool == NULL)
		return -EBPF_ENOMEM;
	if (percpu) {
		hash->percpu = os_percpu_alloc(plan.percpu_size);
		if (hash->percpu == NULL)
			return -EBPF_ENOMEM;
	}
	for (i = 0; i < plan.stripes; i++)
		os_spin_init(&hash->stripes[i].lock);
	os_spin_init(&hash->pool->lock);
	hash->pool->meta = hash->meta;
	hash->pool->fresh = 1;
	hash->pool->end = (uint32_t)plan.elements;
	return 0;
}

/* Nobody can reach the map any more, but its pool's grace period may run. */
static void
hash_fini(struct ebpf_map *map)
{
	struct ebpf_map_hash *hash = hash_of(map);
	bool in_grace = false;

	if (hash->pool != NULL && hash->pool->end != 0) {
		os_spin_lock(&hash->pool->lock);
		in_grace = hash->pool->in_grace;
		hash->pool->orphan = true;
		os_spin_unlock(&hash->pool->lock);
	}
	if (!in_grace)
		os_free(hash->pool);
	if (hash->percpu != NULL)
		os_percpu_free(hash->percpu);
	os_free(hash->live);
	os_free(hash->meta);
	os_free(hash->elements);
	os_free(hash->stripes);
	os_free(hash->buckets);
}

static int
hash_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	return check(spec, bytes, false);
}

static int
hash_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	return init(map, spec, false);
}

static int
percpu_hash_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	return check(spec, bytes, true);
}

static int
percpu_hash_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	return init(map, spec, true);
}

/* NO_PREALLOC is taken and means nothing: untouched memory is not used yet. */
enum {
	FLAGS = EBPF_F_NO_PREALLOC | EBPF_F_RDONLY | EBPF_F_WRONLY |
		EBPF_F_ZERO_SEED | EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG,
};

const struct ebpf_map_ops ebpf_map_hash_ops = {
	.kind = EBPF_MAP_HASH,
	.flags_allowed = FLAGS,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = hash_check,
	.init = hash_init,
	.fini = hash_fini,
	.lookup = hash_lookup,
	.update = hash_update,
	.remove = hash_remove,
	.read = hash_read,
	.next = hash_next,
	.walk = hash_walk,
	.count = hash_count,
};

const struct ebpf_map_ops ebpf_map_percpu_hash_ops = {
	.kind = EBPF_MAP_PERCPU_HASH,
	.flags_allowed = FLAGS,
	.percpu = true,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = percpu_hash_check,
	.init = percpu_hash_init,
	.fini = hash_fini,
	.lookup = percpu_hash_lookup,
	.update = percpu_hash_update,
	.remove = hash_remove,
	.read = hash_read,
	.write = percpu_hash_write,
	.next = hash_next,
	.walk = hash_walk,
	.count = hash_count,
};
