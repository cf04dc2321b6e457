/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Numbers of 1, 2, 4 or 8 bytes in memory, in the machine's byte order, at any
 * address. For who learns the size at run time: each size is one access, where
 * a copy of that many bytes would be a call.
 */
#ifndef EBPF_CORE_WORD_H
#define EBPF_CORE_WORD_H

#include "core/os.h"

static inline uint64_t
ebpf_word_get(const uint8_t *at, uint32_t size)
{
	uint64_t value = 0;
	uint16_t v16;
	uint32_t v32;

	switch (size) {
	case 1:
		return *at;
	case 2:
		memcpy(&v16, at, 2);
		return v16;
	case 4:
		memcpy(&v32, at, 4);
		return v32;
	}
	memcpy(&value, at, 8);
	return value;
}

/* The low size bytes of value. */
static inline void
ebpf_word_put(uint8_t *at, uint32_t size, uint64_t value)
{
	uint16_t v16 = (uint16_t)value;
	uint32_t v32 = (uint32_t)value;

	switch (size) {
	case 1:
		*at = (uint8_t)value;
		return;
	case 2:
		memcpy(at, &v16, 2);
		return;
	case 4:
		memcpy(at, &v32, 4);
		return;
	}
	memcpy(at, &value, 8);
}

#endif
