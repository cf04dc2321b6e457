/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Runs text cases (tests/engine/README.md) through assembler, decoder,
 * interpreter, JIT and disassembler, below the verifier.
 *
 *   engine_test [CASE...]         the project's own cases, or those named; TAP
 *   engine_test --conformance DIR the public suite's; failures and a summary
 *   engine_test --device TARGET   those that verify, loaded into a device and
 *                                 run there, compared with the local device
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/interp.h"
#include "core/jit/jit.h"
#include "core/runtime.h"
#include "core/map.h"
#include "engine_case.h"
#include "interp_forms.h"
#include "tap.h"
#include "unverified.h"

/* How often each row occurs in the cases run. */
static uint32_t seen[EBPF_OP_COUNT];

/* ---- what programs find ---- */

static uint64_t
helper_nonzero(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
	       const struct ebpf_prog *prog)
{
	return 1;
}

static uint64_t
helper_weigh(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
	     const struct ebpf_prog *prog)
{
	return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}

static uint64_t
helper_key_size(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
		const struct ebpf_prog *prog)
{
	return ((const struct ebpf_map *)(uintptr_t)r1)->key_size;
}

static const struct ebpf_helper test_helpers[] = {
	{ .fn = helper_nonzero, .name = "nonzero", .number = 5 },
	{ .fn = helper_weigh, .name = "weigh", .number = 400 },
	{ .fn = helper_key_size, .name = "key_size", .number = 401 },
	/* engines make loops of these */
	{ .fn = helper_nonzero, .name = "loop", .number = EBPF_FUNC_loop,
	  .flags = EBPF_HELPER_LOOP },
	{ .fn = helper_nonzero, .name = "for_each_map_elem",
	  .number = EBPF_FUNC_for_each_map_elem, .flags = EBPF_HELPER_LOOP },
};
static const struct ebpf_helper *const helper_list[] = {
	&test_helpers[0],
	&test_helpers[1],
	&test_helpers[2],
	&test_helpers[3],
	&test_helpers[4],
};

static uint8_t map_values[32];
static struct ebpf_map_array test_map = {
	.map = {
		.ops = &ebpf_map_array_ops,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 4,
		.stride = 8,
	},
	.index_mask = 3,
	.values = map_values,
};
static struct ebpf_map *map_list[] = { &test_map.map };

static const struct unverified_options run_options = {
	.helpers = helper_list,
	.helper_count = 5,
	.maps = map_list,
	.map_count = 1,
};

/* ---- running ---- */

/* One run in fresh memory, exactly as large as the case says. */
static bool
run(const struct engine_case *c, const struct ebpf_prog *prog, char *why,
    size_t size)
{
	uint8_t *mem = NULL;
	uint64_t result, expected = engine_case_result(c);
	bool pass = true;
	size_t i;

	for (i = 0; i < sizeof(map_values); i++)
		map_values[i] = (uint8_t)((i / 8 + 1) * 16 + i % 8 + 1);
	if (c->mem.given) {
		mem = malloc(c->mem.len ? c->mem.len : 1);
		memcpy(mem, c->mem.data, c->mem.len);
	}
	result = ebpf_prog_run(prog, (uintptr_t)mem, c->mem.len, 0);
	if (result != expected) {
		snprintf(why, size, "r0 is 0x%llx, expected 0x%llx",
			 (unsigned long long)result,
			 (unsigned long long)expected);
		pass = false;
	} else if (c->after.given &&
		   (c->after.len != c->mem.len ||
		    memcmp(c->after.data, mem, c->mem.len) != 0)) {
		for (i = 0; i + 1 < c->mem.len && mem[i] == c->after.data[i];)
			i++;
		snprintf(why, size, "memory differs at byte %zu: 0x%02x", i,
			 mem[i]);
		pass = false;
	}
	free(mem);
	return pass;
}

static bool
goes_round(const struct engine_case *c, enum gebpf_disasm_style style,
	   char *why, size_t size)
{
	struct gebpf_disasm options = { .style = style, .code_prefix = true };
	struct gebpf_error err = { 0 };
	struct ebpf_insn *back = NULL;
	struct engine_text text = { NULL, 0 };
	uint32_t i, back_count;
	char line[128];
	bool pass = true;
	int used;

	for (i = 0; i < c->count && pass; i += (uint32_t)used) {
		used = gebpf_disasm(c->insns, c->count, i, &options, line,
				    sizeof(line));
		if (used < 0) {
			snprintf(why, size, "slot %u is no instruction: %s", i,
				 line);
			pass = false;
			break;
		}
		engine_text_add(&text, line, strlen(line));
	}
	if (pass && (gebpf_asm(text.data, text.len, &back, &back_count,
			       &err) != 0 ||
		     back_count != c->count ||
		     memcmp(back, c->insns, c->count * 8) != 0)) {
		snprintf(why, size, "text does not come back: %s", err.text);
		pass = false;
	}
	free(text.data);
	free(back);
	return pass;
}

/* What is done with a case, and what came of it over all cases. */
enum way {
	WAY_INTERP,
	WAY_UNFUSED,
	WAY_SWITCH,
	WAY_CLANG,
	WAY_JIT,
	WAY_BLINDED,
	WAY_KERNEL_TEXT,
	WAY_MNEMONIC_TEXT,
	WAY_COUNT,
};
static const char *const way_names[WAY_COUNT] = {
	"interpreter", "interpreter, nothing fused", "interpreter, a switch",
	"interpreter, clang's", "jit", "jit, blinded", "kernel text",
	"mnemonic text",
};
static uint32_t way_passed[WAY_COUNT], way_failed[WAY_COUNT];
static bool quiet;

static void
tell(enum way way, bool pass, const char *name, const char *why)
{
	if (pass)
		way_passed[way]++;
	else
		way_failed[way]++;
	if (!quiet)
		tap_ok(pass, "%s, %s", name, way_names[way]);
	if (!pass)
		tap_diag("%s, %s: %s", name, way_names[way], why);
}

static void
run_error_case(struct engine_case *c, const char *name)
{
	char why[1100] = "";
	struct ebpf_prog *prog = NULL;

	if (engine_case_insns(c, why, sizeof(why)))
		prog = unverified_prog(c->insns, c->count, &run_options, why,
				       sizeof(why));
	tell(WAY_INTERP,
	     prog == NULL && c->error[0] != '\0' &&
		     strstr(why, c->error) != NULL,
	     name, prog ? "is accepted" : why);
	unverified_free(prog);
}

static void
count_rows(const struct engine_case *c)
{
	struct ebpf_op *ops = calloc(c->count, sizeof(*ops));
	struct ebpf_decode_error error;
	uint32_t i;

	if (ebpf_decode(c->insns, c->count, ops, &error) == 0)
		for (i = 0; i < c->count; i++)
			seen[ops[i].code]++;
	free(ops);
}

/* The same code with no constant of the case's in it. */
static void
run_blinded(struct engine_case *c, const char *name)
{
	char why[1100] = "";
	struct ebpf_prog *prog;
	int rc;

	if (ebpf_jit_host() == NULL || c->no_jit)
		return;
	prog = unverified_prog(c->insns, c->count, &run_options, why,
			       sizeof(why));
	if (prog == NULL) {
		tell(WAY_BLINDED, false, name, why);
		return;
	}
	prog->obj.rt->config.harden = EBPF_HARDEN_CONSTANTS;
	rc = unverified_compile(prog);
	prog->obj.rt->config.harden = 0;
	if (rc != 0)
		snprintf(why, sizeof(why), "compiling says %d", rc);
	tell(WAY_BLINDED, rc == 0 && run(c, prog, why, sizeof(why)), name,
	     why);
	unverified_free(prog);
}

static void
run_interpreters(const struct engine_case *c, struct ebpf_prog *prog,
		 const char *name)
{
	char why[1100] = "";

	tell(WAY_INTERP, run(c, prog, why, sizeof(why)), name, why);
	unverified_fuse(prog, EBPF_FUSE_NONE);
	tell(WAY_UNFUSED, run(c, prog, why, sizeof(why)), name, why);
	unverified_fuse(prog, EBPF_FUSE_ALL);
	prog->entry = interp_run_switch;
	tell(WAY_SWITCH, run(c, prog, why, sizeof(why)), name, why);
	prog->entry = interp_run_clang;
	tell(WAY_CLANG, run(c, prog, why, sizeof(why)), name, why);
	prog->entry = ebpf_interp_run;
}

static void
run_good_case(struct engine_case *c, const char *name)
{
	char why[1100] = "";
	struct ebpf_prog *prog;
	int rc;

	if (!engine_case_insns(c, why, sizeof(why))) {
		tell(WAY_INTERP, false, name, why);
		return;
	}
	prog = unverified_prog(c->insns, c->count, &run_options, why,
			       sizeof(why));
	if (prog == NULL) {
		tell(WAY_INTERP, false, name, why);
		return;
	}
	count_rows(c);
	run_interpreters(c, prog, name);
	if (ebpf_jit_host() != NULL) {
		rc = unverified_compile(prog);
		if (c->no_jit || rc != 0) {
			snprintf(why, sizeof(why), "compiling says %d", rc);
			tell(WAY_JIT, c->no_jit && rc != 0, name, why);
		} else {
			tell(WAY_JIT, run(c, prog, why, sizeof(why)), name,
			     why);
		}
	}
	unverified_free(prog);
	run_blinded(c, name);
	tell(WAY_KERNEL_TEXT,
	     goes_round(c, GEBPF_DISASM_KERNEL, why, sizeof(why)), name, why);
	tell(WAY_MNEMONIC_TEXT,
	     goes_round(c, GEBPF_DISASM_ASM, why, sizeof(why)), name, why);
}

/* ---- in a device, above the verifier ---- */

static struct gebpf_device *device, *reference; /* NULL: not in this mode */
static uint32_t device_verified, device_refused;

/*
 * Load a case and run it: 0, or the device's error. No maps and no helpers of
 * the cases' own are there, so what wants them is refused.
 */
static int
run_in_device(struct gebpf_device *dev, const struct engine_case *c,
	      uint64_t *result, uint8_t *after)
{
	struct ebpf_req_prog_load load = {
		.kind = EBPF_PROG_RAW,
		.insn_count = c->count,
		.mem_size = (uint32_t)c->mem.len,
	};
	struct ebpf_rep_prog_load loaded = { 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &load,
		.req_len = sizeof(load),
		.in = { { c->insns, (size_t)c->count * 8 } },
		.rep = &loaded,
		.rep_len = sizeof(loaded),
	};
	struct ebpf_req_prog_run run_req = {
		.repeat = 1,
		.data_len = (uint32_t)c->mem.len,
		.data_out_max = (uint32_t)c->mem.len,
	};
	struct ebpf_rep_prog_run ran = { 0 };
	struct gebpf_call run_call = {
		.number = EBPF_REQUEST_PROG_RUN,
		.req = &run_req,
		.req_len = sizeof(run_req),
		.in = { { c->mem.data, c->mem.len } },
		.rep = &ran,
		.rep_len = sizeof(ran),
		.out = after,
		.out_room = c->mem.len,
	};
	struct ebpf_req_obj drop = { .kind = EBPF_OBJ_PROG };
	int error;

	error = gebpf_request(dev, &call);
	if (error)
		return error;
	run_req.id = loaded.id;
	error = gebpf_request(dev, &run_call);
	*result = ran.retval;
	drop.id = loaded.id;
	gebpf_ask(dev, EBPF_REQUEST_OBJ_DROP, &drop, sizeof(drop), NULL, 0);
	return error;
}

static void
run_device_case(struct engine_case *c, const char *name)
{
	uint8_t *after = calloc(2, c->mem.len + 1);
	uint8_t *after_ref = after + c->mem.len + 1;
	uint64_t expected = engine_case_result(c);
	uint64_t result = 0, result_ref = 0;
	char why[1100] = "";
	int error, error_ref;

	if (!engine_case_insns(c, why, sizeof(why))) {
		if (!c->has_error)
			tap_ok(false, "%s: %s", name, why);
		goto out;
	}
	error_ref = run_in_device(reference, c, &result_ref, after_ref);
	error = run_in_device(device, c, &result, after);
	if (error || error_ref) {
		device_refused++;
		if (error != error_ref)
			tap_ok(false, "%s: device says %d, local device %d",
			       name, error, error_ref);
		goto out;
	}
	device_verified++;
	tap_ok(!c->has_error && result == expected && result == result_ref &&
		       memcmp(after, after_ref, c->mem.len) == 0 &&
		       (!c->after.given || c->after.len != c->mem.len ||
			memcmp(after, c->after.data, c->mem.len) == 0),
	       "%s, r0 %#llx", name, (unsigned long long)result);
out:
	free(after);
}

static void
run_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct engine_case c;

	if (!engine_case_read(&c, path)) {
		tell(WAY_INTERP, false, name, "cannot be read");
		return;
	}
	if ((!c.has_asm && !c.has_raw) || c.has_result == c.has_error)
		tell(WAY_INTERP, false, name,
		     "has not one program and one outcome");
	else if (device != NULL)
		run_device_case(&c, name);
	else if (c.has_error)
		run_error_case(&c, name);
	else
		run_good_case(&c, name);
	engine_case_clear(&c);
}

static int
is_case(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL &&
	       (strcmp(dot, ".txt") == 0 || strcmp(dot, ".data") == 0);
}

/* All cases of a folder in the order of their names; how many. */
static int
run_folder(const char *folder)
{
	struct dirent **entries;
	char path[4096];
	int count = scandir(folder, &entries, is_case, alphasort), i;

	if (count < 0)
		return 0;
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder,
			 entries[i]->d_name);
		run_file(path);
		free(entries[i]);
	}
	free(entries);
	return count;
}

/* ---- the two ways to be called ---- */

static void
check_coverage(void)
{
	static const char *const names[EBPF_OP_COUNT] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	[EBPF_OP_##op] = #op,
#include "abi/insn.def"
	};
	uint32_t missing = 0;
	int op;

	for (op = 0; op < EBPF_OP_COUNT; op++) {
		if (seen[op] != 0)
			continue;
		tap_diag("no case has %s", names[op]);
		missing++;
	}
	tap_ok(missing == 0, "every instruction of insn.def has a case");
}

/* "name<TAB>bytes...": each line's program must be refused by the decoder. */
static bool
check_reserved(const char *folder, uint32_t *refused, uint32_t *count)
{
	struct ebpf_decode_error error;
	struct ebpf_insn insns[16];
	struct ebpf_op ops[16];
	char path[4096], line[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/reserved_fields.tsv", folder);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL) {
		char *at = strchr(line, '\t'), *end;
		uint8_t bytes[sizeof(insns)];
		uint32_t len = 0;

		if (at == NULL || strncmp(line, "name\t", 5) == 0)
			continue;
		*at++ = '\0';
		for (; len < sizeof(bytes); at = end) {
			unsigned long value = strtoul(at, &end, 16);

			if (end == at || value > 255)
				break;
			bytes[len++] = (uint8_t)value;
		}
		memcpy(insns, bytes, len);
		(*count)++;
		if (len >= 8 && len % 8 == 0 &&
		    ebpf_decode(insns, len / 8, ops, &error) != 0)
			(*refused)++;
		else
			tap_diag("%s is not refused", line);
	}
	fclose(file);
	return *count > 0 && *refused == *count;
}

static int
conformance(const char *folder)
{
	char path[4096];
	uint32_t refused = 0, fields = 0;
	bool pass;
	int cases, way;

	quiet = true;
	snprintf(path, sizeof(path), "%s/tests", folder);
	cases = run_folder(path);
	tap_ok(cases > 0, "%s has %d cases", path, cases);
	for (way = 0; way < WAY_COUNT; way++) {
		pass = way_passed[way] == (uint32_t)cases &&
		       way_failed[way] == 0;
		if ((way == WAY_JIT || way == WAY_BLINDED) &&
		    ebpf_jit_host() == NULL)
			tap_skip("no JIT here", "conformance, jit");
		else
			tap_ok(pass, "conformance, %s: %u of %d",
			       way_names[way], way_passed[way], cases);
	}
	pass = check_reserved(folder, &refused, &fields);
	tap_ok(pass, "conformance, reserved fields refused: %u of %u", refused,
	       fields);
	return tap_done();
}

static int
in_device(const char *target)
{
	struct gebpf_error err = { 0 };

	if (gebpf_open(target, GEBPF_OPEN_NO_START, &device, &err) ||
	    gebpf_open("local", 0, &reference, &err)) {
		tap_ok(false, "%s: %s", target, err.text);
		gebpf_close(device);
		return tap_done();
	}
	run_folder("tests/engine/cases");
	tap_ok(device_verified > 100, "%u cases verify, %u are refused alike",
	       device_verified, device_refused);
	gebpf_close(reference);
	gebpf_close(device);
	return tap_done();
}

int
main(int argc, char **argv)
{
	int i;

	if (argc == 3 && strcmp(argv[1], "--device") == 0)
		return in_device(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--conformance") == 0)
		return conformance(argv[2]);
	if (argc > 1) {
		for (i = 1; i < argc; i++)
			run_file(argv[i]);
		return tap_done();
	}
	tap_ok(run_folder("tests/engine/cases") > 0,
	       "tests/engine/cases has cases");
	check_coverage();
	return tap_done();
}
