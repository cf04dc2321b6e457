/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps that carry records from programs to users: ringbuf (one ring) and
 * perf_event_array (one for each CPU). Users take records out, each once; the
 * place of the reader is the map's.
 */
#ifndef CORE_MAP_RINGS_H
#define CORE_MAP_RINGS_H

#include "core/map.h"
#include "core/map_value.h"
#include "core/ring.h"

struct ebpf_map_rings {
	struct ebpf_map map;
	struct ebpf_ring **rings;
	uint32_t count;
	uint32_t ready; /* event and reader are initialised */
	struct os_event event; /* a record was committed */
	struct os_mutex reader; /* the rings' reader's side */
};

static inline struct ebpf_map_rings *
ebpf_rings_of(struct ebpf_map *map)
{
	return os_container(map, struct ebpf_map_rings, map);
}

/* The ring of a ringbuf, or of a CPU; NULL: none there. any */
static inline struct ebpf_ring *
ebpf_rings_at(struct ebpf_map *map, uint32_t index)
{
	struct ebpf_map_rings *rings = ebpf_rings_of(map);

	if (index >= rings->count)
		return NULL;
	return rings->rings[ebpf_index_within(index, rings->count)];
}

/* What stands before the bytes of a perf_event_array's records. */
struct ebpf_perf_head {
	uint64_t time_ns; /* os_time_ns() */
};

#endif
