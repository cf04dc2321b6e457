/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * if:NAME: an existing interface, taken over by a packet socket: promiscuous,
 * everything that arrives goes to the switch, nothing that this host sends.
 * VLAN tags that the kernel took off are put back and checksums it left to
 * the hardware are computed, because the frame leaves through another port.
 * Needs CAP_NET_RAW. Segments the kernel has merged (GRO, TSO) stay merged and
 * are dropped where they do not fit: turn those off on the interface.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/os.h"
#include "host/vswitch_parts.h"

enum {
	VLAN_SIZE = 4,
	MAC_PAIR = 12, /* a tag sits behind both addresses */
	RECEIVE_BUFFER = 8 << 20,
};

union control {
	struct cmsghdr align;
	char data[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

struct packet_socket {
	int fd;
	bool vnet; /* frames come with a virtio_net_hdr */
	struct mmsghdr messages[VALE_BURST];
	struct iovec parts[VALE_BURST][2];
	struct virtio_net_hdr heads[VALE_BURST];
	union control controls[VALE_BURST];
	struct sockaddr_ll from[VALE_BURST];
};

static int
socket_setup(struct packet_socket *s, const char *name, unsigned int index)
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
	int one = 1, size = RECEIVE_BUFFER;

	if (setsockopt(s->fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)))
		return errno;
	s->vnet = !setsockopt(s->fd, SOL_PACKET, PACKET_VNET_HDR, &one,
			      sizeof(one));
	/* Newer kernels spare us our own frames; else they are told by type. */
	if (setsockopt(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)) && errno != ENOPROTOOPT && errno != EINVAL)
		return errno;
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(s->fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
		       sizeof(promiscuous)))
		return errno;
	return 0;
}

static int
if_open(struct vale_port *port, const char *argument, char *why,
	size_t why_size)
{
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
	/* No protocol before bind: nothing of other interfaces slips in. */
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0) {
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
	if (!ioctl(s->fd, SIOCGIFHWADDR, &request) &&
	    request.ifr_hwaddr.sa_family != 1 /* ARPHRD_ETHER */) {
		snprintf(why, why_size, "interface %s is not Ethernet",
			 argument);
		number = EINVAL;
		goto close;
	}
	number = socket_setup(s, argument, index);
	if (number) {
		snprintf(why, why_size, "interface %s: %s", argument,
			 strerror(number));
		goto close;
	}
	port->state = s;
	return 0;

close:
	close(s->fd);
free:
	free(s);
	return vale_error(number);
}

static void
if_close(struct vale_port *port)
{
	struct packet_socket *s = port->state;

	close(s->fd);
	free(s);
}

static void
if_name(const char *argument, char name[EBPF_NAME_SIZE])
{
	snprintf(name, EBPF_NAME_SIZE, "%.*s", EBPF_NAME_SIZE - 1, argument);
}

static int
if_fd(struct vale_port *port)
{
	struct packet_socket *s = port->state;

	return s->fd;
}

/* ---- receiving ---- */

static uint8_t *
slot(uint8_t *slots, uint32_t i)
{
	return slots + (size_t)i * VALE_SLOT_SIZE + VALE_SLOT_HEAD;
}

/* What the kernel left for hardware to do: the Internet checksum from `start`
 * on, into `at`; the pseudo header's part is there already. */
static void
checksum_finish(uint8_t *frame, uint32_t len, uint32_t start, uint32_t at)
{
	uint64_t sum = 0;
	uint32_t i;
	uint16_t result;

	if (at + 2 > len || start > len)
		return;
	for (i = start; i + 1 < len; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	if (i < len)
		sum += (uint32_t)frame[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	result = (uint16_t)~sum;
	if (!result)
		result = 0xffff; /* 0 would say "none" to UDP */
	frame[at] = (uint8_t)(result >> 8);
	frame[at + 1] = (uint8_t)result;
}

/* The tag the kernel took off and told us beside the frame; 0: none. */
static uint32_t
vlan_of(struct msghdr *message)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *c;
	uint32_t protocol;

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_PACKET ||
		    c->cmsg_type != PACKET_AUXDATA ||
		    c->cmsg_len < CMSG_LEN(sizeof(aux)))
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			return 0;
		protocol = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ?
				   aux.tp_vlan_tpid :
				   ETH_P_8021Q;
		return protocol << 16 | aux.tp_vlan_tci;
	}
	return 0;
}

static bool
frame_take(struct packet_socket *s, uint32_t i, uint8_t *data,
	   struct ebpf_frame *frame)
{
	struct virtio_net_hdr *head = &s->heads[i];
	uint32_t len = s->messages[i].msg_len, vlan;

	if (s->messages[i].msg_hdr.msg_flags & MSG_TRUNC)
		return false;
	if (s->vnet) {
		if (len < sizeof(*head))
			return false;
		len -= (uint32_t)sizeof(*head);
		if (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			checksum_finish(data, len, head->csum_start,
					(uint32_t)head->csum_start +
						head->csum_offset);
	}
	if (len < VALE_FRAME_MIN)
		return false;
	vlan = vlan_of(&s->messages[i].msg_hdr);
	if (vlan) {
		data -= VLAN_SIZE;
		memmove(data, data + VLAN_SIZE, MAC_PAIR);
		vlan = htonl(vlan);
		memcpy(data + MAC_PAIR, &vlan, VLAN_SIZE);
		len += VLAN_SIZE;
	}
	if (len > VALE_FRAME_MAX)
		return false;
	frame->data = data;
	frame->len = len;
	return true;
}

static void
if_receive(struct vale_port *port, struct vale_burst *burst, uint8_t *slots)
{
	struct packet_socket *s = port->state;
	uint64_t now = os_wall_time_ns();
	struct ebpf_frame *frame;
	struct msghdr *message;
	int i, n;

	for (i = 0; i < VALE_BURST; i++) {
		s->parts[i][0].iov_base = &s->heads[i];
		s->parts[i][0].iov_len = sizeof(s->heads[i]);
		s->parts[i][1].iov_base = slot(slots, (uint32_t)i);
		s->parts[i][1].iov_len = VALE_FRAME_MAX;
		message = &s->messages[i].msg_hdr;
		message->msg_name = &s->from[i];
		message->msg_namelen = sizeof(s->from[i]);
		message->msg_iov = &s->parts[i][s->vnet ? 0 : 1];
		message->msg_iovlen = s->vnet ? 2 : 1;
		message->msg_control = &s->controls[i];
		message->msg_controllen = sizeof(s->controls[i]);
		message->msg_flags = 0;
	}
	do
		n = recvmmsg(s->fd, s->messages, VALE_BURST, MSG_DONTWAIT,
			     NULL);
	while (n < 0 && errno == EINTR);
	/* An interface that is down gives its error once, then nothing. */
	for (i = 0; i < n; i++) {
		if (s->from[i].sll_pkttype == PACKET_OUTGOING)
			continue;
		frame = &burst->frames[burst->count];
		if (!frame_take(s, (uint32_t)i, slot(slots, (uint32_t)i),
				frame)) {
			port->info.rx_drops++;
			continue;
		}
		frame->port = (uint16_t)port->index;
		frame->ring_nr = 0;
		frame->verdict = EBPF_VALE_DROP;
		burst->time_ns[burst->count] = now;
		burst->wire_len[burst->count] = frame->len;
		burst->count++;
	}
}

/* ---- sending ---- */

static void
if_send(struct vale_port *port, const struct vale_burst *burst,
	const uint8_t *index, uint32_t count)
{
	static const struct virtio_net_hdr plain; /* nothing left to do */
	struct packet_socket *s = port->state;
	const struct ebpf_frame *frame;
	uint32_t i, done = 0;
	int n;

	for (i = 0; i < count; i++) {
		frame = &burst->frames[index[i]];
		s->parts[i][0].iov_base = (void *)&plain;
		s->parts[i][0].iov_len = sizeof(plain);
		s->parts[i][1].iov_base = frame->data;
		s->parts[i][1].iov_len = frame->len;
		memset(&s->messages[i], 0, sizeof(s->messages[i]));
		s->messages[i].msg_hdr.msg_iov = &s->parts[i][s->vnet ? 0 : 1];
		s->messages[i].msg_hdr.msg_iovlen = s->vnet ? 2 : 1;
	}
	while (done < count) {
		n = sendmmsg(s->fd, s->messages + done, count - done,
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
};
