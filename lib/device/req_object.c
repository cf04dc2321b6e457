/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests about objects of any kind: finding, holding, pinning. */
#include "core/prog.h"
#include "device/dispatch.h"

static bool
is_kind(uint32_t kind)
{
	return kind >= EBPF_OBJ_PROG && kind <= EBPF_OBJ_BTF;
}

int
ebpf_do_obj_next(struct ebpf_call *call)
{
	const struct ebpf_req_obj_next *req = call->req;
	struct ebpf_rep_id *rep = call->rep;
	struct ebpf_object *obj;

	if (!is_kind(req->kind))
		return -EBPF_EINVAL;
	obj = ebpf_object_next(call->rt, req->kind, req->id);
	if (obj == NULL)
		return -EBPF_ENOENT;
	rep->id = obj->id;
	ebpf_object_put(obj);
	return 0;
}

static bool
matches(struct ebpf_object *obj, const struct ebpf_req_obj_find *req)
{
	uint8_t tag[EBPF_TAG_SIZE];

	if (req->by_tag == 0)
		return strcmp(obj->name, req->name) == 0;
	ebpf_prog_tag(os_container(obj, struct ebpf_prog, obj), tag);
	return memcmp(tag, req->tag, EBPF_TAG_SIZE) == 0;
}

int
ebpf_do_obj_find(struct ebpf_call *call)
{
	const struct ebpf_req_obj_find *req = call->req;
	struct ebpf_rep_id *rep = call->rep;
	struct ebpf_object *obj;
	uint32_t id = req->id;
	bool found;

	if (!is_kind(req->kind) || req->by_tag > 1 ||
	    (req->by_tag != 0 && req->kind != EBPF_OBJ_PROG))
		return -EBPF_EINVAL;
	if (ebpf_call_text(req->name, sizeof(req->name)) != 0)
		return -EBPF_EPROTO;
	while ((obj = ebpf_object_next(call->rt, req->kind, id)) != NULL) {
		id = obj->id;
		found = matches(obj, req);
		ebpf_object_put(obj);
		if (found) {
			rep->id = id;
			return 0;
		}
	}
	return -EBPF_ENOENT;
}

int
ebpf_do_obj_hold(struct ebpf_call *call)
{
	const struct ebpf_req_obj *req = call->req;
	struct ebpf_object *obj;

	if (!is_kind(req->kind))
		return -EBPF_EINVAL;
	obj = ebpf_call_object(call, req->kind, req->id);
	if (obj == NULL)
		return -EBPF_ENOENT;
	return ebpf_session_hold(call->session, obj);
}

int
ebpf_do_obj_drop(struct ebpf_call *call)
{
	const struct ebpf_req_obj *req = call->req;

	if (!is_kind(req->kind))
		return -EBPF_EINVAL;
	return ebpf_session_drop(call->session, req->kind, req->id);
}

int
ebpf_do_pin(struct ebpf_call *call)
{
	const struct ebpf_req_pin *req = call->req;
	struct ebpf_object *obj;

	if (!is_kind(req->kind) || req->replace > 1)
		return -EBPF_EINVAL;
	if (ebpf_call_text(req->pin, sizeof(req->pin)) != 0)
		return -EBPF_EPROTO;
	obj = ebpf_call_object(call, req->kind, req->id);
	if (obj == NULL)
		return -EBPF_ENOENT;
	return ebpf_pin_set(obj, req->pin, req->replace != 0);
}

int
ebpf_do_unpin(struct ebpf_call *call)
{
	const struct ebpf_req_pin_name *req = call->req;

	if (ebpf_call_text(req->pin, sizeof(req->pin)) != 0)
		return -EBPF_EPROTO;
	return ebpf_pin_remove(call->rt, req->pin);
}

int
ebpf_do_pin_get(struct ebpf_call *call)
{
	const struct ebpf_req_pin_name *req = call->req;
	struct ebpf_rep_pin *rep = call->rep;
	struct ebpf_object *obj;
	int error;

	if (ebpf_call_text(req->pin, sizeof(req->pin)) != 0)
		return -EBPF_EPROTO;
	error = ebpf_pin_get(call->rt, req->pin, &obj);
	if (error != 0)
		return error;
	rep->kind = obj->kind;
	rep->id = obj->id;
	memcpy(rep->pin, req->pin, sizeof(rep->pin));
	ebpf_object_put(obj);
	return 0;
}

int
ebpf_do_pin_next(struct ebpf_call *call)
{
	const struct ebpf_req_pin_next *req = call->req;
	struct ebpf_rep_pin *rep = call->rep;

	if (req->kind != 0 ? !is_kind(req->kind) : req->id != 0)
		return -EBPF_EINVAL;
	if (ebpf_call_text(req->pin, sizeof(req->pin)) != 0 ||
	    ebpf_call_text(req->prefix, sizeof(req->prefix)) != 0)
		return -EBPF_EPROTO;
	rep->kind = req->kind;
	rep->id = req->id;
	return ebpf_pin_next(call->rt, req->pin, req->prefix, &rep->kind,
			     &rep->id, rep->pin);
}
