/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The walk: every path through the program, one instruction at a time on an
 * abstract state, depth first. Where a branch can go both ways the other way
 * waits as a packed state. Where paths join, states are kept; a path that
 * arrives in a state that a completely explored one covers ends there, and one
 * that arrives in exactly the state it was in before would never end.
 */
#include "core/verifier/verify.h"

enum {
	DONE_MAX = 64,	 /* explored states kept per point */
	LOOP_CHECK = 16, /* states of the own path compared per point */
	KEEP_EVERY = 64, /* instructions after which a state is kept anyway */
	AHEAD_MAX = 64, /* instructions on a mispredicted way before a fence */
	OUT_MAX = 4, /* instructions on the way out that are looked at */
};

/* ---- kept states ---- */

static void
unlink_active(struct ebpf_vpoint *point, struct ebpf_vsnap *snap)
{
	if (snap->prev)
		snap->prev->next = snap->next;
	else
		point->active = snap->next;
	if (snap->next)
		snap->next->prev = snap->prev;
	snap->prev = snap->next = NULL;
}

/* Explored states that never help make room for newer ones. */
static void
trim(struct ebpf_venv *env, struct ebpf_vpoint *point)
{
	struct ebpf_vsnap **link = &point->done, *snap;
	uint32_t n = 0;

	while ((snap = *link)) {
		if (++n > DONE_MAX || snap->misses > 32 + 8 * snap->hits) {
			*link = snap->next;
			ebpf_verify_snap_free(env, snap);
			n--;
		} else {
			link = &snap->next;
		}
	}
}

/* One path that came from snap has ended. */
static void
release(struct ebpf_venv *env, struct ebpf_vsnap *snap)
{
	struct ebpf_vsnap *parent;

	while (snap && --snap->pending == 0) {
		struct ebpf_vpoint *point =
			&env->points[env->aux[snap->insn].point - 1];

		parent = snap->parent;
		unlink_active(point, snap);
		ebpf_verify_loop_done(env, snap);
		snap->done = 1;
		snap->parent = NULL;
		snap->next = point->done;
		point->done = snap;
		trim(env, point);
		snap = parent;
	}
}

/*
 * A loop looks endless. That may be because what its end depends on was taken
 * not to matter: no jump was decided by it so far. Now all of them matter.
 */
static void
need_conditions(struct ebpf_venv *env)
{
	uint32_t i;

	for (i = 0; i < env->count; i++)
		switch (ebpf_op_info[env->ops[i].code].form) {
		case EBPF_FORM_JCC_IMM:
		case EBPF_FORM_JCC_REG:
			ebpf_verify_need_numbers(env, i);
			break;
		default:
			break;
		}
}

/*
 * At a point where paths join: *ended when an explored state covers this one;
 * otherwise keep this one if the path forked since the last.
 */
static int
join(struct ebpf_venv *env, struct ebpf_vpoint *point, bool *ended)
{
	bool loop = ebpf_verify_is_loop(env, env->insn);
	struct ebpf_vsnap *snap;
	uint32_t n = 0;
	int error;

	*ended = false;
	if (loop)
		ebpf_verify_loop_arrive(env);
	for (snap = point->done; snap; snap = snap->next) {
		env->effort += snap->size >> 7;
		if (!ebpf_verify_covered(env, snap, false)) {
			snap->misses++;
			continue;
		}
		snap->hits++;
		/* what it reads, this path would have read */
		ebpf_verify_mark_same(env, snap);
		ebpf_verify_note_ignored(env, snap);
		*ended = true;
		return 0;
	}
	if (loop && ebpf_verify_top(env)->turns) {
		error = ebpf_verify_loop_again(env, point, ended);
		if (error || *ended)
			return error;
		goto keep;
	}
	for (snap = point->active; snap && n < LOOP_CHECK;
	     snap = snap->next, n++)
		if (ebpf_verify_covered(env, snap, true)) {
			/* a round that is repeated knows too little yet */
			if (!env->hardened)
				need_conditions(env);
			*ended = env->changed || env->hardened;
			env->unsure |= *ended;
			if (*ended)
				return 0;
			return ebpf_verify_reject(
				env, EBPF_RULE_LOOP,
				"the program comes back here with nothing "
				"changed: the loop would never end");
		}
	if (!loop && !env->forked && env->since < KEEP_EVERY)
		return 0;
keep:
	error = ebpf_verify_pack(env, &snap);
	if (error)
		return error;
	ebpf_verify_make_key(env, snap);
	snap->parent = env->parent;
	snap->pending = 1;
	for (n = 0; n < env->state->depth; n++)
		env->written[n].of[0] = env->written[n].of[1] = 0;
	snap->next = point->active;
	if (snap->next)
		snap->next->prev = snap;
	point->active = snap;
	env->parent = snap;
	env->forked = false;
	env->since = 0;
	return 0;
}

/* ---- the other side of a branch, or of what may end a subprogram ---- */

static int
wait(struct ebpf_venv *env, struct ebpf_vsnap *snap)
{
	snap->forks = env->path.forks;
	snap->steps = env->path.steps;
	snap->parent = env->parent;
	if (snap->parent)
		snap->parent->pending++;
	snap->taken = 1;
	snap->next = env->waiting;
	env->waiting = snap;
	env->forked = true;
	return env->trail ? 0 : ebpf_verify_note_fork(env, false);
}

int
ebpf_verify_put_off(struct ebpf_venv *env)
{
	struct ebpf_vsnap *snap;
	int error;

	if (env->trail && !ebpf_verify_fork_again(env))
		return 0;
	error = ebpf_verify_pack(env, &snap);
	return error ? error : wait(env, snap);
}

/* Whether nothing but an exit comes there, and numbers before it. */
static bool
is_out(const struct ebpf_venv *env, uint32_t insn)
{
	uint32_t n;

	for (n = 0; n < OUT_MAX; n++) {
		const struct ebpf_op *op = &env->ops[insn];

		switch (op->code) {
		case EBPF_OP_EXIT:
			return true;
		case EBPF_OP_JA:
			insn += 1 + (uint32_t)op->off;
			break;
		case EBPF_OP_MOV64_IMM:
		case EBPF_OP_MOV32_IMM:
			if (op->dst == EBPF_REG_FP)
				return false;
			insn++;
			break;
		default:
			return false;
		}
	}
	return false;
}

/*
 * The way that the branch takes leads out at once, as most of those do that
 * check something: of all that is known no more than the registers that are
 * read there has to wait. Not where somebody watches or is told what is known.
 */
static bool
goes_out(struct ebpf_venv *env, const struct ebpf_op *op,
	 const struct ebpf_vpair *pair)
{
	const struct ebpf_vstate *state = env->state;
	uint32_t to = env->insn + 1 + (uint32_t)op->off;

	return is_out(env, to) && state->depth == 1 && !state->ref_count &&
	       !state->lock.held && !env->root && !env->tied &&
	       !env->hardened && !env->trail && !env->log->level &&
	       ebpf_verify_teaches_none(env, op, pair, true, env->live[to]);
}

static int
put_off_bare(struct ebpf_venv *env, const struct ebpf_op *op)
{
	uint32_t to = env->insn + 1 + (uint32_t)op->off;
	struct ebpf_vsnap *snap;
	int error = ebpf_verify_pack_bare(env, env->live[to], &snap);

	if (error)
		return error;
	snap->insn = to;
	snap->bare = 1;
	return wait(env, snap);
}

/*
 * The branch goes one way, which waits; first see what a processor would do
 * that took the other one.
 */
static int
go_astray(struct ebpf_venv *env, const struct ebpf_op *op, bool taken)
{
	int error = ebpf_verify_put_off(env);

	if (error)
		return error;
	env->waiting->taken = taken;
	ebpf_verify_mispredict(env, op);
	env->insn += 1 + (taken ? 0 : (uint32_t)op->off);
	return 0;
}

/* Go on with the last one waiting; *more: there was one. */
int
ebpf_verify_resume(struct ebpf_venv *env, bool *more)
{
	struct ebpf_vsnap *snap;
	struct ebpf_vpair pair;
	bool possible = false;
	int error = 0;

	*more = false;
	while (!error && !possible && (snap = env->waiting)) {
		const struct ebpf_op *op;
		bool taken = snap->taken, bare = snap->bare;

		env->waiting = snap->next;
		ebpf_verify_unpack(env, snap);
		if (!env->trail) {
			env->path.forks = snap->forks;
			env->path.steps = snap->steps;
			ebpf_verify_widen_forget(env, snap->steps);
			error = ebpf_verify_note_fork(env, true);
		}
		env->parent = snap->parent;
		env->forked = true;
		env->since = 0;
		ebpf_verify_snap_free(env, snap);
		if (error)
			break;
		possible = bare;
		if (bare)
			continue;
		op = &env->ops[env->insn];
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_JCC_IMM:
		case EBPF_FORM_JCC_REG:
			error = ebpf_verify_operands(env, op, &pair);
			if (!error)
				ebpf_verify_branch(env, op, &pair, taken,
						   &possible);
			if (!error && !possible && env->hardened) {
				ebpf_verify_mispredict(env, op);
				possible = true;
			}
			env->insn += 1 + (taken ? (uint32_t)op->off : 0);
			break;
		case EBPF_FORM_CALL:
			possible = true;
			error = ebpf_verify_is_loop(env, env->insn) ?
					ebpf_verify_callback(env) :
					ebpf_verify_tail_called(env);
			break;
		default:
			possible = true;
			error = ebpf_verify_packet_missed(env);
			break;
		}
		/* a return that will not happen leads nowhere */
		if (error == -EBPF_EREJECTED && env->hardened)
			error = possible = 0;
		if (!error && !possible)
			release(env, env->parent);
	}
	*more = possible;
	return error;
}

/* ---- one instruction ---- */

/* What is not inlined here and below costs the others nothing. */
static __attribute__((__noinline__)) int
jump(struct ebpf_venv *env, const struct ebpf_op *op, bool *ended)
{
	bool possible = true;
	int outcome = -1, error;
	struct ebpf_vpair pair;

	error = ebpf_verify_operands(env, op, &pair);
	if (!error)
		error = ebpf_verify_decide(env, op, &pair, &outcome);
	if (error)
		return error;
	if (outcome >= 0 && env->hardened)
		return go_astray(env, op, outcome);
	if (outcome < 0) {
		error = goes_out(env, op, &pair) ? put_off_bare(env, op) :
						   ebpf_verify_put_off(env);
		if (error)
			return error;
		outcome = 0;
	}
	ebpf_verify_branch(env, op, &pair, outcome, &possible);
	if (!possible && env->hardened)
		ebpf_verify_mispredict(env, op);
	else
		*ended = !possible;
	env->insn += 1 + (outcome ? (uint32_t)op->off : 0);
	return 0;
}

static __attribute__((__noinline__)) int
lddw(struct ebpf_venv *env, const struct ebpf_op *op)
{
	struct ebpf_vreg *dst = &ebpf_verify_top(env)->regs[op->dst];
	const struct ebpf_map *map;

	if (op->dst == EBPF_REG_FP)
		return ebpf_verify_reject(env, EBPF_RULE_FRAME_POINTER,
					  "r10 is written");
	if (op->code == EBPF_OP_LDDW_IMM64) {
		ebpf_vreg_const(dst, (uint64_t)op->imm);
		env->insn += 2;
		return 0;
	}
	if (op->code == EBPF_OP_LDDW_FUNC) {
		ebpf_vreg_const(dst, 0);
		dst->type = EBPF_V_FUNC;
		dst->origin = env->insn;
		dst->map = ebpf_verify_func_at(env,
					       env->insn + 1 + op->off);
		if (env->funcs[dst->map].global)
			return ebpf_verify_reject(
				env, EBPF_RULE_UNSUPPORTED,
				"the address of the global function %s is "
				"taken; what a helper calls must be static",
				ebpf_verify_func_name(
					env, env->funcs[dst->map].start));
		env->insn += 2;
		return 0;
	}
	if (op->code != EBPF_OP_LDDW_MAP && op->code != EBPF_OP_LDDW_MAP_VALUE)
		return ebpf_verify_reject(
			env, EBPF_RULE_UNSUPPORTED,
			"this kind of 64-bit constant is not available here");
	if (op->imm < 0 || op->imm >= env->prog->map_count)
		return ebpf_verify_reject(env, EBPF_RULE_MAP_USE,
					  "there is no map %lld",
					  (long long)op->imm);
	ebpf_vreg_const(dst, 0);
	dst->map = (uint32_t)op->imm;
	dst->origin = env->insn;
	dst->type = EBPF_V_MAP;
	if (op->code == EBPF_OP_LDDW_MAP_VALUE) {
		map = env->prog->maps[op->imm];
		if (map->ops->kind != EBPF_MAP_ARRAY || op->off < 0 ||
		    (uint32_t)op->off >= map->value_size)
			return ebpf_verify_reject(
				env, EBPF_RULE_MAP_USE,
				"map %s has no direct value at offset %d",
				map->obj.name, op->off);
		dst->type = EBPF_V_VALUE;
		dst->fixed_element = 1;
		dst->off = op->off;
	}
	env->insn += 2;
	return 0;
}

/* *ended: this path goes no further. */
int
ebpf_verify_step(struct ebpf_venv *env, bool *ended)
{
	const struct ebpf_op *op = &env->ops[env->insn];
	int error;

	switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
		error = ebpf_verify_alu(env, op);
		break;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
		error = ebpf_verify_load(env, op);
		break;
	case EBPF_FORM_ST:
	case EBPF_FORM_STX:
	case EBPF_FORM_STORE_REL:
		error = ebpf_verify_store(env, op);
		break;
	case EBPF_FORM_ATOMIC:
		error = ebpf_verify_atomic(env, op);
		break;
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		env->insn += 1 + (uint32_t)op->off;
		return 0;
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		return jump(env, op, ended);
	case EBPF_FORM_CALL:
		if (op->code != EBPF_OP_CALL_HELPER)
			return ebpf_verify_reject(
				env, EBPF_RULE_UNSUPPORTED,
				"kernel functions are not available here");
		error = ebpf_verify_call_helper(env, op);
		break;
	case EBPF_FORM_CALL_LOCAL:
		return ebpf_verify_call_local(env, op);
	case EBPF_FORM_EXIT:
		return ebpf_verify_exit(env, ended);
	case EBPF_FORM_LDDW:
		return lddw(env, op);
	case EBPF_FORM_CALLX:
		return ebpf_verify_reject(env, EBPF_RULE_UNSUPPORTED,
					  "calls through a register are not "
					  "available here");
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
		error = ebpf_verify_load_packet(env, op);
		break;
	case EBPF_FORM_LDDW_HI:
	default:
		return ebpf_verify_reject(env, EBPF_RULE_JUMP,
					  "the second half of an lddw");
	}
	env->insn++;
	return error;
}

/* What is remembered of an instruction that a path comes to. */
static void
note_step(struct ebpf_venv *env, struct ebpf_vaux *aux)
{
	aux->flags |= EBPF_VA_SEEN;
	if (env->watch)
		env->watch(env->watch_arg, env);
	if (env->log->level)
		ebpf_verify_log_step(env);
}

/*
 * One instruction on a way that will not be gone: a fence goes before what must
 * not happen even so. Where no real path comes there is one already.
 */
static __attribute__((__noinline__)) int
step_astray(struct ebpf_venv *env, bool *ended)
{
	uint32_t at = env->insn;
	int error = 0;

	if ((env->state->depth == 1 &&
	     ebpf_op_info[env->ops[at].code].form == EBPF_FORM_EXIT) ||
	    !(env->aux[at].flags & EBPF_VA_SEEN)) {
		*ended = true;
		return 0;
	}
	if (env->state->ahead++ < AHEAD_MAX)
		error = ebpf_verify_step(env, ended);
	else
		error = -EBPF_EREJECTED;
	if (error != -EBPF_EREJECTED)
		return error;
	env->aux[at].flags |= EBPF_VA_FENCE;
	*ended = true;
	return 0;
}

int
ebpf_verify_walk(struct ebpf_venv *env)
{
	bool ended = false, more = true;
	int error = 0;

	env->fault.walked = true;
	while (!error && more) {
		struct ebpf_vaux *aux = &env->aux[env->insn];

		env->fault.steps = env->path.steps;
		if (++env->processed > env->processed_max)
			return ebpf_verify_limit(env, "insns_processed",
						 env->processed_max,
						 " instructions");
		error = ebpf_verify_effort(env, 1);
		ended = false;
		if (!error && aux->point)
			error = join(env, &env->points[aux->point - 1],
				     &ended);
		if (!error && !ended) {
			uint32_t at = env->insn;

			env->since++;
			env->path.steps++;
			if (!env->hardened)
				note_step(env, aux);
			if (env->state->ahead)
				error = step_astray(env, &ended);
			else
				error = ebpf_verify_step(env, &ended);
			if (error)
				env->insn = at;
		}
		if (!error && ended) {
			release(env, env->parent);
			error = ebpf_verify_resume(env, &more);
			env->fault.steps = env->path.steps - 1;
		}
	}
	return error;
}

static void
free_states(struct ebpf_venv *env, struct ebpf_vsnap *snap)
{
	struct ebpf_vsnap *next;

	for (; snap; snap = next) {
		next = snap->next;
		ebpf_verify_snap_free(env, snap);
	}
}

void
ebpf_verify_forget(struct ebpf_venv *env)
{
	uint32_t i;

	free_states(env, env->waiting);
	env->waiting = env->parent = NULL;
	for (i = 0; env->points && i < env->point_count; i++) {
		free_states(env, env->points[i].done);
		free_states(env, env->points[i].active);
		env->points[i].done = env->points[i].active = NULL;
	}
}
