/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The programs of lib/bench/programs/ and the example of a bridge, compiled for
 * BPF by the Makefile and carried as data, so that measuring wants no compiler.
 */
#include "bench/bench_program.h"

static const uint8_t compute[] = {
#include "bench/compute.inc"
};
static const uint8_t bridge[] = {
#include "bench/bridge.inc"
};
static const uint8_t calls[] = {
#include "bench/calls.inc"
};
static const uint8_t l2_bridge[] = {
#include "bench/l2_bridge.inc"
};
static const uint8_t load[] = {
#include "bench/load.inc"
};
static const uint8_t maps[] = {
#include "bench/maps.inc"
};

const struct bench_blob bench_blob_compute = {
	"compute", compute, sizeof(compute),
};
const struct bench_blob bench_blob_bridge = {
	"bridge", bridge, sizeof(bridge),
};
const struct bench_blob bench_blob_calls = { "calls", calls, sizeof(calls) };
const struct bench_blob bench_blob_l2_bridge = {
	"l2_bridge", l2_bridge, sizeof(l2_bridge),
};
const struct bench_blob bench_blob_load = { "load", load, sizeof(load) };
const struct bench_blob bench_blob_maps = { "maps", maps, sizeof(maps) };
