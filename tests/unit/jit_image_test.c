/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the JIT leaves in memory: protection, traps, host addresses that dumps
 * must not show, dead slots, long jumps, nothing after failing allocations, and
 * code that a disassembler reads as it was meant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/helper.h"
#include "core/jit/jit.h"
#include "core/jit/jit_buf.h"
#include "core/jit/jit_lookup.h"
#include "core/map.h"
#include "core/runtime.h"
#include "jit_lab.h"
#include "progen.h"
#include "tap.h"
#include "unverified.h"

/* The permissions /proc/self/maps shows for an address; "" when none. */
static void
permissions(const void *at, char perms[8], bool *both)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	perms[0] = '\0';
	*both = false;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long start, end;
		char p[8];

		if (sscanf(line, "%lx-%lx %7s", &start, &end, p) != 3)
			continue;
		if (p[1] == 'w' && p[2] == 'x')
			*both = true;
		if ((uintptr_t)at >= start && (uintptr_t)at < end)
			memcpy(perms, p, sizeof(p));
	}
	if (maps != NULL)
		fclose(maps);
}

static struct ebpf_prog *
random_prog(uint64_t seed)
{
	struct ebpf_prog *prog;
	char why[128];

	progen_random(&lab_gen, seed, 512);
	prog = unverified_prog(lab_gen.insns, lab_gen.count, progen_options(), why,
			       sizeof(why));
	lab_gen.count = 0;
	if (prog == NULL || unverified_compile(prog) != 0) {
		tap_ok(false, "seed %llu compiles", (unsigned long long)seed);
		exit(tap_done());
	}
	return prog;
}

/* Nothing else from there to there. */
static bool
traps(const struct os_exec *exec, const uint8_t *from, const uint8_t *to)
{
	const struct ebpf_jit_ops *ops = ebpf_jit_host();
	const uint8_t *run = exec->run;
	bool all = true;

	for (; from < to; from++)
		all &= *from == ops->trap[(size_t)(from - run) % ops->trap_len];
	return all;
}

static void
protection(void)
{
	struct ebpf_prog *prog = random_prog(1);
	const struct ebpf_jit_image *image = prog->image;
	char perms[8];
	bool both;

	permissions(image->code, perms, &both);
	if (perms[0] == '\0')
		tap_skip("no /proc/self/maps", "code is not writable");
	else
		tap_ok(strncmp(perms, "r-x", 3) == 0 && !both,
		       "code is %s, nothing is writable and executable",
		       perms);
	tap_ok(traps(&image->exec, image->exec.run, image->code) &&
		       (uintptr_t)(image->code + image->entry_off) % 16 == 0,
	       "traps in front of the code");
	tap_ok(traps(&image->exec, image->code + image->code_len,
		     (const uint8_t *)image->exec.run + image->exec.size),
	       "and behind it");
	unverified_free(prog);
}

/* Code may end in a jump that is shorter than it was drafted. */
static void
last_jump(void)
{
	bool all = true;

	for (uint32_t n = 0; n < 8; n++) {
		const struct ebpf_jit_image *image;
		struct ebpf_prog *prog;

		lab_put(0x05, 0, 0, (int16_t)(n + 2), 0);
		for (uint32_t i = 0; i <= n; i++)
			lab_put(0x07, 0, 0, 0, 1);
		lab_put(0x95, 0, 0, 0, 0);
		lab_put(0xb7, 0, 0, 0, 3);
		lab_put(0x05, 0, 0, (int16_t)(-2 - (int32_t)(n + 1)), 0);
		prog = lab_finish(NULL, 0, NULL);
		TAP_CHECK(unverified_compile(prog) == 0);
		image = prog->image;
		all &= lab_run(prog, 0, 0, 0) == 3 + n &&
		       traps(&image->exec, image->code + image->code_len,
			     (const uint8_t *)image->exec.run +
				     image->exec.size);
		unverified_free(prog);
	}
	tap_ok(all, "and behind a jump at its end");
}

/* The same around the code that a map got. */
static void
lookup_protection(void)
{
	struct ebpf_map *map = lab_map(EBPF_MAP_HASH, 4, 8, 100);
	struct ebpf_prog *prog = lab_lookup_prog(map, LAB_NOT);
	static uint8_t scratch[4096];
	const struct ebpf_jit_lookup *lookup;
	struct ebpf_jit_plan plan;
	uint32_t len, kept;
	bool own;

	if (unverified_compile(prog) != 0 ||
	    ebpf_jit_lookup_code(map, false, &own) == NULL || !own ||
	    !ebpf_jit_plan(map, &plan)) {
		tap_ok(false, "a hash has code of its own");
		exit(tap_done());
	}
	lookup = map->code;
	len = ebpf_jit_host()->lookup(&plan, scratch, sizeof(scratch),
				      (uint64_t)(uintptr_t)lookup->code,
				      &kept);
	tap_ok(len > 0 && memcmp(lookup->code, scratch, len) == 0,
	       "a lookup's code is what it comes out as there (%u bytes)",
	       len);
	tap_ok(traps(&lookup->exec, lookup->exec.run, lookup->code) &&
		       traps(&lookup->exec, lookup->code + len,
			     (const uint8_t *)lookup->exec.run +
				     lookup->exec.size),
	       "traps on either side of it");
	unverified_free(prog);
	ebpf_map_put(map);
}

static int
by_starts(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* Two compilations differ in nothing but what addrs names. */
static void
addresses(void)
{
	struct ebpf_map *map = lab_map(EBPF_MAP_ARRAY, 4, 8, 4);
	struct ebpf_map *hash = lab_map(EBPF_MAP_HASH, 4, 8, 4);
	struct ebpf_map *maps[2] = { map, hash };
	uintptr_t starts[16];
	uint8_t *code[2] = { NULL, NULL };
	uint32_t len[2] = { 0, 0 }, leaks = 0, count = 0;

	for (int i = 0; i < 2; i++) {
		struct ebpf_prog *prog;
		const struct ebpf_jit_image *image;

		lab_put(0x62, 10, 0, -4, 0);
		for (uint32_t m = 0; m < 2; m++) {
			lab_put(0xbf, 2, 10, 0, 0);
			lab_put(0x07, 2, 0, 0, -4);
			lab_put_map(1, m);
			lab_put_call(EBPF_FUNC_map_lookup_elem);
		}
		lab_put(0xbf, 1, 0, 0, 0);
		lab_put_call(EBPF_FUNC_redirect); /* wants the program */
		lab_put_call(EBPF_FUNC_ktime_get_ns);
		lab_put(0x95, 0, 0, 0, 0);
		prog = lab_finish(maps, 2, NULL);
		TAP_CHECK(unverified_compile(prog) == 0);
		image = prog->image;
		len[i] = image->code_len;
		code[i] = malloc(len[i]);
		memcpy(code[i], image->code, len[i]);
		for (uint32_t a = 0; a < image->addr_count; a++) {
			if (image->addrs[a].off + image->addrs[a].len > len[i])
				leaks += 100;
			else
				memset(code[i] + image->addrs[a].off, 0,
				       image->addrs[a].len);
		}
		starts[count++] = (uintptr_t)map;
		starts[count++] = (uintptr_t)hash;
		starts[count++] = (uintptr_t)prog;
		starts[count++] = (uintptr_t)image->code;
		starts[count++] = (uintptr_t)ebpf_helper_ktime_get_ns;
		unverified_free(prog);
	}
	tap_ok(len[0] == len[1] && memcmp(code[0], code[1], len[0]) == 0,
	       "without host addresses, code does not depend on place");
	qsort(starts, count, sizeof(*starts), by_starts);
	for (uint32_t i = 0; i + 8 <= len[0]; i++) {
		uint64_t word;

		memcpy(&word, code[0] + i, 8);
		for (uint32_t s = 0; s < count; s++)
			leaks += word >> 12 == starts[s] >> 12;
	}
	tap_ok(leaks == 0, "no host address is left in a dump");
	free(code[0]);
	free(code[1]);
	ebpf_map_put(map);
	ebpf_map_put(hash);
}

static void
dead_slots(void)
{
	static uint8_t dead[1] = { 2 | 4 }; /* slots 1 and 2 */
	struct ebpf_prog *prog;

	lab_put(0xb7, 0, 0, 0, 1);
	lab_put(0x18, 0, 0, 0, 5);
	lab_put(0, 0, 0, 0, 6);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(NULL, 0, NULL);
	prog->dead = dead;
	TAP_CHECK(unverified_compile(prog) == 0);
	tap_ok(lab_run(prog, 0, 0, 0) == 1 &&
		       prog->image->slot_offs[1] == prog->image->slot_offs[3],
	       "dead slots have no code");
	prog->dead = NULL;
	unverified_free(prog);
}

/* What the interpreter has made of a program is no compiler's to read. */
static void
fused(void)
{
	struct ebpf_jit_image *image;
	struct ebpf_prog *prog;

	lab_put(0xb7, 0, 0, 0, 1);
	lab_put(0x15, 0, 0, 1, 1);
	lab_put(0xb7, 0, 0, 0, 2);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(NULL, 0, NULL);
	tap_ok(ebpf_jit_compile(prog, &image) == -EBPF_EINVAL &&
		       image == NULL && unverified_compile(prog) == 0 &&
		       lab_run(prog, 0, 0, 0) == 1,
	       "fused ops are not compiled");
	unverified_free(prog);
}

/*
 * Code is sized for where the last was put. Wherever that was, what is written
 * is the same: helpers that are near are called near, others are not.
 */
static void
places(void)
{
	static const struct ebpf_helper far = {
		.fn = (ebpf_helper_fn *)(uintptr_t)(1ull << 46),
		.name = "far", .number = 60001, .kinds = ~0u,
		.ret = EBPF_RET_INT,
	};
	const uint64_t wishes[] = { 0, (1ull << 46) + 4096, 1ull << 40 };
	struct ebpf_jit_image *images[3] = { NULL };
	struct ebpf_prog *prog;
	bool same = true, runs = true;

	TAP_CHECK(ebpf_helper_register(lab_rt, &far) == 0);
	for (uint32_t i = 0; i < 3; i++) {
		lab_put(0x15, 1, 0, 2, 0);
		lab_put_call(far.number);
		lab_put_call(far.number);
		lab_put_call(EBPF_FUNC_ktime_get_ns);
		lab_put(0xb7, 0, 0, 0, 7);
		lab_put(0x95, 0, 0, 0, 0);
		prog = lab_finish(NULL, 0, NULL);
		ebpf_jit_place(wishes[i]);
		TAP_CHECK(unverified_compile(prog) == 0);
		images[i] = prog->image;
		prog->image = NULL;
		runs &= lab_run(prog, 0, 0, 0) == 7;
		same &= images[i]->code_len == images[0]->code_len &&
			images[i]->addr_count == 3 &&
			memcmp(images[i]->addrs, images[0]->addrs,
			       3 * sizeof(images[0]->addrs[0])) == 0;
		unverified_free(prog);
	}
	for (uint32_t i = 0; i < 3; i++)
		ebpf_jit_free(images[i]);
	tap_ok(same && runs, "where code was expected makes no difference");
}

/* How often four bytes of the program's choice stand in its code. */
static uint32_t
sightings(bool blinded)
{
	static const uint8_t wanted[4] = { 0x0f, 0x05, 0xeb, 0x90 };
	const struct ebpf_jit_image *image;
	struct ebpf_prog *prog;
	uint32_t seen = 0;
	int32_t imm;

	memcpy(&imm, wanted, sizeof(imm));
	lab_put(0xb7, 0, 0, 0, imm);  /* r0 = imm */
	lab_put(0x07, 0, 0, 0, imm);  /* += */
	lab_put(0xa4, 0, 0, 0, imm);  /* w0 ^= */
	lab_put(0x7a, 10, 0, -8, imm); /* store */
	lab_put(0x18, 1, 0, 0, imm);  /* both halves of a 64-bit constant */
	lab_put(0, 0, 0, 0, imm);
	lab_put(0xaf, 0, 1, 0, 0);
	lab_put(0x2d, 0, 1, 0, 0);
	lab_put(0x35, 0, 0, 1, imm); /* if r0 >= imm */
	lab_put(0x94, 0, 0, 0, imm); /* w0 %= imm */
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(NULL, 0, NULL);
	lab_rt->config.harden = blinded ? EBPF_HARDEN_CONSTANTS : 0;
	TAP_CHECK(unverified_compile(prog) == 0);
	lab_rt->config.harden = 0;
	image = prog->image;
	for (uint32_t i = 0; i + sizeof(wanted) <= image->code_len; i++)
		seen += memcmp(image->code + i, wanted, sizeof(wanted)) == 0;
	unverified_free(prog);
	return seen;
}

static void
blinding(void)
{
#if defined(__x86_64__)
	tap_ok(sightings(false) >= 6, "constants stand in the code");
#endif
	tap_ok(sightings(true) == 0, "blinded ones do not");
}

/* A jump over so much that only long forms reach, and back. */
static void
large(void)
{
	enum { COUNT = 8000 };
	struct ebpf_prog *prog;

	lab_put(0xb7, 6, 0, 0, 3);
	lab_put(0xb7, 0, 0, 0, 0);
	lab_put(0x15, 6, 0, COUNT + 2, 0);
	for (uint32_t i = 0; i < COUNT; i++)
		lab_put(0x07, 0, 0, 0, 1000);
	lab_put(0x07, 6, 0, 0, -1);
	lab_put(0x05, 0, 0, -(COUNT + 3), 0);
	lab_put(0x95, 0, 0, 0, 0);
	prog = lab_finish(NULL, 0, NULL);
	TAP_CHECK(unverified_compile(prog) == 0);
	tap_ok(lab_run(prog, 0, 0, 0) == 3ull * COUNT * 1000,
	       "long jumps forward and back (%u bytes for %u instructions)",
	       prog->image->code_len, prog->op_count);
	unverified_free(prog);
}

static void
allocation_failures(void)
{
	struct ebpf_prog *prog = random_prog(2);
	struct ebpf_jit_image *image;
	uint64_t live;
	bool clean = true;
	int err = 0;

	os_epoch_drain(); /* what earlier tests left to be freed later */
	live = os_test_live();
	for (uint64_t n = 1; n < 100; n++) {
		os_test_fail_at(n);
		err = unverified_image(prog, &image);
		if (!os_test_failed())
			break;
		clean &= err == -EBPF_ENOMEM && image == NULL &&
			 os_test_live() == live;
	}
	os_test_fail_at(0);
	if (err == 0)
		ebpf_jit_free(image);
	tap_ok(clean && err == 0 && os_test_live() == live,
	       "failing allocations are told and leave nothing");
	unverified_free(prog);
}

/* Each op must start where the disassembler sees an instruction start. */
static void
disassembly(void)
{
	char bin[] = "/tmp/jit_testXXXXXX", command[256], line[512];
	int fd = mkstemp(bin);
	bool readable = true;
	uint32_t lines = 0;

	if (strcmp(ebpf_jit_host()->name, "x86_64") != 0 ||
	    system("objdump --version >/dev/null 2>&1") != 0) {
		tap_skip("no objdump for this backend",
			 "a disassembler reads the code");
		close(fd);
		unlink(bin);
		return;
	}
	for (uint64_t seed = 100; seed < 108; seed++) {
		struct ebpf_prog *prog = random_prog(seed);
		const struct ebpf_jit_image *image = prog->image;
		uint8_t *starts = calloc(image->code_len + 1, 1);
		FILE *out;

		if (pwrite(fd, image->code, image->code_len, 0) !=
			    (ssize_t)image->code_len ||
		    ftruncate(fd, image->code_len) != 0)
			readable = false;
		snprintf(command, sizeof(command),
			 "objdump -D -b binary -m i386:x86-64 %s", bin);
		out = popen(command, "r");
		while (fgets(line, sizeof(line), out) != NULL) {
			unsigned int at;

			if (strstr(line, "(bad)") != NULL) {
				tap_diag("%s", line);
				readable = false;
			}
			if (sscanf(line, " %x:", &at) == 1 &&
			    at < image->code_len) {
				starts[at] = 1;
				lines++;
			}
		}
		pclose(out);
		starts[image->code_len] = 1;
		for (uint32_t i = 0; i < prog->op_count; i++) {
			if (!starts[image->slot_offs[i]]) {
				tap_diag("seed %llu: slot %u at %u is inside an "
					 "instruction", (unsigned long long)seed,
					 i, image->slot_offs[i]);
				readable = false;
			}
		}
		free(starts);
		unverified_free(prog);
	}
	tap_ok(readable && lines > 100, "a disassembler reads the code");
	close(fd);
	unlink(bin);
}

int
main(void)
{
	if (!lab_open("jit"))
		return lab_close();
	protection();
	last_jump();
	lookup_protection();
	addresses();
	dead_slots();
	fused();
	places();
	blinding();
	large();
	allocation_failures();
	disassembly();
	return lab_close();
}
