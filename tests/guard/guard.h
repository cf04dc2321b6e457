/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of the guards share: counting, and short ways to maps and
 * programs that end the process where something is not as it should be.
 */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include "core/ebpf.h"

extern struct ebpf_runtime *guard_rt;

void guard_fail(const char *what, const char *why) __attribute__((noreturn));

/* Work is done twice, the second time counted: caches of all sorts are warm. */
void guard_measure(const char *name, uint32_t operations, const char *minus,
		   void (*work)(void *arg), void *arg);
/* The next call of work is counted. */
void guard_count(const char *name, uint32_t operations, const char *minus,
		 void (*work)(void *arg), void *arg);

struct ebpf_map *guard_map(uint32_t kind, uint32_t key, uint32_t value,
			   uint32_t entries);
struct ebpf_prog *guard_load(const char *what, uint32_t kind,
			     const struct ebpf_insn *insns, uint32_t count,
			     struct ebpf_map *map);

/* A program of tests/programs. */
struct guard_text {
	const char *name;
	uint32_t kind, count;
	struct ebpf_insn *insns;
	struct ebpf_map *map; /* what it uses; NULL: none */
};
struct guard_text guard_read(const char *name, uint32_t kind);
/* Rows of verifying, compiling and freeing it, and of its code's size. */
void guard_loading(struct guard_text *text);

/* guard_switch.c: the userspace switch, and the learning bridge in it */
void guard_switch(void);

#endif
