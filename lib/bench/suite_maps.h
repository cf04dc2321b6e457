/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The parts of suite maps. */
#ifndef BENCH_SUITE_MAPS_H
#define BENCH_SUITE_MAPS_H

#include "bench/bench_program.h"

/* Columns and ratios of the suite. */
enum { MAPS_JIT, MAPS_LINUX, MAPS_INTERP, MAPS_LIBRARY };
enum { MAPS_JIT_LINUX, MAPS_LIBRARY_LINUX, MAPS_INTERP_JIT };

/* The library's own calls. suite_maps_library.c */
int bench_maps_library(struct bench_home *home);
/* The same program on one and on two threads. suite_maps_threads.c */
int bench_maps_threads(struct bench_home *home);

#endif
