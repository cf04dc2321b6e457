/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See jit_lookup.h. */
#include "core/jit/jit_lookup.h"

#include "core/helper.h"

enum {
	WINDOW = 8, /* slots between a map's load and the call */
};

static bool
is_hash(const struct ebpf_map_ops *ops)
{
	return ops == &ebpf_map_hash_ops || ops == &ebpf_map_percpu_hash_ops ||
	       ops == &ebpf_map_lru_hash_ops ||
	       ops == &ebpf_map_lru_percpu_hash_ops ||
	       ops == &ebpf_map_hash_of_maps_ops;
}

bool
ebpf_jit_hash(const struct ebpf_map *map, struct ebpf_jit_hash *hash)
{
	const struct ebpf_map_ops *ops = map->ops;

	if (!is_hash(ops))
		return false;
	memset(hash, 0, sizeof(*hash));
	hash->table = (const struct ebpf_map_hash *)map;
	switch (map->key_size) {
	case 4:
	case 6: /* MAC addresses */
	case 8:
	case 12:
	case 16:
		break;
	default:
		return false;
	}
	hash->lru = hash->table->used != NULL;
	if (ops->holds_maps)
		hash->given = EBPF_JIT_INNER;
	if (hash->table->percpu == NULL)
		return true;
	hash->given = EBPF_JIT_CPU_VALUE;
	return os_percpu_plan(hash->table->percpu, &hash->plan) &&
	       hash->plan.distance <= 0x7fffffff;
}

const struct ebpf_map *
ebpf_jit_lookup_map(const struct ebpf_prog *prog,
		    const struct ebpf_jit_scan *scan,
		    const struct ebpf_jit_func *func, uint32_t slot)
{
	const struct ebpf_op *op = &prog->ops[slot];
	const struct ebpf_helper *helper;
	uint32_t low = slot - func->start > WINDOW ? slot - WINDOW :
						     func->start;

	if (op->code != EBPF_OP_CALL_HELPER)
		return NULL;
	helper = (const struct ebpf_helper *)(intptr_t)op->imm;
	if (helper->number != EBPF_FUNC_map_lookup_elem ||
	    helper->args[0] != EBPF_ARG_MAP)
		return NULL;
	while (slot > low && !ebpf_jit_is_label(scan, slot)) {
		op = &prog->ops[--slot];
		if (ebpf_jit_is_dead(prog, slot))
			continue;
		if (op->code == EBPF_OP_LDDW_MAP && op->dst == 1)
			return (const struct ebpf_map *)(intptr_t)op->imm;
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_ALU_IMM:
		case EBPF_FORM_ALU_REG:
		case EBPF_FORM_ALU_UNARY:
		case EBPF_FORM_ENDIAN:
		case EBPF_FORM_LDX:
		case EBPF_FORM_LDDW:
			if (op->dst == 1)
				return NULL;
			break;
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
		case EBPF_FORM_LDDW_HI:
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

static int
make(struct ebpf_map *map)
{
	const struct ebpf_jit_ops *ops = ebpf_jit_host();
	struct ebpf_map_hash *table = (struct ebpf_map_hash *)map;
	struct ebpf_jit_lookup *lookup, *none = NULL;
	struct ebpf_jit_hash hash;
	uint32_t start, len;
	int err;

	if (!ebpf_jit_hash(map, &hash) || os_load_acquire(&table->code) != NULL)
		return 0;
	lookup = os_alloc(sizeof(*lookup));
	if (lookup == NULL)
		return -EBPF_ENOMEM;
	start = ebpf_jit_start(0);
	len = ops->lookup(&hash, NULL, 0, 0);
	err = os_exec_alloc(&lookup->exec, start + len);
	if (err < 0)
		goto fail;
	len = ops->lookup(&hash, lookup->exec.write + start, len,
			  (uint64_t)(uintptr_t)lookup->exec.run + start);
	err = -EBPF_E2BIG;
	if (len == 0)
		goto fail;
	lookup->code = lookup->exec.run + start;
	err = os_exec_seal(&lookup->exec);
	if (err < 0)
		goto fail;
	err = ebpf_charge(&map->obj, sizeof(*lookup) + len);
	if (err < 0)
		goto fail;
	if (!os_cas(&table->code, &none, lookup)) {
		/* another program was loaded at the same time */
		ebpf_uncharge(&map->obj, sizeof(*lookup) + len);
		ebpf_jit_lookup_free(lookup);
	}
	return 0;
fail:
	ebpf_jit_lookup_free(lookup);
	return err;
}

void
ebpf_jit_lookup_free(struct ebpf_jit_lookup *lookup)
{
	if (lookup == NULL)
		return;
	if (lookup->exec.run != NULL)
		os_exec_free(&lookup->exec);
	os_free(lookup);
}

int
ebpf_jit_lookups_make(const struct ebpf_prog *prog,
		      const struct ebpf_jit_scan *scan)
{
	for (uint32_t f = 0; scan->lookups && f < scan->func_count; f++) {
		const struct ebpf_jit_func *func = &scan->funcs[f];

		for (uint32_t i = func->start; i < func->end; i++) {
			const struct ebpf_map *map = NULL;
			int err = 0;

			if (!ebpf_jit_is_dead(prog, i))
				map = ebpf_jit_lookup_map(prog, scan, func, i);
			if (map != NULL)
				err = make((struct ebpf_map *)(uintptr_t)map);
			if (err < 0)
				return err;
		}
	}
	return 0;
}

const void *
ebpf_jit_lookup_code(const struct ebpf_map *map, bool *own)
{
	const struct ebpf_jit_lookup *lookup = NULL;

	if (is_hash(map->ops))
		lookup = os_load_acquire(
			&((const struct ebpf_map_hash *)map)->code);
	*own = lookup != NULL;
	return lookup != NULL ? lookup->code :
				(const void *)(uintptr_t)map->lookup;
}

static void
call_map(struct ebpf_jit_call *call, const struct ebpf_helper *helper)
{
	const struct ebpf_map *map = call->map;

	switch (helper->number) {
	case EBPF_FUNC_map_lookup_elem:
		call->percpu = map->ops->kind == EBPF_MAP_PERCPU_ARRAY;
		if (map->ops->kind == EBPF_MAP_ARRAY ||
		    (call->percpu &&
		     os_percpu_plan(((const struct ebpf_map_array *)map)->percpu,
				    &call->plan) &&
		     call->plan.distance <= 0x7fffffff)) {
			call->way = EBPF_JIT_ARRAY;
			call->load = false;
			return;
		}
		call->function = ebpf_jit_lookup_code(map, &call->own);
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
	if (call->function != NULL)
		call->way = EBPF_JIT_MAP;
}

void
ebpf_jit_call(const struct ebpf_jit_gen *gen, const struct ebpf_helper *helper,
	      struct ebpf_jit_call *call)
{
	memset(call, 0, sizeof(*call));
	call->map = ebpf_jit_lookup_map(gen->prog, gen->scan, gen->func,
					gen->slot);
	call->load = call->map != NULL; /* r1 was left out */
	if (call->map == NULL)
		call->map = gen->known[1].map;
	if (call->map != NULL && helper->args[0] == EBPF_ARG_MAP)
		call_map(call, helper);
	else if (helper->fn == ebpf_helper_get_numa_node_id)
		call->way = EBPF_JIT_ZERO;
	else if (helper->fn == ebpf_helper_get_smp_processor_id &&
		 os_percpu_plan(NULL, &call->plan))
		call->way = EBPF_JIT_CPU;
}
