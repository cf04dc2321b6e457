/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Streaming output: begun and ended the same way by every command that prints
 * things as they come (tracelog, event_pipe). Knows nothing of what is printed.
 */
#include <signal.h>
#include <time.h>

#include "cmd/stream.h"

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	stopped = 1;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void
stream_begin(struct stream *stream, struct cmd *cmd, bool timed,
	     uint64_t seconds)
{
	struct sigaction action = { .sa_handler = on_signal };

	stream->cmd = cmd;
	stream->timed = timed || cmd->in_batch;
	stream->end_ns = now_ns() + seconds * 1000000000;
	stopped = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (cmd->in_batch)
		out_array(cmd->out, NULL);
}

bool
stream_stopped(const struct stream *stream)
{
	return stopped || stream->cmd->out->error != 0;
}

bool
stream_late(const struct stream *stream)
{
	return stream->timed && now_ns() >= stream->end_ns;
}

uint32_t
stream_wait_ms(const struct stream *stream, uint32_t most)
{
	uint64_t now = now_ns(), left;

	if (!stream->timed)
		return most;
	left = now >= stream->end_ns ? 0
				     : (stream->end_ns - now + 999999) / 1000000;
	return left < most ? (uint32_t)left : most;
}

void
stream_end(struct stream *stream, int error)
{
	struct cmd *cmd = stream->cmd;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (!cmd->in_batch) /* lines: nothing that came is nothing printed */
		cmd->out->anything = cmd->out->lines = true;
	else if (error == 0)
		out_end(cmd->out);
}
