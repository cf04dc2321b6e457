/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The userspace switch, asked the way a device asks it: names, ports, learning
 * and verdicts, and ports of the kernel. vswitch_replay_test.c has captures,
 * vswitch_traffic_test.c changes under traffic.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture.h"
#include "core/link.h"
#include "switch_lab.h"

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

int
main(void)
{
	folder_make();
	test_names();
	test_indices();
	test_specifications();
	test_no_memory();
	test_learning();
	test_verdicts();
	test_two_switches();
	test_kernel_ports();
	folder_remove();
	return tap_done();
}
