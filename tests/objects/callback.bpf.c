/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A function's address: two callbacks, one behind the other. */
#include "bpf_helpers.h"

static long first(__u32 index, void *ctx)
{
	return index > 3;
}
static long second(__u32 index, void *ctx)
{
	return 0;
}
SEC("xdp") int prog(struct xdp_md *ctx)
{
	return bpf_loop(5, first, NULL, 0) + bpf_loop(6, second, NULL, 0);
}
char LICENSE[] SEC("license") = "GPL";
