/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Helpers that decide where a packet goes instead of its usual way. They only
 * note it, per CPU; who runs the program acts on the verdict, if it can.
 */
#include "core/helper.h"
#include "core/map_redirect.h"
#include "core/prog.h"
#include "core/runtime.h"

enum {
	TC_SHOT = 2, /* Linux TC_ACT_* */
	TC_REDIRECT = 7,
	VERDICTS = 3, /* what redirect_map may return instead */
};

static void
note(const struct ebpf_prog *prog, uint32_t target, uint32_t map_id,
     uint32_t key, uint32_t flags)
{
	struct ebpf_redirect *redirect =
		os_percpu_ptr(prog->obj.rt->redirect, os_cpu_id());

	redirect->set = 1;
	redirect->target = target;
	redirect->map_id = map_id;
	redirect->key = key;
	redirect->flags = flags;
}

/* Flags are what the kind allows; the verdict is in the kind's own numbers. */
uint64_t
ebpf_helper_redirect(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		     uint64_t r5, const struct ebpf_prog *prog)
{
	bool tc = prog->kind->number == EBPF_PROG_TC;

	if (r2 & ~(uint64_t)(tc ? EBPF_REDIRECT_INGRESS : 0))
		return tc ? TC_SHOT : EBPF_XDP_ABORTED;
	note(prog, (uint32_t)r1, 0, 0, (uint32_t)r2);
	return tc ? TC_REDIRECT : EBPF_XDP_REDIRECT;
}

/* The low bits of the flags are the verdict when nothing is there. */
uint64_t
ebpf_helper_redirect_map(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			 uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_map *map = (struct ebpf_map *)(uintptr_t)r1;
	bool devices = map->ops->kind == EBPF_MAP_DEVMAP ||
		       map->ops->kind == EBPF_MAP_DEVMAP_HASH;
	uint32_t known = devices ? EBPF_REDIRECT_BROADCAST |
					   EBPF_REDIRECT_EXCLUDE_INGRESS :
				   0;
	uint32_t key = (uint32_t)r2, target;

	if (r3 & ~(uint64_t)(VERDICTS | known))
		return EBPF_XDP_ABORTED;
	target = r3 & EBPF_REDIRECT_BROADCAST ? 0 :
						ebpf_redirect_find(map, key);
	if (target == 0 && !(r3 & EBPF_REDIRECT_BROADCAST))
		return r3 & VERDICTS;
	note(prog, target, map->obj.id, key, (uint32_t)r3 & known);
	return EBPF_XDP_REDIRECT;
}

bool
ebpf_redirect_take(struct ebpf_runtime *rt, struct ebpf_redirect *result)
{
	struct ebpf_redirect *redirect =
		os_percpu_ptr(rt->redirect, os_cpu_id());

	*result = *redirect;
	memset(redirect, 0, sizeof(*redirect));
	return result->set != 0;
}
