/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: arithmetic but division, and pairs of instructions that one machine
 * instruction can do. Used by x86_64.c.
 */
#include "core/jit/jit_match.h"
#include "core/jit/x86_enc.h"

/* The exponent of a power of two, or -1. */
static int
log2_of(int64_t value)
{
	if (value <= 0 || (value & (value - 1)) != 0)
		return -1;
	return 63 - __builtin_clzll((unsigned long long)value);
}

static void
multiply_imm(struct x86 *x, uint32_t width, uint32_t dst, uint32_t src,
	     int32_t imm)
{
	int shift = log2_of(imm);

	if (imm == 0) {
		x86_const(x, dst, 0);
	} else if (imm == 3 || imm == 5 || imm == 9) {
		x86_sib(x, OP_LEA | width, dst, src, src,
			(uint32_t)log2_of(imm - 1), 0);
	} else if (shift >= 0) {
		if (dst != src || width == 0)
			x86_mov(x, width, dst, src);
		if (shift > 0)
			x86_shift_imm(x, width, SHIFT_SHL, dst,
				      (uint32_t)shift);
	} else if (x86_is_imm8(imm)) {
		x86_rr(x, width | 0x6b, dst, src);
		x86_put(x, (uint8_t)imm, 1);
	} else {
		x86_rr(x, width | 0x69, dst, src);
		x86_put(x, (uint32_t)imm, 4);
	}
}

static void
shift_imm(struct x86 *x, uint32_t width, uint32_t kind, uint32_t dst,
	  int64_t imm)
{
	uint32_t count = (uint32_t)imm & (width ? 63 : 31);

	if (count != 0)
		x86_shift_imm(x, width, kind, dst, count);
	else if (width == 0)
		x86_mov(x, 0, dst, dst);
}

/* shlx, shrx, sarx: to = from shifted by count, three free registers. */
static void
shift_bmi2(struct x86 *x, uint32_t width, uint32_t kind, uint32_t to,
	   uint32_t from, uint32_t count)
{
	uint32_t prefix = kind == SHIFT_SHL ? 1 : kind == SHIFT_SAR ? 2 : 3;
	uint32_t first = 0xe2 & ~(to >> 3 << 7 | from >> 3 << 5);
	uint32_t second = (width ? 0x80 : 0) | (~count & 15) << 3 | prefix;

	x86_put(x, 0xc4 | first << 8 | second << 16 | (uint64_t)0xf7 << 24 |
			(uint64_t)(0xc0 | (to & 7) << 3 | (from & 7)) << 32, 5);
}

static void
shift_reg(struct x86 *x, uint32_t width, uint32_t kind, uint32_t dst,
	  uint32_t count)
{
	if (count == RCX && dst != RCX) {
		x86_rr(x, OP_SHIFT_CL | width, kind, dst);
	} else if (x->features & EBPF_JIT_X86_BMI2) {
		shift_bmi2(x, width, kind, dst, dst, count);
	} else if (dst == RCX) {
		x86_mov(x, X_W, R11, RCX);
		if (count != RCX)
			x86_mov(x, 0, RCX, count);
		x86_rr(x, OP_SHIFT_CL | width, kind, R11);
		x86_mov(x, X_W, RCX, R11);
	} else {
		x86_mov(x, X_W, R11, RCX);
		x86_mov(x, 0, RCX, count);
		x86_rr(x, OP_SHIFT_CL | width, kind, dst);
		x86_mov(x, X_W, RCX, R11);
	}
}

static void
byte_swap(struct x86 *x, uint32_t width, uint32_t dst)
{
	if (width == 16) {
		x86_rr(x, X_16 | 0xc1, SHIFT_ROL, dst);
		x86_put(x, 8, 1);
		x86_rr(x, OP_MOVZX16, dst, dst);
		return;
	}
	x86_bswap(x, width == 64 ? X_W : 0, dst);
}

static void
truncate(struct x86 *x, uint32_t width, uint32_t dst)
{
	if (width == 16)
		x86_rr(x, OP_MOVZX16, dst, dst);
	else if (width == 32)
		x86_mov(x, 0, dst, dst);
}

static void
and_imm(struct x86 *x, uint32_t width, uint32_t dst, int32_t imm)
{
	if (imm == 0xff)
		x86_rr(x, OP_MOVZX8 | X_BYTE_RM, dst, dst);
	else if (imm == 0xffff)
		x86_rr(x, OP_MOVZX16, dst, dst);
	else /* a positive mask clears the upper half in any case */
		x86_alu_imm(x, OP_AND | (imm >= 0 ? 0 : width), dst, imm);
}

static void
add_imm(struct x86 *x, uint32_t width, uint32_t dst, int32_t imm)
{
	if (imm == 128)
		x86_alu_imm(x, OP_SUB | width, dst, -128);
	else
		x86_alu_imm(x, OP_ADD | width, dst, imm);
}

static void
alu_imm(struct x86 *x, uint32_t fn, uint32_t width, uint32_t dst,
	const struct ebpf_op *op)
{
	int32_t imm = (int32_t)op->imm;

	switch (fn) {
	case EBPF_FN_ADD:
		add_imm(x, width, dst, imm);
		break;
	case EBPF_FN_SUB:
		x86_alu_imm(x, OP_SUB | width, dst, imm);
		break;
	case EBPF_FN_OR:
		x86_alu_imm(x, OP_OR | width, dst, imm);
		break;
	case EBPF_FN_AND:
		and_imm(x, width, dst, imm);
		break;
	case EBPF_FN_XOR:
		x86_alu_imm(x, OP_XOR | width, dst, imm);
		break;
	case EBPF_FN_MUL:
		multiply_imm(x, width, dst, dst, imm);
		break;
	case EBPF_FN_MOV:
		x86_const(x, dst, width ? (uint64_t)op->imm : (uint32_t)imm);
		break;
	case EBPF_FN_LSH:
		shift_imm(x, width, SHIFT_SHL, dst, imm);
		break;
	case EBPF_FN_RSH:
		shift_imm(x, width, SHIFT_SHR, dst, imm);
		break;
	case EBPF_FN_ARSH:
		shift_imm(x, width, SHIFT_SAR, dst, imm);
		break;
	default:
		x86_divide(x, op);
		break;
	}
}

static void
alu_reg(struct x86 *x, uint32_t fn, uint32_t width, uint32_t dst, uint32_t src,
	const struct ebpf_op *op)
{
	switch (fn) {
	case EBPF_FN_ADD:
		x86_rr(x, OP_ADD | width, src, dst);
		break;
	case EBPF_FN_SUB:
		x86_rr(x, OP_SUB | width, src, dst);
		break;
	case EBPF_FN_OR:
		x86_rr(x, OP_OR | width, src, dst);
		break;
	case EBPF_FN_AND:
		x86_rr(x, OP_AND | width, src, dst);
		break;
	case EBPF_FN_XOR:
		x86_rr(x, OP_XOR | width, src, dst);
		break;
	case EBPF_FN_MUL:
		x86_rr(x, OP_IMUL | width, dst, src);
		break;
	case EBPF_FN_MOV:
		if (dst != src || width == 0)
			x86_mov(x, width, dst, src);
		break;
	case EBPF_FN_MOVSX8:
		x86_rr(x, OP_MOVSX8 | X_BYTE_RM | width, dst, src);
		break;
	case EBPF_FN_MOVSX16:
		x86_rr(x, OP_MOVSX16 | width, dst, src);
		break;
	case EBPF_FN_MOVSX32:
		x86_rr(x, OP_MOVSXD | X_W, dst, src);
		break;
	case EBPF_FN_LSH:
		shift_reg(x, width, SHIFT_SHL, dst, src);
		break;
	case EBPF_FN_RSH:
		shift_reg(x, width, SHIFT_SHR, dst, src);
		break;
	case EBPF_FN_ARSH:
		shift_reg(x, width, SHIFT_SAR, dst, src);
		break;
	default:
		x86_divide(x, op);
		break;
	}
}

/* Is the zero flag that of the result? */
static bool
tells_zero(const struct ebpf_op *op, uint32_t fn)
{
	switch (fn) {
	case EBPF_FN_ADD:
	case EBPF_FN_SUB:
	case EBPF_FN_OR:
	case EBPF_FN_XOR:
		return true;
	case EBPF_FN_AND: /* see and_imm */
		return ebpf_op_info[op->code].form == EBPF_FORM_ALU_REG ||
		       (op->imm != 0xff && op->imm != 0xffff);
	}
	return false;
}

/* One op as one instruction, or a few. */
static void
single(struct x86 *x, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t width = info->width == 64 ? X_W : 0;
	uint32_t dst = x86_regs[op->dst];

	switch (info->fn) {
	case EBPF_FN_NEG:
		x86_rr(x, OP_GROUP3 | width, G3_NEG, dst);
		return;
	case EBPF_FN_LE:
		truncate(x, info->width, dst);
		return;
	case EBPF_FN_BE:
	case EBPF_FN_BSWAP:
		byte_swap(x, info->width, dst);
		return;
	}
	if (info->form == EBPF_FORM_ALU_IMM)
		alu_imm(x, info->fn, width, dst, op);
	else
		alu_reg(x, info->fn, width, dst, x86_regs[op->src], op);
	if (tells_zero(op, info->fn)) {
		x->flags_reg = dst;
		x->flags_at = x->gen.buf.len;
		x->flags_wide = width != 0;
	}
}

/* dst = src, then something with dst that has a three-operand form. */
static uint32_t
fuse_mov(struct x86 *x, uint32_t slot, const struct ebpf_op *op)
{
	const struct ebpf_op *next = ebpf_jit_follower(&x->gen, slot + 1), *third;
	const struct ebpf_op_info *info;
	uint32_t dst = x86_regs[op->dst], src = x86_regs[op->src];
	uint32_t width = op->code == EBPF_OP_MOV64_REG ? X_W : 0;

	if (next == NULL || next->dst != op->dst || op->dst == op->src)
		return 0;
	info = &ebpf_op_info[next->code];
	if (info->width != (width ? 64 : 32))
		return 0;
	if (info->form == EBPF_FORM_ALU_IMM) {
		int32_t imm = (int32_t)next->imm;
		uint32_t count = (uint32_t)imm;

		switch (info->fn) {
		case EBPF_FN_ADD:
			x86_mem(x, OP_LEA | width, dst, src, imm);
			return 2;
		case EBPF_FN_SUB:
			if (imm == INT32_MIN)
				return 0;
			x86_mem(x, OP_LEA | width, dst, src, -imm);
			return 2;
		case EBPF_FN_MUL:
			multiply_imm(x, width, dst, src, imm);
			return 2;
		case EBPF_FN_LSH:
			third = ebpf_jit_follower(&x->gen, slot + 2);
			if (count >= 1 && count <= 3 && third != NULL &&
			    third->code == (width ? EBPF_OP_ADD64_REG :
						    EBPF_OP_ADD32_REG) &&
			    third->dst == op->dst && third->src != op->dst) {
				x86_sib(x, OP_LEA | width, dst,
					x86_regs[third->src], src, count, 0);
				return 3;
			}
			if (count != 1)
				return 0;
			x86_sib(x, OP_LEA | width, dst, src, src, 0, 0);
			return 2;
		case EBPF_FN_AND:
			/* 32 bits of zeroes in front: any width */
			if (imm == 0xff)
				x86_rr(x, OP_MOVZX8 | X_BYTE_RM, dst, src);
			else if (imm == 0xffff)
				x86_rr(x, OP_MOVZX16, dst, src);
			else
				return 0;
			return 2;
		}
	} else if (info->form == EBPF_FORM_ALU_REG && info->fn == EBPF_FN_ADD) {
		uint32_t add = next->src == op->dst ? src : x86_regs[next->src];

		/* and a constant on top */
		third = ebpf_jit_follower(&x->gen, slot + 2);
		if (third != NULL && third->dst == op->dst &&
		    third->code == (width ? EBPF_OP_ADD64_IMM :
					    EBPF_OP_ADD32_IMM)) {
			x86_sib(x, OP_LEA | width, dst, src, add, 0,
				(int32_t)third->imm);
			return 3;
		}
		x86_sib(x, OP_LEA | width, dst, src, add, 0, 0);
		return 2;
	} else if (info->form == EBPF_FORM_ALU_REG &&
		   next->src != op->dst && x->features & EBPF_JIT_X86_BMI2) {
		uint32_t kind;

		if (info->fn == EBPF_FN_LSH)
			kind = SHIFT_SHL;
		else if (info->fn == EBPF_FN_RSH)
			kind = SHIFT_SHR;
		else if (info->fn == EBPF_FN_ARSH)
			kind = SHIFT_SAR;
		else
			return 0;
		shift_bmi2(x, width, kind, dst, src, x86_regs[next->src]);
		return 2;
	}
	return 0;
}

/*
 * One machine instruction for the op at slot and its followers, none of which
 * is jumped to: how many ops, 0 when there is nothing to gain.
 */
static uint32_t
fuse(struct x86 *x, uint32_t slot, const struct ebpf_op *op)
{
	const struct ebpf_op *next;
	uint32_t dst = x86_regs[op->dst];

	switch (op->code) {
	case EBPF_OP_MOV64_REG:
	case EBPF_OP_MOV32_REG:
		return fuse_mov(x, slot, op);
	case EBPF_OP_ADD64_REG:
		next = ebpf_jit_follower(&x->gen, slot + 1);
		if (next == NULL || next->dst != op->dst ||
		    next->code != EBPF_OP_ADD64_IMM)
			return 0;
		x86_sib(x, OP_LEA | X_W, dst, dst, x86_regs[op->src], 0,
			(int32_t)next->imm);
		return 2;
	case EBPF_OP_LSH64_IMM:
		next = ebpf_jit_follower(&x->gen, slot + 1);
		if (next == NULL || next->dst != op->dst)
			return 0;
		if (op->imm == 32 && next->imm == 32 &&
		    next->code == EBPF_OP_RSH64_IMM) {
			x86_mov(x, 0, dst, dst);
			return 2;
		}
		if (op->imm == 32 && next->imm == 32 &&
		    next->code == EBPF_OP_ARSH64_IMM) {
			x86_rr(x, OP_MOVSXD | X_W, dst, dst);
			return 2;
		}
		if (op->imm >= 1 && op->imm <= 3 &&
		    next->code == EBPF_OP_ADD64_REG && next->src != op->dst) {
			x86_sib(x, OP_LEA | X_W, dst, x86_regs[next->src], dst,
				(uint32_t)op->imm, 0);
			return 2;
		}
		return 0;
	}
	return 0;
}

/* A move that leaves the flags alone, and what they tell of. */
static bool
keeps_flags(const struct x86 *x, const struct ebpf_op *op)
{
	return (op->code == EBPF_OP_MOV64_REG ||
		op->code == EBPF_OP_MOV32_REG) &&
	       x86_flags_outlive(x, x86_regs[op->dst]);
}

uint32_t
x86_alu(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct x86 *x = x86_of(gen);
	bool keeps = keeps_flags(x, op);
	uint32_t used = 0;

	/* a twin of blinding is not what stands at the slot */
	if (op == &gen->prog->ops[gen->slot])
		used = fuse(x, gen->slot, op);
	if (used == 0) {
		single(x, op);
		used = 1;
		if (keeps)
			x->flags_at = gen->buf.len;
	}
	return used;
}
