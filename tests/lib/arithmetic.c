/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What arithmetic.h says, written down once more from the standard's words:
 * the engine's own description of semantics is not asked.
 */
#include "arithmetic.h"

#include <stdlib.h>
#include <string.h>

#include "core/verifier/num.h"

const struct arith_fn arith_operators[ARITH_OPERATORS] = {
	{EBPF_FN_ADD, "add"},	{EBPF_FN_SUB, "sub"},	{EBPF_FN_MUL, "mul"},
	{EBPF_FN_DIV, "div"},	{EBPF_FN_MOD, "mod"},	{EBPF_FN_SDIV, "sdiv"},
	{EBPF_FN_SMOD, "smod"}, {EBPF_FN_AND, "and"},	{EBPF_FN_OR, "or"},
	{EBPF_FN_XOR, "xor"},	{EBPF_FN_LSH, "lsh"},	{EBPF_FN_RSH, "rsh"},
	{EBPF_FN_ARSH, "arsh"}, {EBPF_FN_MOV, "mov"},	{EBPF_FN_NEG, "neg"},
};

const struct arith_fn arith_jumps[ARITH_JUMPS] = {
	{EBPF_FN_JEQ, "jeq"},	{EBPF_FN_JNE, "jne"},	{EBPF_FN_JGT, "jgt"},
	{EBPF_FN_JGE, "jge"},	{EBPF_FN_JLT, "jlt"},	{EBPF_FN_JLE, "jle"},
	{EBPF_FN_JSGT, "jsgt"}, {EBPF_FN_JSGE, "jsge"}, {EBPF_FN_JSLT, "jslt"},
	{EBPF_FN_JSLE, "jsle"}, {EBPF_FN_JSET, "jset"},
};

uint64_t
arith_compute(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits)
{
	uint64_t all = ebpf_bits_mask(bits), k = y & (bits - 1);
	int64_t sx, sy;

	x &= all;
	y &= all;
	sx = ebpf_bits_sext(x, bits);
	sy = ebpf_bits_sext(y, bits);
	switch (fn) {
	case EBPF_FN_ADD:
		return (x + y) & all;
	case EBPF_FN_SUB:
		return (x - y) & all;
	case EBPF_FN_MUL:
		return (x * y) & all;
	case EBPF_FN_DIV:
		return y ? x / y : 0;
	case EBPF_FN_MOD:
		return y ? x % y : x;
	case EBPF_FN_SDIV:
		return sy == 0	? 0 :
		       sy == -1 ? (0 - x) & all :
				  (uint64_t)(sx / sy) & all;
	case EBPF_FN_SMOD:
		return sy == 0 ? x : sy == -1 ? 0 : (uint64_t)(sx % sy) & all;
	case EBPF_FN_AND:
		return x & y;
	case EBPF_FN_OR:
		return x | y;
	case EBPF_FN_XOR:
		return x ^ y;
	case EBPF_FN_LSH:
		return (x << k) & all;
	case EBPF_FN_RSH:
		return x >> k;
	case EBPF_FN_ARSH:
		return (uint64_t)(sx >> k) & all;
	case EBPF_FN_MOV:
		return y;
	case EBPF_FN_MOVSX8:
		return (uint64_t)ebpf_bits_sext(y, 8) & all;
	case EBPF_FN_MOVSX16:
		return (uint64_t)ebpf_bits_sext(y, 16) & all;
	case EBPF_FN_MOVSX32:
		return (uint64_t)ebpf_bits_sext(y, 32) & all;
	case EBPF_FN_NEG:
		return (0 - x) & all;
	default:
		abort();
	}
}

bool
arith_holds(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits)
{
	int64_t sx = ebpf_bits_sext(x, bits), sy = ebpf_bits_sext(y, bits);

	x &= ebpf_bits_mask(bits);
	y &= ebpf_bits_mask(bits);
	switch (fn) {
	case EBPF_FN_JEQ:
		return x == y;
	case EBPF_FN_JNE:
		return x != y;
	case EBPF_FN_JGT:
		return x > y;
	case EBPF_FN_JGE:
		return x >= y;
	case EBPF_FN_JLT:
		return x < y;
	case EBPF_FN_JLE:
		return x <= y;
	case EBPF_FN_JSGT:
		return sx > sy;
	case EBPF_FN_JSGE:
		return sx >= sy;
	case EBPF_FN_JSLT:
		return sx < sy;
	case EBPF_FN_JSLE:
		return sx <= sy;
	case EBPF_FN_JSET:
		return (x & y) != 0;
	default:
		abort();
	}
}

uint64_t
arith_swapped(uint64_t v, unsigned bits)
{
	return __builtin_bswap64(v) >> (64 - bits);
}

void
arith_atomic(const struct ebpf_op *op, uint8_t *at, uint64_t *regs)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t size = info->width / 8;
	uint64_t old = 0, new, src = regs[op->src];

	memcpy(&old, at, size);
	new = old;
	switch ((enum ebpf_fn)info->fn) {
	case EBPF_FN_ADD:
	case EBPF_FN_FETCH_ADD:
		new = old + src;
		break;
	case EBPF_FN_OR:
	case EBPF_FN_FETCH_OR:
		new = old | src;
		break;
	case EBPF_FN_AND:
	case EBPF_FN_FETCH_AND:
		new = old &src;
		break;
	case EBPF_FN_XOR:
	case EBPF_FN_FETCH_XOR:
		new = old ^ src;
		break;
	case EBPF_FN_XCHG:
		new = src;
		break;
	default:
		if (old == (regs[0] & ebpf_bits_mask(info->width)))
			new = src;
		regs[0] = old;
		break;
	}
	memcpy(at, &new, size);
	if (info->fn == EBPF_FN_FETCH_ADD || info->fn == EBPF_FN_FETCH_OR ||
	    info->fn == EBPF_FN_FETCH_AND || info->fn == EBPF_FN_FETCH_XOR ||
	    info->fn == EBPF_FN_XCHG)
		regs[op->src] = old;
}
