#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Reads the includes and keeps the house in order: who may include whom, no
# operating system and no C library in abi, core, switch, device, and no two
# source files of one name in lib/ and kmod/. TAP on stdout.
set -u
cd "$(dirname "$0")/.." || exit 1

n=0 bad=0
say() { # say RESULT NAME
	n=$((n + 1))
	if [ -z "$1" ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		printf '%s\n' "$1" | sed 's/^/#   /'
		bad=1
	fi
}

# room ALLOWED-ROOMS...: quoted includes of lib/ROOM must be in those rooms
# (or in the room itself), system includes only the freestanding ones.
room() {
	[ -d "$1" ] || return 0
	where=$1 && shift
	allowed="$*"
	out=$(grep -rnE '^[[:space:]]*#[[:space:]]*include' "$where" \
		--include='*.[ch]' --include='*.def' | while IFS= read -r line; do
		file=${line%%:*}
		what=$(printf '%s\n' "$line" | sed 's/.*include[[:space:]]*//')
		case "$what" in
		'"'*)
			name=${what#\"} && name=${name%%\"*}
			ok=
			for a in $allowed; do
				case "$name" in "$a"*) ok=1 ;; esac
			done
			case "$file:$name" in
			lib/core/os.h:os_impl.h) ok=1 ;;
			lib/client/transport_local.c:device/* | \
				lib/client/transport_local.c:host/* | \
				lib/client/transport_local.c:core/* | \
				lib/client/transport_local.c:switch/* | \
				cmd/device.c:host/server.h) ok=1 ;;
			cmd/bench*.c:bench/* | cmd/bench*.h:bench/* | \
				cmd/prog_bench*:bench/*) ok=1 ;;
			esac
			[ -n "$ok" ] || echo "$line"
			;;
		'<'*)
			case "$where" in
			lib/abi | lib/core | lib/switch | lib/device)
				case "$what" in
				'<stdint.h>'* | '<stddef.h>'* | \
					'<stdbool.h>'* | '<stdarg.h>'*) ;;
				*) echo "$line" ;;
				esac
				;;
			esac
			;;
		esac
	done)
	say "$out" "$where includes only: $allowed"
}

room lib/abi abi/
room lib/core abi/ core/
room lib/switch abi/ core/ switch/
room lib/device abi/ core/ switch/ device/
room lib/host abi/ core/ switch/ device/ host/
room lib/client abi/ client/
room lib/bench abi/ bpf/ core/ switch/ device/ client/ host/ bench/
room cmd abi/ client/ cmd/

say "$(grep -rnE '__linux__|__FreeBSD__|__APPLE__|(^|[^A-Z])_KERNEL\b|__KERNEL__|_WIN32' \
	lib/abi lib/core lib/switch lib/device || :)" \
	"no operating system named in abi, core, switch, device"

say "$(find lib $([ -d kmod ] && echo kmod) -name '*.c' | sed 's|.*/||' | sort | uniq -d)" \
	"file names in lib and kmod are unique"

say "$(git ls-files -- '*.c' '*.h' '*.def' '*.sh' '*.bats' Makefile 2>/dev/null |
	while IFS= read -r f; do
		[ -f "$f" ] && ! head -n 4 "$f" | grep -q SPDX-License-Identifier &&
			echo "$f"
	done)" "every source file names its licence"

echo "1..$n"
exit $bad
