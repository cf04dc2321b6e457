/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: a function for one map, as map->lookup is, but that it knows the map:
 * rsi is the key (if it is not kept, jit_key.c), the answer is in rax, and the
 * zero flag says whether it is NULL. Only registers that a call may change are
 * used. Here is what maps of all shapes have in common, and the way into C;
 * x86_hash.c and x86_lpm.c have the rest. Used by x86_64.c.
 */
#include "core/jit/jit_lookup.h"
#include "core/jit/x86_enc.h"

void
x86_const64(struct x86 *x, uint32_t reg, uint64_t value)
{
	x86_opcode(x, X_W | 0xb8 | (reg & 7), 0, 0, reg);
	x86_put(x, value, 8);
}

void
x86_slow_if(struct x86 *x, uint32_t cc)
{
	uint32_t from = x86_skip_far(x, cc);

	if (x->slow_count == X86_SLOW)
		x->gen.broken = true;
	else
		x->slow[x->slow_count++] = from;
}

/*
 * All that is slow comes here, with the key still in rsi or, words, all of it
 * in r9 and r10.
 */
static void
ask_map(struct x86 *x, const struct ebpf_map *map, bool words)
{
	for (uint32_t i = 0; i < x->slow_count; i++)
		x86_land_far(x, x->slow[i]);
	x86_alu_imm(x, OP_SUB | X_W, RSP, 8); /* C wants 16 at calls */
	if (words) {
		x86_opcode(x, 0x50 | (R10 & 7), 0, 0, R10); /* push */
		x86_opcode(x, 0x50 | (R9 & 7), 0, 0, R9);
		x86_mov(x, X_W, RSI, RSP);
	}
	x86_address(x, RDI, map);
	x86_call_address(x, (const void *)(uintptr_t)map->lookup);
	x86_alu_imm(x, OP_ADD | X_W, RSP, words ? 24 : 8);
	x86_rr(x, OP_TEST | X_W, RAX, RAX);
	x86_ret(x);
}

uint32_t
x86_lookup(const struct ebpf_jit_plan *plan, uint8_t *write, size_t room,
	   uint64_t run, uint32_t *kept)
{
	struct x86 x;

	memset(&x, 0, sizeof(x));
	os_exec_rules(&x.rules);
	ebpf_jit_begin_lookup(&x.gen, write, room, run);
	switch (plan->shape) {
	case EBPF_JIT_HASH:
		x86_lookup_hash(&x, &plan->hash, kept);
		break;
	case EBPF_JIT_LPM:
		x86_lookup_lpm(&x, plan->lpm);
		break;
	}
	ask_map(&x, plan->map, plan->shape == EBPF_JIT_HASH);
	return ebpf_jit_end_lookup(&x.gen);
}
