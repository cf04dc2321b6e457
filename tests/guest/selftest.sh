# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Whether this suite notices: guests in which a module (faulty/) does what must
# not be, each of which has to come out red, and for that reason. Read by run.sh.

# notices NAME LIMIT SCRIPT WORDS...: that boot fails, and each of these is said
notices() {
	local name=$1 limit=$2 said words missing=
	printf '%s\n' "$3" >"$work/fault.sh"
	shift 3
	said=$(
		n=0 bad=
		# shellcheck disable=SC2034 # boot hands it to the guest
		GUEST_SCRIPT=$work/fault.sh
		boot fault "$limit"
		echo "verdict: ${bad:-green}"
	)
	grep -qx 'verdict: 1' <<<"$said" || missing="a red verdict"
	for words in "$@"; do
		grep -qE -- "$words" <<<"$said" || missing+=" $words"
	done
	n=$((n + 1))
	if [ -z "$missing" ]; then
		echo "ok $n - selftest: $name is noticed"
	else
		bad=1
		echo "not ok $n - selftest: $name is noticed, but for: $missing"
		tail -n 20 <<<"$said" | sed 's/^/# /'
	fi
}

notices "a warning, an overflow, sleep where none may be, a leak" "$limit" '
	check load load
	for w in warn overflow atomic leak; do
		busybox insmod "$kmod/faulty.ko" what=$w
		busybox rmmod faulty
	done
	check unload unload' \
	'faulty: on purpose' 'BUG kmalloc' 'scheduling while atomic' \
	'ebpf: leak: 1 pieces' 'not ok .*no complaint in the log'
notices "an oops" "$limit" '
	check load load
	busybox insmod "$kmod/faulty.ko" what=oops
	ok "still here"' \
	'did not finish' 'NULL pointer dereference'
# Long enough to boot on a busy machine; the guest itself would wait for ever.
notices "a hang" 45 '
	check load load
	busybox insmod "$kmod/faulty.ko" what=hang
	ok "still here"' \
	'did not finish .qemu: exit 124'
