/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite bridge: what the decision for a frame takes in a learning bridge's
 * program, with few hosts and with many, net of making the frames; then with a
 * run for each frame, entering and leaving the program included. The native
 * form has the simplest table that does it: nothing is freed, nobody else
 * looks.
 */
#include <string.h>

#include "bench/bench_linux.h"
#include "bench/bench_program.h"
#include "bench/bench_table.h"
#include "bench/programs/bridge.h"
#include "core/interp.h"

/* ---- native ---- */

enum { SLOTS = 4 * BRIDGE_HOSTS_MAX };

static struct slot {
	struct bridge_mac mac;
	u16 used;
	u32 port;
} slots[SLOTS];

static inline struct slot *
slot_of(const struct bridge_mac *mac)
{
	u64 word = 0;
	u32 at;

	memcpy(&word, mac, sizeof(*mac));
	at = (u32)(word * 0x9e3779b97f4a7c15ull >> 52) % SLOTS;
	while (slots[at].used &&
	       memcmp(&slots[at].mac, mac, sizeof(*mac)) != 0)
		at = (at + 1) % SLOTS;
	return &slots[at];
}

static inline u32 *
find(const struct bridge_mac *mac)
{
	struct slot *slot = slot_of(mac);

	return slot->used ? &slot->port : NULL;
}

static inline void
learn(const struct bridge_mac *mac, u32 port)
{
	struct slot *slot = slot_of(mac);

	slot->mac = *mac;
	slot->used = 1;
	slot->port = port;
}

#include "bench/programs/bridge.bpf.c"

struct native {
	int (*fn)(struct bench_native *ctx);
	struct bench_native ctx;
	struct bridge_packet packet;
};

static double
run_native(void *cookie, uint64_t repeat)
{
	struct native *native = cookie;
	int (*volatile fn)(struct bench_native *) = native->fn;
	double start = bench_cpu_ns();

	while (repeat-- > 0)
		fn(&native->ctx);
	return bench_cpu_ns() - start;
}

/* ---- the suite ---- */

enum { JIT, LINUX, NATIVE, INTERP };
enum { JIT_LINUX, JIT_NATIVE, INTERP_NATIVE };

static const struct row {
	const char *name, *program;
	u32 hosts, frames;
	int (*native)(struct bench_native *ctx);
	double goal; /* ns */
} rows[] = {
	{ "2 MACs", "bridge", 2, BRIDGE_FRAMES, bench_bridge, 9 },
	{ "1024 MACs", "bridge", 1024, BRIDGE_FRAMES, bench_bridge, 9 },
	{ "2 MACs, a run for each frame", "bridge_one", 2, 1,
	  bench_bridge_one, 0 },
	{ "1024 MACs, a run for each frame", "bridge_one", 1024, 1,
	  bench_bridge_one, 0 },
};

static void
make_packet(const struct row *row, struct bridge_packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->mask = row->hosts - 1;
	packet->frame.dst.addr[0] = packet->frame.src.addr[0] = 2;
}

static void
open_native(struct native *native, const struct bridge_packet *packet,
	    int (*fn)(struct bench_native *))
{
	native->fn = fn;
	native->packet = *packet;
	native->ctx = (struct bench_native){ (u8 *)&native->packet,
					     (u8 *)(&native->packet + 1) };
}

static int
open_pair(struct bench_home *home, const char *name,
	  const struct bench_table *table, const struct bridge_packet *packet,
	  struct bench_pair *pair)
{
	int error = bench_pair_open(home, name, &table->map,
				    &table->linux_map, 1, pair);

	bench_pair_packet(pair, packet, sizeof(*packet));
	if (error == 0 && table->linux_map < 0)
		memcpy(pair->linux_why, table->linux_why, BENCH_TEXT);
	return error;
}

/* From empty tables, each for itself, all must forward the same. */
static int
check_equal(struct bench_home *home, const struct row *row,
	    struct bench_pair *pair, struct native *native)
{
	uintptr_t ctx = (uintptr_t)&pair->ctx;
	struct bench_linux_run run = {
		.data = pair->linux_packet,
		.data_len = pair->packet_len,
		.repeat = 1,
	};
	struct ebpf_section section;
	uint32_t right, ours;

	memset(slots, 0, sizeof(slots));
	right = (uint32_t)native->fn(&native->ctx);
	ebpf_section_enter(&section);
	ours = (uint32_t)ebpf_prog_run(pair->prog, ctx, 0, 0);
	ebpf_section_leave(&section);
	run.retval = right;
	if (pair->linux_prog >= 0 &&
	    bench_linux_run(pair->linux_prog, &run) != 0)
		run.retval = right; /* it will say so when it is measured */
	if (ours == right && run.retval == right)
		return 0;
	return bench_fail(home->bench, -EBPF_EPROTO,
			  "%s: results differ: native %#x, here %#x, Linux %#x",
			  row->name, right, ours, run.retval);
}

static void
add_columns(struct bench_home *home, const struct row *row,
	    struct bench_pair *pair, struct bench_pair *base,
	    struct native *native, struct native *native_base)
{
	struct bench *bench = home->bench;
	double frames = row->frames;

	if (row->frames == 1) {
		pair->burst = 64;
		bench_pair_add_jit(home, JIT, pair, NULL, 1);
		bench_row_add(bench, INTERP, bench_pair_interp, pair, 1);
		bench_row_add(bench, NATIVE, run_native, native, 1);
		bench_row_skip(bench, LINUX, "%s",
			       pair->linux_prog < 0
				       ? pair->linux_why
				       : "a test run does more than run the "
					 "program");
		return;
	}
	bench_pair_add_jit(home, JIT, pair, base, frames);
	bench_pair_add_linux(home, pair, base, frames);
	bench_row_add_net(bench, INTERP, bench_pair_interp, pair,
			  bench_pair_interp, base, frames);
	bench_row_add_net(bench, NATIVE, run_native, native, run_native,
			  native_base, frames);
}

static int
measure(struct bench_home *home, const void *cookie)
{
	const struct row *row = cookie;
	static const struct bench_table_spec spec = {
		.kind = EBPF_MAP_HASH,
		.key_size = 6,
		.value_size = 4,
		.max_entries = BRIDGE_HOSTS_MAX,
	};
	static struct bench_pair pair, base;
	static struct native native, native_base;
	struct bridge_packet packet;
	struct bench_table table;
	int error = bench_table_open(home, &spec, &table);

	if (error != 0)
		return error;
	make_packet(row, &packet);
	open_native(&native, &packet, row->native);
	open_native(&native_base, &packet, bench_make);
	error = open_pair(home, row->program, &table, &packet, &pair);
	if (error == 0)
		error = open_pair(home, "make", &table, &packet, &base);
	if (error == 0)
		error = check_equal(home, row, &pair, &native);
	if (error == 0) {
		add_columns(home, row, &pair, &base, &native, &native_base);
		if (row->goal != 0)
			bench_row_goal(home->bench, BENCH_GOAL_FIGURE, JIT,
				       row->goal);
		bench_row_measure(home->bench);
	}
	bench_pair_close(&base);
	bench_pair_close(&pair);
	bench_table_close(&table);
	return error;
}

static int
run(struct bench *bench)
{
	static const struct bench_rows all = {
		.first = rows,
		.size = sizeof(rows[0]),
		.count = sizeof(rows) / sizeof(rows[0]),
		.measure = measure,
	};

	return bench_home_rows(bench, &bench_blob_bridge, LINUX, &all);
}

const struct bench_suite bench_suite_bridge = {
	.name = "bridge",
	.what = "time of a learning bridge's decision for one frame",
	.columns = { "jit", "linux", "native", "interp" },
	.ratios = {
		[JIT_LINUX] = { JIT, LINUX, BENCH_FASTER },
		[JIT_NATIVE] = { JIT, NATIVE, BENCH_TIME },
		[INTERP_NATIVE] = { INTERP, NATIVE, BENCH_TIME },
	},
	.ratio_count = 3,
	.reference = LINUX,
	.run = run,
};
