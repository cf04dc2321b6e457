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

# Once per file: a folder and an embedded device that listens there.
device_setup() {
	export DIR=$(mktemp -d "${TMPDIR:-/tmp}/gebpf-cli.XXXXXX")
	export GEBPF_TARGET=embedded:$DIR/device.sock NO_COLOR=1
	export PATH=$build:$PATH
	gebpf -q device start
}

device_teardown() {
	gebpf -q device stop || :
	rm -rf "$DIR"
}

# Every test starts with an empty device.
device_clear() {
	local s i
	for s in $(gebpf -j vale show | field name); do
		gebpf vale destroy "$s"
	done
	for s in $(gebpf -jf link show | pins); do
		gebpf link unpin "$s"
	done
	for i in $(gebpf -j prog show | field id); do
		gebpf prog unload id "$i" >/dev/null
	done
	for s in $(gebpf -jf map show | pins); do
		gebpf map unpin "$s"
	done
}

pins() {
	python3 -c '
import json, sys
for e in json.load(sys.stdin):
    for p in e["pinned"]:
        print(p)'
}

# field NAME: that member of each object of the array on stdin
field() {
	python3 -c '
import json, sys
for e in json.load(sys.stdin):
    print(e[sys.argv[1]])' "$1"
}

# is EXPRESSION: python about v, the JSON value in $output; exactly one value
is() {
	printf '%s' "$output" | python3 -c '
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

# valid COMMAND...: works plain; valid JSON with -j and -p; YAML with --yaml
valid() {
	shift # "gebpf"
	run -0 gebpf --yaml "$@"
	if python3 -c 'import yaml' 2>/dev/null; then
		printf '%s\n' "$output" | python3 -c '
import sys, yaml
list(yaml.safe_load_all(sys.stdin))'
	fi
	run -0 --separate-stderr gebpf -p "$@"
	is True
	pretty=$output
	run -0 --separate-stderr gebpf -j "$@"
	is True
	[ "$(printf '%s' "$pretty" | python3 -m json.tool --compact)" = \
		"$(printf '%s' "$output" | python3 -m json.tool --compact)" ] ||
		[[ "$*" == *run* || "$*" == *verify* ]] # times differ
	json=$output
	run -0 gebpf "$@"
}
