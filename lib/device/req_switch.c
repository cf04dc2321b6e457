/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Requests about switches and their ports. The device knows none: it hands
 * checked names to the provider of this home, if there is one.
 */
#include "device/dispatch.h"

/* The provider, after the check of a name that every one of these has. */
static int
provider_get(struct ebpf_call *call, const char *name,
	     const struct ebpf_switch_ops **ops, void **cookie)
{
	const struct ebpf_device_config *config = &call->device->config;

	if (config->switches == NULL)
		return -EBPF_EUNSUPPORTED;
	*ops = config->switches;
	*cookie = config->switches_cookie;
	return ebpf_call_text(name, EBPF_NAME_SIZE);
}

int
ebpf_do_switch_create(struct ebpf_call *call)
{
	const struct ebpf_req_switch *req = call->req;
	const struct ebpf_switch_ops *ops;
	void *cookie;
	int error = provider_get(call, req->name, &ops, &cookie);

	return error != 0 ? error :
			    ops->create(cookie, req->name, call->session->uid);
}

int
ebpf_do_switch_destroy(struct ebpf_call *call)
{
	const struct ebpf_req_switch *req = call->req;
	const struct ebpf_switch_ops *ops;
	void *cookie;
	int error = provider_get(call, req->name, &ops, &cookie);

	return error != 0 ? error : ops->destroy(cookie, req->name);
}

int
ebpf_do_switch_next(struct ebpf_call *call)
{
	const struct ebpf_req_switch_next *req = call->req;
	const struct ebpf_switch_ops *ops;
	void *cookie;
	int error = provider_get(call, req->name, &ops, &cookie);

	return error != 0 ? error : ops->next(cookie, req->name, call->rep);
}

int
ebpf_do_switch_info(struct ebpf_call *call)
{
	const struct ebpf_req_switch *req = call->req;
	const struct ebpf_switch_ops *ops;
	void *cookie;
	int error = provider_get(call, req->name, &ops, &cookie);

	return error != 0 ? error : ops->info(cookie, req->name, call->rep);
}

int
ebpf_do_switch_start(struct ebpf_call *call)
{
	const struct ebpf_req_switch_start *req = call->req;
	const struct ebpf_switch_ops *ops;
	void *cookie;
	int error = provider_get(call, req->name, &ops, &cookie);

	return error != 0 ? error :
			    ops->start(cookie, req->name, req->wait_ms,
				       call->rep);
}

int
ebpf_do_port_add(struct ebpf_call *call)
{
	const struct ebpf_req_port_add *req = call->req;
	struct ebpf_rep_port_info *rep = call->rep;
	const struct ebpf_switch_ops *ops;
	char why[256] = "";
	void *cookie;
	size_t len;
	int error = provider_get(call, req->name, &ops, &cookie);

	if (error == 0)
		error = ebpf_call_text(req->port_name, sizeof(req->port_name));
	if (error == 0)
		error = ebpf_call_text(req->spec, sizeof(req->spec));
	if (error != 0)
		return error;
	error = ops->port_add(cookie, req->name, req->port_name, req->spec,
			      rep, why, sizeof(why));
	if (error != 0) {
		memset(rep, 0, sizeof(*rep));
		len = strnlen(why, sizeof(why) - 1);
		if (len > call->out_room)
			len = call->out_room;
		if (len != 0)
			memcpy(call->out, why, len);
		call->out_len = len;
		call->keep_reply = true;
	}
	return error;
}

int
ebpf_do_port_del(struct ebpf_call *call)
{
	const struct ebpf_req_port *req = call->req;
	const struct ebpf_switch_ops *ops;
	void *cookie;
	int error = provider_get(call, req->name, &ops, &cookie);

	if (error == 0)
		error = ebpf_call_text(req->port_name, sizeof(req->port_name));
	return error != 0 ? error :
			    ops->port_del(cookie, req->name, req->index,
					  req->port_name);
}

int
ebpf_do_port_info(struct ebpf_call *call)
{
	const struct ebpf_req_port_info *req = call->req;
	const struct ebpf_switch_ops *ops;
	void *cookie;
	int error = provider_get(call, req->name, &ops, &cookie);

	return error != 0 ? error :
			    ops->port_info(cookie, req->name, req->index,
					   call->rep);
}
