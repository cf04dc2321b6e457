/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the tests of the JIT set up, see jit_lab.h. */
#include "jit_lab.h"

#include <stdlib.h>

#include "core/jit/jit.h"
#include "tap.h"
#include "unverified.h"

struct ebpf_runtime *lab_rt;
struct progen lab_gen;

bool
lab_open(const char *what)
{
	if (ebpf_jit_host() == NULL) {
		tap_skip("no JIT for this machine", "%s", what);
		return false;
	}
	if (ebpf_runtime_create(NULL, &lab_rt) == 0)
		return true;
	tap_ok(false, "runtime");
	return false;
}

int
lab_close(void)
{
	if (lab_rt != NULL)
		ebpf_runtime_destroy(lab_rt);
	return tap_done();
}

void
lab_put(uint8_t code, uint32_t dst, uint32_t src, int16_t off, int32_t imm)
{
	progen_put(&lab_gen, code, dst, src, off, imm);
}

void
lab_put_map(uint32_t reg, uint32_t index)
{
	lab_put(0x18, reg, 1, 0, (int32_t)index);
	lab_put(0, 0, 0, 0, 0);
}

void
lab_put_call(uint32_t helper)
{
	lab_put(0x85, 0, 0, 0, (int32_t)helper);
}

void
lab_put_asks(enum lab_asks asks)
{
	switch (asks) {
	case LAB_NOT:
	case LAB_TWICE:
	case LAB_LOOKUPS:
		break;
	case LAB_IF_NULL:
		lab_put(0x15, 0, 0, 1, 0);
		lab_put(0x07, 0, 0, 0, 1);
		break;
	case LAB_IF_NOT:
		lab_put(0x55, 0, 0, 2, 0);
		lab_put(0xb7, 0, 0, 0, 5);
		lab_put(0x95, 0, 0, 0, 0);
		lab_put(0x07, 0, 0, 0, 1);
		break;
	case LAB_IF_32:
		lab_put(0x16, 0, 0, 1, 0);
		lab_put(0x07, 0, 0, 0, 1);
		break;
	}
}

uint64_t
lab_asked(uint64_t found, enum lab_asks asks)
{
	switch (asks) {
	case LAB_NOT:
	case LAB_LOOKUPS:
		break;
	case LAB_TWICE:
		return found * 2;
	case LAB_IF_NULL:
		return found != 0 ? found + 1 : 0;
	case LAB_IF_NOT:
		return found != 0 ? found + 1 : 5;
	case LAB_IF_32:
		return (uint32_t)found != 0 ? found + 1 : found;
	}
	return found;
}

static void
put_lookup(void)
{
	lab_put(0xbf, 2, 6, 0, 0);
	lab_put(0x07, 2, 0, 0, LAB_KEY_AT);
	lab_put_map(1, 0);
	lab_put_call(EBPF_FUNC_map_lookup_elem);
}

struct ebpf_prog *
lab_lookup_prog(struct ebpf_map *map, enum lab_asks asks)
{
	lab_put(0xbf, 6, 1, 0, 0);
	put_lookup();
	if (asks == LAB_TWICE) {
		lab_put(0xbf, 7, 0, 0, 0);
		put_lookup();
		lab_put(0x0f, 0, 7, 0, 0);
	} else {
		lab_put_asks(asks);
	}
	lab_put(0x95, 0, 0, 0, 0);
	return lab_finish(&map, 1, NULL);
}

bool
lab_lookups(struct ebpf_map *map, struct ebpf_prog *progs[LAB_LOOKUPS])
{
	bool ok = true;

	for (uint32_t asks = LAB_NOT; asks < LAB_LOOKUPS; asks++) {
		progs[asks] = lab_lookup_prog(map, asks);
		ok &= unverified_compile(progs[asks]) == 0;
	}
	return ok;
}

void
lab_lookups_free(struct ebpf_prog *progs[LAB_LOOKUPS])
{
	for (uint32_t asks = LAB_NOT; asks < LAB_LOOKUPS; asks++)
		unverified_free(progs[asks]);
}

struct ebpf_prog *
lab_finish(struct ebpf_map **maps, uint32_t map_count,
	   const struct ebpf_kind *kind)
{
	struct unverified_options options = {
		.rt = lab_rt, .maps = maps, .map_count = map_count,
		.kind = kind,
	};
	struct ebpf_prog *prog;
	char why[128];

	prog = unverified_prog(lab_gen.insns, lab_gen.count, &options, why,
			       sizeof(why));
	lab_gen.count = 0;
	if (prog == NULL) {
		tap_ok(false, "not a program: %s", why);
		exit(tap_done());
	}
	return prog;
}

struct ebpf_map *
lab_map(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = kind, .key_size = key,
		.value_size = value, .max_entries = entries,
	};
	struct ebpf_map *map = NULL;
	int err = ebpf_map_create(lab_rt, &spec, &map);

	if (err != 0) {
		tap_ok(false, "map of kind %u: %d", kind, err);
		exit(tap_done());
	}
	return map;
}

uint64_t
lab_run(const struct ebpf_prog *prog, uint64_t r1, uint64_t r2, uint64_t r3)
{
	struct ebpf_section section;
	uint64_t r0;

	ebpf_section_enter(&section);
	r0 = ebpf_prog_run(prog, r1, r2, r3);
	ebpf_section_leave(&section);
	return r0;
}
