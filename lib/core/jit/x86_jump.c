/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: jumps between ops, and how short they can be. A draft has them all
 * long and notes them; x86_relax() then decides which will be short, and where
 * that leaves the slots. Used by x86_64.c.
 */
#include "core/jit/x86_enc.h"

enum {
	RELAX_MAX = 16, /* rounds of shortening */
};

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

static void
put_long(struct x86 *x, uint32_t cc)
{
	if (cc == CC_ALWAYS)
		x86_put(x, 0xe9, 5);
	else
		x86_put(x, 0x800f | cc << 8, 6);
}

/* The last instruction of the current slot's code: jump to a slot. */
static void
jump_to(struct x86 *x, uint32_t cc, uint32_t target)
{
	if (target == x->gen.slot + 1 && cc == CC_ALWAYS)
		return;
	if (x->gen.copied) {
		hop(x, cc, target);
		return;
	}
	put_long(x, cc);
	ebpf_jit_note(&x->gen.buf, EBPF_JIT_FIX_JUMP, cc == CC_ALWAYS ? 3 : 4,
		      ebpf_jit_landing(&x->gen, target));
}

void
x86_jump_far(struct x86 *x, uint32_t cc, uint32_t slot)
{
	put_long(x, cc);
	ebpf_jit_note(&x->gen.buf, EBPF_JIT_FIX_SLOT, 0,
		      ebpf_jit_landing(&x->gen, slot));
}

bool
x86_aim(uint8_t *end, const struct ebpf_jit_fix *fix, int64_t distance)
{
	if (fix->kind == EBPF_JIT_FIX_SHORT) {
		/* e9, or 0f 8x, stand where the two bytes go */
		end[-2] = fix->len == 3 ? 0xeb : 0x70 | (end[-1] & 15);
		end[-1] = (uint8_t)distance;
		return x86_is_imm8(distance);
	}
	for (uint32_t i = 0; i < 4; i++)
		end[(int32_t)i - 4] = (uint8_t)((uint64_t)distance >> 8 * i);
	return distance >= -0x7fffffffll && distance <= 0x7fffffffll;
}

/* Bytes that will be gone before an offset in the draft, as far as is known. */
static uint32_t
gone_before(const struct ebpf_jit_draft *draft, uint32_t off, uint32_t all)
{
	uint32_t low = 0, high = draft->fix_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (draft->fixes[middle].at <= off)
			low = middle + 1;
		else
			high = middle;
	}
	return low < draft->fix_count ? draft->fixes[low].before : all;
}

/* How far a jump goes in the draft, if it is short there. */
static int64_t
drafted(const struct ebpf_jit_fix *fix, const uint32_t *offs)
{
	int64_t distance = (int64_t)offs[(uint32_t)fix->to] +
			   (int64_t)(fix->to >> 32) - fix->at;

	return distance < 0 ? distance + fix->len : distance;
}

/*
 * Most are short, or too long, whatever becomes of those on their way: jumps
 * lose at most two thirds of their bytes. True: of some it is not known yet.
 */
static bool
sort_out(struct ebpf_jit_draft *draft, const uint32_t *offs)
{
	bool open = false;

	for (uint32_t i = 0; i < draft->fix_count; i++) {
		struct ebpf_jit_fix *fix = &draft->fixes[i];
		int64_t distance;

		fix->before = 0;
		if (fix->kind != EBPF_JIT_FIX_JUMP)
			continue;
		distance = drafted(fix, offs);
		if (x86_is_imm8(distance))
			fix->kind = EBPF_JIT_FIX_SHORT;
		else if (!x86_is_imm8(distance / 3))
			fix->kind = EBPF_JIT_FIX_SLOT;
		else
			open = true;
	}
	return open;
}

/*
 * A round of shortening those that reach; *all are the bytes gone. Code only
 * shrinks, so what reaches once reaches for ever.
 */
static bool
shorten(struct ebpf_jit_draft *draft, const uint32_t *offs, uint32_t *all)
{
	uint32_t gone = 0;
	bool changed = false;

	for (uint32_t i = 0; i < draft->fix_count; i++) {
		struct ebpf_jit_fix *fix = &draft->fixes[i];
		uint32_t before = fix->before, target;
		int64_t distance;

		fix->before = gone;
		if (fix->kind == EBPF_JIT_FIX_SHORT)
			gone += fix->len;
		if (fix->kind != EBPF_JIT_FIX_JUMP)
			continue;
		distance = drafted(fix, offs);
		target = offs[(uint32_t)fix->to] + (uint32_t)(fix->to >> 32);
		/* before the target this or the last round's, like before it */
		if (distance < 0)
			distance += gone - gone_before(draft, target, *all);
		else
			distance -= gone_before(draft, target, *all) - before;
		if (x86_is_imm8(distance)) {
			fix->kind = EBPF_JIT_FIX_SHORT;
			gone += fix->len;
			changed = true;
		}
	}
	*all = gone;
	return changed;
}

void
x86_relax(struct ebpf_jit_draft *draft, struct ebpf_jit_image *image,
	  uint32_t slots)
{
	const struct ebpf_jit_fix *fix = draft->fixes;
	const struct ebpf_jit_fix *end = fix + draft->fix_count;
	uint32_t *offs = image->slot_offs, all = 0, gone = 0, i = 0;
	bool open = sort_out(draft, offs);

	/* a round more than finds something, to know what is gone */
	for (uint32_t round = 0; open && round < RELAX_MAX; round++)
		open = shorten(draft, offs, &all) || round == 0;
	for (; fix < end; fix++) {
		if (fix->kind != EBPF_JIT_FIX_SHORT)
			continue;
		for (; i < slots && offs[i] < fix->at; i++)
			offs[i] -= gone;
		gone += fix->len;
	}
	for (; i < slots; i++)
		offs[i] -= gone;
	image->code_len -= gone;
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
			x86_put(x, 0xa8 | (uint32_t)imm << 8, 2);
		else
			x86_rr_byte(x, X_BYTE_RM | 0xf6, 0, reg, (uint32_t)imm);
		return;
	}
	if (reg == RAX)
		x86_opcode(x, width | 0xa9, 0, 0, 0);
	else
		x86_rr(x, width | OP_GROUP3, 0, reg);
	x86_put(x, (uint32_t)imm, 4);
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
	    ebpf_jit_is_joined(x->gen.scan, slot + 1)) {
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
