/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The programs of lib/bench/programs/, compiled for BPF by the Makefile and
 * carried as data, so that measuring wants no compiler.
 */
#include "bench/bench_program.h"

static const uint8_t compute[] = {
#include "bench/compute.inc"
};

const struct bench_blob bench_blob_compute = {
	"compute", compute, sizeof(compute),
};
