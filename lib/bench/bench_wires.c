/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_wires.h. */
#include "bench/bench_wires.h"

#include <sched.h>
#include <string.h>

#include "core/link.h"
#include "core/os.h"

enum {
	FRAME = 60,
	WINDOW = BENCH_WIRES_FRAMES / 2,
	MAPS_MAX = 8,
};

static const double PATIENCE_NS = 10e9;

/* ---- frames ---- */

static void
mac_set(uint8_t *mac, uint32_t side, uint32_t host)
{
	mac[0] = 0x02;
	mac[1] = (uint8_t)side;
	mac[2] = 0;
	mac[3] = 0;
	mac[4] = (uint8_t)(host >> 8);
	mac[5] = (uint8_t)host;
}

static uint32_t
fill(struct ebpf_pair_end *end, uint32_t side, uint32_t first, uint32_t count,
     uint32_t hosts)
{
	uint8_t frame[FRAME] = { 0 };
	uint32_t i;

	frame[12] = 0x08;
	for (i = 0; i < count; i++) {
		mac_set(frame, !side, (first + i) % hosts);
		mac_set(frame + 6, side, (first + i) * 7 % hosts);
		if (!ebpf_pair_put(end, frame, FRAME))
			break;
	}
	ebpf_pair_flush(end);
	return i;
}

static uint32_t
drain(struct ebpf_pair_end *end)
{
	uint32_t len, count = 0;

	while (ebpf_pair_peek(end, &len)) {
		ebpf_pair_next(end);
		count++;
	}
	return count;
}

/* ---- programs ---- */

static int
load(struct bench_home *home, const struct ebpf_insn *insns, uint32_t count,
     struct ebpf_map *const *maps, uint32_t map_count, struct ebpf_prog **prog)
{
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = EBPF_PROG_VALE,
		.insns = insns,
		.insn_count = count,
		.maps = maps,
		.map_count = map_count,
		.license = "GPL",
	};
	int error = ebpf_prog_load(home->rt, &request, prog);

	if (error != 0)
		bench_fail(home->bench, error, "the program does not load: %s",
			   ebpf_error_text(error));
	return error;
}

/* The example that was built in, with its maps; the program holds them. */
static int
load_bridge(struct bench_home *home, struct ebpf_prog **prog)
{
	const struct gebpf_obj_prog *from = gebpf_object_prog(home->object, 0);
	size_t count = gebpf_object_map_count(home->object), n;
	struct ebpf_map *maps[MAPS_MAX];
	int error = from == NULL || count > MAPS_MAX ? -EBPF_EINVAL : 0;

	for (n = 0; n < count && error == 0; n++) {
		const struct gebpf_obj_map *map =
			gebpf_object_map(home->object, n);
		struct ebpf_map_spec spec = {
			.size = sizeof(spec),
			.kind = map->kind,
			.key_size = map->key_size,
			.value_size = map->value_size,
			.max_entries = map->max_entries,
			.flags = map->flags,
		};

		error = ebpf_map_create(home->rt, &spec, &maps[n]);
		if (error != 0)
			break;
	}
	if (error == 0)
		error = load(home, from->insns, from->insn_count, maps,
			     (uint32_t)n, prog);
	while (n-- > 0)
		ebpf_map_put(maps[n]);
	return error;
}

static int
open_prog(struct bench_home *home, enum bench_wires_way way, struct ebpf_prog **prog)
{
	static const struct ebpf_insn constant[2] = {
		{ .code = 0xb7, .imm = 1 },
		{ .code = 0x95 },
	};

	*prog = NULL;
	switch (way) {
	case BENCH_WIRES_LEARN:
		return 0;
	case BENCH_WIRES_CONSTANT:
		return load(home, constant, 2, NULL, 0, prog);
	case BENCH_WIRES_BRIDGE:
		return load_bridge(home, prog);
	}
	return -EBPF_EINVAL;
}

/* ---- moving ---- */

/* All that waits at a port goes where it must. */
static void
forward(struct vale *vale, uint32_t index, bool copy)
{
	struct vale_port *port = vale->ports[index];
	struct vale_port *other = vale->ports[!index];
	struct vale_burst burst;
	uint8_t list[VALE_BURST];

	for (uint32_t i = 0; i < VALE_BURST; i++)
		list[i] = (uint8_t)i;
	do {
		vale_move_lock(vale);
		burst.count = 0;
		port->ops->receive(port, &burst, NULL);
		if (copy)
			other->ops->send(other, &burst, list, burst.count);
		else
			vale_forward(vale, &burst);
		port->ops->release(port);
		vale_move_unlock(vale);
	} while (burst.count == VALE_BURST);
}

/* The other side's hosts become known. */
static void
teach(struct bench_wires *w)
{
	struct ebpf_rep_switch_info info = { .frames = 0 };
	uint64_t before;

	if (w->mover == BENCH_WIRES_COPY)
		return;
	ebpf_vswitch_ops.info(w->set, "vale0", &info);
	before = info.frames;
	if (w->mover == BENCH_WIRES_US) {
		fill(w->to, 1, 0, w->hosts * 7, w->hosts);
		forward(w->vale, 1, false);
	} else {
		fill(w->to, 1, 0, w->hosts * 7, w->hosts);
		while (info.frames < before + w->hosts * 7) {
			sched_yield();
			ebpf_vswitch_ops.info(w->set, "vale0", &info);
		}
	}
	drain(w->from);
}

/* ---- switches ---- */

void
bench_wires_close(struct bench_wires *w)
{
	if (w->link != NULL) {
		ebpf_link_detach(w->link);
		ebpf_object_put(&w->link->obj);
	}
	ebpf_pair_close(w->from);
	ebpf_pair_close(w->to);
	vale_put(w->vale);
	ebpf_vswitch_destroy(w->set);
	ebpf_prog_put(w->prog);
	bench_home_close(&w->home);
}

int
bench_wires_open(struct bench *bench, enum bench_wires_way way,
		 enum bench_wires_mover mover, uint32_t hosts,
		 struct bench_wires *w)
{
	struct ebpf_rep_port_info info;
	char why[256] = "";
	int error;

	memset(w, 0, sizeof(*w));
	w->hosts = hosts;
	w->mover = mover;
	error = bench_home_open(bench, &bench_blob_l2_bridge, 0, &w->home);
	if (error != 0)
		return error;
	error = open_prog(&w->home, way, &w->prog);
	if (error != 0)
		goto home;
	error = ebpf_vswitch_create(w->home.rt, &w->set);
	if (error != 0)
		goto prog;
	error = ebpf_vswitch_ops.create(w->set, "vale0", 0);
	if (error == 0)
		error = vale_port_add(w->set, "vale0", "", "pair:a", &info, why,
				      sizeof(why));
	if (error == 0)
		error = vale_port_add(w->set, "vale0", "", "pair:b", &info, why,
				      sizeof(why));
	if (error == 0)
		error = ebpf_pair_open(w->set, "a", &w->from);
	if (error == 0)
		error = ebpf_pair_open(w->set, "b", &w->to);
	if (error == 0 && w->prog != NULL && mover != BENCH_WIRES_COPY)
		error = ebpf_link_create(w->home.rt, EBPF_HOOK_VALE, "vale0",
					 w->prog, false, 0, &w->link);
	if (error == 0) {
		w->vale = vale_get(w->set, "vale0");
		if (mover != BENCH_WIRES_ITS_OWN)
			ebpf_vswitch_stop(w->set); /* we move */
		teach(w);
		return 0;
	}
	if (w->to != NULL)
		ebpf_pair_close(w->to);
	if (w->from != NULL)
		ebpf_pair_close(w->from);
	ebpf_vswitch_destroy(w->set);
prog:
	ebpf_prog_put(w->prog);
home:
	bench_home_close(&w->home);
	return bench_fail(bench, error, "no switch: %s",
			  why[0] != '\0' ? why : ebpf_error_text(error));
}

/* ---- measuring: a repetition is a ring of frames ---- */

double
bench_wires_alone(void *cookie, uint64_t repeat)
{
	struct bench_wires *w = cookie;
	double start, spent = 0;

	for (uint64_t i = 0; i < repeat; i++) {
		fill(w->from, 0, (uint32_t)i, BENCH_WIRES_FRAMES, w->hosts);
		start = bench_cpu_ns();
		forward(w->vale, 0, w->mover == BENCH_WIRES_COPY);
		spent += bench_cpu_ns() - start;
		w->lost += BENCH_WIRES_FRAMES - drain(w->to);
	}
	return spent;
}

/*
 * This thread sends and receives, the switch's own move. Patience is for a
 * machine on which others have the processors, not for a frame.
 */
double
bench_wires_threads(void *cookie, uint64_t repeat)
{
	struct bench_wires *w = cookie;
	uint64_t total = repeat * BENCH_WIRES_FRAMES, sent = 0, received = 0;
	double start = bench_wall_ns(), last = start, now;

	while (received < total) {
		uint32_t got = drain(w->to), room = 256;

		received += got;
		now = bench_wall_ns();
		if (got > 0)
			last = now;
		else if (now - last > PATIENCE_NS)
			return -1; /* some will never arrive */
		if (total - sent < room)
			room = (uint32_t)(total - sent);
		if (room > 0 && sent - received < WINDOW)
			sent += fill(w->from, 0, (uint32_t)sent, room,
				     w->hosts);
		else if (got == 0)
			sched_yield();
	}
	return bench_wall_ns() - start;
}
