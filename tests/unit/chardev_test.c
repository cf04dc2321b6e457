/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's device from below libgebpf: what no well-behaved client sends.
 * Skips where there is no /dev/ebpf; tests/guest runs it in a guest.
 *
 *   chardev_test                the ioctl and its callers
 *   chardev_test --fail-at FILE every allocation of some requests fails once
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chardev.h"
#include "client/gebpf.h"
#include "dice.h"
#include "tap.h"

static int
open_device(void)
{
	return open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
}

struct hello {
	struct ebpf_msg msg;
	struct ebpf_req_hello body;
};

static void
hello_fill(struct hello *hello)
{
	memset(hello, 0, sizeof(*hello));
	hello->msg.size = sizeof(*hello);
	hello->msg.reply_max = 4096;
	hello->msg.number = EBPF_REQUEST_HELLO;
	hello->msg.tag = 7;
	hello->body.size = sizeof(hello->body);
	hello->body.version = EBPF_WIRE_VERSION;
}

static bool
greets(int fd)
{
	struct hello hello;
	uint64_t reply[512];
	struct ebpf_reply head;
	int len;

	hello_fill(&hello);
	len = call(fd, &hello, sizeof(hello), reply, sizeof(reply));
	memcpy(&head, reply, sizeof(head));
	return len >= (int)sizeof(head) && head.error == 0 && head.tag == 7;
}

/* ---- the ioctl itself ---- */

static void
bad_calls(int fd)
{
	static const uint64_t nowhere[] = {
		0, 8, 0x7ffffffff000ull, 0xffff800000000000ull,
		0xffffffff81000000ull, ~0ull & ~7ull,
	};
	struct hello hello;
	uint64_t reply[512];
	struct ebpf_chardev_call call_bad;
	uint32_t i, wrong = 0;

	hello_fill(&hello);
	tap_ok(ioctl(fd, 0, &hello) == -1 && errno == ENOTTY &&
		       ioctl(fd, EBPF_CHARDEV_CALL + 2, &hello) == -1 &&
		       errno == ENOTTY,
	       "other ioctls are unknown");
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		void *p = (void *)(uintptr_t)nowhere[i];

		wrong += ioctl(fd, EBPF_CHARDEV_CALL, p) != -1 ||
			 errno != EFAULT;
		wrong += call(fd, p, sizeof(hello), reply, sizeof(reply)) !=
			 -EFAULT;
		wrong += call(fd, &hello, sizeof(hello), p, sizeof(reply)) !=
			 -EFAULT;
	}
	tap_ok(wrong == 0, "pointers to nowhere and into the kernel");
	wrong = 0;
	for (i = 0; i < sizeof(struct ebpf_msg); i++)
		wrong += call(fd, &hello, i, reply, sizeof(reply)) != -EMSGSIZE;
	for (i = 0; i < sizeof(struct ebpf_reply); i++)
		wrong += call(fd, &hello, sizeof(hello), reply, i) != -EMSGSIZE;
	wrong += call(fd, &hello, EBPF_MSG_MAX + 1, reply, sizeof(reply)) !=
		 -EMSGSIZE;
	wrong += call(fd, &hello, sizeof(hello), reply, 0xffffffffu) !=
		 -EMSGSIZE;
	tap_ok(wrong == 0, "sizes too small and too large");
	memset(&call_bad, 0, sizeof(call_bad));
	call_bad.request = (uintptr_t)&hello;
	call_bad.reply = (uintptr_t)reply;
	call_bad.request_len = sizeof(hello);
	call_bad.reply_cap = sizeof(reply);
	call_bad.pad = 1;
	tap_ok(ioctl(fd, EBPF_CHARDEV_CALL, &call_bad) == -1 && errno == EINVAL,
	       "bits that mean nothing yet");
	tap_ok(greets(fd), "and the session still answers");
}

/* ---- the short ioctl ---- */

/* The answer's error, or -errno - 1000 when there is none. */
static int
ask_short(int fd, unsigned long command, void *place)
{
	struct ebpf_reply head;

	if (ioctl(fd, command, place) != 0)
		return -errno - 1000;
	memcpy(&head, place, sizeof(head));
	return head.tag == 7 ? head.error : 1;
}

static void
short_calls(int fd)
{
	const uint32_t place_max = EBPF_CHARDEV_SHORT_MAX;
	const unsigned long good = EBPF_CHARDEV_SHORT(sizeof(struct hello));
	long page = sysconf(_SC_PAGESIZE);
	uint64_t place[EBPF_CHARDEV_SHORT_MAX / 8 + 8];
	struct hello hello;
	uint32_t size, wrong = 0;
	char *map;

	hello_fill(&hello);
	hello.msg.reply_max = place_max;
	memcpy(place, &hello, sizeof(hello));
	tap_ok(ask_short(fd, good, place) == 0, "request and reply in one place");
	for (size = sizeof(hello) + 8; size <= place_max; size += 8) {
		memcpy(place, &hello, sizeof(hello));
		wrong += ask_short(fd, EBPF_CHARDEV_SHORT(size), place) != 0;
	}
	tap_ok(wrong == 0, "in a place with room behind the request");

	for (size = 0, wrong = 0; size < 8192; size++) {
		if (size % 8 == 0 && size >= sizeof(hello) && size <= place_max)
			continue;
		memcpy(place, &hello, sizeof(hello));
		wrong += ask_short(fd, EBPF_CHARDEV_SHORT(size), place) !=
			 -EMSGSIZE - 1000;
	}
	wrong += ask_short(fd, good & ~0x80000000ul, place) != -ENOTTY - 1000;
	wrong += ask_short(fd, good + 1, place) != -ENOTTY - 1000;
	wrong += ask_short(fd, good + (1ul << 29), place) != -ENOTTY - 1000;
	tap_ok(wrong == 0, "sizes and numbers that are none");

	for (size = 0, wrong = 0; size < 64; size++) {
		memcpy(place, &hello, sizeof(hello));
		((struct ebpf_msg *)place)->size = size;
		wrong += size != sizeof(hello) &&
			 ask_short(fd, good, place) !=
				 (size < sizeof(struct ebpf_msg) ||
						  size > sizeof(hello) ?
					  -EMSGSIZE - 1000 :
					  -EBPF_EPROTO);
	}
	for (size = 0; size < place_max + 64; size++) {
		memcpy(place, &hello, sizeof(hello));
		((struct ebpf_msg *)place)->reply_max = size;
		if (size < sizeof(struct ebpf_reply) || size > place_max)
			wrong += ask_short(fd, good, place) != -EMSGSIZE - 1000;
		else
			wrong += ask_short(fd, good, place) !=
				 (size < sizeof(struct ebpf_reply) +
						  sizeof(struct ebpf_rep_hello) ?
					  -EBPF_ENOSPC : 0);
	}
	tap_ok(wrong == 0, "lengths in the message that lie");

	map = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(map + page, (size_t)page);
	for (size = 8, wrong = 0; size < sizeof(hello); size += 8) {
		memcpy(map + page - size, &hello, size);
		wrong += ask_short(fd, good, map + page - size) !=
			 -EFAULT - 1000;
	}
	/* the request is there, the reply's end is not */
	memcpy(map + page - sizeof(hello), &hello, sizeof(hello));
	wrong += ask_short(fd, good, map + page - sizeof(hello)) !=
		 -EFAULT - 1000;
	memcpy(map, &hello, sizeof(hello));
	mprotect(map, (size_t)page, PROT_READ);
	wrong += ask_short(fd, good, map) != -EFAULT - 1000;
	wrong += ask_short(fd, good, NULL) != -EFAULT - 1000;
	wrong += ask_short(fd, good, (void *)0xffffffff81000000ull) !=
		 -EFAULT - 1000;
	munmap(map, (size_t)page);
	tap_ok(wrong == 0, "memory that is not there");
	tap_ok(greets(fd), "and the session still answers");
}

/* ---- messages of noise ---- */

static uint64_t
noise(void)
{
	static struct dice dice = { 0x9e3779b97f4a7c15ull };

	return dice_next(&dice);
}

static void
random_messages(int fd)
{
	uint8_t message[512], reply[4096];
	struct ebpf_msg *msg = (struct ebpf_msg *)message;
	uint32_t i, j, odd = 0;

	for (i = 0; i < 20000; i++) {
		uint32_t len = sizeof(*msg) + noise() % 400;
		uint32_t body = len - sizeof(*msg);
		int got;

		/* numbers small often enough to mean something */
		for (j = 0; j < len; j++)
			message[j] = noise() % 3 ? 0 : (uint8_t)noise();
		msg->size = noise() % 16 ? len : (uint32_t)noise();
		msg->reply_max = sizeof(reply);
		msg->number = noise() % 80;
		msg->flags = 0;
		if (noise() % 8)
			memcpy(message + sizeof(*msg), &body, 4);
		if (i % 2 != 0 && len <= EBPF_CHARDEV_SHORT_MAX) {
			msg->reply_max = EBPF_CHARDEV_SHORT_MAX;
			if (ioctl(fd, EBPF_CHARDEV_SHORT((len + 7) & ~7u),
				  message) != 0)
				odd += errno != EMSGSIZE;
			continue;
		}
		got = call(fd, message, len, reply, sizeof(reply));
		odd += got < (int)sizeof(struct ebpf_reply);
	}
	tap_ok(odd == 0, "20000 messages of noise, each with an answer");
	tap_ok(greets(fd), "and the session still answers");
}

/* ---- several callers ---- */

struct shared {
	int fd;
	uint32_t rounds;
	struct hello *hello; /* changed by another thread during calls */
	uint32_t stop;	     /* atomic */
	uint32_t bad;	     /* atomic */
};

static void *
calls_on(void *argument)
{
	struct shared *s = argument;
	uint64_t reply[512];
	uint32_t i;

	for (i = 0; i < s->rounds; i++) {
		int got = call(s->fd, s->hello, sizeof(*s->hello), reply,
			       sizeof(reply));

		if (got < (int)sizeof(struct ebpf_reply))
			__atomic_add_fetch(&s->bad, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *
changes(void *argument)
{
	struct shared *s = argument;
	volatile uint32_t *words = (volatile uint32_t *)s->hello;
	uint32_t i = 0;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		words[i % (sizeof(*s->hello) / 4)] ^= 1u << (i / 7 % 32);
		i++;
	}
	return NULL;
}

static void
many_callers(int fd)
{
	struct hello hello;
	struct shared s = { .fd = fd, .rounds = 1000, .hello = &hello };
	pthread_t threads[5];
	int i, status;
	pid_t child;

	hello_fill(&hello);
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, calls_on, &s);
	pthread_create(&threads[4], NULL, changes, &s);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
	pthread_join(threads[4], NULL);
	tap_ok(s.bad == 0, "4 threads on one file, messages changing meanwhile");

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(greets(fd) ? 0 : 1);
	tap_ok(child > 0 && waitpid(child, &status, 0) == child &&
		       status == 0 && greets(fd),
	       "a child uses it and ends");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		for (;;)
			greets(fd);
	}
	usleep(50000);
	kill(child, SIGKILL);
	tap_ok(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
		       greets(fd),
	       "a child is killed in the middle of calls");
}

/* Replies into memory that is not all there: an error, nothing worse. */
static void
torn_memory(int fd)
{
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t reply[512];
	struct hello hello;
	uint32_t wrong = 0;
	long at;

	munmap(map + page, (size_t)page);
	hello_fill(&hello);
	for (at = 8; at < (long)sizeof(hello); at += 8) {
		memcpy(map + page - at, &hello, (size_t)at);
		wrong += call(fd, map + page - at, sizeof(hello), reply,
			      sizeof(reply)) != -EFAULT;
		wrong += call(fd, &hello, sizeof(hello), map + page - at,
			      4096) != -EFAULT;
	}
	mprotect(map, (size_t)page, PROT_READ);
	wrong += call(fd, &hello, sizeof(hello), map, 4096) != -EFAULT;
	munmap(map, (size_t)page);
	tap_ok(wrong == 0, "memory that ends in the middle or is read-only");
}

static void
session_limit(void)
{
	static int fds[1400];
	int count = 0, i, why = 0;

	while (count < 1400) {
		fds[count] = open_device();
		if (fds[count] < 0) {
			why = errno;
			break;
		}
		count++;
	}
	tap_ok(why == EMFILE && count >= 900,
	       "%d sessions, then an error", count);
	for (i = 0; i < count; i++)
		close(fds[i]);
	i = open_device();
	tap_ok(i >= 0 && greets(i), "and after closing there is room again");
	close(i);
}

/* ---- allocations that fail ---- */

static int
do_things(void)
{
	static const struct ebpf_insn code[] = {
		{ .code = 0xb7, .imm = 7 },
		{ .code = 0x95 },
	};
	static const uint32_t kinds[] = { EBPF_MAP_ARRAY, EBPF_MAP_HASH,
					  EBPF_MAP_PERCPU_HASH,
					  EBPF_MAP_PROG_ARRAY };
	struct ebpf_req_prog_load load = {
		.kind = EBPF_PROG_RAW, .insn_count = 2,
	};
	struct ebpf_rep_prog_load loaded;
	struct gebpf_call call_load = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &load, .req_len = sizeof(load),
		.in = { { code, sizeof(code) } },
		.rep = &loaded, .rep_len = sizeof(loaded),
	};
	struct gebpf_device *device;
	struct gebpf_error err;
	int error = gebpf_open("kernel", 0, &device, &err);
	size_t i;

	if (error)
		return error;
	error = gebpf_request(device, &call_load);
	if (!error) {
		struct ebpf_req_prog_run run = { .id = loaded.id, .repeat = 1 };
		struct ebpf_rep_prog_run ran;

		error = gebpf_ask(device, EBPF_REQUEST_PROG_RUN, &run,
				  sizeof(run), &ran, sizeof(ran));
	}
	for (i = 0; !error && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct ebpf_req_map_create create = {
			.kind = kinds[i],
			.key_size = 4, .value_size = 4, .max_entries = 300,
			.flags = kinds[i] == EBPF_MAP_ARRAY ? EBPF_F_MMAPABLE :
							      0,
		};
		struct ebpf_rep_id made;

		error = gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &create,
				  sizeof(create), &made, sizeof(made));
	}
	gebpf_close(device);
	return error;
}

static void
fail_each(const char *file)
{
	uint32_t n, failed = 0, odd = 0;
	char text[32];

	tap_ok(do_things() == 0, "works when nothing fails");
	for (n = 1; n < 500; n++) {
		FILE *f = fopen(file, "r+");
		unsigned long left = 1;
		int error;

		if (f == NULL || fprintf(f, "%u\n", n) < 0 || fclose(f)) {
			tap_ok(false, "%s cannot be written", file);
			return;
		}
		error = do_things();
		f = fopen(file, "r");
		if (f != NULL && fgets(text, sizeof(text), f) != NULL)
			left = strtoul(text, NULL, 10);
		if (f != NULL)
			fclose(f);
		if (left > 0)
			break;
		failed += error != 0;
		/* Opening fails with what open(2) can say. */
		if (error != -EBPF_ENOMEM && error != -EBPF_ENODEV &&
		    error != 0) {
			tap_diag("allocation %u: %s", n, gebpf_error_name(error));
			odd++;
		}
	}
	if ((n = (uint32_t)open(file, O_WRONLY)) != (uint32_t)-1) {
		if (write((int)n, "0\n", 2) != 2)
			odd++;
		close((int)n);
	}
	tap_ok(failed > 10 && odd == 0,
	       "%u allocations fail, each is said to", failed);
	tap_ok(do_things() == 0, "and then all works again");
}

int
main(int argc, char **argv)
{
	int fd = open_device();

	if (fd < 0) {
		tap_skip("no " EBPF_CHARDEV_PATH " here",
			 "the kernel's device from below");
		return tap_done();
	}
	if (argc == 3 && strcmp(argv[1], "--fail-at") == 0) {
		fail_each(argv[2]);
		close(fd);
		return tap_done();
	}
	bad_calls(fd);
	short_calls(fd);
	torn_memory(fd);
	random_messages(fd);
	many_callers(fd);
	session_limit();
	close(fd);
	return tap_done();
}
