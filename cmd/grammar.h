/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Grammars of command.def at work: check words against one and complete
 * shortened keywords, or list what may come next.
 */
#ifndef CMD_GRAMMAR_H
#define CMD_GRAMMAR_H

#include "cmd/command.h"

/* Checks cmd->words; completes keywords in place. CMD_EUSAGE. */
int grammar_check(struct cmd *cmd);

/*
 * Call each(cookie, text, len, is_symbol) for what may follow words[count], but
 * for options that are there already. A keyword among words is meant as one.
 * false when the words cannot be followed.
 */
bool grammar_next(const struct command *command, char **words, int count,
		  void (*each)(void *cookie, const char *text, size_t len,
			       bool is_symbol),
		  void *cookie);

#endif
