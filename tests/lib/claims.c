/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What claims.h says: states are copied as the verifier goes, and compared
 * with the machine at each instruction of a run.
 */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "claims.h"
#include "core/verifier/verify.h"

enum {
	CLAIMS = 20000,
	CLAIMS_SLOTS = CHECKED_SLOTS,
};

struct slot_claim {
	uint8_t bytes[8], data[8];
	uint8_t spill_off[2], spill_size[2];
	struct ebpf_vreg reg[2];
};

struct claim {
	struct claim *next;
	uint32_t depth;
	uint32_t root_insn; /* of the global function that is verified, or 0 */
	/* where the frame goes on, and the registers it has left there */
	uint32_t goes_on[CHECKED_FRAMES], left[CHECKED_FRAMES];
	uint32_t slot_count[CHECKED_FRAMES];
	struct ebpf_num len;
	struct ebpf_vreg regs[CHECKED_FRAMES][EBPF_REG_FP];
	struct slot_claim slots[CHECKED_FRAMES][CLAIMS_SLOTS];
};

struct claims {
	struct claim *all;
	struct claim *at[VGEN_MAX];
	uint32_t count;
	bool cut;
	uint32_t matter[VGEN_MAX + 2]; /* registers, in the top frame */
};

struct claims *
claims_create(void)
{
	struct claims *claims = calloc(1, sizeof(*claims));

	if (!claims)
		return NULL;
	/* only as much as is used is ever touched */
	claims->all = calloc(CLAIMS, sizeof(*claims->all));
	if (!claims->all) {
		free(claims);
		return NULL;
	}
	return claims;
}

void
claims_free(struct claims *claims)
{
	if (!claims)
		return;
	free(claims->all);
	free(claims);
}

bool
claims_are_cut(const struct claims *claims)
{
	return claims->cut;
}

uint32_t
claims_matter(const struct claims *claims, uint32_t insn)
{
	return claims->matter[insn];
}

static void
claim_slots(struct claim *claim, uint32_t f, const struct ebpf_vframe *frame)
{
	uint32_t i;

	claim->slot_count[f] = frame->slot_count < CLAIMS_SLOTS ?
				       frame->slot_count :
				       CLAIMS_SLOTS;
	for (i = 0; i < claim->slot_count[f]; i++) {
		const struct ebpf_vslot *slot = &frame->slots[i];
		struct slot_claim *to = &claim->slots[f][i];

		memcpy(to->bytes, slot->bytes, sizeof(to->bytes));
		memcpy(to->data, slot->data, sizeof(to->data));
		memcpy(to->spill_off, slot->spill_off, sizeof(to->spill_off));
		memcpy(to->spill_size, slot->spill_size,
		       sizeof(to->spill_size));
		memcpy(to->reg, slot->reg, sizeof(to->reg));
	}
}

void
claims_watch(void *arg, const struct ebpf_venv *env)
{
	const struct ebpf_vstate *state = env->state;
	struct claims *claims = arg;
	struct claim *claim;
	uint32_t f, i;

	if (env->insn == env->count) { /* accepted */
		for (i = 0; i <= env->count; i++)
			claims->matter[i] = env->live[i] >> 16;
		return;
	}
	if (env->processed == 1) {
		memset(claims->at, 0, sizeof(claims->at));
		claims->count = 0;
		claims->cut = false;
	}
	if (claims->count == CLAIMS || state->depth > CHECKED_FRAMES) {
		claims->cut = true;
		return;
	}
	claim = &claims->all[claims->count++];
	claim->depth = state->depth;
	claim->root_insn = env->root ? env->funcs[env->root].start : 0;
	claim->len = state->len;
	for (f = 0; f < state->depth; f++) {
		const struct ebpf_vframe *frame = state->frames[f];

		claim->goes_on[f] = env->insn;
		claim->left[f] = ~0u;
		if (f + 1 < state->depth) {
			/* a caller's: what is left after the call returns */
			claim->goes_on[f] = state->frames[f + 1]->call_insn +
					    !state->frames[f + 1]->callback;
			claim->left[f] = 0x3c0;
		}
		memcpy(claim->regs[f], frame->regs, sizeof(claim->regs[f]));
		claim_slots(claim, f, frame);
	}
	claim->next = claims->at[env->insn];
	claims->at[env->insn] = claim;
}

/* Where the pointer is into, of the elements that the claim may mean. */
static bool
is_in_value(const struct checked *run, const struct ebpf_vreg *reg, uint64_t v)
{
	uint32_t first = reg->inner ? checked_inner(reg->map) : reg->map;
	uint32_t last = reg->inner ? first + 1 : first;
	uint32_t map, element, count;

	v -= (uint64_t)(int64_t)reg->off;
	for (map = first; map <= last; map++) {
		count = reg->fixed_element ? 1 : checked_elements(run, map);
		for (element = 0; element < count; element++)
			if (ebpf_num_has(&reg->num,
					 v - checked_value(map, element), 64))
				return true;
	}
	return false;
}

static bool
is_map(const struct ebpf_vreg *reg, uint64_t v)
{
	uint32_t inner = checked_inner(reg->map);

	return reg->inner ? v == checked_map(inner) ||
				    v == checked_map(inner + 1) :
			    v == checked_map(reg->map);
}

/* The bytes that it says are there must be. */
static bool
is_given(const struct checked *run, const struct ebpf_vreg *reg, uint64_t v)
{
	return !ebpf_num_is_const(&reg->num) ||
	       checked_memory(run,
			      v - (uint64_t)(int64_t)reg->off - reg->num.umin,
			      reg->range, CHECKED_READ);
}

static bool
is_in_record(const struct checked *run, const struct ebpf_vreg *reg, uint64_t v)
{
	uint32_t i;

	v -= (uint64_t)(int64_t)reg->off;
	for (i = 0; i < run->m.record_count; i++)
		if (run->m.records[i].held &&
		    run->m.records[i].size == reg->range &&
		    ebpf_num_has(&reg->num, v - checked_record(i), 64))
			return true;
	return false;
}

static bool
matches(const struct checked *run, const struct ebpf_vreg *reg, uint64_t v)
{
	uint64_t base = 0;

	if (reg->maybe_null && v == 0)
		return true;
	switch ((enum ebpf_vtype)reg->type) {
	case EBPF_V_NONE:
	case EBPF_V_SOCK:
	case EBPF_V_LOW:
	case EBPF_V_FUNC:
		return true;
	case EBPF_V_VALUE:
		return is_in_value(run, reg, v);
	case EBPF_V_MAP:
		return is_map(reg, v);
	case EBPF_V_GIVEN:
		return is_given(run, reg, v);
	case EBPF_V_RECORD:
		return is_in_record(run, reg, v);
	case EBPF_V_SCALAR:
		break;
	case EBPF_V_CTX:
		base = CHECKED_CTX;
		break;
	case EBPF_V_STACK:
		base = checked_frame_top(reg->frame + run->m.root);
		break;
	case EBPF_V_KEY:
		base = checked_key(reg->frame + run->m.root);
		break;
	case EBPF_V_PKT:
	case EBPF_V_MEM:
		base = run->m.base;
		break;
	case EBPF_V_PKT_META:
		base = run->m.base - run->m.meta_len;
		break;
	case EBPF_V_PKT_END:
		base = run->m.base + run->m.mem_len;
		break;
	}
	if (reg->type != EBPF_V_SCALAR)
		base += (uint64_t)(int64_t)reg->off;
	/* what the pointer or number is proven to allow */
	if ((reg->type == EBPF_V_PKT || reg->type == EBPF_V_MEM ||
	     reg->type == EBPF_V_PKT_META) &&
	    reg->range &&
	    v - (uint64_t)(int64_t)reg->off + reg->range >
		    run->m.base +
			    (reg->type == EBPF_V_PKT_META ? 0 : run->m.mem_len))
		return false;
	if (reg->type == EBPF_V_SCALAR && reg->id && !reg->shl && reg->range &&
	    (v - (uint64_t)(int64_t)reg->off > run->m.mem_len ||
	     v - (uint64_t)(int64_t)reg->off + reg->range > run->m.mem_len))
		return false;
	return ebpf_num_has(&reg->num, v - base, 64);
}

/* Named numbers of one claim: the same name, the same number. */
struct known {
	uint32_t count;
	struct {
		uint32_t id;
		uint64_t number;
	} names[CHECKED_FRAMES * (EBPF_REG_FP + CLAIMS_SLOTS)];
};

static bool
agrees(const struct checked *run, struct known *known,
       const struct ebpf_vreg *reg, uint64_t v)
{
	uint32_t i;

	if (!reg->id || reg->shl)
		return true;
	v -= (uint64_t)(int64_t)reg->off;
	switch ((enum ebpf_vtype)reg->type) {
	case EBPF_V_SCALAR:
		break;
	case EBPF_V_PKT:
	case EBPF_V_MEM:
		v -= run->m.base;
		break;
	case EBPF_V_PKT_META:
		v -= run->m.base - run->m.meta_len;
		break;
	case EBPF_V_VALUE:
	case EBPF_V_MAP:
	case EBPF_V_RECORD:
	case EBPF_V_GIVEN:
		/* of one lookup, at whatever offset */
		if (!ebpf_num_is_const(&reg->num))
			return true;
		v = v + (uint64_t)(int64_t)reg->off ? v - reg->num.umin : 0;
		break;
	default:
		return true;
	}
	if (reg->id == EBPF_V_ID_LEN)
		return v == run->m.mem_len;
	for (i = 0; i < known->count; i++)
		if (known->names[i].id == reg->id)
			return known->names[i].number == v;
	known->names[known->count].id = reg->id;
	known->names[known->count++].number = v;
	return true;
}

/* read: bytes that matter; numbers: those whose number does. */
static bool
slot_matches(const struct checked *run, const struct slot_claim *slot,
	     const uint8_t *at, uint32_t read, uint32_t numbers,
	     struct known *known)
{
	uint32_t i, spilled;

	for (i = 0; i < 8; i++)
		if ((numbers >> i & 1) && slot->bytes[i] == EBPF_VB_CONST &&
		    slot->data[i] != at[i])
			return false;
	for (i = 0; i < 2; i++) {
		const struct ebpf_vreg *reg = &slot->reg[i];
		uint64_t v = 0;

		spilled = ((1u << slot->spill_size[i]) - 1)
			  << slot->spill_off[i];
		if (!(read & spilled) ||
		    (!(numbers & spilled) && reg->type == EBPF_V_SCALAR))
			continue;
		memcpy(&v, at + slot->spill_off[i], slot->spill_size[i]);
		if (!matches(run, reg, v) || !agrees(run, known, reg, v))
			return false;
	}
	return true;
}

static bool
frame_matches(const struct claims *claims, const struct checked *run,
	      const struct claim *claim, uint32_t f,
	      const struct checked_need *need, struct known *known)
{
	uint32_t matter = claims->matter[claim->goes_on[f]] & claim->left[f];
	uint32_t g = f + run->m.root, i;

	for (i = 0; i < EBPF_REG_FP; i++)
		if ((matter >> i & 1) &&
		    !(matches(run, &claim->regs[f][i], run->m.regs[g][i]) &&
		      agrees(run, known, &claim->regs[f][i],
			     run->m.regs[g][i])))
			return false;
	for (i = 0; i < claim->slot_count[f]; i++) {
		uint32_t read = (need->halves[g][0] >> i & 1) * 0x0f |
				(need->halves[g][1] >> i & 1) * 0xf0;

		if (read && !slot_matches(run, &claim->slots[f][i],
					  &run->m.stack[g][EBPF_STACK_MAX -
							   8 * (i + 1)],
					  read, need->numbers[g][i], known))
			return false;
	}
	return true;
}

bool
claims_have(const struct claims *claims, const struct checked *run,
	    uint32_t insn, const struct checked_need *need)
{
	const struct claim *claim;
	struct known known;
	uint32_t f;

	for (claim = claims->at[insn]; claim; claim = claim->next) {
		if (claim->root_insn != run->m.root_insn ||
		    claim->depth != run->m.depth - run->m.root ||
		    (run->gen->shape == VGEN_TIED && !claim->root_insn &&
		     !ebpf_num_has(&claim->len, run->m.mem_len, 64)))
			continue;
		known.count = 0;
		for (f = 0; f < claim->depth; f++)
			if (!frame_matches(claims, run, claim, f, need,
					   &known))
				break;
		if (f == claim->depth)
			return true;
	}
	return false;
}
