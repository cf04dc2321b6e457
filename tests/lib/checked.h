/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A checked interpreter, which believes nothing: its memory lies at made-up
 * addresses far apart, every access must be within some of it, and at every
 * instruction what it holds is compared with what the verifier claimed. It can
 * also run as a processor might that mispredicts branches and lets loads
 * overtake stores. Runs the programs of vgen.h.
 *
 *	checked.c	 memory, helpers, the run
 *	checked_alu.c	 what instructions compute
 *	checked_needs.c	 what a run reads later of the stack
 *	checked_ahead.c	 the processor that runs ahead
 */
#ifndef TESTS_CHECKED_H
#define TESTS_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/prog.h"
#include "dice.h"
#include "vgen.h"

struct claims;

enum {
	CHECKED_FRAMES = 3,   /* the generator's deepest */
	CHECKED_STEPS = 5000, /* of a run */
	CHECKED_META = 16,    /* most bytes of metadata before a packet */
};

/* Made-up addresses. */
enum {
	CHECKED_STACK = 0x10000000,
	CHECKED_MEM = 0x20000000,
	CHECKED_VALUE = 0x30000000,
	CHECKED_CTX = 0x40000000,
	CHECKED_FUNC = 0x50000000, /* of the first instruction */
};

struct checked_machine {
	uint8_t stack[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	uint8_t mem[CHECKED_META + VGEN_AREA], value[VGEN_AREA];
	uint64_t base; /* address of memory or packet; moves with the packet */
	uint32_t mem_len, meta_len;
	uint64_t regs[EBPF_FRAME_MAX][EBPF_REG_COUNT];
	uint32_t back[EBPF_FRAME_MAX];
	uint32_t depth;
	/* what stack bytes held before stores that no fence has followed */
	uint8_t stale[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	bool is_stale[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	bool gave_null;		/* some lookup found nothing */
	struct {		/* of a callback's frame */
		uint32_t start; /* slot, 0: it is none */
		uint32_t index, end;
		uint64_t ctx;
	} loops[EBPF_FRAME_MAX];
};

/*
 * Claims about a slot hold for those who read it. So a run is made twice: the
 * first time it notes what it does to which slots, then from the end on it is
 * found what is needed when, and the second time claims are looked at.
 */
enum checked_pass {
	CHECKED_NOTING,
	CHECKED_CLAIMS,
	CHECKED_STRAYING, /* speculation: no claims */
};

struct checked_note {
	uint8_t begins, ends; /* frame + 1 that begins or ends here */
	uint8_t frame;
	bool number;
	uint64_t reads, writes; /* slots of the frame */
};

/* Slots of each frame that the run reads later; number: and what they hold. */
struct checked_need {
	uint64_t slots[CHECKED_FRAMES], number[CHECKED_FRAMES];
};

struct checked {
	/* given */
	struct dice dice;
	const struct ebpf_op *ops;
	const struct claims *claims;
	enum vgen_shape shape;
	enum checked_pass pass;
	const uint8_t *fences; /* a bit for each instruction, or NULL */

	struct checked_machine m;
	/* The real machine, while m is what a processor does ahead of it. */
	struct checked_machine kept;
	uint32_t kept_pc;
	uint32_t ahead;	       /* instructions that it still may go */
	unsigned long strayed; /* ways, of all runs */

	struct checked_note notes[CHECKED_STEPS];
	struct checked_need needs[CHECKED_STEPS + 1];
};

/* Registers, stack and memory as a run may find them, as the dice fall. */
void checked_prepare(struct checked *run);

/*
 * Why the run contradicts the verifier, or NULL; *at: where it ended. Without
 * speculation the pass must first be NOTING, then CLAIMS with the same machine
 * and dice.
 */
const char *checked_run(struct checked *run, uint32_t *at);

/* Where a frame's stack ends. */
static inline uint64_t
checked_frame_top(uint32_t frame)
{
	return CHECKED_STACK + 0x10000ULL * (frame + 1);
}

/* For its files. */

/* The byte of m.stack that place is, or -1. */
static inline long
checked_stack_index(const struct checked *run, const uint8_t *place)
{
	const uint8_t *first = &run->m.stack[0][0];

	return place >= first && place < first + sizeof(run->m.stack) ?
		       place - first :
		       -1;
}

uint64_t checked_alu(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits);
bool checked_holds(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits);
uint64_t checked_swapped(uint64_t v, unsigned bits);
void checked_atomic(const struct ebpf_op *op, uint8_t *at, uint64_t *regs);

void checked_note_access(struct checked *run, uint32_t step,
			 const uint8_t *place, uint32_t size, bool write,
			 bool number);
void checked_find_needs(struct checked *run, uint32_t steps);

bool checked_is_fenced(const struct checked *run, uint32_t pc);
/* Where the program really goes on. */
uint32_t checked_come_back(struct checked *run);
void checked_note_store(struct checked *run, const uint8_t *place,
			uint32_t size);
/* A load may see what lay there before; then the processor is ahead. */
void checked_load(struct checked *run, const uint8_t *place, uint32_t size,
		  uint64_t *value, uint32_t pc);
/* Whether the processor turns the wrong way. */
bool checked_turns(struct checked *run, uint32_t pc);
/* The first page has nothing, not even for a processor that guesses. */
bool checked_may_fault(const struct checked *run, uint64_t pointer);

#endif
