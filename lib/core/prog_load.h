/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The state of one load on its way up the stairs of prog.c, and those steps
 * that live in files of their own.
 */
#ifndef CORE_PROG_LOAD_H
#define CORE_PROG_LOAD_H

#include "core/log.h"
#include "core/prog.h"

struct ebpf_loading {
	struct ebpf_load load; /* the caller's, as this version knows it */
	struct ebpf_runtime *rt;
	struct ebpf_prog *prog;
	struct ebpf_op *ops; /* prog->ops, writable until published */
	struct ebpf_log log, records;
	struct ebpf_load_stats stats;
};

/* Note what rule was broken where, in words too; returns -EBPF_EREJECTED. */
int ebpf_reject(struct ebpf_loading *loading, uint32_t insn,
		enum ebpf_rule rule, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * prog_resolve.c. Maps: references by id or index become indices into
 * prog->maps, each map held once; prog->raw gets ids. Link: after verification,
 * the run form of prog.h.
 */
int ebpf_resolve_maps(struct ebpf_loading *loading);
int ebpf_resolve_link(struct ebpf_loading *loading);

/* prog_info.c: copy and check function and line information. */
int ebpf_load_infos(struct ebpf_loading *loading);

#endif
