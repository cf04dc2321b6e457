# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# gebpf map: every verb, in all styles; typed and raw data; what goes wrong.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }
setup() { device_clear; }

@test "create, show: bpftool's lines and keys" {
	run -0 gebpf map create m type hash key 4 value 8 entries 16 name m
	[ -z "$output" ]
	valid gebpf map show name m
	[[ ${lines[0]} =~ ^[0-9]+:\ hash\ \ name\ m\ \ flags\ 0x0$ ]]
	[[ ${lines[1]} == $'\t'"key 4B  value 8B  max_entries 16"* ]]
	output=$json
	is 'set(["id","type","name","flags","bytes_key","bytes_value","max_entries","bytes_memlock","frozen"]) <= set(v)'
	is 'v["type"] == "hash" and v["bytes_key"] == 4 and v["frozen"] == 0'
	run -0 gebpf -jf map show
	is 'len(v) == 1 and v[0]["pinned"] == ["m"]'
	run -0 gebpf -f map show
	[[ $output == *$'\n\t'"pinned m" ]]
}

@test "update, lookup, dump, getnext, delete: raw" {
	gebpf map create h type hash key 4 value 8 entries 16 name plain
	run -0 gebpf map update pinned h key 1 0 0 0 value 1 2 3 4 5 6 7 8
	[ -z "$output" ]
	valid gebpf map dump pinned h
	[ "$output" = "key: 01 00 00 00  value: 01 02 03 04 05 06 07 08
Found 1 element" ]
	[ "$json" = '[{"key":["0x01","0x00","0x00","0x00"],"value":["0x01","0x02","0x03","0x04","0x05","0x06","0x07","0x08"]}]' ]
	valid gebpf map lookup name plain key 1 0 0 0
	[ "$json" = '{"key":["0x01","0x00","0x00","0x00"],"value":["0x01","0x02","0x03","0x04","0x05","0x06","0x07","0x08"]}' ]
	valid gebpf map getnext name plain
	[ "$json" = '{"key":null,"next_key":["0x01","0x00","0x00","0x00"]}' ]
	[ "${lines[0]}" = "key: None" ]
	fails 3 gebpf map getnext plain key 1 0 0 0
	run -0 gebpf -j map delete plain key hex 01 00 00 00
	[ "$output" = null ]
	fails 3 gebpf map delete plain key 1 0 0 0
	fails 3 gebpf map lookup plain key 1 0 0 0
	run -0 gebpf map dump plain
	[ "$output" = "Found 0 elements" ]
	run -0 gebpf -j map dump plain
	[ "$output" = "[]" ]
}

@test "update flags and full maps" {
	gebpf map create t type hash key u32 value u64 entries 2 name tiny
	gebpf map update tiny key 1 value 10 noexist
	fails 7 gebpf map update tiny key 1 value 10 noexist
	fails 3 gebpf map update tiny key 2 value 10 exist
	gebpf map update tiny key 2 value 20 any
	fails 1 gebpf map update tiny key 3 value 30
	[[ $words == *"map 'tiny': update failed: map is full (2 entries)"* ]]
	run -0 gebpf -j map dump tiny
	is 'sorted((e["formatted"]["key"], e["formatted"]["value"]) for e in v) == [(1, 10), (2, 20)]'
}

@test "typed data: numbers, byte orders, addresses, strings" {
	gebpf map create k type hash key 8 value 8 entries 64 name k
	check() { # BYTES TYPED...
		local want=$1
		shift
		gebpf map clear k
		gebpf map update k key "$@" value u64 1
		run -0 gebpf map dump k
		[[ ${lines[0]} == "key: $want  value:"* ]] ||
			{ echo "$*: ${lines[0]}"; false; }
	}
	check "05 00 00 00 00 00 00 00" 5
	check "05 00 00 00 00 00 00 00" u64 5
	check "ff ff ff ff ff ff ff ff" s64 -1
	check "00 50 01 00 0a 00 00 01" be16 80 u16 1 ip 10.0.0.1
	check "02 00 00 00 00 01 00 07" mac 02:00:00:00:00:01 be16 7
	check "68 69 00 00 00 00 00 00" '"hi"'
	check "ff 10 00 00 00 00 00 01" hex ff 10 00 00 00 00 00 01
	fails 2 gebpf map update k key u16 70000 be16 1 u32 1 value 1
	fails 2 gebpf map update k key ip 10.0.0.256 u32 1 value 1
	fails 2 gebpf map update k key 1 2 3 value 1
	[[ $words == *"key expected 8 bytes got 3"* ]]
	fails 2 gebpf map update k key 1 2 3 4 5 6 7 256 value 1
	fails 2 gebpf map update k key hex 1 2 3 4 5 6 7 zz value 1
	fails 2 gebpf map update k value 1
	fails 2 gebpf map update k key 1
}

@test "by BTF: structs, addresses, enums in and out" {
	cat >"$DIR/t.c" <<'C'
struct flow { unsigned int saddr; unsigned short port; unsigned char mac[6];
	enum { V_DROP, V_PASS } last; _Bool seen; char tag[7];
	int low:4; int high:4; };
struct flow f; unsigned long long counter;
C
	clang -target bpf -g -O2 -c "$DIR/t.c" -o "$DIR/t.o"
	gebpf map create f type hash key u32 value "struct flow" entries 4 \
		name flows btf "$DIR/t.o"
	gebpf map update flows key 7 value \
		'{saddr=10.0.0.1,port=80,mac=02:00:00:00:00:01,last=V_PASS,seen=true,tag=abc,low=-2}'
	run -0 gebpf -j map lookup flows key 7
	is 'v["formatted"]["value"]["last"] == "V_PASS"'
	is 'v["formatted"]["value"]["seen"] is True'
	is 'v["formatted"]["value"]["tag"] == "abc"'
	is 'v["formatted"]["value"]["low"] == -2'
	is 'v["formatted"]["value"]["mac"] == [2,0,0,0,0,1]'
	is 'v["value"][:4] == ["0x0a","0x00","0x00","0x01"]'
	run -0 gebpf map dump flows
	is 'v[0]["value"]["mac"] == "02:00:00:00:00:01"'
	fails 2 gebpf map update flows key 7 value '{sadr=1}'
	[[ $words == *saddr* ]]
	fails 2 gebpf map update flows key 7 value '{port=70000}'
	fails 2 gebpf map update flows key 7 value '{port=1'
	fails 2 gebpf map update flows key 7 value '{low=9999}'
}

@test "network order by BTF: numbers and addresses for people, bytes in JSON" {
	gebpf prog load "$examples/acl.bpf.o"
	map=$(gebpf -j map show | field name)
	gebpf map update name "$map" key \
		'{saddr=10.0.0.1,daddr=10.0.0.2,sport=1024,dport=80,protocol=6}' value 0
	run -0 gebpf map dump name "$map"
	is 'v[0]["key"]["dport"] == 80 and v[0]["key"]["saddr"] == "10.0.0.1"'
	run -0 gebpf -j map dump name "$map"
	is 'v[0]["key"][:12] == ["0x0a","0x00","0x00","0x01","0x0a","0x00","0x00","0x02","0x04","0x00","0x00","0x50"]'
	is 'v[0]["formatted"]["key"]["dport"] == 80 * 256'
	run -0 gebpf map lookup name "$map" key \
		'{saddr=10.0.0.1,daddr=10.0.0.2,sport=1024,dport=80,protocol=6}'
}

@test "per-CPU maps: every CPU, and their sum" {
	gebpf map create p type percpu_array key 4 value 8 entries 2 name p
	gebpf map update p key 1 0 0 0 value 3 0 0 0 0 0 0 0
	cpus=$(gebpf -j device show | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["cpus"])')
	valid gebpf map dump p
	[[ $output == *"value (CPU 00): 03 00 00 00 00 00 00 00"* ]]
	[[ $output == *"Found 2 elements" ]]
	output=$json
	is "len(v) == 2 and len(v[0]['values']) == $cpus"
	is 'v[1]["values"][0] == {"cpu":0,"value":["0x03"]+["0x00"]*7}'
	run -0 gebpf -j map dump p sum
	is "int(v[1]['value'][0], 16) == (3 * $cpus) % 256"
	run -0 gebpf map dump p limit 1
	[[ $output == *"Found 1 element" ]]
}

@test "arrays: bounds, clear, freeze" {
	gebpf map create a type array key u32 value u32 entries 3 name a
	gebpf map update a key 2 value 9
	fails 1 gebpf map update a key 3 value 9
	fails 3 gebpf map lookup a key 3
	run ! gebpf map delete a key 1
	gebpf map clear a
	run -0 gebpf -j map dump a
	is '[e["formatted"]["value"] for e in v] == [0, 0, 0]'
	gebpf map freeze a
	run -0 gebpf map show a
	[[ $output == *frozen* ]]
	fails 5 gebpf map update a key 1 value 1
	[[ $words == *frozen* ]]
}

@test "counters of 2^63 and above print exactly" {
	gebpf map create b type array key u32 value u64 entries 1 name big
	gebpf map update big key 0 value 18446744073709551615
	run -0 gebpf -j map dump big
	[[ $output == *'"value":18446744073709551615'* ]]
	run -0 gebpf --yaml map dump big
	[[ $output == *"value: 18446744073709551615"* ]]
}

@test "names that several have, and pins" {
	gebpf map create one type hash key 4 value 4 entries 2 name dup
	gebpf map create two type array key 4 value 4 entries 2 name dup
	fails 1 gebpf map lookup name dup key 0 0 0 0
	[[ $words == *"several maps match 'dup': ids "* ]]
	valid gebpf map dump name dup
	output=$json
	is 'len(v) == 2 and v[0]["type"] == "hash" and v[1]["elements"][0]["key"]'
	valid gebpf map show name dup
	run -0 gebpf map dump /two
	[[ $output == *"Found 2 elements" ]]
	gebpf map pin pinned one a/b/c
	gebpf map unpin one
	run -0 gebpf map show pinned a/b/c
	fails 7 gebpf map pin pinned two a/b/c
	fails 3 gebpf map unpin one
	gebpf map unpin /a/b/c
	fails 3 gebpf map show pinned a/b/c
	run -0 gebpf map show name dup
	[ "${#lines[@]}" -eq 2 ]
}

@test "create: what is wrong is said" {
	fails 2 gebpf map create x type nosuch key 4 value 4 entries 2 name z
	[[ $words == *"unrecognized map type: nosuch"* ]]
	fails 2 gebpf map create x type hash key 4 value 4 name z
	[[ $words == *"'entries' is missing"* ]]
	fails 1 gebpf map create x type array key 3 value 4 entries 2 name z
	fails 6 gebpf map create x type sockmap key 4 value 4 entries 2 name z
	fails 2 gebpf map create x type hash key 4 value 4 entries 2 name z \
		flags no_prealoc
	[[ $words == *"did you mean 'no_prealloc'"* ]]
	gebpf map create x type hash key 4 value 4 entries 2 name z
	fails 7 gebpf map create x type hash key 4 value 4 entries 2 name z
	fails 1 gebpf map create y type hash key 4 value 4 entries 2 \
		name "$(printf 'n%.0s' {1..80})"
	run -0 gebpf -j map show
	is 'len(v) == 1'
}

@test "create, update, push: the reason that is most likely" {
	gebpf map create h type hash key 4 value 4 entries 2 name h
	fails 1 gebpf map create q type queue key 4 value 4 entries 2 name q
	[[ $words == *"values without keys"* ]]
	fails 1 gebpf map create r type ringbuf entries 5000 name r
	[[ $words == *"a power of two"* ]]
	fails 1 gebpf map create b type bloom_filter value 4 entries 2 map_extra 16 name b
	[[ $words == *"map_extra 1 to 15"* ]]
	fails 1 gebpf map create x type hash key 4 value 4 entries 2 map_extra 1 name x
	[[ $words == *"map_extra is for bloom_filter"* ]]
	fails 1 gebpf map create x type hash key 4 value 4 entries 2 inner_map h name x
	[[ $words == *"inner_map is for"* ]]
	gebpf map create o type hash_of_maps key 4 value 4 entries 2 inner_map h name o
	fails 1 gebpf map create x type array_of_maps key 4 value 4 entries 2 inner_map o name x
	[[ $words == *"no map of maps itself"* ]]
	gebpf map create p type prog_array key 4 value 4 entries 2 name p
	fails 6 gebpf map create x type array_of_maps key 4 value 4 entries 2 inner_map p name x
	[[ $words == *"maps like inner_map cannot be in"* ]]
	gebpf map create d type devmap key 4 value 8 entries 2 name d
	fails 1 gebpf map update d key 2 value u32 1 u32 0
	[[ $words == *"indices are 0 to 1"* ]]
	fails 1 gebpf map delete d key 2
	[[ $words == *"indices are 0 to 1"* ]]
	fails 6 gebpf map update d key 0 value u32 1 u32 2
	[[ $words == *"no program runs behind a redirect"* ]]
	gebpf map create b type bloom_filter value 4 entries 2 name b
	fails 1 gebpf map push b value 1 exist
	[[ $words == *"without 'exist'"* ]]
	gebpf map create r type ringbuf entries 4096 name r
	fails 6 gebpf map push r value 1
	[[ $words == *event_pipe* ]]
}

@test "prog arrays take programs as values" {
	gebpf prog load "$examples/port_rewrite.bpf.o" >/dev/null
	gebpf map create pa type prog_array key 4 value 4 entries 4 name pa
	run -0 gebpf map update pa key 1 0 0 0 value name port_rewrite
	id=$(gebpf -j prog show | field id)
	run -0 gebpf -j map dump pa
	is "int(v[0]['value'][0], 16) == $id"
	fails 3 gebpf map update pa key 1 0 0 0 value name nosuch
	gebpf map delete pa key 1 0 0 0
	run -0 gebpf -j map dump pa
	[ "$output" = "[]" ]
}

@test "map dump without a map dumps every map" {
	gebpf map create a type array key 4 value 4 entries 2 name a
	gebpf map create b type hash key 4 value 4 entries 2 name b
	valid gebpf map dump
	[[ $output == *"name a  flags 0x0"*"Found 2 elements"*"name b"*"Found 0 elements"* ]]
	output=$json
	is '[m["name"] for m in v] == ["a", "b"] and v[1]["elements"] == []'
}

@test "queue and stack: push, pop, peek, dump, clear" {
	gebpf map create q type queue value u32 entries 2 name q
	gebpf map create s type stack key 0 value 4 entries 3 name s
	gebpf map push q value 7
	gebpf map enqueue q value 8
	fails 1 gebpf map push q value 9
	[[ $words == *"map 'q': push failed: map is full (2 entries)"* ]]
	gebpf map push q value 9 exist
	valid gebpf map peek q
	[ "$json" = '{"key":[],"value":["0x08","0x00","0x00","0x00"],"formatted":{"value":8}}' ]
	run -0 gebpf -j map dump q
	is '[e["formatted"]["value"] for e in v] == [8, 9]'
	run -0 gebpf -j map pop q
	is 'v["formatted"]["value"] == 8'
	gebpf map dequeue q
	fails 3 gebpf map pop q
	[[ $words == *"map 'q': pop failed: it is empty"* ]]
	fails 3 gebpf map peek q
	for i in 1 2 3; do gebpf map update s value $i 0 0 0; done
	run -0 gebpf map lookup s
	[ "$output" = "value: 03 00 00 00" ]
	run -0 gebpf map pop s
	[ "$output" = "value: 03 00 00 00" ]
	run -0 gebpf map dump s
	[ "$output" = "value: 01 00 00 00
value: 02 00 00 00
Found 2 elements" ]
	run -0 gebpf -j map clear s
	is 'v["removed"] == 2'
	fails 6 gebpf map getnext s
	gebpf map create h type hash key 4 value 4 entries 3 name h
	fails 1 gebpf map pop h
	[[ $words == *"maps of type hash have keys"* ]]
}

@test "bloom_filter: asks for values" {
	gebpf map create b type bloom_filter value 4 entries 20 map_extra 3 name b
	gebpf map push b value 1 2 3 4
	run -0 gebpf map peek b value 1 2 3 4
	[ "$output" = "value: 01 02 03 04" ]
	fails 3 gebpf map peek b value 1 2 3 5
	[[ $words == *"was never pushed"* ]]
	fails 2 gebpf map peek b
	fails 6 gebpf map pop b
	fails 6 gebpf map dump b
	gebpf map dump
	fails 1 gebpf map create c type bloom_filter value 4 entries 20 map_extra 16 name c
}

@test "lpm_trie: longest prefix" {
	fails 1 gebpf map create l type lpm_trie key 8 value u64 entries 9 name l
	[[ $words == *"flags no_prealloc"* ]]
	gebpf map create l type lpm_trie key 8 value u64 entries 9 flags no_prealloc name l
	gebpf map update l key u32 8 ip 10.0.0.0 value 5
	gebpf map update l key u32 16 ip 10.1.0.0 value 6
	run -0 gebpf -j map lookup l key u32 32 ip 10.1.2.3
	is 'v["formatted"]["value"] == 6'
	run -0 gebpf -j map lookup l key u32 32 ip 10.2.2.3
	is 'v["formatted"]["value"] == 5'
	fails 3 gebpf map lookup l key u32 32 ip 11.1.2.3
	fails 1 gebpf map update l key u32 33 ip 10.0.0.0 value 5
	[[ $words == *"the prefix is longer than 32 bits"* ]]
	# the more special one first
	run -0 gebpf -j map getnext l
	is 'v["next_key"][0] == "0x10"'
	run -0 gebpf map dump l
	[[ $output == *'"key": ["0x08"'* ]]
}

@test "maps of maps" {
	gebpf map create i type hash key 4 value 8 entries 10 name i
	fails 1 gebpf map create o type array_of_maps key 4 entries 3 name o
	[[ $words == *"inner_map MAP"* ]]
	gebpf map create o type array_of_maps key 4 value 4 entries 3 name o inner_map name i
	gebpf map create p type hash_of_maps key 2 entries 3 name p inner_map i
	gebpf map update o key 1 0 0 0 value name i
	gebpf map update p key 7 7 value pinned i
	id=$(gebpf -j map show i | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["id"])')
	run -0 gebpf map dump o
	[ "$output" = "key: 01 00 00 00  value: $(printf %02x "$id") 00 00 00
Found 1 element" ]
	run -0 gebpf -j map lookup p key 7 7
	is "v['value'][0] == '0x%02x' % $id"
	fails 1 gebpf map update o key 0 0 0 0 value name o
	[[ $words == *"does not equal the inner_map"* ]]
	fails 3 gebpf map update o key 0 0 0 0 value id 9999
	# an inner map lives as long as it is in one
	gebpf map unpin i
	gebpf map show id "$id"
	gebpf map delete o key 1 0 0 0
	gebpf map clear p
	fails 3 gebpf map show id "$id"
}
