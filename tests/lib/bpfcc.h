/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * BPF objects for tests, compiled when the test runs, by every clang that is
 * installed, for every instruction set version it knows, with -g and without.
 */
#ifndef TESTS_BPFCC_H
#define TESTS_BPFCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpfcc {
	char clang[32]; /* "clang-19" */
	char cpu[8];	/* "v3" */
	bool debug;	/* -g */
	char name[64];	/* "clang-19 v3 -g" */
};

/* All there are; *count may be 0. Kept for the process. */
const struct bpfcc *bpfcc_all(size_t *count);
/* The newest clang with -g and its default instruction set; NULL: no clang. */
const struct bpfcc *bpfcc_best(void);

/* A folder for what is compiled, removed when the process ends. */
const char *bpfcc_folder(void);

/*
 * Compile one source, or assemble the text of one; *data is malloc'd, NULL when
 * the compiler refuses, with its words on stderr unless quiet.
 */
uint8_t *bpfcc_compile(const struct bpfcc *cc, const char *source,
		       const char *flags, bool quiet, size_t *len);

/* A whole file, malloc'd; NULL if it cannot be read. */
uint8_t *bpfcc_read(const char *path, size_t *len);

#endif
