/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects of every clang installed, every instruction set version, with -g and
 * without: opened, loaded into a local device and run, results compared. What
 * is broken is object_broken_test.c's, the examples' work examples_test.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local.h"
#include "tap.h"

static const char *const examples[] = {
	"acl", "globals", "l2_bridge", "l2_percpu", "mylookup", "pkt_count",
	"port_rewrite", "tail_demux", "xdp_count",
};

static void
test_example(const struct bpfcc *cc, const char *name)
{
	char source[128];
	struct gebpf_object *object;
	size_t i;
	bool ok = true;

	snprintf(source, sizeof(source), "lib/bpf/examples/%s.bpf.c", name);
	object = local_open(cc, source, "-Werror");
	if (object == NULL) {
		/* Without types only programs without .maps can be read. */
		tap_ok(!cc->debug && strstr(local_last.text, "BTF") != NULL &&
		       strstr(local_last.hint, "-g") != NULL,
		       "%s: example %s without types: %s", cc->name, name,
		       local_last.text);
		return;
	}
	local_fresh();
	for (i = 0; i < gebpf_object_prog_count(object) && ok; i++) {
		struct gebpf_obj_prog *prog = gebpf_object_prog(object, i);

		if (prog->kind == 0)
			prog->kind = EBPF_PROG_VALE_BUF;
		ok = local_load(object, prog) == 0 && prog->id != 0;
	}
	tap_ok(ok && i != 0 && gebpf_object_warnings(object)[0] == 0,
	       "%s: example %s is verified: %s%s", cc->name, name, local_last.text,
	       gebpf_object_warnings(object));
	gebpf_object_close(object);
}

static void
test_objects(const struct bpfcc *cc)
{
	static const int records[] = { 20, 28, 36, 44 };
	struct gebpf_object *o;
	struct gebpf_obj_map *m;
	char flags[32];
	size_t i;
	int value = 60;

	local_fresh();
	o = local_open(cc, "tests/objects/subprogs.bpf.c", "");
	if (tap_ok(o != NULL && gebpf_object_prog_count(o) == 4,
		   "%s: subprogs opens: %s", cc->name, local_last.text)) {
		local_expect(cc, o, "first", 20);
		local_expect(cc, o, "second", 316);
		local_expect(cc, o, "third", 35);
		local_expect(cc, o, "lonely", 22);
		tap_ok(gebpf_object_warnings(o)[0] == 0, "%s: no warnings %s",
		       cc->name, gebpf_object_warnings(o));
	}
	gebpf_object_close(o);

	o = local_open(cc, "tests/objects/data.bpf.c", "");
	if (tap_ok(o != NULL, "%s: data opens: %s", cc->name, local_last.text)) {
		local_expect(cc, o, "prog", 3227);
		/* zero[2] 2, bss 4, start 1002, other 2012, special + 2 'e' */
		TAP_CHECK(local_run(local_prog(o, "prog")) == 3227 + 1 + 2 + 1 + 6 +
			  101);
		m = local_map(o, "data.rodata");
		TAP_CHECK(m != NULL && m->frozen && m->id != 0 &&
			  m->flags == EBPF_F_RDONLY_PROG);
		m = local_map(o, "data.bss");
		TAP_CHECK(m != NULL && !m->frozen && m->is_data &&
			  (m->btf_value_type != 0) == cc->debug);
		TAP_CHECK(gebpf_object_set_var(o, "start", &value, 4, &local_last) ==
			  -EBPF_EBUSY);
	}
	gebpf_object_close(o);
	local_fresh();
	o = local_open(cc, "tests/objects/data.bpf.c", "");
	if (o != NULL) {
		TAP_CHECK(gebpf_object_set_var(o, "fixed", &value, 4, &local_last) ==
			  0);
		TAP_CHECK(gebpf_object_set_var(o, "start", &value, 4, &local_last) ==
			  0);
		TAP_CHECK(gebpf_object_set_var(o, "start", &value, 2, &local_last) ==
			  -EBPF_EINVAL &&
			  strstr(local_last.text, "4 bytes"));
		TAP_CHECK(gebpf_object_set_var(o, "prog", &value, 4, &local_last) <
			  0);
		TAP_CHECK(gebpf_object_set_var(o, "other", &value, 4, &local_last) ==
			  -EBPF_ENOENT);
		local_expect(cc, o, "prog", 3227 + 55 - 940);
	}
	gebpf_object_close(o);

	for (i = 0; i < 4; i++) {
		local_fresh();
		snprintf(flags, sizeof(flags), "-DRECORD=%d", records[i]);
		o = local_open(cc, "tests/objects/legacy.bpf.c", flags);
		if (!tap_ok(o != NULL && gebpf_object_map_count(o) == 2,
			    "%s: map records of %d bytes: %s", cc->name,
			    records[i], local_last.text)) {
			gebpf_object_close(o);
			continue;
		}
		local_expect(cc, o, "prog", 43);
		m = local_map(o, "second");
		TAP_CHECK(m != NULL && m->kind == EBPF_MAP_HASH &&
			  m->key_size == 4 && m->max_entries == 32 &&
			  m->flags == EBPF_F_NO_PREALLOC &&
			  m->pinning == (records[i] == 36 ? 1 :
					 records[i] == 44 ? 16 : 0));
		m = local_map(o, "first");
		TAP_CHECK(m != NULL && m->value_size == 8 &&
			  (m->btf_value_type != 0) == cc->debug);
		TAP_CHECK((strstr(gebpf_object_warnings(o), "'second'") !=
			   NULL) == (records[i] == 44));
		TAP_CHECK((strstr(gebpf_object_warnings(o), "pinning 16") !=
			   NULL) == (records[i] == 44));
		gebpf_object_close(o);
	}

	local_fresh();
	o = local_open(cc, "tests/objects/text_only.bpf.c", "");
	if (tap_ok(o != NULL && gebpf_object_prog_count(o) == 1,
		   "%s: .text alone: %s", cc->name, local_last.text)) {
		struct gebpf_obj_prog *p = gebpf_object_prog(o, 0);

		TAP_CHECK(strcmp(p->name, "entry") == 0 && p->kind == 0);
		TAP_CHECK(local_load(o, p) == -EBPF_EINVAL &&
			  strstr(local_last.text, ".text") &&
			  strstr(local_last.hint, "vale_buf"));
		p->kind = EBPF_PROG_VALE_BUF;
		TAP_CHECK(local_load(o, p) == 0);
		TAP_CHECK(local_run(p) == 1);
	}
	gebpf_object_close(o);
}

/* Maps defined by types: only with -g. */
static void
test_btf_maps(const struct bpfcc *cc)
{
	struct gebpf_object *o;
	struct gebpf_obj_map *m;
	struct gebpf_obj_prog *p;
	struct ebpf_req_id req = { 0 };
	struct ebpf_rep_map_info info = { 0 };
	struct ebpf_req_pin_name pin = { 0 };
	struct ebpf_rep_pin pinned = { 0 };
	uint32_t shared, index = 1, values[3] = { 0 };

	local_fresh();
	o = local_open(cc, "tests/objects/btf_maps.bpf.c", "");
	if (!cc->debug) {
		tap_ok(o == NULL && strstr(local_last.text, "'.maps'") != NULL,
		       "%s: .maps without BTF: %s", cc->name, local_last.text);
		gebpf_object_close(o);
		return;
	}
	if (!tap_ok(o != NULL, "%s: btf_maps opens: %s", cc->name, local_last.text))
		return;
	m = local_map(o, "hidden");
	TAP_CHECK(m != NULL && m->key_size == 8 && m->value_size == 32 &&
		  m->max_entries == 10 && m->btf_key_type != 0);
	m = local_map(o, "ring");
	TAP_CHECK(m != NULL && m->kind == EBPF_MAP_RINGBUF &&
		  m->key_size == 0 && m->value_size == 0);
	m = local_map(o, "perf");
	TAP_CHECK(m != NULL && m->key_size == 4 && m->value_size == 4);
	m = local_map(o, "seen");
	TAP_CHECK(m != NULL && m->kind == EBPF_MAP_BLOOM_FILTER &&
		  m->map_extra == 3 && m->key_size == 0 && m->value_size == 8);
	m = local_map(o, "outer");
	TAP_CHECK(m != NULL && m->kind == EBPF_MAP_ARRAY_OF_MAPS &&
		  m->inner >= 0 &&
		  gebpf_object_map(o, (size_t)m->inner)->is_template &&
		  gebpf_object_map(o, (size_t)m->inner)->max_entries == 3);
	m = local_map(o, "outer2");
	TAP_CHECK(m != NULL && m->key_size == 8 && m->value_size == 4 &&
		  m->inner >= 0 &&
		  gebpf_object_map(o, (size_t)m->inner)->key_size == 2);

	/* The jump into `other` works: it was loaded along. */
	local_expect(cc, o, "prog", 42);
	p = local_prog(o, "other");
	TAP_CHECK(p != NULL && p->id != 0);
	m = local_map(o, "hidden2");
	TAP_CHECK(m != NULL && local_lookup(m->id, &index, 4, values, 12) == 0 &&
		  values[2] == 5);
	m = local_map(o, "hidden");
	req.id = m != NULL ? m->id : 0;
	TAP_CHECK(gebpf_ask(local_device, EBPF_REQUEST_MAP_INFO, &req, sizeof(req),
			    &info, sizeof(info)) == 0 &&
		  info.btf_id != 0 && info.btf_key_type == m->btf_key_type &&
		  strcmp(info.name, "hidden") == 0);
	/* Maps that no program of those loaded uses were not made. */
	TAP_CHECK(local_map(o, "ring")->id == 0 &&
		  local_map(o, "outer")->id == 0);

	/* Pinned by name: the next object of that kind finds the same map. */
	shared = local_map(o, "shared")->id;
	strcpy(pin.pin, "shared");
	TAP_CHECK(gebpf_ask(local_device, EBPF_REQUEST_PIN_GET, &pin, sizeof(pin),
			    &pinned, sizeof(pinned)) == 0 &&
		  pinned.id == shared);
	gebpf_object_close(o);
	o = local_open(cc, "tests/objects/btf_maps.bpf.c", "");
	local_expect(cc, o, "prog", 42);
	TAP_CHECK(local_map(o, "shared")->id == shared);
	gebpf_object_close(o);

	/* Given by the caller. */
	o = local_open(cc, "tests/objects/btf_maps.bpf.c", "");
	local_map(o, "shared")->reuse_id = shared;
	local_map(o, "hidden2")->reuse_id = shared;
	TAP_CHECK(local_load(o, local_prog(o, "prog")) == -EBPF_EINVAL &&
		  strstr(local_last.text, "another kind of map"));
	TAP_CHECK(local_map(o, "shared")->id == 0);
	gebpf_object_close(o);
}

/* Locks, records, maps in maps: without BTF nobody knows of the lock. */
static void
test_held(const struct bpfcc *cc)
{
	struct gebpf_object *o;

	local_fresh();
	if (!cc->debug)
		return;
	o = local_open(cc, "tests/objects/held.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: held opens: %s", cc->name, local_last.text))
		return;
	/* 3, 3 + 4, 5 in the inner map, 1 in global data, 7 of this CPU */
	local_expect(cc, o, "prog", 3 + 7 + 5 + 1 + 7);
	gebpf_object_close(o);
}

static void
test_core(const struct bpfcc *cc)
{
	struct gebpf_object *o;

	if (!cc->debug)
		return;
	local_fresh();
	o = local_open(cc, "tests/objects/core.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: core opens: %s", cc->name, local_last.text))
		return;
	local_expect(cc, o, "prog", 11720);
	tap_ok(strstr(gebpf_object_warnings(o), "CO-RE") != NULL,
	       "%s: CO-RE is warned of: %s", cc->name,
	       gebpf_object_warnings(o));
	gebpf_object_close(o);
}

static void
test_externs(const struct bpfcc *cc)
{
	static const struct {
		const char *prog, *says;
	} cases[] = {
		{ "variable", "nowhere_variable" },
		{ "function", "nowhere_function" },
		{ "config", "CONFIG_HZ" },
		{ "symbol", "some_symbol" },
		{ "kfunc", "some_kfunc" }, { "library", "memset" },
	};
	struct gebpf_object *o;
	size_t i;

	local_fresh();
	o = local_open(cc, "tests/objects/externs.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: externs opens: %s", cc->name, local_last.text))
		return;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int error = local_load(o, local_prog(o, cases[i].prog));

		tap_ok(error < 0 && strstr(local_last.text, cases[i].says) != NULL &&
		       strstr(local_last.text, "section 'xdp'") != NULL,
		       "%s: %s", cc->name, local_last.text);
	}
	if (cc->debug) {
		local_load(o, local_prog(o, "config"));
		TAP_CHECK(strstr(local_last.text, "__kconfig") != NULL);
		local_load(o, local_prog(o, "kfunc"));
		TAP_CHECK(strstr(local_last.text, "kernel function") != NULL);
	}
	local_load(o, local_prog(o, "library"));
	TAP_CHECK(strstr(local_last.hint, "constant size") != NULL);
	tap_ok(local_left_over() == 0, "%s: failed loads leave nothing", cc->name);
	local_expect(cc, o, "fine", 2);
	local_expect(cc, o, "weak", 2);
	gebpf_object_close(o);
}

static void
test_sections(const struct bpfcc *cc)
{
	static const struct {
		const char *prog;
		uint32_t kind;
	} want[] = {
		{ "a", EBPF_PROG_XDP }, { "b", EBPF_PROG_XDP },
		{ "c", EBPF_PROG_XDP }, { "d", EBPF_PROG_XDP },
		{ "e", EBPF_PROG_TC }, { "f", EBPF_PROG_TC },
		{ "g", EBPF_PROG_VALE }, { "h", EBPF_PROG_VALE },
		{ "i", EBPF_PROG_RAW }, { "j", 0 }, { "k", 0 },
		{ "l", EBPF_PROG_XDP }, { "m", EBPF_PROG_SOCKET },
		{ "n", EBPF_PROG_SOCKET }, { "o", EBPF_PROG_XDP },
		{ "p", EBPF_PROG_TC }, { "q", EBPF_PROG_TC },
		{ "r", EBPF_PROG_TC }, { "s", 0 }, { "t", 0 },
		{ "u", EBPF_PROG_XDP }, { "v", EBPF_PROG_CGROUP_SOCK_ADDR },
		{ "w", EBPF_PROG_KPROBE }, { "x", EBPF_PROG_KPROBE },
	};
	struct gebpf_object *o;
	size_t i;

	local_fresh();
	o = local_open(cc, "tests/objects/sections.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: sections opens: %s", cc->name, local_last.text))
		return;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct gebpf_obj_prog *p = local_prog(o, want[i].prog);

		tap_ok(p != NULL && p->kind == want[i].kind,
		       "%s: section '%s' is kind %u", cc->name,
		       p != NULL ? p->section : "?", want[i].kind);
	}
	tap_ok(local_load(o, local_prog(o, "v")) == -EBPF_EUNSUPPORTED &&
	       strstr(local_last.text, "cgroup_sock_addr") != NULL,
	       "%s: what exists only inside Linux is refused by name: %s",
	       cc->name, local_last.text);
	/* "2/7" went into slot 7 of map 2, with the jumping program's kind. */
	local_expect(cc, o, "jump", 11);
	gebpf_object_close(o);
}

/* The verifier's answer for Linux; nothing stays, whatever it is. */
static int
verify_for_linux(struct gebpf_object *o, const char *name)
{
	static char log[65536];
	struct gebpf_load_options options = {
		.flags = EBPF_PROG_VERIFY_ONLY | EBPF_PROG_ASSUME_LINUX,
		.log = log,
		.log_size = sizeof(log),
	};

	memset(&local_last, 0, sizeof(local_last));
	return gebpf_object_load_prog(local_device, o, local_prog(o, name),
				      &options, &local_last);
}

static void
test_linux_only(const struct bpfcc *cc)
{
	struct gebpf_object *o;

	local_fresh();
	o = local_open(cc, "tests/objects/linux_only.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: linux_only opens: %s", cc->name,
		    local_last.text))
		return;
	TAP_CHECK(local_load(o, local_prog(o, "router")) == -EBPF_EREJECTED &&
		  strstr(local_last.hint, "assume-linux") != NULL);
	TAP_CHECK(local_load(o, local_prog(o, "probe")) == -EBPF_EUNSUPPORTED &&
		  strstr(local_last.text, "'kprobe/anything'") != NULL &&
		  strstr(local_last.hint, "assume-linux") != NULL);
	tap_ok(local_left_over() == 0, "%s: nothing of it is here", cc->name);
	tap_ok(verify_for_linux(o, "router") == 0, "%s: router: %s", cc->name,
	       local_last.text);
	tap_ok(verify_for_linux(o, "probe") == 0, "%s: probe: %s", cc->name,
	       local_last.text);
	tap_ok(verify_for_linux(o, "connected") == 0, "%s: connected: %s",
	       cc->name, local_last.text);
	TAP_CHECK(verify_for_linux(o, "wrong") == -EBPF_EREJECTED);
	tap_ok(verify_for_linux(o, "typed") == -EBPF_EUNSUPPORTED &&
	       strstr(local_last.text, "tracing") != NULL,
	       "%s: what needs a kernel's types: %s", cc->name, local_last.text);
	/* its maps have sizes and nothing else: no program gets them */
	TAP_CHECK(local_load(o, local_prog(o, "probe")) == -EBPF_EUNSUPPORTED);
	gebpf_object_close(o);
}

/* Two calls of functions behind each other's addresses. */
static void
test_callback(const struct bpfcc *cc)
{
	struct gebpf_object *o;
	struct gebpf_obj_prog *p;
	uint32_t i, found = 0;

	o = local_open(cc, "tests/objects/callback.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: callback opens: %s", cc->name, local_last.text))
		return;
	p = local_prog(o, "prog");
	for (i = 0; p != NULL && i + 1 < p->insn_count; i++) {
		const struct ebpf_insn *in = &p->insns[i];
		int64_t target = (int64_t)i + in->imm + 1;

		if (in->code != 0x18)
			continue;
		/* The callback's first instruction sets or tests something. */
		if (in->regs >> 4 == 4 && target > i &&
		    target < p->insn_count &&
		    p->insns[target - 1].code == 0x95)
			found++;
		i++;
	}
	tap_ok(found == 2, "%s: both callbacks are linked", cc->name);
	gebpf_object_close(o);
}

/* Linux takes the XDP example as it is. */
static void
test_linux(const struct bpfcc *cc)
{
	char command[512];
	size_t len;
	uint8_t *data;
	FILE *file;
	struct stat st;

	if (geteuid() != 0 || system("bpftool version >/dev/null 2>&1") != 0 ||
	    system("mount | grep -q 'type bpf '") != 0 ||
	    system("bpftool prog show >/dev/null 2>&1") != 0 ||
	    stat("/sys/fs/bpf", &st) != 0) {
		tap_skip("needs root, bpftool and a kernel that allows bpf(2)",
			 "xdp_count on Linux");
		return;
	}
	data = bpfcc_compile(cc, "lib/bpf/examples/xdp_count.bpf.c", "", false,
			     &len);
	snprintf(command, sizeof(command), "%s/xdp_count.o", bpfcc_folder());
	file = data != NULL ? fopen(command, "w") : NULL;
	if (file == NULL) {
		tap_ok(false, "xdp_count for Linux");
		free(data);
		return;
	}
	fwrite(data, 1, len, file);
	fclose(file);
	free(data);
	snprintf(command, sizeof(command),
		 "pin=/sys/fs/bpf/gebpf_test_%ld; "
		 "bpftool prog load '%s/xdp_count.o' $pin >/dev/null && "
		 "bpftool prog run pinned $pin data_in '%s/xdp_count.o' "
		 "| grep -q 'Return value: 2'; r=$?; rm -f $pin; exit $r",
		 (long)getpid(), bpfcc_folder(), bpfcc_folder());
	tap_ok(system(command) == 0, "xdp_count loads and runs on Linux");
}

int
main(void)
{
	const struct bpfcc *all, *best;
	size_t n, i, j;

	all = bpfcc_all(&n);
	best = bpfcc_best();
	if (best == NULL) {
		tap_skip("no clang with BPF", "objects of compilers");
		return tap_done();
	}
	local_fresh();
	for (i = 0; i < n; i++) {
		for (j = 0; j < sizeof(examples) / sizeof(examples[0]); j++)
			test_example(&all[i], examples[j]);
		test_objects(&all[i]);
		test_btf_maps(&all[i]);
		test_held(&all[i]);
		test_core(&all[i]);
		test_externs(&all[i]);
		test_sections(&all[i]);
		test_callback(&all[i]);
	}
	test_linux_only(best);
	test_linux(best);
	gebpf_close(local_device);
	return tap_done();
}
