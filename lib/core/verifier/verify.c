/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One verification from its beginning to its end: the entry's state, walks until
 * they find nothing new that matters, one more for speculation, and what the
 * program is told of it. ebpf_verify() is the way in. Also the limits that the
 * device sets to it all.
 */
#include "core/verifier.h"
#include "core/verifier/verify.h"

enum {
	ROUNDS = 6,   /* walks before every number is taken to matter */
	HARDENED_TIMES = 16, /* the second walk may look at that many times as */
	HARDENED_LEAST = 8192, /* many instructions as the first, and some */
};

/* ---- limits of the device ---- */

int
ebpf_verify_limit(struct ebpf_venv *env, const char *name, uint64_t limit,
		  const char *unit)
{
	env->fault.limit = name;
	env->fault.limit_value = limit;
	return ebpf_verify_reject(env, EBPF_RULE_COMPLEXITY,
				  "the limit %s of %llu%s was reached", name,
				  (unsigned long long)limit, unit);
}

int
ebpf_verify_charge(struct ebpf_venv *env, uint64_t bytes)
{
	if (bytes > env->mem_max || env->mem > env->mem_max - bytes)
		return ebpf_verify_limit(env, "verify_memory", env->mem_max,
					 " bytes");
	env->mem += bytes;
	if (env->mem > env->stats->mem_peak)
		env->stats->mem_peak = env->mem;
	return 0;
}

int
ebpf_verify_look_at_clock(struct ebpf_venv *env)
{
	env->effort = 0;
	os_yield();
	/* short walks never ask: on some homes asking is a system call */
	if (env->start_ns == 0)
		env->start_ns = os_cpu_time_ns();
	if (os_cpu_time_ns() - env->start_ns <= env->time_max)
		return 0;
	return ebpf_verify_limit(env, "verify_time",
				 env->prog->obj.rt->config.verify_time_ms,
				 " ms");
}

/* ---- beginning and end ---- */

void
ebpf_verify_begin(struct ebpf_venv *env)
{
	struct ebpf_vstate *state = env->state;
	struct ebpf_vreg *regs = state->frames[0]->regs;

	/* slots from slot_count on are never looked at */
	memset(state, 0, offsetof(struct ebpf_vstate, frames));
	memset(state->frames[0], 0, offsetof(struct ebpf_vframe, slots));
	memset(env->written, 0, sizeof(env->written));
	env->insn = env->funcs[env->root].start;
	env->since = 0;
	env->next_loop = 0;
	env->forked = false;
	state->depth = 1;
	state->frames[0]->func = env->root;
	ebpf_num_unknown(&state->len, 64);
	regs[EBPF_REG_FP].type = EBPF_V_STACK;
	ebpf_num_const(&regs[EBPF_REG_FP].num, 0, 64);
	if (env->root) {
		ebpf_verify_global_begin(env);
		return;
	}
	ebpf_num_const(&regs[1].num, 0, 64);
	switch ((enum ebpf_entry)env->kind->entry) {
	case EBPF_ENTRY_CTX:
		regs[1].type = EBPF_V_CTX;
		return;
	case EBPF_ENTRY_MEM:
		regs[1].type = EBPF_V_MEM;
		ebpf_vreg_scalar(&regs[2]);
		env->tied = env->prog->mem_size == 0;
		/* no memory is longer than half of all addresses */
		if (env->tied)
			ebpf_vreg_upto(&regs[2], INT64_MAX);
		break;
	case EBPF_ENTRY_BUF:
		regs[1].type = EBPF_V_MEM;
		ebpf_vreg_upto(&regs[2], UINT16_MAX);
		ebpf_vreg_upto(&regs[3], UINT8_MAX);
		env->tied = true;
		break;
	}
	if (env->tied) {
		regs[2].id = EBPF_V_ID_LEN;
		state->len = regs[2].num;
	}
}

/* A global function that some path calls and that was not walked yet, or 0. */
static uint32_t
next_root(struct ebpf_venv *env)
{
	uint32_t f;

	for (f = 1; f < env->func_count; f++)
		if (env->funcs[f].called && !env->funcs[f].walked)
			return f;
	return 0;
}

/* The program, and the global functions it calls, each from its beginning. */
static int
walk_all(struct ebpf_venv *env)
{
	uint32_t f;
	int error;

	for (f = 0; f < env->func_count; f++)
		env->funcs[f].called = env->funcs[f].walked = 0;
	for (f = 0; f < env->loop_count; f++)
		env->loops[f].believed = false;
	env->changed = false;
	env->processed = 0;
	env->root = 0;
	do {
		env->widen_count = 0;
		env->path.steps = env->path.forks = 0;
		env->funcs[env->root].walked = 1;
		ebpf_verify_begin(env);
		error = ebpf_verify_walk(env);
		if (error)
			return error;
		env->root = next_root(env);
		if (env->root)
			ebpf_verify_forget(env);
	} while (env->root);
	return 0;
}

/*
 * Whether another round would go another way: something was ignored that
 * matters by what is known of the numbers now.
 */
static bool
would_differ(const struct ebpf_venv *env)
{
	const uint16_t *ignored = env->ignored;
	const uint32_t *live = env->live;
	uint32_t i, both = 0;

	/* whoever believed a loop's marks looks at more than numbers */
	if (env->unsure || env->loop_count)
		return true;
	for (i = 0; i <= env->count; i++)
		both |= live[i] >> 16 & ignored[i];
	return both != 0;
}

/* What the last round said of instructions and functions. */
static void
forget_round(struct ebpf_venv *env)
{
	uint32_t i;

	env->unsure = false;
	memset(env->ignored, 0,
	       ((size_t)env->count + 2) * sizeof(*env->ignored));
	for (i = 0; i < env->count; i++) {
		env->aux[i].flags &= ~(EBPF_VA_SEEN | EBPF_VA_LINE);
		env->aux[i].access = EBPF_VX_NONE;
	}
	for (i = 0; i < env->func_count; i++)
		env->funcs[i].depth = 0;
	env->edge_count = 0;
}

/*
 * Walk until every comparison of states was made with what matters: until a
 * round finds no further instruction whose numbers matter, or none of what it
 * finds would have changed the round itself. What earlier rounds said, for or
 * against the program, is forgotten.
 */
static int
walk_rounds(struct ebpf_venv *env)
{
	size_t log_len = env->log->len;
	uint32_t round, i, insn;
	int error, found;

	env->insn = 0;
	error = ebpf_verify_live(env);
	if (error)
		return error;
	for (round = 1;; round++) {
		if (round > 1)
			forget_round(env);
		found = walk_all(env);
		if (!env->changed || found == -EBPF_ENOMEM ||
		    env->fault.limit)
			return found;
		for (i = 0; round == ROUNDS && i < env->count; i++)
			env->aux[i].flags |= EBPF_VA_NUMBERS;
		insn = env->insn;
		env->insn = 0;
		env->fault.walked = false;
		error = ebpf_verify_live(env);
		if (error)
			return error;
		if (round < ROUNDS && !would_differ(env)) {
			env->insn = insn;
			env->fault.walked = true;
			return found;
		}
		ebpf_verify_forget(env);
		env->log->len = log_len;
		env->log->truncated = 0;
		if (env->log->text && env->log->room)
			env->log->text[log_len] = '\0';
		env->fault.rule = EBPF_RULE_NONE;
		if (round == ROUNDS && env->loops)
			for (i = 0; i < env->loop_count; i++)
				memset(env->loops[i].seen, 0xff,
				       sizeof(env->loops[i].seen));
	}
}

/*
 * Walk what was accepted once more, for speculate.c. A program that is too much
 * for that gets fences everywhere; what was said of it stays as it was.
 */
static int
walk_hardened(struct ebpf_venv *env)
{
	uint64_t processed = env->processed, max = env->processed_max;
	uint32_t round = 0;
	int error;

	/* wrong ways are many, and fences are there for what is too much */
	if (env->processed_max > HARDENED_TIMES * processed + HARDENED_LEAST)
		env->processed_max =
			HARDENED_TIMES * processed + HARDENED_LEAST;
	env->hardened = true;
	env->start_ns = 0;
	do {
		ebpf_verify_forget(env);
		error = ebpf_verify_live(env);
		if (error)
			break;
		error = walk_all(env);
		if (!error && ++round == ROUNDS)
			error = -EBPF_E2BIG;
	} while (!error && env->changed);
	env->hardened = false;
	env->processed = processed;
	env->processed_max = max;
	env->fault.limit = NULL;
	if (error == -EBPF_E2BIG || error == -EBPF_EREJECTED) {
		ebpf_verify_fence_all(env);
		error = 0;
	}
	return error ? error : ebpf_verify_fences(env);
}

static int
finish(struct ebpf_venv *env)
{
	struct ebpf_prog *prog = env->prog;
	struct ebpf_func *funcs;
	uint32_t f;
	int error;

	error = ebpf_verify_stack_depth(env);
	if (error)
		return error;
	funcs = os_alloc(env->func_count * sizeof(*funcs));
	if (!funcs)
		return -EBPF_ENOMEM;
	for (f = 0; f < env->func_count; f++) {
		funcs[f].start = env->funcs[f].start;
		funcs[f].end = env->funcs[f].end;
		funcs[f].stack_depth = env->funcs[f].depth;
		funcs[f].flags = env->funcs[f].flags & EBPF_VF_PUBLIC;
	}
	/* what is for Linux has no host here */
	error = prog->assume_linux ? 0 : ebpf_verify_rewrite(env);
	if (error) {
		os_free(funcs);
		return error;
	}
	prog->funcs = funcs;
	prog->func_count = env->func_count;
	prog->stack_total = env->funcs[0].total;
	prog->stack_depth = env->funcs[0].total;
	prog->insns_processed = env->processed;
	return 0;
}

static void
free_env(struct ebpf_venv *env)
{
	uint32_t f;

	ebpf_verify_forget(env);
	ebpf_verify_spares_free(env);
	for (f = 0; f < EBPF_FRAME_MAX; f++)
		os_free(env->state->frames[f]);
	if (env->path.bits != env->path.first)
		os_free(env->path.bits);
	os_free(env->widenings);
	os_free(env->loops);
	os_free(env->points);
	os_free(env->aux); /* with live and ignored */
	os_free(env->funcs);
	os_free(env);
}

int
ebpf_verify(struct ebpf_prog *prog, struct ebpf_op *ops, struct ebpf_log *log,
	    struct ebpf_load_stats *stats)
{
	return ebpf_verify_watched(prog, ops, log, stats, NULL, NULL);
}

int
ebpf_verify_watched(struct ebpf_prog *prog, struct ebpf_op *ops,
		    struct ebpf_log *log, struct ebpf_load_stats *stats,
		    ebpf_verify_watch *watch, void *arg)
{
	const struct ebpf_runtime_config *config = &prog->obj.rt->config;
	uint64_t start = os_time_ns();
	struct ebpf_venv *env;
	size_t count, size;
	int error;

	env = os_alloc_raw(sizeof(*env));
	if (!env)
		return -EBPF_ENOMEM;
	memset(env, 0, offsetof(struct ebpf_venv, ids));
	env->state = &env->first;
	memset(env->state->frames, 0, sizeof(env->state->frames));
	env->prog = prog;
	env->ops = ops;
	env->log = log;
	env->stats = stats;
	env->watch = watch;
	env->watch_arg = arg;
	env->kind = prog->kind;
	env->count = prog->op_count;
	env->next_id = EBPF_V_ID_LEN + 1;
	env->path.bits = env->path.first;
	env->path.room = sizeof(env->path.first) / sizeof(env->path.first[0]);
	env->processed_max = config->insns_processed_max ?
				     config->insns_processed_max :
				     1000000;
	env->mem_max = config->verify_mem_max ? config->verify_mem_max :
						64ull << 20;
	env->time_max = (uint64_t)config->verify_time_ms * 1000000;
	/* what goes with the number of instructions, in one piece */
	count = (size_t)env->count + 2;
	size = count * (sizeof(*env->aux) + sizeof(*env->live) +
			sizeof(*env->ignored));
	error = ebpf_verify_charge(env, size);
	if (!error) {
		env->aux = os_alloc(size);
		env->state->frames[0] =
			os_alloc_raw(sizeof(struct ebpf_vframe));
		if (!env->aux || !env->state->frames[0])
			error = -EBPF_ENOMEM;
	}
	if (!error) {
		env->live = (uint32_t *)(void *)(env->aux + count);
		env->ignored = (uint16_t *)(void *)(env->live + count);
	}
	if (!error)
		error = ebpf_verify_cfg(env);
	if (!error)
		error = walk_rounds(env);
	if (!error && watch) {
		env->insn = env->count;
		watch(arg, env);
	}
	if (!error && (config->harden & EBPF_HARDEN_SPECULATION))
		error = walk_hardened(env);
	if (!error)
		error = finish(env);
	if (error == -EBPF_EREJECTED)
		ebpf_verify_explain(env);
	else if (!error)
		ebpf_verify_tell_functions(env);
	stats->insns_processed = env->processed;
	stats->stack_depth = env->funcs ? env->funcs[0].total : 0;
	stats->verify_ns = os_time_ns() - start;
	free_env(env);
	return error;
}
