/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A table's own prefixes, which end within its bits, with the map's lock: as
 * they are linked and unlinked, for lpm_change.c. Readers of the table see each
 * entry before or behind it.
 */
#include "core/lpm_trie.h"

/*
 * The entries that a table's own prefix covers. Each leads, from best on, by
 * parents that become shorter, to all of the table's own that cover it.
 */
struct reach {
	uint32_t at, end;
};

static struct reach
reach_of(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table,
	 const struct ebpf_lpm_probe *probe)
{
	uint32_t free = table->depth + table->bits - probe->len;
	uint32_t at = ebpf_lpm_index(table, probe, lpm->data_bits) >> free
								   << free;

	return (struct reach){ at, at + (1u << free) };
}

/* Where the reach's entries lead to `from`, they lead to `to`. */
static void
lead(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *table,
     struct reach reach, uint32_t from, uint32_t to)
{
	uint32_t best, next, last = 0;

	for (; reach.at < reach.end; reach.at++) {
		best = table->entries[reach.at].best;
		if (best == from) {
			os_store_release(&table->entries[reach.at].best, to);
			continue;
		}
		if (best == last)
			continue;
		last = best;
		while ((next = ebpf_lpm_parent(lpm, best)) != from &&
		       next != to)
			best = next;
		if (next == from)
			ebpf_lpm_set_parent(lpm, best, to);
	}
}

void
ebpf_lpm_own_add(struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *table,
		 const struct ebpf_lpm_probe *probe, uint32_t number)
{
	struct reach reach = reach_of(lpm, table, probe);
	uint32_t parent = ebpf_lpm_shorter(lpm, table->entries[reach.at].best,
					   probe->len);

	ebpf_lpm_set_parent(lpm, number, parent);
	lead(lpm, table, reach, parent, number);
	table->items++;
}

void
ebpf_lpm_own_replace(struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *table,
		     const struct ebpf_lpm_probe *probe, uint32_t old,
		     uint32_t number)
{
	ebpf_lpm_set_parent(lpm, number, ebpf_lpm_parent(lpm, old));
	lead(lpm, table, reach_of(lpm, table, probe), old, number);
}

void
ebpf_lpm_own_remove(struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *table,
		    const struct ebpf_lpm_probe *probe, uint32_t number)
{
	lead(lpm, table, reach_of(lpm, table, probe), number,
	     ebpf_lpm_parent(lpm, number));
	table->items--;
}
