/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What guards watch: each row is a bit of work that run.sh counts the machine
 * instructions of, by running this under callgrind, which writes down one file
 * each time counted() returns; in the order of the lines printed here:
 *
 *	count NAME OPERATIONS MINUS	MINUS: what to take off, or -
 *	size NAME BYTES			of machine code
 *	flags FLAGS			what this was compiled with
 *
 * Nothing here depends on time, seeds or the number of CPUs. Run from the top
 * of the tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/ctx.h"
#include "core/fuse.h"
#include "core/interp.h"
#include "core/jit/jit_draft.h"
#include "core/jit/jit_scan.h"
#include "core/map.h"
#include "guard.h"

enum {
	LOOPS = 100,	/* turns of a program's loop */
	RUNS = 4,	/* of the program */
	KEYS = 64,
	ROOMY = 4096,	/* elements, so many that some are always free */
	CALLS = 1000,	/* of the library */
	TEXT = 4096,
	PACKET = 1024,
	MANY = 4000,	/* instructions of a long program */
};

struct ebpf_runtime *guard_rt;

void
guard_fail(const char *what, const char *why)
{
	fprintf(stderr, "guard: %s: %s\n", what, why);
	exit(1);
}

/* ---- the part that is counted ---- */

void counted(void (*work)(void *arg), void *arg); /* callgrind knows its name */

__attribute__((noinline)) void
counted(void (*work)(void *arg), void *arg)
{
	work(arg);
	/* no jump into work: this function returns */
	__asm__ volatile("" ::: "memory");
}

void
guard_count(const char *name, uint32_t operations, const char *minus,
	    void (*work)(void *arg), void *arg)
{
	printf("count %s %u %s\n", name, operations, minus);
	counted(work, arg);
}

void
guard_measure(const char *name, uint32_t operations, const char *minus,
	      void (*work)(void *arg), void *arg)
{
	work(arg);
	guard_count(name, operations, minus, work, arg);
}

/* ---- maps and programs ---- */

struct ebpf_map *
guard_map(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
	};
	struct ebpf_map *map;
	int error;

	if (kind == EBPF_MAP_LPM_TRIE)
		spec.flags = EBPF_F_NO_PREALLOC;
	else if (kind == EBPF_MAP_HASH || kind == EBPF_MAP_LRU_HASH ||
		 kind == EBPF_MAP_PERCPU_HASH)
		spec.flags = EBPF_F_ZERO_SEED;
	error = ebpf_map_create(guard_rt, &spec, &map);
	if (error)
		guard_fail(ebpf_error_name(error), "a map");
	return map;
}

/* Keys 0 to count - 1; of an lpm_trie, prefixes of 12 to 28 bits. */
static void
key_of(const struct ebpf_map *map, uint32_t number, uint64_t key[2])
{
	key[0] = number;
	key[1] = 0;
	if (map->ops->kind == EBPF_MAP_LPM_TRIE)
		key[0] = (uint64_t)(number * 0x1e3779b1u) << 32 |
			 (12 + number % 17);
}

static void
fill_map(struct ebpf_map *map, uint32_t count)
{
	void *value = calloc(1, ebpf_map_user_value_size(map));
	uint64_t key[2];
	uint32_t i;

	for (i = 0; i < count; i++) {
		key_of(map, i, key);
		if (ebpf_map_write(map, key, value, EBPF_ANY))
			guard_fail("write", "a map");
	}
	free(value);
}

struct ebpf_prog *
guard_load(const char *what, uint32_t kind, const struct ebpf_insn *insns,
	   uint32_t count, struct ebpf_map *map)
{
	static char log[1 << 14];
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = kind,
		.insns = insns,
		.insn_count = count,
		.maps = &map,
		.map_count = map != NULL,
		.log = log,
		.log_size = sizeof(log),
	};
	struct ebpf_prog *prog;

	if (ebpf_prog_load(guard_rt, &request, &prog))
		guard_fail(what, log);
	return prog;
}

static struct ebpf_insn *
assemble(const char *what, const char *text, uint32_t *count)
{
	struct gebpf_error err = { 0 };
	struct ebpf_insn *insns;

	if (gebpf_asm(text, strlen(text), &insns, count, &err))
		guard_fail(what, err.text);
	return insns;
}

static struct ebpf_prog *
load_text(const char *what, const char *text, struct ebpf_map *map)
{
	struct ebpf_prog *prog;
	struct ebpf_insn *insns;
	uint32_t count;

	insns = assemble(what, text, &count);
	prog = guard_load(what, EBPF_PROG_RAW, insns, count, map);
	free(insns);
	return prog;
}

static void
run_program(void *arg)
{
	uint32_t i;

	for (i = 0; i < RUNS; i++)
		ebpf_prog_run(arg, 0, 0, 0);
}

static void
run_interpreted(void *arg)
{
	uint32_t i;

	for (i = 0; i < RUNS; i++)
		ebpf_interp_run(0, 0, 0, arg);
}

/* As guard_measure(), where programs may run. */
static void
measure_run(const char *name, uint32_t operations, const char *minus,
	    void (*work)(void *arg), void *arg)
{
	struct ebpf_section section;

	ebpf_section_enter(&section);
	guard_measure(name, operations, minus, work, arg);
	ebpf_section_leave(&section);
}

/* ---- what programs call, in a loop, net of the loop ---- */

static uint64_t
nothing(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
	const struct ebpf_prog *prog)
{
	return 0;
}

static const struct ebpf_helper helper_nothing = {
	.fn = nothing, .name = "nothing", .number = 1000,
	.kinds = EBPF_KINDS_ALL, .ret = EBPF_RET_INT,
};

/* Returns how often its body came as far as r9 += 1. */
static const char loop_text[] =
	"r6 = 100\n"
	"r7 = 1\n"
	"r9 = 0\n"
	"*(u64 *)(r10 -8) = 0\n"
	"*(u64 *)(r10 -24) = r7\n"
	"loop:\n"
	"r7 *= 1103515245\n"
	"r7 += 12345\n"
	"r1 = r7\n"
	"r1 >>= 16\n"
	"r1 &= 63\n"
	"%s"
	"r9 += 1\n"
	"next:\n"
	"r6 += -1\n"
	"if r6 != 0 goto loop\n"
	"r0 = r9\n"
	"exit\n"
	"%s";

/* r1: the key's number */
#define KEY "*(u64 *)(r10 -16) = r1\nr2 = r10\nr2 += -16\nr1 = map[idx:0]\n"
#define LOOKUP KEY "call map_lookup_elem\n" \
	"if r0 == 0 goto next\nr1 = *(u64 *)(r0 +0)\n"
#define GOOD "if r0 != 0 goto next\n"
#define UPDATE KEY "r3 = r10\nr3 += -24\nr4 = 0\ncall map_update_elem\n" GOOD
#define DELETE KEY "call map_delete_elem\n" GOOD
#define AGAIN "r1 = *(u64 *)(r10 -16)\n"
#define VALUE "r1 = map[idx:0]\nr2 = r10\nr2 += -24\n"
#define MORE "r1 = r7\nr1 >>= 16\nr1 &= 1023\n" /* keys than there is room */

static const struct body {
	const char *name, *text, *more;
	uint32_t kind, key, fill; /* of the map; 0: none */
	bool interpreted; /* counted in the interpreter as well */
	bool misses;
} bodies[] = {
	{ "loop", "", "", 0, 0, 0, true, false },
	{ "helper_call", "call 1000\n", "", 0, 0, 0, true, false },
	{ "local_call", "call two\n", "two:\nr0 = 2\nexit\n", 0, 0, 0, true,
	  false },
	{ "local_call_ahead", "call two\n",
	  "two:\nr0 = 2\nif r1 == 7 goto out\nr0 = 3\nout:\nexit\n", 0, 0, 0,
	  false, false },
	{ "array_hit", LOOKUP, "", EBPF_MAP_ARRAY, 4, KEYS, true, false },
	{ "percpu_array_hit", LOOKUP, "", EBPF_MAP_PERCPU_ARRAY, 4, 0, false,
	  false },
	{ "hash_hit", LOOKUP, "", EBPF_MAP_HASH, 4, KEYS, true, false },
	{ "hash_hit_key16", LOOKUP, "", EBPF_MAP_HASH, 16, KEYS, false, false },
	{ "hash_miss", "r1 += 64\n" LOOKUP, "", EBPF_MAP_HASH, 4, KEYS, false,
	  true },
	{ "hash_update", UPDATE, "", EBPF_MAP_HASH, 4, KEYS, false, false },
	{ "hash_delete_insert", DELETE AGAIN UPDATE, "", EBPF_MAP_HASH, 4,
	  ROOMY, false, false },
	{ "percpu_hash_hit", LOOKUP, "", EBPF_MAP_PERCPU_HASH, 4, KEYS, false,
	  false },
	{ "lru_hash_hit", LOOKUP, "", EBPF_MAP_LRU_HASH, 4, KEYS, false,
	  false },
	{ "lru_hash_churn", MORE UPDATE, "", EBPF_MAP_LRU_HASH, 4, KEYS, false,
	  false },
	{ "lpm_hit", "w1 *= 0x1e3779b1\nr1 <<= 32\nr1 |= 32\n" LOOKUP, "",
	  EBPF_MAP_LPM_TRIE, 8, KEYS, false, false },
	{ "lpm_hit_key12", "w1 *= 0x1e3779b1\nr1 <<= 32\nr1 |= 64\n" LOOKUP,
	  "", EBPF_MAP_LPM_TRIE, 12, KEYS, false, false },
	{ "queue_push_pop", VALUE "r3 = 0\ncall map_push_elem\n" GOOD VALUE
	  "call map_pop_elem\n" GOOD, "", EBPF_MAP_QUEUE, 0, 0, false, false },
	{ "ringbuf_output", VALUE "r3 = 8\nr4 = 1\ncall ringbuf_output\n" GOOD,
	  "", EBPF_MAP_RINGBUF, 0, 0, false, false },
};

static struct ebpf_map *
body_map(const struct body *body)
{
	struct ebpf_map *map;
	uint32_t entries = body->fill ? body->fill : KEYS;

	if (body->kind == 0)
		return NULL;
	if (body->kind == EBPF_MAP_RINGBUF)
		return guard_map(body->kind, 0, 0, 1 << 16);
	map = guard_map(body->kind, body->key, 8, entries);
	fill_map(map, body->fill);
	return map;
}

static void
loops(void)
{
	char text[TEXT], name[64];
	struct ebpf_map *map;
	struct ebpf_prog *prog;
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct body *body = &bodies[i];

		snprintf(text, sizeof(text), loop_text, body->text,
			 body->more);
		map = body_map(body);
		prog = load_text(body->name, text, map);
		if (ebpf_prog_run_mem(prog, NULL, 0) !=
		    (body->misses ? 0 : LOOPS))
			guard_fail(body->name, "does something else");
		measure_run(body->name, LOOPS * RUNS, i ? "loop" : "-",
			    run_program, prog);
		snprintf(name, sizeof(name), "interp_%s", body->name);
		ebpf_prog_will_interp(prog);
		if (body->interpreted)
			measure_run(name, LOOPS * RUNS,
				    i ? "interp_loop" : "-", run_interpreted,
				    prog);
		ebpf_prog_put(prog);
		ebpf_map_put(map);
	}
}

/* ---- entering, leaving, tail calls ---- */

static void
run_section(void *arg)
{
	struct ebpf_section section;
	uint32_t i;

	for (i = 0; i < RUNS; i++) {
		ebpf_section_enter(&section);
		ebpf_prog_run(arg, 0, 0, 0);
		ebpf_section_leave(&section);
	}
}

/* A program that calls itself until the limit of 33 stops it. */
static void
tail(const char *name, const char *text)
{
	struct ebpf_map *map = guard_map(EBPF_MAP_PROG_ARRAY, 4, 4, 4);
	struct ebpf_prog *prog = load_text(name, text, map);
	uint32_t key = 1;

	if (ebpf_map_write(map, &key, &prog->obj.id, EBPF_ANY))
		guard_fail(name, "the slot");
	measure_run(name, 33 * RUNS, "-", run_program, prog);
	ebpf_map_remove(map, &key);
	ebpf_prog_put(prog);
	ebpf_map_put(map);
}

static void
entries(void)
{
	struct ebpf_prog *prog = load_text("empty", "r0 = 0\nexit\n", NULL);

	measure_run("empty_run", RUNS, "-", run_program, prog);
	guard_measure("empty_run_section", RUNS, "-", run_section, prog);
	ebpf_prog_will_interp(prog);
	measure_run("interp_empty_run", RUNS, "-", run_interpreted, prog);
	ebpf_prog_put(prog);
	tail("tail_call_constant", "r2 = map[idx:0]\nr3 = 1\n"
				   "call tail_call\nr0 = 0\nexit\n");
	tail("tail_call_variable", "r6 = r2\nr6 &= 2\nr3 = 1\nr3 |= r6\n"
				   "r2 = map[idx:0]\n"
				   "call tail_call\nr0 = 0\nexit\n");
}

/* ---- fixed programs ---- */

static uint8_t packet[PACKET] __attribute__((aligned(64)));

static void
run_xdp(void *arg)
{
	struct ebpf_xdp_ctx ctx = {
		.data = packet, .data_end = packet + PACKET,
		.data_meta = packet, .hard_start = packet,
		.hard_end = packet + PACKET,
	};

	ebpf_prog_run_ctx(arg, &ctx);
}

static void
run_xdp_interpreted(void *arg)
{
	struct ebpf_xdp_ctx ctx = {
		.data = packet, .data_end = packet + PACKET,
		.data_meta = packet, .hard_start = packet,
		.hard_end = packet + PACKET,
	};

	ebpf_interp_run((uintptr_t)&ctx, 0, 0, arg);
}

static void
load_once(void *arg)
{
	struct guard_text *t = arg;

	ebpf_prog_put(guard_load(t->name, t->kind, t->insns, t->count, t->map));
}

/* Numbers of any sort, then 14 headers for parse. */
static void
fill_packet(void)
{
	uint32_t x = 1, i;

	for (i = 0; i < PACKET; i++) {
		x = x * 1103515245 + 12345;
		packet[i] = (uint8_t)(x >> 16);
	}
	packet[0] = 0;
	for (i = 0; i < 14; i++) {
		uint8_t *p = packet + 64 * i;

		p[12] = i % 4 == 3 ? 0x86 : 8;
		p[13] = i % 4 == 3 ? 0xdd : 0;
		p[14] = i % 4 == 3 ? 0x60 : 0x45;
		p[23] = i % 5 == 4 ? 17 : 6;
		p[20] = 6;
	}
}

/* Where code is for its size: as in a process, out of reach of near calls. */
#define FAR_AWAY (1ull << 46)

/* What a backend makes of the program, in bytes. */
static void
size(const char *name, const struct ebpf_jit_ops *jit,
     const struct ebpf_prog *prog)
{
	struct ebpf_jit_image image = { 0 };
	struct ebpf_jit_draft draft = { .run = FAR_AWAY };
	struct ebpf_jit_scan scan;
	struct ebpf_prog linked = *prog; /* with its ops as before fusing */
	struct ebpf_op *ops = calloc(prog->op_count, sizeof(*ops));

	memcpy(ops, prog->ops, prog->op_count * sizeof(*ops));
	ebpf_unfuse(&linked, ops);
	linked.ops = ops;
	image.slot_offs = calloc(prog->op_count, sizeof(uint32_t));
	if (ebpf_jit_scan(&linked, &scan) ||
	    jit->draft(&linked, &scan, &image, &draft))
		guard_fail(name, jit->name);
	ebpf_jit_draft_free(&draft);
	ebpf_jit_scan_free(&scan);
	printf("size %s_%s %u\n", name, jit->name, image.code_len);
	free(image.slot_offs);
	free(ops);
}

void
guard_loading(struct guard_text *text)
{
	struct ebpf_prog *prog;
	char name[64];

	snprintf(name, sizeof(name), "load_%s", text->name);
	if (text->map != NULL || text->kind != EBPF_PROG_XDP ||
	    strcmp(text->name, "lcg") == 0 || strcmp(text->name, "parse") == 0)
		guard_measure(name, 1, "-", load_once, text);
	prog = guard_load(text->name, text->kind, text->insns, text->count,
			  text->map);
	size(text->name, &ebpf_jit_x86_64, prog);
	size(text->name, &ebpf_jit_arm64, prog);
	ebpf_prog_put(prog);
}

struct guard_text
guard_read(const char *name, uint32_t kind)
{
	struct guard_text text = { .name = name, .kind = kind };
	static char source[1 << 15];
	char path[128];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "tests/programs/%s.s", name);
	file = fopen(path, "r");
	if (file == NULL)
		guard_fail(path, "cannot be read");
	len = fread(source, 1, sizeof(source) - 1, file);
	source[len] = '\0';
	fclose(file);
	text.insns = assemble(name, source, &text.count);
	return text;
}

/* Code of all sorts in a row, as long as the longest old programs. */
static struct guard_text
long_text(void)
{
	static const struct ebpf_insn some[] = {
		{ 0x71, 0x12, 3, 0 }, { 0x0f, 0x20, 0, 0 },
		{ 0x67, 2, 0, 7 }, { 0x15, 2, 2, 100 },
		{ 0x7b, 0x2a, -8, 0 }, { 0xb7, 4, 0, 1 },
		{ 0x57, 2, 0, 255 }, { 0xbf, 0x25, 0, 0 },
	};
	struct guard_text text = { .name = "long", .kind = EBPF_PROG_RAW };
	uint32_t i;

	text.insns = calloc(MANY, sizeof(*text.insns));
	text.count = MANY;
	text.insns[0] = (struct ebpf_insn){ 0xb7, 0, 0, 0 };
	text.insns[1] = (struct ebpf_insn){ 0xb7, 3, 0, 64 };
	text.insns[2] = (struct ebpf_insn){ 0x3d, 0x32, 1, 0 };
	text.insns[3] = (struct ebpf_insn){ 0x95, 0, 0, 0 };
	for (i = 4; i < MANY - 1; i++)
		text.insns[i] = some[i % 8];
	text.insns[MANY - 1] = (struct ebpf_insn){ 0x95, 0, 0, 0 };
	return text;
}

static void
programs(void)
{
	static const char *const names[] = {
		"lcg", "primes", "crc32", "checksum", "memcpy", "bits", "sort",
		"parse",
	};
	struct ebpf_prog *prog;
	struct guard_text text;
	char name[64];
	size_t i;

	fill_packet();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		text = guard_read(names[i], EBPF_PROG_XDP);
		prog = guard_load(names[i], text.kind, text.insns, text.count,
				  NULL);
		snprintf(name, sizeof(name), "jit_%s", names[i]);
		measure_run(name, 1, "-", run_xdp, prog);
		ebpf_prog_will_interp(prog);
		snprintf(name, sizeof(name), "interp_%s", names[i]);
		measure_run(name, 1, "-", run_xdp_interpreted, prog);
		ebpf_prog_put(prog);
		guard_loading(&text);
		free(text.insns);
	}
	text = guard_read("header_parser", EBPF_PROG_XDP);
	text.map = guard_map(EBPF_MAP_HASH, 40, 16, 1024);
	guard_loading(&text);
	ebpf_map_put(text.map);
	free(text.insns);
	text = long_text();
	guard_loading(&text);
	free(text.insns);
}

/* ---- the library's own calls ---- */

static void
read_keys(void *arg)
{
	struct ebpf_map *map = arg;
	uint64_t key[2], value;
	uint32_t i;

	for (i = 0; i < CALLS; i++) {
		key_of(map, i, key);
		if (ebpf_map_read(map, key, &value))
			guard_fail("read", "a key is missing");
	}
}

static void
write_keys(void *arg)
{
	struct ebpf_map *map = arg;
	uint64_t key[2], value = 1;
	uint32_t i;

	for (i = 0; i < CALLS; i++) {
		key_of(map, i, key);
		if (ebpf_map_write(map, key, &value, EBPF_ANY))
			guard_fail("write", "a key is missing");
	}
}

static void
walk_keys(void *arg)
{
	struct ebpf_map *map = arg;
	struct { uint32_t key; uint8_t value[8]; } out[100];
	uint64_t cursor = 0;
	uint32_t count, all = 0;
	bool done = false;

	for (; !done; all += count) {
		count = 100;
		if (ebpf_map_walk(map, &cursor, &count, out, &done))
			guard_fail("walk", "it fails");
	}
	if (all != CALLS)
		guard_fail("walk", "keys are missing");
}

static void
calls(void)
{
	struct ebpf_map *map = guard_map(EBPF_MAP_HASH, 4, 8, CALLS);

	fill_map(map, CALLS);
	guard_measure("api_hash_read", CALLS, "-", read_keys, map);
	guard_measure("api_hash_write", CALLS, "-", write_keys, map);
	guard_measure("api_hash_walk", CALLS, "-", walk_keys, map);
	ebpf_map_put(map);
}

int
main(void)
{
	if (ebpf_runtime_create(NULL, &guard_rt) ||
	    ebpf_helper_register(guard_rt, &helper_nothing))
		return 1;
	if (ebpf_jit_host() == NULL)
		guard_fail("no JIT", "for this machine");
	printf("flags %s\n", GUARD_FLAGS);
	loops();
	entries();
	programs();
	calls();
	guard_switch();
	os_epoch_drain();
	ebpf_runtime_destroy(guard_rt);
	return 0;
}
