# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Again and again, for minutes: loading and unloading, processes killed in the
# middle, allocations failing, and with netmap programs coming and going at its
# switches while frames flow. Read by inside.sh; GUEST_STRESS is how many times
# the modules are loaded and how many processes are killed. With GUEST_SECONDS
# each part does as much of that as its share of the time allows, and says how
# much it was.

# share PERCENT: from here on, so much of the time
share() { until=$((SECONDS + ${GUEST_SECONDS:-0} * $1 / 100)); }
is_time() { [ -z "${GUEST_SECONDS:-}" ] || [ $SECONDS -lt $until ]; }

# What the kernel holds and does not give back by itself, KiB.
held() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|VmallocUsed|Percpu):/ { n += $2 } END { print n }' \
		/proc/meminfo
}

# round: both modules, and every fifth time something in them, or parameters
round_trip() {
	case $(($1 % 10)) in
	0) load || return 1
		"$gebpf" prog load build/examples/pkt_count.bpf.o x >/dev/null || return 1
		;;
	3) load interp=1 mem_max=1048576 || return 1 ;;
	5) load || return 1
		"$gebpf" map create m type lru_hash key 4 value 64 entries 4096 name m ||
			return 1
		;;
	7) busybox insmod "$kmod/ebpf.ko" no_jit=1 && busybox rmmod ebpf
		return
		;;
	*) load || return 1 ;;
	esac
	unload
}

rounds() {
	done=0
	while [ $done -lt "$1" ]; do
		is_time || [ $done -lt 20 ] || break
		round_trip $done || { echo "round $done"; return 1; }
		done=$((done + 1))
	done
}

# storms NAME SEED ARGUMENT...: all at once, or some at a time while there is time
storms() {
	local name=$1 seed=$2
	shift 2
	if [ -z "${GUEST_SECONDS:-}" ]; then
		suite "$name" build/tests/chardev_storm --kills "$GUEST_STRESS" \
			--seed "$seed" "$@"
		return
	fi
	while :; do
		suite "$name" build/tests/chardev_storm --kills 20 \
			--seed "$seed" "$@"
		seed=$((seed + 1))
		is_time || break
	done
}

share 0
check "20 rounds of loading and unloading" rounds 20
before=$(held)
begin=$SECONDS
share 30
check "load and unload, again and again" rounds "$GUEST_STRESS"
echo "# kernel: loaded and unloaded $done times" >&3
after=$(held)
echo "# kernel: $((SECONDS - begin)) s; $before KiB held before, $after after" >&3
# A leak of 8 KiB each time shows.
if [ $((after - before)) -lt $((done * 8 + 512)) ]; then
	ok "memory is as it was"
else
	not_ok "memory: $before KiB before, $after after" /proc/meminfo
fi

check "load" load
share 15
storms "storm" 1 --workers 4
share 15
storms "storm, more of them" 77 --workers 12
share 15
storms "storm, memory runs out" 5 --workers 4 \
	--fail-at /sys/module/ebpf/parameters/fail_at
check "unload" unload
check "nothing is left" is_gone

[ -n "${GUEST_VALE:-}" ] || {
	ok "attaching under traffic # SKIP no NETMAP=DIR"
	return 0
}

# ---- with netmap -----------------------------------------------------------

pktgen=$kmod/pkt-gen
traffic() { # traffic PORT ARGUMENT...: frames until the end
	local port=$1
	shift
	"$pktgen" -i "$port" -w 0 "$@" >/tmp/traffic."${port/:/-}" 2>&1 &
	pids="$pids $!"
}

check "netmap" busybox insmod "$kmod/netmap.ko"
check "load" load
check "the hook" busybox insmod "$kmod/vale_bpf.ko"
check "programs" "$gebpf" prog loadall build/guest-run/vale_to.bpf.o v
check "a switch of our own" "$gebpf" vale create vale1
pids=
for s in vale0 vale1; do
	traffic $s:tx -f tx -D ff:ff:ff:ff:ff:ff -R 20000
	traffic $s:rx -f rx
done
sleep 3

changes() {
	local bad=0 s
	done=0
	while [ $done -lt "$1" ]; do
		is_time || [ $done -lt 5 ] || break
		done=$((done + 1))
		for s in vale0 vale1; do
			"$gebpf" -q attach vale $s name to_1 || bad=1
			"$gebpf" -q attach vale $s name to_all replace || bad=1
			"$gebpf" -q attach vale $s name nonsense replace || bad=1
			"$gebpf" detach vale $s || bad=1
		done
		"$gebpf" -j vale stats >/dev/null || bad=1
	done
	return $bad
}
share 10
check "programs come and go at two switches under traffic" \
	changes $((GUEST_STRESS / 20 + 1))
echo "# kernel: $((done * 8)) changes" >&3
# The storm attaches to both as well.
"$gebpf" unpin v >/dev/null 2>&1
share 10
storms "storm, with frames flowing" 9 --workers 3
# shellcheck disable=SC2086
kill -INT $pids
# shellcheck disable=SC2086
wait $pids
grep -h "^Received\|^Sent" /tmp/traffic.* | sed 's/^/# /' >&3
"$gebpf" vale destroy vale1 2>/dev/null

# Ports, switches, programs and the modules themselves come and go.
seed=1
churn=$((GUEST_STRESS / 10 + 1))
[ -z "${GUEST_SECONDS:-}" ] || churn=20
share 20
while :; do
	suite "all comes and goes" build/guest-run/vale_churn "$kmod" \
		"$churn" $seed
	seed=$((seed + 1))
	[ -n "${GUEST_SECONDS:-}" ] && is_time || break
done
gone() { # the hook's last use goes by itself
	local i
	for i in $(seq 100); do
		busybox rmmod vale_bpf 2>/tmp/out && return
		sleep 0.1
	done
	cat /tmp/out
	return 1
}
check "unload the hook" gone
check "unload" unload
check "unload netmap" busybox rmmod netmap
check "nothing is left" is_gone
