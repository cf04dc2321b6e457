/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One suite a file, suite_*.c. */
#ifndef BENCH_BENCH_SUITES_H
#define BENCH_BENCH_SUITES_H

#include "bench/bench.h"

extern const struct bench_suite bench_suite_compute, bench_suite_calls,
	bench_suite_maps, bench_suite_threads, bench_suite_bridge,
	bench_suite_load, bench_suite_device, bench_suite_vale,
	bench_suite_ports, bench_suite_rivals;

#endif
