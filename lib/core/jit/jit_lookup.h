/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Lookups in maps that are known when a program is compiled. A hash map gets
 * code of its own, which all programs that know it call: the size of its keys,
 * where its buckets and elements are and how many, its secret seed are
 * constants there. It is made with the first program that wants it, goes with
 * the map, and knows the way to most elements; what is on a chain, or not where
 * its tag is, the map's own lookup finds, in C, from the beginning. (Such code
 * in every program is faster by a tenth, but longer than all else in many.)
 * Knows no machine.
 */
#ifndef CORE_JIT_JIT_LOOKUP_H
#define CORE_JIT_JIT_LOOKUP_H

#include "core/hash_table.h"
#include "core/jit/jit.h"
#include "core/jit/jit_gen.h"
#include "core/jit/jit_scan.h"

/* A map's code, in its struct ebpf_map_hash. */
struct ebpf_jit_lookup {
	struct os_exec exec;
	const uint8_t *code;
};

/* What the program is given of an element, as in hash_lookup.c. */
enum ebpf_jit_given {
	EBPF_JIT_VALUE,
	EBPF_JIT_CPU_VALUE, /* this CPU's */
	EBPF_JIT_INNER,	    /* the map it holds */
};

/* All in it is constant as long as the map is there (map.h). */
struct ebpf_jit_hash {
	const struct ebpf_map_hash *table;
	enum ebpf_jit_given given;
	bool lru;		   /* mark it as used */
	struct os_percpu_plan plan; /* of CPU_VALUE */
};

/* False: there is no code for it, or for keys of that size. */
bool ebpf_jit_hash(const struct ebpf_map *map, struct ebpf_jit_hash *hash);

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

/*
 * For a program about to be compiled: give the maps that its lookups ask code
 * of their own, where they can have it and have none. sleep; ENOMEM, ELIMIT.
 */
int ebpf_jit_lookups_make(const struct ebpf_prog *prog,
			  const struct ebpf_jit_scan *scan);

/* How a helper that is called is best done. */
enum ebpf_jit_way {
	EBPF_JIT_GENERIC, /* as its function does it */
	EBPF_JIT_ZERO,	  /* it always says 0 */
	EBPF_JIT_CPU,	  /* the running CPU's number, as plan has it */
	EBPF_JIT_ARRAY,	  /* a lookup in an array; r2 points to the index */
	EBPF_JIT_MAP,	  /* a function of the map's, without generic door */
};

struct ebpf_jit_call {
	enum ebpf_jit_way way;
	const struct ebpf_map *map;
	bool load;	      /* the map must be put into r1 first */
	bool percpu;	      /* ARRAY: of the copy that plan has */
	const void *function; /* MAP */
	bool own;	      /* it is the map's own code, see above */
	bool is_int;	      /* it returns int */
	struct os_percpu_plan plan;
};

/* Of the call at gen->slot; tail calls and loops are not asked for here. */
void ebpf_jit_call(const struct ebpf_jit_gen *gen,
		   const struct ebpf_helper *helper,
		   struct ebpf_jit_call *call);

/*
 * What to call for a lookup in a map, key in r2: its own code, or map->lookup,
 * which wants the map in r1 as well. NULL: there is neither.
 */
const void *ebpf_jit_lookup_code(const struct ebpf_map *map, bool *own);

#endif
