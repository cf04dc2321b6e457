#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# How tests/demo/capture/*.pcap were made: three hosts in network namespaces
# behind a Linux bridge; on each host tcpdump records only what that host sends.
# So host N's file is exactly what a switch receives on port N. Needs root,
# iproute2, ethtool, tcpdump, python3 and curl. Run by hand, never by tests.
set -eu
out=${1:-$(dirname "$0")/capture}
tmp=$(mktemp -d)
trap 'for h in a b c; do ip netns del gebpf-$h 2>/dev/null || :; done
	ip netns del gebpf-sw 2>/dev/null || :; rm -rf "$tmp"' EXIT

ip netns add gebpf-sw
ip -n gebpf-sw link add br0 type bridge stp_state 0 mcast_snooping 0
ip netns exec gebpf-sw sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip -n gebpf-sw link set br0 up
n=0
for h in a b c; do
	n=$((n + 1))
	ip netns add gebpf-$h
	ip link add eth0 netns gebpf-$h address 02:00:00:00:00:0$n \
		type veth peer name port$n netns gebpf-sw
	ip -n gebpf-sw link set port$n master br0 up
	ip netns exec gebpf-$h ethtool -K eth0 tso off gso off gro off tx off \
		>/dev/null 2>&1
	ip netns exec gebpf-sw ethtool -K port$n tso off gso off gro off tx off \
		>/dev/null 2>&1
	ip -n gebpf-$h link set lo up
	ip -n gebpf-$h link set eth0 up
	ip netns exec gebpf-$h tcpdump -q -Z root -i eth0 -Q out -s 0 -U \
		-w "$tmp/host_$h.pcap" 2>/dev/null &
done
sleep 1
n=0
for h in a b c; do
	n=$((n + 1))
	ip -n gebpf-$h addr add 10.0.0.$n/24 dev eth0
	ip -n gebpf-$h addr add fd00::$n/64 dev eth0 nodad
done
sleep 2

mkdir "$tmp/www"
head -c 12000 "$0" /dev/zero 2>/dev/null | head -c 12000 > "$tmp/www/v4.bin"
seq 1 1500 > "$tmp/www/v6.txt"
for h in a b; do
	(cd "$tmp/www" && exec ip netns exec gebpf-$h \
		python3 -m http.server -b :: 8000 >/dev/null 2>&1) &
done
sleep 1
ip netns exec gebpf-a ping -q -c 2 -i 0.2 10.0.0.2 >/dev/null
ip netns exec gebpf-b curl -s -o /dev/null http://10.0.0.1:8000/v4.bin
ip netns exec gebpf-c ping -q -c 2 -i 0.2 fd00::1 >/dev/null
ip netns exec gebpf-c curl -s -o /dev/null 'http://[fd00::2]:8000/v6.txt'
ip netns exec gebpf-a curl -s -o /dev/null http://10.0.0.2:8000/v6.txt &
ip netns exec gebpf-c curl -s -o /dev/null http://10.0.0.1:8000/v4.bin
wait $!
# A question to everybody that nobody answers, and a host that is not there.
ip netns exec gebpf-b ping -q -c 1 -b -W 1 10.0.0.255 >/dev/null 2>&1 || :
ip netns exec gebpf-c ping -q -c 1 -W 1 10.0.0.9 >/dev/null 2>&1 || :
sleep 1
for p in $(ip netns pids gebpf-a; ip netns pids gebpf-b; ip netns pids gebpf-c)
do
	kill "$p" 2>/dev/null || :
done
sleep 1
mkdir -p "$out"
cp "$tmp"/host_*.pcap "$out"/
ls -l "$out"
