/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What commands share that print things as they come, until they are
 * interrupted or their time is over: signals, time, one JSON value a line.
 */
#ifndef CMD_STREAM_H
#define CMD_STREAM_H

#include "cmd/cmd.h"

struct stream {
	struct cmd *cmd;
	bool timed;
	uint64_t end_ns;
};

/*
 * From here on interrupts only set a flag. timed: for so many seconds; a batch
 * waits for no key press, so there it is 0 unless given.
 */
void stream_begin(struct stream *stream, struct cmd *cmd, bool timed,
		  uint64_t seconds);
/* Interrupted, or nobody reads what is printed. */
bool stream_stopped(const struct stream *stream);
/* The time is over, if there is a limit. */
bool stream_late(const struct stream *stream);
/* How long to wait for more, at most `most`. */
uint32_t stream_wait_ms(const struct stream *stream, uint32_t most);
void stream_end(struct stream *stream, int error);

#endif
