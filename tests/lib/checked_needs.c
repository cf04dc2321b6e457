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
	uint32_t off, first, last;
	struct checked_note *note = &run->notes[run->step];

	if (run->pass != CHECKED_NOTING || at < 0 ||
	    at / EBPF_STACK_MAX >= CHECKED_FRAMES)
		return;
	note->frame = (uint8_t)(at / EBPF_STACK_MAX);
	off = (uint32_t)(at % EBPF_STACK_MAX);
	first = (EBPF_STACK_MAX - 1 - off) / 8;
	last = (EBPF_STACK_MAX - off - size) / 8;
	if (!write) {
		note->reads |= 1ULL << first | 1ULL << last;
		note->number = number;
	} else if (size == 8 && off % 8 == 0) {
		note->writes = 1ULL << first;
	}
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
			need->slots[note->begins - 1] =
				need->number[note->begins - 1] = 0;
		if (note->ends)
			need->slots[note->ends - 1] =
				need->number[note->ends - 1] = 0;
		need->slots[note->frame] &= ~note->writes;
		need->number[note->frame] &= ~note->writes;
		need->slots[note->frame] |= note->reads;
		if (note->number)
			need->number[note->frame] |= note->reads;
	}
}
