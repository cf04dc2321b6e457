#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Installs the Debian packages that are missing; silent when nothing is. Needs
# root (or sudo) only if something has to be installed. On other systems it
# only says which commands it did not find.
set -eu

# Needed to build and for the demo and tests.
need="gcc make clang libc6-dev linux-libc-dev pkg-config libelf-dev
	libjansson-dev libyaml-dev libreadline-dev libpcap-dev bats python3
	iproute2 mandoc"
# Makes more tests run; they skip aloud without it.
want="clang-19 bpftool valgrind qemu-user gcc-aarch64-linux-gnu
	libc6-dev-arm64-cross qemu-system-x86 busybox-static python3-yaml
	linux-headers-$(dpkg \
	--print-architecture 2>/dev/null || echo amd64)"

if ! command -v dpkg-query >/dev/null 2>&1; then
	for c in cc make clang pkg-config bats python3 mandoc; do
		command -v $c >/dev/null 2>&1 || echo "deps: no '$c' found" >&2
	done
	exit 0
fi

missing() {
	for p in "$@"; do
		dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null |
			grep -q 'ok installed' || printf '%s ' "$p"
	done
}

# shellcheck disable=SC2086
m=$(missing $need) w=$(missing $want)

# Last: the kernel that tests/guest boots is no package to install.
finish() {
	"$(dirname "$0")/guest/fetch.sh"
	exit 0
}
[ -n "$m$w" ] || finish

sudo=
if [ "$(id -u)" != 0 ]; then
	if [ -z "$m" ]; then
		finish # optional ones only: not worth a password
	fi
	if ! command -v sudo >/dev/null 2>&1; then
		echo "deps: missing packages: $m" >&2
		echo "deps: install them as root: apt-get install $m" >&2
		exit 1
	fi
	sudo=sudo
fi

export DEBIAN_FRONTEND=noninteractive
echo "deps: installing $m$w"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$sudo apt-get update >"$log" 2>&1 || :
# shellcheck disable=SC2086
if [ -n "$m" ] && ! $sudo apt-get install -y --no-install-recommends $m \
	>"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "deps: could not install: $m" >&2
	exit 1
fi
for p in $w; do
	$sudo apt-get install -y --no-install-recommends "$p" >"$log" 2>&1 ||
		echo "deps: no package $p here; the tests that want it will skip"
done
finish
