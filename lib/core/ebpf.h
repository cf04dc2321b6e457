/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * libebpf: the runtime, for programs (and kernel modules) that embed it.
 *
 *	struct ebpf_runtime *rt;
 *	struct ebpf_prog *prog;
 *	struct ebpf_load load = { .size = sizeof(load), .kind = EBPF_PROG_RAW,
 *				  .insns = code, .insn_count = n };
 *
 *	ebpf_runtime_create(NULL, &rt);
 *	if (ebpf_prog_load(rt, &load, &prog) == 0)
 *		result = ebpf_prog_run_mem(prog, mem, len);
 *	ebpf_prog_put(prog);
 *	ebpf_runtime_destroy(rt);
 *
 * Functions return 0 or a negative error of abi/error.h unless they say
 * otherwise. They may sleep and are thread-safe, except the ones marked "run
 * path": those never sleep, allocate or take a lock that a sleeper holds.
 * Strings are UTF-8 with a NUL. Sizes are bytes, times nanoseconds.
 */
#ifndef CORE_EBPF_H
#define CORE_EBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/error.h"
#include "abi/helper.h"
#include "abi/insn.h"
#include "abi/kinds.h"
#include "abi/rule.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ebpf_runtime;
struct ebpf_prog;
struct ebpf_map;
struct ebpf_btf;

/* The error's name ("ENOENT") and sentence; "" for what is no error code. */
const char *ebpf_error_name(int error);
const char *ebpf_error_text(int error);

/* ---- runtime ---- */

/* Limits and switches; zero means the default given. */
struct ebpf_runtime_config {
	uint32_t size;	     /* sizeof(struct ebpf_runtime_config) */
	uint32_t no_jit;     /* 1: interpret everything */
	uint32_t no_interp;  /* 1: refuse what the JIT cannot compile */
	uint32_t trace_slots; /* trace log lines kept: 4096 */
	uint64_t mem_max;    /* bytes of all objects: unlimited */
	uint32_t insns_processed_max; /* verifier budget: 1000000 */
	/*
	 * How many tail calls from subprograms may nest in one run, 1 to 33:
	 * 33. Each takes up to a kilobyte of stack; where stacks are small,
	 * such a call counts as several of the 33 that a run may make.
	 */
	uint32_t tail_nest_max;
	uint64_t verify_mem_max; /* bytes of verifier state: 64 MiB */
	/* Processor time of the loading thread that one verification takes. */
	uint32_t verify_time_ms; /* 1000 */
	uint32_t harden;	 /* EBPF_HARDEN_* bits (kinds.h): 0 */
};

/* Make a runtime; config may be NULL. ENOMEM, EINVAL. */
int ebpf_runtime_create(const struct ebpf_runtime_config *config,
			struct ebpf_runtime **runtime);

/* Free it and all its objects. No program may be running. NULL is fine. */
void ebpf_runtime_destroy(struct ebpf_runtime *rt);

/* ---- helpers of your own ---- */

/*
 * A helper receives r1..r5 and, with EBPF_HELPER_ENV, the running program as
 * sixth argument (ebpf_prog_cookie() leads back to your data). It must be safe
 * wherever programs run. What it may assume of its arguments is what `args`
 * makes the verifier prove.
 */
typedef uint64_t ebpf_helper_fn(uint64_t r1, uint64_t r2, uint64_t r3,
				uint64_t r4, uint64_t r5,
				const struct ebpf_prog *prog);

struct ebpf_helper {
	ebpf_helper_fn *fn;
	const char *name; /* without "bpf_" */
	uint32_t number;  /* what call instructions say; below 65536 */
	uint32_t kinds;	  /* EBPF_KINDS_*: who may call it */
	uint16_t flags;	  /* EBPF_HELPER_* */
	uint8_t ret;	  /* EBPF_RET_* */
	uint8_t args[5];  /* EBPF_ARG_* */
};

/*
 * Add a helper; the struct and its name must outlive the runtime. Must happen
 * before programs are loaded that call it. EEXIST if the number is taken; EINVAL
 * if the prototype has gaps, a size without memory or memory without a size,
 * or says what is not verified for helpers of yours (EBPF_ARG_SCALAR_OR_UNSET,
 * EBPF_HELPER_TAIL, EBPF_HELPER_ACQUIRE and EBPF_HELPER_RELEASE).
 */
int ebpf_helper_register(struct ebpf_runtime *rt,
			 const struct ebpf_helper *helper);

/* ---- program kinds of your own ---- */

enum ebpf_entry {
	EBPF_ENTRY_CTX, /* r1 = context */
	EBPF_ENTRY_MEM, /* r1 = memory, r2 = its length in bytes */
	EBPF_ENTRY_BUF, /* r1 = buffer, r2 = length (16 bits), r3 = a byte */
};

/* A field of a context as programs see it, and where the host keeps it. */
enum ebpf_ctx_type {
	EBPF_CTX_SCALAR,   /* a number */
	EBPF_CTX_PKT,	   /* start of the packet */
	EBPF_CTX_PKT_END,  /* its end */
	EBPF_CTX_PKT_META, /* start of metadata, which ends at the packet */
};
struct ebpf_ctx_field {
	uint16_t off, size;	      /* in the program's struct */
	uint16_t host_off, host_size; /* in the host's; size 1, 2, 4 or 8 */
	uint8_t type;		      /* enum ebpf_ctx_type */
	uint8_t writable;
};

struct ebpf_kind {
	const char *name;
	uint32_t number; /* what ebpf_load.kind says; yours: from 0x1000 */
	uint32_t bit;	 /* in helpers' sets; 0: assigned at registration */
	uint8_t entry;	 /* enum ebpf_entry */
	uint8_t pkt_writable; /* programs may write the packet or memory */
	uint16_t field_count;
	const struct ebpf_ctx_field *fields; /* ascending by off */
	uint32_t ctx_size;  /* bytes of the program's struct */
	uint32_t host_size; /* bytes of the host's struct */
};

/* Add a kind, as helpers above. ERANGE when all 26 spare bits are taken. */
int ebpf_kind_register(struct ebpf_runtime *rt, struct ebpf_kind *kind);

/* ---- programs ---- */

enum ebpf_load_engine {
	EBPF_LOAD_ANY,	  /* JIT where there is one, else interpreter */
	EBPF_LOAD_JIT,	  /* JIT or EJIT */
	EBPF_LOAD_INTERP, /* interpreter */
};

struct ebpf_load_stats {
	uint64_t insns_processed, states_total, states_peak, mem_peak;
	uint64_t verify_ns, jit_ns;
	uint32_t stack_depth;
	uint32_t rule; /* enum ebpf_rule that was broken */
	uint32_t insn; /* where */
	uint32_t pad;
};

struct ebpf_load {
	uint32_t size; /* sizeof(struct ebpf_load) */
	uint32_t kind; /* enum ebpf_prog_kind or one of yours */
	const struct ebpf_insn *insns; /* copied */
	uint32_t insn_count;
	uint32_t engine;	      /* enum ebpf_load_engine */
	uint32_t mem_size;	      /* ENTRY_MEM: r1 points to that many bytes
					 whatever r2 says; 0: r2 is the length */
	uint32_t map_count;
	struct ebpf_map *const *maps; /* what lddw src 5 and 6 index */
	const char *name;	      /* copied; NULL: "" */
	const char *license;	      /* copied; NULL: "" */
	const void *cookie;	      /* ebpf_prog_cookie() */
	struct ebpf_btf *btf;	      /* NULL: none; a reference is taken */
	const struct ebpf_func_info *funcs; /* abi/wire.h, copied */
	uint32_t func_count;
	uint32_t line_count;
	const struct ebpf_line_info *lines;
	char *log;	   /* verifier's words, NUL-terminated; may be NULL */
	size_t log_size;   /* room at log */
	uint32_t log_level; /* 0: a rejection, 1: states per line, 2: all */
	uint32_t verify_only; /* 1: *prog stays NULL; it is compiled, to say
				 whether it can be, with LOAD_JIT alone */
	struct ebpf_load_stats *stats; /* filled also on rejection; may be NULL */
	uint32_t uid;
	uint32_t assume_linux; /* 1, with verify_only: for Linux, not for here:
				  its kinds, helpers, EBPF_F_ASSUMED maps */
	char *report;	    /* the same as records for programs (abi/wire.h), */
	size_t report_size; /* NUL-terminated; may be NULL */
};

/*
 * Verify, compile and publish a program; the caller holds one reference.
 * EREJECTED: see log and stats. EINVAL, ENOMEM, EJIT, ELIMIT.
 */
int ebpf_prog_load(struct ebpf_runtime *rt, const struct ebpf_load *load,
		   struct ebpf_prog **prog);
void ebpf_prog_get(struct ebpf_prog *prog);
void ebpf_prog_put(struct ebpf_prog *prog); /* NULL is fine */
const void *ebpf_prog_cookie(const struct ebpf_prog *prog);
bool ebpf_prog_is_jited(const struct ebpf_prog *prog);

/*
 * Run path. Everything between enter and leave sees maps and programs as they
 * were not yet freed, on one CPU number; keep it to one burst of work. One
 * enter may cover any number of runs, and only runs inside are allowed.
 */
struct ebpf_section {
	uint64_t opaque[4];
};
void ebpf_section_enter(struct ebpf_section *section);
void ebpf_section_leave(struct ebpf_section *section);

/* Run with r1 = context (host struct of the kind). Inside a section. */
uint64_t ebpf_prog_run_ctx(const struct ebpf_prog *prog, void *ctx);
/*
 * Run with r1 = mem, r2 = len. Inside a section; mem_size was 0 or <= len. mem
 * is aligned to 8 bytes: programs may use atomics on it.
 */
uint64_t ebpf_prog_run_raw(const struct ebpf_prog *prog, void *mem, size_t len);
/* Run with r1 = buf, r2 = len, r3 = port, for kinds of entry BUF. In a section. */
uint64_t ebpf_prog_run_buf(const struct ebpf_prog *prog, void *buf,
			   uint16_t len, uint8_t port);
/* As ebpf_prog_run_raw, with a section of its own. */
uint64_t ebpf_prog_run_mem(const struct ebpf_prog *prog, void *mem, size_t len);

/* ---- maps ---- */

struct ebpf_map_spec {
	uint32_t size; /* sizeof(struct ebpf_map_spec) */
	uint32_t kind; /* enum ebpf_map_kind */
	uint32_t key_size, value_size, max_entries;
	uint32_t flags;	  /* EBPF_F_*; ASSUMED: of a kind that is not
			     available, for verification alone */
	const char *name; /* copied; NULL: "" */
	struct ebpf_btf *btf; /* NULL: none; a reference is taken */
	uint32_t btf_key_type, btf_value_type;
	struct ebpf_map *inner; /* template of maps of maps */
	uint32_t uid;
	uint32_t pad;
	uint64_t map_extra; /* bloom_filter: hashes of a value, 0: 5 */
	uint32_t numa_node; /* with EBPF_F_NUMA_NODE: there is only 0 */
	uint32_t pad2;
};

/* EUNSUPPORTED (kind or flag), EINVAL, E2BIG, ENOMEM, ELIMIT. */
int ebpf_map_create(struct ebpf_runtime *rt, const struct ebpf_map_spec *spec,
		    struct ebpf_map **map);
void ebpf_map_get(struct ebpf_map *map);
void ebpf_map_put(struct ebpf_map *map); /* NULL is fine */

/*
 * Element access from outside programs. key has key_size bytes. value has
 * ebpf_map_user_value_size() bytes: for per-CPU kinds the values of all CPUs
 * one after the other, each rounded up to 8; for prog_array and maps of maps a
 * uint32_t id. flags are EBPF_ANY, NOEXIST, EXIST, and EBPF_F_LOCK where values
 * have a struct bpf_spin_lock: it is held meanwhile, as by read_locked. Its
 * bytes are not copied: they read as 0. Run path where the kind's programs may
 * do the same.
 *
 * queue and stack have no keys (key is not read): reading peeks, writing pushes
 * and reading with removal pops. Reading a bloom_filter asks for the value that
 * is at value, writing adds it.
 *
 * Errors: ENOENT no such element, EEXIST, E2BIG full or index out of range,
 * EINVAL, EACCES by the map's flags or when frozen, EUNSUPPORTED the kind has
 * no such operation. EAGAIN: somebody else goes on changing the key while it is
 * put into a map.
 *
 * A value is overwritten in place. Whoever reads at the same moment may see
 * some of its aligned 8-byte words old and some new, never a torn word.
 */
uint32_t ebpf_map_user_value_size(const struct ebpf_map *map);
int ebpf_map_read(struct ebpf_map *map, const void *key, void *value);
int ebpf_map_read_locked(struct ebpf_map *map, const void *key, void *value);
int ebpf_map_write(struct ebpf_map *map, const void *key, const void *value,
		   uint64_t flags);
int ebpf_map_remove(struct ebpf_map *map, const void *key);
/* Read and remove in one step: hash kinds, queue, stack. */
int ebpf_map_extract(struct ebpf_map *map, const void *key, void *value);
/* key NULL or not in the map: the first key. ENOENT after the last. */
int ebpf_map_next(struct ebpf_map *map, const void *key, void *next);
/* The element itself, as bpf_map_lookup_elem; run path, inside a section. */
void *ebpf_map_find(struct ebpf_map *map, const void *key);

#ifdef __cplusplus
}
#endif

#endif
