/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random programs near the border of what the verifier accepts: about half of
 * them are. They use the maps of vgen_create_maps() by index, whose values have
 * VGEN_AREA bytes, and as much memory or packet.
 *
 *	vgen.c		programs, functions, jumps and loops
 *	vgen_number.c	arithmetic, and numbers made indexes
 *	vgen_memory.c	memory, packets, the stack, pointers
 *	vgen_call.c	functions, callbacks, helpers that move the packet
 *	vgen_held.c	records and locks, and that they are given back
 *	vgen_maps.c	the maps
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
#include "core/ebpf.h"
#include "dice.h"

enum {
	VGEN_MAX = 640, /* instructions */
	VGEN_AREA = 64,
	VGEN_GIVEN = 16,	/* bytes that global functions are given */
	VGEN_LOCK_OFF = 8, /* in values of locked maps */
	VGEN_ELEMENTS = 2, /* of each map; inner ones may have any number */
	VGEN_CALLS = 8,	   /* of functions of the program */
};

enum vgen_map {
	VGEN_ARRAY,
	VGEN_RING,
	VGEN_LOCKED, /* an array */
	VGEN_HASH,
	VGEN_OF_ARRAYS, /* an array of arrays of any length */
	VGEN_OF_LOCKED, /* a hash of arrays of locked values */
	VGEN_MAPS,
};

enum vgen_shape {
	VGEN_FIXED,  /* raw, VGEN_AREA bytes */
	VGEN_TIED,   /* raw, a length */
	VGEN_PACKET, /* xdp */
	VGEN_SHAPES,
};

/* Places on the stack that are kept for the whole function. */
enum {
	VGEN_SAVED_CTX = -80,
	VGEN_SAVED_LEN = -88,
	VGEN_SAVED_PTR = -96,
	VGEN_SAVED_HELD = -104, /* and what is held besides, below it */
};

/* What a function is, and so what it is given and may do. */
enum vgen_function {
	VGEN_ENTRY,
	VGEN_LOCAL,
	VGEN_GLOBAL, /* verified on its own */
	VGEN_LOOPED, /* by bpf_loop; such must return 0 or 1 */
	VGEN_EACHED, /* by bpf_for_each_map_elem */
};

struct vgen {
	struct dice dice;
	enum vgen_shape shape;
	/* Most bounds are right: such programs get far, often to the end. */
	bool careful;
	uint32_t count;
	struct ebpf_insn code[VGEN_MAX];
	uint32_t globals[VGEN_CALLS], global_count; /* where they begin */

	/* while generating */
	enum vgen_function function;
	uint32_t leaves[VGEN_MAX]; /* jumps to the exit, patched at the end */
	uint32_t leave_count;
	struct { /* of functions that come later */
		uint32_t at;
		enum vgen_function what;
	} calls[VGEN_CALLS];
	uint32_t call_count;
	uint32_t held; /* records and locks around */
	bool locked;   /* and one of them is a lock: nothing may be called */
};

/* Another program, as the dice fall; map 0 is named by its index. */
void vgen_random(struct vgen *gen);

int vgen_create_types(struct ebpf_runtime *rt, struct ebpf_btf **btf);
int vgen_create_maps(struct ebpf_runtime *rt, struct ebpf_btf *btf,
		     struct ebpf_map *maps[VGEN_MAPS]);
void vgen_put_maps(struct ebpf_map *maps[VGEN_MAPS]);
/* The type of its global functions: number, number, memory, context. */
uint32_t vgen_global_type(const struct vgen *gen);

/* For its files. */

static inline uint32_t
below(struct vgen *gen, uint32_t n)
{
	return dice_below(&gen->dice, n);
}

void vgen_put(struct vgen *gen, uint8_t code, uint32_t dst, uint32_t src,
	      int16_t off, int32_t imm);
/* A function that is generated later, and a map. */
void vgen_lddw_func(struct vgen *gen, uint32_t dst, enum vgen_function what);
void vgen_lddw_map(struct vgen *gen, uint32_t dst, enum vgen_map map);
/* A place in a map's first element. */
void vgen_lddw_value(struct vgen *gen, uint32_t dst, enum vgen_map map,
		     int32_t off);
void vgen_call_helper(struct vgen *gen, int32_t helper);
/* The jump at that place leads here. */
void vgen_here(struct vgen *gen, uint32_t jump);
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
/* r0 becomes an element, or null; the key is kept at -4. */
void vgen_lookup(struct vgen *gen, enum vgen_map map);
/* Pointers saved and loaded, and lookups that may give nothing. */
void vgen_pointer(struct vgen *gen);
/* The packet's address and end again, and how much of it is there. */
void vgen_reload(struct vgen *gen);
/* A number as offset, compared with the end or the length, then used. */
void vgen_proof(struct vgen *gen);

/* r0 to r5, which a call left, hold numbers again. */
void vgen_lost(struct vgen *gen);
/* A function that a helper calls, which gets this one's stack. */
void vgen_callback(struct vgen *gen);
void vgen_call(struct vgen *gen);
/* Memory is given to a helper that reads it. */
void vgen_output(struct vgen *gen);
/* A helper moves the packet, in a subprogram with its caller's context. */
void vgen_adjust(struct vgen *gen);

/* Something is taken, then comes a block, then it is given back. */
void vgen_record(struct vgen *gen, uint32_t depth);
void vgen_lock(struct vgen *gen, uint32_t depth);
/* A map in a map: its element, or a loop over them. */
void vgen_inner(struct vgen *gen, uint32_t depth);

#endif
