/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs of compilers, compiled and interpreted side by side: the same frames
 * through both, each with maps of its own. What they return, what they make of
 * the frames and what is in their maps at the end must be equal. Random
 * programs (jit_diff_test) seldom look like what compilers write.
 *
 *	program_diff_test [--frames N] [--seed N]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/jit/jit.h"
#include "frame_maker.h"
#include "local.h"
#include "tap.h"

enum {
	DUMP_MAX = 1 << 18,
	SOURCES_MAX = 64,
};

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static uint64_t seed = 1;
static uint32_t frames = 200;
static uint32_t compared, runs;

/* ---- maps ---- */

/* Helpers whose answers are never the same. */
static bool
is_steady(const struct gebpf_obj_prog *prog)
{
	static const int32_t others[] = { 5, 7, 125, 208 };
	uint32_t i, n;

	for (i = 0; i < prog->insn_count; i++)
		for (n = 0; n < sizeof(others) / sizeof(others[0]); n++)
			if (prog->insns[i].code == 0x85 &&
			    prog->insns[i].regs >> 4 == 0 &&
			    prog->insns[i].imm == others[n])
				return false;
	return true;
}

static size_t element_size;

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, element_size);
}

/* All elements in order of their bytes; their bytes, 0 if it cannot be read. */
static size_t
dump(uint32_t id, uint8_t *out)
{
	struct ebpf_req_map_lookup_batch req = { .id = id, .count = 1 << 16 };
	struct ebpf_rep_map_lookup_batch rep = { 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
		.req = &req, .req_len = sizeof(req),
		.rep = &rep, .rep_len = sizeof(rep),
	};
	size_t len = 0, count = 0;

	do {
		call.out = out + len;
		call.out_room = DUMP_MAX - len;
		if (gebpf_request(local_device, &call) != 0)
			return 0;
		len += call.out_len;
		count += rep.count;
		req.cursor = rep.cursor;
	} while (!rep.done);
	element_size = count ? len / count : 0;
	if (count > 1)
		qsort(out, count, element_size, by_bytes);
	return len;
}

static bool
same_maps(struct gebpf_object *one, struct gebpf_object *other)
{
	static uint8_t a[DUMP_MAX], b[DUMP_MAX];
	size_t i, len;

	for (i = 0; i < gebpf_object_map_count(one); i++) {
		const struct gebpf_obj_map *m = gebpf_object_map(one, i);
		const struct gebpf_obj_map *n = gebpf_object_map(other, i);

		/* ids in them, or records, are not the same */
		if (m->id == 0 || n->id == 0 || m->kind == EBPF_MAP_PROG_ARRAY ||
		    m->kind == EBPF_MAP_ARRAY_OF_MAPS ||
		    m->kind == EBPF_MAP_HASH_OF_MAPS)
			continue;
		len = dump(m->id, a);
		if (len != dump(n->id, b) || memcmp(a, b, len) != 0) {
			tap_diag("map %s differs", m->name);
			return false;
		}
	}
	return true;
}

/* ---- programs ---- */

static int
load(struct gebpf_object *object, struct gebpf_obj_prog *prog, uint32_t flags)
{
	struct gebpf_load_options options = { .flags = flags };

	return gebpf_object_load_prog(local_device, object, prog, &options,
				      &local_last);
}

/* Frames through both; what differs first is told. */
static bool
same_runs(const struct gebpf_obj_prog *jit, const struct gebpf_obj_prog *interp)
{
	uint8_t frame[FRAMES_MAX], a[FRAMES_MAX], b[FRAMES_MAX];
	bool vale = jit->kind == EBPF_PROG_VALE;
	uint64_t got, want;
	uint32_t i, n, len, port;

	for (i = 0; i < frames; i++) {
		len = frames_make(&seed, frame);
		port = vale ? 1 + frames_random(&seed, 3) : 0;
		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		got = local_run_on(jit->id, frame, len, port, a);
		want = local_run_on(interp->id, frame, len, port, b);
		runs++;
		if (got == want && memcmp(a, b, len) == 0)
			continue;
		tap_diag("frame %u of %u bytes: compiled %#llx, interpreted "
			 "%#llx", i, len, (unsigned long long)got,
			 (unsigned long long)want);
		for (n = 0; n < len && a[n] == b[n]; n++)
			;
		if (n < len)
			tap_diag("byte %u: %#x, %#x", n, a[n], b[n]);
		return false;
	}
	return true;
}

static void
compare(const struct bpfcc *cc, const char *source)
{
	struct gebpf_object *one = NULL, *other = NULL;
	uint32_t steady = 1, done = 0;
	size_t i, count = 0, len;
	bool same = true;
	uint8_t *data;

	data = bpfcc_compile(cc, source, "", true, &len);
	if (data != NULL &&
	    gebpf_object_open_mem(data, len, source, &one, &local_last) == 0 &&
	    gebpf_object_open_mem(data, len, source, &other, &local_last) == 0)
		count = gebpf_object_prog_count(one);
	for (i = 0; i < count && same; i++) {
		struct gebpf_obj_prog *a = gebpf_object_prog(one, i);
		struct gebpf_obj_prog *b = gebpf_object_prog(other, i);
		int error;

		if (a->kind == 0) /* its section names none */
			continue;
		error = load(one, a, EBPF_PROG_JIT);
		if (load(other, b, EBPF_PROG_INTERP) != error) {
			tap_diag("%s: one of the two does not load: %s",
				 a->name, local_last.text);
			same = false;
		}
		if (error != 0 || !same)
			continue;
		done++;
		if (is_steady(a))
			same = same_runs(a, b);
		else
			steady = 0;
		if (!same)
			tap_diag("in program %s", a->name);
	}
	if (same && steady && done > 0)
		same = same_maps(one, other);
	gebpf_object_close(one);
	gebpf_object_close(other);
	free(data);
	compared += done;
	if (done > 0 || !same)
		tap_ok(same, "%s, %s: %u programs", source, cc->name, done);
}

/* ---- sources ---- */

static char sources[SOURCES_MAX][300];

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static uint32_t
find_sources(const char *folder, uint32_t count)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t len;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		len = strlen(entry->d_name);
		if (len > 6 && strcmp(entry->d_name + len - 6, ".bpf.c") == 0 &&
		    count < SOURCES_MAX)
			snprintf(sources[count++], sizeof(sources[0]), "%s/%s",
				 folder, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	uint32_t count, i;
	size_t ccs, c;
	const struct bpfcc *all = bpfcc_all(&ccs);
	int a;

	for (a = 1; a + 1 < argc; a += 2) {
		if (strcmp(argv[a], "--frames") == 0)
			frames = (uint32_t)atoi(argv[a + 1]);
		else if (strcmp(argv[a], "--seed") == 0)
			seed = strtoull(argv[a + 1], NULL, 0);
	}
	if (ebpf_jit_host() == NULL || ccs == 0) {
		tap_skip(ccs == 0 ? "no clang" : "no JIT for this machine",
			 "programs of compilers");
		return tap_done();
	}
	count = find_sources("lib/bpf/examples", 0);
	count = find_sources("tests/objects", count);
	count = find_sources("lib/bench/programs", count);
	qsort(sources, count, sizeof(sources[0]), by_name);
	for (c = 0; c < ccs; c++) {
		/* what v2 adds v3 has too */
		if (!all[c].debug || strcmp(all[c].cpu, "v2") == 0)
			continue;
		/* sanitizers see no machine code: one compiler will do */
		if (SANITIZED && &all[c] != bpfcc_best())
			continue;
		for (i = 0; i < count; i++) {
			local_fresh();
			compare(&all[c], sources[i]);
		}
	}
	gebpf_close(local_device);
	tap_ok(compared > 8, "%u programs compared in %u runs", compared,
	       runs);
	return tap_done();
}
