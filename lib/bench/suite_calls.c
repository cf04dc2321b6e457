/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite calls: what a call of a helper, of a function and of another program
 * costs, net of the loop, or of entering and leaving, around it.
 */
#include <string.h>

#include "bench/bench_linux.h"
#include "bench/bench_program.h"
#include "bench/bench_table.h"
#include "core/helper.h"
#include "core/prog.h"

#define bpf_csum_update(ctx, sum) \
	ebpf_helper_csum_update((uintptr_t)(ctx), sum, 0, 0, 0, NULL)
#define bpf_get_numa_node_id() \
	ebpf_helper_get_numa_node_id(0, 0, 0, 0, 0, NULL)
#include "bench/programs/calls.bpf.c"

enum { JIT, LINUX, NATIVE, INTERP };
enum { JIT_LINUX, JIT_NATIVE, INTERP_JIT };
enum { TAIL_CALLS = 33 };

struct native {
	int (*fn)(struct bench_native *ctx);
};

static const struct row {
	const char *name, *program, *base;
	double operations;
	bool tail;
	int (*native)(struct bench_native *ctx);
	double goal; /* ns */
} rows[] = {
	{ "helper call", "helper", "none", CALLS_LOOPS, false, bench_helper,
	  0.5 },
	{ "helper call, answer at hand", "near", "none", CALLS_LOOPS, false,
	  bench_near, 0 },
	{ "bpf-to-bpf call", "local", "none", CALLS_LOOPS, false, bench_local,
	  0 },
	{ "bpf-to-bpf call, short function", "short", "none", CALLS_LOOPS,
	  false, bench_short, 0 },
	{ "tail call, constant slot", "tail", "empty", TAIL_CALLS, true, NULL,
	  1.4 },
	{ "tail call, variable slot", "tail_var", "empty", TAIL_CALLS, true,
	  NULL, 3 },
};

static double
run_native(void *cookie, uint64_t repeat)
{
	struct native *native = cookie;
	int (*volatile fn)(struct bench_native *) = native->fn;
	double start = bench_cpu_ns();

	while (repeat-- > 0)
		fn(NULL);
	return bench_cpu_ns() - start;
}

/* The program into the slot that it calls; 0 takes it out again. */
static int
set_slot(const struct bench_table *table, struct bench_pair *pair, bool set)
{
	uint32_t key = CALLS_SLOT, id = pair->prog->obj.id;
	int error;

	if (!set) {
		if (table->linux_map >= 0)
			bench_linux_delete(table->linux_map, &key);
		return ebpf_map_remove(table->map, &key);
	}
	error = ebpf_map_write(table->map, &key, &id, EBPF_ANY);
	if (error != 0 || pair->linux_prog < 0)
		return error;
	error = bench_linux_update(table->linux_map, &key, &pair->linux_prog,
				   EBPF_ANY);
	if (error != 0) {
		snprintf(pair->linux_why, sizeof(pair->linux_why),
			 "the kernel refused the slot: %s", strerror(-error));
		bench_linux_close(pair->linux_prog);
		pair->linux_prog = -1;
	}
	return 0;
}

static int
open_pair(struct bench_home *home, const char *name,
	  const struct bench_table *table, struct bench_pair *pair)
{
	static const uint8_t packet[64] = { CALLS_SLOT };
	int error = bench_pair_open(home, name, &table->map,
				    &table->linux_map, 1, pair);

	bench_pair_packet(pair, packet, sizeof(packet));
	/* calls of 1000 loops are long, all others short */
	pair->burst = name[0] == 't' || name[0] == 'e' ? 64 : 1;
	return error;
}

static int
measure(struct bench_home *home, const void *cookie)
{
	const struct row *row = cookie;
	static const struct bench_table_spec spec = {
		.kind = EBPF_MAP_PROG_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 4,
	};
	static struct bench_pair pair, base;
	static struct native native, native_base = { bench_none };
	struct bench *bench = home->bench;
	struct bench_table table;
	int error = bench_table_open(home, &spec, &table);

	if (error != 0)
		return error;
	native.fn = row->native;
	error = open_pair(home, row->program, &table, &pair);
	if (error == 0)
		error = open_pair(home, row->base, &table, &base);
	if (error == 0 && row->tail)
		error = set_slot(&table, &pair, true);
	if (error != 0)
		goto out;
	bench_pair_add_jit(home, JIT, &pair, &base, row->operations);
	bench_pair_add_linux(home, &pair, &base, row->operations);
	bench_row_add_net(bench, INTERP, bench_pair_interp, &pair,
			  bench_pair_interp, &base, row->operations);
	if (row->native != NULL)
		bench_row_add_net(bench, NATIVE, run_native, &native,
				  run_native, &native_base, row->operations);
	else
		bench_row_skip(bench, NATIVE, "C has no such call");
	if (row->goal != 0)
		bench_row_goal(bench, BENCH_GOAL_FIGURE, JIT, row->goal);
	bench_row_measure(bench);
	if (row->tail)
		set_slot(&table, &pair, false);
out:
	bench_pair_close(&base);
	bench_pair_close(&pair);
	bench_table_close(&table);
	return error;
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

	return bench_home_rows(bench, &bench_blob_calls, LINUX, &all);
}

const struct bench_suite bench_suite_calls = {
	.name = "calls",
	.what = "time of one call",
	.columns = { "jit", "linux", "native", "interp" },
	.ratios = {
		[JIT_LINUX] = { JIT, LINUX, BENCH_TIME },
		[JIT_NATIVE] = { JIT, NATIVE, BENCH_TIME },
		[INTERP_JIT] = { INTERP, JIT, BENCH_TIME },
	},
	.ratio_count = 3,
	.reference = JIT,
	.run = run,
};
