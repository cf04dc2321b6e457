/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arithmetic on registers: numbers by the domain (num.c), pointers plus and
 * minus numbers, and the names (ids) of numbers that several registers hold.
 * Rejects only because of types, never because of a number's range (live.c).
 */
#include "core/verifier/verify.h"

uint32_t
ebpf_verify_new_id(struct ebpf_venv *env)
{
	return env->next_id++;
}

int
ebpf_verify_refuse_reg(struct ebpf_venv *env, uint32_t number)
{
	if (ebpf_verify_top(env)->regs[number].type == EBPF_V_NONE)
		return ebpf_verify_reject(
			env, EBPF_RULE_UNINIT,
			"r%u is read but was not written, or was lost in a "
			"call",
			number);
	return ebpf_verify_reject(env, EBPF_RULE_UNSUPPORTED,
				  "r%u is read where nothing should", number);
}

int
ebpf_verify_read_scalar(struct ebpf_venv *env, uint32_t number,
			struct ebpf_vreg **reg)
{
	int error = ebpf_verify_read_reg(env, number, reg);

	if (!error && (*reg)->type != EBPF_V_SCALAR)
		error = ebpf_verify_reject(
			env, EBPF_RULE_POINTER_ARITH,
			"r%u is a %s; this operation takes numbers only",
			number, ebpf_verify_type_name(*reg));
	return error;
}

/* A number that no other register is known to hold. */
static void
anonymous(struct ebpf_vreg *reg)
{
	reg->id = reg->range = 0;
	reg->off = 0;
	reg->shl = 0;
}

/* Give a number a name so that copies of it learn together. */
void
ebpf_verify_name(struct ebpf_venv *env, struct ebpf_vreg *reg)
{
	if (reg->type == EBPF_V_SCALAR && !reg->id &&
	    !ebpf_num_is_const(&reg->num)) {
		anonymous(reg);
		reg->id = ebpf_verify_new_id(env);
	}
}

/* Its id names the number it moved by, its range is what is proven there. */
static bool
has_names(const struct ebpf_vreg *ptr)
{
	return ptr->type == EBPF_V_PKT || ptr->type == EBPF_V_PKT_META ||
	       ptr->type == EBPF_V_MEM;
}

/* The pointer moves by a number that is known. */
static void
move_const(struct ebpf_vreg *ptr, uint64_t by)
{
	int64_t off = ptr->off, to;
	struct ebpf_num num;

	if (!__builtin_add_overflow(off, (int64_t)by, &to) &&
	    to >= -EBPF_V_OFF_MAX && to <= EBPF_V_OFF_MAX) {
		ptr->off = (int32_t)to;
		return;
	}
	ebpf_num_const(&num, by, 64);
	ebpf_num_alu(&ptr->num, &num, EBPF_FN_ADD, true, 64);
	if (has_names(ptr))
		ptr->id = ptr->range = 0;
}

/* dst = ptr +- number; dst may be either of them. */
static void
move(struct ebpf_venv *env, struct ebpf_vreg *dst, const struct ebpf_vreg *ptr,
     struct ebpf_vreg *number, bool minus)
{
	struct ebpf_vreg *out = &env->scratch[0];
	uint8_t guess = number->guess;
	struct ebpf_num delta;
	uint64_t by;

	if (ebpf_num_is_const(&number->num)) {
		by = minus ? 0 - number->num.umin : number->num.umin;
		if (dst != ptr)
			*dst = *ptr;
		dst->guess |= guess;
		move_const(dst, by);
		return;
	}
	*out = *ptr;
	out->guess |= guess;
	if (!minus && has_names(ptr) && ptr->num.umax == 0 && !number->shl) {
		/* base + off + (named number + its off) */
		ebpf_verify_name(env, number);
		out->num = number->num;
		out->id = number->id;
		out->range = ptr->type == EBPF_V_MEM ? number->range : 0;
		if (number->off) {
			ebpf_num_const(&delta, (uint64_t)(int64_t)number->off,
				       64);
			ebpf_num_alu(&out->num, &delta, EBPF_FN_SUB, true, 64);
			move_const(out, (uint64_t)(int64_t)number->off);
		}
	} else {
		ebpf_num_alu(&out->num, &number->num,
			     minus ? EBPF_FN_SUB : EBPF_FN_ADD, true, 64);
		if (has_names(ptr)) {
			out->id = ebpf_verify_new_id(env);
			out->range = 0;
		}
	}
	*dst = *out;
}

static bool
is_packet(const struct ebpf_vreg *reg)
{
	return reg->type == EBPF_V_PKT || reg->type == EBPF_V_PKT_META ||
	       reg->type == EBPF_V_PKT_END;
}

/* A packet address or its lower half: the distance of two is a number. */
static bool
has_half(const struct ebpf_vreg *reg)
{
	return is_packet(reg) || reg->type == EBPF_V_LOW;
}

static bool
comparable(const struct ebpf_vreg *a, const struct ebpf_vreg *b)
{
	if (a->maybe_null || b->maybe_null)
		return false;
	if (is_packet(a) && is_packet(b))
		return true;
	return a->type == b->type &&
	       (a->type == EBPF_V_MEM ||
		(a->type == EBPF_V_STACK && a->frame == b->frame));
}

static int
pointer_alu(struct ebpf_venv *env, struct ebpf_vreg *dst, uint32_t dst_number,
	    struct ebpf_vreg *src, uint32_t src_number,
	    const struct ebpf_op_info *info)
{
	bool dst_pointer = ebpf_vreg_is_pointer(dst);
	struct ebpf_vreg *ptr = dst_pointer ? dst : src;
	uint32_t number = dst_pointer ? dst_number : src_number;

	if (info->width == 32 && info->fn == EBPF_FN_SUB && dst_pointer &&
	    ebpf_vreg_is_pointer(src) &&
	    (comparable(dst, src) || (has_half(dst) && has_half(src)))) {
		/* a distance, cut to 32 bits: no address */
		ebpf_vreg_upto(dst, UINT32_MAX);
		return 0;
	}
	if (info->fn == EBPF_FN_SUB && ebpf_verify_may_leak(env) &&
	    (info->width == 32 ||
	     (dst_pointer && ebpf_vreg_is_pointer(src) &&
	      !comparable(dst, src)))) {
		if (info->width == 32)
			ebpf_vreg_upto(dst, UINT32_MAX);
		else
			ebpf_vreg_scalar(dst);
		return 0;
	}
	if (info->width != 64 ||
	    (info->fn != EBPF_FN_ADD && info->fn != EBPF_FN_SUB))
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_ARITH,
			"r%u is a %s; only 64-bit addition and subtraction "
			"work on it",
			number, ebpf_verify_type_name(ptr));
	if (dst_pointer && ebpf_vreg_is_pointer(src)) {
		if (info->fn != EBPF_FN_SUB || !comparable(dst, src))
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_ARITH,
				"r%u is a %s and r%u a %s; they cannot be "
				"combined",
				dst_number, ebpf_verify_type_name(dst),
				src_number, ebpf_verify_type_name(src));
		ebpf_vreg_scalar(dst);
		return 0;
	}
	if (ptr->maybe_null)
		return ebpf_verify_reject(
			env, EBPF_RULE_NULL_CHECK,
			"r%u may be null; arithmetic on it is not allowed "
			"before it was compared with null",
			number);
	if (ptr->type == EBPF_V_PKT_END || ptr->type == EBPF_V_MAP ||
	    ptr->type == EBPF_V_LOW ||
	    ptr->type == EBPF_V_FUNC)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_ARITH,
			"r%u is a %s; it cannot be moved", number,
			ebpf_verify_type_name(ptr));
	if (!dst_pointer && info->fn == EBPF_FN_SUB)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_ARITH,
			"the %s in r%u cannot be subtracted from a number",
			ebpf_verify_type_name(ptr), src_number);
	move(env, dst, ptr, dst_pointer ? src : dst, info->fn == EBPF_FN_SUB);
	return 0;
}

/* X += c where X has a name: it stays that name plus something. */
static bool
keeps_name_add(struct ebpf_vreg *dst, const struct ebpf_num *src,
	       const struct ebpf_op_info *info)
{
	int64_t by, to;
	uint64_t sum;

	if (!dst->id || dst->shl || !ebpf_num_is_const(src) ||
	    (info->fn != EBPF_FN_ADD && info->fn != EBPF_FN_SUB))
		return false;
	by = info->width == 64 ? src->smin : src->hsmin;
	if (by > INT32_MAX || by < INT32_MIN)
		return false;
	if (info->fn == EBPF_FN_SUB)
		by = -by;
	to = dst->off + by;
	if (to > EBPF_V_OFF_MAX || to < -EBPF_V_OFF_MAX)
		return false;
	if (info->width == 64) {
		dst->off = (int32_t)to;
		return true;
	}
	/* in 32 bits only where nothing is cut off */
	sum = dst->num.umax + (uint64_t)(by > 0 ? by : 0);
	if (dst->num.umax > UINT32_MAX || sum > UINT32_MAX ||
	    (by < 0 && dst->num.umin < (uint64_t)-by))
		return false;
	dst->off = (int32_t)to;
	return true;
}

/* Whether `dst fn= src` leaves dst's number as it is. */
static bool
changes_nothing(const struct ebpf_vreg *dst, const struct ebpf_num *src,
		const struct ebpf_op_info *info)
{
	uint64_t may = dst->num.t.value | dst->num.t.mask;

	if (info->width == 32 && dst->num.umax > UINT32_MAX)
		return false;
	if (!ebpf_num_is_const(src))
		return false;
	if (info->fn == EBPF_FN_AND)
		return (may & ~(info->width == 64 ? src->umin :
						    (uint32_t)src->umin)) == 0;
	return false;
}

static void
number_alu(struct ebpf_vreg *dst, const struct ebpf_num *src,
	   const struct ebpf_op_info *info)
{
	bool wide = info->width == 64;
	uint64_t by;

	if (changes_nothing(dst, src, info))
		return;
	if (wide && dst->id && ebpf_num_is_const(src)) {
		by = src->umin & 63;
		/* X << k >> k, as compilers cut to smaller widths */
		if (info->fn == EBPF_FN_LSH && !dst->shl && !dst->off && by &&
		    dst->num.umax <= ~0ULL >> by) {
			dst->shl = (uint8_t)by;
			ebpf_num_alu(&dst->num, src, info->fn, wide, 64);
			return;
		}
		if (dst->shl && dst->shl == by &&
		    (info->fn == EBPF_FN_RSH ||
		     (info->fn == EBPF_FN_ARSH && dst->num.smin >= 0))) {
			dst->shl = 0;
			ebpf_num_alu(&dst->num, src, info->fn, wide, 64);
			return;
		}
	}
	if (!keeps_name_add(dst, src, info))
		anonymous(dst);
	ebpf_num_alu(&dst->num, src, info->fn, wide, 64);
}

/* A result is a guess if it is better than what is known without guesses. */
static void
scalar_alu(struct ebpf_vreg *dst, const struct ebpf_vreg *src,
	   const struct ebpf_op_info *info)
{
	struct ebpf_num from, plain;

	if (os_likely(src != dst && !dst->guess && !src->guess)) {
		number_alu(dst, &src->num, info);
		return;
	}
	ebpf_num_unknown(&plain, 64);
	from = src->guess ? plain : src->num;
	if (!dst->guess)
		plain = dst->num;
	ebpf_num_alu(&plain, &from, (enum ebpf_fn)info->fn, info->width == 64,
		     64);
	from = src->num;
	dst->guess |= src->guess;
	number_alu(dst, &from, info);
	if (dst->guess)
		dst->guess = !ebpf_num_includes(&dst->num, &plain);
}

static int
mov(struct ebpf_venv *env, const struct ebpf_op *op,
    const struct ebpf_op_info *info)
{
	struct ebpf_vreg *dst = &ebpf_verify_top(env)->regs[op->dst], *src;
	bool wide = info->width == 64;
	int error;

	if (info->form == EBPF_FORM_ALU_IMM) {
		ebpf_vreg_const(dst, wide ? (uint64_t)op->imm :
					    (uint32_t)op->imm);
		return 0;
	}
	if (wide && info->fn == EBPF_FN_MOV) {
		error = ebpf_verify_read_reg(env, op->src, &src);
		if (error)
			return error;
		ebpf_verify_name(env, src);
		*dst = *src;
		return 0;
	}
	error = ebpf_verify_read_reg(env, op->src, &src);
	if (!error && info->fn == EBPF_FN_MOV && ebpf_verify_may_leak(env) &&
	    ebpf_vreg_is_pointer(src)) {
		ebpf_vreg_upto(dst, UINT32_MAX);
		return 0;
	}
	/* compilers measure packets with half of their addresses */
	if (!error && info->fn == EBPF_FN_MOV && has_half(src)) {
		ebpf_vreg_const(dst, 0);
		dst->type = EBPF_V_LOW;
		dst->origin = env->insn;
		return 0;
	}
	error = ebpf_verify_read_scalar(env, op->src, &src);
	if (error)
		return error;
	ebpf_verify_name(env, src);
	*dst = *src;
	switch (info->fn) {
	case EBPF_FN_MOV:
		if (dst->num.umax > UINT32_MAX) {
			anonymous(dst);
			ebpf_num_zext(&dst->num, 32, 64);
		}
		break;
	case EBPF_FN_MOVSX8:
		if (!wide || dst->num.smin < INT8_MIN ||
		    dst->num.smax > INT8_MAX) {
			anonymous(dst);
			ebpf_num_sext(&dst->num, 8, wide, 64);
		}
		break;
	case EBPF_FN_MOVSX16:
		if (!wide || dst->num.smin < INT16_MIN ||
		    dst->num.smax > INT16_MAX) {
			anonymous(dst);
			ebpf_num_sext(&dst->num, 16, wide, 64);
		}
		break;
	default: /* MOVSX32 */
		if (dst->num.smin < INT32_MIN || dst->num.smax > INT32_MAX) {
			anonymous(dst);
			ebpf_num_sext(&dst->num, 32, true, 64);
		}
		break;
	}
	return 0;
}

static int
unary(struct ebpf_venv *env, const struct ebpf_op *op,
      const struct ebpf_op_info *info)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	struct ebpf_vreg *dst;
	int error = ebpf_verify_read_scalar(env, op->dst, &dst);

	if (error)
		return error;
	if (info->fn == EBPF_FN_NEG) {
		anonymous(dst);
		ebpf_num_alu(&dst->num, &dst->num, EBPF_FN_NEG,
			     info->width == 64, 64);
		return 0;
	}
	if (info->fn == EBPF_FN_BSWAP ||
	    (info->fn == EBPF_FN_BE ? little : !little)) {
		anonymous(dst);
		ebpf_num_bswap(&dst->num, info->width / 8);
		return 0;
	}
	/* the host's own order: only cut */
	if (info->width < 64 &&
	    dst->num.umax > ebpf_bits_mask(info->width)) {
		anonymous(dst);
		ebpf_num_zext(&dst->num, info->width, 64);
	}
	return 0;
}

int
ebpf_verify_alu(struct ebpf_venv *env, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_vreg *dst, *src = NULL;
	int error;

	if (op->dst == EBPF_REG_FP)
		return ebpf_verify_reject(env, EBPF_RULE_FRAME_POINTER,
					  "r10 is written");
	if (info->form == EBPF_FORM_ALU_UNARY ||
	    info->form == EBPF_FORM_ENDIAN)
		return unary(env, op, info);
	switch ((enum ebpf_fn)info->fn) {
	case EBPF_FN_MOV:
	case EBPF_FN_MOVSX8:
	case EBPF_FN_MOVSX16:
	case EBPF_FN_MOVSX32:
		return mov(env, op, info);
	default:
		break;
	}
	error = ebpf_verify_read_reg(env, op->dst, &dst);
	if (!error && info->form == EBPF_FORM_ALU_REG)
		error = ebpf_verify_read_reg(env, op->src, &src);
	if (error)
		return error;
	if (!src) {
		src = &env->scratch[1];
		ebpf_vreg_const(src, info->width == 64 ? (uint64_t)op->imm :
							 (uint32_t)op->imm);
	}
	if (ebpf_vreg_is_pointer(dst) || ebpf_vreg_is_pointer(src))
		return pointer_alu(env, dst, op->dst, src, op->src, info);
	if (src == dst &&
	    (info->fn == EBPF_FN_SUB || info->fn == EBPF_FN_XOR)) {
		ebpf_vreg_const(dst, 0);
		return 0;
	}
	scalar_alu(dst, src, info);
	return 0;
}
