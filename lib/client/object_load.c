/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A program of an object into a device: its BTF once, its maps with their first
 * contents, the program with map ids in place, and the programs that its
 * prog_arrays start with. Everything made is written into a list, so that a
 * failure at any point takes all of it back. The list, the BTF and the entry
 * are here; object_load.h names the rest.
 */
#include <stdlib.h>

#include "client/object_load.h"

int
obj_load_fail(struct obj_load *l, int code, const char *what, const char *name,
	      const char *why)
{
	return gebpf_fail(l->err, code, "%s: %s '%s': %s", l->obj->name, what,
			  name, why);
}

/* Room is made before the thing, so that nothing made can be forgotten. */
int
obj_load_reserve(struct obj_load *l)
{
	struct obj_made *more;
	size_t room;

	/* A map can need two places: itself and its pin. */
	if (l->made_count + 2 <= l->made_room)
		return 0;
	room = l->made_room * 2 + 16;
	more = realloc(l->made, room * sizeof(*more));
	if (more == NULL)
		return gebpf_fail(l->err, -EBPF_ENOMEM, "%s: out of memory",
				  l->obj->name);
	l->made = more;
	l->made_room = room;
	return 0;
}

void
obj_load_note(struct obj_load *l, uint32_t kind, uint32_t id, uint32_t *cleared,
	      const char *pin)
{
	struct obj_made *m = &l->made[l->made_count++];

	m->kind = kind;
	m->id = id;
	m->cleared = cleared;
	m->pin = pin;
}

void
obj_load_drop(struct obj_load *l, uint32_t kind, uint32_t id)
{
	struct ebpf_req_obj req = { 0 };

	req.kind = kind;
	req.id = id;
	gebpf_ask(l->device, EBPF_REQUEST_OBJ_DROP, &req, sizeof(req), NULL,
		  0);
}

static void
undo(struct obj_load *l)
{
	while (l->made_count != 0) {
		struct obj_made *m = &l->made[--l->made_count];

		if (m->pin != NULL) {
			struct ebpf_req_pin_name req = { 0 };

			snprintf(req.pin, sizeof(req.pin), "%s", m->pin);
			gebpf_ask(l->device, EBPF_REQUEST_UNPIN, &req,
				  sizeof(req), NULL, 0);
		} else {
			obj_load_drop(l, m->kind, m->id);
		}
		if (m->cleared != NULL)
			*m->cleared = 0;
	}
}

static bool
is_lost(int error)
{
	return error == -EBPF_EBADF || error == -EBPF_EPROTO ||
	       error == -EBPF_ENOMEM;
}

static int
load_btf(struct obj_load *l)
{
	struct gebpf_object *obj = l->obj;
	struct ebpf_req_btf_load req = { 0 };
	struct ebpf_rep_id rep = { 0 };
	struct gebpf_call call = { 0 };
	const void *data;
	size_t len;
	int error;

	if (obj->btf == NULL || obj->btf_id != 0 || obj->btf_refused)
		return 0;
	error = obj_load_reserve(l);
	if (error != 0)
		return error;
	data = gebpf_btf_data(obj->btf, &len);
	req.len = (uint32_t)len;
	snprintf(req.name, sizeof(req.name), "%s", obj->name);
	call.number = EBPF_REQUEST_BTF_LOAD;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = data;
	call.in[0].len = len;
	call.rep = &rep;
	call.rep_len = sizeof(rep);
	error = gebpf_request(l->device, &call);
	if (error != 0) {
		if (is_lost(error))
			return obj_load_fail(l, error, "section", ".BTF",
					     gebpf_error_text(error));
		obj->btf_refused = true;
		obj_warn(obj, "section '.BTF': the device refuses it (%s): "
			 "loading without types", gebpf_error_text(error));
		return 0;
	}
	obj->btf_id = rep.id;
	obj_load_note(l, EBPF_OBJ_BTF, rep.id, &obj->btf_id, NULL);
	return 0;
}

bool
obj_load_assumes(const struct obj_load *l)
{
	return l->options != NULL &&
	       (l->options->flags & EBPF_PROG_ASSUME_LINUX) != 0;
}

int
gebpf_object_load_prog(struct gebpf_device *device, struct gebpf_object *obj,
		       struct gebpf_obj_prog *prog,
		       const struct gebpf_load_options *options,
		       struct gebpf_error *err)
{
	struct obj_load l = { .device = device, .obj = obj, .options = options,
			  .kind = prog->kind, .err = err };
	bool first = obj->device == NULL;
	size_t i;
	int error;

	if (options != NULL && options->log != NULL && options->log_size != 0)
		options->log[0] = 0;
	for (i = 0; i < obj->prog_count && &obj->progs[i].pub != prog; i++)
		;
	if (i == obj->prog_count)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: a program of another object",
				  obj->name);
	if (!first && obj->device != device)
		return gebpf_fail(err, -EBPF_EBUSY,
				  "%s: is loaded into another device",
				  obj->name);
	if (prog->kind == 0 && obj->progs[i].broken.code == 0) {
		gebpf_fail(err, -EBPF_EINVAL,
			   "%s: section '%s': program '%s': the section's "
			   "name says no program type", obj->name,
			   prog->section, prog->name);
		gebpf_hint(err, "name the type: vale, vale_buf, xdp, tc, "
				"socket or raw");
		return -EBPF_EINVAL;
	}
	if (gebpf_prog_kind_is_linux_only(prog->kind) && !obj_load_assumes(&l)) {
		gebpf_fail(err, -EBPF_EUNSUPPORTED,
			   "%s: section '%s': program '%s': programs of type "
			   "%s exist only inside Linux", obj->name,
			   prog->section, prog->name,
			   gebpf_prog_kind_name(prog->kind));
		gebpf_hint(err, "gebpf prog verify OBJ assume-linux checks it "
				"for Linux");
		return -EBPF_EUNSUPPORTED;
	}
	error = load_btf(&l);
	if (error == 0)
		error = obj_load_one(&l, &obj->progs[i], true);
	if (error != 0) {
		undo(&l);
		for (i = 0; i < obj->map_count; i++)
			if (obj->maps[i].pub.id == obj->maps[i].pub.reuse_id)
				obj->maps[i].pub.id = 0;
	} else {
		obj->device = device;
	}
	free(l.made);
	return error;
}
