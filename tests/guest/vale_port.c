/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A port of a VALE switch for tests: opening it, sending, receiving. */
#include "vale_port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int
port_open(struct port *port, const char *name, const struct port_form *form)
{
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_opt_offsets offsets = {
		.nro_opt = { .nro_reqtype = NETMAP_REQ_OPT_OFFSETS },
		.nro_offset_bits = 16,
	};
	struct nmreq_header head = {
		.nr_version = NETMAP_API,
		.nr_reqtype = NETMAP_REQ_REGISTER,
		.nr_body = (uintptr_t)&reg,
	};
	int error;

	if (form) {
		reg.nr_tx_rings = form->tx_rings;
		reg.nr_rx_rings = form->rx_rings;
		reg.nr_tx_slots = form->tx_slots;
		reg.nr_rx_slots = form->rx_slots;
		offsets.nro_max_offset = form->offset_max;
		if (form->offset_max)
			head.nr_options = (uintptr_t)&offsets;
	}
	snprintf(head.nr_name, sizeof(head.nr_name), "%s", name);
	port->fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);
	if (port->fd < 0)
		return -errno;
	port->memory = MAP_FAILED;
	if (ioctl(port->fd, NIOCCTRL, &head) == 0) {
		port->size = reg.nr_memsize;
		port->memory = mmap(NULL, port->size, PROT_READ | PROT_WRITE,
				    MAP_SHARED, port->fd, 0);
	}
	if (port->memory == MAP_FAILED) {
		error = -errno;
		close(port->fd);
		port->fd = -1;
		return error;
	}
	port->nifp = NETMAP_IF(port->memory, reg.nr_offset);
	port->tx_rings = reg.nr_tx_rings;
	port->rx_rings = reg.nr_rx_rings;
	return 0;
}

void
port_close(struct port *port)
{
	munmap(port->memory, port->size);
	close(port->fd);
	port->fd = -1;
}

int
port_header(const char *name, uint32_t len)
{
	struct nmreq_port_hdr body = { .nr_hdr_len = len };
	struct nmreq_header head = {
		.nr_version = NETMAP_API,
		.nr_reqtype = NETMAP_REQ_PORT_HDR_SET,
		.nr_body = (uintptr_t)&body,
	};
	int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	snprintf(head.nr_name, sizeof(head.nr_name), "%s", name);
	error = ioctl(fd, NIOCCTRL, &head) ? -errno : 0;
	close(fd);
	return error;
}

struct netmap_ring *
port_tx(struct port *port, uint32_t ring)
{
	return NETMAP_TXRING(port->nifp, ring);
}

struct netmap_ring *
port_rx(struct port *port, uint32_t ring)
{
	return NETMAP_RXRING(port->nifp, ring);
}

bool
port_put(struct port *port, uint32_t nr, const struct part *parts,
	 uint32_t count)
{
	struct netmap_ring *ring = port_tx(port, nr);
	struct netmap_slot *slot;

	if (nm_ring_space(ring) < count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		slot = &ring->slot[ring->head];
		slot->len = parts[i].len;
		slot->flags = (uint16_t)((i + 1 < count ? NS_MOREFRAG : 0) |
					 (parts[i].indirect ? NS_INDIRECT : 0));
		slot->ptr = parts[i].indirect ? (uintptr_t)parts[i].data :
						parts[i].offset;
		if (!parts[i].indirect)
			memcpy(NETMAP_BUF(ring, slot->buf_idx) +
				       parts[i].offset,
			       parts[i].data, parts[i].len);
		ring->head = ring->cur = nm_ring_next(ring, ring->head);
	}
	return true;
}

int
port_send(struct port *port)
{
	return ioctl(port->fd, NIOCTXSYNC, NULL) ? -errno : 0;
}

int
port_get(struct port *port, uint32_t nr, void *frame, size_t room)
{
	struct netmap_ring *ring = port_rx(port, nr);
	struct netmap_slot *slot;
	size_t len = 0, part;

	if (nm_ring_empty(ring))
		return -1;
	do {
		slot = &ring->slot[ring->head];
		part = slot->len < room - len ? slot->len : room - len;
		memcpy((uint8_t *)frame + len,
		       NETMAP_BUF(ring, slot->buf_idx) +
			       (slot->ptr & ring->offset_mask),
		       part);
		len += part;
		ring->head = ring->cur = nm_ring_next(ring, ring->head);
	} while ((slot->flags & NS_MOREFRAG) && !nm_ring_empty(ring));
	return (int)len;
}

void
port_poll(struct port *port)
{
	ioctl(port->fd, NIOCRXSYNC, NULL);
}
