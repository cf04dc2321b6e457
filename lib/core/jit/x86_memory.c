/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: loads, stores and atomics, and what several ops make of them. The
 * machine's memory order is strong: plain loads acquire and plain stores
 * release; locked instructions are full fences. Used by x86_64.c.
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

/* Between memory and a register. */
static const uint16_t opcodes[EBPF_OP_COUNT] = {
	[EBPF_OP_LDXB] = OP_MOVZX8,
	[EBPF_OP_LDXH] = OP_MOVZX16,
	[EBPF_OP_LDXW] = OP_LOAD,
	[EBPF_OP_LDXDW] = OP_LOAD | X_W,
	[EBPF_OP_LDXSB] = OP_MOVSX8 | X_W,
	[EBPF_OP_LDXSH] = OP_MOVSX16 | X_W,
	[EBPF_OP_LDXSW] = OP_MOVSXD | X_W,
	[EBPF_OP_LOAD_ACQB] = OP_MOVZX8,
	[EBPF_OP_LOAD_ACQH] = OP_MOVZX16,
	[EBPF_OP_LOAD_ACQW] = OP_LOAD,
	[EBPF_OP_LOAD_ACQDW] = OP_LOAD | X_W,
	[EBPF_OP_STXB] = OP_STORE8 | X_BYTE,
	[EBPF_OP_STXH] = OP_MOV | X_16,
	[EBPF_OP_STXW] = OP_MOV,
	[EBPF_OP_STXDW] = OP_MOV | X_W,
	[EBPF_OP_STORE_RELB] = OP_STORE8 | X_BYTE,
	[EBPF_OP_STORE_RELH] = OP_MOV | X_16,
	[EBPF_OP_STORE_RELW] = OP_MOV,
	[EBPF_OP_STORE_RELDW] = OP_MOV | X_W,
};

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
 * Where nothing but the next op reads what is loaded, by the op that stands at
 * slot, that op can read memory itself: its opcode then, else 0.
 */
static uint32_t
next_reads(const struct x86 *x, const struct ebpf_op *op, uint32_t slot)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code], *then;
	const struct ebpf_op *next;
	uint32_t opcode;

	/* jit_merge.c makes up loads of its own */
	if ((op->code != EBPF_OP_LDXW && op->code != EBPF_OP_LDXDW) ||
	    op != &x->gen.prog->ops[slot])
		return 0;
	next = ebpf_jit_follower(&x->gen, slot + 1);
	if (next == NULL || next->src != op->dst || next->dst == op->dst)
		return 0;
	then = &ebpf_op_info[next->code];
	if (then->form != EBPF_FORM_ALU_REG || then->width != info->width ||
	    !ebpf_jit_unread(&x->gen, slot + 1, op->dst))
		return 0;
	opcode = memory_operand(then->fn);
	return opcode != 0 && info->width == 64 ? opcode | X_W : opcode;
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
	uint32_t mark = x->gen.scan->slots[x->gen.slot];
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
	uint32_t mark = x->gen.scan->slots[x->gen.slot];
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
	uint32_t then;
	bool keeps;

	switch (match->kind) {
	case EBPF_JIT_ADDRESS:
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_LDX:
			then = next_reads(x, op, slot + match->slots - 1);
			if (then != 0) {
				access(x, then, x86_regs[op[1].dst], &at);
				return match->slots + 1;
			}
			keeps = x86_flags_outlive(x, x86_regs[op->dst]);
			access(x, opcodes[op->code], x86_regs[op->dst], &at);
			if (keeps)
				x->flags_at = x->gen.buf.len;
			break;
		case EBPF_FORM_ST:
			store_imm(x, ebpf_op_info[op->code].width,
				  (int32_t)op->imm, &at);
			break;
		default:
			access(x, opcodes[op->code], x86_regs[op->src], &at);
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
	uint32_t dst = x86_regs[op->dst], src = x86_regs[op->src], then;
	struct place at;
	bool keeps;

	switch (info->fn) {
	case EBPF_FN_LDX:
	case EBPF_FN_LDXS:
	case EBPF_FN_LOAD_ACQ:
		ebpf_jit_forget(gen, op->dst, op->dst);
		keeps = x86_flags_outlive(x, dst);
		then = next_reads(x, op, gen->slot);
		if (then != 0) {
			x86_mem(x, then, x86_regs[op[1].dst], src, op->off);
			ebpf_jit_forget(gen, op[1].dst, op[1].dst);
			return 2;
		}
		x86_mem(x, opcodes[op->code], dst, src, op->off);
		if (keeps)
			x->flags_at = gen->buf.len;
		break;
	case EBPF_FN_STX:
		x86_mem(x, opcodes[op->code], src, dst, op->off);
		keep(x, info->width, src);
		break;
	case EBPF_FN_STORE_REL:
		x86_mem(x, opcodes[op->code], src, dst, op->off);
		break;
	case EBPF_FN_ST:
		at = place_of(dst, op->off);
		store_imm(x, info->width, (int32_t)op->imm, &at);
		keep_imm(x, info->width, (int32_t)op->imm);
		break;
	default:
		atomic(x, info->fn, info->width == 64 ? X_W : 0, src, dst,
		       op->off);
		break;
	}
	return 1;
}
