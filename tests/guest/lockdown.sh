# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Kernels that take no module of ours: nothing can be loaded after this, so it
# comes last. Read by inside.sh.

if echo Y >/sys/module/module/parameters/sig_enforce; then
	check "signed modules only: not ours" \
		refuse_quietly busybox insmod "$kmod/ebpf.ko"
	refuse "doctor: what to do about it" "takes signed modules only" \
		"$gebpf" -t kernel doctor
	refuse "any command as well" "sign" "$gebpf" -t kernel prog show
else
	ok "signed modules only # SKIP this kernel checks none"
fi
if grep -q '\[none\]' /sys/kernel/security/lockdown 2>/dev/null ||
	{ busybox mount -t securityfs none /sys/kernel/security 2>/dev/null &&
		grep -q '\[none\]' /sys/kernel/security/lockdown; }; then
	echo integrity >/sys/kernel/security/lockdown
	refuse "locked down: no unsigned module" "permitted\|denied\|rejected" \
		busybox insmod "$kmod/ebpf.ko"
	refuse "and what to do about it" "sign" "$gebpf" -t kernel map show
	refuse "doctor knows the word" "locked down (none \[integrity\]" \
		"$gebpf" -t kernel doctor
else
	ok "locked down # SKIP this kernel has no lockdown"
fi

if echo 1 >/proc/sys/kernel/modules_disabled; then
	check "no modules any more" \
		refuse_quietly busybox insmod "$kmod/ebpf.ko"
	refuse "doctor: not until the next boot" "booted anew" \
		"$gebpf" -t kernel doctor
else
	not_ok "modules can be disabled"
fi
