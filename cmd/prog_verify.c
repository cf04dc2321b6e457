/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog verify: ask the verifier about the programs of a file, or about
 * one that is loaded, and tell what it said: what the proof took, or why the
 * program is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/load.h"
#include "cmd/prog.h"

/* Of the account of states: each source line's, with both each step's. */
static uint32_t
level(const struct cmd *cmd, bool explain)
{
	return explain && cmd->debug ? 2 : explain || cmd->debug ? 1 : 0;
}

static void
verdict(struct cmd *cmd, const char *name, uint32_t kind, int error,
	uint32_t insns, const struct ebpf_rep_prog_load *result,
	const char *log, bool account)
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
		if (result->rule != 0) {
			out_string(out, "rule", NULL,
				   gebpf_rule_name(result->rule));
			out_string(out, "demand", NULL,
				   gebpf_rule_demand(result->rule));
		}
		out_string(out, "error", NULL, cmd->err.text);
		out_string(out, "hint", NULL, cmd->err.hint);
	} else {
		explain_stack(out, cmd->report);
	}
	explain_members(out, cmd->report);
	if (account || error != 0) {
		out_string(out, "log", "%", log != NULL ? log : "");
		if (log != NULL && *log != '\0' &&
		    log[strlen(log) - 1] != '\n')
			out_text(out, "\n");
	}
	out_end(out);
}

/* One of a file's programs did not get as far as the verifier. */
static void
not_verified(struct cmd *cmd, const struct gebpf_obj_prog *prog)
{
	const char *kind_name = gebpf_prog_kind_name(prog->kind);
	struct out *out = cmd->out;

	out_object(out, NULL);
	out_string(out, "name", "%", prog->name);
	out_string(out, "type", " (%): ", kind_name != NULL ? kind_name : "?");
	out_string(out, "verdict", "%", "not verified");
	out_string(out, "error", ": %", cmd->err.text);
	out_string(out, "hint", NULL, cmd->err.hint);
	out_text(out, "\n");
	out_end(out);
}

/* [assume-linux] [explain], in any order. */
static int
options(struct cmd *cmd, bool *assume_linux, bool *explain)
{
	while (cmd_peek(cmd) != NULL) {
		if (cmd_take_if(cmd, "assume-linux"))
			*assume_linux = true;
		else if (cmd_take_if(cmd, "explain"))
			*explain = true;
		else
			return cmd_done(cmd);
	}
	return 0;
}

static int
verify_file(struct cmd *cmd)
{
	struct load_file file;
	struct gebpf_obj_prog *prog;
	size_t count, first = 0, refused = 0, failed = 0;
	uint32_t flags = EBPF_PROG_VERIFY_ONLY;
	bool assume_linux = false, explain = false;
	int error, why = 0;

	if (strcmp(cmd_peek(cmd), "file") == 0)
		cmd->at++;
	error = load_file_words(cmd, &file);
	if (error == 0)
		error = options(cmd, &assume_linux, &explain);
	if (assume_linux)
		flags |= EBPF_PROG_ASSUME_LINUX;
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
		struct ebpf_rep_prog_load result = { .size = 0 };
		char *log = NULL;

		prog = gebpf_object_prog(file.object, i);
		error = load_set_kind(cmd, &file, prog);
		if (error == 0)
			error = load_prog(cmd, &file, prog, flags, NULL,
					  level(cmd, explain), &log, &result);
		if (error == 0 || error == -EBPF_EREJECTED)
			verdict(cmd, prog->name, prog->kind, error,
				prog->insn_count, &result, log,
				level(cmd, explain) > 0);
		else if (file.prog == NULL)
			not_verified(cmd, prog);
		free(log);
		if (error == -EBPF_EREJECTED) {
			refused++;
		} else if (error != 0 && file.prog != NULL) {
			goto out;
		} else if (error != 0) {
			why = error;
			failed++;
		}
	}
	if (file.prog == NULL)
		out_end(cmd->out);
	error = why;
	if (failed > 0) {
		cmd_fail(cmd, error, "%zu of %zu programs could not be "
				     "verified", failed, count - first);
		cmd->err_shown = !out_is_plain(cmd->out);
	}
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

enum { LOG_SIZE = 1 << 20, REPORT_SIZE = 64 << 10 };

/* Log and records of the reply, each with its end. */
static void
take_words(struct cmd *cmd, const struct gebpf_call *call,
	   const struct ebpf_rep_prog_load *result, char **log)
{
	char *words = call->out;
	size_t len = result->log_len < call->out_len ? result->log_len
						     : call->out_len;

	words[call->out_len] = '\0';
	free(cmd->report);
	cmd->report = strdup(words + len);
	words[len] = '\0';
	*log = words;
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
	bool assume_linux = false, explain = false;
	uint32_t id;
	int error = handle_one(cmd, EBPF_OBJ_PROG, &id);

	if (error != 0)
		return error;
	error = options(cmd, &assume_linux, &explain);
	if (error == 0 && assume_linux) {
		cmd_fail(cmd, CMD_EUSAGE, "assume-linux is for object and C "
					  "files: a loaded program has types "
					  "and maps of this device");
		return cmd->err.code;
	}
	if (error == 0)
		error = handle_prog_info(cmd, id, &info);
	if (error == 0)
		error = prog_code_fetch(cmd, &info, EBPF_DUMP_RAW, &code);
	if (error == 0 && (call.out = malloc(LOG_SIZE + REPORT_SIZE)) == NULL)
		error = cmd_no_memory(cmd);
	if (error != 0)
		goto out;
	req.kind = info.kind;
	req.insn_count = code.insn_count;
	req.func_count = code.func_count;
	req.line_count = code.line_count;
	req.btf_id = info.btf_id;
	req.log_level = level(cmd, explain);
	req.log_size = LOG_SIZE;
	req.report_size = REPORT_SIZE - 1;
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
	call.out_room = LOG_SIZE + REPORT_SIZE - 1;
	error = gebpf_request(cmd->dev, &call);
	if (error == 0 || error == -EBPF_EREJECTED) {
		take_words(cmd, &call, &result, &log);
		if (error != 0)
			cmd_fail(cmd, error, "program '%s' was rejected",
				 info.name);
		verdict(cmd, info.name, info.kind, error, info.insn_count,
			&result, log, req.log_level > 0);
		cmd->err_shown = error != 0 && !out_is_plain(cmd->out);
	} else {
		cmd_fail(cmd, error, "program %u: verifying it failed: %s", id,
			 gebpf_error_text(error));
	}
out:
	prog_code_free(&code);
	free(call.out);
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
