/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Speed of compiled programs: this engine's JIT, its interpreter, the same C
 * through the C compiler, and Linux's JIT through BPF_PROG_TEST_RUN where bpf(2)
 * may be used (fixed, harmless programs only). Rounds are interleaved; medians
 * and ratios count.
 *
 *	bench_jit [--rounds N]
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/interp.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "jit_programs.h"
#include "tap.h"
#include "unverified.h"

enum {
	ROUNDS_MAX = 101,
	CODE_MAX = 4096,
};

struct program {
	const char *name;
	int (*native)(struct bench_ctx *ctx);
	uint32_t repeat; /* runs of one round */
	struct ebpf_prog *jit;
	int kernel; /* descriptor, negative: none */
	double ns[4][ROUNDS_MAX];
	double median[4];
};

enum { NATIVE, JIT, INTERP, KERNEL };

static struct program programs[] = {
	{ "empty", bench_empty, 100000, NULL, -1, { { 0 } }, { 0 } },
	{ "lcg", bench_lcg, 300, NULL, -1, { { 0 } }, { 0 } },
	{ "primes", bench_primes, 800, NULL, -1, { { 0 } }, { 0 } },
	{ "crc32", bench_crc32, 400, NULL, -1, { { 0 } }, { 0 } },
	{ "checksum", bench_checksum, 1500, NULL, -1, { { 0 } }, { 0 } },
	{ "memcpy", bench_memcpy, 4000, NULL, -1, { { 0 } }, { 0 } },
	{ "bits", bench_bits, 600, NULL, -1, { { 0 } }, { 0 } },
	{ "sort", bench_sort, 1500, NULL, -1, { { 0 } }, { 0 } },
	{ "parse", bench_parse, 3000, NULL, -1, { { 0 } }, { 0 } },
};
enum { PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

static uint8_t packet[BENCH_BYTES] __attribute__((aligned(4096)));

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

/* Frames that every branch of parse sees; numbers to sort; p[0] is 0. */
static void
fill_packet(void)
{
	uint32_t x = 1;

	for (uint32_t i = 0; i < BENCH_BYTES; i++) {
		x = x * 1103515245 + 12345;
		packet[i] = (uint8_t)(x >> 16);
	}
	packet[0] = 0;
	for (uint32_t i = 0; i < 14; i++) {
		uint8_t *p = packet + 64 * i;
		uint32_t at = 12;

		for (uint32_t tags = i % 3; tags > 0; tags--, at += 4) {
			p[at] = 0x81;
			p[at + 1] = 0;
		}
		p[at] = i % 4 == 3 ? 0x86 : 8;
		p[at + 1] = i % 4 == 3 ? 0xdd : 0;
		p[at + 2] = i % 4 == 3 ? 0x60 : 0x45;
		p[at + 11] = i % 5 == 4 ? 17 : 6;
		p[at + 8] = 6;
	}
}

/* The instructions in section b/NAME; 0 when there is none. */
static uint32_t
section(const char *file, const char *name, struct ebpf_insn *insns)
{
	int fd = open(file, O_RDONLY);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *scn = NULL;
	uint32_t count = 0;
	size_t names;

	if (elf == NULL || elf_getshdrstrndx(elf, &names) != 0)
		goto out;
	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		GElf_Shdr header;
		Elf_Data *data;
		const char *this;

		if (gelf_getshdr(scn, &header) == NULL)
			continue;
		this = elf_strptr(elf, names, header.sh_name);
		if (this == NULL || strncmp(this, "b/", 2) != 0 ||
		    strcmp(this + 2, name) != 0)
			continue;
		data = elf_getdata(scn, NULL);
		if (data == NULL || data->d_size > CODE_MAX * sizeof(*insns))
			break;
		memcpy(insns, data->d_buf, data->d_size);
		count = (uint32_t)(data->d_size / sizeof(*insns));
	}
out:
	elf_end(elf);
	close(fd);
	return count;
}

/* ---- Linux ---- */

struct linux_load {
	uint32_t type, insn_count;
	uint64_t insns, license;
	uint32_t log_level, log_size;
	uint64_t log;
	uint32_t version, flags;
	char name[16];
	uint8_t rest[64];
};

struct linux_run {
	uint32_t fd, retval, size_in, size_out;
	uint64_t data_in, data_out;
	uint32_t repeat, duration;
	uint8_t rest[96];
};

static int
linux_load(const struct ebpf_insn *insns, uint32_t count)
{
	struct linux_load load = {
		.type = 6, /* xdp */
		.insn_count = count,
		.insns = (uintptr_t)insns,
		.license = (uintptr_t)"GPL",
	};

	return (int)syscall(SYS_bpf, 5, &load, sizeof(load));
}

/* Nanoseconds of one run, negative when it cannot be had. */
static double
linux_time(int fd, uint32_t repeat, uint32_t *result)
{
	struct linux_run run = {
		.fd = (uint32_t)fd,
		.size_in = sizeof(packet),
		.data_in = (uintptr_t)packet,
		.repeat = repeat,
	};

	if (syscall(SYS_bpf, 10, &run, sizeof(run)) != 0)
		return -1;
	*result = run.retval;
	return run.duration;
}

/* ---- measuring ---- */

static double
time_native(const struct program *p)
{
	struct bench_ctx ctx = { packet, packet + sizeof(packet) };
	int (*volatile fn)(struct bench_ctx *) = p->native;
	uint64_t start = now_ns();

	for (uint32_t i = 0; i < p->repeat; i++)
		fn(&ctx);
	return (double)(now_ns() - start) / p->repeat;
}

static double
time_jit(const struct program *p)
{
	struct bench_ctx ctx = { packet, packet + sizeof(packet) };
	const struct ebpf_prog *prog = p->jit;
	uint64_t start = now_ns();

	for (uint32_t i = 0; i < p->repeat; i++)
		ebpf_prog_run(prog, (uintptr_t)&ctx, 0, 0);
	return (double)(now_ns() - start) / p->repeat;
}

static double
time_interp(const struct program *p)
{
	struct bench_ctx ctx = { packet, packet + sizeof(packet) };
	uint32_t repeat = p->repeat / 10;
	uint64_t start = now_ns();

	for (uint32_t i = 0; i < repeat; i++)
		ebpf_interp_run((uintptr_t)&ctx, 0, 0, p->jit);
	return (double)(now_ns() - start) / repeat;
}

/* All engines must have the same answer before their times mean anything. */
static bool
agree(const struct program *p)
{
	struct bench_ctx ctx = { packet, packet + sizeof(packet) };
	uint32_t native = (uint32_t)p->native(&ctx);
	uint32_t jit = (uint32_t)ebpf_prog_run(p->jit, (uintptr_t)&ctx, 0, 0);
	uint32_t interp =
		(uint32_t)ebpf_interp_run((uintptr_t)&ctx, 0, 0, p->jit);
	uint32_t kernel = native;

	if (p->kernel >= 0)
		linux_time(p->kernel, 1, &kernel);
	if (native == jit && native == interp && native == kernel)
		return true;
	printf("# %s: native %#x, jit %#x, interpreter %#x, Linux %#x\n",
	       p->name, native, jit, interp, kernel);
	return false;
}

static void
measure(uint32_t rounds)
{
	for (uint32_t round = 0; round < rounds; round++) {
		for (uint32_t i = 0; i < PROGRAMS; i++) {
			struct program *p = &programs[i];
			uint32_t result;

			p->ns[NATIVE][round] = time_native(p);
			p->ns[JIT][round] = time_jit(p);
			if (p->kernel >= 0)
				p->ns[KERNEL][round] = linux_time(
					p->kernel, p->repeat, &result);
			p->ns[INTERP][round] = time_interp(p);
		}
	}
	for (uint32_t i = 0; i < PROGRAMS; i++) {
		for (uint32_t e = 0; e < 4; e++)
			programs[i].median[e] =
				median(programs[i].ns[e], rounds);
	}
}

static void
report(void)
{
	double sums[3] = { 0 };
	uint32_t counted = 0, compared = 0;

	printf("%-10s %10s %10s %10s %10s %10s %10s %10s %8s\n", "program",
	       "native ns", "jit ns", "interp ns", "linux ns", "jit/nat",
	       "int/nat", "jit/linux", "bytes");
	for (uint32_t i = 0; i < PROGRAMS; i++) {
		struct program *p = &programs[i];
		double *m = p->median;
		double over_kernel = m[KERNEL] > 0 ? m[JIT] / m[KERNEL] : 0;

		printf("%-10s %10.2f %10.2f %10.1f %10.1f %10.3f %10.1f %10.3f "
		       "%8u\n", p->name, m[NATIVE], m[JIT], m[INTERP],
		       m[KERNEL], m[JIT] / m[NATIVE], m[INTERP] / m[NATIVE],
		       over_kernel, p->jit->image->code_len);
		if (i == 0)
			continue; /* empty */
		sums[0] += m[JIT] / m[NATIVE];
		sums[1] += m[INTERP] / m[NATIVE];
		counted++;
		if (over_kernel > 0) {
			sums[2] += over_kernel;
			compared++;
		}
	}
	printf("mean of compute programs: jit/native %.3f, interp/native %.1f",
	       sums[0] / counted, sums[1] / counted);
	if (compared > 0)
		printf(", jit/linux %.3f", sums[2] / compared);
	printf("\n");
}

/* ---- calls: the same loop with and without ---- */

static uint64_t
nothing(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
	const struct ebpf_prog *prog)
{
	return a;
}

static const struct ebpf_helper helper_nothing = {
	.fn = nothing, .name = "nothing", .number = 1000,
	.kinds = EBPF_KINDS_ALL, .ret = EBPF_RET_INT,
};

enum { LOOPS = 1000 };

static struct ebpf_runtime *rt;

static double
time_loop(const struct ebpf_insn *insns, uint32_t count, struct ebpf_map *map,
	  bool self)
{
	struct unverified_options options = {
		.rt = rt, .maps = &map, .map_count = map != NULL,
	};
	struct ebpf_section section;
	struct ebpf_prog *prog;
	double ns[31];
	char why[100];

	prog = unverified_prog(insns, count, &options, why, sizeof(why));
	if (prog == NULL || unverified_compile(prog) != 0) {
		printf("%s\n", why);
		return -1;
	}
	if (self)
		((struct ebpf_map_prog_array *)map)->slots[0] = prog;
	ebpf_section_enter(&section);
	for (uint32_t round = 0; round < 31; round++) {
		uint32_t repeat = self ? 3000 : 100;
		uint64_t start = now_ns();

		for (uint32_t i = 0; i < repeat; i++)
			ebpf_prog_run(prog, 0, 0, 0);
		ns[round] = (double)(now_ns() - start) /
			    (repeat * (self ? 34.0 : LOOPS));
	}
	ebpf_section_leave(&section);
	if (self)
		((struct ebpf_map_prog_array *)map)->slots[0] = NULL;
	unverified_free(prog);
	return median(ns, 31);
}

static struct ebpf_map *
make_map(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = kind, .key_size = key,
		.value_size = value, .max_entries = entries,
	};
	struct ebpf_map *map = NULL;

	if (ebpf_map_create(rt, &spec, &map) != 0)
		return NULL;
	return map;
}

/* A loop over lookups of keys 0..127, value + 1 when found. */
static double
time_lookup(uint32_t kind, double *net)
{
	struct ebpf_map *map = make_map(kind, 4, 8, 128);
	struct ebpf_insn loop[] = {
		{ 0xb7, 6, 0, LOOPS },
		{ 0xbf, 0x61, 0, 0 },	/* r1 = r6 */
		{ 0x57, 1, 0, 127 },
		{ 0x63, 0x1a, -4, 0 },	/* key */
		{ 0xbf, 0xa2, 0, 0 },
		{ 0x07, 2, 0, -4 },
		{ 0x18, 0x11, 0, 0 },	/* r1 = map */
		{ 0, 0, 0, 0 },
		{ 0x85, 0, 0, 1 },
		{ 0x15, 0, 1, 0 },
		{ 0x79, 0x00, 0, 0 },
		{ 0x07, 6, 0, -1 },
		{ 0x55, 6, -12, 0 },
		{ 0xb7, 0, 0, 0 },
		{ 0x95, 0, 0, 0 },
	};
	uint64_t value = 1;
	double with, bare;

	loop[6].regs = 0x11;
	for (uint32_t key = 0; key < 128; key++) {
		if (kind == EBPF_MAP_HASH)
			ebpf_map_write(map, &key, &value, EBPF_ANY);
	}
	with = time_loop(loop, 15, map, false);
	loop[8] = (struct ebpf_insn){ 0xbf, 0xa0, 0, 0 };    /* r0 = r10 */
	loop[10] = (struct ebpf_insn){ 0x79, 0x00, -16, 0 };
	bare = time_loop(loop, 15, map, false);
	ebpf_map_put(map);
	*net = with - bare;
	return with;
}

static void
calls(void)
{
	struct ebpf_insn loop[] = {
		{ 0xb7, 6, 0, LOOPS },	    /* r6 = LOOPS */
		{ 0xb7, 0, 0, 1 },	    /* replaced by what is measured */
		{ 0x07, 6, 0, -1 },	    /* r6 -= 1 */
		{ 0x55, 6, -3, 0 },	    /* if r6 != 0 goto -3 */
		{ 0xb7, 0, 0, 0 },	    /* r0 = 0 */
		{ 0x95, 0, 0, 0 },	    /* exit */
		{ 0xb7, 0, 0, 2 },	    /* r0 = 2 */
		{ 0x95, 0, 0, 0 },	    /* exit */
	};
	struct ebpf_insn tail[] = {
		{ 0x18, 0x12, 0, 0 },	    /* r2 = map */
		{ 0, 0, 0, 0 },
		{ 0xb7, 3, 0, 0 },
		{ 0x85, 0, 0, 12 },
		{ 0xb7, 0, 0, 0 },
		{ 0x95, 0, 0, 0 },
	};
	static const struct {
		uint32_t kind;
		const char *name;
	} kinds[] = {
		{ EBPF_MAP_ARRAY, "array" },
		{ EBPF_MAP_PERCPU_ARRAY, "percpu_array" },
		{ EBPF_MAP_HASH, "hash" },
	};
	double bare, helper, local, net;
	struct ebpf_map *map;

	if (ebpf_runtime_create(NULL, &rt) != 0 ||
	    ebpf_helper_register(rt, &helper_nothing) != 0)
		return;
	bare = time_loop(loop, 6, NULL, false);
	loop[1] = (struct ebpf_insn){ 0x85, 0, 0, 1000 };
	helper = time_loop(loop, 6, NULL, false);
	loop[1] = (struct ebpf_insn){ 0x85, 0x10, 0, 4 };
	local = time_loop(loop, 8, NULL, false);
	printf("loop %.2f ns, with helper call %.2f (net %.2f), with local call "
	       "%.2f (net %.2f)\n", bare, helper, helper - bare, local,
	       local - bare);
	map = make_map(EBPF_MAP_PROG_ARRAY, 4, 4, 4);
	printf("tail call %.2f ns\n", time_loop(tail, 6, map, true));
	ebpf_map_put(map);
	for (uint32_t i = 0; i < 3; i++) {
		double with = time_lookup(kinds[i].kind, &net);

		printf("%s lookup: loop %.2f ns, net %.2f\n", kinds[i].name,
		       with, net);
	}
	ebpf_runtime_destroy(rt);
}

/* Compiling 4,000 instructions of all sorts. */
static void
compile_time(void)
{
	static struct ebpf_insn insns[4001];
	struct ebpf_jit_image *image;
	struct ebpf_prog *prog;
	double ns[31];
	char why[100];

	for (uint32_t i = 0; i < 4000; i++) {
		static const struct ebpf_insn some[] = {
			{ 0x61, 0x12, 0, 0 }, { 0x0f, 0x23, 0, 0 },
			{ 0x67, 3, 0, 7 }, { 0x15, 3, 2, 100 },
			{ 0x7b, 0x3a, -8, 0 }, { 0xb7, 4, 0, 1 },
			{ 0x57, 3, 0, 255 }, { 0xbf, 0x35, 0, 0 },
		};

		insns[i] = some[i % 8];
	}
	insns[4000] = (struct ebpf_insn){ 0x95, 0, 0, 0 };
	prog = unverified_prog(insns, 4001, NULL, why, sizeof(why));
	if (prog == NULL)
		return;
	for (uint32_t round = 0; round < 31; round++) {
		uint64_t start = now_ns();

		if (unverified_image(prog, &image) != 0)
			return;
		ns[round] = (double)(now_ns() - start);
		if (round == 0)
			printf("compiling 4000 instructions: %u bytes",
			       image->code_len);
		ebpf_jit_free(image);
	}
	printf(", %.0f us\n", median(ns, 31) / 1000);
	unverified_free(prog);
}

static int
compile(const char *dir, const char *flags, const char *out)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "%s -O2 -target bpf -mcpu=v3 -x c %s -c "
		 "tests/bench/jit_programs.h -o %s/%s",
		 getenv("BPF_CLANG") ? getenv("BPF_CLANG") : "clang", flags,
		 dir, out);
	return system(command);
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/bench_jitXXXXXX", ours[64], theirs[64], why[128];
	static struct ebpf_insn insns[CODE_MAX];
	uint32_t rounds = 21, count;
	bool no_linux = false, same = true;

	if (argc == 3 && strcmp(argv[1], "--rounds") == 0)
		rounds = (uint32_t)atoi(argv[2]);
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 21;
	if (ebpf_jit_host() == NULL) {
		printf("no JIT for this machine: nothing measured\n");
		return 0;
	}
	elf_version(EV_CURRENT);
	if (mkdtemp(dir) == NULL || compile(dir, "", "ours.o") != 0 ||
	    compile(dir, "-DBENCH_LINUX", "linux.o") != 0) {
		printf("no clang that compiles for BPF: nothing measured\n");
		return 0;
	}
	snprintf(ours, sizeof(ours), "%s/ours.o", dir);
	snprintf(theirs, sizeof(theirs), "%s/linux.o", dir);
	fill_packet();
	for (uint32_t i = 0; i < PROGRAMS; i++) {
		struct program *p = &programs[i];

		count = section(ours, p->name, insns);
		p->jit = unverified_prog(insns, count, NULL, why, sizeof(why));
		if (p->jit == NULL || unverified_compile(p->jit) != 0) {
			printf("%s does not compile: %s\n", p->name, why);
			return 1;
		}
		count = section(theirs, p->name, insns);
		p->kernel = linux_load(insns, count);
		if (p->kernel < 0 && !no_linux) {
			printf("Linux not measured: %s on loading %s\n",
			       strerror(errno), p->name);
			no_linux = true;
		}
		same &= agree(p);
	}
	unlink(ours);
	unlink(theirs);
	rmdir(dir);
	measure(rounds);
	report();
	calls();
	compile_time();
	return same ? 0 : 1;
}
