/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What tests of the userspace switch set up: a runtime with switches, a folder
 * for captures, frames that say where they are from and which they are, and
 * pair ports whose other ends the test holds. Included by one file of a test.
 */
#ifndef TESTS_SWITCH_LAB_H
#define TESTS_SWITCH_LAB_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/os.h"
#include "core/prog.h"
#include "dice.h"
#include "host/vswitch.h"
#include "tap.h"

enum {
	FRAME = 60,
	WAIT_MS = 5000,
	TEST_TYPE = 0x88b5, /* an Ethernet type for experiments */
};

static const struct ebpf_switch_ops *const ops = &ebpf_vswitch_ops;
static struct ebpf_runtime *rt;
static struct ebpf_vswitch *set;
static char folder[64];
static char why[256];
static struct ebpf_rep_port_info port;
static struct ebpf_rep_switch_info info;

/* One of that many numbers. */
static inline uint32_t
chance(uint32_t below)
{
	static struct dice dice = { 88172645463325252ull };

	return dice_below(&dice, below);
}

static inline void
begin(void)
{
	if (ebpf_runtime_create(NULL, &rt) || ebpf_vswitch_create(rt, &set)) {
		printf("Bail out! no runtime\n");
		exit(1);
	}
}

static inline void
end(void)
{
	ebpf_vswitch_destroy(set);
	ebpf_runtime_destroy(rt);
}

static inline char *
path(const char *name)
{
	static char paths[8][128];
	static unsigned int next;
	char *text = paths[next++ % 8];

	snprintf(text, sizeof(paths[0]), "%s/%s", folder, name);
	return text;
}

static inline char *
spec(const char *in, const char *out)
{
	static char text[512];

	snprintf(text, sizeof(text), out ? "pcap:%s,%s" : "pcap:%s%s", in,
		 out ? out : "");
	return text;
}

static inline int
add(const char *vale, const char *name, const char *specification)
{
	return ops->port_add(set, vale, name, specification, &port, why,
			     sizeof(why));
}

static inline void
added(const char *vale, const char *specification)
{
	int error = add(vale, "", specification);

	if (error)
		tap_ok(false, "port %s: %d %s", specification, error, why);
}

static inline const struct ebpf_rep_switch_info *
switch_info(const char *vale)
{
	if (ops->info(set, vale, &info))
		memset(&info, 0, sizeof(info));
	return &info;
}

static inline const struct ebpf_rep_port_info *
port_info(const char *vale, uint32_t index)
{
	if (ops->port_info(set, vale, index, &port) || port.index != index)
		memset(&port, 0, sizeof(port));
	return &port;
}

/* A vale program that always gives this verdict. */
static inline struct ebpf_prog *
verdict_prog(int32_t verdict)
{
	struct ebpf_insn insns[2] = {
		{ .code = 0xb7, .imm = verdict }, /* r0 = verdict */
		{ .code = 0x95 },		  /* exit */
	};
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = EBPF_PROG_VALE,
		.insns = insns,
		.insn_count = 2,
		.name = "verdict",
	};
	struct ebpf_prog *prog = NULL;
	int error = ebpf_prog_load(rt, &load, &prog);

	if (error) {
		printf("Bail out! no program: %d\n", error);
		exit(1);
	}
	return prog;
}

static inline void
nap(void)
{
	struct timespec ts = { .tv_nsec = 200000 };

	nanosleep(&ts, NULL);
}

/* ---- frames ---- */

static inline void
frame_make(uint8_t *frame, uint8_t to, uint8_t from, uint32_t number)
{
	memset(frame, 0, FRAME);
	memset(frame, to, 6);
	memset(frame + 6, from, 6);
	frame[0] &= to == 0xff ? 0xff : 0xfe;
	frame[6] &= 0xfe;
	frame[12] = TEST_TYPE >> 8;
	frame[13] = TEST_TYPE & 0xff;
	memcpy(frame + 14, &number, sizeof(number));
}

static inline uint32_t
number_of(const uint8_t *frame)
{
	uint32_t number;

	memcpy(&number, frame + 14, sizeof(number));
	return number;
}

static inline void
transmit(struct ebpf_pair_end *pair, uint8_t to, uint8_t from, uint32_t number)
{
	uint8_t frame[FRAME];

	frame_make(frame, to, from, number);
	if (!ebpf_pair_put(pair, frame, FRAME))
		tap_ok(false, "frame %u finds room", number);
	ebpf_pair_flush(pair);
}

/* The number of the next frame of ours, or -1 after some time. */
static inline int64_t
arrive(struct ebpf_pair_end *pair, int ms)
{
	uint64_t stop = os_time_ns() + (uint64_t)ms * 1000000;
	const uint8_t *frame;
	int64_t number;
	uint32_t len;

	do {
		frame = ebpf_pair_peek(pair, &len);
		if (!frame) {
			nap();
			continue;
		}
		number = -1;
		if (len >= 18 && frame[12] == TEST_TYPE >> 8 &&
		    frame[13] == (TEST_TYPE & 0xff))
			number = number_of(frame);
		ebpf_pair_next(pair);
		if (number >= 0)
			return number;
	} while (os_time_ns() < stop);
	return -1;
}

static inline void
silent(struct ebpf_pair_end *pair, const char *what)
{
	int64_t number = arrive(pair, 20);

	tap_ok(number == -1, "%s (%lld)", what, (long long)number);
}

static struct ebpf_pair_end *ends[4];

/* vale0 with `count` pair ports whose other ends we hold. */
static inline void
three(uint32_t count)
{
	char name[16];
	uint32_t i;

	begin();
	ops->create(set, "vale0", 0);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "pair:p%u", i);
		added("vale0", name);
		if (ebpf_pair_open(set, name + 5, &ends[i]))
			tap_ok(false, "end of %s", name);
	}
}

static inline void
three_end(uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		ebpf_pair_close(ends[i]);
	end();
}

/* First of all, and last of all. */
static inline void
folder_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/gebpf-vswitch-%d",
		 (int)getpid());
	mkdir(folder, 0700);
}

static inline void
folder_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		tap_diag("%s stays", folder);
}

#endif
