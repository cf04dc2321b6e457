/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arithmetic on tristate numbers, at any width up to 64 bits. Each function is
 * enumerated exhaustively at 5 bits by tests/unit/domain_test.c.
 */
#include "core/verifier/tnum.h"

struct ebpf_tnum
ebpf_tnum_mul(struct ebpf_tnum a, struct ebpf_tnum b, unsigned bits)
{
	struct ebpf_tnum sum = {0, 0};

	if (!a.mask && !b.mask)
		return ebpf_tnum_cut(a.value * b.value, 0, bits);
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
ebpf_tnum_arsh(struct ebpf_tnum a, unsigned shift, unsigned bits)
{
	/* Both words spread their sign: an unknown sign gives unknown bits. */
	return ebpf_tnum_cut((uint64_t)(ebpf_bits_sext(a.value, bits) >> shift),
		   (uint64_t)(ebpf_bits_sext(a.mask, bits) >> shift), bits);
}

struct ebpf_tnum
ebpf_tnum_sext(struct ebpf_tnum a, unsigned from, unsigned bits)
{
	return ebpf_tnum_cut((uint64_t)ebpf_bits_sext(a.value, from),
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
