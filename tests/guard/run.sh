#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Guards against getting slower unnoticed: machine instructions that fixed bits
# of work take, counted by callgrind, and bytes of machine code, each with a
# limit in limits.txt. The same on every machine with the same compiler; they
# say nothing about time, which is bench's. TAP.
#
#   tests/guard/run.sh            compare with the limits
#   tests/guard/run.sh --show     print today's figures beside them
#   tests/guard/run.sh --lower    lower the limits to today's figures and 6 %
#   tests/guard/run.sh --figures [DRIVER]	rows and figures, no more
set -u
cd "$(dirname "$0")/../.." || exit 1
limits=tests/guard/limits.txt
mode=${1:-}
driver=${2:-build/tests/guard}

# What compiled it says gcc 12.2.0 and the like in its .comment.
compiler() {
	readelf -p .comment "$driver" | grep -o 'GCC: ([^)]*) [0-9]*' |
		sort -u | sed 's/.* /gcc /'
}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
died() {
	sed 's/^/# /' "$out/errors"
	echo "not ok 1 - what is counted runs"
	echo "1..1"
	exit 1
}

# Sizes without valgrind, which puts things where constants are shorter.
"$driver" >"$out/rows" 2>"$out/errors" || died

skip=
if ! command -v valgrind >/dev/null; then
	skip="no valgrind"
elif [ "$(uname -m)" != x86_64 ]; then
	skip="limits are for x86-64"
elif [ "$(compiler)" != "$(sed -n 's/^# compiler: //p' $limits)" ]; then
	skip="limits are for another compiler than $(compiler)"
elif ! grep -qx "flags $(sed -n 's/^# flags: //p' $limits)" "$out/rows"; then
	skip="limits are for other flags"
fi

if [ -z "$skip" ]; then
	valgrind --tool=callgrind --toggle-collect=counted \
		--dump-after=counted --callgrind-out-file="$out/counts" \
		"$driver" >/dev/null 2>"$out/errors" || died
fi

# NAME FIGURE: rows in order of the files that callgrind numbered
n=0
while read -r what name operations minus; do
	case $what in
	size) echo "size_$name $operations" ;;
	count)
		n=$((n + 1))
		[ -n "$skip" ] || echo "$name $operations $minus" \
			"$(sed -n 's/^totals: //p' "$out/counts.$n")"
		;;
	esac
done <"$out/rows" | awk '
	NF == 2 { print; next }
	{
		each[$1] = $4 / $2
		printf "%s %.2f\n", $1, each[$1] - ($3 == "-" ? 0 : each[$3])
	}' >"$out/figures"

case $mode in
--figures)
	cat "$out/figures"
	[ -z "$skip" ]
	exit
	;;
--show)
	[ -z "$skip" ] || echo "sizes only: $skip"
	printf '%-28s %12s %12s %6s\n' "instructions or bytes" today limit %
	awk 'NR == FNR { if (/^[a-z]/) limit[$1] = $2; next }
		{ printf "%-28s %12s %12s %6.1f\n", $1, $2, limit[$1],
			limit[$1] ? $2 * 100 / limit[$1] : 0 }' \
		$limits "$out/figures"
	exit 0
	;;
--lower)
	if [ -n "$skip" ]; then
		echo "guard: $skip"
		exit 1
	fi
	{
		grep '^#' $limits
		awk 'NR == FNR { if (/^[a-z]/) limit[$1] = $2; next }
			{
				new = $2 * 1.06
				new = new < 10 ? sprintf("%.1f", new + 0.3) : \
					sprintf("%.0f", new + 0.5)
				if (/^size_/)
					new = sprintf("%.0f", $2 * 1.03 + 0.5)
				if (limit[$1] != "" && limit[$1] + 0 < new + 0)
					new = limit[$1]
				printf "%-28s %10s\n", $1, new
			}' $limits "$out/figures"
	} >"$out/new"
	cp "$out/new" $limits
	exit 0
	;;
esac

awk -v skip="$skip" '
	function ok(good, text) {
		printf "%sok %d - %s\n", good ? "" : "not ", ++n, text
		bad += !good
	}
	NR == FNR { if (/^[a-z]/) { limit[$1] = $2; order[++rows] = $1 } next }
	{ figure[$1] = $2 }
	END {
		for (i = 1; i <= rows; i++) {
			name = order[i]
			what = name ~ /^size_/ ? "bytes" : "instructions"
			if (name in figure)
				ok(figure[name] + 0 <= limit[name] + 0,
					sprintf("%s: %s %s, limit %s", name,
					figure[name], what, limit[name]))
			else if (skip == "")
				ok(0, name " is not counted any more")
		}
		for (name in figure)
			if (!(name in limit))
				ok(0, name " has no limit: " figure[name])
		if (skip != "")
			printf "ok %d - instruction counts # SKIP %s\n", ++n, \
				skip
		printf "1..%d\n", n
		exit bad > 0
	}' $limits "$out/figures"
