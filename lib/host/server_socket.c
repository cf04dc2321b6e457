/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How the daemon comes to own its socket: the lock beside it, held for life,
 * decides who serves; only its holder removes a stale socket. Also detaching
 * and the one line ("ready", "busy", "failed CODE TEXT") for whoever waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/os.h"
#include "host/server_parts.h"

enum {
	LOCK_TRIES = 250, /* a daemon that is just stopping lets go in time */
	LOCK_REST_MS = 20,
	BACKLOG = 128,
	READY_MS = 15000,
};

static void
beside(const char *socket_path, const char *suffix, char *path)
{
	snprintf(path, PATH_MAX, "%s%s", socket_path, suffix);
}

static bool
address_of(const char *path, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, path, strlen(path));
	return true;
}

static bool
somebody_answers(const char *path)
{
	struct sockaddr_un address;
	bool answers;
	int fd;

	if (!address_of(path, &address))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	/* EAGAIN: it listens and its queue is full. */
	answers = !connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
		  errno == EAGAIN;
	close(fd);
	return answers;
}

int
server_lock(struct server *server)
{
	const struct gebpf_server_options *options = server->options;
	struct timespec rest = { .tv_nsec = LOCK_REST_MS * 1000000L };
	char path[PATH_MAX];
	struct stat st;
	int fd, tries;

	beside(options->socket, ".lock", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		  0600);
	if (fd < 0)
		return server_fail(options,
				   errno == ENOENT ? -EBPF_ENOENT :
						     -EBPF_EACCES,
				   "cannot open the lock %s: %s", path,
				   strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		close(fd);
		return server_fail(options, -EBPF_EACCES,
				   "the lock %s belongs to somebody else",
				   path);
	}
	for (tries = 0; flock(fd, LOCK_EX | LOCK_NB); tries++) {
		if (tries < LOCK_TRIES && (errno == EINTR ||
		    (errno == EWOULDBLOCK && !somebody_answers(options->socket)))) {
			nanosleep(&rest, NULL);
			continue;
		}
		close(fd);
		return server_fail(options, -EBPF_EBUSY,
				   "an embedded device is already running at "
				   "%s", options->socket);
	}
	server->lock_fd = fd;
	return 0;
}

int
server_listen(struct server *server)
{
	const struct gebpf_server_options *options = server->options;
	struct sockaddr_un address;
	struct stat st;
	mode_t mask;
	int fd, error;

	if (!address_of(options->socket, &address))
		return server_fail(options, -EBPF_ENAMETOOLONG,
				   "socket path %s is too long",
				   options->socket);
	/* We hold the lock: a socket there is stale. */
	if (!lstat(options->socket, &st)) {
		if (!S_ISSOCK(st.st_mode))
			return server_fail(options, -EBPF_EEXIST,
					   "%s is there and is not a socket",
					   options->socket);
		if (st.st_uid != geteuid())
			return server_fail(options, -EBPF_EACCES,
					   "socket %s belongs to user %u",
					   options->socket,
					   (unsigned int)st.st_uid);
		unlink(options->socket);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return server_fail(options, -EBPF_EIO, "socket: %s",
				   strerror(errno));
	mask = umask(0177);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (error || listen(fd, BACKLOG) || lstat(options->socket, &st)) {
		error = server_fail(options,
				    errno == EACCES ? -EBPF_EACCES : -EBPF_EIO,
				    "cannot listen at %s: %s", options->socket,
				    strerror(errno));
		close(fd);
		return error;
	}
	server->listen_fd = fd;
	server->socket_dev = st.st_dev;
	server->socket_ino = st.st_ino;
	return 0;
}

enum server_socket_state
server_socket_look(const struct server *server)
{
	char path[PATH_MAX];
	struct stat st, lock;

	if (!lstat(server->options->socket, &st))
		return st.st_dev == server->socket_dev &&
				       st.st_ino == server->socket_ino ?
			       SERVER_SOCKET_OURS :
			       SERVER_SOCKET_LOST;
	beside(server->options->socket, ".lock", path);
	if (!lstat(path, &st) && !fstat(server->lock_fd, &lock) &&
	    st.st_dev == lock.st_dev && st.st_ino == lock.st_ino)
		return SERVER_SOCKET_MISSING;
	return SERVER_SOCKET_LOST;
}

void
server_socket_remove(struct server *server)
{
	if (server_socket_look(server) == SERVER_SOCKET_OURS)
		unlink(server->options->socket);
}

void
server_log_open(const struct gebpf_server_options *options)
{
	char path[PATH_MAX], old[PATH_MAX];
	struct stat st;
	int fd;

	beside(options->socket, ".log", path);
	beside(options->socket, ".log.old", old);
	/* The last words of the one before stay readable. */
	if (!lstat(path, &st) && S_ISREG(st.st_mode) && st.st_size)
		rename(path, old);
	fd = open(path,
		  O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC |
			  O_NOFOLLOW | O_NONBLOCK,
		  0600);
	if (fd < 0)
		return; /* a daemon without a diary is still a daemon */
	dup2(fd, STDERR_FILENO);
	close(fd);
}

int
server_ready_fd(void)
{
	const char *text = getenv("GEBPF_READY_FD");
	char *end;
	long fd;

	if (!text || !*text)
		return -1;
	fd = strtol(text, &end, 10);
	unsetenv("GEBPF_READY_FD");
	if (*end || fd < 3 || fd > 1 << 20 ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC))
		return -1;
	if (chdir("/"))
		return -1;
	return (int)fd;
}

void
server_say(int ready_fd, int error, const char *why)
{
	if (ready_fd < 0)
		return;
	if (!error)
		dprintf(ready_fd, "ready\n");
	else if (error == -EBPF_EBUSY)
		dprintf(ready_fd, "busy\n");
	else
		dprintf(ready_fd, "failed %d %s\n", -error, why);
	close(ready_fd);
}

/* What the daemon said, for the process that asked for it. */
static int
hear(const struct gebpf_server_options *options, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char line[512], *text;
	size_t len = 0;
	ssize_t n = 0;
	long code;

	while (len + 1 < sizeof(line) && poll(&pfd, 1, READY_MS) != 0) {
		n = read(fd, line + len, sizeof(line) - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "ready"))
		return 0;
	if (!strcmp(line, "busy"))
		return server_fail(options, -EBPF_EBUSY,
				   "an embedded device is already running at "
				   "%s", options->socket);
	if (!strncmp(line, "failed ", 7)) {
		code = strtol(line + 7, &text, 10);
		return server_fail(options, code > 0 ? -(int)code : -EBPF_EIO,
				   "%s", *text ? text + 1 : text);
	}
	return server_fail(options, -EBPF_EIO,
			   "the device ended before it listened; see %s.log",
			   options->socket);
}

int
server_detach(const struct gebpf_server_options *options, int *ready_fd,
	      int *result)
{
	int ends[2], null, status;
	pid_t pid;

	*ready_fd = -1;
	if (pipe2(ends, O_CLOEXEC)) {
		*result = server_fail(options, -EBPF_EIO, "pipe: %s",
				      strerror(errno));
		return 1;
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		*result = server_fail(options, -EBPF_EIO, "fork: %s",
				      strerror(errno));
		close(ends[0]);
		close(ends[1]);
		return 1;
	}
	if (pid) {
		close(ends[1]);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		*result = hear(options, ends[0]);
		close(ends[0]);
		return 1;
	}

	/* The child; its own child becomes the daemon. */
	if (setsid() < 0)
		_exit(EXIT_FAILURE);
	pid = fork();
	if (pid)
		_exit(pid < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || chdir("/"))
		_exit(EXIT_FAILURE);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
	close(ends[0]);
	/* Nothing of the caller's is kept open for days. */
	if (ends[1] > 3)
		close_range(3, (unsigned int)ends[1] - 1, 0);
	close_range((unsigned int)ends[1] + 1, ~0u, 0);
	*ready_fd = ends[1];
	return 0;
}
