/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Memory that a change of a trie lacks, and gets without the map's lock: see
 * lpm_trie.h. For map_lpm.c, which goes from the one to the other, and
 * lpm_store.c, which takes.
 */
#include "core/lpm_trie.h"

enum {
	SMALL_BITS = 8, /* tables that need no such way, if there is memory */
	STEP = 4096,	/* bytes of a page, or less */
	ROUNDS = 64, /* each of some use */
};

/* Charged. Where pages come when they are written to, they come now. */
static struct ebpf_lpm_entry *
entries_alloc(struct ebpf_map_lpm *lpm, uint32_t bits)
{
	uint64_t bytes = ebpf_lpm_table_bytes(bits), at;
	uint8_t *entries;

	if (ebpf_charge_now(&lpm->map.obj, bytes) != 0)
		return NULL;
	entries = os_alloc_now(bytes);
	if (entries == NULL)
		ebpf_uncharge(&lpm->map.obj, bytes);
	for (at = 0; entries != NULL && bits > SMALL_BITS && at < bytes;
	     at += STEP)
		os_store(&entries[at], 0);
	return (struct ebpf_lpm_entry *)(void *)entries;
}

static void
entries_free(struct ebpf_map_lpm *lpm, struct ebpf_lpm_entry *entries,
	     uint32_t bits)
{
	ebpf_uncharge(&lpm->map.obj, ebpf_lpm_table_bytes(bits));
	os_free(entries);
}

static void
fill(struct ebpf_map_lpm *lpm, struct ebpf_lpm_larder *larder)
{
	bool good = !larder->element || ebpf_lpm_element_more(lpm);
	struct ebpf_lpm_entry *entries;
	uint32_t bits;

	good = good && ebpf_lpm_node_more(lpm, larder->nodes);
	while (good && larder->wants > 0 && larder->count < EBPF_LPM_LARDER) {
		bits = larder->want[--larder->wants];
		entries = entries_alloc(lpm, bits);
		good = entries != NULL;
		larder->entries[larder->count] = entries;
		larder->bits[larder->count] = (uint8_t)bits;
		larder->count += good;
	}
	larder->element = false;
	larder->nodes = 0;
	larder->wants = 0;
	larder->closed = !good;
}

bool
ebpf_lpm_larder_more(struct ebpf_map_lpm *lpm, struct ebpf_lpm_larder *larder)
{
	if (larder->closed || (!larder->element && larder->nodes == 0 &&
			       larder->wants == 0))
		return false;
	fill(lpm, larder);
	/* others may take what there is now */
	larder->closed |= ++larder->rounds == ROUNDS;
	return true;
}

void
ebpf_lpm_larder_end(struct ebpf_map_lpm *lpm, struct ebpf_lpm_larder *larder)
{
	void *gone;

	while ((gone = larder->gone) != NULL) {
		larder->gone = *(void **)gone;
		os_free(gone);
	}
	while (larder->count > 0) {
		larder->count--;
		entries_free(lpm, larder->entries[larder->count],
			     larder->bits[larder->count]);
	}
}

struct ebpf_lpm_entry *
ebpf_lpm_larder_take(struct ebpf_map_lpm *lpm, uint32_t bits)
{
	struct ebpf_lpm_larder *larder = lpm->larder;
	struct ebpf_lpm_entry *entries = NULL;
	uint32_t i;

	for (i = 0; i < larder->count; i++) {
		if (larder->bits[i] != bits)
			continue;
		entries = larder->entries[i];
		larder->entries[i] = larder->entries[--larder->count];
		larder->bits[i] = larder->bits[larder->count];
		return entries;
	}
	if (bits <= SMALL_BITS)
		entries = entries_alloc(lpm, bits);
	if (entries == NULL && !larder->closed &&
	    larder->wants < EBPF_LPM_LARDER)
		larder->want[larder->wants++] = (uint8_t)bits;
	return entries;
}

void
ebpf_lpm_larder_free(struct ebpf_map_lpm *lpm, struct ebpf_lpm_entry *entries,
		     uint32_t bits)
{
	void *gone = entries;

	ebpf_uncharge(&lpm->map.obj, ebpf_lpm_table_bytes(bits));
	*(void **)gone = lpm->larder->gone;
	lpm->larder->gone = gone;
}

void
ebpf_lpm_larder_give(struct ebpf_map_lpm *lpm, struct ebpf_lpm_entry *entries,
		     uint32_t bits, bool zero)
{
	struct ebpf_lpm_larder *larder = lpm->larder;

	if (!zero || larder->count == EBPF_LPM_LARDER) {
		ebpf_lpm_larder_free(lpm, entries, bits);
		return;
	}
	larder->entries[larder->count] = entries;
	larder->bits[larder->count++] = (uint8_t)bits;
}
