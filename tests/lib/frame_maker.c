/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See frame_maker.h. */
#include <string.h>

#include "frame_maker.h"
#include "net_bytes.h"

uint32_t
frames_random(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 24) % below;
}

static void
put_mac(uint64_t *state, uint8_t *at)
{
	static const uint8_t some[][6] = {
		{ 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 },
		{ 0xfe, 0x80, 0x7f, 0xff, 0x81, 0xc3 },
		{ 0x80, 0xff, 0xff, 0xff, 0xff, 0xfe },
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 1, 0, 0x5e, 0, 0, 1 },
	};
	uint32_t i;

	memcpy(at, some[frames_random(state, 6)], 6);
	if (frames_random(state, 8) == 0)
		for (i = 0; i < 6; i++)
			at[i] = (uint8_t)frames_random(state, 256);
}

uint32_t
frames_make(uint64_t *state, uint8_t *frame)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x86dd, 0x0806,
					  0x88cc };
	static const uint8_t protocols[] = { 6, 17, 17, 1, 58, 0 };
	uint32_t len = 14 + frames_random(state, FRAMES_MAX - 14);
	uint32_t at = 12, i, type;

	for (i = 0; i < FRAMES_MAX; i++)
		frame[i] = (uint8_t)frames_random(state, 256);
	put_mac(state, frame);
	put_mac(state, frame + 6);
	for (i = frames_random(state, 5); i > 2; i--, at += 4)
		put16(frame + at, frames_random(state, 2) ? 0x8100 : 0x88a8);
	type = types[frames_random(state, 5)];
	put16(frame + at, type);
	at += 2;
	if (type == 0x0800) {
		frame[at] = frames_random(state, 8) ? 0x45 : 0x46;
		frame[at + 9] = protocols[frames_random(state, 6)];
		if (frames_random(state, 4)) { /* not a fragment */
			frame[at + 6] &= 0x40;
			frame[at + 7] = 0;
		}
		if (frames_random(state, 2))
			put16(frame + at + 2, len - at);
		if (frames_random(state, 2))
			put16(frame + at + 22, frames_random(state, 2) ? 53 : 80);
	} else if (type == 0x86dd) {
		frame[at] = 0x60;
		frame[at + 6] = protocols[frames_random(state, 6)];
	}
	return len;
}
