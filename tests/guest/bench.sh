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
figures "maps and programs against bpf(2)" build/tests/bench_kernel \
	--rounds 7 ${live:+--live "$live"}
if [ -z "${GUEST_VALE:-}" ]; then
	ok "switches # SKIP no NETMAP=DIR"
	check "unload" unload
	return 0
fi

pktgen=$kmod/pkt-gen
check "netmap" busybox insmod "$kmod/netmap.ko"
check "the hook" busybox insmod "$kmod/vale_bpf.ko"
check "a program" "$gebpf" prog load build/examples/l2_bridge.bpf.o bridge
check "a switch of our own" "$gebpf" vale create vale1

# rate SWITCH: frames a second that arrive behind it, of 60 bytes
rate() {
	local rx tx begin end
	"$pktgen" -i "$1:rx" -f rx -w 0 >/tmp/rx 2>&1 &
	rx=$!
	while ! grep -q "waiting for initial" /tmp/rx; do sleep 0.1; done
	begin=$(date +%s%N)
	"$pktgen" -i "$1:tx" -f tx -w 0 -n 6000000 -D ff:ff:ff:ff:ff:ff \
		>/tmp/tx 2>&1
	end=$(date +%s%N)
	sleep 1
	kill -INT $rx
	wait $rx
	echo "$(sed -n 's/^Received \([0-9]*\) packets.*/\1/p' /tmp/rx | tail -n 1)" \
		$((end - begin)) | awk '{ print $1 * 1000 / $2 }'
}

medians() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

rm -f /tmp/native /tmp/own /tmp/prog /tmp/adopted
for i in 1 2 3; do
	rate vale2 >>/tmp/native
	rate vale1 >>/tmp/own
	"$gebpf" -q attach vale vale1 bridge
	rate vale1 >>/tmp/prog
	"$gebpf" detach vale vale1
done
awk -v n="$(medians </tmp/native)" -v o="$(medians </tmp/own)" \
	-v p="$(medians </tmp/prog)" 'BEGIN {
	printf "# VALE, its own learning bridge            %8.3f Mpps\n", n
	printf "# VALE, ours without a program             %8.3f Mpps, %.2fx\n", o, o / n
	printf "# VALE, l2_bridge.bpf.o                    %8.3f Mpps, %.2fx\n", p, p / n
}' >&3
[ "$(wc -l </tmp/prog)" = 3 ] && ok "frames through switches" ||
	not_ok "frames through switches" /tmp/rx
check "destroy" "$gebpf" vale destroy vale1
check "unload the hook" busybox rmmod vale_bpf
check "unload" unload
