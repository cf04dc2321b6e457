/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How map values are copied while others may read or write them: by whole
 * aligned 8-byte words, so that a counter is never seen torn. Stored values
 * are 8-aligned and rounded up to 8; the caller's side has no alignment. Used
 * by the map kinds, and by helpers that ask them.
 */
#ifndef CORE_MAP_VALUE_H
#define CORE_MAP_VALUE_H

#include "core/os.h"

/* From a caller into a map; the rounding behind the value becomes zero. */
static inline void
ebpf_value_store(void *stored, const void *from, uint32_t len)
{
	uint64_t *word = stored;
	const uint8_t *byte = from;
	uint64_t w;
	uint32_t i;

	if (os_likely(len == 8)) { /* no loop, for what is frequent */
		__builtin_memcpy(&w, byte, 8);
		os_store(word, w);
		return;
	}
	for (; len >= 8; len -= 8, byte += 8) {
		__builtin_memcpy(&w, byte, 8);
		os_store(word++, w);
	}
	if (len == 4) {
		uint32_t half;

		__builtin_memcpy(&half, byte, 4);
		os_store((uint32_t *)word, half);
	} else if (len != 0) {
		union {
			uint64_t word;
			uint8_t bytes[8];
		} last = { 0 };

		for (i = 0; i < len; i++)
			last.bytes[i] = byte[i];
		os_store(word, last.word);
	}
}

/*
 * From a map to a caller. Who then looks whether it was the same element all
 * the while sees what is true of all of it.
 */
static inline void
ebpf_value_load(void *to, const void *stored, uint32_t len)
{
	const uint64_t *word = stored;
	uint8_t *byte = to;
	uint64_t w;
	uint32_t i;

	if (os_likely(len == 8)) {
		w = os_load_acquire(word);
		__builtin_memcpy(byte, &w, 8);
		return;
	}
	if (len == 4) { /* as many keys are */
		uint32_t half = os_load_acquire((const uint32_t *)word);

		__builtin_memcpy(byte, &half, 4);
		return;
	}
	for (; len >= 8; len -= 8, byte += 8) {
		w = os_load_acquire(word++);
		__builtin_memcpy(byte, &w, 8);
	}
	if (len == 4) {
		uint32_t half = os_load_acquire((const uint32_t *)word);

		__builtin_memcpy(byte, &half, 4);
	} else if (len != 0) {
		union {
			uint64_t word;
			uint8_t bytes[8];
		} last;

		last.word = os_load_acquire(word);
		for (i = 0; i < len; i++)
			byte[i] = last.bytes[i];
	}
}

static inline void
ebpf_value_zero(void *stored, uint32_t len)
{
	uint64_t *word = stored;
	uint32_t i;

	for (i = 0; i < (len + 7) / 8; i++)
		os_store(&word[i], 0);
}

/*
 * An index that was found to be below count; 0 where a processor that runs
 * ahead has guessed so. The compiler must not know what the branch said.
 */
static inline uint32_t
ebpf_index_within(uint32_t index, uint32_t count)
{
	uint64_t wide = index;

	__asm__("" : "+r"(wide));
	return (uint32_t)(wide & (uint64_t)((int64_t)(wide - count) >> 63));
}

/* An array index from a key of any alignment. */
static inline uint32_t
ebpf_key_index(const void *key)
{
	uint32_t index;

	__builtin_memcpy(&index, key, 4);
	return index;
}

#endif
