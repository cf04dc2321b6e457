/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the verifier's files share: the environment of one verification, and who
 * does what in it. Nobody outside this folder includes it; the door is
 * core/verifier.h.
 *
 *	verify.c   from beginning to end, limits	walk.c	paths and pruning
 *	reg.h	   registers				state.h	states, kept or not
 *	cfg.c	   functions, jumps, call graph		live.c	register liveness
 *	state.c	   registers and states			pack.c	keeping states
 *	cover.c	   comparison of states			alu.c	arithmetic
 *	jump.c	   conditional jumps			memory.c loads and stores
 *	stack.c	   the stack, byte by byte		calls.c	helpers
 *	args.c	   their arguments			frames.c functions
 *	refs.c	   what must be given back		packet.c loads of old filters
 *	sockets.c  what only Linux has
 *	explain.c  why a program is refused	trail.c	how its path went
 *	fix.c	   what would mend it		words.c	states as text
 *	globals.c  functions verified on their own
 *	loop.c	   functions that helpers call	rewrite.c host layout
 *	speculate.c what mispredicted paths must not do
 */
#ifndef CORE_VERIFIER_VERIFY_H
#define CORE_VERIFIER_VERIFY_H

#include "core/log.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/verifier/state.h"

enum {
	EBPF_V_FUNCS_MAX = 256,
	/* Fixed and variable offsets of pointers that may be dereferenced. */
	EBPF_V_OFF_MAX = 1 << 29,
	/* Beyond this a packet offset proves nothing (address wrap). */
	EBPF_V_PKT_MAX = 0xffff,
	EBPF_V_ID_LEN = 1, /* the id of the length that is tied to memory */
	EBPF_V_IDS = 160,  /* pairs of ids in one comparison */
	EBPF_V_SPARES = 64, /* sizes of states that are kept for later ones */
	EBPF_V_NEST = 16 << 10, /* bytes for the first of them */
	EBPF_V_EDGES = 256, /* which call passes which callback */
	EBPF_V_SLICE = 4096, /* units of effort between looks at the clock */
};

struct ebpf_vpoint {
	struct ebpf_vsnap *done;   /* everything after it was explored */
	struct ebpf_vsnap *active; /* the current path came through it */
};

enum {
	EBPF_VA_REACH = 1 << 0, /* something jumps or falls there */
	EBPF_VA_SEEN = 1 << 1,	/* a path went there */
	EBPF_VA_LINE = 1 << 2,	/* logged */
	/*
	 * The operands' numbers matter here: a jump that was decided by them
	 * or taught other registers, a store that kept them on the stack.
	 */
	EBPF_VA_NUMBERS = 1 << 3,
	EBPF_VA_FENCE = 1 << 4, /* speculation must not pass it */
};
enum ebpf_vaccess {
	EBPF_VX_NONE,
	EBPF_VX_CTX,
	EBPF_VX_OTHER,
};
struct ebpf_vaux {
	uint8_t flags;
	uint8_t access; /* enum ebpf_vaccess: the same on all paths */
	uint16_t field; /* of the context */
	uint32_t point; /* index + 1 into points, 0: paths do not join */
};

/* Sorts of arguments and results of global functions. */
enum ebpf_vglobal {
	EBPF_VG_NONE,
	EBPF_VG_NUMBER,
	EBPF_VG_CONTEXT,
	EBPF_VG_MEMORY, /* or null */
	EBPF_VG_OTHER,	/* not verified */
};

/* What is known of a function besides its enum ebpf_func_flags. */
enum {
	EBPF_VF_MOVES = 1u << 16, /* may move the packet, itself or below */
	EBPF_VF_LOADS = 1u << 17, /* has LD_ABS or LD_IND, itself or below */
	EBPF_VF_PUBLIC = EBPF_VF_MOVES - 1,
	EBPF_VF_SPREAD = EBPF_FUNC_TAIL_CALLS | EBPF_VF_MOVES | EBPF_VF_LOADS,
};

struct ebpf_vfunc {
	uint32_t start, end;
	uint32_t depth; /* bytes of stack used */
	uint32_t total; /* the same with everything it calls */
	uint32_t level; /* most nested frames from here on */
	uint32_t flags; /* enum ebpf_func_flags */
	uint32_t scan;	/* cfg.c's cursor */
	int32_t caller; /* cfg.c's way back */
	uint8_t colour; /* cfg.c: 0 unvisited, 1 open, 2 done */
	uint8_t used;	/* can be called */
	uint8_t global; /* verified on its own */
	uint8_t called; /* and some path of this round calls it */
	uint8_t result; /* enum ebpf_vglobal */
	uint8_t arg_count;
	uint8_t walked; /* in this round */
	uint8_t pad;
	struct {
		uint32_t sort; /* enum ebpf_vglobal */
		uint32_t size;
	} args[5];
};

/*
 * The path being walked, so that it can be walked again (trail.c): how many
 * instructions it has, and at each fork whether it went the way that waited.
 */
struct ebpf_vpath {
	uint64_t steps;
	uint32_t forks;
	uint32_t room;	/* words at bits */
	uint64_t *bits; /* first, until that is too small */
	uint64_t first[16];
};

/* Stack that a call writes: [lo, hi), and [lo, sure) in any case. */
struct ebpf_vout {
	uint32_t frame;
	uint32_t pad;
	int64_t lo, hi, sure;
};

/* The last access to memory that was checked. */
struct ebpf_vtouch {
	uint32_t insn;
	uint32_t number; /* register that points there */
	int32_t off;
	uint32_t pad;
	uint64_t size; /* 0: none was */
};

/* Why the walk ended. */
struct ebpf_vfault {
	uint32_t rule; /* enum ebpf_rule; NONE: it did not */
	uint32_t insn;
	bool walked;	/* there is a path, and steps instructions of it */
	uint64_t steps; /* were gone before the one that failed */
	const char *limit; /* of the device, that was reached, or NULL */
	uint64_t limit_value;
	struct ebpf_vtouch touch;
	char words[256];
};

/* loop.c: a helper's call that calls, and what comes after it reads. */
struct ebpf_vloop {
	uint32_t insn;
	bool believed; /* in this round something relied on these */
	struct ebpf_vseen seen[EBPF_FRAME_MAX];
};

/* Halves of slots that became any number, at a step of the path. */
struct ebpf_vwiden {
	uint64_t steps;
	uint64_t low[EBPF_FRAME_MAX], high[EBPF_FRAME_MAX];
};

struct ebpf_venv;
struct ebpf_vtrail; /* trail.h */

/*
 * Told of every instruction of every path, before it is looked at; and at
 * env->count, when the program was accepted and env->live is what it is.
 */
typedef void ebpf_verify_watch(void *arg, const struct ebpf_venv *env);

struct ebpf_venv {
	struct ebpf_prog *prog;
	ebpf_verify_watch *watch;
	void *watch_arg;
	struct ebpf_op *ops;
	struct ebpf_log *log;
	struct ebpf_load_stats *stats;
	const struct ebpf_kind *kind;
	uint32_t count;
	uint32_t func_count;
	struct ebpf_vfunc *funcs;
	uint32_t order_count;
	uint32_t root; /* the function that is walked: the entry, a global */
	bool forward; /* one function, and no jump goes back */
	bool tied; /* r1's memory is as long as the length says */

	struct ebpf_vaux *aux; /* live and ignored follow */
	uint32_t *live; /* per slot: registers read later, and in the upper
			   half those whose number matters */
	/*
	 * Per slot: registers whose number was taken not to matter there, and
	 * this round went as it did because of that. unsure: for some other
	 * reason it knew too little.
	 */
	uint16_t *ignored;
	bool unsure;
	struct ebpf_vpoint *points;
	uint32_t point_count;

	struct ebpf_vstate *state;
	struct ebpf_vsnap *parent;
	struct ebpf_vsnap *waiting;
	struct ebpf_vsnap *spares[EBPF_V_SPARES]; /* free, by size */
	size_t spare_bytes; /* of them, outside the nest */
	size_t nest_used;
	struct ebpf_vhalves written[EBPF_FRAME_MAX];
	uint32_t since;	 /* instructions since the last kept state */
	bool forked;	 /* a branch went both ways since */
	uint32_t next_id;
	uint32_t insn;	 /* being looked at */

	struct ebpf_vloop *loops; /* ascending by insn */
	uint32_t loop_count, loop_room;
	uint32_t next_loop;
	uint32_t edge_count;
	struct ebpf_vwiden *widenings; /* of the path so far */
	uint32_t widen_count, widen_room;
	uint64_t step_again; /* trail.c: which step of the path */
	struct ebpf_vout outs[5]; /* of the call whose arguments are checked */
	uint32_t out_count;

	struct ebpf_vpath path;
	struct ebpf_vfault fault;
	struct ebpf_vtouch touch;
	struct ebpf_vtrail *trail; /* the path is being walked again */

	bool changed;	 /* in this round an instruction came to need numbers */
	uint64_t processed, processed_max;
	uint64_t mem, mem_max;
	uint64_t start_ns, time_max; /* of this thread's processor time; 0: none
					was spent that is worth counting */
	uint32_t effort; /* since the clock was looked at */
	uint32_t states;

	bool hardened; /* walking for speculate.c: nothing is rejected */
	bool want_number; /* memory.c: what is loaded matters as a number */
	const struct ebpf_vreg *operand; /* jump.c: the one that teaches */
	struct { /* where ebpf_verify_each() is */
		uint32_t frame, reg;
		struct ebpf_vslot *slot; /* NULL: at a register */
	} each;
	struct { /* the current state's key for those registers */
		uint64_t processed, key;
		uint32_t regs;
		bool is_known;
	} key;
	uint32_t id_count;

	/* From here on nothing is read before it is written. */
	uint32_t ids[EBPF_V_IDS][2];
	struct ebpf_vreg scratch[2];
	struct ebpf_vstate first; /* frames apart */
	uint16_t order[EBPF_V_FUNCS_MAX]; /* callees before callers */
	struct {
		uint32_t insn, func;
	} edges[EBPF_V_EDGES];
	uint64_t nest[EBPF_V_NEST / 8]; /* pack.c: whence states come first */
};

/* verify.c: ebpf_verify() with somebody watching, for tests of its claims. */
int ebpf_verify_watched(struct ebpf_prog *prog, struct ebpf_op *ops,
			struct ebpf_log *log, struct ebpf_load_stats *stats,
			ebpf_verify_watch *watch, void *arg);

/*
 * The jump at env->insn will be taken (the tail call made, the packet found too
 * short) later, from the state as it is now.
 */
int ebpf_verify_put_off(struct ebpf_venv *env);

/* verify.c: the state at the entry. */
void ebpf_verify_begin(struct ebpf_venv *env);
/* walk.c: all paths from the current state on. */
int ebpf_verify_walk(struct ebpf_venv *env);
/* Forget all states; what is known of instructions stays. */
void ebpf_verify_forget(struct ebpf_venv *env);
/* What the walk is made of, for going a path again. */
int ebpf_verify_step(struct ebpf_venv *env, bool *ended);
int ebpf_verify_resume(struct ebpf_venv *env, bool *more);
/* A limit of the device was reached: a rejection that names it. */
int ebpf_verify_limit(struct ebpf_venv *env, const char *name, uint64_t limit,
		      const char *unit);
/* Memory is about to be taken: a rejection when that is too much. */
int ebpf_verify_charge(struct ebpf_venv *env, uint64_t bytes);
/* Work was done; a rejection when the time for it is over. */
int ebpf_verify_look_at_clock(struct ebpf_venv *env);
static inline int
ebpf_verify_effort(struct ebpf_venv *env, uint32_t units)
{
	env->effort += units;
	return os_likely(env->effort < EBPF_V_SLICE) ?
		       0 : ebpf_verify_look_at_clock(env);
}

/* explain.c */

/*
 * Reject at env->insn: notes the rule and the words. Always returns
 * -EBPF_EREJECTED; the account is written when that has reached the top.
 */
int ebpf_verify_reject(struct ebpf_venv *env, enum ebpf_rule rule,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for checks that are not part of the walk. */
int ebpf_verify_reject_at(struct ebpf_venv *env, uint32_t insn,
			  enum ebpf_rule rule, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Tell in log, records and statistics why the program is refused. */
void ebpf_verify_explain(struct ebpf_venv *env);
/* Of an accepted program: its functions and their stack, in records. */
void ebpf_verify_tell_functions(struct ebpf_venv *env);

/* trail.c: the path forks here; going it again: does it go the way to wait? */
int ebpf_verify_note_fork(struct ebpf_venv *env, bool waited);
bool ebpf_verify_fork_again(struct ebpf_venv *env);

/* words.c */
struct ebpf_source ebpf_verify_source(const struct ebpf_venv *env);
/* The function that starts at that slot, as BTF names it, or "". */
const char *ebpf_verify_func_name(const struct ebpf_venv *env, uint32_t start);
const char *ebpf_verify_type_name(const struct ebpf_vreg *reg);
void ebpf_verify_log_reg(const struct ebpf_venv *env, struct ebpf_log *log,
			 const struct ebpf_vreg *reg);
void ebpf_verify_log_slot(const struct ebpf_venv *env, struct ebpf_log *log,
			  const struct ebpf_vslot *slot);
void ebpf_verify_log_op(const struct ebpf_venv *env, struct ebpf_log *log,
			uint32_t insn);
/* The instruction about to be looked at, and the state, as the level asks. */
void ebpf_verify_log_step(struct ebpf_venv *env);

/* cfg.c */
int ebpf_verify_cfg(struct ebpf_venv *env);
int ebpf_verify_stack_depth(struct ebpf_venv *env);
uint32_t ebpf_verify_func_at(const struct ebpf_venv *env, uint32_t insn);

/* live.c */
int ebpf_verify_live(struct ebpf_venv *env);

/*
 * Linux lets those who load programs as root see addresses: there, a pointer
 * may be taken for a number that nothing is known of.
 */
static inline bool
ebpf_verify_may_leak(const struct ebpf_venv *env)
{
	return env->prog->assume_linux != 0;
}

/* The numbers of the operands at env->insn matter after all. */
static inline void
ebpf_verify_need_numbers(struct ebpf_venv *env, uint32_t insn)
{
	if (env->aux[insn].flags & EBPF_VA_NUMBERS)
		return;
	env->aux[insn].flags |= EBPF_VA_NUMBERS;
	env->changed = true;
}

/* state.c, pack.c, cover.c */
/* What is known of the map of a MAP or VALUE; of an inner one its template. */
static inline const struct ebpf_map *
ebpf_verify_map_of(const struct ebpf_venv *env, const struct ebpf_vreg *reg)
{
	const struct ebpf_map *map = env->prog->maps[reg->map];

	return reg->inner ? map->inner : map;
}

static inline struct ebpf_vframe *
ebpf_verify_top(struct ebpf_venv *env)
{
	return env->state->frames[env->state->depth - 1];
}

/* Calls fn for every register and spilled register there is; stops at non-0. */
int ebpf_verify_each(struct ebpf_venv *env,
		     int (*fn)(struct ebpf_venv *env, struct ebpf_vreg *reg,
			       const void *arg),
		     const void *arg);
/* The same for those that have that id. */
int ebpf_verify_each_named(struct ebpf_venv *env, uint32_t id,
			   int (*fn)(struct ebpf_venv *env,
				     struct ebpf_vreg *reg, const void *arg),
			   const void *arg);
/* A packed copy of the state, accounted; NULL: no memory (rejected or not). */
int ebpf_verify_pack(struct ebpf_venv *env, struct ebpf_vsnap **snap);
/* The same of a single frame and no references, and just those registers. */
int ebpf_verify_pack_bare(struct ebpf_venv *env, uint32_t regs,
			  struct ebpf_vsnap **snap);
/* The packed state will be compared with others. */
void ebpf_verify_make_key(const struct ebpf_venv *env, struct ebpf_vsnap *snap);
void ebpf_verify_unpack(struct ebpf_venv *env, const struct ebpf_vsnap *snap);
void ebpf_verify_snap_free(struct ebpf_venv *env, struct ebpf_vsnap *snap);
void ebpf_verify_spares_free(struct ebpf_venv *env);
/*
 * Whether whatever was found safe from snap on is safe from the current state
 * on; exact: whether the two are the same.
 */
bool ebpf_verify_covered(struct ebpf_venv *env, const struct ebpf_vsnap *snap,
			 bool exact);
/* The current state was found covered; note what did not matter to that. */
void ebpf_verify_note_ignored(struct ebpf_venv *env,
			      const struct ebpf_vsnap *snap);
/* Slots whose register became NONE hold nothing any more. */
void ebpf_verify_drop_dead_spills(struct ebpf_venv *env);
/* The same for a state that its own loop has come back from. */
bool ebpf_verify_covered_loop(struct ebpf_venv *env,
			      const struct ebpf_vsnap *snap,
			      const struct ebpf_vloop *loop);
/* Which numbers on the stack snap does not cover, as far as they matter. */
void ebpf_verify_difference(struct ebpf_venv *env,
			    const struct ebpf_vsnap *snap,
			    const struct ebpf_vloop *loop,
			    struct ebpf_vwiden *widening);
/* What comes reads of those slots of that frame. */
void ebpf_verify_mark_read(struct ebpf_venv *env, uint32_t frame,
			   struct ebpf_vhalves slots);
/* And to it the numbers matter that those bytes of a slot hold. */
void ebpf_verify_mark_number(struct ebpf_venv *env, uint32_t frame,
			     uint32_t slot, uint32_t bytes);
/* What comes is what came after that state. */
void ebpf_verify_mark_same(struct ebpf_venv *env,
			   const struct ebpf_vsnap *from);
void ebpf_verify_mark_loop(struct ebpf_venv *env,
			   const struct ebpf_vloop *from);
/*
 * Whether the number in register reg of frame f matters from here on. That it
 * does not is noted: it may turn out otherwise.
 */
bool ebpf_verify_number_matters(struct ebpf_venv *env, uint32_t f,
				uint32_t reg);

/* alu.c: 0 or a rejection */
int ebpf_verify_refuse_reg(struct ebpf_venv *env, uint32_t number);
static inline int
ebpf_verify_read_reg(struct ebpf_venv *env, uint32_t number,
		     struct ebpf_vreg **reg)
{
	uint32_t live = env->live[env->insn] | 1u << EBPF_REG_FP;

	*reg = &ebpf_verify_top(env)->regs[number];
	/* forgetting relies on liveness; if it ever fails, refuse */
	return os_likely((*reg)->type != EBPF_V_NONE && live >> number & 1) ?
		       0 : ebpf_verify_refuse_reg(env, number);
}
/* A register that must hold a number. */
int ebpf_verify_read_scalar(struct ebpf_venv *env, uint32_t number,
			    struct ebpf_vreg **reg);
int ebpf_verify_alu(struct ebpf_venv *env, const struct ebpf_op *op);
uint32_t ebpf_verify_new_id(struct ebpf_venv *env);
/* Give a number a name, so that the copies about to be made learn together. */
void ebpf_verify_name(struct ebpf_venv *env, struct ebpf_vreg *reg);

/* jump.c */

/* What a conditional jump compares. */
struct ebpf_vpair {
	struct ebpf_vreg *dst, *src;
};
int ebpf_verify_operands(struct ebpf_venv *env, const struct ebpf_op *op,
			 struct ebpf_vpair *pair);
/* *outcome: 1 taken, 0 not taken, -1 either. */
int ebpf_verify_decide(struct ebpf_venv *env, const struct ebpf_op *op,
		       const struct ebpf_vpair *pair, int *outcome);
/*
 * Whether the outcome, which can have come out so, teaches nothing of these
 * registers; false: maybe. Notes what learning of it would note.
 */
bool ebpf_verify_teaches_none(struct ebpf_venv *env, const struct ebpf_op *op,
			      const struct ebpf_vpair *pair, bool taken,
			      uint32_t regs);
/* Learn from the outcome; *possible: it can have come out so. */
void ebpf_verify_branch(struct ebpf_venv *env, const struct ebpf_op *op,
			const struct ebpf_vpair *pair, bool taken,
			bool *possible);

/* memory.c */
int ebpf_verify_load(struct ebpf_venv *env, const struct ebpf_op *op);
int ebpf_verify_store(struct ebpf_venv *env, const struct ebpf_op *op);
int ebpf_verify_atomic(struct ebpf_venv *env, const struct ebpf_op *op);
/*
 * size bytes from the pointer in register `number` on are there, and may be
 * read (and hold no pointers) or written, by a helper. sure: of those, that
 * many are certainly written.
 */
int ebpf_verify_helper_mem(struct ebpf_venv *env, uint32_t number,
			   uint64_t size, uint64_t sure, bool write);
/* Byte off of a read-only value that can never change, or -1. */
int ebpf_verify_frozen_byte(struct ebpf_venv *env, uint32_t map, uint64_t off);

/* stack.c */
int ebpf_verify_stack_load(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
			   uint32_t number, int32_t off, uint32_t size,
			   struct ebpf_vreg *value);
/* value NULL: some number */
int ebpf_verify_stack_store(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
			    uint32_t number, int32_t off, uint32_t size,
			    const struct ebpf_vreg *value);
/* The number that bytes of a slot hold; false: none, or a pointer's part. */
bool ebpf_verify_slot_number(const struct ebpf_vslot *slot, uint32_t off,
			     uint32_t size, struct ebpf_vreg *out);
int ebpf_verify_stack_mem(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
			  uint32_t number, uint64_t size, uint64_t sure,
			  bool write);
/*
 * What the call writes, after all its arguments: what it reads of the same
 * memory it may read before. To be called when none of them was refused.
 */
void ebpf_verify_stack_outs(struct ebpf_venv *env);

/* calls.c */
int ebpf_verify_call_helper(struct ebpf_venv *env, const struct ebpf_op *op);
/* A helper that is here or, where that is assumed, in Linux; or NULL. */
const struct ebpf_helper *ebpf_verify_helper(const struct ebpf_venv *env,
					     uint32_t number);
/* Number of argument registers that a helper reads. */
uint32_t ebpf_verify_helper_args(const struct ebpf_helper *helper);

/* frames.c */

/* No register points into the packet any more. */
void ebpf_verify_lose_packet(struct ebpf_venv *env);
/* r0 to r5 are what a call leaves: nothing. */
void ebpf_verify_lose_args(struct ebpf_vframe *frame);
/* An empty frame on top, its r10 set; there is room. NULL: no memory. */
struct ebpf_vframe *ebpf_verify_new_frame(struct ebpf_venv *env);
int ebpf_verify_call_local(struct ebpf_venv *env, const struct ebpf_op *op);
/* The subprogram's tail call at env->insn was made; back in its caller. */
int ebpf_verify_tail_called(struct ebpf_venv *env);
/* *done: the program ended. */
int ebpf_verify_exit(struct ebpf_venv *env, bool *done);

/* refs.c */

/* r0 is a new reference to size bytes, or null. */
int ebpf_verify_acquire(struct ebpf_venv *env, uint32_t size);
/* It is given back: no register has it any more. */
void ebpf_verify_release(struct ebpf_venv *env, uint32_t id);
/* The reference turned out to be null: there is nothing to release. */
void ebpf_verify_drop(struct ebpf_venv *env, uint32_t id);
/* Whatever comes now ("exit") would lose what is still held. */
int ebpf_verify_holds_nothing(struct ebpf_venv *env, const char *what);
/* Whatever comes now would keep others waiting for a lock. */
int ebpf_verify_holds_no_lock(struct ebpf_venv *env, const char *what);
/* The lock in the value that reg points to is taken, or given back. */
int ebpf_verify_lock(struct ebpf_venv *env, const struct ebpf_vreg *reg);
int ebpf_verify_unlock(struct ebpf_venv *env, const struct ebpf_vreg *reg);

/* sockets.c */
const char *ebpf_verify_sock_name(const struct ebpf_vreg *reg);
/* A context field of one of the types that core/assumed.h adds. */
void ebpf_verify_sock_field(struct ebpf_venv *env, struct ebpf_vreg *reg,
			    uint32_t field_type);
/* r0 is a new one or null; parent: the reference it lives by, or 0. */
int ebpf_verify_sock_result(struct ebpf_venv *env, enum ebpf_vsock sort,
			    bool acquired, uint32_t parent);
/* An argument that must be a socket; *ref: the reference it lives by. */
int ebpf_verify_sock_arg(struct ebpf_venv *env,
			 const struct ebpf_helper *helper, uint32_t number,
			 bool or_null, uint32_t *ref);
int ebpf_verify_sock_access(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
			    uint32_t number, int32_t off, uint32_t size,
			    bool write);

/* packet.c: LD_ABS and LD_IND */
int ebpf_verify_load_packet(struct ebpf_venv *env, const struct ebpf_op *op);
/* The packet ended before: the function returned 0. */
int ebpf_verify_packet_missed(struct ebpf_venv *env);
/* speculate.c */
/* Speculation must not pass env->insn; whatever was guessed holds after it. */
void ebpf_verify_fence(struct ebpf_venv *env);
/* What the pointer is known to be is relied on now. */
void ebpf_verify_rely(struct ebpf_venv *env, const struct ebpf_vreg *ptr);
/* Bytes of a slot are about to be written; value NULL: some number. */
void ebpf_verify_slot_written(struct ebpf_venv *env, struct ebpf_vslot *slot,
			      const struct ebpf_vreg *value);
/* Slots of a frame are about to be read. */
void ebpf_verify_slots_read(struct ebpf_venv *env, struct ebpf_vframe *frame,
			    uint64_t slots);
/* A branch was mispredicted: its operands are not known. */
void ebpf_verify_mispredict(struct ebpf_venv *env, const struct ebpf_op *op);
/* Fences before everything that touches memory: safe without a walk. */
void ebpf_verify_fence_all(struct ebpf_venv *env);
/* Which instructions speculation must not pass becomes prog->fences. */
int ebpf_verify_fences(struct ebpf_venv *env);

/* loop.c */
bool ebpf_verify_helper_loops(const struct ebpf_venv *env, uint32_t insn);
static inline bool
ebpf_verify_is_loop(const struct ebpf_venv *env, uint32_t insn)
{
	return env->ops[insn].code == EBPF_OP_CALL_HELPER &&
	       ebpf_verify_helper_loops(env, insn);
}
/* At such a call: the loop begins, or it has come back to it. */
void ebpf_verify_loop_arrive(struct ebpf_venv *env);
/* The arguments are fine: go on behind it, and once more later. */
int ebpf_verify_loop(struct ebpf_venv *env, const struct ebpf_helper *helper);
/* The helper at env->insn calls. */
int ebpf_verify_callback(struct ebpf_venv *env);
/* The callback returns to the helper. */
int ebpf_verify_callback_exit(struct ebpf_venv *env);
bool ebpf_verify_in_callback(const struct ebpf_venv *env);
/* *ended: the loop was in this state before; else it may become wider. */
int ebpf_verify_loop_again(struct ebpf_venv *env, struct ebpf_vpoint *point,
			   bool *ended);
/* Everything after snap was explored. */
void ebpf_verify_loop_done(struct ebpf_venv *env,
			   const struct ebpf_vsnap *snap);
struct ebpf_vloop *ebpf_verify_loop_at(struct ebpf_venv *env, uint32_t insn);
/* For trail.c: do again what was widened; forget it from that step on. */
int ebpf_verify_widen_again(struct ebpf_venv *env);
void ebpf_verify_widen_forget(struct ebpf_venv *env, uint64_t steps);

/* globals.c */
void ebpf_verify_find_globals(struct ebpf_venv *env);
/* The arguments of env->root. */
void ebpf_verify_global_begin(struct ebpf_venv *env);
int ebpf_verify_call_global(struct ebpf_venv *env, uint32_t func);

/* rewrite.c */
int ebpf_verify_rewrite(struct ebpf_venv *env);

#endif
