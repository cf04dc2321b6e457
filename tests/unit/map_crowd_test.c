/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps of a device under processes: two that write and know what must be there
 * (books.h), two that run a compiled program on the map, one by one and flat
 * out, one that walks. At the end walks, lookups and books agree, and a map
 * takes exactly as many elements as it may.
 *
 *	map_crowd_test [--device kernel] [--writes N]	else a daemon of its own
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "books.h"
#include "core/os.h"
#include "child.h"
#include "daemon.h"
#include "remote.h"
#include "tap.h"

enum {
	WRITERS = 2,
	STEP = 64, /* elements of a walk's step */
	WALKS_MIN = 12,
	FLAT_OUT = 200, /* runs of a request */
	ROOM = STEP * (BOOKS_KEY_MAX + BOOKS_VALUE_MAX * 8),
};

static struct gebpf_device *device; /* each process has its own */
static uint32_t map, prog, cpus;
static uint32_t writes = 4000; /* of each writer, for each map */
static uint64_t state = 1;     /* of this process's random numbers */

/* ---- requests ---- */

static uint32_t
value_size(void)
{
	return books_words * 8;
}

static int
ask(enum ebpf_request number, uint32_t n, uint64_t *value)
{
	uint8_t key[BOOKS_KEY_MAX];

	books_key(n, key);
	return remote_key(device, number, map, key, books_shape->key_size,
			  value, value != NULL ? value_size() : 0);
}

static int
write_key(uint32_t n, uint32_t version, uint64_t flags)
{
	uint64_t value[BOOKS_VALUE_MAX];
	uint8_t key[BOOKS_KEY_MAX];
	int error;

	books_key(n, key);
	books_fill(n, version, value);
	while ((error = remote_update(device, map, key, books_shape->key_size,
				      value, value_size(), flags)) ==
	       -EBPF_EAGAIN)
		os_add(&books->again, 1);
	return error;
}

static void
check_book(uint32_t n)
{
	uint64_t value[BOOKS_VALUE_MAX] = { 0 };

	books_read(n, ask(EBPF_REQUEST_MAP_LOOKUP, n, value), value);
}

/* ---- processes ---- */

static void
write_owned(uint32_t n, uint32_t what)
{
	static const uint64_t flags[] = { EBPF_ANY, EBPF_ANY, EBPF_NOEXIST,
					  EBPF_EXIST };
	bool hash = !books_is_array && !books_is_lpm;
	uint64_t value[BOOKS_VALUE_MAX], flag = flags[books_random(&state, 4)];
	uint32_t version = books_next_version(n);

	if (what < 3)
		books_inserted(n, version, flag, write_key(n, version, flag));
	else if (what == 3 && hash && books_random(&state, 2) == 0)
		books_removed(n, ask(EBPF_REQUEST_MAP_LOOKUP_DELETE, n, value),
			      value);
	else if (what == 3 && !books_is_array)
		books_removed(n, ask(EBPF_REQUEST_MAP_DELETE, n, NULL), NULL);
	check_book(n);
}

static void
writer(uint32_t self)
{
	uint32_t count, n, what;

	for (count = 0; count < writes; count++) {
		what = books_random(&state, 8);
		if (what < 5) {
			n = books_random(&state, BOOKS_OWNED / WRITERS) *
				    WRITERS + self + BOOKS_STABLE;
			write_owned(n, what);
			continue;
		}
		n = books_random(&state, BOOKS_STABLE + BOOKS_COMMON);
		if (n >= BOOKS_STABLE)
			n += BOOKS_OWNED;
		books_changed(n, n >= BOOKS_STABLE && what == 5 &&
						 !books_is_array ?
					 ask(EBPF_REQUEST_MAP_DELETE, n, NULL) :
					 write_key(n, count, EBPF_ANY));
	}
	os_add(&books->writes, count);
}

/* As the program has it at r1. */
struct call {
	uint64_t op; /* 0: look up, 1: update, 2: remove */
	uint64_t key[BOOKS_KEY_MAX / 8];
	uint64_t value[BOOKS_WORDS_MAX];
};

static const char call_text[] =
	"r6 = r1\n"
	"r7 = *(u64 *)(r6 +0)\n"
	"r2 = r6\n"
	"r2 += 8\n"
	"r1 = map[idx:0]\n"
	"if r7 == 1 goto update\n"
	"if r7 == 2 goto remove\n"
	"call map_lookup_elem\n"
	"if r0 == 0 goto none\n"
	"r1 = *(u64 *)(r0 +0)\n"
	"*(u64 *)(r6 +48) = r1\n"
	"r1 = *(u64 *)(r0 +8)\n"
	"*(u64 *)(r6 +56) = r1\n"
	"r1 = *(u64 *)(r0 +16)\n"
	"*(u64 *)(r6 +64) = r1\n"
	"r0 = 1\n"
	"exit\n"
	"none:\n"
	"r0 = 0\n"
	"exit\n"
	"update:\n"
	"r3 = r6\n"
	"r3 += 48\n"
	"r4 = 0\n"
	"call map_update_elem\n"
	"exit\n"
	"remove:\n"
	"call map_delete_elem\n"
	"exit\n";

/* repeat: how often each call is made; what is left behind is the last's. */
static void
program(uint32_t repeat)
{
	struct books_seen *seen = calloc(1, sizeof(*seen));
	struct call call = { .op = 0 };
	uint64_t words[BOOKS_VALUE_MAX], result;
	uint32_t n, asked;

	for (n = 0; !os_load(&books->stop); n++) {
		asked = books_random(&state, BOOKS_KEYS);
		books_key(asked, (uint8_t *)call.key);
		call.op = asked < BOOKS_STABLE + BOOKS_OWNED ?
				  0 :
				  books_random(&state, 3);
		books_fill(asked, n, words);
		memcpy(call.value, words, books_shape->words * 8);
		if (remote_run(device, prog, &call, sizeof(call), repeat,
			       &result) != 0) {
			books_note(BOOKS_ODD_ERROR);
			continue;
		}
		if (call.op != 0)
			continue;
		if (result != 1 && asked < books_stable)
			books_note(BOOKS_LOST);
		/* of a hash it may be what came in the element's place */
		if (result == 1 && !books_check(asked, call.value, 3, seen)) {
			if (books_is_array || books_is_lpm)
				books_note(BOOKS_FOREIGN);
			else
				os_add(&books->aliased, 1);
		}
	}
	os_add(&books->reads, (uint64_t)n * repeat);
	free(seen);
}

/* All elements by steps of some; true: to the end. */
static bool
walk(uint8_t *seen)
{
	static uint8_t out[ROOM];
	size_t element = books_shape->key_size + value_size();
	struct ebpf_req_map_lookup_batch req = { .id = map };
	struct ebpf_rep_map_lookup_batch rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
		.req = &req, .req_len = sizeof(req),
		.rep = &rep, .rep_len = sizeof(rep),
		.out = out, .out_room = sizeof(out),
	};
	uint64_t value[BOOKS_VALUE_MAX];
	uint32_t i;

	do {
		req.count = 1 + books_random(&state, STEP);
		memset(&rep, 0, sizeof(rep));
		if (gebpf_request(device, &call) != 0) {
			books_note(BOOKS_ODD_ERROR);
			return false;
		}
		for (i = 0; i < rep.count; i++) {
			memcpy(value, out + i * element + books_shape->key_size,
			       value_size());
			if (!books_saw(seen, out + i * element, value))
				books_note(BOOKS_FOREIGN);
		}
		req.cursor = rep.cursor;
	} while (!rep.done);
	return true;
}

/* By next: a key that has gone starts again, but not for ever. */
static void
keys(uint8_t *seen)
{
	uint8_t key[BOOKS_KEY_MAX], next[BOOKS_KEY_MAX];
	uint32_t i, len = books_shape->key_size;
	int error;

	for (i = 0; i < 2 * BOOKS_KEYS; i++) {
		error = remote_key(device, EBPF_REQUEST_MAP_NEXT, map, key,
				   i == 0 ? 0 : len, next, len);
		if (error != 0) {
			if (error != -EBPF_ENOENT)
				books_note(BOOKS_ODD_ERROR);
			break;
		}
		if (!books_saw(seen, next, NULL))
			books_note(BOOKS_FOREIGN);
		memcpy(key, next, sizeof(key));
	}
}

static void
walker(uint32_t unused)
{
	uint8_t seen[BOOKS_KEYS];
	uint32_t count;

	for (count = 0; !os_load(&books->stop); count++) {
		memset(seen, 0, sizeof(seen));
		if (count % 3 == 2)
			keys(seen);
		else if (walk(seen))
			books_walked(seen);
		os_add(&books->walks, 1);
	}
}

/* A child with a session of its own that does this. */
static pid_t
start(void (*role)(uint32_t self), uint32_t self, uint64_t seed)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child != 0)
		return child;
	device = remote_again();
	if (device == NULL || remote_hold(device, EBPF_OBJ_MAP, map) != 0)
		_exit(1);
	state = seed;
	role(self);
	_exit(0);
}

/* ---- one map ---- */

static void
crowd(void)
{
	pid_t writers[WRITERS], others[3];
	bool good = true;
	uint32_t i;

	others[0] = start(program, 1, 101);
	others[1] = start(program, FLAT_OUT, 102);
	others[2] = start(walker, 0, 103);
	for (i = 0; i < WRITERS; i++)
		writers[i] = start(writer, i, i + 1);
	for (i = 0; i < WRITERS; i++)
		good &= child_ended_well(writers[i]);
	/* nobody has slept through it */
	while (os_load(&books->walks) < WALKS_MIN &&
	       waitpid(others[2], NULL, WNOHANG) == 0)
		daemon_nap(5);
	os_store(&books->stop, 1);
	for (i = 0; i < 3; i++)
		good &= child_ended_well(others[i]);
	books_told(good);
}

/* Nobody else is there: books, walk, next and lookups agree. */
static void
check_rest(void)
{
	uint8_t seen[BOOKS_KEYS] = { 0 }, again[BOOKS_KEYS] = { 0 };
	uint64_t value[BOOKS_VALUE_MAX];
	uint32_t n, there, found = 0;
	bool good = walk(seen);

	keys(again);
	for (n = 0; n < BOOKS_KEYS; n++) {
		there = ask(EBPF_REQUEST_MAP_LOOKUP, n, value) == 0;
		if (books_is_lpm && there)
			there = books_is_of(n, value);
		found += there;
		good &= seen[n] == there && again[n] == there;
		if (n >= BOOKS_STABLE && n < BOOKS_STABLE + BOOKS_OWNED)
			check_book(n);
	}
	good &= books_nothing_wrong();
	tap_ok(good, "%s: walk, next, lookups and owners agree on %u",
	       books_shape->name, found);
}

/* Empty it, then as much as there may be fits, and no more. */
static void
check_room(void)
{
	uint8_t seen[BOOKS_KEYS] = { 0 };
	uint32_t n, taken = 0, found = 0;
	int error;

	if (books_is_array)
		return;
	for (n = 0; n < BOOKS_KEYS; n++)
		ask(EBPF_REQUEST_MAP_DELETE, n, NULL);
	walk(seen);
	for (n = 0; n < BOOKS_KEYS; n++)
		found += seen[n];
	tap_ok(found == 0, "%s: empty", books_shape->name);
	for (n = 0; n < books_entries; n++)
		taken += write_key(n, 1, EBPF_NOEXIST) == 0;
	error = write_key(n, 1, EBPF_NOEXIST);
	walk(seen);
	for (n = 0; n < BOOKS_KEYS; n++)
		found += seen[n];
	if (books_is_lru)
		tap_ok(error == 0 && found <= books_entries,
		       "%s: takes ever more", books_shape->name);
	else
		tap_ok(taken == books_entries && found == taken &&
		       books_is_full(error), "%s: %u fit and no more",
		       books_shape->name, taken);
}

static void
run(const struct books_shape *shape)
{
	uint32_t n;

	books_open(shape, cpus);
	map = remote_map(device, shape->kind, shape->key_size,
			 shape->words * 8, books_entries, shape->flags);
	prog = remote_prog(device, EBPF_PROG_RAW, sizeof(struct call),
			   call_text, &map, 1);
	if (!tap_ok(map != 0 && prog != 0, "%s: a map and a program",
		    shape->name))
		return;
	for (n = 0; n < BOOKS_STABLE; n++)
		if (write_key(n, 1, books_is_array ? EBPF_ANY :
						     EBPF_NOEXIST) != 0)
			books_note(BOOKS_ODD_ERROR);
	crowd();
	check_rest();
	check_room();
	remote_drop(device, EBPF_OBJ_PROG, prog);
	remote_drop(device, EBPF_OBJ_MAP, map);
}

int
main(int argc, char **argv)
{
	int status, a;
	uint32_t i;

	if (daemon_start(argc, argv, &status))
		return status;
	for (a = 1; a + 1 < argc; a++)
		if (strcmp(argv[a], "--writes") == 0)
			writes = (uint32_t)atoi(argv[a + 1]);
	device = remote_open(argc, argv);
	if (device == NULL) {
		tap_ok(false, "a device");
		return tap_done();
	}
	cpus = gebpf_hello(device)->cpu_count;
	for (i = 0; i < books_shape_count && cpus <= BOOKS_CPUS_MAX; i++)
		run(&books_shapes[i]);
	if (cpus > BOOKS_CPUS_MAX)
		tap_skip("more CPUs than this test has room for",
			 "maps in a crowd");
	if (remote_is_kernel()) {
		gebpf_close(device);
	} else {
		daemon_stopped(device);
		daemon_clean();
	}
	return tap_done();
}
