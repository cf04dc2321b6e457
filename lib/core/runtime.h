/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The runtime's own state: registry, pins, helper and kind tables, limits,
 * trace log. Internal to core, and read by the device's handlers; everybody
 * else has ebpf.h.
 */
#ifndef CORE_RUNTIME_H
#define CORE_RUNTIME_H

#include "core/hook.h"
#include "core/object.h"

struct ebpf_tracelog; /* tracelog.c */

enum {
	EBPF_HELPER_SLOTS = 512,  /* numbers found without search */
	EBPF_HELPER_EXTRA = 64,	  /* registered helpers above those */
	EBPF_KIND_SLOTS = 32,
};

struct ebpf_pin {
	struct ebpf_object *obj; /* with a reference */
	char *name;
};

struct ebpf_registry {
	struct ebpf_object **objects; /* ascending by id */
	uint32_t count, room;
	uint32_t reserved; /* places and ids that ebpf_object_reserve() took */
	uint32_t last_id;
};

struct ebpf_runtime {
	struct ebpf_runtime_config config; /* defaults filled in */
	uint32_t stats_on;		   /* atomic */
	uint32_t tail_nest_extra; /* what one from a subprogram counts more */
	const struct ebpf_helper *helpers[EBPF_HELPER_SLOTS];
	const struct ebpf_helper *helpers_extra[EBPF_HELPER_EXTRA];
	const struct ebpf_kind *kinds[EBPF_KIND_SLOTS]; /* by bit number */
	struct ebpf_hook hooks[EBPF_HOOK_SLOTS];
	struct os_mutex lock; /* registry, pins, helper and kind tables */
	struct ebpf_registry registry[EBPF_OBJ_BTF + 1];
	struct ebpf_pin *pins; /* ascending by name */
	uint32_t pin_count, pin_room;
	uint64_t mem_used; /* atomic, bytes */
	struct ebpf_tracelog *tracelog;
	void *redirect; /* os_percpu: struct ebpf_redirect (helper.h) */
	uint32_t collect_pending; /* atomic: collect_work is on its way */
	struct os_deferred collect_work;
};

/*
 * A struct that begins with its own size, as the caller knows it, becomes one
 * as this version knows it: missing bytes are zero; EINVAL when bytes that are
 * not known here are not.
 */
int ebpf_sized_copy(void *to, uint32_t to_size, const void *from);

/* The object and a new reference, unless it is on its way out. */
bool ebpf_object_try_get(struct ebpf_object *obj);

/* Release program arrays that only programs reachable from them hold. any */
void ebpf_collect_later(struct ebpf_runtime *rt);
/* Empty a map whose values are objects. sleep */
void ebpf_collect_clear(struct ebpf_map *map);

/* What a new runtime knows: helper.c, kinds.c. */
void ebpf_helpers_builtin(struct ebpf_runtime *rt);
void ebpf_kinds_builtin(struct ebpf_runtime *rt);

/* NULL when there is none. */
const struct ebpf_helper *ebpf_helper_find(const struct ebpf_runtime *rt,
					   uint32_t number);
const struct ebpf_kind *ebpf_kind_find(const struct ebpf_runtime *rt,
				       uint32_t number);
/* Name of a helper known here or only to Linux; NULL for neither. */
const char *ebpf_helper_name(const struct ebpf_runtime *rt, uint32_t number);

#endif
