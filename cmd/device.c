/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf device: show, start and stop. The one place in cmd/ that may include
 * the daemon (host/server.h): "device start --foreground" is the daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/prog.h"
#include "host/server.h"

/* Open without starting what is not there. */
static int
open_running(struct cmd *cmd, struct gebpf_device **device)
{
	struct gebpf_error why = { .code = 0 };
	int error;

	*device = NULL;
	error = gebpf_open(cmd->target, GEBPF_OPEN_NO_START | GEBPF_OPEN_QUIET,
			   device, &why);
	if (error == 0)
		return 0;
	cmd_open_failed(cmd, error, &why);
	if (error == -EBPF_ENODEV)
		cmd_hint(cmd, "gebpf device start");
	return cmd->err.code;
}

static const char *
home_name(uint32_t home)
{
	switch ((enum ebpf_home)home) {
	case EBPF_HOME_LOCAL:
		return "local";
	case EBPF_HOME_EMBEDDED:
		return "embedded";
	case EBPF_HOME_KERNEL:
		return "kernel";
	}
	return "unknown";
}

static void
show_harden(struct out *out, uint32_t harden)
{
	if (harden != 0)
		out_text(out, "  hardened against");
	out_array(out, "harden");
	if (harden & EBPF_HARDEN_SPECULATION)
		out_string(out, NULL, " %", "speculation");
	if (harden & EBPF_HARDEN_CONSTANTS)
		out_string(out, NULL, " %", "constants");
	out_end(out);
}

static void
show(struct cmd *cmd, struct gebpf_device *device)
{
	const struct ebpf_rep_hello *hello = gebpf_hello(device);
	struct out *out = cmd->out;
	char since[64];

	prog_time(hello->start_time_ns, since, sizeof(since));
	out_object(out, NULL);
	out_string(out, "target", "%", gebpf_target(device));
	out_string(out, "home", NULL, home_name(hello->home));
	out_string(out, "release", "  release %", hello->release);
	out_uint(out, "pid", hello->pid != 0 ? "  pid %" : NULL, hello->pid);
	out_uint(out, "uid", "  uid %\n", hello->uid);
	out_text(out, "\tstarted_at %s", since);
	out_uint(out, "started_at", NULL, hello->start_time_ns / 1000000000);
	out_uint(out, "cpus", "  cpus %", hello->cpu_count);
	if (hello->jit[0] != '\0') {
		out_string(out, "jit", "  jit %", hello->jit);
	} else {
		out_text(out, "  no jit");
		out_null(out, "jit");
	}
	out_uint(out, "sessions", "  sessions %", hello->sessions);
	out_bool(out, "run_stats", "  run_stats", hello->stats_on != 0);
	out_uint(out, "progs", "\n\tprogs %", hello->prog_count);
	out_uint(out, "maps", "  maps %", hello->map_count);
	out_uint(out, "links", "  links %", hello->link_count);
	out_uint(out, "btfs", "  btfs %", hello->btf_count);
	out_uint(out, "mem_used", "  memory %B", hello->mem_used);
	out_uint(out, "mem_limit", hello->mem_limit != 0 ? " of %B" : NULL,
		 hello->mem_limit);
	out_uint(out, "insns_processed_max", "\n\tverifies up to % insns",
		 hello->insns_processed_max);
	out_uint(out, "verify_mem_max", "  memory %B", hello->verify_mem_max);
	out_uint(out, "verify_time_ms", "  time % ms", hello->verify_time_ms);
	show_harden(out, hello->harden);
	out_text(out, "\n");
	out_end(out);
}

int
cmd_device_show(struct cmd *cmd)
{
	struct gebpf_device *device;
	int error = open_running(cmd, &device);

	if (error != 0)
		return error;
	show(cmd, device);
	gebpf_close(device);
	return 0;
}

static int
foreground(struct cmd *cmd)
{
	char path[EBPF_PATH_SIZE], why[512] = "";
	struct gebpf_error err = { .code = 0 };
	struct gebpf_server_options options = {
		.socket = path,
		.foreground = true,
		.why = why,
		.why_size = sizeof(why),
	};
	int error;
	const char *target = cmd->target != NULL ? cmd->target
						 : getenv("GEBPF_TARGET");

	error = gebpf_socket_path(target != NULL && *target != '\0' ? target
								   : NULL,
				  true, path, sizeof(path), &err);
	if (error != 0) {
		cmd_fail(cmd, error, "%s", err.text);
		if (err.hint[0] != '\0')
			cmd_hint(cmd, "%s", err.hint);
		return error;
	}
	error = gebpf_server_run(&options);
	if (error == -EBPF_EBUSY) {
		cmd_fail(cmd, error, "%s", why[0] != '\0'
						   ? why
						   : "a device serves there "
						     "already");
		return cmd_hint(cmd, "gebpf device stop ends it");
	}
	if (error != 0)
		return cmd_fail(cmd, error, "%s",
				why[0] != '\0' ? why
					       : gebpf_error_text(error));
	return 0;
}

/* Options become what the environment says, where the device will read it. */
static int
take_options(struct cmd *cmd, bool *any)
{
	char text[512] = "", why[256] = "";
	const char *name, *value;
	size_t len = 0;

	*any = false;
	while (cmd_peek(cmd) != NULL) {
		name = cmd_take(cmd);
		if (cmd_peek(cmd) == NULL)
			return cmd_fail(cmd, CMD_EUSAGE,
					"device option %s wants a value", name);
		value = cmd_take(cmd);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s%s=%s", len > 0 ? " " : "", name,
					value);
		if (len >= sizeof(text))
			return cmd_fail(cmd, CMD_EUSAGE,
					"too many device options");
		*any = true;
	}
	if (*any && gebpf_server_check_options(text, why, sizeof(why)) != 0)
		return cmd_fail(cmd, CMD_EUSAGE, "%s", why);
	if (*any && setenv(GEBPF_SERVER_OPTIONS, text, 1) != 0)
		return cmd_fail(cmd, -EBPF_ENOMEM, "out of memory");
	return 0;
}

/* Options are for a device that starts: none may run already. */
static int
check_none_runs(struct cmd *cmd)
{
	struct gebpf_error why = { .code = 0 };
	struct gebpf_device *device;

	if (gebpf_open(cmd->target, GEBPF_OPEN_NO_START | GEBPF_OPEN_QUIET,
		       &device, &why) != 0)
		return 0;
	gebpf_close(device);
	cmd_fail(cmd, -EBPF_EBUSY,
		 "a device runs already; its options cannot be changed");
	return cmd_hint(cmd, "gebpf device stop ends it");
}

int
cmd_device_start(struct cmd *cmd)
{
	bool stay = cmd_take_if(cmd, "--foreground"), any;
	struct gebpf_device *device;
	struct gebpf_error why = { .code = 0 };
	int error = take_options(cmd, &any);

	if (error != 0)
		return error;
	if (stay)
		return foreground(cmd);
	if (any) {
		error = check_none_runs(cmd);
		if (error != 0)
			return error;
	}
	/* What opens it starts it; what runs already is fine. */
	error = gebpf_open(cmd->target, GEBPF_OPEN_QUIET, &device, &why);
	if (error != 0)
		return cmd_open_failed(cmd, error, &why);
	if (!cmd->quiet || !out_is_plain(cmd->out))
		show(cmd, device);
	gebpf_close(device);
	return 0;
}

int
cmd_device_stop(struct cmd *cmd)
{
	struct gebpf_device *device;
	struct gebpf_error why = { .code = 0 };
	int error = open_running(cmd, &device);

	if (error != 0) {
		if (error == -EBPF_ENODEV)
			cmd->err.hint[0] = '\0';
		return error;
	}
	error = gebpf_stop(device, &why);
	if (error == -EBPF_EUNSUPPORTED)
		cmd_fail(cmd, error, "%s: only an embedded device can be "
				     "stopped",
			 gebpf_target(device));
	else if (error != 0)
		cmd_fail(cmd, error, "%s", why.text[0] != '\0'
						   ? why.text
						   : gebpf_error_text(error));
	gebpf_close(device);
	return error;
}
