/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a processor may do ahead of time: go the wrong way at a branch, or load
 * what lay in a stack slot before the last store to it. An accepted program is
 * walked once more with that in mind. Whatever a branch taught is a guess, and
 * so is a number read from a slot that was just written; a branch whose outcome
 * is known also goes the other way, with operands that are not known. Where an
 * access would rely on a guess, or a wrong way leads to something that would be
 * refused, a fence goes before the instruction, and the guesses end there.
 * Nothing is refused for it. walk.c walks; the JIT makes fences of prog->fences.
 */
#include "core/verifier/verify.h"

static int
settle(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	reg->guess = 0;
	return 0;
}

void
ebpf_verify_fence(struct ebpf_venv *env)
{
	struct ebpf_vstate *state = env->state;
	uint32_t f, i;

	env->aux[env->insn].flags |= EBPF_VA_FENCE;
	ebpf_verify_each(env, settle, NULL);
	state->len_guess = 0;
	for (f = 0; f < state->depth; f++)
		for (i = 0; i < state->frames[f]->slot_count; i++)
			state->frames[f]->slots[i].fresh = EBPF_VFRESH_NO;
}

void
ebpf_verify_rely(struct ebpf_venv *env, const struct ebpf_vreg *ptr)
{
	if (env->hardened &&
	    (ptr->guess || (ptr->type == EBPF_V_MEM && env->tied &&
			    env->state->len_guess)))
		ebpf_verify_fence(env);
}

static bool
holds_number(const struct ebpf_vslot *slot)
{
	uint32_t i;

	for (i = 0; i < 8; i++)
		if (slot->bytes[i] == EBPF_VB_NONE)
			return false;
	return !ebpf_vslot_is_pointer(slot);
}

void
ebpf_verify_slot_written(struct ebpf_venv *env, struct ebpf_vslot *slot,
			 const struct ebpf_vreg *value)
{
	if (!env->hardened)
		return;
	/* a pointer, or nothing, was there: some earlier run's, perhaps */
	if (!holds_number(slot) || (value && ebpf_vreg_is_pointer(value)))
		slot->fresh = EBPF_VFRESH_ANY;
	else if (slot->fresh == EBPF_VFRESH_NO)
		slot->fresh = EBPF_VFRESH_NUMBER;
}

void
ebpf_verify_slots_read(struct ebpf_venv *env, struct ebpf_vframe *frame,
		       uint64_t slots)
{
	uint32_t i;

	for (i = 0; env->hardened && i < frame->slot_count; i++)
		if ((slots >> i & 1) &&
		    frame->slots[i].fresh == EBPF_VFRESH_ANY) {
			ebpf_verify_fence(env);
			return;
		}
}

void
ebpf_verify_mispredict(struct ebpf_venv *env, const struct ebpf_op *op)
{
	struct ebpf_vreg *regs = ebpf_verify_top(env)->regs;

	if (!env->state->ahead)
		env->state->ahead = 1;
	if (regs[op->dst].type == EBPF_V_SCALAR)
		ebpf_vreg_scalar(&regs[op->dst]);
	if (ebpf_op_info[op->code].form == EBPF_FORM_JCC_REG &&
	    regs[op->src].type == EBPF_V_SCALAR)
		ebpf_vreg_scalar(&regs[op->src]);
}

/* What no path reached becomes no code: who strays there is stopped. */
static void
fence_dead(struct ebpf_venv *env)
{
	uint32_t i, to;

	for (i = 0; i < env->count; i++) {
		const struct ebpf_op *op = &env->ops[i];
		uint8_t form = ebpf_op_info[op->code].form;

		if (!(env->aux[i].flags & EBPF_VA_SEEN) ||
		    (form != EBPF_FORM_JCC_IMM && form != EBPF_FORM_JCC_REG))
			continue;
		to = i + 1 + (uint32_t)op->off;
		if (!(env->aux[to].flags & EBPF_VA_SEEN))
			env->aux[to].flags |= EBPF_VA_FENCE;
		if (!(env->aux[i + 1].flags & EBPF_VA_SEEN))
			env->aux[i + 1].flags |= EBPF_VA_FENCE;
	}
}

void
ebpf_verify_fence_all(struct ebpf_venv *env)
{
	uint32_t i;

	for (i = 0; i < env->count; i++)
		switch ((enum ebpf_form)ebpf_op_info[env->ops[i].code].form) {
		case EBPF_FORM_LDX:
		case EBPF_FORM_LOAD_ACQ:
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
		case EBPF_FORM_STORE_REL:
		case EBPF_FORM_ATOMIC:
		case EBPF_FORM_CALL:
		case EBPF_FORM_LD_ABS:
		case EBPF_FORM_LD_IND:
			env->aux[i].flags |= EBPF_VA_FENCE;
			break;
		default:
			break;
		}
}

int
ebpf_verify_fences(struct ebpf_venv *env)
{
	struct ebpf_prog *prog = env->prog;
	bool any = false;
	uint32_t i;

	prog->fences = os_alloc(((size_t)env->count + 7) / 8);
	if (!prog->fences)
		return -EBPF_ENOMEM;
	fence_dead(env);
	for (i = 0; i < env->count; i++)
		if (env->aux[i].flags & EBPF_VA_FENCE) {
			prog->fences[i / 8] |= (uint8_t)(1u << i % 8);
			any = true;
		}
	if (!any) {
		os_free(prog->fences);
		prog->fences = NULL;
	}
	return 0;
}
