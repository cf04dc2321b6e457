/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf map push, pop, peek, enqueue, dequeue: values of maps without keys.
 */
#include <string.h>

#include "cmd/command.h"
#include "cmd/map.h"

/* MAP, of a kind without keys. */
static int
queue_open(struct cmd *cmd, struct map_element *e)
{
	const char *kind;
	int error = map_element_open(cmd, e);

	if (error != 0 || map_has_no_keys(&e->map))
		return error;
	kind = gebpf_map_kind_name(e->map.info.kind);
	if (e->map.info.kind == EBPF_MAP_RINGBUF) {
		cmd_fail(cmd, EBPF_EUNSUPPORTED,
			 "map '%s': only programs write to maps of type %s",
			 e->map.info.name, kind);
		return cmd_hint(cmd, "their records are shown by: gebpf map "
				     "event_pipe");
	}
	cmd_fail(cmd, EBPF_EINVAL, "map '%s': maps of type %s have keys",
		 e->map.info.name, kind != NULL ? kind : "unknown");
	return cmd_hint(cmd, "lookup, update and delete are for these");
}

/* Ask with what is in e->value where `question`; the answer goes there. */
static int
get(struct cmd *cmd, struct map_element *e, uint16_t number, bool question)
{
	size_t size = e->map.value_room;
	struct ebpf_req_map_key req = {
		.id = e->map.info.id,
		.key_len = question ? (uint32_t)size : 0,
	};
	struct gebpf_call call = {
		.number = number,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { e->value, req.key_len } },
		.out = e->value,
		.out_room = size,
	};
	int error = gebpf_request(cmd->dev, &call);

	if (error == 0 && call.out_len < size)
		return -EBPF_EPROTO;
	return error;
}

static int
show(struct cmd *cmd, struct map_element *e)
{
	struct out *typed;

	if (!out_is_plain(cmd->out) || !map_is_typed(&e->map)) {
		map_show_element(cmd->out, &e->map, e->key, e->value);
		return 0;
	}
	typed = out_new(OUT_PRETTY, cmd->out->file);
	if (typed == NULL)
		return cmd_no_memory(cmd);
	out_object(typed, NULL);
	map_show_typed(typed, &e->map, NULL, e->value, true);
	out_free(typed);
	return 0;
}

int
cmd_map_push(struct cmd *cmd)
{
	struct map_element e;
	struct ebpf_req_map_update req = { .flags = EBPF_ANY };
	struct gebpf_call call = { .number = EBPF_REQUEST_MAP_UPDATE };
	int error = queue_open(cmd, &e);

	if (error == 0)
		error = map_take_value(cmd, &e);
	if (error != 0)
		goto out;
	if (cmd_take_if(cmd, "exist"))
		req.flags = EBPF_EXIST;
	else
		cmd_take_if(cmd, "any");
	error = cmd_done(cmd);
	if (error != 0)
		goto out;
	req.id = e.map.info.id;
	req.value_len = (uint32_t)e.map.value_room;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0] = (struct gebpf_part){ e.value, req.value_len };
	error = gebpf_request(cmd->dev, &call);
	if (error != 0)
		error = map_failed(cmd, &e, "push", error);
out:
	map_element_close(&e);
	return error;
}

int
cmd_map_pop(struct cmd *cmd)
{
	struct map_element e;
	int error = queue_open(cmd, &e);

	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0) {
		error = get(cmd, &e, EBPF_REQUEST_MAP_LOOKUP_DELETE, false);
		error = error == 0 ? show(cmd, &e) :
				     map_failed(cmd, &e, "pop", error);
	}
	map_element_close(&e);
	return error;
}

int
cmd_map_peek(struct cmd *cmd)
{
	struct map_element e;
	bool question;
	int error = queue_open(cmd, &e);

	if (error != 0)
		goto out;
	question = e.map.info.kind == EBPF_MAP_BLOOM_FILTER;
	if (question && !cmd_take_if(cmd, "value"))
		error = cmd_fail(cmd, CMD_EUSAGE,
				 "map '%s': which value? value DATA",
				 e.map.info.name);
	else if (question)
		error = map_parse_value(cmd, &e);
	if (error == 0)
		error = cmd_done(cmd);
	if (error != 0)
		goto out;
	error = get(cmd, &e, EBPF_REQUEST_MAP_LOOKUP, question);
	error = error == 0 ? show(cmd, &e) :
			     map_failed(cmd, &e, "peek", error);
out:
	map_element_close(&e);
	return error;
}
