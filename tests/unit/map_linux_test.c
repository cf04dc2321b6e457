/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Our maps against Linux's, operation by operation: sequences of operations as
 * lines of text, each with what Linux answers. Recorded ones, made on Linux
 * 6.18, run everywhere; random ones run on both where root may use bpf(2) (only
 * maps, no programs). Run from the top of the tree.
 *
 *	map_linux_test [--record FILE] [--rounds N] [--seed N]
 *
 *	create KIND KEY VALUE ENTRIES FLAGS EXTRA	ok or an error
 *	update KEY VALUE FLAGS		keys are hexadecimal, - for none; values
 *	lookup, delete, extract KEY	are numbers that stand for bytes, or for
 *					inner maps, see encode()
 *	next KEY, keys, drain		the key after, all keys, all of them by
 *					turns of next and delete
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "client/gebpf.h"
#include "core/map.h"
#include "core/runtime.h"
#include "tap.h"

#define RECORDED "tests/maps/linux.txt"

enum {
	KEY_MAX = 600,
	VALUE_MAX = 64,
	CPU_MAX = 512,
	KEYS_MAX = 64,
	INNERS = 4,
	TEXT = 8192,
	LINE = TEXT + KEY_MAX * 2 + 200,
	STEPS = 120,
};

struct shape {
	uint32_t kind, key, value, entries, flags;
	uint64_t extra;
};

/* One of the two: errors are names, 0 is success. */
struct side {
	int (*create)(struct side *side, const struct shape *shape,
		      uint32_t inner);
	int (*call)(struct side *side, const char *verb, const uint8_t *key,
		    uint8_t *value, uint64_t flags);
	void (*close)(struct side *side);
	uint32_t cpus;
	struct shape shape; /* of what is open */
	uint64_t map, inners[INNERS]; /* fd or address */
	uint32_t inner_ids[INNERS];
	bool open;
};

static bool
is_percpu(uint32_t kind)
{
	return kind == EBPF_MAP_PERCPU_HASH || kind == EBPF_MAP_PERCPU_ARRAY ||
	       kind == EBPF_MAP_LRU_PERCPU_HASH;
}

static bool
is_outer(uint32_t kind)
{
	return kind == EBPF_MAP_ARRAY_OF_MAPS || kind == EBPF_MAP_HASH_OF_MAPS;
}

/* In no order of their own. */
static bool
is_hash(uint32_t kind)
{
	return kind == EBPF_MAP_HASH || kind == EBPF_MAP_PERCPU_HASH ||
	       kind == EBPF_MAP_LRU_HASH || kind == EBPF_MAP_LRU_PERCPU_HASH ||
	       kind == EBPF_MAP_HASH_OF_MAPS;
}

static bool
is_keyless(uint32_t kind)
{
	return kind == EBPF_MAP_QUEUE || kind == EBPF_MAP_STACK ||
	       kind == EBPF_MAP_BLOOM_FILTER;
}

/* ---- ours ---- */

static struct ebpf_runtime *rt;

static int
our_create(struct side *side, const struct shape *shape, uint32_t inner)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = shape->kind,
		.key_size = shape->key,
		.value_size = shape->value,
		.max_entries = shape->entries,
		.flags = shape->flags,
		.map_extra = shape->extra,
		.name = "m",
	};
	struct ebpf_map *map;
	int error;

	if (is_outer(shape->kind))
		spec.inner = (void *)(uintptr_t)side->inners[0];
	error = ebpf_map_create(rt, &spec, &map);
	if (error != 0)
		return error;
	if (inner != 0) {
		side->inners[inner - 1] = (uintptr_t)map;
		side->inner_ids[inner - 1] = map->obj.id;
	} else {
		side->map = (uintptr_t)map;
	}
	return 0;
}

static int
our_call(struct side *side, const char *verb, const uint8_t *key,
	 uint8_t *value, uint64_t flags)
{
	struct ebpf_map *map = (void *)(uintptr_t)side->map;
	int error;

	switch (*verb) {
	case 'l':
		return ebpf_map_read(map, key, value);
	case 'u':
		while ((error = ebpf_map_write(map, key, value, flags)) ==
		       -EBPF_EAGAIN)
			os_epoch_drain();
		return error;
	case 'd':
		return ebpf_map_remove(map, key);
	case 'e':
		return ebpf_map_extract(map, key, value);
	default:
		return ebpf_map_next(map, key, value);
	}
}

static void
our_close(struct side *side)
{
	uint32_t i;

	if (side->open)
		ebpf_map_put((void *)(uintptr_t)side->map);
	for (i = 0; i < INNERS; i++) {
		ebpf_map_put((void *)(uintptr_t)side->inners[i]);
		side->inners[i] = 0;
	}
	side->open = false;
}

/* ---- Linux's ---- */

static int
sys_bpf(int command, union bpf_attr *attr)
{
	int got = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return got < 0 ? -errno : got;
}

/* In our numbers; names are what is compared. */
static int
from_errno(int error)
{
	switch (error) {
	case EPERM:
		return -EBPF_EACCES;
	case EOPNOTSUPP:
	case 524: /* ENOTSUPP, which is not for users */
		return -EBPF_EUNSUPPORTED;
	case ENOENT:
	case EBADF: /* an fd there is an id here */
		return -EBPF_ENOENT;
	case EEXIST:
		return -EBPF_EEXIST;
	case E2BIG:
		return -EBPF_E2BIG;
	case ENOSPC:
		return -EBPF_ENOSPC;
	case EINVAL:
		return -EBPF_EINVAL;
	case ENOMEM:
		return -EBPF_ENOMEM;
	case EBUSY:
		return -EBPF_EBUSY;
	default:
		tap_diag("Linux says %s", strerror(error));
		return -EBPF_EPROTO;
	}
}

static int
linux_create(struct side *side, const struct shape *shape, uint32_t inner)
{
	union bpf_attr attr = { 0 };
	struct bpf_map_info info = { 0 };
	int fd;

	attr.map_type = shape->kind;
	attr.key_size = shape->key;
	attr.value_size = shape->value;
	attr.max_entries = shape->entries;
	attr.map_flags = shape->flags;
	attr.map_extra = shape->extra;
	if (is_outer(shape->kind))
		attr.inner_map_fd = (uint32_t)side->inners[0];
	fd = sys_bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0)
		return from_errno(-fd);
	if (inner == 0) {
		side->map = (uint64_t)fd;
		return 0;
	}
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	side->inners[inner - 1] = (uint64_t)fd;
	side->inner_ids[inner - 1] = info.id;
	return 0;
}

static int
linux_call(struct side *side, const char *verb, const uint8_t *key,
	   uint8_t *value, uint64_t flags)
{
	union bpf_attr attr = { 0 };
	int error;

	attr.map_fd = (uint32_t)side->map;
	attr.key = is_keyless(side->shape.kind) ? 0 : (uintptr_t)key;
	attr.value = (uintptr_t)value;
	attr.flags = flags;
	switch (*verb) {
	case 'l':
		error = sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr);
		break;
	case 'u':
		error = sys_bpf(BPF_MAP_UPDATE_ELEM, &attr);
		break;
	case 'd':
		attr.value = 0;
		error = sys_bpf(BPF_MAP_DELETE_ELEM, &attr);
		break;
	case 'e':
		error = sys_bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr);
		break;
	default:
		error = sys_bpf(BPF_MAP_GET_NEXT_KEY, &attr);
		break;
	}
	return error < 0 ? from_errno(-error) : 0;
}

static void
linux_close(struct side *side)
{
	uint32_t i;

	if (side->open)
		close((int)side->map);
	for (i = 0; i < INNERS; i++)
		if (side->inners[i] != 0)
			close((int)side->inners[i]);
	memset(side->inners, 0, sizeof(side->inners));
	side->open = false;
}

static uint32_t
linux_cpus(void)
{
	unsigned int first, last = 0;
	FILE *file = fopen("/sys/devices/system/cpu/possible", "r");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%u-%u", &first, &last) < 1)
		last = CPU_MAX;
	fclose(file);
	return last + 1;
}

/* ---- values ---- */

/* Number n as the bytes of a value, on each CPU others; or an inner map's. */
static void
encode(const struct side *side, uint32_t n, uint8_t *bytes)
{
	uint32_t cpus = is_percpu(side->shape.kind) ? side->cpus : 1;
	uint32_t stride = (side->shape.value + 7) & ~7u, cpu, i, fd;

	if (is_outer(side->shape.kind)) {
		fd = side->close == linux_close ?
			     (uint32_t)side->inners[(n - 1) % INNERS] :
			     side->inner_ids[(n - 1) % INNERS];
		if (n > INNERS)
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
	static uint8_t other[VALUE_MAX * CPU_MAX];
	uint32_t cpus = is_percpu(side->shape.kind) ? side->cpus : 1, n, id;
	uint32_t stride = (side->shape.value + 7) & ~7u;
	size_t size = cpus == 1 ? side->shape.value : (size_t)stride * cpus;

	if (is_outer(side->shape.kind)) {
		memcpy(&id, bytes, 4);
		for (n = 0; n < INNERS && side->inner_ids[n] != id; n++)
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

static void
hex(char *text, const uint8_t *bytes, uint32_t len)
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

/*
 * All keys by next; `drain`: each is deleted before the next is asked for. In
 * order of their text where the kind has none of its own.
 */
static void
all_keys(struct side *side, bool drain, char *result)
{
	static char texts[KEYS_MAX][KEY_MAX * 2 + 1];
	uint8_t key[KEY_MAX], next[KEY_MAX];
	uint32_t count = 0, i;
	int error;

	error = side->call(side, "next", NULL, next, 0);
	while (error == 0 && count < KEYS_MAX) {
		memcpy(key, next, side->shape.key);
		hex(texts[count++], key, side->shape.key);
		if (drain && side->call(side, "delete", key, NULL, 0) != 0)
			break;
		error = side->call(side, "next", drain ? NULL : key, next, 0);
	}
	if (is_hash(side->shape.kind))
		qsort(texts, count, sizeof(texts[0]), by_text);
	*result = '\0';
	for (i = 0; i < count && strlen(result) + KEY_MAX * 2 < TEXT - 32; i++) {
		strcat(result, texts[i]);
		strcat(result, " ");
	}
	strcat(result, error == -EBPF_ENOENT ? "." : ebpf_error_name(error));
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
	static const struct shape shapes[INNERS] = {
		{ EBPF_MAP_HASH, 4, 8, 5, 0, 0 },
		{ EBPF_MAP_HASH, 4, 8, 9, 0, 0 },
		{ EBPF_MAP_HASH, 4, 4, 5, 0, 0 },
		{ EBPF_MAP_ARRAY, 4, 8, 5, 0, 0 },
	};
	uint32_t i;
	int error = 0;

	for (i = 0; i < INNERS && error == 0; i++)
		error = side->create(side, &shapes[i], i + 1);
	return error;
}

/* What the side answers to the line. False: it cannot be read. */
static bool
answer(struct side *side, const char *line, char *result)
{
	static uint8_t value[VALUE_MAX * CPU_MAX];
	uint8_t key[KEY_MAX] = { 0 }, next[KEY_MAX];
	char verb[16], kind[32], text[KEY_MAX * 2 + 1] = "-";
	struct shape *shape = &side->shape, made = { 0 };
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
		error = is_outer(made.kind) ? create_inners(side) : 0;
		side->shape = made;
		if (error == 0)
			error = side->create(side, &made, 0);
		side->open = error == 0;
		strcpy(result, error == 0 ? "ok" : ebpf_error_name(error));
		return true;
	}
	if (!side->open)
		return false;
	if (strcmp(verb, "keys") == 0 || strcmp(verb, "drain") == 0) {
		all_keys(side, *verb == 'd', result);
		return true;
	}
	if (sscanf(line, "%*s %1200s %u %llu", text, &n, &flags) < 1 ||
	    !parse_key(text, key, shape->key))
		return false;
	if (*verb == 'n') {
		error = side->call(side, verb, key, next, 0);
		if (error != 0)
			strcpy(result, ebpf_error_name(error));
		else if (is_hash(shape->kind))
			strcpy(result, "some"); /* the key was not there */
		else
			hex(result, next, shape->key);
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

/* ---- sequences ---- */

static uint64_t seed;

static uint32_t
rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % below;
}

static void
random_key(const struct shape *shape, uint8_t *key)
{
	uint32_t n = rnd(shape->entries < 16 ? shape->entries + 3 : 19), i, bits;

	memset(key, 0, KEY_MAX);
	if (shape->kind == EBPF_MAP_LPM_TRIE) {
		bits = (shape->key - 4) * 8;
		n = rnd(20) == 0 ? bits + 1 : rnd(bits + 1);
		memcpy(key, &n, 4);
		for (i = 4; i < shape->key; i++)
			key[i] = (uint8_t)(rnd(3) == 0 ? rnd(4) << 6 : 0);
		return;
	}
	for (i = 0; i < shape->key; i++)
		key[i] = (uint8_t)(n >> (8 * i > 24 ? 24 : 8 * i));
	if (shape->key > 4)
		key[shape->key - 1] = (uint8_t)n;
}

static void
random_create(char *line, uint32_t i)
{
	static const struct shape shapes[] = {
		{ EBPF_MAP_HASH, 4, 8, 8, 0, 0 },
		{ EBPF_MAP_HASH, 1, 1, 3, 0, 0 },
		{ EBPF_MAP_HASH, 13, 20, 12, EBPF_F_NO_PREALLOC, 0 },
		{ EBPF_MAP_HASH, 40, 64, 1, EBPF_F_ZERO_SEED, 0 },
		{ EBPF_MAP_PERCPU_HASH, 4, 8, 8, 0, 0 },
		{ EBPF_MAP_PERCPU_HASH, 6, 13, 5, EBPF_F_NO_PREALLOC, 0 },
		{ EBPF_MAP_ARRAY, 4, 8, 8, 0, 0 },
		{ EBPF_MAP_ARRAY, 4, 3, 1, EBPF_F_INNER_MAP, 0 },
		{ EBPF_MAP_PERCPU_ARRAY, 4, 12, 5, 0, 0 },
		{ EBPF_MAP_LRU_HASH, 4, 8, 4096, 0, 0 },
		{ EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 4096, 0, 0 },
		{ EBPF_MAP_LPM_TRIE, 8, 8, 12, EBPF_F_NO_PREALLOC, 0 },
		{ EBPF_MAP_LPM_TRIE, 5, 1, 40, EBPF_F_NO_PREALLOC, 0 },
		{ EBPF_MAP_LPM_TRIE, 20, 16, 30, EBPF_F_NO_PREALLOC, 0 },
		{ EBPF_MAP_QUEUE, 0, 8, 5, 0, 0 },
		{ EBPF_MAP_QUEUE, 0, 3, 1, 0, 0 },
		{ EBPF_MAP_STACK, 0, 8, 5, 0, 0 },
		{ EBPF_MAP_BLOOM_FILTER, 0, 8, 4000, 0, 3 },
		{ EBPF_MAP_ARRAY_OF_MAPS, 4, 4, 5, 0, 0 },
		{ EBPF_MAP_HASH_OF_MAPS, 4, 4, 5, 0, 0 },
		{ EBPF_MAP_HASH, 4, 8, 8, EBPF_F_RDONLY, 0 },
		{ EBPF_MAP_ARRAY, 4, 8, 8, EBPF_F_WRONLY, 0 },
		{ EBPF_MAP_LPM_TRIE, 8, 8, 8,
		  EBPF_F_NO_PREALLOC | EBPF_F_WRONLY, 0 },
		{ EBPF_MAP_QUEUE, 0, 8, 8, EBPF_F_RDONLY, 0 },
	};
	const struct shape *s = &shapes[i % (sizeof(shapes) / sizeof(*s))];

	sprintf(line, "create %s %u %u %u %x %u", gebpf_map_kind_name(s->kind),
		s->key, s->value, s->entries, s->flags, (unsigned)s->extra);
}

/* Shapes that may be refused; none takes much memory where it is not. */
static void
random_refusal(char *line)
{
	static const uint32_t kinds[] = { 1, 2, 5, 6, 9, 10, 11, 12, 13, 22,
					  23, 30 };
	static const uint32_t keys[] = { 0, 1, 4, 4, 4, 5, 8, 260, 261, 512,
					 513 };
	static const uint32_t values[] = { 0, 1, 4, 4, 8, 8, 32768, 32769,
					   (4 << 20) - 600, (4 << 20) + 1,
					   0x80000000, 0xffffffff };
	static const uint32_t entries[] = { 0, 1, 3, 0xffffffff };
	uint32_t kind = kinds[rnd(sizeof(kinds) / 4)];
	uint32_t value = values[rnd(sizeof(values) / 4)], flags = 0;
	uint32_t many = entries[rnd(3)];

	if (kind == EBPF_MAP_LPM_TRIE && rnd(8) != 0)
		flags = EBPF_F_NO_PREALLOC;
	if (rnd(2) == 0)
		flags |= 1u << rnd(16);
	/* Linux looks at a bloom filter's size before its flags */
	if (kind == EBPF_MAP_BLOOM_FILTER && value > 4 << 20)
		flags = 0;
	if ((kind == EBPF_MAP_QUEUE || kind == EBPF_MAP_STACK ||
	     kind == EBPF_MAP_BLOOM_FILTER) && rnd(4) != 0)
		sprintf(line, "create %s 0 %u %u %x %u",
			gebpf_map_kind_name(kind), value, many, flags,
			kind == EBPF_MAP_BLOOM_FILTER ? rnd(18) : 0);
	else
		sprintf(line, "create %s %u %u %u %x %u",
			gebpf_map_kind_name(kind),
			keys[rnd(sizeof(keys) / 4)], value, many, flags,
			rnd(20) == 0);
}

static void
random_line(struct side *side, char *line)
{
	const struct shape *shape = &side->shape;
	char text[KEY_MAX * 2 + 1], result[TEXT];
	uint8_t key[KEY_MAX];
	uint32_t op = rnd(32), n, flags;

	random_key(shape, key);
	hex(text, key, shape->key);
	n = is_outer(shape->kind) ? 1 + rnd(6) : rnd(256);
	flags = rnd(4) == 0 ? rnd(4) : 0;
	if (op < 14)
		sprintf(line, "update %s %u %u", text, n, flags);
	else if (op < 20)
		sprintf(line, "lookup %s %u", text,
			shape->kind == EBPF_MAP_BLOOM_FILTER ? n : 0);
	else if (op < 25)
		sprintf(line, "delete %s", text);
	else if (op < 28)
		sprintf(line, "extract %s", text);
	else if (op < 29 && !is_keyless(shape->kind))
		strcpy(line, "keys");
	else if (op < 30 && !is_keyless(shape->kind) && rnd(4) == 0)
		strcpy(line, "drain");
	else
		sprintf(line, "next %s", text);
	/* what follows a key of a hash is its own business, if it is there */
	if (*line == 'n' && is_hash(shape->kind)) {
		sprintf(line, "lookup %s 0", text);
		if (answer(side, line, result) &&
		    (strcmp(result, "ENOENT") == 0))
			sprintf(line, "next %s", text);
	}
	/* of those that nobody pushed a few may be found */
	if (*line == 'l' && shape->kind == EBPF_MAP_BLOOM_FILTER &&
	    answer(side, line, result) && strcmp(result, "ENOENT") == 0)
		sprintf(line, "update %s %u 0", text, n);
}

/* ---- running them ---- */

static struct side ours = { our_create, our_call, our_close, .cpus = 0 };
static struct side theirs = { linux_create, linux_call, linux_close,
			      .cpus = 0 };
static uint32_t differences;

/* Does our answer equal the other? Says so when not, a few times. */
static bool
same(const char *line, const char *wanted, uint32_t number)
{
	static char result[TEXT];

	if (!answer(&ours, line, result)) {
		tap_diag("%u: %s: is not understood", number, line);
	} else if (strcmp(result, wanted) != 0) {
		if (differences++ < 60)
			tap_diag("%u: %s: Linux %s, we %s", number, line,
				 wanted, result);
	} else {
		return true;
	}
	return false;
}

static void
replay(const char *path)
{
	static char line[LINE];
	uint32_t lines = 0, good = 0;
	FILE *file = fopen(path, "r");
	char *wanted;

	if (!tap_ok(file != NULL, "%s", path))
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (*line == '#' || *line == '\0')
			continue;
		wanted = strstr(line, " = ");
		lines++;
		if (wanted == NULL)
			continue;
		*wanted = '\0';
		good += same(line, wanted + 3, lines);
	}
	fclose(file);
	our_close(&ours);
	tap_ok(lines > 1000 && good == lines,
	       "%u recorded operations, %u as Linux answered", lines, good);
}

/* Ask Linux; compare with ours, or write down. False: Linux has no such map. */
static bool
ask(const char *line, FILE *record, uint32_t *count, uint32_t *good)
{
	static char wanted[TEXT];

	if (!answer(&theirs, line, wanted))
		return false;
	if (record != NULL)
		fprintf(record, "%s = %s\n", line, wanted);
	*count += 1;
	*good += record != NULL || same(line, wanted, *count);
	return theirs.open;
}

static void
run_random(uint32_t rounds, FILE *record)
{
	static char line[LINE];
	uint32_t i, step, count = 0, good = 0;

	for (i = 0; i < rounds; i++) {
		random_create(line, i);
		if (!ask(line, record, &count, &good))
			continue;
		for (step = 0; step < STEPS; step++) {
			random_line(&theirs, line);
			ask(line, record, &count, &good);
		}
	}
	for (i = 0; i < rounds * 10; i++) {
		random_refusal(line);
		ask(line, record, &count, &good);
		linux_close(&theirs);
		our_close(&ours);
	}
	tap_ok(good == count, "%u operations on both, %u with equal answers",
	       count, good);
}

int
main(int argc, char **argv)
{
	uint32_t rounds = 48, i, major = 0, minor = 0;
	const char *path = NULL;
	struct utsname name;
	FILE *record = NULL;
	union bpf_attr attr = { 0 };
	bool with_linux;
	int fd;

	seed = 20260101;
	for (i = 1; i + 1 < (uint32_t)argc; i += 2) {
		if (strcmp(argv[i], "--record") == 0)
			path = argv[i + 1];
		else if (strcmp(argv[i], "--rounds") == 0)
			rounds = (uint32_t)atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = (uint64_t)atoll(argv[i + 1]);
	}
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	ours.cpus = os_cpu_count();
	theirs.cpus = linux_cpus();
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	fd = sys_bpf(BPF_MAP_CREATE, &attr);
	with_linux = fd >= 0 && theirs.cpus > 0 && theirs.cpus <= CPU_MAX &&
		     ours.cpus <= CPU_MAX;
	if (fd >= 0)
		close(fd);
	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);

	if (path != NULL) {
		record = with_linux ? fopen(path, "w") : NULL;
		if (!tap_ok(record != NULL, "record to %s", path))
			return tap_done();
		fprintf(record, "# SPDX-License-Identifier: BSD-2-Clause OR "
				"GPL-2.0-only\n# Answers of Linux %u.%u; see "
				"tests/unit/map_linux_test.c\n", major, minor);
		run_random(24, record);
		fclose(record);
	} else {
		replay(RECORDED);
		/* older ones' lpm_trie ignored flags and counted wrongly */
		if (!with_linux)
			tap_skip("no bpf(2) here",
				 "random operations on Linux's maps");
		else if (major < 6 || (major == 6 && minor < 13))
			tap_skip("Linux before 6.13 answers otherwise",
				 "random operations on Linux's maps");
		else
			run_random(rounds, NULL);
	}
	linux_close(&theirs);
	our_close(&ours);
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	return tap_done();
}
