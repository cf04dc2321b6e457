/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The three views of struct ebpf_range and how they refine each other.
 * Operators are in range_alu.c, comparisons in range_jump.c.
 */
#include "core/verifier/range.h"

void
ebpf_range_unbound_u(struct ebpf_range *r, unsigned bits)
{
	r->umin = 0;
	r->umax = ebpf_bits_mask(bits);
}

void
ebpf_range_unbound_s(struct ebpf_range *r, unsigned bits)
{
	r->smin = ebpf_bits_least(bits);
	r->smax = ebpf_bits_greatest(bits);
}

void
ebpf_range_unknown(struct ebpf_range *r, unsigned bits)
{
	r->t = ebpf_tnum_unknown(bits);
	ebpf_range_unbound_u(r, bits);
	ebpf_range_unbound_s(r, bits);
}

void
ebpf_range_const(struct ebpf_range *r, uint64_t value, unsigned bits)
{
	value &= ebpf_bits_mask(bits);
	r->t = ebpf_tnum_const(value);
	r->umin = r->umax = value;
	r->smin = r->smax = ebpf_bits_sext(value, bits);
}

bool
ebpf_range_has(const struct ebpf_range *r, uint64_t value, unsigned bits)
{
	int64_t s = ebpf_bits_sext(value, bits);

	return ebpf_tnum_has(r->t, value) && value >= r->umin &&
	       value <= r->umax && s >= r->smin && s <= r->smax;
}

/*
 * The numbers that fit both ranges, seen as unsigned, are at most two pieces:
 * one below the sign bit and one from it on. Both ranges become their hull.
 */
static inline __attribute__((always_inline)) bool
settle_bounds(struct ebpf_range *r, unsigned bits)
{
	uint64_t sign = 1ULL << (bits - 1), all = ebpf_bits_mask(bits);
	uint64_t plo = r->smin > 0 ? (uint64_t)r->smin : 0;
	uint64_t phi = r->smax >= 0 ? (uint64_t)r->smax : 0;
	uint64_t nlo = r->smin < 0 ? (uint64_t)r->smin & all : all;
	uint64_t nhi = r->smax < 0 ? (uint64_t)r->smax & all : all;
	bool p, n;

	if (plo < r->umin)
		plo = r->umin;
	if (phi > r->umax)
		phi = r->umax;
	if (nlo < r->umin)
		nlo = r->umin;
	if (nhi > r->umax)
		nhi = r->umax;
	p = r->smax >= 0 && plo <= phi && plo < sign;
	n = r->smin < 0 && nlo <= nhi && nhi >= sign;
	if (!p && !n)
		return false;
	r->umin = p ? plo : nlo;
	r->umax = n ? nhi : phi;
	r->smin = ebpf_bits_sext(n ? nlo : plo, bits);
	r->smax = ebpf_bits_sext(p ? phi : nhi, bits);
	return true;
}

static inline __attribute__((always_inline)) bool
settle(struct ebpf_range *r, unsigned bits)
{
	uint64_t sign = 1ULL << (bits - 1);
	int64_t lo = ebpf_bits_sext(r->t.value | (r->t.mask & sign), bits);
	int64_t hi = ebpf_bits_sext(r->t.value | (r->t.mask & ~sign), bits);

	if (r->umin < r->t.value)
		r->umin = r->t.value;
	if (r->umax > (r->t.value | r->t.mask))
		r->umax = r->t.value | r->t.mask;
	if (r->smin < lo)
		r->smin = lo;
	if (r->smax > hi)
		r->smax = hi;
	if (r->umin > r->umax || r->smin > r->smax ||
	    !settle_bounds(r, bits) ||
	    !ebpf_tnum_intersect(&r->t, ebpf_tnum_range(r->umin, r->umax)))
		return false;
	/* What the bits learned may narrow the ranges once more. */
	if (r->umin >= r->t.value && r->umax <= (r->t.value | r->t.mask))
		return true;
	if (r->umin < r->t.value)
		r->umin = r->t.value;
	if (r->umax > (r->t.value | r->t.mask))
		r->umax = r->t.value | r->t.mask;
	return r->umin <= r->umax && settle_bounds(r, bits);
}

/* The common widths are compiled on their own, with masks for constants. */
bool
ebpf_range_settle(struct ebpf_range *r, unsigned bits)
{
	if (bits == 64)
		return settle(r, 64);
	return bits == 32 ? settle(r, 32) : settle(r, bits);
}
