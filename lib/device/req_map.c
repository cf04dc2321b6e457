/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Requests about maps and their elements. Elements are copied straight between
 * the message and the map; what is allowed is decided in core/map.c.
 */
#include "core/btf.h"
#include "core/map.h"
#include "device/dispatch.h"

enum {
	GRACE_TRIES = 16, /* for a map whose spare elements are used up */
	WAIT_MAX_MS = 1000, /* a client that has gone is noticed then */
	BATCH_REST = 4096, /* elements, then others may run */
};

static struct ebpf_map *
map_get(struct ebpf_call *call, uint32_t id)
{
	struct ebpf_object *obj = ebpf_session_recent_map(call->session, id);

	if (os_unlikely(obj == NULL))
		obj = ebpf_call_object(call, EBPF_OBJ_MAP, id);
	return obj == NULL ? NULL : os_container(obj, struct ebpf_map, obj);
}

int
ebpf_do_map_create(struct ebpf_call *call)
{
	const struct ebpf_req_map_create *req = call->req;
	struct ebpf_rep_id *rep = call->rep;
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = req->kind,
		.key_size = req->key_size,
		.value_size = req->value_size,
		.max_entries = req->max_entries,
		.flags = req->flags,
		.name = req->name,
		.btf_key_type = req->btf_key_type,
		.btf_value_type = req->btf_value_type,
		.map_extra = req->map_extra,
		.numa_node = req->numa_node,
		.uid = call->session->uid,
	};
	struct ebpf_object *btf;
	struct ebpf_map *map;
	int error;

	if (ebpf_call_text(req->name, sizeof(req->name)) != 0)
		return -EBPF_EPROTO;
	if (req->btf_id != 0) {
		btf = ebpf_call_object(call, EBPF_OBJ_BTF, req->btf_id);
		if (btf == NULL)
			return -EBPF_ENOENT;
		spec.btf = os_container(btf, struct ebpf_btf, obj);
	}
	if (req->inner_map_id != 0) {
		spec.inner = map_get(call, req->inner_map_id);
		if (spec.inner == NULL)
			return -EBPF_ENOENT;
	}
	error = ebpf_session_reserve(call->session, EBPF_OBJ_MAP);
	if (error != 0)
		return error;
	error = ebpf_map_create(call->rt, &spec, &map);
	if (error != 0)
		return error;
	rep->id = map->obj.id;
	ebpf_session_hold(call->session, &map->obj); /* reserved above */
	ebpf_map_put(map);
	return 0;
}

int
ebpf_do_map_info(struct ebpf_call *call)
{
	const struct ebpf_req_id *req = call->req;
	struct ebpf_rep_map_info *rep = call->rep;
	struct ebpf_map *map = map_get(call, req->id);

	if (map == NULL)
		return -EBPF_ENOENT;
	rep->id = map->obj.id;
	rep->kind = map->ops->kind;
	rep->key_size = map->key_size;
	rep->value_size = map->value_size;
	rep->max_entries = map->max_entries;
	rep->flags = map->flags;
	rep->frozen = os_load(&map->frozen) == EBPF_MAP_FROZEN;
	rep->btf_id = map->btf != NULL ? map->btf->obj.id : 0;
	rep->btf_key_type = map->btf_key_type;
	rep->btf_value_type = map->btf_value_type;
	rep->user_value_size = map->user_value_size;
	rep->uid = map->obj.uid;
	rep->refs = os_load(&map->obj.refs) - call->object_count;
	rep->created_ns = map->obj.created_ns;
	rep->mem_bytes = os_load(&map->obj.mem_bytes);
	rep->count = map->ops->count != NULL ? map->ops->count(map) :
					       UINT64_MAX;
	rep->map_extra = map->map_extra;
	memcpy(rep->name, map->obj.name, sizeof(rep->name));
	return 0;
}

/* ---- one element ---- */

/*
 * The map of a request that carries one key and nothing else; or, where that
 * is what is asked for, a value.
 */
static int
map_and_key(struct ebpf_call *call, uint32_t id, uint32_t key_len,
	    struct ebpf_map **map)
{
	if (key_len != call->in_len)
		return -EBPF_EPROTO;
	*map = map_get(call, id);
	if (*map == NULL)
		return -EBPF_ENOENT;
	return key_len != ((*map)->ops->asks_value ? (*map)->value_size :
						      (*map)->key_size) ?
		       -EBPF_EINVAL : 0;
}

int
ebpf_do_map_lookup(struct ebpf_call *call)
{
	const struct ebpf_req_map_key *req = call->req;
	struct ebpf_map *map;
	uint32_t size;
	int error = map_and_key(call, req->id, req->key_len, &map);

	if (error != 0)
		return error;
	if (req->flags != 0 && req->flags != EBPF_F_LOCK)
		return -EBPF_EINVAL;
	size = map->user_value_size;
	if (size > call->out_room)
		return -EBPF_ENOSPC;
	if (map->ops->asks_value)
		memcpy(call->out, call->in, size);
	error = req->flags != 0 ?
			ebpf_map_read_locked(map, call->in, call->out) :
			ebpf_map_read(map, call->in, call->out);
	if (error == 0)
		call->out_len = size;
	return error;
}

/* In a request elements can be waited for. */
static int
write_patiently(struct ebpf_map *map, const void *key, const void *value,
		uint64_t flags)
{
	uint32_t tries;
	int error;

	for (tries = 0;; tries++) {
		error = ebpf_map_write(map, key, value, flags);
		if (error != -EBPF_EAGAIN || tries == GRACE_TRIES)
			return error;
		ebpf_map_settle(map);
	}
}

int
ebpf_do_map_update(struct ebpf_call *call)
{
	const struct ebpf_req_map_update *req = call->req;
	struct ebpf_map *map;

	if ((uint64_t)req->key_len + req->value_len != call->in_len)
		return -EBPF_EPROTO;
	map = map_get(call, req->id);
	if (map == NULL)
		return -EBPF_ENOENT;
	if (req->key_len != map->key_size ||
	    req->value_len != map->user_value_size)
		return -EBPF_EINVAL;
	return write_patiently(map, call->in, call->in + req->key_len,
			       req->flags);
}

int
ebpf_do_map_delete(struct ebpf_call *call)
{
	const struct ebpf_req_map_key *req = call->req;
	struct ebpf_map *map;
	int error = map_and_key(call, req->id, req->key_len, &map);

	if (error != 0)
		return error;
	return req->flags != 0 ? -EBPF_EINVAL : ebpf_map_remove(map, call->in);
}

int
ebpf_do_map_lookup_delete(struct ebpf_call *call)
{
	const struct ebpf_req_map_key *req = call->req;
	struct ebpf_map *map;
	uint32_t size;
	int error = map_and_key(call, req->id, req->key_len, &map);

	if (error != 0)
		return error;
	if (req->flags != 0)
		return -EBPF_EINVAL;
	size = map->user_value_size;
	if (size > call->out_room)
		return -EBPF_ENOSPC;
	error = ebpf_map_extract(map, call->in, call->out);
	if (error == 0)
		call->out_len = size;
	return error;
}

int
ebpf_do_map_next(struct ebpf_call *call)
{
	const struct ebpf_req_map_next *req = call->req;
	struct ebpf_map *map;
	int error;

	if (req->key_len != call->in_len)
		return -EBPF_EPROTO;
	map = map_get(call, req->id);
	if (map == NULL)
		return -EBPF_ENOENT;
	if (req->key_len != 0 && req->key_len != map->key_size)
		return -EBPF_EINVAL;
	if (map->key_size > call->out_room)
		return -EBPF_ENOSPC;
	error = ebpf_map_next(map, req->key_len != 0 ? call->in : NULL,
			      call->out);
	if (error == 0)
		call->out_len = map->key_size;
	return error;
}

/* ---- many elements ---- */

/*
 * Of `count` elements that were read at `at` remove each, and keep what it was
 * at that moment; who has gone meanwhile is left out. When some are removed, an
 * error is left to the next request: nothing that was taken is lost.
 */
static int
remove_read(struct ebpf_map *map, uint8_t *at, size_t element, uint32_t *count,
	    bool *done)
{
	uint8_t *to = at;
	uint32_t i, kept = 0;
	int error = 0;

	for (i = 0; i < *count; i++, at += element) {
		memmove(to, at, map->key_size);
		error = ebpf_map_extract_walked(map, to, to + map->key_size);
		if (error != 0 && error != -EBPF_ENOENT)
			break;
		if (error == 0) {
			to += element;
			kept++;
		}
	}
	if (i < *count && kept != 0)
		*done = false;
	*count = kept;
	return kept != 0 || error == -EBPF_ENOENT ? 0 : error;
}

int
ebpf_do_map_lookup_batch(struct ebpf_call *call)
{
	const struct ebpf_req_map_lookup_batch *req = call->req;
	struct ebpf_rep_map_lookup_batch *rep = call->rep;
	struct ebpf_map *map = map_get(call, req->id);
	uint64_t element;
	bool done;
	int error;

	if (map == NULL)
		return -EBPF_ENOENT;
	if ((req->flags & ~(uint32_t)EBPF_BATCH_REMOVE) != 0 ||
	    req->count == 0)
		return -EBPF_EINVAL;
	if (req->flags != 0 && map->ops->extract == NULL)
		return -EBPF_EUNSUPPORTED;
	/* also where there is nothing to remove */
	if (req->flags != 0 && (map->flags & EBPF_F_RDONLY) != 0)
		return -EBPF_EACCES;
	element = (uint64_t)map->key_size + map->user_value_size;
	if (element == 0) /* of a ring buffer */
		return -EBPF_EUNSUPPORTED;
	if (element > call->out_room)
		return -EBPF_ENOSPC;
	rep->count = req->count;
	if (rep->count > call->out_room / element)
		rep->count = (uint32_t)(call->out_room / element);
	rep->cursor = req->cursor;
	error = ebpf_map_walk(map, &rep->cursor, &rep->count, call->out, &done);
	if (error == 0 && req->flags != 0)
		error = remove_read(map, call->out, element, &rep->count,
				    &done);
	if (error != 0)
		return error;
	rep->done = done;
	call->out_len = rep->count * element;
	return 0;
}

/* The map of a request that carries `count` elements of `extra` + a key. */
static int
batch_check(struct ebpf_call *call, const struct ebpf_req_map_batch *req,
	    bool values, struct ebpf_map **map, size_t *element)
{
	*map = map_get(call, req->id);
	if (*map == NULL)
		return -EBPF_ENOENT;
	*element = (size_t)(*map)->key_size +
		   (values ? (*map)->user_value_size : 0);
	if (*element == 0) /* ring buffers; keys where there are none */
		return -EBPF_EUNSUPPORTED;
	/* neither factor can be above 2^32 */
	return (uint64_t)req->count * *element != call->in_len ? -EBPF_EPROTO :
								 0;
}

int
ebpf_do_map_update_batch(struct ebpf_call *call)
{
	const struct ebpf_req_map_batch *req = call->req;
	struct ebpf_rep_map_batch *rep = call->rep;
	struct ebpf_map *map;
	const uint8_t *at = call->in;
	uint32_t n, tries = 0;
	size_t element;
	int error = batch_check(call, req, true, &map, &element);

	if (error != 0)
		return error;
	call->keep_reply = true;
	while (rep->count < req->count) {
		n = req->count - rep->count;
		if (n > BATCH_REST)
			n = BATCH_REST;
		error = ebpf_map_write_many(map, at, &n, req->flags);
		rep->count += n;
		at += n * element;
		tries = n == 0 ? tries + 1 : 0;
		if (error == -EBPF_EAGAIN && tries <= GRACE_TRIES)
			ebpf_map_settle(map);
		else if (error != 0)
			return error;
		else
			os_yield();
	}
	return 0;
}

int
ebpf_do_map_delete_batch(struct ebpf_call *call)
{
	const struct ebpf_req_map_batch *req = call->req;
	struct ebpf_rep_map_batch *rep = call->rep;
	struct ebpf_map *map;
	const uint8_t *at = call->in;
	uint32_t n;
	size_t element;
	int error = batch_check(call, req, false, &map, &element);

	if (error != 0)
		return error;
	if (req->flags != 0)
		return -EBPF_EINVAL;
	call->keep_reply = true;
	while (rep->count < req->count) {
		n = req->count - rep->count;
		if (n > BATCH_REST)
			n = BATCH_REST;
		error = ebpf_map_remove_many(map, at, &n);
		rep->count += n;
		at += n * element;
		if (error != 0)
			return error;
		os_yield();
	}
	return 0;
}

int
ebpf_do_map_freeze(struct ebpf_call *call)
{
	const struct ebpf_req_id *req = call->req;
	struct ebpf_map *map = map_get(call, req->id);

	return map == NULL ? -EBPF_ENOENT : ebpf_map_freeze(map);
}

/* ---- records ---- */

int
ebpf_do_map_records(struct ebpf_call *call)
{
	const struct ebpf_req_map_records *req = call->req;
	struct ebpf_rep_map_records *rep = call->rep;
	struct ebpf_map *map = map_get(call, req->id);
	struct ebpf_take take = {
		.cpu = req->cpu,
		.count_max = req->count_max,
		.out = call->out,
		.room = call->out_room,
	};
	uint64_t wait_ms = req->wait_ms;
	int error;

	if (map == NULL)
		return -EBPF_ENOENT;
	if (wait_ms > WAIT_MAX_MS)
		wait_ms = WAIT_MAX_MS;
	error = ebpf_map_take(map, &take, wait_ms * 1000000,
			      &call->device->ending);
	rep->count = take.count;
	rep->need = take.need;
	call->out_len = take.len;
	call->keep_reply = true;
	return error;
}
