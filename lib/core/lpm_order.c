/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The elements of an lpm_trie in order, which is Linux's: a prefix comes behind
 * all that are part of it, otherwise the bits decide. Readers' code: what
 * changes beside it may be seen or not.
 */
#include "core/lpm_trie.h"

/* A node's references in order: children 0 to 7, then own ones from OWN on. */
#define OWN 8
static const uint8_t order[15] = {
	0, 1, OWN + 3, 2, 3, OWN + 4, OWN + 1,
	4, 5, OWN + 5, 6, 7, OWN + 6, OWN + 2, OWN + 0,
};

static uint32_t
item(const struct ebpf_lpm_node *node, uint32_t i)
{
	return os_load_acquire(i < OWN ? &node->child[i] : &node->own[i - OWN]);
}

/* The first element below, 0 when it has just gone. */
static uint32_t
first_below(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	const struct ebpf_lpm_node *node;
	uint32_t i;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		for (ref = 0, i = 0; i < sizeof(order) && ref == 0; i++)
			ref = item(node, order[i]);
	}
	return ref;
}

/* The first in the root's tree behind all that is below place. */
static uint32_t
behind(const struct ebpf_map_lpm *lpm, uint32_t place)
{
	uint32_t leaves = 1u << lpm->root_bits, number;

	while (place > 1) {
		if ((place & 1) != 0) {
			place >>= 1;
			number = os_load_acquire(&lpm->shorts[place]);
		} else {
			place |= 1;
			while (place < leaves)
				place <<= 1;
			number = first_below(
				lpm, os_load_acquire(
					     &lpm->root[place - leaves].ref));
		}
		if (number != 0)
			return number;
	}
	return 0;
}

static uint32_t
first(const struct ebpf_map_lpm *lpm)
{
	uint32_t number = first_below(lpm, os_load_acquire(&lpm->root[0].ref));

	return number != 0 ? number : behind(lpm, 1u << lpm->root_bits);
}

/* The reference behind the probe's own in the node, 0: none. */
static uint32_t
behind_in(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_node *node,
	  const struct ebpf_lpm_probe *probe)
{
	uint32_t depth = os_load(&node->depth), i = 0, ref = 0;
	uint32_t bits = ebpf_lpm_bits(lpm, probe, depth);
	uint32_t over = probe->len - depth;
	uint32_t self = over < 3 ? OWN + ebpf_lpm_own(bits, over) : bits;

	while (order[i] != self)
		i++;
	while (++i < sizeof(order) && ref == 0)
		ref = item(node, order[i]);
	return ref;
}

/* That of the deepest node on the probe's way that has one. */
static uint32_t
behind_below(const struct ebpf_map_lpm *lpm,
	     const struct ebpf_lpm_probe *probe, uint32_t ref)
{
	const struct ebpf_lpm_node *node;
	uint32_t best = 0, next, depth;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		depth = os_load(&node->depth);
		if (probe->len < depth)
			break; /* the probe's has just gone */
		next = behind_in(lpm, node, probe);
		if (next != 0)
			best = next;
		if (probe->len - depth < 3)
			break;
		ref = item(node, ebpf_lpm_bits(lpm, probe, depth));
	}
	return best;
}

uint32_t
ebpf_lpm_next(const struct ebpf_map_lpm *lpm,
	      const struct ebpf_lpm_probe *probe)
{
	uint32_t place, ref, number;

	if (probe == NULL || probe->len > lpm->data_bits ||
	    ebpf_lpm_find_exact(lpm, probe) == 0)
		return first(lpm);
	place = ebpf_lpm_place(probe, lpm->root_bits);
	if (probe->len < lpm->root_bits)
		return behind(lpm, place);
	do {
		ref = behind_below(
			lpm, probe,
			os_load_acquire(&lpm->root[place - (1u << lpm->root_bits)].ref));
		if (ref == 0)
			return behind(lpm, place);
		number = first_below(lpm, ref);
	} while (number == 0); /* all that was there has just gone */
	return number;
}
