/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The assembler's mnemonic style: "add64 r1, r2", "ldxdw r0, [r1+8]",
 * "lock fetch add32 [r10-8], r1", "jeq32 r1, 5, label". Words come from
 * insn.def; 64 may be left out ("add"), registers may be written "%r1".
 */
#include "client/asm_text.h"

#include <stdio.h>
#include <string.h>

/* Is name what that row is called, or one of its other names? */
static bool
row_is_called(int index, const char *name)
{
	const struct gebpf_row *row = &gebpf_rows[index];
	const char *word = gebpf_fns[row->fn].word;

	if (gebpf_row_has_name(index, name))
		return true;
	switch ((enum ebpf_form)row->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_ALU_UNARY:
		/* "movsx8" alone would not tell its width. */
		return row->width == 64 && row->fn != EBPF_FN_MOVSX8 &&
		       row->fn != EBPF_FN_MOVSX16 &&
		       row->fn != EBPF_FN_MOVSX32 && strcmp(name, word) == 0;
	case EBPF_FORM_ENDIAN:
		return row->fn == EBPF_FN_BSWAP &&
		       gebpf_is_joined(name, "swap", "",
				       gebpf_width_digits(row->width));
	case EBPF_FORM_ATOMIC:
		return row->width == 64 &&
		       gebpf_is_joined(name, "lock ", word, "64");
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		return row->width == 64 &&
		       gebpf_is_joined(name, "", word, "64");
	default:
		return false;
	}
}

static int
unknown(struct gebpf_asm *a, struct gebpf_asm_word word)
{
	static const char *const others[] = { "if", "goto", "gotol", "call",
					      "callx", "lock" };
	char name[GEBPF_ROW_NAME_SIZE];
	struct gebpf_asm_near near;
	size_t i;
	int row, rc;

	rc = gebpf_asm_fail(a, word.text, "unknown instruction '%.*s'",
			    word.len > 40 ? 40 : (int)word.len, word.text);
	gebpf_asm_near_init(&near, word);
	for (row = 0; row < EBPF_OP_COUNT; row++) {
		gebpf_row_name(row, name, sizeof(name));
		gebpf_asm_near_try(&near, name, strlen(name));
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		gebpf_asm_near_try(&near, others[i], strlen(others[i]));
	gebpf_asm_near_hint(a, &near);
	return rc;
}

/* "[r1 + 8]" */
static int
memory(struct gebpf_asm *a, struct gebpf_asm_mem *mem)
{
	int rc = gebpf_asm_expect(a, '[');

	if (rc == 0)
		rc = gebpf_asm_base_off(a, mem);
	return rc ? rc : gebpf_asm_expect(a, ']');
}

static int
memory_then_reg(struct gebpf_asm *a, int row)
{
	struct gebpf_asm_mem mem;
	uint8_t src;
	int rc = memory(a, &mem);

	if (rc == 0)
		rc = gebpf_asm_expect(a, ',');
	if (rc == 0)
		rc = gebpf_asm_full_reg(a, &src);
	return rc ? rc : gebpf_asm_emit(a, row, mem.base, src, mem.off, 0);
}

static int
reg_then_memory(struct gebpf_asm *a, int row)
{
	struct gebpf_asm_mem mem;
	uint8_t dst;
	int rc = gebpf_asm_full_reg(a, &dst);

	if (rc == 0)
		rc = gebpf_asm_expect(a, ',');
	if (rc == 0)
		rc = memory(a, &mem);
	return rc ? rc : gebpf_asm_emit(a, row, dst, mem.base, mem.off, 0);
}

/* "r1, r2" or "r1, 5", and for jumps ", target". */
static int
reg_then_operand(struct gebpf_asm *a, const struct gebpf_row *row)
{
	bool jump = row->form == EBPF_FORM_JCC_IMM ||
		    row->form == EBPF_FORM_JCC_REG;
	uint8_t dst, src = 0;
	int32_t imm = 0, distance = 0;
	int rc, index;

	rc = gebpf_asm_full_reg(a, &dst);
	if (rc == 0)
		rc = gebpf_asm_expect(a, ',');
	if (rc != 0)
		return rc;
	if (gebpf_asm_at_number(a)) {
		index = gebpf_row_find(row->fn,
				       jump ? EBPF_FORM_JCC_IMM
					    : EBPF_FORM_ALU_IMM,
				       row->width);
		if (index < 0)
			return gebpf_asm_wanted(a, "a register");
		rc = gebpf_asm_imm(a, &imm);
	} else {
		index = gebpf_row_find(row->fn,
				       jump ? EBPF_FORM_JCC_REG
					    : EBPF_FORM_ALU_REG,
				       row->width);
		gebpf_asm_skip(a);
		if (a->at == a->end || !strchr("r%f", *a->at))
			return gebpf_asm_wanted(a, "a register or a number");
		rc = gebpf_asm_full_reg(a, &src);
	}
	if (rc == 0 && jump)
		rc = gebpf_asm_expect(a, ',');
	if (rc == 0 && jump)
		rc = gebpf_asm_target(a, false, &distance);
	return rc ? rc : gebpf_asm_emit(a, index, dst, src, distance, imm);
}

static int
operands(struct gebpf_asm *a, int index)
{
	const struct gebpf_row *row = &gebpf_rows[index];
	struct gebpf_asm_mem mem;
	uint8_t dst = 0, src = 0;
	int32_t imm = 0;
	uint64_t wide;
	int rc = 0;

	switch ((enum ebpf_form)row->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		return reg_then_operand(a, row);
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
	case EBPF_FORM_CALLX:
		rc = gebpf_asm_full_reg(a, &dst);
		break;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
		return reg_then_memory(a, index);
	case EBPF_FORM_STX:
	case EBPF_FORM_STORE_REL:
	case EBPF_FORM_ATOMIC:
		return memory_then_reg(a, index);
	case EBPF_FORM_ST:
		rc = memory(a, &mem);
		if (rc == 0)
			rc = gebpf_asm_expect(a, ',');
		if (rc == 0)
			rc = gebpf_asm_imm(a, &imm);
		return rc ? rc
			  : gebpf_asm_emit(a, index, mem.base, 0, mem.off, imm);
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		rc = gebpf_asm_target(a, row->form == EBPF_FORM_JA32, &imm);
		if (rc != 0)
			return rc;
		if (row->form == EBPF_FORM_JA)
			return gebpf_asm_emit(a, index, 0, 0, imm, 0);
		break;
	case EBPF_FORM_CALL:
	case EBPF_FORM_CALL_LOCAL:
		return gebpf_asm_call(a);
	case EBPF_FORM_EXIT:
		break;
	case EBPF_FORM_LDDW:
	case EBPF_FORM_LDDW_HI:
		rc = gebpf_asm_full_reg(a, &dst);
		if (rc == 0)
			rc = gebpf_asm_expect(a, ',');
		if (rc == 0)
			rc = gebpf_asm_wide(a, &index, &wide);
		return rc ? rc : gebpf_asm_emit_wide(a, index, dst, wide);
	case EBPF_FORM_LD_IND:
		rc = gebpf_asm_full_reg(a, &src);
		if (rc == 0)
			rc = gebpf_asm_expect(a, ',');
		if (rc == 0)
			rc = gebpf_asm_imm(a, &imm);
		break;
	case EBPF_FORM_LD_ABS:
		rc = gebpf_asm_imm(a, &imm);
		break;
	case EBPF_FORM_COUNT:
		break;
	}
	return rc ? rc : gebpf_asm_emit(a, index, dst, src, 0, imm);
}

/* The word, or the words after "lock"; false when there is none. */
static bool
take_name(struct gebpf_asm *a, struct gebpf_asm_word *word, char *name,
	  size_t size)
{
	bool fetch = false;

	if (!gebpf_asm_take_word(a, word))
		return false;
	if (!gebpf_asm_is(*word, "lock")) {
		snprintf(name, size, "%.*s", (int)(word->len < size ? word->len : size),
			 word->text);
		return true;
	}
	if (gebpf_asm_keyword(a, "fetch"))
		fetch = true;
	if (!gebpf_asm_take_word(a, word))
		return false;
	/* These two fetch anyhow. */
	if (word->len >= 4 && (memcmp(word->text, "xchg", 4) == 0 ||
			       memcmp(word->text, "cmpx", 4) == 0))
		fetch = false;
	snprintf(name, size, "lock %s%.*s", fetch ? "fetch " : "",
		 (int)(word->len < size ? word->len : size), word->text);
	return true;
}

int
gebpf_asm_mnemonic(struct gebpf_asm *a)
{
	char name[2 * GEBPF_ROW_NAME_SIZE];
	struct gebpf_asm_word word;
	int row;

	if (!take_name(a, &word, name, sizeof(name)))
		return gebpf_asm_wanted(a, "an instruction");
	for (row = 0; row < EBPF_OP_COUNT; row++)
		if (row_is_called(row, name))
			return operands(a, row);
	return unknown(a, word);
}
