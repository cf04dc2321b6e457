/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The programs of tests/programs, compiled and interpreted side by side, as
 * program_diff_test does with what compilers make; these need no compiler, so
 * they run on other machines as well (tests/arm64). Run from the top of the
 * tree.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/ctx.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/prog.h"
#include "frame_maker.h"
#include "tap.h"

enum {
	FRAMES = 3000,
	SOURCE_MAX = 1 << 14,
	MAPS_MAX = 4,
	DUMP_MAX = 1 << 20,
	NAMES_MAX = 64,
};

static struct ebpf_runtime *rt;

/* One of the two. */
struct twin {
	struct ebpf_prog *prog;
	struct ebpf_map *maps[MAPS_MAX];
	uint32_t map_count;
	uint32_t kind;
};

static struct ebpf_map *
make_map(const char *line)
{
	struct ebpf_map_spec spec = { .size = sizeof(spec) };
	struct ebpf_map *map = NULL;
	char kind[32];

	if (sscanf(line, "# map %31s %u %u %u %x", kind, &spec.key_size,
		   &spec.value_size, &spec.max_entries, &spec.flags) != 5)
		return NULL;
	spec.kind = gebpf_map_kind_number(kind);
	return ebpf_map_create(rt, &spec, &map) == 0 ? map : NULL;
}

/* Comments say what kind it is and which maps it has. */
static bool
make(struct twin *twin, const char *text, uint32_t engine)
{
	static char log[1 << 14];
	struct ebpf_load request = {
		.size = sizeof(request), .engine = engine, .maps = twin->maps,
		.log = log, .log_size = sizeof(log),
	};
	struct gebpf_error err = { 0 };
	struct ebpf_insn *insns = NULL;
	const char *line = text;
	char kind[32];
	int error;

	memset(twin, 0, sizeof(*twin));
	for (; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "# kind %31s", kind) == 1)
			twin->kind = gebpf_prog_kind_number(kind);
		if (strncmp(line, "# map ", 6) == 0 &&
		    twin->map_count < MAPS_MAX)
			twin->maps[twin->map_count++] = make_map(line);
	}
	error = gebpf_asm(text, strlen(text), &insns, &request.insn_count,
			  &err);
	request.kind = twin->kind;
	request.insns = insns;
	request.map_count = twin->map_count;
	if (error == 0)
		error = ebpf_prog_load(rt, &request, &twin->prog);
	free(insns);
	if (error != 0)
		tap_diag("%s %s%s", ebpf_error_name(error), err.text, log);
	return error == 0;
}

static void
end(struct twin *twin)
{
	uint32_t i;

	ebpf_prog_put(twin->prog);
	for (i = 0; i < twin->map_count; i++)
		ebpf_map_put(twin->maps[i]);
}

static uint64_t
run(const struct twin *twin, uint8_t *frame, uint32_t len, uint32_t port)
{
	struct ebpf_vale_ctx vale = {
		.data = frame, .data_end = frame + len, .ingress_port = port,
	};
	struct ebpf_xdp_ctx xdp = {
		.data = frame, .data_end = frame + len, .data_meta = frame,
		.hard_start = frame, .hard_end = frame + len,
	};
	struct ebpf_section section;
	uint64_t result;

	ebpf_section_enter(&section);
	result = twin->kind == EBPF_PROG_VALE ?
			 ebpf_prog_run_ctx(twin->prog, &vale) | (uint64_t)
					 vale.ring_nr << 32 :
			 ebpf_prog_run_ctx(twin->prog, &xdp);
	ebpf_section_leave(&section);
	return result;
}

static size_t element_size;

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, element_size);
}

static size_t
dump(struct ebpf_map *map, uint8_t *out)
{
	uint32_t count = 0, n;
	uint64_t cursor = 0;
	bool done = false;

	element_size = map->key_size + ebpf_map_user_value_size(map);
	while (!done && (count + 64) * element_size <= DUMP_MAX) {
		n = 64;
		if (ebpf_map_walk(map, &cursor, &n, out + count * element_size,
				  &done) != 0)
			return 0;
		count += n;
	}
	qsort(out, count, element_size, by_bytes);
	return count * element_size;
}

static bool
same_maps(const struct twin *a, const struct twin *b)
{
	static uint8_t one[DUMP_MAX], other[DUMP_MAX];
	uint32_t i;
	size_t len;

	for (i = 0; i < a->map_count; i++) {
		len = dump(a->maps[i], one);
		if (len != dump(b->maps[i], other) ||
		    memcmp(one, other, len) != 0) {
			tap_diag("map %u differs", i);
			return false;
		}
	}
	return true;
}

/* Both write into the frame: each has its own, with room behind for words. */
static bool
same_runs(const struct twin *a, const struct twin *b)
{
	/* programs of lib/bench want as much as that */
	static uint8_t one[1024 + 64] __attribute__((aligned(64)));
	static uint8_t other[1024 + 64] __attribute__((aligned(64)));
	uint64_t state = 7, got, want;
	uint32_t i, len, port;

	for (i = 0; i < FRAMES; i++) {
		/* the long ones seldom: they take their time */
		if (i % 100 == 99) {
			for (len = 0; len < 1024; len++)
				one[len] = (uint8_t)frames_random(&state, 256);
			one[0] = 0;
		} else {
			len = frames_make(&state, one);
		}
		memcpy(other, one, sizeof(one));
		port = frames_random(&state, 4);
		got = run(a, one, len, port);
		want = run(b, other, len, port);
		if (got == want && memcmp(one, other, sizeof(one)) == 0)
			continue;
		tap_diag("frame %u of %u bytes: compiled %#llx, interpreted "
			 "%#llx", i, len, (unsigned long long)got,
			 (unsigned long long)want);
		return false;
	}
	return true;
}

static void
compare(const char *name)
{
	static char text[SOURCE_MAX];
	struct twin jit = { 0 }, interp = { 0 };
	char path[300];
	size_t len;
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "tests/programs/%s", name);
	file = fopen(path, "r");
	if (!tap_ok(file != NULL, "%s", path))
		return;
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	good = make(&jit, text, EBPF_LOAD_JIT) &&
	       make(&interp, text, EBPF_LOAD_INTERP) &&
	       same_runs(&jit, &interp) && same_maps(&jit, &interp);
	tap_ok(good, "%s: compiled as interpreted", name);
	end(&jit);
	end(&interp);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int
main(void)
{
	static char names[NAMES_MAX][64];
	struct dirent *entry;
	uint32_t count = 0, i;
	DIR *dir = opendir("tests/programs");

	if (ebpf_jit_host() == NULL) {
		tap_skip("no JIT for this machine", "programs as text");
		return tap_done();
	}
	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	while (dir != NULL && (entry = readdir(dir)) != NULL &&
	       count < NAMES_MAX)
		if (strstr(entry->d_name, ".s") != NULL)
			snprintf(names[count++], sizeof(names[0]), "%.63s",
				 entry->d_name);
	if (dir != NULL)
		closedir(dir);
	qsort(names, count, sizeof(names[0]), by_name);
	for (i = 0; i < count; i++)
		compare(names[i]);
	tap_ok(count > 10, "%u programs", count);
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	return tap_done();
}
