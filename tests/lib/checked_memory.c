/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of checked.h: what lies where, and who may touch it.
 */
#include "checked.h"

/* That many elements are in the map, or will be. */
uint32_t
checked_elements(const struct checked *run, uint32_t map)
{
	if (map < VGEN_MAPS)
		return run->maps[map]->max_entries;
	/* one shorter than its template, one longer */
	if (map == checked_inner(VGEN_OF_ARRAYS))
		return 1;
	return map == checked_inner(VGEN_OF_ARRAYS) + 1 ? CHECKED_ELEMENTS :
							  VGEN_ELEMENTS;
}

static bool
has_locks(uint32_t map)
{
	return map == VGEN_LOCKED || map >= checked_inner(VGEN_OF_LOCKED);
}

static bool
within(uint64_t addr, uint32_t size, uint64_t start, uint64_t end)
{
	return addr >= start && addr + size <= end;
}

/* The element whose value is there. */
static uint8_t *
value_at(const struct checked *run, uint64_t addr, uint32_t size)
{
	uint32_t map = (uint32_t)(addr - CHECKED_VALUE) / 0x1000000;
	uint32_t element = (uint32_t)(addr - CHECKED_VALUE) / 0x100000 % 16;
	uint64_t start = checked_value(map, element);

	if (map >= CHECKED_MAPS || element >= CHECKED_ELEMENTS ||
	    element >= checked_elements(run, map) ||
	    !within(addr, size, start, start + VGEN_AREA))
		return NULL;
	if (has_locks(map) && addr + size > start + VGEN_LOCK_OFF &&
	    addr < start + VGEN_LOCK_OFF + 4)
		return NULL;
	return (uint8_t *)&run->m.values[map][element][addr - start];
}

static uint8_t *
record_at(const struct checked *run, uint64_t addr, uint32_t size)
{
	uint32_t record = (uint32_t)(addr - CHECKED_RECORD) / 0x10000;
	uint64_t start = checked_record(record);

	if (record >= run->m.record_count ||
	    !within(addr, size, start, start + run->m.records[record].size))
		return NULL;
	/* to a processor that is ahead, it is there still */
	if (!run->m.records[record].held && !run->ahead)
		return NULL;
	return (uint8_t *)&run->m.records[record].bytes[addr - start];
}

uint8_t *
checked_memory(const struct checked *run, uint64_t addr, uint32_t size,
	       enum checked_access access)
{
	const struct checked_machine *m = &run->m;
	uint32_t f;

	for (f = 0; f < m->depth; f++)
		if (within(addr, size, checked_frame_top(f) - EBPF_STACK_MAX,
			   checked_frame_top(f)))
			return (uint8_t *)m->stack[f] +
			       (addr - checked_frame_top(f) + EBPF_STACK_MAX);
	if (within(addr, size, m->base - m->meta_len, m->base + m->mem_len))
		return (uint8_t *)m->mem + CHECKED_META + (addr - m->base);
	if (addr >= CHECKED_VALUE && addr < CHECKED_CTX)
		return value_at(run, addr, size);
	if (addr >= CHECKED_RECORD && addr < CHECKED_KEY)
		return record_at(run, addr, size);
	for (f = 0; f < m->depth && access == CHECKED_READ; f++)
		if (m->loops[f].map && within(addr, size, checked_key(f),
					      checked_key(f) + 4))
			return (uint8_t *)m->keys[f] + (addr - checked_key(f));
	return NULL;
}

/* It is elsewhere, and its bytes are others. */
void
checked_move_packet(struct checked *run)
{
	struct checked_machine *m = &run->m;
	uint32_t i;

	m->base += 0x10000;
	m->mem_len = dice_below(&run->dice, VGEN_AREA + 1);
	m->meta_len = dice_below(&run->dice, 2) ?
			      4 * dice_below(&run->dice, CHECKED_META / 4 + 1) :
			      0;
	for (i = 0; i < sizeof(m->mem); i++)
		m->mem[i] = (uint8_t)dice_next(&run->dice);
}
