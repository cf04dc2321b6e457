/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Keys that lie on the program's stack: put there in the parts that compiled
 * lookups keep in registers and in others, with all sorts of things between the
 * stores and the call. Random ones, beside the interpreter; and which are kept.
 */
#include <string.h>

#include "core/jit/jit_lookup.h"
#include "core/runtime.h"
#include "dice.h"
#include "jit_lab.h"
#include "tap.h"
#include "unverified.h"

enum {
	MEM = 64,
	KEY = -24, /* where keys are on the stack */
	CLEAR = 48, /* bytes of stack that have a value */
	VALUES = 4, /* of each part */
	SEEDS = 600,
};

static const uint32_t sizes[] = { 4, 6, 8, 12, 16 };

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static uint64_t mem[MEM / 8];

static uint32_t
first_part(uint32_t size)
{
	return size == 6 ? 4 : size > 8 ? 8 : size;
}

/* All keys whose parts are below VALUES, but some. */
static struct ebpf_map *
make(uint32_t kind, uint32_t size)
{
	static uint64_t values[1024]; /* as many as there may be CPUs */
	struct ebpf_map *map = lab_map(kind, size, 8, 64);

	for (uint64_t n = 1; n < VALUES * VALUES; n++) {
		uint64_t key[2] = { n % VALUES }, high = n / VALUES;

		values[0] = n;
		memcpy((uint8_t *)key + first_part(size), &high,
		       size - first_part(size));
		if (n % 5 != 0)
			ebpf_map_write(map, key, values, EBPF_ANY);
	}
	return map;
}

/* ---- random programs ---- */

static void
put_store(struct dice *dice, uint32_t base, int32_t off, uint32_t bytes)
{
	static const uint8_t width[] = { [1] = 0x10, [2] = 0x08, [4] = 0x00,
					 [8] = 0x18 };
	uint32_t reg = 4 + dice_below(dice, 5);
	int32_t value = (int32_t)dice_below(dice, VALUES);

	if (dice_below(dice, 3) == 0) {
		lab_put(0x62 | width[bytes], base, 0, (int16_t)off, value);
		return;
	}
	lab_put(0xb7, reg, 0, 0, value);
	if (bytes < 8) { /* what is not stored must not matter */
		lab_put(0xb7, 3, 0, 0, (int32_t)dice_next(dice));
		lab_put(0x67, 3, 0, 0, (int32_t)bytes * 8);
		lab_put(0x4f, reg, 3, 0, 0);
	}
	lab_put(0x63 | width[bytes], base, reg, (int16_t)off, 0);
	if (dice_below(dice, 2))
		lab_put(0x57, reg, 0, 0, 1);
}

static void
put_part(struct dice *dice, uint32_t size, uint32_t part)
{
	uint32_t first = first_part(size);

	if (part == 0)
		put_store(dice, 10, KEY, first);
	else if (first < size)
		put_store(dice, 10, KEY + (int32_t)first, size - first);
}

static void
put_noise(struct dice *dice, uint32_t size)
{
	static const uint8_t alu[] = { 0x0f, 0x1c, 0x2f, 0x3f, 0x97, 0x9c,
				       0xa7, 0xb7, 0x37, 0x34 };
	uint32_t dst = 3 + dice_below(dice, 6), src = 3 + dice_below(dice, 6);
	uint32_t bytes = 1u << dice_below(dice, 4);
	int32_t near = KEY - 8 + (int32_t)dice_below(dice, size + 9);

	switch (dice_below(dice, 14)) {
	case 12: /* where the key will be is asked for something else */
		lab_put(0xbf, 8, 2, 0, 0);
		lab_put(0x1f, 8, 10, 0, 0);
		lab_put(0x57, 8, 0, 0, 3);
		lab_put(first_part(size) == 8 ? 0x7b : 0x63, 10, 8, KEY, 0);
		break;
	case 0: /* anywhere, some of it in the key */
		put_store(dice, 10, near, bytes);
		break;
	case 1: /* beside it */
		put_store(dice, 10, KEY - 8, bytes);
		put_store(dice, 10, KEY + (int32_t)size, bytes);
		break;
	case 2: /* in it, by another name */
		lab_put(0xbf, 9, 10, 0, 0);
		lab_put(0x07, 9, 0, 0, near);
		put_store(dice, 9, 0, bytes);
		lab_put(0xb7, 9, 0, 0, 1);
		break;
	case 3: /* a way past the next two */
		lab_put(0x15, dst, 0, 2, 1);
		lab_put(0x62, 10, 0, KEY, 1);
		lab_put(0xb7, src, 0, 0, 2);
		break;
	case 4: /* out of here */
		lab_put(0x15, dst, 0, 1, 77);
		lab_put(0x05, 0, 0, 2, 0);
		lab_put(0xb7, 0, 0, 0, 9);
		lab_put(0x95, 0, 0, 0, 0);
		break;
	case 5:
		lab_put(0xdb, 10, src, -48, 0x01); /* fetch_add */
		break;
	case 6:
		lab_put(0x79, dst, 10, -32, 0);
		break;
	case 7:
		lab_put(0x79, dst, 1, 8, 0);
		break;
	default:
		lab_put(alu[dice_below(dice, sizeof(alu))], dst,
			src, 0, (int32_t)dice_below(dice, 60) + 1);
		if ((lab_gen.insns[lab_gen.count - 1].code & 8) == 0)
			lab_gen.insns[lab_gen.count - 1].regs &= 15;
		else
			lab_gen.insns[lab_gen.count - 1].imm = 0;
		break;
	}
}

static bool
random_one(struct ebpf_map *map, uint64_t seed)
{
	struct dice dice = { seed * 2654435761u + 1 };
	uint32_t size = map->key_size, early = dice_below(&dice, 3);
	uint32_t noise = dice_below(&dice, 4), turn = dice_below(&dice, 2);
	struct ebpf_prog *prog;
	uint64_t want, got;

	for (int16_t at = -CLEAR; at < 0; at += 8)
		lab_put(0x7a, 10, 0, at, 0);
	for (uint32_t r = 3; r < 10; r++)
		lab_put(0xb7, r, 0, 0, (int32_t)dice_below(&dice, 5));
	lab_put(0xbf, 2, 10, 0, 0);
	for (uint32_t part = 0; part < 2; part++) {
		for (uint32_t n = 0; n < noise; n++)
			put_noise(&dice, size);
		put_part(&dice, size, part ^ turn);
	}
	if (early == 0) {
		lab_put(0xbf, 2, 10, 0, 0);
		lab_put(0x07, 2, 0, 0, KEY - 3);
	}
	for (uint32_t n = 0; n < noise / 2; n++)
		put_noise(&dice, size);
	if (early != 0)
		lab_put(0xbf, 2, 10, 0, 0);
	lab_put_map(1, 0);
	lab_put(0x07, 2, 0, 0, early == 0 ? 3 : KEY);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	if (dice_below(&dice, 2)) /* the flags must outlive this */
		lab_put(0x79, 3, 10, -8, 0);
	if (dice_below(&dice, 2)) { /* and tell nothing behind this */
		lab_put(0xb7, 0, 0, 0, (int32_t)dice_below(&dice, 2));
	}
	lab_put(0x55, 0, 0, 1, 0);
	lab_put(0xb7, 0, 0, 0, 5);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(&map, 1, NULL);
	want = lab_run(prog, (uintptr_t)mem, MEM, 0);
	if (unverified_compile(prog) != 0)
		want = 1;
	got = lab_run(prog, (uintptr_t)mem, MEM, 0);
	unverified_free(prog);
	if (got != want)
		tap_diag("keys of %u, seed %llu: %#llx, not %#llx", size,
			 (unsigned long long)seed, (unsigned long long)got,
			 (unsigned long long)want);
	return got == want;
}

static void
random_ones(const char *what)
{
	static const uint32_t kinds[] = { EBPF_MAP_HASH, EBPF_MAP_LRU_HASH,
					  EBPF_MAP_PERCPU_HASH };
	bool ok = true;

	for (uint32_t k = 0; k < 3; k++) {
		for (uint32_t s = 0; s < SIZES; s++) {
			struct ebpf_map *map = make(kinds[k], sizes[s]);

			for (uint64_t seed = 0; ok && seed < SEEDS; seed++)
				ok &= random_one(map, seed);
			ebpf_map_put(map);
		}
	}
	tap_ok(ok, "random programs find what they find when interpreted%s",
	       what);
}

/* ---- which are kept ---- */

/* Of a program that ends in a call: whether its key is. */
static bool
kept(struct ebpf_map *map)
{
	struct ebpf_jit_scan scan = { 0 };
	struct ebpf_prog *prog;
	bool kept = false;
	uint32_t marks = 0;

	lab_put(0xbf, 2, 10, 0, 0);
	lab_put(0x07, 2, 0, 0, KEY);
	lab_put_map(1, 0);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(&map, 1, NULL);
	ebpf_unfuse(prog, (struct ebpf_op *)(uintptr_t)prog->ops);
	if (ebpf_jit_scan(prog, &scan) == 0 &&
	    ebpf_jit_lookups_make(prog, &scan) == 0) {
		for (uint32_t i = 0; i < prog->op_count - 2; i++)
			marks += (scan.slots[i] & EBPF_JIT_KEY_LOW) != 0;
		kept = scan.slots[prog->op_count - 2] & EBPF_JIT_KEY_KEPT;
		/* and the two in which it is said where the key is */
		TAP_CHECK(marks == (kept ? 3 : 0));
	}
	ebpf_jit_scan_free(&scan);
	unverified_free(prog);
	return kept;
}

static void
which(void)
{
	struct ebpf_map *mac = make(EBPF_MAP_HASH, 6);
	struct ebpf_map *word = make(EBPF_MAP_HASH, 4);
	struct ebpf_map *tuple = make(EBPF_MAP_LRU_HASH, 12);

	lab_put(0x63, 10, 1, KEY, 0);
	TAP_CHECK(kept(word));
	lab_put(0x62, 10, 0, KEY, 7);
	lab_put(0x15, 3, 0, 1, 7);
	lab_put(0x0f, 3, 3, 0, 0);
	TAP_CHECK(!kept(word)); /* two ways lead to what follows */
	lab_put(0x62, 10, 0, KEY, 7);
	lab_put(0x15, 3, 0, 5, 7);
	TAP_CHECK(kept(word)); /* but of this one goes elsewhere */
	lab_put(0x6b, 10, 1, KEY + 4, 0);
	lab_put(0x0f, 1, 1, 0, 0);
	lab_put(0x63, 10, 1, KEY, 0);
	lab_put(0x63, 10, 1, KEY + 6, 0);
	lab_put(0x63, 10, 1, KEY - 4, 0);
	TAP_CHECK(kept(mac));
	lab_put(0x6b, 10, 1, KEY + 4, 0);
	lab_put(0x63, 10, 1, KEY, 0);
	lab_put(0x73, 10, 1, KEY + 5, 0);
	TAP_CHECK(!kept(mac)); /* a byte of it is newer */
	lab_put(0x7b, 10, 1, KEY, 0);
	TAP_CHECK(!kept(mac)); /* not the parts it has */
	lab_put(0x7b, 10, 1, KEY, 0);
	lab_put(0x62, 10, 0, KEY + 8, 1);
	TAP_CHECK(kept(tuple));
	lab_put(0x7b, 10, 1, KEY, 0);
	lab_put(0x62, 10, 0, KEY + 8, 1);
	lab_put(0x7b, 2, 1, 0, 0);
	TAP_CHECK(!kept(tuple)); /* wherever that is */
	lab_put(0x63, 10, 1, KEY, 0);
	lab_put(0x3f, 3, 4, 0, 0);
	TAP_CHECK(!kept(word)); /* a division wants the registers */
	lab_put(0x63, 10, 1, KEY, 0);
	lab_put_call(EBPF_FUNC_get_prandom_u32);
	TAP_CHECK(!kept(word));
	ebpf_map_put(mac);
	ebpf_map_put(word);
	ebpf_map_put(tuple);
}

int
main(void)
{
	if (!lab_open("keys in registers"))
		return tap_done();
	if (ebpf_jit_host() == &ebpf_jit_x86_64)
		which();
	random_ones("");
	lab_rt->config.harden = EBPF_HARDEN_CONSTANTS;
	random_ones(", constants hidden");
	return lab_close();
}
