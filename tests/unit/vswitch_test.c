/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The userspace switch, asked the way a device asks it: names, ports, learning,
 * verdicts, replay against a model, bad files and full disks, replacing the
 * program and changing ports under traffic.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "core/link.h"
#include "core/os.h"
#include "core/prog.h"
#include "host/vswitch.h"
#include "tap.h"

enum {
	FRAME = 60,
	WAIT_MS = 5000,
	TEST_TYPE = 0x88b5, /* an Ethernet type for experiments */
};

static const struct ebpf_switch_ops *const ops = &ebpf_vswitch_ops;
static struct ebpf_runtime *rt;
static struct ebpf_vswitch *set;
static char folder[64];
static char why[256];
static struct ebpf_rep_port_info port;
static struct ebpf_rep_switch_info info;

static void
begin(void)
{
	if (ebpf_runtime_create(NULL, &rt) || ebpf_vswitch_create(rt, &set)) {
		printf("Bail out! no runtime\n");
		exit(1);
	}
}

static void
end(void)
{
	ebpf_vswitch_destroy(set);
	ebpf_runtime_destroy(rt);
}

static char *
path(const char *name)
{
	static char paths[8][128];
	static unsigned int next;
	char *text = paths[next++ % 8];

	snprintf(text, sizeof(paths[0]), "%s/%s", folder, name);
	return text;
}

static char *
spec(const char *in, const char *out)
{
	static char text[512];

	snprintf(text, sizeof(text), out ? "pcap:%s,%s" : "pcap:%s%s", in,
		 out ? out : "");
	return text;
}

static int
add(const char *vale, const char *name, const char *specification)
{
	return ops->port_add(set, vale, name, specification, &port, why,
			     sizeof(why));
}

static void
added(const char *vale, const char *specification)
{
	int error = add(vale, "", specification);

	if (error)
		tap_ok(false, "port %s: %d %s", specification, error, why);
}

static const struct ebpf_rep_switch_info *
switch_info(const char *vale)
{
	if (ops->info(set, vale, &info))
		memset(&info, 0, sizeof(info));
	return &info;
}

static const struct ebpf_rep_port_info *
port_info(const char *vale, uint32_t index)
{
	if (ops->port_info(set, vale, index, &port) || port.index != index)
		memset(&port, 0, sizeof(port));
	return &port;
}

/* A vale program that always gives this verdict. */
static struct ebpf_prog *
verdict_prog(int32_t verdict)
{
	struct ebpf_insn insns[2] = {
		{ .code = 0xb7, .imm = verdict }, /* r0 = verdict */
		{ .code = 0x95 },		  /* exit */
	};
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = EBPF_PROG_VALE,
		.insns = insns,
		.insn_count = 2,
		.name = "verdict",
	};
	struct ebpf_prog *prog = NULL;
	int error = ebpf_prog_load(rt, &load, &prog);

	if (error) {
		printf("Bail out! no program: %d\n", error);
		exit(1);
	}
	return prog;
}

static void
nap(void)
{
	struct timespec ts = { .tv_nsec = 200000 };

	nanosleep(&ts, NULL);
}

/* ---- frames ---- */

static void
frame_make(uint8_t *frame, uint8_t to, uint8_t from, uint32_t number)
{
	memset(frame, 0, FRAME);
	memset(frame, to, 6);
	memset(frame + 6, from, 6);
	frame[0] &= to == 0xff ? 0xff : 0xfe;
	frame[6] &= 0xfe;
	frame[12] = TEST_TYPE >> 8;
	frame[13] = TEST_TYPE & 0xff;
	memcpy(frame + 14, &number, sizeof(number));
}

static uint32_t
number_of(const uint8_t *frame)
{
	uint32_t number;

	memcpy(&number, frame + 14, sizeof(number));
	return number;
}

static void
transmit(struct ebpf_pair_end *pair, uint8_t to, uint8_t from, uint32_t number)
{
	uint8_t frame[FRAME];

	frame_make(frame, to, from, number);
	if (!ebpf_pair_put(pair, frame, FRAME))
		tap_ok(false, "frame %u finds room", number);
	ebpf_pair_flush(pair);
}

/* The number of the next frame of ours, or -1 after some time. */
static int64_t
arrive(struct ebpf_pair_end *pair, int ms)
{
	uint64_t stop = os_time_ns() + (uint64_t)ms * 1000000;
	const uint8_t *frame;
	int64_t number;
	uint32_t len;

	do {
		frame = ebpf_pair_peek(pair, &len);
		if (!frame) {
			nap();
			continue;
		}
		number = -1;
		if (len >= 18 && frame[12] == TEST_TYPE >> 8 &&
		    frame[13] == (TEST_TYPE & 0xff))
			number = number_of(frame);
		ebpf_pair_next(pair);
		if (number >= 0)
			return number;
	} while (os_time_ns() < stop);
	return -1;
}

static void
silent(struct ebpf_pair_end *pair, const char *what)
{
	int64_t number = arrive(pair, 20);

	tap_ok(number == -1, "%s (%lld)", what, (long long)number);
}

/* ---- names and ports ---- */

#define DIGITS "01234567890123456789"
#define TOO_LONG "vale" DIGITS DIGITS DIGITS

static void
test_names(void)
{
	static const char *const bad[] = {
		"", "val", "VALE0", "vale-1", "vale 0", "vale0:", "xvale",
		"vale/0", TOO_LONG,
	};
	size_t i;

	begin();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(ops->create(set, bad[i], 0) != 0, "no switch '%s'",
		       bad[i]);
	TAP_CHECK(ops->create(set, "vale1", 7) == 0);
	TAP_CHECK(ops->create(set, "vale0", 7) == 0);
	TAP_CHECK(ops->create(set, "vale", 7) == 0);
	TAP_CHECK(ops->create(set, "vale_A", 7) == 0);
	TAP_CHECK(ops->create(set, "vale1", 7) == -EBPF_EEXIST);
	TAP_CHECK(!ops->next(set, "", &info) && !strcmp(info.name, "vale"));
	TAP_CHECK(!ops->next(set, "vale", &info) &&
		  !strcmp(info.name, "vale0") && info.uid == 7 &&
		  info.size == sizeof(info));
	TAP_CHECK(!ops->next(set, "vale00", &info) &&
		  !strcmp(info.name, "vale1"));
	TAP_CHECK(!ops->next(set, "vale1", &info) &&
		  !strcmp(info.name, "vale_A"));
	TAP_CHECK(ops->next(set, "vale_A", &info) == -EBPF_ENOENT);
	TAP_CHECK(ops->destroy(set, "vale0") == 0);
	TAP_CHECK(ops->destroy(set, "vale0") == -EBPF_ENOENT);
	TAP_CHECK(ops->info(set, "vale0", &info) == -EBPF_ENOENT);
	TAP_CHECK(ops->start(set, "vale0", 0, &info) == -EBPF_ENOENT);
	TAP_CHECK(add("vale0", "", "pair:x") == -EBPF_ENOENT && !*why);
	TAP_CHECK(switch_info("vale1")->state == EBPF_SWITCH_LIVE);
	end();
}

static void
test_indices(void)
{
	char name[32];
	uint32_t i;

	begin();
	ops->create(set, "vale0", 0);
	for (i = 0; i < EBPF_VALE_PORT_MAX; i++) {
		snprintf(name, sizeof(name), "pair:p%u", i);
		if (add("vale0", "", name) || port.index != i)
			break;
	}
	tap_ok(i == EBPF_VALE_PORT_MAX, "%u ports, indices in order", i);
	TAP_CHECK(add("vale0", "", "pair:more") == -EBPF_ELIMIT && *why);
	TAP_CHECK(switch_info("vale0")->port_count == EBPF_VALE_PORT_MAX);
	TAP_CHECK(ops->port_del(set, "vale0", 200, "") == 0);
	TAP_CHECK(ops->port_del(set, "vale0", 0, "p3") == 0);
	TAP_CHECK(ops->port_del(set, "vale0", 200, "") == -EBPF_ENOENT);
	TAP_CHECK(ops->port_del(set, "vale0", 0, "p3") == -EBPF_ENOENT);
	TAP_CHECK(ops->port_del(set, "vale0", 4000000000u, "") ==
		  -EBPF_ENOENT);
	TAP_CHECK(!ops->port_info(set, "vale0", 3, &port) && port.index == 4 &&
		  !strcmp(port.port_name, "p4") && !strcmp(port.kind, "pair") &&
		  !strcmp(port.spec, "pair:p4"));
	TAP_CHECK(!add("vale0", "named", "pair:a") && port.index == 3);
	TAP_CHECK(!add("vale0", "", "pair:named") && port.index == 200 &&
		  !strcmp(port.port_name, "named.2"));
	TAP_CHECK(ops->port_info(set, "vale0", 254, &port) == -EBPF_ENOENT);
	end();
}

static void
refused(const char *specification, int error, const char *words)
{
	int got = add("vale0", "", specification);

	tap_ok(got == error && strstr(why, words), "%.60s: %d %s",
	       specification, got, why);
}

static void
test_specifications(void)
{
	uint8_t frame[FRAME];
	FILE *file;
	char text[600];

	begin();
	frame_make(frame, 1, 2, 0);
	file = capture_create(path("in.pcap"), false, 1);
	capture_put(file, false, 0, frame, FRAME, FRAME);
	fclose(file);
	fclose(capture_create(path("raw.pcap"), false, 101));
	file = fopen(path("text.pcap"), "w");
	fprintf(file, "this is not a capture, whatever its name may say\n");
	fclose(file);
	fclose(fopen(path("empty.pcap"), "w"));
	if (link(path("in.pcap"), path("same.pcap")))
		tap_diag("link: %s", strerror(errno));

	ops->create(set, "vale0", 0);
	refused("", -EBPF_EINVAL, "unknown kind");
	refused("pcap", -EBPF_EINVAL, "argument");
	refused("pcap:", -EBPF_EINVAL, "argument");
	refused("nothing:x", -EBPF_EINVAL, "unknown kind of port 'nothing'");
	refused("pcap:relative.pcap", -EBPF_EINVAL, "absolute");
	refused(spec(path("in.pcap"), "out.pcap"), -EBPF_EINVAL, "absolute");
	snprintf(text, sizeof(text), "pcap:%s,", path("in.pcap"));
	refused(text, -EBPF_EINVAL, "comma");
	refused(spec(path("missing.pcap"), NULL), -EBPF_ENOENT, "missing.pcap");
	refused(spec(folder, NULL), -EBPF_EINVAL, "not a regular file");
	refused(spec("/dev/zero", NULL), -EBPF_EINVAL, "not a regular file");
	refused(spec(path("text.pcap"), path("o.pcap")), -EBPF_EINVAL,
		"not a capture");
	refused(spec(path("empty.pcap"), NULL), -EBPF_EINVAL, "not a capture");
	refused(spec(path("raw.pcap"), path("o.pcap")), -EBPF_EINVAL, "RAW");
	refused(spec(path("in.pcap"), path("no/out.pcap")), -EBPF_ENOENT,
		"folder");
	refused(spec(path("in.pcap"), folder), -EBPF_EINVAL, folder);
	refused(spec(path("in.pcap"), path("in.pcap")), -EBPF_EINVAL,
		"same file");
	refused(spec(path("in.pcap"), path("same.pcap")), -EBPF_EINVAL,
		"same file");
	refused("tap:a/b", -EBPF_EINVAL, "name");
	refused("tap:gebpf%d", -EBPF_EINVAL, "name");
	refused("tap:muchtoolongforaninterface", -EBPF_EINVAL, "name");
	refused("if:gebpf-not-there", -EBPF_ENOENT, "no interface");
	memset(text, 'x', sizeof(text));
	memcpy(text, "pair:", 5);
	text[100] = '\0';
	refused(text, -EBPF_EINVAL, "pair");
	tap_ok(access(path("o.pcap"), F_OK) != 0, "no OUT is left behind");
	TAP_CHECK(switch_info("vale0")->port_count == 0);

	TAP_CHECK(!add("vale0", "a", spec(path("in.pcap"), path("out.pcap"))));
	TAP_CHECK(add("vale0", "a", "pair:x") == -EBPF_EEXIST &&
		  strstr(why, "'a'"));
	TAP_CHECK(add("vale0", "12", "pair:x") == -EBPF_EINVAL && *why);
	TAP_CHECK(add("vale0", "a/b", "pair:x") == -EBPF_EINVAL && *why);
	TAP_CHECK(add("vale0", "a b", "pair:x") == -EBPF_EINVAL && *why);
	refused(spec(path("in.pcap"), path("out.pcap")), -EBPF_EBUSY,
		"another port");
	refused(spec(path("same.pcap"), path("out.pcap")), -EBPF_EBUSY,
		"another port");
	file = capture_create(path("other.pcap"), false, 1);
	fclose(file);
	refused(spec(path("other.pcap"), path("in.pcap")), -EBPF_EBUSY,
		"another port");
	added("vale0", "pair:x");
	added("vale0", "pair:x");
	refused("pair:x", -EBPF_EBUSY, "both");
	/* Files are free again when their port goes. */
	ops->port_del(set, "vale0", 0, "a");
	TAP_CHECK(!add("vale0", "", spec(path("in.pcap"), path("out.pcap"))) &&
		  port.index == 0 && !strcmp(port.port_name, "in"));
	end();
	TAP_CHECK(!unlink(path("same.pcap")));
}

/* Memory runs out at every point of making a set, a switch and a port. */
static void
test_no_memory(void)
{
	uint32_t n, steps = 0;
	int error = 0;
	bool failed;

	if (ebpf_runtime_create(NULL, &rt))
		return;
	for (n = 1; n < 100; n++) {
		set = NULL;
		os_test_fail_at(n);
		error = ebpf_vswitch_create(rt, &set);
		if (!error)
			error = ops->create(set, "vale0", 0);
		if (!error)
			error = add("vale0", "", "pair:x");
		failed = os_test_failed();
		os_test_fail_at(0);
		if (failed) {
			steps++;
			if (error != -EBPF_ENOMEM)
				break;
		}
		ebpf_vswitch_destroy(set);
		if (!failed)
			break;
	}
	tap_ok(!failed && !error && steps > 0,
	       "%u allocations of the engine fail, one at a time", steps);
	ebpf_runtime_destroy(rt);
}

/* ---- learning and verdicts ---- */

static struct ebpf_pair_end *ends[4];

/* vale0 with `count` pair ports whose other ends we hold. */
static void
three(uint32_t count)
{
	char name[16];
	uint32_t i;

	begin();
	ops->create(set, "vale0", 0);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "pair:p%u", i);
		added("vale0", name);
		if (ebpf_pair_open(set, name + 5, &ends[i]))
			tap_ok(false, "end of %s", name);
	}
}

static void
three_end(uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		ebpf_pair_close(ends[i]);
	end();
}

static void
test_learning(void)
{
	struct ebpf_pair_end *third;

	three(3);
	TAP_CHECK(ebpf_pair_open(set, "p0", &third) == -EBPF_EBUSY);
	transmit(ends[0], 0x20, 0x10, 1); /* unknown: to all but its port */
	TAP_CHECK(arrive(ends[1], WAIT_MS) == 1);
	TAP_CHECK(arrive(ends[2], WAIT_MS) == 1);
	silent(ends[0], "not back to where it came from");
	transmit(ends[1], 0x10, 0x20, 2); /* learned */
	TAP_CHECK(arrive(ends[0], WAIT_MS) == 2);
	silent(ends[2], "not to others");
	transmit(ends[0], 0x20, 0x10, 3);
	TAP_CHECK(arrive(ends[1], WAIT_MS) == 3);
	silent(ends[2], "not to others");
	transmit(ends[2], 0xff, 0x30, 4); /* broadcast */
	TAP_CHECK(arrive(ends[0], WAIT_MS) == 4);
	TAP_CHECK(arrive(ends[1], WAIT_MS) == 4);
	transmit(ends[0], 0x10, 0x40, 5); /* a neighbour on its own port */
	silent(ends[1], "nothing for others");
	TAP_CHECK(switch_info("vale0")->verdicts.reflected == 1);
	TAP_CHECK(info.frames == 5 && info.bytes == 5 * FRAME);
	TAP_CHECK(info.verdicts.broadcast == 2 && info.verdicts.port == 3);
	TAP_CHECK(info.verdicts.learned == 5);
	TAP_CHECK(info.state == EBPF_SWITCH_LIVE);
	TAP_CHECK(port_info("vale0", 0)->rx_frames == 3 &&
		  port.rx_bytes == 3 * FRAME && port.tx_frames == 2 &&
		  port.tx_bytes == 2 * FRAME && port.tx_drops == 0);
	TAP_CHECK(port_info("vale0", 2)->verdicts.broadcast == 1);
	/* A host moves: its port goes, another learns it. */
	ops->port_del(set, "vale0", 1, "");
	transmit(ends[0], 0x20, 0x10, 6);
	TAP_CHECK(arrive(ends[2], WAIT_MS) == 6);
	ops->port_del(set, "vale0", 2, "");
	transmit(ends[0], 0xff, 0x10, 7);
	silent(ends[2], "a port that has gone gets nothing");
	TAP_CHECK(!ebpf_pair_put(ends[2], "12345678901234", 14));
	/* Lengths that are no frames do not enter the ring. */
	TAP_CHECK(!ebpf_pair_put(ends[0], "1234567890123", 13));
	three_end(3);
}

static void
test_verdicts(void)
{
	struct ebpf_prog *prog;
	struct ebpf_link *link = NULL, *second = NULL;

	three(3);
	prog = verdict_prog(2);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale9", prog, false, 0,
				   &link) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	TAP_CHECK(switch_info("vale0")->link_id == link->obj.id &&
		  info.prog_id == prog->obj.id && info.prog_id);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &second) == -EBPF_EBUSY);
	ebpf_prog_put(prog);
	transmit(ends[0], 0xff, 0x10, 1);
	TAP_CHECK(arrive(ends[2], WAIT_MS) == 1);
	silent(ends[1], "the program decides");
	transmit(ends[2], 0xff, 0x10, 2);
	silent(ends[2], "a frame does not go back");

	prog = verdict_prog(EBPF_VALE_BROADCAST);
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == 0);
	TAP_CHECK(switch_info("vale0")->prog_id == prog->obj.id);
	ebpf_prog_put(prog);
	transmit(ends[1], 0x10, 0x20, 3);
	TAP_CHECK(arrive(ends[0], WAIT_MS) == 3);
	TAP_CHECK(arrive(ends[2], WAIT_MS) == 3);
	silent(ends[1], "broadcast leaves out its port");

	prog = verdict_prog(EBPF_VALE_DROP);
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == 0);
	ebpf_prog_put(prog);
	transmit(ends[1], 0xff, 0x20, 4);
	silent(ends[0], "dropped");
	prog = verdict_prog(256);
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == 0);
	ebpf_prog_put(prog);
	transmit(ends[1], 0xff, 0x20, 5);
	silent(ends[0], "an invalid verdict drops");
	prog = verdict_prog(77);
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == 0);
	transmit(ends[1], 0xff, 0x20, 6);
	silent(ends[0], "no such port");
	TAP_CHECK(switch_info("vale0")->verdicts.drop == 1 &&
		  info.verdicts.invalid == 1 && info.verdicts.no_port == 1 &&
		  info.verdicts.reflected == 1 &&
		  info.verdicts.broadcast == 1 && info.verdicts.learned == 0);
	TAP_CHECK(port_info("vale0", 1)->verdicts.no_port == 1 &&
		  port.verdicts.invalid == 1 && port.verdicts.reflected == 0);

	/* Another link takes over in one step; the first one is told. */
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, true, 0,
				   &second) == 0);
	TAP_CHECK(link->state == EBPF_LINK_DETACHED);
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == -EBPF_ESTALE);
	TAP_CHECK(ebpf_link_detach(link) == -EBPF_ESTALE);
	TAP_CHECK(switch_info("vale0")->link_id == second->obj.id);
	ebpf_object_put(&link->obj);

	TAP_CHECK(ebpf_link_detach(second) == 0);
	TAP_CHECK(switch_info("vale0")->link_id == 0 && info.prog_id == 0);
	transmit(ends[1], 0xff, 0x20, 7);
	TAP_CHECK(arrive(ends[0], WAIT_MS) == 7);
	ebpf_object_put(&second->obj);

	/* The switch goes: the link stays and says so. */
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	TAP_CHECK(ops->destroy(set, "vale0") == 0);
	TAP_CHECK(link->state == EBPF_LINK_STALE);
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == -EBPF_ESTALE);
	/* A new switch of this name has nothing to do with it. */
	ops->create(set, "vale0", 0);
	TAP_CHECK(ebpf_link_detach(link) == -EBPF_ESTALE);
	TAP_CHECK(switch_info("vale0")->link_id == 0);
	ebpf_object_put(&link->obj);
	ebpf_prog_put(prog);
	three_end(3);
}

static void
test_two_switches(void)
{
	struct ebpf_pair_end *left, *right;

	begin();
	ops->create(set, "vale0", 0);
	ops->create(set, "vale1", 0);
	added("vale0", "pair:left");
	added("vale0", "pair:middle");
	added("vale1", "pair:middle");
	added("vale1", "pair:right");
	TAP_CHECK(!ebpf_pair_open(set, "left", &left));
	TAP_CHECK(!ebpf_pair_open(set, "right", &right));
	transmit(left, 0xff, 0x10, 1);
	TAP_CHECK(arrive(right, WAIT_MS) == 1);
	transmit(right, 0x10, 0x20, 2);
	TAP_CHECK(arrive(left, WAIT_MS) == 2);
	TAP_CHECK(ops->destroy(set, "vale1") == 0);
	transmit(left, 0xff, 0x10, 3);
	silent(right, "behind a switch that went");
	TAP_CHECK(port_info("vale0", 1)->tx_drops == 1);
	ebpf_pair_close(left);
	ebpf_pair_close(right);
	end();
}

/* ---- replay ---- */

enum {
	PORTS = 3,
	EACH = 3000,
	HOSTS = 6, /* two behind each port */
};

static uint32_t
chance(uint32_t below)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % below;
}

/* Captures of three ports, with many equal time stamps. */
static void
replay_inputs(bool nano)
{
	uint8_t frame[1500];
	uint64_t time_ns;
	uint32_t p, i, len;
	char name[16];
	FILE *file;

	for (p = 0; p < PORTS; p++) {
		snprintf(name, sizeof(name), "in%u.pcap", p);
		file = capture_create(path(name), nano, 1);
		time_ns = 1700000000ull * 1000000000;
		for (i = 0; i < EACH; i++) {
			memset(frame, (int)i, sizeof(frame));
			frame_make(frame,
				   chance(8) ? (uint8_t)(2 + 2 * chance(HOSTS)) :
					       0xff,
				   (uint8_t)(2 + 2 * (p * 2 + chance(2))), i);
			frame[18] = (uint8_t)p;
			len = FRAME + chance(sizeof(frame) - FRAME);
			time_ns += chance(3) * (nano ? 1 : 1000);
			capture_put(file, nano, time_ns, frame, len,
				    len + chance(2) * 100);
		}
		fclose(file);
	}
}

/* What a learning bridge must do with them, said as simply as possible. */
static uint32_t
replay_check(void)
{
	struct capture *in[PORTS], *out[PORTS];
	uint32_t at[PORTS] = { 0 }, seen[PORTS] = { 0 }, p, best, to, wrong = 0;
	const struct capture_frame *frame, *sent;
	int learned[256];
	char name[16];

	memset(learned, -1, sizeof(learned));
	for (p = 0; p < PORTS; p++) {
		snprintf(name, sizeof(name), "in%u.pcap", p);
		in[p] = capture_read(path(name));
		snprintf(name, sizeof(name), "out%u.pcap", p);
		out[p] = capture_read(path(name));
		if (!in[p] || !out[p])
			return ~0u;
		wrong += in[p]->nano != out[p]->nano || !out[p]->whole;
	}
	for (;;) {
		best = PORTS;
		for (p = 0; p < PORTS; p++)
			if (at[p] < in[p]->count &&
			    (best == PORTS ||
			     in[p]->frames[at[p]].time_ns <
				     in[best]->frames[at[best]].time_ns))
				best = p;
		if (best == PORTS)
			break;
		frame = &in[best]->frames[at[best]++];
		learned[frame->data[7]] = (int)best;
		to = frame->data[0] == 0xff || learned[frame->data[1]] < 0 ?
			     EBPF_VALE_BROADCAST :
			     (uint32_t)learned[frame->data[1]];
		for (p = 0; p < PORTS; p++) {
			if (p == best || (to != EBPF_VALE_BROADCAST && p != to))
				continue;
			sent = &out[p]->frames[seen[p]];
			if (seen[p]++ >= out[p]->count) {
				wrong++;
				continue;
			}
			wrong += sent->len != frame->len ||
				 sent->wire_len != frame->wire_len ||
				 sent->time_ns != frame->time_ns ||
				 memcmp(sent->data, frame->data, frame->len);
		}
	}
	for (p = 0; p < PORTS; p++) {
		wrong += seen[p] != out[p]->count;
		free(in[p]);
		free(out[p]);
	}
	return wrong;
}

static void
replay_ports(void)
{
	char in[16], out[16];
	uint32_t p;

	for (p = 0; p < PORTS; p++) {
		snprintf(in, sizeof(in), "in%u.pcap", p);
		snprintf(out, sizeof(out), "out%u.pcap", p);
		added("vale0", spec(path(in), path(out)));
	}
}

static void
test_replay(bool nano)
{
	uint32_t wrong, round, i;

	replay_inputs(nano);
	for (round = 0; round < 2; round++) {
		begin();
		ops->create(set, "vale0", 0);
		replay_ports();
		TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_IDLE);
		TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
		TAP_CHECK(info.state == EBPF_SWITCH_DONE && !info.error);
		TAP_CHECK(info.frames == PORTS * EACH);
		wrong = replay_check();
		tap_ok(wrong == 0, "%s replay is what a bridge does: %u wrong",
		       nano ? "nanosecond" : "microsecond", wrong);
		TAP_CHECK(info.verdicts.learned == PORTS * EACH);
		for (i = 0; i < PORTS; i++)
			TAP_CHECK(port_info("vale0", i)->rx_frames == EACH &&
				  !port.rx_drops && !port.tx_drops);
		TAP_CHECK(ops->start(set, "vale0", 1000, &info) == 0 &&
			  info.state == EBPF_SWITCH_DONE &&
			  info.frames == PORTS * EACH);
		end();
	}
}

/* A port that comes later waits for the next start. */
static void
test_replay_again(void)
{
	struct capture *out;
	uint32_t before;

	begin();
	ops->create(set, "vale0", 0);
	replay_ports();
	ops->start(set, "vale0", 60000, &info);
	before = (uint32_t)port_info("vale0", 0)->tx_frames;
	ops->port_del(set, "vale0", 2, "");
	added("vale0", spec(path("in2.pcap"), path("out2.pcap")));
	TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_IDLE);
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0 &&
		  info.state == EBPF_SWITCH_DONE);
	TAP_CHECK(info.frames == (PORTS + 1) * EACH);
	out = capture_read(path("out0.pcap"));
	TAP_CHECK(out && out->whole &&
		  out->count == port_info("vale0", 0)->tx_frames &&
		  out->count > before);
	free(out);
	end();
}

static void
test_formats(void)
{
	static uint8_t frame[70000];
	struct capture *out;
	uint32_t i;
	FILE *file;

	file = capture_create_ng(path("in.pcapng"));
	for (i = 0; i < 10; i++) {
		frame_make(frame, 0xff, 2, i);
		capture_put_ng(file, 1700000000123456789ull + i, frame,
			       FRAME + i);
	}
	fclose(file);
	file = capture_create(path("odd.pcap"), false, 1);
	frame_make(frame, 0xff, 4, 0);
	capture_put(file, false, 5000, frame, 13, 13);
	capture_put(file, false, 5000, frame, 14, 14);
	capture_put(file, false, 5000, frame, 65535, 65535);
	capture_put(file, false, 5000, frame, 65536, 65536);
	capture_put(file, false, 5000, frame, 0, 0);
	capture_put(file, false, 5000, frame, 40, 1514);
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("in.pcapng"), path("out0.pcap")));
	added("vale0", spec(path("odd.pcap"), path("out1.pcap")));
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0 &&
		  info.state == EBPF_SWITCH_DONE);
	out = capture_read(path("out1.pcap"));
	TAP_CHECK(out && out->nano && out->whole && out->count == 10);
	for (i = 0; out && i < out->count; i++)
		if (out->frames[i].time_ns != 1700000000123456789ull + i ||
		    out->frames[i].len != FRAME + i)
			break;
	tap_ok(i == 10, "pcapng keeps its nanoseconds");
	free(out);
	out = capture_read(path("out0.pcap"));
	TAP_CHECK(out && out->whole && out->count == 3);
	TAP_CHECK(out && out->frames[0].len == 14 &&
		  out->frames[1].len == 65535);
	tap_ok(out && out->frames[2].len == 40 &&
		       out->frames[2].wire_len == 1514,
	       "a frame captured in part is forwarded in part");
	free(out);
	TAP_CHECK(port_info("vale0", 1)->rx_drops == 3 && port.rx_frames == 3);
	end();
}

/* Input that breaks off: what came before is delivered, and it is told. */
static void
test_truncated(void)
{
	struct capture *out;
	uint8_t frame[FRAME];
	uint32_t i;
	FILE *file;

	file = capture_create(path("cut.pcap"), false, 1);
	for (i = 0; i < 100; i++) {
		frame_make(frame, 0xff, 2, i);
		capture_put(file, false, i * 1000, frame, FRAME, FRAME);
	}
	fclose(file);
	if (truncate(path("cut.pcap"), 24 + 99 * (16 + FRAME) + 30))
		tap_diag("truncate: %s", strerror(errno));
	file = capture_create(path("fine.pcap"), false, 1);
	for (i = 0; i < 200; i++) {
		frame_make(frame, 0xff, 4, i);
		capture_put(file, false, i * 1000, frame, FRAME, FRAME);
	}
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("fine.pcap"), path("out0.pcap")));
	added("vale0", spec(path("cut.pcap"), path("out1.pcap")));
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
	TAP_CHECK(info.state == EBPF_SWITCH_FAILED && info.error_port == 1 &&
		  info.error == -EBPF_EIO);
	tap_ok(strstr(info.error_text, "cut.pcap") &&
		       strstr(info.error_text, "99 frames"),
	       "%s", info.error_text);
	out = capture_read(path("out0.pcap"));
	TAP_CHECK(out && out->whole && out->count == 99);
	free(out);
	out = capture_read(path("out1.pcap"));
	TAP_CHECK(out && out->whole && out->count == 200);
	free(out);
	TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_FAILED);
	TAP_CHECK(ops->port_del(set, "vale0", 1, "") == 0);
	TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_DONE);
	end();
}

static void
test_full_disk(void)
{
	struct rlimit limit, old;
	struct capture *out;
	uint32_t p;

	replay_inputs(false);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("in0.pcap"), path("out0.pcap")));
	added("vale0", spec(path("in1.pcap"), "/dev/full"));
	added("vale0", spec(path("in2.pcap"), NULL));
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
	TAP_CHECK(info.state == EBPF_SWITCH_FAILED &&
		  info.error == -EBPF_ENOSPC && info.error_port == 1);
	tap_ok(strstr(info.error_text, "/dev/full") != NULL, "%s",
	       info.error_text);
	TAP_CHECK(port_info("vale0", 1)->tx_frames == 0 && port.tx_drops > 0);
	TAP_CHECK(port_info("vale0", 0)->tx_drops == 0 && port.tx_frames > 0);
	/* Without OUT frames are taken and forgotten. */
	TAP_CHECK(port_info("vale0", 2)->tx_drops == 0 && port.tx_frames > 0);
	end();

	/* Full in the middle: whole records stay, and the counters know. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 700001;
	begin();
	ops->create(set, "vale0", 0);
	replay_ports();
	fflush(stdout);
	setrlimit(RLIMIT_FSIZE, &limit);
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
	setrlimit(RLIMIT_FSIZE, &old);
	TAP_CHECK(info.state == EBPF_SWITCH_FAILED &&
		  info.error == -EBPF_ENOSPC);
	for (p = 0; p < PORTS; p++) {
		out = capture_read(path(p == 0 ? "out0.pcap" :
					p == 1 ? "out1.pcap" :
						 "out2.pcap"));
		port_info("vale0", p);
		tap_ok(out && out->whole && out->count == port.tx_frames &&
			       port.tx_drops > 0 && out->count > 0,
		       "port %u: %u frames in the file, %llu sent, %llu "
		       "dropped", p, out ? out->count : 0,
		       (unsigned long long)port.tx_frames,
		       (unsigned long long)port.tx_drops);
		free(out);
	}
	end();
}

/* Frames from live ports reach a capture once it has been started. */
static void
test_mixed(void)
{
	struct ebpf_pair_end *live;
	struct capture *out;
	uint32_t i;
	FILE *file;

	file = capture_create(path("none.pcap"), false, 1);
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("none.pcap"), path("live.pcap")));
	added("vale0", "pair:live");
	TAP_CHECK(!ebpf_pair_open(set, "live", &live));
	transmit(live, 0xff, 2, 1);
	for (i = 0; i < WAIT_MS && port_info("vale0", 0)->tx_drops == 0; i++)
		nap();
	TAP_CHECK(port.tx_drops == 1);
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0 &&
		  info.state == EBPF_SWITCH_DONE);
	transmit(live, 0xff, 2, 2);
	for (i = 0; i < WAIT_MS && port_info("vale0", 0)->tx_frames == 0; i++)
		nap();
	out = capture_read(path("live.pcap"));
	TAP_CHECK(out && out->count == 1 && number_of(out->frames[0].data) == 2);
	free(out);
	ebpf_pair_close(live);
	end();
}

/* Waiters return when the switch is destroyed or all is stopped. */
static void *
wait_main(void *result)
{
	struct ebpf_rep_switch_info mine;

	*(int *)result = ops->start(set, "vale0", 60000, &mine);
	return NULL;
}

static void
test_stop_in_replay(bool destroy)
{
	struct capture *out;
	pthread_t waiter;
	uint64_t start;
	int result = 1;
	uint32_t i;
	FILE *file;
	uint8_t frame[1500];

	file = capture_create(path("long.pcap"), false, 1);
	memset(frame, 7, sizeof(frame));
	frame_make(frame, 0xff, 2, 0);
	for (i = 0; i < 20000; i++)
		capture_put(file, false, i * 1000, frame, 1500, 1500);
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("long.pcap"), path("long0.pcap")));
	for (i = 1; i < 40; i++)
		added("vale0", spec(path("in0.pcap"), "/dev/null"));
	start = os_time_ns();
	pthread_create(&waiter, NULL, wait_main, &result);
	while (switch_info("vale0")->state == EBPF_SWITCH_IDLE)
		nap();
	if (destroy)
		TAP_CHECK(ops->destroy(set, "vale0") == 0);
	else
		ebpf_vswitch_stop(set);
	pthread_join(waiter, NULL);
	tap_ok(destroy ? result == -EBPF_ESTALE || result == 0 : result == 0,
	       "a waiter returns (%d) after %llu ms", result,
	       (unsigned long long)(os_time_ns() - start) / 1000000);
	out = capture_read(path("long0.pcap"));
	TAP_CHECK(out && out->whole);
	free(out);
	if (!destroy) {
		TAP_CHECK(ops->create(set, "vale5", 0) == -EBPF_ECANCELED);
		TAP_CHECK(add("vale0", "", "pair:x") == -EBPF_ECANCELED);
		TAP_CHECK(ops->start(set, "vale0", 0, &info) ==
			  -EBPF_ECANCELED);
	}
	end();
}

/* ---- under traffic ---- */

enum {
	REPLACES = 10000,
	WINDOW = 256, /* frames on their way, so that no ring is ever full */
	FRAMES_A_REPLACE = 10,
};

struct traffic {
	struct ebpf_pair_end *from;
	uint32_t stop;	    /* atomic: no more frames, please */
	uint32_t done;	    /* atomic: the last frame was sent */
	uint32_t sent;	    /* atomic */
	uint32_t received;  /* atomic */
	struct ebpf_pair_end *to[2];
	uint32_t to_count;
	uint32_t misplaced; /* receiver only: twice, or out of order */
	uint32_t by_port[2];
};

static void *
sender_main(void *cookie)
{
	struct traffic *t = cookie;
	uint8_t frame[FRAME];
	uint32_t number = 0, burst;

	while (!os_load_acquire(&t->stop)) {
		for (burst = 0; burst < 32; burst++) {
			if (number - os_load_acquire(&t->received) >= WINDOW)
				break;
			frame_make(frame, 0x20, 0x10, number);
			if (!ebpf_pair_put(t->from, frame, FRAME))
				break;
			number++;
		}
		ebpf_pair_flush(t->from);
		os_store_release(&t->sent, number);
		if (burst < 32)
			sched_yield();
	}
	return NULL;
}

static void *
receiver_main(void *cookie)
{
	struct traffic *t = cookie;
	uint32_t i, len, total = 0;
	int64_t last[2] = { -1, -1 };
	const uint8_t *frame;
	uint64_t idle = os_time_ns();
	bool some;

	for (;;) {
		some = false;
		for (i = 0; i < t->to_count; i++) {
			while ((frame = ebpf_pair_peek(t->to[i], &len))) {
				t->misplaced += number_of(frame) <= last[i];
				last[i] = number_of(frame);
				t->by_port[i]++;
				total++;
				ebpf_pair_next(t->to[i]);
				some = true;
			}
		}
		os_store_release(&t->received, total);
		if (some) {
			idle = os_time_ns();
			continue;
		}
		if (os_load_acquire(&t->done) &&
		    total >= os_load_acquire(&t->sent))
			break;
		if (os_time_ns() - idle > 5000000000ull)
			break; /* something was lost */
		sched_yield();
	}
	return NULL;
}

/* The receiver counts until it has all that the sender sent in the end. */
static void
traffic_end(struct traffic *t, pthread_t sender, pthread_t receiver)
{
	os_store_release(&t->stop, 1);
	pthread_join(sender, NULL);
	os_store_release(&t->done, 1);
	pthread_join(receiver, NULL);
}

/* Each frame goes to exactly one of two ports, whichever program decides. */
static void
test_replace(void)
{
	struct ebpf_prog *progs[2];
	struct traffic t = { 0 };
	struct ebpf_link *link = NULL, *next;
	pthread_t sender, receiver;
	uint32_t i, refused_count = 0;
	uint64_t start;

	three(3);
	progs[0] = verdict_prog(1);
	progs[1] = verdict_prog(2);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", progs[0], false,
				   0, &link) == 0);
	t.from = ends[0];
	t.to[0] = ends[1];
	t.to[1] = ends[2];
	t.to_count = 2;
	start = os_time_ns();
	pthread_create(&receiver, NULL, receiver_main, &t);
	pthread_create(&sender, NULL, sender_main, &t);
	for (i = 0; i < REPLACES; i++) {
		/* The flow keeps pace, or there would be nothing to disturb. */
		while (os_load_acquire(&t.received) <
			       i * FRAMES_A_REPLACE &&
		       os_time_ns() - start < 20000000000ull)
			sched_yield();
		if (i % 100) {
			refused_count +=
				ebpf_link_update(link, progs[chance(2)],
						 NULL) != 0;
			continue;
		}
		/* by another link, too */
		if (ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0",
				     progs[chance(2)], true, 0, &next)) {
			refused_count++;
			continue;
		}
		ebpf_object_put(&link->obj);
		link = next;
	}
	traffic_end(&t, sender, receiver);
	tap_ok(refused_count == 0, "%u replaces in %llu ms", i,
	       (unsigned long long)(os_time_ns() - start) / 1000000);
	tap_ok(t.received == t.sent && t.sent >= REPLACES,
	       "%u frames sent, %u received", t.sent, t.received);
	tap_ok(t.misplaced == 0, "none twice or out of order (%u)",
	       t.misplaced);
	tap_ok(t.by_port[0] && t.by_port[1], "both programs decided: %u, %u",
	       t.by_port[0], t.by_port[1]);
	TAP_CHECK(port_info("vale0", 1)->tx_drops == 0 &&
		  port_info("vale0", 2)->tx_drops == 0);
	TAP_CHECK(switch_info("vale0")->frames == t.sent &&
		  info.verdicts.port == t.sent);
	ebpf_link_detach(link);
	ebpf_object_put(&link->obj);
	ebpf_prog_put(progs[0]);
	ebpf_prog_put(progs[1]);
	three_end(3);
}

/* Other ports come and go, switches too; one flow must not notice. */
static void
test_ports_under_traffic(void)
{
	struct ebpf_prog *prog;
	struct ebpf_link *link = NULL;
	struct traffic t = { 0 };
	pthread_t sender, receiver;
	uint32_t i, index, failed = 0;
	char name[32];

	three(2);
	prog = verdict_prog(1);
	ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0, &link);
	t.from = ends[0];
	t.to[0] = ends[1];
	t.to_count = 1;
	pthread_create(&receiver, NULL, receiver_main, &t);
	pthread_create(&sender, NULL, sender_main, &t);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "pair:extra%u", i % 7);
		failed += add("vale0", "", name) != 0;
		index = port.index;
		failed += add("vale0", "", name) != 0;
		failed += add("vale0", "", spec(path("in0.pcap"),
						path("x.pcap"))) != 0;
		failed += ops->port_del(set, "vale0", port.index, "") != 0;
		failed += ops->port_del(set, "vale0", index, "") != 0;
		failed += ops->port_del(set, "vale0", index + 1, "") != 0;
		failed += switch_info("vale0")->port_count != 2;
		if (i % 10 == 0) {
			failed += ops->create(set, "vale1", 0) != 0;
			failed += add("vale1", "", "pair:y") != 0;
			failed += ops->destroy(set, "vale1") != 0;
		}
	}
	traffic_end(&t, sender, receiver);
	tap_ok(failed == 0, "ports come and go (%u failed)", failed);
	tap_ok(t.received == t.sent && t.sent > 0 && !t.misplaced,
	       "%u frames sent, %u received, %u misplaced", t.sent, t.received,
	       t.misplaced);
	ebpf_link_detach(link);
	ebpf_object_put(&link->obj);
	ebpf_prog_put(prog);
	three_end(2);
}

/* ---- ports of the kernel ---- */

static int
tap_make(const char *name)
{
	struct ifreq request;
	int up, fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	up = socket(AF_INET, SOCK_DGRAM, 0);
	request.ifr_flags = IFF_UP;
	if (ioctl(up, SIOCSIFFLAGS, &request))
		tap_diag("up: %s", strerror(errno));
	close(up);
	return fd;
}

/* The next frame of ours on a file that gives whole frames. */
static int64_t
read_number(int fd)
{
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull;
	uint8_t frame[2048];
	ssize_t n;

	while (os_time_ns() < stop) {
		n = read(fd, frame, sizeof(frame));
		if (n >= FRAME && frame[12] == TEST_TYPE >> 8 &&
		    frame[13] == (TEST_TYPE & 0xff))
			return number_of(frame);
		if (n < 0)
			nap();
	}
	return -1;
}

static void
test_kernel_ports(void)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	struct ebpf_pair_end *pair;
	char first[IFNAMSIZ], second[IFNAMSIZ], text[32];
	uint8_t frame[FRAME];
	int fd, packet;

	/* Other runs of this test may be under way. */
	snprintf(first, sizeof(first), "gt%da", (int)getpid() % 1000000);
	snprintf(second, sizeof(second), "gt%db", (int)getpid() % 1000000);
	fd = geteuid() == 0 ? tap_make(first) : -1;
	if (fd < 0) {
		tap_skip("needs root and /dev/net/tun", "tap and if ports");
		return;
	}
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", "pair:p");
	TAP_CHECK(!ebpf_pair_open(set, "p", &pair));

	snprintf(text, sizeof(text), "tap:%s", first);
	refused(text, -EBPF_EBUSY, "another program");
	refused("tap:lo", -EBPF_EINVAL, "tap lo");
	refused("if:lo", -EBPF_EINVAL, "not Ethernet");
	snprintf(text, sizeof(text), "if:%s", first);
	TAP_CHECK(!add("vale0", "", text) && !strcmp(port.kind, "if") &&
		  !strcmp(port.port_name, first));
	frame_make(frame, 0x20, 0x10, 1);
	TAP_CHECK(write(fd, frame, FRAME) == FRAME);
	tap_ok(arrive(pair, WAIT_MS) == 1, "from an interface to the switch");
	transmit(pair, 0x10, 0x20, 2);
	tap_ok(read_number(fd) == 2, "and from the switch to it");
	silent(pair, "what we send there does not come back");
	TAP_CHECK(!ops->port_del(set, "vale0", 0, first));

	snprintf(text, sizeof(text), "tap:%s", second);
	TAP_CHECK(!add("vale0", "t", text));
	packet = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	address.sll_protocol = htons(ETH_P_ALL);
	address.sll_ifindex = (int)if_nametoindex(second);
	TAP_CHECK(address.sll_ifindex > 0 &&
		  !bind(packet, (struct sockaddr *)&address, sizeof(address)));
	frame_make(frame, 0x20, 0x10, 3);
	TAP_CHECK(send(packet, frame, FRAME, 0) == FRAME);
	tap_ok(arrive(pair, WAIT_MS) == 3, "from a tap to the switch");
	transmit(pair, 0x10, 0x20, 4);
	tap_ok(read_number(packet) == 4, "and from the switch to it");
	TAP_CHECK(!ops->port_del(set, "vale0", 0, "t"));
	TAP_CHECK(if_nametoindex(second) == 0);
	close(packet);
	close(fd);
	ebpf_pair_close(pair);
	end();
}

static void
clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		tap_diag("%s stays", folder);
}

int
main(void)
{
	snprintf(folder, sizeof(folder), "/tmp/gebpf-vswitch-%d",
		 (int)getpid());
	mkdir(folder, 0700);
	test_names();
	test_indices();
	test_specifications();
	test_no_memory();
	test_learning();
	test_verdicts();
	test_two_switches();
	test_replay(false);
	test_replay(true);
	test_replay_again();
	test_formats();
	test_truncated();
	test_full_disk();
	test_mixed();
	test_stop_in_replay(false);
	test_stop_in_replay(true);
	test_replace();
	test_ports_under_traffic();
	test_kernel_ports();
	clean();
	return tap_done();
}
