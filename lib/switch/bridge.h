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
#include "core/runtime.h"

/* One per switch. Outside bridge.c only the functions below look into it. */
struct ebpf_bridge {
	struct ebpf_prog *prog; /* atomic; the link holds the reference */
	struct ebpf_prog *plain; /* atomic: the same, if it takes a context */
	struct ebpf_runtime *rt;
	uint64_t seed;
	struct ebpf_bridge_set *sets;
	struct os_spin lock; /* writes to sets, victim */
	uint32_t victim;
};

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

/*
 * For these where most frames are decided by a program: nothing stands between
 * them and it. Inside a section, pinned: a program for which frames of 14 bytes
 * and more need nothing but ebpf_prog_run(), with a context whose padding is
 * zero, and the lower half of the result settled. NULL, also when there is no
 * program: ebpf_bridge_decide_one().
 */
static inline const struct ebpf_prog *
ebpf_bridge_plain(const struct ebpf_bridge *bridge)
{
	const struct ebpf_prog *prog = os_load_acquire(&bridge->plain);

	return os_likely(os_load(&bridge->rt->stats_on) == 0) ? prog : NULL;
}

/* Of any kind, or NULL. */
static inline const struct ebpf_prog *
ebpf_bridge_prog(const struct ebpf_bridge *bridge)
{
	return os_load_acquire(&bridge->prog);
}

/*
 * What was learned, when there is no program: to be settled and counted as
 * learned by the caller. The frame has 14 bytes at least.
 */
uint32_t ebpf_bridge_learned(struct ebpf_bridge *bridge, const uint8_t *data,
			     uint32_t port);

/* Counted; what it means to the mover. */
static inline uint8_t
ebpf_bridge_settle(uint32_t verdict, struct ebpf_verdict_counts *counts)
{
	if (os_likely(verdict < EBPF_VALE_BROADCAST))
		counts->port++;
	else if (verdict == EBPF_VALE_BROADCAST)
		counts->broadcast++;
	else if (verdict == EBPF_VALE_DROP)
		counts->drop++;
	else
		counts->invalid++;
	return verdict <= EBPF_VALE_DROP ? (uint8_t)verdict : EBPF_VALE_DROP;
}

#endif
