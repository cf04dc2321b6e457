/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of checked.h: helpers, which are as strict about what they are given as the
 * real ones would suffer from it, and functions that they call.
 */
#include <string.h>

#include "abi/helper.h"
#include "checked.h"

/* A helper reads that memory; false: it is not there. */
static bool
reads(struct checked *run, uint64_t addr, uint32_t size)
{
	const uint8_t *place = checked_memory(run, addr, size, CHECKED_READ);
	uint32_t i, n;

	for (i = 0; place && i < size; i += n) {
		n = size - i < 8 ? size - i : 8;
		checked_note_access(run, place + i, n, false, false);
	}
	return place != NULL;
}

/* The map at that address; CHECKED_MAPS: there is none. */
static uint32_t
map_at(uint64_t addr)
{
	uint32_t map;

	for (map = 0; map < CHECKED_MAPS && addr != checked_map(map); map++)
		;
	return map;
}

static const char *
lookup(struct checked *run, uint64_t *regs)
{
	uint32_t map = map_at(regs[1]), element;

	if (map == CHECKED_MAPS)
		return "a lookup in what is no map";
	if (!reads(run, regs[2], 4))
		return "a key outside memory";
	regs[0] = 0;
	if (dice_below(&run->dice, 3) == 0)
		return NULL;
	element = dice_below(&run->dice, checked_elements(run, map));
	regs[0] = map == VGEN_OF_ARRAYS || map == VGEN_OF_LOCKED ?
			  checked_map(checked_inner(map) + element) :
			  checked_value(map, element);
	return NULL;
}

static const char *
reserve(struct checked *run, uint64_t *regs)
{
	struct checked_machine *m = &run->m;

	if (map_at(regs[1]) != VGEN_RING)
		return "a reservation in what is no ring";
	regs[0] = 0;
	if (dice_below(&run->dice, 4) == 0 || regs[2] == 0 ||
	    regs[2] > VGEN_AREA || m->record_count == CHECKED_RECORDS)
		return NULL;
	m->records[m->record_count].size = (uint32_t)regs[2];
	m->records[m->record_count].held = true;
	regs[0] = checked_record(m->record_count++);
	return NULL;
}

static const char *
give_back(struct checked *run, const uint64_t *regs)
{
	uint32_t i;

	for (i = 0; i < run->m.record_count; i++)
		if (regs[1] == checked_record(i) && run->m.records[i].held) {
			run->m.records[i].held = false;
			return NULL;
		}
	return "what is given back is no record that is held";
}

static const char *
take_lock(struct checked *run, const uint64_t *regs)
{
	uint32_t map, element;

	if (run->m.lock)
		return "a second lock";
	for (map = 0; map < CHECKED_MAPS; map++)
		for (element = 0; element < CHECKED_ELEMENTS; element++)
			if (regs[1] ==
			    checked_value(map, element) + VGEN_LOCK_OFF)
				run->m.lock = regs[1];
	/* only values with locks have no memory there */
	if (!run->m.lock || checked_memory(run, regs[1], 4, CHECKED_READ))
		return "what is taken is no lock";
	return NULL;
}

static const char *
give_lock(struct checked *run, const uint64_t *regs)
{
	if (!run->m.lock || run->m.lock != regs[1])
		return "a lock is given back that is not held";
	run->m.lock = 0;
	return NULL;
}

/* ---- functions that helpers call ---- */

/* The callback whose frame is the next is called for its next number. */
static void
call_back(struct checked *run, uint32_t *pc)
{
	struct checked_machine *m = &run->m;
	uint64_t *regs = m->regs[m->depth];
	uint32_t map = map_at(m->loops[m->depth].map), i;

	for (i = 0; i < EBPF_REG_FP; i++)
		regs[i] = dice_next(&run->dice);
	regs[1] = m->loops[m->depth].index;
	regs[2] = m->loops[m->depth].ctx;
	if (map < CHECKED_MAPS) {
		for (i = 0; i < sizeof(m->keys[0]); i++)
			m->keys[m->depth][i] = (uint8_t)dice_next(&run->dice);
		regs[1] = checked_map(map);
		regs[2] = checked_key(m->depth);
		regs[3] = checked_value(map, m->loops[m->depth].index);
		regs[4] = m->loops[m->depth].ctx;
	}
	regs[EBPF_REG_FP] = checked_frame_top(m->depth);
	*pc = m->loops[m->depth].start - 1;
	m->before[m->depth].root = m->root;
	m->before[m->depth].insn = m->root_insn;
	m->depth++;
	run->notes[run->step].begins = (uint8_t)m->depth;
}

/* bpf_loop and bpf_for_each_map_elem: r1 is a number or a map. */
static const char *
begin_loop(struct checked *run, uint64_t *regs, uint32_t *pc, bool of_map)
{
	struct checked_machine *m = &run->m;
	uint32_t end = (uint32_t)regs[1];

	if (of_map) {
		uint32_t map = map_at(regs[1]);

		if (map == CHECKED_MAPS)
			return "a loop over what is no map";
		end = checked_elements(run, map);
		if (map == VGEN_HASH)
			end = dice_below(&run->dice, end + 1);
	}
	if (regs[4] != 0 || end > 1u << 23 || end == 0) {
		regs[0] = regs[4] ? 0 - 22ULL : end ? 0 - 7ULL : 0;
		return NULL;
	}
	m->loops[m->depth].start = (uint32_t)(regs[2] - CHECKED_FUNC);
	m->loops[m->depth].index = 0;
	m->loops[m->depth].end = end;
	m->loops[m->depth].map = of_map ? regs[1] : 0;
	m->loops[m->depth].ctx = regs[3];
	m->back[m->depth] = *pc;
	call_back(run, pc);
	return NULL;
}

void
checked_called_back(struct checked *run, uint64_t returned, uint32_t *pc)
{
	struct checked_machine *m = &run->m;

	m->loops[m->depth].index++;
	if (!returned && m->loops[m->depth].index < m->loops[m->depth].end) {
		call_back(run, pc);
		return;
	}
	m->regs[m->depth - 1][0] = m->loops[m->depth].index;
	*pc = m->back[m->depth];
}

static bool
is_about_holding(uint32_t number)
{
	return number == EBPF_FUNC_ringbuf_submit ||
	       number == EBPF_FUNC_ringbuf_discard ||
	       number == EBPF_FUNC_spin_lock ||
	       number == EBPF_FUNC_spin_unlock;
}

/* What the helper follows is null, and its check is still guessed. */
static bool
may_fault(const struct checked *run, uint32_t number, const uint64_t *regs)
{
	return checked_may_fault(run, regs[1]) ||
	       checked_may_fault(run, regs[2]) ||
	       (number == EBPF_FUNC_map_update_elem &&
		checked_may_fault(run, regs[3]));
}

const char *
checked_call(struct checked *run, uint32_t number, uint32_t *pc)
{
	uint64_t *regs = run->m.regs[run->m.depth - 1];
	const char *why = NULL;

	run->called[number % CHECKED_HELPERS] += !run->ahead;
	/* who is ahead may take and give, it is not seen by others */
	if (run->ahead && is_about_holding(number)) {
		regs[0] = 0;
		return NULL;
	}
	if (run->m.lock && !run->ahead && number != EBPF_FUNC_spin_lock &&
	    number != EBPF_FUNC_spin_unlock)
		return "a call while a lock is held";
	switch (number) {
	case EBPF_FUNC_loop:
		return begin_loop(run, regs, pc, false);
	case EBPF_FUNC_for_each_map_elem:
		why = begin_loop(run, regs, pc, true);
		if (!why)
			return NULL;
		break;
	case EBPF_FUNC_map_lookup_elem:
		why = lookup(run, regs);
		break;
	case EBPF_FUNC_map_update_elem:
		if (!reads(run, regs[2], 4) || !reads(run, regs[3], VGEN_AREA))
			why = "an element outside memory";
		regs[0] = 0 - (uint64_t)dice_below(&run->dice, 2);
		break;
	case EBPF_FUNC_ringbuf_output:
		if (regs[3] && !reads(run, regs[2], (uint32_t)regs[3]))
			why = "a message outside memory";
		regs[0] = 0 - (uint64_t)dice_below(&run->dice, 2);
		break;
	case EBPF_FUNC_ringbuf_reserve:
		why = reserve(run, regs);
		break;
	case EBPF_FUNC_ringbuf_submit:
	case EBPF_FUNC_ringbuf_discard:
		why = give_back(run, regs);
		break;
	case EBPF_FUNC_spin_lock:
		why = take_lock(run, regs);
		break;
	case EBPF_FUNC_spin_unlock:
		why = give_lock(run, regs);
		break;
	case EBPF_FUNC_xdp_adjust_head:
	case EBPF_FUNC_xdp_adjust_tail:
	case EBPF_FUNC_xdp_adjust_meta:
		regs[0] = 0 - 22ULL;
		if (dice_below(&run->dice, 8)) {
			regs[0] = 0;
			checked_move_packet(run);
		}
		break;
	default:
		regs[0] = (uint32_t)dice_next(&run->dice);
		break;
	}
	if (why && may_fault(run, number, regs)) {
		*pc = checked_come_back(run) - 1;
		return NULL;
	}
	run->m.gave_null |= regs[0] == 0;
	return why;
}
