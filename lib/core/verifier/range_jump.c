/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Comparisons of struct ebpf_range: which way a conditional jump can go, and
 * what either way teaches of both sides. domain_test.c enumerates them.
 */
#include "core/verifier/range.h"

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
		  enum ebpf_fn fn)
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
