// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Calls into netmap. It finds switches in the caller's network namespace, and
 * we must find the same one again from whatever process closes a link, or from
 * none: so every call is made by a worker, which lives in the initial one.
 *
 * netmap lists its ports only to user space. The worker asks through
 * /dev/netmap with a page that is mapped into the calling process for as long
 * as the question takes; nothing that comes back in it is trusted.
 */
#include "vale_parts.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/netdevice.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

static struct workqueue_struct *queue;

int
vale_netmap_init(void)
{
	/* Several at once: one may wait for a lock that another's caller has. */
	queue = alloc_workqueue("vale_bpf", WQ_UNBOUND, 0);
	return queue ? 0 : -ENOMEM;
}

void
vale_netmap_exit(void)
{
	destroy_workqueue(queue);
}

void
vale_netmap_queue(struct work_struct *work)
{
	queue_work(queue, work);
}

struct call {
	struct work_struct work;
	int (*fn)(void *argument);
	void *argument;
	int result;
};

static void
call_run(struct work_struct *work)
{
	struct call *call = container_of(work, struct call, work);

	call->result = call->fn(call->argument);
}

static int
in_worker(int (*fn)(void *argument), void *argument)
{
	struct call call = { .fn = fn, .argument = argument };

	INIT_WORK_ONSTACK(&call.work, call_run);
	queue_work(queue, &call.work);
	flush_work(&call.work);
	destroy_work_on_stack(&call.work);
	return call.result;
}

/* netmap's errors are mostly positive. */
static int
error_of(int error)
{
	switch (abs(error)) {
	case 0:
		return 0;
	case EACCES: /* in exclusive mode: somebody else owns it */
		return -EBPF_EACCES;
	case EPERM:
		return -EBPF_EPERM;
	case ENXIO:
	case ENOENT:
		return -EBPF_ENOENT;
	case ENODEV:
		return -EBPF_ENODEV;
	case EBUSY:
		return -EBPF_EBUSY;
	case EEXIST:
		return -EBPF_EEXIST;
	case EINVAL:
	case EOPNOTSUPP:
		return -EBPF_EINVAL;
	case EFAULT:
		return -EBPF_EFAULT;
	default:
		return -EBPF_ENOMEM;
	}
}

/* ---- switches ---- */

struct on_switch {
	const char *name;
	void *token;
	void *private_data;
	struct netmap_bdg_ops *ops;
};

static int
do_create(void *argument)
{
	struct on_switch *on = argument;
	int error = 0;

	on->token = netmap_vale_create(on->name, &error);
	if (on->token)
		return 0;
	/* The name is valid, so it ran out of switches, or of memory. */
	return error == ENOMEM ? -EBPF_ELIMIT : error_of(error);
}

int
vale_netmap_create(const char *name, void **token)
{
	struct on_switch on = { .name = name };
	int error = in_worker(do_create, &on);

	*token = on.token;
	return error;
}

static int
do_destroy(void *argument)
{
	struct on_switch *on = argument;

	return error_of(netmap_vale_destroy(on->name, on->token));
}

int
vale_netmap_destroy(const char *name, void *token)
{
	struct on_switch on = { .name = name, .token = token };

	return in_worker(do_destroy, &on);
}

static int
do_regops(void *argument)
{
	struct on_switch *on = argument;

	return error_of(netmap_bdg_regops(on->name, on->ops, on->private_data,
					  on->token));
}

int
vale_netmap_regops(const char *name, struct netmap_bdg_ops *ops,
		   void *private_data, void *token)
{
	struct on_switch on = {
		.name = name, .ops = ops, .private_data = private_data,
		.token = token,
	};

	return in_worker(do_regops, &on);
}

/* netmap calls it with what the switch has; error stays 0 if that is ours. */
static void *
compare(void *private_data, void *wanted, int *error)
{
	*error = private_data == wanted ? 0 : ENOENT;
	return private_data;
}

static int
do_is(void *argument)
{
	struct on_switch *on = argument;
	int error = netmap_bdg_update_private_data(on->name, compare,
						   on->private_data, on->token);

	/* EINVAL: no switch of that name. EACCES: somebody's new one. */
	return error ? -EBPF_ENOENT : 0;
}

int
vale_netmap_is(const char *name, void *expected, void *token)
{
	struct on_switch on = {
		.name = name, .private_data = expected, .token = token,
	};

	return in_worker(do_is, &on);
}

/* ---- ports ---- */

struct on_port {
	const char *name;
	enum vale_attach how;
	void *token;
	uint32_t index;
};

static void
header_fill(struct nmreq_header *header, uint16_t type, const char *name,
	    void *body)
{
	memset(header, 0, sizeof(*header));
	header->nr_version = NETMAP_API;
	header->nr_reqtype = type;
	strscpy(header->nr_name, name, sizeof(header->nr_name));
	header->nr_body = (uintptr_t)body;
}

static int
do_attach(void *argument)
{
	struct on_port *on = argument;
	struct nmreq_vale_attach body;
	struct nmreq_header header;
	int error;

	memset(&body, 0, sizeof(body));
	body.reg.nr_mode = on->how == VALE_ATTACH_NIC_HOST ? NR_REG_NIC_SW :
							     NR_REG_ALL_NIC;
	header_fill(&header, NETMAP_REQ_VALE_ATTACH, on->name, &body);
	error = netmap_bdg_attach(&header, on->token);
	on->index = body.port_index;
	return error_of(error);
}

int
vale_netmap_attach(const char *port, enum vale_attach how, void *token,
		   uint32_t *index)
{
	struct on_port on = { .name = port, .how = how, .token = token };
	int error = in_worker(do_attach, &on);

	*index = on.index;
	return error;
}

static int
do_detach(void *argument)
{
	struct on_port *on = argument;
	struct nmreq_vale_detach body;
	struct nmreq_header header;

	memset(&body, 0, sizeof(body));
	header_fill(&header, NETMAP_REQ_VALE_DETACH, on->name, &body);
	return error_of(netmap_bdg_detach(&header, on->token));
}

int
vale_netmap_detach(const char *port, void *token)
{
	struct on_port on = { .name = port, .token = token };

	return in_worker(do_detach, &on);
}

static int
do_vi_create(void *argument)
{
	struct on_port *on = argument;
	struct nmreq_vale_newif body;
	struct nmreq_header header;

	memset(&body, 0, sizeof(body));
	header_fill(&header, NETMAP_REQ_VALE_NEWIF, on->name, &body);
	return error_of(nm_vi_create(&header));
}

int
vale_netmap_vi_create(const char *name)
{
	struct on_port on = { .name = name };

	return in_worker(do_vi_create, &on);
}

static int
do_vi_destroy(void *argument)
{
	struct on_port *on = argument;

	return error_of(nm_vi_destroy(on->name));
}

int
vale_netmap_vi_destroy(const char *name)
{
	struct on_port on = { .name = name };

	return in_worker(do_vi_destroy, &on);
}

enum vale_port_kind
vale_netmap_kind(const char *port_name)
{
	size_t len = strlen(port_name);
	enum vale_port_kind kind;
	struct net_device *dev;

	if (len && port_name[len - 1] == '^')
		return VALE_PORT_HOST;
	dev = len < IFNAMSIZ ? dev_get_by_name(&init_net, port_name) : NULL;
	if (!dev)
		return VALE_PORT_EPHEMERAL;
	/* netmap's own interfaces name a driver that netmap.ko has made up. */
	kind = dev->dev.driver && dev->dev.driver->owner &&
			       !strcmp(module_name(dev->dev.driver->owner),
				       "netmap") ?
		       VALE_PORT_VI :
		       VALE_PORT_IF;
	dev_put(dev);
	return kind;
}

/* ---- netmap's list ---- */

/* All that questions need, so that only the first can lack memory. */
struct vale_asker {
	struct mm_struct *mm;
	void __user *page;
	struct file *file;
	struct nmreq_header header; /* there and back */
	struct nmreq_vale_list body;
};

static int
do_open(void *argument)
{
	struct vale_asker *asker = argument;
	struct file *file = filp_open("/dev/netmap", O_RDWR, 0);

	if (IS_ERR(file))
		return PTR_ERR(file) == -ENOMEM || PTR_ERR(file) == -ENFILE ?
			       -EBPF_ENOMEM :
			       -EBPF_ENODEV;
	asker->file = file;
	/* Somebody may have put another device in its place. */
	if (file->f_op->owner && file->f_op->unlocked_ioctl &&
	    !strcmp(module_name(file->f_op->owner), "netmap"))
		return 0;
	return -EBPF_ENODEV;
}

int
vale_netmap_begin(struct vale_asker **result)
{
	struct vale_asker *asker;
	unsigned long page;
	int error;

	*result = NULL;
	if (!current->mm)
		return -EBPF_EUNSUPPORTED;
	asker = os_alloc(sizeof(*asker));
	if (!asker)
		return -EBPF_ENOMEM;
	asker->mm = current->mm;
	error = -EBPF_ENOMEM;
	if (!os_linux_allocate())
		goto no_memory;
	page = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(page))
		goto no_page;
	asker->page = (void __user *)page;
	error = in_worker(do_open, asker);
	if (error)
		goto no_file;
	*result = asker;
	return 0;

no_file:
	if (asker->file)
		filp_close(asker->file, NULL);
	vm_munmap(page, PAGE_SIZE);
no_page:
	os_linux_release();
no_memory:
	os_free(asker);
	return error;
}

void
vale_netmap_end(struct vale_asker *asker)
{
	if (!asker)
		return;
	filp_close(asker->file, NULL);
	vm_munmap((unsigned long)asker->page, PAGE_SIZE);
	os_linux_release();
	os_free(asker);
}

static int
put_question(struct vale_asker *asker)
{
	struct nmreq_vale_list __user *body =
		asker->page + sizeof(asker->header);
	long error;

	asker->header.nr_body = (uintptr_t)body;
	if (copy_to_user(asker->page, &asker->header, sizeof(asker->header)) ||
	    copy_to_user(body, &asker->body, sizeof(asker->body)))
		return -EBPF_EFAULT;
	error = asker->file->f_op->unlocked_ioctl(asker->file, NIOCCTRL,
						  (unsigned long)asker->page);
	if (error)
		return error_of((int)error);
	if (copy_from_user(&asker->header, asker->page,
			   sizeof(asker->header)) ||
	    copy_from_user(&asker->body, body, sizeof(asker->body)))
		return -EBPF_EFAULT;
	asker->header.nr_name[sizeof(asker->header.nr_name) - 1] = '\0';
	return 0;
}

/* In a worker that borrows the asking process's memory. */
static int
do_question(void *argument)
{
	struct vale_asker *asker = argument;
	int error;

	kthread_use_mm(asker->mm);
	error = put_question(asker);
	kthread_unuse_mm(asker->mm);
	return error;
}

static int
ask(struct vale_asker *asker, const char *name, struct vale_place *place)
{
	int error;

	header_fill(&asker->header, NETMAP_REQ_VALE_LIST, name, NULL);
	memset(&asker->body, 0, sizeof(asker->body));
	asker->body.nr_bridge_idx = place->bridge;
	asker->body.nr_port_idx = place->port;
	error = in_worker(do_question, asker);
	if (error)
		return error;
	place->bridge = asker->body.nr_bridge_idx;
	place->port = asker->body.nr_port_idx;
	memcpy(place->name, asker->header.nr_name, sizeof(place->name));
	return 0;
}

int
vale_netmap_list(struct vale_asker *asker, struct vale_place *place)
{
	uint32_t bridge = place->bridge, port = place->port;
	int error = ask(asker, "", place);

	/* never back, or who asks for all would not come to an end */
	if (!error && (place->port >= EBPF_VALE_PORT_MAX ||
		       place->bridge < bridge ||
		       (place->bridge == bridge && place->port < port) ||
		       !strchr(place->name, ':')))
		error = -EBPF_EIO;
	return error;
}

int
vale_netmap_find(struct vale_asker *asker, const char *name,
		 struct vale_place *place)
{
	int error;

	memset(place, 0, sizeof(*place));
	error = ask(asker, name, place);
	place->port = 0;
	return error;
}
