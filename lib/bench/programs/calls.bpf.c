/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs for suite calls: a loop with one call in it, and without one; a
 * program that calls itself in its last act as often as it may. Native are
 * the loop, the function, and the engine's own helpers called from C
 * (suite_calls.c includes this file and says how).
 */
#include "bench/programs/calls.h"

/* What a compiler must then believe to be read and written. */
#define TOUCH(x) __asm__ volatile("" : "+r"(x))

#define LOOP(name, operation)                          \
	BENCH(name)                                    \
	{                                              \
		u64 sum = 0;                           \
						       \
		for (u64 i = 0; i < CALLS_LOOPS; i++) { \
			operation;                     \
			TOUCH(sum);                    \
		}                                      \
		return (int)sum & 1;                   \
	}

LOCAL u64
function(u64 x)
{
	TOUCH(x);
	return x;
}

/* A branch is more than a compiler puts in place of a call. */
LOCAL u64
branching(u64 x)
{
	TOUCH(x);
	if (x == CALLS_LOOPS)
		return 7;
	return x;
}

LOOP(none, sum += i)
LOOP(short, sum += function(i))
LOOP(local, sum += branching(i))

/* The first does next to nothing, but only its code knows. */
LOOP(helper, sum += bpf_csum_update(ctx, 0))
LOOP(near, sum += bpf_get_numa_node_id())

#ifdef __bpf__

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u32);
} slots SEC(".maps");

BENCH(empty)
{
	return 0;
}

BENCH(tail)
{
	bpf_tail_call(ctx, &slots, 1);
	return 0;
}

/* The packet says where to, so that no compiler knows. */
BENCH(tail_var)
{
	u8 *p = START(ctx);

	if (p + 1 > END(ctx))
		return 0;
	bpf_tail_call(ctx, &slots, *p & 3);
	return 0;
}

#endif
