/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Inside of struct gebpf_object, shared by the object_*.c files. Opening goes
 * down the list once:
 *   object_elf.c   bytes to sections, symbols, relocations; everything that a
 *                  later step indexes has been checked against the file
 *   object_btf.c   .BTF and .BTF.ext; broken ones are left out with a warning
 *   object_maps.c  maps, .maps and data sections to map definitions
 *   object_prog.c  which functions there are and which of them are programs
 *   object_link.c  each program with its subprograms, relocated
 * Loading is object_load*.c.
 *
 * A malformed file fails to open. What is well-formed and cannot be supported
 * is remembered as the `broken` of a program or map and said when it is loaded,
 * so that the rest of the object stays usable.
 */
#ifndef CLIENT_OBJECT_IMPL_H
#define CLIENT_OBJECT_IMPL_H

#include <string.h>

#include "client/btf_impl.h"
#include "client/gebpf.h"

enum {
	OBJ_FILE_MAX = 256 << 20,    /* bytes of a file */
	OBJ_SECTION_MAX = 1 << 16,
	OBJ_DATA_MAX = 32 << 20,     /* bytes of one data section */
	OBJ_MAP_MAX = 4096,
	OBJ_LINKED_MAX = 16 << 20,   /* slots of all linked programs */
};

enum obj_what {
	OBJ_OTHER,
	OBJ_CODE,
	OBJ_DATA,      /* .data .rodata .bss */
	OBJ_MAPS,      /* "maps": records of numbers */
	OBJ_BTF_MAPS,  /* ".maps": the types are the definition */
};

struct obj_reloc {
	uint64_t off; /* in the section it applies to */
	uint32_t type;
	uint32_t symbol; /* index in symbols */
	int64_t addend;	 /* RELA only */
};

struct obj_section {
	const char *name;
	enum obj_what what;
	uint32_t type; /* SHT_* */
	uint64_t flags, size;
	const uint8_t *data; /* NULL for NOBITS */
	int map;	     /* OBJ_DATA: index in maps */
	bool warned;	     /* about addresses in its data */
	struct obj_reloc *relocs; /* ascending by off */
	size_t reloc_count;
};

struct obj_symbol {
	const char *name; /* a section symbol has its section's */
	uint64_t value, size;
	uint32_t section; /* SHN_UNDEF 0; OBJ_NO_SECTION: absolute, common */
	uint8_t type, bind;
	bool common;
};
enum { OBJ_NO_SECTION = 0xffffffffu };

struct obj_func {
	const char *name;
	uint32_t section;
	uint32_t start, count; /* slots */
	bool global;
	bool called; /* by, or its address taken in, another function */
	int prog;    /* index in progs, -1: a subprogram only */
};

/* A record of .BTF.ext, ascending by section, slot. */
struct obj_info {
	uint32_t section, slot, order;
	uint32_t a, b, c; /* func: type; line: file, line, column;
			     core: type, access string, kind */
};
struct obj_infos {
	struct obj_info *at;
	size_t count, room;
};

/* An initial element of a map of maps or of a prog_array. */
struct obj_slot {
	uint32_t key;
	int map, func; /* one of them, the other -1 */
};

struct obj_map {
	struct gebpf_obj_map pub;
	uint32_t section;
	uint64_t off;	    /* of its definition in the section */
	uint8_t *data;	    /* what pub.data points to */
	uint32_t elf_id;    /* iproute2's id, 0: none */
	bool has_values;    /* .maps: initial elements from values_off on */
	uint32_t values_off;
	struct obj_slot *slots;
	size_t slot_count;
	struct gebpf_error broken;
	bool in_program; /* some linked program uses it */
};

struct obj_prog {
	struct gebpf_obj_prog pub;
	uint32_t func;
	struct ebpf_insn *insns;
	struct ebpf_func_info *funcs;
	struct ebpf_line_info *lines;
	uint32_t func_count, line_count;
	uint8_t *uses; /* per map: 1 if the program refers to it */
	struct gebpf_error broken;
};

struct gebpf_object {
	char name[EBPF_NAME_SIZE];
	char license[EBPF_NAME_SIZE];
	char *warnings;
	size_t warnings_len;

	uint8_t *image; /* the file */
	size_t image_len;
	void *elf; /* Elf *; names point into it */

	struct obj_section *sections;
	uint32_t section_count;
	struct obj_symbol *symbols;
	size_t symbol_count;

	struct gebpf_btf *btf; /* NULL: none */
	struct obj_infos func_info, line_info, core_info;
	bool core_warned;

	struct obj_map *maps;
	size_t map_count, map_room;
	struct obj_func *funcs; /* ascending by section, start */
	size_t func_count;
	struct obj_prog *progs;
	size_t prog_count;
	size_t linked; /* slots of all programs */

	/* Loading. */
	struct gebpf_device *device; /* where ids are from; NULL: none yet */
	uint32_t btf_id;
	bool btf_refused;
};

/* One more line of gebpf_object_warnings(). */
void obj_warn(struct gebpf_object *obj, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Each returns 0 or fails the opening. */
int obj_elf_read(struct gebpf_object *obj, struct gebpf_error *err);
void obj_elf_free(struct gebpf_object *obj);
int obj_btf_read(struct gebpf_object *obj, struct gebpf_error *err);
int obj_maps_read(struct gebpf_object *obj, struct gebpf_error *err);
int obj_funcs_read(struct gebpf_object *obj, struct gebpf_error *err);
int obj_progs_find(struct gebpf_object *obj, struct gebpf_error *err);
int obj_map_slots_read(struct gebpf_object *obj, struct gebpf_error *err);
int obj_progs_link(struct gebpf_object *obj, struct gebpf_error *err);

/* Section index by name and kind of thing; 0 for none. */
uint32_t obj_section_find(const struct gebpf_object *obj, const char *name);
/* "R_BPF_64_64"; for messages. */
const char *obj_reloc_name(uint32_t type);
/* The relocation of that offset, NULL for none. */
const struct obj_reloc *obj_reloc_at(const struct obj_section *section,
				     uint64_t off);
/* Index of the function that starts there, or -1. */
int obj_func_at(const struct gebpf_object *obj, uint32_t section,
		uint64_t slot);
/* Index of the map whose definition is at that place, or -1. */
int obj_map_at(const struct gebpf_object *obj, uint32_t section, uint64_t off);
/* The first record of that section at or after that slot; may be one past. */
size_t obj_info_from(const struct obj_infos *infos, uint32_t section,
		     uint32_t slot);

/*
 * Where a call or a lddw of slot `slot` of code section `section` leads, if
 * that is a function: 1 and its index in *func. 0: not a call of a function.
 * Negative: malformed or unresolved, with words in err. object_link.c
 */
int obj_call_target(const struct gebpf_object *obj, uint32_t section,
		    uint32_t slot, int *func, struct gebpf_error *err);

static inline struct ebpf_insn
obj_insn(const struct obj_section *section, uint32_t slot)
{
	struct ebpf_insn insn;

	memcpy(&insn, section->data + (size_t)slot * sizeof(insn),
	       sizeof(insn));
	return insn;
}

/* lddw takes two slots. */
static inline bool
obj_is_lddw(struct ebpf_insn insn)
{
	return insn.code == 0x18;
}

#endif
