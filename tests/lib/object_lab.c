/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What tests of objects share, see object_lab.h. */
#include "object_lab.h"

#include <stdlib.h>

struct ebpf_runtime *
lab_new_runtime(uint64_t mem_max)
{
	struct ebpf_runtime_config config = { .size = sizeof(config),
					      .trace_slots = 16,
					      .mem_max = mem_max };
	struct ebpf_runtime *rt;

	if (ebpf_runtime_create(&config, &rt) != 0)
		abort();
	return rt;
}

int
lab_try_map(struct ebpf_runtime *rt, const char *name, uint32_t entries,
	struct ebpf_map **map)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = EBPF_MAP_ARRAY, .key_size = 4,
		.value_size = 8, .max_entries = entries, .name = name,
	};

	return ebpf_map_create(rt, &spec, map);
}

struct ebpf_map *
lab_new_map(struct ebpf_runtime *rt, const char *name)
{
	struct ebpf_map *map;

	if (lab_try_map(rt, name, 1, &map) != 0)
		abort();
	return map;
}

struct ebpf_prog *
lab_new_prog(struct ebpf_runtime *rt, uint32_t kind)
{
	/* r0 = 7; exit */
	static const struct ebpf_insn insns[] = { { 0xb7, 0, 0, 7 },
						  { 0x95, 0, 0, 0 } };
	struct ebpf_load load = { .size = sizeof(load), .kind = kind,
				  .insns = insns, .insn_count = 2 };
	struct ebpf_prog *prog;

	if (ebpf_prog_load(rt, &load, &prog) != 0)
		abort();
	return prog;
}
