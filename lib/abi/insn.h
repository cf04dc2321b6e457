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

#ifndef __cplusplus
_Static_assert(sizeof(struct ebpf_insn) == 8, "an instruction has 8 bytes");
#endif

enum {
	EBPF_REG_COUNT = 11, /* r0..r10; r10 is the read-only frame pointer */
	EBPF_REG_FP = 10,
	EBPF_STACK_MAX = 512,	  /* bytes of stack over any call path */
	EBPF_FRAME_MAX = 8,	  /* nested functions, the entry included */
	EBPF_TAIL_CALL_MAX = 33,  /* tail calls in one run */
	EBPF_INSN_MAX = 1000000,  /* instruction slots of one program */
};

/* The raw fields besides the code byte. */
enum ebpf_field {
	EBPF_FIELD_DST = 1u << 0,
	EBPF_FIELD_SRC = 1u << 1,
	EBPF_FIELD_OFF = 1u << 2,
	EBPF_FIELD_IMM = 1u << 3,
};

enum ebpf_form {
#define EBPF_FORM(form, fields) EBPF_FORM_##form,
#include "abi/insn.def"
	EBPF_FORM_COUNT
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
