/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Starting the embedded device on demand: execute it, detached from us, and
 * wait for its word. The daemon itself takes the lock beside the socket, so
 * of many starts at once one daemon stays and the others say "busy".
 *
 * The word comes through a pipe whose number is in GEBPF_READY_FD: one line,
 * "ready", "busy" or "failed CODE TEXT" (host/server.c is the other side).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/transport.h"

enum {
	READY_MS = 10000,
	ARGUMENT_MAX = 8,
	ENVIRONMENT_MAX = 4096,
	READY_FD = 3, /* in the daemon */
};

extern char **environ;

struct plan {
	char program[PATH_MAX];
	char *argv[ARGUMENT_MAX];
	char *envp[ENVIRONMENT_MAX];
	char target[GEBPF_TARGET_SIZE];
	char ready[32];
};

/*
 * The program that is the daemon: the one named, this one if it is gebpf, else
 * gebpf from PATH. Another program that uses the library must not be executed
 * a second time just because it asked for a device.
 */
static bool
program_find(char *program)
{
	const char *exec = getenv("GEBPF_DEVICE_EXEC"), *path = getenv("PATH");
	char self[PATH_MAX], *name;
	size_t len;
	ssize_t n;

	if (exec && *exec) {
		snprintf(program, PATH_MAX, "%s", exec);
		return true;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	name = strrchr(self, '/');
	if (name && !strncmp(name + 1, "gebpf", 5)) {
		snprintf(program, PATH_MAX, "/proc/self/exe");
		return true;
	}
	for (; path && *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		/* Only absolute folders: the daemon outlives this one. */
		if (*path != '/')
			continue;
		snprintf(program, PATH_MAX, "%.*s/gebpf", (int)len, path);
		if (!access(program, X_OK))
			return true;
	}
	return false;
}

static void
plan_make(struct plan *plan, const char *path)
{
	size_t n = 0;
	char **e;

	snprintf(plan->target, sizeof(plan->target), "embedded:%s", path);
	snprintf(plan->ready, sizeof(plan->ready), "GEBPF_READY_FD=%d",
		 READY_FD);
	plan->argv[0] = "gebpf";
	plan->argv[1] = "-t";
	plan->argv[2] = plan->target;
	plan->argv[3] = "device";
	plan->argv[4] = "start";
	plan->argv[5] = "--foreground";
	plan->argv[6] = NULL;
	for (e = environ; e && *e && n + 2 < ENVIRONMENT_MAX; e++)
		if (strncmp(*e, "GEBPF_READY_FD=", 15))
			plan->envp[n++] = *e;
	plan->envp[n++] = plan->ready;
	plan->envp[n] = NULL;
}

/*
 * Between fork and exec, possibly in a program of many threads: system calls
 * only. Never returns.
 */
static void
become(const struct plan *plan, int ready)
{
	sigset_t none;
	int fd, null, signum;

	if (setsid() < 0)
		_exit(127);
	/* A second fork: no session leader, nobody's child, no terminal. */
	switch (fork()) {
	case 0:
		break;
	case -1:
		_exit(127);
	default:
		_exit(0);
	}
	for (signum = 1; signum < NSIG; signum++)
		signal(signum, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Keep clear of the numbers that are about to be given out. */
	ready = fcntl(ready, F_DUPFD, READY_FD + 1);
	null = open("/dev/null", O_RDWR);
	if (ready < 0 || null < 0)
		_exit(127);
	for (fd = 0; fd < READY_FD; fd++)
		dup2(null, fd);
	dup2(ready, READY_FD);
	if (close_range(READY_FD + 1, ~0u, 0))
		for (fd = READY_FD + 1; fd < 1024; fd++)
			close(fd);
	execve(plan->program, plan->argv, plan->envp);
	dprintf(READY_FD, "failed %d cannot execute %s: %s\n", EBPF_ENODEV,
		plan->program, strerror(errno));
	_exit(127);
}

/* One line, or what came of it before the end or the end of patience. */
static bool
read_word(int fd, char *line, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;
	int ready;

	while (len + 1 < size) {
		ready = poll(&pfd, 1, READY_MS);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			break;
		n = read(fd, line + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		if (memchr(line, '\n', len))
			break;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return len > 0;
}

static int
judge(const char *line, const struct plan *plan, struct gebpf_error *err)
{
	char *text;
	long code;

	if (!strcmp(line, "ready"))
		return 0;
	if (!strcmp(line, "busy"))
		return -EBPF_EBUSY;
	if (!strncmp(line, "failed ", 7)) {
		code = strtol(line + 7, &text, 10);
		if (code <= 0 || code > 4095 || code == EBPF_EBUSY)
			code = EBPF_ENODEV;
		gebpf_fail(err, -(int)code,
			   "the embedded device could not start:%s", text);
		return -(int)code;
	}
	gebpf_fail(err, -EBPF_ENODEV,
		   "the embedded device did not start: %s %s", plan->program,
		   *line ? "does not talk like one" :
			   "ended without a word");
	gebpf_hint(err, "see why: gebpf -t %s device start --foreground",
		   plan->target);
	return -EBPF_ENODEV;
}

int
gebpf_socket_start(const char *path, struct gebpf_error *err)
{
	struct plan *plan;
	char line[1024];
	int ends[2], status, error;
	pid_t pid;

	plan = malloc(sizeof(*plan));
	if (!plan)
		return gebpf_fail(err, -EBPF_ENOMEM, "out of memory");
	/* Whoever is being started as a device and asks for one is not one. */
	if (getenv("GEBPF_READY_FD") || !program_find(plan->program)) {
		error = gebpf_fail(err, -EBPF_ENODEV,
				   "no embedded device is running at %s, and "
				   "there is no gebpf in PATH to start one",
				   path);
		gebpf_hint(err, "gebpf device start, or name the program in "
				"GEBPF_DEVICE_EXEC");
		goto free;
	}
	plan_make(plan, path);
	if (pipe2(ends, O_CLOEXEC)) {
		error = gebpf_fail(err, -EBPF_ENODEV, "pipe: %s",
				   strerror(errno));
		goto free;
	}
	pid = fork();
	if (pid < 0) {
		error = gebpf_fail(err, -EBPF_ENODEV, "fork: %s",
				   strerror(errno));
		close(ends[0]);
		close(ends[1]);
		goto free;
	}
	if (pid == 0)
		become(plan, ends[1]);
	close(ends[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	read_word(ends[0], line, sizeof(line));
	close(ends[0]);
	error = judge(line, plan, err);

free:
	free(plan);
	return error;
}
