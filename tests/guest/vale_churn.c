/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * VALE under load, and modules that go meanwhile: processes that open ports,
 * send what they like and leave, others that attach, replace and detach
 * programs, make and destroy switches and ask, each killed at random; and again
 * and again vale_bpf.ko, ebpf_dev.ko and netmap.ko are unloaded, in the right
 * order and in wrong ones, while frames flow. Run by stress.sh and vale.sh.
 *
 *	vale_churn KMOD ROUNDS [SEED]   KMOD: the folder of the modules
 *
 * ROUNDS processes are killed, and vale_bpf.ko goes as many times. Wants netmap,
 * ebpf, ebpf_dev and vale_bpf loaded, no switch and no link, and leaves it so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/gebpf.h"
#include "tap.h"
#include "vale_port.h"

enum {
	WORKERS = 7,
	SWITCHES = 4,
	OURS = 2, /* from there on we make them, else netmap does */
	FRAME = 1500,
};

/* Of all processes. */
static struct shared {
	/* atomic; nothing that keeps vale_bpf, netmap, the device */
	uint32_t no_attach, no_request, no_ports, no_device;
	uint64_t sent, taken, opened, attached, asked; /* atomic */
	uint64_t stale; /* atomic; links whose switch had gone */
} *shared;

static uint64_t state;

static uint64_t
noise(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(noise() % n);
}

static void
count(uint64_t *cell, uint64_t more)
{
	__atomic_add_fetch(cell, more, __ATOMIC_RELAXED);
}

/* ---- processes that send ---- */

/* Frames of every form; pointers that lead nowhere are the sender's affair. */
static void
put_some(struct port *port, uint32_t ring)
{
	static uint8_t frame[FRAME];
	struct part parts[5];
	uint32_t i, n, many = 1 + below(8);

	for (i = 0; i < many; i++) {
		uint32_t form = below(8);

		frame[0] = below(4) ? 2 : 0xff;
		frame[5] = (uint8_t)below(4);
		frame[6] = 2;
		frame[11] = (uint8_t)below(16);
		n = form == 0 ? 2 + below(4) : 1;
		for (uint32_t k = 0; k < n; k++)
			parts[k] = (struct part){
				.data = frame,
				.len = (uint16_t)(form == 1 ? below(20) :
						  14 + below(FRAME - 14)),
				.indirect = form == 2 || (k && below(2)),
			};
		if (form == 3) {
			parts[0].indirect = true;
			parts[0].data = (void *)(uintptr_t)noise();
		}
		if (!port_put(port, ring, parts, n))
			break;
	}
	count(&shared->sent, i);
}

static void
take_all(struct port *port)
{
	static uint8_t frame[FRAME * 5];
	uint64_t n = 0;

	port_poll(port);
	for (uint32_t ring = 0; ring < port->rx_rings; ring++)
		while (port_get(port, ring, frame, sizeof(frame)) >= 0)
			n++;
	count(&shared->taken, n);
}

static bool
is_set(uint32_t *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
}

static void
set(uint32_t *flag, uint32_t value)
{
	__atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

/* A switch of ours cannot be destroyed while somebody has a port there. */
static bool
must_leave(uint32_t number)
{
	return (number >= OURS && is_set(&shared->no_attach)) ||
	       is_set(&shared->no_ports);
}

static _Noreturn void
send_on(void)
{
	struct port_form form;
	struct port port;
	uint32_t number;
	char name[64];

	for (;;) {
		number = below(SWITCHES);
		if (must_leave(number)) {
			usleep(5000);
			continue;
		}
		/* small: making a port takes netmap's lock for long */
		form = (struct port_form){
			.tx_rings = (uint16_t)(1 + below(2)),
			.rx_rings = (uint16_t)(1 + below(2)),
			.tx_slots = 32u << below(3),
			.rx_slots = 32u << below(3),
		};
		snprintf(name, sizeof(name), "vale%u:s%d", number,
			 (int)getpid() % 10000);
		if (port_open(&port, name, &form) != 0) {
			usleep(1000); /* no such module, or no room, just now */
			continue;
		}
		count(&shared->opened, 1);
		for (uint32_t i = below(100); i > 0 && !must_leave(number);
		     i--) {
			put_some(&port, below(port.tx_rings));
			port_send(&port);
			take_all(&port);
			/* leaves time for the others where there is little */
			usleep(2000 + below(6000));
		}
		port_close(&port);
		usleep(below(20000));
	}
}

/* ---- processes that change and ask ---- */

/* What comes to port 0..3 by the last byte of its address; to a ring, too. */
static const struct ebpf_insn by_address[] = {
	{ .code = 0x79, .regs = 0x12 },		    /* r2 = data */
	{ .code = 0x79, .regs = 0x13, .off = 8 },   /* r3 = data_end */
	{ .code = 0xbf, .regs = 0x24 },
	{ .code = 0x07, .regs = 0x04, .imm = 14 },
	{ .code = 0xb7, .regs = 0x00, .imm = 255 },
	{ .code = 0x2d, .regs = 0x34, .off = 3 },   /* if r4 > r3 */
	{ .code = 0x71, .regs = 0x20, .off = 5 },   /* r0 = data[5] */
	{ .code = 0x73, .regs = 0x01, .off = 20 },  /* ring_nr = r0 */
	{ .code = 0x57, .regs = 0x00, .imm = 3 },
	{ .code = 0x95 },
};

static uint32_t
load_prog(struct gebpf_device *device)
{
	static const int32_t says[] = { 0, 1, 2, 77, 254, 255, 256, 65537, -1 };
	const struct ebpf_insn constant[] = {
		{ .code = 0xb4,
		  .imm = says[below(sizeof(says) / sizeof(says[0]))] },
		{ .code = 0x95 },
	};
	bool simple = below(2);
	struct ebpf_req_prog_load req = {
		.kind = EBPF_PROG_VALE,
		.insn_count = simple ? 2 : sizeof(by_address) /
						   sizeof(by_address[0]),
	};
	struct ebpf_rep_prog_load rep = { .id = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req, .req_len = sizeof(req),
		.in = { { simple ? constant : by_address,
			  req.insn_count * sizeof(by_address[0]) } },
		.rep = &rep, .rep_len = sizeof(rep),
	};

	return gebpf_request(device, &call) ? 0 : rep.id;
}

static uint32_t
some_link(struct gebpf_device *device)
{
	struct ebpf_req_obj_next req = { .kind = EBPF_OBJ_LINK };
	struct ebpf_rep_id rep = { .id = 0 };
	uint32_t id = 0;

	for (uint32_t i = below(6) + 1; i > 0; i--) {
		if (gebpf_ask(device, EBPF_REQUEST_OBJ_NEXT, &req, sizeof(req),
			      &rep, sizeof(rep)) != 0)
			break;
		id = req.id = rep.id;
	}
	return id;
}

/* Requests about a switch, and what is asked of it. */
static void
use_switch(struct gebpf_device *device, const char *name, bool may_make)
{
	struct ebpf_req_switch one = { .size = 0 };
	struct ebpf_req_switch_next next = { .size = 0 };
	struct ebpf_req_port_info port = { .index = below(4) };
	struct ebpf_req_port_add add = { .size = 0 };
	struct ebpf_req_port del = { .index = below(4) };
	struct ebpf_rep_port_info port_info;
	struct ebpf_rep_switch_info info;

	snprintf(one.name, sizeof(one.name), "%s", name);
	memcpy(port.name, one.name, sizeof(port.name));
	memcpy(add.name, one.name, sizeof(add.name));
	memcpy(del.name, one.name, sizeof(del.name));
	snprintf(add.spec, sizeof(add.spec), "vi:v%u", below(2));
	switch (below(8)) {
	case 0:
		if (may_make && name[4] >= '0' + OURS)
			gebpf_ask(device, EBPF_REQUEST_SWITCH_CREATE, &one,
				  sizeof(one), NULL, 0);
		break;
	case 1:
		gebpf_ask(device, EBPF_REQUEST_SWITCH_DESTROY, &one,
			  sizeof(one), NULL, 0);
		break;
	case 2:
		if (may_make && below(8) == 0)
			gebpf_ask(device, EBPF_REQUEST_PORT_ADD, &add,
				  sizeof(add), &port_info, sizeof(port_info));
		break;
	case 3:
		gebpf_ask(device, EBPF_REQUEST_PORT_DEL, &del, sizeof(del),
			  NULL, 0);
		break;
	case 4:
		gebpf_ask(device, EBPF_REQUEST_SWITCH_NEXT, &next,
			  sizeof(next), &info, sizeof(info));
		break;
	case 5:
		gebpf_ask(device, EBPF_REQUEST_PORT_INFO, &port, sizeof(port),
			  &port_info, sizeof(port_info));
		break;
	default:
		gebpf_ask(device, EBPF_REQUEST_SWITCH_INFO, &one, sizeof(one),
			  &info, sizeof(info));
		break;
	}
	count(&shared->asked, 1);
}

static void
change(struct gebpf_device *device, const uint32_t *progs)
{
	bool may_make = !is_set(&shared->no_attach);
	struct ebpf_req_link_create create = {
		.prog_id = progs[below(3)], .hook = EBPF_HOOK_VALE,
		.replace = below(4) != 0,
	};
	struct ebpf_req_link_update update = { .prog_id = progs[below(3)] };
	struct ebpf_req_id id = { .id = 0 };
	struct ebpf_rep_link_info info;
	struct ebpf_rep_id made;

	snprintf(create.target, sizeof(create.target), "vale%u",
		 below(SWITCHES));
	/* a request keeps the module for its time: few, then none */
	if (!may_make && (is_set(&shared->no_request) || below(8))) {
		usleep(5000);
		return;
	}
	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		if (may_make &&
		    gebpf_ask(device, EBPF_REQUEST_LINK_CREATE, &create,
			      sizeof(create), &made, sizeof(made)) == 0)
			count(&shared->attached, 1);
		break;
	case 3:
		update.id = some_link(device);
		gebpf_ask(device, EBPF_REQUEST_LINK_UPDATE, &update,
			  sizeof(update), NULL, 0);
		break;
	case 4:
		id.id = some_link(device);
		if (gebpf_ask(device, EBPF_REQUEST_LINK_INFO, &id, sizeof(id),
			      &info, sizeof(info)) == 0 &&
		    info.state == EBPF_LINK_STALE)
			count(&shared->stale, 1);
		gebpf_ask(device, EBPF_REQUEST_LINK_DETACH, &id, sizeof(id),
			  NULL, 0);
		break;
	default:
		use_switch(device, create.target, may_make);
		break;
	}
}

static _Noreturn void
change_on(void)
{
	struct gebpf_device *device;
	uint32_t progs[3];

	for (;;) {
		if (is_set(&shared->no_device) ||
		    gebpf_open("kernel", 0, &device, NULL) != 0) {
			usleep(1000);
			continue;
		}
		for (int i = 0; i < 3; i++)
			progs[i] = load_prog(device);
		for (uint32_t i = below(60);
		     i > 0 && !is_set(&shared->no_device); i--)
			change(device, progs);
		gebpf_close(device);
		usleep(below(2000));
	}
}

/* ---- modules ---- */

static const char *folder;

static int
insert(const char *name)
{
	char path[512];
	int fd, error;

	snprintf(path, sizeof(path), "%s/%s.ko", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return error;
}

static int
withdraw(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* Links are let go, ports that are no program's taken out, switches destroyed. */
static void
clear(void)
{
	struct ebpf_req_obj_next link = { .kind = EBPF_OBJ_LINK };
	struct ebpf_rep_id found;
	struct gebpf_device *device;

	if (gebpf_open("kernel", 0, &device, NULL) != 0)
		return;
	while (gebpf_ask(device, EBPF_REQUEST_OBJ_NEXT, &link, sizeof(link),
			 &found, sizeof(found)) == 0) {
		struct ebpf_req_id id = { .id = found.id };

		gebpf_ask(device, EBPF_REQUEST_LINK_DETACH, &id, sizeof(id),
			  NULL, 0);
		link.id = found.id;
	}
	for (uint32_t v = 0; v < 2; v++) {
		struct ebpf_req_port port = { .size = 0 };
		char path[64];

		snprintf(path, sizeof(path), "/sys/class/net/v%u", v);
		snprintf(port.port_name, sizeof(port.port_name), "v%u", v);
		for (uint32_t i = 0;
		     i < SWITCHES && access(path, F_OK) == 0; i++) {
			snprintf(port.name, sizeof(port.name), "vale%u", i);
			gebpf_ask(device, EBPF_REQUEST_PORT_DEL, &port,
				  sizeof(port), NULL, 0);
		}
	}
	for (uint32_t i = OURS; i < SWITCHES; i++) {
		struct ebpf_req_switch one = { .size = 0 };

		snprintf(one.name, sizeof(one.name), "vale%u", i);
		gebpf_ask(device, EBPF_REQUEST_SWITCH_DESTROY, &one,
			  sizeof(one), NULL, 0);
	}
	gebpf_close(device);
}

static struct {
	uint32_t gone, busy, netmap_gone, dev_gone, odd;
} did;

/* What holds another must stay, whatever flows. */
static void
refuse(const char *name)
{
	int error = withdraw(name);

	if (error == -EWOULDBLOCK || error == -EBUSY)
		return;
	tap_diag("unloading %s: %d", name, error);
	did.odd++;
}

static void
must(const char *name)
{
	int error = insert(name);

	if (error == 0)
		return;
	tap_diag("loading %s: %d", name, error);
	did.odd++;
}

/* The device goes with what is attached left as it is, or with nothing. */
static void
device_goes(void)
{
	set(&shared->no_device, 1);
	while (withdraw("ebpf_dev") != 0)
		usleep(1000);
	did.dev_gone++;
	must("ebpf_dev");
	set(&shared->no_device, 0);
}

/* Once vale_bpf has gone, and nobody has a port. */
static void
netmap_goes(void)
{
	set(&shared->no_ports, 1);
	while (withdraw("netmap") != 0)
		usleep(1000);
	did.netmap_gone++;
	did.odd += insert("vale_bpf") == 0; /* needs it */
	must("netmap");
	set(&shared->no_ports, 0);
}

/* The hook goes while frames flow: tried once, or until it has gone. */
static void
hook_goes(bool once)
{
	uint32_t tries = 0;
	int error;

	refuse("netmap");
	refuse("ebpf");
	if (below(8) == 0)
		device_goes();
	set(&shared->no_attach, !once);
	for (;;) {
		clear();
		error = withdraw("vale_bpf");
		if (error == 0)
			break;
		did.busy++;
		if (once)
			return;
		set(&shared->no_request, ++tries > 8);
		usleep(2000);
	}
	did.gone++;
	switch (below(8)) {
	case 0:
		device_goes();
		break;
	case 1:
		netmap_goes();
		break;
	}
	must("vale_bpf");
	set(&shared->no_request, 0);
	set(&shared->no_attach, 0);
}

/* ---- the storm ---- */

static pid_t
start(uint32_t number, uint64_t seed)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	state = seed * 0x9e3779b97f4a7c15ull | 1;
	if (number < 4)
		send_on();
	change_on();
}

static void
storm(uint32_t rounds, uint64_t seed)
{
	pid_t pids[WORKERS];
	uint32_t i, at, crashed = 0;
	int status;

	for (i = 0; i < WORKERS; i++)
		pids[i] = start(i, seed + i);
	for (i = 0; i < rounds; i++) {
		usleep(1000 * (1 + below(30)));
		at = below(WORKERS);
		kill(pids[at], SIGKILL);
		crashed += waitpid(pids[at], &status, 0) != pids[at] ||
			   !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
		pids[at] = start(at, seed + WORKERS + i);
		hook_goes(true);
		hook_goes(false);
		if (i % 10 == 9) {
			tap_diag("%u rounds", i + 1);
			fflush(stdout);
		}
	}
	for (i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	tap_ok(crashed == 0, "%u processes, %u killed in the middle", WORKERS,
	       rounds);
	tap_ok(did.odd == 0 && did.gone >= rounds,
	       "vale_bpf went %u times under traffic (%u times it was in use), "
	       "netmap %u times, ebpf_dev %u times",
	       did.gone, did.busy, did.netmap_gone, did.dev_gone);
	tap_diag("%llu ports, %llu frames sent, %llu received, %llu times "
		 "attached, %llu stale links seen, %llu questions",
		 (unsigned long long)shared->opened,
		 (unsigned long long)shared->sent,
		 (unsigned long long)shared->taken,
		 (unsigned long long)shared->attached,
		 (unsigned long long)shared->stale,
		 (unsigned long long)shared->asked);
}

static struct ebpf_rep_hello
what_is_there(void)
{
	struct ebpf_req_hello req = { .version = EBPF_WIRE_VERSION };
	struct ebpf_rep_hello rep = { .prog_count = ~0u };
	struct gebpf_device *device;

	if (gebpf_open("kernel", 0, &device, NULL) != 0)
		return rep;
	gebpf_ask(device, EBPF_REQUEST_HELLO, &req, sizeof(req), &rep,
		  sizeof(rep));
	gebpf_close(device);
	return rep;
}

static void
nothing_left(const struct ebpf_rep_hello *before)
{
	struct ebpf_req_switch_next next = { .size = 0 };
	struct ebpf_rep_switch_info info;
	struct ebpf_rep_hello rep = *before;
	struct gebpf_device *device;
	int error = gebpf_open("kernel", 0, &device, NULL), i;

	if (!tap_ok(error == 0, "the device answers"))
		return;
	/* What was let go goes when nobody can be looking at it any more. */
	for (i = 0; i < 1000; i++) {
		clear();
		rep = what_is_there();
		if (rep.prog_count == before->prog_count && !rep.link_count &&
		    rep.mem_used == before->mem_used)
			break;
		usleep(20000);
	}
	tap_ok(rep.prog_count == before->prog_count && !rep.link_count &&
		       rep.mem_used == before->mem_used,
	       "%u programs, %u links, %llu bytes are there, as before",
	       rep.prog_count, rep.link_count,
	       (unsigned long long)rep.mem_used);
	error = gebpf_ask(device, EBPF_REQUEST_SWITCH_NEXT, &next,
			  sizeof(next), &info, sizeof(info));
	tap_ok(error == -EBPF_ENOENT, "no switch is left (%s)",
	       error ? gebpf_error_name(error) : info.name);
	gebpf_close(device);
}

int
main(int argc, char **argv)
{
	uint32_t rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	struct ebpf_rep_hello before;

	if (argc < 3 || rounds == 0)
		return 2;
	folder = argv[1];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	state = (argc > 3 ? strtoull(argv[3], NULL, 0) : 1) | 1;
	before = what_is_there();
	storm(rounds, state);
	nothing_left(&before);
	return tap_done();
}
