/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See lpm_lab.h. */
#include "lpm_lab.h"

static void see(const struct ebpf_map_lpm *lpm, uint32_t ref, uint32_t depth,
		struct lpm_lab_seen *seen);

/* A table's own prefixes: each entry leads to all that cover it, and no more. */
static uint32_t
see_own(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table,
	struct lpm_lab_seen *seen)
{
	uint32_t end = table->depth + table->bits, i, number, len, last, n = 0;
	struct ebpf_lpm_probe probe;

	for (i = 0; i <= table->mask; i++) {
		last = end;
		number = table->entries[i].best;
		for (; number != 0; number = ebpf_lpm_parent(lpm, number)) {
			len = ebpf_lpm_len(lpm, number);
			probe = ebpf_lpm_probe(lpm,
					       ebpf_lpm_element(lpm, number));
			seen->good = seen->good && len < last &&
				     len >= table->depth &&
				     (ebpf_lpm_index(table, &probe,
						     lpm->data_bits) ^ i) >>
						     (end - len) == 0;
			if (!seen->good)
				return n;
			last = len;
			/* counted where it begins */
			n += (i & ((1u << (end - len)) - 1)) == 0;
		}
	}
	return n;
}

static void
see_table(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table,
	  struct lpm_lab_seen *seen)
{
	uint32_t i, own = see_own(lpm, table, seen), refs = 0, multi = 0;

	for (i = 0; i <= table->mask; i++) {
		refs += table->entries[i].ref != 0;
		multi += table->entries[i].ref >> 31;
		see(lpm, table->entries[i].ref, table->depth + table->bits,
		    seen);
	}
	seen->tables++;
	if (table->bits > seen->bits)
		seen->bits = table->bits;
	seen->elements += own;
	seen->good = seen->good && table->items == refs + own &&
		     table->multi == multi && table->items >= 2 &&
		     table->depth + table->bits <= lpm->data_bits;
}

/* What is below has two references at least, and none begins above its place. */
static void
see(const struct ebpf_map_lpm *lpm, uint32_t ref, uint32_t depth,
    struct lpm_lab_seen *seen)
{
	const union ebpf_lpm_node *node;
	uint32_t i, refs = 0;

	if ((ref & EBPF_LPM_NODE) == 0) {
		seen->elements += ref != 0;
		return;
	}
	node = ebpf_lpm_node(lpm, ref);
	seen->nodes++;
	seen->good = seen->good && ebpf_lpm_depth(lpm, ref) >= depth &&
		     ebpf_lpm_depth(lpm, ref) % 2 == 0;
	if (ebpf_lpm_is_table(ref)) {
		see_table(lpm, &node->table, seen);
		return;
	}
	for (i = 0; i < 3; i++)
		refs += node->narrow.own[i] != 0;
	seen->elements += refs;
	for (i = 0; i < 4; i++) {
		refs += node->narrow.child[i] != 0;
		see(lpm, node->narrow.child[i], node->narrow.depth + 2, seen);
	}
	seen->good = seen->good && refs >= 2;
}

bool
lpm_lab_check(struct ebpf_map *map, struct lpm_lab_seen *result)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);
	struct lpm_lab_seen seen = { .good = true };

	see(lpm, lpm->root, 0, &seen);
	if (result != NULL)
		*result = seen;
	return seen.good && seen.elements == lpm->count &&
	       seen.nodes + (lpm->node_end - lpm->node_free) +
			       lpm->tables_leaving.begun.count +
			       lpm->tables_leaving.next.count ==
		       lpm->nodes_held;
}
