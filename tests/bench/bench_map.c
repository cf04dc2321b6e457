/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Speed of maps as programs use them: one and the same program, loops of 1000
 * operations on pseudo-random keys, through this engine and through Linux by
 * BPF_PROG_TEST_RUN (root only; said aloud when not). Net of the loop itself.
 * Rounds are interleaved; medians and ratios count. Last, the rates of the
 * library's own calls.
 *
 *	bench_map [--rounds N] [PART-OF-A-NAME]
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/map.h"
#include "core/prog.h"
#include "core/test_run.h"

enum {
	LOOPS = 1000,
	ROUNDS_MAX = 51,
	CODE_MAX = 64,
	DATA = 64,
};

enum op {
	OP_NONE,
	OP_LOOKUP,
	OP_UPDATE,
	OP_EVICT, /* updates of 4 times as many keys as fit */
	OP_CHURN,
	OP_MATCH, /* of IPv4 prefixes: 1 << bits, spread over all addresses */
	OP_MATCH_NEAR, /* the same, all in one /8 */
	OP_PUSH_POP,
};

static const struct bench {
	const char *name;
	uint32_t kind; /* the same number in Linux */
	uint32_t key_size, bits; /* 1 << bits keys, all in the map */
	enum op op;
	double goal; /* times faster than Linux; 0: none */
} benches[] = {
	{ "array lookup, 64", EBPF_MAP_ARRAY, 4, 6, OP_LOOKUP, 0 },
	{ "percpu_array lookup, 64", EBPF_MAP_PERCPU_ARRAY, 4, 6, OP_LOOKUP,
	  0 },
	{ "hash hit, u32 key, 1k", EBPF_MAP_HASH, 4, 10, OP_LOOKUP, 3.5 },
	{ "hash hit, u32 key, 64k", EBPF_MAP_HASH, 4, 16, OP_LOOKUP, 4 },
	{ "hash hit, u32 key, 1M", EBPF_MAP_HASH, 4, 20, OP_LOOKUP, 4 },
	{ "hash hit, 16-byte key, 1k", EBPF_MAP_HASH, 16, 10, OP_LOOKUP, 3.5 },
	{ "hash hit, 16-byte key, 64k", EBPF_MAP_HASH, 16, 16, OP_LOOKUP, 4 },
	{ "hash hit, 16-byte key, 1M", EBPF_MAP_HASH, 16, 20, OP_LOOKUP, 4 },
	{ "percpu_hash hit, u32 key, 1k", EBPF_MAP_PERCPU_HASH, 4, 10,
	  OP_LOOKUP, 3.5 },
	{ "hash update, 1k", EBPF_MAP_HASH, 4, 10, OP_UPDATE, 6 },
	{ "hash update, 64k", EBPF_MAP_HASH, 4, 16, OP_UPDATE, 6 },
	{ "lru_hash hit, u32 key, 1k", EBPF_MAP_LRU_HASH, 4, 10, OP_LOOKUP,
	  3.5 },
	{ "lru_hash churn, 1k", EBPF_MAP_LRU_HASH, 4, 12, OP_EVICT, 5 },
	{ "hash delete+insert, 1k", EBPF_MAP_HASH, 4, 10, OP_CHURN, 3 },
	{ "hash delete+insert, 64k", EBPF_MAP_HASH, 4, 16, OP_CHURN, 5 },
	{ "lpm hit, IPv4, 1k", EBPF_MAP_LPM_TRIE, 8, 10, OP_MATCH, 6 },
	{ "lpm hit, IPv4, 16k", EBPF_MAP_LPM_TRIE, 8, 14, OP_MATCH, 6 },
	{ "lpm hit, IPv4, 256k", EBPF_MAP_LPM_TRIE, 8, 18, OP_MATCH, 6 },
	{ "lpm hit, IPv4 in one /8, 16k", EBPF_MAP_LPM_TRIE, 8, 14,
	  OP_MATCH_NEAR, 6 },
	{ "queue push+pop, 64", EBPF_MAP_QUEUE, 0, 6, OP_PUSH_POP, 0 },
	{ "stack push+pop, 64", EBPF_MAP_STACK, 0, 6, OP_PUSH_POP, 0 },
};

static struct ebpf_runtime *rt;
static uint32_t rounds = 7;

/* ---- the program ---- */

struct code {
	struct ebpf_insn insns[CODE_MAX];
	uint32_t count;
	uint32_t map_at[3]; /* lddw slots that want the map */
	uint32_t map_count;
};

static void
emit(struct code *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off,
     int32_t imm)
{
	code->insns[code->count++] = (struct ebpf_insn){
		op, (uint8_t)(dst | src << 4), off, imm
	};
}

/* Address number n of an OP_MATCH, as four bytes in memory order. */
static uint32_t
address(const struct bench *bench, uint32_t n)
{
	n *= 0x45d9f3bu;
	n ^= n >> 15;
	n *= 0x2c1b3c6du;
	n ^= n >> 13;
	return bench->op == OP_MATCH_NEAR ? (n & 0xffffff00) | 10 : n;
}

/* The same by a program, and r1 becomes the whole key. */
static void
emit_address(struct code *code, const struct bench *bench)
{
	emit(code, 0x24, 1, 0, 0, 0x45d9f3b);
	emit(code, 0xbc, 2, 1, 0, 0);
	emit(code, 0x74, 2, 0, 0, 15);
	emit(code, 0xac, 1, 2, 0, 0);
	emit(code, 0x24, 1, 0, 0, 0x2c1b3c6d);
	emit(code, 0xbc, 2, 1, 0, 0);
	emit(code, 0x74, 2, 0, 0, 13);
	emit(code, 0xac, 1, 2, 0, 0);
	if (bench->op == OP_MATCH_NEAR) {
		emit(code, 0x54, 1, 0, 0, -256);
		emit(code, 0x44, 1, 0, 0, 10);
	}
	emit(code, 0x67, 1, 0, 0, 32);
	emit(code, 0x47, 1, 0, 0, 32); /* the length of the prefix */
}

/* Key number n as it is in the map. */
static void
fill_key(const struct bench *bench, uint64_t *key, uint64_t n)
{
	key[0] = n;
	if (bench->kind == EBPF_MAP_LPM_TRIE)
		key[0] = (uint64_t)address(bench, (uint32_t)n) << 32 |
			 (12 + n % 17);
}

/* r1 = map, r2 = key on the stack, call helper */
static void
emit_call(struct code *code, int32_t helper)
{
	emit(code, 0xbf, 2, 10, 0, 0);
	emit(code, 0x07, 2, 0, 0, -16);
	if (helper == 87)
		emit(code, 0xb7, 3, 0, 0, 0);
	if (helper == 2) {
		emit(code, 0xbf, 3, 10, 0, 0);
		emit(code, 0x07, 3, 0, 0, -24);
		emit(code, 0xb7, 4, 0, 0, 0);
	}
	code->map_at[code->map_count++] = code->count;
	emit(code, 0x18, 1, 0, 0, 0);
	emit(code, 0, 0, 0, 0, 0);
	emit(code, 0x85, 0, 0, 0, helper);
}

/* r2 = data, or out when there are fewer than 16 bytes of it */
static uint32_t
emit_data(struct code *code)
{
	emit(code, 0x61, 2, 9, 0, 0);
	emit(code, 0x61, 3, 9, 4, 0);
	emit(code, 0xbf, 4, 2, 0, 0);
	emit(code, 0x07, 4, 0, 0, 16);
	emit(code, 0x2d, 4, 3, 0, 0);
	return code->count - 1;
}

/* The state of the key sequence lives in the packet, from run to run. */
static void
build(struct code *code, const struct bench *bench, enum op op)
{
	uint32_t out[2], loop, i;

	memset(code, 0, sizeof(*code));
	emit(code, 0xbf, 9, 1, 0, 0); /* r9 = context */
	out[0] = emit_data(code);
	emit(code, 0x79, 7, 2, 0, 0); /* r7 = state */
	emit(code, 0x18, 8, 0, 0, 0x4c957f2d);
	emit(code, 0, 0, 0, 0, 0x5851f42d);
	emit(code, 0xb7, 6, 0, 0, LOOPS);
	emit(code, 0xb7, 1, 0, 0, 1);
	emit(code, 0x7b, 10, 1, -24, 0); /* the value */
	emit(code, 0x7b, 10, 1, -8, 0);
	loop = code->count;
	emit(code, 0x2f, 7, 8, 0, 0); /* r7 = r7 * r8 + 12345 */
	emit(code, 0x07, 7, 0, 0, 12345);
	emit(code, 0xbf, 1, 7, 0, 0);
	emit(code, 0x77, 1, 0, 0, 64 - (int32_t)bench->bits);
	if (bench->kind == EBPF_MAP_LPM_TRIE)
		emit_address(code, bench);
	emit(code, 0x7b, 10, 1, -16, 0); /* the key */
	switch (op) {
	case OP_NONE:
		break;
	case OP_LOOKUP:
	case OP_MATCH:
	case OP_MATCH_NEAR:
		emit_call(code, 1);
		emit(code, 0x15, 0, 0, 1, 0); /* if r0 == 0 skip */
		emit(code, 0x79, 1, 0, 0, 0); /* r1 = value */
		break;
	case OP_UPDATE:
	case OP_EVICT:
		emit_call(code, 2);
		break;
	case OP_CHURN:
		emit_call(code, 3);
		emit_call(code, 2);
		break;
	case OP_PUSH_POP:
		emit_call(code, 87);
		emit_call(code, 88);
		break;
	}
	emit(code, 0x07, 6, 0, 0, -1);
	emit(code, 0x55, 6, 0, (int16_t)(loop - code->count - 1), 0);
	out[1] = emit_data(code);
	emit(code, 0x7b, 2, 7, 0, 0);
	for (i = 0; i < 2; i++)
		code->insns[out[i]].off =
			(int16_t)(code->count - out[i] - 1);
	emit(code, 0xb7, 0, 0, 0, 2);
	emit(code, 0x95, 0, 0, 0, 0);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *values)
{
	qsort(values, rounds, sizeof(values[0]), compare);
	return values[rounds / 2];
}

static uint32_t
entries(const struct bench *bench)
{
	return bench->op == OP_EVICT ? 1u << bench->bits >> 2 :
				       1u << bench->bits;
}

static uint32_t
flags(const struct bench *bench)
{
	return bench->kind == EBPF_MAP_LPM_TRIE ? EBPF_F_NO_PREALLOC : 0;
}

/* How many elements there are before it starts. */
static uint32_t
filled(const struct bench *bench)
{
	return bench->op == OP_PUSH_POP ? 0 : entries(bench);
}

/* ---- this engine ---- */

static struct ebpf_map *
our_map(const struct bench *bench)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = bench->kind,
		.key_size = bench->key_size,
		.value_size = 8,
		.max_entries = entries(bench),
		.flags = flags(bench),
	};
	uint64_t key[2] = { 0, 1 }, n;
	struct ebpf_map *map;
	void *value;

	if (ebpf_map_create(rt, &spec, &map) != 0)
		return NULL;
	value = calloc(1, ebpf_map_user_value_size(map));
	for (n = 0; n < filled(bench); n++) {
		fill_key(bench, key, n);
		if (ebpf_map_write(map, key, value, EBPF_ANY) != 0)
			return NULL;
	}
	free(value);
	return map;
}

static struct ebpf_prog *
our_prog(const struct bench *bench, enum op op, struct ebpf_map *map)
{
	static char log[1 << 16];
	struct code code;
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = EBPF_PROG_XDP,
		.insns = code.insns,
		.maps = &map,
		.map_count = 1,
		.log = log,
		.log_size = sizeof(log),
	};
	struct ebpf_prog *prog;
	uint32_t i;
	int error;

	build(&code, bench, op);
	for (i = 0; i < code.map_count; i++)
		code.insns[code.map_at[i]].regs = 1 | 5 << 4;
	load.insn_count = code.count;
	error = ebpf_prog_load(rt, &load, &prog);
	if (error == 0)
		return prog;
	printf("%s: %s\n%s\n", bench->name, ebpf_error_name(error), log);
	return NULL;
}

/* Nanoseconds of one loop. */
static double
our_run(struct ebpf_prog *prog, uint32_t repeat)
{
	static uint8_t data[DATA];
	struct ebpf_test_run run = {
		.data = data,
		.data_len = sizeof(data),
		.data_room = sizeof(data),
		.repeat = repeat,
	};

	if (ebpf_test_run(prog, &run) != 0)
		return -1;
	return (double)run.duration_ns / LOOPS;
}

/* ---- Linux ---- */

static int
sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int
linux_map(const struct bench *bench)
{
	union bpf_attr attr = { 0 };
	uint64_t key[2] = { 0, 1 }, value[1024] = { 0 }, n;
	int fd;

	attr.map_type = bench->kind;
	attr.key_size = bench->key_size;
	attr.value_size = 8;
	attr.max_entries = entries(bench);
	attr.map_flags = flags(bench);
	fd = sys_bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0)
		return -1;
	for (n = 0; n < filled(bench); n++) {
		fill_key(bench, key, n);
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (uint32_t)fd;
		attr.key = (uintptr_t)key;
		attr.value = (uintptr_t)value;
		if (sys_bpf(BPF_MAP_UPDATE_ELEM, &attr) != 0) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

static int
linux_prog(const struct bench *bench, enum op op, int map)
{
	union bpf_attr attr = { 0 };
	struct code code;
	uint32_t i;

	build(&code, bench, op);
	for (i = 0; i < code.map_count; i++) {
		code.insns[code.map_at[i]].regs = 1 | 1 << 4;
		code.insns[code.map_at[i]].imm = map;
	}
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)code.insns;
	attr.insn_cnt = code.count;
	attr.license = (uintptr_t)"GPL";
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

static double
linux_run(int prog, uint32_t repeat)
{
	static uint8_t data[DATA], out[DATA];
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = (uint32_t)prog;
	attr.test.data_in = (uintptr_t)data;
	attr.test.data_size_in = sizeof(data);
	attr.test.data_out = (uintptr_t)out;
	attr.test.data_size_out = sizeof(out);
	attr.test.repeat = repeat;
	if (sys_bpf(BPF_PROG_TEST_RUN, &attr) != 0)
		return -1;
	memcpy(data, out, sizeof(data)); /* go on where it ended */
	return (double)attr.test.duration / LOOPS;
}

/* ---- one line of the table ---- */

static void
run_bench(const struct bench *bench, bool with_linux)
{
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], a, b, net, linux_net = 0;
	struct ebpf_map *map = our_map(bench);
	struct ebpf_prog *prog, *loop;
	uint32_t i, repeat = bench->bits > 16 ? 100 : 200;
	int fd = -1, kernel = -1, kernel_loop = -1;

	if (map == NULL)
		return;
	prog = our_prog(bench, bench->op, map);
	loop = our_prog(bench, OP_NONE, map);
	if (prog == NULL || loop == NULL)
		goto out;
	if (with_linux) {
		fd = linux_map(bench);
		kernel = linux_prog(bench, bench->op, fd);
		kernel_loop = linux_prog(bench, OP_NONE, fd);
		if (kernel < 0 || kernel_loop < 0) {
			printf("%s: Linux: %s\n", bench->name,
			       strerror(errno));
			with_linux = false;
		}
	}
	for (i = 0; i < rounds; i++) {
		a = our_run(prog, repeat);
		b = our_run(loop, repeat);
		ours[i] = a - b;
		if (with_linux) {
			a = linux_run(kernel, repeat);
			b = linux_run(kernel_loop, repeat);
			theirs[i] = a - b;
		}
	}
	net = median(ours);
	if (with_linux)
		linux_net = median(theirs);
	printf("%-30s %8.2f", bench->name, net);
	if (with_linux)
		printf(" %8.2f %7.2fx", linux_net, linux_net / net);
	if (bench->goal != 0)
		printf("   goal %.1fx", bench->goal);
	printf("%s\n", ebpf_prog_is_jited(prog) ? "" : "   (interpreted)");
	fflush(stdout);
out:
	if (kernel >= 0)
		close(kernel);
	if (kernel_loop >= 0)
		close(kernel_loop);
	if (fd >= 0)
		close(fd);
	ebpf_prog_put(prog);
	ebpf_prog_put(loop);
	ebpf_map_put(map);
	os_epoch_drain();
}

/* The library's own calls, each with its section. */
static void
run_api(const struct bench *bench)
{
	struct ebpf_map *map = our_map(bench);
	uint64_t state = 1, key[2] = { 0, 1 }, value = 0, start, ns[2];
	uint32_t i, count = 2000000;

	if (map == NULL)
		return;
	start = os_time_ns();
	for (i = 0; i < count; i++) {
		state = state * 6364136223846793005ull + 12345;
		key[0] = state >> (64 - bench->bits);
		ebpf_map_read(map, key, &value);
	}
	ns[0] = os_time_ns() - start;
	start = os_time_ns();
	for (i = 0; i < count; i++) {
		state = state * 6364136223846793005ull + 12345;
		key[0] = state >> (64 - bench->bits);
		ebpf_map_write(map, key, &value, EBPF_ANY);
	}
	ns[1] = os_time_ns() - start;
	printf("%-30s read %6.1f M/s   write %6.1f M/s\n", bench->name,
	       count * 1e3 / (double)ns[0], count * 1e3 / (double)ns[1]);
	ebpf_map_put(map);
}

int
main(int argc, char **argv)
{
	bool with_linux = geteuid() == 0;
	const char *part = "";
	uint32_t i;

	if (argc > 2 && strcmp(argv[1], "--rounds") == 0) {
		rounds = (uint32_t)atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc > 1)
		part = argv[1];
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 7;
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	if (!with_linux)
		printf("Not root: no comparison with Linux (SKIP)\n");
	printf("%-30s %8s %8s %8s\n", "ns for one operation, net", "gebpf",
	       "Linux", "ratio");
	for (i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
		if (strstr(benches[i].name, part) != NULL)
			run_bench(&benches[i], with_linux);
	for (i = 2; i < 5 && *part == '\0'; i++)
		run_api(&benches[i]);
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	return 0;
}
