/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * When to let frames gather. To be woken for each of many small frames costs
 * more than to move them, so a thread that has been woken again at once a few
 * times lets the next ones come for a moment before it looks, as network cards
 * do with their interrupts. Who waits for an answer sends no next frame at
 * once, and is not held up. Knows no port; for the thread of vswitch_move.c.
 */
#ifndef HOST_PACE_H
#define HOST_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	uint64_t waiting_ns; /* since when: nothing was left to do */
	uint64_t frames, bytes; /* moved in all, when it was woken last */
	int32_t quick; /* how often in a row it was woken at once; negative:
			* so often yet, and it does not count */
};

/* Once, in the thread that is to pause: so briefly takes asking for. */
void pace_begin(struct pace *pace);
/* All is done, now it will wait. */
void pace_wait(struct pace *pace, uint64_t now_ns);
/*
 * It was woken; frames and bytes are what it has moved so far. True: a pause is
 * better now.
 */
bool pace_woken(struct pace *pace, uint64_t now_ns, uint64_t frames,
		uint64_t bytes);
void pace_pause(void);

#endif
