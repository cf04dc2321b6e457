/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Iteration between the calls of a callback, see each.h. How a kind of map goes
 * on to its next element is its own affair (ops->each).
 */
#include "core/each.h"

#include "core/helper.h"
#include "core/map.h"

int64_t
ebpf_each_begin(struct ebpf_each *each, struct ebpf_map *map, uint64_t flags)
{
	memset(each, 0, sizeof(*each));
	if (flags != 0 || map->ops->each == NULL)
		return -EBPF_EINVAL;
	each->map = map;
	return 0;
}

int64_t
ebpf_each_begin_loop(struct ebpf_each *each, uint32_t count, uint64_t flags)
{
	memset(each, 0, sizeof(*each));
	if (flags != 0)
		return -EBPF_EINVAL;
	if (count > EBPF_LOOPS_MAX)
		return -EBPF_E2BIG;
	each->end = count;
	return 0;
}

uint64_t
ebpf_each_next(struct ebpf_each *each)
{
	if (each->map == NULL) {
		if (each->next == each->end)
			return 0;
		each->key = each->next++;
	} else if (!each->map->ops->each(each->map, each)) {
		return 0;
	}
	each->visited++;
	return 1;
}

/* Engines recognise these (EBPF_HELPER_LOOP) and never come here. */
uint64_t
ebpf_helper_loop(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		 uint64_t r5, const struct ebpf_prog *prog)
{
	return (uint64_t)(int64_t)-EBPF_EINVAL;
}

uint64_t
ebpf_helper_for_each_map_elem(uint64_t r1, uint64_t r2, uint64_t r3,
			      uint64_t r4, uint64_t r5,
			      const struct ebpf_prog *prog)
{
	return (uint64_t)(int64_t)-EBPF_EINVAL;
}
