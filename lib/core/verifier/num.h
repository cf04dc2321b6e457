/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is known of a register's number: its bits, its unsigned and signed range
 * over the full width and over the low half, each refining the others. Generic
 * over the width (half = bits / 2): the verifier uses 64, the test of
 * soundness enumerates small ones. Knows nothing of programs.
 */
#ifndef CORE_VERIFIER_NUM_H
#define CORE_VERIFIER_NUM_H

#include "core/verifier/range.h"

struct ebpf_num {
	struct ebpf_tnum t;
	uint64_t umin, umax;
	int64_t smin, smax;
	uint32_t humin, humax; /* the low half */
	int32_t hsmin, hsmax;
};

static inline void
ebpf_num_unknown(struct ebpf_num *n, unsigned bits)
{
	n->t.value = n->umin = 0;
	n->t.mask = n->umax = ebpf_bits_mask(bits);
	n->smin = ebpf_bits_least(bits);
	n->smax = ebpf_bits_greatest(bits);
	n->humin = 0;
	n->humax = (uint32_t)ebpf_bits_mask(bits / 2);
	n->hsmin = (int32_t)ebpf_bits_least(bits / 2);
	n->hsmax = (int32_t)ebpf_bits_greatest(bits / 2);
}

static inline void
ebpf_num_const(struct ebpf_num *n, uint64_t value, unsigned bits)
{
	value &= ebpf_bits_mask(bits);
	n->t.value = n->umin = n->umax = value;
	n->t.mask = 0;
	n->smin = n->smax = ebpf_bits_sext(value, bits);
	n->humin = n->humax = (uint32_t)(value & ebpf_bits_mask(bits / 2));
	n->hsmin = n->hsmax = (int32_t)ebpf_bits_sext(value, bits / 2);
}

/* 0 .. max */
void ebpf_num_upto(struct ebpf_num *n, uint64_t max, unsigned bits);
bool ebpf_num_settle(struct ebpf_num *n, unsigned bits);
bool ebpf_num_has(const struct ebpf_num *n, uint64_t value, unsigned bits);
/* Every member of b is one of a, as far as the views tell. */
static inline bool
ebpf_num_includes(const struct ebpf_num *a, const struct ebpf_num *b)
{
	return ebpf_tnum_includes(a->t, b->t) && a->umin <= b->umin &&
	       a->umax >= b->umax && a->smin <= b->smin &&
	       a->smax >= b->smax && a->humin <= b->humin &&
	       a->humax >= b->humax && a->hsmin <= b->hsmin &&
	       a->hsmax >= b->hsmax;
}

static inline bool
ebpf_num_equal(const struct ebpf_num *a, const struct ebpf_num *b)
{
	return a->t.value == b->t.value && a->t.mask == b->t.mask &&
	       a->umin == b->umin && a->umax == b->umax &&
	       a->smin == b->smin && a->smax == b->smax &&
	       a->humin == b->humin && a->humax == b->humax &&
	       a->hsmin == b->hsmin && a->hsmax == b->hsmax;
}

/* a becomes what both say; false when nothing does. */
bool ebpf_num_intersect(struct ebpf_num *a, const struct ebpf_num *b,
			unsigned bits);

static inline bool
ebpf_num_is_const(const struct ebpf_num *n)
{
	return n->t.mask == 0;
}

/*
 * a = a fn b, as ebpf_range_alu; wide: over the full width, else over the low
 * half with the high half becoming zero.
 */
void ebpf_num_alu(struct ebpf_num *a, const struct ebpf_num *b,
		  enum ebpf_fn fn, bool wide, unsigned bits);
/* The low `from` bits with zeros above. */
void ebpf_num_zext(struct ebpf_num *a, unsigned from, unsigned bits);
/* The low `from` bits sign-extended; not wide: to the half, zeros above. */
void ebpf_num_sext(struct ebpf_num *a, unsigned from, bool wide,
		   unsigned bits);
/* The low `bytes` bytes reversed, zeros above; bits is 64. */
void ebpf_num_bswap(struct ebpf_num *a, unsigned bytes);

/*
 * num_small.c, for num.c: the same for small numbers; false: done nothing. Of
 * what two say, and of a comparison with a known number, which itself learns
 * nothing: true, it can be so; false: maybe not.
 */
bool ebpf_num_intersect_small(struct ebpf_num *a, const struct ebpf_num *b,
			      unsigned bits);
bool ebpf_num_alu_small(struct ebpf_num *a, const struct ebpf_num *b,
			enum ebpf_fn fn, bool wide, unsigned bits);
bool ebpf_num_refine_small(struct ebpf_num *a, const struct ebpf_num *c,
			   enum ebpf_fn fn, bool taken, unsigned bits);

int ebpf_num_decide(const struct ebpf_num *a, const struct ebpf_num *b,
		    enum ebpf_fn fn, bool wide, unsigned bits);
bool ebpf_num_refine(struct ebpf_num *a, struct ebpf_num *b, enum ebpf_fn fn,
		     bool taken, bool wide, unsigned bits);

#endif
