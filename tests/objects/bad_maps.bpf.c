/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Map definitions that cannot be, one by one: -DBAD=N. */
#include "bpf_helpers.h"

struct {
#if BAD != 4
	__uint(type, BPF_MAP_TYPE_HASH);
#endif
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
#if BAD == 1 /* an unknown member */
	__uint(colour, 3);
#elif BAD == 2 /* sizes that contradict */
	__uint(key_size, 8);
#elif BAD == 3 /* a member of a strange type */
	int map_flags;
#elif BAD == 4 /* no type */
#elif BAD == 5 /* a value that is not for this kind */
	__uint(map_extra, 9);
#endif
} bad
#if BAD == 6 /* a kind that nobody knows: in a record */
	;
struct bpf_map_def odd SEC("maps") = { 999, 4, 4, 4, 0 };
#define bad odd
#else
	SEC(".maps");
#endif

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&bad, &key) != NULL;
}
char LICENSE[] SEC("license") = "GPL";
