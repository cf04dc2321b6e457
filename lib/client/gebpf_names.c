/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The words of the client library: filling struct gebpf_error, and names and
 * numbers out of the abi tables. Knows no device. Called by everybody above.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/helper.h"
#include "client/gebpf.h"

/* A message is one line whatever went into it (paths may hold anything). */
static void
one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

int
gebpf_fail(struct gebpf_error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	err->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	one_line(err->text);
	return code;
}

int
gebpf_hint(struct gebpf_error *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return 0;
	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	one_line(err->hint);
	return err->code;
}

struct entry {
	uint32_t number;
	const char *name;
	const char *other; /* errors: sentence; program kinds: alias */
};

static const struct entry errors[] = {
#define EBPF_ERROR(name, code, sentence) { code, #name, sentence },
#include "abi/error.def"
};

static const struct entry map_kinds[] = {
#define EBPF_MAP_KIND(kind, number, name) { number, name, "" },
#include "abi/map_kind.def"
};

static const struct entry prog_kinds[] = {
#define EBPF_PROG_KIND(kind, number, name, alias, section) \
	{ number, name, alias },
#define EBPF_PROG_KIND_NAME(kind, number, name) { number, name, "" },
#include "abi/prog_kind.def"
};

static const struct entry helpers[] = {
#define EBPF_HELPER(number, name, ret, a1, a2, a3, a4, a5, kinds, flags) \
	{ number, #name, "" },
#define EBPF_HELPER_NAME(number, name) { number, #name, "" },
#include "abi/helper.def"
};

static const struct entry sections[] = {
#define EBPF_PROG_KIND(kind, number, name, alias, section) \
	{ number, section, "" },
#define EBPF_PROG_SECTION(kind, section) { EBPF_PROG_##kind, section, "" },
#include "abi/prog_kind.def"
};

/*
 * Loaders of the first years looked only at how a section's name begins, so
 * that objects have "xdp_prog", "xdp1", "socket2", "tc_mark". Where those are
 * meant something follows that is no letter.
 */
static const struct entry old_sections[] = {
	{ EBPF_PROG_XDP, "xdp", "" },
	{ EBPF_PROG_SOCKET, "socket", "" },
	{ EBPF_PROG_TC, "classifier", "" },
	{ EBPF_PROG_TC, "action", "" },
	{ EBPF_PROG_TC, "tc", "" },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct entry *
by_number(const struct entry *table, size_t count, uint32_t number)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (table[i].number == number)
			return &table[i];
	return NULL;
}

static uint32_t
by_name(const struct entry *table, size_t count, const char *name)
{
	size_t i;

	if (!name || !*name)
		return 0;
	for (i = 0; i < count; i++)
		if (!strcmp(table[i].name, name) ||
		    !strcmp(table[i].other, name))
			return table[i].number;
	return 0;
}

static const char *
name_of(const struct entry *table, size_t count, uint32_t number)
{
	const struct entry *entry = by_number(table, count, number);

	return entry ? entry->name : NULL;
}

static uint32_t
magnitude(int error)
{
	return error < 0 ? 0u - (uint32_t)error : (uint32_t)error;
}

const char *
gebpf_error_name(int error)
{
	return name_of(errors, COUNT(errors), magnitude(error));
}

const char *
gebpf_error_text(int error)
{
	const struct entry *entry =
		by_number(errors, COUNT(errors), magnitude(error));

	return entry ? entry->other : NULL;
}

enum rule_part {
	RULE_NAME,
	RULE_DEMAND,
	RULE_FIX,
	RULE_PARTS,
};

static const char *
rule_part(uint32_t rule, enum rule_part part)
{
	static const char *const rules[EBPF_RULE_COUNT][RULE_PARTS] = {
#define EBPF_RULE(name, sentence, fix) [EBPF_RULE_##name] = { #name, sentence, fix },
#include "abi/rule.def"
	};

	return rule < EBPF_RULE_COUNT ? rules[rule][part] : "";
}

const char *
gebpf_rule_name(uint32_t rule)
{
	return rule_part(rule, RULE_NAME);
}

const char *
gebpf_rule_demand(uint32_t rule)
{
	return rule_part(rule, RULE_DEMAND);
}

const char *
gebpf_rule_fix(uint32_t rule)
{
	return rule_part(rule, RULE_FIX);
}

const char *
gebpf_map_kind_name(uint32_t kind)
{
	return name_of(map_kinds, COUNT(map_kinds), kind);
}

const char *
gebpf_prog_kind_name(uint32_t kind)
{
	return name_of(prog_kinds, COUNT(prog_kinds), kind);
}

const char *
gebpf_helper_name(uint32_t number)
{
	return name_of(helpers, COUNT(helpers), number);
}

uint32_t
gebpf_map_kind_number(const char *name)
{
	return by_name(map_kinds, COUNT(map_kinds), name);
}

uint32_t
gebpf_prog_kind_number(const char *name)
{
	return by_name(prog_kinds, COUNT(prog_kinds), name);
}

uint32_t
gebpf_helper_number(const char *name)
{
	if (name && !strncmp(name, "bpf_", 4))
		name += 4;
	return by_name(helpers, COUNT(helpers), name);
}

uint32_t
gebpf_prog_kind_of_section(const char *section)
{
	size_t i, len;

	for (i = 0; i < COUNT(sections); i++) {
		len = strlen(sections[i].name);
		if (!len || strncmp(section, sections[i].name, len))
			continue;
		if (!strncmp(section + len, ".frags", 6))
			len += 6;
		if (section[len] == '\0' || section[len] == '/')
			return sections[i].number;
	}
	for (i = 0; i < COUNT(old_sections); i++) {
		len = strlen(old_sections[i].name);
		if (!strncmp(section, old_sections[i].name, len) &&
		    !((section[len] | 0x20) >= 'a' &&
		      (section[len] | 0x20) <= 'z'))
			return old_sections[i].number;
	}
	return 0;
}

bool
gebpf_prog_kind_is_linux_only(uint32_t kind)
{
	switch (kind) {
#define EBPF_PROG_KIND_NAME(kind, number, name) case number:
#include "abi/prog_kind.def"
		return true;
	default:
		return false;
	}
}
