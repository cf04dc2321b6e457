/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs for suite bridge: the decision of a learning bridge for a frame, as
 * in lib/bpf/examples/l2_bridge.bpf.c, many frames in a run or one. The
 * frames are written into the packet one after the other; bench_make does only
 * that. Native (suite_bridge.c includes this file) with a table of its own
 * behind find() and learn(). Frames come in bursts, first from one port to the
 * hosts at the other, then back, as they do at a switch.
 */
#include "bench/programs/bridge.h"

#ifdef __bpf__

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BRIDGE_HOSTS_MAX);
	__type(key, struct bridge_mac);
	__type(value, u32);
} table SEC(".maps");

static __always_inline u32 *
find(const struct bridge_mac *mac)
{
	return bpf_map_lookup_elem(&table, mac);
}

static __always_inline void
learn(const struct bridge_mac *mac, u32 port)
{
	bpf_map_update_elem(&table, mac, &port, BPF_ANY);
}

#endif

static inline __attribute__((always_inline)) u32
decide(const struct bridge_frame *frame, u32 in)
{
	struct bridge_mac mac = frame->src;
	u32 *known;

	if ((mac.addr[0] & 1) == 0) {
		known = find(&mac);
		if (!known)
			learn(&mac, in);
		else if (*known != in)
			*known = in;
	}
	mac = frame->dst;
	if (mac.addr[0] & 1)
		return BRIDGE_ALL;
	known = find(&mac);
	if (!known)
		return BRIDGE_ALL;
	return *known == in ? BRIDGE_DROP : *known;
}

/* Have the frame really be there before it is looked at. */
#define WRITTEN() __asm__ volatile("" : : : "memory")

#define FRAMES(name, count, decision)                                    \
	BENCH(name)                                                      \
	{                                                                \
		struct bridge_packet *p = (void *)START(ctx);            \
		u32 mask;                                                \
		u64 x;                                                   \
									 \
		if ((u8 *)(p + 1) > END(ctx))                            \
			return 0;                                        \
		x = p->state;                                            \
		mask = p->mask;                                          \
		for (u32 i = 0; i < count; i++) {                        \
			u32 in = p->turn++ / BRIDGE_BURST & 1, src, dst; \
									 \
			x = x * 6364136223846793005ull + 12345;          \
			src = ((u32)(x >> 40) & mask & ~1u) | in;        \
			dst = ((u32)(x >> 52) & mask & ~1u) | (in ^ 1);  \
			p->frame.src.host = (u16)src;                    \
			p->frame.dst.host = (u16)dst;                    \
			WRITTEN();                                       \
			p->sum += decision;                              \
		}                                                        \
		p->state = x;                                            \
		return (int)p->sum;                                      \
	}

FRAMES(make, BRIDGE_FRAMES, in)
FRAMES(bridge, BRIDGE_FRAMES, decide(&p->frame, in))
FRAMES(bridge_one, 1, decide(&p->frame, in))
