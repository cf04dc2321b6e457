/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Rings of records. Each record is a header of 8 bytes and its bytes, rounded
 * up to 8. Producers take their places under a short lock and fill them
 * without; the reader takes none. A record that begins near the end of the
 * ring runs over it, into what is the ring's start again or may be
 * (os_ring_alloc), so that its memory is one piece wherever it begins.
 */
#include "core/ring.h"

/* Both bits stand where Linux has them. */
#define BUSY (1u << 31)
#define DROPPED (1u << 30)

struct header {
	uint32_t len;	/* atomic; with BUSY and DROPPED */
	uint32_t place; /* of the header from the ring's start, in 8 bytes */
};

struct ebpf_ring {
	uint64_t mask; /* size - 1 */
	uint8_t *data; /* with a pointer to this struct before it */
	struct os_event *event;
	struct os_spin lock; /* producer */
	uint64_t producer;   /* atomic */
	uint64_t lost;	     /* atomic */
	/* the reader's, in a line of its own */
	uint64_t consumer __attribute__((aligned(64))); /* atomic */
};

static uint32_t
record_size(uint32_t len)
{
	return (uint32_t)((sizeof(struct header) + len + 7) & ~7ull);
}

static struct header *
header_at(struct ebpf_ring *ring, uint64_t position)
{
	return (struct header *)(ring->data + (position & ring->mask));
}

/* Where a ring's memory tells whose it is. */
static struct ebpf_ring **
owner_of(uint8_t *data)
{
	return (struct ebpf_ring **)(void *)data - 1;
}

uint64_t
ebpf_ring_bytes(uint32_t size)
{
	return sizeof(struct ebpf_ring) + EBPF_RING_PAGE + (uint64_t)size;
}

struct ebpf_ring *
ebpf_ring_create(uint32_t size, struct os_event *event)
{
	struct ebpf_ring *ring = os_alloc(sizeof(*ring));

	if (ring == NULL)
		return NULL;
	ring->data = os_ring_alloc(size);
	if (ring->data == NULL) {
		os_free(ring);
		return NULL;
	}
	*owner_of(ring->data) = ring;
	os_spin_init(&ring->lock);
	ring->mask = size - 1;
	ring->event = event;
	return ring;
}

void
ebpf_ring_destroy(struct ebpf_ring *ring)
{
	if (ring == NULL)
		return;
	os_ring_free(ring->data, (size_t)ring->mask + 1);
	os_free(ring);
}

/* ---- producers ---- */

void *
ebpf_ring_reserve(struct ebpf_ring *ring, uint32_t len)
{
	struct header *header;
	uint64_t start, end;

	if (len > EBPF_RING_RECORD_MAX)
		goto full;
	os_spin_lock(&ring->lock);
	start = ring->producer;
	end = start + record_size(len);
	/* never quite full, as in Linux */
	if (end - os_load_acquire(&ring->consumer) > ring->mask) {
		os_spin_unlock(&ring->lock);
		goto full;
	}
	header = header_at(ring, start);
	os_store(&header->len, len | BUSY);
	header->place = (uint32_t)((start & ring->mask) / 8);
	os_store_release(&ring->producer, end);
	os_spin_unlock(&ring->lock);
	return header + 1;

full:
	os_add_relaxed(&ring->lost, 1);
	return NULL;
}

void
ebpf_ring_commit(void *record, bool dropped, enum ebpf_ring_wake wake)
{
	struct header *header = (struct header *)record - 1;
	uint8_t *data = (uint8_t *)header - (size_t)header->place * 8;
	struct ebpf_ring *ring = *owner_of(data);
	uint32_t len = os_load(&header->len) & ~BUSY;

	os_store_release(&header->len, dropped ? len | DROPPED : len);
	/* from here on the record may be gone; the ring is not */
	if (wake == EBPF_RING_WAKE)
		os_event_signal(ring->event);
}

struct ebpf_ring_state
ebpf_ring_state(const struct ebpf_ring *ring)
{
	struct ebpf_ring_state state;

	state.size = ring->mask + 1;
	/* in this order: what is read never passes what was written */
	state.consumer = os_load_acquire(&ring->consumer);
	state.producer = os_load_acquire(&ring->producer);
	return state;
}

/* ---- the reader ---- */

const void *
ebpf_ring_peek(struct ebpf_ring *ring, uint32_t *len)
{
	uint64_t at = os_load(&ring->consumer);
	struct header *header;
	uint32_t head;

	while (at != os_load_acquire(&ring->producer)) {
		header = header_at(ring, at);
		head = os_load_acquire(&header->len);
		if (head & BUSY)
			break;
		*len = head & ~DROPPED;
		if (!(head & DROPPED))
			return header + 1;
		at += record_size(*len);
		os_store_release(&ring->consumer, at);
	}
	return NULL;
}

void
ebpf_ring_next(struct ebpf_ring *ring)
{
	uint64_t at = os_load(&ring->consumer);
	uint32_t len = os_load(&header_at(ring, at)->len);

	os_store_release(&ring->consumer, at + record_size(len));
}

uint64_t
ebpf_ring_lost(struct ebpf_ring *ring)
{
	return os_load(&ring->lost) == 0 ? 0 : os_swap(&ring->lost, 0);
}
