/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Short frames out of an interface by an AF_XDP socket (copy mode): they are
 * put into memory that the kernel reads, and one call sends all of them,
 * past queueing disciplines and filters on egress. Knows no switch; used by
 * port_if.c for ports that ask for it.
 */
#ifndef HOST_XDP_SENDER_H
#define HOST_XDP_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	XDP_SENDER_LONGEST = 576 + 14, /* bytes; the MTU may allow less */
	XDP_SENDER_FRAMES = 256, /* on their way at a time */
};

struct xdp_sender {
	int fd; /* negative: not open */
	uint8_t *frames;
	uint8_t *sent, *done; /* rings, as they are mapped */
	size_t sent_size, done_size;
	uint32_t *sent_producer, *sent_consumer;
	uint32_t *done_producer, *done_consumer;
	void *sent_at;
	const uint64_t *done_at;
	uint32_t put; /* in all; what the kernel knows of after flush */
	uint32_t longest; /* frame; this socket does not look at MTUs itself */
	uint64_t patience_ns; /* with a queue that is full */
	uint32_t free_count;
	uint16_t free[XDP_SENDER_FRAMES];
};

/* errno, or 0: for the first queue of interface number `index`. */
int xdp_sender_open(struct xdp_sender *sender, unsigned int index,
		    uint32_t mtu);
/* What was put and not sent is gone. One with fd negative is fine. */
void xdp_sender_close(struct xdp_sender *sender);

/* For how many frames there is room. */
uint32_t xdp_sender_room(struct xdp_sender *sender);
/* One of at most sender->longest; there must be room. */
void xdp_sender_put(struct xdp_sender *sender, const void *frame,
		    uint32_t len);
/*
 * Sends what was put; where a card's queue is full it waits for places in it,
 * but not for long. How many did not go, 0 mostly; they would go some time, so
 * then the sender is to be closed.
 */
uint32_t xdp_sender_flush(struct xdp_sender *sender);

#endif
