/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Map definitions of an object, in the three forms that compilers and loaders
 * have agreed on over the years: "maps" (records of numbers), ".maps" (types),
 * and global data (.rodata, .data, .bss: one array element each).
 */
#include <elf.h>
#include <stdlib.h>

#include "client/object_impl.h"

static struct obj_map *
new_map(struct gebpf_object *obj, struct gebpf_error *err)
{
	struct obj_map *map;

	if (obj->map_count == OBJ_MAP_MAX) {
		gebpf_fail(err, -EBPF_E2BIG, "%s: more than %u maps",
			   obj->name, OBJ_MAP_MAX);
		return NULL;
	}
	if (obj->map_count == obj->map_room) {
		size_t room = obj->map_room != 0 ? obj->map_room * 2 : 16;

		map = realloc(obj->maps, room * sizeof(*map));
		if (map == NULL) {
			gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				   obj->name);
			return NULL;
		}
		obj->maps = map;
		obj->map_room = room;
	}
	map = &obj->maps[obj->map_count++];
	memset(map, 0, sizeof(*map));
	map->pub.inner = -1;
	return map;
}

static void
set_name(struct obj_map *map, const char *name)
{
	size_t n = strnlen(name, sizeof(map->pub.name) - 1);

	memcpy(map->pub.name, name, n);
	map->pub.name[n] = 0;
}

static bool
is_map_kind(const struct obj_map *map, uint32_t a, uint32_t b)
{
	return map->pub.kind == a || map->pub.kind == b;
}

/*
 * Such maps are often declared with the type of their records, which is good
 * to know for whoever prints them, and is not that of an element.
 */
static void
keep_record_type(struct obj_map *map)
{
	map->pub.btf_key_type = 0;
}

/* What all forms have in common once the numbers are there. */
static void
settle(struct obj_map *map)
{
	switch (map->pub.kind) {
	case EBPF_MAP_RINGBUF:
	case EBPF_MAP_USER_RINGBUF:
		map->pub.key_size = 0;
		map->pub.value_size = 0;
		keep_record_type(map);
		return;
	case EBPF_MAP_PERF_EVENT_ARRAY:
		map->pub.key_size = 4;
		map->pub.value_size = 4;
		keep_record_type(map);
		return;
	case EBPF_MAP_PROG_ARRAY:
	case EBPF_MAP_ARRAY_OF_MAPS:
		if (map->pub.key_size == 0)
			map->pub.key_size = 4;
		/* fallthrough */
	case EBPF_MAP_HASH_OF_MAPS:
		if (map->pub.value_size == 0)
			map->pub.value_size = 4;
		break;
	case EBPF_MAP_DEVMAP:
	case EBPF_MAP_DEVMAP_HASH:
	case EBPF_MAP_CPUMAP:
	case EBPF_MAP_XSKMAP:
	case EBPF_MAP_SOCKMAP:
	case EBPF_MAP_SOCKHASH:
	case EBPF_MAP_CGROUP_ARRAY:
	case EBPF_MAP_STACK_TRACE:
	case EBPF_MAP_ARENA:
		break;
	default:
		return;
	}
	/* Their elements are no plain bytes that types could describe. */
	map->pub.btf_key_type = 0;
	map->pub.btf_value_type = 0;
}

/* ---- "maps" ---- */

static int
by_value(const void *a, const void *b)
{
	const struct obj_symbol *x = *(const struct obj_symbol *const *)a;
	const struct obj_symbol *y = *(const struct obj_symbol *const *)b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* "struct ____btf_map_NAME { key; value; }": how types came before .maps. */
static void
annotate(const struct gebpf_object *obj, struct obj_map *map)
{
	struct gebpf_btf_member key, value;
	char name[EBPF_NAME_SIZE + 16];
	uint32_t id;

	if (obj->btf == NULL)
		return;
	snprintf(name, sizeof(name), "____btf_map_%s", map->pub.name);
	id = gebpf_btf_find(obj->btf, GEBPF_BTF_STRUCT, name);
	if (id == 0 || gebpf_btf_member(obj->btf, id, 0, &key) != 0 ||
	    gebpf_btf_member(obj->btf, id, 1, &value) != 0)
		return;
	if (gebpf_btf_size(obj->btf, key.type) != map->pub.key_size ||
	    gebpf_btf_size(obj->btf, value.type) != map->pub.value_size)
		return;
	map->pub.btf_key_type = key.type;
	map->pub.btf_value_type = value.type;
}

/*
 * The first five words are the same in all: kind, key size, value size,
 * entries, flags. 28 bytes add inner map index and NUMA node; 36 are
 * iproute2's bpf_elf_map: id, pinning, inner id, inner index.
 */
static int
read_record(struct gebpf_object *obj, const struct obj_symbol *s,
	    uint64_t len, struct gebpf_error *err)
{
	const struct obj_section *section = &obj->sections[s->section];
	const uint8_t *d = section->data + s->value;
	struct obj_map *map;
	uint64_t i;

	if (len < 16)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: section '%s': map '%s' has %llu bytes, "
				  "not 20, 28 or 36", obj->name, section->name,
				  s->name, (unsigned long long)len);
	map = new_map(obj, err);
	if (map == NULL)
		return err != NULL ? err->code : -EBPF_ENOMEM;
	set_name(map, s->name);
	map->section = s->section;
	map->off = s->value;
	map->pub.kind = btf_get32(d);
	map->pub.key_size = btf_get32(d + 4);
	map->pub.value_size = btf_get32(d + 8);
	map->pub.max_entries = btf_get32(d + 12);
	map->pub.flags = len >= 20 ? btf_get32(d + 16) : 0;
	if (len >= 36) {
		uint32_t pin = btf_get32(d + 24);

		map->elf_id = btf_get32(d + 20);
		/* iproute2: 1 in the object's folder, 2 in the global one */
		map->pub.pinning = pin == 2 ? 1 : pin;
	}
	for (i = len >= 36 ? 36 : 28; i < len; i++)
		if (d[i] != 0) {
			obj_warn(obj, "section '%s': map '%s': bytes after "
				 "the first 36 are not understood and ignored",
				 section->name, s->name);
			break;
		}
	annotate(obj, map);
	settle(map);
	return 0;
}

/* Templates of maps of maps are given by id or by position. */
static void
find_inner(struct gebpf_object *obj, size_t first)
{
	size_t i, j;

	for (i = first; i < obj->map_count; i++) {
		struct obj_map *map = &obj->maps[i];
		const struct obj_section *s = &obj->sections[map->section];
		const uint8_t *d = s->data + map->off;
		uint64_t len = (i + 1 < obj->map_count &&
				obj->maps[i + 1].section == map->section ?
					obj->maps[i + 1].off : s->size) -
			       map->off;

		if (!is_map_kind(map, EBPF_MAP_ARRAY_OF_MAPS,
				 EBPF_MAP_HASH_OF_MAPS))
			continue;
		if (len >= 36) {
			uint32_t id = btf_get32(d + 28);

			for (j = first; id != 0 && j < obj->map_count; j++)
				if (j != i && obj->maps[j].elf_id == id)
					map->pub.inner = (int)j;
		} else if (len >= 24) {
			uint32_t index = btf_get32(d + 20);

			if (index < obj->map_count - first &&
			    first + index != i)
				map->pub.inner = (int)(first + index);
		}
		if (map->pub.inner < 0 ||
		    is_map_kind(&obj->maps[map->pub.inner],
				EBPF_MAP_ARRAY_OF_MAPS,
				EBPF_MAP_HASH_OF_MAPS)) {
			map->pub.inner = -1;
			gebpf_fail(&map->broken, -EBPF_EINVAL,
				   "%s: section '%s': map '%s': no template "
				   "of its inner maps is named", obj->name,
				   s->name, map->pub.name);
		}
	}
}

static int
read_legacy(struct gebpf_object *obj, struct gebpf_error *err)
{
	const struct obj_symbol **list;
	size_t count = 0, i, first = obj->map_count;
	int error = 0;

	list = calloc(obj->symbol_count + 1, sizeof(*list));
	if (list == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	for (i = 0; i < obj->symbol_count; i++) {
		const struct obj_symbol *s = &obj->symbols[i];

		if (s->section == OBJ_NO_SECTION || s->type == STT_SECTION ||
		    s->type == STT_FILE || s->name[0] == 0 ||
		    obj->sections[s->section].what != OBJ_MAPS)
			continue;
		if (s->value >= obj->sections[s->section].size) {
			error = gebpf_fail(err, -EBPF_EINVAL,
					   "%s: map '%s' lies outside "
					   "section '%s'", obj->name, s->name,
					   obj->sections[s->section].name);
			goto out;
		}
		list[count++] = s;
	}
	if (count != 0)
		qsort(list, count, sizeof(*list), by_value);
	for (i = 0; i < count && error == 0; i++) {
		const struct obj_symbol *s = list[i];
		uint64_t end = obj->sections[s->section].size;

		if (i + 1 < count && list[i + 1]->section == s->section)
			end = list[i + 1]->value;
		if (end == s->value)
			continue; /* a second name of the same place */
		error = read_record(obj, s, end - s->value, err);
	}
	if (error == 0)
		find_inner(obj, first);
out:
	free(list);
	return error;
}

/* ---- ".maps" ---- */

/* __uint(name, N): a pointer to an array of N; or an enum64 of one value. */
static bool
number_of(const struct gebpf_btf *btf, uint32_t id, uint32_t *n)
{
	struct gebpf_btf_type t;
	struct gebpf_btf_member m;

	gebpf_btf_type(btf, gebpf_btf_resolve(btf, id), &t);
	if (t.kind == GEBPF_BTF_ENUM64 &&
	    gebpf_btf_member(btf, t.id, 0, &m) == 0) {
		*n = (uint32_t)m.value;
		return m.value >= 0 && m.value <= UINT32_MAX;
	}
	if (t.kind != GEBPF_BTF_PTR)
		return false;
	gebpf_btf_type(btf, gebpf_btf_resolve(btf, t.type), &t);
	*n = t.count;
	return t.kind == GEBPF_BTF_ARRAY;
}

/* __type(name, T): a pointer to T. */
static bool
type_of(const struct gebpf_btf *btf, uint32_t id, uint32_t *type,
	uint32_t *size)
{
	struct gebpf_btf_type t;
	int64_t bytes;

	gebpf_btf_type(btf, gebpf_btf_resolve(btf, id), &t);
	if (t.kind != GEBPF_BTF_PTR)
		return false;
	bytes = gebpf_btf_size(btf, t.type);
	if (bytes < 0)
		return false;
	*type = t.type;
	*size = (uint32_t)bytes;
	return true;
}

static int read_definition(struct gebpf_object *obj, uint32_t def, size_t at,
			   bool inside, struct gebpf_error *err);

/* __array(values, T): a flexible array of pointers to T. */
static int
read_values(struct gebpf_object *obj, uint32_t id, size_t at, bool inside,
	    struct gebpf_error *err)
{
	const struct gebpf_btf *btf = obj->btf;
	struct gebpf_btf_type t;
	char name[EBPF_NAME_SIZE];
	struct obj_map *inner;

	gebpf_btf_type(btf, gebpf_btf_resolve(btf, id), &t);
	if (t.kind != GEBPF_BTF_ARRAY)
		goto odd;
	gebpf_btf_type(btf, gebpf_btf_resolve(btf, t.type), &t);
	if (t.kind != GEBPF_BTF_PTR)
		goto odd;
	gebpf_btf_type(btf, gebpf_btf_resolve(btf, t.type), &t);
	if (t.kind == GEBPF_BTF_FUNC_PROTO)
		return 0; /* a prog_array's programs: object_prog.c */
	if (t.kind != GEBPF_BTF_STRUCT || inside)
		goto odd;
	inner = new_map(obj, err);
	if (inner == NULL)
		return err != NULL ? err->code : -EBPF_ENOMEM;
	snprintf(name, sizeof(name), "%.50s.inner", obj->maps[at].pub.name);
	set_name(inner, name);
	inner->pub.is_template = true;
	obj->maps[at].pub.inner = (int)(obj->map_count - 1);
	return read_definition(obj, t.id, obj->map_count - 1, true, err);
odd:
	return gebpf_fail(err, -EBPF_EUNSUPPORTED,
			  "%s: section '.maps': map '%s': member 'values' is "
			  "neither an array of maps nor of programs",
			  obj->name, obj->maps[at].pub.name);
}

/* maps[at] from a struct type. The array may move: no pointer is kept. */
static int
read_definition(struct gebpf_object *obj, uint32_t def, size_t at, bool inside,
		struct gebpf_error *err)
{
	const struct gebpf_btf *btf = obj->btf;
	struct gebpf_btf_type t;
	struct gebpf_btf_member m;
	uint32_t i, key_size = 0, value_size = 0;
	int error;

	gebpf_btf_type(btf, def, &t);
	for (i = 0; i < t.count; i++) {
		struct gebpf_obj_map *pub = &obj->maps[at].pub;
		uint32_t *number = NULL, ignored;
		bool ok = true;

		gebpf_btf_member(btf, def, i, &m);
		if (strcmp(m.name, "type") == 0)
			number = &pub->kind;
		else if (strcmp(m.name, "max_entries") == 0)
			number = &pub->max_entries;
		else if (strcmp(m.name, "map_flags") == 0)
			number = &pub->flags;
		else if (strcmp(m.name, "key_size") == 0)
			number = &key_size;
		else if (strcmp(m.name, "value_size") == 0)
			number = &value_size;
		else if (strcmp(m.name, "pinning") == 0)
			number = &pub->pinning;
		else if (strcmp(m.name, "numa_node") == 0)
			number = &ignored;
		else if (strcmp(m.name, "map_extra") == 0)
			number = &pub->map_extra;

		if (number != NULL) {
			ok = number_of(btf, m.type, number);
		} else if (strcmp(m.name, "key") == 0) {
			ok = type_of(btf, m.type, &pub->btf_key_type,
				     &pub->key_size);
		} else if (strcmp(m.name, "value") == 0) {
			ok = type_of(btf, m.type, &pub->btf_value_type,
				     &pub->value_size);
		} else if (strcmp(m.name, "values") == 0) {
			obj->maps[at].has_values = true;
			obj->maps[at].values_off = m.bit_off / 8;
			error = read_values(obj, m.type, at, inside, err);
			if (error != 0)
				return error;
		} else {
			return gebpf_fail(err, -EBPF_EUNSUPPORTED,
					  "%s: section '.maps': map '%s': "
					  "member '%s' is unknown", obj->name,
					  pub->name, m.name);
		}
		if (!ok)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '.maps': map '%s': "
					  "member '%s' has a strange type",
					  obj->name, pub->name, m.name);
	}
	obj->maps[at].pub.flags &= ~(uint32_t)EBPF_F_NUMA_NODE;
	for (i = 0; i < 2; i++) {
		struct gebpf_obj_map *pub = &obj->maps[at].pub;
		uint32_t said = i == 0 ? key_size : value_size;
		uint32_t *size = i == 0 ? &pub->key_size : &pub->value_size;

		if (said != 0 && *size != 0 && said != *size)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '.maps': map '%s': "
					  "%s_size is %u, but its type has "
					  "%u bytes", obj->name, pub->name,
					  i == 0 ? "key" : "value", said,
					  *size);
		if (said != 0)
			*size = said;
	}
	settle(&obj->maps[at]);
	if (obj->maps[at].pub.kind == 0)
		gebpf_fail(&obj->maps[at].broken, -EBPF_EINVAL,
			   "%s: section '.maps': map '%s': has no type",
			   obj->name, obj->maps[at].pub.name);
	return 0;
}

static int
read_btf_maps(struct gebpf_object *obj, uint32_t section,
	      struct gebpf_error *err)
{
	uint32_t datasec, i;
	struct gebpf_btf_type sec, var, t;
	struct gebpf_btf_member m;
	int error;

	if (obj->sections[section].size == 0)
		return 0;
	if (obj->btf == NULL ||
	    (datasec = gebpf_btf_find(obj->btf, GEBPF_BTF_DATASEC, ".maps")) ==
		    0) {
		gebpf_fail(err, -EBPF_EINVAL,
			   "%s: section '.maps': its maps are defined by "
			   "types, and the object has no %s",
			   obj->name, obj->btf == NULL ? "usable BTF" :
							 "BTF of them");
		gebpf_hint(err, "compile with clang -g");
		return -EBPF_EINVAL;
	}
	gebpf_btf_type(obj->btf, datasec, &sec);
	for (i = 0; i < sec.count; i++) {
		struct obj_map *map;

		gebpf_btf_member(obj->btf, datasec, i, &m);
		gebpf_btf_type(obj->btf, m.type, &var);
		gebpf_btf_type(obj->btf,
			       gebpf_btf_resolve(obj->btf, var.type), &t);
		if (t.kind != GEBPF_BTF_STRUCT)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section '.maps': '%s' is no "
					  "struct", obj->name, var.name);
		map = new_map(obj, err);
		if (map == NULL)
			return err != NULL ? err->code : -EBPF_ENOMEM;
		set_name(map, var.name);
		map->section = section;
		map->off = m.off;
		error = read_definition(obj, t.id, obj->map_count - 1, false,
					err);
		if (error != 0)
			return error;
	}
	return 0;
}

/* ---- global data ---- */

static int
read_data(struct gebpf_object *obj, uint32_t index, struct gebpf_error *err)
{
	struct obj_section *s = &obj->sections[index];
	char name[2 * EBPF_NAME_SIZE];
	struct obj_map *map;
	uint32_t type;

	if (s->size == 0)
		return 0;
	if (s->size > OBJ_DATA_MAX)
		return gebpf_fail(err, -EBPF_E2BIG,
				  "%s: section '%s': %llu bytes of variables, "
				  "at most %u are possible", obj->name,
				  s->name, (unsigned long long)s->size,
				  OBJ_DATA_MAX);
	map = new_map(obj, err);
	if (map == NULL)
		return err != NULL ? err->code : -EBPF_ENOMEM;
	s->map = (int)(obj->map_count - 1);
	snprintf(name, sizeof(name), "%s%.63s", obj->name, s->name);
	set_name(map, name);
	map->section = index;
	map->pub.is_data = true;
	map->pub.frozen = strncmp(s->name, ".rodata", 7) == 0;
	map->pub.kind = EBPF_MAP_ARRAY;
	map->pub.key_size = 4;
	map->pub.value_size = (uint32_t)s->size;
	map->pub.max_entries = 1;
	map->pub.flags = map->pub.frozen ? EBPF_F_RDONLY_PROG : 0;
	map->data = calloc(1, (size_t)s->size);
	if (map->data == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	if (s->data != NULL)
		memcpy(map->data, s->data, (size_t)s->size);
	map->pub.data = map->data;
	if (obj->btf != NULL) {
		type = gebpf_btf_find(obj->btf, GEBPF_BTF_DATASEC, s->name);
		if (type != 0 &&
		    gebpf_btf_size(obj->btf, type) == (int64_t)s->size)
			map->pub.btf_value_type = type;
	}
	return 0;
}

/* Folders of iproute2's, pinning that Cilium's loader replaces: said once. */
static void
warn_pinning(struct gebpf_object *obj)
{
	const struct obj_map *first = NULL;
	size_t i, n = 0;

	for (i = 0; i < obj->map_count; i++)
		if (obj->maps[i].pub.pinning > 1 && n++ == 0)
			first = &obj->maps[i];
	if (n == 1)
		obj_warn(obj, "section '%s': map '%s': pinning %u means "
			 "something to another loader; here the map is not "
			 "shared by name", obj->sections[first->section].name,
			 first->pub.name, first->pub.pinning);
	else if (n > 1)
		obj_warn(obj, "section '%s': map '%s' and %zu others: pinning "
			 "%u means something to another loader; here these "
			 "maps are not shared by name",
			 obj->sections[first->section].name, first->pub.name,
			 n - 1, first->pub.pinning);
}

int
obj_maps_read(struct gebpf_object *obj, struct gebpf_error *err)
{
	int error = read_legacy(obj, err);
	uint32_t i;

	for (i = 1; i < obj->section_count && error == 0; i++)
		if (obj->sections[i].what == OBJ_BTF_MAPS)
			error = read_btf_maps(obj, i, err);
	for (i = 1; i < obj->section_count && error == 0; i++)
		if (obj->sections[i].what == OBJ_DATA)
			error = read_data(obj, i, err);
	if (error == 0)
		warn_pinning(obj);
	return error;
}

int
obj_map_at(const struct gebpf_object *obj, uint32_t section, uint64_t off)
{
	size_t i;

	for (i = 0; i < obj->map_count; i++)
		if (obj->maps[i].section == section &&
		    obj->maps[i].off == off && !obj->maps[i].pub.is_data &&
		    !obj->maps[i].pub.is_template)
			return (int)i;
	return -1;
}
