/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Our maps against Linux's, operation by operation: sequences of operations as
 * lines of text (tests/lib/map_side.h), each with what Linux answers. Recorded
 * ones, made on Linux 6.18, run everywhere; random ones run on both where root
 * may use bpf(2) (only maps, no programs). Run from the top of the tree.
 *
 *	map_linux_test [--record FILE] [--rounds N] [--seed N]
 *	map_linux_test --device TARGET	recorded ones, by requests to a device
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "client/gebpf.h"
#include "core/map.h"
#include "map_side.h"
#include "tap.h"

#define RECORDED "tests/maps/linux.txt"

enum {
	STEPS = 120,
};

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
random_key(const struct side_shape *shape, uint8_t *key)
{
	uint32_t n = rnd(shape->entries < 16 ? shape->entries + 3 : 19), i, bits;

	if (shape->kind != EBPF_MAP_LPM_TRIE) {
		side_key(shape, n, key);
		return;
	}
	memset(key, 0, SIDE_KEY_MAX);
	bits = (shape->key - 4) * 8;
	n = rnd(20) == 0 ? bits + 1 : rnd(bits + 1);
	memcpy(key, &n, 4);
	for (i = 4; i < shape->key; i++)
		key[i] = (uint8_t)(rnd(3) == 0 ? rnd(4) << 6 : 0);
}

/*
 * All kinds but those of records, whose rings are another matter, and xskmap,
 * which Linux lets nobody read.
 */
static const struct side_shape shapes[] = {
	{ EBPF_MAP_HASH, 4, 8, 8, 0, 0 },
	{ EBPF_MAP_HASH, 1, 1, 3, 0, 0 },
	{ EBPF_MAP_HASH, 13, 20, 12, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_HASH, 40, 64, 1, EBPF_F_ZERO_SEED, 0 },
	{ EBPF_MAP_HASH, 2, 5, 30, EBPF_F_NUMA_NODE, 0 },
	{ EBPF_MAP_HASH, 8, 8, 20, EBPF_F_NO_PREALLOC | EBPF_F_RDONLY_PROG, 0 },
	{ EBPF_MAP_HASH, 24, 7, 9, EBPF_F_WRONLY_PROG, 0 },
	{ EBPF_MAP_HASH, 4, 8, 8, EBPF_F_RDONLY, 0 },
	{ EBPF_MAP_HASH, 4, 8, 8, EBPF_F_WRONLY, 0 },
	{ EBPF_MAP_PERCPU_HASH, 4, 8, 8, 0, 0 },
	{ EBPF_MAP_PERCPU_HASH, 6, 13, 5, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_PERCPU_HASH, 16, 8, 10, EBPF_F_WRONLY, 0 },
	{ EBPF_MAP_LRU_HASH, 4, 8, 4096, 0, 0 },
	{ EBPF_MAP_LRU_HASH, 12, 9, 4096, EBPF_F_NO_COMMON_LRU, 0 },
	{ EBPF_MAP_LRU_HASH, 4, 8, 4096, EBPF_F_NUMA_NODE, 0 },
	{ EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 4096, 0, 0 },
	{ EBPF_MAP_LRU_PERCPU_HASH, 8, 24, 4096, EBPF_F_NO_COMMON_LRU, 0 },
	{ EBPF_MAP_ARRAY, 4, 8, 8, 0, 0 },
	{ EBPF_MAP_ARRAY, 4, 3, 1, EBPF_F_INNER_MAP, 0 },
	{ EBPF_MAP_ARRAY, 4, 16, 33, EBPF_F_MMAPABLE, 0 },
	{ EBPF_MAP_ARRAY, 4, 5, 17, EBPF_F_NUMA_NODE | EBPF_F_RDONLY_PROG, 0 },
	{ EBPF_MAP_ARRAY, 4, 8, 8, EBPF_F_WRONLY, 0 },
	{ EBPF_MAP_PERCPU_ARRAY, 4, 12, 5, 0, 0 },
	{ EBPF_MAP_PERCPU_ARRAY, 4, 8, 5, EBPF_F_RDONLY, 0 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 12, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_LPM_TRIE, 5, 1, 40, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_LPM_TRIE, 20, 16, 30, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_LPM_TRIE, 36, 4, 30, EBPF_F_NO_PREALLOC | EBPF_F_NUMA_NODE,
	  0 },
	{ EBPF_MAP_LPM_TRIE, 8, 8, 8, EBPF_F_NO_PREALLOC | EBPF_F_WRONLY, 0 },
	{ EBPF_MAP_QUEUE, 0, 8, 5, 0, 0 },
	{ EBPF_MAP_QUEUE, 0, 3, 1, EBPF_F_NUMA_NODE, 0 },
	{ EBPF_MAP_QUEUE, 0, 8, 8, EBPF_F_RDONLY, 0 },
	{ EBPF_MAP_STACK, 0, 8, 5, 0, 0 },
	{ EBPF_MAP_STACK, 0, 5, 7, EBPF_F_WRONLY, 0 },
	{ EBPF_MAP_BLOOM_FILTER, 0, 8, 4000, 0, 3 },
	{ EBPF_MAP_BLOOM_FILTER, 0, 21, 4000, EBPF_F_ZERO_SEED, 0 },
	{ EBPF_MAP_ARRAY_OF_MAPS, 4, 4, 5, 0, 0 },
	{ EBPF_MAP_HASH_OF_MAPS, 4, 4, 5, 0, 0 },
	{ EBPF_MAP_HASH_OF_MAPS, 9, 4, 7, EBPF_F_NO_PREALLOC, 0 },
	{ EBPF_MAP_PROG_ARRAY, 4, 4, 5, 0, 0 },
	{ EBPF_MAP_DEVMAP, 4, 4, 5, 0, 0 },
	{ EBPF_MAP_DEVMAP, 4, 8, 5, EBPF_F_RDONLY_PROG, 0 },
	{ EBPF_MAP_DEVMAP_HASH, 4, 4, 5, 0, 0 },
	{ EBPF_MAP_CPUMAP, 4, 4, 2, 0, 0 },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* Values that name devices and processors are not the same here. */
static bool
is_target(uint32_t kind)
{
	return kind == EBPF_MAP_DEVMAP || kind == EBPF_MAP_DEVMAP_HASH ||
	       kind == EBPF_MAP_CPUMAP;
}

static void
random_create(char *line, uint32_t i)
{
	const struct side_shape *s = &shapes[i % SHAPES];

	sprintf(line, "create %s %u %u %u %x %u", gebpf_map_kind_name(s->kind),
		s->key, s->value, s->entries, s->flags, (unsigned)s->extra);
}

/* Shapes that may be refused; none takes much memory where it is not. */
static void
random_refusal(char *line)
{
	static const uint32_t kinds[] = { 1, 2, 3, 4, 5, 6, 9, 10, 11, 12,
					  13, 14, 16, 17, 22, 23, 25, 27,
					  30 };
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

/* Some keys, with values or without: they come more than once. */
static void
random_batch(const struct side_shape *shape, const char *verb, char *line)
{
	uint32_t count = 1 + rnd(6);
	uint8_t key[SIDE_KEY_MAX];

	line += sprintf(line, "%s", verb);
	for (; count > 0; count--) {
		*line++ = ' ';
		random_key(shape, key);
		side_hex(line, key, shape->key);
		line += strlen(line);
		if (verb[1] == 'u')
			line += sprintf(line, " %u",
					side_is_outer(shape->kind) ?
						1 + rnd(6) : rnd(256));
	}
}

/* What both have as batches of the kind. */
static bool
has_batches(uint32_t kind, bool deletes)
{
	if (side_is_hash(kind) || kind == EBPF_MAP_LPM_TRIE)
		return true;
	return (kind == EBPF_MAP_ARRAY || kind == EBPF_MAP_PERCPU_ARRAY ||
		kind == EBPF_MAP_ARRAY_OF_MAPS) && !deletes;
}

static void
random_batches(const struct side_shape *shape, char *line)
{
	uint32_t what = rnd(8);

	if (what < 4 && has_batches(shape->kind, false))
		random_batch(shape, "bupdate", line);
	else if (what < 6 && has_batches(shape->kind, true))
		random_batch(shape, "bdelete", line);
	else if (what == 6 && side_is_hash(shape->kind))
		strcpy(line, "bextract");
	else if (has_batches(shape->kind, false))
		strcpy(line, "blookup");
	else
		strcpy(line, "keys");
}

static bool
is_lru(uint32_t kind)
{
	return kind == EBPF_MAP_LRU_HASH || kind == EBPF_MAP_LRU_PERCPU_HASH;
}

static void
random_line(struct side *side, char *line)
{
	const struct side_shape *shape = &side->shape;
	char text[SIDE_KEY_MAX * 2 + 1], result[SIDE_TEXT];
	uint8_t key[SIDE_KEY_MAX];
	uint32_t op = rnd(36), n, flags;
	bool keyless = side_is_keyless(shape->kind) || shape->key == 0;

	random_key(shape, key);
	side_hex(text, key, shape->key);
	n = side_is_outer(shape->kind) ? 1 + rnd(6) : rnd(256);
	flags = rnd(4) == 0 ? rnd(4) : 0;
	if (op < 14 && !is_target(shape->kind))
		sprintf(line, "update %s %u %u", text, n, flags);
	else if (op < 20)
		sprintf(line, "lookup %s %u", text,
			shape->kind == EBPF_MAP_BLOOM_FILTER ? n : 0);
	else if (op < 25)
		sprintf(line, "delete %s", text);
	else if (op < 28)
		sprintf(line, "extract %s", text);
	else if (op < 29 && !keyless)
		strcpy(line, "keys");
	else if (op < 30 && !keyless && rnd(4) == 0)
		strcpy(line, rnd(2) == 0 ? "drain" : "sweep");
	else if (op < 31 && rnd(3) == 0 && !is_lru(shape->kind) &&
		 !is_target(shape->kind) &&
		 shape->kind != EBPF_MAP_BLOOM_FILTER)
		sprintf(line, "fill %u", rnd(4));
	else if (op >= 32 && !keyless && !is_target(shape->kind))
		random_batches(shape, line);
	else
		sprintf(line, "next %s", text);
	/* what follows a key of a hash is its own business, if it is there */
	if (*line == 'n' && side_is_hash(shape->kind)) {
		sprintf(line, "lookup %s 0", text);
		if (side_answer(side, line, result) &&
		    (strcmp(result, "ENOENT") == 0))
			sprintf(line, "next %s", text);
	}
	/* of those that nobody pushed a few may be found */
	if (*line == 'l' && shape->kind == EBPF_MAP_BLOOM_FILTER &&
	    side_answer(side, line, result) && strcmp(result, "ENOENT") == 0)
		sprintf(line, "update %s %u 0", text, n);
}

/* ---- running them ---- */

static uint32_t differences;

/* Does our answer equal the other? Says so when not, a few times. */
static bool
same(const char *line, const char *wanted, uint32_t number)
{
	static char result[SIDE_TEXT];

	if (!side_answer(&side_ours, line, result)) {
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
	static char line[SIDE_LINE];
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
	side_ours.close(&side_ours);
	tap_ok(lines > 1000 && good == lines,
	       "%u recorded operations, %u as Linux answered", lines, good);
}

/* Ask Linux; compare with ours, or write down. False: Linux has no such map. */
static bool
ask(const char *line, FILE *record, uint32_t *count, uint32_t *good)
{
	static char wanted[SIDE_TEXT];

	if (!side_answer(&side_theirs, line, wanted))
		return false;
	if (record != NULL)
		fprintf(record, "%s = %s\n", line, wanted);
	*count += 1;
	*good += record != NULL || same(line, wanted, *count);
	return side_theirs.open;
}

static void
run_random(uint32_t rounds, FILE *record)
{
	static char line[SIDE_LINE];
	uint32_t i, step, count = 0, good = 0;

	for (i = 0; i < rounds; i++) {
		random_create(line, i);
		if (!ask(line, record, &count, &good))
			continue;
		for (step = 0; step < STEPS; step++) {
			random_line(&side_theirs, line);
			ask(line, record, &count, &good);
		}
	}
	for (i = 0; i < rounds * 10; i++) {
		random_refusal(line);
		ask(line, record, &count, &good);
		side_theirs.close(&side_theirs);
		side_ours.close(&side_ours);
	}
	tap_ok(good == count, "%u operations on both, %u with equal answers",
	       count, good);
}

/* ---- which elements an LRU map gives up ---- */

enum {
	LRU_ENTRIES = 1000,
	LRU_KEYS = 4000,
	LRU_STEPS = 40000,
};

/*
 * Updates of keys, small numbers far more often than great ones: how many of a
 * thousand find their key there. Such updates count as uses for both sides.
 */
static uint32_t
lru_hits(struct side *side)
{
	uint8_t key[SIDE_KEY_MAX], value[SIDE_VALUE_MAX] = { 0 };
	char line[SIDE_LINE], result[SIDE_TEXT];
	uint32_t i, n, hits = 0;
	uint64_t kept = seed;

	sprintf(line, "create lru_hash 4 8 %u 0 0", LRU_ENTRIES);
	if (!side_answer(side, line, result) || !side->open)
		return 0;
	for (i = 0; i < LRU_STEPS; i++) {
		n = rnd(1 + rnd(1 + rnd(LRU_KEYS)));
		side_key(&side->shape, n, key);
		if (side->call(side, "update", key, value, EBPF_EXIST) == 0)
			hits += i >= LRU_STEPS / 2;
		else
			side->call(side, "update", key, value, EBPF_ANY);
	}
	seed = kept; /* the same keys for the other side */
	return hits * 2000 / LRU_STEPS;
}

/* What keeps nothing of what is used would have 250 of 1000. */
static void
compare_lru(bool with_linux)
{
	uint32_t ours = lru_hits(&side_ours), theirs = 0;

	if (with_linux)
		theirs = lru_hits(&side_theirs);
	else
		theirs = 724; /* Linux 6.18's */
	tap_ok(ours + 20 >= theirs, "of 1000 updates of an LRU map %u find "
	       "their key, of Linux's%s %u", ours, with_linux ? "" : " once",
	       theirs);
}

static int
on_device(const char *target)
{
	if (!tap_ok(side_open_device(&side_ours, target), "device %s", target))
		return tap_done();
	replay(RECORDED);
	compare_lru(false);
	side_close_device(&side_ours);
	return tap_done();
}

int
main(int argc, char **argv)
{
	uint32_t rounds = SHAPES * 2, i, major = 0, minor = 0;
	const char *path = NULL;
	struct utsname name;
	FILE *record = NULL;
	bool with_linux;

	seed = 20260101;
	if (argc == 3 && strcmp(argv[1], "--device") == 0)
		return on_device(argv[2]);
	for (i = 1; i + 1 < (uint32_t)argc; i += 2) {
		if (strcmp(argv[i], "--record") == 0)
			path = argv[i + 1];
		else if (strcmp(argv[i], "--rounds") == 0)
			rounds = (uint32_t)atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = (uint64_t)atoll(argv[i + 1]);
	}
	if (!side_open_ours())
		return 1;
	with_linux = side_open_theirs();
	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);

	if (path != NULL) {
		record = with_linux ? fopen(path, "w") : NULL;
		if (!tap_ok(record != NULL, "record to %s", path))
			return tap_done();
		fprintf(record, "# SPDX-License-Identifier: BSD-2-Clause OR "
				"GPL-2.0-only\n# Answers of Linux %u.%u; see "
				"tests/unit/map_linux_test.c\n", major, minor);
		run_random(SHAPES, record);
		fclose(record);
	} else {
		replay(RECORDED);
		compare_lru(with_linux);
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
	side_theirs.close(&side_theirs);
	side_close_ours();
	return tap_done();
}
