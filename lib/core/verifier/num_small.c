/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Small numbers: neither negative nor too large in the low half, and all ranges
 * say the same, so that one of them is worked with instead of four. Most
 * numbers of programs are: bytes, lengths, offsets. What is found here is what
 * num.c would find; where that is not certain num.c is left to it.
 * domain_test.c enumerates both together.
 */
#include "core/verifier/num.h"

struct small {
	struct ebpf_tnum t;
	uint64_t min, max;
};

static inline uint64_t
greatest(unsigned bits)
{
	return ebpf_bits_mask(bits / 2 - 1);
}

static inline __attribute__((always_inline)) bool
is_small(const struct ebpf_num *n, unsigned bits)
{
	/* all at once: nearly always they agree */
	return (((n->umax | n->t.mask) & ~greatest(bits)) |
		((uint64_t)n->smin ^ n->umin) | ((uint64_t)n->smax ^ n->umax) |
		(n->humin ^ n->umin) | (n->humax ^ n->umax) |
		((uint64_t)n->hsmin ^ n->umin) |
		((uint64_t)n->hsmax ^ n->umax)) == 0;
}

/*
 * What settling makes of it, provided that settling once is enough; else n is
 * as it was.
 */
static inline __attribute__((always_inline)) bool
put_small(struct ebpf_num *n, struct small s, unsigned bits)
{
	if (s.min < s.t.value)
		s.min = s.t.value;
	if (s.max > (s.t.value | s.t.mask))
		s.max = s.t.value | s.t.mask;
	if (s.min > s.max || s.max > greatest(bits) ||
	    !ebpf_tnum_intersect(&s.t, ebpf_tnum_range(s.min, s.max)) ||
	    s.min < s.t.value || s.max > (s.t.value | s.t.mask))
		return false;
	n->t = s.t;
	n->umin = s.min;
	n->umax = s.max;
	n->smin = (int64_t)s.min;
	n->smax = (int64_t)s.max;
	n->humin = (uint32_t)s.min;
	n->humax = (uint32_t)s.max;
	n->hsmin = (int32_t)s.min;
	n->hsmax = (int32_t)s.max;
	return true;
}

/* All is known of b, and it is a distance within the half at any width. */
static inline bool
is_distance(const struct ebpf_num *b, unsigned bits)
{
	return ebpf_num_is_const(b) && b->umin < bits / 2 &&
	       (b->umin & (bits - 1)) == b->umin &&
	       (b->umin & (bits / 2 - 1)) == b->umin;
}

/* X & c, whatever X is, where neither of its ranges says more than c. */
static inline bool
and_cuts(const struct ebpf_num *a, const struct ebpf_num *c, bool wide)
{
	return ebpf_num_is_const(c) && a->humax >= c->umax &&
	       (!wide || a->umax >= c->umax);
}

static inline __attribute__((always_inline)) bool
alu(struct ebpf_num *a, const struct ebpf_num *b, enum ebpf_fn fn, bool wide,
    unsigned bits)
{
	struct small s = { a->t, a->umin, a->umax };
	bool small = is_small(a, bits);

	if (!is_small(b, bits) ||
	    (!small && !(fn == EBPF_FN_AND && and_cuts(a, b, wide))))
		return false;
	switch (fn) {
	case EBPF_FN_ADD:
		s.t = ebpf_tnum_add(a->t, b->t, bits);
		s.min += b->umin;
		s.max += b->umax;
		break;
	case EBPF_FN_SUB:
		if (a->umin < b->umax)
			return false;
		s.t = ebpf_tnum_sub(a->t, b->t, bits);
		s.min -= b->umax;
		s.max -= b->umin;
		break;
	case EBPF_FN_AND:
		s.t = ebpf_tnum_and(a->t, b->t);
		s.min = 0;
		if (!small || s.max > b->umax)
			s.max = b->umax;
		break;
	case EBPF_FN_OR:
		s.t = ebpf_tnum_or(a->t, b->t);
		if (s.min < b->umin)
			s.min = b->umin;
		s.max = s.t.value | s.t.mask;
		break;
	case EBPF_FN_XOR:
		s.t = ebpf_tnum_xor(a->t, b->t);
		s.min = 0;
		s.max = s.t.value | s.t.mask;
		break;
	case EBPF_FN_LSH:
		if (!is_distance(b, bits) || s.max > greatest(bits) >> b->umin)
			return false;
		s.t = ebpf_tnum_lsh(a->t, (unsigned)b->umin, bits);
		s.min <<= b->umin;
		s.max <<= b->umin;
		break;
	case EBPF_FN_RSH:
	case EBPF_FN_ARSH:
		if (!is_distance(b, bits))
			return false;
		s.t = ebpf_tnum_rsh(a->t, (unsigned)b->umin);
		s.min >>= b->umin;
		s.max >>= b->umin;
		break;
	default:
		return false;
	}
	return put_small(a, s, bits);
}

static inline __attribute__((always_inline)) bool
intersect(struct ebpf_num *a, const struct ebpf_num *b, unsigned bits)
{
	struct small s = { a->t, a->umin, a->umax };

	if (!is_small(a, bits) || !is_small(b, bits) ||
	    !ebpf_tnum_intersect(&s.t, b->t))
		return false;
	if (s.min < b->umin)
		s.min = b->umin;
	if (s.max > b->umax)
		s.max = b->umax;
	return put_small(a, s, bits);
}

/* What `a fn c` is for numbers that are not negative; taken: or is not. */
enum order { EQ, NE, LT, LE, GT, GE, SHARE, APART, NONE };

static enum order
order_of(enum ebpf_fn fn, bool taken)
{
	switch (fn) {
	case EBPF_FN_JEQ:
		return taken ? EQ : NE;
	case EBPF_FN_JNE:
		return taken ? NE : EQ;
	case EBPF_FN_JGT:
	case EBPF_FN_JSGT:
		return taken ? GT : LE;
	case EBPF_FN_JGE:
	case EBPF_FN_JSGE:
		return taken ? GE : LT;
	case EBPF_FN_JLT:
	case EBPF_FN_JSLT:
		return taken ? LT : GE;
	case EBPF_FN_JLE:
	case EBPF_FN_JSLE:
		return taken ? LE : GT;
	case EBPF_FN_JSET:
		return taken ? SHARE : APART;
	default:
		return NONE;
	}
}

static inline __attribute__((always_inline)) bool
refine(struct ebpf_num *a, const struct ebpf_num *c, enum ebpf_fn fn,
       bool taken, unsigned bits)
{
	struct small s = { a->t, a->umin, a->umax };
	uint64_t v = c->umin, may;

	if (!ebpf_num_is_const(c) || !is_small(c, bits) || !is_small(a, bits))
		return false;
	switch (order_of(fn, taken)) {
	case EQ:
		if (v < s.min || v > s.max || !ebpf_tnum_has(s.t, v))
			return false;
		*a = *c;
		return true;
	case NE:
		if (s.min == s.max)
			return false;
		s.min += s.min == v;
		s.max -= s.max == v;
		break;
	case LT:
		if (v == 0)
			return false;
		if (s.max >= v)
			s.max = v - 1;
		break;
	case LE:
		if (s.max > v)
			s.max = v;
		break;
	case GT:
		if (s.min <= v)
			s.min = v + 1;
		break;
	case GE:
		if (s.min < v)
			s.min = v;
		break;
	case SHARE:
		may = v & (s.t.value | s.t.mask);
		if (may == 0)
			return false;
		if ((may & (may - 1)) == 0) {
			s.t.value |= may;
			s.t.mask &= ~may;
		}
		break;
	case APART:
		if (s.t.value & v)
			return false;
		s.t.mask &= ~v;
		break;
	case NONE:
		return false;
	}
	return put_small(a, s, bits);
}

/* The verifier's width is compiled on its own, with masks for constants. */
bool
ebpf_num_alu_small(struct ebpf_num *a, const struct ebpf_num *b,
		   enum ebpf_fn fn, bool wide, unsigned bits)
{
	return bits == 64 ? alu(a, b, fn, wide, 64) :
			    alu(a, b, fn, wide, bits);
}

bool
ebpf_num_intersect_small(struct ebpf_num *a, const struct ebpf_num *b,
			 unsigned bits)
{
	return bits == 64 ? intersect(a, b, 64) : intersect(a, b, bits);
}

bool
ebpf_num_refine_small(struct ebpf_num *a, const struct ebpf_num *c,
		      enum ebpf_fn fn, bool taken, unsigned bits)
{
	return bits == 64 ? refine(a, c, fn, taken, 64) :
			    refine(a, c, fn, taken, bits);
}
