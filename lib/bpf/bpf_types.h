/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The words that every BPF program uses, whether or not Linux's headers are
 * there: fixed-width integers, kinds of maps, flags, verdicts and contexts,
 * with Linux's numbers. Included by the other headers of this folder.
 */
#ifndef BPF_TYPES_H
#define BPF_TYPES_H

#if defined(__has_include)
#if __has_include(<linux/bpf.h>) && !defined(__VMLINUX_H__)
#include <linux/bpf.h>
#define BPF_TYPES_FROM_LINUX
#endif
#endif

#if !defined(BPF_TYPES_FROM_LINUX) && !defined(__VMLINUX_H__)

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_DEVMAP = 14,
	BPF_MAP_TYPE_CPUMAP = 16,
	BPF_MAP_TYPE_XSKMAP = 17,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_DEVMAP_HASH = 25,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,	 /* make or replace the element */
	BPF_NOEXIST = 1, /* only make */
	BPF_EXIST = 2,	 /* only replace */
};

enum {
	BPF_F_NO_PREALLOC = 1u << 0,
	BPF_F_RDONLY = 1u << 3,
	BPF_F_WRONLY = 1u << 4,
	BPF_F_RDONLY_PROG = 1u << 7,
	BPF_F_WRONLY_PROG = 1u << 8,
};

/* Records of ring buffers: flags of submit and output, questions of query. */
enum {
	BPF_RB_NO_WAKEUP = 1u << 0,
	BPF_RB_FORCE_WAKEUP = 1u << 1,
};
enum {
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_RING_SIZE = 1,
	BPF_RB_CONS_POS = 2,
	BPF_RB_PROD_POS = 3,
};

/* Flags of bpf_perf_event_output: a CPU, and how many bytes of the packet. */
enum {
	BPF_F_INDEX_MASK = 0xffffffffULL,
	BPF_F_CURRENT_CPU = BPF_F_INDEX_MASK,
	BPF_F_CTXLEN_MASK = (0xfffffULL << 32),
};

/* Flags of bpf_redirect_map. */
enum {
	BPF_F_BROADCAST = 1u << 3,
	BPF_F_EXCLUDE_INGRESS = 1u << 4,
};

/* A lock in a map's value, for bpf_spin_lock(); read and written as 0. */
struct bpf_spin_lock {
	__u32 val;
};

/* Values of devmap and cpumap maps; those of 4 bytes have the first only. */
struct bpf_devmap_val {
	__u32 ifindex;
	union {
		int fd;
		__u32 id;
	} bpf_prog;
};
struct bpf_cpumap_val {
	__u32 qsize;
	union {
		int fd;
		__u32 id;
	} bpf_prog;
};

enum xdp_action {
	XDP_ABORTED = 0,
	XDP_DROP = 1,
	XDP_PASS = 2,
	XDP_TX = 3,
	XDP_REDIRECT = 4,
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

#endif

#endif
