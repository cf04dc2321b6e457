/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Raw instructions become ops once, here; verifier, interpreter and JITs read
 * only ops. One op per raw slot, at the same index: an lddw is followed by an
 * op LDDW_HI that is never executed, so that jump distances, line infos and
 * dumps need no translation.
 */
#ifndef CORE_DECODE_H
#define CORE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/insn.h"
#include "abi/rule.h"

struct ebpf_op {
	uint16_t code; /* enum ebpf_opcode */
	uint8_t dst;
	uint8_t src;
	int32_t off; /* memory displacement; distance of jumps (ja32 too) and
			local calls: target index - own index - 1 */
	int64_t imm; /* sign-extended; lddw: all 64 bits. After loading see
			prog.h for what calls and map references hold */
};

_Static_assert(sizeof(struct ebpf_op) == 16, "two cache-friendly words");

/* What insn.def says of a dense opcode, indexed by enum ebpf_opcode. */
struct ebpf_op_info {
	uint8_t code;  /* raw first byte */
	uint8_t form;  /* enum ebpf_form */
	uint8_t fn;    /* enum ebpf_fn */
	uint8_t width; /* bits */
	uint8_t sel;   /* enum ebpf_sel */
	uint8_t cpu;
	uint8_t group; /* enum ebpf_group */
	int32_t value; /* of the selecting field */
};
extern const struct ebpf_op_info ebpf_op_info[EBPF_OP_COUNT];

/* Why decoding failed. */
struct ebpf_decode_error {
	uint32_t insn;	     /* slot */
	enum ebpf_rule rule; /* ENCODING, JUMP, END, LIMIT */
	const char *what;    /* a phrase: "reserved field imm is not zero" */
};

/*
 * Decode count slots into ops[count]. Checks opcodes, registers, reserved
 * fields, lddw pairs, that jumps and local calls land inside the program and
 * not into an lddw, and that the last instruction does not fall off. Returns 0
 * or -EBPF_EINVAL with *error filled.
 */
int ebpf_decode(const struct ebpf_insn *insns, uint32_t count,
		struct ebpf_op *ops, struct ebpf_decode_error *error);

/*
 * One op back into its raw slot (lddw: the first; LDDW_HI of the same lddw is
 * given by ebpf_encode_hi). Immediates are written as they are in the op.
 */
struct ebpf_insn ebpf_encode(const struct ebpf_op *op);
struct ebpf_insn ebpf_encode_hi(const struct ebpf_op *lddw);

#endif
