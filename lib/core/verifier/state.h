/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is known at one moment of a path: registers and slots of the stack in
 * each frame, references and the lock that are held; and the same packed, kept
 * for later (pack.h). Knows nothing of the program; for verify.h.
 */
#ifndef CORE_VERIFIER_STATE_H
#define CORE_VERIFIER_STATE_H

#include "core/prog.h"
#include "core/verifier/reg.h"

enum {
	EBPF_V_SLOTS = EBPF_STACK_MAX / 8,
	EBPF_V_REFS = 16, /* references held at once */
};

enum ebpf_vbyte {
	EBPF_VB_NONE,  /* never written */
	EBPF_VB_MISC,  /* some number's byte */
	EBPF_VB_CONST, /* the slot's data has it */
	EBPF_VB_SPILL, /* part of one of the slot's regs, which is no constant */
};

/* speculate.c: what a load from a slot may see until the next fence. */
enum ebpf_vfresh {
	EBPF_VFRESH_NO, /* what it holds */
	EBPF_VFRESH_NUMBER, /* an older number */
	EBPF_VFRESH_ANY, /* anything that was there */
};

/* Eight bytes of stack, lowest address first. */
struct ebpf_vslot {
	uint8_t bytes[8]; /* enum ebpf_vbyte */
	uint8_t data[8];
	/*
	 * Where the registers lie; size 0: nowhere. The first is all of the
	 * slot or within its lower half, the second within its upper half.
	 */
	uint8_t spill_off[2], spill_size[2];
	uint8_t fresh; /* enum ebpf_vfresh */
	uint8_t pad[3];
	/*
	 * Slot + 1 of the stores that wrote its bytes and of the jump that
	 * taught its reg, or 0: if what is here matters, so do their operands.
	 */
	uint32_t writer[8], teacher, pad2;
	struct ebpf_vreg reg[2];
};

/* Pointers are saved whole: the slot's bytes are all its. */
static inline bool
ebpf_vslot_is_pointer(const struct ebpf_vslot *slot)
{
	return slot->spill_size[0] == 8 && ebpf_vreg_is_pointer(&slot->reg[0]);
}

/* Slot i is at r10 - 8 * (i + 1). Slots from slot_count on are not written. */
struct ebpf_vframe {
	struct ebpf_vreg regs[EBPF_REG_COUNT];
	uint32_t func;
	uint32_t call_insn; /* where the caller called; 0 in the entry */
	uint32_t slot_count;
	uint32_t callback; /* the helper at call_insn calls, and calls again */
	uint32_t held;	   /* a callback's: references when it began */
	/* loop.c: the helper of this function's that calls; else all 0 */
	uint32_t loop_insn;  /* slot + 1 */
	uint32_t loop_id;    /* the loop: another each time it is begun */
	uint32_t turns;	     /* calls so far */
	uint32_t rounds;     /* the same where their number is limited */
	uint32_t loop_since; /* processed when it began */
	uint32_t pad;
	struct ebpf_vslot slots[EBPF_V_SLOTS];
};

/* Something that was acquired and must be released. */
struct ebpf_vref {
	uint32_t id;
	uint32_t origin; /* slot of the call; for words only */
};

/* The lock that is held: of which element of which map. */
struct ebpf_vlock {
	uint32_t held;
	uint32_t map;
	uint32_t id;	 /* of the lookup, 0: the map's first element */
	uint32_t origin; /* slot of the call; for words only */
};

struct ebpf_vstate {
	uint32_t depth; /* frames in use */
	uint16_t ahead; /* instructions since a branch was mispredicted, or 0 */
	uint8_t len_guess;
	uint8_t pad;
	uint32_t ref_count;
	struct ebpf_vref refs[EBPF_V_REFS]; /* in the order of acquisition */
	struct ebpf_vlock lock;
	struct ebpf_num len; /* tied length */
	/* made when the path first comes that deep, and kept */
	struct ebpf_vframe *frames[EBPF_FRAME_MAX];
};

/*
 * Halves of a frame's slots: bit i of the first set is bytes 0..3 of slot i, of
 * the second its bytes 4..7. Compilers save numbers of four bytes as often as
 * of eight, one beside the other.
 */
struct ebpf_vhalves {
	uint64_t of[2];
};

/* What is known of the stack slots of a frame in a state. */
struct ebpf_vseen {
	struct ebpf_vhalves read;    /* by what follows */
	struct ebpf_vhalves written; /* since the last kept state */
	uint64_t number;	     /* slots with bytes in `bytes` */
	/* per slot the bytes whose number matters to what follows */
	uint8_t bytes[EBPF_V_SLOTS];
};

/*
 * A packed state: kept at a point where paths join, or waiting for the other
 * side of a branch. pending counts the unfinished paths that come from it.
 */
struct ebpf_vsnap {
	struct ebpf_vsnap *next;
	struct ebpf_vsnap *prev;   /* in the list of unfinished ones */
	struct ebpf_vsnap *parent; /* last kept state before it on its path */
	uint32_t size;
	uint32_t insn;
	uint32_t pending;
	uint32_t hits, misses;
	uint8_t depth;
	uint8_t done;
	uint8_t forked; /* waiting: the path had forked since parent */
	uint8_t ref_count;
	uint8_t len_guess;
	uint8_t taken; /* waiting: the way the branch at insn goes */
	uint16_t ahead;
	uint32_t forks; /* waiting: of the path so far */
	uint32_t loop_id; /* that of the function on top */
	uint8_t first;	  /* the loop has just begun */
	uint8_t bare;	  /* waiting: behind the branch, at insn */
	uint8_t pad2[2];
	uint64_t steps;
	struct ebpf_num len;
	struct ebpf_vlock lock;
	/*
	 * Kept: registers of the top frame that hold known numbers which
	 * matter, and those numbers as one. Where they differ, no more need be
	 * looked at.
	 */
	uint64_t key;
	uint32_t key_regs;
	uint32_t key_pad;
	struct ebpf_vseen seen[]; /* of each frame */
	/* references and packed frames follow, pack.c */
};

#endif
