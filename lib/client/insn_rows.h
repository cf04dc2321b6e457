/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * insn.def as the assembler and the disassembler need it: rows with names,
 * which row a raw instruction is, and what a row is called in text.
 */
#ifndef CLIENT_INSN_ROWS_H
#define CLIENT_INSN_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/insn.h"

struct gebpf_row {
	const char *op; /* "ADD64_IMM" */
	uint8_t code;
	uint8_t form;	/* enum ebpf_form */
	uint8_t fields; /* enum ebpf_field, of the form */
	uint8_t fn;	/* enum ebpf_fn */
	uint8_t width;	/* bits */
	uint8_t sel;	/* enum ebpf_sel */
	int32_t value;	/* of the selecting field */
};
extern const struct gebpf_row gebpf_rows[EBPF_OP_COUNT];

struct gebpf_fn {
	const char *word; /* "add" */
	const char *sign; /* "+=" */
};
extern const struct gebpf_fn gebpf_fns[EBPF_FN_COUNT];

/* "b", "h", "w", "dw" for 8, 16, 32, 64. */
const char *gebpf_size_letters(unsigned int width);
const char *gebpf_width_digits(unsigned int width);

/* The row of that function, form and width, or -1. */
int gebpf_row_find(enum ebpf_fn fn, enum ebpf_form form, unsigned int width);

/*
 * The row of the instruction at insns[index], all its fields checked as the
 * decoder does it (an lddw with its second slot); -1 when it is none.
 */
int gebpf_row_of(const struct ebpf_insn *insns, uint32_t count, uint32_t index);

/*
 * The mnemonic, as the disassembler prints it: "add64", "ldxdw", "jeq",
 * "jeq32", "lock fetch add", "call local". Rows that differ only in operands
 * share one.
 */
void gebpf_row_name(int row, char *name, size_t size);
enum { GEBPF_ROW_NAME_SIZE = 32 };
bool gebpf_row_has_name(int row, const char *name);
/* Is name a, b and c one after the other? */
bool gebpf_is_joined(const char *name, const char *a, const char *b,
		     const char *c);

#endif
