/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Reading a command's words one by one, and opening the device it talks to.
 * The grammar has been checked before (grammar.c), so errors here are about
 * what a word holds, not where it stands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"

const char *
cmd_peek(const struct cmd *cmd)
{
	return cmd->at < cmd->count ? cmd->words[cmd->at] : NULL;
}

const char *
cmd_take(struct cmd *cmd)
{
	char usage[600];

	if (cmd->at < cmd->count)
		return cmd->words[cmd->at++];
	command_usage_line(cmd->command, usage, sizeof(usage));
	cmd_fail(cmd, CMD_EUSAGE, "%s %.*s: a word is missing at the end",
		 cmd->command->noun, (int)strcspn(cmd->command->verbs, "|"),
		 cmd->command->verbs);
	cmd_hint(cmd, "%s", usage);
	return NULL;
}

bool
cmd_take_if(struct cmd *cmd, const char *keyword)
{
	const char *word = cmd_peek(cmd);

	if (word == NULL || strcmp(word, keyword) != 0)
		return false;
	cmd->at++;
	return true;
}

int
cmd_done(struct cmd *cmd)
{
	char usage[600];

	if (cmd->at >= cmd->count)
		return 0;
	command_usage_line(cmd->command, usage, sizeof(usage));
	cmd_fail(cmd, CMD_EUSAGE, "%s %.*s: '%s' is not expected here",
		 cmd->command->noun, (int)strcspn(cmd->command->verbs, "|"),
		 cmd->command->verbs, cmd->words[cmd->at]);
	return cmd_hint(cmd, "%s", usage);
}

bool
cmd_parse_number(const char *text, uint64_t *v)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*v = strtoull(text, &end, 0);
	return errno == 0 && *end == '\0';
}

int
cmd_number(struct cmd *cmd, const char *what, uint64_t max, uint64_t *v)
{
	const char *word = cmd_take(cmd);

	if (word == NULL)
		return cmd->err.code;
	if (!cmd_parse_number(word, v))
		return cmd_fail(cmd, CMD_EUSAGE, "%s '%s' is no number", what,
				word);
	if (*v > max)
		return cmd_fail(cmd, CMD_EUSAGE, "%s %s is above %llu", what,
				word, (unsigned long long)max);
	return 0;
}

int
cmd_copy_name(struct cmd *cmd, const char *what, const char *word, char *name,
	      size_t size)
{
	if (*word == '\0')
		return cmd_fail(cmd, CMD_EUSAGE, "%s is empty", what);
	if (strlen(word) >= size)
		return cmd_fail(cmd, EBPF_ENAMETOOLONG,
				"%s '%.40s...' is longer than %zu bytes", what,
				word, size - 1);
	memset(name, 0, size);
	memcpy(name, word, strlen(word));
	return 0;
}

int
cmd_pin_name(struct cmd *cmd, const char *word, char *pin)
{
	size_t len;

	while (*word == '/')
		word++;
	len = strlen(word);
	if (len > 0 && word[len - 1] == '/')
		return cmd_fail(cmd, CMD_EUSAGE, "pin '%s' ends with a slash",
				word);
	return cmd_copy_name(cmd, "the pin name", word, pin, EBPF_PIN_SIZE);
}

int
cmd_open_failed(struct cmd *cmd, int error, const struct gebpf_error *why)
{
	/* what the library calls invalid is the target's word */
	cmd_fail(cmd, error == -EBPF_EINVAL ? CMD_EUSAGE : error, "%s",
		 why->text[0] != '\0' ? why->text : gebpf_error_text(error));
	if (why->hint[0] != '\0')
		cmd_hint(cmd, "%s", why->hint);
	return cmd->err.code;
}

static int
open_target(struct cmd *cmd, const char *target, struct gebpf_device **device)
{
	struct gebpf_error why = { .code = 0 };
	int error;

	error = gebpf_open(target, cmd->quiet ? GEBPF_OPEN_QUIET : 0, device,
			   &why);
	return error != 0 ? cmd_open_failed(cmd, error, &why) : 0;
}

int
cmd_open(struct cmd *cmd)
{
	if (cmd->device == NULL &&
	    open_target(cmd, cmd->target, &cmd->device) != 0)
		return cmd->err.code;
	cmd->dev = cmd->device;
	return 0;
}

int
cmd_open_offline(struct cmd *cmd)
{
	const char *env = getenv("GEBPF_TARGET");

	if (cmd->target != NULL || (env != NULL && *env != '\0') ||
	    !(cmd->command->flags & CMD_F_OFFLINE))
		return cmd_open(cmd);
	if (cmd->local == NULL &&
	    open_target(cmd, "local", &cmd->local) != 0)
		return cmd->err.code;
	cmd->dev = cmd->local;
	return 0;
}
