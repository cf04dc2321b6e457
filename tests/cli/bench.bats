# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# gebpf bench and prog bench: every suite runs, says what it left out, and its
# JSON, YAML and pictures are whole. Nothing here depends on a time.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }

# Short: one round, measurements of some microseconds.
short=(rounds 1 time 20)
frame=hex:0200000000020200000000010800450000140000000000000000000000000000

# whole SUITES: python on $json: shape of everything, for those suites
whole() {
	printf '%s' "$json" | "$PY" -c '
import json, sys
v = json.load(sys.stdin)
assert v["version"] == 1 and v["machine"]["cpus"] >= 1
assert [s["suite"] for s in v["suites"]] == sys.argv[1:], v["suites"]
for s in v["suites"]:
    assert s["rounds"] >= 1 and s["rows"], s["suite"]
    columns = s["columns"]
    names = [r["row"] for r in s["rows"]]
    assert len(set(names)) == len(names), names
    for r in s["rows"]:
        assert r["unit"] in ("ns", "us", "ms", "M/s", "Gbit/s", "bytes")
        assert r["better"] == ("more" if r["unit"][1:] in ("/s", "bit/s") else "less")
        assert r["figures"] or len(r["skipped"]) > 0, r["row"]
        assert not set(r["figures"]) & set(r["skipped"]), r["row"]
        for c, f in r["figures"].items():
            assert c in columns
            assert 0 <= f["min"] <= f["q1"] <= f["median"] <= f["q3"] <= f["max"], r
            assert f["rounds"] >= 1
        for c, why in r["skipped"].items():
            assert c in columns and why
        for q in r["ratios"]:
            assert q["of"] in r["figures"] and q["to"] in r["figures"], r
            assert q["sense"] in ("time", "faster") and q["median"] > 0
        g = r.get("goal")
        assert g is None or ("at_most" in g) != ("at_least" in g)
        y = r.get("yardstick")
        assert y is None or 0 < y["min"] <= y["median"] <= y["max"]
        assert y or all(f["rounds"] == 1 for f in r["figures"].values())
looks = sum(r["yardstick"]["rounds"] for s in v["suites"] for r in s["rows"]
            if "yardstick" in r)
assert looks == v.get("yardstick", {"rounds": 0})["rounds"]
' "$@"
}

@test "list names suites and rows, and measures nothing" {
	run -0 gebpf bench list
	for suite in compute calls maps threads bridge load device vale \
		ports rivals; do
		[[ $output == *"$suite: "* ]]
	done
	valid gebpf bench list
	output=$json
	is 'len(v["suites"]) == 10 and all(s["rows"] for s in v["suites"])'
	run -0 gebpf -j bench list maps rows lpm
	is '[s["suite"] for s in v["suites"]] == ["maps"]'
	is 'all("lpm" in r for r in v["suites"][0]["rows"])'
}

@test "every column can be left out" {
	names=$(gebpf -j bench list | "$PY" -c '
import json, sys
suites = json.load(sys.stdin)["suites"]
print(*sorted({c for s in suites for c in s["columns"]}))')
	[[ $names == *"bare"*"jit"*"vde"* ]]
	for name in $names; do
		run -0 gebpf bench list without "$name"
		[[ $output == *" $name"* ]]
	done
	run -0 gebpf bench list rivals
	[ "${lines[1]}" = "    columns: gebpf ovs vde bare" ]
	# shellcheck disable=SC2086 # a word each
	fails 2 gebpf bench list $(printf 'without %s ' $names)
	[[ $words == *"at most 16 columns"* ]]
}

@test "every suite has figures in every row" {
	only_embedded "suites ask no device of the user's, and take long"
	for suite in compute calls threads bridge load vale ports; do
		json=$(gebpf -j bench $suite "${short[@]}")
		whole $suite
	done
	# filling a million elements is left to real runs
	for rows in array 1k 64k "library*" queue; do
		json=$(gebpf -j bench maps "${short[@]}" rows "$rows")
		whole maps
	done
	mkdir "$DIR/tmp"
	for rows in "lookup*" "update*" delete; do
		json=$(TMPDIR=$DIR/tmp gebpf -j bench device "${short[@]}" rows "$rows")
		whole device
	done
	# its device is gone, with its socket and folder
	rmdir "$DIR/tmp"
}

@test "the same in plain text and YAML" {
	run -0 --separate-stderr gebpf bench compute "${short[@]}" rows lcg
	[ -z "$stderr" ]
	[[ ${lines[1]} == "compute: "* && ${lines[2]} == *"jit:native"* ]]
	[[ ${lines[3]} == lcg* && ${lines[3]} == *" ns"* ]]
	[[ $output == *$'\nyardstick: a thousand steps of '*" ns, "*" to "* ]]
	gebpf --yaml bench compute calls "${short[@]}" rows "*l*" >"$DIR/yaml"
	"$PY" - "$DIR/yaml" <<-'P' || skip "no PyYAML"
		import sys
		try:
		    import yaml
		except ImportError:
		    sys.exit(1)
		v = yaml.safe_load(open(sys.argv[1]))
		assert [s["suite"] for s in v["suites"]] == ["compute", "calls"]
	P
}

@test "the manual names every member of the JSON, and no other" {
	json=$(gebpf -j bench compute load "${short[@]}" rows "*c*" without interp)
	whole compute load
	printf '%s' "$json" | "$PY" -c '
import json, re, sys
page = open(sys.argv[1]).read()
schema = page[page.index(".Sh JSON"):page.index(".Sh EXIT STATUS")]
schema = schema[:schema.index(".Ed")]
said = set(re.findall(r"\"([a-z_0-9]+)\"", schema))
v = json.load(sys.stdin)
def walk(v, key):
    if isinstance(v, dict):
        for k, w in v.items():
            if key not in ("figures", "skipped"):
                seen.add(k)
            walk(w, k)
    elif isinstance(v, list):
        for w in v:
            walk(w, key)
seen = set()
walk(v, None)
values = {"compute", "lcg", "why", "jit", "linux", "native", "interp", "ns", "us", "ms",
          "bytes", "time", "faster", "less", "more"}
sometimes = {"at_most", "at_least", "reached", "goal", "note", "error", "code",
             "hint", "changed"}
assert seen <= said, seen - said
assert sometimes <= said
assert said - values - sometimes <= seen, said - values - seen
' "$top/man/gebpf-bench.8"
}

@test "rows are a part of the name or a pattern" {
	json=$(gebpf -j bench compute "${short[@]}" rows "p*")
	whole compute
	output=$json
	is '[r["row"] for r in v["suites"][0]["rows"]] == ["primes", "parse"]'
	fails 3 gebpf bench rows "no such row"
	[[ $words == *"bench list"* ]]
}

@test "what is left out is said, with the reason" {
	json=$(gebpf -j bench compute "${short[@]}" rows lcg without linux \
		without interp)
	whole compute
	output=$json
	is 'set(v["suites"][0]["rows"][0]["skipped"]) == {"linux", "interp"}'
	is 'set(v["suites"][0]["rows"][0]["figures"]) == {"jit", "native"} or "jit" in v["suites"][0]["rows"][0]["skipped"]'
	run -0 gebpf bench compute "${short[@]}" rows lcg without linux
	[[ $output == *"left out: linux: not asked for"* ]]
}

@test "without root, that Linux is left out is said" {
	command -v setpriv >/dev/null || skip "no setpriv"
	user=()
	[ "$(id -u)" != 0 ] || user=(setpriv --reuid 65534 --regid 65534
		--clear-groups)
	"${user[@]}" test -x "$build/gebpf" ||
		skip "nobody may not run $build/gebpf"
	[ "$(id -u)" = 0 ] ||
		[ "$(cat /proc/sys/kernel/unprivileged_bpf_disabled)" != 0 ] ||
		skip "everybody may use bpf(2) here"
	run -0 "${user[@]}" "$build/gebpf" bench compute "${short[@]}" rows lcg
	[[ $output == *"left out: linux: bpf(2): "* ]]
}

@test "the picture is well-formed" {
	only_embedded "suites ask no device of the user's, and take long"
	gebpf -q bench compute calls load "${short[@]}" rows "*c*" \
		svg "$DIR/all.svg" >/dev/null
	"$PY" - "$DIR/all.svg" <<-'P'
		import sys
		import xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		name = lambda e: e.tag.split("}")[1]
		assert name(root) == "svg" and float(root.get("height")) > 100
		texts = ["".join(e.itertext()) for e in root.iter() if name(e) == "text"]
		assert any(t.startswith("compute: ") for t in texts)
		assert "crc32" in texts and "helper call" in texts
		bars = [e for e in root.iter() if name(e) == "rect"]
		assert len(bars) > 10
		width = float(root.get("width"))
		for b in bars[1:]:
		    assert float(b.get("x")) + float(b.get("width")) < width
	P
	fails 1 gebpf bench compute "${short[@]}" rows lcg svg /no/such/folder/x
}

@test "interrupted, it shows what there is and says so" {
	for style in -q -j; do
		rm -f "$DIR/out"
		# a measurement is a second: the first row is far from whole
		gebpf $style bench compute calls rounds 101 time 1000000 \
			svg "$DIR/cut.svg" >"$DIR/out" 2>"$DIR/err" 3>&- &
		pid=$!
		until [ -s "$DIR/out" ]; do
			kill -0 $pid
			sleep 0.05
		done
		kill -INT $pid
		status=0
		wait $pid || status=$?
		[ $status = 8 ]
		grep -q "</svg>" "$DIR/cut.svg"
	done
	output=$(cat "$DIR/out")
	is 'v["code"] == "EPARTLY" and "interrupted" in v["error"]'
	is 'len(v["suites"]) == 1'
}

@test "wrong words" {
	fails 2 gebpf bench komputer
	fails 2 gebpf bench compute rounds 0
	fails 2 gebpf bench compute rounds 1000
	fails 2 gebpf bench compute time 0
	fails 2 gebpf bench without nobody
	[[ $words == *"COLUMN"* ]]
	fails 2 gebpf bench compute svg
	fails 2 gebpf bench compute rows
	fails 2 gebpf bench compute rounds many
	fails 2 gebpf bench without against # that is prog bench's
	[[ $words == *"COLUMN"* ]]
	run -2 gebpf bench conpute
	[[ $output == *"did you mean 'compute'"* ]]
}

@test "prog bench: a program of one's own" {
	json=$(gebpf -j prog bench file "$examples/xdp_count.bpf.o" \
		data_in $frame "${short[@]}")
	whole prog
	output=$json
	is 'v["suites"][0]["rows"][0]["row"] == "xdp_count"'
	is '"returns 2" in v["suites"][0]["rows"][0]["note"]'
	is '"interp" in v["suites"][0]["rows"][0]["figures"] or "interp" in v["suites"][0]["rows"][0]["skipped"]'
	run -0 gebpf prog bench file "$examples/l2_bridge.bpf.o" data_in $frame \
		rounds 1 repeat 3
	[[ $output == *"l2_bridge"*" ns"* ]]
	[[ $output == *"left out: linux: Linux has no test runs of type vale"* ]]
}

@test "prog bench: a loaded program, its own device, maps as they are" {
	gebpf -q prog load "$examples/xdp_count.bpf.o" counted
	gebpf -q prog load -i "$examples/xdp_count.bpf.o" slow name slow
	json=$(gebpf -j prog bench pinned counted data_in $frame "${short[@]}" \
		against pinned slow)
	whole prog
	output=$json
	is '"against" in v["suites"][0]["rows"][0]["figures"]'
	json=$(gebpf -j prog bench slow data_in $frame "${short[@]}")
	output=$json
	is 'v["suites"][0]["rows"][0]["skipped"]["jit"] == "it was loaded without machine code"'
	gebpf -q prog unload pinned counted pinned slow
}

@test "prog bench: wrong words and wrong input" {
	fails 2 gebpf prog bench file "$examples/xdp_count.bpf.o" without x
	fails 2 gebpf prog bench file "$examples/xdp_count.bpf.o" repeat 0
	fails 1 gebpf prog bench file "$examples/xdp_count.bpf.o"
	[[ $words == *"do not suit type xdp"* ]]
	fails 3 gebpf prog bench nobody
}
