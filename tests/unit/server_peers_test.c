/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Peers that mean no good: clients that send anything but messages, or too
 * slowly, or do not listen; many at once; and servers that lie.
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
#include "tap.h"

enum {
	WAIT_MS = 20000, /* for what comes at once on a machine that is idle */
};

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
	uint64_t end = daemon_now_ms() + (uint64_t)ms;
	ssize_t n;

	while (daemon_now_ms() < end) {
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
	int fd = daemon_connect();

	if (send(fd, &msg, sizeof(msg), MSG_NOSIGNAL) != sizeof(msg))
		tap_diag("send: %s", strerror(errno));
	tap_ok(daemon_reply(fd, &reply, WAIT_MS) && reply.error == error &&
	       reply.tag == 77 && reply.size == sizeof(reply),
	       "%s: error %d", what, reply.error);
	tap_ok(closed_within(fd, WAIT_MS), "%s: closed", what);
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

	return daemon_reply(fd, &reply, WAIT_MS) && reply.tag == tag &&
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
	int fd = daemon_connect(), i, fine = 0;

	memcpy(bytes, &msg, sizeof(msg));
	memcpy(bytes + sizeof(msg), &body, sizeof(body));
	memcpy(bytes + LARGE, &m, sizeof(m));
	for (i = 0; i < TIMES; i++) {
		for (at = 0; at < size; at += (size_t)n) {
			n = send(fd, bytes + at, size - at, MSG_NOSIGNAL);
			if (n <= 0)
				break;
		}
		fine += at == size && daemon_reply(fd, &reply, WAIT_MS) &&
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

	fd = daemon_connect();
	for (i = 0; i < sizeof(two); i++)
		if (send(fd, bytes + i, 1, MSG_NOSIGNAL) != 1)
			tap_diag("send: %s", strerror(errno));
	tap_ok(hello_answered(fd, 5) && hello_answered(fd, 6),
	       "byte by byte, two messages");
	close(fd);
	fd = daemon_connect();
	if (send(fd, two, sizeof(two), MSG_NOSIGNAL) != sizeof(two))
		tap_diag("send: %s", strerror(errno));
	tap_ok(hello_answered(fd, 5) && hello_answered(fd, 6),
	       "two messages at once");
	close(fd);

	/* A large message with the next one at its heels, many times. */
	test_large_then_small();

	/* A promise of much costs nothing until it is kept. */
	before = resident_kib(pid);
	fd = daemon_connect();
	big.msg.size = EBPF_MSG_MAX;
	big.msg.reply_max = 0xffffffff;
	if (send(fd, &big, sizeof(big), MSG_NOSIGNAL) != sizeof(big))
		tap_diag("send: %s", strerror(errno));
	daemon_nap(50);
	after = resident_kib(pid);
	tap_ok(after < before + 4096, "memory for a promise: %u to %u KiB",
	       before, after);
	close(fd);

	/* Any reply_max is fine when the reply is small. */
	fd = daemon_connect();
	big = hello_message(10);
	big.msg.reply_max = 0xffffffff;
	if (send(fd, &big, sizeof(big), MSG_NOSIGNAL) != sizeof(big))
		tap_diag("send: %s", strerror(errno));
	TAP_CHECK(hello_answered(fd, 10));
	big.msg.reply_max = sizeof(reply);
	if (send(fd, &big, sizeof(big), MSG_NOSIGNAL) != sizeof(big))
		tap_diag("send: %s", strerror(errno));
	tap_ok(daemon_reply(fd, &reply, WAIT_MS) && reply.size == sizeof(reply),
	       "reply_max is kept: error %d", reply.error);
	close(fd);
}

static void
test_slow(void)
{
	struct hello_message m = hello_message(1);
	uint64_t start;
	int silent, header, body, fd;

	start = daemon_now_ms();
	silent = daemon_connect();
	header = daemon_connect();
	body = daemon_connect();
	if (send(header, &m, 7, MSG_NOSIGNAL) != 7 ||
	    send(body, &m, sizeof(m) - 1, MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(m) - 1)
		tap_diag("send: %s", strerror(errno));
	fd = daemon_connect();
	if (send(fd, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
		tap_diag("send: %s", strerror(errno));
	tap_ok(hello_answered(fd, 1), "others are served meanwhile");
	tap_ok(closed_within(silent, WAIT_MS), "a silent client is let go");
	tap_ok(closed_within(header, WAIT_MS), "half a header too");
	tap_ok(closed_within(body, WAIT_MS), "and all but a byte");
	start = daemon_now_ms() - start;
	tap_ok(start >= DAEMON_MESSAGE_MS - 50, "not before its time (%llu ms)",
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
	int fd = daemon_connect(), sent = 0;
	uint64_t end = daemon_now_ms() + 1500;

	while (daemon_now_ms() < end && sent < 200000) {
		if (send(fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
			sent++;
			continue;
		}
		if (errno != EAGAIN)
			break;
		daemon_nap(5);
	}
	tap_ok(closed_within(fd, WAIT_MS) || errno == EPIPE ||
	       errno == ECONNRESET,
	       "a client that never reads is let go after %d requests", sent);
	close(fd);
	device = daemon_opened(GEBPF_OPEN_NO_START, NULL);
	tap_ok(device != NULL, "others are served");
	gebpf_close(device);
}

static void
test_sessions(void)
{
	struct gebpf_device *devices[DAEMON_SESSION_MAX], *more;
	struct gebpf_error err = { 0 };
	uint32_t i, count = 0;

	for (i = 0; i < DAEMON_SESSION_MAX; i++) {
		devices[i] = daemon_opened(GEBPF_OPEN_NO_START, &err);
		if (!devices[i])
			break;
		count++;
	}
	tap_ok(count > 0 && count < DAEMON_SESSION_MAX && err.code == -EBPF_ELIMIT,
	       "one process has at most half: %u, then %s", count, err.text);
	while (i-- > 0)
		gebpf_close(devices[i]);
	for (i = 0; i < 100; i++) {
		more = daemon_opened(GEBPF_OPEN_NO_START, &err);
		if (more)
			break;
		daemon_nap(10);
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
			fd = daemon_connect();
			if (send(fd, &m, sizeof(m) / 2, MSG_NOSIGNAL) < 0)
				_exit(1);
		}
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
	for (i = 0; i < 100; i++) {
		device = daemon_opened(GEBPF_OPEN_NO_START, NULL);
		sessions = device ? gebpf_hello(device)->sessions : 0;
		gebpf_close(device);
		if (sessions == 2)
			break;
		daemon_nap(10);
	}
	tap_ok(sessions == 2, "killed clients leave no session (%u)", sessions);
}

static void
test_hostile(void)
{
	struct gebpf_device *device;

	daemon_fresh();
	device = daemon_opened(0, NULL);
	if (!TAP_CHECK(device != NULL))
		return;
	test_messages(device);
	test_slow();
	test_killed_client();
	test_sessions();
	test_deaf();
	daemon_stopped(device);
	daemon_clean();
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
		if (!device && !(device = daemon_opened(GEBPF_OPEN_NO_START, NULL)))
			_exit(1);
		if (!mischief(device, &state))
			_exit(2);
		if (!chance(&state, 20)) {
			gebpf_close(device);
			device = NULL;
		}
	}
	fd = daemon_connect();
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

	daemon_fresh();
	first = daemon_opened(0, NULL);
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
		daemon_nap(10);
	}
	tap_ok(hello.sessions == 1 && hello.map_count == 0 &&
	       hello.prog_count == 0 && hello.link_count == 0,
	       "%u session, %u maps, %u programs, %u links left",
	       hello.sessions, hello.map_count, hello.prog_count,
	       hello.link_count);
	device = daemon_opened(GEBPF_OPEN_NO_START, NULL);
	TAP_CHECK(device && gebpf_hello(device)->pid == hello.pid);
	gebpf_close(device);
	daemon_stopped(first);
	daemon_clean();
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
		daemon_fresh();
		fd = daemon_listen();
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
		device = daemon_opened(GEBPF_OPEN_NO_START, &err);
		tap_ok(!device && err.code == lies[i].expect, "%s: %s (%d)",
		       lies[i].what, err.text, err.code);
		gebpf_close(device);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		daemon_clean();
	}
}

int
main(int argc, char **argv)
{
	int status;

	if (daemon_start(argc, argv, &status))
		return status;
	test_hostile();
	test_many();
	test_liars();
	return tap_done();
}
