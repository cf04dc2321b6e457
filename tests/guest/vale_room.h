/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The switch that vale_frames sends through, with its three ports and the
 * program of vale_to.bpf.c: what is said to them, what is sent and what comes.
 */
#ifndef TESTS_GUEST_VALE_ROOM_H
#define TESTS_GUEST_VALE_ROOM_H

#include "client/gebpf.h"
#include "vale_port.h"

#define SWITCH "vale6"

enum {
	HEADER = 14,
	FRAME_MAX = 65536,
	PARTS_MAX = NETMAP_MAX_FRAGS,
	LEAVE = 1000, /* no ring: the program leaves it as it is */
};

struct seen { /* as in vale_to.bpf.c */
	uint32_t frames, len, longest, port, ring, sum;
};

extern struct gebpf_device *device;
extern uint32_t seen_id; /* a map of one struct seen */

/* The sender, the one that frames are sent to, and one more. */
extern struct port from, to, other;
extern uint32_t from_index, to_index;
extern uint32_t buf_size;
extern uint8_t wire[2 * FRAME_MAX], got[2 * FRAME_MAX];

/* The device and the program; false after saying why not. */
bool load(const char *path);
bool ask_switch(enum ebpf_request what);
struct ebpf_rep_switch_info counts(void);
bool open_ports(const struct port_form *form, uint32_t size);
void close_ports(void);
bool attach(void);
bool detach(void);

void map_set(uint32_t id, uint32_t key, const void *value, uint32_t len);
/* What the program says of all frames from now on. */
void choose(uint32_t verdict, uint32_t ring);
struct seen seen(void);
uint32_t sum_of(const uint8_t *data); /* as the program sums a header */

/* Everything that is in the port's rings goes. */
uint32_t drain(struct port *port);
/* Parts of wire[], one behind the other, new bytes each time. */
uint32_t cut(struct part *parts, const uint16_t *lens, uint32_t n);
bool send_parts(uint32_t ring, const struct part *parts, uint32_t n);
/* That frame, whole, reaches this ring of `to`, and nothing else does. */
bool arrived(uint32_t ring, uint32_t len);
bool nothing_arrived(void);
/* Sent to `to`; the program has been shown so many bytes from `shown` on. */
bool goes_through(const uint16_t *lens, uint32_t n, uint32_t shown_at,
		  uint32_t shown_len);
/* It is not shown to the program, nor sent; counted as dropped if so. */
bool is_dropped(const struct part *parts, uint32_t n, bool counted);

#endif
