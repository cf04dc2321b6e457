/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog replay: what a program says to every frame of a capture, and the
 * frames for which it says what is asked for as a capture again.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/input.h"
#include "cmd/prog_run.h"

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
