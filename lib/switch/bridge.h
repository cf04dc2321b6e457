/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A VALE bridge's decision for frames: run the attached program, else learn.
 * Moves no packets and knows no ports' kinds; the userspace switch and the
 * kernel's VALE hook call the same code.
 */
#ifndef SWITCH_BRIDGE_H
#define SWITCH_BRIDGE_H

#include "abi/wire.h"
#include "core/ctx.h"
#include "core/prog.h"

struct ebpf_bridge; /* one per switch */

struct ebpf_bridge *ebpf_bridge_create(struct ebpf_runtime *rt);
void ebpf_bridge_destroy(struct ebpf_bridge *bridge);

/* Swap the program (NULL: learn again). On return nobody runs the old one; the
 * caller keeps its own reference to it. sleep */
void ebpf_bridge_set_prog(struct ebpf_bridge *bridge, struct ebpf_prog *prog);

/* A port left: forget the addresses learned there. sleep */
void ebpf_bridge_forget_port(struct ebpf_bridge *bridge, uint32_t port);

struct ebpf_frame {
	uint8_t *data;
	uint32_t len;	 /* bytes; below 14: dropped undecided (counted drop) */
	uint16_t port;	 /* ingress index */
	uint8_t ring_nr; /* in and out */
	uint8_t verdict; /* out: 0..253 index, 254 broadcast, 255 drop */
};

/*
 * Decide for a burst. Inside a section (ebpf_section_enter), pinned. All frames
 * of one call see the same program. Every frame is added to one of counts'
 * port, broadcast, drop, invalid, and, if there was no program, to learned as
 * well; the mover counts no_port and reflected. invalid is dropped. ring_nr is
 * what a program made of it, for the mover to fit to its rings.
 */
void ebpf_bridge_decide(struct ebpf_bridge *bridge, struct ebpf_frame *frames,
			uint32_t count, struct ebpf_verdict_counts *counts);
/* The same for a single frame, for movers that ask frame by frame. */
void ebpf_bridge_decide_one(struct ebpf_bridge *bridge,
			    struct ebpf_frame *frame,
			    struct ebpf_verdict_counts *counts);

#endif
