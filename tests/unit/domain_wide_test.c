/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The abstract domain against arithmetic at 8, 16 and 64 bits: random members
 * of random abstract values under every operator and comparison. And what must
 * be known at 64 bits. domain_test.c has all there is at small widths.
 *
 *	domain_wide_test [VALUES]
 */
#include <stdlib.h>

#include "arithmetic.h"
#include "core/verifier/num.h"
#include "dice.h"
#include "tap.h"

static struct dice dice = {0x9e3779b97f4a7c15ULL};

/* Interesting, at a width. */
static uint64_t
member(unsigned bits)
{
	uint64_t v = dice_interesting(&dice);

	return bits == 64 ? v : (v ^ v >> (64 - bits)) & ebpf_bits_mask(bits);
}

/* An abstract value around a member. */
static void
around(struct ebpf_num *n, uint64_t v, unsigned bits)
{
	uint64_t low = ebpf_bits_mask(bits / 2), w;
	int64_t s, t;

	ebpf_num_unknown(n, bits);
	if (dice_next(&dice) % 2) {
		n->t.mask = dice_next(&dice) & dice_next(&dice);
		if (dice_next(&dice) % 2)
			n->t.mask |= ~0ULL << (dice_next(&dice) % bits);
		n->t.mask &= ebpf_bits_mask(bits);
		n->t.value = v & ~n->t.mask;
	}
	if (dice_next(&dice) % 2) {
		w = member(bits);
		n->umin = v < w ? v : w;
		n->umax = v < w ? w : v;
	}
	if (dice_next(&dice) % 2) {
		s = ebpf_bits_sext(v, bits);
		t = ebpf_bits_sext(member(bits), bits);
		n->smin = s < t ? s : t;
		n->smax = s < t ? t : s;
	}
	if (dice_next(&dice) % 2) {
		w = member(bits) & low;
		n->humin = (uint32_t)((v & low) < w ? v & low : w);
		n->humax = (uint32_t)((v & low) < w ? w : v & low);
	}
	if (dice_next(&dice) % 2) {
		s = ebpf_bits_sext(v & low, bits / 2);
		t = ebpf_bits_sext(member(bits) & low, bits / 2);
		n->hsmin = (int32_t)(s < t ? s : t);
		n->hsmax = (int32_t)(s < t ? t : s);
	}
}

/* Byte swaps are of 64-bit numbers only; small widths extend any bits. */
static long
check_random_cuts(const struct ebpf_num *a, uint64_t x, unsigned bits)
{
	unsigned from = bits == 64 ? 16u << (dice_next(&dice) % 3) :
				     1 + (unsigned)(dice_next(&dice) % bits);
	uint64_t all = ebpf_bits_mask(bits);
	struct ebpf_num r = *a;
	long bad = 0;

	if (bits == 64) {
		ebpf_num_bswap(&r, from / 8);
		bad += !ebpf_num_has(&r, __builtin_bswap64(x) >> (64 - from),
				     64);
		r = *a;
	}
	ebpf_num_zext(&r, from, bits);
	bad += !ebpf_num_has(&r, x & ebpf_bits_mask(from), bits);
	if (bits == 64)
		from = 8u << (dice_next(&dice) % 3);
	r = *a;
	ebpf_num_sext(&r, from, true, bits);
	bad += !ebpf_num_has(&r, (uint64_t)ebpf_bits_sext(x, from) & all,
			     bits);
	if (from > bits / 2)
		return bad;
	r = *a;
	ebpf_num_sext(&r, from, false, bits);
	return bad + !ebpf_num_has(&r,
				   (uint64_t)ebpf_bits_sext(x, from) &
					   ebpf_bits_mask(bits / 2),
				   bits);
}

static void
test_random(long rounds, unsigned bits)
{
	long bad_ops = 0, bad_jumps = 0, bad_settle = 0, bad_cuts = 0, i;
	uint64_t low = ebpf_bits_mask(bits / 2);

	for (i = 0; i < rounds; i++) {
		uint64_t x = member(bits), y = member(bits), want;
		struct ebpf_num a, b, r, s;
		enum ebpf_fn fn;
		bool wide = dice_next(&dice) & 1, taken;
		int decided;

		around(&a, x, bits);
		around(&b, y, bits);
		if (!ebpf_num_settle(&a, bits) || !ebpf_num_settle(&b, bits) ||
		    !ebpf_num_has(&a, x, bits) || !ebpf_num_has(&b, y, bits)) {
			bad_settle++;
			continue;
		}
		fn = arith_operators[dice_next(&dice) % ARITH_OPERATORS].fn;
		r = a;
		ebpf_num_alu(&r, &b, fn, wide, bits);
		want = wide ? arith_compute(fn, x, y, bits) :
			      arith_compute(fn, x & low, y & low, bits / 2);
		bad_ops += !ebpf_num_has(&r, want, bits);

		fn = arith_jumps[dice_next(&dice) % ARITH_JUMPS].fn;
		taken = wide ? arith_holds(fn, x, y, bits) :
			       arith_holds(fn, x & low, y & low, bits / 2);
		decided = ebpf_num_decide(&a, &b, fn, wide, bits);
		r = a;
		s = b;
		if (decided == !taken ||
		    !ebpf_num_refine(&r, &s, fn, taken, wide, bits) ||
		    !ebpf_num_has(&r, x, bits) || !ebpf_num_has(&s, y, bits))
			bad_jumps++;
		bad_cuts += check_random_cuts(&a, x, bits);
	}
	tap_ok(bad_settle == 0, "%u bits: settling, %ld values", bits, rounds);
	tap_ok(bad_ops == 0, "%u bits: operators, %ld values", bits, rounds);
	tap_ok(bad_jumps == 0, "%u bits: comparisons, %ld values", bits,
	       rounds);
	tap_ok(bad_cuts == 0, "%u bits: extensions and swaps, %ld values", bits,
	       rounds);
}

/* What must be known, so that soundness is not bought with ignorance. */
static void
test_precision(void)
{
	struct ebpf_num n, m;

	ebpf_num_unknown(&n, 64);
	ebpf_num_const(&m, 0x3c, 64);
	ebpf_num_alu(&n, &m, EBPF_FN_AND, true, 64);
	tap_ok(n.umax == 0x3c && (n.t.mask & 3) == 0, "x & 0x3c is 0..60 by 4");
	ebpf_num_upto(&n, 15, 64);
	ebpf_num_const(&m, 2, 64);
	ebpf_num_alu(&n, &m, EBPF_FN_LSH, true, 64);
	tap_ok(n.umax == 60 && (n.t.mask & 3) == 0, "(0..15) << 2 is 0..60");
	ebpf_num_unknown(&n, 64);
	ebpf_num_const(&m, 10, 64);
	ebpf_num_refine(&n, &m, EBPF_FN_JSGT, false, true, 64);
	ebpf_num_const(&m, 0, 64);
	ebpf_num_refine(&n, &m, EBPF_FN_JSLT, false, true, 64);
	tap_ok(n.umin == 0 && n.umax == 10,
	       "signed comparisons bound the unsigned range");
	ebpf_num_unknown(&n, 64);
	ebpf_num_zext(&n, 32, 64);
	ebpf_num_const(&m, 7, 64);
	ebpf_num_refine(&n, &m, EBPF_FN_JGT, false, false, 64);
	tap_ok(n.umax == 7, "a 32-bit comparison bounds a zero-extended number");
	ebpf_num_unknown(&n, 64);
	ebpf_num_const(&m, 100, 64);
	ebpf_num_refine(&n, &m, EBPF_FN_JSGT, false, false, 64);
	ebpf_num_const(&m, (uint64_t)-5, 64);
	ebpf_num_refine(&n, &m, EBPF_FN_JSLT, false, false, 64);
	ebpf_num_const(&m, 32, 64);
	ebpf_num_alu(&n, &m, EBPF_FN_LSH, true, 64);
	ebpf_num_alu(&n, &m, EBPF_FN_ARSH, true, 64);
	tap_ok(n.smin == -5 && n.smax == 100,
	       "shifting an int up and down keeps its range");
	ebpf_num_upto(&n, 1000, 64);
	ebpf_num_const(&m, 10, 64);
	ebpf_num_alu(&n, &m, EBPF_FN_MOD, true, 64);
	tap_ok(n.umax == 9, "x %% 10 is 0..9");
	ebpf_num_upto(&n, 1000, 64);
	ebpf_num_alu(&n, &m, EBPF_FN_DIV, false, 64);
	tap_ok(n.umax == 100, "(0..1000) / 10 is 0..100");
}

int
main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 300000;

	test_random(rounds, 8);
	test_random(rounds, 16);
	test_random(rounds, 64);
	test_precision();
	return tap_done();
}
