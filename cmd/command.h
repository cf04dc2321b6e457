/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The command table as C: look a command up by words, check the words after it
 * against its grammar, print usage. Knows no command's meaning.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/cmd.h"

enum command_flags {
	CMD_F_DEFAULT = 1u << 0, /* runs when the noun stands alone */
	CMD_F_OFFLINE = 1u << 1, /* a file needs no device: "local" unless told */
	CMD_F_ENGINE = 1u << 2,	 /* -j and -i are its own: JIT, interpreter */
};

struct command {
	const char *noun;
	const char *verbs; /* "show|list" */
	int (*run)(struct cmd *cmd);
	unsigned int flags;
	const char *grammar;
	const char *help;
};
struct command_noun {
	const char *noun;
	const char *help;
};
struct command_symbol {
	const char *name;
	const char *grammar;
	const char *help;
};

extern const struct command commands[]; /* ends with noun NULL */
extern const struct command_noun command_nouns[];
extern const struct command_symbol command_symbols[];

const struct command_symbol *command_symbol(const char *name, size_t len);

/*
 * The noun or verb that a word means: exact, or the unique beginning. NULL
 * fills the error (with "did you mean"). A verb's first name is returned.
 */
const char *command_find_noun(struct cmd *cmd, const char *word);
const struct command *command_find_verb(struct cmd *cmd, const char *noun,
					const char *word);
const struct command *command_default(const char *noun); /* NULL: none */

/* The word of list[] nearest to word, or NULL if none is near. */
const char *command_nearest(const char *word, const char *const *list,
			    size_t count);
bool command_is_near(const char *word, const char *other, size_t *distance);

/* One line: "gebpf prog pin PROG PIN". For the writer and for hints. */
void command_usage_line(const struct command *command, char *text,
			size_t size);
/* Help about everything (noun NULL), a noun, or a command, on cmd->out. */
void command_help(struct cmd *cmd, const char *noun,
		  const struct command *command);

#endif
