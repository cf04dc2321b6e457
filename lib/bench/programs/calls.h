/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the programs of suite calls and those who run them agree on. */
#ifndef BENCH_PROGRAMS_CALLS_H
#define BENCH_PROGRAMS_CALLS_H

#include "bench/programs/program.h"

enum { CALLS_LOOPS = 1000, CALLS_SLOT = 1 };

#endif
