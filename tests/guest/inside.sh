#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Runs as the first process of the guest (tests/guest/run.sh): the words that
# modules.sh and their like are written in, one of those, and at last a look at
# the kernel's log. TAP goes to the second serial port, everything else to the
# console. Ends the machine.
exec </dev/null >/dev/ttyS0 2>&1
exec 3>/dev/ttyS1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8 NO_COLOR=1
cd "$GUEST_TOP" || exit 1
# What lies in the host's /tmp is not in our way.
case $GUEST_TOP:${GUEST_SCRIPT:-} in
/tmp/* | *:/tmp/*) ;;
*) busybox mount -t tmpfs -o mode=1777 tmp /tmp ;;
esac
busybox ip link set lo up
ln -s /proc/self/fd /dev/fd
kmod=$GUEST_TOP/build/guest-run/kmod
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

# refuse_quietly COMMAND...: it fails, whatever it says
refuse_quietly() { ! "$@"; }

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

sees() { # sees WORDS COMMAND...
	local words=$1
	shift
	"$@" >/tmp/sees 2>&1 && grep -q -- "$words" /tmp/sees || {
		cat /tmp/sees
		return 1
	}
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

# Each is the body of this script: what is tested in this boot.
if [ -n "${GUEST_SCRIPT:-}" ]; then
	# shellcheck source=/dev/null
	. "$GUEST_SCRIPT"
elif [ "$GUEST_PART" = compare ]; then
	suite "Linux's verifier" tests/verify/compare
else
	# shellcheck source=/dev/null
	. "tests/guest/$GUEST_PART.sh"
fi

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
