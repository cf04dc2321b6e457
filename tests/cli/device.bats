# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# gebpf device, feature, btf, batch, and completion.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() { device_clear; }

@test "device: start on demand says so once; show; stop" {
	only_embedded "starting and stopping"
	export GEBPF_TARGET=embedded:$DIR/second.sock
	fails 5 gebpf device show
	run -0 --separate-stderr gebpf -j map show
	[ "$output" = "[]" ]
	[[ $stderr == *started* ]]
	run -0 --separate-stderr gebpf map show
	[ -z "$stderr" ]
	valid gebpf device show
	output=$json
	is 'v["home"] == "embedded" and v["pid"] > 1 and v["progs"] == 0'
	run -0 gebpf device start
	run -0 gebpf device stop
	fails 5 gebpf device stop
	run -0 --separate-stderr gebpf -q map show
	[ -z "$stderr" ]
	gebpf device stop
}

@test "device: one in the foreground, a second is refused" {
	only_embedded "starting and stopping"
	export GEBPF_TARGET=embedded:$DIR/third.sock
	gebpf device start --foreground 3>&- &
	pid=$!
	for _ in $(seq 100); do
		gebpf device show >/dev/null 2>&1 && break
		sleep 0.05
	done
	run -7 gebpf device start --foreground
	[[ $output == *third.sock* ]]
	gebpf device stop
	wait "$pid"
}

@test "a device that was killed is an error, then a new one" {
	only_embedded "starting and stopping"
	export GEBPF_TARGET=embedded:$DIR/fourth.sock
	gebpf -q device start
	pid=$(gebpf -j device show | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["pid"])')
	kill -9 "$pid"
	run -0 gebpf -q -j map show
	[ "$output" = "[]" ]
	gebpf device stop
}

@test "device: started with options; only when it starts" {
	only_embedded "starting and stopping"
	export GEBPF_TARGET=embedded:$DIR/options.sock
	run -0 gebpf device start harden speculation verify_time 500
	valid gebpf device show
	output=$json
	is 'v["harden"] == ["speculation"] and v["verify_time_ms"] == 500'
	is 'v["insns_processed_max"] == 1000000'
	fails 7 gebpf device start harden none
	fails 6 gebpf prog load -i "$examples/l2_bridge.bpf.o" x
	run -0 gebpf prog load -j "$examples/l2_bridge.bpf.o" x
	run -0 gebpf prog dump jited name l2_bridge opcodes
	[[ $output == *"0f ae e8"* ]] # a fence
	frame=hex:0800450000140000000000000000
	fails 6 gebpf prog run x data_in $frame interp
	[[ $words == *"interprets no programs"* ]]
	fails 6 gebpf prog run x data_in $frame compare
	run -0 gebpf prog run x data_in $frame jit
	gebpf device stop
	run -0 gebpf device start spin 0
	run -0 gebpf -j map show
	gebpf device stop
	fails 2 gebpf device start harden well
	fails 2 gebpf device start memory
	fails 2 gebpf device start verify_time 0
	fails 2 gebpf device start spin long
	fails 2 gebpf device start spin 1001
	fails 2 gebpf device start memory 64T
	fails 2 gebpf device start memory 99999999999G
	export GEBPF_DEVICE_OPTIONS=verify_time=x
	fails 2 gebpf -t local map show
	[[ $output == *verify_time* ]]
}

@test "a device killed while a client waits: an error, JSON to the end" {
	export GEBPF_TARGET=embedded:$DIR/fifth.sock
	gebpf -q device start
	pid=$(gebpf -j device show | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["pid"])')
	gebpf -j prog tracelog >"$DIR/log" 2>&1 3>&- &
	client=$!
	sleep 0.3
	kill -9 "$pid"
	rc=0
	wait "$client" || rc=$?
	[ "$rc" = 5 ]
	output=$(tail -n 1 "$DIR/log")
	is 'v["code"] == "EBADF"'
}

@test "feature probe and list_builtins" {
	valid gebpf feature probe
	[[ $output == *"eBPF program_type vale is available"* ]]
	[[ $output == *$'\t- bpf_map_lookup_elem'* ]]
	output=$json
	is 'v["program_types"]["have_vale_prog_type"] and v["map_types"]["have_hash_map_type"]'
	is '"bpf_map_lookup_elem" in v["helpers"]["vale_available_helpers"]'
	for g in prog_types map_types helpers; do
		valid gebpf feature list_builtins $g
		[ -n "$output" ]
	done
	for g in attach_types link_types; do
		valid gebpf feature list_builtins $g
		if has_switches; then
			[ "$output" = vale ]
		else
			[ -z "$output" ]
		fi
	done
	fails 2 gebpf feature list_builtins helper_s
}

@test "btf show and dump, as bpftool prints them" {
	gebpf prog load "$examples/l2_bridge.bpf.o"
	valid gebpf btf show
	[[ $output =~ ^[0-9]+:\ name\ .*\ \ size\ [0-9]+B\ \ prog_ids\ [0-9]+\ \ map_ids ]]
	output=$json
	is 'v[0]["size"] > 0 and v[0]["kernel"] is False and len(v[0]["map_ids"]) == 1'
	id=$(gebpf -j btf show | field id)
	valid gebpf btf dump id "$id"
	by_prog=$(gebpf btf dump prog l2_bridge)
	[ "$output" = "$by_prog" ]
	run -0 gebpf btf dump file "$examples/l2_bridge.bpf.o" format c
	printf '%s\n' "$output" >"$DIR/types.h"
	clang -x c -fsyntax-only "$DIR/types.h"
	run -0 --separate-stderr gebpf -j btf dump id "$id" format c
	is '"struct" in v["c"]'
	if command -v bpftool >/dev/null; then
		# but for sections' sizes, which loading fills in
		size='/DATASEC/s/size=[0-9]*//; s/"size":[0-9]*,"vlen":1,"vars"/"vars"/g; /offset=/s/size=[0-9]*//'
		diff <(bpftool btf dump file "$examples/l2_bridge.bpf.o" | sed "$size") \
			<(gebpf btf dump file "$examples/l2_bridge.bpf.o" | sed "$size")
		diff <(bpftool -j btf dump file "$examples/l2_bridge.bpf.o" | sed "$size" | "$PY" -m json.tool) \
			<(gebpf -j btf dump file "$examples/l2_bridge.bpf.o" | sed "$size" | "$PY" -m json.tool)
	fi
	# type information alone, as Linux gives its own
	objcopy -I elf64-little --dump-section .BTF="$DIR/bare.btf" "$examples/l2_bridge.bpf.o" "$DIR/x.o"
	diff <(gebpf btf dump file "$DIR/bare.btf" format c) <(gebpf btf dump file "$examples/l2_bridge.bpf.o" format c)
	if [ -r /sys/kernel/btf/vmlinux ]; then
		gebpf btf dump file /sys/kernel/btf/vmlinux format c >"$DIR/vmlinux.h"
		clang -x c -fsyntax-only -Werror "$DIR/vmlinux.h"
	fi
	head -c 100 "$DIR/bare.btf" >"$DIR/cut.btf"
	fails 1 gebpf btf dump file "$DIR/cut.btf"
	fails 3 gebpf btf dump id 999
	fails 1 gebpf btf dump file /etc/passwd
}

@test "batch: quotes, comments, continuation, one connection" {
	cat >"$DIR/b.txt" <<'T'
# a comment
map create b type hash key 4 value 4 \
	entries 4 name "batch map"

map update name 'batch map' key 1 0 0 0 value 1 0 0 0 # and this
map dump pinned b
T
	run -0 gebpf batch file "$DIR/b.txt"
	[[ $output == *"key: 01 00 00 00  value: 01 00 00 00"*"processed 3 commands" ]]
	gebpf map unpin b
	run -0 --separate-stderr gebpf -j batch file "$DIR/b.txt"
	is 'len(v) == 3 and v[0]["command"][-1] == "batch map" and v[1]["output"] is None'
	is 'v[2]["output"][0]["key"][0] == "0x01"'
	run -0 --separate-stderr bash -c 'echo map show | gebpf -j batch file -'
	is 'len(v) == 1 and len(v[0]["output"]) == 1'
}

@test "batch: stops at an error or keeps going; JSON stays one value" {
	printf 'map show\nmap show name nosuch\nmap frob\nprog show\n' >"$DIR/e.txt"
	run -3 --separate-stderr gebpf -j batch file "$DIR/e.txt"
	is 'len(v) == 2 and v[1]["output"]["code"] == "ENOENT"'
	run -8 --separate-stderr gebpf -j batch file "$DIR/e.txt" keep_going
	is 'len(v) == 4 and v[2]["output"]["code"] == "EUSAGE" and v[3]["output"] == []'
	run -3 gebpf batch file "$DIR/e.txt"
	[[ $output == *"e.txt:2"* ]]
	printf 'map show "x\n' >"$DIR/q.txt"
	run -2 --separate-stderr gebpf -j batch file "$DIR/q.txt"
	is '"quote" in v[0]["error"]'
	printf 'batch file x\n' >"$DIR/n.txt"
	run -2 --separate-stderr gebpf -j batch file "$DIR/n.txt"
	is 'v[0]["output"]["code"] == "EUSAGE"'
	fails 3 gebpf batch file "$DIR/nosuch"
	for style in -p --yaml; do
		run -8 gebpf $style batch file "$DIR/e.txt" keep_going
	done
}

@test "batch works whole within the local target" {
	cat >"$DIR/l.txt" <<T
vale create vale0
vale add vale0 pcap:$captures/host_a.pcap,$DIR/x.pcap
vale add vale0 pcap:$captures/host_b.pcap,$DIR/y.pcap
prog load $examples/l2_bridge.bpf.o attach vale vale0
vale start vale0 wait
vale stats vale0
T
	run -0 --separate-stderr gebpf -t local -j batch file "$DIR/l.txt"
	is 'v[-1]["output"]["state"] == "done" and v[-1]["output"]["frames"] > 0'
}

has() { # CANDIDATE WORDS...
	local want=$1
	shift
	run -0 gebpf __complete "$@"
	[[ $'\n'$output$'\n' == *$'\n'"$want"$'\n'* ]] ||
		{ echo "no $want after: $*"; echo "$output"; false; }
}

@test "completion: switches, ports" {
	only_embedded "ports of type pair; make check-vale has netmap's"
	gebpf vale create vale0
	gebpf vale add vale0 pair:x name left
	has vale0 attach vale ""
	has left vale del vale0 ""
	has 0 vale del vale0 ""
	has if: vale add vale0 ""
	has if:lo vale add vale0 if:l
	has :files vale add vale0 pcap:
	# readline takes words apart at colons
	run -0 bash -c '
		. "'"$top"'/completions/gebpf.bash"
		COMP_WORDS=(gebpf vale add vale0 if : l) COMP_CWORD=6
		_gebpf
		echo "${COMPREPLY[@]}"'
	[[ " $output " == *" lo "* ]]
}

@test "completion: words, ids, names, pins, objects" {
	gebpf prog load "$examples/l2_bridge.bpf.o"
	has prog ""
	has prog p
	has dump prog du
	has xlated prog dump ""
	has l2_bridge prog dump xlated name ""
	has l2_bridge/mac_table map dump l2
	has l2_bridge prog unpin l
	has "$(gebpf -j prog show | field id)" prog show id ""
	# a shell would do more with it than take it
	gebpf map create 'l2;id' type array key 4 value 4 entries 1 name 'm&id'
	run -0 gebpf __complete map dump l2
	[[ $output == *l2_bridge/mac_table* && $output != *";"* ]]
	run -0 gebpf __complete map show name m
	[[ $output == *mac_table* && $output != *"&"* ]]
	has on_arp prog load "$examples/tail_demux.bpf.o" p prog on_
	has handlers prog load "$examples/tail_demux.bpf.o" p map name ""
	has hash map create type h
	has ringbuf map create type ""
	[[ $output != *sockmap* ]] # not what the device lacks
	GEBPF_TARGET=embedded:$DIR/nobody.sock has bloom_filter map create type b
	has no_prealloc map create type lpm_trie flags ""
	has assume-linux prog verify x.o ""
	has constants device start harden ""
	has event_pipe map ""
	has :files prog load ""
	has --json -
	has load help prog l
	# a keyword is meant as one, and is offered until it is there
	run -0 gebpf __complete prog load x.o type ""
	[ "$output" = "$(printf '%s\n' socket_filter socket sched_cls tc xdp \
		vale vale_buf raw)" ]
	run -0 gebpf __complete prog load x.o type xdp map name a id 1 ""
	[ "$output" = "$(printf '%s\n' prog name map pinmaps set replace attach)" ]
	run -0 gebpf __complete map update m key 1 ""
	[ "$output" = "$(printf '%s\n' value any exist noexist)" ]
	run -0 gebpf __complete nonsense ""
	[ -z "$output" ]
	run -0 bash -c 'gebpf __complete'
	# the script loads and completes by asking
	run -0 bash -c '
		. "'"$top"'/completions/gebpf.bash"
		COMP_WORDS=(gebpf prog dum) COMP_CWORD=2
		_gebpf
		echo "${COMPREPLY[@]}"'
	[ "$output" = dump ]
}
