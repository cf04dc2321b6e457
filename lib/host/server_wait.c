/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Bytes from and to one client in time. Most clients ask one thing after the
 * other: then falling asleep and being woken takes ten times as long as the
 * request, so a session whose client was quick looks for the next request for
 * some microseconds before it sleeps. Knows no messages.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "core/os.h"
#include "host/server_parts.h"

enum {
	MS_PER_MIB = 1000,
	SPIN_SKIP_MAX = 64,
	SPIN_SKIP_BUSY = 256, /* where others want the processor */
	YIELD_LOST_NS = 200000,
};

uint64_t
server_deadline(const struct server *server, size_t len)
{
	uint64_t ms = server->message_ms + (uint64_t)(len >> 20) * MS_PER_MIB;

	return os_time_ns() + ms * 1000000;
}

/* end_ns 0: no hurry. */
static bool
wait_for(int fd, short events, uint64_t end_ns)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	for (;;) {
		now = end_ns ? os_time_ns() : 0;
		if (end_ns && now >= end_ns)
			return false;
		n = poll(&pfd, 1,
			 end_ns ? (int)((end_ns - now) / 1000000) + 1 : -1);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

/* ---- looking before sleeping ---- */

void
server_spin_init(struct server *server, uint32_t spin_us)
{
	cpu_set_t allowed;

	/* The client needs a processor too, or there is nothing to see. */
	server->spin_max = sched_getaffinity(0, sizeof(allowed), &allowed) ?
				   0 :
				   (uint32_t)CPU_COUNT(&allowed) / 2;
	server->spin_ns = (uint64_t)spin_us * 1000;
}

/*
 * As recv without waiting, for as long as spinning is allowed; false: nothing
 * came. The client may wait for this very processor, so it is offered; a
 * stranger who takes it keeps it for long.
 */
static bool
look(struct server_session *session, uint8_t *data, size_t len, ssize_t *got)
{
	uint64_t start = os_time_ns(), now = start, before;
	bool came;

	session->spin_skip = 0;
	for (;;) {
		*got = recv(session->fd, data, len, MSG_DONTWAIT);
		came = *got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
		before = now;
		now = os_time_ns();
		if (now - before > YIELD_LOST_NS)
			session->spin_skip = SPIN_SKIP_BUSY;
		if (came || session->spin_skip ||
		    now - start > session->server->spin_ns)
			return came;
		sched_yield();
	}
}

/* Each time in vain the session leaves it out twice as often. */
static bool
spin(struct server_session *session, uint8_t *data, size_t len, ssize_t *got)
{
	struct server *server = session->server;
	bool came = false;

	if (os_add(&server->spinning, 1) <= server->spin_max) {
		came = look(session, data, len, got);
		session->spin_miss = came ? 0 :
				     session->spin_miss < SPIN_SKIP_MAX ?
					    session->spin_miss * 2 + 1 :
					    SPIN_SKIP_MAX;
		if (!session->spin_skip)
			session->spin_skip = session->spin_miss;
	}
	os_sub(&server->spinning, 1);
	return came;
}

/* Until something comes; shutdown() ends it. As recv. */
static ssize_t
receive_idle(struct server_session *session, uint8_t *data, size_t len)
{
	uint64_t spin_ns = session->server->spin_ns, start;
	ssize_t got;

	if (!spin_ns)
		return recv(session->fd, data, len, 0);
	if (session->spin_skip)
		session->spin_skip--;
	else if (spin(session, data, len, &got))
		return got;
	start = os_time_ns();
	got = recv(session->fd, data, len, 0);
	/* It would have been seen: try again sooner. */
	if (session->spin_skip <= SPIN_SKIP_MAX &&
	    os_time_ns() - start < spin_ns)
		session->spin_skip /= 2;
	return got;
}

/* ---- bytes ---- */

size_t
server_receive(struct server_session *session, uint8_t *data, size_t len,
	       uint64_t end_ns)
{
	ssize_t n;

	for (;;) {
		n = end_ns ? recv(session->fd, data, len, MSG_DONTWAIT) :
			     receive_idle(session, data, len);
		if (n > 0)
			return (size_t)n;
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			return 0;
		if (!wait_for(session->fd, POLLIN, end_ns))
			return 0;
	}
}

bool
server_send_all(int fd, const uint8_t *data, size_t len, uint64_t end_ns)
{
	ssize_t n;

	while (len) {
		n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (!wait_for(fd, POLLOUT, end_ns))
				return false;
			continue;
		}
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}
