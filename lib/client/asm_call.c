/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The assembler's calls: helpers by number or name, local functions by label
 * or distance, kernel functions by number, and calls through a register.
 * Helper names are helper.def's, with or without "bpf_".
 */
#include "client/asm_text.h"

#include <string.h>

static const struct helper_name {
	const char *name;
	uint32_t number;
} helper_names[] = {
#define EBPF_HELPER(number, name, ret, a1, a2, a3, a4, a5, kinds, flags) \
	{ #name, number },
#define EBPF_HELPER_NAME(number, name) { #name, number },
#include "abi/helper.def"
};
enum { HELPER_NAMES = sizeof(helper_names) / sizeof(helper_names[0]) };

static struct gebpf_asm_word
without_prefix(struct gebpf_asm_word word)
{
	if (word.len > 4 && memcmp(word.text, "bpf_", 4) == 0) {
		word.text += 4;
		word.len -= 4;
	}
	return word;
}

static uint32_t
helper_number(struct gebpf_asm_word word)
{
	size_t i;

	word = without_prefix(word);
	for (i = 0; i < HELPER_NAMES; i++)
		if (gebpf_asm_is(word, helper_names[i].name))
			return helper_names[i].number;
	return 0;
}

void
gebpf_asm_near_helpers(struct gebpf_asm_near *near)
{
	size_t i;

	near->word = without_prefix(near->word);
	for (i = 0; i < HELPER_NAMES; i++)
		gebpf_asm_near_try(near, helper_names[i].name,
				   strlen(helper_names[i].name));
}

static int
call_local(struct gebpf_asm *a)
{
	int32_t distance;
	int rc = gebpf_asm_target(a, true, &distance);

	return rc ? rc
		  : gebpf_asm_emit(a, EBPF_OP_CALL_LOCAL, 0, 0, 0, distance);
}

static int
call_number(struct gebpf_asm *a, int row)
{
	int32_t number;
	int rc = gebpf_asm_imm(a, &number);

	return rc ? rc : gebpf_asm_emit(a, row, 0, 0, 0, number);
}

/* "name#5", "name": a helper, or a function of this program. */
static int
call_name(struct gebpf_asm *a, bool helper_only)
{
	struct gebpf_asm_near near;
	struct gebpf_asm_word word;
	uint32_t number;
	int rc;

	if (!gebpf_asm_take_word(a, &word))
		return gebpf_asm_wanted(a, "a helper, function or register");
	if (gebpf_asm_char(a, '#'))
		return call_number(a, EBPF_OP_CALL_HELPER);
	number = helper_number(word);
	if (number != 0)
		return gebpf_asm_emit(a, EBPF_OP_CALL_HELPER, 0, 0, 0,
				      (int32_t)number);
	if (!helper_only) {
		rc = gebpf_asm_add_fixup(a, word, true);
		if (rc != 0)
			return rc;
		a->fixups[a->fixup_count - 1].maybe_helper = true;
		return gebpf_asm_emit(a, EBPF_OP_CALL_LOCAL, 0, 0, 0, 0);
	}
	rc = gebpf_asm_fail(a, word.text, "no helper '%.*s'", (int)word.len,
			    word.text);
	gebpf_asm_near_init(&near, word);
	gebpf_asm_near_helpers(&near);
	gebpf_asm_near_hint(a, &near);
	return rc;
}

int
gebpf_asm_call(struct gebpf_asm *a)
{
	const char *from;
	struct gebpf_asm_reg reg;
	struct gebpf_asm_word word;
	uint8_t number;
	int rc;

	gebpf_asm_skip(a);
	from = a->at;
	if (gebpf_asm_try_reg(a, &reg)) {
		a->at = from;
		rc = gebpf_asm_full_reg(a, &number);
		return rc ? rc
			  : gebpf_asm_emit(a, EBPF_OP_CALLX, number, 0, 0, 0);
	}
	if (a->at < a->end && *a->at == '+')
		return call_local(a);
	if (gebpf_asm_at_number(a))
		return call_number(a, EBPF_OP_CALL_HELPER);
	if (gebpf_asm_keyword(a, "local"))
		return call_local(a);
	if (gebpf_asm_keyword(a, "helper"))
		return gebpf_asm_at_number(a)
			       ? call_number(a, EBPF_OP_CALL_HELPER)
			       : call_name(a, true);
	if (gebpf_asm_keyword(a, "runtime") || gebpf_asm_keyword(a, "kfunc")) {
		gebpf_asm_char(a, '#');
		return call_number(a, EBPF_OP_CALL_KFUNC);
	}
	if (gebpf_asm_take_word(a, &word) && gebpf_asm_is(word, "pc")) {
		gebpf_asm_skip(a);
		if (a->at < a->end && (*a->at == '+' || *a->at == '-')) {
			a->at = from;
			return call_local(a);
		}
	}
	a->at = from;
	return call_name(a, false);
}
