/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random numbers for tests: small, fast and the same everywhere for the same
 * seed (xorshift64*; never seed it with 0).
 */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdint.h>

struct dice {
	uint64_t state;
};

static inline uint64_t
dice_next(struct dice *dice)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return dice->state * 0x2545f4914f6cdd1dULL;
}

static inline uint32_t
dice_below(struct dice *dice, uint32_t n)
{
	return (uint32_t)(dice_next(dice) >> 33) % n;
}

/* One at which arithmetic often goes wrong: near a power of 2, small, ... */
static inline uint64_t
dice_interesting(struct dice *dice)
{
	uint64_t v = dice_next(dice);

	switch (dice_below(dice, 9)) {
	case 0:
		return v;
	case 1:
		return v >> dice_below(dice, 64);
	case 2:
		return 0 - (v >> dice_below(dice, 64));
	case 3:
		return (1ULL << dice_below(dice, 64)) + (v & 3) - 1;
	case 4:
		return (uint64_t)(int64_t)(int32_t)v;
	case 5:
		return (uint32_t)v;
	case 6:
		return (v & 3) - 1;
	default:
		return v & 63;
	}
}

#endif
