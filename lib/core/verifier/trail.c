/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The trail of a path, see trail.h. While a program is walked this costs a bit
 * per fork. Only when it is refused is the one path that failed walked again,
 * by the same steps, comparing what is known before and after each: that says
 * where knowledge came from without any other file keeping account of it.
 */
#include "core/verifier/trail.h"

enum {
	WORD = 64,
};

/* ---- while walking ---- */

int
ebpf_verify_note_fork(struct ebpf_venv *env, bool waited)
{
	struct ebpf_vpath *path = &env->path;
	uint64_t *bits, bit = 1ULL << path->forks % WORD;
	uint32_t word = path->forks / WORD, room;

	if (word == path->room) {
		room = path->room * 2;
		bits = os_alloc((size_t)room * sizeof(*bits));
		if (!bits)
			return -EBPF_ENOMEM;
		memcpy(bits, path->bits, path->room * sizeof(*bits));
		if (path->bits != path->first)
			os_free(path->bits);
		path->bits = bits;
		path->room = room;
	}
	if (waited)
		path->bits[word] |= bit;
	else
		path->bits[word] &= ~bit;
	path->forks++;
	return 0;
}

bool
ebpf_verify_fork_again(struct ebpf_venv *env)
{
	struct ebpf_vtrail *trail = env->trail;
	uint32_t fork = trail->fork++;

	trail->leave = fork < env->path.forks &&
		       (env->path.bits[fork / WORD] >> fork % WORD & 1);
	return trail->leave;
}

/* ---- walking it again ---- */

/* The newest goes first; the oldest, which made it, stays. */
static void
add_origin(struct ebpf_vorigin *origin, uint32_t insn)
{
	uint32_t i, n = origin->count;

	for (i = 0; i < n; i++)
		if ((origin->insns[i] & EBPF_VT_INSN) == (insn & EBPF_VT_INSN))
			break;
	if (i == n) {
		if (n < EBPF_VT_ORIGINS)
			origin->count++;
		else
			i = EBPF_VT_ORIGINS - 2;
	}
	for (; i > 0; i--)
		origin->insns[i] = origin->insns[i - 1];
	origin->insns[0] = insn;
}

static bool
same_reg(const struct ebpf_vreg *a, const struct ebpf_vreg *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == EBPF_V_NONE)
		return true;
	if (memcmp(&a->num, &b->num, sizeof(a->num)) != 0)
		return false;
	return a->type == EBPF_V_SCALAR ||
	       (a->maybe_null == b->maybe_null && a->off == b->off &&
		a->range == b->range && a->map == b->map);
}

static bool
same_slot(const struct ebpf_vslot *a, const struct ebpf_vslot *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 &&
	       memcmp(a->data, b->data, sizeof(a->data)) == 0 &&
	       memcmp(a->spill_size, b->spill_size, sizeof(a->spill_size)) ==
		       0 &&
	       (!a->spill_size[0] || same_reg(&a->reg[0], &b->reg[0])) &&
	       (!a->spill_size[1] || same_reg(&a->reg[1], &b->reg[1]));
}

/* The slot that a load or store through register `number` is about. */
static struct ebpf_vorigin *
slot_at(struct ebpf_vtrail *trail, uint32_t number, int32_t off)
{
	const struct ebpf_vreg *ptr = &trail->known[trail->depth - 1][number];
	int64_t at = (int64_t)ptr->off + off + ptr->num.smin;

	if (ptr->type != EBPF_V_STACK || !ebpf_num_is_const(&ptr->num) ||
	    at >= 0 || at < -EBPF_STACK_MAX)
		return NULL;
	return &trail->slots[ptr->frame][(uint32_t)((-at - 1) / 8)];
}

/* Where a pointer went by a number, the number's last two origins count. */
static void
add_offset(struct ebpf_vorigin *pointer, const struct ebpf_vorigin *number)
{
	uint32_t i = number->count < 2 ? number->count : 2;

	while (i-- > 0)
		add_origin(pointer, number->insns[i]);
}

/*
 * What the instruction writes comes from what it reads: the origins of its
 * source go over, then it is one itself. NULL: it writes none of that.
 */
static struct ebpf_vorigin *
inherit(struct ebpf_vtrail *trail, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_vorigin *regs = trail->regs[trail->depth - 1];
	const struct ebpf_vreg *known = trail->known[trail->depth - 1];
	struct ebpf_vorigin *dst = &regs[op->dst], *slot;

	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ALU_IMM:
		if (info->fn == EBPF_FN_MOV)
			dst->count = 0;
		return dst;
	case EBPF_FORM_ALU_REG:
		if (info->fn == EBPF_FN_MOV || info->fn == EBPF_FN_MOVSX8 ||
		    info->fn == EBPF_FN_MOVSX16 ||
		    info->fn == EBPF_FN_MOVSX32 ||
		    (ebpf_vreg_is_pointer(&known[op->src]) &&
		     !ebpf_vreg_is_pointer(&known[op->dst])))
			*dst = regs[op->src];
		else if (ebpf_vreg_is_pointer(&known[op->dst]))
			add_offset(dst, &regs[op->src]);
		return dst;
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
		return dst;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
		slot = slot_at(trail, op->src, op->off);
		if (slot)
			*dst = *slot;
		else
			dst->count = 0;
		return dst;
	case EBPF_FORM_LDDW:
		dst->count = 0;
		return dst;
	case EBPF_FORM_ST:
		slot = slot_at(trail, op->dst, op->off);
		if (slot)
			slot->count = 0;
		return slot;
	case EBPF_FORM_STX:
	case EBPF_FORM_STORE_REL:
		slot = slot_at(trail, op->dst, op->off);
		if (slot)
			*slot = regs[op->src];
		return slot;
	case EBPF_FORM_CALL:
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
		memset(regs, 0, 6 * sizeof(*regs));
		return NULL;
	default:
		return NULL;
	}
}

/* A new frame's arguments are the caller's registers, a result the callee's. */
static void
change_frame(struct ebpf_vtrail *trail, const struct ebpf_vstate *state)
{
	uint32_t f = trail->depth - 1;
	uint32_t i;

	if (state->depth > trail->depth) {
		memset(trail->slots[f + 1], 0, sizeof(trail->slots[0]));
		memset(trail->regs[f + 1], 0, sizeof(trail->regs[0]));
		for (i = 1; i <= 5; i++)
			trail->regs[f + 1][i] = trail->regs[f][i];
		memcpy(trail->known[f + 1], state->frames[f + 1]->regs,
		       sizeof(trail->known[0]));
		trail->slot_count[f + 1] = 0;
	} else if (state->depth < trail->depth) {
		f = state->depth - 1;
		trail->regs[f][0] = trail->regs[f + 1][0];
		trail->known[f][0] = state->frames[f]->regs[0];
	}
}

/* Whatever is not known as it was before the instruction has it as origin. */
static void
compare(struct ebpf_vtrail *trail, const struct ebpf_vstate *state,
	uint32_t origin, bool slots)
{
	uint32_t f, i;

	for (f = 0; f < state->depth; f++) {
		const struct ebpf_vframe *frame = state->frames[f];
		struct ebpf_vslot *known = trail->known_slots[f];

		for (i = 0; i < EBPF_REG_FP; i++) {
			if (same_reg(&trail->known[f][i], &frame->regs[i]))
				continue;
			add_origin(&trail->regs[f][i], origin);
			trail->known[f][i] = frame->regs[i];
		}
		trail->known[f][EBPF_REG_FP] = frame->regs[EBPF_REG_FP];
		for (i = 0; slots && i < frame->slot_count; i++) {
			if (i >= trail->slot_count[f])
				memset(&known[i], 0, sizeof(known[i]));
			if (same_slot(&known[i], &frame->slots[i]))
				continue;
			add_origin(&trail->slots[f][i], origin);
			known[i] = frame->slots[i];
		}
		if (slots)
			trail->slot_count[f] = frame->slot_count;
	}
}

static void
note_turn(struct ebpf_vtrail *trail, uint32_t insn, bool taken)
{
	struct ebpf_vturn turn = {insn, taken, 0};
	uint32_t i, n = trail->turn_count;

	for (i = 0; i < n; i++)
		if (trail->turns[i].insn == insn &&
		    trail->turns[i].taken == turn.taken)
			break;
	if (i < n) {
		turn.times = trail->turns[i].times;
	} else if (n == EBPF_VT_TURNS) {
		trail->turns_lost++;
		i = 0;
	} else {
		trail->turn_count++;
	}
	turn.times++;
	for (; i + 1 < trail->turn_count; i++)
		trail->turns[i] = trail->turns[i + 1];
	trail->turns[trail->turn_count - 1] = turn;
}

static bool
is_branch(uint8_t form)
{
	return form == EBPF_FORM_JCC_IMM || form == EBPF_FORM_JCC_REG;
}

/* One instruction of the path; false: this is not how it went. */
static bool
again(struct ebpf_venv *env, struct ebpf_vtrail *trail)
{
	const struct ebpf_op *op = &env->ops[env->insn];
	uint8_t form = ebpf_op_info[op->code].form;
	struct ebpf_vorigin *written;
	uint32_t insn = env->insn, origin = insn;
	bool ended = false, more = true, branch = is_branch(form), taken;

	trail->leave = false;
	written = inherit(trail, op);
	if (ebpf_verify_step(env, &ended) != 0)
		return false;
	if (trail->leave && (ebpf_verify_resume(env, &more) != 0 || !more))
		return false;
	if (ended && !trail->leave)
		return false;
	taken = env->insn != insn + 1;
	if (branch) {
		note_turn(trail, insn, taken);
		origin |= EBPF_VT_BRANCH | (taken ? EBPF_VT_TAKEN : 0);
	}
	if (env->insn <= insn && form != EBPF_FORM_EXIT &&
	    ++trail->visits[insn] > trail->loop_times) {
		trail->loop_times = trail->visits[insn];
		trail->loop_insn = insn;
	}
	change_frame(trail, env->state);
	if (written)
		add_origin(written, origin);
	compare(trail, env->state, origin,
		branch || form == EBPF_FORM_ST || form == EBPF_FORM_STX ||
			form == EBPF_FORM_ATOMIC || form == EBPF_FORM_CALL ||
			form == EBPF_FORM_CALL_LOCAL ||
			form == EBPF_FORM_STORE_REL ||
			form == EBPF_FORM_EXIT);
	trail->depth = env->state->depth;
	return true;
}

struct ebpf_vtrail *
ebpf_verify_retrace(struct ebpf_venv *env)
{
	uint64_t steps = env->fault.steps, i;
	struct ebpf_vtrail *trail;
	bool same = true;

	trail = os_alloc(sizeof(*trail));
	if (!trail)
		return NULL;
	trail->visits = os_alloc((size_t)env->count * sizeof(uint32_t));
	if (!trail->visits)
		goto fail;
	env->trail = trail;
	ebpf_verify_begin(env);
	trail->depth = 1;
	memcpy(trail->known[0], env->state->frames[0]->regs,
	       sizeof(trail->known[0]));
	for (i = 0; i < steps && same; i++) {
		env->step_again = i;
		same = again(env, trail);
		if (same && ebpf_verify_effort(env, 8) != 0)
			same = false;
	}
	env->trail = NULL;
	if (same && env->insn == env->fault.insn)
		return trail;
fail:
	ebpf_verify_trail_free(trail);
	return NULL;
}

void
ebpf_verify_trail_free(struct ebpf_vtrail *trail)
{
	if (trail)
		os_free(trail->visits);
	os_free(trail);
}
