/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The assembler's inside: the state of one run, the reading of words, numbers,
 * registers and targets (asm_text.c), and the two styles (asm_kernel.c,
 * asm_mnemonic.c) that asm.c chooses between line by line. Functions that
 * return int return 0, or the error they have already told.
 */
#ifndef CLIENT_ASM_TEXT_H
#define CLIENT_ASM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/gebpf.h"
#include "client/insn_rows.h"

struct gebpf_asm_word {
	const char *text; /* in the source, not terminated */
	size_t len;
};

struct gebpf_asm_label {
	struct gebpf_asm_word name;
	uint32_t slot;
	uint32_t line, column;
};

/* A jump or call whose target was a name. */
struct gebpf_asm_fixup {
	struct gebpf_asm_word name;
	uint32_t slot;
	uint32_t line, column;
	bool in_imm;	   /* the distance goes to imm, not off */
	bool maybe_helper; /* "call name": for the error's words */
};

struct gebpf_asm {
	const char *at, *end; /* the rest of the line, comment cut off */
	const char *start;    /* of the line */
	uint32_t line;	      /* from 1 */
	struct ebpf_insn *insns;
	uint32_t count, room;
	struct gebpf_asm_label *labels;
	uint32_t label_count, label_room;
	struct gebpf_asm_fixup *fixups;
	uint32_t fixup_count, fixup_room;
	struct gebpf_error *err;
};

struct gebpf_asm_reg {
	uint8_t number;
	bool half; /* w1, not r1 */
};

struct gebpf_asm_mem {
	uint8_t base;
	int16_t off;
};

/* ---- asm_text.c: reading ---- */

/* "line 3, column 5: ..."; at is in the current line. Returns -EBPF_EINVAL. */
int gebpf_asm_fail(struct gebpf_asm *a, const char *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "expected WANTED, found 'x'" */
int gebpf_asm_wanted(struct gebpf_asm *a, const char *wanted);

/* "did you mean": try all candidates, then hint at the nearest. asm_near.c */
struct gebpf_asm_near {
	struct gebpf_asm_word word;
	unsigned int best;
	char text[40];
};
void gebpf_asm_near_init(struct gebpf_asm_near *near,
			 struct gebpf_asm_word word);
void gebpf_asm_near_try(struct gebpf_asm_near *near, const char *text,
			size_t len);
void gebpf_asm_near_hint(struct gebpf_asm *a,
			 const struct gebpf_asm_near *near);

void gebpf_asm_skip(struct gebpf_asm *a); /* blanks */
/* Consume if next, after blanks. */
bool gebpf_asm_char(struct gebpf_asm *a, char c);
bool gebpf_asm_sign(struct gebpf_asm *a, const char *sign); /* "+=" */
bool gebpf_asm_keyword(struct gebpf_asm *a, const char *word); /* whole word */
bool gebpf_asm_take_word(struct gebpf_asm *a, struct gebpf_asm_word *word);
bool gebpf_asm_is(struct gebpf_asm_word word, const char *text);
/* Demand. */
int gebpf_asm_expect(struct gebpf_asm *a, char c);
int gebpf_asm_end(struct gebpf_asm *a);

/* r0..r10, w0..w10, %r0, fp; false and nothing consumed when it is none. */
bool gebpf_asm_try_reg(struct gebpf_asm *a, struct gebpf_asm_reg *reg);
int gebpf_asm_reg(struct gebpf_asm *a, struct gebpf_asm_reg *reg);
int gebpf_asm_full_reg(struct gebpf_asm *a, uint8_t *number); /* not w1 */
bool gebpf_asm_at_number(struct gebpf_asm *a);
/* Any 64-bit number, signed or not; *hex tells how it was written. */
int gebpf_asm_number(struct gebpf_asm *a, int64_t *value, bool *hex);
/* Fits 32 bits: signed decimal, or hexadecimal as a bit pattern. */
int gebpf_asm_imm(struct gebpf_asm *a, int32_t *imm);
/* "r1 +8", "r1-8", "r1": the inside of a memory operand. */
int gebpf_asm_base_off(struct gebpf_asm *a, struct gebpf_asm_mem *mem);
/* "+3", "pc-2", "label": into off or imm of slot a->count, not yet emitted. */
int gebpf_asm_target(struct gebpf_asm *a, bool in_imm, int32_t *distance);
/* The 64-bit operand of an lddw: number, map[id:5], subprog[+3]... */
int gebpf_asm_wide(struct gebpf_asm *a, int *row, uint64_t *imm);

/* ---- asm_text.c: writing ---- */

int gebpf_asm_add_label(struct gebpf_asm *a, struct gebpf_asm_word name);
/* The instruction about to be emitted goes to name. */
int gebpf_asm_add_fixup(struct gebpf_asm *a, struct gebpf_asm_word name,
			bool in_imm);
int gebpf_asm_append(struct gebpf_asm *a, struct ebpf_insn insn);
/* Append one row with its operands; those it has not must be 0. */
int gebpf_asm_emit(struct gebpf_asm *a, int row, uint8_t dst, uint8_t src,
		   int32_t off, int32_t imm);
int gebpf_asm_emit_wide(struct gebpf_asm *a, int row, uint8_t dst,
			uint64_t imm);

/* ---- the styles ---- */

/* "call ...", after the word call; the same in both styles. asm_call.c */
int gebpf_asm_call(struct gebpf_asm *a);
void gebpf_asm_near_helpers(struct gebpf_asm_near *near);
/* A statement of the kernel's style; *taken false when it is not one. */
int gebpf_asm_kernel(struct gebpf_asm *a, bool *taken);
/* A mnemonic and its operands. */
int gebpf_asm_mnemonic(struct gebpf_asm *a);

#endif
