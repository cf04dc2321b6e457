/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See pace.h. */
#include "host/pace.h"

#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	QUICK_NS = 10000,  /* less than a sleep and what it takes to wake */
	QUICK_TIMES = 2,   /* so often in a row before the first pause */
	SMALL = 512,	   /* bytes: larger ones cost more than to be woken */
	LARGE_TIMES = 64,  /* and their acknowledgements must not be late */
	PAUSE_NS = 100000, /* what queues of a thousand frames bear */
};

void
pace_begin(struct pace *pace)
{
	memset(pace, 0, sizeof(*pace));
	/* the slack of 50 us that timers usually have is half a pause; if it
	 * stays, pauses are longer */
	prctl(PR_SET_TIMERSLACK, 1ul);
}

void
pace_wait(struct pace *pace, uint64_t now_ns)
{
	pace->waiting_ns = now_ns;
}

bool
pace_woken(struct pace *pace, uint64_t now_ns, uint64_t frames, uint64_t bytes)
{
	uint64_t count = frames - pace->frames, size = bytes - pace->bytes;

	pace->frames = frames;
	pace->bytes = bytes;
	if (size > count * SMALL)
		pace->quick = -LARGE_TIMES;
	else if (now_ns - pace->waiting_ns <= QUICK_NS)
		pace->quick += pace->quick <= QUICK_TIMES; /* may go on for days */
	else if (pace->quick > 0)
		pace->quick = 0;
	return pace->quick > QUICK_TIMES;
}

void
pace_pause(void)
{
	struct timespec time = { .tv_nsec = PAUSE_NS };

	nanosleep(&time, NULL);
}
