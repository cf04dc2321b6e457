/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From the bytes of an ELF file to arrays of sections, symbols and relocations.
 * libelf translates; what it is given has been measured here first, because a
 * hostile file must not depend on libelf's care. Knows nothing of BPF beyond
 * the machine number and which sections could hold code.
 */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>

#include "client/object_impl.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

static int
check_header(const struct gebpf_object *obj, struct gebpf_error *err)
{
	const uint8_t *d = obj->image;
	uint64_t len = obj->image_len, count;
	Elf64_Ehdr h;
	Elf64_Shdr first;

	if (len < 4 || memcmp(d, ELFMAG, SELFMAG) != 0) {
		gebpf_fail(err, -EBPF_EINVAL, "%s: not an ELF file", obj->name);
		gebpf_hint(err, "wanted is what clang -target bpf -c makes of "
				"a program, or its source, named *.c");
		return -EBPF_EINVAL;
	}
	if (len < sizeof(h))
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: ELF header is cut off", obj->name);
	memcpy(&h, d, sizeof(h));
	if (h.e_ident[EI_CLASS] != ELFCLASS64)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: not a 64-bit ELF file", obj->name);
	if (h.e_ident[EI_DATA] != ELFDATA2LSB) {
		gebpf_fail(err, -EBPF_EUNSUPPORTED,
			   "%s: big-endian BPF code", obj->name);
		gebpf_hint(err, "compile with clang -target bpfel");
		return -EBPF_EUNSUPPORTED;
	}
	/* Compilers before the machine had a number wrote 0. */
	if (h.e_machine != EM_BPF && h.e_machine != EM_NONE) {
		gebpf_fail(err, -EBPF_EINVAL,
			   "%s: ELF file for machine %u, not for BPF",
			   obj->name, h.e_machine);
		gebpf_hint(err, "compile with clang -target bpf -O2 -g -c");
		return -EBPF_EINVAL;
	}
	if (h.e_type != ET_REL)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: ELF type %u, not a relocatable object",
				  obj->name, h.e_type);
	if (h.e_shoff == 0)
		return gebpf_fail(err, -EBPF_EINVAL, "%s: has no sections",
				  obj->name);
	if (h.e_shentsize != sizeof(Elf64_Shdr) || h.e_shoff > len ||
	    len - h.e_shoff < sizeof(first))
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: section headers lie outside the file",
				  obj->name);
	memcpy(&first, d + h.e_shoff, sizeof(first));
	count = h.e_shnum != 0 ? h.e_shnum : first.sh_size;
	if (count > OBJ_SECTION_MAX ||
	    count * sizeof(first) > len - h.e_shoff)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: %llu section headers at %llu lie "
				  "outside the file of %llu bytes", obj->name,
				  (unsigned long long)count,
				  (unsigned long long)h.e_shoff,
				  (unsigned long long)len);
	return 0;
}

/* Names are printed: no control characters. */
static bool
is_printable(const char *s)
{
	for (; *s != 0; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static bool
is_named(const char *name, const char *stem)
{
	size_t n = strlen(stem);

	return strncmp(name, stem, n) == 0 &&
	       (name[n] == 0 || name[n] == '.');
}

static enum obj_what
classify(const struct obj_section *s)
{
	if (s->type == SHT_NOBITS)
		return is_named(s->name, ".bss") ? OBJ_DATA : OBJ_OTHER;
	if (s->type != SHT_PROGBITS)
		return OBJ_OTHER;
	if ((s->flags & SHF_EXECINSTR) != 0)
		return OBJ_CODE;
	if (strcmp(s->name, ".maps") == 0)
		return OBJ_BTF_MAPS;
	if (strcmp(s->name, "maps") == 0 || strncmp(s->name, "maps/", 5) == 0)
		return OBJ_MAPS;
	if ((s->flags & SHF_ALLOC) != 0 &&
	    (is_named(s->name, ".data") || is_named(s->name, ".rodata") ||
	     is_named(s->name, ".bss")))
		return OBJ_DATA;
	return OBJ_OTHER;
}

static int
read_sections(struct gebpf_object *obj, Elf *elf, struct gebpf_error *err)
{
	size_t count, names, i;
	uint64_t total = 0;

	if (elf_getshdrnum(elf, &count) != 0 || count > OBJ_SECTION_MAX ||
	    elf_getshdrstrndx(elf, &names) != 0)
		return gebpf_fail(err, -EBPF_EINVAL, "%s: %s", obj->name,
				  elf_errmsg(-1));
	obj->sections = calloc(count != 0 ? count : 1,
			       sizeof(*obj->sections));
	if (obj->sections == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	obj->section_count = (uint32_t)count;
	if (count != 0)
		obj->sections[0].name = "";
	/* Bounds of all first: libelf reads names out of one of them. */
	for (i = 1; i < count; i++) {
		Elf_Scn *scn = elf_getscn(elf, i);
		struct obj_section *s = &obj->sections[i];
		GElf_Shdr sh;

		if (scn == NULL || gelf_getshdr(scn, &sh) == NULL)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section %zu: %s", obj->name, i,
					  elf_errmsg(-1));
		s->name = "";
		s->map = -1;
		s->type = sh.sh_type;
		s->flags = sh.sh_flags;
		s->size = sh.sh_size;
		if (sh.sh_type == SHT_NOBITS || sh.sh_type == SHT_NULL)
			continue;
		if (sh.sh_offset > obj->image_len ||
		    sh.sh_size > obj->image_len - sh.sh_offset)
			return gebpf_fail(
				err, -EBPF_EINVAL,
				"%s: section %zu: %llu bytes at %llu lie "
				"outside the file of %zu bytes", obj->name, i,
				(unsigned long long)sh.sh_size,
				(unsigned long long)sh.sh_offset,
				obj->image_len);
		s->data = obj->image + sh.sh_offset;
		total += sh.sh_size;
		if (total > obj->image_len)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section %zu overlaps others",
					  obj->name, i);
	}
	for (i = 1; i < count; i++) {
		struct obj_section *s = &obj->sections[i];
		GElf_Shdr sh;

		gelf_getshdr(elf_getscn(elf, i), &sh);
		s->name = elf_strptr(elf, names, sh.sh_name);
		if (s->name == NULL || !is_printable(s->name))
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section %zu: bad name",
					  obj->name, i);
		s->what = classify(s);
		if (s->what != OBJ_OTHER && (s->flags & SHF_COMPRESSED) != 0)
			return gebpf_fail(err, -EBPF_EUNSUPPORTED,
					  "%s: section '%s' is compressed",
					  obj->name, s->name);
		if (s->what == OBJ_CODE &&
		    s->size % sizeof(struct ebpf_insn) != 0)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': %llu bytes are "
					  "no whole instructions", obj->name,
					  s->name,
					  (unsigned long long)s->size);
		if (s->what == OBJ_CODE &&
		    s->size / sizeof(struct ebpf_insn) > INT32_MAX)
			return gebpf_fail(err, -EBPF_E2BIG,
					  "%s: section '%s' is too large",
					  obj->name, s->name);
	}
	return 0;
}

static int
read_symbols(struct gebpf_object *obj, Elf *elf, uint32_t section,
	     struct gebpf_error *err)
{
	Elf_Scn *scn = elf_getscn(elf, section);
	GElf_Shdr sh;
	Elf_Data *data;
	size_t i;

	if (gelf_getshdr(scn, &sh) == NULL ||
	    (data = elf_getdata(scn, NULL)) == NULL)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: symbol table: %s", obj->name,
				  elf_errmsg(-1));
	obj->symbol_count = data->d_size / sizeof(Elf64_Sym);
	obj->symbols = calloc(obj->symbol_count + 1, sizeof(*obj->symbols));
	if (obj->symbols == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	for (i = 0; i < obj->symbol_count; i++) {
		struct obj_symbol *s = &obj->symbols[i];
		GElf_Sym sym;

		if (gelf_getsym(data, (int)i, &sym) == NULL)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: symbol %zu: %s", obj->name, i,
					  elf_errmsg(-1));
		s->name = elf_strptr(elf, sh.sh_link, sym.st_name);
		if (s->name == NULL || !is_printable(s->name))
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: symbol %zu: bad name",
					  obj->name, i);
		s->value = sym.st_value;
		s->size = sym.st_size;
		s->type = GELF_ST_TYPE(sym.st_info);
		s->bind = GELF_ST_BIND(sym.st_info);
		s->section = sym.st_shndx;
		s->common = sym.st_shndx == SHN_COMMON;
		if (sym.st_shndx >= SHN_LORESERVE)
			s->section = OBJ_NO_SECTION;
		else if (sym.st_shndx >= obj->section_count)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: symbol '%s': section %u of %u",
					  obj->name, s->name, sym.st_shndx,
					  obj->section_count);
		if (s->type == STT_SECTION && s->name[0] == 0 &&
		    s->section != OBJ_NO_SECTION)
			s->name = obj->sections[s->section].name;
	}
	return 0;
}

static int
by_offset(const void *a, const void *b)
{
	const struct obj_reloc *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static int
read_relocs(struct gebpf_object *obj, Elf *elf, uint32_t index,
	    uint32_t symtab, struct gebpf_error *err)
{
	Elf_Scn *scn = elf_getscn(elf, index);
	const char *name = obj->sections[index].name;
	bool rela = obj->sections[index].type == SHT_RELA;
	struct obj_section *target;
	GElf_Shdr sh;
	Elf_Data *data;
	size_t count, i;
	struct obj_reloc *more;

	if (gelf_getshdr(scn, &sh) == NULL)
		return gebpf_fail(err, -EBPF_EINVAL, "%s: section '%s': %s",
				  obj->name, name, elf_errmsg(-1));
	if (sh.sh_info == 0 || sh.sh_info >= obj->section_count)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: section '%s': relocates section %u "
				  "of %u", obj->name, name, sh.sh_info,
				  obj->section_count);
	target = &obj->sections[sh.sh_info];
	if (target->what == OBJ_OTHER)
		return 0; /* debug information */
	if (sh.sh_link != symtab)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: section '%s': no symbol table",
				  obj->name, name);
	data = elf_getdata(scn, NULL);
	if (data == NULL)
		return gebpf_fail(err, -EBPF_EINVAL, "%s: section '%s': %s",
				  obj->name, name, elf_errmsg(-1));
	count = data->d_size /
		(rela ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel));
	more = realloc(target->relocs,
		       (target->reloc_count + count + 1) * sizeof(*more));
	if (more == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	target->relocs = more;
	for (i = 0; i < count; i++) {
		struct obj_reloc *r = &target->relocs[target->reloc_count];
		GElf_Rel rel;
		GElf_Rela with;
		bool ok;

		if (rela) {
			ok = gelf_getrela(data, (int)i, &with) != NULL;
			rel.r_offset = with.r_offset;
			rel.r_info = with.r_info;
			r->addend = with.r_addend;
		} else {
			ok = gelf_getrel(data, (int)i, &rel) != NULL;
			r->addend = 0;
		}
		if (!ok)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': entry %zu: %s",
					  obj->name, name, i, elf_errmsg(-1));
		r->off = rel.r_offset;
		r->type = (uint32_t)GELF_R_TYPE(rel.r_info);
		r->symbol = (uint32_t)GELF_R_SYM(rel.r_info);
		if (r->symbol >= obj->symbol_count)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': entry %zu: "
					  "symbol %u of %zu", obj->name, name,
					  i, r->symbol, obj->symbol_count);
		/* Eight bytes in code and data, four are enough elsewhere. */
		if (r->off >= target->size || target->size - r->off < 4 ||
		    (target->what == OBJ_CODE && r->off % 8 != 0))
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': entry %zu: "
					  "offset 0x%llx is no place in '%s'",
					  obj->name, name, i,
					  (unsigned long long)r->off,
					  target->name);
		target->reloc_count++;
	}
	qsort(target->relocs, target->reloc_count, sizeof(*target->relocs),
	      by_offset);
	for (i = 1; i < target->reloc_count; i++)
		if (target->relocs[i].off == target->relocs[i - 1].off)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': two relocations "
					  "at offset 0x%llx", obj->name,
					  target->name,
					  (unsigned long long)
						  target->relocs[i].off);
	return 0;
}

int
obj_elf_read(struct gebpf_object *obj, struct gebpf_error *err)
{
	uint32_t i, symtab = 0;
	Elf *elf;
	int error = check_header(obj, err);

	if (error != 0)
		return error;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return gebpf_fail(err, -EBPF_EUNSUPPORTED, "libelf: %s",
				  elf_errmsg(-1));
	elf = elf_memory((char *)obj->image, obj->image_len);
	if (elf == NULL)
		return gebpf_fail(err, -EBPF_EINVAL, "%s: %s", obj->name,
				  elf_errmsg(-1));
	obj->elf = elf;
	if (elf_kind(elf) != ELF_K_ELF)
		return gebpf_fail(err, -EBPF_EINVAL, "%s: not an ELF file",
				  obj->name);
	error = read_sections(obj, elf, err);
	for (i = 1; error == 0 && i < obj->section_count; i++) {
		if (obj->sections[i].type != SHT_SYMTAB)
			continue;
		if (symtab != 0)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: two symbol tables", obj->name);
		symtab = i;
		error = read_symbols(obj, elf, i, err);
	}
	for (i = 1; error == 0 && i < obj->section_count; i++)
		if (obj->sections[i].type == SHT_REL ||
		    obj->sections[i].type == SHT_RELA)
			error = read_relocs(obj, elf, i, symtab, err);
	return error;
}

void
obj_elf_free(struct gebpf_object *obj)
{
	uint32_t i;

	for (i = 0; obj->sections != NULL && i < obj->section_count; i++)
		free(obj->sections[i].relocs);
	free(obj->sections);
	free(obj->symbols);
	if (obj->elf != NULL)
		elf_end(obj->elf);
	free(obj->image);
}

uint32_t
obj_section_find(const struct gebpf_object *obj, const char *name)
{
	uint32_t i;

	for (i = 1; i < obj->section_count; i++)
		if (strcmp(obj->sections[i].name, name) == 0 &&
		    obj->sections[i].type != SHT_NULL)
			return i;
	return 0;
}

const struct obj_reloc *
obj_reloc_at(const struct obj_section *section, uint64_t off)
{
	size_t low = 0, high = section->reloc_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (section->relocs[mid].off < off)
			low = mid + 1;
		else
			high = mid;
	}
	return low < section->reloc_count && section->relocs[low].off == off ?
		       &section->relocs[low] : NULL;
}

const char *
obj_reloc_name(uint32_t type)
{
	switch (type) {
	case 0:
		return "R_BPF_NONE";
	case 1:
		return "R_BPF_64_64";
	case 2:
		return "R_BPF_64_ABS64";
	case 3:
		return "R_BPF_64_ABS32";
	case 4:
		return "R_BPF_64_NODYLD32";
	case 10:
		return "R_BPF_64_32";
	default:
		return "of unknown meaning";
	}
}
