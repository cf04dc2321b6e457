/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the verifier tells in records (abi/wire.h) as members of a JSON or YAML
 * object, and the stack of functions also as plain text. The rest of the plain
 * text is the verifier's own log.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/load.h"

/* Which list of the object is open. */
enum list {
	LIST_NONE,
	LIST_FRAMES,
	LIST_REGISTERS,
	LIST_PATH,
	LIST_FUNCTIONS,
	LIST_HELD,
};

struct telling {
	struct out *out;
	enum list list;
	bool in_register; /* its object and its list of origins are open */
};

static const char *
field(const struct gebpf_record *r, size_t i)
{
	return gebpf_record_field(r, i);
}

static uint64_t
number(const struct gebpf_record *r, size_t i)
{
	return strtoull(field(r, i), NULL, 10);
}

static void
leave_register(struct telling *t)
{
	if (t->in_register) {
		out_end(t->out);
		out_end(t->out);
	}
	t->in_register = false;
}

static void
go_to(struct telling *t, enum list list)
{
	static const char *const keys[] = { NULL, "frames", "registers",
					    "path", "functions", "held" };

	if (t->list == list)
		return;
	leave_register(t);
	if (t->list != LIST_NONE)
		out_end(t->out);
	if (list != LIST_NONE)
		out_array(t->out, keys[list]);
	t->list = list;
}

/* The six fields from `at` on that say which instruction. */
static void
tell_insn(struct out *out, const struct gebpf_record *r, size_t at)
{
	out_uint(out, "insn", NULL, number(r, at));
	out_string(out, "instruction", NULL, field(r, at + 1));
	if (*field(r, at + 2) == '\0')
		return;
	out_object(out, "source");
	out_string(out, "file", NULL, field(r, at + 2));
	out_uint(out, "line", NULL, number(r, at + 3));
	out_uint(out, "column", NULL, number(r, at + 4));
	out_string(out, "text", NULL, field(r, at + 5));
	out_end(out);
}

static void
tell_way(struct out *out, const char *way)
{
	if (*way != '\0')
		out_bool(out, "taken", NULL, strcmp(way, "taken") == 0);
}

static void
tell_register(struct telling *t, const struct gebpf_record *r)
{
	go_to(t, LIST_REGISTERS);
	leave_register(t);
	out_object(t->out, NULL);
	out_string(t->out, "name", NULL, field(r, 0));
	out_string(t->out, "type", NULL, field(r, 1));
	out_string(t->out, "known", NULL, field(r, 2));
	out_array(t->out, "since");
	t->in_register = true;
}

static void
tell(struct telling *t, const struct gebpf_record *r)
{
	struct out *out = t->out;
	const char *word = r->word;

	if (strcmp(word, "since") == 0) {
		if (!t->in_register)
			return;
		out_object(out, NULL);
		tell_insn(out, r, 0);
		tell_way(out, field(r, 6));
		out_end(out);
	} else if (strcmp(word, "reg") == 0) {
		tell_register(t, r);
	} else if (strcmp(word, "frame") == 0) {
		go_to(t, LIST_FRAMES);
		out_object(out, NULL);
		out_uint(out, "start", NULL, number(r, 0));
		out_string(out, "function", NULL, field(r, 1));
		out_object(out, "called_at");
		tell_insn(out, r, 2);
		out_end(out);
		out_end(out);
	} else if (strcmp(word, "held") == 0) {
		go_to(t, LIST_HELD);
		out_object(out, NULL);
		tell_insn(out, r, 0);
		out_end(out);
	} else if (strcmp(word, "branch") == 0) {
		go_to(t, LIST_PATH);
		out_object(out, NULL);
		tell_insn(out, r, 0);
		tell_way(out, field(r, 6));
		out_uint(out, "times", NULL, number(r, 7));
		out_end(out);
	} else if (strcmp(word, "func") == 0) {
		go_to(t, LIST_FUNCTIONS);
		out_object(out, NULL);
		out_string(out, "name", NULL, field(r, 2));
		out_uint(out, "start", NULL, number(r, 0));
		out_uint(out, "end", NULL, number(r, 1));
		out_uint(out, "stack", NULL, number(r, 3));
		out_uint(out, "stack_total", NULL, number(r, 4));
		out_end(out);
	} else {
		go_to(t, LIST_NONE);
		if (strcmp(word, "message") == 0) {
			out_string(out, "message", NULL, field(r, 0));
		} else if (strcmp(word, "at") == 0) {
			tell_insn(out, r, 0);
		} else if (strcmp(word, "limit") == 0) {
			out_object(out, "limit");
			out_string(out, "name", NULL, field(r, 0));
			out_uint(out, "value", NULL, number(r, 1));
			out_end(out);
		} else if (strcmp(word, "path") == 0) {
			out_uint(out, "path_length", NULL, number(r, 0));
		} else if (strcmp(word, "loop") == 0) {
			out_object(out, "loop");
			tell_insn(out, r, 0);
			out_uint(out, "times", NULL, number(r, 6));
			out_end(out);
		}
	}
}

void
explain_members(struct out *out, char *report)
{
	struct telling t = { .out = out };
	struct gebpf_record record;

	if (report == NULL || out_is_plain(out))
		return;
	while (gebpf_record_next(&report, &record))
		tell(&t, &record);
	go_to(&t, LIST_NONE);
}

void
explain_stack(struct out *out, const char *report)
{
	char *text = strdup(report != NULL ? report : ""), *at = text;
	struct gebpf_record r;
	size_t count = 0;

	if (text == NULL || !out_is_plain(out)) {
		free(text);
		return;
	}
	while (gebpf_record_next(&at, &r)) {
		if (strcmp(r.word, "func") != 0)
			continue;
		out_text(out, "%s", count++ == 0 ? "\tstack of functions: "
						 : ", ");
		if (*field(&r, 2) != '\0')
			out_text(out, "%s", field(&r, 2));
		else
			out_text(out, "at %s", field(&r, 0));
		out_text(out, " %sB", field(&r, 3));
		if (strcmp(field(&r, 3), field(&r, 4)) != 0)
			out_text(out, " (%sB with what it calls)",
				 field(&r, 4));
	}
	if (count > 0)
		out_text(out, "\n");
	free(text);
}
