/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One program out of many pieces: the program's function, then every function
 * that it reaches, each once; calls, maps, variables and callbacks relocated;
 * function and line information moved along. Maps stay indices of the object.
 *
 * CO-RE: a portable runtime has no kernel types to look up, so the types that
 * the object was compiled with are the types of the target. Offsets stay as
 * compiled; questions whether something exists are answered with yes, and
 * sizes, type ids and enumerators come from the object's own BTF.
 */
#include <elf.h>
#include <stdlib.h>

#include "client/object_impl.h"

enum {
	CODE_CALL = 0x85,
	SRC_LOCAL = 1, /* of a call: a function of this program */
	SRC_KFUNC = 2,
	SRC_FUNC = 4,	   /* of a lddw: such a function's address */
	SRC_MAP_IDX = 5,   /* a map by index */
	SRC_VALUE_IDX = 6, /* the value of its element 0, plus next.imm */
};

static unsigned int
src_of(struct ebpf_insn insn)
{
	return insn.regs >> 4;
}

static void
set_src(struct ebpf_insn *insn, unsigned int src)
{
	insn->regs = (uint8_t)((insn->regs & 0x0f) | src << 4);
}

/* Words before every sentence about a relocation. */
static int
fail_at(const struct gebpf_object *obj, uint32_t section, uint32_t slot,
	struct gebpf_error *err, int code, const char *what, const char *name,
	const char *why)
{
	return gebpf_fail(err, code, "%s: section '%s': instruction %u: %s "
			  "'%s': %s", obj->name, obj->sections[section].name,
			  slot, what, name, why);
}

/* Type of the variable or function `name` in that section of BTF, or 0. */
static uint32_t
in_datasec(const struct gebpf_btf *btf, const char *datasec, const char *name)
{
	struct gebpf_btf_member m;
	uint32_t sec, i;

	if (btf == NULL)
		return 0;
	sec = gebpf_btf_find(btf, GEBPF_BTF_DATASEC, datasec);
	for (i = 0; sec != 0 && gebpf_btf_member(btf, sec, i, &m) == 0; i++)
		if (strcmp(m.name, name) == 0)
			return m.type;
	return 0;
}

/* Functions that a compiler takes to be in every C library. */
static bool
is_compilers_own(const char *name)
{
	static const char *const names[] = { "memset", "memcpy", "memmove",
					     "memcmp", "bcmp" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* A symbol that the object only uses: what was it meant to be? */
static int
fail_undefined(const struct gebpf_object *obj, uint32_t section, uint32_t slot,
	       const struct obj_symbol *sym, struct gebpf_error *err)
{
	uint32_t type;

	if (sym->common) {
		fail_at(obj, section, slot, err, -EBPF_EUNSUPPORTED,
			"variable", sym->name,
			"is a common symbol without a section");
		gebpf_hint(err, "give it an initial value, or compile with "
				"-fno-common");
		return -EBPF_EUNSUPPORTED;
	}
	if (in_datasec(obj->btf, ".kconfig", sym->name) != 0)
		return fail_at(obj, section, slot, err, -EBPF_EUNSUPPORTED,
			       "kernel configuration value", sym->name,
			       "is known only inside Linux (__kconfig)");
	type = in_datasec(obj->btf, ".ksyms", sym->name);
	if (type != 0)
		return fail_at(obj, section, slot, err, -EBPF_EUNSUPPORTED,
			       btf_kind(obj->btf, type) == GEBPF_BTF_FUNC ?
				       "kernel function" : "kernel variable",
			       sym->name, "exists only inside Linux (__ksym)");
	fail_at(obj, section, slot, err, -EBPF_ENOENT, "symbol", sym->name,
		"is used and nowhere defined");
	if (is_compilers_own(sym->name))
		gebpf_hint(err, "clang calls it for large or variable sizes: "
				"use a constant size, at most 1024 bytes at a "
				"time, or a loop");
	else
		gebpf_hint(err, "define it, or link the object that has it");
	return -EBPF_ENOENT;
}

int
obj_call_target(const struct gebpf_object *obj, uint32_t section,
		uint32_t slot, int *func, struct gebpf_error *err)
{
	const struct obj_section *s = &obj->sections[section];
	struct ebpf_insn insn = obj_insn(s, slot);
	const struct obj_reloc *r = obj_reloc_at(s, (uint64_t)slot * 8);
	const struct obj_symbol *sym = NULL;
	uint64_t target;

	*func = -1;
	if (insn.code != CODE_CALL && !obj_is_lddw(insn))
		return 0;
	if (r != NULL)
		sym = &obj->symbols[r->symbol];
	if (sym == NULL) {
		if (insn.code != CODE_CALL || src_of(insn) != SRC_LOCAL)
			return 0;
		target = (uint64_t)slot + (uint64_t)(int64_t)insn.imm + 1;
	} else if (insn.code == CODE_CALL) {
		if (sym->section == 0 || sym->section == OBJ_NO_SECTION)
			return fail_undefined(obj, section, slot, sym, err);
		section = sym->section;
		if (obj->sections[section].what != OBJ_CODE)
			return fail_at(obj, (uint32_t)(s - obj->sections),
				       slot, err, -EBPF_EINVAL, "call of",
				       sym->name, "is no function");
		target = sym->value / 8 + (uint64_t)(int64_t)insn.imm + 1;
	} else {
		if (sym->section == OBJ_NO_SECTION ||
		    obj->sections[sym->section].what != OBJ_CODE)
			return 0;
		section = sym->section;
		target = sym->value + (uint64_t)(int64_t)insn.imm;
		target = target % 8 == 0 ? target / 8 : UINT64_MAX;
	}
	*func = obj_func_at(obj, section, target);
	if (*func < 0) {
		fail_at(obj, (uint32_t)(s - obj->sections), slot, err,
			-EBPF_EINVAL, "call of",
			sym != NULL ? sym->name : obj->sections[section].name,
			"does not lead to the start of a function");
		return -EBPF_EINVAL;
	}
	return 1;
}

/* ---- one program being linked ---- */

struct part {
	uint32_t func;
	uint32_t at; /* slot in the program */
};

struct link {
	struct gebpf_object *obj;
	struct obj_prog *prog;
	struct ebpf_insn *insns;
	size_t count, room;
	struct part *parts;
	size_t part_count;
	uint32_t *part_of; /* per function: 1 + index in parts, 0: none yet */
};

/* CO-RE record r answered in the instruction it belongs to. */
static void
answer_core(struct gebpf_object *obj, const struct obj_info *r,
	    struct ebpf_insn *insn, size_t left)
{
	enum {
		FIELD_EXISTS = 2,
		TYPE_ID_LOCAL = 6,
		TYPE_ID_TARGET = 7,
		TYPE_EXISTS = 8,
		TYPE_SIZE = 9,
		ENUMVAL_EXISTS = 10,
		ENUMVAL_VALUE = 11,
		TYPE_MATCHES = 12,
	};
	const char *access = gebpf_btf_string(obj->btf, r->b);
	struct gebpf_btf_member m;
	int64_t value;

	switch (r->c) {
	case FIELD_EXISTS:
	case TYPE_EXISTS:
	case ENUMVAL_EXISTS:
	case TYPE_MATCHES:
		value = 1;
		break;
	case TYPE_ID_LOCAL:
	case TYPE_ID_TARGET:
		value = r->a;
		break;
	case TYPE_SIZE:
		value = gebpf_btf_size(obj->btf, r->a);
		if (value < 0)
			return;
		break;
	case ENUMVAL_VALUE:
		if (gebpf_btf_member(obj->btf,
				     gebpf_btf_resolve(obj->btf, r->a),
				     (uint32_t)strtoul(access, NULL, 10),
				     &m) != 0)
			return;
		value = m.value;
		break;
	default: /* a field's offset, size, sign or shifts: as compiled */
		return;
	}
	if (obj_is_lddw(*insn)) {
		if (left < 2)
			return;
		insn[0].imm = (int32_t)(uint32_t)value;
		insn[1].imm = (int32_t)(value >> 32);
	} else if ((insn->code & 0x07) == 7 || (insn->code & 0x07) == 4) {
		insn->imm = (int32_t)value; /* a move of a constant */
	}
}

static void
apply_core(struct link *l, const struct obj_func *f, uint32_t at)
{
	struct gebpf_object *obj = l->obj;
	const struct obj_infos *infos = &obj->core_info;
	size_t i = obj_info_from(infos, f->section, f->start);

	for (; i < infos->count && infos->at[i].section == f->section &&
	       infos->at[i].slot < f->start + f->count; i++) {
		const struct obj_info *r = &infos->at[i];
		uint32_t slot = r->slot - f->start;

		answer_core(obj, r, &l->insns[at + slot], f->count - slot);
		if (obj->core_warned)
			continue;
		obj->core_warned = true;
		obj_warn(obj, "CO-RE: '%s' and other types are taken to be "
			 "laid out as compiled",
			 btf_name(obj->btf, gebpf_btf_resolve(obj->btf,
							      r->a)));
	}
}

/* Take in a function, once. Its slot in the program, or negative. */
static int64_t
add_func(struct link *l, uint32_t func, struct gebpf_error *err)
{
	struct gebpf_object *obj = l->obj;
	const struct obj_func *f = &obj->funcs[func];
	uint32_t at = (uint32_t)l->count;

	if (l->part_of[func] != 0)
		return l->parts[l->part_of[func] - 1].at;
	if (l->count + f->count > EBPF_INSN_MAX)
		return gebpf_fail(err, -EBPF_E2BIG,
				  "%s: program '%s' has more than %u "
				  "instructions", obj->name,
				  l->prog->pub.name, EBPF_INSN_MAX);
	if (l->count + f->count > l->room) {
		size_t room = (l->count + f->count) * 2;
		struct ebpf_insn *more;

		more = realloc(l->insns, room * sizeof(*more));
		if (more == NULL)
			return gebpf_fail(err, -EBPF_ENOMEM,
					  "%s: out of memory", obj->name);
		l->insns = more;
		l->room = room;
	}
	memcpy(l->insns + l->count,
	       obj->sections[f->section].data + (size_t)f->start * 8,
	       (size_t)f->count * 8);
	l->count += f->count;
	l->parts[l->part_count].func = func;
	l->parts[l->part_count].at = at;
	l->part_of[func] = (uint32_t)++l->part_count;
	apply_core(l, f, at);
	return at;
}

/* Addresses inside initial data cannot be known before loading. */
static void
warn_addresses(struct gebpf_object *obj, struct obj_section *s)
{
	if (s->reloc_count == 0 || s->warned)
		return;
	s->warned = true;
	obj_warn(obj, "section '%s': initial values hold addresses (of '%s'), "
		 "which do not exist before loading: they are no pointers",
		 s->name, obj->symbols[s->relocs[0].symbol].name);
}

/* A lddw with a relocation: a map, a variable, a function's address. */
static int
link_lddw(struct link *l, uint32_t section, uint32_t slot, size_t here,
	  const struct obj_reloc *r, struct gebpf_error *err)
{
	struct gebpf_object *obj = l->obj;
	const struct obj_symbol *sym = &obj->symbols[r->symbol];
	uint64_t off;
	int func, map, found;
	int64_t at;

	found = obj_call_target(obj, section, slot, &func, err);
	if (found < 0)
		return found;
	if (found == 1) {
		at = add_func(l, (uint32_t)func, err);
		if (at < 0)
			return (int)at;
		set_src(&l->insns[here], SRC_FUNC);
		l->insns[here].imm = (int32_t)(at - (int64_t)here - 1);
		l->insns[here + 1].imm = 0;
		return 0;
	}
	if (sym->section == 0 || sym->section == OBJ_NO_SECTION) {
		/* &weak == NULL is the question whether it exists. */
		if (sym->bind == STB_WEAK && sym->section == 0 &&
		    in_datasec(obj->btf, ".kconfig", sym->name) == 0) {
			set_src(&l->insns[here], 0);
			l->insns[here].imm = 0;
			l->insns[here + 1].imm = 0;
			return 0;
		}
		return fail_undefined(obj, section, slot, sym, err);
	}
	off = sym->value + (uint64_t)(int64_t)l->insns[here].imm;
	switch (obj->sections[sym->section].what) {
	case OBJ_MAPS:
	case OBJ_BTF_MAPS:
		map = obj_map_at(obj, sym->section, off);
		if (map < 0)
			return fail_at(obj, section, slot, err, -EBPF_EINVAL,
				       "map", sym->name,
				       "no definition is at that place");
		set_src(&l->insns[here], SRC_MAP_IDX);
		l->insns[here].imm = map;
		l->insns[here + 1].imm = 0;
		break;
	case OBJ_DATA:
		map = obj->sections[sym->section].map;
		/* One past the end is a fair address of an array. */
		if (map < 0 || off > obj->sections[sym->section].size)
			return fail_at(obj, section, slot, err, -EBPF_EINVAL,
				       "variable", sym->name,
				       "lies outside its section");
		warn_addresses(obj, &obj->sections[sym->section]);
		set_src(&l->insns[here], SRC_VALUE_IDX);
		l->insns[here].imm = map;
		l->insns[here + 1].imm = (int32_t)off;
		break;
	default:
		return gebpf_fail(err, -EBPF_EUNSUPPORTED,
				  "%s: section '%s': instruction %u: symbol "
				  "'%s' is in section '%s', which is neither "
				  "maps, variables nor code", obj->name,
				  obj->sections[section].name, slot,
				  sym->name,
				  obj->sections[sym->section].name);
	}
	l->prog->uses[map] = 1;
	obj->maps[map].in_program = true;
	return 0;
}

static int
link_part(struct link *l, struct part part, struct gebpf_error *err)
{
	struct gebpf_object *obj = l->obj;
	const struct obj_func *f = &obj->funcs[part.func];
	const struct obj_section *s = &obj->sections[f->section];
	uint32_t i;

	for (i = 0; i < f->count; i++) {
		uint32_t slot = f->start + i;
		size_t here = part.at + i;
		struct ebpf_insn insn = l->insns[here];
		const struct obj_reloc *r = obj_reloc_at(s,
							 (uint64_t)slot * 8);
		bool wide = obj_is_lddw(insn);
		int error, func;

		if (wide && i + 1 == f->count)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': instruction %u: "
					  "function '%s' ends within a lddw",
					  obj->name, s->name, slot, f->name);
		if (wide && obj_reloc_at(s, (uint64_t)slot * 8 + 8) != NULL)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': relocation "
					  "within the lddw at %u", obj->name,
					  s->name, slot);
		/* The oldest objects have type 0 where 1 is meant. */
		if (r != NULL && (r->addend != 0 ||
				  (insn.code != CODE_CALL && !wide) ||
				  (r->type > 1 && r->type != 10)))
			return gebpf_fail(err, -EBPF_EUNSUPPORTED,
					  "%s: section '%s': instruction %u: "
					  "relocation %s (type %u) of symbol "
					  "'%s' is not possible there",
					  obj->name, s->name, slot,
					  obj_reloc_name(r->type), r->type,
					  obj->symbols[r->symbol].name);
		if (wide) {
			error = r == NULL ? 0 : link_lddw(l, f->section, slot,
							  here, r, err);
			if (error != 0)
				return error;
			i++;
			continue;
		}
		error = obj_call_target(obj, f->section, slot, &func, err);
		if (error < 0)
			return error;
		if (error == 1) {
			int64_t at = add_func(l, (uint32_t)func, err);

			if (at < 0)
				return (int)at;
			set_src(&l->insns[here], SRC_LOCAL);
			l->insns[here].imm = (int32_t)(at - (int64_t)here - 1);
		}
	}
	return 0;
}

/* Function and line information of all parts, or none of it. */
static int
move_infos(struct link *l, struct gebpf_error *err)
{
	struct gebpf_object *obj = l->obj;
	struct obj_prog *p = l->prog;
	bool all = true;
	size_t i, j, n = 0;

	for (i = 0; i < l->part_count; i++) {
		const struct obj_func *f = &obj->funcs[l->parts[i].func];

		j = obj_info_from(&obj->line_info, f->section, f->start);
		n += obj_info_from(&obj->line_info, f->section,
				   f->start + f->count) - j;
		j = obj_info_from(&obj->func_info, f->section, f->start);
		all = all && j < obj->func_info.count &&
		      obj->func_info.at[j].section == f->section &&
		      obj->func_info.at[j].slot == f->start;
	}
	if (!all)
		return 0;
	p->funcs = calloc(l->part_count, sizeof(*p->funcs));
	p->lines = calloc(n + 1, sizeof(*p->lines));
	if (p->funcs == NULL || p->lines == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	for (i = 0; i < l->part_count; i++) {
		const struct obj_func *f = &obj->funcs[l->parts[i].func];
		const struct obj_info *r;

		j = obj_info_from(&obj->func_info, f->section, f->start);
		p->funcs[p->func_count].insn = l->parts[i].at;
		p->funcs[p->func_count++].type_id = obj->func_info.at[j].a;
		j = obj_info_from(&obj->line_info, f->section, f->start);
		for (; j < obj->line_info.count; j++) {
			struct ebpf_line_info *line;
			uint32_t insn;

			r = &obj->line_info.at[j];
			if (r->section != f->section ||
			    r->slot >= f->start + f->count)
				break;
			insn = l->parts[i].at + r->slot - f->start;
			line = &p->lines[p->line_count];
			/* Of two lines for one instruction the first counts. */
			if (p->line_count != 0 && line[-1].insn == insn)
				continue;
			line->insn = insn;
			line->file_off = r->a;
			line->line_off = r->b;
			line->line_col = r->c;
			p->line_count++;
		}
	}
	return 0;
}

/* The function alone, unrelocated: something to look at. */
static int
keep_raw(struct gebpf_object *obj, struct obj_prog *p,
	 struct gebpf_error *err)
{
	const struct obj_func *f = &obj->funcs[p->func];

	free(p->insns);
	p->insns = malloc((size_t)f->count * 8);
	if (p->insns == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	memcpy(p->insns, obj->sections[f->section].data + (size_t)f->start * 8,
	       (size_t)f->count * 8);
	p->pub.insn_count = f->count;
	return 0;
}

static int
link_prog(struct gebpf_object *obj, struct obj_prog *p, struct part *parts,
	  uint32_t *part_of, struct gebpf_error *err)
{
	struct link l = { obj, p, NULL, 0, 0, parts, 0, part_of };
	struct gebpf_error why = { 0 };
	int64_t at;
	size_t i;
	int error = 0;

	p->uses = calloc(obj->map_count + 1, 1);
	if (p->uses == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	at = add_func(&l, p->func, &why);
	if (at < 0)
		error = (int)at;
	for (i = 0; i < l.part_count && error == 0; i++)
		error = link_part(&l, l.parts[i], &why);
	if (error == 0)
		error = move_infos(&l, &why);
	for (i = 0; i < l.part_count; i++)
		part_of[l.parts[i].func] = 0;
	p->insns = l.insns;
	p->pub.insn_count = (uint32_t)l.count;
	if (error == -EBPF_ENOMEM) {
		if (err != NULL)
			*err = why;
		return error;
	}
	if (error != 0) {
		p->broken = why;
		error = keep_raw(obj, p, err);
		if (error != 0)
			return error;
	}
	p->pub.insns = p->insns;
	obj->linked += p->pub.insn_count;
	if (obj->linked > OBJ_LINKED_MAX)
		return gebpf_fail(err, -EBPF_E2BIG,
				  "%s: its programs have more than %u "
				  "instructions together", obj->name,
				  OBJ_LINKED_MAX);
	return 0;
}

int
obj_progs_link(struct gebpf_object *obj, struct gebpf_error *err)
{
	struct part *parts;
	uint32_t *part_of;
	size_t i;
	int error = 0;

	if (obj->prog_count == 0)
		return 0;
	parts = calloc(obj->func_count, sizeof(*parts));
	part_of = calloc(obj->func_count, sizeof(*part_of));
	if (parts == NULL || part_of == NULL)
		error = gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				   obj->name);
	for (i = 0; i < obj->prog_count && error == 0; i++)
		error = link_prog(obj, &obj->progs[i], parts, part_of, err);
	free(part_of);
	free(parts);
	return error;
}
