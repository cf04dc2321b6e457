/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * .BTF and .BTF.ext of an object. Compilers leave the sizes of data sections
 * and the places of their variables to the loader: filled in here from the ELF
 * file. Debug information is a help, not a need: what is broken is left out
 * with a warning, and maps defined by BTF say later that they miss it.
 */
#include <elf.h>
#include <stdlib.h>

#include "client/object_impl.h"

static void
put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static int
by_place(const void *a, const void *b)
{
	uint32_t x = btf_get32((const uint8_t *)a + 4);
	uint32_t y = btf_get32((const uint8_t *)b + 4);

	return x < y ? -1 : x > y;
}

static const struct obj_symbol *
find_global(const struct gebpf_object *obj, uint32_t section,
	    const char *name)
{
	size_t i;

	for (i = 0; i < obj->symbol_count; i++) {
		const struct obj_symbol *s = &obj->symbols[i];

		if (s->section == section && s->bind != STB_LOCAL &&
		    strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* False: the section's variables contradict the ELF file. */
static bool
place_datasec(struct gebpf_object *obj, uint32_t id)
{
	struct gebpf_btf *btf = obj->btf;
	struct btf_raw raw = btf_raw(btf, id);
	const char *name = btf_name(btf, id);
	uint32_t section = obj_section_find(obj, name), i;
	uint8_t *e = btf->data + btf->offs[id] + sizeof(raw);
	uint64_t size = 0;

	if (section != 0) {
		size = obj->sections[section].size;
		if (size > UINT32_MAX)
			return false;
	}
	for (i = 0; i < btf_raw_vlen(raw); i++) {
		uint8_t *var = e + i * 12;
		uint32_t type = btf_get32(var);
		struct gebpf_btf_type t;

		gebpf_btf_type(btf, type, &t);
		if (section == 0) {
			/* Externs: no place yet, only room for each. */
			int64_t bytes = t.kind == GEBPF_BTF_FUNC ? 8 :
					gebpf_btf_size(btf, type);

			if (bytes < 1)
				bytes = 8;
			put32(var + 4, (uint32_t)size);
			put32(var + 8, (uint32_t)bytes);
			size += (uint64_t)bytes;
			if (size > UINT32_MAX)
				return false;
			continue;
		}
		if (t.kind == GEBPF_BTF_VAR && t.linkage != 0) {
			const struct obj_symbol *s =
				find_global(obj, section, t.name);

			if (s == NULL || s->value > size)
				return false;
			put32(var + 4, (uint32_t)s->value);
		}
		if ((uint64_t)btf_get32(var + 4) + btf_get32(var + 8) > size)
			return false;
	}
	put32(btf->data + btf->offs[id] + 8, (uint32_t)size);
	if (btf_raw_vlen(raw) != 0)
		qsort(e, btf_raw_vlen(raw), 12, by_place);
	return true;
}

static int
by_section_slot(const void *a, const void *b)
{
	const struct obj_info *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

size_t
obj_info_from(const struct obj_infos *infos, uint32_t section, uint32_t slot)
{
	size_t low = 0, high = infos->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct obj_info *m = &infos->at[mid];

		if (m->section < section ||
		    (m->section == section && m->slot < slot))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * One of the three tables: a record size, then for each section its name, a
 * count and that many records. NULL or what is wrong with it.
 */
static const char *
read_infos(struct gebpf_object *obj, const uint8_t *d, uint64_t len,
	   uint32_t fields, struct obj_infos *infos)
{
	uint64_t at = 4;
	uint32_t step;

	if (len == 0)
		return NULL;
	if (len < 4)
		return "is cut off";
	step = btf_get32(d);
	if (step < fields * 4 || step % 4 != 0 || step > 256)
		return "has records of an impossible size";
	while (at < len) {
		uint32_t name, count, section, i;

		if (len - at < 8)
			return "is cut off";
		name = btf_get32(d + at);
		count = btf_get32(d + at + 4);
		at += 8;
		if ((uint64_t)count * step > len - at)
			return "is cut off";
		if (name >= obj->btf->strings_len)
			return "names a section outside the strings";
		section = obj_section_find(obj, obj->btf->strings + name);
		if (section == 0 || obj->sections[section].what != OBJ_CODE) {
			at += (uint64_t)count * step;
			continue;
		}
		if (infos->count + count > infos->room) {
			size_t room = infos->count + count;
			struct obj_info *more;

			more = realloc(infos->at, room * sizeof(*more));
			if (more == NULL)
				return "is too large for memory";
			infos->at = more;
			infos->room = room;
		}
		for (i = 0; i < count; i++, at += step) {
			struct obj_info *r = &infos->at[infos->count];
			uint32_t off = btf_get32(d + at);

			if (off % 8 != 0 ||
			    off >= obj->sections[section].size)
				return "speaks of instructions outside";
			r->section = section;
			r->slot = off / 8;
			r->order = (uint32_t)infos->count;
			r->a = btf_get32(d + at + 4);
			r->b = fields > 2 ? btf_get32(d + at + 8) : 0;
			r->c = fields > 3 ? btf_get32(d + at + 12) : 0;
			infos->count++;
		}
	}
	if (infos->count != 0)
		qsort(infos->at, infos->count, sizeof(*infos->at),
		      by_section_slot);
	return NULL;
}

static const char *
check_infos(const struct gebpf_object *obj)
{
	const struct gebpf_btf *btf = obj->btf;
	size_t i;

	for (i = 0; i < obj->func_info.count; i++) {
		uint32_t type = obj->func_info.at[i].a;

		if (type == 0 || type > btf->count ||
		    btf_kind(btf, type) != GEBPF_BTF_FUNC)
			return "names a function by what is no function";
	}
	for (i = 0; i < obj->line_info.count; i++)
		if (obj->line_info.at[i].a >= btf->strings_len ||
		    obj->line_info.at[i].b >= btf->strings_len)
			return "names a source line outside the strings";
	for (i = 0; i < obj->core_info.count; i++)
		if (obj->core_info.at[i].a > btf->count ||
		    obj->core_info.at[i].b >= btf->strings_len)
			return "has a CO-RE record of no type";
	return NULL;
}

static void
drop_infos(struct obj_infos *infos)
{
	free(infos->at);
	memset(infos, 0, sizeof(*infos));
}

static void
read_ext(struct gebpf_object *obj)
{
	uint32_t index = obj_section_find(obj, ".BTF.ext"), i;
	struct obj_infos *tables[3] = { &obj->func_info, &obj->line_info,
					&obj->core_info };
	static const uint32_t fields[3] = { 2, 4, 4 };
	const struct obj_section *s;
	const char *wrong = NULL;
	uint64_t header;
	uint16_t magic;

	if (index == 0 || obj->sections[index].data == NULL)
		return;
	s = &obj->sections[index];
	if (s->size < 24) {
		wrong = "is cut off";
		goto out;
	}
	memcpy(&magic, s->data, sizeof(magic));
	header = btf_get32(s->data + 4);
	if (magic != BTF_MAGIC || s->data[2] != 1 || header < 24 ||
	    header > s->size) {
		wrong = "has a bad header";
		goto out;
	}
	for (i = 0; i < 3 && wrong == NULL; i++) {
		uint64_t off, len;

		if (8 + i * 8 + 8 > header)
			break; /* older headers know no CO-RE records */
		off = header + btf_get32(s->data + 8 + i * 8);
		len = btf_get32(s->data + 12 + i * 8);
		if (off + len > s->size)
			wrong = "has a table outside";
		else
			wrong = read_infos(obj, s->data + off, len, fields[i],
					   tables[i]);
	}
	if (wrong == NULL)
		wrong = check_infos(obj);
out:
	if (wrong == NULL)
		return;
	obj_warn(obj, "section '.BTF.ext' %s: no source lines", wrong);
	for (i = 0; i < 3; i++)
		drop_infos(tables[i]);
}

int
obj_btf_read(struct gebpf_object *obj, struct gebpf_error *err)
{
	uint32_t index = obj_section_find(obj, ".BTF"), id;
	struct gebpf_error why = { 0 };
	int error;

	if (index == 0 || obj->sections[index].data == NULL)
		return 0;
	error = gebpf_btf_parse(obj->sections[index].data,
				(size_t)obj->sections[index].size, &obj->btf,
				&why);
	if (error == -EBPF_ENOMEM)
		return gebpf_fail(err, error, "%s: out of memory", obj->name);
	if (error != 0) {
		obj_warn(obj, "section '.BTF' is broken and left out: %s",
			 why.text);
		return 0;
	}
	for (id = 1; id <= obj->btf->count; id++) {
		if (btf_kind(obj->btf, id) != GEBPF_BTF_DATASEC ||
		    place_datasec(obj, id))
			continue;
		obj_warn(obj, "section '.BTF' is broken and left out: "
			 "variables of '%s' lie outside the section",
			 btf_name(obj->btf, id));
		gebpf_btf_free(obj->btf);
		obj->btf = NULL;
		return 0;
	}
	read_ext(obj);
	return 0;
}
