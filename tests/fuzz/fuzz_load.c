/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Verification and both engines at once: the input names a program that
 * verifies (written below, or random from progen) and what to change in it, or
 * is a program itself. What is still accepted runs interpreted and compiled on
 * the same packet with the same maps. Sanitizers watch the interpreter; both
 * must agree on result, packet, context and maps, and leave nothing behind.
 *
 *	byte 0: base program, 255: the rest is code for kind byte 1
 *	bytes 1-8: seed of random bases and of the packet
 *	then changes of 8 bytes: slot (2), what (1), how (1), number (4)
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/test_run.h"
#include "insns.h"
#include "progen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)                                                      \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#cond);                                    \
			dump();                                            \
			abort();                                           \
		}                                                          \
	} while (0)

enum {
	HEAD = 9,
	INSNS_MAX = PROGEN_MAX,
	MAPS = 3,
	KEYS = 8, /* entries of each map */
	VALUE = PROGEN_VALUE,
	RANDOM_MEM = 512, /* bytes that programs of progen touch */
	PACKET_MAX = 600,
	CTX_MAX = 192,
	CODE = 255, /* byte 0: the input is code */
};

#define ADD(dst, imm) I(0x07, dst, 0, 0, imm)
#define ADDR(dst, src) I(0x0f, dst, src, 0, 0)
#define AND(dst, imm) I(0x57, dst, 0, 0, imm)
#define LSH(dst, imm) I(0x67, dst, 0, 0, imm)
#define JEQ(dst, imm, off) I(0x15, dst, 0, off, imm)
#define JNE(dst, imm, off) I(0x55, dst, 0, off, imm)
#define JGT(dst, imm, off) I(0x25, dst, 0, off, imm)
#define JGTR(dst, src, off) I(0x2d, dst, src, off, 0)
#define JLTR(dst, src, off) I(0xad, dst, src, off, 0)
#define LDW(dst, src, off) I(0x61, dst, src, off, 0)
#define LDH(dst, src, off) I(0x69, dst, src, off, 0)
#define LDB(dst, src, off) I(0x71, dst, src, off, 0)
#define LDD(dst, src, off) I(0x79, dst, src, off, 0)
#define STW(dst, src, off) I(0x63, dst, src, off, 0)
#define STB(dst, src, off) I(0x73, dst, src, off, 0)
#define STD(dst, src, off) I(0x7b, dst, src, off, 0)
#define MAP(dst, index) I(0x18, dst, 5, 0, index), I(0, 0, 0, 0, 0)
#define VALUE_OF(dst, index, at) I(0x18, dst, 6, 0, index), I(0, 0, 0, 0, at)
#define LOCAL(distance) I(0x85, 0, 1, 0, distance)

/* Ethernet, IPv4 with options, the ports behind; the sum of what was read. */
static const struct ebpf_insn parse[] = {
	LDW(2, 1, 0), LDW(3, 1, 4), MOV(0, 0), MOVR(4, 2), ADD(4, 34),
	JGTR(4, 3, 17), LDH(5, 2, 12), JNE(5, 8, 15), LDB(5, 2, 14),
	AND(5, 15), LSH(5, 2), I(0xa5, 5, 0, 11, 20), MOVR(4, 2), ADD(4, 14),
	ADDR(4, 5), MOVR(5, 4), ADD(5, 4), JGTR(5, 3, 5), LDH(0, 4, 0),
	LDH(5, 4, 2), ADDR(0, 5), LDB(5, 2, 23), ADDR(0, 5), EXIT,
};
/* Four bytes more in front, written; all pointers fetched again. */
static const struct ebpf_insn head[] = {
	MOVR(6, 1), MOV(2, -4), CALL(44), JNE(0, 0, 8), LDW(2, 6, 0),
	LDW(3, 6, 4), MOVR(4, 2), ADD(4, 8), JGTR(4, 3, 3), LDW(5, 2, 4),
	STW(2, 5, 0), MOV(0, 2), MOV(2, 6), MOVR(1, 6), CALL(65), MOV(0, 1),
	EXIT,
};
/* ring_nr by the packet's first byte; verdict from the ingress port. */
static const struct ebpf_insn vale[] = {
	LDD(2, 1, 0), LDD(3, 1, 8), LDW(0, 1, 16), MOVR(4, 2), ADD(4, 14),
	JGTR(4, 3, 3), LDB(5, 2, 5), AND(5, 3), STB(1, 5, 20), EXIT,
};
/* Count by packet's byte in a hash; make the entry when it is not there. */
static const struct ebpf_insn count[] = {
	MOVR(6, 1), LDD(2, 1, 0), LDD(3, 1, 8), MOV(0, 255), MOVR(4, 2),
	ADD(4, 1), JGTR(4, 3, 24), LDB(7, 2, 0), AND(7, 7), STW(10, 7, -4),
	MOVR(2, 10), ADD(2, -4), MAP(1, 1), CALL(1), JEQ(0, 0, 3), MOV(1, 1),
	I(0xdb, 0, 1, 0, 0), I(0x05, 0, 0, 11, 0), MOV(1, 5), STD(10, 1, -24),
	STD(10, 1, -16), MAP(1, 1), MOVR(2, 10), ADD(2, -4), MOVR(3, 10),
	I(0x07, 3, 0, 0, -24), MOV(4, 0), CALL(2), MOV(0, 254), EXIT,
};
/* A loop over the packet: each byte at a variable offset, summed. */
static const struct ebpf_insn loop[] = {
	LDW(2, 1, 76), LDW(3, 1, 80), MOV(0, 0), MOV(4, 0), MOVR(5, 2),
	ADDR(5, 4), MOVR(6, 5), ADD(6, 1), JGTR(6, 3, 5), LDB(7, 5, 0),
	ADDR(0, 7), STB(5, 0, 0), ADD(4, 1), I(0xa5, 4, 0, -10, 40), EXIT,
};
/* skb_load_bytes to the stack, at an offset and length from the packet. */
static const struct ebpf_insn copy[] = {
	MOVR(6, 1), LDW(2, 6, 0), AND(2, 31), LDW(4, 6, 8), AND(4, 15),
	ADD(4, 1), MOV(0, 0), STD(10, 0, -16), STD(10, 0, -8), MOVR(3, 10),
	ADD(3, -16), CALL(26), LDD(7, 10, -16), ADDR(0, 7), STW(6, 7, 48),
	EXIT,
};
/* A function that is given a pointer to the caller's stack and one to a map
 * value; the pointers spilled and filled again. */
static const struct ebpf_insn calls[] = {
	STD(10, 1, -8), STD(10, 2, -16), VALUE_OF(2, 0, 4), STD(10, 2, -24),
	MOVR(1, 10), ADD(1, -32), MOV(3, 9), STD(1, 3, 0), LDD(2, 10, -24),
	LOCAL(4), LDD(1, 10, -32), LDD(2, 10, -24), LDW(2, 2, 0), EXIT,
	LDD(3, 1, 0), ADD(3, 1), STD(1, 3, 0), STW(2, 3, 0), MOVR(0, 3), EXIT,
};
/* An index from memory, masked, into an array's value and onto the stack. */
static const struct ebpf_insn indexed[] = {
	MOV(0, 0), I(0xa5, 2, 0, 19, 8), LDD(6, 1, 0), MOVR(7, 6), AND(7, 7),
	VALUE_OF(8, 0, 0), ADDR(8, 7), LDB(0, 8, 8), STB(8, 6, 0),
	STD(10, 6, -8), STD(10, 6, -16), MOVR(3, 10), ADD(3, -16), ADDR(3, 7),
	LDB(4, 3, 0), ADDR(0, 4), I(0x77, 6, 0, 0, 60), JGT(6, 7, 2),
	I(0x0f, 3, 6, 0, 0), STB(3, 0, -0), EXIT,
};
/* Bytes of raw memory by its length; a signed comparison too. */
static const struct ebpf_insn memory[] = {
	MOV(0, 0), MOV(3, 0), I(0x3d, 3, 2, 7, 0), JGT(3, 50, 6), MOVR(4, 1),
	ADDR(4, 3), LDB(5, 4, 0), ADDR(0, 5), ADD(3, 1), I(0x05, 0, 0, -8, 0),
	I(0x65, 0, 0, 1, 100), I(0x87, 0, 0, 0, 0), EXIT,
};
/* The first vale-bpf's way: buffer, length, port. */
static const struct ebpf_insn buffer[] = {
	MOVR(0, 3), I(0xa5, 2, 0, 6, 14), LDB(4, 1, 0), I(0x45, 4, 0, 2, 1),
	LDW(5, 1, 6), STW(1, 5, 0), LDB(0, 1, 11), AND(0, 7), EXIT,
};
/* Per-CPU value, 32-bit arithmetic, sign extensions, division, swaps. */
static const struct ebpf_insn arith[] = {
	MOV(6, 3), STW(10, 6, -4), MOVR(2, 10), ADD(2, -4), MAP(1, 2), CALL(1),
	JNE(0, 0, 1), EXIT, LDD(3, 0, 8), LDW(4, 0, 0), I(0xbf, 5, 3, 8, 0),
	I(0xbc, 7, 4, 16, 0), I(0x3f, 5, 4, 1, 0), I(0x9c, 7, 3, 0, 0),
	I(0xd7, 5, 0, 0, 64), I(0xdc, 7, 0, 0, 16), I(0x24, 4, 0, 0, 77),
	I(0xc4, 4, 0, 0, 3), ADDR(5, 7), ADDR(5, 4), STD(0, 5, 0), MOVR(0, 5),
	EXIT,
};

static const struct base {
	uint32_t kind, count;
	const struct ebpf_insn *insns;
} bases[] = {
#define BASE(kind, insns) { kind, sizeof(insns) / sizeof(insns[0]), insns }
	BASE(EBPF_PROG_XDP, parse),	BASE(EBPF_PROG_XDP, head),
	BASE(EBPF_PROG_VALE, vale),	BASE(EBPF_PROG_VALE, count),
	BASE(EBPF_PROG_TC, loop),	BASE(EBPF_PROG_SOCKET, copy),
	BASE(EBPF_PROG_RAW, calls),	BASE(EBPF_PROG_RAW, indexed),
	BASE(EBPF_PROG_RAW, memory),	BASE(EBPF_PROG_VALE_BUF, buffer),
	BASE(EBPF_PROG_TC, arith),
};

static struct ebpf_runtime *rt;
static struct ebpf_insn insns[INSNS_MAX];
static uint32_t insn_count, kind, mem_size;
static uint64_t accepted, inputs;

/* One of each engine. */
struct side {
	struct ebpf_map *maps[MAPS];
	struct ebpf_prog *prog;
	int error; /* of the load, then of the run */
	uint8_t data[PACKET_MAX + 512];
	uint8_t ctx[CTX_MAX];
	uint8_t values[MAPS][KEYS][VALUE * 64];
	int found[MAPS][KEYS];
	struct ebpf_test_run run;
};
static struct side interp, jit;

static void
dump(void)
{
	uint32_t i;

	fprintf(stderr, "kind %u\n", kind);
	for (i = 0; i < insn_count; i++)
		fprintf(stderr, "%4u: %02x dst %u src %u off %d imm %d\n", i,
			insns[i].code, insns[i].regs & 15, insns[i].regs >> 4,
			insns[i].off, insns[i].imm);
	fprintf(stderr, "r0 %llx and %llx\n",
		(unsigned long long)interp.run.retval,
		(unsigned long long)jit.run.retval);
}

static void
setup(void)
{
	static const uint32_t kinds[MAPS] = { EBPF_MAP_ARRAY, EBPF_MAP_HASH,
					      EBPF_MAP_PERCPU_ARRAY };
	struct ebpf_map_spec spec = { .size = sizeof(spec), .key_size = 4,
				      .value_size = VALUE,
				      .max_entries = KEYS };
	uint32_t i;

	REQUIRE(ebpf_runtime_create(NULL, &rt) == 0);
	REQUIRE(ebpf_helper_register(rt, &progen_helper_hash) == 0);
	REQUIRE(ebpf_helper_register(rt, &progen_helper_env) == 0);
	/* the budget bounds the time of one input */
	rt->config.insns_processed_max = 20000;
	for (i = 0; i < MAPS; i++) {
		spec.kind = kinds[i];
		REQUIRE(ebpf_map_create(rt, &spec, &interp.maps[i]) == 0);
		REQUIRE(ebpf_map_create(rt, &spec, &jit.maps[i]) == 0);
	}
}

static uint64_t
take(const uint8_t *data, size_t size, size_t at, size_t len)
{
	uint64_t value = 0;

	if (at + len <= size)
		memcpy(&value, data + at, len);
	return value;
}

static void
make_program(const uint8_t *data, size_t size)
{
	static struct progen gen;
	uint64_t seed = take(data, size, 1, 8);
	uint32_t which = data[0], slot, number;
	size_t at;

	mem_size = 0;
	if (which == CODE) {
		insn_count = (uint32_t)((size - HEAD) / 8);
		if (insn_count > 512)
			insn_count = 512;
		memcpy(insns, data + HEAD, insn_count * 8);
		kind = bases[data[1] % (sizeof(bases) / sizeof(bases[0]))].kind;
		return;
	}
	if (which % 16 < sizeof(bases) / sizeof(bases[0])) {
		const struct base *base = &bases[which % 16];

		kind = base->kind;
		insn_count = base->count;
		memcpy(insns, base->insns, insn_count * 8);
	} else {
		mem_size = RANDOM_MEM;
		progen_verified(&gen, seed, mem_size);
		kind = EBPF_PROG_RAW;
		insn_count = gen.count;
		memcpy(insns, gen.insns, insn_count * 8);
	}
	for (at = HEAD; at + 8 <= size && at < HEAD + 8 * 16; at += 8) {
		slot = (uint32_t)take(data, size, at, 2) % insn_count;
		number = (uint32_t)take(data, size, at + 4, 4);
		switch (data[at + 2] % 8) {
		case 0:
			insns[slot].imm = (int32_t)number;
			break;
		case 1:
			insns[slot].imm += (int8_t)data[at + 3];
			break;
		case 2:
			insns[slot].off = (int16_t)(insns[slot].off +
						    (int8_t)data[at + 3]);
			break;
		case 3:
			insns[slot].regs ^= (uint8_t)(1 << data[at + 3] % 8);
			break;
		case 4:
			insns[slot].code ^= (uint8_t)(1 << data[at + 3] % 8);
			break;
		case 5: /* another comparison or operation */
			insns[slot].code = (uint8_t)((insns[slot].code & 0xf) |
						     (data[at + 3] & 0xf0));
			break;
		case 6: /* taken out */
			memset(&insns[slot], 0, 8);
			insns[slot].code = 0x05;
			break;
		case 7: /* a copy of another instruction */
			insns[slot] = insns[number % insn_count];
			break;
		}
	}
}

/* What a program may see that differs between two runs. */
static bool
is_repeatable(void)
{
	uint32_t i;

	for (i = 0; i < insn_count; i++) {
		if (insns[i].code == 0x8d)
			return false;
		/* a map by its id is the same one for both sides */
		if (insns[i].code == 0x18 &&
		    (insns[i].regs >> 4 == 1 || insns[i].regs >> 4 == 2))
			return false;
		if (insns[i].code != 0x85)
			continue;
		switch (insns[i].imm) {
		case 5: /* clocks, random numbers, the processor */
		case 7:
		case 8:
		case 118:
		case 125:
		case 160:
			return false;
		}
	}
	return true;
}

static void
load(struct side *side, uint32_t engine)
{
	static char log[1 << 16];
	struct ebpf_load how = { .size = sizeof(how), .kind = kind,
				 .insns = insns, .insn_count = insn_count,
				 .maps = side->maps, .map_count = MAPS,
				 .engine = engine, .mem_size = mem_size,
				 .log = log,
				 .log_size = sizeof(log),
				 .log_level = inputs % 32 == 0 };

	side->error = ebpf_prog_load(rt, &how, &side->prog);
	if (side->error == -EBPF_EREJECTED)
		REQUIRE(log[0] != '\0');
	if (getenv("FUZZ_LOAD_LOG"))
		fprintf(stderr, "%d %s\n", side->error, log);
}

static void
reset_maps(struct side *side)
{
	static uint8_t zero[VALUE * 1024];
	uint32_t key, i;

	for (key = 0; key < KEYS; key++) {
		for (i = 0; i < MAPS; i++) {
			uint32_t number = key;

			if (i == 1)
				ebpf_map_remove(side->maps[i], &number);
			else
				ebpf_map_write(side->maps[i], &number, zero,
					       EBPF_ANY);
		}
	}
}

static void
run(struct side *side, const uint8_t *packet, uint32_t len, uint32_t mark)
{
	struct ebpf_test_run *test = &side->run;
	uint32_t key, i;

	memset(side->data, 0, sizeof(side->data));
	memset(side->ctx, 0, sizeof(side->ctx));
	memcpy(side->data, packet, len);
	memset(test, 0, sizeof(*test));
	test->data = side->data;
	test->data_len = len;
	test->data_room = sizeof(side->data);
	test->repeat = 1;
	if (kind == EBPF_PROG_TC || kind == EBPF_PROG_SOCKET) {
		test->ctx = side->ctx;
		test->ctx_len = CTX_MAX;
		memcpy(side->ctx + 8, &mark, 4);
	} else if (kind != EBPF_PROG_RAW) {
		test->ctx = side->ctx;
		test->ctx_len = 24;
		side->ctx[16] = (uint8_t)mark;
	}
	reset_maps(side);
	side->error = ebpf_test_run(side->prog, test);
	for (i = 0; i < MAPS; i++) {
		for (key = 0; key < KEYS; key++) {
			memset(side->values[i][key], 0, sizeof(side->values[0][0]));
			if (i < 2)
				side->found[i][key] = ebpf_map_read(
					side->maps[i], &key,
					side->values[i][key]);
		}
	}
}

static void
compare(void)
{
	REQUIRE(interp.error == jit.error);
	if (interp.error)
		return;
	REQUIRE(interp.run.retval == jit.run.retval);
	REQUIRE(interp.run.data_len == jit.run.data_len);
	REQUIRE(!memcmp(interp.data, jit.data, sizeof(jit.data)));
	REQUIRE(!memcmp(interp.ctx, jit.ctx, sizeof(jit.ctx)));
	REQUIRE(!memcmp(interp.found, jit.found, sizeof(jit.found)));
	REQUIRE(!memcmp(interp.values, jit.values, sizeof(jit.values)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t lens[] = { 14, 34, 60, 20, 64, 128, 15, 300 };
	uint8_t packet[PACKET_MAX];
	uint64_t state;
	uint32_t round, i, len;

	if (!rt)
		setup();
	if (size < HEAD)
		return 0;
	make_program(data, size);
	if (insn_count == 0)
		return 0;
	load(&interp, EBPF_LOAD_INTERP);
	load(&jit, EBPF_LOAD_JIT);
	if (interp.error == 0 && jit.error == 0) {
		accepted++;
		state = take(data, size, 1, 8) | 1;
		for (round = 0; round < 4; round++) {
			for (i = 0; i < PACKET_MAX; i++) {
				state = state * 6364136223846793005ull + 1;
				packet[i] = (uint8_t)(state >> 56);
			}
			packet[12] = 8;
			packet[13] = 0;
			packet[14] = (uint8_t)(0x40 | (packet[14] & 15));
			len = lens[(state >> 32) % 8];
			if (len < mem_size)
				len = mem_size;
			run(&interp, packet, len, (uint32_t)state);
			run(&jit, packet, len, (uint32_t)state);
			if (is_repeatable())
				compare();
		}
	} else {
		/* one engine may miss an instruction, neither verification */
		REQUIRE((interp.error == -EBPF_EREJECTED) ==
			(jit.error == -EBPF_EREJECTED));
	}
	ebpf_prog_put(interp.prog);
	ebpf_prog_put(jit.prog);
	/* a grace period each time would take most of the time */
	if (++inputs % 64 != 0)
		return 0;
	os_epoch_drain();
	REQUIRE(ebpf_object_count(rt, EBPF_OBJ_PROG) == 0);
	for (i = 0; i < MAPS; i++)
		REQUIRE(interp.maps[i]->obj.refs == 1 &&
			jit.maps[i]->obj.refs == 1);
	return 0;
}

/* How much of it got past verification: a fuzzer that is refused tests little. */
static void __attribute__((destructor))
report(void)
{
	fprintf(stderr, "# %llu programs were accepted and run\n",
		(unsigned long long)accepted);
}
