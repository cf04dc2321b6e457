/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects from their making to their end: ids, references from many threads,
 * names, memory limits, pins, making a runtime. Maps and programs stand for all
 * objects. Links: core_links.c; what holds itself: core_collect.c.
 */
#include <pthread.h>
#include <stdlib.h>

#include "object_lab.h"
#include "tap.h"

static void
test_ids(void)
{
	struct ebpf_runtime *rt = lab_new_runtime(0);
	struct ebpf_map *a = lab_new_map(rt, "a"), *b = lab_new_map(rt, "b");
	struct ebpf_object *obj;

	TAP_CHECK(a->obj.id == 1 && b->obj.id == 2);
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_MAP) == 2);
	obj = ebpf_object_by_id(rt, EBPF_OBJ_MAP, 2);
	TAP_CHECK(obj == &b->obj);
	ebpf_object_put(obj);
	TAP_CHECK(!ebpf_object_by_id(rt, EBPF_OBJ_MAP, 0));
	TAP_CHECK(!ebpf_object_by_id(rt, EBPF_OBJ_MAP, 3));
	TAP_CHECK(!ebpf_object_by_id(rt, EBPF_OBJ_PROG, 1));
	obj = ebpf_object_next(rt, EBPF_OBJ_MAP, 0);
	TAP_CHECK(obj == &a->obj);
	ebpf_object_put(obj);
	obj = ebpf_object_next(rt, EBPF_OBJ_MAP, 1);
	TAP_CHECK(obj == &b->obj);
	ebpf_object_put(obj);
	TAP_CHECK(!ebpf_object_next(rt, EBPF_OBJ_MAP, 2));
	ebpf_map_put(a);
	tap_ok(!ebpf_object_by_id(rt, EBPF_OBJ_MAP, 1),
	       "what lost its last reference is not found again");
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_MAP) == 1);
	os_epoch_drain();
	a = lab_new_map(rt, "a");
	tap_ok(a->obj.id == 3, "ids are not given twice");
	ebpf_map_put(a);
	ebpf_map_put(b);
	ebpf_map_put(NULL);
	ebpf_runtime_destroy(rt);
}

static void
test_names(void)
{
	struct ebpf_runtime *rt = lab_new_runtime(0);
	struct ebpf_map *map;
	char name[80];

	memset(name, 'n', sizeof(name));
	name[63] = '\0';
	TAP_CHECK(lab_try_map(rt, name, 1, &map) == 0 &&
		  strcmp(map->obj.name, name) == 0);
	ebpf_map_put(map);
	name[63] = 'n';
	name[64] = '\0';
	TAP_CHECK(lab_try_map(rt, name, 1, &map) == -EBPF_ENAMETOOLONG);
	TAP_CHECK(lab_try_map(rt, "a/b", 1, &map) == -EBPF_EINVAL);
	TAP_CHECK(lab_try_map(rt, "a\nb", 1, &map) == -EBPF_EINVAL);
	TAP_CHECK(lab_try_map(rt, "a\x7f", 1, &map) == -EBPF_EINVAL);
	TAP_CHECK(lab_try_map(rt, "gr\xc3\xb6\xc3\x9f" "e", 1, &map) == 0);
	ebpf_map_put(map);
	TAP_CHECK(lab_try_map(rt, NULL, 1, &map) == 0 && !map->obj.name[0]);
	ebpf_map_put(map);
	ebpf_runtime_destroy(rt);
}

static void
test_memory(void)
{
	struct ebpf_runtime *rt = lab_new_runtime(3 << 19);
	struct ebpf_map *map, *big;

	TAP_CHECK(lab_try_map(rt, "", 1000, &map) == 0);
	TAP_CHECK(os_load(&rt->mem_used) >= 8000 &&
		  os_load(&rt->mem_used) == map->obj.mem_bytes);
	TAP_CHECK(lab_try_map(rt, "", 1 << 20, &big) == -EBPF_ENOMEM);
	tap_ok(lab_try_map(rt, "", 131072, &big) == 0, "up to the limit");
	ebpf_map_put(big);
	tap_ok(lab_try_map(rt, "", 131072, &big) == 0,
	       "what was just put back can be used again");
	ebpf_map_put(big);
	ebpf_map_put(map);
	os_epoch_drain();
	tap_ok(os_load(&rt->mem_used) == 0, "in the end nothing is charged");
	TAP_CHECK(ebpf_charge(&lab_new_map(rt, "")->obj, UINT64_MAX) ==
		  -EBPF_ENOMEM);
	ebpf_runtime_destroy(rt);
}

static bool
next_pin(struct ebpf_runtime *rt, char pin[EBPF_PIN_SIZE], const char *prefix,
	 uint32_t kind, uint32_t id)
{
	char after[EBPF_PIN_SIZE];

	memcpy(after, pin, sizeof(after));
	return ebpf_pin_next(rt, after, prefix, &kind, &id, pin) == 0;
}

static void
test_pins(void)
{
	static const char *const bad[] = { "",	   "/a", "a/",	 "a//b", ".",
					   "a/..", "..", "a/./b", "a\tb" };
	struct ebpf_runtime *rt = lab_new_runtime(0);
	struct ebpf_map *a = lab_new_map(rt, "a"), *b = lab_new_map(rt, "b");
	struct ebpf_prog *prog = lab_new_prog(rt, EBPF_PROG_RAW);
	struct ebpf_object *obj;
	char pin[EBPF_PIN_SIZE + 1] = "";
	uint64_t used = os_load(&rt->mem_used);
	uint32_t a_id = a->obj.id, prog_id = prog->obj.id, i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(ebpf_pin_set(&a->obj, bad[i], false) == -EBPF_EINVAL,
		       "no pin called \"%s\"", i == 8 ? "(tab)" : bad[i]);
	memset(pin, 'p', EBPF_PIN_SIZE);
	TAP_CHECK(ebpf_pin_set(&a->obj, pin, false) == -EBPF_ENAMETOOLONG);
	pin[EBPF_PIN_SIZE - 1] = '\0';
	TAP_CHECK(ebpf_pin_set(&a->obj, pin, false) == 0);
	TAP_CHECK(ebpf_pin_remove(rt, pin) == 0);
	TAP_CHECK(ebpf_pin_remove(rt, pin) == -EBPF_ENOENT);
	tap_ok(os_load(&rt->mem_used) == used, "a pin's memory is returned");

	TAP_CHECK(ebpf_pin_set(&b->obj, "net/b", false) == 0);
	TAP_CHECK(ebpf_pin_set(&a->obj, "net/a", false) == 0);
	TAP_CHECK(ebpf_pin_set(&a->obj, "a...", false) == 0);
	TAP_CHECK(ebpf_pin_set(&prog->obj, "nets", false) == 0);
	TAP_CHECK(ebpf_pin_set(&b->obj, "net/a", false) == -EBPF_EEXIST);
	TAP_CHECK(ebpf_pin_set(&prog->obj, "net/a", true) == -EBPF_EEXIST);

	ebpf_map_put(a);
	ebpf_prog_put(prog);
	os_epoch_drain();
	TAP_CHECK(ebpf_pin_get(rt, "net/a", &obj) == 0 && obj == &a->obj &&
		  obj->id == a_id);
	ebpf_object_put(obj);
	TAP_CHECK(ebpf_pin_get(rt, "net", &obj) == -EBPF_ENOENT);

	strcpy(pin, "");
	TAP_CHECK(next_pin(rt, pin, "", 0, 0) && !strcmp(pin, "a..."));
	TAP_CHECK(next_pin(rt, pin, "", 0, 0) && !strcmp(pin, "net/a"));
	TAP_CHECK(next_pin(rt, pin, "", 0, 0) && !strcmp(pin, "net/b"));
	TAP_CHECK(next_pin(rt, pin, "", 0, 0) && !strcmp(pin, "nets"));
	TAP_CHECK(!next_pin(rt, pin, "", 0, 0));
	strcpy(pin, "");
	TAP_CHECK(next_pin(rt, pin, "net/", 0, 0) && !strcmp(pin, "net/a"));
	TAP_CHECK(next_pin(rt, pin, "net/", 0, 0) && !strcmp(pin, "net/b"));
	TAP_CHECK(!next_pin(rt, pin, "net/", 0, 0));
	strcpy(pin, "");
	TAP_CHECK(next_pin(rt, pin, "", EBPF_OBJ_MAP, a_id) &&
		  next_pin(rt, pin, "", EBPF_OBJ_MAP, a_id) &&
		  !strcmp(pin, "net/a") &&
		  !next_pin(rt, pin, "", EBPF_OBJ_MAP, a_id));
	strcpy(pin, "");
	TAP_CHECK(next_pin(rt, pin, "", EBPF_OBJ_PROG, 0) &&
		  !strcmp(pin, "nets"));
	strcpy(pin, "b");
	tap_ok(next_pin(rt, pin, "", 0, 0) && !strcmp(pin, "net/a"),
	       "next after a name that is no pin");

	tap_ok(ebpf_pin_set(&b->obj, "net/a", true) == 0 &&
	       ebpf_pin_set(&b->obj, "a...", true) == 0, "pins move");
	os_epoch_drain();
	tap_ok(!ebpf_object_by_id(rt, EBPF_OBJ_MAP, a_id),
	       "and what they left goes");
	TAP_CHECK(ebpf_pin_remove(rt, "nets") == 0);
	os_epoch_drain();
	TAP_CHECK(!ebpf_object_by_id(rt, EBPF_OBJ_PROG, prog_id));
	ebpf_map_put(b);
	ebpf_runtime_destroy(rt);
}

/* ---- many threads on one runtime ---- */

static struct ebpf_runtime *race_rt;
static uint32_t race_errors;

static void *
race_thread(void *arg)
{
	uint32_t number = (uint32_t)(uintptr_t)arg, i, id;
	struct ebpf_object *obj;
	struct ebpf_map *map;
	char pin[EBPF_PIN_SIZE];

	for (i = 0; i < 300; i++) {
		map = lab_new_map(race_rt, "race");
		snprintf(pin, sizeof(pin), "race/%u", i % 7);
		ebpf_pin_set(&map->obj, pin, number % 2 == 0);
		id = map->obj.id;
		ebpf_map_put(map);
		obj = ebpf_object_by_id(race_rt, EBPF_OBJ_MAP, id);
		if (obj && (obj->id != id || obj->kind != EBPF_OBJ_MAP))
			os_add_relaxed(&race_errors, 1);
		ebpf_object_put(obj);
		for (id = 0; (obj = ebpf_object_next(race_rt, EBPF_OBJ_MAP,
						     id)) != NULL;) {
			if (obj->id <= id)
				os_add_relaxed(&race_errors, 1);
			id = obj->id;
			ebpf_object_put(obj);
		}
		if (ebpf_pin_get(race_rt, pin, &obj) == 0)
			ebpf_object_put(obj);
		if (i % 3 == 0)
			ebpf_pin_remove(race_rt, pin);
	}
	return NULL;
}

static void
test_race(void)
{
	pthread_t threads[4];
	uint64_t live = os_test_live();
	uintptr_t i;

	race_rt = lab_new_runtime(0);
	for (i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, race_thread,
				   (void *)i) != 0)
			abort();
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	tap_ok(race_errors == 0, "objects stay whole under four threads");
	TAP_CHECK(ebpf_object_count(race_rt, EBPF_OBJ_MAP) <= 7);
	ebpf_runtime_destroy(race_rt);
	TAP_CHECK(os_test_live() == live);
}

/* ---- making a runtime without memory ---- */

static void
test_create(void)
{
	struct {
		struct ebpf_runtime_config config;
		uint64_t more;
	} later = { .config = { .size = sizeof(later) } };
	uint64_t live = os_test_live();
	struct ebpf_runtime *rt = NULL;
	uint32_t n, failed = 0;
	int error;

	for (n = 1;; n++) {
		os_test_fail_at(n);
		error = ebpf_runtime_create(NULL, &rt);
		if (!os_test_failed())
			break;
		failed += error == -EBPF_ENOMEM && !rt &&
			  os_test_live() == live;
	}
	os_test_fail_at(0);
	tap_ok(failed == n - 1 && n > 2, "%u ways to have no memory", n - 1);
	TAP_CHECK(error == 0);
	ebpf_runtime_destroy(rt);
	ebpf_runtime_destroy(NULL);
	TAP_CHECK(os_test_live() == live);

	tap_ok(ebpf_runtime_create(&later.config, &rt) == 0,
	       "a later version's config of zeros is understood");
	ebpf_runtime_destroy(rt);
	later.more = 1;
	TAP_CHECK(ebpf_runtime_create(&later.config, &rt) == -EBPF_EINVAL);
	later.config.size = 2;
	TAP_CHECK(ebpf_runtime_create(&later.config, &rt) == -EBPF_EINVAL);
	later.config.size = 12;
	later.config.no_jit = 1;
	later.config.no_interp = 1;
	tap_ok(ebpf_runtime_create(&later.config, &rt) == -EBPF_EINVAL,
	       "one engine must be allowed");
}

int
main(void)
{
	test_create();
	test_ids();
	test_names();
	test_memory();
	test_pins();
	test_race();
	return tap_done();
}
