/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What all backends share while code is generated: the walk over a program,
 * slot by slot, and what is known on the way. A backend embeds struct
 * ebpf_jit_gen in its own state and says in a struct ebpf_jit_target how its
 * machine does each kind of instruction. Knows no machine.
 */
#ifndef CORE_JIT_JIT_GEN_H
#define CORE_JIT_JIT_GEN_H

#include "core/jit/jit_buf.h"
#include "core/jit/jit_scan.h"

/* What a register of the program is known to hold, by lddw and mov. */
struct ebpf_jit_known {
	const struct ebpf_map *map;
	uint32_t callback; /* slot of a function + 1; 0: none */
	bool constant;	   /* number is what it is */
	uint64_t number;
};

struct ebpf_jit_call; /* jit_way.h */
struct ebpf_jit_gen;
struct ebpf_jit_match;

/* Ops are those of gen->prog, or their twins of jit_blind.c. */
struct ebpf_jit_target {
	/* where the entry is; tail calls have theirs at the very start */
	uint32_t entry;
	/* what comes before the first function */
	void (*head)(struct ebpf_jit_gen *gen);
	/* sets gen->slot's function up; jumps to its start go behind this */
	void (*prologue)(struct ebpf_jit_gen *gen);
	/* control may come from elsewhere, so the past says nothing */
	void (*label)(struct ebpf_jit_gen *gen);
	/* speculation ends here */
	void (*fence)(struct ebpf_jit_gen *gen);

	/*
	 * Arithmetic, loads and stores, jumps and helpers: how many ops from
	 * gen->slot on the code stands for, at least 1. What is known of a
	 * register that arithmetic writes, and of r0..r5 after a call, is the
	 * caller's to change.
	 */
	uint32_t (*alu)(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
	uint32_t (*memory)(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
	uint32_t (*jump_if)(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
	void (*jump)(struct ebpf_jit_gen *gen, uint32_t slot);
	/* where ebpf_jit_hop() was told to be wants to go here */
	void (*land)(struct ebpf_jit_gen *gen, uint32_t from);
	/* the same for what jit_match.h knows; its others are done */
	uint32_t (*match)(struct ebpf_jit_gen *gen,
			  const struct ebpf_jit_match *match);

	void (*call_helper)(struct ebpf_jit_gen *gen,
			    const struct ebpf_jit_call *call);
	void (*call_local)(struct ebpf_jit_gen *gen,
			   const struct ebpf_jit_func *callee);
	void (*callx)(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
	void (*packet)(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
	void (*leave)(struct ebpf_jit_gen *gen);

	/* reg, one of the program's, = a number; where a function's slot is */
	void (*load_const)(struct ebpf_jit_gen *gen, uint32_t reg,
			   uint64_t value);
	void (*load_address)(struct ebpf_jit_gen *gen, uint32_t reg,
			     const void *address);
	void (*load_function)(struct ebpf_jit_gen *gen, uint32_t reg,
			      uint32_t slot);
	/* reg, one of the program's or EBPF_JIT_BLIND_REG, = value ^ key */
	void (*load_hidden)(struct ebpf_jit_gen *gen, uint32_t reg,
			    uint64_t value, uint64_t key);

	/* Whether all has to be done again, in another way. */
	bool (*again)(struct ebpf_jit_gen *gen);
};

struct ebpf_jit_gen {
	const struct ebpf_jit_target *target;
	struct ebpf_jit_buf buf;
	const struct ebpf_prog *prog;
	struct ebpf_jit_image *image;
	struct ebpf_jit_scan *scan;
	struct ebpf_jit_func *func; /* the one being generated */
	uint32_t slot;
	uint32_t limit; /* what begins before this slot ends before it */
	uint32_t tail_count;
	bool broken;  /* a branch cannot reach */
	bool unknown; /* an instruction this backend does not have */
	uint32_t knows; /* bit n: known[n] is set; see ebpf_jit_known() */
	struct ebpf_jit_known known[EBPF_JIT_REGS];
	/* func's code is being put into a caller's; jumps on their way */
	bool copied;
	uint32_t hop_count;
	struct ebpf_jit_hop {
		uint32_t from; /* in the code */
		uint32_t slot;
	} hops[EBPF_JIT_HOPS];
};

/* While copied, a jump to a slot goes by this: from is what land() will get. */
static inline void
ebpf_jit_hop(struct ebpf_jit_gen *gen, uint32_t from, uint32_t slot)
{
	if (gen->hop_count == EBPF_JIT_HOPS) {
		gen->broken = true;
		return;
	}
	gen->hops[gen->hop_count].from = from;
	gen->hops[gen->hop_count++].slot = slot;
}

/*
 * Everything jit.h promises of draft(), whose arguments these are, but that
 * jumps are long. What the backend has in gen beside the rest is its own to
 * set.
 */
int ebpf_jit_generate(struct ebpf_jit_gen *gen,
		      const struct ebpf_jit_target *target,
		      const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
		      struct ebpf_jit_image *image,
		      struct ebpf_jit_draft *draft);

/* Before and after the code of a lookup; end returns what jit.h says. */
static inline void
ebpf_jit_begin_lookup(struct ebpf_jit_gen *gen, uint8_t *write, size_t room,
		      uint64_t run)
{
	gen->buf.write = write;
	gen->buf.room = write != NULL ? room : 0;
	gen->buf.run = run;
}

static inline uint32_t
ebpf_jit_end_lookup(const struct ebpf_jit_gen *gen)
{
	return gen->broken || gen->buf.full ? 0 : gen->buf.len;
}

/*
 * Where jumps to a slot of the function land, as noted: a function's first slot
 * has its prologue first.
 */
static inline uint64_t
ebpf_jit_landing(const struct ebpf_jit_gen *gen, uint32_t slot)
{
	return slot == gen->func->start ?
		       slot | (uint64_t)gen->func->body << 32 :
		       slot;
}

/* The slot that a jump or a call of a function goes to. */
static inline uint32_t
ebpf_jit_target_slot(uint32_t slot, const struct ebpf_op *op)
{
	return (uint32_t)((int64_t)slot + 1 + op->off);
}

/*
 * jit_merge.c: code for the load at gen->slot and the ops behind it, if all of
 * them together do what fewer do: how many ops; 0, and no code, if not.
 */
uint32_t ebpf_jit_merge(struct ebpf_jit_gen *gen);

/*
 * One more tail call of a known slot: the address of what it compares with
 * (jit_tail.h). Its jump is noted as EBPF_JIT_FIX_TAIL.
 */
const void *ebpf_jit_tail_add(struct ebpf_jit_gen *gen,
			      const struct ebpf_map *map, uint32_t index);

/* Forget what is known of registers first..last. */
static inline void
ebpf_jit_forget(struct ebpf_jit_gen *gen, uint32_t first, uint32_t last)
{
	gen->knows &= ~((2u << last) - (1u << first));
}

static inline const struct ebpf_jit_known *
ebpf_jit_known(const struct ebpf_jit_gen *gen, uint32_t reg)
{
	static const struct ebpf_jit_known nothing;

	return gen->knows >> reg & 1 ? &gen->known[reg] : &nothing;
}

/* Of a register of which nothing else is known. */
static inline struct ebpf_jit_known *
ebpf_jit_learn(struct ebpf_jit_gen *gen, uint32_t reg)
{
	struct ebpf_jit_known *known = &gen->known[reg];

	memset(known, 0, sizeof(*known));
	gen->knows |= 1u << reg;
	return known;
}

#endif
