/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An access list: connections that are in the table are dropped, everything
 * else passes between two ports. A connection is a 5-tuple of IPv4: addresses,
 * ports, protocol. The value counts what was dropped.
 *
 *	gebpf map update name denied key '{saddr=ip 10.0.0.1,daddr=ip 10.0.0.2,
 *		sport=be16 4000,dport=be16 80,protocol=6}' value u64 0
 *
 * Addresses and ports are in network byte order, as they are in the packet.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>

#include "bpf_endian.h"
#include "bpf_helpers.h"
#include "vale.h"

struct flow {
	__be32 saddr, daddr;
	__be16 sport, dport;
	__u8 protocol;
	__u8 pad[3]; /* a key is compared byte by byte: keep it zero */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow);
	__type(value, __u64);
} denied SEC(".maps");

/* TCP and UDP both begin with these. */
struct ports {
	__be16 source, dest;
};

SEC("vale")
int acl(struct vale_bpf_md *ctx)
{
	void *end = ctx->data_end;
	struct ethhdr *eth = ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct flow flow = {};
	struct ports *ports;
	__u64 *hits;
	int out = ctx->ingress_port ^ 1;

	if (ctx->ingress_port > 1 || (void *)(eth + 1) > end)
		return VALE_BPF_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return out;
	/* What cannot be read cannot be allowed. */
	if ((void *)(ip + 1) > end || ip->ihl < 5)
		return VALE_BPF_DROP;

	flow.saddr = ip->saddr;
	flow.daddr = ip->daddr;
	flow.protocol = ip->protocol;
	if ((ip->protocol == 6 || ip->protocol == 17) &&
	    !(ip->frag_off & bpf_htons(0x1fff))) {
		ports = (void *)ip + ip->ihl * 4;
		if ((void *)(ports + 1) > end)
			return VALE_BPF_DROP;
		flow.sport = ports->source;
		flow.dport = ports->dest;
	}

	hits = bpf_map_lookup_elem(&denied, &flow);
	if (hits == NULL)
		return out;
	__sync_fetch_and_add(hits, 1);
	return VALE_BPF_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
