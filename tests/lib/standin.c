/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Switches and a hook that only remember; standin.h. */
#include <stdio.h>
#include <string.h>

#include "core/link.h"
#include "core/runtime.h"
#include "standin.h"

uint32_t standin_switches;
struct ebpf_link *standin_link;

static int
vale_create(void *cookie, const char *name, uint32_t uid)
{
	standin_switches++;
	return strcmp(name, "vale0") == 0 ? 0 : -EBPF_EINVAL;
}

static int
vale_destroy(void *cookie, const char *name)
{
	return strcmp(name, "vale0") == 0 ? 0 : -EBPF_ENOENT;
}

static int
vale_info(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	if (strcmp(name, "vale0") != 0)
		return -EBPF_ENOENT;
	info->port_count = 3;
	memcpy(info->name, "vale0", 6);
	return 0;
}

static int
vale_next(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	return strcmp(name, "vale0") < 0 ? vale_info(NULL, "vale0", info) :
					   -EBPF_ENOENT;
}

static int
vale_start(void *cookie, const char *name, uint32_t wait_ms,
	   struct ebpf_rep_switch_info *info)
{
	return vale_info(cookie, name, info);
}

static int
vale_port_add(void *cookie, const char *name, const char *port_name,
	      const char *spec, struct ebpf_rep_port_info *info, char *why,
	      size_t why_size)
{
	info->index = 7;
	if (strcmp(spec, "good:") == 0)
		return 0;
	snprintf(why, why_size, "cannot open %s", spec);
	return -EBPF_ENODEV;
}

static int
vale_port_del(void *cookie, const char *name, uint32_t index,
	      const char *port_name)
{
	return index == 7 ? 0 : -EBPF_ENOENT;
}

static int
vale_port_info(void *cookie, const char *name, uint32_t index,
	       struct ebpf_rep_port_info *info)
{
	if (index > 7)
		return -EBPF_ENOENT;
	info->index = 7;
	return 0;
}

const struct ebpf_switch_ops standin_switch_ops = {
	.create = vale_create,
	.destroy = vale_destroy,
	.next = vale_next,
	.info = vale_info,
	.start = vale_start,
	.port_add = vale_port_add,
	.port_del = vale_port_del,
	.port_info = vale_port_info,
};

static int
hook_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	if (strcmp(link->target, "vale0") != 0)
		return -EBPF_ENOENT;
	if (standin_link != NULL) {
		if (!replace)
			return -EBPF_EBUSY;
		ebpf_link_gone(standin_link, EBPF_LINK_DETACHED);
		ebpf_link_put(standin_link);
	}
	ebpf_link_get(link);
	standin_link = link;
	return 0;
}

static int
hook_update(void *cookie, struct ebpf_link *link, struct ebpf_prog *prog)
{
	return standin_link == link ? 0 : -EBPF_ESTALE;
}

static void
hook_detach(void *cookie, struct ebpf_link *link)
{
	if (standin_link != link)
		return;
	standin_link = NULL;
	ebpf_link_put(link);
}

const struct ebpf_hook_ops standin_hook_ops = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE | EBPF_KINDS_VALE_BUF,
	.attach = hook_attach,
	.update = hook_update,
	.detach = hook_detach,
};
