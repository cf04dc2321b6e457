/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The vale hook: which link's program decides at which switch. Called by
 * core/link.c with the link's lock held. A switch holds a reference to its
 * link; the link holds the program.
 */
#include "core/object.h"
#include "host/vswitch_parts.h"

static int
hook_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	struct vale *vale = vale_get(cookie, link->target);
	struct ebpf_link *old = NULL;
	int error = -EBPF_ENOENT;

	if (!vale)
		return error;
	pthread_mutex_lock(&vale->lock);
	if (vale->gone)
		goto unlock;
	error = -EBPF_EBUSY;
	if (vale->link && !replace)
		goto unlock;
	old = vale->link;
	ebpf_object_get(&link->obj);
	vale->link = link;
	vale->prog_id = link->prog->obj.id;
	ebpf_bridge_set_prog(vale->bridge, link->prog);
	error = 0;
unlock:
	pthread_mutex_unlock(&vale->lock);
	/*
	 * Takes the old link's lock while ours is held: a link attaches once,
	 * at its birth, so the order is by age and never a circle.
	 */
	if (old) {
		ebpf_link_gone(old, EBPF_LINK_DETACHED);
		ebpf_object_put(&old->obj);
	}
	vale_put(vale);
	return error;
}

static int
hook_update(void *cookie, struct ebpf_link *link, struct ebpf_prog *prog)
{
	struct vale *vale = vale_get(cookie, link->target);
	int error = -EBPF_ESTALE;

	if (!vale)
		return error;
	pthread_mutex_lock(&vale->lock);
	/* Another link may have this switch, or a new switch this name. */
	if (vale->link == link) {
		ebpf_bridge_set_prog(vale->bridge, prog);
		vale->prog_id = prog->obj.id;
		error = 0;
	}
	pthread_mutex_unlock(&vale->lock);
	vale_put(vale);
	return error;
}

static void
hook_detach(void *cookie, struct ebpf_link *link)
{
	struct vale *vale = vale_get(cookie, link->target);
	bool ours;

	if (!vale)
		return;
	pthread_mutex_lock(&vale->lock);
	ours = vale->link == link;
	if (ours) {
		ebpf_bridge_set_prog(vale->bridge, NULL);
		vale->link = NULL;
		vale->prog_id = 0;
	}
	pthread_mutex_unlock(&vale->lock);
	vale_put(vale);
	if (ours)
		ebpf_object_put(&link->obj);
}

const struct ebpf_hook_ops vale_hook_ops = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE | EBPF_KINDS_VALE_BUF,
	.attach = hook_attach,
	.update = hook_update,
	.detach = hook_detach,
};
