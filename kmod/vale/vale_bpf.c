// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vale_bpf.ko: the hook "vale" on netmap's switches. netmap's lookup callback
 * asks switch/bridge.c for each frame. The only code that includes netmap's
 * private headers; built with the options of the tree it was given, because
 * netmap's structures depend on them.
 *
 * A switch that a program is attached to is a struct vale. Its lookup runs under
 * netmap's lock of that switch, which netmap_bdg_regops() takes for writing: on
 * return from a reset nobody is inside, so the struct may go.
 */
#include <bsd_glue.h>
#include <net/netmap.h>
#include <dev/netmap/netmap_kern.h>
#include <dev/netmap/netmap_bdg.h>

#include "core/ebpf.h"
#include "core/link.h"
#include "core/os.h"
#include "switch/bridge.h"

#include <linux/list.h>
#include <linux/module.h>

enum {
	RINGS_MAX = 16, /* what netmap's queue table has for each port */
};

struct ebpf_runtime *ebpf_linux_runtime(void);

struct vale {
	struct list_head list;
	struct ebpf_bridge *bridge;
	struct ebpf_link *link; /* with a reference */
	char name[EBPF_NAME_SIZE + 1]; /* with netmap's colon */
};

static LIST_HEAD(vales);
static DEFINE_MUTEX(vales_lock); /* vales; taken before netmap's locks */
static struct workqueue_struct *queue;

static void look_after(struct work_struct *work);
static DECLARE_WORK(look_work, look_after);

/* ---- frames ---- */

/*
 * netmap takes no care of what comes back: the port is cut to 16 bits, the ring
 * not checked at all. bridge.c gives 0..255, the ring is checked here.
 */
static uint32_t
lookup(struct nm_bdg_fwd *ft, uint8_t *ring, struct netmap_vp_adapter *from,
       void *private_data)
{
	struct vale *vale = private_data;
	struct ebpf_verdict_counts counts = { 0 };
	struct ebpf_section section;
	struct ebpf_frame frame;

	/* The buffer is then an address in the sender's process. */
	if ((ft->ft_flags & NS_INDIRECT) || ft->ft_offset >= ft->ft_len)
		return NM_BDG_NOPORT;
	frame.data = (uint8_t *)ft->ft_buf + ft->ft_offset;
	frame.len = ft->ft_len - ft->ft_offset;
	frame.port = from->bdg_port;
	frame.ring_nr = *ring;
	ebpf_section_enter(&section);
	ebpf_bridge_decide(vale->bridge, &frame, 1, &counts);
	ebpf_section_leave(&section);
	if (frame.ring_nr < RINGS_MAX)
		*ring = frame.ring_nr;
	return frame.verdict;
}

/* A port leaves, maybe the last, with which the switch goes. No lock of ours
 * and no call of netmap's is allowed here: look later. */
static void
port_leaves(const struct netmap_vp_adapter *port)
{
	queue_work(queue, &look_work);
}

static struct netmap_bdg_ops ours = {
	.lookup = lookup,
	.dtor = port_leaves,
};

/* ---- switches ---- */

static struct vale *
vale_find(const char *target)
{
	size_t len = strlen(target);
	struct vale *vale;

	list_for_each_entry(vale, &vales, list)
		if (strncmp(vale->name, target, len) == 0 &&
		    strcmp(vale->name + len, ":") == 0)
			return vale;
	return NULL;
}

/* netmap calls it with what the switch has; error stays 0 if that is ours. */
static void *
compare(void *private_data, void *wanted, int *error)
{
	*error = private_data == wanted ? 0 : ENOENT;
	return private_data;
}

/* The switch that the callback was installed in is still there. */
static bool
vale_is_there(struct vale *vale)
{
	return netmap_bdg_update_private_data(vale->name, compare, vale,
					      NULL) == 0;
}

/* Nobody runs lookup for it any more. */
static void
vale_free(struct vale *vale)
{
	list_del(&vale->list);
	ebpf_bridge_set_prog(vale->bridge, NULL);
	ebpf_bridge_destroy(vale->bridge);
	ebpf_link_put(vale->link);
	os_free(vale);
	module_put(THIS_MODULE);
}

static void
look_after(struct work_struct *work)
{
	struct vale *vale, *next;

	mutex_lock(&vales_lock);
	list_for_each_entry_safe(vale, next, &vales, list) {
		if (vale_is_there(vale))
			continue;
		ebpf_link_gone(vale->link, EBPF_LINK_STALE);
		vale_free(vale);
	}
	mutex_unlock(&vales_lock);
}

/* ---- the hook ---- */

static int
error_of(int error)
{
	switch (error) {
	case 0:
		return 0;
	case EACCES: /* in exclusive mode: somebody else owns it */
		return -EBPF_EACCES;
	case ENXIO:
	case EINVAL:
		return -EBPF_ENOENT;
	default:
		return -EBPF_ENOMEM;
	}
}

static int
install(struct ebpf_link *link)
{
	struct vale *vale;
	int error = -EBPF_ENOMEM;

	if (strlen(link->target) < 5 || strncmp(link->target, "vale", 4) ||
	    strchr(link->target, ':'))
		return -EBPF_ENOENT;
	vale = os_alloc(sizeof(*vale));
	if (!vale)
		return error;
	snprintf(vale->name, sizeof(vale->name), "%s:", link->target);
	vale->bridge = ebpf_bridge_create(link->obj.rt);
	if (!vale->bridge)
		goto no_bridge;
	ebpf_bridge_set_prog(vale->bridge, link->prog);
	ebpf_link_get(link);
	vale->link = link;
	__module_get(THIS_MODULE);
	list_add(&vale->list, &vales);
	error = error_of(netmap_bdg_regops(vale->name, &ours, vale, NULL));
	if (error)
		vale_free(vale);
	return error;

no_bridge:
	os_free(vale);
	return error;
}

static int
hook_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	struct ebpf_link *old;
	struct vale *vale;
	int error = 0;

	mutex_lock(&vales_lock);
	vale = vale_find(link->target);
	if (vale && !vale_is_there(vale)) {
		ebpf_link_gone(vale->link, EBPF_LINK_STALE);
		vale_free(vale);
		vale = NULL;
	}
	if (!vale) {
		error = install(link);
	} else if (!replace) {
		error = -EBPF_EBUSY;
	} else {
		old = vale->link;
		ebpf_link_get(link);
		vale->link = link;
		ebpf_bridge_set_prog(vale->bridge, link->prog);
		ebpf_link_gone(old, EBPF_LINK_DETACHED);
		ebpf_link_put(old);
	}
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
		ebpf_bridge_set_prog(vale->bridge, prog);
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
	if (vale && vale->link == link) {
		/* A new switch of that name would only forget addresses. */
		if (vale_is_there(vale))
			netmap_bdg_regops(vale->name, NULL, NULL, NULL);
		vale_free(vale);
	}
	mutex_unlock(&vales_lock);
}

static const struct ebpf_hook_ops hook = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE | EBPF_KINDS_VALE_BUF,
	.attach = hook_attach,
	.update = hook_update,
	.detach = hook_detach,
};

/* ---- the module ---- */

static int __init
vale_bpf_init(void)
{
	queue = alloc_workqueue("vale_bpf", 0, 1);
	if (!queue)
		return -ENOMEM;
	if (ebpf_hook_register(ebpf_linux_runtime(), &hook, NULL)) {
		destroy_workqueue(queue);
		return -EEXIST;
	}
	return 0;
}

/* Not while a switch has our callback: each pins the module. */
static void __exit
vale_bpf_exit(void)
{
	ebpf_hook_unregister(ebpf_linux_runtime(), EBPF_HOOK_VALE);
	destroy_workqueue(queue);
}

module_init(vale_bpf_init);
module_exit(vale_bpf_exit);
MODULE_DESCRIPTION("eBPF programs decide at netmap's VALE switches");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("the gebpf authors");
