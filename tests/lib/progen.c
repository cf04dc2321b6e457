/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The generator of progen.h. A function is: take over the memory pointer, fill
 * the registers and some stack with numbers, a body of random pieces (single
 * instructions, jumps forward, counted loops, calls), then write every register
 * and the stack to memory, so that any difference shows.
 */
#include "progen.h"

#include "abi/helper.h"
#include "core/decode.h"
#include "core/ebpf.h"
#include "unverified.h"

enum {
	STACK = 64,	/* bytes of stack a function uses */
	KEY = -STACK - 8, /* and below them a map's key */
	FUNCS = 4,
};

static uint64_t
hash_args(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
	  const struct ebpf_prog *prog)
{
	/* what C may rely on when it is called: an aligned stack */
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0) & 15;

	return (((((a * 31 + b) * 31 + c) * 31 + d) * 31 + e) ^ a >> 7) + frame;
}

static uint64_t
with_env(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
	 const struct ebpf_prog *prog)
{
	return a + b * 3 + c * 5 + d * 7 + e * 11 +
	       (prog != NULL ? prog->op_count : 0);
}

const struct ebpf_helper progen_helper_hash = {
	.fn = hash_args, .name = "hash", .number = 100,
	.kinds = EBPF_KINDS_ALL, .ret = EBPF_RET_INT,
	.args = { EBPF_ARG_SCALAR, EBPF_ARG_SCALAR, EBPF_ARG_SCALAR,
		  EBPF_ARG_SCALAR, EBPF_ARG_SCALAR },
};
const struct ebpf_helper progen_helper_env = {
	.fn = with_env, .name = "env", .number = 101, .kinds = EBPF_KINDS_ALL,
	.flags = EBPF_HELPER_ENV, .ret = EBPF_RET_INT,
	.args = { EBPF_ARG_SCALAR, EBPF_ARG_SCALAR, EBPF_ARG_SCALAR,
		  EBPF_ARG_SCALAR, EBPF_ARG_SCALAR },
};
/* Engines make a loop of it. */
static const struct ebpf_helper loop_helper = {
	.fn = hash_args, .name = "loop", .number = EBPF_FUNC_loop,
	.flags = EBPF_HELPER_LOOP,
};
static const struct ebpf_helper *const helpers[] = {
	&progen_helper_hash, &progen_helper_env, &loop_helper,
};

const struct unverified_options *
progen_options(void)
{
	static const struct unverified_options options = {
		.helpers = helpers, .helper_count = 3,
	};

	return &options;
}

static uint64_t
next(struct progen *gen)
{
	uint64_t z = gen->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t
below(struct progen *gen, uint32_t n)
{
	return (uint32_t)(next(gen) >> 33) % n;
}

uint64_t
progen_number(struct progen *gen)
{
	uint64_t n = next(gen);

	switch (below(gen, 8)) {
	case 0:
		return n & 0xff;
	case 1:
		return 1ull << (n & 63);
	case 2:
		return (1ull << (n & 63)) - 1;
	case 3:
		return 0 - (n & 0xff);
	case 4:
		return n & 0xffffffff;
	case 5:
		return (uint64_t)(int64_t)(int32_t)n;
	case 6:
		return n & 3;
	default:
		return n;
	}
}

void
progen_put(struct progen *gen, uint8_t code, uint32_t dst, uint32_t src,
	   int16_t off, int32_t imm)
{
	struct ebpf_insn *insn;

	if (gen->count == PROGEN_MAX)
		__builtin_trap();
	insn = &gen->insns[gen->count++];
	insn->code = code;
	insn->regs = (uint8_t)(dst | src << 4);
	insn->off = off;
	insn->imm = imm;
}

/* A register to write. */
static uint32_t
target(struct progen *gen)
{
	uint32_t reg;

	do
		reg = below(gen, 10);
	while (reg == gen->base || (gen->counter != 0 && reg == gen->counter));
	return reg;
}

/* A register to read: the memory's address is as good as a number, a stack's
 * is another in every engine. */
static uint32_t
source(struct progen *gen)
{
	uint32_t reg;

	do
		reg = below(gen, 10);
	while ((gen->verified || gen->callback) && reg == gen->base);
	return reg;
}

/* No verifier lets a program divide by the constant zero. */
static int32_t
divisor(struct progen *gen, const struct ebpf_op_info *info, int32_t imm)
{
	bool divides = info->fn == EBPF_FN_DIV || info->fn == EBPF_FN_MOD ||
		       info->fn == EBPF_FN_SDIV || info->fn == EBPF_FN_SMOD;

	return gen->verified && divides && imm == 0 ? 1 : imm;
}

static void
load_number(struct progen *gen, uint32_t reg)
{
	uint64_t n = progen_number(gen);

	if (n == (uint64_t)(int64_t)(int32_t)n) {
		progen_put(gen, 0xb7, reg, 0, 0, (int32_t)n);
	} else {
		progen_put(gen, 0x18, reg, 0, 0, (int32_t)n);
		progen_put(gen, 0, 0, 0, 0, (int32_t)(n >> 32));
	}
}

/* A place in memory or stack, for an access of that many bytes. */
static uint32_t
place(struct progen *gen, uint32_t bytes, bool aligned, int16_t *off)
{
	bool stack = below(gen, 3) == 0;
	uint32_t size = stack ? STACK : gen->mem;
	uint32_t at = below(gen, size - bytes + 1);

	if (aligned || (gen->verified && (stack || gen->callback)))
		at &= ~(bytes - 1);
	*off = (int16_t)(stack ? (int32_t)at - STACK : (int32_t)at);
	return stack ? EBPF_REG_FP : gen->base;
}

static void
simple(struct progen *gen)
{
	const struct ebpf_op_info *info;
	uint32_t bytes, base;
	int32_t imm;
	int16_t off;

	for (;;) {
		info = &ebpf_op_info[below(gen, EBPF_OP_COUNT)];
		bytes = info->width / 8;
		imm = (int32_t)progen_number(gen);
		off = info->sel == EBPF_SEL_OFF ? (int16_t)info->value : 0;
		switch (info->form) {
		case EBPF_FORM_ALU_IMM:
			if (info->fn == EBPF_FN_LSH || info->fn == EBPF_FN_RSH ||
			    info->fn == EBPF_FN_ARSH)
				imm &= info->width - 1;
			progen_put(gen, info->code, target(gen), 0, off,
				   divisor(gen, info, imm));
			return;
		case EBPF_FORM_ALU_REG:
			progen_put(gen, info->code, target(gen), source(gen),
				   off, 0);
			return;
		case EBPF_FORM_ALU_UNARY:
			progen_put(gen, info->code, target(gen), 0, 0, 0);
			return;
		case EBPF_FORM_ENDIAN:
			progen_put(gen, info->code, target(gen), 0, 0,
				   info->value);
			return;
		case EBPF_FORM_LDX:
			base = place(gen, bytes, false, &off);
			progen_put(gen, info->code, target(gen), base, off, 0);
			return;
		case EBPF_FORM_LOAD_ACQ:
			base = place(gen, bytes, true, &off);
			progen_put(gen, info->code, target(gen), base, off,
				   info->value);
			return;
		case EBPF_FORM_ST:
			base = place(gen, bytes, false, &off);
			progen_put(gen, info->code, base, 0, off, imm);
			return;
		case EBPF_FORM_STX:
			base = place(gen, bytes, false, &off);
			progen_put(gen, info->code, base, source(gen), off, 0);
			return;
		case EBPF_FORM_STORE_REL:
			base = place(gen, bytes, true, &off);
			progen_put(gen, info->code, base, source(gen), off,
				   info->value);
			return;
		case EBPF_FORM_ATOMIC:
			base = place(gen, bytes, true, &off);
			/* fetching forms write src, cmpxchg writes r0 */
			progen_put(gen, info->code, base, target(gen), off,
				   info->value);
			return;
		case EBPF_FORM_LDDW:
			if (info->value != 0)
				break;
			load_number(gen, target(gen));
			return;
		}
	}
}

/* Two neighbouring halves as one number; now and then not quite. */
static void
halves(struct progen *gen, uint8_t load, uint32_t bytes, uint32_t dst,
       uint32_t tmp, int16_t off)
{
	uint32_t odd = below(gen, 12);
	int16_t low = off, high = (int16_t)(off + (odd == 0 ? 0 : bytes));
	uint8_t width = below(gen, 3) ? 3 : 0; /* class 7 or 4 */

	if (below(gen, 6) == 0) { /* the lower one is moved */
		low = high;
		high = off;
	}
	progen_put(gen, load, dst, gen->base, high, 0);
	if (odd == 1)
		progen_put(gen, load, tmp, gen->base, low, 0);
	progen_put(gen, 0x64 | width, dst, 0, 0,
		   (int32_t)(8 * bytes) + (odd == 2));
	if (odd != 1)
		progen_put(gen, load, tmp, gen->base, low, 0);
	if (odd == 3)
		progen_put(gen, 0x07, tmp, 0, 0, 1);
	progen_put(gen, 0x4c | width, dst, tmp, 0, 0);
}

/* Bytes put together as fields that may not be aligned are. */
static void
gather(struct progen *gen)
{
	uint32_t regs[4], i, j;
	int16_t off = (int16_t)below(gen, gen->mem - 8);

	if (gen->verified && gen->callback) /* that memory is a stack */
		return;
	for (i = 0; i < 4; i++) {
		regs[i] = target(gen);
		for (j = 0; j < i; j++)
			if (regs[j] == regs[i])
				return;
	}
	if (below(gen, 4) == 0) {
		halves(gen, 0x69, 2, regs[0], regs[1], off);
		return;
	}
	halves(gen, 0x71, 1, regs[0], regs[1], off);
	if (below(gen, 3) == 0) /* and somebody may come in between */
		progen_put(gen, 0x55, regs[1], 0, (int16_t)below(gen, 4), 7);
	halves(gen, 0x71, 1, regs[2], regs[below(gen, 2) ? 1 : 3],
	       (int16_t)(off + 2));
	progen_put(gen, 0x67, regs[2], 0, 0, 16);
	progen_put(gen, 0x4f, regs[2], regs[0], 0, 0);
	if (below(gen, 2))
		progen_put(gen, 0x7b, gen->base, regs[2], 0, 0);
}

/* Pairs that compilers emit and that a JIT likes to join. */
static void
idiom(struct progen *gen)
{
	uint32_t dst = target(gen), src = source(gen), add = source(gen);
	int32_t imm = (int32_t)progen_number(gen);
	uint8_t wide = below(gen, 2) ? 3 : 0; /* class 7 or 4 */

	switch (below(gen, 15)) {
	case 14:
		gather(gen);
		break;
	case 11: /* the jump on the result is jumped to from before it */
		progen_put(gen, 0x55, src, 0, 1, (int32_t)below(gen, 2));
		progen_put(gen, 0x04 | wide, dst, 0, 0, imm);
		progen_put(gen, below(gen, 2) ? 0x15 : 0x55, dst, 0, 1, 0);
		progen_put(gen, 0x07, dst, 0, 0, 3);
		break;
	case 12: /* a jump over a jump that is jumped to itself */
		progen_put(gen, 0x2d, src, dst, 1, 0);
		progen_put(gen, 0x25, dst, 0, 1, imm);
		progen_put(gen, 0x05, 0, 0, 1, 0);
		progen_put(gen, 0x07, dst, 0, 0, 5);
		break;
	case 13: { /* atomics where r0 is the address, and maybe the operand */
		static const uint8_t kinds[] = { 0x00, 0x01, 0x41, 0x51, 0xa1,
						 0xe1, 0xf1 };

		if (gen->verified || gen->callback || gen->counter != 0)
			break;
		progen_put(gen, 0xbf, 0, gen->base, 0, 0);
		progen_put(gen, below(gen, 2) ? 0xdb : 0xc3, 0,
			   below(gen, 3) ? target(gen) : 0,
			   8 * (int16_t)below(gen, 8), kinds[below(gen, 7)]);
		break;
	}
	case 10: { /* arithmetic, then a jump on its result */
		static const uint8_t ops[] = { 0x04, 0x14, 0x44, 0x54, 0xa4,
					       0x64, 0x24, 0xb4 };
		static const uint8_t jumps[] = { 0x15, 0x16, 0x55, 0x56, 0x65,
						 0xc5, 0x25 };
		bool reg = below(gen, 2);

		progen_put(gen, ops[below(gen, 8)] | wide | (reg ? 8 : 0), dst,
			   reg ? src : 0, 0, reg ? 0 : (int32_t)below(gen, 4));
		progen_put(gen, jumps[below(gen, 7)], dst, 0, 1, 0);
		progen_put(gen, 0x07, dst, 0, 0, 3);
		break;
	}
	case 9: { /* an index into memory */
		static const uint8_t loads[] = { 0x61, 0x69, 0x71, 0x79, 0x81,
						 0x89, 0x91 };
		uint32_t index = target(gen);

		if (dst == index)
			break;
		progen_put(gen, 0x57, index, 0, 0, (int32_t)gen->mem / 2 - 1);
		if (below(gen, 2)) {
			progen_put(gen, 0xbf, dst, gen->base, 0, 0);
			progen_put(gen, 0x0f, dst, index, 0, 0);
		} else {
			progen_put(gen, 0xbf, dst, index, 0, 0);
			progen_put(gen, 0x0f, dst, gen->base, 0, 0);
		}
		progen_put(gen, loads[below(gen, 7)], dst, dst,
			   (int16_t)below(gen, 8), 0);
		break;
	}
	case 0: /* zero and sign extension */
		progen_put(gen, 0x67, dst, 0, 0, 32);
		progen_put(gen, below(gen, 2) ? 0x77 : 0xc7, dst, 0, 0, 32);
		break;
	case 1:
		progen_put(gen, 0xbc | wide, dst, src, 0, 0);
		progen_put(gen, 0x04 | wide, dst, 0, 0, imm);
		break;
	case 2:
		progen_put(gen, 0xbc | wide, dst, src, 0, 0);
		progen_put(gen, 0x0c | wide, dst, add, 0, 0);
		break;
	case 3:
		progen_put(gen, 0xbc | wide, dst, src, 0, 0);
		progen_put(gen, 0x64 | wide, dst, 0, 0,
			   (int32_t)below(gen, 5));
		progen_put(gen, 0x0c | wide, dst, add, 0, 0);
		break;
	case 4:
		progen_put(gen, 0x64 | wide, dst, 0, 0,
			   (int32_t)below(gen, 5));
		progen_put(gen, 0x0c | wide, dst, add, 0, 0);
		break;
	case 5:
		progen_put(gen, 0xbc | wide, dst, src, 0, 0);
		progen_put(gen, 0x54 | wide, dst, 0, 0,
			   below(gen, 2) ? 0xff : imm);
		break;
	case 6:
		progen_put(gen, 0xbc | wide, dst, src, 0, 0);
		progen_put(gen, 0x24 | wide, dst, 0, 0, imm);
		break;
	case 7: /* shifts by a register */
		progen_put(gen, 0xbc | wide, dst, src, 0, 0);
		progen_put(gen,
			   (below(gen, 2) ? 0x6c : below(gen, 2) ? 0x7c : 0xcc) |
				   wide,
			   dst, add, 0, 0);
		break;
	default:
		progen_put(gen, 0xbc | wide, dst, src, 0, 0);
		progen_put(gen, 0x14 | wide, dst, 0, 0, imm);
		break;
	}
}

/* Three registers to write, all different. */
static void
three(struct progen *gen, uint32_t regs[3])
{
	do {
		for (uint32_t i = 0; i < 3; i++)
			regs[i] = target(gen);
	} while (regs[0] == regs[1] || regs[0] == regs[2] ||
		 regs[1] == regs[2]);
}

/* Now and then something of no concern, with other registers or not. */
static void
between(struct progen *gen, const uint32_t regs[3], bool pointer)
{
	static const uint8_t ops[] = { 0x07, 0x0f, 0xb7, 0xbf, 0x67, 0xa7,
				       0x5f, 0xbc, 0x0c, 0x87, 0xaf };
	uint8_t code = ops[below(gen, sizeof(ops))];
	uint32_t dst = regs[2], src = source(gen);

	if (below(gen, 3) != 0)
		return;
	/* what a verifier follows adds no pointers to numbers */
	if ((gen->verified || gen->callback) && pointer && src == regs[0])
		src = regs[1];
	if (!(code & 8) || code == 0x87)
		src = 0;
	progen_put(gen, code, dst, src, 0,
		   code & 8 || code == 0x87 ? 0 : (int32_t)below(gen, 32));
}

/* So that what is in reg is wanted no longer. */
static void
forget(struct progen *gen, uint32_t reg, bool always)
{
	if (always || below(gen, 2))
		progen_put(gen, 0xb7, reg, 0, 0, (int32_t)below(gen, 100));
}

/* An address in steps, then one access there. */
static void
address(struct progen *gen)
{
	static const uint8_t loads[] = { 0x61, 0x69, 0x71, 0x79, 0x81, 0x89,
					 0x91 };
	static const uint8_t stores[] = { 0x63, 0x6b, 0x73, 0x7b, 0x62, 0x6a,
					  0x72, 0x7a };
	uint32_t regs[3], temp, index, dst, value, shift = below(gen, 5);
	uint32_t form = below(gen, 5);
	uint8_t code;
	bool load = below(gen, 3) != 0;

	three(gen, regs);
	temp = regs[0];
	index = regs[1];
	progen_put(gen, 0x57, index, 0, 0, (int32_t)gen->mem / 64 - 1);
	if (form == 0) { /* temp = base + (index << shift) */
		progen_put(gen, 0x67, index, 0, 0, (int32_t)shift);
		between(gen, regs, false);
		progen_put(gen, 0xbf, temp, gen->base, 0, 0);
		between(gen, regs, true);
		progen_put(gen, 0x0f, temp, index, 0, 0);
	} else if (form == 1) {
		progen_put(gen, 0xbf, temp, index, 0, 0);
		if (below(gen, 4) == 0)
			progen_put(gen, 0x07, temp, 0, 0, 1);
		between(gen, regs, false);
		progen_put(gen, 0x67, temp, 0, 0, (int32_t)shift);
		between(gen, regs, false);
		progen_put(gen, 0x0f, temp, gen->base, 0, 0);
	} else if (form == 2) {
		progen_put(gen, 0xbf, temp, gen->base, 0, 0);
		progen_put(gen, 0x07, temp, 0, 0, (int32_t)below(gen, 9));
		between(gen, regs, true);
		progen_put(gen, 0x0f, temp, index, 0, 0);
	} else if (form == 3) {
		progen_put(gen, 0xbf, temp, index, 0, 0);
		progen_put(gen, 0x67, index, 0, 0, (int32_t)shift);
		progen_put(gen, 0x0f, index, gen->base, 0, 0);
		regs[0] = index;
		regs[1] = temp;
		temp = index;
	} else {
		progen_put(gen, 0xbf, temp, gen->base, 0, 0);
		progen_put(gen, 0x07, temp, 0, 0, (int32_t)below(gen, 9));
	}
	between(gen, regs, true);
	if (below(gen, 8) == 0) /* what the address was made of changes */
		progen_put(gen, 0xb7, regs[1], 0, 0, (int32_t)below(gen, 64));
	dst = regs[below(gen, 3)];
	value = regs[below(gen, gen->verified || gen->callback ? 1 : 3)];
	if (value == temp && (gen->verified || gen->callback))
		value = regs[2];
	code = load ? loads[below(gen, 7)] : stores[below(gen, 8)];
	if (load)
		progen_put(gen, code, dst, temp, (int16_t)below(gen, 8), 0);
	else
		progen_put(gen, code, temp, code & 1 ? value : 0,
			   (int16_t)below(gen, 8),
			   code & 1 ? 0 : (int32_t)progen_number(gen));
	if (!load || dst != temp)
		forget(gen, temp, gen->verified || gen->callback);
	if (!load || dst != regs[1])
		forget(gen, regs[1], false);
}

/* A rotation, or nearly one. */
static void
rotation(struct progen *gen)
{
	uint8_t wide = below(gen, 2) ? 3 : 0;
	uint32_t regs[3], width = wide ? 64 : 32, n = below(gen, width);
	uint32_t other = below(gen, 8) ? width - n : n;
	bool left = below(gen, 2);

	three(gen, regs);
	progen_put(gen, 0xbc | wide, regs[0], regs[1], 0, 0);
	progen_put(gen, (left ? 0x64 : 0x74) | wide, regs[0], 0, 0, (int32_t)n);
	progen_put(gen, (left ? 0x74 : 0x64) | wide, regs[1], 0, 0,
		   (int32_t)(other % width));
	progen_put(gen, 0x4c | wide, regs[1], regs[0], 0, 0);
	forget(gen, regs[0], false);
}

/* A load of a byte at `at`, or now and then near it. */
static void
byte_at(struct progen *gen, uint32_t reg, uint32_t at)
{
	if (below(gen, 16) == 0)
		at += below(gen, 3) - 1;
	progen_put(gen, 0x71, reg, gen->base, (int16_t)at, 0);
}

/* into = two bytes, the high one at `high`, low beside it; as compilers do */
static void
two_bytes(struct progen *gen, uint32_t into, uint32_t other, uint32_t high,
	  uint32_t low)
{
	uint8_t wide = below(gen, 2) ? 3 : 0;
	int32_t shift = below(gen, 16) ? 8 : 7;

	switch (below(gen, 3)) {
	case 0:
		byte_at(gen, into, high);
		progen_put(gen, 0x64 | wide, into, 0, 0, shift);
		byte_at(gen, other, low);
		break;
	case 1:
		byte_at(gen, other, low);
		byte_at(gen, into, high);
		progen_put(gen, 0x64 | wide, into, 0, 0, shift);
		break;
	default:
		byte_at(gen, into, low);
		byte_at(gen, other, high);
		progen_put(gen, 0x64 | wide, other, 0, 0, shift);
		break;
	}
	progen_put(gen, 0x4c | wide, into, other, 0, 0);
}

/* A number of two or four bytes, first byte low or high, or nearly so. */
static void
bytes(struct progen *gen)
{
	uint32_t regs[3], at = 2 + below(gen, gen->mem - 8);
	uint32_t swap = below(gen, 2) ? 0 : 3;
	uint8_t wide = below(gen, 2) ? 3 : 0;

	three(gen, regs);
	two_bytes(gen, regs[0], regs[2], at + (1 ^ swap), at + (0 ^ swap));
	if (below(gen, 2)) {
		two_bytes(gen, regs[1], regs[2], at + (3 ^ swap),
			  at + (2 ^ swap));
		progen_put(gen, 0x64 | wide, regs[1], 0, 0,
			   below(gen, 16) ? 16 : 8);
		progen_put(gen, 0x4c | wide, regs[1], regs[0], 0, 0);
		forget(gen, regs[0], false);
	}
	forget(gen, regs[2], false);
}

/* A load whose result only the next instruction wants. */
static void
operand(struct progen *gen)
{
	static const uint8_t ops[] = { 0x0c, 0x1c, 0x2c, 0x4c, 0x5c, 0xac,
				       0xbc };
	uint32_t regs[3], bytes = below(gen, 2) ? 8 : 4;
	uint8_t wide = below(gen, 4) ? (bytes == 8 ? 3 : 0) : 3;

	three(gen, regs);
	progen_put(gen, bytes == 8 ? 0x79 : 0x61, regs[0], gen->base,
		   (int16_t)below(gen, gen->mem - 7), 0);
	progen_put(gen, ops[below(gen, 7)] | wide, regs[1],
		   below(gen, 8) ? regs[0] : regs[2], 0, 0);
	forget(gen, regs[0], false);
	if (below(gen, 2)) {
		progen_put(gen, below(gen, 2) ? 0x15 : 0x16, regs[1], 0, 1, 0);
		progen_put(gen, 0x07, regs[2], 0, 0, 3);
	}
}

/* What back ends may take together. */
static void
together(struct progen *gen)
{
	switch (below(gen, 6)) {
	case 0:
		rotation(gen);
		break;
	case 1:
		bytes(gen);
		break;
	case 2:
		operand(gen);
		break;
	default:
		address(gen);
		break;
	}
}

static void
call(struct progen *gen)
{
	if (!gen->verified && below(gen, 8) == 0) { /* by number in a register */
		uint32_t reg = target(gen);

		progen_put(gen, 0xb7, reg, 0, 0, 100 + (int32_t)below(gen, 2));
		progen_put(gen, 0x8d, reg, 0, 0, 0);
	} else if (below(gen, 3) == 0) {
		/* the function of numbers, called by bpf_loop */
		load_number(gen, 0);
		progen_put(gen, 0xb7, 1, 0, 0, (int32_t)below(gen, 12));
		progen_put(gen, 0x18, 2, 4, 0, 0);
		progen_put(gen, 0, 0, 0, 0, 0);
		if (gen->verified) {
			progen_put(gen, 0xbf, 3, 10, 0, 0);
			progen_put(gen, 0x07, 3, 0, 0, -STACK);
		} else { /* unverified programs are short of stack */
			progen_put(gen, 0xbf, 3, gen->base, 0, 0);
		}
		progen_put(gen, 0xb7, 4, 0, 0, below(gen, 16) == 0);
		progen_put(gen, 0x85, 0, 0, 0, EBPF_FUNC_loop);
	} else if (gen->depth < FUNCS && below(gen, 2)) {
		/* src 1; the distance is found when the function is placed */
		progen_put(gen, 0xbf, 1, gen->base, 0, 0);
		progen_put(gen, 0x85, 0, 1, 0, (int32_t)gen->depth + 1);
	} else {
		progen_put(gen, 0x85, 0, 0, 0, 100 + (int32_t)below(gen, 2));
	}
	for (uint32_t r = 1; r <= 5; r++)
		load_number(gen, r);
}

/* The key at the bottom of the stack; r2 points to it, r1 to a map. */
static void
map_arguments(struct progen *gen, uint32_t map)
{
	if (below(gen, 2)) {
		progen_put(gen, 0x62, 10, 0, KEY,
			   (int32_t)below(gen, PROGEN_KEYS));
	} else {
		uint32_t reg = target(gen);

		progen_put(gen, 0x54, reg, 0, 0, 7);
		progen_put(gen, 0x63, 10, reg, KEY, 0);
	}
	progen_put(gen, 0xbf, 2, 10, 0, 0);
	progen_put(gen, 0x07, 2, 0, 0, KEY);
	progen_put(gen, 0x18, 1, 5, 0, (int32_t)map);
	progen_put(gen, 0, 0, 0, 0, 0);
}

/* Look up and change a value, or update or delete an element. */
static void
use_map(struct progen *gen)
{
	static const uint8_t stores[] = { 0x63, 0x6b, 0x73, 0x7b };
	uint32_t map = below(gen, 3), what = below(gen, 4), at;

	map_arguments(gen, map);
	if (what == 0) {
		progen_put(gen, 0xbf, 3, 10, 0, 0);
		progen_put(gen, 0x07, 3, 0, 0, -STACK);
		progen_put(gen, 0xb7, 4, 0, 0, (int32_t)below(gen, 4));
		progen_put(gen, 0x85, 0, 0, 0, 2);
	} else if (what == 1) {
		progen_put(gen, 0x85, 0, 0, 0, 3);
	} else {
		progen_put(gen, 0x85, 0, 0, 0, 1);
		at = gen->count;
		progen_put(gen, 0x15, 0, 0, 0, 0);
		progen_put(gen, 0x79, 1, 0, 8 * (int16_t)below(gen, 2), 0);
		load_number(gen, 2);
		progen_put(gen, stores[below(gen, 4)], 0, 2,
			   8 * (int16_t)below(gen, 2), 0);
		progen_put(gen, 0xdb, 0, 2, 8 * (int16_t)below(gen, 2), 1);
		progen_put(gen, 0xdb, gen->base, 1, 0, 0);
		gen->insns[at].off = (int16_t)(gen->count - at - 1);
		load_number(gen, 0);
	}
	for (uint32_t r = 1; r <= 5; r++)
		load_number(gen, r);
}

static void body(struct progen *gen, uint32_t pieces, bool in_loop);

/* A conditional jump over some pieces, sometimes over a jump over them. */
static void
branch(struct progen *gen, uint32_t pieces, bool in_loop)
{
	const struct ebpf_op_info *info;
	uint32_t at, over = 0;

	do
		info = &ebpf_op_info[below(gen, EBPF_OP_COUNT)];
	while (info->form != EBPF_FORM_JCC_IMM &&
	       info->form != EBPF_FORM_JCC_REG);
	at = gen->count;
	if (info->form == EBPF_FORM_JCC_IMM)
		progen_put(gen, info->code, source(gen), 0, 0,
			   (int32_t)progen_number(gen));
	else
		progen_put(gen, info->code, source(gen), source(gen), 0, 0);
	if (below(gen, 4) == 0) {
		gen->insns[at].off = 1;
		over = gen->count;
		progen_put(gen, below(gen, 2) ? 0x05 : 0x06, 0, 0, 0, 0);
	}
	body(gen, pieces, in_loop);
	if (over == 0) {
		gen->insns[at].off = (int16_t)(gen->count - at - 1);
	} else if (gen->insns[over].code == 0x05) {
		gen->insns[over].off = (int16_t)(gen->count - over - 1);
	} else {
		gen->insns[over].imm = (int32_t)(gen->count - over - 1);
	}
}

/* Counted, the counter in a register of its own or on the stack. */
static void
loop(struct progen *gen, uint32_t pieces)
{
	uint32_t counter, start;

	do
		counter = gen->calls ? 6 + below(gen, 4) : 1 + below(gen, 9);
	while (counter == gen->base);
	progen_put(gen, 0xb7, counter, 0, 0, 1 + (int32_t)below(gen, 4));
	start = gen->count;
	gen->counter = counter;
	body(gen, pieces, true);
	gen->counter = 0;
	progen_put(gen, 0x07, counter, 0, 0, -1);
	progen_put(gen, below(gen, 2) ? 0x55 : 0x25, counter, 0,
		   (int16_t)((int32_t)start - (int32_t)gen->count - 1), 0);
}

static void
body(struct progen *gen, uint32_t pieces, bool in_loop)
{
	for (uint32_t i = 0; i < pieces; i++) {
		uint32_t kind = below(gen, 32);

		if (kind == 0 && gen->calls && !in_loop)
			call(gen);
		else if (kind == 1 && gen->calls && gen->verified &&
			 gen->counter == 0)
			use_map(gen);
		else if (kind <= 3)
			branch(gen, 1 + below(gen, 6), in_loop);
		else if (kind == 4 && gen->counter == 0)
			loop(gen, 1 + below(gen, 8));
		else if (kind <= 9)
			idiom(gen);
		else if (kind <= 13 && !gen->callback)
			together(gen);
		else
			simple(gen);
	}
}

static void
function(struct progen *gen, uint32_t pieces)
{
	uint32_t sum;

	gen->base = gen->calls ? 6 + below(gen, 4) : 1 + below(gen, 9);
	gen->counter = 0;
	if (gen->callback) { /* r1 is how often it was called before */
		gen->base = 6 + below(gen, 4);
		progen_put(gen, 0xbf, gen->base, 2, 0, 0);
		progen_put(gen, 0xdb, 2, 1, 8, 0);
	} else if (gen->base != 1) {
		progen_put(gen, 0xbf, gen->base, 1, 0, 0);
	}
	if (gen->depth == 0 && !gen->callback) {
		/* so that there always is a callback */
		progen_put(gen, 0x18, gen->base == 2 ? 3 : 2, 4, 0, 0);
		progen_put(gen, 0, 0, 0, 0, 0);
	}
	for (uint32_t r = 0; r < 10; r++) {
		if (r != gen->base)
			load_number(gen, r);
	}
	for (int16_t off = -STACK; off < 0; off += 8)
		progen_put(gen, 0x7b, 10, target(gen), off, 0);
	body(gen, pieces, false);
	/* Everything into memory, mixed with what is there. */
	for (uint32_t r = 0; r < 10; r++) {
		if (r != gen->base)
			progen_put(gen, 0xdb, gen->base, r,
				   (int16_t)(8 * r % gen->mem), 0xa0);
	}
	sum = gen->base == 1 ? 2 : 1;
	for (int16_t off = -STACK; off < 0; off += 8) {
		progen_put(gen, 0x79, sum, 10, off, 0);
		progen_put(gen, 0x2f, 0, sum, 0, 0);
		progen_put(gen, 0x0f, 0, sum, 0, 0);
	}
	if (gen->callback) { /* stop now and then */
		progen_put(gen, 0x57, 0, 0, 0, 7);
		progen_put(gen, 0x15, 0, 0, 2, 0);
		progen_put(gen, 0xb7, 0, 0, 0, 0);
		progen_put(gen, 0x95, 0, 0, 0, 0);
		progen_put(gen, 0xb7, 0, 0, 0, 1);
	}
	progen_put(gen, 0x95, 0, 0, 0, 0);
}

/* What bpf_loop calls; its memory is the stack of who calls bpf_loop. */
static void
callback(struct progen *gen)
{
	bool calls = gen->calls;
	uint32_t mem = gen->mem;

	gen->calls = false;
	gen->callback = true;
	gen->mem = STACK;
	function(gen, 1 + below(gen, 8));
	gen->mem = mem;
	gen->callback = false;
	gen->calls = calls;
}

static void
generate(struct progen *gen, uint64_t seed, uint32_t mem, bool verified)
{
	uint32_t starts[FUNCS + 1], pieces, at_callback = 0;

	gen->state = seed;
	gen->count = 0;
	gen->mem = mem;
	gen->depth = 0;
	gen->callback = false;
	gen->verified = verified;
	gen->calls = below(gen, 2);
	/* Now and then long enough for long jumps. */
	pieces = !verified && below(gen, 8) == 0 ? 200 : 1 + below(gen, 40);
	for (uint32_t i = 0; i <= FUNCS; i++) {
		starts[i] = gen->count;
		gen->depth = i;
		function(gen, i == 0 ? pieces : 1 + below(gen, 10));
		if (i == 0) {
			at_callback = gen->count;
			callback(gen);
		}
	}
	for (uint32_t i = 0; i < gen->count; i++) {
		struct ebpf_insn *insn = &gen->insns[i];

		if (insn->code == 0x18 && insn->regs >> 4 == 4)
			insn->imm = (int32_t)at_callback - (int32_t)i - 1;
		if (insn->code == 0x18)
			i++;
		else if (insn->code == 0x85 && insn->regs == 0x10)
			insn->imm = (int32_t)starts[insn->imm] - (int32_t)i - 1;
	}
	/* Functions nobody calls would belong to the one before them. */
	for (uint32_t f = 1; f <= FUNCS; f++) {
		bool called = false;

		for (uint32_t i = starts[f - 1]; i < starts[f]; i++) {
			const struct ebpf_insn *insn = &gen->insns[i];

			if (insn->code == 0x18)
				i++;
			else if (insn->code == 0x85 && insn->regs == 0x10)
				called = true;
		}
		if (!called) {
			gen->count = starts[f];
			break;
		}
	}
}

void
progen_random(struct progen *gen, uint64_t seed, uint32_t mem)
{
	generate(gen, seed, mem, false);
}

void
progen_verified(struct progen *gen, uint64_t seed, uint32_t mem)
{
	generate(gen, seed, mem, true);
}
