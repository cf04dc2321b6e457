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

/* One step; the names change places instead of the values. */
static inline void
step(uint32_t a, uint32_t *b, uint32_t f, uint32_t *e, uint32_t kw)
{
	*e += rotate(a, 5) + f + kw;
	*b = rotate(*b, 30);
}

static uint32_t
choose(uint32_t b, uint32_t c, uint32_t d)
{
	return d ^ (b & (c ^ d));
}

static uint32_t
parity(uint32_t b, uint32_t c, uint32_t d)
{
	return b ^ c ^ d;
}

static uint32_t
majority(uint32_t b, uint32_t c, uint32_t d)
{
	return (b & c) | (d & (b | c));
}

#define STEPS(from, f, k)                                             \
	for (t = (from); t < (from) + 20; t += 5) {                   \
		step(a, &b, f(b, c, d), &e, (k) + w[t]);              \
		step(e, &a, f(a, b, c), &d, (k) + w[t + 1]);          \
		step(d, &e, f(e, a, b), &c, (k) + w[t + 2]);          \
		step(c, &d, f(d, e, a), &b, (k) + w[t + 3]);          \
		step(b, &c, f(c, d, e), &a, (k) + w[t + 4]);          \
	}

static void
add_block(struct ebpf_sha1 *sha, const uint8_t *block)
{
	uint32_t a = sha->state[0], b = sha->state[1], c = sha->state[2];
	uint32_t d = sha->state[3], e = sha->state[4];
	uint32_t w[80], t;

	for (t = 0; t < 16; t++)
		w[t] = (uint32_t)block[t * 4] << 24 |
		       (uint32_t)block[t * 4 + 1] << 16 |
		       (uint32_t)block[t * 4 + 2] << 8 |
		       (uint32_t)block[t * 4 + 3];
	for (; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	STEPS(0, choose, 0x5a827999)
	STEPS(20, parity, 0x6ed9eba1)
	STEPS(40, majority, 0x8f1bbcdc)
	STEPS(60, parity, 0xca62c1d6)
	sha->state[0] += a;
	sha->state[1] += b;
	sha->state[2] += c;
	sha->state[3] += d;
	sha->state[4] += e;
}

void
ebpf_sha1_add(struct ebpf_sha1 *sha, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t room, n;

	sha->len += len;
	for (; len > 0; bytes += n, len -= n) {
		room = sizeof(sha->block) - sha->used;
		n = len < room ? len : room;
		memcpy(sha->block + sha->used, bytes, n);
		sha->used += (uint32_t)n;
		if (sha->used == sizeof(sha->block)) {
			add_block(sha, sha->block);
			sha->used = 0;
		}
	}
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
