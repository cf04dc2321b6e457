/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: loads, stores and atomics, and what several ops make of them. The machine's memory order is strong:
 * plain loads acquire and plain stores release; locked instructions are full
 * fences. Used by x86_64.c.
 */
#include "core/jit/jit_match.h"
#include "core/jit/x86_enc.h"

/* Where memory is: [base + (index << scale) + off], of the machine. */
struct place {
	uint32_t base, index, scale;
	bool indexed;
	int32_t off;
};

static struct place
place_of(uint32_t base, int32_t off)
{
	struct place place = { .base = base, .off = off };

	return place;
}

static void
access(struct x86 *x, uint32_t op, uint32_t reg, const struct place *at)
{
	if (at->indexed)
		x86_sib(x, op, reg, at->base, at->index, at->scale, at->off);
	else
		x86_mem(x, op, reg, at->base, at->off);
}

static uint32_t
load_opcode(uint32_t width, bool sign)
{
	switch (width) {
	case 8:
		return sign ? OP_MOVSX8 | X_W : OP_MOVZX8;
	case 16:
		return sign ? OP_MOVSX16 | X_W : OP_MOVZX16;
	case 32:
		return sign ? OP_MOVSXD | X_W : OP_LOAD;
	}
	return OP_LOAD | X_W;
}

/* Arithmetic that takes one operand from memory; 0: it cannot. */
static uint32_t
memory_operand(uint32_t fn)
{
	switch (fn) {
	case EBPF_FN_ADD:
		return OP_ADD | 2;
	case EBPF_FN_SUB:
		return OP_SUB | 2;
	case EBPF_FN_OR:
		return OP_OR | 2;
	case EBPF_FN_AND:
		return OP_AND | 2;
	case EBPF_FN_XOR:
		return OP_XOR | 2;
	case EBPF_FN_MUL:
		return OP_IMUL;
	}
	return 0;
}

/*
 * A load, of slot if it stands there. Where nothing but the next op reads what
 * was loaded, that op reads memory itself: how many ops that makes.
 */
static uint32_t
load(struct x86 *x, const struct ebpf_op *op, uint32_t slot,
     const struct place *at)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code], *then = NULL;
	const struct ebpf_op *next = NULL;
	uint32_t opcode = 0, width = info->width == 64 ? X_W : 0;
	bool keeps;

	/* jit_merge.c makes up loads of its own */
	if (op == &x->gen.prog->ops[slot])
		next = ebpf_jit_follower(&x->gen, slot + 1);
	if (next != NULL)
		then = &ebpf_op_info[next->code];
	if (next != NULL && then->form == EBPF_FORM_ALU_REG &&
	    info->fn == EBPF_FN_LDX && info->width >= 32 &&
	    then->width == info->width && next->src == op->dst &&
	    next->dst != op->dst &&
	    ebpf_jit_unread(&x->gen, slot + 1, op->dst))
		opcode = memory_operand(then->fn);
	if (opcode != 0) {
		access(x, opcode | width, x86_regs[next->dst], at);
		return 2;
	}
	keeps = x86_flags_outlive(x, x86_regs[op->dst]);
	access(x, load_opcode(info->width, info->fn == EBPF_FN_LDXS),
	       x86_regs[op->dst], at);
	if (keeps)
		x->flags_at = x->gen.buf.len;
	return 1;
}

static void
store(struct x86 *x, uint32_t width, uint32_t src, const struct place *at)
{
	uint32_t op = OP_MOV;

	switch (width) {
	case 8:
		op = OP_STORE8 | X_BYTE;
		break;
	case 16:
		op = OP_MOV | X_16;
		break;
	case 64:
		op = OP_MOV | X_W;
		break;
	}
	access(x, op, src, at);
}

static void
store_imm(struct x86 *x, uint32_t width, int32_t imm, const struct place *at)
{
	switch (width) {
	case 8:
		access(x, 0xc6, 0, at);
		x86_put(x, (uint8_t)imm, 1);
		break;
	case 16:
		access(x, X_16 | 0xc7, 0, at);
		x86_put(x, (uint16_t)imm, 2);
		break;
	default:
		access(x, (width == 64 ? X_W : 0) | 0xc7, 0, at);
		x86_put(x, (uint32_t)imm, 4);
		break;
	}
}

/* The same into a register, where it is part of a key that is kept there. */
static void
keep(struct x86 *x, uint32_t width, uint32_t src)
{
	uint32_t mark = x->gen.scan->live[x->gen.slot];
	uint32_t to = mark & EBPF_JIT_KEY_LOW ? X86_KEY_LOW : X86_KEY_HIGH;

	if (!(mark & (EBPF_JIT_KEY_LOW | EBPF_JIT_KEY_HIGH)))
		return;
	if (width == 16)
		x86_rr(x, OP_MOVZX16, to, src);
	else
		x86_mov(x, width == 64 ? X_W : 0, to, src);
}

static void
keep_imm(struct x86 *x, uint32_t width, int32_t imm)
{
	uint32_t mark = x->gen.scan->live[x->gen.slot];
	uint32_t to = mark & EBPF_JIT_KEY_LOW ? X86_KEY_LOW : X86_KEY_HIGH;

	if (mark & (EBPF_JIT_KEY_LOW | EBPF_JIT_KEY_HIGH))
		x86_const(x, to, width == 64 ? (uint64_t)imm :
				 width == 32 ? (uint32_t)imm : (uint16_t)imm);
}

/* or, and, xor that return what was there: a loop around cmpxchg */
static void
fetch_loop(struct x86 *x, uint32_t op, uint32_t width, uint32_t src,
	   uint32_t base, int32_t off)
{
	uint32_t again, operand = src == RAX ? R11 : src;

	x86_mov(x, X_W, R11, RAX);
	if (base == RAX)
		base = R11;
	x86_mem(x, OP_LOAD | width, RAX, base, off);
	again = x->gen.buf.len;
	x86_mov(x, X_W, R10, RAX);
	x86_rr(x, op | width, operand, R10);
	x86_mem(x, OP_CMPXCHG | X_LOCK | width, R10, base, off);
	x86_back(x, CC_NE, again);
	if (src == RAX) {
		if (!width)
			x86_mov(x, 0, RAX, RAX);
		return;
	}
	x86_mov(x, width, src, RAX);
	x86_mov(x, X_W, RAX, R11);
}

static void
atomic(struct x86 *x, uint32_t fn, uint32_t width, uint32_t src, uint32_t base,
       int32_t off)
{
	switch (fn) {
	case EBPF_FN_ADD:
		x86_mem(x, OP_ADD | X_LOCK | width, src, base, off);
		break;
	case EBPF_FN_OR:
		x86_mem(x, OP_OR | X_LOCK | width, src, base, off);
		break;
	case EBPF_FN_AND:
		x86_mem(x, OP_AND | X_LOCK | width, src, base, off);
		break;
	case EBPF_FN_XOR:
		x86_mem(x, OP_XOR | X_LOCK | width, src, base, off);
		break;
	case EBPF_FN_FETCH_ADD:
		x86_mem(x, OP_XADD | X_LOCK | width, src, base, off);
		break;
	case EBPF_FN_FETCH_OR:
		fetch_loop(x, OP_OR, width, src, base, off);
		break;
	case EBPF_FN_FETCH_AND:
		fetch_loop(x, OP_AND, width, src, base, off);
		break;
	case EBPF_FN_FETCH_XOR:
		fetch_loop(x, OP_XOR, width, src, base, off);
		break;
	case EBPF_FN_XCHG:
		x86_mem(x, OP_XCHG | width, src, base, off);
		break;
	case EBPF_FN_CMPXCHG:
		x86_mem(x, OP_CMPXCHG | X_LOCK | width, src, base, off);
		/* On success the machine does not write eax. */
		if (!width)
			x86_mov(x, 0, RAX, RAX);
		ebpf_jit_forget(&x->gen, 0, 0);
		return;
	}
	if (fn >= EBPF_FN_FETCH_ADD && fn <= EBPF_FN_XCHG) {
		for (uint32_t i = 0; i < EBPF_REG_COUNT; i++) {
			if (x86_regs[i] == src)
				ebpf_jit_forget(&x->gen, i, i);
		}
	}
}

/* What jit_match.h recognises. */
uint32_t
x86_match(struct ebpf_jit_gen *gen, const struct ebpf_jit_match *match)
{
	struct x86 *x = x86_of(gen);
	uint32_t dst = x86_regs[match->dst], slot = gen->slot;
	struct place at = {
		.base = x86_regs[match->base], .off = match->off,
		.index = x86_regs[match->index], .scale = match->scale,
		.indexed = match->indexed,
	};
	const struct ebpf_op *op = match->op;

	switch (match->kind) {
	case EBPF_JIT_ADDRESS:
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_LDX:
			slot += match->slots - 1;
			return match->slots - 1 + load(x, op, slot, &at);
		case EBPF_FORM_ST:
			store_imm(x, ebpf_op_info[op->code].width,
				  (int32_t)op->imm, &at);
			break;
		default:
			store(x, ebpf_op_info[op->code].width,
			      x86_regs[op->src], &at);
			break;
		}
		break;
	case EBPF_JIT_ROTATE:
		x86_shift_imm(x, match->width == 64 ? X_W :
				 match->width == 16 ? X_16 : 0,
			      SHIFT_ROL, dst, match->count);
		break;
	}
	return match->slots;
}

uint32_t
x86_memory(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct x86 *x = x86_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t dst = x86_regs[op->dst], src = x86_regs[op->src];
	struct place from = place_of(src, op->off), to = place_of(dst, op->off);
	uint32_t used = 1;

	switch (info->fn) {
	case EBPF_FN_LDX:
	case EBPF_FN_LDXS:
		used = load(x, op, gen->slot, &from);
		ebpf_jit_forget(gen, op->dst, op->dst);
		if (used > 1)
			ebpf_jit_forget(gen, op[1].dst, op[1].dst);
		break;
	case EBPF_FN_LOAD_ACQ:
		access(x, load_opcode(info->width, false), dst, &from);
		ebpf_jit_forget(gen, op->dst, op->dst);
		break;
	case EBPF_FN_ST:
		store_imm(x, info->width, (int32_t)op->imm, &to);
		keep_imm(x, info->width, (int32_t)op->imm);
		break;
	case EBPF_FN_STX:
		store(x, info->width, src, &to);
		keep(x, info->width, src);
		break;
	case EBPF_FN_STORE_REL:
		store(x, info->width, src, &to);
		break;
	default:
		atomic(x, info->fn, info->width == 64 ? X_W : 0, src, dst,
		       op->off);
		break;
	}
	return used;
}
