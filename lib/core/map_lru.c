/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which element of a full LRU map goes: a hand moves over all elements by
 * number; who was used since it last came by gets another round, the first who
 * was not is removed. That is nearly the least recently used, without a list
 * that every lookup would have to write to. An insertion does a bounded amount
 * of this, so when everything was used, age gives way.
 */
#include "core/hash_table.h"

enum {
	LOOKS_MAX = 512,
	CHANCES_MAX = 64,
};

/* Unless it has just gone, or its place is another key's. */
static bool
evict_one(struct ebpf_map_hash *hash, uint32_t number)
{
	struct ebpf_hash_probe probe;
	struct ebpf_hash_stripe *stripe;
	bool there;

	probe = ebpf_hash_probe(hash, ebpf_hash_element(hash, number));
	stripe = ebpf_hash_stripe(hash, probe.hash);
	os_spin_lock(&stripe->lock);
	there = ebpf_hash_find(hash, &probe) == number;
	if (there)
		ebpf_hash_unlink(hash, probe.hash, number);
	os_spin_unlock(&stripe->lock);
	return there;
}

int
ebpf_hash_evict(struct ebpf_map_hash *hash)
{
	uint32_t span = os_load(&hash->pool->fresh) - 1;
	uint32_t at = os_load(&hash->hand), looks, chances = 0;
	int error = -EBPF_ENOENT;

	if (span == 0)
		return error;
	for (looks = 0; looks < LOOKS_MAX && error != 0; looks++) {
		at = at >= span ? 1 : at + 1;
		if (!ebpf_hash_live(hash, at))
			continue;
		if (os_load(&hash->used[at]) != 0 && chances++ < CHANCES_MAX) {
			os_store(&hash->used[at], 0);
			continue;
		}
		if (evict_one(hash, at))
			error = 0;
	}
	/* two who look at once may look twice: no harm */
	os_store(&hash->hand, at);
	return error;
}
