/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One program for each answer that a switch may get; tests/guest/vale.sh.
 */
#include "bpf_helpers.h"
#include "vale.h"

SEC("vale") int to_1(struct vale_bpf_md *md) { return 1; }
SEC("vale") int to_2(struct vale_bpf_md *md) { return 2; }
SEC("vale") int to_nobody(struct vale_bpf_md *md) { return 255; }
SEC("vale") int nonsense(struct vale_bpf_md *md) { return 65537; }
SEC("vale") int to_ring(struct vale_bpf_md *md) { md->ring_nr = 200; return 1; }
SEC("vale") int to_all(struct vale_bpf_md *md) { md->ring_nr = 9; return 254; }
SEC("vale") int back(struct vale_bpf_md *md) { return md->ingress_port; }

/* What the test wants: key 0 the port, key 1 the ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} choice SEC(".maps");

SEC("vale")
int chosen(struct vale_bpf_md *md)
{
	__u32 key = 0, *port, *ring;

	port = bpf_map_lookup_elem(&choice, &key);
	key = 1;
	ring = bpf_map_lookup_elem(&choice, &key);
	if (!port || !ring)
		return 255;
	md->ring_nr = *ring;
	return *port;
}

/* What the last frame looked like, and the longest of all. */
struct seen {
	__u32 frames, len, longest, port, ring, sum;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

/* The same, for those who want to know what a program is shown. */
SEC("vale")
int look(struct vale_bpf_md *md)
{
	__u32 key = 0, *port, *ring, i;
	__u8 *data = md->data;
	struct seen *s;

	port = bpf_map_lookup_elem(&choice, &key);
	s = bpf_map_lookup_elem(&seen, &key);
	key = 1;
	ring = bpf_map_lookup_elem(&choice, &key);
	if (!port || !ring || !s)
		return 255;
	s->frames++;
	s->len = (__u8 *)md->data_end - data;
	if (s->len > s->longest)
		s->longest = s->len;
	s->port = md->ingress_port;
	s->ring = md->ring_nr;
	s->sum = 0;
	if (data + 14 <= (__u8 *)md->data_end)
		for (i = 0; i < 14; i++)
			s->sum += (i + 1) * data[i];
	if (*ring < 256)
		md->ring_nr = *ring;
	return *port;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
