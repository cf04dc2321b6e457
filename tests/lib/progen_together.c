/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pieces of random programs (progen.h) that back ends may take together, nearly
 * or really: addresses in steps, rotations, numbers of single bytes, operands
 * that are loaded. Between their instructions stands something else at times,
 * and what they leave in registers may be wanted later.
 */
#include "progen_draw.h"

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

void
progen_together(struct progen *gen)
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
