/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf help and gebpf version.
 */
#include <string.h>

#include "cmd/command.h"

int
cmd_help(struct cmd *cmd)
{
	const struct command *command = NULL;
	const char *noun = NULL, *word = cmd_peek(cmd);

	if (word != NULL) {
		noun = command_find_noun(cmd, cmd_take(cmd));
		if (noun == NULL)
			return cmd->err.code;
		word = cmd_peek(cmd);
	}
	if (word != NULL) {
		command = command_find_verb(cmd, noun, cmd_take(cmd));
		if (command == NULL)
			return cmd->err.code;
	} else if (noun != NULL) {
		command = command_default(noun);
		if (command != NULL && *command->verbs != '\0')
			command = NULL;
	}
	if (cmd_done(cmd) != 0)
		return cmd->err.code;
	command_help(cmd, noun, command);
	return 0;
}

int
cmd_version(struct cmd *cmd)
{
	struct out *out = cmd->out;

	out_object(out, NULL);
	out_string(out, "version", "gebpf v%\n", GEBPF_VERSION);
	out_uint(out, "wire_version", "device messages: version %\n",
		 EBPF_WIRE_VERSION);
	out_object(out, "features");
	out_bool(out, "libebpf", "features: libebpf", true);
	out_bool(out, "yaml", ", yaml\n", true);
	out_end(out);
	out_end(out);
	return 0;
}
