/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An interface of the kernel with a port on it: its other side, the wire, is a
 * tap that the test writes to and reads; what comes out of the switch comes to
 * memory. Needs root; other traffic is passed over. One at a time.
 */
#ifndef TESTS_WIRE_LAB_H
#define TESTS_WIRE_LAB_H

#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/vswitch.h"

enum { WIRE_TYPE = 0x88b5 }; /* an Ethernet type for experiments */

/* Of wire_switch_open(): port 0 of vale0 is memory, port 1 the interface. */
extern struct ebpf_vswitch *wire_set;
extern struct ebpf_pair_end *wire_pair;
extern char wire_name[IFNAMSIZ]; /* of wire_make() */

bool wire_make(void); /* false: not here */
void wire_remove(void);
bool wire_up(bool up);
bool wire_mtu(int mtu);

/* A switch with port if:NAME and that option; false after saying why not. */
bool wire_switch_open(const char *option);
void wire_switch_close(void);
uint64_t wire_drops(void); /* frames that the port could not send */

/* A frame of ours that can be told by its number. */
void wire_frame(uint8_t *frame, uint32_t len, uint32_t type, uint32_t number);
bool wire_ours(const uint8_t *frame, uint32_t len);
/* From the wire into the interface; head NULL: nothing is left to do. */
bool wire_send(const struct virtio_net_hdr *head, const uint8_t *frame,
	       uint32_t len);
/* The next frame of ours, copied; its length, 0 after some time. */
uint32_t wire_receive(uint8_t *copy); /* on the wire */
uint32_t wire_arrive(uint8_t *copy);  /* in memory, through the switch */

/* When somebody who waits may give up, in os_time_ns(). */
uint64_t wire_deadline(void);
void wire_nap(void);

#endif
