/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How a state lies in a kept one: behind its head the references, then each
 * frame with the registers that are live and its slots. Written by pack.c, read
 * by it and by cover.c.
 */
#ifndef CORE_VERIFIER_PACK_H
#define CORE_VERIFIER_PACK_H

#include "core/verifier/verify.h"

struct ebpf_vpacked_frame {
	uint32_t func, call_insn;
	uint32_t regs; /* set of registers that follow */
	uint32_t slot_count;
	uint32_t callback, held;
	uint32_t loop_insn, loop_id, turns, rounds, loop_since;
	uint32_t slot_bytes; /* of the slots that follow the registers */
};

/* The head of a slot; the registers whose size is not 0 follow. */
struct ebpf_vpacked_slot {
	uint8_t bytes[8];
	uint8_t data[8];
	uint8_t spill_off[2], spill_size[2], fresh;
	uint8_t pad[3];
	uint32_t writer[8], teacher, pad2;
};

static inline const uint8_t *
ebpf_vsnap_packed(const struct ebpf_vsnap *snap)
{
	return (const uint8_t *)&snap->seen[snap->depth];
}

/* How many registers a slot holds. */
static inline uint32_t
ebpf_vslot_spills(const uint8_t *spill_size)
{
	return (spill_size[0] != 0) + (uint32_t)(spill_size[1] != 0);
}

/* The packed slot at `at`: behind it. */
static inline const uint8_t *
ebpf_verify_take_slot(struct ebpf_vslot *slot, const uint8_t *at)
{
	uint32_t h;

	memcpy(slot, at, sizeof(struct ebpf_vpacked_slot));
	at += sizeof(struct ebpf_vpacked_slot);
	for (h = 0; h < 2; h++) {
		if (!slot->spill_size[h])
			continue;
		memcpy(&slot->reg[h], at, sizeof(slot->reg[h]));
		at += sizeof(slot->reg[h]);
	}
	return at;
}

/* A packed slot where it lies. */
struct ebpf_vold {
	const struct ebpf_vpacked_slot *slot;
	const struct ebpf_vreg *reg[2]; /* where their sizes are not 0 */
};

static inline const uint8_t *
ebpf_verify_see_slot(struct ebpf_vold *old, const uint8_t *at)
{
	uint32_t h;

	old->slot = (const void *)at;
	at += sizeof(*old->slot);
	for (h = 0; h < 2; h++) {
		old->reg[h] = (const void *)at;
		if (old->slot->spill_size[h])
			at += sizeof(struct ebpf_vreg);
	}
	return at;
}

static inline bool
ebpf_vold_is_pointer(const struct ebpf_vold *old)
{
	return old->slot->spill_size[0] == 8 &&
	       ebpf_vreg_is_pointer(old->reg[0]);
}

/* The same for one that is not wanted. */
static inline const uint8_t *
ebpf_verify_pass_slot(const uint8_t *at)
{
	const struct ebpf_vpacked_slot *slot = (const void *)at;

	return at + sizeof(*slot) +
	       ebpf_vslot_spills(slot->spill_size) * sizeof(struct ebpf_vreg);
}

/* Where frame f goes on: env->insn, or behind the call it made. */
static inline uint32_t
ebpf_verify_goes_on_at(const struct ebpf_venv *env, uint32_t f)
{
	const struct ebpf_vstate *state = env->state;

	if (f + 1 == state->depth)
		return env->insn;
	/* a callback's caller calls again, with the same arguments */
	return state->frames[f + 1]->call_insn +
	       !state->frames[f + 1]->callback;
}

/* Registers of frame f that are read from there on. */
static inline uint32_t
ebpf_verify_live_regs(const struct ebpf_venv *env, uint32_t f)
{
	const struct ebpf_vstate *state = env->state;
	uint32_t live = env->live[ebpf_verify_goes_on_at(env, f)];

	/* callers: what is left after the call returns */
	if (f + 1 < state->depth && !state->frames[f + 1]->callback)
		live &= 0x3c0 | 0x3c0 << 16;
	return live;
}

#endif
