/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What tests of maps share: a runtime and its end without leftovers, maps from
 * a few numbers, keys and values that tell whose they are, a walk that checks
 * them, and a creation in which every allocation fails once. Also compiled into
 * a kernel (tests/guest/inside).
 */
#ifndef TESTS_MAP_LAB_H
#define TESTS_MAP_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/map.h"
#include "core/runtime.h"

extern struct ebpf_runtime *maps_rt;

/* The runtime, first of all; false when there is none. */
bool maps_begin(void);
/* No map and no memory may be left: the last points; what main() returns. */
int maps_end(void);
int maps_destroy(void); /* the same while somebody still holds maps */

/* 0 or what ebpf_map_create() says; inner is NULL but for maps of maps. */
int maps_create(uint32_t kind, uint32_t key_size, uint32_t value_size,
		uint32_t max_entries, uint32_t flags, struct ebpf_map *inner,
		struct ebpf_map **map);
/* The map, or NULL after saying why not. */
struct ebpf_map *maps_make(uint32_t kind, uint32_t key_size,
			   uint32_t value_size, uint32_t max_entries,
			   uint32_t flags);
/* One point: each allocation, at least allocs_min, may fail without a trace. */
void maps_failing(const struct ebpf_map_spec *spec, uint32_t allocs_min);

/* Keys and values that all differ: the number, then bytes made of it. */
void maps_fill(uint8_t *bytes, size_t size, uint32_t number, uint8_t salt);
/* Write, waiting for a grace period when that is all it takes. */
int maps_put(struct ebpf_map *map, const void *key, const void *value,
	     uint64_t flags);
/*
 * Walk in steps over keys filled with salt 1; seen[number]++ for each below
 * seen_max, *total of all. False on a key that is none, or on a value that is
 * not filled with salt, unless that is 0.
 */
bool maps_walk(struct ebpf_map *map, uint32_t step, uint8_t salt, uint8_t *seen,
	       uint32_t seen_max, uint32_t *total);

#endif
