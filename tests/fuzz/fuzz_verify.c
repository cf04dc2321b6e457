/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Fuzzer: bytes as a program through decode, verify and load; what is accepted
 * is run by the interpreter on memory that a sanitizer guards. The first bytes
 * choose kind, memory size and data. Time is bounded by a small budget.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/test_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	HEAD = 4,
	INSNS_MAX = 512,
	FRAME = 64,
};

static struct ebpf_runtime *rt;
static struct ebpf_map *maps[3];

static bool
set_up(void)
{
	static const uint32_t kinds[] = {EBPF_MAP_ARRAY, EBPF_MAP_HASH,
					 EBPF_MAP_PROG_ARRAY};
	struct ebpf_runtime_config config = {.size = sizeof(config),
					     .no_jit = 1,
					     .insns_processed_max = 20000};
	size_t i;

	if (ebpf_runtime_create(&config, &rt))
		return false;
	for (i = 0; i < 3; i++) {
		struct ebpf_map_spec spec = {
			.size = sizeof(spec),
			.kind = kinds[i],
			.key_size = 4,
			.value_size = i == 2 ? 4 : 64,
			.max_entries = 4,
			.name = "m",
		};

		if (ebpf_map_create(rt, &spec, &maps[i]))
			return false;
	}
	return true;
}

/* On memory of exactly its size, so that one byte too far is seen. */
static void
run(struct ebpf_prog *prog, uint8_t fill)
{
	struct ebpf_test_run request = {.repeat = 1};
	uint8_t *mem;

	if (prog->kind->entry == EBPF_ENTRY_MEM) {
		size_t len = prog->mem_size ? prog->mem_size : fill & 63;

		mem = malloc(len ? len : 1);
		memset(mem, fill, len);
		ebpf_prog_run_mem(prog, mem, len);
		free(mem);
		return;
	}
	request.data_len = request.data_room = FRAME;
	request.data = malloc(FRAME);
	memset(request.data, fill, FRAME);
	ebpf_test_run(prog, &request);
	free(request.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t kinds[] = {EBPF_PROG_RAW, EBPF_PROG_XDP,
					 EBPF_PROG_VALE, EBPF_PROG_VALE_BUF,
					 EBPF_PROG_SOCKET, EBPF_PROG_TC};
	static char log[4096];
	struct ebpf_load load = {
		.size = sizeof(load),
		.engine = EBPF_LOAD_INTERP,
		.map_count = 3,
		.maps = maps,
		.log = log,
		.log_size = sizeof(log),
	};
	struct ebpf_insn *insns;
	struct ebpf_prog *prog;

	if (!rt && !set_up())
		abort();
	if (size < HEAD + sizeof(*insns))
		return 0;
	load.kind = kinds[data[0] % 6];
	load.mem_size = load.kind == EBPF_PROG_RAW ? data[1] & 127 : 0;
	load.log_level = data[2] % 3;
	load.insn_count = (uint32_t)((size - HEAD) / sizeof(*insns));
	if (load.insn_count > INSNS_MAX)
		load.insn_count = INSNS_MAX;
	insns = malloc(load.insn_count * sizeof(*insns));
	memcpy(insns, data + HEAD, load.insn_count * sizeof(*insns));
	load.insns = insns;
	if (ebpf_prog_load(rt, &load, &prog) == 0) {
		run(prog, data[3]);
		run(prog, 0);
		ebpf_prog_put(prog);
	}
	free(insns);
	return 0;
}
