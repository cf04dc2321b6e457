/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite compute: programs that call nothing, through the JIT, the interpreter,
 * Linux's JIT and, from the same text, the C compiler (-O2 without
 * vectorising, which BPF has no form for).
 */
#include <string.h>

#include "bench/bench_linux.h"
#include "bench/bench_program.h"
#include "bench/programs/compute.bpf.c"
#include "core/interp.h"
#include "core/jit/jit.h"

enum { JIT, LINUX, NATIVE, INTERP };
enum { JIT_LINUX, JIT_NATIVE, INTERP_NATIVE };

struct native {
	int (*fn)(struct bench_native *ctx);
	struct bench_native ctx;
	uint8_t packet[BENCH_PACKET] __attribute__((aligned(64)));
};

static const struct program {
	const char *name;
	int (*native)(struct bench_native *ctx);
} programs[] = {
	{ "lcg", bench_lcg },		{ "primes", bench_primes },
	{ "crc32", bench_crc32 },	{ "checksum", bench_checksum },
	{ "memcpy", bench_memcpy },	{ "bits", bench_bits },
	{ "sort", bench_sort },		{ "parse", bench_parse },
	{ "empty", bench_empty },
};

/* Frames that every branch of parse sees; numbers to sort; p[0] is 0. */
static void
fill_packet(uint8_t *packet)
{
	uint32_t x = 1;

	for (uint32_t i = 0; i < COMPUTE_BYTES; i++) {
		x = x * 1103515245 + 12345;
		packet[i] = (uint8_t)(x >> 16);
	}
	packet[0] = 0;
	for (uint32_t i = 0; i < 14; i++) {
		uint8_t *p = packet + 64 * i;
		uint32_t at = 12;

		for (uint32_t tags = i % 3; tags > 0; tags--, at += 4) {
			p[at] = 0x81;
			p[at + 1] = 0;
		}
		p[at] = i % 4 == 3 ? 0x86 : 8;
		p[at + 1] = i % 4 == 3 ? 0xdd : 0;
		p[at + 2] = i % 4 == 3 ? 0x60 : 0x45;
		p[at + 11] = i % 5 == 4 ? 17 : 6;
		p[at + 8] = 6;
	}
}

static double
run_native(void *cookie, uint64_t repeat)
{
	struct native *native = cookie;
	int (*volatile fn)(struct bench_native *) = native->fn;
	double start = bench_cpu_ns();

	while (repeat-- > 0)
		fn(&native->ctx);
	return bench_cpu_ns() - start;
}

/* All must have the same answer before their times mean anything. */
static int
check_equal(struct bench_home *home, const char *name, struct bench_pair *pair,
	    struct native *native)
{
	uintptr_t ctx = (uintptr_t)&pair->ctx;
	uint32_t right = (uint32_t)native->fn(&native->ctx), jit, interp;
	struct bench_linux_run run = {
		.data = pair->linux_packet,
		.data_len = pair->packet_len,
		.repeat = 1,
		.retval = right,
	};
	struct ebpf_section section;

	ebpf_section_enter(&section);
	jit = (uint32_t)ebpf_prog_run(pair->prog, ctx, 0, 0);
	interp = (uint32_t)ebpf_interp_run(ctx, 0, 0, pair->prog);
	ebpf_section_leave(&section);
	if (pair->linux_prog >= 0 &&
	    bench_linux_run(pair->linux_prog, &run) != 0)
		run.retval = right; /* it will say so when it is measured */
	if (jit == right && interp == right && run.retval == right)
		return 0;
	return bench_fail(home->bench, -EBPF_EPROTO,
			  "%s: results differ: native %#x, JIT %#x, "
			  "interpreter %#x, Linux %#x", name, right, jit,
			  interp, run.retval);
}

static int
measure(struct bench_home *home, const void *cookie)
{
	const struct program *program = cookie;
	static struct bench_pair pair;
	static struct native native;
	bool empty = program->native == bench_empty;
	struct bench *bench = home->bench;
	int error;

	error = bench_pair_open(home, program->name, NULL, NULL, 0, &pair);
	if (error != 0)
		return error;
	pair.burst = empty ? 1024 : 1;
	fill_packet(native.packet);
	native.fn = program->native;
	native.ctx = (struct bench_native){ native.packet,
					    native.packet + COMPUTE_BYTES };
	bench_pair_packet(&pair, native.packet, COMPUTE_BYTES);
	error = check_equal(home, program->name, &pair, &native);
	if (error != 0)
		goto out;
	bench_pair_add_jit(home, JIT, &pair, NULL, 1);
	bench_row_add(bench, NATIVE, run_native, &native, 1);
	bench_row_add(bench, INTERP, bench_pair_interp, &pair, 1);
	if (empty) {
		/* a test run does more than enter a program and leave it */
		bench_row_skip(bench, LINUX, "%s",
			       home->no_linux != NULL
				       ? home->no_linux
				       : "bpf(2) cannot time an empty program "
					 "alone");
		bench_row_goal(bench, BENCH_GOAL_FIGURE, JIT, 1.2);
	} else {
		bench_pair_add_linux(home, &pair, NULL, 1);
		bench_row_goal(bench, BENCH_GOAL_RATIO, JIT_LINUX, 1.15);
		bench_row_in_mean(bench, JIT_LINUX, 1.05);
		bench_row_in_mean(bench, JIT_NATIVE, 0);
		bench_row_in_mean(bench, INTERP_NATIVE, 8);
	}
	bench_row_measure(bench);
out:
	bench_pair_close(&pair);
	return error;
}

static int
run(struct bench *bench)
{
	static const struct bench_rows all = {
		.first = programs,
		.size = sizeof(programs[0]),
		.count = sizeof(programs) / sizeof(programs[0]),
		.measure = measure,
	};

	return bench_home_rows(bench, &bench_blob_compute, LINUX, &all);
}

const struct bench_suite bench_suite_compute = {
	.name = "compute",
	.what = "time of one run",
	.columns = { "jit", "linux", "native", "interp" },
	.ratios = {
		[JIT_LINUX] = { JIT, LINUX, BENCH_TIME },
		[JIT_NATIVE] = { JIT, NATIVE, BENCH_TIME },
		[INTERP_NATIVE] = { INTERP, NATIVE, BENCH_TIME },
	},
	.ratio_count = 3,
	.reference = NATIVE,
	.run = run,
};
