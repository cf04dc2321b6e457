/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The table of helpers, made from helper.def, its registration, and the helpers
 * that need neither packet nor text: maps, time, numbers. Those of packets are
 * in helper_packet.c and helper_redirect.c, those that write records in
 * helper_ring.c, trace_printk in helper_trace.c.
 */
#include "core/helper.h"

#include "core/map_lock.h"
#include "core/runtime.h"

static const struct ebpf_helper builtin[] = {
#define EBPF_HELPER(num, nm, r, a1, a2, a3, a4, a5, kn, fl)                  \
	{                                                                    \
		.fn = ebpf_helper_##nm,                                      \
		.name = #nm,                                                 \
		.number = num,                                               \
		.kinds = EBPF_KINDS_##kn,                                    \
		.flags = fl,                                                 \
		.ret = EBPF_RET_##r,                                         \
		.args = { EBPF_ARG_##a1, EBPF_ARG_##a2, EBPF_ARG_##a3,       \
			  EBPF_ARG_##a4, EBPF_ARG_##a5 },                    \
	},
#include "abi/helper.def"
};

void
ebpf_helpers_builtin(struct ebpf_runtime *rt)
{
	uint32_t i;

	for (i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		rt->helpers[builtin[i].number] = &builtin[i];
}

/* Readers take no lock: a slot is written once, with a whole helper. */
const struct ebpf_helper *
ebpf_helper_find(const struct ebpf_runtime *rt, uint32_t number)
{
	const struct ebpf_helper *helper;
	uint32_t i;

	if (number < EBPF_HELPER_SLOTS)
		return os_load_acquire(&rt->helpers[number]);
	for (i = 0; i < EBPF_HELPER_EXTRA; i++) {
		helper = os_load_acquire(&rt->helpers_extra[i]);
		if (!helper)
			break;
		if (helper->number == number)
			return helper;
	}
	return NULL;
}

const char *
ebpf_helper_name(const struct ebpf_runtime *rt, uint32_t number)
{
	const struct ebpf_helper *helper = ebpf_helper_find(rt, number);

	if (helper)
		return helper->name;
	switch (number) {
#define EBPF_HELPER_NAME(number, name) \
	case number:                   \
		return #name;
#include "abi/helper.def"
	}
	return NULL;
}

static bool
is_mem(uint8_t arg)
{
	return arg == EBPF_ARG_MEM || arg == EBPF_ARG_MEM_OR_NULL ||
	       arg == EBPF_ARG_MEM_OUT;
}

static bool
is_size(uint8_t arg)
{
	return arg == EBPF_ARG_SIZE || arg == EBPF_ARG_SIZE_OR_ZERO;
}

/*
 * A prototype of an embedder's must say only what the verifier proves: no gaps,
 * sizes right behind their memory, no argument that may be unset, which needs a
 * form of the helper for each count (ebpf_trace_printk_set), and nothing that
 * the engine's own helpers agree on among themselves: records, locks, callbacks.
 */
static bool
helper_is_sound(const struct ebpf_helper *helper)
{
	const uint8_t *args = helper->args;
	uint32_t i;

	if (!helper->fn || !helper->name || !helper->name[0] ||
	    helper->number == 0 || helper->number >= 65536 ||
	    helper->ret > EBPF_RET_MAP_VALUE_OR_NULL ||
	    (helper->flags &
	     ~(EBPF_HELPER_PKT | EBPF_HELPER_GPL | EBPF_HELPER_ENV)))
		return false;
	for (i = 0; i < 5; i++)
		if (args[i] > EBPF_ARG_STR_CONST ||
		    is_size(args[i]) != (i > 0 && is_mem(args[i - 1])) ||
		    (args[i] != EBPF_ARG_NONE && i > 0 &&
		     args[i - 1] == EBPF_ARG_NONE))
			return false;
	if (is_mem(args[4]))
		return false;
	return true;
}

int
ebpf_helper_register(struct ebpf_runtime *rt, const struct ebpf_helper *helper)
{
	const struct ebpf_helper **slot = NULL;
	int error = 0;
	uint32_t i;

	if (!helper_is_sound(helper))
		return -EBPF_EINVAL;
	os_mutex_lock(&rt->lock);
	if (ebpf_helper_find(rt, helper->number)) {
		error = -EBPF_EEXIST;
		goto out;
	}
	if (helper->number < EBPF_HELPER_SLOTS) {
		slot = &rt->helpers[helper->number];
	} else {
		for (i = 0; i < EBPF_HELPER_EXTRA && !slot; i++)
			if (!rt->helpers_extra[i])
				slot = &rt->helpers_extra[i];
	}
	if (slot)
		os_store_release(slot, helper);
	else
		error = -EBPF_ELIMIT;
out:
	os_mutex_unlock(&rt->lock);
	return error;
}

/* ---- maps ---- */

static struct ebpf_map *
to_map(uint64_t r)
{
	return (struct ebpf_map *)(uintptr_t)r;
}

static uint64_t
result(int error)
{
	return (uint64_t)(int64_t)error;
}

uint64_t
ebpf_helper_map_lookup_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_map *map = to_map(r1);

	if (!map->lookup)
		return 0;
	return (uintptr_t)map->lookup(map, (const void *)(uintptr_t)r2);
}

/* The CPU is an unsigned int. */
uint64_t
ebpf_helper_map_lookup_percpu_elem(uint64_t r1, uint64_t r2, uint64_t r3,
				   uint64_t r4, uint64_t r5,
				   const struct ebpf_prog *prog)
{
	struct ebpf_map *map = to_map(r1);
	uint32_t cpu = (uint32_t)r3;

	if (!map->ops->lookup_cpu || cpu >= os_cpu_count())
		return 0;
	cpu = ebpf_index_within(cpu, os_cpu_count());
	return (uintptr_t)map->ops->lookup_cpu(map, (const void *)(uintptr_t)r2,
					       cpu);
}

uint64_t
ebpf_helper_map_update_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_map *map = to_map(r1);

	if (!map->ops->update)
		return result(-EBPF_EUNSUPPORTED);
	return result(map->ops->update(map, (const void *)(uintptr_t)r2,
				       (const void *)(uintptr_t)r3, r4));
}

uint64_t
ebpf_helper_map_delete_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_map *map = to_map(r1);

	if (!map->ops->remove)
		return result(-EBPF_EUNSUPPORTED);
	return result(map->ops->remove(map, (const void *)(uintptr_t)r2));
}

uint64_t
ebpf_helper_map_push_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			  uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_map *map = to_map(r1);

	if (!map->ops->push)
		return result(-EBPF_EUNSUPPORTED);
	return result(map->ops->push(map, (const void *)(uintptr_t)r2, r3));
}

uint64_t
ebpf_helper_map_pop_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			 uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_map *map = to_map(r1);

	if (!map->ops->pop)
		return result(-EBPF_EUNSUPPORTED);
	return result(map->ops->pop(map, (void *)(uintptr_t)r2));
}

uint64_t
ebpf_helper_map_peek_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			  uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_map *map = to_map(r1);

	if (!map->ops->peek)
		return result(-EBPF_EUNSUPPORTED);
	return result(map->ops->peek(map, (void *)(uintptr_t)r2));
}

/* Engines recognise tail calls and never come here (EBPF_HELPER_TAIL). */
uint64_t
ebpf_helper_tail_call(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		      uint64_t r5, const struct ebpf_prog *prog)
{
	return result(-EBPF_EINVAL);
}

uint64_t
ebpf_helper_spin_lock(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		      uint64_t r5, const struct ebpf_prog *prog)
{
	ebpf_lock_take((uint32_t *)(uintptr_t)r1);
	return 0;
}

uint64_t
ebpf_helper_spin_unlock(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			uint64_t r5, const struct ebpf_prog *prog)
{
	ebpf_lock_give((uint32_t *)(uintptr_t)r1);
	return 0;
}

/* ---- time and numbers ---- */

uint64_t
ebpf_helper_ktime_get_ns(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			 uint64_t r5, const struct ebpf_prog *prog)
{
	return os_time_ns();
}

uint64_t
ebpf_helper_ktime_get_boot_ns(uint64_t r1, uint64_t r2, uint64_t r3,
			      uint64_t r4, uint64_t r5,
			      const struct ebpf_prog *prog)
{
	return os_boot_time_ns();
}

/* Linux's too is Unix time until somebody tells it of leap seconds. */
uint64_t
ebpf_helper_ktime_get_tai_ns(uint64_t r1, uint64_t r2, uint64_t r3,
			     uint64_t r4, uint64_t r5,
			     const struct ebpf_prog *prog)
{
	return os_wall_time_ns();
}

/* Coarse means cheap, not late: the exact time is a coarse one too. */
uint64_t
ebpf_helper_ktime_get_coarse_ns(uint64_t r1, uint64_t r2, uint64_t r3,
				uint64_t r4, uint64_t r5,
				const struct ebpf_prog *prog)
{
	return os_time_ns();
}

/* 250 a second, the most usual rate among Linux kernels. */
uint64_t
ebpf_helper_jiffies64(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		      uint64_t r5, const struct ebpf_prog *prog)
{
	return os_time_ns() / (1000000000u / 250);
}

uint64_t
ebpf_helper_get_prandom_u32(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	return os_random_u32();
}

uint64_t
ebpf_helper_get_smp_processor_id(uint64_t r1, uint64_t r2, uint64_t r3,
				 uint64_t r4, uint64_t r5,
				 const struct ebpf_prog *prog)
{
	return os_cpu_id();
}

/* Memory is not spread over nodes here, or nobody need know. */
uint64_t
ebpf_helper_get_numa_node_id(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			     uint64_t r5, const struct ebpf_prog *prog)
{
	return 0;
}

/*
 * r1[r2] is any memory, which others may be changing: each byte is read once,
 * and it is the constant string in r3 whose end counts.
 */
uint64_t
ebpf_helper_strncmp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		    uint64_t r5, const struct ebpf_prog *prog)
{
	const uint8_t *a = (const uint8_t *)(uintptr_t)r1;
	const uint8_t *b = (const uint8_t *)(uintptr_t)r3;
	uint32_t i, len = (uint32_t)r2;

	for (i = 0; i < len; i++) {
		uint8_t byte = os_load(&a[i]);

		if (byte != b[i])
			return result(byte < b[i] ? -1 : 1);
		if (b[i] == '\0')
			break;
	}
	return 0;
}
