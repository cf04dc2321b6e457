/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Keys that a program puts together on its stack right before it looks them up.
 * Reading them back there is most of what a lookup waits for, so a backend may
 * keep what is stored in registers of its own, too, and enter a map's code
 * behind the loads. Which stores these are is found out here, from the call
 * back, and what is not needed then: where the key is. Knows no machine. Used
 * by jit_lookup.c.
 */
#include "core/jit/jit_lookup.h"

enum {
	WINDOW = 32, /* slots between the first store and the call */
};

/* What the walk back from the call knows. */
struct walk {
	const struct ebpf_prog *prog;
	const struct ebpf_jit_scan *scan;
	uint32_t slot, low; /* the last one looked at, and where it ends */
};

/* The op before, whichever way control came; NULL: there is none. */
static const struct ebpf_op *
back(struct walk *w)
{
	while (w->slot > w->low && !ebpf_jit_is_apart(w->scan, w->slot)) {
		w->slot--;
		if (!ebpf_jit_is_dead(w->scan, w->slot))
			return &w->prog->ops[w->slot];
	}
	return NULL;
}

/* Where on the stack r2 points when control is at the call. */
struct place {
	int64_t off;
	uint32_t slots[3]; /* what makes it so, if that is all it is for */
	uint32_t count;
};

static bool
find_key(struct walk w, struct place *place)
{
	const uint32_t most = sizeof(place->slots) / sizeof(place->slots[0]);
	const struct ebpf_op *op;
	bool only = true;

	memset(place, 0, sizeof(*place));
	while ((op = back(&w)) != NULL) {
		bool mine = op->dst == 2 && (op->code == EBPF_OP_ADD64_IMM ||
					     op->code == EBPF_OP_MOV64_REG);

		if (mine && place->count < most)
			place->slots[place->count++] = w.slot;
		else if (mine || (ebpf_jit_reads(op) & 1 << 2))
			only = false;
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
		case EBPF_FORM_LDDW_HI:
			continue; /* their dst is only read */
		case EBPF_FORM_JCC_IMM:
		case EBPF_FORM_JCC_REG:
			only = false; /* may be read where it goes */
			continue;
		default:
			break;
		}
		if (op->dst != 2)
			continue;
		if (op->code == EBPF_OP_ADD64_IMM) {
			place->off += op->imm;
			continue;
		}
		place->count = only ? place->count : 0;
		return op->code == EBPF_OP_MOV64_REG &&
		       op->src == EBPF_REG_FP;
	}
	return false;
}

/* Whether registers that are the backend's own outlive the op. */
static bool
leaves_registers(const struct ebpf_op_info *info)
{
	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
		return info->fn != EBPF_FN_DIV && info->fn != EBPF_FN_MOD &&
		       info->fn != EBPF_FN_SDIV && info->fn != EBPF_FN_SMOD;
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
	case EBPF_FORM_LDX:
	case EBPF_FORM_ST:
	case EBPF_FORM_STX:
	case EBPF_FORM_LDDW:
	case EBPF_FORM_LDDW_HI:
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		return true;
	default:
		return false;
	}
}

/* The mark of a store of bytes bytes at that place of a key; 0: it fits none. */
static uint16_t
mark_of(uint32_t key_size, int64_t at, uint32_t bytes)
{
	uint32_t first = key_size == 6 ? 4 : key_size > 8 ? 8 : key_size;

	if (at == 0 && bytes == first)
		return EBPF_JIT_KEY_LOW;
	if (at == first && bytes == key_size - first)
		return EBPF_JIT_KEY_HIGH;
	return 0;
}

void
ebpf_jit_key(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
	     const struct ebpf_jit_func *func, uint32_t slot, uint32_t key_size)
{
	struct walk w = { prog, scan, slot, func->start };
	uint16_t all = EBPF_JIT_KEY_LOW, have = 0, marks[2];
	uint32_t stores[2], count = 0;
	const struct ebpf_op *op;
	struct place key;

	if (slot - func->start > WINDOW)
		w.low = slot - WINDOW;
	if (!find_key(w, &key))
		return;
	if (key_size == 6 || key_size > 8)
		all |= EBPF_JIT_KEY_HIGH;
	while (have != all && (op = back(&w)) != NULL) {
		const struct ebpf_op_info *info = &ebpf_op_info[op->code];
		int64_t at = op->off - key.off;

		if (!leaves_registers(info))
			return;
		if (info->form != EBPF_FORM_ST && info->form != EBPF_FORM_STX)
			continue;
		/* what is stored elsewhere may be stored here */
		if (op->dst != EBPF_REG_FP)
			return;
		if (at + info->width / 8 <= 0 || at >= key_size)
			continue;
		marks[count] = mark_of(key_size, at, info->width / 8);
		if (marks[count] == 0 || (have & marks[count]) != 0)
			return;
		have |= marks[count];
		stores[count++] = w.slot;
	}
	if (have != all)
		return;
	while (count-- > 0)
		scan->slots[stores[count]] |= marks[count];
	while (key.count-- > 0)
		scan->slots[key.slots[key.count]] |= EBPF_JIT_KEY_PLACE;
	scan->slots[slot] |= EBPF_JIT_KEY_KEPT;
}
