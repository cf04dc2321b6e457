/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How a call of a helper is best done, from what is known where it stands: the
 * map it is for, an index, whether the program asks for NULL right behind it.
 * Backends are told, and only have to say it in their machine's words. Knows no
 * machine. Used by jit_gen.c, jit_live.c and jit_lookup.c.
 */
#ifndef CORE_JIT_JIT_WAY_H
#define CORE_JIT_JIT_WAY_H

#include "core/jit/jit_gen.h"
#include "core/map.h"

enum ebpf_jit_way {
	EBPF_JIT_NOTHING,  /* it can have no effect */
	EBPF_JIT_ZERO,	   /* it always says 0 */
	EBPF_JIT_CPU,	   /* the running CPU's number, as plan has it */
	EBPF_JIT_ARRAY,	   /* a lookup in an array; r2 points to the index */
	EBPF_JIT_FUNCTION, /* of C, or a map's own code */
	EBPF_JIT_TAIL,
	EBPF_JIT_LOOP_NUMBERS,
	EBPF_JIT_LOOP_ELEMENTS,
};

/* What the jump behind a lookup, then part of its code, does. */
enum ebpf_jit_check {
	EBPF_JIT_UNCHECKED, /* there is none */
	EBPF_JIT_IF_NULL,
	EBPF_JIT_UNLESS_NULL,
};

struct ebpf_jit_call {
	enum ebpf_jit_way way;
	uint32_t ops; /* the code stands for */
	/* what it is for, if that is known */
	const struct ebpf_map *map;
	bool load; /* the map must be put into r1 first */
	struct os_percpu_plan plan;

	/* ARRAY */
	bool percpu; /* of the copy that plan has */
	bool masked; /* index_mask keeps any index inside */
	enum ebpf_jit_check check;
	uint32_t check_slot; /* where to */

	/* FUNCTION */
	const void *function;
	bool own;    /* the map's own code, see jit_lookup.h */
	bool is_int; /* it returns int */
	bool env;    /* the program is its sixth argument */

	/* TAIL; r2 and r3 are there in any case */
	bool constant; /* of that index in map, which is there */
	uint32_t index;
	uint32_t cost;
};

/* Of the call op, at gen->slot. */
void ebpf_jit_call(const struct ebpf_jit_gen *gen, const struct ebpf_op *op,
		   struct ebpf_jit_call *call);

/*
 * The map that the lookup called at slot of func asks whichever way control came there,
 * because it is loaded into r1 a few slots before and no way leads in between;
 * else NULL. Such a call does not read r1: who compiles it loads the map, if
 * need be.
 */
const struct ebpf_map *ebpf_jit_lookup_map(const struct ebpf_prog *prog,
					   const struct ebpf_jit_scan *scan,
					   const struct ebpf_jit_func *func,
					   uint32_t slot);

#endif
