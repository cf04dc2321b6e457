/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * C to BPF by running clang. GEBPF_CLANG names the compiler, GEBPF_INCLUDE the
 * folder of the headers that programs include; else they are looked for beside
 * the running gebpf. clang's own messages go to stderr as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/input.h"
#include "cmd/load.h"

extern char **environ;

void
compile_include_folder(char *folder, size_t size)
{
	static const char *const places[] = { "../lib/bpf", "../../lib/bpf",
					      "../include/gebpf/bpf" };
	const char *env = getenv("GEBPF_INCLUDE");
	char self[PATH_MAX];
	ssize_t n;

	*folder = '\0';
	if (env != NULL && *env != '\0') {
		snprintf(folder, size, "%s", env);
		return;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char path[PATH_MAX + 64];

		snprintf(path, sizeof(path), "%s/%s", self, places[i]);
		if (access(path, R_OK) == 0) {
			snprintf(folder, size, "%s", path);
			return;
		}
	}
}

static int
run_clang(struct cmd *cmd, const char *clang, const char *path,
	  const char *object)
{
	char include[PATH_MAX + 64], multiarch[300];
	char *args[24];
	struct utsname host;
	int n = 0, status, error;
	posix_spawn_file_actions_t actions;
	pid_t pid;

	compile_include_folder(include, sizeof(include));
	args[n++] = (char *)clang;
	args[n++] = "-target";
	args[n++] = "bpf";
	args[n++] = "-mcpu=v3";
	args[n++] = "-O2";
	args[n++] = "-g";
	args[n++] = "-Wall";
	if (*include != '\0') {
		args[n++] = "-I";
		args[n++] = include;
	}
	/* asm/types.h of the host, which clang does not look for here */
	if (uname(&host) == 0) {
		snprintf(multiarch, sizeof(multiarch),
			 "/usr/include/%s-linux-gnu", host.machine);
		if (access(multiarch, R_OK) == 0) {
			args[n++] = "-idirafter";
			args[n++] = multiarch;
		}
	}
	args[n++] = "-c";
	args[n++] = (char *)path;
	args[n++] = "-o";
	args[n++] = (char *)object;
	args[n] = NULL;

	fflush(NULL);
	posix_spawn_file_actions_init(&actions);
	/* What clang might say on stdout is no data of ours. */
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
					 STDOUT_FILENO);
	error = posix_spawnp(&pid, clang, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		cmd_fail(cmd, EBPF_EUNSUPPORTED, "cannot run '%s': %s", clang,
			 strerror(error));
		return cmd_hint(cmd, "install clang, name one in GEBPF_CLANG, "
				     "or give an object file");
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return cmd_fail(cmd, EBPF_EUNSUPPORTED, "cannot run '%s'",
				clang);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return cmd_fail(cmd, EBPF_EINVAL,
				"%s could not compile '%s'", clang, path);
	return 0;
}

int
compile_source(struct cmd *cmd, const char *path, void **data, size_t *len)
{
	const char *clang = getenv("GEBPF_CLANG");
	const char *tmp = getenv("TMPDIR");
	char object[PATH_MAX];
	struct statvfs room;
	int fd, error;

	if (clang == NULL || *clang == '\0')
		clang = "clang";
	if (tmp == NULL || *tmp == '\0')
		tmp = "/tmp";
	snprintf(object, sizeof(object), "%s/gebpf-XXXXXX", tmp);
	fd = mkstemp(object);
	if (fd < 0)
		return cmd_fail(cmd, EBPF_EIO,
				"cannot make a temporary file '%s': %s",
				object, strerror(errno));
	close(fd);
	error = run_clang(cmd, clang, path, object);
	/* clang takes a full disk for a bug of its own, and may take its file
	 * away */
	if (error != 0 && statvfs(tmp, &room) == 0 && room.f_bavail == 0)
		cmd_hint(cmd, "no space is left where '%s' was to be written; "
			      "TMPDIR names another folder", object);
	if (error == 0)
		error = input_file(cmd, object, 64 << 20, data, len);
	unlink(object);
	return error;
}
