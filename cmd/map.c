/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf map: single elements (lookup, update, delete, getnext), clear, freeze,
 * pin, unpin. Showing and dumping is in map_show.c, creating in map_create.c.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/data.h"
#include "cmd/handle.h"
#include "cmd/map.h"

void
map_element_close(struct map_element *e)
{
	map_close(&e->map);
	free(e->key);
	free(e->value);
}

int
map_element_open(struct cmd *cmd, struct map_element *e)
{
	uint32_t id;
	int error;

	memset(e, 0, sizeof(*e));
	error = handle_one(cmd, EBPF_OBJ_MAP, &id);
	if (error == 0)
		error = map_open(cmd, id, &e->map);
	if (error != 0)
		return error;
	e->key = calloc(1, e->map.info.key_size + 1);
	e->value = calloc(1, e->map.value_room + 1);
	if (e->key == NULL || e->value == NULL)
		return cmd_no_memory(cmd);
	if (!cmd_take_if(cmd, "key"))
		return 0;
	e->has_key = true;
	return data_parse_words(cmd, "key", e->map.btf,
				e->map.info.btf_key_type, e->key,
				e->map.info.key_size);
}

static int
need_key(struct cmd *cmd, const struct map_element *e)
{
	if (e->has_key || e->map.info.key_size == 0)
		return 0;
	return cmd_fail(cmd, CMD_EUSAGE, "map '%s': a key of %u bytes is "
					 "missing: key DATA",
			e->map.info.name, e->map.info.key_size);
}

static int
no_such(struct cmd *cmd, const struct map_element *e, const char *what,
	int error)
{
	const char *kind = gebpf_map_kind_name(e->map.info.kind);

	return cmd_fail(cmd, error, "map '%s': %s failed: maps of type %s have "
				    "no such operation",
			e->map.info.name, what,
			kind != NULL ? kind : "unknown");
}

static bool
has_indices(uint32_t kind)
{
	return kind == EBPF_MAP_ARRAY || kind == EBPF_MAP_PERCPU_ARRAY ||
	       kind == EBPF_MAP_PROG_ARRAY ||
	       kind == EBPF_MAP_ARRAY_OF_MAPS || kind == EBPF_MAP_DEVMAP ||
	       kind == EBPF_MAP_CPUMAP || kind == EBPF_MAP_XSKMAP;
}

static int
beyond(struct cmd *cmd, const struct ebpf_rep_map_info *info, const char *what,
       int error)
{
	cmd_fail(cmd, error,
		 "map '%s': %s failed: the index is beyond its %u entries",
		 info->name, what, info->max_entries);
	return cmd_hint(cmd, "indices are 0 to %u", info->max_entries - 1);
}

int
map_failed(struct cmd *cmd, const struct map_element *e, const char *what,
	   int error)
{
	const struct ebpf_rep_map_info *info = &e->map.info;
	const char *kind = gebpf_map_kind_name(info->kind);

	switch (-error) {
	case EBPF_E2BIG:
		if (has_indices(info->kind))
			return beyond(cmd, info, what, error);
		cmd_fail(cmd, error,
			 "map '%s': %s failed: map is full (%u entries)",
			 info->name, what, info->max_entries);
		return cmd_hint(cmd, "delete elements, or create the map with "
				     "more entries");
	case EBPF_ENOSPC:
		cmd_fail(cmd, error,
			 "map '%s': %s failed: map is full (%u entries)",
			 info->name, what, info->max_entries);
		return cmd_hint(cmd, "delete elements, or create the map with "
				     "more entries");
	case EBPF_ENOENT:
		if (map_holds_ids(&e->map) && strcmp(what, "update") == 0)
			break;
		if (info->kind == EBPF_MAP_BLOOM_FILTER)
			return cmd_fail(cmd, error,
					"map '%s': this value was never pushed",
					info->name);
		if (map_has_no_keys(&e->map))
			return cmd_fail(cmd, error,
					"map '%s': %s failed: it is empty",
					info->name, what);
		return cmd_fail(cmd, error,
				"map '%s': %s failed: there is no such key",
				info->name, what);
	case EBPF_EEXIST:
		cmd_fail(cmd, error,
			 "map '%s': %s failed: the key is already there",
			 info->name, what);
		return cmd_hint(cmd, "without 'noexist' its value is "
				     "replaced");
	case EBPF_EACCES:
	case EBPF_EPERM:
		if (info->frozen)
			return cmd_fail(cmd, error,
					"map '%s': %s failed: the map is "
					"frozen, it can only be read",
					info->name, what);
		break;
	case EBPF_EINVAL:
		if (info->kind == EBPF_MAP_BLOOM_FILTER &&
		    strcmp(what, "push") == 0)
			return cmd_fail(cmd, error,
					"map '%s': a bloom_filter forgets no "
					"value to make room: without 'exist'",
					info->name);
		if (map_has_no_keys(&e->map))
			return no_such(cmd, e, what, -EBPF_EUNSUPPORTED);
		if (info->kind == EBPF_MAP_LPM_TRIE) {
			cmd_fail(cmd, error,
				 "map '%s': %s failed: the prefix is longer "
				 "than %u bits", info->name, what,
				 (info->key_size - 4) * 8);
			return cmd_hint(cmd, "a key is the prefix length, 4 "
					     "bytes in the machine's order, "
					     "then the address: key u32 24 ip "
					     "10.1.2.0");
		}
		if (strcmp(what, "update") == 0 &&
		    (info->kind == EBPF_MAP_ARRAY_OF_MAPS ||
		     info->kind == EBPF_MAP_HASH_OF_MAPS)) {
			cmd_fail(cmd, error,
				 "map '%s': %s failed: that map does not equal "
				 "the inner_map it was created with",
				 info->name, what);
			return cmd_hint(cmd, "type, key, value and flags are "
					     "the same, and in arrays without "
					     "the flag inner_map the number of "
					     "entries");
		}
		if (strcmp(what, "delete") == 0 &&
		    (info->kind == EBPF_MAP_ARRAY ||
		     info->kind == EBPF_MAP_PERCPU_ARRAY))
			return cmd_fail(cmd, error,
					"map '%s': %s failed: elements of "
					"type %s cannot be removed",
					info->name, what,
					kind != NULL ? kind : "unknown");
		if (strcmp(what, "delete") == 0 && has_indices(info->kind))
			return beyond(cmd, info, what, error);
		break;
	case EBPF_EUNSUPPORTED:
		if (strcmp(what, "update") == 0 &&
		    (info->kind == EBPF_MAP_DEVMAP ||
		     info->kind == EBPF_MAP_DEVMAP_HASH ||
		     info->kind == EBPF_MAP_CPUMAP))
			return cmd_fail(cmd, error,
					"map '%s': %s failed: no program runs "
					"behind a redirect here, the value's "
					"second half must be zero",
					info->name, what);
		return no_such(cmd, e, what, error);
	default:
		break;
	}
	return cmd_fail(cmd, error, "map '%s': %s failed: %s", info->name,
			what, gebpf_error_text(error));
}

/* ---- lookup, getnext ---- */

static int
lookup(struct cmd *cmd, struct map_element *e)
{
	struct ebpf_req_map_key req = { .id = e->map.info.id,
					.key_len = e->map.info.key_size };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { e->key, e->map.info.key_size } },
		.out = e->value,
		.out_room = e->map.value_room,
	};
	int error = gebpf_request(cmd->dev, &call);

	if (error == 0 && call.out_len < e->map.value_room)
		return -EBPF_EPROTO;
	return error;
}

int
cmd_map_lookup(struct cmd *cmd)
{
	struct map_element e;
	struct out *typed;
	int error = map_element_open(cmd, &e);

	if (error == 0)
		error = need_key(cmd, &e);
	if (error == 0)
		error = cmd_done(cmd);
	if (error != 0)
		goto out;
	error = lookup(cmd, &e);
	if (error != 0) {
		error = map_failed(cmd, &e, "lookup", error);
	} else if (out_is_plain(cmd->out) && map_is_typed(&e.map)) {
		typed = out_new(OUT_PRETTY, cmd->out->file);
		if (typed == NULL) {
			error = cmd_no_memory(cmd);
			goto out;
		}
		out_object(typed, NULL);
		map_show_typed(typed, &e.map, e.key, e.value, true);
		out_free(typed);
	} else {
		map_show_element(cmd->out, &e.map, e.key, e.value);
	}
out:
	map_element_close(&e);
	return error;
}

int
cmd_map_getnext(struct cmd *cmd)
{
	struct map_element e;
	struct ebpf_req_map_next req = { .size = 0 };
	struct gebpf_call call = { .number = EBPF_REQUEST_MAP_NEXT };
	struct out *out = cmd->out;
	uint8_t *next = NULL;
	size_t len;
	int error = map_element_open(cmd, &e);

	if (error == 0)
		error = cmd_done(cmd);
	if (error != 0)
		goto out;
	len = e.map.info.key_size;
	next = calloc(1, len + 1);
	if (next == NULL) {
		error = cmd_no_memory(cmd);
		goto out;
	}
	req.id = e.map.info.id;
	req.key_len = e.has_key ? (uint32_t)len : 0;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0] = (struct gebpf_part){ e.key, req.key_len };
	call.out = next;
	call.out_room = len;
	error = gebpf_request(cmd->dev, &call);
	if (error == -EBPF_ENOENT) {
		error = cmd_fail(cmd, error,
				 e.has_key ? "map '%s': no key comes after "
					     "this one"
					   : "map '%s' has no elements",
				 e.map.info.name);
		goto out;
	}
	if (error != 0) {
		error = map_failed(cmd, &e, "getnext", error);
		goto out;
	}
	out_object(out, NULL);
	if (e.has_key) {
		out_text(out, "key:\n");
		out_hex(out, e.key, len);
		out_bytes(out, "key", e.key, len);
	} else {
		out_text(out, "key: None");
		out_null(out, "key");
	}
	out_text(out, "\nnext key:\n");
	out_hex(out, next, len);
	out_bytes(out, "next_key", next, len);
	out_text(out, "\n");
	out_end(out);
out:
	free(next);
	map_element_close(&e);
	return error;
}

/* ---- update, delete ---- */

static int
parse_flags(struct cmd *cmd, uint64_t *flags)
{
	*flags = EBPF_ANY;
	if (cmd_take_if(cmd, "noexist"))
		*flags = EBPF_NOEXIST;
	else if (cmd_take_if(cmd, "exist"))
		*flags = EBPF_EXIST;
	else
		cmd_take_if(cmd, "any");
	return cmd_done(cmd);
}

static bool
looks_like_bytes(const struct cmd *cmd, size_t len)
{
	int n = 0;

	for (int i = cmd->at; i < cmd->count; i++, n++) {
		const char *word = cmd->words[i];

		if (strcmp(word, "any") == 0 || strcmp(word, "exist") == 0 ||
		    strcmp(word, "noexist") == 0)
			break;
		if (strcmp(word, "hex") == 0)
			return true;
		if (*word < '0' || *word > '9')
			return false;
	}
	return (size_t)n == len;
}

int
map_parse_value(struct cmd *cmd, struct map_element *e)
{
	struct map *map = &e->map;
	size_t size = map->info.value_size;
	uint32_t id;
	int error;

	if (map_holds_ids(map) && !looks_like_bytes(cmd, size)) {
		error = handle_one(cmd,
				   map->info.kind == EBPF_MAP_PROG_ARRAY
					   ? EBPF_OBJ_PROG
					   : EBPF_OBJ_MAP,
				   &id);
		if (error == 0 && map->value_room >= sizeof(id))
			memcpy(e->value, &id, sizeof(id));
		return error;
	}
	error = data_parse_words(cmd, "value", map->btf,
				 map->info.btf_value_type, e->value, size);
	/* The same value for every CPU. */
	for (uint32_t cpu = 1; error == 0 && map->per_cpu && cpu < map->cpus;
	     cpu++)
		memcpy(e->value + cpu * (map->value_room / map->cpus),
		       e->value, size);
	return error;
}

int
map_take_value(struct cmd *cmd, struct map_element *e)
{
	if (cmd_take_if(cmd, "value"))
		return map_parse_value(cmd, e);
	return cmd_fail(cmd, CMD_EUSAGE,
			"map '%s': a value of %u bytes is missing: value DATA",
			e->map.info.name, e->map.info.value_size);
}

int
cmd_map_update(struct cmd *cmd)
{
	struct map_element e;
	struct ebpf_req_map_update req = { .size = 0 };
	struct gebpf_call call = { .number = EBPF_REQUEST_MAP_UPDATE };
	int error = map_element_open(cmd, &e);

	if (error == 0)
		error = need_key(cmd, &e);
	if (error == 0)
		error = map_take_value(cmd, &e);
	if (error == 0)
		error = parse_flags(cmd, &req.flags);
	if (error != 0)
		goto out;
	req.id = e.map.info.id;
	req.key_len = e.map.info.key_size;
	req.value_len = (uint32_t)e.map.value_room;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0] = (struct gebpf_part){ e.key, req.key_len };
	call.in[1] = (struct gebpf_part){ e.value, req.value_len };
	error = gebpf_request(cmd->dev, &call);
	if (error != 0)
		error = map_failed(cmd, &e, "update", error);
out:
	map_element_close(&e);
	return error;
}

static int
delete_key(struct cmd *cmd, const struct map *map, const uint8_t *key)
{
	struct ebpf_req_map_key req = { .id = map->info.id,
					.key_len = map->info.key_size };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_DELETE,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { key, map->info.key_size } },
	};

	return gebpf_request(cmd->dev, &call);
}

int
cmd_map_delete(struct cmd *cmd)
{
	struct map_element e;
	int error = map_element_open(cmd, &e);

	if (error == 0)
		error = need_key(cmd, &e);
	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0) {
		error = delete_key(cmd, &e.map, e.key);
		if (error != 0)
			error = map_failed(cmd, &e, "delete", error);
	}
	map_element_close(&e);
	return error;
}

/* ---- clear ---- */

/* Arrays keep their elements: all are set to zero. */
static int
clear_array(struct cmd *cmd, struct map_element *e)
{
	struct ebpf_req_map_update req = {
		.id = e->map.info.id,
		.key_len = e->map.info.key_size,
		.value_len = (uint32_t)e->map.value_room,
	};
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { e->key, req.key_len },
			{ e->value, req.value_len } },
	};
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < e->map.info.max_entries; i++) {
		memcpy(e->key, &i, sizeof(i));
		error = gebpf_request(cmd->dev, &call);
	}
	return error;
}

/* The first key again and again: nothing is skipped while others add. */
static int
clear_keys(struct cmd *cmd, struct map_element *e, uint64_t *removed)
{
	struct ebpf_req_map_next req = { .id = e->map.info.id };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_NEXT,
		.req = &req,
		.req_len = sizeof(req),
		.out = e->key,
		.out_room = e->map.info.key_size,
	};
	uint64_t tries = (uint64_t)e->map.info.max_entries * 2 + 16;
	int error = 0;

	while (error == 0 && tries-- > 0) {
		error = gebpf_request(cmd->dev, &call);
		if (error == -EBPF_ENOENT)
			return 0;
		if (error == 0)
			error = delete_key(cmd, &e->map, e->key);
		if (error == 0)
			(*removed)++;
		else if (error == -EBPF_ENOENT)
			error = 0; /* somebody was faster */
	}
	return error != 0 ? error : -EBPF_EAGAIN;
}

/* Programs and maps in arrays: every index that holds one. */
static int
clear_slots(struct cmd *cmd, struct map_element *e, uint64_t *removed)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < e->map.info.max_entries; i++) {
		memcpy(e->key, &i, sizeof(i));
		error = delete_key(cmd, &e->map, e->key);
		if (error == 0)
			(*removed)++;
		else if (error == -EBPF_ENOENT)
			error = 0;
	}
	return error;
}

/* Values without keys: until there is none. */
static int
clear_queue(struct cmd *cmd, struct map_element *e, uint64_t *removed)
{
	struct ebpf_req_map_key req = { .id = e->map.info.id };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP_DELETE,
		.req = &req,
		.req_len = sizeof(req),
		.out = e->value,
		.out_room = e->map.value_room,
	};
	uint64_t tries = (uint64_t)e->map.info.max_entries * 2 + 16;
	int error = 0;

	while (error == 0 && tries-- > 0) {
		error = gebpf_request(cmd->dev, &call);
		*removed += error == 0;
	}
	return error == -EBPF_ENOENT ? 0 : error != 0 ? error : -EBPF_EAGAIN;
}

int
cmd_map_clear(struct cmd *cmd)
{
	struct map_element e;
	uint64_t removed = 0;
	uint32_t kind;
	int error = map_element_open(cmd, &e);

	if (error == 0)
		error = cmd_done(cmd);
	if (error != 0)
		goto out;
	kind = e.map.info.kind;
	if (kind == EBPF_MAP_ARRAY || kind == EBPF_MAP_PERCPU_ARRAY)
		error = clear_array(cmd, &e);
	else if (kind == EBPF_MAP_PROG_ARRAY ||
		 kind == EBPF_MAP_ARRAY_OF_MAPS)
		error = clear_slots(cmd, &e, &removed);
	else if (map_has_no_keys(&e.map))
		error = clear_queue(cmd, &e, &removed);
	else
		error = clear_keys(cmd, &e, &removed);
	if (error != 0) {
		error = map_failed(cmd, &e, "clear", error);
		goto out;
	}
	out_object(cmd->out, NULL);
	out_uint(cmd->out, "id", NULL, e.map.info.id);
	out_uint(cmd->out, "removed", NULL, removed);
	out_end(cmd->out);
out:
	map_element_close(&e);
	return error;
}

int
cmd_map_freeze(struct cmd *cmd)
{
	struct ebpf_req_id req = { .size = 0 };
	int error = handle_one(cmd, EBPF_OBJ_MAP, &req.id);

	if (error == 0)
		error = cmd_done(cmd);
	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_MAP_FREEZE, &req, sizeof(req),
			  NULL, 0);
	if (error != 0)
		return cmd_fail(cmd, error, "map %u: freezing it failed: %s",
				req.id, gebpf_error_text(error));
	return 0;
}

int
cmd_map_pin(struct cmd *cmd)
{
	return handle_pin_command(cmd, EBPF_OBJ_MAP);
}

int
cmd_map_unpin(struct cmd *cmd)
{
	return handle_unpin_command(cmd, EBPF_OBJ_MAP);
}
