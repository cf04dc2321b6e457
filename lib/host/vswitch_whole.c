/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Unfinished frames on their way to a port that takes none: checksums are
 * completed where they are, merged TCP data becomes frames that a wire takes.
 * Called by vswitch_move.c; offload.h knows the headers.
 */
#include "host/offload.h"
#include "host/vswitch_parts.h"

/* What is sent in one go, with frames of its own in splits. */
struct whole {
	struct vale_port *port;
	struct vale_burst burst;
	uint8_t index[VALE_BURST]; /* all of the burst */
};

static void
flush(struct whole *whole)
{
	if (whole->burst.count)
		whole->port->ops->send(whole->port, &whole->burst,
				       whole->index, whole->burst.count);
	whole->burst.count = 0;
}

/* One more, like frame i of `from` but for its bytes. */
static void
add(struct whole *whole, const struct vale_burst *from, uint32_t i,
    uint8_t *data, uint32_t len)
{
	struct vale_burst *to = &whole->burst;
	uint32_t n = to->count++;

	to->frames[n] = from->frames[i];
	to->frames[n].data = data;
	to->frames[n].len = len;
	to->time_ns[n] = from->time_ns[i];
	to->wire_len[n] = len;
	whole->index[n] = (uint8_t)n;
	if (to->count == VALE_BURST)
		flush(whole);
}

static void
split(struct whole *whole, const struct vale_burst *from, uint32_t i)
{
	const struct virtio_net_hdr *head = &from->heads[i];
	uint8_t *splits = whole->port->vale->splits, *at;
	struct offload_split split;
	uint32_t len;

	if (!vale_gso_is_tcp(head) ||
	    !offload_split_begin(&split, from->frames[i].data,
				 from->frames[i].len, head->csum_start,
				 head->gso_size, true)) {
		whole->port->info.tx_drops++;
		return;
	}
	for (;;) {
		at = splits + (size_t)whole->burst.count * VALE_SLOT_SIZE +
		     VALE_SLOT_HEAD;
		len = offload_split_next(&split, at);
		if (!len)
			break;
		add(whole, from, i, at, len);
	}
}

void
vale_send_whole(struct vale_port *port, struct vale_burst *burst,
		const uint8_t *index, uint32_t count)
{
	struct virtio_net_hdr *head;
	struct ebpf_frame *frame;
	struct whole whole;
	uint32_t k, i;

	whole.port = port;
	whole.burst.count = 0;
	whole.burst.unfinished = false;
	for (k = 0; k < count; k++) {
		i = index[k];
		frame = &burst->frames[i];
		head = &burst->heads[i];
		if (head->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
			split(&whole, burst, i);
			continue;
		}
		/* for all who get the frame after this one, too */
		if (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			offload_checksum(frame->data, frame->len,
					 head->csum_start,
					 head->csum_start + head->csum_offset);
		head->flags = 0;
		add(&whole, burst, i, frame->data, frame->len);
	}
	flush(&whole);
}
