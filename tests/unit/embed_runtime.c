/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What an embedder can do, through the public header alone: own kinds with
 * layouts that differ from the host's, own helpers with proven arguments, two
 * runtimes side by side, programs running on many threads while their map is
 * read, sections, and what registration refuses.
 */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/ebpf.h"
#include "tap.h"

#define I(code, dst, src, off, imm) { code, (dst) | (src) << 4, off, imm }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char words[8192];
static struct ebpf_load_stats stats;

static int
load(struct ebpf_runtime *rt, uint32_t kind, const struct ebpf_insn *insns,
     size_t count, struct ebpf_map *map, struct ebpf_prog **prog)
{
	struct ebpf_load how = { .size = sizeof(how), .kind = kind,
				 .insns = insns, .insn_count = (uint32_t)count,
				 .maps = &map, .map_count = map != NULL,
				 .log = words, .log_size = sizeof(words),
				 .stats = &stats };

	return ebpf_prog_load(rt, &how, prog);
}

/* ---- a kind with a layout of its own ---- */

/* The host's: other order, other sizes, pointers. Programs see 32-bit fields. */
struct host {
	uint8_t *end, *start;
	uint64_t serial;
	uint16_t color;
	uint32_t answer;
};

static const struct ebpf_ctx_field fields[] = {
	{ 0, 4, offsetof(struct host, start), 8, EBPF_CTX_PKT, 0 },
	{ 4, 4, offsetof(struct host, end), 8, EBPF_CTX_PKT_END, 0 },
	{ 8, 4, offsetof(struct host, color), 2, EBPF_CTX_SCALAR, 0 },
	{ 12, 4, offsetof(struct host, answer), 4, EBPF_CTX_SCALAR, 1 },
	{ 16, 8, offsetof(struct host, serial), 8, EBPF_CTX_SCALAR, 0 },
};

static struct ebpf_kind kind = {
	.name = "paint", .number = 0x1234, .entry = EBPF_ENTRY_CTX,
	.fields = fields, .field_count = COUNT(fields), .ctx_size = 24,
	.host_size = sizeof(struct host),
};

/* answer = color; return packet's first byte + serial, or 0 without a byte */
static const struct ebpf_insn paint[] = {
	I(0x61, 2, 1, 8, 0),  I(0x63, 1, 2, 12, 0), I(0x61, 3, 1, 0, 0),
	I(0x61, 4, 1, 4, 0),  I(0xb7, 0, 0, 0, 0),  I(0xbf, 5, 3, 0, 0),
	I(0x07, 5, 0, 0, 1),  I(0x2d, 5, 4, 3, 0),  I(0x71, 0, 3, 0, 0),
	I(0x79, 1, 1, 16, 0), I(0x0f, 0, 1, 0, 0),  I(0x95, 0, 0, 0, 0),
};

static void
test_kind(struct ebpf_runtime *rt)
{
	static const struct ebpf_insn write_serial[] = {
		I(0x7b, 1, 1, 16, 0), I(0xb7, 0, 0, 0, 0), I(0x95, 0, 0, 0, 0),
	};
	static const struct ebpf_insn write_packet[] = {
		I(0x61, 3, 1, 0, 0), I(0x61, 4, 1, 4, 0), I(0xb7, 0, 0, 0, 0),
		I(0xbf, 5, 3, 0, 0), I(0x07, 5, 0, 0, 1), I(0x2d, 5, 4, 1, 0),
		I(0x72, 3, 0, 0, 1), I(0x95, 0, 0, 0, 0),
	};
	static const struct ebpf_insn beyond[] = {
		I(0x79, 0, 1, 24, 0), I(0x95, 0, 0, 0, 0),
	};
	uint8_t packet[2] = { 40, 0 };
	struct host host = { packet + 2, packet, 2, 0xbeef, 0 };
	struct ebpf_section section;
	struct ebpf_prog *prog;

	TAP_CHECK(ebpf_kind_register(rt, &kind) == 0 && kind.bit);
	TAP_CHECK(ebpf_kind_register(rt, &kind) == -EBPF_EEXIST);
	if (load(rt, kind.number, paint, COUNT(paint), NULL, &prog) != 0) {
		tap_diag("%s", words);
		abort();
	}
	ebpf_section_enter(&section);
	TAP_CHECK(ebpf_prog_run_ctx(prog, &host) == 42 &&
		  host.answer == 0xbeef);
	host.end = packet;
	TAP_CHECK(ebpf_prog_run_ctx(prog, &host) == 0);
	ebpf_section_leave(&section);
	ebpf_prog_put(prog);

	TAP_CHECK(load(rt, kind.number, write_serial, COUNT(write_serial),
		       NULL, &prog) == -EBPF_EREJECTED);
	TAP_CHECK(load(rt, kind.number, write_packet, COUNT(write_packet),
		       NULL, &prog) == -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_READ_ONLY);
	TAP_CHECK(load(rt, kind.number, beyond, COUNT(beyond), NULL, &prog) ==
			  -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_CTX_ACCESS);
}

static void
test_bad_kinds(struct ebpf_runtime *rt)
{
	struct ebpf_ctx_field bad[COUNT(fields)];
	static struct ebpf_kind many[32];
	struct ebpf_kind copy;
	size_t i, good = 0;
	int error = 0;

#define REFUSED(change)                                                  \
	do {                                                             \
		memcpy(bad, fields, sizeof(bad));                        \
		copy = kind;                                             \
		copy.bit = 0;                                            \
		copy.number = 0x2000;                                    \
		copy.fields = bad;                                       \
		change;                                                  \
		tap_ok(ebpf_kind_register(rt, &copy) == -EBPF_EINVAL,    \
		       "refused: %s", #change);                          \
	} while (0)
	REFUSED(copy.name = NULL);
	REFUSED(copy.name = "");
	REFUSED(copy.number = 6);
	REFUSED(copy.entry = 3);
	REFUSED(copy.entry = EBPF_ENTRY_MEM);
	REFUSED(copy.bit = 3 << 20);
	REFUSED(copy.ctx_size = 23);
	REFUSED(copy.host_size = offsetof(struct host, answer));
	REFUSED(bad[0].host_size = 4);
	REFUSED(bad[0].writable = 1);
	REFUSED(bad[0].size = 2);
	REFUSED(bad[1].off = 2);
	REFUSED(bad[1].off = 0);
	REFUSED((bad[3] = bad[0], bad[3].off = 12));
	REFUSED((bad[3] = bad[1], bad[3].off = 12));
	REFUSED(bad[2].type = 9);
	REFUSED(bad[2].size = 3);
	REFUSED(bad[2].writable = 1);
	REFUSED(bad[3].host_off++);
	REFUSED(bad[4].host_off = UINT16_MAX - 7);
#undef REFUSED
	for (i = 0; i < COUNT(many) && error == 0; i++) {
		many[i] = (struct ebpf_kind){ .name = "many",
					      .number = 0x3000 + (uint32_t)i,
					      .entry = EBPF_ENTRY_BUF };
		error = ebpf_kind_register(rt, &many[i]);
		good += error == 0;
	}
	/* 26 spare bits, one of them is paint's */
	TAP_CHECK(good == 25 && error == -EBPF_ERANGE);
}

/* ---- helpers with proven arguments ---- */

static uint32_t sum_calls;

static uint64_t
sum(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
    const struct ebpf_prog *prog)
{
	const uint8_t *bytes = (const uint8_t *)(uintptr_t)r1;
	uint64_t total = 0;

	__atomic_add_fetch(&sum_calls, 1, __ATOMIC_RELAXED);
	while (r2-- > 0)
		total += *bytes++;
	return total;
}

static const struct ebpf_helper sum_helper = {
	.fn = sum, .name = "sum", .number = 500, .kinds = EBPF_KINDS_RAW,
	.ret = EBPF_RET_INT, .args = { EBPF_ARG_MEM, EBPF_ARG_SIZE },
};

static void
test_helper(struct ebpf_runtime *rt)
{
	/* 8 bytes of 1 on the stack, sum(r10 - 8, SIZE) */
	struct ebpf_insn insns[] = {
		I(0x18, 1, 0, 0, 0x01010101), I(0, 0, 0, 0, 0x01010101),
		I(0x7b, 10, 1, -8, 0),	      I(0xbf, 1, 10, 0, 0),
		I(0x07, 1, 0, 0, -8),	      I(0xb7, 2, 0, 0, 8),
		I(0x85, 0, 0, 0, 500),	      I(0x95, 0, 0, 0, 0),
	};
	static const struct ebpf_insn unset[] = {
		I(0xb7, 2, 0, 0, 8), I(0xb7, 1, 0, 0, 0),
		I(0x85, 0, 0, 0, 500), I(0x95, 0, 0, 0, 0),
	};
	struct ebpf_prog *prog;

	TAP_CHECK(load(rt, EBPF_PROG_RAW, insns, COUNT(insns), NULL, &prog) ==
			  -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_CALL_UNKNOWN);
	TAP_CHECK(ebpf_helper_register(rt, &sum_helper) == 0);
	TAP_CHECK(ebpf_helper_register(rt, &sum_helper) == -EBPF_EEXIST);
	if (load(rt, EBPF_PROG_RAW, insns, COUNT(insns), NULL, &prog) != 0) {
		tap_diag("%s", words);
		abort();
	}
	TAP_CHECK(ebpf_prog_run_mem(prog, NULL, 0) == 8 && sum_calls == 1);
	ebpf_prog_put(prog);
	insns[5].imm = 9;
	TAP_CHECK(load(rt, EBPF_PROG_RAW, insns, COUNT(insns), NULL, &prog) ==
		  -EBPF_EREJECTED);
	insns[5].imm = 0;
	TAP_CHECK(load(rt, EBPF_PROG_RAW, insns, COUNT(insns), NULL, &prog) ==
		  -EBPF_EREJECTED);
	insns[5].imm = 8;
	TAP_CHECK(load(rt, EBPF_PROG_VALE, insns, COUNT(insns), NULL, &prog) ==
		  -EBPF_EREJECTED);
	TAP_CHECK(load(rt, EBPF_PROG_RAW, unset, COUNT(unset), NULL, &prog) ==
		  -EBPF_EREJECTED);
}

/* ---- a map, from both sides and from many threads ---- */

enum {
	THREADS = 4,
	RUNS = 20000,
};

static struct ebpf_prog *counter;

static void *
count_thread(void *arg)
{
	struct ebpf_section section;
	uint64_t word = 0;
	int i, j;

	for (i = 0; i < RUNS / 100; i++) {
		ebpf_section_enter(&section);
		for (j = 0; j < 100; j++)
			word += ebpf_prog_run_raw(counter, &word, 0);
		ebpf_section_leave(&section);
	}
	return arg;
}

static void
test_map(struct ebpf_runtime *rt, struct ebpf_runtime *other)
{
	/* key = 0; v = lookup(map, &key); if v: lock *v += 1; return 0 */
	static const struct ebpf_insn insns[] = {
		I(0x62, 10, 0, -4, 0), I(0xbf, 2, 10, 0, 0),
		I(0x07, 2, 0, 0, -4),  I(0x18, 1, 5, 0, 0),
		I(0, 0, 0, 0, 0),      I(0x85, 0, 0, 0, 1),
		I(0x15, 0, 0, 2, 0),   I(0xb7, 1, 0, 0, 1),
		I(0xdb, 0, 1, 0, 0),   I(0xb7, 0, 0, 0, 0),
		I(0x95, 0, 0, 0, 0),
	};
	struct ebpf_map_spec spec = { .size = sizeof(spec),
				      .kind = EBPF_MAP_HASH, .key_size = 4,
				      .value_size = 8, .max_entries = 8,
				      .name = "counts" };
	struct ebpf_map *map, *foreign;
	pthread_t threads[THREADS];
	uint64_t value = 0, seen;
	uint32_t key = 0, next;
	bool grows = true;
	int i;

	if (ebpf_map_create(rt, &spec, &map) != 0 ||
	    ebpf_map_create(other, &spec, &foreign) != 0)
		abort();
	TAP_CHECK(load(rt, EBPF_PROG_RAW, insns, COUNT(insns), foreign,
		       &counter) == -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_MAP_USE);
	ebpf_map_put(foreign);
	TAP_CHECK(ebpf_map_write(map, &key, &value, EBPF_NOEXIST) == 0);
	if (load(rt, EBPF_PROG_RAW, insns, COUNT(insns), map, &counter) != 0) {
		tap_diag("%s", words);
		abort();
	}
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, count_thread, NULL) != 0)
			abort();
	for (i = 0; i < 1000; i++) {
		ebpf_map_read(map, &key, &seen);
		grows &= seen >= value;
		value = seen;
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_ok(grows, "a counter that is read while programs count only grows");
	TAP_CHECK(ebpf_map_read(map, &key, &value) == 0 &&
		  value == (uint64_t)THREADS * RUNS);
	TAP_CHECK(ebpf_map_next(map, NULL, &next) == 0 && next == 0 &&
		  ebpf_map_next(map, &next, &next) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_map_remove(map, &key) == 0 &&
		  ebpf_map_read(map, &key, &value) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_prog_run_mem(counter, NULL, 0) == 0);
	ebpf_prog_put(counter);
	ebpf_map_put(map);
}

/* The three arguments of a BUF kind. */
static void
test_buf(struct ebpf_runtime *rt)
{
	/* return len < 1 ? port : buf[0] */
	static const struct ebpf_insn insns[] = {
		I(0xbf, 0, 3, 0, 0), I(0xa5, 2, 0, 1, 1), I(0x71, 0, 1, 0, 0),
		I(0x95, 0, 0, 0, 0),
	};
	struct ebpf_section section;
	struct ebpf_prog *prog;
	uint8_t byte = 9;

	if (load(rt, EBPF_PROG_VALE_BUF, insns, COUNT(insns), NULL, &prog) != 0)
		abort();
	ebpf_section_enter(&section);
	TAP_CHECK(ebpf_prog_run_buf(prog, &byte, 1, 200) == 9);
	TAP_CHECK(ebpf_prog_run_buf(prog, &byte, 0, 200) == 200);
	ebpf_section_leave(&section);
	ebpf_prog_put(prog);
}

static void
test_errors(void)
{
	TAP_CHECK(!strcmp(ebpf_error_name(-EBPF_ENOENT), "ENOENT"));
	TAP_CHECK(!strcmp(ebpf_error_name(EBPF_EREJECTED), "EREJECTED"));
	TAP_CHECK(strstr(ebpf_error_text(-EBPF_EJIT), "JIT"));
	TAP_CHECK(!ebpf_error_name(0)[0] && !ebpf_error_text(-9999)[0]);
}

int
main(void)
{
	struct ebpf_runtime *one, *two;
	struct ebpf_prog *prog;

	if (ebpf_runtime_create(NULL, &one) != 0 ||
	    ebpf_runtime_create(NULL, &two) != 0)
		abort();
	test_errors();
	test_kind(one);
	test_bad_kinds(one);
	test_helper(one);
	test_map(one, two);
	test_buf(one);
	tap_ok(load(two, kind.number, paint, COUNT(paint), NULL, &prog) ==
	       -EBPF_EINVAL, "what one runtime knows, the other does not");
	TAP_CHECK(ebpf_kind_register(two, &kind) == 0);
	TAP_CHECK(load(two, kind.number, paint, COUNT(paint), NULL, &prog) == 0);
	ebpf_prog_put(prog);
	ebpf_runtime_destroy(one);
	ebpf_runtime_destroy(two);
	return tap_done();
}
