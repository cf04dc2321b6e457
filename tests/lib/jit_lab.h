/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A bench to try compiled programs on: instructions put one by one, made into a
 * program that no verifier has seen, run inside a section. One at a time; what
 * should not fail ends the test.
 */
#ifndef TESTS_JIT_LAB_H
#define TESTS_JIT_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ebpf.h"
#include "core/prog.h"
#include "progen.h"

extern struct ebpf_runtime *lab_rt; /* of lab_open() */
extern struct progen lab_gen;	    /* the instructions put so far */

/* False: no JIT here, `what` is skipped. main() returns what closing does. */
bool lab_open(const char *what);
int lab_close(void);

void lab_put(uint8_t code, uint32_t dst, uint32_t src, int16_t off,
	     int32_t imm);
void lab_put_map(uint32_t reg, uint32_t index); /* lddw of maps[index] */
void lab_put_call(uint32_t helper);

/* What a program does with what a lookup found, before it returns it. */
enum lab_asks {
	LAB_NOT,     /* nothing */
	LAB_IF_NULL, /* jumps over + 1 where it is NULL */
	LAB_IF_NOT,  /* jumps to + 1 where it is not, else returns 5 */
	LAB_IF_32,   /* as LAB_IF_NULL by the low half alone */
	LAB_ASKS,
	/* and one more: looks up in two places, returns the sum */
	LAB_TWICE = LAB_ASKS,
	LAB_LOOKUPS,
};
void lab_put_asks(enum lab_asks asks);
uint64_t lab_asked(uint64_t found, enum lab_asks asks); /* what it returns */

/* A program that looks up the key that is LAB_KEY_AT bytes into memory. */
enum {
	LAB_KEY_AT = 3, /* no key is aligned */
};
struct ebpf_prog *lab_lookup_prog(struct ebpf_map *map, enum lab_asks asks);
/* All of them, compiled; false: some did not compile. */
bool lab_lookups(struct ebpf_map *map, struct ebpf_prog *progs[LAB_LOOKUPS]);
void lab_lookups_free(struct ebpf_prog *progs[LAB_LOOKUPS]);

/* The program of what was put; kind NULL: r1 = memory, r2 = its length. */
struct ebpf_prog *lab_finish(struct ebpf_map **maps, uint32_t map_count,
			     const struct ebpf_kind *kind);
struct ebpf_map *lab_map(uint32_t kind, uint32_t key, uint32_t value,
			 uint32_t entries);
uint64_t lab_run(const struct ebpf_prog *prog, uint64_t r1, uint64_t r2,
		 uint64_t r3);

#endif
