/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hash kinds without preallocation, whose elements' memory comes with them:
 * that every allocation of an insertion may fail, or the domain's limit stand in
 * its way, and nothing has changed then; that none need be had with a lock; that
 * a map which grows while others look keys up and walk loses nothing.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash_table.h"
#include "core/runtime.h"
#include "tap.h"

enum {
	VALUE_MAX = 64 * 1024,
	GROWERS = 2,
	GROWN = 3000, /* keys of each */
	READERS = 2,
};

static struct ebpf_runtime *rt;
static uint64_t value[VALUE_MAX / 8];

static struct ebpf_map *
make(uint32_t kind, uint32_t value_size, uint32_t entries)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = kind, .key_size = 4,
		.value_size = value_size, .max_entries = entries,
		.flags = EBPF_F_NO_PREALLOC,
	};
	struct ebpf_map *map = NULL;

	if (ebpf_map_create(rt, &spec, &map) != 0)
		tap_ok(false, "map of kind %u", kind);
	return map;
}

static uint64_t
count_of(struct ebpf_map *map)
{
	return map->ops->count(map);
}

/* Keys that a walk shows. */
static uint32_t
walked(struct ebpf_map *map)
{
	size_t element = map->key_size + ebpf_map_user_value_size(map);
	uint8_t *out = malloc(64 * element);
	uint64_t cursor = 0;
	uint32_t sum = 0, count;
	bool done = false;

	while (out != NULL && !done) {
		count = 64;
		if (ebpf_map_walk(map, &cursor, &count, out, &done) != 0)
			break;
		sum += count;
	}
	free(out);
	return sum;
}

/* Every allocation that an insertion makes fails, one after the other. */
static void
failures(uint32_t kind, uint32_t value_size)
{
	struct ebpf_map *map = make(kind, value_size, 600);
	uint32_t key, fail, failed = 0;
	uint64_t before;
	bool same = true;
	int error;

	for (key = 0; map != NULL && key < 600; key++) {
		memset(value, (int)key, ebpf_map_user_value_size(map));
		for (fail = 1;; fail++) {
			before = os_load(&map->obj.mem_bytes);
			os_test_fail_at(fail);
			error = ebpf_map_write(map, &key, value, EBPF_NOEXIST);
			if (!os_test_failed())
				break;
			failed++;
			/* another element may have done instead */
			if (error == 0)
				break;
			same &= error == -EBPF_ENOMEM &&
				count_of(map) == key &&
				os_load(&map->obj.mem_bytes) >= before &&
				ebpf_map_read(map, &key, value) ==
					-EBPF_ENOENT;
			memset(value, (int)key, ebpf_map_user_value_size(map));
		}
		os_test_fail_at(0);
		same &= error == 0;
	}
	tap_ok(same && failed > 5, "kind %u, values of %u: %u failures change "
	       "nothing", kind, value_size, failed);
	for (key = 0; key < 600 && same; key++)
		same = ebpf_map_read(map, &key, value) == 0 &&
		       *(uint8_t *)value == (uint8_t)key;
	tap_ok(same && count_of(map) == 600 && walked(map) == 600,
	       "and all are there in the end");
	ebpf_map_put(map);
	os_epoch_drain();
}

static struct ebpf_map_hash *under;
static uint32_t asked_locked;

/* As in a home that has no memory while locks are held. */
static bool
unlocked(size_t size)
{
	uint32_t i;
	bool held = os_test_held(&under->pool->lock);

	for (i = 0; i <= ebpf_hash_index(under, ~0ull); i++)
		held |= (under->buckets[i].chain & OS_BIT_LOCK) != 0;
	asked_locked += held;
	return !held;
}

static uint32_t takers, taken;

/* And whenever it is asked without a lock somebody else is faster, at first. */
static bool
taken_first(size_t size)
{
	static uint64_t other[64];
	static bool inside;
	uint32_t key = 1000 + taken;

	if (!unlocked(size))
		return false;
	if (!inside && takers > 0) {
		takers--;
		inside = true;
		taken += ebpf_map_write(&under->map, &key, other,
					EBPF_NOEXIST) == 0;
		inside = false;
	}
	return true;
}

/* What others take of memory that somebody has got costs another round. */
static void
taken_meanwhile(void)
{
	struct ebpf_map *map = make(EBPF_MAP_HASH, 512, 600);
	uint32_t key;
	bool same = true;

	under = ebpf_hash_of(map);
	taken = 0;
	os_test_now(taken_first);
	for (key = 0; key < 100; key++) {
		takers = 3;
		same &= ebpf_map_write(map, &key, value, EBPF_NOEXIST) == 0;
	}
	os_test_now(NULL);
	tap_ok(same && taken > 3 && count_of(map) == 100 + taken,
	       "%u that were faster keep nobody out", taken);
	ebpf_map_put(map);
	os_epoch_drain();
}

static void
without_locks(uint32_t kind, uint32_t value_size)
{
	struct ebpf_map *map = make(kind, value_size, 600);
	uint32_t key, round;
	bool same = true;

	under = ebpf_hash_of(map);
	asked_locked = 0;
	os_test_now(unlocked);
	for (round = 0; round < 3; round++) {
		for (key = 0; key < 600; key++) {
			memset(value, (int)key, ebpf_map_user_value_size(map));
			same &= ebpf_map_write(map, &key, value,
					       EBPF_NOEXIST) == 0;
		}
		same &= ebpf_map_write(map, &key, value, EBPF_ANY) ==
			-EBPF_E2BIG;
		same &= count_of(map) == 600 && walked(map) == 600;
		for (key = 0; key < 600; key++)
			same &= ebpf_map_read(map, &key, value) == 0 &&
				*(uint8_t *)value == (uint8_t)key;
		for (key = 0; key < 600; key++)
			same &= ebpf_map_remove(map, &key) == 0;
	}
	os_test_now(NULL);
	tap_ok(same && asked_locked > 0, "kind %u, values of %u: memory that "
	       "is not to be had with a lock", kind, value_size);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* The domain has no more: ENOMEM, until something else of it has gone. */
static void
limit(uint32_t kind, uint32_t value_size, uint64_t bytes)
{
	struct ebpf_runtime_config config = { .mem_max = bytes };
	struct ebpf_map *map, *other;
	uint32_t key, in;
	int error = 0;

	config.size = sizeof(config);
	if (ebpf_runtime_create(&config, &rt) != 0) {
		tap_ok(false, "a runtime with a limit");
		return;
	}
	other = make(EBPF_MAP_HASH, 8, 512);
	map = make(kind, value_size, 1024);
	memset(value, 0, sizeof(value));
	for (key = 0; error == 0 && key < 1024; key++)
		error = ebpf_map_write(other, &key, value, EBPF_ANY);
	for (in = 0, error = 0; in < 1024; in += error == 0) {
		error = ebpf_map_write(map, &in, value, EBPF_NOEXIST);
		if (error != 0)
			break;
	}
	tap_ok(error == -EBPF_ENOMEM && count_of(map) == in && in > 10 &&
		       walked(map) == in &&
		       os_load(&rt->mem_used) <= bytes,
	       "values of %u: %u fit into what the domain may have", value_size,
	       in);
	/* what is there can be changed, and its element be another key's */
	key = 0;
	TAP_CHECK(ebpf_map_write(map, &key, value, EBPF_EXIST) == 0);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0);
	TAP_CHECK(ebpf_map_write(map, &in, value, EBPF_NOEXIST) == 0);
	ebpf_map_put(other);
	os_epoch_drain();
	TAP_CHECK(ebpf_map_write(map, &key, value, EBPF_NOEXIST) == 0 &&
		  count_of(map) == in + 1);
	ebpf_map_put(map);
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
}

/* ---- growing beside others ---- */

static struct ebpf_map *grown;
static uint32_t inserted[GROWERS]; /* atomic: keys of each that are in */
static uint32_t wrong, finished;   /* atomic */

static void *
grower(void *arg)
{
	uint32_t self = (uint32_t)(uintptr_t)arg, n, key;
	uint64_t mine[64] = { 0 };

	for (n = 0; n < GROWN; n++) {
		key = n * GROWERS + self;
		mine[0] = key;
		if (ebpf_map_write(grown, &key, mine, EBPF_NOEXIST) != 0)
			os_add(&wrong, 1);
		os_store_release(&inserted[self], n + 1);
	}
	os_add(&finished, 1);
	return NULL;
}

/* What was in before it began is found, with its value; and by a walk. */
static void *
looker(void *arg)
{
	uint32_t self = (uint32_t)(uintptr_t)arg, n, key, sum, i;
	uint64_t mine[64];

	while (os_load(&finished) < GROWERS) {
		for (i = sum = 0; i < GROWERS; i++) {
			n = os_load_acquire(&inserted[i]);
			sum += n;
			if (n == 0)
				continue;
			key = (n - 1) * GROWERS + i;
			if (ebpf_map_read(grown, &key, mine) != 0 ||
			    mine[0] != key)
				os_add(&wrong, 1);
		}
		if (self == 0 && walked(grown) < sum)
			os_add(&wrong, 1);
	}
	return NULL;
}

static void
grow(uint32_t kind)
{
	pthread_t threads[GROWERS + READERS];
	uint32_t i;

	memset(inserted, 0, sizeof(inserted));
	wrong = finished = 0;
	grown = make(kind, 8, GROWERS * GROWN);
	for (i = 0; i < GROWERS + READERS; i++)
		pthread_create(&threads[i], NULL, i < GROWERS ? grower : looker,
			       (void *)(uintptr_t)(i % GROWERS));
	for (i = 0; i < GROWERS + READERS; i++)
		pthread_join(threads[i], NULL);
	tap_ok(wrong == 0 && count_of(grown) == GROWERS * GROWN &&
		       walked(grown) == GROWERS * GROWN,
	       "kind %u: nothing is lost while it grows", kind);
	ebpf_map_put(grown);
	os_epoch_drain();
}

int
main(void)
{
	uint64_t live = os_test_live();

	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	failures(EBPF_MAP_HASH, 8);
	failures(EBPF_MAP_HASH, 1000);
	failures(EBPF_MAP_PERCPU_HASH, 8);
	without_locks(EBPF_MAP_HASH, 8);
	without_locks(EBPF_MAP_HASH, 1000);
	without_locks(EBPF_MAP_PERCPU_HASH, 8);
	taken_meanwhile();
	grow(EBPF_MAP_HASH);
	grow(EBPF_MAP_PERCPU_HASH);
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	limit(EBPF_MAP_HASH, 8, 52 << 10);
	limit(EBPF_MAP_HASH, 2000, 96 << 10);
	limit(EBPF_MAP_PERCPU_HASH, 256, 96 << 10);
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
