/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Questions about types: what one is, its members, its size, where a name is.
 * Reads only what btf_parse.c has checked. Called by the loader, the CLI's
 * typed output and the C dump.
 */
#include <stdlib.h>

#include "client/btf_impl.h"

const void *
gebpf_btf_data(const struct gebpf_btf *btf, size_t *len)
{
	*len = btf->len;
	return btf->data;
}

uint32_t
gebpf_btf_count(const struct gebpf_btf *btf)
{
	return btf->count;
}

const char *
gebpf_btf_string(const struct gebpf_btf *btf, uint32_t off)
{
	return off < btf->strings_len ? btf->strings + off : "";
}

int
gebpf_btf_type(const struct gebpf_btf *btf, uint32_t id,
	       struct gebpf_btf_type *type)
{
	struct btf_raw raw;
	const uint8_t *e;
	uint32_t word;

	memset(type, 0, sizeof(*type));
	type->name = "";
	if (id > btf->count)
		return -EBPF_ENOENT;
	if (id == 0)
		return 0;
	raw = btf_raw(btf, id);
	e = btf_extra(btf, id);
	type->id = id;
	type->kind = btf_raw_kind(raw);
	type->name = btf->strings + raw.name_off;
	type->kind_flag = btf_raw_flag(raw);
	switch (type->kind) {
	case GEBPF_BTF_INT:
		word = btf_get32(e);
		type->size = raw.size_or_type;
		type->bits = word & 0xff;
		type->is_signed = word >> 24 & 1;
		type->is_char = word >> 25 & 1;
		type->is_bool = word >> 26 & 1;
		break;
	case GEBPF_BTF_ARRAY:
		type->type = btf_get32(e);
		type->index_type = btf_get32(e + 4);
		type->count = btf_get32(e + 8);
		break;
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_ENUM64:
		type->is_signed = type->kind_flag;
		/* fallthrough */
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
	case GEBPF_BTF_DATASEC:
		type->size = raw.size_or_type;
		type->count = btf_raw_vlen(raw);
		break;
	case GEBPF_BTF_FLOAT:
		type->size = raw.size_or_type;
		break;
	case GEBPF_BTF_FUNC_PROTO:
		type->type = raw.size_or_type;
		type->count = btf_raw_vlen(raw);
		break;
	case GEBPF_BTF_FUNC:
		type->type = raw.size_or_type;
		type->linkage = btf_raw_vlen(raw);
		break;
	case GEBPF_BTF_VAR:
		type->type = raw.size_or_type;
		type->linkage = btf_get32(e);
		break;
	case GEBPF_BTF_DECL_TAG:
		type->component = (int32_t)btf_get32(e);
		/* fallthrough */
	case GEBPF_BTF_PTR:
	case GEBPF_BTF_TYPEDEF:
	case GEBPF_BTF_VOLATILE:
	case GEBPF_BTF_CONST:
	case GEBPF_BTF_RESTRICT:
	case GEBPF_BTF_TYPE_TAG:
		type->type = raw.size_or_type;
		break;
	case GEBPF_BTF_VOID:
	case GEBPF_BTF_FWD:
		break;
	}
	return 0;
}

struct btf_field
btf_field(const struct gebpf_btf *btf, uint32_t id, uint32_t index)
{
	struct btf_raw raw = btf_raw(btf, id), target;
	const uint8_t *e = btf_extra(btf, id) + index * 12;
	struct btf_field f;
	uint32_t word = btf_get32(e + 8), base, bits;

	f.name_off = btf_get32(e);
	f.type = btf_get32(e + 4);
	if (btf_raw_flag(raw)) {
		f.bit_off = word & 0xffffff;
		f.bit_size = word >> 24;
		return f;
	}
	/* Before kind_flag, a bit field was an integer of fewer bits. */
	f.bit_off = word;
	f.bit_size = 0;
	for (base = f.type; btf_is_modifier(btf_kind(btf, base));)
		base = btf_raw(btf, base).size_or_type;
	target = btf_raw(btf, base);
	if (btf_raw_kind(target) == GEBPF_BTF_INT) {
		bits = btf_get32(btf_extra(btf, base));
		if ((bits & 0xff) != target.size_or_type * 8 ||
		    f.bit_off % 8 != 0) {
			f.bit_off += bits >> 16 & 0xff;
			f.bit_size = bits & 0xff;
		}
	}
	return f;
}

int
gebpf_btf_member(const struct gebpf_btf *btf, uint32_t id, uint32_t index,
		 struct gebpf_btf_member *member)
{
	struct btf_raw raw;
	struct btf_field f;
	const uint8_t *e;
	uint32_t kind, low;

	memset(member, 0, sizeof(*member));
	member->name = "";
	if (id == 0 || id > btf->count)
		return -EBPF_ENOENT;
	raw = btf_raw(btf, id);
	kind = btf_raw_kind(raw);
	if (btf_entry_size(kind) == 0 || index >= btf_raw_vlen(raw))
		return -EBPF_ENOENT;
	e = btf_extra(btf, id) + index * btf_entry_size(kind);
	switch (kind) {
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
		f = btf_field(btf, id, index);
		member->name = btf->strings + f.name_off;
		member->type = f.type;
		member->bit_off = f.bit_off;
		member->bit_size = f.bit_size;
		break;
	case GEBPF_BTF_ENUM:
		member->name = btf->strings + btf_get32(e);
		low = btf_get32(e + 4);
		member->value = btf_raw_flag(raw) ? (int64_t)(int32_t)low :
						    (int64_t)low;
		break;
	case GEBPF_BTF_ENUM64:
		member->name = btf->strings + btf_get32(e);
		member->value = (int64_t)((uint64_t)btf_get32(e + 8) << 32 |
					  btf_get32(e + 4));
		break;
	case GEBPF_BTF_FUNC_PROTO:
		member->name = btf->strings + btf_get32(e);
		member->type = btf_get32(e + 4);
		break;
	case GEBPF_BTF_DATASEC:
		member->type = btf_get32(e);
		member->off = btf_get32(e + 4);
		member->size = btf_get32(e + 8);
		member->name = btf_name(btf, member->type);
		break;
	}
	return 0;
}

uint32_t
gebpf_btf_resolve(const struct gebpf_btf *btf, uint32_t id)
{
	unsigned int n;

	for (n = 0; n <= BTF_CHAIN_MAX && id <= btf->count; n++) {
		struct btf_raw raw = btf_raw(btf, id);

		if (!btf_is_modifier(btf_raw_kind(raw)))
			return id;
		id = raw.size_or_type;
	}
	return 0;
}

int64_t
gebpf_btf_size(const struct gebpf_btf *btf, uint32_t id)
{
	uint64_t times = 1;
	unsigned int n;

	/* Parsing has refused loops; the count is for the reader's peace. */
	for (n = 0; n <= BTF_DEPTH_MAX && id <= btf->count; n++) {
		struct btf_raw raw = btf_raw(btf, id);
		uint32_t kind = btf_raw_kind(raw);
		uint64_t size;

		if (btf_is_modifier(kind) || kind == GEBPF_BTF_VAR) {
			id = raw.size_or_type;
			continue;
		}
		switch (kind) {
		case GEBPF_BTF_ARRAY:
			times *= btf_get32(btf_extra(btf, id) + 8);
			if (times > INT32_MAX)
				return -EBPF_EINVAL;
			id = btf_get32(btf_extra(btf, id));
			continue;
		case GEBPF_BTF_PTR:
			size = 8;
			break;
		case GEBPF_BTF_INT:
		case GEBPF_BTF_STRUCT:
		case GEBPF_BTF_UNION:
		case GEBPF_BTF_ENUM:
		case GEBPF_BTF_ENUM64:
		case GEBPF_BTF_FLOAT:
		case GEBPF_BTF_DATASEC:
			size = raw.size_or_type;
			break;
		default:
			return -EBPF_EINVAL;
		}
		/* Both factors are below 2^32. */
		size *= times;
		return size > INT32_MAX ? -EBPF_EINVAL : (int64_t)size;
	}
	return -EBPF_EINVAL;
}

uint32_t
gebpf_btf_find(const struct gebpf_btf *btf, enum gebpf_btf_kind kind,
	       const char *name)
{
	uint32_t id;

	for (id = 1; id <= btf->count; id++)
		if (btf_kind(btf, id) == (uint32_t)kind &&
		    strcmp(btf_name(btf, id), name) == 0)
			return id;
	return 0;
}

int
gebpf_btf_fetch(struct gebpf_device *device, uint32_t id,
		struct gebpf_btf **btf, struct gebpf_error *err)
{
	struct ebpf_req_btf_data req = { 0 };
	struct ebpf_rep_data rep;
	uint32_t room = 1 << 16, got = 0;
	uint8_t *data = NULL;
	int error;

	*btf = NULL;
	req.id = id;
	for (;;) {
		struct gebpf_call call = { 0 };
		uint8_t *more = realloc(data, room);

		if (more == NULL) {
			error = gebpf_fail(err, -EBPF_ENOMEM,
					   "BTF %u: out of memory", id);
			break;
		}
		data = more;
		memset(&rep, 0, sizeof(rep));
		req.offset = got;
		req.len = room - got;
		call.number = EBPF_REQUEST_BTF_DATA;
		call.req = &req;
		call.req_len = sizeof(req);
		call.rep = &rep;
		call.rep_len = sizeof(rep);
		call.out = data + got;
		call.out_room = room - got;
		error = gebpf_request(device, &call);
		if (error != 0) {
			gebpf_fail(err, error, "BTF %u: %s", id,
				   gebpf_error_text(error));
			break;
		}
		if (call.out_len == 0 && got < rep.total) {
			error = gebpf_fail(err, -EBPF_EPROTO,
					   "BTF %u: the device sends only %u "
					   "of %u bytes", id, got, rep.total);
			break;
		}
		got += (uint32_t)call.out_len;
		if (got >= rep.total) {
			error = gebpf_btf_parse(data, got, btf, err);
			break;
		}
		if (rep.total > EBPF_MSG_MAX) {
			error = gebpf_fail(err, -EBPF_EPROTO,
					   "BTF %u: %u bytes", id, rep.total);
			break;
		}
		room = rep.total;
	}
	free(data);
	return error;
}
