/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The daemon and the way to it: starting on demand, two starts at once, death
 * while clients wait, stale sockets, foreign owners, hostile messages. The
 * daemon is this very program, executed as gebpf would be (GEBPF_DEVICE_EXEC).
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

#include "abi/wire.h"
#include "client/gebpf.h"
#include "host/server.h"
#include "tap.h"

enum {
	NOBODY = 65534,
	MESSAGE_MS = 1000,
	SESSION_MAX = 16,
	STARTS = 8,
	WAITERS = 4,
};

static char folder[64], sock[96], target[128];
static int folder_count;

static void
nap(int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	nanosleep(&ts, NULL);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What `gebpf -t TARGET device start --foreground` does. */
static int
daemon_main(const char *daemon_target)
{
	struct gebpf_server_options options = {
		.foreground = true,
		.session_max = SESSION_MAX,
		.message_ms = MESSAGE_MS,
		.look_ms = 100,
	};
	char path[108];

	if (gebpf_socket_path(daemon_target, true, path, sizeof(path), NULL))
		return 1;
	options.socket = path;
	return gebpf_server_run(&options) ? 1 : 0;
}

/* A new socket in a new folder. */
static void
fresh(void)
{
	snprintf(folder, sizeof(folder), "/tmp/gebpf-test-%d-%d", (int)getpid(),
		 folder_count++);
	mkdir(folder, 0700);
	snprintf(sock, sizeof(sock), "%s/device.sock", folder);
	snprintf(target, sizeof(target), "embedded:%s", sock);
}

/* What a sanitizer had to say about the daemon is in its log. */
static void
read_log(void)
{
	char path[128], line[512];
	bool fine = true;
	FILE *file;

	snprintf(path, sizeof(path), "%s.log", sock);
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

static void
clean(void)
{
	static const char *const names[] = {
		"device.sock", "device.sock.lock", "device.sock.log",
		"device.sock.log.old", "gebpf",
	};
	char path[256];
	size_t i;

	read_log();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static struct gebpf_device *
opened(unsigned int flags, struct gebpf_error *err)
{
	struct gebpf_device *device = NULL;
	struct gebpf_error mine = { 0 };

	gebpf_open(target, flags | GEBPF_OPEN_QUIET, &device,
		   err ? err : &mine);
	if (!device && !err)
		tap_diag("open %s: %s", target, mine.text);
	return device;
}

/* A zombie has gone too: whoever adopted it may be slow to say so. */
static bool
dead(pid_t pid)
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

static bool
gone(pid_t pid)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (dead(pid))
			return true;
		nap(10);
	}
	return false;
}

static void
stopped(struct gebpf_device *device)
{
	struct gebpf_error err = { 0 };
	pid_t pid;

	if (!device)
		return;
	pid = (pid_t)gebpf_hello(device)->pid;
	tap_ok(gebpf_stop(device, &err) == 0, "stop %s", err.text);
	gebpf_close(device);
	tap_ok(gone(pid), "the daemon has gone");
	tap_ok(access(sock, F_OK) != 0, "and its socket");
}

/* ---- lives ---- */

static void
test_start_and_stop(void)
{
	struct gebpf_device *device, *second;
	const struct ebpf_rep_hello *hello;
	struct gebpf_error err;
	struct stat st;

	fresh();
	device = opened(GEBPF_OPEN_NO_START, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV && err.hint[0],
	       "without a start: %s", err.text);
	device = opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	hello = gebpf_hello(device);
	TAP_CHECK(hello->home == EBPF_HOME_EMBEDDED);
	TAP_CHECK(hello->version == EBPF_WIRE_VERSION);
	TAP_CHECK(hello->uid == geteuid());
	TAP_CHECK(hello->pid != (uint32_t)getpid() && hello->pid > 1);
	TAP_CHECK(!strcmp(gebpf_target(device), target));
	TAP_CHECK(!stat(sock, &st) && (st.st_mode & 0777) == 0600);
	second = opened(GEBPF_OPEN_NO_START, NULL);
	TAP_CHECK(second && gebpf_hello(second)->pid == hello->pid);
	TAP_CHECK(second && gebpf_hello(second)->sessions == 2);
	gebpf_close(second);
	stopped(device);
	clean();
}

static void
test_signal(int number)
{
	struct gebpf_device *device;
	struct ebpf_req_stats req = { 0 };
	pid_t pid;

	fresh();
	device = opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	pid = (pid_t)gebpf_hello(device)->pid;
	kill(pid, number);
	tap_ok(gone(pid), "signal %d stops the daemon", number);
	TAP_CHECK(access(sock, F_OK) != 0);
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_STATS, &req, sizeof(req), NULL,
			    0) == -EBPF_EBADF);
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_STATS, &req, sizeof(req), NULL,
			    0) == -EBPF_EBADF);
	gebpf_close(device);
	clean();
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

	fresh();
	pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(path, sizeof(path), "%s/words", folder);
	fflush(stdout);
	for (i = 0; i < STARTS; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		words_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(words_fd, STDERR_FILENO);
		if (gebpf_open(target, 0, &device, NULL))
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
	stopped(opened(GEBPF_OPEN_NO_START, NULL));
	clean();
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

	fresh();
	device = opened(0, NULL);
	if (!TAP_CHECK(device != NULL && pipe(ready) == 0))
		return;
	pid = (pid_t)gebpf_hello(device)->pid;
	fflush(stdout);
	for (i = 0; i < WAITERS; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		next = opened(GEBPF_OPEN_NO_START, NULL);
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
	nap(50);
	kill(pid, SIGKILL);
	for (i = 0; i < WAITERS; i++) {
		waitpid(children[i], &status, 0);
		tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		       "waiting client %d is told (%d)", i, status);
	}
	TAP_CHECK(gebpf_ask(device, EBPF_REQUEST_STATS, &req, sizeof(req), NULL,
			    0) == -EBPF_EBADF);
	gebpf_close(device);
	TAP_CHECK(access(sock, F_OK) == 0);
	TAP_CHECK(!opened(GEBPF_OPEN_NO_START, &(struct gebpf_error){ 0 }));
	TAP_CHECK(access(sock, F_OK) == 0);
	next = opened(0, NULL);
	tap_ok(next && (pid_t)gebpf_hello(next)->pid != pid,
	       "a new daemon takes the stale socket's place");
	stopped(next);
	clean();
}

static void
test_detached(void)
{
	struct gebpf_server_options options = { .socket = NULL };
	struct gebpf_device *device;
	char why[256] = "";

	fresh();
	options.socket = sock;
	options.why = why;
	options.why_size = sizeof(why);
	tap_ok(gebpf_server_run(&options) == 0, "detached start %s", why);
	tap_ok(gebpf_server_run(&options) == -EBPF_EBUSY, "again: %s", why);
	options.foreground = true;
	tap_ok(gebpf_server_run(&options) == -EBPF_EBUSY,
	       "again, in the foreground: %s", why);
	device = opened(GEBPF_OPEN_NO_START, NULL);
	TAP_CHECK(device && gebpf_hello(device)->pid != (uint32_t)getpid());
	stopped(device);
	options.socket = "/nonexistent/folder/device.sock";
	tap_ok(gebpf_server_run(&options) == -EBPF_ENOENT, "%s", why);
	clean();
}

static void
test_socket_removed(void)
{
	struct gebpf_device *device = NULL, *first;
	char path[128];
	pid_t pid;
	int i;

	fresh();
	first = opened(0, NULL);
	if (!TAP_CHECK(first != NULL))
		return;
	pid = (pid_t)gebpf_hello(first)->pid;
	unlink(sock);
	for (i = 0; i < 100 && access(sock, F_OK); i++)
		nap(20);
	device = opened(GEBPF_OPEN_NO_START, NULL);
	tap_ok(device && (pid_t)gebpf_hello(device)->pid == pid,
	       "a socket that was removed comes back");
	gebpf_close(device);
	gebpf_close(first);
	snprintf(path, sizeof(path), "%s.lock", sock);
	unlink(path);
	unlink(sock);
	tap_ok(gone(pid), "a device that nobody can reach ends");
	clean();
}

/* ---- trust ---- */

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
	int error = gebpf_open(target, GEBPF_OPEN_QUIET, &device, &err);

	fprintf(stderr, "# as nobody: %s. %s\n", err.text, err.hint);
	return error == -EBPF_EACCES && err.hint[0] ? 0 : 1;
}

static int
open_default_refused(void)
{
	snprintf(target, sizeof(target), "embedded");
	setenv("XDG_RUNTIME_DIR", folder, 1);
	return open_refused();
}

/* A folder left over from another user's login is not ours to use. */
static int
other_runtime_dir(void)
{
	char path[108] = "";

	setenv("XDG_RUNTIME_DIR", folder, 1);
	return gebpf_socket_path(NULL, false, path, sizeof(path), NULL) == 0 &&
			       strncmp(path, folder, strlen(folder)) ?
		       0 :
		       1;
}

static int
raw_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", sock);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
read_reply(int fd, struct ebpf_reply *reply, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1 &&
	       recv(fd, reply, sizeof(*reply), MSG_WAITALL) == sizeof(*reply);
}

static int
server_refuses(void)
{
	struct ebpf_reply reply;
	int fd = raw_connect();

	return fd >= 0 && read_reply(fd, &reply, 2000) &&
			       reply.error == -EBPF_EACCES ?
		       0 :
		       1;
}

static int
listen_quietly(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", sock);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 5))
		return -1;
	return fd;
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
	chmod(folder, 0777 | S_ISVTX);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setuid(1))
			_exit(1);
		umask(0);
		fd = listen_quietly();
		if (write(ready[1], fd < 0 ? "n" : "y", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	TAP_CHECK(read(ready[0], &byte, 1) == 1 && byte == 'y');
	chmod(folder, 0755);
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
	fresh();
	device = opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	tap_ok(as_nobody(open_refused) == 0, "a 0700 folder keeps others out");
	chmod(folder, 0755);
	chmod(sock, 0666);
	tap_ok(as_nobody(server_refuses) == 0,
	       "the server asks the kernel who connects");
	tap_ok(as_nobody(open_refused) == 0, "the client is told");
	stopped(device);
	clean();

	/* Another user's socket: the file says so, the listener says so. */
	fresh();
	device = opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	if (chown(sock, NOBODY, NOBODY))
		tap_diag("chown: %s", strerror(errno));
	tap_ok(open_refused() == 0, "a socket file of somebody else");
	if (chown(sock, 0, 0))
		tap_diag("chown: %s", strerror(errno));
	stopped(device);
	clean();

	/* A daemon of a third user, seen by nobody. */
	fresh();
	chmod(folder, 0755);
	test_other_listener();
	clean();

	/* The default place: a link, a folder with holes. */
	fresh();
	TAP_CHECK(as_nobody(other_runtime_dir) == 0);
	if (chown(folder, NOBODY, NOBODY))
		tap_diag("chown: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/gebpf", folder);
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
	clean();
}

static void
test_places(void)
{
	struct gebpf_device *device;
	struct gebpf_error err = { 0 };
	char path[4096];
	int fd;

	fresh();
	chmod(folder, 0777);
	device = opened(0, &err);
	tap_ok(!device && err.code == -EBPF_EACCES, "%s", err.text);
	chmod(folder, 0700);
	fd = open(sock, O_CREAT | O_WRONLY, 0600);
	close(fd);
	device = opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV, "%s", err.text);
	unlink(sock);
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
	setenv("PATH", folder, 1);
	device = opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV && strstr(err.text, "PATH"),
	       "%s", err.text);
	setenv("PATH", path, 1);
	setenv("GEBPF_DEVICE_EXEC", "/bin/true", 1);
	device = opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV, "%s", err.text);
	setenv("GEBPF_DEVICE_EXEC", "/nonexistent", 1);
	device = opened(0, &err);
	tap_ok(!device && err.code == -EBPF_ENODEV, "%s", err.text);
	setenv("GEBPF_DEVICE_EXEC", "/proc/self/exe", 1);
	clean();
}

/* ---- hostile clients ---- */

static uint32_t
resident_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned int kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %u", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static bool
closed_within(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char bytes[256];
	uint64_t end = now_ms() + (uint64_t)ms;
	ssize_t n;

	while (now_ms() < end) {
		if (poll(&pfd, 1, 50) <= 0)
			continue;
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
	}
	return false;
}

static void
refused_header(uint32_t size, uint32_t reply_max, int error, const char *what)
{
	struct ebpf_msg msg = {
		.size = size,
		.reply_max = reply_max,
		.number = EBPF_REQUEST_HELLO,
		.tag = 77,
	};
	struct ebpf_reply reply = { 0 };
	int fd = raw_connect();

	if (send(fd, &msg, sizeof(msg), MSG_NOSIGNAL) != sizeof(msg))
		tap_diag("send: %s", strerror(errno));
	tap_ok(read_reply(fd, &reply, 2000) && reply.error == error &&
		       reply.tag == 77 && reply.size == sizeof(reply),
	       "%s: error %d", what, reply.error);
	tap_ok(closed_within(fd, 2000), "%s: closed", what);
	close(fd);
}

struct hello_message {
	struct ebpf_msg msg;
	struct ebpf_req_hello body;
};

static struct hello_message
hello_message(uint64_t tag)
{
	struct hello_message m = {
		.msg = { .size = sizeof(m),
			 .reply_max = 4096,
			 .number = EBPF_REQUEST_HELLO,
			 .tag = tag },
		.body = { .size = sizeof(m.body),
			  .version = EBPF_WIRE_VERSION },
	};

	return m;
}

static bool
hello_answered(int fd, uint64_t tag)
{
	struct ebpf_rep_hello body;
	struct ebpf_reply reply;

	return read_reply(fd, &reply, 2000) && reply.tag == tag &&
	       !reply.error && reply.size == sizeof(reply) + sizeof(body) &&
	       recv(fd, &body, sizeof(body), MSG_WAITALL) == sizeof(body) &&
	       body.home == EBPF_HOME_EMBEDDED;
}

static void
test_large_then_small(void)
{
	enum { LARGE = 200000, TIMES = 5 };
	struct hello_message m = hello_message(12);
	uint8_t *bytes = calloc(1, LARGE + sizeof(m));
	struct ebpf_msg msg = {
		.size = LARGE,
		.reply_max = 4096,
		.number = EBPF_REQUEST_BTF_LOAD,
		.tag = 11,
	};
	struct ebpf_req_btf_load body = { .size = sizeof(body), .len = 1 };
	struct ebpf_reply reply;
	size_t at, size = LARGE + sizeof(m);
	ssize_t n;
	int fd = raw_connect(), i, fine = 0;

	memcpy(bytes, &msg, sizeof(msg));
	memcpy(bytes + sizeof(msg), &body, sizeof(body));
	memcpy(bytes + LARGE, &m, sizeof(m));
	for (i = 0; i < TIMES; i++) {
		for (at = 0; at < size; at += (size_t)n) {
			n = send(fd, bytes + at, size - at, MSG_NOSIGNAL);
			if (n <= 0)
				break;
		}
		fine += at == size && read_reply(fd, &reply, 2000) &&
			reply.tag == 11 && reply.error < 0 &&
			reply.size == sizeof(reply) && hello_answered(fd, 12);
	}
	tap_ok(fine == TIMES, "large and small messages, back to back (%d)",
	       fine);
	close(fd);
	free(bytes);
}

static void
test_messages(struct gebpf_device *device)
{
	pid_t pid = (pid_t)gebpf_hello(device)->pid;
	struct hello_message two[2] = { hello_message(5), hello_message(6) };
	struct hello_message big = hello_message(9);
	struct ebpf_reply reply;
	uint32_t before, after;
	uint8_t *bytes = (uint8_t *)two;
	size_t i;
	int fd;

	refused_header(0xffffffff, 4096, -EBPF_E2BIG, "4 GiB message");
	refused_header(EBPF_MSG_MAX + 1, 4096, -EBPF_E2BIG, "64 MiB and one");
	refused_header(8, 4096, -EBPF_EPROTO, "shorter than its header");
	refused_header(0, 4096, -EBPF_EPROTO, "no length");
	refused_header(sizeof(two[0]), 8, -EBPF_EPROTO, "no room for a reply");

	fd = raw_connect();
	for (i = 0; i < sizeof(two); i++)
		if (send(fd, bytes + i, 1, MSG_NOSIGNAL) != 1)
			tap_diag("send: %s", strerror(errno));
	tap_ok(hello_answered(fd, 5) && hello_answered(fd, 6),
	       "byte by byte, two messages");
	close(fd);
	fd = raw_connect();
	if (send(fd, two, sizeof(two), MSG_NOSIGNAL) != sizeof(two))
		tap_diag("send: %s", strerror(errno));
	tap_ok(hello_answered(fd, 5) && hello_answered(fd, 6),
	       "two messages at once");
	close(fd);

	/* A large message with the next one at its heels, many times. */
	test_large_then_small();

	/* A promise of much costs nothing until it is kept. */
	before = resident_kib(pid);
	fd = raw_connect();
	big.msg.size = EBPF_MSG_MAX;
	big.msg.reply_max = 0xffffffff;
	if (send(fd, &big, sizeof(big), MSG_NOSIGNAL) != sizeof(big))
		tap_diag("send: %s", strerror(errno));
	nap(50);
	after = resident_kib(pid);
	tap_ok(after < before + 4096, "memory for a promise: %u to %u KiB",
	       before, after);
	close(fd);

	/* Any reply_max is fine when the reply is small. */
	fd = raw_connect();
	big = hello_message(10);
	big.msg.reply_max = 0xffffffff;
	if (send(fd, &big, sizeof(big), MSG_NOSIGNAL) != sizeof(big))
		tap_diag("send: %s", strerror(errno));
	TAP_CHECK(hello_answered(fd, 10));
	big.msg.reply_max = sizeof(reply);
	if (send(fd, &big, sizeof(big), MSG_NOSIGNAL) != sizeof(big))
		tap_diag("send: %s", strerror(errno));
	tap_ok(read_reply(fd, &reply, 2000) && reply.size == sizeof(reply),
	       "reply_max is kept: error %d", reply.error);
	close(fd);
}

static void
test_slow(void)
{
	struct hello_message m = hello_message(1);
	uint64_t start;
	int silent, header, body, fd;

	start = now_ms();
	silent = raw_connect();
	header = raw_connect();
	body = raw_connect();
	if (send(header, &m, 7, MSG_NOSIGNAL) != 7 ||
	    send(body, &m, sizeof(m) - 1, MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(m) - 1)
		tap_diag("send: %s", strerror(errno));
	fd = raw_connect();
	if (send(fd, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
		tap_diag("send: %s", strerror(errno));
	tap_ok(hello_answered(fd, 1), "others are served meanwhile");
	tap_ok(closed_within(silent, 3000), "a silent client is let go");
	tap_ok(closed_within(header, 3000), "half a header too");
	tap_ok(closed_within(body, 3000), "and all but a byte");
	start = now_ms() - start;
	tap_ok(start >= MESSAGE_MS - 50, "not before its time (%llu ms)",
	       (unsigned long long)start);
	if (send(fd, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
		tap_diag("send: %s", strerror(errno));
	tap_ok(hello_answered(fd, 1), "between messages a client may rest");
	close(silent);
	close(header);
	close(body);
	close(fd);
}

/* A client that asks and never reads must not hold up the daemon's end. */
static void
test_deaf(void)
{
	struct gebpf_device *device;
	struct hello_message m = hello_message(1);
	int fd = raw_connect(), sent = 0;
	uint64_t end = now_ms() + 1500;

	while (now_ms() < end && sent < 200000) {
		if (send(fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
			sent++;
			continue;
		}
		if (errno != EAGAIN)
			break;
		nap(5);
	}
	tap_ok(closed_within(fd, 3000) || errno == EPIPE ||
		       errno == ECONNRESET,
	       "a client that never reads is let go after %d requests", sent);
	close(fd);
	device = opened(GEBPF_OPEN_NO_START, NULL);
	tap_ok(device != NULL, "others are served");
	gebpf_close(device);
}

static void
test_sessions(void)
{
	struct gebpf_device *devices[SESSION_MAX], *more;
	struct gebpf_error err = { 0 };
	uint32_t i, count = 0;

	for (i = 0; i < SESSION_MAX; i++) {
		devices[i] = opened(GEBPF_OPEN_NO_START, &err);
		if (!devices[i])
			break;
		count++;
	}
	tap_ok(count > 0 && count < SESSION_MAX && err.code == -EBPF_ELIMIT,
	       "one process has at most half: %u, then %s", count, err.text);
	while (i-- > 0)
		gebpf_close(devices[i]);
	for (i = 0; i < 100; i++) {
		more = opened(GEBPF_OPEN_NO_START, &err);
		if (more)
			break;
		nap(10);
	}
	tap_ok(more != NULL, "places are free again");
	gebpf_close(more);
}

/* Killed between two bytes: its session goes with it. */
static void
test_killed_client(void)
{
	struct hello_message m = hello_message(1);
	struct gebpf_device *device;
	uint32_t sessions = 0;
	pid_t pid;
	int i, fd;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 3; i++) {
			fd = raw_connect();
			if (send(fd, &m, sizeof(m) / 2, MSG_NOSIGNAL) < 0)
				_exit(1);
		}
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
	for (i = 0; i < 100; i++) {
		device = opened(GEBPF_OPEN_NO_START, NULL);
		sessions = device ? gebpf_hello(device)->sessions : 0;
		gebpf_close(device);
		if (sessions == 2)
			break;
		nap(10);
	}
	tap_ok(sessions == 2, "killed clients leave no session (%u)", sessions);
}

static void
test_hostile(void)
{
	struct gebpf_device *device;

	fresh();
	device = opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	test_messages(device);
	test_slow();
	test_killed_client();
	test_sessions();
	test_deaf();
	stopped(device);
	clean();
}

/* ---- many clients at once ---- */

enum {
	CLIENTS = 5,
	ROUNDS = 400,
};

static uint32_t
chance(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 33) % below;
}

/* One request of a client that means no good; false: the device has gone. */
static bool
mischief(struct gebpf_device *device, uint64_t *state)
{
	uint32_t body[300];
	uint8_t out[4096];
	struct gebpf_call call = {
		.req = body,
		.rep = out,
		.out = out,
		.out_room = sizeof(out),
	};
	struct ebpf_req_map_create map = {
		.kind = 1 + chance(state, 8),
		.key_size = 4,
		.value_size = 1 + chance(state, 64),
		.max_entries = 1 + chance(state, 100),
		.name = "m",
	};
	struct ebpf_req_switch vale = { .name = "vale0" };
	struct ebpf_req_port_add add = {
		.name = "vale0",
		.spec = "pair:x",
	};
	struct ebpf_req_port del = {
		.name = "vale0",
		.index = chance(state, 3),
	};
	struct ebpf_req_switch_start start = {
		.name = "vale0",
		.wait_ms = chance(state, 3),
	};
	uint32_t i;
	int error;

	vale.name[4] = add.name[4] = del.name[4] = start.name[4] =
		(char)('0' + chance(state, 3));
	switch (chance(state, 8)) {
	case 0:
		error = gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &map,
				  sizeof(map), NULL, 0);
		break;
	case 1:
		error = gebpf_ask(device, EBPF_REQUEST_SWITCH_CREATE, &vale,
				  sizeof(vale), NULL, 0);
		break;
	case 2:
		error = gebpf_ask(device, EBPF_REQUEST_SWITCH_DESTROY, &vale,
				  sizeof(vale), NULL, 0);
		break;
	case 3:
		error = gebpf_ask(device, EBPF_REQUEST_PORT_ADD, &add,
				  sizeof(add), NULL, 0);
		break;
	case 4:
		error = gebpf_ask(device, EBPF_REQUEST_PORT_DEL, &del,
				  sizeof(del), NULL, 0);
		break;
	case 5:
		error = gebpf_ask(device, EBPF_REQUEST_SWITCH_START, &start,
				  sizeof(start), NULL, 0);
		break;
	case 6:
		error = gebpf_ask(device, EBPF_REQUEST_SWITCH_NEXT, &vale,
				  sizeof(vale), NULL, 0);
		break;
	default:
		call.number = 4 + chance(state, 90);
		call.req_len = 4 + 4 * chance(state, 290);
		call.rep_len = chance(state, 64);
		for (i = 0; i < sizeof(body) / sizeof(body[0]); i++)
			body[i] = chance(state, 4) ? chance(state, 3) :
						     (uint32_t)*state;
		error = gebpf_request(device, &call);
		break;
	}
	return error != -EBPF_EBADF;
}

/* Talk nonsense, reconnect, and in the end die between two bytes. */
static void
client_main(uint32_t number)
{
	uint64_t state = 88172645463325252ull + number * 7919;
	struct hello_message m = hello_message(1);
	struct gebpf_device *device = NULL;
	uint32_t i;
	int fd;

	for (i = 0; i < ROUNDS; i++) {
		if (!device && !(device = opened(GEBPF_OPEN_NO_START, NULL)))
			_exit(1);
		if (!mischief(device, &state))
			_exit(2);
		if (!chance(&state, 20)) {
			gebpf_close(device);
			device = NULL;
		}
	}
	fd = raw_connect();
	if (send(fd, &m, chance(&state, sizeof(m)), MSG_NOSIGNAL) < 0)
		_exit(3);
	kill(getpid(), SIGKILL);
}

static void
test_many(void)
{
	struct gebpf_device *device, *first;
	struct ebpf_rep_hello hello = { 0 };
	struct ebpf_req_hello req = { .version = EBPF_WIRE_VERSION };
	pid_t children[CLIENTS];
	int i, status, fine = 0;

	fresh();
	first = opened(0, NULL);
	if (!TAP_CHECK(first != NULL))
		return;
	for (i = 0; i < CLIENTS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			client_main((uint32_t)i);
	}
	for (i = 0; i < CLIENTS; i++) {
		waitpid(children[i], &status, 0);
		fine += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	tap_ok(fine == CLIENTS, "%d of %d clients had answers to the end", fine,
	       CLIENTS);
	/* The dead leave nothing: no session, no map. */
	for (i = 0; i < 200; i++) {
		if (gebpf_ask(first, EBPF_REQUEST_HELLO, &req, sizeof(req),
			      &hello, sizeof(hello)))
			break;
		if (hello.sessions == 1 && hello.map_count == 0)
			break;
		nap(10);
	}
	tap_ok(hello.sessions == 1 && hello.map_count == 0 &&
		       hello.prog_count == 0 && hello.link_count == 0,
	       "%u session, %u maps, %u programs, %u links left",
	       hello.sessions, hello.map_count, hello.prog_count,
	       hello.link_count);
	device = opened(GEBPF_OPEN_NO_START, NULL);
	TAP_CHECK(device && gebpf_hello(device)->pid == hello.pid);
	gebpf_close(device);
	stopped(first);
	clean();
}

/* ---- hostile servers ---- */

struct lie {
	const char *what;
	uint32_t size; /* said */
	int32_t error;
	uint64_t tag;
	size_t sent; /* bytes really sent */
	int expect;
};

static void
test_liars(void)
{
	static const struct lie lies[] = {
		{ "a huge reply", 0x7fffffff, 0, 1, 16, -EBPF_EPROTO },
		{ "a reply shorter than its header", 4, 0, 1, 16, -EBPF_EPROTO },
		{ "a positive error", 16, 5, 1, 16, -EBPF_EPROTO },
		{ "somebody else's tag", 16, 0, 99, 16, -EBPF_EPROTO },
		{ "success without a body", 16, 0, 1, 16, -EBPF_EPROTO },
		{ "a body without a size", 20, 0, 1, 20, -EBPF_EPROTO },
		{ "half a reply", 144, 0, 1, 60, -EBPF_ENODEV },
		{ "nothing", 0, 0, 0, 0, -EBPF_ENODEV },
		{ "a refusal", 16, -EBPF_EACCES, 0, 16, -EBPF_EACCES },
		{ "another version", 16, -EBPF_EVERSION, 1, 16, -EBPF_EVERSION },
	};
	struct gebpf_error err;
	struct gebpf_device *device;
	struct ebpf_reply *reply;
	uint8_t bytes[256];
	size_t i;
	pid_t pid;
	int fd, client;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fresh();
		fd = listen_quietly();
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			client = accept(fd, NULL, NULL);
			if (recv(client, bytes, sizeof(bytes), 0) < 0)
				_exit(1);
			memset(bytes, 0, sizeof(bytes));
			reply = (struct ebpf_reply *)bytes;
			reply->size = lies[i].size;
			reply->error = lies[i].error;
			reply->tag = lies[i].tag;
			_exit(send(client, bytes, lies[i].sent,
				   MSG_NOSIGNAL) < 0);
		}
		close(fd);
		device = opened(GEBPF_OPEN_NO_START, &err);
		tap_ok(!device && err.code == lies[i].expect, "%s: %s (%d)",
		       lies[i].what, err.text, err.code);
		gebpf_close(device);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		clean();
	}
}

int
main(int argc, char **argv)
{
	/* gebpf -t TARGET device start --foreground */
	if (argc == 6 && !strcmp(argv[3], "device"))
		return daemon_main(argv[2]);
	/* Children that end under a sanitizer would print it once more. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("GEBPF_DEVICE_EXEC", "/proc/self/exe", 1);
	unsetenv("GEBPF_TARGET");
	signal(SIGPIPE, SIG_IGN);

	test_start_and_stop();
	test_signal(SIGTERM);
	test_signal(SIGINT);
	test_starts_at_once();
	test_killed();
	test_detached();
	test_socket_removed();
	test_foreign();
	test_places();
	test_hostile();
	test_many();
	test_liars();
	return tap_done();
}
