/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Several instructions that are one thing: an address that is added up and then
 * used once, a rotation. jit_match.c recognises them, whichever machine it is for; backends say what they are there.
 */
#ifndef CORE_JIT_JIT_MATCH_H
#define CORE_JIT_JIT_MATCH_H

#include "core/jit/jit_gen.h"

enum ebpf_jit_match_kind {
	/* op's access at base + (index << scale) + off */
	EBPF_JIT_ADDRESS,
	/* dst = src, its low width bits rotated left; of 16, the rest stays */
	EBPF_JIT_ROTATE,
};

/* Registers are the program's. */
struct ebpf_jit_match {
	enum ebpf_jit_match_kind kind;
	uint32_t slots;	 /* how many it stands for, at least 2 */
	uint32_t others; /* bit n: the op at slot + n is no part, it goes first */
	const struct ebpf_op *op; /* load or store; its off is not counted */
	uint8_t dst, src;
	uint8_t base;
	bool indexed;
	uint8_t index, scale;
	int32_t off;
	uint8_t width, count;
};

/* Whether something begins at gen->slot. */
bool ebpf_jit_match(const struct ebpf_jit_gen *gen,
		    struct ebpf_jit_match *match);

/*
 * The op at slot, if it may become part of the code of the ones before: it is
 * neither jumped to nor dead, and nothing is blinded. Else NULL.
 */
static inline const struct ebpf_op *
ebpf_jit_follower(const struct ebpf_jit_gen *gen, uint32_t slot)
{
	if (slot >= gen->limit || !ebpf_jit_is_joined(gen->scan, slot) ||
	    gen->image->blind)
		return NULL;
	return &gen->prog->ops[slot];
}

/* Nobody reads reg behind slot, which is no jump. */
static inline bool
ebpf_jit_unread(const struct ebpf_jit_gen *gen, uint32_t slot, uint32_t reg)
{
	return slot + 1 < gen->func->end &&
	       !(gen->scan->slots[slot + 1] >> reg & 1);
}

#endif
