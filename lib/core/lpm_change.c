/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Changes of a trie, with the map's lock: what is linked and unlinked, and what
 * of nodes and tables follows from that. See lpm_trie.h.
 */
#include "core/lpm_trie.h"

static struct ebpf_lpm_probe
probe_of(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return ebpf_lpm_probe(lpm, ebpf_lpm_element(lpm, number));
}

/* Of a table, the next to that index: mostly there is one near. */
static uint32_t
any_near(const struct ebpf_lpm_table *table, uint32_t index)
{
	const struct ebpf_lpm_entry *entry;
	uint32_t i;

	for (i = 0;; i++) {
		entry = &table->entries[index ^ i];
		if (entry->best != 0)
			return entry->best;
		if (entry->ref != 0)
			return entry->ref;
	}
}

uint32_t
ebpf_lpm_any_below(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	const union ebpf_lpm_node *node;
	uint32_t i;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		if (ebpf_lpm_is_table(ref)) {
			ref = any_near(&node->table, 0);
			continue;
		}
		for (i = 0; i < 3; i++)
			if (node->narrow.own[i] != 0)
				return node->narrow.own[i];
		for (i = 0; node->narrow.child[i] == 0; i++)
			;
		ref = node->narrow.child[i];
	}
	return ref;
}

/* How many leading bits two prefixes have in common. */
static uint32_t
common(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *a,
       const struct ebpf_lpm_probe *b)
{
	uint32_t most = a->len < b->len ? a->len : b->len, n = 0, i;
	uint64_t head = a->head ^ b->head;

	if (head != 0) {
		n = (uint32_t)__builtin_clzll(head);
	} else {
		for (i = 8; i < lpm->data_bits / 8 && a->data[i] == b->data[i];
		     i++)
			;
		n = i * 8;
		if (i < lpm->data_bits / 8)
			n += (uint32_t)__builtin_clz(a->data[i] ^ b->data[i]) -
			     24;
	}
	return n < most ? n : most;
}

/*
 * Where the prefix goes on from here. NULL in slot->ref: it is one of the
 * table's own. The prefix reaches the node.
 */
static struct ebpf_lpm_slot
slot_below(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot,
	   const struct ebpf_lpm_probe *probe)
{
	uint32_t depth = ebpf_lpm_depth(lpm, *slot.ref);
	union ebpf_lpm_node *node = ebpf_lpm_node(lpm, *slot.ref);
	uint32_t over = probe->len - depth, two;

	if (ebpf_lpm_is_table(*slot.ref)) {
		slot.table = &node->table;
		slot.ref = over < node->table.bits ? NULL :
			&node->table.entries[ebpf_lpm_index(
				&node->table, probe, lpm->data_bits)].ref;
		return slot;
	}
	two = ebpf_lpm_two(probe, depth, lpm->data_bits);
	slot.ref = over < 2 ? &node->narrow.own[ebpf_lpm_own(two, over)] :
			      &node->narrow.child[two];
	return slot;
}

/*
 * How far the prefix agrees with what is on its way: a node that is deeper is
 * not for it. Where all bits down to an empty place have led there, it is its
 * whole length.
 */
static uint32_t
agrees(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe)
{
	uint32_t ref = lpm->root, sure = 0, depth, bits, index, next;
	struct ebpf_lpm_slot slot = { .ref = (uint32_t *)&lpm->root };
	struct ebpf_lpm_probe other;

	while ((ref & EBPF_LPM_NODE) != 0) {
		depth = ebpf_lpm_depth(lpm, ref);
		if (probe->len < depth) {
			ref = ebpf_lpm_any_below(lpm, ref);
			break;
		}
		bits = ebpf_lpm_is_table(ref) ?
			       ebpf_lpm_node(lpm, ref)->table.bits : 2;
		slot = slot_below(lpm, slot, probe);
		next = slot.ref != NULL ? *slot.ref : 0;
		if (next == 0) {
			if (sure == depth)
				return probe->len;
			if (ebpf_lpm_is_table(ref)) {
				index = ebpf_lpm_index(slot.table, probe,
						       lpm->data_bits);
				next = any_near(slot.table, index);
			} else {
				next = ref;
			}
			ref = ebpf_lpm_any_below(lpm, next);
			break;
		}
		if (sure == depth)
			sure += bits;
		ref = next;
	}
	if (ref == 0)
		return probe->len;
	other = probe_of(lpm, ref);
	return common(lpm, probe, &other);
}

/* Some reader may still be in it, from before. */
static void
clear_node(struct ebpf_lpm_narrow *node, uint32_t depth)
{
	uint32_t i;

	for (i = 0; i < 4; i++)
		os_store_release(&node->child[i], 0);
	for (i = 0; i < 3; i++)
		os_store_release(&node->own[i], 0);
	os_store_release(&node->depth, depth);
}

/* A node above what is in that place, for both. */
static int
branch(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot,
       const struct ebpf_lpm_probe *probe, uint32_t number, uint32_t agree)
{
	uint32_t fresh = ebpf_lpm_node_take(lpm), there = *slot.ref;
	uint32_t ref = fresh | EBPF_LPM_NODE;
	struct ebpf_lpm_slot inner = { .ref = &ref };
	struct ebpf_lpm_probe other;

	if (fresh == 0)
		return -EBPF_ENOMEM;
	clear_node(&ebpf_lpm_node(lpm, fresh)->narrow, agree & ~1u);
	/* nodes and tables reach further than this one, as whoever is there */
	other = probe_of(lpm, ebpf_lpm_any_below(lpm, there));
	os_store_release(slot_below(lpm, inner, &other).ref, there);
	os_store_release(slot_below(lpm, inner, probe).ref, number);
	ebpf_lpm_put(slot, ref);
	return 0;
}

/* What something is in now may do better as a table, or what that is in. */
static void
widen(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_slot above[2])
{
	if (!ebpf_lpm_widen(lpm, above[0]) && above[0].ref != above[1].ref)
		ebpf_lpm_widen(lpm, above[1]);
}

int
ebpf_lpm_link(struct ebpf_map_lpm *lpm, uint32_t number)
{
	struct ebpf_lpm_probe probe = probe_of(lpm, number);
	struct ebpf_lpm_slot slot = { .ref = &lpm->root }, below;
	struct ebpf_lpm_slot above[2] = { slot, slot }; /* of the last nodes */
	uint32_t agree = agrees(lpm, &probe);
	int error;

	while ((*slot.ref & EBPF_LPM_NODE) != 0 &&
	       ebpf_lpm_depth(lpm, *slot.ref) <= agree) {
		below = slot_below(lpm, slot, &probe);
		if (below.ref == NULL) {
			ebpf_lpm_own_add(lpm, below.table, &probe, number);
			return 0;
		}
		above[0] = above[1];
		above[1] = slot;
		slot = below;
	}
	if (*slot.ref == 0) {
		ebpf_lpm_put(slot, number);
	} else {
		error = branch(lpm, slot, &probe, number, agree);
		if (error != 0)
			return error;
		above[0] = above[1];
		above[1] = slot;
	}
	widen(lpm, above);
	return 0;
}

void
ebpf_lpm_replace(struct ebpf_map_lpm *lpm, uint32_t old, uint32_t number)
{
	struct ebpf_lpm_probe probe = probe_of(lpm, number);
	struct ebpf_lpm_slot slot = { .ref = &lpm->root };

	while ((*slot.ref & EBPF_LPM_NODE) != 0) {
		slot = slot_below(lpm, slot, &probe);
		if (slot.ref == NULL) {
			ebpf_lpm_own_replace(lpm, slot.table, &probe, old,
					     number);
			return;
		}
	}
	ebpf_lpm_put(slot, number);
}

void
ebpf_lpm_unlink(struct ebpf_map_lpm *lpm, uint32_t number)
{
	struct ebpf_lpm_probe probe = probe_of(lpm, number);
	struct ebpf_lpm_slot slot = { .ref = &lpm->root }, above = slot;

	while (slot.ref != NULL && (*slot.ref & EBPF_LPM_NODE) != 0) {
		above = slot;
		slot = slot_below(lpm, slot, &probe);
	}
	if (slot.ref == NULL)
		ebpf_lpm_own_remove(lpm, slot.table, &probe, number);
	else
		ebpf_lpm_put(slot, 0);
	if (above.ref != slot.ref)
		ebpf_lpm_shrink(lpm, above);
}

void
ebpf_lpm_fit(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe,
	     bool less)
{
	struct ebpf_lpm_slot slot = { .ref = &lpm->root };
	struct ebpf_lpm_slot above[2] = { slot, slot };

	while (slot.ref != NULL && (*slot.ref & EBPF_LPM_NODE) != 0 &&
	       ebpf_lpm_depth(lpm, *slot.ref) <= probe->len) {
		above[0] = above[1];
		above[1] = slot;
		slot = slot_below(lpm, slot, probe);
	}
	if (!less)
		widen(lpm, above);
	else if ((*above[1].ref & EBPF_LPM_NODE) != 0)
		ebpf_lpm_shrink(lpm, above[1]);
}
