/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PROG, MAP and LINK on the command line: from words to ids, and the pins of
 * an object. Knows how objects are named, not what they do.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/load.h"

static const char *const whats[] = {
	[EBPF_OBJ_PROG] = "program",
	[EBPF_OBJ_MAP] = "map",
	[EBPF_OBJ_LINK] = "link",
	[EBPF_OBJ_BTF] = "BTF object",
};

const char *
handle_what(enum ebpf_object_kind kind)
{
	return whats[kind];
}

void
handle_free(struct handle_list *list)
{
	free(list->ids);
	*list = (struct handle_list){ NULL, 0 };
}

static int
add_id(struct cmd *cmd, struct handle_list *list, uint32_t id)
{
	uint32_t *ids = list->ids;

	if ((list->count & (list->count - 1)) == 0) {
		ids = realloc(ids, (list->count ? list->count * 2 : 1) *
					   sizeof(*ids));
		if (ids == NULL)
			return cmd_no_memory(cmd);
		list->ids = ids;
	}
	list->ids[list->count++] = id;
	return 0;
}

int
handle_all(struct cmd *cmd, enum ebpf_object_kind kind,
	   struct handle_list *list)
{
	struct ebpf_req_obj_next req = { .kind = kind };
	struct ebpf_rep_id rep;
	int error = cmd_open(cmd);

	*list = (struct handle_list){ NULL, 0 };
	while (error == 0) {
		memset(&rep, 0, sizeof(rep));
		error = gebpf_ask(cmd->dev, EBPF_REQUEST_OBJ_NEXT, &req,
				  sizeof(req), &rep, sizeof(rep));
		if (error == -EBPF_ENOENT)
			return 0;
		if (error != 0)
			cmd_fail(cmd, error, "listing %ss failed: %s",
				 whats[kind], gebpf_error_text(error));
		else
			error = add_id(cmd, list, rep.id);
		req.id = rep.id;
	}
	handle_free(list);
	return error;
}

static int
ask_info(struct cmd *cmd, enum ebpf_object_kind kind,
	 enum ebpf_request number, uint32_t id, void *info, size_t size)
{
	static uint8_t ids[1 << 16]; /* a program's map ids; not wanted here */
	struct ebpf_req_id req = { .id = id };
	struct gebpf_call call = {
		.number = number,
		.req = &req,
		.req_len = sizeof(req),
		.rep = info,
		.rep_len = size,
		.out = ids,
		.out_room = sizeof(ids),
	};
	int error;

	memset(info, 0, size);
	error = gebpf_request(cmd->dev, &call);
	if (error == -EBPF_ENOENT)
		return cmd_fail(cmd, error, "there is no %s with id %u",
				whats[kind], id);
	if (error != 0)
		return cmd_fail(cmd, error, "%s %u: asking about it failed: %s",
				whats[kind], id, gebpf_error_text(error));
	return 0;
}

int
handle_prog_info(struct cmd *cmd, uint32_t id, struct ebpf_rep_prog_info *info)
{
	return ask_info(cmd, EBPF_OBJ_PROG, EBPF_REQUEST_PROG_INFO, id, info,
			sizeof(*info));
}

int
handle_map_info(struct cmd *cmd, uint32_t id, struct ebpf_rep_map_info *info)
{
	return ask_info(cmd, EBPF_OBJ_MAP, EBPF_REQUEST_MAP_INFO, id, info,
			sizeof(*info));
}

int
handle_link_info(struct cmd *cmd, uint32_t id, struct ebpf_rep_link_info *info)
{
	return ask_info(cmd, EBPF_OBJ_LINK, EBPF_REQUEST_LINK_INFO, id, info,
			sizeof(*info));
}

/* ---- words to ids ---- */

static int
by_id(struct cmd *cmd, enum ebpf_object_kind kind, const char *word,
      struct handle_list *list)
{
	union {
		struct ebpf_rep_prog_info prog;
		struct ebpf_rep_map_info map;
		struct ebpf_rep_link_info link;
	} info;
	uint64_t id;
	int error;

	if (!cmd_parse_number(word, &id) || id == 0 || id > UINT32_MAX)
		return cmd_fail(cmd, CMD_EUSAGE, "'%s' is no id", word);
	error = kind == EBPF_OBJ_PROG
			? handle_prog_info(cmd, (uint32_t)id, &info.prog)
		: kind == EBPF_OBJ_MAP
			? handle_map_info(cmd, (uint32_t)id, &info.map)
			: handle_link_info(cmd, (uint32_t)id, &info.link);
	return error != 0 ? error : add_id(cmd, list, (uint32_t)id);
}

/* The nearest name that an object of the kind has, into near. */
static bool
nearest_name(struct cmd *cmd, enum ebpf_object_kind kind, const char *word,
	     char *near)
{
	struct gebpf_error kept = cmd->err;
	struct handle_list all;
	size_t best = 100;

	if (handle_all(cmd, kind, &all) != 0)
		all = (struct handle_list){ NULL, 0 };
	for (size_t i = 0; i < all.count; i++) {
		struct ebpf_rep_prog_info prog;
		struct ebpf_rep_map_info map;
		const char *name;
		size_t dist;

		if (kind == EBPF_OBJ_PROG) {
			if (handle_prog_info(cmd, all.ids[i], &prog) != 0)
				continue;
			name = prog.name;
		} else {
			if (handle_map_info(cmd, all.ids[i], &map) != 0)
				continue;
			name = map.name;
		}
		if (command_is_near(word, name, &dist) && dist < best) {
			best = dist;
			snprintf(near, EBPF_NAME_SIZE, "%s", name);
		}
	}
	handle_free(&all);
	cmd->err = kept;
	return best < 100;
}

static int
find_all(struct cmd *cmd, struct ebpf_req_obj_find *req,
	 struct handle_list *list)
{
	int error;

	for (;;) {
		struct ebpf_rep_id rep = { .id = 0 };

		error = gebpf_ask(cmd->dev, EBPF_REQUEST_OBJ_FIND, req,
				  sizeof(*req), &rep, sizeof(rep));
		if (error != 0)
			break;
		error = add_id(cmd, list, rep.id);
		if (error != 0)
			return error;
		req->id = rep.id;
	}
	if (error == -EBPF_ENOENT)
		return 0;
	return cmd_fail(cmd, error, "looking for a %s failed: %s",
			whats[req->kind], gebpf_error_text(error));
}

static int
not_named(struct cmd *cmd, enum ebpf_object_kind kind, const char *word)
{
	char near[EBPF_NAME_SIZE];

	cmd_fail(cmd, EBPF_ENOENT, "there is no %s named '%s'", whats[kind],
		 word);
	if (nearest_name(cmd, kind, word, near))
		return cmd_hint(cmd, "did you mean '%s'?", near);
	return cmd_hint(cmd, "gebpf %s show lists what there is",
			kind == EBPF_OBJ_PROG ? "prog" : "map");
}

static int
find_name(struct cmd *cmd, enum ebpf_object_kind kind, const char *word,
	  struct handle_list *list)
{
	struct ebpf_req_obj_find req = { .kind = kind };

	if (strlen(word) >= sizeof(req.name) || *word == '\0')
		return 0;
	memcpy(req.name, word, strlen(word));
	return find_all(cmd, &req, list);
}

static int
by_name(struct cmd *cmd, enum ebpf_object_kind kind, const char *word,
	struct handle_list *list)
{
	int error = find_name(cmd, kind, word, list);

	if (error == 0 && list->count == 0)
		return not_named(cmd, kind, word);
	return error;
}

static int
by_tag(struct cmd *cmd, const char *word, struct handle_list *list)
{
	struct ebpf_req_obj_find req = { .kind = EBPF_OBJ_PROG, .by_tag = 1 };
	int error;

	if (strlen(word) != 2 * EBPF_TAG_SIZE ||
	    strspn(word, "0123456789abcdefABCDEF") != 2 * EBPF_TAG_SIZE)
		return cmd_fail(cmd, CMD_EUSAGE,
				"'%s' is no tag: 16 hexadecimal digits", word);
	for (int i = 0; i < EBPF_TAG_SIZE; i++) {
		char digits[3] = { word[2 * i], word[2 * i + 1], '\0' };

		req.tag[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	error = find_all(cmd, &req, list);
	if (error == 0 && list->count == 0)
		return cmd_fail(cmd, EBPF_ENOENT,
				"there is no program with tag %s", word);
	return error;
}

static int
by_pin(struct cmd *cmd, enum ebpf_object_kind kind, const char *word,
       struct handle_list *list)
{
	struct ebpf_req_pin_name req = { .pad = 0 };
	struct ebpf_rep_pin rep = { .id = 0 };
	int error = cmd_pin_name(cmd, word, req.pin);

	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_PIN_GET, &req, sizeof(req),
			  &rep, sizeof(rep));
	if (error == -EBPF_ENOENT)
		return cmd_fail(cmd, error, "nothing is pinned as '%s'",
				req.pin);
	if (error != 0)
		return cmd_fail(cmd, error, "pin '%s': %s", req.pin,
				gebpf_error_text(error));
	if (rep.kind != kind)
		return cmd_fail(cmd, EBPF_EINVAL,
				"pin '%s' names a %s, not a %s", req.pin,
				rep.kind <= EBPF_OBJ_BTF && rep.kind > 0
					? whats[rep.kind]
					: "thing",
				whats[kind]);
	return add_id(cmd, list, rep.id);
}

/* A link by the switch it is attached to. */
static int
by_target(struct cmd *cmd, const char *word, struct handle_list *list)
{
	struct handle_list all;
	int error = handle_all(cmd, EBPF_OBJ_LINK, &all);

	for (size_t i = 0; error == 0 && i < all.count; i++) {
		struct ebpf_rep_link_info info;

		error = handle_link_info(cmd, all.ids[i], &info);
		if (error == 0 && strcmp(info.target, word) == 0 &&
		    info.state == EBPF_LINK_ATTACHED)
			error = add_id(cmd, list, info.id);
	}
	handle_free(&all);
	return error;
}

static bool
is_program_file(const char *word)
{
	size_t len = strlen(word);

	return len > 2 &&
	       (strcmp(word + len - 2, ".o") == 0 ||
		strcmp(word + len - 2, ".c") == 0) &&
	       access(word, F_OK) == 0;
}

static bool
has_pin(struct cmd *cmd, const char *word)
{
	struct ebpf_req_pin_name req = { .pad = 0 };
	struct ebpf_rep_pin rep;

	if (strlen(word) >= sizeof(req.pin))
		return false;
	strcpy(req.pin, word);
	return gebpf_ask(cmd->dev, EBPF_REQUEST_PIN_GET, &req, sizeof(req),
			 &rep, sizeof(rep)) == 0;
}

/* Digits are an id, a leading / a pin, anything else a name; a pin or a file
 * where no such name is. */
static int
by_short(struct cmd *cmd, enum ebpf_object_kind kind, const char *word,
	 struct handle_list *list)
{
	int error;

	if (*word != '\0' && strspn(word, "0123456789") == strlen(word))
		return by_id(cmd, kind, word, list);
	if (*word == '/')
		return by_pin(cmd, kind, word, list);
	error = kind == EBPF_OBJ_LINK ? by_target(cmd, word, list)
				      : find_name(cmd, kind, word, list);
	if (error != 0 || list->count == 1)
		return error;
	/* Of several with the name, one may be pinned under just that name. */
	if (list->count > 1) {
		if (has_pin(cmd, word)) {
			struct handle_list one = { NULL, 0 };

			if (by_pin(cmd, kind, word, &one) == 0) {
				handle_free(list);
				*list = one;
			}
		}
		return 0;
	}
	if (has_pin(cmd, word))
		return by_pin(cmd, kind, word, list);
	if (kind == EBPF_OBJ_LINK)
		return cmd_fail(cmd, EBPF_ENOENT,
				"there is no link pinned as '%s' or attached "
				"to a switch of that name",
				word);
	return not_named(cmd, kind, word);
}

/* file OBJ [prog S] [type T], after "file" */
static int
by_file(struct cmd *cmd, struct handle_list *list)
{
	struct load_file file;
	uint32_t id = 0;
	int error = load_file_words(cmd, &file);

	if (error == 0)
		error = cmd_open_offline(cmd);
	if (error == 0)
		error = load_file_prog(cmd, &file, &id);
	if (error == 0)
		error = add_id(cmd, list, id);
	load_file_close(&file);
	return error;
}

static int
parse(struct cmd *cmd, enum ebpf_object_kind kind, struct handle_list *list)
{
	bool more = cmd->at + 1 < cmd->count;
	const char *word;
	int error;

	*list = (struct handle_list){ NULL, 0 };
	if (kind == EBPF_OBJ_PROG && cmd_peek(cmd) != NULL &&
	    ((more && strcmp(cmd_peek(cmd), "file") == 0) ||
	     is_program_file(cmd_peek(cmd)))) {
		if (strcmp(cmd_peek(cmd), "file") == 0)
			cmd->at++;
		return by_file(cmd, list);
	}
	error = cmd_open(cmd);
	if (error != 0)
		return error;
	if (more && cmd_take_if(cmd, "id"))
		error = by_id(cmd, kind, cmd_take(cmd), list);
	else if (more && kind != EBPF_OBJ_LINK && cmd_take_if(cmd, "name"))
		error = by_name(cmd, kind, cmd_take(cmd), list);
	else if (more && kind == EBPF_OBJ_PROG && cmd_take_if(cmd, "tag"))
		error = by_tag(cmd, cmd_take(cmd), list);
	else if (more && cmd_take_if(cmd, "pinned"))
		error = by_pin(cmd, kind, cmd_take(cmd), list);
	else if ((word = cmd_take(cmd)) != NULL)
		error = by_short(cmd, kind, word, list);
	else
		error = cmd->err.code;
	if (error != 0)
		handle_free(list);
	return error;
}

int
handle_many(struct cmd *cmd, enum ebpf_object_kind kind,
	    struct handle_list *list)
{
	return parse(cmd, kind, list);
}

int
handle_one(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t *id)
{
	struct handle_list list;
	int at = cmd->at, error = parse(cmd, kind, &list);
	const char *word;
	char ids[300];
	size_t n = 0;

	if (error != 0)
		return error;
	*id = list.ids[0];
	if (list.count > 1) {
		word = cmd->words[cmd->at > at + 1 ? at + 1 : at];
		for (size_t i = 0; i < list.count && n < sizeof(ids) - 16; i++)
			n += (size_t)snprintf(ids + n, sizeof(ids) - n, "%s%u",
					      i > 0 ? ", " : "", list.ids[i]);
		error = cmd_fail(cmd, EBPF_EINVAL,
				 "several %ss match '%s': ids %s", whats[kind],
				 word, ids);
		cmd_hint(cmd, "name one of them with: id %u", list.ids[0]);
	}
	handle_free(&list);
	return error;
}

/* ---- pins ---- */

int
handle_each_pin(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t id,
		int (*each)(void *cookie, const char *pin), void *cookie)
{
	struct ebpf_req_pin_next req = { .kind = kind, .id = id };
	struct ebpf_rep_pin rep;
	int error;

	for (;;) {
		memset(&rep, 0, sizeof(rep));
		error = gebpf_ask(cmd->dev, EBPF_REQUEST_PIN_NEXT, &req,
				  sizeof(req), &rep, sizeof(rep));
		if (error == -EBPF_ENOENT)
			return 0;
		if (error != 0)
			return cmd_fail(cmd, error, "listing pins failed: %s",
					gebpf_error_text(error));
		rep.pin[EBPF_PIN_SIZE - 1] = '\0';
		error = each(cookie, rep.pin);
		if (error != 0)
			return error;
		memcpy(req.pin, rep.pin, sizeof(req.pin));
	}
}

static int
show_pin(void *cookie, const char *pin)
{
	out_string(cookie, NULL, "\n\tpinned %", pin);
	return 0;
}

void
handle_show_pins(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t id)
{
	if (!cmd->pins)
		return;
	out_array(cmd->out, "pinned");
	handle_each_pin(cmd, kind, id, show_pin, cmd->out);
	out_end(cmd->out);
}

int
handle_pin(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t id,
	   const char *pin, bool replace)
{
	struct ebpf_req_pin req = { .kind = kind, .id = id,
				    .replace = replace };
	int error = cmd_pin_name(cmd, pin, req.pin);

	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_PIN, &req, sizeof(req), NULL,
			  0);
	if (error == -EBPF_EEXIST) {
		cmd_fail(cmd, error, "%s %u: pin '%s' is already taken",
			 whats[kind], id, req.pin);
		return cmd_hint(cmd, "choose another name, or unpin that one "
				     "first");
	}
	if (error != 0)
		return cmd_fail(cmd, error, "%s %u: pinning it as '%s' failed: %s",
				whats[kind], id, req.pin,
				gebpf_error_text(error));
	return 0;
}

int
handle_unpin(struct cmd *cmd, const char *pin)
{
	struct ebpf_req_pin_name req = { .pad = 0 };
	int error = cmd_pin_name(cmd, pin, req.pin);

	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_UNPIN, &req, sizeof(req),
			  NULL, 0);
	if (error == -EBPF_ENOENT)
		return cmd_fail(cmd, error, "nothing is pinned as '%s'",
				req.pin);
	if (error != 0)
		return cmd_fail(cmd, error, "unpinning '%s' failed: %s",
				req.pin, gebpf_error_text(error));
	return 0;
}

int
handle_pin_command(struct cmd *cmd, enum ebpf_object_kind kind)
{
	const char *pin;
	uint32_t id;
	int error = handle_one(cmd, kind, &id);

	if (error != 0)
		return error;
	pin = cmd_take(cmd);
	if (pin == NULL || cmd_done(cmd) != 0)
		return cmd->err.code;
	return handle_pin(cmd, kind, id, pin, false);
}

int
handle_unpin_command(struct cmd *cmd, enum ebpf_object_kind kind)
{
	struct handle_list list = { NULL, 0 };
	const char *pin = cmd_take(cmd);
	int error;

	if (pin == NULL || cmd_done(cmd) != 0)
		return cmd->err.code;
	error = cmd_open(cmd);
	if (error == 0) /* of this kind, or nothing is done */
		error = by_pin(cmd, kind, pin, &list);
	handle_free(&list);
	return error != 0 ? error : handle_unpin(cmd, pin);
}

int
handle_show(struct cmd *cmd, enum ebpf_object_kind kind,
	    int (*show)(struct cmd *cmd, uint32_t id))
{
	struct handle_list list = { NULL, 0 };
	bool all = cmd_peek(cmd) == NULL, array;
	int error;

	error = all ? handle_all(cmd, kind, &list)
		    : handle_many(cmd, kind, &list);
	if (error == 0)
		error = cmd_done(cmd);
	array = all || list.count > 1;
	if (error == 0 && array)
		out_array(cmd->out, NULL);
	for (size_t i = 0; error == 0 && i < list.count; i++) {
		error = show(cmd, list.ids[i]);
		if (error == -EBPF_ENOENT && list.count > 1)
			error = 0; /* went while we were listing */
	}
	if (error == 0 && array)
		out_end(cmd->out);
	handle_free(&list);
	return error;
}
