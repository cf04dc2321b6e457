/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a refusal says: where knowledge came from, the way that led there, what
 * would mend it; in words and in records. And that nothing a program brings
 * along (texts in BTF, lines, names) or a lack of room or memory makes it say
 * something else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/btf.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

enum {
	TEXT = 16384,
};

static struct ebpf_runtime *rt;
static struct ebpf_map *map;
static struct ebpf_btf *btf;
static struct ebpf_load_stats stats;
static char words[TEXT], report[TEXT];
static size_t words_size = TEXT, report_size = TEXT;

/* ---- debug information ---- */

static uint8_t blob[4096];
static uint32_t blob_len, strings_off, strings_len;

static uint32_t
string(const char *text)
{
	uint32_t off = strings_len;

	memcpy(blob + strings_off + strings_len, text, strlen(text) + 1);
	strings_len += (uint32_t)strlen(text) + 1;
	return off;
}

/* A function type (3) by that name, and strings to come. */
static void
begin_btf(void)
{
	memset(blob, 0, sizeof(blob));
	strings_off = 24 + 40;
	strings_len = 0;
	string("");
}

static void
end_btf(const char *function)
{
	uint32_t name = string(function);
	const uint32_t head[] = { 0x0001eb9f, 24, 0, 40, 40, strings_len };
	const uint32_t types[] = {
		name, 1 << 24, 4, 32,
		0, 13 << 24, 1,
		name, 12 << 24, 2,
	};

	memcpy(blob, head, sizeof(head));
	memcpy(blob + 24, types, sizeof(types));
	blob_len = strings_off + strings_len;
	if (ebpf_btf_load(rt, blob, blob_len, "", 0, &btf) != 0) {
		tap_ok(false, "the types");
		btf = NULL;
	}
}

/* ---- loading text ---- */

static const struct ebpf_line_info *lines;
static uint32_t line_count;
static const struct ebpf_func_info *funcs;
static uint32_t func_count;
static uint32_t kind = EBPF_PROG_XDP;

static int
load(const char *text)
{
	struct ebpf_load request = {
		.size = sizeof(request), .kind = kind, .map_count = 1,
		.maps = &map, .engine = EBPF_LOAD_INTERP, .verify_only = 1,
		.log = words, .log_size = words_size, .report = report,
		.report_size = report_size, .stats = &stats, .btf = btf,
		.lines = lines, .line_count = line_count,
		.funcs = funcs, .func_count = func_count,
	};
	struct gebpf_error why = { .code = 0 };
	struct ebpf_insn *insns = NULL;
	struct ebpf_prog *prog;
	int error;

	words[0] = report[0] = '\0';
	if (gebpf_asm(text, strlen(text), &insns, &request.insn_count, &why)) {
		tap_diag("%s", why.text);
		return -1;
	}
	request.insns = insns;
	error = ebpf_prog_load(rt, &request, &prog);
	free(insns);
	return error;
}

/* Words that the text and the records have, one after the other. */
static void
says(const char *what, const char *text, const char *const *parts,
     const char *const *records)
{
	const char *at = words;
	bool good = load(text) == -EBPF_EREJECTED;

	for (; good && *parts; parts++) {
		at = strstr(at, *parts);
		if (!at) {
			tap_diag("no '%s' in\n%s", *parts, words);
			good = false;
		}
	}
	for (at = report; good && *records; records++) {
		at = strstr(at, *records);
		if (!at) {
			tap_diag("no '%s' in\n%s", *records, report);
			good = false;
		}
	}
	tap_ok(good, "%s", what);
}

#define SAYS(what, text, parts, ...)                                 \
	says(what, text, (const char *const[]){ PARTS parts, NULL }, \
	     (const char *const[]){ __VA_ARGS__, NULL })
#define PARTS(...) __VA_ARGS__

static const char too_far[] =
	"r2 = *(u32 *)(r1 +4)\n"
	"r6 = *(u32 *)(r1 +0)\n"
	"r3 = r6\n"
	"r3 += 14\n"
	"if r3 > r2 goto out\n"
	"r0 = *(u8 *)(r6 +20)\n"
	"exit\n"
	"out: r0 = 0\n"
	"exit\n";

static void
test_knowledge(void)
{
	SAYS("a packet's bounds: the check, the pointer, the true size",
	     too_far,
	     ("rejected: ", "at 5: r0 = *(u8 *)(r6 +20)",
	      "  r6: packet, 14 bytes proven",
	      "learned from 4: if r3 > r2 goto 7, not taken",
	      "set by 1: r6 = *(u32 *)(r1 +0)",
	      "the path that led there:",
	      "  4: if r3 > r2 goto 7, not taken",
	      "rule PACKET_BOUNDS: ",
	      "fix: the check that was made proves 14 bytes, 21 are needed: "
	      "if (data + 21 > data_end) return"),
	     "rule\tPACKET_BOUNDS\n", "message\tthe access needs 21 bytes",
	     "at\t5\t", "path\t5\ttold\n", "reg\tr6\tpacket pointer\t",
	     "since\t4\tif r3 > r2 goto 7\t\t0\t0\t\tpassed\n",
	     "since\t1\t", "branch\t4\t", "\tpassed\t1\n", "fix\tthe check");
	SAYS("an offset that is too large",
	     "r2 = *(u32 *)(r1 +4)\n"
	     "r6 = *(u32 *)(r1 +0)\n"
	     "r7 = *(u32 *)(r1 +12)\n"
	     "r6 += r7\n"
	     "r3 = r6\n"
	     "r3 += 8\n"
	     "if r3 > r2 goto out\n"
	     "r0 = *(u64 *)(r6 +0)\n"
	     "exit\n"
	     "out: r0 = 0\n"
	     "exit\n",
	     ("r6: packet+[0..4294967295], 0 bytes proven",
	      "set by 3: r6 += r7", "fix: bound the offset before it is added "
	      "to data"),
	     "reg\tr6\t");
	SAYS("a null, from which call",
	     "*(u32 *)(r10 -4) = 0\n"
	     "r2 = r10\n"
	     "r2 += -4\n"
	     "r1 = map[idx:0]\n"
	     "call 1\n"
	     "r7 = r0\n"
	     "r0 = *(u64 *)(r7 +0)\n"
	     "exit\n",
	     ("r7: value of map hits, 8 bytes, or null", "set by 6: r7 = r0",
	      "set by 5: call map_lookup_elem (1)",
	      "fix: if (!value) return ...; after the call of map_lookup_elem "
	      "at 5"),
	     "rule\tNULL_CHECK\n", "reg\tr7\t",
	     "since\t5\tcall map_lookup_elem (1)\t");
	SAYS("a register that a call took",
	     "r6 = r1\n"
	     "r2 = 7\n"
	     "call 5\n"
	     "r0 = r2\n"
	     "exit\n",
	     ("r2 is read but was not written, or was lost in a call",
	      "  r2: not written", "lost in 2: call ktime_get_ns (5)",
	      "fix: the call at 2 changed it"),
	     "rule\tUNINIT\n", "reg\tr2\tregister that was not written\t",
	     "since\t2\tcall ktime_get_ns (5)\t");
	SAYS("what a callback may return",
	     "r1 = 3\n"
	     "r2 = subprog[back]\n"
	     "r3 = 0\n"
	     "r4 = 0\n"
	     "call 181\n"
	     "r0 = 0\n"
	     "exit\n"
	     "back: r0 = 2\n"
	     "exit\n",
	     ("the callback must return 0 or 1",
	      "fix: return 0 to be called again, 1 to end"),
	     "rule\tRETURN_VALUE\n");
	SAYS("an array's index: how large it may be",
	     "*(u32 *)(r10 -4) = 0\n"
	     "r6 = *(u32 *)(r1 +12)\n"
	     "r2 = r10\n"
	     "r2 += -4\n"
	     "r1 = map[idx:0]\n"
	     "call 1\n"
	     "if r0 == 0 goto out\n"
	     "r6 &= 15\n"
	     "r0 += r6\n"
	     "r0 = *(u8 *)(r0 +0)\n"
	     "exit\n"
	     "out: r0 = 0\n"
	     "exit\n",
	     ("r0: value of map hits+[0..15], 8 bytes",
	      "fix: before the offset is added: if (offset > 7) return ...; or "
	      "offset &= 7; it can be 15 now"),
	     "rule\tVALUE_BOUNDS\n");
	SAYS("stack that was not written",
	     "*(u32 *)(r10 -8) = 0\n"
	     "r0 = *(u64 *)(r10 -8)\n"
	     "exit\n",
	     ("stack -8 to -1: written but for byte 4 5 6 7",
	      "set by 0: *(u32 *)(r10 -8) = 0",
	      "fix: give the whole variable a value first"),
	     "reg\tstack-8\tbytes\twritten but for byte 4 5 6 7\n",
	     "since\t0\t");
	SAYS("through a saved register, and a branch taken",
	     "r6 = *(u32 *)(r1 +12)\n"
	     "*(u64 *)(r10 -8) = r6\n"
	     "if r6 < 600 goto on\n"
	     "r0 = 0\n"
	     "exit\n"
	     "on: r7 = *(u64 *)(r10 -8)\n"
	     "r8 = r10\n"
	     "r8 -= r7\n"
	     "*(u8 *)(r8 -1) = 0\n"
	     "r0 = 0\n"
	     "exit\n",
	     ("r8: stack+[-599..0]\n", "set by 7: r8 -= r7",
	      "set by 5: r7 = *(u64 *)(r10 -8)",
	      "2: if r6 < 600 goto 5, taken"),
	     "rule\tSTACK_BOUNDS\n", "branch\t2\t", "\ttaken\t1\n");
	SAYS("in a function: who called",
	     "r6 = r1\n"
	     "r1 = 7\n"
	     "call inner\n"
	     "r0 = 0\n"
	     "exit\n"
	     "inner: r0 = *(u8 *)(r1 +0)\n"
	     "exit\n",
	     ("at 5: r0 = *(u8 *)(r1 +0)",
	      "in the function at 5, called at 2: call the function at 5",
	      "r1: number 7", "set by 1: r1 = 7"),
	     "frame\t5\t\t2\tcall the function at 5\t", "reg\tr1\tnumber\t");
	SAYS("a loop that changes nothing",
	     "r6 = *(u32 *)(r1 +12)\n"
	     "again: if r6 != 0 goto again\n"
	     "r0 = 0\n"
	     "exit\n",
	     ("comes back here with nothing changed",
	      "rule LOOP: ", "fix: "),
	     "rule\tLOOP\n");
	SAYS("a field that is not there",
	     "r0 = *(u32 *)(r1 +100)\n"
	     "exit\n",
	     ("r1: context", "fix: programs of kind xdp may access "
			     "(offset:size) 0:4, 4:4"),
	     "rule\tCTX_ACCESS\n");
	SAYS("a size that may be 0 or less",
	     "r6 = *(u32 *)(r1 +12)\n"
	     "r1 = r10\n"
	     "r1 += -8\n"
	     "*(u64 *)(r10 -8) = 0\n"
	     "r2 = r6\n"
	     "call 6\n"
	     "r0 = 0\n"
	     "exit\n",
	     ("r2: number 0..4294967295",
	      "fix: bound the size from both sides"),
	     "rule\tCALL_ARG\n");
	SAYS("before there is a state",
	     "goto -5\n"
	     "r0 = 0\n"
	     "exit\n",
	     ("rejected: ", "at ", "rule JUMP: ", "fix: "),
	     "rule\tJUMP\n", "at\t0\t", "fix\t");
}

/* ---- what comes from outside ---- */

static void
test_source(void)
{
	static struct ebpf_line_info info[3];
	static struct ebpf_func_info func = { 0, 3 };
	uint32_t file, source;

	begin_btf();
	file = string("/home/me/far.bpf.c");
	source = string("\treturn data[20];");
	info[0] = (struct ebpf_line_info){ 0, file, 0, 3 << 10 };
	info[1] = (struct ebpf_line_info){ 4, file, string("  if (x)"),
					   4 << 10 | 3 };
	info[2] = (struct ebpf_line_info){ 5, file, source, 12 << 10 | 9 };
	end_btf("count");
	lines = info;
	line_count = 3;
	funcs = &func;
	func_count = 1;
	SAYS("the source line, a caret, places by name", too_far,
	     ("   --> /home/me/far.bpf.c:12:9\n   |\n"
	      "12 |     return data[20];\n"
	      "   |            ^\n",
	      "goto 7, not taken   (far.bpf.c:4: if (x))",
	      "(r1 +0)   (far.bpf.c:3)"),
	     "at\t5\tr0 = *(u8 *)(r6 +20)\t/home/me/far.bpf.c\t12\t9\t"
	     "return data[20];\n",
	     "since\t4\tif r3 > r2 goto 7\t/home/me/far.bpf.c\t4\t3\tif (x)\t"
	     "passed\n");
	info[2].line_col = 12 << 10 | 1023;
	SAYS("a column past the line has no caret", too_far,
	     ("12 |     return data[20];\n   |\nat 5"), "at\t5\t");
	info[2].line_col = UINT32_MAX;
	info[2].line_off = 0;
	info[2].file_off = 0;
	SAYS("a line without text or file", too_far,
	     ("--> ?:4194303:1023\nat 5"), "at\t5\t");
	ebpf_object_put(&btf->obj);
	btf = NULL;
	line_count = func_count = 0;
}

static void
test_hostile_text(void)
{
	static struct ebpf_line_info info[1];
	static struct ebpf_func_info func[2] = { { 0, 3 }, { 5, 3 } };
	static const char inner[] = "r6 = r1\nr1 = 7\ncall inner\nr0 = 0\n"
				    "exit\ninner: r0 = *(u8 *)(r1 +0)\nexit\n";
	struct gebpf_record record;
	char *at = report, *c;
	size_t rules = 0, fixes = 0;
	bool clean = true;

	begin_btf();
	info[0] = (struct ebpf_line_info){
		0, string("a\nrule\tNONE\t.c"),
		string("x\rfix: none\nrejected: no\x1b[2J\trule\tEVIL\nfix\tz"),
		7 << 10 | 20,
	};
	end_btf("f\nfix\tevil\n\x7f");
	lines = info;
	line_count = 1;
	funcs = func;
	func_count = 2;
	TAP_CHECK(load(inner) == -EBPF_EREJECTED);
	for (c = words; *c; c++)
		clean &= *c == '\n' || ((unsigned char)*c >= 32 && *c != 127);
	tap_ok(clean && !strstr(words, "\nfix: none") &&
		       !strstr(words, "\nrejected: no") &&
		       !strstr(words, "\nrule NONE"),
	       "texts of types cannot pass for words of ours");
	while (gebpf_record_next(&at, &record)) {
		rules += !strcmp(record.word, "rule");
		fixes += !strcmp(record.word, "fix");
	}
	tap_ok(rules == 1 && fixes == 1 && *at == '\0',
	       "nor for records of ours");
	ebpf_object_put(&btf->obj);
	btf = NULL;
	line_count = func_count = 0;
}

/* ---- little room, little memory ---- */

static void
test_room(void)
{
	char whole_words[TEXT], whole_report[TEXT];
	size_t n, most;
	bool good = true;

	load(too_far);
	strcpy(whole_words, words);
	strcpy(whole_report, report);
	most = strlen(report) + 2;
	for (n = 1; n <= most; n++) {
		report_size = n;
		memset(report, 'x', sizeof(report));
		load(too_far);
		good &= strlen(report) < n && report[n] == 'x' &&
			!strncmp(report, whole_report, strlen(report)) &&
			!strcmp(words, whole_words);
	}
	tap_ok(good && !strcmp(report, whole_report),
	       "records in any room are the first ones");
	report_size = TEXT;
	most = strlen(whole_words) + 2;
	for (n = 1; n <= most; n++) {
		words_size = n;
		memset(words, 'x', sizeof(words));
		load(too_far);
		good &= strlen(words) < n && words[n] == 'x' &&
			!strcmp(report, whole_report);
	}
	tap_ok(good && !strcmp(words, whole_words), "words in any room end");
	words_size = TEXT;
}

static void
test_memory(void)
{
	uint64_t live, n, used = os_load(&rt->mem_used);
	bool good = true, failed = true;
	int error;

	os_epoch_drain();
	live = os_test_live();
	for (n = 1; failed && n < 200; n++) {
		os_test_fail_at(n);
		error = load(too_far);
		failed = os_test_failed();
		os_test_fail_at(0);
		os_epoch_drain();
		good &= os_test_live() == live &&
			os_load(&rt->mem_used) == used &&
			ebpf_object_count(rt, EBPF_OBJ_PROG) == 0 &&
			(error == -EBPF_ENOMEM ||
			 (error == -EBPF_EREJECTED &&
			  strstr(report, "rule\tPACKET_BOUNDS\n") == report));
	}
	tap_ok(good && n > 5, "short of memory it is refused all the same");
}

static void
test_accepted(void)
{
	static struct ebpf_func_info func[2] = { { 0, 3 }, { 4, 3 } };

	begin_btf();
	end_btf("main");
	funcs = func;
	func_count = 2;
	TAP_CHECK(load("*(u64 *)(r10 -16) = 1\ncall inner\nr0 = 0\nexit\n"
		       "inner: *(u64 *)(r10 -40) = 1\nr0 = 1\nexit\n") == 0);
	tap_ok(!strcmp(report, "func\t0\t4\tmain\t16\t56\n"
			       "func\t4\t7\tmain\t40\t40\n"),
	       "the stack of each function of an accepted program");
	ebpf_object_put(&btf->obj);
	btf = NULL;
	func_count = 0;
}

int
main(void)
{
	struct ebpf_map_spec spec = { .size = sizeof(spec),
				      .kind = EBPF_MAP_ARRAY, .key_size = 4,
				      .value_size = 8, .max_entries = 1,
				      .name = "hits" };

	if (ebpf_runtime_create(NULL, &rt) != 0 ||
	    ebpf_map_create(rt, &spec, &map) != 0)
		return 1;
	test_knowledge();
	test_source();
	test_hostile_text();
	test_room();
	test_memory();
	test_accepted();
	ebpf_map_put(map);
	ebpf_runtime_destroy(rt);
	tap_ok(os_test_live() == 0, "nothing is left");
	return tap_done();
}
