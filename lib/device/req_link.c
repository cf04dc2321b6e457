/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests about links: attaching programs to hooks. */
#include "core/link.h"
#include "core/prog.h"
#include "device/dispatch.h"

static struct ebpf_prog *
prog_get(struct ebpf_call *call, uint32_t id)
{
	struct ebpf_object *obj = ebpf_call_object(call, EBPF_OBJ_PROG, id);

	return obj == NULL ? NULL : os_container(obj, struct ebpf_prog, obj);
}

static struct ebpf_link *
link_get(struct ebpf_call *call, uint32_t id)
{
	struct ebpf_object *obj = ebpf_call_object(call, EBPF_OBJ_LINK, id);

	return obj == NULL ? NULL : os_container(obj, struct ebpf_link, obj);
}

int
ebpf_do_link_create(struct ebpf_call *call)
{
	const struct ebpf_req_link_create *req = call->req;
	struct ebpf_rep_id *rep = call->rep;
	struct ebpf_prog *prog;
	struct ebpf_link *link;
	int error;

	if (ebpf_call_text(req->target, sizeof(req->target)) != 0)
		return -EBPF_EPROTO;
	if (req->replace > 1)
		return -EBPF_EINVAL;
	prog = prog_get(call, req->prog_id);
	if (prog == NULL)
		return -EBPF_ENOENT;
	error = ebpf_session_reserve(call->session, EBPF_OBJ_LINK);
	if (error != 0)
		return error;
	error = ebpf_link_create(call->rt, req->hook, req->target, prog,
				 req->replace != 0, call->session->uid, &link);
	if (error != 0)
		return error;
	rep->id = link->obj.id;
	ebpf_session_hold(call->session, &link->obj); /* reserved above */
	ebpf_link_put(link);
	return 0;
}

int
ebpf_do_link_update(struct ebpf_call *call)
{
	const struct ebpf_req_link_update *req = call->req;
	struct ebpf_link *link = link_get(call, req->id);
	struct ebpf_prog *prog, *old = NULL;

	if (link == NULL)
		return -EBPF_ENOENT;
	prog = prog_get(call, req->prog_id);
	if (prog == NULL)
		return -EBPF_ENOENT;
	if (req->old_prog_id != 0) {
		old = prog_get(call, req->old_prog_id);
		if (old == NULL)
			return -EBPF_EBUSY; /* what is gone is not attached */
	}
	return ebpf_link_update(link, prog, old);
}

int
ebpf_do_link_detach(struct ebpf_call *call)
{
	const struct ebpf_req_id *req = call->req;
	struct ebpf_link *link = link_get(call, req->id);

	return link == NULL ? -EBPF_ENOENT : ebpf_link_detach(link);
}

int
ebpf_do_link_info(struct ebpf_call *call)
{
	const struct ebpf_req_id *req = call->req;
	struct ebpf_rep_link_info *rep = call->rep;
	struct ebpf_link *link = link_get(call, req->id);
	struct ebpf_prog *prog;

	if (link == NULL)
		return -EBPF_ENOENT;
	prog = ebpf_link_prog(link);
	rep->prog_id = prog->obj.id;
	ebpf_prog_put(prog);
	rep->id = link->obj.id;
	rep->hook = link->hook;
	rep->state = os_load(&link->state);
	rep->uid = link->obj.uid;
	rep->refs = os_load(&link->obj.refs) - call->object_count;
	rep->created_ns = link->obj.created_ns;
	memcpy(rep->target, link->target, sizeof(rep->target));
	return 0;
}
