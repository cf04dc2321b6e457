/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * See fuse.h. Goes through a program backwards, so that each choice knows how
 * many steps the code behind it takes. Knows what a line of fused.def asks of
 * registers, not what instructions do. Called by prog.c, and by tests.
 */
#include "core/fuse.h"

#include <stdbool.h>

enum {
	/* the most slots that one line spans, and a power of two */
	WINDOW = 2 * EBPF_FUSED_MAX,
};

const struct ebpf_fused_form
	ebpf_fused_forms[EBPF_FUSED_END - EBPF_OP_COUNT] = {
#define CODE(a) EBPF_OP_##a
#define SEQ(count) 0, 0
#define CHAIN(count) 1, (count) - 1
#define HEAD(count) 1, 1
#define TAIL(count) (count) - 1, (count) - 1
#define EBPF_FUSED2(how, a, b) { { CODE(a), CODE(b) }, 2, how(2) },
#define EBPF_FUSED3(how, a, b, c) { { CODE(a), CODE(b), CODE(c) }, 3, how(3) },
#define EBPF_FUSED4(how, a, b, c, d) \
	{ { CODE(a), CODE(b), CODE(c), CODE(d) }, 4, how(4) },
#include "core/fused.def"
};

/* Where each group of lines begins: its name has the next line's number. */
enum group {
#define EBPF_FUSED_GROUP(a) GROUP_##a, GROUP_BACK_##a = GROUP_##a - 1,
#define EBPF_FUSED2(how, a, b) LINE_##how##_##a##_##b,
#define EBPF_FUSED3(how, a, b, c) LINE_##how##_##a##_##b##_##c,
#define EBPF_FUSED4(how, a, b, c, d) LINE_##how##_##a##_##b##_##c##_##d,
#include "core/fused.def"
	LINES
};
_Static_assert(LINES == EBPF_FUSED_END - EBPF_OP_COUNT,
	       "groups do not count as lines");

/* By opcode: the number of its group's first line, plus one; 0: no group. */
static const uint16_t groups[EBPF_OP_COUNT] = {
#define EBPF_FUSED_GROUP(a) [EBPF_OP_##a] = GROUP_##a + 1,
#include "core/fused.def"
};

/* What else matters of an opcode here. */
enum {
	TWO_SLOTS = 1 << 0,
	DISTANCE = 1 << 1, /* off leads to another op */
	STOPS = 1 << 2,	   /* what follows is not executed next */
};
static const uint8_t facts[EBPF_OP_COUNT] = {
#define IS(form, other) (EBPF_FORM_##form == EBPF_FORM_##other)
#define EBPF_INSN(row, code, sel, value, form, fn, width, cpu, group)         \
	[EBPF_OP_##row] = (IS(form, LDDW) ? TWO_SLOTS : 0) |                  \
			  (IS(form, JA) || IS(form, JA32) || IS(form, EXIT) ? \
				   STOPS :                                    \
				   0) |                                       \
			  (IS(form, JA) || IS(form, JA32) ||                  \
					   IS(form, JCC_IMM) ||               \
					   IS(form, JCC_REG) ||               \
					   IS(form, CALL_LOCAL) ||            \
					   EBPF_OP_##row == EBPF_OP_LDDW_FUNC ? \
				   DISTANCE :                                 \
				   0),
#include "abi/insn.def"
};

static uint32_t
slots(uint16_t code)
{
	return facts[code] & TWO_SLOTS ? 2 : 1;
}

uint32_t
ebpf_func_at(const struct ebpf_prog *prog, uint32_t slot)
{
	uint32_t low = 0, high = prog->func_count;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (prog->funcs[mid].start <= slot)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* A code may become a line's meanwhile: it is looked at once. */
struct ebpf_op
ebpf_unfused(const struct ebpf_op *op)
{
	struct ebpf_op one = {
		.code = os_load(&op->code), .dst = op->dst, .src = op->src,
		.off = op->off, .imm = op->imm,
	};

	if (one.code >= EBPF_OP_COUNT)
		one.code = ebpf_fused_forms[one.code - EBPF_OP_COUNT].code[0];
	if (facts[one.code] & DISTANCE)
		one.off = one.off / (int32_t)sizeof(one) - 1;
	if (one.code == EBPF_OP_CALL_LOCAL)
		one.imm = 0;
	return one;
}

/* What a chain asks of an op behind its first, which writes dst. */
static bool
continues(const struct ebpf_op *op, uint16_t code, uint8_t dst)
{
	if (op->dst != dst)
		return false;
	switch (ebpf_op_info[code].form) {
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_JCC_REG:
		return op->src != dst;
	case EBPF_FORM_LDX:
		return op->src == dst;
	default:
		return true;
	}
}

/*
 * The slot behind what a line stands for, whose first op is at `at` and second
 * in `slot`; 0: it does not fit. codes are those of the next WINDOW slots, by
 * slot number, as they were before fusing.
 */
static uint32_t
fits(const struct ebpf_fused_form *form, const struct ebpf_op *ops,
     uint32_t count, const uint16_t *codes, uint32_t at, uint32_t slot)
{
	uint8_t dst = ops[at].dst; /* of the op before */
	uint32_t i;

	for (i = 1; i < form->count; i++) {
		if (slot >= count || codes[slot % WINDOW] != form->code[i])
			return 0;
		if (i >= form->chain_from && i <= form->chain_to &&
		    !continues(&ops[slot], form->code[i], dst))
			return 0;
		dst = ops[slot].dst;
		slot += slots(form->code[i]);
	}
	return slot;
}

/* The best line for the op at a slot, NULL: none; *best are steps without. */
static const struct ebpf_fused_form *
choose(const struct ebpf_op *ops, uint32_t count, const uint16_t *codes,
       const uint32_t *steps, uint32_t at, uint32_t *best)
{
	const struct ebpf_fused_form *form, *chosen = NULL;
	uint16_t code = codes[at % WINDOW], second;
	uint32_t next = at + slots(code), end, cost;

	if (groups[code] == 0 || next >= count)
		return NULL;
	second = codes[next % WINDOW];
	for (form = &ebpf_fused_forms[groups[code] - 1];
	     form < ebpf_fused_forms + LINES && form->code[0] == code; form++) {
		if (form->code[1] != second)
			continue;
		end = fits(form, ops, count, codes, at, next);
		if (end == 0)
			continue;
		cost = 1;
		if (!(facts[form->code[form->count - 1]] & STOPS))
			cost += steps[end % WINDOW];
		/* of equal ones the earlier: chains stand first */
		if (cost < *best) {
			*best = cost;
			chosen = form;
		}
	}
	return chosen;
}

void
ebpf_fuse_lines(struct ebpf_prog *prog, struct ebpf_op *ops)
{
	const struct ebpf_fused_form *form;
	uint16_t codes[WINDOW] = { 0 };
	uint32_t steps[WINDOW] = { 0 }; /* to the end of straight code */
	uint32_t at, best;

	for (at = prog->op_count; at-- > 0;) {
		struct ebpf_op *op = &ops[at];
		uint16_t code = op->code;

		codes[at % WINDOW] = code;
		best = 1;
		if (!(facts[code] & STOPS))
			best += steps[(at + slots(code)) % WINDOW];
		form = choose(ops, prog->op_count, codes, steps, at, &best);
		if (form != NULL)
			os_store(&op->code,
				 (uint16_t)(EBPF_OP_COUNT +
					    (form - ebpf_fused_forms)));
		steps[at % WINDOW] = best;
	}
	os_store_release(&prog->lines, 1);
}

void
ebpf_fuse(struct ebpf_prog *prog, struct ebpf_op *ops,
	  enum ebpf_fuse_what what)
{
	uint32_t at;

	for (at = 0; at < prog->op_count; at++) {
		struct ebpf_op *op = &ops[at];

		if (!(facts[op->code] & DISTANCE))
			continue;
		if (op->code == EBPF_OP_CALL_LOCAL)
			op->imm = ebpf_func_at(prog, at + 1 + op->off);
		op->off = (op->off + 1) * (int32_t)sizeof(*op);
	}
	prog->fused = true;
	if (what == EBPF_FUSE_ALL)
		ebpf_fuse_lines(prog, ops);
}

void
ebpf_unfuse(struct ebpf_prog *prog, struct ebpf_op *ops)
{
	uint32_t i;

	for (i = 0; i < prog->op_count; i++)
		ops[i] = ebpf_unfused(&ops[i]);
	prog->fused = false;
	prog->lines = 0;
}
