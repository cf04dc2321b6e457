/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Conditional jumps: which way they can go, and what each way teaches. Numbers
 * learn by the domain, and every register that holds the same named number
 * learns with them; pointers learn that they are not null, packet pointers how
 * much of the packet is there, memory pointers how much of the length is.
 */
#include "core/verifier/verify.h"

static bool
is_packet(const struct ebpf_vreg *reg)
{
	return reg->type == EBPF_V_PKT || reg->type == EBPF_V_PKT_META ||
	       reg->type == EBPF_V_PKT_END;
}

/* Its range speaks of this pointer: its variable part has a name or is 0. */
static bool
is_named(const struct ebpf_vreg *ptr)
{
	return ptr->id != 0 || ptr->num.umax == 0;
}

/* A comparison's outcome as "low < high" or "low <= high". */
struct order {
	struct ebpf_vreg *low, *high;
	bool strict;
	bool is_signed;
};

static bool
order_of(struct ebpf_vreg *dst, struct ebpf_vreg *src, enum ebpf_fn fn,
	 bool taken, struct order *order)
{
	bool dst_low;

	switch (fn) {
	case EBPF_FN_JGT:
	case EBPF_FN_JSGT:
		dst_low = !taken;
		order->strict = taken;
		break;
	case EBPF_FN_JGE:
	case EBPF_FN_JSGE:
		dst_low = !taken;
		order->strict = !taken;
		break;
	case EBPF_FN_JLT:
	case EBPF_FN_JSLT:
		dst_low = taken;
		order->strict = taken;
		break;
	case EBPF_FN_JLE:
	case EBPF_FN_JSLE:
		dst_low = taken;
		order->strict = !taken;
		break;
	default:
		return false;
	}
	order->low = dst_low ? dst : src;
	order->high = dst_low ? src : dst;
	order->is_signed = fn == EBPF_FN_JSGT || fn == EBPF_FN_JSGE ||
			   fn == EBPF_FN_JSLT || fn == EBPF_FN_JSLE;
	return true;
}

/* ---- operands ---- */

int
ebpf_verify_operands(struct ebpf_venv *env, const struct ebpf_op *op,
		     struct ebpf_vpair *pair)
{
	int error = ebpf_verify_read_reg(env, op->dst, &pair->dst);

	if (error)
		return error;
	if (ebpf_op_info[op->code].form == EBPF_FORM_JCC_REG)
		return ebpf_verify_read_reg(env, op->src, &pair->src);
	pair->src = &env->scratch[1];
	ebpf_vreg_const(pair->src, (uint64_t)op->imm);
	return 0;
}

static bool
is_near(const struct ebpf_vreg *ptr)
{
	return ptr->num.smin >= -EBPF_V_OFF_MAX &&
	       ptr->num.smax <= EBPF_V_OFF_MAX;
}

/*
 * Whether the address is certainly not 0. Not so for packets and memory, whose
 * base may be null when they are empty, nor outside what a base belongs to:
 * objects may lie low, but nothing lies within a stack's length of 0.
 */
static bool
never_null(const struct ebpf_venv *env, const struct ebpf_vreg *ptr)
{
	int64_t above = EBPF_STACK_MAX;

	if (ptr->maybe_null || !is_near(ptr))
		return false;
	switch (ptr->type) {
	case EBPF_V_VALUE:
		above += ebpf_verify_map_of(env, ptr)->value_size;
		break;
	case EBPF_V_RECORD:
		above += ptr->range;
		break;
	case EBPF_V_KEY:
		above += ebpf_verify_map_of(env, ptr)->key_size;
		break;
	case EBPF_V_STACK:
	case EBPF_V_CTX:
	case EBPF_V_MAP:
		break;
	default:
		return false;
	}
	return ptr->num.smin + ptr->off >= -EBPF_STACK_MAX &&
	       ptr->num.smax + ptr->off <= above;
}

static int
decide_packet(struct ebpf_vreg *dst, struct ebpf_vreg *src, enum ebpf_fn fn)
{
	struct order order;

	/* is what "taken" says proven, or its contrary? */
	if (order_of(dst, src, fn, true, &order) &&
	    order.low->type == EBPF_V_PKT &&
	    order.high->type == EBPF_V_PKT_END && is_named(order.low) &&
	    order.low->range && order.low->off >= 0 && !order.is_signed &&
	    (uint32_t)order.low->off + order.strict <= order.low->range)
		return 1;
	if (order_of(dst, src, fn, false, &order) &&
	    order.low->type == EBPF_V_PKT &&
	    order.high->type == EBPF_V_PKT_END && is_named(order.low) &&
	    order.low->range && order.low->off >= 0 && !order.is_signed &&
	    (uint32_t)order.low->off + order.strict <= order.low->range)
		return 0;
	return -1;
}

/* Two places on one stack frame or in one memory: compare the offsets. */
static int
decide_offsets(const struct ebpf_vreg *dst, const struct ebpf_vreg *src,
	       enum ebpf_fn fn)
{
	struct ebpf_num a, b;

	if ((dst->type != EBPF_V_STACK && dst->type != EBPF_V_MEM) ||
	    !is_near(dst) || !is_near(src) || !ebpf_num_is_const(&dst->num) ||
	    !ebpf_num_is_const(&src->num))
		return -1;
	/* moved up so that offsets below the frame pointer order as well */
	ebpf_num_const(&a, (uint64_t)(dst->num.smin + dst->off) +
			       4 * (uint64_t)EBPF_V_OFF_MAX, 64);
	ebpf_num_const(&b, (uint64_t)(src->num.smin + src->off) +
			       4 * (uint64_t)EBPF_V_OFF_MAX, 64);
	switch (fn) {
	case EBPF_FN_JEQ:
	case EBPF_FN_JNE:
	case EBPF_FN_JGT:
	case EBPF_FN_JGE:
	case EBPF_FN_JLT:
	case EBPF_FN_JLE:
		return ebpf_num_decide(&a, &b, fn, true, 64);
	default:
		return -1;
	}
}

/*
 * Where addresses are numbers, comparing one with anything is allowed and says
 * nothing, but for what is understood: packets, two of a sort, null.
 */
static bool
teaches_pointers(const struct ebpf_venv *env, const struct ebpf_op_info *info,
		 const struct ebpf_vreg *dst, const struct ebpf_vreg *src)
{
	bool equality = info->fn == EBPF_FN_JEQ || info->fn == EBPF_FN_JNE;
	bool both = ebpf_vreg_is_pointer(dst) && ebpf_vreg_is_pointer(src);

	if (!ebpf_verify_may_leak(env))
		return true;
	if (info->width != 64 || info->fn == EBPF_FN_JSET)
		return false;
	if (both)
		return !dst->maybe_null && !src->maybe_null &&
		       ((is_packet(dst) && is_packet(src)) ||
			(dst->type == src->type && dst->frame == src->frame &&
			 dst->map == src->map && dst->inner == src->inner));
	return equality &&
	       ebpf_vreg_is_zero(ebpf_vreg_is_pointer(dst) ? src : dst);
}

static int
decide_pointers(struct ebpf_venv *env, const struct ebpf_op *op,
		struct ebpf_vreg *dst, struct ebpf_vreg *src, int *outcome)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	const struct ebpf_vreg *ptr;
	bool equality = info->fn == EBPF_FN_JEQ || info->fn == EBPF_FN_JNE;

	*outcome = -1;
	if (!teaches_pointers(env, info, dst, src))
		return 0;
	if (info->width != 64 || info->fn == EBPF_FN_JSET)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"a %s is compared by some of its bits",
			ebpf_verify_type_name(
				ebpf_vreg_is_pointer(dst) ? dst : src));
	if (ebpf_vreg_is_pointer(dst) && ebpf_vreg_is_pointer(src)) {
		if (dst->maybe_null || src->maybe_null)
			return ebpf_verify_reject(
				env, EBPF_RULE_NULL_CHECK,
				"pointers are compared and one may be null");
		if (is_packet(dst) && is_packet(src)) {
			*outcome = decide_packet(dst, src, info->fn);
			return 0;
		}
		if (dst->type != src->type || dst->frame != src->frame ||
		    dst->map != src->map || dst->inner != src->inner)
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_LEAK,
				"a %s is compared with a %s",
				ebpf_verify_type_name(dst),
				ebpf_verify_type_name(src));
		*outcome = decide_offsets(dst, src, info->fn);
		return 0;
	}
	ptr = ebpf_vreg_is_pointer(dst) ? dst : src;
	/* that the other one is null is a matter of its number */
	ebpf_verify_need_numbers(env, env->insn);
	if (!equality || !ebpf_vreg_is_zero(ptr == dst ? src : dst))
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"a %s is compared with a number",
			ebpf_verify_type_name(ptr));
	if (never_null(env, ptr))
		*outcome = info->fn == EBPF_FN_JNE;
	return 0;
}

int
ebpf_verify_decide(struct ebpf_venv *env, const struct ebpf_op *op,
		   const struct ebpf_vpair *pair, int *outcome)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_vreg *dst = pair->dst, *src = pair->src;

	if (ebpf_vreg_is_pointer(dst) || ebpf_vreg_is_pointer(src))
		return decide_pointers(env, op, dst, src, outcome);
	*outcome = ebpf_num_decide(&dst->num, &src->num, info->fn,
				   info->width == 64, 64);
	if (*outcome >= 0)
		ebpf_verify_need_numbers(env, env->insn);
	return 0;
}

/* ---- learning ---- */

/*
 * The jump teaches another register, or a slot. If what is known of that comes
 * to matter, so do the jump's operands.
 */
static void
note_learner(struct ebpf_venv *env, const struct ebpf_vreg *reg)
{
	const struct ebpf_vslot *slot = env->each.slot;

	if (slot) {
		if (slot->teacher && slot->teacher != env->insn + 1)
			ebpf_verify_need_numbers(env, slot->teacher - 1);
	} else if (reg != env->operand &&
		   !(env->aux[env->insn].flags & EBPF_VA_NUMBERS) &&
		   (ebpf_vreg_is_pointer(reg) ||
		    ebpf_verify_number_matters(env, env->each.frame,
					       env->each.reg))) {
		ebpf_verify_need_numbers(env, env->insn);
	}
}

/*
 * What a register that holds the same named number, perhaps plus something,
 * learns of its own; false: nothing.
 */
static bool
same_number(struct ebpf_venv *env, const struct ebpf_vreg *reg,
	    const struct ebpf_vreg *from, struct ebpf_num *num)
{
	struct ebpf_num delta;
	int64_t by;

	if (reg->type == EBPF_V_SCALAR) {
		if (reg->shl)
			return false;
		by = (int64_t)reg->off - from->off;
	} else if (reg->type == EBPF_V_PKT || reg->type == EBPF_V_PKT_META ||
		   reg->type == EBPF_V_MEM) {
		by = -(int64_t)from->off;
	} else {
		return false;
	}
	note_learner(env, reg);
	*num = from->num;
	if (by) {
		ebpf_num_const(&delta, (uint64_t)by, 64);
		ebpf_num_alu(num, &delta, EBPF_FN_ADD, true, 64);
	}
	return true;
}

static int
learn_same(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	struct ebpf_num num;

	if (!same_number(env, reg, arg, &num))
		return 0;
	if (env->each.slot)
		env->each.slot->teacher = env->insn + 1;
	reg->guess |= env->hardened;
	return ebpf_num_intersect(&reg->num, &num, 64) ? 0 : 1;
}

/* The same for somebody who only wants to know whether it can. */
static int
could_learn(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	struct ebpf_num num, own;

	if (!same_number(env, reg, arg, &num))
		return 0;
	own = reg->num;
	return ebpf_num_intersect(&own, &num, 64) ? 0 : 1;
}

/* Tell everybody who holds reg's number; false: nobody can hold it. */
static bool
spread(struct ebpf_venv *env, const struct ebpf_vreg *reg)
{
	struct ebpf_vreg from;
	struct ebpf_num num, delta;

	if (!reg->id || reg->shl || reg->type != EBPF_V_SCALAR)
		return true;
	from = *reg;
	env->operand = reg;
	if (from.id == EBPF_V_ID_LEN) {
		ebpf_verify_need_numbers(env, env->insn);
		num = from.num;
		ebpf_num_const(&delta, (uint64_t)-(int64_t)from.off, 64);
		ebpf_num_alu(&num, &delta, EBPF_FN_ADD, true, 64);
		env->state->len_guess |= env->hardened;
		if (!ebpf_num_intersect(&env->state->len, &num, 64))
			return false;
	}
	return ebpf_verify_each_named(env, from.id, learn_same, &from) == 0;
}

struct proof {
	uint8_t type; /* 0: numbers and memory of that name */
	uint32_t range;
};

static int
learn_range(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	const struct proof *proof = arg;

	if (proof->type ? reg->type != proof->type || !is_named(reg) :
			  reg->type != EBPF_V_SCALAR &&
				  reg->type != EBPF_V_MEM)
		return 0;
	if (reg->range < proof->range) {
		reg->range = proof->range;
		reg->guess |= env->hardened;
	}
	return 0;
}

/* low <= high or low < high, where high is a place the packet has. */
static void
prove_packet(struct ebpf_venv *env, const struct order *order)
{
	const struct ebpf_vreg *low = order->low, *high = order->high;
	struct proof proof;

	if (order->is_signed)
		return;
	/* data up to data_end, metadata up to data */
	if (!(low->type == EBPF_V_PKT && high->type == EBPF_V_PKT_END) &&
	    !(low->type == EBPF_V_PKT_META && high->type == EBPF_V_PKT &&
	      high->off == 0 && high->num.umax == 0))
		return;
	/* far away the address may wrap around and prove nothing */
	if (!is_named(low) || low->off < 0 || low->off >= EBPF_V_PKT_MAX ||
	    low->num.smin < 0 || low->num.umax > EBPF_V_PKT_MAX)
		return;
	proof.type = low->type;
	proof.range = (uint32_t)low->off + order->strict;
	ebpf_verify_each_named(env, low->id, learn_range, &proof);
}

/* low <= high or low < high, where high is the tied length or less. */
static void
prove_length(struct ebpf_venv *env, const struct order *order, bool wide)
{
	struct ebpf_vreg *low = order->low;
	const struct ebpf_vreg *high = order->high;
	struct proof proof;
	int64_t bytes;

	if (high->id != EBPF_V_ID_LEN || high->shl ||
	    high->off > 0 || low->id == EBPF_V_ID_LEN || low->shl ||
	    ebpf_num_is_const(&low->num))
		return;
	if (!wide && (low->num.umax > UINT32_MAX ||
		      high->num.umax > UINT32_MAX))
		return;
	if (order->is_signed &&
	    (wide ? low->num.smin < 0 || high->num.smin < 0 :
		    low->num.hsmin < 0 || high->num.hsmin < 0))
		return;
	/* neither side may have wrapped around on the way from its name */
	if (high->off < 0 &&
	    env->state->len.umin < (uint64_t)-(int64_t)high->off)
		return;
	if (low->off > 0 && low->num.umin < (uint64_t)low->off)
		return;
	if (low->off < 0 &&
	    low->num.umax > UINT64_MAX - (uint64_t)-(int64_t)low->off)
		return;
	if (!low->id) {
		low->id = ebpf_verify_new_id(env);
		low->off = 0;
		low->range = 0;
	}
	bytes = (int64_t)low->off - high->off + order->strict;
	if (bytes <= 0 || bytes > EBPF_V_OFF_MAX)
		return;
	ebpf_verify_need_numbers(env, env->insn);
	proof.type = 0;
	proof.range = (uint32_t)bytes;
	ebpf_verify_each_named(env, low->id, learn_range, &proof);
}

static int
learn_null(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	const bool *is_null = arg;

	if (!reg->maybe_null)
		return 0;
	if (*is_null) {
		ebpf_vreg_const(reg, 0);
		reg->guess = env->hardened;
	} else {
		reg->maybe_null = 0;
		/* what must be released, or has a lock, keeps its name */
		if (reg->type == EBPF_V_MAP ||
		    (reg->type == EBPF_V_VALUE &&
		     !ebpf_verify_map_of(env, reg)->has_lock))
			reg->id = 0;
	}
	return 0;
}

static bool
branch_pointers(struct ebpf_venv *env, struct ebpf_vreg *dst,
		struct ebpf_vreg *src, enum ebpf_fn fn, bool taken)
{
	const struct ebpf_vreg *ptr = ebpf_vreg_is_pointer(dst) ? dst : src;
	struct order order;
	uint32_t id = ptr->id;
	bool is_null;

	if (ebpf_vreg_is_pointer(dst) && ebpf_vreg_is_pointer(src)) {
		if (order_of(dst, src, fn, taken, &order))
			prove_packet(env, &order);
		return true;
	}
	if (ptr->maybe_null) {
		is_null = (fn == EBPF_FN_JEQ) == taken;
		if (is_null && (ptr->type == EBPF_V_RECORD ||
				ptr->type == EBPF_V_SOCK))
			ebpf_verify_drop(env, id);
		ebpf_verify_each_named(env, id, learn_null, &is_null);
	}
	return true;
}

bool
ebpf_verify_teaches_none(struct ebpf_venv *env, const struct ebpf_op *op,
			 const struct ebpf_vpair *pair, bool taken,
			 uint32_t regs)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	const struct ebpf_vreg *all = ebpf_verify_top(env)->regs;
	struct ebpf_vreg from;
	struct ebpf_num b;
	uint32_t i;

	for (regs &= (1u << EBPF_REG_FP) - 1; regs; regs &= regs - 1) {
		i = (uint32_t)__builtin_ctz(regs);
		if (all[i].type != EBPF_V_SCALAR || all[i].id != 0 ||
		    &all[i] == pair->dst || &all[i] == pair->src)
			return false;
	}
	/* pointers learn of themselves alone, and it can be either way */
	if (ebpf_vreg_is_pointer(pair->dst) || ebpf_vreg_is_pointer(pair->src))
		return true;
	if (info->form != EBPF_FORM_JCC_IMM)
		return false;
	from = *pair->dst;
	b = pair->src->num;
	if (!ebpf_num_refine(&from.num, &b, info->fn, taken, info->width == 64,
			     64))
		return false;
	if (!from.id || from.shl)
		return true;
	env->operand = pair->dst;
	return ebpf_verify_each_named(env, from.id, could_learn, &from) == 0;
}

void
ebpf_verify_branch(struct ebpf_venv *env, const struct ebpf_op *op,
		   const struct ebpf_vpair *pair, bool taken, bool *possible)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	bool wide = info->width == 64;
	struct ebpf_vreg *dst = pair->dst, *src = pair->src;
	struct ebpf_num a, b;
	struct order order;

	*possible = true;
	if (ebpf_vreg_is_pointer(dst) || ebpf_vreg_is_pointer(src)) {
		if (teaches_pointers(env, info, dst, src))
			*possible = branch_pointers(env, dst, src, info->fn,
						    taken);
		return;
	}
	a = dst->num;
	b = src->num;
	*possible = ebpf_num_refine(&a, &b, info->fn, taken, wide, 64);
	if (*possible && dst != src) {
		dst->guess |= env->hardened && !ebpf_num_equal(&dst->num, &a);
		src->guess |= env->hardened && !ebpf_num_equal(&src->num, &b);
		dst->num = a;
		src->num = b;
		if (env->tied && order_of(dst, src, info->fn, taken, &order))
			prove_length(env, &order, wide);
		/* the second may have learned from the first in between */
		*possible = spread(env, dst);
		if (*possible && info->form == EBPF_FORM_JCC_REG)
			*possible = spread(env, src);
	}
	if (!*possible)
		ebpf_verify_need_numbers(env, env->insn);
}
