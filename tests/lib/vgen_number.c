/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of vgen.h: numbers, what is computed with them, and what bounds them.
 */
#include "vgen.h"

uint32_t
vgen_reg(struct vgen *gen)
{
	static const uint8_t regs[] = {0, 2, 3, 4, 5, 8, 9};

	return regs[below(gen, sizeof(regs))];
}

int32_t
vgen_imm(struct vgen *gen)
{
	switch (below(gen, 6)) {
	case 0:
		return (int32_t)dice_interesting(&gen->dice);
	case 1:
		return -(int32_t)below(gen, 70);
	case 2:
		return (int32_t)((1u << below(gen, 8)) - 1);
	default:
		return (int32_t)below(gen, 70);
	}
}

void
vgen_alu(struct vgen *gen)
{
	static const uint8_t ops[] = {0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
				      0x70, 0x90, 0xa0, 0xb0, 0xc0, 0x50, 0x50};
	uint8_t op = ops[below(gen, sizeof(ops))];
	uint8_t class = below(gen, 2) ? 7 : 4;
	uint32_t dst = vgen_reg(gen), src = vgen_reg(gen);
	int16_t off = 0;

	if ((op == 0x30 || op == 0x90) && below(gen, 3) == 0)
		off = 1; /* signed */
	if (below(gen, 12) == 0) {
		vgen_put(gen, class | 0x80, dst, 0, 0, 0);
	} else if (below(gen, 14) == 0) {
		vgen_put(gen,
			 below(gen, 2) ? 0xd7 :
			 below(gen, 2) ? 0xdc :
					 0xd4,
			 dst, 0, 0, 16 << below(gen, 3));
	} else if (op == 0xb0 && below(gen, 2)) {
		static const int16_t widths[] = {8, 16, 32};

		vgen_put(gen, class | 0xb8, dst, src, 0, 0);
		gen->code[gen->count - 1].off =
			widths[below(gen, class == 7 ? 3 : 2)];
	} else if (below(gen, 2)) {
		vgen_put(gen, class | op | 8, dst, src, off, 0);
	} else if (op == 0x60 || op == 0x70 || op == 0xc0) {
		vgen_put(gen, class | op, dst, 0, 0,
			 (int32_t)below(gen, class == 7 ? 64 : 32));
	} else {
		vgen_put(gen, class | op, dst, 0, off, vgen_imm(gen));
		if ((op == 0x30 || op == 0x90) &&
		    gen->code[gen->count - 1].imm == 0)
			gen->code[gen->count - 1].imm = 3;
	}
}

void
vgen_bound(struct vgen *gen, uint32_t reg)
{
	uint32_t most = gen->careful ? 30 : 72;

	switch (below(gen, gen->careful ? 6 : 7)) {
	case 0:
	case 1:
		vgen_put(gen, below(gen, 2) ? 0x57 : 0x54, reg, 0, 0,
			 (int32_t)((1u << below(gen, gen->careful ? 6 : 7)) -
				   1));
		break;
	case 2:
		vgen_leave(gen, 0x25, reg, 0, (int32_t)below(gen, most));
		break;
	case 3:
		vgen_leave(gen, 0x65, reg, 0, (int32_t)below(gen, most));
		vgen_leave(gen, 0xc5, reg, 0,
			   gen->careful || below(gen, 4) ?
				   0 :
				   -(int32_t)below(gen, 9));
		break;
	case 4:
		vgen_leave(gen, 0x26, reg, 0, (int32_t)below(gen, most));
		if (gen->careful || below(gen, 2))
			vgen_put(gen, 0xbc, reg, reg, 0, 0);
		break;
	case 5:
		vgen_put(gen, 0x97, reg, 0, 0, 1 + (int32_t)below(gen, most));
		break;
	default:
		break;
	}
}

void
vgen_copy(struct vgen *gen)
{
	uint32_t a = vgen_reg(gen), b = vgen_reg(gen);

	vgen_put(gen, 0xbf, a, b, 0, 0);
	if (below(gen, 2))
		vgen_put(gen, below(gen, 2) ? 0x07 : 0x04, a, 0, 0,
			 (int32_t)below(gen, 20) - 10);
	vgen_bound(gen, below(gen, 2) ? a : b);
}

uint8_t
vgen_jump_code(struct vgen *gen)
{
	static const uint8_t ops[] = {0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
				      0x70, 0xa0, 0xb0, 0xc0, 0xd0};

	return (uint8_t)(ops[below(gen, sizeof(ops))] |
			 (below(gen, 3) ? 5 : 6));
}

void
vgen_numbers(struct vgen *gen)
{
	static const uint8_t loads[] = {0x71, 0x69, 0x61, 0x79,
					0x81, 0x89, 0x91};
	static const uint8_t regs[] = {0, 2, 3, 4, 5, 8, 9};
	uint32_t i;

	for (i = 0; i < sizeof(regs); i++)
		if (below(gen, 5))
			vgen_put(gen, loads[below(gen, 7)], regs[i], 7,
				 (int16_t)(8 * below(gen, 8)), 0);
		else
			vgen_put(gen, 0xb7, regs[i], 0, 0, vgen_imm(gen));
	for (i = 1; i <= 4; i++)
		vgen_put(gen, 0x7b, 10, regs[below(gen, sizeof(regs))],
			 (int16_t)(-8 * (int)i), 0);
}
