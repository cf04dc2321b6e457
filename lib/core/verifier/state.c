/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Abstract states: making registers, going through all there are, and noting in
 * kept states what is read after them. Packing is in pack.c, comparison in
 * cover.c.
 */
#include "core/verifier/verify.h"

int
ebpf_verify_each(struct ebpf_venv *env,
		 int (*fn)(struct ebpf_venv *env, struct ebpf_vreg *reg,
			   const void *arg),
		 const void *arg)
{
	struct ebpf_vstate *state = env->state;
	uint32_t f, i, h;
	int result;

	for (f = 0; f < state->depth; f++) {
		struct ebpf_vframe *frame = state->frames[f];

		for (i = 0; i < EBPF_REG_FP; i++) {
			if (frame->regs[i].type == EBPF_V_NONE)
				continue;
			env->each.frame = f;
			env->each.reg = i;
			env->each.slot = NULL;
			result = fn(env, &frame->regs[i], arg);
			if (result)
				return result;
		}
		for (i = 0; i < frame->slot_count; i++) {
			env->each.slot = &frame->slots[i];
			for (h = 0; h < 2; h++) {
				if (!frame->slots[i].spill_size[h])
					continue;
				result = fn(env, &frame->slots[i].reg[h], arg);
				if (result)
					return result;
			}
		}
	}
	return 0;
}

int
ebpf_verify_each_named(struct ebpf_venv *env, uint32_t id,
		       int (*fn)(struct ebpf_venv *env, struct ebpf_vreg *reg,
				 const void *arg),
		       const void *arg)
{
	struct ebpf_vstate *state = env->state;
	uint32_t f, i, h;
	int result;

	for (f = 0; f < state->depth; f++) {
		struct ebpf_vframe *frame = state->frames[f];

		env->each.frame = f;
		env->each.slot = NULL;
		for (i = 0; i < EBPF_REG_FP; i++) {
			if (frame->regs[i].id != id ||
			    frame->regs[i].type == EBPF_V_NONE)
				continue;
			env->each.reg = i;
			result = fn(env, &frame->regs[i], arg);
			if (result)
				return result;
		}
		for (i = 0; i < frame->slot_count; i++) {
			struct ebpf_vslot *slot = &frame->slots[i];

			for (h = 0; h < 2; h++) {
				if (!slot->spill_size[h] ||
				    slot->reg[h].id != id)
					continue;
				env->each.slot = slot;
				result = fn(env, &slot->reg[h], arg);
				if (result)
					return result;
			}
		}
	}
	return 0;
}

void
ebpf_verify_drop_dead_spills(struct ebpf_venv *env)
{
	uint32_t f, i, b;

	for (f = 0; f < env->state->depth; f++) {
		struct ebpf_vframe *frame = env->state->frames[f];

		for (i = 0; i < frame->slot_count; i++) {
			struct ebpf_vslot *slot = &frame->slots[i];

			/* only pointers die, and they are the whole slot */
			if (!slot->spill_size[0] ||
			    slot->reg[0].type != EBPF_V_NONE)
				continue;
			for (b = 0; b < 8; b++)
				slot->bytes[b] = EBPF_VB_NONE;
			slot->spill_size[0] = slot->spill_off[0] = 0;
		}
	}
}

static void
need(struct ebpf_venv *env, uint32_t maker)
{
	if (maker)
		ebpf_verify_need_numbers(env, maker - 1);
}

/* Whoever made what these bytes hold now did something that matters. */
static void
need_makers(struct ebpf_venv *env, uint32_t frame, uint32_t index,
	    uint32_t bytes)
{
	const struct ebpf_vframe *f = env->state->frames[frame];
	uint32_t i;

	if (index >= f->slot_count)
		return;
	for (i = 0; i < 8; i++)
		if (bytes >> i & 1)
			need(env, f->slots[index].writer[i]);
	need(env, f->slots[index].teacher);
}

static struct ebpf_vhalves
without(struct ebpf_vhalves some, const struct ebpf_vhalves *others)
{
	some.of[0] &= ~others->of[0];
	some.of[1] &= ~others->of[1];
	return some;
}

/* Bytes of a slot but for those of its halves that are among some. */
static uint32_t
bytes_without(uint32_t bytes, uint32_t slot, const struct ebpf_vhalves *some)
{
	return bytes & ~((some->of[0] >> slot & 1) * 0x0f) &
	       ~((some->of[1] >> slot & 1) * 0xf0);
}

void
ebpf_verify_mark_read(struct ebpf_venv *env, uint32_t frame,
		      struct ebpf_vhalves slots)
{
	struct ebpf_vsnap *snap;
	struct ebpf_vseen *seen;

	slots = without(slots, &env->written[frame]);
	for (snap = env->parent; snap && (slots.of[0] | slots.of[1]);
	     snap = snap->parent) {
		/* before the frame was there, or known further up already */
		if (frame >= snap->depth)
			return;
		seen = &snap->seen[frame];
		slots = without(slots, &seen->read);
		seen->read.of[0] |= slots.of[0];
		seen->read.of[1] |= slots.of[1];
		slots = without(slots, &seen->written);
	}
}

void
ebpf_verify_mark_number(struct ebpf_venv *env, uint32_t frame, uint32_t slot,
			uint32_t bytes)
{
	struct ebpf_vsnap *snap;
	struct ebpf_vseen *seen;

	need_makers(env, frame, slot, bytes);
	bytes = bytes_without(bytes, slot, &env->written[frame]);
	for (snap = env->parent; snap && frame < snap->depth;
	     snap = snap->parent) {
		seen = &snap->seen[frame];
		bytes &= ~(uint32_t)seen->bytes[slot];
		if (!bytes)
			return;
		seen->bytes[slot] |= (uint8_t)bytes;
		seen->number |= 1ULL << slot;
		bytes = bytes_without(bytes, slot, &seen->written);
	}
}

static void
mark_all(struct ebpf_venv *env, uint32_t depth, const struct ebpf_vseen *seen)
{
	uint64_t left;
	uint32_t f, i;

	for (f = 0; f < depth; f++) {
		ebpf_verify_mark_read(env, f, seen[f].read);
		for (left = seen[f].number; left; left &= left - 1) {
			i = (uint32_t)__builtin_ctzll(left);
			ebpf_verify_mark_number(env, f, i, seen[f].bytes[i]);
		}
	}
}

void
ebpf_verify_mark_same(struct ebpf_venv *env, const struct ebpf_vsnap *from)
{
	mark_all(env, from->depth, from->seen);
}

void
ebpf_verify_mark_loop(struct ebpf_venv *env, const struct ebpf_vloop *from)
{
	mark_all(env, env->state->depth, from->seen);
}
