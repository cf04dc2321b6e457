/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Lookups in maps that are known when a program is compiled. Maps of many
 * shapes get code of their own, which all programs that know them call: the
 * size of the keys, where buckets, nodes and elements are and how many, the
 * secret seed are constants there. It is made with the first program that
 * wants it, goes with the map, and knows the way to most elements; the others
 * the map's own lookup finds, in C, from the beginning. (Such code in every
 * program is faster by a tenth, but longer than all else in many.)
 * Knows no machine.
 */
#ifndef CORE_JIT_JIT_LOOKUP_H
#define CORE_JIT_JIT_LOOKUP_H

#include "core/hash_table.h"
#include "core/jit/jit.h"
#include "core/jit/jit_scan.h"
#include "core/lpm_trie.h"

/* A map's code, in its struct ebpf_map. */
struct ebpf_jit_lookup {
	struct os_exec exec;
	const uint8_t *code;
	const uint8_t *kept; /* where those enter it whose key is in registers
				(jit_key.c); NULL: nowhere */
};

/* What the program is given of a hash's element, as in hash_lookup.c. */
enum ebpf_jit_given {
	EBPF_JIT_VALUE,
	EBPF_JIT_CPU_VALUE, /* this CPU's */
	EBPF_JIT_INNER,	    /* the map it holds */
};

struct ebpf_jit_hash {
	const struct ebpf_map_hash *table;
	enum ebpf_jit_given given;
	bool lru;		   /* mark it as used */
	const struct ebpf_chunks *chunks; /* NULL: elements lie side by side */
	struct os_percpu_plan plan; /* of CPU_VALUE */
};

/* Where things are: in a trie, from its root on; in its records. */
#define EBPF_JIT_LPM_OFF(field)                        \
	((int32_t)(offsetof(struct ebpf_map_lpm, field) - \
		   offsetof(struct ebpf_map_lpm, root)))
#define EBPF_JIT_TABLE_OFF(field) \
	((int32_t)offsetof(struct ebpf_lpm_table, field))
#define EBPF_JIT_NARROW_OFF(field) \
	((int32_t)offsetof(struct ebpf_lpm_narrow, field))
enum {
	/* of an element */
	EBPF_JIT_LPM_LEN = EBPF_LPM_KEY,
	EBPF_JIT_LPM_ADDRESS = EBPF_LPM_KEY + EBPF_LPM_LEN,
};

/* The shapes of maps there is code for. */
enum ebpf_jit_shape {
	EBPF_JIT_HASH,
	EBPF_JIT_LPM,
};

/* All in it is constant as long as the map is there (map.h). */
struct ebpf_jit_plan {
	const struct ebpf_map *map;
	enum ebpf_jit_shape shape;
	struct ebpf_jit_hash hash;
	const struct ebpf_map_lpm *lpm; /* lpm_trie.h says how, too */
};

/* False: there is no code for it, or for keys of that size. */
bool ebpf_jit_plan(const struct ebpf_map *map, struct ebpf_jit_plan *plan);

/*
 * For a program about to be compiled: give the maps that its lookups ask code
 * of their own, where they can have it and have none, and mark where keys are to
 * be kept (jit_scan.h). sleep; ENOMEM, ELIMIT.
 */
int ebpf_jit_lookups_make(const struct ebpf_prog *prog,
			  struct ebpf_jit_scan *scan);

/*
 * What to call for a lookup in a map, key in r2: its own code, or map->lookup,
 * which wants the map in r1 as well. NULL: there is neither. kept: the call is
 * marked so, by the above.
 */
const void *ebpf_jit_lookup_code(const struct ebpf_map *map, bool kept,
				 bool *own);

/*
 * jit_key.c: mark the lookup called at slot and the stores behind which the key
 * is never read from memory, if each of these, all before it on every way to it,
 * stores one part: the first 4 bytes of 6 or 8 of more than 8, and the rest;
 * other keys have one part.
 */
void ebpf_jit_key(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
		  const struct ebpf_jit_func *func, uint32_t slot,
		  uint32_t key_size);

#endif
