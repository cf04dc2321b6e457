/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a path holds and must give back before it ends: references that a
 * helper gave, and one lock. Who acquires and releases is said by helper.def;
 * calls.c, jump.c and packet.c call here.
 */
#include "core/verifier/verify.h"

int
ebpf_verify_acquire(struct ebpf_venv *env, uint32_t size)
{
	struct ebpf_vstate *state = env->state;
	struct ebpf_vreg *r0 = &ebpf_verify_top(env)->regs[0];
	struct ebpf_vref *ref;

	if (state->ref_count == EBPF_V_REFS)
		return ebpf_verify_reject(
			env, EBPF_RULE_COMPLEXITY,
			"more than %d references are held at once",
			EBPF_V_REFS);
	ebpf_vreg_const(r0, 0);
	r0->type = EBPF_V_RECORD;
	r0->maybe_null = 1;
	r0->range = size;
	r0->id = ebpf_verify_new_id(env);
	r0->origin = env->insn;
	ref = &state->refs[state->ref_count++];
	ref->id = r0->id;
	ref->origin = env->insn;
	return 0;
}

void
ebpf_verify_drop(struct ebpf_venv *env, uint32_t id)
{
	struct ebpf_vstate *state = env->state;
	uint32_t i;

	for (i = 0; i < state->ref_count && state->refs[i].id != id; i++)
		;
	if (i == state->ref_count)
		return;
	state->ref_count--;
	memmove(&state->refs[i], &state->refs[i + 1],
		(state->ref_count - i) * sizeof(state->refs[0]));
}

static int
forget_record(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	const uint32_t *id = arg;

	if ((reg->type == EBPF_V_RECORD && reg->id == *id) ||
	    (reg->type == EBPF_V_SOCK && reg->range == *id))
		ebpf_vreg_none(reg);
	return 0;
}

void
ebpf_verify_release(struct ebpf_venv *env, uint32_t id)
{
	ebpf_verify_drop(env, id);
	ebpf_verify_each(env, forget_record, &id);
	ebpf_verify_drop_dead_spills(env);
}

int
ebpf_verify_lock(struct ebpf_venv *env, const struct ebpf_vreg *reg)
{
	struct ebpf_vlock *lock = &env->state->lock;

	if (lock->held)
		return ebpf_verify_reject(
			env, EBPF_RULE_LOCK,
			"a lock is taken while the one of the call at %u is "
			"held",
			lock->origin);
	lock->held = 1;
	lock->map = reg->map;
	lock->id = reg->id;
	lock->origin = env->insn;
	return 0;
}

int
ebpf_verify_unlock(struct ebpf_venv *env, const struct ebpf_vreg *reg)
{
	struct ebpf_vlock *lock = &env->state->lock;

	if (!lock->held)
		return ebpf_verify_reject(
			env, EBPF_RULE_LOCK,
			"a lock is given back that was not taken");
	if (lock->map != reg->map || lock->id != reg->id)
		return ebpf_verify_reject(
			env, EBPF_RULE_LOCK,
			"another lock is given back than the call at %u took",
			lock->origin);
	memset(lock, 0, sizeof(*lock));
	return 0;
}

int
ebpf_verify_holds_no_lock(struct ebpf_venv *env, const char *what)
{
	if (env->state->lock.held)
		return ebpf_verify_reject(
			env, EBPF_RULE_LOCK,
			"%s while the lock that the call at %u took is held",
			what, env->state->lock.origin);
	return 0;
}

int
ebpf_verify_holds_nothing(struct ebpf_venv *env, const char *what)
{
	const struct ebpf_vstate *state = env->state;

	if (state->ref_count)
		return ebpf_verify_reject(
			env, EBPF_RULE_REFERENCE,
			"%s while what the call at %u gave was not released",
			what, state->refs[0].origin);
	return ebpf_verify_holds_no_lock(env, what);
}
