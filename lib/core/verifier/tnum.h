/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tristate numbers: what is known of each bit of a value. A bit set in mask is
 * unknown, else it is value's; value and mask share no bit. Part of the
 * abstract domain: knows widths, nothing of programs. Used by range.c.
 */
#ifndef CORE_VERIFIER_TNUM_H
#define CORE_VERIFIER_TNUM_H

#include <stdbool.h>
#include <stdint.h>

struct ebpf_tnum {
	uint64_t value, mask;
};

/* The low `bits` bits set, 1 <= bits <= 64. */
static inline uint64_t
ebpf_bits_mask(unsigned bits)
{
	return ~0ULL >> (64 - bits);
}

/* The low `bits` bits of value as a signed number. */
static inline int64_t
ebpf_bits_sext(uint64_t value, unsigned bits)
{
	return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

/* The smallest and the greatest signed number of that width. */
static inline int64_t
ebpf_bits_least(unsigned bits)
{
	return -(int64_t)(ebpf_bits_mask(bits) >> 1) - 1;
}

static inline int64_t
ebpf_bits_greatest(unsigned bits)
{
	return (int64_t)(ebpf_bits_mask(bits) >> 1);
}

static inline struct ebpf_tnum
ebpf_tnum_const(uint64_t value)
{
	struct ebpf_tnum t = {value, 0};

	return t;
}

static inline struct ebpf_tnum
ebpf_tnum_unknown(unsigned bits)
{
	struct ebpf_tnum t = {0, ebpf_bits_mask(bits)};

	return t;
}

/* The smallest tnum that has all of min..max (unsigned). */
static inline struct ebpf_tnum
ebpf_tnum_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max;
	struct ebpf_tnum t;

	/* From the highest bit in which they differ on, anything goes. */
	t.mask = differ ? ~0ULL >> __builtin_clzll(differ) : 0;
	t.value = min & ~t.mask;
	return t;
}

static inline bool
ebpf_tnum_has(struct ebpf_tnum t, uint64_t value)
{
	return ((value ^ t.value) & ~t.mask) == 0;
}

/* Every member of b is one of a. */
static inline bool
ebpf_tnum_includes(struct ebpf_tnum a, struct ebpf_tnum b)
{
	return (b.mask & ~a.mask) == 0 && ebpf_tnum_has(a, b.value);
}

/* What both say; false when they contradict each other. */
static inline bool
ebpf_tnum_intersect(struct ebpf_tnum *a, struct ebpf_tnum b)
{
	if ((a->value ^ b.value) & ~a->mask & ~b.mask)
		return false;
	a->mask &= b.mask;
	a->value = (a->value | b.value) & ~a->mask;
	return true;
}

static inline struct ebpf_tnum
ebpf_tnum_cut(uint64_t value, uint64_t mask, unsigned bits)
{
	struct ebpf_tnum t;

	t.mask = mask & ebpf_bits_mask(bits);
	t.value = value & ~mask & ebpf_bits_mask(bits);
	return t;
}

static inline struct ebpf_tnum
ebpf_tnum_add(struct ebpf_tnum a, struct ebpf_tnum b, unsigned bits)
{
	/* A carry into a bit is certain where least and greatest sum agree. */
	uint64_t least = a.value + b.value;
	uint64_t most = (a.value | a.mask) + (b.value | b.mask);

	return ebpf_tnum_cut(least, (least ^ most) | a.mask | b.mask, bits);
}

static inline struct ebpf_tnum
ebpf_tnum_sub(struct ebpf_tnum a, struct ebpf_tnum b, unsigned bits)
{
	uint64_t least = a.value - (b.value | b.mask);
	uint64_t most = (a.value | a.mask) - b.value;

	return ebpf_tnum_cut(a.value - b.value, (least ^ most) | a.mask | b.mask, bits);
}

static inline struct ebpf_tnum
ebpf_tnum_and(struct ebpf_tnum a, struct ebpf_tnum b)
{
	struct ebpf_tnum t;

	t.value = a.value & b.value;
	t.mask = (a.value | a.mask) & (b.value | b.mask) & ~t.value;
	return t;
}

static inline struct ebpf_tnum
ebpf_tnum_or(struct ebpf_tnum a, struct ebpf_tnum b)
{
	struct ebpf_tnum t;

	t.value = a.value | b.value;
	t.mask = (a.mask | b.mask) & ~t.value;
	return t;
}

static inline struct ebpf_tnum
ebpf_tnum_xor(struct ebpf_tnum a, struct ebpf_tnum b)
{
	struct ebpf_tnum t;

	t.mask = a.mask | b.mask;
	t.value = (a.value ^ b.value) & ~t.mask;
	return t;
}

/* shift < bits */
static inline struct ebpf_tnum
ebpf_tnum_lsh(struct ebpf_tnum a, unsigned shift, unsigned bits)
{
	return ebpf_tnum_cut(a.value << shift, a.mask << shift, bits);
}

static inline struct ebpf_tnum
ebpf_tnum_rsh(struct ebpf_tnum a, unsigned shift)
{
	a.value >>= shift;
	a.mask >>= shift;
	return a;
}

struct ebpf_tnum ebpf_tnum_mul(struct ebpf_tnum a, struct ebpf_tnum b,
			       unsigned bits);
struct ebpf_tnum ebpf_tnum_arsh(struct ebpf_tnum a, unsigned shift,
				unsigned bits);
/* The low `from` bits, sign-extended to `bits`. */
struct ebpf_tnum ebpf_tnum_sext(struct ebpf_tnum a, unsigned from,
				unsigned bits);
/* The low `bytes` bytes in reverse order, the rest zero. */
struct ebpf_tnum ebpf_tnum_bswap(struct ebpf_tnum a, unsigned bytes);

#endif
