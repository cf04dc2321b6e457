/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sessions: a client and the references it was given. Only the session's own
 * calls touch it, one at a time, so it needs no lock; the device counts its
 * sessions under one. Closing drops everything.
 */
#include "core/map.h"
#include "core/runtime.h"
#include "core/tracelog.h"
#include "device/dispatch.h"

struct ebpf_hold {
	struct ebpf_object *obj; /* with a reference */
	uint32_t id;
	uint32_t times; /* how often the client took it */
};

int
ebpf_session_open(struct ebpf_device *device, uint32_t uid,
		  struct ebpf_session **result)
{
	struct ebpf_session *session;
	int error = 0;

	*result = NULL;
	session = os_alloc(sizeof(*session));
	if (session == NULL)
		return -EBPF_ENOMEM;
	session->device = device;
	session->uid = uid;
	os_mutex_lock(&device->lock);
	if (device->sessions >= device->config.session_max)
		error = -EBPF_ELIMIT;
	else
		device->sessions++;
	os_mutex_unlock(&device->lock);
	if (error != 0) {
		os_free(session);
		return error;
	}
	*result = session;
	return 0;
}

void
ebpf_session_close(struct ebpf_session *session)
{
	/* who uses others goes before what is used */
	static const uint8_t order[] = { EBPF_OBJ_LINK, EBPF_OBJ_PROG,
					 EBPF_OBJ_MAP, EBPF_OBJ_BTF };
	struct ebpf_holds *list;
	uint32_t kind, i;

	if (session == NULL)
		return;
	for (kind = 0; kind < sizeof(order); kind++) {
		list = &session->holds[order[kind]];
		for (i = 0; i < list->count; i++)
			ebpf_object_put(list->holds[i].obj);
		os_free(list->holds);
	}
	os_mutex_lock(&session->device->lock);
	session->device->sessions--;
	os_mutex_unlock(&session->device->lock);
	os_free(session);
}

/* Index of the first hold with an id of at least `id`. */
static uint32_t
hold_at(const struct ebpf_holds *list, uint32_t id)
{
	uint32_t low = 0, high = list->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (list->holds[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
ebpf_session_reserve(struct ebpf_session *session, uint32_t kind)
{
	struct ebpf_holds *list = &session->holds[kind];
	struct ebpf_hold *holds;
	uint32_t room;

	if (session->hold_count >= session->device->config.session_holds_max)
		return -EBPF_ELIMIT;
	if (list->count < list->room)
		return 0;
	room = list->room == 0 ? 8 : list->room * 2;
	holds = os_alloc(room * sizeof(holds[0]));
	if (holds == NULL)
		return -EBPF_ENOMEM;
	if (list->count != 0)
		memcpy(holds, list->holds, list->count * sizeof(holds[0]));
	os_free(list->holds);
	list->holds = holds;
	list->room = room;
	return 0;
}

int
ebpf_session_hold(struct ebpf_session *session, struct ebpf_object *obj)
{
	struct ebpf_holds *list = &session->holds[obj->kind];
	int error = ebpf_session_reserve(session, obj->kind);
	uint32_t at;

	if (error != 0)
		return error;
	at = hold_at(list, obj->id);
	if (at < list->count && list->holds[at].id == obj->id) {
		list->holds[at].times++;
	} else {
		memmove(&list->holds[at + 1], &list->holds[at],
			(list->count - at) * sizeof(list->holds[0]));
		list->holds[at].obj = obj;
		list->holds[at].id = obj->id;
		list->holds[at].times = 1;
		list->count++;
		ebpf_object_get(obj);
	}
	session->hold_count++;
	return 0;
}

int
ebpf_session_drop(struct ebpf_session *session, uint32_t kind, uint32_t id)
{
	struct ebpf_holds *list = &session->holds[kind];
	uint32_t at = hold_at(list, id);
	struct ebpf_object *obj;

	if (at == list->count || list->holds[at].id != id)
		return -EBPF_ENOENT;
	session->hold_count--;
	if (--list->holds[at].times != 0)
		return 0;
	obj = list->holds[at].obj;
	if (obj == session->recent_map) {
		session->recent_map = NULL;
		session->recent_map_id = 0;
	}
	list->count--;
	memmove(&list->holds[at], &list->holds[at + 1],
		(list->count - at) * sizeof(list->holds[0]));
	ebpf_object_put(obj);
	return 0;
}

struct ebpf_object *
ebpf_session_find(struct ebpf_session *session, uint32_t kind, uint32_t id)
{
	const struct ebpf_holds *list = &session->holds[kind];
	uint32_t at = hold_at(list, id);

	if (at == list->count || list->holds[at].id != id)
		return NULL;
	if (kind == EBPF_OBJ_MAP) {
		session->recent_map = list->holds[at].obj;
		session->recent_map_id = id;
	}
	return list->holds[at].obj;
}

int
ebpf_session_share(struct ebpf_session *session, uint32_t id, bool write,
		   struct ebpf_map **map, void **memory, size_t *size)
{
	struct ebpf_object *obj = ebpf_object_by_id(session->device->rt,
						    EBPF_OBJ_MAP, id);
	int error;

	if (obj == NULL)
		return -EBPF_ENOENT;
	*map = os_container(obj, struct ebpf_map, obj);
	error = ebpf_map_share(*map, write, memory, size);
	ebpf_object_put(obj); /* shared, it has a reference more */
	return error;
}

bool
ebpf_session_readable(struct ebpf_session *session)
{
	const struct ebpf_holds *list = &session->holds[EBPF_OBJ_MAP];
	uint32_t i;

	if (session->reads_trace &&
	    ebpf_tracelog_last(session->device->rt->tracelog) !=
		    session->trace_next)
		return true;
	for (i = 0; i < list->count; i++)
		if (ebpf_map_has_record(os_container(list->holds[i].obj,
						     struct ebpf_map, obj)))
			return true;
	return false;
}
