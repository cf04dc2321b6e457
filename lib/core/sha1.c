/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See sha1.h. The names a..e and f are those of FIPS 180-4, section 6.1. */
#include "core/sha1.h"

#include "core/os.h"

void
ebpf_sha1_init(struct ebpf_sha1 *sha)
{
	static const uint32_t start[5] = { 0x67452301, 0xefcdab89, 0x98badcfe,
					   0x10325476, 0xc3d2e1f0 };

	memset(sha, 0, sizeof(*sha));
	memcpy(sha->state, start, sizeof(start));
}

static uint32_t
rotate(uint32_t x, uint32_t n)
{
	return x << n | x >> (32 - n);
}

static void
add_block(struct ebpf_sha1 *sha)
{
	uint32_t a = sha->state[0], b = sha->state[1], c = sha->state[2];
	uint32_t d = sha->state[3], e = sha->state[4];
	uint32_t w[80], f, k, t, sum;

	for (t = 0; t < 16; t++)
		w[t] = (uint32_t)sha->block[t * 4] << 24 |
		       (uint32_t)sha->block[t * 4 + 1] << 16 |
		       (uint32_t)sha->block[t * 4 + 2] << 8 |
		       (uint32_t)sha->block[t * 4 + 3];
	for (; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (t = 0; t < 80; t++) {
		if (t < 20) {
			f = (b & c) | (~b & d);
			k = 0x5a827999;
		} else if (t < 40) {
			f = b ^ c ^ d;
			k = 0x6ed9eba1;
		} else if (t < 60) {
			f = (b & c) | (b & d) | (c & d);
			k = 0x8f1bbcdc;
		} else {
			f = b ^ c ^ d;
			k = 0xca62c1d6;
		}
		sum = rotate(a, 5) + f + e + k + w[t];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = sum;
	}
	sha->state[0] += a;
	sha->state[1] += b;
	sha->state[2] += c;
	sha->state[3] += d;
	sha->state[4] += e;
	sha->used = 0;
}

void
ebpf_sha1_add(struct ebpf_sha1 *sha, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t i;

	for (i = 0; i < len; i++) {
		sha->block[sha->used++] = bytes[i];
		if (sha->used == sizeof(sha->block))
			add_block(sha);
	}
	sha->len += len;
}

void
ebpf_sha1_end(struct ebpf_sha1 *sha, uint8_t digest[20])
{
	static const uint8_t one = 0x80, zero;
	uint64_t bits = sha->len * 8;
	uint8_t length[8];
	uint32_t i;

	ebpf_sha1_add(sha, &one, 1);
	while (sha->used != 56)
		ebpf_sha1_add(sha, &zero, 1);
	for (i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	ebpf_sha1_add(sha, length, sizeof(length));
	for (i = 0; i < 20; i++)
		digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}
