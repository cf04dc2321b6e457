# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# A kernel that is locked down: nothing that is not signed can be loaded after
# this, so it comes last. Read by inside.sh.

if grep -q '\[none\]' /sys/kernel/security/lockdown 2>/dev/null ||
	{ busybox mount -t securityfs none /sys/kernel/security 2>/dev/null &&
		grep -q '\[none\]' /sys/kernel/security/lockdown; }; then
	echo integrity >/sys/kernel/security/lockdown
	refuse "locked down: no unsigned module" "permitted\|denied" \
		busybox insmod "$kmod/ebpf.ko"
	refuse "and what to do about it" "sign" "$gebpf" -t kernel map show
else
	ok "locked down # SKIP this kernel has no lockdown"
fi
