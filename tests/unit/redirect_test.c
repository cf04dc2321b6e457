/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps of redirect targets as users and programs see them, what redirect_map
 * decides from them, and what a test run tells of it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/helper.h"
#include "core/map.h"
#include "core/map_redirect.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/test_run.h"
#include "helper_lab.h"
#include "tap.h"

static int
make(uint32_t kind, uint32_t value, uint32_t entries, struct ebpf_map **map)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = 4,
		.value_size = value,
		.max_entries = entries,
		.name = "targets",
	};

	return ebpf_map_create(helper_rt, &spec, map);
}

static int
set(struct ebpf_map *map, uint32_t key, uint32_t target, int32_t second,
    uint64_t flags)
{
	uint32_t value[2] = { target, (uint32_t)second };

	return ebpf_map_write(map, &key, value, flags);
}

static uint32_t
get(struct ebpf_map *map, uint32_t key)
{
	uint32_t value[2] = { 0, 0 };
	int error = ebpf_map_read(map, &key, value);

	return error == 0 && value[1] == 0 ? value[0] : (uint32_t)error;
}

static void
test_devmap(uint32_t size)
{
	struct ebpf_map *map;
	uint32_t key, n = 10, out[40];
	uint64_t cursor = 0;
	bool done;

	if (make(EBPF_MAP_DEVMAP, size, 8, &map) != 0)
		abort();
	TAP_CHECK((map->flags & EBPF_F_RDONLY_PROG) != 0);
	TAP_CHECK(get(map, 0) == (uint32_t)-EBPF_ENOENT);
	TAP_CHECK(set(map, 0, 7, 0, EBPF_ANY) == 0 && get(map, 0) == 7);
	TAP_CHECK(set(map, 7, 9, -1, EBPF_EXIST) == 0 && get(map, 7) == 9);
	TAP_CHECK(set(map, 8, 9, 0, EBPF_ANY) == -EBPF_E2BIG);
	TAP_CHECK(set(map, 1, 9, 0, EBPF_NOEXIST) == -EBPF_EEXIST);
	TAP_CHECK(set(map, 1, 9, 0, 3) == -EBPF_EINVAL);
	if (size == 8) {
		TAP_CHECK(set(map, 1, 9, 5, EBPF_ANY) == -EBPF_EUNSUPPORTED);
		TAP_CHECK(set(map, 1, 0, 5, EBPF_ANY) == -EBPF_EINVAL);
	}
	TAP_CHECK(map->ops->count(map) == 2);
	TAP_CHECK(ebpf_map_walk(map, &cursor, &n, out, &done) == 0 && done &&
		  n == 2 && out[0] == 0 && out[1] == 7 &&
		  out[1 + size / 4] == 7 && out[2 + size / 4] == 9);
	key = 7;
	TAP_CHECK(ebpf_map_next(map, NULL, out) == 0 && out[0] == 0 &&
		  ebpf_map_next(map, &key, out) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_redirect_find(map, 0) == 7 &&
		  ebpf_redirect_find(map, 1) == 0 &&
		  ebpf_redirect_find(map, 8) == 0);
	key = 0;
	TAP_CHECK(*(uint32_t *)ebpf_map_find(map, &key) == 7);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0 &&
		  ebpf_map_remove(map, &key) == 0 &&
		  ebpf_map_find(map, &key) == NULL);
	TAP_CHECK(set(map, 7, 0, 0, EBPF_ANY) == 0 &&
		  map->ops->count(map) == 0);
	key = 8;
	TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_EINVAL);
	ebpf_map_put(map);
}

static void
test_devmap_hash(uint32_t size)
{
	struct ebpf_map *map;
	uint32_t key = 1000;

	if (make(EBPF_MAP_DEVMAP_HASH, size, 2, &map) != 0)
		abort();
	TAP_CHECK(set(map, 1000, 0, 0, EBPF_ANY) == -EBPF_EINVAL);
	TAP_CHECK(set(map, 1000, 7, 0, EBPF_EXIST) == 0 &&
		  get(map, 1000) == 7);
	TAP_CHECK(set(map, 1000, 8, 0, EBPF_NOEXIST) == -EBPF_EEXIST);
	TAP_CHECK(set(map, 5, 8, 0, EBPF_NOEXIST) == 0);
	TAP_CHECK(set(map, 6, 8, 0, EBPF_ANY) == -EBPF_E2BIG);
	TAP_CHECK(ebpf_redirect_find(map, 5) == 8 &&
		  ebpf_redirect_find(map, 6) == 0);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0 &&
		  ebpf_map_remove(map, &key) == -EBPF_ENOENT);
	ebpf_map_put(map);
}

static void
test_cpumap(void)
{
	uint32_t cpus = os_cpu_count();
	struct ebpf_map *map;

	TAP_CHECK(make(EBPF_MAP_CPUMAP, 4, 8193, &map) == -EBPF_E2BIG);
	if (make(EBPF_MAP_CPUMAP, 8, cpus + 1, &map) != 0)
		abort();
	TAP_CHECK(set(map, 0, 192, 0, EBPF_ANY) == 0 && get(map, 0) == 192);
	TAP_CHECK(set(map, 0, 16385, 0, EBPF_ANY) == -EBPF_ERANGE);
	TAP_CHECK(set(map, cpus, 192, 0, EBPF_ANY) == -EBPF_ENODEV);
	TAP_CHECK(set(map, cpus + 1, 192, 0, EBPF_ANY) == -EBPF_E2BIG);
	TAP_CHECK(map->ops->lookup == NULL);
	TAP_CHECK(ebpf_redirect_find(map, 0) == 192);
	ebpf_map_put(map);
}

static void
test_xskmap(void)
{
	struct ebpf_map *map;

	TAP_CHECK(make(EBPF_MAP_XSKMAP, 8, 4, &map) == -EBPF_EINVAL);
	if (make(EBPF_MAP_XSKMAP, 4, 4, &map) != 0)
		abort();
	TAP_CHECK(set(map, 1, 0, 0, EBPF_ANY) == -EBPF_EINVAL);
	TAP_CHECK(set(map, 1, 3, 0, EBPF_EXIST) == -EBPF_ENOENT);
	TAP_CHECK(set(map, 1, 3, 0, EBPF_NOEXIST) == 0);
	TAP_CHECK(set(map, 1, 4, 0, EBPF_NOEXIST) == -EBPF_EEXIST);
	TAP_CHECK(set(map, 1, 5, 0, EBPF_EXIST) == 0 && get(map, 1) == 5);
	TAP_CHECK(set(map, 4, 5, 0, EBPF_ANY) == -EBPF_E2BIG);
	ebpf_map_put(map);
}

static void
test_shapes(void)
{
	static const uint32_t kinds[] = { EBPF_MAP_DEVMAP, EBPF_MAP_DEVMAP_HASH,
					  EBPF_MAP_CPUMAP, EBPF_MAP_XSKMAP };
	struct ebpf_map *map;
	uint32_t i;

	for (i = 0; i < 4; i++) {
		TAP_CHECK(make(kinds[i], 4, 0, &map) == -EBPF_EINVAL);
		TAP_CHECK(make(kinds[i], 6, 1, &map) == -EBPF_EINVAL);
		TAP_CHECK(make(kinds[i], 12, 1, &map) == -EBPF_EINVAL);
	}
}

/* ---- redirect_map ---- */

static int64_t
redirect_map(struct ebpf_map *map, uint64_t key, uint64_t flags)
{
	return (int64_t)ebpf_helper_redirect_map(P(map), key, flags, 0, 0,
						 &helper_prog);
}

static void
test_helper(void)
{
	struct ebpf_redirect where;
	struct ebpf_map *map, *cpus;

	if (make(EBPF_MAP_DEVMAP, 4, 8, &map) != 0 ||
	    make(EBPF_MAP_CPUMAP, 4, 8, &cpus) != 0)
		abort();
	set(map, 3, 42, 0, EBPF_ANY);
	TAP_CHECK(redirect_map(map, 3, 0) == EBPF_XDP_REDIRECT &&
		  ebpf_redirect_take(helper_rt, &where) && where.target == 42 &&
		  where.map_id == map->obj.id && where.key == 3);
	TAP_CHECK(redirect_map(map, 2, 0) == EBPF_XDP_ABORTED);
	TAP_CHECK(redirect_map(map, 2, EBPF_XDP_PASS) == EBPF_XDP_PASS);
	TAP_CHECK(redirect_map(map, 8, EBPF_XDP_TX) == EBPF_XDP_TX);
	TAP_CHECK(redirect_map(map, UINT32_MAX, EBPF_XDP_DROP) ==
		  EBPF_XDP_DROP);
	TAP_CHECK(redirect_map(map, 3, 4) == EBPF_XDP_ABORTED);
	TAP_CHECK(!ebpf_redirect_take(helper_rt, &where));
	TAP_CHECK(redirect_map(map, 2, 8 | 16) == EBPF_XDP_REDIRECT &&
		  ebpf_redirect_take(helper_rt, &where) && where.flags == 24 &&
		  where.target == 0);
	TAP_CHECK(redirect_map(cpus, 0, 8) == EBPF_XDP_ABORTED);
	ebpf_map_put(map);
	ebpf_map_put(cpus);
}

static struct ebpf_load_stats stats;

/* r0 = redirect_map(map, r2, r3), or another helper */
static struct ebpf_prog *
load(struct ebpf_map *map, int32_t key, int32_t helper)
{
	const struct ebpf_insn insns[] = {
		{ 0x18, 0x51, 0, 0 }, { 0, 0, 0, 0 }, { 0xb7, 2, 0, key },
		{ 0xb7, 3, 0, EBPF_XDP_PASS }, { 0x85, 0, 0, helper },
		{ 0x95, 0, 0, 0 },
	};
	struct ebpf_load spec = {
		.size = sizeof(spec),
		.kind = EBPF_PROG_XDP,
		.insns = insns,
		.insn_count = sizeof(insns) / sizeof(insns[0]),
		.maps = &map,
		.map_count = 1,
		.stats = &stats,
	};
	struct ebpf_prog *loaded = NULL;

	return ebpf_prog_load(helper_rt, &spec, &loaded) == 0 ? loaded : NULL;
}

static void
test_program(void)
{
	uint8_t data[64] = { 0 };
	struct ebpf_test_run run = { .data = data, .data_len = 64,
				     .data_room = 64, .repeat = 3 };
	struct ebpf_map *map, *plain;
	struct ebpf_prog *loaded;

	if (make(EBPF_MAP_DEVMAP_HASH, 4, 8, &map) != 0 ||
	    make(EBPF_MAP_HASH, 4, 8, &plain) != 0)
		abort();
	set(map, 77, 5, 0, EBPF_ANY);
	TAP_CHECK(load(plain, 77, 51) == NULL &&
		  stats.rule == EBPF_RULE_MAP_USE);
	loaded = load(map, 77, 51);
	TAP_CHECK(ebpf_test_run(loaded, &run) == 0 &&
		  run.retval == EBPF_XDP_REDIRECT && run.redirect.set &&
		  run.redirect.target == 5 && run.redirect.key == 77 &&
		  run.redirect.map_id == map->obj.id);
	ebpf_prog_put(loaded);
	loaded = load(map, 78, 51);
	TAP_CHECK(ebpf_test_run(loaded, &run) == 0 &&
		  run.retval == EBPF_XDP_PASS && !run.redirect.set);
	ebpf_prog_put(loaded);
	/* of these maps programs can read elements, and no more */
	TAP_CHECK(load(map, 77, 2) == NULL && stats.rule == EBPF_RULE_MAP_USE);
	TAP_CHECK(load(map, 77, 3) == NULL && stats.rule == EBPF_RULE_MAP_USE);
	TAP_CHECK(load(map, 77, 1) == NULL && stats.rule != EBPF_RULE_MAP_USE);
	ebpf_map_put(map);
	ebpf_map_put(plain);
}

int
main(void)
{
	helper_begin(EBPF_PROG_XDP);
	test_shapes();
	test_devmap(4);
	test_devmap(8);
	test_devmap_hash(4);
	test_devmap_hash(8);
	test_cpumap();
	test_xskmap();
	os_cpu_pin();
	test_helper();
	os_cpu_unpin();
	test_program();
	return helper_end();
}
