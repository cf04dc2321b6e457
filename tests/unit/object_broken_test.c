/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects that are broken: every truncation, every flipped byte of the headers,
 * one thing wrong at a time, things that cannot be supported and the sentences
 * that say so, memory that runs out.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/os.h"
#include "local.h"
#include "tap.h"

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

		local_fresh();
		memcpy(bad, good, len);
		says = damage(bad, n);
		if (says == NULL)
			break;
		memset(&local_last, 0, sizeof(local_last));
		gebpf_object_open_mem(bad, len, "damaged", &o, &local_last);
		p = o != NULL ? local_prog(o, "prog") : NULL;
		if (p != NULL)
			local_load(o, p);
		tap_ok(local_last.code < 0 && strstr(local_last.text, says) != NULL &&
		       local_left_over() == 0,
		       "damage %u: %s", n, local_last.text);
		gebpf_object_close(o);
	}
out:
	free(good);
	free(bad);
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

		local_fresh();
		snprintf(flags, sizeof(flags), "-DBAD=%zu", i + 1);
		o = local_open(cc, "tests/objects/bad_maps.bpf.c", flags);
		opened = o != NULL;
		if (opened)
			local_load(o, local_prog(o, "prog"));
		tap_ok(opened == cases[i].at_load &&
		       strstr(local_last.text, cases[i].says) != NULL &&
		       local_left_over() == 0,
		       "bad map: %s", local_last.text);
		gebpf_object_close(o);
	}
}

static void
use(struct gebpf_object *o)
{
	size_t i;

	for (i = 0; i < gebpf_object_prog_count(o); i++) {
		struct gebpf_obj_prog *p = gebpf_object_prog(o, i);

		if (p->kind == 0)
			p->kind = EBPF_PROG_XDP;
		gebpf_object_load_prog(local_device, o, p, NULL, NULL);
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
		memset(&local_last, 0, sizeof(local_last));
		if (gebpf_object_open_mem(copy, i, "cut.o", &o, &local_last) != 0 &&
		    local_last.text[0] != 0)
			refused++;
		gebpf_object_close(o);
		free(copy);
	}
	/* The section headers are at the end: nothing can be missing. */
	tap_ok(refused == len, "%zu of %zu truncations are refused", refused,
	       len);

	memcpy(&h, data, sizeof(h));
	copy = malloc(len);
	local_fresh();
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
						  &local_last) != 0) {
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
		if (gebpf_object_open_mem(copy, len, "flip.o", &o, &local_last) !=
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
						  &local_last) == 0)
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

	local_fresh();
	o = local_open(cc, "tests/objects/rejected.bpf.c", "");
	p = o != NULL ? local_prog(o, "unchecked") : NULL;
	if (!tap_ok(p != NULL, "rejected opens: %s", local_last.text)) {
		gebpf_object_close(o);
		return;
	}
	options.log = log;
	options.log_size = sizeof(log);
	options.result = &result;
	error = gebpf_object_load_prog(local_device, o, p, &options, &local_last);
	TAP_CHECK(error == -EBPF_EREJECTED && local_last.code == error);
	TAP_CHECK(result.rule == EBPF_RULE_NULL_CHECK && result.id == 0);
	tap_ok(strstr(local_last.text, "rejected.bpf.c:19:") != NULL &&
		       local_last.hint[0] != 0, "%s (%s)", local_last.text, local_last.hint);
	TAP_CHECK(strlen(log) > 20);
	TAP_CHECK(p->id == 0 && local_map(o, "numbers")->id == 0);
	TAP_CHECK(local_left_over() == 0);
	/* The object is as before: it can be tried again. */
	TAP_CHECK(gebpf_object_load_prog(local_device, o, p, NULL, NULL) ==
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

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/tail_demux.bpf.c", "");
	p = o != NULL ? local_prog(o, "tail_demux") : NULL;
	if (!tap_ok(p != NULL, "tail_demux opens: %s", local_last.text)) {
		gebpf_object_close(o);
		return;
	}
	for (n = 1; n < 5000; n++) {
		os_test_fail_at(n);
		error = gebpf_object_load_prog(local_device, o, p, NULL, &local_last);
		os_test_fail_at(0);
		/* Types that do not fit are left out, so that may succeed. */
		if (error == 0 && gebpf_object_warnings(o)[0] == 0)
			break;
		failed++;
		if (error == 0) {
			gebpf_object_close(o);
			local_fresh();
			o = local_open(cc,
				       "lib/bpf/examples/tail_demux.bpf.c",
				       "");
			p = local_prog(o, "tail_demux");
			continue;
		}
		if (local_left_over() != 0 || p->id != 0 || local_last.text[0] == 0)
			dirty++;
	}
	tap_ok(error == 0 && failed > 20 && dirty == 0, "%u points of failing "
	       "memory leave nothing behind, then it loads (%u, %s)", failed,
	       dirty, local_last.text);
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
	local_fresh();
	gebpf_object_open_mem(data, len, "old.o", &o, &local_last);
	if (tap_ok(o != NULL && changed > 2 &&
		   gebpf_object_prog_count(o) == 1 &&
		   gebpf_object_map_count(o) == 2,
		   "symbols without types: %s", local_last.text))
		local_expect(cc, o, "prog", 43);
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
					&local_last) == -EBPF_EINVAL &&
		  strstr(local_last.text, "not an ELF file"));
	TAP_CHECK(gebpf_object_open("/nowhere/x.o", &o, &local_last) ==
		  -EBPF_ENOENT && strstr(local_last.text, "/nowhere/x.o"));
	TAP_CHECK(gebpf_object_open(path, &o, &local_last) == -EBPF_EINVAL &&
		  strstr(local_last.text, "not for BPF"));
	TAP_CHECK(gebpf_object_open("/", &o, &local_last) == -EBPF_EIO);
	TAP_CHECK(gebpf_object_open_mem("", 0, "empty.o", &o, &local_last) < 0);
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
	local_fresh();
	gebpf_object_open_mem(data, len, "data.o", &o, &local_last);
	if (tap_ok(o != NULL && gebpf_object_btf(o) == NULL &&
		   strstr(gebpf_object_warnings(o), "'.BTF'") != NULL,
		   "broken BTF is warned of: %s",
		   o != NULL ? gebpf_object_warnings(o) : local_last.text))
		local_expect(cc, o, "prog", 3227);
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

int
main(void)
{
	const struct bpfcc *best = bpfcc_best();

	test_not_elf();
	test_helper_numbers();
	if (best == NULL) {
		tap_skip("no clang with BPF", "objects of compilers");
		return tap_done();
	}
	test_damaged(best);
	test_bad_maps(best);
	test_rejected(best);
	test_no_memory(best);
	test_notype(best);
	test_broken_btf(best);
	test_corrupt(best);
	gebpf_close(local_device);
	return tap_done();
}
