/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Links: the object that ties a program to a hook's target. An attached link is
 * held by the hook, so it outlives the session that made it.
 */
#ifndef CORE_LINK_H
#define CORE_LINK_H

#include "core/hook.h"
#include "core/object.h"

struct ebpf_link {
	struct ebpf_object obj;
	uint32_t hook;		/* enum ebpf_hook_kind */
	const struct ebpf_hook_ops *ops; /* only while ATTACHED */
	void *cookie;		/* the hook's */
	void *target_state;	/* the hook's, for this link */
	struct os_mutex lock;	/* prog; held over ops calls */
	struct ebpf_prog *prog; /* with a reference */
	uint32_t state;		/* enum ebpf_link_state; atomic */
	uint32_t kept;		/* atomic; 1: with a reference of its own */
	char target[EBPF_NAME_SIZE];
};

/* Attach; the caller gets one reference. Errors of the hook's attach. */
int ebpf_link_create(struct ebpf_runtime *rt, enum ebpf_hook_kind hook,
		     const char *target, struct ebpf_prog *prog, bool replace,
		     uint32_t uid, struct ebpf_link **link);
/* EBUSY unless `expected` (may be NULL: any) is attached now; ESTALE. */
int ebpf_link_update(struct ebpf_link *link, struct ebpf_prog *prog,
		     struct ebpf_prog *expected);
/* ESTALE if already off; one that is kept (ebpf_link_vanished) is let go. */
int ebpf_link_detach(struct ebpf_link *link);
/* The same with the state it shall have afterwards. */
int ebpf_link_release(struct ebpf_link *link, enum ebpf_link_state state);

static inline void
ebpf_link_get(struct ebpf_link *link)
{
	ebpf_object_get(&link->obj);
}

/* NULL is fine. */
static inline void
ebpf_link_put(struct ebpf_link *link)
{
	if (link)
		ebpf_object_put(&link->obj);
}

/* The program attached now, with a reference. */
struct ebpf_prog *ebpf_link_prog(struct ebpf_link *link);

/*
 * Called by hooks, whatever locks they hold: the target went (STALE) or another
 * link took over (DETACHED). Drops nothing; the hook drops its own reference.
 */
void ebpf_link_gone(struct ebpf_link *link, enum ebpf_link_state state);

/*
 * The same when the target went without anybody asking this device: so that it
 * is noticed, the link stays, stale, until somebody detaches it, another link
 * is made for that target, or the hook leaves.
 */
void ebpf_link_vanished(struct ebpf_link *link);

#endif
