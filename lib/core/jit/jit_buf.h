/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Code under construction: a byte buffer that can also only count, and the
 * list of host addresses in it. Knows no architecture. For the backends.
 */
#ifndef CORE_JIT_JIT_BUF_H
#define CORE_JIT_JIT_BUF_H

#include "core/jit/jit.h"

struct ebpf_jit_buf {
	uint8_t *write; /* NULL: only len counts */
	size_t room;
	uint32_t len;
	uint32_t full;	/* something did not fit */
	bool unlisted;	/* nobody asks where host addresses are */
	uint64_t run;	/* address at which write[0] will run; 0: unknown */
	struct ebpf_jit_addr *addrs;
	uint32_t addr_count;
	uint32_t addr_room;
};

/* Append the low len bytes (up to 8) of bytes, lowest first. */
static inline void
ebpf_jit_put(struct ebpf_jit_buf *buf, uint64_t bytes, uint32_t len)
{
	if (buf->write != NULL) {
		uint8_t *at = buf->write + buf->len;
		size_t room = buf->room - buf->len;

		if (room < len) {
			buf->full = 1;
			return;
		}
		if (room >= 8) {
			/* one store; what comes next covers the rest */
			at[0] = (uint8_t)bytes;
			at[1] = (uint8_t)(bytes >> 8);
			at[2] = (uint8_t)(bytes >> 16);
			at[3] = (uint8_t)(bytes >> 24);
			at[4] = (uint8_t)(bytes >> 32);
			at[5] = (uint8_t)(bytes >> 40);
			at[6] = (uint8_t)(bytes >> 48);
			at[7] = (uint8_t)(bytes >> 56);
		} else {
			for (uint32_t i = 0; i < len; i++, bytes >>= 8)
				at[i] = (uint8_t)bytes;
		}
	}
	buf->len += len;
}

/* The len bytes at off are (part of) a host address. */
static inline void
ebpf_jit_put_addr(struct ebpf_jit_buf *buf, uint32_t off, uint32_t len)
{
	if (buf->write != NULL && !buf->unlisted) {
		if (buf->addr_count >= buf->addr_room) {
			buf->full = 1;
			return;
		}
		buf->addrs[buf->addr_count].off = off;
		buf->addrs[buf->addr_count].len = len;
	}
	buf->addr_count++;
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
