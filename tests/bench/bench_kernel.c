/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's device against bpf(2) in the same kernel: map requests one at a
 * time and batched, by one and by two threads, and runs of one and the same
 * program. Rounds are interleaved; medians and ratios count, above 1 where ours
 * is faster. Runs in the guest (make bench-kmod) or wherever /dev/ebpf is; root
 * only.
 *
 *	bench_kernel [--rounds N] [--only ROW]
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "abi/chardev.h"
#include "abi/insn.h"
#include "abi/kinds.h"
#include "abi/wire.h"
#include "bench/bench_linux.h"
#include "bridge_code.h"

enum {
	ENTRIES = 4096,
	ROUNDS_MAX = 31,
	THREADS = 2,
	OPS = 4096, /* of one thread in one round */
	EMPTY = sizeof(struct ebpf_rep_none),
};

enum op {
	OP_LOOKUP,
	OP_UPDATE,
	OP_DELETE_INSERT,
	OP_BATCH_LOOKUP,
	OP_BATCH_UPDATE,
};

static const struct bench {
	const char *name;
	enum op op;
	uint32_t batch;
} benches[] = {
	{ "hash lookup", OP_LOOKUP, 1 },
	{ "hash update", OP_UPDATE, 1 },
	{ "hash delete and insert", OP_DELETE_INSERT, 1 },
	{ "hash batched lookup, 64", OP_BATCH_LOOKUP, 64 },
	{ "hash batched lookup, 4096", OP_BATCH_LOOKUP, 4096 },
	{ "hash batched update, 64", OP_BATCH_UPDATE, 64 },
	{ "hash batched update, 4096", OP_BATCH_UPDATE, 4096 },
};

static const char *only; /* rows whose name has this; NULL: all */

static bool
wanted(const char *row)
{
	return only == NULL || strstr(row, only) != NULL;
}

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench_kernel: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- ours ---- */

/* One thread's session and its buffers. */
struct side {
	int fd;
	uint32_t map;
	uint8_t *answer; /* to the last request */
	uint8_t request[1 << 17], reply[1 << 17];
};

/*
 * Send what is in request, the way a client's library does: short messages by
 * the short ioctl. The reply's error. `room`: bytes behind the reply's header.
 */
static int
send(struct side *s, uint16_t number, size_t len, uint32_t room)
{
	struct ebpf_msg msg = {
		.size = (uint32_t)(sizeof(msg) + len),
		.reply_max = (uint32_t)sizeof(struct ebpf_reply) + room,
		.number = number,
	};
	struct ebpf_chardev_call call = {
		.request = (uintptr_t)s->request,
		.reply = (uintptr_t)s->reply,
		.request_len = msg.size,
		.reply_cap = msg.reply_max,
	};
	struct ebpf_reply head;
	uint32_t size = (msg.size + 7) & ~7u;

	memcpy(s->request, &msg, sizeof(msg));
	s->answer = s->reply;
	if (size <= EBPF_CHARDEV_SHORT_MAX &&
	    msg.reply_max <= EBPF_CHARDEV_SHORT_MAX) {
		s->answer = s->request;
		if (ioctl(s->fd, EBPF_CHARDEV_SHORT(size), s->request) != 0)
			die("short ioctl");
	} else if (ioctl(s->fd, EBPF_CHARDEV_CALL, &call) != 0) {
		die("ioctl");
	}
	memcpy(&head, s->answer, sizeof(head));
	return head.error;
}

/* What must not fail. */
static void
must(const char *what, int error)
{
	if (error != 0) {
		fprintf(stderr, "bench_kernel: %s: error %d\n", what, error);
		exit(1);
	}
}

/* Body and trailing bytes behind the message's head. */
static size_t
put(struct side *s, void *body, uint32_t size, const void *tail, size_t len)
{
	memcpy(body, &size, sizeof(size));
	memcpy(s->request + sizeof(struct ebpf_msg), body, size);
	if (len)
		memcpy(s->request + sizeof(struct ebpf_msg) + size, tail, len);
	return size + len;
}

static uint32_t
our_map(struct side *s)
{
	struct ebpf_req_map_create req = {
		.kind = EBPF_MAP_HASH, .key_size = 4, .value_size = 8,
		.max_entries = ENTRIES,
	};
	struct ebpf_rep_id rep;

	must("making a map", send(s, EBPF_REQUEST_MAP_CREATE,
				  put(s, &req, sizeof(req), NULL, 0),
				  sizeof(rep)));
	memcpy(&rep, s->answer + sizeof(struct ebpf_reply), sizeof(rep));
	return rep.id;
}

/* The i-th key of thread `number`: nobody deletes what another does. */
static uint32_t
key_of(uint32_t i, uint32_t number)
{
	return i * 2654435761u % (ENTRIES / THREADS) * THREADS + number;
}

static void
our_ops(struct side *s, const struct bench *bench, uint32_t number)
{
	struct ebpf_req_map_key key = { .id = s->map, .key_len = 4 };
	struct ebpf_req_map_update update = { .id = s->map, .key_len = 4,
					      .value_len = 8 };
	struct ebpf_req_map_lookup_batch walk = { .id = s->map,
						  .count = bench->batch };
	struct ebpf_req_map_batch batch = { .id = s->map,
					    .count = bench->batch };
	struct ebpf_rep_map_lookup_batch got;
	static __thread uint8_t tail[ENTRIES * 12];
	uint32_t i, j, k;

	for (i = 0; i < OPS; i += bench->batch) {
		k = key_of(i, number);
		memset(tail, 0, 12);
		memcpy(tail, &k, 4);
		switch (bench->op) {
		case OP_DELETE_INSERT:
			must("delete", send(s, EBPF_REQUEST_MAP_DELETE,
					    put(s, &key, sizeof(key), tail, 4),
					    EMPTY));
			/* fall through */
		case OP_UPDATE:
			must("update", send(s, EBPF_REQUEST_MAP_UPDATE,
					    put(s, &update, sizeof(update),
						tail, 12), EMPTY));
			break;
		case OP_LOOKUP:
			must("lookup", send(s, EBPF_REQUEST_MAP_LOOKUP,
					    put(s, &key, sizeof(key), tail, 4),
					    EMPTY + 8));
			break;
		case OP_BATCH_LOOKUP:
			must("walk", send(s, EBPF_REQUEST_MAP_LOOKUP_BATCH,
					  put(s, &walk, sizeof(walk), NULL, 0),
					  (uint32_t)sizeof(got) +
						  bench->batch * 12));
			memcpy(&got, s->answer + sizeof(struct ebpf_reply),
			       sizeof(got));
			walk.cursor = got.done ? 0 : got.cursor;
			break;
		case OP_BATCH_UPDATE:
			for (j = 0; j < bench->batch; j++) {
				k = (i + j) % ENTRIES;
				memcpy(tail + j * 12, &k, 4);
				memset(tail + j * 12 + 4, 1, 8);
			}
			must("updates", send(s, EBPF_REQUEST_MAP_UPDATE_BATCH,
					     put(s, &batch, sizeof(batch), tail,
						 (size_t)bench->batch * 12),
					     sizeof(struct ebpf_rep_map_batch)));
			break;
		}
	}
}

/* ---- Linux's ---- */

static int
linux_map(uint32_t key_size)
{
	return bench_linux_map(EBPF_MAP_HASH, key_size, 8, ENTRIES, 0);
}

static void
linux_must(const char *what, int error)
{
	if (error != 0) {
		fprintf(stderr, "bench_kernel: bpf(2), %s: %s\n", what,
			strerror(-error));
		exit(1);
	}
}

static void
linux_ops(int map, const struct bench *bench, uint32_t number)
{
	static __thread uint32_t keys[ENTRIES];
	static __thread uint64_t values[ENTRIES];
	static __thread uint32_t cursor;
	uint32_t i, j, k, count;
	bool walking = false;

	for (i = 0; i < OPS; i += bench->batch) {
		k = key_of(i, number);
		count = bench->batch;
		switch (bench->op) {
		case OP_DELETE_INSERT:
			linux_must("delete", bench_linux_delete(map, &k));
			/* fall through */
		case OP_UPDATE:
			linux_must("update",
				   bench_linux_update(map, &k, values, 0));
			break;
		case OP_LOOKUP:
			linux_must("lookup",
				   bench_linux_lookup(map, &k, values));
			break;
		case OP_BATCH_UPDATE:
			for (j = 0; j < count; j++)
				keys[j] = (i + j) % ENTRIES;
			linux_must("updates",
				   bench_linux_update_batch(map, keys, values,
							    &count));
			break;
		case OP_BATCH_LOOKUP:
			walking = bench_linux_lookup_batch(
					  map, walking ? &cursor : NULL,
					  &cursor, keys, values, &count) == 0;
			break;
		}
	}
}

/* ---- both, in threads ---- */

struct job {
	const struct bench *bench;
	struct side *side; /* NULL: Linux */
	int map;
	uint32_t number;
};

static void *
job_run(void *argument)
{
	struct job *job = argument;

	if (job->side)
		our_ops(job->side, job->bench, job->number);
	else
		linux_ops(job->map, job->bench, job->number);
	return NULL;
}

/* ns for an element, all threads together */
static double
measure(const struct bench *bench, struct side *sides, int map,
	uint32_t threads)
{
	pthread_t ids[THREADS];
	struct job jobs[THREADS];
	uint64_t start = now();
	uint32_t i;

	for (i = 0; i < threads; i++) {
		jobs[i] = (struct job){ bench, sides ? &sides[i] : NULL, map,
					i };
		if (pthread_create(&ids[i], NULL, job_run, &jobs[i]) != 0)
			die("threads");
	}
	for (i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return (double)(now() - start) / OPS / threads;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(values[0]), by_value);
	return values[count / 2];
}

static void
bench_maps(struct side *sides, uint32_t rounds)
{
	static const struct bench fill = { "", OP_BATCH_UPDATE, ENTRIES };
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
	int map = linux_map(4);
	uint32_t threads, i;

	if (map < 0)
		die("bpf(2)");
	sides[1].map = sides[0].map = our_map(&sides[0]);
	for (threads = 1; threads <= THREADS; threads++)
		for (size_t b = 0; b < sizeof(benches) / sizeof(benches[0]);
		     b++) {
			if (!wanted(benches[b].name))
				continue;
			our_ops(&sides[0], &fill, 0);
			linux_ops(map, &fill, 0);
			for (i = 0; i < rounds; i++) {
				ours[i] = measure(&benches[b], sides, 0,
						  threads);
				theirs[i] = measure(&benches[b], NULL, map,
						    threads);
			}
			printf("%-28s %u thread%s %8.0f ns, bpf(2) %8.0f ns, "
			       "%.2fx\n",
			       benches[b].name, threads,
			       threads == 1 ? " " : "s", median(ours, rounds),
			       median(theirs, rounds),
			       median(theirs, rounds) / median(ours, rounds));
		}
	close(map);
}

/* ---- programs ---- */

enum {
	FRAME = 64,
	MAP_BY_FD = 1,	  /* in Linux: the source register of a map's load */
	MAP_BY_INDEX = 5, /* here: among those that the request names */
	LINUX_XDP = 6,	  /* its program type */
};

static uint32_t
our_prog(struct side *s, const struct bridge_code *c, uint32_t map)
{
	struct ebpf_req_prog_load req = {
		.kind = EBPF_PROG_XDP, .flags = EBPF_PROG_JIT,
		.insn_count = c->count, .map_count = 1, .log_size = 512,
		.license = "GPL",
	};
	struct ebpf_rep_prog_load rep;
	uint8_t tail[sizeof(c->insns) + 4];
	struct bridge_code copy = *c;
	int error;

	bridge_code_map(&copy, MAP_BY_INDEX, 0);
	memcpy(tail, copy.insns, c->count * 8);
	memcpy(tail + c->count * 8, &map, 4);
	error = send(s, EBPF_REQUEST_PROG_LOAD,
		     put(s, &req, sizeof(req), tail, c->count * 8 + 4),
		     sizeof(rep) + 512);
	if (error != 0)
		fprintf(stderr, "%.512s\n", (char *)s->answer +
						    sizeof(struct ebpf_reply) +
						    sizeof(rep));
	must("loading", error);
	memcpy(&rep, s->answer + sizeof(struct ebpf_reply), sizeof(rep));
	return rep.id;
}

static const uint8_t frame[FRAME] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 8 };

static double
our_run(struct side *s, uint32_t id, uint32_t repeat)
{
	struct ebpf_req_prog_run req = { .id = id, .repeat = repeat,
					 .data_len = FRAME };
	struct ebpf_rep_prog_run rep;

	must("running", send(s, EBPF_REQUEST_PROG_RUN,
			     put(s, &req, sizeof(req), frame, FRAME),
			     sizeof(rep) + FRAME));
	memcpy(&rep, s->answer + sizeof(struct ebpf_reply), sizeof(rep));
	if (rep.retval != 2)
		die("a wrong result");
	return (double)rep.duration_ns;
}

static double
linux_run(int fd, uint32_t repeat)
{
	uint8_t out[FRAME];
	struct bench_linux_run run = {
		.data = frame,
		.data_len = FRAME,
		.data_out = out,
		.data_out_len = sizeof(out),
		.repeat = repeat,
	};

	linux_must("run", bench_linux_run(fd, &run));
	return run.duration_ns;
}

static int
linux_prog(const struct bridge_code *c, int map)
{
	struct bridge_code copy = *c;
	char why[256];
	int fd;

	bridge_code_map(&copy, MAP_BY_FD, map);
	fd = bench_linux_prog(LINUX_XDP, "GPL", copy.insns, copy.count, why,
			      sizeof(why));
	if (fd < 0) {
		fprintf(stderr, "bench_kernel: %s\n", why);
		exit(1);
	}
	return fd;
}

static void
bench_programs(struct side *s, uint32_t rounds)
{
	static const char *const names[] = { "a program of 2 instructions",
					     "a learning bridge, hash" };
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
	struct ebpf_req_map_create req = {
		.kind = EBPF_MAP_HASH, .key_size = 8, .value_size = 8,
		.max_entries = ENTRIES,
	};
	struct ebpf_rep_id rep;
	int map = linux_map(8);

	if (map < 0)
		die("a map for Linux's program");
	must("a map for programs", send(s, EBPF_REQUEST_MAP_CREATE,
					put(s, &req, sizeof(req), NULL, 0),
					sizeof(rep)));
	memcpy(&rep, s->answer + sizeof(struct ebpf_reply), sizeof(rep));
	for (int which = 0; which < 2; which++) {
		struct bridge_code code;
		uint32_t id, i;
		int fd;

		if (!wanted(names[which]))
			continue;
		if (which == 0)
			bridge_code_pass(&code);
		else
			bridge_code_learn(&code, 0);
		id = our_prog(s, &code, rep.id);
		fd = linux_prog(&code, map);
		for (i = 0; i < rounds; i++) {
			ours[i] = our_run(s, id, 200000);
			theirs[i] = linux_run(fd, 200000);
		}
		printf("%-37s %8.0f ns, bpf(2) %8.0f ns, %.2fx\n",
		       names[which], median(ours, rounds),
		       median(theirs, rounds),
		       median(theirs, rounds) / median(ours, rounds));
		close(fd);
	}
	close(map);
}

int
main(int argc, char **argv)
{
	static struct side sides[THREADS];
	uint32_t rounds = 7;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--rounds") == 0)
			rounds = (uint32_t)atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--only") == 0)
			only = argv[i + 1];
	}
	if (rounds == 0 || rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	for (int i = 0; i < THREADS; i++) {
		sides[i].fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
		if (sides[i].fd < 0) {
			printf("no " EBPF_CHARDEV_PATH " here: make bench-kmod "
			       "compares the kernel's device with bpf(2)\n");
			return 0;
		}
	}
	bench_maps(sides, rounds);
	bench_programs(&sides[0], rounds);
	return 0;
}
