# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# For all tests of the command: a device of their own in a temporary folder,
# and words for what is checked again and again. Needs build/gebpf and the
# examples; B names another build folder.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
build=$top/${B:-build}
examples=$top/build/examples
captures=$top/tests/demo/capture
# python itself, not a shim that looks for it anew each time
: "${PY:=$(python3 -c 'import sys; print(sys.executable)')}"
export PY

# Once per file: a folder and an embedded device that listens there.
device_setup() {
	export DIR=$(mktemp -d "${TMPDIR:-/tmp}/gebpf-cli.XXXXXX")
	export GEBPF_TARGET=embedded:$DIR/device.sock NO_COLOR=1
	export PATH=$build:$PATH
	judge_start
	if [ "${GEBPF_TEST_TARGET:-embedded}" = kernel ]; then
		GEBPF_TARGET=kernel
		device_clear # of what another file has left
		return
	fi
	gebpf -q device start
}

device_teardown() {
	[ "$GEBPF_TARGET" = kernel ] || gebpf -q device stop || :
	judge_stop
	rm -rf "$DIR"
}

# For tests of what only one kind of device has.
only_embedded() {
	[ "${GEBPF_TEST_TARGET:-embedded}" = embedded ] ||
		skip "only the embedded device: $1"
}

# The kernel has switches, and the hook, once vale_bpf.ko is loaded.
has_switches() {
	[ "${GEBPF_TEST_TARGET:-embedded}" = embedded ] ||
		grep -q '^vale_bpf ' /proc/modules
}

# Every test starts with an empty device.
device_clear() {
	if [ "$GEBPF_TARGET" = kernel ]; then
		busybox rmmod ebpf_dev
		busybox rmmod ebpf
		busybox insmod "$GEBPF_KMOD/ebpf.ko" interp=1
		busybox insmod "$GEBPF_KMOD/ebpf_dev.ko"
		return
	fi
	gebpf -q device stop || :
	gebpf -q device start
}

# judge WHAT ARGUMENT TEXT: asks judge.py, or one of our own where none waits
judge() {
	local said
	if [ -z "${JUDGE:-}" ] || ! kill -0 "$JUDGE" 2>/dev/null; then
		printf '%s\0%s\0%s' "$@" | "$PY" "$top/tests/cli/judge.py"
		return
	fi
	printf '%s\0%s\0%s' "$@" >"$DIR/judge.ask"
	IFS= read -r -d '' said <"$DIR/judge.answer" || :
	printf '%s' "${said:2}"
	[ "${said:0:1}" = 0 ]
}

# Once per file, with its folder; and at its end.
judge_start() {
	mkfifo "$DIR/judge.ask" "$DIR/judge.answer"
	"$PY" "$top/tests/cli/judge.py" "$DIR/judge.ask" "$DIR/judge.answer" \
		</dev/null >/dev/null 2>&1 3>&- &
	export JUDGE=$!
}

judge_stop() {
	[ -z "${JUDGE:-}" ] || kill "$JUDGE" 2>/dev/null || :
}

# field NAME: that member of the object, or each object of the array, on stdin
field() {
	local text
	IFS= read -r -d '' text || :
	judge field "$1" "$text"
}

# is EXPRESSION: python about v, the JSON value in $output; exactly one value
is() {
	judge is "$1" "$output"
}

# fails CODE COMMAND...: exit code, an error in words on stderr and nothing on
# stdout; the same with -j as exactly one JSON object with all its members
fails() {
	local code=$1
	shift 2 # and "gebpf"
	run -"$code" --separate-stderr gebpf "$@"
	[[ $stderr == *"Error: "* ]]
	[[ $stderr != *Usage:* ]]
	words=$stderr
	run -"$code" --separate-stderr gebpf -j "$@"
	is '"error" in v and "code" in v and "hint" in v'
}

# valid COMMAND...: works plain; valid JSON with -j and -p, both the same; YAML
# with --yaml. Leaves JSON in $json, plain text in $output.
valid() {
	shift # "gebpf"
	gebpf --yaml "$@" >"$BATS_TEST_TMPDIR/yaml"
	gebpf -p "$@" >"$BATS_TEST_TMPDIR/pretty"
	gebpf -j "$@" >"$BATS_TEST_TMPDIR/json"
	judge forms "$BATS_TEST_TMPDIR" ""
	json=$(<"$BATS_TEST_TMPDIR/json")
	run -0 gebpf "$@"
}
