#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Runs as the first process of the guest (tests/guest/run.sh): loads the modules,
# tests them, unloads them, looks at the kernel's log. TAP goes to the second
# serial port, everything else to the console. Ends the machine.
#
# What takes long in emulation runs only with GUEST_FULL: all but three of the
# command's own tests, engine cases with the interpreter.
exec </dev/null >/dev/ttyS0 2>&1
exec 3>/dev/ttyS1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8 NO_COLOR=1
cd "$GUEST_TOP" || exit 1
mount -t tmpfs tmp /tmp
busybox ip link set lo up
ln -s /proc/self/fd /dev/fd
kmod=$GUEST_TOP/build/kmod
gebpf=$GUEST_TOP/build/gebpf
export GEBPF_TARGET=kernel GEBPF_TEST_TARGET=kernel GEBPF_KMOD=$kmod
count=0

ok() { # ok NAME
	count=$((count + 1))
	echo "ok $count - kernel: $1" >&3
}

not_ok() { # not_ok NAME FILE
	count=$((count + 1))
	echo "not ok $count - kernel: $1" >&3
	if [ -n "${2:-}" ]; then tail -n 15 "$2" | sed 's/^/# /' >&3; fi
}

# check NAME COMMAND...: it succeeds
check() {
	local name=$1
	shift
	if "$@" >/tmp/out 2>&1; then ok "$name"; else not_ok "$name" /tmp/out; fi
}

# refuse NAME WORDS COMMAND...: it fails and says why
refuse() {
	local name=$1 words=$2
	shift 2
	if ! "$@" >/tmp/out 2>&1 && grep -q -- "$words" /tmp/out; then
		ok "$name"
	else
		not_ok "$name" /tmp/out
	fi
}

# suite NAME COMMAND...: its TAP becomes ours; skips stay visible
suite() {
	local name=$1 begin=$SECONDS rc seen
	shift
	"$@" >/tmp/suite 2>&1
	rc=$?
	echo "# kernel, $name: $((SECONDS - begin)) s" >&3
	awk -v n="$count" -v name="$name" '
		/^(not )?ok / {
			word = /^not/ ? "not ok" : "ok"
			sub(/^(not )?ok [0-9]+( -)? */, "")
			print word " " ++n " - kernel, " name ": " $0
		}
		/^#/' /tmp/suite >&3
	seen=$(grep -cE '^(not )?ok ' /tmp/suite)
	count=$((count + seen))
	if [ $rc != 0 ] && ! grep -q '^not ok' /tmp/suite; then
		not_ok "$name ends well (exit $rc)" /tmp/suite
	fi
	[ "$seen" -gt 0 ] || not_ok "$name says anything" /tmp/suite
}

load() { # load [PARAMETER=VALUE...]: both modules
	busybox insmod "$kmod/ebpf.ko" "$@" && busybox insmod "$kmod/ebpf_dev.ko"
}

unload() {
	busybox rmmod ebpf_dev && busybox rmmod ebpf
}

is_gone() { ! grep -q '^ebpf' /proc/modules && [ ! -e /dev/ebpf ]; }

log_size() { busybox dmesg | wc -l; }

echo "# kernel: up after $(cut -d' ' -f1 /proc/uptime) s," \
	"$(uname -r), $(cat /sys/devices/system/cpu/vulnerabilities/spectre_v2)" >&3
first_line=$(log_size)

# ---- loading ---------------------------------------------------------------

refuse "the device without the runtime" "nknown symbol" \
	busybox insmod "$kmod/ebpf_dev.ko"
refuse "a parameter with a wrong value" "nvalid" \
	busybox insmod "$kmod/ebpf.ko" mem_max=many
check "the runtime" busybox insmod "$kmod/ebpf.ko"
refuse "the runtime a second time" "exists" busybox insmod "$kmod/ebpf.ko"
check "the device" busybox insmod "$kmod/ebpf_dev.ko"
refuse "the device a second time" "exists" busybox insmod "$kmod/ebpf_dev.ko"
check "/dev/ebpf is root's alone" \
	test "$(stat -c '%a %U %F' /dev/ebpf)" = "600 root character special file"
check "parameters can be read" test "$(cat /sys/module/ebpf/parameters/interp)" = N
refuse "opening without permission" "permission\|denied" \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$gebpf" -t kernel map show
exec 9<>/dev/ebpf
refuse "unloading while the device is open" "unavailable\|busy" busybox rmmod ebpf_dev
refuse "unloading what the device needs" "unavailable\|busy" busybox rmmod ebpf
exec 9>&-

# ---- the command -----------------------------------------------------------

sees() { # sees WORDS COMMAND...
	local words=$1
	shift
	"$@" >/tmp/sees 2>&1 && grep -q -- "$words" /tmp/sees || {
		cat /tmp/sees
		return 1
	}
}

unset GEBPF_TARGET
check "the kernel is the default target" sees '"home":"kernel"' \
	"$gebpf" -j device show
export GEBPF_TARGET=kernel
check "load" sees "loaded: id" "$gebpf" prog load -j build/examples/l2_bridge.bpf.o
check "compiled" sees '"jited":true' "$gebpf" -j prog show
check "machine code" sees "ret" "$gebpf" prog dump jited name l2_bridge
check "run" sees "Return value: 25[45]" "$gebpf" prog run name l2_bridge \
	data_in hex:ffffffffffff0200000000010800450000000000000000000000
check "what it learned" sees "02 00 00 00 00 01\|02:00:00:00:00:01" \
	"$gebpf" map dump name mac_table
refuse "no interpreter unless allowed" "." "$gebpf" prog load -i \
	build/examples/l2_bridge.bpf.o other
check "maps: create" "$gebpf" map create m type hash key u32 value u64 entries 64 name m
check "maps: update" "$gebpf" map update m key 1 value 18446744073709551615
check "maps: lookup" sees 18446744073709551615 "$gebpf" map lookup m key 1
check "maps: delete" "$gebpf" map delete m key 1
check "maps: unpin" "$gebpf" map unpin m
check "unload" "$gebpf" prog unload name l2_bridge

# ---- the same cases as in a process ----------------------------------------

suite "engine cases, jit" build/tests/engine_test --device kernel
suite "requests" build/tests/chardev_test
suite "memory runs out" build/tests/chardev_test --fail-at \
	/sys/module/ebpf/parameters/fail_at

# ---- again and again -------------------------------------------------------

cycles() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		load || return 1
		"$gebpf" prog load build/examples/pkt_count.bpf.o x >/dev/null || return 1
		unload || return 1
	done
}
check "unload with programs and maps pinned" unload
check "nothing of it is left" is_gone
check "8 rounds of load, pin, unload" cycles

check "interpreter only, 1 MiB for all" load no_jit=1 mem_max=1048576
check "interpreted" sees "loaded: id" "$gebpf" prog load build/examples/l2_bridge.bpf.o x
check "not compiled" sees '"jited":false' "$gebpf" -j prog show
refuse "memory limit" "limit\|memory" "$gebpf" map create big type array key 4 \
	value 4096 entries 1024 name big
[ -z "${GUEST_FULL:-}" ] || suite "engine cases, interpreter" build/tests/engine_test --device kernel
check "unload" unload

# ---- the command's own tests -----------------------------------------------

export GEBPF_TARGET=kernel
if [ -n "${GUEST_BATS:-}" ]; then
	files=$GUEST_BATS filter=.
elif [ -n "${GUEST_FULL:-}" ]; then
	files=$(ls tests/cli/*.bats) filter=.
else
	files=tests/cli/map.bats filter='update, lookup|per-CPU|prog arrays'
fi
check "load for the command's tests" load interp=1
for f in $files; do
	suite "$(basename "$f")" bats --tap -f "$filter" "$f"
done
check "unload after the command's tests" unload
check "nothing is left" is_gone

# ---- what the kernel says --------------------------------------------------

busybox dmesg | tail -n +$((first_line + 1)) >/tmp/dmesg
if grep -E 'BUG|WARNING|Oops|Call Trace|INFO: |general protection|corruption|[Ll]eak' \
	/tmp/dmesg >/tmp/out; then
	not_ok "no complaint in the log" /tmp/out
else
	ok "no complaint in the log"
fi
# What of the log is neither ours nor about loading.
grep -vE 'ebpf|Unknown symbol|audit|random' /tmp/dmesg | head -n 10 | sed 's/^/# log: /' >&3
echo "done $count" >&3
sync
sleep 0.3
busybox poweroff -f
