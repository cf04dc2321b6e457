/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf map event_pipe: records that programs write to a ringbuf or
 * perf_event_array, as they come. bpftool's lines and members for the latter;
 * with the type of the records in JSON where the map says it.
 */
#include <string.h>

#include "cmd/command.h"
#include "cmd/data.h"
#include "cmd/handle.h"
#include "cmd/map.h"
#include "cmd/stream.h"

enum {
	WAIT_MS = 200, /* for records, between looks at signals */
	/* what bpftool says of the two sorts: Linux PERF_RECORD_* */
	TYPE_LOST = 2,
	TYPE_SAMPLE = 9,
};

struct pipe {
	struct cmd *cmd;
	struct map map;
	bool perf; /* a perf_event_array */
	uint64_t shown, count; /* count 0: no limit */
};

static void
show_head(struct out *out, const struct pipe *pipe,
	  const struct gebpf_event *event)
{
	out_uint(out, "type", NULL,
		 event->lost != 0 ? TYPE_LOST : TYPE_SAMPLE);
	if (!pipe->perf)
		return;
	/* the ring of a CPU is the array's element of that index */
	out_uint(out, "cpu", NULL, event->cpu);
	out_uint(out, "index", NULL, event->cpu);
}

static void
show_data(struct out *out, const struct pipe *pipe,
	  const struct gebpf_event *event)
{
	if (pipe->perf) {
		out_text(out, "== @%llu.%09llu CPU: %u index: %u =====\n",
			 (unsigned long long)(event->time_ns / 1000000000),
			 (unsigned long long)(event->time_ns % 1000000000),
			 event->cpu, event->cpu);
		out_uint(out, "timestamp", NULL, event->time_ns);
	} else {
		out_text(out, "== %u bytes =====\n", event->len);
	}
	out_hex(out, event->data, event->len);
	out_text(out, "\n");
	out_bytes(out, "data", event->data, event->len);
	if (!map_is_typed(&pipe->map) || out_is_plain(out))
		return;
	out_object(out, "formatted");
	typed_print(out, "value", pipe->map.btf,
		    pipe->map.info.btf_value_type, event->data, event->len,
		    false);
	out_end(out);
}

static int
show(void *cookie, const struct gebpf_event *event)
{
	struct pipe *pipe = cookie;
	struct out *out = pipe->cmd->out;

	out_object(out, NULL);
	show_head(out, pipe, event);
	if (event->lost != 0) {
		out_text(out, "lost %llu events\n",
			 (unsigned long long)event->lost);
		out_object(out, "lost");
		out_uint(out, "id", NULL, event->cpu);
		out_uint(out, "count", NULL, event->lost);
		out_end(out);
	} else {
		show_data(out, pipe, event);
		pipe->shown++;
	}
	out_end(out);
	return out->error;
}

static uint32_t
most(const struct pipe *pipe)
{
	uint64_t left = pipe->count - pipe->shown;

	return pipe->count == 0	  ? 0 :
	       left <= UINT32_MAX ? (uint32_t)left :
				    UINT32_MAX;
}

static int
show_all(struct pipe *pipe, struct gebpf_events *events,
	 struct stream *stream)
{
	struct cmd *cmd = pipe->cmd;
	int n;

	for (;;) {
		n = gebpf_events_poll(events,
				       stream_wait_ms(stream, WAIT_MS),
				       most(pipe), show, pipe);
		out_flush(cmd->out);
		if (cmd->out->error != 0)
			return 0;
		if (n == -EBPF_ERANGE)
			return cmd_fail(cmd, n, "map '%s' has no records of "
						"that CPU",
					pipe->map.info.name);
		if (n < 0)
			return cmd_fail(cmd, n, "map '%s': reading its "
						"records failed: %s",
					pipe->map.info.name,
					gebpf_error_text(n));
		if (stream_stopped(stream) ||
		    (pipe->count != 0 && pipe->shown == pipe->count) ||
		    (n == 0 && stream_late(stream)))
			return 0;
	}
}

/* [cpu N] [index INDEX] [count N] [duration SECONDS] */
static int
parse(struct cmd *cmd, struct pipe *pipe, uint32_t *cpu, uint64_t *seconds,
      bool *timed)
{
	uint64_t n = GEBPF_CPU_ANY, index;
	int error = 0;

	while (error == 0 && cmd_peek(cmd) != NULL) {
		if (cmd_take_if(cmd, "cpu")) {
			error = cmd_number(cmd, "cpu", UINT32_MAX - 1, &n);
		} else if (cmd_take_if(cmd, "index")) {
			error = cmd_number(cmd, "index", UINT32_MAX - 1,
					   &index);
			if (error == 0 && n != GEBPF_CPU_ANY && n != index)
				error = cmd_fail(cmd, CMD_EUSAGE,
						 "index %llu is not that of "
						 "CPU %llu: here each CPU has "
						 "its own",
						 (unsigned long long)index,
						 (unsigned long long)n);
			n = index;
		} else if (cmd_take_if(cmd, "count")) {
			error = cmd_number(cmd, "count", UINT64_MAX,
					   &pipe->count);
			if (error == 0 && pipe->count == 0)
				error = cmd_fail(cmd, CMD_EUSAGE,
						 "count 0: nothing to do");
		} else if (cmd_take_if(cmd, "duration")) {
			error = cmd_number(cmd, "duration", 1000000000,
					   seconds);
			*timed = true;
		} else {
			error = cmd_done(cmd);
		}
	}
	*cpu = (uint32_t)n;
	return error;
}

int
cmd_map_event_pipe(struct cmd *cmd)
{
	struct pipe pipe = { .cmd = cmd };
	struct gebpf_events *events = NULL;
	struct stream stream;
	uint64_t seconds = 0;
	uint32_t id, cpu;
	bool timed = false;
	int error = handle_one(cmd, EBPF_OBJ_MAP, &id);

	if (error == 0)
		error = map_open(cmd, id, &pipe.map);
	if (error != 0)
		return error;
	pipe.perf = pipe.map.info.kind == EBPF_MAP_PERF_EVENT_ARRAY;
	error = parse(cmd, &pipe, &cpu, &seconds, &timed);
	if (error == 0)
		error = gebpf_events_open(cmd->dev, id, cpu, &events,
					   &cmd->err);
	if (error == 0) {
		stream_begin(&stream, cmd, timed, seconds);
		error = show_all(&pipe, events, &stream);
		stream_end(&stream, error);
	}
	gebpf_events_close(events);
	map_close(&pipe.map);
	return error;
}
