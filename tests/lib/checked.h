/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A checked interpreter, which believes nothing: its memory lies at made-up
 * addresses far apart, every access must be within some of it, what was taken
 * must be given back, and at every instruction what it holds is compared with
 * what the verifier claimed. It can also run as a processor might that
 * mispredicts branches and lets loads overtake stores. Runs the programs of
 * vgen.h.
 *
 *	checked.c	  the run, instruction by instruction
 *	checked_memory.c  what lies where
 *	checked_helpers.c helpers, and functions that they call
 *	checked_needs.c	  what a run reads later of the stack
 *	checked_ahead.c	  the processor that runs ahead
 */
#ifndef TESTS_CHECKED_H
#define TESTS_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/map.h"
#include "core/prog.h"
#include "dice.h"
#include "vgen.h"

struct claims;

enum {
	CHECKED_FRAMES = 4,   /* the generator's deepest */
	CHECKED_SLOTS = 24,   /* of a frame, that it uses */
	CHECKED_STEPS = 5000, /* of a run */
	CHECKED_META = 16,    /* most bytes of metadata before a packet */
	CHECKED_RECORDS = 24, /* of a run */
	/* each map of maps has two inner ones */
	CHECKED_MAPS = VGEN_MAPS + 4,
	CHECKED_ELEMENTS = 4, /* at most */
	CHECKED_HELPERS = 256,
};

/* Made-up addresses. */
enum {
	CHECKED_STACK = 0x10000000,
	CHECKED_MEM = 0x20000000,
	CHECKED_VALUE = 0x30000000, /* of a map's element */
	CHECKED_CTX = 0x40000000,
	CHECKED_FUNC = 0x50000000, /* of the first instruction */
	CHECKED_RECORD = 0x60000000,
	CHECKED_KEY = 0x70000000, /* that a frame's function was given */
	CHECKED_MAP = 0x78000000,
};

struct checked_machine {
	uint8_t stack[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	uint8_t mem[CHECKED_META + VGEN_AREA];
	uint8_t values[CHECKED_MAPS][CHECKED_ELEMENTS][VGEN_AREA];
	uint8_t keys[EBPF_FRAME_MAX][4];
	uint64_t base; /* address of memory or packet; moves with the packet */
	uint32_t mem_len, meta_len;
	uint64_t regs[EBPF_FRAME_MAX][EBPF_REG_COUNT];
	uint32_t back[EBPF_FRAME_MAX];
	uint32_t depth;
	uint32_t root; /* frame of the innermost global function, or 0 */
	uint32_t root_insn; /* where that function begins, or 0 */
	struct { /* what they were before each frame */
		uint32_t root, insn;
	} before[EBPF_FRAME_MAX];
	/* what stack bytes held before stores that no fence has followed */
	uint8_t stale[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	bool is_stale[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	bool gave_null; /* some lookup found nothing, some memory is not given */
	struct { /* of a callback's frame */
		uint32_t start; /* slot, 0: it is none */
		uint32_t index, end;
		uint64_t map; /* 0: bpf_loop's */
		uint64_t ctx;
	} loops[EBPF_FRAME_MAX];
	uint32_t record_count;
	struct {
		uint8_t bytes[VGEN_AREA];
		uint32_t size;
		bool held; /* not yet given back */
	} records[CHECKED_RECORDS];
	uint64_t lock; /* address of the one that is held, or 0 */
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

/* Bytes of one or two slots of a frame. */
struct checked_bytes {
	uint8_t slot, bytes; /* that one's, */
	uint8_t above;	     /* and the one's at the higher address */
};

struct checked_note {
	uint8_t begins, ends; /* frame + 1 that begins or ends here */
	uint8_t frame;
	uint64_t reads[2]; /* lower and upper halves of the frame's slots */
	struct checked_bytes numbers; /* of those, what matters as a number */
	struct checked_bytes writes;
};

/*
 * What a run reads later: lower and upper halves of slots of each frame, and
 * bytes for their number.
 */
struct checked_need {
	uint64_t halves[CHECKED_FRAMES][2];
	uint8_t numbers[CHECKED_FRAMES][CHECKED_SLOTS];
};

struct checked {
	/* given */
	struct dice dice;
	const struct vgen *gen;
	const struct ebpf_op *ops;
	struct ebpf_map *const *maps; /* by their index */
	const struct claims *claims;
	enum checked_pass pass;
	const uint8_t *fences; /* a bit for each instruction, or NULL */

	struct checked_machine m;
	/* The real machine, while m is what a processor does ahead of it. */
	struct checked_machine kept;
	uint32_t kept_pc;
	uint32_t ahead; /* instructions that it still may go */
	unsigned long strayed; /* ways, of all runs */
	/* what all runs did, and was not guessed */
	unsigned long called[CHECKED_HELPERS], called_global;

	uint32_t step;
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

/* checked_memory.c: where things lie */

/* The end of a frame's stack. */
static inline uint64_t
checked_frame_top(uint32_t frame)
{
	return CHECKED_STACK + 0x10000ULL * (frame + 1);
}

/* Of the program's maps and their inner ones. */
static inline uint64_t
checked_map(uint32_t map)
{
	return CHECKED_MAP + 0x1000ULL * map;
}

static inline uint64_t
checked_value(uint32_t map, uint32_t element)
{
	return CHECKED_VALUE + 0x1000000ULL * map + 0x100000ULL * element;
}

static inline uint64_t
checked_key(uint32_t frame)
{
	return CHECKED_KEY + 0x10000ULL * frame;
}

static inline uint64_t
checked_record(uint32_t record)
{
	return CHECKED_RECORD + 0x10000ULL * record;
}

/* The first of the maps in a map of maps. */
static inline uint32_t
checked_inner(uint32_t outer)
{
	return VGEN_MAPS + 2 * (outer - VGEN_OF_ARRAYS);
}

uint32_t checked_elements(const struct checked *run, uint32_t map);

enum checked_access {
	CHECKED_READ,
	CHECKED_WRITE,
};
/* NULL: there is nothing, or not for the program. */
uint8_t *checked_memory(const struct checked *run, uint64_t addr,
			uint32_t size, enum checked_access access);
void checked_move_packet(struct checked *run);

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

/* The helper, *pc its call: r0, or the next instruction. NULL or why not. */
const char *checked_call(struct checked *run, uint32_t number, uint32_t *pc);
/* The callback of the frame above returned; *pc: where it goes on. */
void checked_called_back(struct checked *run, uint64_t returned, uint32_t *pc);

/* This step reads or writes the stack. */
void checked_note_access(struct checked *run, const uint8_t *place,
			 uint32_t size, bool write, bool number);
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
