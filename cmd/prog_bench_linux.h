/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A program of a device once more, in Linux: the same code, the same maps. */
#ifndef CMD_PROG_BENCH_LINUX_H
#define CMD_PROG_BENCH_LINUX_H

#include "bench/bench.h"
#include "cmd/cmd.h"

struct prog_twin {
	int prog; /* descriptor; negative: there is none, see why */
	int *maps;
	uint32_t map_count;
	char why[BENCH_TEXT];
	bool per_cpu; /* it has per-CPU maps, whose elements are not copied */
};

/* Errors are the device's and memory's; that Linux refuses is none. */
int prog_twin_open(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
		   struct prog_twin *twin);
void prog_twin_close(struct prog_twin *twin); /* a zeroed one is fine */

#endif
