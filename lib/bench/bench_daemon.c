/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The user's own device is not measured: it may hold anything. This one has a
 * socket in a folder of its own, and where the system can do that it is told
 * to end when we do, however that is.
 */
#include "bench/bench_daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { ATTEMPTS = 2000, PAUSE_MS = 5 };

static void
become(const struct bench_daemon *daemon)
{
	const char *program = getenv("GEBPF_DEVICE_EXEC");

	if (program == NULL || *program == '\0')
		program = "/proc/self/exe";
	/* what interrupts us from the terminal is not for it */
	setpgid(0, 0);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
	execl(program, "gebpf", "-q", "-t", daemon->target, "device", "start",
	      "--foreground", (char *)NULL);
	_exit(127);
}

static void
clean(const struct bench_daemon *daemon)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/device.sock", daemon->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/device.sock.lock", daemon->folder);
	unlink(path);
	rmdir(daemon->folder);
}

/* Until it answers, or is no more. */
static int
wait_ready(struct bench_daemon *daemon, char *why, size_t why_size)
{
	struct timespec pause = { 0, PAUSE_MS * 1000000 };
	struct gebpf_device *device;
	struct gebpf_error err;

	for (int i = 0; i < ATTEMPTS; i++) {
		int status;

		if (gebpf_open(daemon->target,
			       GEBPF_OPEN_NO_START | GEBPF_OPEN_QUIET, &device,
			       &err) == 0) {
			gebpf_close(device);
			return 0;
		}
		if (waitpid(daemon->pid, &status, WNOHANG) == daemon->pid) {
			daemon->pid = 0;
			break;
		}
		nanosleep(&pause, NULL);
	}
	snprintf(why, why_size, "no embedded device starts");
	return -EBPF_ENODEV;
}

int
bench_daemon_start(struct bench_daemon *daemon, char *why, size_t why_size)
{
	const char *tmp = getenv("TMPDIR");
	int error;

	memset(daemon, 0, sizeof(*daemon));
	snprintf(daemon->folder, sizeof(daemon->folder), "%s/gebpf-bench.XXXXXX",
		 tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
	if (mkdtemp(daemon->folder) == NULL) {
		snprintf(why, why_size, "%s: %s", daemon->folder,
			 strerror(errno));
		return -EBPF_EIO;
	}
	snprintf(daemon->target, sizeof(daemon->target),
		 "embedded:%s/device.sock", daemon->folder);
	daemon->pid = fork();
	if (daemon->pid == 0)
		become(daemon);
	if (daemon->pid < 0) {
		daemon->pid = 0;
		snprintf(why, why_size, "no process: %s", strerror(errno));
		clean(daemon);
		return -EBPF_ENOMEM;
	}
	error = wait_ready(daemon, why, why_size);
	if (error != 0)
		bench_daemon_stop(daemon);
	return error;
}

void
bench_daemon_stop(struct bench_daemon *daemon)
{
	if (daemon->folder[0] == '\0')
		return;
	if (daemon->pid > 0) {
		kill(daemon->pid, SIGTERM);
		while (waitpid(daemon->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	clean(daemon);
	memset(daemon, 0, sizeof(*daemon));
}
