/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is known of a number of one width: its bits (tnum), its unsigned and its
 * signed range. Values are kept cut to `bits` (unsigned) or sign-extended from
 * `bits` (signed). Every operator takes the width, so that all of them can be
 * enumerated at 5 bits. Knows nothing of programs; num.c pairs two widths.
 */
#ifndef CORE_VERIFIER_RANGE_H
#define CORE_VERIFIER_RANGE_H

#include "abi/insn.h"
#include "core/verifier/tnum.h"

struct ebpf_range {
	struct ebpf_tnum t;
	uint64_t umin, umax;
	int64_t smin, smax;
};

void ebpf_range_unknown(struct ebpf_range *r, unsigned bits);
/* Any number, as far as one view tells. */
void ebpf_range_unbound_u(struct ebpf_range *r, unsigned bits);
void ebpf_range_unbound_s(struct ebpf_range *r, unsigned bits);
void ebpf_range_const(struct ebpf_range *r, uint64_t value, unsigned bits);
/* Let the three views refine each other; false: no number fits them all. */
bool ebpf_range_settle(struct ebpf_range *r, unsigned bits);
bool ebpf_range_has(const struct ebpf_range *r, uint64_t value, unsigned bits);

/*
 * range_alu.c: a = a fn b for ADD SUB MUL DIV MOD SDIV SMOD AND OR XOR LSH RSH
 * ARSH MOV, and NEG without b, as RFC 9669 defines them at this width: shifts take b modulo
 * bits, division by zero gives 0, modulo zero leaves a.
 */
void ebpf_range_alu(struct ebpf_range *a, const struct ebpf_range *b,
		    enum ebpf_fn fn, unsigned bits);
/* a = the low `from` bits of a, sign-extended. */
void ebpf_range_sext(struct ebpf_range *a, unsigned from, unsigned bits);

/*
 * range_jump.c: whether `a fn b` (a conditional jump) is: 1 always, 0 never, -1
 * either.
 */
int ebpf_range_decide(const struct ebpf_range *a, const struct ebpf_range *b,
		      enum ebpf_fn fn);
/* `a fn b` turned out as `taken`: refine both; false if it cannot have. */
bool ebpf_range_refine(struct ebpf_range *a, struct ebpf_range *b,
		       enum ebpf_fn fn, bool taken, unsigned bits);

#endif
