/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf btf: what type information the device holds, and types as bpftool's
 * raw lines or as C.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/input.h"
#include "cmd/load.h"

enum {
	RAW_MAX = 64 << 20, /* bytes of a file of nothing but types */
};

static int
show(struct cmd *cmd, uint32_t id)
{
	struct ebpf_req_id req = { .id = id };
	struct ebpf_rep_btf_info info = { .size = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_BTF_INFO,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &info,
		.rep_len = sizeof(info),
		.out_room = 65536,
	};
	struct out *out = cmd->out;
	uint32_t *ids = calloc(1, call.out_room);
	int error;

	if (ids == NULL)
		return cmd_no_memory(cmd);
	call.out = ids;
	error = gebpf_request(cmd->dev, &call);
	if (error == 0 && ((uint64_t)info.prog_count + info.map_count) *
					  sizeof(*ids) >
				  call.out_len) {
		info.prog_count = info.map_count = 0; /* more than fits */
	}
	if (error != 0) {
		free(ids);
		if (error == -EBPF_ENOENT)
			return cmd_fail(cmd, error,
					"there is no BTF object with id %u",
					id);
		return cmd_fail(cmd, error, "BTF object %u: %s", id,
				gebpf_error_text(error));
	}
	out_object(out, NULL);
	out_uint(out, "id", "%: name ", info.id);
	out_string(out, NULL, "%", *info.name != '\0' ? info.name : "<anon>");
	out_uint(out, "size", "  size %B", info.len);
	out_array(out, "prog_ids");
	for (uint32_t i = 0; i < info.prog_count; i++)
		out_uint(out, NULL, i == 0 ? "  prog_ids %" : ",%", ids[i]);
	out_end(out);
	out_array(out, "map_ids");
	for (uint32_t i = 0; i < info.map_count; i++)
		out_uint(out, NULL, i == 0 ? "  map_ids %" : ",%",
			 ids[info.prog_count + i]);
	out_end(out);
	out_bool(out, "kernel", NULL, false);
	if (*info.name != '\0')
		out_string(out, "name", NULL, info.name);
	out_text(out, "\n");
	out_end(out);
	free(ids);
	return 0;
}

int
cmd_btf_show(struct cmd *cmd)
{
	struct handle_list list = { NULL, 0 };
	uint64_t id;
	int error;

	if (cmd_take_if(cmd, "id")) {
		error = cmd_number(cmd, "id", UINT32_MAX, &id);
		if (error == 0)
			error = cmd_done(cmd);
		if (error == 0)
			error = cmd_open(cmd);
		return error != 0 ? error : show(cmd, (uint32_t)id);
	}
	error = cmd_done(cmd);
	if (error == 0)
		error = handle_all(cmd, EBPF_OBJ_BTF, &list);
	if (error != 0)
		return error;
	out_array(cmd->out, NULL);
	for (size_t i = 0; error == 0 && i < list.count; i++) {
		error = show(cmd, list.ids[i]);
		if (error == -EBPF_ENOENT)
			error = 0;
	}
	if (error == 0)
		out_end(cmd->out);
	handle_free(&list);
	return error;
}

/* ---- dump ---- */

static const char *const kind_names[] = {
	"UNKNOWN", "INT",    "PTR",	 "ARRAY",    "STRUCT",
	"UNION",   "ENUM",   "FWD",	 "TYPEDEF",  "VOLATILE",
	"CONST",   "RESTRICT", "FUNC",	 "FUNC_PROTO", "VAR",
	"DATASEC", "FLOAT",  "DECL_TAG", "TYPE_TAG", "ENUM64",
};

static const char *
named(const char *name)
{
	return name != NULL && *name != '\0' ? name : "(anon)";
}

static void
raw_members(struct out *out, const struct gebpf_btf *btf,
	    const struct gebpf_btf_type *type)
{
	struct gebpf_btf_member m;

	out_array(out, "members");
	for (uint32_t i = 0; i < type->count; i++) {
		if (gebpf_btf_member(btf, type->id, i, &m) != 0)
			break;
		out_object(out, NULL);
		out_string(out, "name", "\n\t'%'", named(m.name));
		out_uint(out, "type_id", " type_id=%", m.type);
		out_uint(out, "bits_offset", " bits_offset=%", m.bit_off);
		if (m.bit_size > 0)
			out_uint(out, "bitfield_size", " bitfield_size=%",
				 m.bit_size);
		out_end(out);
	}
	out_end(out);
}

static void
raw_values(struct out *out, const struct gebpf_btf *btf,
	   const struct gebpf_btf_type *type)
{
	bool wide = type->kind == GEBPF_BTF_ENUM64;
	struct gebpf_btf_member m;

	out_array(out, "values");
	for (uint32_t i = 0; i < type->count; i++) {
		if (gebpf_btf_member(btf, type->id, i, &m) != 0)
			break;
		out_object(out, NULL);
		out_string(out, "name", "\n\t'%'", named(m.name));
		if (type->is_signed)
			out_int(out, "val", wide ? " val=%LL" : " val=%",
				m.value);
		else
			out_uint(out, "val", wide ? " val=%ULL" : " val=%",
				 type->size == 4 ? (uint32_t)m.value
						 : (uint64_t)m.value);
		out_end(out);
	}
	out_end(out);
}

static const char *
linkage(uint32_t number)
{
	static const char *const names[] = { "static", "global", "extern" };

	return number < 3 ? names[number] : "(unknown)";
}

static void
raw_type(struct out *out, const struct gebpf_btf *btf,
	 const struct gebpf_btf_type *type)
{
	struct gebpf_btf_member m;
	struct gebpf_btf_type var;

	out_object(out, NULL);
	out_uint(out, "id", "[%] ", type->id);
	out_string(out, "kind", "%",
		   type->kind < sizeof(kind_names) / sizeof(kind_names[0])
			   ? kind_names[type->kind]
			   : "UNKNOWN");
	out_string(out, "name", " '%'", named(type->name));
	switch (type->kind) {
	case GEBPF_BTF_INT:
		out_uint(out, "size", " size=%", type->size);
		out_uint(out, "bits_offset", " bits_offset=%", 0);
		out_uint(out, "nr_bits", " nr_bits=%", type->bits);
		out_string(out, "encoding", " encoding=%",
			   type->is_bool     ? "BOOL"
			   : type->is_char   ? "CHAR"
			   : type->is_signed ? "SIGNED"
					     : "(none)");
		break;
	case GEBPF_BTF_ARRAY:
		out_uint(out, "type_id", " type_id=%", type->type);
		out_uint(out, "index_type_id", " index_type_id=%",
			 type->index_type);
		out_uint(out, "nr_elems", " nr_elems=%", type->count);
		break;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
		out_uint(out, "size", " size=%", type->size);
		out_uint(out, "vlen", " vlen=%", type->count);
		raw_members(out, btf, type);
		break;
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_ENUM64:
		out_string(out, "encoding", " encoding=%",
			   type->is_signed ? "SIGNED" : "UNSIGNED");
		out_uint(out, "size", " size=%", type->size);
		out_uint(out, "vlen", " vlen=%", type->count);
		raw_values(out, btf, type);
		break;
	case GEBPF_BTF_FWD:
		out_string(out, "fwd_kind", " fwd_kind=%",
			   type->kind_flag ? "union" : "struct");
		break;
	case GEBPF_BTF_FUNC:
		out_uint(out, "type_id", " type_id=%", type->type);
		out_string(out, "linkage", " linkage=%",
			   linkage(type->linkage));
		break;
	case GEBPF_BTF_FUNC_PROTO:
		out_uint(out, "ret_type_id", " ret_type_id=%", type->type);
		out_uint(out, "vlen", " vlen=%", type->count);
		out_array(out, "params");
		for (uint32_t i = 0; i < type->count; i++) {
			if (gebpf_btf_member(btf, type->id, i, &m) != 0)
				break;
			out_object(out, NULL);
			out_string(out, "name", "\n\t'%'", named(m.name));
			out_uint(out, "type_id", " type_id=%", m.type);
			out_end(out);
		}
		out_end(out);
		break;
	case GEBPF_BTF_VAR:
		out_uint(out, "type_id", " type_id=%", type->type);
		out_string(out, "linkage", ", linkage=%",
			   linkage(type->linkage));
		break;
	case GEBPF_BTF_DATASEC:
		out_uint(out, "size", " size=%", type->size);
		out_uint(out, "vlen", " vlen=%", type->count);
		out_array(out, "vars");
		for (uint32_t i = 0; i < type->count; i++) {
			if (gebpf_btf_member(btf, type->id, i, &m) != 0)
				break;
			out_object(out, NULL);
			out_uint(out, "type_id", "\n\ttype_id=%", m.type);
			out_uint(out, "offset", " offset=%", m.off);
			out_uint(out, "size", " size=%", m.size);
			if (gebpf_btf_type(btf, m.type, &var) == 0 &&
			    var.kind == GEBPF_BTF_VAR)
				out_text(out, " (VAR '%s')", var.name);
			out_end(out);
		}
		out_end(out);
		break;
	case GEBPF_BTF_FLOAT:
		out_uint(out, "size", " size=%", type->size);
		break;
	case GEBPF_BTF_DECL_TAG:
		out_uint(out, "type_id", " type_id=%", type->type);
		out_int(out, "component_idx", " component_idx=%",
			type->component);
		break;
	case GEBPF_BTF_VOID:
	case GEBPF_BTF_PTR:
	case GEBPF_BTF_TYPEDEF:
	case GEBPF_BTF_VOLATILE:
	case GEBPF_BTF_CONST:
	case GEBPF_BTF_RESTRICT:
	case GEBPF_BTF_TYPE_TAG:
		out_uint(out, "type_id", " type_id=%", type->type);
		break;
	}
	out_text(out, "\n");
	out_end(out);
}

static int
dump_c(struct cmd *cmd, const struct gebpf_btf *btf)
{
	struct out *out = cmd->out;
	char *text = NULL;
	size_t len = 0;
	FILE *memory;
	int error;

	if (out_is_plain(out)) {
		error = gebpf_btf_dump_c(btf, out->file);
	} else {
		memory = open_memstream(&text, &len);
		if (memory == NULL)
			return cmd_no_memory(cmd);
		error = gebpf_btf_dump_c(btf, memory);
		if (fclose(memory) != 0)
			error = -EBPF_ENOMEM;
		if (error == 0) {
			out_object(out, NULL);
			out_string(out, "c", NULL, text);
			out_end(out);
		}
		free(text);
	}
	if (error != 0)
		return cmd_fail(cmd, error, "the types cannot be written as "
					    "C: %s",
				gebpf_error_text(error));
	return 0;
}

static int
fetch(struct cmd *cmd, uint32_t id, const char *of, struct gebpf_btf **btf)
{
	struct gebpf_error why = { .code = 0 };
	int error;

	if (id == 0)
		return cmd_fail(cmd, EBPF_ENOENT, "the %s has no type "
						  "information",
				of);
	error = gebpf_btf_fetch(cmd->dev, id, btf, &why);
	if (error != 0)
		return cmd_fail(cmd, error, "BTF object %u: %s", id,
				why.text[0] != '\0' ? why.text
						    : gebpf_error_text(error));
	return 0;
}

/* A file that is type information and nothing else, as Linux shows its own. */
static bool
is_raw(const char *path)
{
	uint8_t magic[2] = { 0 };
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		return false;
	if (fread(magic, 1, sizeof(magic), file) != sizeof(magic))
		magic[0] = 0;
	fclose(file);
	return magic[0] == 0x9f && magic[1] == 0xeb;
}

static int
open_raw(struct cmd *cmd, const char *path, struct gebpf_btf **btf)
{
	struct gebpf_error why = { .code = 0 };
	void *data;
	size_t len;
	int error = input_file(cmd, path, RAW_MAX, &data, &len);

	if (error != 0)
		return error;
	error = gebpf_btf_parse(data, len, btf, &why);
	free(data);
	if (error == 0)
		return 0;
	return cmd_fail(cmd, error, "%s: %s", path,
			why.text[0] != '\0' ? why.text
					    : gebpf_error_text(error));
}

/* {id N|prog PROG|map MAP|file {OBJ|BTF}} */
static int
source(struct cmd *cmd, struct gebpf_btf **btf, struct load_file *file)
{
	struct ebpf_rep_prog_info prog;
	struct ebpf_rep_map_info map;
	uint64_t number;
	uint32_t id;
	int error;

	if (cmd_take_if(cmd, "id")) {
		error = cmd_number(cmd, "id", UINT32_MAX, &number);
		if (error == 0)
			error = cmd_open(cmd);
		if (error == 0)
			error = fetch(cmd, (uint32_t)number, "BTF", btf);
	} else if (cmd_take_if(cmd, "prog")) {
		error = handle_one(cmd, EBPF_OBJ_PROG, &id);
		if (error == 0)
			error = handle_prog_info(cmd, id, &prog);
		if (error == 0)
			error = fetch(cmd, prog.btf_id, "program", btf);
	} else if (cmd_take_if(cmd, "map")) {
		error = handle_one(cmd, EBPF_OBJ_MAP, &id);
		if (error == 0)
			error = handle_map_info(cmd, id, &map);
		if (error == 0)
			error = fetch(cmd, map.btf_id, "map", btf);
	} else {
		const char *path;

		cmd_take_if(cmd, "file");
		path = cmd_take(cmd);
		if (path == NULL)
			return cmd->err.code;
		if (is_raw(path))
			return open_raw(cmd, path, btf);
		error = load_file_open(cmd, path, file);
		if (error == 0 && gebpf_object_btf(file->object) == NULL) {
			cmd_fail(cmd, EBPF_ENOENT,
				 "%s has no type information", path);
			error = cmd_hint(cmd, "compile it with -g");
		}
	}
	return error;
}

int
cmd_btf_dump(struct cmd *cmd)
{
	struct gebpf_btf *fetched = NULL;
	const struct gebpf_btf *btf;
	struct load_file file = { .object = NULL };
	struct gebpf_btf_type type;
	bool as_c = false;
	int error = source(cmd, &fetched, &file);

	if (error == 0 && cmd_take_if(cmd, "format")) {
		as_c = cmd_take_if(cmd, "c");
		if (!as_c)
			cmd_take_if(cmd, "raw");
	}
	if (error == 0)
		error = cmd_done(cmd);
	if (error != 0)
		goto out;
	btf = fetched != NULL ? fetched : gebpf_object_btf(file.object);
	if (as_c) {
		error = dump_c(cmd, btf);
		goto out;
	}
	out_object(cmd->out, NULL);
	out_array(cmd->out, "types");
	for (uint32_t id = 1; id <= gebpf_btf_count(btf); id++)
		if (gebpf_btf_type(btf, id, &type) == 0)
			raw_type(cmd->out, btf, &type);
	out_end(cmd->out);
	out_end(cmd->out);
out:
	gebpf_btf_free(fetched);
	load_file_close(&file);
	return error;
}
