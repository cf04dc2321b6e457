/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tail calls of slots that are known when a program is compiled: their jumps
 * follow the slots, at once in effect and a grace period later in code, while
 * others run, when programs come and go, and at the end of everything.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/ctx.h"
#include "core/jit/jit_tail.h"
#include "core/map.h"
#include "core/runtime.h"
#include "jit_lab.h"
#include "tap.h"

enum {
	NOBODY = 1, /* what a caller returns when its slot is empty */
	SLOTS = 4,
	ROUNDS = 300,
};

static struct ebpf_xdp_ctx ctx;
static uint8_t frame[64];

static struct ebpf_map *
array_make(void)
{
	return lab_map(EBPF_MAP_PROG_ARRAY, 4, 4, SLOTS);
}

/* The program put so far, by the front door. */
static int
load(struct ebpf_map *const *maps, uint32_t count, struct ebpf_prog **prog)
{
	char log[512] = "";
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = EBPF_PROG_XDP,
		.insns = lab_gen.insns,
		.insn_count = lab_gen.count,
		.maps = maps,
		.map_count = count,
		.license = "GPL",
		.log = log,
		.log_size = sizeof(log),
		.engine = EBPF_LOAD_JIT,
	};
	int error = ebpf_prog_load(lab_rt, &load, prog);

	if (error != 0 && error != -EBPF_ENOMEM)
		tap_diag("%s", log);
	return error;
}

static void
put_call(uint32_t map, uint32_t slot)
{
	lab_put(0xbf, 1, 6, 0, 0);
	lab_put(0x18, 2, 5, 0, (int32_t)map); /* by its place in maps */
	lab_put(0, 0, 0, 0, 0);
	lab_put(0xb7, 3, 0, 0, (int32_t)slot);
	lab_put_call(EBPF_FUNC_tail_call);
}

/* Calls slots[0] of maps[0], then the next: the first that is there. */
static void
put_caller(uint32_t maps, const uint32_t *slots)
{
	lab_gen.count = 0;
	lab_put(0xbf, 6, 1, 0, 0);
	for (uint32_t m = 0; m < maps; m++)
		put_call(m, slots[m]);
	lab_put(0xb7, 0, 0, 0, NOBODY);
	lab_put(0x95, 0, 0, 0, 0);
}

static struct ebpf_prog *
caller(struct ebpf_map *const *maps, uint32_t count, const uint32_t *slots)
{
	struct ebpf_prog *prog = NULL;

	put_caller(count, slots);
	if (load(maps, count, &prog) != 0) {
		tap_ok(false, "a caller does not load");
		exit(tap_done());
	}
	return prog;
}

/* Returns a number. */
static struct ebpf_prog *
target(int32_t result)
{
	struct ebpf_prog *prog = NULL;

	lab_gen.count = 0;
	lab_put(0xb7, 0, 0, 0, result);
	lab_put(0x95, 0, 0, 0, 0);
	if (load(NULL, 0, &prog) != 0) {
		tap_ok(false, "a target does not load");
		exit(tap_done());
	}
	return prog;
}

static int
set(struct ebpf_map *map, uint32_t slot, const struct ebpf_prog *prog)
{
	if (prog == NULL)
		return ebpf_map_remove(map, &slot);
	return ebpf_map_write(map, &slot, &prog->obj.id, EBPF_ANY);
}

static uint64_t
run(const struct ebpf_prog *prog)
{
	return lab_run(prog, (uintptr_t)&ctx, 0, 0);
}

static const struct ebpf_prog *
direct(const struct ebpf_prog *prog, uint32_t call)
{
	return os_load_acquire(&prog->image->tails[call].direct);
}

/* The jump gets there, with some grace periods' delay. */
static bool
arrives(const struct ebpf_prog *prog, uint32_t call,
	const struct ebpf_prog *there)
{
	for (uint32_t i = 0; i < 100 && direct(prog, call) != there; i++)
		os_epoch_drain();
	return direct(prog, call) == there;
}

/* ---- one after the other ---- */

static void
follows(void)
{
	static const uint32_t slots[] = { 2 };
	struct ebpf_map *map = array_make();
	struct ebpf_prog *from = caller(&map, 1, slots), *late;
	struct ebpf_prog *two = target(2), *three = target(3);
	bool ok = true;

	ok &= from->image->tail_count == 1 && direct(from, 0) == NULL &&
	      run(from) == NOBODY;
	tap_ok(ok, "an empty slot is jumped to by nobody");

	ok = set(map, 2, two) == 0 && run(from) == 2;
	ok &= arrives(from, 0, two) && run(from) == 2;
	tap_ok(ok, "a filled one at once, later directly");

	ok = set(map, 2, three) == 0 && direct(from, 0) != two &&
	     run(from) == 3;
	ok &= arrives(from, 0, three) && run(from) == 3;
	ok &= set(map, 2, three) == 0 && run(from) == 3;
	ok &= arrives(from, 0, three) && run(from) == 3;
	tap_ok(ok, "the jump follows the slot");

	late = caller(&map, 1, slots);
	ok = direct(late, 0) == three && run(late) == 3;
	ok &= set(map, 2, two) == 0 && run(late) == 2 && run(from) == 2;
	ok &= arrives(late, 0, two) && arrives(from, 0, two) &&
	      run(late) == 2 && run(from) == 2;
	tap_ok(ok, "so does that of a program that came later");

	ok = set(map, 1, three) == 0 && direct(from, 0) == two;
	ok &= set(map, 2, NULL) == 0 && direct(from, 0) == NULL &&
	      run(from) == NOBODY;
	os_epoch_drain();
	ok &= direct(from, 0) == NULL && run(from) == NOBODY &&
	      run(late) == NOBODY;
	tap_ok(ok, "an emptied slot, and another one");

	ebpf_prog_put(late);
	ok = set(map, 2, two) == 0 && arrives(from, 0, two) && run(from) == 2;
	tap_ok(ok, "without a program that has gone");
	ebpf_prog_put(from);
	ebpf_prog_put(two);
	ebpf_prog_put(three);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* Calls of two arrays whose jumps lie side by side. */
static void
neighbours(void)
{
	static const uint32_t slots[] = { 0, 3 };
	struct ebpf_map *maps[2] = { array_make(), array_make() };
	struct ebpf_prog *from = caller(maps, 2, slots);
	struct ebpf_prog *progs[3] = { NULL, target(2), target(3) };
	bool ok = true;

	for (uint32_t way = 0; way < 27; way++) {
		struct ebpf_prog *first = progs[way % 3];
		struct ebpf_prog *second = progs[way / 3 % 3];
		uint64_t want = first ? (way % 3) + 1 :
				second ? way / 3 % 3 + 1 : NOBODY;

		set(maps[0], 0, first);
		set(maps[1], 3, second);
		ok &= run(from) == want;
		if (way % 2 == 0)
			continue;
		ok &= arrives(from, 0, first) && arrives(from, 1, second) &&
		      run(from) == want;
	}
	tap_ok(ok, "two calls of two arrays");
	ebpf_prog_put(from);
	ebpf_prog_put(progs[1]);
	ebpf_prog_put(progs[2]);
	ebpf_map_put(maps[0]);
	ebpf_map_put(maps[1]);
	os_epoch_drain();
}

/* Targets live in their slot alone, and new ones take old ones' places. */
static void
come_and_go(void)
{
	static const uint32_t slots[] = { 1 };
	struct ebpf_map *map = array_make();
	struct ebpf_prog *from = caller(&map, 1, slots);
	uint32_t directly = 0;
	bool ok = true;

	for (int32_t i = 0; i < ROUNDS; i++) {
		struct ebpf_prog *prog = target(100 + i);

		ok &= set(map, 1, prog) == 0;
		ebpf_prog_put(prog); /* its slot has it */
		ok &= run(from) == 100u + (uint32_t)i;
		directly += i % 3 == 0 && arrives(from, 0, prog);
		ok &= run(from) == 100u + (uint32_t)i;
	}
	tap_ok(ok && directly == ROUNDS / 3, "targets that come and go");
	ebpf_prog_put(from);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* ---- while others run ---- */

struct runner {
	const struct ebpf_prog *prog;
	uint32_t stop; /* atomic */
	uint32_t wrong, runs;
};

static void *
runs(void *cookie)
{
	struct runner *runner = cookie;

	while (os_load(&runner->stop) == 0) {
		struct ebpf_section section;

		ebpf_section_enter(&section);
		for (int i = 0; i < 32; i++) {
			uint64_t result = ebpf_prog_run(
				runner->prog, (uintptr_t)&ctx, 0, 0);

			runner->wrong += result != 2 && result != 3;
		}
		ebpf_section_leave(&section);
		os_store(&runner->runs, runner->runs + 1);
	}
	return NULL;
}

static void
under_traffic(void)
{
	static const uint32_t slots[] = { 1, 2 };
	struct ebpf_map *maps[2] = { array_make(), array_make() };
	struct ebpf_prog *from = caller(maps, 2, slots);
	struct ebpf_prog *two = target(2), *three = target(3);
	struct runner runner = { .prog = from };
	pthread_t thread;

	set(maps[1], 2, two);
	pthread_create(&thread, NULL, runs, &runner);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t seen = os_load(&runner.runs);

		set(maps[0], 1, i % 3 == 2 ? NULL : i & 1 ? two : three);
		if (i % 4 == 0)
			set(maps[1], 2, i & 4 ? two : three);
		if (i % 2 == 0)
			os_epoch_drain();
		while (i % 8 == 0 && os_load(&runner.runs) == seen)
			os_yield();
	}
	os_store(&runner.stop, 1);
	pthread_join(thread, NULL);
	tap_ok(runner.wrong == 0 && runner.runs > 0,
	       "no run meets anything but the old and the new");
	ebpf_prog_put(from);
	ebpf_prog_put(two);
	ebpf_prog_put(three);
	ebpf_map_put(maps[0]);
	ebpf_map_put(maps[1]);
	os_epoch_drain();
}

/* What collect.c empties is followed as well: no jump knows what has gone. */
static void
emptied(void)
{
	static const uint32_t slots[] = { 1 };
	struct ebpf_map *map = array_make();
	struct ebpf_prog *from = caller(&map, 1, slots);
	struct ebpf_prog *two = target(2);

	set(map, 1, two);
	tap_ok(arrives(from, 0, two) && run(from) == 2, "a jump to be lost");
	ebpf_collect_clear(map);
	tap_ok(direct(from, 0) == NULL && run(from) == NOBODY,
	       "an emptied array's jumps go nowhere");
	set(map, 1, two);
	tap_ok(arrives(from, 0, two) && run(from) == 2, "and come back");
	ebpf_prog_put(from);
	ebpf_prog_put(two);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* ---- without memory, and at the end ---- */

static void
allocation_failures(void)
{
	static const uint32_t slots[] = { 0 };
	struct ebpf_map *map = array_make();
	struct ebpf_prog *prog = NULL, *two = target(2);
	uint32_t failed = 0;
	int error;

	set(map, 0, two);
	put_caller(1, slots);
	do {
		os_test_fail_at(++failed);
		error = load(&map, 1, &prog);
		os_test_fail_at(0);
		os_epoch_drain();
	} while (error == -EBPF_ENOMEM && failed < 1000);
	tap_ok(error == 0 && failed > 10 && run(prog) == 2,
	       "each of %u allocations may fail", failed - 1);
	ebpf_prog_put(prog);
	ebpf_prog_put(two);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* The runtime ends while jumps are behind and everybody holds everything. */
static void
sudden_end(void)
{
	static const uint32_t slots[] = { 0, 1 };
	struct ebpf_map *maps[2];
	struct ebpf_prog *two;

	for (int i = 0; i < 4; i++) {
		maps[0] = array_make();
		maps[1] = array_make();
		caller(maps, 2, slots);
		two = target(2);
		set(maps[0], 0, two);
		set(maps[1], 1, two);
		ebpf_runtime_destroy(lab_rt);
		lab_rt = NULL;
		if (ebpf_runtime_create(NULL, &lab_rt) != 0)
			break;
	}
	tap_ok(lab_rt != NULL, "the end, all of a sudden");
}

int
main(void)
{
	ctx.data = frame;
	ctx.data_end = frame + sizeof(frame);
	ctx.data_meta = frame;
	if (!lab_open("tail calls"))
		return lab_close();
	follows();
	neighbours();
	come_and_go();
	under_traffic();
	emptied();
	allocation_failures();
	sudden_end();
	return lab_close();
}
