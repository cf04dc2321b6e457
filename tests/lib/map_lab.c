/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What tests of maps share, see map_lab.h. */
#include "map_lab.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

struct ebpf_runtime *maps_rt;

static uint64_t live_before;

bool
maps_begin(void)
{
	live_before = os_test_live();
	return ebpf_runtime_create(NULL, &maps_rt) == 0;
}

int
maps_end(void)
{
	os_epoch_drain();
	TAP_CHECK(maps_rt->mem_used == 0);
	TAP_CHECK(ebpf_object_count(maps_rt, EBPF_OBJ_MAP) == 0);
	return maps_destroy();
}

int
maps_destroy(void)
{
	ebpf_runtime_destroy(maps_rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live_before, "nothing is left");
	return tap_done();
}

int
maps_create(uint32_t kind, uint32_t key_size, uint32_t value_size,
	    uint32_t max_entries, uint32_t flags, struct ebpf_map *inner,
	    struct ebpf_map **map)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
		.flags = flags,
		.name = "m",
		.inner = inner,
	};

	return ebpf_map_create(maps_rt, &spec, map);
}

struct ebpf_map *
maps_make(uint32_t kind, uint32_t key_size, uint32_t value_size,
	  uint32_t max_entries, uint32_t flags)
{
	struct ebpf_map *map;
	int error = maps_create(kind, key_size, value_size, max_entries, flags,
				NULL, &map);

	if (error == 0)
		return map;
	tap_diag("kind %u key %u value %u entries %u: %s", kind, key_size,
		 value_size, max_entries, ebpf_error_name(error));
	return NULL;
}

void
maps_failing(const struct ebpf_map_spec *spec, uint32_t allocs_min)
{
	uint64_t live, used;
	struct ebpf_map *map;
	bool good = true;
	uint32_t n;
	int error;

	os_epoch_drain();
	used = maps_rt->mem_used;
	for (n = 1;; n++) {
		live = os_test_live();
		os_test_fail_at(n);
		error = ebpf_map_create(maps_rt, spec, &map);
		if (!os_test_failed())
			break;
		good = good && error == -EBPF_ENOMEM && map == NULL;
		os_epoch_drain();
		good = good && os_test_live() == live &&
		       maps_rt->mem_used == used;
	}
	os_test_fail_at(0);
	tap_ok(good && error == 0 && n > allocs_min,
	       "kind %u: %u allocations, each may fail", spec->kind, n - 1);
	if (error == 0)
		ebpf_map_put(map);
	os_epoch_drain();
}

void
maps_fill(uint8_t *bytes, size_t size, uint32_t number, uint8_t salt)
{
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = i < 4 ? (uint8_t)(number >> (8 * i)) :
				   (uint8_t)(number * 31 + i * 7 + salt);
}

int
maps_put(struct ebpf_map *map, const void *key, const void *value,
	 uint64_t flags)
{
	int error;

	while ((error = ebpf_map_write(map, key, value, flags)) ==
	       -EBPF_EAGAIN)
		os_epoch_drain();
	return error;
}

bool
maps_walk(struct ebpf_map *map, uint32_t step, uint8_t salt, uint8_t *seen,
	  uint32_t seen_max, uint32_t *total)
{
	uint32_t user = ebpf_map_user_value_size(map), n, i, number;
	size_t element = (size_t)map->key_size + user;
	uint8_t *out = malloc(step * element), *expect = malloc(element);
	uint64_t cursor = 0;
	bool done = false, good = true;

	*total = 0;
	while (!done) {
		n = step;
		if (ebpf_map_walk(map, &cursor, &n, out, &done) != 0 ||
		    (n < step && !done)) {
			good = false;
			break;
		}
		for (i = 0; i < n; i++) {
			number = 0;
			memcpy(&number, out + i * element,
			       map->key_size < 4 ? map->key_size : 4);
			maps_fill(expect, map->key_size, number, 1);
			good = good && number < seen_max &&
			       memcmp(expect, out + i * element,
				      map->key_size) == 0;
			if (number < seen_max)
				seen[number]++;
			if (salt != 0) {
				maps_fill(expect, map->value_size, number,
					  salt);
				good = good &&
				       memcmp(expect,
					      out + i * element + map->key_size,
					      map->value_size) == 0;
			}
		}
		*total += n;
	}
	free(expect);
	free(out);
	return good;
}
