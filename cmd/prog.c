/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog: show, unload, pin, unpin, verify, stats. Loading is in
 * prog_load.c, listings of code in prog_dump.c, test runs in prog_run.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/load.h"
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

/* ---- verify ---- */

static void
verdict(struct cmd *cmd, const char *name, uint32_t kind, int error,
	uint32_t insns, const struct ebpf_rep_prog_load *result,
	const char *log, bool explain)
{
	const char *kind_name = gebpf_prog_kind_name(kind);
	struct out *out = cmd->out;

	out_object(out, NULL);
	out_string(out, "name", "%", name);
	out_string(out, "type", " (%): ", kind_name != NULL ? kind_name : "?");
	out_string(out, "verdict", "%",
		   error == 0 ? "accepted" : "rejected");
	out_uint(out, "insns", "  insns %", insns);
	out_uint(out, "insns_processed", "  processed %",
		 result->insns_processed);
	out_uint(out, "states_total", "  states %", result->states_total);
	out_uint(out, "states_peak", "  peak %", result->states_peak);
	if (error == 0)
		out_uint(out, "stack_depth", "  stack %B",
			 result->stack_depth);
	out_uint(out, "mem_peak", "  memory %B", result->mem_peak);
	out_uint(out, "verify_ns", NULL, result->verify_ns);
	out_text(out, "  time %lluus",
		 (unsigned long long)(result->verify_ns / 1000));
	out_text(out, "\n");
	if (error != 0) {
		out_uint(out, "insn", NULL, result->insn);
		if (result->rule > 0 && result->rule < EBPF_RULE_COUNT) {
			static const char *const rules[] = {
#define EBPF_RULE(rule_name, sentence, fix) #rule_name,
#include "abi/rule.def"
			};
			static const char *const sentences[] = {
#define EBPF_RULE(rule_name, sentence, fix) sentence,
#include "abi/rule.def"
			};
			out_string(out, "rule", NULL, rules[result->rule]);
			out_string(out, "demand", NULL,
				   sentences[result->rule]);
		}
		out_string(out, "error", NULL, cmd->err.text);
		out_string(out, "hint", NULL, cmd->err.hint);
	}
	if (explain || error != 0) {
		out_string(out, "log", "%", log != NULL ? log : "");
		if (log != NULL && *log != '\0' &&
		    log[strlen(log) - 1] != '\n')
			out_text(out, "\n");
	}
	out_end(out);
}

static int
verify_file(struct cmd *cmd)
{
	struct load_file file;
	struct gebpf_obj_prog *prog;
	size_t count, first = 0, refused = 0;
	int error;
	bool explain;

	if (strcmp(cmd_peek(cmd), "file") == 0)
		cmd->at++;
	error = load_file_words(cmd, &file);
	explain = error == 0 && cmd_take_if(cmd, "explain");
	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0)
		error = cmd_open_offline(cmd);
	if (error == 0 && (file.prog != NULL ||
			   gebpf_object_prog_count(file.object) == 0)) {
		error = load_file_pick(cmd, &file, &prog);
	}
	if (error != 0)
		goto out;
	count = gebpf_object_prog_count(file.object);
	if (file.prog != NULL) {
		while (gebpf_object_prog(file.object, first) != prog)
			first++;
		count = first + 1;
	}
	if (file.prog == NULL)
		out_array(cmd->out, NULL);
	for (size_t i = first; i < count; i++) {
		struct ebpf_rep_prog_load result;
		char *log = NULL;

		prog = gebpf_object_prog(file.object, i);
		error = load_set_kind(cmd, &file, prog);
		if (error != 0)
			goto out;
		error = load_prog(cmd, &file, prog, EBPF_PROG_VERIFY_ONLY,
				  NULL, explain ? 1 : 0, &log, &result);
		if (error == 0 || error == -EBPF_EREJECTED)
			verdict(cmd, prog->name, prog->kind, error,
				prog->insn_count, &result, log, explain);
		free(log);
		if (error == -EBPF_EREJECTED)
			refused++;
		else if (error != 0)
			goto out;
	}
	if (file.prog == NULL)
		out_end(cmd->out);
	error = 0;
	if (refused > 0) {
		error = -EBPF_EREJECTED;
		if (count - first > 1)
			cmd_fail(cmd, error,
				 "%zu of %zu programs were rejected", refused,
				 count - first);
		cmd->err_shown = !out_is_plain(cmd->out);
	}
out:
	load_file_close(&file);
	return error;
}

/* A program that is loaded already: the same words to the verifier again. */
static int
verify_loaded(struct cmd *cmd)
{
	struct ebpf_rep_prog_info info;
	struct ebpf_rep_prog_load result = { .size = 0 };
	struct ebpf_req_prog_load req = { .flags = EBPF_PROG_VERIFY_ONLY };
	struct gebpf_call call = { .number = EBPF_REQUEST_PROG_LOAD };
	struct prog_code code = { .insns = NULL };
	char *log = NULL;
	uint32_t id;
	bool explain;
	int error = handle_one(cmd, EBPF_OBJ_PROG, &id);

	if (error != 0)
		return error;
	explain = cmd_take_if(cmd, "explain");
	error = cmd_done(cmd);
	if (error == 0)
		error = handle_prog_info(cmd, id, &info);
	if (error == 0)
		error = prog_code_fetch(cmd, &info, EBPF_DUMP_RAW, &code);
	if (error == 0 && (log = calloc(1, 1 << 20)) == NULL)
		error = cmd_no_memory(cmd);
	if (error != 0)
		goto out;
	req.kind = info.kind;
	req.insn_count = code.insn_count;
	req.func_count = code.func_count;
	req.line_count = code.line_count;
	req.btf_id = info.btf_id;
	req.log_level = explain ? 1 : 0;
	req.log_size = (1 << 20) - 1;
	memcpy(req.name, info.name, sizeof(req.name));
	snprintf(req.license, sizeof(req.license), "%s",
		 info.gpl_compatible ? "GPL" : "");
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0] = (struct gebpf_part){ code.insns,
					  code.insn_count * sizeof(*code.insns) };
	call.in[1] = (struct gebpf_part){ code.funcs,
					  code.func_count * sizeof(*code.funcs) };
	call.in[2] = (struct gebpf_part){ code.lines,
					  code.line_count * sizeof(*code.lines) };
	call.rep = &result;
	call.rep_len = sizeof(result);
	call.out = log;
	call.out_room = req.log_size;
	error = gebpf_request(cmd->dev, &call);
	if (error == 0 || error == -EBPF_EREJECTED) {
		if (error != 0)
			cmd_fail(cmd, error, "program '%s' was rejected",
				 info.name);
		verdict(cmd, info.name, info.kind, error, info.insn_count,
			&result, log, explain);
		cmd->err_shown = error != 0 && !out_is_plain(cmd->out);
	} else {
		cmd_fail(cmd, error, "program %u: verifying it failed: %s", id,
			 gebpf_error_text(error));
	}
out:
	prog_code_free(&code);
	free(log);
	return error;
}

int
cmd_prog_verify(struct cmd *cmd)
{
	const char *word = cmd_peek(cmd);
	size_t len = strlen(word);

	if ((strcmp(word, "file") == 0 && cmd->at + 1 < cmd->count) ||
	    (len > 2 && (strcmp(word + len - 2, ".o") == 0 ||
			 strcmp(word + len - 2, ".c") == 0)))
		return verify_file(cmd);
	return verify_loaded(cmd);
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
