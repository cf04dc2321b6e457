/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What must be given back: a lock, a record; and maps found in maps. */
#include "bpf_helpers.h"

struct account {
	__u64 count;
	struct bpf_spin_lock lock;
	__u32 last;
};
struct event {
	__u64 count;
	__u32 last;
	__u32 cpu;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct account);
} accounts SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct account);
} inner SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { (void *)&inner },
};

static struct bpf_spin_lock global_lock SEC(".data.locked");
static __u64 global_count SEC(".data.locked");

static __always_inline __u32 deposit(struct account *account, __u32 by)
{
	__u32 count;

	bpf_spin_lock(&account->lock);
	account->count += by;
	account->last = by;
	count = (__u32)account->count;
	bpf_spin_unlock(&account->lock);
	return count;
}

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 key = 0, sum = 0, cpu = bpf_get_smp_processor_id();
	struct account none = { 0 }, *account;
	struct event *event;
	__u64 *run;
	void *map;

	bpf_map_update_elem(&accounts, &key, &none, BPF_NOEXIST);
	account = bpf_map_lookup_elem(&accounts, &key);
	if (!account)
		return 1;
	sum = deposit(account, 3);
	sum += deposit(account, 4);

	map = bpf_map_lookup_elem(&outer, &key);
	if (!map)
		return 2;
	account = bpf_map_lookup_elem(map, &key);
	if (!account)
		return 3;
	sum += deposit(account, 5);

	bpf_spin_lock(&global_lock);
	global_count++;
	sum += global_count;
	bpf_spin_unlock(&global_lock);

	run = bpf_map_lookup_elem(&runs, &key);
	if (run)
		*run = 7;
	run = bpf_map_lookup_percpu_elem(&runs, &key, cpu);
	sum += run ? *run : 0;
	if (bpf_map_lookup_percpu_elem(&runs, &key, 1u << 20))
		return 4;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 5;
	event->count = sum;
	event->last = key;
	event->cpu = cpu;
	if (sum == 12345) {
		bpf_ringbuf_discard(event, 0);
		return 6;
	}
	bpf_ringbuf_submit(event, 0);
	return sum;
}
char LICENSE[] SEC("license") = "GPL";
