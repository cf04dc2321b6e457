/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The maps of an object in a device: one given by the caller, one that is pinned
 * there already, or a new one with the sizes, types and first contents that the
 * object says.
 */
#include "client/object_load.h"

int
obj_load_update(struct obj_load *l, uint32_t map, const void *key, uint32_t key_len,
		const void *value, uint32_t value_len)
{
	struct ebpf_req_map_update req = { 0 };
	struct gebpf_call call = { 0 };

	req.id = map;
	req.key_len = key_len;
	req.value_len = value_len;
	call.number = EBPF_REQUEST_MAP_UPDATE;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = key;
	call.in[0].len = key_len;
	call.in[1].data = value;
	call.in[1].len = value_len;
	return gebpf_request(l->device, &call);
}

/*
 * How many entries the map gets: rings are rounded up to what they can be, and
 * an array of events without a number has one for each CPU.
 */
static uint32_t
entries_of(const struct obj_load *l, const struct gebpf_obj_map *pub)
{
	uint32_t size = 4096;

	switch (pub->kind) {
	case EBPF_MAP_PERF_EVENT_ARRAY:
		return pub->max_entries != 0 ?
			       pub->max_entries :
			       gebpf_hello(l->device)->cpu_count;
	case EBPF_MAP_RINGBUF:
	case EBPF_MAP_USER_RINGBUF:
		if (pub->max_entries == 0 || pub->max_entries > 1u << 31)
			return pub->max_entries; /* refused by the device */
		while (size < pub->max_entries)
			size *= 2;
		return size;
	}
	return pub->max_entries;
}

/* Is the map that is there one that the object can use? */
static int
check_same(struct obj_load *l, const struct obj_map *map, uint32_t id, bool strict)
{
	const struct gebpf_obj_map *pub = &map->pub;
	struct ebpf_req_id req = { 0 };
	struct ebpf_rep_map_info info = { 0 };
	int error;

	req.id = id;
	error = gebpf_ask(l->device, EBPF_REQUEST_MAP_INFO, &req, sizeof(req),
			  &info, sizeof(info));
	if (error != 0)
		return gebpf_fail(l->err, error, "%s: map '%s': map %u given "
				  "for it: %s", l->obj->name, pub->name, id,
				  gebpf_error_text(error));
	if (info.kind == pub->kind && info.key_size == pub->key_size &&
	    info.value_size == pub->value_size &&
	    (!strict || info.max_entries == entries_of(l, pub)))
		return 0;
	gebpf_fail(l->err, -EBPF_EINVAL,
		   "%s: map '%s': map %u is another kind of map: %s with keys "
		   "of %u and values of %u bytes, %u entries; wanted %s with "
		   "%u and %u, %u entries", l->obj->name, pub->name, id,
		   gebpf_map_kind_name(info.kind) != NULL ?
			   gebpf_map_kind_name(info.kind) : "unknown",
		   info.key_size, info.value_size, info.max_entries,
		   gebpf_map_kind_name(pub->kind) != NULL ?
			   gebpf_map_kind_name(pub->kind) : "unknown",
		   pub->key_size, pub->value_size, entries_of(l, pub));
	return -EBPF_EINVAL;
}

/* Whether a map of the kind has a number of elements from the start. */
static bool
has_entries(uint32_t kind)
{
	switch (kind) {
	case EBPF_MAP_RINGBUF:
	case EBPF_MAP_USER_RINGBUF:
	case EBPF_MAP_SK_STORAGE:
	case EBPF_MAP_INODE_STORAGE:
	case EBPF_MAP_TASK_STORAGE:
	case EBPF_MAP_CGRP_STORAGE:
	case EBPF_MAP_CGROUP_STORAGE:
	case EBPF_MAP_PERCPU_CGROUP_STORAGE:
		return false;
	default:
		return true;
	}
}

/*
 * A map to verify with: a real one where the device has its kind, with few
 * elements and without the flags that it lacks; else one that only has sizes.
 */
static int
create_assumed(struct obj_load *l, struct ebpf_req_map_create *req,
	       struct ebpf_rep_id *rep)
{
	enum { ENTRIES = 4096 };
	int error;

	if (req->max_entries > ENTRIES && req->kind != EBPF_MAP_RINGBUF)
		req->max_entries = ENTRIES;
	/* left to the program that loads it */
	if (req->max_entries == 0 && has_entries(req->kind))
		req->max_entries = 1;
	error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, req,
			  sizeof(*req), rep, sizeof(*rep));
	if (error != -EBPF_EINVAL && error != -EBPF_EUNSUPPORTED)
		return error;
	req->flags &= EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG;
	error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, req,
			  sizeof(*req), rep, sizeof(*rep));
	if (error != -EBPF_EINVAL && error != -EBPF_EUNSUPPORTED)
		return error;
	req->flags |= EBPF_F_ASSUMED;
	return gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, req,
			 sizeof(*req), rep, sizeof(*rep));
}

static int
create(struct obj_load *l, struct obj_map *map, uint32_t inner_id, uint32_t *id)
{
	struct gebpf_obj_map *pub = &map->pub;
	struct ebpf_req_map_create req = { 0 };
	struct ebpf_rep_id rep = { 0 };
	const char *kind = gebpf_map_kind_name(pub->kind);
	int error;

	if (kind == NULL)
		return gebpf_fail(l->err, -EBPF_EUNSUPPORTED,
				  "%s: map '%s': map kind %u is unknown",
				  l->obj->name, pub->name, pub->kind);
	req.kind = pub->kind;
	req.key_size = pub->key_size;
	req.value_size = pub->value_size;
	req.max_entries = entries_of(l, pub);
	req.flags = pub->flags;
	req.inner_map_id = inner_id;
	req.map_extra = pub->map_extra;
	snprintf(req.name, sizeof(req.name), "%s", pub->name);
	if (l->obj->btf_id != 0 && pub->btf_value_type != 0) {
		req.btf_id = l->obj->btf_id;
		req.btf_key_type = pub->btf_key_type;
		req.btf_value_type = pub->btf_value_type;
	}
	if (obj_load_assumes(l) && !pub->is_data)
		error = create_assumed(l, &req, &rep);
	else
		error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, &req,
				  sizeof(req), &rep, sizeof(rep));
	if (req.btf_id != 0 &&
	    (error == -EBPF_EINVAL || error == -EBPF_EUNSUPPORTED)) {
		/* Perhaps only its types are not to the device's taste. */
		req.btf_id = req.btf_key_type = req.btf_value_type = 0;
		error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, &req,
				  sizeof(req), &rep, sizeof(rep));
		if (error == 0)
			obj_warn(l->obj, "map '%s': the device refuses its "
				 "types: created without", pub->name);
	}
	if (error != 0) {
		gebpf_fail(l->err, error, "%s: map '%s': cannot be created "
			   "(%s, keys of %u and values of %u bytes, %u "
			   "entries, flags 0x%x%s): %s", l->obj->name, pub->name,
			   kind, pub->key_size, pub->value_size,
			   req.max_entries, pub->flags,
			   pub->map_extra != 0 ? ", with map_extra" : "",
			   gebpf_error_text(error));
		if (req.max_entries == 0 && has_entries(pub->kind))
			gebpf_hint(l->err, "its size is left to whoever loads "
				   "it: gebpf map create, then load with: map "
				   "name %s MAP", pub->name);
		return error;
	}
	*id = rep.id;
	return 0;
}

static bool
all_zero(const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

/* The contents of a section, and the seal on those of a read-only one. */
static int
fill_data(struct obj_load *l, struct obj_map *map)
{
	static const uint32_t zero;
	struct gebpf_obj_map *pub = &map->pub;
	struct ebpf_req_id req = { 0 };
	int error = 0;

	if (!all_zero(map->data, pub->value_size))
		error = obj_load_update(l, pub->id, &zero, sizeof(zero), map->data,
					pub->value_size);
	if (error == 0 && pub->frozen) {
		req.id = pub->id;
		error = gebpf_ask(l->device, EBPF_REQUEST_MAP_FREEZE, &req,
				  sizeof(req), NULL, 0);
	}
	return error == 0 ? 0 : gebpf_fail(l->err, error,
					   "%s: map '%s': initial values: %s",
					   l->obj->name, pub->name,
					   gebpf_error_text(error));
}

static int
fill_maps(struct obj_load *l, struct obj_map *map)
{
	size_t i;

	for (i = 0; i < map->slot_count; i++) {
		const struct obj_slot *slot = &map->slots[i];
		int error;

		if (slot->map < 0)
			continue;
		error = obj_load_map(l, slot->map);
		if (error != 0)
			return error;
		error = obj_load_update(l, map->pub.id, &slot->key, sizeof(slot->key),
					&l->obj->maps[slot->map].pub.id,
					sizeof(uint32_t));
		if (error != 0)
			return gebpf_fail(l->err, error, "%s: map '%s': "
					  "initial element %u: %s",
					  l->obj->name, map->pub.name,
					  slot->key, gebpf_error_text(error));
	}
	return 0;
}

/* A map pinned by name: the one that is there, or 1 if none is. */
static int
find_pinned(struct obj_load *l, struct obj_map *map)
{
	struct ebpf_req_pin_name req = { 0 };
	struct ebpf_rep_pin rep = { 0 };
	struct ebpf_req_obj hold = { 0 };
	int error;

	snprintf(req.pin, sizeof(req.pin), "%s", map->pub.name);
	error = gebpf_ask(l->device, EBPF_REQUEST_PIN_GET, &req, sizeof(req),
			  &rep, sizeof(rep));
	if (error == -EBPF_ENOENT)
		return 1;
	if (error != 0)
		return obj_load_fail(l, error, "map", map->pub.name,
				     gebpf_error_text(error));
	if (rep.kind != EBPF_OBJ_MAP)
		return obj_load_fail(l, -EBPF_EEXIST, "map", map->pub.name,
				     "the pin of that name is no map");
	error = check_same(l, map, rep.id, true);
	if (error != 0)
		return error;
	hold.kind = EBPF_OBJ_MAP;
	hold.id = rep.id;
	error = gebpf_ask(l->device, EBPF_REQUEST_OBJ_HOLD, &hold,
			  sizeof(hold), NULL, 0);
	if (error != 0)
		return obj_load_fail(l, error, "map", map->pub.name,
				     gebpf_error_text(error));
	map->pub.id = rep.id;
	obj_load_note(l, EBPF_OBJ_MAP, rep.id, &map->pub.id, NULL);
	return 0;
}

static int
pin_map(struct obj_load *l, struct obj_map *map)
{
	struct ebpf_req_pin req = { 0 };
	int error;

	req.kind = EBPF_OBJ_MAP;
	req.id = map->pub.id;
	snprintf(req.pin, sizeof(req.pin), "%s", map->pub.name);
	error = gebpf_ask(l->device, EBPF_REQUEST_PIN, &req, sizeof(req), NULL,
			  0);
	if (error != 0)
		return gebpf_fail(l->err, error, "%s: map '%s': cannot be "
				  "pinned: %s", l->obj->name, map->pub.name,
				  gebpf_error_text(error));
	obj_load_note(l, 0, 0, NULL, map->pub.name);
	return 0;
}

/* Afterwards the map has an id. */
int
obj_load_map(struct obj_load *l, int index)
{
	struct obj_map *map = &l->obj->maps[index];
	struct gebpf_obj_map *pub = &map->pub;
	uint32_t inner_id = 0;
	int error;

	if (pub->id != 0)
		return 0;
	if (pub->reuse_id != 0) {
		error = check_same(l, map, pub->reuse_id, false);
		if (error == 0)
			pub->id = pub->reuse_id;
		return error;
	}
	if (map->broken.code != 0) {
		if (l->err != NULL)
			*l->err = map->broken;
		return map->broken.code;
	}
	error = obj_load_reserve(l);
	if (error != 0)
		return error;
	if (pub->pinning == 1) {
		error = find_pinned(l, map);
		if (error <= 0)
			return error;
	}
	if (pub->inner >= 0) {
		error = obj_load_map(l, pub->inner);
		if (error == 0)
			error = obj_load_reserve(l);
		if (error != 0)
			return error;
		inner_id = l->obj->maps[pub->inner].pub.id;
	}
	error = create(l, map, inner_id, &pub->id);
	if (error != 0)
		return error;
	obj_load_note(l, EBPF_OBJ_MAP, pub->id, &pub->id, NULL);
	if (pub->pinning == 1 && !pub->is_template)
		error = pin_map(l, map);
	if (error == 0 && pub->is_data)
		error = fill_data(l, map);
	if (error == 0)
		error = fill_maps(l, map);
	return error;
}

/* Templates have served when the maps that needed them exist. */
void
obj_load_drop_templates(struct obj_load *l)
{
	size_t i, j;

	for (i = 0; i < l->obj->map_count; i++) {
		struct gebpf_obj_map *pub = &l->obj->maps[i].pub;

		if (!pub->is_template || pub->id == 0)
			continue;
		for (j = 0; j < l->made_count; j++)
			if (l->made[j].cleared == &pub->id) {
				memmove(&l->made[j], &l->made[j + 1],
					(--l->made_count - j) *
						sizeof(*l->made));
				break;
			}
		obj_load_drop(l, EBPF_OBJ_MAP, pub->id);
		pub->id = 0;
	}
}
