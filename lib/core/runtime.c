/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A runtime's beginning and end. Destroying takes away what keeps objects
 * alive in order: hooks and pins, then whatever handles the embedder forgot.
 */
#include "core/runtime.h"

#include "core/helper.h"
#include "core/link.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/tracelog.h"

int
ebpf_sized_copy(void *to, uint32_t to_size, const void *from)
{
	const uint8_t *bytes = from;
	uint32_t size, i;

	memcpy(&size, from, sizeof(size));
	if (size < sizeof(size))
		return -EBPF_EINVAL;
	for (i = to_size; i < size; i++)
		if (bytes[i] != 0)
			return -EBPF_EINVAL;
	memset(to, 0, to_size);
	memcpy(to, from, size < to_size ? size : to_size);
	return 0;
}

static int
config_fill(struct ebpf_runtime_config *config,
	    const struct ebpf_runtime_config *given)
{
	int error;

	if (given) {
		error = ebpf_sized_copy(config, sizeof(*config), given);
		if (error)
			return error;
	}
	config->size = sizeof(*config);
	if (config->no_jit > 1 || config->no_interp > 1 ||
	    config->tail_nest_max > EBPF_TAIL_CALL_MAX ||
	    (config->harden & ~(uint32_t)EBPF_HARDEN_ALL) ||
	    (config->no_jit && (config->no_interp || config->harden)))
		return -EBPF_EINVAL;
	if (!config->trace_slots)
		config->trace_slots = 4096;
	if (!config->insns_processed_max)
		config->insns_processed_max = 1000000;
	if (!config->tail_nest_max)
		config->tail_nest_max = EBPF_TAIL_CALL_MAX;
	if (!config->verify_time_ms)
		config->verify_time_ms = 1000;
	if (!config->verify_mem_max)
		config->verify_mem_max = 64 << 20;
	return 0;
}

int
ebpf_runtime_create(const struct ebpf_runtime_config *config,
		    struct ebpf_runtime **runtime)
{
	struct ebpf_runtime *rt;
	int error;

	*runtime = NULL;
	rt = os_alloc(sizeof(*rt));
	if (!rt)
		return -EBPF_ENOMEM;
	error = config_fill(&rt->config, config);
	if (error)
		goto no_config;
	rt->tail_nest_extra = (EBPF_TAIL_CALL_MAX - 1) / rt->config.tail_nest_max;
	error = -EBPF_ENOMEM;
	rt->tracelog = ebpf_tracelog_create(rt->config.trace_slots);
	if (!rt->tracelog)
		goto no_config;
	rt->redirect = os_percpu_alloc(sizeof(struct ebpf_redirect));
	if (!rt->redirect)
		goto no_redirect;
	os_mutex_init(&rt->lock);
	ebpf_helpers_builtin(rt);
	ebpf_kinds_builtin(rt);
	*runtime = rt;
	return 0;

no_redirect:
	ebpf_tracelog_destroy(rt->tracelog);
no_config:
	os_free(rt);
	return error;
}

/* Empty maps that hold objects: then nothing holds each other in a ring. */
static void
empty_maps(struct ebpf_runtime *rt)
{
	struct ebpf_object *obj;
	uint32_t id = 0;

	while ((obj = ebpf_object_next(rt, EBPF_OBJ_MAP, id)) != NULL) {
		id = obj->id;
		ebpf_collect_clear(os_container(obj, struct ebpf_map, obj));
		ebpf_object_put(obj);
	}
}

/*
 * What is left has handles that its owner never put back. Users of other
 * objects come first, so that references between them go as usual.
 */
static void
force_out(struct ebpf_runtime *rt)
{
	static const uint8_t order[] = { EBPF_OBJ_LINK, EBPF_OBJ_PROG,
					 EBPF_OBJ_MAP, EBPF_OBJ_BTF };
	struct ebpf_registry *registry;
	uint32_t i;

	for (i = 0; i < sizeof(order); i++) {
		registry = &rt->registry[order[i]];
		while (registry->count > 0) {
			ebpf_object_discard(
				registry->objects[registry->count - 1]);
			os_epoch_drain();
		}
	}
}

void
ebpf_runtime_destroy(struct ebpf_runtime *rt)
{
	uint32_t i;

	if (!rt)
		return;
	for (i = 1; i < EBPF_HOOK_SLOTS; i++)
		ebpf_hook_unregister(rt, i);
	while (rt->pin_count > 0)
		ebpf_pin_remove(rt, rt->pins[rt->pin_count - 1].name);
	empty_maps(rt);
	os_epoch_drain();
	force_out(rt);

	for (i = 0; i < sizeof(rt->registry) / sizeof(rt->registry[0]); i++)
		os_free(rt->registry[i].objects);
	os_free(rt->pins);
	os_mutex_destroy(&rt->lock);
	os_percpu_free(rt->redirect);
	ebpf_tracelog_destroy(rt->tracelog);
	os_free(rt);
}

_Static_assert(sizeof(struct os_epoch) <= sizeof(struct ebpf_section),
	       "a home's tracker fits");

void
ebpf_section_enter(struct ebpf_section *section)
{
	os_cpu_pin();
	os_epoch_enter((struct os_epoch *)section->opaque);
}

void
ebpf_section_leave(struct ebpf_section *section)
{
	os_epoch_exit((struct os_epoch *)section->opaque);
	os_cpu_unpin();
}
