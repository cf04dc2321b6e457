/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A learning bridge with the table of the first vale-bpf: a per-CPU array,
 * indexed by a hash of the address. Each CPU learns for itself, so nothing is
 * shared and nothing waits; addresses with the same hash displace each other.
 */
#include "bpf_helpers.h"
#include "vale.h"

enum { TABLE_SIZE = 1024 };

struct entry {
	__u64 mac; /* six bytes, the rest zero; 0: unused */
	__u32 port;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TABLE_SIZE);
	__type(key, __u32);
	__type(value, struct entry);
} table SEC(".maps");

/* Six bytes as one number, the first one lowest. */
static __always_inline __u64 mac_of(const __u8 *p)
{
	return (__u64)p[0] | (__u64)p[1] << 8 | (__u64)p[2] << 16 |
	       (__u64)p[3] << 24 | (__u64)p[4] << 32 | (__u64)p[5] << 40;
}

/* Multiply by a large odd number; the best mixed bits are the upper ones. */
static __always_inline __u32 slot_of(__u64 mac)
{
	return (mac * 0x9e3779b97f4a7c15ULL) >> 54 & (TABLE_SIZE - 1);
}

SEC("vale")
int l2_percpu(struct vale_bpf_md *ctx)
{
	const __u8 *frame = ctx->data;
	struct entry *entry;
	__u64 src, dst;
	__u32 slot;

	if ((void *)(frame + 14) > ctx->data_end)
		return VALE_BPF_DROP;
	dst = mac_of(frame);
	src = mac_of(frame + 6);

	/* The lowest bit of the first byte marks addresses of groups. */
	if ((src & 1) == 0) {
		slot = slot_of(src);
		entry = bpf_map_lookup_elem(&table, &slot);
		if (entry != NULL) {
			entry->mac = src;
			entry->port = ctx->ingress_port;
		}
	}

	if (dst & 1)
		return VALE_BPF_BROADCAST;
	slot = slot_of(dst);
	entry = bpf_map_lookup_elem(&table, &slot);
	if (entry == NULL || entry->mac != dst)
		return VALE_BPF_BROADCAST;
	if (entry->port == ctx->ingress_port)
		return VALE_BPF_DROP;
	return entry->port;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
