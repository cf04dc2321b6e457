/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The daemon's lives and whom it trusts: starting on demand, two starts at
 * once, death while clients wait, stale sockets, foreign owners. Hostile peers
 * are server_peers_test.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "host/server.h"
#include "tap.h"

enum {
	NOBODY = 65534,
	WAIT_MS = 20000, /* for what comes at once on a machine that is idle */
	STARTS = 8,
	WAITERS = 4,
};

static void
test_start_and_stop(void)
{
	struct gebpf_device *device, *second;
	const struct ebpf_rep_hello *hello;
	struct gebpf_error err;
	struct stat st;

	daemon_fresh();
	device = daemon_opened(GEBPF_OPEN_NO_START, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV && err.hint[0],
	       "without a start: %s", err.text);
	device = daemon_opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	hello = gebpf_hello(device);
	TAP_CHECK(hello->home == EBPF_HOME_EMBEDDED);
	TAP_CHECK(hello->version == EBPF_WIRE_VERSION);
	TAP_CHECK(hello->uid == geteuid());
	TAP_CHECK(hello->pid != (uint32_t)getpid() && hello->pid > 1);
	TAP_CHECK(!strcmp(gebpf_target(device), daemon_target));
	TAP_CHECK(!stat(daemon_sock, &st) && (st.st_mode & 0777) == 0600);
	second = daemon_opened(GEBPF_OPEN_NO_START, NULL);
	TAP_CHECK(second && gebpf_hello(second)->pid == hello->pid);
	TAP_CHECK(second && gebpf_hello(second)->sessions == 2);
	gebpf_close(second);
	daemon_stopped(device);
	daemon_clean();
}

static void
test_signal(int number)
{
	struct gebpf_device *device;
	struct ebpf_req_stats req = { 0 };
	pid_t pid;

	daemon_fresh();
	device = daemon_opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	pid = (pid_t)gebpf_hello(device)->pid;
	kill(pid, number);
	tap_ok(daemon_gone(pid), "signal %d stops the daemon", number);
	TAP_CHECK(access(daemon_sock, F_OK) != 0);
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_STATS, &req, sizeof(req), NULL,
			    0) == -EBPF_EBADF);
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_STATS, &req, sizeof(req), NULL,
			    0) == -EBPF_EBADF);
	gebpf_close(device);
	daemon_clean();
}

/* Many processes find nothing and start it: one daemon, said once. */
static void
test_starts_at_once(void)
{
	struct gebpf_device *device;
	uint32_t *pids, said = 0, same = 0;
	char path[128], line[256];
	pid_t children[STARTS];
	FILE *words;
	int i, status, words_fd;

	daemon_fresh();
	pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(path, sizeof(path), "%s/words", daemon_folder);
	fflush(stdout);
	for (i = 0; i < STARTS; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		words_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(words_fd, STDERR_FILENO);
		if (gebpf_open(daemon_target, 0, &device, NULL))
			_exit(1);
		pids[i] = gebpf_hello(device)->pid;
		gebpf_close(device);
		_exit(0);
	}
	for (i = 0; i < STARTS; i++) {
		waitpid(children[i], &status, 0);
		tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		       "start %d of %d has a device", i + 1, STARTS);
		same += pids[i] == pids[0];
	}
	tap_ok(pids[0] && same == STARTS, "all have the same device");
	words = fopen(path, "r");
	while (words && fgets(line, sizeof(line), words))
		said += strstr(line, "started the embedded device") != NULL;
	if (words)
		fclose(words);
	tap_ok(said == 1, "the start is said once (%u)", said);
	unlink(path);
	munmap(pids, 4096);
	daemon_stopped(daemon_opened(GEBPF_OPEN_NO_START, NULL));
	daemon_clean();
}

/* kill -9 while clients wait; then the stale socket is no obstacle. */
static void
test_killed(void)
{
	struct gebpf_device *device, *next;
	struct ebpf_req_stats req = { 0 };
	pid_t pid, children[WAITERS];
	int i, status, error, ready[2];
	char byte = 0;

	daemon_fresh();
	device = daemon_opened(0, NULL);
	if (!TAP_CHECK(device != NULL && pipe(ready) == 0))
		return;
	pid = (pid_t)gebpf_hello(device)->pid;
	fflush(stdout);
	for (i = 0; i < WAITERS; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		next = daemon_opened(GEBPF_OPEN_NO_START, NULL);
		if (!next || write(ready[1], &byte, 1) != 1)
			_exit(1);
		while (!(error = gebpf_ask(next, EBPF_REQUEST_STATS, &req,
					   sizeof(req), NULL, 0)))
			;
		_exit(error == -EBPF_EBADF ? 0 : 2);
	}
	for (i = 0; i < WAITERS; i++)
		TAP_CHECK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	kill(pid, SIGSTOP); /* now all of them wait for an answer */
	daemon_nap(50);
	kill(pid, SIGKILL);
	for (i = 0; i < WAITERS; i++) {
		waitpid(children[i], &status, 0);
		tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		       "waiting client %d is told (%d)", i, status);
	}
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_STATS, &req, sizeof(req), NULL,
			    0) == -EBPF_EBADF);
	gebpf_close(device);
	TAP_CHECK(access(daemon_sock, F_OK) == 0);
	TAP_CHECK(!daemon_opened(GEBPF_OPEN_NO_START, &(struct gebpf_error){ 0 }));
	TAP_CHECK(access(daemon_sock, F_OK) == 0);
	next = daemon_opened(0, NULL);
	tap_ok(next && (pid_t)gebpf_hello(next)->pid != pid,
	       "a new daemon takes the stale socket's place");
	daemon_stopped(next);
	daemon_clean();
}

static void
test_detached(void)
{
	struct gebpf_server_options options = { .socket = NULL };
	struct gebpf_device *device;
	char why[256] = "";

	daemon_fresh();
	options.socket = daemon_sock;
	options.why = why;
	options.why_size = sizeof(why);
	tap_ok(gebpf_server_run(&options) == 0, "detached start %s", why);
	tap_ok(gebpf_server_run(&options) == -EBPF_EBUSY, "again: %s", why);
	options.foreground = true;
	tap_ok(gebpf_server_run(&options) == -EBPF_EBUSY,
	       "again, in the foreground: %s", why);
	device = daemon_opened(GEBPF_OPEN_NO_START, NULL);
	TAP_CHECK(device && gebpf_hello(device)->pid != (uint32_t)getpid());
	daemon_stopped(device);
	options.socket = "/nonexistent/folder/device.sock";
	tap_ok(gebpf_server_run(&options) == -EBPF_ENOENT, "%s", why);
	daemon_clean();
}

static void
test_socket_removed(void)
{
	struct gebpf_device *device = NULL, *first;
	char path[128];
	pid_t pid;
	int i;

	daemon_fresh();
	first = daemon_opened(0, NULL);
	if (!TAP_CHECK(first != NULL))
		return;
	pid = (pid_t)gebpf_hello(first)->pid;
	unlink(daemon_sock);
	for (i = 0; i < 1000 && access(daemon_sock, F_OK); i++)
		daemon_nap(20);
	device = daemon_opened(GEBPF_OPEN_NO_START, NULL);
	tap_ok(device && (pid_t)gebpf_hello(device)->pid == pid,
	       "a socket that was removed comes back");
	gebpf_close(device);
	gebpf_close(first);
	snprintf(path, sizeof(path), "%s.lock", daemon_sock);
	unlink(path);
	unlink(daemon_sock);
	tap_ok(daemon_gone(pid), "a device that nobody can reach ends");
	daemon_clean();
}

/* Run in a child of another user; its exit status. */
static int
as_nobody(int (*fn)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		_exit(fn());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
open_refused(void)
{
	struct gebpf_device *device;
	struct gebpf_error err = { 0 };
	int error = gebpf_open(daemon_target, GEBPF_OPEN_QUIET, &device, &err);

	fprintf(stderr, "# as nobody: %s. %s\n", err.text, err.hint);
	return error == -EBPF_EACCES && err.hint[0] ? 0 : 1;
}

static int
open_default_refused(void)
{
	snprintf(daemon_target, sizeof(daemon_target), "embedded");
	setenv("XDG_RUNTIME_DIR", daemon_folder, 1);
	return open_refused();
}

/* A folder left over from another user's login is not ours to use. */
static int
other_runtime_dir(void)
{
	char path[108] = "";

	setenv("XDG_RUNTIME_DIR", daemon_folder, 1);
	return gebpf_socket_path(NULL, false, path, sizeof(path), NULL) == 0 &&
			       strncmp(path, daemon_folder, strlen(daemon_folder)) ?
		       0 :
		       1;
}

static int
server_refuses(void)
{
	struct ebpf_reply reply;
	int fd = daemon_connect();

	return fd >= 0 && daemon_reply(fd, &reply, WAIT_MS) &&
			       reply.error == -EBPF_EACCES ?
		       0 :
		       1;
}

/* A daemon of a third user, seen by nobody; then only its stale socket. */
static void
test_other_listener(void)
{
	int ready[2], fd;
	char byte = 'n';
	pid_t pid;

	if (pipe(ready)) {
		tap_ok(false, "pipe: %s", strerror(errno));
		return;
	}
	chmod(daemon_folder, 0777 | S_ISVTX);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setuid(1))
			_exit(1);
		umask(0);
		fd = daemon_listen();
		if (write(ready[1], fd < 0 ? "n" : "y", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	TAP_CHECK(read(ready[0], &byte, 1) == 1 && byte == 'y');
	chmod(daemon_folder, 0755);
	tap_ok(as_nobody(open_refused) == 0, "a listener of somebody else");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tap_ok(as_nobody(open_refused) == 0, "a stale socket of somebody else");
	close(ready[0]);
	close(ready[1]);
}

static void
test_foreign(void)
{
	struct gebpf_device *device;
	char path[128];

	if (geteuid() != 0) {
		tap_skip("needs root", "sockets of other users");
		return;
	}
	/* Our socket and another user, although the modes would let him in. */
	daemon_fresh();
	device = daemon_opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	tap_ok(as_nobody(open_refused) == 0, "a 0700 folder keeps others out");
	chmod(daemon_folder, 0755);
	chmod(daemon_sock, 0666);
	tap_ok(as_nobody(server_refuses) == 0,
	       "the server asks the kernel who connects");
	tap_ok(as_nobody(open_refused) == 0, "the client is told");
	daemon_stopped(device);
	daemon_clean();

	/* Another user's socket: the file says so, the listener says so. */
	daemon_fresh();
	device = daemon_opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	if (chown(daemon_sock, NOBODY, NOBODY))
		tap_diag("chown: %s", strerror(errno));
	tap_ok(open_refused() == 0, "a socket file of somebody else");
	if (chown(daemon_sock, 0, 0))
		tap_diag("chown: %s", strerror(errno));
	daemon_stopped(device);
	daemon_clean();

	/* A daemon of a third user, seen by nobody. */
	daemon_fresh();
	chmod(daemon_folder, 0755);
	test_other_listener();
	daemon_clean();

	/* The default place: a link, a folder with holes. */
	daemon_fresh();
	TAP_CHECK(as_nobody(other_runtime_dir) == 0);
	if (chown(daemon_folder, NOBODY, NOBODY))
		tap_diag("chown: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/gebpf", daemon_folder);
	if (symlink("/tmp", path))
		tap_diag("symlink: %s", strerror(errno));
	tap_ok(as_nobody(open_default_refused) == 0,
	       "a symbolic link in the folder's place");
	unlink(path);
	mkdir(path, 0700);
	if (chown(path, NOBODY, NOBODY) || chmod(path, 0770))
		tap_diag("chmod: %s", strerror(errno));
	tap_ok(as_nobody(open_default_refused) == 0,
	       "a folder that others may enter");
	if (chmod(path, 0700) || chown(path, 1, 1))
		tap_diag("chown: %s", strerror(errno));
	tap_ok(as_nobody(open_default_refused) == 0,
	       "a folder of somebody else");
	rmdir(path);
	daemon_clean();
}

static void
test_places(void)
{
	struct gebpf_device *device;
	struct gebpf_error err = { 0 };
	char path[4096];
	int fd;

	daemon_fresh();
	chmod(daemon_folder, 0777);
	device = daemon_opened(0, &err);
	tap_ok(!device && err.code == -EBPF_EACCES, "%s", err.text);
	chmod(daemon_folder, 0700);
	fd = open(daemon_sock, O_CREAT | O_WRONLY, 0600);
	close(fd);
	device = daemon_opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV, "%s", err.text);
	unlink(daemon_sock);
	TAP_CHECK(gebpf_open("embedded:", 0, &device, &err) == -EBPF_EINVAL);
	TAP_CHECK(gebpf_open("nowhere", 0, &device, &err) == -EBPF_EINVAL);
	TAP_CHECK(gebpf_open("local:x", 0, &device, &err) == -EBPF_EINVAL);
	tap_ok(gebpf_open("kernel:/dev/null/x", 0, &device, &err) ==
	       -EBPF_ENODEV, "%s", err.text);
	memset(path, 'x', 300);
	memcpy(path, "embedded:/", 10);
	path[300] = '\0';
	tap_ok(gebpf_open(path, 0, &device, &err) == -EBPF_ENAMETOOLONG, "%s",
	       err.text);
	/* This program is no gebpf: it is not executed for being there. */
	unsetenv("GEBPF_DEVICE_EXEC");
	snprintf(path, sizeof(path), "%s", getenv("PATH") ? getenv("PATH") : "");
	setenv("PATH", daemon_folder, 1);
	device = daemon_opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV && strstr(err.text, "PATH"),
	       "%s", err.text);
	setenv("PATH", path, 1);
	setenv("GEBPF_DEVICE_EXEC", "/bin/true", 1);
	device = daemon_opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV, "%s", err.text);
	setenv("GEBPF_DEVICE_EXEC", "/nonexistent", 1);
	device = daemon_opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV, "%s", err.text);
	setenv("GEBPF_DEVICE_EXEC", "/proc/self/exe", 1);
	daemon_clean();
}

int
main(int argc, char **argv)
{
	int status;

	if (daemon_start(argc, argv, &status))
		return status;
	test_start_and_stop();
	test_signal(SIGTERM);
	test_signal(SIGINT);
	test_starts_at_once();
	test_killed();
	test_detached();
	test_socket_removed();
	test_foreign();
	test_places();
	return tap_done();
}
