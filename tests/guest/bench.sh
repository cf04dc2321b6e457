# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Ratios, as all of it is emulated: the device against bpf(2), and with netmap
# an L2 bridge as a program at a VALE switch against VALE's own and Linux's XDP.
# Read by inside.sh; the figures are comments of its TAP.

figures() { # figures NAME COMMAND...: what it prints are figures
	local name=$1
	shift
	if "$@" >/tmp/out 2>&1; then ok "$name"; else not_ok "$name" /tmp/out; fi
	sed 's/^/# /' /tmp/out >&3
}

check "load" load
busybox insmod "$kmod/veth.ko"
busybox ip link add w0 type veth 2>/dev/null
for i in w0 "$(basename /sys/class/net/veth*)"; do
	busybox ip link set "$i" up
done
live=$(cat /sys/class/net/w0/ifindex 2>/dev/null)
peer=$(cat /sys/class/net/w0/iflink 2>/dev/null)
figures "maps and programs against bpf(2)" build/tests/bench_kernel --rounds 7
figures "Linux's XDP bridge" build/tests/bench_xdp --rounds 7 \
	${live:+--live "$live" --peer "$peer"}
if [ -z "${GUEST_VALE:-}" ]; then
	ok "switches # SKIP no NETMAP=DIR"
	check "unload" unload
	return 0
fi

check "netmap" busybox insmod "$kmod/netmap.ko"
check "the hook" busybox insmod "$kmod/vale_bpf.ko"
check "a program" "$gebpf" prog load build/examples/l2_bridge.bpf.o bridge
check "a switch of our own" "$gebpf" vale create vale1

# rate SWITCH MACS FILE: one more line of Mpps and ns into that file
rate() {
	build/guest-run/vale_rate "$1" "$2" 500 >>"$3" 2>>/tmp/rate.err
}

medians() { # medians FILE COLUMN
	cut -d' ' -f"$2" "$1" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for i in 1 2 3 4 5; do
	for macs in 1 2 1024; do
		rate vale2 $macs /tmp/native.$macs
		rate vale1 $macs /tmp/own.$macs
		"$gebpf" -q attach vale vale1 bridge
		rate vale1 $macs /tmp/prog.$macs
		"$gebpf" detach vale vale1
	done
done
for macs in 1 2 1024; do
	for kind in native own prog; do
		echo "$kind $macs $(medians /tmp/$kind.$macs 1)" \
			"$(medians /tmp/$kind.$macs 2)"
	done
done | awk '
	BEGIN {
		name["native"] = "VALE, its own learning bridge"
		name["own"] = "VALE, ours without a program"
		name["prog"] = "VALE, l2_bridge.bpf.o"
	}
	$1 == "native" { base = $3 }
	{ printf "# %-31s %4d MACs %7.3f Mpps %6.0f ns, %.2fx\n",
		name[$1], $2, $3, $4, $3 / base }' >&3
if [ "$(cat /tmp/prog.* | wc -l)" = 15 ] && [ ! -s /tmp/rate.err ]; then
	ok "frames through switches, each received"
else
	not_ok "frames through switches, each received" /tmp/rate.err
fi
check "destroy" "$gebpf" vale destroy vale1
check "unload the hook" busybox rmmod vale_bpf
check "unload" unload
