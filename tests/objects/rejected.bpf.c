/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Well-formed, and wrong: the verifier must say where. */
#include "bpf_helpers.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

const volatile int limit = 7;

SEC("xdp") int unchecked(struct xdp_md *ctx)
{
	__u32 key = limit;
	__u64 *value = bpf_map_lookup_elem(&numbers, &key);

	return *value; /* line 19: may be null */
}
char LICENSE[] SEC("license") = "GPL";
