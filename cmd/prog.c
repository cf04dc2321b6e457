/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog: show, unload, pin, unpin, stats. Loading is in prog_load.c,
 * verify in prog_verify.c, listings of code in prog_dump.c, test runs in
 * prog_run.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/prog.h"

void
prog_time(uint64_t ns, char *text, size_t size)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(text, size, "%Y-%m-%dT%H:%M:%S%z", &tm) == 0)
		snprintf(text, size, "?");
}

int
prog_map_ids(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
	     uint32_t **ids)
{
	struct ebpf_req_id req = { .id = info->id };
	struct ebpf_rep_prog_info again = { .size = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_INFO,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &again,
		.rep_len = sizeof(again),
		.out_room = info->map_count * sizeof(uint32_t),
	};
	int error;

	*ids = calloc(info->map_count + 1, sizeof(uint32_t));
	if (*ids == NULL)
		return cmd_no_memory(cmd);
	call.out = *ids;
	error = gebpf_request(cmd->dev, &call);
	if (error == 0 && call.out_len != call.out_room)
		error = -EBPF_EPROTO;
	if (error != 0) {
		free(*ids);
		*ids = NULL;
		return cmd_fail(cmd, error, "program %u: asking about its maps "
					    "failed: %s",
				info->id, gebpf_error_text(error));
	}
	return 0;
}

static void
show_tag(struct out *out, const uint8_t *tag)
{
	char text[2 * EBPF_TAG_SIZE + 1];

	for (int i = 0; i < EBPF_TAG_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", tag[i]);
	out_string(out, "tag", "  tag %", text);
}

static int
show(struct cmd *cmd, uint32_t id)
{
	struct out *out = cmd->out;
	struct ebpf_rep_prog_info info;
	uint32_t *maps;
	const char *kind;
	char text[64];
	int error = handle_prog_info(cmd, id, &info);

	if (error == 0)
		error = prog_map_ids(cmd, &info, &maps);
	if (error != 0)
		return error;
	kind = gebpf_prog_kind_name(info.kind);
	out_object(out, NULL);
	out_uint(out, "id", "%: ", info.id);
	out_string(out, "type", "%", kind != NULL ? kind : "unknown");
	out_string(out, "name", "  name %", info.name);
	show_tag(out, info.tag);
	out_bool(out, "gpl_compatible", "  gpl", info.gpl_compatible != 0);
	if (info.run_count > 0 || gebpf_hello(cmd->dev)->stats_on) {
		out_uint(out, "run_time_ns", " run_time_ns %",
			 info.run_time_ns);
		out_uint(out, "run_cnt", " run_cnt %", info.run_count);
	}
	prog_time(info.loaded_ns, text, sizeof(text));
	out_text(out, "\n\tloaded_at %s", text);
	out_uint(out, "loaded_at", NULL, info.loaded_ns / 1000000000);
	out_uint(out, "uid", "  uid %", info.uid);
	out_uint(out, "bytes_xlated", "\n\txlated %B", info.xlated_len);
	out_bool(out, "jited", NULL, info.jited != 0);
	if (info.jited)
		out_uint(out, "bytes_jited", "  jited %B", info.jited_len);
	else
		out_text(out, "  not jited");
	out_uint(out, "bytes_memlock", "  memlock %B", info.mem_bytes);
	if (info.map_count > 0) {
		out_array(out, "map_ids");
		for (uint32_t i = 0; i < info.map_count; i++)
			out_uint(out, NULL, i == 0 ? "  map_ids %" : ",%",
				 maps[i]);
		out_end(out);
	}
	if (info.btf_id != 0)
		out_uint(out, "btf_id", "\n\tbtf_id %", info.btf_id);
	handle_show_pins(cmd, EBPF_OBJ_PROG, info.id);
	out_text(out, "\n");
	out_end(out);
	free(maps);
	return 0;
}

int
cmd_prog_show(struct cmd *cmd)
{
	return handle_show(cmd, EBPF_OBJ_PROG, show);
}

int
cmd_prog_pin(struct cmd *cmd)
{
	return handle_pin_command(cmd, EBPF_OBJ_PROG);
}

int
cmd_prog_unpin(struct cmd *cmd)
{
	return handle_unpin_command(cmd, EBPF_OBJ_PROG);
}

/* ---- unload ---- */

struct unpin {
	struct cmd *cmd;
	const char *name; /* only DIR/name; NULL: all */
	char (*pins)[EBPF_PIN_SIZE];
	size_t count;
};

static int
collect_pin(void *cookie, const char *pin)
{
	struct unpin *unpin = cookie;
	const char *slash = strrchr(pin, '/');
	void *more;

	if (unpin->name != NULL &&
	    (slash == NULL || strcmp(slash + 1, unpin->name) != 0))
		return 0;
	more = realloc(unpin->pins,
		       (unpin->count + 1) * sizeof(*unpin->pins));
	if (more == NULL)
		return cmd_no_memory(unpin->cmd);
	unpin->pins = more;
	snprintf(unpin->pins[unpin->count++], EBPF_PIN_SIZE, "%s", pin);
	return 0;
}

/* Take away the pins of an object; name: only those that end in /name. */
static int
unpin_all(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t id,
	  const char *name, const char *plain)
{
	struct unpin unpin = { .cmd = cmd, .name = name };
	int error = handle_each_pin(cmd, kind, id, collect_pin, &unpin);

	for (size_t i = 0; error == 0 && i < unpin.count; i++) {
		error = handle_unpin(cmd, unpin.pins[i]);
		if (error == 0)
			out_string(cmd->out, NULL, plain, unpin.pins[i]);
	}
	free(unpin.pins);
	return error;
}

static int
check_unattached(struct cmd *cmd, uint32_t id)
{
	struct ebpf_rep_prog_info info;
	struct handle_list links = { NULL, 0 };
	int error = handle_prog_info(cmd, id, &info);

	if (error == 0)
		error = handle_all(cmd, EBPF_OBJ_LINK, &links);

	for (size_t i = 0; error == 0 && i < links.count; i++) {
		struct ebpf_rep_link_info link;

		if (handle_link_info(cmd, links.ids[i], &link) != 0 ||
		    link.prog_id != id ||
		    link.state != EBPF_LINK_ATTACHED)
			continue;
		cmd_fail(cmd, EBPF_EBUSY,
			 "program '%s' (id %u) is attached to switch %s",
			 info.name, id, link.target);
		error = cmd_hint(cmd, "gebpf detach vale %s", link.target);
	}
	handle_free(&links);
	return error;
}

/* Is the map used by a program other than this one? */
static int
used_elsewhere(struct cmd *cmd, uint32_t map, uint32_t prog, bool *used)
{
	struct handle_list progs;
	int error = handle_all(cmd, EBPF_OBJ_PROG, &progs);

	*used = false;
	for (size_t i = 0; error == 0 && !*used && i < progs.count; i++) {
		struct ebpf_rep_prog_info info;
		uint32_t *maps;

		if (progs.ids[i] == prog ||
		    handle_prog_info(cmd, progs.ids[i], &info) != 0)
			continue;
		error = prog_map_ids(cmd, &info, &maps);
		if (error != 0)
			break;
		for (uint32_t m = 0; m < info.map_count; m++)
			*used |= maps[m] == map;
		free(maps);
	}
	handle_free(&progs);
	return error;
}

static int
unload(struct cmd *cmd, uint32_t id)
{
	struct ebpf_rep_prog_info info;
	struct out *out = cmd->out;
	uint32_t *maps;
	int error = handle_prog_info(cmd, id, &info);

	if (error == 0)
		error = prog_map_ids(cmd, &info, &maps);
	if (error != 0)
		return error;
	out_object(out, NULL);
	out_uint(out, "id", "unloaded: id %", id);
	out_string(out, "name", "  name %", info.name);
	out_array(out, "unpinned");
	error = unpin_all(cmd, EBPF_OBJ_PROG, id, NULL, "  unpinned %");
	for (uint32_t i = 0; error == 0 && i < info.map_count; i++) {
		struct ebpf_rep_map_info map;
		bool used = false;

		/* gone with the program, unless something else holds it */
		if (handle_map_info(cmd, maps[i], &map) != 0)
			continue;
		error = used_elsewhere(cmd, maps[i], id, &used);
		if (error == 0 && !used)
			error = unpin_all(cmd, EBPF_OBJ_MAP, maps[i],
					  map.name, "  unpinned %");
	}
	out_end(out);
	out_text(out, "\n");
	out_end(out);
	free(maps);
	return error;
}

int
cmd_prog_unload(struct cmd *cmd)
{
	struct handle_list all = { NULL, 0 };
	int error = 0;

	/* Everything named must exist before anything goes. */
	while (error == 0 && cmd_peek(cmd) != NULL) {
		struct handle_list list;
		uint32_t *ids;

		error = handle_many(cmd, EBPF_OBJ_PROG, &list);
		if (error != 0)
			break;
		ids = realloc(all.ids, (all.count + list.count) * sizeof(*ids));
		if (ids == NULL) {
			error = cmd_no_memory(cmd);
		} else {
			all.ids = ids;
			memcpy(ids + all.count, list.ids,
			       list.count * sizeof(*ids));
			all.count += list.count;
		}
		handle_free(&list);
	}
	for (size_t i = 0; error == 0 && i < all.count; i++)
		error = check_unattached(cmd, all.ids[i]);
	if (error == 0 && all.count > 1)
		out_array(cmd->out, NULL);
	for (size_t i = 0; error == 0 && i < all.count; i++)
		error = unload(cmd, all.ids[i]);
	if (error == 0 && all.count > 1)
		out_end(cmd->out);
	handle_free(&all);
	return error;
}

/* ---- stats ---- */

int
cmd_prog_stats(struct cmd *cmd)
{
	struct ebpf_req_stats req = { .size = 0 };
	const char *word = cmd_take(cmd);
	int error;

	if (word == NULL)
		return cmd->err.code;
	req.op = strcmp(word, "on") == 0    ? EBPF_STATS_ON
		 : strcmp(word, "off") == 0 ? EBPF_STATS_OFF
					    : EBPF_STATS_RESET;
	error = cmd_open(cmd);
	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_STATS, &req, sizeof(req),
			  NULL, 0);
	if (error != 0)
		return cmd_fail(cmd, error, "run statistics: %s",
				gebpf_error_text(error));
	out_object(cmd->out, NULL);
	out_string(cmd->out, "run_stats", NULL, word);
	out_end(cmd->out);
	return 0;
}
