/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_table.h. */
#include "bench/bench_table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench_linux.h"
#include "core/os.h"

enum { BATCH = 4096 };

static void
make_key(const struct bench_table_spec *spec, uint64_t n, uint64_t key[2])
{
	key[0] = n;
	key[1] = 1;
	if (spec->key != NULL)
		spec->key(spec->cookie, n, key);
}

static int
fill_ours(const struct bench_table_spec *spec, struct ebpf_map *map)
{
	void *value = calloc(1, ebpf_map_user_value_size(map));
	uint64_t key[2];
	int error = value == NULL ? -EBPF_ENOMEM : 0;

	for (uint64_t n = 0; n < spec->filled && error == 0; n++) {
		make_key(spec, n, key);
		error = ebpf_map_write(map, key, value, EBPF_ANY);
	}
	free(value);
	return error;
}

/* Linux's value of a per-CPU map from outside is one for each possible CPU. */
static bool
is_percpu(uint32_t kind)
{
	return kind == EBPF_MAP_PERCPU_ARRAY || kind == EBPF_MAP_PERCPU_HASH ||
	       kind == EBPF_MAP_LRU_PERCPU_HASH;
}

static int
fill_singly(const struct bench_table_spec *spec, int map)
{
	uint64_t key[2];
	long cpus = is_percpu(spec->kind) ? sysconf(_SC_NPROCESSORS_CONF) : 1;
	void *value = calloc((size_t)(cpus > 0 ? cpus : 1), 64);
	int error = value == NULL ? -EBPF_ENOMEM : 0;

	for (uint64_t n = 0; n < spec->filled && error == 0; n++) {
		make_key(spec, n, key);
		error = bench_linux_update(map, key, value, EBPF_ANY);
	}
	free(value);
	return error;
}

static int
fill_linux(const struct bench_table_spec *spec, int map)
{
	uint8_t *keys = malloc(BATCH * (size_t)spec->key_size + 16);
	uint8_t *values = calloc(BATCH, spec->value_size + 1);
	int error = keys == NULL || values == NULL ? -EBPF_ENOMEM : 0;
	uint64_t key[2];
	uint32_t i, count;

	for (uint64_t n = 0; n < spec->filled && error == 0; n += count) {
		for (i = 0; i < BATCH && n + i < spec->filled; i++) {
			make_key(spec, n + i, key);
			memcpy(keys + (size_t)i * spec->key_size, key,
			       spec->key_size);
		}
		count = i;
		error = bench_linux_update_batch(map, keys, values, &count);
		if (error == 0 && count == 0)
			break;
	}
	free(keys);
	free(values);
	/* a kind, or a kernel, without batches */
	return error != 0 ? fill_singly(spec, map) : 0;
}

static void
open_linux(struct bench_home *home, const struct bench_table_spec *spec,
	   struct bench_table *table)
{
	int map, error;

	if (home->no_linux != NULL) {
		snprintf(table->linux_why, sizeof(table->linux_why), "%s",
			 home->no_linux);
		return;
	}
	map = bench_linux_map(spec->kind, spec->key_size, spec->value_size,
			      spec->max_entries, spec->flags);
	error = map;
	if (map >= 0 && spec->filled > 0)
		error = is_percpu(spec->kind) ? fill_singly(spec, map)
					      : fill_linux(spec, map);
	if (error < 0) {
		snprintf(table->linux_why, sizeof(table->linux_why),
			 "the kernel refused such a map: %s",
			 strerror(-error));
		bench_linux_close(map);
		return;
	}
	table->linux_map = map;
}

int
bench_table_open(struct bench_home *home, const struct bench_table_spec *spec,
		 struct bench_table *table)
{
	struct ebpf_map_spec ours = {
		.size = sizeof(ours),
		.kind = spec->kind,
		.key_size = spec->key_size,
		.value_size = spec->value_size,
		.max_entries = spec->max_entries,
		.flags = spec->flags,
	};
	int error;

	memset(table, 0, sizeof(*table));
	table->linux_map = -1;
	error = ebpf_map_create(home->rt, &ours, &table->map);
	if (error == 0) {
		error = fill_ours(spec, table->map);
		if (error != 0) {
			ebpf_map_put(table->map);
			table->map = NULL;
		}
	}
	if (error != 0)
		return bench_fail(home->bench, error, "no such map: %s",
				  ebpf_error_text(error));
	open_linux(home, spec, table);
	return 0;
}

void
bench_table_close(struct bench_table *table)
{
	if (table->map == NULL)
		return;
	ebpf_map_put(table->map);
	bench_linux_close(table->linux_map);
	table->map = NULL;
	os_epoch_drain();
}
