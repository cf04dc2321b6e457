/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_bare.h. */
#include "bench/bench_bare.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench_net.h"
#include "core/os.h"

enum {
	BURST = 64,
	RING_BLOCK = 1 << 16,
	RING_BLOCKS = 64,
	RING_FRAME = 2048,
	LARGEST = 1 << 17, /* merged frames too */
	LOOK_MS = 100,	   /* between looks at the flag that ends it */
};

static uint32_t
move_files(int from, int to)
{
	static __thread uint8_t frame[LARGEST];
	uint32_t count = 0;
	ssize_t n;

	while ((n = read(from, frame, sizeof(frame))) > 0)
		if (write(to, frame, (size_t)n) == n)
			count++;
	return count;
}

static int
ring_open(struct bench_ring *ring, const char *name)
{
	struct tpacket_req request = {
		.tp_block_size = RING_BLOCK,
		.tp_block_nr = RING_BLOCKS,
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = RING_BLOCK / RING_FRAME * RING_BLOCKS,
	};
	int version = TPACKET_V2, error;

	memset(ring, 0, sizeof(*ring));
	ring->fd = bench_net_socket(name, false);
	if (ring->fd < 0)
		return ring->fd;
	ring->frames = request.tp_frame_nr;
	if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) != 0 ||
	    setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request,
		       sizeof(request)) != 0)
		goto fail;
	ring->at = mmap(NULL, (size_t)RING_BLOCK * RING_BLOCKS,
			PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->at != MAP_FAILED)
		return 0;
	ring->at = NULL;
fail:
	error = -errno;
	close(ring->fd);
	return error;
}

static void
ring_close(struct bench_ring *ring)
{
	munmap(ring->at, (size_t)RING_BLOCK * RING_BLOCKS);
	close(ring->fd);
}

static struct tpacket2_hdr *
ring_frame(const struct bench_ring *ring, uint32_t n)
{
	size_t at = (size_t)((ring->next + n) % ring->frames) * RING_FRAME;

	return (struct tpacket2_hdr *)(void *)(ring->at + at);
}

static uint32_t
move_ring(struct bench_ring *ring, int to)
{
	struct mmsghdr out[BURST];
	struct iovec parts[BURST];
	struct tpacket2_hdr *head;
	uint32_t count = 0, n, i;
	int sent;

	do {
		for (n = 0; n < BURST; n++) {
			head = ring_frame(ring, n);
			if (!(os_load_acquire(&head->tp_status) &
			      TP_STATUS_USER))
				break;
			parts[n].iov_base = (uint8_t *)head + head->tp_mac;
			parts[n].iov_len = head->tp_snaplen;
			memset(&out[n], 0, sizeof(out[n]));
			out[n].msg_hdr.msg_iov = &parts[n];
			out[n].msg_hdr.msg_iovlen = 1;
		}
		sent = n > 0 ? sendmmsg(to, out, n, MSG_DONTWAIT) : 0;
		if (sent > 0)
			count += (uint32_t)sent;
		for (i = 0; i < n; i++)
			os_store_release(&ring_frame(ring, i)->tp_status,
					 TP_STATUS_KERNEL);
		ring->next += n;
	} while (n == BURST);
	return count;
}

int
bench_bare_tap(struct bench_bare *bare, int side, const char *name,
	       bool headers)
{
	bare->files[side] = bench_net_tap(name, headers);
	return bare->files[side] < 0 ? bare->files[side] : 0;
}

int
bench_bare_interface(struct bench_bare *bare, int side, const char *name)
{
	int error = ring_open(&bare->rings[side], name);

	if (error == 0)
		bare->files[side] = bare->rings[side].fd;
	return error;
}

uint32_t
bench_bare_move(struct bench_bare *bare, int side)
{
	struct bench_ring *ring = &bare->rings[side];

	return ring->at != NULL ? move_ring(ring, bare->files[!side])
				: move_files(bare->files[side],
					     bare->files[!side]);
}

static void *
work(void *cookie)
{
	struct bench_bare *bare = cookie;
	struct pollfd fds[2];

	for (int i = 0; i < 2; i++)
		fds[i] = (struct pollfd){ .fd = bare->files[i],
					  .events = POLLIN };
	while (!os_load_acquire(&bare->stop)) {
		if (poll(fds, 2, LOOK_MS) <= 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents)
				bench_bare_move(bare, i);
	}
	return NULL;
}

int
bench_bare_start(struct bench_bare *bare)
{
	int error = pthread_create(&bare->thread, NULL, work, bare);

	bare->runs = error == 0;
	return -error;
}

void
bench_bare_close(struct bench_bare *bare)
{
	if (bare->runs) {
		os_store_release(&bare->stop, 1);
		pthread_join(bare->thread, NULL);
	}
	for (int i = 0; i < 2; i++) {
		if (bare->rings[i].at != NULL)
			ring_close(&bare->rings[i]);
		else if (bare->files[i] >= 0)
			close(bare->files[i]);
	}
	*bare = (struct bench_bare)BENCH_BARE_NONE;
}
