/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names for the instruction set: the raw 8-byte instruction as compilers write
 * it, and the enums made from insn.def. Knows no decoding; see core/decode.h.
 */
#ifndef ABI_INSN_H
#define ABI_INSN_H

#include <stdint.h>

/* One raw instruction slot, little endian (RFC 9669 section 3). */
struct ebpf_insn {
	uint8_t code;
	uint8_t regs; /* low four bits destination, high four bits source */
	int16_t off;
	int32_t imm;
};

_Static_assert(sizeof(struct ebpf_insn) == 8, "an instruction has 8 bytes");

enum {
	EBPF_REG_COUNT = 11, /* r0..r10; r10 is the read-only frame pointer */
	EBPF_REG_FP = 10,
	EBPF_STACK_MAX = 512,	  /* bytes of stack over any call path */
	EBPF_FRAME_MAX = 8,	  /* nested functions, the entry included */
	EBPF_TAIL_CALL_MAX = 33,  /* tail calls in one run */
	EBPF_INSN_MAX = 1000000,  /* instruction slots of one program */
};

/*
 * Forms: which raw fields an instruction uses as operands. A field that is
 * neither an operand nor the row's selector must be zero.
 */
enum ebpf_form {
	EBPF_FORM_ALU_IMM,    /* dst imm */
	EBPF_FORM_ALU_REG,    /* dst src */
	EBPF_FORM_ALU_UNARY,  /* dst */
	EBPF_FORM_ENDIAN,     /* dst; imm selects */
	EBPF_FORM_LDX,	      /* dst [src+off] */
	EBPF_FORM_ST,	      /* [dst+off] imm */
	EBPF_FORM_STX,	      /* [dst+off] src */
	EBPF_FORM_ATOMIC,     /* [dst+off] src; imm selects */
	EBPF_FORM_LOAD_ACQ,   /* dst [src+off]; imm selects */
	EBPF_FORM_STORE_REL,  /* [dst+off] src; imm selects */
	EBPF_FORM_JA,	      /* off */
	EBPF_FORM_JA32,	      /* imm as jump distance */
	EBPF_FORM_JCC_IMM,    /* dst imm off */
	EBPF_FORM_JCC_REG,    /* dst src off */
	EBPF_FORM_CALL,	      /* imm as helper number; src selects */
	EBPF_FORM_CALL_LOCAL, /* imm as call distance; src selects */
	EBPF_FORM_CALLX,      /* dst holds a helper number */
	EBPF_FORM_EXIT,	      /* none */
	EBPF_FORM_LDDW,	      /* dst imm64 over two slots; src selects */
	EBPF_FORM_LDDW_HI,    /* the second slot, never executed */
	EBPF_FORM_LD_ABS,     /* imm */
	EBPF_FORM_LD_IND,     /* src imm */
};

/* Which raw field distinguishes rows with the same code byte. */
enum ebpf_sel {
	EBPF_SEL_NONE,
	EBPF_SEL_OFF,
	EBPF_SEL_IMM,
	EBPF_SEL_SRC,
};

enum ebpf_group {
	EBPF_GROUP_BASE32,
	EBPF_GROUP_BASE64,
	EBPF_GROUP_ATOMIC32,
	EBPF_GROUP_ATOMIC64,
	EBPF_GROUP_DIVMUL32,
	EBPF_GROUP_DIVMUL64,
	EBPF_GROUP_CALLX,
	EBPF_GROUP_PACKET,
};

enum ebpf_fn {
#define EBPF_FN(fn, word, sign) EBPF_FN_##fn,
#include "abi/insn.def"
	EBPF_FN_COUNT
};

enum ebpf_opcode {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	EBPF_OP_##op,
#include "abi/insn.def"
	EBPF_OP_COUNT
};

#endif
