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
	for (uint32_t h = 0; h < 2; h++) {
		if (touched.bytes & 0x0f << 4 * h)
			note->reads[h] |= 1ULL << touched.slot;
		if (touched.above & 0x0f << 4 * h)
			note->reads[h] |= 1ULL << (touched.slot - 1);
	}
	if (number)
		note->numbers = touched;
}

static void
forget_frame(struct checked_need *need, uint32_t frame)
{
	if (frame >= CHECKED_FRAMES)
		return;
	memset(need->halves[frame], 0, sizeof(need->halves[frame]));
	memset(need->numbers[frame], 0, sizeof(need->numbers[frame]));
}

/* Whoever wants the bytes later does not want what they held before. */
static void
overwritten(struct checked_need *need, uint32_t frame,
	    const struct checked_bytes *writes)
{
	for (uint32_t h = 0; h < 2; h++) {
		uint32_t half = 0x0fu << 4 * h;

		if ((writes->bytes & half) == half)
			need->halves[frame][h] &= ~(1ULL << writes->slot);
		if ((writes->above & half) == half)
			need->halves[frame][h] &= ~(1ULL << (writes->slot - 1));
	}
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
		need->halves[note->frame][0] |= note->reads[0];
		need->halves[note->frame][1] |= note->reads[1];
		need->numbers[note->frame][note->numbers.slot] |=
			note->numbers.bytes;
		if (note->numbers.above)
			need->numbers[note->frame][note->numbers.slot - 1] |=
				note->numbers.above;
	}
}
