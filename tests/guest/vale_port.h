/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A port of a VALE switch, opened by the tests that run in the guest, with what
 * no well-behaved sender does: every flag of a slot and every pointer is the
 * caller's. Knows netmap's rings, nothing of programs.
 */
#ifndef TESTS_GUEST_VALE_PORT_H
#define TESTS_GUEST_VALE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <net/if.h>
#include <net/netmap_user.h>

struct port {
	int fd;
	void *memory;
	size_t size;
	struct netmap_if *nifp;
	uint32_t tx_rings, rx_rings;
};

/* 0: what netmap chooses. */
struct port_form {
	uint16_t tx_rings, rx_rings;
	uint32_t tx_slots, rx_slots;
	uint32_t offset_max; /* frames may begin so far into their buffers */
};

/* "vale0:a"; 0 or -errno. */
int port_open(struct port *port, const char *name,
	      const struct port_form *form);
void port_close(struct port *port);
/* Each frame of that port begins with so many bytes that are no part of it. */
int port_header(const char *name, uint32_t len);

/* What one slot carries. */
struct part {
	const void *data;
	uint16_t len;
	uint16_t offset;
	bool indirect; /* the data stays there, netmap fetches it */
};

struct netmap_ring *port_tx(struct port *port, uint32_t ring);
struct netmap_ring *port_rx(struct port *port, uint32_t ring);

/* A frame of these parts into the ring; false: no room. Not sent yet. */
bool port_put(struct port *port, uint32_t ring, const struct part *parts,
	      uint32_t count);
/* Send all that was put; 0 or -errno. */
int port_send(struct port *port);
/*
 * The next frame that came to that ring, its fragments joined: its length, or
 * -1 when there is none. What does not fit is cut off.
 */
int port_get(struct port *port, uint32_t ring, void *frame, size_t room);
/* Look for new frames, give those back that were taken. */
void port_poll(struct port *port);

#endif
