/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For tests of what becomes of objects: runtimes, small maps and programs that
 * return 7. What should not fail ends the test.
 */
#ifndef TESTS_OBJECT_LAB_H
#define TESTS_OBJECT_LAB_H

#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"

/* mem_max: bytes that all objects may take; 0: no limit. */
struct ebpf_runtime *lab_new_runtime(uint64_t mem_max);
struct ebpf_map *lab_new_map(struct ebpf_runtime *rt, const char *name);
struct ebpf_prog *lab_new_prog(struct ebpf_runtime *rt, uint32_t kind);
/* An array of 8-byte values, or why not. */
int lab_try_map(struct ebpf_runtime *rt, const char *name, uint32_t entries,
		struct ebpf_map **map);

#endif
