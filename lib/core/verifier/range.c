/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Operators and comparisons on struct ebpf_range. An operator computes each
 * view as well as that view alone allows and then lets them refine each other;
 * where a view would wrap around it becomes unknown. domain_test.c enumerates
 * all of this against concrete arithmetic.
 */
#include "core/verifier/range.h"

static int64_t
least(unsigned bits)
{
	return -(int64_t)(ebpf_bits_mask(bits) >> 1) - 1;
}

static int64_t
greatest(unsigned bits)
{
	return (int64_t)(ebpf_bits_mask(bits) >> 1);
}

static void
unbound_u(struct ebpf_range *r, unsigned bits)
{
	r->umin = 0;
	r->umax = ebpf_bits_mask(bits);
}

static void
unbound_s(struct ebpf_range *r, unsigned bits)
{
	r->smin = least(bits);
	r->smax = greatest(bits);
}

void
ebpf_range_unknown(struct ebpf_range *r, unsigned bits)
{
	r->t = ebpf_tnum_unknown(bits);
	unbound_u(r, bits);
	unbound_s(r, bits);
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
static bool
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

bool
ebpf_range_settle(struct ebpf_range *r, unsigned bits)
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
		unbound_u(a, bits);
	}
	low = __builtin_add_overflow(a->smin, b->smin, &smin) ||
	      smin < least(bits) || smin > greatest(bits);
	high = __builtin_add_overflow(a->smax, b->smax, &smax) ||
	       smax < least(bits) || smax > greatest(bits);
	if (low || high) {
		unbound_s(a, bits);
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
		unbound_u(a, bits);
	}
	low = __builtin_sub_overflow(a->smin, b->smax, &smin) ||
	      smin < least(bits) || smin > greatest(bits);
	high = __builtin_sub_overflow(a->smax, b->smin, &smax) ||
	       smax < least(bits) || smax > greatest(bits);
	if (low || high) {
		unbound_s(a, bits);
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
		unbound_u(a, bits);
	} else {
		a->umin *= b->umin;
		a->umax = umax;
	}
	wraps = __builtin_mul_overflow(a->smin, b->smin, &corner[0]) ||
		__builtin_mul_overflow(a->smin, b->smax, &corner[1]) ||
		__builtin_mul_overflow(a->smax, b->smin, &corner[2]) ||
		__builtin_mul_overflow(a->smax, b->smax, &corner[3]);
	if (wraps) {
		unbound_s(a, bits);
		return;
	}
	smin = smax = corner[0];
	for (i = 1; i < 4; i++) {
		if (corner[i] < smin)
			smin = corner[i];
		if (corner[i] > smax)
			smax = corner[i];
	}
	if (smin < least(bits) || smax > greatest(bits)) {
		unbound_s(a, bits);
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
	unbound_s(a, bits);
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
	int64_t lo = least(bits), hi = greatest(bits), big;

	a->t = ebpf_tnum_unknown(bits);
	unbound_u(a, bits);
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
	unbound_u(a, bits);
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
		unbound_u(a, bits);
	} else {
		a->umin <<= min;
		a->umax <<= max;
	}
	if (a->smin < least(bits) >> max || a->smax > greatest(bits) >> max) {
		unbound_s(a, bits);
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
	unbound_u(a, bits);
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
	int64_t lo = least(from), hi = greatest(from);

	a->t = ebpf_tnum_sext(a->t, from, bits);
	if (a->smin < lo || a->smax > hi) {
		a->smin = lo;
		a->smax = hi;
	}
	unbound_u(a, bits);
	if (!ebpf_range_settle(a, bits))
		ebpf_range_unknown(a, bits);
}

/* Conditional jumps brought to few: operands swapped, outcome negated. */
enum relation {
	REL_EQ,
	REL_ULT,
	REL_ULE,
	REL_SLT,
	REL_SLE,
	REL_SET,
	REL_NONE,
};

static enum relation
relation(enum ebpf_fn fn, bool *swapped, bool *negated)
{
	*swapped = fn == EBPF_FN_JGT || fn == EBPF_FN_JGE ||
		   fn == EBPF_FN_JSGT || fn == EBPF_FN_JSGE;
	*negated = fn == EBPF_FN_JNE;
	switch (fn) {
	case EBPF_FN_JEQ:
	case EBPF_FN_JNE:
		return REL_EQ;
	case EBPF_FN_JGT:
	case EBPF_FN_JLT:
		return REL_ULT;
	case EBPF_FN_JGE:
	case EBPF_FN_JLE:
		return REL_ULE;
	case EBPF_FN_JSGT:
	case EBPF_FN_JSLT:
		return REL_SLT;
	case EBPF_FN_JSGE:
	case EBPF_FN_JSLE:
		return REL_SLE;
	case EBPF_FN_JSET:
		return REL_SET;
	default:
		return REL_NONE;
	}
}

static int
decide(const struct ebpf_range *a, const struct ebpf_range *b,
       enum relation rel)
{
	struct ebpf_range both;

	switch (rel) {
	case REL_EQ:
		if (a->umin == a->umax && b->umin == b->umax &&
		    a->umin == b->umin)
			return 1;
		both = *a;
		return a->umin > b->umax || a->umax < b->umin ||
				       a->smin > b->smax ||
				       a->smax < b->smin ||
				       !ebpf_tnum_intersect(&both.t, b->t) ?
			       0 :
			       -1;
	case REL_ULT:
		return a->umax < b->umin ? 1 : a->umin >= b->umax ? 0 : -1;
	case REL_ULE:
		return a->umax <= b->umin ? 1 : a->umin > b->umax ? 0 : -1;
	case REL_SLT:
		return a->smax < b->smin ? 1 : a->smin >= b->smax ? 0 : -1;
	case REL_SLE:
		return a->smax <= b->smin ? 1 : a->smin > b->smax ? 0 : -1;
	case REL_SET:
		if (a->t.value & b->t.value)
			return 1;
		return (a->t.value | a->t.mask) & (b->t.value | b->t.mask) ?
			       -1 :
			       0;
	case REL_NONE:
		break;
	}
	return -1;
}

int
ebpf_range_decide(const struct ebpf_range *a, const struct ebpf_range *b,
		  enum ebpf_fn fn, unsigned bits)
{
	bool swapped, negated;
	enum relation rel = relation(fn, &swapped, &negated);
	int result = swapped ? decide(b, a, rel) : decide(a, b, rel);

	return negated && result >= 0 ? !result : result;
}

static bool
equal(struct ebpf_range *a, struct ebpf_range *b)
{
	if (b->umin > a->umin)
		a->umin = b->umin;
	if (b->umax < a->umax)
		a->umax = b->umax;
	if (b->smin > a->smin)
		a->smin = b->smin;
	if (b->smax < a->smax)
		a->smax = b->smax;
	if (!ebpf_tnum_intersect(&a->t, b->t))
		return false;
	*b = *a;
	return true;
}

/* a is not the one number that b is: cut it off where it is an end. */
static bool
unequal(struct ebpf_range *a, const struct ebpf_range *b)
{
	if (b->umin != b->umax)
		return true;
	if (a->umin == a->umax)
		return a->umin != b->umin;
	if (a->umin == b->umin)
		a->umin++;
	if (a->umax == b->umin)
		a->umax--;
	if (a->smin == b->smin)
		a->smin++;
	if (a->smax == b->smin)
		a->smax--;
	return true;
}

static bool
less(struct ebpf_range *a, struct ebpf_range *b, bool strict)
{
	if (strict && (b->umax == 0 || a->umin == ~0ULL))
		return false;
	if (a->umax > b->umax - strict)
		a->umax = b->umax - strict;
	if (b->umin < a->umin + strict)
		b->umin = a->umin + strict;
	return true;
}

static bool
sless(struct ebpf_range *a, struct ebpf_range *b, bool strict)
{
	if (strict && (b->smax == INT64_MIN || a->smin == INT64_MAX))
		return false;
	if (a->smax > b->smax - strict)
		a->smax = b->smax - strict;
	if (b->smin < a->smin + strict)
		b->smin = a->smin + strict;
	return true;
}

/* a & b is zero: where one has a bit, the other has not. */
static bool
disjoint(struct ebpf_range *a, struct ebpf_range *b)
{
	if (a->t.value & b->t.value)
		return false;
	a->t.mask &= ~b->t.value;
	b->t.mask &= ~a->t.value;
	return true;
}

/* a & b is not zero: with a single bit possible in b, a has it. */
static bool
share(struct ebpf_range *a, const struct ebpf_range *b)
{
	uint64_t may = b->t.value | b->t.mask;

	may &= a->t.value | a->t.mask;
	if (may == 0)
		return false;
	if ((may & (may - 1)) == 0) {
		a->t.value |= may;
		a->t.mask &= ~may;
	}
	return true;
}

static bool
refine(struct ebpf_range *a, struct ebpf_range *b, enum relation rel,
       bool holds)
{
	switch (rel) {
	case REL_EQ:
		return holds ? equal(a, b) : unequal(a, b) && unequal(b, a);
	case REL_ULT:
		return holds ? less(a, b, true) : less(b, a, false);
	case REL_ULE:
		return holds ? less(a, b, false) : less(b, a, true);
	case REL_SLT:
		return holds ? sless(a, b, true) : sless(b, a, false);
	case REL_SLE:
		return holds ? sless(a, b, false) : sless(b, a, true);
	case REL_SET:
		return holds ? share(a, b) && share(b, a) : disjoint(a, b);
	case REL_NONE:
		break;
	}
	return true;
}

bool
ebpf_range_refine(struct ebpf_range *a, struct ebpf_range *b, enum ebpf_fn fn,
		  bool taken, unsigned bits)
{
	bool swapped, negated;
	enum relation rel = relation(fn, &swapped, &negated);
	bool possible = swapped ? refine(b, a, rel, taken != negated) :
				  refine(a, b, rel, taken != negated);

	return possible && ebpf_range_settle(a, bits) &&
	       ebpf_range_settle(b, bits);
}
