#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# make install into a folder, use what is there, make uninstall: nothing stays.
set -u
cd "$(dirname "$0")/../.." || exit 1
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

"$tmp/usr/bin/gebpf" version >/dev/null
ok $? "the installed gebpf says its version"

PKG_CONFIG_PATH="$tmp/usr/lib/pkgconfig"
PKG_CONFIG_SYSROOT_DIR="$tmp"
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
cat >"$tmp/use.c" <<'C'
#include <stdio.h>
#include <client/gebpf.h>
#include <core/ebpf.h>

int
main(void)
{
	struct gebpf_device *device;
	struct gebpf_error err;

	if (gebpf_open("local", 0, &device, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	printf("%u\n", gebpf_hello(device)->cpu_count);
	gebpf_close(device);
	return 0;
}
C
# shellcheck disable=SC2046
cc -Wall -Werror -o "$tmp/use" "$tmp/use.c" \
	$(pkg-config --cflags --libs libgebpf) &&
	LD_LIBRARY_PATH="$tmp/usr/lib" "$tmp/use" >/dev/null
ok $? "a program compiled by pkg-config against libgebpf.so runs"

# shellcheck disable=SC2046
cc -Wall -Werror -o "$tmp/use-static" "$tmp/use.c" \
	$(pkg-config --cflags libgebpf) "$tmp/usr/lib/libgebpf.a" \
	-lelf -lpcap -lpthread && "$tmp/use-static" >/dev/null
ok $? "the same with libgebpf.a"

missing=
for h in $(cd "$tmp/usr/include/gebpf" && find . -name '*.h' ! -path './bpf/*'); do
	echo "#include <$h>" >"$tmp/h.c"
	cc -std=c99 -Wall -Werror -I"$tmp/usr/include/gebpf" -c "$tmp/h.c" \
		-o /dev/null 2>>"$tmp/h.log" || missing="$missing $h"
	printf '#include <%s>\nint main() {}\n' "$h" >"$tmp/h.cc"
	if command -v g++ >/dev/null; then
		g++ -Wall -Werror -I"$tmp/usr/include/gebpf" -c "$tmp/h.cc" \
			-o /dev/null 2>>"$tmp/h.log" || missing="$missing $h(C++)"
	fi
done
[ -z "$missing" ]
ok $? "every installed header stands alone in C99 and C++:$missing"

if command -v mandoc >/dev/null; then
	out=$(mandoc -T lint -W warning "$tmp"/usr/share/man/man?/*)
	[ -z "$out" ]
	ok $? "manual pages are free of lint"
	printf '%s\n' "$out" | sed '/^$/d; s/^/# /'
else
	n=$((n + 1))
	echo "ok $n - manual pages are free of lint # SKIP no mandoc"
fi

make -n check-vale NETMAP= >"$tmp/log" 2>&1 && ! grep -q '^ok' "$tmp/log"
ok $? "make -n shows commands that share its jobs, and runs none"

rm "$tmp"/log "$tmp"/use* "$tmp"/h.*
make -s uninstall DESTDIR="$tmp" prefix=/usr
left=$(find "$tmp" -type f -o -type l)
[ -z "$left" ]
ok $? "make uninstall leaves no file"
printf '%s\n' "$left" | sed '/^$/d; s/^/# /'

echo "1..$n"
exit $bad
