/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See jit_lookup.h. */
#include "core/jit/jit_lookup.h"

#include "core/jit/jit_way.h"

static bool
is_hash(const struct ebpf_map_ops *ops)
{
	return ops == &ebpf_map_hash_ops || ops == &ebpf_map_percpu_hash_ops ||
	       ops == &ebpf_map_lru_hash_ops ||
	       ops == &ebpf_map_lru_percpu_hash_ops ||
	       ops == &ebpf_map_hash_of_maps_ops;
}

static bool
plan_hash(const struct ebpf_map *map, struct ebpf_jit_hash *hash)
{
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
	hash->table = (const struct ebpf_map_hash *)map;
	if (hash->table->bucket_bits > 0xffffffff)
		return false;
	hash->chunks = hash->table->metas.chunks;
	if (hash->chunks != NULL &&
	    (map->ops->percpu || !ebpf_chunks_flat(hash->chunks)))
		return false;
	hash->lru = hash->table->used != NULL;
	if (map->ops->holds_maps)
		hash->given = EBPF_JIT_INNER;
	if (hash->table->percpu == NULL)
		return true;
	hash->given = EBPF_JIT_CPU_VALUE;
	return os_percpu_plan(hash->table->percpu, &hash->plan) &&
	       hash->plan.distance <= 0x7fffffff;
}

/* Whole bytes and words, and all that is known by number in easy reach. */
static bool
plan_lpm(const struct ebpf_map_lpm *lpm)
{
	return (lpm->data_bits == 32 || lpm->data_bits >= 64) &&
	       lpm->value_off <= 0x7fffffff &&
	       ebpf_chunks_flat(&lpm->elements) &&
	       ebpf_chunks_flat(&lpm->nodes);
}

bool
ebpf_jit_plan(const struct ebpf_map *map, struct ebpf_jit_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->map = map;
	if (is_hash(map->ops)) {
		plan->shape = EBPF_JIT_HASH;
		return plan_hash(map, &plan->hash);
	}
	if (map->ops == &ebpf_map_lpm_trie_ops) {
		plan->shape = EBPF_JIT_LPM;
		plan->lpm = (const struct ebpf_map_lpm *)map;
		return plan_lpm(plan->lpm);
	}
	return false;
}

static int
make(struct ebpf_map *map)
{
	const struct ebpf_jit_ops *ops = ebpf_jit_host();
	struct ebpf_jit_lookup *lookup, *none = NULL;
	struct ebpf_jit_plan plan;
	uint32_t start, most, len, kept = 0;
	uint64_t bytes;
	int err;

	if (os_load_acquire(&map->code) != NULL || !ebpf_jit_plan(map, &plan))
		return 0;
	lookup = os_alloc(sizeof(*lookup));
	if (lookup == NULL)
		return -EBPF_ENOMEM;
	start = ebpf_jit_start(0);
	most = ops->lookup(&plan, NULL, 0, 0, &kept);
	err = os_exec_alloc(&lookup->exec, start + most);
	if (err < 0)
		goto fail;
	len = ops->lookup(&plan, lookup->exec.write + start, most,
			  (uint64_t)(uintptr_t)lookup->exec.run + start, &kept);
	err = -EBPF_E2BIG;
	if (len == 0)
		goto fail;
	/* the last instruction was stored with bytes behind it */
	ebpf_jit_fill(lookup->exec.write + start, len, most);
	lookup->code = lookup->exec.run + start;
	if (kept != 0)
		lookup->kept = lookup->code + kept;
	err = os_exec_seal(&lookup->exec);
	if (err < 0)
		goto fail;
	bytes = sizeof(*lookup) + lookup->exec.size;
	err = ebpf_charge(&map->obj, bytes);
	if (err < 0)
		goto fail;
	if (!os_cas(&map->code, &none, lookup)) {
		/* another program was loaded at the same time */
		ebpf_uncharge(&map->obj, bytes);
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
ebpf_jit_lookups_make(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan)
{
	for (uint32_t f = 0; scan->lookups && f < scan->func_count; f++) {
		const struct ebpf_jit_func *func = &scan->funcs[f];

		for (uint32_t i = func->start; i < func->end; i++) {
			const struct ebpf_jit_lookup *lookup;
			const struct ebpf_map *map;
			int err;

			if (prog->ops[i].code != EBPF_OP_CALL_HELPER ||
			    ebpf_jit_is_dead(scan, i))
				continue;
			map = ebpf_jit_lookup_map(prog, scan, func, i);
			if (map == NULL)
				continue;
			err = make((struct ebpf_map *)(uintptr_t)map);
			if (err < 0)
				return err;
			lookup = os_load_acquire(&map->code);
			if (lookup != NULL && lookup->kept != NULL)
				ebpf_jit_key(prog, scan, func, i,
					     map->key_size);
		}
	}
	return 0;
}

const void *
ebpf_jit_lookup_code(const struct ebpf_map *map, bool kept, bool *own)
{
	const struct ebpf_jit_lookup *lookup = os_load_acquire(&map->code);

	*own = lookup != NULL;
	if (lookup == NULL)
		return (const void *)(uintptr_t)map->lookup;
	return kept ? lookup->kept : lookup->code;
}
