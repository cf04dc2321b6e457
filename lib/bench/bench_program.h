/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The programs that suites measure: compiled when gebpf was built and carried
 * inside it (bench_blob.c), loaded here into this engine and, where it may be
 * had, into Linux. Knows how to run one many times; suites say which.
 */
#ifndef BENCH_BENCH_PROGRAM_H
#define BENCH_BENCH_PROGRAM_H

#include "bench/bench.h"
#include "client/gebpf.h"
#include "core/ctx.h"
#include "core/ebpf.h"

/* An object that was built in. bench_blob.c */
struct bench_blob {
	const char *name;
	const uint8_t *data;
	size_t len;
};
extern const struct bench_blob bench_blob_compute, bench_blob_calls,
	bench_blob_maps, bench_blob_bridge,
	bench_blob_load, bench_blob_l2_bridge;

/* What a suite works with: a runtime, an object, and whether Linux compares. */
struct bench_home {
	struct bench *bench;
	struct ebpf_runtime *rt;
	struct gebpf_object *object;
	uint32_t linux_column; /* the suite's */
	const char *no_linux;  /* why Linux cannot be asked; NULL: it can */
};

/* blob NULL: none. Says why it fails with bench_fail(). */
int bench_home_open(struct bench *bench, const struct bench_blob *blob,
		    uint32_t linux_column, struct bench_home *home);
void bench_home_close(struct bench_home *home);

/*
 * A suite whose rows differ only in what a table says: each row begins with its
 * name, a pointer, and is measured on three instances.
 */
struct bench_rows {
	const void *first;
	size_t size, count;
	int (*measure)(struct bench_home *home, const void *row);
};
int bench_home_rows(struct bench *bench, const struct bench_blob *blob,
		    uint32_t linux_column, const struct bench_rows *rows);

/* The program of that name in the home's object; NULL: there is none. */
const struct gebpf_obj_prog *bench_home_prog(struct bench_home *home,
					     const char *name);

enum {
	BENCH_PACKET = 2048,
	BENCH_MAPS = 8,
};

/*
 * One program in both worlds, with a packet of its own for each. What a
 * program writes into its packet stays there for the next run.
 */
struct bench_pair {
	struct ebpf_prog *prog;
	int linux_prog; /* negative: none, see linux_why */
	char linux_why[BENCH_TEXT];
	uint32_t burst; /* runs in one section; 1 where it runs for long */
	struct ebpf_skb_ctx ctx;
	uint32_t packet_len;
	uint8_t packet[BENCH_PACKET] __attribute__((aligned(64)));
	uint8_t linux_packet[BENCH_PACKET] __attribute__((aligned(64)));
};

/*
 * Load the home's program of that name. maps stand for the object's maps in
 * their order, linux_maps (descriptors) likewise; NULL without maps. An error
 * is this engine's; that Linux refuses is no error.
 */
int bench_pair_open(struct bench_home *home, const char *name,
		    struct ebpf_map *const *maps, const int *linux_maps,
		    uint32_t map_count, struct bench_pair *pair);
void bench_pair_close(struct bench_pair *pair); /* a zeroed one is fine */
/* The same bytes into both packets. */
void bench_pair_packet(struct bench_pair *pair, const void *data, uint32_t len);

/* bench_run_fn with a pair as cookie. */
double bench_pair_jit(void *pair, uint64_t repeat);
double bench_pair_interp(void *pair, uint64_t repeat);
double bench_pair_linux(void *pair, uint64_t repeat);

/* Add these columns to the row, each where it can be had, else say why not. */
void bench_pair_add_jit(struct bench_home *home, uint32_t column,
			struct bench_pair *pair, struct bench_pair *base,
			double operations);
void bench_pair_add_linux(struct bench_home *home, struct bench_pair *pair,
			  struct bench_pair *base, double operations);

/* Load any instructions into both; the same rules. */
int bench_load(struct bench_home *home, const struct ebpf_insn *insns,
	       uint32_t count, struct ebpf_map *const *maps, uint32_t map_count,
	       struct ebpf_prog **prog);
int bench_load_linux(const struct ebpf_insn *insns, uint32_t count,
		     const int *maps, uint32_t map_count, char *why,
		     size_t why_size);

#endif
