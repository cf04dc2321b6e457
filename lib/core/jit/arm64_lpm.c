/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * arm64: the lookup of one lpm_trie, as in x86_lpm.c. Used by arm64_lookup.c,
 * which says what it is part of.
 *
 * Order: `changes` is read first, with acquire. So is each reference, before
 * the place of the chunks it may be in is; what that leads to depends on it. The
 * prefixes met on the way, read without, are before a barrier when it is looked
 * where their chunks are. And all that comes before another barrier when
 * `changes` is read again: if it is the same, nothing was handed on meanwhile.
 */
#include "core/jit/arm64_enc.h"
#include "core/jit/jit_lookup.h"

/* x1 is the key. */
enum {
	REF = 0, HEAD = A_T0, CHANGES = A_T1, LAST = A_T2, BASE = 15,
	RECORD = 4, OTHER = 6, NOBODY = 13,
	ONE = 2, TWO = 3, THREE = 5,
};

#define CSEL_NE 0x1a801000u
#define TBZ 0x36000000u
#define LSL_BY(n) ((n) << 10) /* of the last register of add */

/* to = the record of a number; THREE is used */
static void
record(struct arm64 *a, uint32_t to, uint32_t number,
       const struct ebpf_chunks *chunks, int32_t table)
{
	arm64_access(a, A_LOAD, 64, to, BASE, table);
	/* lsr */
	arm64_bitfield(a, A_UBFM, 0, THREE, number, chunks->shift, 31);
	arm64_rrr(a, A_ADD | A_X | LSL_BY(3), to, to, THREE);
	arm64_access(a, A_LOAD, 64, to, to, 0);
	arm64_const(a, THREE, chunks->size);
	arm64_put(a, A_MADD | A_X | THREE << 16 | to << 10 | number << 5 | to);
}

/* LAST = reg, if that is not 0 */
static void
remember(struct arm64 *a, uint32_t reg)
{
	arm64_cmp_imm(a, 0, reg, 0);
	arm64_rrr(a, CSEL_NE, LAST, reg, LAST);
}

static void
step_table(struct arm64 *a, bool behind)
{
	arm64_access(a, A_LOAD, 8, ONE, RECORD, EBPF_JIT_TABLE_OFF(shift));
	if (behind) { /* EBPF_LPM_SHIFT_NONE */
		arm64_cmp_imm(a, 0, ONE, 63);
		arm64_slow_if(a, A_BCOND | A_HI);
	}
	arm64_rrr(a, A_LSRV | A_X, ONE, HEAD, ONE);
	arm64_access(a, A_LOAD, 32, THREE, RECORD, EBPF_JIT_TABLE_OFF(mask));
	arm64_rrr(a, A_AND, ONE, ONE, THREE);
	arm64_access(a, A_LOAD, 64, TWO, RECORD, EBPF_JIT_TABLE_OFF(entries));
	arm64_rrr(a, A_ADD | A_X | LSL_BY(3), TWO, TWO, ONE);
	/* both halves of the entry at once */
	arm64_put(a, A_LDAR64 | TWO << 5 | REF);
	arm64_bitfield(a, A_UBFM, A_X, ONE, REF, 32, 63); /* lsr */
	remember(a, ONE);
	arm64_mov(a, 0, REF, REF);
}

static void
step_narrow(struct arm64 *a, bool behind)
{
	arm64_access(a, A_LOAD, 32, ONE, RECORD, EBPF_JIT_NARROW_OFF(depth));
	if (behind) {
		arm64_cmp_imm(a, 0, ONE, 62);
		arm64_slow_if(a, A_BCOND | A_HI);
	}
	arm64_rrr(a, A_LSLV | A_X, ONE, HEAD, ONE);
	arm64_bitfield(a, A_UBFM, A_X, ONE, ONE, 62, 63); /* lsr */
	arm64_access(a, A_LOAD, 32, TWO, RECORD, EBPF_JIT_NARROW_OFF(own[0]));
	remember(a, TWO);
	arm64_bitfield(a, A_UBFM, 0, TWO, ONE, 1, 31); /* lsr */
	arm64_rrr(a, A_ADD | A_X | LSL_BY(2), TWO, RECORD, TWO);
	arm64_access(a, A_LOAD, 32, TWO, TWO, EBPF_JIT_NARROW_OFF(own[1]));
	remember(a, TWO);
	arm64_rrr(a, A_ADD | A_X | LSL_BY(2), RECORD, RECORD, ONE);
	if (EBPF_JIT_NARROW_OFF(child) != 0)
		arm64_add_imm(a, A_X, RECORD, RECORD, EBPF_JIT_NARROW_OFF(child));
	arm64_put(a, A_LDAR32 | RECORD << 5 | REF);
}

static void
back(struct arm64 *a, uint32_t to)
{
	int32_t words = ((int32_t)to - (int32_t)a->gen.buf.len) / 4;

	arm64_put(a, A_B | ((uint32_t)words & 0x3ffffff));
}

/* Down to where no more nodes are: REF and LAST. */
static void
walk(struct arm64 *a, const struct ebpf_map_lpm *lpm)
{
	bool behind = lpm->data_bits > 64;
	uint32_t top, narrow, done;

	arm64_address(a, BASE, &lpm->root);
	arm64_access(a, A_LOAD, lpm->data_bits == 32 ? 32 : 64, HEAD, 1,
		     EBPF_LPM_LEN);
	/* the shorter one to the top, too */
	arm64_put(a, A_REV64 | HEAD << 5 | HEAD);
	arm64_access(a, A_LOAD, 32, ONE, 1, 0);
	arm64_cmp_imm(a, 0, ONE, lpm->data_bits);
	arm64_slow_if(a, A_BCOND | A_NE);
	arm64_add_imm(a, A_X, TWO, BASE, EBPF_JIT_LPM_OFF(changes));
	arm64_put(a, A_LDAR32 | TWO << 5 | CHANGES);
	arm64_const(a, LAST, 0);
	arm64_put(a, A_LDAR32 | BASE << 5 | REF);

	top = a->gen.buf.len;
	done = arm64_skip(a, TBZ | 31u << 19 | REF);
	arm64_logic_imm(a, A_AND_IMM, 0, ONE, REF, EBPF_LPM_NUMBER);
	record(a, RECORD, ONE, &lpm->nodes, EBPF_JIT_LPM_OFF(nodes.table));
	narrow = arm64_skip(a, TBZ | 30u << 19 | REF);
	step_table(a, behind);
	back(a, top);
	arm64_land(a, narrow);
	step_narrow(a, behind);
	back(a, top);
	arm64_land(a, done);
}

/*
 * RECORD = that of the element whose number is in reg; equal, or jumps to
 * *whole: its prefix is one of the address's.
 */
static void
covers(struct arm64 *a, const struct ebpf_map_lpm *lpm, uint32_t reg,
       uint32_t *whole)
{
	record(a, RECORD, reg, &lpm->elements, EBPF_JIT_LPM_OFF(elements.table));
	arm64_access(a, A_LOAD, 32, ONE, RECORD, EBPF_JIT_LPM_LEN);
	if (lpm->data_bits > 64) {
		arm64_cmp_imm(a, 0, ONE, 64);
		arm64_slow_if(a, A_BCOND | A_HI);
	}
	arm64_access(a, A_LOAD, 64, TWO, RECORD, EBPF_JIT_LPM_ADDRESS);
	arm64_put(a, A_REV64 | TWO << 5 | TWO);
	arm64_rrr(a, A_EOR | A_X, TWO, TWO, HEAD);
	*whole = arm64_skip(a, A_CBZ | ONE); /* of everything */
	arm64_rrr(a, A_SUB, ONE, A_ZR, ONE);
	arm64_rrr(a, A_LSRV | A_X, TWO, TWO, ONE);
	arm64_cmp_imm(a, A_X, TWO, 0);
}

/* Nothing was handed on since the first look. */
static void
unchanged(struct arm64 *a)
{
	arm64_put(a, A_DMB_LOADS);
	arm64_access(a, A_LOAD, 32, ONE, BASE, EBPF_JIT_LPM_OFF(changes));
	arm64_rrr(a, A_SUBS, A_ZR, ONE, CHANGES);
	arm64_slow_if(a, A_BCOND | A_NE);
}

/* As in x86_lpm.c: which of them it is, with a jump if there is neither. */
static uint32_t
compare(struct arm64 *a, const struct ebpf_map_lpm *lpm)
{
	uint32_t other, whole[2], found, none;

	other = arm64_skip(a, A_CBZ | REF);
	covers(a, lpm, REF, &whole[0]);
	found = arm64_skip(a, A_BCOND | A_EQ);
	arm64_land(a, other);
	none = arm64_skip(a, A_CBZ | LAST);
	covers(a, lpm, LAST, &whole[1]);
	arm64_slow_if(a, A_BCOND | A_NE);
	arm64_land(a, whole[0]);
	arm64_land(a, whole[1]);
	arm64_land(a, found);
	unchanged(a);
	arm64_add_imm(a, A_X, 0, RECORD, lpm->value_off);
	arm64_put(a, A_RET);
	return none;
}

/* to = what of the address is not in the element's prefix, 0: all is */
static void
differs(struct arm64 *a, uint32_t to, uint32_t element)
{
	arm64_access(a, A_LOAD, 32, to, element, EBPF_JIT_LPM_ADDRESS);
	arm64_put(a, A_REV64 | to << 5 | to);
	arm64_rrr(a, A_EOR | A_X, to, to, HEAD);
	arm64_bitfield(a, A_UBFM, A_X, to, to, 1, 63); /* lsr */
	arm64_access(a, A_LOAD, 32, ONE, element, EBPF_JIT_LPM_LEN);
	arm64_logic_imm(a, A_EOR_IMM, 0, ONE, ONE, 63); /* 63 - it */
	arm64_rrr(a, A_LSRV | A_X, to, to, ONE);
}

/* The same for addresses of 4 bytes without a branch on it. */
static uint32_t
choose(struct arm64 *a, const struct ebpf_map_lpm *lpm)
{
	uint32_t none;

	arm64_rrr(a, A_ORR, ONE, REF, LAST);
	none = arm64_skip(a, A_CBZ | ONE);
	arm64_const(a, NOBODY, ebpf_lpm_nobody(lpm));
	arm64_cmp_imm(a, 0, LAST, 0);
	arm64_rrr(a, CSEL_NE, LAST, LAST, NOBODY);
	arm64_cmp_imm(a, 0, REF, 0);
	arm64_rrr(a, CSEL_NE, REF, REF, LAST);
	record(a, RECORD, REF, &lpm->elements, EBPF_JIT_LPM_OFF(elements.table));
	record(a, OTHER, LAST, &lpm->elements, EBPF_JIT_LPM_OFF(elements.table));
	differs(a, TWO, OTHER);
	differs(a, THREE, RECORD);
	arm64_cmp_imm(a, A_X, THREE, 0);
	arm64_rrr(a, CSEL_NE, REF, LAST, REF);
	arm64_rrr(a, CSEL_NE | A_X, RECORD, OTHER, RECORD);
	arm64_rrr(a, CSEL_NE | A_X, THREE, TWO, THREE);
	arm64_slow_if(a, A_CBNZ | A_X | THREE);
	unchanged(a);
	arm64_add_imm(a, A_X, RECORD, RECORD, lpm->value_off);
	arm64_rrr(a, A_SUBS, A_ZR, REF, NOBODY);
	arm64_rrr(a, CSEL_NE | A_X, 0, RECORD, A_ZR);
	arm64_put(a, A_RET);
	return none;
}

void
arm64_lookup_lpm(struct arm64 *a, const struct ebpf_map_lpm *lpm)
{
	uint32_t none;

	walk(a, lpm);
	arm64_put(a, A_DMB_LOADS);
	none = lpm->data_bits == 32 ? choose(a, lpm) : compare(a, lpm);
	arm64_land(a, none);
	unchanged(a);
	arm64_const(a, 0, 0);
	arm64_put(a, A_RET);
}
