/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which element of a full LRU map goes: a hand moves over all elements by
 * number; what was used or inserted since it last came by gets another round,
 * the first that was not is removed. That is nearly the least recently used,
 * without a list that every lookup would have to write to. An insertion does a
 * bounded amount of this: when nothing idle is found, something goes that was
 * inserted but not used, or else what would have been looked at next time.
 */
#include "core/hash_table.h"

enum {
	LOOKS_MAX = 1 << 15, /* more than there are spare elements, which
				may all lie ahead */
	CHANCES_MAX = 64,    /* live ones passed over */
	TOGETHER = 8,	     /* looked at by one load */
};

/* 0: it has just gone, or its place is another key's. */
static uint32_t
evict_one(struct ebpf_map_hash *hash, uint32_t number)
{
	struct ebpf_hash_probe probe = ebpf_hash_probe_stored(
		hash, ebpf_hash_element(hash, number));
	struct ebpf_hash_bucket *bucket = ebpf_hash_bucket(hash, probe.hash);
	unsigned long held = ebpf_hash_lock(bucket);
	bool there = ebpf_hash_unlink(hash, probe.hash, number);

	ebpf_hash_unlock(bucket, held);
	return there ? number : 0;
}

/* What `used` says of eight elements from that number on, the first lowest. */
static inline uint64_t
used_of(const struct ebpf_map_hash *hash, uint32_t number)
{
	uint64_t word =
		os_load((const uint64_t *)(const void *)&hash->used[number]);

	return EBPF_KEY_LITTLE ? word : __builtin_bswap64(word);
}

/* High bits of those of the eight that are at or behind `at`, up to `last`. */
static inline uint64_t
within(uint32_t number, uint32_t at, uint32_t last)
{
	uint64_t all = ~EBPF_HASH_LOWS << (at - number) * 8;

	if (last - number >= TOGETHER - 1)
		return all;
	return all & ((1ull << (last - number + 1) * 8) - 1);
}

uint32_t
ebpf_hash_evict(struct ebpf_map_hash *hash)
{
	uint32_t span = os_load(&hash->pool->fresh) - 1;
	uint32_t at = os_load(&hash->hand), fresh = 0, first = 0, gone = 0;
	uint32_t looks, chances = 0, number, i;
	uint64_t used, idle, passed;

	if (span == 0)
		return 0;
	for (looks = 0; looks < LOOKS_MAX && chances < CHANCES_MAX;
	     looks += TOGETHER) {
		at = at >= span ? 1 : at + 1;
		number = at - at % TOGETHER;
		used = used_of(hash, number);
		passed = within(number, at, span);
		idle = ebpf_hash_match(used, EBPF_HASH_IDLE) & passed;
		/* new or used, in front of that: of two bits one is set */
		passed &= (used ^ used >> 1) << 7 & (idle - 1) & ~idle;
		for (; passed != 0; passed &= passed - 1) {
			i = number + (uint32_t)ebpf_hash_first(passed);
			if (os_load(&hash->used[i]) == EBPF_HASH_NEW &&
			    fresh == 0)
				fresh = i;
			if (first == 0)
				first = i;
			os_store(&hash->used[i], EBPF_HASH_IDLE);
			chances++;
		}
		if (idle == 0) {
			at = number + TOGETHER - 1;
			continue;
		}
		at = number + (uint32_t)ebpf_hash_first(idle);
		if (os_likely(ebpf_hash_live(hash, at)))
			gone = evict_one(hash, at);
		if (os_likely(gone != 0))
			break;
	}
	/* what was marked idle behind it is next, in order */
	if (gone == 0 && first != 0) {
		at = fresh != 0 ? fresh : first;
		gone = evict_one(hash, at);
	}
	/* two who look at once may look twice: no harm */
	os_store(&hash->hand, at);
	return gone;
}
