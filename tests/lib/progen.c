/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The generator of progen.h. A function is: take over the memory pointer, fill
 * the registers and some stack with numbers, a body of random pieces (single
 * instructions, jumps forward, counted loops, calls), then write every register
 * and the stack to memory, so that any difference shows.
 */
#include "progen_draw.h"

#include "abi/helper.h"
#include "core/decode.h"
#include "core/ebpf.h"
#include "unverified.h"

static uint64_t
hash_args(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
	  const struct ebpf_prog *prog)
{
	/* what C may rely on when it is called: an aligned stack */
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0) & 15;

	return (((((a * 31 + b) * 31 + c) * 31 + d) * 31 + e) ^ a >> 7) + frame;
}

static uint64_t
with_env(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
	 const struct ebpf_prog *prog)
{
	return a + b * 3 + c * 5 + d * 7 + e * 11 +
	       (prog != NULL ? prog->op_count : 0);
}

const struct ebpf_helper progen_helper_hash = {
	.fn = hash_args, .name = "hash", .number = 100,
	.kinds = EBPF_KINDS_ALL, .ret = EBPF_RET_INT,
	.args = { EBPF_ARG_SCALAR, EBPF_ARG_SCALAR, EBPF_ARG_SCALAR,
		  EBPF_ARG_SCALAR, EBPF_ARG_SCALAR },
};
const struct ebpf_helper progen_helper_env = {
	.fn = with_env, .name = "env", .number = 101, .kinds = EBPF_KINDS_ALL,
	.flags = EBPF_HELPER_ENV, .ret = EBPF_RET_INT,
	.args = { EBPF_ARG_SCALAR, EBPF_ARG_SCALAR, EBPF_ARG_SCALAR,
		  EBPF_ARG_SCALAR, EBPF_ARG_SCALAR },
};
/* Engines make a loop of it. */
static const struct ebpf_helper loop_helper = {
	.fn = hash_args, .name = "loop", .number = EBPF_FUNC_loop,
	.flags = EBPF_HELPER_LOOP,
};
static const struct ebpf_helper *const helpers[] = {
	&progen_helper_hash, &progen_helper_env, &loop_helper,
};

const struct unverified_options *
progen_options(void)
{
	static const struct unverified_options options = {
		.helpers = helpers, .helper_count = 3,
	};

	return &options;
}

uint64_t
progen_number(struct progen *gen)
{
	uint64_t n = next(gen);

	switch (below(gen, 8)) {
	case 0:
		return n & 0xff;
	case 1:
		return 1ull << (n & 63);
	case 2:
		return (1ull << (n & 63)) - 1;
	case 3:
		return 0 - (n & 0xff);
	case 4:
		return n & 0xffffffff;
	case 5:
		return (uint64_t)(int64_t)(int32_t)n;
	case 6:
		return n & 3;
	default:
		return n;
	}
}

void
progen_put(struct progen *gen, uint8_t code, uint32_t dst, uint32_t src,
	   int16_t off, int32_t imm)
{
	struct ebpf_insn *insn;

	if (gen->count == PROGEN_MAX)
		__builtin_trap();
	insn = &gen->insns[gen->count++];
	insn->code = code;
	insn->regs = (uint8_t)(dst | src << 4);
	insn->off = off;
	insn->imm = imm;
}

static void
call(struct progen *gen)
{
	if (!gen->verified && below(gen, 8) == 0) { /* by number in a register */
		uint32_t reg = target(gen);

		progen_put(gen, 0xb7, reg, 0, 0, 100 + (int32_t)below(gen, 2));
		progen_put(gen, 0x8d, reg, 0, 0, 0);
	} else if (below(gen, 3) == 0) {
		/* the function of numbers, called by bpf_loop */
		load_number(gen, 0);
		progen_put(gen, 0xb7, 1, 0, 0, (int32_t)below(gen, 12));
		progen_put(gen, 0x18, 2, 4, 0, 0);
		progen_put(gen, 0, 0, 0, 0, 0);
		if (gen->verified) {
			progen_put(gen, 0xbf, 3, 10, 0, 0);
			progen_put(gen, 0x07, 3, 0, 0, -STACK);
		} else { /* unverified programs are short of stack */
			progen_put(gen, 0xbf, 3, gen->base, 0, 0);
		}
		progen_put(gen, 0xb7, 4, 0, 0, below(gen, 16) == 0);
		progen_put(gen, 0x85, 0, 0, 0, EBPF_FUNC_loop);
	} else if (gen->depth < FUNCS && below(gen, 2)) {
		/* src 1; the distance is found when the function is placed */
		progen_put(gen, 0xbf, 1, gen->base, 0, 0);
		progen_put(gen, 0x85, 0, 1, 0, (int32_t)gen->depth + 1);
	} else {
		progen_put(gen, 0x85, 0, 0, 0, 100 + (int32_t)below(gen, 2));
	}
	for (uint32_t r = 1; r <= 5; r++)
		load_number(gen, r);
}

/* The key at the bottom of the stack; r2 points to it, r1 to a map. */
static void
map_arguments(struct progen *gen, uint32_t map)
{
	if (below(gen, 2)) {
		progen_put(gen, 0x62, 10, 0, KEY,
			   (int32_t)below(gen, PROGEN_KEYS));
	} else {
		uint32_t reg = target(gen);

		progen_put(gen, 0x54, reg, 0, 0, 7);
		progen_put(gen, 0x63, 10, reg, KEY, 0);
	}
	progen_put(gen, 0xbf, 2, 10, 0, 0);
	progen_put(gen, 0x07, 2, 0, 0, KEY);
	progen_put(gen, 0x18, 1, 5, 0, (int32_t)map);
	progen_put(gen, 0, 0, 0, 0, 0);
}

/* Look up and change a value, or update or delete an element. */
static void
use_map(struct progen *gen)
{
	static const uint8_t stores[] = { 0x63, 0x6b, 0x73, 0x7b };
	uint32_t map = below(gen, 3), what = below(gen, 4), at;

	map_arguments(gen, map);
	if (what == 0) {
		progen_put(gen, 0xbf, 3, 10, 0, 0);
		progen_put(gen, 0x07, 3, 0, 0, -STACK);
		progen_put(gen, 0xb7, 4, 0, 0, (int32_t)below(gen, 4));
		progen_put(gen, 0x85, 0, 0, 0, 2);
	} else if (what == 1) {
		progen_put(gen, 0x85, 0, 0, 0, 3);
	} else {
		progen_put(gen, 0x85, 0, 0, 0, 1);
		at = gen->count;
		progen_put(gen, 0x15, 0, 0, 0, 0);
		progen_put(gen, 0x79, 1, 0, 8 * (int16_t)below(gen, 2), 0);
		load_number(gen, 2);
		progen_put(gen, stores[below(gen, 4)], 0, 2,
			   8 * (int16_t)below(gen, 2), 0);
		progen_put(gen, 0xdb, 0, 2, 8 * (int16_t)below(gen, 2), 1);
		progen_put(gen, 0xdb, gen->base, 1, 0, 0);
		gen->insns[at].off = (int16_t)(gen->count - at - 1);
		load_number(gen, 0);
	}
	for (uint32_t r = 1; r <= 5; r++)
		load_number(gen, r);
}

static void body(struct progen *gen, uint32_t pieces, bool in_loop);

/* A conditional jump over some pieces, sometimes over a jump over them. */
static void
branch(struct progen *gen, uint32_t pieces, bool in_loop)
{
	const struct ebpf_op_info *info;
	uint32_t at, over = 0;

	do
		info = &ebpf_op_info[below(gen, EBPF_OP_COUNT)];
	while (info->form != EBPF_FORM_JCC_IMM &&
	       info->form != EBPF_FORM_JCC_REG);
	at = gen->count;
	if (info->form == EBPF_FORM_JCC_IMM)
		progen_put(gen, info->code, source(gen), 0, 0,
			   (int32_t)progen_number(gen));
	else
		progen_put(gen, info->code, source(gen), source(gen), 0, 0);
	if (below(gen, 4) == 0) {
		gen->insns[at].off = 1;
		over = gen->count;
		progen_put(gen, below(gen, 2) ? 0x05 : 0x06, 0, 0, 0, 0);
	}
	body(gen, pieces, in_loop);
	if (over == 0) {
		gen->insns[at].off = (int16_t)(gen->count - at - 1);
	} else if (gen->insns[over].code == 0x05) {
		gen->insns[over].off = (int16_t)(gen->count - over - 1);
	} else {
		gen->insns[over].imm = (int32_t)(gen->count - over - 1);
	}
}

/* Counted, the counter in a register of its own or on the stack. */
static void
loop(struct progen *gen, uint32_t pieces)
{
	uint32_t counter, start;

	do
		counter = gen->calls ? 6 + below(gen, 4) : 1 + below(gen, 9);
	while (counter == gen->base);
	progen_put(gen, 0xb7, counter, 0, 0, 1 + (int32_t)below(gen, 4));
	start = gen->count;
	gen->counter = counter;
	body(gen, pieces, true);
	gen->counter = 0;
	progen_put(gen, 0x07, counter, 0, 0, -1);
	progen_put(gen, below(gen, 2) ? 0x55 : 0x25, counter, 0,
		   (int16_t)((int32_t)start - (int32_t)gen->count - 1), 0);
}

static void
body(struct progen *gen, uint32_t pieces, bool in_loop)
{
	for (uint32_t i = 0; i < pieces; i++) {
		uint32_t kind = below(gen, 32);

		if (kind == 0 && gen->calls && !in_loop)
			call(gen);
		else if (kind == 1 && gen->calls && gen->verified &&
			 gen->counter == 0)
			use_map(gen);
		else if (kind <= 3)
			branch(gen, 1 + below(gen, 6), in_loop);
		else if (kind == 4 && gen->counter == 0)
			loop(gen, 1 + below(gen, 8));
		else if (kind <= 9)
			progen_idiom(gen);
		else if (kind <= 13 && !gen->callback)
			progen_together(gen);
		else
			progen_simple(gen);
	}
}

static void
function(struct progen *gen, uint32_t pieces)
{
	uint32_t sum;

	gen->base = gen->calls ? 6 + below(gen, 4) : 1 + below(gen, 9);
	gen->counter = 0;
	if (gen->callback) { /* r1 is how often it was called before */
		gen->base = 6 + below(gen, 4);
		progen_put(gen, 0xbf, gen->base, 2, 0, 0);
		progen_put(gen, 0xdb, 2, 1, 8, 0);
	} else if (gen->base != 1) {
		progen_put(gen, 0xbf, gen->base, 1, 0, 0);
	}
	if (gen->depth == 0 && !gen->callback) {
		/* so that there always is a callback */
		progen_put(gen, 0x18, gen->base == 2 ? 3 : 2, 4, 0, 0);
		progen_put(gen, 0, 0, 0, 0, 0);
	}
	for (uint32_t r = 0; r < 10; r++) {
		if (r != gen->base)
			load_number(gen, r);
	}
	for (int16_t off = -STACK; off < 0; off += 8)
		progen_put(gen, 0x7b, 10, target(gen), off, 0);
	body(gen, pieces, false);
	/* Everything into memory, mixed with what is there. */
	for (uint32_t r = 0; r < 10; r++) {
		if (r != gen->base)
			progen_put(gen, 0xdb, gen->base, r,
				   (int16_t)(8 * r % gen->mem), 0xa0);
	}
	sum = gen->base == 1 ? 2 : 1;
	for (int16_t off = -STACK; off < 0; off += 8) {
		progen_put(gen, 0x79, sum, 10, off, 0);
		progen_put(gen, 0x2f, 0, sum, 0, 0);
		progen_put(gen, 0x0f, 0, sum, 0, 0);
	}
	if (gen->callback) { /* stop now and then */
		progen_put(gen, 0x57, 0, 0, 0, 7);
		progen_put(gen, 0x15, 0, 0, 2, 0);
		progen_put(gen, 0xb7, 0, 0, 0, 0);
		progen_put(gen, 0x95, 0, 0, 0, 0);
		progen_put(gen, 0xb7, 0, 0, 0, 1);
	}
	progen_put(gen, 0x95, 0, 0, 0, 0);
}

/* What bpf_loop calls; its memory is the stack of who calls bpf_loop. */
static void
callback(struct progen *gen)
{
	bool calls = gen->calls;
	uint32_t mem = gen->mem;

	gen->calls = false;
	gen->callback = true;
	gen->mem = STACK;
	function(gen, 1 + below(gen, 8));
	gen->mem = mem;
	gen->callback = false;
	gen->calls = calls;
}

static void
generate(struct progen *gen, uint64_t seed, uint32_t mem, bool verified)
{
	uint32_t starts[FUNCS + 1], pieces, at_callback = 0;

	gen->state = seed;
	gen->count = 0;
	gen->mem = mem;
	gen->depth = 0;
	gen->callback = false;
	gen->verified = verified;
	gen->calls = below(gen, 2);
	/* Now and then long enough for long jumps. */
	pieces = !verified && below(gen, 8) == 0 ? 200 : 1 + below(gen, 40);
	for (uint32_t i = 0; i <= FUNCS; i++) {
		starts[i] = gen->count;
		gen->depth = i;
		function(gen, i == 0 ? pieces : 1 + below(gen, 10));
		if (i == 0) {
			at_callback = gen->count;
			callback(gen);
		}
	}
	for (uint32_t i = 0; i < gen->count; i++) {
		struct ebpf_insn *insn = &gen->insns[i];

		if (insn->code == 0x18 && insn->regs >> 4 == 4)
			insn->imm = (int32_t)at_callback - (int32_t)i - 1;
		if (insn->code == 0x18)
			i++;
		else if (insn->code == 0x85 && insn->regs == 0x10)
			insn->imm = (int32_t)starts[insn->imm] - (int32_t)i - 1;
	}
	/* Functions nobody calls would belong to the one before them. */
	for (uint32_t f = 1; f <= FUNCS; f++) {
		bool called = false;

		for (uint32_t i = starts[f - 1]; i < starts[f]; i++) {
			const struct ebpf_insn *insn = &gen->insns[i];

			if (insn->code == 0x18)
				i++;
			else if (insn->code == 0x85 && insn->regs == 0x10)
				called = true;
		}
		if (!called) {
			gen->count = starts[f];
			break;
		}
	}
}

void
progen_random(struct progen *gen, uint64_t seed, uint32_t mem)
{
	generate(gen, seed, mem, false);
}

void
progen_verified(struct progen *gen, uint64_t seed, uint32_t mem)
{
	generate(gen, seed, mem, true);
}
