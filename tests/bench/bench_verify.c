/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What verification costs, and how that grows with the size of a program:
 * generated programs of several shapes at doubling sizes (all of a load but
 * compiling), then programs as a compiler makes them. Medians of rounds, of this
 * thread's processor time but for "verify" and "jit".
 *
 *	bench_verify [--rounds N]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpfcc.h"
#include "client/gebpf.h"
#include "core/ebpf.h"
#include "core/map.h"

enum {
	ROUNDS_MAX = 101,
	INSNS_MAX = 1 << 17,
};

static struct ebpf_runtime *rt;
static struct ebpf_insn *code;
static uint32_t rounds = 11;

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

struct times {
	double verify_us, whole_us;
	struct ebpf_load_stats stats;
	int error;
};

static void
measure(struct ebpf_load *load, struct times *times)
{
	double verify[ROUNDS_MAX], whole[ROUNDS_MAX];
	struct ebpf_prog *prog;
	uint32_t i;

	load->size = sizeof(*load);
	load->stats = &times->stats;
	load->verify_only = 1;
	for (i = 0; i < rounds; i++) {
		uint64_t start = now_ns();

		times->error = ebpf_prog_load(rt, load, &prog);
		whole[i] = (double)(now_ns() - start) / 1000;
		verify[i] = (double)times->stats.verify_ns / 1000;
	}
	times->whole_us = median(whole, rounds);
	times->verify_us = median(verify, rounds);
}

/* ---- generated programs ---- */

static struct ebpf_insn
insn(uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	struct ebpf_insn i = { op, (uint8_t)(src << 4 | dst), off, imm };

	return i;
}

/* if (p[i] & bit) count++; */
static uint32_t
diamonds(uint32_t n)
{
	uint32_t at = 0, i;

	code[at++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < n; i++) {
		code[at++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		code[at++] = insn(0x45, 2, 0, 1, 1 << i % 8);
		code[at++] = insn(0x07, 0, 0, 0, 1);
	}
	code[at++] = insn(0x95, 0, 0, 0, 0);
	return at;
}

/* if (p[i] != 7) saved = p[i]; sum += p[i]; */
static uint32_t
spills(uint32_t n)
{
	uint32_t at = 0, i;

	code[at++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < n; i++) {
		code[at++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		code[at++] = insn(0x15, 2, 0, 1, 7);
		code[at++] = insn(0x7b, 10, 2, -8, 0);
		code[at++] = insn(0x0f, 0, 2, 0, 0);
	}
	code[at++] = insn(0x95, 0, 0, 0, 0);
	return at;
}

/* n instructions in a row */
static uint32_t
straight(uint32_t n)
{
	uint32_t at = 0, i;

	code[at++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; at + 7 < n; i++) {
		code[at++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		code[at++] = insn(0x0f, 0, 2, 0, 0);
		code[at++] = insn(0x7b, 10, 0, -8, 0);
		code[at++] = insn(0x79, 3, 10, -8, 0);
		code[at++] = insn(0x67, 3, 0, 0, 3);
		code[at++] = insn(0x57, 3, 0, 0, 0xff);
	}
	while (at + 1 < n)
		code[at++] = insn(0xbf, 4, 1, 0, 0);
	code[at++] = insn(0x95, 0, 0, 0, 0);
	return at;
}

/* for (i = 0; i < n; i++) sum += p[i & 63]; */
static uint32_t
loop(uint32_t n)
{
	uint32_t at = 0;

	code[at++] = insn(0xb7, 0, 0, 0, 0);
	code[at++] = insn(0xb7, 6, 0, 0, 0);
	code[at++] = insn(0xbf, 2, 6, 0, 0);
	code[at++] = insn(0x57, 2, 0, 0, 63);
	code[at++] = insn(0x0f, 2, 1, 0, 0);
	code[at++] = insn(0x71, 3, 2, 0, 0);
	code[at++] = insn(0x0f, 0, 3, 0, 0);
	code[at++] = insn(0x07, 6, 0, 0, 1);
	code[at++] = insn(0xa5, 6, 0, -7, (int32_t)n);
	code[at++] = insn(0x95, 0, 0, 0, 0);
	return at;
}

static void
grow(const char *what, uint32_t (*make)(uint32_t n), uint32_t from, uint32_t to)
{
	struct ebpf_load load = { .kind = EBPF_PROG_RAW, .insns = code,
				  .mem_size = 64,
				  .engine = EBPF_LOAD_INTERP };
	struct times times;
	uint32_t n;

	for (n = from; n <= to; n *= 2) {
		load.insn_count = make(n);
		measure(&load, &times);
		printf("%-10s %7u %8u %9llu %8llu %8llu %10.0f %8.1f%s\n", what,
		       n, load.insn_count,
		       (unsigned long long)times.stats.insns_processed,
		       (unsigned long long)times.stats.states_total,
		       (unsigned long long)times.stats.mem_peak >> 10,
		       times.whole_us,
		       times.whole_us * 1000 /
			       (double)times.stats.insns_processed,
		       times.error != 0 ? "  refused" : "");
	}
}

/* ---- compiled ones ---- */

static void
compiled(struct gebpf_object *object)
{
	size_t i, m;

	for (i = 0; i < gebpf_object_prog_count(object); i++) {
		const struct gebpf_obj_prog *prog = gebpf_object_prog(object, i);
		struct ebpf_map *maps[64] = { NULL };
		struct ebpf_load load = {
			.kind = prog->kind ? prog->kind : EBPF_PROG_XDP,
			.insns = prog->insns,
			.insn_count = prog->insn_count,
			.maps = maps,
			.map_count = (uint32_t)gebpf_object_map_count(object),
			.license = "GPL",
		};
		struct times times;

		for (m = 0; m < load.map_count && m < 64; m++) {
			const struct gebpf_obj_map *map =
				gebpf_object_map(object, m);
			struct ebpf_map_spec spec = {
				.size = sizeof(spec), .kind = map->kind,
				.key_size = map->key_size,
				.value_size = map->value_size,
				.max_entries = map->max_entries,
				.flags = map->flags,
			};

			if (ebpf_map_create(rt, &spec, &maps[m]) != 0)
				maps[m] = NULL;
		}
		measure(&load, &times);
		printf("%-16s %6u %9llu %8llu %8llu %10.1f %10.1f %10.1f%s\n",
		       prog->name, prog->insn_count,
		       (unsigned long long)times.stats.insns_processed,
		       (unsigned long long)times.stats.states_total,
		       (unsigned long long)times.stats.mem_peak >> 10,
		       times.verify_us, (double)times.stats.jit_ns / 1000,
		       times.whole_us, times.error != 0 ? "  refused" : "");
		for (m = 0; m < load.map_count && m < 64; m++)
			ebpf_map_put(maps[m]);
	}
	gebpf_object_close(object);
}

int
main(int argc, char **argv)
{
	static const char *const examples[] = {
		"acl", "l2_bridge", "l2_percpu", "pkt_count", "port_rewrite",
		"tail_demux", "xdp_count",
	};
	struct gebpf_object *object;
	struct gebpf_error why;
	uint8_t *data = NULL;
	char path[128];
	size_t i, len;

	if (argc == 3 && strcmp(argv[1], "--rounds") == 0)
		rounds = (uint32_t)atoi(argv[2]);
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 11;
	code = calloc(INSNS_MAX, sizeof(*code));
	if (code == NULL || ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	printf("%-10s %7s %8s %9s %8s %8s %10s %8s\n", "shape", "n", "insns",
	       "processed", "states", "KiB", "load us", "ns/insn");
	grow("straight", straight, 250, 32000);
	grow("diamonds", diamonds, 157, 20096);
	grow("spills", spills, 157, 20096);
	grow("loop", loop, 128, 65536);
	printf("\n%-16s %6s %9s %8s %8s %10s %10s %10s\n", "program", "insns",
	       "processed", "states", "KiB", "verify us", "jit us",
	       "whole us");
	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		snprintf(path, sizeof(path), "build/examples/%s.bpf.o",
			 examples[i]);
		if (gebpf_object_open(path, &object, &why) == 0)
			compiled(object);
		else
			printf("%s\n", why.text);
	}
	if (bpfcc_best() != NULL)
		data = bpfcc_compile(bpfcc_best(), "tests/bench/jit_programs.h",
				     "-x c -DBENCH_LINUX", true, &len);
	if (data != NULL && gebpf_object_open_mem(data, len, "jit_programs",
						  &object, &why) == 0)
		compiled(object);
	else
		printf("no clang that compiles for BPF: some not measured\n");
	free(data);
	ebpf_runtime_destroy(rt);
	free(code);
	return 0;
}
