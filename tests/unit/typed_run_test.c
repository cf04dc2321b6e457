/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs that were verified with typed pointers, as they run, interpreted and
 * compiled: inner maps that change under a program, one call on an inner map
 * and on a fixed one, other CPUs' values, old packet loads and their early
 * returns.
 */
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/ctx.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

static struct ebpf_runtime *rt;
static struct ebpf_map *maps[4];
static uint32_t engine;

static struct ebpf_map *
make(uint32_t kind, uint32_t value_size, struct ebpf_map *inner)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = 4,
		.value_size = value_size,
		.max_entries = 4,
		.name = "m",
		.inner = inner,
	};
	struct ebpf_map *map;

	if (ebpf_map_create(rt, &spec, &map)) {
		tap_ok(false, "a map of kind %u", kind);
		exit(tap_done());
	}
	return map;
}

static void
put(struct ebpf_map *map, uint32_t key, uint64_t value)
{
	if (ebpf_map_write(map, &key, &value, 0))
		tap_ok(false, "element %u", key);
}

static struct ebpf_prog *
load(uint32_t kind, const char *text)
{
	static char log[8192];
	struct gebpf_error err = { 0 };
	struct ebpf_insn *insns = NULL;
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = kind,
		.engine = engine,
		.maps = maps,
		.name = "typed",
		.log = log,
		.log_size = sizeof(log),
	};
	struct ebpf_prog *prog = NULL;

	while (request.map_count < 4 && maps[request.map_count])
		request.map_count++;
	if (gebpf_asm(text, strlen(text), &insns, &request.insn_count, &err)) {
		tap_ok(false, "does not assemble: %s", err.text);
		exit(tap_done());
	}
	request.insns = insns;
	if (ebpf_prog_load(rt, &request, &prog)) {
		tap_ok(false, "is not accepted:\n%s", log);
		exit(tap_done());
	}
	free(insns);
	return prog;
}

static void
drop_maps(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		ebpf_map_put(maps[i]);
		maps[i] = NULL;
	}
}

/* r1 points to: which map (1: the fixed one), key, new value or 0 */
struct wish {
	uint32_t fixed, key;
	uint64_t value;
};

static uint64_t
run(const struct ebpf_prog *prog, uint32_t fixed, uint32_t key, uint64_t value)
{
	struct wish wish = { fixed, key, value };

	return ebpf_prog_run_mem(prog, &wish, sizeof(wish));
}

static const char one_call[] =
	"if r2 < 16 goto none\n"
	"r9 = r1\n"
	"*(u32 *)(r10 -4) = 0\n"
	"r8 = *(u32 *)(r1 +0)\n"
	"r7 = map[idx:1]\n"
	"if r8 == 1 goto go\n"
	"r1 = map[idx:0]\n"
	"r2 = r10\n"
	"r2 += -4\n"
	"call map_lookup_elem\n"
	"if r0 == 0 goto none\n"
	"r7 = r0\n"
	"go: r1 = *(u32 *)(r9 +4)\n"
	"*(u32 *)(r10 -4) = r1\n"
	"r8 = *(u64 *)(r9 +8)\n"
	"if r8 == 0 goto look\n"
	"*(u64 *)(r10 -16) = r8\n"
	"r1 = r7\n"
	"r2 = r10\n"
	"r2 += -4\n"
	"r3 = r10\n"
	"r3 += -16\n"
	"r4 = 0\n"
	"call map_update_elem\n"
	"look: r1 = r7\n"
	"r2 = r10\n"
	"r2 += -4\n"
	"call map_lookup_elem\n"
	"if r0 == 0 goto none\n"
	"r0 = *(u64 *)(r0 +0)\n"
	"exit\n"
	"none: r0 = -1\n"
	"exit\n";

static void
inner(uint32_t outer_kind, uint32_t inner_kind)
{
	struct ebpf_map *a = make(inner_kind, 8, NULL);
	struct ebpf_map *b = make(inner_kind, 8, NULL);
	uint32_t key = 0;
	struct ebpf_prog *prog;
	uint64_t value;
	bool good;

	maps[1] = make(inner_kind, 8, NULL);
	maps[0] = make(outer_kind, 4, a);
	put(a, 1, 11);
	put(b, 1, 22);
	put(maps[1], 1, 33);
	prog = load(EBPF_PROG_RAW, one_call);
	good = run(prog, 0, 1, 0) == ~0ull && run(prog, 1, 1, 0) == 33;
	TAP_CHECK(ebpf_map_write(maps[0], &key, &a->obj.id, 0) == 0);
	good &= run(prog, 0, 1, 0) == 11 && run(prog, 1, 1, 0) == 33;
	TAP_CHECK(ebpf_map_write(maps[0], &key, &b->obj.id, 0) == 0);
	good &= run(prog, 0, 1, 0) == 22 && run(prog, 1, 1, 0) == 33;
	good &= run(prog, 0, 2, 44) == 44 && run(prog, 1, 2, 55) == 55;
	good &= run(prog, 0, 2, 0) == 44;
	key = 2;
	good &= ebpf_map_read(b, &key, &value) == 0 && value == 44;
	good &= ebpf_map_read(maps[1], &key, &value) == 0 && value == 55;
	good &= inner_kind == EBPF_MAP_ARRAY ?
			ebpf_map_read(a, &key, &value) == 0 && value == 0 :
			ebpf_map_read(a, &key, &value) == -EBPF_ENOENT;
	key = 0;
	TAP_CHECK(ebpf_map_remove(maps[0], &key) == 0);
	good &= run(prog, 0, 1, 0) == ~0ull && run(prog, 1, 1, 0) == 33;
	tap_ok(good, "one call on inner maps and a fixed one: kinds %u and %u",
	       outer_kind, inner_kind);
	ebpf_prog_put(prog);
	ebpf_map_put(a);
	ebpf_map_put(b);
	drop_maps();
}

static const char other_cpu[] =
	"if r2 < 16 goto none\n"
	"r3 = *(u64 *)(r1 +8)\n"
	"r1 = *(u32 *)(r1 +4)\n"
	"*(u32 *)(r10 -4) = r1\n"
	"r1 = map[idx:0]\n"
	"r2 = r10\n"
	"r2 += -4\n"
	"call map_lookup_percpu_elem\n"
	"if r0 == 0 goto none\n"
	"r0 = *(u64 *)(r0 +0)\n"
	"exit\n"
	"none: r0 = -1\n"
	"exit\n";

static void
percpu(uint32_t kind)
{
	uint32_t cpus = os_cpu_count(), cpu, key = 3;
	uint64_t *values = calloc(cpus, sizeof(*values));
	struct ebpf_prog *prog;
	bool good = true;

	maps[0] = make(kind, 8, NULL);
	for (cpu = 0; cpu < cpus; cpu++)
		values[cpu] = 100 + cpu;
	TAP_CHECK(ebpf_map_write(maps[0], &key, values, 0) == 0);
	prog = load(EBPF_PROG_RAW, other_cpu);
	for (cpu = 0; cpu < cpus; cpu++)
		good &= run(prog, 0, 3, cpu) == 100 + cpu;
	good &= run(prog, 0, 3, cpus) == ~0ull;
	good &= run(prog, 0, 3, UINT32_MAX) == ~0ull;
	/* an unsigned int, as prototypes have it */
	good &= run(prog, 0, 3, 1ull << 32) == 100;
	good &= run(prog, 0, 9, 0) == ~0ull;
	tap_ok(good, "the values of all CPUs: kind %u", kind);
	free(values);
	ebpf_prog_put(prog);
	drop_maps();
}

/* The byte at r0's place by a subprogram; 1000 more if that returned. */
static const char packet[] =
	"r9 = r1\n"
	"r8 = 1000\n"
	"call byte\n"
	"r8 += r0\n"
	"r6 = r9\n"
	"r0 = *(u16 *)skb[2]\n"
	"r0 += r8\n"
	"exit\n"
	"byte: r6 = r1\n"
	"r8 = 77\n"
	"r7 = *(u32 *)(r1 +8)\n"
	"r0 = *(u8 *)skb[r7 + 1]\n"
	"r0 += 1\n"
	"exit\n";

static void
packets(uint32_t kind)
{
	uint8_t data[4] = { 1, 2, 3, 4 };
	struct ebpf_skb_ctx ctx = {
		.data = data,
		.data_end = data + sizeof(data),
		.data_meta = data,
	};
	struct ebpf_prog *prog = load(kind, packet);
	struct ebpf_section section;
	bool good;

	ebpf_section_enter(&section);
	ctx.mark = 0;
	good = ebpf_prog_run_ctx(prog, &ctx) == 1000 + 3 + 0x304;
	ctx.mark = 2;
	good &= ebpf_prog_run_ctx(prog, &ctx) == 1000 + 5 + 0x304;
	ctx.mark = 3;
	good &= ebpf_prog_run_ctx(prog, &ctx) == 1000 + 0x304;
	/* before the packet: the offset is unsigned */
	ctx.mark = (uint32_t)-2;
	good &= ebpf_prog_run_ctx(prog, &ctx) == 1000 + 0x304;
	ctx.mark = (uint32_t)-1;
	good &= ebpf_prog_run_ctx(prog, &ctx) == 1000 + 2 + 0x304;
	ctx.data_end = data + 3;
	good &= ebpf_prog_run_ctx(prog, &ctx) == 0;
	ctx.data_end = data;
	good &= ebpf_prog_run_ctx(prog, &ctx) == 0;
	ebpf_section_leave(&section);
	tap_ok(good, "old packet loads: kind %u", kind);
	ebpf_prog_put(prog);
}

int
main(void)
{
	static const uint32_t outers[] = {
		EBPF_MAP_ARRAY_OF_MAPS, EBPF_MAP_HASH_OF_MAPS,
	};
	uint32_t i;

	if (ebpf_runtime_create(NULL, &rt) != 0) {
		tap_ok(false, "runtime");
		return tap_done();
	}
	for (engine = EBPF_LOAD_ANY; engine <= EBPF_LOAD_INTERP; engine++) {
		if (engine == EBPF_LOAD_JIT)
			continue;
		for (i = 0; i < 2; i++) {
			inner(outers[i], EBPF_MAP_ARRAY);
			inner(outers[i], EBPF_MAP_HASH);
			inner(outers[i], EBPF_MAP_LRU_HASH);
		}
		percpu(EBPF_MAP_PERCPU_ARRAY);
		percpu(EBPF_MAP_PERCPU_HASH);
		percpu(EBPF_MAP_LRU_PERCPU_HASH);
		packets(EBPF_PROG_SOCKET);
		packets(EBPF_PROG_TC);
	}
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	return tap_done();
}
