/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite maps, threads: the loop of a program, as often on each of two threads
 * as on one, all on one map. Counted is what all threads did in the time until
 * the last was done. With fewer processors than threads it says nothing, so
 * it is left out.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench_linux.h"
#include "bench/bench_table.h"
#include "bench/programs/maps.h"
#include "bench/suite_maps.h"

enum { THREADS = 2, BITS = 16 };

struct crew {
	struct bench_pair pairs[THREADS]; /* one packet each */
	uint32_t threads;
	bench_run_fn *run;
};

struct hand {
	struct crew *crew;
	struct bench_pair *pair;
	uint64_t repeat;
	atomic_uint *ready;
	double start, end; /* negative: failed */
};

static void *
hand_work(void *argument)
{
	struct hand *hand = argument;

	/* not before all are there: starting a thread takes its time */
	atomic_fetch_add(hand->ready, 1);
	while (atomic_load(hand->ready) < hand->crew->threads)
		;
	hand->start = bench_wall_ns();
	if (hand->crew->run(hand->pair, hand->repeat) < 0)
		hand->start = -1;
	hand->end = bench_wall_ns();
	return NULL;
}

static double
crew_run(void *cookie, uint64_t repeat)
{
	struct crew *crew = cookie;
	struct hand hands[THREADS];
	pthread_t ids[THREADS];
	atomic_uint ready = 0;
	double start = 0, end = 0;
	uint32_t i;

	for (i = 0; i < crew->threads; i++) {
		hands[i] = (struct hand){ .crew = crew,
					  .pair = &crew->pairs[i],
					  .repeat = repeat,
					  .ready = &ready };
		if (i > 0 && pthread_create(&ids[i], NULL, hand_work,
					    &hands[i]) != 0)
			break;
	}
	if (i < crew->threads)
		/* those that wait must not wait for ever */
		atomic_fetch_add(&ready, crew->threads);
	hand_work(&hands[0]);
	while (i-- > 1)
		pthread_join(ids[i], NULL);
	for (i = 0; i < crew->threads; i++) {
		if (hands[i].end == 0 || hands[i].start < 0)
			return -1;
		if (i == 0 || hands[i].start < start)
			start = hands[i].start;
		if (hands[i].end > end)
			end = hands[i].end;
	}
	return end - start;
}

static int
open_crew(struct bench_home *home, const char *program,
	  const struct bench_table *table, uint32_t threads, struct crew *crew)
{
	struct bench_keys keys = { .shift = 64 - BITS };
	uint8_t packet[64] = { 0 };
	int error = 0;

	memset(crew, 0, sizeof(*crew));
	crew->threads = threads;
	for (uint32_t i = 0; i < threads && error == 0; i++) {
		error = bench_pair_open(home, program, &table->map,
					&table->linux_map, 1, &crew->pairs[i]);
		keys.state = i * 0x9e3779b97f4a7c15ull;
		memcpy(packet, &keys, sizeof(keys));
		bench_pair_packet(&crew->pairs[i], packet, sizeof(packet));
	}
	return error;
}

static int
measure(struct bench_home *home, const char *program, uint32_t threads)
{
	struct bench_table_spec spec = {
		.kind = EBPF_MAP_HASH,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1u << BITS,
		.filled = 1u << BITS,
	};
	static struct crew ours, theirs;
	struct bench *bench = home->bench;
	double operations = (double)BENCH_LOOPS * threads;
	struct bench_table table;
	int error = bench_table_open(home, &spec, &table);

	if (error != 0)
		return error;
	error = open_crew(home, program, &table, threads, &ours);
	if (error == 0)
		error = open_crew(home, program, &table, threads, &theirs);
	if (error == 0) {
		ours.run = bench_pair_jit;
		theirs.run = bench_pair_linux;
		bench_row_unit(bench, BENCH_MPS);
		bench_row_warm(bench, 2.0 * threads * (1u << BITS));
		if (ebpf_prog_is_jited(ours.pairs[0].prog))
			bench_row_add(bench, MAPS_JIT, crew_run, &ours,
				      operations);
		else
			bench_row_skip(bench, MAPS_JIT,
				       "there is no JIT for this machine");
		if (theirs.pairs[0].linux_prog >= 0 && table.linux_map >= 0)
			bench_row_add(bench, MAPS_LINUX, crew_run, &theirs,
				      operations);
		else
			bench_row_skip(bench, MAPS_LINUX, "%s",
				       table.linux_map < 0
					       ? table.linux_why
					       : theirs.pairs[0].linux_why);
		bench_row_measure(bench);
	}
	for (uint32_t i = 0; i < threads; i++) {
		bench_pair_close(&theirs.pairs[i]);
		bench_pair_close(&ours.pairs[i]);
	}
	bench_table_close(&table);
	return error;
}

static void
too_few(struct bench *bench)
{
	for (uint32_t c = MAPS_JIT; c <= MAPS_LINUX; c++)
		bench_row_skip(bench, c, "there are fewer processors");
}

int
bench_maps_threads(struct bench_home *home)
{
	static const struct {
		const char *name, *program;
	} rows[] = {
		{ "reads", "lookup" },
		{ "writes", "update" },
		{ "1 write in 8", "mixed" },
	};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int error = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint32_t n = 1; n <= THREADS && error == 0; n++) {
			if (!bench_row_begin(home->bench,
					     "hash 64k, %s, %u thread%s",
					     rows[i].name, n,
					     n == 1 ? "" : "s"))
				continue;
			while (error == 0 && bench_row_next(home->bench, 3)) {
				if (n <= cpus)
					error = measure(home, rows[i].program,
							n);
				else
					too_few(home->bench);
			}
		}
	return error;
}
