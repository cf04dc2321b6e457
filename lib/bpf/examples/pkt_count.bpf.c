/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Counts packets and bytes by protocol, and sends every frame to all ports.
 * Each CPU has its own counters, so counting costs no shared cache line;
 * "map dump" shows one value per CPU.
 *
 *	gebpf map dump name by_protocol
 *	gebpf map dump name by_ethertype
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "bpf_endian.h"
#include "bpf_helpers.h"
#include "vale.h"

struct count {
	__u64 packets;
	__u64 bytes;
};

/* The protocol number of the IP header is the index: 6 TCP, 17 UDP... */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct count);
} by_protocol SEC(".maps");

/* Types of frames are sparse, so these are in a hash. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u16);
	__type(value, struct count);
} by_ethertype SEC(".maps");

static __always_inline void add(struct count *count, __u64 bytes)
{
	count->packets++;
	count->bytes += bytes;
}

SEC("vale")
int pkt_count(struct vale_bpf_md *ctx)
{
	void *end = ctx->data_end;
	struct ethhdr *eth = ctx->data;
	__u64 len = ctx->data_end - ctx->data;
	struct count *count, first = { 1, len };
	__u32 protocol;
	__u16 type;

	if ((void *)(eth + 1) > end)
		return VALE_BPF_DROP;

	type = bpf_ntohs(eth->h_proto);
	count = bpf_map_lookup_elem(&by_ethertype, &type);
	if (count != NULL)
		add(count, len);
	else
		bpf_map_update_elem(&by_ethertype, &type, &first,
				    BPF_NOEXIST);

	if (type == ETH_P_IP) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return VALE_BPF_BROADCAST;
		protocol = ip->protocol;
	} else if (type == ETH_P_IPV6) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > end)
			return VALE_BPF_BROADCAST;
		protocol = ip6->nexthdr;
	} else {
		return VALE_BPF_BROADCAST;
	}
	count = bpf_map_lookup_elem(&by_protocol, &protocol);
	if (count != NULL)
		add(count, len);
	return VALE_BPF_BROADCAST;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
