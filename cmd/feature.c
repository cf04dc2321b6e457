/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf feature: what the device's tables say it has. With no target named the
 * engine inside gebpf answers, so no device is started for a question.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"

struct features {
	struct ebpf_rep_features rep;
	uint32_t *numbers; /* helpers, map kinds, program kinds */
};

enum { NUMBER_MAX = 4096 };

static int
ask(struct cmd *cmd, uint32_t prog_kind, struct features *features)
{
	struct ebpf_req_features req = { .prog_kind = prog_kind };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_FEATURES,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &features->rep,
		.rep_len = sizeof(features->rep),
		.out_room = NUMBER_MAX * sizeof(uint32_t),
	};
	uint64_t count;
	int error;

	memset(features, 0, sizeof(*features));
	features->numbers = calloc(NUMBER_MAX, sizeof(uint32_t));
	if (features->numbers == NULL)
		return cmd_no_memory(cmd);
	call.out = features->numbers;
	error = gebpf_request(cmd->dev, &call);
	count = (uint64_t)features->rep.helper_count +
		features->rep.map_kind_count + features->rep.prog_kind_count;
	if (error == 0 && count * sizeof(uint32_t) > call.out_len)
		error = -EBPF_EPROTO;
	if (error != 0) {
		free(features->numbers);
		features->numbers = NULL;
		return cmd_fail(cmd, error, "asking for features failed: %s",
				gebpf_error_text(error));
	}
	return 0;
}

static const uint32_t *
map_kinds(const struct features *f)
{
	return f->numbers + f->rep.helper_count;
}

static const uint32_t *
prog_kinds(const struct features *f)
{
	return map_kinds(f) + f->rep.map_kind_count;
}

static bool
has(const uint32_t *numbers, uint32_t count, uint32_t number)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* ---- list_builtins ---- */

int
cmd_feature_builtins(struct cmd *cmd)
{
	struct features f = { .numbers = NULL };
	const char *group = cmd_take(cmd);
	struct out *out = cmd->out;
	int error;

	if (group == NULL || cmd_done(cmd) != 0)
		return cmd->err.code;
	error = cmd_open_offline(cmd);
	if (error == 0)
		error = ask(cmd, 0, &f);
	if (error != 0)
		return error;
	out_array(out, NULL);
	if (strcmp(group, "helpers") == 0) {
		for (uint32_t i = 0; i < f.rep.helper_count; i++) {
			const char *name = gebpf_helper_name(f.numbers[i]);
			char text[80] = "bpf_";

			if (name == NULL)
				continue;
			strncat(text, name, sizeof(text) - 5);
			out_string(out, NULL, "%\n", text);
		}
	} else if (strcmp(group, "map_types") == 0) {
		for (uint32_t i = 0; i < f.rep.map_kind_count; i++) {
			const char *name =
				gebpf_map_kind_name(map_kinds(&f)[i]);

			if (name != NULL)
				out_string(out, NULL, "%\n", name);
		}
	} else if (strcmp(group, "prog_types") == 0) {
		for (uint32_t i = 0; i < f.rep.prog_kind_count; i++) {
			const char *name =
				gebpf_prog_kind_name(prog_kinds(&f)[i]);

			if (name != NULL)
				out_string(out, NULL, "%\n", name);
		}
	} else if (f.rep.hooks & 1) { /* attach_types, link_types */
		out_string(out, NULL, "%\n", "vale");
	}
	out_end(out);
	free(f.numbers);
	return 0;
}

/* ---- probe ---- */

/* bpftool's sentences: "eBPF map_type hash is available". */
static void
available(struct out *out, const char *key_prefix, const char *what,
	  const char *name, bool yes)
{
	char key[100];

	strcpy(key, "have_");
	strncat(key, name, 60);
	strcat(key, key_prefix);
	out_text(out, "eBPF %s %s is %savailable\n", what, name,
		 yes ? "" : "NOT ");
	out_bool(out, key, NULL, yes);
}

static int
probe_helpers(struct cmd *cmd, const struct features *all)
{
	struct out *out = cmd->out;

	out_text(out, "\nScanning eBPF helper functions...\n");
	out_object(out, "helpers");
	for (uint32_t i = 0; i < all->rep.prog_kind_count; i++) {
		uint32_t kind = prog_kinds(all)[i];
		const char *kind_name = gebpf_prog_kind_name(kind);
		char key[100];
		struct features f;
		int error;

		if (kind_name == NULL)
			continue;
		error = ask(cmd, kind, &f);
		if (error != 0)
			return error;
		out_text(out, "eBPF helpers supported for program type %s:\n",
			 kind_name);
		strcpy(key, kind_name);
		strcat(key, "_available_helpers");
		out_array(out, key);
		for (uint32_t h = 0; h < f.rep.helper_count; h++) {
			const char *name = gebpf_helper_name(f.numbers[h]);
			char text[80] = "bpf_";

			if (name == NULL)
				continue;
			strncat(text, name, sizeof(text) - 5);
			out_string(out, NULL, "\t- %\n", text);
		}
		out_end(out);
		free(f.numbers);
	}
	out_end(out);
	return 0;
}

int
cmd_feature_probe(struct cmd *cmd)
{
	struct features f = { .numbers = NULL };
	struct out *out = cmd->out;
	int error;

	cmd_take_if(cmd, "kernel"); /* bpftool's word for the target */
	error = cmd_done(cmd);
	if (error == 0)
		error = cmd_open_offline(cmd);
	if (error == 0)
		error = ask(cmd, 0, &f);
	if (error != 0)
		return error;
	out_object(out, NULL);
	out_text(out, "Scanning device...\n");
	out_object(out, "device");
	out_string(out, "target", "target: %\n", gebpf_target(cmd->dev));
	if (f.rep.jit[0] != '\0') {
		out_string(out, "jit", "JIT compiler: %\n", f.rep.jit);
	} else {
		out_text(out, "JIT compiler: none\n");
		out_null(out, "jit");
	}
	out_uint(out, "insn_max", "instructions of a program: at most %\n",
		 f.rep.insn_max);
	out_uint(out, "stack_max", "stack: at most % bytes\n",
		 f.rep.stack_max);
	out_uint(out, "frame_max", "nested functions: at most %\n",
		 f.rep.frame_max);
	out_uint(out, "tail_call_max", "tail calls in a run: at most %\n",
		 f.rep.tail_call_max);
	out_bool(out, "have_vale_hook", NULL, f.rep.hooks & 1);
	out_text(out, "hook vale is %savailable\n",
		 f.rep.hooks & 1 ? "" : "NOT ");
	if (!(f.rep.hooks & 1) &&
	    strncmp(gebpf_target(cmd->dev), "kernel", 6) == 0)
		out_string(out, "vale_hook_hint", "\t%\n",
			   "it needs netmap: make kmod NETMAP=DIR, insmod "
			   "netmap.ko, insmod vale_bpf.ko; gebpf doctor tells "
			   "what of it is there");
	out_end(out);
	out_text(out, "\nScanning eBPF program types...\n");
	out_object(out, "program_types");
#define EBPF_PROG_KIND(KIND, number, name, alias, section)           \
	available(out, "_prog_type", "program_type", name,           \
		  has(prog_kinds(&f), f.rep.prog_kind_count, number));
#include "abi/prog_kind.def"
	out_end(out);
	out_text(out, "\nScanning eBPF map types...\n");
	out_object(out, "map_types");
#define EBPF_MAP_KIND(KIND, number, name)                  \
	available(out, "_map_type", "map_type", name,      \
		  has(map_kinds(&f), f.rep.map_kind_count, number));
#include "abi/map_kind.def"
	out_end(out);
	error = probe_helpers(cmd, &f);
	if (error == 0)
		out_end(out);
	free(f.numbers);
	return error;
}
