/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What verification costs, of programs that no text case can hold: straight
 * code, diamonds that meet again, and two that no limit but the budget ends.
 */
#include <stdlib.h>
#include <time.h>

#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

static struct ebpf_insn
insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	struct ebpf_insn i = {code, (uint8_t)(src << 4 | dst), off, imm};

	return i;
}

/* Of this thread: other work on the machine does not count. */
static unsigned long long
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000ULL +
	       (unsigned long long)t.tv_nsec;
}

static void
cost(const char *what, const struct ebpf_insn *insns, uint32_t count,
     int error, unsigned long long insns_max, unsigned long long ns_max)
{
	static char log[16384];
	struct ebpf_load_stats stats = {0};
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = EBPF_PROG_RAW,
		.insns = insns,
		.insn_count = count,
		.engine = EBPF_LOAD_INTERP,
		.mem_size = 64,
		.name = "case",
		.log = log,
		.log_size = sizeof(log),
		.stats = &stats,
	};
	struct ebpf_runtime *rt;
	struct ebpf_prog *prog;
	int result;
	unsigned long long ns;

	ebpf_runtime_create(NULL, &rt);
	ns = cpu_ns();
	result = ebpf_prog_load(rt, &load, &prog);
	ns = cpu_ns() - ns;
	ebpf_prog_put(prog);
#ifdef __SANITIZE_ADDRESS__
	ns_max *= 20;
#endif
	tap_diag("%s: %llu instructions looked at, %llu states, %llu KiB, "
		 "%llu us",
		 what, (unsigned long long)stats.insns_processed,
		 (unsigned long long)stats.states_total,
		 (unsigned long long)stats.mem_peak >> 10,
		 ns / 1000);
	tap_ok(result == error && stats.insns_processed <= insns_max &&
		       ns <= ns_max,
	       "%s", what);
	if (result != error)
		tap_diag("%s", log);
	ebpf_runtime_destroy(rt);
}

static void
test_cost(void)
{
	enum { N = 10000 };
	struct ebpf_insn *p = calloc(4 * N + 64, sizeof(*p));
	uint32_t n = 0, i;

	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < N; i++) {
		p[n++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		p[n++] = insn(0x45, 2, 0, 1, 1 << i % 8);
		p[n++] = insn(0x07, 0, 0, 0, 1);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("10,000 diamonds that count", p, n, 0, 7 * N, 50000000);

	n = 0;
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < N; i++) {
		p[n++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		p[n++] = insn(0x15, 2, 0, 1, 7);
		p[n++] = insn(0x7b, 10, 2, -8, 0);
		p[n++] = insn(0x0f, 0, 2, 0, 0);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("10,000 diamonds that spill", p, n, 0, 8 * N, 100000000);

	n = 0;
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; n < 4000 - 1; i++) {
		p[n++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		p[n++] = insn(0x0f, 0, 2, 0, 0);
		p[n++] = insn(0x7b, 10, 0, -8, 0);
		p[n++] = insn(0x79, 3, 10, -8, 0);
		p[n++] = insn(0x67, 3, 0, 0, 3);
		p[n++] = insn(0x57, 3, 0, 0, 0xff);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("4,000 instructions in a row", p, n, 0, 4010, 10000000);

	/* each bit is remembered: as many paths as there are numbers */
	n = 0;
	p[n++] = insn(0x61, 2, 1, 0, 0);
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < N; i++) {
		p[n++] = insn(0x45, 2, 0, 1, 1 << i % 31);
		p[n++] = insn(0x07, 0, 0, 0, 1);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("2^31 paths end by the budget", p, n, -EBPF_EREJECTED, 1000001,
	     2000000000);

	/* while (x != 0) x = *p, with eight kinds of x on the stack */
	n = 0;
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < 60; i++)
		p[n++] = insn(0x7b, 10, 0, (int16_t)(-8 - 8 * (int)i), 0);
	for (i = 0; i < 60; i++) {
		p[n++] = insn(0x79, 3, 10, (int16_t)(-8 - 8 * (int)i), 0);
		p[n++] = insn(0x07, 3, 0, 0, 1);
		p[n++] = insn(0x71, 2, 1, (int16_t)i, 0);
		p[n++] = insn(0x15, 2, 0, 1, 7);
		p[n++] = insn(0x7b, 10, 3, (int16_t)(-8 - 8 * (int)i), 0);
	}
	p[n] = insn(0x05, 0, 0, (int16_t)(60 - (int)n), 0);
	n++;
	p[n++] = insn(0x95, 0, 0, 0, 0);
	p[n - 1] = p[n - 2];
	p[n - 2] = insn(0x15, 2, 0, 1, 9);
	p[n - 1].off--;
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("states of a whole stack end by a limit", p, n, -EBPF_EREJECTED,
	     1000001, 2000000000);
	free(p);
}

int
main(void)
{
	test_cost();
	return tap_done();
}
