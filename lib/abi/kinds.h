/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Map kinds, program kinds and flags shared by programs, device and clients.
 * Numbers are Linux's where Linux has the thing.
 */
#ifndef ABI_KINDS_H
#define ABI_KINDS_H

#include <stdint.h>

enum ebpf_map_kind {
#define EBPF_MAP_KIND(kind, number, name) EBPF_MAP_##kind = number,
#include "abi/map_kind.def"
};

enum ebpf_prog_kind {
#define EBPF_PROG_KIND(kind, number, name, alias, section) \
	EBPF_PROG_##kind = number,
#define EBPF_PROG_KIND_NAME(kind, number, name) EBPF_PROG_##kind = number,
#include "abi/prog_kind.def"
};

/* What a device may ask of compiled programs beyond being right. */
enum ebpf_harden {
	/*
	 * Mispredicted branches and loads that overtake stores shall not reach
	 * what the program may not: fences are where they could, and no program
	 * is interpreted.
	 */
	EBPF_HARDEN_SPECULATION = 1u << 0,
	/*
	 * No constant that a program chooses stands in its machine code, where
	 * it could be jumped to as code.
	 */
	EBPF_HARDEN_CONSTANTS = 1u << 1,
	EBPF_HARDEN_ALL = EBPF_HARDEN_SPECULATION | EBPF_HARDEN_CONSTANTS,
};

/* Map creation flags (Linux BPF_F_*). */
enum {
	EBPF_F_NO_PREALLOC = 1u << 0,
	EBPF_F_NO_COMMON_LRU = 1u << 1,
	EBPF_F_NUMA_NODE = 1u << 2,
	EBPF_F_RDONLY = 1u << 3,
	EBPF_F_WRONLY = 1u << 4,
	EBPF_F_ZERO_SEED = 1u << 6,
	EBPF_F_RDONLY_PROG = 1u << 7,
	EBPF_F_WRONLY_PROG = 1u << 8,
	EBPF_F_MMAPABLE = 1u << 10,
	EBPF_F_PRESERVE_ELEMS = 1u << 11,
	EBPF_F_INNER_MAP = 1u << 12,
	/* Ours: sizes without elements, for programs verified for Linux. */
	EBPF_F_ASSUMED = 1u << 31,
};

/* Map update flags (Linux BPF_ANY ...). */
enum {
	EBPF_ANY = 0,
	EBPF_NOEXIST = 1,
	EBPF_EXIST = 2,
	EBPF_F_LOCK = 4,
};

/* Records of ringbuf maps (Linux BPF_RB_* and BPF_RINGBUF_HDR_SZ). */
enum {
	EBPF_RB_NO_WAKEUP = 1u << 0,
	EBPF_RB_FORCE_WAKEUP = 1u << 1,
	EBPF_RB_AVAIL_DATA = 0, /* what ringbuf_query tells */
	EBPF_RB_RING_SIZE = 1,
	EBPF_RB_CONS_POS = 2,
	EBPF_RB_PROD_POS = 3,
};

/* Flags of perf_event_output: a CPU's index, and bytes of the context. */
#define EBPF_F_INDEX_MASK 0xffffffffull
#define EBPF_F_CURRENT_CPU EBPF_F_INDEX_MASK
#define EBPF_F_CTXLEN_SHIFT 32
#define EBPF_F_CTXLEN_MASK (0xfffffull << EBPF_F_CTXLEN_SHIFT)

/* Verdicts of vale and vale_buf programs: 0..253 are port indices. */
enum {
	EBPF_VALE_PORT_MAX = 254, /* ports of one switch, indices 0..253 */
	EBPF_VALE_BROADCAST = 254,
	EBPF_VALE_DROP = 255,
};

/* Verdicts of xdp programs (Linux enum xdp_action). */
enum {
	EBPF_XDP_ABORTED = 0,
	EBPF_XDP_DROP = 1,
	EBPF_XDP_PASS = 2,
	EBPF_XDP_TX = 3,
	EBPF_XDP_REDIRECT = 4,
};

#endif
