# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The man pages against the command table: every synopsis is the table's
# grammar, nothing more and nothing less; every page has its sections; mandoc
# has nothing to say. No device is needed.

load helper

setup() {
	command -v mandoc >/dev/null || skip "mandoc is not installed"
	export PATH=$build:$PATH
}

@test "lint" {
	for page in "$top"/man/*.8; do
		run -0 mandoc -T lint -W warning "$page"
		[ -z "$output" ]
	done
}

@test "sections that every page has" {
	for page in "$top"/man/*.8; do
		for section in NAME SYNOPSIS DESCRIPTION "EXIT STATUS" EXAMPLES \
			"SEE ALSO"; do
			[[ $'\n'$(<"$page") == *$'\n'".Sh $section"$'\n'* ]] ||
				{ echo "$page: no $section"; false; }
		done
	done
}

@test "synopses are the command table" {
	gebpf -j help >"$BATS_TEST_TMPDIR/all"
	for noun in prog map link attach detach vale btf device feature bench doctor batch; do
		gebpf -j help $noun >"$BATS_TEST_TMPDIR/$noun"
	done
	for page in "$top"/man/gebpf-*.8; do
		mandoc -T ascii -O width=990 "$page" | sed 's/.\x08//g' \
			>"$BATS_TEST_TMPDIR/$(basename "$page")"
	done
	"$PY" - "$BATS_TEST_TMPDIR" <<-'P'
		import glob, json, re, sys
		d = sys.argv[1] + "/"
		def norm(s):
		    s = s.replace("...", "..")
		    s = re.sub(r"\s*\|\s*", "|", s)
		    s = re.sub(r"\s+\.\.", "..", s)
		    return re.sub(r"\s+", " ", s).strip()
		table, nouns = set(), set()
		for o in json.load(open(d + "all"))["objects"]:
		    if o["object"] in ("help", "version"):
		        continue
		    nouns.add(o["object"])
		    table.add("gebpf %s help" % o["object"])
		    help = json.load(open(d + o["object"]))
		    for c in help.get("commands", [help]):
		        table.add(norm(c["usage"]))
		pages = set()
		for f in glob.glob(d + "gebpf-*.8"):
		    text = open(f).read()
		    part = re.search(r"\nSYNOPSIS\n(.*?)\nDESCRIPTION\n", text, re.S).group(1)
		    pages |= {norm(l) for l in part.split("\n") if l.strip()}
		for line in sorted(table - pages):
		    print("only in the table:", line)
		for line in sorted(pages - table):
		    print("only in a man page:", line)
		sys.exit(table != pages)
	P
}

@test "the main page names every object, option and variable" {
	page=$(mandoc -T ascii "$top/man/gebpf.8" | sed 's/.\x08//g')
	for word in prog map link attach detach vale btf device feature bench doctor batch \
		--json --pretty --yaml --pins --quiet --debug --target --color \
		--version --help GEBPF_TARGET GEBPF_CLANG GEBPF_INCLUDE NO_COLOR; do
		[[ $page == *"$word"* ]] || { echo "no $word"; false; }
	done
}
