/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The stack, byte by byte: what was written where, spilled registers with all
 * that was known of them, accesses at known and at variable offsets. Called by
 * memory.c, which knows the other kinds of memory.
 */
#include "core/verifier/verify.h"
#include "core/word.h"

static uint32_t
slot_of(int64_t off)
{
	return (uint32_t)((-off - 1) / 8);
}

static uint32_t
byte_of(int64_t off)
{
	return (uint32_t)(off & 7);
}

/* Slots that [lo, hi) touches, as a set. */
static uint64_t
slots_of(int64_t lo, int64_t hi)
{
	uint32_t last = slot_of(lo), first = slot_of(hi - 1);

	return (~0ULL >> (63 - last)) & (~0ULL << first);
}

/* Halves of slots that [lo, hi) touches. */
static struct ebpf_vhalves
touched(int64_t lo, int64_t hi)
{
	struct ebpf_vhalves set = { { slots_of(lo, hi), slots_of(lo, hi) } };

	if (byte_of(lo) >= 4)
		set.of[0] &= ~(1ULL << slot_of(lo));
	if (byte_of(hi - 1) < 4)
		set.of[1] &= ~(1ULL << slot_of(hi - 1));
	return set;
}

/*
 * All of [lo, hi) is written, whatever was there. What a processor may see of
 * that, even so, was compared before.
 */
static void
overwrite(struct ebpf_venv *env, uint32_t frame, int64_t lo, int64_t hi)
{
	struct ebpf_vhalves set;

	lo = (lo + 3) & ~3LL; /* halves that it covers */
	hi &= ~3LL;
	if (lo >= hi)
		return;
	set = touched(lo, hi);
	env->written[frame].of[0] |= set.of[0];
	env->written[frame].of[1] |= set.of[1];
}

/* The slots of a frame become at least `count`; new ones are empty. */
static void
grow(struct ebpf_vframe *frame, uint32_t count)
{
	if (frame->slot_count >= count)
		return;
	memset(&frame->slots[frame->slot_count], 0,
	       (count - frame->slot_count) * sizeof(frame->slots[0]));
	frame->slot_count = count;
}

/*
 * The bytes that size bytes at ptr + off can be in: [*lo, *hi) below r10, and
 * inside the function's 512 bytes. Accounts them to the function.
 */
static int
bounds(struct ebpf_venv *env, const struct ebpf_vreg *ptr, uint32_t number,
       int32_t off, uint64_t size, int64_t *lo, int64_t *hi)
{
	struct ebpf_vframe *frame = env->state->frames[ptr->frame];
	uint32_t *depth = &env->funcs[frame->func].depth;

	if (ptr->num.smin < -EBPF_V_OFF_MAX || ptr->num.smax > EBPF_V_OFF_MAX)
		return ebpf_verify_reject(
			env, EBPF_RULE_STACK_BOUNDS,
			"r%u points into the stack at an unbounded offset",
			number);
	*lo = ptr->num.smin + ptr->off + off;
	*hi = ptr->num.smax + ptr->off + off + (int64_t)size;
	if (*lo < -EBPF_STACK_MAX || *hi > 0)
		return ebpf_verify_reject(
			env, EBPF_RULE_STACK_BOUNDS,
			"r%u %+d reaches bytes %lld to %lld from the frame "
			"pointer; the stack is -%d to -1",
			number, off, (long long)*lo, (long long)*hi - 1,
			EBPF_STACK_MAX);
	if (*lo < *hi && (uint32_t)-*lo > *depth) {
		/* no frame is made larger for what will not happen */
		if (env->state->ahead)
			return -EBPF_EREJECTED;
		*depth = (uint32_t)-*lo;
	}
	return 0;
}

static int
check_aligned(struct ebpf_venv *env, uint32_t number, int64_t off,
	      uint32_t size)
{
	if (off & (int64_t)(size - 1))
		return ebpf_verify_reject(
			env, EBPF_RULE_ALIGNMENT,
			"%u bytes at r%u are at stack offset %lld", size,
			number, (long long)off);
	return 0;
}

/* What remains of a slot's spilled registers when one loses some bytes. */
static void
break_spill(struct ebpf_vslot *slot, uint32_t half)
{
	uint8_t rest = ebpf_vslot_is_pointer(slot) ? EBPF_VB_NONE :
						     EBPF_VB_MISC;
	uint32_t i;

	for (i = 0; i < slot->spill_size[half]; i++)
		slot->bytes[slot->spill_off[half] + i] = rest;
	slot->spill_size[half] = slot->spill_off[half] = 0;
}

/* The spilled registers that have some of the bytes go. */
static void
break_spills(struct ebpf_vslot *slot, uint32_t from, uint32_t size)
{
	uint32_t h;

	for (h = 0; h < 2; h++)
		if (slot->spill_size[h] &&
		    from < (uint32_t)slot->spill_off[h] + slot->spill_size[h] &&
		    slot->spill_off[h] < from + size)
			break_spill(slot, h);
}

/* Every byte of [lo, hi) is written and no pointer's. */
static int
check_readable(struct ebpf_venv *env, const struct ebpf_vframe *frame,
	       uint32_t number, int64_t lo, int64_t hi)
{
	int64_t off;

	for (off = lo; off < hi; off++) {
		const struct ebpf_vslot *slot = &frame->slots[slot_of(off)];
		uint8_t byte = slot_of(off) < frame->slot_count ?
				       slot->bytes[byte_of(off)] :
				       EBPF_VB_NONE;

		/* as root on Linux: somebody's old number, or half an address */
		if (byte == EBPF_VB_NONE && !ebpf_verify_may_leak(env))
			return ebpf_verify_reject(
				env, EBPF_RULE_UNINIT,
				"r%u: the stack byte at offset %lld is read "
				"but was not written",
				number, (long long)off);
		if (byte == EBPF_VB_SPILL && ebpf_vslot_is_pointer(slot))
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_LEAK,
				"r%u: the stack byte at offset %lld is part of "
				"a saved %s",
				number, (long long)off,
				ebpf_verify_type_name(&slot->reg[0]));
	}
	return 0;
}

bool
ebpf_verify_slot_number(const struct ebpf_vslot *slot, uint32_t off,
			uint32_t size, struct ebpf_vreg *out)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint32_t half = size < 8 && off >= 4 && slot->spill_size[0] < 8;
	uint32_t i, known = 0;
	uint64_t word = 0;

	if (slot->spill_size[half] == size && slot->spill_off[half] == off) {
		*out = slot->reg[half];
		return true;
	}
	for (i = 0; i < size; i++) {
		uint8_t byte = slot->bytes[off + i];

		if (byte == EBPF_VB_NONE || ebpf_vslot_is_pointer(slot))
			return false;
		known += byte == EBPF_VB_CONST;
		word |= (uint64_t)slot->data[off + i]
			<< 8 * (little ? i : size - 1 - i);
	}
	if (known == size) {
		ebpf_vreg_const(out, word);
		return true;
	}
	ebpf_vreg_upto(out, ebpf_bits_mask(size * 8));
	if (little && slot->spill_size[half] > size &&
	    slot->spill_off[half] == off) {
		/* the low bytes of a wider number */
		out->num = slot->reg[half].num;
		out->guess = slot->reg[half].guess;
		ebpf_num_zext(&out->num, size * 8, 64);
	}
	return true;
}

/* The numbers that the bytes [lo, hi) hold matter. */
static void
mark_numbers(struct ebpf_venv *env, uint32_t frame, int64_t lo, int64_t hi)
{
	int64_t from, to;

	for (from = lo; from < hi; from = to) {
		to = from - byte_of(from) + 8 < hi ? from - byte_of(from) + 8 :
						     hi;
		ebpf_verify_mark_number(env, frame, slot_of(from),
					((1u << (to - from)) - 1)
						<< byte_of(from));
	}
}

int
ebpf_verify_stack_load(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
		       uint32_t number, int32_t off, uint32_t size,
		       struct ebpf_vreg *value)
{
	struct ebpf_vframe *frame = env->state->frames[ptr->frame];
	int64_t lo, hi;
	int error;

	error = bounds(env, ptr, number, off, size, &lo, &hi);
	if (error)
		return error;
	ebpf_verify_slots_read(env, frame, slots_of(lo, hi));
	ebpf_verify_mark_read(env, ptr->frame, touched(lo, hi));
	if (env->want_number)
		mark_numbers(env, ptr->frame, lo, hi);
	else
		env->ignored[env->insn + 1] |=
			(uint16_t)(1u << env->ops[env->insn].dst);
	if (ebpf_num_is_const(&ptr->num)) {
		error = check_aligned(env, number, lo, size);
		if (error)
			return error;
		if (slot_of(lo) < frame->slot_count &&
		    ebpf_verify_slot_number(&frame->slots[slot_of(lo)],
					    byte_of(lo), size, value)) {
			value->guess |= frame->slots[slot_of(lo)].fresh != 0;
			return 0;
		}
	}
	ebpf_vreg_upto(value, ebpf_bits_mask(size * 8));
	return check_readable(env, frame, number, lo, hi);
}

static void
store_const(struct ebpf_venv *env, uint32_t f, int64_t lo, uint32_t size,
	    const struct ebpf_vreg *value)
{
	uint32_t index = slot_of(lo), from = byte_of(lo), half = from / 4, i;
	struct ebpf_vslot *slot = &env->state->frames[f]->slots[index];
	bool known = value && value->type == EBPF_V_SCALAR &&
		     ebpf_num_is_const(&value->num);
	enum ebpf_vbyte byte;

	if (env->hardened)
		ebpf_verify_mark_read(env, f, touched(lo, lo + size));
	ebpf_verify_slot_written(env, slot, value);
	/* one register is remembered per half; an older one gives way */
	break_spills(slot, from, size);
	if (value && !known && slot->spill_size[half])
		break_spill(slot, half);
	byte = !value ? EBPF_VB_MISC : known ? EBPF_VB_CONST : EBPF_VB_SPILL;
	ebpf_word_put(slot->bytes + from, size, byte * 0x0101010101010101ULL);
	/* data of what is no constant is 0, so that slots compare as bytes */
	ebpf_word_put(slot->data + from, size, known ? value->num.umin : 0);
	if (value && !known) {
		struct ebpf_vreg *reg = &slot->reg[half];

		slot->spill_off[half] = (uint8_t)from;
		slot->spill_size[half] = (uint8_t)size;
		*reg = *value;
		if (size < 8 && value->num.umax > ebpf_bits_mask(size * 8)) {
			/* only its low bytes came along */
			ebpf_vreg_scalar(reg);
			reg->num = value->num;
			ebpf_num_zext(&reg->num, size * 8, 64);
		}
	}
	for (i = from; i < from + size; i++)
		slot->writer[i] = env->insn + 1;
	if (size == 8)
		slot->teacher = 0;
	overwrite(env, f, lo, lo + size);
}

static int
store_variable(struct ebpf_venv *env, struct ebpf_vframe *frame,
	       uint32_t number, int64_t lo, int64_t hi)
{
	int64_t off;

	for (off = lo; off < hi; off++) {
		struct ebpf_vslot *slot = &frame->slots[slot_of(off)];
		uint8_t *byte = &slot->bytes[byte_of(off)];

		ebpf_verify_slot_written(env, slot, NULL);
		if (*byte == EBPF_VB_SPILL) {
			if (ebpf_vslot_is_pointer(slot))
				return ebpf_verify_reject(
					env, EBPF_RULE_STACK_BOUNDS,
					"r%u: a write at a variable offset may "
					"hit the %s saved at offset %lld",
					number,
					ebpf_verify_type_name(&slot->reg[0]),
					(long long)off);
			break_spills(slot, byte_of(off), 1);
		}
		/* may or may not be written: no byte becomes readable */
		if (*byte == EBPF_VB_CONST)
			*byte = EBPF_VB_MISC;
		slot->data[byte_of(off)] = 0;
	}
	return 0;
}

int
ebpf_verify_stack_store(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
			uint32_t number, int32_t off, uint32_t size,
			const struct ebpf_vreg *value)
{
	struct ebpf_vframe *frame = env->state->frames[ptr->frame];
	int64_t lo, hi;
	int error;

	error = bounds(env, ptr, number, off, size, &lo, &hi);
	if (error)
		return error;
	if (value && ebpf_vreg_is_pointer(value)) {
		if (size < 8 || !ebpf_num_is_const(&ptr->num))
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_LEAK,
				"a %s can be saved only whole and at a known "
				"stack offset",
				ebpf_verify_type_name(value));
		if (value->type == EBPF_V_STACK && value->frame > ptr->frame)
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_LEAK,
				"a pointer to this function's stack would "
				"outlive it in its caller's");
		if (value->type == EBPF_V_KEY && value->frame > ptr->frame)
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_LEAK,
				"the key's address would outlive the callback "
				"in its caller's stack");
	}
	grow(frame, slot_of(lo) + 1);
	if (!ebpf_num_is_const(&ptr->num)) {
		/* whether it is allowed depends on what is there */
		ebpf_verify_mark_read(env, ptr->frame, touched(lo, hi));
		return store_variable(env, frame, number, lo, hi);
	}
	error = check_aligned(env, number, lo, size);
	if (!error)
		store_const(env, ptr->frame, lo, size, value);
	return error;
}

int
ebpf_verify_stack_mem(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
		      uint32_t number, uint64_t size, uint64_t sure, bool write)
{
	struct ebpf_vframe *frame = env->state->frames[ptr->frame];
	struct ebpf_vout *out;
	int64_t lo, hi;
	int error;

	error = bounds(env, ptr, number, 0, size, &lo, &hi);
	if (error || lo == hi)
		return error;
	/* what may be written, and where, may depend on what is there */
	if (!write || !ebpf_num_is_const(&ptr->num) || env->hardened)
		ebpf_verify_mark_read(env, ptr->frame, touched(lo, hi));
	if (!write) {
		ebpf_verify_slots_read(env, frame, slots_of(lo, hi));
		return check_readable(env, frame, number, lo, hi);
	}
	grow(frame, slot_of(lo) + 1);
	if (!ebpf_num_is_const(&ptr->num))
		return store_variable(env, frame, number, lo, hi);
	out = &env->outs[env->out_count++];
	out->frame = ptr->frame;
	out->lo = lo;
	out->hi = hi;
	out->sure = lo + (int64_t)sure;
	return 0;
}

void
ebpf_verify_stack_outs(struct ebpf_venv *env)
{
	const struct ebpf_vout *out;
	int64_t off;

	while (env->out_count > 0) {
		out = &env->outs[--env->out_count];
		for (off = out->lo; off < out->hi; off++) {
			struct ebpf_vslot *slot =
				&env->state->frames[out->frame]
					 ->slots[slot_of(off)];
			uint8_t *byte = &slot->bytes[byte_of(off)];

			ebpf_verify_slot_written(env, slot, NULL);
			if (*byte == EBPF_VB_SPILL)
				break_spills(slot, byte_of(off), 1);
			if (off < out->sure || *byte == EBPF_VB_CONST)
				*byte = EBPF_VB_MISC;
			slot->data[byte_of(off)] = 0;
		}
		overwrite(env, out->frame, out->lo, out->sure);
	}
}
