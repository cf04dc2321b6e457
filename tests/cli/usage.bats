# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The command line itself: help everywhere, options anywhere, abbreviations,
# mistyped words, exit codes, one JSON value whatever happens.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }

leaves() {
	gebpf -j help | "$PY" -c '
import json, sys
for o in json.load(sys.stdin)["objects"]:
    print(o["object"])
    for c in o["commands"]:
        for v in c.split("|"):
            print(o["object"], v)'
}

@test "version" {
	run -0 gebpf version
	[[ $output == "gebpf v"* ]]
	run -0 gebpf -V
	[[ $output == "gebpf v"* ]]
	valid gebpf version
	output=$json
	is 'v["version"] and v["features"]["libebpf"]'
}

@test "help at every level and leaf: stdout, exit 0, stderr empty" {
	n=0
	while read -r noun verb; do
		for form in "help $noun $verb" "$noun $verb help" \
			"$noun -h $verb"; do
			[ "$noun" != help ] || continue
			# shellcheck disable=SC2086
			gebpf $form >"$DIR/out" 2>"$DIR/err"
			[ -s "$DIR/out" ] || { echo "silent: $form"; false; }
			[ ! -s "$DIR/err" ]
			[[ $(<"$DIR/out") == *$noun* ]]
			[ "$(wc -L <"$DIR/out")" -le 79 ] || { echo "wide: $form"; false; }
		done
		# shellcheck disable=SC2086
		gebpf -j help $noun $verb
		n=$((n + 1))
	done < <(leaves) >"$DIR/lines"
	[ "$n" -gt 50 ]
	"$PY" -c '
import json, sys
for line in open(sys.argv[1]):
    v = json.loads(line)
    assert "usage" in v or "commands" in v or "objects" in v' "$DIR/lines"
	run -0 gebpf
	[[ $output == "Usage: gebpf"* ]]
	run -0 timeout 5 gebpf prog tracelog help
}

@test "no listed command is missing, none runs with words it does not know" {
	while read -r noun verb; do
		[ -n "$verb" ] && [ "$verb" != show ] || continue
		if gebpf -j "$noun" "$verb" surely not a 'right {' word =; then
			echo "took it: $noun $verb"
			false
		fi
	done < <(leaves) >"$DIR/lines" 2>/dev/null
	"$PY" -c '
import json, sys
for line in open(sys.argv[1]):
    assert "error" in json.loads(line)' "$DIR/lines"
}

@test "options before the object, after it, and in clusters" {
	for form in "-j map show" "map -j show" "map show -j" "map --json show" \
		"map show --json" "-q -j map show" "--color never -j map show" \
		"--color=never map show -j" "-jf map show"; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr gebpf $form
		[ "$output" = "[]" ] || { echo "$form: $output"; false; }
	done
	run -0 gebpf map dump --json
	is 'v == []'
	run -0 gebpf -p map show
	run -0 --separate-stderr gebpf map dump -t local -j
	is 'v == []'
}

@test "target: option beats environment; nonsense is refused" {
	run -0 gebpf -t local -j device show
	is 'v["home"] == "local"'
	run -0 gebpf -j device show
	if [ "$GEBPF_TARGET" = kernel ]; then
		is 'v["home"] == "kernel" and v["target"] == "kernel:/dev/ebpf"'
	else
		is 'v["home"] == "embedded" and v["target"].endswith("device.sock")'
	fi
	run ! gebpf -t moon device show
	fails 2 gebpf map show -t
}

@test "unique beginnings are taken, others are told" {
	run -0 --separate-stderr gebpf -j ma sh
	is 'v == []'
	run -0 gebpf feat list prog_types
	[[ $output == *vale* ]]
	fails 2 gebpf prog un
	[[ $words == *unload*unpin* || $words == *unpin*unload* ]]
	fails 2 gebpf d show
}

@test "mistyped words: did you mean, and no wall of text" {
	fails 2 gebpf porg show
	[[ $words == *"did you mean 'prog'"* ]]
	fails 2 gebpf prog laod x
	[[ $words == *"did you mean 'gebpf prog load'"* ]]
	fails 2 gebpf map dump x lmit 3
	[[ $words == *"did you mean 'limit'"* ]]
	fails 2 gebpf map show --jsno
	[[ $words == *"did you mean '--json'"* ]]
	[ "$(printf '%s\n' "$words" | wc -l)" -le 3 ]
}

@test "missing and superfluous words are usage errors" {
	fails 2 gebpf prog load
	fails 2 gebpf map lookup
	fails 2 gebpf vale create
	fails 2 gebpf vale create vale0 vale1
	fails 2 gebpf attach
	fails 2 gebpf map show 1 2
	fails 2 gebpf prog stats maybe
	fails 2 gebpf map dump limit many
	fails 2 gebpf -t nosuch map show
	[[ $words == *"unknown target 'nosuch'"* ]]
	fails 2 gebpf -t nosuch device start
	if has_switches; then
		fails 3 gebpf vale add vale9 pair:x
		[[ $words == *"gebpf vale create vale9"* ]]
	else
		fails 6 gebpf vale add vale9 pair:x
		[[ $words == *vale_bpf* ]]
	fi
	fails 2 gebpf map create type hash key 4 value 4 entries 1 name a/b
	[[ $words == *"a name has no slashes"* ]]
	printf 'version\0map nonsense\n' >"$DIR/zero"
	fails 2 gebpf batch file "$DIR/zero"
}

@test "exit codes: 3 not found, 5 device, 6 unsupported" {
	fails 3 gebpf prog show id 4000
	fails 3 gebpf prog show name nosuch
	fails 3 gebpf prog show tag 0123456789abcdef
	fails 3 gebpf prog show pinned no/such
	fails 3 gebpf map dump name nosuch
	fails 3 gebpf link show id 77
	fails 3 gebpf btf show id 77
	fails 3 gebpf prog load "$DIR/nosuch.o"
	fails 2 gebpf prog show tag 12
	run -5 gebpf -t "embedded:$DIR/none.sock" device show
	run -5 gebpf -t "embedded:$DIR/none.sock" device stop
	run -6 gebpf -t local device stop
	[ ! -e "$DIR/none.sock" ]
}

@test "output that cannot be written is an error" {
	[ -e /dev/full ] || skip "no /dev/full"
	run -1 --separate-stderr bash -c 'gebpf help >/dev/full'
	[[ $stderr == *Error* ]]
}

@test "colour: never with NO_COLOR, on demand with --color" {
	run -2 gebpf --color always prog nonsense
	[[ $output == *$'\033['* ]]
	run -2 gebpf prog nonsense
	[[ $output != *$'\033['* ]]
	fails 2 gebpf --color sometimes prog show
}
