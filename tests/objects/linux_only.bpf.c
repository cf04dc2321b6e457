/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Programs that can only run inside Linux, and one that cannot be told. */
#include "bpf_helpers.h"

static long (*fib_lookup)(void *ctx, void *params, int len, __u32 flags) =
	(void *)69;
static __u64 (*get_current_pid_tgid)(void) = (void *)14;
static long (*sock_map_update)(void *ops, void *map, void *key, __u64 flags) =
	(void *)53;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100000000);
	__uint(map_flags, 1 << 13); /* one that is not known here */
	__type(key, __u64);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, 15); /* sockmap */
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct route {
	__u32 words[16];
};

SEC("xdp") int router(struct xdp_md *ctx)
{
	struct route route = { 0 };

	if (fib_lookup(ctx, &route, sizeof(route), 0) != 0)
		return XDP_DROP;
	return route.words[2] == ctx->ingress_ifindex ? XDP_TX : XDP_PASS;
}

SEC("kprobe/anything") int probe(void *ctx)
{
	__u64 id = get_current_pid_tgid(), *count;

	count = bpf_map_lookup_elem(&seen, &id);
	if (count != NULL)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&seen, &id, &id, BPF_ANY);
	return 0;
}

SEC("sockops") int connected(__u32 *ctx)
{
	__u32 key = 0;

	if (ctx[0] == 4)
		sock_map_update(ctx, &sockets, &key, BPF_ANY);
	return 1;
}

SEC("kprobe/wrong") int wrong(void *ctx)
{
	return sock_map_update(ctx, &sockets, &ctx, BPF_ANY);
}

SEC("fentry/anything") int typed(void *ctx)
{
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
