/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bridge_code.h. */
#include "bridge_code.h"

#include <string.h>

static void
emit(struct bridge_code *c, uint8_t op, uint8_t dst, uint8_t src, int16_t off,
     int32_t imm)
{
	c->insns[c->count++] = (struct ebpf_insn){
		op, (uint8_t)(dst | src << 4), off, imm
	};
}

static void
emit_call(struct bridge_code *c, int32_t helper, int32_t key_off)
{
	emit(c, 0xbf, 2, 10, 0, 0);
	emit(c, 0x07, 2, 0, 0, key_off);
	if (helper == 2) {
		emit(c, 0xbf, 3, 10, 0, 0);
		emit(c, 0x07, 3, 0, 0, -24);
		emit(c, 0xb7, 4, 0, 0, 0);
	}
	c->map_at[c->map_count++] = c->count;
	emit(c, 0x18, 1, 0, 0, 0);
	emit(c, 0, 0, 0, 0, 0);
	emit(c, 0x85, 0, 0, 0, helper);
}

void
bridge_code_learn(struct bridge_code *c, int ifindex)
{
	uint32_t out, known;

	memset(c, 0, sizeof(*c));
	emit(c, 0x61, 6, 1, 0, 0); /* data */
	emit(c, 0x61, 7, 1, 4, 0); /* data_end */
	emit(c, 0xbf, 1, 6, 0, 0);
	emit(c, 0x07, 1, 0, 0, 14);
	out = c->count;
	emit(c, 0x2d, 1, 7, 0, 0);
	emit(c, 0x7a, 10, 0, -8, 0);
	emit(c, 0x7a, 10, 0, -16, 0);
	emit(c, 0x7a, 10, 0, -24, 7);
	for (int16_t at = 0; at < 6; at += 2) {
		emit(c, 0x69, 1, 6, (int16_t)(6 + at), 0);
		emit(c, 0x6b, 10, 1, (int16_t)(-8 + at), 0);
		emit(c, 0x69, 1, 6, at, 0);
		emit(c, 0x6b, 10, 1, (int16_t)(-16 + at), 0);
	}
	emit_call(c, 1, -8);
	known = c->count;
	emit(c, 0x55, 0, 0, 0, 0);
	emit_call(c, 2, -8);
	c->insns[known].off = (int16_t)(c->count - known - 1);
	emit_call(c, 1, -16);
	emit(c, 0x15, 0, 0, ifindex ? 4 : 2, 0);
	if (ifindex) {
		emit(c, 0xb7, 1, 0, 0, ifindex);
		emit(c, 0xb7, 2, 0, 0, 0);
		emit(c, 0x85, 0, 0, 0, 23);
		emit(c, 0x95, 0, 0, 0, 0);
	} else {
		emit(c, 0xb7, 0, 0, 0, 2);
		emit(c, 0x95, 0, 0, 0, 0);
	}
	c->insns[out].off = (int16_t)(c->count - out - 1);
	emit(c, 0xb7, 0, 0, 0, 1);
	emit(c, 0x95, 0, 0, 0, 0);
}

void
bridge_code_pass(struct bridge_code *c)
{
	memset(c, 0, sizeof(*c));
	emit(c, 0xb7, 0, 0, 0, 2);
	emit(c, 0x95, 0, 0, 0, 0);
}

void
bridge_code_count(struct bridge_code *c)
{
	memset(c, 0, sizeof(*c));
	emit(c, 0x62, 10, 0, -4, 0);
	emit_call(c, 1, -4);
	emit(c, 0x15, 0, 0, 2, 0);
	emit(c, 0xb7, 1, 0, 0, 1);
	emit(c, 0xdb, 0, 1, 0, 0);
	emit(c, 0xb7, 0, 0, 0, 1);
	emit(c, 0x95, 0, 0, 0, 0);
}

void
bridge_code_map(struct bridge_code *c, uint8_t kind, int32_t map)
{
	for (uint32_t i = 0; i < c->map_count; i++) {
		c->insns[c->map_at[i]].regs = (uint8_t)(1 | kind << 4);
		c->insns[c->map_at[i]].imm = map;
	}
}
