/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Maps defined by types, in all their forms. */
#include "bpf_helpers.h"

struct key {
	__u32 a;
	__u16 b, c;
};
struct event {
	__u64 when;
	char what[24];
};
typedef struct event event_t;

static struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10);
	__type(key, struct key);
	__type(value, event_t);
} hidden SEC(".maps");
static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 12);
} hidden2 SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 5);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u64);
	__type(value, __u32);
} shared SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, int);
	__type(value, struct event);
} perf SEC(".maps");
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} one SEC(".maps"), two SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &one, [3] = &two } };
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__uint(key_size, 8);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 6);
			__type(key, __u16);
			__type(value, __u8);
		});
} outer2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
	__type(value, __u64);
} seen SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, __u64);
} waiting SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 10);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__type(value, __u64);
} routes SEC(".maps");

int other(struct xdp_md *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} jumps SEC(".maps") = { .values = { [5] = other } };

SEC("xdp") int prog(struct xdp_md *ctx)
{
	struct key key = { 1, 2, 3 };
	event_t event = { 9, "x" }, *e;
	__u32 index = 1, *n;
	__u64 wide = 77, got = 1;
	struct {
		__u32 len;
		__u8 at[4];
	} route = { 8, { 10, 0, 0, 0 } };

	/* kinds without keys, and prefixes */
	if (bpf_map_push_elem(&seen, &wide, BPF_ANY) != 0 ||
	    bpf_map_peek_elem(&seen, &wide) != 0)
		return 104;
	if (bpf_map_pop_elem(&waiting, &got) == 0 || got != 0 ||
	    bpf_map_push_elem(&waiting, &wide, BPF_ANY) != 0 ||
	    bpf_map_peek_elem(&waiting, &got) != 0 || got != 77)
		return 105;
	if (bpf_map_update_elem(&routes, &route, &wide, BPF_ANY) != 0)
		return 106;
	route.len = 32;
	route.at[3] = 9;
	if (bpf_map_lookup_elem(&routes, &route) == NULL)
		return 107;
	bpf_map_update_elem(&hidden, &key, &event, BPF_ANY);
	e = bpf_map_lookup_elem(&hidden, &key);
	if (e == NULL || e->when != 9)
		return 100;
	n = bpf_map_lookup_elem(&hidden2, &index);
	if (n == NULL)
		return 101;
	n[2] = 5;
	bpf_map_update_elem(&shared, &wide, &index, BPF_ANY);
	bpf_tail_call(ctx, &jumps, 5);
	return 102;
}
SEC("xdp") int other(struct xdp_md *ctx)
{
	__u64 wide = 77;
	__u32 *n = bpf_map_lookup_elem(&shared, &wide);

	return n != NULL ? 41 + *n : 103; /* 42 */
}
SEC("xdp/unsupported") int of_maps(struct xdp_md *ctx)
{
	__u32 index = 1;
	void *map = bpf_map_lookup_elem(&outer, &index);
	__u64 wide = 1;

	return map == NULL || bpf_map_lookup_elem(&outer2, &wide) == NULL ||
	       bpf_perf_event_output(ctx, &perf, 0, &index, 4) != 0 ||
	       bpf_ringbuf_query(&ring, 0) != 0;
}
char LICENSE[] SEC("license") = "GPL";
