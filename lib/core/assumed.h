/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is assumed of Linux when a program is verified for it and not for here
 * (ebpf_load.assume_linux): kinds, helpers and maps that never run. Read by
 * prog.c, map.c and the verifier.
 */
#ifndef CORE_ASSUMED_H
#define CORE_ASSUMED_H

#include "core/ebpf.h"
#include "core/map.h"

/*
 * Linux's own pointer types among the context's fields; they continue enum
 * ebpf_ctx_type, and no kind that runs has them.
 */
enum {
	EBPF_CTX_SOCK = EBPF_CTX_PKT_META + 1,
	EBPF_CTX_SOCK_OR_NULL,
	EBPF_CTX_SOCK_COMMON_OR_NULL,
	EBPF_CTX_FLOW_KEYS,
};

/*
 * NULL: none, or not modelled. Where fields is NULL the context is plain
 * numbers: bytes host_size to ctx_size, read at their alignment.
 */
const struct ebpf_kind *ebpf_assumed_kind(uint32_t number);
/* Whether Linux lets that kind (from above) call the helper. */
bool ebpf_assumed_call(const struct ebpf_kind *kind, uint32_t number);
/* The prototype of a helper that is not available here; NULL: not modelled. */
const struct ebpf_helper *ebpf_assumed_helper(uint32_t number);

/* Ops of maps made with EBPF_F_ASSUMED: sizes, and nothing behind them. */
const struct ebpf_map_ops *ebpf_assumed_map_ops(uint32_t kind);
/* Whether Linux lets that helper use a map of that kind. */
bool ebpf_assumed_map_call(uint32_t kind, uint32_t helper);

#endif
