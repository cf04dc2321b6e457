/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From words to a command: options out, noun and verb found, help caught,
 * grammar checked, function called, error shown. main and batch call it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/grammar.h"
#include "cmd/run.h"

static int
set_color(struct cmd *cmd, const char *when)
{
	const char *none = getenv("NO_COLOR");

	if (strcmp(when, "always") == 0)
		cmd->color_err = true;
	else if (strcmp(when, "never") == 0)
		cmd->color_err = false;
	else if (strcmp(when, "auto") == 0)
		cmd->color_err = isatty(STDERR_FILENO) &&
				 (none == NULL || *none == '\0');
	else
		return cmd_fail(cmd, CMD_EUSAGE,
				"--color takes auto, always or never, not '%s'",
				when);
	return 0;
}

static const struct {
	char letter; /* 0: none */
	const char *name;
	bool value;
} options[] = {
	{ 'j', "json", false },	  { 'p', "pretty", false },
	{ 0, "yaml", false },	  { 'd', "debug", false },
	{ 'f', "pins", false },	  { 0, "bpffs", false },
	{ 'q', "quiet", false },  { 't', "target", true },
	{ 0, "color", true },	  { 'V', "version", false },
	{ 'h', "help", false },
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

static int
apply_option(struct cmd *cmd, struct run_words *run, const char *name,
	     const char *value)
{
	if (cmd->in_batch && strcmp(name, "help") != 0 &&
	    strcmp(name, "debug") != 0 && strcmp(name, "pins") != 0 &&
	    strcmp(name, "bpffs") != 0)
		return cmd_fail(cmd, CMD_EUSAGE,
				"--%s holds for a whole batch: give it before "
				"'batch'",
				name);
	if (strcmp(name, "json") == 0)
		cmd->style = cmd->style == OUT_PRETTY ? OUT_PRETTY : OUT_JSON;
	else if (strcmp(name, "pretty") == 0)
		cmd->style = OUT_PRETTY;
	else if (strcmp(name, "yaml") == 0)
		cmd->style = OUT_YAML;
	else if (strcmp(name, "debug") == 0)
		cmd->debug = true;
	else if (strcmp(name, "pins") == 0 || strcmp(name, "bpffs") == 0)
		cmd->pins = true;
	else if (strcmp(name, "quiet") == 0)
		cmd->quiet = true;
	else if (strcmp(name, "target") == 0)
		cmd->target = value;
	else if (strcmp(name, "color") == 0)
		return set_color(cmd, value);
	else if (strcmp(name, "version") == 0)
		run->version = true;
	else
		run->help = true;
	return 0;
}

/*
 * Is words[i] an option of ours? Returns the words used, 0 for no option of
 * ours, or an error.
 */
static int
take_option(struct cmd *cmd, struct run_words *run, int count, char **words,
	    int i)
{
	const char *word = words[i], *value;
	int error;

	if (word[0] != '-' || word[1] == '\0')
		return 0;
	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");

		for (int o = 0; o < OPTION_COUNT; o++) {
			int used = 1;

			if (strlen(options[o].name) != len || len == 0 ||
			    memcmp(options[o].name, word + 2, len) != 0)
				continue;
			value = word[2 + len] == '=' ? word + 3 + len : NULL;
			if (!options[o].value && value != NULL)
				return cmd_fail(cmd, CMD_EUSAGE,
						"--%s takes no value",
						options[o].name);
			if (options[o].value && value == NULL) {
				if (i + 1 >= count)
					return cmd_fail(cmd, CMD_EUSAGE,
							"--%s wants a value",
							options[o].name);
				value = words[i + 1];
				used = 2;
			}
			error = apply_option(cmd, run, options[o].name, value);
			return error != 0 ? error : used;
		}
		return 0;
	}
	/* -jp is -j -p; the last of a cluster may take the next word. */
	for (const char *c = word + 1; *c != '\0'; c++) {
		int o = 0;

		while (o < OPTION_COUNT && options[o].letter != *c)
			o++;
		if (o == OPTION_COUNT)
			return 0;
		if (options[o].value)
			break;
	}
	for (const char *c = word + 1; *c != '\0'; c++) {
		int o = 0;

		while (options[o].letter != *c)
			o++;
		if (options[o].value) {
			value = c[1] != '\0' ? c + 1 : NULL;
			if (value == NULL && i + 1 >= count)
				return cmd_fail(cmd, CMD_EUSAGE,
						"-%c wants a value", *c);
			error = apply_option(cmd, run, options[o].name,
					     value != NULL ? value
							   : words[i + 1]);
			return error != 0 ? error : value != NULL ? 1 : 2;
		}
		error = apply_option(cmd, run, options[o].name, NULL);
		if (error != 0)
			return error;
	}
	return 1;
}

static bool
take_engine(struct cmd *cmd, const char *word)
{
	if (strcmp(word, "-j") == 0 || strcmp(word, "--jit") == 0)
		cmd->use_jit = true;
	else if (strcmp(word, "-i") == 0 || strcmp(word, "--interp") == 0)
		cmd->use_interp = true;
	else
		return false;
	return true;
}

/* Not -, not a negative number. */
static bool
looks_like_option(const char *word)
{
	return word[0] == '-' &&
	       (isalpha((unsigned char)word[1]) || word[1] == '-');
}

/* A dash word that is none of ours and not in the command's grammar. */
static int
unknown_option(struct cmd *cmd, const char *word)
{
	const char *names[OPTION_COUNT], *near = NULL;

	for (int o = 0; o < OPTION_COUNT; o++)
		names[o] = options[o].name;
	if (word[1] == '-')
		near = command_nearest(word + 2, names, OPTION_COUNT);
	cmd_fail(cmd, CMD_EUSAGE, "'%s' is no option that gebpf knows", word);
	if (near != NULL)
		return cmd_hint(cmd, "did you mean '--%s'?", near);
	return cmd_hint(cmd, "gebpf help lists the options");
}

int
run_resolve(struct cmd *cmd, int count, char **words, struct run_words *run)
{
	bool verbatim = false;
	int error = 0, used, kept = 0;

	memset(run, 0, sizeof(*run));
	cmd->command = NULL;
	cmd->use_jit = cmd->use_interp = false;
	for (int i = 0; i < count; i += used) {
		char *word = words[i];

		used = 1;
		if (!verbatim && strcmp(word, "--") == 0) {
			verbatim = true;
			continue;
		}
		if (!verbatim && word[0] == '-') {
			if (cmd->command != NULL &&
			    (cmd->command->flags & CMD_F_ENGINE) &&
			    take_engine(cmd, word))
				continue;
			used = take_option(cmd, run, count, words, i);
			if (used < 0)
				return used;
			if (used > 0)
				continue;
			used = 1;
			if (looks_like_option(word) &&
			    (cmd->command == NULL ||
			     strstr(cmd->command->grammar, word) == NULL))
				return unknown_option(cmd, word);
		}
		if (run->noun == NULL) {
			run->noun = command_find_noun(cmd, word);
			if (run->noun == NULL)
				return cmd->err.code;
			/* help and version have no verb */
			cmd->command = command_default(run->noun);
			if (cmd->command != NULL &&
			    *cmd->command->verbs != '\0')
				cmd->command = NULL;
		} else if (cmd->command == NULL) {
			if (strcmp(word, "help") == 0) {
				run->help = true;
				break;
			}
			cmd->command =
				command_find_verb(cmd, run->noun, word);
			if (cmd->command == NULL)
				return cmd->err.code;
			run->has_verb = true;
		} else {
			words[kept++] = word;
		}
	}
	cmd->words = words;
	cmd->count = kept;
	cmd->at = 0;
	if (kept == 1 && strcmp(words[0], "help") == 0 &&
	    strcmp(run->noun, "help") != 0)
		run->help = true;
	return error;
}

static int
nothing_named(struct cmd *cmd, const char *noun)
{
	cmd_fail(cmd, CMD_EUSAGE, "%s: no command is given", noun);
	return cmd_hint(cmd, "gebpf %s help lists what there is", noun);
}

int
run_resolved(struct cmd *cmd, const struct run_words *run)
{
	int error;

	if (run->version)
		return cmd_version(cmd);
	if (run->help || run->noun == NULL) {
		command_help(cmd, run->noun,
			     run->has_verb ||
					     (cmd->command != NULL &&
					      *cmd->command->verbs == '\0')
				     ? cmd->command
				     : NULL);
		return 0;
	}
	if (cmd->command == NULL)
		cmd->command = command_default(run->noun);
	if (cmd->command == NULL)
		return nothing_named(cmd, run->noun);
	error = grammar_check(cmd);
	if (error != 0)
		return error;
	cmd->dev = NULL;
	return cmd->command->run(cmd);
}

int
run_finish(struct cmd *cmd, int error, const char *key, unsigned int depth)
{
	struct out *out = cmd->out;
	bool wrote = out->depth > depth || out->anything;

	if (error == 0 && out->error != 0) {
		error = cmd_fail(cmd, out->error, "cannot write the output");
		/* whoever closed the pipe has seen enough */
		cmd->err_shown = out->error == -EBPF_ECANCELED;
	}
	if (error == -EBPF_EBADF && cmd->err.hint[0] == '\0')
		cmd_hint(cmd, "the device has ended; the next command starts "
			      "or finds another");
	if (error != 0 && out_is_plain(out)) {
		if (!cmd->err_shown)
			cmd_error_print(cmd);
	} else if (error != 0 && !cmd->err_shown) {
		/* One value, whatever happened: an error is the value, or the
		 * last element of a list, or members of an object. */
		out_unwind(out, depth + 1);
		if (out->depth > depth && out->open[depth] == '{')
			cmd_error_members(cmd);
		else if (out->depth > depth)
			cmd_error_object(cmd, NULL);
		else if (!wrote || out->lines)
			cmd_error_object(cmd, key);
		else
			cmd_error_print(cmd);
	} else if (!wrote && !out_is_plain(out)) {
		out_null(out, key);
	}
	out_unwind(out, depth);
	cmd->err_shown = false;
	free(cmd->report);
	cmd->report = NULL;
	return error;
}
