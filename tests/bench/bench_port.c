/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports of the userspace switch against the barest loop that does the same to
 * the same files: frames of 60 bytes from one tap to another, from one veth to
 * another by packet sockets, and from a capture to a capture. What is timed is
 * the moving thread's own processor time, with everything the kernel does in
 * it; frames are put before the ports while the clock stands. Rounds are
 * interleaved; medians and ratios count. Root only, in a network of its own;
 * captures go without.
 *
 *	bench_port [--rounds N]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/os.h"
#include "host/vswitch_parts.h"

enum {
	FRAME = 60,
	WAITING = 448, /* frames put before a port; its queue takes them */
	FILLS = 96,    /* times in one round */
	ROUNDS_MAX = 101,
	BURST = VALE_BURST,
	CAPTURED = 400000,
	RING_BLOCK = 1 << 16,
	RING_BLOCKS = 64,
	RING_FRAME = 2048,
};

static struct ebpf_runtime *rt;
static uint32_t rounds = 7;

static void
fail(const char *what)
{
	fprintf(stderr, "bench_port: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* This thread's own time: others may have the processor in between. */
static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values)
{
	qsort(values, rounds, sizeof(*values), compare);
	return values[rounds / 2];
}

static void
show(const char *name, double ns, double bare)
{
	printf("  %-34s %8.3f Mpps %8.1f ns", name, 1000 / ns, ns);
	if (bare != 0)
		printf("   %.2f of the bare loop", bare / ns);
	printf("\n");
}

/* ---- interfaces ---- */

static void
command(const char *format, const char *a, const char *b)
{
	char line[256];

	snprintf(line, sizeof(line), format, a, b);
	if (system(line) != 0) {
		fprintf(stderr, "bench_port: failed: %s\n", line);
		exit(1);
	}
}

static int
packet_socket(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
	int size = 8 << 20, one = 1;

	address.sll_protocol = __builtin_bswap16(ETH_P_ALL);
	address.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail(name);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	return fd;
}

/* A socket that only sends: nothing is queued for it. */
static int
sender(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	address.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail(name);
	return fd;
}

static int
tap(const char *name)
{
	struct ifreq request;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		fail(name);
	command("ip link set %s up", name, "");
	return fd;
}

static void
frame_make(uint8_t *frame, uint32_t from, uint32_t to)
{
	memset(frame, 0, FRAME);
	frame[0] = frame[6] = 2;
	frame[5] = (uint8_t)to;
	frame[11] = (uint8_t)from;
	frame[12] = 0x88; /* local experiments: no stack cares */
	frame[13] = 0xb5;
}

static void
fill(int fd, uint32_t from, uint32_t to, uint32_t count)
{
	struct mmsghdr messages[BURST];
	uint8_t frame[FRAME];
	struct iovec part = { frame, FRAME };
	uint32_t i, n;

	frame_make(frame, from, to);
	memset(messages, 0, sizeof(messages));
	for (i = 0; i < BURST; i++) {
		messages[i].msg_hdr.msg_iov = &part;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < count; i += n) {
		n = count - i < BURST ? count - i : BURST;
		if (sendmmsg(fd, messages, n, 0) != (int)n)
			fail("sendmmsg");
	}
}

/* ---- bare loops: all that waits at one file goes to the other ---- */

static uint32_t
bare_tap(int from, int to)
{
	static uint8_t frame[65536];
	uint32_t count = 0;
	ssize_t n;

	while ((n = read(from, frame, sizeof(frame))) > 0) {
		if (write(to, frame, (size_t)n) == n)
			count++;
	}
	return count;
}

static uint32_t
bare_messages(int from, int to)
{
	static uint8_t frames[BURST][2048];
	static struct mmsghdr in[BURST], out[BURST];
	static struct iovec parts[BURST], out_parts[BURST];
	uint32_t count = 0;
	int i, n;

	do {
		for (i = 0; i < BURST; i++) {
			parts[i] = (struct iovec){ frames[i], 2048 };
			memset(&in[i], 0, sizeof(in[i]));
			in[i].msg_hdr.msg_iov = &parts[i];
			in[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(from, in, BURST, MSG_DONTWAIT, NULL);
		for (i = 0; i < n; i++) {
			out_parts[i] = (struct iovec){ frames[i],
						       in[i].msg_len };
			memset(&out[i], 0, sizeof(out[i]));
			out[i].msg_hdr.msg_iov = &out_parts[i];
			out[i].msg_hdr.msg_iovlen = 1;
		}
		if (n > 0 && sendmmsg(to, out, (unsigned int)n,
				      MSG_DONTWAIT) == n)
			count += (uint32_t)n;
	} while (n == BURST);
	return count;
}

/* A ring that the kernel fills: TPACKET_V2. */
struct packet_ring {
	int fd;
	uint8_t *at;
	uint32_t next, frames;
};

static void
ring_open(struct packet_ring *ring, const char *name)
{
	struct tpacket_req request = {
		.tp_block_size = RING_BLOCK,
		.tp_block_nr = RING_BLOCKS,
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = RING_BLOCK / RING_FRAME * RING_BLOCKS,
	};
	int version = TPACKET_V2;

	ring->fd = packet_socket(name);
	if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) ||
	    setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request,
		       sizeof(request)))
		fail("ring");
	ring->frames = request.tp_frame_nr;
	ring->at = mmap(NULL, (size_t)RING_BLOCK * RING_BLOCKS,
			PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->at == MAP_FAILED)
		fail("ring");
}

static uint32_t
bare_ring(struct packet_ring *ring, int to)
{
	static struct mmsghdr out[BURST];
	static struct iovec parts[BURST];
	struct tpacket2_hdr *head;
	uint32_t count = 0, n, i;

	do {
		for (n = 0; n < BURST; n++) {
			head = (struct tpacket2_hdr
					*)(ring->at +
					   (size_t)((ring->next + n) %
						    ring->frames) *
						   RING_FRAME);
			if (!(os_load_acquire(&head->tp_status) &
			      TP_STATUS_USER))
				break;
			parts[n].iov_base = (uint8_t *)head + head->tp_mac;
			parts[n].iov_len = head->tp_snaplen;
			memset(&out[n], 0, sizeof(out[n]));
			out[n].msg_hdr.msg_iov = &parts[n];
			out[n].msg_hdr.msg_iovlen = 1;
		}
		if (n > 0 && sendmmsg(to, out, n, MSG_DONTWAIT) == (int)n)
			count += n;
		for (i = 0; i < n; i++) {
			head = (struct tpacket2_hdr
					*)(ring->at +
					   (size_t)(ring->next %
						    ring->frames) *
						   RING_FRAME);
			os_store_release(&head->tp_status, TP_STATUS_KERNEL);
			ring->next++;
		}
	} while (n == BURST);
	return count;
}

/* ---- the switch ---- */

struct set_up {
	struct ebpf_vswitch *set;
	struct vale *vale;
};

static void
open_switch(struct set_up *s, const char *a, const char *b)
{
	struct ebpf_rep_port_info info;
	char why[256] = "";

	if (ebpf_vswitch_create(rt, &s->set) ||
	    ebpf_vswitch_ops.create(s->set, "vale0", 0) ||
	    vale_port_add(s->set, "vale0", "", a, &info, why, sizeof(why)) ||
	    vale_port_add(s->set, "vale0", "", b, &info, why, sizeof(why))) {
		fprintf(stderr, "bench_port: switch: %s\n", why);
		exit(1);
	}
	s->vale = vale_get(s->set, "vale0");
	ebpf_vswitch_stop(s->set); /* its threads: we are the thread */
}

static void
close_switch(struct set_up *s)
{
	vale_put(s->vale);
	ebpf_vswitch_destroy(s->set);
}

static void
forward(struct vale *vale, uint32_t index)
{
	struct vale_port *port = vale->ports[index];
	struct vale_burst burst;

	do {
		vale_move_lock(vale);
		burst.count = 0;
		port->ops->receive(port, &burst, vale->slots);
		vale_forward(vale, &burst);
		if (port->ops->release)
			port->ops->release(port);
		vale_move_unlock(vale);
	} while (burst.count == VALE_BURST);
}

static uint64_t
sent(struct vale *vale, uint32_t index)
{
	return vale->ports[index]->info.tx_frames;
}

static double
run_switch(struct set_up *s, int from, int to)
{
	uint64_t start, spent = 0, before, moved;
	uint32_t i;

	/* both addresses are known */
	fill(to, 1, 0, 1);
	forward(s->vale, 1);
	before = sent(s->vale, 1);
	for (i = 0; i < FILLS; i++) {
		fill(from, 0, 1, WAITING);
		start = cpu_ns();
		forward(s->vale, 0);
		spent += cpu_ns() - start;
	}
	moved = sent(s->vale, 1) - before;
	if (moved != (uint64_t)FILLS * WAITING)
		printf("# switch: %llu of %u frames\n",
		       (unsigned long long)moved, FILLS * WAITING);
	return (double)spent / (double)moved;
}

/* ---- tap ---- */

static void
bench_tap(void)
{
	double bare[ROUNDS_MAX], ours[ROUNDS_MAX];
	uint64_t start, spent, moved;
	int in, out, in2, out2, from, to;
	struct set_up s;
	uint32_t r, i;

	from = tap("bare0");
	to = tap("bare1");
	open_switch(&s, "tap:ours0", "tap:ours1");
	in = sender("bare0");
	in2 = sender("ours0");
	out2 = sender("ours1");
	out = -1;
	for (r = 0; r < rounds; r++) {
		spent = moved = 0;
		for (i = 0; i < FILLS; i++) {
			fill(in, 0, 1, WAITING);
			start = cpu_ns();
			moved += bare_tap(from, to);
			spent += cpu_ns() - start;
		}
		if (moved != (uint64_t)FILLS * WAITING)
			printf("# bare: %llu of %u frames\n",
			       (unsigned long long)moved, FILLS * WAITING);
		bare[r] = (double)spent / (double)moved;
		ours[r] = run_switch(&s, in2, out2);
	}
	printf("tap to tap\n");
	show("bare loop: read, write", median(bare), 0);
	show("switch, learning", median(ours), median(bare));
	close_switch(&s);
	close(in);
	close(out);
	close(in2);
	close(out2);
	close(from);
	close(to);
}

/* ---- veth ---- */

static void
veth(const char *a, const char *b)
{
	command("ip link add %s type veth peer name %s", a, b);
	command("ip link set %s up && ip link set %s up", a, b);
}

static void
bench_if(void)
{
	double messages[ROUNDS_MAX], rings[ROUNDS_MAX], ours[ROUNDS_MAX];
	uint64_t start, spent, moved;
	struct packet_ring ring = { .fd = -1 };
	int in[3], out, from, to;
	struct set_up s;
	uint32_t r, i;

	veth("m0", "m1");
	veth("n0", "n1");
	veth("r0", "r1");
	veth("q0", "q1");
	veth("o0", "o1");
	veth("p0", "p1");
	from = packet_socket("m1");
	to = sender("n1");
	ring_open(&ring, "r1");
	out = sender("q1");
	open_switch(&s, "if:o1", "if:p1");
	in[0] = sender("m0");
	in[1] = sender("r0");
	in[2] = sender("o0");
	for (r = 0; r < rounds; r++) {
		spent = moved = 0;
		for (i = 0; i < FILLS; i++) {
			fill(in[0], 0, 1, WAITING);
			start = cpu_ns();
			moved += bare_messages(from, to);
			spent += cpu_ns() - start;
		}
		messages[r] = (double)spent / (double)moved;
		if (moved != (uint64_t)FILLS * WAITING)
			printf("# messages: %llu of %u frames\n",
			       (unsigned long long)moved, FILLS * WAITING);
		spent = moved = 0;
		for (i = 0; i < FILLS; i++) {
			fill(in[1], 0, 1, WAITING);
			start = cpu_ns();
			moved += bare_ring(&ring, out);
			spent += cpu_ns() - start;
		}
		rings[r] = (double)spent / (double)moved;
		if (moved != (uint64_t)FILLS * WAITING)
			printf("# ring: %llu of %u frames\n",
			       (unsigned long long)moved, FILLS * WAITING);
		{
			int back = sender("p0");

			ours[r] = run_switch(&s, in[2], back);
			close(back);
		}
	}
	printf("veth to veth, packet sockets\n");
	show("bare loop: recvmmsg, sendmmsg", median(messages), 0);
	show("bare loop: TPACKET_V2, sendmmsg", median(rings), 0);
	show("switch, learning", median(ours), median(rings));
	close_switch(&s);
	close(from);
	close(to);
	close(out);
	close(ring.fd);
	for (i = 0; i < 3; i++)
		close(in[i]);
}

/* ---- captures ---- */

static void
capture_make(const char *path)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
	struct pcap_pkthdr header = { .caplen = FRAME, .len = FRAME };
	uint8_t frame[FRAME];
	uint32_t i;

	if (!dumper)
		fail(path);
	for (i = 0; i < CAPTURED; i++) {
		frame_make(frame, i & 1, 9); /* to nobody known */
		header.ts.tv_sec = i / 1000000;
		header.ts.tv_usec = i % 1000000;
		pcap_dump((u_char *)dumper, &header, frame);
	}
	pcap_dump_close(dumper);
	pcap_close(pcap);
}

static double
bare_capture(const char *in, const char *out)
{
	char error[PCAP_ERRBUF_SIZE];
	uint64_t start = cpu_ns();
	pcap_t *pcap = pcap_open_offline(in, error);
	struct pcap_pkthdr *header;
	pcap_dumper_t *dumper;
	const u_char *data;
	uint32_t count = 0;

	if (!pcap)
		fail(in);
	dumper = pcap_dump_open(pcap, out);
	if (!dumper)
		fail(out);
	while (pcap_next_ex(pcap, &header, &data) == 1) {
		pcap_dump((u_char *)dumper, header, data);
		count++;
	}
	pcap_dump_close(dumper);
	pcap_close(pcap);
	return (double)(cpu_ns() - start) / count;
}

/* In the switch's own thread: the whole from start to end. */
static double
our_capture(const char *in, const char *out)
{
	struct ebpf_rep_port_info port;
	struct ebpf_rep_switch_info info;
	struct ebpf_vswitch *set;
	char spec[600], why[256];
	struct timespec a, b;

	if (ebpf_vswitch_create(rt, &set) ||
	    ebpf_vswitch_ops.create(set, "vale0", 0))
		fail("switch");
	snprintf(spec, sizeof(spec), "pcap:%s", in);
	if (vale_port_add(set, "vale0", "a", spec, &port, why, sizeof(why)))
		fail(why);
	snprintf(spec, sizeof(spec), "pcap:%s.empty,%s", in, out);
	if (vale_port_add(set, "vale0", "b", spec, &port, why, sizeof(why)))
		fail(why);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	ebpf_vswitch_ops.start(set, "vale0", 60000, &info);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	if (info.verdicts.broadcast != CAPTURED)
		printf("# capture: %llu frames\n",
		       (unsigned long long)info.verdicts.broadcast);
	ebpf_vswitch_destroy(set);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 +
		(double)(b.tv_nsec - a.tv_nsec)) / CAPTURED;
}

static void
bench_capture(void)
{
	static const char *const targets[] = { "/dev/null", NULL };
	char in[64], out[80], empty[80];
	double bare[ROUNDS_MAX], ours[ROUNDS_MAX];
	pcap_t *dead;
	uint32_t r, t;

	snprintf(in, sizeof(in), "/dev/shm/bench_port.%d.pcap", (int)getpid());
	snprintf(out, sizeof(out), "%s.out", in);
	snprintf(empty, sizeof(empty), "%s.empty", in);
	capture_make(in);
	dead = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dump_close(pcap_dump_open(dead, empty));
	pcap_close(dead);
	for (t = 0; t < 2; t++) {
		const char *to = targets[t] ? targets[t] : out;

		for (r = 0; r < rounds; r++) {
			bare[r] = bare_capture(in, to);
			ours[r] = our_capture(in, to);
		}
		printf("capture to %s\n", t ? "capture, in memory" : to);
		show("bare loop: libpcap", median(bare), 0);
		show("switch, learning", median(ours), median(bare));
	}
	unlink(in);
	unlink(out);
	unlink(empty);
}

int
main(int argc, char **argv)
{
	FILE *file;

	if (argc == 3 && !strcmp(argv[1], "--rounds"))
		rounds = (uint32_t)atoi(argv[2]);
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "bench_port: 1 to %d rounds\n", ROUNDS_MAX);
		return 2;
	}
	if (ebpf_runtime_create(NULL, &rt))
		return 1;
	bench_capture();
	if (geteuid() != 0 || unshare(CLONE_NEWNET)) {
		printf("tap and veth # SKIP needs root\n");
		return 0;
	}
	/* no frames but ours */
	file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");
	if (file) {
		fputs("1\n", file);
		fclose(file);
	}
	bench_tap();
	bench_if();
	ebpf_runtime_destroy(rt);
	return 0;
}
