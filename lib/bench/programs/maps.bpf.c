/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs for suite maps: a thousand operations on pseudo-random keys. Where
 * the sequence of keys stands, and how many there are, is in the packet, so
 * that it goes on from run to run and one program serves maps of every size.
 * Whoever loads them gives the map. *_none do the same without an operation.
 * Native is the same C text, which calls the engine's functions itself
 * (suite_maps_native.c includes this file and says how).
 */
#include "bench/programs/maps.h"

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64[2]);
	__type(value, u64);
} table SEC(".maps");
#endif

/* Have the compiler make the key for real, whatever comes of it. */
#define MAKE_KEY(key) __asm__ volatile("" : : "r"(key) : "memory")

#define OPERATIONS(name, make_key, operation)                           \
	BENCH(name)                                                     \
	{                                                               \
		struct bench_keys *keys = (void *)START(ctx);           \
		__attribute__((unused)) u64 value = 1;                  \
		u64 key[2], x;                                          \
		u32 shift;                                              \
									\
		if ((u8 *)(keys + 1) > END(ctx))                        \
			return 0;                                       \
		x = keys->state;                                        \
		shift = keys->shift & 63;                               \
		key[1] = 1;                                             \
		for (u32 i = 0; i < BENCH_LOOPS; i++) {                 \
			u32 n;                                          \
									\
			x = x * 6364136223846793005ull + 12345;         \
			n = x >> shift;                                 \
			key[0] = make_key;                              \
			MAKE_KEY(key);                                  \
			operation;                                      \
		}                                                       \
		keys->state = x;                                        \
		return 2;                                               \
	}

static __always_inline void
look_up(const u64 *key)
{
	volatile u64 *value = bpf_map_lookup_elem(&table, key);

	if (value)
		(void)*value;
}

static __always_inline void
update(const u64 *key, const u64 *value)
{
	bpf_map_update_elem(&table, key, value, BPF_ANY);
}

OPERATIONS(none, n, )
OPERATIONS(lookup, n, look_up(key))
OPERATIONS(update, n, update(key, &value))
OPERATIONS(churn, n, bpf_map_delete_elem(&table, key); update(key, &value))
OPERATIONS(mixed, n, if (i % 8) look_up(key); else update(key, &value))
OPERATIONS(push_pop, n, bpf_map_push_elem(&table, &value, 0);
	   bpf_map_pop_elem(&table, &value))
OPERATIONS(match_none, bench_prefix(bench_address(n), 32), )
OPERATIONS(match, bench_prefix(bench_address(n), 32), look_up(key))
OPERATIONS(near_none, bench_prefix(bench_address_near(n), 32), )
OPERATIONS(near, bench_prefix(bench_address_near(n), 32), look_up(key))
OPERATIONS(route_none, bench_prefix(bench_address_route(n), 32), )
OPERATIONS(route, bench_prefix(bench_address_route(n), 32), look_up(key))
OPERATIONS(stray_none, bench_prefix(bench_address_stray(n), 32), )
OPERATIONS(stray, bench_prefix(bench_address_stray(n), 32), look_up(key))
