# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# vale_bpf.ko on netmap's switches, adopted and our own: who receives what, with
# and without a program; what is shown and counted; replacing and detaching under
# traffic; a switch that vanishes; unloading. Read by inside.sh.

pktgen=$kmod/pkt-gen

# listen PORT FILE [ARGUMENT...]: a port that counts what it receives
listen() {
	local port=$1 file=$2 i
	shift 2
	"$pktgen" -i "$port" -f rx -w 0 "$@" >"$file" 2>&1 &
	listeners="$listeners $!"
	# It says so once the port is open and it waits for frames.
	for i in $(seq 300); do
		grep -q "waiting for initial packets" "$file" && return
		sleep 0.1
	done
}

received() { # received FILE: packets, as the ended listener said
	sed -n 's/^Received \([0-9]*\) packets.*/\1/p; s/^Received nothing.*/0/p' \
		"$1" | tail -n 1
}

send() { # send PORT COUNT [ARGUMENT...]
	local port=$1 count=$2
	shift 2
	"$pktgen" -i "$port" -f tx -n "$count" -R 2000 -w 0 \
		-D ff:ff:ff:ff:ff:ff "$@" >/tmp/tx 2>&1
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

json() { # json EXPRESSION COMMAND...: python about v, what gebpf -j says
	local what=$1
	shift
	"$gebpf" -j "$@" | "$python" -c '
import json, sys
v = json.load(sys.stdin)
if not eval("(" + sys.argv[1] + ")"):
    print("not true:", sys.argv[1], "of", json.dumps(v))
    sys.exit(1)' "$what"
}

index_of() { # index_of SWITCH PORT
	"$gebpf" -j vale show "$1" | "$python" -c '
import json, sys
for p in json.load(sys.stdin)["ports"]:
    if p["name"] == sys.argv[1]:
        print(p["index"])' "$2"
}

leaves() { # leaves SWITCH PORT: after a while it is not there any more
	local i
	for i in $(seq 100); do
		[ -n "$(index_of "$1" "$2")" ] || return 0
		sleep 0.1
	done
	return 1
}
python=$(python3 -c 'import sys; print(sys.executable)')

check "the runtime and the device" load
check "programs" "$gebpf" prog loadall build/guest-run/vale_to.bpf.o v
refuse "no hook yet, and what to do about it" "vale_bpf" \
	"$gebpf" attach vale vale0 name to_1
refuse "no switches yet" "NETMAP=DIR" "$gebpf" vale create vale1
refuse "the hook without netmap" "nknown symbol" busybox insmod "$kmod/vale_bpf.ko"
check "netmap" busybox insmod "$kmod/netmap.ko"
# An interface whose driver netmap does not know is looked after when a frame
# comes: netmap would send on from its timer's interrupt, of which Linux warns.
echo 1000 >/sys/module/netmap/parameters/generic_mit

# A hook that was built for a netmap of other options: nothing the kernel checks
# tells, so it must find out by itself, and touch nothing.
check "a hook for another netmap" busybox insmod "$kmod/vale_wrong.ko"
listen vale9:a /tmp/a
check "is attached" "$gebpf" attach vale vale9 name to_all
send vale9:c 200
sleep 1
check "and says so" sees "netmap of other options" busybox dmesg
check "and detached" "$gebpf" detach vale vale9
hang_up
[ "$(received /tmp/a)" = 0 ] && ok "it lets no frame through" ||
	not_ok "it lets $(received /tmp/a) frames through" /tmp/a
wrong_goes() { # with its last switch
	local i
	for i in $(seq 100); do
		busybox rmmod vale_bpf 2>/tmp/out && return
		sleep 0.1
	done
	cat /tmp/out
	return 1
}
check "it goes" wrong_goes

check "the hook" busybox insmod "$kmod/vale_bpf.ko"
refuse "the hook a second time" "exists" busybox insmod "$kmod/vale_bpf.ko"
refuse "netmap cannot go now" "unavailable\|busy" busybox rmmod netmap
check "no switch yet" json 'v == []' vale show
refuse "a switch that is not there" "no switch" \
	"$gebpf" attach vale vale0 name to_1

# A port of ours keeps the switch.
listen vale0:keep /tmp/keep
keep=$listeners
listeners=
check "shown: who has which index" json 'v[0]["name"] == "vale0" and
	[(p["index"], p["name"], p["kind"], p["rx_frames"])
	 for p in v[0]["ports"]] == [(0, "keep", "netmap", None)]' vale show
refuse "netmap's switch is not ours to destroy" "not made by gebpf" \
	"$gebpf" vale destroy vale0
refuse "nor a program's port" "in use" "$gebpf" vale del vale0 keep
refuse "a name that is taken" "already" "$gebpf" vale create vale0
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
check "and one that broadcasts" "$gebpf" attach vale vale0 name to_all replace
round "a program that says 254" 500 500
check "and one that sends back" "$gebpf" attach vale vale0 name back replace
round "a program that says where it came from" 0 0

# Each verdict was counted, by the ports that have left since.
check "counted: 500 of each kind" json 'v["verdicts"] == {"port": 1500,
	"broadcast": 500, "drop": 500, "invalid": 500, "learned": 0,
	"no_port": 0, "reflected": 500} and v["frames"] == 3000 and
	v["bytes"] == 3000 * 60' vale stats vale0

choose() { # choose PORT RING
	"$gebpf" map update name choice key 0 0 0 0 value "$1" 0 0 0 &&
		"$gebpf" map update name choice key 1 0 0 0 value "$2" 0 0 0
}

# Index N of vale show is where a program that says N sends to.
check "the program that is told" "$gebpf" attach vale vale0 name chosen replace
listen vale0:a /tmp/a
listen vale0:b /tmp/b
for p in a b; do
	check "choose $p" choose "$(index_of vale0 $p)" 0
	send vale0:c 300
	leaves vale0 c
done
check "choose what is no port" choose 77 0
send vale0:c 50
leaves vale0 c
sleep 1
check "counted: nowhere to go" json 'v["verdicts"]["no_port"] == 50' vale stats vale0
hang_up
[ "$(received /tmp/a) $(received /tmp/b)" = "300 300" ] &&
	ok "index N reaches port N" || not_ok "index N: $(received /tmp/a) $(received /tmp/b)" /tmp/a

# Rings: a receiver that has only ring 1 of two; the program's word is taken
# modulo what there is.
check "a port of two rings" listen vale0:r-1 /tmp/a -C 1024,1024,1,2
r=$(index_of vale0 r)
for ring in 0 1 2 3 200 255; do
	choose "${r:-99}" $ring
	send vale0:c 100
	leaves vale0 c
done
sleep 1
hang_up
[ "$(received /tmp/a)" = 300 ] && ok "odd rings, and only they, reach ring 1" ||
	not_ok "odd rings: $(received /tmp/a)" /tmp/a

# Frames that stay in the sender's memory are not for programs.
check "everybody" "$gebpf" attach vale vale0 name to_all replace
drops() {
	"$gebpf" -j vale stats vale0 | "$python" -c '
import json, sys
print(json.load(sys.stdin)["verdicts"]["drop"])'
}
before=$(drops)
listen vale0:a /tmp/a
send vale0:c 200 -I
leaves vale0 c
sleep 1
hang_up
[ "$(received /tmp/a)" = 0 ] && [ "$(drops)" = $((before + 200)) ] &&
	ok "indirect frames are dropped and counted" ||
	not_ok "indirect frames: $(received /tmp/a), $(drops) drops, $before before" /tmp/tx

frames() { # frames SWITCH: that came in
	"$gebpf" -j vale show "$1" | "$python" -c '
import json, sys
print(json.load(sys.stdin)["frames"])'
}

detach() { # whatever is attached
	local id
	id=$("$gebpf" -j link show | "$python" -c '
import json, sys
print([l["id"] for l in json.load(sys.stdin)][-1])') &&
		"$gebpf" link detach "$id"
}

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
went() { # the worker has noticed
	local i
	for i in $(seq 100); do
		sees stale "$gebpf" link show && return
		sleep 0.1
	done
	return 1
}
check "the switch went: its link is stale" went
"$gebpf" link unpin l
check "and stays to be seen, unpinned" json \
	'[l["state"] for l in v] == ["stale"]' link show
refuse "detaching where nothing is" "no switch" "$gebpf" detach vale vale0
check "until it is let go" "$gebpf" link detach \
	"$("$gebpf" -j link show | "$python" -c 'import json,sys; print(json.load(sys.stdin)[0]["id"])')"
check "and is gone" json 'v == []' link show

# ---- a switch of our own ---------------------------------------------------

check "create" "$gebpf" vale create vale1
refuse "create it twice" "already" "$gebpf" vale create vale1
refuse "a name netmap cannot have" "name" "$gebpf" vale create vale1234567890123
refuse "a name that is none" "valid" "$gebpf" vale create bridge1
check "it is there, empty" json 'v["ports"] == [] and v["frames"] == 0' vale show vale1
check "another, whose name begins with that" "$gebpf" vale create vale10
check "it has a port" "$gebpf" vale add vale10 vi:p9
check "both are shown" json '[s["name"] for s in v] == ["vale1", "vale10"]' vale show
check "and it goes again" "$gebpf" vale destroy vale10
check "attach before any port is there" "$gebpf" attach vale vale1 name chosen
refuse "unloading while we own a switch" "unavailable\|busy" busybox rmmod vale_bpf
for generation in 1 2; do
	listen vale1:a /tmp/a
	choose "$(index_of vale1 a)" 0
	send vale1:c 100
	leaves vale1 c
	refuse "destroying it while a program is there" "in use" \
		"$gebpf" vale destroy vale1
	hang_up
	leaves vale1 a
	[ "$(received /tmp/a)" = 100 ] && ok "ports, generation $generation" ||
		not_ok "ports, generation $generation: $(received /tmp/a)" /tmp/a
done
check "the hook survived its ports" json 'v[0]["state"] == "attached"' link show
check "counted over generations" json 'v["verdicts"]["port"] == 200' vale stats vale1

# Its own learning bridge, and back.
check "detach" "$gebpf" detach vale vale1
listen vale1:a /tmp/a
listen vale1:b /tmp/b
send vale1:c 100 -I
leaves vale1 c
send vale1:c 100
leaves vale1 c
hang_up
[ "$(received /tmp/a) $(received /tmp/b)" = "200 200" ] &&
	ok "a broadcast reaches everybody, indirect or not" ||
	not_ok "learning: $(received /tmp/a) $(received /tmp/b)" /tmp/tx
leaves vale1 a
leaves vale1 b
check "counted as learned" json 'v["verdicts"]["learned"] == 200 and
	v["verdicts"]["broadcast"] == 200' vale stats vale1

# Interfaces.
busybox ip link add w0 type veth 2>/dev/null ||
	busybox insmod "$kmod/veth.ko"
busybox ip link add w0 type veth 2>/dev/null
peer=$(basename /sys/class/net/veth*)
busybox ip link set w0 up
busybox ip link set "$peer" up
refuse "a port of what kind" "if:NAME" "$gebpf" vale add vale1 pair:x
refuse "an interface that is not there" "no interface" "$gebpf" vale add vale1 if:nosuch9
refuse "a name of its own" "netmap names" "$gebpf" vale add vale1 vi:p0 name other
refuse "to a switch that is not there" "no switch" "$gebpf" vale add vale7 vi:p0
check "a persistent port" "$gebpf" vale add vale1 vi:p0
check "is an interface" busybox ip link show p0
refuse "and there once" "already" "$gebpf" vale add vale1 vi:p0
if [ -e /sys/class/net/w0 ]; then
	check "a network interface" "$gebpf" vale add vale1 if:w0
	check "and one with its host side" "$gebpf" vale add vale1 "host:$peer"
	check "shown with their kinds" json '{p["name"]: p["kind"] for p in v["ports"]}
		== {"p0": "vi", "w0": "if", "'"$peer"'": "if", "'"$peer"'^": "host"}' \
		vale show vale1
	check "attached once only" refuse_quietly "$gebpf" vale add vale1 if:w0
	# Both ends of a pair are a loop, in which a frame does not end.
	check "remove by name" "$gebpf" vale del vale1 w0
	# What came from the host's side stays counted, but not with whoever gets
	# its index next.
	"$python" -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for i in range(20):
    s.send(b"\xff" * 6 + b"\2\0\0\0\0\7" + b"\x88\xb5" + bytes(46))' "$peer"
	check "frames from the host" json 'max(p["rx_frames"] for p in v["ports"]
		if p["kind"] == "host") >= 20' vale show vale1
	before=$(frames vale1)
	check "remove that one" "$gebpf" vale del vale1 "$peer"
	for p in x y z; do listen vale1:$p /tmp/$p; done
	check "with its host side, whose counts are nobody's now" json \
		'[p["rx_frames"] for p in v["ports"] if p["kind"] == "netmap"]
		== [0, 0, 0] and v["frames"] >= '"$before" vale show vale1
	hang_up
	for p in x y z; do leaves vale1 $p; done
	check "and the other is there again" "$gebpf" vale add vale1 if:w0
else
	check "remove what is not there" refuse_quietly "$gebpf" vale del vale1 w0
fi
check "remove by index" "$gebpf" vale del vale1 "$(index_of vale1 p0)"
check "the interface went with it" refuse_quietly busybox ip link show p0
refuse "remove it again" "no port" "$gebpf" vale del vale1 p0
check "in use at the end" "$gebpf" attach vale vale1 name to_all
check "destroy, with an interface in it" "$gebpf" vale destroy vale1
check "nothing is shown" json 'v == []' vale show
check "nothing is linked" json 'v == []' link show
made=0
for i in $(seq 0 11); do
	"$gebpf" vale create valex$i 2>/tmp/out || break
	made=$((made + 1))
done
[ $made -ge 2 ] && [ $made -lt 12 ] && sees "limit" cat /tmp/out &&
	ok "netmap has room for $made switches, and that is said" ||
	not_ok "room for $made switches" /tmp/out
gone=0
for i in $(seq 0 $((made - 1))); do
	"$gebpf" vale destroy valex$i || gone=1
done
check "all are destroyed" test $gone = 0

# ---- frames of every form ---------------------------------------------------

suite "frames" build/guest-run/vale_frames build/guest-run/vale_to.bpf.o \
	build/libgebpf.a

suite "memory runs out" build/guest-run/vale_fail \
	/sys/module/ebpf/parameters/fail_at
suite "all comes and goes" build/guest-run/vale_churn "$kmod" 8

# ---- an interface that others take away -------------------------------------

if [ -x "$kmod/vale-ctl" ]; then
	listen vale0:a /tmp/a
	check "a port at netmap's own switch" "$gebpf" vale add vale0 vi:q0
	check "netmap takes it out" "$kmod/vale-ctl" -d vale0:q0
	check "and away" "$kmod/vale-ctl" -r q0
	check "it can be made again" "$gebpf" vale add vale0 vi:q0
	check "netmap takes it out again" "$kmod/vale-ctl" -d vale0:q0
	check "another" "$gebpf" vale add vale0 vi:q1
	check "unload the hook" busybox rmmod vale_bpf
	check "the interface went with it" refuse_quietly busybox ip link show q0
	check "so did the other" refuse_quietly busybox ip link show q1
	hang_up
else
	ok "an interface that others take away # SKIP no vale-ctl"
	check "unload the hook" busybox rmmod vale_bpf
fi
check "unload the rest" unload
check "unload netmap" busybox rmmod netmap
