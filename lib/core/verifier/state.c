/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Abstract states: making registers, packing the live part of a state into one
 * piece of memory, and deciding whether one state covers another. Knows what
 * registers and stack bytes are, not what instructions do to them.
 */
#include "core/verifier/verify.h"

void
ebpf_vreg_none(struct ebpf_vreg *reg)
{
	memset(reg, 0, sizeof(*reg));
}

static void
plain(struct ebpf_vreg *reg)
{
	reg->type = EBPF_V_SCALAR;
	reg->maybe_null = reg->shl = reg->frame = reg->fixed_element = 0;
	reg->inner = 0;
	reg->guess = 0;
	reg->id = reg->range = reg->map = reg->origin = 0;
	reg->off = 0;
}

void
ebpf_vreg_scalar(struct ebpf_vreg *reg)
{
	plain(reg);
	ebpf_num_unknown(&reg->num, 64);
}

void
ebpf_vreg_const(struct ebpf_vreg *reg, uint64_t value)
{
	plain(reg);
	ebpf_num_const(&reg->num, value, 64);
}

void
ebpf_vreg_upto(struct ebpf_vreg *reg, uint64_t max)
{
	plain(reg);
	ebpf_num_upto(&reg->num, max, 64);
}

bool
ebpf_vreg_is_pointer(const struct ebpf_vreg *reg)
{
	return reg->type != EBPF_V_NONE && reg->type != EBPF_V_SCALAR;
}

bool
ebpf_vreg_is_zero(const struct ebpf_vreg *reg)
{
	return reg->type == EBPF_V_SCALAR && reg->num.umax == 0;
}

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
		struct ebpf_vframe *frame = &state->frames[f];

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

void
ebpf_verify_drop_dead_spills(struct ebpf_venv *env)
{
	uint32_t f, i, b;

	for (f = 0; f < env->state->depth; f++) {
		struct ebpf_vframe *frame = &env->state->frames[f];

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
	const struct ebpf_vframe *f = &env->state->frames[frame];
	uint32_t i;

	if (index >= f->slot_count)
		return;
	for (i = 0; i < 8; i++)
		if (bytes >> i & 1)
			need(env, f->slots[index].writer[i]);
	need(env, f->slots[index].teacher);
}

void
ebpf_verify_mark_read(struct ebpf_venv *env, uint32_t frame, uint64_t slots)
{
	struct ebpf_vsnap *snap;
	uint64_t fresh;

	slots &= ~env->written[frame];
	for (snap = env->parent; snap && slots; snap = snap->parent) {
		/* before the frame was there, or known further up already */
		if (frame >= snap->depth)
			return;
		fresh = slots & ~snap->read[frame];
		snap->read[frame] |= fresh;
		slots = fresh & ~snap->written[frame];
	}
}

void
ebpf_verify_mark_number(struct ebpf_venv *env, uint32_t frame, uint32_t slot,
			uint32_t bytes)
{
	uint64_t bit = 1ULL << slot;
	struct ebpf_vsnap *snap;

	need_makers(env, frame, slot, bytes);
	if (env->written[frame] & bit)
		return;
	for (snap = env->parent; snap && frame < snap->depth;
	     snap = snap->parent) {
		bytes &= ~(uint32_t)snap->bytes[frame][slot];
		if (!bytes)
			return;
		snap->bytes[frame][slot] |= (uint8_t)bytes;
		snap->number[frame] |= bit;
		if (snap->written[frame] & bit)
			return;
	}
}

static void
mark_all(struct ebpf_venv *env, uint32_t depth, const uint64_t *read,
	 const uint64_t *number, const uint8_t (*bytes)[EBPF_V_SLOTS])
{
	uint64_t left;
	uint32_t f, i;

	for (f = 0; f < depth; f++) {
		ebpf_verify_mark_read(env, f, read[f]);
		for (left = number[f]; left; left &= left - 1) {
			i = (uint32_t)__builtin_ctzll(left);
			ebpf_verify_mark_number(env, f, i, bytes[f][i]);
		}
	}
}

void
ebpf_verify_mark_same(struct ebpf_venv *env, const struct ebpf_vsnap *from)
{
	mark_all(env, from->depth, from->read, from->number, from->bytes);
}

void
ebpf_verify_mark_loop(struct ebpf_venv *env, const struct ebpf_vloop *from)
{
	mark_all(env, env->state->depth, from->read, from->number,
		 from->bytes);
}

/* ---- packing ---- */

struct packed_frame {
	uint32_t func, call_insn;
	uint32_t regs; /* set of registers that follow */
	uint32_t slot_count;
	uint32_t callback, held;
	uint32_t loop_insn, loop_id, turns, rounds, loop_since;
	uint32_t pad;
};

/* The head of a slot; the registers whose size is not 0 follow. */
struct packed_slot {
	uint8_t bytes[8];
	uint8_t data[8];
	uint8_t spill_off[2], spill_size[2], fresh;
	uint8_t pad[3];
	uint32_t writer[8], teacher, pad2;
};

static size_t
spills(const uint8_t *spill_size)
{
	return (spill_size[0] != 0) + (size_t)(spill_size[1] != 0);
}

/* The packed slot at `at`: behind it. */
static const uint8_t *
take_slot(struct ebpf_vslot *slot, const uint8_t *at)
{
	uint32_t h;

	memcpy(slot, at, sizeof(struct packed_slot));
	at += sizeof(struct packed_slot);
	for (h = 0; h < 2; h++) {
		if (!slot->spill_size[h])
			continue;
		memcpy(&slot->reg[h], at, sizeof(slot->reg[h]));
		at += sizeof(slot->reg[h]);
	}
	return at;
}

/* Registers of frame f that are read from env->insn on. */
static uint32_t
live_regs(const struct ebpf_venv *env, uint32_t f)
{
	const struct ebpf_vstate *state = env->state;

	if (f + 1 == state->depth)
		return env->live[env->insn];
	/* a callback's caller calls again, with the same arguments */
	if (state->frames[f + 1].callback)
		return env->live[state->frames[f + 1].call_insn];
	/* callers: what is left after the call returns */
	return env->live[state->frames[f + 1].call_insn + 1] &
	       (0x3c0 | 0x3c0 << 16);
}

bool
ebpf_verify_number_matters(const struct ebpf_venv *env, uint32_t f,
			   uint32_t reg)
{
	return live_regs(env, f) >> 16 & 1u << reg;
}

static uint32_t
present(const struct ebpf_vframe *frame, uint32_t live)
{
	uint32_t set = 0, i;

	for (i = 0; i < EBPF_REG_FP; i++)
		if ((live & 1u << i) && frame->regs[i].type != EBPF_V_NONE)
			set |= 1u << i;
	return set;
}

static size_t
packed_size(const struct ebpf_venv *env)
{
	const struct ebpf_vstate *state = env->state;
	size_t size = sizeof(struct ebpf_vsnap) +
		      state->ref_count * sizeof(struct ebpf_vref);
	uint32_t f, i, set;

	for (f = 0; f < state->depth; f++) {
		const struct ebpf_vframe *frame = &state->frames[f];

		size += sizeof(struct packed_frame);
		for (set = present(frame, live_regs(env, f)); set;
		     set &= set - 1)
			size += sizeof(struct ebpf_vreg);
		size += frame->slot_count * sizeof(struct packed_slot);
		for (i = 0; i < frame->slot_count; i++)
			size += spills(frame->slots[i].spill_size) *
				sizeof(struct ebpf_vreg);
	}
	return size;
}

static uint8_t *
put(uint8_t *at, const void *what, size_t size)
{
	memcpy(at, what, size);
	return at + size;
}

static uint8_t *
pack_frame(const struct ebpf_vframe *frame, uint32_t live, uint8_t *at)
{
	struct packed_frame head = {0};
	uint32_t i, h;

	head.func = frame->func;
	head.call_insn = frame->call_insn;
	head.regs = present(frame, live);
	head.slot_count = frame->slot_count;
	head.callback = frame->callback;
	head.held = frame->held;
	head.loop_insn = frame->loop_insn;
	head.loop_id = frame->loop_id;
	head.turns = frame->turns;
	head.rounds = frame->rounds;
	head.loop_since = frame->loop_since;
	at = put(at, &head, sizeof(head));
	for (i = 0; i < EBPF_REG_FP; i++)
		if (head.regs & 1u << i)
			at = put(at, &frame->regs[i], sizeof(frame->regs[i]));
	for (i = 0; i < frame->slot_count; i++) {
		const struct ebpf_vslot *slot = &frame->slots[i];

		at = put(at, slot, sizeof(struct packed_slot));
		for (h = 0; h < 2; h++)
			if (slot->spill_size[h])
				at = put(at, &slot->reg[h],
					 sizeof(slot->reg[h]));
	}
	return at;
}

_Static_assert(offsetof(struct ebpf_vslot, reg) == sizeof(struct packed_slot),
	       "a packed slot is a slot's head");
_Static_assert(sizeof(struct packed_frame) % 8 == 0 &&
		       sizeof(struct ebpf_vsnap) % 8 == 0 &&
		       sizeof(struct ebpf_vref) % 8 == 0 &&
		       sizeof(struct ebpf_vreg) % 8 == 0,
	       "packed pieces stay aligned");

int
ebpf_verify_pack(struct ebpf_venv *env, struct ebpf_vsnap **snap)
{
	struct ebpf_vstate *state = env->state;
	const struct ebpf_vframe *top = ebpf_verify_top(env);
	size_t size;
	uint8_t *at;
	uint32_t f;
	int error;

	size = packed_size(env);
	error = ebpf_verify_charge(env, size);
	if (error)
		return error;
	*snap = os_alloc(size);
	if (!*snap) {
		env->mem -= size;
		return -EBPF_ENOMEM;
	}
	if (++env->states > env->stats->states_peak)
		env->stats->states_peak = env->states;
	env->stats->states_total++;
	(*snap)->size = (uint32_t)size;
	(*snap)->insn = env->insn;
	(*snap)->depth = (uint8_t)state->depth;
	(*snap)->loop_id = top->loop_id;
	(*snap)->first = top->loop_id && !top->turns;
	(*snap)->lock = state->lock;
	(*snap)->ref_count = (uint8_t)state->ref_count;
	(*snap)->len = state->len;
	(*snap)->len_guess = state->len_guess;
	(*snap)->ahead = state->ahead;
	at = put((uint8_t *)(*snap + 1), state->refs,
		 state->ref_count * sizeof(state->refs[0]));
	for (f = 0; f < state->depth; f++)
		at = pack_frame(&state->frames[f], live_regs(env, f), at);
	return 0;
}

void
ebpf_verify_snap_free(struct ebpf_venv *env, struct ebpf_vsnap *snap)
{
	env->mem -= snap->size;
	env->states--;
	os_free(snap);
}

void
ebpf_verify_unpack(struct ebpf_venv *env, const struct ebpf_vsnap *snap)
{
	const uint8_t *at = (const uint8_t *)(snap + 1);
	struct ebpf_vstate *state = env->state;
	uint32_t f, i;

	state->depth = snap->depth;
	env->insn = snap->insn;
	state->len = snap->len;
	state->len_guess = snap->len_guess;
	state->ahead = snap->ahead;
	state->lock = snap->lock;
	state->ref_count = snap->ref_count;
	memcpy(state->refs, at, state->ref_count * sizeof(state->refs[0]));
	at += state->ref_count * sizeof(state->refs[0]);
	for (f = 0; f < state->depth; f++) {
		struct ebpf_vframe *frame = &state->frames[f];
		struct packed_frame head;

		memcpy(&head, at, sizeof(head));
		at += sizeof(head);
		frame->func = head.func;
		frame->call_insn = head.call_insn;
		frame->slot_count = head.slot_count;
		frame->callback = head.callback;
		frame->held = head.held;
		frame->loop_insn = head.loop_insn;
		frame->loop_id = head.loop_id;
		frame->turns = head.turns;
		frame->rounds = head.rounds;
		frame->loop_since = head.loop_since;
		memset(frame->regs, 0, sizeof(frame->regs));
		for (i = 0; i < EBPF_REG_FP; i++) {
			if (!(head.regs & 1u << i))
				continue;
			memcpy(&frame->regs[i], at, sizeof(frame->regs[i]));
			at += sizeof(frame->regs[i]);
		}
		frame->regs[EBPF_REG_FP].type = EBPF_V_STACK;
		frame->regs[EBPF_REG_FP].frame = (uint8_t)f;
		ebpf_num_const(&frame->regs[EBPF_REG_FP].num, 0, 64);
		for (i = 0; i < head.slot_count; i++)
			at = take_slot(&frame->slots[i], at);
	}
}

/* ---- comparison ---- */

/*
 * Ids are names: what matters is that registers which shared one in the old
 * state share one in the new. Number 0 shares with nobody.
 */
static bool
same_id(struct ebpf_venv *env, uint32_t old, uint32_t cur, bool exact)
{
	uint32_t i;

	if (old == EBPF_V_ID_LEN || (exact && cur == EBPF_V_ID_LEN))
		return old == cur;
	if (old == 0 && (!exact || cur == 0))
		return true;
	if (old == 0 || cur == 0)
		return false;
	for (i = 0; i < env->id_count; i++) {
		if (env->ids[i][0] == old)
			return env->ids[i][1] == cur;
		if (exact && env->ids[i][1] == cur)
			return false;
	}
	if (env->id_count == EBPF_V_IDS)
		return false;
	env->ids[env->id_count][0] = old;
	env->ids[env->id_count++][1] = cur;
	return true;
}

static bool
covers_num(const struct ebpf_num *old, const struct ebpf_num *cur, bool exact)
{
	return exact ? ebpf_num_equal(old, cur) : ebpf_num_includes(old, cur);
}

/* What did well as a guess does well for certain; not the other way round. */
static bool
covers_guess(uint8_t old, uint8_t cur, bool exact)
{
	return exact ? old == cur : old >= cur;
}

static bool
covers_reg(struct ebpf_venv *env, const struct ebpf_vreg *old,
	   const struct ebpf_vreg *cur, bool value, bool exact)
{
	if (old->type != cur->type)
		return false;
	switch (old->type) {
	case EBPF_V_NONE:
		return true;
	case EBPF_V_SCALAR:
		if (!value)
			return true;
		if (!covers_num(&old->num, &cur->num, exact) ||
		    !covers_guess(old->guess, cur->guess, exact))
			return false;
		if (exact && (old->id != 0) != (cur->id != 0))
			return false;
		if (old->id == 0)
			return true;
		return old->shl == cur->shl && old->off == cur->off &&
		       (exact ? old->range == cur->range :
				old->range <= cur->range) &&
		       same_id(env, old->id, cur->id, exact);
	case EBPF_V_CTX:
	case EBPF_V_STACK:
	case EBPF_V_PKT:
	case EBPF_V_PKT_META:
	case EBPF_V_PKT_END:
	case EBPF_V_MEM:
	case EBPF_V_MAP:
	case EBPF_V_VALUE:
	case EBPF_V_RECORD:
	case EBPF_V_FUNC:
	case EBPF_V_KEY:
		break;
	case EBPF_V_SOCK: /* range is a name */
		return old->maybe_null == cur->maybe_null &&
		       old->map == cur->map && old->off == cur->off &&
		       covers_num(&old->num, &cur->num, exact) &&
		       same_id(env, old->range, cur->range, true) &&
		       same_id(env, old->id, cur->id, exact);
	}
	return old->maybe_null == cur->maybe_null &&
	       old->frame == cur->frame && old->map == cur->map &&
	       old->fixed_element == cur->fixed_element &&
	       old->inner == cur->inner &&
	       old->off == cur->off &&
	       (exact ? old->range == cur->range : old->range <= cur->range) &&
	       covers_num(&old->num, &cur->num, exact) &&
	       covers_guess(old->guess, cur->guess, exact) &&
	       same_id(env, old->id, cur->id, exact);
}

/*
 * Some number for some number, byte by byte; the same, or less known, for those
 * bytes whose number matters.
 */
static bool
covers_slot(struct ebpf_venv *env, const struct ebpf_vslot *old,
	    const struct ebpf_vslot *cur, uint32_t numbers, bool exact)
{
	struct ebpf_vreg *number = &env->scratch[0];
	uint32_t i, spill;

	if (!covers_guess(old->fresh, cur->fresh, exact))
		return false;
	if (exact || ebpf_vslot_is_pointer(old))
		numbers = 0xff;

	if (exact && (memcmp(old->bytes, cur->bytes, sizeof(old->bytes)) ||
		      memcmp(old->spill_size, cur->spill_size,
			     sizeof(old->spill_size)) ||
		      memcmp(old->spill_off, cur->spill_off,
			     sizeof(old->spill_off))))
		return false;
	for (i = 0; i < 8; i++) {
		if (old->bytes[i] == EBPF_VB_NONE) {
			/* was never read, or for some number */
			if (ebpf_verify_may_leak(env) &&
			    ebpf_vslot_is_pointer(cur))
				return false;
			continue;
		}
		if (old->bytes[i] != EBPF_VB_SPILL || !(numbers >> i & 1)) {
			if (cur->bytes[i] == EBPF_VB_NONE ||
			    ebpf_vslot_is_pointer(cur))
				return false;
		}
		if (old->bytes[i] == EBPF_VB_CONST && (numbers >> i & 1) &&
		    (cur->bytes[i] != EBPF_VB_CONST ||
		     cur->data[i] != old->data[i]))
			return false;
	}
	for (i = 0; i < 2; i++) {
		spill = ((1u << old->spill_size[i]) - 1) << old->spill_off[i];
		if ((numbers & spill) &&
		    (!ebpf_verify_slot_number(cur, old->spill_off[i],
					      old->spill_size[i], number) ||
		     !covers_reg(env, &old->reg[i], number, true, exact)))
			return false;
	}
	return true;
}

/*
 * The same lock is held, and as many references, by whatever names: the oldest
 * of one is the oldest of the other. Each has a name of its own in both, so the
 * pairs are one to one.
 */
static bool
same_held(struct ebpf_venv *env, const struct ebpf_vsnap *snap)
{
	const struct ebpf_vref *old = (const struct ebpf_vref *)(snap + 1);
	const struct ebpf_vstate *state = env->state;
	uint32_t i;

	if (snap->ref_count != state->ref_count ||
	    snap->lock.held != state->lock.held)
		return false;
	if (snap->lock.held && (snap->lock.map != state->lock.map ||
				!same_id(env, snap->lock.id, state->lock.id,
					 true)))
		return false;
	for (i = 0; i < state->ref_count; i++)
		if (!same_id(env, old[i].id, state->refs[i].id, true))
			return false;
	return true;
}

/* ---- the numbers that tell states of one place apart at a glance ---- */

/* Registers of the top frame that hold known numbers which matter. */
static uint32_t
known_regs(const struct ebpf_venv *env)
{
	const struct ebpf_vreg *regs = env->state->frames[env->state->depth - 1].regs;
	uint32_t set = 0, live = env->live[env->insn], i;

	for (i = 0; i < EBPF_REG_FP; i++)
		if ((live >> i & live >> (16 + i) & 1) &&
		    regs[i].type == EBPF_V_SCALAR &&
		    ebpf_num_is_const(&regs[i].num))
			set |= 1u << i;
	return set;
}

/* Their numbers as one; false: one of them is no known number. */
static bool
key_of(const struct ebpf_venv *env, uint32_t set, uint64_t *key)
{
	const struct ebpf_vreg *regs = env->state->frames[env->state->depth - 1].regs;
	uint32_t i;

	*key = set;
	for (i = 0; set >> i; i++) {
		if (!(set >> i & 1))
			continue;
		if (regs[i].type != EBPF_V_SCALAR ||
		    !ebpf_num_is_const(&regs[i].num))
			return false;
		*key = (*key ^ regs[i].num.umin) * 0x9e3779b97f4a7c15ULL;
		*key ^= *key >> 32;
	}
	return true;
}

void
ebpf_verify_make_key(const struct ebpf_venv *env, struct ebpf_vsnap *snap)
{
	snap->key_regs = known_regs(env);
	key_of(env, snap->key_regs, &snap->key);
}

/* A known number covers itself alone, so other keys need no closer look. */
static bool
may_cover(struct ebpf_venv *env, const struct ebpf_vsnap *snap)
{
	if (!snap->key_regs)
		return true;
	if (env->key.processed != env->processed ||
	    env->key.regs != snap->key_regs) {
		env->key.processed = env->processed;
		env->key.regs = snap->key_regs;
		env->key.is_known = key_of(env, snap->key_regs, &env->key.key);
	}
	return env->key.is_known && env->key.key == snap->key;
}

/*
 * In a loop of a helper's: from a state that is still being explored only its
 * own loop may come back, so a state inside a loop says nothing of the inside
 * of another one. And who may make fewer calls explored less.
 */
static bool
covers_loop(const struct ebpf_vsnap *snap, const struct packed_frame *old,
	    const struct ebpf_vframe *cur, bool top, bool exact)
{
	/* another call of the same loop is no way back */
	if (exact)
		return old->rounds == cur->rounds && old->turns == cur->turns;
	return (old->loop_id == cur->loop_id || (top && snap->first)) &&
	       old->rounds <= cur->rounds;
}

/* Halves of a slot of numbers that old does not have as they are now. */
static uint32_t
halves(struct ebpf_venv *env, const struct ebpf_vslot *old,
       const struct ebpf_vslot *cur)
{
	uint32_t set = 0, i, h;

	if (ebpf_vslot_is_pointer(cur))
		return 0;
	for (i = 0; i < 8; i++)
		if (old->bytes[i] != cur->bytes[i] ||
		    old->data[i] != cur->data[i])
			set |= 1u << i / 4;
	for (h = 0; h < 2; h++)
		if (cur->spill_size[h] &&
		    (old->spill_size[h] != cur->spill_size[h] ||
		     old->spill_off[h] != cur->spill_off[h] ||
		     !covers_reg(env, &old->reg[h], &cur->reg[h], true,
				 false)))
			set |= cur->spill_size[h] == 8 ? 3u : 1u << h;
	return set;
}

/*
 * Compare with snap: which of its slots are read, and which of their bytes as
 * numbers. widening: compare slots only, and tell which differ.
 */
static bool
covered(struct ebpf_venv *env, const struct ebpf_vsnap *snap, bool exact,
	const uint64_t *read, const uint8_t (*bytes)[EBPF_V_SLOTS],
	struct ebpf_vwiden *widening)
{
	const uint8_t *at = (const uint8_t *)(snap + 1);
	const struct ebpf_vstate *state = env->state;
	/* an empty slot, and one being read from the packed form */
	static const struct ebpf_vslot empty;
	struct ebpf_vslot *old;
	uint32_t f, i;

	if (snap->depth != state->depth ||
	    (!widening && !may_cover(env, snap)))
		return false;
	env->id_count = 0;
	if (!widening && (!covers_num(&snap->len, &state->len, exact) ||
			  !covers_guess(snap->len_guess, state->len_guess,
					exact) ||
			  /* what a stray path was spared says nothing of a
			   * real one */
			  (snap->ahead && !state->ahead) ||
			  !same_held(env, snap)))
		return false;
	at += snap->ref_count * sizeof(struct ebpf_vref);
	for (f = 0; f < state->depth; f++) {
		const struct ebpf_vframe *frame = &state->frames[f];
		struct packed_frame head;
		uint32_t live = live_regs(env, f);

		memcpy(&head, at, sizeof(head));
		at += sizeof(head);
		if (head.call_insn != frame->call_insn ||
		    head.func != frame->func ||
		    !covers_loop(snap, &head, frame, f + 1 == state->depth,
				 exact))
			return false;
		for (i = 0; i < EBPF_REG_FP; i++) {
			if (!(head.regs & 1u << i)) {
				if (exact && (live & 1u << i) &&
				    frame->regs[i].type != EBPF_V_NONE)
					return false;
				continue;
			}
			if (!widening &&
			    !covers_reg(env, (const struct ebpf_vreg *)(const void *)at,
					&frame->regs[i],
					live & 1u << (16 + i), exact))
				return false;
			at += sizeof(struct ebpf_vreg);
		}
		if (exact && head.slot_count != frame->slot_count)
			return false;
		for (i = 0; i < head.slot_count; i++) {
			old = &env->old_slot;
			at = take_slot(old, at);
			/* what nothing reads may be anything */
			if (!exact && !(read[f] >> i & 1))
				continue;
			if (covers_slot(env, old,
					i < frame->slot_count ?
						&frame->slots[i] :
						&empty,
					bytes[f][i], exact))
				continue;
			if (!widening)
				return false;
			if (i < frame->slot_count) {
				uint64_t set = halves(env, old,
						      &frame->slots[i]);

				widening->low[f] |= (set & 1) << i;
				widening->high[f] |= (set >> 1) << i;
			}
		}
	}
	return true;
}

bool
ebpf_verify_covered(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
		    bool exact)
{
	return covered(env, snap, exact, snap->read, snap->bytes, NULL);
}

bool
ebpf_verify_covered_loop(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
			 const struct ebpf_vloop *loop)
{
	return covered(env, snap, false, loop->read, loop->bytes, NULL);
}

void
ebpf_verify_difference(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
		       const struct ebpf_vloop *loop,
		       struct ebpf_vwiden *widening)
{
	memset(widening->low, 0, sizeof(widening->low));
	memset(widening->high, 0, sizeof(widening->high));
	covered(env, snap, false, loop->read, loop->bytes, widening);
}
