/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random programs near the border of what the verifier accepts: about half of
 * them are. They use one array map by index, whose only value has VGEN_AREA
 * bytes, and as much memory or packet.
 *
 *	vgen.c		programs, functions, jumps and loops
 *	vgen_number.c	arithmetic, and numbers made indexes
 *	vgen_memory.c	memory, packets, the stack, pointers
 *	vgen_call.c	functions, callbacks, helpers that move the packet
 *
 * Registers: r6 points to memory or packet, r7 to the value, r1 is for a
 * moment, all others hold numbers. On the entry's stack the first four slots
 * hold numbers, those below them counters of loops.
 */
#ifndef TESTS_VGEN_H
#define TESTS_VGEN_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/insn.h"
#include "dice.h"

enum {
	VGEN_MAX = 400, /* instructions */
	VGEN_AREA = 64,
};

enum vgen_shape {
	VGEN_FIXED,  /* raw, VGEN_AREA bytes */
	VGEN_TIED,   /* raw, a length */
	VGEN_PACKET, /* xdp */
	VGEN_SHAPES,
};

/* Places on the entry's stack that are kept for the whole run. */
enum {
	VGEN_SAVED_CTX = -80,
	VGEN_SAVED_LEN = -88,
	VGEN_SAVED_PTR = -96,
};

struct vgen {
	struct dice dice;
	enum vgen_shape shape;
	/* Most bounds are right: such programs get far, often to the end. */
	bool careful;
	uint32_t count;
	struct ebpf_insn code[VGEN_MAX];

	/* while generating */
	uint32_t leaves[VGEN_MAX]; /* jumps to the exit, patched at the end */
	uint32_t leave_count;
	uint32_t calls[8], call_count; /* of functions that come later */
	bool in_function;
	bool is_callback; /* and must return 0 or 1 */
};

/* Another program, as the dice fall; map 0 is named by its index. */
void vgen_random(struct vgen *gen);

/* For its files. */

static inline uint32_t
below(struct vgen *gen, uint32_t n)
{
	return dice_below(&gen->dice, n);
}

void vgen_put(struct vgen *gen, uint8_t code, uint32_t dst, uint32_t src,
	      int16_t off, int32_t imm);
/* An lddw of that kind. */
void vgen_lddw(struct vgen *gen, uint32_t dst, uint32_t kind);
/* A jump that leaves the function if it is taken. */
void vgen_leave(struct vgen *gen, uint8_t code, uint32_t dst, uint32_t src,
		int32_t imm);
/* n pieces; depth: of blocks and loops around them. */
void vgen_block(struct vgen *gen, uint32_t depth, uint32_t n);

/* A register that holds a number. */
uint32_t vgen_reg(struct vgen *gen);
int32_t vgen_imm(struct vgen *gen);
uint8_t vgen_jump_code(struct vgen *gen);
void vgen_numbers(struct vgen *gen); /* in all registers for numbers */
void vgen_alu(struct vgen *gen);
void vgen_copy(struct vgen *gen);
/* Make a number an index, often rightly bounded. */
void vgen_bound(struct vgen *gen, uint32_t reg);

void vgen_access(struct vgen *gen);
void vgen_spill(struct vgen *gen);
void vgen_atomic(struct vgen *gen);
/* Pointers saved and loaded, and lookups that may give nothing. */
void vgen_pointer(struct vgen *gen);
/* The packet's address and end again, and how much of it is there. */
void vgen_reload(struct vgen *gen);
/* A number as offset, compared with the end or the length, then used. */
void vgen_proof(struct vgen *gen);

/* A function that bpf_loop calls, which gets this one's stack. */
void vgen_callback(struct vgen *gen);
void vgen_call(struct vgen *gen);
/* A helper moves the packet, in a subprogram with its caller's context. */
void vgen_adjust(struct vgen *gen);

#endif
