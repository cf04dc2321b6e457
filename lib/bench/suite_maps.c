/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite maps: operations as programs make them, one and the same program here
 * and in Linux, and as C that calls the engine's functions, net of the loop
 * around them; then the library's own calls (suite_maps_library.c).
 */
#include "bench/suite_maps.h"

#include <string.h>

#include "bench/bench_table.h"

static const struct row {
	const char *name;
	const char *program, *base;
	uint32_t kind;
	uint32_t key_size, bits; /* 1 << bits different keys */
	double goal;		 /* times as fast as Linux; 0: none */
} rows[] = {
	{ "array lookup, 64", "lookup", "none", EBPF_MAP_ARRAY, 4, 6, 0 },
	{ "percpu_array lookup, 64", "lookup", "none", EBPF_MAP_PERCPU_ARRAY,
	  4, 6, 0 },
	{ "hash hit, u32 key, 1k", "lookup", "none", EBPF_MAP_HASH, 4, 10,
	  3.5 },
	{ "hash hit, u32 key, 64k", "lookup", "none", EBPF_MAP_HASH, 4, 16,
	  4 },
	{ "hash hit, u32 key, 1M", "lookup", "none", EBPF_MAP_HASH, 4, 20, 4 },
	{ "hash hit, 16-byte key, 1k", "lookup", "none", EBPF_MAP_HASH, 16, 10,
	  3.5 },
	{ "hash hit, 16-byte key, 64k", "lookup", "none", EBPF_MAP_HASH, 16,
	  16, 4 },
	{ "hash hit, 16-byte key, 1M", "lookup", "none", EBPF_MAP_HASH, 16, 20,
	  4 },
	{ "percpu_hash hit, u32 key, 1k", "lookup", "none",
	  EBPF_MAP_PERCPU_HASH, 4, 10, 3.5 },
	{ "hash update, 1k", "update", "none", EBPF_MAP_HASH, 4, 10, 6 },
	{ "hash update, 64k", "update", "none", EBPF_MAP_HASH, 4, 16, 6 },
	{ "lru_hash hit, u32 key, 1k", "lookup", "none", EBPF_MAP_LRU_HASH, 4,
	  10, 3.5 },
	/* four times as many keys as there is room for */
	{ "lru_hash churn, 1k", "update", "none", EBPF_MAP_LRU_HASH, 4, 12,
	  5 },
	{ "hash delete+insert, 1k", "churn", "none", EBPF_MAP_HASH, 4, 10, 3 },
	{ "hash delete+insert, 64k", "churn", "none", EBPF_MAP_HASH, 4, 16,
	  5 },
	{ "lpm hit, IPv4, 1k", "match", "match_none", EBPF_MAP_LPM_TRIE, 8, 10,
	  6 },
	{ "lpm hit, IPv4, 16k", "match", "match_none", EBPF_MAP_LPM_TRIE, 8,
	  14, 6 },
	{ "lpm hit, IPv4, 256k", "match", "match_none", EBPF_MAP_LPM_TRIE, 8,
	  18, 6 },
	{ "lpm hit, IPv4 in one /8, 16k", "near", "near_none",
	  EBPF_MAP_LPM_TRIE, 8, 14, 6 },
	{ "lpm hit, IPv4 as routes are, 64k", "route", "route_none",
	  EBPF_MAP_LPM_TRIE, 8, 16, 6 },
	/* some are in one of the prefixes, most in none */
	{ "lpm any address, IPv4, 16k", "stray", "stray_none",
	  EBPF_MAP_LPM_TRIE, 8, 14, 6 },
	{ "queue push+pop, 64", "push_pop", "none", EBPF_MAP_QUEUE, 0, 6, 0 },
	{ "stack push+pop, 64", "push_pop", "none", EBPF_MAP_STACK, 0, 6, 0 },
};

static bool
is_churn(const struct row *row)
{
	return row->kind == EBPF_MAP_LRU_HASH && row->program[0] == 'u';
}

/* As long as routes on the internet are, of 16. */
static const uint8_t route_bits[16] = {
	24, 22, 24, 20, 24, 23, 24, 24, 16, 24, 22, 24, 21, 24, 23, 24,
};

/* Prefixes of 12 to 28 bits, or as of routes. */
static void
prefix_key(const void *cookie, uint64_t n, uint64_t key[2])
{
	uint32_t bits = (uint32_t)(12 + n % 17), address;
	const struct row *row = cookie;

	if (strcmp(row->program, "route") == 0) {
		address = bench_address_route((uint32_t)n);
		bits = route_bits[n % 16];
	} else if (strcmp(row->program, "near") == 0) {
		address = bench_address_near((uint32_t)n);
	} else {
		address = bench_address((uint32_t)n);
	}
	key[0] = bench_prefix(address, bits);
}

static int
open_table(struct bench_home *home, const struct row *row,
	   struct bench_table *table)
{
	uint32_t keys = 1u << row->bits;
	struct bench_table_spec spec = {
		.kind = row->kind,
		.key_size = row->key_size,
		.value_size = 8,
		.max_entries = is_churn(row) ? keys / 4 : keys,
		.cookie = row,
	};

	spec.filled = row->key_size == 0 ? 0 : spec.max_entries;
	if (row->kind == EBPF_MAP_LPM_TRIE) {
		spec.flags = EBPF_F_NO_PREALLOC;
		spec.key = prefix_key;
	}
	return bench_table_open(home, &spec, table);
}

static int
open_pair(struct bench_home *home, const char *name,
	  const struct bench_table *table, uint32_t bits,
	  struct bench_pair *pair)
{
	struct bench_keys keys = { .state = 0, .shift = 64 - bits };
	uint8_t packet[64] = { 0 };
	int error = bench_pair_open(home, name, &table->map,
				    &table->linux_map, 1, pair);

	memcpy(packet, &keys, sizeof(keys));
	bench_pair_packet(pair, packet, sizeof(packet));
	if (error == 0 && table->linux_map < 0)
		memcpy(pair->linux_why, table->linux_why, BENCH_TEXT);
	return error;
}

static int
measure(struct bench_home *home, const struct row *row)
{
	static struct bench_pair pair, base;
	static struct bench_maps_native native, native_base;
	struct bench *bench = home->bench;
	struct bench_table table;
	int error = open_table(home, row, &table);

	if (error != 0)
		return error;
	error = open_pair(home, row->program, &table, row->bits, &pair);
	if (error == 0)
		error = open_pair(home, row->base, &table, row->bits, &base);
	if (error == 0 && (!bench_maps_native_open(&native, row->program,
						   table.map, row->bits) ||
			   !bench_maps_native_open(&native_base, row->base,
						   table.map, row->bits)))
		error = bench_fail(bench, -EBPF_ENOENT,
				   "there is no native '%s'", row->program);
	if (error == 0) {
		bench_pair_add_jit(home, MAPS_JIT, &pair, &base, BENCH_LOOPS);
		bench_pair_add_linux(home, &pair, &base, BENCH_LOOPS);
		bench_row_add_net(bench, MAPS_NATIVE, bench_maps_native_run,
				  &native, bench_maps_native_run, &native_base,
				  BENCH_LOOPS);
		bench_row_add_net(bench, MAPS_INTERP, bench_pair_interp, &pair,
				  bench_pair_interp, &base, BENCH_LOOPS);
		/* keys come at random: most of them come by in twice as many */
		bench_row_warm(bench, 2.0 * (1u << row->bits));
		if (row->goal != 0)
			bench_row_goal(bench, BENCH_GOAL_RATIO,
				       MAPS_JIT_LINUX, row->goal);
		else if (row->key_size != 0)
			bench_row_goal(bench, BENCH_GOAL_FIGURE, MAPS_JIT,
				       0.2);
		bench_row_measure(bench);
	}
	bench_pair_close(&base);
	bench_pair_close(&pair);
	bench_table_close(&table);
	return error;
}

static int
run(struct bench *bench)
{
	struct bench_home home;
	int error = bench_home_open(bench, &bench_blob_maps, MAPS_LINUX, &home);

	if (error != 0)
		return error;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (error == 0 && bench_row_begin(bench, "%s", rows[i].name))
			/* filling a million is long; they lie everywhere */
			while (error == 0 &&
			       bench_row_next(bench, rows[i].bits > 16 ? 1 : 3))
				error = measure(&home, &rows[i]);
	if (error == 0)
		error = bench_maps_library(&home);
	bench_home_close(&home);
	return error;
}

const struct bench_suite bench_suite_maps = {
	.name = "maps",
	.what = "time of one map operation",
	.columns = { "jit", "linux", "native", "interp", "library" },
	.ratios = {
		[MAPS_JIT_LINUX] = { MAPS_JIT, MAPS_LINUX, BENCH_FASTER },
		[MAPS_JIT_NATIVE] = { MAPS_JIT, MAPS_NATIVE, BENCH_TIME },
		[MAPS_LIBRARY_LINUX] = { MAPS_LIBRARY, MAPS_LINUX,
					 BENCH_FASTER },
		[MAPS_INTERP_JIT] = { MAPS_INTERP, MAPS_JIT, BENCH_TIME },
	},
	.ratio_count = 4,
	.reference = MAPS_LINUX,
	.run = run,
};
