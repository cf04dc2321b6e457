/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Program arrays: where tail calls look up their target. Users put and get ids;
 * engines read slots inside their section (ebpf_prog_array_get). All programs
 * in one array, and all that jump through it, are of one kind and one engine,
 * so that a tail call never changes context or calling convention.
 */
#include "core/jit/jit_tail.h"
#include "core/map.h"
#include "core/map_value.h"
#include "core/prog.h"

static struct ebpf_map_prog_array *
array_of(struct ebpf_map *map)
{
	return os_container(map, struct ebpf_map_prog_array, map);
}

static int
slots_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct ebpf_map_prog_array *array = array_of(map);

	map->obj.cyclic = 1; /* its programs may use it: see collect.c */
	os_spin_init(&array->lock);
	array->slots = os_alloc(map->max_entries * sizeof(array->slots[0]));
	return array->slots == NULL ? -EBPF_ENOMEM : 0;
}

static void
slots_fini(struct ebpf_map *map)
{
	struct ebpf_map_prog_array *array = array_of(map);
	uint32_t i;

	for (i = 0; array->slots != NULL && i < map->max_entries; i++)
		ebpf_prog_put(array->slots[i]);
	os_free(array->slots);
	ebpf_jit_tails_free(array->tails);
}

const struct ebpf_prog *
ebpf_prog_array_get(const struct ebpf_map *map, uint64_t index)
{
	const struct ebpf_map_prog_array *array =
		(const struct ebpf_map_prog_array *)map;

	if (index >= map->max_entries)
		return NULL;
	index = ebpf_index_within((uint32_t)index, map->max_entries);
	return os_load_acquire(&array->slots[index]);
}

int
ebpf_prog_array_adopt(struct ebpf_map *map, uint32_t kind, bool jited)
{
	struct ebpf_map_prog_array *array = array_of(map);
	int error = 0;

	os_spin_lock(&array->lock);
	if (array->owner_kind == 0) {
		array->owner_kind = kind;
		array->owner_jited = jited;
	} else if (array->owner_kind != kind ||
		   array->owner_jited != (uint32_t)jited) {
		error = -EBPF_EINVAL;
	}
	os_spin_unlock(&array->lock);
	return error;
}

static int
slots_swap(struct ebpf_map *map, uint32_t index, struct ebpf_prog *prog)
{
	struct ebpf_map_prog_array *array = array_of(map);
	struct ebpf_prog *old;
	bool jumps;

	os_spin_lock(&array->lock);
	old = array->slots[index];
	os_store_release(&array->slots[index], prog);
	jumps = ebpf_jit_tails_changed(array, index);
	os_spin_unlock(&array->lock);
	if (jumps)
		ebpf_jit_tails_follow(array);
	ebpf_prog_put(old); /* freed after the sections that may see it */
	return old == NULL ? -EBPF_ENOENT : 0;
}

static int
slots_remove(struct ebpf_map *map, const void *key)
{
	uint32_t index = ebpf_key_index(key);

	if (index >= map->max_entries)
		return -EBPF_E2BIG;
	return slots_swap(map, index, NULL);
}

static int
slots_read(struct ebpf_map *map, const void *key, void *value)
{
	const struct ebpf_prog *prog =
		ebpf_prog_array_get(map, ebpf_key_index(key));

	if (prog == NULL)
		return -EBPF_ENOENT;
	memcpy(value, &prog->obj.id, sizeof(prog->obj.id));
	return 0;
}

static int
slots_write(struct ebpf_map *map, const void *key, const void *value,
	    uint64_t flags)
{
	uint32_t index = ebpf_key_index(key), id = ebpf_key_index(value);
	struct ebpf_object *obj;
	struct ebpf_prog *prog;
	int error;

	if (flags != EBPF_ANY)
		return -EBPF_EINVAL;
	if (index >= map->max_entries)
		return -EBPF_E2BIG;
	obj = ebpf_object_by_id(map->obj.rt, EBPF_OBJ_PROG, id);
	if (obj == NULL)
		return -EBPF_ENOENT;
	prog = os_container(obj, struct ebpf_prog, obj);
	/* A caller cannot vouch for a size of memory that was fixed at load. */
	error = prog->mem_size != 0 ?
			-EBPF_EINVAL :
			ebpf_prog_array_adopt(map, prog->kind->number,
					      prog->jited != 0);
	if (error != 0) {
		ebpf_object_put(obj);
		return error;
	}
	slots_swap(map, index, prog);
	return 0;
}

const struct ebpf_map_ops ebpf_map_prog_array_ops = {
	.kind = EBPF_MAP_PROG_ARRAY,
	.flags_allowed = EBPF_F_RDONLY | EBPF_F_WRONLY | EBPF_F_NUMA_NODE,
	.holds_ids = true,
	.struct_size = sizeof(struct ebpf_map_prog_array),
	.check = ebpf_slots_check,
	.init = slots_init,
	.fini = slots_fini,
	.remove = slots_remove,
	.read = slots_read,
	.write = slots_write,
	.next = ebpf_slots_next,
	.walk = ebpf_slots_walk,
	.count = ebpf_slots_count,
};
