/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loading programs from end to end: arguments that make no sense, words of a
 * rejection, maps by id and index, dumps without host addresses, engines and
 * statistics, debug information, and loads that run out of memory at every
 * place there is. Test runs: core_test_run.c.
 */
#include <stdlib.h>

#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/test_run.h"
#include "core/tracelog.h"
#include "prog_lab.h"
#include "tap.h"

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
	TAP_CHECK(progs_load(&load, seven, 0, &prog) == -EBPF_EINVAL);
	TAP_CHECK(progs_load(&load, NULL, 2, &prog) == -EBPF_EINVAL);
	load = good;
	TAP_CHECK(progs_load(&load, seven, EBPF_INSN_MAX + 1, &prog) ==
		  -EBPF_EREJECTED && progs_stats.rule == EBPF_RULE_LIMIT);

	load = good;
	load.verify_only = 1;
	TAP_CHECK(LOAD(&load, seven, &prog) == 0 && !prog);
	TAP_CHECK(ebpf_object_count(progs_rt, EBPF_OBJ_PROG) == 0);

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
	TAP_CHECK(progs_stats.rule == EBPF_RULE_ENCODING &&
		  progs_stats.insn == 0);
	tap_ok(strstr(progs_words, "reserved") != NULL,
	       "a rejection says why in words");
	TAP_CHECK(LOAD(&load, uninit, &prog) == -EBPF_EREJECTED &&
		  progs_stats.rule == EBPF_RULE_UNINIT && progs_words[0]);
	TAP_CHECK(LOAD(&load, unknown, &prog) == -EBPF_EREJECTED &&
		  progs_stats.rule == EBPF_RULE_CALL_UNKNOWN);
	load.log = tiny;
	load.log_size = sizeof(tiny);
	load.size = sizeof(load);
	TAP_CHECK(ebpf_prog_load(progs_rt, &load, &prog) == -EBPF_EREJECTED);
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
	TAP_CHECK(ebpf_prog_load(progs_rt, &load, &prog) == -EBPF_EREJECTED);
	tap_ok(strstr(shorter, "longer than the log") &&
		       strstr(shorter, "rejected: "),
	       "a long account is cut, the rejection stays");
	load.log = NULL;
	load.log_size = 0;
	load.stats = NULL;
	TAP_CHECK(ebpf_prog_load(progs_rt, &load, &prog) == -EBPF_EREJECTED);
}

/* ---- maps ---- */

static void
test_maps(void)
{
	struct ebpf_map *a = progs_array(16, 4, 0), *b = progs_array(8, 1, 0);
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
		tap_diag("%s", progs_words);
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
		  progs_stats.rule == EBPF_RULE_MAP_USE);
	bad[0].imm = -1;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED);
	bad[0].regs = 0x11;
	bad[0].imm = 999999;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED &&
		  strstr(progs_words, "999999"));
	bad[0].regs = 0x61;
	bad[0].imm = 1;
	bad[1].imm = 8;
	TAP_CHECK(LOAD(&load, bad, &prog) == -EBPF_EREJECTED &&
		  progs_stats.rule == EBPF_RULE_VALUE_BOUNDS);
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
	struct ebpf_runtime *main_rt = progs_rt;
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
		TAP_CHECK(ebpf_prog_is_jited(prog) && progs_stats.jit_ns > 0);
		TAP_CHECK(ebpf_prog_run_mem(prog, NULL, 42) == 4);
		ebpf_tracelog_read(progs_rt->tracelog, prog->obj.id, &next,
				   &lost, &lines, out, sizeof(out));
		memcpy(&record, out, sizeof(record));
		TAP_CHECK(lines == 1 && record.len == 4 &&
			  !memcmp(out + sizeof(record), "n=42", 4));
		ebpf_prog_put(prog);
	}

	prog = MUST_LOAD(EBPF_PROG_RAW, EBPF_LOAD_ANY, seven);
	ebpf_prog_run_mem(prog, NULL, 0);
	os_store(&progs_rt->stats_on, 1);
	ebpf_prog_run_mem(prog, NULL, 0);
	ebpf_prog_run_mem(prog, NULL, 0);
	os_store(&progs_rt->stats_on, 0);
	ebpf_prog_run_mem(prog, NULL, 0);
	for (cpu = 0; cpu < os_cpu_count(); cpu++) {
		const struct ebpf_run_stats *one =
			os_percpu_ptr(prog->stats, cpu);

		count += one->count;
		time_ns += one->time_ns;
	}
	tap_ok(count == 2 && time_ns > 0, "runs are counted while asked for");
	ebpf_prog_put(prog);

	/* what is only verified is not compiled, but for who asks for that */
	load.engine = EBPF_LOAD_ANY;
	load.verify_only = 1;
	TAP_CHECK(LOAD(&load, log_it, &prog) == 0 && !prog &&
		  progs_stats.verify_ns > 0 && progs_stats.jit_ns == 0);
	load.engine = EBPF_LOAD_JIT;
	TAP_CHECK(LOAD(&load, log_it, &prog) == wanted && !prog &&
		  (progs_stats.jit_ns > 0) == (wanted == 0));
	load.verify_only = 0;

	config.no_jit = 1;
	if (ebpf_runtime_create(&config, &progs_rt) != 0)
		abort();
	load.engine = EBPF_LOAD_JIT;
	TAP_CHECK(LOAD(&load, seven, &prog) == -EBPF_EJIT && !prog);
	load.engine = EBPF_LOAD_ANY;
	TAP_CHECK(LOAD(&load, seven, &prog) == 0 && !ebpf_prog_is_jited(prog));
	ebpf_prog_put(prog);
	load.verify_only = 1;
	TAP_CHECK(LOAD(&load, seven, &prog) == 0 && !prog);
	load.engine = EBPF_LOAD_JIT;
	TAP_CHECK(LOAD(&load, seven, &prog) == -EBPF_EJIT && !prog);
	load.verify_only = 0;
	ebpf_runtime_destroy(progs_rt);
	config.no_jit = 0;
	config.no_interp = 1;
	if (ebpf_runtime_create(&config, &progs_rt) != 0)
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
	ebpf_runtime_destroy(progs_rt);
	progs_rt = main_rt;
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

	if (ebpf_btf_load(progs_rt, words_of, 24 + 40 + 6, "", 0, &btf) != 0)
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
			       progs_stats.rule == EBPF_RULE_DEBUG_INFO,    \
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
	struct ebpf_map *map = progs_array(8, 2, 0);
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
	used = os_load(&progs_rt->mem_used);
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
		if (os_test_live() != live ||
		    os_load(&progs_rt->mem_used) != used ||
		    map->obj.refs != 1 || btf->obj.refs != 1) {
			tap_diag("allocation %u leaves something", n);
			right--;
		}
	}
	os_test_fail_at(0);
	if (error) {
		tap_diag("%s", progs_words);
		abort();
	}
	ebpf_prog_put(prog);
	os_epoch_drain();
	tap_ok(right == n - 1 && refused > 5,
	       "%u allocations fail one by one: %u loads refused, none leaves "
	       "anything", n - 1, refused);
	TAP_CHECK(os_test_live() == live &&
		  os_load(&progs_rt->mem_used) == used);
	ebpf_object_put(&btf->obj);
	ebpf_map_put(map);
}

int
main(void)
{
	progs_begin();
	test_arguments();
	test_words();
	test_maps();
	test_engines();
	test_infos();
	test_no_memory(EBPF_LOAD_ANY);
	test_no_memory(EBPF_LOAD_INTERP);
	return progs_end();
}
