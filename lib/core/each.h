/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loops that a helper makes by calling a function of the program again and
 * again: bpf_loop over numbers, bpf_for_each_map_elem over elements. Engines
 * make the calls, so that no helper enters a program from C; this is what they
 * ask between two of them. Called by the interpreter and by generated code.
 */
#ifndef CORE_EACH_H
#define CORE_EACH_H

#include "core/ebpf.h"

/*
 * Loops in callbacks multiply, as many as there may be frames: like Linux, this
 * bounds what one call does, not how long a run takes.
 */
enum {
	EBPF_LOOPS_MAX = 1 << 23, /* calls that one bpf_loop makes at most */
};

/* An iteration under way; lives on the stack of who runs it. */
struct ebpf_each {
	struct ebpf_map *map; /* NULL: numbers from 0 to end - 1 */
	uint64_t key;	      /* address of the element's key; or the number */
	uint64_t value;	      /* address of its value */
	uint32_t next;	      /* the kind's own: where to go on */
	uint32_t end;
	uint32_t visited;
	uint32_t index; /* room for the key of an array */
};

/*
 * Begin bpf_for_each_map_elem: 0, or what the helper returns. Then next until
 * it is 0 or the callback says stop; the helper returns visited.
 */
int64_t ebpf_each_begin(struct ebpf_each *each, struct ebpf_map *map,
			uint64_t flags);
uint64_t ebpf_each_next(struct ebpf_each *each);

/* The same for bpf_loop, for engines that make no code of it. */
int64_t ebpf_each_begin_loop(struct ebpf_each *each, uint32_t count,
			     uint64_t flags);

#endif
