/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What was measured, through the writer; for bench.c and prog_bench.c. */
#ifndef CMD_BENCH_SHOW_H
#define CMD_BENCH_SHOW_H

#include "bench/bench.h"
#include "cmd/cmd.h"

struct bench_show {
	struct cmd *cmd;
	bool list;  /* names only */
	bool begun; /* the object around it all is open */
	char machine[480]; /* in words */
	/* what was already said of why something is left out */
	char said[64][BENCH_TEXT + 16];
	size_t said_count;
};

extern const struct bench_sink bench_show_sink; /* cookie: struct bench_show */

/* After the last suite: how fast the machine itself was. */
void bench_show_end(struct bench_show *show, struct bench *bench);
/* Write the picture; path NULL: none. */
int bench_show_svg(struct bench_show *show, struct bench *bench,
		   const char *path);

#endif
