/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * arm64: a function for one map, as in x86_lookup.c: x1 is the key, the answer
 * is in x0. Only registers that a call may change are used, A_T3 for what lasts
 * no longer than a few instructions. Used by arm64.c.
 */
#include "core/jit/arm64_enc.h"
#include "core/jit/jit_lookup.h"

void
arm64_slow_if(struct arm64 *a, uint32_t word)
{
	uint32_t at = arm64_skip(a, word);

	if (a->slow_count == ARM64_SLOW)
		a->gen.broken = true;
	else
		a->slow[a->slow_count++] = at;
}

void
arm64_place(struct arm64 *a, uint32_t rd, const void *address, uint32_t reg,
	    uint64_t size)
{
	arm64_address(a, rd, address);
	arm64_const(a, A_T3, size);
	arm64_put(a, A_MADD | A_X | A_T3 << 16 | rd << 10 | reg << 5 | rd);
}

/* All that is slow comes here, with the key still in x1. */
static void
ask_map(struct arm64 *a, const struct ebpf_map *map)
{
	for (uint32_t i = 0; i < a->slow_count; i++)
		arm64_land(a, a->slow[i]);
	arm64_put(a, A_STP_PRE | (0x7fu & -2) << 15 | A_LR << 10 | A_SP << 5 |
			     29);
	arm64_address(a, 0, map);
	arm64_call_address(a, (const void *)(uintptr_t)map->lookup);
	arm64_put(a, A_LDP_POST | 2 << 15 | A_LR << 10 | A_SP << 5 | 29);
	arm64_put(a, A_RET);
}

uint32_t
arm64_lookup(const struct ebpf_jit_plan *plan, uint8_t *write, size_t room,
	     uint64_t run, uint32_t *kept)
{
	struct arm64 a;

	(void)kept; /* no register is free for that */
	memset(&a, 0, sizeof(a));
	ebpf_jit_begin_lookup(&a.gen, write, room, run);
	switch (plan->shape) {
	case EBPF_JIT_HASH:
		arm64_lookup_hash(&a, &plan->hash);
		break;
	case EBPF_JIT_LPM:
		arm64_lookup_lpm(&a, plan->lpm);
		break;
	}
	ask_map(&a, plan->map);
	return ebpf_jit_end_lookup(&a.gen);
}
