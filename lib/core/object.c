/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects and the registry that finds them by id. The registry holds no
 * reference: whoever looks up takes one unless the count is already 0. From
 * then on nobody new can reach the object, and after a grace period a deferred
 * call takes it out of the registry and destroys it.
 */
#include "core/object.h"

#include "core/runtime.h"

static int
check_name(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++) {
		unsigned char c = (unsigned char)name[i];

		if (i == EBPF_NAME_SIZE - 1)
			return -EBPF_ENAMETOOLONG;
		if (c < 0x20 || c == 0x7f || c == '/')
			return -EBPF_EINVAL;
	}
	return 0;
}

int
ebpf_object_init(struct ebpf_object *obj, struct ebpf_runtime *rt,
		 enum ebpf_object_kind kind, const char *name, uint32_t uid,
		 void (*destroy)(struct ebpf_object *))
{
	int error;

	if (!name)
		name = "";
	error = check_name(name);
	if (error)
		return error;
	memcpy(obj->name, name, strlen(name) + 1);
	obj->rt = rt;
	obj->kind = kind;
	obj->refs = 1;
	obj->uid = uid;
	obj->created_ns = os_wall_time_ns();
	obj->destroy = destroy;
	return 0;
}

/* Index of the first object with an id above `id`. Under the lock. */
static uint32_t
registry_above(const struct ebpf_registry *registry, uint32_t id)
{
	uint32_t low = 0, high = registry->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (registry->objects[middle]->id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* One place more, and an id for it. Under the lock. */
static int
make_room(struct ebpf_registry *registry)
{
	struct ebpf_object **objects;
	uint32_t room;

	if (registry->last_id >= UINT32_MAX - registry->reserved)
		return -EBPF_ELIMIT; /* ids are never given twice */
	if (registry->count + registry->reserved < registry->room)
		return 0;
	room = registry->room ? registry->room * 2 : 16;
	objects = os_alloc(room * sizeof(objects[0]));
	if (!objects)
		return -EBPF_ENOMEM;
	if (registry->count)
		memcpy(objects, registry->objects,
		       registry->count * sizeof(objects[0]));
	os_free(registry->objects);
	registry->objects = objects;
	registry->room = room;
	return 0;
}

int
ebpf_object_reserve(struct ebpf_object *obj)
{
	struct ebpf_registry *registry = &obj->rt->registry[obj->kind];
	int error;

	os_mutex_lock(&obj->rt->lock);
	error = make_room(registry);
	if (!error) {
		obj->reserved = true;
		registry->reserved++;
	}
	os_mutex_unlock(&obj->rt->lock);
	return error;
}

/* Under the lock. */
static void
drop_reserved(struct ebpf_object *obj)
{
	if (!obj->reserved)
		return;
	obj->reserved = false;
	obj->rt->registry[obj->kind].reserved--;
}

int
ebpf_object_publish(struct ebpf_object *obj)
{
	struct ebpf_runtime *rt = obj->rt;
	struct ebpf_registry *registry = &rt->registry[obj->kind];
	int error = 0;

	os_mutex_lock(&rt->lock);
	if (!obj->reserved)
		error = make_room(registry);
	drop_reserved(obj);
	if (error)
		goto out;
	/* Ids grow, so the end is the sorted place. */
	os_store_release(&obj->id, ++registry->last_id);
	registry->objects[registry->count++] = obj;
out:
	os_mutex_unlock(&rt->lock);
	return error;
}

static void
unpublish(struct ebpf_object *obj)
{
	struct ebpf_registry *registry = &obj->rt->registry[obj->kind];
	uint32_t at;

	os_mutex_lock(&obj->rt->lock);
	drop_reserved(obj);
	if (!obj->id)
		goto out;
	at = registry_above(registry, obj->id) - 1;
	memmove(&registry->objects[at], &registry->objects[at + 1],
		(registry->count - at - 1) * sizeof(registry->objects[0]));
	registry->count--;
out:
	os_mutex_unlock(&obj->rt->lock);
}

static void
retire(struct os_deferred *work)
{
	struct ebpf_object *obj =
		os_container(work, struct ebpf_object, deferred);

	unpublish(obj);
	ebpf_uncharge(obj, os_load(&obj->mem_bytes));
	obj->destroy(obj);
}

void
ebpf_object_discard(struct ebpf_object *obj)
{
	retire(&obj->deferred);
}

void
ebpf_object_get(struct ebpf_object *obj)
{
	os_add_relaxed(&obj->refs, 1);
}

bool
ebpf_object_try_get(struct ebpf_object *obj)
{
	uint32_t refs = os_load(&obj->refs);

	while (refs != 0)
		if (os_cas(&obj->refs, &refs, refs + 1))
			return true;
	return false;
}

void
ebpf_object_put(struct ebpf_object *obj)
{
	struct ebpf_runtime *rt;
	uint32_t cyclic;

	if (!obj)
		return;
	rt = obj->rt; /* obj may be gone once the count is down */
	cyclic = os_load(&obj->cyclic);
	if (os_sub(&obj->refs, 1) == 0)
		os_epoch_defer(&obj->deferred, retire);
	else if (cyclic)
		ebpf_collect_later(rt);
}

struct ebpf_object *
ebpf_object_by_id(struct ebpf_runtime *rt, enum ebpf_object_kind kind,
		  uint32_t id)
{
	struct ebpf_registry *registry = &rt->registry[kind];
	struct ebpf_object *obj = NULL;
	uint32_t at;

	if (id == 0)
		return NULL;
	os_mutex_lock(&rt->lock);
	at = registry_above(registry, id - 1);
	if (at < registry->count && registry->objects[at]->id == id &&
	    ebpf_object_try_get(registry->objects[at]))
		obj = registry->objects[at];
	os_mutex_unlock(&rt->lock);
	return obj;
}

struct ebpf_object *
ebpf_object_next(struct ebpf_runtime *rt, enum ebpf_object_kind kind,
		 uint32_t id)
{
	struct ebpf_registry *registry = &rt->registry[kind];
	struct ebpf_object *obj = NULL;
	uint32_t at;

	os_mutex_lock(&rt->lock);
	for (at = registry_above(registry, id); at < registry->count; at++) {
		if (ebpf_object_try_get(registry->objects[at])) {
			obj = registry->objects[at];
			break;
		}
	}
	os_mutex_unlock(&rt->lock);
	return obj;
}

/* Those on their way out are not counted. */
uint32_t
ebpf_object_count(struct ebpf_runtime *rt, enum ebpf_object_kind kind)
{
	struct ebpf_registry *registry = &rt->registry[kind];
	uint32_t at, count = 0;

	os_mutex_lock(&rt->lock);
	for (at = 0; at < registry->count; at++)
		count += os_load(&registry->objects[at]->refs) != 0;
	os_mutex_unlock(&rt->lock);
	return count;
}

static bool
charge(struct ebpf_runtime *rt, uint64_t bytes)
{
	uint64_t max = rt->config.mem_max ? rt->config.mem_max : UINT64_MAX;
	uint64_t used = os_load(&rt->mem_used);

	do {
		if (bytes > max || used > max - bytes)
			return false;
	} while (!os_cas(&rt->mem_used, &used, used + bytes));
	return true;
}

int
ebpf_charge_now(struct ebpf_object *obj, uint64_t bytes)
{
	if (!charge(obj->rt, bytes))
		return -EBPF_ENOMEM;
	os_add_relaxed(&obj->mem_bytes, bytes);
	return 0;
}

int
ebpf_charge(struct ebpf_object *obj, uint64_t bytes)
{
	int error = ebpf_charge_now(obj, bytes);

	if (error == 0)
		return 0;
	/* What was just released may still wait for its turn. */
	os_epoch_drain();
	return ebpf_charge_now(obj, bytes);
}

void
ebpf_uncharge(struct ebpf_object *obj, uint64_t bytes)
{
	os_sub(&obj->mem_bytes, bytes);
	os_sub(&obj->rt->mem_used, bytes);
}
