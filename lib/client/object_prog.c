/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which functions an object has, which of them are programs, and which
 * programs and maps fill others from the start. A program is
 *   in a section of its own name: every global function, and a static one that
 *     nothing in the object calls;
 *   in .text: a function that nothing calls, if no other section has programs
 *     (otherwise .text holds subprograms).
 */
#include <elf.h>
#include <stdlib.h>

#include "client/object_impl.h"

static int
by_place(const void *a, const void *b)
{
	const struct obj_func *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (int)y->global - (int)x->global;
}

/* Old compilers give program symbols no type, and jump labels neither. */
static bool
is_function(const struct gebpf_object *obj, const struct obj_symbol *s)
{
	if (s->section == OBJ_NO_SECTION || s->name[0] == 0 ||
	    obj->sections[s->section].what != OBJ_CODE)
		return false;
	return s->type == STT_FUNC ||
	       (s->type == STT_NOTYPE && s->bind != STB_LOCAL);
}

int
obj_funcs_read(struct gebpf_object *obj, struct gebpf_error *err)
{
	size_t i, n = 0;
	uint32_t section;
	struct obj_func *f;

	obj->funcs = calloc(obj->symbol_count + obj->section_count + 1,
			    sizeof(*obj->funcs));
	if (obj->funcs == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	f = obj->funcs;
	for (i = 0; i < obj->symbol_count; i++) {
		const struct obj_symbol *s = &obj->symbols[i];
		const struct obj_section *sec;

		if (!is_function(obj, s))
			continue;
		sec = &obj->sections[s->section];
		if (s->value % 8 != 0 || s->value >= sec->size ||
		    s->size % 8 != 0 || s->size > sec->size - s->value)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': function '%s' "
					  "lies outside", obj->name, sec->name,
					  s->name);
		f[n].name = s->name;
		f[n].section = s->section;
		f[n].start = (uint32_t)(s->value / 8);
		f[n].count = (uint32_t)(s->size / 8);
		f[n].global = s->bind != STB_LOCAL;
		f[n].prog = -1;
		n++;
	}
	/* Code that no symbol names is one function named as its section. */
	for (section = 1; section < obj->section_count; section++) {
		const struct obj_section *sec = &obj->sections[section];

		if (sec->what != OBJ_CODE || sec->size == 0)
			continue;
		for (i = 0; i < n && f[i].section != section; i++)
			;
		if (i < n)
			continue;
		f[n].name = sec->name;
		f[n].section = section;
		f[n].global = true;
		f[n].prog = -1;
		n++;
	}
	if (n != 0)
		qsort(f, n, sizeof(*f), by_place);
	for (i = 0; i < n; i++) { /* second names of one place go */
		if (obj->func_count != 0 &&
		    f[obj->func_count - 1].section == f[i].section &&
		    f[obj->func_count - 1].start == f[i].start)
			continue;
		f[obj->func_count++] = f[i];
	}
	for (i = 0; i < obj->func_count; i++) {
		const struct obj_section *sec = &obj->sections[f[i].section];
		uint32_t end = (uint32_t)(sec->size / 8);

		if (i + 1 < obj->func_count &&
		    f[i + 1].section == f[i].section)
			end = f[i + 1].start;
		if (f[i].count == 0)
			f[i].count = end - f[i].start;
		if (f[i].count > end - f[i].start)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '%s': functions '%s' "
					  "and '%s' overlap", obj->name,
					  sec->name, f[i].name, f[i + 1].name);
	}
	return 0;
}

int
obj_func_at(const struct gebpf_object *obj, uint32_t section, uint64_t slot)
{
	size_t low = 0, high = obj->func_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct obj_func *f = &obj->funcs[mid];

		if (f->section < section ||
		    (f->section == section && f->start < slot))
			low = mid + 1;
		else
			high = mid;
	}
	return low < obj->func_count && obj->funcs[low].section == section &&
			       obj->funcs[low].start == slot ?
		       (int)low : -1;
}

static void
mark_called(struct gebpf_object *obj)
{
	size_t i;

	for (i = 0; i < obj->func_count; i++) {
		const struct obj_func *f = &obj->funcs[i];
		const struct obj_section *s = &obj->sections[f->section];
		uint32_t slot;

		for (slot = f->start; slot < f->start + f->count; slot++) {
			int target;

			/* What is wrong is said when the program is linked. */
			if (obj_call_target(obj, f->section, slot, &target,
					    NULL) == 1 &&
			    (size_t)target != i)
				obj->funcs[target].called = true;
			if (obj_is_lddw(obj_insn(s, slot)))
				slot++;
		}
	}
}

static bool
in_text(const struct gebpf_object *obj, const struct obj_func *f)
{
	const char *name = obj->sections[f->section].name;

	return strncmp(name, ".text", 5) == 0 &&
	       (name[5] == 0 || name[5] == '.');
}

static void
add_prog(struct gebpf_object *obj, size_t func)
{
	struct obj_prog *p = &obj->progs[obj->prog_count];
	struct obj_func *f = &obj->funcs[func];
	const char *section = obj->sections[f->section].name;
	size_t n = strnlen(f->name, sizeof(p->pub.name) - 1);

	f->prog = (int)obj->prog_count++;
	p->func = (uint32_t)func;
	memcpy(p->pub.name, f->name, n);
	p->pub.section = section;
	/* libbpf: "?xdp" is not loaded unless asked for */
	p->pub.kind = gebpf_prog_kind_of_section(section +
						 (section[0] == '?'));
}

/* The programs of .text, by the first rule that finds any. */
static void
find_text_progs(struct gebpf_object *obj)
{
	unsigned int rule;
	size_t i;

	for (rule = 0; rule < 4 && obj->prog_count == 0; rule++)
		for (i = 0; i < obj->func_count; i++) {
			const struct obj_func *f = &obj->funcs[i];

			if ((rule < 2 && !f->global) ||
			    (rule != 1 && rule != 3 && f->called))
				continue;
			add_prog(obj, i);
		}
}

int
obj_progs_find(struct gebpf_object *obj, struct gebpf_error *err)
{
	size_t i;

	if (obj->func_count == 0) {
		if (obj->map_count != 0)
			return 0;
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: holds no program: no section has code",
				  obj->name);
	}
	obj->progs = calloc(obj->func_count, sizeof(*obj->progs));
	if (obj->progs == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	mark_called(obj);
	for (i = 0; i < obj->func_count; i++)
		if (!in_text(obj, &obj->funcs[i]) &&
		    (obj->funcs[i].global || !obj->funcs[i].called))
			add_prog(obj, i);
	if (obj->prog_count == 0)
		find_text_progs(obj);
	return 0;
}

/* ---- initial elements ---- */

static bool
add_slot(struct obj_map *map, uint32_t key, int inner, int func)
{
	struct obj_slot *more;

	more = realloc(map->slots, (map->slot_count + 1) * sizeof(*more));
	if (more == NULL)
		return false;
	map->slots = more;
	more[map->slot_count].key = key;
	more[map->slot_count].map = inner;
	more[map->slot_count].func = func;
	map->slot_count++;
	return true;
}

/* The map whose definition that byte of .maps belongs to. */
static struct obj_map *
map_around(struct gebpf_object *obj, uint32_t section, uint64_t off)
{
	struct obj_map *best = NULL;
	size_t i;

	for (i = 0; i < obj->map_count; i++) {
		struct obj_map *m = &obj->maps[i];

		if (m->section == section && !m->pub.is_template &&
		    m->off <= off && (best == NULL || best->off < m->off))
			best = m;
	}
	return best;
}

static int
read_slot(struct gebpf_object *obj, uint32_t section,
	  const struct obj_reloc *r, struct gebpf_error *err)
{
	const struct obj_section *s = &obj->sections[section];
	const struct obj_symbol *sym = &obj->symbols[r->symbol];
	struct obj_map *map = map_around(obj, section, r->off);
	uint64_t place, target;
	int inner = -1, func = -1;

	if (map == NULL || s->size - r->off < 8)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: section '%s': relocation at 0x%llx "
				  "belongs to no map", obj->name, s->name,
				  (unsigned long long)r->off);
	if (!map->has_values || r->off - map->off < map->values_off ||
	    (r->off - map->off - map->values_off) % 8 != 0)
		goto odd;
	place = (r->off - map->off - map->values_off) / 8;
	memcpy(&target, s->data + r->off, sizeof(target));
	target += sym->value + (uint64_t)r->addend;
	if (sym->section == OBJ_NO_SECTION || place > UINT32_MAX)
		goto odd;
	if (obj->sections[sym->section].what == OBJ_CODE && target % 8 == 0)
		func = obj_func_at(obj, sym->section, target / 8);
	else
		inner = obj_map_at(obj, sym->section, target);
	if (map->pub.kind == EBPF_MAP_PROG_ARRAY ? func < 0 : inner < 0)
		goto odd;
	if (func >= 0 && obj->funcs[func].prog < 0)
		goto odd;
	if (!add_slot(map, (uint32_t)place, inner, func))
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	return 0;
odd:
	gebpf_fail(&map->broken, -EBPF_EUNSUPPORTED,
		   "%s: section '%s': map '%s': its initial value '%s' at "
		   "0x%llx is neither a program nor a map that fits",
		   obj->name, s->name, map->pub.name, sym->name,
		   (unsigned long long)r->off);
	return 0;
}

/* iproute2: section "2/7" goes into slot 7 of the prog_array with id 2. */
static int
read_numbered(struct gebpf_object *obj, struct gebpf_error *err)
{
	size_t i, j;

	for (i = 0; i < obj->prog_count; i++) {
		const char *name = obj->progs[i].pub.section;
		char *end;
		unsigned long id, slot;

		if (name[0] < '0' || name[0] > '9')
			continue;
		id = strtoul(name, &end, 0);
		if (*end != '/' || end[1] < '0' || end[1] > '9')
			continue;
		slot = strtoul(end + 1, &end, 0);
		if (*end != 0 || id == 0 || slot > UINT32_MAX)
			continue;
		for (j = 0; j < obj->map_count; j++) {
			struct obj_map *m = &obj->maps[j];

			if (m->elf_id != id ||
			    m->pub.kind != EBPF_MAP_PROG_ARRAY)
				continue;
			if (!add_slot(m, (uint32_t)slot, -1,
				      (int)obj->progs[i].func))
				return gebpf_fail(err, -EBPF_ENOMEM,
						  "%s: out of memory",
						  obj->name);
		}
	}
	return 0;
}

/*
 * Programs that fill prog_arrays go behind those that jump to them: whoever
 * takes an object's first program wants the one to start with.
 */
static int
sort_progs(struct gebpf_object *obj, struct gebpf_error *err)
{
	struct obj_prog *sorted;
	uint8_t *filler;
	size_t i, j, n = 0;
	unsigned int turn;

	if (obj->prog_count == 0)
		return 0;
	sorted = calloc(obj->prog_count, sizeof(*sorted));
	filler = calloc(obj->prog_count, 1);
	if (sorted == NULL || filler == NULL) {
		free(sorted);
		free(filler);
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	}
	for (i = 0; i < obj->map_count; i++)
		for (j = 0; j < obj->maps[i].slot_count; j++)
			if (obj->maps[i].slots[j].func >= 0)
				filler[obj->funcs[obj->maps[i].slots[j].func]
					       .prog] = 1;
	for (turn = 0; turn < 2; turn++)
		for (i = 0; i < obj->prog_count; i++)
			if (filler[i] == turn)
				sorted[n++] = obj->progs[i];
	for (i = 0; i < n; i++)
		obj->funcs[sorted[i].func].prog = (int)i;
	free(filler);
	free(obj->progs);
	obj->progs = sorted;
	return 0;
}

int
obj_map_slots_read(struct gebpf_object *obj, struct gebpf_error *err)
{
	uint32_t section;
	size_t i;
	int error = 0;

	for (section = 1; section < obj->section_count; section++) {
		const struct obj_section *s = &obj->sections[section];

		if (s->what != OBJ_BTF_MAPS)
			continue;
		for (i = 0; i < s->reloc_count && error == 0; i++)
			error = read_slot(obj, section, &s->relocs[i], err);
	}
	if (error == 0)
		error = read_numbered(obj, err);
	return error != 0 ? error : sort_progs(obj, err);
}
