// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The switches that ask us about frames, and the module. Each of them pins the
 * module, because netmap calls back without taking a reference.
 */
#include "abi/version.h"
#include "vale_parts.h"

#include <linux/workqueue.h>

DEFINE_MUTEX(vales_lock);
LIST_HEAD(vales);

static void look_after(struct work_struct *work);
static DECLARE_WORK(look_work, look_after);

bool
vale_name_valid(const char *name)
{
	size_t i, len = strlen(name);

	if (strncmp(name, "vale", 4) || len + 1 >= VALE_NAME_SIZE)
		return false;
	for (i = 4; i < len; i++)
		if (!(name[i] >= '0' && name[i] <= '9') &&
		    !(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= 'A' && name[i] <= 'Z') && name[i] != '_')
			return false;
	return true;
}

struct vale *
vale_find(const char *name)
{
	size_t len = strlen(name);
	struct vale *vale;

	list_for_each_entry(vale, &vales, list)
		if (strncmp(vale->name, name, len) == 0 &&
		    strcmp(vale->name + len, ":") == 0)
			return vale;
	return NULL;
}

/* As strcmp() has it, of names that end with a colon or a NUL. */
static int
order(const char *a, const char *b)
{
	for (; *a && *a != ':' && *a == *b; a++, b++)
		;
	return (*a == ':' ? 0 : *a) - (*b == ':' ? 0 : *b);
}

struct vale *
vale_next(const char *name)
{
	struct vale *vale, *best = NULL;

	list_for_each_entry(vale, &vales, list)
		if (order(vale->name, name) > 0 &&
		    (!best || order(vale->name, best->name) < 0))
			best = vale;
	return best;
}

int
vale_make(const char *name, struct vale **result)
{
	struct vale *vale = os_alloc(sizeof(*vale));

	*result = NULL;
	if (!vale)
		return -EBPF_ENOMEM;
	snprintf(vale->name, sizeof(vale->name), "%s:", name);
	vale->bridge = ebpf_bridge_create(ebpf_linux_runtime());
	if (!vale->bridge)
		goto no_bridge;
	vale->cpus = os_percpu_alloc(sizeof(vale->cpus[0]));
	if (!vale->cpus)
		goto no_counts;
	INIT_LIST_HEAD(&vale->list);
	__module_get(THIS_MODULE);
	*result = vale;
	return 0;

no_counts:
	ebpf_bridge_destroy(vale->bridge);
no_bridge:
	os_free(vale);
	return -EBPF_ENOMEM;
}

void
vale_free(struct vale *vale)
{
	if (!vale)
		return;
	list_del(&vale->list);
	ebpf_bridge_set_prog(vale->bridge, NULL);
	ebpf_bridge_destroy(vale->bridge);
	os_percpu_free(vale->cpus);
	ebpf_link_put(vale->link);
	os_free(vale);
	module_put(THIS_MODULE);
}

int
vale_install(struct vale *vale)
{
	int error;

	list_add(&vale->list, &vales);
	error = vale_netmap_regops(vale->name, &vale_frame_ops, vale,
				   vale->token);
	if (error)
		list_del_init(&vale->list);
	return error;
}

bool
vale_gone(struct vale *vale)
{
	if (vale->token || !vale_netmap_is(vale->name, vale, NULL))
		return false;
	if (vale->link)
		ebpf_link_vanished(vale->link);
	vale_free(vale);
	return true;
}

static void
look_after(struct work_struct *work)
{
	struct vale *vale, *next;

	mutex_lock(&vales_lock);
	list_for_each_entry_safe(vale, next, &vales, list)
		vale_gone(vale);
	mutex_unlock(&vales_lock);
}

void
vale_look_later(void)
{
	vale_netmap_queue(&look_work);
}

/* ---- the module ---- */

static int __init
vale_bpf_init(void)
{
	int error = vale_netmap_init();

	if (error)
		return error;
	error = -EEXIST;
	/* First what can be taken back while others use it. */
	if (ebpf_hook_register(ebpf_linux_runtime(), &vale_hook_ops, NULL))
		goto no_hook;
	if (ebpf_linux_switches_register(&vale_switch_ops, NULL, THIS_MODULE))
		goto no_switches;
	return 0;

no_switches:
	ebpf_hook_unregister(ebpf_linux_runtime(), EBPF_HOOK_VALE);
no_hook:
	vale_netmap_exit();
	return error;
}

/* Not while a switch has our callback: each pins the module. */
static void __exit
vale_bpf_exit(void)
{
	ebpf_linux_switches_unregister();
	ebpf_hook_unregister(ebpf_linux_runtime(), EBPF_HOOK_VALE);
	vale_ports_exit();
	vale_netmap_exit();
}

module_init(vale_bpf_init);
module_exit(vale_bpf_exit);
MODULE_DESCRIPTION("eBPF programs decide at netmap's VALE switches");
MODULE_VERSION(EBPF_RELEASE);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("the gebpf authors");
