/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Maps as records of numbers: 20, 28, 36 bytes, and 36 with a tail. */
#include "bpf_helpers.h"

#if RECORD == 28
struct record {
	unsigned int type, key_size, value_size, max_entries, map_flags;
	unsigned int inner_map_idx, numa_node;
};
#elif RECORD == 36 || RECORD == 44
struct record {
	unsigned int type, size_key, size_value, max_elem, flags;
	unsigned int id, pinning, inner_id, inner_idx;
#if RECORD == 44
	unsigned int tail[2];
#endif
};
#else
struct record {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};
#endif

struct record first SEC("maps") = { BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0 };
struct record second SEC("maps") = {
	BPF_MAP_TYPE_HASH, 4, 4, 32, BPF_F_NO_PREALLOC,
#if RECORD == 36
	7, 2, 0, 0,
#elif RECORD == 44
	7, 16, 0, 0, { 1, 2 },
#endif
};

/* What older headers made of BPF_ANNOTATE_KV_PAIR(first, int, long). */
struct ____btf_map_first {
	int key;
	long value;
};
struct ____btf_map_first ____btf_map_first
	__attribute__((section(".maps.first"), used));

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 key = 3, *value;
	__u64 *wide = bpf_map_lookup_elem(&first, &key);

	if (wide == NULL)
		return 1;
	*wide += 40;
	bpf_map_update_elem(&second, &key, &key, BPF_ANY);
	value = bpf_map_lookup_elem(&second, &key);
	return value == NULL ? 2 : *wide + *value; /* 43, then 83... */
}
char LICENSE[] SEC("license") = "GPL";
