/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Who owns which hook of a runtime. Links call the owner; see link.c. */
#include "core/hook.h"

#include "core/link.h"
#include "core/runtime.h"

int
ebpf_hook_register(struct ebpf_runtime *rt, const struct ebpf_hook_ops *ops,
		   void *cookie)
{
	struct ebpf_hook *hook;
	int error = 0;

	if (ops->hook >= EBPF_HOOK_SLOTS)
		return -EBPF_EINVAL;
	hook = &rt->hooks[ops->hook];
	os_mutex_lock(&rt->lock);
	if (hook->ops) {
		error = -EBPF_EEXIST;
	} else {
		hook->ops = ops;
		hook->cookie = cookie;
	}
	os_mutex_unlock(&rt->lock);
	return error;
}

/*
 * First nobody can find the hook any more, then attachments under way end,
 * then the links that exist are let go. After that no call of ops can come.
 */
void
ebpf_hook_unregister(struct ebpf_runtime *rt, enum ebpf_hook_kind kind)
{
	struct ebpf_hook *hook = &rt->hooks[kind];
	struct ebpf_object *obj;
	struct ebpf_link *link;
	uint32_t id = 0;

	os_mutex_lock(&rt->lock);
	hook->ops = NULL;
	while (hook->users > 0) {
		os_mutex_unlock(&rt->lock);
		os_yield();
		os_mutex_lock(&rt->lock);
	}
	os_mutex_unlock(&rt->lock);

	while ((obj = ebpf_object_next(rt, EBPF_OBJ_LINK, id)) != NULL) {
		link = os_container(obj, struct ebpf_link, obj);
		id = obj->id;
		if (link->hook == kind)
			ebpf_link_release(link, EBPF_LINK_STALE);
		ebpf_object_put(obj);
	}
}
