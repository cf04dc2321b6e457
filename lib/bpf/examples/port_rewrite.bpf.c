/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Changes the destination port of UDP packets by a table, and sends every
 * frame to the other one of two ports: a service moves, its clients need not
 * know.
 *
 *	gebpf map update name moved key u16 53 value u16 5353
 *
 * Ports in the table are in host byte order, as people write them. The UDP
 * checksum is corrected for the one changed word (RFC 1624), not recomputed.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "bpf_endian.h"
#include "bpf_helpers.h"
#include "vale.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u16);
	__type(value, __u16);
} moved SEC(".maps");

/* The checksum after one 16-bit word of what it covers has changed. */
static __always_inline __u16 checksum_after(__u16 sum, __u16 old, __u16 new)
{
	__u32 s = (__u16)~sum + (__u32)(__u16)~old + new;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	s = (__u16)~s;
	return s != 0 ? s : 0xffff; /* 0 would mean "no checksum" */
}

SEC("vale")
int port_rewrite(struct vale_bpf_md *ctx)
{
	void *end = ctx->data_end;
	struct ethhdr *eth = ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp;
	__u16 port, *to, new;
	int out = ctx->ingress_port ^ 1;

	if (ctx->ingress_port > 1)
		return VALE_BPF_DROP;
	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    ip->protocol != 17 || ip->ihl < 5)
		return out;
	/* Only the first fragment has a UDP header. */
	if (ip->frag_off & bpf_htons(0x1fff))
		return out;
	udp = (void *)ip + ip->ihl * 4;
	if ((void *)(udp + 1) > end)
		return out;

	port = bpf_ntohs(udp->dest);
	to = bpf_map_lookup_elem(&moved, &port);
	if (to == NULL)
		return out;
	new = bpf_htons(*to);
	if (udp->check != 0)
		udp->check = checksum_after(udp->check, udp->dest, new);
	udp->dest = new;
	return out;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
