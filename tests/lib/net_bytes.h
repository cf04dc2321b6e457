/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Numbers as frames have them, and the sum that their headers want. */
#ifndef TESTS_NET_BYTES_H
#define TESTS_NET_BYTES_H

#include <stdint.h>

static inline uint32_t
get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline void
put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* total and 16-bit words in ones' complement; the last may be half of one. */
static inline uint32_t
sum16(uint32_t total, const uint8_t *at, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		total += i & 1 ? at[i] : (uint32_t)at[i] << 8;
		if (total > 0xffff)
			total -= 0xffff;
	}
	return total;
}

#endif
