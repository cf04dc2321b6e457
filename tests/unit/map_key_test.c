/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Keys that others change while a map reads them: a program may hand over a
 * key that lies in a map's value. Whatever the map then makes of it, what is in
 * the map must be found, once, and be removable, and nothing else may be lost.
 *
 * Not by chance: the key lies across two pages, the second is not there, and
 * who gives it back when it is touched changes what lies in the first.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/map.h"
#include "core/runtime.h"
#include "tap.h"

enum {
	KEY_MAX = 64,
	OTHERS = 40, /* keys that are there all the time */
	ENTRIES = 64,
};

static struct ebpf_runtime *rt;
static struct ebpf_map *map;
static uint8_t *pages;
static size_t page;
static uint8_t *key; /* as it is handed over */
static uint32_t split; /* bytes of it in the first page */
static uint8_t changed[KEY_MAX];
static volatile sig_atomic_t faults;

static void
on_fault(int number, siginfo_t *info, void *context)
{
	uint8_t *at = info->si_addr;
	uint32_t i;

	if (at < pages + page || at >= pages + 2 * page || faults++ != 0)
		_exit(99);
	mprotect(pages + page, page, PROT_READ | PROT_WRITE);
	for (i = 0; i < split; i++)
		key[i] = changed[i];
}

/* Key number n: all its bytes differ from those of every other. */
static void
key_of(uint32_t n, uint8_t *bytes)
{
	uint32_t bits = (map->key_size - 4) * 8, i;

	for (i = 0; i < map->key_size; i++)
		bytes[i] = (uint8_t)(n * 5 + 1);
	if (map->ops->kind == EBPF_MAP_LPM_TRIE)
		memcpy(bytes, &bits, 4);
}

static void
lay(const uint8_t *bytes, uint32_t in_first)
{
	mprotect(pages + page, page, PROT_READ | PROT_WRITE);
	split = in_first;
	key = pages + page - split;
	memcpy(key, bytes, map->key_size);
	mprotect(pages + page, page, PROT_NONE);
	faults = 0;
}

static void *
some_value(void)
{
	static uint64_t value[512];

	return value;
}

static int
put_key(const uint8_t *bytes)
{
	int error;

	while ((error = ebpf_map_write(map, bytes, some_value(), 0)) ==
	       -EBPF_EAGAIN)
		os_epoch_drain();
	return error;
}

/*
 * All that a walk shows can be found, and is shown once; the others are there;
 * their number is right. Then all of it is removed.
 */
static bool
is_whole(void)
{
	uint32_t size = map->key_size, count = ENTRIES, i, j, others = 0;
	size_t element = size + ebpf_map_user_value_size(map);
	uint8_t *out = calloc(ENTRIES + 1, element), bytes[KEY_MAX];
	uint64_t cursor = 0;
	bool good, done;

	good = ebpf_map_walk(map, &cursor, &count, out, &done) == 0 && done &&
	       map->ops->count(map) == count;
	for (i = 0; i < count && good; i++) {
		good = ebpf_map_read(map, out + i * element, some_value()) == 0;
		for (j = 0; j < i; j++)
			good &= memcmp(out + i * element, out + j * element,
				       size) != 0;
		for (j = 0; j < OTHERS; j++) {
			key_of(j, bytes);
			others += memcmp(out + i * element, bytes, size) == 0;
		}
	}
	good &= others == OTHERS;
	for (i = 0; i < count && good; i++)
		good = ebpf_map_remove(map, out + i * element) == 0;
	good &= map->ops->count(map) == 0;
	free(out);
	return good;
}

enum op { UPDATE, UPDATE_THERE, REMOVE, READ, EXTRACT, NEXT, OPS };

/* The operation on a key that is number `from`, and number `to` when it ends. */
static int
operate(enum op op, uint32_t from, uint32_t to, uint32_t in_first)
{
	uint8_t bytes[KEY_MAX];
	int error = 0;

	key_of(from, bytes);
	key_of(to, changed);
	lay(bytes, in_first);
	switch (op) {
	case UPDATE:
	case UPDATE_THERE:
		error = ebpf_map_write(map, key, some_value(), 0);
		break;
	case REMOVE:
		error = ebpf_map_remove(map, key);
		break;
	case READ:
		error = ebpf_map_read(map, key, some_value());
		break;
	case EXTRACT:
		error = ebpf_map_extract(map, key, some_value());
		break;
	case NEXT:
		error = ebpf_map_next(map, key, bytes);
		break;
	case OPS:
		break;
	}
	return error;
}

static void
run(uint32_t kind, const char *name, uint32_t key_size, uint32_t flags)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = key_size,
		.value_size = 8,
		.max_entries = ENTRIES,
		.flags = flags,
	};
	bool good = true, extracts;
	uint32_t i, op, at, touched = 0, from;
	uint8_t bytes[KEY_MAX];

	if (!tap_ok(ebpf_map_create(rt, &spec, &map) == 0, "%s", name))
		return;
	extracts = map->ops->extract != NULL;
	for (op = 0; op < OPS && good; op++) {
		if (op == EXTRACT && !extracts)
			continue;
		for (at = 1; at < key_size && good; at++) {
			for (i = 0; i < OTHERS; i++) {
				key_of(i, bytes);
				good &= put_key(bytes) == 0;
			}
			/* another key that is there, and one that is not */
			from = op == UPDATE ? OTHERS : 3;
			operate((enum op)op, from, OTHERS + 1, at);
			touched += (uint32_t)faults;
			if (op == REMOVE || op == EXTRACT) {
				key_of(3, bytes);
				good &= put_key(bytes) == 0;
			}
			good &= is_whole();
			if (op != UPDATE)
				continue;
			/* and one that becomes another that is there */
			for (i = 0; i < OTHERS; i++) {
				key_of(i, bytes);
				good &= put_key(bytes) == 0;
			}
			operate(UPDATE, OTHERS, 5, at);
			good &= is_whole();
			if (!good)
				tap_diag("operation %u, %u of %u bytes", op, at,
					 key_size);
		}
	}
	tap_ok(good, "%s, %u-byte keys: whole after keys changed", name,
	       key_size);
	tap_ok(touched >= key_size - 1, "%s, %u-byte keys: they did change, "
	       "%u times", name, key_size, touched);
	ebpf_map_put(map);
	os_epoch_drain();
}

int
main(void)
{
	static const uint32_t sizes[] = { 4, 5, 8, 12, 13, 16, 17, 24, 31, 32,
					  33, 40, 48, 64 };
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };
	uint32_t i;

	page = (size_t)sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || sigaction(SIGSEGV, &action, NULL) != 0 ||
	    sigaction(SIGBUS, &action, NULL) != 0 ||
	    ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		run(EBPF_MAP_HASH, "hash", sizes[i], 0);
		run(EBPF_MAP_PERCPU_HASH, "percpu_hash", sizes[i], 0);
		run(EBPF_MAP_LRU_HASH, "lru_hash", sizes[i], 0);
		if (sizes[i] > 4)
			run(EBPF_MAP_LPM_TRIE, "lpm_trie", sizes[i],
			    EBPF_F_NO_PREALLOC);
	}
	ebpf_runtime_destroy(rt);
	return tap_done();
}
