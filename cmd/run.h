/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The steps from words to a finished command, for main and batch. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cmd/cmd.h"

struct run_words {
	const char *noun;
	bool has_verb; /* cmd->command was named, not defaulted */
	bool help, version;
};

/* Options into cmd, noun and verb into run and cmd->command, the rest into
 * cmd->words (compacted in place). */
int run_resolve(struct cmd *cmd, int count, char **words,
		struct run_words *run);
/* Help, or check the grammar and run. */
int run_resolved(struct cmd *cmd, const struct run_words *run);
/*
 * Make the output whole: show an error, or say null where nothing was said.
 * depth: what was open before; key: of the value, inside an object. The caller
 * resets out->anything before the command. Returns error.
 */
int run_finish(struct cmd *cmd, int error, const char *key,
	       unsigned int depth);

#endif
