/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's device under load: processes that make, use, pin, share and drop
 * objects at random, with each other's and in several threads, and are killed
 * in the middle; programs run and are replaced meanwhile. Afterwards nothing may
 * be left. Skips where there is no /dev/ebpf; tests/guest runs it in a guest.
 *
 *	chardev_storm [--kills N] [--workers N] [--seed N] [--fail-at FILE]
 *
 * With --fail-at, allocations in the kernel fail every now and then.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/chardev.h"
#include "client/gebpf.h"
#include "tap.h"

enum {
	WORKERS_MAX = 16,
	IDS = 64, /* ids are taken from a small range, so that they meet */
	PINS = 8,
};

struct worker {
	uint64_t state;
	struct gebpf_device *device;
	uint8_t out[8192];
};

static uint64_t
noise(struct worker *w)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return w->state;
}

static uint32_t
below(struct worker *w, uint32_t n)
{
	return (uint32_t)(noise(w) % n);
}

/* ---- requests ---- */

/* An object that is there, whoever made it; 0: none. */
static uint32_t
some_id(struct worker *w, uint32_t kind)
{
	struct ebpf_req_obj_next req = { .kind = kind, .id = below(w, IDS) };
	struct ebpf_rep_id rep = { .id = 0 };

	/* from a random place up to the end, then from the beginning */
	for (int turn = 0; turn < 2; turn++) {
		uint32_t found = 0;

		for (uint32_t i = below(w, 8); i < 8; i++) {
			if (gebpf_ask(w->device, EBPF_REQUEST_OBJ_NEXT, &req,
				      sizeof(req), &rep, sizeof(rep)))
				break;
			found = req.id = rep.id;
		}
		if (found)
			return found;
		req.id = 0;
	}
	return 0;
}

static void
make_map(struct worker *w)
{
	static const uint32_t kinds[] = {
		EBPF_MAP_HASH, EBPF_MAP_ARRAY, EBPF_MAP_PROG_ARRAY,
		EBPF_MAP_PERCPU_HASH, EBPF_MAP_PERCPU_ARRAY, EBPF_MAP_LRU_HASH,
		EBPF_MAP_LRU_PERCPU_HASH, EBPF_MAP_LPM_TRIE, EBPF_MAP_QUEUE,
		EBPF_MAP_STACK, EBPF_MAP_BLOOM_FILTER, EBPF_MAP_RINGBUF,
		EBPF_MAP_ARRAY_OF_MAPS, EBPF_MAP_HASH_OF_MAPS,
		EBPF_MAP_PERF_EVENT_ARRAY, EBPF_MAP_DEVMAP,
	};
	struct ebpf_req_map_create req = {
		.kind = kinds[below(w, sizeof(kinds) / sizeof(kinds[0]))],
		.key_size = 4, .value_size = 8,
		.max_entries = 1u << below(w, 12),
	};
	struct ebpf_rep_id rep;

	switch (req.kind) {
	case EBPF_MAP_PROG_ARRAY:
	case EBPF_MAP_PERF_EVENT_ARRAY:
	case EBPF_MAP_DEVMAP:
		req.value_size = 4;
		break;
	case EBPF_MAP_ARRAY_OF_MAPS:
	case EBPF_MAP_HASH_OF_MAPS:
		req.value_size = 4;
		req.inner_map_id = some_id(w, EBPF_OBJ_MAP);
		break;
	case EBPF_MAP_LPM_TRIE:
		req.key_size = 8;
		req.flags = EBPF_F_NO_PREALLOC;
		break;
	case EBPF_MAP_QUEUE:
	case EBPF_MAP_STACK:
	case EBPF_MAP_BLOOM_FILTER:
		req.key_size = 0;
		break;
	case EBPF_MAP_RINGBUF:
		req.key_size = req.value_size = 0;
		req.max_entries = 4096;
		break;
	}
	gebpf_ask(w->device, EBPF_REQUEST_MAP_CREATE, &req, sizeof(req), &rep,
		  sizeof(rep));
}

static void
use_map(struct worker *w)
{
	struct ebpf_req_id by_id = { .id = some_id(w, EBPF_OBJ_MAP) };
	struct ebpf_rep_map_info info = { .key_size = 0 };
	uint64_t data[1024] = { 0 };
	uint32_t count = 1 + below(w, 8), value;
	struct ebpf_req_map_key key = { .id = by_id.id };
	struct ebpf_req_map_update update = { .id = by_id.id,
					      .flags = below(w, 4) };
	struct ebpf_req_map_batch batch = { .id = by_id.id, .count = count };
	struct ebpf_req_map_lookup_batch walk = { .id = by_id.id, .count = 64 };
	struct gebpf_call call = { .out = w->out, .out_room = sizeof(w->out) };

	if (gebpf_ask(w->device, EBPF_REQUEST_MAP_INFO, &by_id, sizeof(by_id),
		      &info, sizeof(info)) ||
	    info.key_size > 64 || info.user_value_size > 512)
		return;
	value = info.user_value_size;
	for (uint32_t i = 0; i < 1024; i++)
		data[i] = below(w, 32);
	/* values that are ids of what is there */
	if (info.kind == EBPF_MAP_PROG_ARRAY)
		data[1] = some_id(w, EBPF_OBJ_PROG);
	else if (info.kind == EBPF_MAP_ARRAY_OF_MAPS ||
		 info.kind == EBPF_MAP_HASH_OF_MAPS)
		data[1] = some_id(w, EBPF_OBJ_MAP);
	key.key_len = update.key_len = info.key_size;
	update.value_len = value;
	switch (below(w, 7)) {
	case 0:
		call.number = EBPF_REQUEST_MAP_LOOKUP;
		call.req = &key;
		call.req_len = sizeof(key);
		call.in[0] = (struct gebpf_part){ data, info.key_size };
		break;
	case 1:
	case 2:
		call.number = EBPF_REQUEST_MAP_UPDATE;
		call.req = &update;
		call.req_len = sizeof(update);
		call.in[0] = (struct gebpf_part){ data, info.key_size };
		call.in[1] = (struct gebpf_part){ data + 1, value };
		break;
	case 3:
		call.number = EBPF_REQUEST_MAP_DELETE;
		call.req = &key;
		call.req_len = sizeof(key);
		call.in[0] = (struct gebpf_part){ data, info.key_size };
		break;
	case 4:
		call.number = EBPF_REQUEST_MAP_UPDATE_BATCH;
		call.req = &batch;
		call.req_len = sizeof(batch);
		call.in[0] = (struct gebpf_part){
			data, count * (size_t)(info.key_size + value) };
		break;
	case 5:
		call.number = EBPF_REQUEST_MAP_DELETE_BATCH;
		call.req = &batch;
		call.req_len = sizeof(batch);
		call.in[0] = (struct gebpf_part){
			data, count * (size_t)info.key_size };
		break;
	case 6:
		call.number = EBPF_REQUEST_MAP_LOOKUP_BATCH;
		call.req = &walk;
		call.req_len = sizeof(walk);
		break;
	}
	gebpf_request(w->device, &call);
}

/* A program that looks into a map and calls another through a prog_array. */
static void
make_prog(struct worker *w)
{
	static const struct ebpf_insn code[] = {
		{ .code = 0xbf, .regs = 0x16 },		     /* r6 = r1 */
		{ .code = 0x62, .regs = 0x0a, .off = -4 },   /* key = 0 */
		{ .code = 0xbf, .regs = 0xa2 },		     /* r2 = r10 */
		{ .code = 0x07, .regs = 0x02, .imm = -4 },
		{ .code = 0x18, .regs = 0x51 }, { 0 },	     /* map 0 */
		{ .code = 0x85, .imm = 1 },		     /* lookup */
		{ .code = 0xb7, .regs = 0x00, .imm = 254 },
		{ .code = 0x95 },
	};
	struct ebpf_insn insns[9];
	uint32_t map = some_id(w, EBPF_OBJ_MAP);
	struct ebpf_req_prog_load req = {
		.kind = below(w, 2) ? EBPF_PROG_VALE : EBPF_PROG_XDP,
		.flags = EBPF_PROG_JIT,
		.insn_count = 9,
		.map_count = 1,
		.log_size = 512,
	};
	struct ebpf_rep_prog_load rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req, .req_len = sizeof(req),
		.in = { { insns, sizeof(insns) }, { &map, 4 } },
		.rep = &rep, .rep_len = sizeof(rep),
		.out = w->out, .out_room = sizeof(w->out),
	};

	memcpy(insns, code, sizeof(insns));
	/* what a verifier must refuse, now and then */
	if (below(w, 8) == 0)
		insns[below(w, 9)].code = (uint8_t)noise(w);
	gebpf_request(w->device, &call);
}

static void
run_prog(struct worker *w)
{
	uint8_t frame[64] = { 0xff };
	struct ebpf_req_prog_run req = {
		.id = some_id(w, EBPF_OBJ_PROG),
		.repeat = 1u << below(w, 16),
		.data_len = sizeof(frame),
		.data_out_max = sizeof(frame),
	};
	struct ebpf_rep_prog_run rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_RUN,
		.req = &req, .req_len = sizeof(req),
		.in = { { frame, sizeof(frame) } },
		.rep = &rep, .rep_len = sizeof(rep),
		.out = w->out, .out_room = sizeof(w->out),
	};

	gebpf_request(w->device, &call);
}

static void
share(struct worker *w)
{
	static const uint32_t kinds[] = { EBPF_OBJ_PROG, EBPF_OBJ_MAP,
					  EBPF_OBJ_LINK };
	uint32_t kind = kinds[below(w, 3)];
	struct ebpf_req_obj obj = { .kind = kind, .id = some_id(w, kind) };
	struct ebpf_req_pin pin = { .kind = kind, .id = obj.id,
				    .replace = below(w, 2) };
	struct ebpf_req_pin_name name = { .size = 0 };
	struct ebpf_req_id id = { .id = obj.id };
	struct ebpf_req_link_create create = {
		.prog_id = some_id(w, EBPF_OBJ_PROG), .hook = EBPF_HOOK_VALE,
		.replace = below(w, 4) != 0,
	};
	struct ebpf_req_link_update update = {
		.id = some_id(w, EBPF_OBJ_LINK), .prog_id = create.prog_id,
	};

	snprintf(pin.pin, sizeof(pin.pin), "storm/%u", below(w, PINS));
	memcpy(name.pin, pin.pin, sizeof(name.pin));
	snprintf(create.target, sizeof(create.target), "vale%u", below(w, 2));
	switch (below(w, 8)) {
	case 0:
		gebpf_ask(w->device, EBPF_REQUEST_OBJ_HOLD, &obj, sizeof(obj),
			  NULL, 0);
		break;
	case 1:
	case 2:
		gebpf_ask(w->device, EBPF_REQUEST_OBJ_DROP, &obj, sizeof(obj),
			  NULL, 0);
		break;
	case 3:
		gebpf_ask(w->device, EBPF_REQUEST_PIN, &pin, sizeof(pin), NULL,
			  0);
		break;
	case 4:
		gebpf_ask(w->device, EBPF_REQUEST_UNPIN, &name, sizeof(name),
			  NULL, 0);
		break;
	case 5: /* where there are switches; else unsupported */
		gebpf_ask(w->device, EBPF_REQUEST_LINK_CREATE, &create,
			  sizeof(create), NULL, 0);
		break;
	case 6:
		gebpf_ask(w->device, EBPF_REQUEST_LINK_UPDATE, &update,
			  sizeof(update), NULL, 0);
		break;
	case 7:
		id.id = some_id(w, EBPF_OBJ_LINK);
		gebpf_ask(w->device, EBPF_REQUEST_LINK_DETACH, &id, sizeof(id),
			  NULL, 0);
		break;
	}
}

/* Switches, where there are some. */
static void
use_switch(struct worker *w)
{
	struct ebpf_req_switch one = { .size = 0 };
	struct ebpf_req_switch_next next = { .size = 0 };
	struct ebpf_req_port_info port = { .index = 0 };
	struct ebpf_rep_switch_info info;
	static const enum ebpf_request numbers[] = {
		EBPF_REQUEST_SWITCH_CREATE, EBPF_REQUEST_SWITCH_DESTROY,
		EBPF_REQUEST_SWITCH_INFO,
	};

	snprintf(one.name, sizeof(one.name), "vale%u", below(w, 4));
	memcpy(port.name, one.name, sizeof(port.name));
	gebpf_ask(w->device, numbers[below(w, 3)], &one, sizeof(one), &info,
		  sizeof(info));
	gebpf_ask(w->device, EBPF_REQUEST_SWITCH_NEXT, &next, sizeof(next),
		  &info, sizeof(info));
	gebpf_ask(w->device, EBPF_REQUEST_PORT_INFO, &port, sizeof(port), NULL,
		  0);
}

/* Bytes that are no message, through a file of their own. */
static void
garbage(struct worker *w)
{
	uint64_t request[64], reply[128];
	struct ebpf_chardev_call call = {
		.request = (uintptr_t)request,
		.reply = (uintptr_t)reply,
		.request_len = below(w, sizeof(request)),
		.reply_cap = below(w, sizeof(reply)),
	};
	int fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);

	for (uint32_t i = 0; i < 64; i++)
		request[i] = below(w, 3) ? below(w, 256) : noise(w);
	memcpy(request, &call.request_len, 4);
	if (below(w, 8) == 0)
		call.request = noise(w);
	if (below(w, 8) == 0)
		call.reply = noise(w);
	if (ioctl(fd, EBPF_CHARDEV_CALL, &call) != 0)
		w->state += (uint64_t)errno;
	close(fd);
}

static void
step(struct worker *w)
{
	struct ebpf_req_features features = { .prog_kind = below(w, 40) };
	struct ebpf_req_tracelog log = { .after = below(w, 100) };
	struct gebpf_call read_log = {
		.number = EBPF_REQUEST_TRACELOG,
		.req = &log, .req_len = sizeof(log),
		.out = w->out, .out_room = sizeof(w->out),
	};
	struct gebpf_error err;

	switch (below(w, 16)) {
	case 0:
	case 1:
		make_map(w);
		break;
	case 2:
	case 3:
		make_prog(w);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		use_map(w);
		break;
	case 8:
	case 9:
		run_prog(w);
		break;
	case 10:
	case 11:
	case 12:
		share(w);
		break;
	case 13:
		garbage(w);
		break;
	case 14:
		gebpf_ask(w->device, EBPF_REQUEST_FEATURES, &features,
			  sizeof(features), NULL, 0);
		gebpf_request(w->device, &read_log);
		use_switch(w);
		break;
	case 15: /* everything that was held goes with it */
		if (below(w, 4))
			break;
		gebpf_close(w->device);
		while (gebpf_open("kernel", 0, &w->device, &err))
			usleep(1000);
		break;
	}
}

static _Noreturn void
work(uint64_t seed)
{
	struct worker w = { .state = seed * 0x9e3779b97f4a7c15ull | 1 };
	struct gebpf_error err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (gebpf_open("kernel", 0, &w.device, &err))
		usleep(1000);
	for (;;)
		step(&w);
}

/* ---- the storm ---- */

static pid_t
start(uint64_t seed)
{
	pid_t child = fork();

	if (child == 0)
		work(seed);
	return child;
}

static void
fail_sometimes(const char *file, uint32_t n)
{
	FILE *f = file ? fopen(file, "w") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%u\n", n);
	fclose(f);
}

static void
storm(uint32_t workers, uint32_t kills, uint64_t seed, const char *fail_file)
{
	struct worker w = { .state = seed | 1 };
	pid_t pids[WORKERS_MAX];
	uint32_t i, at, odd = 0;
	int status;

	for (i = 0; i < workers; i++)
		pids[i] = start(seed + i);
	for (i = 0; i < kills; i++) {
		usleep(1000 * (1 + below(&w, 60)));
		fail_sometimes(fail_file, 1 + below(&w, 200));
		at = below(&w, workers);
		kill(pids[at], SIGKILL);
		/* one that ended by itself crashed */
		odd += waitpid(pids[at], &status, 0) != pids[at] ||
		       !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
		pids[at] = start(seed + 1000 + i);
	}
	for (i = 0; i < workers; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	fail_sometimes(fail_file, 0);
	tap_ok(odd == 0, "%u processes, %u killed in the middle", workers,
	       kills);
}

/* ---- afterwards ---- */

/* Everything that has a name goes, as do switches and links. */
static void
clear(struct gebpf_device *device)
{
	struct ebpf_req_pin_next next = { .size = 0 };
	struct ebpf_rep_pin pin;
	struct ebpf_req_obj_next link = { .kind = EBPF_OBJ_LINK };
	struct ebpf_rep_id found;

	while (!gebpf_ask(device, EBPF_REQUEST_PIN_NEXT, &next, sizeof(next),
			  &pin, sizeof(pin))) {
		struct ebpf_req_pin_name name = { .size = 0 };

		memcpy(name.pin, pin.pin, sizeof(name.pin));
		gebpf_ask(device, EBPF_REQUEST_UNPIN, &name, sizeof(name), NULL,
			  0);
	}
	while (!gebpf_ask(device, EBPF_REQUEST_OBJ_NEXT, &link, sizeof(link),
			  &found, sizeof(found))) {
		struct ebpf_req_id id = { .id = found.id };

		gebpf_ask(device, EBPF_REQUEST_LINK_DETACH, &id, sizeof(id),
			  NULL, 0);
		link.id = found.id;
	}
	for (int i = 0; i < 4; i++) {
		struct ebpf_req_switch one = { .size = 0 };

		snprintf(one.name, sizeof(one.name), "vale%d", i);
		gebpf_ask(device, EBPF_REQUEST_SWITCH_DESTROY, &one,
			  sizeof(one), NULL, 0);
	}
}

static void
nothing_left(void)
{
	struct ebpf_req_hello req = { .version = EBPF_WIRE_VERSION };
	struct ebpf_rep_hello rep = { .map_count = 1 };
	struct gebpf_device *device;
	struct gebpf_error err;
	int error = gebpf_open("kernel", 0, &device, &err), i;

	tap_ok(error == 0, "the device still answers");
	if (error)
		return;
	/* Rings of maps and programs are found by and by. */
	for (i = 0; i < 100; i++) {
		clear(device);
		error = gebpf_ask(device, EBPF_REQUEST_HELLO, &req, sizeof(req),
				  &rep, sizeof(rep));
		if (error || (!rep.map_count && !rep.prog_count &&
			      !rep.link_count && !rep.btf_count &&
			      !rep.mem_used))
			break;
		usleep(100000);
	}
	tap_ok(error == 0 && rep.map_count == 0 && rep.prog_count == 0 &&
		       rep.link_count == 0 && rep.btf_count == 0 &&
		       rep.mem_used == 0 && rep.sessions == 1,
	       "%u maps, %u programs, %u links, %llu bytes, %u sessions left",
	       rep.map_count, rep.prog_count, rep.link_count,
	       (unsigned long long)rep.mem_used, rep.sessions);
	gebpf_close(device);
}

int
main(int argc, char **argv)
{
	uint32_t kills = 60, workers = 4;
	const char *fail_file = NULL;
	uint64_t seed = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--kills") == 0)
			kills = (uint32_t)strtoul(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--workers") == 0)
			workers = (uint32_t)strtoul(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--fail-at") == 0)
			fail_file = argv[i + 1];
	}
	if (workers == 0 || workers > WORKERS_MAX)
		workers = WORKERS_MAX;
	if (access(EBPF_CHARDEV_PATH, R_OK | W_OK) != 0) {
		tap_skip("no " EBPF_CHARDEV_PATH " here",
			 "the kernel's device under load");
		return tap_done();
	}
	storm(workers, kills, seed, fail_file);
	nothing_left();
	return tap_done();
}
