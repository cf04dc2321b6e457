/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog run: a program on bytes of ours, once, many times, or on both
 * engines. prog_replay.c has captures, prog_bench.c ratios.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/input.h"
#include "cmd/prog_run.h"

enum { GROWTH = 4096 }; /* room for what a program may add to a packet */

int
prog_run_once(struct cmd *cmd, uint32_t id, const struct prog_bytes *data,
	 const struct prog_bytes *ctx, uint32_t repeat, uint32_t engine,
	 struct prog_result *result)
{
	struct ebpf_req_prog_run req = {
		.id = id,
		.repeat = repeat,
		.engine = engine,
		.data_len = (uint32_t)data->len,
		.ctx_len = (uint32_t)ctx->len,
		.data_out_max = (uint32_t)data->len + GROWTH,
		.ctx_out_max = GROWTH,
	};
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_RUN,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { data->data, data->len }, { ctx->data, ctx->len } },
		.rep = &result->rep,
		.rep_len = sizeof(result->rep),
		.out_room = (size_t)req.data_out_max + req.ctx_out_max,
	};
	int error;

	memset(&result->rep, 0, sizeof(result->rep));
	if (result->out == NULL)
		result->out = malloc(call.out_room + 1);
	if (result->out == NULL)
		return cmd_no_memory(cmd);
	call.out = result->out;
	error = gebpf_request(cmd->dev, &call);
	if (error != 0)
		return error;
	if ((uint64_t)result->rep.data_sent + result->rep.ctx_sent >
	    call.out_len)
		return -EBPF_EPROTO;
	result->data = result->out;
	result->data_len = result->rep.data_sent;
	result->ctx = result->out + result->data_len;
	result->ctx_len = result->rep.ctx_sent;
	return 0;
}

int
prog_run_failed(struct cmd *cmd, const struct ebpf_rep_prog_info *info, size_t len,
	   int error)
{
	if (error == -EBPF_EINVAL) {
		cmd_fail(cmd, error, "program '%s': %zu bytes of data, or the "
				     "context, do not suit type %s",
			 info->name, len, gebpf_prog_kind_name(info->kind));
		return cmd_hint(cmd, "packets have at least 14 bytes; context "
				     "fields that are no input must be zero");
	}
	if (error == -EBPF_EJIT) {
		cmd_fail(cmd, error, "program '%s' has no machine code",
			 info->name);
		return cmd_hint(cmd, "load it with: gebpf prog load -j");
	}
	if (error == -EBPF_EUNSUPPORTED) {
		cmd_fail(cmd, error, "program '%s': this device interprets no "
				     "programs", info->name);
		return cmd_hint(cmd, "without interp and compare it runs as "
				     "it was compiled");
	}
	if (cmd->err.code == error && cmd->err.text[0] != '\0')
		return error;
	return cmd_fail(cmd, error, "program '%s': running it failed: %s",
			info->name, gebpf_error_text(error));
}

/* bpftool's dump of data_out: eight groups of two bytes, then characters. */
static void
show_dump(struct out *out, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len; at += 16) {
		out_text(out, "%07zx\t", at);
		for (size_t i = 0; i < 16; i++) {
			if (at + i < len)
				out_text(out, "%02x%s", data[at + i],
					 i % 2 == 1 ? " " : "");
			else
				out_text(out, "  %s", i % 2 == 1 ? " " : "");
		}
		out_text(out, "| ");
		for (size_t i = 0; i < 16 && at + i < len; i++) {
			uint8_t c = data[at + i];

			out_text(out, "%s%c", i == 8 ? " " : "",
				 c >= 32 && c < 127 ? c : '.');
		}
		out_text(out, "\n");
	}
}

static int
show_bytes(struct cmd *cmd, const char *key, const char *path,
	   const uint8_t *data, size_t len)
{
	if (path == NULL)
		return 0;
	if (strcmp(path, "-") != 0)
		return output_write(cmd, path, data, len);
	show_dump(cmd->out, data, len);
	if (out_is_plain(cmd->out))
		return 0;
	out_array(cmd->out, key);
	for (size_t i = 0; i < len; i++)
		out_uint(cmd->out, NULL, NULL, data[i]);
	out_end(cmd->out);
	return 0;
}

struct running {
	struct ebpf_rep_prog_info info;
	struct prog_bytes data, ctx;
	const char *data_out, *ctx_out;
	uint64_t repeat, expect;
	uint32_t engine;
	bool compare, has_expect;
};

static int
parse_run(struct cmd *cmd, struct running *run)
{
	uint32_t id;
	int error = handle_one(cmd, EBPF_OBJ_PROG, &id);

	run->repeat = 1;
	if (error == 0)
		error = handle_prog_info(cmd, id, &run->info);
	while (error == 0 && cmd_peek(cmd) != NULL) {
		const char *word;

		if (cmd_take_if(cmd, "repeat")) {
			error = cmd_number(cmd, "repeat", UINT32_MAX,
					   &run->repeat);
		} else if (cmd_take_if(cmd, "expect")) {
			error = cmd_number(cmd, "expect", UINT64_MAX,
					   &run->expect);
			run->has_expect = true;
		} else if (cmd_take_if(cmd, "interp")) {
			run->engine = EBPF_ENGINE_INTERP;
		} else if (cmd_take_if(cmd, "jit")) {
			run->engine = EBPF_ENGINE_JIT;
		} else if (cmd_take_if(cmd, "compare")) {
			run->compare = true;
		} else if (cmd_take_if(cmd, "data_out")) {
			run->data_out = cmd_take(cmd);
		} else if (cmd_take_if(cmd, "ctx_out")) {
			run->ctx_out = cmd_take(cmd);
		} else if (cmd_take_if(cmd, "data_in")) {
			word = cmd_take(cmd);
			free(run->data.data);
			run->data = (struct prog_bytes){ NULL, 0 };
			error = word == NULL ? cmd->err.code
					     : input_read(cmd, word,
							  &run->data.data,
							  &run->data.len);
		} else if (cmd_take_if(cmd, "ctx_in")) {
			word = cmd_take(cmd);
			free(run->ctx.data);
			run->ctx = (struct prog_bytes){ NULL, 0 };
			error = word == NULL ? cmd->err.code
					     : input_read(cmd, word,
							  &run->ctx.data,
							  &run->ctx.len);
		} else {
			error = cmd_done(cmd);
		}
	}
	return error;
}

/* Where the packet would go: an interface, or what stands in a map. */
static void
show_redirect(struct out *out, const struct ebpf_rep_prog_run *rep)
{
	if (rep->redirect == 0)
		return;
	out_object(out, "redirect");
	out_uint(out, "flags", NULL, rep->redirect_flags);
	if (rep->redirect_map_id == 0) {
		out_uint(out, "ifindex", "Redirect: interface %\n",
			 rep->redirect_target);
	} else {
		out_uint(out, "map_id", "Redirect: map %",
			 rep->redirect_map_id);
		out_uint(out, "key", " key %", rep->redirect_key);
		out_uint(out, "value", " value %\n", rep->redirect_target);
	}
	out_end(out);
}

static void
show_result(struct out *out, const struct prog_result *result)
{
	out_uint(out, "retval", "Return value: %", result->rep.retval);
	out_uint(out, "duration", ", duration (average): %ns\n",
		 result->rep.duration_ns);
	show_redirect(out, &result->rep);
}

static int
check_expected(struct cmd *cmd, const struct running *run,
	       const struct prog_result *result)
{
	if (!run->has_expect || result->rep.retval == run->expect)
		return 0;
	return cmd_fail(cmd, CMD_EEXPECT,
			"program '%s' returned %llu, expected was %llu",
			run->info.name, (unsigned long long)result->rep.retval,
			(unsigned long long)run->expect);
}

static int
compare(struct cmd *cmd, struct running *run)
{
	struct prog_result interp = { .out = NULL }, jit = { .out = NULL };
	struct out *out = cmd->out;
	bool equal;
	int error;

	error = prog_run_once(cmd, run->info.id, &run->data, &run->ctx,
			 (uint32_t)run->repeat, EBPF_ENGINE_INTERP, &interp);
	if (error == 0)
		error = prog_run_once(cmd, run->info.id, &run->data, &run->ctx,
				 (uint32_t)run->repeat, EBPF_ENGINE_JIT, &jit);
	if (error != 0) {
		error = prog_run_failed(cmd, &run->info, run->data.len, error);
		goto out;
	}
	equal = interp.rep.retval == jit.rep.retval &&
		interp.rep.data_len == jit.rep.data_len &&
		interp.data_len == jit.data_len &&
		memcmp(interp.data, jit.data, jit.data_len) == 0 &&
		interp.ctx_len == jit.ctx_len &&
		memcmp(interp.ctx, jit.ctx, jit.ctx_len) == 0;
	out_object(out, NULL);
	out_text(out, "interp: ");
	out_object(out, "interp");
	show_result(out, &interp);
	out_end(out);
	out_text(out, "jit:    ");
	out_object(out, "jit");
	show_result(out, &jit);
	out_end(out);
	out_bool(out, "equal", NULL, equal);
	out_text(out, "results are %s\n", equal ? "equal" : "DIFFERENT");
	if (!equal)
		error = cmd_fail(cmd, CMD_EEXPECT,
				 "program '%s': interpreter and JIT differ",
				 run->info.name);
	else
		error = check_expected(cmd, run, &interp);
	if (error == 0)
		out_end(out);
out:
	free(interp.out);
	free(jit.out);
	return error;
}

int
cmd_prog_run(struct cmd *cmd)
{
	struct running run = { .data_out = NULL };
	struct prog_result result = { .out = NULL };
	struct out *out = cmd->out;
	int error = parse_run(cmd, &run);

	if (error != 0)
		goto out;
	if (run.compare) {
		error = compare(cmd, &run);
		goto out;
	}
	error = prog_run_once(cmd, run.info.id, &run.data, &run.ctx,
			 (uint32_t)run.repeat, run.engine, &result);
	if (error != 0) {
		error = prog_run_failed(cmd, &run.info, run.data.len, error);
		goto out;
	}
	out_object(out, NULL);
	error = show_bytes(cmd, "data_out", run.data_out, result.data,
			   result.data_len);
	if (error == 0)
		error = show_bytes(cmd, "ctx_out", run.ctx_out, result.ctx,
				   result.ctx_len);
	if (error == 0) {
		show_result(out, &result);
		error = check_expected(cmd, &run, &result);
	}
	if (error == 0)
		out_end(out);
out:
	free(run.data.data);
	free(run.ctx.data);
	free(result.out);
	return error;
}
