/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a register holds, as far as the verifier knows: a number or a pointer of
 * some sort, and how to make one. Knows nothing of states and instructions.
 */
#ifndef CORE_VERIFIER_REG_H
#define CORE_VERIFIER_REG_H

#include "core/os.h"
#include "core/verifier/num.h"

enum ebpf_vtype {
	EBPF_V_NONE, /* not initialised */
	EBPF_V_SCALAR, /* all that follow are pointers */
	EBPF_V_CTX,
	EBPF_V_STACK,
	EBPF_V_PKT,
	EBPF_V_PKT_META,
	EBPF_V_PKT_END,
	EBPF_V_MEM,
	EBPF_V_MAP,
	EBPF_V_VALUE,
	EBPF_V_RECORD, /* reserved in a ring buffer */
	EBPF_V_SOCK,   /* Linux's own, see sockets.c */
	EBPF_V_LOW,    /* half of a packet address, to be subtracted */
	EBPF_V_FUNC,   /* a function of the program: map is its index */
	EBPF_V_KEY,    /* of a map's element, which may only be read */
	EBPF_V_GIVEN,  /* argument of a global function: range bytes */
};

/* Sorts of EBPF_V_SOCK, in its `map`. */
enum ebpf_vsock {
	EBPF_VS_SOCK,
	EBPF_VS_COMMON, /* what all sockets have, half open ones too */
	EBPF_VS_TCP,
	EBPF_VS_XDP,
	EBPF_VS_BTF, /* a struct of Linux's own */
	EBPF_VS_FLOW_KEYS,
};

/*
 * A register, or what was spilled of one.
 *
 * Scalars: num is the number. id names a number that several registers hold:
 * each of them is (the number << shl) + off, exactly one of shl and off being
 * non-zero at most. range: the number + range <= the tied length.
 *
 * Pointers: base + off + num. For PKT, PKT_META and MEM id names the number
 * num (0: num is 0 or nothing is known by name), and range bytes from base +
 * num on are proven to be there. For a VALUE that may be null, or whose map has
 * locks, id names the lookup that gave it. For a RECORD id names the reference,
 * and range is its size.
 */
struct ebpf_vreg {
	uint8_t type; /* enum ebpf_vtype */
	uint8_t maybe_null;
	uint8_t shl;
	uint8_t frame; /* STACK; KEY: the callback's that it was given to */
	uint8_t fixed_element; /* VALUE: of an array's first element */
	uint8_t guess;	       /* speculate.c: what is known may not hold yet */
	uint8_t inner; /* MAP, VALUE: of the map's inner maps, any of them */
	uint8_t pad;
	uint32_t id;
	int32_t off;
	uint32_t range;
	uint32_t map;	 /* MAP, VALUE, KEY: index into prog->maps */
	uint32_t origin; /* slot that made it; for words only, never compared */
	struct ebpf_num num;
};

/* Nothing; its number says nothing either, whatever stands there. */
static inline void
ebpf_vreg_none(struct ebpf_vreg *reg)
{
	memset(reg, 0, offsetof(struct ebpf_vreg, num));
}

/* A number, but for which. */
static inline void
ebpf_vreg_number(struct ebpf_vreg *reg)
{
	ebpf_vreg_none(reg);
	reg->type = EBPF_V_SCALAR;
}

/* Any number. */
static inline void
ebpf_vreg_scalar(struct ebpf_vreg *reg)
{
	ebpf_vreg_number(reg);
	ebpf_num_unknown(&reg->num, 64);
}

static inline void
ebpf_vreg_const(struct ebpf_vreg *reg, uint64_t value)
{
	ebpf_vreg_number(reg);
	ebpf_num_const(&reg->num, value, 64);
}

static inline void
ebpf_vreg_upto(struct ebpf_vreg *reg, uint64_t max)
{
	ebpf_vreg_number(reg);
	ebpf_num_upto(&reg->num, max, 64);
}

static inline bool
ebpf_vreg_is_pointer(const struct ebpf_vreg *reg)
{
	return reg->type > EBPF_V_SCALAR;
}

/* The number 0. */
static inline bool
ebpf_vreg_is_zero(const struct ebpf_vreg *reg)
{
	return reg->type == EBPF_V_SCALAR && reg->num.umax == 0;
}

#endif
