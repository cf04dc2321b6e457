/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verifier: nothing runs that it did not accept. Takes decoded, map-resolved
 * ops (prog.h: form V); on acceptance it fills functions, stack depths and dead
 * slots and rewrites context accesses to the host's layout. Files in
 * core/verifier/; the abstract domain stands alone in tnum.c and range.c.
 */
#ifndef CORE_VERIFIER_H
#define CORE_VERIFIER_H

#include "core/log.h"
#include "core/prog.h"

/*
 * prog: kind, ops (writable through `ops`), op_count, maps, btf and infos are
 * set. Fills prog->funcs, func_count, stack_total, stack_depth, dead (all
 * allocated with os_alloc) and stats. 0, -EBPF_EREJECTED (stats->rule and
 * stats->insn say what and where, log says it in words), -EBPF_ENOMEM.
 */
int ebpf_verify(struct ebpf_prog *prog, struct ebpf_op *ops,
		struct ebpf_log *log, struct ebpf_load_stats *stats);

#endif
