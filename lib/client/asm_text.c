/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The assembler's reading: words, numbers, registers, memory operands, jump
 * targets, and its errors with line, column and a near word. Knows no
 * instruction but how to append one.
 */
#include "client/asm_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int
gebpf_asm_fail(struct gebpf_asm *a, const char *at, const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return gebpf_fail(a->err, -EBPF_EINVAL, "line %u, column %u: %s",
			  a->line, (unsigned int)(at - a->start) + 1, what);
}

static bool
is_word_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static bool
is_word(char c)
{
	return is_word_start(c) || isdigit((unsigned char)c);
}

void
gebpf_asm_skip(struct gebpf_asm *a)
{
	while (a->at < a->end && (*a->at == ' ' || *a->at == '\t'))
		a->at++;
}

bool
gebpf_asm_char(struct gebpf_asm *a, char c)
{
	gebpf_asm_skip(a);
	if (a->at == a->end || *a->at != c)
		return false;
	a->at++;
	return true;
}

bool
gebpf_asm_sign(struct gebpf_asm *a, const char *sign)
{
	size_t len = strlen(sign);

	gebpf_asm_skip(a);
	if ((size_t)(a->end - a->at) < len || memcmp(a->at, sign, len) != 0)
		return false;
	a->at += len;
	return true;
}

bool
gebpf_asm_take_word(struct gebpf_asm *a, struct gebpf_asm_word *word)
{
	gebpf_asm_skip(a);
	word->text = a->at;
	word->len = 0;
	if (a->at == a->end || !is_word_start(*a->at))
		return false;
	while (a->at < a->end && is_word(*a->at))
		a->at++;
	word->len = (size_t)(a->at - word->text);
	return true;
}

bool
gebpf_asm_is(struct gebpf_asm_word word, const char *text)
{
	return strlen(text) == word.len &&
	       memcmp(word.text, text, word.len) == 0;
}

bool
gebpf_asm_keyword(struct gebpf_asm *a, const char *text)
{
	const char *at = a->at;
	struct gebpf_asm_word word;

	if (gebpf_asm_take_word(a, &word) && gebpf_asm_is(word, text))
		return true;
	a->at = at;
	return false;
}

/* "'x'" or "the end of the line": what stands here instead. */
static const char *
what_is_here(const struct gebpf_asm *a, char text[40])
{
	size_t len = 0;

	while (a->at + len < a->end && len < 30 && is_word(a->at[len]))
		len++;
	if (len == 0 && a->at < a->end)
		len = 1;
	if (len == 0)
		return "the end of the line";
	if (len == 1 && !isprint((unsigned char)*a->at))
		snprintf(text, 40, "byte 0x%02x", (unsigned char)*a->at);
	else
		snprintf(text, 40, "'%.*s'", (int)len, a->at);
	return text;
}

int
gebpf_asm_wanted(struct gebpf_asm *a, const char *wanted)
{
	char here[40];

	gebpf_asm_skip(a);
	return gebpf_asm_fail(a, a->at, "expected %s, found %s", wanted,
			      what_is_here(a, here));
}

int
gebpf_asm_expect(struct gebpf_asm *a, char c)
{
	char wanted[4] = { '\'', c, '\'', '\0' };

	return gebpf_asm_char(a, c) ? 0 : gebpf_asm_wanted(a, wanted);
}

int
gebpf_asm_end(struct gebpf_asm *a)
{
	gebpf_asm_skip(a);
	return a->at == a->end ? 0 : gebpf_asm_wanted(a, "end of the line");
}

bool
gebpf_asm_try_reg(struct gebpf_asm *a, struct gebpf_asm_reg *reg)
{
	const char *from = a->at;
	struct gebpf_asm_word word;

	gebpf_asm_char(a, '%');
	if (!gebpf_asm_take_word(a, &word))
		goto none;
	if (gebpf_asm_is(word, "fp")) {
		reg->number = EBPF_REG_FP;
		reg->half = false;
		return true;
	}
	if (word.text[0] != 'r' && word.text[0] != 'w')
		goto none;
	reg->half = word.text[0] == 'w';
	if (word.len == 2 && isdigit((unsigned char)word.text[1])) {
		reg->number = (uint8_t)(word.text[1] - '0');
		return true;
	}
	if (word.len == 3 && word.text[1] == '1' && word.text[2] == '0') {
		reg->number = EBPF_REG_FP;
		return true;
	}
none:
	a->at = from;
	return false;
}

int
gebpf_asm_reg(struct gebpf_asm *a, struct gebpf_asm_reg *reg)
{
	if (gebpf_asm_try_reg(a, reg))
		return 0;
	return gebpf_asm_wanted(a, "a register, r0 to r10");
}

int
gebpf_asm_full_reg(struct gebpf_asm *a, uint8_t *number)
{
	const char *at;
	struct gebpf_asm_reg reg;
	int rc;

	gebpf_asm_skip(a);
	at = a->at;
	rc = gebpf_asm_reg(a, &reg);
	if (rc != 0)
		return rc;
	if (reg.half)
		return gebpf_asm_fail(a, at, "expected a 64-bit register, r%u",
				      reg.number);
	*number = reg.number;
	return 0;
}

bool
gebpf_asm_at_number(struct gebpf_asm *a)
{
	const char *at;

	gebpf_asm_skip(a);
	at = a->at;
	if (at < a->end && (*at == '-' || *at == '+'))
		at++;
	return at < a->end && isdigit((unsigned char)*at);
}

int
gebpf_asm_number(struct gebpf_asm *a, int64_t *value, bool *hex)
{
	const char *from;
	bool minus = false;
	unsigned int base = 10, digit;
	uint64_t v = 0;

	gebpf_asm_skip(a);
	from = a->at;
	if (!gebpf_asm_at_number(a))
		return gebpf_asm_wanted(a, "a number");
	if (*a->at == '-' || *a->at == '+')
		minus = *a->at++ == '-';
	if (a->end - a->at > 2 && a->at[0] == '0' &&
	    (a->at[1] == 'x' || a->at[1] == 'X') &&
	    isxdigit((unsigned char)a->at[2])) {
		base = 16;
		a->at += 2;
	}
	for (; a->at < a->end && isxdigit((unsigned char)*a->at); a->at++) {
		if (isdigit((unsigned char)*a->at))
			digit = (unsigned int)(*a->at - '0');
		else
			digit = (unsigned int)(*a->at | 32) - 'a' + 10;
		if (digit >= base)
			break;
		if (v > (UINT64_MAX - digit) / base)
			return gebpf_asm_fail(a, from,
					      "number needs more than 64 bits");
		v = v * base + digit;
	}
	if (a->at < a->end && is_word(*a->at))
		return gebpf_asm_fail(a, from, "'%.*s' is no number",
				      (int)(a->at - from) + 1, from);
	if (minus && v > (uint64_t)1 << 63)
		return gebpf_asm_fail(a, from, "number needs more than 64 bits");
	*value = (int64_t)(minus ? 0 - v : v);
	/* A decimal above INT64_MAX is positive all the same: let it be hex. */
	*hex = base == 16 || (!minus && v > INT64_MAX);
	return 0;
}

int
gebpf_asm_imm(struct gebpf_asm *a, int32_t *imm)
{
	const char *from;
	int64_t value;
	bool hex;
	int rc;

	gebpf_asm_skip(a);
	from = a->at;
	rc = gebpf_asm_number(a, &value, &hex);
	if (rc != 0)
		return rc;
	if (value < INT32_MIN || value > (hex ? UINT32_MAX : INT32_MAX)) {
		rc = gebpf_asm_fail(a, from,
				    "immediate does not fit 32 bits");
		gebpf_hint(a->err, "only lddw takes 64 bits");
		return rc;
	}
	*imm = (int32_t)(uint32_t)value;
	return 0;
}

int
gebpf_asm_base_off(struct gebpf_asm *a, struct gebpf_asm_mem *mem)
{
	const char *from;
	int64_t value;
	bool hex, minus;
	int rc;

	rc = gebpf_asm_full_reg(a, &mem->base);
	if (rc != 0)
		return rc;
	mem->off = 0;
	gebpf_asm_skip(a);
	from = a->at;
	if (gebpf_asm_char(a, '+'))
		minus = false;
	else if (gebpf_asm_char(a, '-'))
		minus = true;
	else
		return 0;
	gebpf_asm_skip(a);
	if (a->at == a->end || *a->at == '+')
		return gebpf_asm_wanted(a, "a number");
	/* "+ -8" is what some printers make of a negative offset. */
	rc = gebpf_asm_number(a, &value, &hex);
	if (rc != 0)
		return rc;
	if (value < -32768 || value > 65535)
		goto range;
	if (minus)
		value = -value;
	if (value < -32768 || value > (hex ? 65535 : 32767))
		goto range;
	mem->off = (int16_t)(uint16_t)value;
	return 0;
range:
	return gebpf_asm_fail(a, from, "offset does not fit 16 bits");
}

static int
grow(struct gebpf_asm *a, void **array, uint32_t *room, uint32_t count,
     size_t size)
{
	uint32_t more = *room ? *room * 2 : 64;
	void *bigger;

	if (count < *room)
		return 0;
	bigger = realloc(*array, more * size);
	if (bigger == NULL)
		return gebpf_fail(a->err, -EBPF_ENOMEM, "out of memory");
	*array = bigger;
	*room = more;
	return 0;
}

int
gebpf_asm_add_label(struct gebpf_asm *a, struct gebpf_asm_word name)
{
	int rc = grow(a, (void **)&a->labels, &a->label_room, a->label_count,
		      sizeof(*a->labels));

	if (rc != 0)
		return rc;
	a->labels[a->label_count++] = (struct gebpf_asm_label){
		.name = name,
		.slot = a->count,
		.line = a->line,
		.column = (uint32_t)(name.text - a->start) + 1,
	};
	return 0;
}

int
gebpf_asm_add_fixup(struct gebpf_asm *a, struct gebpf_asm_word name,
		    bool in_imm)
{
	int rc = grow(a, (void **)&a->fixups, &a->fixup_room, a->fixup_count,
		      sizeof(*a->fixups));

	if (rc != 0)
		return rc;
	a->fixups[a->fixup_count++] = (struct gebpf_asm_fixup){
		.name = name,
		.slot = a->count,
		.line = a->line,
		.column = (uint32_t)(name.text - a->start) + 1,
		.in_imm = in_imm,
	};
	return 0;
}

int
gebpf_asm_target(struct gebpf_asm *a, bool in_imm, int32_t *distance)
{
	struct gebpf_asm_word word;
	const char *from;
	int64_t value;
	bool hex;
	int rc;

	gebpf_asm_skip(a);
	from = a->at;
	*distance = 0;
	if (gebpf_asm_take_word(a, &word)) {
		gebpf_asm_skip(a);
		if (!gebpf_asm_is(word, "pc") || a->at == a->end ||
		    (*a->at != '+' && *a->at != '-'))
			return gebpf_asm_add_fixup(a, word, in_imm);
	}
	if (a->at == a->end || (*a->at != '+' && *a->at != '-')) {
		rc = gebpf_asm_wanted(a, "a target");
		gebpf_hint(a->err, "targets are +N, -N, pc+N or a label");
		return rc;
	}
	rc = gebpf_asm_number(a, &value, &hex);
	if (rc != 0)
		return rc;
	if (value < (in_imm ? INT32_MIN : INT16_MIN) ||
	    value > (in_imm ? INT32_MAX : hex ? UINT16_MAX : INT16_MAX)) {
		rc = gebpf_asm_fail(a, from, "distance does not fit %u bits",
				    in_imm ? 32 : 16);
		if (!in_imm)
			gebpf_hint(a->err, "goto far targets by gotol or ja32");
		return rc;
	}
	*distance = in_imm ? (int32_t)value : (int16_t)(uint16_t)value;
	/* "goto +0x3 <LBB0_2>" */
	if (gebpf_asm_char(a, '<')) {
		while (a->at < a->end && *a->at != '>')
			a->at++;
		return gebpf_asm_expect(a, '>');
	}
	return 0;
}

/* "[id:5]" or "[idx:5]", then "[0]+8" or "+8". */
static int
map_operand(struct gebpf_asm *a, int *row, uint64_t *imm)
{
	bool index = false, hex;
	int64_t number, off;
	int rc;

	rc = gebpf_asm_expect(a, '[');
	if (rc != 0)
		return rc;
	if (gebpf_asm_keyword(a, "idx"))
		index = true;
	else if (!gebpf_asm_keyword(a, "id") && !gebpf_asm_keyword(a, "fd"))
		return gebpf_asm_wanted(a, "'id:' or 'idx:'");
	rc = gebpf_asm_expect(a, ':');
	if (rc != 0)
		return rc;
	gebpf_asm_skip(a);
	rc = gebpf_asm_number(a, &number, &hex);
	if (rc != 0)
		return rc;
	if (number < 0 || number > UINT32_MAX)
		return gebpf_asm_fail(a, a->at, "number does not fit 32 bits");
	rc = gebpf_asm_expect(a, ']');
	if (rc != 0)
		return rc;
	*row = index ? EBPF_OP_LDDW_MAP_IDX : EBPF_OP_LDDW_MAP;
	*imm = (uint64_t)number;
	if (gebpf_asm_char(a, '[')) {
		if (!gebpf_asm_char(a, '0'))
			return gebpf_asm_wanted(a, "'0'");
		rc = gebpf_asm_expect(a, ']');
		if (rc != 0)
			return rc;
	} else if (!gebpf_asm_at_number(a)) {
		return 0;
	}
	rc = gebpf_asm_number(a, &off, &hex);
	if (rc != 0)
		return rc;
	if (off < 0 || off > UINT32_MAX)
		return gebpf_asm_fail(a, a->at, "number does not fit 32 bits");
	*row = index ? EBPF_OP_LDDW_MAP_IDX_VALUE : EBPF_OP_LDDW_MAP_VALUE;
	*imm |= (uint64_t)off << 32;
	return 0;
}

int
gebpf_asm_wide(struct gebpf_asm *a, int *row, uint64_t *imm)
{
	int64_t value;
	int32_t distance_;
	bool hex;
	int rc;

	*imm = 0;
	if (gebpf_asm_keyword(a, "map"))
		return map_operand(a, row, imm);
	if (gebpf_asm_keyword(a, "subprog")) {
		*row = EBPF_OP_LDDW_FUNC;
		rc = gebpf_asm_expect(a, '[');
		if (rc != 0)
			return rc;
		rc = gebpf_asm_target(a, true, &distance_);
		if (rc != 0)
			return rc;
		*imm = (uint32_t)distance_;
		return gebpf_asm_expect(a, ']');
	}
	if (gebpf_asm_keyword(a, "btf_var")) {
		*row = EBPF_OP_LDDW_BTF_VAR;
		rc = gebpf_asm_expect(a, '[');
		if (rc == 0)
			rc = gebpf_asm_number(a, &value, &hex);
		if (rc != 0)
			return rc;
		*imm = (uint64_t)value;
		return gebpf_asm_expect(a, ']');
	}
	*row = EBPF_OP_LDDW_IMM64;
	rc = gebpf_asm_number(a, &value, &hex);
	if (rc != 0)
		return rc;
	gebpf_asm_keyword(a, "ll");
	*imm = (uint64_t)value;
	return 0;
}

int
gebpf_asm_append(struct gebpf_asm *a, struct ebpf_insn insn)
{
	int rc;

	if (a->count >= EBPF_INSN_MAX)
		return gebpf_fail(a->err, -EBPF_E2BIG,
				  "line %u: more than %u instructions", a->line,
				  EBPF_INSN_MAX);
	rc = grow(a, (void **)&a->insns, &a->room, a->count,
		  sizeof(*a->insns));
	if (rc == 0)
		a->insns[a->count++] = insn;
	return rc;
}

int
gebpf_asm_emit(struct gebpf_asm *a, int index, uint8_t dst, uint8_t src,
	       int32_t off, int32_t imm)
{
	const struct gebpf_row *row = &gebpf_rows[index];
	struct ebpf_insn insn = { .code = row->code };

	if (row->sel == EBPF_SEL_SRC)
		src = (uint8_t)row->value;
	if (row->sel == EBPF_SEL_OFF)
		off = row->value;
	if (row->sel == EBPF_SEL_IMM)
		imm = row->value;
	insn.regs = (uint8_t)(dst | src << 4);
	insn.off = (int16_t)off;
	insn.imm = imm;
	return gebpf_asm_append(a, insn);
}

int
gebpf_asm_emit_wide(struct gebpf_asm *a, int row, uint8_t dst, uint64_t imm)
{
	struct ebpf_insn high = { .imm = (int32_t)(imm >> 32) };
	int rc = gebpf_asm_emit(a, row, dst, 0, 0, (int32_t)imm);

	return rc ? rc : gebpf_asm_append(a, high);
}
