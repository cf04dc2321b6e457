/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random frames that programs know what to do with: few addresses, so that they
 * come again, tags, IPv4, IPv6, ARP and anything.
 */
#ifndef TESTS_LIB_FRAME_MAKER_H
#define TESTS_LIB_FRAME_MAKER_H

#include <stdint.h>

enum {
	FRAMES_MAX = 320, /* bytes of one */
};

/* Below `below`; *state is any number but 0 at first. */
uint32_t frames_random(uint64_t *state, uint32_t below);
/* FRAMES_MAX bytes are written; returns how many of them are the frame's. */
uint32_t frames_make(uint64_t *state, uint8_t *frame);

#endif
