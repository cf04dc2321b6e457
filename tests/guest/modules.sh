# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# ebpf.ko and ebpf_dev.ko: loading and unloading, the command, requests from
# below, failing allocations, another module. Read by inside.sh.

# ---- loading ---------------------------------------------------------------

refuse "no module yet: what to type" "modprobe ebpf_dev" "$gebpf" -t kernel map show
refuse "nor what the device can do" "modprobe ebpf_dev" \
	"$gebpf" -t kernel feature probe
refuse "doctor: what to type" "type: sudo insmod .*/kmod/ebpf.ko" \
	"$gebpf" -t kernel doctor
refuse "the device without the runtime" "nknown symbol" \
	busybox insmod "$kmod/ebpf_dev.ko"
refuse "a parameter with a wrong value" "nvalid" \
	busybox insmod "$kmod/ebpf.ko" mem_max=many

wrong_values() {
	local value
	for value in no_jit=perhaps interp=2 blind=maybe speculation=- mem_max=-1 \
		mem_max=1G insns_processed=4294967296 verify_memory=all \
		verify_time=soon verify_time=-1 fail_at=never; do
		if busybox insmod "$kmod/ebpf.ko" "$value" || ! is_gone; then
			echo "taken: $value"
			return 1
		fi
	done
}
check "nor any other with one" wrong_values

# of_another SED: the modules, what they say of themselves changed
of_another() {
	local name
	mkdir -p /tmp/another
	for name in ebpf ebpf_dev; do
		LC_ALL=C sed "$1" "$kmod/$name.ko" >"/tmp/another/$name.ko" ||
			return 1
		! cmp -s "$kmod/$name.ko" "/tmp/another/$name.ko" || return 1
	done
}
# the release alone counts only for modules without checksums of symbols
check "modules of another kernel" \
	of_another 's/\x00vermagic=.\([^ ]*\) SMP/\x00vermagic=5\1 UMP/'
refuse "are not taken" "nvalid\|format" busybox insmod /tmp/another/ebpf.ko
cp build/kmod/ebpf_dev.ko /tmp/ours.ko
cp /tmp/another/ebpf_dev.ko build/kmod/
refuse "doctor: which they were built for" "were built for 5\..* this is $(uname -r)" \
	"$gebpf" -t kernel doctor
cp /tmp/ours.ko build/kmod/ebpf_dev.ko
check "modules of another release" \
	of_another 's/\(^\|\x00\)version=./\1version=9/'
check "are taken" busybox insmod /tmp/another/ebpf.ko
refuse "doctor: half of it is there" "ebpf is loaded, ebpf_dev is not" \
	"$gebpf" -t kernel doctor
check "the other half" busybox insmod /tmp/another/ebpf_dev.ko
refuse "doctor: that they are not ours" "loaded are those of release 9" \
	"$gebpf" -t kernel doctor
check "and they go" unload
# Emulated, on a busy machine: verification is given more time than it has.
check "the runtime" busybox insmod "$kmod/ebpf.ko" verify_time=60000
refuse "the runtime a second time" "exists" busybox insmod "$kmod/ebpf.ko"
check "the device" busybox insmod "$kmod/ebpf_dev.ko"
refuse "the device a second time" "exists" busybox insmod "$kmod/ebpf_dev.ko"
check "doctor: all is there" sees "^ok *modules " "$gebpf" -t kernel doctor
check "/dev/ebpf is root's alone" \
	test "$(stat -c '%a %U %F' /dev/ebpf)" = "600 root character special file"
check "parameters can be read" test "$(cat /sys/module/ebpf/parameters/interp)" = N
refuse "opening without permission" "permission\|denied" \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$gebpf" -t kernel map show
refuse "doctor: whose it is" "^wrong *node .*ermission" \
	setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$gebpf" -t kernel doctor
check "compiled programs are executable, never writable" sees "never writable" \
	busybox dmesg
minor=$(awk '$2 == "ebpf" { print $1 }' /proc/misc)
mv /dev/ebpf /dev/away
refuse "the node is gone: what to type" "mknod" "$gebpf" -t kernel map show
mknod -m 600 /dev/another c 10 "$minor"
check "and with a new one" "$gebpf" -t kernel:/dev/another map show
rm /dev/another
mv /dev/away /dev/ebpf
exec 9<>/dev/ebpf
refuse "unloading while the device is open" "unavailable\|busy" busybox rmmod ebpf_dev
check "who has it open is told" sees "1 open sessions: [a-z.]* 1" "$gebpf" doctor
refuse "unloading what the device needs" "unavailable\|busy" busybox rmmod ebpf
exec 9>&-

# ---- the command -----------------------------------------------------------

check "the hook is not there: what to type" sees "NETMAP=DIR" "$gebpf" feature probe
refuse "no switches without it" "vale_bpf" "$gebpf" vale create vale0
unset GEBPF_TARGET
check "the kernel is the default target" sees '"home":"kernel"' \
	"$gebpf" -j device show
export GEBPF_TARGET=kernel
check "load" sees "loaded: id" "$gebpf" prog load -j build/examples/l2_bridge.bpf.o
check "compiled" sees '"jited":true' "$gebpf" -j prog show
check "machine code" sees "ret" "$gebpf" prog dump jited name l2_bridge
check "load one with a per-CPU array" sees "loaded: id" "$gebpf" prog load -j \
	build/examples/l2_percpu.bpf.o
check "its copy is found without a call" sees '%gs:' "$gebpf" prog dump jited \
	name l2_percpu
check "unload that" "$gebpf" prog unload name l2_percpu
check "run" sees "Return value: 25[45]" "$gebpf" prog run name l2_bridge \
	data_in hex:ffffffffffff0200000000010800450000000000000000000000
check "what it learned" sees "02 00 00 00 00 01\|02:00:00:00:00:01" \
	"$gebpf" map dump name mac_table
refuse "no interpreter unless allowed" "." "$gebpf" prog load -i \
	build/examples/l2_bridge.bpf.o other
refuse "nor in a test run" "interprets no programs" "$gebpf" prog run \
	name l2_bridge interp \
	data_in hex:ffffffffffff0200000000010800450000000000000000000000
check "maps: create" "$gebpf" map create m type hash key u32 value u64 entries 64 name m
check "maps: update" "$gebpf" map update m key 1 value 18446744073709551615
check "maps: lookup" sees 18446744073709551615 "$gebpf" map lookup m key 1
check "maps: delete" "$gebpf" map delete m key 1
check "maps: unpin" "$gebpf" map unpin m
check "unload" "$gebpf" prog unload name l2_bridge

# ---- requests from below ----------------------------------------------------

suite "requests" build/tests/chardev_test
suite "every request in every wrong form" build/tests/chardev_sweep
suite "waiting, passing, 32 bits" build/tests/chardev_poll_test
suite "arrays in a process's memory" build/tests/chardev_share_test
suite "records at speed" build/tests/flood_test --device kernel --records 200000
suite "maps in a crowd" build/tests/map_crowd_test --device kernel
suite "storm" build/tests/chardev_storm --kills 30
suite "storm, memory runs out" build/tests/chardev_storm --kills 15 --seed 3 \
	--fail-at /sys/module/ebpf/parameters/fail_at
suite "memory runs out" build/tests/chardev_test --fail-at \
	/sys/module/ebpf/parameters/fail_at

suite "memory runs out in every request" build/tests/chardev_sweep --fail-at \
	/sys/module/ebpf/parameters/fail_at

# ---- the runtime in another module ------------------------------------------

check "another module embeds the runtime" busybox insmod "$kmod/faulty.ko" what=embed
check "and says what its program said" sees "embedded: fine, the program says 56" \
	busybox dmesg
check "it goes" busybox rmmod faulty
check "who is pinned is seen by an interrupt, and softirqs wait" \
	busybox insmod "$kmod/faulty.ko" what=pin
check "it goes again" busybox rmmod faulty
check "per-CPU copies are each CPU's own, in processes and softirqs" \
	busybox insmod "$kmod/percpu_runs.ko"
busybox dmesg | sed -n 's/.*percpu_runs: /# kernel, per-CPU copies: /p' >&3
check "it goes as well" busybox rmmod percpu_runs

# ---- again and again -------------------------------------------------------

cycles() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		load || return 1
		"$gebpf" prog load build/examples/pkt_count.bpf.o x >/dev/null || return 1
		unload || return 1
	done
}
# Maps whose memory has come piece by piece, and some of it left again.
growing() {
	local i zeros
	zeros=$(printf '0 %.0s' {1..100})
	echo "map create h type hash key u32 value 100 entries 100000" \
		"flags no_prealloc name h"
	echo "map create t type lpm_trie key 8 value u64 entries 100000" \
		"flags no_prealloc name t"
	for ((i = 0; i < 100; i++)); do
		echo "map update h key $i value $zeros"
		echo "map update t key 32 0 0 0 10 0 $i 1 value 7"
	done
	for ((i = 0; i < 50; i++)); do
		echo "map delete h key $i"
		echo "map delete t key 32 0 0 0 10 0 $i 1"
	done
}
growing >/tmp/growing
check "maps that grew and shrank" "$gebpf" -q batch file /tmp/growing
check "unload with programs and maps pinned" unload
check "nothing of it is left" is_gone

# ---- unit tests, as a module with an engine of its own ------------------------

inside() { # inside TEST
	busybox insmod "$kmod/inside_tests.ko" test="$1" || return 1
	cat /proc/inside_tests
	busybox rmmod inside_tests
}
# the others go on for a minute or two here
for t in queue_test map_in_map_test map_array_test \
	${GUEST_FULL:+map_test map_hash_test map_home_test map_reuse_test \
	map_demand_test lpm_test}; do
	suite "$t inside" inside "$t"
done
check "8 rounds of load, pin, unload" cycles

check "interpreter only, 1 MiB for all" load no_jit=1 mem_max=1048576
check "interpreted" sees "loaded: id" "$gebpf" prog load build/examples/l2_bridge.bpf.o x
check "not compiled" sees '"jited":false' "$gebpf" -j prog show
refuse "memory limit" "limit\|memory" "$gebpf" map create big type array key 4 \
	value 4096 entries 1024 name big
check "unload" unload

check "a limit of verification" load insns_processed=50
refuse "the limit is named" "insns_processed of 50 instructions" \
	"$gebpf" prog load build/examples/l2_bridge.bpf.o x
check "unload" unload
. tests/guest/lockdown.sh
