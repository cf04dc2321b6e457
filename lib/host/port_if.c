/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * if:NAME: an existing interface, taken over by a packet socket: promiscuous,
 * everything that arrives goes to the switch, nothing that this host sends.
 * VLAN tags that the kernel took off are put back and checksums it left to
 * the hardware are computed, because the frame leaves through another port.
 * TCP and UDP data that the kernel has merged is split again (offload.h), so
 * only frames that a wire takes move. Needs CAP_NET_RAW.
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
#include "host/offload.h"
#include "host/vswitch_parts.h"

enum {
	VLAN_SIZE = 4,
	MAC_PAIR = 12, /* a tag sits behind both addresses */
	RECEIVE_BUFFER = 8 << 20,
	GSO_UDP_L4 = 5, /* VIRTIO_NET_HDR_GSO_UDP_L4, in newer headers */
};

union control {
	struct cmsghdr align;
	char data[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

struct packet_socket {
	int fd;
	bool vnet; /* frames come with a virtio_net_hdr */
	/* Sending has its own: messages that came may still wait in ours. */
	struct mmsghdr out[VALE_BURST];
	struct iovec out_parts[VALE_BURST][2];
	struct mmsghdr messages[VALE_BURST];
	struct iovec parts[VALE_BURST][2];
	struct virtio_net_hdr heads[VALE_BURST];
	union control controls[VALE_BURST];
	struct sockaddr_ll from[VALE_BURST];
	uint8_t *slots;	     /* where messages lie */
	uint32_t next, have; /* messages not yet dealt with */
	bool splitting;	     /* split is under way */
	struct offload_split split;
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
	s->slots = malloc((size_t)VALE_BURST * VALE_SLOT_SIZE);
	if (!s->slots) {
		free(s);
		return -EBPF_ENOMEM;
	}
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
	free(s->slots);
	free(s);
	return vale_error(number);
}

static void
if_close(struct vale_port *port)
{
	struct packet_socket *s = port->state;

	close(s->fd);
	free(s->slots);
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

/* Message i as the frame that was on the wire, or would have been. */
static bool
frame_mend(struct packet_socket *s, uint32_t i, uint8_t **result,
	   uint32_t *result_len, bool *merged)
{
	struct virtio_net_hdr *head = &s->heads[i];
	uint8_t *data = slot(s->slots, i);
	uint32_t len = s->messages[i].msg_len, l4, vlan;

	*merged = false;
	if (s->messages[i].msg_hdr.msg_flags & MSG_TRUNC)
		return false;
	if (s->vnet) {
		if (len < sizeof(*head))
			return false;
		len -= (uint32_t)sizeof(*head);
		*merged = head->gso_type != VIRTIO_NET_HDR_GSO_NONE;
		l4 = head->csum_start;
		if (!*merged && (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
			offload_checksum(data, len, l4, l4 + head->csum_offset);
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
		head->csum_start = (uint16_t)(head->csum_start + VLAN_SIZE);
	}
	*result = data;
	*result_len = len;
	return true;
}

static bool
split_begin(struct packet_socket *s, uint32_t i, const uint8_t *data,
	    uint32_t len)
{
	const struct virtio_net_hdr *head = &s->heads[i];
	uint32_t type = head->gso_type & ~(uint32_t)VIRTIO_NET_HDR_GSO_ECN;
	bool tcp = type == VIRTIO_NET_HDR_GSO_TCPV4 ||
		   type == VIRTIO_NET_HDR_GSO_TCPV6;

	if (!tcp && type != GSO_UDP_L4)
		return false;
	return offload_split_begin(&s->split, data, len, head->csum_start,
				   head->gso_size, tcp);
}

static void
frame_add(struct vale_port *port, struct vale_burst *burst, uint8_t *data,
	  uint32_t len, uint64_t now)
{
	struct ebpf_frame *frame = &burst->frames[burst->count];

	if (len > VALE_FRAME_MAX) {
		port->info.rx_drops++;
		return;
	}
	frame->data = data;
	frame->len = len;
	frame->port = (uint16_t)port->index;
	frame->ring_nr = 0;
	frame->verdict = EBPF_VALE_DROP;
	burst->time_ns[burst->count] = now;
	burst->wire_len[burst->count] = len;
	burst->count++;
}

/* Take what the kernel has; s->next to s->have are to be dealt with. */
static void
messages_receive(struct vale_port *port, struct packet_socket *s)
{
	struct msghdr *message;
	uint32_t i;
	int n;

	for (i = 0; i < VALE_BURST; i++) {
		s->parts[i][0].iov_base = &s->heads[i];
		s->parts[i][0].iov_len = sizeof(s->heads[i]);
		s->parts[i][1].iov_base = slot(s->slots, i);
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
	/* A frame that its header cannot describe is lost with this error; an
	 * interface that went down gives another, once. */
	if (n < 0 && errno == EINVAL)
		port->info.rx_drops++;
	s->next = 0;
	s->have = n > 0 ? (uint32_t)n : 0;
}

static void
if_receive(struct vale_port *port, struct vale_burst *burst, uint8_t *slots)
{
	struct packet_socket *s = port->state;
	uint64_t now = os_wall_time_ns();
	uint32_t len = 0, i;
	uint8_t *data = NULL, *out;
	bool merged;

	/* Frames of one burst may lie in the messages' own memory, so new ones
	 * are taken only when none does yet. */
	if (!s->splitting && s->next == s->have)
		messages_receive(port, s);
	while (burst->count < VALE_BURST) {
		if (s->splitting) {
			out = slot(slots, burst->count);
			len = offload_split_next(&s->split, out);
			if (len)
				frame_add(port, burst, out, len, now);
			else
				s->splitting = false;
			continue;
		}
		if (s->next == s->have)
			break;
		i = s->next++;
		if (s->from[i].sll_pkttype == PACKET_OUTGOING)
			continue;
		if (!frame_mend(s, i, &data, &len, &merged))
			port->info.rx_drops++;
		else if (!merged)
			frame_add(port, burst, data, len, now);
		else if (split_begin(s, i, data, len))
			s->splitting = true;
		else
			port->info.rx_drops++;
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
		s->out_parts[i][0].iov_base = (void *)&plain;
		s->out_parts[i][0].iov_len = sizeof(plain);
		s->out_parts[i][1].iov_base = frame->data;
		s->out_parts[i][1].iov_len = frame->len;
		memset(&s->out[i], 0, sizeof(s->out[i]));
		s->out[i].msg_hdr.msg_iov = &s->out_parts[i][s->vnet ? 0 : 1];
		s->out[i].msg_hdr.msg_iovlen = s->vnet ? 2 : 1;
	}
	while (done < count) {
		n = sendmmsg(s->fd, s->out + done, count - done,
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
