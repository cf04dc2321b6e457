/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs of type XDP, as instructions, that this engine and Linux run alike:
 * for benches in a guest, where there is no compiler.
 */
#ifndef BRIDGE_CODE_H
#define BRIDGE_CODE_H

#include <stdint.h>

#include "abi/insn.h"

enum { BRIDGE_CODE_MAX = 80 };

struct bridge_code {
	struct ebpf_insn insns[BRIDGE_CODE_MAX];
	uint32_t count;
	uint32_t map_at[4], map_count; /* loads of the one map's address */
};

/* Does nothing and passes. */
void bridge_code_pass(struct bridge_code *code);
/*
 * A learning bridge: addresses in a hash (keys of 8 bytes), the source written
 * when it is new, the destination looked up. Then: pass, or redirect to that
 * interface where it is not 0.
 */
void bridge_code_learn(struct bridge_code *code, int ifindex);
/* Counts in an array of 64-bit numbers, and drops. */
void bridge_code_count(struct bridge_code *code);

/* Say which map: the source register's kind and the number. */
void bridge_code_map(struct bridge_code *code, uint8_t kind, int32_t map);

#endif
