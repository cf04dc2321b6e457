/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * arm64: loops that a helper makes of a function of the program, as in
 * x86_loop.c. Used by arm64_call.c.
 */
#include "core/jit/arm64_enc.h"

#include "core/each.h"

enum {
	ROOM = (sizeof(struct ebpf_each) + 15) & ~15u,
	/* kept over calls */
	COUNT = 19, END = 20, CALLBACK = 21, CTX = 22,
	MAP = COUNT,
};

static void
keep(struct arm64 *a)
{
	/* stp x19, x20, [sp, -32]!; stp x21, x22, [sp, 16] */
	arm64_put(a, A_STP_PRE | (0x7fu & -4) << 15 | 20 << 10 | A_SP << 5 | 19);
	arm64_put(a, A_STP | 2 << 15 | 22 << 10 | A_SP << 5 | 21);
}

static void
restore(struct arm64 *a)
{
	arm64_put(a, A_LDP | 2 << 15 | 22 << 10 | A_SP << 5 | 21);
	arm64_put(a, A_LDP_POST | 4 << 15 | 20 << 10 | A_SP << 5 | 19);
}

static void
call(struct arm64 *a)
{
	uint32_t callback = ebpf_jit_known(&a->gen, 2)->callback;

	if (callback != 0)
		arm64_call_slot(a, callback - 1);
	else
		arm64_put(a, A_BLR | CALLBACK << 5);
}

/* x0: how often, x1: whom, x2: what it gets, x3: flags; the result is in x0 */
void
arm64_loop_numbers(struct arm64 *a)
{
	uint32_t flags, many, top, done, end[2];

	flags = arm64_skip(a, A_CBNZ | A_X | 3);
	arm64_const(a, A_T0, EBPF_LOOPS_MAX);
	arm64_rrr(a, A_SUBS, A_ZR, 0, A_T0);
	many = arm64_skip(a, A_BCOND | A_HI);
	keep(a);
	arm64_mov(a, 0, END, 0);
	arm64_mov(a, A_X, CALLBACK, 1);
	arm64_mov(a, A_X, CTX, 2);
	arm64_const(a, COUNT, 0);
	top = a->gen.buf.len;
	arm64_rrr(a, A_SUBS, A_ZR, COUNT, END);
	done = arm64_skip(a, A_BCOND | A_HS);
	arm64_mov(a, 0, 0, COUNT);
	arm64_mov(a, A_X, 1, CTX);
	call(a);
	arm64_add_imm(a, 0, COUNT, COUNT, 1);
	arm64_back(a, A_CBZ | A_X | 0, top);
	arm64_land(a, done);
	arm64_mov(a, 0, 0, COUNT);
	restore(a);
	end[0] = arm64_skip(a, A_B);
	arm64_land(a, flags);
	arm64_const(a, 0, (uint64_t)-EBPF_EINVAL);
	end[1] = arm64_skip(a, A_B);
	arm64_land(a, many);
	arm64_const(a, 0, (uint64_t)-EBPF_E2BIG);
	arm64_land(a, end[0]);
	arm64_land(a, end[1]);
	arm64_mov(a, A_X, A_R0, 0);
}

/* x0: the map, and the rest as above */
void
arm64_loop_elements(struct arm64 *a)
{
	uint32_t top, done, out;

	keep(a);
	arm64_add_imm(a, A_X, A_SP, A_SP, -ROOM);
	arm64_mov(a, A_X, MAP, 0);
	arm64_mov(a, A_X, CALLBACK, 1);
	arm64_mov(a, A_X, CTX, 2);
	arm64_add_imm(a, A_X, 0, A_SP, 0);
	arm64_mov(a, A_X, 1, MAP);
	arm64_mov(a, A_X, 2, 3);
	arm64_call_address(a, (const void *)(uintptr_t)ebpf_each_begin);
	out = arm64_skip(a, A_CBNZ | A_X | 0);
	top = a->gen.buf.len;
	arm64_add_imm(a, A_X, 0, A_SP, 0);
	arm64_call_address(a, (const void *)(uintptr_t)ebpf_each_next);
	done = arm64_skip(a, A_CBZ | A_X | 0);
	arm64_mov(a, A_X, 0, MAP);
	arm64_access(a, A_LOAD, 64, 1, A_SP,
		     (int32_t)offsetof(struct ebpf_each, key));
	arm64_access(a, A_LOAD, 64, 2, A_SP,
		     (int32_t)offsetof(struct ebpf_each, value));
	arm64_mov(a, A_X, 3, CTX);
	call(a);
	arm64_back(a, A_CBZ | A_X | 0, top);
	arm64_land(a, done);
	arm64_access(a, A_LOAD, 32, 0, A_SP,
		     (int32_t)offsetof(struct ebpf_each, visited));
	arm64_land(a, out);
	arm64_add_imm(a, A_X, A_SP, A_SP, ROOM);
	restore(a);
	arm64_mov(a, A_X, A_R0, 0);
}
