/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What tests that load programs share, see prog_lab.h. */
#include "prog_lab.h"

#include <stdlib.h>

#include "tap.h"

struct ebpf_runtime *progs_rt;
char progs_words[8192];
struct ebpf_load_stats progs_stats;

void
progs_begin(void)
{
	if (ebpf_runtime_create(NULL, &progs_rt) != 0)
		abort();
}

int
progs_end(void)
{
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(progs_rt, EBPF_OBJ_PROG) == 0 &&
		  ebpf_object_count(progs_rt, EBPF_OBJ_MAP) == 0 &&
		  ebpf_object_count(progs_rt, EBPF_OBJ_BTF) == 0);
	TAP_CHECK(os_load(&progs_rt->mem_used) == 0);
	ebpf_runtime_destroy(progs_rt);
	TAP_CHECK(os_test_live() == 0);
	return tap_done();
}

int
progs_load(struct ebpf_load *load, const struct ebpf_insn *insns,
	  uint32_t count, struct ebpf_prog **prog)
{
	load->size = sizeof(*load);
	load->insns = insns;
	load->insn_count = count;
	load->log = progs_words;
	load->log_size = sizeof(progs_words);
	load->stats = &progs_stats;
	return ebpf_prog_load(progs_rt, load, prog);
}

struct ebpf_prog *
progs_must_load(uint32_t kind, uint32_t engine, const struct ebpf_insn *insns,
	  uint32_t count)
{
	struct ebpf_load load = { .kind = kind, .engine = engine };
	struct ebpf_prog *prog;
	int error = progs_load(&load, insns, count, &prog);

	if (error) {
		tap_diag("%s: %s", ebpf_error_name(error), progs_words);
		abort();
	}
	return prog;
}

struct ebpf_map *
progs_array(uint32_t value_size, uint32_t entries, uint32_t flags)
{
	struct ebpf_map_spec spec = { .size = sizeof(spec),
				      .kind = EBPF_MAP_ARRAY,
				      .key_size = 4,
				      .value_size = value_size,
				      .max_entries = entries,
				      .flags = flags };
	struct ebpf_map *map;

	if (ebpf_map_create(progs_rt, &spec, &map) != 0)
		abort();
	return map;
}
