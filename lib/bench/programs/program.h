/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the measured programs share: BENCH(name) makes a tc program of a
 * function where clang compiles for BPF, and a plain function elsewhere, with
 * a context that has the same two fields. tc, and not xdp, because Linux waits
 * for grace periods around each test run of the latter.
 */
#ifndef BENCH_PROGRAMS_PROGRAM_H
#define BENCH_PROGRAMS_PROGRAM_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#ifdef __bpf__

#include "bpf/bpf_helpers.h"

#define START(ctx) ((u8 *)(long)(ctx)->data)
#define END(ctx) ((u8 *)(long)(ctx)->data_end)
#define BENCH(name) SEC("tc") int bench_##name(struct __sk_buff *ctx)
#define LOCAL static __noinline

/* A number wherever it lies: BPF has such loads, whatever clang thinks. */
typedef u32 u32_any;

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#else

typedef u32 __attribute__((aligned(1), may_alias)) u32_any;

struct bench_native {
	u8 *data, *data_end;
};

#define START(ctx) ((ctx)->data)
#define END(ctx) ((ctx)->data_end)
#define BENCH(name) \
	static __attribute__((noinline)) int \
	bench_##name(struct bench_native *ctx)
#define LOCAL static __attribute__((noinline))

#endif

#endif
