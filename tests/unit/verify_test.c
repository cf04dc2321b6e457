/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verifier's cases (verify_case.h), one program each: accepted, or refused
 * by the rule and with the words that the case names.
 *
 * Each case is loaded again with the first, second ... allocation failing:
 * that gives ENOMEM, or the same refusal told in fewer words, and leaks
 * nothing. All of it is done twice, the second time in a runtime that is
 * hardened, which must not change any verdict. Cost: verify_cost_test.c.
 *
 *	verify_test [--quick] [NAME]	quick: no failing allocations, and the
 *					first failure is the last case
 *	verify_test --device TARGET	the cases as requests to a device
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "remote.h"
#include "tap.h"
#include "verify_case.h"

static bool quick;

static const char *const rule_names[] = {
#define EBPF_RULE(name, sentence, fix) #name,
#include "abi/rule.def"
};

struct verify_outcome {
	int error, fences;
	struct ebpf_load_stats stats;
	char log[16384], report[16384];
};

/* Places that speculation must not pass. NULL: of one that is only verified. */
static int
count_fences(const struct ebpf_prog *prog, uint32_t insn_count)
{
	uint32_t i;
	int n = 0;

	for (i = 0; prog && prog->fences && i < insn_count; i++)
		n += prog->fences[i / 8] >> i % 8 & 1;
	return n;
}

static void
load(struct ebpf_runtime *rt, const struct verify_case *t,
     const struct ebpf_insn *insns, uint32_t count, struct verify_outcome *out)
{
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = t->kind,
		.insns = insns,
		.insn_count = count,
		.engine = t->hardened ? EBPF_LOAD_JIT : EBPF_LOAD_INTERP,
		.mem_size = t->mem,
		.map_count = t->map_count,
		.maps = t->maps,
		.name = "case",
		.log = out->log,
		.log_size = sizeof(out->log),
		.stats = &out->stats,
		.report = out->report,
		.report_size = sizeof(out->report),
		.verify_only = t->for_linux,
		.assume_linux = t->for_linux,
		.btf = t->btf,
		.funcs = t->types.funcs,
		.func_count = t->types.func_count,
	};
	struct ebpf_prog *prog;

	out->log[0] = '\0';
	out->error = ebpf_prog_load(rt, &request, &prog);
	if (!out->error) {
		out->fences = count_fences(prog, count);
		ebpf_prog_put(prog);
	}
}

/* ---- the same by requests to a device ---- */

static struct gebpf_device *device; /* NULL: not in this mode */
static int left_out; /* cases that a device cannot be asked */

/* A map as the case's own is, with what was written before it was frozen. */
static int
map_there(const struct ebpf_map *map, uint32_t inner_id, uint32_t *id)
{
	struct ebpf_req_map_create req = {
		.kind = map->ops->kind,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		/* a kind may add some of its own */
		.flags = map->flags &
			 (map->ops->flags_allowed | EBPF_F_ASSUMED),
		.inner_map_id = inner_id,
		.btf_key_type = map->btf_key_type,
		.btf_value_type = map->btf_value_type,
	};
	struct ebpf_req_btf_load types = {.len = map->btf ? map->btf->len : 0};
	struct ebpf_rep_id made = {0};
	struct gebpf_call load_types = {
		.number = EBPF_REQUEST_BTF_LOAD,
		.req = &types,
		.req_len = sizeof(types),
		.in = {{map->btf ? map->btf->data : NULL, types.len}},
		.rep = &made,
		.rep_len = sizeof(made),
	};
	uint8_t *value = calloc(1, map->value_size + 8);
	uint32_t key = 0;
	struct ebpf_req_id freeze;
	int error = 0;

	if (map->btf)
		error = gebpf_request(device, &load_types);
	req.btf_id = made.id;
	made.id = 0;
	if (!error)
		error = gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &req,
				  sizeof(req), &made, sizeof(made));
	*id = made.id;
	if (!error && map->frozen) {
		memcpy(value, "AB", map->value_size < 2 ? 1 : 2);
		freeze.id = made.id;
		error = remote_update(device, made.id, &key, 4, value,
				      map->value_size, EBPF_ANY);
		if (!error)
			error = gebpf_ask(device, EBPF_REQUEST_MAP_FREEZE,
					  &freeze, sizeof(freeze), NULL, 0);
	}
	free(value);
	return error;
}

static void
load_there(const struct verify_case *t, const struct ebpf_insn *insns,
	   uint32_t count, struct verify_outcome *out)
{
	uint32_t ids[VERIFY_MAPS] = {0}, i;
	struct ebpf_req_prog_load req = {
		.kind = t->kind,
		.flags = t->for_linux ? EBPF_PROG_VERIFY_ONLY |
						EBPF_PROG_ASSUME_LINUX :
					EBPF_PROG_JIT,
		.insn_count = count,
		.map_count = t->map_count,
		.mem_size = t->mem,
		.log_size = sizeof(out->log) - 1,
	};
	struct ebpf_rep_prog_load rep = {0};
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req,
		.req_len = sizeof(req),
		.in = {{insns, (size_t)count * 8},
		       {ids, (size_t)t->map_count * 4}},
		.rep = &rep,
		.rep_len = sizeof(rep),
		.out = out->log,
		.out_room = sizeof(out->log) - 1,
	};

	out->error = 0;
	for (i = 0; i < t->map_count && !out->error; i++)
		out->error = map_there(
			t->maps[i], t->inner[i] < 0 ? 0 : ids[t->inner[i]],
			&ids[i]);
	if (!out->error) {
		out->error = gebpf_request(device, &call);
		out->log[call.out_len] = '\0';
		out->stats.rule = rep.rule;
		out->stats.insns_processed = rep.insns_processed;
	}
	if (rep.id)
		remote_drop(device, EBPF_OBJ_PROG, rep.id);
	for (i = 0; i < t->map_count; i++)
		if (ids[i])
			remote_drop(device, EBPF_OBJ_MAP, ids[i]);
}

static bool
judge(const struct verify_case *t, const struct verify_outcome *out)
{
	const char *rule = out->stats.rule < EBPF_RULE_COUNT ?
				   rule_names[out->stats.rule] :
				   "?";
	char record[64];

	if (t->accept) {
		if (out->error) {
			tap_diag("refused (%d):\n%s", out->error, out->log);
			return false;
		}
		if (t->at_most && out->stats.insns_processed > t->at_most) {
			tap_diag("looked at %llu instructions",
				 (unsigned long long)
					 out->stats.insns_processed);
			return false;
		}
		if (t->hardened && !device && t->fences >= 0 &&
		    out->fences != t->fences) {
			tap_diag("%d fences, not %d", out->fences, t->fences);
			return false;
		}
		return true;
	}
	if (out->error != -EBPF_EREJECTED || strcmp(rule, t->rule) != 0 ||
	    !strstr(out->log, t->words)) {
		tap_diag("wanted %s '%s', got %d %s:\n%s", t->rule, t->words,
			 out->error, rule, out->log);
		return false;
	}
	if (device)
		return true;
	/* the records have the same, and the path could be gone again */
	snprintf(record, sizeof(record), "rule\t%s\n", rule);
	if (strncmp(out->report, record, strlen(record)) != 0 ||
	    !strstr(out->report, t->words) || strstr(out->report, "\tlost\n") ||
	    !strstr(out->report, "\nat\t") || !strstr(out->report, "\nfix\t") ||
	    !strstr(out->log, "\nfix: ")) {
		tap_diag("its records:\n%s", out->report);
		return false;
	}
	return true;
}

/* Loading fails cleanly whichever allocation does; up to `most` of them. */
static bool
survives_no_memory(struct ebpf_runtime *rt, const struct verify_case *t,
		   const struct ebpf_insn *insns, uint32_t count,
		   struct verify_outcome *out, uint64_t most)
{
	uint64_t n, live;
	bool failed = true;

	os_epoch_drain();
	live = os_test_live();
	for (n = 1; n <= most && failed; n++) {
		os_test_fail_at(n);
		load(rt, t, insns, count, out);
		failed = os_test_failed();
		os_test_fail_at(0);
		os_epoch_drain();
		/* a refusal stays one when there is no memory to explain it */
		if (failed && out->error != -EBPF_ENOMEM &&
		    (t->accept || out->error != -EBPF_EREJECTED)) {
			tap_diag("allocation %llu failing gives %d",
				 (unsigned long long)n, out->error);
			return false;
		}
		if (os_test_live() != live) {
			tap_diag("allocation %llu failing leaks",
				 (unsigned long long)n);
			return false;
		}
	}
	return true;
}

static void
run_case(const char *path, const char *name, bool hardened, int *accepts,
	 int *rejects)
{
	struct verify_case *t = calloc(1, sizeof(*t));
	struct verify_outcome *out = calloc(1, sizeof(*out));
	struct gebpf_error err = {0};
	struct ebpf_runtime *rt = NULL;
	struct ebpf_insn *insns = NULL;
	uint32_t count = 0;
	bool ok;
	FILE *file = fopen(path, "r");

	t->hardened = hardened;
	if (file) {
		fread(t->text, 1, sizeof(t->text) - 1, file);
		fclose(file);
	}
	if (!file || !verify_case_parse(&rt, t)) {
		tap_ok(false, "%s: cannot be read", name);
		goto out;
	}
	if (gebpf_asm(t->code, strlen(t->code), &insns, &count, &err)) {
		tap_ok(false, "%s: does not assemble: %s", name, err.text);
		goto out;
	}
	/* these cases need types, or a budget of their own */
	if (device && (t->types.func_count || t->budget)) {
		left_out++;
		goto out;
	}
	if (device)
		load_there(t, insns, count, out);
	else
		load(rt, t, insns, count, out);
	ok = judge(t, out) &&
	     (quick || survives_no_memory(rt, t, insns, count, out, 40));
	tap_ok(ok, "%s%s", name, hardened ? ", hardened" : "");
	if (quick && !device && !ok)
		exit(1);
	*(t->accept ? accepts : rejects) += !hardened;
out:
	free(insns);
	verify_case_clear(t);
	if (rt)
		ebpf_runtime_destroy(rt);
	free(out);
	free(t);
}

static int
is_case(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0;
}

static void
run_cases(const char *only)
{
	static const char dir[] = "tests/verify/cases";
	struct dirent **entries;
	int n = scandir(dir, &entries, is_case, alphasort), i;
	int accepts = 0, rejects = 0;
	char path[512];

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!only || strstr(entries[i]->d_name, only)) {
			run_case(path, entries[i]->d_name, false, &accepts,
				 &rejects);
			if (ebpf_jit_host() && !device)
				run_case(path, entries[i]->d_name, true,
					 &accepts, &rejects);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	tap_diag("%d accepted, %d rejected", accepts, rejects);
	if (left_out)
		tap_skip("types are not sent, a device has one budget for all",
			 "%d cases", left_out);
	if (!only)
		tap_ok(accepts >= 300 && rejects >= 300,
		       "at least 300 cases of each");
}

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--device") == 0) {
		struct gebpf_error err;

		if (gebpf_open(argv[2], GEBPF_OPEN_NO_START, &device, &err)) {
			tap_ok(false, "%s: %s", argv[2], err.text);
			return tap_done();
		}
		quick = true;
		argv += 2;
		argc -= 2;
	}
	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		quick = true;
		argv++;
		argc--;
	}
	run_cases(argc > 1 ? argv[1] : NULL);
	gebpf_close(device);
	return tap_done();
}
