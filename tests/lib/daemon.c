/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* An embedded device of the test's own; daemon.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "host/server.h"
#include "tap.h"

char daemon_folder[64], daemon_sock[96], daemon_target[128];
static int folder_count;

void
daemon_nap(int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	nanosleep(&ts, NULL);
}

uint64_t
daemon_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What `gebpf -t TARGET device start --foreground` does. */
static int
daemon_main(const char *to)
{
	struct gebpf_server_options options = {
		.foreground = true,
		.session_max = DAEMON_SESSION_MAX,
		.message_ms = DAEMON_MESSAGE_MS,
		.look_ms = 100,
	};
	char path[108];

	if (gebpf_socket_path(to, true, path, sizeof(path), NULL))
		return 1;
	options.socket = path;
	return gebpf_server_run(&options) ? 1 : 0;
}

/* A new socket in a new folder. */
void
daemon_fresh(void)
{
	snprintf(daemon_folder, sizeof(daemon_folder),
		 "/tmp/gebpf-test-%d-%d", (int)getpid(),
		 folder_count++);
	mkdir(daemon_folder, 0700);
	snprintf(daemon_sock, sizeof(daemon_sock), "%s/device.sock", daemon_folder);
	snprintf(daemon_target, sizeof(daemon_target), "embedded:%s", daemon_sock);
}

/* What a sanitizer had to say about the daemon is in its log. */
static void
read_log(void)
{
	char path[128], line[512];
	bool fine = true;
	FILE *file;

	snprintf(path, sizeof(path), "%s.log", daemon_sock);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		fine &= !strstr(line, "Sanitizer") &&
			!strstr(line, "runtime error");
		if (!fine)
			tap_diag("%.*s", (int)strcspn(line, "\n"), line);
	}
	if (file)
		fclose(file);
	if (!fine)
		tap_ok(false, "the daemon's log is clean");
}

void
daemon_clean(void)
{
	static const char *const names[] = {
		"device.sock", "device.sock.lock", "device.sock.log",
		"device.sock.log.old", "gebpf",
	};
	char path[256];
	size_t i;

	read_log();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", daemon_folder, names[i]);
		unlink(path);
	}
	rmdir(daemon_folder);
}

struct gebpf_device *
daemon_opened(unsigned int flags, struct gebpf_error *err)
{
	struct gebpf_device *device = NULL;
	struct gebpf_error mine = { 0 };

	gebpf_open(daemon_target, flags | GEBPF_OPEN_QUIET, &device,
		   err ? err : &mine);
	if (!device && !err)
		tap_diag("open %s: %s", daemon_target, mine.text);
	return device;
}

/* A zombie has gone too: whoever adopted it may be slow to say so. */
bool
daemon_dead(pid_t pid)
{
	char path[64], line[256] = "", *state;
	FILE *file;

	if (kill(pid, 0) && errno == ESRCH)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	state = strrchr(line, ')');
	return state && state[1] && state[2] == 'Z';
}

bool
daemon_gone(pid_t pid)
{
	int i;

	for (i = 0; i < 3000; i++) {
		if (daemon_dead(pid))
			return true;
		daemon_nap(10);
	}
	return false;
}

void
daemon_stopped(struct gebpf_device *device)
{
	struct gebpf_error err = { 0 };
	pid_t pid;

	if (!device)
		return;
	pid = (pid_t)gebpf_hello(device)->pid;
	tap_ok(gebpf_stop(device, &err) == 0, "stop %s", err.text);
	gebpf_close(device);
	tap_ok(daemon_gone(pid), "the daemon has gone");
	tap_ok(access(daemon_sock, F_OK) != 0, "and its socket");
}

int
daemon_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", daemon_sock);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
daemon_reply(int fd, struct ebpf_reply *reply, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1 &&
	       recv(fd, reply, sizeof(*reply), MSG_WAITALL) == sizeof(*reply);
}

int
daemon_listen(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", daemon_sock);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 5))
		return -1;
	return fd;
}

bool
daemon_start(int argc, char **argv, int *status)
{
	/* gebpf -t TARGET device start --foreground */
	if (argc == 6 && !strcmp(argv[3], "device")) {
		*status = daemon_main(argv[2]);
		return true;
	}
	/* Children that end under a sanitizer would print it once more. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("GEBPF_DEVICE_EXEC", "/proc/self/exe", 1);
	unsetenv("GEBPF_TARGET");
	signal(SIGPIPE, SIG_IGN);
	return false;
}
