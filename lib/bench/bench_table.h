/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One and the same map, filled alike, in this engine and in Linux. */
#ifndef BENCH_BENCH_TABLE_H
#define BENCH_BENCH_TABLE_H

#include "bench/bench_program.h"

struct bench_table_spec {
	uint32_t kind; /* the same number in Linux */
	uint32_t key_size, value_size; /* at most 16 and 64 */
	uint32_t max_entries, flags;
	uint32_t filled; /* elements that are there when it starts */
	/* Key number n; NULL: n itself, then ones. */
	void (*key)(const void *cookie, uint64_t n, uint64_t key[2]);
	const void *cookie;
};

struct bench_table {
	struct ebpf_map *map;
	int linux_map; /* negative: none, see linux_why */
	char linux_why[BENCH_TEXT];
};

/* An error is this engine's; that Linux refuses is none. Zeroes *table. */
int bench_table_open(struct bench_home *home,
		     const struct bench_table_spec *spec,
		     struct bench_table *table);
/* Waits until what was deleted is free. A zeroed one is fine. */
void bench_table_close(struct bench_table *table);

#endif
