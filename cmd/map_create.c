/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf map create. Key and value are given by size, by a scalar's name (a
 * small BTF is made for it, so that dumps are typed) or by the name of a type
 * in an object file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/data.h"
#include "cmd/handle.h"
#include "cmd/load.h"
#include "cmd/map.h"

struct side { /* key or value */
	const char *what;
	const char *text;  /* as given, NULL: not given */
	uint32_t size;
	uint32_t type_id;
	bool is_signed, scalar;
};

struct creating {
	struct ebpf_req_map_create req;
	struct side key, value;
	const char *pin, *btf_path, *name;
	bool has_entries, has_kind;
	uint8_t *btf; /* to be loaded; malloc'd */
	size_t btf_len;
};

static const struct {
	const char *name;
	uint32_t flag;
} flag_names[] = {
	{ "no_prealloc", EBPF_F_NO_PREALLOC },
	{ "no_common_lru", EBPF_F_NO_COMMON_LRU },
	{ "numa_node", EBPF_F_NUMA_NODE },
	{ "rdonly", EBPF_F_RDONLY },
	{ "wronly", EBPF_F_WRONLY },
	{ "zero_seed", EBPF_F_ZERO_SEED },
	{ "rdonly_prog", EBPF_F_RDONLY_PROG },
	{ "wronly_prog", EBPF_F_WRONLY_PROG },
	{ "mmapable", EBPF_F_MMAPABLE },
	{ "preserve_elems", EBPF_F_PRESERVE_ELEMS },
	{ "inner_map", EBPF_F_INNER_MAP },
};
enum { FLAG_COUNT = sizeof(flag_names) / sizeof(flag_names[0]) };

const char *
map_flag_name(size_t i)
{
	return i < FLAG_COUNT ? flag_names[i].name : NULL;
}

static int
parse_flags(struct cmd *cmd, const char *word, uint32_t *flags)
{
	const char *names[FLAG_COUNT], *near;

	while (*word != '\0') {
		size_t len = strcspn(word, ","), i = 0;
		char one[32];
		uint64_t number;

		snprintf(one, sizeof(one), "%.*s", (int)len, word);
		word += len + (word[len] == ',');
		if (cmd_parse_number(one, &number) && number <= UINT32_MAX) {
			*flags |= (uint32_t)number;
			continue;
		}
		while (i < FLAG_COUNT && strcmp(flag_names[i].name, one) != 0)
			i++;
		if (i < FLAG_COUNT) {
			*flags |= flag_names[i].flag;
			continue;
		}
		for (i = 0; i < FLAG_COUNT; i++)
			names[i] = flag_names[i].name;
		cmd_fail(cmd, CMD_EUSAGE, "'%s' is no map flag", one);
		near = command_nearest(one, names, FLAG_COUNT);
		if (near != NULL)
			cmd_hint(cmd, "did you mean '%s'?", near);
		return cmd->err.code;
	}
	return 0;
}

static int
parse_kind(struct cmd *cmd, struct creating *c)
{
	static const char *const names[] = {
#define EBPF_MAP_KIND(kind, number, name) name,
#include "abi/map_kind.def"
	};
	const char *word = cmd_take(cmd), *near;

	if (word == NULL)
		return cmd->err.code;
	c->req.kind = gebpf_map_kind_number(word);
	c->has_kind = true;
	if (c->req.kind != 0)
		return 0;
	cmd_fail(cmd, CMD_EUSAGE, "unrecognized map type: %s", word);
	near = command_nearest(word, names, sizeof(names) / sizeof(names[0]));
	if (near != NULL)
		return cmd_hint(cmd, "did you mean '%s'?", near);
	return cmd_hint(cmd, "gebpf feature list_builtins map_types lists "
			     "them");
}

static int
parse(struct cmd *cmd, struct creating *c)
{
	const char *word = cmd_peek(cmd);
	uint64_t number;
	int error = 0;

	c->key.what = "key";
	c->value.what = "value";
	/* "type" may be a pin's name, but then another "type" follows */
	if (word != NULL && strcmp(word, "type") != 0)
		c->pin = cmd_take(cmd);
	while (error == 0 && (word = cmd_peek(cmd)) != NULL) {
		const char **text = NULL;

		cmd->at++;
		if (strcmp(word, "type") == 0) {
			error = parse_kind(cmd, c);
		} else if (strcmp(word, "key") == 0) {
			text = &c->key.text;
		} else if (strcmp(word, "value") == 0) {
			text = &c->value.text;
		} else if (strcmp(word, "name") == 0) {
			text = &c->name;
		} else if (strcmp(word, "btf") == 0) {
			text = &c->btf_path;
		} else if (strcmp(word, "entries") == 0) {
			error = cmd_number(cmd, "entries", UINT32_MAX,
					   &number);
			c->req.max_entries = (uint32_t)number;
			c->has_entries = true;
		} else if (strcmp(word, "map_extra") == 0) {
			error = cmd_number(cmd, "map_extra", UINT64_MAX,
					   &c->req.map_extra);
		} else if (strcmp(word, "flags") == 0) {
			word = cmd_take(cmd);
			error = word == NULL ? cmd->err.code
					     : parse_flags(cmd, word,
							   &c->req.flags);
		} else if (strcmp(word, "inner_map") == 0) {
			error = handle_one(cmd, EBPF_OBJ_MAP,
					   &c->req.inner_map_id);
		} else {
			cmd->at--;
			error = cmd_done(cmd);
		}
		if (text != NULL && (*text = cmd_take(cmd)) == NULL)
			error = cmd->err.code;
	}
	return error;
}

/* Where there is only one right answer, or none, nobody needs to say it. */
static void
fill_in(struct cmd *cmd, struct creating *c)
{
	bool perf = c->req.kind == EBPF_MAP_PERF_EVENT_ARRAY;

	if (c->key.text == NULL && (c->req.kind == EBPF_MAP_QUEUE ||
				    c->req.kind == EBPF_MAP_STACK ||
				    c->req.kind == EBPF_MAP_BLOOM_FILTER))
		c->key.text = "0";
	if (c->value.text == NULL && (c->req.kind == EBPF_MAP_ARRAY_OF_MAPS ||
				      c->req.kind == EBPF_MAP_HASH_OF_MAPS))
		c->value.text = "4";
	if (!perf && c->req.kind != EBPF_MAP_RINGBUF)
		return;
	if (c->key.text == NULL)
		c->key.text = perf ? "4" : "0";
	if (c->value.text == NULL)
		c->value.text = perf ? "4" : "0";
	if (perf && !c->has_entries) {
		c->req.max_entries = gebpf_hello(cmd->dev)->cpu_count;
		c->has_entries = true;
	}
}

static int
check_given(struct cmd *cmd, const struct creating *c)
{
	char usage[600];

	if (c->has_kind && c->key.text != NULL && c->value.text != NULL &&
	    c->has_entries && c->name != NULL)
		return 0;
	cmd_fail(cmd, CMD_EUSAGE, "map create: '%s' is missing",
		 !c->has_kind		 ? "type"
		 : c->key.text == NULL	 ? "key"
		 : c->value.text == NULL ? "value"
		 : c->name == NULL	 ? "name"
					 : "entries");
	command_usage_line(cmd->command, usage, sizeof(usage));
	return cmd_hint(cmd, "%s", usage);
}

/* ---- types ---- */

static int
parse_side(struct cmd *cmd, struct side *side, const struct gebpf_btf *btf)
{
	static const struct {
		const char *word;
		enum gebpf_btf_kind kind;
	} prefixes[] = {
		{ "struct ", GEBPF_BTF_STRUCT },
		{ "union ", GEBPF_BTF_UNION },
		{ "enum ", GEBPF_BTF_ENUM },
		{ "", GEBPF_BTF_TYPEDEF },
		{ "", GEBPF_BTF_STRUCT },
		{ "", GEBPF_BTF_INT },
		{ "", GEBPF_BTF_ENUM },
		{ "", GEBPF_BTF_UNION },
	};
	uint64_t number;
	bool big;
	int64_t size;

	if (cmd_parse_number(side->text, &number)) {
		if (number > UINT32_MAX)
			return cmd_fail(cmd, CMD_EUSAGE, "%s size %s is too "
							 "large",
					side->what, side->text);
		side->size = (uint32_t)number;
		return 0;
	}
	for (size_t i = 0; btf != NULL && side->type_id == 0 &&
			   i < sizeof(prefixes) / sizeof(prefixes[0]);
	     i++) {
		size_t len = strlen(prefixes[i].word);

		if (strncmp(side->text, prefixes[i].word, len) == 0)
			side->type_id = gebpf_btf_find(btf, prefixes[i].kind,
						       side->text + len);
	}
	if (side->type_id != 0) {
		size = gebpf_btf_size(btf, side->type_id);
		if (size < 0 || size > UINT32_MAX)
			return cmd_fail(cmd, EBPF_EINVAL,
					"%s: type '%s' has no size",
					side->what, side->text);
		side->size = (uint32_t)size;
		return 0;
	}
	side->size = (uint32_t)data_scalar_size(side->text, &side->is_signed,
						&big);
	side->scalar = side->size > 0 && btf == NULL;
	if (side->size > 0)
		return 0;
	cmd_fail(cmd, CMD_EUSAGE, "%s: '%s' is neither a size nor a type",
		 side->what, side->text);
	return cmd_hint(cmd, btf == NULL ? "types of an object file can be "
					   "used with: btf OBJ"
					 : "gebpf btf dump file OBJ shows the "
					   "types it has");
}

/* A BTF with one INT type for each scalar side. */
static int
make_btf(struct cmd *cmd, struct creating *c)
{
	struct side *sides[2] = { &c->key, &c->value };
	uint32_t words[6 + 2 * 4] = { 0 };
	char strings[32] = "";
	uint32_t types = 0, string_len = 1;

	for (int i = 0; i < 2; i++) {
		uint32_t *type = words + 6 + types * 4;

		if (!sides[i]->scalar)
			continue;
		type[0] = string_len;
		type[1] = GEBPF_BTF_INT << 24;
		type[2] = sides[i]->size;
		type[3] = (sides[i]->is_signed ? 1u << 24 : 0) |
			  sides[i]->size * 8;
		strcpy(strings + string_len, sides[i]->text);
		string_len += (uint32_t)strlen(sides[i]->text) + 1;
		sides[i]->type_id = ++types;
	}
	if (types == 0)
		return 0;
	words[0] = 0xeb9f | 1 << 16; /* magic, version; flags 0 */
	words[1] = 24;		     /* header */
	words[2] = 0;		     /* types at */
	words[3] = types * 16;
	words[4] = types * 16; /* strings at */
	words[5] = string_len;
	c->btf_len = 24 + types * 16 + string_len;
	c->btf = malloc(c->btf_len);
	if (c->btf == NULL)
		return cmd_no_memory(cmd);
	memcpy(c->btf, words, 24 + types * 16);
	memcpy(c->btf + 24 + types * 16, strings, string_len);
	return 0;
}

static int
settle_types(struct cmd *cmd, struct creating *c)
{
	struct load_file file = { .object = NULL };
	const struct gebpf_btf *btf = NULL;
	const void *data;
	int error = 0;

	if (c->btf_path != NULL) {
		error = load_file_open(cmd, c->btf_path, &file);
		if (error != 0)
			return error;
		btf = gebpf_object_btf(file.object);
		if (btf == NULL)
			error = cmd_fail(cmd, EBPF_ENOENT,
					 "%s has no type information",
					 c->btf_path);
	}
	if (error == 0)
		error = parse_side(cmd, &c->key, btf);
	if (error == 0)
		error = parse_side(cmd, &c->value, btf);
	if (error == 0 && btf != NULL &&
	    (c->key.type_id != 0 || c->value.type_id != 0)) {
		data = gebpf_btf_data(btf, &c->btf_len);
		c->btf = malloc(c->btf_len);
		if (c->btf == NULL)
			error = cmd_no_memory(cmd);
		else
			memcpy(c->btf, data, c->btf_len);
	} else if (error == 0) {
		error = make_btf(cmd, c);
	}
	load_file_close(&file);
	return error;
}

static int
load_btf(struct cmd *cmd, struct creating *c)
{
	struct ebpf_req_btf_load req = { .len = (uint32_t)c->btf_len };
	struct ebpf_rep_id rep = { .id = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_BTF_LOAD,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { c->btf, c->btf_len } },
		.rep = &rep,
		.rep_len = sizeof(rep),
	};
	int error;

	if (c->btf == NULL)
		return 0;
	snprintf(req.name, sizeof(req.name), "%s", c->req.name);
	error = gebpf_request(cmd->dev, &call);
	if (error != 0)
		return cmd_fail(cmd, error,
				"map '%s': loading its type information "
				"failed: %s",
				c->req.name, gebpf_error_text(error));
	c->req.btf_id = rep.id;
	c->req.btf_key_type = c->key.type_id;
	c->req.btf_value_type = c->value.type_id;
	return 0;
}

/* The device only says that something is invalid; most often it is this. */
static int
why_invalid(struct cmd *cmd, const struct creating *c, const char *kind)
{
	const struct ebpf_req_map_create *r = &c->req;

	cmd_fail(cmd, -EBPF_EINVAL,
		 "map '%s': type %s cannot have a key of %u bytes, a value of "
		 "%u bytes, %u entries and flags 0x%x", r->name, kind,
		 r->key_size, r->value_size, r->max_entries, r->flags);
	if (r->inner_map_id != 0 && r->kind != EBPF_MAP_ARRAY_OF_MAPS &&
	    r->kind != EBPF_MAP_HASH_OF_MAPS)
		return cmd_hint(cmd, "inner_map is for array_of_maps and "
				     "hash_of_maps");
	if (r->map_extra != 0 && r->kind != EBPF_MAP_BLOOM_FILTER)
		return cmd_hint(cmd, "map_extra is for bloom_filter");
	switch (r->kind) {
	case EBPF_MAP_QUEUE:
	case EBPF_MAP_STACK:
		return cmd_hint(cmd, "maps of type %s have values without "
				     "keys", kind);
	case EBPF_MAP_BLOOM_FILTER:
		return cmd_hint(cmd, "maps of type %s have values without "
				     "keys, and map_extra 1 to 15", kind);
	case EBPF_MAP_RINGBUF:
		return cmd_hint(cmd, "entries are its bytes, a power of two "
				     "from 4096 on");
	case EBPF_MAP_LPM_TRIE:
		return cmd_hint(cmd, "a key is the number of bits, 4 bytes, "
				     "and an address of 1 to 256 bytes");
	case EBPF_MAP_ARRAY_OF_MAPS:
	case EBPF_MAP_HASH_OF_MAPS:
		return cmd_hint(cmd, "values have 4 bytes; inner_map is no "
				     "map of maps itself");
	default:
		return cmd->err.code;
	}
}

static int
create_failed(struct cmd *cmd, const struct creating *c, int error)
{
	const char *kind = gebpf_map_kind_name(c->req.kind);

	switch (-error) {
	case EBPF_EUNSUPPORTED:
		if (c->req.inner_map_id != 0)
			return cmd_fail(cmd, error,
					"map '%s': maps like inner_map cannot "
					"be in a map of type %s, or not with "
					"these flags", c->req.name, kind);
		cmd_fail(cmd, error, "map '%s': this device has no maps of "
				     "type %s, or not with these flags",
			 c->req.name, kind);
		return cmd_hint(cmd, "gebpf feature probe lists what it has");
	case EBPF_EINVAL:
		if ((c->req.kind == EBPF_MAP_ARRAY_OF_MAPS ||
		     c->req.kind == EBPF_MAP_HASH_OF_MAPS) &&
		    c->req.inner_map_id == 0) {
			cmd_fail(cmd, error, "map '%s': a template for the "
					     "maps in it is missing",
				 c->req.name);
			return cmd_hint(cmd, "inner_map MAP names one that "
					     "all of them equal");
		}
		if (c->req.kind == EBPF_MAP_LPM_TRIE &&
		    (c->req.flags & EBPF_F_NO_PREALLOC) == 0) {
			cmd_fail(cmd, error, "map '%s': maps of type lpm_trie "
					     "need the flag no_prealloc",
				 c->req.name);
			return cmd_hint(cmd, "flags no_prealloc");
		}
		return why_invalid(cmd, c, kind);
	default:
		return cmd_fail(cmd, error, "map '%s': creating it failed: %s",
				c->req.name, gebpf_error_text(error));
	}
}

/* The device would refuse it without saying which of many things is wrong. */
static int
check_name(struct cmd *cmd, const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127 || *c == '/')
			return cmd_fail(cmd, CMD_EUSAGE,
					"map '%s': a name has no slashes and "
					"no control characters", name);
	return 0;
}

int
cmd_map_create(struct cmd *cmd)
{
	struct creating c = { .pin = NULL };
	struct ebpf_rep_id rep = { .id = 0 };
	char pin[EBPF_PIN_SIZE] = "";
	int error = parse(cmd, &c);

	if (error == 0)
		error = cmd_open(cmd);
	if (error == 0)
		fill_in(cmd, &c);
	if (error == 0)
		error = check_given(cmd, &c);
	if (error == 0)
		error = cmd_copy_name(cmd, "the map's name", c.name, c.req.name,
				      sizeof(c.req.name));
	if (error == 0)
		error = check_name(cmd, c.name);
	if (error == 0)
		error = cmd_pin_name(cmd, c.pin != NULL ? c.pin : c.name, pin);
	if (error == 0)
		error = settle_types(cmd, &c);
	if (error == 0)
		error = load_btf(cmd, &c);
	if (error != 0)
		goto out;
	c.req.key_size = c.key.size;
	c.req.value_size = c.value.size;
	/* their value, if typed, is that of records */
	if (c.value.type_id != 0 && c.req.kind == EBPF_MAP_RINGBUF)
		c.req.value_size = 0;
	if (c.value.type_id != 0 && c.req.kind == EBPF_MAP_PERF_EVENT_ARRAY)
		c.req.value_size = sizeof(uint32_t);
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_MAP_CREATE, &c.req,
			  sizeof(c.req), &rep, sizeof(rep));
	if (error != 0) {
		error = create_failed(cmd, &c, error);
		goto out;
	}
	error = handle_pin(cmd, EBPF_OBJ_MAP, rep.id, pin, false);
	if (error != 0)
		goto out; /* the session's end takes the map */
	out_object(cmd->out, NULL);
	out_uint(cmd->out, "id", NULL, rep.id);
	out_string(cmd->out, "name", NULL, c.req.name);
	out_string(cmd->out, "pinned", NULL, pin);
	out_end(cmd->out);
out:
	free(c.btf);
	return error;
}
