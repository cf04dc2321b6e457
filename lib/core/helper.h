/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The built-in helpers, one function per EBPF_HELPER line of helper.def. A
 * line added there is a function to write; the linker says which. Engines call
 * them through struct ebpf_helper; the JIT may also call them by name.
 */
#ifndef CORE_HELPER_H
#define CORE_HELPER_H

#include "core/ebpf.h"

#define EBPF_HELPER(number, name, ret, a1, a2, a3, a4, a5, kinds, flags) \
	uint64_t ebpf_helper_##name(uint64_t r1, uint64_t r2, uint64_t r3, \
				    uint64_t r4, uint64_t r5,              \
				    const struct ebpf_prog *prog);
#include "abi/helper.def"

/*
 * trace_printk for calls that set 0, 1, 2 or all 3 of its numbers: a format
 * that wants more is refused, so no register is shown that was not set.
 */
extern const struct ebpf_helper ebpf_trace_printk_set[4];

/*
 * What the last bpf_redirect() or bpf_redirect_map() on this CPU decided, for
 * who acts on a verdict of redirection; false: there was none. Pinned; asking
 * forgets it.
 */
struct ebpf_redirect {
	uint32_t set;
	uint32_t target; /* interface, or what the map held for the key */
	uint32_t map_id; /* 0: bpf_redirect() */
	uint32_t key;
	uint32_t flags; /* EBPF_REDIRECT_* */
};
enum {
	EBPF_REDIRECT_INGRESS = 1u << 0, /* tc */
	EBPF_REDIRECT_BROADCAST = 1u << 3, /* to all of the map; target is 0 */
	EBPF_REDIRECT_EXCLUDE_INGRESS = 1u << 4, /* but where it came from */
};
bool ebpf_redirect_take(struct ebpf_runtime *rt,
			struct ebpf_redirect *redirect);

#endif
