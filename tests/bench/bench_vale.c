/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Forwarding from memory to memory through the userspace switch: 60-byte
 * frames from one pair port to another, without a program (learning), with the
 * smallest program, and with the learning bridge of the examples. Two figures:
 * what one core does in the switch alone (its data path called here, sending
 * and receiving ends not timed), and the whole with threads. A bare copy of
 * the same frames through the same rings is the yardstick. Rounds are
 * interleaved; medians count.
 *
 *	bench_vale [--rounds N]
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/gebpf.h"
#include "core/link.h"
#include "core/os.h"
#include "core/prog.h"
#include "host/vswitch_parts.h"

enum {
	FRAME = 60,
	ROUND_FRAMES = 8192, /* they fit a ring */
	FILLS = 64,	     /* rings of frames in one round */
	ROUNDS_MAX = 101,
	HOSTS_MAX = 512, /* a side: what the example's table holds */
	MAPS_MAX = 8,
};

enum way { COPY, LEARN, CONSTANT, BRIDGE, WAYS };

static const char *const way_names[WAYS] = {
	"bare copy, ring to ring",
	"no program (learning)",
	"program: r0 = 1",
	"program: l2_bridge",
};

static struct ebpf_runtime *rt;
static struct ebpf_prog *progs[WAYS];
static struct ebpf_map *maps[MAPS_MAX];
static uint32_t map_count;
static double results[2][WAYS][ROUNDS_MAX]; /* [threads] */

struct set_up {
	struct ebpf_vswitch *set;
	struct vale *vale;
	struct ebpf_pair_end *from, *to;
	struct ebpf_link *link;
	uint32_t hosts;
};

static void
fail(const char *what, int error)
{
	fprintf(stderr, "bench_vale: %s: %s\n", what, ebpf_error_text(error));
	exit(1);
}

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

static void
frame_make(uint8_t *frame, uint32_t from_side, uint32_t number, uint32_t hosts)
{
	memset(frame, 0, FRAME);
	mac_set(frame, !from_side, number % hosts);
	mac_set(frame + 6, from_side, number * 7 % hosts);
	frame[12] = 0x08;
}

static struct ebpf_prog *
load(const struct ebpf_insn *insns, uint32_t count, const char *name)
{
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = EBPF_PROG_VALE,
		.insns = insns,
		.insn_count = count,
		.maps = maps,
		.map_count = map_count,
		.name = name,
	};
	struct ebpf_prog *prog;
	int error = ebpf_prog_load(rt, &request, &prog);

	if (error)
		fail(name, error);
	return prog;
}

static struct ebpf_prog *
load_bridge(const char *path)
{
	struct gebpf_object *object;
	struct gebpf_obj_map *map;
	struct gebpf_obj_prog *prog;
	struct gebpf_error err = { 0 };
	struct ebpf_prog *loaded;
	size_t i;

	if (gebpf_object_open(path, &object, &err)) {
		printf("# without %s: %s\n", path, err.text);
		return NULL;
	}
	for (i = 0; i < gebpf_object_map_count(object) && i < MAPS_MAX; i++) {
		struct ebpf_map_spec spec = { .size = sizeof(spec) };
		int error;

		map = gebpf_object_map(object, i);
		spec.kind = map->kind;
		spec.key_size = map->key_size;
		spec.value_size = map->value_size;
		spec.max_entries = map->max_entries;
		spec.flags = map->flags;
		spec.name = map->name;
		error = ebpf_map_create(rt, &spec, &maps[i]);
		if (error)
			fail(map->name, error);
		map_count++;
	}
	prog = gebpf_object_prog(object, 0);
	loaded = load(prog->insns, prog->insn_count, "l2_bridge");
	gebpf_object_close(object);
	return loaded;
}

/* vale0 with ports 0 and 1, their other ends with us. */
static void
open_switch(struct set_up *s, enum way way, uint32_t hosts)
{
	struct ebpf_rep_port_info info;
	char why[256];
	int error;

	memset(s, 0, sizeof(*s));
	s->hosts = hosts;
	error = ebpf_vswitch_create(rt, &s->set);
	if (!error)
		error = ebpf_vswitch_ops.create(s->set, "vale0", 0);
	if (!error)
		error = vale_port_add(s->set, "vale0", "", "pair:a", &info, why,
				      sizeof(why));
	if (!error)
		error = vale_port_add(s->set, "vale0", "", "pair:b", &info, why,
				      sizeof(why));
	if (!error)
		error = ebpf_pair_open(s->set, "a", &s->from);
	if (!error)
		error = ebpf_pair_open(s->set, "b", &s->to);
	if (!error && progs[way])
		error = ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0",
					 progs[way], false, 0, &s->link);
	if (error)
		fail("switch", error);
	s->vale = vale_get(s->set, "vale0");
}

static void
close_switch(struct set_up *s)
{
	if (s->link) {
		ebpf_link_detach(s->link);
		ebpf_object_put(&s->link->obj);
	}
	ebpf_pair_close(s->from);
	ebpf_pair_close(s->to);
	vale_put(s->vale);
	ebpf_vswitch_destroy(s->set);
}

static uint32_t
fill(struct ebpf_pair_end *end, uint32_t side, uint32_t first, uint32_t count,
     uint32_t hosts)
{
	uint8_t frame[FRAME];
	uint32_t i;

	for (i = 0; i < count; i++) {
		frame_make(frame, side, first + i, hosts);
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

/* All that waits at a port goes where it must. */
static void
forward(struct vale *vale, uint32_t index, bool copy)
{
	struct vale_port *port = vale->ports[index], *other;
	struct vale_burst burst;
	uint8_t list[VALE_BURST];
	uint32_t i;

	other = vale->ports[!index];
	for (i = 0; i < VALE_BURST; i++)
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

/* This thread's own time: others may have the processor in between. */
static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds a frame, the switch alone. */
static double
run_alone(enum way way, uint32_t hosts)
{
	uint64_t start, spent = 0, moved = 0;
	struct set_up s;
	uint32_t i;

	open_switch(&s, way, hosts);
	ebpf_vswitch_stop(s.set); /* its threads: we are the thread */
	fill(s.to, 1, 0, hosts * 7, hosts);
	forward(s.vale, 1, false);
	drain(s.from);
	for (i = 0; i < FILLS; i++) {
		fill(s.from, 0, i, ROUND_FRAMES, hosts);
		start = cpu_ns();
		forward(s.vale, 0, way == COPY);
		spent += cpu_ns() - start;
		moved += drain(s.to);
	}
	if (moved != (uint64_t)FILLS * ROUND_FRAMES)
		printf("# %s: %llu of %u frames\n", way_names[way],
		       (unsigned long long)moved, FILLS * ROUND_FRAMES);
	close_switch(&s);
	return (double)spent / (double)moved;
}

/* Nanoseconds a frame: this thread sends and receives, the switch's moves. */
static double
run_threads(enum way way, uint32_t hosts)
{
	uint32_t total = FILLS * ROUND_FRAMES / 2, sent = 0, received = 0;
	struct ebpf_rep_switch_info info;
	uint64_t start;
	struct set_up s;

	open_switch(&s, way, hosts);
	fill(s.to, 1, 0, hosts * 7, hosts);
	for (info.frames = 0; info.frames < hosts * 7; sched_yield())
		ebpf_vswitch_ops.info(s.set, "vale0", &info);
	drain(s.from);
	start = os_time_ns();
	while (received < total) {
		received += drain(s.to);
		if (sent < total && sent - received < ROUND_FRAMES / 2)
			sent += fill(s.from, 0, sent, 256, hosts);
	}
	start = os_time_ns() - start;
	close_switch(&s);
	return (double)start / (double)total;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

int
main(int argc, char **argv)
{
	static const struct ebpf_insn constant[2] = {
		{ .code = 0xb7, .imm = 1 },
		{ .code = 0x95 },
	};
	static const uint32_t hosts[] = { 2, HOSTS_MAX };
	uint32_t rounds = 9, r, h;
	double ns, bare;
	int way, error;

	if (argc == 3 && !strcmp(argv[1], "--rounds"))
		rounds = (uint32_t)atoi(argv[2]);
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "bench_vale: 1 to %d rounds\n", ROUNDS_MAX);
		return 2;
	}
	error = ebpf_runtime_create(NULL, &rt);
	if (error)
		fail("runtime", error);
	progs[CONSTANT] = load(constant, 2, "constant");
	progs[BRIDGE] = load_bridge("build/examples/l2_bridge.bpf.o");
	if (!ebpf_prog_is_jited(progs[CONSTANT]))
		printf("# interpreted: there is no JIT here\n");

	for (h = 0; h < sizeof(hosts) / sizeof(hosts[0]); h++) {
		for (r = 0; r < rounds; r++)
			for (way = 0; way < WAYS; way++) {
				if (way == BRIDGE && !progs[way])
					continue;
				results[0][way][r] =
					run_alone((enum way)way, hosts[h]);
				if (way != COPY)
					results[1][way][r] = run_threads(
						(enum way)way, hosts[h]);
			}
		printf("%u hosts a side, %d-byte frames, median of %u rounds\n",
		       hosts[h], FRAME, rounds);
		printf("  %-26s %21s %18s\n", "", "switch on one core",
		       "with threads");
		bare = median(results[0][COPY], rounds);
		for (way = 0; way < WAYS; way++) {
			if (way == BRIDGE && !progs[way])
				continue;
			ns = median(results[0][way], rounds);
			printf("  %-26s %6.1f Mpps %6.1f ns", way_names[way],
			       1000 / ns, ns);
			if (way == COPY) {
				printf("\n");
				continue;
			}
			printf(" %12.1f Mpps   %.2f of the bare copy\n",
			       1000 / median(results[1][way], rounds),
			       bare / ns);
		}
	}
	ebpf_prog_put(progs[CONSTANT]);
	ebpf_prog_put(progs[BRIDGE]);
	for (r = 0; r < map_count; r++)
		ebpf_map_put(maps[r]);
	ebpf_runtime_destroy(rt);
	return 0;
}
