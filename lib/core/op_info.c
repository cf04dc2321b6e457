/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * insn.def as a table that code can ask: what each dense opcode is. Knows no
 * decoding. Read by decode, encode, verifier, engines and tests.
 */
#include "core/decode.h"

const struct ebpf_op_info ebpf_op_info[EBPF_OP_COUNT] = {
#define EBPF_INSN(op_, code_, sel_, value_, form_, fn_, width_, cpu_, group_) \
	[EBPF_OP_##op_] = {                                                   \
		.code = code_,                                                \
		.form = EBPF_FORM_##form_,                                    \
		.fn = EBPF_FN_##fn_,                                          \
		.width = width_,                                              \
		.sel = EBPF_SEL_##sel_,                                       \
		.cpu = cpu_,                                                  \
		.group = EBPF_GROUP_##group_,                                 \
		.value = value_,                                              \
	},
#include "abi/insn.def"
};
