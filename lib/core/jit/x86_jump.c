/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: jumps between ops, and how short they can be. Sizing makes them all
 * long and notes them; x86_relax() then decides which are short by moving the
 * slots together; the final pass reads from the slots which form was planned.
 * Used by x86_64.c.
 */
#include "core/jit/x86_enc.h"

enum {
	RELAX_MAX = 8, /* rounds of shortening */
};

static uint32_t
slot_end(const struct x86 *x, uint32_t slot)
{
	return slot + 1 < x->gen.prog->op_count ? x->gen.image->slot_offs[slot + 1] :
					      x->gen.image->code_len;
}

/* Where a jump to slot lands: a function's first slot has its prologue first. */
static uint32_t
landing(const struct x86 *x, const struct ebpf_jit_func *func, uint32_t slot)
{
	uint32_t off = x->gen.image->slot_offs[slot];

	return slot == func->start ? off + func->body : off;
}

/* In a copy, which is short unless the first pass has found otherwise. */
static void
hop(struct x86 *x, uint32_t cc, uint32_t target)
{
	ebpf_jit_hop(&x->gen,
		     x->far_hops ? x86_skip_far(x, cc) : x86_skip(x, cc),
		     target);
}

void
x86_land_hop(struct ebpf_jit_gen *gen, uint32_t from)
{
	struct x86 *x = x86_of(gen);

	if (x->far_hops) {
		x86_land_far(x, from);
	} else {
		x->want_far_hops |= gen->buf.len - from > 127;
		x86_land(x, from);
	}
}

/* The last instruction of the current slot's code: jump to a slot. */
static void
jump_to(struct x86 *x, uint32_t cc, uint32_t target)
{
	uint32_t size = cc == CC_ALWAYS ? 5 : 6;
	int64_t distance = 0;

	if (target == x->gen.slot + 1 && cc == CC_ALWAYS)
		return;
	if (x->gen.copied) {
		hop(x, cc, target);
		return;
	}
	if (x->sizing) {
		struct x86_jump *note = &x->jumps[x->jump_count++];

		note->slot = x->gen.slot;
		note->target = target;
		note->spare = size - 2;
	} else {
		if (slot_end(x, x->gen.slot) == x->gen.buf.len + 2)
			size = 2;
		distance = (int64_t)landing(x, x->gen.func, target) -
			   (x->gen.buf.len + size);
		if (size == 2 ? !x86_is_imm8(distance) :
				distance < -0x7fffffffll ||
					distance > 0x7fffffffll)
			x->gen.broken = true;
	}
	if (size == 2)
		x86_put(x, (cc == CC_ALWAYS ? 0xeb : 0x70 | cc) |
				(uint64_t)(uint8_t)distance << 8, 2);
	else if (cc == CC_ALWAYS)
		x86_put(x, 0xe9 | (uint64_t)(uint32_t)distance << 8, 5);
	else
		x86_put(x, (0x800f | cc << 8) |
				(uint64_t)(uint32_t)distance << 16, 6);
}

/*
 * After sizing with long jumps: shorten those that reach. Code only shrinks, so
 * what reaches once reaches for ever; a few rounds find nearly all.
 */
void
x86_relax(struct x86 *x)
{
	uint32_t *offs = x->gen.image->slot_offs;
	bool changed = true;

	for (uint32_t round = 0; changed && round < RELAX_MAX; round++) {
		uint32_t shrunk = 0, at = 0;
		const struct ebpf_jit_func *func = x->gen.scan->funcs;

		changed = false;
		for (uint32_t j = 0; j < x->jump_count; j++) {
			struct x86_jump *note = &x->jumps[j];
			int64_t distance, end;

			if (note->spare == 0)
				continue;
			for (; at <= note->slot; at++)
				offs[at] -= shrunk;
			while (func->end <= note->slot)
				func++;
			end = (int64_t)slot_end(x, note->slot) - shrunk;
			distance = landing(x, func, note->target) - end;
			if (note->target > note->slot)
				distance -= shrunk;
			else
				distance += note->spare;
			if (x86_is_imm8(distance)) {
				shrunk += note->spare;
				note->spare = 0;
				changed = true;
			}
		}
		for (; at < x->gen.prog->op_count; at++)
			offs[at] -= shrunk;
		x->gen.image->code_len -= shrunk;
	}
}

/* What the flags must say after cmp (or test) for the jump to be taken. */
static uint32_t
condition(uint32_t fn)
{
	switch (fn) {
	case EBPF_FN_JEQ:
		return CC_E;
	case EBPF_FN_JGT:
		return CC_A;
	case EBPF_FN_JGE:
		return CC_AE;
	case EBPF_FN_JSET:
	case EBPF_FN_JNE:
		return CC_NE;
	case EBPF_FN_JSGT:
		return CC_G;
	case EBPF_FN_JSGE:
		return CC_GE;
	case EBPF_FN_JLT:
		return CC_B;
	case EBPF_FN_JLE:
		return CC_BE;
	case EBPF_FN_JSLT:
		return CC_L;
	case EBPF_FN_JSLE:
		return CC_LE;
	}
	return CC_ALWAYS;
}

static void
test_imm(struct x86 *x, uint32_t width, uint32_t reg, int32_t imm)
{
	if (imm >= 0)
		width = 0; /* the upper half does not matter */
	if (imm >= 0 && imm <= 0xff) {
		if (reg == RAX)
			x86_put(x, 0xa8, 1);
		else
			x86_rr(x, X_BYTE_RM | 0xf6, 0, reg);
		x86_put(x, (uint8_t)imm, 1);
		return;
	}
	if (reg == RAX)
		x86_opcode(x, width | 0xa9, 0, 0, 0);
	else
		x86_rr(x, width | OP_GROUP3, 0, reg);
	x86_put(x, (uint32_t)imm, 4);
}

void
x86_jump_far(struct x86 *x, uint32_t cc, uint32_t slot)
{
	uint32_t size = cc == CC_ALWAYS ? 5 : 6;
	int64_t distance = (int64_t)landing(x, x->gen.func, slot) -
			   (x->gen.buf.len + size);

	if (cc == CC_ALWAYS)
		x86_put(x, 0xe9 | (uint64_t)(uint32_t)distance << 8, 5);
	else
		x86_put(x, (0x800f | cc << 8) |
				(uint64_t)(uint32_t)distance << 16, 6);
}

void
x86_jump(struct ebpf_jit_gen *gen, uint32_t slot)
{
	jump_to(x86_of(gen), CC_ALWAYS, slot);
}

uint32_t
x86_jump_if(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct x86 *x = x86_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	const struct ebpf_prog *prog = x->gen.prog;
	uint32_t width = info->width == 64 ? X_W : 0;
	uint32_t dst = x86_regs[op->dst], src = x86_regs[op->src];
	uint32_t cc = condition(info->fn);
	uint32_t slot = x->gen.slot;
	uint32_t target = ebpf_jit_target_slot(slot, op);
	bool imm = info->form == EBPF_FORM_JCC_IMM;
	bool known = imm && op->imm == 0 && x->flags_reg == dst &&
		     x->flags_at == gen->buf.len &&
		     (width || !x->flags_wide) &&
		     (info->fn == EBPF_FN_JEQ || info->fn == EBPF_FN_JNE);
	uint32_t used = 1;

	if (target == slot + 1)
		return 1;
	if (known)
		; /* the instruction before has set the flags */
	else if (info->fn == EBPF_FN_JSET && imm)
		test_imm(x, width, dst, (int32_t)op->imm);
	else if (info->fn == EBPF_FN_JSET)
		x86_rr(x, OP_TEST | width, src, dst);
	else if (imm && op->imm == 0)
		x86_rr(x, OP_TEST | width, dst, dst);
	else if (imm)
		x86_alu_imm(x, OP_CMP | width, dst, (int32_t)op->imm);
	else
		x86_rr(x, OP_CMP | width, src, dst);
	/* A jump over a jump: turn the condition round. */
	if (target == slot + 2 && slot + 1 < x->gen.func->end &&
	    (prog->ops[slot + 1].code == EBPF_OP_JA ||
	     prog->ops[slot + 1].code == EBPF_OP_JA32) &&
	    !ebpf_jit_is_apart(prog, x->gen.scan, slot + 1) &&
	    !ebpf_jit_is_dead(prog, slot + 1)) {
		target = ebpf_jit_target_slot(slot + 1,
					      &prog->ops[slot + 1]);
		cc ^= 1;
		used = 2;
		if (target == slot + 2)
			return used;
	}
	jump_to(x, cc, target);
	return used;
}
