/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What maps take: that what is reported (bytes_memlock) is what was allocated,
 * and is no more than Linux reports for the same map with as many elements in
 * it. Linux's figures are recorded, from 6.18 on two CPUs, and compared with
 * again where bpf(2) may be used. Run from the top of the tree.
 *
 *	map_memory_test [--record FILE]
 *
 *	KIND KEY VALUE ENTRIES FLAGS ELEMENTS = LINUX [really BYTES] [ours BYTES]
 *
 * "really" is what Linux takes where it reports less. Elements that are
 * allocated one by one come from its allocator, which has sizes of its own. Of
 * an lpm_trie nothing but elements is reported: it takes its struct, what it
 * keeps for each CPU, both as its BTF says, and a node for each element and for
 * each place where prefixes part and none is. These are counted here, from the
 * keys. "ours" is where we take more than what is reported, and how much: never
 * more than Linux really takes, and not to become more still.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/gebpf.h"
#include "core/jit/jit_lookup.h"
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
	/* Linux 6.18: struct lpm_trie, bpf_mem_cache, lpm_trie_node */
	TRIE_FIXED = 400,
	TRIE_CPU = 208,
	TRIE_NODE = 24,
	HASH_NODE = 48, /* struct htab_elem */
	NODE_LINK = 8, /* before each that its allocator gives */
	NESTED = 4, /* prefixes of one address */
	NESTED_BITS = 4, /* between them */
};

struct shape {
	uint32_t kind, key, value, entries, flags, elements;
	bool nested; /* prefixes lie in each other, or none in another */
};

static const struct shape shapes[] = {
	{ EBPF_MAP_ARRAY, 4, 8, 1, 0, 0, false },
	{ EBPF_MAP_ARRAY, 4, 8, 1000, 0, 0, false },
	{ EBPF_MAP_ARRAY, 4, 100, 1000, 0, 0, false },
	{ EBPF_MAP_ARRAY, 4, 8, 65536, 0, 0, false },
	{ EBPF_MAP_PERCPU_ARRAY, 4, 8, 1, 0, 0, false },
	{ EBPF_MAP_PERCPU_ARRAY, 4, 8, 1000, 0, 0, false },
	{ EBPF_MAP_HASH, 4, 8, 1, 0, 1, false },
	{ EBPF_MAP_HASH, 4, 8, 16, 0, 16, false },
	{ EBPF_MAP_HASH, 4, 8, 64, 0, 64, false },
	{ EBPF_MAP_HASH, 4, 8, 256, 0, 256, false },
	{ EBPF_MAP_HASH, 4, 8, 1000, 0, 1000, false },
	{ EBPF_MAP_HASH, 4, 8, 1024, 0, 1024, false },
	{ EBPF_MAP_HASH, 6, 4, 1024, 0, 1024, false },
	{ EBPF_MAP_HASH, 16, 8, 1024, 0, 1024, false },
	{ EBPF_MAP_HASH, 16, 64, 1024, 0, 1024, false },
	{ EBPF_MAP_HASH, 40, 200, 100, 0, 100, false },
	{ EBPF_MAP_HASH, 4, 4096, 8, 0, 8, false },
	{ EBPF_MAP_HASH, 4, 8, 16384, 0, 16384, false },
	{ EBPF_MAP_HASH, 4, 8, 65536, 0, 65536, false },
	{ EBPF_MAP_HASH, 16, 8, 65536, 0, 65536, false },
	{ EBPF_MAP_HASH, 4, 8, 100000, 0, 100000, false },
	{ EBPF_MAP_HASH, 4, 8, 140000, 0, 140000, false },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 1024, false },
	{ EBPF_MAP_HASH, 4, 8, 65536, EBPF_F_NO_PREALLOC, 100, false },
	{ EBPF_MAP_HASH, 4, 8, 1, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_HASH, 4, 8, 1, EBPF_F_NO_PREALLOC, 1, false },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 1, false },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 2, false },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 10, false },
	{ EBPF_MAP_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 100, false },
	{ EBPF_MAP_HASH, 4, 8, 65536, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_HASH, 4, 8, 65536, EBPF_F_NO_PREALLOC, 40000, false },
	{ EBPF_MAP_HASH, 4, 8, 65536, EBPF_F_NO_PREALLOC, 65536, false },
	{ EBPF_MAP_HASH, 4, 8, 2000000, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_HASH, 4, 8, 2000000, EBPF_F_NO_PREALLOC, 1, false },
	{ EBPF_MAP_HASH, 40, 200, 1000, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_HASH, 40, 200, 1000, EBPF_F_NO_PREALLOC, 1, false },
	{ EBPF_MAP_HASH, 40, 200, 1000, EBPF_F_NO_PREALLOC, 30, false },
	{ EBPF_MAP_HASH, 40, 200, 1000, EBPF_F_NO_PREALLOC, 1000, false },
	{ EBPF_MAP_HASH, 4, 4096, 512, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_HASH, 4, 4096, 512, EBPF_F_NO_PREALLOC, 1, false },
	{ EBPF_MAP_HASH, 4, 4096, 512, EBPF_F_NO_PREALLOC, 77, false },
	{ EBPF_MAP_HASH, 4, 4096, 512, EBPF_F_NO_PREALLOC, 512, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 1, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 2, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 3, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 100, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, EBPF_F_NO_PREALLOC, 1024, false },
	{ EBPF_MAP_PERCPU_HASH, 16, 256, 1024, EBPF_F_NO_PREALLOC, 1, false },
	{ EBPF_MAP_PERCPU_HASH, 16, 256, 1024, EBPF_F_NO_PREALLOC, 20, false },
	{ EBPF_MAP_PERCPU_HASH, 16, 256, 1024, EBPF_F_NO_PREALLOC, 1024, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 16, 0, 16, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 1024, 0, 1024, false },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 65536, 0, 65536, false },
	{ EBPF_MAP_LRU_HASH, 4, 8, 1, 0, 1, false },
	{ EBPF_MAP_LRU_HASH, 4, 8, 64, 0, 64, false },
	{ EBPF_MAP_LRU_HASH, 4, 8, 1024, 0, 1024, false },
	{ EBPF_MAP_LRU_HASH, 16, 64, 1024, 0, 1024, false },
	{ EBPF_MAP_LRU_HASH, 4, 8, 65536, 0, 65536, false },
	{ EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 1024, 0, 1024, false },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 64, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 64, EBPF_F_NO_PREALLOC, 64, false },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 1024, EBPF_F_NO_PREALLOC, 0, false },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 1024, EBPF_F_NO_PREALLOC, 1024, false },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 65536, EBPF_F_NO_PREALLOC, 1000, false },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 65536, EBPF_F_NO_PREALLOC, 65536, false },
	{ EBPF_MAP_LPM_TRIE, 20, 8, 1024, EBPF_F_NO_PREALLOC, 1024, false },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 1024, EBPF_F_NO_PREALLOC, 256, true },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 65536, EBPF_F_NO_PREALLOC, 65536, true },
	{ EBPF_MAP_LPM_TRIE, 20, 8, 1024, EBPF_F_NO_PREALLOC, 1024, true },
	{ EBPF_MAP_PROG_ARRAY, 4, 4, 64, 0, 0, false },
	{ EBPF_MAP_QUEUE, 0, 8, 1024, 0, 0, false },
	{ EBPF_MAP_STACK, 0, 8, 1024, 0, 0, false },
	{ EBPF_MAP_RINGBUF, 0, 0, 4096, 0, 0, false },
	{ EBPF_MAP_RINGBUF, 0, 0, 65536, 0, 0, false },
	{ EBPF_MAP_RINGBUF, 0, 0, 1 << 20, 0, 0, false },
	{ EBPF_MAP_BLOOM_FILTER, 0, 8, 1024, 0, 0, false },
	{ EBPF_MAP_BLOOM_FILTER, 0, 8, 65536, 0, 0, false },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static struct ebpf_runtime *rt;

/* Key number n; of an lpm_trie a whole address. */
static void
key_of(const struct shape *s, uint32_t n, uint8_t *key)
{
	uint32_t bits = (s->key - 4) * 8, mixed = n * 0x9e3779b1u;

	memset(key, 0, 64);
	if (s->nested) {
		mixed = (n / NESTED) * 0x9e3779b1u;
		bits -= n % NESTED * NESTED_BITS;
	}
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
	sprintf(text, "%s %u %u %u %x %u%s", gebpf_map_kind_name(s->kind),
		s->key, s->value, s->entries, s->flags, s->elements,
		s->nested ? " nested" : "");
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

/* A program that looks keys up. */
static int
lookup_load(struct ebpf_map *map, struct ebpf_prog **prog)
{
	static const char text[] = "r2 = r1\n"
				   "r1 = map[idx:0]\n"
				   "call map_lookup_elem\n"
				   "r0 = 0\n"
				   "exit\n";
	struct ebpf_load load = {
		.size = sizeof(load), .kind = EBPF_PROG_RAW, .mem_size = 64,
		.maps = &map, .map_count = 1,
	};
	struct gebpf_error err = { 0 };
	struct ebpf_insn *insns;
	int error;

	if (gebpf_asm(text, strlen(text), &insns, &load.insn_count, &err) != 0)
		return -EBPF_EINVAL;
	load.insns = insns;
	error = ebpf_prog_load(rt, &load, prog);
	free(insns);
	return error;
}

/*
 * It gives the map code, in pages of its own. Both say all they take, and
 * nothing of it stays. (Memory kept for the next program's code is nobody's.)
 */
static void
code_exact(const struct shape *s)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = s->kind, .key_size = s->key,
		.value_size = s->value, .max_entries = s->entries,
		.flags = s->flags,
	};
	uint64_t before = os_test_bytes(), code, map_bytes, prog_bytes, taken;
	struct ebpf_prog *prog;
	struct ebpf_map *map;
	char what[128];
	bool own;

	describe(s, what);
	if (ebpf_map_create(rt, &spec, &map) != 0) {
		tap_ok(false, "%s: a map for a program", what);
		return;
	}
	code = os_load(&map->obj.mem_bytes);
	if (lookup_load(map, &prog) != 0) {
		tap_ok(false, "%s: a program", what);
		ebpf_map_put(map);
		return;
	}
	taken = os_test_bytes() - before;
	ebpf_jit_lookup_code(map, false, &own);
	map_bytes = os_load(&map->obj.mem_bytes);
	prog_bytes = os_load(&prog->obj.mem_bytes);
	code = map_bytes - code;
	tap_ok(own ? code >= 4096 : code == 0, "%s: its code takes %llu", what,
	       (unsigned long long)code);
	tap_ok(taken <= map_bytes + prog_bytes + ROUNDING &&
		       map_bytes + prog_bytes <= taken + ROUNDING,
	       "%s with a program: %llu and %llu reported, %llu taken", what,
	       (unsigned long long)map_bytes, (unsigned long long)prog_bytes,
	       (unsigned long long)taken);
	ebpf_prog_put(prog);
	ebpf_map_put(map);
	os_epoch_drain();
	tap_ok(os_test_bytes() == before, "%s: it is given back", what);
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

/* ---- what Linux really takes ---- */

/* What its allocator gives for that many bytes: kmalloc's sizes. */
static uint64_t
allocated(uint64_t bytes)
{
	uint64_t size = 8;

	while (size < bytes)
		size *= 2;
	if (size > 64 && size <= 256 && bytes <= size / 4 * 3)
		size = size / 4 * 3; /* 96, 192 */
	return size;
}

/* How many bits two keys have in common, of their prefixes. */
static uint32_t
common_bits(const uint8_t *a, const uint8_t *b)
{
	uint32_t a_bits, b_bits, bits, i;

	memcpy(&a_bits, a, 4);
	memcpy(&b_bits, b, 4);
	bits = a_bits < b_bits ? a_bits : b_bits;
	for (i = 0; i < bits / 8 && a[4 + i] == b[4 + i]; i++)
		;
	for (i *= 8; i < bits; i++)
		if (((a[4 + i / 8] ^ b[4 + i / 8]) & 0x80 >> i % 8) != 0)
			break;
	return i;
}

static int
by_prefix(const void *a, const void *b)
{
	const uint8_t *x = a, *y = b;
	uint32_t x_bits, y_bits, bits = common_bits(x, y);

	memcpy(&x_bits, x, 4);
	memcpy(&y_bits, y, 4);
	if (bits == x_bits || bits == y_bits)
		return x_bits < y_bits ? -1 : x_bits > y_bits;
	return (x[4 + bits / 8] & 0x80 >> bits % 8) != 0 ? 1 : -1;
}

/*
 * Nodes that Linux has between those prefixes: one for each place where they
 * part, unless a prefix ends there. In order, such a place is seen first between
 * the first two that lie below it.
 */
static uint32_t
nodes_between(const struct shape *s)
{
	uint8_t (*keys)[64] = calloc(s->elements + 1, sizeof(*keys));
	uint32_t open[64 * 8], depth = 0, nodes = 0, i, bits, len;

	for (i = 0; keys != NULL && i < s->elements; i++)
		key_of(s, i, keys[i]);
	if (keys != NULL)
		qsort(keys, s->elements, sizeof(*keys), by_prefix);
	for (i = 1; keys != NULL && i < s->elements; i++) {
		bits = common_bits(keys[i - 1], keys[i]);
		while (depth > 0 && open[depth - 1] > bits)
			depth--;
		if (depth > 0 && open[depth - 1] == bits)
			continue;
		open[depth++] = bits;
		memcpy(&len, keys[i - 1], 4);
		nodes += len != bits;
	}
	free(keys);
	return nodes;
}

static uint64_t
trie_bytes(const struct shape *s)
{
	return TRIE_FIXED + TRIE_CPU * RECORDED_CPUS +
	       (uint64_t)(s->elements + nodes_between(s)) *
		       allocated(NODE_LINK + TRIE_NODE + s->key - 4 + s->value);
}

/* Of a hash; its values for each CPU are taken as they are reported. */
static uint64_t
elements_more(const struct shape *s)
{
	uint64_t each = NODE_LINK + HASH_NODE + (s->key + 7) / 8 * 8 +
			(s->kind == EBPF_MAP_PERCPU_HASH ?
				 8 : (s->value + 7) / 8 * 8);

	return s->elements * (allocated(each) - each);
}

static uint64_t
really_bytes(const struct shape *s, uint64_t reported)
{
	if (s->kind == EBPF_MAP_LPM_TRIE)
		return trie_bytes(s);
	if ((s->flags & EBPF_F_NO_PREALLOC) != 0)
		return reported + elements_more(s);
	return reported;
}

/* ---- comparing ---- */

/* As on a machine of that many processors, whatever this one has. */
static bool
begin(uint32_t cpus)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = EBPF_MAP_ARRAY, .key_size = 4,
		.value_size = 8, .max_entries = 1,
	};
	struct ebpf_prog *prog;
	struct ebpf_map *map;

	os_store(&os_slot_count, cpus);
	if (ebpf_runtime_create(NULL, &rt) != 0 ||
	    ebpf_map_create(rt, &spec, &map) != 0 || lookup_load(map, &prog) != 0)
		return tap_ok(false, "a runtime, a map and a program");
	/* registries have made room */
	ebpf_prog_put(prog);
	ebpf_map_put(map);
	os_epoch_drain();
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

/* The line of a shape in the file. */
struct record {
	unsigned long long reported; /* by Linux */
	unsigned long long taken;    /* by Linux: the same, or more */
	unsigned long long allowed;  /* that we take */
};

static bool
recorded(const char *text, struct record *record)
{
	char line[256];
	size_t len = strlen(text);
	bool found = false;
	FILE *file = fopen(RECORDED, "r");
	const char *more;

	memset(record, 0, sizeof(*record));
	while (file != NULL && !found &&
	       fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, text, len) != 0 ||
		    sscanf(line + len, " = %llu", &record->reported) != 1)
			continue;
		found = true;
		record->taken = record->reported;
		more = strstr(line, " really ");
		if (more != NULL)
			sscanf(more, " really %llu", &record->taken);
		record->allowed = record->reported;
		more = strstr(line, " ours ");
		if (more != NULL)
			sscanf(more, " ours %llu", &record->allowed);
	}
	if (file != NULL)
		fclose(file);
	return found;
}

static void
compare(void)
{
	uint32_t i, worse = 0, above = 0;
	uint64_t ours, taken;
	struct record record;
	char text[128];

	for (i = 0; i < SHAPES; i++) {
		describe(&shapes[i], text);
		if (!recorded(text, &record)) {
			tap_ok(false, "%s: is not recorded", text);
			continue;
		}
		tap_ok(really_bytes(&shapes[i], record.reported) ==
			       record.taken,
		       "%s: what Linux really takes is as recorded", text);
		ours = our_bytes(&shapes[i], &taken);
		worse += ours > record.taken;
		above += ours > record.reported;
		tap_ok(ours != 0 && ours <= record.allowed &&
			       ours <= record.taken,
		       "%s: %llu, Linux %llu, reported %llu", text,
		       (unsigned long long)ours, record.taken,
		       record.reported);
		if (record.allowed > record.reported && ours < record.allowed)
			tap_diag("less than what is recorded: record again");
	}
	tap_diag("%u of %u shapes take more than Linux takes, %u more than it "
		 "reports", worse, SHAPES, above);
}

/* Is what is recorded still so? Of other versions figures differ a little. */
static void
compare_live(uint32_t cpus)
{
	uint64_t theirs, said, far = 0;
	struct record record;
	char text[128];
	uint32_t i;

	for (i = 0; i < SHAPES; i++) {
		describe(&shapes[i], text);
		theirs = linux_bytes(&shapes[i]);
		if (theirs == 0 || !recorded(text, &record))
			continue;
		said = record.reported;
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
		taken = really_bytes(&shapes[i], theirs);
		if (taken != theirs)
			fprintf(file, " really %llu",
				(unsigned long long)taken);
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
	uint32_t cpus = side_linux_cpus(), i;

	if (argc == 3 && strcmp(argv[1], "--record") == 0)
		return record(argv[2]);
	if (!begin(RECORDED_CPUS))
		return 1;
	exact();
	for (i = 0; i < SHAPES; i++)
		if (shapes[i].entries == 1024 && shapes[i].key != 0)
			code_exact(&shapes[i]);
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
