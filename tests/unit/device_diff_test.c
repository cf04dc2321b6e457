/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Two devices that must agree: random programs, programs that look keys up and
 * random map requests go to the interpreter of a local device and to another
 * device, whose answers must be the same. The other is a kernel's (tests/guest),
 * or a local one with its JIT.
 *
 *	device_diff_test [--device TARGET] [--seed N] [--programs N]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/helper.h"
#include "client/gebpf.h"
#include "dice.h"
#include "progen.h"
#include "tap.h"

enum {
	MEM = 512,    /* bytes given to programs */
	STEPS = 1500, /* requests to each map */
	KEYS = 24,    /* fewer than there is room for: nothing is evicted */
	ENTRIES = 4096,
	VALUE = 16,
	REPLY = 1 << 17,
};

/* One request to both. */
enum { REFERENCE, OTHER, BOTH };
static struct gebpf_device *devices[BOTH];
static uint32_t ids[BOTH][3];
static uint8_t out[BOTH][REPLY];
static struct dice dice = { 1 };

static uint64_t
noise(void)
{
	return dice_next(&dice);
}

/* ---- programs ---- */

static int
map_create(int which, uint32_t kind, uint32_t key_size, uint32_t value_size,
	   uint32_t flags, uint32_t *id)
{
	struct ebpf_req_map_create req = {
		.kind = kind, .key_size = key_size, .value_size = value_size,
		.max_entries = kind == EBPF_MAP_ARRAY ? KEYS : ENTRIES,
		.flags = flags,
	};
	struct ebpf_rep_id rep = { .id = 0 };
	int error = gebpf_ask(devices[which], EBPF_REQUEST_MAP_CREATE, &req,
			      sizeof(req), &rep, sizeof(rep));

	*id = rep.id;
	return error;
}

static void
drop(int which, uint32_t kind, uint32_t id)
{
	struct ebpf_req_obj req = { .kind = kind, .id = id };

	gebpf_ask(devices[which], EBPF_REQUEST_OBJ_DROP, &req, sizeof(req), NULL,
		  0);
}

struct ran {
	int load_error, run_error;
	uint32_t rule;
	uint64_t retval;
	uint8_t mem[MEM];
	uint8_t maps[3][PROGEN_KEYS][PROGEN_VALUE];
	int found[3][PROGEN_KEYS];
};

static void
run_program(int which, const struct progen *gen, const uint8_t *mem,
	    struct ran *ran)
{
	struct ebpf_req_prog_load load = {
		.kind = EBPF_PROG_RAW,
		.flags = which == REFERENCE ? EBPF_PROG_INTERP : EBPF_PROG_JIT,
		.insn_count = gen->count,
		.map_count = 3,
		.mem_size = MEM,
	};
	struct ebpf_rep_prog_load loaded = { .id = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &load,
		.req_len = sizeof(load),
		.in = { { gen->insns, (size_t)gen->count * 8 },
			{ ids[which], sizeof(ids[which]) } },
		.rep = &loaded,
		.rep_len = sizeof(loaded),
	};
	struct ebpf_req_prog_run run_req = {
		.repeat = 1, .data_len = MEM, .data_out_max = MEM,
	};
	struct ebpf_rep_prog_run rep = { .retval = 0 };
	struct gebpf_call run_call = {
		.number = EBPF_REQUEST_PROG_RUN,
		.req = &run_req,
		.req_len = sizeof(run_req),
		.in = { { mem, MEM } },
		.rep = &rep,
		.rep_len = sizeof(rep),
		.out = ran->mem,
		.out_room = MEM,
	};

	memset(ran, 0, sizeof(*ran));
	ran->load_error = gebpf_request(devices[which], &call);
	ran->rule = loaded.rule;
	if (ran->load_error)
		return;
	run_req.id = loaded.id;
	ran->run_error = gebpf_request(devices[which], &run_call);
	ran->retval = rep.retval;
	drop(which, EBPF_OBJ_PROG, loaded.id);
	for (uint32_t m = 0; m < 3; m++)
		for (uint32_t key = 0; key < PROGEN_KEYS; key++) {
			struct ebpf_req_map_key req = { .id = ids[which][m],
							.key_len = 4 };
			struct gebpf_call lookup = {
				.number = EBPF_REQUEST_MAP_LOOKUP,
				.req = &req,
				.req_len = sizeof(req),
				.in = { { &key, 4 } },
				.out = ran->maps[m][key],
				.out_room = PROGEN_VALUE,
			};

			ran->found[m][key] =
				gebpf_request(devices[which], &lookup);
		}
}

static void
test_programs(uint64_t seed, uint32_t programs)
{
	static const uint32_t kinds[3] = { EBPF_MAP_ARRAY, EBPF_MAP_HASH,
					   EBPF_MAP_LRU_HASH };
	static struct progen gen;
	struct ran ran[BOTH];
	uint32_t accepted = 0, refused = 0, differ = 0;
	uint64_t mem[MEM / 8];

	for (int which = 0; which < BOTH; which++)
		for (int m = 0; m < 3; m++)
			TAP_CHECK(map_create(which, kinds[m], 4, PROGEN_VALUE, 0,
					     &ids[which][m]) == 0);
	for (uint32_t n = 0; n < programs && differ < 3; n++) {
		progen_verified(&gen, seed + n, MEM);
		/* The generator's own helpers are not there; one that gives 0. */
		for (uint32_t i = 0; i < gen.count; i++)
			if (gen.insns[i].code == 0x85 &&
			    gen.insns[i].regs >> 4 == 0 &&
			    gen.insns[i].imm >= 100)
				gen.insns[i].imm = EBPF_FUNC_get_numa_node_id;
		for (uint32_t i = 0; i < MEM / 8; i++)
			mem[i] = progen_number(&gen);
		for (int which = 0; which < BOTH; which++)
			run_program(which, &gen, (uint8_t *)mem, &ran[which]);
		if (ran[REFERENCE].load_error)
			refused++;
		else
			accepted++;
		if (memcmp(&ran[REFERENCE], &ran[OTHER], sizeof(ran[0])) != 0) {
			differ++;
			tap_diag("seed %llu: loading %d and %d (rule %u), r0 "
				 "%#llx and %#llx",
				 (unsigned long long)(seed + n),
				 ran[REFERENCE].load_error,
				 ran[OTHER].load_error, ran[OTHER].rule,
				 (unsigned long long)ran[REFERENCE].retval,
				 (unsigned long long)ran[OTHER].retval);
		}
	}
	tap_ok(differ == 0 && accepted > refused,
	       "%u random programs run alike, %u are refused alike", accepted,
	       refused);
	for (int which = 0; which < BOTH; which++)
		for (int m = 0; m < 3; m++)
			drop(which, EBPF_OBJ_MAP, ids[which][m]);
}

/* ---- lookups by programs ---- */

enum {
	LOOKED_UP = 20, /* keys in a program's memory, */
	APART = 24,	/* so far apart */
	FILLED = 200,
};

/* Random, but few of its bytes differ much; of tries any prefix. */
static void
fill_key(uint32_t kind, uint32_t size, uint8_t *key)
{
	uint32_t len = (uint32_t)(noise() % ((size - 4) * 8 + 1));

	for (uint32_t i = 0; i < size; i++)
		key[i] = (uint8_t)(i % 3 == 0 ? noise() % 16 : 7);
	if (kind == EBPF_MAP_LPM_TRIE)
		memcpy(key, &len, 4);
}

/* One that is there, or near to one; of tries mostly a whole address. */
static void
lookup_key(uint32_t kind, uint32_t size, const uint8_t *there, uint8_t *key)
{
	uint32_t len = (size - 4) * 8;

	memcpy(key, there, size);
	if (noise() % 3 == 0)
		key[noise() % size] ^= (uint8_t)(1 << noise() % 8);
	if (noise() % 8 == 0)
		len = (uint32_t)(noise() % (len + 1));
	if (kind == EBPF_MAP_LPM_TRIE)
		memcpy(key, &len, 4);
}

/* Every key of its memory is looked up, values are put together. */
static void
lookup_program(struct progen *gen)
{
	gen->count = 0;
	progen_put(gen, 0xbf, 6, 1, 0, 0);
	progen_put(gen, 0xb7, 7, 0, 0, 0);
	for (int32_t n = 0; n < LOOKED_UP; n++) {
		progen_put(gen, 0xbf, 2, 6, 0, 0);
		progen_put(gen, 0x07, 2, 0, 0, n * APART);
		progen_put(gen, 0x18, 1, 5, 0, 0);
		progen_put(gen, 0, 0, 0, 0, 0);
		progen_put(gen, 0x85, 0, 0, 0, EBPF_FUNC_map_lookup_elem);
		progen_put(gen, 0x15, 0, 0, 1, 0);
		progen_put(gen, 0x79, 0, 0, 0, 0);
		progen_put(gen, 0x27, 7, 0, 0, 31);
		progen_put(gen, 0x0f, 7, 0, 0, 0);
	}
	progen_put(gen, 0xbf, 0, 7, 0, 0);
	progen_put(gen, 0x95, 0, 0, 0, 0);
}

static bool
same_lookups(uint32_t kind, uint32_t key_size, uint32_t flags)
{
	static struct progen gen;
	struct ran ran[BOTH];
	uint8_t mem[MEM], keys[FILLED][APART];
	uint64_t value[VALUE / 8] = { 0 };
	bool same = true;

	for (int which = 0; which < BOTH; which++)
		for (int m = 0; m < 3; m++)
			same &= map_create(which, kind, key_size, VALUE, flags,
					   &ids[which][m]) == 0;
	for (uint32_t n = 0; same && n < FILLED; n++) {
		fill_key(kind, key_size, keys[n]);
		value[0] = n + 1;
		for (int which = 0; which < BOTH; which++) {
			struct ebpf_req_map_update req = {
				.id = ids[which][0], .key_len = key_size,
				.value_len = VALUE,
			};
			struct gebpf_call call = {
				.number = EBPF_REQUEST_MAP_UPDATE,
				.req = &req,
				.req_len = sizeof(req),
				.in = { { keys[n], key_size },
					{ value, VALUE } },
			};

			same &= gebpf_request(devices[which], &call) == 0;
		}
	}
	lookup_program(&gen);
	for (uint32_t n = 0; same && n < 20; n++) {
		memset(mem, 0, sizeof(mem));
		for (uint32_t i = 0; i < LOOKED_UP; i++)
			lookup_key(kind, key_size, keys[noise() % FILLED],
				   mem + i * APART);
		for (int which = 0; which < BOTH; which++)
			run_program(which, &gen, mem, &ran[which]);
		same = ran[REFERENCE].load_error == 0 &&
		       ran[REFERENCE].run_error == 0 &&
		       ran[OTHER].load_error == 0 &&
		       ran[OTHER].run_error == 0 &&
		       ran[REFERENCE].retval != 0 &&
		       ran[REFERENCE].retval == ran[OTHER].retval;
	}
	for (int which = 0; which < BOTH; which++)
		for (int m = 0; m < 3; m++)
			drop(which, EBPF_OBJ_MAP, ids[which][m]);
	return same;
}

static void
test_lookups(void)
{
	static const struct {
		const char *name;
		uint32_t kind, key_size, flags;
	} cases[] = {
		{ "hash, 4 bytes", EBPF_MAP_HASH, 4, 0 },
		{ "hash, 6 bytes", EBPF_MAP_HASH, 6, EBPF_F_NO_PREALLOC },
		{ "hash, 16 bytes", EBPF_MAP_HASH, 16, 0 },
		{ "lru_hash, 8 bytes", EBPF_MAP_LRU_HASH, 8, 0 },
		{ "lpm_trie, IPv4", EBPF_MAP_LPM_TRIE, 8, EBPF_F_NO_PREALLOC },
		{ "lpm_trie, 8 bytes", EBPF_MAP_LPM_TRIE, 12,
		  EBPF_F_NO_PREALLOC },
		{ "lpm_trie, IPv6", EBPF_MAP_LPM_TRIE, 20, EBPF_F_NO_PREALLOC },
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(same_lookups(cases[i].kind, cases[i].key_size,
				    cases[i].flags),
		       "%s: programs find the same", cases[i].name);
}

/* ---- maps ---- */

struct kind {
	const char *name;
	uint32_t kind, key_size, flags;
	bool ordered; /* NEXT and batches give the same order everywhere */
};

static const struct kind map_kinds[] = {
	{ "array", EBPF_MAP_ARRAY, 4, 0, true },
	{ "hash", EBPF_MAP_HASH, 4, 0, false },
	{ "hash, not preallocated", EBPF_MAP_HASH, 12, EBPF_F_NO_PREALLOC,
	  false },
	{ "lru_hash", EBPF_MAP_LRU_HASH, 8, 0, false },
	{ "percpu_hash", EBPF_MAP_PERCPU_HASH, 4, 0, false },
	{ "lpm_trie", EBPF_MAP_LPM_TRIE, 8, EBPF_F_NO_PREALLOC, true },
	{ "queue", EBPF_MAP_QUEUE, 0, 0, true },
	{ "stack", EBPF_MAP_STACK, 0, 0, true },
	{ "bloom_filter", EBPF_MAP_BLOOM_FILTER, 0, 0, true },
};

static struct ebpf_rep_map_info infos[BOTH];

/* A key out of few, with the shape its kind wants. */
static void
key_make(const struct kind *kind, uint8_t *key)
{
	uint32_t number = (uint32_t)(noise() % (KEYS + 2)), prefix;

	memset(key, 0, 16);
	if (kind->kind == EBPF_MAP_LPM_TRIE) {
		prefix = number % 34; /* 33 is too long */
		number = number * 0x01010101u;
		memcpy(key, &prefix, 4);
		memcpy(key + 4, &number, 4);
		return;
	}
	memcpy(key, &number, 4);
	if (noise() % 64 == 0)
		memset(key, 0xff, 16);
}

/* The same number for each CPU, of which there may be more or fewer. */
static void
value_fill(int which, uint64_t number, uint8_t *value)
{
	for (uint32_t at = 0; at + 8 <= infos[which].user_value_size; at += 8)
		memcpy(value + at, &number, 8);
}

/* What of a value must be the same: the first CPU's. */
static bool
same_values(size_t len_a, size_t len_b)
{
	if (infos[REFERENCE].user_value_size == infos[OTHER].user_value_size &&
	    len_a != len_b)
		return false;
	if ((len_a == 0) != (len_b == 0))
		return false;
	return len_a == 0 || memcmp(out[REFERENCE], out[OTHER], VALUE) == 0;
}

struct step {
	enum ebpf_request number;
	uint8_t key[16];
	uint32_t key_len;
	uint64_t value, flags;
	uint32_t batch; /* elements, from key on */
};

static void
element(const struct kind *kind, const struct step *step, uint32_t n,
	uint8_t *key)
{
	memcpy(key, step->key, sizeof(step->key));
	key[kind->kind == EBPF_MAP_LPM_TRIE ? 4 : 0] += (uint8_t)n;
}

/* Send a step; its error, what came in *len and, of batches, *count. */
static int
step_send(int which, const struct kind *kind, const struct step *step,
	  size_t *len, uint32_t *count)
{
	static uint8_t data[1 << 18];
	struct ebpf_req_map_key by_key = { .id = ids[which][0],
					   .key_len = step->key_len };
	struct ebpf_req_map_next next = { .id = ids[which][0],
					  .key_len = step->key_len };
	struct ebpf_req_map_update update = {
		.id = ids[which][0], .key_len = step->key_len,
		.value_len = infos[which].user_value_size,
		.flags = step->flags,
	};
	struct ebpf_req_map_batch batch = { .id = ids[which][0],
					    .count = step->batch,
					    .flags = step->flags };
	struct ebpf_rep_map_batch done = { .count = 0 };
	struct gebpf_call call = { .number = step->number,
				   .out = out[which], .out_room = REPLY };
	uint32_t value_size = infos[which].user_value_size;
	size_t used = 0;
	int error;

	switch (step->number) {
	case EBPF_REQUEST_MAP_NEXT:
		call.req = &next;
		call.req_len = sizeof(next);
		call.in[0] = (struct gebpf_part){ step->key, step->key_len };
		break;
	case EBPF_REQUEST_MAP_UPDATE:
		value_fill(which, step->value, data);
		call.req = &update;
		call.req_len = sizeof(update);
		call.in[0] = (struct gebpf_part){ step->key, step->key_len };
		call.in[1] = (struct gebpf_part){ data, value_size };
		break;
	case EBPF_REQUEST_MAP_UPDATE_BATCH:
	case EBPF_REQUEST_MAP_DELETE_BATCH:
		for (uint32_t i = 0; i < step->batch; i++) {
			element(kind, step, i, data + used);
			used += step->key_len;
			if (step->number != EBPF_REQUEST_MAP_UPDATE_BATCH)
				continue;
			value_fill(which, step->value + i, data + used);
			used += value_size;
		}
		call.req = &batch;
		call.req_len = sizeof(batch);
		call.rep = &done;
		call.rep_len = sizeof(done);
		call.in[0] = (struct gebpf_part){ data, used };
		break;
	default: /* LOOKUP, DELETE */
		call.req = &by_key;
		call.req_len = sizeof(by_key);
		call.in[0] = (struct gebpf_part){ step->key, step->key_len };
		/* A bloom filter is asked about a value. */
		break;
	}
	error = gebpf_request(devices[which], &call);
	*len = call.out_len;
	*count = done.count;
	return error;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 16 + VALUE);
}

/* All elements, by key; their number. */
static uint32_t
walk(int which, const struct kind *kind, uint8_t *to, uint32_t room)
{
	struct ebpf_req_map_lookup_batch req = { .id = ids[which][0],
						 .count = 64 };
	struct ebpf_rep_map_lookup_batch rep = { .done = 0 };
	uint32_t stride = kind->key_size + infos[which].user_value_size;
	uint32_t count = 0;

	while (!rep.done) {
		struct gebpf_call call = {
			.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
			.req = &req, .req_len = sizeof(req),
			.rep = &rep, .rep_len = sizeof(rep),
			.out = out[which], .out_room = REPLY,
		};

		if (gebpf_request(devices[which], &call) != 0)
			return UINT32_MAX;
		for (uint32_t i = 0; i < rep.count && count < room; i++) {
			uint8_t *at = to + (size_t)count++ * (16 + VALUE);

			memset(at, 0, 16);
			memcpy(at, out[which] + (size_t)i * stride,
			       kind->key_size);
			memcpy(at + 16, out[which] + (size_t)i * stride +
						kind->key_size, VALUE);
		}
		req.cursor = rep.cursor;
	}
	qsort(to, count, 16 + VALUE, by_bytes);
	return count;
}

static bool
same_elements(const struct kind *kind)
{
	static uint8_t all[BOTH][512 * (16 + VALUE)];
	uint32_t counts[BOTH];

	for (int which = 0; which < BOTH; which++)
		counts[which] = walk(which, kind, all[which], 512);
	return counts[REFERENCE] == counts[OTHER] &&
	       (counts[OTHER] == UINT32_MAX ||
		memcmp(all[REFERENCE], all[OTHER],
		       counts[OTHER] * (size_t)(16 + VALUE)) == 0);
}

static void
step_make(const struct kind *kind, struct step *step)
{
	static const enum ebpf_request numbers[] = {
		EBPF_REQUEST_MAP_LOOKUP, EBPF_REQUEST_MAP_LOOKUP,
		EBPF_REQUEST_MAP_UPDATE, EBPF_REQUEST_MAP_UPDATE,
		EBPF_REQUEST_MAP_UPDATE, EBPF_REQUEST_MAP_DELETE,
		EBPF_REQUEST_MAP_NEXT,	 EBPF_REQUEST_MAP_UPDATE_BATCH,
		EBPF_REQUEST_MAP_DELETE_BATCH,
	};

	memset(step, 0, sizeof(*step));
	step->number = numbers[noise() % (sizeof(numbers) / sizeof(numbers[0]))];
	step->key_len = kind->key_size;
	key_make(kind, step->key);
	step->value = noise() % 1000;
	step->flags = noise() % 4 ? 0 : noise() % 4;
	step->batch = (uint32_t)(noise() % 5);
	if (noise() % 64 == 0)
		step->key_len += noise() % 2 ? 1 : -1;
	if (step->key_len > sizeof(step->key))
		step->key_len = 0;
	/* which one is the last depends on the order */
	if (step->number == EBPF_REQUEST_MAP_NEXT &&
	    (noise() % 2 || !kind->ordered))
		step->key_len = 0;
}

static void
test_map(const struct kind *kind)
{
	struct step step;
	int errors[BOTH] = { 0, 0 }, made[BOTH];
	size_t lens[BOTH];
	uint32_t counts[BOTH], differ = 0, good = 0;

	for (int which = 0; which < BOTH; which++) {
		struct ebpf_req_id req;

		made[which] = map_create(which, kind->kind, kind->key_size,
					 VALUE, kind->flags, &ids[which][0]);
		req.id = ids[which][0];
		if (!made[which])
			made[which] = gebpf_ask(devices[which],
						EBPF_REQUEST_MAP_INFO, &req,
						sizeof(req), &infos[which],
						sizeof(infos[which]));
	}
	if (made[REFERENCE] == -EBPF_EUNSUPPORTED &&
	    made[OTHER] == -EBPF_EUNSUPPORTED) {
		tap_skip("no such kind here", "requests to %s", kind->name);
		return;
	}
	if (made[REFERENCE] || made[OTHER]) {
		tap_ok(false, "%s: made with %d and %d", kind->name,
		       made[REFERENCE], made[OTHER]);
		return;
	}
	for (uint32_t n = 0; n < STEPS && differ < 3; n++) {
		bool same;

		step_make(kind, &step);
		for (int which = 0; which < BOTH; which++)
			errors[which] = step_send(which, kind, &step,
						  &lens[which], &counts[which]);
		good += !errors[REFERENCE];
		same = errors[REFERENCE] == errors[OTHER] &&
		       counts[REFERENCE] == counts[OTHER];
		if (same && !errors[OTHER] &&
		    step.number == EBPF_REQUEST_MAP_NEXT)
			same = lens[REFERENCE] == lens[OTHER] &&
			       (!kind->ordered ||
				memcmp(out[REFERENCE], out[OTHER],
				       lens[OTHER]) == 0);
		else if (same && !errors[OTHER])
			same = same_values(lens[REFERENCE], lens[OTHER]);
		if (same && n % 100 == 99)
			same = same_elements(kind);
		if (!same) {
			differ++;
			tap_diag("%s, step %u: request %d, errors %d and %d, "
				 "%zu and %zu bytes, %u and %u elements",
				 kind->name, n, step.number, errors[REFERENCE],
				 errors[OTHER], lens[REFERENCE], lens[OTHER],
				 counts[REFERENCE], counts[OTHER]);
		}
	}
	tap_ok(differ == 0 && good > STEPS / 8,
	       "%s: %u requests answered alike", kind->name, STEPS);
	for (int which = 0; which < BOTH; which++)
		drop(which, EBPF_OBJ_MAP, ids[which][0]);
}

int
main(int argc, char **argv)
{
	const char *target = "local";
	uint32_t programs = 300;
	struct gebpf_error err;
	uint64_t seed = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--device") == 0)
			target = argv[i + 1];
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--programs") == 0)
			programs = (uint32_t)strtoul(argv[i + 1], NULL, 0);
	}
	if (gebpf_open("local", 0, &devices[REFERENCE], &err) ||
	    gebpf_open(target, GEBPF_OPEN_NO_START, &devices[OTHER], &err)) {
		tap_ok(false, "%s: %s", target, err.text);
		gebpf_close(devices[REFERENCE]);
		return tap_done();
	}
	dice.state = seed * 0x9e3779b97f4a7c15ull | 1;
	test_programs(seed, programs);
	test_lookups();
	for (size_t i = 0; i < sizeof(map_kinds) / sizeof(map_kinds[0]); i++)
		test_map(&map_kinds[i]);
	gebpf_close(devices[OTHER]);
	gebpf_close(devices[REFERENCE]);
	return tap_done();
}
