/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Recognises what jit_match.h names. Looks at a few slots from one on, none of
 * which is jumped to, and at which registers are read behind them.
 */
#include "core/jit/jit_match.h"

enum {
	WINDOW = 7, /* slots an address may take */
};

static bool
is_alu(const struct ebpf_op *op)
{
	return (ebpf_jit_facts[op->code] & EBPF_JIT_IS_ALU) != 0;
}

/* ---- addresses ---- */

/* A window of slots whose last is a load or store. */
struct window {
	const struct ebpf_op *ops; /* the first */
	uint32_t last;		   /* its number, at least 1 */
	uint32_t parts;		   /* bit n: op n is part of the address */
};

/*
 * Take an op of the chain that makes the address, going back; *begun: it starts
 * here. What comes before a shift is the index.
 */
static bool
take_part(struct ebpf_jit_match *match, const struct ebpf_op *op,
	  int64_t *off, bool *begun)
{
	bool shifted = match->scale > 0;

	switch (op->code) {
	case EBPF_OP_MOV64_REG:
		if (shifted)
			match->index = op->src;
		else
			match->base = op->src;
		*begun = true;
		return op->src != op->dst;
	case EBPF_OP_ADD64_IMM:
		*off += op->imm;
		return !shifted;
	case EBPF_OP_ADD64_REG:
		if (shifted || match->indexed || op->src == op->dst)
			return false;
		match->index = op->src;
		match->indexed = true;
		return true;
	case EBPF_OP_LSH64_IMM:
		if (shifted || !match->indexed || op->imm < 1 || op->imm > 3)
			return false;
		match->base = match->index;
		match->index = op->dst;
		match->scale = (uint8_t)op->imm;
		return true;
	}
	return false;
}

/* What is no part must not care that it goes first. */
static bool
others_may_go_first(const struct window *w)
{
	uint32_t reads = 0, writes = 0;

	for (uint32_t n = 0; n < w->last; n++) {
		const struct ebpf_op *op = &w->ops[n];

		if (w->parts >> n & 1) {
			reads |= ebpf_jit_reads(op);
			writes |= ebpf_jit_writes(op);
		} else if (!is_alu(op) ||
			   (ebpf_jit_writes(op) & (reads | writes)) ||
			   (ebpf_jit_reads(op) & writes)) {
			return false;
		}
	}
	return true;
}

/*
 * The window's last op accesses memory at a register that the ones before make.
 * Going back from it, so that it is clear which of them belong to it.
 */
static bool
match_window(const struct ebpf_jit_gen *gen, struct window *w,
	     struct ebpf_jit_match *match)
{
	const struct ebpf_op *first = w->ops, *op = &w->ops[w->last];
	bool load = ebpf_op_info[op->code].form == EBPF_FORM_LDX;
	bool store = ebpf_op_info[op->code].form == EBPF_FORM_STX;
	uint32_t temp = load ? op->src : op->dst, slot = gen->slot;
	int64_t off = op->off;
	bool begun = false;
	uint32_t n = w->last;

	/* what makes the address may be left out only if nobody else wants it */
	if (temp == EBPF_REG_FP || (store && op->src == temp) ||
	    (!(load && op->dst == temp) &&
	     !ebpf_jit_unread(gen, slot + w->last, temp)))
		return false;
	memset(match, 0, sizeof(*match));
	match->base = (uint8_t)temp;
	w->parts = 0;
	while (n > 0 && !begun) {
		n--;
		if (!is_alu(&w->ops[n]))
			return false;
		if (w->ops[n].dst != temp)
			continue;
		if (!take_part(match, &w->ops[n], &off, &begun))
			return false;
		w->parts |= 1u << n;
	}
	if (!(w->parts & 1)) {
		/* then the first op has to be the shift of the index */
		if (first->code != EBPF_OP_LSH64_IMM || !match->indexed ||
		    match->scale > 0 || first->imm < 1 || first->imm > 3)
			return false;
		if (first->dst != match->index) {
			uint8_t base = match->base;

			match->base = match->index;
			match->index = base;
		}
		/* shifted in place, or in the middle of making the address */
		if (first->dst != match->index || first->dst == match->base ||
		    (store && op->src == first->dst) ||
		    (!(load && op->dst == first->dst) &&
		     !ebpf_jit_unread(gen, slot + w->last, first->dst)))
			return false;
		match->scale = (uint8_t)first->imm;
		w->parts |= 1;
	}
	if (off != (int32_t)off || !others_may_go_first(w))
		return false;
	match->kind = EBPF_JIT_ADDRESS;
	match->slots = w->last + 1;
	match->others = ((1u << w->last) - 1) & ~w->parts;
	match->op = op;
	match->off = (int32_t)off;
	return true;
}

static bool
match_address(const struct ebpf_jit_gen *gen, struct ebpf_jit_match *match)
{
	struct window w = { &gen->prog->ops[gen->slot], 1, 0 };

	for (; w.last < WINDOW; w.last++) {
		const struct ebpf_op *op =
			ebpf_jit_follower(gen, gen->slot + w.last);

		if (op == NULL)
			return false;
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_LDX:
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
			return match_window(gen, &w, match);
		default:
			if (!is_alu(op))
				return false;
		}
	}
	return false;
}

/* ---- rotations ---- */

/*
 * t = x; t >>= width - n; x <<= n; x |= t, or with the shifts exchanged, where
 * t is not read behind it.
 */
static bool
match_rotate(const struct ebpf_jit_gen *gen, struct ebpf_jit_match *match)
{
	const struct ebpf_op *mov = &gen->prog->ops[gen->slot];
	const struct ebpf_op *one = ebpf_jit_follower(gen, gen->slot + 1);
	const struct ebpf_op *two = ebpf_jit_follower(gen, gen->slot + 2);
	const struct ebpf_op *both = ebpf_jit_follower(gen, gen->slot + 3);
	bool wide = mov->code == EBPF_OP_MOV64_REG;
	uint16_t left = wide ? EBPF_OP_LSH64_IMM : EBPF_OP_LSH32_IMM;
	uint16_t right = wide ? EBPF_OP_RSH64_IMM : EBPF_OP_RSH32_IMM;
	uint16_t joins = wide ? EBPF_OP_OR64_REG : EBPF_OP_OR32_REG;
	uint32_t width = wide ? 64 : 32;

	if (one == NULL || two == NULL || both == NULL ||
	    both->code != joins || mov->dst == mov->src ||
	    one->dst != mov->dst || two->dst != mov->src ||
	    both->dst != mov->src || both->src != mov->dst ||
	    one->imm < 1 || two->imm < 1 || one->imm + two->imm != width ||
	    !((one->code == left && two->code == right) ||
	      (one->code == right && two->code == left)) ||
	    !ebpf_jit_unread(gen, gen->slot + 3, mov->dst))
		return false;
	memset(match, 0, sizeof(*match));
	match->kind = EBPF_JIT_ROTATE;
	match->slots = 4;
	match->dst = match->src = mov->src;
	match->width = (uint8_t)width;
	match->count = (uint8_t)(one->code == left ? one->imm : two->imm);
	return true;
}

bool
ebpf_jit_match(const struct ebpf_jit_gen *gen, struct ebpf_jit_match *match)
{
	if (gen->image->blind)
		return false;
	switch (gen->prog->ops[gen->slot].code) {
	case EBPF_OP_MOV64_REG:
		return match_rotate(gen, match) || match_address(gen, match);
	case EBPF_OP_MOV32_REG:
		return match_rotate(gen, match);
	case EBPF_OP_ADD64_REG:
	case EBPF_OP_ADD64_IMM:
	case EBPF_OP_LSH64_IMM:
		return match_address(gen, match);
	}
	return false;
}
