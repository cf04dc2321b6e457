/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The elements of an lpm_trie in order, which is Linux's: a prefix comes behind
 * all that are part of it, otherwise the bits decide. Readers' code: what
 * changes beside it may be seen or not.
 */
#include "core/lpm_trie.h"

/* A node's references in order: children 0 to 3, then own ones from OWN on. */
#define OWN 4
static const uint8_t order[7] = { 0, 1, OWN + 1, 2, 3, OWN + 2, OWN + 0 };

static uint32_t
item(const struct ebpf_lpm_narrow *node, uint32_t i)
{
	return os_load_acquire(i < OWN ? &node->child[i] : &node->own[i - OWN]);
}

/* This one of the table's own, if it ends at that entry, or 0. */
static uint32_t
ends_at(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table,
	uint32_t number, uint32_t index)
{
	uint32_t end = table->depth + table->bits, len;

	if (number == 0)
		return 0;
	len = ebpf_lpm_len(lpm, number);
	/* one that has been handed on meanwhile may be of any length */
	if (len >= end || len < table->depth)
		return 0;
	return (~index & ((1u << (end - len)) - 1)) == 0 ? number : 0;
}

/* From an entry on: what is below it, then what of the table's own ends. */
static uint32_t
from_entry(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table,
	   uint32_t index)
{
	uint32_t ref = 0;

	for (; ref == 0 && index <= table->mask; index++) {
		ref = os_load_acquire(&table->entries[index].ref);
		if (ref == 0)
			ref = ends_at(
				lpm, table,
				os_load_acquire(&table->entries[index].best),
				index);
	}
	return ref;
}

/* The first element below, 0 when it has just gone. */
static uint32_t
first_below(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	const union ebpf_lpm_node *node;
	uint32_t i;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		if (ebpf_lpm_is_table(ref)) {
			ref = from_entry(lpm, &node->table, 0);
			continue;
		}
		for (ref = 0, i = 0; i < sizeof(order) && ref == 0; i++)
			ref = item(&node->narrow, order[i]);
	}
	return ref;
}

/* The reference behind the probe's own in the node, 0: none. */
static uint32_t
behind_in_node(const struct ebpf_lpm_narrow *node, uint32_t two, uint32_t over)
{
	uint32_t self = over < 2 ? OWN + ebpf_lpm_own(two, over) : two;
	uint32_t i = 0, ref = 0;

	while (order[i] != self)
		i++;
	while (++i < sizeof(order) && ref == 0)
		ref = item(node, order[i]);
	return ref;
}

static uint32_t
behind_in_table(const struct ebpf_map_lpm *lpm,
		const struct ebpf_lpm_table *table,
		const struct ebpf_lpm_probe *probe, uint32_t over)
{
	uint32_t index = ebpf_lpm_index(table, probe, lpm->data_bits), own;

	if (over < table->bits)
		index |= (1u << (table->bits - over)) - 1;
	own = os_load_acquire(&table->entries[index].best);
	if (over < table->bits)
		own = probe->len == 0 ? 0 :
			ebpf_lpm_shorter(lpm, own, probe->len - 1);
	own = ends_at(lpm, table, own, index);
	return own != 0 ? own : from_entry(lpm, table, index + 1);
}

/* That of the deepest node on the probe's way that has one. */
static uint32_t
behind(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe)
{
	uint32_t ref = os_load_acquire(&lpm->root), best = 0, next, depth;
	const union ebpf_lpm_node *node;
	uint32_t two, over;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		depth = ebpf_lpm_depth(lpm, ref);
		if (probe->len < depth)
			break; /* the probe's has just gone */
		over = probe->len - depth;
		if (ebpf_lpm_is_table(ref)) {
			next = behind_in_table(lpm, &node->table, probe, over);
			ref = over < node->table.bits ? 0 :
				os_load_acquire(&node->table.entries[
					ebpf_lpm_index(&node->table, probe,
						       lpm->data_bits)].ref);
		} else {
			two = ebpf_lpm_two(probe, depth, lpm->data_bits);
			next = behind_in_node(&node->narrow, two, over);
			ref = over < 2 ? 0 : item(&node->narrow, two);
		}
		if (next != 0)
			best = next;
	}
	return best;
}

uint32_t
ebpf_lpm_next(const struct ebpf_map_lpm *lpm,
	      const struct ebpf_lpm_probe *probe)
{
	uint32_t ref, number;

	if (probe == NULL || probe->len > lpm->data_bits ||
	    ebpf_lpm_find_exact(lpm, probe) == 0) {
		do {
			ref = os_load_acquire(&lpm->root);
			number = first_below(lpm, ref);
		} while (ref != 0 && number == 0);
		return number;
	}
	do {
		ref = behind(lpm, probe);
		number = first_below(lpm, ref);
	} while (ref != 0 && number == 0); /* all there has just gone */
	return number;
}
