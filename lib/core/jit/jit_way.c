/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See jit_way.h. */
#include "core/jit/jit_way.h"

#include "core/helper.h"
#include "core/jit/jit_lookup.h"

enum {
	WINDOW = 8, /* slots between a map's load and the call */
};

const struct ebpf_map *
ebpf_jit_lookup_map(const struct ebpf_prog *prog,
		    const struct ebpf_jit_scan *scan,
		    const struct ebpf_jit_func *func, uint32_t slot)
{
	const struct ebpf_op *op = &prog->ops[slot];
	const struct ebpf_helper *helper;
	uint32_t low = slot - func->start > WINDOW ? slot - WINDOW :
						     func->start;
	uint32_t facts;

	if (op->code != EBPF_OP_CALL_HELPER)
		return NULL;
	helper = (const struct ebpf_helper *)(intptr_t)op->imm;
	if (helper->number != EBPF_FUNC_map_lookup_elem ||
	    helper->args[0] != EBPF_ARG_MAP)
		return NULL;
	while (slot > low && !ebpf_jit_is_label(scan, slot)) {
		op = &prog->ops[--slot];
		if (ebpf_jit_is_dead(scan, slot))
			continue;
		if (op->code == EBPF_OP_LDDW_MAP && op->dst == 1)
			return (const struct ebpf_map *)(intptr_t)op->imm;
		facts = ebpf_jit_facts[op->code];
		if (!(facts & EBPF_JIT_IS_PLAIN) ||
		    ((facts & EBPF_JIT_WRITES_DST) && op->dst == 1))
			return NULL;
	}
	return NULL;
}

/* The jump behind, if it asks for NULL and no other way leads to it. */
static void
null_check(const struct ebpf_jit_gen *gen, struct ebpf_jit_call *call)
{
	uint32_t slot = gen->slot + 1;
	const struct ebpf_op *op = &gen->prog->ops[slot];

	if (slot >= gen->func->end ||
	    !ebpf_jit_is_joined(gen->scan, slot) || op->dst != 0 || op->imm != 0)
		return;
	if (op->code == EBPF_OP_JEQ64_IMM)
		call->check = EBPF_JIT_IF_NULL;
	else if (op->code == EBPF_OP_JNE64_IMM)
		call->check = EBPF_JIT_UNLESS_NULL;
	else
		return;
	call->check_slot = ebpf_jit_target_slot(slot, op);
	call->ops = 2;
}

/* Array and per-CPU array; false: their values are out of reach. */
static bool
lookup_array(const struct ebpf_jit_gen *gen, struct ebpf_jit_call *call)
{
	const struct ebpf_map_array *array =
		(const struct ebpf_map_array *)call->map;

	call->percpu = call->map->ops->kind == EBPF_MAP_PERCPU_ARRAY;
	if (call->percpu && (!os_percpu_plan(array->percpu, &call->plan) ||
			     call->plan.distance > 0x7fffffff))
		return false;
	call->way = EBPF_JIT_ARRAY;
	call->load = false;
	call->masked = array->index_mask == call->map->max_entries - 1;
	null_check(gen, call);
	return true;
}

/* What a map has for it, without the generic door; false: nothing. */
static bool
call_map(const struct ebpf_jit_gen *gen, const struct ebpf_helper *helper,
	 struct ebpf_jit_call *call)
{
	const struct ebpf_map *map = call->map;

	switch (helper->number) {
	case EBPF_FUNC_map_lookup_elem:
		if ((map->ops->kind == EBPF_MAP_ARRAY ||
		     map->ops->kind == EBPF_MAP_PERCPU_ARRAY) &&
		    lookup_array(gen, call))
			return true;
		call->function = ebpf_jit_lookup_code(
			map, gen->scan->slots[gen->slot] & EBPF_JIT_KEY_KEPT,
			&call->own);
		call->load &= !call->own;
		break;
	case EBPF_FUNC_map_update_elem:
		call->function = (const void *)(uintptr_t)map->ops->update;
		call->is_int = true;
		break;
	case EBPF_FUNC_map_delete_elem:
		call->function = (const void *)(uintptr_t)map->ops->remove;
		call->is_int = true;
		break;
	}
	return call->function != NULL;
}

static void
tail_call(const struct ebpf_jit_gen *gen, struct ebpf_jit_call *call)
{
	const struct ebpf_jit_known *index = ebpf_jit_known(gen, 3);
	const struct ebpf_jit_scan *scan = gen->scan;

	call->way = EBPF_JIT_TAIL;
	call->map = ebpf_jit_known(gen, 2)->map;
	call->constant = call->map != NULL && index->constant;
	call->index = (uint32_t)index->number;
	call->cost = gen->func == scan->funcs ? 1 : scan->nest_cost;
	if (call->constant && call->index >= call->map->max_entries)
		call->way = EBPF_JIT_NOTHING;
}

void
ebpf_jit_call(const struct ebpf_jit_gen *gen, const struct ebpf_op *op,
	      struct ebpf_jit_call *call)
{
	const struct ebpf_helper *helper =
		(const struct ebpf_helper *)(intptr_t)op->imm;

	memset(call, 0, sizeof(*call));
	call->ops = 1;
	if (helper->flags & EBPF_HELPER_TAIL) {
		tail_call(gen, call);
		return;
	}
	if (helper->flags & EBPF_HELPER_LOOP) {
		call->way = helper->number == EBPF_FUNC_loop ?
			EBPF_JIT_LOOP_NUMBERS : EBPF_JIT_LOOP_ELEMENTS;
		return;
	}
	call->map = ebpf_jit_lookup_map(gen->prog, gen->scan, gen->func,
					gen->slot);
	call->load = call->map != NULL; /* r1 was left out */
	if (call->map == NULL)
		call->map = ebpf_jit_known(gen, 1)->map;
	call->way = EBPF_JIT_FUNCTION;
	if (call->map != NULL && helper->args[0] == EBPF_ARG_MAP &&
	    call_map(gen, helper, call))
		return;
	if (helper->fn == ebpf_helper_get_numa_node_id)
		call->way = EBPF_JIT_ZERO;
	else if (helper->fn == ebpf_helper_get_smp_processor_id &&
		 os_percpu_plan(NULL, &call->plan))
		call->way = EBPF_JIT_CPU;
	call->function = (const void *)(uintptr_t)helper->fn;
	call->env = helper->flags & EBPF_HELPER_ENV;
}
