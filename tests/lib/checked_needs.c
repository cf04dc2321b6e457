/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of checked.h: what a run reads later of the stack.
 */
#include <string.h>

#include "checked.h"

void
checked_note_access(struct checked *run, const uint8_t *place, uint32_t size,
		    bool write, bool number)
{
	long at = checked_stack_index(run, place);
	struct checked_note *note = &run->notes[run->step];
	struct checked_bytes touched;
	uint32_t off, mask;

	if (run->pass != CHECKED_NOTING || at < 0 ||
	    at / EBPF_STACK_MAX >= CHECKED_FRAMES)
		return;
	note->frame = (uint8_t)(at / EBPF_STACK_MAX);
	off = (uint32_t)(at % EBPF_STACK_MAX);
	mask = ((1u << size) - 1) << off % 8;
	touched.slot = (uint8_t)((EBPF_STACK_MAX - 1 - off) / 8);
	touched.bytes = (uint8_t)mask;
	touched.above = (uint8_t)(mask >> 8);
	if (touched.slot >= CHECKED_SLOTS)
		return; /* no claim speaks of it */
	if (write) {
		note->writes = touched;
		return;
	}
	note->reads |= 1ULL << touched.slot;
	if (touched.above)
		note->reads |= 1ULL << (touched.slot - 1);
	if (number)
		note->numbers = touched;
}

static void
forget_frame(struct checked_need *need, uint32_t frame)
{
	if (frame >= CHECKED_FRAMES)
		return;
	need->slots[frame] = 0;
	memset(need->numbers[frame], 0, sizeof(need->numbers[frame]));
}

/* Whoever wants the bytes later does not want what they held before. */
static void
overwritten(struct checked_need *need, uint32_t frame,
	    const struct checked_bytes *writes)
{
	if (writes->bytes == 0xff)
		need->slots[frame] &= ~(1ULL << writes->slot);
	need->numbers[frame][writes->slot] &= (uint8_t)~writes->bytes;
	if (writes->above)
		need->numbers[frame][writes->slot - 1] &=
			(uint8_t)~writes->above;
}

void
checked_find_needs(struct checked *run, uint32_t steps)
{
	struct checked_need *need = &run->needs[steps];

	memset(need, 0, sizeof(*need));
	while (steps-- > 0) {
		const struct checked_note *note = &run->notes[steps];

		run->needs[steps] = *need;
		need = &run->needs[steps];
		if (note->begins)
			forget_frame(need, note->begins - 1u);
		if (note->ends)
			forget_frame(need, note->ends - 1u);
		overwritten(need, note->frame, &note->writes);
		need->slots[note->frame] |= note->reads;
		need->numbers[note->frame][note->numbers.slot] |=
			note->numbers.bytes;
		if (note->numbers.above)
			need->numbers[note->frame][note->numbers.slot - 1] |=
				note->numbers.above;
	}
}
