/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of checked.h: a processor that runs ahead. It turns the wrong way at
 * branches, and its loads see what lay on the stack before stores; until it
 * notices, or comes to a fence.
 */
#include <string.h>

#include "checked.h"

bool
checked_is_fenced(const struct checked *run, uint32_t pc)
{
	return run->fences && (run->fences[pc / 8] >> pc % 8 & 1);
}

/* From here on it is guesswork; the program really goes on at pc. */
static void
stray(struct checked *run, uint32_t pc)
{
	run->kept = run->m;
	run->kept_pc = pc;
	run->ahead = 1 + dice_below(&run->dice, 120);
	run->strayed++;
}

uint32_t
checked_come_back(struct checked *run)
{
	run->m = run->kept;
	run->ahead = 0;
	return run->kept_pc;
}

void
checked_note_store(struct checked *run, const uint8_t *place, uint32_t size)
{
	long at = checked_stack_index(run, place);
	uint32_t i;

	for (i = 0; run->pass == CHECKED_STRAYING && at >= 0 && i < size; i++) {
		/* of several older contents any may be seen */
		if ((&run->m.is_stale[0][0])[at + i] &&
		    dice_below(&run->dice, 2))
			continue;
		(&run->m.is_stale[0][0])[at + i] = true;
		(&run->m.stale[0][0])[at + i] = place[i];
	}
}

void
checked_load(struct checked *run, const uint8_t *place, uint32_t size,
	     uint64_t *value, uint32_t pc)
{
	long at = checked_stack_index(run, place);
	bool any = false;
	uint32_t i;

	memcpy(value, place, size);
	for (i = 0; at >= 0 && i < size; i++)
		any |= (&run->m.is_stale[0][0])[at + i];
	if (run->pass != CHECKED_STRAYING || !any || dice_below(&run->dice, 3))
		return;
	if (!run->ahead)
		stray(run, pc); /* loads again */
	for (i = 0; i < size; i++)
		if ((&run->m.is_stale[0][0])[at + i])
			((uint8_t *)value)[i] = (&run->m.stale[0][0])[at + i];
}

bool
checked_turns(struct checked *run, uint32_t pc)
{
	if (run->pass != CHECKED_STRAYING || dice_below(&run->dice, 3))
		return false;
	if (!run->ahead)
		stray(run, pc); /* jumps again */
	return true;
}

bool
checked_may_fault(const struct checked *run, uint64_t pointer)
{
	return run->ahead && run->m.gave_null && pointer + 4096 < 8192;
}
