/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A bridge's decisions: learning as VALE learns, what programs of both kinds
 * say and what becomes of nonsense, counts, programs swapped under load, ports
 * that leave.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/prog.h"
#include "core/runtime.h"
#include "switch/bridge.h"
#include "tap.h"

static struct ebpf_runtime *rt;
static struct ebpf_bridge *bridge;
static struct ebpf_verdict_counts counts;

#define A "\x02\x00\x00\x00\x00\x0a"
#define B "\x02\x00\x00\x00\x00\x0b"
#define C "\x02\x00\x00\x00\x00\x0c"
#define ALL "\xff\xff\xff\xff\xff\xff"
#define GROUP "\x01\x00\x5e\x00\x00\x01"

/* The verdict for one frame; counts are of this frame alone. */
static uint32_t
decide_len(const char *to, const char *from, uint16_t port, uint32_t len)
{
	uint8_t data[64] = { 0 };
	struct ebpf_frame frame = { .data = data, .len = len, .port = port,
				    .ring_nr = 3 };
	struct ebpf_section section;

	memcpy(data, to, 6);
	memcpy(data + 6, from, 6);
	memset(&counts, 0, sizeof(counts));
	ebpf_section_enter(&section);
	ebpf_bridge_decide(bridge, &frame, 1, &counts);
	ebpf_section_leave(&section);
	return frame.verdict;
}

static uint32_t
decide(const char *to, const char *from, uint16_t port)
{
	return decide_len(to, from, port, 60);
}

static void
test_learning(void)
{
	TAP_CHECK(decide(B, A, 1) == EBPF_VALE_BROADCAST);
	TAP_CHECK(counts.broadcast == 1 && counts.learned == 1 &&
		  counts.port == 0 && counts.drop == 0 && counts.invalid == 0);
	TAP_CHECK(decide(A, B, 2) == 1);
	TAP_CHECK(counts.port == 1 && counts.learned == 1);
	TAP_CHECK(decide(B, A, 1) == 2);
	TAP_CHECK(decide(ALL, A, 1) == EBPF_VALE_BROADCAST);
	TAP_CHECK(decide(GROUP, A, 1) == EBPF_VALE_BROADCAST);
	/* a group is no source */
	TAP_CHECK(decide(B, GROUP, 5) == 2);
	TAP_CHECK(decide(GROUP, B, 2) == EBPF_VALE_BROADCAST);
	/* hosts move */
	TAP_CHECK(decide(B, A, 253) == 2);
	TAP_CHECK(decide(A, B, 2) == 253);
	/* and are heard at their own port */
	TAP_CHECK(decide(A, A, 253) == 253);
	/* port 0 is a port */
	TAP_CHECK(decide(A, C, 0) == 253);
	TAP_CHECK(decide(C, A, 253) == 0);
	/* the all-zero address is nothing special */
	TAP_CHECK(decide("\0\0\0\0\0\0", A, 253) == EBPF_VALE_BROADCAST);
	TAP_CHECK(decide_len(B, A, 9, 13) == EBPF_VALE_DROP);
	TAP_CHECK(counts.drop == 1);
	TAP_CHECK(decide(A, B, 2) == 253);
	TAP_CHECK(decide_len(A, B, 2, 14) == 253);
	/* a port leaves */
	ebpf_bridge_forget_port(bridge, 253);
	ebpf_bridge_forget_port(bridge, 1000);
	TAP_CHECK(decide(A, B, 2) == EBPF_VALE_BROADCAST);
	TAP_CHECK(decide(C, B, 2) == 0);
}

/* More hosts than a set holds: the old make room, the newest is known. */
static void
test_many(void)
{
	uint8_t mac[6] = { 2 }, other[6] = { 2, 1 };
	uint32_t i, known = 0;
	bool good = true;

	for (i = 0; i < 100000; i++) {
		memcpy(mac + 2, &i, 4);
		decide(ALL, (char *)mac, i % 254);
		good = good && decide((char *)mac, (char *)other, 7) == i % 254;
	}
	tap_ok(good, "the newest address is always known");
	for (i = 98000; i < 100000; i++) {
		uint32_t verdict;

		memcpy(mac + 2, &i, 4);
		verdict = decide((char *)mac, (char *)other, 7);
		good = good && (verdict == i % 254 ||
				verdict == EBPF_VALE_BROADCAST);
		known += verdict == i % 254;
	}
	tap_ok(good && known > 1000, "%u of the last 2000 are known", known);
}

static struct ebpf_prog *
load(uint32_t kind, const struct ebpf_insn *code, uint32_t count)
{
	char log[2048] = "";
	struct ebpf_load spec = {
		.size = sizeof(spec),
		.kind = kind,
		.insns = code,
		.insn_count = count,
		.log = log,
		.log_size = sizeof(log),
	};
	struct ebpf_prog *prog = NULL;
	int error = ebpf_prog_load(rt, &spec, &prog);

	if (!tap_ok(error == 0, "load: %s", ebpf_error_name(error)))
		tap_diag("%s", log);
	return prog;
}

static void
test_constant(void)
{
	static const struct {
		int32_t r0;
		uint32_t verdict;
	} cases[] = {
		{ 0, 0 },     { 1, 1 },	    { 253, 253 },
		{ 254, 254 }, { 255, 255 }, { 256, EBPF_VALE_DROP },
		{ 65537, EBPF_VALE_DROP },  { -1, EBPF_VALE_DROP },
	};
	struct ebpf_insn code[] = { { 0xb7, 0, 0, 0 }, { 0x95, 0, 0, 0 } };
	struct ebpf_prog *prog;
	uint32_t i, verdict;
	bool good;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		code[0].imm = cases[i].r0;
		prog = load(EBPF_PROG_VALE, code, 2);
		if (prog == NULL)
			return;
		ebpf_bridge_set_prog(bridge, prog);
		verdict = decide(ALL, A, 1);
		good = verdict == cases[i].verdict && counts.learned == 0 &&
		       counts.port == (verdict < 254) &&
		       counts.broadcast == (verdict == 254) &&
		       counts.drop == (cases[i].r0 == 255) &&
		       counts.invalid ==
			       (cases[i].r0 > 255 || cases[i].r0 < 0);
		tap_ok(good, "r0 = %d: verdict %u", cases[i].r0, verdict);
		ebpf_bridge_set_prog(bridge, NULL);
		ebpf_prog_put(prog);
	}
	/* back to learning, from nothing */
	TAP_CHECK(decide(A, B, 2) == EBPF_VALE_BROADCAST);
	TAP_CHECK(decide(B, A, 1) == 2 && counts.learned == 1);
}

static void
test_context(void)
{
	/* r0 = ingress_port; ring_nr = 9 */
	static const struct ebpf_insn ingress[] = {
		{ 0x61, 0x10, 16, 0 }, /* r0 = *(u32 *)(r1 + 16) */
		{ 0xb7, 2, 0, 9 },     /* r2 = 9 */
		{ 0x73, 0x21, 20, 0 }, /* *(u8 *)(r1 + 20) = r2 */
		{ 0x95, 0, 0, 0 },
	};
	/* r0 = first byte of the frame, 255 when shorter than 14 */
	static const struct ebpf_insn packet[] = {
		{ 0x79, 0x12, 0, 0 }, /* r2 = data */
		{ 0x79, 0x13, 8, 0 }, /* r3 = data_end */
		{ 0xbf, 0x24, 0, 0 }, /* r4 = r2 */
		{ 0x07, 4, 0, 14 },   /* r4 += 14 */
		{ 0xb7, 0, 0, 255 },  /* r0 = 255 */
		{ 0x2d, 0x34, 1, 0 }, /* if r4 > r3 goto exit */
		{ 0x71, 0x20, 0, 0 }, /* r0 = *(u8 *)r2 */
		{ 0x95, 0, 0, 0 },
	};
	/* (buf, len, sport): r0 = sport + len */
	static const struct ebpf_insn buf[] = {
		{ 0xbf, 0x30, 0, 0 }, /* r0 = r3 */
		{ 0x0f, 0x20, 0, 0 }, /* r0 += r2 */
		{ 0x95, 0, 0, 0 },
	};
	struct ebpf_prog *prog = load(EBPF_PROG_VALE, ingress, 4);
	uint8_t data[64] = { 0 };
	struct ebpf_frame frame = { .data = data, .len = 60, .port = 17,
				    .ring_nr = 3 };
	struct ebpf_section section;
	struct ebpf_run_stats *stats;
	uint64_t count = 0;
	uint32_t i;

	if (prog == NULL)
		return;
	ebpf_bridge_set_prog(bridge, prog);
	os_store(&rt->stats_on, 1);
	ebpf_section_enter(&section);
	ebpf_bridge_decide(bridge, &frame, 1, &counts);
	ebpf_section_leave(&section);
	os_store(&rt->stats_on, 0);
	TAP_CHECK(frame.verdict == 17 && frame.ring_nr == 9);
	for (i = 0; i < os_cpu_count(); i++) {
		stats = os_percpu_ptr(prog->stats, i);
		count += stats->count;
	}
	TAP_CHECK(count == 1);
	TAP_CHECK(decide_len(ALL, A, 4, 13) == EBPF_VALE_DROP &&
		  counts.drop == 1);
	ebpf_bridge_set_prog(bridge, NULL);
	ebpf_prog_put(prog);

	prog = load(EBPF_PROG_VALE, packet, 8);
	if (prog == NULL)
		return;
	ebpf_bridge_set_prog(bridge, prog);
	TAP_CHECK(decide("\x21\0\0\0\0\0", A, 4) == 0x21);
	TAP_CHECK(decide_len("\x22\0\0\0\0\0", A, 4, 14) == 0x22);
	ebpf_bridge_set_prog(bridge, NULL);
	ebpf_prog_put(prog);

	prog = load(EBPF_PROG_VALE_BUF, buf, 3);
	if (prog == NULL)
		return;
	ebpf_bridge_set_prog(bridge, prog);
	TAP_CHECK(decide_len(ALL, A, 4, 60) == 64);
	TAP_CHECK(decide_len(ALL, A, 253, 14) == EBPF_VALE_DROP &&
		  counts.invalid == 1);
	ebpf_bridge_set_prog(bridge, NULL);
	ebpf_prog_put(prog);
}

/* ---- swapped under load ---- */

static uint32_t stop;
static uint64_t wrong, decided;

/* Within one burst all frames get the same answer, one of the two. */
static void *
traffic(void *arg)
{
	struct ebpf_verdict_counts own = { 0 };
	struct ebpf_frame frames[32];
	struct ebpf_section section;
	uint8_t data[64] = { 0 };
	uint32_t i;

	while (!os_load(&stop)) {
		for (i = 0; i < 32; i++) {
			frames[i].data = data;
			frames[i].len = 60;
			frames[i].port = 1;
			frames[i].ring_nr = 0;
		}
		ebpf_section_enter(&section);
		ebpf_bridge_decide(bridge, frames, 32, &own);
		ebpf_section_leave(&section);
		for (i = 0; i < 32; i++)
			if (frames[i].verdict != frames[0].verdict ||
			    frames[i].verdict < 100 || frames[i].verdict > 101)
				os_add(&wrong, 1);
		os_add(&decided, 32);
	}
	return NULL;
}

static void
test_swaps(void)
{
	struct ebpf_insn code[] = { { 0xb7, 0, 0, 100 }, { 0x95, 0, 0, 0 } };
	struct ebpf_prog *prog, *next;
	pthread_t threads[2];
	uint32_t i;

	prog = load(EBPF_PROG_VALE, code, 2);
	if (prog == NULL)
		return;
	ebpf_bridge_set_prog(bridge, prog);
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, traffic, NULL);
	for (i = 0; i < 100; i++) {
		struct ebpf_load spec = {
			.size = sizeof(spec),
			.kind = EBPF_PROG_VALE,
			.insns = code,
			.insn_count = 2,
		};

		code[0].imm = 100 + (i & 1);
		if (ebpf_prog_load(rt, &spec, &next) != 0)
			break;
		ebpf_bridge_set_prog(bridge, next);
		/* nobody runs it any more: it may go at once */
		ebpf_prog_put(prog);
		prog = next;
	}
	os_store(&stop, 1);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	tap_ok(wrong == 0, "100 programs in turn over %llu frames, %llu wrong",
	       (unsigned long long)decided, (unsigned long long)wrong);
	ebpf_bridge_set_prog(bridge, NULL);
	ebpf_prog_put(prog);
}

int
main(void)
{
	uint64_t live = os_test_live();
	uint32_t n;

	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	for (n = 1; n <= 2; n++) {
		os_test_fail_at(n);
		bridge = ebpf_bridge_create(rt);
		tap_ok(bridge == NULL, "no memory, no bridge");
	}
	os_test_fail_at(0);
	bridge = ebpf_bridge_create(rt);
	TAP_CHECK(bridge != NULL);
	test_learning();
	test_many();
	test_constant();
	test_context();
	test_swaps();
	ebpf_bridge_destroy(bridge);
	ebpf_bridge_destroy(NULL);
	os_epoch_drain();
	TAP_CHECK(rt->mem_used == 0);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
