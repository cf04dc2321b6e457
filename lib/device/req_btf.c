/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests about BTF objects. What BTF means is the engine's and clients'. */
#include "core/btf.h"
#include "core/map.h"
#include "core/prog.h"
#include "device/dispatch.h"

static struct ebpf_btf *
btf_get(struct ebpf_call *call, uint32_t id)
{
	struct ebpf_object *obj = ebpf_call_object(call, EBPF_OBJ_BTF, id);

	return obj == NULL ? NULL : os_container(obj, struct ebpf_btf, obj);
}

int
ebpf_do_btf_load(struct ebpf_call *call)
{
	const struct ebpf_req_btf_load *req = call->req;
	struct ebpf_rep_id *rep = call->rep;
	struct ebpf_btf *btf;
	int error;

	if (req->len != call->in_len ||
	    ebpf_call_text(req->name, sizeof(req->name)) != 0)
		return -EBPF_EPROTO;
	error = ebpf_session_reserve(call->session, EBPF_OBJ_BTF);
	if (error != 0)
		return error;
	error = ebpf_btf_load(call->rt, call->in, req->len, req->name,
			      call->session->uid, &btf);
	if (error != 0)
		return error;
	rep->id = btf->obj.id;
	ebpf_session_hold(call->session, &btf->obj); /* reserved above */
	ebpf_object_put(&btf->obj);
	return 0;
}

/* How many objects of one kind use btf; their ids, as far as there is room. */
static uint32_t
append_users(struct ebpf_call *call, const struct ebpf_btf *btf, uint32_t kind)
{
	const struct ebpf_btf *its;
	struct ebpf_object *obj;
	uint32_t id = 0, count = 0;

	while ((obj = ebpf_object_next(call->rt, kind, id)) != NULL) {
		id = obj->id;
		its = kind == EBPF_OBJ_PROG ?
			os_container(obj, struct ebpf_prog, obj)->btf :
			os_container(obj, struct ebpf_map, obj)->btf;
		ebpf_object_put(obj);
		if (its != btf)
			continue;
		count++;
		if (call->out_room - call->out_len < sizeof(id))
			continue;
		memcpy(call->out + call->out_len, &id, sizeof(id));
		call->out_len += sizeof(id);
	}
	return count;
}

int
ebpf_do_btf_info(struct ebpf_call *call)
{
	const struct ebpf_req_id *req = call->req;
	struct ebpf_rep_btf_info *rep = call->rep;
	struct ebpf_btf *btf = btf_get(call, req->id);

	if (btf == NULL)
		return -EBPF_ENOENT;
	rep->id = btf->obj.id;
	rep->len = btf->len;
	memcpy(rep->name, btf->obj.name, sizeof(rep->name));
	rep->prog_count = append_users(call, btf, EBPF_OBJ_PROG);
	rep->map_count = append_users(call, btf, EBPF_OBJ_MAP);
	return 0;
}

int
ebpf_do_btf_data(struct ebpf_call *call)
{
	const struct ebpf_req_btf_data *req = call->req;
	struct ebpf_btf *btf = btf_get(call, req->id);

	if (btf == NULL)
		return -EBPF_ENOENT;
	return ebpf_call_window(call, btf->data, btf->len, req->offset,
				req->len);
}
