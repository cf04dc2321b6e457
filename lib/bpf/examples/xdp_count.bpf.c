/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An XDP program that also loads on Linux as it is: counts frames by their
 * type in a per-CPU array, drops what is too short, passes the rest.
 *
 *	gebpf prog load xdp_count.bpf.o      here
 *	bpftool prog load xdp_count.bpf.o /sys/fs/bpf/count      on Linux
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include "bpf_endian.h"
#include "bpf_helpers.h"

enum { IPV4, IPV6, ARP, OTHER, SHORT, KINDS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void count(__u32 kind)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &kind);

	if (n != NULL)
		(*n)++;
}

SEC("xdp")
int xdp_count(struct xdp_md *ctx)
{
	/* The context holds addresses as 32-bit numbers; loads widen them. */
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end) {
		count(SHORT);
		return XDP_DROP;
	}
	switch (bpf_ntohs(eth->h_proto)) {
	case ETH_P_IP:
		count(IPV4);
		break;
	case ETH_P_IPV6:
		count(IPV6);
		break;
	case ETH_P_ARP:
		count(ARP);
		break;
	default:
		count(OTHER);
		break;
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
