/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arrays whose values a process has in its memory: who may, and what a freeze
 * must know of it. Knows no process; homes that can map memory call it.
 */
#include "core/map.h"

int
ebpf_map_share(struct ebpf_map *map, bool write, void **memory, size_t *size)
{
	const uint32_t to_read = EBPF_F_RDONLY | EBPF_F_RDONLY_PROG;

	if (map->ops->kind != EBPF_MAP_ARRAY || map->has_lock ||
	    (map->flags & EBPF_F_MMAPABLE) == 0)
		return -EBPF_EUNSUPPORTED;
	/* memory that can be written can be read; and what programs only read
	 * is frozen some day */
	if ((map->flags & EBPF_F_WRONLY) != 0 ||
	    (write && (map->flags & to_read) != 0))
		return -EBPF_EACCES;
	ebpf_map_share_again(map, write);
	/* counted first: a freeze that does not see that is seen here */
	if (write && os_load_acquire(&map->frozen) != EBPF_MAP_OPEN) {
		ebpf_map_unshare(map, write);
		return -EBPF_EACCES;
	}
	*memory = os_container(map, struct ebpf_map_array, map)->values;
	*size = (size_t)map->max_entries * map->stride;
	return 0;
}

void
ebpf_map_share_again(struct ebpf_map *map, bool write)
{
	ebpf_object_get(&map->obj);
	if (write)
		os_add(&map->writers, 1);
}

void
ebpf_map_unshare(struct ebpf_map *map, bool write)
{
	if (write)
		os_sub(&map->writers, 1);
	ebpf_object_put(&map->obj);
}
