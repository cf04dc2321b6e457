/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Linux's own eBPF through bpf(2), to compare with: maps, programs, test runs.
 * Knows no suite. Elsewhere than on Linux every call says ENOSYS. Callers send
 * fixed programs only, or the one a user named.
 */
#ifndef BENCH_BENCH_LINUX_H
#define BENCH_BENCH_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/insn.h"

/* May bpf(2) be used? If not, why says it. Asked once, then remembered. */
bool bench_linux_may(const char **why);

/* Descriptors, or -errno. Kinds, types and flags are Linux's numbers. */
int bench_linux_map(uint32_t kind, uint32_t key_size, uint32_t value_size,
		    uint32_t max_entries, uint32_t flags);
/* why (may be NULL) gets the verifier's last words, or the error's. */
int bench_linux_prog(uint32_t type, const char *license,
		     const struct ebpf_insn *insns, uint32_t count, char *why,
		     size_t why_size);
void bench_linux_close(int fd); /* negative is fine */

int bench_linux_lookup(int map, const void *key, void *value);
int bench_linux_update(int map, const void *key, const void *value,
		       uint64_t flags);
int bench_linux_delete(int map, const void *key);
int bench_linux_next(int map, const void *key, void *next);
int bench_linux_freeze(int map);
/* *count: in and out. */
int bench_linux_update_batch(int map, const void *keys, const void *values,
			     uint32_t *count);
/* in NULL: from the start. 0, or -ENOENT after the last, with *count set. */
int bench_linux_lookup_batch(int map, const void *in, void *out, void *keys,
			     void *values, uint32_t *count);

struct bench_linux_run {
	const void *data, *ctx;
	uint32_t data_len, ctx_len;
	void *data_out; /* NULL: not wanted */
	uint32_t data_out_len;
	uint32_t repeat;
	uint32_t retval;      /* out */
	uint32_t duration_ns; /* out: mean of one run, rounded down */
};
/* 0 or -errno; EINTR is tried again. */
int bench_linux_run(int prog, struct bench_linux_run *run);
/* Bytes of machine code; 0: none, or not told. */
uint32_t bench_linux_code_len(int prog);

#endif
