# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Control flow from C: callbacks of bpf_loop and bpf_for_each_map_elem, a global
# function, branches on read-only data.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() { device_clear; }

@test "callbacks, global functions and constants from C, in both engines" {
	cat >"$BATS_TEST_TMPDIR/flow.bpf.c" <<-'P'
	#include "bpf_helpers.h"
	const volatile int debug = 0;
	const volatile int times = 7;
	struct state { __u64 sum; __u32 n; };
	struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
	static long add(__u32 i, void *ctx)
	{
		struct state *s = ctx;
		s->sum += i; s->n++;
		return s->n >= 1000;
	}
	static long each(void *map, __u32 *key, __u64 *value, struct state *s)
	{
		s->sum += *key + *value;
		return 0;
	}
	__noinline int twice(struct state *s, int x)
	{
		if (!s)
			return 0;
		s->sum += x;
		return x * 2;
	}
	SEC("xdp") int prog(struct xdp_md *ctx)
	{
		struct state s = {};
		__u32 k = 5; __u64 v = 100;
		if (debug) { /* resolved: never there */
			volatile char *p = (void *)8;
			return *p;
		}
		bpf_map_update_elem(&counts, &k, &v, 0);
		k = 6;
		bpf_map_update_elem(&counts, &k, &v, 0);
		bpf_loop(times, add, &s, 0);            /* 21 */
		bpf_for_each_map_elem(&counts, each, &s, 0); /* 211 */
		return s.sum + twice(&s, s.n);   /* 232 + 14 */
	}
	char LICENSE[] SEC("license") = "GPL";
	P
	head -c 64 /dev/zero >"$BATS_TEST_TMPDIR/frame"
	run -0 gebpf prog run "$BATS_TEST_TMPDIR/flow.bpf.c" \
		data_in "$BATS_TEST_TMPDIR/frame" expect 246
	run -0 gebpf prog run "$BATS_TEST_TMPDIR/flow.bpf.c" \
		data_in "$BATS_TEST_TMPDIR/frame" expect 246 interp
	run -0 gebpf prog verify "$BATS_TEST_TMPDIR/flow.bpf.c"
	[[ $output == *"accepted"*"twice"* ]]
}

@test "spin locks: counted from C, in both engines, by two at once" {
	cat >"$BATS_TEST_TMPDIR/lock.bpf.c" <<-'P'
	#include "bpf_helpers.h"
	struct account { struct bpf_spin_lock lock; __u32 pad; __u64 in, out; };
	struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, struct account); } accounts SEC(".maps");
	SEC("xdp") int move(struct xdp_md *ctx)
	{
		struct account empty = {}, *a;
		__u32 k = 1;
		bpf_map_update_elem(&accounts, &k, &empty, BPF_NOEXIST);
		a = bpf_map_lookup_elem(&accounts, &k);
		if (!a)
			return 0;
		bpf_spin_lock(&a->lock);
		a->in += 3;
		a->out += 1;
		bpf_spin_unlock(&a->lock);
		return a->in == 3 * a->out;
	}
	char LICENSE[] SEC("license") = "GPL";
	P
	head -c 64 /dev/zero >"$BATS_TEST_TMPDIR/frame"
	gebpf -q prog load "$BATS_TEST_TMPDIR/lock.bpf.c" m
	run -0 gebpf prog run m data_in "$BATS_TEST_TMPDIR/frame" repeat 500 expect 1
	run -0 gebpf prog run m data_in "$BATS_TEST_TMPDIR/frame" repeat 500 expect 1 interp
	run -0 gebpf -j map lookup name accounts key 1
	is 'v["formatted"]["value"]["in"] == 3000 and v["formatted"]["value"]["out"] == 1000'
	# two at once, in the kernel on a processor each
	gebpf -q prog run m data_in "$BATS_TEST_TMPDIR/frame" repeat 5000 3>&- &
	gebpf -q prog run m data_in "$BATS_TEST_TMPDIR/frame" repeat 5000
	wait $!
	run -0 gebpf -j map lookup name accounts key 1
	is 'v["formatted"]["value"]["in"] == 33000 and v["formatted"]["value"]["out"] == 11000'
}
