/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog tracelog: what programs print with bpf_trace_printk(), as it
 * comes, until interrupted or for a while. JSON lines in JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/stream.h"

enum { READ_ROOM = 256 << 10, POLL_NS = 50 * 1000 * 1000 };

static void
show(struct out *out, const struct ebpf_trace_record *record, const char *text)
{
	char when[40], line[300];
	time_t seconds = (time_t)(record->time_ns / 1000000000);
	struct tm tm;

	snprintf(line, sizeof(line), "%.*s", (int)record->len, text);
	line[strcspn(line, "\n")] = '\0';
	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(when, sizeof(when), "%H:%M:%S", &tm) == 0)
		strcpy(when, "?");
	out_object(out, NULL);
	out_text(out, "%s.%06llu ", when,
		 (unsigned long long)(record->time_ns % 1000000000 / 1000));
	out_uint(out, "time_ns", NULL, record->time_ns);
	out_uint(out, "prog_id", "prog % ", record->prog_id);
	out_uint(out, "cpu", "cpu %: ", record->cpu);
	out_string(out, "text", "%\n", line);
	out_end(out);
}

/* Everything that is there now. */
static int
read_now(struct cmd *cmd, struct ebpf_req_tracelog *req, uint8_t *room,
	 bool *any)
{
	struct ebpf_rep_tracelog rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_TRACELOG,
		.req = req,
		.req_len = sizeof(*req),
		.rep = &rep,
		.rep_len = sizeof(rep),
		.out = room,
		.out_room = READ_ROOM,
		.exact = true,
	};
	size_t at = 0;
	int error;

	memset(&rep, 0, sizeof(rep));
	error = gebpf_request(cmd->dev, &call);
	if (error != 0)
		return cmd_fail(cmd, error, "reading the trace log failed: %s",
				gebpf_error_text(error));
	if (rep.lost > 0)
		cmd_warn(cmd, "%llu lines were overwritten before they could "
			      "be read",
			 (unsigned long long)rep.lost);
	for (uint32_t i = 0; i < rep.count; i++) {
		struct ebpf_trace_record record;

		if (call.out_len - at < sizeof(record))
			return cmd_fail(cmd, EBPF_EPROTO,
					"the trace log came malformed");
		memcpy(&record, room + at, sizeof(record));
		at += sizeof(record);
		if (call.out_len - at < record.len)
			return cmd_fail(cmd, EBPF_EPROTO,
					"the trace log came malformed");
		show(cmd->out, &record, (const char *)room + at);
		at += record.len;
	}
	req->after = rep.next;
	*any = rep.count > 0;
	return 0;
}

int
cmd_prog_tracelog(struct cmd *cmd)
{
	struct ebpf_req_tracelog req = { .size = 0 };
	struct timespec nap = { 0, POLL_NS };
	uint64_t duration = 0;
	const char *word = cmd_peek(cmd);
	bool timed = false, any;
	struct stream stream;
	uint8_t *room;
	int error = 0;

	if (word != NULL &&
	    !(strcmp(word, "duration") == 0 && cmd->at + 1 < cmd->count))
		error = handle_one(cmd, EBPF_OBJ_PROG, &req.prog_id);
	if (error == 0 && cmd_take_if(cmd, "duration")) {
		error = cmd_number(cmd, "duration", 1000000000, &duration);
		timed = true;
	}
	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0)
		error = cmd_open(cmd);
	if (error != 0)
		return error;
	room = malloc(READ_ROOM);
	if (room == NULL)
		return cmd_no_memory(cmd);
	stream_begin(&stream, cmd, timed, duration);
	for (;;) {
		error = read_now(cmd, &req, room, &any);
		out_flush(cmd->out);
		if (error != 0 || stream_stopped(&stream) ||
		    (!any && stream_late(&stream)))
			break;
		if (!any)
			nanosleep(&nap, NULL);
	}
	stream_end(&stream, error);
	free(room);
	return error;
}
