/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Object files on the command line: opened (or compiled), a program chosen,
 * its kind settled, loaded, and the verifier's answer told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/load.h"

enum { LOG_SIZE = 1 << 20, REPORT_SIZE = 64 << 10 };

static int
fail_from(struct cmd *cmd, int error, const struct gebpf_error *why)
{
	cmd_fail(cmd, error, "%s", why->text[0] != '\0'
					   ? why->text
					   : gebpf_error_text(error));
	if (why->hint[0] != '\0')
		cmd_hint(cmd, "%s", why->hint);
	return cmd->err.code;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a > b && strcmp(text + a - b, end) == 0;
}

/* "l2" of dir/l2.bpf.o */
static void
base_name(const char *path, char *base, size_t size)
{
	static const char *const ends[] = { ".o", ".c", ".bpf" };
	const char *slash = strrchr(path, '/');

	snprintf(base, size, "%s", slash != NULL ? slash + 1 : path);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends_with(base, ends[i]))
			base[strlen(base) - strlen(ends[i])] = '\0';
}

int
load_file_open(struct cmd *cmd, const char *path, struct load_file *file)
{
	struct gebpf_error why = { .code = 0 };
	const char *warnings;
	void *data;
	size_t len;
	int error;

	memset(file, 0, sizeof(*file));
	file->path = path;
	base_name(path, file->base, sizeof(file->base));
	if (access(path, F_OK) != 0)
		return cmd_fail(cmd, EBPF_ENOENT, "cannot open '%s': %s", path,
				strerror(errno));
	if (ends_with(path, ".c")) {
		error = compile_source(cmd, path, &data, &len);
		if (error != 0)
			return error;
		error = gebpf_object_open_mem(data, len, file->base,
					      &file->object, &why);
		free(data);
	} else {
		error = gebpf_object_open(path, &file->object, &why);
	}
	if (error != 0)
		return fail_from(cmd, error, &why);
	warnings = gebpf_object_warnings(file->object);
	if (warnings != NULL && *warnings != '\0' && !cmd->quiet)
		cmd_warn(cmd, "%s: %s", path, warnings);
	return 0;
}

int
load_parse_kind(struct cmd *cmd, uint32_t *kind)
{
	const char *word = cmd_take(cmd);

	if (word == NULL)
		return cmd->err.code;
	*kind = gebpf_prog_kind_number(word);
	if (*kind == 0) /* bpftool also takes section names */
		*kind = gebpf_prog_kind_of_section(word);
	if (*kind == 0 && strcmp(word, "classifier") == 0)
		*kind = EBPF_PROG_TC;
	if (*kind == 0) {
		cmd_fail(cmd, CMD_EUSAGE, "'%s' is no program type", word);
		return cmd_hint(cmd, "gebpf feature list_builtins prog_types "
				     "lists them");
	}
	return 0;
}

int
load_file_words(struct cmd *cmd, struct load_file *file)
{
	const char *path = cmd_take(cmd), *prog = NULL;
	uint32_t kind = 0;
	int error;

	memset(file, 0, sizeof(*file));
	if (path == NULL)
		return cmd->err.code;
	for (;;) {
		if (cmd->at + 1 < cmd->count && cmd_take_if(cmd, "prog")) {
			prog = cmd_take(cmd);
		} else if (cmd->at + 1 < cmd->count &&
			   cmd_take_if(cmd, "type")) {
			error = load_parse_kind(cmd, &kind);
			if (error != 0)
				return error;
		} else {
			break;
		}
	}
	error = load_file_open(cmd, path, file);
	file->prog = prog;
	file->kind = kind;
	return error;
}

void
load_file_close(struct load_file *file)
{
	gebpf_object_close(file->object);
	file->object = NULL;
}

int
load_set_kind(struct cmd *cmd, struct load_file *file,
	      struct gebpf_obj_prog *prog)
{
	if (file->kind != 0)
		prog->kind = file->kind;
	if (prog->kind != 0)
		return 0;
	cmd_fail(cmd, EBPF_EINVAL,
		 "%s: program '%s': section '%s' does not say what type it is",
		 file->path, prog->name, prog->section);
	return cmd_hint(cmd, "add 'type vale', or another of: vale, vale_buf, "
			     "xdp, tc, socket, raw");
}

static int
no_such_prog(struct cmd *cmd, struct load_file *file)
{
	size_t count = gebpf_object_prog_count(file->object), n = 0;
	const char *names[64], *near;
	char list[400] = "";

	for (size_t i = 0; i < count && i < 64; i++) {
		names[i] = gebpf_object_prog(file->object, i)->name;
		if (n < sizeof(list) - EBPF_NAME_SIZE - 3)
			n += (size_t)snprintf(list + n, sizeof(list) - n,
					      "%s%s", i > 0 ? ", " : "",
					      names[i]);
	}
	cmd_fail(cmd, EBPF_ENOENT, "%s has no program '%s'; it has: %s",
		 file->path, file->prog, list);
	near = command_nearest(file->prog, names, count < 64 ? count : 64);
	if (near != NULL)
		cmd_hint(cmd, "did you mean '%s'?", near);
	return cmd->err.code;
}

int
load_file_pick(struct cmd *cmd, struct load_file *file,
	       struct gebpf_obj_prog **prog)
{
	size_t count = gebpf_object_prog_count(file->object);

	*prog = NULL;
	if (count == 0) {
		cmd_fail(cmd, EBPF_EINVAL, "%s contains no program",
			 file->path);
		return cmd_hint(cmd, "put a function into a section such as "
				     "SEC(\"vale\") or SEC(\"xdp\")");
	}
	for (size_t i = 0; i < count && *prog == NULL; i++) {
		struct gebpf_obj_prog *p = gebpf_object_prog(file->object, i);

		if (file->prog == NULL || strcmp(p->name, file->prog) == 0)
			*prog = p;
	}
	if (*prog == NULL)
		return no_such_prog(cmd, file);
	if (file->prog == NULL && count > 1)
		cmd_note(cmd, "%s has %zu programs; taking the first, '%s' "
			      "(choose with: prog NAME)",
			 file->path, count, (*prog)->name);
	return load_set_kind(cmd, file, *prog);
}

int
load_prog(struct cmd *cmd, struct load_file *file, struct gebpf_obj_prog *prog,
	  uint32_t flags, const char *name, uint32_t log_level, char **log,
	  struct ebpf_rep_prog_load *result)
{
	struct gebpf_error why = { .code = 0 };
	struct ebpf_rep_prog_load own;
	struct gebpf_load_options options = {
		.flags = flags,
		.name = name,
		.log_level = log_level,
		.log = calloc(1, LOG_SIZE),
		.log_size = LOG_SIZE,
		.result = result != NULL ? result : &own,
		.report_size = REPORT_SIZE,
	};
	int error;

	memset(options.result, 0, sizeof(*options.result));
	if (log != NULL)
		*log = NULL;
	free(cmd->report);
	options.report = cmd->report = calloc(1, REPORT_SIZE);
	if (options.log == NULL || options.report == NULL) {
		free(options.log);
		return cmd_no_memory(cmd);
	}
	if (cmd->debug && options.log_level == 0)
		options.log_level = 1;
	error = gebpf_object_load_prog(cmd->dev, file->object, prog, &options,
				       &why);
	if (cmd->debug && log == NULL)
		fputs(options.log, stderr);
	if (error == -EBPF_EREJECTED) {
		/* The whole explanation when the library gave only a word. */
		if (why.text[0] == '\0')
			snprintf(why.text, sizeof(why.text),
				 "program '%s' was rejected by the verifier",
				 prog->name);
		if (log == NULL && options.log[0] != '\0' && !cmd->debug &&
		    strstr(why.text, options.log) == NULL)
			fputs(options.log, stderr);
	}
	if (error != 0)
		fail_from(cmd, error, &why);
	if (error == -EBPF_EJIT && why.hint[0] == '\0')
		cmd_hint(cmd, "load it without -j to let the interpreter run "
			      "it");
	if (log != NULL)
		*log = options.log;
	else
		free(options.log);
	return error;
}

int
load_file_prog(struct cmd *cmd, struct load_file *file, uint32_t *id)
{
	struct gebpf_obj_prog *prog;
	struct ebpf_rep_prog_load result;
	int error = load_file_pick(cmd, file, &prog);

	if (error == 0)
		error = load_prog(cmd, file, prog, 0, NULL, 0, NULL, &result);
	*id = error == 0 ? (result.id != 0 ? result.id : prog->id) : 0;
	return error;
}
