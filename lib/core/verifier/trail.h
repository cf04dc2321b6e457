/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The trail of a path: which way it went at its forks (kept while walking, a
 * bit each), and, once a program is refused, what walking it again found out:
 * which instructions made each register and stack slot what it is, and which
 * branches led here. trail.c fills it, explain.c tells it.
 */
#ifndef CORE_VERIFIER_TRAIL_H
#define CORE_VERIFIER_TRAIL_H

#include "core/verifier/verify.h"

enum {
	EBPF_VT_ORIGINS = 4,
	EBPF_VT_TURNS = 6,
	/* in an origin: a branch that taught it, and which way it went */
	EBPF_VT_BRANCH = 1 << 30,
	EBPF_VT_TAKEN = 1 << 29,
	EBPF_VT_INSN = EBPF_VT_TAKEN - 1,
};

/* Instructions that made something what it is, the last one first. */
struct ebpf_vorigin {
	uint32_t insns[EBPF_VT_ORIGINS];
	uint32_t count;
};

struct ebpf_vturn {
	uint32_t insn;
	uint32_t taken;
	uint32_t times;
};

struct ebpf_vtrail {
	struct ebpf_vorigin regs[EBPF_FRAME_MAX][EBPF_REG_COUNT];
	struct ebpf_vorigin slots[EBPF_FRAME_MAX][EBPF_V_SLOTS];
	/* the last branches, oldest first, and how many different ones
	 * before those are left out */
	struct ebpf_vturn turns[EBPF_VT_TURNS];
	uint32_t turn_count, turns_lost;
	/* the jump back that was made most often, 0 times: none */
	uint32_t loop_insn, loop_times;

	/* trail.c's own */
	bool leave; /* the path goes on with what just had to wait */
	uint32_t fork;
	uint32_t depth;
	uint32_t slot_count[EBPF_FRAME_MAX];
	struct ebpf_vreg known[EBPF_FRAME_MAX][EBPF_REG_COUNT];
	struct ebpf_vslot known_slots[EBPF_FRAME_MAX][EBPF_V_SLOTS];
	uint32_t *visits;
};

/*
 * Walk the path that failed again. NULL: it could not be (no memory, or it
 * took too long); env->state then says nothing.
 */
struct ebpf_vtrail *ebpf_verify_retrace(struct ebpf_venv *env);
void ebpf_verify_trail_free(struct ebpf_vtrail *trail);

/* fix.c: what would mend it, if something special can be said; else "". */
void ebpf_verify_fix(const struct ebpf_venv *env,
		     const struct ebpf_vtrail *trail, char *fix, size_t size);

#endif
