/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The seam between loading and the code generators. All backends compile on
 * every host (they only write bytes); ebpf_jit_host() is the one whose code can
 * run here.
 */
#ifndef CORE_JIT_JIT_H
#define CORE_JIT_JIT_H

#include "core/prog.h"

/* What compilation made; kept with the program for dumps and for freeing. */
struct ebpf_jit_image {
	struct os_exec exec;
	const uint8_t *code; /* where it starts in exec.run, at random; all
				offsets count from here */
	uint32_t code_len;   /* bytes of code, traps around it not counted */
	uint32_t entry_off;  /* of the entry function: prog->entry */
	uint32_t *slot_offs; /* code offset of each op slot, op_count entries */
	/*
	 * Places of host addresses (8 bytes, or 4 of a near branch) in the
	 * code, ascending, so that dumps can zero them.
	 */
	struct ebpf_jit_addr {
		uint32_t off;
		uint32_t len;
	} *addrs;
	uint32_t addr_count;
	/* calls of slots known now, for jit_tail.h */
	struct ebpf_jit_tail *tails;
	uint32_t tail_count, tail_room;
	uint32_t blind; /* jit_blind.c's seed, 0: constants stand as they are */
};

struct ebpf_jit_scan; /* jit_scan.h */
struct ebpf_jit_plan; /* jit_lookup.h */
struct ebpf_jit_lookup;
struct ebpf_jit_draft; /* jit_draft.h */
struct ebpf_jit_fix;

struct ebpf_jit_ops {
	const char *name; /* "x86_64", "arm64" */
	/*
	 * Code of prog (ops in run form, scanned) as it would be at draft->run,
	 * with notes of what depends on that. Fills image's code_len,
	 * entry_off, slot_offs, addr_count and tails (allocated by jit.c).
	 * 0, ENOMEM, E2BIG when a branch cannot reach, EUNSUPPORTED.
	 */
	int (*draft)(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
		     struct ebpf_jit_image *image,
		     struct ebpf_jit_draft *draft);
	/*
	 * Have the instruction that ends at `end` go so many bytes on from
	 * there; of EBPF_JIT_FIX_SHORT, it ended fix->len bytes behind and becomes
	 * short. False: out of reach.
	 */
	bool (*aim)(uint8_t *end, const struct ebpf_jit_fix *fix,
		    int64_t distance);
	/* Whether a near call goes so many bytes on from its end. */
	bool (*is_near)(int64_t distance);
	/*
	 * A jump that can be changed, in what a draft has for it and what will
	 * end at address run: how many bytes before are those that change.
	 */
	uint32_t (*put_tail)(uint8_t *end, uint64_t run);
	/*
	 * The word that must stand at address `at`, where generate() left room
	 * for it, for a tail call to the program with that entry. False: out
	 * of reach.
	 */
	bool (*tail_jump)(uint64_t at, uint64_t entry, uint32_t *word);
	/*
	 * The code of a map's lookup (jit_lookup.h) as it will run at
	 * address run, into write[room]: how long it is, 0 when it does not
	 * fit. With write NULL how long at most. *kept: where those come in
	 * who have the key in registers; left alone if nobody does.
	 */
	uint32_t (*lookup)(const struct ebpf_jit_plan *plan, uint8_t *write,
			   size_t room, uint64_t run, uint32_t *kept);
	uint8_t trap[4]; /* the instruction that fills unused space */
	uint32_t trap_len;
};

extern const struct ebpf_jit_ops ebpf_jit_x86_64;
extern const struct ebpf_jit_ops ebpf_jit_arm64;

const struct ebpf_jit_ops *ebpf_jit_host(void); /* NULL: none */

/*
 * Compile, seal, and return the image; set nothing in prog. EINVAL when its ops
 * are fused already.
 */
int ebpf_jit_compile(const struct ebpf_prog *prog,
		     struct ebpf_jit_image **image);
void ebpf_jit_free(struct ebpf_jit_image *image); /* NULL is fine */
/* What a program's image takes. */
uint64_t ebpf_jit_bytes(const struct ebpf_prog *prog,
			const struct ebpf_jit_image *image);

/* Where code starts in its memory: at random, its entry aligned. */
uint32_t ebpf_jit_start(uint32_t entry_off);

/* Traps from there to there: behind the last instruction. */
void ebpf_jit_fill(uint8_t *write, uint32_t from, uint32_t to);

/* The lookup that a map got by programs; NULL is fine. */
void ebpf_jit_lookup_free(struct ebpf_jit_lookup *lookup);

#endif
