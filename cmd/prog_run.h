/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One test run of a program, as prog run, replay and bench make it. */
#ifndef CMD_PROG_RUN_H
#define CMD_PROG_RUN_H

#include "cmd/cmd.h"

struct prog_bytes {
	void *data;
	size_t len;
};

/* One run and what came of it. */
struct prog_result {
	struct ebpf_rep_prog_run rep;
	uint8_t *data, *ctx; /* point into out */
	uint8_t *out;	     /* malloc'd by the first run, used by the next */
	size_t data_len, ctx_len;
};

/* engine: enum ebpf_run_engine. The device's error, nothing said yet. */
int prog_run_once(struct cmd *cmd, uint32_t id, const struct prog_bytes *data,
		  const struct prog_bytes *ctx, uint32_t repeat,
		  uint32_t engine, struct prog_result *result);
/* Say why a run failed; len: of the data. Returns the error. */
int prog_run_failed(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
		    size_t len, int error);

#endif
