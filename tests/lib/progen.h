/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random programs for tests of engines: well-behaved (they end, touch only
 * their memory and stack, divide by anything), not verified, all of the
 * instruction set but maps, tail calls and packet loads.
 */
#ifndef TESTS_PROGEN_H
#define TESTS_PROGEN_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/insn.h"

struct ebpf_helper;
struct unverified_options;

enum {
	PROGEN_MAX = 8192,
	PROGEN_KEYS = 6,
	PROGEN_VALUE = 16,
};

struct progen {
	uint64_t state;
	uint32_t count;
	uint32_t mem;	 /* bytes behind the base register */
	uint32_t base;	 /* the register that points to memory */
	uint32_t counter; /* loop counter, never written in loops; 0: none */
	uint32_t depth;
	bool calls;
	bool callback; /* this function: base points to its caller's stack */
	bool verified; /* nothing that a verifier must refuse; maps 0..2 */
	struct ebpf_insn insns[PROGEN_MAX];
};

void progen_put(struct progen *gen, uint8_t code, uint32_t dst, uint32_t src,
		int16_t off, int32_t imm);

/* Fill gen with the program that belongs to seed; r1 has mem bytes. */
void progen_random(struct progen *gen, uint64_t seed, uint32_t mem);

/*
 * The same such that a verifier can follow it. Uses maps 0 to 2 by index, with
 * 4-byte keys below PROGEN_KEYS and values of PROGEN_VALUE bytes.
 */
void progen_verified(struct progen *gen, uint64_t seed, uint32_t mem);

/* The helpers the programs call, with 5 numbers: 100 and, with EBPF_HELPER_ENV,
 * 101. */
extern const struct ebpf_helper progen_helper_hash, progen_helper_env;

/* An interesting number. */
uint64_t progen_number(struct progen *gen);

/* The helpers for programs without a runtime. */
const struct unverified_options *progen_options(void);

#endif
