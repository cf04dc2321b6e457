/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The JIT against the interpreter: every arithmetic and jump instruction with
 * every pair of registers and interesting operands, then random programs.
 * Equal means: r0, all registers, the memory given and the stack.
 *
 *	jit_diff_test [--seed N] [--seconds N]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/insn.h"
#include "core/interp.h"
#include "core/jit/jit.h"
#include "core/jit/jit_buf.h"
#include "core/runtime.h"
#include "progen.h"
#include "tap.h"
#include "unverified.h"

enum {
	MEM = 512, /* bytes given to programs */
};

static uint64_t mem[MEM / 8], before[MEM / 8], expected[MEM / 8];
static uint64_t runs, differences;

static const uint64_t numbers[] = {
	0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7fff,
	0x8000, 0xffff, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe,
	0xffffffff, 0x100000000, 0x123456789abcdef0, 0x7fffffffffffffff,
	0x8000000000000000, 0x8000000000000001, 0xfffffffffffffffe,
	0xffffffffffffffff, 0xffffffff80000000, 0xffffffff7fffffff,
};
static const int32_t immediates[] = {
	0, 1, 2, 3, 5, 7, 9, 10, 16, 31, 32, 33, 63, 100, 127, 128, 255, 256,
	641, 1000, 0x7fff, 0xffff, 0x10000, 1000003, INT32_MAX, INT32_MIN,
	INT32_MIN + 1, -1, -2, -3, -7, -127, -128, -129, -1000003,
};
enum {
	NUMBERS = sizeof(numbers) / sizeof(numbers[0]),
	IMMEDIATES = sizeof(immediates) / sizeof(immediates[0]),
};

static void
show(const struct progen *gen)
{
	for (uint32_t i = 0; i < gen->count; i++) {
		const struct ebpf_insn *insn = &gen->insns[i];

		tap_diag("%3u: code %02x dst %u src %u off %d imm %d", i,
			 insn->code, insn->regs & 15, insn->regs >> 4,
			 insn->off, insn->imm);
	}
}

/* Run on a copy of before[] with both engines; true when nothing differs. */
static bool
compare(struct ebpf_prog *prog, const struct progen *gen)
{
	uint64_t want, got;

	memcpy(mem, before, MEM);
	want = ebpf_interp_run((uintptr_t)mem, MEM, 0, prog);
	memcpy(expected, mem, MEM);
	memcpy(mem, before, MEM);
	got = prog->entry((uintptr_t)mem, MEM, 0, prog);
	runs++;
	if (want == got && memcmp(mem, expected, MEM) == 0)
		return true;
	if (differences++ < 3) {
		tap_diag("r0: interpreter %#llx, jit %#llx",
			 (unsigned long long)want, (unsigned long long)got);
		for (uint32_t i = 0; i < MEM / 8; i++) {
			if (mem[i] != expected[i])
				tap_diag("mem[%u] was %#llx: interpreter %#llx, "
					 "jit %#llx", i * 8,
					 (unsigned long long)before[i],
					 (unsigned long long)expected[i],
					 (unsigned long long)mem[i]);
		}
		if (gen->count < 200)
			show(gen);
	}
	return false;
}

static struct ebpf_prog *
build(const struct progen *gen)
{
	struct ebpf_prog *prog;
	char why[128];
	int err;

	prog = unverified_prog(gen->insns, gen->count, progen_options(), why,
			       sizeof(why));
	if (prog == NULL) {
		tap_diag("not a program: %s", why);
		show(gen);
		return NULL;
	}
	/* every other one with its constants out of sight */
	prog->obj.rt->config.harden = gen->state & 1 ? EBPF_HARDEN_CONSTANTS :
						       0;
	err = unverified_compile(prog);
	prog->obj.rt->config.harden = 0;
	if (err != 0) {
		tap_diag("compile: %d", err);
		show(gen);
		unverified_free(prog);
		return NULL;
	}
	return prog;
}

/* ---- one instruction at a time ---- */

/* r_dst = mem[0], r_src = mem[1], others apart; op; all registers to mem. */
static bool
single(const struct ebpf_op_info *info, uint32_t dst, uint32_t src, int32_t imm,
       bool vary_src)
{
	struct progen gen = { .count = 0 };
	struct ebpf_prog *prog;
	uint32_t base = 9;
	bool jump = info->form == EBPF_FORM_JCC_IMM ||
		    info->form == EBPF_FORM_JCC_REG, same = true;
	int16_t off = 0;

	while (base == dst || base == src)
		base--;
	progen_put(&gen, 0xbf, base, 1, 0, 0);
	for (uint32_t r = 0; r < 10; r++) {
		if (r == dst)
			progen_put(&gen, 0x79, r, base, 0, 0);
		else if (r == src)
			progen_put(&gen, 0x79, r, base, 8, 0);
		else if (r != base)
			progen_put(&gen, 0xb7, r, 0, 0, (int32_t)(0x1000 + r));
	}
	if (info->sel == EBPF_SEL_OFF)
		off = (int16_t)info->value;
	if (info->sel == EBPF_SEL_IMM)
		imm = info->value;
	if (jump)
		off = 1;
	progen_put(&gen, info->code, dst, vary_src ? src : 0, off,
		   vary_src ? 0 : imm);
	if (jump)
		progen_put(&gen, 0x7a, base, 0, 200, 1);
	for (uint32_t r = 0; r < 10; r++) {
		if (r != base)
			progen_put(&gen, 0x7b, base, r, (int16_t)(16 + 8 * r),
				   0);
	}
	progen_put(&gen, 0xb7, 0, 0, 0, 0);
	progen_put(&gen, 0x95, 0, 0, 0, 0);
	prog = build(&gen);
	if (prog == NULL)
		return false;
	memset(before, 0, MEM);
	for (uint32_t a = 0; a < NUMBERS; a++) {
		before[0] = numbers[a];
		for (uint32_t b = 0; b < (vary_src ? NUMBERS : 1); b++) {
			before[1] = numbers[b];
			same &= compare(prog, &gen);
		}
	}
	/* the edges of quotients by constants */
	for (uint32_t i = 0; !vary_src && imm != 0 && i < 64; i++) {
		uint64_t divisor = info->width == 32 ? (uint32_t)imm :
						       (uint64_t)(int64_t)imm;
		uint64_t most = info->width == 32 ? UINT32_MAX : UINT64_MAX;

		before[0] = (most / divisor - (i / 3)) * divisor + i % 3 - 1;
		same &= compare(prog, &gen);
	}
	unverified_free(prog);
	return same;
}

static void
singles(const char *what)
{
	for (uint32_t code = 0; code < EBPF_OP_COUNT; code++) {
		const struct ebpf_op_info *info = &ebpf_op_info[code];
		bool same = true;

		switch (info->form) {
		case EBPF_FORM_ALU_REG:
		case EBPF_FORM_JCC_REG:
			for (uint32_t dst = 0; dst < 10; dst++) {
				for (uint32_t src = 0; src < 10; src++)
					same &= single(info, dst, src, 0, true);
			}
			break;
		case EBPF_FORM_ALU_IMM:
		case EBPF_FORM_JCC_IMM:
			for (uint32_t dst = 0; dst < 10; dst++) {
				for (uint32_t i = 0; i < IMMEDIATES; i++) {
					int32_t imm = immediates[i];

					if (info->fn == EBPF_FN_LSH ||
					    info->fn == EBPF_FN_RSH ||
					    info->fn == EBPF_FN_ARSH)
						imm &= info->width - 1;
					same &= single(info, dst, dst, imm,
						       false);
				}
			}
			break;
		case EBPF_FORM_ALU_UNARY:
		case EBPF_FORM_ENDIAN:
			for (uint32_t dst = 0; dst < 10; dst++)
				same &= single(info, dst, dst, 0, false);
			break;
		default:
			continue;
		}
		if (!same)
			tap_ok(false, "%s: opcode %02x, row %u", what,
			       info->code, code);
	}
	tap_ok(differences == 0, "%s: single instructions", what);
}

/* ---- random programs ---- */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
randoms(const char *what, uint64_t seed, double seconds)
{
	double end = now() + seconds;
	uint64_t made = 0;
	static struct progen gen;
	bool same = true;

	while (same && now() < end) {
		struct ebpf_prog *prog;

		progen_random(&gen, seed, MEM);
		prog = build(&gen);
		if (prog == NULL) {
			same = false;
			break;
		}
		for (uint32_t i = 0; i < 4; i++) {
			for (uint32_t j = 0; j < MEM / 8; j++)
				before[j] = progen_number(&gen);
			same &= compare(prog, &gen);
		}
		unverified_free(prog);
		if (same)
			seed++;
		made++;
	}
	tap_ok(same, "%s: %llu random programs agree (next seed %llu)", what,
	       (unsigned long long)made, (unsigned long long)seed);
	if (!same)
		tap_diag("again: jit_diff_test --seed %llu",
			 (unsigned long long)seed);
}

/* ---- programs that the verifier accepts, with maps ---- */

enum {
	MAPS = 3,
};

struct side {
	struct ebpf_map *maps[MAPS];
	struct ebpf_prog *prog;
};

static struct ebpf_runtime *rt;

static int
load_side(struct side *side, const struct progen *gen, uint32_t engine,
	  char *log, size_t log_size)
{
	struct ebpf_load load = {
		.size = sizeof(load), .kind = EBPF_PROG_RAW, .engine = engine,
		.insns = gen->insns, .insn_count = gen->count, .mem_size = MEM,
		.maps = side->maps, .map_count = MAPS, .log = log,
		.log_size = log_size,
	};

	return ebpf_prog_load(rt, &load, &side->prog);
}

static int
make_maps(struct side *side)
{
	static const uint32_t kinds[MAPS] = {
		EBPF_MAP_ARRAY, EBPF_MAP_HASH, EBPF_MAP_PERCPU_ARRAY,
	};
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < MAPS; i++) {
		struct ebpf_map_spec spec = {
			.size = sizeof(spec), .kind = kinds[i], .key_size = 4,
			.value_size = PROGEN_VALUE, .max_entries = PROGEN_KEYS,
		};

		err = ebpf_map_create(rt, &spec, &side->maps[i]);
	}
	return err;
}

static bool
same_maps(const struct side *a, const struct side *b)
{
	static uint8_t values[2][65536];

	for (uint32_t i = 0; i < MAPS; i++) {
		uint32_t size = ebpf_map_user_value_size(a->maps[i]);

		for (uint32_t key = 0; key < PROGEN_KEYS; key++) {
			int found[2];

			memset(values, 0, sizeof(values));
			if (size > sizeof(values[0]))
				return false;
			found[0] = ebpf_map_read(a->maps[i], &key, values[0]);
			found[1] = ebpf_map_read(b->maps[i], &key, values[1]);
			if (found[0] != found[1] ||
			    memcmp(values[0], values[1], size) != 0) {
				tap_diag("map %u, key %u differs", i, key);
				return false;
			}
		}
	}
	return true;
}

static bool
compare_sides(const struct side *interp, const struct side *jit,
	      struct progen *gen)
{
	struct ebpf_section section;
	bool same = true;

	/* One section, one CPU: per-CPU values are comparable. */
	ebpf_section_enter(&section);
	for (uint32_t i = 0; same && i < 4; i++) {
		uint64_t want, got;

		for (uint32_t j = 0; j < MEM / 8; j++)
			before[j] = progen_number(gen);
		memcpy(mem, before, MEM);
		want = ebpf_prog_run_raw(interp->prog, mem, MEM);
		memcpy(expected, mem, MEM);
		memcpy(mem, before, MEM);
		got = ebpf_prog_run_raw(jit->prog, mem, MEM);
		runs++;
		same = want == got && memcmp(mem, expected, MEM) == 0;
		if (!same)
			tap_diag("r0 %#llx and %#llx",
				 (unsigned long long)want,
				 (unsigned long long)got);
	}
	ebpf_section_leave(&section);
	return same && same_maps(interp, jit);
}

static void
verified(uint64_t seed, double seconds)
{
	double end = now() + seconds;
	static struct progen gen;
	uint64_t accepted = 0, refused = 0, first = seed;
	char log[512];
	bool same = true;

	if (ebpf_runtime_create(NULL, &rt) != 0 ||
	    ebpf_helper_register(rt, &progen_helper_hash) != 0 ||
	    ebpf_helper_register(rt, &progen_helper_env) != 0) {
		tap_ok(false, "a runtime for verified programs");
		return;
	}
	for (; same && now() < end; seed++) {
		struct side interp = { .prog = NULL }, jit = { .prog = NULL };
		int err;

		progen_verified(&gen, seed, MEM);
		if (make_maps(&interp) != 0 || make_maps(&jit) != 0) {
			same = false;
			tap_diag("maps cannot be made");
		}
		err = load_side(&interp, &gen, EBPF_LOAD_INTERP, log,
				sizeof(log));
		/* every other one hardened, which changes no result */
		rt->config.harden = seed & 1 ? EBPF_HARDEN_ALL : 0;
		if (err == 0)
			err = load_side(&jit, &gen, EBPF_LOAD_JIT, log,
					sizeof(log));
		rt->config.harden = 0;
		if (err == 0) {
			same &= compare_sides(&interp, &jit, &gen);
			accepted++;
		} else if (refused++ < 3) {
			tap_diag("seed %llu refused: %.300s",
				 (unsigned long long)seed, log);
		}
		if (!same)
			tap_diag("seed %llu differs", (unsigned long long)seed);
		ebpf_prog_put(interp.prog);
		ebpf_prog_put(jit.prog);
		for (uint32_t i = 0; i < MAPS; i++) {
			ebpf_map_put(interp.maps[i]);
			ebpf_map_put(jit.maps[i]);
		}
	}
	os_epoch_drain();
	tap_ok(same && accepted > refused,
	       "verified: %llu programs agree, %llu refused (first seed %llu)",
	       (unsigned long long)accepted, (unsigned long long)refused,
	       (unsigned long long)first);
	ebpf_runtime_destroy(rt);
}

int
main(int argc, char **argv)
{
	uint64_t seed = (uint64_t)time(NULL) * 1000003;
	double seconds = 2;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--seconds") == 0)
			seconds = atof(argv[i + 1]);
	}
	if (ebpf_jit_host() == NULL) {
		tap_skip("no JIT for this machine", "engines agree");
		return tap_done();
	}
	tap_diag("seed %llu", (unsigned long long)seed);
	singles("all features");
	randoms("all features", seed, seconds / 2);
	ebpf_jit_features_mask(0);
	singles("no features");
	randoms("no features", seed, seconds / 2);
	ebpf_jit_features_mask(~0u);
	verified(seed, seconds / 2);
	tap_diag("%llu runs compared", (unsigned long long)runs);
	return tap_done();
}
