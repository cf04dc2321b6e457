/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How many frames a VALE switch forwards in a second: they are counted where
 * they are received, for a fixed time by the guest's clock. One process has
 * both ports and takes turns with them, as VALE forwards in the sender's call:
 * so no receiver is late, nothing is lost, and what is measured is the switch.
 * Built by run.sh with netmap's headers, for bench.sh.
 *
 *	vale_rate SWITCH MACS MS   prints Mpps and ns for a frame
 *
 * MACS source addresses in turn, all learned, to one that is, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <net/if.h>
#include <net/netmap_user.h>

enum {
	FRAME = 60, /* bytes; the checksum is not counted */
	/* twice that fits a ring: what was taken is given back by the next take */
	BURST = 256,
};

struct port {
	int fd;
	struct netmap_ring *tx, *rx;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "vale_rate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void
port_open(struct port *port, const char *vale, const char *name)
{
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_header head = {
		.nr_version = NETMAP_API,
		.nr_reqtype = NETMAP_REQ_REGISTER,
		.nr_body = (uintptr_t)&reg,
	};
	struct netmap_if *nifp;
	void *memory;

	snprintf(head.nr_name, sizeof(head.nr_name), "%s:%s", vale, name);
	port->fd = open("/dev/netmap", O_RDWR);
	if (port->fd < 0 || ioctl(port->fd, NIOCCTRL, &head) != 0)
		die(head.nr_name);
	memory = mmap(NULL, reg.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED,
		      port->fd, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	nifp = NETMAP_IF(memory, reg.nr_offset);
	port->tx = NETMAP_TXRING(nifp, 0);
	port->rx = NETMAP_RXRING(nifp, 0);
}

/* Frames into every buffer of the ring: sources in turn. */
static void
fill(struct port *port, uint32_t macs, uint8_t who, uint8_t to)
{
	struct netmap_ring *ring = port->tx;

	for (uint32_t i = 0; i < ring->num_slots; i++) {
		uint8_t *frame = (uint8_t *)NETMAP_BUF(ring,
						       ring->slot[i].buf_idx);
		uint32_t mac = i % macs;

		memset(frame, 0, FRAME);
		frame[0] = frame[6] = 2;
		frame[5] = to;
		frame[9] = (uint8_t)(mac >> 8);
		frame[10] = (uint8_t)mac;
		frame[11] = who;
		frame[12] = 0x88;
		frame[13] = 0xb5;
		ring->slot[i].len = FRAME;
	}
}

static uint32_t
emit(struct port *port, uint32_t most)
{
	struct netmap_ring *ring = port->tx;
	uint32_t n = nm_ring_space(ring), i;

	if (n > most)
		n = most;
	for (i = 0; i < n; i++)
		ring->head = nm_ring_next(ring, ring->head);
	ring->cur = ring->head;
	if (ioctl(port->fd, NIOCTXSYNC, NULL) != 0)
		die("sending");
	return n;
}

static uint32_t
take(struct port *port)
{
	struct netmap_ring *ring = port->rx;
	uint32_t n;

	if (ioctl(port->fd, NIOCRXSYNC, NULL) != 0)
		die("receiving");
	n = nm_ring_space(ring);
	ring->head = ring->cur = ring->tail;
	return n;
}

int
main(int argc, char **argv)
{
	uint64_t sent = 0, received = 0, begin, end, time;
	struct port a, b;
	uint32_t macs, i;

	if (argc != 4)
		return 2;
	macs = (uint32_t)atoi(argv[2]);
	time = (uint64_t)atoi(argv[3]) * 1000000;
	port_open(&a, argv[1], "a");
	port_open(&b, argv[1], "b");
	if (macs == 0 || a.tx->num_slots % macs != 0) {
		fprintf(stderr, "vale_rate: %u slots, so not %u addresses\n",
			a.tx->num_slots, macs);
		return 2;
	}
	fill(&b, 1, 0xbb, 0xaa);
	fill(&a, macs, 0xaa, 0xbb);
	/* both sides are learned, and caches are warm */
	emit(&b, 1);
	take(&a);
	for (i = 0; i < 16; i++) {
		emit(&a, BURST);
		take(&b);
	}
	begin = now();
	do {
		sent += emit(&a, BURST);
		received += take(&b);
		end = now();
	} while (end - begin < time);
	if (received != sent) {
		fprintf(stderr, "vale_rate: %llu sent, %llu received\n",
			(unsigned long long)sent, (unsigned long long)received);
		return 1;
	}
	printf("%.3f %.1f\n", (double)received * 1e3 / (double)(end - begin),
	       (double)(end - begin) / (double)received);
	return 0;
}
