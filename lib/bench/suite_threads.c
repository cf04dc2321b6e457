/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite threads: what a second thread adds. The same work by one thread and by
 * two, all on one map, here and in Linux; and two switches, each with a thread.
 * Threads are pinned, and one and two take turns round by round, so the ratios
 * are of the same moments. With one processor it would say nothing: left out.
 */
#include <string.h>

#include "bench/bench_crew.h"
#include "bench/bench_table.h"
#include "bench/bench_wires.h"
#include "bench/programs/maps.h"

enum { OURS, OURS2, LINUX, LINUX2, COLUMNS };
enum { OURS_SCALING, LINUX_SCALING, OURS2_LINUX2 };
enum { BITS = 16 };

static const struct row {
	const char *name;
	const char *program; /* of suite maps; NULL: a switch */
	uint32_t kind;
	enum bench_wires_way way;
} rows[] = {
	{ "hash 64k, reads", "lookup", EBPF_MAP_HASH, 0 },
	{ "hash 64k, writes", "update", EBPF_MAP_HASH, 0 },
	{ "hash 64k, 1 write in 8", "mixed", EBPF_MAP_HASH, 0 },
	{ "hash 64k, deletes and inserts", "churn", EBPF_MAP_HASH, 0 },
	{ "percpu_hash 64k, writes", "update", EBPF_MAP_PERCPU_HASH, 0 },
	{ "lru_hash 64k, reads", "lookup", EBPF_MAP_LRU_HASH, 0 },
	{ "switch, learning", NULL, 0, BENCH_WIRES_LEARN },
	{ "switch, l2_bridge", NULL, 0, BENCH_WIRES_BRIDGE },
};

/* ---- programs on one map ---- */

static int
open_pairs(struct bench_home *home, const struct row *row,
	   const struct bench_table *table, struct bench_pair pairs[2])
{
	struct bench_keys keys = { .shift = 64 - BITS };
	uint8_t packet[64] = { 0 };
	int error = 0;

	for (uint32_t i = 0; i < BENCH_HANDS && error == 0; i++) {
		error = bench_pair_open(home, row->program, &table->map,
					&table->linux_map, 1, &pairs[i]);
		keys.state = i * 0x9e3779b97f4a7c15ull;
		memcpy(packet, &keys, sizeof(keys));
		bench_pair_packet(&pairs[i], packet, sizeof(packet));
	}
	return error;
}

/* One thread and two, in columns c and c + 1. */
static void
add_crews(struct bench *bench, uint32_t c, bench_run_fn *run, void *first,
	  void *second, double operations)
{
	static struct bench_crew crews[COLUMNS];

	for (uint32_t n = 1; n <= BENCH_HANDS; n++, c++) {
		crews[c] = (struct bench_crew){
			.run = run,
			.cookies = { first, second },
			.count = n,
			.pinned = true,
		};
		bench_row_add(bench, c, bench_crew_run, &crews[c],
			      operations * n);
	}
}

static void
skip_both(struct bench *bench, uint32_t c, const char *why)
{
	bench_row_skip(bench, c, "%s", why);
	bench_row_skip(bench, c + 1, "%s", why);
}

static int
measure_map(struct bench_home *home, const struct row *row)
{
	static struct bench_pair pairs[BENCH_HANDS];
	struct bench_table_spec spec = {
		.kind = row->kind,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1u << BITS,
		.filled = 1u << BITS,
	};
	struct bench *bench = home->bench;
	struct bench_table table;
	int error = bench_table_open(home, &spec, &table);

	if (error != 0)
		return error;
	memset(pairs, 0, sizeof(pairs));
	error = open_pairs(home, row, &table, pairs);
	if (error == 0) {
		bench_row_warm(bench, 2.0 * (1u << BITS));
		if (ebpf_prog_is_jited(pairs[0].prog))
			add_crews(bench, OURS, bench_pair_jit, &pairs[0],
				  &pairs[1], BENCH_LOOPS);
		else
			skip_both(bench, OURS,
				  "there is no JIT for this machine");
		if (table.linux_map < 0)
			skip_both(bench, LINUX, table.linux_why);
		else if (pairs[0].linux_prog < 0 || pairs[1].linux_prog < 0)
			skip_both(bench, LINUX, pairs[0].linux_why);
		else
			add_crews(bench, LINUX, bench_pair_linux, &pairs[0],
				  &pairs[1], BENCH_LOOPS);
		bench_row_measure(bench);
	}
	for (uint32_t i = 0; i < BENCH_HANDS; i++)
		bench_pair_close(&pairs[i]);
	bench_table_close(&table);
	return error;
}

/* ---- switches ---- */

static int
measure_switch(struct bench_home *home, const struct row *row)
{
	static struct bench_wires wires[BENCH_HANDS];
	struct bench *bench = home->bench;
	uint32_t n, lost = 0;
	int error = 0;

	for (n = 0; n < BENCH_HANDS && error == 0; n++) {
		error = bench_wires_open(bench, row->way, BENCH_WIRES_US, 2,
					 &wires[n]);
		if (error != 0)
			break;
	}
	if (error == 0) {
		add_crews(bench, OURS, bench_wires_alone, &wires[0], &wires[1],
			  BENCH_WIRES_FRAMES);
		skip_both(bench, LINUX, "there is no such switch");
		bench_row_measure(bench);
	}
	while (n-- > 0) {
		lost += wires[n].lost;
		bench_wires_close(&wires[n]);
	}
	if (error == 0 && lost > 0)
		error = bench_fail(bench, -EBPF_EIO, "%s: %u frames were lost",
				   row->name, lost);
	return error;
}

static int
measure(struct bench_home *home, const void *cookie)
{
	const struct row *row = cookie;
	uint32_t c;

	bench_row_unit(home->bench, BENCH_MPS);
	if (bench_crew_cpus() >= BENCH_HANDS)
		return row->program != NULL ? measure_map(home, row)
					    : measure_switch(home, row);
	for (c = 0; c < COLUMNS; c++)
		bench_row_skip(home->bench, c, "there are fewer processors");
	return 0;
}

static int
run(struct bench *bench)
{
	static const struct bench_rows all = {
		.first = rows,
		.size = sizeof(rows[0]),
		.count = sizeof(rows) / sizeof(rows[0]),
		.measure = measure,
	};

	return bench_home_rows(bench, &bench_blob_maps, LINUX, &all);
}

const struct bench_suite bench_suite_threads = {
	.name = "threads",
	.what = "operations, or frames, in a second by one thread and by two",
	.columns = { "ours", "ours2", "linux", "linux2" },
	.ratios = {
		[OURS_SCALING] = { OURS2, OURS, BENCH_FASTER },
		[LINUX_SCALING] = { LINUX2, LINUX, BENCH_FASTER },
		[OURS2_LINUX2] = { OURS2, LINUX2, BENCH_FASTER },
	},
	.ratio_count = 3,
	.reference = OURS,
	.run = run,
};
