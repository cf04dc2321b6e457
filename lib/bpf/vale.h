/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a program on a VALE switch sees and says. Section "vale":
 *
 *	SEC("vale") int forward(struct vale_bpf_md *ctx) { return 1; }
 *
 * A program of the older form has no context and needs nothing from here but
 * the verdicts; it is loaded as "type vale_buf":
 *
 *	uint8_t mylookup(uint8_t *buf, uint16_t len, uint8_t sport)
 */
#ifndef BPF_VALE_H
#define BPF_VALE_H

#include "bpf_types.h"

struct vale_bpf_md {
	void *data;	    /* first byte of the Ethernet frame */
	void *data_end;	    /* one past its last byte */
	__u32 ingress_port; /* index of the port that it came in by */
	__u8 ring_nr;	    /* ring of the port that it goes to; writable */
};

/* Return 0..253: the index of the port to send to; or one of these. */
#define VALE_BPF_PORT_MAX 254
#define VALE_BPF_BROADCAST 254 /* to all ports but the one it came from */
#define VALE_BPF_DROP 255

#endif
