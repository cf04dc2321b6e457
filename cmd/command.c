/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The command table as C, and what is read straight from it: finding commands
 * by whole or shortened words, the nearest word to a mistyped one, help.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"

const struct command_noun command_nouns[] = {
#define CMD_NOUN(noun, help) { noun, help },
#include "cmd/command.def"
	{ NULL, NULL },
};

const struct command commands[] = {
#define CMD_VERB(noun, verbs, function, flags, grammar, help) \
	{ noun, verbs, cmd_##function, flags, grammar, help },
#include "cmd/command.def"
	{ NULL, NULL, NULL, 0, NULL, NULL },
};

const struct command_symbol command_symbols[] = {
#define CMD_SYMBOL(name, grammar, help) { name, grammar, help },
#include "cmd/command.def"
	{ NULL, NULL, NULL },
};

const struct command_symbol *
command_symbol(const char *name, size_t len)
{
	for (const struct command_symbol *s = command_symbols; s->name != NULL;
	     s++)
		if (strlen(s->name) == len && memcmp(s->name, name, len) == 0)
			return s;
	return NULL;
}

/* ---- nearness ---- */

/* Levenshtein's distance with swapped neighbours counting once. */
static size_t
distance(const char *a, const char *b)
{
	enum { MAX = 40 };
	size_t la = strlen(a), lb = strlen(b);
	size_t d[MAX + 1][MAX + 1];

	if (la > MAX || lb > MAX)
		return MAX;
	for (size_t i = 0; i <= la; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++)
		for (size_t j = 1; j <= lb; j++) {
			size_t v = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < v)
				v = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < v)
				v = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < v)
				v = d[i - 2][j - 2] + 1;
			d[i][j] = v;
		}
	return d[la][lb];
}

bool
command_is_near(const char *word, const char *other, size_t *dist)
{
	size_t len = strlen(word);

	*dist = distance(word, other);
	return *dist <= (len < 3 ? 1 : len < 6 ? 2 : 3) && *dist < len;
}

const char *
command_nearest(const char *word, const char *const *list, size_t count)
{
	const char *best = NULL;
	size_t best_dist = 100;

	for (size_t i = 0; i < count; i++) {
		size_t dist;

		if (command_is_near(word, list[i], &dist) && dist < best_dist) {
			best = list[i];
			best_dist = dist;
		}
	}
	return best;
}

/* ---- finding ---- */

/* Is `word` the verb or a beginning of one? 2: exactly, 1: a beginning. */
static int
verb_match(const char *verbs, const char *word, const char **name, size_t *len)
{
	size_t word_len = strlen(word);
	int best = 0;

	for (const char *v = verbs; *v != '\0';) {
		size_t n = strcspn(v, "|");

		if (n >= word_len && word_len > 0 &&
		    memcmp(v, word, word_len) == 0) {
			int match = n == word_len ? 2 : 1;

			if (match > best) {
				best = match;
				*name = v;
				*len = n;
			}
		}
		v += n + (v[n] == '|');
	}
	return best;
}

const char *
command_find_noun(struct cmd *cmd, const char *word)
{
	const char *names[32], *found = NULL, *near;
	size_t count = 0, len = strlen(word);

	for (const struct command_noun *n = command_nouns; n->noun != NULL;
	     n++) {
		names[count++] = n->noun;
		if (strcmp(n->noun, word) == 0)
			return n->noun;
	}
	for (size_t i = 0; i < count; i++) {
		if (len == 0 || strncmp(names[i], word, len) != 0)
			continue;
		if (found != NULL) {
			cmd_fail(cmd, CMD_EUSAGE,
				 "'%s' is short for both '%s' and '%s'", word,
				 found, names[i]);
			return NULL;
		}
		found = names[i];
	}
	if (found != NULL)
		return found;
	cmd_fail(cmd, CMD_EUSAGE, "'%s' is no object that gebpf knows", word);
	near = command_nearest(word, names, count);
	if (near != NULL)
		cmd_hint(cmd, "did you mean '%s'?", near);
	else
		cmd_hint(cmd, "gebpf help lists what there is");
	return NULL;
}

const struct command *
command_find_verb(struct cmd *cmd, const char *noun, const char *word)
{
	const struct command *found = NULL;
	const char *names[64], *name = NULL, *near;
	char *copies[64];
	size_t count = 0, len = 0;

	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, noun) != 0)
			continue;
		switch (verb_match(c->verbs, word, &name, &len)) {
		case 2:
			return c;
		case 1:
			if (found != NULL) {
				cmd_fail(cmd, CMD_EUSAGE,
					 "%s: '%s' is short for both '%.*s' "
					 "and '%.*s'",
					 noun, word,
					 (int)strcspn(found->verbs, "|"),
					 found->verbs, (int)len, name);
				cmd_hint(cmd, "gebpf %s help lists them", noun);
				return NULL;
			}
			found = c;
			break;
		case 0:
			break;
		}
	}
	if (found != NULL)
		return found;
	cmd_fail(cmd, CMD_EUSAGE, "%s: '%s' is no command that gebpf knows",
		 noun, word);
	for (const struct command *c = commands; c->noun != NULL; c++) {
		const char *v = c->verbs;

		if (strcmp(c->noun, noun) != 0)
			continue;
		while (*v != '\0' && count < 64) {
			size_t n = strcspn(v, "|");

			copies[count] = strndup(v, n);
			if (copies[count] == NULL)
				break;
			names[count] = copies[count];
			count++;
			v += n + (v[n] == '|');
		}
	}
	near = command_nearest(word, names, count);
	if (near != NULL)
		cmd_hint(cmd, "did you mean 'gebpf %s %s'?", noun, near);
	else
		cmd_hint(cmd, "gebpf %s help lists what there is", noun);
	while (count > 0)
		free(copies[--count]);
	return NULL;
}

const struct command *
command_default(const char *noun)
{
	for (const struct command *c = commands; c->noun != NULL; c++)
		if (strcmp(c->noun, noun) == 0 && (c->flags & CMD_F_DEFAULT))
			return c;
	return NULL;
}

/* ---- help ---- */

/* The grammar as people read it: <required> items lose their brackets. */
static void
readable(const char *grammar, char *text, size_t size)
{
	size_t n = 0;

	for (; *grammar != '\0' && n + 1 < size; grammar++)
		if (*grammar != '<' && *grammar != '>')
			text[n++] = *grammar;
	text[n] = '\0';
}

void
command_usage_line(const struct command *command, char *text, size_t size)
{
	char grammar[512];

	readable(command->grammar, grammar, sizeof(grammar));
	snprintf(text, size, "gebpf %s%s%s%s%s", command->noun,
		 *command->verbs != '\0' ? " " : "", command->verbs,
		 *grammar != '\0' ? " " : "", grammar);
}

/* Length of the piece of a grammar that stays on one line: a whole bracket, or
 * where that is too long a word, or alternatives as many as fit. */
static int
piece(const char *text, int room)
{
	int depth = 0, len = 0, word;

	for (; text[len] != '\0' && (depth > 0 || text[len] != ' '); len++) {
		if (strchr("[{", text[len]) != NULL)
			depth++;
		else if (strchr("]}", text[len]) != NULL)
			depth--;
	}
	word = (int)strcspn(text, " ");
	if (len <= room || word <= room)
		return len <= room ? len : word;
	for (len = room; len > 1 && text[len - 1] != '|'; len--)
		;
	return len > 1 ? len : word;
}

/* Print words, broken before column 78, continued under `indent`. */
static void
wrapped(struct out *out, const char *text, int indent)
{
	int column = indent;

	while (*text != '\0') {
		int len = piece(text, 78 - indent);

		if (column + len > 78 && column > indent) {
			out_text(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			out_text(out, " ");
			column++;
		}
		out_text(out, "%.*s", len, text);
		column += len;
		text += len + (text[len] == ' ');
	}
}

/* Symbols that a grammar names and that have something to tell. */
static void
collect_symbols(const char *grammar, bool *wanted)
{
	while (*grammar != '\0') {
		size_t len = strcspn(grammar, " |{}[]<>");
		const struct command_symbol *symbol;

		while (len > 2 && strncmp(grammar + len - 2, "..", 2) == 0)
			len -= 2;
		symbol = len > 0 ? command_symbol(grammar, len) : NULL;
		if (symbol != NULL && !wanted[symbol - command_symbols]) {
			wanted[symbol - command_symbols] = true;
			collect_symbols(symbol->grammar, wanted);
		}
		grammar += len > 0 ? len : 1;
	}
}

static void
print_symbols(struct out *out, const bool *wanted)
{
	char text[512];

	out_array(out, "where");
	for (size_t i = 0; command_symbols[i].name != NULL; i++) {
		const struct command_symbol *s = &command_symbols[i];

		if (!wanted[i] ||
		    (*s->grammar == '\0' && *s->help == '\0'))
			continue;
		readable(s->grammar, text, sizeof(text));
		out_object(out, NULL);
		out_string(out, "symbol", "  %", s->name);
		out_text(out, "%*s", (int)(11 - (strlen(s->name) > 11
							 ? 11
							 : strlen(s->name))),
			 "");
		out_text(out, ":= ");
		if (*text != '\0') {
			wrapped(out, text, 16);
			out_string(out, "grammar", NULL, text);
			if (*s->help != '\0')
				out_text(out, "\n%16s", "");
		}
		if (*s->help != '\0') {
			wrapped(out, s->help, 16);
			out_string(out, "help", NULL, s->help);
		}
		out_text(out, "\n");
		out_end(out);
	}
	out_end(out);
}

static void
print_options(struct out *out)
{
	static const char *const lines[] = {
		"-j, --json            JSON on standard output",
		"-p, --pretty          the same, indented",
		"    --yaml            the same as YAML",
		"-f, --pins            show pins",
		"-q, --quiet           no notes on standard error",
		"-d, --debug           more detail on standard error",
		"-t, --target TARGET   kernel[:PATH], embedded[:SOCKET] or local",
		"    --color WHEN      auto, always or never",
		"-V, --version         show the version",
		"-h, --help            show help",
	};

	out_array(out, "options");
	out_text(out, "\nOptions:\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		out_string(out, NULL, "  %\n", lines[i]);
	out_end(out);
}

static void
help_command(struct out *out, const struct command *command)
{
	bool wanted[128] = { false };
	char usage[600];

	command_usage_line(command, usage, sizeof(usage));
	out_object(out, NULL);
	out_text(out, "Usage: ");
	out_string(out, "usage", NULL, usage);
	wrapped(out, usage, 11);
	out_text(out, "\n\n");
	out_string(out, "help", "%\n", command->help);
	collect_symbols(command->grammar, wanted);
	out_text(out, "\n");
	print_symbols(out, wanted);
	out_end(out);
}

static void
help_noun(struct out *out, const struct command_noun *noun)
{
	bool wanted[128] = { false };

	out_object(out, NULL);
	out_string(out, "object", "% - ", noun->noun);
	out_string(out, "help", "%\n\n", noun->help);
	out_array(out, "commands");
	for (const struct command *c = commands; c->noun != NULL; c++) {
		char usage[600];

		if (strcmp(c->noun, noun->noun) != 0)
			continue;
		command_usage_line(c, usage, sizeof(usage));
		out_object(out, NULL);
		out_text(out, "  ");
		wrapped(out, usage, 12);
		out_text(out, "\n");
		out_string(out, "usage", NULL, usage);
		out_string(out, "help", "        %\n", c->help);
		out_end(out);
		collect_symbols(c->grammar, wanted);
	}
	out_end(out);
	out_text(out, "\n");
	print_symbols(out, wanted);
	out_text(out, "\ngebpf help %s COMMAND tells more; see also "
		      "gebpf-%s(8)\n",
		 noun->noun, noun->noun);
	out_end(out);
}

static void
help_all(struct out *out)
{
	out_object(out, NULL);
	out_text(out, "Usage: gebpf [OPTIONS] OBJECT COMMAND [ARGS]\n"
		      "       gebpf OBJECT help | gebpf help [OBJECT "
		      "[COMMAND]] | gebpf version\n\nObjects:\n");
	out_array(out, "objects");
	for (const struct command_noun *n = command_nouns; n->noun != NULL;
	     n++) {
		bool first = true;
		int column = 12;

		out_object(out, NULL);
		out_string(out, "object", NULL, n->noun);
		out_text(out, "  %-9s ", n->noun);
		out_string(out, "help", "%\n", n->help);
		out_array(out, "commands");
		for (const struct command *c = commands; c->noun != NULL; c++) {
			if (strcmp(c->noun, n->noun) != 0 ||
			    *c->verbs == '\0')
				continue;
			if (column + 1 + (int)strlen(c->verbs) > 78) {
				out_text(out, "\n");
				first = true;
				column = 12;
			}
			out_text(out, first ? "            " : " ");
			out_string(out, NULL, "%", c->verbs);
			column += 1 + (int)strlen(c->verbs);
			first = false;
		}
		if (!first)
			out_text(out, "\n");
		out_end(out);
		out_end(out);
	}
	out_end(out);
	print_options(out);
	out_end(out);
}

void
command_help(struct cmd *cmd, const char *noun, const struct command *command)
{
	if (command != NULL) {
		help_command(cmd->out, command);
		return;
	}
	for (const struct command_noun *n = command_nouns;
	     noun != NULL && n->noun != NULL; n++)
		if (strcmp(n->noun, noun) == 0) {
			help_noun(cmd->out, n);
			return;
		}
	help_all(cmd->out);
}
