/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs made to wear the verifier out: each ends by a limit of the device,
 * which the refusal names, within the memory that is allowed, and leaves
 * nothing behind. No times are asserted; what they took is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

enum {
	MAX = EBPF_INSN_MAX,
};

static struct ebpf_insn *code;
static uint32_t at;

static void
put(uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	code[at].code = op;
	code[at].regs = (uint8_t)(src << 4 | dst);
	code[at].off = off;
	code[at].imm = imm;
	at++;
}

static unsigned long long
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000ULL +
	       (unsigned long long)t.tv_nsec;
}

static struct ebpf_load_stats stats;
static char words[16384], report[16384];

static int
load(const struct ebpf_runtime_config *config)
{
	struct ebpf_load request = {
		.size = sizeof(request), .kind = EBPF_PROG_RAW,
		.insns = code, .insn_count = at, .mem_size = 64,
		.engine = EBPF_LOAD_INTERP, .verify_only = 1,
		.log = words, .log_size = sizeof(words),
		.report = report, .report_size = sizeof(report),
		.stats = &stats,
	};
	struct ebpf_runtime *rt;
	struct ebpf_prog *prog;
	uint64_t live;
	int error;

	if (ebpf_runtime_create(config, &rt) != 0)
		return -1;
	live = os_test_live();
	error = ebpf_prog_load(rt, &request, &prog);
	os_epoch_drain();
	if (os_test_live() != live)
		error = -1000;
	ebpf_runtime_destroy(rt);
	return error;
}

/* limit NULL: accepted */
static void
expect(const char *what, const struct ebpf_runtime_config *config,
       const char *limit)
{
	unsigned long long ns = cpu_ns();
	int error = load(config);
	char name[64], record[64];
	bool good;

	ns = cpu_ns() - ns;
	tap_diag("%s: %u slots, %llu looked at, %llu states, %llu KiB, %llu ms",
		 what, at, (unsigned long long)stats.insns_processed,
		 (unsigned long long)stats.states_total,
		 (unsigned long long)stats.mem_peak >> 10, ns / 1000000);
	good = stats.mem_peak <= 64 << 20 && stats.insns_processed <= 1000001;
	if (limit) {
		snprintf(name, sizeof(name), "rejected: the limit %s of ",
			 limit);
		snprintf(record, sizeof(record), "\nlimit\t%s\t", limit);
		good = good && error == -EBPF_EREJECTED &&
		       stats.rule == EBPF_RULE_COMPLEXITY &&
		       strstr(words, name) != NULL &&
		       strstr(report, record) != NULL;
	} else {
		good = good && error == 0;
	}
	tap_ok(good, "%s", what);
	if (!good)
		tap_diag("error %d\n%s", error, words);
}

/* Each of 31 bits is remembered: 2^31 ways to the end. */
static void
make_paths(void)
{
	uint32_t i;

	at = 0;
	put(0x61, 2, 1, 0, 0);
	put(0xb7, 0, 0, 0, 0);
	for (i = 0; i < 2000; i++) {
		put(0x45, 2, 0, 1, (int32_t)(1u << i % 31));
		put(0x07, 0, 0, 0, 1 << i % 16);
	}
	put(0x57, 0, 0, 0, 63);
	put(0x0f, 1, 0, 0, 0);
	put(0x71, 0, 1, 0, 0);
	put(0x95, 0, 0, 0, 0);
}

/* for (i = 0; i < 2^31 - 1; i++) x = p[i & 63]; */
static void
make_loop(void)
{
	at = 0;
	put(0xb7, 6, 0, 0, 0);
	put(0xbf, 2, 6, 0, 0);
	put(0x57, 2, 0, 0, 63);
	put(0x0f, 2, 1, 0, 0);
	put(0x71, 0, 2, 0, 0);
	put(0x07, 6, 0, 0, 1);
	put(0xa5, 6, 0, -6, INT32_MAX);
	put(0x95, 0, 0, 0, 0);
}

static void
make_straight(uint32_t count)
{
	at = 0;
	while (at < count - 1)
		put(0xb7, 0, 0, 0, (int32_t)at);
	put(0x95, 0, 0, 0, 0);
}

/* Eight functions, each calls the next sixteen times: 16^7 calls. */
static void
make_calls(void)
{
	uint32_t f, i, size = 16 * 3 + 2;

	at = 0;
	for (f = 0; f < 7; f++) {
		put(0xb7, 6, 0, 0, 0);
		for (i = 0; i < 16; i++) {
			put(0xbf, 1, 6, 0, 0);
			put(0x85, 0, 1, 0, (int32_t)((f + 1) * size - at - 1));
			put(0x0f, 6, 0, 0, 0);
		}
		put(0x95, 0, 0, 0, 0);
	}
	put(0xbf, 0, 1, 0, 0);
	put(0x07, 0, 0, 0, 1);
	put(0x95, 0, 0, 0, 0);
}

/* Seven callers' stacks are full of different numbers while one loops. */
static void
make_states(void)
{
	uint32_t i;

	at = 0;
	put(0xb7, 0, 0, 0, 0);
	for (i = 1; i <= 60; i++)
		put(0x7b, 10, 0, (int16_t)(-8 * (int)i), 0);
	for (i = 1; i <= 60; i++) {
		put(0x79, 3, 10, (int16_t)(-8 * (int)i), 0);
		put(0x07, 3, 0, 0, 1);
		put(0x71, 2, 1, (int16_t)i, 0);
		put(0x15, 2, 0, 1, 7);
		put(0x7b, 10, 3, (int16_t)(-8 * (int)i), 0);
	}
	put(0x15, 2, 0, 1, 9);
	put(0x05, 0, 0, (int16_t)(60 - (int)at), 0);
	put(0x95, 0, 0, 0, 0);
}

/*
 * Blocks that jump back to the one before: what is read in the first is found
 * to be live in the last only after as many rounds as there are blocks.
 */
static void
make_tangle(uint32_t blocks, uint32_t size)
{
	uint32_t b, i;

	at = 0;
	put(0xb7, 0, 0, 0, 0);
	put(0xb7, 6, 0, 0, 0);
	put(0x05, 0, 0, 2, 0);
	put(0xbf, 0, 6, 0, 0);
	put(0x95, 0, 0, 0, 0);
	for (b = 0; b < blocks; b++) {
		for (i = 0; i < size; i++)
			put(0x07, 0, 0, 0, 1);
		put(0x71, 3, 1, 0, 0);
		put(0x15, 3, 0,
		    (int16_t)(b == 0 ? 3 - (int)at - 1 :
				       -(int)(size + 3) - 1), 7);
		put(0x15, 3, 0, 0, 8);
	}
	put(0x95, 0, 0, 0, 0);
}

/* Many different large states at one place, each compared with the others. */
static void
make_comparisons(void)
{
	uint32_t i;

	at = 0;
	put(0xb7, 0, 0, 0, 0);
	for (i = 1; i <= 64; i++)
		put(0x7b, 10, 0, (int16_t)(-8 * (int)i), 0);
	put(0xb7, 6, 0, 0, 0);
	/* the last slot counts, the others are read at the end */
	put(0x79, 3, 10, -512, 0);
	put(0x07, 3, 0, 0, 1);
	put(0x7b, 10, 3, -512, 0);
	put(0x71, 2, 1, 0, 0);
	put(0x15, 2, 0, 1, 7);
	put(0x05, 0, 0, -6, 0);
	for (i = 1; i <= 64; i++) {
		put(0x79, 3, 10, (int16_t)(-8 * (int)i), 0);
		put(0x57, 3, 0, 0, 63);
		put(0xbf, 4, 1, 0, 0);
		put(0x0f, 4, 3, 0, 0);
		put(0x71, 0, 4, 0, 0);
	}
	put(0x95, 0, 0, 0, 0);
}

int
main(void)
{
	struct ebpf_runtime_config few = { .size = sizeof(few),
					   .insns_processed_max = 5000,
					   .verify_time_ms = 3600000 };
	struct ebpf_runtime_config small = { .size = sizeof(small),
					     .verify_mem_max = 100000,
					     .verify_time_ms = 3600000 };
	/* a million instructions take longer, wherever this runs */
	struct ebpf_runtime_config quick = { .size = sizeof(quick),
					     .verify_time_ms = 1 };
	struct ebpf_runtime_config patient = { .size = sizeof(patient),
					       .verify_time_ms = 3600000 };

	code = calloc(MAX + 1, sizeof(*code));
	if (!code)
		return 1;

	make_paths();
	expect("2^31 paths", &patient, "insns_processed");
	expect("2^31 paths, few looked at", &few, "insns_processed");
	expect("2^31 paths, little time", &quick, "verify_time");
	expect("2^31 paths, little memory", &small, "verify_memory");
	make_loop();
	expect("a loop of 2^31 rounds", &patient, "insns_processed");
	tap_ok(strstr(words, "went round") && strstr(report, "\nloop\t6\t"),
	       "the loop is named");
	expect("a loop, little time", &quick, "verify_time");
	make_straight(MAX);
	expect("a million instructions", &patient, NULL);
	expect("a million instructions, little time", &quick, "verify_time");
	make_straight(MAX + 1);
	tap_ok(load(NULL) == -EBPF_EREJECTED && stats.rule == EBPF_RULE_LIMIT &&
		       strstr(words, "more than 1000000 instructions"),
	       "one more is too many");
	make_calls();
	expect("16^7 calls", &patient, "insns_processed");
	make_states();
	expect("states of a whole stack", &patient, "verify_memory");
	make_comparisons();
	expect("states compared with states", &patient, "verify_memory");
	make_tangle(90, 11000);
	expect("liveness that needs many rounds", &quick, "verify_time");
	make_tangle(1000, 20);
	load(&patient);
	tap_diag("a thousand blocks: %llu looked at, %llu KiB",
		 (unsigned long long)stats.insns_processed,
		 (unsigned long long)stats.mem_peak >> 10);
	tap_ok(stats.mem_peak <= 64 << 20, "jumps back through a thousand "
					   "blocks stay in their memory");
	free(code);
	return tap_done();
}
