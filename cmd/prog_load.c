/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog load and loadall: an object's programs become programs of the
 * device, with pins for them and their maps. All or nothing: what fails in the
 * middle takes its pins away again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/data.h"
#include "cmd/handle.h"
#include "cmd/load.h"

enum { PIN_MAX = 1024 };

struct made_pin {
	char pin[EBPF_PIN_SIZE];
	bool is_new;
};

struct loading {
	struct cmd *cmd;
	struct load_file file;
	const char *pin, *dir, *name, *pinmaps, *attach;
	bool all, replace;
	uint32_t flags;
	struct made_pin *pins; /* in the order they were made */
	size_t pin_count;
};

static bool
is_keyword(const char *word)
{
	static const char *const words[] = { "prog", "type",	"name",
					     "map",  "pinmaps", "set",
					     "replace", "attach" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* {name OBJ_MAP|idx INDEX} MAP */
static int
parse_map(struct loading *load)
{
	struct cmd *cmd = load->cmd;
	struct gebpf_object *object = load->file.object;
	size_t count = gebpf_object_map_count(object);
	struct gebpf_obj_map *map = NULL;
	const char *word;
	uint64_t index;
	int error;

	if (cmd_take_if(cmd, "idx")) {
		error = cmd_number(cmd, "map index", UINT32_MAX, &index);
		if (error != 0)
			return error;
		if (index >= count)
			return cmd_fail(cmd, EBPF_ENOENT,
					"%s has no map %llu, but %zu maps",
					load->file.path,
					(unsigned long long)index, count);
		map = gebpf_object_map(object, index);
	} else if (cmd_take_if(cmd, "name")) {
		word = cmd_take(cmd);
		if (word == NULL)
			return cmd->err.code;
		for (size_t i = 0; i < count && map == NULL; i++)
			if (strcmp(gebpf_object_map(object, i)->name, word) ==
			    0)
				map = gebpf_object_map(object, i);
		if (map == NULL)
			return cmd_fail(cmd, EBPF_ENOENT,
					"%s has no map '%s'", load->file.path,
					word);
	} else {
		return cmd_fail(cmd, CMD_EUSAGE,
				"prog load: 'map' wants 'name' or 'idx'");
	}
	return handle_one(cmd, EBPF_OBJ_MAP, &map->reuse_id);
}

static int
parse_set(struct loading *load)
{
	struct cmd *cmd = load->cmd;
	const struct gebpf_btf *btf = gebpf_object_btf(load->file.object);
	const char *word = cmd_take(cmd), *equals;
	struct gebpf_error why = { .code = 0 };
	uint8_t value[4096];
	size_t len = 0;
	char var[256];
	uint32_t id = 0;
	int error;

	if (word == NULL)
		return cmd->err.code;
	equals = strchr(word, '=');
	if (equals == NULL || equals == word ||
	    (size_t)(equals - word) >= sizeof(var))
		return cmd_fail(cmd, CMD_EUSAGE, "'set %s' wants VAR=VALUE",
				word);
	snprintf(var, sizeof(var), "%.*s", (int)(equals - word), word);
	if (btf != NULL)
		id = gebpf_btf_find(btf, GEBPF_BTF_VAR, var);
	if (id != 0) {
		struct gebpf_btf_type type;
		int64_t size;

		gebpf_btf_type(btf, id, &type);
		size = gebpf_btf_size(btf, type.type);
		if (size <= 0 || (size_t)size > sizeof(value))
			return cmd_fail(cmd, EBPF_EINVAL,
					"%s: variable '%s' has no size that "
					"can be set",
					load->file.path, var);
		len = (size_t)size;
		error = data_parse_text(cmd, var, btf, type.type, equals + 1,
					value, len);
	} else {
		/* Without BTF the symbol's size decides; try the usual ones. */
		uint64_t number;

		if (!cmd_parse_number(equals + 1, &number))
			return cmd_fail(cmd, CMD_EUSAGE,
					"%s has no type information for '%s'; "
					"only a number can be set",
					load->file.path, var);
		memcpy(value, &number, sizeof(number));
		for (len = 1; len < 8; len *= 2) {
			if (len < 8 && number >> (8 * len) != 0)
				continue;
			if (gebpf_object_set_var(load->file.object, var, value,
						 len, NULL) == 0)
				return 0;
		}
		error = 0;
	}
	if (error == 0) {
		error = gebpf_object_set_var(load->file.object, var, value,
					     len, &why);
		if (error != 0) {
			cmd_fail(cmd, error, "%s", why.text);
			if (why.hint[0] != '\0')
				cmd_hint(cmd, "%s", why.hint);
		}
	}
	return error;
}

static int
parse(struct loading *load)
{
	struct cmd *cmd = load->cmd;
	const char *path = cmd_take(cmd), *word;
	int error;

	if (path == NULL)
		return cmd->err.code;
	if (cmd->use_jit && cmd->use_interp)
		return cmd_fail(cmd, CMD_EUSAGE, "-j and -i exclude each other");
	load->flags = cmd->use_jit	? EBPF_PROG_JIT
		      : cmd->use_interp ? EBPF_PROG_INTERP
					: 0;
	error = load_file_open(cmd, path, &load->file);
	if (error == 0)
		error = cmd_open(cmd);
	if (error != 0)
		return error;
	word = cmd_peek(cmd);
	if (load->all) {
		load->dir = cmd_take(cmd);
		if (load->dir == NULL)
			return cmd->err.code;
	} else if (word != NULL && !is_keyword(word)) {
		load->pin = cmd_take(cmd);
	}
	while (error == 0 && (word = cmd_peek(cmd)) != NULL) {
		const char **text = NULL;

		if (!is_keyword(word))
			return cmd_done(cmd);
		cmd->at++;
		if (strcmp(word, "prog") == 0) {
			text = &load->file.prog;
		} else if (strcmp(word, "name") == 0) {
			text = &load->name;
		} else if (strcmp(word, "pinmaps") == 0) {
			text = &load->pinmaps;
		} else if (strcmp(word, "type") == 0) {
			error = load_parse_kind(cmd, &load->file.kind);
		} else if (strcmp(word, "map") == 0) {
			error = parse_map(load);
		} else if (strcmp(word, "set") == 0) {
			error = parse_set(load);
		} else if (strcmp(word, "replace") == 0) {
			load->replace = true;
		} else {
			if (!cmd_take_if(cmd, "vale"))
				return cmd_fail(cmd, CMD_EUSAGE,
						"attach wants: vale SWITCH");
			text = &load->attach;
		}
		if (text != NULL && (*text = cmd_take(cmd)) == NULL)
			error = cmd->err.code;
	}
	return error;
}

/* ---- pins ---- */

static int
join_pin(struct cmd *cmd, const char *dir, const char *name, char *pin)
{
	char text[2 * EBPF_PIN_SIZE];
	size_t len;

	while (*dir == '/')
		dir++;
	len = strlen(dir);
	while (len > 0 && dir[len - 1] == '/')
		len--;
	snprintf(text, sizeof(text), "%.*s/%s", (int)len, dir, name);
	return cmd_pin_name(cmd, text, pin);
}

/* Is the pin there? 1, 0 or an error. */
static int
lookup_pin(struct cmd *cmd, const char *pin, struct ebpf_rep_pin *rep)
{
	struct ebpf_req_pin_name req = { .pad = 0 };
	int error;

	snprintf(req.pin, sizeof(req.pin), "%s", pin);
	memset(rep, 0, sizeof(*rep));
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_PIN_GET, &req, sizeof(req),
			  rep, sizeof(*rep));
	if (error == -EBPF_ENOENT)
		return 0;
	if (error != 0)
		return cmd_fail(cmd, error, "pin '%s': %s", pin,
				gebpf_error_text(error));
	return 1;
}

/* Free, or of the same kind and to be replaced. */
static int
check_pin(struct loading *load, enum ebpf_object_kind kind, const char *pin)
{
	struct cmd *cmd = load->cmd;
	struct ebpf_rep_pin rep;
	int found = lookup_pin(cmd, pin, &rep);

	if (found <= 0)
		return found;
	if (load->replace && rep.kind == kind)
		return 0;
	cmd_fail(cmd, EBPF_EEXIST, "the name '%s' is taken by %s %u", pin,
		 rep.kind > 0 && rep.kind <= EBPF_OBJ_BTF
			 ? handle_what(rep.kind)
			 : "object",
		 rep.id);
	if (rep.kind == kind)
		return cmd_hint(cmd, "add 'replace' to take it over, or "
				     "give another name");
	return cmd_hint(cmd, "give another name");
}

static int
make_pin(struct loading *load, enum ebpf_object_kind kind, uint32_t id,
	 const char *pin)
{
	struct ebpf_rep_pin rep;
	struct made_pin *made = &load->pins[load->pin_count];
	int found, error;

	if (load->pin_count == PIN_MAX)
		return cmd_fail(load->cmd, EBPF_ELIMIT,
				"more than %d pins at once", PIN_MAX);
	found = lookup_pin(load->cmd, pin, &rep);
	if (found < 0)
		return found;
	if (found && rep.kind == (uint32_t)kind && rep.id == id)
		return 0;
	error = handle_pin(load->cmd, kind, id, pin, load->replace);
	if (error != 0)
		return error;
	snprintf(made->pin, sizeof(made->pin), "%s", pin);
	made->is_new = !found;
	load->pin_count++;
	return 0;
}

static void
take_pins_back(struct loading *load)
{
	struct gebpf_error kept = load->cmd->err;

	while (load->pin_count > 0)
		if (load->pins[--load->pin_count].is_new)
			handle_unpin(load->cmd,
				     load->pins[load->pin_count].pin);
	load->cmd->err = kept;
}

/* Where a map of the object is pinned; "" for nowhere. */
static int
map_pin(struct loading *load, const struct gebpf_obj_map *map, char *pin)
{
	*pin = '\0';
	if (map->reuse_id != 0 || map->is_template)
		return 0;
	if (map->pinning == 1)
		return cmd_pin_name(load->cmd, map->name, pin);
	if (load->pinmaps != NULL)
		return join_pin(load->cmd, load->pinmaps, map->name, pin);
	if (load->pin == NULL && !load->all)
		return join_pin(load->cmd, load->file.base, map->name, pin);
	return 0;
}

static int
prog_pin(struct loading *load, const struct gebpf_obj_prog *prog, char *pin)
{
	if (load->all)
		return join_pin(load->cmd, load->dir, prog->name, pin);
	return cmd_pin_name(load->cmd,
			    load->pin != NULL	 ? load->pin
			    : load->name != NULL ? load->name
						 : prog->name,
			    pin);
}

/*
 * Does the program use the map? Only then is it created by loading: its id
 * is set afterwards. Before, all maps of the object are checked.
 */
static int
check_names(struct loading *load, struct gebpf_obj_prog **progs, size_t count)
{
	struct cmd *cmd = load->cmd;
	size_t maps = gebpf_object_map_count(load->file.object);
	char pin[EBPF_PIN_SIZE];
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++) {
		error = prog_pin(load, progs[i], pin);
		if (error == 0)
			error = check_pin(load, EBPF_OBJ_PROG, pin);
	}
	for (size_t i = 0; error == 0 && i < maps; i++) {
		struct gebpf_obj_map *map =
			gebpf_object_map(load->file.object, i);
		struct ebpf_rep_pin rep;

		error = map_pin(load, map, pin);
		if (error != 0 || *pin == '\0')
			continue;
		if (map->pinning == 1) {
			/* pinned by name: whoever comes later shares it */
			error = lookup_pin(cmd, pin, &rep);
			if (error > 0 && rep.kind == EBPF_OBJ_MAP) {
				map->reuse_id = rep.id;
				error = 0;
			} else if (error > 0) {
				error = check_pin(load, EBPF_OBJ_MAP, pin);
			}
			continue;
		}
		error = check_pin(load, EBPF_OBJ_MAP, pin);
	}
	return error;
}

/* ---- loading ---- */

static int
pin_all(struct loading *load, struct gebpf_obj_prog **progs, size_t count)
{
	size_t maps = gebpf_object_map_count(load->file.object);
	char pin[EBPF_PIN_SIZE];
	int error = 0;

	for (size_t i = 0; error == 0 && i < maps; i++) {
		struct gebpf_obj_map *map =
			gebpf_object_map(load->file.object, i);

		if (map->id == 0)
			continue;
		error = map_pin(load, map, pin);
		if (error == 0 && *pin != '\0')
			error = make_pin(load, EBPF_OBJ_MAP, map->id, pin);
	}
	for (size_t i = 0; error == 0 && i < count; i++) {
		error = prog_pin(load, progs[i], pin);
		if (error == 0)
			error = make_pin(load, EBPF_OBJ_PROG, progs[i]->id,
					 pin);
	}
	return error;
}

static int
attach(struct loading *load, uint32_t prog_id, uint32_t *link_id)
{
	struct cmd *cmd = load->cmd;
	struct ebpf_req_link_create req = { .prog_id = prog_id,
					    .hook = EBPF_HOOK_VALE,
					    .replace = load->replace };
	struct ebpf_rep_id rep = { .id = 0 };
	int error = cmd_copy_name(cmd, "the switch's name", load->attach,
				  req.target, sizeof(req.target));

	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_LINK_CREATE, &req,
			  sizeof(req), &rep, sizeof(rep));
	*link_id = rep.id;
	if (error == 0)
		return 0;
	if (error == -EBPF_ENOENT)
		return cmd_no_switch(cmd, error, load->attach);
	cmd_fail(cmd, error, "attaching to switch '%s' failed: %s",
		 load->attach, gebpf_error_text(error));
	if (error == -EBPF_EBUSY)
		return cmd_hint(cmd, "another program is attached there; add "
				     "'replace' to take over");
	return cmd->err.code;
}

static void
detach(struct cmd *cmd, uint32_t link_id)
{
	struct ebpf_req_id req = { .id = link_id };

	gebpf_ask(cmd->dev, EBPF_REQUEST_LINK_DETACH, &req, sizeof(req), NULL,
		  0);
}

static void
say(struct loading *load, const struct gebpf_obj_prog *prog,
    const struct ebpf_rep_prog_load *result, uint32_t link_id)
{
	struct out *out = load->cmd->out;
	size_t maps = gebpf_object_map_count(load->file.object);
	const char *kind = gebpf_prog_kind_name(prog->kind);
	char pin[EBPF_PIN_SIZE];

	out_object(out, NULL);
	out_uint(out, "id", "loaded: id %", prog->id);
	out_string(out, "name", "  name %",
		   load->name != NULL && !load->all ? load->name : prog->name);
	out_string(out, "type", NULL, kind != NULL ? kind : "unknown");
	if (prog_pin(load, prog, pin) == 0)
		out_string(out, "pinned", "  pinned %", pin);
	out_bool(out, "jited", NULL, result->jited != 0);
	if (link_id != 0) {
		out_uint(out, "link_id", "  link %", link_id);
		out_string(out, "switch", "  switch %", load->attach);
	}
	out_array(out, "maps");
	for (size_t i = 0; i < maps; i++) {
		struct gebpf_obj_map *map =
			gebpf_object_map(load->file.object, i);
		uint32_t id = map->reuse_id != 0 ? map->reuse_id : map->id;

		if (id == 0)
			continue;
		out_object(out, NULL);
		out_uint(out, "id", NULL, id);
		out_string(out, "name", NULL, map->name);
		if (map_pin(load, map, pin) == 0 && *pin != '\0')
			out_string(out, "pinned", NULL, pin);
		out_end(out);
	}
	out_end(out);
	out_text(out, "\n");
	out_end(out);
}

static int
load_all(struct loading *load)
{
	struct cmd *cmd = load->cmd;
	size_t count = 1;
	struct gebpf_obj_prog **progs = NULL;
	struct ebpf_rep_prog_load *results = NULL;
	uint32_t link_id = 0;
	int error = 0;

	if (load->all)
		count = gebpf_object_prog_count(load->file.object);
	progs = calloc(count + 1, sizeof(*progs));
	results = calloc(count + 1, sizeof(*results));
	load->pins = calloc(PIN_MAX + 1, sizeof(*load->pins));
	if (progs == NULL || results == NULL || load->pins == NULL) {
		error = cmd_no_memory(cmd);
		goto out;
	}
	if (load->all && count > 0) {
		for (size_t i = 0; error == 0 && i < count; i++) {
			progs[i] = gebpf_object_prog(load->file.object, i);
			error = load_set_kind(cmd, &load->file, progs[i]);
		}
	} else {
		error = load_file_pick(cmd, &load->file, &progs[0]);
	}
	if (error == 0)
		error = check_names(load, progs, count);
	for (size_t i = 0; error == 0 && i < count; i++) {
		error = load_prog(cmd, &load->file, progs[i], load->flags,
				  load->all ? NULL : load->name, 0, NULL,
				  &results[i]);
		if (error == 0 && progs[i]->id == 0)
			progs[i]->id = results[i].id;
	}
	/* Attaching may fail for reasons of the switch, pinning was checked:
	 * so pins that are taken over stay whole when attaching fails. */
	if (error == 0 && load->attach != NULL)
		error = attach(load, progs[0]->id, &link_id);
	if (error == 0)
		error = pin_all(load, progs, count);
	if (error != 0) {
		take_pins_back(load);
		if (link_id != 0 && !load->replace)
			detach(cmd, link_id);
		goto out;
	}
	if (gebpf_hello(cmd->dev)->home == EBPF_HOME_LOCAL && !cmd->in_batch)
		cmd_note(cmd, "the local target ends with this command, and "
			      "what was loaded with it");
	if (cmd->quiet && out_is_plain(cmd->out))
		goto out;
	if (load->all)
		out_array(cmd->out, NULL);
	for (size_t i = 0; i < count; i++)
		say(load, progs[i], &results[i], i == 0 ? link_id : 0);
	if (load->all)
		out_end(cmd->out);
out:
	free(load->pins);
	free(results);
	free(progs);
	return error;
}

static int
run(struct cmd *cmd, bool all)
{
	struct loading load = { .cmd = cmd, .all = all };
	int error = parse(&load);

	if (error == 0)
		error = load_all(&load);
	load_file_close(&load.file);
	return error;
}

int
cmd_prog_load(struct cmd *cmd)
{
	return run(cmd, false);
}

int
cmd_prog_loadall(struct cmd *cmd)
{
	return run(cmd, true);
}
