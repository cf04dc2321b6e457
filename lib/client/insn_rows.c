/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See insn_rows.h. Knows no syntax beyond the words. */
#include "client/insn_rows.h"

#include <stdio.h>
#include <string.h>

enum { /* as constants, for the table below */
#define EBPF_FORM(form, fields) FIELDS_##form = fields,
#include "abi/insn.def"
};

const struct gebpf_row gebpf_rows[EBPF_OP_COUNT] = {
#define EBPF_INSN(op_, code_, sel_, value_, form_, fn_, width_, cpu_, group_) \
	[EBPF_OP_##op_] = {                                                   \
		.op = #op_,                                                   \
		.code = code_,                                                \
		.form = EBPF_FORM_##form_,                                    \
		.fields = FIELDS_##form_,                                      \
		.fn = EBPF_FN_##fn_,                                          \
		.width = width_,                                              \
		.sel = EBPF_SEL_##sel_,                                       \
		.value = value_,                                              \
	},
#include "abi/insn.def"
};

const struct gebpf_fn gebpf_fns[EBPF_FN_COUNT] = {
#define EBPF_FN(fn_, word_, sign_) [EBPF_FN_##fn_] = { word_, sign_ },
#include "abi/insn.def"
};

const char *
gebpf_size_letters(unsigned int width)
{
	switch (width) {
	case 8:
		return "b";
	case 16:
		return "h";
	case 32:
		return "w";
	default:
		return "dw";
	}
}

int
gebpf_row_find(enum ebpf_fn fn, enum ebpf_form form, unsigned int width)
{
	int row;

	for (row = 0; row < EBPF_OP_COUNT; row++)
		if (gebpf_rows[row].fn == fn && gebpf_rows[row].form == form &&
		    gebpf_rows[row].width == width)
			return row;
	return -1;
}

static bool
fits(const struct gebpf_row *row, const struct ebpf_insn *insn)
{
	int32_t dst = insn->regs & 15, src = insn->regs >> 4;
	int32_t want_src = row->sel == EBPF_SEL_SRC ? row->value : 0;
	int32_t want_off = row->sel == EBPF_SEL_OFF ? row->value : 0;
	int32_t want_imm = row->sel == EBPF_SEL_IMM ? row->value : 0;

	if (row->code != insn->code)
		return false;
	if (row->fields & EBPF_FIELD_DST ? dst >= EBPF_REG_COUNT : dst != 0)
		return false;
	if (row->fields & EBPF_FIELD_SRC ? src >= EBPF_REG_COUNT
					 : src != want_src)
		return false;
	if (!(row->fields & EBPF_FIELD_OFF) && insn->off != want_off)
		return false;
	return row->fields & EBPF_FIELD_IMM || insn->imm == want_imm;
}

int
gebpf_row_of(const struct ebpf_insn *insns, uint32_t count, uint32_t index)
{
	const struct ebpf_insn *hi = &insns[index + 1];
	int row;

	for (row = 0; row < EBPF_OP_COUNT; row++)
		if (fits(&gebpf_rows[row], &insns[index]))
			break;
	if (row == EBPF_OP_COUNT || row == EBPF_OP_LDDW_HI)
		return -1;
	if (gebpf_rows[row].form != EBPF_FORM_LDDW)
		return row;
	if (index + 1 >= count || hi->code != 0 || hi->regs != 0 ||
	    hi->off != 0)
		return -1;
	if (hi->imm != 0 && (row == EBPF_OP_LDDW_MAP ||
			     row == EBPF_OP_LDDW_MAP_IDX ||
			     row == EBPF_OP_LDDW_FUNC))
		return -1;
	return row;
}

const char *
gebpf_width_digits(unsigned int width)
{
	switch (width) {
	case 8:
		return "8";
	case 16:
		return "16";
	case 32:
		return "32";
	default:
		return "64";
	}
}

/* A name is up to three pieces, one after the other. */
static void
name_pieces(int index, const char *piece[3])
{
	const struct gebpf_row *row = &gebpf_rows[index];
	const char *word = gebpf_fns[row->fn].word;

	piece[0] = piece[2] = "";
	piece[1] = word;
	switch ((enum ebpf_form)row->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
	case EBPF_FORM_LOAD_ACQ:
	case EBPF_FORM_STORE_REL:
		piece[2] = gebpf_width_digits(row->width);
		break;
	case EBPF_FORM_LDX:
	case EBPF_FORM_ST:
	case EBPF_FORM_STX:
		piece[2] = gebpf_size_letters(row->width);
		break;
	case EBPF_FORM_ATOMIC:
		piece[0] = "lock ";
		piece[2] = row->width == 32 ? "32" : "";
		break;
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		piece[2] = row->width == 32 ? "32" : "";
		break;
	case EBPF_FORM_CALL:
		piece[2] = index == EBPF_OP_CALL_KFUNC ? " kfunc" : "";
		break;
	case EBPF_FORM_CALL_LOCAL:
		piece[2] = " local";
		break;
	case EBPF_FORM_CALLX:
		piece[2] = "x";
		break;
	case EBPF_FORM_EXIT:
	case EBPF_FORM_LDDW:
	case EBPF_FORM_LDDW_HI:
		break;
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
		piece[0] = word;
		piece[1] = row->form == EBPF_FORM_LD_ABS ? "abs" : "ind";
		piece[2] = gebpf_size_letters(row->width);
		break;
	case EBPF_FORM_COUNT:
		break;
	}
}

void
gebpf_row_name(int row, char *name, size_t size)
{
	const char *piece[3];

	name_pieces(row, piece);
	snprintf(name, size, "%s%s%s", piece[0], piece[1], piece[2]);
}

bool
gebpf_is_joined(const char *name, const char *a, const char *b, const char *c)
{
	size_t len = strlen(a);

	if (strncmp(name, a, len) != 0)
		return false;
	name += len;
	len = strlen(b);
	return strncmp(name, b, len) == 0 && strcmp(name + len, c) == 0;
}

bool
gebpf_row_has_name(int row, const char *name)
{
	const char *piece[3];

	name_pieces(row, piece);
	return gebpf_is_joined(name, piece[0], piece[1], piece[2]);
}
