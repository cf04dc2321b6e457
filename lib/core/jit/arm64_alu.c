/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * arm64: arithmetic. The machine's division gives 0 for a zero divisor and
 * wraps the least number by -1, which is what RFC 9669 section 4.1 asks for;
 * the remainder follows from it. Used by arm64.c.
 */
#include "core/jit/arm64_enc.h"

static void
shift_imm(struct arm64 *a, uint32_t fn, uint32_t width, uint32_t dst,
	  uint32_t count)
{
	uint32_t top = width ? 63 : 31;

	count &= top;
	if (fn == EBPF_FN_LSH)
		arm64_bitfield(a, A_UBFM, width, dst, dst, (0 - count) & top,
			       top - count);
	else if (fn == EBPF_FN_RSH)
		arm64_bitfield(a, A_UBFM, width, dst, dst, count, top);
	else
		arm64_bitfield(a, A_SBFM, width, dst, dst, count, top);
}

static void
modulo(struct arm64 *a, uint32_t op, uint32_t width, uint32_t dst,
	  uint32_t src)
{
	arm64_rrr(a, op | width, A_T0, dst, src);
	/* dst = dst - quotient * src */
	arm64_rrr(a, A_MSUB | width | dst << 10, dst, A_T0, src);
}

static void
two_operands(struct arm64 *a, uint32_t fn, uint32_t width, uint32_t dst,
	     uint32_t src)
{
	switch (fn) {
	case EBPF_FN_ADD:
		arm64_rrr(a, A_ADD | width, dst, dst, src);
		break;
	case EBPF_FN_SUB:
		arm64_rrr(a, A_SUB | width, dst, dst, src);
		break;
	case EBPF_FN_MUL:
		arm64_rrr(a, A_MUL | width, dst, dst, src);
		break;
	case EBPF_FN_DIV:
		arm64_rrr(a, A_UDIV | width, dst, dst, src);
		break;
	case EBPF_FN_SDIV:
		arm64_rrr(a, A_SDIV | width, dst, dst, src);
		break;
	case EBPF_FN_MOD:
		modulo(a, A_UDIV, width, dst, src);
		break;
	case EBPF_FN_SMOD:
		modulo(a, A_SDIV, width, dst, src);
		break;
	case EBPF_FN_OR:
		arm64_rrr(a, A_ORR | width, dst, dst, src);
		break;
	case EBPF_FN_AND:
		arm64_rrr(a, A_AND | width, dst, dst, src);
		break;
	case EBPF_FN_XOR:
		arm64_rrr(a, A_EOR | width, dst, dst, src);
		break;
	case EBPF_FN_LSH:
		arm64_rrr(a, A_LSLV | width, dst, dst, src);
		break;
	case EBPF_FN_RSH:
		arm64_rrr(a, A_LSRV | width, dst, dst, src);
		break;
	case EBPF_FN_ARSH:
		arm64_rrr(a, A_ASRV | width, dst, dst, src);
		break;
	}
}

static void
alu_imm(struct arm64 *a, uint32_t fn, uint32_t width, uint32_t dst, int64_t imm)
{
	switch (fn) {
	case EBPF_FN_ADD:
		arm64_add_imm(a, width, dst, dst, imm);
		break;
	case EBPF_FN_SUB:
		arm64_add_imm(a, width, dst, dst, -imm);
		break;
	case EBPF_FN_OR:
		arm64_logic_imm(a, A_ORR_IMM, width, dst, dst, (uint64_t)imm);
		break;
	case EBPF_FN_AND:
		arm64_logic_imm(a, A_AND_IMM, width, dst, dst, (uint64_t)imm);
		break;
	case EBPF_FN_XOR:
		arm64_logic_imm(a, A_EOR_IMM, width, dst, dst, (uint64_t)imm);
		break;
	case EBPF_FN_MOV:
		arm64_const(a, dst, width ? (uint64_t)imm : (uint32_t)imm);
		break;
	case EBPF_FN_LSH:
	case EBPF_FN_RSH:
	case EBPF_FN_ARSH:
		shift_imm(a, fn, width, dst, (uint32_t)imm);
		break;
	default:
		arm64_const(a, A_T1, width ? (uint64_t)imm : (uint32_t)imm);
		two_operands(a, fn, width, dst, A_T1);
		break;
	}
}

static void
alu_reg(struct arm64 *a, uint32_t fn, uint32_t width, uint32_t dst,
	uint32_t src)
{
	switch (fn) {
	case EBPF_FN_MOV:
		if (dst != src || !width)
			arm64_mov(a, width, dst, src);
		break;
	case EBPF_FN_MOVSX8:
		arm64_bitfield(a, A_SBFM, width, dst, src, 0, 7);
		break;
	case EBPF_FN_MOVSX16:
		arm64_bitfield(a, A_SBFM, width, dst, src, 0, 15);
		break;
	case EBPF_FN_MOVSX32:
		arm64_bitfield(a, A_SBFM, width, dst, src, 0, 31);
		break;
	default:
		two_operands(a, fn, width, dst, src);
		break;
	}
}

static void
swap(struct arm64 *a, uint32_t bits, uint32_t dst)
{
	if (bits == 64) {
		arm64_put(a, A_REV64 | dst << 5 | dst);
	} else if (bits == 32) {
		arm64_put(a, A_REV32 | dst << 5 | dst);
	} else {
		arm64_put(a, A_REV16 | dst << 5 | dst);
		arm64_bitfield(a, A_UBFM, 0, dst, dst, 0, 15);
	}
}

uint32_t
arm64_alu(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct arm64 *a = arm64_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t width = info->width == 64 ? A_X : 0;
	uint32_t dst = arm64_regs[op->dst];

	switch (info->fn) {
	case EBPF_FN_NEG:
		arm64_rrr(a, A_SUB | width, dst, A_ZR, dst);
		return 1;
	case EBPF_FN_LE:
		if (info->width < 64)
			arm64_bitfield(a, A_UBFM, 0, dst, dst, 0,
				       info->width - 1u);
		return 1;
	case EBPF_FN_BE:
	case EBPF_FN_BSWAP:
		swap(a, info->width, dst);
		return 1;
	}
	if (info->form == EBPF_FORM_ALU_IMM)
		alu_imm(a, info->fn, width, dst, op->imm);
	else
		alu_reg(a, info->fn, width, dst, arm64_regs[op->src]);
	return 1;
}
