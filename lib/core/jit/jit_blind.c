/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Constant blinding: no number of the program's choice stands in its machine
 * code, where it could be code of the program's choice. An instruction with a
 * constant is compiled as its twin that takes a register; the register is made
 * of two numbers that nobody can foresee. The same for all backends.
 */
#include "core/jit/jit.h"
#include "core/jit/jit_scan.h"

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185ull;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44dull;
	return x ^ x >> 33;
}

/* The opcode that does the same with a register. */
static uint16_t
twin_code(const struct ebpf_op_info *info)
{
	uint8_t form = info->form, fn = info->fn;
	uint16_t code;

	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ALU_IMM:
		form = EBPF_FORM_ALU_REG;
		break;
	case EBPF_FORM_JCC_IMM:
		form = EBPF_FORM_JCC_REG;
		break;
	case EBPF_FORM_ST:
		form = EBPF_FORM_STX;
		fn = EBPF_FN_STX;
		break;
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
		form = EBPF_FORM_LD_IND;
		break;
	default:
		return EBPF_OP_COUNT;
	}
	for (code = 0; code < EBPF_OP_COUNT; code++)
		if (ebpf_op_info[code].form == form &&
		    ebpf_op_info[code].fn == fn &&
		    ebpf_op_info[code].width == info->width)
			break;
	return code;
}

bool
ebpf_jit_blind(const struct ebpf_jit_image *image, uint32_t slot,
	       const struct ebpf_op *op, struct ebpf_op *twin, uint64_t *key)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	bool wide = op->code == EBPF_OP_LDDW_IMM64;

	/* a byte is no code */
	if (!image->blind || (op->imm >= -128 && op->imm <= 127))
		return false;
	if (info->fn == EBPF_FN_LSH || info->fn == EBPF_FN_RSH ||
	    info->fn == EBPF_FN_ARSH)
		return false;
	*twin = *op;
	twin->src = EBPF_JIT_BLIND_REG;
	twin->imm = 0;
	if (!wide) {
		twin->code = twin_code(info);
		if (twin->code == EBPF_OP_COUNT)
			return false;
	}
	*key = mix((uint64_t)image->blind << 32 | slot);
	/* where 32 bits are extended, the key must not change the others */
	if (!wide)
		*key = (*key & 0x7fffffff) | 0x01000000;
	return true;
}
