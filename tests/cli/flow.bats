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
