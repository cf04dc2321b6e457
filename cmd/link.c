/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf link, attach, detach: what ties programs to switches.
 */
#include <string.h>

#include "cmd/command.h"
#include "cmd/handle.h"

static const char *
state_name(uint32_t state)
{
	switch ((enum ebpf_link_state)state) {
	case EBPF_LINK_ATTACHED:
		return "attached";
	case EBPF_LINK_DETACHED:
		return "detached";
	case EBPF_LINK_STALE:
		return "stale";
	}
	return "unknown";
}

static int
show(struct cmd *cmd, uint32_t id)
{
	struct ebpf_rep_link_info info;
	struct ebpf_rep_prog_info prog;
	struct out *out = cmd->out;
	int error = handle_link_info(cmd, id, &info);

	if (error != 0)
		return error;
	out_object(out, NULL);
	out_uint(out, "id", "%: ", info.id);
	out_string(out, "type", "%",
		   info.hook == EBPF_HOOK_VALE ? "vale" : "unknown");
	out_uint(out, "prog_id", "  prog %", info.prog_id);
	if (handle_prog_info(cmd, info.prog_id, &prog) == 0)
		out_string(out, "prog_name", "  name %", prog.name);
	out_string(out, "switch", "\n\tswitch %", info.target);
	out_string(out, "state", "  state %", state_name(info.state));
	out_uint(out, "uid", "  uid %", info.uid);
	handle_show_pins(cmd, EBPF_OBJ_LINK, info.id);
	out_text(out, "\n");
	out_end(out);
	return 0;
}

int
cmd_link_show(struct cmd *cmd)
{
	return handle_show(cmd, EBPF_OBJ_LINK, show);
}

int
cmd_link_update(struct cmd *cmd)
{
	struct ebpf_req_link_update req = { .old_prog_id = 0 };
	struct ebpf_rep_link_info info;
	int error = handle_one(cmd, EBPF_OBJ_LINK, &req.id);

	if (error == 0)
		error = handle_one(cmd, EBPF_OBJ_PROG, &req.prog_id);
	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0)
		error = handle_link_info(cmd, req.id, &info);
	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_LINK_UPDATE, &req,
			  sizeof(req), NULL, 0);
	if (error == -EBPF_ESTALE) {
		cmd_fail(cmd, error, "link %u is %s: switch %s has no program "
				     "to replace",
			 req.id, state_name(info.state), info.target);
		return cmd_hint(cmd, "gebpf attach vale %s PROG", info.target);
	}
	if (error == -EBPF_EINVAL)
		return cmd_fail(cmd, error,
				"link %u: program %u is of a type that a VALE "
				"switch cannot run",
				req.id, req.prog_id);
	if (error != 0)
		return cmd_fail(cmd, error, "link %u: replacing its program "
					    "failed: %s",
				req.id, gebpf_error_text(error));
	return 0;
}

static int
detach(struct cmd *cmd, uint32_t id)
{
	struct ebpf_req_id req = { .id = id };
	int error;

	error = gebpf_ask(cmd->dev, EBPF_REQUEST_LINK_DETACH, &req,
			  sizeof(req), NULL, 0);
	if (error == -EBPF_ESTALE)
		return cmd_fail(cmd, error, "link %u is not attached any more",
				id);
	if (error != 0)
		return cmd_fail(cmd, error, "link %u: detaching it failed: %s",
				id, gebpf_error_text(error));
	return 0;
}

int
cmd_link_detach(struct cmd *cmd)
{
	uint32_t id;
	int error = handle_one(cmd, EBPF_OBJ_LINK, &id);

	if (error == 0)
		error = cmd_done(cmd);
	return error != 0 ? error : detach(cmd, id);
}

int
cmd_link_pin(struct cmd *cmd)
{
	return handle_pin_command(cmd, EBPF_OBJ_LINK);
}

int
cmd_link_unpin(struct cmd *cmd)
{
	return handle_unpin_command(cmd, EBPF_OBJ_LINK);
}

/* ---- attach, detach ---- */

static int
attach_failed(struct cmd *cmd, const struct ebpf_req_link_create *req,
	      int error)
{
	struct ebpf_rep_prog_info prog;
	const char *kind = NULL;

	switch (-error) {
	case EBPF_ENOENT:
		return cmd_no_switch(cmd, error, req->target);
	case EBPF_EBUSY:
		cmd_fail(cmd, error,
			 "switch '%s' has a program attached already",
			 req->target);
		return cmd_hint(cmd, "add 'replace' to take over in one step, "
				     "or: gebpf detach vale %s",
				req->target);
	case EBPF_EINVAL:
		if (handle_prog_info(cmd, req->prog_id, &prog) == 0)
			kind = gebpf_prog_kind_name(prog.kind);
		cmd_fail(cmd, error,
			 "switch '%s' cannot run program %u of type %s",
			 req->target, req->prog_id,
			 kind != NULL ? kind : "unknown");
		return cmd_hint(cmd, "VALE switches run programs of type vale "
				     "and vale_buf");
	case EBPF_EUNSUPPORTED:
		return cmd_no_switches(cmd, error);
	default:
		return cmd_fail(cmd, error,
				"switch '%s': attaching program %u failed: %s",
				req->target, req->prog_id,
				gebpf_error_text(error));
	}
}

int
cmd_attach_vale(struct cmd *cmd)
{
	struct ebpf_req_link_create req = { .hook = EBPF_HOOK_VALE };
	struct ebpf_rep_id rep = { .id = 0 };
	const char *word = cmd_take(cmd), *pin = NULL;
	int error;

	if (word == NULL)
		return cmd->err.code;
	error = cmd_copy_name(cmd, "the switch's name", word, req.target,
			      sizeof(req.target));
	if (error == 0)
		error = handle_one(cmd, EBPF_OBJ_PROG, &req.prog_id);
	while (error == 0 && cmd_peek(cmd) != NULL) {
		if (cmd_take_if(cmd, "replace"))
			req.replace = 1;
		else if (!cmd_take_if(cmd, "pin"))
			error = cmd_done(cmd);
		else if ((pin = cmd_take(cmd)) == NULL)
			error = cmd->err.code;
	}
	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_LINK_CREATE, &req,
			  sizeof(req), &rep, sizeof(rep));
	if (error != 0)
		return attach_failed(cmd, &req, error);
	if (pin != NULL) {
		error = handle_pin(cmd, EBPF_OBJ_LINK, rep.id, pin, false);
		if (error != 0) {
			struct gebpf_error kept = cmd->err;

			if (!req.replace)
				detach(cmd, rep.id);
			cmd->err = kept;
			return error;
		}
	}
	if (cmd->quiet && out_is_plain(cmd->out))
		return 0;
	out_object(cmd->out, NULL);
	out_uint(cmd->out, "link_id", "attached: link %", rep.id);
	out_uint(cmd->out, "prog_id", "  prog %", req.prog_id);
	out_string(cmd->out, "switch", "  switch %", req.target);
	if (pin != NULL)
		out_string(cmd->out, "pinned", "  pinned %", pin);
	out_text(cmd->out, "\n");
	out_end(cmd->out);
	return 0;
}

int
cmd_detach_vale(struct cmd *cmd)
{
	struct ebpf_req_switch req = { .size = 0 };
	struct ebpf_rep_switch_info info = { .size = 0 };
	const char *word = cmd_take(cmd);
	int error;

	if (word == NULL || cmd_done(cmd) != 0)
		return cmd->err.code;
	error = cmd_copy_name(cmd, "the switch's name", word, req.name,
			      sizeof(req.name));
	if (error == 0)
		error = cmd_open(cmd);
	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_SWITCH_INFO, &req,
			  sizeof(req), &info, sizeof(info));
	if (error == -EBPF_ENOENT) {
		cmd_fail(cmd, error, "there is no switch '%s'", word);
		return cmd_hint(cmd, "if it vanished, gebpf link show has its "
				     "link; gebpf link detach lets it go");
	}
	if (error == -EBPF_EUNSUPPORTED)
		return cmd_no_switches(cmd, error);
	if (error != 0)
		return cmd_fail(cmd, error, "switch '%s': %s", word,
				gebpf_error_text(error));
	if (info.link_id == 0)
		return cmd_fail(cmd, EBPF_ENOENT,
				"switch '%s' has no program attached", word);
	return detach(cmd, info.link_id);
}
