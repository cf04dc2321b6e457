/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arithmetic as RFC 9669 defines it, at any width of 1 to 64 bits: what tests
 * of the verifier hold its claims against.
 */
#ifndef TESTS_ARITHMETIC_H
#define TESTS_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/decode.h"

enum {
	ARITH_OPERATORS = 15,
	ARITH_JUMPS = 11,
};

struct arith_fn {
	enum ebpf_fn fn;
	const char *name;
};

/* All operators of two numbers (and neg), and all comparisons. */
extern const struct arith_fn arith_operators[ARITH_OPERATORS];
extern const struct arith_fn arith_jumps[ARITH_JUMPS];

uint64_t arith_compute(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits);
bool arith_holds(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits);
uint64_t arith_swapped(uint64_t v, unsigned bits);
/* The atomic op on the bytes at `at`; registers it changes are in regs. */
void arith_atomic(const struct ebpf_op *op, uint8_t *at, uint64_t *regs);

#endif
