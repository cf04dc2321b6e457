/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The parts of suite maps. */
#ifndef BENCH_SUITE_MAPS_H
#define BENCH_SUITE_MAPS_H

#include "bench/bench_program.h"
#include "bench/programs/maps.h"

/* Columns and ratios of the suite. */
enum { MAPS_JIT, MAPS_LINUX, MAPS_NATIVE, MAPS_INTERP, MAPS_LIBRARY };
enum { MAPS_JIT_LINUX, MAPS_JIT_NATIVE, MAPS_LIBRARY_LINUX, MAPS_INTERP_JIT };

/* One of the programs as C, with a map. suite_maps_native.c */
struct bench_maps_native {
	struct ebpf_map *map;
	int (*fn)(struct bench_native *ctx);
	struct bench_native ctx;
	uint8_t packet[64] __attribute__((aligned(64)));
};
/* False: there is no program of that name. bits: of key numbers. */
bool bench_maps_native_open(struct bench_maps_native *native,
			    const char *name, struct ebpf_map *map,
			    uint32_t bits);
double bench_maps_native_run(void *native, uint64_t repeat); /* bench_run_fn */

/* The library's own calls. suite_maps_library.c */
int bench_maps_library(struct bench_home *home);

#endif
