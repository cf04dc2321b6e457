/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite vale: 60-byte frames from memory to memory through the userspace
 * switch, from one pair port to another, without a program (learning), with
 * the smallest one, and with the learning bridge of the examples. Column core
 * is what one core does in the switch alone (its data path called here, sending
 * and receiving ends not timed), threads the whole with the switch's threads,
 * copy the yardstick: the same frames through the same rings without a decision.
 */
#include <sched.h>
#include <string.h>

#include "bench/bench_program.h"
#include "core/link.h"
#include "core/os.h"
#include "host/vswitch_parts.h"

enum { CORE, THREADS, COPY, COLUMNS };
enum { CORE_COPY };
enum {
	FRAME = 60,
	RING_FRAMES = 8192, /* they fit a ring */
	WINDOW = RING_FRAMES / 2,
	HOSTS_MAX = 512, /* a side: what the example's table holds */
	MAPS_MAX = 8,
};

static const double PATIENCE_NS = 10e9;

enum way { LEARN, CONSTANT, BRIDGE };

static const struct row {
	const char *name;
	enum way way;
	uint32_t hosts; /* a side */
	double goal;	/* Mpps */
} rows[] = {
	{ "learning, 2 hosts", LEARN, 2, 30 },
	{ "program r0 = 1, 2 hosts", CONSTANT, 2, 30 },
	{ "program l2_bridge, 2 hosts", BRIDGE, 2, 30 },
	{ "learning, 512 hosts", LEARN, HOSTS_MAX, 30 },
	{ "program r0 = 1, 512 hosts", CONSTANT, HOSTS_MAX, 30 },
	{ "program l2_bridge, 512 hosts", BRIDGE, HOSTS_MAX, 30 },
};

/*
 * A switch with ports 0 and 1, their other ends with us. It has a runtime of
 * its own: there is one set of switches in each.
 */
struct wires {
	struct bench_home home;
	struct ebpf_prog *prog; /* NULL: learning */
	struct ebpf_vswitch *set;
	struct vale *vale;
	struct ebpf_pair_end *from, *to;
	struct ebpf_link *link;
	uint32_t hosts, column;
	uint32_t lost; /* frames that did not arrive */
};

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
open_prog(struct bench_home *home, enum way way, struct ebpf_prog **prog)
{
	static const struct ebpf_insn constant[2] = {
		{ .code = 0xb7, .imm = 1 },
		{ .code = 0x95 },
	};

	*prog = NULL;
	switch (way) {
	case LEARN:
		return 0;
	case CONSTANT:
		return load(home, constant, 2, NULL, 0, prog);
	case BRIDGE:
		return load_bridge(home, prog);
	}
	return -EBPF_EINVAL;
}

/* ---- switches ---- */

static void
close_wires(struct wires *w)
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

static int
open_wires(struct bench *bench, const struct row *row, uint32_t column,
	   struct wires *w)
{
	struct ebpf_rep_port_info info;
	char why[256] = "";
	int error;

	memset(w, 0, sizeof(*w));
	w->hosts = row->hosts;
	w->column = column;
	error = bench_home_open(bench, &bench_blob_l2_bridge, column, &w->home);
	if (error != 0)
		return error;
	error = open_prog(&w->home, row->way, &w->prog);
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
	if (error == 0 && w->prog != NULL && column != COPY)
		error = ebpf_link_create(w->home.rt, EBPF_HOOK_VALE, "vale0",
					 w->prog, false, 0, &w->link);
	if (error == 0) {
		w->vale = vale_get(w->set, "vale0");
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
teach(struct wires *w)
{
	struct ebpf_rep_switch_info info = { .frames = 0 };
	uint64_t before;

	if (w->column == COPY)
		return;
	ebpf_vswitch_ops.info(w->set, "vale0", &info);
	before = info.frames;
	if (w->column == CORE) {
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

/* ---- measuring: a repetition is a ring of frames ---- */

static double
run_alone(void *cookie, uint64_t repeat)
{
	struct wires *w = cookie;
	double start, spent = 0;

	for (uint64_t i = 0; i < repeat; i++) {
		fill(w->from, 0, (uint32_t)i, RING_FRAMES, w->hosts);
		start = bench_cpu_ns();
		forward(w->vale, 0, w->column == COPY);
		spent += bench_cpu_ns() - start;
		w->lost += RING_FRAMES - drain(w->to);
	}
	return spent;
}

/*
 * This thread sends and receives, the switch's own move. Patience is for a
 * machine on which others have the processors, not for a frame.
 */
static double
run_threads(void *cookie, uint64_t repeat)
{
	struct wires *w = cookie;
	uint64_t total = repeat * RING_FRAMES, sent = 0, received = 0;
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

static int
measure(struct bench *bench, const struct row *row)
{
	static struct wires wires[COLUMNS];
	uint32_t c;
	int error = 0;

	for (c = 0; c < COLUMNS; c++) {
		error = open_wires(bench, row, c, &wires[c]);
		if (error != 0)
			break;
		if (c != THREADS)
			ebpf_vswitch_stop(wires[c].set); /* we move */
		teach(&wires[c]);
	}
	if (error == 0) {
		bench_row_unit(bench, BENCH_MPS);
		bench_row_goal(bench, BENCH_GOAL_FIGURE, CORE, row->goal);
		if (wires[CORE].prog != NULL &&
		    !ebpf_prog_is_jited(wires[CORE].prog))
			bench_row_note(bench, "interpreted");
		for (uint32_t i = 0; i < COLUMNS; i++)
			bench_row_add(bench, i,
				      i == THREADS ? run_threads : run_alone,
				      &wires[i], RING_FRAMES);
		bench_row_measure(bench);
		if (wires[CORE].lost > 0)
			error = bench_fail(bench, -EBPF_EIO,
					   "%s: %u frames were lost", row->name,
					   wires[CORE].lost);
	}
	while (c-- > 0)
		close_wires(&wires[c]);
	return error;
}

static int
run(struct bench *bench)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (error == 0 && bench_row_begin(bench, "%s", rows[i].name))
			while (error == 0 && bench_row_next(bench, 3))
				error = measure(bench, &rows[i]);
	return error;
}

const struct bench_suite bench_suite_vale = {
	.name = "vale",
	.what = "60-byte frames in a second through the userspace switch",
	.columns = { "core", "threads", "copy" },
	.ratios = {
		[CORE_COPY] = { CORE, COPY, BENCH_FASTER },
	},
	.ratio_count = 1,
	.reference = COPY,
	.run = run,
};
