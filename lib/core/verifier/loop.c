/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Functions of the program that a helper calls again and again. At the call
 * the path forks: one way goes on behind it, the other calls the function once
 * more and comes back to the same instruction, where it ends as soon as the
 * state is covered by one that this loop has been in before. That the helper
 * itself comes to an end is its own affair, so coming back is no endless loop;
 * but only within one and the same loop.
 *
 * What is read after a state inside the loop includes what the whole loop
 * reads. That is only known when the loop has been explored, so it is assumed
 * from what the last round found, and a round that finds more is repeated.
 */
#include "core/each.h"
#include "core/verifier/verify.h"

enum {
	MANY = UINT32_MAX,  /* calls: nobody knows how many */
	COUNTED_MAX = 4096, /* more calls than that are not counted */
	TURNS = 16,	    /* calls before a state is widened */
	TURNS_COUNTED = 64, /* the same where calls are counted, */
	PATIENCE = 50000,   /* and instructions */
};

static const struct ebpf_helper *
helper_at(const struct ebpf_venv *env, uint32_t insn)
{
	const struct ebpf_op *op = &env->ops[insn];

	if (op->code != EBPF_OP_CALL_HELPER)
		return NULL;
	return ebpf_helper_find(env->prog->obj.rt, (uint32_t)op->imm);
}

bool
ebpf_verify_helper_loops(const struct ebpf_venv *env, uint32_t insn)
{
	const struct ebpf_helper *helper = helper_at(env, insn);

	return helper && (helper->flags & EBPF_HELPER_LOOP);
}

/* How often the helper calls, by what its first argument is known to be. */
static uint64_t
calls_max(const struct ebpf_venv *env, const struct ebpf_vframe *frame)
{
	const struct ebpf_vreg *r1 = &frame->regs[1];
	const struct ebpf_map *map;

	if (r1->type == EBPF_V_SCALAR) /* its low 32 bits */
		return r1->num.umax <= UINT32_MAX ? r1->num.umax :
						    r1->num.humax;
	if (r1->type != EBPF_V_MAP)
		return MANY;
	map = ebpf_verify_map_of(env, r1);
	/* inner maps that may be of any length say nothing of it */
	if (r1->inner && (map->flags & EBPF_F_INNER_MAP))
		return MANY;
	return map->ops->kind == EBPF_MAP_ARRAY ||
			       map->ops->kind == EBPF_MAP_PERCPU_ARRAY ?
		       map->max_entries :
		       MANY;
}

/* A processor that runs ahead may call once more than is right. */
static bool
is_counted(const struct ebpf_venv *env, const struct ebpf_vframe *frame)
{
	return !env->hardened && calls_max(env, frame) <= COUNTED_MAX;
}

void
ebpf_verify_loop_arrive(struct ebpf_venv *env)
{
	struct ebpf_vframe *frame = ebpf_verify_top(env);

	if (frame->loop_insn != env->insn + 1) {
		frame->loop_insn = env->insn + 1;
		frame->loop_id = ++env->next_loop;
		frame->turns = 0;
		frame->rounds = 0;
		frame->loop_since = (uint32_t)env->processed;
	}
	if (!is_counted(env, frame))
		frame->rounds = 0;
}

static void
leave(struct ebpf_vframe *frame)
{
	frame->loop_insn = frame->loop_id = 0;
	frame->turns = frame->rounds = 0;
	frame->loop_since = 0;
}

static int
note_edge(struct ebpf_venv *env, uint32_t func)
{
	uint32_t i;

	for (i = 0; i < env->edge_count; i++)
		if (env->edges[i].insn == env->insn &&
		    env->edges[i].func == func)
			return 0;
	if (i == EBPF_V_EDGES)
		return ebpf_verify_reject(env, EBPF_RULE_LIMIT,
					  "more than %d callbacks are passed",
					  EBPF_V_EDGES);
	env->edges[i].insn = env->insn;
	env->edges[i].func = func;
	env->edge_count++;
	return 0;
}

int
ebpf_verify_loop(struct ebpf_venv *env, const struct ebpf_helper *helper)
{
	struct ebpf_vframe *frame = ebpf_verify_top(env);
	struct ebpf_vreg *flags = &frame->regs[4];
	uint64_t max = calls_max(env, frame);
	bool simple = ebpf_vreg_is_zero(flags);
	uint32_t i;
	int error;

	ebpf_verify_loop_arrive(env);
	error = ebpf_verify_widen_again(env);
	if (!error && (is_counted(env, frame) ? frame->rounds < max :
						max > 0 || env->hardened)) {
		error = note_edge(env, frame->regs[2].map);
		if (!error)
			error = ebpf_verify_put_off(env);
	}
	if (error)
		return error;
	leave(frame);
	for (i = 0; i <= 5; i++)
		ebpf_vreg_none(&frame->regs[i]);
	if (simple && helper->number == EBPF_FUNC_loop &&
	    max <= EBPF_LOOPS_MAX)
		ebpf_vreg_upto(&frame->regs[0], max);
	else
		ebpf_vreg_scalar(&frame->regs[0]);
	frame->regs[0].guess = env->hardened;
	return 0;
}

/* r1..r4 of the callback, by the helper. */
static void
arguments(struct ebpf_venv *env, const struct ebpf_helper *helper,
	  const struct ebpf_vframe *caller, struct ebpf_vreg *regs)
{
	uint64_t max = calls_max(env, caller);

	if (helper->number == EBPF_FUNC_loop) {
		if (max > EBPF_LOOPS_MAX)
			max = EBPF_LOOPS_MAX;
		ebpf_vreg_upto(&regs[1], max - 1);
		regs[1].guess = env->hardened;
		regs[2] = caller->regs[3];
		return;
	}
	regs[1] = caller->regs[1];
	ebpf_vreg_const(&regs[2], 0);
	regs[2].type = EBPF_V_KEY;
	regs[2].map = regs[1].map;
	regs[2].inner = regs[1].inner;
	regs[2].origin = env->insn;
	regs[3] = regs[2];
	regs[3].type = EBPF_V_VALUE;
	/* whoever iterates keeps the key, until the callback returns */
	regs[2].frame = (uint8_t)(env->state->depth - 1);
	/* the name of the element, should it have a lock */
	regs[3].id = ebpf_verify_new_id(env);
	regs[4] = caller->regs[3];
}

int
ebpf_verify_callback(struct ebpf_venv *env)
{
	const struct ebpf_helper *helper = helper_at(env, env->insn);
	struct ebpf_vstate *state = env->state;
	struct ebpf_vframe *caller = ebpf_verify_top(env), *callee;
	uint32_t f = state->depth;

	if (f == EBPF_FRAME_MAX)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_DEPTH,
					  "calls nest more than %d functions "
					  "deep",
					  EBPF_FRAME_MAX);
	callee = ebpf_verify_new_frame(env);
	if (!callee)
		return -EBPF_ENOMEM;
	callee->func = caller->regs[2].map;
	callee->callback = 1;
	callee->held = state->ref_count;
	arguments(env, helper, caller, callee->regs);
	env->insn = env->funcs[callee->func].start;
	return 0;
}

int
ebpf_verify_callback_exit(struct ebpf_venv *env)
{
	struct ebpf_vstate *state = env->state;
	const struct ebpf_vframe *frame = ebpf_verify_top(env);
	struct ebpf_vframe *caller = state->frames[state->depth - 2];
	const struct ebpf_vreg *r0 = &frame->regs[0];
	int error;

	if (r0->type != EBPF_V_SCALAR)
		return ebpf_verify_reject(
			env, EBPF_RULE_RETURN_VALUE,
			"the callback must return 0 or 1; r0 is a %s",
			ebpf_verify_type_name(r0));
	if (r0->num.umax > 1 && !env->hardened)
		return ebpf_verify_reject(
			env, EBPF_RULE_RETURN_VALUE,
			"the callback must return 0 or 1; r0 may be from %lld "
			"to %lld",
			(long long)r0->num.smin, (long long)r0->num.smax);
	if (state->ref_count > frame->held)
		return ebpf_verify_reject(
			env, EBPF_RULE_REFERENCE,
			"the callback returns while what the call at %u gave "
			"was not released",
			state->refs[state->ref_count - 1].origin);
	error = ebpf_verify_holds_no_lock(env, "the callback returns");
	if (error)
		return error;
	env->insn = frame->call_insn;
	state->depth--;
	caller->turns++;
	caller->rounds++;
	return 0;
}

bool
ebpf_verify_in_callback(const struct ebpf_venv *env)
{
	uint32_t f;

	for (f = 0; f < env->state->depth; f++)
		if (env->state->frames[f]->callback)
			return true;
	return false;
}

/* ---- coming back ---- */

struct ebpf_vloop *
ebpf_verify_loop_at(struct ebpf_venv *env, uint32_t insn)
{
	uint32_t lo = 0, hi = env->loop_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (env->loops[mid].insn < insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < env->loop_count && env->loops[lo].insn == insn ?
		       &env->loops[lo] :
		       NULL;
}

void
ebpf_verify_loop_done(struct ebpf_venv *env, const struct ebpf_vsnap *snap)
{
	struct ebpf_vloop *loop = ebpf_verify_loop_at(env, snap->insn);
	uint32_t f, i;
	bool grew = false;

	for (f = 0; loop && f < snap->depth; f++) {
		const struct ebpf_vseen *more = &snap->seen[f];
		struct ebpf_vseen *all = &loop->seen[f];

		for (i = 0; i < 2; i++) {
			grew = grew || (more->read.of[i] & ~all->read.of[i]);
			all->read.of[i] |= more->read.of[i];
		}
		all->number |= more->number;
		for (i = 0; i < EBPF_V_SLOTS; i++) {
			grew = grew || (more->bytes[i] & ~all->bytes[i]);
			all->bytes[i] |= more->bytes[i];
		}
	}
	/* somebody believed that it was less */
	if (grew && loop->believed)
		env->changed = true;
}

/*
 * The slots' halves that differ from what they were become any number. What is
 * done depends only on the sets, so that the path can be gone again.
 */
static void
widen_half(struct ebpf_vslot *slot, uint32_t half)
{
	uint32_t from = half * 4, i;
	bool whole = true;

	for (i = from; i < from + 4; i++)
		whole = whole && slot->bytes[i] == EBPF_VB_CONST;
	slot->teacher = 0;
	if (slot->spill_size[0] == 8) {
		ebpf_vreg_scalar(&slot->reg[0]);
	} else if (slot->spill_size[half]) {
		ebpf_vreg_upto(&slot->reg[half],
			       ebpf_bits_mask(slot->spill_size[half] * 8u));
	} else if (whole) {
		ebpf_vreg_upto(&slot->reg[half], UINT32_MAX);
		slot->spill_off[half] = (uint8_t)from;
		slot->spill_size[half] = 4;
		memset(slot->bytes + from, EBPF_VB_SPILL, 4);
		memset(slot->data + from, 0, 4);
	}
	for (i = from; i < from + 4; i++)
		if (slot->bytes[i] == EBPF_VB_CONST) {
			slot->bytes[i] = EBPF_VB_MISC;
			slot->data[i] = 0;
		}
}

static void
widen(struct ebpf_venv *env, const struct ebpf_vwiden *widening)
{
	struct ebpf_vstate *state = env->state;
	uint32_t f, i;

	for (f = 0; f < state->depth; f++)
		for (i = 0; i < state->frames[f]->slot_count; i++) {
			struct ebpf_vslot *slot = &state->frames[f]->slots[i];

			if (widening->low[f] >> i & 1)
				widen_half(slot, 0);
			if (widening->high[f] >> i & 1)
				widen_half(slot, 1);
		}
}

int
ebpf_verify_widen_again(struct ebpf_venv *env)
{
	uint32_t i;

	for (i = 0; env->trail && i < env->widen_count; i++)
		if (env->widenings[i].steps == env->step_again)
			widen(env, &env->widenings[i]);
	return 0;
}

void
ebpf_verify_widen_forget(struct ebpf_venv *env, uint64_t steps)
{
	while (env->widen_count &&
	       env->widenings[env->widen_count - 1].steps >= steps)
		env->widen_count--;
}

static int
make_room(struct ebpf_venv *env)
{
	uint32_t room = env->widen_room ? env->widen_room * 2 : 16;
	struct ebpf_vwiden *more;

	if (env->widen_count < env->widen_room)
		return 0;
	more = os_alloc(room * sizeof(*more));
	if (!more)
		return -EBPF_ENOMEM;
	if (env->widen_count)
		memcpy(more, env->widenings,
		       env->widen_count * sizeof(*more));
	os_free(env->widenings);
	env->widenings = more;
	env->widen_room = room;
	return 0;
}

/* The loop goes on and on and something changes every time. */
static int
widen_from(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
	   const struct ebpf_vloop *loop, bool *any)
{
	const struct ebpf_vframe *frame = ebpf_verify_top(env);
	struct ebpf_vwiden *widening;
	uint32_t spent = (uint32_t)env->processed - frame->loop_since, f;
	int error;

	*any = false;
	if (is_counted(env, frame) ?
		    frame->turns < TURNS_COUNTED || spent < PATIENCE :
		    frame->turns < TURNS)
		return 0;
	error = make_room(env);
	if (error)
		return error;
	widening = &env->widenings[env->widen_count];
	widening->steps = env->path.steps;
	ebpf_verify_difference(env, snap, loop, widening);
	for (f = 0; f < env->state->depth; f++)
		*any = *any || widening->low[f] || widening->high[f];
	if (!*any)
		return 0;
	env->widen_count++;
	widen(env, widening);
	return 0;
}

int
ebpf_verify_loop_again(struct ebpf_venv *env, struct ebpf_vpoint *point,
		       bool *ended)
{
	struct ebpf_vloop *loop = ebpf_verify_loop_at(env, env->insn);
	const struct ebpf_vframe *frame = ebpf_verify_top(env);
	struct ebpf_vsnap *snap, *last = NULL;
	bool widened = false;
	uint32_t tries;
	int error;

	for (tries = 0; tries < 2; tries++) {
		for (snap = point->active; snap; snap = snap->next) {
			if (snap->loop_id != frame->loop_id)
				continue;
			if (!last)
				last = snap;
			env->effort += snap->size >> 7;
			if (!ebpf_verify_covered_loop(env, snap, loop))
				continue;
			loop->believed = true;
			ebpf_verify_mark_loop(env, loop);
			*ended = true;
			return 0;
		}
		if (tries || !last)
			break;
		error = widen_from(env, last, loop, &widened);
		if (error || !widened)
			return error;
	}
	return 0;
}
