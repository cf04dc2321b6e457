/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arithmetic on tristate numbers, at any width up to 64 bits. Each function is
 * enumerated exhaustively at 5 bits by tests/unit/domain_test.c.
 */
#include "core/verifier/tnum.h"

static struct ebpf_tnum
cut(uint64_t value, uint64_t mask, unsigned bits)
{
	struct ebpf_tnum t;

	t.mask = mask & ebpf_bits_mask(bits);
	t.value = value & ~mask & ebpf_bits_mask(bits);
	return t;
}

struct ebpf_tnum
ebpf_tnum_add(struct ebpf_tnum a, struct ebpf_tnum b, unsigned bits)
{
	/* A carry into a bit is certain where least and greatest sum agree. */
	uint64_t least = a.value + b.value;
	uint64_t most = (a.value | a.mask) + (b.value | b.mask);

	return cut(least, (least ^ most) | a.mask | b.mask, bits);
}

struct ebpf_tnum
ebpf_tnum_sub(struct ebpf_tnum a, struct ebpf_tnum b, unsigned bits)
{
	uint64_t least = a.value - (b.value | b.mask);
	uint64_t most = (a.value | a.mask) - b.value;

	return cut(a.value - b.value, (least ^ most) | a.mask | b.mask, bits);
}

struct ebpf_tnum
ebpf_tnum_mul(struct ebpf_tnum a, struct ebpf_tnum b, unsigned bits)
{
	struct ebpf_tnum sum = {0, 0};

	if (!a.mask && !b.mask)
		return cut(a.value * b.value, 0, bits);
	/* Long multiplication; an unknown digit adds nothing or all of b. */
	while (a.value | a.mask) {
		if (a.value & 1) {
			sum = ebpf_tnum_add(sum, b, bits);
		} else if (a.mask & 1) {
			struct ebpf_tnum maybe = {0, b.value | b.mask};

			sum = ebpf_tnum_add(sum, maybe, bits);
		}
		a.value >>= 1;
		a.mask >>= 1;
		b = ebpf_tnum_lsh(b, 1, bits);
	}
	return sum;
}

struct ebpf_tnum
ebpf_tnum_and(struct ebpf_tnum a, struct ebpf_tnum b)
{
	struct ebpf_tnum t;

	t.value = a.value & b.value;
	t.mask = (a.value | a.mask) & (b.value | b.mask) & ~t.value;
	return t;
}

struct ebpf_tnum
ebpf_tnum_or(struct ebpf_tnum a, struct ebpf_tnum b)
{
	struct ebpf_tnum t;

	t.value = a.value | b.value;
	t.mask = (a.mask | b.mask) & ~t.value;
	return t;
}

struct ebpf_tnum
ebpf_tnum_xor(struct ebpf_tnum a, struct ebpf_tnum b)
{
	struct ebpf_tnum t;

	t.mask = a.mask | b.mask;
	t.value = (a.value ^ b.value) & ~t.mask;
	return t;
}

struct ebpf_tnum
ebpf_tnum_lsh(struct ebpf_tnum a, unsigned shift, unsigned bits)
{
	return cut(a.value << shift, a.mask << shift, bits);
}

struct ebpf_tnum
ebpf_tnum_rsh(struct ebpf_tnum a, unsigned shift)
{
	a.value >>= shift;
	a.mask >>= shift;
	return a;
}

struct ebpf_tnum
ebpf_tnum_arsh(struct ebpf_tnum a, unsigned shift, unsigned bits)
{
	/* Both words spread their sign: an unknown sign gives unknown bits. */
	return cut((uint64_t)(ebpf_bits_sext(a.value, bits) >> shift),
		   (uint64_t)(ebpf_bits_sext(a.mask, bits) >> shift), bits);
}

struct ebpf_tnum
ebpf_tnum_sext(struct ebpf_tnum a, unsigned from, unsigned bits)
{
	return cut((uint64_t)ebpf_bits_sext(a.value, from),
		   (uint64_t)ebpf_bits_sext(a.mask, from), bits);
}

static uint64_t
reverse(uint64_t word, unsigned bytes)
{
	uint64_t out = 0;

	while (bytes--) {
		out = out << 8 | (word & 0xff);
		word >>= 8;
	}
	return out;
}

struct ebpf_tnum
ebpf_tnum_bswap(struct ebpf_tnum a, unsigned bytes)
{
	a.value = reverse(a.value, bytes);
	a.mask = reverse(a.mask, bytes);
	return a;
}
