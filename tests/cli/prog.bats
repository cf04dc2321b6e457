# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# gebpf prog: load and its options, show, dump, run, replay, verify, unload.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() { device_clear; }

frame=hex:ffffffffffff020000000001080045000000

@test "prog load -j OBJ: default pins; show has bpftool's lines and keys" {
	run -0 gebpf prog load -j "$examples/l2_bridge.bpf.o"
	[[ $output =~ ^loaded:\ id\ [0-9]+\ \ name\ l2_bridge\ \ pinned\ l2_bridge$ ]]
	valid gebpf prog show name l2_bridge
	[[ ${lines[0]} =~ ^[0-9]+:\ vale\ \ name\ l2_bridge\ \ tag\ [0-9a-f]{16} ]]
	[[ ${lines[1]} == $'\t'"loaded_at "*"uid "* ]]
	[[ ${lines[2]} == $'\t'"xlated "*"B  jited "*"B  memlock "*"B  map_ids "* ]]
	output=$json
	is 'set(["id","type","name","tag","gpl_compatible","loaded_at","uid","bytes_xlated","jited","bytes_jited","bytes_memlock","map_ids","btf_id"]) <= set(v)'
	is 'v["jited"] is True and v["type"] == "vale" and len(v["map_ids"]) == 1'
	run -0 gebpf -jf prog show
	is 'v[0]["pinned"] == ["l2_bridge"]'
	run -0 gebpf -jf map show
	is 'v[0]["pinned"] == ["l2_bridge/" + v[0]["name"]]'
}

@test "names taken: exit 7, replace, nothing left behind" {
	gebpf prog load "$examples/l2_bridge.bpf.o"
	before=$(gebpf -jf map show)
	fails 7 gebpf prog load "$examples/l2_bridge.bpf.o"
	[[ $words == *replace* ]]
	[ "$before" = "$(gebpf -jf map show)" ]
	run -0 gebpf -j prog load "$examples/l2_bridge.bpf.o" replace
	is 'v["pinned"] == "l2_bridge" and v["maps"][0]["pinned"].startswith("l2_bridge/")'
	run -0 gebpf -j prog show
	is 'len(v) == 1'
}

@test "PIN, name, pinmaps, set, map reuse" {
	run -0 gebpf prog load "$examples/globals.bpf.o" /sys/fs/bpf/g \
		name renamed pinmaps gm set limit=60
	[[ $output == *"name renamed  pinned sys/fs/bpf/g" ]]
	run -0 gebpf -j map dump pinned gm/globals.rodata
	is 'v[0]["formatted"]["value"][".rodata"] == [{"limit": 60}]'
	fails 3 gebpf prog load "$examples/globals.bpf.o" h set nolimit=3
	fails 2 gebpf prog load "$examples/globals.bpf.o" h set limit
	fails 2 gebpf prog load "$examples/globals.bpf.o" h set limit=word
	name=$(gebpf -j prog load "$examples/l2_bridge.bpf.o" one |
		"$PY" -c 'import json,sys; print(json.load(sys.stdin)["maps"][0]["name"])')
	id=$(gebpf -j map show name "$name" | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["id"])')
	run -0 gebpf -j prog load "$examples/l2_bridge.bpf.o" two map name "$name" id "$id"
	is "v['maps'][0]['id'] == $id"
	fails 3 gebpf prog load "$examples/l2_bridge.bpf.o" three map name nosuch id "$id"
	fails 3 gebpf prog load "$examples/l2_bridge.bpf.o" three map idx 9 id "$id"
}

@test "loadall, prog NAME, types" {
	valid gebpf prog verify file "$examples/tail_demux.bpf.o"
	run -0 gebpf -j prog loadall "$examples/tail_demux.bpf.o" td pinmaps td/maps
	is 'len(v) == 4 and all(p["pinned"] == "td/" + p["name"] for p in v)'
	run -0 gebpf -q prog load "$examples/tail_demux.bpf.o" only prog on_arp
	run -0 gebpf -j prog show pinned only
	is 'v["name"] == "on_arp"'
	fails 3 gebpf prog load "$examples/tail_demux.bpf.o" x prog on_arpp
	[[ $words == *"did you mean 'on_arp'"* ]]
	fails 1 gebpf prog load "$examples/mylookup.bpf.o"
	[[ $words == *"type"* ]]
	run -0 gebpf prog load "$examples/mylookup.bpf.o" type vale_buf
	fails 2 gebpf prog load "$examples/mylookup.bpf.o" m2 type valebuf
}

@test "C source is compiled; clang's errors are shown" {
	cat >"$DIR/drop.c" <<'C'
#include "vale.h"
#include "bpf_helpers.h"
SEC("vale") int drop(struct vale_bpf_md *ctx) { return 255; }
char _license[] SEC("license") = "GPL";
C
	run -0 gebpf prog load "$DIR/drop.c"
	[[ $output == *"name drop  pinned drop" ]]
	run -0 gebpf prog run drop data_in $frame expect 255
	echo 'int x(' >"$DIR/bad.c"
	run -1 --separate-stderr gebpf -j prog load "$DIR/bad.c"
	is 'v["code"] == "EINVAL"'
	[[ $stderr == *"bad.c:1"* ]]
	GEBPF_CLANG=/nonexistent fails 6 gebpf prog load "$DIR/drop.c" d2
}

@test "a rejected program: exit 4, the C line, the rule; nothing stays" {
	cat >"$DIR/bad.bpf.c" <<'C'
#include "vale.h"
#include "bpf_helpers.h"
SEC("vale") int bad(struct vale_bpf_md *ctx)
{
	unsigned char *data = ctx->data;
	return data[0];
}
char _license[] SEC("license") = "GPL";
C
	run -4 --separate-stderr gebpf prog load "$DIR/bad.bpf.c"
	[[ $stderr == *"return data[0];"* ]]
	[[ $stderr == *"Error: "*data_end* ]]
	run -4 --separate-stderr gebpf -j prog load "$DIR/bad.bpf.c"
	is 'v["code"] == "EREJECTED" and "data_end" in v["hint"]'
	run -4 --separate-stderr gebpf -j prog verify file "$DIR/bad.bpf.c" prog bad
	is 'v["verdict"] == "rejected" and v["rule"] == "PACKET_BOUNDS"'
	run -0 gebpf -j prog show
	[ "$output" = "[]" ]
}

@test "not an object: text, empty, cut off, folder" {
	fails 1 gebpf prog load /etc/passwd
	: >"$DIR/empty.o"
	fails 1 gebpf prog load "$DIR/empty.o"
	head -c 300 "$examples/l2_bridge.bpf.o" >"$DIR/cut.o"
	fails 1 gebpf prog load "$DIR/cut.o"
	run ! gebpf prog load "$DIR"
	run -0 gebpf -j map show
	[ "$output" = "[]" ]
}

@test "dump: xlated, linum, opcodes, visual, raw, file" {
	gebpf prog load "$examples/l2_bridge.bpf.o"
	valid gebpf prog dump xlated name l2_bridge
	[[ ${lines[0]} == "int l2_bridge(struct vale_bpf_md * ctx):" ]]
	[[ $output == *$'\n; '* && $output == *"(95) exit"* ]]
	output=$json
	is 'v[0]["proto"].startswith("int l2_bridge") and "src" in v[0] and v[-1]["disasm"] == "(95) exit"'
	# as in bpftool: the source where a line begins, not with each of its
	# instructions
	is 'any("src" not in i for i in v)'
	run -0 gebpf prog dump xlated name l2_bridge linum
	[[ $output == *"[file:"*"line_num:"*"line_col:"*"]"* ]]
	valid gebpf prog dump raw name l2_bridge opcodes
	output=$json
	is 'v[0]["opcodes"]["code"].startswith("0x") and len(v[0]["opcodes"]["imm"]) == 4'
	run -0 gebpf prog dump xlated name l2_bridge visual
	[[ ${lines[0]} == 'digraph "DOT graph for eBPF program" {' ]]
	[[ $output == *'fn_0_bb_0:s -> fn_0_bb_2:n'* ]]
	if command -v dot >/dev/null; then
		printf '%s\n' "$output" | dot -Tsvg >/dev/null
	fi
	gebpf prog dump xlated name l2_bridge file "$DIR/l2.bin"
	run -0 gebpf prog disasm "$DIR/l2.bin"
	[[ $output == *"(95) exit"* ]]
	run -0 bash -c 'gebpf prog dump xlated name l2_bridge file - | cmp - "$DIR/l2.bin"'
	run -2 --separate-stderr gebpf -j prog dump xlated name l2_bridge file -
	is '"error" in v'
	fails 2 gebpf prog dump xlated name l2_bridge visual linum
	fails 2 gebpf prog dump raw
}

@test "dump jited: machine code of what was compiled" {
	[ "$(uname -m)" = x86_64 ] || skip "no JIT here"
	gebpf prog load -j "$examples/port_rewrite.bpf.o"
	run -0 gebpf prog dump jited name port_rewrite
	[[ $output == *ret* || $output == *.byte* ]]
	run -0 --separate-stderr gebpf -j prog dump jited name port_rewrite opcodes
	is 'v[0]["insns"][0]["pc"] == "0x0" and "opcodes" in v[0]["insns"][0]'
	gebpf prog load -i "$examples/port_rewrite.bpf.o" slow
	run -0 gebpf prog show pinned slow
	[[ $output == *"not jited"* ]]
	fails 3 gebpf prog dump jited pinned slow
}

@test "run: value, duration, data_out, repeat, engines, expectation" {
	gebpf prog load "$examples/l2_bridge.bpf.o"
	run -0 gebpf prog run l2_bridge data_in $frame repeat 10
	[[ $output =~ ^Return\ value:\ 254,\ duration\ \(average\):\ [0-9]+ns$ ]]
	run -0 gebpf -j prog run l2_bridge data_in $frame data_out -
	is 'v["retval"] == 254 and v["data_out"][:6] == [255]*6 and v["duration"] >= 0'
	run -0 gebpf prog run l2_bridge data_in $frame data_out -
	[[ ${lines[0]} == $'0000000\tffff ffff ffff 0200 0000 0001 0800 4500 | '* ]]
	run -0 gebpf prog run l2_bridge data_in $frame expect 0xfe interp
	fails 9 gebpf prog run l2_bridge data_in $frame expect 3
	run -0 gebpf -j prog run l2_bridge data_in $frame compare
	is 'v["equal"] is True and v["jit"]["retval"] == 254'
	gebpf prog run l2_bridge data_in $frame data_out "$DIR/out.bin"
	[ "$(stat -c %s "$DIR/out.bin")" = 18 ]
	printf 'abc' | run ! gebpf prog run l2_bridge data_in -
	fails 2 gebpf prog run l2_bridge data_in hex:12x
	fails 3 gebpf prog run l2_bridge data_in "$DIR/nosuch"
	run -0 gebpf prog run l2_bridge data_in "pcap:$captures/host_a.pcap:2"
	fails 3 gebpf prog run l2_bridge data_in "pcap:$captures/host_a.pcap:99999"
	fails 1 gebpf prog run l2_bridge data_in hex:00
	fails 1 gebpf prog run l2_bridge data_in pcap:/etc/passwd
}

@test "run and verify on a file need no device" {
	unset GEBPF_TARGET
	XDG_RUNTIME_DIR=$DIR/none run -0 --separate-stderr \
		gebpf prog run file "$examples/xdp_count.bpf.o" data_in $frame
	[[ $stderr != *started* ]]
	run -0 gebpf prog verify file "$examples/l2_bridge.bpf.o" explain
	[[ $output == *accepted* && $output == *"r1 = context"* ]]
	run -0 gebpf prog dump xlated file "$examples/l2_bridge.bpf.o"
	[[ $output == *exit* ]]
}

@test "replay: verdicts of a capture, filtered output, cut-off files" {
	gebpf prog load "$examples/l2_bridge.bpf.o"
	run -0 gebpf -j prog replay l2_bridge pcap "$captures/host_a.pcap" \
		ingress 0 out "$DIR/b.pcap" verdict broadcast
	is 'v["frames"] == sum(t["frames"] for t in v["verdicts"])'
	is 'v["written"] == [t["frames"] for t in v["verdicts"] if t["verdict"] == 254][0]'
	written=$(printf '%s' "$output" | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["written"])')
	run -0 gebpf -j prog replay l2_bridge pcap "$DIR/b.pcap"
	is "v['frames'] == $written"
	head -c 1000 "$captures/host_a.pcap" >"$DIR/cut.pcap"
	run -8 --separate-stderr gebpf -j prog replay l2_bridge pcap "$DIR/cut.pcap"
	is '"cut.pcap" in v["error"] and v["frames"] > 0 and v["code"] == "EPARTLY"'
	fails 1 gebpf prog replay l2_bridge pcap /etc/passwd
	fails 2 gebpf prog replay l2_bridge pcap "$captures/host_a.pcap" verdict maybe
	fails 2 gebpf prog replay l2_bridge
}

@test "asm and disasm: there and back" {
	printf 'r0 = 5\nr0 += r0\nexit\n' >"$DIR/a.s"
	valid gebpf prog asm "$DIR/a.s"
	[ "${lines[0]}" = "b7 00 00 00 05 00 00 00" ]
	gebpf prog asm "$DIR/a.s" "$DIR/a.bin"
	valid gebpf prog disasm "$DIR/a.bin"
	[ "$output" = "   0: (b7) r0 = 5
   1: (0f) r0 += r0
   2: (95) exit" ]
	run -0 gebpf prog disasm hex:9500000000000000
	[ "$output" = "   0: (95) exit" ]
	printf 'r0 = 5\nr0 ++ 1\n' >"$DIR/b.s"
	fails 1 gebpf prog asm "$DIR/b.s"
	[[ $words == *"line 2"* ]]
	fails 1 gebpf prog disasm hex:95
	run -0 gebpf -j prog disasm "$examples/mylookup.bpf.o"
	is 'v[0]["name"] == "mylookup" and v[0]["insns"][-1]["disasm"] == "(95) exit"'
}

@test "statistics and the trace log" {
	cat >"$DIR/say.c" <<'C'
#include "vale.h"
#include "bpf_helpers.h"
SEC("vale") int say(struct vale_bpf_md *ctx)
{
	bpf_printk("port %d", ctx->ingress_port);
	return 255;
}
char _license[] SEC("license") = "GPL";
C
	gebpf prog load "$DIR/say.c"
	gebpf prog stats on
	gebpf prog run say data_in $frame repeat 3
	run -0 gebpf -j prog show say
	is 'v["run_cnt"] == 3 and v["run_time_ns"] >= 0'
	gebpf prog stats reset
	gebpf prog stats off
	run -0 gebpf prog tracelog say duration 0
	[ "${#lines[@]}" -eq 3 ]
	[[ $output == *"port 0"* ]]
	run -0 gebpf -j prog tracelog say duration 0
	printf '%s\n' "${lines[0]}" | "$PY" -m json.tool >/dev/null
	[ "${#lines[@]}" -eq 3 ]
}

@test "a trace log that takes more than one reply" {
	cat >"$DIR/much.c" <<-'C'
	#include "bpf_helpers.h"
	#include "vale.h"
	SEC("vale") int much(struct vale_bpf_md *ctx)
	{
		bpf_printk("port %096d", ctx->ingress_port);
		return 255;
	}
	char _license[] SEC("license") = "GPL";
	C
	gebpf prog load "$DIR/much.c"
	gebpf prog run much data_in $frame repeat 4000
	gebpf prog tracelog much duration 0 >"$BATS_TEST_TMPDIR/log"
	[ "$(grep -c 'port 0*$' "$BATS_TEST_TMPDIR/log")" = 4000 ]
}

@test "pin, unpin, tag, unload" {
	gebpf prog load "$examples/port_rewrite.bpf.o"
	tag=$(gebpf -j prog show | field tag)
	run -0 gebpf -j prog show tag "$tag"
	is 'v["name"] == "port_rewrite"'
	gebpf prog pin name port_rewrite extra/pin
	gebpf prog unpin port_rewrite
	run -0 gebpf prog show pinned extra/pin
	fails 3 gebpf prog unpin port_rewrite
	run -0 gebpf prog unload pinned extra/pin
	[[ $output == unloaded:* ]]
	fails 3 gebpf prog show tag "$tag"
	fails 3 gebpf prog unload nosuch
	run -0 gebpf -j map show
	[ "$output" = "[]" ]
}

@test "verify assume-linux: what can only run inside Linux is checked for it" {
	file=$top/tests/objects/linux_only.bpf.c
	run -4 --separate-stderr gebpf prog verify file "$file"
	[[ $output == *"probe (kprobe): not verified: "* ]]
	run -4 --separate-stderr gebpf prog verify file "$file" prog router
	[[ $output == *"helper fib_lookup (69) is not available here"* ]]
	[[ $output$stderr == *assume-linux* ]]
	run -0 gebpf prog verify file "$file" prog router assume-linux
	[[ $output == *accepted* ]]
	run -0 gebpf prog verify file "$file" prog probe assume-linux explain
	[[ $output == *"call get_current_pid_tgid"* ]]
	both=$output
	run -0 gebpf prog verify file "$file" prog probe explain assume-linux
	[ "${output#*$'\n'}" = "${both#*$'\n'}" ] # the first line has a time
	run -6 --separate-stderr gebpf prog verify "$examples/l2_bridge.bpf.o" \
		assume-linux
	[[ $output == *"Linux has no programs of type vale"* ]]
	gebpf prog load "$examples/l2_bridge.bpf.o" loaded
	fails 2 gebpf prog verify pinned loaded assume-linux
	gebpf prog unload pinned loaded
	run -4 --separate-stderr gebpf -j prog verify file "$file" assume-linux
	is '[p["verdict"] for p in v] == ["accepted"] * 3 + ["rejected",
		"not verified"]'
	run -0 gebpf -j prog show
	[ "$output" = "[]" ]
}

@test "run: verdicts of Linux's types have 32 bits" {
	cat >"$DIR/unspec.bpf.c" <<'C'
#include "bpf_helpers.h"
SEC("tc") int unspec(struct __sk_buff *skb) { return -1; }
SEC("raw") long wide(void *data) { return -1; }
C
	run -0 gebpf prog run file "$DIR/unspec.bpf.c" prog unspec data_in $frame
	[[ $output == *"Return value: 4294967295,"* ]]
	run -0 gebpf prog run file "$DIR/unspec.bpf.c" prog wide data_in $frame
	[[ $output == *"Return value: 18446744073709551615,"* ]]
}
