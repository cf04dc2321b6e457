/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The embedded device: a daemon behind a Unix stream socket, the same bytes
 * as everywhere. Finds it, starts it when it is not there (socket_start.c),
 * checks that it is ours, carries whole messages. Any failure in the middle of
 * one ends the connection.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/transport.h"

enum {
	START_MS = 10000, /* for the daemon to answer, once started */
	RETRY_MS = 10,
	SPIN_NS = 50000, /* of looking for a reply before sleeping */
	SPIN_SKIP_MAX = 64,
	SPIN_SKIP_BUSY = 256, /* where others want the processor */
	SPIN_SKIP_FIRST = 16, /* most commands ask less */
	YIELD_LOST_NS = 200000,
};

struct connection {
	int fd;
	int limit_ms; /* -1: none */
	bool spins;
	/* how often not to spin, and after the next time in vain */
	uint32_t spin_skip, spin_miss;
};

static void
nap(void)
{
	struct timespec ts = { .tv_nsec = RETRY_MS * 1000000L };

	nanosleep(&ts, NULL);
}

static int
refuse(const char *path, unsigned int uid, struct gebpf_error *err)
{
	struct passwd *user = getpwuid(uid);

	gebpf_fail(err, -EBPF_EACCES,
		   "socket %s belongs to somebody else: user %u (%s), not %u",
		   path, uid, user ? user->pw_name : "unknown",
		   (unsigned int)geteuid());
	gebpf_hint(err, "run gebpf as that user, or use a device of your own: "
			"-t embedded:SOCKET");
	return -EBPF_EACCES;
}

/*
 * The kernel says who listens. It must be us or root; root itself may also
 * talk to a user's device, but only to one that it was told to use.
 */
static int
peer_check(int fd, const char *path, bool named, struct gebpf_error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	unsigned int uid = geteuid();
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ||
	    len != sizeof(peer))
		return gebpf_fail(err, -EBPF_EACCES,
				  "socket %s: who serves it is unknown: %s",
				  path, strerror(errno));
	if (peer.uid != uid && peer.uid != 0 && !(uid == 0 && named))
		return refuse(path, peer.uid, err);
	if (!lstat(path, &st) && st.st_uid != peer.uid)
		return refuse(path, st.st_uid, err);
	return 0;
}

/*
 * 0, -EBPF_ENOENT when nobody answers there (no socket, or a stale one),
 * another error with words.
 */
static int
try_connect(const char *path, bool named, int *result, struct gebpf_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, error;

	error = gebpf_socket_folder(path, !named, false, err);
	if (error)
		return error;
	if (lstat(path, &st)) {
		if (errno == ENOENT)
			return -EBPF_ENOENT;
		gebpf_fail(err, -EBPF_EACCES, "%s: %s", path, strerror(errno));
		gebpf_hint(err, "use a device of your own: -t embedded:SOCKET");
		return -EBPF_EACCES;
	}
	if (!S_ISSOCK(st.st_mode))
		return gebpf_fail(err, -EBPF_ENODEV,
				  "%s is there, but is not a socket", path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return gebpf_fail(err, -EBPF_ENODEV, "socket: %s",
				  strerror(errno));
	memcpy(address.sun_path, path, strlen(path));
	while (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		if (errno == EINTR)
			continue;
		error = errno;
		close(fd);
		if (error == ENOENT || error == ECONNREFUSED) {
			/* A stale socket of another user is not ours to clear. */
			if (error == ECONNREFUSED && st.st_uid != geteuid() &&
			    geteuid() != 0)
				return refuse(path, st.st_uid, err);
			return -EBPF_ENOENT;
		}
		if (error == EACCES || error == EPERM) {
			if (st.st_uid != geteuid())
				return refuse(path, st.st_uid, err);
			gebpf_fail(err, -EBPF_EACCES, "%s: %s", path,
				   strerror(error));
			gebpf_hint(err, "use a device of your own: -t "
				   "embedded:SOCKET");
			return -EBPF_EACCES;
		}
		return gebpf_fail(err, -EBPF_ENODEV, "%s: %s", path,
				  strerror(error));
	}
	error = peer_check(fd, path, named, err);
	if (error) {
		close(fd);
		return error;
	}
	*result = fd;
	return 0;
}

/* Connect, starting a daemon as often as it takes until the time is over. */
static int
connect_or_start(const char *path, bool named, unsigned int flags, int *fd,
		 struct gebpf_error *err)
{
	uint64_t end = gebpf_now_ms() + START_MS;
	int error;

	for (;;) {
		error = try_connect(path, named, fd, err);
		if (error != -EBPF_ENOENT)
			return error;
		if (flags & GEBPF_OPEN_NO_START) {
			gebpf_fail(err, -EBPF_ENODEV,
				   "no embedded device is running at %s", path);
			gebpf_hint(err, "start it: gebpf device start");
			return -EBPF_ENODEV;
		}
		error = gebpf_socket_folder(path, !named, true, err);
		if (error == -EBPF_ENOENT)
			return gebpf_fail(err, -EBPF_ENODEV,
					  "the folder of %s has gone", path);
		if (error)
			return error;
		error = gebpf_socket_start(path, err);
		if (!error && !(flags & GEBPF_OPEN_QUIET))
			fprintf(stderr, "gebpf: started the embedded device "
				"(%s)\n", path);
		/* Somebody else starts or stops one just now: look again. */
		if (error && error != -EBPF_EBUSY)
			return error;
		if (gebpf_now_ms() > end)
			return gebpf_fail(err, -EBPF_ENODEV,
					  "the embedded device at %s does not "
					  "answer", path);
		if (error)
			nap();
	}
}

/* The daemon needs a processor too, or looking keeps it from answering. */
static bool
may_spin(void)
{
	cpu_set_t allowed;

	return !sched_getaffinity(0, sizeof(allowed), &allowed) &&
	       CPU_COUNT(&allowed) > 1;
}

static int
socket_open(const char *argument, unsigned int flags, void **state,
	    char *target, struct gebpf_error *err)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct connection *connection;
	int error;

	error = gebpf_socket_find(argument, path, sizeof(path), err);
	if (error)
		return error;
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return gebpf_fail(err, -EBPF_ENOMEM, "out of memory");
	connection->limit_ms = -1;
	connection->spins = may_spin();
	connection->spin_skip = SPIN_SKIP_FIRST;
	error = connect_or_start(path, argument != NULL, flags,
				 &connection->fd, err);
	if (error) {
		free(connection);
		return error;
	}
	snprintf(target, GEBPF_TARGET_SIZE, "embedded:%s", path);
	*state = connection;
	return 0;
}

/* Wait for an event within the limit; false: time is over or it broke. */
static bool
wait_for(struct connection *connection, short events)
{
	struct pollfd pfd = { .fd = connection->fd, .events = events };
	int n;

	do
		n = poll(&pfd, 1, connection->limit_ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static int
send_all(struct connection *connection, const uint8_t *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = send(connection->fd, data, len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (!wait_for(connection, POLLOUT))
				return -EBPF_EBADF;
			continue;
		}
		if (n <= 0)
			return -EBPF_EBADF;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * Most replies come before one has fallen asleep: look for some microseconds.
 * As recv without waiting. The daemon may wait for this very processor, so it
 * is offered; a stranger who takes it keeps it for long.
 */
static ssize_t
look(struct connection *connection, uint8_t *data, size_t len)
{
	uint64_t start = gebpf_now_ns(), now = start, before;
	bool over;
	ssize_t n;

	connection->spin_skip = 0;
	for (;;) {
		n = recv(connection->fd, data, len, MSG_DONTWAIT);
		over = n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
		before = now;
		now = gebpf_now_ns();
		if (now - before > YIELD_LOST_NS)
			connection->spin_skip = SPIN_SKIP_BUSY;
		if (over || connection->spin_skip || now - start > SPIN_NS)
			return n;
		sched_yield();
	}
}

/* Each time in vain it is left out twice as often. */
static ssize_t
spin(struct connection *connection, uint8_t *data, size_t len)
{
	ssize_t n;

	if (connection->spin_skip) {
		connection->spin_skip--;
		return -1;
	}
	n = look(connection, data, len);
	connection->spin_miss = n >= 0 ? 0 :
				connection->spin_miss < SPIN_SKIP_MAX ?
					 connection->spin_miss * 2 + 1 :
					 SPIN_SKIP_MAX;
	if (!connection->spin_skip)
		connection->spin_skip = connection->spin_miss;
	return n;
}

/* Some bytes, at least one; 0: the other side has gone, or time is over. */
static size_t
receive_some(struct connection *connection, uint8_t *data, size_t len)
{
	ssize_t n;

	if (connection->spins) {
		n = spin(connection, data, len);
		if (n >= 0)
			return (size_t)n;
	}
	for (;;) {
		if (connection->limit_ms >= 0 && !wait_for(connection, POLLIN))
			return 0;
		n = recv(connection->fd, data, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		return n > 0 ? (size_t)n : 0;
	}
}

static int
socket_exchange(void *state, const void *request, size_t request_len,
		void *reply, size_t cap, size_t *len)
{
	struct connection *connection = state;
	struct ebpf_reply head = { .size = sizeof(head) };
	size_t have = 0, got;
	int error;

	/*
	 * When sending fails the server may still have said why (it refuses
	 * clients and messages that are too large without reading them).
	 * One request, one reply: all that comes is its reply.
	 */
	error = send_all(connection, request, request_len);
	while (have < head.size) {
		got = receive_some(connection, (uint8_t *)reply + have,
				   (have < sizeof(head) ? cap : head.size) -
					   have);
		if (!got)
			return -EBPF_EBADF;
		have += got;
		if (have < sizeof(head))
			continue;
		memcpy(&head, reply, sizeof(head));
		if (head.size < sizeof(head) || head.size > cap)
			return -EBPF_EPROTO;
	}
	if (have != head.size)
		return -EBPF_EPROTO;
	if (error && !head.error)
		return error;
	*len = head.size;
	return 0;
}

static void
socket_limit(void *state, unsigned int ms)
{
	struct connection *connection = state;

	connection->limit_ms = ms ? (int)ms : -1;
}

static int
socket_wait_gone(void *state, unsigned int ms)
{
	struct connection *connection = state;
	char byte;

	connection->limit_ms = (int)ms;
	if (!wait_for(connection, POLLIN))
		return -EBPF_EBUSY;
	/* End of file or a reset: gone. A byte nobody asked for: not gone. */
	return recv(connection->fd, &byte, 1, MSG_DONTWAIT) > 0 ? -EBPF_EPROTO :
								  0;
}

static void
socket_close(void *state)
{
	struct connection *connection = state;

	close(connection->fd);
	free(connection);
}

const struct gebpf_transport gebpf_transport_socket = {
	.name = "embedded",
	.open = socket_open,
	.exchange = socket_exchange,
	.limit = socket_limit,
	.wait_gone = socket_wait_gone,
	.close = socket_close,
};
