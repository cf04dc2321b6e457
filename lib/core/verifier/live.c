/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which registers matter at each instruction, by data flow backwards over the
 * whole program before it is walked. A register is live when something reads
 * it later; its number matters when it can reach an address, a condition, a
 * size or the stack. States that differ only in what does not matter are the
 * same to the walk, which is what keeps it near linear.
 *
 * The walk relies on this: it forgets what is not live. Arithmetic therefore
 * never rejects because of a number, only because of types; it is the access
 * that looks at numbers.
 */
#include "core/verifier/verify.h"

enum {
	ARGS = 0x3e,	/* r1..r5 */
	SAVED = 0x3c0,	/* r6..r9 */
	VALUE = 16,	/* shift of the upper half */
	ROUNDS = 100,
	SLICE = 4096, /* instructions between looks at the clock */
};

static uint32_t
both(uint32_t regs)
{
	return regs | regs << VALUE;
}

static uint32_t
call_args(const struct ebpf_venv *env, const struct ebpf_op *op)
{
	const struct ebpf_helper *helper =
		ebpf_verify_helper(env, (uint32_t)op->imm);
	uint32_t regs = 0, i;

	if (!helper)
		return 0;
	/* how often it calls is a matter of numbers */
	if (helper->flags & EBPF_HELPER_LOOP)
		return both(0x1e);
	for (i = 0; i < ebpf_verify_helper_args(helper); i++)
		regs |= helper->args[i] == EBPF_ARG_SCALAR ? 2u << i :
							     both(2u << i);
	return regs;
}

/* What a call of a global function reads. */
static uint32_t
given(const struct ebpf_vfunc *func)
{
	uint32_t regs = 0, i;

	for (i = 0; i < func->arg_count; i++)
		regs |= func->args[i].sort == EBPF_VG_NUMBER ? 2u << i :
							       both(2u << i);
	return regs;
}

/* What is live before a call of a function of the program's own. */
static uint32_t
before_call(struct ebpf_venv *env, uint32_t insn, uint32_t live, bool *changed)
{
	struct ebpf_vfunc *callee = &env->funcs[ebpf_verify_func_at(
		env, insn + 1 + env->ops[insn].off)];

	if (callee->global)
		return (live & ~both(ARGS | 1)) | given(callee);
	if (live & both(1) & ~callee->scan) {
		callee->scan |= live & both(1);
		*changed = true;
	}
	return (live & ~both(ARGS | 1)) |
	       (env->live[callee->start] & both(ARGS));
}

/* What a callback returns ends the loop or does not. */
static void
need_result(struct ebpf_venv *env, uint32_t insn, bool *changed)
{
	struct ebpf_vfunc *callback = &env->funcs[ebpf_verify_func_at(
		env, insn + 1 + env->ops[insn].off)];

	if (both(1) & ~callback->scan) {
		callback->scan |= both(1);
		*changed = true;
	}
}

/* What is live before an exit of that function. */
static uint32_t
before_exit(const struct ebpf_venv *env, uint32_t func)
{
	if (env->funcs[func].global)
		return env->funcs[func].result == EBPF_VG_NUMBER;
	return func == 0 ? 1 : env->funcs[func].scan;
}

static bool
is_mov(uint8_t fn)
{
	return fn == EBPF_FN_MOV || fn == EBPF_FN_MOVSX8 ||
	       fn == EBPF_FN_MOVSX16 || fn == EBPF_FN_MOVSX32;
}

/*
 * What is live before an instruction of function `func`. A function's `scan`
 * collects what its callers do with its r0.
 */
static inline uint32_t
before(struct ebpf_venv *env, const struct ebpf_op *op, const uint32_t *after,
       bool numbers, uint32_t insn, uint32_t func, bool *changed)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t live = after[0];
	uint32_t dst = 1u << op->dst, src = 1u << op->src, needs;

	switch (info->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
		/* the inputs' numbers matter where the result's does */
		needs = live & dst << VALUE ? both(~0u) : 0xffff;
		if (is_mov(info->fn))
			live &= ~both(dst);
		else
			live |= both(dst) & needs;
		if (info->form == EBPF_FORM_ALU_REG)
			live |= both(src) & needs;
		return live;
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
		return live | dst;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
		return (live & ~both(dst)) | both(src);
	case EBPF_FORM_ST:
		return live | both(dst);
	case EBPF_FORM_STX:
	case EBPF_FORM_STORE_REL:
		return live | both(dst) | (numbers ? both(src) : src);
	case EBPF_FORM_ATOMIC:
		/* what it leaves in memory is any number anyway */
		if (info->fn == EBPF_FN_CMPXCHG)
			src |= 1;
		return live | both(dst) | src;
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		return after[op->off];
	case EBPF_FORM_JCC_IMM:
		live |= after[op->off];
		return live | (numbers ? both(dst) : dst);
	case EBPF_FORM_JCC_REG:
		live |= after[op->off];
		/* each operand bounds the other */
		numbers |= (live & (dst | src) << VALUE) != 0;
		return live | (numbers ? both(dst | src) : dst | src);
	case EBPF_FORM_CALL:
		return (live & ~both(ARGS | 1)) | call_args(env, op);
	case EBPF_FORM_CALL_LOCAL:
		return before_call(env, insn, live, changed);
	case EBPF_FORM_EXIT:
		return before_exit(env, func);
	case EBPF_FORM_LDDW:
		if (op->code == EBPF_OP_LDDW_FUNC)
			need_result(env, insn, changed);
		return after[1] & ~both(dst);
	case EBPF_FORM_LDDW_HI: /* of what is before it */
		return 0;
	case EBPF_FORM_CALLX:
		return live | both(dst);
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
		live = (live & ~both(ARGS | 1)) | both(1u << 6);
		return info->form == EBPF_FORM_LD_IND ? live | both(src) : live;
	default:
		return live;
	}
}

/* The instructions [start, end) of a function once, backwards. */
static bool
look(struct ebpf_venv *env, uint32_t func, uint32_t start, uint32_t end)
{
	const struct ebpf_op *ops = env->ops;
	const struct ebpf_vaux *aux = env->aux;
	uint32_t *all = env->live, live, i;
	bool changed = false;

	for (i = end; i-- > start;) {
		live = before(env, &ops[i], &all[i + 1],
			      aux[i].flags & EBPF_VA_NUMBERS, i, func,
			      &changed);
		changed |= live != all[i];
		all[i] = live;
	}
	return changed;
}

int
ebpf_verify_live(struct ebpf_venv *env)
{
	uint32_t round, from, f, i;
	bool changed = true;
	int error;

	memset(env->live, 0, ((size_t)env->count + 2) * sizeof(*env->live));
	for (f = 0; f < env->func_count; f++)
		env->funcs[f].scan = 0;
	/* going backwards, one look is enough where nothing else does */
	for (round = 0; changed && round < (env->forward ? 1 : ROUNDS);
	     round++) {
		changed = false;
		for (f = env->func_count; f-- > 0;) {
			const struct ebpf_vfunc *func = &env->funcs[f];
			uint32_t to = func->used ? func->end : func->start;

			/* a look is a small part of walking it */
			for (; to > func->start; to = from) {
				from = to - func->start > SLICE ?
					       to - SLICE : func->start;
				error = ebpf_verify_effort(env,
							   (to - from) / 8);
				if (error)
					return error;
				changed |= look(env, f, from, to);
			}
		}
	}
	if (changed && !env->forward) {
		/* too tangled to settle soon: everything matters everywhere */
		for (i = 0; i < env->count; i++)
			env->live[i] = both(ARGS | SAVED | 1);
	}
	return 0;
}
