/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Maps of redirect targets, for the helper that looks into them. */
#ifndef CORE_MAP_REDIRECT_H
#define CORE_MAP_REDIRECT_H

#include "core/map.h"

/* Is it such a map? devmap, devmap_hash, cpumap, xskmap. */
bool ebpf_redirect_takes(const struct ebpf_map *map);
/* What is there: an interface, a queue's size, a socket's number; 0: nothing. */
uint32_t ebpf_redirect_find(struct ebpf_map *map, uint32_t key);

#endif
