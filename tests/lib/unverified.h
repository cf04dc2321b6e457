/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Runnable programs that no verifier has seen, for tests of the engines below
 * it. Only tests link this; nothing in lib/ offers such a thing.
 */
#ifndef TESTS_UNVERIFIED_H
#define TESTS_UNVERIFIED_H

#include <stddef.h>

#include "core/ebpf.h"
#include "core/fuse.h"
#include "core/prog.h"

struct unverified_options {
	/* NULL: a kind with r1 = memory, r2 = its length */
	const struct ebpf_kind *kind;
	/* What call instructions may name; none: helper 5, which returns 1. */
	const struct ebpf_helper *const *helpers;
	uint32_t helper_count;
	/* What an lddw with src 1, 2, 5 or 6 indexes; borrowed. */
	struct ebpf_map **maps;
	uint32_t map_count;
	/* The runtime whose helpers are called; NULL: one with only the above. */
	struct ebpf_runtime *rt;
};

/*
 * Decode, find functions, measure frames and resolve helpers and maps; the
 * interpreter is the entry. NULL, with the reason in why, for what does not
 * decode or names what is not there. options may be NULL.
 */
struct ebpf_prog *unverified_prog(const struct ebpf_insn *insns, uint32_t count,
				  const struct unverified_options *options,
				  char *why, size_t why_size);

/* Make machine code the entry: 0, or -EBPF_EJIT where there is no JIT. */
int unverified_compile(struct ebpf_prog *prog);

/*
 * ebpf_jit_compile(), which wants ops that are not fused yet; the image is the
 * caller's.
 */
struct ebpf_jit_image;
int unverified_image(struct ebpf_prog *prog, struct ebpf_jit_image **image);

/* Fuse anew for the interpreter, which happened as EBPF_FUSE_ALL before. */
void unverified_fuse(struct ebpf_prog *prog, enum ebpf_fuse_what what);

void unverified_free(struct ebpf_prog *prog); /* NULL is fine */

#endif
