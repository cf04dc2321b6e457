/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports on interfaces of the kernel: that frames of every sort which a kernel
 * hands over (tagged, with a checksum only begun, merged, longer than expected)
 * come out of other ports as a wire would have had them, in order, and more of
 * them than a ring holds; and that they go from kernel to kernel as they are.
 * The same where short ones go by AF_XDP (vswitch_xdp_test.c has more of that).
 * Root only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/os.h"
#include "net_bytes.h"
#include "tap.h"
#include "wire_lab.h"

enum {
	TAG_TYPE = 0x8100,
	HEADERS = 14 + 20 + 20, /* Ethernet, IPv4, TCP */
	LONG = 5000,
	MSS = 1000,
	ROUND = 500,
	ROUNDS = 12, /* of ROUND frames: more than a ring has slots */
};

static uint32_t
pseudo_sum(const uint8_t *frame, uint32_t len)
{
	uint8_t tail[4] = { 0, 6 };

	put16(tail + 2, len - 34);
	return sum16(sum16(0, tail, 4), frame + 26, 8);
}

/* IPv4 and TCP, the TCP checksum only begun. */
static void
tcp_make(uint8_t *frame, uint32_t len, struct virtio_net_hdr *head)
{
	wire_frame(frame, len, 0x0800, 0);
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

	wire_frame(frame, 60, WIRE_TYPE, 1);
	TAP_CHECK(wire_send(NULL, frame, 60));
	tap_ok(wire_arrive(got) == 60 && !memcmp(got, frame, 60),
	       "a short frame");

	wire_frame(frame, 1518, TAG_TYPE, 2);
	put16(frame + 16, WIRE_TYPE);
	TAP_CHECK(wire_send(NULL, frame, 1518));
	tap_ok(wire_arrive(got) == 1518 && !memcmp(got, frame, 1518),
	       "a tag that the kernel takes off is there");

	wire_frame(frame, LONG, WIRE_TYPE, 3);
	TAP_CHECK(wire_send(NULL, frame, LONG));
	tap_ok(wire_arrive(got) == LONG && !memcmp(got, frame, LONG),
	       "a frame longer than the interface was to take");
	wire_frame(frame, LONG, TAG_TYPE, 4);
	put16(frame + 16, WIRE_TYPE);
	TAP_CHECK(wire_send(NULL, frame, LONG));
	tap_ok(wire_arrive(got) == LONG && !memcmp(got, frame, LONG),
	       "with a tag");

	tcp_make(frame, 200, &head);
	TAP_CHECK(!tcp_right(frame, 200) && wire_send(&head, frame, 200));
	tap_ok(wire_arrive(got) == 200 && tcp_right(got, 200) &&
		       !memcmp(got + HEADERS, frame + HEADERS, 200 - HEADERS),
	       "a checksum that was only begun is complete");

	merged_make(frame, &head);
	TAP_CHECK(wire_send(&head, frame, LONG));
	tap_ok(pieces_right(wire_arrive, frame), "a merged frame is several");
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
			wire_frame(frame, len, WIRE_TYPE, i);
			wire_send(NULL, frame, len);
		}
	}
	for (i = 0; i < 64; i++) {
		len = wire_arrive(got);
		if (i % 4 == 3) {
			wrong += get16(got + 12) != 0x0800;
			len = wire_arrive(got);
			wrong += get16(got + 12) != 0x0800;
		} else {
			memcpy(&number, got + 14, sizeof(number));
			wrong += get16(got + 12) != WIRE_TYPE || number != i;
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
			wire_frame(frame, len, WIRE_TYPE, r * ROUND + i);
			wrong += !wire_send(NULL, frame, len);
		}
		for (i = 0; i < ROUND && !wrong; i++) {
			len = wire_arrive(got);
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
	uint64_t stop = wire_deadline();
	static uint8_t frame[65536], got[65536];
	uint32_t i, number, len, wrong = 0;
	struct ebpf_rep_port_info info;

	for (i = 0; i < 100; i++) {
		len = 60 + i * 13;
		wire_frame(frame, len, WIRE_TYPE, i);
		wrong += !ebpf_pair_put(wire_pair, frame, len);
	}
	ebpf_pair_flush(wire_pair);
	for (i = 0; i < 100 && !wrong; i++) {
		len = wire_receive(got);
		memcpy(&number, got + 14, sizeof(number));
		wrong += number != i || len != 60 + i * 13;
	}
	tap_ok(!wrong, "from the switch, in order (%u)", i);
	/* longer than the interface takes: like a cable, it drops */
	wire_frame(frame, LONG, WIRE_TYPE, 7);
	TAP_CHECK(ebpf_pair_put(wire_pair, frame, LONG));
	ebpf_pair_flush(wire_pair);
	do {
		wire_nap();
		ebpf_vswitch_ops.port_info(wire_set, "vale0", 1, &info);
	} while (!info.tx_drops && os_time_ns() < stop);
	tap_ok(info.tx_drops == 1, "what is too long for it is counted");
}

static void
test_down(void)
{
	static uint8_t frame[60], got[65536];
	uint32_t number = 0;

	TAP_CHECK(wire_up(false) && wire_up(true));
	wire_frame(frame, 60, WIRE_TYPE, 5);
	TAP_CHECK(wire_send(NULL, frame, 60));
	if (wire_arrive(got))
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
	uint64_t stop = wire_deadline();
	ssize_t n;

	while (os_time_ns() < stop) {
		n = recv(fd, got, 65536, 0);
		if (n < 0) {
			wire_nap();
			continue;
		}
		n -= (ssize_t)sizeof(struct virtio_net_hdr);
		if (n > 0 && wire_ours(got + sizeof(struct virtio_net_hdr),
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
	if (ebpf_vswitch_ops.port_add(wire_set, "vale0", port, spec, &info, why,
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
	tap_ok(pieces_right(wire_arrive, frame),
	       "from a tap to memory in pieces");
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
	tap_ok(pieces_right(wire_arrive, frame) &&
		       pieces_right(wire_receive, frame),
	       "from a plain one in pieces");
	TAP_CHECK(!ebpf_vswitch_ops.port_del(wire_set, "vale0", 0, "plain"));
	TAP_CHECK(!ebpf_vswitch_ops.port_del(wire_set, "vale0", 0, "from"));
	TAP_CHECK(!ebpf_vswitch_ops.port_del(wire_set, "vale0", 0, "to"));
	close(plain_fd);
	close(from);
	close(to);
}

/* ---- all of it ---- */

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

	if (geteuid() != 0 || !wire_make()) {
		tap_skip("needs root and /dev/net/tun", "if ports");
		return tap_done();
	}
	if (wire_switch_open("")) {
		test_all();
		wire_switch_close();
	}
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		tap_skip("this kernel has no AF_XDP", "if ports with xdp");
	} else {
		close(fd);
		if (wire_switch_open(",xdp")) {
			test_all();
			wire_switch_close();
		}
	}
	wire_remove();
	return tap_done();
}
