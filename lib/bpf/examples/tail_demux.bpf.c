/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One small program per kind of frame, and a first one that jumps to the right
 * one: tail calls. A tail call never comes back; if the slot is empty, the
 * program goes on behind it. The loader fills the slots named in the map's
 * definition; others can be put there later, while traffic flows:
 *
 *	gebpf map update name handlers key u32 3 value id 17
 */
#include <linux/if_ether.h>

#include "bpf_endian.h"
#include "bpf_helpers.h"
#include "vale.h"

enum { HANDLE_IP, HANDLE_IPV6, HANDLE_ARP, HANDLERS = 8 };

int on_ip(struct vale_bpf_md *ctx);
int on_ipv6(struct vale_bpf_md *ctx);
int on_arp(struct vale_bpf_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, HANDLERS);
	__type(key, __u32);
	__array(values, int(struct vale_bpf_md *));
} handlers SEC(".maps") = {
	.values = {
		[HANDLE_IP] = on_ip,
		[HANDLE_IPV6] = on_ipv6,
		[HANDLE_ARP] = on_arp,
	},
};

SEC("vale")
int tail_demux(struct vale_bpf_md *ctx)
{
	struct ethhdr *eth = ctx->data;

	if ((void *)(eth + 1) > ctx->data_end)
		return VALE_BPF_DROP;
	switch (bpf_ntohs(eth->h_proto)) {
	case ETH_P_IP:
		bpf_tail_call(ctx, &handlers, HANDLE_IP);
		break;
	case ETH_P_IPV6:
		bpf_tail_call(ctx, &handlers, HANDLE_IPV6);
		break;
	case ETH_P_ARP:
		bpf_tail_call(ctx, &handlers, HANDLE_ARP);
		break;
	}
	/* Nobody took it. */
	return VALE_BPF_DROP;
}

/* IPv4 goes to port 1, or back to 0 if it came from there. */
SEC("vale")
int on_ip(struct vale_bpf_md *ctx)
{
	return ctx->ingress_port == 1 ? 0 : 1;
}

/* IPv6 goes to port 2. */
SEC("vale")
int on_ipv6(struct vale_bpf_md *ctx)
{
	return ctx->ingress_port == 2 ? 0 : 2;
}

/* Everybody must hear who has which address. */
SEC("vale")
int on_arp(struct vale_bpf_md *ctx)
{
	return VALE_BPF_BROADCAST;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
