/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A bounded text buffer that loading writes its words into; never overflows. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct ebpf_log {
	char *text;	/* may be NULL: nothing is kept */
	size_t room;	/* bytes at text, the NUL included */
	size_t len;	/* bytes written, without the NUL */
	uint32_t level; /* 0: rejection, 1: per line, 2: per instruction */
	uint32_t truncated;
	uint32_t concluding; /* the end may use what was kept back for it */
};

/* Bytes at the end that only a conclusion may use: at most a quarter. */
#define EBPF_LOG_KEPT 4096

void ebpf_log(struct ebpf_log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * What comes now is why loading ended: it gets the room kept back for it, so
 * that a long account of states never hides the rejection.
 */
void ebpf_log_conclude(struct ebpf_log *log);

#endif
