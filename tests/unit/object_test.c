/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects of every clang installed, every instruction set version, with -g and
 * without: opened, loaded into a local device and run, results compared. Then
 * what is broken: every truncation, every flipped byte of the headers, things
 * that cannot be supported and the sentences that say so.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpfcc.h"
#include "client/gebpf.h"
#include "core/os.h"
#include "tap.h"

static struct gebpf_device *device;
static struct gebpf_error last;

/* ---- short words ---- */

static struct gebpf_object *
open_source(const struct bpfcc *cc, const char *source, const char *flags)
{
	struct gebpf_object *object = NULL;
	size_t len;
	uint8_t *data = bpfcc_compile(cc, source, flags, false, &len);

	memset(&last, 0, sizeof(last));
	if (data != NULL)
		gebpf_object_open_mem(data, len, source, &object, &last);
	free(data);
	return object;
}

static struct gebpf_obj_prog *
prog_named(struct gebpf_object *object, const char *name)
{
	size_t i;

	for (i = 0; i < gebpf_object_prog_count(object); i++)
		if (strcmp(gebpf_object_prog(object, i)->name, name) == 0)
			return gebpf_object_prog(object, i);
	return NULL;
}

static struct gebpf_obj_map *
map_named(struct gebpf_object *object, const char *name)
{
	size_t i;

	for (i = 0; i < gebpf_object_map_count(object); i++)
		if (strcmp(gebpf_object_map(object, i)->name, name) == 0)
			return gebpf_object_map(object, i);
	return NULL;
}

static int
load(struct gebpf_object *object, struct gebpf_obj_prog *prog)
{
	static char log[65536];
	struct gebpf_load_options options = { 0 };
	int error;

	if (prog == NULL)
		return gebpf_fail(&last, -EBPF_ENOENT, "no such program");
	memset(&last, 0, sizeof(last));
	options.log = log;
	options.log_size = sizeof(log);
	error = gebpf_object_load_prog(device, object, prog, &options, &last);
	if (error == -EBPF_EREJECTED)
		tap_diag("%s\n%s", last.text, log);
	return error;
}

static const uint8_t frame_ip[64] = {
	0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00,
	0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	0x0f, 0xa0, 0, 53, 0, 30, 0x12, 0x34,
};

/* Run on a frame; ~0 when the device refuses. */
static uint64_t
run_on(uint32_t id, const void *frame, size_t len, uint32_t port, void *out)
{
	struct {
		uint64_t data, data_end;
		uint32_t port, ring;
	} context = { 0, 0, port, 0 };
	struct ebpf_req_prog_run req = { 0 };
	struct ebpf_rep_prog_run rep = { 0 };
	struct gebpf_call call = { 0 };

	req.id = id;
	req.data_len = (uint32_t)len;
	/* Other kinds would take the port's place for something else. */
	req.ctx_len = port != 0 ? sizeof(context) : 0;
	req.data_out_max = out != NULL ? (uint32_t)len : 0;
	call.number = EBPF_REQUEST_PROG_RUN;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = frame;
	call.in[0].len = len;
	call.in[1].data = &context;
	call.in[1].len = req.ctx_len;
	call.rep = &rep;
	call.rep_len = sizeof(rep);
	call.out = out;
	call.out_room = req.data_out_max;
	return gebpf_request(device, &call) == 0 ? rep.retval : ~0ULL;
}

static uint64_t
run(const struct gebpf_obj_prog *prog)
{
	return run_on(prog->id, frame_ip, sizeof(frame_ip), 0, NULL);
}

static int
lookup(uint32_t id, const void *key, uint32_t key_len, void *value,
       size_t room)
{
	struct ebpf_req_map_key req = { 0 };
	struct gebpf_call call = { 0 };

	req.id = id;
	req.key_len = key_len;
	call.number = EBPF_REQUEST_MAP_LOOKUP;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = key;
	call.in[0].len = key_len;
	call.out = value;
	call.out_room = room;
	return gebpf_request(device, &call);
}

static uint32_t
object_count(uint32_t kind)
{
	struct ebpf_req_obj_next req = { 0 };
	struct ebpf_rep_id rep = { 0 };
	uint32_t n = 0;

	req.kind = kind;
	while (gebpf_ask(device, EBPF_REQUEST_OBJ_NEXT, &req, sizeof(req),
			 &rep, sizeof(rep)) == 0) {
		req.id = rep.id;
		n++;
	}
	return n;
}

/* Programs, maps and BTF there are; what is retired goes a little later. */
static uint32_t
left_over(void)
{
	uint32_t n = 0, i;

	for (i = 0; i < 1000; i++) {
		n = object_count(EBPF_OBJ_PROG) + object_count(EBPF_OBJ_MAP) +
		    object_count(EBPF_OBJ_BTF);
		if (n == 0)
			break;
		usleep(1000);
	}
	return n;
}

static void
fresh_device(void)
{
	gebpf_close(device);
	device = NULL;
	if (gebpf_open("local", 0, &device, &last) != 0)
		tap_ok(false, "local device: %s", last.text);
}

/* Load one program and compare what it returns. */
static void
expect(const struct bpfcc *cc, struct gebpf_object *object, const char *name,
       uint64_t want)
{
	struct gebpf_obj_prog *prog = prog_named(object, name);
	int error = load(object, prog);
	uint64_t got = error == 0 ? run(prog) : ~0ULL;

	tap_ok(error == 0 && got == want, "%s: %s/%s returns %llu (%llu) %s",
	       cc->name, gebpf_object_name(object), name,
	       (unsigned long long)want, (unsigned long long)got, last.text);
}

/* ---- what works ---- */

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
	object = open_source(cc, source, "-Werror");
	if (object == NULL) {
		/* Without types only programs without .maps can be read. */
		tap_ok(!cc->debug && strstr(last.text, "BTF") != NULL &&
			       strstr(last.hint, "-g") != NULL,
		       "%s: example %s without types: %s", cc->name, name,
		       last.text);
		return;
	}
	fresh_device();
	for (i = 0; i < gebpf_object_prog_count(object) && ok; i++) {
		struct gebpf_obj_prog *prog = gebpf_object_prog(object, i);

		if (prog->kind == 0)
			prog->kind = EBPF_PROG_VALE_BUF;
		ok = load(object, prog) == 0 && prog->id != 0;
	}
	tap_ok(ok && i != 0 && gebpf_object_warnings(object)[0] == 0,
	       "%s: example %s is verified: %s%s", cc->name, name, last.text,
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

	fresh_device();
	o = open_source(cc, "tests/objects/subprogs.bpf.c", "");
	if (tap_ok(o != NULL && gebpf_object_prog_count(o) == 4,
		   "%s: subprogs opens: %s", cc->name, last.text)) {
		expect(cc, o, "first", 20);
		expect(cc, o, "second", 316);
		expect(cc, o, "third", 35);
		expect(cc, o, "lonely", 22);
		tap_ok(gebpf_object_warnings(o)[0] == 0, "%s: no warnings %s",
		       cc->name, gebpf_object_warnings(o));
	}
	gebpf_object_close(o);

	o = open_source(cc, "tests/objects/data.bpf.c", "");
	if (tap_ok(o != NULL, "%s: data opens: %s", cc->name, last.text)) {
		expect(cc, o, "prog", 3227);
		/* zero[2] 2, bss 4, start 1002, other 2012, special + 2 'e' */
		TAP_CHECK(run(prog_named(o, "prog")) == 3227 + 1 + 2 + 1 + 6 +
								101);
		m = map_named(o, "data.rodata");
		TAP_CHECK(m != NULL && m->frozen && m->id != 0 &&
			  m->flags == EBPF_F_RDONLY_PROG);
		m = map_named(o, "data.bss");
		TAP_CHECK(m != NULL && !m->frozen && m->is_data &&
			  (m->btf_value_type != 0) == cc->debug);
		TAP_CHECK(gebpf_object_set_var(o, "start", &value, 4, &last) ==
			  -EBPF_EBUSY);
	}
	gebpf_object_close(o);
	fresh_device();
	o = open_source(cc, "tests/objects/data.bpf.c", "");
	if (o != NULL) {
		TAP_CHECK(gebpf_object_set_var(o, "fixed", &value, 4, &last) ==
			  0);
		TAP_CHECK(gebpf_object_set_var(o, "start", &value, 4, &last) ==
			  0);
		TAP_CHECK(gebpf_object_set_var(o, "start", &value, 2, &last) ==
				  -EBPF_EINVAL &&
			  strstr(last.text, "4 bytes"));
		TAP_CHECK(gebpf_object_set_var(o, "prog", &value, 4, &last) <
			  0);
		TAP_CHECK(gebpf_object_set_var(o, "other", &value, 4, &last) ==
			  -EBPF_ENOENT);
		expect(cc, o, "prog", 3227 + 55 - 940);
	}
	gebpf_object_close(o);

	for (i = 0; i < 4; i++) {
		fresh_device();
		snprintf(flags, sizeof(flags), "-DRECORD=%d", records[i]);
		o = open_source(cc, "tests/objects/legacy.bpf.c", flags);
		if (!tap_ok(o != NULL && gebpf_object_map_count(o) == 2,
			    "%s: map records of %d bytes: %s", cc->name,
			    records[i], last.text)) {
			gebpf_object_close(o);
			continue;
		}
		expect(cc, o, "prog", 43);
		m = map_named(o, "second");
		TAP_CHECK(m != NULL && m->kind == EBPF_MAP_HASH &&
			  m->key_size == 4 && m->max_entries == 32 &&
			  m->flags == EBPF_F_NO_PREALLOC &&
			  m->pinning == (records[i] == 36 ? 1 :
					 records[i] == 44 ? 16 : 0));
		m = map_named(o, "first");
		TAP_CHECK(m != NULL && m->value_size == 8 &&
			  (m->btf_value_type != 0) == cc->debug);
		TAP_CHECK((strstr(gebpf_object_warnings(o), "'second'") !=
			   NULL) == (records[i] == 44));
		TAP_CHECK((strstr(gebpf_object_warnings(o), "pinning 16") !=
			   NULL) == (records[i] == 44));
		gebpf_object_close(o);
	}

	fresh_device();
	o = open_source(cc, "tests/objects/text_only.bpf.c", "");
	if (tap_ok(o != NULL && gebpf_object_prog_count(o) == 1,
		   "%s: .text alone: %s", cc->name, last.text)) {
		struct gebpf_obj_prog *p = gebpf_object_prog(o, 0);

		TAP_CHECK(strcmp(p->name, "entry") == 0 && p->kind == 0);
		TAP_CHECK(load(o, p) == -EBPF_EINVAL &&
			  strstr(last.text, ".text") &&
			  strstr(last.hint, "vale_buf"));
		p->kind = EBPF_PROG_VALE_BUF;
		TAP_CHECK(load(o, p) == 0);
		TAP_CHECK(run(p) == 1);
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

	fresh_device();
	o = open_source(cc, "tests/objects/btf_maps.bpf.c", "");
	if (!cc->debug) {
		tap_ok(o == NULL && strstr(last.text, "'.maps'") != NULL,
		       "%s: .maps without BTF: %s", cc->name, last.text);
		gebpf_object_close(o);
		return;
	}
	if (!tap_ok(o != NULL, "%s: btf_maps opens: %s", cc->name, last.text))
		return;
	m = map_named(o, "hidden");
	TAP_CHECK(m != NULL && m->key_size == 8 && m->value_size == 32 &&
		  m->max_entries == 10 && m->btf_key_type != 0);
	m = map_named(o, "ring");
	TAP_CHECK(m != NULL && m->kind == EBPF_MAP_RINGBUF &&
		  m->key_size == 0 && m->value_size == 0);
	m = map_named(o, "perf");
	TAP_CHECK(m != NULL && m->key_size == 4 && m->value_size == 4);
	m = map_named(o, "seen");
	TAP_CHECK(m != NULL && m->kind == EBPF_MAP_BLOOM_FILTER &&
		  m->map_extra == 3 && m->key_size == 0 && m->value_size == 8);
	m = map_named(o, "outer");
	TAP_CHECK(m != NULL && m->kind == EBPF_MAP_ARRAY_OF_MAPS &&
		  m->inner >= 0 &&
		  gebpf_object_map(o, (size_t)m->inner)->is_template &&
		  gebpf_object_map(o, (size_t)m->inner)->max_entries == 3);
	m = map_named(o, "outer2");
	TAP_CHECK(m != NULL && m->key_size == 8 && m->value_size == 4 &&
		  m->inner >= 0 &&
		  gebpf_object_map(o, (size_t)m->inner)->key_size == 2);

	/* The jump into `other` works: it was loaded along. */
	expect(cc, o, "prog", 42);
	p = prog_named(o, "other");
	TAP_CHECK(p != NULL && p->id != 0);
	m = map_named(o, "hidden2");
	TAP_CHECK(m != NULL && lookup(m->id, &index, 4, values, 12) == 0 &&
		  values[2] == 5);
	m = map_named(o, "hidden");
	req.id = m != NULL ? m->id : 0;
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_MAP_INFO, &req, sizeof(req),
			    &info, sizeof(info)) == 0 &&
		  info.btf_id != 0 && info.btf_key_type == m->btf_key_type &&
		  strcmp(info.name, "hidden") == 0);
	/* Maps that no program of those loaded uses were not made. */
	TAP_CHECK(map_named(o, "ring")->id == 0 &&
		  map_named(o, "outer")->id == 0);

	/* Pinned by name: the next object of that kind finds the same map. */
	shared = map_named(o, "shared")->id;
	strcpy(pin.pin, "shared");
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_PIN_GET, &pin, sizeof(pin),
			    &pinned, sizeof(pinned)) == 0 &&
		  pinned.id == shared);
	gebpf_object_close(o);
	o = open_source(cc, "tests/objects/btf_maps.bpf.c", "");
	expect(cc, o, "prog", 42);
	TAP_CHECK(map_named(o, "shared")->id == shared);
	gebpf_object_close(o);

	/* Given by the caller. */
	o = open_source(cc, "tests/objects/btf_maps.bpf.c", "");
	map_named(o, "shared")->reuse_id = shared;
	map_named(o, "hidden2")->reuse_id = shared;
	TAP_CHECK(load(o, prog_named(o, "prog")) == -EBPF_EINVAL &&
		  strstr(last.text, "another kind of map"));
	TAP_CHECK(map_named(o, "shared")->id == 0);
	gebpf_object_close(o);
}

/* Locks, records, maps in maps: without BTF nobody knows of the lock. */
static void
test_held(const struct bpfcc *cc)
{
	struct gebpf_object *o;

	fresh_device();
	if (!cc->debug)
		return;
	o = open_source(cc, "tests/objects/held.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: held opens: %s", cc->name, last.text))
		return;
	/* 3, 3 + 4, 5 in the inner map, 1 in global data, 7 of this CPU */
	expect(cc, o, "prog", 3 + 7 + 5 + 1 + 7);
	gebpf_object_close(o);
}

static void
test_core(const struct bpfcc *cc)
{
	struct gebpf_object *o;

	if (!cc->debug)
		return;
	fresh_device();
	o = open_source(cc, "tests/objects/core.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: core opens: %s", cc->name, last.text))
		return;
	expect(cc, o, "prog", 11720);
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

	fresh_device();
	o = open_source(cc, "tests/objects/externs.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: externs opens: %s", cc->name, last.text))
		return;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int error = load(o, prog_named(o, cases[i].prog));

		tap_ok(error < 0 && strstr(last.text, cases[i].says) != NULL &&
			       strstr(last.text, "section 'xdp'") != NULL,
		       "%s: %s", cc->name, last.text);
	}
	if (cc->debug) {
		load(o, prog_named(o, "config"));
		TAP_CHECK(strstr(last.text, "__kconfig") != NULL);
		load(o, prog_named(o, "kfunc"));
		TAP_CHECK(strstr(last.text, "kernel function") != NULL);
	}
	load(o, prog_named(o, "library"));
	TAP_CHECK(strstr(last.hint, "constant size") != NULL);
	tap_ok(left_over() == 0, "%s: failed loads leave nothing", cc->name);
	expect(cc, o, "fine", 2);
	expect(cc, o, "weak", 2);
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

	fresh_device();
	o = open_source(cc, "tests/objects/sections.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: sections opens: %s", cc->name, last.text))
		return;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct gebpf_obj_prog *p = prog_named(o, want[i].prog);

		tap_ok(p != NULL && p->kind == want[i].kind,
		       "%s: section '%s' is kind %u", cc->name,
		       p != NULL ? p->section : "?", want[i].kind);
	}
	tap_ok(load(o, prog_named(o, "v")) == -EBPF_EUNSUPPORTED &&
		       strstr(last.text, "cgroup_sock_addr") != NULL,
	       "%s: what exists only inside Linux is refused by name: %s",
	       cc->name, last.text);
	/* "2/7" went into slot 7 of map 2, with the jumping program's kind. */
	expect(cc, o, "jump", 11);
	gebpf_object_close(o);
}

/* ---- one thing wrong in an otherwise good file ---- */

static Elf64_Shdr *
section_header(uint8_t *data, const char *name)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)data;
	Elf64_Shdr *all = (Elf64_Shdr *)(data + h->e_shoff);
	const char *names = (const char *)data + all[h->e_shstrndx].sh_offset;
	unsigned int i;

	for (i = 0; i < h->e_shnum; i++)
		if (strcmp(names + all[i].sh_name, name) == 0)
			return &all[i];
	return NULL;
}

/* Damage number n: what was damaged, or NULL when there are no more. */
static const char *
damage(uint8_t *data, unsigned int n)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)data;
	Elf64_Shdr *all = (Elf64_Shdr *)(data + h->e_shoff);
	Elf64_Shdr *code = section_header(data, "xdp");
	Elf64_Shdr *rel = section_header(data, ".relxdp");
	Elf64_Shdr *symbols = section_header(data, ".symtab");
	Elf64_Rel *r = (Elf64_Rel *)(data + rel->sh_offset);
	Elf64_Sym *s = (Elf64_Sym *)(data + symbols->sh_offset);

	switch (n) {
	case 0:
		h->e_shnum = 0;
		all[0].sh_size = 1ull << 40;
		return "section headers";
	case 1:
		h->e_shoff = ~0ull - 63;
		return "section headers";
	case 2:
		h->e_machine = EM_X86_64;
		return "machine 62";
	case 3:
		h->e_ident[EI_CLASS] = ELFCLASS32;
		return "64-bit";
	case 4:
		h->e_ident[EI_DATA] = ELFDATA2MSB;
		return "big-endian";
	case 5:
		code->sh_size = 1ull << 60;
		return "outside the file";
	case 6:
		code->sh_offset = ~0ull - 7;
		return "outside the file";
	case 7:
		code->sh_size -= 4;
		return "no whole instructions";
	case 8: /* the string table once more: more bytes than the file has */
		code->sh_offset = 0;
		code->sh_size = ((uint64_t)h->e_shoff & ~7ull);
		return "overlaps";
	case 9:
		r->r_offset = code->sh_size;
		return "'.relxdp'";
	case 10:
		r->r_offset += 4;
		return "'.relxdp'";
	case 11:
		r->r_info = ELF64_R_INFO(0xffffff, ELF64_R_TYPE(r->r_info));
		return "symbol 16777215";
	case 12:
		rel->sh_info = 0xffff;
		return "relocates section 65535";
	case 13:
		s[ELF64_R_SYM(r->r_info)].st_shndx = 0x7000;
		return "section 28672";
	case 14:
		s[ELF64_R_SYM(r->r_info)].st_name = 0x7fffffff;
		return "bad name";
	case 15: /* a relocation of a sort that has no meaning there */
		r->r_info = ELF64_R_INFO(ELF64_R_SYM(r->r_info), 77);
		return "type 77";
	case 16:
		r[1].r_offset = r[0].r_offset;
		return "two relocations";
	default:
		return NULL;
	}
}

static void
test_damaged(const struct bpfcc *cc)
{
	size_t len;
	uint8_t *good = bpfcc_compile(cc, "tests/objects/legacy.bpf.c",
				      "-DRECORD=20", false, &len);
	uint8_t *bad = malloc(len + 1);
	const char *says = "";
	unsigned int n;

	if (!tap_ok(good != NULL && bad != NULL, "legacy compiles"))
		goto out;
	for (n = 0;; n++) {
		struct gebpf_object *o = NULL;
		struct gebpf_obj_prog *p;

		fresh_device();
		memcpy(bad, good, len);
		says = damage(bad, n);
		if (says == NULL)
			break;
		memset(&last, 0, sizeof(last));
		gebpf_object_open_mem(bad, len, "damaged", &o, &last);
		p = o != NULL ? prog_named(o, "prog") : NULL;
		if (p != NULL)
			load(o, p);
		tap_ok(last.code < 0 && strstr(last.text, says) != NULL &&
			       left_over() == 0,
		       "damage %u: %s", n, last.text);
		gebpf_object_close(o);
	}
out:
	free(good);
	free(bad);
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

	memset(&last, 0, sizeof(last));
	return gebpf_object_load_prog(device, o, prog_named(o, name),
				      &options, &last);
}

static void
test_linux_only(const struct bpfcc *cc)
{
	struct gebpf_object *o;

	fresh_device();
	o = open_source(cc, "tests/objects/linux_only.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: linux_only opens: %s", cc->name,
		    last.text))
		return;
	TAP_CHECK(load(o, prog_named(o, "router")) == -EBPF_EREJECTED &&
		  strstr(last.hint, "assume-linux") != NULL);
	TAP_CHECK(load(o, prog_named(o, "probe")) == -EBPF_EUNSUPPORTED &&
		  strstr(last.text, "'kprobe/anything'") != NULL &&
		  strstr(last.hint, "assume-linux") != NULL);
	tap_ok(left_over() == 0, "%s: nothing of it is here", cc->name);
	tap_ok(verify_for_linux(o, "router") == 0, "%s: router: %s", cc->name,
	       last.text);
	tap_ok(verify_for_linux(o, "probe") == 0, "%s: probe: %s", cc->name,
	       last.text);
	tap_ok(verify_for_linux(o, "connected") == 0, "%s: connected: %s",
	       cc->name, last.text);
	TAP_CHECK(verify_for_linux(o, "wrong") == -EBPF_EREJECTED);
	tap_ok(verify_for_linux(o, "typed") == -EBPF_EUNSUPPORTED &&
		       strstr(last.text, "tracing") != NULL,
	       "%s: what needs a kernel's types: %s", cc->name, last.text);
	/* its maps have sizes and nothing else: no program gets them */
	TAP_CHECK(load(o, prog_named(o, "probe")) == -EBPF_EUNSUPPORTED);
	gebpf_object_close(o);
}

static void
test_bad_maps(const struct bpfcc *cc)
{
	static const struct {
		const char *says;
		bool at_load; /* the object opens, the program does not load */
	} cases[] = {
		{ "'colour'", false }, { "key_size is 8", false },
		{ "'map_flags'", false }, { "has no type", true },
		{ "map_extra", true }, { "999", true },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gebpf_object *o;
		char flags[16];
		bool opened;

		fresh_device();
		snprintf(flags, sizeof(flags), "-DBAD=%zu", i + 1);
		o = open_source(cc, "tests/objects/bad_maps.bpf.c", flags);
		opened = o != NULL;
		if (opened)
			load(o, prog_named(o, "prog"));
		tap_ok(opened == cases[i].at_load &&
			       strstr(last.text, cases[i].says) != NULL &&
			       left_over() == 0,
		       "bad map: %s", last.text);
		gebpf_object_close(o);
	}
}

/* Two calls of functions behind each other's addresses. */
static void
test_callback(const struct bpfcc *cc)
{
	struct gebpf_object *o;
	struct gebpf_obj_prog *p;
	uint32_t i, found = 0;

	o = open_source(cc, "tests/objects/callback.bpf.c", "");
	if (!tap_ok(o != NULL, "%s: callback opens: %s", cc->name, last.text))
		return;
	p = prog_named(o, "prog");
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

/* ---- the examples at work ---- */

static uint64_t
forward(const struct gebpf_obj_prog *prog, const uint8_t *frame, uint32_t port)
{
	/* Port 0 is what a run without a context has. */
	return run_on(prog->id, frame, 64, port, NULL);
}

static void
test_bridges(const struct bpfcc *cc)
{
	static const char *const bridges[] = { "l2_bridge", "l2_percpu" };
	uint8_t ab[64], ba[64], ac[64], all[64];
	size_t i;

	memcpy(ab, frame_ip, 64);
	memcpy(ba, frame_ip, 64);
	ba[5] = 1, ba[11] = 2;
	memcpy(ac, frame_ip, 64);
	ac[5] = 3;
	memcpy(all, frame_ip, 64);
	memset(all, 0xff, 6);
	for (i = 0; i < 2; i++) {
		char source[64];
		struct gebpf_object *o;
		struct gebpf_obj_prog *p;

		fresh_device();
		snprintf(source, sizeof(source), "lib/bpf/examples/%s.bpf.c",
			 bridges[i]);
		o = open_source(cc, source, "");
		p = o != NULL ? prog_named(o, bridges[i]) : NULL;
		if (!tap_ok(p != NULL && load(o, p) == 0, "%s loads: %s",
			    bridges[i], last.text)) {
			gebpf_object_close(o);
			continue;
		}
		/* The per-CPU table knows only what its CPU has seen. */
		TAP_CHECK(forward(p, all, 1) == 254);
		if (i == 0) {
			TAP_CHECK(forward(p, ba, 2) == 1);
			TAP_CHECK(forward(p, ab, 1) == 2);
			TAP_CHECK(forward(p, ab, 2) == 255);
			TAP_CHECK(forward(p, ba, 5) == 2);
		}
		TAP_CHECK(forward(p, ac, 1) == 254);
		TAP_CHECK(run_on(p->id, ab, 14, 1, NULL) != 255);
		/* Test runs give a vale program whole Ethernet headers. */
		TAP_CHECK(run_on(p->id, ab, 13, 1, NULL) == ~0ULL);
		gebpf_object_close(o);
	}
}

static void
put(uint32_t id, const void *key, uint32_t key_len, const void *value,
    uint32_t value_len)
{
	struct ebpf_req_map_update req = { 0 };
	struct gebpf_call call = { 0 };

	req.id = id;
	req.key_len = key_len;
	req.value_len = value_len;
	call.number = EBPF_REQUEST_MAP_UPDATE;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = key;
	call.in[0].len = key_len;
	call.in[1].data = value;
	call.in[1].len = value_len;
	TAP_CHECK(gebpf_request(device, &call) == 0);
}

/* The UDP checksum over what is in the frame, 0 if it is right. */
static uint16_t
udp_sum(const uint8_t *f)
{
	uint32_t sum = 17 + ((uint32_t)f[38] << 8 | f[39]), i;

	for (i = 26; i < 64; i += 2) /* addresses, header, data */
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
test_others(const struct bpfcc *cc)
{
	uint16_t port = 53, to = 5353, sum;
	uint8_t frame[64], out[64], key[16] = {
		10, 0, 0, 1, 10, 0, 0, 2, 0x0f, 0xa0, 0, 53, 17,
	};
	uint64_t hits = 0, counts[1024];
	uint32_t zero = 0, i, limit = 40;
	struct gebpf_object *o;
	struct gebpf_obj_prog *p;

	/* A frame whose UDP checksum is right. */
	memcpy(frame, frame_ip, 64);
	frame[39] = 30;
	frame[40] = frame[41] = 0;
	sum = udp_sum(frame);
	frame[40] = (uint8_t)(sum >> 8), frame[41] = (uint8_t)sum;
	TAP_CHECK(udp_sum(frame) == 0);

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/port_rewrite.bpf.c", "");
	p = o != NULL ? prog_named(o, "port_rewrite") : NULL;
	if (tap_ok(p != NULL && load(o, p) == 0, "port_rewrite loads")) {
		TAP_CHECK(run_on(p->id, frame, 64, 0, out) == 1 &&
			  memcmp(frame, out, 64) == 0);
		put(map_named(o, "moved")->id, &port, 2, &to, 2);
		TAP_CHECK(run_on(p->id, frame, 64, 1, out) == 0);
		TAP_CHECK(out[36] == 5353 >> 8 && out[37] == (5353 & 0xff));
		tap_ok(udp_sum(out) == 0, "the UDP checksum stays right");
		out[36] = frame[36], out[37] = frame[37];
		out[40] = frame[40], out[41] = frame[41];
		TAP_CHECK(memcmp(frame, out, 64) == 0);
	}
	gebpf_object_close(o);

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/acl.bpf.c", "");
	p = o != NULL ? prog_named(o, "acl") : NULL;
	if (tap_ok(p != NULL && load(o, p) == 0, "acl loads")) {
		TAP_CHECK(run_on(p->id, frame, 64, 0, NULL) == 1);
		put(map_named(o, "denied")->id, key, 16, &hits, 8);
		TAP_CHECK(run_on(p->id, frame, 64, 0, NULL) == 255);
		TAP_CHECK(run_on(p->id, frame, 64, 1, NULL) == 255);
		frame[37]++;
		TAP_CHECK(run_on(p->id, frame, 64, 1, NULL) == 0);
		frame[37]--;
		TAP_CHECK(lookup(map_named(o, "denied")->id, key, 16, &hits,
				 8) == 0 && hits == 2);
	}
	gebpf_object_close(o);

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/pkt_count.bpf.c", "");
	p = o != NULL ? prog_named(o, "pkt_count") : NULL;
	if (tap_ok(p != NULL && load(o, p) == 0, "pkt_count loads")) {
		uint32_t protocol = 17;
		uint16_t type = 0x0800;

		for (i = 0; i < 3; i++)
			TAP_CHECK(run_on(p->id, frame, 64, 0, NULL) == 254);
		memset(counts, 0, sizeof(counts));
		TAP_CHECK(lookup(map_named(o, "by_protocol")->id, &protocol, 4,
				 counts, sizeof(counts)) == 0);
		for (i = 2; i < 1024; i += 2)
			counts[0] += counts[i], counts[1] += counts[i + 1];
		TAP_CHECK(counts[0] == 3 && counts[1] == 192);
		memset(counts, 0, sizeof(counts));
		TAP_CHECK(lookup(map_named(o, "by_ethertype")->id, &type, 2,
				 counts, sizeof(counts)) == 0);
		for (i = 2; i < 1024; i += 2)
			counts[0] += counts[i], counts[1] += counts[i + 1];
		TAP_CHECK(counts[0] == 3 && counts[1] == 192);
	}
	gebpf_object_close(o);

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/xdp_count.bpf.c", "");
	p = o != NULL ? prog_named(o, "xdp_count") : NULL;
	if (tap_ok(p != NULL && load(o, p) == 0, "xdp_count loads")) {
		TAP_CHECK(run(p) == EBPF_XDP_PASS);
		memset(counts, 0, sizeof(counts));
		TAP_CHECK(lookup(map_named(o, "counts")->id, &zero, 4, counts,
				 sizeof(counts)) == 0);
		for (i = 1; i < 1024; i++)
			counts[0] += counts[i];
		TAP_CHECK(counts[0] == 1);
	}
	gebpf_object_close(o);

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/tail_demux.bpf.c", "");
	p = o != NULL ? prog_named(o, "tail_demux") : NULL;
	if (tap_ok(p != NULL && load(o, p) == 0, "tail_demux loads")) {
		TAP_CHECK(p == gebpf_object_prog(o, 0)); /* not on_ip */
		TAP_CHECK(forward(p, frame, 2) == 1);
		TAP_CHECK(forward(p, frame, 1) == 0);
		frame[12] = 0x86, frame[13] = 0xdd;
		TAP_CHECK(forward(p, frame, 1) == 2);
		frame[12] = 0x08, frame[13] = 0x06;
		TAP_CHECK(forward(p, frame, 1) == 254);
		frame[12] = 0x12, frame[13] = 0x34;
		TAP_CHECK(forward(p, frame, 1) == 255);
	}
	gebpf_object_close(o);

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/globals.bpf.c", "");
	p = o != NULL ? prog_named(o, "globals") : NULL;
	TAP_CHECK(o != NULL && gebpf_object_set_var(o, "limit", &limit, 4,
						    &last) == 0);
	if (tap_ok(p != NULL && load(o, p) == 0, "globals loads")) {
		TAP_CHECK(forward(p, frame, 1) == 255);
		TAP_CHECK(run_on(p->id, frame, 40, 1, NULL) == 0);
		TAP_CHECK(run_on(p->id, frame, 40, 1, NULL) == 2);
		TAP_CHECK(run_on(p->id, frame, 40, 2, NULL) == 0);
	}
	gebpf_object_close(o);

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/mylookup.bpf.c", "");
	p = o != NULL ? prog_named(o, "mylookup") : NULL;
	if (p != NULL)
		p->kind = EBPF_PROG_VALE_BUF;
	if (tap_ok(p != NULL && load(o, p) == 0, "mylookup loads")) {
		TAP_CHECK(run(p) == 1);
		TAP_CHECK(run_on(p->id, frame_ip, 13, 0, NULL) == 255);
		memset(frame, 0xff, 6);
		TAP_CHECK(run_on(p->id, frame, 64, 0, NULL) == 254);
	}
	gebpf_object_close(o);
}

/* ---- what is broken ---- */

static void
use(struct gebpf_object *o)
{
	size_t i;

	for (i = 0; i < gebpf_object_prog_count(o); i++) {
		struct gebpf_obj_prog *p = gebpf_object_prog(o, i);

		if (p->kind == 0)
			p->kind = EBPF_PROG_XDP;
		gebpf_object_load_prog(device, o, p, NULL, NULL);
	}
}

static void
test_corrupt(const struct bpfcc *cc)
{
	static const uint8_t masks[] = { 0xff, 0x01, 0x80 };
	size_t len, i, j, k, tried = 0, refused = 0;
	uint8_t *data = bpfcc_compile(cc, "lib/bpf/examples/globals.bpf.c",
				      "", false, &len);
	struct gebpf_object *o;
	Elf64_Ehdr h;
	uint8_t *copy;

	if (data == NULL || len < sizeof(h)) {
		tap_ok(false, "an object to corrupt");
		free(data);
		return;
	}
	for (i = 0; i < len; i++) {
		copy = malloc(i != 0 ? i : 1); /* its own end */
		memcpy(copy, data, i);
		memset(&last, 0, sizeof(last));
		if (gebpf_object_open_mem(copy, i, "cut.o", &o, &last) != 0 &&
		    last.text[0] != 0)
			refused++;
		gebpf_object_close(o);
		free(copy);
	}
	/* The section headers are at the end: nothing can be missing. */
	tap_ok(refused == len, "%zu of %zu truncations are refused", refused,
	       len);

	memcpy(&h, data, sizeof(h));
	copy = malloc(len);
	fresh_device();
	refused = 0;
	for (i = 0; i < len; i++) {
		bool in_headers = i < sizeof(h) ||
				  (i >= h.e_shoff &&
				   i < h.e_shoff + h.e_shnum *
							   sizeof(Elf64_Shdr));

		for (j = 0; j < 3 && in_headers; j++) {
			memcpy(copy, data, len);
			copy[i] ^= masks[j];
			tried++;
			if (gebpf_object_open_mem(copy, len, "flip.o", &o,
						  &last) != 0) {
				refused++;
				continue;
			}
			use(o);
			gebpf_object_close(o);
		}
	}
	tap_ok(refused > 0 && refused < tried, "%zu of %zu flipped bytes of "
	       "headers are refused, the rest harms nothing", refused, tried);

	/* The rest of the file: symbols, relocations, BTF, code. */
	tried = refused = 0;
	for (i = sizeof(h); i < len; i++) {
		memcpy(copy, data, len);
		copy[i] ^= masks[i % 3];
		tried++;
		if (gebpf_object_open_mem(copy, len, "flip.o", &o, &last) !=
		    0) {
			refused++;
			continue;
		}
		if (i % 8 == 0)
			use(o);
		gebpf_object_close(o);
	}
	tap_ok(refused > 0 && refused < tried, "%zu of %zu flipped bytes "
	       "anywhere are refused, the rest harms nothing", refused, tried);
	for (k = 0; k < 3; k++) {
		/* Huge counts and places in single fields. */
		static const uint64_t odd[] = { 0xffffffffffffffffULL,
						0x7fffffffffffffffULL,
						0x100000000ULL };

		for (i = h.e_shoff; i + 8 <= h.e_shoff +
				     h.e_shnum * sizeof(Elf64_Shdr); i += 8) {
			memcpy(copy, data, len);
			memcpy(copy + i, &odd[k], 8);
			if (gebpf_object_open_mem(copy, len, "odd.o", &o,
						  &last) == 0)
				use(o);
			gebpf_object_close(o);
		}
	}
	tap_ok(true, "huge numbers in section headers harm nothing");
	free(copy);
	free(data);
}

/* The verifier's words, the line in C, and nothing left behind. */
static void
test_rejected(const struct bpfcc *cc)
{
	static char log[16384];
	struct ebpf_rep_prog_load result = { 0 };
	struct gebpf_load_options options = { 0 };
	struct gebpf_object *o;
	struct gebpf_obj_prog *p;
	int error;

	fresh_device();
	o = open_source(cc, "tests/objects/rejected.bpf.c", "");
	p = o != NULL ? prog_named(o, "unchecked") : NULL;
	if (!tap_ok(p != NULL, "rejected opens: %s", last.text)) {
		gebpf_object_close(o);
		return;
	}
	options.log = log;
	options.log_size = sizeof(log);
	options.result = &result;
	error = gebpf_object_load_prog(device, o, p, &options, &last);
	TAP_CHECK(error == -EBPF_EREJECTED && last.code == error);
	TAP_CHECK(result.rule == EBPF_RULE_NULL_CHECK && result.id == 0);
	tap_ok(strstr(last.text, "rejected.bpf.c:19:") != NULL &&
		       last.hint[0] != 0, "%s (%s)", last.text, last.hint);
	TAP_CHECK(strlen(log) > 20);
	TAP_CHECK(p->id == 0 && map_named(o, "numbers")->id == 0);
	TAP_CHECK(left_over() == 0);
	/* The object is as before: it can be tried again. */
	TAP_CHECK(gebpf_object_load_prog(device, o, p, NULL, NULL) ==
		  -EBPF_EREJECTED);
	gebpf_object_close(o);
}

/* The device runs out of memory at every point of a load in turn. */
static void
test_no_memory(const struct bpfcc *cc)
{
	struct gebpf_object *o;
	struct gebpf_obj_prog *p;
	unsigned int n, failed = 0, dirty = 0;
	int error = -EBPF_ENOMEM;

	fresh_device();
	o = open_source(cc, "lib/bpf/examples/tail_demux.bpf.c", "");
	p = o != NULL ? prog_named(o, "tail_demux") : NULL;
	if (!tap_ok(p != NULL, "tail_demux opens: %s", last.text)) {
		gebpf_object_close(o);
		return;
	}
	for (n = 1; n < 5000; n++) {
		os_test_fail_at(n);
		error = gebpf_object_load_prog(device, o, p, NULL, &last);
		os_test_fail_at(0);
		/* Types that do not fit are left out, so that may succeed. */
		if (error == 0 && gebpf_object_warnings(o)[0] == 0)
			break;
		failed++;
		if (error == 0) {
			gebpf_object_close(o);
			fresh_device();
			o = open_source(cc,
					"lib/bpf/examples/tail_demux.bpf.c",
					"");
			p = prog_named(o, "tail_demux");
			continue;
		}
		if (left_over() != 0 || p->id != 0 || last.text[0] == 0)
			dirty++;
	}
	tap_ok(error == 0 && failed > 20 && dirty == 0, "%u points of failing "
	       "memory leave nothing behind, then it loads (%u, %s)", failed,
	       dirty, last.text);
	gebpf_object_close(o);
}

/* As compilers of old wrote: symbols and relocations without types. */
static void
test_notype(const struct bpfcc *cc)
{
	size_t len, i, j, changed = 0;
	uint8_t *data = bpfcc_compile(cc, "tests/objects/legacy.bpf.c",
				      "-DRECORD=20", false, &len);
	struct gebpf_object *o = NULL;
	Elf64_Ehdr h;

	if (data == NULL) {
		tap_ok(false, "an object to age");
		return;
	}
	memcpy(&h, data, sizeof(h));
	for (i = 0; i < h.e_shnum; i++) {
		Elf64_Shdr sh;

		memcpy(&sh, data + h.e_shoff + i * sizeof(sh), sizeof(sh));
		for (j = 0; sh.sh_type == SHT_REL &&
			    j < sh.sh_size / sizeof(Elf64_Rel); j++) {
			uint8_t *at = data + sh.sh_offset +
				      j * sizeof(Elf64_Rel);
			Elf64_Rel rel;

			memcpy(&rel, at, sizeof(rel));
			if (ELF64_R_TYPE(rel.r_info) != 1)
				continue;
			rel.r_info = ELF64_R_INFO(ELF64_R_SYM(rel.r_info), 0);
			memcpy(at, &rel, sizeof(rel));
			changed++;
		}
		for (j = 0; sh.sh_type == SHT_SYMTAB &&
			    j < sh.sh_size / sizeof(Elf64_Sym); j++) {
			uint8_t *at = data + sh.sh_offset +
				      j * sizeof(Elf64_Sym);
			Elf64_Sym sym;

			memcpy(&sym, at, sizeof(sym));
			if (ELF64_ST_TYPE(sym.st_info) != STT_FUNC &&
			    ELF64_ST_TYPE(sym.st_info) != STT_OBJECT)
				continue;
			sym.st_info = ELF64_ST_INFO(
				ELF64_ST_BIND(sym.st_info), STT_NOTYPE);
			sym.st_size = 0;
			memcpy(at, &sym, sizeof(sym));
			changed++;
		}
	}
	h.e_machine = EM_NONE;
	memcpy(data, &h, sizeof(h));
	fresh_device();
	gebpf_object_open_mem(data, len, "old.o", &o, &last);
	if (tap_ok(o != NULL && changed > 2 &&
			   gebpf_object_prog_count(o) == 1 &&
			   gebpf_object_map_count(o) == 2,
		   "symbols without types: %s", last.text))
		expect(cc, o, "prog", 43);
	gebpf_object_close(o);
	free(data);
}

static void
test_not_elf(void)
{
	static const char text[] = "int main(void) { return 0; }\n";
	struct gebpf_object *o = NULL;
	const char *path = "/proc/self/exe";

	TAP_CHECK(gebpf_object_open_mem(text, sizeof(text), "x.c", &o,
					&last) == -EBPF_EINVAL &&
		  strstr(last.text, "not an ELF file"));
	TAP_CHECK(gebpf_object_open("/nowhere/x.o", &o, &last) ==
			  -EBPF_ENOENT && strstr(last.text, "/nowhere/x.o"));
	TAP_CHECK(gebpf_object_open(path, &o, &last) == -EBPF_EINVAL &&
		  strstr(last.text, "not for BPF"));
	TAP_CHECK(gebpf_object_open("/", &o, &last) == -EBPF_EIO);
	TAP_CHECK(gebpf_object_open_mem("", 0, "empty.o", &o, &last) < 0);
}

/* Broken debug information is left out, and the program loads without. */
static void
test_broken_btf(const struct bpfcc *cc)
{
	size_t len, i;
	uint8_t *data = bpfcc_compile(cc, "tests/objects/data.bpf.c", "",
				      false, &len);
	struct gebpf_object *o = NULL;
	uint16_t magic = 0xeb9f;

	if (data == NULL) {
		tap_ok(false, "an object with BTF");
		return;
	}
	for (i = 0; i + 8 < len; i += 4) /* .BTF and .BTF.ext both */
		if (memcmp(data + i, &magic, 2) == 0 && data[i + 2] == 1)
			data[i + 4] = 0xff;
	fresh_device();
	gebpf_object_open_mem(data, len, "data.o", &o, &last);
	if (tap_ok(o != NULL && gebpf_object_btf(o) == NULL &&
			   strstr(gebpf_object_warnings(o), "'.BTF'") != NULL,
		   "broken BTF is warned of: %s",
		   o != NULL ? gebpf_object_warnings(o) : last.text))
		expect(cc, o, "prog", 3227);
	gebpf_object_close(o);
	free(data);
}

/* What the headers call by number has that number here. */
static void
test_helper_numbers(void)
{
	size_t len, n = 0, wrong = 0;
	char *text = (char *)bpfcc_read("lib/bpf/bpf_helper_defs.h", &len);
	char *at, *equals;

	if (text == NULL) {
		tap_ok(false, "lib/bpf/bpf_helper_defs.h");
		return;
	}
	text[len] = 0;
	for (at = text; (at = strstr(at, "*const bpf_")) != NULL;) {
		char *name = at + 7, *end = strchr(name, ')');

		equals = strstr(at, "(void *)");
		if (end == NULL || equals == NULL)
			break;
		*end = 0;
		n++;
		if (gebpf_helper_number(name) !=
		    strtoul(equals + 8, NULL, 10)) {
			wrong++;
			tap_diag("%s", name);
		}
		at = end + 1;
	}
	tap_ok(n > 200 && wrong == 0, "%zu helpers have their numbers", n);
	free(text);
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

	test_not_elf();
	test_helper_numbers();
	all = bpfcc_all(&n);
	best = bpfcc_best();
	if (best == NULL) {
		tap_skip("no clang with BPF", "objects of compilers");
		return tap_done();
	}
	fresh_device();
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
	test_damaged(best);
	test_bad_maps(best);
	test_bridges(best);
	test_others(best);
	test_rejected(best);
	test_no_memory(best);
	test_notype(best);
	test_broken_btf(best);
	test_corrupt(best);
	test_linux(best);
	gebpf_close(device);
	return tap_done();
}
