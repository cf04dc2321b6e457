#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The engine on arm64: its tests compiled with a cross compiler, run under an
# emulator. TAP; skips aloud where either is missing.
set -u
cd "$(dirname "$0")/../.." || exit 1
cc=${ARM64_CC:-aarch64-linux-gnu-gcc}
emulator=${ARM64_RUN:-qemu-aarch64}
if ! command -v "$cc" >/dev/null || ! command -v "$emulator" >/dev/null; then
	echo "ok 1 - engine on arm64 # SKIP no $cc or no $emulator"
	echo "1..1"
	exit 0
fi

b=build/arm64
mkdir -p $b
flags="-std=gnu11 -O1 -g -Ilib -Ilib/host -Itests/lib -I. -D_GNU_SOURCE
	-fno-strict-aliasing -w
	-ffunction-sections -Wl,--gc-sections"
sources="lib/core/*.c lib/core/*/*.c lib/host/os_*.c lib/client/asm*.c
	lib/client/insn_rows.c lib/client/disasm.c tests/arm64/no_device.c
	lib/client/gebpf_names.c tests/lib/tap.c tests/lib/unverified.c
	tests/lib/progen*.c tests/lib/frame_maker.c
	tests/lib/jit_lab.c tests/lib/engine_case.c
	tests/lib/interp_switch.c tests/lib/interp_clang.c"
# objects do not know their headers: all anew when one has changed
if [ -n "$(find lib tests/lib -name '*.[hd]*' -newer $b/stamp 2>&1)" ]; then
	rm -f $b/*.o
	touch $b/stamp
fi
# shellcheck disable=SC2086
ls $sources | xargs -P "$(nproc)" -I{} sh -c \
	"o=$b/\$(basename {} .c).o; [ \$o -nt {} ] || $cc $(echo $flags) -c {} -o \$o" ||
	{
		echo "not ok 1 - the engine compiles for arm64"
		echo "1..1"
		exit 1
	}

n=0 bad=0
for t in engine_test fuse_test jit_test jit_inline_test jit_key_test jit_lpm_test jit_lookup_test jit_tail_test jit_image_test typed_run_test jit_diff_test text_diff_test; do
	# shellcheck disable=SC2086
	$cc $flags -static tests/unit/$t.c $b/*.o -lpthread -o $b/$t.bin ||
		echo "not ok - link" >$b/$t.log
	more=
	[ $t = jit_diff_test ] && more="--seconds 6"
	# shellcheck disable=SC2086
	[ -x $b/$t.bin ] && "$emulator" $b/$t.bin $more >$b/$t.log 2>&1
	while IFS= read -r line; do
		case "$line" in
		"ok "* | "not ok "*)
			n=$((n + 1))
			case "$line" in not*) bad=1 ;; esac
			printf '%s\n' "$line" |
				sed -E "s/^(not )?ok [0-9]+ -/\1ok $n - arm64:/"
			;;
		"#"*) printf '%s\n' "$line" ;;
		esac
	done <$b/$t.log
	grep -q '^1\.\.' $b/$t.log || {
		n=$((n + 1)) bad=1
		echo "not ok $n - arm64: $t ran to its end"
	}
done
echo "1..$n"
exit $bad
