/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps of maps: what may be inside, and array_of_maps; hash_of_maps is in
 * map_hash.c. Users put and get ids, programs get the inner map itself. A slot
 * holds a reference; what was taken out of it is freed after the sections that
 * may have seen it. Inner maps hold no objects, so no ring can form.
 */
#include "core/map_inner.h"

#include "core/btf.h"
#include "core/map_value.h"

struct outer_array {
	struct ebpf_map map;
	struct ebpf_map **slots; /* max_entries; with references */
};

/* ---- the template ---- */

int
ebpf_map_inner_check(const struct ebpf_map *given)
{
	if (given == NULL || given->ops->holds_maps)
		return -EBPF_EINVAL;
	/* its programs decide what else may use it: not known at load */
	return given->ops->kind == EBPF_MAP_PROG_ARRAY ? -EBPF_EUNSUPPORTED :
							 0;
}

int
ebpf_map_inner_init(struct ebpf_map *outer, const struct ebpf_map *given)
{
	struct ebpf_map *inner = os_alloc(sizeof(*inner));

	if (inner == NULL)
		return -EBPF_ENOMEM;
	inner->ops = given->ops;
	inner->key_size = given->key_size;
	inner->value_size = given->value_size;
	inner->max_entries = given->max_entries;
	inner->flags = given->flags;
	inner->stride = given->stride;
	inner->has_lock = given->has_lock;
	inner->lock_off = given->lock_off;
	memcpy(inner->obj.name, given->obj.name, sizeof(inner->obj.name));
	if (given->btf != NULL) {
		ebpf_object_get(&given->btf->obj);
		inner->btf = given->btf;
		inner->btf_key_type = given->btf_key_type;
		inner->btf_value_type = given->btf_value_type;
	}
	outer->inner = inner;
	return 0;
}

void
ebpf_map_inner_fini(struct ebpf_map *outer)
{
	if (outer->inner == NULL)
		return;
	if (outer->inner->btf != NULL)
		ebpf_object_put(&outer->inner->btf->obj);
	os_free(outer->inner);
}

/*
 * Programs were verified with the template, so whatever the verifier or an
 * engine takes from it must be the same. Arrays may differ in length only
 * where that was said of the template: their bound is not a constant then.
 */
static bool
fits(const struct ebpf_map *inner, const struct ebpf_map *wanted)
{
	if (inner->ops != wanted->ops || inner->key_size != wanted->key_size ||
	    inner->value_size != wanted->value_size ||
	    inner->flags != wanted->flags ||
	    inner->has_lock != wanted->has_lock ||
	    inner->lock_off != wanted->lock_off)
		return false;
	if (wanted->ops->kind != EBPF_MAP_ARRAY &&
	    wanted->ops->kind != EBPF_MAP_PERCPU_ARRAY)
		return true;
	return (wanted->flags & EBPF_F_INNER_MAP) != 0 ||
	       inner->max_entries == wanted->max_entries;
}

int
ebpf_map_inner_get(struct ebpf_map *outer, const void *value,
		   struct ebpf_map **inner)
{
	struct ebpf_object *obj = ebpf_object_by_id(
		outer->obj.rt, EBPF_OBJ_MAP, ebpf_key_index(value));
	struct ebpf_map *map;

	*inner = NULL;
	if (obj == NULL)
		return -EBPF_ENOENT;
	map = os_container(obj, struct ebpf_map, obj);
	if (!fits(map, outer->inner)) {
		ebpf_map_put(map);
		return -EBPF_EINVAL;
	}
	*inner = map;
	return 0;
}

/* ---- array_of_maps ---- */

static struct outer_array *
array_of(struct ebpf_map *map)
{
	return os_container(map, struct outer_array, map);
}

static int
outer_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct outer_array *array = array_of(map);

	array->slots = os_alloc(map->max_entries * sizeof(array->slots[0]));
	return array->slots == NULL ? -EBPF_ENOMEM : 0;
}

static void
outer_fini(struct ebpf_map *map)
{
	struct outer_array *array = array_of(map);
	uint32_t i;

	for (i = 0; array->slots != NULL && i < map->max_entries; i++)
		ebpf_map_put(array->slots[i]);
	os_free(array->slots);
}

static void *
outer_lookup(struct ebpf_map *map, const void *key)
{
	uint32_t index = ebpf_key_index(key);

	if (os_unlikely(index >= map->max_entries))
		return NULL;
	index = ebpf_index_within(index, map->max_entries);
	return os_load_acquire(&array_of(map)->slots[index]);
}

static int
outer_read(struct ebpf_map *map, const void *key, void *value)
{
	const struct ebpf_map *inner = outer_lookup(map, key);

	if (inner == NULL)
		return -EBPF_ENOENT;
	memcpy(value, &inner->obj.id, sizeof(inner->obj.id));
	return 0;
}

static int
outer_write(struct ebpf_map *map, const void *key, const void *value,
	    uint64_t flags)
{
	uint32_t index = ebpf_key_index(key);
	struct ebpf_map *inner;
	int error;

	if (flags != EBPF_ANY)
		return -EBPF_EINVAL;
	if (index >= map->max_entries)
		return -EBPF_E2BIG;
	error = ebpf_map_inner_get(map, value, &inner);
	if (error != 0)
		return error;
	ebpf_map_put(os_swap(&array_of(map)->slots[index], inner));
	return 0;
}

static int
outer_remove(struct ebpf_map *map, const void *key)
{
	uint32_t index = ebpf_key_index(key);
	struct ebpf_map *old;

	if (index >= map->max_entries)
		return -EBPF_E2BIG;
	old = os_swap(&array_of(map)->slots[index], NULL);
	ebpf_map_put(old);
	return old == NULL ? -EBPF_ENOENT : 0;
}

const struct ebpf_map_ops ebpf_map_array_of_maps_ops = {
	.kind = EBPF_MAP_ARRAY_OF_MAPS,
	.flags_allowed = EBPF_F_RDONLY | EBPF_F_WRONLY | EBPF_F_NUMA_NODE,
	.holds_ids = true,
	.holds_maps = true,
	.struct_size = sizeof(struct outer_array),
	.check = ebpf_slots_check,
	.init = outer_init,
	.fini = outer_fini,
	.lookup = outer_lookup,
	.remove = outer_remove,
	.read = outer_read,
	.write = outer_write,
	.next = ebpf_slots_next,
	.walk = ebpf_slots_walk,
	.count = ebpf_slots_count,
};
