/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Numbers of two widths at once: ranges of the full width and of its low half
 * (range.c does the arithmetic of each), tied together. domain_test.c
 * enumerates them as it does the ranges.
 */
#include "core/verifier/num.h"

static void
get_full(const struct ebpf_num *n, struct ebpf_range *r)
{
	r->t = n->t;
	r->umin = n->umin;
	r->umax = n->umax;
	r->smin = n->smin;
	r->smax = n->smax;
}

static void
put_full(struct ebpf_num *n, const struct ebpf_range *r)
{
	n->t = r->t;
	n->umin = r->umin;
	n->umax = r->umax;
	n->smin = r->smin;
	n->smax = r->smax;
}

static void
get_half(const struct ebpf_num *n, struct ebpf_range *r, unsigned bits)
{
	uint64_t low = ebpf_bits_mask(bits / 2);

	r->t.value = n->t.value & low;
	r->t.mask = n->t.mask & low;
	r->umin = n->humin;
	r->umax = n->humax;
	r->smin = n->hsmin;
	r->smax = n->hsmax;
}

/* The half's bits are n's; put sets only ranges. */
static void
put_half(struct ebpf_num *n, const struct ebpf_range *r)
{
	n->humin = (uint32_t)r->umin;
	n->humax = (uint32_t)r->umax;
	n->hsmin = (int32_t)r->smin;
	n->hsmax = (int32_t)r->smax;
}

static void
unbound_half(struct ebpf_num *n, unsigned bits)
{
	struct ebpf_range half;

	ebpf_range_unknown(&half, bits / 2);
	put_half(n, &half);
}

/* The number becomes the half with zeros above. */
static void
extend_half(struct ebpf_num *n, const struct ebpf_range *r)
{
	n->t = r->t;
	n->umin = r->umin;
	n->umax = r->umax;
	n->smin = (int64_t)r->umin;
	n->smax = (int64_t)r->umax;
	put_half(n, r);
}

void
ebpf_num_upto(struct ebpf_num *n, uint64_t max, unsigned bits)
{
	ebpf_num_unknown(n, bits);
	if (max == n->umax)
		return;
	n->umax = max;
	if ((max & (max + 1)) != 0 || max > ebpf_bits_mask(bits - 1)) {
		ebpf_num_settle(n, bits);
		return;
	}
	/* whole bits, as loads give them: what settling would find */
	n->t.mask = max;
	n->smin = 0;
	n->smax = (int64_t)max;
	if (max <= ebpf_bits_mask(bits / 2 - 1)) {
		n->humax = (uint32_t)max;
		n->hsmin = 0;
		n->hsmax = (int32_t)max;
	}
}

bool
ebpf_num_has(const struct ebpf_num *n, uint64_t value, unsigned bits)
{
	uint64_t low = value & ebpf_bits_mask(bits / 2);
	int64_t s = ebpf_bits_sext(value, bits);
	int64_t hs = ebpf_bits_sext(low, bits / 2);

	return ebpf_tnum_has(n->t, value) && value >= n->umin &&
	       value <= n->umax && s >= n->smin && s <= n->smax &&
	       low >= n->humin && low <= n->humax && hs >= n->hsmin &&
	       hs <= n->hsmax;
}

/*
 * umin becomes the next number from it on whose low half lies in
 * [humin, humax]; umax the last one down from it.
 */
static bool
round_to_half(struct ebpf_num *n, unsigned bits)
{
	uint64_t low = ebpf_bits_mask(bits / 2);
	uint64_t high = ebpf_bits_mask(bits) & ~low;

	if ((n->umin & low) < n->humin) {
		n->umin = (n->umin & high) | n->humin;
	} else if ((n->umin & low) > n->humax) {
		if ((n->umin & high) == high)
			return false;
		n->umin = ((n->umin & high) + low + 1) | n->humin;
	}
	if ((n->umax & low) > n->humax) {
		n->umax = (n->umax & high) | n->humax;
	} else if ((n->umax & low) < n->humin) {
		if ((n->umax & high) == 0)
			return false;
		n->umax = ((n->umax & high) - low - 1) | n->humax;
	}
	return n->umin <= n->umax;
}

/* What the full ranges say of the low half, and the other way round. */
static bool
cross(struct ebpf_num *n, unsigned bits)
{
	uint64_t low = ebpf_bits_mask(bits / 2);
	int64_t half_min = -(int64_t)(low >> 1) - 1;
	int64_t half_max = (int64_t)(low >> 1);

	if ((n->umin & ~low) == (n->umax & ~low)) {
		if ((n->umin & low) > n->humin)
			n->humin = (uint32_t)(n->umin & low);
		if ((n->umax & low) < n->humax)
			n->humax = (uint32_t)(n->umax & low);
	}
	if (n->smin >= half_min && n->smax <= half_max) {
		if (n->smin > n->hsmin)
			n->hsmin = (int32_t)n->smin;
		if (n->smax < n->hsmax)
			n->hsmax = (int32_t)n->smax;
		if (n->hsmin > n->smin)
			n->smin = n->hsmin;
		if (n->hsmax < n->smax)
			n->smax = n->hsmax;
	}
	return n->humin <= n->humax && n->hsmin <= n->hsmax &&
	       round_to_half(n, bits);
}

bool
ebpf_num_settle(struct ebpf_num *n, unsigned bits)
{
	uint64_t low = ebpf_bits_mask(bits / 2);
	struct ebpf_range full, half;
	struct ebpf_num before;
	int round;

	for (round = 0; round < 2; round++) {
		before = *n;
		get_full(n, &full);
		if (!ebpf_range_settle(&full, bits))
			return false;
		put_full(n, &full);
		if (n->umin == n->umax) {
			/* One number: the halves follow, or contradict. */
			uint64_t value = n->umin;

			if (!ebpf_num_has(n, value, bits))
				return false;
			ebpf_num_const(n, value, bits);
			return true;
		}
		if (!cross(n, bits))
			return false;
		get_half(n, &half, bits);
		if (!ebpf_range_settle(&half, bits / 2))
			return false;
		put_half(n, &half);
		n->t.value = (n->t.value & ~low) | half.t.value;
		n->t.mask = (n->t.mask & ~low) | half.t.mask;
		/* what changed nothing would change nothing again */
		if (ebpf_num_equal(n, &before))
			break;
	}
	get_full(n, &full);
	if (!ebpf_range_settle(&full, bits))
		return false;
	put_full(n, &full);
	return true;
}

bool
ebpf_num_intersect(struct ebpf_num *a, const struct ebpf_num *b, unsigned bits)
{
	if (ebpf_num_intersect_small(a, b, bits))
		return true;
	if (b->umin > a->umin)
		a->umin = b->umin;
	if (b->umax < a->umax)
		a->umax = b->umax;
	if (b->smin > a->smin)
		a->smin = b->smin;
	if (b->smax < a->smax)
		a->smax = b->smax;
	if (b->humin > a->humin)
		a->humin = b->humin;
	if (b->humax < a->humax)
		a->humax = b->humax;
	if (b->hsmin > a->hsmin)
		a->hsmin = b->hsmin;
	if (b->hsmax < a->hsmax)
		a->hsmax = b->hsmax;
	return ebpf_tnum_intersect(&a->t, b->t) && ebpf_num_settle(a, bits);
}

/* Whether the low half of a result depends on the low halves alone. */
static bool
low_from_low(enum ebpf_fn fn)
{
	return fn == EBPF_FN_ADD || fn == EBPF_FN_SUB || fn == EBPF_FN_MUL ||
	       fn == EBPF_FN_AND || fn == EBPF_FN_OR || fn == EBPF_FN_XOR ||
	       fn == EBPF_FN_NEG || fn == EBPF_FN_MOV;
}

/* A shift by half the width: the low half's ranges become the full ones. */
static void
lift_half(const struct ebpf_num *n, struct ebpf_range *r, unsigned bits)
{
	r->umin = (uint64_t)n->humin << bits / 2;
	r->umax = (uint64_t)n->humax << bits / 2;
	r->smin = (int64_t)((uint64_t)(int64_t)n->hsmin << bits / 2);
	r->smax = (int64_t)((uint64_t)(int64_t)n->hsmax << bits / 2);
}

/* The commonest operators on numbers that are known; false: none of them. */
static bool
known_alu(struct ebpf_num *a, const struct ebpf_num *b, enum ebpf_fn fn,
	  bool wide, unsigned bits)
{
	unsigned width = wide ? bits : bits / 2;
	uint64_t all = ebpf_bits_mask(width);
	uint64_t x = a->umin & all, y = b->umin & all;

	switch (fn) {
	case EBPF_FN_ADD:
		x += y;
		break;
	case EBPF_FN_SUB:
		x -= y;
		break;
	case EBPF_FN_MUL:
		x *= y;
		break;
	case EBPF_FN_AND:
		x &= y;
		break;
	case EBPF_FN_OR:
		x |= y;
		break;
	case EBPF_FN_XOR:
		x ^= y;
		break;
	default:
		return false;
	}
	ebpf_num_const(a, x & all, bits);
	return true;
}

void
ebpf_num_alu(struct ebpf_num *a, const struct ebpf_num *b, enum ebpf_fn fn,
	     bool wide, unsigned bits)
{
	struct ebpf_range full, half, other;

	if (wide && fn == EBPF_FN_MOV) {
		*a = *b;
		return;
	}
	if (ebpf_num_is_const(a) && ebpf_num_is_const(b) &&
	    known_alu(a, b, fn, wide, bits))
		return;
	if (ebpf_num_alu_small(a, b, fn, wide, bits))
		return;
	get_half(a, &half, bits);
	get_half(b, &other, bits);
	if (!wide) {
		ebpf_range_alu(&half, &other, fn, bits / 2);
		extend_half(a, &half);
	} else {
		bool low = low_from_low(fn);

		if (fn == EBPF_FN_LSH && ebpf_num_is_const(b) &&
		    (b->umin & (bits - 1)) < bits / 2) {
			/* a constant distance within the half is the same */
			ebpf_range_const(&other, b->umin & (bits - 1),
					 bits / 2);
			low = true;
		}
		if (low && fn == EBPF_FN_LSH) {
			uint64_t k = other.umin;

			/* distances are cut to the half's width there */
			low = (k & (bits / 2 - 1)) == k;
		}
		if (low)
			ebpf_range_alu(&half, &other, fn, bits / 2);
		get_full(a, &full);
		get_full(b, &other);
		ebpf_range_alu(&full, &other, fn, bits);
		if (fn == EBPF_FN_LSH && ebpf_num_is_const(b) &&
		    (b->umin & (bits - 1)) == bits / 2)
			lift_half(a, &full, bits);
		put_full(a, &full);
		if (low)
			put_half(a, &half);
		else
			unbound_half(a, bits);
	}
	if (!ebpf_num_settle(a, bits))
		ebpf_num_unknown(a, bits);
}

void
ebpf_num_zext(struct ebpf_num *a, unsigned from, unsigned bits)
{
	struct ebpf_range half;
	struct ebpf_num mask;

	if (from >= bits)
		return;
	if (from == bits / 2) {
		get_half(a, &half, bits);
		extend_half(a, &half);
		if (!ebpf_num_settle(a, bits))
			ebpf_num_upto(a, ebpf_bits_mask(from), bits);
		return;
	}
	ebpf_num_const(&mask, ebpf_bits_mask(from), bits);
	ebpf_num_alu(a, &mask, EBPF_FN_AND, true, bits);
}

void
ebpf_num_sext(struct ebpf_num *a, unsigned from, bool wide, unsigned bits)
{
	struct ebpf_range r;

	if (!wide) {
		get_half(a, &r, bits);
		ebpf_range_sext(&r, from, bits / 2);
		extend_half(a, &r);
	} else {
		get_full(a, &r);
		if (from == bits / 2) {
			/* the half knows its own sign best */
			r.smin = a->hsmin;
			r.smax = a->hsmax;
		}
		ebpf_range_sext(&r, from, bits);
		put_full(a, &r);
		if (from != bits / 2)
			unbound_half(a, bits);
	}
	if (!ebpf_num_settle(a, bits))
		ebpf_num_unknown(a, bits);
}

void
ebpf_num_bswap(struct ebpf_num *a, unsigned bytes)
{
	struct ebpf_tnum t = ebpf_tnum_bswap(a->t, bytes);

	ebpf_num_unknown(a, 64);
	a->t = t;
	ebpf_num_settle(a, 64);
}

int
ebpf_num_decide(const struct ebpf_num *a, const struct ebpf_num *b,
		enum ebpf_fn fn, bool wide, unsigned bits)
{
	struct ebpf_range x, y;

	if (wide) {
		get_full(a, &x);
		get_full(b, &y);
		return ebpf_range_decide(&x, &y, fn);
	}
	get_half(a, &x, bits);
	get_half(b, &y, bits);
	return ebpf_range_decide(&x, &y, fn);
}

static bool
learn_half(struct ebpf_num *n, const struct ebpf_range *r, unsigned bits)
{
	uint64_t low = ebpf_bits_mask(bits / 2);

	n->t.value = (n->t.value & ~low) | r->t.value;
	n->t.mask = (n->t.mask & ~low) | r->t.mask;
	put_half(n, r);
	return ebpf_num_settle(n, bits);
}

bool
ebpf_num_refine(struct ebpf_num *a, struct ebpf_num *b, enum ebpf_fn fn,
		bool taken, bool wide, unsigned bits)
{
	struct ebpf_range x, y;

	if (ebpf_num_refine_small(a, b, fn, taken, bits))
		return true;
	if (wide) {
		get_full(a, &x);
		get_full(b, &y);
		if (!ebpf_range_refine(&x, &y, fn, taken, bits))
			return false;
		put_full(a, &x);
		put_full(b, &y);
		return ebpf_num_settle(a, bits) && ebpf_num_settle(b, bits);
	}
	get_half(a, &x, bits);
	get_half(b, &y, bits);
	return ebpf_range_refine(&x, &y, fn, taken, bits / 2) &&
	       learn_half(a, &x, bits) && learn_half(b, &y, bits);
}
