/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A ring of records: programs on any CPU put them in, one reader at a time
 * takes them out in order. What ringbuf maps are and what perf_event_array
 * maps have one of for each CPU. Knows no map and no program.
 */
#ifndef CORE_RING_H
#define CORE_RING_H

#include "core/os.h"

enum {
	EBPF_RING_PAGE = 4096, /* sizes are multiples, and powers of two */
	/* One record must fit a message to whoever reads it. */
	EBPF_RING_RECORD_MAX = (64 << 20) - 4096,
};

struct ebpf_ring;

/* Bytes that a ring of that size takes. */
uint64_t ebpf_ring_bytes(uint32_t size);
/* event: signalled when there is something to read; NULL: ENOMEM. */
struct ebpf_ring *ebpf_ring_create(uint32_t size, struct os_event *event);
void ebpf_ring_destroy(struct ebpf_ring *ring); /* sleep, NULL is fine */

/* ---- for programs: any context ---- */

/*
 * Room for len bytes, aligned to 8, which nobody reads before it is committed;
 * NULL when the ring is too full, and then one more is counted as lost.
 */
void *ebpf_ring_reserve(struct ebpf_ring *ring, uint32_t len);
/* What commit does beyond making the record readable. */
enum ebpf_ring_wake {
	EBPF_RING_WAKE,	   /* wake who waits */
	EBPF_RING_NO_WAKE, /* let it find the record when it looks */
};
/* `record` is what reserve returned; dropped: readers skip it. */
void ebpf_ring_commit(void *record, bool dropped, enum ebpf_ring_wake wake);

/* Positions: bytes since the beginning, headers included. */
struct ebpf_ring_state {
	uint64_t size, producer, consumer;
};
struct ebpf_ring_state ebpf_ring_state(const struct ebpf_ring *ring);

/* ---- for the reader: one at a time ---- */

/* The oldest record if it is committed, else NULL; it stays. */
const void *ebpf_ring_peek(struct ebpf_ring *ring, uint32_t *len);
/* Free the record that peek just gave. */
void ebpf_ring_next(struct ebpf_ring *ring);
/* Records that found no room since this was last asked. */
uint64_t ebpf_ring_lost(struct ebpf_ring *ring);

#endif
