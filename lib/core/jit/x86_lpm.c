/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: the lookup of one lpm_trie, as lpm_trie.h has it, for whole addresses
 * of 4, or of 8 and more bytes. What is decided behind their first 64 bits, or
 * by comparing on the way down, is left to C; so are keys that are shorter than
 * an address. Used by x86_lookup.c, which says what it is part of.
 *
 * Loads are acquires, as every load is here, and none passes another; so that
 * of `changes` in the end says whether anything was handed on meanwhile.
 */
#include "core/jit/jit_lookup.h"
#include "core/jit/x86_enc.h"

/* rsi is the key. What is kept on the way: */
enum {
	REF = RAX,
	LAST = R8, /* the longest prefix met, 0: none */
	HEAD = R9, /* of the address */
	CHANGES = R10,
	BASE = R11, /* &lpm->root */
};

/* to = the record of the number in it, rdx being the table; rcx is used */
static void
record_in(struct x86 *x, uint32_t to, const struct ebpf_chunks *chunks)
{
	x86_mov(x, 0, RCX, to);
	x86_shift_imm(x, 0, SHIFT_SHR, RCX, chunks->shift);
	x86_scale(x, to, chunks->size);
	x86_sib(x, OP_ADD | 2 | X_W, to, RDX, RCX, 3, 0);
}

static void
record(struct x86 *x, uint32_t to, const struct ebpf_chunks *chunks,
       int32_t table)
{
	x86_mem(x, OP_LOAD | X_W, RDX, BASE, table);
	record_in(x, to, chunks);
}

/* last = reg, if that is not 0 */
static void
remember(struct x86 *x, uint32_t reg)
{
	x86_rr(x, OP_TEST, reg, reg);
	x86_rr(x, OP_CMOVNE, LAST, reg);
}

/* The table whose record is in rdi. */
static void
step_table(struct x86 *x, bool behind)
{
	x86_mem(x, OP_MOVZX8, RCX, RDI, EBPF_JIT_TABLE_OFF(shift));
	if (behind) { /* EBPF_LPM_SHIFT_NONE */
		x86_alu_imm(x, OP_CMP, RCX, 63);
		x86_slow_if(x, CC_A);
	}
	x86_mem(x, OP_LOAD | X_W, RDX, RDI, EBPF_JIT_TABLE_OFF(entries));
	x86_mov(x, X_W, REF, HEAD);
	x86_rr(x, OP_SHIFT_CL | X_W, SHIFT_SHR, REF);
	x86_mem(x, OP_AND | 2, REF, RDI, EBPF_JIT_TABLE_OFF(mask));
	/* both halves of the entry at once */
	x86_sib(x, OP_LOAD | X_W, REF, RDX, REF, 3, 0);
	x86_mov(x, X_W, RCX, REF);
	x86_shift_imm(x, X_W, SHIFT_SHR, RCX, 32);
	x86_rr(x, OP_CMOVNE, LAST, RCX);
	x86_rr(x, OP_TEST, REF, REF);
}

/* The node whose record is in rdi. */
static void
step_narrow(struct x86 *x, bool behind)
{
	x86_mem(x, OP_LOAD, RCX, RDI, EBPF_JIT_NARROW_OFF(depth));
	if (behind) {
		x86_alu_imm(x, OP_CMP, RCX, 62);
		x86_slow_if(x, CC_A);
	}
	x86_mov(x, X_W, REF, HEAD);
	x86_rr(x, OP_SHIFT_CL | X_W, SHIFT_SHL, REF);
	x86_shift_imm(x, X_W, SHIFT_SHR, REF, 62);
	x86_mem(x, OP_LOAD, RDX, RDI, EBPF_JIT_NARROW_OFF(own[0]));
	remember(x, RDX);
	x86_mov(x, 0, RCX, REF);
	x86_shift_imm(x, 0, SHIFT_SHR, RCX, 1);
	x86_sib(x, OP_LOAD, RDX, RDI, RCX, 2, EBPF_JIT_NARROW_OFF(own[1]));
	remember(x, RDX);
	x86_sib(x, OP_LOAD, REF, RDI, REF, 2, EBPF_JIT_NARROW_OFF(child));
	x86_rr(x, OP_TEST, REF, REF);
}

/* Down to where no more nodes are: REF and LAST. */
static void
walk(struct x86 *x, const struct ebpf_map_lpm *lpm)
{
	bool behind = lpm->data_bits > 64;
	uint32_t none, top, narrow, done;

	x86_address(x, BASE, &lpm->root);
	x86_mem(x, lpm->data_bits == 32 ? OP_LOAD : OP_LOAD | X_W, HEAD, RSI,
		EBPF_LPM_LEN);
	x86_bswap(x, X_W, HEAD); /* the shorter one to the top, too */
	x86_mem(x, OP_LOAD, RCX, RSI, 0);
	x86_alu_imm(x, OP_CMP, RCX, (int32_t)lpm->data_bits);
	x86_slow_if(x, CC_NE);
	x86_mem(x, OP_LOAD, CHANGES, BASE, EBPF_JIT_LPM_OFF(changes));
	x86_const(x, LAST, 0);
	x86_mem(x, OP_LOAD, REF, BASE, 0);
	x86_rr(x, OP_TEST, REF, REF);
	none = x86_skip_far(x, CC_NS);

	top = x->gen.buf.len;
	x86_mov(x, 0, RDI, REF);
	x86_alu_imm(x, OP_AND, RDI, EBPF_LPM_NUMBER);
	record(x, RDI, &lpm->nodes, EBPF_JIT_LPM_OFF(nodes.table));
	x86_alu_imm(x, OP_CMP, REF, (int32_t)(EBPF_LPM_NODE | EBPF_LPM_TABLE));
	narrow = x86_skip(x, CC_B);
	step_table(x, behind);
	x86_back(x, CC_S, top);
	done = x86_skip(x, CC_ALWAYS);
	x86_land(x, narrow);
	step_narrow(x, behind);
	x86_back(x, CC_S, top);
	x86_land_far(x, none);
	x86_land(x, done);
}

/*
 * rdi = the record of the element whose number is in REF; zero, or jumps to
 * *whole: its prefix is one of the address's.
 */
static void
covers(struct x86 *x, const struct ebpf_map_lpm *lpm, uint32_t *whole)
{
	x86_mov(x, 0, RDI, REF);
	record(x, RDI, &lpm->elements, EBPF_JIT_LPM_OFF(elements.table));
	x86_mem(x, OP_LOAD, RCX, RDI, EBPF_JIT_LPM_LEN);
	if (lpm->data_bits > 64) {
		x86_alu_imm(x, OP_CMP, RCX, 64);
		x86_slow_if(x, CC_A);
	}
	x86_mem(x, OP_LOAD | X_W, RDX, RDI, EBPF_JIT_LPM_ADDRESS);
	x86_bswap(x, X_W, RDX);
	x86_rr(x, OP_XOR | X_W, HEAD, RDX);
	x86_rr(x, OP_TEST, RCX, RCX);
	*whole = x86_skip(x, CC_E); /* of everything */
	x86_rr(x, OP_GROUP3, G3_NEG, RCX);
	x86_rr(x, OP_SHIFT_CL | X_W, SHIFT_SHR, RDX);
	x86_rr(x, OP_TEST | X_W, RDX, RDX);
}

/* The answer, if it is REF or LAST; a far jump if neither is one. */
static uint32_t
compare(struct x86 *x, const struct ebpf_map_lpm *lpm)
{
	uint32_t other, whole[2], found, none;

	x86_rr(x, OP_TEST, REF, REF);
	other = x86_skip(x, CC_E);
	covers(x, lpm, &whole[0]);
	found = x86_skip(x, CC_E);
	x86_land(x, other);
	x86_rr(x, OP_TEST, LAST, LAST);
	none = x86_skip_far(x, CC_E);
	x86_mov(x, 0, REF, LAST);
	covers(x, lpm, &whole[1]);
	x86_slow_if(x, CC_NE);
	x86_land(x, whole[0]);
	x86_land(x, whole[1]);
	x86_land(x, found);
	x86_mem(x, OP_CMP | 2, CHANGES, BASE, EBPF_JIT_LPM_OFF(changes));
	x86_slow_if(x, CC_NE);
	x86_mov(x, X_W, RAX, RDI);
	x86_alu_imm(x, OP_ADD | X_W, RAX, (int32_t)lpm->value_off);
	x86_ret(x);
	return none;
}

/* reg, two addresses xored = what is in the element's prefix of it. */
static void
differs(struct x86 *x, uint32_t reg, uint32_t element)
{
	x86_bswap(x, 0, reg);
	x86_mem(x, OP_LOAD, RCX, element, EBPF_JIT_LPM_LEN);
	x86_rr(x, OP_SHIFT_CL | X_W, SHIFT_SHL, reg);
	x86_shift_imm(x, X_W, SHIFT_SHR, reg, 32);
}

/*
 * The same for addresses of 4 bytes, without a branch on which of them it is,
 * which nobody can predict. Where there is only one, the element that stands for
 * none (ebpf_lpm_nobody) takes the other's part: every address begins with it.
 */
static uint32_t
choose(struct x86 *x, const struct ebpf_map_lpm *lpm)
{
	int32_t nobody = (int32_t)ebpf_lpm_nobody(lpm);
	uint32_t none;

	x86_mov(x, 0, RCX, REF);
	x86_rr(x, OP_OR, LAST, RCX);
	none = x86_skip_far(x, CC_E);
	x86_const(x, RCX, (uint32_t)nobody);
	x86_rr(x, OP_TEST, LAST, LAST);
	x86_rr(x, OP_CMOVE, LAST, RCX);
	x86_rr(x, OP_TEST, REF, REF);
	x86_rr(x, OP_CMOVE, REF, LAST);
	/* rdi and rdx = their records */
	x86_mov(x, 0, RDI, REF);
	record(x, RDI, &lpm->elements, EBPF_JIT_LPM_OFF(elements.table));
	x86_mov(x, 0, BASE, LAST);
	record_in(x, BASE, &lpm->elements);
	x86_mov(x, X_W, RDX, BASE);
	/* BASE and HEAD: 0 if they are what the address begins with */
	x86_shift_imm(x, X_W, SHIFT_SHR, HEAD, 32);
	x86_bswap(x, 0, HEAD);
	x86_mem(x, OP_LOAD, BASE, RDI, EBPF_JIT_LPM_ADDRESS);
	x86_rr(x, OP_XOR, HEAD, BASE);
	x86_mem(x, OP_XOR | 2, HEAD, RDX, EBPF_JIT_LPM_ADDRESS);
	differs(x, HEAD, RDX);
	differs(x, BASE, RDI);
	x86_rr(x, OP_CMOVNE, REF, LAST);
	x86_rr(x, OP_CMOVNE | X_W, RDI, RDX);
	x86_rr(x, OP_CMOVNE, BASE, HEAD);
	x86_rr(x, OP_TEST, BASE, BASE);
	x86_slow_if(x, CC_NE);
	x86_address(x, BASE, &lpm->root);
	x86_mem(x, OP_CMP | 2, CHANGES, BASE, EBPF_JIT_LPM_OFF(changes));
	x86_slow_if(x, CC_NE);
	x86_const(x, RCX, 0);
	x86_alu_imm(x, OP_ADD | X_W, RDI, (int32_t)lpm->value_off);
	x86_alu_imm(x, OP_CMP, REF, nobody);
	x86_rr(x, OP_CMOVE | X_W, RDI, RCX);
	x86_mov(x, X_W, RAX, RDI);
	x86_ret(x);
	return none;
}

void
x86_lookup_lpm(struct x86 *x, const struct ebpf_map_lpm *lpm)
{
	uint32_t none;

	walk(x, lpm);
	none = lpm->data_bits == 32 ? choose(x, lpm) : compare(x, lpm);
	x86_land_far(x, none);
	x86_mem(x, OP_CMP | 2, CHANGES, BASE, EBPF_JIT_LPM_OFF(changes));
	x86_slow_if(x, CC_NE);
	x86_const(x, RAX, 0);
	x86_ret(x);
}
