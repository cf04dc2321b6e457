/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog run and replay: a program on bytes of ours, once, many times, on
 * both engines, or on every frame of a capture.
 */
#include <stdio.h>
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

/* ---- replay ---- */

struct tally {
	uint64_t verdict, frames, bytes;
};
struct replay {
	struct ebpf_rep_prog_info info;
	const char *path, *out_path;
	uint64_t ingress, filter;
	bool has_ingress, has_filter;
	struct tally *tallies;
	size_t tally_count;
	uint64_t frames, bytes, refused, written;
	bool out_broken; /* who knows what of it was written */
};

/* Names of verdicts by kind; NULL where the number says it. */
static const char *
verdict_name(uint32_t kind, uint64_t v)
{
	static const char *const xdp[] = { "aborted", "drop", "pass", "tx",
					   "redirect" };
	static const char *const tc[] = { "ok",	     "reclassify", "shot",
					  "pipe",    "stolen",	   "queued",
					  "repeat",  "redirect" };

	switch (kind) {
	case EBPF_PROG_VALE:
	case EBPF_PROG_VALE_BUF:
		return v == EBPF_VALE_BROADCAST ? "broadcast"
		       : v == EBPF_VALE_DROP	? "drop"
		       : v > EBPF_VALE_DROP	? "invalid"
						: "port";
	case EBPF_PROG_XDP:
		return v < 5 ? xdp[v] : "invalid";
	case EBPF_PROG_TC:
		return v < 8 ? tc[v] : v == UINT32_MAX ? "unspec" : "invalid";
	default:
		return NULL;
	}
}

static int
parse_verdict(struct cmd *cmd, uint32_t kind, uint64_t *v)
{
	const char *word = cmd_take(cmd), *name;

	if (word == NULL)
		return cmd->err.code;
	if (cmd_parse_number(word, v))
		return 0;
	for (*v = 0; *v < 256; (*v)++) {
		name = verdict_name(kind, *v);
		if (name != NULL && strcmp(name, word) == 0 &&
		    strcmp(name, "port") != 0 && strcmp(name, "invalid") != 0)
			return 0;
	}
	cmd_fail(cmd, CMD_EUSAGE, "'%s' is no verdict of programs of type %s",
		 word, gebpf_prog_kind_name(kind));
	return cmd_hint(cmd, "verdicts are numbers%s",
			kind == EBPF_PROG_XDP	? ", aborted, drop, pass, tx, "
						  "redirect"
			: kind == EBPF_PROG_TC	? ", ok, shot, ..."
			: kind == EBPF_PROG_RAW ? ""
						: ", broadcast, drop");
}

static int
parse_replay(struct cmd *cmd, struct replay *r)
{
	uint32_t id;
	int error = handle_one(cmd, EBPF_OBJ_PROG, &id);

	if (error == 0)
		error = handle_prog_info(cmd, id, &r->info);
	while (error == 0 && cmd_peek(cmd) != NULL) {
		if (cmd_take_if(cmd, "pcap")) {
			r->path = cmd_take(cmd);
		} else if (cmd_take_if(cmd, "out")) {
			r->out_path = cmd_take(cmd);
		} else if (cmd_take_if(cmd, "ingress")) {
			error = cmd_number(cmd, "ingress", UINT32_MAX,
					   &r->ingress);
			r->has_ingress = true;
		} else if (cmd_take_if(cmd, "verdict")) {
			error = parse_verdict(cmd, r->info.kind, &r->filter);
			r->has_filter = true;
		} else {
			error = cmd_done(cmd);
		}
	}
	if (error == 0 && r->path == NULL) {
		cmd_fail(cmd, CMD_EUSAGE, "prog replay: a capture is missing: "
					  "pcap FILE");
		return cmd->err.code;
	}
	return error;
}

static int
count(struct cmd *cmd, struct replay *r, uint64_t verdict, uint32_t len)
{
	struct tally *more;
	size_t i = 0;

	while (i < r->tally_count && r->tallies[i].verdict != verdict)
		i++;
	if (i == r->tally_count) {
		more = realloc(r->tallies, (i + 1) * sizeof(*more));
		if (more == NULL)
			return cmd_no_memory(cmd);
		r->tallies = more;
		r->tallies[r->tally_count++] =
			(struct tally){ verdict, 0, 0 };
	}
	r->tallies[i].frames++;
	r->tallies[i].bytes += len;
	return 0;
}

static int
compare_tallies(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return x->verdict < y->verdict ? -1 : x->verdict > y->verdict;
}

/* The kind's context with the ingress port in its place. */
static void
make_ctx(const struct replay *r, struct prog_bytes *ctx, uint8_t *room)
{
	uint32_t ingress = (uint32_t)r->ingress, off;

	memset(room, 0, 64);
	*ctx = (struct prog_bytes){ NULL, 0 };
	if (!r->has_ingress)
		return;
	switch (r->info.kind) {
	case EBPF_PROG_VALE:
	case EBPF_PROG_VALE_BUF:
		off = 16; /* vale_bpf_md.ingress_port */
		ctx->len = 24;
		break;
	case EBPF_PROG_XDP:
		off = 12; /* xdp_md.ingress_ifindex */
		ctx->len = 24;
		break;
	default:
		return;
	}
	memcpy(room + off, &ingress, sizeof(ingress));
	ctx->data = room;
}

static int
replay_frames(struct cmd *cmd, struct replay *r, struct capture *capture,
	      struct capture_out *out)
{
	struct capture_frame frame;
	uint8_t ctx_room[64];
	struct prog_bytes ctx;
	int error;

	make_ctx(r, &ctx, ctx_room);
	while ((error = capture_next(cmd, capture, &frame)) == 1) {
		struct prog_bytes data = { (void *)frame.data, frame.len };
		struct prog_result result = { .out = NULL };

		r->frames++;
		r->bytes += frame.len;
		error = prog_run_once(cmd, r->info.id, &data, &ctx, 1,
				 EBPF_ENGINE_DEFAULT, &result);
		if (error == -EBPF_EINVAL && r->frames > 1) {
			r->refused++; /* too short for the kind */
			error = 0;
		} else if (error != 0) {
			error = prog_run_failed(cmd, &r->info, frame.len, error);
		} else {
			error = count(cmd, r, result.rep.retval, frame.len);
			if (error == 0 && out != NULL &&
			    (!r->has_filter ||
			     result.rep.retval == r->filter)) {
				error = capture_write(cmd, out, &frame,
						      result.data,
						      (uint32_t)
							      result.data_len);
				r->written++;
				r->out_broken = error != 0;
			}
		}
		free(result.out);
		if (error != 0)
			return error;
	}
	return error;
}

static void
show_replay(struct out *out, const struct replay *r)
{
	out_object(out, NULL);
	out_uint(out, "frames", "frames %", r->frames);
	out_uint(out, "bytes", "  bytes %\n", r->bytes);
	if (r->refused > 0)
		out_uint(out, "refused", "\ttoo short %\n", r->refused);
	out_array(out, "verdicts");
	for (size_t i = 0; i < r->tally_count; i++) {
		const struct tally *t = &r->tallies[i];
		const char *name = verdict_name(r->info.kind, t->verdict);

		out_object(out, NULL);
		out_text(out, "\t");
		out_uint(out, "verdict", "%", t->verdict);
		if (name != NULL)
			out_string(out, "name", " (%)", name);
		out_uint(out, "frames", "  frames %", t->frames);
		out_uint(out, "bytes", "  bytes %\n", t->bytes);
		out_end(out);
	}
	out_end(out);
	if (r->out_path != NULL && !r->out_broken) {
		out_uint(out, "written", "written % frames", r->written);
		out_string(out, "out", " to %\n", r->out_path);
	}
}

int
cmd_prog_replay(struct cmd *cmd)
{
	struct replay r = { .path = NULL };
	struct capture *capture = NULL;
	struct capture_out *out = NULL;
	int error = parse_replay(cmd, &r), close_error;

	if (error == 0)
		error = capture_open(cmd, r.path, &capture);
	if (error == 0 && r.out_path != NULL)
		error = capture_create(cmd, r.out_path, capture, &out);
	if (error == 0) {
		error = replay_frames(cmd, &r, capture, out);
		close_error = capture_finish(cmd, out);
		r.out_broken |= close_error != 0;
		if (error == 0)
			error = close_error;
		/* What was done before it went wrong counts all the same. */
		if (error == 0 || r.tally_count > 0) {
			if (r.tally_count > 1)
				qsort(r.tallies, r.tally_count,
				      sizeof(*r.tallies), compare_tallies);
			show_replay(cmd->out, &r);
			if (error == 0)
				out_end(cmd->out);
			else
				cmd->err.code = error = -CMD_EPARTLY;
		}
	}
	capture_close(capture);
	free(r.tallies);
	return error;
}
