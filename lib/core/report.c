/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How a refusal is told: report.h. Source lines come from BTF, which comes
 * from outside: they are cut, and cleaned of what would forge a line.
 */
#include "core/report.h"

#include "core/btf.h"

enum {
	TEXT_MAX = 200,
	BACK_MAX = 8, /* lines without a number that are passed over */
};

static const struct {
	const char *name, *sentence, *fix;
} rules[EBPF_RULE_COUNT] = {
#define EBPF_RULE(name, sentence, fix) { #name, sentence, fix },
#include "abi/rule.def"
};

const char *
ebpf_rule_name(enum ebpf_rule rule)
{
	return rules[rule].name;
}

const char *
ebpf_rule_fix(enum ebpf_rule rule)
{
	return rules[rule].fix;
}

bool
ebpf_source_find(const struct ebpf_source *source, uint32_t insn,
		 struct ebpf_place *place)
{
	const struct ebpf_line_info *line;
	uint32_t lo = 0, hi = source->count, mid;

	if (!source->btf || !source->lines)
		return false;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (source->lines[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return false;
	/* line 0 is what the compiler made itself; it belongs to the one before */
	mid = lo;
	while (mid > 1 && lo - mid < BACK_MAX &&
	       source->lines[mid - 1].line_col >> 10 == 0)
		mid--;
	line = &source->lines[mid - 1];
	place->file = ebpf_btf_string(source->btf, line->file_off);
	place->text = ebpf_btf_string(source->btf, line->line_off);
	place->line = line->line_col >> 10;
	place->column = line->line_col & 0x3ff;
	place->begins = line->insn == insn;
	return true;
}

static const char *
base_name(const char *path)
{
	const char *base = path;

	for (; *path; path++)
		if (*path == '/' && path[1])
			base = path + 1;
	return base;
}

void
ebpf_log_place(struct ebpf_log *log, const struct ebpf_place *place)
{
	ebpf_log_clean(log, base_name(place->file), TEXT_MAX);
	ebpf_log(log, ":%u", place->line);
}

static const char *
skip_blanks(const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	return text;
}

void
ebpf_record_place(struct ebpf_log *records, const struct ebpf_source *source,
		  uint32_t insn)
{
	struct ebpf_place place;

	if (!ebpf_source_find(source, insn, &place)) {
		ebpf_log(records, "\t\t0\t0\t");
		return;
	}
	ebpf_log(records, "\t");
	ebpf_log_clean(records, place.file, TEXT_MAX);
	ebpf_log(records, "\t%u\t%u\t", place.line, place.column);
	ebpf_log_clean(records, skip_blanks(place.text), TEXT_MAX);
}

/*
 *	  --> count.bpf.c:18:6
 *	   |
 *	18 |	n = bpf_map_lookup_elem(&by_first_byte, byte);
 *	   |	    ^
 */
static void
log_source(struct ebpf_log *log, const struct ebpf_place *place)
{
	const char *text = skip_blanks(place->text);
	uint32_t skipped = (uint32_t)(text - place->text), i;
	uint32_t len = (uint32_t)strnlen(text, TEXT_MAX);
	char number[16];
	int width = snprintf(number, sizeof(number), "%u", place->line);

	ebpf_log(log, "%*s--> ", width + 1, "");
	ebpf_log_clean(log, *place->file ? place->file : "?", TEXT_MAX);
	ebpf_log(log, ":%u:%u\n", place->line, place->column);
	if (!len)
		return;
	ebpf_log(log, "%*s |\n%s |     ", width, "", number);
	ebpf_log_clean(log, text, TEXT_MAX);
	ebpf_log(log, "\n%*s |", width, "");
	if (place->column > skipped && place->column - skipped <= len) {
		ebpf_log(log, "     ");
		for (i = 1; i < place->column - skipped; i++)
			ebpf_log(log, " ");
		ebpf_log(log, "^");
	}
	ebpf_log(log, "\n");
}

void
ebpf_report_begin(struct ebpf_log *log, enum ebpf_rule rule, const char *words,
		  const struct ebpf_source *source, uint32_t insn)
{
	struct ebpf_place place;

	ebpf_log_conclude(log);
	ebpf_log(log, "rejected: %s\n", words);
	if (ebpf_source_find(source, insn, &place))
		log_source(log, &place);
	ebpf_log(log->records, "rule\t%s\nmessage\t", rules[rule].name);
	ebpf_log_clean(log->records, words, TEXT_MAX * 2);
	ebpf_log(log->records, "\n");
}

void
ebpf_report_end(struct ebpf_log *log, enum ebpf_rule rule, const char *fix)
{
	if (!fix || !*fix)
		fix = rules[rule].fix;
	ebpf_log(log, "rule %s: %s\nfix: %s\n", rules[rule].name,
		 rules[rule].sentence, fix);
	ebpf_log(log->records, "fix\t%s\n", fix);
}
