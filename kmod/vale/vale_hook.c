// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The hook "vale": which link's program decides at which switch. A switch that
 * netmap made by itself is adopted with its first link and given back with its
 * last; one of our own has links come and go. Called by core/link.c.
 */
#include "vale_parts.h"

/* The program decides from now on; whoever had the switch is told. */
static void
take(struct vale *vale, struct ebpf_link *link)
{
	struct ebpf_link *old = vale->link;

	ebpf_link_get(link);
	vale->link = link;
	vale_set_prog(vale, link->prog);
	if (old) {
		ebpf_link_gone(old, EBPF_LINK_DETACHED);
		ebpf_link_put(old);
	}
}

static int
adopt(struct ebpf_link *link)
{
	struct vale *vale;
	int error = vale_make(link->target, &vale);

	if (error)
		return error;
	take(vale, link);
	error = vale_install(vale);
	if (error)
		vale_free(vale);
	return error;
}

static int
hook_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	struct vale *vale;
	int error = 0;

	if (!vale_name_valid(link->target))
		return -EBPF_ENOENT;
	mutex_lock(&vales_lock);
	vale = vale_find(link->target);
	if (vale && vale_gone(vale))
		vale = NULL;
	if (!vale)
		error = adopt(link);
	else if (vale->link && !replace)
		error = -EBPF_EBUSY;
	else
		take(vale, link);
	mutex_unlock(&vales_lock);
	return error;
}

static int
hook_update(void *cookie, struct ebpf_link *link, struct ebpf_prog *prog)
{
	struct vale *vale;
	int error = -EBPF_ESTALE;

	mutex_lock(&vales_lock);
	vale = vale_find(link->target);
	if (vale && vale->link == link) {
		vale_set_prog(vale, prog);
		error = 0;
	}
	mutex_unlock(&vales_lock);
	return error;
}

static void
hook_detach(void *cookie, struct ebpf_link *link)
{
	struct vale *vale;

	mutex_lock(&vales_lock);
	vale = vale_find(link->target);
	if (!vale || vale->link != link)
		goto out;
	if (vale->token) {
		vale_set_prog(vale, NULL);
		vale->link = NULL;
		ebpf_link_put(link);
		goto out;
	}
	/* A new switch of that name would only forget addresses. */
	if (!vale_netmap_is(vale->name, vale, NULL))
		vale_netmap_regops(vale->name, NULL, NULL, NULL);
	vale_free(vale);
out:
	mutex_unlock(&vales_lock);
}

const struct ebpf_hook_ops vale_hook_ops = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE | EBPF_KINDS_VALE_BUF,
	.attach = hook_attach,
	.update = hook_update,
	.detach = hook_detach,
};
