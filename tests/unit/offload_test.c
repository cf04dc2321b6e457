/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Splitting merged frames and finishing checksums: what comes out must carry
 * right headers and the same bytes, and no input may lead outside its frame
 * (sanitizers watch; inputs have exactly their length).
 */
#include <stdlib.h>
#include <string.h>

#include "host/offload.h"
#include "dice.h"
#include "net_bytes.h"
#include "tap.h"

enum {
	PAYLOAD = 9000,
	GARBAGE = 200000,
};

static struct dice dice = { 88172645463325252ull };

static uint32_t
chance(uint32_t below)
{
	return dice_below(&dice, below);
}

static uint32_t
get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

struct shape {
	const char *name;
	bool ipv6, tcp;
	uint32_t vlans, options; /* options: bytes more of TCP header */
};

static uint32_t
header_make(uint8_t *f, const struct shape *shape, uint32_t *l3, uint32_t *l4)
{
	uint32_t at = 12, i;

	memset(f, 0x42, 12);
	for (i = 0; i < shape->vlans; i++, at += 4) {
		put16(f + at, i ? 0x8100 : 0x88a8);
		put16(f + at + 2, 7 + i);
	}
	put16(f + at, shape->ipv6 ? 0x86dd : 0x0800);
	*l3 = at + 2;
	memset(f + *l3, 0, 100);
	if (shape->ipv6) {
		f[*l3] = 0x60;
		f[*l3 + 6] = shape->tcp ? 6 : 17;
		memset(f + *l3 + 8, 0x31, 32);
		*l4 = *l3 + 40;
	} else {
		f[*l3] = 0x45;
		put16(f + *l3 + 4, 0xfffe); /* wraps on the way */
		f[*l3 + 8] = 64;
		f[*l3 + 9] = shape->tcp ? 6 : 17;
		memset(f + *l3 + 12, 0x0a, 8);
		*l4 = *l3 + 20;
	}
	if (!shape->tcp)
		return *l4 + 8;
	put16(f + *l4 + 4, 0xffff); /* sequence 0xfffff000 wraps too */
	put16(f + *l4 + 6, 0xf000);
	f[*l4 + 12] = (uint8_t)((20 + shape->options) / 4 << 4);
	f[*l4 + 13] = 0x80 | 0x10 | 0x09; /* CWR ACK PSH FIN */
	return *l4 + 20 + shape->options;
}

static bool
frame_right(const uint8_t *f, uint32_t len, const struct shape *shape,
	    uint32_t l3, uint32_t l4, uint32_t index, uint32_t done, bool last)
{
	uint8_t pseudo[4] = { 0, shape->tcp ? 6 : 17 };
	uint32_t total, flags;

	put16(pseudo + 2, len - l4);
	total = sum16(0, pseudo, 4);
	total = shape->ipv6 ? sum16(total, f + l3 + 8, 32) :
			      sum16(total, f + l3 + 12, 8);
	if (sum16(total, f + l4, len - l4) != 0xffff)
		return false;
	if (shape->ipv6 && get16(f + l3 + 4) != len - l3 - 40)
		return false;
	if (!shape->ipv6 &&
	    (get16(f + l3 + 2) != len - l3 || sum16(0, f + l3, 20) != 0xffff ||
	     get16(f + l3 + 4) != ((0xfffe + index) & 0xffff)))
		return false;
	if (!shape->tcp)
		return get16(f + l4 + 4) == len - l4;
	flags = 0x10u | (last ? 0x09 : 0) | (index ? 0 : 0x80);
	return f[l4 + 13] == flags && get32(f + l4 + 4) == 0xfffff000u + done;
}

static void
test_split(const struct shape *shape, uint32_t mss)
{
	uint8_t *frame = malloc(200 + PAYLOAD), *out, *sent;
	struct offload_split split;
	uint32_t l3, l4, header, i, len, index = 0, done = 0, wrong = 0;

	header = header_make(frame, shape, &l3, &l4);
	for (i = 0; i < PAYLOAD; i++)
		frame[header + i] = (uint8_t)chance(256);
	sent = malloc(header + PAYLOAD);
	memcpy(sent, frame, header + PAYLOAD);
	out = malloc(header + mss);
	if (!offload_split_begin(&split, sent, header + PAYLOAD, l4, mss,
				 shape->tcp))
		wrong++;
	while (!wrong && (len = offload_split_next(&split, out))) {
		wrong += len > header + mss || len <= header ||
			 memcmp(out + header, frame + header + done,
				len - header);
		wrong += !frame_right(out, len, shape, l3, l4, index, done,
				      done + len - header == PAYLOAD);
		done += len - header;
		index++;
	}
	tap_ok(!wrong && done == PAYLOAD && index == (PAYLOAD + mss - 1) / mss,
	       "%s in pieces of %u: %u frames", shape->name, mss, index);
	free(frame);
	free(sent);
	free(out);
}

static void
test_checksum(void)
{
	uint8_t f[61];
	uint32_t i, len, wrong = 0;

	for (len = 40; len <= sizeof(f); len++) {
		for (i = 0; i < len; i++)
			f[i] = (uint8_t)chance(256);
		put16(f + 36, 0x1234); /* stands for the pseudo header's sum */
		offload_checksum(f, len, 20, 36);
		wrong += sum16(0x1234, f + 20, len - 20) != 0xffff;
	}
	tap_ok(wrong == 0, "checksums of even and odd lengths (%u wrong)",
	       wrong);
}

/* Anything at all, in a buffer of exactly its length. */
static void
test_garbage(void)
{
	uint32_t i, j, len, mss, l4, began = 0, l3;
	struct offload_split split;
	uint8_t head[256], *frame, *out;
	struct shape shape = { "garbage", false, false, 0, 0 };

	for (i = 0; i < GARBAGE; i++) {
		shape.ipv6 = chance(2);
		shape.tcp = chance(2);
		shape.vlans = chance(3);
		shape.options = 4 * chance(11);
		header_make(head, &shape, &l3, &l4);
		len = chance(128) + (chance(2) ? 100 : 0);
		frame = malloc(len + 1);
		for (j = 0; j < len; j++)
			frame[j] = j < 160 && chance(20) ? head[j] :
							   (uint8_t)chance(256);
		if (!chance(3))
			l4 = chance(300);
		frame = realloc(frame, len ? len : 1);
		mss = chance(50);
		out = malloc(len + mss + 1);
		if (offload_split_begin(&split, frame, len, l4, mss,
					shape.tcp)) {
			began++;
			for (j = 0; j <= len && offload_split_next(&split, out);
			     j++)
				;
			if (j > len)
				tap_ok(false, "it ends");
		}
		offload_checksum(frame, len, l4, l4 + chance(40));
		offload_checksum(frame, len, chance(65536), chance(65536));
		free(frame);
		free(out);
	}
	tap_ok(began > GARBAGE / 10, "garbage stays inside (%u of %d begun)",
	       began, GARBAGE);
}

int
main(void)
{
	static const struct shape shapes[] = {
		{ "TCP over IPv4", false, true, 0, 0 },
		{ "TCP over IPv4, options", false, true, 0, 12 },
		{ "TCP over IPv4, VLAN", false, true, 1, 40 },
		{ "TCP over IPv6", true, true, 0, 12 },
		{ "TCP over IPv6, two VLANs", true, true, 2, 0 },
		{ "UDP over IPv4", false, false, 0, 0 },
		{ "UDP over IPv6, VLAN", true, false, 1, 0 },
	};
	static const uint32_t sizes[] = { 1, 536, 1448, 8999, 9000, 20000 };
	size_t i, j;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
			test_split(&shapes[i], sizes[j]);
	test_checksum();
	test_garbage();
	return tap_done();
}
