/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ops back to raw instructions: the inverse of decode.c, for dumps. Knows no
 * host addresses; callers put numbers and ids into ops first (prog.h).
 */
#include "core/decode.h"

struct ebpf_insn
ebpf_encode(const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_insn insn = {
		.code = info->code,
		.regs = (uint8_t)(op->dst | op->src << 4),
		.off = (int16_t)op->off,
		.imm = (int32_t)op->imm,
	};

	switch ((enum ebpf_sel)info->sel) {
	case EBPF_SEL_NONE:
		break;
	case EBPF_SEL_OFF:
		insn.off = (int16_t)info->value;
		break;
	case EBPF_SEL_IMM:
		insn.imm = info->value;
		break;
	case EBPF_SEL_SRC:
		insn.regs = (uint8_t)(op->dst | info->value << 4);
		break;
	}
	/* Distances that travel in imm, and the offset that is none. */
	if (info->form == EBPF_FORM_JA32 ||
	    info->form == EBPF_FORM_CALL_LOCAL || op->code == EBPF_OP_LDDW_FUNC) {
		insn.imm = op->off;
		insn.off = 0;
	} else if (info->form == EBPF_FORM_LDDW) {
		insn.off = 0;
	}
	return insn;
}

struct ebpf_insn
ebpf_encode_hi(const struct ebpf_op *lddw)
{
	struct ebpf_insn insn = { 0, 0, 0, 0 };

	if (lddw->code != EBPF_OP_LDDW_FUNC)
		insn.imm = (int32_t)((uint64_t)lddw->imm >> 32);
	return insn;
}
