/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of vgen.h: what is taken and must be given back, records of a ring and locks
 * in values, and maps that lie in maps. What is held lies on the stack, and
 * jumps that leave the block around which it is held lead to where it is given
 * back.
 */
#include "abi/helper.h"
#include "vgen.h"

enum {
	HELD_MAX = 3, /* around each other */
};

static int16_t
slot_of(const struct vgen *gen)
{
	return (int16_t)(VGEN_SAVED_HELD - 8 * (int)gen->held);
}

/* Wrong now and then, less often where it is done carefully. */
static bool
slips(struct vgen *gen)
{
	return below(gen, gen->careful ? 40 : 8) == 0;
}

/* Jumps that left since mark lead here. */
static void
gather(struct vgen *gen, uint32_t mark)
{
	while (gen->leave_count > mark && !slips(gen))
		vgen_here(gen, gen->leaves[--gen->leave_count]);
}

/* Some bytes of what the slot leads to; or_null: it may be nothing. */
static void
use(struct vgen *gen, int16_t slot, uint32_t from, uint32_t size, bool or_null)
{
	static const uint8_t sizes[] = {0x10, 0x08, 0x00, 0x18};
	static const uint8_t bytes[] = {1, 2, 4, 8};
	uint32_t width = below(gen, 4), reg = vgen_reg(gen), jump = 0;
	int16_t off;

	if (bytes[width] > size)
		width = 0;
	off = (int16_t)(from + below(gen, size - bytes[width] + 1 +
						  slips(gen)));
	vgen_put(gen, 0x79, 1, 10, slot, 0);
	if (or_null && !slips(gen)) {
		jump = gen->count;
		vgen_put(gen, 0x15, 1, 0, 0, 0);
	}
	if (size >= 16 && below(gen, 3) == 0) {
		vgen_put(gen, 0x57, reg, 0, 0, 7);
		vgen_put(gen, 0x0f, 1, reg, 0, 0);
		off = (int16_t)(from + below(gen, size - 15));
	}
	if (below(gen, 2))
		vgen_put(gen, (uint8_t)(0x61 | sizes[width]), vgen_reg(gen), 1,
			 off, 0);
	else
		vgen_put(gen, (uint8_t)(0x63 | sizes[width]), 1, vgen_reg(gen),
			 off, 0);
	if (jump)
		vgen_here(gen, jump);
}

/* ---- records ---- */

static void
reserve(struct vgen *gen, int16_t slot, uint32_t size)
{
	vgen_lddw_map(gen, 1, VGEN_RING);
	vgen_put(gen, 0xb7, 2, 0, 0, (int32_t)size);
	vgen_put(gen, 0xb7, 3, 0, 0, 0);
	vgen_call_helper(gen, EBPF_FUNC_ringbuf_reserve);
	vgen_put(gen, 0x7b, 10, 0, slot, 0);
}

static void
give_back(struct vgen *gen, int16_t slot, bool submit)
{
	vgen_put(gen, 0x79, 1, 10, slot, 0);
	if (slips(gen))
		vgen_put(gen, 0x07, 1, 0, 0, 8);
	vgen_put(gen, 0xb7, 2, 0, 0, 0);
	vgen_call_helper(gen, submit ? EBPF_FUNC_ringbuf_submit :
				       EBPF_FUNC_ringbuf_discard);
}

static void
give_back_somehow(struct vgen *gen, int16_t slot)
{
	uint32_t jump, other;

	if (below(gen, 4)) {
		give_back(gen, slot, below(gen, 2));
		return;
	}
	jump = gen->count;
	vgen_put(gen, vgen_jump_code(gen), 8 + below(gen, 2), 0, 0,
		 vgen_imm(gen));
	give_back(gen, slot, true);
	other = gen->count;
	vgen_put(gen, 0x05, 0, 0, 0, 0);
	vgen_here(gen, jump);
	if (!slips(gen))
		give_back(gen, slot, false);
	vgen_here(gen, other);
}

void
vgen_record(struct vgen *gen, uint32_t depth)
{
	uint32_t size = 8u << below(gen, 4), mark, jump, n = 1 + below(gen, 3);
	int16_t slot = slot_of(gen);
	/* whether there is one is found out before, or again and again */
	bool or_null = below(gen, 3) == 0, in_r7 = false;

	if (gen->held >= HELD_MAX || depth > 3)
		return;
	if (or_null && below(gen, 2)) {
		/* or there is none, on this way */
		vgen_put(gen, 0x7a, 10, 0, slot, 0);
		jump = gen->count;
		vgen_put(gen, vgen_jump_code(gen), 8 + below(gen, 2), 0, 0,
			 vgen_imm(gen));
		reserve(gen, slot, size);
		vgen_here(gen, jump);
	} else {
		reserve(gen, slot, size);
	}
	if (!or_null) {
		in_r7 = size == VGEN_AREA && below(gen, 2);
		if (in_r7)
			vgen_put(gen, 0xbf, 7, 0, 0, 0);
		if (!slips(gen))
			vgen_leave(gen, 0x15, 0, 0, 0);
	}
	vgen_lost(gen);
	mark = gen->leave_count;
	gen->held++;
	while (n-- > 0)
		if (below(gen, 2))
			use(gen, slot, 0, size, or_null);
		else
			vgen_block(gen, depth + 1, 1 + below(gen, 2));
	gen->held--;
	gather(gen, mark);
	if (slips(gen))
		return;
	if (or_null) {
		vgen_put(gen, 0x79, 1, 10, slot, 0);
		jump = gen->count;
		vgen_put(gen, 0x15, 1, 0, 0, 0);
		give_back_somehow(gen, slot);
		vgen_here(gen, jump);
	} else {
		give_back_somehow(gen, slot);
	}
	if (in_r7 && !slips(gen))
		vgen_lddw_value(gen, 7, VGEN_ARRAY, 0);
	vgen_lost(gen);
	if (slips(gen))
		use(gen, slot, 0, size, or_null);
}

/* ---- locks ---- */

static void
lock(struct vgen *gen, int16_t slot, int32_t helper)
{
	vgen_put(gen, 0x79, 1, 10, slot, 0);
	vgen_put(gen, 0x07, 1, 0, 0, VGEN_LOCK_OFF + slips(gen));
	vgen_call_helper(gen, helper);
	vgen_lost(gen);
}

/* Of which there is a lock: the slot leads to it. */
static void
find_locked(struct vgen *gen, int16_t slot)
{
	if (below(gen, 3) == 0) {
		vgen_lddw_value(gen, 1, VGEN_LOCKED, 0);
		vgen_put(gen, 0x7b, 10, 1, slot, 0);
		return;
	}
	if (below(gen, 2)) {
		vgen_lookup(gen, VGEN_LOCKED);
	} else {
		vgen_lookup(gen, VGEN_OF_LOCKED);
		if (!slips(gen))
			vgen_leave(gen, 0x15, 0, 0, 0);
		vgen_put(gen, 0xbf, 1, 0, 0, 0);
		vgen_put(gen, 0xbf, 2, 10, 0, 0);
		vgen_put(gen, 0x07, 2, 0, 0, -4);
		vgen_call_helper(gen, EBPF_FUNC_map_lookup_elem);
	}
	if (!slips(gen))
		vgen_leave(gen, 0x15, 0, 0, 0);
	vgen_put(gen, 0x7b, 10, 0, slot, 0);
	vgen_put(gen, 0x7b, 10, 9, -8, 0); /* where the key was */
	vgen_lost(gen);
}

void
vgen_lock(struct vgen *gen, uint32_t depth)
{
	uint32_t mark, n = 1 + below(gen, 3);
	int16_t slot = slot_of(gen), other = (int16_t)(slot - 8);

	if (gen->held >= HELD_MAX || depth > 3 || gen->locked)
		return;
	find_locked(gen, slot);
	if (below(gen, 4) == 0)
		find_locked(gen, other);
	else
		other = slot;
	lock(gen, slot, EBPF_FUNC_spin_lock);
	mark = gen->leave_count;
	gen->held += 2;
	gen->locked = true;
	while (n-- > 0)
		if (below(gen, 2))
			use(gen, slot, VGEN_LOCK_OFF + 4,
			    VGEN_AREA - VGEN_LOCK_OFF - 4, false);
		else
			vgen_block(gen, depth + 1, 1 + below(gen, 2));
	gen->held -= 2;
	gen->locked = false;
	gather(gen, mark);
	/* the other may be the same one, under another name */
	if (!slips(gen))
		lock(gen, below(gen, 4) ? slot : other, EBPF_FUNC_spin_unlock);
}

/* ---- maps in maps ---- */

void
vgen_inner(struct vgen *gen, uint32_t depth)
{
	bool locked = below(gen, 4) == 0;
	int16_t slot = slot_of(gen);

	if (gen->held >= HELD_MAX)
		return;
	vgen_lookup(gen, locked ? VGEN_OF_LOCKED : VGEN_OF_ARRAYS);
	vgen_put(gen, 0x7b, 10, 0, slot, 0);
	if (below(gen, 3) == 0) {
		vgen_put(gen, 0x7b, 10, 9, -8, 0);
		vgen_lost(gen);
		gen->held++;
		vgen_block(gen, depth + 1, 1 + below(gen, 2));
		gen->held--;
		vgen_put(gen, 0x79, 0, 10, slot, 0);
	}
	if (!slips(gen))
		vgen_leave(gen, 0x15, 0, 0, 0);
	vgen_put(gen, 0x79, 1, 10, slot, 0);
	if (below(gen, 3) == 0 && gen->call_count < VGEN_CALLS - 2) {
		vgen_lddw_func(gen, 2, VGEN_EACHED);
		vgen_put(gen, 0xbf, 3, 10, 0, 0);
		vgen_put(gen, 0xb7, 4, 0, 0, 0);
		vgen_call_helper(gen, EBPF_FUNC_for_each_map_elem);
		vgen_lost(gen);
		return;
	}
	vgen_put(gen, 0x62, 10, 0, -4, (int32_t)below(gen, 3));
	vgen_put(gen, 0xbf, 2, 10, 0, 0);
	vgen_put(gen, 0x07, 2, 0, 0, -4);
	vgen_call_helper(gen, EBPF_FUNC_map_lookup_elem);
	if (locked) {
		vgen_put(gen, 0x7b, 10, 0, slot, 0);
	} else {
		vgen_put(gen, 0xbf, 7, 0, 0, 0);
		if (!slips(gen))
			vgen_leave(gen, 0x15, 7, 0, 0);
	}
	vgen_put(gen, 0x7b, 10, 9, -8, 0);
	vgen_lost(gen);
	if (locked && !slips(gen))
		use(gen, slot, VGEN_LOCK_OFF + 4, 16, true);
}
