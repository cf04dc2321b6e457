#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The embedding example against libebpf as it is installed: shared and static,
# found by pkg-config, with no other library of ours and no engine header but
# the public one.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0
ok() { # ok STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2" && bad=1; fi
}

make -s install DESTDIR="$tmp" prefix=/usr >"$tmp/log" 2>&1
ok $? "make install"
sed 's/^/# /' "$tmp/log"

PKG_CONFIG_PATH="$tmp/usr/lib/pkgconfig"
PKG_CONFIG_SYSROOT_DIR="$tmp"
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
cat >"$tmp/expected" <<'OUT'
job 0: 30, priority 5
job 1: 10, priority 5
job 2: 50, priority 5
total 90
OUT

cd "$tmp" || exit 1
for cc in "${CC:-cc} -std=c99" "${CC:-cc} -std=gnu11" clang; do
	command -v "${cc%% *}" >/dev/null || continue
	# shellcheck disable=SC2046,SC2086
	$cc -Wall -Wextra -Werror -o embed "$top/tests/embed/embed.c" \
		$(pkg-config --cflags --libs libebpf) &&
		LD_LIBRARY_PATH="$tmp/usr/lib" ./embed >out && cmp out expected
	ok $? "$cc, libebpf.so"
done

# shellcheck disable=SC2046
cc -o embed-static "$top/tests/embed/embed.c" \
	$(pkg-config --cflags libebpf) "$tmp/usr/lib/libebpf.a" -lpthread &&
	./embed-static >out && cmp out expected
ok $? "libebpf.a"

foreign=$(LD_LIBRARY_PATH="$tmp/usr/lib" ldd "$tmp/usr/lib/libebpf.so" |
	grep -E 'elf|pcap|jansson|yaml|readline' || :)
[ -z "$foreign" ]
ok $? "libebpf needs the C library alone: $foreign"

echo "1..$n"
exit $bad
