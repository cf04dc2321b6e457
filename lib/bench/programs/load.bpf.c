/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs for suite load, never run there: headers taken apart as programs do
 * it, every access behind a comparison. parser reads headers of fixed lengths;
 * paths skips tags, options and extensions, so that many ways lead through it.
 * Both have some two hundred instructions.
 */
#include "bench/programs/program.h"

struct flow {
	u32 src[4], dst[4];
	u16 sport, dport;
	u8 proto, kind;
	u16 vlan;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, u64[2]);
} flows SEC(".maps");

#define U16(p) ((u16)((p)[0] << 8 | (p)[1]))
#define NEED(n)            \
	if (at + (n) > end) \
		return -1

static __always_inline int
ports(u8 *at, u8 *end, struct flow *flow)
{
	switch (flow->proto) {
	case 6:
		NEED(20);
		if (at[12] >> 4 < 5 || at[13] == 0)
			return -1;
		break;
	case 17:
		NEED(8);
		if (U16(at + 4) < 8)
			return -1;
		break;
	default:
		return 0;
	}
	flow->sport = U16(at);
	flow->dport = U16(at + 2);
	return 0;
}

static __always_inline int
ipv4(u8 *at, u8 *end, struct flow *flow)
{
	u32 len;

	NEED(20);
	len = (at[0] & 15) * 4;
	if (at[0] >> 4 != 4 || len < 20 || U16(at + 2) < len)
		return -1;
	flow->kind = 4;
	flow->proto = at[9];
	flow->src[0] = *(u32 *)(at + 12);
	flow->dst[0] = *(u32 *)(at + 16);
	if (U16(at + 6) & 0x1fff)
		return 0; /* a later fragment has no ports */
	return ports(at + len, end, flow);
}

static __always_inline int
ipv6(u8 *at, u8 *end, struct flow *flow)
{
	u32 len = 40;

	NEED(40);
	if (at[0] >> 4 != 6)
		return -1;
	flow->kind = 6;
	flow->proto = at[6];
	for (int i = 0; i < 4; i++) {
		flow->src[i] = ((u32 *)(at + 8))[i];
		flow->dst[i] = ((u32 *)(at + 24))[i];
	}
	if (flow->proto == 0 || flow->proto == 43 || flow->proto == 60) {
		NEED(48);
		flow->proto = at[40];
		len = 48 + at[41] * 8;
	}
	return ports(at + len, end, flow);
}

BENCH(paths)
{
	u8 *at = START(ctx), *end = END(ctx);
	struct flow flow = { .kind = 0 };
	u64 *count, one[2] = { 1, 0 };
	u16 type;
	int error;

	NEED(14);
	type = U16(at + 12);
	at += 14;
#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		if (type != 0x8100 && type != 0x88a8)
			break;
		NEED(4);
		flow.vlan = U16(at) & 0xfff;
		type = U16(at + 2);
		at += 4;
	}
	if (type == 0x0800)
		error = ipv4(at, end, &flow);
	else if (type == 0x86dd)
		error = ipv6(at, end, &flow);
	else
		return 0;
	if (error)
		return 2;
	one[1] = END(ctx) - START(ctx);
	count = bpf_map_lookup_elem(&flows, &flow);
	if (!count) {
		bpf_map_update_elem(&flows, &flow, one, BPF_NOEXIST);
		return 0;
	}
	__sync_fetch_and_add(&count[0], 1);
	__sync_fetch_and_add(&count[1], one[1]);
	return 0;
}

/* TCP, UDP or ICMP at a known place. */
static __always_inline int
transport(u8 *at, u8 *end, struct flow *flow)
{
	switch (flow->proto) {
	case 6:
		NEED(20);
		if (at[12] >> 4 < 5)
			return -1;
		flow->sport = U16(at);
		flow->dport = U16(at + 2);
		flow->vlan = U16(at + 14);
		return 0;
	case 17:
		NEED(8);
		if (U16(at + 4) < 8)
			return -1;
		flow->sport = U16(at);
		flow->dport = U16(at + 2);
		return 0;
	case 1:
	case 58:
		NEED(8);
		flow->sport = U16(at + 4);
		flow->dport = at[0];
		return 0;
	}
	return -1;
}

BENCH(parser)
{
	u8 *at = START(ctx), *end = END(ctx);
	struct flow flow = { .kind = 0 };
	u64 *count;

	NEED(14);
	if (U16(at + 12) == 0x0800) {
		at += 14;
		NEED(20);
		if (at[0] != 0x45 || U16(at + 6) & 0x3fff)
			return 2;
		flow.kind = 4;
		flow.proto = at[9];
		flow.src[0] = *(u32 *)(at + 12);
		flow.dst[0] = *(u32 *)(at + 16);
		if (transport(at + 20, end, &flow))
			return 2;
	} else if (U16(at + 12) == 0x86dd) {
		at += 14;
		NEED(40);
		if (at[0] >> 4 != 6)
			return 2;
		flow.kind = 6;
		flow.proto = at[6];
		for (int i = 0; i < 4; i++) {
			flow.src[i] = ((u32 *)(at + 8))[i];
			flow.dst[i] = ((u32 *)(at + 24))[i];
		}
		if (transport(at + 40, end, &flow))
			return 2;
	} else {
		return 0;
	}
	count = bpf_map_lookup_elem(&flows, &flow);
	if (count)
		count[0]++;
	return 0;
}
