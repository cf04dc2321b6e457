/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From untrusted bytes to a struct gebpf_btf: header, every type record, every
 * name, every reference, every member's place. What passes here is trusted by
 * the other btf_*.c files. Knows nothing of ELF or devices.
 */
#include <stdlib.h>

#include "client/btf_impl.h"

/* Bytes of a whole record, or 0 for a kind that does not exist. */
static uint64_t
record_size(struct btf_raw raw)
{
	uint64_t size = sizeof(raw);

	switch (btf_raw_kind(raw)) {
	case GEBPF_BTF_INT:
	case GEBPF_BTF_VAR:
	case GEBPF_BTF_DECL_TAG:
		return size + 4;
	case GEBPF_BTF_ARRAY:
		return size + 12;
	case GEBPF_BTF_PTR:
	case GEBPF_BTF_FWD:
	case GEBPF_BTF_TYPEDEF:
	case GEBPF_BTF_VOLATILE:
	case GEBPF_BTF_CONST:
	case GEBPF_BTF_RESTRICT:
	case GEBPF_BTF_FUNC:
	case GEBPF_BTF_FLOAT:
	case GEBPF_BTF_TYPE_TAG:
		return size;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_FUNC_PROTO:
	case GEBPF_BTF_DATASEC:
	case GEBPF_BTF_ENUM64:
		return size + (uint64_t)btf_raw_vlen(raw) *
				      btf_entry_size(btf_raw_kind(raw));
	default:
		return 0;
	}
}

static int
parse_header(struct gebpf_btf *btf, size_t *types, size_t *types_len,
	     struct gebpf_error *err)
{
	const uint8_t *d = btf->data;
	uint64_t header, type_off, type_len, str_off, str_len;
	uint16_t magic;

	if (btf->len < BTF_HEADER_SIZE)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: %zu bytes are too short for a header",
				  btf->len);
	memcpy(&magic, d, sizeof(magic));
	if (magic == 0x9feb)
		return gebpf_fail(err, -EBPF_EUNSUPPORTED,
				  "BTF: written for the other byte order");
	if (magic != BTF_MAGIC)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: bad magic 0x%04x", magic);
	if (d[2] != 1)
		return gebpf_fail(err, -EBPF_EUNSUPPORTED,
				  "BTF: version %u is unknown", d[2]);
	header = btf_get32(d + 4);
	type_off = btf_get32(d + 8);
	type_len = btf_get32(d + 12);
	str_off = btf_get32(d + 16);
	str_len = btf_get32(d + 20);
	if (header < BTF_HEADER_SIZE || header > btf->len)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: header length %llu is impossible",
				  (unsigned long long)header);
	if (header + type_off + type_len > btf->len ||
	    (header + type_off) % 4 != 0 || type_len % 4 != 0)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: the type section lies outside");
	if (header + str_off + str_len > btf->len || str_len == 0)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: the string section lies outside");
	btf->strings = (const char *)d + header + str_off;
	btf->strings_len = (uint32_t)str_len;
	if (btf->strings[0] != 0 || btf->strings[str_len - 1] != 0)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: strings must begin and end with NUL");
	*types = (size_t)(header + type_off);
	*types_len = (size_t)type_len;
	return 0;
}

/* Find where each record starts. */
static int
index_types(struct gebpf_btf *btf, size_t at, size_t len,
	    struct gebpf_error *err)
{
	size_t end = at + len;
	uint32_t room = 0;

	while (at < end) {
		struct btf_raw raw;
		uint64_t size;

		if (end - at < sizeof(raw))
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u is cut off",
					  btf->count + 1);
		memcpy(&raw, btf->data + at, sizeof(raw));
		size = record_size(raw);
		if (size == 0)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u has unknown kind %u",
					  btf->count + 1, btf_raw_kind(raw));
		if (size > end - at)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u is cut off",
					  btf->count + 1);
		if (btf->count == BTF_TYPE_MAX)
			return gebpf_fail(err, -EBPF_E2BIG,
					  "BTF: more than %u types",
					  BTF_TYPE_MAX);
		if (btf->count + 1 >= room) {
			uint32_t more = room != 0 ? room * 2 : 64;
			uint32_t *offs;

			offs = realloc(btf->offs, more * sizeof(*offs));
			if (offs == NULL)
				return gebpf_fail(err, -EBPF_ENOMEM,
						  "BTF: out of memory");
			btf->offs = offs;
			room = more;
		}
		btf->offs[0] = 0;
		btf->offs[++btf->count] = (uint32_t)at;
		at += (size_t)size;
	}
	return 0;
}

/* Names reach terminals and C files: no control characters. */
static int
check_name(const struct gebpf_btf *btf, uint32_t id, uint32_t off,
	   struct gebpf_error *err)
{
	const char *s;

	if (off >= btf->strings_len)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: type %u: name offset %u lies outside",
				  id, off);
	for (s = btf->strings + off; *s != 0; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return gebpf_fail(
				err, -EBPF_EINVAL,
				"BTF: type %u: control character in a name",
				id);
	return 0;
}

static int
check_ref(const struct gebpf_btf *btf, uint32_t id, uint32_t type,
	  struct gebpf_error *err)
{
	if (type > btf->count)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: type %u refers to type %u of %u", id,
				  type, btf->count);
	return 0;
}

/* Can a variable or member be of that kind? */
static bool
holds_value(uint32_t kind)
{
	switch (kind) {
	case GEBPF_BTF_VOID:
	case GEBPF_BTF_FUNC:
	case GEBPF_BTF_FUNC_PROTO:
	case GEBPF_BTF_VAR:
	case GEBPF_BTF_DATASEC:
	case GEBPF_BTF_DECL_TAG:
		return false;
	default:
		return true;
	}
}

static int
check_int(const struct gebpf_btf *btf, uint32_t id, struct btf_raw raw,
	  struct gebpf_error *err)
{
	uint32_t word = btf_get32(btf_extra(btf, id));
	uint32_t bits = word & 0xff, off = word >> 16 & 0xff;
	uint32_t size = raw.size_or_type;

	if (size == 0 || size > 16 || (size & (size - 1)) != 0 ||
	    bits == 0 || bits + off > size * 8)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "BTF: type %u: an integer of %u bytes with "
				  "%u bits at %u", id, size, bits, off);
	return 0;
}

/* Names and references of one record; places are checked later. */
static int
check_record(const struct gebpf_btf *btf, uint32_t id,
	     struct gebpf_error *err)
{
	struct btf_raw raw = btf_raw(btf, id);
	const uint8_t *e = btf_extra(btf, id);
	uint32_t kind = btf_raw_kind(raw), vlen = btf_raw_vlen(raw);
	uint32_t step = btf_entry_size(kind), target, i;
	int error = check_name(btf, id, raw.name_off, err);

	if (error != 0)
		return error;
	switch (kind) {
	case GEBPF_BTF_INT:
		return check_int(btf, id, raw, err);
	case GEBPF_BTF_FLOAT:
		if (raw.size_or_type == 0 || raw.size_or_type > 16)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u: a floating point "
					  "number of %u bytes", id,
					  raw.size_or_type);
		return 0;
	case GEBPF_BTF_FWD:
		return 0;
	case GEBPF_BTF_ARRAY:
		error = check_ref(btf, id, btf_get32(e), err);
		if (error == 0)
			error = check_ref(btf, id, btf_get32(e + 4), err);
		return error;
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_ENUM64:
		if (raw.size_or_type == 0 || raw.size_or_type > 8 ||
		    (raw.size_or_type & (raw.size_or_type - 1)) != 0)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u: an enum of %u bytes",
					  id, raw.size_or_type);
		for (i = 0; i < vlen && error == 0; i++)
			error = check_name(btf, id, btf_get32(e + i * step),
					   err);
		return error;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
	case GEBPF_BTF_FUNC_PROTO:
		if (kind == GEBPF_BTF_FUNC_PROTO)
			error = check_ref(btf, id, raw.size_or_type, err);
		for (i = 0; i < vlen && error == 0; i++) {
			error = check_name(btf, id, btf_get32(e + i * step),
					   err);
			if (error == 0)
				error = check_ref(
					btf, id, btf_get32(e + i * step + 4),
					err);
		}
		return error;
	case GEBPF_BTF_DATASEC:
		for (i = 0; i < vlen && error == 0; i++) {
			target = btf_get32(e + i * step);
			error = check_ref(btf, id, target, err);
			if (error != 0)
				return error;
			if (btf_kind(btf, target) != GEBPF_BTF_VAR &&
			    btf_kind(btf, target) != GEBPF_BTF_FUNC)
				return gebpf_fail(err, -EBPF_EINVAL,
						  "BTF: type %u: entry %u is "
						  "no variable", id, i);
		}
		return error;
	case GEBPF_BTF_FUNC:
		error = check_ref(btf, id, raw.size_or_type, err);
		if (error == 0 && btf_kind(btf, raw.size_or_type) !=
				  GEBPF_BTF_FUNC_PROTO)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u: a function without "
					  "a prototype", id);
		return error;
	default: /* one reference: PTR, VAR, modifiers, tags */
		error = check_ref(btf, id, raw.size_or_type, err);
		if (error == 0 && kind == GEBPF_BTF_VAR &&
		    !holds_value(btf_kind(btf, raw.size_or_type)) &&
		    raw.size_or_type != 0)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u: a variable of "
					  "type %u", id, raw.size_or_type);
		return error;
	}
}

/* Every member lies within its struct, every variable in its section. */
static int
check_places(const struct gebpf_btf *btf, uint32_t id,
	     struct gebpf_error *err)
{
	struct btf_raw raw = btf_raw(btf, id);
	uint32_t kind = btf_raw_kind(raw), i;

	for (i = 0; i < btf_raw_vlen(raw); i++) {
		struct btf_field f;
		uint64_t end;

		if (kind == GEBPF_BTF_DATASEC) {
			const uint8_t *e = btf_extra(btf, id) + i * 12;

			/* Compilers leave the section's size to the loader. */
			if (raw.size_or_type != 0 &&
			    (uint64_t)btf_get32(e + 4) + btf_get32(e + 8) >
				    raw.size_or_type)
				return gebpf_fail(err, -EBPF_EINVAL,
						  "BTF: type %u: variable %u "
						  "lies outside its section",
						  id, i);
			continue;
		}
		f = btf_field(btf, id, i);
		end = f.bit_off;
		if (f.bit_size != 0) {
			end += f.bit_size;
		} else {
			int64_t size = gebpf_btf_size(btf, f.type);

			if (size < 0)
				return gebpf_fail(err, -EBPF_EINVAL,
						  "BTF: type %u: member %u "
						  "has no size", id, i);
			if (f.bit_off % 8 != 0)
				return gebpf_fail(err, -EBPF_EINVAL,
						  "BTF: type %u: member %u is "
						  "not at a byte", id, i);
			end += (uint64_t)size * 8;
		}
		if (end > (uint64_t)raw.size_or_type * 8)
			return gebpf_fail(err, -EBPF_EINVAL,
					  "BTF: type %u: member %u lies "
					  "outside", id, i);
	}
	return 0;
}

int
gebpf_btf_parse(const void *data, size_t len, struct gebpf_btf **result,
		struct gebpf_error *err)
{
	struct gebpf_btf *btf;
	size_t types = 0, types_len = 0;
	uint32_t id;
	int error;

	*result = NULL;
	if (len > EBPF_MSG_MAX)
		return gebpf_fail(err, -EBPF_E2BIG, "BTF: %zu bytes", len);
	btf = calloc(1, sizeof(*btf));
	if (btf == NULL || (btf->data = malloc(len + 1)) == NULL) {
		error = gebpf_fail(err, -EBPF_ENOMEM, "BTF: out of memory");
		goto out;
	}
	if (len != 0)
		memcpy(btf->data, data, len);
	btf->len = len;
	error = parse_header(btf, &types, &types_len, err);
	if (error != 0)
		goto out;
	error = index_types(btf, types, types_len, err);
	if (error != 0)
		goto out;
	for (id = 1; id <= btf->count; id++) {
		error = check_record(btf, id, err);
		if (error != 0)
			goto out;
	}
	error = btf_check_graph(btf, err);
	if (error != 0)
		goto out;
	for (id = 1; id <= btf->count; id++) {
		uint32_t kind = btf_kind(btf, id);

		if (kind != GEBPF_BTF_STRUCT && kind != GEBPF_BTF_UNION &&
		    kind != GEBPF_BTF_DATASEC)
			continue;
		error = check_places(btf, id, err);
		if (error != 0)
			goto out;
	}
	*result = btf;
	return 0;
out:
	gebpf_btf_free(btf);
	return error;
}

void
gebpf_btf_free(struct gebpf_btf *btf)
{
	if (btf == NULL)
		return;
	free(btf->offs);
	free(btf->data);
	free(btf);
}
