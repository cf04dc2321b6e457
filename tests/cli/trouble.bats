# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What goes wrong outside: captures that break off, full disks, daemons that
# die while clients wait, sockets of other users, starts at once. Each time a
# clear error, valid JSON, and nothing lost that was there.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() { device_clear; }

# records FILE: how many whole frames it holds; fails when it ends in one
records() {
	"$PY" - "$1" <<-'P'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		at, n = 24, 0
		while at < len(data):
		    at += 16 + struct.unpack_from("<I", data, at + 8)[0]
		    n += 1
		assert at == len(data), "ends inside a record"
		print(n)
	P
}

# capture FILE COUNT: broadcast frames of 1000 bytes
capture() {
	"$PY" - "$@" <<-'P'
		import struct, sys
		f = open(sys.argv[1], "wb")
		f.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
		data = b"\xff" * 6 + b"\x02" * 6 + b"\x88\xb5" + bytes(986)
		for i in range(int(sys.argv[2])):
		    f.write(struct.pack("<IIII", i // 1000, i % 1000 * 1000, 1000, 1000))
		    f.write(data)
	P
}

@test "a capture that is cut off: what came before is delivered" {
	only_embedded "captures"
	capture "$DIR/whole.pcap" 100
	head -c $((24 + 60 * 1016 + 500)) "$DIR/whole.pcap" >"$DIR/cut.pcap"
	capture "$DIR/none.pcap" 0
	gebpf vale create vale0
	gebpf vale add vale0 "pcap:$DIR/cut.pcap"
	gebpf vale add vale0 "pcap:$DIR/none.pcap,$DIR/out.pcap"
	fails 1 gebpf vale start vale0 wait
	[[ $words == *cut.pcap*"60 frames"* ]]
	[ "$(records "$DIR/out.pcap")" = 60 ]
	run -0 gebpf -j vale show vale0
	is 'v["state"] == "failed" and v["frames"] == 60'
	gebpf vale destroy vale0
}

@test "a full disk while OUT is written: said, counted, whole frames kept" {
	only_embedded "captures"
	capture "$DIR/in.pcap" 2000
	capture "$DIR/none.pcap" 0
	gebpf vale create vale0
	gebpf vale add vale0 "pcap:$DIR/in.pcap"
	gebpf vale add vale0 "pcap:$DIR/none.pcap,/dev/full"
	gebpf vale add vale0 "pcap:$DIR/none.pcap,$DIR/fine.pcap"
	fails 1 gebpf vale start vale0 wait
	[[ $words == */dev/full*"No space left"* ]]
	is 'v["code"] == "ENOSPC"'
	[ "$(records "$DIR/fine.pcap")" = 2000 ]
	run -0 gebpf -j vale show vale0
	is 'v["ports"][1]["tx_drops"] == 2000 and v["ports"][1]["tx_frames"] == 0'
	is 'v["ports"][2]["tx_frames"] == 2000'
	gebpf vale destroy vale0
}

@test "a full disk while frames are kept: none is said to be written" {
	gebpf -q prog load "$examples/l2_bridge.bpf.o"
	run -8 --separate-stderr gebpf prog replay l2_bridge \
		pcap "$captures/host_a.pcap" out /dev/full
	[[ $output == *"frames "* && $output != *written* ]]
	[[ $stderr == *"cannot write '/dev/full': No space left"* ]]
	run -8 --separate-stderr gebpf -j prog replay l2_bridge \
		pcap "$captures/host_a.pcap" out /dev/full
	is '"written" not in v and v["frames"] > 0 and "error" in v'
	fails 1 gebpf prog run l2_bridge data_in pcap:"$captures/host_a.pcap":1 \
		data_out /dev/full
	is 'v["code"] == "ENOSPC"'
	gebpf prog unload l2_bridge
}

@test "no room for what clang makes: the hint says so (root)" {
	command -v clang >/dev/null || skip "clang is not installed"
	mkdir -p "$DIR/small"
	mount -t tmpfs -o size=4k none "$DIR/small" 2>/dev/null ||
		skip "cannot mount a small file system"
	head -c 4096 /dev/zero >"$DIR/small/all"
	TMPDIR=$DIR/small run -1 gebpf prog verify \
		"$top/lib/bpf/examples/acl.bpf.c"
	rm -rf "$DIR"/small/*
	umount "$DIR/small"
	rmdir "$DIR/small"
	[[ $output == *"Hint: no space is left where '$DIR/small/"* ]]
}

@test "a file system that fills up in the middle (root)" {
	only_embedded "captures"
	mkdir -p "$DIR/small"
	mount -t tmpfs -o size=256k none "$DIR/small" 2>/dev/null ||
		skip "cannot mount a small file system"
	capture "$DIR/in.pcap" 2000
	capture "$DIR/none.pcap" 0
	gebpf vale create vale0
	gebpf vale add vale0 "pcap:$DIR/in.pcap"
	gebpf vale add vale0 "pcap:$DIR/none.pcap,$DIR/small/out.pcap"
	run ! gebpf vale start vale0 wait
	[[ $output == *small/out.pcap*"No space left"* ]]
	kept=$(records "$DIR/small/out.pcap")
	run -0 gebpf -j vale show vale0
	gebpf vale destroy vale0
	umount "$DIR/small"
	[ "$kept" -gt 100 ]
	is "v['ports'][1]['tx_frames'] == $kept and v['ports'][1]['tx_drops'] == 2000 - $kept"
}

@test "kill -9 of the device while clients wait" {
	only_embedded "a daemon"
	pid=$(gebpf -j device show | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["pid"])')
	kill -STOP "$pid"
	before=$(grep -c "$DIR/device.sock" /proc/net/unix)
	for i in 1 2 3; do
		{
			rc=0
			gebpf -j prog show >"$DIR/w$i" 2>/dev/null || rc=$?
			echo $rc >"$DIR/rc$i"
		} 3>&- &
	done
	# three connections more
	for _ in $(seq 200); do
		[ "$(grep -c "$DIR/device.sock" /proc/net/unix)" -ge $((before + 3)) ] &&
			break
		sleep 0.05
	done
	# a device that dies sooner than 500 ms after is replaced unnoticed
	sleep 0.7
	kill -9 "$pid"
	wait $(jobs -p)
	for i in 1 2 3; do
		# Who was still greeting found a new device; who had asked is told.
		output=$(<"$DIR/w$i")
		case $(<"$DIR/rc$i") in
		0) [ "$output" = "[]" ] ;;
		5) is '"error" in v and "code" in v' ;;
		*) false ;;
		esac
	done
	run -0 gebpf -q -j prog show
	[ "$output" = "[]" ]
}

@test "many commands find no device: one starts" {
	only_embedded "a daemon"
	gebpf device stop
	for i in 1 2 3 4 5 6; do
		gebpf -j device start >"$DIR/d$i" 2>"$DIR/e$i" 3>&- &
	done
	wait $(jobs -p)
	run -0 sh -c "cat '$DIR'/d[1-6] | grep -o '\"pid\":[0-9]*' | sort -u | wc -l"
	[ "$output" -eq 1 ]
	gebpf device stop
	for i in 1 2 3 4 5 6; do
		gebpf -j map show >"$DIR/d$i" 2>"$DIR/e$i" 3>&- &
	done
	wait $(jobs -p)
	[ "$(cat "$DIR"/d[1-6])" = "$(printf '[]\n%.0s' 1 2 3 4 5 6)" ]
	[ "$(cat "$DIR"/e[1-6] | grep -c started)" -eq 1 ]
}

@test "a stopped device is an error without a start, and no obstacle to one" {
	only_embedded "a daemon"
	gebpf device stop
	fails 5 gebpf device show
	[[ $words == *"no embedded device is running"*Hint* ]]
	fails 5 gebpf device stop
	run -0 --separate-stderr gebpf -j vale show
	[ "$output" = "[]" ]
}

@test "a socket in a folder that others may write to" {
	mkdir "$DIR/open"
	chmod 0777 "$DIR/open"
	GEBPF_TARGET=embedded:$DIR/open/device.sock
	fails 5 gebpf prog show
	[[ $words == *"cannot be trusted"*Hint* ]]
	GEBPF_TARGET=embedded:$DIR/file
	: >"$DIR/file"
	fails 5 gebpf prog show
	[[ $words == *"not a socket"* ]]
}

@test "a socket owned by somebody else (root)" {
	[ "$(id -u)" = 0 ] || skip "needs a second user"
	other=$(mktemp -d /tmp/gebpf-other.XXXXXX)
	chmod 0755 "$other"
	cp "$(command -v gebpf)" "$other/gebpf"
	mkdir -m 0755 "$other/run"
	GEBPF_TARGET=embedded:$other/run/device.sock
	gebpf -q device start
	chmod 0666 "$other/run/device.sock"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$other/gebpf" -j prog show
	code=$status words=$output
	gebpf device stop
	rm -rf "$other"
	[ "$code" = 5 ]
	output=$words
	is 'v["code"] == "EACCES" and v["error"] and v["hint"]'
}

@test "a map larger than the device's memory is refused" {
	run ! gebpf -t local map create big type array key 4 \
		value 4000000 entries 1000000 name big
	[[ $output == *"memory"* ]]
	GEBPF_DEVICE_OPTIONS=memory=1M run ! gebpf -t local map create big \
		type array key 4 value 1024 entries 1100 name big
	[[ $output == *"memory"* ]]
	GEBPF_DEVICE_OPTIONS=memory=8M run -0 gebpf -t local map create big \
		type array key 4 value 1024 entries 1100 name big
}

@test "standard files that are closed: nothing lands in the device's socket" {
	gebpf -q map create type array key 4 value 8 entries 2000 name wide
	run -1 --separate-stderr bash -c 'gebpf -j map dump name wide >&-'
	[[ $stderr == *"cannot write the output"* ]]
	run -1 bash -c 'gebpf map dump name wide <&- >&- 2>&-'
	run -0 bash -c 'gebpf map show name wide <&- 2>&-'
	[[ $output == *"name wide"* ]]
}

@test "a reader that has seen enough: silence" {
	for form in "" "-j" "-p" "--yaml"; do
		run -0 --separate-stderr bash -c \
			"gebpf $form map dump name wide | head -c 10"
		[ -n "$output" ] && [ -z "$stderr" ]
	done
	gebpf -q map create type array key u32 value u64 entries 20000 name typed
	run -0 --separate-stderr bash -c 'gebpf map dump name typed | head -1'
	[ "$output" = "[{" ] && [ -z "$stderr" ]
}
