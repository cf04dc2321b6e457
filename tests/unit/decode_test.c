/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The decoder and the encoder against insn.def read independently: which of all
 * raw first slots are valid, what ops hold, the way back, and what the errors
 * say. Then what the interpreter does at its own limits, which no compiled
 * program shares.
 */
#include <stdlib.h>
#include <string.h>

#include "core/decode.h"
#include "core/interp.h"
#include "core/map.h"
#include "tap.h"
#include "unverified.h"

static const struct ebpf_insn exit_insn = { 0x95, 0, 0, 0 };

/*
 * The slow and obvious reading of the table: does a row take this slot? Jump
 * distances are not looked at.
 */
static int
slow_row(const struct ebpf_insn *insn)
{
	static const uint8_t fields[EBPF_FORM_COUNT] = {
#define EBPF_FORM(form, list) [EBPF_FORM_##form] = list,
#include "abi/insn.def"
	};
	int row, found = -1;

	for (row = 0; row < EBPF_OP_COUNT; row++) {
		const struct ebpf_op_info *info = &ebpf_op_info[row];
		uint32_t f = fields[info->form];
		int32_t v[4] = { insn->regs & 15, insn->regs >> 4, insn->off,
				 insn->imm };
		int32_t want[4] = { 0, 0, 0, 0 };
		int i;

		if (info->code != insn->code || row == EBPF_OP_LDDW_HI)
			continue;
		if (info->sel == EBPF_SEL_SRC)
			want[1] = info->value;
		if (info->sel == EBPF_SEL_OFF)
			want[2] = info->value;
		if (info->sel == EBPF_SEL_IMM)
			want[3] = info->value;
		for (i = 0; i < 4; i++)
			if (f & 1u << i ? i < 2 && v[i] >= EBPF_REG_COUNT
					: v[i] != want[i])
				break;
		if (i < 4)
			continue;
		if (found >= 0)
			return -2;
		found = row;
	}
	return found;
}

static void
test_all_slots(void)
{
	static const int32_t imms[] = { 0,    1,    8,	  15,	 16,   17,   32,
					33,   64,   65,	  0x40,	 0x41, 0x50, 0x51,
					0xa0, 0xa1, 0xe1, 0xf1,	 0x100, 0x101,
					0x110, 0x111, 0x112, -1, INT32_MIN };
	static const int16_t offs[] = { 0, 1, 2, 7, 8, 9, 16, 17, 32, 33, -1,
					INT16_MAX, INT16_MIN };
	static const uint8_t regs[] = { 0x00, 0x01, 0x0a, 0x0b, 0x10, 0x20,
					0x30, 0x40, 0x50, 0x60, 0x70, 0xa0,
					0xaa, 0xb0, 0xff };
	uint32_t valid = 0, wrong = 0, twice = 0, different = 0;
	struct ebpf_decode_error error;
	struct ebpf_insn in[3], back;
	struct ebpf_op ops[3];
	size_t r, o, m;
	int code, row, rc;

	in[2] = exit_insn;
	for (code = 0; code < 256; code++)
		for (r = 0; r < sizeof(regs); r++)
			for (o = 0; o < sizeof(offs) / 2; o++)
				for (m = 0; m < sizeof(imms) / 4; m++) {
					in[0] = (struct ebpf_insn){
						(uint8_t)code, regs[r], offs[o],
						imms[m]
					};
					in[1] = exit_insn;
					if (code == 0x18)
						memset(&in[1], 0, 8);
					row = slow_row(&in[0]);
					rc = ebpf_decode(in, 3, ops, &error);
					if (row == -2)
						twice++;
					if (rc != 0 && error.rule == EBPF_RULE_JUMP)
						rc = 0;
					if ((rc == 0) != (row >= 0) ||
					    (rc == 0 && ops[0].code != row)) {
						wrong++;
						continue;
					}
					if (rc != 0)
						continue;
					valid++;
					back = ebpf_encode(&ops[0]);
					if (memcmp(&back, &in[0], 8) != 0)
						different++;
				}
	tap_ok(twice == 0, "no slot is two rows");
	tap_ok(wrong == 0 && valid > 10000,
	       "decoder and table agree (%u valid, %u wrong)", valid, wrong);
	tap_ok(different == 0, "what was decoded encodes to the same bytes");
}

static void
test_ops(void)
{
	static const struct ebpf_insn insns[] = {
		{ 0x18, 0x21, 0, 7 }, /* lddw r1, map[id:7][0]+9 */
		{ 0, 0, 0, 9 },
		{ 0x18, 0x42, 0, 6 }, /* lddw r2, subprog[+6] */
		{ 0, 0, 0, 0 },
		{ 0x06, 0, 0, 1 },    /* ja32 +1 */
		{ 0x85, 0x10, 0, -6 }, /* call local -6 */
		{ 0xb7, 3, 0, -5 },   /* mov64 r3, -5 */
		{ 0xdb, 0x21, -8, 1 }, /* lock fetch add [r1-8], r2 */
		{ 0x7b, 0x2a, -8, 0 }, /* stxdw [r10-8], r2 */
		{ 0x95, 0, 0, 0 },
	};
	enum { COUNT = sizeof(insns) / sizeof(insns[0]) };
	struct ebpf_decode_error error;
	struct ebpf_op ops[COUNT];
	struct ebpf_insn hi;

	TAP_CHECK(ebpf_decode(insns, COUNT, ops, &error) == 0);
	TAP_CHECK(ops[0].code == EBPF_OP_LDDW_MAP_VALUE && ops[0].dst == 1 &&
		  ops[0].src == 0 && ops[0].imm == (9ll << 32 | 7));
	TAP_CHECK(ops[1].code == EBPF_OP_LDDW_HI);
	hi = ebpf_encode_hi(&ops[0]);
	TAP_CHECK(memcmp(&hi, &insns[1], 8) == 0);
	TAP_CHECK(ops[2].code == EBPF_OP_LDDW_FUNC && ops[2].off == 6 &&
		  ops[2].imm == 0);
	hi = ebpf_encode_hi(&ops[2]);
	TAP_CHECK(memcmp(&hi, &insns[3], 8) == 0);
	TAP_CHECK(ops[4].code == EBPF_OP_JA32 && ops[4].off == 1 &&
		  ops[4].imm == 0);
	TAP_CHECK(ops[5].code == EBPF_OP_CALL_LOCAL && ops[5].off == -6 &&
		  ops[5].imm == 0 && ops[5].src == 0);
	TAP_CHECK(ops[6].imm == -5);
	TAP_CHECK(ops[7].code == EBPF_OP_ATOMIC_FETCH_ADD64 &&
		  ops[7].off == -8 && ops[7].imm == 0 && ops[7].src == 2);
	TAP_CHECK(ops[8].dst == 10 && ops[8].src == 2 && ops[8].off == -8);
}

static void
test_limits(void)
{
	struct ebpf_decode_error error = { 0, EBPF_RULE_NONE, NULL };
	struct ebpf_insn *many;
	struct ebpf_op *ops;
	uint32_t i;

	TAP_CHECK(ebpf_decode(NULL, 0, NULL, &error) == -EBPF_EINVAL &&
		  error.rule == EBPF_RULE_LIMIT);
	TAP_CHECK(ebpf_decode(NULL, EBPF_INSN_MAX + 1, NULL, &error) ==
			  -EBPF_EINVAL &&
		  error.rule == EBPF_RULE_LIMIT);
	many = malloc(EBPF_INSN_MAX * sizeof(*many));
	ops = malloc(EBPF_INSN_MAX * sizeof(*ops));
	if (many == NULL || ops == NULL)
		abort();
	for (i = 0; i < EBPF_INSN_MAX; i++)
		many[i] = exit_insn;
	many[0] = (struct ebpf_insn){ 0x06, 0, 0, EBPF_INSN_MAX - 2 };
	TAP_CHECK(ebpf_decode(many, EBPF_INSN_MAX, ops, &error) == 0);
	many[0].imm++;
	TAP_CHECK(ebpf_decode(many, EBPF_INSN_MAX, ops, &error) ==
			  -EBPF_EINVAL &&
		  error.rule == EBPF_RULE_JUMP && error.insn == 0);
	many[0] = exit_insn;
	many[77].code = 0xff;
	TAP_CHECK(ebpf_decode(many, EBPF_INSN_MAX, ops, &error) ==
			  -EBPF_EINVAL &&
		  error.rule == EBPF_RULE_ENCODING && error.insn == 77 &&
		  strcmp(error.what, "unknown opcode") == 0);
	many[77] = exit_insn;
	many[EBPF_INSN_MAX - 1] = (struct ebpf_insn){ 0xb7, 0, 0, 0 };
	TAP_CHECK(ebpf_decode(many, EBPF_INSN_MAX, ops, &error) ==
			  -EBPF_EINVAL &&
		  error.rule == EBPF_RULE_END &&
		  error.insn == EBPF_INSN_MAX - 1);
	free(many);
	free(ops);
}

/* ---- the interpreter's own limits ---- */

static const struct ebpf_helper tail_helper = {
	.name = "tail_call",
	.number = 12,
	.flags = EBPF_HELPER_TAIL,
};
static const struct ebpf_helper *const helpers[] = { &tail_helper };

static struct ebpf_prog *slots[4];
static struct ebpf_map_prog_array array = {
	.map = { .key_size = 4, .value_size = 4, .max_entries = 4 },
	.slots = slots,
};
static struct ebpf_map *maps[] = { &array.map };
static const struct unverified_options options = {
	.helpers = helpers,
	.helper_count = 1,
	.maps = maps,
	.map_count = 1,
};

static struct ebpf_prog *
make(const struct ebpf_insn *insns, uint32_t count)
{
	char why[200] = "";
	struct ebpf_prog *prog =
		unverified_prog(insns, count, &options, why, sizeof(why));

	if (prog == NULL)
		tap_diag("%s", why);
	return prog;
}

#define MAKE(insns) make(insns, sizeof(insns) / sizeof((insns)[0]))
#define MOV(dst, imm) { 0xb7, dst, 0, imm }
#define CALL_LOCAL(distance) { 0x85, 0x10, 0, distance }
#define TAIL_CALL(index) \
	{ 0x18, 0x12, 0, 0 }, { 0, 0, 0, 0 }, MOV(3, index), { 0x85, 0, 0, 12 }
#define EXIT { 0x95, 0, 0, 0 }

static uint64_t
run(const struct ebpf_prog *prog, void *mem, uint64_t len)
{
	return ebpf_interp_run((uintptr_t)mem, len, 0, prog);
}

static void
test_depth(void)
{
	static const struct ebpf_insn forever[] = {
		CALL_LOCAL(1), EXIT, CALL_LOCAL(-1), MOV(0, 5), EXIT,
	};
	struct ebpf_prog *prog = MAKE(forever);

	tap_ok(prog != NULL && run(prog, NULL, 0) == UINT64_MAX,
	       "endless recursion ends the run with -1");
	unverified_free(prog);
}

static void
test_tail_calls(void)
{
	/* r1 points to a counter. */
	static const struct ebpf_insn again[] = {
		{ 0x79, 0x14, 0, 0 }, /* ldxdw r4, [r1+0] */
		{ 0x07, 4, 0, 1 },
		{ 0x7b, 0x41, 0, 0 },
		TAIL_CALL(0),
		MOV(0, 9),
		EXIT,
	};
	static const struct ebpf_insn from_sub[] = {
		MOV(6, 100),
		CALL_LOCAL(2),
		{ 0x0f, 0x60, 0, 0 }, /* add64 r0, r6 */
		EXIT,
		MOV(6, 1),
		TAIL_CALL(1),
		MOV(0, 1000), /* only when the slot is empty */
		EXIT,
	};
	static const struct ebpf_insn seven[] = {
		MOV(6, 55),
		{ 0x7a, 0x0a, -512, 3 }, /* all of a stack of its own */
		MOV(0, 7),
		EXIT,
	};
	static const struct ebpf_insn outside[] = {
		{ 0x30, 0, 0, 50 }, /* ldabsb 50 */
		MOV(0, 7),
		EXIT,
	};
	uint64_t counter = 0;
	struct ebpf_prog *a = MAKE(again), *b = MAKE(from_sub),
			 *c = MAKE(seven), *d = MAKE(outside);

	if (!tap_ok(a && b && c && d, "programs are made"))
		goto out;
	slots[0] = a;
	tap_ok(run(a, &counter, 8) == 9 && counter == 34,
	       "33 tail calls, then execution goes on");
	slots[1] = c;
	tap_ok(run(b, &counter, 8) == 107,
	       "a tail call from a subprogram returns to its caller");
	slots[1] = NULL;
	tap_ok(run(b, &counter, 8) == 1100,
	       "an empty slot: execution goes on in the subprogram");
	slots[1] = d;
	tap_ok(run(b, &counter, 8) == 100,
	       "a packet load outside ends its function, not the caller");
	slots[1] = a;
	counter = 0;
	tap_ok(run(b, &counter, 8) == 109 && counter == 33,
	       "the limit counts over nested programs, too");
	/* Each level tail-calls from its subprogram: as deep as C frames go. */
	slots[1] = b;
	tap_ok(run(b, &counter, 8) == 33 * 100 + 1100,
	       "33 tail calls from subprograms nest");
out:
	unverified_free(a);
	unverified_free(b);
	unverified_free(c);
	unverified_free(d);
}

int
main(void)
{
	test_all_slots();
	test_ops();
	test_limits();
	test_depth();
	test_tail_calls();
	return tap_done();
}
