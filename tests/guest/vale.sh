# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# vale_bpf.ko on netmap's switches: who receives what, with and without a
# program; replacing and detaching under traffic; a switch that vanishes;
# unloading. Read by inside.sh.

pktgen=$kmod/pkt-gen

listen() { # listen PORT FILE: a port that counts what it receives
	"$pktgen" -i "$1" -f rx -w 0 >"$2" 2>&1 &
	listeners="$listeners $!"
	sleep 2
}

received() { # received FILE: packets, as the ended listener said
	sed -n 's/^Received \([0-9]*\) packets.*/\1/p; s/^Received nothing.*/0/p' \
		"$1" | tail -n 1
}

send() { # send PORT COUNT
	"$pktgen" -i "$1" -f tx -n "$2" -R 2000 -w 0 -D ff:ff:ff:ff:ff:ff \
		>/tmp/tx 2>&1
}

hang_up() {
	# shellcheck disable=SC2086
	kill -INT $listeners
	# shellcheck disable=SC2086
	wait $listeners
	listeners=
}
listeners=

# round NAME MORE LESS: 500 broadcast frames from a third port; what the one and
# the other of two must get. Which of them has index 1 and which has 2 is netmap's
# choice.
round() {
	local counts
	listen vale0:a /tmp/a
	listen vale0:b /tmp/b
	send vale0:c 500
	sleep 1
	hang_up
	counts=$( (received /tmp/a && received /tmp/b) | sort -rn | tr '\n' ' ')
	if [ "$counts" = "$2 $3 " ]; then
		ok "$1"
	else
		tail -n 3 /tmp/a /tmp/b /tmp/tx >/tmp/out
		not_ok "$1: $counts" /tmp/out
	fi
}

check "netmap" busybox insmod "$kmod/netmap.ko"
check "the runtime and the device" load
refuse "no hook yet" "." "$gebpf" attach vale vale0 name nothing
check "the hook" busybox insmod "$kmod/vale_bpf.ko"
check "programs" "$gebpf" prog loadall build/guest-run/vale_to.bpf.o v
refuse "a switch that is not there" "no switch" \
	"$gebpf" attach vale vale0 name to_1

# A port of ours keeps the switch.
"$pktgen" -i vale0:keep -f rx -w 0 >/tmp/keep 2>&1 &
keep=$!
sleep 2
round "netmap's own bridge: everybody hears a broadcast" 500 500
check "attach" "$gebpf" attach vale vale0 name to_1
refuse "unloading while attached" "unavailable\|busy" busybox rmmod vale_bpf
refuse "a second one" "." "$gebpf" attach vale vale0 name to_2
# the port that stays is 0
round "a program that says 1" 500 0
check "another takes its place" "$gebpf" attach vale vale0 name to_2 replace
round "a program that says 2" 500 0
check "and one that drops" "$gebpf" attach vale vale0 name to_nobody replace
round "a program that drops" 0 0
check "and one that says what is no port" "$gebpf" attach vale vale0 name nonsense replace
round "a program that says 65537" 0 0

detach() { # whatever is attached
	local id
	id=$("$gebpf" -j link show | "$python" -c '
import json, sys
print([l["id"] for l in json.load(sys.stdin)][-1])') &&
		"$gebpf" link detach "$id"
}
python=$(python3 -c 'import sys; print(sys.executable)')

# Replacing and detaching while frames flow.
storm() {
	"$pktgen" -i vale0:s -f tx -w 0 -D ff:ff:ff:ff:ff:ff >/tmp/storm 2>&1 &
	local pid=$! i bad=0
	sleep 2
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$gebpf" attach vale vale0 name to_1 replace || bad=1
		"$gebpf" attach vale vale0 name to_2 replace || bad=1
		detach || bad=1
		"$gebpf" attach vale vale0 name to_ring || bad=1
	done
	kill -INT $pid
	wait $pid
	return $bad
}
listen vale0:a /tmp/a
listen vale0:b /tmp/b
check "40 changes under traffic" storm
hang_up
[ "$(received /tmp/a)" -gt 0 ] && [ "$(received /tmp/b)" -gt 0 ] &&
	ok "$(received /tmp/a) and $(received /tmp/b) frames got through" ||
	not_ok "frames got through" /tmp/a

check "detach" detach
round "netmap's own bridge again" 500 500
check "attach once more" "$gebpf" attach vale vale0 name to_1 pin l
kill -INT $keep
wait $keep
sleep 1
check "the switch went: its link is stale" sees stale "$gebpf" link show
check "unload the hook" busybox rmmod vale_bpf
check "unload the rest" unload
check "unload netmap" busybox rmmod netmap
