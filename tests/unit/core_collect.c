/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs and arrays of programs that hold each other: what keeps them, that a
 * ring nobody uses goes, also while four threads make and find such rings.
 */
#include <pthread.h>
#include <stdlib.h>

#include "object_lab.h"
#include "tap.h"

static struct ebpf_runtime *race_rt;

/* r2 = map; r3 = 0; tail_call; r0 = 3; exit */
static struct ebpf_prog *
new_jumper(struct ebpf_runtime *rt, struct ebpf_map *map)
{
	const struct ebpf_insn insns[] = {
		{ 0x18, 0x52, 0, 0 }, { 0, 0, 0, 0 }, { 0xb7, 0x03, 0, 0 },
		{ 0x85, 0, 0, 12 },   { 0xb7, 0, 0, 3 }, { 0x95, 0, 0, 0 },
	};
	struct ebpf_load load = { .size = sizeof(load), .kind = EBPF_PROG_VALE,
				  .insns = insns, .insn_count = 6,
				  .maps = &map, .map_count = 1 };
	char log[4096];
	struct ebpf_prog *prog;

	load.log = log;
	load.log_size = sizeof(log);
	if (ebpf_prog_load(rt, &load, &prog) != 0) {
		tap_diag("%s", log);
		abort();
	}
	return prog;
}

static struct ebpf_map *
new_prog_array(struct ebpf_runtime *rt)
{
	struct ebpf_map_spec spec = { .size = sizeof(spec),
				      .kind = EBPF_MAP_PROG_ARRAY,
				      .key_size = 4, .value_size = 4,
				      .max_entries = 4 };
	struct ebpf_map *map;

	if (ebpf_map_create(rt, &spec, &map) != 0)
		abort();
	return map;
}

static void
put_prog(struct ebpf_map *map, uint32_t key, struct ebpf_prog *prog)
{
	uint32_t id = prog->obj.id;

	if (ebpf_map_write(map, &key, &id, EBPF_ANY) != 0)
		abort();
}

static void
settle(void)
{
	int i;

	/* collecting puts, and what is put asks for collecting */
	for (i = 0; i < 3; i++)
		os_epoch_drain();
}

static void
test_rings(void)
{
	uint64_t live = os_test_live();
	struct ebpf_runtime *rt = lab_new_runtime(0);
	struct ebpf_map *map = new_prog_array(rt), *second;
	struct ebpf_prog *prog = new_jumper(rt, map), *leaf, *last;
	struct ebpf_section section;
	struct ebpf_vale_ctx { void *a, *b; uint64_t c; } ctx = { 0 };

	put_prog(map, 0, prog);
	leaf = lab_new_prog(rt, EBPF_PROG_VALE);
	put_prog(map, 1, leaf);
	ebpf_prog_put(leaf);
	ebpf_map_put(map);
	settle();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_MAP) == 1 &&
	       ebpf_object_count(rt, EBPF_OBJ_PROG) == 2,
	       "a program in use keeps its array and what is in it");
	ebpf_section_enter(&section);
	tap_ok(ebpf_prog_run_ctx(prog, &ctx) == 3,
	       "it jumps to itself as often as is allowed, then goes on");
	ebpf_section_leave(&section);
	ebpf_prog_put(prog);
	settle();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_MAP) == 0 &&
	       ebpf_object_count(rt, EBPF_OBJ_PROG) == 0,
	       "a ring that nobody uses goes");

	/* two arrays and two programs, held by a pin on one program */
	map = new_prog_array(rt);
	second = new_prog_array(rt);
	prog = new_jumper(rt, map);
	last = new_jumper(rt, second);
	put_prog(map, 0, last);
	put_prog(second, 0, prog);
	TAP_CHECK(ebpf_pin_set(&last->obj, "last", false) == 0);
	ebpf_map_put(map);
	ebpf_map_put(second);
	ebpf_prog_put(prog);
	ebpf_prog_put(last);
	settle();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_MAP) == 2 &&
	       ebpf_object_count(rt, EBPF_OBJ_PROG) == 2,
	       "a pin on one holds all four");
	TAP_CHECK(ebpf_pin_remove(rt, "last") == 0);
	settle();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_MAP) == 0 &&
	       ebpf_object_count(rt, EBPF_OBJ_PROG) == 0,
	       "and without it all four go");
	tap_ok(os_load(&rt->mem_used) == 0, "with all their memory");

	/* left behind by the embedder, in a ring, with handles */
	map = new_prog_array(rt);
	put_prog(map, 3, new_jumper(rt, map));
	lab_new_map(rt, "forgotten");
	ebpf_runtime_destroy(rt);
	tap_ok(os_test_live() == live,
	       "a runtime takes along what its owner forgot");
}

static void *
ring_thread(void *arg)
{
	struct ebpf_prog *one, *two;
	struct ebpf_object *obj;
	struct ebpf_map *map;
	uint32_t i, id;

	for (i = 0; i < 60; i++) {
		map = new_prog_array(race_rt);
		one = new_jumper(race_rt, map);
		two = new_jumper(race_rt, map);
		put_prog(map, 0, one);
		put_prog(map, 1, two);
		put_prog(map, 2, one);
		id = one->obj.id;
		ebpf_map_put(map);
		ebpf_prog_put(two);
		ebpf_prog_put(one);
		/* somebody finds it again while it may be going */
		obj = ebpf_object_by_id(race_rt, EBPF_OBJ_PROG, id);
		if (obj && i % 2)
			os_yield();
		ebpf_object_put(obj);
	}
	return arg;
}

static void
test_ring_race(void)
{
	pthread_t threads[4];
	uint64_t live = os_test_live();
	int i;

	race_rt = lab_new_runtime(0);
	for (i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, ring_thread, NULL) != 0)
			abort();
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	settle();
	tap_ok(ebpf_object_count(race_rt, EBPF_OBJ_MAP) == 0 &&
	       ebpf_object_count(race_rt, EBPF_OBJ_PROG) == 0,
	       "no ring of 240 is left, made and found by four threads");
	ebpf_runtime_destroy(race_rt);
	TAP_CHECK(os_test_live() == live);
}

int
main(void)
{
	test_rings();
	test_ring_race();
	return tap_done();
}
