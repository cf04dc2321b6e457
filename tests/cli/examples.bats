# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What a newcomer types: README's ten minutes and the examples of every man
# page, as they are written, with the output that is shown there.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }

setup() {
	only_embedded "examples begin with the first program"
	[[ $(clang --version 2>&1) == *" version 14."* ]] ||
		skip "the pages show what clang 14 makes of programs"
	gebpf -q device stop || : # the first command starts it
	cd "$BATS_TEST_TMPDIR" || return
	cp "$captures"/*.pcap .
	cp "$examples"/*.bpf.o .
}

# page FILE: all that it shows is typed
page() {
	"$PY" "$BATS_TEST_DIRNAME/transcript.py" "$top/$1"
}

# A bridge on vale0, as several pages have it already.
bridge() {
	gebpf -q prog load l2_bridge.bpf.o
	gebpf -q vale create vale0
}

@test "README: ten minutes" {
	# the program, and then what is put before the lookup
	"$PY" - "$top/README.md" <<-'P'
		import re, sys
		blocks = re.findall(r"^```c\n(.*?)^```", open(sys.argv[1]).read(), re.S | re.M)
		open("count.bpf.c", "w").write(blocks[0])
		open("mend", "w").write(blocks[1])
	P
	ln -s "$top/tests" tests
	ln -s "$top/build" build
	# mended between the first load, which fails, and the second
	cat >gebpf <<-'S'
		#!/bin/bash
		[[ "$*" != "prog load -j count.bpf.c" ]] ||
			sed -i '/^\tn = bpf_map_lookup/{
				e cat mend
			}' count.bpf.c
		exec "$GEBPF_REAL" "$@"
	S
	chmod +x gebpf
	GEBPF_REAL=$(command -v gebpf) PATH=$PWD:$PATH page README.md
}

@test "gebpf" {
	page man/gebpf.8
}

@test "gebpf attach" {
	bridge
	page man/gebpf-attach.8
}

@test "gebpf batch" {
	cp host_a.pcap a.pcap
	cp host_b.pcap b.pcap
	# the file that the page shows
	sed -n '/^\$ cat setup/,/^\$ gebpf/{/^\$/!p}' "$top/man/gebpf-batch.8" >setup
	page man/gebpf-batch.8
}

@test "gebpf btf" {
	[ -e /sys/kernel/btf/vmlinux ] || skip "this kernel has no types"
	gebpf -q prog load l2_bridge.bpf.o
	page man/gebpf-btf.8
}

@test "gebpf device" {
	mkdir -m 700 mine
	page man/gebpf-device.8
}

@test "gebpf feature" {
	page man/gebpf-feature.8
}

@test "gebpf link" {
	bridge
	gebpf -q attach vale vale0 l2_bridge
	page man/gebpf-link.8
}

@test "gebpf map" {
	# what programs have made
	gebpf -q prog load l2_bridge.bpf.o
	gebpf -q map pin pinned l2_bridge/mac_table mac_table
	gebpf -q map create counters type percpu_array key 4 value u64 \
		entries 4 name counters
	gebpf -q prog loadall events.bpf.o events
	gebpf -q map pin name notes notes
	gebpf -q prog run name note data_in pcap:host_a.pcap:1 repeat 10
	page man/gebpf-map.8
}

@test "gebpf prog" {
	printf '%s\n' '#include <linux/bpf.h>' '#include <bpf_helpers.h>' \
		'SEC("xdp") int tcp(struct xdp_md *ctx) {' \
		$'\tunsigned char *data = (void *)(long)ctx->data;' \
		$'\tunsigned char *end = (void *)(long)ctx->data_end;' '' \
		$'\tif (data + 14 > end)' $'\t\treturn XDP_PASS;' \
		$'\tif (data[12] == 8 && data[13] == 0)' \
		$'\t\treturn data[23] == 6 ? XDP_PASS : XDP_DROP;' \
		$'\treturn XDP_PASS;' '}' >tcp.bpf.c
	page man/gebpf-prog.8
}

@test "gebpf vale" {
	page man/gebpf-vale.8
}
