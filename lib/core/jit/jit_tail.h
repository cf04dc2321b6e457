/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tail calls of a slot that is known when a program is compiled: direct jumps
 * to the program that is in the slot, changed when another one is put there.
 *
 * Such a call reads the slot, as all do, and compares what it finds with
 * `direct`, the program that the jump behind goes to. Only when they are the
 * same it jumps; else, as long as nobody has seen to the jump, it goes by what
 * the slot says. Code is only changed when nobody can be running it: direct is
 * cleared when the slot is changed, and after a grace period nobody is between
 * comparing and jumping. Then the jump is changed (os_exec_patch), then direct
 * is set. So there is no moment at which half of a jump can be met, and a home
 * that cannot change sealed code loses nothing but time.
 *
 * For jit.c, prog.c and map_prog_array.c.
 */
#ifndef CORE_JIT_JIT_TAIL_H
#define CORE_JIT_JIT_TAIL_H

#include "core/jit/jit.h"
#include "core/map.h"

/* A call: part of its program's image, whose code has its address. */
struct ebpf_jit_tail {
	const struct ebpf_prog *direct; /* atomic; changed with the array's
					   spin lock */
	struct ebpf_map_prog_array *array;
	struct ebpf_jit_image *image;
	uint32_t index;
	uint32_t off; /* of the four bytes of the jump that change */
	/* array->tails' lock and the array's spin lock: either to read */
	struct ebpf_jit_tail *next;
	bool joined;
	/* the array's spin lock */
	bool stuck;	  /* the jump cannot reach, or be changed */
	uint32_t changes; /* of the slot */
	uint64_t since;	  /* direct is clear since before this grace period */
};

/* Those of one array; made with the first, goes with the array. */
struct ebpf_jit_tails {
	struct os_mutex lock; /* taken before the array's spin lock; code is
				 changed with it */
	struct ebpf_map_prog_array *array;
	struct ebpf_jit_tail *first;
	/* the array's spin lock */
	struct os_deferred work;
	bool pending; /* work is under way and has a reference to the map */
	bool more;    /* something changed meanwhile */
};

/*
 * A program is about to be published: its jumps go where slots say, and follow
 * them from now on. sleep; ENOMEM, ELIMIT. leave is called when it is freed.
 */
int ebpf_jit_tails_join(struct ebpf_jit_image *image);
void ebpf_jit_tails_leave(struct ebpf_jit_image *image);

/*
 * A slot has changed. With the array's spin lock, before the old program is put
 * back; true: then, without it, ebpf_jit_tails_follow().
 */
bool ebpf_jit_tails_changed(struct ebpf_map_prog_array *array, uint32_t index);
void ebpf_jit_tails_follow(struct ebpf_map_prog_array *array);

void ebpf_jit_tails_free(struct ebpf_jit_tails *tails); /* NULL is fine */

#endif
