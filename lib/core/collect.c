/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs hold the maps they use; a prog_array holds the programs in it. A
 * program that tail-calls into its own array would so live for ever once its
 * last user is gone. Here such rings are found and the arrays emptied; counting
 * references does the rest. Runs deferred, one at a time, only when a program
 * or an array that can be part of a ring lost a reference and still has some.
 *
 * An object is in use when it has a reference that no published object's field
 * explains (a session, pin, link, switch or a load under way), or when an
 * object in use refers to it.
 */
#include "core/jit/jit_tail.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"

/* inner_refs of what is known to be in use; then also of what it holds */
#define IN_USE UINT32_MAX
#define FOLLOWED (UINT32_MAX - 1)

static bool
is_prog_array(const struct ebpf_map *map)
{
	return map->ops->kind == EBPF_MAP_PROG_ARRAY;
}

static struct ebpf_map *
to_map(struct ebpf_object *obj)
{
	return os_container(obj, struct ebpf_map, obj);
}

static struct ebpf_prog *
to_prog(struct ebpf_object *obj)
{
	return os_container(obj, struct ebpf_prog, obj);
}

/* Call fn for the objects that obj holds and that can be part of a ring. */
static void
for_each_held(struct ebpf_object *obj, void (*fn)(struct ebpf_object *held))
{
	struct ebpf_prog *prog;
	struct ebpf_map_prog_array *array;
	struct os_epoch section;
	uint32_t i;

	if (obj->kind == EBPF_OBJ_PROG) {
		prog = to_prog(obj);
		for (i = 0; i < prog->map_count; i++)
			if (is_prog_array(prog->maps[i]))
				fn(&prog->maps[i]->obj);
	} else if (is_prog_array(to_map(obj))) {
		array = os_container(to_map(obj), struct ebpf_map_prog_array,
				     map);
		os_epoch_enter(&section); /* slots change beside us */
		for (i = 0; i < array->map.max_entries; i++) {
			prog = os_load_acquire(&array->slots[i]);
			if (prog)
				fn(&prog->obj);
		}
		os_epoch_exit(&section);
	}
}

static void
count_one(struct ebpf_object *held)
{
	held->inner_refs++;
}

static void
use_one(struct ebpf_object *held)
{
	if (held->inner_refs != FOLLOWED)
		held->inner_refs = IN_USE;
}

/* Call fn for every published program and map. Under the lock. */
static void
for_each_object(struct ebpf_runtime *rt, void (*fn)(struct ebpf_object *obj))
{
	static const uint8_t kinds[] = { EBPF_OBJ_PROG, EBPF_OBJ_MAP };
	struct ebpf_registry *registry;
	uint32_t i, at;

	for (i = 0; i < sizeof(kinds); i++) {
		registry = &rt->registry[kinds[i]];
		for (at = 0; at < registry->count; at++)
			fn(registry->objects[at]);
	}
}

static void
reset(struct ebpf_object *obj)
{
	obj->inner_refs = 0;
}

static void
count_held(struct ebpf_object *obj)
{
	for_each_held(obj, count_one);
}

static void
use_if_referenced(struct ebpf_object *obj)
{
	if (os_load(&obj->refs) > obj->inner_refs)
		obj->inner_refs = IN_USE;
}

/*
 * Follow references from what is in use. Newer objects mostly refer to older
 * ones, programs to maps, so a few rounds reach everything.
 */
static bool
follow(struct ebpf_registry *registry)
{
	bool changed = false;
	uint32_t at;

	for (at = registry->count; at-- > 0;) {
		struct ebpf_object *obj = registry->objects[at];

		if (obj->inner_refs != IN_USE)
			continue;
		obj->inner_refs = FOLLOWED;
		for_each_held(obj, use_one);
		changed = true;
	}
	return changed;
}

static void
empty(struct ebpf_map_prog_array *array)
{
	struct ebpf_prog *prog;
	uint32_t i;

	for (i = 0; i < array->map.max_entries; i++) {
		os_spin_lock(&array->lock);
		prog = array->slots[i];
		os_store_release(&array->slots[i], NULL);
		if (prog) /* nothing follows to where nothing is */
			ebpf_jit_tails_changed(array, i);
		os_spin_unlock(&array->lock);
		ebpf_prog_put(prog);
	}
}

static void
empty_unused(struct ebpf_object *obj)
{
	if (obj->kind == EBPF_OBJ_MAP && is_prog_array(to_map(obj)) &&
	    obj->inner_refs != FOLLOWED)
		empty(os_container(to_map(obj), struct ebpf_map_prog_array,
				   map));
}

static void
collect(struct os_deferred *work)
{
	struct ebpf_runtime *rt =
		os_container(work, struct ebpf_runtime, collect_work);

	/* From here on a put asks for another turn. */
	os_store_release(&rt->collect_pending, 0);
	os_mutex_lock(&rt->lock);
	for_each_object(rt, reset);
	for_each_object(rt, count_held);
	for_each_object(rt, use_if_referenced);
	while (follow(&rt->registry[EBPF_OBJ_PROG]) ||
	       follow(&rt->registry[EBPF_OBJ_MAP]))
		;
	for_each_object(rt, empty_unused);
	os_mutex_unlock(&rt->lock);
}

void
ebpf_collect_later(struct ebpf_runtime *rt)
{
	if (os_swap(&rt->collect_pending, 1) == 0)
		os_epoch_defer(&rt->collect_work, collect);
}

/* Errors end the walk: then there is nothing left, or no memory to see it. */
void
ebpf_collect_clear(struct ebpf_map *map)
{
	struct os_epoch section;
	uint8_t *keys, *key, *next;
	bool first = true;

	if (!map->ops->holds_ids)
		return;
	if (is_prog_array(map)) {
		empty(os_container(map, struct ebpf_map_prog_array, map));
		return;
	}
	keys = os_alloc((size_t)map->key_size * 2);
	if (!keys || !map->ops->next || !map->ops->remove)
		goto out;
	key = keys;
	next = keys + map->key_size;
	os_epoch_enter(&section);
	while (map->ops->next(map, first ? NULL : key, next) == 0) {
		map->ops->remove(map, next);
		memcpy(key, next, map->key_size);
		first = false;
	}
	os_epoch_exit(&section);
out:
	os_free(keys);
}
