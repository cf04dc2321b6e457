# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Records from programs: gebpf map event_pipe on both kinds of maps, in all
# styles, before and while they come, and how it ends. Redirects in prog run.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() { device_clear; }

# 16 bytes: to 00.., from 02:00:00:00:00:07, IPv4
frame=hex:000000000001020000000007080045aa

@test "ringbuf: records that are there, typed in JSON" {
	gebpf prog load "$examples/events.bpf.o" prog note
	run -0 gebpf prog run note data_in $frame repeat 3
	[[ $output == "Return value: 2,"* ]]
	run -0 gebpf map event_pipe notes count 1
	[ "$output" = "== 12 bytes =====
10 00 00 00 00 08 02 00  00 00 00 07" ]
	run -0 gebpf -j map events name notes count 1
	is 'v["type"] == 9 and v["data"][:5] == ["0x10","0x00","0x00","0x00","0x00"]'
	is 'v["formatted"]["value"]["len"] == 16 and v["formatted"]["value"]["proto"] == 0x800'
	is 'len(v["formatted"]["value"]["source"]) == 6 or v["formatted"]["value"]["source"]'
	run -0 gebpf -j map event_pipe notes duration 0
	is 'v["formatted"]["value"]["len"] == 16'
	# each goes to one reader: nothing is left
	run -0 gebpf map event_pipe notes duration 0
	[ -z "$output" ]
	run -0 --separate-stderr gebpf -j map event_pipe notes duration 0
	[ -z "$output" ]
}

@test "ringbuf: a full ring loses what comes, not what is there" {
	gebpf prog load "$examples/events.bpf.o" prog note
	gebpf prog run note data_in $frame repeat 1000 >/dev/null
	run -0 gebpf map event_pipe notes duration 0
	# 8 + 12 bytes, rounded up to 24, of 4096 less the last 8
	[ "$(grep -c == <<<"$output")" = 170 ]
}

@test "ringbuf: more records than one reply holds" {
	cat >"$BATS_TEST_TMPDIR/many.bpf.c" <<-'P'
		#include <linux/bpf.h>
		#include "bpf_helpers.h"
		struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 1 << 20);
		} many SEC(".maps");
		SEC("xdp") int emit(struct xdp_md *ctx)
		{
			__u64 word = 1;

			return bpf_ringbuf_output(&many, &word, 8, 0);
		}
	P
	gebpf prog load "$BATS_TEST_TMPDIR/many.bpf.c"
	run -0 gebpf prog run emit data_in $frame repeat 30000
	[[ $output == "Return value: 0,"* ]]
	gebpf map event_pipe many duration 0 >"$BATS_TEST_TMPDIR/out"
	[ "$(grep -c == "$BATS_TEST_TMPDIR/out")" = 30000 ]
}

@test "perf_event_array: bpftool's lines and members, packet bytes" {
	gebpf prog load "$examples/events.bpf.o" prog sample
	gebpf prog run sample data_in $frame >/dev/null
	gebpf prog run sample data_in $frame >/dev/null
	run -0 gebpf map event_pipe samples count 1
	[[ ${lines[0]} =~ ^==\ @[0-9]+\.[0-9]{9}\ CPU:\ [0-9]+\ index:\ [0-9]+\ =====$ ]]
	[ "${lines[1]}" = "10 00 00 00 00 00 00 00  00 01 02 00 00 00 00 07" ]
	[ "${lines[2]}" = "08 00 45 aa" ]
	run -0 gebpf -j map event_pipe samples duration 0
	is 'v["type"] == 9 and v["cpu"] == v["index"] and v["timestamp"] > 0'
	is 'len(v["data"]) == 20 and v["data"][19] == "0xaa"'
}

@test "perf_event_array: what was lost is told" {
	gebpf prog load "$examples/events.bpf.o" prog sample
	gebpf prog run sample data_in $frame repeat 100000 >/dev/null
	gebpf -j map event_pipe samples duration 0 >"$BATS_TEST_TMPDIR/all"
	"$PY" - "$BATS_TEST_TMPDIR/all" <<-'P'
		import json, sys
		v = [json.loads(l) for l in open(sys.argv[1])]
		data = [e for e in v if e["type"] == 9]
		lost = [e for e in v if e["type"] == 2]
		assert data and lost, "both"
		n = len(data) + sum(e["lost"]["count"] for e in lost)
		assert n == 100000, n
	P
}

@test "records that come while it waits; an interrupt ends it well" {
	gebpf prog load "$examples/events.bpf.o" prog note
	gebpf map event_pipe notes >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	gebpf prog run note data_in $frame >/dev/null
	until grep -q "00 07" "$BATS_TEST_TMPDIR/out"; do sleep 0.02; done
	kill -INT $pid
	wait $pid
	[ "$(grep -c == "$BATS_TEST_TMPDIR/out")" = 1 ]
}

@test "the device stops: an error, and soon" {
	only_embedded "stopping"
	export GEBPF_TARGET=embedded:$DIR/stopped.sock
	gebpf -q device start
	gebpf prog load "$examples/events.bpf.o" prog note
	gebpf prog run note data_in $frame >/dev/null
	gebpf map event_pipe notes >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	until grep -q "00 07" "$BATS_TEST_TMPDIR/out"; do sleep 0.02; done
	gebpf device stop
	rc=0
	wait $pid || rc=$?
	[ $rc = 5 ]
	grep -q "Error: " "$BATS_TEST_TMPDIR/out"
}

@test "in a batch it waits for nobody" {
	gebpf prog load "$examples/events.bpf.o" prog note
	gebpf prog run note data_in $frame >/dev/null
	printf '%s\n' "map event_pipe notes" "map event_pipe notes" \
		>"$BATS_TEST_TMPDIR/batch"
	run -0 gebpf -j batch file "$BATS_TEST_TMPDIR/batch"
	is 'len(v[0]["output"]) == 1 and len(v[1]["output"]) == 0'
}

@test "rings made by hand, typed; words that are wrong" {
	run -0 gebpf map create r type ringbuf entries 8192 name r
	run -0 gebpf map create p type perf_event_array name p
	run -0 gebpf map create t type ringbuf value u32 entries 4096 name t
	run -0 gebpf -j map show name t
	is 'v["bytes_value"] == 0 and v["bytes_key"] == 0 and v["btf_id"] > 0'
	run -0 gebpf -j map show name p
	is 'v["bytes_value"] == 4 and v["max_entries"] >= 1'
	fails 1 gebpf map create x type ringbuf entries 5000 name x
	fails 2 gebpf map create x type ringbuf name x
	fails 2 gebpf map create x type hash entries 4 name x
	gebpf map create h type hash key 4 value 4 entries 4 name h
	fails 1 gebpf map event_pipe h
	[[ $words == *"type hash"* ]]
	fails 2 gebpf map event_pipe r count 0
	fails 2 gebpf map event_pipe p cpu 0 index 1
	fails 1 gebpf map event_pipe p cpu 4000
	fails 3 gebpf map event_pipe nothing
	run -0 gebpf map event_pipe p cpu 0 index 0 duration 0
	[ -z "$output" ]
	fails 6 gebpf map dump r
	[[ $words == *event_pipe* ]]
	run -0 gebpf -j map dump
	is '[e["elements"] for e in v] == [[]] * 4'
}

@test "maps of an object: sizes rounded and filled in, shared by pins" {
	cat >"$BATS_TEST_TMPDIR/pins.bpf.c" <<-'P'
		#include <linux/bpf.h>
		#include "bpf_helpers.h"
		struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 5000);
			__uint(pinning, LIBBPF_PIN_BY_NAME);
		} ring SEC(".maps");
		struct {
			__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
			__type(key, int);
			__type(value, __u64);
			__uint(pinning, LIBBPF_PIN_BY_NAME);
		} perf SEC(".maps");
		SEC("xdp") int emit(struct xdp_md *ctx)
		{
			__u64 word = 0x1122;

			bpf_ringbuf_output(&ring, &word, 8, 0);
			bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU,
					      &word, 8);
			return XDP_PASS;
		}
	P
	gebpf prog load "$BATS_TEST_TMPDIR/pins.bpf.c" one
	gebpf prog load "$BATS_TEST_TMPDIR/pins.bpf.c" two
	run -0 gebpf -j map show
	is 'sorted(e["name"] for e in v) == ["perf", "ring"]'
	is '[e["max_entries"] for e in v if e["name"] == "ring"] == [8192]'
	gebpf prog run pinned one data_in $frame >/dev/null
	gebpf prog run pinned two data_in $frame >/dev/null
	run -0 gebpf map event_pipe ring duration 0
	[ "$output" = "== 8 bytes =====
22 11 00 00 00 00 00 00
== 8 bytes =====
22 11 00 00 00 00 00 00" ]
	gebpf -j map event_pipe perf count 2 >"$BATS_TEST_TMPDIR/perf"
	[ "$(grep -c '"formatted":{"value":4386}' "$BATS_TEST_TMPDIR/perf")" = 2 ]
}

@test "prog run tells where a packet would be redirected" {
	cat >"$BATS_TEST_TMPDIR/to.bpf.c" <<-'P'
		#include <linux/bpf.h>
		#include "bpf_helpers.h"
		struct {
			__uint(type, BPF_MAP_TYPE_DEVMAP);
			__uint(max_entries, 4);
			__type(key, __u32);
			__type(value, __u32);
		} ports SEC(".maps");
		SEC("xdp") int to_map(struct xdp_md *ctx)
		{
			return bpf_redirect_map(&ports, 2, XDP_PASS);
		}
		SEC("xdp/if") int to_if(struct xdp_md *ctx)
		{
			return bpf_redirect(7, 0);
		}
	P
	gebpf prog loadall "$BATS_TEST_TMPDIR/to.bpf.c" to
	run -0 gebpf -j prog run to_map data_in $frame
	is 'v["retval"] == 2 and "redirect" not in v'
	gebpf map update ports key 2 0 0 0 value 5 0 0 0
	run -0 gebpf -j prog run to_map data_in $frame
	is 'v["retval"] == 4 and v["redirect"]["key"] == 2 and v["redirect"]["value"] == 5'
	run -0 gebpf prog run to_if data_in $frame
	[ "${lines[1]}" = "Redirect: interface 7" ]
	fails 1 gebpf map update ports key 9 0 0 0 value 5 0 0 0
}
