/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite load: what it takes to load a program (decode, verify, compile), and
 * the second and the last step alone, for programs as a compiler makes them and
 * for shapes that show how time grows with size; then how much machine code
 * comes of it. Freeing is not counted, nor met: a program's pages are gone
 * before the next is loaded, else the one thread would wait for the other.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench_linux.h"
#include "bench/bench_program.h"
#include "bench/bench_table.h"
#include "core/jit/jit.h"
#include "core/os.h"
#include "core/prog.h"

enum { LOAD, LINUX, VERIFY, COMPILE };
enum { LOAD_LINUX };
enum {
	INSNS_MAX = 1 << 16,
};

/* Some instructions, whoever made them, with at most one map. */
struct code {
	struct bench_home *home; /* the suite's, or */
	struct bench_home own;	 /* one with the object the program is in */
	struct ebpf_insn *insns;
	uint32_t count;
	struct bench_table table; /* map NULL: none */
	char linux_why[BENCH_TEXT];
};

/* ---- shapes ---- */

static void
put(struct code *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off,
    int32_t imm)
{
	if (code->count < INSNS_MAX)
		code->insns[code->count++] = (struct ebpf_insn){
			op, (uint8_t)(src << 4 | dst), off, imm
		};
}

/* r1 = 64 bytes of packet, r0 = 0 */
static void
begin(struct code *code)
{
	put(code, 0xb7, 0, 0, 0, 0);
	put(code, 0x61, 2, 1, 80, 0); /* data_end */
	put(code, 0x61, 1, 1, 76, 0); /* data */
	put(code, 0xbf, 3, 1, 0, 0);
	put(code, 0x07, 3, 0, 0, 64);
	put(code, 0xbd, 3, 2, 1, 0); /* if r3 <= r2 skip */
	put(code, 0x95, 0, 0, 0, 0);
}

/* if (p[i] & bit) count++; n times */
static void
diamonds(struct code *code, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		put(code, 0x71, 2, 1, (int16_t)(i % 64), 0);
		put(code, 0x45, 2, 0, 1, 1 << i % 8);
		put(code, 0x07, 0, 0, 0, 1);
	}
	put(code, 0x95, 0, 0, 0, 0);
}

/* if (p[i] != 7) saved = p[i]; sum += p[i]; n times */
static void
spills(struct code *code, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		put(code, 0x71, 2, 1, (int16_t)(i % 64), 0);
		put(code, 0x15, 2, 0, 1, 7);
		put(code, 0x7b, 10, 2, -8, 0);
		put(code, 0x0f, 0, 2, 0, 0);
	}
	put(code, 0x95, 0, 0, 0, 0);
}

/* n instructions in a row */
static void
straight(struct code *code, uint32_t n)
{
	for (uint32_t i = 0; code->count + 7 < n; i++) {
		put(code, 0x71, 2, 1, (int16_t)(i % 64), 0);
		put(code, 0x0f, 0, 2, 0, 0);
		put(code, 0x7b, 10, 0, -8, 0);
		put(code, 0x79, 3, 10, -8, 0);
		put(code, 0x67, 3, 0, 0, 3);
		put(code, 0x57, 3, 0, 0, 0xff);
	}
	while (code->count + 1 < n)
		put(code, 0xbf, 4, 1, 0, 0);
	put(code, 0x95, 0, 0, 0, 0);
}

/* for (i = 0; i < n; i++) sum += p[i & 63]; */
static void
loop(struct code *code, uint32_t n)
{
	put(code, 0xb7, 6, 0, 0, 0);
	put(code, 0xbf, 2, 6, 0, 0);
	put(code, 0x57, 2, 0, 0, 63);
	put(code, 0xbf, 3, 1, 0, 0);
	put(code, 0x0f, 3, 2, 0, 0);
	put(code, 0x71, 3, 3, 0, 0);
	put(code, 0x0f, 0, 3, 0, 0);
	put(code, 0x07, 6, 0, 0, 1);
	put(code, 0xa5, 6, 0, -8, (int32_t)n);
	put(code, 0x95, 0, 0, 0, 0);
}

static const struct row {
	const char *name;
	void (*shape)(struct code *code, uint32_t n);
	uint32_t n;
	const struct bench_blob *blob; /* or a program of that object */
	const char *program;
	double goal; /* us */
} rows[] = {
	{ "header parser", NULL, 0, &bench_blob_load, "parser", 40 },
	{ "header parser, many paths", NULL, 0, &bench_blob_load, "paths", 0 },
	{ "learning bridge, one frame", NULL, 0, &bench_blob_bridge,
	  "bridge_one", 0 },
	{ "learning bridge, loop of frames", NULL, 0, &bench_blob_bridge,
	  "bridge", 0 },
	{ "crc32, loops", NULL, 0, &bench_blob_compute, "crc32", 0 },
	{ "sort, loops in loops", NULL, 0, &bench_blob_compute, "sort", 0 },
	{ "straight, 250 instructions", straight, 250, NULL, NULL, 0 },
	{ "straight, 1000 instructions", straight, 1000, NULL, NULL, 0 },
	{ "straight, 4000 instructions", straight, 4000, NULL, NULL, 700 },
	{ "straight, 32000 instructions", straight, 32000, NULL, NULL, 0 },
	{ "100 diamonds", diamonds, 100, NULL, NULL, 0 },
	{ "1000 diamonds", diamonds, 1000, NULL, NULL, 0 },
	{ "10000 diamonds", diamonds, 10000, NULL, NULL, 50000 },
	{ "1000 spills", spills, 1000, NULL, NULL, 0 },
	{ "10000 spills", spills, 10000, NULL, NULL, 0 },
	{ "loop of 1000", loop, 1000, NULL, NULL, 0 },
	{ "loop of 10000", loop, 10000, NULL, NULL, 0 },
};

/* ---- both sides ---- */

static struct ebpf_load
load_of(const struct code *code)
{
	return (struct ebpf_load){
		.size = sizeof(struct ebpf_load),
		.kind = EBPF_PROG_TC,
		.insns = code->insns,
		.insn_count = code->count,
		.maps = &code->table.map,
		.map_count = code->table.map != NULL,
		.license = "GPL",
	};
}

static double
load_time(const struct code *code, struct ebpf_load *load, uint64_t repeat)
{
	double start, spent = 0;

	for (uint64_t i = 0; i < repeat; i++) {
		struct ebpf_prog *prog = NULL;
		int error;

		start = bench_cpu_ns();
		error = ebpf_prog_load(code->home->rt, load, &prog);
		spent += bench_cpu_ns() - start;
		if (error != 0)
			return -1;
		ebpf_prog_put(prog);
		os_epoch_drain();
	}
	return spent;
}

static double
run_load(void *cookie, uint64_t repeat)
{
	struct ebpf_load load = load_of(cookie);

	return load_time(cookie, &load, repeat);
}

/* What the engine itself says of two of its steps. */
static double
time_steps(const struct code *code, uint64_t repeat, bool verify)
{
	struct ebpf_load load = load_of(code);
	struct ebpf_load_stats stats;
	double spent = 0;

	load.stats = &stats;
	while (repeat-- > 0) {
		if (load_time(code, &load, 1) < 0)
			return -1;
		spent += (double)(verify ? stats.verify_ns : stats.jit_ns);
	}
	return spent;
}

static double
run_verify(void *cookie, uint64_t repeat)
{
	return time_steps(cookie, repeat, true);
}

static double
run_compile(void *cookie, uint64_t repeat)
{
	return time_steps(cookie, repeat, false);
}

static int
linux_load(struct code *code)
{
	bool map = code->table.map != NULL;

	return bench_load_linux(code->insns, code->count,
				&code->table.linux_map, map, NULL, 0);
}

static double
run_linux(void *cookie, uint64_t repeat)
{
	struct code *code = cookie;
	double start, spent = 0;

	while (repeat-- > 0) {
		int fd;

		start = bench_cpu_ns();
		fd = linux_load(code);
		spent += bench_cpu_ns() - start;
		if (fd < 0)
			return -1;
		bench_linux_close(fd);
	}
	return spent;
}

/* ---- rows ---- */

/* The only map of the object, if there is one. */
static int
open_map(struct code *code)
{
	const struct gebpf_obj_map *map;
	struct bench_table_spec spec = { .filled = 0 };

	if (gebpf_object_map_count(code->home->object) == 0)
		return 0;
	map = gebpf_object_map(code->home->object, 0);
	spec.kind = map->kind;
	spec.key_size = map->key_size;
	spec.value_size = map->value_size;
	spec.max_entries = map->max_entries;
	return bench_table_open(code->home, &spec, &code->table);
}

static int
open_program(struct code *code, const struct row *row)
{
	const struct gebpf_obj_prog *prog;
	int error = bench_home_open(code->home->bench, row->blob, LINUX,
				    &code->own);

	if (error != 0)
		return error;
	code->home = &code->own;
	prog = bench_home_prog(code->home, row->program);
	if (prog == NULL || prog->insn_count > INSNS_MAX) {
		error = bench_fail(code->home->bench, -EBPF_ENOENT,
				   "there is no program '%s'", row->program);
		goto out;
	}
	code->count = prog->insn_count;
	memcpy(code->insns, prog->insns, code->count * sizeof(*code->insns));
	error = open_map(code);
	if (error == 0)
		return 0;
out:
	bench_home_close(&code->own);
	return error;
}

static int
open_code(struct bench_home *home, const struct row *row, struct code *code)
{
	int error = 0;

	memset(code, 0, sizeof(*code));
	code->home = home;
	code->insns = calloc(INSNS_MAX, sizeof(*code->insns));
	if (code->insns == NULL)
		return -EBPF_ENOMEM;
	if (row->shape != NULL) {
		begin(code);
		row->shape(code, row->n);
	} else {
		error = open_program(code, row);
	}
	if (error != 0)
		free(code->insns);
	return error;
}

static void
close_code(struct code *code)
{
	bench_table_close(&code->table);
	if (code->home == &code->own)
		bench_home_close(&code->own);
	free(code->insns);
}

/* Whether Linux takes it; if not, code->linux_why. */
static bool
linux_takes(struct bench_home *home, struct code *code)
{
	bool map = code->table.map != NULL;
	int fd;

	if (home->no_linux != NULL) {
		snprintf(code->linux_why, BENCH_TEXT, "%s", home->no_linux);
		return false;
	}
	fd = bench_load_linux(code->insns, code->count, &code->table.linux_map,
			      map, code->linux_why, BENCH_TEXT);
	bench_linux_close(fd);
	return fd >= 0;
}

static void
note_cost(struct bench *bench, const struct code *code)
{
	struct ebpf_load_stats stats = { .insns_processed = 0 };
	struct ebpf_load load = load_of(code);
	struct ebpf_prog *prog;

	load.verify_only = 1;
	load.stats = &stats;
	if (ebpf_prog_load(code->home->rt, &load, &prog) == 0)
		bench_row_note(bench, "%u instructions, %llu processed, %llu "
				      "state%s, %llu KiB", code->count,
			       (unsigned long long)stats.insns_processed,
			       (unsigned long long)stats.states_total,
			       stats.states_total == 1 ? "" : "s",
			       (unsigned long long)stats.mem_peak >> 10);
}

static int
measure_time(struct bench_home *home, const struct row *row)
{
	struct bench *bench = home->bench;
	struct code code;
	int error = open_code(home, row, &code);

	if (error != 0)
		return error;
	bench_row_unit(bench, BENCH_US);
	note_cost(bench, &code);
	bench_row_add(bench, LOAD, run_load, &code, 1);
	bench_row_add(bench, VERIFY, run_verify, &code, 1);
	if (ebpf_jit_host() != NULL)
		bench_row_add(bench, COMPILE, run_compile, &code, 1);
	else
		bench_row_skip(bench, COMPILE,
			       "there is no JIT for this machine");
	if (linux_takes(home, &code))
		bench_row_add(bench, LINUX, run_linux, &code, 1);
	else
		bench_row_skip(bench, LINUX, "%s", code.linux_why);
	if (row->goal != 0)
		bench_row_goal(bench, BENCH_GOAL_FIGURE, LOAD, row->goal);
	bench_row_measure(bench);
	close_code(&code);
	return 0;
}

/* Bytes of code; the same in every round, so there is but one. */
static void
measure_size(struct code *code, double goal)
{
	struct bench_home *home = code->home;
	struct bench *bench = home->bench;
	struct ebpf_load load = load_of(code);
	struct ebpf_prog *prog;
	uint32_t len;
	int fd;

	bench_row_unit(bench, BENCH_BYTES);
	if (ebpf_prog_load(home->rt, &load, &prog) == 0) {
		if (prog->image != NULL)
			bench_row_value(bench, LOAD, prog->image->code_len);
		else
			bench_row_skip(bench, LOAD,
				       "there is no JIT for this machine");
		ebpf_prog_put(prog);
	}
	if (linux_takes(home, code)) {
		fd = linux_load(code);
		len = bench_linux_code_len(fd);
		bench_linux_close(fd);
		if (len > 0)
			bench_row_value(bench, LINUX, len);
		else
			bench_row_skip(bench, LINUX,
				       "the kernel tells no code size");
	} else {
		bench_row_skip(bench, LINUX, "%s", code->linux_why);
	}
	if (goal != 0)
		bench_row_goal(bench, BENCH_GOAL_RATIO, LOAD_LINUX, goal);
}

static int
sizes(struct bench_home *home)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct code code;

		if (rows[i].shape != NULL && rows[i].n != 4000 &&
		    rows[i].n != 1000)
			continue;
		if (error != 0 ||
		    !bench_row_begin(home->bench, "code: %s", rows[i].name))
			continue;
		while (error == 0 && bench_row_next(home->bench, 1)) {
			error = open_code(home, &rows[i], &code);
			if (error != 0)
				break;
			measure_size(&code, 1);
			close_code(&code);
		}
	}
	return error;
}

static int
run(struct bench *bench)
{
	struct bench_home home;
	int error = bench_home_open(bench, NULL, LINUX, &home);

	if (error != 0)
		return error;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (error == 0 && bench_row_begin(bench, "%s", rows[i].name))
			while (error == 0 && bench_row_next(bench, 1))
				error = measure_time(&home, &rows[i]);
	if (error == 0)
		error = sizes(&home);
	bench_home_close(&home);
	return error;
}

const struct bench_suite bench_suite_load = {
	.name = "load",
	.what = "time to load a program, and the size of its code",
	.columns = { "jit", "linux", "verify", "compile" },
	.ratios = {
		[LOAD_LINUX] = { LOAD, LINUX, BENCH_TIME },
	},
	.ratio_count = 1,
	.reference = LINUX,
	.run = run,
};
