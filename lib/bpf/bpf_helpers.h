/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What BPF programs include for maps, sections and helpers. Programs written
 * for libbpf's header of this name compile unchanged: same words, same numbers.
 *
 *	struct {
 *		__uint(type, BPF_MAP_TYPE_HASH);
 *		__uint(max_entries, 1024);
 *		__type(key, __u32);
 *		__type(value, __u64);
 *	} counts SEC(".maps");
 *
 *	SEC("xdp") int count(struct xdp_md *ctx) { ... }
 *	char LICENSE[] SEC("license") = "GPL";
 */
#ifndef BPF_HELPERS_H
#define BPF_HELPERS_H

#include "bpf_types.h"
#include "bpf_helper_defs.h"

/* Put a program, map or license where the loader looks for it. */
#define SEC(name) __attribute__((section(name), used))

/*
 * Members of a map definition. The loader reads their types; no value is ever
 * stored. __array is for maps of maps and of programs.
 */
#define __uint(name, number) int(*name)[number]
#define __type(name, T) typeof(T) *name
#define __array(name, T) typeof(T) *name[]

#undef __always_inline /* Linux's headers have one that says less */
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#define __hidden __attribute__((visibility("hidden")))
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(T, member) __builtin_offsetof(T, member)
#endif
#ifndef container_of
#define container_of(pointer, T, member) \
	((T *)((char *)(pointer) - offsetof(T, member)))
#endif

/* Keep the compiler from moving or merging what stands on both sides. */
#ifndef barrier
#define barrier() __asm__ volatile("" ::: "memory")
#endif
/* Keep it from knowing what var holds. */
#ifndef barrier_var
#define barrier_var(var) __asm__ volatile("" : "+r"(var))
#endif

/* Values of __uint(pinning, ...). */
enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME, /* one map of this name for all programs */
};

/* Older objects' way of defining a map, in section "maps". */
struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

/*
 * A line for "gebpf prog tracelog": a format and up to three numbers, of
 * %d %i %u %x %lld %llu %llx and the like.
 */
#define bpf_printk(format, args...)                                       \
	({                                                                \
		static const char ____fmt[] = format;                     \
		bpf_trace_printk(____fmt, sizeof(____fmt), ##args);       \
	})

#endif
