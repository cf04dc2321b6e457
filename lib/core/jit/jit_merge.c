/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Bytes that lie side by side and are put together by shifts and ors, as
 * compilers do for fields that may not be aligned (addresses in packets), are
 * one load here, and a swap where the first byte is the highest: all machines
 * that we compile for load from any address, lowest byte first. jit_gen.c asks
 * at every load.
 */
#include "core/jit/jit_gen.h"
#include "core/jit/jit_match.h"

enum {
	WINDOW = 32, /* most ops looked at */
};

/* What a register holds: bytes from memory, moved up by shift bits. */
struct piece {
	int32_t off;
	uint8_t bytes; /* 0: the register was not touched */
	uint8_t shift;
	bool swap; /* of several bytes: the first is the highest */
};

struct window {
	struct piece pieces[EBPF_REG_COUNT];
	uint32_t touched; /* bit n: pieces[n] has bytes */
	uint32_t base; /* register that all loads are relative to */
};

static bool
load(struct window *w, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];

	/* the last load may be over the base, which is then another */
	if (info->fn != EBPF_FN_LDX || op->src != w->base ||
	    w->pieces[w->base].bytes != 0)
		return false;
	w->pieces[op->dst] = (struct piece){ op->off, info->width / 8, 0,
					      false };
	w->touched |= 1u << op->dst;
	return true;
}

/* Bits may not be lost at the upper end of `width`. */
static bool
shift(struct window *w, const struct ebpf_op *op, uint32_t width)
{
	struct piece *piece = &w->pieces[op->dst];

	if (piece->bytes == 0 || op->imm < 0 || op->imm % 8 != 0 ||
	    piece->shift + 8u * piece->bytes + (uint64_t)op->imm > width)
		return false;
	piece->shift = (uint8_t)(piece->shift + op->imm);
	return true;
}

/* dst |= src: pieces that are neighbours in memory and in the register. */
static bool
join(struct window *w, const struct ebpf_op *op, uint32_t width)
{
	struct piece low = w->pieces[op->dst], high = w->pieces[op->src];
	struct piece other = low;

	if (low.bytes == 0 || high.bytes == 0 || op->dst == op->src)
		return false;
	if (low.shift > high.shift) {
		low = high;
		high = other;
	}
	if (high.shift != low.shift + 8 * low.bytes ||
	    high.shift + 8u * high.bytes > width)
		return false;
	if (high.off == low.off + low.bytes && !low.swap && !high.swap) {
		; /* in the order that loads have */
	} else if (low.off == high.off + high.bytes &&
		   (low.bytes == 1 || low.swap) &&
		   (high.bytes == 1 || high.swap)) {
		low.off = high.off;
		low.swap = true;
	} else {
		return false;
	}
	low.bytes = (uint8_t)(low.bytes + high.bytes);
	w->pieces[op->dst] = low;
	return true;
}

/* False: this op is none of ours. */
static bool
step(struct window *w, const struct ebpf_op *op)
{
	switch (op->code) {
	case EBPF_OP_LDXB:
	case EBPF_OP_LDXH:
	case EBPF_OP_LDXW:
		return load(w, op);
	case EBPF_OP_LSH64_IMM:
		return shift(w, op, 64);
	case EBPF_OP_LSH32_IMM:
		return shift(w, op, 32);
	case EBPF_OP_OR64_REG:
		return join(w, op, 64);
	case EBPF_OP_OR32_REG:
		return join(w, op, 32);
	default:
		return false;
	}
}

/* Ops that leave the registers as they are now; 0: no loads do. */
static uint32_t
cost(const struct window *w)
{
	uint32_t sum = 0;

	for (uint32_t left = w->touched; left != 0; left &= left - 1) {
		const struct piece *piece = &w->pieces[__builtin_ctz(left)];

		if ((piece->bytes & (piece->bytes - 1)) != 0)
			return 0;
		sum += 1u + (piece->shift != 0) + piece->swap;
	}
	return sum;
}

/* The code that makes reg what it is after all these ops. */
static void
put_piece(struct ebpf_jit_gen *gen, const struct window *w, uint32_t reg)
{
	const struct piece *piece = &w->pieces[reg];
	const struct ebpf_jit_match bytes = {
		.kind = EBPF_JIT_ROTATE, .dst = (uint8_t)reg,
		.src = (uint8_t)reg, .width = 16, .count = 8,
	};
	struct ebpf_op op;

	memset(&op, 0, sizeof(op));
	op.code = piece->bytes == 1 ? EBPF_OP_LDXB :
		  piece->bytes == 2 ? EBPF_OP_LDXH :
		  piece->bytes == 4 ? EBPF_OP_LDXW :
				      EBPF_OP_LDXDW;
	op.dst = (uint8_t)reg;
	op.src = (uint8_t)w->base;
	op.off = piece->off;
	gen->target->memory(gen, &op);
	if (piece->swap && piece->bytes == 2) { /* the rest is 0 already */
		gen->target->match(gen, &bytes);
	} else if (piece->swap) {
		memset(&op, 0, sizeof(op));
		op.code = piece->bytes == 4 ? EBPF_OP_BSWAP32 :
					      EBPF_OP_BSWAP64;
		op.dst = (uint8_t)reg;
		gen->target->alu(gen, &op);
	}
	if (piece->shift == 0)
		return;
	memset(&op, 0, sizeof(op));
	op.code = EBPF_OP_LSH64_IMM;
	op.dst = (uint8_t)reg;
	op.imm = piece->shift;
	gen->target->alu(gen, &op);
}

/* The same, unless nobody reads it again. */
static void
put_register(struct ebpf_jit_gen *gen, const struct window *w, uint32_t reg,
	     uint32_t behind)
{
	ebpf_jit_forget(gen, reg, reg);
	if (behind >= gen->func->end || (gen->scan->slots[behind] >> reg & 1))
		put_piece(gen, w, reg);
}

static bool
is_or(const struct ebpf_op *op)
{
	return op->code == EBPF_OP_OR64_REG || op->code == EBPF_OP_OR32_REG;
}

/* Whether anything is put together at all before something else comes. */
static bool
has_or(const struct ebpf_op *ops, uint32_t i, uint32_t last)
{
	for (; i < last && !is_or(&ops[i]); i++)
		switch (ops[i].code) {
		case EBPF_OP_LDXB:
		case EBPF_OP_LDXH:
		case EBPF_OP_LDXW:
		case EBPF_OP_LSH64_IMM:
		case EBPF_OP_LSH32_IMM:
			break;
		default:
			return false;
		}
	return i < last;
}

uint32_t
ebpf_jit_merge(struct ebpf_jit_gen *gen)
{
	const struct ebpf_op *ops = gen->prog->ops;
	uint32_t first = gen->slot, end = gen->limit;
	uint32_t last = end - first < WINDOW ? end : first + WINDOW;
	uint32_t used = 0, gain = 0, price, left, i;
	struct window w, best;

	/* most loads are followed by something else */
	if (last - first < 4 || ebpf_op_info[ops[first].code].width > 16 ||
	    !has_or(ops, first + 1, last))
		return 0;
	memset(&w, 0, sizeof(w));
	w.base = ops[first].src;
	best = w;
	for (i = first; i < last; i++) {
		if (i != first && !ebpf_jit_is_joined(gen->scan, i))
			break;
		if (!step(&w, &ops[i]))
			break;
		if (!is_or(&ops[i])) /* nothing was gained by it */
			continue;
		price = cost(&w);
		if (price != 0 && i + 1 - first > price &&
		    i + 1 - first - price >= gain) {
			used = i + 1 - first;
			gain = used - price;
			best = w;
		}
	}
	if (used == 0)
		return 0;
	for (left = best.touched; left != 0; left &= left - 1)
		if (__builtin_ctz(left) != (int)best.base)
			put_register(gen, &best, (uint32_t)__builtin_ctz(left),
				     first + used);
	if (best.touched >> best.base & 1)
		put_register(gen, &best, best.base, first + used);
	return used;
}
