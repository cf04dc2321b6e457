/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What maps of maps know of their inner maps: the template that all of them
 * equal, and how an id becomes a reference to one. For map_in_map.c, map_hash.c
 * and map.c.
 */
#ifndef CORE_MAP_INNER_H
#define CORE_MAP_INNER_H

#include "core/map.h"

/*
 * outer->inner from the map given as template: EINVAL for none and for maps of
 * maps, EUNSUPPORTED for kinds whose use is settled only while they are used.
 */
int ebpf_map_inner_check(const struct ebpf_map *given);
int ebpf_map_inner_init(struct ebpf_map *outer, const struct ebpf_map *given);
void ebpf_map_inner_fini(struct ebpf_map *outer);

/*
 * The map with the id at value, with a reference, if it may be an element of
 * outer; else NULL. ENOENT, EINVAL. Sleeps.
 */
int ebpf_map_inner_get(struct ebpf_map *outer, const void *value,
		       struct ebpf_map **inner);

#endif
