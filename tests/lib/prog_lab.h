/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For tests that load programs of a few instructions into a runtime of their
 * own: what was said and counted of the last load is kept here.
 */
#ifndef TESTS_PROG_LAB_H
#define TESTS_PROG_LAB_H

#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "insns.h"

extern struct ebpf_runtime *progs_rt;
extern char progs_words[8192];
extern struct ebpf_load_stats progs_stats;

/* The runtime, first of all. */
void progs_begin(void);
/* No object and no memory may be left: the last points; what main() returns. */
int progs_end(void);

/* Fill in the rest of a load, and try it. */
int progs_load(struct ebpf_load *load, const struct ebpf_insn *insns,
	       uint32_t count, struct ebpf_prog **prog);
/* What a load of that kind and engine makes, or the test ends. */
struct ebpf_prog *progs_must_load(uint32_t kind, uint32_t engine,
				  const struct ebpf_insn *insns,
				  uint32_t count);
struct ebpf_map *progs_array(uint32_t value_size, uint32_t entries,
			     uint32_t flags);

#define LOAD(load, insns, prog) \
	progs_load(load, insns, sizeof(insns) / sizeof((insns)[0]), prog)
#define MUST_LOAD(kind, engine, insns) \
	progs_must_load(kind, engine, insns, \
			sizeof(insns) / sizeof((insns)[0]))

#endif
