/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The longer parts of the arm64 encoder: constants, immediates that may or may
 * not fit, memory operands. Used by arm64*.c.
 */
#include "core/jit/arm64_enc.h"

void
arm64_const(struct arm64 *a, uint32_t rd, uint64_t value)
{
	uint32_t zeroes = 0, ones = 0;
	bool first = true;
	uint64_t fill;

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t part = value >> 16 * i & 0xffff;

		zeroes += part == 0;
		ones += part == 0xffff;
	}
	fill = ones > zeroes ? 0xffff : 0;
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t part = value >> 16 * i & 0xffff, op = A_MOVK;

		if (part == fill && !(first && i == 3))
			continue;
		if (first) {
			op = fill ? A_MOVN : A_MOVZ;
			part = fill ? ~part & 0xffff : part;
			first = false;
		}
		arm64_put(a, op | A_X | i << 21 | part << 5 | rd);
	}
}

void
arm64_address(struct arm64 *a, uint32_t rd, const void *address)
{
	uint64_t value = (uint64_t)(uintptr_t)address;

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t part = value >> 16 * i & 0xffff;

		arm64_put(a, (i == 0 ? A_MOVZ : A_MOVK) | A_X | i << 21 |
				     part << 5 | rd);
	}
	ebpf_jit_note(&a->gen.buf, EBPF_JIT_FIX_ADDR, 16, 0);
}

/* 12 bits, or 12 bits shifted by 12: the field, or 0xffffffff. */
static uint32_t
imm12(uint64_t imm)
{
	if (imm < 0x1000)
		return (uint32_t)imm << 10;
	if (imm < 0x1000000 && (imm & 0xfff) == 0)
		return 1u << 22 | (uint32_t)(imm >> 12) << 10;
	return ~0u;
}

void
arm64_add_imm(struct arm64 *a, uint32_t width, uint32_t rd, uint32_t rn,
	      int64_t imm)
{
	uint64_t size = imm < 0 ? 0 - (uint64_t)imm : (uint64_t)imm;
	uint32_t field = imm12(size);

	if (field != ~0u) {
		arm64_put(a, (imm < 0 ? A_SUB_IMM : A_ADD_IMM) | width | field |
				     rn << 5 | rd);
		return;
	}
	arm64_const(a, A_T3, (uint64_t)imm);
	arm64_rrr(a, A_ADD | width, rd, rn, A_T3);
}

void
arm64_cmp_imm(struct arm64 *a, uint32_t width, uint32_t rn, int64_t imm)
{
	uint64_t size = imm < 0 ? 0 - (uint64_t)imm : (uint64_t)imm;
	uint32_t field = imm12(size);

	if (field != ~0u) {
		arm64_put(a, (imm < 0 ? A_ADDS_IMM : A_SUBS_IMM) | width |
				     field | rn << 5 | A_ZR);
		return;
	}
	arm64_const(a, A_T3, (uint64_t)imm);
	arm64_rrr(a, A_SUBS | width, A_ZR, rn, A_T3);
}

/*
 * The N:immr:imms field of a logical immediate: a run of ones, rotated, and
 * repeated every 2, 4, ... 64 bits. 0xffffffff: there is none.
 */
static uint32_t
logic_field(uint64_t imm, bool wide)
{
	uint32_t size = wide ? 64 : 32, ones, rotate;
	uint64_t mask, part;

	if (!wide)
		imm = (uint32_t)imm | imm << 32;
	if (imm == 0 || imm == ~0ull)
		return ~0u;
	for (size = 64; size > 2; size /= 2) {
		mask = (1ull << size / 2) - 1;
		if ((imm & mask) != (imm >> size / 2 & mask))
			break;
	}
	mask = ~0ull >> (64 - size);
	part = imm & mask;
	/* turn it until the run of ones starts at bit 0 */
	for (rotate = 0; rotate < size; rotate++) {
		if ((part & 1) && !(part >> (size - 1) & 1))
			break;
		part = (part >> 1 | part << (size - 1)) & mask;
	}
	if (rotate == size || (part & (part + 1)) != 0)
		return ~0u;
	ones = 64 - (uint32_t)__builtin_clzll(part);
	return (size == 64 ? 1u << 22 : 0) | ((size - rotate) & (size - 1)) << 16 |
	       (((0u - size) << 1 & 0x3f) | (ones - 1)) << 10;
}

void
arm64_logic_imm(struct arm64 *a, uint32_t op, uint32_t width, uint32_t rd,
		uint32_t rn, uint64_t imm)
{
	uint32_t field = logic_field(imm, width != 0);

	if (field != ~0u) {
		arm64_put(a, op | width | field | rn << 5 | rd);
		return;
	}
	arm64_const(a, A_T3, width ? imm : (uint32_t)imm);
	/* 0x12.. -> 0x0a.. and so on: the register form */
	arm64_rrr(a, (op & 0x60000000) | A_AND | width, rd, rn, A_T3);
}

void
arm64_bitfield(struct arm64 *a, uint32_t op, uint32_t width, uint32_t rd,
	       uint32_t rn, uint32_t immr, uint32_t imms)
{
	arm64_put(a, op | width | (width ? 1u << 22 : 0) | immr << 16 |
			     imms << 10 | rn << 5 | rd);
}

void
arm64_access(struct arm64 *a, uint32_t op, uint32_t bits, uint32_t rt,
	     uint32_t rn, int32_t off)
{
	uint32_t log = bits == 64 ? 3 : bits == 32 ? 2 : bits == 16 ? 1 : 0;

	op |= log << 30;
	if (off >= 0 && off < 4096 << log && (off & ((1 << log) - 1)) == 0) {
		arm64_put(a, op | (uint32_t)off >> log << 10 | rn << 5 | rt);
	} else if (off >= -256 && off < 256) {
		arm64_put(a, (op & ~0x01000000u) | ((uint32_t)off & 0x1ff) << 12 |
				     rn << 5 | rt);
	} else {
		arm64_const(a, A_T3, (uint64_t)(int64_t)off);
		arm64_put(a, (op & ~0x01000000u) | 0x00206800 | A_T3 << 16 |
				     rn << 5 | rt);
	}
}

uint32_t
arm64_skip(struct arm64 *a, uint32_t word)
{
	arm64_put(a, word);
	return a->gen.buf.len - 4;
}

void
arm64_land(struct arm64 *a, uint32_t at)
{
	uint32_t words = (a->gen.buf.len - at) / 4;
	uint8_t *p = a->gen.buf.write + at;

	if (a->gen.buf.write == NULL || a->gen.buf.full)
		return;
	if ((p[3] & 0x7c) == A_B >> 24) {
		p[0] = (uint8_t)words;
		p[1] = (uint8_t)(words >> 8);
	} else { /* 19 bits from bit 5; words are few */
		p[0] |= (uint8_t)(words << 5);
		p[1] = (uint8_t)(words >> 3);
	}
}

void
arm64_back(struct arm64 *a, uint32_t word, uint32_t to)
{
	int32_t words = ((int32_t)to - (int32_t)a->gen.buf.len) / 4;

	arm64_put(a, word | ((uint32_t)words & 0x7ffff) << 5);
}
