/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the JIT does beyond single instructions, against the interpreter: maps,
 * tail calls, packet loads, ends of runs from any depth. What it leaves in
 * memory is jit_image_test.c's.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/helper.h"
#include "core/interp.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/runtime.h"
#include "jit_lab.h"
#include "progen.h"
#include "tap.h"
#include "unverified.h"

enum {
	MEM = 64,
	PROGS_MAX = 8,
};

static uint64_t mem[MEM / 8];

/* ---- maps ---- */

/* A lookup of the key in memory. */
static struct ebpf_prog *
lookup_prog(struct ebpf_map *map, enum lab_asks asks)
{
	lab_put(0xbf, 2, 1, 0, 0);
	lab_put_map(1, 0);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	lab_put_asks(asks);
	lab_put(0x95, 0, 0, 0, 0);
	return lab_finish(&map, 1, NULL);
}

static bool
array_found(uint32_t kind, uint32_t size, uint32_t count, enum lab_asks asks)
{
	static const uint32_t keys[] = { 0, 1, 2, 3, 4, 5, 99, 100, 127, 128,
					 199, 200, 0x7fffffff, 0x80000000,
					 0xffffffff };
	struct ebpf_map *map = lab_map(kind, 4, size, count);
	struct ebpf_prog *prog = lookup_prog(map, asks);
	struct ebpf_section section;
	bool same = unverified_compile(prog) == 0;

	for (uint32_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		uint64_t want;

		memcpy(mem, &keys[k], 4);
		ebpf_section_enter(&section);
		want = (uintptr_t)map->ops->lookup(map, mem);
		same &= lab_run(prog, (uintptr_t)mem, MEM, 0) ==
			lab_asked(want, asks);
		ebpf_section_leave(&section);
		same &= (want != 0) == (keys[k] < count);
	}
	unverified_free(prog);
	ebpf_map_put(map);
	return same;
}

static void
arrays(uint32_t kind, const char *name)
{
	static const uint32_t sizes[] = { 1, 4, 8, 12, 16, 24, 64, 100, 4096 };
	static const uint32_t counts[] = { 1, 3, 4, 100, 128, 200 };
	bool same = true;

	for (uint32_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (uint32_t c = 0; c < sizeof(counts) / sizeof(counts[0]);
		     c++)
			for (enum lab_asks asks = LAB_NOT; asks < LAB_ASKS; asks++)
				same &= array_found(kind, sizes[s], counts[c],
						    asks);
	tap_ok(same, "%s: lookups find what the map finds", name);
}

/* Every thread has its own number, held while it is in its section. */
static void *
other_thread(void *unused)
{
	arrays(EBPF_MAP_PERCPU_ARRAY, "percpu_array in another thread");
	return NULL;
}

static void
percpu_arrays(void)
{
	struct ebpf_section section;
	pthread_t thread;

	arrays(EBPF_MAP_PERCPU_ARRAY, "percpu_array");
	ebpf_section_enter(&section);
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_join(thread, NULL);
	ebpf_section_leave(&section);
}

/* Update, look up, delete, delete again: results into memory. */
static void
hashes(uint32_t kind, uint32_t key_size, const char *name)
{
	struct ebpf_map *map = lab_map(kind, key_size, 8, 16);
	struct ebpf_prog *prog;
	uint64_t jit[MEM / 8], r0;

	lab_put(0xbf, 6, 1, 0, 0);
	for (int i = 0; i < 2; i++) { /* mem[16+8i] = update(key, value) */
		lab_put_map(1, 0);
		lab_put(0xbf, 2, 6, 0, 0);
		lab_put(0xbf, 3, 6, 0, 0);
		lab_put(0x07, 3, 0, 0, 8);
		lab_put(0xb7, 4, 0, 0, EBPF_NOEXIST);
		lab_put_call(EBPF_FUNC_map_update_elem);
		lab_put(0x7b, 6, 0, (int16_t)(16 + 8 * i), 0);
	}
	lab_put_map(1, 0);
	lab_put(0xbf, 2, 6, 0, 0);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	lab_put(0x15, 0, 0, 2, 0);
	lab_put(0x79, 0, 0, 0, 0);
	lab_put(0x7b, 6, 0, 32, 0);
	for (int i = 0; i < 2; i++) {
		lab_put_map(1, 0);
		lab_put(0xbf, 2, 6, 0, 0);
		lab_put_call(EBPF_FUNC_map_delete_elem);
		lab_put(0x7b, 6, 0, (int16_t)(40 + 8 * i), 0);
	}
	lab_put(0xb7, 0, 0, 0, 7);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(&map, 1, NULL);
	memset(mem, 0, MEM);
	mem[0] = 3;
	mem[1] = 0x1122334455667788;
	r0 = lab_run(prog, (uintptr_t)mem, MEM, 0);
	memcpy(jit, mem, MEM);
	memset(&mem[2], 0, MEM - 16);
	/* what was in an array stays: the same start for both */
	TAP_CHECK(unverified_compile(prog) == 0);
	TAP_CHECK(lab_run(prog, (uintptr_t)mem, MEM, 0) == r0 && r0 == 7);
	/* arrays have every element from the start */
	tap_ok(memcmp(jit, mem, MEM) == 0 &&
		       mem[4] == (kind == EBPF_MAP_HASH ? mem[1] : 0),
	       "%s: update, lookup, delete as in the interpreter", name);
	unverified_free(prog);
	ebpf_map_put(map);
}

/* Which map is known only while running: nothing may be taken for granted. */
static void
chosen_map(void)
{
	struct ebpf_map *maps[2] = {
		lab_map(EBPF_MAP_ARRAY, 4, 8, 4),
		lab_map(EBPF_MAP_ARRAY, 4, 16, 4),
	};
	struct ebpf_prog *prog;
	bool same = true;

	lab_put(0xbf, 7, 1, 0, 0);
	lab_put(0x79, 6, 1, 8, 0);
	lab_put_map(1, 0);
	lab_put(0xbf, 8, 1, 0, 0); /* through another register, too */
	lab_put(0x15, 6, 0, 3, 0);
	lab_put_map(1, 1);
	lab_put(0xbf, 8, 1, 0, 0);
	lab_put(0xbf, 1, 8, 0, 0); /* jumped to */
	lab_put(0xbf, 2, 7, 0, 0);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(maps, 2, NULL);
	TAP_CHECK(unverified_compile(prog) == 0);
	for (uint64_t i = 0; i < 16; i++) {
		struct ebpf_map *map = maps[i & 1];

		mem[0] = i >> 1;
		mem[1] = i & 1;
		same &= lab_run(prog, (uintptr_t)mem, MEM, 0) ==
			(uintptr_t)map->ops->lookup(map, mem);
	}
	tap_ok(same, "a map chosen while running");
	unverified_free(prog);
	ebpf_map_put(maps[0]);
	ebpf_map_put(maps[1]);
}

/* Speculation that ends before a call says nothing about its map. */
static void
fenced_lookup(void)
{
	static uint8_t fences[1] = { 1 << 3 }; /* the call */
	struct ebpf_map *map = lab_map(EBPF_MAP_ARRAY, 4, 8, 4);
	uint32_t len[2];

	for (int fenced = 0; fenced < 2; fenced++) {
		struct ebpf_prog *prog = lookup_prog(map, LAB_NOT);

		prog->fences = fenced ? fences : NULL;
		TAP_CHECK(unverified_compile(prog) == 0);
		len[fenced] = prog->image->code_len;
		mem[0] = 3;
		TAP_CHECK(lab_run(prog, (uintptr_t)mem, MEM, 0) ==
			  (uintptr_t)map->ops->lookup(map, mem));
		prog->fences = NULL;
		unverified_free(prog);
	}
	tap_ok(len[1] > len[0] && len[1] - len[0] <= 8,
	       "a fenced lookup is inlined, too");
	ebpf_map_put(map);
}

/* ---- what is inlined ---- */

/* Answers that need no call are those of the helpers. */
static void
near_helpers(void)
{
	struct ebpf_section section;
	struct ebpf_prog *prog;
	uint64_t want;

	lab_put_call(EBPF_FUNC_get_smp_processor_id);
	lab_put(0xbf, 6, 0, 0, 0);
	lab_put_call(EBPF_FUNC_get_numa_node_id);
	lab_put(0x67, 6, 0, 0, 8);
	lab_put(0x4f, 6, 0, 0, 0);
	lab_put(0xbf, 0, 6, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(NULL, 0, NULL);
	TAP_CHECK(unverified_compile(prog) == 0);
	ebpf_section_enter(&section);
	want = (uint64_t)os_cpu_id() << 8;
	tap_ok(lab_run(prog, 0, 0, 0) == want,
	       "the numbers of processor and node");
	ebpf_section_leave(&section);
	unverified_free(prog);
}

/* ---- tail calls ---- */

struct chain {
	struct ebpf_map *map;
	struct ebpf_prog *progs[PROGS_MAX];
	uint32_t count;
};

static void
chain_add(struct chain *chain, const struct ebpf_kind *kind)
{
	chain->progs[chain->count++] = lab_finish(&chain->map, 1, kind);
}

/* Run progs[0] with both engines, the array holding all of them. */
static void
chain_check(struct chain *chain, uint64_t r2, uint64_t want_r0,
	    uint64_t want_mem, const char *name)
{
	struct ebpf_prog **slots =
		((struct ebpf_map_prog_array *)chain->map)->slots;

	for (uint32_t i = 0; i < chain->count; i++)
		slots[i] = chain->progs[i];
	for (int jit = 0; jit < 2; jit++) {
		uint64_t r0;

		memset(mem, 0, MEM);
		r0 = lab_run(chain->progs[0], (uintptr_t)mem, r2, 9);
		tap_ok(r0 == want_r0 && mem[0] == want_mem,
		       "%s: %s (r0 %#llx, memory %llu)", name,
		       jit ? "jit" : "interpreter", (unsigned long long)r0,
		       (unsigned long long)mem[0]);
		for (uint32_t i = 0; !jit && i < chain->count; i++) {
			if (unverified_compile(chain->progs[i]) != 0)
				tap_ok(false, "%s compiles", name);
		}
	}
	for (uint32_t i = 0; i < chain->count; i++) {
		slots[i] = NULL;
		unverified_free(chain->progs[i]);
	}
	ebpf_map_put(chain->map);
}

static void
chain_start(struct chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->map = lab_map(EBPF_MAP_PROG_ARRAY, 4, 4, PROGS_MAX);
}

/* mem[0] += imm */
static void
put_count(uint32_t base, int32_t imm)
{
	lab_put(0xb7, 0, 0, 0, imm);
	lab_put(0xdb, base, 0, 0, 0);
}

/* tail call of index, r1 = base */
static void
put_tail(uint32_t base, int32_t index, bool known)
{
	if (base != 1)
		lab_put(0xbf, 1, base, 0, 0);
	lab_put_map(2, 0);
	if (!known) { /* a jump target: what r2 holds is not known there */
		lab_put(0x15, 1, 0, 1, 1);
		lab_put(0x05, 0, 0, 0, 0);
	}
	lab_put(0xb7, 3, 0, 0, index);
	lab_put_call(EBPF_FUNC_tail_call);
}

static void
tail_calls(const struct ebpf_kind *kind, const char *what)
{
	struct chain c;
	char name[80];

	for (int known = 0; known < 2; known++) {
		/* itself, until the limit */
		chain_start(&c);
		put_count(1, 1);
		put_tail(1, 0, known);
		lab_put(0xb7, 0, 0, 0, 77);
		lab_put(0x95, 0, 0, 0, 0);
		chain_add(&c, kind);
		snprintf(name, sizeof(name), "%s: 33 tail calls and no more",
			 what);
		chain_check(&c, MEM, 77, 34, name);
	}

	/* out of range and empty slots fall through with r0 as it was */
	for (int i = 0; i < 3; i++) {
		static const int32_t wrong[] = { PROGS_MAX, -1, PROGS_MAX - 1 };

		chain_start(&c);
		lab_put(0xbf, 6, 1, 0, 0);
		lab_put(0xb7, 0, 0, 0, 55);
		put_tail(6, wrong[i], i != 1);
		lab_put(0x95, 0, 0, 0, 0);
		chain_add(&c, kind);
		snprintf(name, sizeof(name), "%s: no program at %d", what,
			 wrong[i]);
		chain_check(&c, MEM, 55, 0, name);
	}

	/* the index has 32 bits */
	chain_start(&c);
	lab_put(0x79, 0, 1, 8, 0); /* 0, and unknown */
	lab_put_map(2, 0);
	lab_put(0x18, 3, 0, 0, 1);
	lab_put(0, 0, 0, 0, 1);
	lab_put_call(EBPF_FUNC_tail_call);
	lab_put(0xb7, 0, 0, 0, 5);
	lab_put(0x95, 0, 0, 0, 0);
	chain_add(&c, kind);
	lab_put(0xb7, 0, 0, 0, 6);
	lab_put(0x95, 0, 0, 0, 0);
	chain_add(&c, kind);
	snprintf(name, sizeof(name), "%s: the index has 32 bits", what);
	chain_check(&c, MEM, 6, 0, name);

	/* from a subprogram: the result is the subprogram's, r6..r9 stay */
	chain_start(&c);
	lab_put(0xbf, 6, 1, 0, 0);
	lab_put(0xb7, 7, 0, 0, 1000);
	lab_put(0xb7, 8, 0, 0, 100);
	lab_put(0xb7, 9, 0, 0, 10);
	lab_put(0x85, 0, 1, 0, 5); /* to sub */
	lab_put(0x0f, 0, 7, 0, 0);
	lab_put(0x0f, 0, 8, 0, 0);
	lab_put(0x0f, 0, 9, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	/* sub: stack and registers of its own */
	lab_put(0xb7, 6, 0, 0, -1);
	lab_put(0x7b, 10, 6, -16, 0);
	put_tail(1, 1, true);
	lab_put(0xb7, 0, 0, 0, 5);
	lab_put(0x95, 0, 0, 0, 0);
	chain_add(&c, kind);
	put_count(1, 3);
	for (uint32_t r = 6; r < 10; r++)
		lab_put(0xb7, r, 0, 0, -7);
	lab_put(0x7b, 10, 6, -64, 0);
	lab_put(0xb7, 0, 0, 0, 2);
	lab_put(0x95, 0, 0, 0, 0);
	chain_add(&c, kind);
	snprintf(name, sizeof(name), "%s: tail call from a subprogram", what);
	chain_check(&c, MEM, 1112, 3, name);

	/*
	 * The limit is shared: main calls a subprogram that calls main again.
	 * Where stacks are small each of those counts five times.
	 */
	for (int small = 0; small < 2; small++) {
		lab_rt->tail_nest_extra = small ? 4 : 0;
		chain_start(&c);
		lab_put(0xbf, 6, 1, 0, 0);
		put_count(6, 1);
		lab_put(0xbf, 1, 6, 0, 0);
		lab_put(0x85, 0, 1, 0, 4); /* to sub */
		lab_put(0xbf, 1, 6, 0, 0);
		lab_put(0x85, 0, 1, 0, 2); /* to sub */
		lab_put(0xb7, 0, 0, 0, 1);
		lab_put(0x95, 0, 0, 0, 0);
		put_tail(1, 0, true);
		lab_put(0xb7, 0, 0, 0, 2);
		lab_put(0x95, 0, 0, 0, 0);
		chain_add(&c, kind);
		snprintf(name, sizeof(name), "%s: one limit for a whole run%s",
			 what, small ? ", small stack" : "");
		chain_check(&c, MEM, 1, small ? 7 : 34, name);
		lab_rt->tail_nest_extra = 0;
	}
}

/* What a run began with in r2 is there after a tail call. */
static void
tail_call_arguments(void)
{
	struct chain c;

	chain_start(&c);
	lab_put(0xb7, 2, 0, 0, 0);
	put_tail(1, 1, true);
	lab_put(0x95, 0, 0, 0, 0);
	chain_add(&c, NULL);
	lab_put(0xbf, 0, 2, 0, 0);
	lab_put(0x67, 0, 0, 0, 8);
	lab_put(0x0f, 0, 3, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	chain_add(&c, NULL);
	chain_check(&c, 48, 48 << 8 | 9, 0, "r2 and r3 after a tail call");
}

/* ---- packet loads, ends of runs ---- */

static void
check_both(const char *name, uint64_t want)
{
	struct ebpf_prog *prog = lab_finish(NULL, 0, NULL);
	/* Live across the calls, so that callee-saved registers matter. */
	uint64_t a = mem[0] + 1, b = mem[1] + 2, c = mem[2] + 3, d = mem[3] + 4;
	uint64_t interp = lab_run(prog, (uintptr_t)mem, MEM, 0), jit;

	TAP_CHECK(unverified_compile(prog) == 0);
	jit = lab_run(prog, (uintptr_t)mem, MEM, 0);
	tap_ok(interp == want && jit == want && a == mem[0] + 1 &&
		       b == mem[1] + 2 && c == mem[2] + 3 && d == mem[3] + 4,
	       "%s (interpreter %#llx, jit %#llx)", name,
	       (unsigned long long)interp, (unsigned long long)jit);
	unverified_free(prog);
}

static void
packets(void)
{
	memcpy(mem, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", 12);
	lab_put(0x20, 0, 0, 0, 1);
	lab_put(0x95, 0, 0, 0, 0);
	check_both("ld_abs word", 0x02030405);
	lab_put(0x28, 0, 0, 0, 3);
	lab_put(0x95, 0, 0, 0, 0);
	check_both("ld_abs half", 0x0405);
	lab_put(0x30, 0, 0, 0, 7);
	lab_put(0x95, 0, 0, 0, 0);
	check_both("ld_abs byte", 8);
	lab_put(0x20, 0, 0, 0, MEM - 3);
	lab_put(0x95, 0, 0, 0, 0);
	check_both("ld_abs past the end", 0);
	lab_put(0x30, 0, 0, 0, -1);
	lab_put(0x95, 0, 0, 0, 0);
	check_both("ld_abs far past the end", 0);
	for (uint32_t r = 0; r < 10; r++) {
		lab_put(0xb7, r, 0, 0, 2);
		lab_put(0x40, 0, r, 0, 1);
		lab_put(0x95, 0, 0, 0, 0);
		check_both("ld_ind word", 0x04050607);
		lab_put(0xb7, r, 0, 0, -2);
		lab_put(0x50, 0, r, 0, 3);
		lab_put(0x95, 0, 0, 0, 0);
		check_both("ld_ind byte", 2);
	}
	/* a subprogram returns 0, its caller goes on with what it had */
	for (uint32_t r = 6; r < 10; r++)
		lab_put(0xb7, r, 0, 0, 3);
	lab_put(0x85, 0, 1, 0, 6);
	lab_put(0x07, 0, 0, 0, 1);
	for (uint32_t r = 6; r < 10; r++)
		lab_put(0x0f, 0, r, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	for (uint32_t r = 6; r < 10; r++)
		lab_put(0xb7, r, 0, 0, 4);
	lab_put(0x7a, 10, 0, -8, 1);
	lab_put(0x30, 0, 0, 0, MEM);
	lab_put(0x95, 0, 0, 0, 0);
	check_both("ld_abs past the end in a subprogram", 13);
	lab_put(0xb7, 6, 0, 0, 400);
	lab_put(0x8d, 6, 0, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	check_both("callx of nothing", ~0ull);
}

/* ---- bytes put together ---- */

/* Bytes off and off + 1 of r1 in dst, the lower one in tmp, as clang does. */
static void
put_half(uint32_t dst, uint32_t tmp, int16_t off)
{
	lab_put(0x71, dst, 1, (int16_t)(off + 1), 0);
	lab_put(0x67, dst, 0, 0, 8);
	lab_put(0x71, tmp, 1, off, 0);
	lab_put(0x4f, dst, tmp, 0, 0);
}

static uint32_t
code_len(struct ebpf_prog *prog)
{
	return unverified_compile(prog) == 0 ? prog->image->code_len : 0;
}

static void
gathered_bytes(void)
{
	struct ebpf_prog *gathered, *whole, *apart;
	uint8_t *bytes = (uint8_t *)mem;

	for (uint32_t i = 0; i < MEM; i++)
		bytes[i] = (uint8_t)(0x81 + i * 3);
	put_half(2, 3, 5);
	put_half(0, 4, 7);
	lab_put(0x67, 0, 0, 0, 16);
	lab_put(0x4f, 0, 2, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	gathered = lab_finish(NULL, 0, NULL);
	lab_put(0x61, 0, 1, 5, 0);
	lab_put(0x95, 0, 0, 0, 0);
	whole = lab_finish(NULL, 0, NULL);
	tap_ok(code_len(gathered) == code_len(whole),
	       "four bytes put together are one load");
	tap_ok(lab_run(gathered, (uintptr_t)mem, MEM, 0) ==
		       lab_run(whole, (uintptr_t)mem, MEM, 0),
	       "of the same number");
	unverified_free(gathered);
	unverified_free(whole);

	/* the last load over the address, which is read again */
	lab_put(0xbf, 2, 1, 0, 0);
	lab_put(0x71, 0, 2, 6, 0);
	lab_put(0x67, 0, 0, 0, 8);
	lab_put(0x71, 2, 2, 5, 0);
	lab_put(0x4f, 0, 2, 0, 0);
	lab_put(0x67, 0, 0, 0, 8);
	lab_put(0x0f, 0, 2, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	apart = lab_finish(NULL, 0, NULL);
	TAP_CHECK(code_len(apart) > 0);
	tap_ok(lab_run(apart, (uintptr_t)mem, MEM, 0) ==
		       (bytes[6] * 256u + bytes[5]) * 256u + bytes[5],
	       "bytes of which one replaces their address");
	unverified_free(apart);

	/* somebody jumps between the loads */
	lab_put(0xb7, 0, 0, 0, 9);
	lab_put(0x15, 2, 0, 2, 0);
	lab_put(0x71, 0, 1, 6, 0);
	lab_put(0x67, 0, 0, 0, 8);
	lab_put(0x71, 3, 1, 5, 0);
	lab_put(0x4f, 0, 3, 0, 0);
	lab_put(0x95, 0, 0, 0, 0);
	apart = lab_finish(NULL, 0, NULL);
	TAP_CHECK(code_len(apart) > 0);
	tap_ok(lab_run(apart, (uintptr_t)mem, MEM, 0) ==
			       bytes[6] * 256u + bytes[5] &&
		       lab_run(apart, (uintptr_t)mem, 0, 0) == (9u | bytes[5]),
	       "bytes with a way in between them are not");
	unverified_free(apart);
}

int
main(void)
{
	const struct ebpf_kind *xdp;

	if (!lab_open("jit"))
		return lab_close();
	xdp = ebpf_kind_find(lab_rt, EBPF_PROG_XDP);
	arrays(EBPF_MAP_ARRAY, "array");
	percpu_arrays();
	hashes(EBPF_MAP_HASH, 4, "hash");
	hashes(EBPF_MAP_HASH, 8, "hash, 8 byte keys");
	hashes(EBPF_MAP_ARRAY, 4, "array");
	hashes(EBPF_MAP_PERCPU_ARRAY, 4, "percpu_array");
	chosen_map();
	fenced_lookup();
	near_helpers();
	tail_calls(NULL, "memory");
	tail_calls(xdp, "xdp");
	tail_call_arguments();
	packets();
	gathered_bytes();
	return lab_close();
}
