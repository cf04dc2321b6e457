# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What the verifier tells: why a program is refused, in words and as JSON, and
# what the proof of an accepted one took.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() { device_clear; }

# A frame that is read too far, in a function of its own.
far_source() {
	cat >"$DIR/far.bpf.c" <<'C'
#include "bpf_helpers.h"
static __attribute__((noinline)) int last(unsigned char *data)
{
	return data[20];
}
SEC("xdp") int far(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	if (data + 14 > (unsigned char *)(long)ctx->data_end)
		return XDP_DROP;
	return last(data);
}
char _license[] SEC("license") = "GPL";
C
}

@test "the source line, registers and where they come from, the path, the fix" {
	far_source
	run -4 --separate-stderr gebpf prog verify "$DIR/far.bpf.c"
	[[ $output == *"rejected: the access needs 21 bytes at r1; 14 are proven"* ]]
	[[ $output == *"--> $DIR/far.bpf.c:4:"*"4 |     return data[20];"*"^"* ]]
	[[ $output == *"in last, called at "*"far.bpf.c:11: return last(data);"* ]]
	[[ $output == *"r1: packet, 14 bytes proven"* ]]
	[[ $output == *"learned from "*", not taken   (far.bpf.c:9: if (data + 14"* ]]
	[[ $output == *"set by "*"(far.bpf.c:8: unsigned char *data"* ]]
	[[ $output == *"the path that led there:"* ]]
	[[ $output == *"rule PACKET_BOUNDS: "*"fix: "*"if (data + 21 > data_end)"* ]]
	[[ $stderr == *"Error: "*"far.bpf.c:4: the access needs 21 bytes"* ]]
	[[ $stderr == *"Hint: "*"if (data + 21 > data_end)"* ]]
}

@test "a failed load says the same" {
	far_source
	run -4 --separate-stderr gebpf prog load "$DIR/far.bpf.c"
	[ -z "$output" ]
	[[ $stderr == *"4 |     return data[20];"*"r1: packet, 14 bytes"*"fix: "* ]]
	run -4 --separate-stderr gebpf -j prog load "$DIR/far.bpf.c"
	is 'v["code"] == "EREJECTED" and "data + 21" in v["hint"]'
	is 'v["rejection"]["source"]["line"] == 4'
	is 'v["rejection"]["registers"][0]["name"] == "r1"'
	run -0 gebpf -j prog show
	[ "$output" = "[]" ]
	run -0 gebpf -j btf show
	[ "$output" = "[]" ]
}

@test "records, locks, arguments and callbacks: what would mend it" {
	cat >"$DIR/mend.bpf.c" <<'C'
#include <linux/bpf.h>
#include "bpf_helpers.h"
struct locked {
	struct bpf_spin_lock lock;
	__u32 n;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} values SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
__attribute__((noinline)) int first(__u32 *p) { return *p; }
SEC("xdp") int late(struct xdp_md *ctx)
{
	__u64 *r = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!r)
		return 0;
	*r = 1;
	bpf_ringbuf_submit(r, 0);
	return *(volatile __u64 *)r;
}
SEC("xdp") int pick(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct locked *v = bpf_map_lookup_elem(&values, &key);

	if (v)
		*(volatile __u32 *)&v->lock = 1;
	return 0;
}
SEC("xdp") int pass(struct xdp_md *ctx)
{
	__u32 one = 1;

	return first(&one);
}
char LICENSE[] SEC("license") = "GPL";
C
	run -4 --separate-stderr gebpf -j prog verify "$DIR/mend.bpf.c"
	is '[p["rule"] for p in v] == ["UNINIT", "MAP_USE", "NULL_CHECK"]'
	is '"gave away what it pointed to" in v[0]["hint"]'
	is '"4 bytes at 0 to bpf_spin_lock()" in v[1]["hint"]'
	is '"if (!argument) return" in v[2]["hint"]'
}

@test "as JSON and YAML" {
	far_source
	run -4 --separate-stderr gebpf -j prog verify file "$DIR/far.bpf.c" prog far
	is 'v["verdict"] == "rejected" and v["rule"] == "PACKET_BOUNDS"'
	is 'v["message"].startswith("the access needs 21 bytes")'
	is 'v["source"]["file"].endswith("far.bpf.c") and v["source"]["line"] == 4'
	is 'v["source"]["text"] == "return data[20];" and v["source"]["column"] > 0'
	is 'v["instruction"].startswith("r0 = *(u8 *)(r1 +20)")'
	is 'v["frames"][0]["function"] == "last" and v["frames"][0]["called_at"]["source"]["line"] == 11'
	is '[r["known"] for r in v["registers"]] == ["packet, 14 bytes proven"]'
	is 'any(s.get("taken") is False and s["source"]["line"] == 9 for s in v["registers"][0]["since"])'
	is 'v["path"][-1]["taken"] is False and v["path"][-1]["times"] == 1'
	is '"data + 21" in v["hint"] and v["path_length"] > 3'
	run -4 --separate-stderr gebpf --yaml prog verify "$DIR/far.bpf.c"
	[[ $output == *"rule: PACKET_BOUNDS"*"registers:"*"name: r1"* ]]
}

@test "an accepted program: what the proof took, the stack of each function" {
	run -0 gebpf prog verify "$examples/l2_bridge.bpf.o"
	[[ $output == *"accepted  insns "*"processed "*"states "*"peak "*"stack "*"memory "*"time "*us* ]]
	[[ $output == *"stack of functions: l2_bridge 16B"* ]]
	run -0 gebpf -j prog verify file "$examples/globals.bpf.o" prog globals
	is 'v["verdict"] == "accepted" and v["insns_processed"] >= v["insns"]'
	is '"globals" in [f["name"] for f in v["functions"]]'
	is 'all(f["stack"] <= f["stack_total"] <= 512 for f in v["functions"])'
	gebpf prog load "$examples/l2_bridge.bpf.o"
	run -0 gebpf -j prog verify l2_bridge
	is 'v["functions"][0]["name"] == "l2_bridge"'
}

@test "-d: the states at each source line; with explain at every step" {
	run -0 gebpf -d prog verify "$examples/acl.bpf.o"
	[[ $output == *"; acl.bpf.c:"*"r1 = context"* ]]
	few=${#lines[@]}
	run -0 gebpf prog verify "$examples/acl.bpf.o" explain
	[ "${#lines[@]}" = "$few" ]
	run -0 gebpf -d prog verify "$examples/acl.bpf.o" explain
	[ "${#lines[@]}" -gt "$few" ]
}

@test "a limit of the device is named" {
	cat >"$DIR/long.bpf.c" <<'C'
#include "bpf_helpers.h"
SEC("xdp") int forever(struct xdp_md *ctx)
{
	volatile int sum = 0;
	for (int i = 0; i < 1000000; i++)
		sum += i;
	return sum;
}
C
	GEBPF_TARGET=local GEBPF_DEVICE_OPTIONS="insns_processed=20000" \
		run -4 --separate-stderr gebpf -j prog verify file "$DIR/long.bpf.c" prog forever
	is 'v["limit"] == {"name": "insns_processed", "value": 20000}'
	is 'v["rule"] == "COMPLEXITY" and v["loop"]["times"] > 100'
	is '"insns_processed" in v["message"] and "insns_processed" in v["hint"]'
	GEBPF_TARGET=local GEBPF_DEVICE_OPTIONS="verify_memory=20000" \
		run -4 --separate-stderr gebpf -j prog verify file "$DIR/long.bpf.c" prog forever
	is 'v["limit"] == {"name": "verify_memory", "value": 20000}'
}
