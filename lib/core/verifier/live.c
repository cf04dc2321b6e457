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

/* What an opcode does to what is live. */
enum way {
	RARE, /* see before_rare() */
	SETS_IMM,
	SETS_REG,
	ALU_IMM,
	ALU_REG,
	ALTERS,
	LOADS,
	STORES_IMM,
	STORES_REG,
	ATOMIC,
	GOES,
	ASKS_IMM,
	ASKS_REG,
};
static const uint8_t ways[EBPF_OP_COUNT] = {
#define IS(form, other) (EBPF_FORM_##form == EBPF_FORM_##other)
#define MOVES(fn)                                                             \
	(EBPF_FN_##fn == EBPF_FN_MOV || EBPF_FN_##fn == EBPF_FN_MOVSX8 ||     \
	 EBPF_FN_##fn == EBPF_FN_MOVSX16 || EBPF_FN_##fn == EBPF_FN_MOVSX32)
#define EBPF_INSN(row, code, sel, value, form, fn, width, cpu, group)         \
	[EBPF_OP_##row] =                                                     \
		IS(form, ALU_IMM) ? (MOVES(fn) ? SETS_IMM : ALU_IMM) :        \
		IS(form, ALU_REG) ? (MOVES(fn) ? SETS_REG : ALU_REG) :        \
		IS(form, ALU_UNARY) || IS(form, ENDIAN) ? ALTERS :            \
		IS(form, LDX) || IS(form, LOAD_ACQ) ? LOADS :                 \
		IS(form, ST) ? STORES_IMM :                                   \
		IS(form, STX) || IS(form, STORE_REL) ? STORES_REG :           \
		IS(form, ATOMIC) ? ATOMIC :                                   \
		IS(form, JA) || IS(form, JA32) ? GOES :                       \
		IS(form, JCC_IMM) ? ASKS_IMM :                                \
		IS(form, JCC_REG) ? ASKS_REG :                                \
				    RARE,
#include "abi/insn.def"
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

/*
 * What is live before a call, an exit, a constant of two slots, or a packet
 * load, of function `func`. A function's `scan` collects what its callers do
 * with its r0.
 */
static __attribute__((__noinline__)) uint32_t
before_rare(struct ebpf_venv *env, uint32_t insn, uint32_t func, bool *changed)
{
	const struct ebpf_op *op = &env->ops[insn];
	uint32_t live = env->live[insn + 1], dst = 1u << op->dst;

	switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
	case EBPF_FORM_CALL:
		return (live & ~both(ARGS | 1)) | call_args(env, op);
	case EBPF_FORM_CALL_LOCAL:
		return before_call(env, insn, live, changed);
	case EBPF_FORM_EXIT:
		return before_exit(env, func);
	case EBPF_FORM_LDDW:
		if (op->code == EBPF_OP_LDDW_FUNC)
			need_result(env, insn, changed);
		return env->live[insn + 2] & ~both(dst);
	case EBPF_FORM_LDDW_HI: /* of what is before it */
		return 0;
	case EBPF_FORM_CALLX:
		return live | both(dst);
	case EBPF_FORM_LD_ABS:
		return (live & ~both(ARGS | 1)) | both(1u << 6);
	case EBPF_FORM_LD_IND:
		return (live & ~both(ARGS | 1)) | both(1u << 6 | 1u << op->src);
	default:
		return live;
	}
}

/* The instructions [start, end) of a function once, backwards. */
static bool
look(struct ebpf_venv *env, uint32_t func, uint32_t start, uint32_t end)
{
	const struct ebpf_op *op = &env->ops[end];
	const struct ebpf_vaux *aux = &env->aux[end];
	uint32_t *all = &env->live[end], i, live = *all, differ = 0;
	bool changed = false;

	for (i = end; i-- > start;) {
		uint32_t dst, src, numbers;

		op--;
		aux--;
		dst = 1u << op->dst;
		src = 1u << op->src;
		numbers = aux->flags & EBPF_VA_NUMBERS;
		switch ((enum way)ways[op->code]) {
		case SETS_IMM:
			live &= ~both(dst);
			break;
		case SETS_REG:
			/* the input's number matters where the result's does */
			src |= (live & dst << VALUE ? src : 0) << VALUE;
			live = (live & ~both(dst)) | src;
			break;
		case ALU_IMM:
			live |= dst; /* its number stays as it is */
			break;
		case ALU_REG:
			src |= (live & dst << VALUE ? src : 0) << VALUE;
			live |= dst | src;
			break;
		case ALTERS:
			live |= dst;
			break;
		case LOADS:
			live = (live & ~both(dst)) | both(src);
			break;
		case STORES_IMM:
			live |= both(dst);
			break;
		case STORES_REG:
			live |= both(dst) | (numbers ? both(src) : src);
			break;
		case ATOMIC:
			/* what it leaves in memory is any number anyway */
			if (ebpf_op_info[op->code].fn == EBPF_FN_CMPXCHG)
				src |= 1;
			live |= both(dst) | src;
			break;
		case GOES:
			live = all[op->off];
			break;
		case ASKS_IMM:
			live |= all[op->off] | (numbers ? both(dst) : dst);
			break;
		case ASKS_REG:
			live |= all[op->off];
			/* each operand bounds the other */
			numbers |= live & (dst | src) << VALUE;
			live |= numbers ? both(dst | src) : dst | src;
			break;
		case RARE:
			live = before_rare(env, i, func, &changed);
			break;
		}
		all--;
		differ |= live ^ *all;
		*all = live;
	}
	return changed || differ;
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
