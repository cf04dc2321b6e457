/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See packet_ring.h. The kernel fills slots in order and waits for none. */
#include "host/packet_ring.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "core/os.h"

enum {
	RING_SIZE = 4 << 20,
	RING_SIZE_MIN = 1 << 18,
	SLOT_MIN = 2048,
	SLOT_MAX = 16384,
	BLOCK_SIZE = 1 << 16,
	RESERVE = 32, /* between the kernel's words and the frame */
	OVERHEAD = 192, /* words, reserve, Ethernet header, tag */
};

int
packet_ring_open(struct packet_ring *ring, int fd, uint32_t mtu)
{
	int version = TPACKET_V2, reserve = RESERVE, one = 1;
	struct tpacket_req request;
	uint32_t size = RING_SIZE;
	void *map;

	memset(ring, 0, sizeof(*ring));
	ring->slot_size = SLOT_MIN;
	while (ring->slot_size < mtu + OVERHEAD && ring->slot_size < SLOT_MAX)
		ring->slot_size *= 2;
	ring->vnet = !setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
				 sizeof(one));
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve,
		       sizeof(reserve)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &one, sizeof(one)))
		return errno;
	for (;; size /= 2) {
		memset(&request, 0, sizeof(request));
		request.tp_block_size = BLOCK_SIZE;
		request.tp_block_nr = size / BLOCK_SIZE;
		request.tp_frame_size = ring->slot_size;
		request.tp_frame_nr = size / ring->slot_size;
		if (!setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request,
				sizeof(request)))
			break;
		if (errno != ENOMEM || size == RING_SIZE_MIN)
			return errno;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return errno;
	ring->slots = map;
	ring->slot_count = request.tp_frame_nr;
	return 0;
}

void
packet_ring_close(struct packet_ring *ring)
{
	if (ring->slots)
		munmap(ring->slots,
		       (size_t)ring->slot_count * ring->slot_size);
}

static struct tpacket2_hdr *
slot(const struct packet_ring *ring, uint32_t number)
{
	/* a power of two of them */
	return (struct tpacket2_hdr *)(ring->slots +
				       (size_t)(number &
						(ring->slot_count - 1)) *
					       ring->slot_size);
}

static uint32_t
vlan_of(const struct tpacket2_hdr *words, uint32_t status)
{
	uint32_t type = status & TP_STATUS_VLAN_TPID_VALID ?
				words->tp_vlan_tpid : ETH_P_8021Q;

	return status & TP_STATUS_VLAN_VALID ? type << 16 | words->tp_vlan_tci :
					       0;
}

bool
packet_ring_next(struct packet_ring *ring, struct packet_frame *frame)
{
	struct tpacket2_hdr *words = slot(ring, ring->next);
	const struct sockaddr_ll *from;
	uint32_t status;

	/* once around, it would be one that was seen already */
	if (ring->next - ring->done == ring->slot_count)
		return false;
	status = os_load_acquire(&words->tp_status);
	if (!(status & TP_STATUS_USER))
		return false;
	ring->next++;
	__builtin_prefetch(slot(ring, ring->next));
	from = (const void *)((const uint8_t *)words +
			      TPACKET_ALIGN(sizeof(*words)));
	frame->data = (uint8_t *)words + words->tp_mac;
	frame->len = words->tp_snaplen;
	frame->time_ns = (uint64_t)words->tp_sec * 1000000000 + words->tp_nsec;
	frame->vlan = vlan_of(words, status);
	frame->outgoing = from->sll_pkttype == PACKET_OUTGOING;
	frame->cut = words->tp_len != words->tp_snaplen;
	frame->message = (status & TP_STATUS_COPY) != 0;
	if (ring->vnet)
		memcpy(&frame->head, frame->data - sizeof(frame->head),
		       sizeof(frame->head));
	else
		memset(&frame->head, 0, sizeof(frame->head));
	return true;
}

void
packet_ring_release(struct packet_ring *ring)
{
	for (; ring->done != ring->next; ring->done++)
		os_store_release(&slot(ring, ring->done)->tp_status,
				 TP_STATUS_KERNEL);
}
