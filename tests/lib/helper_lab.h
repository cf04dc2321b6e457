/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For tests that call helpers themselves: a runtime, and as much of a program
 * as helpers look at. Callers pin themselves where a helper wants it.
 */
#ifndef TESTS_HELPER_LAB_H
#define TESTS_HELPER_LAB_H

#include "core/helper.h"
#include "core/prog.h"
#include "core/runtime.h"

extern struct ebpf_runtime *helper_rt;
extern struct ebpf_prog helper_prog; /* enough of one for helpers */

/* The program is of that kind from now on; first of all. */
void helper_begin(uint32_t kind);
void helper_kind(uint32_t kind);

static inline int64_t
call(uint32_t number, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
     uint64_t r5)
{
	return (int64_t)ebpf_helper_find(helper_rt, number)
		->fn(r1, r2, r3, r4, r5, &helper_prog);
}

/* An argument that points somewhere. */
#define P(pointer) ((uint64_t)(uintptr_t)(pointer))

/* Nothing may be left: the last test point; what main() returns. */
int helper_end(void);

#endif
