/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of the generator (progen.h) draw: numbers, registers that may
 * be read or written at this point, places in memory; and the kinds of pieces
 * that have files of their own.
 */
#ifndef TESTS_PROGEN_DRAW_H
#define TESTS_PROGEN_DRAW_H

#include "progen.h"

enum {
	STACK = 64,	/* bytes of stack a function uses */
	KEY = -STACK - 8, /* and below them a map's key */
	FUNCS = 4,
};

/* One instruction that neither jumps nor calls. */
void progen_simple(struct progen *gen);
/* A few instructions that compilers emit so. */
void progen_idiom(struct progen *gen);
/* What back ends may take together. */
void progen_together(struct progen *gen);

static inline uint64_t
next(struct progen *gen)
{
	uint64_t z = gen->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint32_t
below(struct progen *gen, uint32_t n)
{
	return (uint32_t)(next(gen) >> 33) % n;
}

/* A register to write. */
static inline uint32_t
target(struct progen *gen)
{
	uint32_t reg;

	do
		reg = below(gen, 10);
	while (reg == gen->base || (gen->counter != 0 && reg == gen->counter));
	return reg;
}

/* A register to read: the memory's address is as good as a number, a stack's
 * is another in every engine. */
static inline uint32_t
source(struct progen *gen)
{
	uint32_t reg;

	do
		reg = below(gen, 10);
	while ((gen->verified || gen->callback) && reg == gen->base);
	return reg;
}

static inline void
load_number(struct progen *gen, uint32_t reg)
{
	uint64_t n = progen_number(gen);

	if (n == (uint64_t)(int64_t)(int32_t)n) {
		progen_put(gen, 0xb7, reg, 0, 0, (int32_t)n);
	} else {
		progen_put(gen, 0x18, reg, 0, 0, (int32_t)n);
		progen_put(gen, 0, 0, 0, 0, (int32_t)(n >> 32));
	}
}

/* A place in memory or stack, for an access of that many bytes. */
static inline uint32_t
place(struct progen *gen, uint32_t bytes, bool aligned, int16_t *off)
{
	bool stack = below(gen, 3) == 0;
	uint32_t size = stack ? STACK : gen->mem;
	uint32_t at = below(gen, size - bytes + 1);

	if (aligned || (gen->verified && (stack || gen->callback)))
		at &= ~(bytes - 1);
	*off = (int16_t)(stack ? (int32_t)at - STACK : (int32_t)at);
	return stack ? EBPF_REG_FP : gen->base;
}

#endif
