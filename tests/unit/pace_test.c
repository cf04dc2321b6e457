/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * When frames are left to gather: many small ones one by one, at once; and when
 * not: an answer at a time, large ones, many at a time. No clock is read.
 */
#include "host/pace.h"
#include "tap.h"

static struct pace pace;
static uint64_t now, frames, bytes;

/* How many of so many wakings want a pause. */
static uint32_t
wakings(uint32_t count, uint64_t idle_ns, uint32_t each, uint32_t size)
{
	uint32_t pauses = 0;

	for (uint32_t i = 0; i < count; i++) {
		pace_wait(&pace, now);
		now += idle_ns;
		pauses += pace_woken(&pace, now, frames, bytes);
		frames += each;
		bytes += (uint64_t)each * size;
		now += each * 1000;
	}
	return pauses;
}

int
main(void)
{
	pace_begin(&pace);
	tap_ok(wakings(100, 25000, 1, 60) == 0,
	       "an answer to each: nobody is held up");
	tap_ok(wakings(2, 1500, 1, 60) == 0, "two at once: not yet");
	tap_ok(wakings(50, 1500, 1, 60) == 50,
	       "one by one and at once: they gather");
	tap_ok(wakings(50, 1500, 60, 60) == 50, "and go on to");
	tap_ok(wakings(1, 25000, 1, 60) == 0 && wakings(2, 1500, 1, 60) == 0,
	       "a moment's rest ends it");
	wakings(10, 1500, 1, 60);
	tap_ok(wakings(40, 1500, 1, 20000) <= 1, "large ones do not gather");
	tap_ok(wakings(50, 1500, 1, 60) == 0,
	       "nor what comes between them, for a while");
	tap_ok(wakings(60, 1500, 1, 60) > 40, "but only for a while");
	wakings(1000, 1500, 1, 60);
	tap_ok(pace.quick > 0 && pace.quick < 100,
	       "what goes on for days is not counted for ever");
	tap_ok(wakings(100, 1000000, 1, 60) == 0, "slow ones never do");
	return tap_done();
}
