/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_program.h. */
#include "bench/bench_program.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bench_linux.h"
#include "core/interp.h"

enum {
	LINUX_TC = 3,	    /* BPF_PROG_TYPE_SCHED_CLS */
	LINUX_MAP_FD = 1,   /* BPF_PSEUDO_MAP_FD */
	LINUX_MAP_VALUE = 2, /* BPF_PSEUDO_MAP_VALUE */
	OBJ_MAP_IDX = 5,
	OBJ_MAP_IDX_VALUE = 6,
	LDDW = 0x18,
	BURST = 1024,
};

/* ---- homes ---- */

int
bench_home_open(struct bench *bench, const struct bench_blob *blob,
		uint32_t linux_column, struct bench_home *home)
{
	struct gebpf_error why;
	const char *no_linux;
	int error;

	memset(home, 0, sizeof(*home));
	home->bench = bench;
	home->linux_column = linux_column;
	if (!bench_wants(bench, linux_column))
		home->no_linux = "not asked for";
	else if (!bench_linux_may(&no_linux))
		home->no_linux = no_linux;
	error = ebpf_runtime_create(NULL, &home->rt);
	if (error != 0)
		return bench_fail(bench, error, "no runtime: %s",
				  ebpf_error_text(error));
	if (blob == NULL)
		return 0;
	error = gebpf_object_open_mem(blob->data, blob->len, blob->name,
				      &home->object, &why);
	if (error == 0)
		return 0;
	ebpf_runtime_destroy(home->rt);
	home->rt = NULL;
	return bench_fail(bench, error, "%s", why.text);
}

void
bench_home_close(struct bench_home *home)
{
	gebpf_object_close(home->object);
	ebpf_runtime_destroy(home->rt);
}

int
bench_home_rows(struct bench *bench, const struct bench_blob *blob,
		uint32_t linux_column, const struct bench_rows *rows)
{
	const uint8_t *row = rows->first;
	struct bench_home home;
	const char *name;
	int error = bench_home_open(bench, blob, linux_column, &home);

	if (error != 0)
		return error;
	for (size_t i = 0; i < rows->count; i++, row += rows->size) {
		memcpy(&name, row, sizeof(name));
		if (error == 0 && bench_row_begin(bench, "%s", name))
			while (error == 0 && bench_row_next(bench, 3))
				error = rows->measure(&home, row);
	}
	bench_home_close(&home);
	return error;
}

const struct gebpf_obj_prog *
bench_home_prog(struct bench_home *home, const char *name)
{
	char symbol[EBPF_NAME_SIZE];

	snprintf(symbol, sizeof(symbol), "bench_%s", name);
	for (size_t i = 0; i < gebpf_object_prog_count(home->object); i++) {
		const struct gebpf_obj_prog *prog =
			gebpf_object_prog(home->object, i);

		if (strcmp(prog->name, symbol) == 0)
			return prog;
	}
	return NULL;
}

/* ---- loading ---- */

int
bench_load(struct bench_home *home, const struct ebpf_insn *insns,
	   uint32_t count, struct ebpf_map *const *maps, uint32_t map_count,
	   struct ebpf_prog **prog)
{
	char log[512] = "";
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = EBPF_PROG_TC,
		.insns = insns,
		.insn_count = count,
		.maps = maps,
		.map_count = map_count,
		.license = "GPL",
		.log = log,
		.log_size = sizeof(log),
	};
	int error = ebpf_prog_load(home->rt, &load, prog);

	if (error == 0) {
		/* some rows interpret what is compiled */
		ebpf_prog_will_interp(*prog);
		return 0;
	}
	log[strcspn(log, "\n")] = '\0';
	return bench_fail(home->bench, error, "a program of %u instructions "
					      "does not load: %s: %s", count,
			  ebpf_error_text(error), log);
}

int
bench_load_linux(const struct ebpf_insn *insns, uint32_t count,
		 const int *maps, uint32_t map_count, char *why,
		 size_t why_size)
{
	struct ebpf_insn *copy = malloc(count * sizeof(*copy));
	int fd;

	if (copy == NULL)
		return -EBPF_ENOMEM;
	memcpy(copy, insns, count * sizeof(*copy));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t src = copy[i].regs >> 4;

		if (copy[i].code != LDDW)
			continue;
		if ((src == OBJ_MAP_IDX || src == OBJ_MAP_IDX_VALUE) &&
		    (uint32_t)copy[i].imm < map_count) {
			copy[i].regs &= 15;
			copy[i].regs |= (src == OBJ_MAP_IDX ? LINUX_MAP_FD
							    : LINUX_MAP_VALUE)
					<< 4;
			copy[i].imm = maps[copy[i].imm];
		}
		i++; /* its second half */
	}
	fd = bench_linux_prog(LINUX_TC, "GPL", copy, count, why, why_size);
	free(copy);
	return fd;
}

int
bench_pair_open(struct bench_home *home, const char *name,
		struct ebpf_map *const *maps, const int *linux_maps,
		uint32_t map_count, struct bench_pair *pair)
{
	const struct gebpf_obj_prog *from = bench_home_prog(home, name);
	int error;

	memset(pair, 0, sizeof(*pair));
	pair->linux_prog = -1;
	pair->burst = 1;
	if (from == NULL)
		return bench_fail(home->bench, -EBPF_ENOENT,
				  "there is no program '%s'", name);
	error = bench_load(home, from->insns, from->insn_count, maps,
			   map_count, &pair->prog);
	if (error != 0)
		return error;
	bench_pair_packet(pair, NULL, 64);
	if (home->no_linux != NULL)
		snprintf(pair->linux_why, sizeof(pair->linux_why), "%s",
			 home->no_linux);
	else
		pair->linux_prog = bench_load_linux(
			from->insns, from->insn_count, linux_maps, map_count,
			pair->linux_why, sizeof(pair->linux_why));
	return 0;
}

void
bench_pair_close(struct bench_pair *pair)
{
	if (pair->prog == NULL)
		return;
	ebpf_prog_put(pair->prog);
	bench_linux_close(pair->linux_prog);
	pair->prog = NULL;
}

void
bench_pair_packet(struct bench_pair *pair, const void *data, uint32_t len)
{
	if (len > BENCH_PACKET)
		len = BENCH_PACKET;
	if (data != NULL) {
		memcpy(pair->packet, data, len);
		memcpy(pair->linux_packet, data, len);
	}
	pair->packet_len = len;
	pair->ctx = (struct ebpf_skb_ctx){
		.data = pair->packet,
		.data_end = pair->packet + len,
		.data_meta = pair->packet,
		.len = len,
		.wire_len = len,
		.ifindex = 1,
		.ingress_ifindex = 1,
		.hard_start = pair->packet,
		.hard_end = pair->packet + BENCH_PACKET,
		.mac = pair->packet,
		.mac_len = 14,
	};
}

/* ---- running ---- */

double
bench_pair_jit(void *cookie, uint64_t repeat)
{
	struct bench_pair *pair = cookie;
	const struct ebpf_prog *prog = pair->prog;
	uintptr_t ctx = (uintptr_t)&pair->ctx;
	uint32_t burst = pair->burst;
	struct ebpf_section section;
	double start = bench_cpu_ns();

	while (repeat > 0) {
		uint64_t n = repeat < burst ? repeat : burst;

		repeat -= n;
		ebpf_section_enter(&section);
		while (n-- > 0)
			ebpf_prog_run(prog, ctx, 0, 0);
		ebpf_section_leave(&section);
	}
	return bench_cpu_ns() - start;
}

double
bench_pair_interp(void *cookie, uint64_t repeat)
{
	struct bench_pair *pair = cookie;
	uintptr_t ctx = (uintptr_t)&pair->ctx;
	struct ebpf_section section;
	double start = bench_cpu_ns();

	while (repeat > 0) {
		uint64_t n = repeat < pair->burst ? repeat : pair->burst;

		repeat -= n;
		ebpf_section_enter(&section);
		while (n-- > 0)
			ebpf_interp_run(ctx, 0, 0, pair->prog);
		ebpf_section_leave(&section);
	}
	return bench_cpu_ns() - start;
}

/*
 * What the kernel says a run took, not what the call took: a call also waits
 * for grace periods. It leaves out the time in which others have the processor,
 * as bench_cpu_ns() does.
 */
double
bench_pair_linux(void *cookie, uint64_t repeat)
{
	struct bench_pair *pair = cookie;
	struct bench_linux_run run = {
		.data = pair->linux_packet,
		.data_len = pair->packet_len,
		.data_out = pair->linux_packet,
		.data_out_len = pair->packet_len,
		.repeat = repeat > UINT32_MAX ? UINT32_MAX : (uint32_t)repeat,
	};

	if (bench_linux_run(pair->linux_prog, &run) != 0)
		return -1;
	return (double)run.duration_ns * run.repeat;
}

void
bench_pair_add_jit(struct bench_home *home, uint32_t column,
		   struct bench_pair *pair, struct bench_pair *base,
		   double operations)
{
	if (!ebpf_prog_is_jited(pair->prog))
		bench_row_skip(home->bench, column,
			       "there is no JIT for this machine");
	else
		bench_row_add_net(home->bench, column, bench_pair_jit, pair,
				  base != NULL ? bench_pair_jit : NULL, base,
				  operations);
}

void
bench_pair_add_linux(struct bench_home *home, struct bench_pair *pair,
		     struct bench_pair *base, double operations)
{
	if (pair->linux_prog < 0)
		bench_row_skip(home->bench, home->linux_column, "%s",
			       pair->linux_why);
	else if (base != NULL && base->linux_prog < 0)
		bench_row_skip(home->bench, home->linux_column, "%s",
			       base->linux_why);
	else
		bench_row_add_net(home->bench, home->linux_column,
				  bench_pair_linux, pair,
				  base != NULL ? bench_pair_linux : NULL, base,
				  operations);
}
