/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The assembler: text to raw instructions, for `gebpf prog asm` and tests.
 * Splits lines, cuts comments and the prefixes of listings ("  12: (b7) "),
 * keeps labels, lets the two styles read the statements, and at the end puts
 * distances where labels were used.
 *
 * Raw slots may be given as ".quad 0x...", low word first as in memory.
 */
#include "client/asm_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Where the comment of a line begins, or its end. */
static const char *
find_comment(const char *start, const char *end)
{
	const char *at, *call = NULL;

	for (at = start; at < end; at++) {
		if (end - at > 4 && call == NULL && memcmp(at, "call", 4) == 0)
			call = at;
		if (*at == ';' ||
		    (*at == '/' && at + 1 < end && at[1] == '/'))
			return at;
		/* "call bpf_map_lookup_elem#1" */
		if (*at == '#' &&
		    !(call != NULL && at > start &&
		      (isalnum((unsigned char)at[-1]) || at[-1] == '_') &&
		      at + 1 < end &&
		      (isdigit((unsigned char)at[1]) || at[1] == '-')))
			return at;
	}
	return end;
}

/* "  12:" and "(b7)", which listings put in front. */
static void
skip_listing(struct gebpf_asm *a)
{
	const char *at;

	gebpf_asm_skip(a);
	for (at = a->at; at < a->end && isdigit((unsigned char)*at);)
		at++;
	if (at > a->at && at < a->end && *at == ':')
		a->at = at + 1;
	gebpf_asm_skip(a);
	at = a->at;
	if (a->end - at >= 4 && at[0] == '(' &&
	    isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]) &&
	    at[3] == ')')
		a->at += 4;
}

static int
raw_slot(struct gebpf_asm *a)
{
	struct ebpf_insn insn;
	int64_t value;
	bool hex;
	int rc = gebpf_asm_number(a, &value, &hex);

	if (rc != 0)
		return rc;
	_Static_assert(sizeof(insn) == sizeof(value), "a slot is a quad");
	memcpy(&insn, &value, sizeof(insn));
	return gebpf_asm_append(a, insn);
}

static int
statement(struct gebpf_asm *a)
{
	bool taken;
	int rc;

	if (gebpf_asm_keyword(a, ".quad"))
		return raw_slot(a);
	rc = gebpf_asm_kernel(a, &taken);
	return taken ? rc : gebpf_asm_mnemonic(a);
}

static int
line(struct gebpf_asm *a)
{
	const char *from;
	struct gebpf_asm_word word;
	int rc;

	skip_listing(a);
	for (;;) {
		from = a->at;
		if (!gebpf_asm_take_word(a, &word) || !gebpf_asm_char(a, ':'))
			break;
		rc = gebpf_asm_add_label(a, word);
		if (rc != 0)
			return rc;
	}
	a->at = from;
	gebpf_asm_skip(a);
	if (a->at == a->end)
		return 0;
	rc = statement(a);
	return rc ? rc : gebpf_asm_end(a);
}

static int
compare_words(struct gebpf_asm_word x, struct gebpf_asm_word y)
{
	int order = memcmp(x.text, y.text, x.len < y.len ? x.len : y.len);

	if (order != 0)
		return order;
	return x.len < y.len ? -1 : x.len > y.len;
}

static int
compare_labels(const void *x, const void *y)
{
	const struct gebpf_asm_label *a = x, *b = y;
	int order = compare_words(a->name, b->name);

	return order ? order : a->line < b->line ? -1 : a->line > b->line;
}

static const struct gebpf_asm_label *
find_label(const struct gebpf_asm *a, struct gebpf_asm_word name)
{
	uint32_t low = 0, high = a->label_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = compare_words(a->labels[mid].name, name);

		if (order == 0)
			return &a->labels[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int
no_label(struct gebpf_asm *a, const struct gebpf_asm_fixup *fixup)
{
	struct gebpf_asm_near near;
	uint32_t i;
	int rc;

	rc = gebpf_fail(a->err, -EBPF_EINVAL,
			"line %u, column %u: no label%s '%.*s'", fixup->line,
			fixup->column, fixup->maybe_helper ? " or helper" : "",
			fixup->name.len > 60 ? 60 : (int)fixup->name.len,
			fixup->name.text);
	gebpf_asm_near_init(&near, fixup->name);
	for (i = 0; i < a->label_count && i < 1000; i++)
		gebpf_asm_near_try(&near, a->labels[i].name.text,
				   a->labels[i].name.len);
	if (fixup->maybe_helper)
		gebpf_asm_near_helpers(&near);
	gebpf_asm_near_hint(a, &near);
	return rc;
}

static uint32_t
first_exit(const struct gebpf_asm *a)
{
	uint32_t i;

	for (i = 0; i < a->count; i++)
		if (a->insns[i].code == gebpf_rows[EBPF_OP_EXIT].code)
			break;
	return i;
}

/* The slot a name stands for; "exit" also is the first exit instruction. */
static int
resolve(struct gebpf_asm *a, const struct gebpf_asm_fixup *fixup,
	uint32_t exit_slot, uint32_t *slot)
{
	const struct gebpf_asm_label *label = find_label(a, fixup->name);

	if (label != NULL) {
		*slot = label->slot;
	} else if (gebpf_asm_is(fixup->name, "exit") && exit_slot < a->count) {
		*slot = exit_slot;
	} else {
		return no_label(a, fixup);
	}
	return 0;
}

static int
fix(struct gebpf_asm *a)
{
	uint32_t i, slot = 0, exit_slot = first_exit(a);
	int64_t distance;
	int rc;

	if (a->label_count > 1)
		qsort(a->labels, a->label_count, sizeof(*a->labels),
		      compare_labels);
	for (i = 1; i < a->label_count; i++)
		if (compare_words(a->labels[i - 1].name, a->labels[i].name) ==
		    0)
			return gebpf_fail(
				a->err, -EBPF_EINVAL,
				"line %u, column %u: label '%.*s' is already in line %u",
				a->labels[i].line, a->labels[i].column,
				a->labels[i].name.len > 60
					? 60
					: (int)a->labels[i].name.len,
				a->labels[i].name.text, a->labels[i - 1].line);
	for (i = 0; i < a->fixup_count; i++) {
		const struct gebpf_asm_fixup *fixup = &a->fixups[i];

		rc = resolve(a, fixup, exit_slot, &slot);
		if (rc != 0)
			return rc;
		distance = (int64_t)slot - fixup->slot - 1;
		if (fixup->in_imm) {
			a->insns[fixup->slot].imm = (int32_t)distance;
			continue;
		}
		if (distance < INT16_MIN || distance > INT16_MAX) {
			rc = gebpf_fail(a->err, -EBPF_EINVAL,
					"line %u, column %u: '%.*s' is %lld instructions away, more than 16 bits hold",
					fixup->line, fixup->column,
					(int)fixup->name.len, fixup->name.text,
					(long long)distance);
			gebpf_hint(a->err,
				   "goto far targets by gotol or ja32");
			return rc;
		}
		a->insns[fixup->slot].off = (int16_t)distance;
	}
	return 0;
}

int
gebpf_asm(const char *text, size_t len, struct ebpf_insn **insns,
	  uint32_t *count, struct gebpf_error *err)
{
	struct gebpf_asm a = { .err = err };
	const char *end = text + len, *at = text, *newline;
	int rc = 0;

	*insns = NULL;
	*count = 0;
	while (at < end) {
		newline = memchr(at, '\n', (size_t)(end - at));
		a.start = a.at = at;
		at = newline ? newline + 1 : end;
		a.end = newline ? newline : end;
		if (a.end > a.start && a.end[-1] == '\r')
			a.end--;
		a.end = find_comment(a.start, a.end);
		a.line++;
		rc = line(&a);
		if (rc != 0)
			goto out;
	}
	rc = fix(&a);
	if (rc != 0)
		goto out;
	if (a.count == 0) {
		rc = gebpf_fail(err, -EBPF_EINVAL, "no instructions");
		goto out;
	}
	*insns = a.insns;
	*count = a.count;
	a.insns = NULL;
out:
	free(a.insns);
	free(a.labels);
	free(a.fixups);
	return rc;
}
