/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf doctor: looks over this machine and says what works, what is missing
 * and what to type. Needs no rights and starts nothing. What is looked at is in
 * doctor_process.c and doctor_kernel.c; here is how it is said, and whether the
 * target that commands would use can be used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/doctor.h"

static const char *
state_name(enum doctor_state state)
{
	switch (state) {
	case DOCTOR_OK:
		return "ok";
	case DOCTOR_MISSING:
		return "missing";
	case DOCTOR_WRONG:
		return "wrong";
	}
	return "";
}

void
doctor_say(struct doctor *doctor, const char *name, enum doctor_state state,
	   bool needed, const char *type, const char *format, ...)
{
	struct out *out = doctor->cmd->out;
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	doctor->count++;
	if (state != DOCTOR_OK && needed && doctor->needed_bad++ == 0)
		doctor->first_bad = name;
	out_object(out, NULL);
	out_text(out, "%-8s %-10s ", state_name(state), name);
	out_string(out, "name", NULL, name);
	out_string(out, "state", NULL, state_name(state));
	out_bool(out, "needed", NULL, needed);
	out_string(out, "text", "%", text);
	out_text(out, "%s\n",
		 state != DOCTOR_OK && !needed ? " (optional)" : "");
	if (type != NULL && *type != '\0')
		out_string(out, "type", "                    type: %\n", type);
	else
		out_null(out, "type");
	out_end(out);
}

void
doctor_path(const struct doctor *doctor, char *path, size_t size,
	    const char *format, ...)
{
	size_t len = strlen(doctor->root);
	va_list args;

	if (len >= size)
		len = size - 1;
	memcpy(path, doctor->root, len);
	va_start(args, format);
	vsnprintf(path + len, size - len, format, args);
	va_end(args);
}

bool
doctor_exists(const struct doctor *doctor, const char *path)
{
	char whole[PATH_MAX];

	doctor_path(doctor, whole, sizeof(whole), "%s", path);
	return access(whole, F_OK) == 0;
}

bool
doctor_line(const struct doctor *doctor, const char *path, char *line,
	    size_t size)
{
	char whole[PATH_MAX];
	bool read;
	FILE *file;

	doctor_path(doctor, whole, sizeof(whole), "%s", path);
	file = fopen(whole, "re");
	if (file == NULL)
		return false;
	read = fgets(line, (int)size, file) != NULL;
	fclose(file);
	if (read)
		line[strcspn(line, "\n")] = '\0';
	return read;
}

bool
doctor_has(const struct doctor *doctor, const char *path, const char *begin)
{
	char whole[PATH_MAX], line[1024];
	bool found = false;
	FILE *file;

	doctor_path(doctor, whole, sizeof(whole), "%s", path);
	file = fopen(whole, "re");
	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = strncmp(line, begin, strlen(begin)) == 0;
	fclose(file);
	return found;
}

/* What commands would talk to: named, or the kernel's if it can be used. */
static const char *
target_of(const struct cmd *cmd)
{
	const char *target = cmd->target;
	struct gebpf_device *device;

	if (target == NULL || *target == '\0')
		target = getenv("GEBPF_TARGET");
	if (target != NULL && *target != '\0')
		return target;
	if (gebpf_open("kernel", GEBPF_OPEN_NO_START | GEBPF_OPEN_QUIET,
		       &device, NULL) != 0)
		return "embedded";
	gebpf_close(device);
	return "kernel";
}

/* Whether that target answers; one that starts on demand need not run. */
static int
check_target(struct doctor *doctor, const char *target)
{
	struct gebpf_error why = { .code = 0 };
	struct gebpf_device *device;
	char path[EBPF_PATH_SIZE] = "";
	int error;

	error = gebpf_open(target, GEBPF_OPEN_NO_START | GEBPF_OPEN_QUIET,
			   &device, &why);
	if (error == 0) {
		const struct ebpf_rep_hello *hello = gebpf_hello(device);

		doctor_say(doctor, "target", DOCTOR_OK, true, NULL,
			   "%s answers: release %s, %u programs, %u maps, %u "
			   "links", gebpf_target(device), hello->release,
			   hello->prog_count, hello->map_count,
			   hello->link_count);
		gebpf_close(device);
		return 0;
	}
	if (error == -EBPF_EINVAL) /* no such target: a usage error */
		return cmd_open_failed(doctor->cmd, error, &why);
	if (error == -EBPF_ENODEV && strncmp(target, "embedded", 8) == 0 &&
	    gebpf_socket_path(target, false, path, sizeof(path), NULL) == 0)
		doctor_say(doctor, "target", DOCTOR_OK, true, NULL,
			   "embedded: none is running at %s; the first "
			   "command starts it", path);
	else
		doctor_say(doctor, "target",
			   error == -EBPF_ENODEV ? DOCTOR_MISSING : DOCTOR_WRONG,
			   true, why.hint, "%s", why.text);
	return 0;
}

int
cmd_doctor(struct cmd *cmd)
{
	const char *root = getenv("GEBPF_DOCTOR_ROOT");
	struct doctor doctor = {
		.cmd = cmd,
		.root = root != NULL ? root : "",
	};
	const char *target;
	int error = cmd_done(cmd);

	if (error != 0)
		return error;
	target = target_of(cmd);
	doctor.kernel = strncmp(target, "kernel", 6) == 0;
	out_object(cmd->out, NULL);
	out_string(cmd->out, "target", NULL, target);
	out_array(cmd->out, "checks");
	error = check_target(&doctor, target);
	if (error != 0)
		return error;
	doctor_process(&doctor);
	doctor_kernel(&doctor);
	out_end(cmd->out);
	out_bool(cmd->out, "usable", NULL, doctor.needed_bad == 0);
	if (doctor.needed_bad != 0) {
		cmd_fail(cmd, -EBPF_ENODEV, "target %s cannot be used as it "
			 "is: %s", target, doctor.first_bad);
		return cmd_hint(cmd, "see what stands above after 'type:'");
	}
	out_end(cmd->out);
	return 0;
}
