/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Code before it is known where it will be. Each instruction is written once,
 * into a draft, with a note of what in it depends on its place or on the place
 * of others; jit_draft.c then copies it to where it will run and puts in what
 * was noted. Knows no machine. For jit.c and, by way of jit_buf.h, backends.
 */
#ifndef CORE_JIT_JIT_DRAFT_H
#define CORE_JIT_JIT_DRAFT_H

#include "core/jit/jit.h"

enum ebpf_jit_fix_kind {
	EBPF_JIT_FIX_JUMP,	/* to a slot, from the end of another's code */
	EBPF_JIT_FIX_SHORT, /* the same, in fewer bytes than it has in the draft */
	EBPF_JIT_FIX_SLOT,	/* to a slot, from anywhere */
	EBPF_JIT_FIX_FAR,	/* a call of a host address that is not near */
	/* these have host addresses in the code */
	EBPF_JIT_FIX_NEAR,	/* to one that is near */
	EBPF_JIT_FIX_ADDR,	/* one by itself */
	EBPF_JIT_FIX_TAIL,	/* a jump that changes: image->tails, one by one */
};

struct ebpf_jit_fix {
	uint32_t at;	 /* the end of what is noted, in the draft */
	uint32_t before; /* for backends: bytes that will be gone up to here */
	uint8_t kind;
	uint8_t len;	 /* JUMP, SHORT: what short ones save; ADDR: bytes */
	uint64_t to;	 /* NEAR, FAR: the address; others: the slot, and in
			    the upper half how far behind its start */
};

struct ebpf_jit_draft {
	uint64_t run; /* where code is expected to be; 0: nothing is known */
	uint8_t *code;
	size_t room;
	uint32_t len;
	struct ebpf_jit_fix *fixes; /* ascending */
	uint32_t fix_count, fix_room;
	uint32_t addr_count; /* NEAR, ADDR and TAIL */
};

/*
 * Code as it runs at address run into write[image->code_len], and image's
 * addrs (which have room) and tails' offs. False: what is near or far was not
 * foreseen; with `last`, only what was near is not.
 */
bool ebpf_jit_settle(const struct ebpf_jit_ops *ops,
		     const struct ebpf_jit_draft *draft,
		     struct ebpf_jit_image *image, uint8_t *write,
		     uint64_t run, bool last);

/* Room for more; false: there is no memory. */
bool ebpf_jit_draft_grow(struct ebpf_jit_draft *draft, size_t room);
bool ebpf_jit_draft_grow_fixes(struct ebpf_jit_draft *draft);

void ebpf_jit_draft_free(struct ebpf_jit_draft *draft);

#endif
