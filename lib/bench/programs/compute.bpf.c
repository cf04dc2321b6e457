/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs that only compute, for the suite of that name. One text, compiled
 * twice: by clang for BPF (for this engine and for Linux) and
 * by the C compiler (suite_compute.c includes this file). Loops have bounds
 * that every verifier sees.
 */
#include "bench/programs/program.h"

enum { COMPUTE_BYTES = 1024 };

#define PACKET(p)                      \
	u8 *p = START(ctx);            \
	if (p + COMPUTE_BYTES > END(ctx)) \
		return -1

BENCH(empty)
{
	return 0;
}

BENCH(lcg)
{
	u64 x;

	PACKET(p);
	x = *(u32 *)p;
	for (int i = 0; i < 4000; i++)
		x = x * 6364136223846793005ull + 1442695040888963407ull;
	return (int)(x >> 33);
}

BENCH(primes)
{
	u32 count = 0;

	PACKET(p);
	for (u32 n = 3; n < 260; n += 2) {
		u32 prime = 1;

		for (u32 d = 3; d < 17; d += 2) {
			if (d * d > n)
				break;
			/* p[0] is 0, and no compiler knows */
			if (n % (d + p[0]) == 0) {
				prime = 0;
				break;
			}
		}
		count += prime;
	}
	return (int)count;
}

/* By nibbles; any numbers do for the table, so they come from the packet. */
BENCH(crc32)
{
	u32 crc = ~0u;
	volatile u32 table[16];

	PACKET(p);
	for (u32 i = 0; i < 16; i++)
		table[i] = ((u32 *)p)[128 + i];
	for (u32 i = 0; i < 512; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return (int)~crc;
}

BENCH(checksum)
{
	u64 sum = 0;

	PACKET(p);
	for (u32 round = 0; round < 4; round++) {
		for (u32 i = 0; i < COMPUTE_BYTES / 2; i++)
			sum += ((u16 *)p)[i];
	}
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (int)(~sum & 0xffff);
}

BENCH(memcpy)
{
	PACKET(p);
	for (u32 round = 0; round < 16; round++) {
		for (u32 i = 0; i < 64; i++) {
			u64 word = *(volatile u64 *)(p + 8 * i);

			*(volatile u64 *)(p + 512 + 8 * i) = word;
		}
	}
	return p[512 + 9];
}

BENCH(bits)
{
	u64 x, sum = 0;

	PACKET(p);
	x = *(u32 *)p | 1;
	for (int i = 0; i < 600; i++) {
		u64 v;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v = x - (x >> 1 & 0x5555555555555555ull);
		v = (v & 0x3333333333333333ull) +
		    (v >> 2 & 0x3333333333333333ull);
		v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
		sum += v * 0x0101010101010101ull >> 56;
		sum = sum << 5 | sum >> 59;
	}
	return (int)sum;
}

BENCH(sort)
{
	PACKET(p);
	for (u32 i = 0; i < 32; i++) /* the same again each time */
		((volatile u32 *)p)[128 + i] = ((u32 *)p)[i];
	for (u32 i = 0; i < 31; i++) {
		for (u32 j = 0; j < 31; j++) {
			volatile u32 *at = (u32 *)p + 128 + j;
			u32 a = at[0], b = at[1];

			if (a > b) {
				at[0] = b;
				at[1] = a;
			}
		}
	}
	return (int)((u32 *)p)[128 + 5];
}

/* Ethernet, up to two VLAN tags, IPv4 or IPv6, TCP or UDP: 14 headers. */
static inline __attribute__((always_inline)) u32
parse_one(const u8 *p)
{
	u32 at = 12, type = (u32)p[12] << 8 | p[13];

	if (type == 0x8100 || type == 0x88a8) {
		at += 4;
		type = (u32)p[at] << 8 | p[at + 1];
	}
	if (type == 0x8100) {
		at += 4;
		type = (u32)p[at] << 8 | p[at + 1];
	}
	at += 2;
	if (type == 0x0800) {
		u32 proto = p[at + 9], len = (p[at] & 15) * 4;

		if (p[at] >> 4 != 4 || len != 20)
			return 1;
		if (proto == 6)
			return *(const u32_any *)(p + at + 16) ^
			       *(const u32_any *)(p + at + 20) ^ p[at + 33];
		if (proto == 17)
			return *(const u32_any *)(p + at + 12) +
			       *(const u32_any *)(p + at + 20);
		return 2;
	}
	if (type == 0x86dd) {
		if (p[at] >> 4 != 6)
			return 3;
		if (p[at + 6] == 6)
			return *(const u32_any *)(p + at + 8) ^
			       *(const u32_any *)(p + at + 24) ^ p[at + 53];
		return 4;
	}
	return 5;
}

BENCH(parse)
{
	u32 sum = 0;

	PACKET(p);
	for (u32 round = 0; round < 12; round++) {
		for (u32 i = 0; i < 14; i++)
			sum = sum * 3 + parse_one(p + 64 * i);
	}
	return (int)sum;
}
