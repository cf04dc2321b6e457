/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * if:NAME: an existing interface, taken over by a packet socket: promiscuous,
 * everything that arrives goes to the switch, nothing that this host sends.
 * VLAN tags that the kernel took off are put back, UDP data that it has merged
 * is split again (offload.h), because older kernels do not take it back; other
 * frames move as they are (struct vale_burst). They come by a ring
 * (packet_ring.h) and go by sockets of their own; if:NAME,xdp sends short ones
 * by another (xdp_sender.h). Needs CAP_NET_RAW.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/os.h"
#include "host/offload.h"
#include "host/packet_ring.h"
#include "host/vswitch_parts.h"
#include "host/xdp_sender.h"

enum {
	VLAN_SIZE = 4,
	MAC_PAIR = 12, /* a tag sits behind both addresses */
	RECEIVE_BUFFER = 8 << 20, /* for messages */
	GSO_UDP_L4 = 5, /* VIRTIO_NET_HDR_GSO_UDP_L4, in newer headers */
	XDP_AGAIN_NS = 1000000000, /* after it failed */
};

static const char xdp_word[] = ",xdp";

struct packet_socket {
	int in;
	int out, out_unfinished; /* the latter: with a header for each; or -1 */
	struct xdp_sender xdp; /* not open: none */
	unsigned int xdp_index; /* 0: nobody asked for it */
	uint64_t xdp_again_ns;  /* when to open it again */
	struct packet_ring ring;
	uint8_t *merged; /* the frame being split: VALE_SLOT_SIZE */
	bool splitting;	 /* split is under way */
	uint64_t split_time_ns;
	struct offload_split split;
	struct mmsghdr messages[VALE_BURST]; /* to send */
	struct iovec parts[VALE_BURST][2];
};

/* Bytes without Ethernet's header; as usual where nobody says. */
static uint32_t
mtu_of(int fd, unsigned int index)
{
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	return if_indextoname(index, request.ifr_name) &&
			       !ioctl(fd, SIOCGIFMTU, &request) &&
			       request.ifr_mtu > 0
		       ? (uint32_t)request.ifr_mtu
		       : 1500;
}

static int
receiver_setup(struct packet_socket *s, unsigned int index)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)index,
	};
	struct packet_mreq promiscuous = {
		.mr_ifindex = (int)index,
		.mr_type = PACKET_MR_PROMISC,
	};
	int one = 1, size = RECEIVE_BUFFER, error;

	/* Newer kernels spare us our own frames; else they are told by type. */
	if (setsockopt(s->in, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)) && errno != ENOPROTOOPT && errno != EINVAL)
		return errno;
	if (setsockopt(s->in, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(s->in, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	error = packet_ring_open(&s->ring, s->in, mtu_of(s->in, index));
	if (error)
		return error;
	if (bind(s->in, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(s->in, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
		       sizeof(promiscuous)))
		return errno;
	return 0;
}

/* Of no protocol: nothing is queued for it. errno, or 0. */
static int
sender_open(int *fd, unsigned int index)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)index,
	};

	*fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0 ||
	    bind(*fd, (struct sockaddr *)&address, sizeof(address)))
		return errno;
	return 0;
}

static int
senders_open(struct packet_socket *s, unsigned int index)
{
	int one = 1, error = sender_open(&s->out, index);

	if (error || !s->ring.vnet)
		return error;
	error = sender_open(&s->out_unfinished, index);
	if (error)
		return error;
	if (setsockopt(s->out_unfinished, SOL_PACKET, PACKET_VNET_HDR, &one,
		       sizeof(one))) {
		close(s->out_unfinished);
		s->out_unfinished = -1;
	}
	return 0;
}

static void
packet_socket_free(struct packet_socket *s)
{
	packet_ring_close(&s->ring);
	xdp_sender_close(&s->xdp);
	if (s->in >= 0)
		close(s->in);
	if (s->out >= 0)
		close(s->out);
	if (s->out_unfinished >= 0)
		close(s->out_unfinished);
	free(s->merged);
	free(s);
}

static int
if_open(struct vale_port *port, const char *spec, char *why, size_t why_size)
{
	char argument[EBPF_PATH_SIZE];
	bool xdp = vale_port_option(spec, xdp_word, argument);
	struct packet_socket *s;
	struct ifreq request;
	unsigned int index;
	int number;

	index = strlen(argument) < IFNAMSIZ ? if_nametoindex(argument) : 0;
	if (!index) {
		snprintf(why, why_size, "there is no interface '%.64s'",
			 argument);
		return -EBPF_ENOENT;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -EBPF_ENOMEM;
	number = ENOMEM;
	s->in = s->out = s->out_unfinished = s->xdp.fd = -1;
	s->merged = malloc(VALE_SLOT_SIZE);
	if (!s->merged)
		goto free;
	/* No protocol before bind: nothing of other interfaces slips in. */
	s->in = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->in < 0) {
		number = errno;
		if (number == EPERM)
			snprintf(why, why_size, "needs root (CAP_NET_RAW)");
		else
			snprintf(why, why_size, "packet socket: %s",
				 strerror(number));
		goto free;
	}
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argument);
	if (!ioctl(s->in, SIOCGIFHWADDR, &request) &&
	    request.ifr_hwaddr.sa_family != 1 /* ARPHRD_ETHER */) {
		snprintf(why, why_size, "interface %s is not Ethernet",
			 argument);
		number = EINVAL;
		goto free;
	}
	number = receiver_setup(s, index);
	if (!number)
		number = senders_open(s, index);
	if (number) {
		snprintf(why, why_size, "interface %s: %s", argument,
			 strerror(number));
		goto free;
	}
	number = xdp ? xdp_sender_open(&s->xdp, index, mtu_of(s->in, index))
		     : 0;
	if (number) {
		snprintf(why, why_size, "interface %s by AF_XDP: %s%s",
			 argument, strerror(number), number == EBUSY ?
			 " (another AF_XDP socket has its first queue)" : "");
		goto free;
	}
	s->xdp_index = xdp ? index : 0;
	port->state = s;
	port->takes_unfinished = s->out_unfinished >= 0;
	return 0;

free:
	packet_socket_free(s);
	return vale_error(number);
}

static void
if_close(struct vale_port *port)
{
	packet_socket_free(port->state);
}

static void
if_name(const char *argument, char name[EBPF_NAME_SIZE])
{
	char whole[EBPF_PATH_SIZE];

	vale_port_option(argument, xdp_word, whole);
	snprintf(name, EBPF_NAME_SIZE, "%.*s", EBPF_NAME_SIZE - 1, whole);
}

static int
if_fd(struct vale_port *port)
{
	struct packet_socket *s = port->state;

	return s->in;
}

/* ---- receiving ---- */

/* A frame that did not fit its place in the ring. False: it is lost. */
static bool
message_receive(struct packet_socket *s, struct packet_frame *frame,
		uint8_t *at)
{
	struct virtio_net_hdr head;
	struct iovec parts[2] = {
		{ &head, sizeof(head) },
		{ at, VALE_FRAME_MAX },
	};
	struct msghdr message = {
		.msg_iov = &parts[s->ring.vnet ? 0 : 1],
		.msg_iovlen = s->ring.vnet ? 2 : 1,
	};
	ssize_t n;

	do
		n = recvmsg(s->in, &message, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (s->ring.vnet)
		n -= (ssize_t)sizeof(head);
	if (n < 0 || (message.msg_flags & MSG_TRUNC))
		return false;
	frame->data = at;
	frame->len = (uint32_t)n;
	frame->cut = false;
	return true;
}

/* Put back the tag that the kernel took off. */
static void
tag_put_back(struct packet_frame *frame)
{
	struct virtio_net_hdr *head = &frame->head;
	uint32_t tag = htonl(frame->vlan);

	frame->data -= VLAN_SIZE;
	memmove(frame->data, frame->data + VLAN_SIZE, MAC_PAIR);
	memcpy(frame->data + MAC_PAIR, &tag, VLAN_SIZE);
	frame->len += VLAN_SIZE;
	head->csum_start = (uint16_t)(head->csum_start + VLAN_SIZE);
	head->hdr_len = (uint16_t)(head->hdr_len + VLAN_SIZE);
}

static bool
split_begin(struct packet_socket *s, const struct packet_frame *frame)
{
	s->split_time_ns = frame->time_ns;
	s->splitting = offload_split_begin(&s->split, frame->data, frame->len,
					   frame->head.csum_start,
					   frame->head.gso_size, false);
	return s->splitting;
}

static bool
frame_add(struct vale_port *port, struct vale_burst *burst, uint8_t *data,
	  uint32_t len, uint64_t time_ns, const struct virtio_net_hdr *head)
{
	struct ebpf_frame *frame = &burst->frames[burst->count];

	if (len > VALE_FRAME_MAX)
		return false;
	frame->data = data;
	frame->len = len;
	frame->port = (uint16_t)port->index;
	frame->ring_nr = 0;
	frame->verdict = EBPF_VALE_DROP;
	burst->time_ns[burst->count] = time_ns;
	burst->wire_len[burst->count] = len;
	burst->heads[burst->count] = *head;
	burst->heads[burst->count].flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	burst->unfinished |= ((head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) |
			      head->gso_type) != 0;
	burst->count++;
	return true;
}

/* Into the burst, or on its way to being several. False: it is lost. */
static bool
frame_take(struct vale_port *port, struct vale_burst *burst,
	   struct packet_frame *frame, uint8_t *slot)
{
	struct packet_socket *s = port->state;
	const struct virtio_net_hdr *head = &frame->head;
	bool udp = head->gso_type == GSO_UDP_L4;

	/* a split may go on in the next burst, in memory of its own */
	if (frame->message &&
	    !message_receive(s, frame,
			     udp ? s->merged + VALE_SLOT_HEAD : slot))
		return false;
	if (frame->cut || frame->len < VALE_FRAME_MIN)
		return false;
	if (udp && !frame->message) {
		memcpy(s->merged + VALE_SLOT_HEAD, frame->data, frame->len);
		frame->data = s->merged + VALE_SLOT_HEAD;
	}
	if (frame->vlan)
		tag_put_back(frame);
	if (udp)
		return split_begin(s, frame);
	if (head->gso_type != VIRTIO_NET_HDR_GSO_NONE &&
	    !vale_gso_is_tcp(head))
		return false;
	return frame_add(port, burst, frame->data, frame->len, frame->time_ns,
			 head);
}

static void
if_receive(struct vale_port *port, struct vale_burst *burst, uint8_t *slots)
{
	struct packet_socket *s = port->state;
	static const struct virtio_net_hdr whole; /* nothing left to do */
	struct packet_frame frame;
	socklen_t size = sizeof(int);
	uint8_t *slot;
	uint32_t len;
	int error;

	burst->unfinished = false;
	while (burst->count < VALE_BURST) {
		slot = slots + (size_t)burst->count * VALE_SLOT_SIZE +
		       VALE_SLOT_HEAD;
		if (s->splitting) {
			len = offload_split_next(&s->split, slot);
			if (!len)
				s->splitting = false;
			else if (!frame_add(port, burst, slot, len,
					    s->split_time_ns, &whole))
				port->info.rx_drops++;
			continue;
		}
		if (!packet_ring_next(&s->ring, &frame))
			break;
		if (!frame.outgoing &&
		    !frame_take(port, burst, &frame, slot))
			port->info.rx_drops++;
		else if (frame.outgoing && frame.message)
			message_receive(s, &frame, slot);
	}
	/* An interface that went down wakes us until its error was asked. */
	if (!burst->count)
		getsockopt(s->in, SOL_SOCKET, SO_ERROR, &error, &size);
}

static void
if_release(struct vale_port *port)
{
	struct packet_socket *s = port->state;

	packet_ring_release(&s->ring);
}

/* ---- sending ---- */

/* It is there, or is again: an interface may have been down for a while. */
static bool
xdp_ready(struct packet_socket *s)
{
	uint64_t now;

	if (os_likely(s->xdp.fd >= 0))
		return true;
	now = os_time_ns();
	if (now < s->xdp_again_ns)
		return false;
	s->xdp_again_ns = now + XDP_AGAIN_NS;
	return xdp_sender_open(&s->xdp, s->xdp_index,
			       mtu_of(s->in, s->xdp_index)) == 0;
}

/* False: this is for the other sockets, all of it, so that order is kept. */
static bool
xdp_send(struct vale_port *port, const struct vale_burst *burst,
	 const uint8_t *index, uint32_t count)
{
	struct packet_socket *s = port->state;
	const struct ebpf_frame *frame;
	uint32_t i, lost;

	if (!xdp_ready(s))
		return false;
	for (i = 0; i < count; i++)
		if (burst->frames[index[i]].len > s->xdp.longest)
			return false;
	if (xdp_sender_room(&s->xdp) < count)
		return false;
	for (i = 0; i < count; i++) {
		frame = &burst->frames[index[i]];
		xdp_sender_put(&s->xdp, frame->data, frame->len);
	}
	lost = xdp_sender_flush(&s->xdp);
	for (i = 0; i < count - lost; i++)
		port->info.tx_bytes += burst->frames[index[i]].len;
	port->info.tx_frames += count - lost;
	port->info.tx_drops += lost;
	if (lost) {
		xdp_sender_close(&s->xdp);
		s->xdp_again_ns = os_time_ns() + XDP_AGAIN_NS;
	}
	return true;
}

static void
if_send(struct vale_port *port, const struct vale_burst *burst,
	const uint8_t *index, uint32_t count)
{
	struct packet_socket *s = port->state;
	const struct ebpf_frame *frame;
	int fd = burst->unfinished ? s->out_unfinished : s->out, n;
	uint32_t i, done = 0, skip = burst->unfinished ? 0 : 1;

	if (s->xdp_index && !burst->unfinished &&
	    xdp_send(port, burst, index, count))
		return;
	for (i = 0; i < count; i++) {
		frame = &burst->frames[index[i]];
		s->parts[i][0].iov_base = (void *)&burst->heads[index[i]];
		s->parts[i][0].iov_len = sizeof(burst->heads[0]);
		s->parts[i][1].iov_base = frame->data;
		s->parts[i][1].iov_len = frame->len;
		s->messages[i].msg_hdr.msg_iov = &s->parts[i][skip];
		s->messages[i].msg_hdr.msg_iovlen = 2 - skip;
	}
	while (done < count) {
		n = sendmmsg(fd, s->messages + done, count - done,
			     MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		/* One frame that cannot go does not hold up the others. */
		if (n <= 0) {
			port->info.tx_drops++;
			done++;
			continue;
		}
		for (i = done; i < done + (uint32_t)n; i++) {
			port->info.tx_frames++;
			port->info.tx_bytes += burst->frames[index[i]].len;
		}
		done += (uint32_t)n;
	}
}

const struct vale_port_ops vale_port_if = {
	.kind = "if",
	.open = if_open,
	.close = if_close,
	.name = if_name,
	.send = if_send,
	.fd = if_fd,
	.receive = if_receive,
	.release = if_release,
};
