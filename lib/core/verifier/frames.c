/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Frames of functions: local calls inlined into the path, returns, what is lost
 * in a call, and what a program may return.
 */
#include "core/verifier/verify.h"

static int
forget_packet(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	if (reg->type != EBPF_V_PKT && reg->type != EBPF_V_PKT_END &&
	    reg->type != EBPF_V_PKT_META && reg->type != EBPF_V_LOW)
		return 0;
	if (ebpf_verify_may_leak(env))
		ebpf_vreg_scalar(reg);
	else
		ebpf_vreg_none(reg);
	return 0;
}

void
ebpf_verify_lose_packet(struct ebpf_venv *env)
{
	ebpf_verify_each(env, forget_packet, NULL);
	ebpf_verify_drop_dead_spills(env);
}

void
ebpf_verify_lose_args(struct ebpf_vframe *frame)
{
	uint32_t i;

	for (i = 0; i <= 5; i++)
		ebpf_vreg_none(&frame->regs[i]);
}

struct ebpf_vframe *
ebpf_verify_new_frame(struct ebpf_venv *env)
{
	struct ebpf_vstate *state = env->state;
	uint32_t f = state->depth;
	struct ebpf_vframe *frame = state->frames[f];

	if (!frame)
		frame = state->frames[f] = os_alloc_raw(sizeof(*frame));
	if (!frame)
		return NULL;
	state->depth++;
	memset(frame, 0, offsetof(struct ebpf_vframe, slots));
	frame->call_insn = env->insn;
	frame->regs[EBPF_REG_FP].type = EBPF_V_STACK;
	frame->regs[EBPF_REG_FP].frame = (uint8_t)f;
	ebpf_num_const(&frame->regs[EBPF_REG_FP].num, 0, 64);
	/* nothing that was kept before can speak of the new frame's slots */
	env->written[f].of[0] = env->written[f].of[1] = ~0ULL;
	return frame;
}

int
ebpf_verify_call_local(struct ebpf_venv *env, const struct ebpf_op *op)
{
	struct ebpf_vstate *state = env->state;
	struct ebpf_vframe *caller = ebpf_verify_top(env), *callee;
	uint32_t f = state->depth, i;
	uint32_t func = ebpf_verify_func_at(env, env->insn + 1 + op->off);

	if (env->funcs[func].global)
		return ebpf_verify_call_global(env, func);
	/* cfg.c found at most eight levels; a bound here costs nothing */
	if (f == EBPF_FRAME_MAX)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_DEPTH,
					  "calls nest more than %d functions "
					  "deep",
					  EBPF_FRAME_MAX);
	callee = ebpf_verify_new_frame(env);
	if (!callee)
		return -EBPF_ENOMEM;
	callee->func = func;
	for (i = 1; i <= 5; i++)
		callee->regs[i] = caller->regs[i];
	ebpf_verify_lose_args(caller);
	env->insn = env->funcs[callee->func].start;
	return 0;
}

int
ebpf_verify_exit(struct ebpf_venv *env, bool *done)
{
	struct ebpf_vstate *state = env->state;
	struct ebpf_vframe *frame = ebpf_verify_top(env);
	struct ebpf_vreg *r0 = &frame->regs[0];

	*done = state->depth == 1;
	if (*done) {
		int error = ebpf_verify_holds_nothing(env, "exit");

		if (error || (env->root &&
			      env->funcs[env->root].result == EBPF_VG_NONE))
			return error;
		if (r0->type == EBPF_V_NONE)
			return ebpf_verify_reject(
				env, EBPF_RULE_RETURN_VALUE,
				"r0 was not set before exit");
		if (r0->type != EBPF_V_SCALAR && !ebpf_verify_may_leak(env))
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_LEAK,
				"the program returns a %s",
				ebpf_verify_type_name(r0));
		return 0;
	}
	if (frame->callback)
		return ebpf_verify_callback_exit(env);
	if (r0->type == EBPF_V_STACK && r0->frame + 1u == state->depth)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"the function returns a pointer to its own stack");
	state->frames[state->depth - 2]->regs[0] = *r0;
	env->insn = frame->call_insn + 1;
	state->depth--;
	return 0;
}

/* What the other program did to the packet and returns is not known. */
int
ebpf_verify_tail_called(struct ebpf_venv *env)
{
	bool done;

	ebpf_verify_lose_packet(env);
	ebpf_vreg_scalar(&ebpf_verify_top(env)->regs[0]);
	return ebpf_verify_exit(env, &done);
}
