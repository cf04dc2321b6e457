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
	if [ "${GEBPF_TEST_TARGET:-embedded}" = kernel ]; then
		GEBPF_TARGET=kernel
		return
	fi
	gebpf -q device start
}

device_teardown() {
	[ "$GEBPF_TARGET" = kernel ] || gebpf -q device stop || :
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

# field NAME: that member of each object of the array on stdin
field() {
	"$PY" -c '
import json, sys
for e in json.load(sys.stdin):
    print(e[sys.argv[1]])' "$1"
}

# is EXPRESSION: python about v, the JSON value in $output; exactly one value
is() {
	printf '%s' "$output" | "$PY" -c '
import json, sys
v = json.load(sys.stdin)
if not eval(sys.argv[1]):
    print("not true:", sys.argv[1], "of", json.dumps(v))
    sys.exit(1)' "$1"
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
	"$PY" - "$BATS_TEST_TMPDIR" <<-'P'
		import json, re, sys
		read = lambda n: open(sys.argv[1] + "/" + n).read()
		times = lambda s: re.sub(r'"(verify_ns|duration)": ?[0-9]+', "", s)
		j, p = json.loads(read("json")), json.loads(read("pretty"))
		assert times(json.dumps(j)) == times(json.dumps(p)), "-j and -p differ"
		try:
		    import yaml
		except ImportError:
		    sys.exit(0)
		y = list(yaml.load_all(read("yaml"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
		assert len(y) == 1, "not one YAML document"
		assert times(json.dumps(y[0])) == times(json.dumps(j)), "YAML differs"
	P
	json=$(<"$BATS_TEST_TMPDIR/json")
	run -0 gebpf "$@"
}
