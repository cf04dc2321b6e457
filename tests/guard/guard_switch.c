/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a frame costs in the userspace switch, from one memory port to another,
 * in this thread: without a program (learning), with the smallest, and with the
 * learning bridge among few and among many addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "core/link.h"
#include "core/map.h"
#include "guard.h"
#include "host/vswitch_parts.h"

enum {
	FRAMES = 2048, /* they fit a ring */
	FRAME = 60,
	FEW = 2,
	MANY = 512, /* a side: what the bridge's table holds */
};

struct bench {
	struct ebpf_vswitch *set;
	struct vale *vale;
	struct ebpf_pair_end *ends[2];
	struct ebpf_link *link;
	uint32_t hosts;
};

static void
mac_set(uint8_t *mac, uint32_t side, uint32_t host)
{
	memset(mac, 0, 6);
	mac[0] = 2;
	mac[1] = (uint8_t)side;
	mac[4] = (uint8_t)(host >> 8);
	mac[5] = (uint8_t)host;
}

static void
open_switch(struct bench *b, struct ebpf_prog *prog, uint32_t hosts)
{
	static const char *const names[2] = { "a", "b" };
	static const char *const specs[2] = { "pair:a", "pair:b" };
	struct ebpf_rep_port_info info;
	char why[256];
	uint32_t i;
	int error;

	memset(b, 0, sizeof(*b));
	b->hosts = hosts;
	error = ebpf_vswitch_create(guard_rt, &b->set);
	if (!error)
		error = ebpf_vswitch_ops.create(b->set, "vale0", 0);
	for (i = 0; i < 2 && !error; i++) {
		error = vale_port_add(b->set, "vale0", "", specs[i], &info,
				      why, sizeof(why));
		if (!error)
			error = ebpf_pair_open(b->set, names[i], &b->ends[i]);
	}
	if (!error && prog)
		error = ebpf_link_create(guard_rt, EBPF_HOOK_VALE, "vale0",
					 prog, false, 0, &b->link);
	if (error)
		guard_fail("a switch", ebpf_error_name(error));
	b->vale = vale_get(b->set, "vale0");
	ebpf_vswitch_stop(b->set); /* its threads: we are the thread */
}

static void
close_switch(struct bench *b)
{
	if (b->link) {
		ebpf_link_detach(b->link);
		ebpf_object_put(&b->link->obj);
	}
	ebpf_pair_close(b->ends[0]);
	ebpf_pair_close(b->ends[1]);
	vale_put(b->vale);
	ebpf_vswitch_destroy(b->set);
}

/* Frames from one side's hosts to the other's. */
static void
fill(struct bench *b, uint32_t side, uint32_t count)
{
	uint8_t frame[FRAME] = { 0 };
	uint32_t i;

	frame[12] = 8;
	for (i = 0; i < count; i++) {
		mac_set(frame, !side, i % b->hosts);
		mac_set(frame + 6, side, i * 7 % b->hosts);
		if (!ebpf_pair_put(b->ends[side], frame, FRAME))
			guard_fail("a frame", "does not fit");
	}
	ebpf_pair_flush(b->ends[side]);
}

static uint32_t
drain(struct bench *b, uint32_t side)
{
	uint32_t len, count = 0;

	while (ebpf_pair_peek(b->ends[side], &len)) {
		ebpf_pair_next(b->ends[side]);
		count++;
	}
	return count;
}

/* All that waits at a port goes where it must. */
static void
forward(struct bench *b, uint32_t index)
{
	struct vale_port *port = b->vale->ports[index];
	struct vale_burst burst;

	do {
		vale_move_lock(b->vale);
		burst.count = 0;
		port->ops->receive(port, &burst, NULL);
		vale_forward(b->vale, &burst);
		port->ops->release(port);
		vale_move_unlock(b->vale);
	} while (burst.count == VALE_BURST);
}

static void
forward_first(void *arg)
{
	forward(arg, 0);
}

static void
row(const char *name, struct ebpf_prog *prog, uint32_t hosts)
{
	struct bench b;
	uint32_t side;

	open_switch(&b, prog, hosts);
	/* who is where is known when it counts */
	for (side = 0; side < 2; side++) {
		fill(&b, side, FRAMES);
		forward(&b, side);
		drain(&b, !side);
	}
	drain(&b, 0);
	drain(&b, 1);
	fill(&b, 0, FRAMES);
	guard_count(name, FRAMES, "-", forward_first, &b);
	if (drain(&b, 1) != FRAMES)
		guard_fail(name, "frames are missing");
	close_switch(&b);
}

static void
bridge(const char *name, uint32_t hosts)
{
	struct guard_text text = guard_read("l2_bridge", EBPF_PROG_VALE);
	struct ebpf_prog *prog;

	text.map = guard_map(EBPF_MAP_HASH, 6, 4, 1024);
	prog = guard_load(name, text.kind, text.insns, text.count, text.map);
	row(name, prog, hosts);
	if (text.map->ops->count(text.map) != 2 * hosts)
		guard_fail(name, "it learned other addresses");
	ebpf_prog_put(prog);
	if (hosts == FEW)
		guard_loading(&text);
	ebpf_map_put(text.map);
	free(text.insns);
}

void
guard_switch(void)
{
	static const struct ebpf_insn constant[] = {
		{ .code = 0xb7, .imm = 1 },
		{ .code = 0x95 },
	};
	struct ebpf_prog *prog;

	row("frame_learning_2", NULL, FEW);
	row("frame_learning_512", NULL, MANY);
	prog = guard_load("constant", EBPF_PROG_VALE, constant, 2, NULL);
	row("frame_constant", prog, FEW);
	ebpf_prog_put(prog);
	bridge("frame_l2_bridge_2", FEW);
	bridge("frame_l2_bridge_512", MANY);
}
