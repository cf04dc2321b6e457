/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Functions whose callers have their code: short ones, ones with one caller,
 * those that jump ahead and end in several places, jumps as far as any; ones
 * that look alike and may not. Random ones, beside the interpreter.
 */
#include <string.h>

#include "core/jit/jit.h"
#include "core/jit/jit_scan.h"
#include "core/runtime.h"
#include "dice.h"
#include "jit_lab.h"
#include "tap.h"
#include "unverified.h"

enum {
	MEM = 64,
	SEEDS = 400,
};

static uint64_t mem[MEM / 8];

/* Called twice, one from the other. */
static void
short_functions(void)
{
	struct ebpf_prog *prog;
	uint64_t want;

	lab_put(0xbf, 6, 1, 0, 0);	/* r6 = r1 */
	lab_put(0xb7, 2, 0, 0, 100);
	lab_put(0x85, 0, 1, 0, 9);	/* sum(memory, 100), at 12 */
	lab_put(0xbf, 7, 0, 0, 0);
	lab_put(0xbf, 1, 6, 0, 0);
	lab_put(0xbf, 2, 7, 0, 0);
	lab_put(0x85, 0, 1, 0, 9);	/* far(memory, that), at 16 */
	lab_put(0x15, 0, 0, 1, 0);	/* the flags are those of 12 and 16 */
	lab_put(0x0f, 0, 7, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	lab_put(0xb7, 0, 0, 0, 0);	/* never */
	lab_put(0x95, 0, 0, 0, 0);
	lab_put(0x79, 0, 1, 0, 0);	/* sum: *r1 + r2 */
	lab_put(0x0f, 0, 2, 0, 0);
	lab_put(0x7b, 1, 0, 8, 0);
	lab_put(0x95, 0, 0, 0, 0);
	lab_put(0xbf, 6, 2, 0, 0);	/* far: sum(r1, r2) * 3 */
	lab_put(0x85, 0, 1, 0, -6);
	lab_put(0x27, 0, 0, 0, 3);
	lab_put(0x1f, 0, 6, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(NULL, 0, NULL);
	mem[0] = 7;
	mem[1] = 0;
	want = lab_run(prog, (uintptr_t)mem, MEM, 0);
	TAP_CHECK(want == (7 + 107) * 3 - 107 + 107 && mem[1] == 114);
	mem[1] = 0;
	TAP_CHECK(unverified_compile(prog) == 0);
	tap_ok(lab_run(prog, (uintptr_t)mem, MEM, 0) == want && mem[1] == 114,
	       "functions of a few instructions");
	unverified_free(prog);
}

/* ---- random ones ---- */

/* Numbers in r0..r4, memory in r5: which register is written. */
static uint32_t
random_op(struct dice *dice)
{
	static const uint8_t alu[] = { 0x00, 0x10, 0x20, 0x40, 0x50, 0xa0,
				       0xb0 };
	uint32_t dst = dice_below(dice, 5), src = dice_below(dice, 5);
	uint8_t class = dice_below(dice, 2) ? 0x07 : 0x04;
	uint8_t op = alu[dice_below(dice, sizeof(alu))];
	int32_t imm = (int32_t)dice_interesting(dice);
	int16_t at = (int16_t)(8 * dice_below(dice, 8));

	switch (dice_below(dice, 8)) {
	case 0:
	case 1:
		lab_put(class | op, dst, 0, 0, imm);
		break;
	case 2:
	case 3:
		lab_put(class | op | 0x08, dst, src, 0, 0);
		break;
	case 4:
		lab_put(class | 0x60, dst, 0, 0, imm & 31);
		break;
	case 5: /* the longest code */
		lab_put(class | 0x38, dst, src, 0, 0);
		break;
	case 6:
		lab_put(0x79, dst, 5, at, 0);
		break;
	case 7:
		lab_put(0x7b, 5, src, at, 0);
		break;
	}
	return dst;
}

/*
 * A function of some slots, with jumps ahead and other ends than its last;
 * where there is a jump back, or more jumps than are followed, it is called.
 */
static bool
random_leaf(struct dice *dice, uint32_t slots, bool shy)
{
	static const uint8_t jumps[] = { 0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
					 0x70, 0xa0, 0xb0, 0xc0, 0xd0 };
	uint32_t hops = 0, most = EBPF_JIT_HOPS + (shy ? 8 : 0), last = 0;

	lab_put(0xbf, 0, 1, 0, 0);
	for (uint32_t i = 1; i < slots - 1; i++) {
		uint32_t left = slots - 2 - i, kind = dice_below(dice, 12);
		int16_t off = (int16_t)dice_below(dice, left + 1);
		uint8_t class = dice_below(dice, 2) ? 0x05 : 0x06;
		uint8_t op = jumps[dice_below(dice, sizeof(jumps))];

		if (kind > 3 || hops + 1 >= most) {
			last = random_op(dice);
			continue;
		}
		hops++;
		if (kind == 0)
			lab_put(0x05, 0, 0, off, 0);
		else if (kind == 1 && dice_below(dice, 3) == 0)
			lab_put(0x95, 0, 0, 0, 0);
		else if (dice_below(dice, 2)) /* may know it by the flags */
			lab_put(0x05 | (dice_below(dice, 2) ? 0x10 : 0x50),
				last, 0, off, 0);
		else if (dice_below(dice, 2))
			lab_put(class | op, dice_below(dice, 5), 0, off,
				(int32_t)dice_interesting(dice));
		else
			lab_put(class | op | 0x08, dice_below(dice, 5),
				dice_below(dice, 5), off, 0);
	}
	lab_put(0x95, 0, 0, 0, 0);
	return hops < EBPF_JIT_HOPS;
}

/* r1..r5 for it, and the call, of the function that follows `behind` slots. */
static void
put_call(uint32_t first, int32_t behind)
{
	for (uint32_t r = 2; r < 5; r++)
		lab_put(0x79, r, 6, (int16_t)(8 * (first + r)), 0);
	lab_put(0xbf, 5, 6, 0, 0);
	lab_put(0x85, 0, 1, 0, behind);
}

/* Whether a function has code of its own, by where its slots are. */
static bool
stands_alone(const struct ebpf_prog *prog, uint32_t func)
{
	const uint32_t *offs = prog->image->slot_offs;

	return offs[prog->funcs[func].start] !=
	       offs[prog->funcs[func].end - 1];
}

static bool
run_both(struct ebpf_prog *prog, struct dice *dice, bool inlined)
{
	uint64_t in[4][MEM / 8], out[4][MEM / 8], r0[4];
	bool same = true;

	for (uint32_t n = 0; n < 4; n++) {
		for (uint32_t i = 0; i < MEM / 8; i++)
			in[n][i] = dice_interesting(dice);
		memcpy(mem, in[n], MEM);
		r0[n] = lab_run(prog, (uintptr_t)mem, MEM, 0);
		memcpy(out[n], mem, MEM);
	}
	if (unverified_compile(prog) != 0)
		return false;
	for (uint32_t n = 0; n < 4; n++) {
		memcpy(mem, in[n], MEM);
		same &= lab_run(prog, (uintptr_t)mem, MEM, 0) == r0[n] &&
			memcmp(out[n], mem, MEM) == 0;
	}
	return same && stands_alone(prog, 1) != inlined;
}

static bool
random_one(uint64_t seed)
{
	struct dice dice = { seed * 2654435761u + 1 };
	bool twice = dice_below(&dice, 3) == 0;
	bool shy = dice_below(&dice, 4) == 0, inlined;
	uint32_t slots = 3 + dice_below(&dice, twice ? 6 : 66);
	struct ebpf_prog *prog;

	lab_put(0xbf, 6, 1, 0, 0);
	lab_put(0x79, 1, 6, 0, 0);
	if (twice) {
		put_call(0, 9);
		lab_put(0xbf, 7, 0, 0, 0);
		lab_put(0xbf, 1, 0, 0, 0);
		put_call(3, 2);
		lab_put(0x0f, 0, 7, 0, 0);
	} else {
		put_call(1, 1);
	}
	lab_put(0x95, 0, 0, 0, 0);
	inlined = random_leaf(&dice, slots, shy) && slots <= (twice ? 6u : 64u);
	prog = lab_finish(NULL, 0, NULL);
	inlined = run_both(prog, &dice, inlined);
	unverified_free(prog);
	return inlined;
}

static void
random_ones(const char *what)
{
	uint32_t bad = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		if (random_one(seed))
			continue;
		tap_diag("seed %llu", (unsigned long long)seed);
		bad++;
	}
	tap_ok(bad == 0, "functions at random%s", what);
}

int
main(void)
{
	if (!lab_open("jit"))
		return lab_close();
	short_functions();
	random_ones("");
	lab_rt->config.harden = EBPF_HARDEN_CONSTANTS;
	short_functions();
	random_ones(", with constants that must not be seen");
	return lab_close();
}
