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
	ALL = EBPF_JIT_REGS_READ,
	ARGS = 0x3e,	/* r1..r5 */
	SCRATCH = 0x3f, /* r0..r5 */
	KEY = 1 << 2,	/* of a lookup, in r2 */
	FP = 1u << EBPF_REG_FP,
};

/* By form; moves do not read dst. */
enum {
	DST = EBPF_JIT_NAMES_DST,
	SRC = EBPF_JIT_NAMES_SRC,
	USES_DST = DST | EBPF_JIT_READS_DST,
	USES_SRC = SRC | EBPF_JIT_READS_SRC,
	SETS_DST = DST | EBPF_JIT_WRITES_DST,
	PLAIN = EBPF_JIT_IS_PLAIN,
	ALU = PLAIN | EBPF_JIT_IS_ALU,
	JUMP = EBPF_JIT_IS_JUMP | EBPF_JIT_IS_NOTED,
	OTHER = EBPF_JIT_IS_OTHER | EBPF_JIT_IS_NOTED,

	OF_ALU_IMM = ALU | USES_DST | SETS_DST,
	OF_ALU_REG = ALU | USES_DST | USES_SRC | SETS_DST,
	OF_ALU_UNARY = ALU | USES_DST | SETS_DST,
	OF_ENDIAN = ALU | USES_DST | SETS_DST,
	OF_LDX = PLAIN | SETS_DST | USES_SRC,
	OF_ST = PLAIN | USES_DST,
	OF_STX = PLAIN | USES_DST | USES_SRC,
	OF_ATOMIC = OTHER | USES_DST | USES_SRC,
	OF_LOAD_ACQ = SETS_DST | USES_SRC,
	OF_STORE_REL = USES_DST | USES_SRC,
	OF_JA = OTHER | JUMP,
	OF_JA32 = OTHER | JUMP,
	OF_JCC_IMM = JUMP | USES_DST,
	OF_JCC_REG = JUMP | USES_DST | USES_SRC,
	OF_CALL = OTHER,
	OF_CALL_LOCAL = OTHER,
	OF_CALLX = OTHER | DST,
	OF_EXIT = OTHER,
	OF_LDDW = PLAIN | SETS_DST,
	OF_LDDW_HI = PLAIN,
	OF_LD_ABS = OTHER,
	OF_LD_IND = OTHER | SRC,
};

const uint16_t ebpf_jit_facts[EBPF_OP_COUNT] = {
#define IS(fn, other) (EBPF_FN_##fn == EBPF_FN_##other)
#define EBPF_INSN(row, code, sel, value, form, fn, width, cpu, group)   \
	[EBPF_OP_##row] = (OF_##form & ~(IS(fn, MOV) || IS(fn, MOVSX8) || \
						 IS(fn, MOVSX16) ||       \
						 IS(fn, MOVSX32) ?        \
					 EBPF_JIT_READS_DST :             \
					 0)) |                            \
			  (EBPF_OP_##row == EBPF_OP_LDDW_FUNC ?           \
				   EBPF_JIT_IS_NOTED :                    \
				   0) |                                   \
			  (EBPF_OP_##row == EBPF_OP_MOV64_REG ||          \
					   EBPF_OP_##row ==               \
						   EBPF_OP_MOV32_REG ||   \
					   EBPF_OP_##row ==               \
						   EBPF_OP_ADD64_REG ||   \
					   EBPF_OP_##row ==               \
						   EBPF_OP_ADD64_IMM ||   \
					   EBPF_OP_##row ==               \
						   EBPF_OP_LSH64_IMM ?    \
				   EBPF_JIT_BEGINS :                      \
				   0),
#include "abi/insn.def"
};

uint32_t
ebpf_jit_reads_other(const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];

	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ATOMIC:
		return 1u << op->dst | 1u << op->src |
		       (info->fn == EBPF_FN_CMPXCHG ? 1 : 0);
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		return 0;
	case EBPF_FORM_CALL:
	case EBPF_FORM_CALL_LOCAL:
		return ARGS;
	case EBPF_FORM_EXIT:
		return 1;
	default:
		return ALL;
	}
}

/* What is written for certain; r0 by a tail call that fails is not. */
uint32_t
ebpf_jit_writes_other(const struct ebpf_op *op)
{
	switch (op->code) {
	case EBPF_OP_CALL_HELPER:
		return ARGS;
	case EBPF_OP_CALL_LOCAL:
		return SCRATCH;
	}
	return 0;
}

/* What is read from the start of a jump, a call or the like on. */
static uint32_t
live_other(const struct ebpf_prog *prog, const struct ebpf_jit_scan *scan,
	   const struct ebpf_jit_func *func, uint32_t slot, uint32_t next)
{
	const struct ebpf_op *op = &prog->ops[slot];
	uint32_t facts = ebpf_jit_facts[op->code];
	uint32_t reads = ebpf_jit_reads(op), target;

	if (facts & EBPF_JIT_IS_JUMP) {
		target = scan->slots[(uint32_t)((int64_t)slot + 1 + op->off)] &
			 ALL;
		next = facts & EBPF_JIT_IS_OTHER ? target : next | target;
	} else if (op->code == EBPF_OP_EXIT) {
		next = 0;
	} else if (op->code == EBPF_OP_CALL_HELPER &&
		   ebpf_jit_lookup_map(prog, scan, func, slot) != NULL) {
		reads = KEY;
	}
	return (next & ~ebpf_jit_writes(op)) | reads | FP;
}

void
ebpf_jit_live(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
	      const struct ebpf_jit_func *func)
{
	uint16_t *slots = scan->slots;
	uint32_t changed = 1;

	for (uint32_t round = 0; changed && round < ROUNDS_MAX; round++) {
		uint32_t live = ALL;

		changed = 0;
		for (uint32_t i = func->end; i-- > func->start;) {
			const struct ebpf_op *op = &prog->ops[i];
			uint32_t facts = ebpf_jit_facts[op->code];
			uint32_t before = slots[i];

			if (before & EBPF_JIT_DEAD) {
				if (i + 1 == func->end)
					live = 0;
			} else if (facts & EBPF_JIT_IS_NOTED) {
				live = live_other(prog, scan, func, i, live);
			} else {
				live &= ~ebpf_jit_bit(
					facts, EBPF_JIT_WRITES_DST, op->dst);
				live |= FP |
					ebpf_jit_bit(facts, EBPF_JIT_READS_DST,
						     op->dst) |
					ebpf_jit_bit(facts, EBPF_JIT_READS_SRC,
						     op->src);
			}
			changed |= (before ^ live) & ALL;
			slots[i] = (uint16_t)((before & ~ALL) | live);
		}
		/* without a jump back there is nothing to go round for */
		if (!func->loops)
			changed = 0;
	}
	for (uint32_t i = func->start; changed && i < func->end; i++)
		slots[i] |= ALL;
}
