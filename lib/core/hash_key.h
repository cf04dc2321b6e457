/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Keys of hash maps: hashing with a secret seed, and comparing. Keys of up to
 * 16 bytes, which most are, become two words that serve for both. For
 * hash_table.h alone; compiled programs hash short keys by themselves
 * (jit/x86_hash.c, jit/arm64_hash.c), which goes with what is here.
 */
#ifndef CORE_HASH_KEY_H
#define CORE_HASH_KEY_H

#include "core/os.h"

static inline uint64_t
ebpf_load64(const uint8_t *from)
{
	uint64_t v;

	__builtin_memcpy(&v, from, 8);
	return v;
}

static inline uint16_t
ebpf_load16(const uint8_t *from)
{
	uint16_t v;

	__builtin_memcpy(&v, from, 2);
	return v;
}

static inline uint32_t
ebpf_load32(const uint8_t *from)
{
	uint32_t v;

	__builtin_memcpy(&v, from, 4);
	return v;
}

/* Multiply to 128 bits and fold: every input bit reaches every output bit. */
static inline uint64_t
ebpf_hash_mix(uint64_t a, uint64_t b)
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

/*
 * A key of up to 16 bytes as two words, for hashing, comparing and storing.
 * Others may be changing it (it may be a map's value), so no byte is read a
 * second time: what is hashed is what is stored. In an element it stands in 8
 * or 16 bytes, with zeros behind it, and is read whole.
 */
struct ebpf_key_words {
	uint64_t a, b;
};

enum {
	EBPF_KEY_LITTLE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
};

static inline struct ebpf_key_words
ebpf_key_short(const uint8_t *key, uint32_t size)
{
	struct ebpf_key_words w = { 0, 0 };
	uint8_t padded[16] = { 0 };
	uint32_t i;

	if (size == 4) {
		w.a = ebpf_load32(key);
	} else if (size == 8) {
		w.a = ebpf_load64(key);
	} else if (size == 16) {
		w.a = ebpf_load64(key);
		w.b = ebpf_load64(key + 8);
	} else if (size == 6 && EBPF_KEY_LITTLE) {
		/*
		 * In the pieces in which a MAC address has just been stored: a
		 * load across two stores would wait until both are in memory.
		 */
		w.a = ebpf_load32(key) | (uint64_t)ebpf_load16(key + 4) << 32;
	} else if (size == 12 && EBPF_KEY_LITTLE) {
		w.a = ebpf_load64(key);
		w.b = ebpf_load32(key + 8);
	} else {
		for (i = 0; i < size; i++)
			padded[i] = os_load(&key[i]);
		w.a = ebpf_load64(padded);
		w.b = ebpf_load64(padded + 8);
	}
	/* nor may the compiler read it again */
	__asm__("" : "+r"(w.a));
	if (size > 8)
		__asm__("" : "+r"(w.b));
	return w;
}

/*
 * Stored keys stand in whole aligned words, the last one with zeros behind it,
 * and are read and written by these: an element that is handed on may get
 * another key while somebody compares (hash_table.h). Whoever sees a key has
 * seen what was written before it.
 */
static inline uint64_t
ebpf_key_stored(const uint8_t *key, uint32_t at)
{
	return os_load_acquire((const uint64_t *)(const void *)(key + at));
}

/* The words of one that ebpf_key_short_store() has put there. */
static inline struct ebpf_key_words
ebpf_key_short_stored(const uint8_t *key, uint32_t size)
{
	struct ebpf_key_words w = { 0, 0 };

	if (size == 4)
		w.a = os_load_acquire((const uint32_t *)(const void *)key);
	else
		w.a = ebpf_key_stored(key, 0);
	if (size > 8)
		w.b = ebpf_key_stored(key, 8);
	return w;
}

static inline void
ebpf_key_short_store(uint8_t *key, uint32_t size, struct ebpf_key_words w)
{
	if (size == 4)
		os_store_release((uint32_t *)(void *)key, (uint32_t)w.a);
	else
		os_store_release((uint64_t *)(void *)key, w.a);
	if (size > 8)
		os_store_release((uint64_t *)(void *)(key + 8), w.b);
}

/* The word at `at` of a key of more than 8 bytes as it will be stored. */
static inline uint64_t
ebpf_key_word(const uint8_t *key, uint32_t size, uint32_t at)
{
	uint32_t left = size - at, beside = (8 - left) * 8;
	uint64_t tail;

	if (left >= 8)
		return ebpf_load64(key + at);
	tail = ebpf_load64(key + size - 8);
	return EBPF_KEY_LITTLE ? tail >> beside : tail << beside;
}

static inline void
ebpf_key_long_store(uint8_t *stored, const uint8_t *key, uint32_t size)
{
	uint32_t at;

	for (at = 0; at < size; at += 8)
		os_store_release((uint64_t *)(void *)(stored + at),
				 ebpf_key_word(key, size, at));
}

static inline bool
ebpf_key_long_is(const uint8_t *stored, const uint8_t *key, uint32_t size)
{
	uint32_t at;

	for (at = 0; at < size; at += 8)
		if (ebpf_key_stored(stored, at) != ebpf_key_word(key, size, at))
			return false;
	return true;
}

#define EBPF_HASH_FACTOR 0x9fb21c651e98df25ull

/* One product alone keeps regular keys regular: too many would meet. */
static inline uint64_t
ebpf_hash_end(uint64_t h)
{
	return ebpf_hash_mix(h, EBPF_HASH_FACTOR);
}

/*
 * The seed is secret and random for each map, and both factors of every
 * first product depend on it, so nobody outside can make keys collide on purpose.
 */
static inline uint64_t
ebpf_hash_short(const uint64_t *seed, struct ebpf_key_words w, uint32_t size)
{
	if (size == 6 && EBPF_KEY_LITTLE) {
		/* as it came: compiled programs have no need to wait for all */
		w.b = w.a >> 32;
		w.a = (uint32_t)w.a;
	}
	return ebpf_hash_end(ebpf_hash_mix(w.a ^ seed[0], w.b ^ seed[1]));
}

/* Of a key with more than 16 bytes; stored: of an element's. */
static inline __attribute__((always_inline)) uint64_t
ebpf_hash_long(const uint64_t *seed, const uint8_t *key, uint32_t size,
	       bool stored)
{
	uint64_t h = seed[2], a, b;
	uint32_t at;

	for (at = 0; at < size; at += 16) {
		a = stored ? ebpf_key_stored(key, at) :
			     ebpf_key_word(key, size, at);
		b = 0;
		if (at + 8 < size)
			b = stored ? ebpf_key_stored(key, at + 8) :
				     ebpf_key_word(key, size, at + 8);
		h = ebpf_hash_mix(a ^ seed[0] ^ h, b ^ seed[1]);
	}
	return ebpf_hash_end(h ^ seed[2]);
}

#endif
