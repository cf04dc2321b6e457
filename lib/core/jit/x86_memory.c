/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: loads, stores and atomics. The machine's memory order is strong:
 * plain loads acquire and plain stores release; locked instructions are full
 * fences. Used by x86_64.c.
 */
#include "core/jit/x86_enc.h"

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

/* op's load, from [base + index + off] */
void
x86_load_indexed(struct x86 *x, const struct ebpf_op *op, uint32_t base,
		 uint32_t index)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];

	x86_sib(x, load_opcode(info->width, info->fn == EBPF_FN_LDXS),
		x86_regs[op->dst], base, index, 0, op->off);
}

static void
store(struct x86 *x, uint32_t width, uint32_t src, uint32_t base, int32_t off)
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
	x86_mem(x, op, src, base, off);
}

static void
store_imm(struct x86 *x, uint32_t width, int32_t imm, uint32_t base,
	  int32_t off)
{
	switch (width) {
	case 8:
		x86_mem(x, 0xc6, 0, base, off);
		x86_put(x, (uint8_t)imm, 1);
		break;
	case 16:
		x86_mem(x, X_16 | 0xc7, 0, base, off);
		x86_put(x, (uint16_t)imm, 2);
		break;
	default:
		x86_mem(x, (width == 64 ? X_W : 0) | 0xc7, 0, base, off);
		x86_put(x, (uint32_t)imm, 4);
		break;
	}
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

uint32_t
x86_memory(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct x86 *x = x86_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t dst = x86_regs[op->dst], src = x86_regs[op->src];

	switch (info->fn) {
	case EBPF_FN_LDX:
	case EBPF_FN_LDXS:
	case EBPF_FN_LOAD_ACQ:
		x86_mem(x, load_opcode(info->width, info->fn == EBPF_FN_LDXS),
			dst, src, op->off);
		ebpf_jit_forget(&x->gen, op->dst, op->dst);
		break;
	case EBPF_FN_ST:
		store_imm(x, info->width, (int32_t)op->imm, dst, op->off);
		break;
	case EBPF_FN_STX:
	case EBPF_FN_STORE_REL:
		store(x, info->width, src, dst, op->off);
		break;
	default:
		atomic(x, info->fn, info->width == 64 ? X_W : 0, src, dst,
		       op->off);
		break;
	}
	return 1;
}
