/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * After acceptance: context accesses become accesses to the host's struct, and
 * what no path reached becomes a jump to the next slot, so that nothing is ever
 * compiled that was not verified.
 */
#include "core/verifier/verify.h"

static uint16_t
load_code(uint32_t bytes, bool sign)
{
	switch (bytes) {
	case 1:
		return sign ? EBPF_OP_LDXSB : EBPF_OP_LDXB;
	case 2:
		return sign ? EBPF_OP_LDXSH : EBPF_OP_LDXH;
	case 4:
		return sign ? EBPF_OP_LDXSW : EBPF_OP_LDXW;
	default:
		return EBPF_OP_LDXDW;
	}
}

static uint16_t
store_code(uint32_t bytes, bool imm)
{
	switch (bytes) {
	case 1:
		return imm ? EBPF_OP_STB : EBPF_OP_STXB;
	case 2:
		return imm ? EBPF_OP_STH : EBPF_OP_STXH;
	case 4:
		return imm ? EBPF_OP_STW : EBPF_OP_STXW;
	default:
		return imm ? EBPF_OP_STDW : EBPF_OP_STXDW;
	}
}

static void
rewrite_ctx(struct ebpf_venv *env, uint32_t insn)
{
	struct ebpf_op *op = &env->ops[insn];
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	const struct ebpf_ctx_field *field =
		&env->kind->fields[env->aux[insn].field >> 3];
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint32_t delta = env->aux[insn].field & 7;
	uint32_t size = info->width / 8, bytes;
	int32_t moved;

	if (field->type != EBPF_CTX_SCALAR) {
		/* the host keeps whole pointers */
		bytes = field->host_size;
		moved = field->host_off - field->off;
	} else if (little ? delta >= field->host_size :
			    delta + size <= (uint32_t)(field->size -
						       field->host_size) &&
				    field->host_size < field->size) {
		/* above what the host keeps: always 0 */
		op->code = EBPF_OP_MOV64_IMM;
		op->src = 0;
		op->off = 0;
		op->imm = 0;
		return;
	} else {
		bytes = size < field->host_size ? size : field->host_size;
		moved = (int32_t)field->host_off - field->off;
		if (!little && bytes == size)
			moved += (int32_t)field->host_size - field->size;
		else if (!little)
			moved -= (int32_t)delta;
	}
	if (info->form == EBPF_FORM_LDX) {
		/* what was widened is positive */
		op->code = load_code(bytes, info->fn == EBPF_FN_LDXS &&
						    bytes == size);
	} else {
		op->code = store_code(bytes, info->form == EBPF_FORM_ST);
	}
	/* the register may point into the context: keep its own offset */
	op->off += moved;
}

int
ebpf_verify_rewrite(struct ebpf_venv *env)
{
	struct ebpf_prog *prog = env->prog;
	const struct ebpf_vaux *aux = env->aux;
	uint32_t i, count = env->count, f = 0;

	for (i = 0; i < count; i++) {
		struct ebpf_op *op;

		if (aux[i].flags & EBPF_VA_SEEN) {
			if (aux[i].access == EBPF_VX_CTX)
				rewrite_ctx(env, i);
			continue;
		}
		op = &env->ops[i];
		/* no path comes to the second half of what one came to */
		if (op->code == EBPF_OP_LDDW_HI &&
		    aux[i - 1].flags & EBPF_VA_SEEN)
			continue;
		if (!prog->dead)
			prog->dead = os_alloc(((size_t)env->count + 7) / 8);
		if (!prog->dead)
			return -EBPF_ENOMEM;
		prog->dead[i / 8] |= (uint8_t)(1u << i % 8);
		memset(op, 0, sizeof(*op));
		/* a function keeps an end that cannot be passed */
		while (env->funcs[f].end <= i)
			f++;
		op->code = i + 1 == env->funcs[f].end ? EBPF_OP_EXIT :
							EBPF_OP_JA;
	}
	return 0;
}
