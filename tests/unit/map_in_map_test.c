/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps of maps: what may be a template and an element, ids in and out, who
 * keeps whom alive and until when, and that no failed allocation leaks.
 */
#include <string.h>

#include "map_lab.h"
#include "tap.h"

static void
test_template(void)
{
	struct ebpf_map *array = maps_make(EBPF_MAP_ARRAY, 4, 8, 3, 0);
	struct ebpf_map *progs = maps_make(EBPF_MAP_PROG_ARRAY, 4, 4, 3, 0);
	struct ebpf_map *outer, *map;
	uint32_t kind;

	for (kind = EBPF_MAP_ARRAY_OF_MAPS; kind <= EBPF_MAP_HASH_OF_MAPS;
	     kind++) {
		TAP_CHECK(maps_create(kind, 4, 4, 2, 0, NULL, &map) ==
			  -EBPF_EINVAL);
		TAP_CHECK(maps_create(kind, 4, 8, 2, 0, array, &map) ==
			  -EBPF_EINVAL);
		TAP_CHECK(maps_create(kind, 4, 4, 0, 0, array, &map) ==
			  -EBPF_EINVAL);
		TAP_CHECK(maps_create(kind, 4, 4, 2, 0, progs, &map) ==
			  -EBPF_EUNSUPPORTED);
		TAP_CHECK(maps_create(kind, 4, 4, 2, 0, array, &outer) == 0);
		TAP_CHECK(array->obj.refs == 1);
		TAP_CHECK(outer->inner->ops == array->ops &&
			  outer->inner->value_size == 8 &&
			  outer->inner->max_entries == 3);
		TAP_CHECK(maps_create(kind, 4, 4, 2, 0, outer, &map) ==
			  -EBPF_EINVAL);
		ebpf_map_put(outer);
	}
	TAP_CHECK(maps_create(EBPF_MAP_ARRAY_OF_MAPS, 8, 4, 2, 0, array,
			      &map) == -EBPF_EINVAL);
	TAP_CHECK(maps_create(EBPF_MAP_HASH_OF_MAPS, 8, 4, 2, 0, array,
			      &map) == 0);
	ebpf_map_put(map);
	TAP_CHECK(maps_create(EBPF_MAP_HASH, 4, 4, 2, 0, array, &map) ==
		  -EBPF_EINVAL);
	ebpf_map_put(array);
	ebpf_map_put(progs);
}

/* Which maps may be elements of an outer map with that template? */
static void
test_fits(void)
{
	static const struct {
		const char *what;
		uint32_t kind, value, entries, flags, error;
	} cases[] = {
		{ "same", EBPF_MAP_ARRAY, 8, 3, 0, 0 },
		{ "other length", EBPF_MAP_ARRAY, 8, 4, 0, EBPF_EINVAL },
		{ "other value", EBPF_MAP_ARRAY, 12, 3, 0, EBPF_EINVAL },
		{ "other flags", EBPF_MAP_ARRAY, 8, 3, EBPF_F_RDONLY_PROG,
		  EBPF_EINVAL },
		{ "other kind", EBPF_MAP_HASH, 8, 3, 0, EBPF_EINVAL },
	};
	struct ebpf_map *template = maps_make(EBPF_MAP_ARRAY, 4, 8, 3, 0);
	struct ebpf_map *hash = maps_make(EBPF_MAP_HASH, 4, 8, 3, 0);
	struct ebpf_map *outer, *map;
	uint32_t i, key = 0;

	TAP_CHECK(maps_create(EBPF_MAP_ARRAY_OF_MAPS, 4, 4, 1, 0, template,
			 &outer) == 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		map = maps_make(cases[i].kind, 4, cases[i].value,
				cases[i].entries, cases[i].flags);
		tap_ok(ebpf_map_write(outer, &key, &map->obj.id, 0) ==
			       -(int)cases[i].error,
		       "array: %s", cases[i].what);
		TAP_CHECK(map->obj.refs == (cases[i].error ? 1 : 2));
		ebpf_map_put(map);
	}
	ebpf_map_put(outer);

	/* hashes of any size */
	TAP_CHECK(maps_create(EBPF_MAP_ARRAY_OF_MAPS, 4, 4, 1, 0, hash,
			      &outer) == 0);
	map = maps_make(EBPF_MAP_HASH, 4, 8, 1000, 0);
	TAP_CHECK(ebpf_map_write(outer, &key, &map->obj.id, 0) == 0);
	ebpf_map_put(map);
	ebpf_map_put(outer);

	/* arrays of any size, when the template said so */
	ebpf_map_put(template);
	template = maps_make(EBPF_MAP_ARRAY, 4, 8, 3, EBPF_F_INNER_MAP);
	TAP_CHECK(maps_create(EBPF_MAP_ARRAY_OF_MAPS, 4, 4, 1, 0, template,
			 &outer) == 0);
	map = maps_make(EBPF_MAP_ARRAY, 4, 8, 77, EBPF_F_INNER_MAP);
	TAP_CHECK(ebpf_map_write(outer, &key, &map->obj.id, 0) == 0);
	ebpf_map_put(map);
	map = maps_make(EBPF_MAP_ARRAY, 4, 8, 3, 0);
	TAP_CHECK(ebpf_map_write(outer, &key, &map->obj.id, 0) ==
		  -EBPF_EINVAL);
	ebpf_map_put(map);
	ebpf_map_put(outer);
	ebpf_map_put(template);
	ebpf_map_put(hash);
}

static void
test_elements(uint32_t kind)
{
	bool is_array = kind == EBPF_MAP_ARRAY_OF_MAPS;
	struct ebpf_map *a = maps_make(EBPF_MAP_HASH, 4, 8, 5, 0);
	struct ebpf_map *b = maps_make(EBPF_MAP_HASH, 4, 8, 6, 0);
	struct ebpf_map *outer;
	uint32_t key = 1, value, id_a = a->obj.id, id_b = b->obj.id, n = 8;
	uint32_t out[16];
	uint64_t cursor = 0;
	struct os_epoch section;
	bool done;

	TAP_CHECK(maps_create(kind, 4, 4, 2, 0, a, &outer) == 0);
	TAP_CHECK(ebpf_map_user_value_size(outer) == 4);
	TAP_CHECK(ebpf_map_read(outer, &key, &value) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_remove(outer, &key) == -EBPF_ENOENT);
	value = 0;
	TAP_CHECK(ebpf_map_write(outer, &key, &value, 0) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_write(outer, &key, &outer->obj.id, 0) ==
		  -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(outer, &key, &id_a, EBPF_EXIST) ==
		  (is_array ? -EBPF_EINVAL : -EBPF_ENOENT));
	TAP_CHECK(a->obj.refs == 1);
	TAP_CHECK(ebpf_map_write(outer, &key, &id_a, 0) == 0);
	TAP_CHECK(a->obj.refs == 2 && outer->ops->count(outer) == 1);
	TAP_CHECK(ebpf_map_read(outer, &key, &value) == 0 && value == id_a);
	TAP_CHECK(ebpf_map_write(outer, &key, &id_b, EBPF_NOEXIST) ==
		  (is_array ? -EBPF_EINVAL : -EBPF_EEXIST));
	TAP_CHECK(b->obj.refs == 1);
	TAP_CHECK(ebpf_map_find(outer, &key) == a);
	TAP_CHECK(ebpf_map_walk(outer, &cursor, &n, out, &done) == 0 && done &&
		  n == 1 && out[0] == key && out[1] == id_a);

	/* replaced: the old one goes when nobody else holds it */
	ebpf_map_put(a);
	os_epoch_enter(&section);
	TAP_CHECK(ebpf_map_find(outer, &key) == a);
	TAP_CHECK(ebpf_map_write(outer, &key, &id_b, 0) == 0);
	TAP_CHECK(a->key_size == 4); /* not freed inside a section */
	os_epoch_exit(&section);
	os_epoch_drain();
	TAP_CHECK(ebpf_object_by_id(maps_rt, EBPF_OBJ_MAP, id_a) == NULL);
	TAP_CHECK(b->obj.refs == 2);

	key = 2;
	TAP_CHECK(ebpf_map_write(outer, &key, &id_b, 0) ==
		  (is_array ? -EBPF_E2BIG : 0));
	key = 3;
	TAP_CHECK(ebpf_map_write(outer, &key, &id_b, 0) == -EBPF_E2BIG);
	key = 0;
	TAP_CHECK(ebpf_map_write(outer, &key, &id_b, 0) ==
		  (is_array ? 0 : -EBPF_E2BIG));
	key = 1;
	TAP_CHECK(ebpf_map_next(outer, NULL, &value) == 0);
	TAP_CHECK(b->obj.refs == 3);
	TAP_CHECK(ebpf_map_remove(outer, &key) == 0 && b->obj.refs == 2);
	TAP_CHECK(ebpf_map_find(outer, &key) == NULL);

	/* the outer map's end lets go of the rest */
	ebpf_map_put(outer);
	os_epoch_drain();
	TAP_CHECK(b->obj.refs == 1);
	ebpf_map_put(b);
	os_epoch_drain();
	TAP_CHECK(maps_rt->mem_used == 0);
}

static void
test_failing(uint32_t kind)
{
	struct ebpf_map *inner = maps_make(EBPF_MAP_HASH, 4, 8, 5, 0);
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 9,
		.inner = inner,
	};

	maps_failing(&spec, 3);
	ebpf_map_put(inner);
}

int
main(void)
{
	struct ebpf_map *inner, *outer;
	uint32_t key = 0;

	if (!maps_begin())
		return 1;
	test_template();
	test_fits();
	test_elements(EBPF_MAP_ARRAY_OF_MAPS);
	test_elements(EBPF_MAP_HASH_OF_MAPS);
	test_failing(EBPF_MAP_ARRAY_OF_MAPS);
	test_failing(EBPF_MAP_HASH_OF_MAPS);
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(maps_rt, EBPF_OBJ_MAP) == 0);

	/* handles that were never put back, an inner map among them */
	outer = maps_make(EBPF_MAP_HASH, 4, 8, 5, 0);
	TAP_CHECK(maps_create(EBPF_MAP_HASH_OF_MAPS, 4, 4, 9, 0, outer,
			      &outer) == 0);
	inner = maps_make(EBPF_MAP_HASH, 4, 8, 5, 0);
	TAP_CHECK(ebpf_map_write(outer, &key, &inner->obj.id, 0) == 0);
	ebpf_map_put(inner);
	return maps_destroy();
}
