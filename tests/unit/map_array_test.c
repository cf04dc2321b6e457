/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What arrays promise: values of all CPUs and of one, bounds, iteration and
 * walks; and arrays of programs: which may be elements, who keeps whom alive.
 */
#include <stdlib.h>
#include <string.h>

#include "core/prog.h"
#include "map_lab.h"
#include "tap.h"

static void
test_array(uint32_t kind, uint32_t value_size, uint32_t entries)
{
	struct ebpf_map *map = maps_make(kind, 4, value_size, entries, 0);
	uint32_t i, next, user, cpu, stride = (value_size + 7) & ~7u, n, steps;
	bool percpu = kind == EBPF_MAP_PERCPU_ARRAY, good = true, done;
	uint32_t copies = percpu ? os_cpu_count() : 1;
	struct ebpf_map_array *array = (struct ebpf_map_array *)map;
	uint8_t *value, *got, *out;
	struct ebpf_section section;
	uint64_t cursor;

	if (!tap_ok(map != NULL, "array %u value %u entries %u", kind,
		    value_size, entries))
		return;
	user = ebpf_map_user_value_size(map);
	TAP_CHECK(user == (percpu ? stride * copies : value_size));
	TAP_CHECK(array->index_mask >= entries - 1 &&
		  (array->index_mask & (array->index_mask + 1)) == 0);
	value = calloc(1, user);
	got = malloc(user);
	for (i = 0; i < entries; i++)
		good = good && ebpf_map_read(map, &i, got) == 0 &&
		       memcmp(got, value, user) == 0;
	tap_ok(good, "all zero at first");
	for (i = 0; i < entries; i++) {
		for (cpu = 0; cpu < copies; cpu++)
			maps_fill(value + cpu * stride, value_size, i,
				  (uint8_t)cpu);
		good = good && ebpf_map_write(map, &i, value, EBPF_ANY) == 0 &&
		       ebpf_map_write(map, &i, value, EBPF_EXIST) == 0 &&
		       ebpf_map_write(map, &i, value, EBPF_NOEXIST) ==
			       -EBPF_EEXIST;
	}
	for (i = 0; i < entries; i++) {
		for (cpu = 0; cpu < copies; cpu++)
			maps_fill(value + cpu * stride, value_size, i,
				  (uint8_t)cpu);
		good = good && ebpf_map_read(map, &i, got) == 0 &&
		       memcmp(value, got, user) == 0;
		ebpf_section_enter(&section);
		good = good &&
		       memcmp(ebpf_map_find(map, &i),
			      value + (percpu ? os_cpu_id() * stride : 0),
			      value_size) == 0;
		ebpf_section_leave(&section);
	}
	tap_ok(good, "values come back");
	i = entries;
	TAP_CHECK(ebpf_map_read(map, &i, got) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_write(map, &i, value, EBPF_ANY) == -EBPF_E2BIG);
	i = 0;
	TAP_CHECK(ebpf_map_remove(map, &i) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, &i, value, 3) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, &i, value, EBPF_F_LOCK) == -EBPF_EINVAL);
	i = 0xffffffff;
	TAP_CHECK(ebpf_map_next(map, &i, &next) == 0 && next == 0);
	good = ebpf_map_next(map, NULL, &next) == 0;
	for (i = 0; i + 1 < entries; i++)
		good = good && next == i && ebpf_map_next(map, &i, &next) == 0;
	TAP_CHECK(good && next == entries - 1);
	TAP_CHECK(ebpf_map_next(map, &next, &next) == -EBPF_ENOENT);

	out = malloc(7ul * (4 + user));
	cursor = 0;
	i = 0;
	for (done = false, steps = 0; !done && steps <= entries; steps++) {
		n = 7;
		good = good &&
		       ebpf_map_walk(map, &cursor, &n, out, &done) == 0;
		if (n > 0)
			memcpy(&next, out, 4);
		good = good && (n == 0 || next == i);
		i += n;
	}
	TAP_CHECK(good && done && i == entries);
	cursor = 1ull << 40;
	n = 7;
	TAP_CHECK(ebpf_map_walk(map, &cursor, &n, out, &done) == -EBPF_EINVAL &&
		  n == 0);
	free(out);
	free(got);
	free(value);
	ebpf_map_put(map);
}

/* ---- program arrays ---- */

static struct ebpf_prog *
load(uint32_t kind)
{
	static const struct ebpf_insn code[] = {
		{ 0xb7, 0, 0, 0 }, /* r0 = 0 */
		{ 0x95, 0, 0, 0 }, /* exit */
	};
	struct ebpf_load spec = {
		.size = sizeof(spec),
		.kind = kind,
		.insns = code,
		.insn_count = 2,
		.engine = EBPF_LOAD_INTERP,
	};
	struct ebpf_prog *prog = NULL;
	int error = ebpf_prog_load(maps_rt, &spec, &prog);

	tap_ok(error == 0, "load a program of kind %u", kind);
	return prog;
}

static void
test_prog_array(void)
{
	struct ebpf_map *map = maps_make(EBPF_MAP_PROG_ARRAY, 4, 4, 8, 0);
	struct ebpf_prog *raw = load(EBPF_PROG_RAW);
	struct ebpf_prog *raw2 = load(EBPF_PROG_RAW);
	struct ebpf_prog *vale = load(EBPF_PROG_VALE);
	uint32_t key, value, id, n, out[16];
	uint64_t cursor = 0;
	bool done;

	if (raw == NULL || raw2 == NULL || vale == NULL)
		return;
	key = 2;
	TAP_CHECK(ebpf_map_user_value_size(map) == 4);
	TAP_CHECK(ebpf_map_find(map, &key) == NULL);
	TAP_CHECK(ebpf_map_read(map, &key, &value) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_prog_array_get(map, 2) == NULL);
	TAP_CHECK(ebpf_prog_array_get(map, 1ull << 32) == NULL);
	id = 0;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == -EBPF_ENOENT);
	id = raw->obj.id;
	TAP_CHECK(ebpf_map_write(map, &key, &id, EBPF_NOEXIST) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == 0);
	TAP_CHECK(raw->obj.refs == 2);
	TAP_CHECK(ebpf_map_read(map, &key, &value) == 0 && value == id);
	TAP_CHECK(ebpf_prog_array_get(map, 2) == raw);
	id = vale->obj.id;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == -EBPF_EINVAL);
	TAP_CHECK(vale->obj.refs == 1 && ebpf_prog_array_get(map, 2) == raw);
	id = raw2->obj.id;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == 0);
	TAP_CHECK(raw->obj.refs == 1 && raw2->obj.refs == 2);
	TAP_CHECK(map->ops->count(map) == 1);
	key = 8;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == -EBPF_E2BIG);
	TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_E2BIG);
	key = 7;
	TAP_CHECK(ebpf_map_write(map, &key, &id, 0) == 0);
	n = 8;
	TAP_CHECK(ebpf_map_walk(map, &cursor, &n, out, &done) == 0 && done &&
		  n == 2 && out[0] == 2 && out[1] == id && out[2] == 7);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0 && raw2->obj.refs == 2);
	TAP_CHECK(ebpf_prog_array_adopt(map, EBPF_PROG_RAW, false) == 0);
	TAP_CHECK(ebpf_prog_array_adopt(map, EBPF_PROG_RAW, true) ==
		  -EBPF_EINVAL);
	TAP_CHECK(ebpf_prog_array_adopt(map, EBPF_PROG_XDP, false) ==
		  -EBPF_EINVAL);
	ebpf_map_put(map);
	os_epoch_drain();
	TAP_CHECK(raw2->obj.refs == 1);
	ebpf_prog_put(raw);
	ebpf_prog_put(raw2);
	ebpf_prog_put(vale);
}

int
main(void)
{
	if (!maps_begin())
		return 1;
	test_array(EBPF_MAP_ARRAY, 1, 1);
	test_array(EBPF_MAP_ARRAY, 4, 5);
	test_array(EBPF_MAP_ARRAY, 13, 1000);
	test_array(EBPF_MAP_ARRAY, 100000, 3);
	test_array(EBPF_MAP_PERCPU_ARRAY, 8, 9);
	test_array(EBPF_MAP_PERCPU_ARRAY, 21, 65);
	test_prog_array();
	return maps_end();
}
