/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite vale: 60-byte frames from memory to memory through the userspace
 * switch, from one pair port to another, without a program (learning), with
 * the smallest one, and with the learning bridge of the examples. Column core
 * is what one core does in the switch alone (its data path called here, sending
 * and receiving ends not timed), threads the whole with the switch's threads,
 * copy the yardstick: the same frames through the same rings without a decision.
 */
#include "bench/bench_wires.h"

enum { CORE, THREADS, COPY, COLUMNS };
enum { CORE_COPY };

static const struct row {
	const char *name;
	enum bench_wires_way way;
	uint32_t hosts; /* a side */
	double goal;	/* Mpps */
} rows[] = {
	{ "learning, 2 hosts", BENCH_WIRES_LEARN, 2, 30 },
	{ "program r0 = 1, 2 hosts", BENCH_WIRES_CONSTANT, 2, 30 },
	{ "program l2_bridge, 2 hosts", BENCH_WIRES_BRIDGE, 2, 30 },
	{ "learning, 512 hosts", BENCH_WIRES_LEARN, BENCH_WIRES_HOSTS_MAX,
	  30 },
	{ "program r0 = 1, 512 hosts", BENCH_WIRES_CONSTANT,
	  BENCH_WIRES_HOSTS_MAX, 30 },
	{ "program l2_bridge, 512 hosts", BENCH_WIRES_BRIDGE,
	  BENCH_WIRES_HOSTS_MAX, 30 },
};

static int
measure(struct bench *bench, const struct row *row)
{
	static const enum bench_wires_mover movers[COLUMNS] = {
		[CORE] = BENCH_WIRES_US,
		[THREADS] = BENCH_WIRES_ITS_OWN,
		[COPY] = BENCH_WIRES_COPY,
	};
	static struct bench_wires wires[COLUMNS];
	uint32_t c;
	int error = 0;

	for (c = 0; c < COLUMNS; c++) {
		error = bench_wires_open(bench, row->way, movers[c],
					 row->hosts, &wires[c]);
		if (error != 0)
			break;
	}
	if (error == 0) {
		bench_row_unit(bench, BENCH_MPS);
		bench_row_goal(bench, BENCH_GOAL_FIGURE, CORE, row->goal);
		if (wires[CORE].prog != NULL &&
		    !ebpf_prog_is_jited(wires[CORE].prog))
			bench_row_note(bench, "interpreted");
		for (uint32_t i = 0; i < COLUMNS; i++)
			bench_row_add(bench, i,
				      i == THREADS ? bench_wires_threads :
						     bench_wires_alone,
				      &wires[i], BENCH_WIRES_FRAMES);
		bench_row_measure(bench);
		if (wires[CORE].lost > 0)
			error = bench_fail(bench, -EBPF_EIO,
					   "%s: %u frames were lost", row->name,
					   wires[CORE].lost);
	}
	while (c-- > 0)
		bench_wires_close(&wires[c]);
	return error;
}

static int
run(struct bench *bench)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (error == 0 && bench_row_begin(bench, "%s", rows[i].name))
			while (error == 0 && bench_row_next(bench, 3))
				error = measure(bench, &rows[i]);
	return error;
}

const struct bench_suite bench_suite_vale = {
	.name = "vale",
	.what = "60-byte frames in a second through the userspace switch",
	.columns = { "core", "threads", "copy" },
	.ratios = {
		[CORE_COPY] = { CORE, COPY, BENCH_FASTER },
	},
	.ratio_count = 1,
	.reference = COPY,
	.run = run,
};
