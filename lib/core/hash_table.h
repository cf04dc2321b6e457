/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The table under all hash kinds. Readers take no lock: they run inside an
 * epoch section. Writers lock a bucket. All memory is there from the start, in
 * elements numbered from 1, unless a map does without preallocation: then they
 * come in chunks (chunks.h).
 *
 *   bucket: one cache line of 8 tags (7 bits of the hash) and 8 element
 *	numbers; what does not fit hangs on a chain of elements. Nothing ever
 *	moves, so a reader need not look twice. Its lock is a bit of that line:
 *	whoever changes an element touches nothing that others use.
 *   element: key, then value, at number * element size, or in a record that
 *	begins with its meta. A live element keeps its number and its place;
 *	an update overwrites the value in place.
 *   home: in big maps of small elements, each bucket has some numbers of its
 *	own, the first ones, for keys of that bucket alone. They are no part of
 *	what a map needs to hold max_entries. They lie side by side, or, those
 *	of 16 bytes in very big maps, inside the bucket, which has two lines
 *	then: slots 0 and 1 have numbers, each other slot's element is where it
 *	would be if all eight were one array. Either way a lookup asks for the
 *	memory of homes while it waits for the bucket's first line, for mostly
 *	the key is there.
 *   removed element: handed out again after a grace period (hash_pool.h), so a
 *	program that holds a pointer keeps seeing its own key's value. For that
 *	there are spare elements beyond max_entries, as many as Linux's memory
 *	for such a map allows. When all of those are waiting, one is handed on
 *	at once, as Linux does with every one.
 *
 * What is handed on at once may be in the hands of readers. These see another
 * key's value then, but nothing else goes wrong:
 *   - elements stay elements of this map, for ever, and so does a lock in one;
 *   - a key of up to 8 bytes is one word; it is written behind the value;
 *   - a bucket counts what it loses (changes), before that is used again. Who
 *	compares longer keys, copies a value or follows a chain looks whether it
 *	did so meanwhile, and if so starts anew;
 *   - links of live elements differ each time, for those who go by number.
 *
 * For map_hash.c, hash_lookup.c, hash_read.c and map_lru.c, and for
 * jit/jit_lookup.h: compiled programs read buckets and elements themselves.
 */
#ifndef CORE_HASH_TABLE_H
#define CORE_HASH_TABLE_H

#include "core/hash_key.h"
#include "core/hash_pool.h"
#include "core/map.h"

enum {
	EBPF_HASH_SLOTS = 8, /* of a bucket */
	EBPF_HASH_SHIFT = 6, /* of a bucket's size */
	/* with homes inside: */
	EBPF_HASH_INSIDE = 2, /* slots with numbers; the others are homes */
	EBPF_HASH_INSIDE_SHIFT = 7,
	EBPF_HASH_INSIDE_ELEMENT = 16, /* bytes: an eighth */
	EBPF_HASH_CHUNK_KEY = sizeof(struct ebpf_hash_meta), /* in a record */
};

/*
 * Of an element in an LRU map, since the hand of map_lru.c came by. OUT is for
 * those that were taken out: others may not be in the map either, but what is in
 * the map is never OUT.
 */
enum ebpf_hash_used {
	EBPF_HASH_IDLE,
	EBPF_HASH_NEW,	/* inserted, not used yet */
	EBPF_HASH_USED, /* by a program */
	EBPF_HASH_OUT,
};

#define EBPF_HASH_ONES 0x0101010101010101ull
#define EBPF_HASH_LOWS 0x7f7f7f7f7f7f7f7full

struct ebpf_hash_bucket {
	uint64_t tags; /* one byte each, 1 .. 127; 0: free slot */
	uint32_t chain; /* first element without a slot, 0: none; and the lock
			   of all this, OS_BIT_LOCK */
	uint32_t changes; /* elements it has lost */
	/* with homes inside, these begin behind the first four */
	uint32_t elements[EBPF_HASH_SLOTS];
} __attribute__((aligned(64)));

struct ebpf_map_hash {
	struct ebpf_map map;
	/* read-mostly */
	struct ebpf_hash_bucket *buckets;
	uint64_t bucket_bits; /* of a hash, the number of its bucket; the lowest
				 is that of EBPF_HASH_SHIFT */
	uint64_t seed[3];
	uint8_t *elements; /* that of number 0 is not used; with homes inside,
			      the buckets are among them */
	uint8_t *homes;	   /* elements at home with bucket 0; with homes
			      inside, those of the bucket's second line */
	size_t home_step;  /* bytes to the next bucket's; 0: there are none */
	uint8_t slots;	   /* with a number; the others are homes inside */
	uint8_t bucket_shift;
	uint8_t home;	   /* how many elements are at home with a bucket */
	uint8_t home_numbers; /* from a bucket's first to that of the next */
	uint16_t batch; /* between a hand and the pool */
	uint16_t hand_mask;
	uint32_t home_first; /* the first number of those of bucket 0 */
	uint32_t home_end;     /* all others have higher ones */
	uint32_t element_size;
	uint32_t value_off; /* in an element; per-CPU: not there */
	void *percpu; /* values by number; NULL unless per-CPU */
	struct ebpf_hash_hand *hands; /* by processor */
	/*
	 * With chunks (NO_PREALLOC) meta, key and value are a record there, a
	 * CPU's value its part of it; elements and percpu are NULL then.
	 */
	struct ebpf_hash_metas metas;
	uint8_t *used; /* atomic enum ebpf_hash_used by number, whole words;
			  NULL unless LRU */
	struct ebpf_hash_pool *pool;
	struct ebpf_chunks chunks; /* that metas and the pool refer to */
	/*
	 * Elements in the map and places that hands keep for some more, so that
	 * not every insertion and removal is counted here. places_kept is set
	 * when some may have any; whoever finds none gathers them, under the
	 * lock, before it says that the map is full.
	 */
	uint32_t count __attribute__((aligned(64)));
	uint32_t places_kept;
	struct os_spin places_lock;
	uint32_t hand; /* LRU: where eviction looked last */
};

static inline struct ebpf_map_hash *
ebpf_hash_of(struct ebpf_map *map)
{
	return os_container(map, struct ebpf_map_hash, map);
}

/*
 * A key on its way through an operation. Functions that end in _sized are told
 * the map's key size by callers that know it as a constant.
 */
struct ebpf_hash_probe {
	const uint8_t *key;
	struct ebpf_key_words words; /* of a short key */
	uint64_t hash;
};

#define EBPF_HASH_INLINE static inline __attribute__((always_inline))

EBPF_HASH_INLINE struct ebpf_hash_probe
ebpf_hash_probe_sized(const struct ebpf_map_hash *hash, const void *key,
		      uint32_t size)
{
	struct ebpf_hash_probe probe = { .key = key };

	if (os_likely(size <= 16)) {
		probe.words = ebpf_key_short(key, size);
		probe.hash = ebpf_hash_short(hash->seed, probe.words, size);
	} else {
		probe.hash = ebpf_hash_long(hash->seed, key, size, false);
	}
	return probe;
}

static inline struct ebpf_hash_probe
ebpf_hash_probe(const struct ebpf_map_hash *hash, const void *key)
{
	return ebpf_hash_probe_sized(hash, key, hash->map.key_size);
}

/* Of an element's key. Its own `key` is not one that others may be given. */
static inline struct ebpf_hash_probe
ebpf_hash_probe_stored(const struct ebpf_map_hash *hash, const uint8_t *key)
{
	uint32_t size = hash->map.key_size;
	struct ebpf_hash_probe probe = { .key = key };

	if (os_likely(size <= 16)) {
		probe.words = ebpf_key_short_stored(key, size);
		probe.hash = ebpf_hash_short(hash->seed, probe.words, size);
	} else {
		probe.hash = ebpf_hash_long(hash->seed, key, size, true);
	}
	return probe;
}

/* The same of a map with chunks, and of any map. */
static inline uint8_t *
ebpf_hash_in_chunk(const struct ebpf_map_hash *hash, uint32_t number)
{
	return (uint8_t *)ebpf_chunks_at(hash->metas.chunks, number) +
	       EBPF_HASH_CHUNK_KEY;
}

static inline uint8_t *
ebpf_hash_element(const struct ebpf_map_hash *hash, uint32_t number)
{
	if (os_likely(hash->metas.chunks == NULL))
		return hash->elements + (size_t)number * hash->element_size;
	return ebpf_hash_in_chunk(hash, number);
}

/* The number of its bucket. */
static inline uint64_t
ebpf_hash_index(const struct ebpf_map_hash *hash, uint64_t h)
{
	return (h & hash->bucket_bits) >> EBPF_HASH_SHIFT;
}

EBPF_HASH_INLINE bool
ebpf_hash_probe_is(const struct ebpf_hash_probe *probe, const uint8_t *key,
		   uint32_t size)
{
	struct ebpf_key_words w;

	if (os_unlikely(size > 16))
		return ebpf_key_long_is(key, probe->key, size);
	w = ebpf_key_short_stored(key, size);
	return ((w.a ^ probe->words.a) | (w.b ^ probe->words.b)) == 0;
}

static inline struct ebpf_hash_bucket *
ebpf_hash_bucket_at(const struct ebpf_map_hash *hash, uint64_t h,
		    uint32_t shift)
{
	return (void *)((uint8_t *)hash->buckets +
			((h & hash->bucket_bits) << (shift - EBPF_HASH_SHIFT)));
}

static inline struct ebpf_hash_bucket *
ebpf_hash_bucket(const struct ebpf_map_hash *hash, uint64_t h)
{
	return ebpf_hash_bucket_at(hash, h, hash->bucket_shift);
}

/*
 * What lock returns is for unlock. Taking it acquires and giving it back
 * releases, so writers see all of each other. Readers look past the bit: who
 * wants the lock writes the word again by one operation, and what it says stays
 * published by who stored it. What has left a bucket passes a hand's lock and the
 * pool's before it is written to again: a lock is taken behind the release in
 * front of it (changes), where a mere store might overtake that.
 */
static inline unsigned long
ebpf_hash_lock(struct ebpf_hash_bucket *bucket)
{
	return os_bit_lock(&bucket->chain);
}

static inline void
ebpf_hash_unlock(struct ebpf_hash_bucket *bucket, unsigned long before)
{
	os_bit_unlock(&bucket->chain, before);
}

static inline uint32_t
ebpf_hash_chain(const struct ebpf_hash_bucket *bucket)
{
	return os_load_acquire(&bucket->chain) & ~OS_BIT_LOCK;
}

static inline uint64_t
ebpf_hash_tag(uint64_t h)
{
	uint64_t tag = h >> 57;

	return tag + (tag < 1);
}

/*
 * High bits of the bytes of tags that equal tag, which may be 0. Tags are below
 * 128, so no sum reaches the next byte. What has to wait for the tags is short:
 * the less there is, the more lookups a processor has under way at once.
 */
static inline uint64_t
ebpf_hash_match(uint64_t tags, uint64_t tag)
{
	uint64_t differ = (tags ^ tag * EBPF_HASH_ONES) + EBPF_HASH_LOWS;

	return ~differ & ~EBPF_HASH_LOWS;
}

static inline size_t
ebpf_hash_first(uint64_t bits)
{
	return (uint32_t)__builtin_ctzll(bits) >> 3;
}

static inline uint32_t
ebpf_hash_home(const struct ebpf_map_hash *hash, uint64_t h)
{
	return hash->home_first +
	       (uint32_t)ebpf_hash_index(hash, h) * hash->home_numbers;
}

/*
 * The number of the element in that slot. Which sort of slot it is nobody can
 * predict, so this is no branch. slots: of the map, for some a constant.
 */
EBPF_HASH_INLINE uint32_t
ebpf_hash_slot(const struct ebpf_map_hash *hash,
	       const struct ebpf_hash_bucket *bucket, uint64_t h, size_t slot,
	       uint32_t slots)
{
	uint32_t number = os_load_acquire(&bucket->elements[slot]);
	uint32_t home = (uint32_t)ebpf_hash_index(hash, h) * EBPF_HASH_SLOTS +
			(uint32_t)slot;

	if (slots == EBPF_HASH_SLOTS)
		return number;
	return number ^ ((number ^ home) & (0 - (uint32_t)(slot >= slots)));
}

/*
 * Has the bucket lost nothing since it had that many changes? Then what was
 * found in it and read is what it was.
 */
static inline bool
ebpf_hash_same(const struct ebpf_hash_bucket *bucket, uint32_t changes)
{
	return os_likely(os_load_acquire(&bucket->changes) == changes);
}

/* hash_lookup.c: as ebpf_hash_find(), where that is not enough. */
uint32_t ebpf_hash_find_careful(const struct ebpf_map_hash *hash,
				struct ebpf_hash_probe probe);

/*
 * The element's number, 0 when there is none. Under the bucket's lock, or in a
 * section if the key has no more than 8 bytes. A tag read before its slot was
 * reused leads to an element of another key, which the comparison refuses. A
 * slot that has a tag once got a number before. *slot: where it is; SLOTS: on
 * the chain.
 */
EBPF_HASH_INLINE uint32_t
ebpf_hash_find_in(const struct ebpf_map_hash *hash,
		  const struct ebpf_hash_bucket *bucket,
		  const struct ebpf_hash_probe *probe, uint32_t size,
		  size_t *slot)
{
	uint64_t match = ebpf_hash_match(os_load_acquire(&bucket->tags),
				    ebpf_hash_tag(probe->hash));
	uint32_t number;

	for (; match != 0; match &= match - 1) {
		*slot = ebpf_hash_first(match);
		number = ebpf_hash_slot(hash, bucket, probe->hash, *slot,
					hash->slots);
		if (os_likely(ebpf_hash_probe_is(
			    probe, ebpf_hash_element(hash, number), size)))
			return number;
	}
	*slot = EBPF_HASH_SLOTS;
	if (os_likely(ebpf_hash_chain(bucket) == 0))
		return 0;
	return ebpf_hash_find_careful(hash, *probe);
}

EBPF_HASH_INLINE uint32_t
ebpf_hash_find_locked(const struct ebpf_map_hash *hash,
		      const struct ebpf_hash_probe *probe, uint32_t size)
{
	size_t slot;

	return ebpf_hash_find_in(hash, ebpf_hash_bucket(hash, probe->hash),
				 probe, size, &slot);
}

/* With no lock. */
EBPF_HASH_INLINE uint32_t
ebpf_hash_find_sized(const struct ebpf_map_hash *hash,
		     const struct ebpf_hash_probe *probe, uint32_t size)
{
	return size <= 8 ? ebpf_hash_find_locked(hash, probe, size) :
			   ebpf_hash_find_careful(hash, *probe);
}

static inline uint32_t
ebpf_hash_find(const struct ebpf_map_hash *hash,
	       const struct ebpf_hash_probe *probe)
{
	return ebpf_hash_find_sized(hash, probe, hash->map.key_size);
}

static inline void *
ebpf_hash_percpu(const struct ebpf_map_hash *hash, uint32_t number,
		 uint32_t cpu)
{
	if (os_likely(hash->percpu != NULL))
		return (uint8_t *)os_percpu_ptr(hash->percpu, cpu) +
		       (size_t)number * hash->map.stride;
	return ebpf_chunks_cpu_at(hash->metas.chunks, number, cpu);
}

/* A store only when it changes something keeps the line shared. */
static inline void
ebpf_hash_mark_used(const struct ebpf_map_hash *hash, uint32_t number)
{
	if (os_load(&hash->used[number]) != EBPF_HASH_USED)
		os_store(&hash->used[number], EBPF_HASH_USED);
}

/* The place for the inner map in an element of a hash_of_maps. */
static inline struct ebpf_map **
ebpf_hash_inner(const struct ebpf_map_hash *hash, uint32_t number)
{
	return (struct ebpf_map **)(void *)(ebpf_hash_element(hash, number) +
					    hash->value_off);
}

/* Of an element that is in that map. */
static inline bool
ebpf_hash_is_home(const struct ebpf_map_hash *hash, uint32_t number)
{
	return number < hash->home_end;
}

/*
 * Ask for the memory that an operation is about to touch, all at once: behind
 * an atomic operation one would wait for each of it. (Inlined always: gcc drops
 * calls of what does nothing else.)
 */
EBPF_HASH_INLINE void
ebpf_hash_ask(const struct ebpf_map_hash *hash, uint64_t h)
{
	const uint8_t *home;

	__builtin_prefetch(ebpf_hash_bucket(hash, h), 1);
	if (hash->home == 0)
		return;
	home = hash->homes + ebpf_hash_index(hash, h) * hash->home_step;
	__builtin_prefetch(home, 1);
	if (hash->slots == EBPF_HASH_SLOTS)
		__builtin_prefetch(home + hash->home_step - 1, 1);
}

/* And what only insertions and removals touch. */
EBPF_HASH_INLINE void
ebpf_hash_ask_metas(const struct ebpf_map_hash *hash, uint64_t h)
{
	if (hash->home != 0)
		__builtin_prefetch(&hash->metas.all[ebpf_hash_home(hash, h)],
				   1);
}

/* The same for an update: what it will be processors guess mostly rightly. */
EBPF_HASH_INLINE void
ebpf_hash_ask_update(const struct ebpf_map_hash *hash, uint64_t h)
{
	uint64_t tags;

	ebpf_hash_ask(hash, h);
	if (hash->home == 0)
		return;
	tags = os_load(&ebpf_hash_bucket(hash, h)->tags);
	if (ebpf_hash_match(tags, ebpf_hash_tag(h)) == 0)
		ebpf_hash_ask_metas(hash, h);
}

/* Is in the map. */
static inline bool
ebpf_hash_live(const struct ebpf_map_hash *hash, uint32_t number)
{
	return ebpf_hash_link_live(
		os_load_acquire(&ebpf_hash_meta(&hash->metas, number)->link));
}

/* The first live number from `number` on, 0 when there is none before `end`. */
static inline uint32_t
ebpf_hash_live_from(const struct ebpf_map_hash *hash, uint32_t number,
		    uint32_t end)
{
	for (number = ebpf_hash_number_from(&hash->metas, number); number < end;
	     number = ebpf_hash_number_from(&hash->metas, number + 1))
		if (ebpf_hash_live(hash, number))
			return number;
	return 0;
}

/* An element on its way into the map. */
struct ebpf_hash_taken {
	uint32_t number;
	uint32_t link; /* what meta.link will be */
};

/*
 * Locked bucket of h: an element, and a place in the count. *gone: one that was
 * evicted, which goes its way then and leaves its place; or 0. E2BIG: the map is
 * full.
 */
int ebpf_hash_take(struct ebpf_map_hash *hash, uint64_t h, uint32_t *gone,
		   struct ebpf_hash_taken *taken);
/* Give both back: nobody has seen it. */
void ebpf_hash_untake(struct ebpf_map_hash *hash, uint32_t number);

/* The free slot for that element in a bucket with such tags, SLOTS: none. */
static inline size_t
ebpf_hash_slot_for(const struct ebpf_map_hash *hash, uint64_t tags,
		   uint32_t number)
{
	uint64_t vacant = ebpf_hash_match(tags, 0);

	if (hash->slots != EBPF_HASH_SLOTS) {
		if (ebpf_hash_is_home(hash, number))
			return number % EBPF_HASH_SLOTS;
		vacant &= (1ull << hash->slots * 8) - 1;
	}
	return vacant != 0 ? ebpf_hash_first(vacant) : EBPF_HASH_SLOTS;
}

/* Locked bucket of h: make a filled element findable. */
EBPF_HASH_INLINE void
ebpf_hash_link(struct ebpf_map_hash *hash, uint64_t h,
	       const struct ebpf_hash_taken *taken)
{
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, h);
	uint64_t tags = bucket->tags;
	uint32_t number = taken->number;
	size_t slot = ebpf_hash_slot_for(hash, tags, number);
	struct ebpf_hash_meta *meta = ebpf_hash_meta(&hash->metas, number);

	os_store_release(&meta->link, taken->link);
	if (os_likely(slot < EBPF_HASH_SLOTS)) {
		if (slot < hash->slots)
			os_store_release(&bucket->elements[slot], number);
		os_store_release(&bucket->tags,
				 tags | ebpf_hash_tag(h) << (slot * 8));
		return;
	}
	os_store_release(&meta->chain, ebpf_hash_chain(bucket));
	os_store_release(&bucket->chain, number | OS_BIT_LOCK);
}

/*
 * Locked bucket of h: take it out of the map. False: no such element is there.
 * It is the caller's then, and so is its place in the count, until they are
 * given to ebpf_hash_leave().
 */
bool ebpf_hash_unlink(struct ebpf_map_hash *hash, uint64_t h, uint32_t number);
void ebpf_hash_leave(struct ebpf_map_hash *hash, uint32_t number);
/* Both, for one that ebpf_hash_find_in() found there. */
void ebpf_hash_remove(struct ebpf_map_hash *hash,
		      struct ebpf_hash_bucket *bucket, size_t slot,
		      uint32_t number);
/* How many elements are in the map, as exactly as others let us. */
uint32_t ebpf_hash_count(const struct ebpf_map_hash *hash);

/* hash_lookup.c: of the ops tables, for keys of any size. */
void *ebpf_hash_lookup(struct ebpf_map *map, const void *key);
void *ebpf_hash_percpu_lookup(struct ebpf_map *map, const void *key);
void *ebpf_hash_percpu_lookup_cpu(struct ebpf_map *map, const void *key,
				  uint32_t cpu);
void *ebpf_hash_lru_lookup(struct ebpf_map *map, const void *key);
void *ebpf_hash_lru_percpu_lookup(struct ebpf_map *map, const void *key);
void *ebpf_hash_lru_percpu_lookup_cpu(struct ebpf_map *map, const void *key,
				      uint32_t cpu);
void *ebpf_hash_maps_lookup(struct ebpf_map *map, const void *key);
/* hash_read.c: users' copies, of any kind; for maps of maps in a section. */
int ebpf_hash_read(struct ebpf_map *map, const void *key, void *value);
int ebpf_hash_next(struct ebpf_map *map, const void *key, void *next);
int ebpf_hash_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
		   void *out, bool *done);
bool ebpf_hash_each(struct ebpf_map *map, struct ebpf_each *each);
/* A user's copy of an element's value, on every CPU. */
void ebpf_hash_value_get(struct ebpf_map_hash *hash, uint32_t number,
			 uint8_t *value);
/* What the map's own lookup and read become, for the size of its keys. */
void ebpf_hash_lookup_choose(struct ebpf_map *map);

/* Of the ops tables; `percpu` and `lru` as the kind is. */
int ebpf_hash_check(const struct ebpf_map_spec *spec, uint64_t *bytes,
		    bool percpu, bool lru);
int ebpf_hash_init(struct ebpf_map *map, const struct ebpf_map_spec *spec,
		   bool percpu, bool lru);
void ebpf_hash_fini(struct ebpf_map *map);
void ebpf_hash_settle(struct ebpf_map *map);
/*
 * What was removed and hands have not returned yet goes to the pool, with no
 * bucket locked. False: that has none even so. Run path.
 */
bool ebpf_hash_collect(struct ebpf_map_hash *hash);

/*
 * map_lru.c: take an element out that was not used lately, with no bucket
 * locked; as ebpf_hash_unlink(). 0 when none was found.
 */
uint32_t ebpf_hash_evict(struct ebpf_map_hash *hash);

#endif
