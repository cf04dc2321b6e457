/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The claims oracle: random programs near the border of what is accepted
 * (tests/lib/vgen.h) are verified, and those accepted are run by a checked
 * interpreter (checked.h): at every instruction there must be a state the
 * verifier looked at that the run is in (claims.h), every access must be inside
 * live memory, and records and locks must be given back. Half of the paths that
 * a program can take are provoked by interesting data.
 *
 * Then the same programs are verified in a hardened runtime and run as a
 * processor might that mispredicts branches and lets loads overtake stores:
 * until it comes to a fence, no access may be outside memory either.
 *
 *	claims_test [PROGRAMS [SEED]]
 */
#include <stdlib.h>
#include <string.h>

#include "abi/helper.h"
#include "checked.h"
#include "claims.h"
#include "client/gebpf.h"
#include "core/btf.h"
#include "core/decode.h"
#include "core/verifier/verify.h"
#include "tap.h"

enum {
	RUNS = 6,
};

static struct vgen gen;
static struct checked run;
static struct claims *claims;
static struct ebpf_runtime *rt, *hardened;
static struct ebpf_map *maps[VGEN_MAPS];
static struct ebpf_btf *types;
static struct ebpf_func_info functions[VGEN_CALLS];
static struct ebpf_op ops[VGEN_MAX], unchanged[VGEN_MAX];
static char log_text[8192];

static long runs, accepted, bad, odd, reasons[EBPF_RULE_COUNT];

static void
show(void)
{
	struct gebpf_disasm options = {0};
	char text[128];
	uint32_t i;
	int n;

	for (i = 0; i < gen.count; i += (uint32_t)n) {
		n = gebpf_disasm(gen.code, gen.count, i, &options, text,
				 sizeof(text));
		if (n < 1)
			n = 1;
		tap_diag("%3u:%s %s", i,
			 run.fences && (run.fences[i / 8] >> i % 8 & 1) ?
				 " fence;" :
				 "",
			 text);
	}
	for (i = 0; run.m.depth && i < EBPF_REG_FP; i++)
		tap_diag("r%u = 0x%llx", i,
			 (unsigned long long)run.m.regs[run.m.depth - 1][i]);
}

/* Instructions that name a map by its index name it itself. */
static void
name_maps(void)
{
	uint32_t i;

	for (i = 0; i < gen.count; i++)
		if (ops[i].code == EBPF_OP_LDDW_MAP_IDX_VALUE) {
			ops[i].code = EBPF_OP_LDDW_MAP_VALUE;
			ops[i].off = (int32_t)((uint64_t)ops[i].imm >> 32);
			ops[i].imm = (uint32_t)ops[i].imm;
		} else if (ops[i].code == EBPF_OP_LDDW_MAP_IDX) {
			ops[i].code = EBPF_OP_LDDW_MAP;
		}
}

/*
 * 0, or the verifier's answer; *stats what it told. With fenced: as the
 * hardened runtime does, and where fences go (NULL: nowhere), to be freed.
 */
static int
verify(struct ebpf_load_stats *stats, uint8_t **fenced)
{
	struct ebpf_log log = {.text = log_text, .room = sizeof(log_text)};
	struct ebpf_decode_error why;
	struct ebpf_prog prog = {0};
	uint32_t i;
	int error;

	if (ebpf_decode(gen.code, gen.count, ops, &why)) {
		tap_diag("does not decode at %u: %s", why.insn, why.what);
		abort();
	}
	name_maps();
	memcpy(unchanged, ops, sizeof(ops));
	prog.obj.rt = fenced ? hardened : rt;
	prog.kind = ebpf_kind_find(rt, gen.shape == VGEN_PACKET ?
					       EBPF_PROG_XDP :
					       EBPF_PROG_RAW);
	prog.mem_size = gen.shape == VGEN_FIXED ? VGEN_AREA : 0;
	prog.ops = ops;
	prog.op_count = gen.count;
	prog.maps = maps;
	prog.map_count = VGEN_MAPS;
	prog.btf = types;
	for (i = 0; i < gen.global_count; i++) {
		functions[i].insn = gen.globals[i];
		functions[i].type_id = vgen_global_type(&gen);
	}
	prog.func_infos = functions;
	prog.func_info_count = gen.global_count;
	memset(stats, 0, sizeof(*stats));
	log_text[0] = '\0';
	error = ebpf_verify_watched(&prog, ops, &log, stats, claims_watch,
				    claims);
	os_free((void *)(uintptr_t)prog.funcs);
	os_free(prog.dead);
	if (fenced)
		*fenced = prog.fences;
	else
		os_free(prog.fences);
	return error;
}

/* One run with what is interesting; straying: as a processor runs ahead. */
static const char *
run_once(bool straying, uint32_t *at)
{
	static struct checked_machine first;
	struct dice again;
	const char *why;

	checked_prepare(&run);
	again = run.dice;
	first = run.m;
	run.pass = straying ? CHECKED_STRAYING : CHECKED_NOTING;
	why = checked_run(&run, at);
	if (why || straying)
		return why;
	run.dice = again;
	run.m = first;
	run.pass = CHECKED_CLAIMS;
	return checked_run(&run, at);
}

static void
run_accepted(uint64_t number, bool straying)
{
	const char *why;
	uint32_t at, r;

	for (r = 0; r < RUNS; r++) {
		runs++;
		why = run_once(straying, &at);
		if (!why)
			continue;
		bad++;
		tap_diag("program %llu at %u%s: %s", (unsigned long long)number,
			 at, run.ahead ? ", ahead" : "", why);
		show();
		return;
	}
}

static void
one_program(uint64_t number)
{
	struct ebpf_load_stats stats;
	uint8_t *fenced = NULL;
	long before = bad;

	gen.dice.state = number * 0x9e3779b97f4a7c15ULL | 1;
	vgen_random(&gen);
	if (verify(&stats, NULL)) {
		reasons[stats.rule]++;
		/* what only a bug of the verifier can say */
		odd += strstr(log_text, "nothing should") != NULL;
		return;
	}
	if (claims_are_cut(claims))
		return;
	accepted++;
	run.ops = unchanged;
	run.dice = gen.dice;
	run.fences = NULL;
	run_accepted(number, false);
	if (bad > before)
		return;
	if (verify(&stats, &fenced)) {
		bad++;
		tap_diag("program %llu is refused when hardened",
			 (unsigned long long)number);
		show();
		return;
	}
	run.fences = fenced;
	run_accepted(number, true);
	os_free(fenced);
}

static const char *const rule_names[] = {
#define EBPF_RULE(name, sentence, fix) #name,
#include "abi/rule.def"
};

/* Programs that are accepted do all that the generator knows. */
static bool
all_was_called(void)
{
	static const uint32_t helpers[] = {
		EBPF_FUNC_map_lookup_elem, EBPF_FUNC_get_prandom_u32,
		EBPF_FUNC_xdp_adjust_head, EBPF_FUNC_xdp_adjust_tail,
		EBPF_FUNC_xdp_adjust_meta, EBPF_FUNC_spin_lock,
		EBPF_FUNC_spin_unlock,	   EBPF_FUNC_ringbuf_output,
		EBPF_FUNC_ringbuf_reserve, EBPF_FUNC_ringbuf_submit,
		EBPF_FUNC_ringbuf_discard, EBPF_FUNC_for_each_map_elem,
		EBPF_FUNC_loop,
	};
	bool all = run.called_global > 0;
	uint32_t i;

	tap_diag("%lu calls of global functions", run.called_global);
	for (i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		tap_diag("%lu calls of helper %u", run.called[helpers[i]],
			 helpers[i]);
		all = all && run.called[helpers[i]] > 0;
	}
	return all;
}

int
main(int argc, char **argv)
{
	struct ebpf_runtime_config config = {.size = sizeof(config),
					     .insns_processed_max = 20000};
	long programs = argc > 1 ? atol(argv[1]) : 12000, i;
	uint64_t start = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint32_t r;

	run.claims = claims = claims_create();
	run.gen = &gen;
	run.maps = maps;
	if (!claims || ebpf_runtime_create(&config, &rt))
		return 1;
	config.harden = EBPF_HARDEN_SPECULATION;
	if (ebpf_runtime_create(&config, &hardened) ||
	    vgen_create_types(rt, &types) || vgen_create_maps(rt, types, maps))
		return 1;
	for (i = 0; i < programs && bad < 5; i++)
		one_program(start + (uint64_t)i);
	for (r = 0; r < EBPF_RULE_COUNT; r++)
		if (reasons[r])
			tap_diag("%ld refused by %s", reasons[r],
				 rule_names[r]);
	tap_ok(odd == 0, "every read of a register was foreseen");
	tap_ok(accepted > programs / 50, "%ld of %ld programs accepted",
	       accepted, i);
	tap_ok(bad == 0, "%ld runs stayed within the verifier's claims", runs);
	tap_ok(all_was_called() || programs < 1000,
	       "all that the generator knows was done");
	tap_ok(run.strayed > 0, "and %lu ways that were not really gone",
	       run.strayed);
	vgen_put_maps(maps);
	ebpf_object_put(&types->obj);
	ebpf_runtime_destroy(hardened);
	ebpf_runtime_destroy(rt);
	claims_free(claims);
	return tap_done();
}
