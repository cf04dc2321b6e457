/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a backend wants to know of a program before it emits the first byte:
 * which slots are jumped to, what each function uses, and who may reach a
 * tail call. The same for all backends.
 */
#ifndef CORE_JIT_JIT_SCAN_H
#define CORE_JIT_JIT_SCAN_H

#include "core/prog.h"

struct ebpf_jit_func {
	uint32_t start, end;  /* slots */
	uint32_t stack_depth; /* multiple of 8 */
	uint16_t regs;	      /* bit n: rn is named by an instruction */
	uint8_t calls;	      /* any native call, local or not */
	uint8_t run;	      /* needs the run block, itself or for callees */
	uint8_t taken;	      /* its address is taken (callbacks) */
	uint8_t inlined;      /* its callers have its code, see below */
	uint8_t loops;	      /* jumps back */
	uint8_t callers;      /* calls of it: none, one, or more */
	uint32_t body;	      /* code offset behind the prologue */
};

/*
 * Functions that callers have the code of are straight on but for jumps ahead,
 * and use no stack and no callee-saved register; short ones, where calling
 * costs more than they do, and longer ones with one caller. So a copy is
 * generated each time it is called, and none of its own, unless its address is
 * taken.
 */
enum {
	EBPF_JIT_HOPS = 16, /* jumps and exits in one */
};

/* What live has beside registers, of stores and calls; jit_key.c. */
enum {
	/* what it stores is wanted in a register, too: a key's first part */
	EBPF_JIT_KEY_LOW = 1 << 12,
	EBPF_JIT_KEY_HIGH = 1 << 13, /* and its second, if it has two */
	EBPF_JIT_KEY_KEPT = 1 << 14, /* a lookup, whose key is there */
};

struct ebpf_jit_scan {
	uint8_t *labels; /* a bit per slot: control may come from elsewhere */
	uint16_t *live;	 /* per slot: bit n: rn is read from its start on */
	struct ebpf_jit_func *funcs; /* live and labels follow */
	uint32_t func_count;
	uint32_t tail_count; /* calls that may become direct jumps, at most */
	uint32_t nest_cost;  /* what a tail call from a subprogram counts */
	bool full_run; /* the run block must be whole, see below */
	bool lookups;  /* somewhere bpf_map_lookup_elem is called */
};

/*
 * The run block: what a whole run shares, through tail calls and subprograms.
 * It lies in the frame of the entry stub of the program that was entered first,
 * if that program may need it; every function that needs it has its address.
 * Only whole blocks have r2, r3 and r1, and under them the callee-saved
 * registers, so that a run can end from any depth. What cannot end early and
 * starts with a context alone (XDP, the switch) has no use for them.
 */
struct ebpf_jit_run {
	uint64_t tail_calls; /* how many are left */
	uint64_t r2, r3, r1; /* as the run began */
};

/*
 * ENOMEM, EINVAL when funcs do not cover the slots in order or ops are those of
 * the interpreter (fuse.h), whose codes nothing here knows; EUNSUPPORTED when a
 * callback needs the run block (the verifier lets none through).
 */
int ebpf_jit_scan(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan);
void ebpf_jit_scan_free(struct ebpf_jit_scan *scan);

static inline bool
ebpf_jit_is_label(const struct ebpf_jit_scan *scan, uint32_t slot)
{
	return scan->labels[slot >> 3] >> (slot & 7) & 1;
}

static inline bool
ebpf_jit_is_dead(const struct ebpf_prog *prog, uint32_t slot)
{
	return prog->dead != NULL && (prog->dead[slot >> 3] >> (slot & 7) & 1);
}

/* Speculation must end before the slot. */
static inline bool
ebpf_jit_is_fenced(const struct ebpf_prog *prog, uint32_t slot)
{
	return prog->fences != NULL &&
	       (prog->fences[slot >> 3] >> (slot & 7) & 1);
}

/* Neither may it become part of the code of the op before. */
static inline bool
ebpf_jit_is_apart(const struct ebpf_prog *prog,
		  const struct ebpf_jit_scan *scan, uint32_t slot)
{
	return ebpf_jit_is_label(scan, slot) || ebpf_jit_is_fenced(prog, slot);
}

/* jit_live.c: fill live for one function */
void ebpf_jit_live(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
		   const struct ebpf_jit_func *func);
/* Registers, as bits: those an op may read, and those it writes for certain. */
uint32_t ebpf_jit_reads(const struct ebpf_op *op);
uint32_t ebpf_jit_writes(const struct ebpf_op *op);

/* jit_blind.c: what backends' tables of registers have behind r10. */
enum {
	EBPF_JIT_BLIND_REG = EBPF_REG_COUNT,
	EBPF_JIT_REGS,
};

/*
 * Whether op's constant must not be seen. Then *twin does what op does with
 * EBPF_JIT_BLIND_REG, which must hold (imm ^ *key) ^ *key; where the twin is a
 * 64-bit constant itself, that is its dst. Packet loads: add src, if op has
 * one.
 */
bool ebpf_jit_blind(const struct ebpf_jit_image *image, uint32_t slot,
		    const struct ebpf_op *op, struct ebpf_op *twin,
		    uint64_t *key);

/* The function that starts at slot, or NULL. */
struct ebpf_jit_func *ebpf_jit_func_at(const struct ebpf_jit_scan *scan,
				       uint32_t slot);

#endif
