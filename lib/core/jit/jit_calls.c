/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What generated code leaves to C: rare instructions whose speed is not worth
 * code of their own in every backend. The semantics are the interpreter's.
 */
#include "core/interp.h"
#include "core/jit/jit_buf.h"
#include "core/jit/jit_scan.h"
#include "core/runtime.h"

ebpf_helper_fn *
ebpf_jit_callx_find(const struct ebpf_prog *prog, uint64_t number)
{
	const struct ebpf_helper *helper = NULL;

	if (number <= UINT32_MAX)
		helper = ebpf_helper_find(prog->obj.rt, (uint32_t)number);
	if (helper == NULL ||
	    (helper->flags & (EBPF_HELPER_TAIL | EBPF_HELPER_LOOP)))
		return NULL;
	return helper->fn;
}

uint64_t
ebpf_jit_load_packet(const struct ebpf_prog *prog,
		     const struct ebpf_jit_run *run, uint32_t off,
		     uint32_t bytes)
{
	uint64_t value;

	if (!ebpf_packet_load(prog, run->r1, run->r2, off, bytes, &value))
		return ~0ull;
	return value;
}
