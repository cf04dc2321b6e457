// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Where the device finds the switches of this kernel, if a module that has some
 * is loaded. Such modules come and go while the device is there, so the device
 * is given a table that asks for the owner anew with each call.
 */
#include "ebpf_linux.h"

#include "core/ebpf.h"

#include <linux/export.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(owner_lock); /* what follows */
static const struct ebpf_switch_ops *owner_ops;
static void *owner_cookie;
static struct module *owner_module;

int
ebpf_linux_switches_register(const struct ebpf_switch_ops *ops, void *cookie,
			     struct module *owner)
{
	int error = 0;

	mutex_lock(&owner_lock);
	if (owner_ops) {
		error = -EBPF_EEXIST;
	} else {
		owner_ops = ops;
		owner_cookie = cookie;
		owner_module = owner;
	}
	mutex_unlock(&owner_lock);
	return error;
}
EXPORT_SYMBOL_GPL(ebpf_linux_switches_register);

/* From its exit: no reference is left, so nobody is inside. */
void
ebpf_linux_switches_unregister(void)
{
	mutex_lock(&owner_lock);
	owner_ops = NULL;
	mutex_unlock(&owner_lock);
}
EXPORT_SYMBOL_GPL(ebpf_linux_switches_unregister);

struct owner {
	const struct ebpf_switch_ops *ops;
	void *cookie;
	struct module *module;
};

static bool
owner_get(struct owner *owner)
{
	mutex_lock(&owner_lock);
	owner->ops = owner_ops;
	owner->cookie = owner_cookie;
	owner->module = owner_module;
	if (owner->ops && !try_module_get(owner->module))
		owner->ops = NULL;
	mutex_unlock(&owner_lock);
	return owner->ops != NULL;
}

static void
owner_put(struct owner *owner)
{
	module_put(owner->module);
}

static int
forward_create(void *cookie, const char *name, uint32_t uid)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->create(owner.cookie, name, uid);
	owner_put(&owner);
	return error;
}

static int
forward_destroy(void *cookie, const char *name)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->destroy(owner.cookie, name);
	owner_put(&owner);
	return error;
}

static int
forward_next(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->next(owner.cookie, name, info);
	owner_put(&owner);
	return error;
}

static int
forward_info(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->info(owner.cookie, name, info);
	owner_put(&owner);
	return error;
}

static int
forward_start(void *cookie, const char *name, uint32_t wait_ms,
	      struct ebpf_rep_switch_info *info)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->start(owner.cookie, name, wait_ms, info);
	owner_put(&owner);
	return error;
}

static int
forward_port_add(void *cookie, const char *name, const char *port_name,
		 const char *spec, struct ebpf_rep_port_info *info, char *why,
		 size_t why_size)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->port_add(owner.cookie, name, port_name, spec, info,
				    why, why_size);
	owner_put(&owner);
	return error;
}

static int
forward_port_del(void *cookie, const char *name, uint32_t index,
		 const char *port_name)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->port_del(owner.cookie, name, index, port_name);
	owner_put(&owner);
	return error;
}

static int
forward_port_info(void *cookie, const char *name, uint32_t index,
		  struct ebpf_rep_port_info *info)
{
	struct owner owner;
	int error;

	if (!owner_get(&owner))
		return -EBPF_EUNSUPPORTED;
	error = owner.ops->port_info(owner.cookie, name, index, info);
	owner_put(&owner);
	return error;
}

const struct ebpf_switch_ops ebpf_linux_switches = {
	.create = forward_create,
	.destroy = forward_destroy,
	.next = forward_next,
	.info = forward_info,
	.start = forward_start,
	.port_add = forward_port_add,
	.port_del = forward_port_del,
	.port_info = forward_port_info,
};
EXPORT_SYMBOL_GPL(ebpf_linux_switches);
