/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite maps, the library's own calls: what whoever embeds the engine gets from
 * one thread, beside bpf(2) one element at a time.
 */
#include "bench/bench_linux.h"
#include "bench/bench_table.h"
#include "bench/suite_maps.h"

struct walk {
	struct bench_table *table;
	uint32_t shift;
	uint64_t state;
};

static void
next_key(struct walk *walk, uint64_t key[2])
{
	walk->state = walk->state * 6364136223846793005ull + 12345;
	key[0] = walk->state >> walk->shift;
}

static double
library_lookup(void *cookie, uint64_t repeat)
{
	struct walk *walk = cookie;
	struct ebpf_map *map = walk->table->map;
	uint64_t key[2] = { 0, 1 }, value;
	double start = bench_cpu_ns();

	while (repeat-- > 0) {
		next_key(walk, key);
		if (ebpf_map_read(map, key, &value) != 0)
			return -1;
	}
	return bench_cpu_ns() - start;
}

static double
library_update(void *cookie, uint64_t repeat)
{
	struct walk *walk = cookie;
	struct ebpf_map *map = walk->table->map;
	uint64_t key[2] = { 0, 1 }, value = 1;
	double start = bench_cpu_ns();

	while (repeat-- > 0) {
		next_key(walk, key);
		if (ebpf_map_write(map, key, &value, EBPF_ANY) != 0)
			return -1;
	}
	return bench_cpu_ns() - start;
}

static double
linux_lookup(void *cookie, uint64_t repeat)
{
	struct walk *walk = cookie;
	uint64_t key[2] = { 0, 1 }, value;
	double start = bench_cpu_ns();

	while (repeat-- > 0) {
		next_key(walk, key);
		if (bench_linux_lookup(walk->table->linux_map, key,
				       &value) != 0)
			return -1;
	}
	return bench_cpu_ns() - start;
}

static double
linux_update(void *cookie, uint64_t repeat)
{
	struct walk *walk = cookie;
	uint64_t key[2] = { 0, 1 }, value = 1;
	double start = bench_cpu_ns();

	while (repeat-- > 0) {
		next_key(walk, key);
		if (bench_linux_update(walk->table->linux_map, key, &value,
				       EBPF_ANY) != 0)
			return -1;
	}
	return bench_cpu_ns() - start;
}

static const struct row {
	const char *name;
	uint32_t key_size, bits;
	bench_run_fn *ours, *linux_fn;
	double goal; /* million a second; 0: none */
} rows[] = {
	{ "library lookup, u32 key, 1k", 4, 10, library_lookup, linux_lookup,
	  0 },
	{ "library lookup, u32 key, 64k", 4, 16, library_lookup, linux_lookup,
	  60 },
	{ "library lookup, 16-byte key, 64k", 16, 16, library_lookup,
	  linux_lookup, 0 },
	{ "library update, u32 key, 1k", 4, 10, library_update, linux_update,
	  0 },
	{ "library update, u32 key, 64k", 4, 16, library_update, linux_update,
	  30 },
};

static int
measure(struct bench_home *home, const struct row *row)
{
	struct bench *bench = home->bench;
	struct bench_table_spec spec = {
		.kind = EBPF_MAP_HASH,
		.key_size = row->key_size,
		.value_size = 8,
		.max_entries = 1u << row->bits,
		.filled = 1u << row->bits,
	};
	struct bench_table table;
	struct walk ours = { &table, 64 - row->bits, 1 }, theirs = ours;
	int error = bench_table_open(home, &spec, &table);

	if (error != 0)
		return error;
	bench_row_unit(bench, BENCH_MPS);
	bench_row_warm(bench, 2.0 * (1u << row->bits));
	bench_row_add(bench, MAPS_LIBRARY, row->ours, &ours, 1);
	if (table.linux_map >= 0)
		bench_row_add(bench, MAPS_LINUX, row->linux_fn, &theirs, 1);
	else
		bench_row_skip(bench, MAPS_LINUX, "%s", table.linux_why);
	if (row->goal != 0)
		bench_row_goal(bench, BENCH_GOAL_FIGURE, MAPS_LIBRARY,
			       row->goal);
	bench_row_measure(bench);
	bench_table_close(&table);
	return 0;
}

int
bench_maps_library(struct bench_home *home)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (error == 0 &&
		    bench_row_begin(home->bench, "%s", rows[i].name))
			while (error == 0 && bench_row_next(home->bench, 3))
				error = measure(home, &rows[i]);
	return error;
}
