/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a packet socket receives, in memory that is shared with the kernel
 * (TPACKET_V2): frames are used where they lie, without a call for each. A
 * frame longer than a slot waits at the socket as a message. Knows no switch;
 * used by port_if.c.
 */
#ifndef HOST_PACKET_RING_H
#define HOST_PACKET_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_net.h>

struct packet_ring {
	uint8_t *slots;
	uint32_t slot_size, slot_count;
	uint32_t next; /* slot to look at; only grows */
	uint32_t done; /* slot to give back */
	bool vnet;     /* frames come with a virtio_net_hdr */
};

struct packet_frame {
	uint8_t *data; /* the 32 bytes before it may be written, too */
	uint32_t len;
	uint64_t time_ns;	    /* Unix time of arrival */
	uint32_t vlan;		    /* tag taken off, with its type; 0: none */
	struct virtio_net_hdr head; /* zero without */
	bool outgoing;		    /* this host sent it */
	bool cut;     /* data is not all of it */
	bool message; /* and all of it is the socket's next message */
};

/*
 * For a socket that is not bound yet; slots take what an interface of that
 * mtu brings. errno, or 0.
 */
int packet_ring_open(struct packet_ring *ring, int fd, uint32_t mtu);
void packet_ring_close(struct packet_ring *ring);

/* The next frame, there until release; false: none now. */
bool packet_ring_next(struct packet_ring *ring, struct packet_frame *frame);
/* Give back all that was looked at. */
void packet_ring_release(struct packet_ring *ring);

#endif
