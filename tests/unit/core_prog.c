/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loading programs from end to end and running them by test runs: arguments
 * that make no sense, words of a rejection, maps by id and index, tags, dumps
 * without host addresses, statistics, contexts of every kind, and loads that
 * run out of memory at every place there is.
 */
#include <stdlib.h>

#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/sha1.h"
#include "core/test_run.h"
#include "core/tracelog.h"
#include "tap.h"

#define I(code, dst, src, off, imm) { code, (dst) | (src) << 4, off, imm }
#define MOV(dst, imm) I(0xb7, dst, 0, 0, imm)
#define MOVR(dst, src) I(0xbf, dst, src, 0, 0)
#define LDX(size, dst, src, off) I(0x61 | (size), dst, src, off, 0)
#define STX(size, dst, src, off) I(0x63 | (size), dst, src, off, 0)
#define W 0x00
#define H 0x08
#define B 0x10
#define DW 0x18
#define CALL(number) I(0x85, 0, 0, 0, number)
#define EXIT I(0x95, 0, 0, 0, 0)
#define LDDW(dst, src, low, high) I(0x18, dst, src, 0, low), I(0, 0, 0, 0, high)

static struct ebpf_runtime *rt;
static char words[8192];
static struct ebpf_load_stats stats;

static int
load_with(struct ebpf_load *load, const struct ebpf_insn *insns,
	  uint32_t count, struct ebpf_prog **prog)
{
	load->size = sizeof(*load);
	load->insns = insns;
	load->insn_count = count;
	load->log = words;
	load->log_size = sizeof(words);
	load->stats = &stats;
	return ebpf_prog_load(rt, load, prog);
}

#define LOAD(load, insns, prog) \
	load_with(load, insns, sizeof(insns) / sizeof((insns)[0]), prog)

/* What a load of that kind and engine makes, or the test ends. */
static struct ebpf_prog *
must_load(uint32_t kind, uint32_t engine, const struct ebpf_insn *insns,
	  uint32_t count)
{
	struct ebpf_load load = { .kind = kind, .engine = engine };
	struct ebpf_prog *prog;
	int error = load_with(&load, insns, count, &prog);

	if (error) {
		tap_diag("%s: %s", ebpf_error_name(error), words);
		abort();
	}
	return prog;
}

#define MUST_LOAD(kind, engine, insns) \
	must_load(kind, engine, insns, sizeof(insns) / sizeof((insns)[0]))

static struct ebpf_map *
new_array(uint32_t value_size, uint32_t entries, uint32_t flags)
{
	struct ebpf_map_spec spec = { .size = sizeof(spec),
				      .kind = EBPF_MAP_ARRAY,
				      .key_size = 4,
				      .value_size = value_size,
				      .max_entries = entries,
				      .flags = flags };
	struct ebpf_map *map;

	if (ebpf_map_create(rt, &spec, &map) != 0)
		abort();
	return map;
}

static const struct ebpf_insn seven[] = { MOV(0, 7), EXIT };

/* ---- what the caller asks for ---- */

static void
test_arguments(void)
{
	struct ebpf_load good = { .kind = EBPF_PROG_RAW }, load;
	struct ebpf_line_info line = { 0, 0, 0, 0 };
	struct ebpf_prog *prog;

#define REFUSED(change)                                                     \
	do {                                                                \
		load = good;                                                \
		change;                                                     \
		tap_ok(LOAD(&load, seven, &prog) == -EBPF_EINVAL && !prog,  \
		       "refused: %s", #change);                             \
	} while (0)
	REFUSED(load.kind = 0);
	REFUSED(load.kind = 12345);
	REFUSED(load.engine = 3);
	REFUSED(load.verify_only = 2);
	REFUSED(load.log_level = 3);
	REFUSED(load.assume_linux = 2);
	REFUSED(load.assume_linux = 1);
	REFUSED(load.map_count = 1);
	REFUSED(load.func_count = 1);
	REFUSED((load.lines = &line, load.line_count = 1));
	REFUSED((load.kind = EBPF_PROG_XDP, load.mem_size = 8));
	REFUSED(load.name = "a/b");
#undef REFUSED
	load = good;
	TAP_CHECK(load_with(&load, seven, 0, &prog) == -EBPF_EINVAL);
	TAP_CHECK(load_with(&load, NULL, 2, &prog) == -EBPF_EINVAL);
	load = good;
	TAP_CHECK(load_with(&load, seven, EBPF_INSN_MAX + 1, &prog) ==
		  -EBPF_EREJECTED && stats.rule == EBPF_RULE_LIMIT);

	load = good;
	load.verify_only = 1;
	TAP_CHECK(LOAD(&load, seven, &prog) == 0 && !prog);
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_PROG) == 0);

	load = good;
	load.name = "seven";
	load.license = "GPL";
	load.cookie = &good;
	load.uid = 7;
	TAP_CHECK(LOAD(&load, seven, &prog) == 0);
	TAP_CHECK(!strcmp(prog->obj.name, "seven") && prog->gpl_compatible &&
		  ebpf_prog_cookie(prog) == &good && prog->obj.uid == 7);
	TAP_CHECK(ebpf_prog_run_mem(prog, NULL, 0) == 7);
	ebpf_prog_get(prog);
	ebpf_prog_put(prog);
	ebpf_prog_put(prog);
	ebpf_prog_put(NULL);
	load.license = "Proprietary";
	TAP_CHECK(LOAD(&load, seven, &prog) == 0 && !prog->gpl_compatible);
	ebpf_prog_put(prog);
}

static void
test_words(void)
{
	static const struct ebpf_insn reserved[] = { I(0xb7, 0, 1, 0, 7),
						     EXIT };
	static const struct ebpf_insn uninit[] = { MOVR(0, 5), EXIT };
	static const struct ebpf_insn unknown[] = { CALL(14), EXIT };
	struct ebpf_load load = { .kind = EBPF_PROG_RAW };
	struct ebpf_prog *prog;
	struct ebpf_insn many[200];
	char tiny[8], shorter[1024];
	int i;

	TAP_CHECK(LOAD(&load, reserved, &prog) == -EBPF_EREJECTED && !prog);
	TAP_CHECK(stats.rule == EBPF_RULE_ENCODING && stats.insn == 0);
	tap_ok(strstr(words, "reserved") != NULL, "a rejection says why in words");
	TAP_CHECK(LOAD(&load, uninit, &prog) == -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_UNINIT && words[0]);
	TAP_CHECK(LOAD(&load, unknown, &prog) == -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_CALL_UNKNOWN);
	load.log = tiny;
	load.log_size = sizeof(tiny);
	load.size = sizeof(load);
	TAP_CHECK(ebpf_prog_load(rt, &load, &prog) == -EBPF_EREJECTED);
	tap_ok(memchr(tiny, '\0', sizeof(tiny)) != NULL,
	       "a short log is cut and ended");
	for (i = 0; i < 198; i++)
		many[i] = (struct ebpf_insn)I(0xb7, 3, 0, 0, i);
	many[198] = (struct ebpf_insn)MOVR(0, 5);
	many[199] = (struct ebpf_insn)EXIT;
	load.insns = many;
	load.insn_count = 200;
	load.log = shorter;
	load.log_size = sizeof(shorter);
	load.log_level = 2;
	TAP_CHECK(ebpf_prog_load(rt, &load, &prog) == -EBPF_EREJECTED);
	tap_ok(strstr(shorter, "longer than the log") &&
		       strstr(shorter, "rejected: "),
	       "a long account is cut, the rejection stays");
	load.log = NULL;
	load.log_size = 0;
	load.stats = NULL;
	TAP_CHECK(ebpf_prog_load(rt, &load, &prog) == -EBPF_EREJECTED);
}

/* ---- maps ---- */

static void
test_maps(void)
{
	struct ebpf_map *a = new_array(16, 4, 0), *b = new_array(8, 1, 0);
	struct ebpf_map *maps[] = { a, b };
	const struct ebpf_insn insns[] = {
		LDDW(1, 1, (int32_t)a->obj.id, 0), /* by id */
		LDDW(2, 5, 0, 0),		   /* the same by index */
		LDDW(3, 6, 1, 4),		   /* value of b, 4 in */
		LDDW(4, 2, (int32_t)b->obj.id, 0),
		MOV(0, 5), STX(W, 3, 0, 0), LDX(DW, 0, 4, 0), EXIT,
	};
	struct ebpf_load load = { .kind = EBPF_PROG_RAW, .maps = maps,
				  .map_count = 2 };
	struct ebpf_insn insn, bad[] = { LDDW(1, 5, 0, 0), MOV(0, 0), EXIT };
	uint32_t key = 0, count = sizeof(insns) / sizeof(insns[0]), i;
	uint64_t value = 0;
	struct ebpf_prog *prog;
	bool same = true;

	if (LOAD(&load, insns, &prog) != 0) {
		tap_diag("%s", words);
		abort();
	}
	TAP_CHECK(prog->map_count == 2 && a->obj.refs == 2 && b->obj.refs == 2);
	TAP_CHECK(prog->raw[2].regs == 0x12 &&
		  prog->raw[2].imm == (int32_t)a->obj.id);
	TAP_CHECK(prog->raw[4].regs == 0x23 && prog->raw[5].imm == 4 &&
		  prog->raw[4].imm == (int32_t)b->obj.id);
	TAP_CHECK(ebpf_prog_run_mem(prog, NULL, 0) == 5ull << 32);
	TAP_CHECK(ebpf_map_read(b, &key, &value) == 0 && value == 5ull << 32);
	for (i = 0; i < count; i++) {
		insn = ebpf_prog_xlated(prog, i);
		same &= !memcmp(&insn, &prog->raw[i], sizeof(insn));
	}
	tap_ok(same, "the dump shows ids and offsets again");
	ebpf_prog_put(prog);
	os_epoch_drain();
	TAP_CHECK(a->obj.refs == 1 && b->obj.refs == 1);

	bad[0].imm = 2;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_MAP_USE);
	bad[0].imm = -1;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED);
	bad[0].regs = 0x11;
	bad[0].imm = 999999;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED &&
		  strstr(words, "999999"));
	bad[0].regs = 0x61;
	bad[0].imm = 1;
	bad[1].imm = 8;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED &&
		  stats.rule == EBPF_RULE_VALUE_BOUNDS);
	bad[1].imm = -1;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED);
	bad[1].imm = 7;
	TAP_CHECK(LOAD(&load, bad, &prog) == 0);
	ebpf_prog_put(prog);
	os_epoch_drain();
	TAP_CHECK(a->obj.refs == 1 && b->obj.refs == 1);
	ebpf_map_put(a);
	ebpf_map_put(b);
}

/* ---- tags ---- */

static void
hex(const uint8_t *bytes, uint32_t len, char *text)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void
test_tags(void)
{
	static const struct {
		const char *text;
		uint32_t times;
		const char *digest;
	} cases[] = {
		{ "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ "0123456701234567012345670123456701234567012345670123456701"
		  "234567", 10,
		  "dea356a2cddd90c7a7ecedc5ebb563934f460452" },
	};
	struct ebpf_map *map = new_array(8, 1, 0), *other;
	struct ebpf_load load = { .kind = EBPF_PROG_RAW, .maps = &map,
				  .map_count = 1 };
	struct ebpf_insn by_index[] = { LDDW(1, 6, 0, 4), MOV(0, 0), EXIT };
	struct ebpf_insn by_id[] = { LDDW(1, 2, 0, 4), MOV(0, 0), EXIT };
	struct ebpf_prog *prog;
	struct ebpf_sha1 sha;
	uint8_t digest[20], tag[8], other_tag[8];
	char text[41];
	uint32_t i, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ebpf_sha1_init(&sha);
		for (n = 0; n < cases[i].times; n++)
			ebpf_sha1_add(&sha, cases[i].text,
				      strlen(cases[i].text));
		ebpf_sha1_end(&sha, digest);
		hex(digest, 20, text);
		tap_ok(!strcmp(text, cases[i].digest), "sha-1 %s", text);
	}
	prog = MUST_LOAD(EBPF_PROG_RAW, EBPF_LOAD_ANY, seven);
	ebpf_prog_tag(prog, tag);
	hex(tag, 8, text);
	tap_ok(!strcmp(text, "8923dad831f6fb51"),
	       "the tag of r0 = 7; exit as Linux 6.1 gives it: %s", text);
	ebpf_prog_put(prog);

	if (LOAD(&load, by_index, &prog) != 0)
		abort();
	ebpf_prog_tag(prog, tag);
	ebpf_prog_put(prog);
	other = new_array(8, 1, 0);
	by_id[0].imm = (int32_t)other->obj.id;
	if (LOAD(&load, by_id, &prog) != 0)
		abort();
	ebpf_prog_tag(prog, other_tag);
	tap_ok(!memcmp(tag, other_tag, 8), "which map it is does not matter");
	ebpf_prog_tag(prog, tag);
	tap_ok(!memcmp(tag, other_tag, 8), "who asks again is told the same");
	/* lddw r1 with src 2 and both immediates 0, then the rest */
	by_id[0].imm = by_id[1].imm = 0;
	ebpf_sha1_init(&sha);
	ebpf_sha1_add(&sha, by_id, sizeof(by_id));
	ebpf_sha1_end(&sha, digest);
	TAP_CHECK(!memcmp(digest, tag, 8));
	ebpf_prog_put(prog);
	ebpf_map_put(map);
	ebpf_map_put(other);
}

/* ---- engines and statistics ---- */

static void
test_engines(void)
{
	static const struct ebpf_insn log_it[] = {
		/* "n=%d\0" on the stack: trace_printk(fmt, 5, r2) */
		MOVR(3, 2), LDDW(1, 0, 0x64253d6e, 0), STX(DW, 10, 1, -8),
		MOVR(1, 10), I(0x07, 1, 0, 0, -8), MOV(2, 5), CALL(6), EXIT,
	};
	struct ebpf_runtime_config config = { .size = sizeof(config) };
	struct ebpf_load load = { .kind = EBPF_PROG_RAW };
	struct ebpf_runtime *main_rt = rt;
	struct ebpf_trace_record record;
	struct ebpf_prog *prog;
	uint64_t next = 0, lost = 0, count = 0, time_ns = 0;
	uint32_t lines = 0, cpu;
	uint8_t out[512];
	int error, wanted = ebpf_jit_host() ? 0 : -EBPF_EJIT;

	load.engine = EBPF_LOAD_INTERP;
	error = LOAD(&load, log_it, &prog);
	TAP_CHECK(error == 0 &&
		  !ebpf_prog_is_jited(prog));
	TAP_CHECK(ebpf_prog_run_mem(prog, NULL, 41) == 4);
	ebpf_prog_put(prog);
	load.engine = EBPF_LOAD_JIT;
	TAP_CHECK(LOAD(&load, log_it, &prog) == wanted);
	if (wanted == 0) {
		TAP_CHECK(ebpf_prog_is_jited(prog) && stats.jit_ns > 0);
		TAP_CHECK(ebpf_prog_run_mem(prog, NULL, 42) == 4);
		ebpf_tracelog_read(rt->tracelog, prog->obj.id, &next, &lost,
				   &lines, out, sizeof(out));
		memcpy(&record, out, sizeof(record));
		TAP_CHECK(lines == 1 && record.len == 4 &&
			  !memcmp(out + sizeof(record), "n=42", 4));
		ebpf_prog_put(prog);
	}

	prog = MUST_LOAD(EBPF_PROG_RAW, EBPF_LOAD_ANY, seven);
	ebpf_prog_run_mem(prog, NULL, 0);
	os_store(&rt->stats_on, 1);
	ebpf_prog_run_mem(prog, NULL, 0);
	ebpf_prog_run_mem(prog, NULL, 0);
	os_store(&rt->stats_on, 0);
	ebpf_prog_run_mem(prog, NULL, 0);
	for (cpu = 0; cpu < os_cpu_count(); cpu++) {
		const struct ebpf_run_stats *one =
			os_percpu_ptr(prog->stats, cpu);

		count += one->count;
		time_ns += one->time_ns;
	}
	tap_ok(count == 2 && time_ns > 0, "runs are counted while asked for");
	ebpf_prog_put(prog);

	config.no_jit = 1;
	if (ebpf_runtime_create(&config, &rt) != 0)
		abort();
	load.engine = EBPF_LOAD_JIT;
	TAP_CHECK(LOAD(&load, seven, &prog) == -EBPF_EJIT && !prog);
	load.engine = EBPF_LOAD_ANY;
	TAP_CHECK(LOAD(&load, seven, &prog) == 0 && !ebpf_prog_is_jited(prog));
	ebpf_prog_put(prog);
	ebpf_runtime_destroy(rt);
	config.no_jit = 0;
	config.no_interp = 1;
	if (ebpf_runtime_create(&config, &rt) != 0)
		abort();
	load.engine = EBPF_LOAD_INTERP;
	TAP_CHECK(LOAD(&load, seven, &prog) == -EBPF_EUNSUPPORTED);
	load.engine = EBPF_LOAD_ANY;
	if (LOAD(&load, seven, &prog) == 0) {
		struct ebpf_test_run test = {
			.repeat = 1,
			.engine = EBPF_ENGINE_INTERP,
		};

		TAP_CHECK(ebpf_test_run(prog, &test) == -EBPF_EUNSUPPORTED);
		test.engine = EBPF_ENGINE_DEFAULT;
		TAP_CHECK(ebpf_test_run(prog, &test) == 0 && test.retval == 7);
		ebpf_prog_put(prog);
	} else {
		tap_skip("no JIT here", "test runs without interpreter");
	}
	ebpf_runtime_destroy(rt);
	rt = main_rt;
}

/* ---- test runs ---- */

static uint8_t data[4096];
static uint8_t ctx[192];

static int
run(struct ebpf_prog *prog, struct ebpf_test_run *test, uint32_t len,
    uint32_t ctx_len)
{
	memset(test, 0, sizeof(*test));
	test->data = data;
	test->data_len = len;
	test->data_room = sizeof(data);
	test->ctx = ctx_len ? ctx : NULL;
	test->ctx_len = ctx_len;
	test->repeat = 1;
	return ebpf_test_run(prog, test);
}

static void
put32(uint32_t at, uint32_t value)
{
	memcpy(ctx + at, &value, 4);
}

static uint32_t
get32(uint32_t at)
{
	uint32_t value;

	memcpy(&value, ctx + at, 4);
	return value;
}

static void
fill(void)
{
	uint32_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	memset(ctx, 0, sizeof(ctx));
}

static void
test_run_raw(uint32_t engine)
{
	/* if (r2 < 4) return 1; swap the first two bytes; return r2 */
	static const struct ebpf_insn insns[] = {
		MOV(0, 1),
		I(0xa5, 2, 0, 5, 4),
		LDX(B, 3, 1, 0),
		LDX(B, 4, 1, 1),
		STX(B, 1, 4, 0),
		STX(B, 1, 3, 1),
		MOVR(0, 2),
		EXIT,
	};
	static const struct ebpf_insn fixed[] = { LDX(DW, 0, 1, 0), EXIT };
	struct ebpf_prog *prog = MUST_LOAD(EBPF_PROG_RAW, engine, insns);
	struct ebpf_load load = { .kind = EBPF_PROG_RAW, .mem_size = 8,
				  .engine = engine };
	struct ebpf_test_run test;

	fill();
	TAP_CHECK(run(prog, &test, 100, 0) == 0 && test.retval == 100 &&
		  test.data_len == 100 && data[0] == 1 && data[1] == 0);
	TAP_CHECK(run(prog, &test, 3, 0) == 0 && test.retval == 1);
	TAP_CHECK(run(prog, &test, 0, 0) == 0 && test.retval == 1);
	ctx[5] = 1;
	TAP_CHECK(run(prog, &test, 8, 8) == -EBPF_EINVAL);
	memset(&test, 0, sizeof(test));
	TAP_CHECK(ebpf_test_run(prog, &test) == -EBPF_EINVAL);
	test.repeat = 1;
	test.engine = 3;
	TAP_CHECK(ebpf_test_run(prog, &test) == -EBPF_EINVAL);
	test.engine = EBPF_ENGINE_JIT;
	TAP_CHECK(ebpf_test_run(prog, &test) ==
		  (ebpf_prog_is_jited(prog) ? 0 : -EBPF_EJIT));
	test.engine = EBPF_ENGINE_INTERP;
	test.repeat = 5000;
	TAP_CHECK(ebpf_test_run(prog, &test) == 0 && test.retval == 1);
	test.repeat = UINT32_MAX;
	test.time_max_ns = 2000000;
	TAP_CHECK(ebpf_test_run(prog, &test) == -EBPF_ECANCELED);
	ebpf_prog_put(prog);

	fill();
	TAP_CHECK(LOAD(&load, fixed, &prog) == 0);
	TAP_CHECK(run(prog, &test, 7, 0) == -EBPF_EINVAL);
	TAP_CHECK(run(prog, &test, 8, 0) == 0 &&
		  test.retval == 0x0706050403020100);
	ebpf_prog_put(prog);
}

static void
test_run_vale(uint32_t engine)
{
	/* ring_nr = 9; data[0] = 0xee; return ingress_port + len */
	static const struct ebpf_insn insns[] = {
		LDX(DW, 2, 1, 0),
		LDX(DW, 3, 1, 8),
		LDX(W, 0, 1, 16),
		MOV(4, 9),
		STX(B, 1, 4, 20),
		MOVR(5, 2),
		I(0x07, 5, 0, 0, 14),
		I(0x2d, 5, 3, 2, 0),
		MOV(4, 0xee),
		STX(B, 2, 4, 0),
		EXIT,
	};
	/* vale_buf: return port when len > 20, then byte 20 */
	static const struct ebpf_insn buf[] = {
		MOVR(0, 3),
		I(0xa5, 2, 0, 1, 21),
		LDX(B, 0, 1, 20),
		EXIT,
	};
	struct ebpf_prog *prog = MUST_LOAD(EBPF_PROG_VALE, engine, insns);
	struct ebpf_test_run test;

	fill();
	put32(16, 3);
	TAP_CHECK(run(prog, &test, 60, 24) == 0 && test.retval == 3 &&
		  data[0] == 0xee && ctx[20] == 9 && get32(16) == 3);
	TAP_CHECK(get32(0) == 0 && get32(4) == 0 && get32(8) == 60 &&
		  get32(12) == 0);
	fill();
	TAP_CHECK(run(prog, &test, 13, 0) == -EBPF_EINVAL);
	put32(0, 1);
	TAP_CHECK(run(prog, &test, 60, 24) == -EBPF_EINVAL);
	fill();
	ctx[22] = 1; /* padding */
	TAP_CHECK(run(prog, &test, 60, 24) == -EBPF_EINVAL);
	fill();
	TAP_CHECK(run(prog, &test, 60, 40) == 0);
	fill();
	ctx[30] = 1; /* behind what this version knows */
	TAP_CHECK(run(prog, &test, 60, 40) == -EBPF_EINVAL);
	ebpf_prog_put(prog);

	prog = MUST_LOAD(EBPF_PROG_VALE_BUF, engine, buf);
	fill();
	put32(16, 200);
	TAP_CHECK(run(prog, &test, 20, 24) == 0 && test.retval == 200);
	TAP_CHECK(run(prog, &test, 21, 24) == 0 && test.retval == 20);
	put32(16, 256);
	TAP_CHECK(run(prog, &test, 21, 24) == -EBPF_EINVAL);
	ebpf_prog_put(prog);
}

static void
test_run_xdp(uint32_t engine)
{
	/* r6 = ctx; adjust_head(ctx, -4); write 4 bytes; return rx_queue */
	static const struct ebpf_insn insns[] = {
		MOVR(6, 1),
		MOV(2, -4),
		CALL(44),
		I(0x55, 0, 0, 8, 0),
		LDX(W, 2, 6, 0),
		LDX(W, 3, 6, 4),
		MOVR(4, 2),
		I(0x07, 4, 0, 0, 4),
		I(0x2d, 4, 3, 3, 0),
		I(0x62, 2, 0, 0, 0x44332211),
		LDX(W, 0, 6, 16),
		EXIT,
		MOV(0, 0),
		EXIT,
	};
	/* data - data_meta, as metadata's length */
	static const struct ebpf_insn meta[] = {
		LDX(W, 2, 1, 8),
		LDX(W, 3, 1, 0),
		MOVR(4, 2),
		I(0x07, 4, 0, 0, 4),
		MOV(0, 0),
		I(0x2d, 4, 3, 1, 0),
		LDX(W, 0, 2, 0),
		EXIT,
	};
	struct ebpf_prog *prog = MUST_LOAD(EBPF_PROG_XDP, engine, insns);
	struct ebpf_test_run test;

	fill();
	put32(16, 77);
	put32(12, 5);
	TAP_CHECK(run(prog, &test, 60, 24) == 0 && test.retval == 77 &&
		  test.data_len == 64 && data[0] == 0x11 && data[3] == 0x44 &&
		  data[4] == 0 && data[63] == 59);
	TAP_CHECK(get32(0) == 0 && get32(4) == 64 && get32(8) == 0 &&
		  get32(12) == 5 && get32(16) == 77 && get32(20) == 0);
	fill();
	memset(&test, 0, sizeof(test));
	test.data = data;
	test.data_len = test.data_room = 60;
	test.repeat = 3;
	data[60] = 0x5a;
	TAP_CHECK(ebpf_test_run(prog, &test) == 0 && test.data_len == 72 &&
		  data[60] == 0x5a);
	fill();
	TAP_CHECK(run(prog, &test, 13, 0) == -EBPF_EINVAL);
	put32(20, 1);
	TAP_CHECK(run(prog, &test, 60, 24) == -EBPF_EINVAL);
	fill();
	put32(4, 59);
	TAP_CHECK(run(prog, &test, 60, 24) == -EBPF_EINVAL);
	fill();
	put32(0, 5);
	TAP_CHECK(run(prog, &test, 60, 24) == -EBPF_EINVAL);
	fill();
	put32(0, 48);
	TAP_CHECK(run(prog, &test, 60, 24) == -EBPF_EINVAL);
	fill();
	put32(0, 8);
	put32(4, 60);
	TAP_CHECK(run(prog, &test, 60, 24) == 0 && test.data_len == 64 &&
		  get32(0) == 8 && get32(4) == 64 && data[8] == 0x11 &&
		  data[0] == 0);
	ebpf_prog_put(prog);

	prog = MUST_LOAD(EBPF_PROG_XDP, engine, meta);
	fill();
	put32(0, 4);
	TAP_CHECK(run(prog, &test, 60, 24) == 0 && test.retval == 0x03020100);
	TAP_CHECK(run(prog, &test, 60, 0) == 0 && test.retval == 0);
	ebpf_prog_put(prog);
}

static void
test_run_skb(uint32_t engine)
{
	/* mark = protocol; cb[1] = mark's old value; return len */
	static const struct ebpf_insn tc[] = {
		LDX(W, 2, 1, 8),
		STX(W, 1, 2, 52),
		LDX(W, 3, 1, 16),
		STX(W, 1, 3, 8),
		LDX(W, 0, 1, 0),
		EXIT,
	};
	/* the first byte of what the socket sees, by skb_load_bytes */
	static const struct ebpf_insn socket[] = {
		MOV(2, 0),  MOVR(3, 10), I(0x07, 3, 0, 0, -8), MOV(4, 1),
		MOV(5, 0),  STX(DW, 10, 5, -8), CALL(26), LDX(B, 0, 10, -8),
		EXIT,
	};
	struct ebpf_prog *prog = MUST_LOAD(EBPF_PROG_TC, engine, tc);
	struct ebpf_test_run test;

	fill();
	data[12] = 0x08;
	data[13] = 0x06;
	put32(8, 1234);
	TAP_CHECK(run(prog, &test, 60, 192) == 0 && test.retval == 60 &&
		  test.data_len == 60);
	TAP_CHECK(get32(52) == 1234 && get32(8) == 0x0608 && get32(0) == 0);
	fill();
	put32(0, 60); /* len is not the user's to set */
	TAP_CHECK(run(prog, &test, 60, 192) == -EBPF_EINVAL);
	fill();
	put32(160, 59);
	TAP_CHECK(run(prog, &test, 60, 192) == -EBPF_EINVAL);
	ebpf_prog_put(prog);

	prog = MUST_LOAD(EBPF_PROG_SOCKET, engine, socket);
	fill();
	TAP_CHECK(run(prog, &test, 60, 0) == 0 && test.retval == 14 &&
		  test.data_len == 60 && data[0] == 0 && data[59] == 59);
	TAP_CHECK(run(prog, &test, 14, 0) == 0 && test.retval == 0);
	ebpf_prog_put(prog);
}

/* ---- debug information ---- */

static struct ebpf_btf *
new_btf(void)
{
	static const uint32_t words_of[] = {
		0x0001eb9f, 24, 0, 40, 40, 6,
		1, 1 << 24, 4, 32,	  /* 1: int */
		0, 13 << 24, 1,		  /* 2: prototype */
		1, 12 << 24, 2,		  /* 3: function */
		0x66746e00, 0x00000063,	  /* "", "ntfc" */
	};
	struct ebpf_btf *btf;

	if (ebpf_btf_load(rt, words_of, 24 + 40 + 6, "", 0, &btf) != 0)
		abort();
	return btf;
}

static void
test_infos(void)
{
	static const struct ebpf_insn insns[] = {
		LDDW(0, 0, 1, 0), MOV(0, 7), EXIT,
	};
	static const struct ebpf_func_info good_func = { 0, 3 };
	static const struct ebpf_line_info good_lines[] = {
		{ 0, 1, 1, 1 << 10 }, { 2, 1, 1, 2 << 10 },
	};
	struct ebpf_btf *btf = new_btf();
	struct ebpf_func_info func = good_func;
	struct ebpf_line_info lines[2];
	struct ebpf_load load = { .kind = EBPF_PROG_RAW, .btf = btf,
				  .funcs = &func, .func_count = 1,
				  .lines = lines, .line_count = 2 };
	struct ebpf_prog *prog;

	memcpy(lines, good_lines, sizeof(lines));
	TAP_CHECK(LOAD(&load, insns, &prog) == 0 && btf->obj.refs == 2);
	TAP_CHECK(prog->func_info_count == 1 && prog->line_info_count == 2 &&
		  prog->line_infos != lines);
	ebpf_prog_put(prog);
	os_epoch_drain();
	TAP_CHECK(btf->obj.refs == 1);

#define REFUSED(change)                                               \
	do {                                                          \
		func = good_func;                                     \
		memcpy(lines, good_lines, sizeof(lines));             \
		change;                                               \
		tap_ok(LOAD(&load, insns, &prog) == -EBPF_EREJECTED && \
			       stats.rule == EBPF_RULE_DEBUG_INFO,    \
		       "refused: %s", #change);                       \
	} while (0)
	REFUSED(func.insn = 2);
	REFUSED(func.insn = 4);
	REFUSED(func.type_id = 0);
	REFUSED(func.type_id = 1);
	REFUSED(func.type_id = 4);
	REFUSED(lines[1].insn = 0);
	REFUSED(lines[1].insn = 1); /* the second half of the lddw */
	REFUSED(lines[1].insn = 4);
	REFUSED(lines[0].insn = UINT32_MAX);
	REFUSED(lines[0].file_off = 6);
	REFUSED(lines[1].line_off = UINT32_MAX);
#undef REFUSED
	load.line_count = 5;
	TAP_CHECK(LOAD(&load, insns, &prog) == -EBPF_EINVAL);
	ebpf_object_put(&btf->obj);
}

/* ---- no memory ---- */

static void
test_no_memory(uint32_t engine)
{
	struct ebpf_btf *btf = new_btf();
	struct ebpf_map *map = new_array(8, 2, 0);
	const struct ebpf_insn insns[] = {
		/* *(u32 *)(r10 - 4) = 0; r = lookup(map, r10 - 4) */
		I(0x62, 10, 0, -4, 0), MOVR(2, 10), I(0x07, 2, 0, 0, -4),
		LDDW(1, 5, 0, 0), CALL(1), I(0x15, 0, 0, 3, 0),
		LDX(DW, 0, 0, 0), I(0x85, 0, 1, 0, 3), EXIT, MOV(0, 1), EXIT,
		MOV(0, 2), EXIT,
	};
	struct ebpf_func_info funcs[] = { { 0, 3 }, { 12, 3 } };
	struct ebpf_line_info line = { 0, 1, 1, 1 << 10 };
	struct ebpf_load load = {
		.kind = EBPF_PROG_RAW, .maps = &map, .map_count = 1,
		.btf = btf, .funcs = funcs, .func_count = 2, .lines = &line,
		.line_count = 1, .engine = engine, .name = "short",
	};
	uint32_t n, right = 0, refused = 0;
	struct ebpf_prog *prog;
	uint64_t live, used;
	int error;

	os_epoch_drain();
	live = os_test_live();
	used = os_load(&rt->mem_used);
	for (n = 1;; n++) {
		os_test_fail_at(n);
		error = LOAD(&load, insns, &prog);
		if (!os_test_failed())
			break;
		os_epoch_drain();
		if (error == 0) {
			/* what failed was not needed: no less whole for it */
			right += ebpf_prog_run_mem(prog, NULL, 0) == 1;
			ebpf_prog_put(prog);
			os_epoch_drain();
		} else {
			refused++;
			right += !prog;
		}
		if (os_test_live() != live || os_load(&rt->mem_used) != used ||
		    map->obj.refs != 1 || btf->obj.refs != 1) {
			tap_diag("allocation %u leaves something", n);
			right--;
		}
	}
	os_test_fail_at(0);
	if (error) {
		tap_diag("%s", words);
		abort();
	}
	ebpf_prog_put(prog);
	os_epoch_drain();
	tap_ok(right == n - 1 && refused > 5,
	       "%u allocations fail one by one: %u loads refused, none leaves "
	       "anything", n - 1, refused);
	TAP_CHECK(os_test_live() == live && os_load(&rt->mem_used) == used);
	ebpf_object_put(&btf->obj);
	ebpf_map_put(map);
}

int
main(void)
{
	uint32_t engine;

	if (ebpf_runtime_create(NULL, &rt) != 0)
		abort();
	test_arguments();
	test_words();
	test_maps();
	test_tags();
	test_engines();
	test_infos();
	for (engine = EBPF_LOAD_ANY; engine <= EBPF_LOAD_INTERP; engine += 2) {
		test_run_raw(engine);
		test_run_vale(engine);
		test_run_xdp(engine);
		test_run_skb(engine);
		test_no_memory(engine);
	}
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_PROG) == 0 &&
		  ebpf_object_count(rt, EBPF_OBJ_MAP) == 0 &&
		  ebpf_object_count(rt, EBPF_OBJ_BTF) == 0);
	TAP_CHECK(os_load(&rt->mem_used) == 0);
	ebpf_runtime_destroy(rt);
	TAP_CHECK(os_test_live() == 0);
	return tap_done();
}
