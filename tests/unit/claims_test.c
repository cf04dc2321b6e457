/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The claims oracle: random programs near the border of what is accepted are
 * verified, and those accepted are run by a checked interpreter of this file.
 * At every instruction there must be a state the verifier looked at that has
 * every concrete register whose number matters, every stack slot that this run
 * will read again, the tied length, and equal numbers where it says that two
 * places hold the same one; and every access must be inside live memory, which
 * moves away when a helper moves the packet. Half of the paths that a program
 * can take are provoked by interesting data.
 *
 * Then the same programs are verified in a hardened runtime and run as a
 * processor might that mispredicts branches and lets loads overtake stores:
 * until it comes to a fence, no access may be outside memory either.
 *
 *	claims_test [PROGRAMS [SEED]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/decode.h"
#include "core/verifier/verify.h"
#include "tap.h"

enum {
	INSNS = 400,
	CLAIMS = 20000,
	STEPS = 5000,
	AREA = 64, /* bytes of memory, packet and value */
	META = 16, /* most bytes of metadata before a packet */
	RUNS = 6,
};

static uint64_t seed = 1;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL;
}

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(rnd() >> 33) % n;
}

static uint64_t
interesting(void)
{
	uint64_t v = rnd();

	switch (below(9)) {
	case 0:
		return v;
	case 1:
		return v >> below(64);
	case 2:
		return 0 - (v >> below(64));
	case 3:
		return (1ULL << below(64)) + (v & 3) - 1;
	case 4:
		return (uint64_t)(int64_t)(int32_t)v;
	case 5:
		return (uint32_t)v;
	case 6:
		return (v & 3) - 1;
	default:
		return v & 63;
	}
}

/* ---- programs ---- */

enum shape {
	FIXED, /* raw, AREA bytes */
	TIED,  /* raw, a length */
	PACKET,
	SHAPES,
};

/* Places on the entry's stack that are kept for the whole run. */
enum {
	SAVED_CTX = -80,
	SAVED_LEN = -88,
	SAVED_PTR = -96,
};

static enum shape shape;
/* Most bounds are right: such programs get far, and are often accepted. */
static bool careful;

static struct ebpf_insn code[INSNS];
static uint32_t count;
static uint32_t leaves[INSNS]; /* jumps to the exit, patched at the end */
static uint32_t leave_count;
static uint32_t calls[8], call_count;
static bool in_function;
static bool is_callback; /* and must return 0 or 1 */

static void
emit(uint8_t op, uint32_t dst, uint32_t src, int16_t off, int32_t imm)
{
	struct ebpf_insn insn = {op, (uint8_t)(src << 4 | dst), off, imm};

	if (count < INSNS)
		code[count++] = insn;
}

/* Numbers live in these; r6 memory, r7 value, r1 temporary. */
static uint32_t
number_reg(void)
{
	static const uint8_t regs[] = {0, 2, 3, 4, 5, 8, 9};

	return regs[below(sizeof(regs))];
}

static int32_t
small_imm(void)
{
	switch (below(6)) {
	case 0:
		return (int32_t)interesting();
	case 1:
		return -(int32_t)below(70);
	case 2:
		return (int32_t)((1u << below(8)) - 1);
	default:
		return (int32_t)below(70);
	}
}

static void
gen_alu(void)
{
	static const uint8_t ops[] = {0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
				      0x70, 0x90, 0xa0, 0xb0, 0xc0, 0x50, 0x50};
	uint8_t op = ops[below(sizeof(ops))], class = below(2) ? 7 : 4;
	uint32_t dst = number_reg(), src = number_reg();
	int16_t off = 0;

	if ((op == 0x30 || op == 0x90) && below(3) == 0)
		off = 1; /* signed */
	if (below(12) == 0) {
		emit(class | 0x80, dst, 0, 0, 0);
	} else if (below(14) == 0) {
		emit(below(2) ? 0xd7 : below(2) ? 0xdc : 0xd4, dst, 0, 0,
		     16 << below(3));
	} else if (op == 0xb0 && below(2)) {
		static const int16_t widths[] = {8, 16, 32};

		emit(class | 0xb8, dst, src, 0,	0);
		code[count - 1].off = widths[below(class == 7 ? 3 : 2)];
	} else if (below(2)) {
		emit(class | op | 8, dst, src, off, 0);
	} else if (op == 0x60 || op == 0x70 || op == 0xc0) {
		emit(class | op, dst, 0, 0,
		     (int32_t)below(class == 7 ? 64 : 32));
	} else {
		emit(class | op, dst, 0, off, small_imm());
		if ((op == 0x30 || op == 0x90) && code[count - 1].imm == 0)
			code[count - 1].imm = 3;
	}
}

static uint8_t
jump_code(void)
{
	static const uint8_t ops[] = {0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
				      0x70, 0xa0, 0xb0, 0xc0, 0xd0};

	return (uint8_t)(ops[below(sizeof(ops))] | (below(3) ? 5 : 6));
}

static void gen_block(uint32_t depth, uint32_t n);
static void gen_reload(void);

static void
gen_branch(uint32_t depth)
{
	uint32_t at = count, other;
	uint8_t op = jump_code();

	if (below(2))
		emit(op, number_reg(), 0, 0, small_imm());
	else
		emit(op | 8, number_reg(), number_reg(), 0, 0);
	if (below(3) == 0) {
		leaves[leave_count++] = at;
		return;
	}
	gen_block(depth + 1, 1 + below(3));
	if (below(2)) {
		other = count;
		emit(0x05, 0, 0, 0, 0);
		code[at].off = (int16_t)(count - at - 1);
		gen_block(depth + 1, 1 + below(3));
		code[other].off = (int16_t)(count - other - 1);
	} else {
		code[at].off = (int16_t)(count - at - 1);
	}
}

/* Make a number an index, often rightly bounded. */
static void
gen_bound(uint32_t reg)
{
	uint32_t most = careful ? 30 : 72;

	switch (below(careful ? 6 : 7)) {
	case 0:
	case 1:
		emit(below(2) ? 0x57 : 0x54, reg, 0, 0,
		     (int32_t)((1u << below(careful ? 6 : 7)) - 1));
		break;
	case 2:
		leaves[leave_count++] = count;
		emit(0x25, reg, 0, 0, (int32_t)below(most));
		break;
	case 3:
		leaves[leave_count++] = count;
		emit(0x65, reg, 0, 0, (int32_t)below(most));
		leaves[leave_count++] = count;
		emit(0xc5, reg, 0, 0,
		     careful || below(4) ? 0 : -(int32_t)below(9));
		break;
	case 4:
		leaves[leave_count++] = count;
		emit(0x26, reg, 0, 0, (int32_t)below(most));
		if (careful || below(2))
			emit(0xbc, reg, reg, 0, 0);
		break;
	case 5:
		emit(0x97, reg, 0, 0, 1 + (int32_t)below(most));
		break;
	default:
		break;
	}
}

static void
gen_access(void)
{
	static const uint8_t sizes[] = {0x10, 0x08, 0x00, 0x18};
	static const uint8_t bytes[] = {1, 2, 4, 8};
	uint32_t size = below(4), reg = number_reg(), where = below(4);
	int16_t off = (int16_t)below(12);
	bool exact = careful && below(16);

	if (exact && where == 0 && (in_function || shape != FIXED))
		where = 1;
	if (exact || below(3))
		gen_bound(reg);
	if (exact && where == 3) {
		/* 32 bytes, all of them written */
		emit(0x57, reg, 0, 0, 15);
		off = (int16_t)below(9);
	}
	if (where == 3) {
		emit(0xbf, 1, 10, 0, 0);
		emit(0x07, 1, 0, 0, -32);
	} else {
		emit(0xbf, 1, where == 0 ? 6 : 7, 0, 0);
	}
	if (below(5))
		emit(exact || below(8) ? 0x0f : 0x1f, 1, reg, 0, 0);
	else if (where == 3)
		off = (int16_t)(off / bytes[size] * bytes[size]);
	if (!exact && below(6) == 0)
		emit(0x07, 1, 0, 0, (int32_t)below(20) - 10);
	if (below(3))
		emit((uint8_t)(0x61 | sizes[size]), number_reg(), 1, off, 0);
	else if (below(2))
		emit((uint8_t)(0x63 | sizes[size]), 1, number_reg(), off, 0);
	else
		emit((uint8_t)(0x62 | sizes[size]), 1, 0, off, small_imm());
}

static void
gen_spill(void)
{
	static const uint8_t sizes[] = {0x10, 0x08, 0x00, 0x18};
	static const uint8_t bytes[] = {1, 2, 4, 8};
	uint32_t size = below(3) ? 3 : below(4);
	int16_t off = (int16_t)(-8 * (int)(1 + below(4)));

	if (below(3) == 0)
		off = (int16_t)(off + (int)(below(8) / bytes[size] *
					    bytes[size]));
	if (below(2))
		emit((uint8_t)(0x63 | sizes[size]), 10, number_reg(), off, 0);
	else
		emit((uint8_t)(0x61 | sizes[size]), number_reg(), 10, off, 0);
}

static void
gen_loop(uint32_t depth)
{
	uint32_t top, reg = number_reg();

	/* the counter lives on the stack, so the body may use any register */
	emit(0x7a, 10, 0, -40 - 8 * (int16_t)depth, 0);
	top = count;
	gen_block(depth + 2, 1 + below(4));
	emit(0x79, reg, 10, -40 - 8 * (int16_t)depth, 0);
	emit(0x07, reg, 0, 0, 1);
	emit(0x7b, 10, reg, -40 - 8 * (int16_t)depth, 0);
	emit(0xa5, reg, 0, 0, 1 + (int32_t)below(6));
	code[count - 1].off = (int16_t)((int)top - (int)count);
}

/* A function that bpf_loop calls, which gets this one's stack. */
static void
gen_callback(void)
{
	uint32_t reg = number_reg();

	if (call_count == (in_function ? 6 : 4))
		return;
	switch (below(5)) {
	case 0:
		emit(0xbf, 1, reg, 0, 0);
		break;
	case 1:
		emit(0xb7, 1, 0, 0, 5000 + (int32_t)below(9000000));
		break;
	default:
		emit(0xb7, 1, 0, 0, (int32_t)below(12));
		break;
	}
	calls[call_count++] = count;
	emit(0x18, 2, 4, 0, 0);
	emit(0, 0, 0, 0, 0);
	emit(0xbf, 3, 10, 0, 0);
	emit(0xb7, 4, 0, 0, below(12) == 0);
	emit(0x85, 0, 0, 0, EBPF_FUNC_loop);
	emit(0x79, 2, 10, -8, 0);
	emit(0x79, 3, 10, -16, 0);
	emit(0x71, 4, 7, (int16_t)below(AREA), 0);
	emit(0xb7, 5, 0, 0, small_imm());
}

static void
gen_call(void)
{
	uint32_t reg = number_reg();

	if (in_function || call_count == 4) {
		/* a random number */
		emit(0x7b, 10, reg, -8, 0);
		emit(0x85, 0, 0, 0, EBPF_FUNC_get_prandom_u32);
	} else {
		emit(0xbf, 1, reg, 0, 0);
		emit(0xbf, 2, number_reg(), 0, 0);
		emit(0xbf, 3, 7, 0, 0);
		emit(0xbf, 4, 10, 0, 0);
		calls[call_count++] = count;
		emit(0x85, 0, 1, 0, 0);
	}
	if (shape == PACKET && !in_function && below(2)) {
		emit(0x7b, 10, 0, -16, 0);
		gen_reload();
		emit(0x79, 0, 10, -16, 0);
	}
	/* r2..r5 were lost */
	emit(0x79, 2, 10, -8, 0);
	emit(0xbf, 3, 0, 0, 0);
	emit(0x71, 4, 7, (int16_t)below(AREA), 0);
	emit(0xb7, 5, 0, 0, small_imm());
}

static void
gen_atomic(void)
{
	static const int32_t ops[] = {0x00, 0x01, 0x40, 0x41, 0x50,
				      0x51, 0xa0, 0xa1, 0xe1, 0xf1};
	bool wide = below(2);

	emit(wide ? 0xdb : 0xc3, below(2) ? 10 : 7, number_reg(), 0,
	     ops[below(10)]);
	code[count - 1].off = (code[count - 1].regs & 15) == 10 ?
				      (int16_t)(-8 * (int)(1 + below(4))) :
				      (int16_t)(8 * below(7));
}

static void
gen_copy(void)
{
	uint32_t a = number_reg(), b = number_reg();

	emit(0xbf, a, b, 0, 0);
	if (below(2))
		emit(below(2) ? 0x07 : 0x04, a, 0, 0, (int32_t)below(20) - 10);
	gen_bound(below(2) ? a : b);
}

/* The packet's address and end again, and how much of it is there. */
static void
gen_reload(void)
{
	uint32_t room = below(40);

	emit(0x79, 2, 10, SAVED_CTX, 0);
	emit(0x61, 6, 2, 0, 0);
	emit(0x61, 3, 2, 4, 0);
	emit(0xbf, 2, 6, 0, 0);
	emit(0x07, 2, 0, 0, (int32_t)room);
	leaves[leave_count++] = count;
	emit(below(4) ? 0x2d : 0x3d, 2, 3, 0, 0);
	if (room >= 8)
		emit(0x79, 2, 6, (int16_t)below(room - 7), 0);
	else
		emit(0xb7, 2, 0, 0, small_imm());
	emit(0xb7, 3, 0, 0, small_imm());
}

/* A helper moves the packet, in a subprogram with its caller's context. */
static void
gen_adjust(void)
{
	static const uint8_t helpers[] = {EBPF_FUNC_xdp_adjust_head,
					  EBPF_FUNC_xdp_adjust_tail,
					  EBPF_FUNC_xdp_adjust_meta};

	if (in_function) {
		emit(0x79, 1, 10, SAVED_PTR, 0);
		emit(0x79, 1, 1, SAVED_CTX, 0);
	} else {
		emit(0x79, 1, 10, SAVED_CTX, 0);
	}
	emit(0xb7, 2, 0, 0, small_imm());
	emit(0x85, 0, 0, 0, helpers[below(3)]);
	if (!in_function && (careful || below(4)))
		gen_reload();
	else
		emit(0xb7, 2, 0, 0, small_imm());
	emit(0xb7, 3, 0, 0, small_imm());
	emit(0xbf, 4, 0, 0, 0);
	emit(0xb7, 5, 0, 0, small_imm());
}

/* Metadata is there up to the packet. */
static void
gen_meta(void)
{
	static const uint8_t sizes[] = {0x10, 0x08, 0x00, 0x18};
	uint32_t reg = number_reg(), other = number_reg();
	int32_t room = (int32_t)below(12);

	if (reg == other)
		return;
	emit(0x79, other, 10, SAVED_CTX, 0);
	emit(0x61, reg, other, 8, 0);
	emit(0x61, other, other, 0, 0);
	emit(0xbf, 1, reg, 0, 0);
	emit(0x07, 1, 0, 0, room);
	leaves[leave_count++] = count;
	emit(below(2) ? 0x2d : 0x3d, 1, other, 0, 0);
	emit((uint8_t)(0x61 | sizes[below(4)]), other, 1,
	     (int16_t)((int)below(3) - room), 0);
	emit(0xbf, reg, other, 0, 0);
}

/* A number as offset, compared with the end or the length, then used. */
static void
gen_proof(void)
{
	static const uint8_t sizes[] = {0x10, 0x08, 0x00, 0x18};
	uint32_t reg = number_reg(), other = number_reg();
	int32_t room = (int32_t)below(10);

	if (in_function || shape == FIXED || reg == other)
		return;
	if (shape == PACKET && below(5) == 0) {
		gen_meta();
		return;
	}
	if (careful || below(4))
		gen_bound(reg);
	emit(0xbf, 1, shape == PACKET || below(2) ? 6 : reg, 0, 0);
	if (shape == PACKET) {
		emit(0x79, other, 10, SAVED_CTX, 0);
		emit(0x61, other, other, 4, 0);
		emit(0x0f, 1, reg, 0, 0);
		emit(0x07, 1, 0, 0, room);
		leaves[leave_count++] = count;
		emit(below(2) ? 0x2d : 0x3d, 1, other, 0, 0);
		emit(0xb7, other, 0, 0, 0);
		if (below(8) == 0)
			emit(0x0f, 1, reg, 0, 0);
		if (careful && below(16) && room >= 1)
			emit(0x71, other, 1, (int16_t)-(1 + (int)below((uint32_t)room)), 0);
		else
			emit((uint8_t)(0x61 | sizes[below(4)]), other, 1,
			     (int16_t)((int)below(5) - room - (int)below(3)),
			     0);
		return;
	}
	emit(0xbf, 1, reg, 0, 0);
	emit(0x79, other, 10, SAVED_LEN, 0);
	if (below(2))
		emit(below(4) ? 0x07 : 0x04, 1, 0, 0, room);
	else
		emit(0x17, other, 0, 0, room);
	if (below(4) == 0) {
		leaves[leave_count++] = count;
		emit(0xa5, other, 0, 0, 4);
	}
	leaves[leave_count++] = count;
	switch (below(4)) {
	case 0:
		emit(0x3d, 1, other, 0, 0);
		break;
	case 1:
		emit(0xad, other, 1, 0, 0);
		break;
	case 2:
		emit(below(2) ? 0x6d : 0x2e, 1, other, 0, 0);
		break;
	default:
		emit(0x2d, 1, other, 0, 0);
		break;
	}
	emit(0xbf, 1, 6, 0, 0);
	emit(0x0f, 1, reg, 0, 0);
	if (careful && below(16))
		emit(0x71, other, 1, 0, 0);
	else
		emit((uint8_t)(0x61 | sizes[below(4)]), other, 1,
		     (int16_t)below(6), 0);
}

/* Pointers saved and loaded, and lookups that may give nothing. */
static void
gen_pointer(void)
{
	uint32_t reg = number_reg();

	switch (below(careful ? 16 : 4)) {
	case 0:
		emit(0x7b, 10, 6 + below(2), SAVED_PTR, 0);
		break;
	case 1:
		emit(0x79, 6 + below(2), 10, SAVED_PTR, 0);
		break;
	case 2:
		if (below(2))
			emit(0x0f, 6 + below(2), reg, 0, 0);
		else
			emit(0x07, 6 + below(2), 0, 0, (int32_t)below(20) - 8);
		break;
	default:
		emit(0x62, 10, 0, -4, 0);
		emit(0x18, 1, 5, 0, 0);
		emit(0, 0, 0, 0, 0);
		emit(0xbf, 2, 10, 0, 0);
		emit(0x07, 2, 0, 0, -4);
		emit(0x85, 0, 0, 0, EBPF_FUNC_map_lookup_elem);
		emit(0xbf, 7, 0, 0, 0);
		if (careful || below(6)) {
			leaves[leave_count++] = count;
			emit(0x15, below(2) ? 7 : 0, 0, 0, 0);
		}
		emit(0x7b, 10, 9, -8, 0);
		emit(0xb7, 0, 0, 0, small_imm());
		emit(0xb7, 2, 0, 0, small_imm());
		emit(0xb7, 3, 0, 0, small_imm());
		emit(0xb7, 4, 0, 0, small_imm());
		emit(0xbf, 5, 9, 0, 0);
		break;
	}
}

static void
gen_block(uint32_t depth, uint32_t n)
{
	while (n-- > 0 && count < INSNS - 120) {
		switch (below(20)) {
		case 19:
			if (shape == PACKET && below(3) == 0)
				gen_adjust();
			else
				gen_proof();
			break;
		case 16:
		case 17:
			gen_proof();
			break;
		case 18:
			gen_pointer();
			break;
		case 0:
		case 1:
		case 2:
		case 3:
			gen_alu();
			break;
		case 4:
		case 5:
			if (depth < 4)
				gen_branch(depth);
			break;
		case 6:
		case 7:
			gen_bound(number_reg());
			break;
		case 8:
		case 9:
		case 10:
			gen_access();
			break;
		case 11:
			gen_spill();
			break;
		case 12:
			gen_copy();
			break;
		case 13:
			if (depth < 2)
				gen_loop(depth);
			break;
		case 14:
			if (depth < 3 && below(3) == 0)
				gen_callback();
			else if (depth < 3)
				gen_call();
			break;
		default:
			gen_atomic();
			break;
		}
	}
}

static void
gen_numbers(void)
{
	static const uint8_t loads[] = {0x71, 0x69, 0x61, 0x79, 0x81, 0x89,
					0x91};
	static const uint8_t regs[] = {0, 2, 3, 4, 5, 8, 9};
	uint32_t i;

	for (i = 0; i < sizeof(regs); i++)
		if (below(5))
			emit(loads[below(7)], regs[i], 7,
			     (int16_t)(8 * below(8)), 0);
		else
			emit(0xb7, regs[i], 0, 0, small_imm());
	for (i = 1; i <= 4; i++)
		emit(0x7b, 10, regs[below(sizeof(regs))], (int16_t)(-8 * (int)i),
		     0);
}

static void
end_function(void)
{
	uint32_t i;

	emit(0xbf, 0, number_reg(), 0, 0);
	if (is_callback)
		emit(0x57, 0, 0, 0, 1);
	for (i = 0; i < leave_count; i++)
		code[leaves[i]].off = (int16_t)(count - leaves[i] - 1);
	leave_count = 0;
	emit(0xb7, 0, 0, 0, 1);
	if (in_function)
		code[count - 1] = (struct ebpf_insn){0xbf, 0x90, 0, 0};
	if (is_callback)
		emit(0x57, 0, 0, 0, 1);
	emit(0x95, 0, 0, 0, 0);
}

static void
generate(void)
{
	uint32_t i, functions;

	count = leave_count = call_count = 0;
	in_function = is_callback = false;
	emit(0xbf, 6, 1, 0, 0);
	emit(0x7b, 10, 1, SAVED_CTX, 0);
	emit(0x7b, 10, 1, SAVED_PTR, 0);
	if (shape == TIED) {
		emit(0xbf, 8, 2, 0, 0);
		emit(0x7b, 10, 2, SAVED_LEN, 0);
	}
	if (shape == PACKET) {
		emit(0x61, 6, 1, 0, 0);
		emit(0x61, 3, 1, 4, 0);
		emit(0xbf, 2, 6, 0, 0);
		emit(0x07, 2, 0, 0, (int32_t)below(40));
		leaves[leave_count++] = count;
		emit(below(4) ? 0x2d : 0x3d, 2, 3, 0, 0);
	}
	emit(0x18, 7, 6, 0, 0);
	emit(0, 0, 0, 0, 0);
	if (shape == TIED) {
		/* keep the length in r8 too */
		gen_numbers();
		for (i = 0; i < count; i++)
			if (code[i].regs == 0x78 && i > 3)
				code[i].regs = 0x79;
		for (i = 4; i < count; i++)
			if ((code[i].regs & 15) == 8)
				code[i].regs = (uint8_t)((code[i].regs & 0xf0) |
							 9);
		leaves[leave_count++] = count;
		emit(below(2) ? 0x2d : 0x3d, number_reg(), 8, 0, 0);
	} else {
		gen_numbers();
	}
	gen_block(0, 4 + below(14));
	end_function();
	in_function = true;
	functions = count;
	for (i = 0; i < call_count; i++) {
		is_callback = code[calls[i]].code == 0x18;
		if (i > 0 && code[calls[0]].code == code[calls[i]].code &&
		    calls[i] < functions && below(2)) {
			code[calls[i]].imm =
				code[calls[0]].imm + (int32_t)calls[0] -
				(int32_t)calls[i];
			continue;
		}
		code[calls[i]].imm = (int32_t)(count - calls[i] - 1);
		if (is_callback) {
			/* r1 a number, r2 the caller's stack */
			emit(0xbf, 4, 2, 0, 0);
			emit(0xbf, 2, 1, 0, 0);
			emit(0x18, 3, 6, 0, 0);
			emit(0, 0, 0, 0, 0);
		}
		/* r1, r2 numbers, r3 value, r4 the caller's stack */
		emit(0x7b, 10, 4, SAVED_PTR, 0);
		emit(0x79, 8, 4, -16, 0);
		emit(0x7b, 4, 2, -24, 0);
		emit(0xbf, 8, 1, 0, 0);
		emit(0xbf, 9, 2, 0, 0);
		emit(0xbf, 6, 3, 0, 0);
		emit(0xbf, 7, 3, 0, 0);
		gen_numbers();
		gen_block(1, 2 + below(5));
		end_function();
	}
}

/* ---- claims ---- */

enum {
	FRAMES = 3, /* the generator's deepest */
	SLOTS = 13, /* of a frame, that it uses */
};

struct slot_claim {
	uint8_t bytes[8], data[8];
	uint8_t spill_off[2], spill_size[2];
	struct ebpf_vreg reg[2];
};

struct claim {
	struct claim *next;
	uint32_t depth;
	uint32_t matter[FRAMES]; /* registers whose numbers matter */
	uint32_t slot_count[FRAMES];
	struct ebpf_num len;
	struct ebpf_vreg regs[FRAMES][EBPF_REG_FP];
	struct slot_claim slots[FRAMES][SLOTS];
};

static struct claim claims[CLAIMS];
static struct claim *claims_at[INSNS];
static uint32_t claim_count;
static bool claims_full;
static uint32_t matter_at[INSNS + 2]; /* the same for the top frame */

static void
claim_slots(struct claim *claim, uint32_t f, const struct ebpf_vframe *frame)
{
	uint32_t i;

	claim->slot_count[f] =
		frame->slot_count < SLOTS ? frame->slot_count : SLOTS;
	for (i = 0; i < claim->slot_count[f]; i++) {
		const struct ebpf_vslot *slot = &frame->slots[i];
		struct slot_claim *to = &claim->slots[f][i];

		memcpy(to->bytes, slot->bytes, sizeof(to->bytes));
		memcpy(to->data, slot->data, sizeof(to->data));
		memcpy(to->spill_off, slot->spill_off, sizeof(to->spill_off));
		memcpy(to->spill_size, slot->spill_size,
		       sizeof(to->spill_size));
		memcpy(to->reg, slot->reg, sizeof(to->reg));
	}
}

static void
watch(void *arg, const struct ebpf_venv *env)
{
	const struct ebpf_vstate *state = env->state;
	struct claim *claim;
	uint32_t f, i;

	if (env->processed == 1) {
		memset(claims_at, 0, sizeof(claims_at));
		claim_count = 0;
		claims_full = false;
		for (i = 0; i <= env->count; i++)
			matter_at[i] = env->live[i] >> 16;
	}
	if (claim_count == CLAIMS || state->depth > FRAMES) {
		claims_full = true;
		return;
	}
	claim = &claims[claim_count++];
	claim->depth = state->depth;
	claim->len = state->len;
	for (f = 0; f < state->depth; f++) {
		const struct ebpf_vframe *frame = &state->frames[f];

		/* a caller's: what is left after the call returns */
		claim->matter[f] =
			f + 1 == state->depth ?
				matter_at[env->insn] :
				matter_at[state->frames[f + 1].call_insn +
					  !state->frames[f + 1].callback] &
					0x3c0;
		memcpy(claim->regs[f], frame->regs, sizeof(claim->regs[f]));
		claim_slots(claim, f, frame);
	}
	claim->next = claims_at[env->insn];
	claims_at[env->insn] = claim;
}

/* ---- the checked interpreter ---- */

/* Made-up addresses, far apart. */
enum region_base {
	STACK_BASE = 0x10000000,
	MEM_BASE = 0x20000000,
	VALUE_BASE = 0x30000000,
	CTX_BASE = 0x40000000,
	FUNC_BASE = 0x50000000, /* of the first instruction */
};

struct machine {
	uint8_t stack[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	uint8_t mem[META + AREA], value[AREA];
	uint64_t base; /* address of memory or packet; moves with the packet */
	uint32_t mem_len, meta_len;
	uint64_t regs[EBPF_FRAME_MAX][EBPF_REG_COUNT];
	uint32_t back[EBPF_FRAME_MAX];
	uint32_t depth;
	/* what stack bytes held before stores that no fence has followed */
	uint8_t stale[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	bool is_stale[EBPF_FRAME_MAX][EBPF_STACK_MAX];
	bool gave_null; /* some lookup found nothing */
	struct { /* of a callback's frame */
		uint32_t start; /* slot, 0: it is none */
		uint32_t index, end;
		uint64_t ctx;
	} loops[EBPF_FRAME_MAX];
};

static struct machine m;

/* The real machine, while m is what a processor does ahead of it. */
static struct machine kept;
static uint32_t kept_pc, ahead; /* instructions that it still may go */
static bool speculate;
static const uint8_t *fences;
static unsigned long strayed;

static uint64_t
frame_top(uint32_t frame)
{
	return STACK_BASE + 0x10000ULL * (frame + 1);
}

static uint8_t *
memory(uint64_t addr, uint32_t size)
{
	uint32_t f;

	for (f = 0; f < m.depth; f++)
		if (addr >= frame_top(f) - EBPF_STACK_MAX &&
		    addr + size <= frame_top(f))
			return m.stack[f] + (addr - frame_top(f) +
					     EBPF_STACK_MAX);
	if (addr >= m.base - m.meta_len && addr + size <= m.base + m.mem_len)
		return m.mem + META + (addr - m.base);
	if (addr >= VALUE_BASE && addr + size <= VALUE_BASE + AREA)
		return m.value + (addr - VALUE_BASE);
	return NULL;
}

static bool
matches(const struct ebpf_vreg *reg, uint64_t v)
{
	uint64_t base = 0;

	switch ((enum ebpf_vtype)reg->type) {
	case EBPF_V_NONE:
	case EBPF_V_MAP:
	case EBPF_V_RECORD:
	case EBPF_V_SOCK:
	case EBPF_V_LOW:
	case EBPF_V_FUNC:
	case EBPF_V_KEY:
	case EBPF_V_GIVEN:
		return true;
	case EBPF_V_SCALAR:
		break;
	case EBPF_V_CTX:
		base = CTX_BASE;
		break;
	case EBPF_V_STACK:
		base = frame_top(reg->frame);
		break;
	case EBPF_V_PKT:
	case EBPF_V_MEM:
		base = m.base;
		break;
	case EBPF_V_PKT_META:
		base = m.base - m.meta_len;
		break;
	case EBPF_V_PKT_END:
		base = m.base + m.mem_len;
		break;
	case EBPF_V_VALUE:
		if (reg->maybe_null && v == 0)
			return true;
		base = VALUE_BASE;
		break;
	}
	if (reg->type != EBPF_V_SCALAR)
		base += (uint64_t)(int64_t)reg->off;
	/* what the pointer or number is proven to allow */
	if ((reg->type == EBPF_V_PKT || reg->type == EBPF_V_MEM ||
	     reg->type == EBPF_V_PKT_META) &&
	    reg->range &&
	    v - (uint64_t)(int64_t)reg->off + reg->range >
		    m.base + (reg->type == EBPF_V_PKT_META ? 0 : m.mem_len))
		return false;
	if (reg->type == EBPF_V_SCALAR && reg->id && !reg->shl && reg->range &&
	    (v - (uint64_t)(int64_t)reg->off > m.mem_len ||
	     v - (uint64_t)(int64_t)reg->off + reg->range > m.mem_len))
		return false;
	return ebpf_num_has(&reg->num, v - base, 64);
}

/* Named numbers of one claim: the same name, the same number. */
struct known {
	uint32_t count;
	struct {
		uint32_t id;
		uint64_t number;
	} names[FRAMES * (EBPF_REG_FP + SLOTS)];
};

static bool
agrees(struct known *known, const struct ebpf_vreg *reg, uint64_t v)
{
	uint32_t i;

	if (!reg->id || reg->shl)
		return true;
	v -= (uint64_t)(int64_t)reg->off;
	switch ((enum ebpf_vtype)reg->type) {
	case EBPF_V_SCALAR:
		break;
	case EBPF_V_PKT:
	case EBPF_V_MEM:
		v -= m.base;
		break;
	case EBPF_V_PKT_META:
		v -= m.base - m.meta_len;
		break;
	default:
		return true;
	}
	if (reg->id == EBPF_V_ID_LEN)
		return v == m.mem_len;
	for (i = 0; i < known->count; i++)
		if (known->names[i].id == reg->id)
			return known->names[i].number == v;
	known->names[known->count].id = reg->id;
	known->names[known->count++].number = v;
	return true;
}

/* Slots of each frame that the run reads later; number: and what they hold. */
struct need {
	uint64_t slots[FRAMES], number[FRAMES];
};

static bool
slot_matches(const struct slot_claim *slot, const uint8_t *at, bool number,
	     struct known *known)
{
	uint32_t i;

	for (i = 0; i < 8; i++)
		if (number && slot->bytes[i] == EBPF_VB_CONST &&
		    slot->data[i] != at[i])
			return false;
	for (i = 0; i < 2; i++) {
		const struct ebpf_vreg *reg = &slot->reg[i];
		uint64_t v = 0;

		if (!slot->spill_size[i] ||
		    (!number && reg->type == EBPF_V_SCALAR))
			continue;
		memcpy(&v, at + slot->spill_off[i], slot->spill_size[i]);
		if (!matches(reg, v) || !agrees(known, reg, v))
			return false;
	}
	return true;
}

static bool
frame_matches(const struct claim *claim, uint32_t f, const struct need *need,
	      struct known *known)
{
	uint32_t i;

	for (i = 0; i < EBPF_REG_FP; i++)
		if ((claim->matter[f] >> i & 1) &&
		    !(matches(&claim->regs[f][i], m.regs[f][i]) &&
		      agrees(known, &claim->regs[f][i], m.regs[f][i])))
			return false;
	for (i = 0; i < claim->slot_count[f]; i++)
		if ((need->slots[f] >> i & 1) &&
		    !slot_matches(&claim->slots[f][i],
				  &m.stack[f][EBPF_STACK_MAX - 8 * (i + 1)],
				  need->number[f] >> i & 1, known))
			return false;
	return true;
}

/* The first page has nothing, not even for a processor that guesses. */
static bool
may_fault(uint64_t pointer)
{
	return ahead && m.gave_null && pointer + 4096 < 8192;
}

static bool
claimed(uint32_t insn, const struct need *need)
{
	const struct claim *claim;
	struct known known;
	uint32_t f;

	for (claim = claims_at[insn]; claim; claim = claim->next) {
		if (claim->depth != m.depth ||
		    (shape == TIED && !ebpf_num_has(&claim->len, m.mem_len, 64)))
			continue;
		known.count = 0;
		for (f = 0; f < m.depth; f++)
			if (!frame_matches(claim, f, need, &known))
				break;
		if (f == m.depth)
			return true;
	}
	return false;
}

/* ---- what a run reads later ---- */

/*
 * Claims about a slot hold for those who read it. So a run is made twice: the
 * first time it notes what it does to which slots, then from the end on it is
 * found what is needed when, and the second time claims are looked at.
 */
enum pass {
	NOTING,
	CHECKING,
	STRAYING, /* speculation: no claims */
};

struct note {
	uint8_t begins, ends; /* frame + 1 that begins or ends here */
	uint8_t frame;
	bool number, whole;
	uint64_t reads, writes; /* slots of the frame */
};

static enum pass pass;
static struct note notes[STEPS];
static struct need needs[STEPS + 1];

static long stack_index(const uint8_t *place);

static void
note_access(uint32_t step, const uint8_t *place, uint32_t size, bool write,
	    bool number)
{
	long at = stack_index(place);
	uint32_t off, first, last;
	struct note *note = &notes[step];

	if (pass != NOTING || at < 0 || at / EBPF_STACK_MAX >= FRAMES)
		return;
	note->frame = (uint8_t)(at / EBPF_STACK_MAX);
	off = (uint32_t)(at % EBPF_STACK_MAX);
	first = (EBPF_STACK_MAX - 1 - off) / 8;
	last = (EBPF_STACK_MAX - off - size) / 8;
	if (!write) {
		note->reads = 1ULL << first | 1ULL << last;
		note->number = number;
	} else if (size == 8 && off % 8 == 0) {
		note->writes = 1ULL << first;
	}
}

static void
find_needs(uint32_t steps)
{
	struct need *need = &needs[steps];

	memset(need, 0, sizeof(*need));
	while (steps-- > 0) {
		const struct note *note = &notes[steps];

		needs[steps] = *need;
		need = &needs[steps];
		if (note->begins)
			need->slots[note->begins - 1] =
				need->number[note->begins - 1] = 0;
		if (note->ends)
			need->slots[note->ends - 1] =
				need->number[note->ends - 1] = 0;
		need->slots[note->frame] &= ~note->writes;
		need->number[note->frame] &= ~note->writes;
		need->slots[note->frame] |= note->reads;
		if (note->number)
			need->number[note->frame] |= note->reads;
	}
}

static uint64_t
alu(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits)
{
	uint64_t all = ebpf_bits_mask(bits), k = y & (bits - 1);
	int64_t sx, sy;

	x &= all;
	y &= all;
	sx = ebpf_bits_sext(x, bits);
	sy = ebpf_bits_sext(y, bits);
	switch (fn) {
	case EBPF_FN_ADD:
		return (x + y) & all;
	case EBPF_FN_SUB:
		return (x - y) & all;
	case EBPF_FN_MUL:
		return (x * y) & all;
	case EBPF_FN_DIV:
		return y ? x / y : 0;
	case EBPF_FN_MOD:
		return y ? x % y : x;
	case EBPF_FN_SDIV:
		return sy == 0	? 0 :
		       sy == -1 ? (0 - x) & all :
				  (uint64_t)(sx / sy) & all;
	case EBPF_FN_SMOD:
		return sy == 0	? x :
		       sy == -1 ? 0 :
				  (uint64_t)(sx % sy) & all;
	case EBPF_FN_AND:
		return x & y;
	case EBPF_FN_OR:
		return x | y;
	case EBPF_FN_XOR:
		return x ^ y;
	case EBPF_FN_LSH:
		return (x << k) & all;
	case EBPF_FN_RSH:
		return x >> k;
	case EBPF_FN_ARSH:
		return (uint64_t)(sx >> k) & all;
	case EBPF_FN_MOV:
		return y;
	case EBPF_FN_MOVSX8:
		return (uint64_t)ebpf_bits_sext(y, 8) & all;
	case EBPF_FN_MOVSX16:
		return (uint64_t)ebpf_bits_sext(y, 16) & all;
	case EBPF_FN_MOVSX32:
		return (uint64_t)ebpf_bits_sext(y, 32) & all;
	case EBPF_FN_NEG:
		return (0 - x) & all;
	default:
		abort();
	}
}

static bool
holds(enum ebpf_fn fn, uint64_t x, uint64_t y, unsigned bits)
{
	int64_t sx = ebpf_bits_sext(x, bits), sy = ebpf_bits_sext(y, bits);

	x &= ebpf_bits_mask(bits);
	y &= ebpf_bits_mask(bits);
	switch (fn) {
	case EBPF_FN_JEQ:
		return x == y;
	case EBPF_FN_JNE:
		return x != y;
	case EBPF_FN_JGT:
		return x > y;
	case EBPF_FN_JGE:
		return x >= y;
	case EBPF_FN_JLT:
		return x < y;
	case EBPF_FN_JLE:
		return x <= y;
	case EBPF_FN_JSGT:
		return sx > sy;
	case EBPF_FN_JSGE:
		return sx >= sy;
	case EBPF_FN_JSLT:
		return sx < sy;
	case EBPF_FN_JSLE:
		return sx <= sy;
	case EBPF_FN_JSET:
		return (x & y) != 0;
	default:
		abort();
	}
}

static uint64_t
swapped(uint64_t v, unsigned bits)
{
	return __builtin_bswap64(v) >> (64 - bits);
}

static void
atomic(const struct ebpf_op *op, uint8_t *at, uint64_t *regs)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t size = info->width / 8;
	uint64_t old = 0, new, src = regs[op->src];

	memcpy(&old, at, size);
	new = old;
	switch ((enum ebpf_fn)info->fn) {
	case EBPF_FN_ADD:
	case EBPF_FN_FETCH_ADD:
		new = old + src;
		break;
	case EBPF_FN_OR:
	case EBPF_FN_FETCH_OR:
		new = old | src;
		break;
	case EBPF_FN_AND:
	case EBPF_FN_FETCH_AND:
		new = old & src;
		break;
	case EBPF_FN_XOR:
	case EBPF_FN_FETCH_XOR:
		new = old ^ src;
		break;
	case EBPF_FN_XCHG:
		new = src;
		break;
	default:
		if (old == (regs[0] & ebpf_bits_mask(info->width)))
			new = src;
		regs[0] = old;
		break;
	}
	memcpy(at, &new, size);
	if (info->fn == EBPF_FN_FETCH_ADD || info->fn == EBPF_FN_FETCH_OR ||
	    info->fn == EBPF_FN_FETCH_AND || info->fn == EBPF_FN_FETCH_XOR ||
	    info->fn == EBPF_FN_XCHG)
		regs[op->src] = old;
}

/* ---- what a processor does ahead of time ---- */

static bool
is_fenced(uint32_t pc)
{
	return fences && (fences[pc / 8] >> pc % 8 & 1);
}

/* From here on it is guesswork; the program really goes on at pc. */
static void
stray(uint32_t pc)
{
	kept = m;
	kept_pc = pc;
	ahead = 1 + below(120);
	strayed++;
}

static uint32_t
come_back(void)
{
	m = kept;
	ahead = 0;
	return kept_pc;
}

/* The byte of m.stack that place is, or -1. */
static long
stack_index(const uint8_t *place)
{
	const uint8_t *first = &m.stack[0][0];

	return place >= first && place < first + sizeof(m.stack) ?
		       place - first :
		       -1;
}

static void
note_store(const uint8_t *place, uint32_t size)
{
	long at = stack_index(place);
	uint32_t i;

	for (i = 0; speculate && at >= 0 && i < size; i++) {
		/* of several older contents any may be seen */
		if ((&m.is_stale[0][0])[at + i] && below(2))
			continue;
		(&m.is_stale[0][0])[at + i] = true;
		(&m.stale[0][0])[at + i] = place[i];
	}
}

/* A load may see what lay there before; then the processor is ahead. */
static void
load_bytes(const uint8_t *place, uint32_t size, uint64_t *value, uint32_t pc)
{
	long at = stack_index(place);
	bool any = false;
	uint32_t i;

	memcpy(value, place, size);
	for (i = 0; at >= 0 && i < size; i++)
		any |= (&m.is_stale[0][0])[at + i];
	if (!speculate || !any || below(3))
		return;
	if (!ahead)
		stray(pc); /* loads again */
	for (i = 0; i < size; i++)
		if ((&m.is_stale[0][0])[at + i])
			((uint8_t *)value)[i] = (&m.stale[0][0])[at + i];
}

/* Whether the processor turns the wrong way. */
static bool
turns(uint32_t pc)
{
	if (!speculate || below(3))
		return false;
	if (!ahead)
		stray(pc); /* jumps again */
	return true;
}

/* A helper moved the packet: it is elsewhere, and its bytes are others. */
static void
move_packet(void)
{
	uint32_t i;

	m.base += 0x10000;
	m.mem_len = below(AREA + 1);
	m.meta_len = below(2) ? 4 * below(META / 4 + 1) : 0;
	for (i = 0; i < sizeof(m.mem); i++)
		m.mem[i] = (uint8_t)rnd();
}

static uint64_t
call_helper(uint32_t number, const uint64_t *regs, uint32_t step)
{
	uint8_t *place;

	switch (number) {
	case EBPF_FUNC_map_lookup_elem:
		place = memory(regs[2], 4);
		if (place)
			note_access(step, place, 4, false, false);
		return below(3) ? VALUE_BASE : 0;
	case EBPF_FUNC_xdp_adjust_head:
	case EBPF_FUNC_xdp_adjust_tail:
	case EBPF_FUNC_xdp_adjust_meta:
		if (below(8) == 0)
			return 0 - 22ULL;
		move_packet();
		return 0;
	default:
		return (uint32_t)rnd();
	}
}

/* The callback whose frame is the next is called for its next number. */
static void
call_back(void)
{
	uint64_t *regs = m.regs[m.depth];
	uint32_t i;

	for (i = 0; i < EBPF_REG_FP; i++)
		regs[i] = rnd();
	regs[1] = m.loops[m.depth].index;
	regs[2] = m.loops[m.depth].ctx;
	regs[EBPF_REG_FP] = frame_top(m.depth);
	m.depth++;
}

/* bpf_loop: whether it calls; else r0 is set. */
static bool
begin_loop(uint64_t *regs, uint32_t pc)
{
	uint32_t end = (uint32_t)regs[1];

	if (regs[4] != 0 || end > 1u << 23 || end == 0) {
		regs[0] = regs[4] ? 0 - 22ULL : end ? 0 - 7ULL : 0;
		return false;
	}
	m.loops[m.depth].start = (uint32_t)(regs[2] - FUNC_BASE);
	m.loops[m.depth].index = 0;
	m.loops[m.depth].end = end;
	m.loops[m.depth].ctx = regs[3];
	m.back[m.depth] = pc;
	call_back();
	return true;
}

static bool
next_call(uint64_t returned)
{
	m.loops[m.depth].index++;
	if (returned || m.loops[m.depth].index == m.loops[m.depth].end) {
		m.regs[m.depth - 1][0] = m.loops[m.depth].index;
		return false;
	}
	call_back();
	return true;
}

/* Why the run contradicts the verifier, or NULL. */
static const char *
run(const struct ebpf_op *ops, uint32_t *at)
{
	uint32_t pc = 0, steps;

	ahead = 0;
	for (steps = 0; steps < STEPS; steps++) {
		const struct ebpf_op *op = &ops[pc];
		const struct ebpf_op_info *info = &ebpf_op_info[op->code];
		uint64_t *regs = m.regs[m.depth - 1];
		uint64_t src = info->form == EBPF_FORM_ALU_REG ||
					       info->form == EBPF_FORM_JCC_REG ?
				       regs[op->src] :
				       (uint64_t)op->imm;
		uint64_t value = 0;
		uint8_t *place;

		*at = pc;
		if (ahead && (is_fenced(pc) || --ahead == 0)) {
			pc = come_back();
			continue;
		}
		if (is_fenced(pc))
			memset(m.is_stale, 0, sizeof(m.is_stale));
		if (pass == NOTING)
			memset(&notes[steps], 0, sizeof(notes[steps]));
		if (pass == CHECKING && !claimed(pc, &needs[steps]))
			return "no state has these registers and slots";
		switch ((enum ebpf_form)info->form) {
		case EBPF_FORM_ALU_IMM:
		case EBPF_FORM_ALU_REG:
		case EBPF_FORM_ALU_UNARY:
			regs[op->dst] = alu((enum ebpf_fn)info->fn,
					    regs[op->dst], src, info->width);
			break;
		case EBPF_FORM_ENDIAN:
			regs[op->dst] =
				info->fn == EBPF_FN_LE ?
					regs[op->dst] &
						ebpf_bits_mask(info->width) :
					swapped(regs[op->dst], info->width);
			break;
		case EBPF_FORM_LDX:
			value = regs[op->src] + (uint64_t)(int64_t)op->off -
				CTX_BASE;
			if (value < 24) {
				regs[op->dst] =
					value == 0 ? m.base :
					value == 4 ? m.base + m.mem_len :
					value == 8 ? m.base - m.meta_len :
						     0;
				break;
			}
			value = 0;
			place = memory(regs[op->src] +
					       (uint64_t)(int64_t)op->off,
				       info->width / 8);
			if (!place && may_fault(regs[op->src])) {
				pc = come_back();
				continue;
			}
			if (!place)
				return "a load outside memory";
			note_access(steps, place, info->width / 8, false,
				    matter_at[pc + 1] >> op->dst & 1);
			load_bytes(place, info->width / 8, &value, pc);
			if (info->fn == EBPF_FN_LDXS)
				value = (uint64_t)ebpf_bits_sext(value,
								 info->width);
			regs[op->dst] = value;
			break;
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
		case EBPF_FORM_ATOMIC:
			place = memory(regs[op->dst] +
					       (uint64_t)(int64_t)op->off,
				       info->width / 8);
			if (!place && may_fault(regs[op->dst])) {
				pc = come_back();
				continue;
			}
			if (!place)
				return "a store outside memory";
			note_store(place, info->width / 8);
			/* what an atomic one leaves is any number */
			note_access(steps, place, info->width / 8, true, false);
			if (info->form == EBPF_FORM_ATOMIC)
				note_access(steps, place, info->width / 8,
					    false, false);
			value = info->form == EBPF_FORM_ST ? (uint64_t)op->imm :
							     regs[op->src];
			if (info->form == EBPF_FORM_ATOMIC)
				atomic(op, place, regs);
			else
				memcpy(place, &value, info->width / 8);
			break;
		case EBPF_FORM_JA:
			pc += (uint32_t)op->off;
			break;
		case EBPF_FORM_JCC_IMM:
		case EBPF_FORM_JCC_REG:
			if (holds((enum ebpf_fn)info->fn, regs[op->dst], src,
				  info->width) != turns(pc))
				pc += (uint32_t)op->off;
			break;
		case EBPF_FORM_CALL:
			if (op->imm == EBPF_FUNC_loop) {
				if (begin_loop(regs, pc)) {
					notes[steps].begins = (uint8_t)m.depth;
					pc = m.loops[m.depth - 1].start - 1;
				}
				break;
			}
			regs[0] = call_helper((uint32_t)op->imm, regs, steps);
			m.gave_null |= regs[0] == 0;
			break;
		case EBPF_FORM_CALL_LOCAL:
			m.back[m.depth] = pc;
			m.loops[m.depth].start = 0;
			memcpy(m.regs[m.depth], regs, sizeof(m.regs[0]));
			m.regs[m.depth][EBPF_REG_FP] = frame_top(m.depth);
			m.depth++;
			notes[steps].begins = (uint8_t)m.depth;
			pc += (uint32_t)op->off;
			break;
		case EBPF_FORM_EXIT:
			notes[steps].ends = (uint8_t)m.depth;
			if (--m.depth == 0 && ahead) {
				pc = come_back();
				continue;
			}
			if (m.depth == 0) {
				if (pass == NOTING)
					find_needs(steps + 1);
				return NULL;
			}
			if (m.loops[m.depth].start) {
				if (regs[0] > 1 && !ahead)
					return "a callback returned neither 0 "
					       "nor 1";
				if (next_call(regs[0])) {
					notes[steps].begins = (uint8_t)m.depth;
					pc = m.loops[m.depth - 1].start - 1;
					break;
				}
			} else {
				m.regs[m.depth - 1][0] = regs[0];
			}
			pc = m.back[m.depth];
			break;
		case EBPF_FORM_LDDW:
			regs[op->dst] = op->code == EBPF_OP_LDDW_MAP_VALUE ?
						VALUE_BASE +
							(uint64_t)op->off :
					op->code == EBPF_OP_LDDW_FUNC ?
						FUNC_BASE + pc + 1 +
							(uint64_t)op->off :
						(uint64_t)op->imm;
			pc++;
			break;
		default:
			abort();
		}
		pc++;
	}
	if (pass == NOTING)
		find_needs(steps);
	return NULL; /* long, but nothing wrong so far */
}

static void
prepare_run(void)
{
	uint32_t i;
	uint64_t v;

	memset(&m, 0, sizeof(m));
	for (i = 0; i < sizeof(m.stack); i += 8) {
		v = rnd(); /* some earlier run's */
		memcpy(&m.stack[0][0] + i, &v, 8);
	}
	m.depth = 1;
	m.mem_len = shape == FIXED ? AREA : below(AREA + 1);
	m.base = MEM_BASE;
	m.meta_len = shape == PACKET && below(2) ? 4 * below(META / 4 + 1) : 0;
	for (i = 0; i < AREA; i += 8) {
		v = interesting();
		memcpy(m.value + i, &v, 8);
		v = interesting();
		memcpy(m.mem + META + i, &v, 8);
	}
	m.regs[0][1] = shape == PACKET ? CTX_BASE : MEM_BASE;
	m.regs[0][2] = shape == FIXED ? interesting() : m.mem_len;
	m.regs[0][EBPF_REG_FP] = frame_top(0);
}

/* ---- one program ---- */

static struct ebpf_runtime *rt, *hardened;
static struct ebpf_map *map;
static struct ebpf_op ops[INSNS], unchanged[INSNS];
static char log_text[8192];

static void
show(void)
{
	struct gebpf_disasm options = {0};
	char text[128];
	uint32_t i;
	int n;

	for (i = 0; i < count; i += (uint32_t)n) {
		n = gebpf_disasm(code, count, i, &options, text, sizeof(text));
		if (n < 1)
			n = 1;
		tap_diag("%3u:%s %s", i, is_fenced(i) ? " fence;" : "", text);
	}
	for (i = 0; i < EBPF_REG_FP; i++)
		tap_diag("r%u = 0x%llx", i,
			 (unsigned long long)m.regs[m.depth - 1][i]);
}

/*
 * 0, or the verifier's answer; *stats what it told. With fenced: as the
 * hardened runtime does, and where fences go (NULL: nowhere), to be freed.
 */
static int
verify(struct ebpf_load_stats *stats, uint8_t **fenced)
{
	struct ebpf_log log = {.text = log_text, .room = sizeof(log_text)};
	struct ebpf_decode_error why;
	struct ebpf_prog prog = {0};
	uint32_t i;
	int error;

	if (ebpf_decode(code, count, ops, &why)) {
		tap_diag("does not decode at %u: %s", why.insn, why.what);
		abort();
	}
	for (i = 0; i < count; i++)
		if (ops[i].code == EBPF_OP_LDDW_MAP_IDX_VALUE) {
			ops[i].code = EBPF_OP_LDDW_MAP_VALUE;
			ops[i].imm = 0;
			ops[i].off = 0;
		} else if (ops[i].code == EBPF_OP_LDDW_MAP_IDX) {
			ops[i].code = EBPF_OP_LDDW_MAP;
			ops[i].imm = 0;
		}
	memcpy(unchanged, ops, sizeof(ops));
	prog.obj.rt = fenced ? hardened : rt;
	prog.kind = ebpf_kind_find(rt, shape == PACKET ? EBPF_PROG_XDP :
							 EBPF_PROG_RAW);
	prog.mem_size = shape == FIXED ? AREA : 0;
	prog.ops = ops;
	prog.op_count = count;
	prog.maps = &map;
	prog.map_count = 1;
	memset(stats, 0, sizeof(*stats));
	log_text[0] = '\0';
	error = ebpf_verify_watched(&prog, ops, &log, stats, watch, NULL);
	os_free((void *)(uintptr_t)prog.funcs);
	os_free(prog.dead);
	if (fenced)
		*fenced = prog.fences;
	else
		os_free(prog.fences);
	return error;
}

static const char *const rule_names[] = {
#define EBPF_RULE(name, sentence, fix) #name,
#include "abi/rule.def"
};

int
main(int argc, char **argv)
{
	struct ebpf_runtime_config config = {.size = sizeof(config),
					     .insns_processed_max = 20000};
	struct ebpf_map_spec spec = {.size = sizeof(spec),
				     .kind = EBPF_MAP_ARRAY,
				     .key_size = 4,
				     .value_size = AREA,
				     .max_entries = 1,
				     .name = "m"};
	long programs = argc > 1 ? atol(argv[1]) : 12000, i, accepted = 0;
	long bad = 0, ran = 0, odd = 0, reasons[EBPF_RULE_COUNT] = {0};
	struct ebpf_load_stats stats;
	uint64_t start = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	static struct machine first;
	uint8_t *fenced = NULL;
	uint64_t again;
	const char *why;
	uint32_t at, r;

	if (ebpf_runtime_create(&config, &rt))
		return 1;
	config.harden = EBPF_HARDEN_SPECULATION;
	if (ebpf_runtime_create(&config, &hardened) ||
	    ebpf_map_create(rt, &spec, &map))
		return 1;
	for (i = 0; i < programs && bad < 5; i++) {
		seed = (start + (uint64_t)i) * 0x9e3779b97f4a7c15ULL | 1;
		shape = (enum shape)below(SHAPES);
		careful = below(4) != 0;
		generate();
		if (verify(&stats, NULL)) {
			reasons[stats.rule]++;
			/* what only a bug of the verifier can say */
			odd += strstr(log_text, "nothing should") != NULL;
			continue;
		}
		if (claims_full)
			continue;
		accepted++;
		for (r = 0; r < 2 * RUNS; r++) {
			if (r == RUNS) {
				if (verify(&stats, &fenced)) {
					bad++;
					tap_diag("refused when hardened");
					show();
					break;
				}
				speculate = true;
				fences = fenced;
			}
			prepare_run();
			again = seed;
			first = m;
			pass = speculate ? STRAYING : NOTING;
			why = run(unchanged, &at);
			if (!why && !speculate) {
				seed = again;
				m = first;
				pass = CHECKING;
				why = run(unchanged, &at);
			}
			ran++;
			if (!why)
				continue;
			bad++;
			tap_diag("program %llu at %u%s: %s",
				 (unsigned long long)(start + (uint64_t)i), at,
				 ahead ? ", ahead" : "", why);
			show();
			break;
		}
		os_free(fenced);
		fenced = NULL;
		fences = NULL;
		speculate = false;
	}
	for (r = 0; r < EBPF_RULE_COUNT; r++)
		if (reasons[r])
			tap_diag("%ld refused by %s", reasons[r],
				 rule_names[r]);
	tap_ok(odd == 0, "every read of a register was foreseen");
	tap_ok(accepted > programs / 50, "%ld of %ld programs accepted",
	       accepted, i);
	tap_ok(bad == 0, "%ld runs stayed within the verifier's claims", ran);
	tap_ok(strayed > 0, "and %lu ways that were not really gone", strayed);
	ebpf_map_put(map);
	ebpf_runtime_destroy(hardened);
	ebpf_runtime_destroy(rt);
	return tap_done();
}
