/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Straight pieces of random programs (progen.h): single instructions of the
 * whole table, and what compilers make of a line of C, which a JIT likes to
 * join.
 */
#include "progen_draw.h"

#include "core/decode.h"

/* No verifier lets a program divide by the constant zero. */
static int32_t
divisor(struct progen *gen, const struct ebpf_op_info *info, int32_t imm)
{
	bool divides = info->fn == EBPF_FN_DIV || info->fn == EBPF_FN_MOD ||
		       info->fn == EBPF_FN_SDIV || info->fn == EBPF_FN_SMOD;

	return gen->verified && divides && imm == 0 ? 1 : imm;
}

void
progen_simple(struct progen *gen)
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
void
progen_idiom(struct progen *gen)
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
