/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite maps, native: the programs' C text through the C compiler, where their
 * helpers are the map's own functions, called from C in one section: what an
 * operation costs whoever is not a program, and so what a program's call adds.
 */
#include "bench/suite_maps.h"

#include <string.h>

#include "core/map.h"

/* Of the run under way; a program has its map in its code. */
static struct ebpf_map *table_map;

#define bpf_map_lookup_elem(table, key) table_map->lookup(table_map, key)
#define bpf_map_update_elem(table, key, value, flags) \
	table_map->ops->update(table_map, key, value, flags)
#define bpf_map_delete_elem(table, key) \
	table_map->ops->remove(table_map, key)
#define bpf_map_push_elem(table, value, flags) \
	table_map->ops->push(table_map, value, flags)
#define bpf_map_pop_elem(table, value) table_map->ops->pop(table_map, value)
#define BPF_ANY EBPF_ANY
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#include "bench/programs/maps.bpf.c"

static const struct {
	const char *name;
	int (*fn)(struct bench_native *ctx);
} programs[] = {
	{ "none", bench_none },
	{ "lookup", bench_lookup },
	{ "update", bench_update },
	{ "churn", bench_churn },
	{ "mixed", bench_mixed },
	{ "push_pop", bench_push_pop },
	{ "match_none", bench_match_none },
	{ "match", bench_match },
	{ "near_none", bench_near_none },
	{ "near", bench_near },
	{ "route_none", bench_route_none },
	{ "route", bench_route },
	{ "stray_none", bench_stray_none },
	{ "stray", bench_stray },
};

bool
bench_maps_native_open(struct bench_maps_native *native, const char *name,
		       struct ebpf_map *map, uint32_t bits)
{
	struct bench_keys keys = { .state = 0, .shift = 64 - bits };

	memset(native, 0, sizeof(*native));
	native->map = map;
	memcpy(native->packet, &keys, sizeof(keys));
	native->ctx.data = native->packet;
	native->ctx.data_end = native->packet + sizeof(native->packet);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(programs[i].name, name) == 0)
			native->fn = programs[i].fn;
	return native->fn != NULL;
}

double
bench_maps_native_run(void *cookie, uint64_t repeat)
{
	struct bench_maps_native *native = cookie;
	struct ebpf_section section;
	double start;

	table_map = native->map;
	start = bench_cpu_ns();
	/* a section each, as a program has */
	while (repeat-- > 0) {
		ebpf_section_enter(&section);
		native->fn(&native->ctx);
		ebpf_section_leave(&section);
	}
	return bench_cpu_ns() - start;
}
