/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Doing what a kernel leaves to its network hardware: checksums that are only
 * begun, TCP and UDP data merged into frames larger than any wire takes. A
 * switch passes real frames on, so this is done where they come in. All
 * lengths come from outside and are checked. Called by port_if.c.
 */
#ifndef HOST_OFFLOAD_H
#define HOST_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* The Internet checksum of what follows `start`, into `at`, where the pseudo
 * header's sum is already. */
void offload_checksum(uint8_t *frame, uint32_t len, uint32_t start,
		      uint32_t at);

/* A merged frame on its way to being several. */
struct offload_split {
	const uint8_t *frame;
	uint32_t len;
	uint32_t l3, l4, payload; /* offsets */
	uint32_t mss;		  /* bytes of payload in each */
	uint32_t done;		  /* bytes of payload given out */
	uint32_t index;		  /* of the next frame */
	bool ipv6, tcp;
};

/* l4: where the TCP or UDP header is. False: nothing that can be split. */
bool offload_split_begin(struct offload_split *split, const uint8_t *frame,
			 uint32_t len, uint32_t l4, uint32_t mss, bool tcp);
/* Write the next frame to out (room for payload + mss bytes); 0: all done. */
uint32_t offload_split_next(struct offload_split *split, uint8_t *out);

#endif
