#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The stock kernel that the guest boots, of the version whose headers are
# installed: its package is downloaded and unpacked into build/guest, never
# installed. Called by tests/deps.sh; needs no root. Silent when it is there
# or cannot be had (run.sh then skips and says why).
cd "$(dirname "$0")/../.." || exit 1

for d in /lib/modules/*/build; do
	[ -d "$d" ] && release=$(basename "$(dirname "$d")")
done
[ -n "${release:-}" ] || exit 0
[ ! -e "/boot/vmlinuz-$release" ] || [ ! -d "/lib/modules/$release/kernel" ] ||
	exit 0
[ ! -e "build/guest/boot/vmlinuz-$release" ] || exit 0
command -v apt-get >/dev/null 2>&1 || exit 0

echo "deps: downloading linux-image-$release for the guest"
rm -rf build/guest.part
mkdir -p build/guest.part
(
	cd build/guest.part &&
		apt-get -q download "linux-image-$release" >apt.log 2>&1 &&
		dpkg -x linux-image-*.deb . && rm -f linux-image-*.deb
) || {
	echo "deps: no package linux-image-$release; the guest suite will skip"
	exit 0
}
rm -rf build/guest
mv build/guest.part build/guest
