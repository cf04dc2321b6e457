/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's device and its callers: waiting with poll and epoll for records
 * and for lines of the trace log, calls by 32-bit programs, descriptors that are
 * passed on, waiting callers that are killed, a node that is removed. Skips where there is no
 * /dev/ebpf; tests/guest runs it in a guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/chardev.h"
#include "abi/error.h"
#include "abi/insn.h"
#include "abi/kinds.h"
#include "abi/wire.h"
#include "child.h"
#include "tap.h"

enum {
	LONG_MS = 60000, /* never waited for, unless something is wrong */
	WAKES = 200,
};

static uint64_t request[1024], reply[1024];

/* One request; the reply's error, or -1000 - errno. The body is in rep[]. */
static int
ask(int fd, uint16_t number, void *body, uint32_t size, const void *tail,
    size_t len, void *rep, size_t rep_size)
{
	struct ebpf_msg msg = {
		.size = (uint32_t)(sizeof(msg) + size + len),
		.reply_max = sizeof(reply),
		.number = number,
	};
	struct ebpf_chardev_call call = {
		.request = (uintptr_t)request,
		.reply = (uintptr_t)reply,
		.request_len = msg.size,
		.reply_cap = sizeof(reply),
	};
	struct ebpf_reply head;
	uint8_t *at = (uint8_t *)request;

	memcpy(body, &size, sizeof(size));
	memcpy(at, &msg, sizeof(msg));
	memcpy(at + sizeof(msg), body, size);
	if (len)
		memcpy(at + sizeof(msg) + size, tail, len);
	if (ioctl(fd, EBPF_CHARDEV_CALL, &call) != 0)
		return -1000 - errno;
	memcpy(&head, reply, sizeof(head));
	if (rep && call.reply_len >= sizeof(head) + rep_size)
		memcpy(rep, (uint8_t *)reply + sizeof(head), rep_size);
	return head.error;
}

static bool
greets(int fd)
{
	struct ebpf_req_hello req = { .version = EBPF_WIRE_VERSION };

	return ask(fd, EBPF_REQUEST_HELLO, &req, sizeof(req), NULL, 0, NULL,
		   0) == 0;
}

/* ---- poll ---- */

static uint32_t ring_id, prog_id;

/* A ring buffer, and a program that puts 8 bytes in and says so. */
static bool
make_ring(int fd)
{
	static const struct ebpf_insn code[] = {
		{ .code = 0x7a, .regs = 0x0a, .off = -8, .imm = 42 },
		{ .code = 0x18, .regs = 0x51 }, { 0 },
		{ .code = 0xbf, .regs = 0xa2 },
		{ .code = 0x07, .regs = 0x02, .imm = -8 },
		{ .code = 0xb7, .regs = 0x03, .imm = 8 },
		{ .code = 0xb7, .regs = 0x04 },
		{ .code = 0x85, .imm = 130 }, /* ringbuf_output */
		{ .code = 0x7a, .regs = 0x0a, .off = -8, .imm = 'x' },
		{ .code = 0xbf, .regs = 0xa1 },
		{ .code = 0x07, .regs = 0x01, .imm = -8 },
		{ .code = 0xb7, .regs = 0x02, .imm = 2 },
		{ .code = 0x85, .imm = 6 }, /* trace_printk */
		{ .code = 0xb7 },
		{ .code = 0x95 },
	};
	struct ebpf_req_map_create create = { .kind = EBPF_MAP_RINGBUF,
					      .max_entries = 4096 };
	struct ebpf_req_prog_load load = {
		.kind = EBPF_PROG_XDP,
		.insn_count = sizeof(code) / sizeof(code[0]),
		.map_count = 1,
		.log_size = 2048,
		.license = "GPL",
	};
	uint8_t tail[sizeof(code) + 4];
	struct ebpf_rep_prog_load loaded;
	struct ebpf_rep_id made;
	int error;

	if (ask(fd, EBPF_REQUEST_MAP_CREATE, &create, sizeof(create), NULL, 0,
		&made, sizeof(made)) != 0)
		return false;
	ring_id = made.id;
	memcpy(tail, code, sizeof(code));
	memcpy(tail + sizeof(code), &ring_id, 4);
	error = ask(fd, EBPF_REQUEST_PROG_LOAD, &load, sizeof(load), tail,
		    sizeof(tail), &loaded, sizeof(loaded));
	if (error != 0)
		tap_diag("%d: %.1500s", error,
			 (char *)reply + sizeof(struct ebpf_reply) +
				 sizeof(loaded));
	prog_id = loaded.id;
	return error == 0;
}

static bool
run(int fd)
{
	struct ebpf_req_prog_run req = { .id = prog_id, .data_len = 64 };
	static const uint8_t data[64];

	return ask(fd, EBPF_REQUEST_PROG_RUN, &req, sizeof(req), data, 64, NULL,
		   0) == 0;
}

static uint32_t
take(int fd)
{
	struct ebpf_req_map_records req = { .id = ring_id,
					    .cpu = UINT32_MAX };
	struct ebpf_rep_map_records rep = { .count = 0 };

	ask(fd, EBPF_REQUEST_MAP_RECORDS, &req, sizeof(req), NULL, 0, &rep,
	    sizeof(rep));
	return rep.count;
}

static bool
readable(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, wait_ms) == 1 && (p.revents & POLLIN);
}

/* Run it from another process and session once this one waits. */
static pid_t
run_later(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);

		usleep(100000); /* either order is right */
		_exit(fd >= 0 && run(fd) ? 0 : 1);
	}
	return child;
}

static void
test_poll(int fd)
{
	struct ebpf_req_tracelog log = { .after = 0 };
	struct epoll_event event = { .events = EPOLLIN }, got;
	struct ebpf_rep_tracelog read;
	struct pollfd out = { .fd = fd, .events = POLLOUT };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	pid_t child;
	bool woken;

	TAP_CHECK(make_ring(fd));
	TAP_CHECK(poll(&out, 1, 0) == 1 && (out.revents & POLLOUT));
	tap_ok(!readable(fd, 0), "an empty ring is not readable");
	TAP_CHECK(run(fd));
	tap_ok(readable(fd, 0), "one with a record is");
	TAP_CHECK(take(fd) == 1);
	tap_ok(!readable(fd, 0), "until it is taken");

	child = run_later();
	woken = readable(fd, LONG_MS);
	tap_ok(child_ended_well(child) && woken && take(fd) == 1,
	       "poll returns when somebody else's run puts one in");

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	TAP_CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
	child = run_later();
	woken = epoll_wait(epoll, &got, 1, LONG_MS) == 1;
	tap_ok(child_ended_well(child) && woken && take(fd) == 1,
	       "epoll as well");
	close(epoll);

	/* the trace log counts once it was read */
	do {
		ask(fd, EBPF_REQUEST_TRACELOG, &log, sizeof(log), NULL, 0,
		    &read, sizeof(read));
		log.after = read.next;
	} while (read.count > 0);
	TAP_CHECK(!readable(fd, 0));
	child = run_later();
	woken = readable(fd, LONG_MS);
	TAP_CHECK(child_ended_well(child) && woken && take(fd) == 1);
	tap_ok(readable(fd, 0), "a line of the trace log makes it readable");
	ask(fd, EBPF_REQUEST_TRACELOG, &log, sizeof(log), NULL, 0, &read,
	    sizeof(read));
	tap_ok(read.count == 1 && !readable(fd, 0), "until that is read");
}

/*
 * One record at a time, the next only when this one was read, while another
 * ring, which is not held here, never rests: each wait ends, by the
 * record and by nothing else. A session that has not read the trace log.
 */
static void
test_wakes(uint32_t flags, const char *name)
{
	struct epoll_event event = { .events = EPOLLIN | flags }, got;
	int epoll = epoll_create1(EPOLL_CLOEXEC), ask_for[2], i;
	int fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
	uint32_t woken = 0, nothing = 0;
	pid_t writer, noise;
	char byte = 0;

	TAP_CHECK(fd >= 0 && make_ring(fd) &&
		  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	fflush(stdout);
	noise = fork();
	if (noise == 0) {
		int mine = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);

		if (mine < 0 || !make_ring(mine))
			_exit(1);
		for (;;) {
			run(mine);
			take(mine);
		}
	}
	TAP_CHECK(pipe(ask_for) == 0);
	fflush(stdout);
	writer = fork();
	if (writer == 0) {
		int mine = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);

		close(ask_for[1]);
		while (read(ask_for[0], &byte, 1) == 1)
			if (mine < 0 || !run(mine))
				_exit(1);
		_exit(0);
	}
	close(ask_for[0]);
	for (i = 0; i < WAKES; i++) {
		if (write(ask_for[1], &byte, 1) != 1 ||
		    epoll_wait(epoll, &got, 1, LONG_MS) != 1)
			break;
		woken++;
		nothing += take(fd) != 1;
	}
	close(ask_for[1]);
	tap_ok(child_ended_well(writer) && woken == WAKES && nothing == 0,
	       "%s: %u waits for %u records, %u without one", name, woken,
	       WAKES, nothing);
	TAP_CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
	kill(noise, SIGKILL);
	TAP_CHECK(waitpid(noise, &i, 0) == noise && WIFSIGNALED(i));
	close(epoll);
	close(fd);
}

/* Whoever waits inside a request can be killed. */
static void
test_killed(void)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
		struct ebpf_req_map_records req = { .id = ring_id,
						    .cpu = UINT32_MAX,
						    .wait_ms = UINT32_MAX };

		for (;;)
			ask(fd, EBPF_REQUEST_MAP_RECORDS, &req, sizeof(req),
			    NULL, 0, NULL, 0);
	}
	usleep(50000);
	kill(child, SIGKILL);
	tap_ok(waitpid(child, &status, 0) == child && WIFSIGNALED(status),
	       "who waits for records can be killed");
}

/* ---- descriptors ---- */

static char
state_of(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d %*s %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	return state;
}

/* And whoever waits for a call of another process by the same descriptor. */
static void
test_killed_behind(void)
{
	struct ebpf_req_map_records wait = { .id = ring_id, .cpu = UINT32_MAX,
					     .wait_ms = UINT32_MAX };
	int fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC), i, still = 0;
	pid_t first, second, gone = 0;

	fflush(stdout);
	first = fork();
	if (first == 0)
		for (;;)
			ask(fd, EBPF_REQUEST_MAP_RECORDS, &wait, sizeof(wait),
			    NULL, 0, NULL, 0);
	second = fork();
	if (second == 0)
		for (;;)
			greets(fd);
	/* until it waits; how long at a time depends on how busy all is */
	for (i = 0; i < LONG_MS / 5 && still == 0; i++) {
		still = state_of(second) == 'D';
		usleep(5000);
	}
	kill(second, SIGKILL);
	for (i = 0; i < LONG_MS / 5 && gone != second; i++) {
		gone = waitpid(second, NULL, WNOHANG);
		usleep(5000);
	}
	tap_ok(still != 0 && gone == second,
	       "one that waits behind another's call can be killed, too");
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	if (gone != second)
		waitpid(second, NULL, 0);
	close(fd);
}

static void
test_passing(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char byte = 0;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int pair[2], passed = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC), got;
	pid_t child;

	TAP_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
		  passed >= 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		close(passed);
		if (recvmsg(pair[1], &msg, 0) != 1)
			_exit(1);
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
		_exit(greets(got) && make_ring(got) && run(got) ? 0 : 2);
	}
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &passed, sizeof(passed));
	TAP_CHECK(sendmsg(pair[0], &msg, 0) == 1);
	close(passed);
	tap_ok(child_ended_well(child),
	       "a descriptor that is passed on serves there");
	close(pair[0]);
	close(pair[1]);
	tap_ok(greets(fd), "and the others stay as they were");
}

/* ---- the node ---- */

/* Who has it open goes on when it is removed; with a new one all is as before. */
static void
test_removed(int fd)
{
	static const char away[] = EBPF_CHARDEV_PATH ".away";
	bool before, open_fails;
	int again;

	if (rename(EBPF_CHARDEV_PATH, away) != 0) {
		tap_ok(false, "%s is moved away: %s", EBPF_CHARDEV_PATH,
		       strerror(errno));
		return;
	}
	before = greets(fd) && make_ring(fd) && run(fd) && take(fd) == 1;
	again = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
	open_fails = again < 0 && errno == ENOENT;
	TAP_CHECK(rename(away, EBPF_CHARDEV_PATH) == 0);
	tap_ok(before, "a node that is removed still serves who has it open");
	tap_ok(open_fails, "and nobody else");
	again = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
	tap_ok(again >= 0 && greets(again), "until it is there again");
	close(again);
}

/* ---- 32-bit callers ---- */

#ifdef __x86_64__
static long
syscall_32(long number, long a, long b, long c)
{
	long result = number;

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(a), "c"(b), "d"(c)
			 : "r8", "r9", "r10", "r11", "memory");
	return (int32_t)result;
}

/* The 32-bit door leads to the same call; all addresses are below 4 GiB. */
static int
call_32(int fd)
{
	enum { IOCTL = 54, GETPID = 20 };
	struct low {
		struct ebpf_chardev_call call;
		struct ebpf_msg msg;
		struct ebpf_req_hello body;
		uint8_t reply[2048];
	} *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct ebpf_rep_hello hello;
	struct ebpf_reply head;

	if (low == MAP_FAILED || syscall_32(GETPID, 0, 0, 0) != getpid())
		return 77;
	low->call.request = (uintptr_t)&low->msg;
	low->call.reply = (uintptr_t)low->reply;
	low->call.request_len = sizeof(low->msg) + sizeof(low->body);
	low->call.reply_cap = sizeof(low->reply);
	low->msg.size = low->call.request_len;
	low->msg.reply_max = sizeof(low->reply);
	low->msg.number = EBPF_REQUEST_HELLO;
	low->body.size = sizeof(low->body);
	low->body.version = EBPF_WIRE_VERSION;
	if (syscall_32(IOCTL, fd, (int32_t)EBPF_CHARDEV_CALL,
		       (long)(uintptr_t)&low->call) != 0)
		return 1;
	memcpy(&head, low->reply, sizeof(head));
	memcpy(&hello, low->reply + sizeof(head), sizeof(hello));
	if (head.error != 0 || head.size != low->call.reply_len ||
	    hello.home != EBPF_HOME_KERNEL)
		return 2;
	if (syscall_32(IOCTL, fd, 0x6501, (long)(uintptr_t)&low->call) !=
		    -ENOTTY ||
	    syscall_32(IOCTL, fd, (int32_t)EBPF_CHARDEV_CALL, 8) != -EFAULT)
		return 3;
	return 0;
}

static void
test_compat(int fd)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(call_32(fd));
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status) || WEXITSTATUS(status) == 77) {
		tap_skip("this kernel runs no 32-bit programs",
			 "a call by the 32-bit door");
		return;
	}
	tap_ok(WEXITSTATUS(status) == 0, "a call by the 32-bit door: %d",
	       WEXITSTATUS(status));
}
#else
static void
test_compat(int fd)
{
	tap_skip("x86-64 only", "a call by the 32-bit door");
}
#endif

int
main(void)
{
	struct ebpf_req_hello old = { .version = EBPF_WIRE_VERSION + 1 };
	struct ebpf_rep_hello hello = { .version = 0 };
	int fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		tap_skip("no " EBPF_CHARDEV_PATH " here",
			 "waiting at the kernel's device");
		return tap_done();
	}
	tap_ok(ask(fd, EBPF_REQUEST_HELLO, &old, sizeof(old), NULL, 0, &hello,
		   sizeof(hello)) == -EBPF_EVERSION &&
		       hello.version == EBPF_WIRE_VERSION,
	       "another version is refused and told ours");
	test_poll(fd);
	test_wakes(0, "epoll");
	test_wakes(EPOLLET, "epoll by edges");
	test_killed();
	test_killed_behind();
	test_passing(fd);
	test_removed(fd);
	test_compat(fd);
	close(fd);
	return tap_done();
}
