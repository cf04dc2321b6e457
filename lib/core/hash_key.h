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

/* The words of one that ebpf_key_short_store() has put there. */
static inline struct ebpf_key_words
ebpf_key_short_stored(const uint8_t *key, uint32_t size)
{
	struct ebpf_key_words w = { 0, 0 };

	if (size == 4)
		w.a = ebpf_load32(key);
	else
		w.a = ebpf_load64(key);
	if (size > 8)
		w.b = ebpf_load64(key + 8);
	return w;
}

static inline void
ebpf_key_short_store(uint8_t *key, uint32_t size, struct ebpf_key_words w)
{
	uint32_t half = (uint32_t)w.a;

	if (size == 4)
		__builtin_memcpy(key, &half, 4);
	else
		__builtin_memcpy(key, &w.a, 8);
	if (size > 8)
		__builtin_memcpy(key + 8, &w.b, 8);
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
ebpf_hash_short(const uint64_t *seed, struct ebpf_key_words w)
{
	return ebpf_hash_end(ebpf_hash_mix(w.a ^ seed[0], w.b ^ seed[1]));
}

static inline uint64_t
ebpf_hash_long(const uint64_t *seed, const uint8_t *key, uint32_t size)
{
	uint64_t h = seed[2];

	for (; size > 16; size -= 16, key += 16)
		h = ebpf_hash_mix(ebpf_load64(key) ^ seed[0] ^ h,
			ebpf_load64(key + 8) ^ seed[1]);
	/* the last 16 bytes, some of them maybe for the second time */
	key = key + size - 16;
	h = ebpf_hash_mix(ebpf_load64(key) ^ seed[0] ^ h,
			  ebpf_load64(key + 8) ^ seed[1] ^ seed[2]);
	return ebpf_hash_end(h);
}

static inline bool
ebpf_key_equal_long(const uint8_t *a, const uint8_t *b, uint32_t size)
{
	uint32_t i;

	for (i = 0; i + 8 < size; i += 8)
		if (ebpf_load64(a + i) != ebpf_load64(b + i))
			return false;
	return ebpf_load64(a + size - 8) == ebpf_load64(b + size - 8);
}

#endif
