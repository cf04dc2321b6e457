/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Raw instructions to ops. Knows the encoding (RFC 9669 sections 3 to 5) and
 * what can be said of a program without looking at values: valid codes,
 * registers, reserved fields, pairs, jump targets. Knows no types and no paths;
 * that is the verifier. Called by prog.c, by the verifier's fuzzer and by the
 * engine tests.
 */
#include "core/decode.h"

#include <stdbool.h>

#include "abi/error.h"

/*
 * Where the row for a raw instruction is: by code byte, and for codes shared
 * by several rows also by a small slot computed from the selecting field. The
 * slots of one code are distinct by construction: two rows in one place would
 * be an initialiser given twice, which does not compile. Entries are opcode + 1,
 * 0 is "none". A code has rows of one selector only.
 */
_Static_assert(EBPF_OP_COUNT < 255, "a row number + 1 fits a byte");

#define OFF_SLOT(v) (((v) >> 3) + ((v)&1))
#define SRC_SLOT(v) (v)
#define IMM_SLOT(v) (((v) >> 4) * 2 + ((v)&1))

enum {
	OFF_SLOTS = OFF_SLOT(32) + 1,
	SRC_SLOTS = 16,
	IMM_SLOTS = IMM_SLOT(0x111) + 1,
};

/* A row's entry in the table of its own selector, nothing in the others. */
#define IN_NONE_NONE(op, code, value) [code] = EBPF_OP_##op + 1,
#define IN_NONE_OFF(op, code, value)
#define IN_NONE_SRC(op, code, value)
#define IN_NONE_IMM(op, code, value)
#define IN_OFF_NONE(op, code, value)
#define IN_OFF_OFF(op, code, value) [code][OFF_SLOT(value)] = EBPF_OP_##op + 1,
#define IN_OFF_SRC(op, code, value)
#define IN_OFF_IMM(op, code, value)
#define IN_SRC_NONE(op, code, value)
#define IN_SRC_OFF(op, code, value)
#define IN_SRC_SRC(op, code, value) [code][SRC_SLOT(value)] = EBPF_OP_##op + 1,
#define IN_SRC_IMM(op, code, value)
#define IN_IMM_NONE(op, code, value)
#define IN_IMM_OFF(op, code, value)
#define IN_IMM_SRC(op, code, value)
#define IN_IMM_IMM(op, code, value) [code][IMM_SLOT(value)] = EBPF_OP_##op + 1,

static const uint8_t rows_none[256] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	IN_NONE_##sel(op, code, value)
#include "abi/insn.def"
};
static const uint8_t rows_off[256][OFF_SLOTS] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	IN_OFF_##sel(op, code, value)
#include "abi/insn.def"
};
static const uint8_t rows_src[256][SRC_SLOTS] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	IN_SRC_##sel(op, code, value)
#include "abi/insn.def"
};
static const uint8_t rows_imm[256][IMM_SLOTS] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	IN_IMM_##sel(op, code, value)
#include "abi/insn.def"
};

/* By form: the fields that it has. */
enum {
#define EBPF_FORM(form, fields) FIELDS_##form = fields,
#include "abi/insn.def"
};
static const uint8_t form_fields[EBPF_FORM_COUNT] = {
#define EBPF_FORM(form, fields) [EBPF_FORM_##form] = fields,
#include "abi/insn.def"
};

/*
 * An instruction but for its code, as one number: dst, src, off and imm from
 * the lowest bit up. By opcode: the bits that must be zero, those that become
 * the op's, and what is left to do then.
 */
#define WORD_OF(fields)                                        \
	(((fields) & EBPF_FIELD_DST ? 0xfull : 0) |            \
	 ((fields) & EBPF_FIELD_SRC ? 0xf0ull : 0) |           \
	 ((fields) & EBPF_FIELD_OFF ? 0xffff00ull : 0) |       \
	 ((fields) & EBPF_FIELD_IMM ? 0xffffffff000000ull : 0))
#define WORD_NONE 0
#define WORD_OFF WORD_OF(EBPF_FIELD_OFF)
#define WORD_SRC WORD_OF(EBPF_FIELD_SRC)
#define WORD_IMM WORD_OF(EBPF_FIELD_IMM)
#define WORD_ALL 0xffffffffffffffull

#define IS(form, other) (EBPF_FORM_##form == EBPF_FORM_##other)
enum {
	OFF_IN_IMM = 1 << 0,
	TWO_SLOTS = 1 << 1,
	NO_FIRST = 1 << 2, /* only a second slot is that */
};
static const struct row {
	uint64_t reserved, taken;
	uint32_t facts;
} rows[EBPF_OP_COUNT] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group)          \
	[EBPF_OP_##op] = {                                                    \
		WORD_ALL & ~WORD_OF(FIELDS_##form) & ~WORD_##sel,             \
		WORD_OF(FIELDS_##form) & ~WORD_##sel,                         \
		(IS(form, JA32) || IS(form, CALL_LOCAL) ? OFF_IN_IMM : 0) |   \
			(IS(form, LDDW) ? TWO_SLOTS : 0) |                    \
			(IS(form, LDDW_HI) ? NO_FIRST : 0),                   \
	},
#include "abi/insn.def"
};

/* Of these off leads to an op. */
static const bool leads[EBPF_OP_COUNT] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group)        \
	[EBPF_OP_##op] = IS(form, JA) || IS(form, JA32) ||                  \
			 IS(form, JCC_IMM) || IS(form, JCC_REG) ||          \
			 IS(form, CALL_LOCAL) ||                            \
			 EBPF_OP_##op == EBPF_OP_LDDW_FUNC,
#include "abi/insn.def"
};

static const char no_first[] = "opcode 0 outside the second slot of an lddw";

static int
fail(struct ebpf_decode_error *error, uint32_t insn, enum ebpf_rule rule,
     const char *what)
{
	error->insn = insn;
	error->rule = rule;
	error->what = what;
	return -EBPF_EINVAL;
}

/* The row of a raw instruction, or -1. */
static int
find_row(const struct ebpf_insn *insn)
{
	uint32_t code = insn->code, src = insn->regs >> 4;
	uint32_t row = rows_none[code];

	if (row != 0)
		return (int)row - 1;
	row = rows_src[code][SRC_SLOT(src)];
	if (row != 0)
		return (int)row - 1;
	if (insn->off >= 0 && insn->off <= 32) {
		row = rows_off[code][OFF_SLOT(insn->off)];
		if (row != 0 && ebpf_op_info[row - 1].value == insn->off)
			return (int)row - 1;
	}
	if (insn->imm >= 0 && insn->imm < 0x112) {
		row = rows_imm[code][IMM_SLOT(insn->imm)];
		if (row != 0 && ebpf_op_info[row - 1].value == insn->imm)
			return (int)row - 1;
	}
	return -1;
}

/* Off the fast path: why no row fits. */
static const char *
why_no_row(uint8_t code)
{
	int i;

	for (i = 0; i < EBPF_OP_COUNT; i++) {
		if (ebpf_op_info[i].code != code)
			continue;
		switch ((enum ebpf_sel)ebpf_op_info[i].sel) {
		case EBPF_SEL_NONE:
			break;
		case EBPF_SEL_OFF:
			return "field off selects no operation of this opcode";
		case EBPF_SEL_IMM:
			return "field imm selects no operation of this opcode";
		case EBPF_SEL_SRC:
			return "field src selects no operation of this opcode";
		}
	}
	return "unknown opcode";
}

/*
 * Fields that are no operand and do not select must be zero: which is not, off
 * the fast path.
 */
static const char *
why_no_fields(const struct ebpf_insn *insn, const struct ebpf_op_info *info)
{
	uint32_t dst = insn->regs & 15, src = insn->regs >> 4;
	uint32_t fields = form_fields[info->form];

	if (info->form == EBPF_FORM_LDDW_HI)
		return no_first;
	if (fields & EBPF_FIELD_DST) {
		if (dst >= EBPF_REG_COUNT)
			return "destination register does not exist";
	} else if (dst != 0) {
		return "reserved field dst is not zero";
	}
	if (fields & EBPF_FIELD_SRC) {
		if (src >= EBPF_REG_COUNT)
			return "source register does not exist";
	} else if (src != 0 && info->sel != EBPF_SEL_SRC) {
		return "reserved field src is not zero";
	}
	if (!(fields & EBPF_FIELD_OFF) && insn->off != 0 && info->sel != EBPF_SEL_OFF)
		return "reserved field off is not zero";
	return "reserved field imm is not zero";
}

/*
 * An instruction with both its slots, fields checked, targets not yet: how many
 * slots. Not to be asked of the op, for which the next one would wait.
 */
static int
decode_one(const struct ebpf_insn *insns, uint32_t count, uint32_t i,
	   struct ebpf_op *op, struct ebpf_decode_error *error)
{
	const struct ebpf_insn *insn = &insns[i];
	uint64_t word = insn->regs | (uint64_t)(uint16_t)insn->off << 8 |
			(uint64_t)(uint32_t)insn->imm << 24;
	uint64_t taken;
	int row = find_row(insn);

	if (row < 0)
		return fail(error, i, EBPF_RULE_ENCODING,
			    why_no_row(insn->code));
	taken = word & rows[row].taken;
	if ((word & rows[row].reserved) != 0 ||
	    (taken & 0xf) >= EBPF_REG_COUNT ||
	    (taken & 0xf0) >= EBPF_REG_COUNT << 4)
		return fail(error, i, EBPF_RULE_ENCODING,
			    why_no_fields(insn, &ebpf_op_info[row]));

	op->code = (uint16_t)row;
	op->dst = taken & 15;
	op->src = taken >> 4 & 15;
	op->off = (int16_t)(taken >> 8);
	op->imm = (int32_t)(taken >> 24);
	if (!(rows[row].facts & (OFF_IN_IMM | TWO_SLOTS | NO_FIRST)))
		return 1;
	if (rows[row].facts & NO_FIRST)
		return fail(error, i, EBPF_RULE_ENCODING, no_first);
	if (rows[row].facts & OFF_IN_IMM) {
		op->off = insn->imm;
		op->imm = 0;
		return 1;
	}

	if (i + 1 >= count)
		return fail(error, i, EBPF_RULE_ENCODING,
			    "lddw without its second slot");
	insn++;
	if (insn->code != 0 || insn->regs != 0 || insn->off != 0)
		return fail(error, i + 1, EBPF_RULE_ENCODING,
			    "second slot of lddw has reserved fields set");
	if (row == EBPF_OP_LDDW_FUNC) {
		if (insn->imm != 0)
			return fail(error, i + 1, EBPF_RULE_ENCODING,
				    "second slot of a function's lddw is not zero");
		op->off = (int32_t)op->imm;
		op->imm = 0;
	} else {
		if (insn->imm != 0 &&
		    (row == EBPF_OP_LDDW_MAP || row == EBPF_OP_LDDW_MAP_IDX))
			return fail(error, i + 1, EBPF_RULE_ENCODING,
				    "second slot of a map's lddw is not zero");
		op->imm = (int64_t)((uint64_t)(uint32_t)op->imm |
				    (uint64_t)(uint32_t)insn->imm << 32);
	}
	op[1].code = EBPF_OP_LDDW_HI;
	op[1].dst = op[1].src = 0;
	op[1].off = 0;
	op[1].imm = insn->imm;
	return 2;
}

static int
check_targets(const struct ebpf_op *ops, uint32_t count,
	      struct ebpf_decode_error *error)
{
	uint32_t i;
	int64_t target;

	for (i = 0; i < count; i++) {
		if (!leads[ops[i].code])
			continue;
		target = (int64_t)i + 1 + ops[i].off;
		if (target < 0 || target >= (int64_t)count)
			return fail(error, i, EBPF_RULE_JUMP,
				    "target is outside the program");
		if (ops[target].code == EBPF_OP_LDDW_HI)
			return fail(error, i, EBPF_RULE_JUMP,
				    "target is the second slot of an lddw");
	}
	return 0;
}

int
ebpf_decode(const struct ebpf_insn *insns, uint32_t count, struct ebpf_op *ops,
	    struct ebpf_decode_error *error)
{
	uint32_t i;
	int rc;

	if (count == 0)
		return fail(error, 0, EBPF_RULE_LIMIT, "program is empty");
	if (count > EBPF_INSN_MAX)
		return fail(error, 0, EBPF_RULE_LIMIT,
			    "program has too many instructions");
	for (i = 0; i < count; i += (uint32_t)rc) {
		rc = decode_one(insns, count, i, &ops[i], error);
		if (rc < 0)
			return rc;
	}
	rc = check_targets(ops, count, error);
	if (rc != 0)
		return rc;
	switch (ops[count - 1].code) {
	case EBPF_OP_EXIT:
	case EBPF_OP_JA:
	case EBPF_OP_JA32:
		return 0;
	default:
		return fail(error, count - 1, EBPF_RULE_END,
			    "control falls off the end of the program");
	}
}
