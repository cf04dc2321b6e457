/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs from the inside. Immutable once published. The stairs of loading,
 * prog.c: copy, decode, resolve maps, verify (which also rewrites context
 * accesses in place), resolve helpers, compile, fuse, publish.
 *
 * What ops hold after loading (op.imm and op.off where they differ from the
 * decoder's output; verifier input is marked V, run form R):
 *   LDDW_MAP            V: imm = index into prog->maps
 *   LDDW_MAP_IDX           becomes LDDW_MAP before V
 *                       R: imm = (intptr) struct ebpf_map *
 *   LDDW_MAP_VALUE      V: imm = index into prog->maps, off = byte offset in
 *   LDDW_MAP_IDX_VALUE     the value; the latter becomes the former before V
 *                       R: imm = address of that byte
 *   LDDW_FUNC           V, R: off = distance to the callback's first slot
 *   CALL_HELPER         V: imm = helper number; off becomes how many trailing
 *                          arguments (EBPF_ARG_SCALAR_OR_UNSET) some path
 *                          leaves unset
 *                       R: imm = (intptr) const struct ebpf_helper *, off = 0
 *   tail_call           R: as CALL_HELPER; engines recognise
 *                          EBPF_HELPER_TAIL and never call fn
 *   CALL_LOCAL          V, R: off = distance to the first slot (imm 0)
 *   context loads       R: off, and the opcode's width, are the host struct's
 *   dead slots          R: JA with off 0, a function's last one EXIT; marked
 *                          in prog->dead
 *
 * Last of all, when no compiler reads them any more, ops are fused for the
 * interpreter (fuse.h), those of compiled programs only when somebody wants
 * them interpreted; ebpf_unfused() gives one back as it was.
 */
#ifndef CORE_PROG_H
#define CORE_PROG_H

#include "core/decode.h"
#include "core/object.h"

struct ebpf_jit_image;
struct ebpf_map;

/* One function of a program; the first is the entry. Slots [start, end). */
struct ebpf_func {
	uint32_t start, end;
	uint32_t stack_depth; /* bytes below r10 this function uses, 8-aligned */
	uint32_t flags;	      /* enum ebpf_func_flags */
};
enum ebpf_func_flags {
	EBPF_FUNC_CALLS = 1u << 0,	/* calls local functions */
	EBPF_FUNC_HELPERS = 1u << 1,	/* calls helpers */
	EBPF_FUNC_TAIL_CALLS = 1u << 2, /* itself or something it calls */
};

struct ebpf_run_stats { /* one per CPU */
	uint64_t count;
	uint64_t time_ns;
};

struct ebpf_prog {
	/* run path */
	/* compiled code, called with r1, r2, r3 and the program; the
	 * interpreter's entry where not compiled. Never NULL once loaded. */
	uint64_t (*entry)(uint64_t r1, uint64_t r2, uint64_t r3,
			  const struct ebpf_prog *prog);
	const struct ebpf_op *ops;
	const struct ebpf_func *funcs;
	uint32_t op_count;
	uint32_t func_count;
	uint32_t jited;	      /* entry is machine code */
	uint32_t stack_total; /* most bytes on any call path, <= 512 */
	const struct ebpf_kind *kind;
	struct ebpf_run_stats *stats; /* os_percpu */
	const void *cookie;

	/* cold */
	struct ebpf_object obj;
	struct ebpf_jit_image *image; /* NULL when interpreted */
	struct ebpf_insn *raw;	      /* as loaded; map immediates are ids */
	struct ebpf_map **maps;	      /* with references, each once */
	uint32_t map_count;
	uint32_t mem_size;
	uint8_t *dead; /* one bit per slot, NULL: none is */
	uint8_t *fences; /* speculation ends before these slots; NULL: none */
	struct ebpf_btf *btf;
	struct ebpf_func_info *func_infos;
	struct ebpf_line_info *line_infos;
	uint32_t func_info_count, line_info_count;
	uint32_t gpl_compatible;
	bool fused; /* ops are as the interpreter wants them, no compiler */
	uint32_t lines; /* atomic: and in as few steps as can be */
	uint32_t assume_linux; /* being verified for Linux; never published */
	uint32_t stack_depth;
	uint64_t insns_processed;
	uint64_t tag; /* atomic; 0: nobody asked for it yet */
};

/* Run path: inside a section. The caller knows what the kind's entry takes. */
static inline uint64_t
ebpf_prog_run(const struct ebpf_prog *prog, uint64_t r1, uint64_t r2,
	      uint64_t r3)
{
	return prog->entry(r1, r2, r3, prog);
}

/* Whether the runtime's configuration lets programs be interpreted. */
bool ebpf_prog_may_interp(const struct ebpf_runtime *rt);
/*
 * A compiled program will be interpreted often (ebpf_interp_run()), which from
 * now on takes as few steps as it does where nothing is compiled. Sleeps.
 */
void ebpf_prog_will_interp(struct ebpf_prog *prog);

/* As ebpf_prog_run(), counted and timed while statistics are on. */
uint64_t ebpf_prog_run_counted(const struct ebpf_prog *prog, uint64_t r1,
			       uint64_t r2, uint64_t r3);

/*
 * Slot `index` of what verification made of the program, encoded: map
 * references as ids, helper calls as numbers, no host address.
 */
struct ebpf_insn ebpf_prog_xlated(const struct ebpf_prog *prog, uint32_t index);

/* The hash that Linux gives the same instructions. */
void ebpf_prog_tag(struct ebpf_prog *prog, uint8_t tag[EBPF_TAG_SIZE]);

/*
 * There is no way to make a program that skips the verifier in this tree: the
 * engine tests have theirs in tests/lib/unverified.c, linked by tests alone.
 */

#endif
