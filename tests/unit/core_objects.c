/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects from their making to their end: ids, references from many threads,
 * names, memory limits, pins, links on a hook made for the test, what a
 * runtime takes along when it goes. Maps and BTF stand for all objects.
 */
#include <pthread.h>
#include <stdlib.h>

#include "core/btf.h"
#include "core/link.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

static struct ebpf_runtime *
new_runtime(uint64_t mem_max)
{
	struct ebpf_runtime_config config = { .size = sizeof(config),
					      .trace_slots = 16,
					      .mem_max = mem_max };
	struct ebpf_runtime *rt;

	if (ebpf_runtime_create(&config, &rt) != 0)
		abort();
	return rt;
}

static int
try_map(struct ebpf_runtime *rt, const char *name, uint32_t entries,
	struct ebpf_map **map)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = EBPF_MAP_ARRAY, .key_size = 4,
		.value_size = 8, .max_entries = entries, .name = name,
	};

	return ebpf_map_create(rt, &spec, map);
}

static struct ebpf_map *
new_map(struct ebpf_runtime *rt, const char *name)
{
	struct ebpf_map *map;

	if (try_map(rt, name, 1, &map) != 0)
		abort();
	return map;
}

static struct ebpf_prog *
new_prog(struct ebpf_runtime *rt, uint32_t kind)
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

static void
test_ids(void)
{
	struct ebpf_runtime *rt = new_runtime(0);
	struct ebpf_map *a = new_map(rt, "a"), *b = new_map(rt, "b");
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
	a = new_map(rt, "a");
	tap_ok(a->obj.id == 3, "ids are not given twice");
	ebpf_map_put(a);
	ebpf_map_put(b);
	ebpf_map_put(NULL);
	ebpf_runtime_destroy(rt);
}

static void
test_names(void)
{
	struct ebpf_runtime *rt = new_runtime(0);
	struct ebpf_map *map;
	char name[80];

	memset(name, 'n', sizeof(name));
	name[63] = '\0';
	TAP_CHECK(try_map(rt, name, 1, &map) == 0 &&
		  strcmp(map->obj.name, name) == 0);
	ebpf_map_put(map);
	name[63] = 'n';
	name[64] = '\0';
	TAP_CHECK(try_map(rt, name, 1, &map) == -EBPF_ENAMETOOLONG);
	TAP_CHECK(try_map(rt, "a/b", 1, &map) == -EBPF_EINVAL);
	TAP_CHECK(try_map(rt, "a\nb", 1, &map) == -EBPF_EINVAL);
	TAP_CHECK(try_map(rt, "a\x7f", 1, &map) == -EBPF_EINVAL);
	TAP_CHECK(try_map(rt, "gr\xc3\xb6\xc3\x9f" "e", 1, &map) == 0);
	ebpf_map_put(map);
	TAP_CHECK(try_map(rt, NULL, 1, &map) == 0 && !map->obj.name[0]);
	ebpf_map_put(map);
	ebpf_runtime_destroy(rt);
}

static void
test_memory(void)
{
	struct ebpf_runtime *rt = new_runtime(3 << 19);
	struct ebpf_map *map, *big;

	TAP_CHECK(try_map(rt, "", 1000, &map) == 0);
	TAP_CHECK(os_load(&rt->mem_used) >= 8000 &&
		  os_load(&rt->mem_used) == map->obj.mem_bytes);
	TAP_CHECK(try_map(rt, "", 1 << 20, &big) == -EBPF_ENOMEM);
	tap_ok(try_map(rt, "", 131072, &big) == 0, "up to the limit");
	ebpf_map_put(big);
	tap_ok(try_map(rt, "", 131072, &big) == 0,
	       "what was just put back can be used again");
	ebpf_map_put(big);
	ebpf_map_put(map);
	os_epoch_drain();
	tap_ok(os_load(&rt->mem_used) == 0, "in the end nothing is charged");
	TAP_CHECK(ebpf_charge(&new_map(rt, "")->obj, UINT64_MAX) ==
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
	struct ebpf_runtime *rt = new_runtime(0);
	struct ebpf_map *a = new_map(rt, "a"), *b = new_map(rt, "b");
	struct ebpf_prog *prog = new_prog(rt, EBPF_PROG_RAW);
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
		map = new_map(race_rt, "race");
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

	race_rt = new_runtime(0);
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

/* ---- links ---- */

static struct ebpf_link *attached;
static uint32_t updates, detaches;
static int attach_error;

static int
fake_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	if (strcmp(link->target, "vale0") != 0)
		return -EBPF_ENOENT;
	if (attached && !replace)
		return -EBPF_EBUSY;
	if (attach_error)
		return attach_error;
	if (attached) {
		ebpf_link_gone(attached, EBPF_LINK_DETACHED);
		ebpf_link_put(attached);
	}
	ebpf_link_get(link);
	attached = link;
	return 0;
}

static int
fake_update(void *cookie, struct ebpf_link *link, struct ebpf_prog *prog)
{
	if (link != attached)
		return -EBPF_ESTALE;
	updates++;
	return 0;
}

static void
fake_detach(void *cookie, struct ebpf_link *link)
{
	if (link != attached)
		return;
	detaches++;
	attached = NULL;
	ebpf_link_put(link);
}

static const struct ebpf_hook_ops fake = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE,
	.attach = fake_attach,
	.update = fake_update,
	.detach = fake_detach,
};

/* The target goes by itself; the session's reference has gone before. */
static void
vanish(void)
{
	struct ebpf_link *link = attached;

	attached = NULL;
	ebpf_link_vanished(link);
	ebpf_link_put(link);
	os_epoch_drain();
}

static void
test_vanished(struct ebpf_runtime *rt, struct ebpf_prog *prog)
{
	struct ebpf_link *link, *next;
	struct ebpf_object *obj;

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	vanish();
	obj = ebpf_object_next(rt, EBPF_OBJ_LINK, 0);
	link = os_container(obj, struct ebpf_link, obj);
	tap_ok(obj && link->state == EBPF_LINK_STALE,
	       "a link whose target vanished stays to be seen");
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == -EBPF_ESTALE);
	TAP_CHECK(ebpf_link_detach(link) == 0);
	TAP_CHECK(ebpf_link_detach(link) == -EBPF_ESTALE);
	ebpf_object_put(obj);
	os_epoch_drain();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0,
	       "until it is let go");

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	vanish();
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &next) == 0);
	os_epoch_drain();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_LINK) == 1 &&
		       next->state == EBPF_LINK_ATTACHED,
	       "or another link is made for the target");
	TAP_CHECK(ebpf_link_detach(next) == 0);
	ebpf_link_put(next);

	/* what is off already is not kept */
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_gone(link, EBPF_LINK_DETACHED);
	ebpf_link_put(link);
	vanish();
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0);

	/* the hook takes it along when it leaves (test_links) */
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	vanish();
	detaches = 0;
}

static void
test_links(void)
{
	uint64_t live = os_test_live();
	struct ebpf_runtime *rt = new_runtime(0);
	struct ebpf_prog *one = new_prog(rt, EBPF_PROG_VALE), *prog;
	struct ebpf_prog *two = new_prog(rt, EBPF_PROG_VALE);
	struct ebpf_prog *raw = new_prog(rt, EBPF_PROG_RAW);
	struct ebpf_link *link, *other;
	char name[EBPF_NAME_SIZE + 1];
	uint32_t id;

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &link) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == 0);
	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == -EBPF_EEXIST);
	TAP_CHECK(ebpf_link_create(rt, 0, "vale0", one, false, 0, &link) ==
		  -EBPF_EINVAL);
	TAP_CHECK(ebpf_link_create(rt, 99, "vale0", one, false, 0, &link) ==
		  -EBPF_EINVAL);
	memset(name, 'v', sizeof(name));
	name[EBPF_NAME_SIZE] = '\0';
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, name, one, false, 0,
				   &link) == -EBPF_ENAMETOOLONG);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale1", one, false, 0,
				   &link) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", raw, false, 0,
				   &link) == -EBPF_EINVAL);
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0 && !attached,
	       "what failed left nothing");

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 5,
				   &link) == 0);
	TAP_CHECK(link->state == EBPF_LINK_ATTACHED && link->obj.uid == 5 &&
		  attached == link);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &other) == -EBPF_EBUSY);
	TAP_CHECK(ebpf_link_update(link, two, two) == -EBPF_EBUSY);
	TAP_CHECK(ebpf_link_update(link, raw, NULL) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_link_update(link, two, one) == 0 && updates == 1);
	prog = ebpf_link_prog(link);
	TAP_CHECK(prog == two);
	ebpf_prog_put(prog);

	id = link->obj.id;
	ebpf_link_put(link); /* the session ends */
	os_epoch_drain();
	link = os_container(ebpf_object_by_id(rt, EBPF_OBJ_LINK, id),
			    struct ebpf_link, obj);
	tap_ok(link == attached, "an attached link outlives its maker");

	attach_error = -EBPF_ENOMEM;
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, true, 0,
				   &other) == -EBPF_ENOMEM);
	TAP_CHECK(link->state == EBPF_LINK_ATTACHED && attached == link);
	attach_error = 0;
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, true, 0,
				   &other) == 0);
	tap_ok(link->state == EBPF_LINK_DETACHED && attached == other,
	       "a replaced link knows it");
	TAP_CHECK(ebpf_link_update(link, one, NULL) == -EBPF_ESTALE);
	TAP_CHECK(ebpf_link_detach(link) == -EBPF_ESTALE);
	ebpf_link_put(link);

	TAP_CHECK(ebpf_link_detach(other) == 0 && detaches == 1 && !attached);
	TAP_CHECK(ebpf_link_detach(other) == -EBPF_ESTALE);
	ebpf_link_put(other);

	test_vanished(rt, one);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &link) == 0);
	ebpf_hook_unregister(rt, EBPF_HOOK_VALE);
	tap_ok(link->state == EBPF_LINK_STALE && detaches == 1,
	       "a hook that goes lets its links go");
	ebpf_link_put(link);
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0);

	/* and a runtime that goes takes an attached link along */
	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == 0);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	ebpf_prog_put(one);
	ebpf_prog_put(two);
	ebpf_prog_put(raw);
	ebpf_runtime_destroy(rt);
	TAP_CHECK(!attached && os_test_live() == live);
}

/*
 * A seventeenth link takes over from the sixteenth, and the registry, which has
 * room for sixteen, must grow: whatever fails, the old one is attached as before.
 */
static void
test_replace_fails(void)
{
	uint64_t live = os_test_live(), before;
	struct ebpf_runtime *rt = new_runtime(0);
	struct ebpf_prog *prog = new_prog(rt, EBPF_PROG_VALE);
	struct ebpf_link *links[16], *link = NULL;
	uint32_t n, i, failed = 0;
	int error;

	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == 0);
	for (i = 0; i < 16; i++)
		TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog,
					   i != 0, 0, &links[i]) == 0);
	before = os_test_live();
	for (n = 1;; n++) {
		os_test_fail_at(n);
		error = ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog,
					 true, 0, &link);
		if (!os_test_failed())
			break;
		os_test_fail_at(0);
		os_epoch_drain();
		failed += error == -EBPF_ENOMEM && link == NULL &&
			  attached == links[15] &&
			  links[15]->state == EBPF_LINK_ATTACHED &&
			  ebpf_object_count(rt, EBPF_OBJ_LINK) == 16 &&
			  os_test_live() == before;
	}
	os_test_fail_at(0);
	tap_ok(failed == n - 1 && n > 2, "a link that has no memory for its "
	       "place in %u ways leaves the old one attached", n - 1);
	TAP_CHECK(error == 0 && attached == link &&
		  links[15]->state == EBPF_LINK_DETACHED);
	ebpf_link_put(link);
	for (i = 0; i < 16; i++)
		ebpf_link_put(links[i]);
	ebpf_prog_put(prog);
	ebpf_runtime_destroy(rt);
	TAP_CHECK(!attached && os_test_live() == live);
}

/* ---- programs and arrays that hold each other ---- */

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
	struct ebpf_runtime *rt = new_runtime(0);
	struct ebpf_map *map = new_prog_array(rt), *second;
	struct ebpf_prog *prog = new_jumper(rt, map), *leaf, *last;
	struct ebpf_section section;
	struct ebpf_vale_ctx { void *a, *b; uint64_t c; } ctx = { 0 };

	put_prog(map, 0, prog);
	leaf = new_prog(rt, EBPF_PROG_VALE);
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
	new_map(rt, "forgotten");
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

	race_rt = new_runtime(0);
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
	test_links();
	test_replace_fails();
	test_rings();
	test_ring_race();
	return tap_done();
}
