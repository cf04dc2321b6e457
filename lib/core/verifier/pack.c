/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * States in one piece of memory: what of a state is live goes in, accounted, and
 * comes out again. Knows what registers and stack bytes are, not what
 * instructions do to them.
 */
#include "core/verifier/pack.h"

enum {
	OVERHEAD = 64, /* what a home's allocator adds, about */
	STEP = 128,    /* of the sizes of what is kept for later states */
#ifdef __SANITIZE_ADDRESS__
	SPARE_MAX = 0, /* nothing hides from who watches memory */
#else
	SPARE_MAX = 64 << 10, /* bytes */
#endif
};

static bool
is_nestling(const struct ebpf_venv *env, const struct ebpf_vsnap *snap)
{
	return (uintptr_t)snap - (uintptr_t)env->nest < sizeof(env->nest);
}

/*
 * Most states live for a few instructions only, so the memory of some is kept
 * for those to come, by size. The first come from the nest: small programs have
 * no others.
 */
static struct ebpf_vsnap *
snap_alloc(struct ebpf_venv *env, size_t size)
{
	size_t sort = (size + STEP - 1) / STEP, room = sort * STEP;
	struct ebpf_vsnap *snap;

	if (SPARE_MAX == 0 || sort >= EBPF_V_SPARES) {
		snap = os_alloc_raw(size);
	} else if (env->spares[sort]) {
		snap = env->spares[sort];
		env->spares[sort] = snap->next;
		if (!is_nestling(env, snap))
			env->spare_bytes -= room;
	} else if (sizeof(env->nest) - env->nest_used >= room) {
		snap = (void *)((uint8_t *)env->nest + env->nest_used);
		env->nest_used += room;
	} else {
		snap = os_alloc_raw(room);
	}
	if (!snap)
		return NULL;
	/* what follows is written whole */
	memset(snap, 0, sizeof(*snap) +
				env->state->depth * sizeof(snap->seen[0]));
	return snap;
}

void
ebpf_verify_snap_free(struct ebpf_venv *env, struct ebpf_vsnap *snap)
{
	size_t sort = (snap->size - OVERHEAD + STEP - 1) / STEP;
	size_t room = sort * STEP;

	env->mem -= snap->size;
	env->states--;
	if (!is_nestling(env, snap)) {
		if (sort >= EBPF_V_SPARES ||
		    env->spare_bytes + room > SPARE_MAX) {
			os_free(snap);
			return;
		}
		env->spare_bytes += room;
	}
	snap->next = env->spares[sort];
	env->spares[sort] = snap;
}

void
ebpf_verify_spares_free(struct ebpf_venv *env)
{
	struct ebpf_vsnap *snap;
	uint32_t i;

	for (i = 0; i < EBPF_V_SPARES; i++)
		while ((snap = env->spares[i])) {
			env->spares[i] = snap->next;
			if (!is_nestling(env, snap))
				os_free(snap);
		}
}

bool
ebpf_verify_number_matters(struct ebpf_venv *env, uint32_t f, uint32_t reg)
{
	if (ebpf_verify_live_regs(env, f) >> 16 & 1u << reg)
		return true;
	env->ignored[ebpf_verify_goes_on_at(env, f)] |= (uint16_t)(1u << reg);
	return false;
}

/* What goes in of a frame. */
struct part {
	uint32_t regs; /* a set */
	uint32_t slot_count;
	uint32_t slot_bytes;
};

/* The bytes of a frame's registers and of its first slots. */
static size_t
measure(const struct ebpf_vframe *frame, uint32_t live, uint32_t slots,
	struct part *part)
{
	uint32_t set = 0, n = 0, i;

	for (live &= (1u << EBPF_REG_FP) - 1; live; live &= live - 1) {
		i = (uint32_t)__builtin_ctz(live);
		if (frame->regs[i].type == EBPF_V_NONE)
			continue;
		set |= 1u << i;
		n += sizeof(struct ebpf_vreg);
	}
	part->regs = set;
	part->slot_count = slots;
	part->slot_bytes = slots * sizeof(struct ebpf_vpacked_slot);
	for (i = 0; i < slots; i++)
		part->slot_bytes +=
			ebpf_vslot_spills(frame->slots[i].spill_size) *
			sizeof(struct ebpf_vreg);
	return n + part->slot_bytes;
}

static size_t
packed_size(const struct ebpf_venv *env, struct part *parts)
{
	const struct ebpf_vstate *state = env->state;
	size_t size = sizeof(struct ebpf_vsnap) +
		      state->ref_count * sizeof(struct ebpf_vref);
	uint32_t f;

	for (f = 0; f < state->depth; f++) {
		const struct ebpf_vframe *frame = state->frames[f];

		size += sizeof(struct ebpf_vseen) +
			sizeof(struct ebpf_vpacked_frame) +
			measure(frame, ebpf_verify_live_regs(env, f),
				frame->slot_count, &parts[f]);
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
pack_frame(const struct ebpf_vframe *frame, const struct part *part,
	   uint8_t *at)
{
	struct ebpf_vpacked_frame *head = (void *)at;
	uint32_t set, i, h;

	head->func = frame->func;
	head->call_insn = frame->call_insn;
	head->regs = part->regs;
	head->slot_count = part->slot_count;
	head->callback = frame->callback;
	head->held = frame->held;
	head->loop_insn = frame->loop_insn;
	head->loop_id = frame->loop_id;
	head->turns = frame->turns;
	head->rounds = frame->rounds;
	head->loop_since = frame->loop_since;
	head->slot_bytes = part->slot_bytes;
	at += sizeof(*head);
	for (set = part->regs; set; set &= set - 1) {
		i = (uint32_t)__builtin_ctz(set);
		at = put(at, &frame->regs[i], sizeof(frame->regs[i]));
	}
	for (i = 0; i < part->slot_count; i++) {
		const struct ebpf_vslot *slot = &frame->slots[i];

		at = put(at, slot, sizeof(struct ebpf_vpacked_slot));
		for (h = 0; h < 2; h++)
			if (slot->spill_size[h])
				at = put(at, &slot->reg[h],
					 sizeof(slot->reg[h]));
	}
	return at;
}

_Static_assert(offsetof(struct ebpf_vslot, reg) == sizeof(struct ebpf_vpacked_slot),
	       "a packed slot is a slot's head");
_Static_assert(sizeof(struct ebpf_vpacked_frame) % 8 == 0 &&
		       sizeof(struct ebpf_vsnap) % 8 == 0 &&
		       sizeof(struct ebpf_vref) % 8 == 0 &&
		       sizeof(struct ebpf_vreg) % 8 == 0,
	       "packed pieces stay aligned");

static int
pack(struct ebpf_venv *env, const struct part *parts, size_t size,
     struct ebpf_vsnap **snap)
{
	struct ebpf_vstate *state = env->state;
	const struct ebpf_vframe *top = ebpf_verify_top(env);
	struct ebpf_vsnap *made;
	uint8_t *at;
	uint32_t f;
	int error;

	error = ebpf_verify_charge(env, size + OVERHEAD);
	if (error)
		return error;
	*snap = made = snap_alloc(env, size);
	if (!made) {
		env->mem -= size + OVERHEAD;
		return -EBPF_ENOMEM;
	}
	if (++env->states > env->stats->states_peak)
		env->stats->states_peak = env->states;
	env->stats->states_total++;
	made->size = (uint32_t)size + OVERHEAD;
	made->insn = env->insn;
	made->depth = (uint8_t)state->depth;
	made->loop_id = top->loop_id;
	made->first = top->loop_id && !top->turns;
	made->lock = state->lock;
	made->ref_count = (uint8_t)state->ref_count;
	made->len = state->len;
	made->len_guess = state->len_guess;
	made->ahead = state->ahead;
	at = (uint8_t *)&made->seen[state->depth];
	for (f = 0; f < state->ref_count; f++)
		at = put(at, &state->refs[f], sizeof(state->refs[f]));
	for (f = 0; f < state->depth; f++) {
		made->seen[f].written = env->written[f];
		at = pack_frame(state->frames[f], &parts[f], at);
	}
	return 0;
}

int
ebpf_verify_pack(struct ebpf_venv *env, struct ebpf_vsnap **snap)
{
	struct part parts[EBPF_FRAME_MAX];
	size_t size = packed_size(env, parts);

	return pack(env, parts, size, snap);
}

int
ebpf_verify_pack_bare(struct ebpf_venv *env, uint32_t regs,
		      struct ebpf_vsnap **snap)
{
	struct part part;
	size_t size = sizeof(struct ebpf_vsnap) + sizeof(struct ebpf_vseen) +
		      sizeof(struct ebpf_vpacked_frame) +
		      measure(env->state->frames[0], regs, 0, &part);

	return pack(env, &part, size, snap);
}

void
ebpf_verify_unpack(struct ebpf_venv *env, const struct ebpf_vsnap *snap)
{
	const uint8_t *at = ebpf_vsnap_packed(snap);
	struct ebpf_vstate *state = env->state;
	uint32_t f, i;

	state->depth = snap->depth;
	env->insn = snap->insn;
	state->len = snap->len;
	state->len_guess = snap->len_guess;
	state->ahead = snap->ahead;
	state->lock = snap->lock;
	state->ref_count = snap->ref_count;
	for (i = 0; i < state->ref_count; i++) {
		memcpy(&state->refs[i], at, sizeof(state->refs[i]));
		at += sizeof(state->refs[i]);
	}
	for (f = 0; f < state->depth; f++) {
		struct ebpf_vframe *frame = state->frames[f];
		const struct ebpf_vpacked_frame *head = (const void *)at;

		env->written[f] = snap->seen[f].written;
		at += sizeof(*head);
		frame->func = head->func;
		frame->call_insn = head->call_insn;
		frame->slot_count = head->slot_count;
		frame->callback = head->callback;
		frame->held = head->held;
		frame->loop_insn = head->loop_insn;
		frame->loop_id = head->loop_id;
		frame->turns = head->turns;
		frame->rounds = head->rounds;
		frame->loop_since = head->loop_since;
		for (i = 0; i < EBPF_REG_FP; i++) {
			if (!(head->regs & 1u << i)) {
				ebpf_vreg_none(&frame->regs[i]);
				continue;
			}
			memcpy(&frame->regs[i], at, sizeof(frame->regs[i]));
			at += sizeof(frame->regs[i]);
		}
		ebpf_vreg_const(&frame->regs[EBPF_REG_FP], 0);
		frame->regs[EBPF_REG_FP].type = EBPF_V_STACK;
		frame->regs[EBPF_REG_FP].frame = (uint8_t)f;
		for (i = 0; i < head->slot_count; i++)
			at = ebpf_verify_take_slot(&frame->slots[i], at);
	}
}
