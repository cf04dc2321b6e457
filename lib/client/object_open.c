/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Opening, asking and closing objects: reads the file, takes the steps that
 * object_impl.h lists, and answers for what they found. Talks to no device.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "client/object_impl.h"

void
obj_warn(struct gebpf_object *obj, const char *format, ...)
{
	char line[512], *more;
	va_list ap;
	size_t n;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	n = strlen(line);
	/* A hostile file shall not make a book of warnings. */
	if (obj->warnings_len > 16384)
		return;
	more = realloc(obj->warnings, obj->warnings_len + n + 2);
	if (more == NULL)
		return;
	obj->warnings = more;
	if (obj->warnings_len != 0)
		more[obj->warnings_len++] = '\n';
	memcpy(more + obj->warnings_len, line, n + 1);
	obj->warnings_len += n;
}

/* "dir/l2.bpf.o" is "l2": what data maps and pins are named after. */
static void
set_name(struct gebpf_object *obj, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t i;

	base = base != NULL ? base + 1 : path;
	for (i = 0; base[i] != 0 && base[i] != '.' &&
		    i < sizeof(obj->name) - 1; i++) {
		char c = base[i];

		obj->name[i] = (c >= 'a' && c <= 'z') ||
					       (c >= 'A' && c <= 'Z') ||
					       (c >= '0' && c <= '9') ||
					       c == '_' || c == '-' ?
				       c : '_';
	}
	if (i == 0)
		strcpy(obj->name, "object");
}

static int
read_license(struct gebpf_object *obj, struct gebpf_error *err)
{
	uint32_t index = obj_section_find(obj, "license");
	const struct obj_section *s = &obj->sections[index];
	size_t n, i;

	if (index == 0 || s->data == NULL || s->size == 0)
		return 0;
	n = strnlen((const char *)s->data, (size_t)s->size);
	if (n >= sizeof(obj->license))
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: section 'license': longer than %zu "
				  "bytes", obj->name,
				  sizeof(obj->license) - 1);
	for (i = 0; i < n; i++)
		if (s->data[i] < 0x20 || s->data[i] >= 0x7f)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: section 'license': holds no "
					  "text", obj->name);
	memcpy(obj->license, s->data, n);
	return 0;
}

/* Takes over image, also when it fails. */
static int
open_image(uint8_t *image, size_t len, const char *name,
	   struct gebpf_object **result, struct gebpf_error *err)
{
	struct gebpf_object *obj = calloc(1, sizeof(*obj));
	int error;

	*result = NULL;
	if (obj == NULL) {
		free(image);
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  name);
	}
	obj->image = image;
	obj->image_len = len;
	set_name(obj, name);
	error = obj_elf_read(obj, err);
	if (error == 0)
		error = obj_btf_read(obj, err);
	if (error == 0)
		error = read_license(obj, err);
	if (error == 0)
		error = obj_maps_read(obj, err);
	if (error == 0)
		error = obj_funcs_read(obj, err);
	if (error == 0)
		error = obj_progs_find(obj, err);
	if (error == 0)
		error = obj_map_slots_read(obj, err);
	if (error == 0)
		error = obj_progs_link(obj, err);
	if (error != 0) {
		gebpf_object_close(obj);
		return error;
	}
	*result = obj;
	return 0;
}

int
gebpf_object_open_mem(const void *data, size_t len, const char *name,
		      struct gebpf_object **object, struct gebpf_error *err)
{
	uint8_t *image;

	*object = NULL;
	if (len > OBJ_FILE_MAX)
		return gebpf_fail(err, -EBPF_E2BIG, "%s: %zu bytes", name,
				  len);
	image = malloc(len + 1);
	if (image == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "%s: out of memory",
				  name);
	if (len != 0)
		memcpy(image, data, len);
	return open_image(image, len, name, object, err);
}

int
gebpf_object_open(const char *path, struct gebpf_object **object,
		  struct gebpf_error *err)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *image = NULL;
	size_t len = 0, room = 0, got;
	int error;

	*object = NULL;
	if (file == NULL)
		return gebpf_fail(err,
				  errno == ENOENT ? -EBPF_ENOENT :
				  errno == EACCES ? -EBPF_EACCES : -EBPF_EIO,
				  "%s: %s", path, strerror(errno));
	do {
		uint8_t *more;

		if (len == room) {
			room = room != 0 ? room * 2 : 1 << 16;
			more = room > 2u * OBJ_FILE_MAX ?
				       NULL : realloc(image, room);
			if (more == NULL) {
				error = gebpf_fail(err, len >= OBJ_FILE_MAX ?
						   -EBPF_E2BIG : -EBPF_ENOMEM,
						   "%s: too large for an "
						   "object", path);
				goto out;
			}
			image = more;
		}
		errno = 0;
		got = fread(image + len, 1, room - len, file);
		len += got;
	} while (got != 0);
	if (ferror(file)) {
		error = gebpf_fail(err, -EBPF_EIO, "%s: %s", path,
				   strerror(errno));
		goto out;
	}
	fclose(file);
	return open_image(image, len, path, object, err);
out:
	free(image);
	fclose(file);
	return error;
}

void
gebpf_object_close(struct gebpf_object *obj)
{
	size_t i;

	if (obj == NULL)
		return;
	for (i = 0; i < obj->prog_count; i++) {
		free(obj->progs[i].insns);
		free(obj->progs[i].funcs);
		free(obj->progs[i].lines);
		free(obj->progs[i].uses);
	}
	for (i = 0; i < obj->map_count; i++) {
		free(obj->maps[i].data);
		free(obj->maps[i].slots);
	}
	free(obj->progs);
	free(obj->funcs);
	free(obj->maps);
	free(obj->func_info.at);
	free(obj->line_info.at);
	free(obj->core_info.at);
	gebpf_btf_free(obj->btf);
	obj_elf_free(obj);
	free(obj->warnings);
	free(obj);
}

const char *
gebpf_object_name(const struct gebpf_object *obj)
{
	return obj->name;
}

const char *
gebpf_object_license(const struct gebpf_object *obj)
{
	return obj->license;
}

const struct gebpf_btf *
gebpf_object_btf(const struct gebpf_object *obj)
{
	return obj->btf;
}

const char *
gebpf_object_warnings(const struct gebpf_object *obj)
{
	return obj->warnings != NULL ? obj->warnings : "";
}

size_t
gebpf_object_prog_count(const struct gebpf_object *obj)
{
	return obj->prog_count;
}

struct gebpf_obj_prog *
gebpf_object_prog(struct gebpf_object *obj, size_t i)
{
	return i < obj->prog_count ? &obj->progs[i].pub : NULL;
}

size_t
gebpf_object_map_count(const struct gebpf_object *obj)
{
	return obj->map_count;
}

struct gebpf_obj_map *
gebpf_object_map(struct gebpf_object *obj, size_t i)
{
	return i < obj->map_count ? &obj->maps[i].pub : NULL;
}

int
gebpf_object_set_var(struct gebpf_object *obj, const char *var,
		     const void *value, size_t len, struct gebpf_error *err)
{
	size_t i;

	for (i = 0; i < obj->symbol_count; i++) {
		const struct obj_symbol *s = &obj->symbols[i];
		const struct obj_section *sec;
		struct obj_map *map;

		if (s->section == OBJ_NO_SECTION || s->type != STT_OBJECT ||
		    strcmp(s->name, var) != 0)
			continue;
		sec = &obj->sections[s->section];
		if (sec->what != OBJ_DATA || sec->map < 0)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: '%s' in section '%s' is no "
					  "variable", obj->name, var,
					  sec->name);
		map = &obj->maps[sec->map];
		if (map->pub.id != 0)
			return gebpf_fail(err, -EBPF_EBUSY,
					  "%s: variable '%s': map '%s' has "
					  "been created already", obj->name,
					  var, map->pub.name);
		if (s->size != len)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: variable '%s' has %llu bytes, "
					  "the value %zu", obj->name, var,
					  (unsigned long long)s->size, len);
		if (s->value > sec->size || s->size > sec->size - s->value)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "%s: variable '%s' lies outside "
					  "section '%s'", obj->name, var,
					  sec->name);
		memcpy(map->data + s->value, value, len);
		return 0;
	}
	return gebpf_fail(err, -EBPF_ENOENT, "%s: has no variable '%s'",
			  obj->name, var);
}
