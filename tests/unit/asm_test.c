/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Assembler and disassembler: every row of insn.def with random operands goes
 * to text and back in both styles; exact text for what bpftool prints; what
 * else the assembler reads; and what it says about mistakes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/decode.h"
#include "tap.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t
random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Random, but often near the edges. */
static int32_t
random_imm(void)
{
	static const int32_t edges[] = { 0,  1,	   -1,	  INT32_MAX, INT32_MIN,
					 16, 0xff, 0xffff, -32768,   32767 };
	uint64_t r = random64();

	return r & 1 ? (int32_t)(r >> 32) : edges[(r >> 1) % 10];
}

static const char *
helper_name(void *cookie, uint32_t number)
{
	return gebpf_helper_name(number);
}

static uint32_t
random_row(int op, struct ebpf_insn insns[2])
{
	struct ebpf_op random = { .code = (uint16_t)op };
	uint32_t fields;

	switch ((enum ebpf_form)ebpf_op_info[op].form) {
#define EBPF_FORM(form, list)     \
	case EBPF_FORM_##form:    \
		fields = (list); \
		break;
#include "abi/insn.def"
	default:
		fields = 0;
		break;
	}
	if (fields & EBPF_FIELD_DST)
		random.dst = random64() % EBPF_REG_COUNT;
	if (fields & EBPF_FIELD_SRC)
		random.src = random64() % EBPF_REG_COUNT;
	if (fields & EBPF_FIELD_OFF)
		random.off = (int16_t)random_imm();
	if (fields & EBPF_FIELD_IMM)
		random.imm = random_imm();
	if (ebpf_op_info[op].form == EBPF_FORM_JA32 ||
	    op == EBPF_OP_CALL_LOCAL || op == EBPF_OP_LDDW_FUNC) {
		random.off = random_imm();
		random.imm = 0;
	} else if (op == EBPF_OP_LDDW_MAP || op == EBPF_OP_LDDW_MAP_IDX) {
		random.imm = (uint32_t)random_imm();
	} else if (ebpf_op_info[op].form == EBPF_FORM_LDDW) {
		random.imm = (int64_t)random64();
	}
	insns[0] = ebpf_encode(&random);
	if (ebpf_op_info[op].form != EBPF_FORM_LDDW)
		return 1;
	insns[1] = ebpf_encode_hi(&random);
	return 2;
}

static bool
goes_round(const struct ebpf_insn *insns, uint32_t count,
	   const struct gebpf_disasm *options)
{
	struct gebpf_error err = { 0 };
	struct ebpf_insn *back = NULL;
	uint32_t back_count;
	char text[128];
	bool same;
	int used, rc;

	used = gebpf_disasm(insns, count, 0, options, text, sizeof(text));
	rc = gebpf_asm(text, strlen(text), &back, &back_count, &err);
	same = rc == 0 && used == (int)count && back_count == count &&
	       memcmp(back, insns, count * sizeof(*insns)) == 0;
	if (!same)
		tap_diag("'%s': %d slots, asm says %d %s", text, used, rc,
			 err.text);
	free(back);
	return same;
}

static void
test_round_trip(void)
{
	static const struct gebpf_disasm styles[] = {
		{ .style = GEBPF_DISASM_KERNEL },
		{ .style = GEBPF_DISASM_KERNEL, .code_prefix = true },
		{ .style = GEBPF_DISASM_KERNEL, .helper = helper_name },
		{ .style = GEBPF_DISASM_ASM },
		{ .style = GEBPF_DISASM_ASM, .helper = helper_name },
	};
	struct ebpf_insn insns[2];
	uint32_t count;
	size_t style;
	int op, i;
	bool pass;

	for (op = 0; op < EBPF_OP_COUNT; op++) {
		if (op == EBPF_OP_LDDW_HI)
			continue;
		pass = true;
		for (i = 0; i < 200 && pass; i++) {
			count = random_row(op, insns);
			for (style = 0; style < 5 && pass; style++)
				pass = goes_round(insns, count, &styles[style]);
		}
		tap_ok(pass, "row %d, code 0x%02x, goes round in every style",
		       op, ebpf_op_info[op].code);
	}
}

/* Whatever eight or sixteen bytes are, they come back. */
static void
test_any_bytes(void)
{
	static const struct ebpf_insn exit_insn = { 0x95, 0, 0, 0 };
	struct ebpf_insn insns[2], three[3], *back;
	uint32_t back_count;
	struct ebpf_op ops[3];
	struct ebpf_decode_error error;
	char text[128];
	bool pass = true, agree = true;
	int i, used, rc;

	for (i = 0; i < 200000 && pass && agree; i++) {
		uint64_t bytes[2] = { random64(), 0 };

		/* Mostly near real instructions. */
		if (i & 1)
			bytes[0] &= 0x0000000100001aff;
		if (i & 2)
			bytes[0] &= ~0xf000ull;
		if (i & 4)
			bytes[0] &= 0xffffffff0000ffff;
		memcpy(insns, bytes, sizeof(insns));
		used = gebpf_disasm(insns, 2, 0, NULL, text, sizeof(text));
		back = NULL;
		pass = gebpf_asm(text, strlen(text), &back, &back_count,
				 NULL) == 0 &&
		       memcmp(back, insns, back_count * 8) == 0 &&
		       (int)back_count == (used < 0 ? 1 : used);
		free(back);
		if (!pass)
			tap_diag("'%s'", text);
		/* The same words as the decoder's: valid or not. */
		three[0] = insns[0];
		three[1] = used == 2 ? insns[1] : exit_insn;
		three[2] = exit_insn;
		rc = ebpf_decode(three, 3, ops, &error);
		agree = (rc == 0 || error.rule != EBPF_RULE_ENCODING) ==
			(used > 0);
		if (!agree)
			tap_diag("'%s' but decoder: %s", text,
				 rc ? error.what : "fine");
	}
	tap_ok(pass, "any bytes go to text and back");
	tap_ok(agree, "disassembler and decoder agree on what is valid");
}

static const struct {
	struct ebpf_insn insns[2];
	const char *kernel, *mnemonic;
} texts[] = {
	{ { { 0xb7, 0x02, 0, 0 } }, "(b7) r2 = 0", "mov64 r2, 0" },
	{ { { 0xb4, 0x02, 0, -5 } }, "(b4) w2 = -5", "mov32 r2, -5" },
	{ { { 0x7b, 0x2a, -8, 0 } }, "(7b) *(u64 *)(r10 -8) = r2",
	  "stxdw [r10-8], r2" },
	{ { { 0x79, 0x12, 8, 0 } }, "(79) r2 = *(u64 *)(r1 +8)",
	  "ldxdw r2, [r1+8]" },
	{ { { 0x71, 0x11, 0, 0 } }, "(71) r1 = *(u8 *)(r1 +0)",
	  "ldxb r1, [r1+0]" },
	{ { { 0x91, 0x11, 0, 0 } }, "(91) r1 = *(s8 *)(r1 +0)",
	  "ldxsb r1, [r1+0]" },
	{ { { 0x62, 0x01, 4, 7 } }, "(62) *(u32 *)(r1 +4) = 7",
	  "stw [r1+4], 7" },
	{ { { 0xbf, 0x13, 0, 0 } }, "(bf) r3 = r1", "mov64 r3, r1" },
	{ { { 0xbf, 0x21, 8, 0 } }, "(bf) r1 = (s8)r2", "movsx864 r1, r2" },
	{ { { 0xbc, 0x21, 16, 0 } }, "(bc) w1 = (s16)w2",
	  "movsx1632 r1, r2" },
	{ { { 0x07, 0x02, 0, -16 } }, "(07) r2 += -16", "add64 r2, -16" },
	{ { { 0xcf, 0x21, 0, 0 } }, "(cf) r1 s>>= r2", "arsh64 r1, r2" },
	{ { { 0x3c, 0x21, 1, 0 } }, "(3c) w1 s/= w2", "sdiv32 r1, r2" },
	{ { { 0x87, 0x01, 0, 0 } }, "(87) r1 = -r1", "neg64 r1" },
	{ { { 0x84, 0x01, 0, 0 } }, "(84) w1 = -w1", "neg32 r1" },
	{ { { 0xdc, 0x01, 0, 16 } }, "(dc) r1 = be16 r1", "be16 r1" },
	{ { { 0xd7, 0x01, 0, 32 } }, "(d7) r1 = bswap32 r1", "bswap32 r1" },
	{ { { 0x2d, 0x23, 16, 0 } }, "(2d) if r3 > r2 goto pc+16",
	  "jgt r3, r2, +16" },
	{ { { 0x15, 0x00, 1, 0 } }, "(15) if r0 == 0x0 goto pc+1",
	  "jeq r0, 0, +1" },
	{ { { 0x56, 0x01, -3, -1 } }, "(56) if w1 != 0xffffffff goto pc-3",
	  "jne32 r1, -1, -3" },
	{ { { 0xae, 0x21, 3, 0 } }, "(ae) if w1 < w2 goto pc+3",
	  "jlt32 r1, r2, +3" },
	{ { { 0x05, 0x00, -2, 0 } }, "(05) goto pc-2", "ja -2" },
	{ { { 0x06, 0x00, 0, 1 } }, "(06) gotol pc+1", "ja32 +1" },
	{ { { 0x18, 0x11, 0, 1826 } }, "(18) r1 = map[id:1826]",
	  "lddw r1, map[id:1826]" },
	{ { { 0x18, 0x21, 0, 7 }, { 0, 0, 0, 4 } },
	  "(18) r1 = map[id:7][0]+4", "lddw r1, map[id:7][0]+4" },
	{ { { 0x18, 0x01, 0, 2 }, { 0, 0, 0, 1 } }, "(18) r1 = 0x100000002",
	  "lddw r1, 0x100000002" },
	{ { { 0x85, 0x00, 0, 1 } }, "(85) call bpf_map_lookup_elem#1",
	  "call bpf_map_lookup_elem#1" },
	{ { { 0x85, 0x00, 0, 4711 } }, "(85) call unknown#4711",
	  "call unknown#4711" },
	{ { { 0x85, 0x10, 0, 5 } }, "(85) call pc+5", "call local +5" },
	{ { { 0x8d, 0x03, 0, 0 } }, "(8d) callx r3", "callx r3" },
	{ { { 0x95, 0x00, 0, 0 } }, "(95) exit", "exit" },
	{ { { 0xdb, 0x21, 0, 0 } }, "(db) lock *(u64 *)(r1 +0) += r2",
	  "lock add [r1+0], r2" },
	{ { { 0xc3, 0x21, 0, 0xa0 } }, "(c3) lock *(u32 *)(r1 +0) ^= r2",
	  "lock xor32 [r1+0], r2" },
	{ { { 0xdb, 0x01, 0, 1 } },
	  "(db) r0 = atomic64_fetch_add((u64 *)(r1 +0), r0)",
	  "lock fetch add [r1+0], r0" },
	{ { { 0xc3, 0x21, 4, 0xe1 } },
	  "(c3) r2 = atomic_xchg((u32 *)(r1 +4), r2)",
	  "lock xchg32 [r1+4], r2" },
	{ { { 0xdb, 0x21, 0, 0xf1 } },
	  "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",
	  "lock cmpxchg [r1+0], r2" },
	{ { { 0xdb, 0x10, 0, 0x100 } },
	  "(db) r0 = load_acquire((u64 *)(r1 +0))",
	  "load_acquire64 r0, [r1+0]" },
	{ { { 0xcb, 0x21, -2, 0x110 } },
	  "(cb) store_release((u16 *)(r1 -2), r2)",
	  "store_release16 [r1-2], r2" },
	{ { { 0x30, 0x00, 0, 14 } }, "(30) r0 = *(u8 *)skb[14]",
	  "ldabsb 14" },
	{ { { 0x48, 0x60, 0, 14 } }, "(48) r0 = *(u16 *)skb[r6 + 14]",
	  "ldindh r6, 14" },
};

static void
test_texts(void)
{
	struct gebpf_disasm options = { .code_prefix = true,
					.helper = helper_name };
	char text[128];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		options.style = GEBPF_DISASM_KERNEL;
		gebpf_disasm(texts[i].insns, 2, 0, &options, text,
			     sizeof(text));
		if (!tap_ok(strcmp(text, texts[i].kernel) == 0, "prints '%s'",
			    texts[i].kernel))
			tap_diag("got '%s'", text);
		options.style = GEBPF_DISASM_ASM;
		gebpf_disasm(texts[i].insns, 2, 0, &options, text,
			     sizeof(text));
		if (!tap_ok(strcmp(text, texts[i].mnemonic) == 0,
			    "prints '%s'", texts[i].mnemonic))
			tap_diag("got '%s'", text);
	}
}

/* What is read besides what is printed: the first slot's code, regs, off, imm. */
static const struct {
	const char *text;
	struct ebpf_insn insn;
	uint32_t count;
} reads[] = {
	{ "mov %r0, 0xffffffff", { 0xb7, 0, 0, -1 }, 1 },
	{ "add r1, r2 # text", { 0x0f, 0x21, 0, 0 }, 1 },
	{ "add64 r1, -1 ; text", { 0x07, 1, 0, -1 }, 1 },
	{ "add32 r1, 1 // text", { 0x04, 1, 0, 1 }, 1 },
	{ "ldxw r1, [ r2 ]", { 0x61, 0x21, 0, 0 }, 1 },
	{ "ldxw r1, [r2+0xffff]", { 0x61, 0x21, -1, 0 }, 1 },
	{ "stxb [%r10 - 1], %r1", { 0x73, 0x1a, -1, 0 }, 1 },
	{ "r1 = *(u32 *)(r2 + 0x8)", { 0x61, 0x21, 8, 0 }, 1 },
	{ "w1 = *(u32 *)(r2 + 8)", { 0x61, 0x21, 8, 0 }, 1 },
	{ "*(u8 *)(r10 - 0x1) = w3", { 0x73, 0x3a, -1, 0 }, 1 },
	{ "r1 = w2", { 0xbc, 0x21, 0, 0 }, 1 },
	{ "w1 = 0xffffffff", { 0xb4, 1, 0, -1 }, 1 },
	{ "r1 = 5 ll", { 0x18, 1, 0, 5 }, 2 },
	{ "r1 = 0x5", { 0x18, 1, 0, 5 }, 2 },
	{ "r1 = -0x1 ll", { 0x18, 1, 0, -1 }, 2 },
	{ "lddw %r1, 18446744073709551615", { 0x18, 1, 0, -1 }, 2 },
	{ "lddw r1, -9223372036854775808", { 0x18, 1, 0, 0 }, 2 },
	{ "goto +0x1 <LBB0_2>", { 0x05, 0, 1, 0 }, 1 },
	{ "goto +1", { 0x05, 0, 1, 0 }, 1 },
	{ "if r1 == 0 goto +1", { 0x15, 1, 1, 0 }, 1 },
	{ "if w1 s> 0x7 goto end\nexit\nend: exit", { 0x66, 1, 1, 7 }, 3 },
	{ "jne r1, 5, exit\nmov r0, 0\nexit\nexit", { 0x55, 1, 1, 5 }, 4 },
	{ "a: b: c:\nja a", { 0x05, 0, -1, 0 }, 1 },
	{ "ja32 far\nfar:\nexit", { 0x06, 0, 0, 0 }, 2 },
	{ "call 5", { 0x85, 0, 0, 5 }, 1 },
	{ "call helper 5", { 0x85, 0, 0, 5 }, 1 },
	{ "call helper trace_printk", { 0x85, 0, 0, 6 }, 1 },
	{ "call runtime 9", { 0x85, 0x20, 0, 9 }, 1 },
	{ "call map_lookup_elem", { 0x85, 0, 0, 1 }, 1 },
	{ "call bpf_map_lookup_elem", { 0x85, 0, 0, 1 }, 1 },
	{ "call bpf_get_prandom_u32#7", { 0x85, 0, 0, 7 }, 1 },
	{ "call whatever#-7", { 0x85, 0, 0, -7 }, 1 },
	{ "call local f\nexit\nf: exit", { 0x85, 0x10, 0, 1 }, 3 },
	{ "call f\nexit\nf: exit", { 0x85, 0x10, 0, 1 }, 3 },
	{ "call %r2", { 0x8d, 2, 0, 0 }, 1 },
	{ "call pc-2", { 0x85, 0x10, 0, -2 }, 1 },
	{ "call +2", { 0x85, 0x10, 0, 2 }, 1 },
	{ "swap16 %r1", { 0xd7, 1, 0, 16 }, 1 },
	{ "  12: (b7) r2 = 0", { 0xb7, 2, 0, 0 }, 1 },
	{ "lock fetch xchg [r1+0], r2", { 0xdb, 0x21, 0, 0xe1 }, 1 },
	{ "lock add64 [r1+0], r2", { 0xdb, 0x21, 0, 0 }, 1 },
	{ "r0 = atomic_fetch_add((u64 *)(r1 + 0), r0)",
	  { 0xdb, 0x01, 0, 1 },
	  1 },
	{ ".quad 0xffffffffffffffff", { 0xff, 0xff, -1, -1 }, 1 },
	{ "exit\r\n", { 0x95, 0, 0, 0 }, 1 },
	{ "; a\n# b\n// c\n\nexit", { 0x95, 0, 0, 0 }, 1 },
	{ "r1 = fp", { 0xbf, 0xa1, 0, 0 }, 1 },
};

static void
test_reads(void)
{
	struct gebpf_error err;
	struct ebpf_insn *insns;
	uint32_t count;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		memset(&err, 0, sizeof(err));
		rc = gebpf_asm(reads[i].text, strlen(reads[i].text), &insns,
			       &count, &err);
		if (!tap_ok(rc == 0 && count == reads[i].count &&
				    memcmp(insns, &reads[i].insn, 8) == 0,
			    "reads case %zu", i))
			tap_diag("'%s': %s", reads[i].text, err.text);
		free(insns);
	}
}

static const struct {
	const char *text;
	const char *error, *hint;
} mistakes[] = {
	{ "", "no instructions", "" },
	{ "exit\nad64 r1, r2", "line 2, column 1: unknown instruction 'ad64'",
	  "did you mean 'add64'?" },
	{ "add64 r1, r11",
	  "line 1, column 11: expected a register, r0 to r10, found 'r11'",
	  "" },
	{ "add64 r1 r2", "line 1, column 10: expected ',', found 'r2'", "" },
	{ "add64 r1,", "line 1, column 10: expected a register or a number, found the end of the line",
	  "" },
	{ "exit exit", "line 1, column 6: expected end of the line, found 'exit'",
	  "" },
	{ "mov r1, 5000000000",
	  "line 1, column 9: immediate does not fit 32 bits",
	  "only lddw takes 64 bits" },
	{ "mov r1, 2147483648",
	  "line 1, column 9: immediate does not fit 32 bits",
	  "only lddw takes 64 bits" },
	{ "lddw r1, 18446744073709551616",
	  "line 1, column 10: number needs more than 64 bits", "" },
	{ "mov r1, 12z", "line 1, column 9: '12z' is no number", "" },
	{ "ldxw r1, [r2+40000]",
	  "line 1, column 13: offset does not fit 16 bits", "" },
	{ "\tgoto lop\nloop: exit", "line 1, column 7: no label 'lop'",
	  "did you mean 'loop'?" },
	{ "l: exit\nl: exit",
	  "line 2, column 1: label 'l' is already in line 1", "" },
	{ "call map_lookup_ele", "line 1, column 6: no label or helper 'map_lookup_ele'",
	  "did you mean 'map_lookup_elem'?" },
	{ "call helper bpf_trace_print", "line 1, column 13: no helper 'bpf_trace_print'",
	  "did you mean 'trace_printk'?" },
	{ "r1 += w2", "line 1, column 7: mixes registers of different width",
	  "" },
	{ "if r1 == w2 goto +1",
	  "line 1, column 10: compares registers of different width", "" },
	{ "r1 = -r2", "line 1, column 6: negates a register in place", "" },
	{ "r1 = be16 r2",
	  "line 1, column 6: swaps a register in place, r1 = be16 r1", "" },
	{ "if r1 => 3 goto +1",
	  "line 1, column 7: expected a comparison, found '='", "" },
	{ "if r1 > 3 got +1", "line 1, column 11: expected 'goto', found 'got'",
	  "" },
	{ "*(u9 *)(r1 +0) = r2",
	  "line 1, column 3: expected u8, u16, u32 or u64, found 'u9'", "" },
	{ "*(u64 *)(r1 +0) = w2",
	  "line 1, column 19: expected a 64-bit register, r2", "" },
	{ "goto 5", "line 1, column 6: expected a target, found '5'",
	  "targets are +N, -N, pc+N or a label" },
	{ "goto +40000", "line 1, column 6: distance does not fit 16 bits",
	  "goto far targets by gotol or ja32" },
	{ "movsx832 r1, 5", "line 1, column 14: expected a register, found '5'",
	  "" },
	{ "\x01", "line 1, column 1: expected an instruction, found byte 0x01",
	  "" },
	{ "r1 = (u8)r2", "line 1, column 6: there is no such instruction", "" },
	{ "r2 = atomic64_fetch_add((u64 *)(r1 +0), r3)",
	  "line 1, column 6: returns the old value in the register of the operand, r3",
	  "" },
};

static void
test_mistakes(void)
{
	struct gebpf_error err;
	struct ebpf_insn *insns;
	uint32_t count;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		memset(&err, 0, sizeof(err));
		rc = gebpf_asm(mistakes[i].text, strlen(mistakes[i].text),
			       &insns, &count, &err);
		if (!tap_ok(rc < 0 && insns == NULL && count == 0 &&
				    strcmp(err.text, mistakes[i].error) == 0 &&
				    strcmp(err.hint, mistakes[i].hint) == 0,
			    "says: %s", mistakes[i].error))
			tap_diag("%d '%s', '%s'", rc, err.text, err.hint);
		free(insns);
	}
}

static void
test_small_room(void)
{
	static const struct ebpf_insn insn = { 0xdb, 0x21, 0, 0xf1 };
	char text[64];
	size_t size;
	bool pass = true;

	for (size = 1; size < sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		gebpf_disasm(&insn, 1, 0, NULL, text, size);
		pass = pass && strlen(text) < size;
	}
	tap_ok(pass, "text is cut to its room and terminated");
}

int
main(void)
{
	test_round_trip();
	test_any_bytes();
	test_texts();
	test_reads();
	test_mistakes();
	test_small_room();
	return tap_done();
}
