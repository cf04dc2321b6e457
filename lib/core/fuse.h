/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The interpreter's last look at a program before it runs. Where several ops in
 * a row are a line of fused.def, the first gets that line's code, which stands
 * for all of them; distances become bytes, which saves each jump a shift that
 * the next instruction would wait for; local calls get in imm the number of
 * the function they call. Nothing moves, so a jump into the middle finds whole
 * ops there; it costs no memory, and it can be undone.
 */
#ifndef CORE_FUSE_H
#define CORE_FUSE_H

#include "core/prog.h"

enum {
	EBPF_FUSED_MAX = 4, /* ops that one code stands for */
};

/* Codes of ops in run form: those of insn.def, then those of fused.def. */
enum ebpf_fused {
	EBPF_FUSED_BEFORE = EBPF_OP_COUNT - 1,
#define EBPF_FUSED2(how, a, b) EBPF_FUSED_##how##_##a##_##b,
#define EBPF_FUSED3(how, a, b, c) EBPF_FUSED_##how##_##a##_##b##_##c,
#define EBPF_FUSED4(how, a, b, c, d) \
	EBPF_FUSED_##how##_##a##_##b##_##c##_##d,
#include "core/fused.def"
	EBPF_FUSED_END
};

/* A line of fused.def; the table begins with EBPF_OP_COUNT's. */
struct ebpf_fused_form {
	uint16_t code[EBPF_FUSED_MAX]; /* enum ebpf_opcode */
	uint16_t count;
	uint8_t chain_from, chain_to; /* who continues a chain; 0: none */
};
extern const struct ebpf_fused_form
	ebpf_fused_forms[EBPF_FUSED_END - EBPF_OP_COUNT];

/*
 * A program's ops, linked (prog.h), into the form that the interpreter runs, with
 * the fewest steps through straight code; EBPF_FUSE_NONE: each op for itself, as
 * in compiled programs, which hardly anybody interprets. Unfuse undoes that for
 * all or for a copy of one. prog->fused says which of the two they are in.
 */
enum ebpf_fuse_what {
	EBPF_FUSE_ALL,
	EBPF_FUSE_NONE,
};
void ebpf_fuse(struct ebpf_prog *prog, struct ebpf_op *ops,
	       enum ebpf_fuse_what what);
/*
 * What is missing after EBPF_FUSE_NONE; sets prog->lines. One at a time, but
 * others may run it meanwhile: only codes change, each at once, and the old one
 * is as good as the new one.
 */
void ebpf_fuse_lines(struct ebpf_prog *prog, struct ebpf_op *ops);
void ebpf_unfuse(struct ebpf_prog *prog, struct ebpf_op *ops);
struct ebpf_op ebpf_unfused(const struct ebpf_op *op);

/* The number of the function that begins at a slot. */
uint32_t ebpf_func_at(const struct ebpf_prog *prog, uint32_t slot);

#endif
