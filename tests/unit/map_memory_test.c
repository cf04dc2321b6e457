/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What maps take: that what is reported (bytes_memlock) is what was allocated,
 * and is no more than Linux reports for the same map with as many elements in
 * it. Linux's figures are recorded, from 6.18 on two CPUs, and compared with
 * again where bpf(2) may be used. Run from the top of the tree.
 *
 *	map_memory_test [--record FILE]
 *
 *	KIND KEY VALUE ENTRIES FLAGS ELEMENTS = LINUX [ours BYTES]
 *
 * "ours" is where we take more, and how much may not become more still.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/gebpf.h"
#include "core/map.h"
#include "core/runtime.h"
#include "map_side.h"
#include "tap.h"

#define RECORDED "tests/maps/memory.txt"

enum {
	RECORDED_CPUS = 2,
	CPUS_MAX = 64,
	VALUE_MAX = 4096,
	/* of allocations: rounding to lines, and what stands before them */
	ROUNDING = 512,
};

struct shape {
	uint32_t kind, key, value, entries, flags, elements;
};

static const struct shape shapes[] = {
	{ EBPF_MAP_ARRAY, 4, 8, 1, 0, 0 },
	{ EBPF_MAP_ARRAY, 4, 8, 1000, 0, 0 },
	{ EBPF_MAP_ARRAY, 4, 100, 1000, 0, 0 },
	{ EBPF_MAP_ARRAY, 4, 8, 65536, 0, 0 },
	{ EBPF_MAP_PERCPU_ARRAY, 4, 8, 1, 0, 0 },
	{ EBPF_MAP_PERCPU_ARRAY, 4, 8, 1000, 0, 0 },
	{ EBPF_MAP_HASH, 4, 8, 1, 0, 1 },
	{ EBPF_MAP_HASH, 4, 8, 16, 0, 16 },
	{ EBPF_MAP_HASH, 4, 8, 64, 0, 64 },
	{ EBPF_MAP_HASH, 4, 8, 256, 0, 256 },
	{ EBPF_MAP_HASH, 4, 8, 1000, 0, 1000 },
	{ EBPF_MAP_HASH, 4, 8, 1024, 0, 1024 },
	{ EBPF_MAP_HASH, 6, 4, 1024, 0, 1024 },
	{ EBPF_MAP_HASH, 16, 8, 1024, 0, 1024 },
	{ EBPF_MAP_HASH, 16, 64, 1024, 0, 1024 },
	{ EBPF_MAP_HASH, 40, 200, 100, 0, 100 },
	{ EBPF_MAP_HASH, 4, 4096, 8, 0, 8 },
	{ EBPF_MAP_HASH, 4, 8, 16384, 0, 16384 },
	{ EBPF_MAP_HASH, 4, 8, 65536, 0, 65536 },
	{ EBPF_MAP_HASH, 16, 8, 65536, 0, 65536 },
	{ EBPF_MAP_HASH, 4, 8, 100000, 0, 100000 },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 1024 },
	{ EBPF_MAP_HASH, 4, 8, 65536, EBPF_F_NO_PREALLOC, 100 },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 16, 0, 16 },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, 0, 1024 },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 65536, 0, 65536 },
	{ EBPF_MAP_LRU_HASH, 4, 8, 1, 0, 1 },
	{ EBPF_MAP_LRU_HASH, 4, 8, 64, 0, 64 },
	{ EBPF_MAP_LRU_HASH, 4, 8, 1024, 0, 1024 },
	{ EBPF_MAP_LRU_HASH, 16, 64, 1024, 0, 1024 },
	{ EBPF_MAP_LRU_HASH, 4, 8, 65536, 0, 65536 },
	{ EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 1024, 0, 1024 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 64, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 64, EBPF_F_NO_PREALLOC, 64 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 1024, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 1024, EBPF_F_NO_PREALLOC, 1024 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 65536, EBPF_F_NO_PREALLOC, 1000 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 65536, EBPF_F_NO_PREALLOC, 65536 },
	{ EBPF_MAP_LPM_TRIE, 20, 8, 1024, EBPF_F_NO_PREALLOC, 1024 },
	{ EBPF_MAP_PROG_ARRAY, 4, 4, 64, 0, 0 },
	{ EBPF_MAP_QUEUE, 0, 8, 1024, 0, 0 },
	{ EBPF_MAP_STACK, 0, 8, 1024, 0, 0 },
	{ EBPF_MAP_RINGBUF, 0, 0, 4096, 0, 0 },
	{ EBPF_MAP_RINGBUF, 0, 0, 65536, 0, 0 },
	{ EBPF_MAP_RINGBUF, 0, 0, 1 << 20, 0, 0 },
	{ EBPF_MAP_BLOOM_FILTER, 0, 8, 1024, 0, 0 },
	{ EBPF_MAP_BLOOM_FILTER, 0, 8, 65536, 0, 0 },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static struct ebpf_runtime *rt;

/* Key number n; of an lpm_trie a whole address. */
static void
key_of(const struct shape *s, uint32_t n, uint8_t *key)
{
	uint32_t bits = (s->key - 4) * 8, mixed = n * 0x9e3779b1u;

	memset(key, 0, 64);
	if (s->kind == EBPF_MAP_LPM_TRIE) {
		memcpy(key, &bits, 4);
		memcpy(key + 4, &mixed, 4);
	} else {
		memcpy(key, &n, 4);
	}
}

static void
describe(const struct shape *s, char *text)
{
	sprintf(text, "%s %u %u %u %x %u", gebpf_map_kind_name(s->kind), s->key,
		s->value, s->entries, s->flags, s->elements);
}

/* ---- ours ---- */

/* What is reported; *taken: what was allocated. 0: it cannot be made. */
static uint64_t
our_bytes(const struct shape *s, uint64_t *taken)
{
	static uint64_t value[VALUE_MAX / 8 * CPUS_MAX];
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = s->kind,
		.key_size = s->key,
		.value_size = s->value,
		.max_entries = s->entries,
		.flags = s->flags,
	};
	uint64_t before = os_test_bytes(), reported;
	struct ebpf_map *map;
	uint8_t key[64];
	uint32_t i;

	if (ebpf_map_create(rt, &spec, &map) != 0)
		return 0;
	for (i = 0; i < s->elements; i++) {
		key_of(s, i, key);
		if (ebpf_map_write(map, key, value, EBPF_NOEXIST) != 0) {
			tap_diag("element %u does not fit", i);
			break;
		}
	}
	*taken = os_test_bytes() - before;
	reported = i == s->elements ? os_load(&map->obj.mem_bytes) : 0;
	ebpf_map_put(map);
	os_epoch_drain();
	return reported;
}

/* ---- Linux's ---- */

static int
sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static uint64_t
linux_bytes(const struct shape *s)
{
	static uint64_t value[VALUE_MAX / 8 * CPUS_MAX];
	unsigned long long bytes = 0;
	union bpf_attr attr = { 0 };
	char path[64], line[128];
	uint8_t key[64];
	uint32_t i;
	FILE *file;
	int fd;

	attr.map_type = s->kind;
	attr.key_size = s->key;
	attr.value_size = s->value;
	attr.max_entries = s->entries;
	attr.map_flags = s->flags;
	fd = sys_bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0)
		return 0;
	for (i = 0; i < s->elements; i++) {
		key_of(s, i, key);
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (uint32_t)fd;
		attr.key = (uintptr_t)key;
		attr.value = (uintptr_t)value;
		if (sys_bpf(BPF_MAP_UPDATE_ELEM, &attr) != 0)
			break;
	}
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	if (file != NULL)
		fclose(file);
	close(fd);
	return i == s->elements ? bytes : 0;
}

/* ---- comparing ---- */

/* As on a machine of that many processors, whatever this one has. */
static bool
begin(uint32_t cpus)
{
	uint64_t taken;

	os_store(&os_slot_count, cpus);
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return tap_ok(false, "a runtime");
	our_bytes(&shapes[0], &taken); /* the registry makes room */
	return true;
}

static void
end(void)
{
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
}

static void
exact(void)
{
	uint64_t reported, taken = 0;
	char text[128];
	uint32_t i;

	for (i = 0; i < SHAPES; i++) {
		describe(&shapes[i], text);
		reported = our_bytes(&shapes[i], &taken);
		/* pages of its own, but for sanitizers, which have it twice */
		if (shapes[i].kind == EBPF_MAP_RINGBUF)
			taken = taken > shapes[i].entries ?
					reported :
					taken + shapes[i].entries + 4096;
		tap_ok(reported != 0 && taken <= reported + ROUNDING &&
		       reported <= taken + ROUNDING,
		       "%s: %llu reported, %llu taken", text,
		       (unsigned long long)reported,
		       (unsigned long long)taken);
	}
}

/* The line of a shape in the file: what Linux takes, what we may. */
static bool
recorded(const char *text, uint64_t *theirs, uint64_t *allowed)
{
	unsigned long long linux_says, ours;
	char line[256];
	size_t len = strlen(text);
	bool found = false;
	FILE *file = fopen(RECORDED, "r");
	int n;

	while (file != NULL && !found &&
	       fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, text, len) != 0 || line[len] != ' ')
			continue;
		n = sscanf(line + len, " = %llu ours %llu", &linux_says, &ours);
		*theirs = linux_says;
		*allowed = n == 2 ? ours : linux_says;
		found = n >= 1;
	}
	if (file != NULL)
		fclose(file);
	return found;
}

static void
compare(void)
{
	uint64_t ours, theirs = 0, allowed = 0, taken;
	uint32_t i, worse = 0;
	char text[128];

	for (i = 0; i < SHAPES; i++) {
		describe(&shapes[i], text);
		if (!recorded(text, &theirs, &allowed)) {
			tap_ok(false, "%s: is not recorded", text);
			continue;
		}
		ours = our_bytes(&shapes[i], &taken);
		worse += ours > theirs;
		tap_ok(ours != 0 && ours <= allowed, "%s: %llu, Linux %llu%s",
		       text, (unsigned long long)ours,
		       (unsigned long long)theirs,
		       allowed > theirs ? ", more is known of" : "");
		if (allowed > theirs && ours < allowed)
			tap_diag("less than what is recorded: record again");
	}
	tap_diag("%u of %u shapes take more than Linux's", worse, SHAPES);
}

/* Is what is recorded still so? Of other versions figures differ a little. */
static void
compare_live(uint32_t cpus)
{
	uint64_t theirs, said = 0, allowed = 0, far = 0;
	char text[128];
	uint32_t i;

	for (i = 0; i < SHAPES; i++) {
		describe(&shapes[i], text);
		theirs = linux_bytes(&shapes[i]);
		if (theirs == 0 || !recorded(text, &said, &allowed))
			continue;
		if (said > theirs + theirs / 8 + 1024 ||
		    theirs > said + said / 8 + 1024) {
			tap_diag("%s: recorded %llu, now %llu", text,
				 (unsigned long long)said,
				 (unsigned long long)theirs);
			far++;
		}
	}
	tap_ok(far == 0, "what is recorded of Linux is so here");
}

static int
record(const char *path)
{
	FILE *file = fopen(path, "w");
	uint64_t ours, theirs, taken;
	char text[128];
	uint32_t i;

	if (!tap_ok(file != NULL && side_linux_cpus() == RECORDED_CPUS,
		    "record to %s, on %u CPUs", path, RECORDED_CPUS))
		return tap_done();
	fprintf(file, "# SPDX-License-Identifier: BSD-2-Clause OR "
		      "GPL-2.0-only\n# Bytes that maps take in Linux 6.18; see "
		      "tests/unit/map_memory_test.c\n");
	begin(RECORDED_CPUS);
	for (i = 0; i < SHAPES; i++) {
		describe(&shapes[i], text);
		theirs = linux_bytes(&shapes[i]);
		ours = our_bytes(&shapes[i], &taken);
		fprintf(file, "%s = %llu", text, (unsigned long long)theirs);
		if (ours > theirs)
			fprintf(file, " ours %llu", (unsigned long long)ours);
		fprintf(file, "\n");
	}
	end();
	fclose(file);
	return tap_done();
}

int
main(int argc, char **argv)
{
	uint32_t cpus = side_linux_cpus();

	if (argc == 3 && strcmp(argv[1], "--record") == 0)
		return record(argv[2]);
	if (!begin(RECORDED_CPUS))
		return 1;
	exact();
	compare();
	end();
	if (linux_bytes(&shapes[0]) == 0)
		tap_skip("no bpf(2) here", "Linux's maps now");
	else if (cpus != RECORDED_CPUS)
		tap_skip("recorded on other CPUs", "Linux's maps now");
	else
		compare_live(cpus);
	return tap_done();
}
