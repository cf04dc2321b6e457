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

/* Of a slot: in bit n whether rn is read from its start on, and */
enum ebpf_jit_slot {
	EBPF_JIT_REGS_READ = (1 << EBPF_REG_COUNT) - 1,
	/*
	 * jit_key.c. What it stores is wanted in a register, too: a key's first
	 * part, and its second, if it has two. Of calls: a lookup, whose key is
	 * there. Of arithmetic: for nothing but where such a key lies.
	 */
	EBPF_JIT_KEY_LOW = 1 << 11,
	EBPF_JIT_KEY_HIGH = 1 << 12,
	EBPF_JIT_KEY_KEPT = 1 << 11,
	EBPF_JIT_KEY_PLACE = 1 << 11,
	EBPF_JIT_FENCED = 1 << 13, /* speculation must end before it */
	EBPF_JIT_DEAD = 1 << 14,
	EBPF_JIT_LABEL = 1 << 15, /* control may come from elsewhere */
};

struct ebpf_jit_scan {
	uint16_t *slots;
	struct ebpf_jit_func *funcs; /* slots follow */
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

/* What is true of all ops of a code. */
enum ebpf_jit_fact {
	EBPF_JIT_NAMES_DST = 1 << 0,
	EBPF_JIT_NAMES_SRC = 1 << 1,
	EBPF_JIT_READS_DST = 1 << 2,
	EBPF_JIT_READS_SRC = 1 << 3,
	EBPF_JIT_WRITES_DST = 1 << 4,
	EBPF_JIT_IS_ALU = 1 << 5,
	EBPF_JIT_IS_PLAIN = 1 << 6, /* arithmetic, a load, store or constant */
	EBPF_JIT_IS_JUMP = 1 << 7,
	/* it reads or writes more, or nothing is executed behind it */
	EBPF_JIT_IS_OTHER = 1 << 8,
	EBPF_JIT_IS_NOTED = 1 << 9, /* by scanning: it leads somewhere */
	EBPF_JIT_BEGINS = 1 << 10,  /* maybe what jit_match.h knows */
};
extern const uint16_t ebpf_jit_facts[EBPF_OP_COUNT];

/* The register in one bit, if the fact is one. */
static inline uint32_t
ebpf_jit_bit(uint32_t facts, enum ebpf_jit_fact fact, uint32_t reg)
{
	return (facts / fact & 1) << reg;
}

static inline bool
ebpf_jit_is_label(const struct ebpf_jit_scan *scan, uint32_t slot)
{
	return (scan->slots[slot] & EBPF_JIT_LABEL) != 0;
}

static inline bool
ebpf_jit_is_dead(const struct ebpf_jit_scan *scan, uint32_t slot)
{
	return (scan->slots[slot] & EBPF_JIT_DEAD) != 0;
}

/* Whether it matters what comes before it. */
static inline bool
ebpf_jit_is_apart(const struct ebpf_jit_scan *scan, uint32_t slot)
{
	return (scan->slots[slot] & (EBPF_JIT_LABEL | EBPF_JIT_FENCED)) != 0;
}

/* Whether the slot may become part of the code of the op before. */
static inline bool
ebpf_jit_is_joined(const struct ebpf_jit_scan *scan, uint32_t slot)
{
	return (scan->slots[slot] &
		(EBPF_JIT_LABEL | EBPF_JIT_DEAD | EBPF_JIT_FENCED)) == 0;
}

/* jit_live.c: what is read from where, for one function */
void ebpf_jit_live(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
		   const struct ebpf_jit_func *func);
/* Registers, as bits: those an op may read, and those it writes for certain. */
uint32_t ebpf_jit_reads_other(const struct ebpf_op *op);
uint32_t ebpf_jit_writes_other(const struct ebpf_op *op);

static inline uint32_t
ebpf_jit_reads(const struct ebpf_op *op)
{
	uint32_t facts = ebpf_jit_facts[op->code];

	if (facts & EBPF_JIT_IS_OTHER)
		return ebpf_jit_reads_other(op);
	return ebpf_jit_bit(facts, EBPF_JIT_READS_DST, op->dst) |
	       ebpf_jit_bit(facts, EBPF_JIT_READS_SRC, op->src);
}

static inline uint32_t
ebpf_jit_writes(const struct ebpf_op *op)
{
	uint32_t facts = ebpf_jit_facts[op->code];

	if (facts & EBPF_JIT_IS_OTHER)
		return ebpf_jit_writes_other(op);
	return ebpf_jit_bit(facts, EBPF_JIT_WRITES_DST, op->dst);
}

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
