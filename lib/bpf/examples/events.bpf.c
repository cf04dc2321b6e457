/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs that tell of packets: `note` writes a record with a type into a ring
 * buffer, `sample` the first bytes of the packet itself into a perf event
 * array. Both also load on Linux as they are.
 *
 *	gebpf prog loadall events.bpf.o events
 *	gebpf map event_pipe notes
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include "bpf_endian.h"
#include "bpf_helpers.h"

struct note {
	__u32 len;
	__u16 proto;
	unsigned char source[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct note);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} samples SEC(".maps");

enum { SAMPLE = 32 };

SEC("xdp/note")
int note(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct note *n;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	n = bpf_ringbuf_reserve(&notes, sizeof(*n), 0);
	if (n == NULL) /* nobody reads fast enough */
		return XDP_PASS;
	n->len = (__u32)(end - data);
	n->proto = bpf_ntohs(eth->h_proto);
	__builtin_memcpy(n->source, eth->h_source, sizeof(n->source));
	bpf_ringbuf_submit(n, 0);
	return XDP_PASS;
}

SEC("xdp/sample")
int sample(struct xdp_md *ctx)
{
	__u32 len = ctx->data_end - ctx->data;
	__u64 more = len < SAMPLE ? len : SAMPLE;

	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | more << 32,
			      &len, sizeof(len));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
