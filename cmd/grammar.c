/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A grammar of command.def becomes a small automaton (Thompson's), and words
 * walk through it. One automaton at a time, in static memory: grammars are
 * ours and a command line is checked once.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/grammar.h"

enum { STATE_MAX = 2000, EDGE_MAX = 4000, KEYWORD_MAX = 256, ITEM_MAX = 32 };

enum state_kind { EPSILON, LITERAL, SYMBOL };

struct state {
	enum state_kind kind;
	const char *text; /* LITERAL and SYMBOL: passed by such a word */
	size_t len;
	const struct command_symbol *group; /* whose beginning this is */
	int first_edge;
	int item;	/* that it begins, if that is for once; 0: none */
	bool now, then; /* in the set before and after the current word */
};
struct edge {
	int to, next;
};
struct frag {
	int start, end;
};

static struct state states[STATE_MAX];
static struct edge edges[EDGE_MAX];
static int state_count, edge_count, item_count;
static bool item_begun[ITEM_MAX];

static struct frag parse_alternatives(const char **text, char closing);

static int
new_state(enum state_kind kind, const char *text, size_t len)
{
	assert(state_count < STATE_MAX);
	states[state_count] = (struct state){
		.kind = kind, .text = text, .len = len, .first_edge = -1
	};
	return state_count++;
}

static void
connect(int from, int to)
{
	assert(edge_count < EDGE_MAX);
	edges[edge_count] = (struct edge){ to, states[from].first_edge };
	states[from].first_edge = edge_count++;
}

/* Every word that is first after `state` begins the group or item (not both). */
static void
mark_entries(int state, const struct command_symbol *group, int item)
{
	if (states[state].now)
		return;
	states[state].now = true;
	if (states[state].kind != EPSILON && group != NULL)
		states[state].group = group;
	else if (states[state].kind != EPSILON)
		states[state].item = item;
	else
		for (int e = states[state].first_edge; e >= 0; e = edges[e].next)
			mark_entries(edges[e].to, group, item);
	states[state].now = false;
}

static struct frag
word_frag(const char *text, size_t len)
{
	const struct command_symbol *symbol = command_symbol(text, len);
	struct frag frag;
	int word;

	if (symbol != NULL && *symbol->grammar != '\0') {
		const char *inner = symbol->grammar;

		frag = parse_alternatives(&inner, '\0');
		mark_entries(frag.start, symbol, 0);
		return frag;
	}
	frag.start = new_state(EPSILON, NULL, 0);
	word = new_state(symbol != NULL ? SYMBOL : LITERAL, text, len);
	frag.end = new_state(EPSILON, NULL, 0);
	connect(frag.start, word);
	connect(word, frag.end);
	return frag;
}

static struct frag
parse_item(const char **text, bool *keyed)
{
	char opening = **text;
	struct frag frag;

	*keyed = opening == '[' || opening == '<';
	if (opening == '{' || *keyed) {
		(*text)++;
		frag = parse_alternatives(text, opening == '{'	 ? '}'
						: opening == '[' ? ']'
								 : '>');
		(*text)++;
		if (*keyed && strncmp(*text, "..", 2) != 0) {
			assert(item_count + 1 < ITEM_MAX);
			mark_entries(frag.start, NULL, ++item_count);
		}
	} else {
		const char *word = *text;

		while (**text != '\0' && strchr(" |{}[]<>", **text) == NULL &&
		       strncmp(*text, "..", 2) != 0)
			(*text)++;
		frag = word_frag(word, (size_t)(*text - word));
	}
	if (strncmp(*text, "..", 2) == 0) {
		int end = new_state(EPSILON, NULL, 0);

		(*text) += 2;
		connect(frag.end, end);
		connect(frag.end, frag.start);
		frag.end = end;
	}
	return frag;
}

/*
 * Neighbouring [..] and <..> with a keyword hang on one state and return to it: any
 * order, any number of times. That one is missing or given twice is for the
 * command to see.
 */
static struct frag
parse_sequence(const char **text, char closing)
{
	struct frag all;
	bool in_run = false;

	all.start = all.end = new_state(EPSILON, NULL, 0);
	while (**text != '\0' && **text != closing && **text != '|') {
		struct frag item;
		bool keyed, placed;

		if (**text == ' ') {
			(*text)++;
			continue;
		}
		/* [PIN] has its place; [name NAME] has not. */
		placed = (*text)[0] == '[' && isupper((unsigned char)(*text)[1]);
		item = parse_item(text, &keyed);
		if (placed) {
			connect(all.end, item.start);
			connect(all.end, item.end);
			all.end = item.end;
			in_run = false;
			continue;
		}
		if (keyed && !in_run) {
			int head = new_state(EPSILON, NULL, 0);

			connect(all.end, head);
			all.end = head;
		}
		connect(all.end, item.start);
		if (keyed)
			connect(item.end, all.end);
		else
			all.end = item.end;
		in_run = keyed;
	}
	return all;
}

static struct frag
parse_alternatives(const char **text, char closing)
{
	struct frag all = parse_sequence(text, closing);

	while (**text == '|') {
		int start = new_state(EPSILON, NULL, 0);
		int end = new_state(EPSILON, NULL, 0);
		struct frag other;

		(*text)++;
		other = parse_sequence(text, closing);
		connect(start, all.start);
		connect(start, other.start);
		connect(all.end, end);
		connect(other.end, end);
		all = (struct frag){ start, end };
	}
	return all;
}

/* ---- walking ---- */

static void
enter(int state)
{
	if (states[state].then)
		return;
	states[state].then = true;
	if (states[state].kind == EPSILON)
		for (int e = states[state].first_edge; e >= 0; e = edges[e].next)
			enter(edges[e].to);
}

static void
advance(void)
{
	for (int i = 0; i < state_count; i++) {
		states[i].now = states[i].then;
		states[i].then = false;
	}
}

static int
start(const struct command *command)
{
	const char *text = command->grammar;
	struct frag all;

	state_count = edge_count = item_count = 0;
	memset(item_begun, 0, sizeof(item_begun));
	all = parse_alternatives(&text, '\0');
	for (int i = 0; i < state_count; i++)
		states[i].now = states[i].then = false;
	enter(all.start);
	advance();
	return all.end;
}

static bool
is_literal(const struct state *state, const char *word, size_t len)
{
	return state->kind == LITERAL && state->len == len &&
	       memcmp(state->text, word, len) == 0;
}

/* An option is no value, but -1 and - may be. */
static bool
passes_symbol(const char *word)
{
	return word[0] != '-' || (!isalpha((unsigned char)word[1]) &&
				  word[1] != '-');
}

/* A keyword's NUL-terminated copy, kept for good: there are few. */
static char *
keyword_copy(const char *text, size_t len)
{
	static char *kept[KEYWORD_MAX];
	int i;

	for (i = 0; i < KEYWORD_MAX - 1 && kept[i] != NULL; i++)
		if (strlen(kept[i]) == len && memcmp(kept[i], text, len) == 0)
			return kept[i];
	if (kept[i] == NULL)
		kept[i] = strndup(text, len);
	return kept[i];
}

enum pass { PASS, PASS_NONE, PASS_AMBIGUOUS };

/*
 * Move the set over *word, completing it when it is a shortened keyword. Where
 * a keyword and any word may stand a keyword is both, unless it is meant as such.
 */
static enum pass
pass_word(char **word, bool keyword_is_meant)
{
	size_t len = strlen(*word);
	const struct state *found = NULL;
	bool exact = false, symbol = false, any = false;

	for (int i = 0; i < state_count; i++) {
		if (!states[i].now)
			continue;
		exact |= is_literal(&states[i], *word, len);
		symbol |= states[i].kind == SYMBOL && passes_symbol(*word);
	}
	symbol = symbol && !(exact && keyword_is_meant);
	if (!exact && !symbol) {
		for (int i = 0; i < state_count; i++) {
			const struct state *s = &states[i];

			if (!s->now || s->kind != LITERAL || len == 0 ||
			    s->len <= len || memcmp(s->text, *word, len) != 0)
				continue;
			if (found != NULL &&
			    !is_literal(found, s->text, s->len))
				return PASS_AMBIGUOUS;
			found = s;
		}
		if (found == NULL)
			return PASS_NONE;
		*word = keyword_copy(found->text, found->len);
		len = found->len;
	}
	for (int i = 0; i < state_count; i++) {
		struct state *s = &states[i];

		if (!s->now || !(is_literal(s, *word, len) ||
				 (symbol && s->kind == SYMBOL)))
			continue;
		if (s->kind == LITERAL)
			item_begun[s->item] = true;
		for (int e = s->first_edge; e >= 0; e = edges[e].next)
			enter(edges[e].to);
		any = true;
	}
	advance();
	return any ? PASS : PASS_NONE;
}

/* What could have come, for a sentence; also the literals for "did you mean". */
struct expected {
	char text[512];
	const char *words[64];
	size_t count;
};

static void
add_expected(struct expected *exp, const char *text, size_t len)
{
	size_t used = strlen(exp->text);
	const char *word = keyword_copy(text, len);

	if (exp->count == 64 || word == NULL)
		return;
	for (size_t i = 0; i < exp->count; i++)
		if (strcmp(exp->words[i], word) == 0)
			return;
	exp->words[exp->count++] = word;
	snprintf(exp->text + used, sizeof(exp->text) - used, "%s%s",
		 used > 0 ? ", " : "", word);
}

/* needed: what cannot be left out, so no options. */
static void
expect(struct expected *exp, bool needed)
{
	memset(exp, 0, sizeof(*exp));
	for (int i = 0; i < state_count; i++) {
		const struct state *s = &states[i];

		if (!s->now || s->kind == EPSILON ||
		    (needed && s->text[0] == '-' && s->len > 1))
			continue;
		if (s->group != NULL)
			add_expected(exp, s->group->name,
				     strlen(s->group->name));
		else
			add_expected(exp, s->text, s->len);
	}
}

int
grammar_check(struct cmd *cmd)
{
	const struct command *command = cmd->command;
	const char *verb_end = strchrnul(command->verbs, '|');
	struct expected exp;
	const char *near;
	char usage[600], who[80];
	int end = start(command);

	snprintf(who, sizeof(who), "%s%s%.*s", command->noun,
		 *command->verbs != '\0' ? " " : "",
		 (int)(verb_end - command->verbs), command->verbs);
	command_usage_line(command, usage, sizeof(usage));
	for (int i = 0; i < cmd->count; i++) {
		enum pass pass;

		expect(&exp, false);
		pass = pass_word(&cmd->words[i], false);
		if (pass == PASS)
			continue;
		if (pass == PASS_AMBIGUOUS)
			cmd_fail(cmd, CMD_EUSAGE,
				 "%s: '%s' is short for more than one of: %s",
				 who, cmd->words[i], exp.text);
		else if (exp.count == 0)
			cmd_fail(cmd, CMD_EUSAGE,
				 "%s: '%s' is not expected here", who,
				 cmd->words[i]);
		else
			cmd_fail(cmd, CMD_EUSAGE,
				 "%s: '%s' is not expected here, but: %s", who,
				 cmd->words[i], exp.text);
		near = command_nearest(cmd->words[i], exp.words, exp.count);
		if (near != NULL)
			cmd_hint(cmd, "did you mean '%s'?", near);
		else
			cmd_hint(cmd, "%s", usage);
		return cmd->err.code;
	}
	if (states[end].now)
		return 0;
	expect(&exp, true);
	cmd_fail(cmd, CMD_EUSAGE, "%s: something is missing: %s", who,
		 exp.text);
	return cmd_hint(cmd, "%s", usage);
}

bool
grammar_next(const struct command *command, char **words, int count,
	     void (*each)(void *cookie, const char *text, size_t len,
			  bool is_symbol),
	     void *cookie)
{
	bool any = false;

	start(command);
	for (int i = 0; i < count; i++)
		if (pass_word(&words[i], true) != PASS)
			return false;
	for (int i = 0; i < state_count; i++) {
		const struct state *s = &states[i];

		if (!s->now || s->kind == EPSILON ||
		    (s->item != 0 && item_begun[s->item]))
			continue;
		each(cookie, s->text, s->len, s->kind == SYMBOL);
		any = true;
	}
	return any;
}
