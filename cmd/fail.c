/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Errors of the command line: what exit code they mean and how they are shown.
 * Diagnostics go to stderr; with JSON or YAML the error is also the value.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/load.h"

int
cmd_fail(struct cmd *cmd, int code, const char *format, ...)
{
	va_list args;

	cmd->err.code = code < 0 ? code : -code;
	cmd->err.hint[0] = '\0';
	va_start(args, format);
	vsnprintf(cmd->err.text, sizeof(cmd->err.text), format, args);
	va_end(args);
	return cmd->err.code;
}

int
cmd_hint(struct cmd *cmd, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(cmd->err.hint, sizeof(cmd->err.hint), format, args);
	va_end(args);
	return cmd->err.code;
}

int
cmd_no_memory(struct cmd *cmd)
{
	return cmd_fail(cmd, EBPF_ENOMEM, "out of memory");
}

int
cmd_no_switch(struct cmd *cmd, int error, const char *name)
{
	cmd_fail(cmd, error, "there is no switch '%s'", name);
	if (strncmp(name, "vale", 4) != 0)
		return cmd_hint(cmd, "gebpf vale show lists them; names begin "
				     "with 'vale', followed by letters and "
				     "digits");
	return cmd_hint(cmd, "gebpf vale show lists them; gebpf vale create "
			     "%s makes it",
			name);
}

int
cmd_no_switches(struct cmd *cmd, int error)
{
	const char *target = gebpf_target(cmd->dev);

	if (strncmp(target, "kernel", 6) != 0) {
		cmd_fail(cmd, error, "%s: switches cannot be managed there",
			 target);
		return cmd_hint(cmd, "the embedded device has switches: -t "
				     "embedded");
	}
	cmd_fail(cmd, error, "%s: no switches there: module vale_bpf is not "
			     "loaded",
		 target);
	return cmd_hint(cmd, "install netmap, make kmod NETMAP=DIR with its "
			     "sources, then: insmod netmap.ko; insmod "
			     "vale_bpf.ko; -t embedded has switches without");
}

enum cmd_exit
cmd_exit_code(int code)
{
	switch (code < 0 ? -code : code) {
	case 0:
		return CMD_EXIT_OK;
	case CMD_EUSAGE:
		return CMD_EXIT_USAGE;
	case EBPF_ENOENT:
		return CMD_EXIT_NOT_FOUND;
	case EBPF_EREJECTED:
		return CMD_EXIT_REJECTED;
	case EBPF_ENODEV:
	case EBPF_EPERM:
	case EBPF_EACCES:
	case EBPF_EBADF:
	case EBPF_EVERSION:
	case EBPF_EPROTO:
		return CMD_EXIT_DEVICE;
	case EBPF_EUNSUPPORTED:
	case EBPF_EJIT:
		return CMD_EXIT_UNSUPPORTED;
	case EBPF_EEXIST:
	case EBPF_EBUSY:
		return CMD_EXIT_BUSY;
	case CMD_EPARTLY:
		return CMD_EXIT_PARTLY;
	case CMD_EEXPECT:
		return CMD_EXIT_EXPECT;
	default:
		return CMD_EXIT_FAILED;
	}
}

const char *
cmd_error_name(int code)
{
	const char *name;

	switch (code < 0 ? -code : code) {
	case CMD_EUSAGE:
		return "EUSAGE";
	case CMD_EPARTLY:
		return "EPARTLY";
	case CMD_EEXPECT:
		return "EEXPECT";
	default:
		name = gebpf_error_name(code);
		return name != NULL ? name : "EUNKNOWN";
	}
}

void
cmd_error_members(struct cmd *cmd)
{
	struct out *out = cmd->out;

	out_string(out, "error", NULL, cmd->err.text);
	out_string(out, "code", NULL, cmd_error_name(cmd->err.code));
	out_string(out, "hint", NULL, cmd->err.hint);
	if (cmd->err.code == -EBPF_EREJECTED && cmd->report != NULL) {
		out_object(out, "rejection");
		explain_members(out, cmd->report);
		out_end(out);
	}
}

void
cmd_error_object(struct cmd *cmd, const char *key)
{
	out_object(cmd->out, key);
	cmd_error_members(cmd);
	out_end(cmd->out);
}

static void
print_line(struct cmd *cmd, const char *color, const char *word,
	   const char *text)
{
	if (cmd->color_err)
		fprintf(stderr, "\033[%sm%s\033[0m ", color, word);
	else
		fprintf(stderr, "%s ", word);
	for (; *text != '\0'; text++) {
		unsigned char u = (unsigned char)*text;

		fputc((u < 32 && u != '\n' && u != '\t') || u == 127 ? '?' : u,
		      stderr);
	}
	fputc('\n', stderr);
}

void
cmd_error_print(struct cmd *cmd)
{
	fflush(cmd->out != NULL ? cmd->out->file : stdout);
	print_line(cmd, "1;31", "Error:", cmd->err.text);
	if (cmd->err.hint[0] != '\0')
		print_line(cmd, "1;36", "Hint:", cmd->err.hint);
}

void
cmd_note(struct cmd *cmd, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (cmd->quiet)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_line(cmd, "1", "gebpf:", text);
}

void
cmd_warn(struct cmd *cmd, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_line(cmd, "1;33", "Warning:", text);
}
