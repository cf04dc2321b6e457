/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the programs of suite maps and those who run them agree on. */
#ifndef BENCH_PROGRAMS_MAPS_H
#define BENCH_PROGRAMS_MAPS_H

#include "bench/programs/program.h"

enum { BENCH_LOOPS = 1000 };

/* The first bytes of the packet. */
struct bench_keys {
	u64 state;
	u32 shift; /* 64 less the bits of key numbers */
	u32 pad;
};

/* Number n as an IPv4 address in memory order, all over or in one /8. */
static inline u32
bench_address(u32 n)
{
	n *= 0x45d9f3bu;
	n ^= n >> 15;
	n *= 0x2c1b3c6du;
	n ^= n >> 13;
	return n;
}

static inline u32
bench_address_near(u32 n)
{
	return (bench_address(n) & 0xffffff00) | 10;
}

/* In one of 2048 networks of 16 bits, as routes are. */
static inline u32
bench_address_route(u32 n)
{
	return (bench_address(n) & 0xffff0000) |
	       (bench_address(n & 2047) & 0xffff);
}

/* One that no number below a million has. */
static inline u32
bench_address_stray(u32 n)
{
	return bench_address(n | 1u << 20);
}

/* The key of a longest-prefix map. */
static inline u64
bench_prefix(u32 address, u32 bits)
{
	return (u64)address << 32 | bits;
}

#endif
