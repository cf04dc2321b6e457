/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See xdp_sender.h. A frame's memory is ours again when the kernel says so. */
#include "host/xdp_sender.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/os.h"

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

enum {
	CHUNK = 2048,
	MEMORY = CHUNK * XDP_SENDER_FRAMES,
	MASK = XDP_SENDER_FRAMES - 1,
	HEADER = 14,
	IN_VAIN = 4, /* calls at once; then each comes after a nap */
	NAP_NS = 10000,
	/* A card says rarely which frames have gone, but more often than that.
	 * Who calls has other ports to look after. */
	PATIENCE_NS = 1000000,
};

/* ---- opening ---- */

static int
memory_register(struct xdp_sender *sender)
{
	int size = XDP_SENDER_FRAMES;
	struct xdp_umem_reg memory = { .len = MEMORY, .chunk_size = CHUNK };

	sender->frames = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sender->frames == MAP_FAILED) {
		sender->frames = NULL;
		return errno;
	}
	memory.addr = (uintptr_t)sender->frames;
	/* nothing is received; the kernel wants the ring for it even so */
	if (setsockopt(sender->fd, SOL_XDP, XDP_UMEM_REG, &memory,
		       sizeof(memory)) ||
	    setsockopt(sender->fd, SOL_XDP, XDP_UMEM_FILL_RING, &size,
		       sizeof(size)) ||
	    setsockopt(sender->fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &size,
		       sizeof(size)) ||
	    setsockopt(sender->fd, SOL_XDP, XDP_TX_RING, &size, sizeof(size)))
		return errno;
	return 0;
}

static int
ring_map(int fd, const struct xdp_ring_offset *offset, size_t entry,
	 uint64_t page, uint8_t **ring, size_t *size)
{
	void *map;

	*size = offset->desc + entry * XDP_SENDER_FRAMES;
	map = mmap(NULL, *size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, fd, (off_t)page);
	if (map == MAP_FAILED)
		return errno;
	*ring = map;
	return 0;
}

static int
rings_map(struct xdp_sender *sender)
{
	struct xdp_mmap_offsets offsets;
	socklen_t size = sizeof(offsets);
	int error;

	if (getsockopt(sender->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size))
		return errno;
	if (size != sizeof(offsets))
		return EPROTONOSUPPORT; /* of a kernel before 5.4 */
	error = ring_map(sender->fd, &offsets.tx, sizeof(struct xdp_desc),
			 XDP_PGOFF_TX_RING, &sender->sent, &sender->sent_size);
	if (!error)
		error = ring_map(sender->fd, &offsets.cr, sizeof(uint64_t),
				 XDP_UMEM_PGOFF_COMPLETION_RING, &sender->done,
				 &sender->done_size);
	if (error)
		return error;
	sender->sent_producer = (void *)(sender->sent + offsets.tx.producer);
	sender->sent_consumer = (void *)(sender->sent + offsets.tx.consumer);
	sender->sent_at = sender->sent + offsets.tx.desc;
	sender->done_producer = (void *)(sender->done + offsets.cr.producer);
	sender->done_consumer = (void *)(sender->done + offsets.cr.consumer);
	sender->done_at = (const void *)(sender->done + offsets.cr.desc);
	return 0;
}

int
xdp_sender_open(struct xdp_sender *sender, unsigned int index, uint32_t mtu)
{
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = index,
	};
	int error;

	memset(sender, 0, sizeof(*sender));
	sender->longest = mtu < XDP_SENDER_LONGEST - HEADER
				  ? mtu + HEADER
				  : XDP_SENDER_LONGEST;
	sender->patience_ns = PATIENCE_NS;
	sender->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sender->fd < 0)
		return errno;
	error = memory_register(sender);
	if (!error)
		error = rings_map(sender);
	if (!error && bind(sender->fd, (struct sockaddr *)&address,
			   sizeof(address)))
		error = errno;
	if (error) {
		xdp_sender_close(sender);
		return error;
	}
	while (sender->free_count < XDP_SENDER_FRAMES) {
		sender->free[sender->free_count] =
			(uint16_t)sender->free_count;
		sender->free_count++;
	}
	return 0;
}

void
xdp_sender_close(struct xdp_sender *sender)
{
	if (sender->fd < 0)
		return;
	if (sender->sent)
		munmap(sender->sent, sender->sent_size);
	if (sender->done)
		munmap(sender->done, sender->done_size);
	close(sender->fd);
	if (sender->frames)
		munmap(sender->frames, MEMORY);
	memset(sender, 0, sizeof(*sender));
	sender->fd = -1;
}

/* ---- sending ---- */

uint32_t
xdp_sender_room(struct xdp_sender *sender)
{
	uint32_t at = os_load(sender->done_consumer);
	uint32_t end = os_load_acquire(sender->done_producer);

	for (; at != end && sender->free_count < XDP_SENDER_FRAMES; at++)
		sender->free[sender->free_count++] =
			(uint16_t)(sender->done_at[at & MASK] / CHUNK & MASK);
	os_store_release(sender->done_consumer, at);
	return sender->free_count;
}

void
xdp_sender_put(struct xdp_sender *sender, const void *frame, uint32_t len)
{
	struct xdp_desc *desc = sender->sent_at;
	uint32_t place = sender->free[--sender->free_count];

	memcpy(sender->frames + (size_t)place * CHUNK, frame, len);
	desc[sender->put++ & MASK] = (struct xdp_desc){
		.addr = (uint64_t)place * CHUNK,
		.len = len,
	};
}

static uint32_t
left_of(const struct xdp_sender *sender)
{
	return sender->put - os_load_acquire(sender->sent_consumer);
}

/* False: to call again is of no use. */
static bool
call(const struct xdp_sender *sender)
{
	return sendto(sender->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 ||
	       errno == EAGAIN || errno == EBUSY || errno == ENOBUFS ||
	       errno == EINTR;
}

uint32_t
xdp_sender_flush(struct xdp_sender *sender)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	uint32_t left = left_of(sender), before, in_vain = 0;
	uint64_t now, since_ns = 0; /* when it first napped */
	bool going = true;

	os_store_release(sender->sent_producer, sender->put);
	/* a call ends after some frames, or when the driver has enough */
	while (left && going) {
		before = left;
		going = call(sender);
		left = left_of(sender);
		in_vain = left < before ? 0 : in_vain + 1;
		if (in_vain < IN_VAIN || !going)
			continue;
		now = os_time_ns();
		if (!since_ns)
			since_ns = now;
		going = now - since_ns < sender->patience_ns;
		if (going)
			nanosleep(&nap, NULL);
	}
	return left;
}
