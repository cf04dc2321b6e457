/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Lines of text to operations, and what came of them to text: map_side.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/map.h"
#include "map_side.h"

enum {
	KEYS_MAX = 128, /* of one answer */
	FILL_MAX = 1000,
};

bool
side_is_percpu(uint32_t kind)
{
	return kind == EBPF_MAP_PERCPU_HASH || kind == EBPF_MAP_PERCPU_ARRAY ||
	       kind == EBPF_MAP_LRU_PERCPU_HASH;
}

bool
side_is_outer(uint32_t kind)
{
	return kind == EBPF_MAP_ARRAY_OF_MAPS || kind == EBPF_MAP_HASH_OF_MAPS;
}

/* In no order of their own. */
bool
side_is_hash(uint32_t kind)
{
	return kind == EBPF_MAP_HASH || kind == EBPF_MAP_PERCPU_HASH ||
	       kind == EBPF_MAP_LRU_HASH || kind == EBPF_MAP_LRU_PERCPU_HASH ||
	       kind == EBPF_MAP_HASH_OF_MAPS;
}

bool
side_is_keyless(uint32_t kind)
{
	return kind == EBPF_MAP_QUEUE || kind == EBPF_MAP_STACK ||
	       kind == EBPF_MAP_BLOOM_FILTER;
}

/* ---- keys and values ---- */

uint32_t
side_value_size(const struct side *side)
{
	if (!side_is_percpu(side->shape.kind))
		return side->shape.value;
	return ((side->shape.value + 7) & ~7u) * side->cpus;
}

/* An lpm_trie's is a whole address. */
void
side_key(const struct side_shape *shape, uint32_t number, uint8_t *key)
{
	uint32_t i, bits;

	memset(key, 0, SIDE_KEY_MAX);
	if (shape->kind == EBPF_MAP_LPM_TRIE) {
		bits = (shape->key - 4) * 8;
		memcpy(key, &bits, 4);
		for (i = 4; i < shape->key && i < 8; i++)
			key[i] = (uint8_t)(number >> 8 * (i - 4));
		return;
	}
	for (i = 0; i < shape->key; i++)
		key[i] = (uint8_t)(number >> (8 * i > 24 ? 24 : 8 * i));
	if (shape->key > 4)
		key[shape->key - 1] = (uint8_t)number;
}

/* Number n as the bytes of a value, on each CPU others; or an inner map's. */
static void
encode(const struct side *side, uint32_t n, uint8_t *bytes)
{
	uint32_t cpus = side_is_percpu(side->shape.kind) ? side->cpus : 1;
	uint32_t stride = (side->shape.value + 7) & ~7u, cpu, i, fd;

	if (side_is_outer(side->shape.kind)) {
		fd = side == &side_theirs ?
			     (uint32_t)side->inners[(n - 1) % SIDE_INNERS] :
			     side->inner_ids[(n - 1) % SIDE_INNERS];
		if (n > SIDE_INNERS)
			fd = 0x7ffffff0; /* there is none such */
		memcpy(bytes, &fd, 4);
		return;
	}
	memset(bytes, 0, (size_t)stride * cpus);
	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < side->shape.value; i++)
			bytes[cpu * stride + i] =
				(uint8_t)(n + i * 29 + cpu * 101);
}

static void
decode(const struct side *side, const uint8_t *bytes, char *text)
{
	static uint8_t other[SIDE_VALUE_MAX * SIDE_CPU_MAX];
	uint32_t cpus = side_is_percpu(side->shape.kind) ? side->cpus : 1, n, id;
	uint32_t stride = (side->shape.value + 7) & ~7u;
	size_t size = cpus == 1 ? side->shape.value : (size_t)stride * cpus;

	if (side_is_outer(side->shape.kind)) {
		memcpy(&id, bytes, 4);
		for (n = 0; n < SIDE_INNERS && side->inner_ids[n] != id; n++)
			;
		sprintf(text, "%u", n + 1);
		return;
	}
	memset(other, 0, sizeof(other));
	if (memcmp(bytes, other, size) == 0) {
		strcpy(text, "zeros");
		return;
	}
	for (n = 0; n < 256; n++) {
		encode(side, n, other);
		if (memcmp(bytes, other, size) == 0) {
			sprintf(text, "%u", n);
			return;
		}
	}
	strcpy(text, "garbage");
}

void
side_hex(char *text, const uint8_t *bytes, uint32_t len)
{
	uint32_t i;

	if (len == 0)
		strcpy(text, "-");
	for (i = 0; i < len; i++)
		sprintf(text + i * 2, "%02x", bytes[i]);
}

/* ---- one line ---- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Parts of an answer, in order of their text where they have none else. */
static char texts[KEYS_MAX][SIDE_KEY_MAX * 2 + 20];

static void
list_texts(uint32_t count, bool sort, const char *end, char *result)
{
	uint32_t i;
	size_t len = 0;

	if (sort)
		qsort(texts, count, sizeof(texts[0]), by_text);
	for (i = 0; i < count; i++) {
		if (len + strlen(texts[i]) > SIDE_TEXT - 32)
			break;
		len += (size_t)sprintf(result + len, "%s ", texts[i]);
	}
	strcpy(result + len, end);
}

/* How it goes from key to key. */
enum way {
	STAY,  /* nothing is deleted */
	DRAIN, /* each is deleted before the first is asked for again */
	SWEEP, /* each is deleted when the one after is known */
};

static void
all_keys(struct side *side, enum way way, char *result)
{
	uint8_t key[SIDE_KEY_MAX], next[SIDE_KEY_MAX];
	uint32_t count = 0;
	int error;

	error = side->call(side, "next", NULL, next, 0);
	while (error == 0 && count < KEYS_MAX) {
		memcpy(key, next, side->shape.key);
		side_hex(texts[count++], key, side->shape.key);
		if (way == DRAIN &&
		    side->call(side, "delete", key, NULL, 0) != 0)
			break;
		error = side->call(side, "next", way == DRAIN ? NULL : key,
				   next, 0);
		if (way == SWEEP &&
		    side->call(side, "delete", key, NULL, 0) != 0)
			break;
	}
	list_texts(count, side_is_hash(side->shape.kind),
		   error == -EBPF_ENOENT ? "." : ebpf_error_name(error),
		   result);
}

static void
fill(struct side *side, uint32_t first, char *result)
{
	static uint8_t value[SIDE_VALUE_MAX * SIDE_CPU_MAX];
	uint8_t key[SIDE_KEY_MAX];
	uint32_t count;
	int error = 0;

	for (count = 0; count < FILL_MAX; count++) {
		side_key(&side->shape, first + count, key);
		encode(side, side_is_outer(side->shape.kind) ? 1 : count,
		       value);
		error = side->call(side, "update", key, value,
				   side_is_keyless(side->shape.kind) ?
					   EBPF_ANY :
					   EBPF_NOEXIST);
		if (error != 0)
			break;
	}
	sprintf(result, "%u %s", count, ebpf_error_name(error));
}

/* All elements by requests of some; until the side says that it is done. */
static void
read_batches(struct side *side, const char *verb, char *result)
{
	static uint8_t keys[SIDE_BATCH * SIDE_KEY_MAX];
	static uint8_t values[SIDE_BATCH * SIDE_VALUE_MAX * SIDE_CPU_MAX];
	struct side_batch batch = { .keys = keys, .values = values };
	uint32_t count = 0, i;
	char *text;
	int error = 0;

	while (!batch.done && error == 0 && count < KEYS_MAX) {
		batch.count = SIDE_BATCH;
		error = side->batch(side, verb, &batch);
		for (i = 0; i < batch.count && count < KEYS_MAX; i++) {
			text = texts[count++];
			side_hex(text, keys + i * side->shape.key,
				 side->shape.key);
			text += strlen(text);
			*text++ = '=';
			decode(side, values + i * side_value_size(side), text);
		}
	}
	list_texts(count, true, error == 0 ? "." : ebpf_error_name(error),
		   result);
}

static bool
parse_key(const char *text, uint8_t *key, uint32_t size)
{
	unsigned int byte;
	uint32_t i;

	if (strcmp(text, "-") == 0)
		return size == 0;
	if (strlen(text) != size * 2)
		return false;
	for (i = 0; i < size; i++) {
		if (sscanf(text + i * 2, "%2x", &byte) != 1)
			return false;
		key[i] = (uint8_t)byte;
	}
	return true;
}

/* The candidates of a map of maps: the template, one that fits, two that don't. */
static int
create_inners(struct side *side)
{
	static const struct side_shape shapes[SIDE_INNERS] = {
		{ EBPF_MAP_HASH, 4, 8, 5, 0, 0 },
		{ EBPF_MAP_HASH, 4, 8, 9, 0, 0 },
		{ EBPF_MAP_HASH, 4, 4, 5, 0, 0 },
		{ EBPF_MAP_ARRAY, 4, 8, 5, 0, 0 },
	};
	uint32_t i;
	int error = 0;

	for (i = 0; i < SIDE_INNERS && error == 0; i++)
		error = side->create(side, &shapes[i], i + 1);
	return error;
}

/* bupdate, bdelete: the rest of the line is keys, with values or without. */
static bool
write_batch(struct side *side, const char *verb, const char *line,
	    char *result)
{
	static uint8_t keys[SIDE_BATCH * SIDE_KEY_MAX];
	static uint8_t values[SIDE_BATCH * SIDE_VALUE_MAX * SIDE_CPU_MAX];
	struct side_batch batch = { .keys = keys, .values = values };
	char text[SIDE_KEY_MAX * 2 + 1];
	bool with_values = verb[1] == 'u';
	uint32_t n = 0;
	int error, used;

	for (line += strlen(verb); batch.count < SIDE_BATCH; batch.count++) {
		if (sscanf(line, " %1200s%n", text, &used) != 1)
			break;
		line += used;
		if (!parse_key(text, keys + batch.count * side->shape.key,
			       side->shape.key))
			return false;
		if (!with_values)
			continue;
		if (sscanf(line, " %u%n", &n, &used) != 1)
			return false;
		line += used;
		encode(side, n, values + batch.count * side_value_size(side));
	}
	error = side->batch(side, verb, &batch);
	sprintf(result, "%u %s", batch.count,
		error == 0 ? "ok" : ebpf_error_name(error));
	return true;
}

bool
side_answer(struct side *side, const char *line, char *result)
{
	static uint8_t value[SIDE_VALUE_MAX * SIDE_CPU_MAX];
	uint8_t key[SIDE_KEY_MAX] = { 0 }, next[SIDE_KEY_MAX];
	char verb[16], kind[32], text[SIDE_KEY_MAX * 2 + 1] = "-";
	struct side_shape *shape = &side->shape, made = { 0 };
	unsigned long long flags = 0, extra;
	uint32_t n = 0;
	int error;

	if (sscanf(line, "%15s", verb) != 1)
		return false;
	if (strcmp(verb, "create") == 0) {
		if (sscanf(line, "create %31s %u %u %u %x %llu", kind,
			   &made.key, &made.value, &made.entries, &made.flags,
			   &extra) != 6)
			return false;
		made.kind = gebpf_map_kind_number(kind);
		made.extra = extra;
		side->close(side);
		error = side_is_outer(made.kind) ? create_inners(side) : 0;
		side->shape = made;
		if (error == 0)
			error = side->create(side, &made, 0);
		side->open = error == 0;
		strcpy(result, error == 0 ? "ok" : ebpf_error_name(error));
		return true;
	}
	if (!side->open)
		return false;
	if (strcmp(verb, "keys") == 0 || strcmp(verb, "drain") == 0 ||
	    strcmp(verb, "sweep") == 0) {
		all_keys(side, *verb == 'k' ? STAY :
			       *verb == 'd' ? DRAIN : SWEEP, result);
		return true;
	}
	if (strcmp(verb, "blookup") == 0 || strcmp(verb, "bextract") == 0) {
		read_batches(side, verb, result);
		return true;
	}
	if (strcmp(verb, "bupdate") == 0 || strcmp(verb, "bdelete") == 0)
		return write_batch(side, verb, line, result);
	if (strcmp(verb, "fill") == 0) {
		if (sscanf(line, "fill %u", &n) != 1)
			return false;
		fill(side, n, result);
		return true;
	}
	if (sscanf(line, "%*s %1200s %u %llu", text, &n, &flags) < 1 ||
	    !parse_key(text, key, shape->key))
		return false;
	if (*verb == 'n') {
		error = side->call(side, verb, key, next, 0);
		if (error != 0)
			strcpy(result, ebpf_error_name(error));
		else if (side_is_hash(shape->kind))
			strcpy(result, "some"); /* the key was not there */
		else
			side_hex(result, next, shape->key);
		return true;
	}
	memset(value, 0xee, sizeof(value));
	/* a bloom filter is asked for a value */
	if (*verb == 'u' || shape->kind == EBPF_MAP_BLOOM_FILTER)
		encode(side, n, value);
	error = side->call(side, verb, key, value, flags);
	if (error != 0)
		strcpy(result, ebpf_error_name(error));
	else if (*verb == 'l' || *verb == 'e')
		decode(side, value, result);
	else
		strcpy(result, "ok");
	return true;
}

