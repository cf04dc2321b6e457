/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf vale: switches, their ports and their counters.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"

enum { WAIT_STEP_MS = 250 };

static int
take_switch(struct cmd *cmd, char *name)
{
	const char *word = cmd_take(cmd);

	if (word == NULL)
		return cmd->err.code;
	return cmd_copy_name(cmd, "the switch's name", word, name,
			     EBPF_NAME_SIZE);
}

static int
failed(struct cmd *cmd, const char *name, const char *what, int error)
{
	switch (-error) {
	case EBPF_ENOENT:
		return cmd_no_switch(cmd, error, name);
	case EBPF_EEXIST:
		return cmd_fail(cmd, error, "there is a switch '%s' already",
				name);
	case EBPF_EINVAL:
		cmd_fail(cmd, error, "switch '%s': %s failed: the name is not "
				     "valid",
			 name, what);
		return cmd_hint(cmd, "names begin with 'vale', followed by "
				     "letters and digits");
	case EBPF_EUNSUPPORTED:
		return cmd_no_switches(cmd, error);
	case EBPF_EBUSY:
		cmd_fail(cmd, error, "switch '%s': %s failed: in use by a "
				     "program that has a port open",
			 name, what);
		return cmd_hint(cmd, "gebpf vale show %s lists its ports; those "
				     "of kind netmap go when their program ends",
				name);
	case EBPF_EACCES:
		cmd_fail(cmd, error, "switch '%s' was not made by gebpf", name);
		return cmd_hint(cmd, "netmap made it and removes it with its "
				     "last port; or another module owns it");
	default:
		return cmd_fail(cmd, error, "switch '%s': %s failed: %s", name,
				what, gebpf_error_text(error));
	}
}

static int
simple(struct cmd *cmd, enum ebpf_request number, const char *what)
{
	struct ebpf_req_switch req = { .size = 0 };
	int error = take_switch(cmd, req.name);

	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0)
		error = cmd_open(cmd);
	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, number, &req, sizeof(req), NULL, 0);
	return error != 0 ? failed(cmd, req.name, what, error) : 0;
}

int
cmd_vale_create(struct cmd *cmd)
{
	return simple(cmd, EBPF_REQUEST_SWITCH_CREATE, "creating it");
}

int
cmd_vale_destroy(struct cmd *cmd)
{
	return simple(cmd, EBPF_REQUEST_SWITCH_DESTROY, "destroying it");
}

/* ---- ports ---- */

/* The device does not know our folder: paths of pcap ports become absolute. */
static int
absolute_spec(struct cmd *cmd, const char *spec, char *to)
{
	char cwd[PATH_MAX], text[2 * PATH_MAX + 64];
	const char *path = spec + 5;
	size_t n;

	if (strncmp(spec, "pcap:", 5) != 0) {
		if (strlen(spec) >= EBPF_PATH_SIZE)
			return cmd_fail(cmd, EBPF_ENAMETOOLONG,
					"the port specification is longer than "
					"%d bytes",
					EBPF_PATH_SIZE - 1);
		strcpy(to, spec);
		return 0;
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return cmd_fail(cmd, EBPF_EIO, "the current folder has gone");
	n = (size_t)snprintf(text, sizeof(text), "pcap:");
	for (;;) {
		size_t len = strcspn(path, ",");

		if (n + len + strlen(cwd) + 3 > sizeof(text))
			break;
		if (len > 0 && *path != '/')
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%s/", cwd);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s",
				      (int)len, path);
		path += len;
		if (*path == '\0')
			break;
		text[n++] = *path++;
		text[n] = '\0';
	}
	if (n >= EBPF_PATH_SIZE || *path != '\0')
		return cmd_fail(cmd, EBPF_ENAMETOOLONG,
				"the port's paths are longer than %d bytes",
				EBPF_PATH_SIZE - 1);
	strcpy(to, text);
	return 0;
}

static void
show_verdicts(struct out *out, const struct ebpf_verdict_counts *counts,
	      const char *indent)
{
	out_object(out, "verdicts");
	out_text(out, "%s", indent);
	out_uint(out, "port", "port %", counts->port);
	out_uint(out, "broadcast", "  broadcast %", counts->broadcast);
	out_uint(out, "drop", "  drop %", counts->drop);
	out_uint(out, "invalid", "  invalid %", counts->invalid);
	out_uint(out, "learned", "  learned %", counts->learned);
	out_uint(out, "no_port", "  no_port %", counts->no_port);
	out_uint(out, "reflected", "  reflected %", counts->reflected);
	out_text(out, "\n");
	out_end(out);
}

/*
 * Frames, bytes and drops in one direction. All ones: nobody counts them there
 * (netmap's switches, for what goes out and while no program is attached).
 */
static void
show_traffic(struct out *out, const char *const keys[3], const char *words,
	     const uint64_t counts[3])
{
	if (counts[0] == UINT64_MAX) {
		out_text(out, "%s not counted", words);
		out_null(out, keys[0]);
		out_null(out, keys[1]);
		out_null(out, keys[2]);
		return;
	}
	out_text(out, "%s", words);
	out_uint(out, keys[0], " % frames", counts[0]);
	out_uint(out, keys[1], " % bytes", counts[1]);
	out_uint(out, keys[2], " % drops", counts[2]);
}

static void
show_port(struct out *out, const struct ebpf_rep_port_info *port, bool stats)
{
	static const char *const rx[] = { "rx_frames", "rx_bytes", "rx_drops" };
	static const char *const tx[] = { "tx_frames", "tx_bytes", "tx_drops" };
	const uint64_t rx_counts[] = { port->rx_frames, port->rx_bytes,
				       port->rx_drops };
	const uint64_t tx_counts[] = { port->tx_frames, port->tx_bytes,
				       port->tx_drops };

	out_object(out, NULL);
	out_uint(out, "index", "\t%: ", port->index);
	out_string(out, "name", "%", port->port_name);
	out_string(out, "kind", NULL, port->kind);
	out_string(out, "spec", stats ? NULL : "  %", port->spec);
	if (!stats) {
		out_text(out, "\n");
		out_end(out);
		return;
	}
	out_text(out, "\n");
	show_traffic(out, rx, "\t\trx", rx_counts);
	show_traffic(out, tx, "  tx", tx_counts);
	out_text(out, "\n");
	show_verdicts(out, &port->verdicts, "\t\t");
	out_end(out);
}

int
cmd_vale_add(struct cmd *cmd)
{
	struct ebpf_req_port_add req = { .size = 0 };
	struct ebpf_rep_port_info info = { .size = 0 };
	struct gebpf_call call = { .number = EBPF_REQUEST_PORT_ADD };
	char why[256] = "";
	const char *spec;
	int error = take_switch(cmd, req.name);

	spec = error == 0 ? cmd_take(cmd) : NULL;
	if (spec == NULL)
		return cmd->err.code;
	error = cmd_open(cmd);
	if (error != 0)
		return error;
	error = absolute_spec(cmd, spec, req.spec);
	if (error == 0 && cmd_take_if(cmd, "name")) {
		const char *name = cmd_take(cmd);

		error = name == NULL
				? cmd->err.code
				: cmd_copy_name(cmd, "the port's name", name,
						req.port_name,
						sizeof(req.port_name));
	}
	if (error == 0)
		error = cmd_done(cmd);
	if (error != 0)
		return error;
	call.req = &req;
	call.req_len = sizeof(req);
	call.rep = &info;
	call.rep_len = sizeof(info);
	call.out = why; /* a refusal's reason */
	call.out_room = sizeof(why) - 1;
	error = gebpf_request(cmd->dev, &call);
	if (error != 0 && why[0] != '\0')
		return cmd_fail(cmd, error, "switch '%s': port '%s': %s",
				req.name, spec, why);
	if (error == -EBPF_ENOENT || error == -EBPF_EUNSUPPORTED)
		return failed(cmd, req.name, "adding a port", error);
	if (error == -EBPF_EEXIST)
		return cmd_fail(cmd, error, "switch '%s' has a port of that "
					    "name already",
				req.name);
	if (error != 0) {
		cmd_fail(cmd, error, "switch '%s': adding port '%s' failed: %s",
			 req.name, spec, gebpf_error_text(error));
		if (error == -EBPF_EINVAL)
			return cmd_hint(cmd, "ports are pcap:IN[,OUT], "
					     "pair:NAME, tap:NAME or if:NAME");
		return error;
	}
	if (cmd->quiet && out_is_plain(cmd->out))
		return 0;
	out_object(cmd->out, NULL);
	out_string(cmd->out, "switch", "added: %", req.name);
	out_uint(cmd->out, "index", "  port %", info.index);
	out_string(cmd->out, "name", "  name %\n", info.port_name);
	out_string(cmd->out, "kind", NULL, info.kind);
	out_string(cmd->out, "spec", NULL, info.spec);
	out_end(cmd->out);
	return 0;
}

int
cmd_vale_del(struct cmd *cmd)
{
	struct ebpf_req_port req = { .size = 0 };
	const char *word;
	uint64_t index;
	int error = take_switch(cmd, req.name);

	word = error == 0 ? cmd_take(cmd) : NULL;
	if (word == NULL || cmd_done(cmd) != 0)
		return cmd->err.code;
	if (cmd_parse_number(word, &index) && index < EBPF_VALE_PORT_MAX)
		req.index = (uint32_t)index;
	else
		error = cmd_copy_name(cmd, "the port's name", word,
				      req.port_name, sizeof(req.port_name));
	if (error == 0)
		error = cmd_open(cmd);
	if (error != 0)
		return error;
	error = gebpf_ask(cmd->dev, EBPF_REQUEST_PORT_DEL, &req, sizeof(req),
			  NULL, 0);
	if (error == -EBPF_ENOENT) {
		cmd_fail(cmd, error, "switch '%s' has no port '%s', or is not "
				     "there",
			 req.name, word);
		return cmd_hint(cmd, "gebpf vale show");
	}
	return error != 0 ? failed(cmd, req.name, "removing a port", error)
			  : 0;
}

/* ---- show, stats ---- */

static const char *
state_name(uint32_t state)
{
	switch ((enum ebpf_switch_state)state) {
	case EBPF_SWITCH_IDLE:
		return "idle";
	case EBPF_SWITCH_RUNNING:
		return "running";
	case EBPF_SWITCH_DONE:
		return "done";
	case EBPF_SWITCH_FAILED:
		return "failed";
	case EBPF_SWITCH_LIVE:
		return "live";
	}
	return "unknown";
}

static int
show_switch(struct cmd *cmd, const struct ebpf_rep_switch_info *info,
	    bool stats)
{
	struct out *out = cmd->out;
	struct ebpf_req_port_info req = { .size = 0 };
	int error = 0;

	out_object(out, NULL);
	out_string(out, "name", "%: ", info->name);
	out_string(out, "state", "state %", state_name(info->state));
	out_text(out, "  ports %u", info->port_count);
	if (info->link_id != 0) {
		out_uint(out, "prog_id", "  prog %", info->prog_id);
		out_uint(out, "link_id", "  link %", info->link_id);
	} else {
		out_text(out, "  learning");
		out_null(out, "prog_id");
		out_null(out, "link_id");
	}
	out_uint(out, "uid", NULL, info->uid);
	if (info->state == EBPF_SWITCH_FAILED) {
		out_uint(out, "error_port", "\n\terror at port %",
			 info->error_port);
		out_string(out, "error", ": %", info->error_text);
	}
	out_text(out, "\n");
	if (info->frames == UINT64_MAX) {
		out_text(out, stats ? "\tframes not counted\n" : "");
		out_null(out, "frames");
		out_null(out, "bytes");
	} else {
		out_uint(out, "frames", stats ? "\tframes %" : NULL,
			 info->frames);
		out_uint(out, "bytes", stats ? "  bytes %\n" : NULL,
			 info->bytes);
	}
	if (stats || !out_is_plain(out))
		show_verdicts(out, &info->verdicts, "\t");
	out_array(out, "ports");
	memcpy(req.name, info->name, sizeof(req.name));
	for (;;) {
		struct ebpf_rep_port_info port = { .size = 0 };

		error = gebpf_ask(cmd->dev, EBPF_REQUEST_PORT_INFO, &req,
				  sizeof(req), &port, sizeof(port));
		if (error == -EBPF_ENOENT) {
			error = 0;
			break;
		}
		if (error != 0)
			return failed(cmd, info->name, "reading its ports",
				      error);
		show_port(out, &port, stats || !out_is_plain(out));
		req.index = port.index + 1;
	}
	out_end(out);
	out_end(out);
	return error;
}

static int
show(struct cmd *cmd, bool stats)
{
	struct ebpf_req_switch_next req = { .size = 0 };
	struct ebpf_rep_switch_info info = { .size = 0 };
	bool one = cmd_peek(cmd) != NULL;
	int error = 0;

	if (one)
		error = take_switch(cmd, req.name);
	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0)
		error = cmd_open(cmd);
	if (error != 0)
		return error;
	if (one) {
		error = gebpf_ask(cmd->dev, EBPF_REQUEST_SWITCH_INFO, &req,
				  sizeof(req), &info, sizeof(info));
		if (error != 0)
			return failed(cmd, req.name, "asking about it", error);
		return show_switch(cmd, &info, stats);
	}
	out_array(cmd->out, NULL);
	for (;;) {
		memset(&info, 0, sizeof(info));
		error = gebpf_ask(cmd->dev, EBPF_REQUEST_SWITCH_NEXT, &req,
				  sizeof(req), &info, sizeof(info));
		if (error == -EBPF_ENOENT || error == -EBPF_EUNSUPPORTED)
			break; /* none left, or no switches at this target */
		if (error != 0)
			return failed(cmd, req.name, "listing switches",
				      error);
		error = show_switch(cmd, &info, stats);
		if (error != 0)
			return error;
		memcpy(req.name, info.name, sizeof(req.name));
	}
	out_end(cmd->out);
	return 0;
}

int
cmd_vale_show(struct cmd *cmd)
{
	return show(cmd, false);
}

int
cmd_vale_stats(struct cmd *cmd)
{
	return show(cmd, true);
}

/* ---- start ---- */

int
cmd_vale_start(struct cmd *cmd)
{
	struct ebpf_req_switch_start req = { .size = 0 };
	struct ebpf_rep_switch_info info = { .size = 0 };
	bool wait, progress = isatty(STDERR_FILENO) && !cmd->quiet;
	bool shown = false;
	int error = take_switch(cmd, req.name);

	wait = error == 0 && cmd_take_if(cmd, "wait");
	if (error == 0)
		error = cmd_done(cmd);
	if (error == 0)
		error = cmd_open(cmd);
	if (error != 0)
		return error;
	req.wait_ms = wait ? WAIT_STEP_MS : 0;
	for (;;) {
		memset(&info, 0, sizeof(info));
		error = gebpf_ask(cmd->dev, EBPF_REQUEST_SWITCH_START, &req,
				  sizeof(req), &info, sizeof(info));
		if (error == -EBPF_EAGAIN)
			error = 0;
		if (error != 0 || !wait || info.state != EBPF_SWITCH_RUNNING)
			break;
		if (progress) {
			fprintf(stderr, "\r%s: %llu frames", req.name,
				(unsigned long long)info.frames);
			shown = true;
		}
	}
	if (shown)
		fprintf(stderr, "\r\033[K");
	if (error == -EBPF_ENOENT)
		return failed(cmd, req.name, "starting it", error);
	if (error != 0)
		return cmd_fail(cmd, error, "switch '%s': starting it failed: "
					    "%s",
				req.name, gebpf_error_text(error));
	if (info.state == EBPF_SWITCH_FAILED)
		return cmd_fail(cmd,
				info.error != 0 ? info.error : -EBPF_EIO,
				"switch '%s': replay failed at port %u: %s",
				req.name, info.error_port, info.error_text);
	return show_switch(cmd, &info, wait);
}
