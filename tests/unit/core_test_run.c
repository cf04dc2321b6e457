/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Test runs of programs of every kind, interpreted and compiled: what becomes
 * of packets and contexts, which are refused, and how long a run may go on.
 */
#include <stdlib.h>
#include <string.h>

#include "core/test_run.h"
#include "prog_lab.h"
#include "tap.h"

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

int
main(void)
{
	uint32_t engine;

	progs_begin();
	for (engine = EBPF_LOAD_ANY; engine <= EBPF_LOAD_INTERP; engine += 2) {
		test_run_raw(engine);
		test_run_vale(engine);
		test_run_xdp(engine);
		test_run_skb(engine);
	}
	return progs_end();
}
