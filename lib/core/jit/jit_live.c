/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which registers are still read behind each slot, so that several instructions
 * can become one that leaves out a result nobody wants. Backward over each
 * function until nothing changes; too tangled a function keeps everything.
 * For jit_scan.c and jit_match.c.
 */
#include "core/jit/jit_scan.h"
#include "core/jit/jit_way.h"

enum {
	ROUNDS_MAX = 8,
	ALL = (1u << EBPF_REG_COUNT) - 1,
	ARGS = 0x3e,	/* r1..r5 */
	SCRATCH = 0x3f, /* r0..r5 */
	KEY = 1 << 2,	/* of a lookup, in r2 */
	FP = 1u << EBPF_REG_FP,
};

uint32_t
ebpf_jit_reads(const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t dst = 1u << op->dst, src = 1u << op->src;

	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ALU_IMM:
		return info->fn == EBPF_FN_MOV ? 0 : dst;
	case EBPF_FORM_ALU_REG:
		switch (info->fn) {
		case EBPF_FN_MOV:
		case EBPF_FN_MOVSX8:
		case EBPF_FN_MOVSX16:
		case EBPF_FN_MOVSX32:
			return src;
		}
		return dst | src;
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
	case EBPF_FORM_ST:
	case EBPF_FORM_JCC_IMM:
		return dst;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
		return src;
	case EBPF_FORM_STX:
	case EBPF_FORM_STORE_REL:
	case EBPF_FORM_JCC_REG:
		return dst | src;
	case EBPF_FORM_ATOMIC:
		return dst | src | (info->fn == EBPF_FN_CMPXCHG ? 1 : 0);
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
	case EBPF_FORM_LDDW:
	case EBPF_FORM_LDDW_HI:
		return 0;
	case EBPF_FORM_CALL:
	case EBPF_FORM_CALL_LOCAL:
		return ARGS;
	case EBPF_FORM_EXIT:
		return 1;
	case EBPF_FORM_CALLX:
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
	case EBPF_FORM_COUNT:
		break;
	}
	return ALL;
}

/* What is written for certain; r0 by a tail call that fails is not. */
uint32_t
ebpf_jit_writes(const struct ebpf_op *op)
{
	switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
	case EBPF_FORM_LDDW:
		return 1u << op->dst;
	case EBPF_FORM_CALL:
		return op->code == EBPF_OP_CALL_HELPER ? ARGS : 0;
	case EBPF_FORM_CALL_LOCAL:
		return SCRATCH;
	default:
		break;
	}
	return 0;
}

/* What is read from the start of slot on, going by what follows it. */
static uint32_t
live_at(const struct ebpf_prog *prog, const struct ebpf_jit_scan *scan,
	const struct ebpf_jit_func *func, uint32_t slot)
{
	const struct ebpf_op *op = &prog->ops[slot];
	uint32_t target = (uint32_t)((int64_t)slot + 1 + op->off);
	uint32_t next = slot + 1 < func->end ? scan->live[slot + 1] : ALL;
	uint32_t reads = ebpf_jit_reads(op);

	if (ebpf_jit_is_dead(prog, slot))
		return slot + 1 < func->end ? next : 0;
	switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		next = scan->live[target];
		break;
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		next |= scan->live[target];
		break;
	case EBPF_FORM_EXIT:
		next = 0;
		break;
	case EBPF_FORM_CALL:
		if (ebpf_jit_lookup_map(prog, scan, func, slot) != NULL)
			reads = KEY;
		break;
	default:
		break;
	}
	return (next & ~ebpf_jit_writes(op)) | reads | FP;
}

void
ebpf_jit_live(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
	      const struct ebpf_jit_func *func)
{
	bool changed = true;

	for (uint32_t round = 0; changed && round < ROUNDS_MAX; round++) {
		changed = false;
		for (uint32_t i = func->end; i-- > func->start;) {
			uint32_t live = live_at(prog, scan, func, i);

			if (live != scan->live[i]) {
				scan->live[i] = (uint16_t)live;
				changed = true;
			}
		}
		/* without a jump back there is nothing to go round for */
		changed &= func->loops != 0;
	}
	for (uint32_t i = func->start; changed && i < func->end; i++)
		scan->live[i] = ALL;
}
