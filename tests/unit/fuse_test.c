/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Fusing: each line of fused.def with random registers and values leaves what
 * its instructions leave one after the other, in every form of the
 * interpreter; jumps into the middle; that it is undone without a trace; and
 * that the lines are chosen well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fuse.h"
#include "core/interp.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/test_run.h"
#include "interp_forms.h"
#include "progen.h"
#include "tap.h"
#include "unverified.h"

enum {
	MEM = 512,	/* bytes given to programs */
	REGS_IN = 0,	/* where in them registers come from */
	REGS_OUT = 128, /* and go to */
	MARKS = 256,
	PLAY = 288,	/* for loads and stores of the line itself */
	TRIES = 40,
	INDEX = 7,   /* the register with a small number */
	POINTER = 8, /* one that points to memory, to be written */
	BASE = 9,    /* one that always does */
	LINES = EBPF_FUSED_END - EBPF_OP_COUNT,
};

typedef uint64_t entry_fn(uint64_t r1, uint64_t r2, uint64_t r3,
			  const struct ebpf_prog *prog);
static const struct {
	const char *name;
	entry_fn *run;
} engines[] = {
	{ "the library's", ebpf_interp_run },
	{ "a switch", interp_run_switch },
	{ "clang's", interp_run_clang },
};
enum { ENGINES = sizeof(engines) / sizeof(engines[0]) };

static const char *const line_names[LINES] = {
#define EBPF_FUSED2(how, a, b) #how " " #a " " #b,
#define EBPF_FUSED3(how, a, b, c) #how " " #a " " #b " " #c,
#define EBPF_FUSED4(how, a, b, c, d) #how " " #a " " #b " " #c " " #d,
#include "core/fused.def"
};

static struct progen gen;

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(progen_number(&gen) >> 7) % n;
}

/* ---- what programs find ---- */

static uint64_t
weigh(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
      const struct ebpf_prog *prog)
{
	return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}

static const struct ebpf_helper helper = {
	.fn = weigh, .name = "weigh", .number = 5,
};
static const struct ebpf_helper *const helpers[] = { &helper };
static uint8_t values[32];
static struct ebpf_map_array array = {
	.map = { .key_size = 4, .value_size = 8, .max_entries = 4 },
	.index_mask = 3,
	.values = values,
};
static struct ebpf_map *maps[] = { &array.map };
static const struct unverified_options options = {
	.helpers = helpers,
	.helper_count = 1,
	.maps = maps,
	.map_count = 1,
};

static struct ebpf_prog *
build(void)
{
	char why[128];
	struct ebpf_prog *prog = unverified_prog(gen.insns, gen.count,
						 &options, why, sizeof(why));

	if (prog == NULL)
		tap_diag("not a program: %s", why);
	return prog;
}

/* All forms, fused and not, on the same memory; true: they agree. */
static bool
agree(struct ebpf_prog *prog, const uint8_t *before)
{
	static uint8_t expected[MEM], mem[MEM];
	uint64_t want = 0, got;
	bool same = true;

	for (uint32_t what = 0; what < 2; what++) {
		unverified_fuse(prog, what ? EBPF_FUSE_ALL : EBPF_FUSE_NONE);
		for (uint32_t i = 0; i < ENGINES; i++) {
			memcpy(mem, before, MEM);
			got = engines[i].run((uintptr_t)mem, MEM, 0, prog);
			if (what == 0 && i == 0) {
				memcpy(expected, mem, MEM);
				want = got;
				continue;
			}
			if (got == want && memcmp(mem, expected, MEM) == 0)
				continue;
			same = false;
			tap_diag("%s%s: r0 %#llx, expected %#llx",
				 engines[i].name, what ? ", fused" : "",
				 (unsigned long long)got,
				 (unsigned long long)want);
		}
	}
	return same;
}

/* ---- each line ---- */

/* One instruction of a line. dst: what a chain writes, -1 outside of one. */
static void
put(uint16_t code, int dst, bool first, bool address)
{
	const struct ebpf_op_info *info = &ebpf_op_info[code];
	uint32_t to = dst >= 0 ? (uint32_t)dst : below(6), from = below(6);
	int16_t off = (int16_t)(PLAY + 8 * below(8));
	int32_t imm = (int32_t)progen_number(&gen);

	while (dst >= 0 && !first && from == to)
		from = below(6);
	if (info->fn == EBPF_FN_LSH || info->fn == EBPF_FN_RSH ||
	    info->fn == EBPF_FN_ARSH)
		imm &= info->width - 1;
	switch (info->form) {
	case EBPF_FORM_ALU_IMM:
		progen_put(&gen, info->code, to, 0, 0, imm);
		break;
	case EBPF_FORM_ALU_REG:
		if (address)
			from = info->fn == EBPF_FN_MOV ? BASE : INDEX;
		progen_put(&gen, info->code, to, from, 0, 0);
		break;
	case EBPF_FORM_ENDIAN:
		progen_put(&gen, info->code, to, 0, 0, info->value);
		break;
	case EBPF_FORM_LDX:
		if (dst >= 0 && !first)
			progen_put(&gen, info->code, to, to, off, 0);
		else
			progen_put(&gen, info->code, to, BASE, off, 0);
		break;
	case EBPF_FORM_STX:
		progen_put(&gen, info->code, BASE, from, off, 0);
		break;
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
	case EBPF_FORM_JA:
		/* the distance is filled in when the line has its length */
		if (info->form == EBPF_FORM_JCC_REG)
			imm = 0;
		else
			from = 0;
		if (info->form == EBPF_FORM_JA)
			to = from = (uint32_t)(imm = 0);
		progen_put(&gen, info->code, to, from, 0, imm);
		break;
	case EBPF_FORM_LDDW:
		progen_put(&gen, info->code, to, 1, 0, 0);
		progen_put(&gen, 0, 0, 0, 0, 0);
		break;
	case EBPF_FORM_CALL:
		progen_put(&gen, info->code, 0, 0, 0, 5);
		break;
	default:
		progen_put(&gen, info->code, 0, 0, 0, 0);
		break;
	}
}

/* Whether an op of a line continues a chain. */
static bool
chained(const struct ebpf_fused_form *line, uint32_t i)
{
	return i > 0 && i >= line->chain_from && i <= line->chain_to;
}

/* Registers from memory, the line, a mark that jumps pass, registers out. */
static uint32_t
put_line(const struct ebpf_fused_form *line)
{
	uint32_t at, end, loads = 0;
	int dst = -1;

	gen.count = 0;
	progen_put(&gen, 0xbf, BASE, 1, 0, 0);
	for (uint32_t r = 0; r < 6; r++)
		progen_put(&gen, 0x79, r, BASE, (int16_t)(REGS_IN + 8 * r), 0);
	progen_put(&gen, 0xb7, 6, 0, 0, 6);
	progen_put(&gen, 0xb7, INDEX, 0, 0, 3);
	progen_put(&gen, 0xbf, POINTER, BASE, 0, 0);
	for (uint32_t i = 1; i < line->count; i++)
		loads += chained(line, i) &&
			 ebpf_op_info[line->code[i]].form == EBPF_FORM_LDX;
	if (line->chain_from > 0)
		dst = loads ? POINTER : (int)below(6);
	at = gen.count;
	for (uint32_t i = 0; i < line->count; i++)
		put(line->code[i],
		    chained(line, i) || chained(line, i + 1) ? dst : -1,
		    !chained(line, i), loads != 0);
	end = gen.count;
	for (uint32_t i = at; i < end; i++) {
		if ((gen.insns[i].code & 7) >= 5 && /* jumps, no call or exit */
		    gen.insns[i].code != 0x85 && gen.insns[i].code != 0x95 &&
		    (gen.insns[i].code & 7) != 7)
			gen.insns[i].off = (int16_t)(end - i);
	}
	progen_put(&gen, 0x7a, BASE, 0, MARKS, 1);
	progen_put(&gen, 0x7a, BASE, 0, MARKS + 8, 2);
	for (uint32_t r = 0; r < 9; r++)
		progen_put(&gen, 0x7b, BASE, r, (int16_t)(REGS_OUT + 8 * r),
			   0);
	progen_put(&gen, 0x95, 0, 0, 0, 0);
	return at;
}

/* The line itself, or a chain of the same instructions. */
static bool
stands_for(uint16_t code, const struct ebpf_fused_form *line)
{
	return code >= EBPF_OP_COUNT &&
	       memcmp(ebpf_fused_forms[code - EBPF_OP_COUNT].code, line->code,
		      sizeof(line->code)) == 0;
}

static bool
check_line(uint32_t line)
{
	uint8_t before[MEM];
	bool same = true;

	for (uint32_t try = 0; same && try < TRIES; try++) {
		uint32_t at = put_line(&ebpf_fused_forms[line]);
		struct ebpf_prog *prog = build();

		if (prog == NULL)
			return false;
		for (uint32_t i = 0; i < MEM; i += 8) {
			uint64_t number = progen_number(&gen);

			/* so that comparisons are equal now and then */
			if (try % 2)
				number = below(3);
			memcpy(before + i, &number, 8);
		}
		same = agree(prog, before);
		if (!stands_for(prog->ops[at].code, &ebpf_fused_forms[line])) {
			tap_diag("slot %u has code %u", at,
				 prog->ops[at].code);
			same = false;
		}
		unverified_free(prog);
	}
	return same;
}

static void
lines(void)
{
	uint32_t bad = 0;

	for (uint32_t line = 0; line < LINES; line++) {
		if (check_line(line))
			continue;
		tap_diag("%s", line_names[line]);
		bad++;
	}
	tap_ok(bad == 0, "%u lines do what their instructions do", LINES);
}

/* ---- jumps, distances, choices ---- */

/* A loop whose second round begins in the middle of a fused run. */
static void
middle(void)
{
	static const struct ebpf_insn insns[] = {
		{ 0xb7, 0x00, 0, 0 },	/* r0 = 0 */
		{ 0xb7, 0x02, 0, 0 },	/* r2 = 0 */
		{ 0xbf, 0x23, 0, 0 },	/* r3 = r2 */
		{ 0x07, 0x03, 0, 5 },	/* r3 += 5, entered again */
		{ 0x0f, 0x30, 0, 0 },	/* r0 += r3 */
		{ 0x07, 0x02, 0, 1 },	/* r2 += 1 */
		{ 0x15, 0x02, 1, 4 },	/* if r2 == 4 goto exit */
		{ 0x05, 0x00, -5, 0 },	/* goto r3 += 5 */
		{ 0x95, 0x00, 0, 0 },
	};
	uint8_t before[MEM] = { 0 };
	struct ebpf_prog *prog;

	gen.count = sizeof(insns) / sizeof(insns[0]);
	memcpy(gen.insns, insns, sizeof(insns));
	prog = build();
	tap_ok(agree(prog, before) &&
		       ebpf_interp_run(0, 0, 0, prog) == 5 + 10 + 15 + 20,
	       "a jump into the middle");
	tap_ok(prog->ops[2].code == EBPF_FUSED_CHAIN_MOV64_REG_ADD64_IMM &&
		       prog->ops[5].code ==
			       EBPF_FUSED_HEAD_ADD64_IMM_JEQ64_IMM_JA,
	       "copy and add, step and jump back are fused");
	unverified_free(prog);
}

/* Forms that end each step in a call would need a stack for these. */
static void
long_loop(void)
{
	static const struct ebpf_insn insns[] = {
		{ 0xb7, 0x00, 0, 0 },
		{ 0xbf, 0x03, 0, 0 },
		{ 0x4f, 0x43, 0, 0 },
		{ 0x07, 0x00, 0, 1 },
		{ 0x55, 0x00, -4, 1000000 },
		{ 0x95, 0x00, 0, 0 },
	};
	uint8_t before[MEM] = { 0 };
	struct ebpf_prog *prog;

	gen.count = sizeof(insns) / sizeof(insns[0]);
	memcpy(gen.insns, insns, sizeof(insns));
	prog = build();
	tap_ok(agree(prog, before), "a million rounds");
	unverified_free(prog);
}

static void
randoms(void)
{
	uint8_t before[MEM];
	uint32_t fused = 0, ops = 0, i;
	bool same = true, undone = true;

	for (uint64_t seed = 1; same && seed <= 150; seed++) {
		struct ebpf_op *linked, *again;
		struct ebpf_prog *prog;
		char why[128];
		size_t size;

		progen_random(&gen, seed, MEM);
		prog = unverified_prog(gen.insns, gen.count, progen_options(),
				       why, sizeof(why));
		if (prog == NULL) {
			tap_diag("seed %llu: %s", (unsigned long long)seed,
				 why);
			same = false;
			break;
		}
		for (i = 0; i < MEM; i++)
			before[i] = (uint8_t)progen_number(&gen);
		same = agree(prog, before);
		ops += prog->op_count;
		for (i = 0; i < prog->op_count; i++)
			fused += prog->ops[i].code >= EBPF_OP_COUNT;
		size = prog->op_count * sizeof(*linked);
		linked = malloc(size);
		again = malloc(size);
		memcpy(linked, prog->ops, size);
		ebpf_unfuse(prog, linked);
		memcpy(again, linked, size);
		ebpf_fuse(prog, again, EBPF_FUSE_ALL);
		undone &= memcmp(again, prog->ops, size) == 0;
		for (i = 0; i < prog->op_count; i++) {
			struct ebpf_op one = ebpf_unfused(&prog->ops[i]);

			undone &= linked[i].code < EBPF_OP_COUNT &&
				  memcmp(&one, &linked[i], sizeof(one)) == 0;
		}
		free(linked);
		free(again);
		unverified_free(prog);
		if (!same)
			tap_diag("seed %llu", (unsigned long long)seed);
	}
	tap_ok(same, "random programs are the same in every form");
	tap_ok(undone && fused > 0, "and are as they were when it is undone");
	tap_diag("%u of %u ops begin a fused run", fused, ops);
}

/*
 * A compiled program is fused only when somebody wants it interpreted, which
 * nobody sees but by the time it takes.
 */
static void
compiled(void)
{
	const struct ebpf_insn insns[] = {
		{ 0xb7, 0x00, 0, 1 }, /* r0 = 1 */
		{ 0xbf, 0x06, 0, 0 }, /* r6 = r0 */
		{ 0x07, 0x06, 0, 3 }, /* r6 += 3 */
		{ 0x85, 0x10, 0, 2 }, /* r0 = f() */
		{ 0x0f, 0x60, 0, 0 }, /* r0 += r6 */
		{ 0x95, 0x00, 0, 0 },
		{ 0xb7, 0x00, 0, 4 }, /* f: r0 = 4 */
		{ 0x07, 0x00, 0, 5 },
		{ 0x95, 0x00, 0, 0 },
	};
	enum { COUNT = sizeof(insns) / sizeof(insns[0]) };
	struct ebpf_load load = {
		.size = sizeof(load), .kind = EBPF_PROG_XDP, .insns = insns,
		.insn_count = COUNT, .engine = EBPF_LOAD_JIT,
	};
	struct ebpf_test_run test = {
		.engine = EBPF_ENGINE_INTERP, .repeat = 1,
		.data_len = 64,
	};
	uint8_t packet[64] = { 0 };
	struct ebpf_insn dumps[2][COUNT];
	struct ebpf_prog *prog;
	struct ebpf_runtime *rt;
	uint32_t fused[2] = { 0, 0 };

	if (ebpf_jit_host() == NULL) {
		tap_skip("no JIT for this machine", "jit");
		return;
	}
	TAP_CHECK(ebpf_runtime_create(NULL, &rt) == 0);
	TAP_CHECK(ebpf_prog_load(rt, &load, &prog) == 0);
	test.data = packet;
	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < COUNT; i++) {
			fused[pass] += prog->ops[i].code >= EBPF_OP_COUNT;
			dumps[pass][i] = ebpf_prog_xlated(prog, i);
		}
		TAP_CHECK(ebpf_test_run(prog, &test) == 0);
		tap_ok(test.retval == 13, "%s", pass ? "and once more" :
			"a compiled program is interpreted");
	}
	tap_ok(fused[0] == 0 && fused[1] > 0 &&
		       memcmp(dumps[0], dumps[1], sizeof(dumps[0])) == 0,
	       "it is fused for that, and its dump stays as it was");
	ebpf_prog_put(prog);
	ebpf_runtime_destroy(rt);
}

int
main(void)
{
	progen_random(&gen, 1, MEM); /* seeds the numbers */
	lines();
	middle();
	long_loop();
	randoms();
	compiled();
	return tap_done();
}
