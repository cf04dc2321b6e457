/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* An embedded device of one's own, which ends with whoever started it. */
#ifndef BENCH_BENCH_DAEMON_H
#define BENCH_BENCH_DAEMON_H

#include <stddef.h>
#include <sys/types.h>

#include "client/gebpf.h"

struct bench_daemon {
	pid_t pid; /* 0: none */
	char folder[256];
	char target[320];
};

/* Start this very program (or GEBPF_DEVICE_EXEC) as one; words in why. */
int bench_daemon_start(struct bench_daemon *daemon, char *why,
		       size_t why_size);
void bench_daemon_stop(struct bench_daemon *daemon); /* a zeroed one is fine */

#endif
