/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of vgen.h: accesses to memory, packet, value and stack at offsets that are
 * proven or not, and pointers that are kept.
 */
#include "abi/helper.h"
#include "vgen.h"

/* Sizes of loads and stores: the bits of the opcode, and in bytes. */
static const uint8_t sizes[] = {0x10, 0x08, 0x00, 0x18};
static const uint8_t bytes[] = {1, 2, 4, 8};

void
vgen_access(struct vgen *gen)
{
	uint32_t size = below(gen, 4), reg = vgen_reg(gen);
	uint32_t where = below(gen, 4);
	int16_t off = (int16_t)below(gen, 12);
	bool exact = gen->careful && below(gen, 16);

	if (exact && where == 0 &&
	    (gen->function != VGEN_ENTRY || gen->shape != VGEN_FIXED))
		where = 1;
	if (exact || below(gen, 3))
		vgen_bound(gen, reg);
	if (exact && where == 3) {
		/* 32 bytes, all of them written */
		vgen_put(gen, 0x57, reg, 0, 0, 15);
		off = (int16_t)below(gen, 9);
	}
	if (where == 3) {
		vgen_put(gen, 0xbf, 1, 10, 0, 0);
		vgen_put(gen, 0x07, 1, 0, 0, -32);
	} else {
		vgen_put(gen, 0xbf, 1, where == 0 ? 6 : 7, 0, 0);
	}
	if (below(gen, 5))
		vgen_put(gen, exact || below(gen, 8) ? 0x0f : 0x1f, 1, reg, 0,
			 0);
	else if (where == 3)
		off = (int16_t)(off / bytes[size] * bytes[size]);
	if (!exact && below(gen, 6) == 0)
		vgen_put(gen, 0x07, 1, 0, 0, (int32_t)below(gen, 20) - 10);
	if (below(gen, 3))
		vgen_put(gen, (uint8_t)(0x61 | sizes[size]), vgen_reg(gen), 1,
			 off, 0);
	else if (below(gen, 2))
		vgen_put(gen, (uint8_t)(0x63 | sizes[size]), 1, vgen_reg(gen),
			 off, 0);
	else
		vgen_put(gen, (uint8_t)(0x62 | sizes[size]), 1, 0, off,
			 vgen_imm(gen));
}

void
vgen_spill(struct vgen *gen)
{
	uint32_t size = below(gen, 3) ? 3 : below(gen, 4);
	int16_t off = (int16_t)(-8 * (int)(1 + below(gen, 4)));

	if (below(gen, 3) == 0)
		off = (int16_t)(off + (int)(below(gen, 8) / bytes[size] *
					    bytes[size]));
	if (below(gen, 2))
		vgen_put(gen, (uint8_t)(0x63 | sizes[size]), 10, vgen_reg(gen),
			 off, 0);
	else
		vgen_put(gen, (uint8_t)(0x61 | sizes[size]), vgen_reg(gen), 10,
			 off, 0);
}

void
vgen_atomic(struct vgen *gen)
{
	static const int32_t ops[] = {0x00, 0x01, 0x40, 0x41, 0x50,
				      0x51, 0xa0, 0xa1, 0xe1, 0xf1};
	bool wide = below(gen, 2);

	vgen_put(gen, wide ? 0xdb : 0xc3, below(gen, 2) ? 10 : 7, vgen_reg(gen),
		 0, ops[below(gen, 10)]);
	gen->code[gen->count - 1].off =
		(gen->code[gen->count - 1].regs & 15) == 10 ?
			(int16_t)(-8 * (int)(1 + below(gen, 4))) :
			(int16_t)(8 * below(gen, 7));
}

void
vgen_lookup(struct vgen *gen, enum vgen_map map)
{
	vgen_put(gen, 0x62, 10, 0, -4, (int32_t)below(gen, VGEN_ELEMENTS));
	vgen_lddw_map(gen, 1, map);
	vgen_put(gen, 0xbf, 2, 10, 0, 0);
	vgen_put(gen, 0x07, 2, 0, 0, -4);
	vgen_call_helper(gen, EBPF_FUNC_map_lookup_elem);
}

/* What a global function was given, which may be null. */
static void
gen_use_given(struct vgen *gen)
{
	uint32_t jump = gen->count + 1, size = below(gen, 4);

	vgen_put(gen, 0x79, 1, 10, VGEN_SAVED_PTR, 0);
	vgen_put(gen, 0x15, 1, 0, 0, 0);
	if (below(gen, 2))
		vgen_put(gen, (uint8_t)(0x63 | sizes[size]), 1, vgen_reg(gen),
			 (int16_t)below(gen, VGEN_GIVEN + 1 - bytes[size]), 0);
	else
		vgen_put(gen, (uint8_t)(0x61 | sizes[size]), vgen_reg(gen), 1,
			 (int16_t)below(gen, VGEN_GIVEN + 1 - bytes[size]), 0);
	if (gen->careful || below(gen, 4))
		vgen_here(gen, jump);
}

/* The key of the element that a callback was called for. */
static void
gen_use_key(struct vgen *gen)
{
	uint32_t size = below(gen, 3);
	int16_t off = (int16_t)below(gen, 5 - bytes[size]);

	vgen_put(gen, 0x79, 1, 10, VGEN_SAVED_CTX, 0);
	if (below(gen, gen->careful ? 20 : 6) == 0)
		vgen_put(gen, (uint8_t)(0x63 | sizes[size]), 1, vgen_reg(gen),
			 off, 0);
	else
		vgen_put(gen, (uint8_t)(0x61 | sizes[size]), vgen_reg(gen), 1,
			 off, 0);
	if (below(gen, 8))
		return;
	/* and keep it for when the callback has returned */
	vgen_put(gen, 0xbf, 2, 1, 0, 0);
	vgen_put(gen, 0x79, 1, 10, VGEN_SAVED_PTR, 0);
	vgen_put(gen, 0x7b, 1, 2, VGEN_SAVED_PTR, 0);
	vgen_put(gen, 0xb7, 2, 0, 0, vgen_imm(gen));
}

void
vgen_pointer(struct vgen *gen)
{
	uint32_t reg = vgen_reg(gen);

	if (gen->function == VGEN_GLOBAL && below(gen, 4)) {
		gen_use_given(gen);
		return;
	}
	if (gen->function == VGEN_EACHED && below(gen, 4) == 0) {
		gen_use_key(gen);
		return;
	}
	switch (below(gen, gen->careful ? 16 : 4)) {
	case 0:
		vgen_put(gen, 0x7b, 10, 6 + below(gen, 2), VGEN_SAVED_PTR, 0);
		break;
	case 1:
		vgen_put(gen, 0x79, 6 + below(gen, 2), 10, VGEN_SAVED_PTR, 0);
		break;
	case 2:
		if (below(gen, 2))
			vgen_put(gen, 0x0f, 6 + below(gen, 2), reg, 0, 0);
		else
			vgen_put(gen, 0x07, 6 + below(gen, 2), 0, 0,
				 (int32_t)below(gen, 20) - 8);
		break;
	default:
		vgen_lookup(gen, below(gen, 2) ? VGEN_ARRAY : VGEN_HASH);
		vgen_put(gen, 0xbf, 7, 0, 0, 0);
		if (gen->careful || below(gen, 6))
			vgen_leave(gen, 0x15, below(gen, 2) ? 7 : 0, 0, 0);
		vgen_put(gen, 0x7b, 10, 9, -8, 0);
		vgen_lost(gen);
		break;
	}
}

void
vgen_reload(struct vgen *gen)
{
	uint32_t room = below(gen, 40);

	vgen_put(gen, 0x79, 2, 10, VGEN_SAVED_CTX, 0);
	vgen_put(gen, 0x61, 6, 2, 0, 0);
	vgen_put(gen, 0x61, 3, 2, 4, 0);
	vgen_put(gen, 0xbf, 2, 6, 0, 0);
	vgen_put(gen, 0x07, 2, 0, 0, (int32_t)room);
	vgen_leave(gen, below(gen, 4) ? 0x2d : 0x3d, 2, 3, 0);
	if (room >= 8)
		vgen_put(gen, 0x79, 2, 6, (int16_t)below(gen, room - 7), 0);
	else
		vgen_put(gen, 0xb7, 2, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0xb7, 3, 0, 0, vgen_imm(gen));
}

/* Metadata is there up to the packet. */
static void
gen_meta(struct vgen *gen)
{
	uint32_t reg = vgen_reg(gen), other = vgen_reg(gen);
	int32_t room = (int32_t)below(gen, 12);

	if (reg == other)
		return;
	vgen_put(gen, 0x79, other, 10, VGEN_SAVED_CTX, 0);
	vgen_put(gen, 0x61, reg, other, 8, 0);
	vgen_put(gen, 0x61, other, other, 0, 0);
	vgen_put(gen, 0xbf, 1, reg, 0, 0);
	vgen_put(gen, 0x07, 1, 0, 0, room);
	vgen_leave(gen, below(gen, 2) ? 0x2d : 0x3d, 1, other, 0);
	vgen_put(gen, (uint8_t)(0x61 | sizes[below(gen, 4)]), other, 1,
		 (int16_t)((int)below(gen, 3) - room), 0);
	vgen_put(gen, 0xbf, reg, other, 0, 0);
}

void
vgen_proof(struct vgen *gen)
{
	uint32_t reg = vgen_reg(gen), other = vgen_reg(gen);
	int32_t room = (int32_t)below(gen, 10);

	if (gen->function != VGEN_ENTRY || gen->shape == VGEN_FIXED || reg == other)
		return;
	if (gen->shape == VGEN_PACKET && below(gen, 5) == 0) {
		gen_meta(gen);
		return;
	}
	if (gen->careful || below(gen, 4))
		vgen_bound(gen, reg);
	vgen_put(gen, 0xbf, 1,
		 gen->shape == VGEN_PACKET || below(gen, 2) ? 6 : reg, 0, 0);
	if (gen->shape == VGEN_PACKET) {
		vgen_put(gen, 0x79, other, 10, VGEN_SAVED_CTX, 0);
		vgen_put(gen, 0x61, other, other, 4, 0);
		vgen_put(gen, 0x0f, 1, reg, 0, 0);
		vgen_put(gen, 0x07, 1, 0, 0, room);
		vgen_leave(gen, below(gen, 2) ? 0x2d : 0x3d, 1, other, 0);
		vgen_put(gen, 0xb7, other, 0, 0, 0);
		if (below(gen, 8) == 0)
			vgen_put(gen, 0x0f, 1, reg, 0, 0);
		if (gen->careful && below(gen, 16) && room >= 1)
			vgen_put(gen, 0x71, other, 1,
				 (int16_t) -
					 (1 + (int)below(gen, (uint32_t)room)),
				 0);
		else
			vgen_put(gen, (uint8_t)(0x61 | sizes[below(gen, 4)]),
				 other, 1,
				 (int16_t)((int)below(gen, 5) - room -
					   (int)below(gen, 3)),
				 0);
		return;
	}
	vgen_put(gen, 0xbf, 1, reg, 0, 0);
	vgen_put(gen, 0x79, other, 10, VGEN_SAVED_LEN, 0);
	if (below(gen, 2))
		vgen_put(gen, below(gen, 4) ? 0x07 : 0x04, 1, 0, 0, room);
	else
		vgen_put(gen, 0x17, other, 0, 0, room);
	if (below(gen, 4) == 0)
		vgen_leave(gen, 0xa5, other, 0, 4);
	switch (below(gen, 4)) {
	case 0:
		vgen_leave(gen, 0x3d, 1, other, 0);
		break;
	case 1:
		vgen_leave(gen, 0xad, other, 1, 0);
		break;
	case 2:
		vgen_leave(gen, below(gen, 2) ? 0x6d : 0x2e, 1, other, 0);
		break;
	default:
		vgen_leave(gen, 0x2d, 1, other, 0);
		break;
	}
	vgen_put(gen, 0xbf, 1, 6, 0, 0);
	vgen_put(gen, 0x0f, 1, reg, 0, 0);
	if (gen->careful && below(gen, 16))
		vgen_put(gen, 0x71, other, 1, 0, 0);
	else
		vgen_put(gen, (uint8_t)(0x61 | sizes[below(gen, 4)]), other, 1,
			 (int16_t)below(gen, 6), 0);
}
