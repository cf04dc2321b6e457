/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The shortest start, to copy and change: a function of the first vale-bpf's
 * form. It gets the frame, its length and the index of the port where it came
 * in, and returns the index of the port where it goes out. No context, no
 * section name; that is why the type must be named when it is loaded:
 *
 *	clang -O2 -g -target bpf -c mylookup.bpf.c
 *	gebpf prog load mylookup.bpf.o type vale_buf
 *
 * Here two ports are wired to each other: what comes in by 0 leaves by 1, what
 * comes in by 1 leaves by 0; everything else is dropped.
 */
#include <stdint.h>

#define BROADCAST 254
#define DROP 255

uint8_t mylookup(uint8_t *buf, uint16_t len, uint8_t sport)
{
	/* Never read a byte of buf without comparing with len first. */
	if (len < 14)
		return DROP;
	/* A frame to the all-ones address is for all ports. */
	if (buf[0] == 0xff)
		return BROADCAST;
	if (sport > 1)
		return DROP;
	return sport ^ 1;
}
