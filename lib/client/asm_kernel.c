/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The assembler's kernel style, as the kernel's verifier, bpftool and our
 * disassembler print it: "r1 += r2", "*(u64 *)(r10 -8) = r2", "if r0 == 0x0
 * goto pc+1". Also what llvm-objdump prints otherwise: "r1 = 5 ll", "goto +1",
 * and w registers around 32-bit loads and stores.
 *
 * "r1 = 0x5" is an lddw, as in all these listings; "r1 = 5" is a mov.
 */
#include "client/asm_text.h"

#include <string.h>

struct type {
	unsigned int width;
	bool is_signed;
};

/* "u64", "s8"... */
static int
read_type(struct gebpf_asm *a, struct type *type)
{
	static const unsigned int widths[] = { 8, 16, 32, 64 };
	static const char *const names[2][4] = { { "u8", "u16", "u32", "u64" },
						 { "s8", "s16", "s32", "s64" } };
	struct gebpf_asm_word word;
	const char *from;
	int s, i;

	gebpf_asm_skip(a);
	from = a->at;
	if (gebpf_asm_take_word(a, &word))
		for (s = 0; s < 2; s++)
			for (i = 0; i < 4; i++)
				if (gebpf_asm_is(word, names[s][i])) {
					type->width = widths[i];
					type->is_signed = s;
					return 0;
				}
	a->at = from;
	return gebpf_asm_wanted(a, "u8, u16, u32 or u64");
}

/* "(u64 *)", at the opening parenthesis */
static int
read_cast(struct gebpf_asm *a, struct type *type)
{
	int rc = gebpf_asm_expect(a, '(');

	if (rc == 0)
		rc = read_type(a, type);
	if (rc == 0)
		rc = gebpf_asm_expect(a, '*');
	return rc ? rc : gebpf_asm_expect(a, ')');
}

/* "(u64 *)(r1 +8)" */
static int
read_place(struct gebpf_asm *a, struct type *type, struct gebpf_asm_mem *mem)
{
	int rc = read_cast(a, type);

	if (rc == 0)
		rc = gebpf_asm_expect(a, '(');
	if (rc == 0)
		rc = gebpf_asm_base_off(a, mem);
	return rc ? rc : gebpf_asm_expect(a, ')');
}

static int
no_row(struct gebpf_asm *a, const char *at)
{
	return gebpf_asm_fail(a, at, "there is no such instruction");
}

static int
emit(struct gebpf_asm *a, const char *at, int row, uint8_t dst, uint8_t src,
     int32_t off, int32_t imm)
{
	if (row < 0)
		return no_row(a, at);
	return gebpf_asm_emit(a, row, dst, src, off, imm);
}

/* Of the functions a form has, the one whose sign is next; the longest. */
static int
read_sign(struct gebpf_asm *a, enum ebpf_form form, unsigned int width)
{
	const char *from = a->at, *best = NULL;
	int row, found = -1;

	for (row = 0; row < EBPF_OP_COUNT; row++) {
		const char *sign = gebpf_fns[gebpf_rows[row].fn].sign;

		if (gebpf_rows[row].form != form ||
		    gebpf_rows[row].width != width || sign[0] == '\0')
			continue;
		a->at = from;
		if (gebpf_asm_sign(a, sign) && (best == NULL || a->at > best)) {
			best = a->at;
			found = gebpf_rows[row].fn;
		}
	}
	a->at = best ? best : from;
	return found;
}

/* A w register fits what has 32 bits or less. */
static int
check_half(struct gebpf_asm *a, const char *at, struct gebpf_asm_reg reg,
	   unsigned int width)
{
	if (!reg.half || width <= 32)
		return 0;
	return gebpf_asm_fail(a, at, "expected a 64-bit register, r%u",
			      reg.number);
}

/* "if r1 > r2 goto pc+3", after "if" */
static int
branch(struct gebpf_asm *a)
{
	struct gebpf_asm_reg dst, src = { 0, false };
	const char *at;
	int32_t imm = 0, distance;
	int rc, fn, row;

	rc = gebpf_asm_reg(a, &dst);
	if (rc != 0)
		return rc;
	gebpf_asm_skip(a);
	at = a->at;
	fn = read_sign(a, EBPF_FORM_JCC_REG, dst.half ? 32 : 64);
	if (fn < 0)
		return gebpf_asm_wanted(a, "a comparison");
	gebpf_asm_skip(a);
	if (gebpf_asm_at_number(a)) {
		row = gebpf_row_find((enum ebpf_fn)fn, EBPF_FORM_JCC_IMM,
				     dst.half ? 32 : 64);
		rc = gebpf_asm_imm(a, &imm);
	} else {
		const char *src_at = a->at;

		row = gebpf_row_find((enum ebpf_fn)fn, EBPF_FORM_JCC_REG,
				     dst.half ? 32 : 64);
		if (!gebpf_asm_try_reg(a, &src))
			return gebpf_asm_wanted(a, "a register or a number");
		if (src.half != dst.half)
			return gebpf_asm_fail(a, src_at,
					      "compares registers of different width");
	}
	if (rc != 0)
		return rc;
	if (!gebpf_asm_keyword(a, "goto"))
		return gebpf_asm_wanted(a, "'goto'");
	rc = gebpf_asm_target(a, false, &distance);
	return rc ? rc
		  : emit(a, at, row, dst.number, src.number, distance, imm);
}

/* "*(u64 *)(r1 +8) = ..." and, after "lock", "*(u64 *)(r1 +8) += r2" */
static int
store(struct gebpf_asm *a, bool lock)
{
	const char *from = a->at;
	struct gebpf_asm_reg src;
	struct gebpf_asm_mem mem;
	struct type type;
	int32_t imm;
	int rc, fn = -1;

	rc = gebpf_asm_expect(a, '*');
	if (rc == 0)
		rc = read_place(a, &type, &mem);
	if (rc != 0)
		return rc;
	if (type.is_signed)
		return no_row(a, from);
	gebpf_asm_skip(a);
	if (lock) {
		fn = read_sign(a, EBPF_FORM_ATOMIC, type.width);
		if (fn < 0)
			return gebpf_asm_wanted(a, "'+=', '|=', '&=' or '^='");
	} else {
		rc = gebpf_asm_expect(a, '=');
		if (rc != 0)
			return rc;
	}
	if (!lock && gebpf_asm_at_number(a)) {
		rc = gebpf_asm_imm(a, &imm);
		return rc ? rc
			  : emit(a, from,
				 gebpf_row_find(EBPF_FN_ST, EBPF_FORM_ST,
						type.width),
				 mem.base, 0, mem.off, imm);
	}
	gebpf_asm_skip(a);
	from = a->at;
	if (!gebpf_asm_try_reg(a, &src))
		return gebpf_asm_wanted(a, lock ? "a register"
						: "a register or a number");
	rc = check_half(a, from, src, type.width);
	if (rc != 0)
		return rc;
	return emit(a, from,
		    gebpf_row_find(lock ? (enum ebpf_fn)fn : EBPF_FN_STX,
				   lock ? EBPF_FORM_ATOMIC : EBPF_FORM_STX,
				   type.width),
		    mem.base, src.number, mem.off, 0);
}

/* "store_release((u64 *)(r1 +8), r2)", after the word */
static int
store_release(struct gebpf_asm *a)
{
	const char *from = a->at;
	struct gebpf_asm_reg src = { 0, false };
	struct gebpf_asm_mem mem;
	struct type type;
	int rc;

	rc = gebpf_asm_expect(a, '(');
	if (rc == 0)
		rc = read_place(a, &type, &mem);
	if (rc == 0)
		rc = gebpf_asm_expect(a, ',');
	gebpf_asm_skip(a);
	from = a->at;
	if (rc == 0)
		rc = gebpf_asm_reg(a, &src);
	if (rc == 0)
		rc = check_half(a, from, src, type.width);
	if (rc == 0)
		rc = gebpf_asm_expect(a, ')');
	if (rc == 0 && type.is_signed)
		rc = no_row(a, from);
	return rc ? rc
		  : emit(a, from,
			 gebpf_row_find(EBPF_FN_STORE_REL, EBPF_FORM_STORE_REL,
					type.width),
			 mem.base, src.number, mem.off, 0);
}

/* "r1 = *(u64 *)(r2 +8)", "r0 = *(u32 *)skb[r1 + 4]", at the star */
static int
load(struct gebpf_asm *a, struct gebpf_asm_reg dst)
{
	const char *from = a->at;
	struct gebpf_asm_mem mem;
	struct type type;
	int32_t imm = 0;
	uint8_t src = 0;
	int rc;

	rc = gebpf_asm_expect(a, '*');
	if (rc == 0)
		rc = read_cast(a, &type);
	if (rc != 0)
		return rc;
	if (gebpf_asm_keyword(a, "skb")) {
		bool indirect;

		if (dst.number != 0 || dst.half)
			return gebpf_asm_fail(a, from,
					      "packet loads go to r0");
		rc = gebpf_asm_expect(a, '[');
		if (rc != 0)
			return rc;
		indirect = !gebpf_asm_at_number(a);
		if (indirect)
			rc = gebpf_asm_full_reg(a, &src);
		if (rc == 0 && indirect)
			rc = gebpf_asm_expect(a, '+');
		if (rc == 0)
			rc = gebpf_asm_imm(a, &imm);
		if (rc == 0)
			rc = gebpf_asm_expect(a, ']');
		if (rc == 0 && type.is_signed)
			rc = no_row(a, from);
		return rc ? rc
			  : emit(a, from,
				 gebpf_row_find(EBPF_FN_LD_PKT,
						indirect ? EBPF_FORM_LD_IND
							 : EBPF_FORM_LD_ABS,
						type.width),
				 0, src, 0, imm);
	}
	rc = gebpf_asm_expect(a, '(');
	if (rc == 0)
		rc = gebpf_asm_base_off(a, &mem);
	if (rc == 0)
		rc = gebpf_asm_expect(a, ')');
	if (rc == 0)
		rc = check_half(a, from, dst, type.is_signed ? 64 : type.width);
	return rc ? rc
		  : emit(a, from,
			 gebpf_row_find(type.is_signed ? EBPF_FN_LDXS
						       : EBPF_FN_LDX,
					EBPF_FORM_LDX, type.width),
			 dst.number, mem.base, mem.off, 0);
}

/* "(s8)r2" */
static int
sign_extension(struct gebpf_asm *a, struct gebpf_asm_reg dst)
{
	const char *from = a->at;
	struct gebpf_asm_reg src;
	struct type type;
	enum ebpf_fn fn;
	int rc;

	rc = gebpf_asm_expect(a, '(');
	if (rc == 0)
		rc = read_type(a, &type);
	if (rc == 0)
		rc = gebpf_asm_expect(a, ')');
	if (rc == 0)
		rc = gebpf_asm_reg(a, &src);
	if (rc != 0)
		return rc;
	fn = type.width == 8 ? EBPF_FN_MOVSX8
	   : type.width == 16 ? EBPF_FN_MOVSX16
			      : EBPF_FN_MOVSX32;
	if (!type.is_signed || type.width == 64 || src.half != dst.half)
		return no_row(a, from);
	return emit(a, from,
		    gebpf_row_find(fn, EBPF_FORM_ALU_REG, dst.half ? 32 : 64),
		    dst.number, src.number, 0, 0);
}

/* "atomic64_fetch_add((u64 *)(r1 +8), r0)", "load_acquire(...)" */
static int
atomic(struct gebpf_asm *a, struct gebpf_asm_reg dst,
       struct gebpf_asm_word word, bool *taken)
{
	static const struct {
		const char *name;
		enum ebpf_fn fn;
	} names[] = {
		{ "_fetch_add", EBPF_FN_FETCH_ADD },
		{ "_fetch_or", EBPF_FN_FETCH_OR },
		{ "_fetch_and", EBPF_FN_FETCH_AND },
		{ "_fetch_xor", EBPF_FN_FETCH_XOR },
		{ "_xchg", EBPF_FN_XCHG },
		{ "_cmpxchg", EBPF_FN_CMPXCHG },
	};
	struct gebpf_asm_word rest = word;
	struct gebpf_asm_reg src = { 0, false }, expected;
	struct gebpf_asm_mem mem;
	struct type type;
	enum ebpf_fn fn = EBPF_FN_COUNT;
	bool named64 = false;
	size_t i;
	int rc;

	*taken = true;
	if (gebpf_asm_is(word, "load_acquire")) {
		fn = EBPF_FN_LOAD_ACQ;
	} else if (word.len > 6 && memcmp(word.text, "atomic", 6) == 0) {
		rest.text += 6;
		rest.len -= 6;
		if (rest.len > 2 && memcmp(rest.text, "64", 2) == 0) {
			rest.text += 2;
			rest.len -= 2;
			named64 = true;
		}
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (gebpf_asm_is(rest, names[i].name))
				fn = names[i].fn;
	}
	if (fn == EBPF_FN_COUNT) {
		*taken = false;
		return 0;
	}
	rc = gebpf_asm_expect(a, '(');
	if (rc == 0)
		rc = read_place(a, &type, &mem);
	if (rc != 0)
		return rc;
	if (type.is_signed || (named64 && type.width != 64))
		return no_row(a, word.text);
	rc = check_half(a, word.text, dst, type.width);
	if (rc != 0)
		return rc;
	if (fn == EBPF_FN_LOAD_ACQ) {
		rc = gebpf_asm_expect(a, ')');
		return rc ? rc
			  : emit(a, word.text,
				 gebpf_row_find(fn, EBPF_FORM_LOAD_ACQ,
						type.width),
				 dst.number, mem.base, mem.off, 0);
	}
	rc = gebpf_asm_expect(a, ',');
	if (rc == 0 && fn == EBPF_FN_CMPXCHG) {
		rc = gebpf_asm_reg(a, &expected);
		if (rc == 0 && (expected.number != 0 || dst.number != 0))
			rc = gebpf_asm_fail(a, word.text,
					    "compares with r0 and returns in r0");
		if (rc == 0)
			rc = gebpf_asm_expect(a, ',');
	}
	if (rc == 0)
		rc = gebpf_asm_reg(a, &src);
	if (rc == 0)
		rc = check_half(a, word.text, src, type.width);
	if (rc == 0)
		rc = gebpf_asm_expect(a, ')');
	if (rc == 0 && fn != EBPF_FN_CMPXCHG && src.number != dst.number)
		rc = gebpf_asm_fail(a, word.text,
				    "returns the old value in the register of the operand, r%u",
				    src.number);
	return rc ? rc
		  : emit(a, word.text,
			 gebpf_row_find(fn, EBPF_FORM_ATOMIC, type.width),
			 mem.base, src.number, mem.off, 0);
}

/* "be16 r1", "bswap32 r1" */
static int
byte_order(struct gebpf_asm *a, struct gebpf_asm_reg dst,
	   struct gebpf_asm_word word, bool *taken)
{
	char name[GEBPF_ROW_NAME_SIZE];
	struct gebpf_asm_reg src;
	int row, rc;

	*taken = false;
	if (word.len >= sizeof(name))
		return 0;
	memcpy(name, word.text, word.len);
	name[word.len] = '\0';
	for (row = 0; row < EBPF_OP_COUNT; row++)
		if (gebpf_rows[row].form == EBPF_FORM_ENDIAN &&
		    gebpf_row_has_name(row, name))
			break;
	if (row == EBPF_OP_COUNT)
		return 0;
	*taken = true;
	rc = gebpf_asm_reg(a, &src);
	if (rc != 0)
		return rc;
	if (src.number != dst.number)
		return gebpf_asm_fail(a, word.text,
				      "swaps a register in place, r%u = %.*s r%u",
				      dst.number, (int)word.len, word.text,
				      dst.number);
	return gebpf_asm_emit(a, row, dst.number, 0, 0, 0);
}

/* Numbers: "5", "0x5", "5 ll". */
static int
assign_number(struct gebpf_asm *a, struct gebpf_asm_reg dst)
{
	const char *from;
	int64_t value;
	uint64_t wide;
	int32_t imm;
	bool hex;
	int rc, row;

	gebpf_asm_skip(a);
	from = a->at;
	rc = gebpf_asm_number(a, &value, &hex);
	if (rc != 0)
		return rc;
	if (!dst.half && (hex || gebpf_asm_keyword(a, "ll"))) {
		a->at = from;
		rc = gebpf_asm_wide(a, &row, &wide);
		return rc ? rc
			  : gebpf_asm_emit_wide(a, row, dst.number, wide);
	}
	a->at = from;
	rc = gebpf_asm_imm(a, &imm);
	return rc ? rc
		  : gebpf_asm_emit(a,
				   dst.half ? EBPF_OP_MOV32_IMM
					    : EBPF_OP_MOV64_IMM,
				   dst.number, 0, 0, imm);
}

/* What may stand right of "r1 =" */
static int
assignment(struct gebpf_asm *a, struct gebpf_asm_reg dst)
{
	const char *from;
	struct gebpf_asm_word word;
	struct gebpf_asm_reg src;
	uint64_t wide;
	bool taken;
	int rc, row;

	if (gebpf_asm_at_number(a))
		return assign_number(a, dst);
	gebpf_asm_skip(a);
	from = a->at;
	if (from < a->end && *from == '*')
		return load(a, dst);
	if (from < a->end && *from == '(')
		return sign_extension(a, dst);
	if (gebpf_asm_char(a, '-')) {
		rc = gebpf_asm_reg(a, &src);
		if (rc != 0)
			return rc;
		if (src.number != dst.number || src.half != dst.half)
			return gebpf_asm_fail(a, from,
					      "negates a register in place");
		return gebpf_asm_emit(a,
				      dst.half ? EBPF_OP_NEG32 : EBPF_OP_NEG64,
				      dst.number, 0, 0, 0);
	}
	if (gebpf_asm_try_reg(a, &src)) {
		/* "r1 = w2" is what llvm-objdump makes of a 32-bit move. */
		if (dst.half && !src.half)
			return gebpf_asm_fail(a, from,
					      "expected a 32-bit register, w%u",
					      src.number);
		return gebpf_asm_emit(a,
				      src.half ? EBPF_OP_MOV32_REG
					       : EBPF_OP_MOV64_REG,
				      dst.number, src.number, 0, 0);
	}
	if (!gebpf_asm_take_word(a, &word))
		return gebpf_asm_wanted(a, "a value");
	rc = byte_order(a, dst, word, &taken);
	if (taken)
		return rc;
	rc = atomic(a, dst, word, &taken);
	if (taken)
		return rc;
	a->at = from;
	if (!dst.half && (gebpf_asm_is(word, "map") ||
			  gebpf_asm_is(word, "subprog") ||
			  gebpf_asm_is(word, "btf_var"))) {
		rc = gebpf_asm_wide(a, &row, &wide);
		return rc ? rc
			  : gebpf_asm_emit_wide(a, row, dst.number, wide);
	}
	return gebpf_asm_wanted(a, "a value");
}

/* "r1 = ...", "w1 s>>= 3", after the register */
static int
arithmetic(struct gebpf_asm *a, struct gebpf_asm_reg dst)
{
	struct gebpf_asm_reg src = { 0, false };
	const char *at;
	int32_t imm = 0;
	int fn, rc = 0, row;

	gebpf_asm_skip(a);
	at = a->at;
	fn = read_sign(a, EBPF_FORM_ALU_IMM, dst.half ? 32 : 64);
	if (fn < 0)
		return gebpf_asm_wanted(a, "an operator");
	if (fn == EBPF_FN_MOV)
		return assignment(a, dst);
	if (gebpf_asm_at_number(a)) {
		row = gebpf_row_find((enum ebpf_fn)fn, EBPF_FORM_ALU_IMM,
				     dst.half ? 32 : 64);
		rc = gebpf_asm_imm(a, &imm);
	} else {
		row = gebpf_row_find((enum ebpf_fn)fn, EBPF_FORM_ALU_REG,
				     dst.half ? 32 : 64);
		gebpf_asm_skip(a);
		at = a->at;
		if (!gebpf_asm_try_reg(a, &src))
			return gebpf_asm_wanted(a, "a register or a number");
		if (src.half != dst.half)
			return gebpf_asm_fail(a, at,
					      "mixes registers of different width");
	}
	return rc ? rc : emit(a, at, row, dst.number, src.number, 0, imm);
}

int
gebpf_asm_kernel(struct gebpf_asm *a, bool *taken)
{
	const char *from;
	struct gebpf_asm_reg reg;
	int32_t distance;
	int rc;

	*taken = true;
	gebpf_asm_skip(a);
	from = a->at;
	if (gebpf_asm_try_reg(a, &reg))
		return arithmetic(a, reg);
	if (from < a->end && *from == '*')
		return store(a, false);
	if (gebpf_asm_keyword(a, "if"))
		return branch(a);
	if (gebpf_asm_keyword(a, "goto")) {
		rc = gebpf_asm_target(a, false, &distance);
		return rc ? rc
			  : gebpf_asm_emit(a, EBPF_OP_JA, 0, 0, distance, 0);
	}
	if (gebpf_asm_keyword(a, "gotol")) {
		rc = gebpf_asm_target(a, true, &distance);
		return rc ? rc
			  : gebpf_asm_emit(a, EBPF_OP_JA32, 0, 0, 0, distance);
	}
	if (gebpf_asm_keyword(a, "store_release"))
		return store_release(a);
	if (gebpf_asm_keyword(a, "lock")) {
		gebpf_asm_skip(a);
		if (a->at < a->end && *a->at == '*')
			return store(a, true);
	}
	a->at = from;
	*taken = false;
	return 0;
}
