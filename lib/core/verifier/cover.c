/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whether one state covers another: whatever was found safe from a kept state
 * on is then safe from the current one on, so that its path need not be walked.
 * All that may matter to what follows is compared; nothing else is.
 */
#include "core/verifier/pack.h"

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
	case EBPF_V_LOW:
	case EBPF_V_FUNC:
	case EBPF_V_KEY:
	case EBPF_V_GIVEN:
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
 * Where no byte's number matters: whatever is read of what was written is
 * written now, too, and no pointer's.
 */
static bool
covers_bytes(const struct ebpf_vold *old, const struct ebpf_vslot *cur,
	     uint32_t read)
{
	uint64_t was, is, low = read & 0x0f ? 0x01010101 : 0;
	uint64_t high = read & 0xf0 ? 0x01010101 : 0;
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	memcpy(&was, old->slot->bytes, sizeof(was));
	memcpy(&is, cur->bytes, sizeof(is));
	/* a bit for each byte that is not NONE */
	was = (was | was >> 1) & (little ? low | high << 32 : high | low << 32);
	is |= is >> 1;
	return was == 0 || (!(was & ~is) && !ebpf_vslot_is_pointer(cur));
}

/*
 * Some number for some number, byte by byte of those that are read; the same,
 * or less known, for those bytes whose number matters.
 */
static bool
covers_slot(struct ebpf_venv *env, const struct ebpf_vold *view,
	    const struct ebpf_vslot *cur, uint32_t read, uint32_t numbers,
	    bool exact)
{
	const struct ebpf_vpacked_slot *old = view->slot;
	struct ebpf_vreg *number = &env->scratch[0];
	uint32_t i, spill;

	if (!covers_guess(old->fresh, cur->fresh, exact))
		return false;
	if (exact || ebpf_vold_is_pointer(view))
		numbers = 0xff;
	else if (!numbers && !ebpf_verify_may_leak(env))
		return covers_bytes(view, cur, read);
	if (exact)
		read = 0xff;

	if (exact && (memcmp(old->bytes, cur->bytes, sizeof(old->bytes)) ||
		      memcmp(old->spill_size, cur->spill_size,
			     sizeof(old->spill_size)) ||
		      memcmp(old->spill_off, cur->spill_off,
			     sizeof(old->spill_off))))
		return false;
	for (i = 0; i < 8; i++) {
		if (!(read >> i & 1))
			continue;
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
		     !covers_reg(env, view->reg[i], number, true, exact)))
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
	const struct ebpf_vref *old = (const struct ebpf_vref *)(const void *)ebpf_vsnap_packed(snap);
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
	const struct ebpf_vreg *regs = env->state->frames[env->state->depth - 1]->regs;
	uint32_t set = 0, live = env->live[env->insn], i;

	live &= live >> 16 & ((1u << EBPF_REG_FP) - 1);
	for (; live; live &= live - 1) {
		i = (uint32_t)__builtin_ctz(live);
		if (regs[i].type == EBPF_V_SCALAR &&
		    ebpf_num_is_const(&regs[i].num))
			set |= 1u << i;
	}
	return set;
}

/* Their numbers as one; false: one of them is no known number. */
static bool
key_of(const struct ebpf_venv *env, uint32_t set, uint64_t *key)
{
	const struct ebpf_vreg *regs = env->state->frames[env->state->depth - 1]->regs;
	uint32_t i;

	*key = set;
	for (; set; set &= set - 1) {
		i = (uint32_t)__builtin_ctz(set);
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
covers_loop(const struct ebpf_vsnap *snap, const struct ebpf_vpacked_frame *old,
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
halves(struct ebpf_venv *env, const struct ebpf_vold *view,
       const struct ebpf_vslot *cur)
{
	const struct ebpf_vpacked_slot *old = view->slot;
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
		     !covers_reg(env, view->reg[h], &cur->reg[h], true,
				 false)))
			set |= cur->spill_size[h] == 8 ? 3u : 1u << h;
	return set;
}

/* Bytes of a slot that what follows reads. */
static uint32_t
read_bytes(const struct ebpf_vseen *seen, uint32_t slot)
{
	return (uint32_t)(seen->read.of[0] >> slot & 1) * 0x0f |
	       (uint32_t)(seen->read.of[1] >> slot & 1) * 0xf0;
}

/* Whether any register of the set holds something. */
static bool
has_more(const struct ebpf_vframe *frame, uint32_t set)
{
	for (set &= (1u << EBPF_REG_FP) - 1; set; set &= set - 1)
		if (frame->regs[__builtin_ctz(set)].type != EBPF_V_NONE)
			return true;
	return false;
}

/*
 * Compare with snap: which of its slots are read, and which of their bytes as
 * numbers. widening: compare slots only, and tell which differ.
 */
static bool
covered(struct ebpf_venv *env, const struct ebpf_vsnap *snap, bool exact,
	const struct ebpf_vseen *seen, struct ebpf_vwiden *widening)
{
	const uint8_t *at = ebpf_vsnap_packed(snap);
	const struct ebpf_vstate *state = env->state;
	static const struct ebpf_vslot empty;
	struct ebpf_vold old;
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
		const struct ebpf_vframe *frame = state->frames[f];
		const struct ebpf_vpacked_frame *head = (const void *)at;
		uint32_t live = ebpf_verify_live_regs(env, f), set;
		const uint8_t *behind;
		uint64_t left;

		at += sizeof(*head);
		if (head->call_insn != frame->call_insn ||
		    head->func != frame->func ||
		    !covers_loop(snap, head, frame, f + 1 == state->depth,
				 exact))
			return false;
		for (set = head->regs; set; set &= set - 1) {
			i = (uint32_t)__builtin_ctz(set);
			if (!widening &&
			    !covers_reg(env, (const struct ebpf_vreg *)(const void *)at,
					&frame->regs[i],
					live & 1u << (16 + i), exact))
				return false;
			at += sizeof(struct ebpf_vreg);
		}
		if (exact && (has_more(frame, live & ~head->regs) ||
			      head->slot_count != frame->slot_count))
			return false;
		behind = at + head->slot_bytes;
		left = exact ? ~0ULL : seen[f].read.of[0] | seen[f].read.of[1];
		for (i = 0; i < head->slot_count && left; i++, left >>= 1) {
			uint32_t read = read_bytes(&seen[f], i);

			/* what nothing reads may be anything */
			if (!exact && !read) {
				at = ebpf_verify_pass_slot(at);
				continue;
			}
			at = ebpf_verify_see_slot(&old, at);
			if (covers_slot(env, &old,
					i < frame->slot_count ?
						&frame->slots[i] :
						&empty,
					read, seen[f].bytes[i], exact))
				continue;
			if (!widening)
				return false;
			if (i < frame->slot_count) {
				uint64_t differ = halves(env, &old,
							 &frame->slots[i]);

				widening->low[f] |= (differ & 1) << i;
				widening->high[f] |= (differ >> 1) << i;
			}
		}
		at = behind;
		/* read for some number though never written; Linux lets */
		for (i = head->slot_count; ebpf_verify_may_leak(env) && i < frame->slot_count; i++)
			if (read_bytes(&seen[f], i) &&
			    ebpf_vslot_is_pointer(&frame->slots[i]))
				return false;
	}
	return true;
}

bool
ebpf_verify_covered(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
		    bool exact)
{
	return covered(env, snap, exact, snap->seen, NULL);
}

/* Whether it would have been covered, too, if the number mattered. */
static bool
has_number(const struct ebpf_vreg *old, const struct ebpf_vreg *cur)
{
	/* without a name: which register shares it is another matter */
	return old->type != EBPF_V_SCALAR ||
	       (old->id == 0 && covers_guess(old->guess, cur->guess, false) &&
		ebpf_num_includes(&old->num, &cur->num));
}

/*
 * Only registers: which numbers on the stack matter goes by the loads that want
 * them, and those that do not are noted.
 */
void
ebpf_verify_note_ignored(struct ebpf_venv *env, const struct ebpf_vsnap *snap)
{
	const uint8_t *at = ebpf_vsnap_packed(snap) +
			    snap->ref_count * sizeof(struct ebpf_vref);
	uint32_t f, i;

	for (f = 0; f < snap->depth; f++) {
		const struct ebpf_vframe *frame = env->state->frames[f];
		uint32_t numbers = ebpf_verify_live_regs(env, f) >> 16, set = 0;
		const struct ebpf_vpacked_frame *head = (const void *)at;
		uint32_t left;

		at += sizeof(*head);
		for (left = head->regs; left; left &= left - 1) {
			i = (uint32_t)__builtin_ctz(left);
			if (!(numbers >> i & 1) &&
			    !has_number((const struct ebpf_vreg *)(const void *)at,
					&frame->regs[i]))
				set |= 1u << i;
			at += sizeof(struct ebpf_vreg);
		}
		env->ignored[ebpf_verify_goes_on_at(env, f)] |= (uint16_t)set;
		at += head->slot_bytes;
	}
}

bool
ebpf_verify_covered_loop(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
			 const struct ebpf_vloop *loop)
{
	return covered(env, snap, false, loop->seen, NULL);
}

void
ebpf_verify_difference(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
		       const struct ebpf_vloop *loop,
		       struct ebpf_vwiden *widening)
{
	memset(widening->low, 0, sizeof(widening->low));
	memset(widening->high, 0, sizeof(widening->high));
	covered(env, snap, false, loop->seen, widening);
}
