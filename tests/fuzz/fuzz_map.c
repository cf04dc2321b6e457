/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps against a model: the input is a shape and then operations, a few bytes
 * each; the model is a plain list. Any difference aborts, and so does anything
 * that is left at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "core/map.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ENTRIES_MAX = 64,
	KEY_MAX = 40,
	VALUE_MAX = 40,
};

/* What should be in the map; an array's elements are all there. */
struct model {
	uint32_t count;
	struct {
		uint8_t key[KEY_MAX];
		uint8_t value[VALUE_MAX];
	} items[ENTRIES_MAX];
};

static struct ebpf_runtime *rt;
static struct ebpf_map *map;
static struct model model;
static bool is_array, is_lpm, is_ring;
static uint32_t copies; /* values of one element in a user's hands */

/* Few different keys, so that they meet. */
static void
take_key(struct input *in, uint8_t *key)
{
	uint32_t number = take(in) % 96, i;

	memset(key, 0, KEY_MAX);
	if (is_array) {
		memcpy(key, &number, 4);
		return;
	}
	if (is_lpm) {
		/* nested ones, and one in a while that is too long */
		i = take(in) % ((map->key_size - 4) * 8 + 2);
		memcpy(key, &i, 4);
		for (i = 4; i < map->key_size; i++)
			key[i] = (uint8_t)(number % 4 << 6 | (number & i));
		return;
	}
	for (i = 0; i < map->key_size; i++)
		key[i] = (uint8_t)(i == 0 ? number : i * 7);
	if (number % 3 == 0)
		key[map->key_size - 1] ^= (uint8_t)number;
}

static uint32_t
prefix_len(const uint8_t *key)
{
	uint32_t len;

	memcpy(&len, key, 4);
	return len;
}

/* The first `len` bits of two addresses are the same. */
static bool
agree(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		if ((a[4 + i / 8] ^ b[4 + i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

/* What a lookup of an lpm_trie finds. */
static uint32_t
model_longest(const uint8_t *key)
{
	uint32_t i, best = model.count, most = 0, len;

	if (prefix_len(key) > (map->key_size - 4) * 8)
		return best;
	for (i = 0; i < model.count; i++) {
		len = prefix_len(model.items[i].key);
		if (len <= prefix_len(key) &&
		    agree(key, model.items[i].key, len) &&
		    (best == model.count || len > most)) {
			best = i;
			most = len;
		}
	}
	return best;
}

static uint32_t
model_find(const uint8_t *key)
{
	uint32_t i;

	for (i = 0; i < model.count && is_lpm; i++)
		if (prefix_len(model.items[i].key) == prefix_len(key) &&
		    prefix_len(key) <= (map->key_size - 4) * 8 &&
		    agree(model.items[i].key, key, prefix_len(key)))
			return i;
	if (is_lpm)
		return i;
	for (i = 0; i < model.count; i++)
		if (memcmp(model.items[i].key, key, map->key_size) == 0)
			break;
	return i;
}

static int
model_write(const uint8_t *key, const uint8_t *value, uint64_t flags)
{
	uint32_t at = model_find(key);

	if (flags > EBPF_EXIST ||
	    (is_lpm && prefix_len(key) > (map->key_size - 4) * 8))
		return -EBPF_EINVAL;
	if (at == model.count) {
		if (is_array)
			return -EBPF_E2BIG;
		if (flags == EBPF_EXIST)
			return -EBPF_ENOENT;
		if (model.count == map->max_entries)
			return is_lpm ? -EBPF_ENOSPC : -EBPF_E2BIG;
		model.count++;
	} else if (flags == EBPF_NOEXIST) {
		return -EBPF_EEXIST;
	}
	memcpy(model.items[at].key, key, KEY_MAX);
	memcpy(model.items[at].value, value, map->value_size);
	return 0;
}

static int
model_remove(const uint8_t *key)
{
	uint32_t at = model_find(key);

	if (is_array ||
	    (is_lpm && prefix_len(key) > (map->key_size - 4) * 8))
		return -EBPF_EINVAL;
	if (at == model.count)
		return -EBPF_ENOENT;
	model.items[at] = model.items[--model.count];
	return 0;
}

/* All copies of a value as the model has it. */
static void
require_value(const uint8_t *user, uint32_t at)
{
	uint32_t i;

	for (i = 0; i < copies; i++)
		REQUIRE(memcmp(user + (size_t)i * map->stride,
			       model.items[at].value, map->value_size) == 0);
}

static void
op_write(struct input *in, uint8_t *user)
{
	uint8_t key[KEY_MAX], value[VALUE_MAX], salt = take(in);
	uint64_t flags = salt % 8 < 5 ? EBPF_ANY : salt % 4;
	uint32_t i;
	int error;

	take_key(in, key);
	for (i = 0; i < VALUE_MAX; i++)
		value[i] = (uint8_t)(salt + i);
	for (i = 0; i < copies; i++)
		memcpy(user + (size_t)i * map->stride, value, map->value_size);
	while ((error = ebpf_map_write(map, key, user, flags)) ==
	       -EBPF_EAGAIN)
		os_epoch_drain();
	REQUIRE(error == model_write(key, value, flags));
}

static void
op_read(struct input *in, uint8_t *user)
{
	uint8_t key[KEY_MAX];
	struct ebpf_section section;
	uint32_t at;
	void *found;

	take_key(in, key);
	at = is_lpm ? model_longest(key) : model_find(key);
	ebpf_section_enter(&section);
	found = ebpf_map_find(map, key);
	REQUIRE((found != NULL) == (at < model.count));
	if (found != NULL)
		REQUIRE(memcmp(found, model.items[at].value,
			       map->value_size) == 0);
	ebpf_section_leave(&section);
	REQUIRE(ebpf_map_read(map, key, user) ==
		(at < model.count ? 0 : -EBPF_ENOENT));
	if (at < model.count)
		require_value(user, at);
}

/* Read and removed in one step: hash kinds. */
static void
op_extract(struct input *in, uint8_t *user)
{
	uint8_t key[KEY_MAX];
	uint32_t at;
	int error;

	take_key(in, key);
	at = model_find(key);
	error = ebpf_map_extract(map, key, user);
	if (map->ops->extract == NULL) {
		REQUIRE(error == -EBPF_EUNSUPPORTED);
		return;
	}
	REQUIRE(error == (at < model.count ? 0 : -EBPF_ENOENT));
	if (error == 0) {
		require_value(user, at);
		REQUIRE(model_remove(key) == 0);
	}
}

static void
op_next(struct input *in)
{
	uint8_t key[KEY_MAX], next[KEY_MAX], seen[ENTRIES_MAX] = { 0 };
	uint32_t steps, at;
	int error;

	/* from anywhere: a key of the map, or the end */
	take_key(in, key);
	error = ebpf_map_next(map, key, next);
	REQUIRE(error == 0 || error == -EBPF_ENOENT);
	if (error == 0)
		REQUIRE(model_find(next) < model.count);
	/* from the start: all of them once */
	error = ebpf_map_next(map, NULL, next);
	for (steps = 0; error == 0; steps++) {
		at = model_find(next);
		REQUIRE(at < model.count && seen[at]++ == 0);
		memcpy(key, next, KEY_MAX);
		error = ebpf_map_next(map, key, next);
	}
	REQUIRE(error == -EBPF_ENOENT && steps == model.count);
}

static void
op_walk(struct input *in)
{
	uint32_t step = 1 + take(in) % 70, n, i, at, total = 0;
	uint32_t user = ebpf_map_user_value_size(map);
	size_t element = map->key_size + (size_t)user;
	uint8_t *out = malloc(step * element), seen[ENTRIES_MAX] = { 0 };
	uint64_t cursor = 0;
	bool done = false;

	while (!done) {
		n = step;
		REQUIRE(ebpf_map_walk(map, &cursor, &n, out, &done) == 0);
		REQUIRE(n == step || done);
		for (i = 0; i < n; i++) {
			at = model_find(out + i * element);
			REQUIRE(at < model.count && seen[at]++ == 0);
			require_value(out + i * element + map->key_size, at);
		}
		total += n;
	}
	REQUIRE(total == model.count);
	free(out);
	cursor = (uint64_t)take(in) << 32 | take(in);
	out = malloc(element);
	n = 1;
	(void)ebpf_map_walk(map, &cursor, &n, out, &done); /* any cursor */
	free(out);
}

/* Queue and stack: the model is in order, the oldest first. */
static void
op_ring(struct input *in, uint8_t *user)
{
	uint8_t value[VALUE_MAX], op = take(in), salt = take(in);
	uint64_t flags = op % 8 == 0 ? EBPF_EXIST : op % 32 == 1 ? salt : 0;
	uint32_t i, at;
	int error;

	if (op % 2 == 0 || op % 32 == 1) {
		for (i = 0; i < VALUE_MAX; i++)
			value[i] = (uint8_t)(salt + i);
		error = ebpf_map_write(map, NULL, value, flags);
		if (flags != EBPF_ANY && flags != EBPF_EXIST) {
			REQUIRE(error == -EBPF_EINVAL);
			return;
		}
		if (model.count == map->max_entries && flags == EBPF_ANY) {
			REQUIRE(error == -EBPF_E2BIG);
			return;
		}
		REQUIRE(error == 0);
		if (model.count == map->max_entries)
			memmove(&model.items[0], &model.items[1],
				--model.count * sizeof(model.items[0]));
		memcpy(model.items[model.count++].value, value, VALUE_MAX);
		return;
	}
	at = map->ops->kind == EBPF_MAP_STACK && model.count > 0 ?
		     model.count - 1 : 0;
	error = op % 4 == 1 ? ebpf_map_extract(map, NULL, user) :
			      ebpf_map_read(map, NULL, user);
	REQUIRE(error == (model.count > 0 ? 0 : -EBPF_ENOENT));
	if (error != 0)
		return;
	require_value(user, at);
	if (op % 4 == 1) {
		model.count--;
		memmove(&model.items[at], &model.items[at + 1],
			(model.count - at) * sizeof(model.items[0]));
	}
}

static void
model_start(void)
{
	uint32_t i;

	memset(&model, 0, sizeof(model));
	if (!is_array)
		return;
	model.count = map->max_entries;
	for (i = 0; i < model.count; i++)
		memcpy(model.items[i].key, &i, 4);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t kinds[] = { EBPF_MAP_HASH, EBPF_MAP_PERCPU_HASH,
					  EBPF_MAP_ARRAY,
					  EBPF_MAP_PERCPU_ARRAY,
					  EBPF_MAP_LPM_TRIE, EBPF_MAP_QUEUE,
					  EBPF_MAP_STACK };
	struct input in = { data, size };
	struct ebpf_map_spec spec = { .size = sizeof(spec) };
	uint8_t key[KEY_MAX], *user;
	uint64_t live;

	if (rt == NULL && ebpf_runtime_create(NULL, &rt) != 0)
		return 0;
	live = os_test_live();
	spec.kind = kinds[take(&in) % (sizeof(kinds) / sizeof(kinds[0]))];
	is_lpm = spec.kind == EBPF_MAP_LPM_TRIE;
	is_ring = spec.kind == EBPF_MAP_QUEUE || spec.kind == EBPF_MAP_STACK;
	is_array = spec.kind == EBPF_MAP_ARRAY ||
		   spec.kind == EBPF_MAP_PERCPU_ARRAY;
	spec.key_size = is_array ? 4 : 1 + take(&in) % KEY_MAX;
	spec.value_size = 1 + take(&in) % VALUE_MAX;
	spec.max_entries = 1 + take(&in) % ENTRIES_MAX;
	if (take(&in) % 4 == 0 && !is_array && !is_lpm && !is_ring)
		spec.flags = EBPF_F_ZERO_SEED;
	if (is_lpm) {
		spec.flags = EBPF_F_NO_PREALLOC;
		spec.key_size = 4 + (spec.key_size < 33 ? spec.key_size : 33);
	} else if (is_ring) {
		spec.key_size = 0;
	}
	REQUIRE(ebpf_map_create(rt, &spec, &map) == 0);
	copies = map->ops->percpu ? os_cpu_count() : 1;
	model_start();
	user = calloc(1, ebpf_map_user_value_size(map));
	while (in.left > 0) {
		if (is_ring) {
			op_ring(&in, user);
			REQUIRE(map->ops->count(map) == model.count);
			continue;
		}
		switch (take(&in) % 9) {
		case 0:
		case 1:
		case 2:
			op_write(&in, user);
			break;
		case 3:
		case 4:
			op_read(&in, user);
			break;
		case 5:
			take_key(&in, key);
			REQUIRE(ebpf_map_remove(map, key) ==
				model_remove(key));
			break;
		case 6:
			op_next(&in);
			break;
		case 7:
			op_walk(&in);
			break;
		case 8:
			op_extract(&in, user);
			break;
		}
		if (map->ops->count != NULL)
			REQUIRE(map->ops->count(map) == model.count);
	}
	free(user);
	ebpf_map_put(map);
	os_epoch_drain();
	/* the registry keeps its room once it has grown */
	REQUIRE(os_test_live() <= live + 1);
	REQUIRE(ebpf_object_count(rt, EBPF_OBJ_MAP) == 0);
	return 0;
}
