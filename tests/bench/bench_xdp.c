/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How many frames Linux's XDP learning bridge brings from one end of a veth to
 * the other in a second, for comparison with switches. Linux only, nothing of
 * ours; runs in the guest (make bench-kmod); root only.
 *
 *	bench_xdp [--rounds N] --live IFINDEX --peer IFINDEX
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench_linux.h"
#include "bridge_code.h"

enum {
	ENTRIES = 4096,
	ROUNDS_MAX = 31,
	FRAMES = 200000, /* of one round */
};

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_xdp: %s: %s\n", what, why);
	exit(1);
}

static int
sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static int
load(struct bridge_code *code, int map)
{
	char why[256];
	int fd;

	bridge_code_map(code, BPF_PSEUDO_MAP_FD, map);
	fd = bench_linux_prog(BPF_PROG_TYPE_XDP, "GPL", code->insns,
			      code->count, why, sizeof(why));
	if (fd < 0)
		die("loading", why);
	return fd;
}

/* Frames that leave for real; the program redirects them. */
static void
send_live(int prog)
{
	static const uint8_t frame[64] = { 2, 0, 0, 0, 0, 1,
					   2, 0, 0, 0, 0, 1, 8 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)prog;
	attr.test.repeat = FRAMES;
	attr.test.data_in = (uintptr_t)frame;
	attr.test.data_size_in = sizeof(frame);
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	if (sys_bpf(BPF_PROG_TEST_RUN, &attr) != 0)
		die("BPF_PROG_TEST_RUN", strerror(errno));
}

/* In the driver, where frames are no sk_buffs yet. */
static int
attach(int prog, int ifindex)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)prog;
	attr.link_create.target_ifindex = (uint32_t)ifindex;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = 1u << 2;
	fd = sys_bpf(BPF_LINK_CREATE, &attr);
	if (fd < 0)
		die("attaching at the other end", strerror(errno));
	return fd;
}

static uint64_t
counted(int map)
{
	uint64_t value = 0;
	uint32_t key = 0;

	if (bench_linux_lookup(map, &key, &value) != 0)
		die("what was received", "it cannot be read");
	return value;
}

/* Those count that a program receives at the other end, while it sends. */
static void
measure(int ifindex, int peer, uint32_t rounds)
{
	int map = bench_linux_map(BPF_MAP_TYPE_HASH, 8, 8, ENTRIES, 0);
	int count = bench_linux_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	double rates[ROUNDS_MAX], got[ROUNDS_MAX];
	struct bridge_code code;
	int bridge, counter, link;

	if (map < 0 || count < 0)
		die("maps", strerror(map < 0 ? -map : -count));
	bridge_code_learn(&code, ifindex);
	bridge = load(&code, map);
	bridge_code_count(&code);
	counter = load(&code, count);
	link = attach(counter, peer);
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t before = counted(count), start = now(), end;

		send_live(bridge);
		end = now();
		got[i] = (double)(counted(count) - before);
		rates[i] = got[i] * 1e3 / (double)(end - start);
	}
	printf("Linux XDP learning bridge, veth       %8.3f Mpps, %.1f %% of "
	       "the frames received\n", median(rates, rounds),
	       median(got, rounds) * 100 / FRAMES);
	close(link);
	close(counter);
	close(bridge);
	close(count);
	close(map);
}

int
main(int argc, char **argv)
{
	uint32_t rounds = 7;
	int live = 0, peer = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--rounds") == 0)
			rounds = (uint32_t)atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--live") == 0)
			live = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--peer") == 0)
			peer = atoi(argv[i + 1]);
	}
	if (rounds == 0 || rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	if (live == 0 || peer == 0) {
		printf("no two ends of a veth were given: make bench-kmod "
		       "compares switches with Linux's XDP\n");
		return 0;
	}
	measure(live, peer, rounds);
	return 0;
}
