#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The kernel modules in a real kernel: builds them, boots the stock kernel of
# the same version in QEMU, emulated, with this host's files read-only below a
# layer of memory, and runs tests/guest/inside.sh there. TAP on stdout. Skips, and says why, where something is not installed.
#
#   run.sh            what fits into two or three minutes of emulation
#   run.sh --full     every case and every bats file, and whether this suite
#                     notices when a kernel complains
#   run.sh --stress   again and again, for minutes; GUEST_STRESS=500 times,
#                     within about GUEST_SECONDS if that is given
#   run.sh --bench    ratios to what Linux itself has
#   run.sh --vale DIR vale_bpf.ko on a netmap tree that was built, with its
#                     pkt-gen; also behind --stress and --bench
#   run.sh --bats "prog map"      only these of the command's own tests, whole
#   GUEST_SCRIPT=FILE run.sh ...  that, in words of inside.sh, instead of tests
#   GUEST_QEMU="-icount shift=0" run.sh --bench   the guest's clock counts
#                     instructions, so that figures do not depend on the load
#   GUEST_IMAGE=DIR KDIR=DIR run.sh   another kernel, its package unpacked in
#                     DIR, and the headers to build for it
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
work=$top/build/guest-run
limit=${GUEST_TIMEOUT:-400} # of a boot; far more than it takes when idle
parts="modules engine"
full= netmap= stress= bench= compare= bats=
while [ $# -gt 0 ]; do
	case $1 in
	--full)
		full=1
		parts="modules engine selftest"
		limit=${GUEST_TIMEOUT:-3600}
		;;
	--stress)
		stress=${GUEST_STRESS:-500}
		parts=stress
		# with SECONDS it ends by itself: a hang is seen soon after
		limit=${GUEST_TIMEOUT:-$((${GUEST_SECONDS:-2400} * 2 + 600))}
		;;
	--bench)
		bench=1
		parts=bench
		limit=${GUEST_TIMEOUT:-1800}
		;;
	--compare) # no modules, only how this Linux judges our verifier's cases
		compare=1
		parts=compare
		work=$top/build/guest-compare
		;;
	--bats)
		bats=$2
		parts="command"
		limit=${GUEST_TIMEOUT:-3600}
		shift
		;;
	--vale)
		netmap=$(realpath "$2") || exit 1
		case $parts in *modules*)
			parts=vale
			limit=${GUEST_TIMEOUT:-1800}
			;;
		esac
		shift
		;;
	*)
		echo "run.sh: what is $1?" >&2
		exit 2
		;;
	esac
	shift
done

skip() {
	echo "ok 1 - the modules in a guest # SKIP $1"
	echo "1..1"
	exit 0
}

[ "$(uname -m)" = x86_64 ] || skip "only on x86-64 so far"
command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
busybox=$(command -v busybox) || skip "no busybox (busybox-static)"
ldd "$busybox" >/dev/null 2>&1 && skip "busybox is not static (busybox-static)"
release=
for d in /lib/modules/*/build; do
	[ -d "$d" ] && release=$(basename "$(dirname "$d")")
done
[ -n "$release" ] || [ -n "${GUEST_IMAGE:-}" ] ||
	skip "no kernel headers (linux-headers-amd64)"
if [ -n "${GUEST_IMAGE:-}" ]; then
	image=$GUEST_IMAGE
	release=$(basename "$image"/boot/vmlinuz-*)
	release=${release#vmlinuz-}
elif [ -e "$top/build/guest/boot/vmlinuz-$release" ]; then
	image=$top/build/guest
elif [ -r "/boot/vmlinuz-$release" ] && [ -d "/lib/modules/$release/kernel" ]; then
	image=
else
	skip "no kernel linux-image-$release (tests/guest/fetch.sh)"
fi
kernel=$image/boot/vmlinuz-$release

# ---- modules -------------------------------------------------------------

mkdir -p "$work"
[ -x build/gebpf ] && [ -x build/tests/engine_test ] &&
	[ -x build/tests/chardev_test ] && [ -d build/examples ] || {
	echo "not ok 1 - make all tests comes first"
	exit 1
}
if [ -z "$compare" ]; then
if ! make -s kmod KDIR="${KDIR:-/lib/modules/$release/build}" ${netmap:+NETMAP="$netmap"} >"$work/kmod.log" 2>&1; then
	echo "not ok 1 - make kmod"
	tail -n 20 "$work/kmod.log" | sed 's/^/# /'
	exit 1
fi
if grep -i warning "$work/kmod.log" | sed 's/^/# /' | grep .; then
	echo "not ok 1 - make kmod without warnings"
	exit 1
fi
echo "ok 1 - make kmod without warnings"
fi
# Another module, which embeds the runtime, and does wrong when asked to.
case $parts in *modules* | *selftest*)
	mkdir -p "$work/faulty"
	ln -sf "$top"/tests/guest/faulty/* "$work/faulty/"
	if ! make -C "${KDIR:-/lib/modules/$release/build}" M="$work/faulty" \
		TOP="$top" KBUILD_EXTRA_SYMBOLS="$top/build/kmod/Module.symvers" \
		modules >"$work/faulty.log" 2>&1; then
		echo "not ok 2 - a module that embeds the runtime is built"
		tail -n 20 "$work/faulty.log" | sed 's/^/# /'
		exit 1
	fi ;;
esac
# The unit tests of maps as a module.
case $parts in *modules*)
	if ! make -s kmod-tests KDIR="${KDIR:-/lib/modules/$release/build}" \
		>"$work/inside.log" 2>&1; then
		echo "not ok 2 - unit tests are built as a module"
		tail -n 20 "$work/inside.log" | sed 's/^/# /'
		exit 1
	fi ;;
esac
# A copy, so that the next build does not change what the guest loads.
rm -rf "$work/kmod"
mkdir "$work/kmod"
[ -n "$compare" ] || cp build/kmod/*.ko "$work/kmod/"
cp "$work"/faulty/*.ko build/kmod-tests/*.ko "$work/kmod/" 2>/dev/null
if [ -n "$netmap" ]; then
	for f in "$netmap"/LINUX/netmap.ko build/kvale/vale_bpf.ko \
		"$(find "$netmap" -name pkt-gen -type f -perm -1 | head -n 1)"; do
		cp "$f" "$work/kmod/" || {
			echo "not ok 2 - $netmap has no ${f##*/}"
			exit 1
		}
	done
	# there if netmap's applications were built
	cp "$(find "$netmap" -name vale-ctl -type f -perm -1 | head -n 1)" \
		"$work/kmod/" 2>/dev/null
	${BPF_CLANG:-clang} -target bpf -O2 -g -Ilib/bpf -Ilib \
		-c tests/guest/vale_to.bpf.c -o "$work/vale_to.bpf.o" || exit 1
	${CC:-cc} -O2 -Wall -Wextra -I"$netmap/sys" tests/guest/vale_rate.c \
		-o "$work/vale_rate" || exit 1
	make -s vale-tests NETMAP="$netmap" || exit 1
fi

# One that was built for another netmap: without monitors a port is 8 bytes off.
if [ -n "$netmap" ] && [ -z "$bench$stress" ]; then
	make -s kvale KVALE=kvale-wrong NETMAP="$netmap" \
		KDIR="${KDIR:-/lib/modules/$release/build}" \
		SUBSYS="generic null pipe ptnetmap vale" >"$work/kvale.log" 2>&1 &&
		cp build/kvale-wrong/vale_bpf.ko "$work/kmod/vale_wrong.ko" || {
		echo "not ok 2 - a hook for another netmap"
		tail -n 20 "$work/kvale.log" | sed 's/^/# /'
		exit 1
	}
fi

if [ -n "$netmap$bench" ]; then
	f=$(find "$image/lib/modules/$release/kernel" -name veth.ko | head -n 1)
	[ -z "$f" ] || cp "$f" "$work/kmod/"
fi
# Loading is quicker without what only a debugger reads.
strip --strip-debug "$work"/kmod/*.ko 2>/dev/null

# ---- the guest -----------------------------------------------------------

# Emulated everywhere: the same guest on every machine. GUEST_ACCEL=kvm is
# faster where it works. Where races are looked for the two processors have a
# thread each; else they share one, for threads that wait for each other take
# three times as long, more on a busy machine.
accel_of() { # accel_of PART
	case $1 in
	engine | command | compare | fault) echo "${GUEST_ACCEL:-tcg,thread=single}" ;;
	*) echo "${GUEST_ACCEL:-tcg,thread=multi}" ;;
	esac
}

cpus=2
# Kernel and libraries save and use these registers all the time if they are
# there, and each costs an emulator much.
cpu=max,la57=off,-avx,-avx2,-xsave
# Watching memory costs time that a bench would count; caches that are not ours
# need not be watched.
debug="slub_debug=FZPU,kmalloc-*"
[ -z "$bench" ] || debug=

pack() { # pack PART: the initramfs
	rm -rf "$work/root"
	mkdir -p "$work"/root/{bin,dev,proc,sys,lower,over,root,modules}
	cp "$busybox" "$work/root/bin/busybox"
	cp tests/guest/init "$work/root/init"
	chmod 755 "$work/root/init"
	# In an order that satisfies their dependencies.
	for m in virtio_ring virtio virtio_pci_legacy_dev \
		virtio_pci_modern_dev virtio_pci netfs fscache 9pnet \
		9pnet_virtio 9p overlay; do
		f=$(find "$image/lib/modules/$release/kernel" -name "$m.ko" |
			head -n 1)
		if [ -n "$f" ]; then
			cp "$f" "$work/root/modules/"
			echo "$m"
		fi
	done >"$work/root/modules/order"
	cat >"$work/root/guest.env" <<-END
		export GUEST_TOP='$top' GUEST_PART='$1' GUEST_FULL='$full'
		export GUEST_BATS='$bats' GUEST_VALE='$netmap'
		export GUEST_STRESS='$stress' GUEST_SECONDS='${GUEST_SECONDS:-}' GUEST_SCRIPT='${GUEST_SCRIPT:-}'
	END
	(cd "$work/root" && find . | "$busybox" cpio -o -H newc 2>/dev/null |
		gzip -1) >"$work/initramfs.gz"
}

# What must not be in a kernel's log.
complaints='BUG:|BUG |WARNING:|Oops|Call Trace|general protection|INFO: |rcu: .*stall|Slab corruption|ebpf: .*(left|leak)'

boot() { # boot PART [LIMIT]: one guest; its TAP, numbered on from n
	local part=$1 limit=${2:-$limit} begin=$SECONDS accel rc cpus=$cpus
	accel=$(accel_of "$part")
	case ${GUEST_QEMU:-} in *-icount*) accel=tcg,thread=single cpus=1 ;; esac
	pack "$part"
	: >"$work/tap.log"
	: >"$work/console.log"
	# shellcheck disable=SC2086
	timeout -k 5 "$limit" qemu-system-x86_64 ${GUEST_QEMU:-} \
		-nodefaults -nographic -no-reboot -accel "$accel" -cpu $cpu \
		-smp $cpus -m 1024 -kernel "$kernel" \
		-initrd "$work/initramfs.gz" \
		-append "console=ttyS0 panic=-1 oops=panic loglevel=7 \
tsc=reliable clocksource=tsc $debug rcupdate.rcu_cpu_stall_timeout=60 \
watchdog_thresh=60" \
		-virtfs "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap" \
		-serial "file:$work/console.log" -serial "file:$work/tap.log" \
		</dev/null >"$work/qemu.log" 2>&1
	rc=$?
	tr -d '\r' <"$work/tap.log" |
		awk -v n="$n" '/^(not )?ok [0-9]+/ {
			sub(/ok [0-9]+/, "ok " ++n)
		}
		{ print }' >"$work/tap"
	n=$((n + $(grep -cE '^(not )?ok ' "$work/tap")))
	grep -v '^done ' "$work/tap"
	! grep -q '^not ok' "$work/tap" || bad=1
	n=$((n + 1))
	if grep -q '^done ' "$work/tap"; then
		echo "ok $n - $part: the guest came to its end in" \
			"$((SECONDS - begin)) s, $release, $accel"
	else
		bad=1
		echo "not ok $n - $part: the guest did not finish (qemu: exit $rc," \
			"$((SECONDS - begin)) s of $limit)"
		tail -n 40 "$work/console.log" | tr -d '\r' | sed 's/^/# /'
		sed 's/^/# qemu: /' "$work/qemu.log" | head -n 10
	fi
	n=$((n + 1))
	# Also what came after the guest had looked at its own log.
	if grep -aE "$complaints" "$work/console.log" | tr -d '\r' |
		sed 's/^/# /' | grep -a .; then
		bad=1
		echo "not ok $n - $part: nothing in the kernel's log complains"
	else
		echo "ok $n - $part: nothing in the kernel's log complains"
	fi
}

[ -z "${GUEST_SCRIPT:-}" ] || [ "$parts" != "modules engine" ] || parts=modules
n=0 bad=
[ -n "$compare" ] || n=1 # the modules were built
for part in $parts; do
	if [ "$part" = selftest ]; then
		. tests/guest/selftest.sh
	else
		boot "$part"
	fi
done
echo "1..$n"
[ -z "$bad" ]
