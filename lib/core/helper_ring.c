/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Helpers that hand records to users: ringbuf_* and perf_event_output. What
 * they refuse, and with which error, is Linux's; the verifier has proven the
 * map's kind, the memory, and that what was reserved is released once.
 */
#include "core/ctx.h"
#include "core/helper.h"
#include "core/map_rings.h"
#include "core/prog.h"

static uint64_t
result(int error)
{
	return (uint64_t)(int64_t)error;
}

static struct ebpf_map *
to_map(uint64_t r)
{
	return (struct ebpf_map *)(uintptr_t)r;
}

/* ---- ringbuf ---- */

/*
 * FORCE_WAKEUP is what always happens: whoever waits here has read all there
 * was, so Linux's rule of waking only such readers wakes them too.
 */
static enum ebpf_ring_wake
wake_of(uint64_t flags)
{
	return (flags & EBPF_RB_NO_WAKEUP) &&
			       !(flags & EBPF_RB_FORCE_WAKEUP) ?
		       EBPF_RING_NO_WAKE :
		       EBPF_RING_WAKE;
}

uint64_t
ebpf_helper_ringbuf_output(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, const struct ebpf_prog *prog)
{
	uint32_t len = (uint32_t)r3;
	void *record;

	if (r4 & ~(uint64_t)(EBPF_RB_NO_WAKEUP | EBPF_RB_FORCE_WAKEUP))
		return result(-EBPF_EINVAL);
	record = ebpf_ring_reserve(ebpf_rings_at(to_map(r1), 0), len);
	if (record == NULL)
		return result(-EBPF_EAGAIN);
	if (len != 0)
		memcpy(record, (const void *)(uintptr_t)r2, len);
	ebpf_ring_commit(record, false, wake_of(r4));
	return 0;
}

uint64_t
ebpf_helper_ringbuf_reserve(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	if (r3 != 0 || r2 > EBPF_RING_RECORD_MAX)
		return 0;
	return (uintptr_t)ebpf_ring_reserve(ebpf_rings_at(to_map(r1), 0),
					    (uint32_t)r2);
}

uint64_t
ebpf_helper_ringbuf_submit(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, const struct ebpf_prog *prog)
{
	ebpf_ring_commit((void *)(uintptr_t)r1, false, wake_of(r2));
	return 0;
}

uint64_t
ebpf_helper_ringbuf_discard(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	ebpf_ring_commit((void *)(uintptr_t)r1, true, wake_of(r2));
	return 0;
}

uint64_t
ebpf_helper_ringbuf_query(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			  uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_ring_state state =
		ebpf_ring_state(ebpf_rings_at(to_map(r1), 0));

	switch (r2) {
	case EBPF_RB_AVAIL_DATA:
		return state.producer - state.consumer;
	case EBPF_RB_RING_SIZE:
		return state.size;
	case EBPF_RB_CONS_POS:
		return state.consumer;
	case EBPF_RB_PROD_POS:
		return state.producer;
	}
	return 0;
}

/* ---- perf_event_array ---- */

/* Contexts of these kinds start with struct ebpf_pkt. */
static bool
has_packet(const struct ebpf_prog *prog)
{
	return prog->kind->number == EBPF_PROG_SOCKET ||
	       prog->kind->number == EBPF_PROG_TC ||
	       prog->kind->number == EBPF_PROG_XDP ||
	       prog->kind->number == EBPF_PROG_VALE;
}

uint64_t
ebpf_helper_perf_event_output(uint64_t r1, uint64_t r2, uint64_t r3,
			      uint64_t r4, uint64_t r5,
			      const struct ebpf_prog *prog)
{
	const struct ebpf_pkt *pkt = (const struct ebpf_pkt *)(uintptr_t)r1;
	struct ebpf_perf_head head = { os_time_ns() };
	struct ebpf_map *map = to_map(r2);
	uint32_t index = (uint32_t)(r3 & EBPF_F_INDEX_MASK);
	uint32_t more = (uint32_t)((r3 & EBPF_F_CTXLEN_MASK) >>
				   EBPF_F_CTXLEN_SHIFT);
	uint32_t len = (uint32_t)r5, cpu = os_cpu_id();
	struct ebpf_ring *ring;
	uint8_t *record;

	if (r3 & ~(EBPF_F_INDEX_MASK | EBPF_F_CTXLEN_MASK) ||
	    (more != 0 && !has_packet(prog)))
		return result(-EBPF_EINVAL);
	if (more != 0 && more > (uint64_t)((uint8_t *)pkt->data_end -
					   (uint8_t *)pkt->data))
		return result(-EBPF_EFAULT);
	if (index == EBPF_F_CURRENT_CPU)
		index = cpu;
	if (index >= map->max_entries)
		return result(-EBPF_E2BIG);
	ring = ebpf_rings_at(map, index);
	if (ring == NULL)
		return result(-EBPF_ENOENT);
	if (index != cpu)
		return result(-EBPF_EUNSUPPORTED);
	if ((uint64_t)len + more > EBPF_RING_RECORD_MAX - sizeof(head))
		return result(-EBPF_E2BIG);
	record = ebpf_ring_reserve(ring,
				   (uint32_t)sizeof(head) + len + more);
	if (record == NULL)
		return result(-EBPF_ENOSPC);
	memcpy(record, &head, sizeof(head));
	if (len != 0)
		memcpy(record + sizeof(head), (const void *)(uintptr_t)r4, len);
	if (more != 0)
		memcpy(record + sizeof(head) + len, pkt->data, more);
	ebpf_ring_commit(record, false, EBPF_RING_WAKE);
	return 0;
}
