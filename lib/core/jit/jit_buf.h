/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Code under construction: a draft (jit_draft.h), bytes for good at a place
 * that is known, or no bytes but their number. Knows no architecture. For the
 * backends.
 */
#ifndef CORE_JIT_JIT_BUF_H
#define CORE_JIT_JIT_BUF_H

#include "core/jit/jit_draft.h"

struct ebpf_jit_buf {
	uint8_t *write; /* NULL: only len counts */
	size_t room;	/* of it; 0 where there is none */
	uint32_t len;
	bool full;    /* something did not fit */
	uint64_t run; /* address at which write[0] will run; 0: unknown */
	struct ebpf_jit_draft *draft; /* NULL: nothing needs to be noted */
};

/* The same as put, where less than 8 bytes are left. */
void ebpf_jit_put_last(struct ebpf_jit_buf *buf, uint64_t bytes, uint32_t len);

/* Append the low len bytes (up to 8) of bytes, lowest first. */
static inline void
ebpf_jit_put(struct ebpf_jit_buf *buf, uint64_t bytes, uint32_t len)
{
	uint8_t *at = buf->write + buf->len;

	if (os_unlikely((uint64_t)buf->len + 8 > buf->room)) {
		ebpf_jit_put_last(buf, bytes, len);
		return;
	}
	/* one store; what comes next covers the rest */
	at[0] = (uint8_t)bytes;
	at[1] = (uint8_t)(bytes >> 8);
	at[2] = (uint8_t)(bytes >> 16);
	at[3] = (uint8_t)(bytes >> 24);
	at[4] = (uint8_t)(bytes >> 32);
	at[5] = (uint8_t)(bytes >> 40);
	at[6] = (uint8_t)(bytes >> 48);
	at[7] = (uint8_t)(bytes >> 56);
	buf->len += len;
}

/* What ends here depends on places; see jit_draft.h. */
static inline void
ebpf_jit_note(struct ebpf_jit_buf *buf, enum ebpf_jit_fix_kind kind,
	      uint32_t len, uint64_t to)
{
	struct ebpf_jit_draft *draft = buf->draft;
	struct ebpf_jit_fix *fix;

	if (draft == NULL)
		return;
	if (os_unlikely(draft->fix_count == draft->fix_room) &&
	    !ebpf_jit_draft_grow_fixes(draft)) {
		buf->full = true;
		return;
	}
	fix = &draft->fixes[draft->fix_count++];
	fix->at = buf->len;
	fix->kind = (uint8_t)kind;
	fix->len = (uint8_t)len;
	fix->to = to;
	draft->addr_count += kind >= EBPF_JIT_FIX_NEAR;
}

/* Processor features that backends ask for; jit.c finds them out. */
enum ebpf_jit_feature {
	EBPF_JIT_ASKED = 1u << 0, /* always */
	EBPF_JIT_X86_BMI2 = 1u << 1,
};
uint32_t ebpf_jit_features(void);

/* For tests: the features not in mask are taken as missing. */
void ebpf_jit_features_mask(uint32_t mask);
/* The same: where the next code is expected; 0: nothing is known. */
void ebpf_jit_place(uint64_t place);

/* jit_calls.c: called by generated code of any backend. */

struct ebpf_jit_run;

/* The function behind a helper number of a callx, NULL if there is none. */
ebpf_helper_fn *ebpf_jit_callx_find(const struct ebpf_prog *prog,
				    uint64_t number);

/* LD_ABS and LD_IND: what the packet has there, or ~0 when it ends before. */
uint64_t ebpf_jit_load_packet(const struct ebpf_prog *prog,
			      const struct ebpf_jit_run *run, uint32_t off,
			      uint32_t bytes);

#endif
