/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Operators on struct ebpf_range: each view is computed as well as that view
 * alone allows, then they refine each other; where a view would wrap around it
 * becomes unknown. domain_test.c enumerates them against concrete arithmetic.
 */
#include "core/verifier/range.h"

static void
add(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t all = ebpf_bits_mask(bits);
	int64_t smin, smax;
	bool low, high;

	a->t = ebpf_tnum_add(a->t, b->t, bits);
	low = b->umin > all - a->umin;
	high = b->umax > all - a->umax;
	/* When both ends wrap around, all between do. */
	if (low == high) {
		a->umin = (a->umin + b->umin) & all;
		a->umax = (a->umax + b->umax) & all;
	} else {
		ebpf_range_unbound_u(a, bits);
	}
	low = __builtin_add_overflow(a->smin, b->smin, &smin) ||
	      smin < ebpf_bits_least(bits) || smin > ebpf_bits_greatest(bits);
	high = __builtin_add_overflow(a->smax, b->smax, &smax) ||
	       smax < ebpf_bits_least(bits) || smax > ebpf_bits_greatest(bits);
	if (low || high) {
		ebpf_range_unbound_s(a, bits);
	} else {
		a->smin = smin;
		a->smax = smax;
	}
}

static void
sub(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t all = ebpf_bits_mask(bits), umin, umax;
	int64_t smin, smax;
	bool low, high;

	a->t = ebpf_tnum_sub(a->t, b->t, bits);
	low = a->umin < b->umax;
	high = a->umax < b->umin;
	umin = (a->umin - b->umax) & all;
	umax = (a->umax - b->umin) & all;
	if (low == high) {
		a->umin = umin;
		a->umax = umax;
	} else {
		ebpf_range_unbound_u(a, bits);
	}
	low = __builtin_sub_overflow(a->smin, b->smax, &smin) ||
	      smin < ebpf_bits_least(bits) || smin > ebpf_bits_greatest(bits);
	high = __builtin_sub_overflow(a->smax, b->smin, &smax) ||
	       smax < ebpf_bits_least(bits) || smax > ebpf_bits_greatest(bits);
	if (low || high) {
		ebpf_range_unbound_s(a, bits);
	} else {
		a->smin = smin;
		a->smax = smax;
	}
}

static void
mul(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t all = ebpf_bits_mask(bits), umax;
	int64_t corner[4], smin, smax;
	bool wraps;
	int i;

	a->t = ebpf_tnum_mul(a->t, b->t, bits);
	wraps = __builtin_mul_overflow(a->umax, b->umax, &umax) || umax > all;
	if (wraps) {
		ebpf_range_unbound_u(a, bits);
	} else {
		a->umin *= b->umin;
		a->umax = umax;
	}
	wraps = __builtin_mul_overflow(a->smin, b->smin, &corner[0]) ||
		__builtin_mul_overflow(a->smin, b->smax, &corner[1]) ||
		__builtin_mul_overflow(a->smax, b->smin, &corner[2]) ||
		__builtin_mul_overflow(a->smax, b->smax, &corner[3]);
	if (wraps) {
		ebpf_range_unbound_s(a, bits);
		return;
	}
	smin = smax = corner[0];
	for (i = 1; i < 4; i++) {
		if (corner[i] < smin)
			smin = corner[i];
		if (corner[i] > smax)
			smax = corner[i];
	}
	if (smin < ebpf_bits_least(bits) || smax > ebpf_bits_greatest(bits)) {
		ebpf_range_unbound_s(a, bits);
	} else {
		a->smin = smin;
		a->smax = smax;
	}
}

/* The bits are known; the ranges follow from them and from [umin, umax]. */
static void
from_bits(struct ebpf_range *a, uint64_t umin, uint64_t umax, unsigned bits)
{
	a->umin = umin;
	a->umax = umax;
	ebpf_range_unbound_s(a, bits);
}

static void
and(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t umax = a->umax < b->umax ? a->umax : b->umax;
	int64_t smax;

	a->t = ebpf_tnum_and(a->t, b->t);
	if (a->smax < 0 || b->smax < 0) {
		/* a negative number's and is at most the other number */
		smax = a->smax < 0 && b->smax < 0 ?
			       (a->smax < b->smax ? a->smax : b->smax) :
		       a->smax < 0 ? b->smax :
				     a->smax;
		from_bits(a, 0, umax, bits);
		if (smax < a->smax)
			a->smax = smax;
	} else {
		from_bits(a, 0, umax, bits);
	}
}

static void
or(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t umin = a->umin > b->umin ? a->umin : b->umin;

	a->t = ebpf_tnum_or(a->t, b->t);
	from_bits(a, umin, ebpf_bits_mask(bits), bits);
}

static void
xor(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	a->t = ebpf_tnum_xor(a->t, b->t);
	from_bits(a, 0, ebpf_bits_mask(bits), bits);
}

static void
divide(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t umin, umax;

	if (b->umin > 0) {
		umin = a->umin / b->umax;
		umax = a->umax / b->umin;
	} else {
		umin = 0;
		umax = b->umax ? a->umax : 0;
	}
	a->t = ebpf_tnum_unknown(bits);
	from_bits(a, umin, umax, bits);
}

static void
modulo(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t umax = a->umax;

	/* Smaller than any divisor, or divided by zero: a stays. */
	if (b->umax == 0 || (b->umin > 0 && a->umax < b->umin))
		return;
	if (b->umin == b->umax && (b->umin & (b->umin - 1)) == 0) {
		struct ebpf_range low;

		ebpf_range_const(&low, b->umin - 1, bits);
		and(a, &low, bits);
		return;
	}
	if (b->umin > 0 && b->umax - 1 < umax)
		umax = b->umax - 1;
	a->t = ebpf_tnum_unknown(bits);
	from_bits(a, 0, umax, bits);
}

static void
sdivide(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	int64_t lo = ebpf_bits_least(bits), hi = ebpf_bits_greatest(bits), big;

	a->t = ebpf_tnum_unknown(bits);
	ebpf_range_unbound_u(a, bits);
	if (b->smin == b->smax && b->smin != 0 && b->smin != -1) {
		int64_t x = a->smin / b->smin, y = a->smax / b->smin;

		a->smin = x < y ? x : y;
		a->smax = x < y ? y : x;
	} else if (b->smin > 0) {
		/* towards zero, and the sign stays */
		a->smin = a->smin < 0 ? a->smin / b->smin : a->smin / b->smax;
		a->smax = a->smax < 0 ? a->smax / b->smax : a->smax / b->smin;
	} else if (a->smin > lo) {
		big = a->smin < 0 ? -a->smin : a->smin;
		if (a->smax > big)
			big = a->smax;
		if (-a->smax > big)
			big = -a->smax;
		a->smin = -big;
		a->smax = big;
	} else {
		a->smin = lo;
		a->smax = hi;
	}
}

static void
smodulo(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t limit = ~0ULL; /* exclusive bound of the magnitude */

	if (b->smin == 0 && b->smax == 0)
		return;
	if (b->smin > 0)
		limit = (uint64_t)b->smax;
	else if (b->smax < 0)
		limit = 0 - (uint64_t)b->smin;
	a->t = ebpf_tnum_unknown(bits);
	ebpf_range_unbound_u(a, bits);
	/* The sign is the dividend's, the magnitude never larger. */
	if (a->smin > 0)
		a->smin = 0;
	else if (0 - (uint64_t)a->smin > limit - 1)
		a->smin = -(int64_t)(limit - 1);
	if (a->smax < 0)
		a->smax = 0;
	else if ((uint64_t)a->smax > limit - 1)
		a->smax = (int64_t)(limit - 1);
}

/* The shift distances that b allows after cutting them to the width. */
static void
distance(const struct ebpf_range *b, unsigned bits, unsigned *min,
	 unsigned *max)
{
	struct ebpf_range cut;

	ebpf_range_const(&cut, bits - 1, bits);
	and(&cut, b, bits);
	ebpf_range_settle(&cut, bits);
	*min = (unsigned)cut.umin;
	*max = (unsigned)cut.umax;
}

static unsigned
trailing_zeros(uint64_t word)
{
	return word ? (unsigned)__builtin_ctzll(word) : 64;
}

static void
lsh(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	uint64_t all = ebpf_bits_mask(bits);
	unsigned min, max, zeros;

	distance(b, bits, &min, &max);
	if (min == max) {
		a->t = ebpf_tnum_lsh(a->t, min, bits);
	} else {
		zeros = trailing_zeros(a->t.value | a->t.mask) + min;
		a->t = ebpf_tnum_unknown(bits);
		a->t.mask = zeros >= bits ? 0 : a->t.mask >> zeros << zeros;
	}
	if (a->umax > all >> max) {
		ebpf_range_unbound_u(a, bits);
	} else {
		a->umin <<= min;
		a->umax <<= max;
	}
	if (a->smin < ebpf_bits_least(bits) >> max || a->smax > ebpf_bits_greatest(bits) >> max) {
		ebpf_range_unbound_s(a, bits);
	} else {
		a->smin = (int64_t)((uint64_t)a->smin
				    << (a->smin < 0 ? max : min));
		a->smax = (int64_t)((uint64_t)a->smax
				    << (a->smax < 0 ? min : max));
	}
}

static void
rsh(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	unsigned min, max;

	distance(b, bits, &min, &max);
	a->t = min == max ? ebpf_tnum_rsh(a->t, min) : ebpf_tnum_unknown(bits);
	from_bits(a, a->umin >> max, a->umax >> min, bits);
}

static void
arsh(struct ebpf_range *a, const struct ebpf_range *b, unsigned bits)
{
	unsigned min, max;

	distance(b, bits, &min, &max);
	a->t = min == max ? ebpf_tnum_arsh(a->t, min, bits) :
			    ebpf_tnum_unknown(bits);
	a->smin >>= a->smin < 0 ? min : max;
	a->smax >>= a->smax < 0 ? max : min;
	ebpf_range_unbound_u(a, bits);
}

void
ebpf_range_alu(struct ebpf_range *a, const struct ebpf_range *b,
	       enum ebpf_fn fn, unsigned bits)
{
	struct ebpf_range zero;

	switch (fn) {
	case EBPF_FN_ADD:
		add(a, b, bits);
		break;
	case EBPF_FN_SUB:
		sub(a, b, bits);
		break;
	case EBPF_FN_MUL:
		mul(a, b, bits);
		break;
	case EBPF_FN_DIV:
		divide(a, b, bits);
		break;
	case EBPF_FN_MOD:
		modulo(a, b, bits);
		break;
	case EBPF_FN_SDIV:
		sdivide(a, b, bits);
		break;
	case EBPF_FN_SMOD:
		smodulo(a, b, bits);
		break;
	case EBPF_FN_AND:
		and(a, b, bits);
		break;
	case EBPF_FN_OR:
		or(a, b, bits);
		break;
	case EBPF_FN_XOR:
		xor(a, b, bits);
		break;
	case EBPF_FN_LSH:
		lsh(a, b, bits);
		break;
	case EBPF_FN_RSH:
		rsh(a, b, bits);
		break;
	case EBPF_FN_ARSH:
		arsh(a, b, bits);
		break;
	case EBPF_FN_MOV:
		*a = *b;
		break;
	case EBPF_FN_NEG:
		ebpf_range_const(&zero, 0, bits);
		sub(&zero, a, bits);
		*a = zero;
		break;
	default:
		ebpf_range_unknown(a, bits);
		break;
	}
	if (!ebpf_range_settle(a, bits))
		ebpf_range_unknown(a, bits);
}

void
ebpf_range_sext(struct ebpf_range *a, unsigned from, unsigned bits)
{
	int64_t lo = ebpf_bits_least(from), hi = ebpf_bits_greatest(from);

	a->t = ebpf_tnum_sext(a->t, from, bits);
	if (a->smin < lo || a->smax > hi) {
		a->smin = lo;
		a->smax = hi;
	}
	ebpf_range_unbound_u(a, bits);
	if (!ebpf_range_settle(a, bits))
		ebpf_range_unknown(a, bits);
}
