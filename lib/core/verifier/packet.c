/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * LD_ABS and LD_IND, the packet loads of old filters: r6 is the context, the
 * number comes in r0, r1 to r5 are lost, and where the packet is too short the
 * function returns 0 in their place (core/interp.h).
 */
#include "core/verifier/verify.h"

int
ebpf_verify_load_packet(struct ebpf_venv *env, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_vreg *ctx, *off, *regs = ebpf_verify_top(env)->regs;
	uint32_t i;
	int error;

	if (!(env->kind->bit & EBPF_KINDS_SKB))
		return ebpf_verify_reject(
			env, EBPF_RULE_UNSUPPORTED,
			"the old packet access instructions are not available "
			"to programs of kind %s",
			env->kind->name);
	error = ebpf_verify_read_reg(env, 6, &ctx);
	if (error)
		return error;
	if (ctx->type != EBPF_V_CTX || ctx->off != 0 || ctx->num.umax != 0)
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"r6 must be the unmodified context here; it is a %s",
			ebpf_verify_type_name(ctx));
	if (info->form == EBPF_FORM_LD_IND) {
		error = ebpf_verify_read_scalar(env, op->src, &off);
		if (error)
			return error;
	}
	if (ebpf_verify_in_callback(env))
		return ebpf_verify_reject(
			env, EBPF_RULE_UNSUPPORTED,
			"the old packet access instructions are not available "
			"in a function that a helper calls");
	ebpf_verify_rely(env, ctx);
	error = ebpf_verify_holds_nothing(env, "the packet may end");
	/* in the entry function the run ends: nothing more to see there */
	if (!error && env->state->depth > 1)
		error = ebpf_verify_put_off(env);
	if (error)
		return error;
	for (i = 1; i <= 5; i++)
		ebpf_vreg_none(&regs[i]);
	ebpf_vreg_upto(&regs[0], ebpf_bits_mask(info->width));
	return 0;
}

int
ebpf_verify_packet_missed(struct ebpf_venv *env)
{
	bool done;

	ebpf_vreg_const(&ebpf_verify_top(env)->regs[0], 0);
	return ebpf_verify_exit(env, &done);
}
