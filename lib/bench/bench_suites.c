/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The suites of gebpf bench, in the order in which all of them run. */
#include "bench/bench_suites.h"

const struct bench_suite *const bench_suites[] = {
	&bench_suite_compute, &bench_suite_calls,  &bench_suite_maps,
	&bench_suite_threads, &bench_suite_bridge, &bench_suite_load,
	&bench_suite_device,  &bench_suite_vale,   &bench_suite_ports,
	&bench_suite_rivals,  NULL,
};
