/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What all kinds of maps promise: creation and its refusals, what users' flags
 * and freezing allow, memory that is shared, and that no failed allocation
 * leaks or half-makes anything. What one kind promises: map_array_test.c and
 * others.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "map_lab.h"
#include "tap.h"

static void
test_create(void)
{
	static const struct {
		const char *what;
		uint32_t kind, key, value, entries, flags;
		int error;
	} cases[] = {
		{ "hash", EBPF_MAP_HASH, 4, 8, 16, 0, 0 },
		{ "array", EBPF_MAP_ARRAY, 4, 8, 16, 0, 0 },
		{ "percpu_hash", EBPF_MAP_PERCPU_HASH, 4, 8, 16, 0, 0 },
		{ "percpu_array", EBPF_MAP_PERCPU_ARRAY, 4, 8, 16, 0, 0 },
		{ "prog_array", EBPF_MAP_PROG_ARRAY, 4, 4, 16, 0, 0 },
		{ "lru_hash", EBPF_MAP_LRU_HASH, 4, 8, 16, 0, 0 },
		{ "lru_hash no common", EBPF_MAP_LRU_HASH, 4, 8, 16,
		  EBPF_F_NO_COMMON_LRU, 0 },
		{ "lru_hash no_prealloc", EBPF_MAP_LRU_HASH, 4, 8, 16,
		  EBPF_F_NO_PREALLOC, -EBPF_EUNSUPPORTED },
		{ "lru_percpu_hash", EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 16, 0, 0 },
		{ "no such kind", 999, 4, 8, 16, 0, -EBPF_EUNSUPPORTED },
		{ "kind of Linux alone", EBPF_MAP_SOCKMAP, 4, 8, 16, 0,
		  -EBPF_EUNSUPPORTED },
		{ "hash key 0", EBPF_MAP_HASH, 0, 8, 16, 0, -EBPF_EINVAL },
		{ "hash value 0", EBPF_MAP_HASH, 4, 0, 16, 0, -EBPF_EINVAL },
		{ "hash entries 0", EBPF_MAP_HASH, 4, 8, 0, 0, -EBPF_EINVAL },
		{ "hash key 512", EBPF_MAP_HASH, 512, 8, 4, 0, 0 },
		{ "hash key 513", EBPF_MAP_HASH, 513, 8, 4, 0, 0 },
		{ "hash element 4 MiB", EBPF_MAP_HASH, 1 << 20, 3 << 20, 4, 0,
		  -EBPF_E2BIG },
		{ "hash value huge", EBPF_MAP_HASH, 4, 0xffffffff, 1, 0,
		  -EBPF_E2BIG },
		{ "hash entries huge", EBPF_MAP_HASH, 4, 8, 0xffffffff, 0,
		  -EBPF_E2BIG },
		{ "hash no_prealloc", EBPF_MAP_HASH, 4, 8, 16,
		  EBPF_F_NO_PREALLOC, 0 },
		{ "hash zero seed", EBPF_MAP_HASH, 4, 8, 16, EBPF_F_ZERO_SEED,
		  0 },
		{ "hash mmapable", EBPF_MAP_HASH, 4, 8, 16, EBPF_F_MMAPABLE,
		  -EBPF_EINVAL },
		{ "unknown flag", EBPF_MAP_HASH, 4, 8, 16, 1u << 31,
		  -EBPF_EINVAL },
		{ "read-only and write-only", EBPF_MAP_HASH, 4, 8, 16,
		  EBPF_F_RDONLY | EBPF_F_WRONLY, -EBPF_EINVAL },
		{ "the same for programs", EBPF_MAP_HASH, 4, 8, 16,
		  EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG, -EBPF_EINVAL },
		{ "array key 8", EBPF_MAP_ARRAY, 8, 8, 16, 0, -EBPF_EINVAL },
		{ "array value 0", EBPF_MAP_ARRAY, 4, 0, 16, 0, -EBPF_EINVAL },
		{ "array entries 0", EBPF_MAP_ARRAY, 4, 8, 0, 0, -EBPF_EINVAL },
		{ "array entries huge", EBPF_MAP_ARRAY, 4, 8, 0xffffffff, 0,
		  -EBPF_E2BIG },
		{ "array value huge", EBPF_MAP_ARRAY, 4, 0xffffffff, 1, 0,
		  -EBPF_E2BIG },
		{ "array mmapable", EBPF_MAP_ARRAY, 4, 8, 1, EBPF_F_MMAPABLE,
		  0 },
		{ "percpu_array value 32K", EBPF_MAP_PERCPU_ARRAY, 4, 32768, 1,
		  0, 0 },
		{ "percpu_array value above", EBPF_MAP_PERCPU_ARRAY, 4, 32769,
		  1, 0, -EBPF_E2BIG },
		{ "percpu_hash value above", EBPF_MAP_PERCPU_HASH, 4, 32769, 1,
		  0, -EBPF_E2BIG },
		{ "prog_array value 8", EBPF_MAP_PROG_ARRAY, 4, 8, 1, 0,
		  -EBPF_EINVAL },
		{ "prog_array read-only prog", EBPF_MAP_PROG_ARRAY, 4, 4, 1,
		  EBPF_F_RDONLY_PROG, -EBPF_EINVAL },
	};
	struct ebpf_map_spec spec;
	struct ebpf_map *map;
	uint64_t used;
	uint32_t i;
	int error;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&spec, 0, sizeof(spec));
		spec.size = sizeof(spec);
		spec.kind = cases[i].kind;
		spec.key_size = cases[i].key;
		spec.value_size = cases[i].value;
		spec.max_entries = cases[i].entries;
		spec.flags = cases[i].flags;
		map = (void *)1;
		error = ebpf_map_create(maps_rt, &spec, &map);
		tap_ok(error == cases[i].error && (error == 0) == (map != NULL),
		       "create %s: %s", cases[i].what,
		       error == 0 ? "made" : ebpf_error_name(error));
		if (error == 0)
			ebpf_map_put(map);
	}
	os_epoch_drain();
	TAP_CHECK(maps_rt->mem_used == 0);

	memset(&spec, 0, sizeof(spec));
	spec.size = sizeof(spec);
	spec.kind = EBPF_MAP_HASH;
	spec.key_size = spec.value_size = spec.max_entries = 4;
	spec.pad = 1;
	TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == -EBPF_EINVAL);
	spec.pad = 0;
	spec.btf_key_type = 1; /* of no BTF */
	TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == -EBPF_EINVAL);
	spec.btf_key_type = 0;
	spec.name = "a/b";
	TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == -EBPF_EINVAL);
	spec.name = NULL;
	spec.size = 1;
	TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == -EBPF_EINVAL);
	spec.size = offsetof(struct ebpf_map_spec, name);
	TAP_CHECK(ebpf_map_create(maps_rt, &spec, &map) == 0);
	used = maps_rt->mem_used;
	TAP_CHECK(used >= sizeof(*map) && used == map->obj.mem_bytes);

	maps_rt->config.mem_max = used + 1000;
	spec.max_entries = 1 << 20;
	{
		struct ebpf_map *big;
		uint64_t live = os_test_live();

		TAP_CHECK(ebpf_map_create(maps_rt, &spec, &big) ==
			  -EBPF_ENOMEM);
		TAP_CHECK(os_test_live() == live && maps_rt->mem_used == used);
	}
	maps_rt->config.mem_max = 0;
	ebpf_map_put(map);
	os_epoch_drain();
	TAP_CHECK(maps_rt->mem_used == 0);
}

/* ---- what users' flags and freezing allow ---- */

static void
test_modes(void)
{
	static const uint32_t kinds[] = { EBPF_MAP_HASH, EBPF_MAP_ARRAY,
					  EBPF_MAP_PERCPU_HASH,
					  EBPF_MAP_PERCPU_ARRAY };
	uint32_t i, key = 0, n, next;
	struct ebpf_map *map;
	uint8_t *value;
	uint64_t cursor;
	bool done;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		map = maps_make(kinds[i], 4, 8, 4, EBPF_F_RDONLY);
		value = calloc(64, ebpf_map_user_value_size(map));
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_read(map, &key, value) != -EBPF_EACCES);
		ebpf_map_put(map);

		map = maps_make(kinds[i], 4, 8, 4, EBPF_F_WRONLY);
		cursor = 0;
		n = 1;
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == 0);
		TAP_CHECK(ebpf_map_read(map, &key, value) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_next(map, NULL, &next) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_walk(map, &cursor, &n, value, &done) ==
				  -EBPF_EACCES &&
			  n == 0);
		ebpf_map_put(map);

		map = maps_make(kinds[i], 4, 8, 4, EBPF_F_RDONLY_PROG);
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == 0);
		TAP_CHECK(ebpf_map_freeze(map) == 0);
		TAP_CHECK(ebpf_map_freeze(map) == -EBPF_EBUSY);
		TAP_CHECK(ebpf_map_write(map, &key, value, 0) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_remove(map, &key) == -EBPF_EACCES);
		TAP_CHECK(ebpf_map_read(map, &key, value) == 0);
		TAP_CHECK(map->writers == 0);
		ebpf_map_put(map);
		free(value);
	}
	map = maps_make(EBPF_MAP_HASH, 4, 8, 4, 0);
	map->writers = 1; /* as if a user were in the middle of a write */
	TAP_CHECK(ebpf_map_freeze(map) == -EBPF_EBUSY && map->frozen == 0);
	map->writers = 0;
	TAP_CHECK(ebpf_map_freeze(map) == 0);
	ebpf_map_put(map);
}

/* A user who writes until it is forbidden; wrote: so often. */
struct busy_writer {
	struct ebpf_map *map;
	uint64_t wrote; /* atomic */
	int error;
	bool many;
};

static void *
busy_write(void *arg)
{
	struct busy_writer *w = arg;
	struct {
		uint32_t key;
		uint8_t value[8];
	} element = { 0 };
	uint64_t value;
	uint32_t n;

	do {
		value = w->wrote + 1;
		memcpy(element.value, &value, 8);
		n = 1;
		w->error = w->many ?
			ebpf_map_write_many(w->map, &element, &n, 0) :
			ebpf_map_write(w->map, &element.key, element.value, 0);
		if (w->error == 0)
			os_store(&w->wrote, value);
	} while (w->error == 0);
	return NULL;
}

/* On return of a freeze the last write has been made, and is the last. */
static void
test_freeze_while_written(enum ebpf_map_kind kind)
{
	uint64_t at_once, later, round, wrong = 0;
	struct busy_writer w;
	uint32_t key = 0;
	pthread_t thread;

	for (round = 0; round < 60; round++) {
		w = (struct busy_writer){ .many = round % 2 };
		w.map = maps_make(kind, 4, 8, 4, EBPF_F_RDONLY_PROG);
		pthread_create(&thread, NULL, busy_write, &w);
		while (os_load(&w.wrote) < round % 3)
			sched_yield();
		wrong += ebpf_map_freeze(w.map) != 0;
		at_once = later = 0;
		wrong += round % 3 != 0 &&
			 ebpf_map_read(w.map, &key, &at_once) != 0;
		pthread_join(thread, NULL);
		if (round % 3 != 0)
			ebpf_map_read(w.map, &key, &later);
		wrong += at_once != later || w.error != -EBPF_EACCES ||
			 (round % 3 != 0 && later != w.wrote);
		ebpf_map_put(w.map);
	}
	tap_ok(wrong == 0, "kind %u: what is frozen is written no more", kind);
}

/* What a home that maps memory is told; see also chardev_share_test.c. */
static void
test_share(void)
{
	static const uint32_t read_only[] = { EBPF_F_RDONLY,
					      EBPF_F_RDONLY_PROG };
	struct ebpf_map *map = maps_make(EBPF_MAP_ARRAY, 4, 12, 4,
					 EBPF_F_MMAPABLE);
	uint32_t key = 1, i;
	uint8_t value[12];
	size_t size = 0;
	void *memory;

	TAP_CHECK(ebpf_map_share(map, true, &memory, &size) == 0 && size == 64);
	memcpy((uint8_t *)memory + 16, "twelve bytes", 12);
	TAP_CHECK(ebpf_map_read(map, &key, value) == 0 &&
		  memcmp(value, "twelve bytes", 12) == 0);
	ebpf_map_share_again(map, true);
	ebpf_map_unshare(map, true);
	TAP_CHECK(ebpf_map_freeze(map) == -EBPF_EBUSY && map->frozen == 0);
	ebpf_map_unshare(map, true);
	TAP_CHECK(ebpf_map_freeze(map) == 0);
	TAP_CHECK(ebpf_map_share(map, true, &memory, &size) == -EBPF_EACCES &&
		  map->writers == 0);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) == 0 &&
		  map->obj.refs == 2);
	ebpf_map_unshare(map, false);
	TAP_CHECK(map->obj.refs == 1);
	ebpf_map_put(map);
	for (i = 0; i < 2; i++) {
		map = maps_make(EBPF_MAP_ARRAY, 4, 8, 4,
				EBPF_F_MMAPABLE | read_only[i]);
		TAP_CHECK(ebpf_map_share(map, true, &memory, &size) ==
			  -EBPF_EACCES);
		TAP_CHECK(ebpf_map_share(map, false, &memory, &size) == 0);
		ebpf_map_unshare(map, false);
		ebpf_map_put(map);
	}
	map = maps_make(EBPF_MAP_ARRAY, 4, 8, 4,
			EBPF_F_MMAPABLE | EBPF_F_WRONLY);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) == -EBPF_EACCES);
	ebpf_map_put(map);
	map = maps_make(EBPF_MAP_ARRAY, 4, 8, 4, 0);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) ==
		  -EBPF_EUNSUPPORTED);
	ebpf_map_put(map);
	map = maps_make(EBPF_MAP_HASH, 4, 8, 4, 0);
	TAP_CHECK(ebpf_map_share(map, false, &memory, &size) ==
		  -EBPF_EUNSUPPORTED);
	ebpf_map_put(map);
}

/* ---- no memory ---- */

static void
test_failing(void)
{
	static const uint32_t kinds[] = { EBPF_MAP_HASH, EBPF_MAP_ARRAY,
					  EBPF_MAP_PERCPU_HASH,
					  EBPF_MAP_PERCPU_ARRAY,
					  EBPF_MAP_PROG_ARRAY,
					  EBPF_MAP_LRU_HASH,
					  EBPF_MAP_LRU_PERCPU_HASH };
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.key_size = 4,
		.value_size = 4,
		.max_entries = 100,
		.name = "failing",
	};
	uint32_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		spec.kind = kinds[i];
		maps_failing(&spec, 2);
	}
	TAP_CHECK(maps_rt->mem_used == 0);
}

int
main(void)
{
	if (!maps_begin())
		return 1;
	test_create();
	test_failing();
	test_modes();
	test_freeze_while_written(EBPF_MAP_HASH);
	test_freeze_while_written(EBPF_MAP_ARRAY);
	test_share();
	return maps_end();
}
