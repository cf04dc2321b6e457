/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hooks: places that run programs. The owner of a hook (a userspace switch, a
 * kernel module) registers ops; links (link.h) attach through them. A target
 * is named by a string, the switch's name for vale.
 */
#ifndef CORE_HOOK_H
#define CORE_HOOK_H

#include "abi/wire.h"
#include "core/ebpf.h"

struct ebpf_link;

enum {
	EBPF_HOOK_SLOTS = 4,
};

struct ebpf_hook_ops {
	uint32_t hook;	       /* enum ebpf_hook_kind */
	uint32_t kinds;	       /* EBPF_KINDS_* that may attach: EINVAL else */
	/*
	 * Make prog decide at target from now on. The hook takes a reference
	 * to link (ebpf_link_get) and drops it after detach or when the target
	 * goes. EBUSY if another link is there and replace is false; with
	 * replace that link is told by ebpf_link_gone(). ENOENT: no such
	 * target.
	 */
	int (*attach)(void *cookie, struct ebpf_link *link, bool replace);
	/*
	 * Swap the program of an attached link in one step; frames in flight
	 * see the old or the new one. On return nobody runs the old one.
	 */
	int (*update)(void *cookie, struct ebpf_link *link,
		      struct ebpf_prog *prog);
	/* Back to the hook's own behaviour. On return nobody runs the program. */
	void (*detach)(void *cookie, struct ebpf_link *link);
	/*
	 * All three tolerate a link that the hook has just let go
	 * (ebpf_link_gone): update returns ESTALE, detach does nothing.
	 */
};

struct ebpf_hook {
	const struct ebpf_hook_ops *ops; /* NULL: no such hook here */
	void *cookie;
	uint32_t users; /* calls of ops under way that no link shows yet */
};

/* EEXIST when the hook has an owner. Unregister detaches every link of it;
 * they are STALE afterwards, and ops are called no more. */
int ebpf_hook_register(struct ebpf_runtime *rt,
		       const struct ebpf_hook_ops *ops, void *cookie);
void ebpf_hook_unregister(struct ebpf_runtime *rt, enum ebpf_hook_kind hook);

#endif
