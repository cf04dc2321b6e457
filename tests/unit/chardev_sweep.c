/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's device, every request of the table in every wrong form: bodies
 * cut and lengthened at each place, replies without room, noise, pointers that
 * lead nowhere, into the kernel and to pages that are read-only, memory that
 * changes, and goes, during the call. Skips where there is no /dev/ebpf.
 *
 *   chardev_sweep                what is wrong with messages and memory
 *   chardev_sweep --fail-at FILE every allocation of every request fails once
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chardev.h"
#include "client/gebpf.h"
#include "dice.h"
#include "tap.h"

enum {
	BODY_MAX = 2048, /* no body is longer */
	BIG = 256 << 10, /* of the messages that change during calls */
};

static const struct known {
	uint32_t number, req_size;
	const char *name;
} known[] = {
#define EBPF_REQUEST(number, NAME, name, req, rep) \
	{ number, sizeof(struct ebpf_req_##req), #name },
#include "abi/request.def"
};

enum { KNOWN = sizeof(known) / sizeof(known[0]) };

static struct dice dice = { 0x9e3779b97f4a7c15ull };

static uint64_t
noise(void)
{
	return dice_next(&dice);
}

/* A message of zeros with a whole body; its length. */
static uint32_t
fill(uint8_t *message, const struct known *k)
{
	struct ebpf_msg msg = {
		.size = (uint32_t)sizeof(msg) + k->req_size,
		.number = (uint16_t)k->number,
		.reply_max = 8192,
		.tag = 5,
	};

	memset(message, 0, BODY_MAX + 256);
	memcpy(message, &msg, sizeof(msg));
	memcpy(message + sizeof(msg), &k->req_size, 4);
	return msg.size;
}

/* The answer's error; 1: not one whole answer to that message. */
static int
answer(int fd, const uint8_t *message, uint32_t len, uint32_t cap)
{
	static uint64_t reply[16384 / 8];
	struct ebpf_reply head;
	int got = call(fd, message, len, reply, cap);

	memcpy(&head, reply, sizeof(head));
	if (got < (int)sizeof(head) || head.size != (uint32_t)got ||
	    got > (int)cap || head.tag != 5)
		return 1;
	return head.error;
}

static bool
alive(int fd)
{
	uint8_t message[BODY_MAX + 256];
	uint32_t len = fill(message, &known[0]), version = EBPF_WIRE_VERSION;

	memcpy(message + sizeof(struct ebpf_msg) +
		       offsetof(struct ebpf_req_hello, version),
	       &version, 4);
	return answer(fd, message, len, 8192) == 0;
}

/* Requests that wait: what for is in these fields, and noise there would. */
static void
no_wait(uint8_t *message, const struct known *k)
{
	uint8_t *body = message + sizeof(struct ebpf_msg);

	if (k->number == EBPF_REQUEST_MAP_RECORDS)
		memset(body + offsetof(struct ebpf_req_map_records, wait_ms),
		       0, 4);
	if (k->number == EBPF_REQUEST_SWITCH_START)
		memset(body + offsetof(struct ebpf_req_switch_start, wait_ms),
		       0, 4);
	if (k->number == EBPF_REQUEST_TRACELOG)
		memset(body + 4, 0, k->req_size - 4);
}

/* ---- messages ---- */

static void
cut_and_long(int fd)
{
	uint8_t message[BODY_MAX + 256];
	uint32_t head = sizeof(struct ebpf_msg), odd = 0, tried = 0;

	for (uint32_t i = 0; i < KNOWN; i++) {
		for (uint32_t len = 0; len <= known[i].req_size + 32;
		     len += 4) {
			/* as long as it says; longer; shorter */
			for (int lie = -8; lie <= 8; lie += 8) {
				uint32_t size = len + (uint32_t)lie, whole;
				int error;

				fill(message, &known[i]);
				memcpy(message + head, &size, 4);
				whole = head + len;
				memcpy(message, &whole, 4);
				message[whole] = 1; /* behind the end */
				error = answer(fd, message, whole, 8192);
				odd += error == 1;
				/* what says more than there is, is refused */
				odd += (size > len || size < 8 ||
					size % 8 != 0) &&
				       error != -EBPF_EPROTO;
				tried++;
			}
		}
		/* a byte that nobody knows */
		for (uint32_t at = 0; at < 8; at++) {
			uint32_t size = known[i].req_size + 8;
			uint32_t whole = head + size;

			fill(message, &known[i]);
			memcpy(message, &whole, 4);
			memcpy(message + head, &size, 4);
			message[head + known[i].req_size + at] = 1;
			odd += answer(fd, message, whole, 8192) !=
			       -EBPF_EPROTO;
			tried++;
		}
	}
	tap_ok(odd == 0, "%u bodies cut, lengthened and lying", tried);
	tap_ok(alive(fd), "and the session still answers");
}

static void
no_room(int fd)
{
	uint8_t message[BODY_MAX + 256];
	uint32_t odd = 0, head = sizeof(struct ebpf_reply);

	for (uint32_t i = 0; i < KNOWN; i++)
		for (uint32_t room = 0; room < 512; room += room < 64 ? 4 : 64) {
			uint32_t len = fill(message, &known[i]);
			int got;

			got = answer(fd, message, len, head + room);
			odd += got == 1;
			((struct ebpf_msg *)message)->reply_max = room;
			got = answer(fd, message, len, 8192);
			odd += got == 1 || (room < head && got != -EBPF_EPROTO);
		}
	tap_ok(odd == 0, "replies with little room, by ioctl and by message");
}

static void
random_bodies(int fd, uint32_t rounds)
{
	uint8_t message[BODY_MAX + 256];
	uint32_t odd = 0;

	for (uint32_t i = 0; i < KNOWN; i++)
		for (uint32_t r = 0; r < rounds; r++) {
			uint32_t len = fill(message, &known[i]);
			uint32_t tail = noise() % 3 ? 0 : noise() % 128;
			uint32_t at, whole = len + tail;

			for (at = sizeof(struct ebpf_msg) + 4; at < whole; at++)
				if (noise() % 4 == 0)
					message[at] = noise() % 2 ?
						(uint8_t)(noise() % 4) :
						(uint8_t)noise();
			no_wait(message, &known[i]);
			memcpy(message, &whole, 4);
			odd += answer(fd, message, whole, 8192) == 1;
		}
	tap_ok(odd == 0, "%u bodies of noise", rounds * KNOWN);
	tap_ok(alive(fd), "and the session still answers");
}

/* ---- memory ---- */

static void
bad_pointers(int fd)
{
	static const uint64_t nowhere[] = {
		0, 4096, 0x7ffffffff000ull, 0x800000000000ull,
		0xffff800000000000ull, 0xffff888000000000ull,
		0xffffffff81000000ull, 0xffffffffc0000000ull,
		0xfffffffffffff000ull,
	};
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *fixed = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static uint64_t reply[1024];
	uint32_t odd = 0;

	for (uint32_t i = 0; i < KNOWN; i++) {
		uint32_t len;

		mprotect(fixed, (size_t)page, PROT_READ | PROT_WRITE);
		len = fill(fixed, &known[i]);
		for (uint32_t n = 0; n < sizeof(nowhere) / 8; n++) {
			void *p = (void *)(uintptr_t)nowhere[n];

			odd += call(fd, p, len, reply, 8192) != -EFAULT;
			odd += call(fd, fixed, len, p, 8192) != -EFAULT;
			/* large ones have memory of their own */
			odd += call(fd, p, BIG, reply, 8192) != -EFAULT;
			odd += ioctl(fd, EBPF_CHARDEV_SHORT(64), p) == 0;
		}
		mprotect(fixed, (size_t)page, PROT_READ);
		odd += call(fd, fixed, len, fixed, (uint32_t)page) != -EFAULT;
		odd += call(fd, fixed, len, reply, 8192) < 0; /* may be read */
		mprotect(fixed, (size_t)page, PROT_NONE);
		odd += call(fd, fixed, len, reply, 8192) != -EFAULT;
	}
	munmap(fixed, (size_t)page);
	tap_ok(odd == 0, "pointers to nowhere, into the kernel, to read-only "
			 "and forbidden pages, with each request");
	tap_ok(alive(fd), "and the session still answers");
}

struct moving {
	uint8_t *memory; /* BIG bytes and a page */
	uint32_t stop;	 /* atomic */
	bool goes;	 /* pages are taken away and given back, too */
};

static void *
move(void *argument)
{
	struct moving *m = argument;
	volatile uint32_t *words = (volatile uint32_t *)m->memory;
	long page = sysconf(_SC_PAGESIZE);
	uint32_t i = 0;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		/* most of it in the head and the body */
		words[i % 3 ? i % 40 : i % (BIG / 4)] ^= 1u << (i / 5 % 32);
		if (m->goes && i % 64 == 0)
			mprotect(m->memory, (size_t)page,
				 i % 128 ? PROT_NONE : PROT_READ | PROT_WRITE);
		if (m->goes && i % 512 == 0)
			madvise(m->memory + page, BIG - (size_t)page,
				MADV_DONTNEED);
		if (m->goes)
			mprotect(m->memory, (size_t)page,
				 PROT_READ | PROT_WRITE);
		i++;
	}
	return NULL;
}

/* Small, large and short calls from memory that another thread changes. */
static void
changing(int fd, bool goes, uint32_t rounds)
{
	static const uint32_t numbers[] = {
		EBPF_REQUEST_MAP_UPDATE_BATCH, EBPF_REQUEST_PROG_LOAD,
		EBPF_REQUEST_BTF_LOAD, EBPF_REQUEST_MAP_CREATE,
		EBPF_REQUEST_MAP_UPDATE, EBPF_REQUEST_PIN,
		EBPF_REQUEST_PROG_RUN, EBPF_REQUEST_LINK_CREATE,
		EBPF_REQUEST_HELLO,
	};
	struct moving m = { .goes = goes };
	static uint64_t reply[8192];
	uint8_t message[BODY_MAX + 256];
	uint32_t odd = 0;
	pthread_t thread;

	m.memory = mmap(NULL, BIG + 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pthread_create(&thread, NULL, move, &m) != 0)
		return;
	for (uint32_t r = 0; r < rounds; r++) {
		const struct known *k = known;
		uint32_t len, big = r % 2 ? BIG : 0;
		int got, in;

		while (k->number != numbers[r % (sizeof(numbers) / 4)])
			k++;
		len = fill(message, k);
		if (!goes) /* else it may not be ours to write */
			memcpy(m.memory, message, len);
		got = call(fd, m.memory, big ? big : len, reply, sizeof(reply));
		odd += got < (int)sizeof(struct ebpf_reply) &&
		       !(goes && got == -EFAULT);
		/* the call itself, and the reply, in memory that moves */
		in = ioctl(fd, EBPF_CHARDEV_CALL, m.memory + 64);
		odd += in != 0 && errno != EFAULT && errno != EINVAL &&
		       errno != EMSGSIZE && errno != ENOMEM;
		in = ioctl(fd, EBPF_CHARDEV_SHORT(len <= 256 ? len : 256),
			   m.memory);
		odd += in != 0 && errno != EFAULT && errno != EMSGSIZE;
	}
	__atomic_store_n(&m.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	munmap(m.memory, BIG + 4096);
	tap_ok(odd == 0, "%u messages that change%s during the call", 3 * rounds,
	       goes ? ", and whose pages go," : "");
	tap_ok(alive(fd), "and the session still answers");
}

/* ---- allocations that fail ---- */

struct scene {
	const char *name;
	int (*run)(struct gebpf_device *device, const struct scene *scene);
	uint32_t kind, key_size, value_size, flags;
};

static int
make(struct gebpf_device *device, const struct scene *s, uint32_t inner,
     uint32_t *id)
{
	struct ebpf_req_map_create req = {
		.kind = s->kind, .key_size = s->key_size,
		.value_size = s->value_size, .flags = s->flags,
		.max_entries = s->kind == EBPF_MAP_RINGBUF ? 4096 : 100,
		.inner_map_id = inner,
	};
	struct ebpf_rep_id rep = { .id = 0 };
	int error = gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &req,
			      sizeof(req), &rep, sizeof(rep));

	*id = rep.id;
	return error;
}

/* What else is asked of a map; only running out of memory counts. */
static int
no_memory(int error)
{
	return error == -EBPF_ENOMEM ? error : 0;
}

static int
run_map(struct gebpf_device *device, const struct scene *s)
{
	static const struct scene template = {
		.kind = EBPF_MAP_ARRAY, .key_size = 4, .value_size = 8,
	};
	uint64_t data[64 * 4] = { 0 }, out[1024];
	struct ebpf_rep_map_info info = { .key_size = 0 };
	struct ebpf_rep_map_lookup_batch walked;
	struct ebpf_rep_map_batch done;
	uint32_t inner = 0, id, step;
	int error = 0;

	if (s->kind == EBPF_MAP_ARRAY_OF_MAPS || s->kind == EBPF_MAP_HASH_OF_MAPS)
		error = make(device, &template, 0, &inner);
	if (error == 0)
		error = make(device, s, inner, &id);
	if (error != 0)
		return error;
	struct ebpf_req_id by_id = { .id = id };
	error = gebpf_ask(device, EBPF_REQUEST_MAP_INFO, &by_id, sizeof(by_id),
			  &info, sizeof(info));
	if (error != 0)
		return error;
	step = info.key_size + info.user_value_size;
	/* an id of a map is what such maps hold, a longest prefix what lpm has */
	for (uint32_t i = 0; i < sizeof(data) / 8; i++)
		data[i] = inner ? (uint64_t)inner << 32 : i / 2;

	struct ebpf_req_map_update update = {
		.id = id, .key_len = info.key_size,
		.value_len = info.user_value_size,
	};
	struct gebpf_call call_update = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &update, .req_len = sizeof(update),
		.in = { { data, step } },
	};
	struct ebpf_req_map_batch batch = { .id = id, .count = 4 };
	struct gebpf_call call_batch = {
		.number = EBPF_REQUEST_MAP_UPDATE_BATCH,
		.req = &batch, .req_len = sizeof(batch),
		.in = { { data, (size_t)4 * step } },
		.rep = &done, .rep_len = sizeof(done),
	};
	struct ebpf_req_map_lookup_batch walk = { .id = id, .count = 16 };
	struct gebpf_call call_walk = {
		.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
		.req = &walk, .req_len = sizeof(walk),
		.rep = &walked, .rep_len = sizeof(walked),
		.out = out, .out_room = sizeof(out),
	};
	struct ebpf_req_map_records records = { .id = id, .cpu = ~0u };
	struct ebpf_rep_map_records got;
	struct gebpf_call call_records = {
		.number = EBPF_REQUEST_MAP_RECORDS,
		.req = &records, .req_len = sizeof(records),
		.rep = &got, .rep_len = sizeof(got),
		.out = out, .out_room = sizeof(out),
	};
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .id = id,
				    .pin = "sweep" };
	struct ebpf_req_pin_name unpin = { .pin = "sweep" };

	error = no_memory(gebpf_request(device, &call_update));
	if (error == 0 && (size_t)4 * step <= sizeof(data))
		error = no_memory(gebpf_request(device, &call_batch));
	if (error == 0)
		error = no_memory(gebpf_request(device, &call_walk));
	if (error == 0)
		error = no_memory(gebpf_request(device, &call_records));
	if (error == 0)
		error = gebpf_ask(device, EBPF_REQUEST_PIN, &pin, sizeof(pin),
				  NULL, 0);
	if (error == 0)
		error = gebpf_ask(device, EBPF_REQUEST_UNPIN, &unpin,
				  sizeof(unpin), NULL, 0);
	return error;
}

/* An object with maps, BTF, function and line info; dumped, run, traced. */
static int
run_object(struct gebpf_device *device, const struct scene *s)
{
	static const uint8_t frame[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static uint64_t out[4096];
	static char log[65536];
	struct gebpf_load_options options = {
		.log_level = 1, .log = log, .log_size = sizeof(log),
	};
	struct gebpf_object *object = NULL;
	struct gebpf_obj_prog *prog;
	struct gebpf_error err;
	int error;

	error = gebpf_object_open(s->name, &object, &err);
	if (error != 0)
		return error;
	prog = gebpf_object_prog(object, 0);
	error = gebpf_object_load_prog(device, object, prog, &options, &err);
	if (error == 0) {
		struct ebpf_req_prog_run run = {
			.id = prog->id, .data_len = sizeof(frame),
			.data_out_max = 64, .ctx_out_max = 64,
		};
		struct ebpf_rep_prog_run ran;
		struct gebpf_call call_run = {
			.number = EBPF_REQUEST_PROG_RUN,
			.req = &run, .req_len = sizeof(run),
			.in = { { frame, sizeof(frame) } },
			.rep = &ran, .rep_len = sizeof(ran),
			.out = out, .out_room = sizeof(out),
		};
		struct ebpf_req_prog_dump dump = {
			.id = prog->id, .what = EBPF_DUMP_JITED, .len = 4096,
		};
		struct ebpf_rep_data data;
		struct gebpf_call call_dump = {
			.number = EBPF_REQUEST_PROG_DUMP,
			.req = &dump, .req_len = sizeof(dump),
			.rep = &data, .rep_len = sizeof(data),
			.out = out, .out_room = sizeof(out),
		};

		error = gebpf_request(device, &call_run);
		if (error == 0)
			error = gebpf_request(device, &call_dump);
	}
	if (error == 0) {
		struct ebpf_req_link_create link = {
			.prog_id = prog->id, .hook = EBPF_HOOK_VALE,
			.target = "vale9",
		};
		struct ebpf_req_tracelog trace = { 0 };
		struct ebpf_rep_id made;

		/* no such switch, or no switches: but not out of memory */
		error = no_memory(gebpf_ask(device, EBPF_REQUEST_LINK_CREATE,
					    &link, sizeof(link), &made,
					    sizeof(made)));
		if (error == 0)
			error = no_memory(gebpf_ask(
				device, EBPF_REQUEST_TRACELOG, &trace,
				sizeof(trace), NULL, 0));
	}
	gebpf_object_close(object);
	return error;
}

static const struct scene scenes[] = {
	{ "hash", run_map, EBPF_MAP_HASH, 4, 8, 0 },
	{ "hash, not preallocated", run_map, EBPF_MAP_HASH, 16, 200,
	  EBPF_F_NO_PREALLOC },
	{ "array", run_map, EBPF_MAP_ARRAY, 4, 8, 0 },
	{ "prog_array", run_map, EBPF_MAP_PROG_ARRAY, 4, 4, 0 },
	{ "perf_event_array", run_map, EBPF_MAP_PERF_EVENT_ARRAY, 4, 4, 0 },
	{ "percpu_hash", run_map, EBPF_MAP_PERCPU_HASH, 4, 8, 0 },
	{ "percpu_array", run_map, EBPF_MAP_PERCPU_ARRAY, 4, 8, 0 },
	{ "lru_hash", run_map, EBPF_MAP_LRU_HASH, 4, 8, 0 },
	{ "lru_percpu_hash", run_map, EBPF_MAP_LRU_PERCPU_HASH, 4, 8, 0 },
	{ "lpm_trie", run_map, EBPF_MAP_LPM_TRIE, 8, 8, EBPF_F_NO_PREALLOC },
	{ "queue", run_map, EBPF_MAP_QUEUE, 0, 8, 0 },
	{ "stack", run_map, EBPF_MAP_STACK, 0, 8, 0 },
	{ "bloom_filter", run_map, EBPF_MAP_BLOOM_FILTER, 0, 8, 0 },
	{ "ringbuf", run_map, EBPF_MAP_RINGBUF, 0, 0, 0 },
	{ "devmap", run_map, EBPF_MAP_DEVMAP, 4, 4, 0 },
	{ "array_of_maps", run_map, EBPF_MAP_ARRAY_OF_MAPS, 4, 4, 0 },
	{ "hash_of_maps", run_map, EBPF_MAP_HASH_OF_MAPS, 4, 4, 0 },
	{ "build/examples/l2_bridge.bpf.o", run_object, 0, 0, 0, 0 },
	{ "build/examples/tail_demux.bpf.o", run_object, 0, 0, 0, 0 },
	{ "build/examples/xdp_count.bpf.o", run_object, 0, 0, 0, 0 },
};

/* The scene in a session of its own. */
static int
play(const struct scene *s)
{
	struct gebpf_device *device;
	struct gebpf_error err;
	int error = gebpf_open("kernel", 0, &device, &err);

	if (error != 0)
		return error;
	error = s->run(device, s);
	gebpf_close(device);
	return error;
}

/* Objects that are left; the sum of all kinds. */
static uint32_t
objects(void)
{
	const struct ebpf_rep_hello *hello;
	struct gebpf_device *device;
	uint32_t count = ~0u;

	if (gebpf_open("kernel", 0, &device, NULL) != 0)
		return count;
	hello = gebpf_hello(device);
	count = hello->prog_count + hello->map_count + hello->btf_count +
		hello->link_count;
	gebpf_close(device);
	return count;
}

/* What was closed goes when nobody can be looking at it any more. */
static bool
comes_to(uint32_t want)
{
	for (uint32_t i = 0; i < 4000; i++) {
		if (objects() == want)
			return true;
		usleep(5000);
	}
	return false;
}

static void
fail_each(const char *file)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		const struct scene *s = &scenes[i];
		uint32_t n, failed = 0, odd = 0, before = objects();
		int error = play(s);

		if (!tap_ok(error == 0, "%s: works when nothing fails (%d)",
			    s->name, error))
			continue;
		for (n = 1; n < 2000; n++) {
			if (!write_number(file, n)) {
				tap_ok(false, "%s cannot be written", file);
				return;
			}
			error = play(s);
			if (read_number(file) > 0)
				break;
			failed += error != 0;
			/* opening fails with what open(2) and ioctl can say */
			if (error != 0 && error != -EBPF_ENOMEM &&
			    error != -EBPF_ENODEV) {
				tap_diag("%s, allocation %u: %s", s->name, n,
					 gebpf_error_name(error));
				odd++;
			}
		}
		write_number(file, 0);
		tap_ok(failed > 2 && odd == 0 && n < 2000,
		       "%s: %u allocations fail, %u are told", s->name, n - 1,
		       failed);
		tap_ok(play(s) == 0 && comes_to(before),
		       "%s: then all works again and nothing is left",
		       s->name);
	}
}

int
main(int argc, char **argv)
{
	int fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		tap_skip("no " EBPF_CHARDEV_PATH " here",
			 "every request in every wrong form");
		return tap_done();
	}
	if (argc == 3 && strcmp(argv[1], "--fail-at") == 0) {
		close(fd);
		fail_each(argv[2]);
		return tap_done();
	}
	cut_and_long(fd);
	no_room(fd);
	random_bodies(fd, 200);
	bad_pointers(fd);
	changing(fd, false, 600);
	changing(fd, true, 600);
	close(fd);
	return tap_done();
}
