/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports on interfaces of the kernel: that frames of every sort which a kernel
 * hands over (tagged, with a checksum only begun, merged, longer than expected)
 * come out of other ports as a wire would have had them, in order, and more of
 * them than a ring holds; and that they go from kernel to kernel as they are.
 * The same where short ones go by AF_XDP, and what that does when a queue is
 * full, with a kernel that is made up.
 * The other side of the interface is a tap that this test writes to. Root only;
 * other traffic is passed over.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/ebpf.h"
#include "core/os.h"
#include "host/vswitch.h"
#include "host/xdp_sender.h"
#include "net_bytes.h"
#include "tap.h"

enum {
	WAIT_MS = 10000,
	TEST_TYPE = 0x88b5, /* an Ethernet type for experiments */
	TAG_TYPE = 0x8100,
	HEADERS = 14 + 20 + 20, /* Ethernet, IPv4, TCP */
	LONG = 5000,
	MSS = 1000,
	ROUND = 500,
	ROUNDS = 12, /* of ROUND frames: more than a ring has slots */
};

static struct ebpf_runtime *rt;
static struct ebpf_vswitch *set;
static struct ebpf_pair_end *pair;
static int wire; /* the tap */
static char name[IFNAMSIZ];

static bool
interface_set(unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	error = ioctl(fd, what, request);
	close(fd);
	return !error;
}

static bool
interface_up(bool up)
{
	struct ifreq request = { .ifr_flags = up ? IFF_UP : 0 };

	return interface_set(SIOCSIFFLAGS, &request);
}

static bool
interface_mtu(int mtu)
{
	struct ifreq request = { .ifr_mtu = mtu };

	return interface_set(SIOCSIFMTU, &request);
}

static bool
wire_make(void)
{
	struct ifreq request;

	snprintf(name, sizeof(name), "gi%da", (int)getpid() % 1000000);
	wire = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	return wire >= 0 && !ioctl(wire, TUNSETIFF, &request) &&
	       interface_up(true);
}

static uint32_t
pseudo_sum(const uint8_t *frame, uint32_t len)
{
	uint8_t tail[4] = { 0, 6 };

	put16(tail + 2, len - 34);
	return sum16(sum16(0, tail, 4), frame + 26, 8);
}

static void
frame_make(uint8_t *frame, uint32_t len, uint32_t type, uint32_t number)
{
	uint32_t i;

	memset(frame, 0x20, 6);
	memset(frame + 6, 0x10, 6);
	put16(frame + 12, type);
	for (i = 14; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + number);
	memcpy(frame + 14, &number, sizeof(number));
}

/* IPv4 and TCP, the TCP checksum only begun. */
static void
tcp_make(uint8_t *frame, uint32_t len, struct virtio_net_hdr *head)
{
	frame_make(frame, len, 0x0800, 0);
	memset(frame + 14, 0, 40);
	frame[14] = 0x45;
	put16(frame + 16, len - 14);
	frame[22] = 64;
	frame[23] = 6;
	memset(frame + 26, 0x0a, 8);
	put16(frame + 24, 0xffff ^ sum16(0, frame + 14, 20));
	frame[46] = 0x50;
	frame[47] = 0x10;
	put16(frame + 50, pseudo_sum(frame, len));
	head->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	head->csum_start = 34;
	head->csum_offset = 16;
}

static bool
tcp_right(const uint8_t *frame, uint32_t len)
{
	return get16(frame + 16) == len - 14 &&
	       sum16(0, frame + 14, 20) == 0xffff &&
	       sum16(pseudo_sum(frame, len), frame + 34, len - 34) == 0xffff;
}

static bool
wire_send(const struct virtio_net_hdr *head, const uint8_t *frame,
	  uint32_t len)
{
	static uint8_t buffer[65536 + sizeof(*head)];
	ssize_t size = (ssize_t)(sizeof(*head) + len);

	memset(buffer, 0, sizeof(*head));
	if (head)
		memcpy(buffer, head, sizeof(*head));
	memcpy(buffer + sizeof(*head), frame, len);
	return write(wire, buffer, (size_t)size) == size;
}

static void
nap(void)
{
	struct timespec ts = { .tv_nsec = 200000 };

	nanosleep(&ts, NULL);
}

static bool
is_ours(const uint8_t *frame, uint32_t len)
{
	return len >= 20 && frame[0] == 0x20 && frame[6] == 0x10;
}

/* The next frame of ours, copied; its length, 0 after some time. */
static uint32_t
arrive(uint8_t *copy)
{
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull;
	const uint8_t *frame;
	uint32_t len;

	while (os_time_ns() < stop) {
		frame = ebpf_pair_peek(pair, &len);
		if (!frame) {
			nap();
			continue;
		}
		if (is_ours(frame, len)) {
			memcpy(copy, frame, len);
			ebpf_pair_next(pair);
			return len;
		}
		ebpf_pair_next(pair);
	}
	return 0;
}

/* The same from the wire. */
static uint32_t
wire_receive(uint8_t *copy)
{
	static uint8_t got[65536 + sizeof(struct virtio_net_hdr)];
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull;
	const uint8_t *frame = got + sizeof(struct virtio_net_hdr);
	ssize_t n;

	while (os_time_ns() < stop) {
		n = read(wire, got, sizeof(got));
		if (n < 0) {
			nap();
			continue;
		}
		n -= (ssize_t)sizeof(struct virtio_net_hdr);
		if (n > 0 && is_ours(frame, (uint32_t)n)) {
			memcpy(copy, frame, (size_t)n);
			return (uint32_t)n;
		}
	}
	return 0;
}

/* What a merged frame became: right pieces of it, all there? */
static bool
pieces_right(uint32_t (*next)(uint8_t *copy), const uint8_t *frame)
{
	static uint8_t got[65536];
	uint32_t len, at, count = 0;
	bool right = true;

	for (at = HEADERS; at < LONG; at += len - HEADERS, count++) {
		len = next(got);
		if (len <= HEADERS || len > LONG - at + HEADERS)
			break;
		right &= tcp_right(got, len) &&
			 !memcmp(got + HEADERS, frame + at, len - HEADERS);
	}
	return right && at == LONG &&
	       count == (LONG - HEADERS + MSS - 1) / MSS;
}

static void
merged_make(uint8_t *frame, struct virtio_net_hdr *head)
{
	tcp_make(frame, LONG, head);
	head->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	head->gso_size = MSS;
	head->hdr_len = HEADERS;
}

static void
test_sorts(void)
{
	static uint8_t frame[65536], got[65536];
	struct virtio_net_hdr head = { 0 };

	frame_make(frame, 60, TEST_TYPE, 1);
	TAP_CHECK(wire_send(NULL, frame, 60));
	tap_ok(arrive(got) == 60 && !memcmp(got, frame, 60), "a short frame");

	frame_make(frame, 1518, TAG_TYPE, 2);
	put16(frame + 16, TEST_TYPE);
	TAP_CHECK(wire_send(NULL, frame, 1518));
	tap_ok(arrive(got) == 1518 && !memcmp(got, frame, 1518),
	       "a tag that the kernel takes off is there");

	frame_make(frame, LONG, TEST_TYPE, 3);
	TAP_CHECK(wire_send(NULL, frame, LONG));
	tap_ok(arrive(got) == LONG && !memcmp(got, frame, LONG),
	       "a frame longer than the interface was to take");
	frame_make(frame, LONG, TAG_TYPE, 4);
	put16(frame + 16, TEST_TYPE);
	TAP_CHECK(wire_send(NULL, frame, LONG));
	tap_ok(arrive(got) == LONG && !memcmp(got, frame, LONG),
	       "with a tag");

	tcp_make(frame, 200, &head);
	TAP_CHECK(!tcp_right(frame, 200) && wire_send(&head, frame, 200));
	tap_ok(arrive(got) == 200 && tcp_right(got, 200) &&
		       !memcmp(got + HEADERS, frame + HEADERS, 200 - HEADERS),
	       "a checksum that was only begun is complete");

	merged_make(frame, &head);
	TAP_CHECK(wire_send(&head, frame, LONG));
	tap_ok(pieces_right(arrive, frame), "a merged frame is several");
}

/* Numbers in order, whatever way each sort takes. */
static void
test_order(void)
{
	static uint8_t frame[65536], got[65536];
	struct virtio_net_hdr head = { 0 };
	uint32_t i, len, number, wrong = 0;

	for (i = 0; i < 64; i++) {
		if (i % 4 == 3) {
			tcp_make(frame, LONG, &head);
			head.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
			head.gso_size = LONG / 2;
			head.hdr_len = HEADERS;
			wire_send(&head, frame, LONG);
		} else {
			len = i % 4 == 1 ? LONG : 60;
			frame_make(frame, len, TEST_TYPE, i);
			wire_send(NULL, frame, len);
		}
	}
	for (i = 0; i < 64; i++) {
		len = arrive(got);
		if (i % 4 == 3) {
			wrong += get16(got + 12) != 0x0800;
			len = arrive(got);
			wrong += get16(got + 12) != 0x0800;
		} else {
			memcpy(&number, got + 14, sizeof(number));
			wrong += get16(got + 12) != TEST_TYPE || number != i;
		}
		if (!len)
			break;
	}
	tap_ok(i == 64 && !wrong, "all sorts in order (%u, %u wrong)", i,
	       wrong);
}

static void
test_many(void)
{
	static uint8_t frame[2048], got[65536];
	uint32_t i, r, len, number, wrong = 0;

	for (r = 0; r < ROUNDS && !wrong; r++) {
		for (i = 0; i < ROUND; i++) {
			len = 60 + (r * 331 + i * 7) % 1400;
			frame_make(frame, len, TEST_TYPE, r * ROUND + i);
			wrong += !wire_send(NULL, frame, len);
		}
		for (i = 0; i < ROUND && !wrong; i++) {
			len = arrive(got);
			memcpy(&number, got + 14, sizeof(number));
			wrong += number != r * ROUND + i ||
				 len != 60 + (r * 331 + i * 7) % 1400;
		}
	}
	tap_ok(!wrong, "%d frames, more than a ring holds", ROUND * ROUNDS);
}

/* The switch's frames on the wire. */
static void
test_sending(void)
{
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull;
	static uint8_t frame[65536], got[65536];
	uint32_t i, number, len, wrong = 0;
	struct ebpf_rep_port_info info;

	for (i = 0; i < 100; i++) {
		len = 60 + i * 13;
		frame_make(frame, len, TEST_TYPE, i);
		wrong += !ebpf_pair_put(pair, frame, len);
	}
	ebpf_pair_flush(pair);
	for (i = 0; i < 100 && !wrong; i++) {
		len = wire_receive(got);
		memcpy(&number, got + 14, sizeof(number));
		wrong += number != i || len != 60 + i * 13;
	}
	tap_ok(!wrong, "from the switch, in order (%u)", i);
	/* longer than the interface takes: like a cable, it drops */
	frame_make(frame, LONG, TEST_TYPE, 7);
	TAP_CHECK(ebpf_pair_put(pair, frame, LONG));
	ebpf_pair_flush(pair);
	do {
		nap();
		ebpf_vswitch_ops.port_info(set, "vale0", 1, &info);
	} while (!info.tx_drops && os_time_ns() < stop);
	tap_ok(info.tx_drops == 1, "what is too long for it is counted");
}

static void
test_down(void)
{
	static uint8_t frame[60], got[65536];
	uint32_t number = 0;

	TAP_CHECK(interface_up(false) && interface_up(true));
	frame_make(frame, 60, TEST_TYPE, 5);
	TAP_CHECK(wire_send(NULL, frame, 60));
	if (arrive(got))
		memcpy(&number, got + 14, sizeof(number));
	tap_ok(number == 5, "an interface that was down is back");
}

/* The host's side of an interface; frames come with their heads. */
static int
host_open(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		tap_diag("%s: %s", interface, strerror(errno));
	return fd;
}

/* The length of the next frame of ours with its head before it. */
static uint32_t
host_receive(int fd, uint8_t *got)
{
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull;
	ssize_t n;

	while (os_time_ns() < stop) {
		n = recv(fd, got, 65536, 0);
		if (n < 0) {
			nap();
			continue;
		}
		n -= (ssize_t)sizeof(struct virtio_net_hdr);
		if (n > 0 && is_ours(got + sizeof(struct virtio_net_hdr),
				     (uint32_t)n))
			return (uint32_t)n;
	}
	return 0;
}

static int
tap_add(const char *port, char last, const char *option)
{
	struct ebpf_rep_port_info info;
	char spec[48], why[256] = "", interface[IFNAMSIZ];

	snprintf(interface, sizeof(interface), "gi%d%c",
		 (int)getpid() % 1000000, last);
	snprintf(spec, sizeof(spec), "tap:%s%s", interface, option);
	if (ebpf_vswitch_ops.port_add(set, "vale0", port, spec, &info, why,
				      sizeof(why)))
		tap_ok(false, "%s: %s", spec, why);
	return host_open(interface);
}

static int plain_fd;

/* From the plain tap, where nothing is left to do to any frame. */
static uint32_t
plain_receive(uint8_t *copy)
{
	static uint8_t got[65536];
	const struct virtio_net_hdr *head = (struct virtio_net_hdr *)got;
	uint32_t len = host_receive(plain_fd, got);

	memcpy(copy, got + sizeof(*head), len);
	return head->gso_type || head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM ?
		       0 : len;
}

/* One merged frame from a tap to everybody. */
static void
test_unfinished(void)
{
	static uint8_t out[65536], got[65536];
	struct virtio_net_hdr *head = (struct virtio_net_hdr *)out;
	const struct virtio_net_hdr *came = (struct virtio_net_hdr *)got;
	uint8_t *frame = out + sizeof(*head);
	int from = tap_add("from", 'b', ""), to = tap_add("to", 'c', "");

	plain_fd = tap_add("plain", 'd', ",plain");
	memset(head, 0, sizeof(*head));
	merged_make(frame, head);
	TAP_CHECK(send(from, out, sizeof(*head) + LONG, 0) ==
		  (ssize_t)(sizeof(*head) + LONG));
	tap_ok(pieces_right(arrive, frame), "from a tap to memory in pieces");
	tap_ok(pieces_right(wire_receive, frame),
	       "through an interface, whose kernel splits it");
	tap_ok(host_receive(to, got) == LONG &&
		       came->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 &&
		       came->gso_size == MSS &&
		       !memcmp(got + sizeof(*head), frame, LONG),
	       "to another tap as it is");
	tap_ok(pieces_right(plain_receive, frame), "to a plain one in pieces");
	TAP_CHECK(send(plain_fd, out, sizeof(*head) + LONG, 0) ==
		  (ssize_t)(sizeof(*head) + LONG));
	tap_ok(pieces_right(arrive, frame) && pieces_right(wire_receive, frame),
	       "from a plain one in pieces");
	TAP_CHECK(!ebpf_vswitch_ops.port_del(set, "vale0", 0, "plain"));
	TAP_CHECK(!ebpf_vswitch_ops.port_del(set, "vale0", 0, "from"));
	TAP_CHECK(!ebpf_vswitch_ops.port_del(set, "vale0", 0, "to"));
	close(plain_fd);
	close(from);
	close(to);
}

/* ---- short frames by AF_XDP ---- */

static uint64_t
drops(void)
{
	struct ebpf_rep_port_info info;

	ebpf_vswitch_ops.port_info(set, "vale0", 1, &info);
	return info.tx_drops;
}

/* So many short ones, some after each other. How many were wrong. */
static uint32_t
short_ones(uint32_t count)
{
	static uint8_t frame[2048], got[65536];
	uint32_t i, number, len, wrong = 0;

	for (i = 0; i < count; i++) {
		len = 60 + i % 500;
		frame_make(frame, len, TEST_TYPE, i);
		wrong += !ebpf_pair_put(pair, frame, len);
		if (i % 200 == 199 || i + 1 == count)
			ebpf_pair_flush(pair);
	}
	for (i = 0; i < count && !wrong; i++) {
		len = wire_receive(got);
		memcpy(&number, got + 14, sizeof(number));
		frame_make(frame, 60 + i % 500, TEST_TYPE, i);
		wrong += number != i || len != 60 + i % 500 ||
			 memcmp(got, frame, len);
	}
	return wrong;
}

static void
test_xdp(void)
{
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull, before = drops();
	struct ebpf_rep_port_info info;
	static uint8_t frame[60];
	struct xdp_sender other;
	char spec[32], why[256] = "";

	tap_ok(short_ones(450) == 0, "short ones, more than fit at a time");
	tap_ok(short_ones(450) == 0, "and again, in the same memory");
	tap_ok(xdp_sender_open(&other, if_nametoindex(name), 1500) == EBUSY &&
		       other.fd < 0,
	       "the queue is the port's");
	snprintf(spec, sizeof(spec), "if:%s,xdp", name);
	TAP_CHECK(ebpf_vswitch_ops.port_add(set, "vale0", "other", spec, &info,
					    why, sizeof(why)) != 0);
	tap_ok(strstr(why, "another AF_XDP socket") != NULL, "%s", why);

	TAP_CHECK(interface_up(false));
	frame_make(frame, 60, TEST_TYPE, 1);
	TAP_CHECK(ebpf_pair_put(pair, frame, 60));
	ebpf_pair_flush(pair);
	while (drops() == before && os_time_ns() < stop)
		nap();
	tap_ok(drops() == before + 1, "down, it drops and counts");
	TAP_CHECK(interface_up(true));
	tap_ok(short_ones(100) == 0, "up again, it sends, and nothing old");
}

static void
test_sender(void)
{
	static uint8_t frame[60], got[65536];
	unsigned int index = if_nametoindex(name);
	struct xdp_sender sender;
	uint32_t i, number, wrong = 0;
	int error;

	/* what a closed one had is given back a little later */
	while ((error = xdp_sender_open(&sender, index, 1500)) == EBUSY)
		nap();
	if (error) {
		tap_ok(false, "a sender alone: %s", strerror(error));
		return;
	}
	TAP_CHECK(xdp_sender_room(&sender) == XDP_SENDER_FRAMES);
	for (i = 0; i < XDP_SENDER_FRAMES; i++) {
		frame_make(frame, 60, TEST_TYPE, i);
		xdp_sender_put(&sender, frame, 60);
	}
	TAP_CHECK(xdp_sender_room(&sender) == 0);
	tap_ok(xdp_sender_flush(&sender) == 0, "all that fits, at once");
	for (i = 0; i < XDP_SENDER_FRAMES && !wrong; i++) {
		wrong += wire_receive(got) != 60;
		memcpy(&number, got + 14, sizeof(number));
		wrong += number != i;
	}
	tap_ok(!wrong && xdp_sender_room(&sender) == XDP_SENDER_FRAMES,
	       "they come in order, and there is room again (%u)", i);
	TAP_CHECK(interface_up(false));
	xdp_sender_put(&sender, frame, 60);
	tap_ok(xdp_sender_flush(&sender) == 1, "down, it says what is left");
	xdp_sender_close(&sender);
	TAP_CHECK(interface_up(true));
	tap_ok(xdp_sender_open(&sender, 0x7fffffff, 1500) != 0 &&
		       sender.fd < 0,
	       "no such interface");
	xdp_sender_close(&sender);
}

/* What the interface does not take does not go past it either. */
static void
test_small_mtu(void)
{
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull;
	static uint8_t frame[512], got[65536];
	static const uint32_t lens[] = { 114, 115, 512, 60 };
	uint32_t i, number = 9;

	for (i = 0; i < 4; i++) {
		frame_make(frame, lens[i], TEST_TYPE, i);
		TAP_CHECK(ebpf_pair_put(pair, frame, lens[i]));
		ebpf_pair_flush(pair);
	}
	tap_ok(wire_receive(got) == 114, "as long as the MTU allows");
	if (wire_receive(got) == 60)
		memcpy(&number, got + 14, sizeof(number));
	while (drops() < 2 && os_time_ns() < stop)
		nap();
	tap_ok(number == 3 && drops() == 2, "what is longer is dropped");
}

enum { CALLS_ONE = 6, CALLS_ALL = 9 };

/* A queue with places for one frame at call 6, and for all at call 9. */
struct full_queue {
	struct xdp_sender sender;
	uint32_t producer, consumer;
	int kernel;
};

static void *
full_queue_serve(void *cookie)
{
	struct full_queue *queue = cookie;
	uint32_t calls = 0;
	char none;

	while (recv(queue->kernel, &none, 1, 0) == 0 && ++calls < CALLS_ALL)
		if (calls == CALLS_ONE)
			os_store_release(&queue->consumer, 1);
	os_store_release(&queue->consumer, 3);
	return NULL;
}

static void
full_queue_make(struct full_queue *queue, uint64_t patience_ns)
{
	int ends[2];

	memset(queue, 0, sizeof(*queue));
	TAP_CHECK(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
	queue->sender.fd = ends[0];
	queue->kernel = ends[1];
	queue->sender.sent_producer = &queue->producer;
	queue->sender.sent_consumer = &queue->consumer;
	queue->sender.patience_ns = patience_ns;
	queue->sender.put = 3;
}

static void
test_full_queue(void)
{
	static struct full_queue queue;
	pthread_t thread;

	full_queue_make(&queue, 60000000000);
	TAP_CHECK(!pthread_create(&thread, NULL, full_queue_serve, &queue));
	tap_ok(xdp_sender_flush(&queue.sender) == 0 && queue.producer == 3,
	       "it waits for places in a full queue");
	pthread_join(thread, NULL);
	close(queue.sender.fd);
	close(queue.kernel);

	full_queue_make(&queue, 0);
	tap_ok(xdp_sender_flush(&queue.sender) == 3, "but not for ever");
	queue.sender.patience_ns = 60000000000;
	close(queue.kernel);
	tap_ok(xdp_sender_flush(&queue.sender) == 3,
	       "and not for what will never come");
	close(queue.sender.fd);
}

/* ---- all of it ---- */

/* What a closed port with xdp had is given back a little later. */
static int
interface_add(const char *spec, struct ebpf_rep_port_info *info, char *why,
	      size_t why_size)
{
	uint64_t stop = os_time_ns() + WAIT_MS * 1000000ull;
	int error;

	do {
		nap();
		error = ebpf_vswitch_ops.port_add(set, "vale0", "", spec, info,
						  why, why_size);
	} while (error && strstr(why, "another AF_XDP socket") &&
		 os_time_ns() < stop);
	return error;
}

static bool
switch_open(const char *option)
{
	struct ebpf_rep_port_info info;
	char spec[32], why[256] = "";

	snprintf(spec, sizeof(spec), "if:%s%s", name, option);
	if (ebpf_runtime_create(NULL, &rt) || ebpf_vswitch_create(rt, &set) ||
	    ebpf_vswitch_ops.create(set, "vale0", 0) ||
	    ebpf_vswitch_ops.port_add(set, "vale0", "", "pair:p", &info, why,
				      sizeof(why)) ||
	    ebpf_pair_open(set, "p", &pair) ||
	    interface_add(spec, &info, why, sizeof(why))) {
		tap_ok(false, "switch: %s", why);
		return false;
	}
	tap_ok(!strcmp(info.port_name, name), "%s is port %s", spec,
	       info.port_name);
	return true;
}

static void
switch_close(void)
{
	ebpf_pair_close(pair);
	ebpf_vswitch_destroy(set);
	ebpf_runtime_destroy(rt);
}

static void
test_all(void)
{
	test_sorts();
	test_order();
	test_many();
	test_sending();
	test_down();
	test_unfinished();
}

int
main(void)
{
	int fd;

	test_full_queue();
	if (geteuid() != 0 || !wire_make()) {
		tap_skip("needs root and /dev/net/tun", "if ports");
		return tap_done();
	}
	if (switch_open("")) {
		test_all();
		switch_close();
	}
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		tap_skip("this kernel has no AF_XDP", "if ports with xdp");
	} else {
		close(fd);
		if (switch_open(",xdp")) {
			test_all();
			test_xdp();
			switch_close();
		}
		TAP_CHECK(interface_mtu(100));
		if (switch_open(",xdp")) {
			test_small_mtu();
			switch_close();
		}
		TAP_CHECK(interface_mtu(1500));
		test_sender();
	}
	close(wire);
	return tap_done();
}
