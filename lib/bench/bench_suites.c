/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The suites of gebpf bench, in the order in which all of them run. */
#include "bench/bench_suites.h"

const struct bench_suite *const bench_suites[] = {
	&bench_suite_compute,
	NULL,
};
