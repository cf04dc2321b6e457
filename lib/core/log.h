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
	uint32_t level; /* 0: rejection, 1: states per line, 2: all */
	uint32_t truncated;
	uint32_t concluding; /* the end may use what was kept back for it */
	/* The same for programs, in records (abi/wire.h); NULL: not wanted. */
	struct ebpf_log *records;
};

/* Bytes at the end that only a conclusion may use: at most a quarter. */
#define EBPF_LOG_KEPT 4096

/* log NULL is fine: nothing is kept. */
void ebpf_log(struct ebpf_log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * At most max bytes of a text from outside: tabs become spaces and other
 * control characters '?', so that it cannot pass for words of ours.
 */
void ebpf_log_clean(struct ebpf_log *log, const char *text, size_t max);

/*
 * What comes now is why loading ended: it gets the room kept back for it, so
 * that a long account of states never hides the rejection.
 */
void ebpf_log_conclude(struct ebpf_log *log);

#endif
