/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The shape of a program before anything is known of its values: functions,
 * jumps that stay inside them, reachable code, points where paths join, the
 * call graph without recursion, and the stack that call paths add up to.
 */
#include "core/verifier/verify.h"

/* What matters here of an opcode. */
enum {
	CALLS = 1 << 0, /* a function of the program's, now or later */
	JUMPS = 1 << 1,
	STOPS = 1 << 2, /* what follows is not executed next */
	LOADS = 1 << 3, /* from the packet, as old filters do */
	WIDE = 1 << 4,	/* two slots */
	HELPS = 1 << 5, /* a helper */
	RETURNS = 1 << 6, /* from a function, to what follows */
};
static const uint8_t facts[EBPF_OP_COUNT] = {
#define IS(form, other) (EBPF_FORM_##form == EBPF_FORM_##other)
#define EBPF_INSN(row, code, sel, value, form, fn, width, cpu, group)         \
	[EBPF_OP_##row] =                                                     \
		(IS(form, CALL_LOCAL) || EBPF_OP_##row == EBPF_OP_LDDW_FUNC ? \
			 CALLS :                                              \
			 0) |                                                 \
		(IS(form, JA) || IS(form, JA32) || IS(form, JCC_IMM) ||       \
				 IS(form, JCC_REG) ?                          \
			 JUMPS :                                              \
			 0) |                                                 \
		(IS(form, JA) || IS(form, JA32) || IS(form, EXIT) ? STOPS :   \
								    0) |      \
		(IS(form, LD_ABS) || IS(form, LD_IND) ? LOADS : 0) |          \
		(IS(form, LDDW) ? WIDE : 0) |                                 \
		(IS(form, CALL) ? HELPS : 0) |                                \
		(IS(form, CALL_LOCAL) ? RETURNS : 0),
#include "abi/insn.def"
};

static bool
is_hi(const struct ebpf_venv *env, uint32_t insn)
{
	return env->ops[insn].code == EBPF_OP_LDDW_HI;
}

uint32_t
ebpf_verify_func_at(const struct ebpf_venv *env, uint32_t insn)
{
	uint32_t lo = 0, hi = env->func_count, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (env->funcs[mid].start <= insn)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* A function starts there. */
static uint32_t
mark(struct ebpf_venv *env, uint32_t insn)
{
	uint32_t is_new = !env->aux[insn].point;

	env->aux[insn].point = 1;
	return is_new;
}

/* Mark where functions start and count them. */
static int
mark_functions(struct ebpf_venv *env, uint32_t *count)
{
	const struct ebpf_prog *prog = env->prog;
	const struct ebpf_op *ops = env->ops;
	uint32_t i, n = mark(env, 0), end = env->count;
	int64_t to;

	for (i = 0; i < end; i++) {
		if (!(facts[ops[i].code] & CALLS))
			continue;
		to = (int64_t)i + 1 + ops[i].off;
		if (to < 0 || to >= end || is_hi(env, (uint32_t)to))
			return ebpf_verify_reject_at(
				env, i, EBPF_RULE_JUMP,
				"the call goes to no instruction");
		n += mark(env, (uint32_t)to);
	}
	for (i = 0; i < prog->func_info_count; i++)
		n += mark(env, prog->func_infos[i].insn);
	*count = n;
	if (n > EBPF_V_FUNCS_MAX)
		return ebpf_verify_reject_at(env, 0, EBPF_RULE_LIMIT,
					     "%u functions, at most %d", n,
					     EBPF_V_FUNCS_MAX);
	return 0;
}

static int
find_functions(struct ebpf_venv *env)
{
	uint32_t i = 0, n = 0;
	int error = mark_functions(env, &n);

	if (error)
		return error;
	env->funcs = os_alloc(n * sizeof(*env->funcs));
	if (!env->funcs)
		return -EBPF_ENOMEM;
	while (env->func_count < n) {
		if (!env->aux[i++].point)
			continue;
		env->aux[i - 1].point = 0;
		if (env->func_count)
			env->funcs[env->func_count - 1].end = i - 1;
		env->funcs[env->func_count++].start = i - 1;
	}
	env->funcs[n - 1].end = env->count;
	env->forward = n == 1;
	return 0;
}

/* Jumps stay inside, the end does not fall into the next function. */
static int
check_function(struct ebpf_venv *env, const struct ebpf_vfunc *func)
{
	const struct ebpf_op *ops = env->ops;
	uint32_t i, start = func->start, end = func->end;
	int64_t to;

	for (i = start; i < end; i++) {
		if (!(facts[ops[i].code] & JUMPS))
			continue;
		to = (int64_t)i + 1 + ops[i].off;
		if (to < start || to >= end ||
		    is_hi(env, (uint32_t)to))
			return ebpf_verify_reject_at(
				env, i, EBPF_RULE_JUMP,
				"the jump leaves its function (slots %u to %u)",
				start, end - 1);
		env->forward &= to > i;
	}
	if (!(facts[ops[end - 1].code] & STOPS))
		return ebpf_verify_reject_at(
			env, end - 1, EBPF_RULE_END,
			"the function's last instruction can be passed");
	return 0;
}

/* Paths join there. */
static void
join(struct ebpf_venv *env, uint32_t insn)
{
	if (!env->aux[insn].point)
		env->aux[insn].point = ++env->point_count;
}

/*
 * Whether it is the first way to insn; on a second one paths join there. *n
 * counts what is reached.
 */
static inline bool
come(struct ebpf_venv *env, uint32_t insn, uint32_t *n)
{
	struct ebpf_vaux *aux = &env->aux[insn];

	if (aux->flags & EBPF_VA_REACH) {
		if (!aux->point)
			aux->point = ++env->point_count;
		return false;
	}
	aux->flags |= EBPF_VA_REACH;
	++*n;
	return true;
}

/* From start on; how many slots. */
static uint32_t
reach(struct ebpf_venv *env, uint32_t start, uint32_t *todo)
{
	const struct ebpf_op *ops = env->ops;
	uint32_t open = 0, n = 0, i, to;

	if (come(env, start, &n))
		todo[open++] = start;
	while (open > 0) {
		bool on = true;

		for (i = todo[--open]; on; i++) {
			const struct ebpf_op *op = &ops[i];
			uint32_t fact = facts[op->code];

			if (fact & (WIDE | JUMPS | STOPS | HELPS | RETURNS)) {
				if (fact & WIDE)
					come(env, ++i, &n);
				to = i + 1 + (uint32_t)op->off;
				if ((fact & JUMPS) && come(env, to, &n))
					todo[open++] = to;
				if (fact & STOPS)
					break;
				/* callers come back from different paths */
				if (fact & RETURNS)
					join(env, i + 1);
				if ((fact & HELPS) &&
				    ebpf_verify_is_loop(env, i)) {
					env->loop_room++;
					join(env, i);
					join(env, i + 1);
				}
			}
			on = come(env, i + 1, &n);
		}
	}
	return n;
}

static int
check_reach(struct ebpf_venv *env)
{
	uint32_t *todo = env->live; /* of which nothing is known yet */
	uint32_t f, i;
	int error = 0;

	for (f = 0; f < env->func_count && !error; f++) {
		const struct ebpf_vfunc *func = &env->funcs[f];

		if (!func->used)
			continue;
		if (f > 0)
			join(env, func->start);
		if (reach(env, func->start, todo) == func->end - func->start)
			continue;
		i = func->start;
		while (env->aux[i].flags & EBPF_VA_REACH)
			i++;
		error = ebpf_verify_reject_at(
			env, i, EBPF_RULE_DEAD,
			"nothing jumps or falls to this instruction");
	}
	return error;
}

static int
enter(struct ebpf_venv *env, uint32_t f, int32_t caller)
{
	env->funcs[f].colour = 1;
	env->funcs[f].used = 1;
	env->funcs[f].caller = caller;
	env->funcs[f].scan = env->funcs[f].start;
	return (int)f;
}

/* The next function that f calls, from its cursor on; -1 at the end. */
static int
next_callee(struct ebpf_venv *env, struct ebpf_vfunc *func)
{
	const struct ebpf_op *ops = env->ops;
	uint32_t end = func->end, i;

	for (i = func->scan; i < end; i++) {
		const struct ebpf_op *op = &ops[i];
		uint32_t fact = facts[op->code];

		if (!(fact & (CALLS | LOADS | HELPS)))
			continue;
		if (fact & LOADS)
			func->flags |= EBPF_VF_LOADS;
		/* who has a function's address may have it called */
		if (fact & CALLS) {
			func->scan = i;
			return (int)ebpf_verify_func_at(env, i + 1 + op->off);
		}
		if (op->code == EBPF_OP_CALL_HELPER) {
			const struct ebpf_helper *helper = ebpf_verify_helper(
				env, (uint32_t)op->imm);

			func->flags |= EBPF_FUNC_HELPERS;
			if (helper && (helper->flags & EBPF_HELPER_TAIL))
				func->flags |= EBPF_FUNC_TAIL_CALLS |
					       EBPF_VF_MOVES;
			if (helper && (helper->flags & EBPF_HELPER_PKT))
				func->flags |= EBPF_VF_MOVES;
		}
	}
	func->scan = end;
	return -1;
}

/*
 * Walk the call graph from the entry: no recursion, at most eight levels.
 * Leaves in env->order the functions that can be called, callees first.
 */
static int
check_calls(struct ebpf_venv *env)
{
	int at = enter(env, 0, -1);

	while (at >= 0) {
		struct ebpf_vfunc *func = &env->funcs[at], *caller;
		int callee = next_callee(env, func);

		if (callee >= 0) {
			func->flags |= EBPF_FUNC_CALLS;
			if (env->funcs[callee].colour == 1)
				return ebpf_verify_reject_at(
					env, func->scan, EBPF_RULE_CALL_DEPTH,
					"the function at %u calls itself",
					env->funcs[callee].start);
			if (env->funcs[callee].colour == 0) {
				at = enter(env, (uint32_t)callee, at);
				continue;
			}
			/* done before: take over what is known of it */
			func->flags |= env->funcs[callee].flags &
				       EBPF_VF_SPREAD;
			if (func->level < env->funcs[callee].level)
				func->level = env->funcs[callee].level;
			func->scan++;
			continue;
		}
		func->level++;
		func->colour = 2;
		env->order[env->order_count++] = (uint16_t)at;
		at = func->caller;
		if (func->level > EBPF_FRAME_MAX) {
			caller = &env->funcs[at >= 0 ? at : 0];
			return ebpf_verify_reject_at(
				env, at >= 0 ? caller->scan : 0,
				EBPF_RULE_CALL_DEPTH,
				"calls nest %u functions deep, at most %d",
				func->level, EBPF_FRAME_MAX);
		}
	}
	return 0;
}

/* What is kept at points and of loops. */
static int
make_points(struct ebpf_venv *env)
{
	uint32_t i, loops = env->loop_room;
	int error;

	error = ebpf_verify_charge(env, (env->point_count + 1ULL) *
							sizeof(*env->points) +
						(uint64_t)loops *
							sizeof(*env->loops));
	if (error)
		return error;
	env->points =
		os_alloc((env->point_count + 1) * sizeof(*env->points));
	if (loops)
		env->loops = os_alloc(loops * sizeof(*env->loops));
	if (!env->points || (loops && !env->loops))
		return -EBPF_ENOMEM;
	for (i = 0; env->loop_count < loops; i++)
		if ((env->aux[i].flags & EBPF_VA_REACH) &&
		    ebpf_verify_is_loop(env, i))
			env->loops[env->loop_count++].insn = i;
	return 0;
}

int
ebpf_verify_cfg(struct ebpf_venv *env)
{
	uint32_t f;
	int error;

	error = find_functions(env);
	for (f = 0; f < env->func_count && !error; f++)
		error = check_function(env, &env->funcs[f]);
	if (!error)
		error = check_calls(env);
	if (!error)
		ebpf_verify_find_globals(env);
	if (!error)
		error = check_reach(env);
	return error ? error : make_points(env);
}

/* What function `func` needs when it calls `callee` at slot insn. */
static int
add_call(struct ebpf_venv *env, struct ebpf_vfunc *func, uint32_t insn,
	 const struct ebpf_vfunc *callee, bool *grew)
{
	uint32_t total = func->depth + callee->total;

	if (total > EBPF_STACK_MAX)
		return ebpf_verify_reject_at(
			env, insn, EBPF_RULE_STACK_DEPTH,
			"frames from here on use %u bytes of stack, at most %d",
			total, EBPF_STACK_MAX);
	if ((callee->flags & EBPF_FUNC_TAIL_CALLS) &&
	    total > EBPF_STACK_MAX / 2)
		return ebpf_verify_reject_at(
			env, insn, EBPF_RULE_STACK_DEPTH,
			"a function that makes tail calls is called with %u "
			"bytes of stack in use, at most %d",
			total, EBPF_STACK_MAX / 2);
	if (callee->level >= EBPF_FRAME_MAX)
		return ebpf_verify_reject_at(
			env, insn, EBPF_RULE_CALL_DEPTH,
			"calls nest more than %d functions deep",
			EBPF_FRAME_MAX);
	if (total > func->total) {
		func->total = total;
		*grew = true;
	}
	if (callee->level + 1 > func->level) {
		func->level = callee->level + 1;
		*grew = true;
	}
	return 0;
}

/* The callees of all functions once, those of lists before their callers. */
static int
add_calls(struct ebpf_venv *env, bool *grew)
{
	uint32_t i, s;
	int error = 0;

	for (i = 0; i < env->edge_count && !error; i++)
		error = add_call(env,
				 &env->funcs[ebpf_verify_func_at(
					 env, env->edges[i].insn)],
				 env->edges[i].insn,
				 &env->funcs[env->edges[i].func], grew);
	for (i = 0; i < env->order_count && !error; i++) {
		struct ebpf_vfunc *func = &env->funcs[env->order[i]];

		for (s = func->start; s < func->end && !error; s++) {
			const struct ebpf_op *op = &env->ops[s];

			if (op->code != EBPF_OP_CALL_LOCAL ||
			    !(env->aux[s].flags & EBPF_VA_SEEN))
				continue;
			error = add_call(env, func, s,
					 &env->funcs[ebpf_verify_func_at(
						 env, s + 1 + op->off)],
					 grew);
		}
	}
	return error;
}

/*
 * After the walk has found what each function uses and which helper calls
 * which: no call path may use more than 512 bytes. A tail call keeps its
 * callers' frames, so that a chain of 33 of them stays small only if those are:
 * at most 256 bytes above a function that makes one. Callbacks are found on
 * the way, so this goes round until nothing grows; a circle of them grows until
 * it is too deep.
 */
int
ebpf_verify_stack_depth(struct ebpf_venv *env)
{
	bool grew = env->func_count > 1 || env->edge_count; /* there are calls */
	uint32_t f;
	int error = 0;

	for (f = 0; f < env->func_count; f++) {
		struct ebpf_vfunc *func = &env->funcs[f];

		func->depth = (func->depth + 7) & ~7u;
		func->total = func->depth;
		func->level = 1;
	}
	while (grew && !error) {
		grew = false;
		error = add_calls(env, &grew);
	}
	return error;
}
