# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# gebpf vale, attach, detach, link: switches from the command line.

load helper

# The kernel's switches are netmap's, with ports of their own: make check-vale.
setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() {
	only_embedded "ports that replay captures; make check-vale has netmap's"
	device_clear
}

three_ports() {
	gebpf vale create vale0
	for h in a b c; do
		gebpf vale add vale0 \
			"pcap:$captures/host_$h.pcap,$DIR/to_$h.pcap"
	done
}

@test "create, add, show, del, destroy" {
	run -0 gebpf vale create vale0
	[ -z "$output" ]
	run -0 gebpf vale add vale0 "pcap:$captures/host_a.pcap" name left
	[[ $output == "added: vale0  port 0  name left" ]]
	run -0 gebpf vale add vale0 pair:x
	valid gebpf vale show
	[[ $output == *"vale0: "*"0: left  pcap:/"* ]]
	output=$json
	is 'v[0]["name"] == "vale0" and [p["index"] for p in v[0]["ports"]] == [0, 1]'
	valid gebpf vale show vale0
	output=$json
	is 'v["name"] == "vale0" and v["prog_id"] is None'
	gebpf vale del vale0 left
	gebpf vale del vale0 1
	fails 3 gebpf vale del vale0 1
	gebpf vale destroy vale0
	fails 3 gebpf vale show vale0
	fails 3 gebpf vale destroy vale0
}

@test "what is wrong with switches and ports is said" {
	gebpf vale create vale0
	fails 7 gebpf vale create vale0
	fails 3 gebpf vale add vale9 pair:x
	fails 3 gebpf vale add v0 pair:x
	[[ $words == *"begin with 'vale'"* ]]
	run ! gebpf vale add vale0 "pcap:$DIR/nosuch.pcap"
	[[ $output == *nosuch.pcap* ]]
	run ! gebpf vale add vale0 pcap:/etc/passwd
	run ! gebpf vale add vale0 wire:x
	fails 3 gebpf vale start vale9
	run -0 gebpf -j vale show vale0
	is 'v["ports"] == []'
}

@test "a learning bridge without a program; relative paths" {
	cd "$captures"
	gebpf vale create vale0
	gebpf vale add vale0 "pcap:host_a.pcap,$DIR/la.pcap"
	gebpf vale add vale0 "pcap:host_b.pcap,$DIR/lb.pcap"
	run -0 gebpf -j vale start vale0 wait
	is 'v["state"] == "done" and v["verdicts"]["learned"] == v["frames"] and v["frames"] > 0'
	[ -s "$DIR/lb.pcap" ]
}

@test "attach, replay, stats, typed dump, detach" {
	three_ports
	gebpf prog load "$examples/l2_bridge.bpf.o"
	run -0 gebpf attach vale vale0 l2_bridge pin links/zero
	[[ $output == attached:\ link* ]]
	fails 7 gebpf attach vale vale0 l2_bridge
	fails 3 gebpf attach vale vale7 l2_bridge
	run -0 gebpf vale start vale0 wait
	valid gebpf vale stats vale0
	[[ $output == *"broadcast"* && $output == *"frames"* ]]
	output=$json
	is 'v["state"] == "done" and v["verdicts"]["learned"] == 0'
	is 'v["frames"] == sum(p["rx_frames"] for p in v["ports"])'
	is 'v["frames"] == v["verdicts"]["port"] + v["verdicts"]["broadcast"] + v["verdicts"]["drop"]'
	run -0 gebpf -j map dump
	is 'len(v[0]["elements"]) == 3 and "formatted" in v[0]["elements"][0]'
	valid gebpf link show
	[[ $output == *"vale  prog"*"switch vale0  state attached"* ]]
	output=$json
	is 'v[0]["switch"] == "vale0" and v[0]["state"] == "attached"'
	fails 7 gebpf prog unload l2_bridge
	gebpf detach vale vale0
	fails 3 gebpf detach vale vale0
	run -0 gebpf -j link show pinned links/zero
	is 'v["state"] == "detached"'
	gebpf link unpin links/zero
	run -0 gebpf -j link show
	[ "$output" = "[]" ]
}

@test "link update and attach replace take over in one step" {
	gebpf vale create vale0
	gebpf prog load "$examples/l2_bridge.bpf.o"
	gebpf prog load "$examples/port_rewrite.bpf.o"
	gebpf attach vale vale0 l2_bridge
	gebpf link update vale0 name port_rewrite
	run -0 gebpf -j link show vale0
	is 'v["prog_name"] == "port_rewrite"'
	run -0 gebpf attach vale vale0 l2_bridge replace
	run -0 gebpf -j vale show vale0
	id=$(gebpf -j prog show name l2_bridge | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["id"])')
	is "v['prog_id'] == $id"
	gebpf link pin vale0 l
	gebpf link detach pinned l
	gebpf link unpin l
	run -0 gebpf -j vale show vale0
	is 'v["link_id"] is None'
	gebpf prog load "$examples/xdp_count.bpf.o"
	run ! gebpf attach vale vale0 xdp_count
	[[ $output == *"type xdp"* ]]
}

@test "a link notices that its switch has gone" {
	gebpf vale create vale0
	gebpf prog load "$examples/l2_bridge.bpf.o"
	gebpf attach vale vale0 l2_bridge pin l
	gebpf vale destroy vale0
	run -0 gebpf -j link show pinned l
	is 'v["state"] == "stale"'
	run ! gebpf link update pinned l l2_bridge
	[[ $output == *stale* ]]
	gebpf link unpin l
}

@test "load and attach in one command; all or nothing" {
	gebpf vale create vale0
	run -0 gebpf -j prog load "$examples/l2_bridge.bpf.o" attach vale vale0
	is 'v["link_id"] > 0 and v["switch"] == "vale0"'
	fails 3 gebpf prog load "$examples/port_rewrite.bpf.o" attach vale vale9
	fails 7 gebpf prog load "$examples/port_rewrite.bpf.o" attach vale vale0
	run -0 gebpf -j prog show
	is 'len(v) == 1'
	gebpf detach vale vale0
}
