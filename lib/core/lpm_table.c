/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The tables of a trie, with the map's lock: how they come, become larger and
 * smaller, and go; their own prefixes are lpm_own.c's. A table is never changed
 * into another size: a new one is made beside it, out of the same nodes and
 * elements, and takes its place. For lpm_change.c.
 */
#include "core/lpm_trie.h"

enum {
	MAKE_ITEMS = 6, /* of 16 places: as much memory as nodes would take */
	KEEP_ITEMS = 4,
	AHEAD = 8, /* entries, whose memory is asked for */
	SPLIT_MAX = 1 << 16, /* entries written anew for one that becomes larger */
};

/* What is in two bits of one place; as a node has it. */
struct quad {
	uint32_t child[4];
	uint32_t own[3];
};

static struct ebpf_lpm_probe
probe_of(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return ebpf_lpm_probe(lpm, ebpf_lpm_element(lpm, number));
}

static uint32_t
is_node(uint32_t ref)
{
	return ref >> 31;
}

void
ebpf_lpm_put(struct ebpf_lpm_slot slot, uint32_t ref)
{
	struct ebpf_lpm_table *table = slot.table;
	uint32_t was = *slot.ref;

	if (table != NULL &&
	    (uintptr_t)slot.ref - (uintptr_t)table->entries <=
		    table->mask * sizeof(table->entries[0])) {
		table->items += (uint32_t)(ref != 0) - (uint32_t)(was != 0);
		table->multi += is_node(ref) - is_node(was);
	}
	os_store_release(slot.ref, ref);
}

/* ---- two bits at a time ---- */

static uint32_t
quad_items(const struct quad *quad)
{
	uint32_t n = 0, i;

	for (i = 0; i < 4; i++)
		n += quad->child[i] != 0;
	for (i = 0; i < 3; i++)
		n += quad->own[i] != 0;
	return n;
}

static void
quad_of_node(const struct ebpf_lpm_narrow *node, struct quad *quad)
{
	memcpy(quad->child, node->child, sizeof(quad->child));
	memcpy(quad->own, node->own, sizeof(quad->own));
}

/* A reference to it all. If that takes a node, it has been asked for. */
static uint32_t
fold(struct ebpf_map_lpm *lpm, const struct quad *quad, uint32_t depth)
{
	struct ebpf_lpm_narrow *node;
	uint32_t number, i, one = 0;

	for (i = 0; i < 4; i++)
		one |= quad->child[i];
	for (i = 0; i < 3; i++)
		one |= quad->own[i];
	if (quad_items(quad) < 2)
		return one;
	number = ebpf_lpm_node_take(lpm);
	node = &ebpf_lpm_node(lpm, number)->narrow;
	memcpy(node->child, quad->child, sizeof(quad->child));
	memcpy(node->own, quad->own, sizeof(quad->own));
	node->depth = depth;
	return number | EBPF_LPM_NODE;
}

/*
 * Four entries from `at` on, whose own prefixes of the lengths depth and
 * depth + 1 are the quad's; four being all, or else the table's last two bits.
 */
static void
quad_of_entries(const struct ebpf_map_lpm *lpm,
		const struct ebpf_lpm_table *table, uint32_t at,
		struct quad *quad)
{
	uint32_t depth = table->depth + table->bits - 2, i, number, len;

	memset(quad, 0, sizeof(*quad));
	for (i = 0; i < 4; i++) {
		quad->child[i] = table->entries[at + i].ref;
		number = table->entries[at + i].best;
		while (number != 0 &&
		       (len = ebpf_lpm_len(lpm, number)) >= depth) {
			quad->own[ebpf_lpm_own(i, len - depth)] = number;
			number = ebpf_lpm_parent(lpm, number);
		}
	}
}

/* The table's own prefixes that end in its first two bits. */
static void
quad_of_first(const struct ebpf_map_lpm *lpm,
	      const struct ebpf_lpm_table *table, struct quad *quad)
{
	uint32_t depth = table->depth, i, number, len;

	memset(quad, 0, sizeof(*quad));
	for (i = 0; i < 4; i++) {
		number = table->entries[i << (table->bits - 2)].best;
		number = ebpf_lpm_shorter(lpm, number, depth + 1);
		while (number != 0) {
			len = ebpf_lpm_len(lpm, number);
			quad->own[ebpf_lpm_own(i, len - depth)] = number;
			number = ebpf_lpm_parent(lpm, number);
		}
	}
}

/* A table of four bits, as two and two. Takes up to four nodes. */
static void
quad_of_table(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table,
	      struct quad *quad)
{
	struct quad inner;
	uint32_t i;

	quad_of_first(lpm, table, quad);
	for (i = 0; i < 4; i++) {
		quad_of_entries(lpm, table, i * 4, &inner);
		quad->child[i] = fold(lpm, &inner, table->depth + 2u);
	}
}

/* What is below a reference in the two bits from depth on. */
static void
quad_of(struct ebpf_map_lpm *lpm, uint32_t ref, uint32_t depth,
	struct quad *quad)
{
	const union ebpf_lpm_node *node;
	struct ebpf_lpm_probe probe;
	uint32_t two;

	memset(quad, 0, sizeof(*quad));
	if (ref == 0)
		return;
	if (is_node(ref) && ebpf_lpm_depth(lpm, ref) == depth) {
		node = ebpf_lpm_node(lpm, ref);
		if (ebpf_lpm_is_table(ref))
			quad_of_table(lpm, &node->table, quad);
		else
			quad_of_node(&node->narrow, quad);
		return;
	}
	probe = probe_of(lpm, ebpf_lpm_any_below(lpm, ref));
	two = ebpf_lpm_two(&probe, depth, lpm->data_bits);
	if (!is_node(ref) && probe.len < depth + 2)
		quad->own[ebpf_lpm_own(two, probe.len - depth)] = ref;
	else
		quad->child[two] = ref;
}

/* It has been taken to pieces, and will not be reached any more. */
static void
give_apart(struct ebpf_map_lpm *lpm, uint32_t ref, uint32_t depth)
{
	if (!is_node(ref) || ebpf_lpm_depth(lpm, ref) != depth)
		return;
	if (ebpf_lpm_is_table(ref))
		ebpf_lpm_table_give(lpm, ref);
	else
		ebpf_lpm_node_give(lpm, ref & EBPF_LPM_NUMBER);
}

/* ---- larger ---- */

/*
 * Elements that were not among a table's own, or another's, get parents. Who
 * follows these in a table of long ago has gone astray: all of them are written
 * with release, behind this.
 */
static void
parents_change(struct ebpf_map_lpm *lpm)
{
	os_store_release(&lpm->changes, lpm->changes + 1);
}

/* What an own prefix of a new table leads to: shorter ones up to `parent`. */
static uint32_t
own_first(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *table,
	  uint32_t number, uint32_t parent)
{
	if (number == 0)
		return parent;
	ebpf_lpm_set_parent(lpm, number, parent);
	table->items++;
	return number;
}

/* Four entries of a new table, from what was in one place. */
static void
spread(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *table,
       uint32_t at, const struct quad *quad, uint32_t best)
{
	uint32_t half = 0, i, ref;

	best = own_first(lpm, table, quad->own[0], best);
	for (i = 0; i < 4; i++) {
		if (i % 2 == 0)
			half = own_first(lpm, table, quad->own[1 + i / 2],
					 best);
		ref = quad->child[i];
		table->entries[at + i].best = half;
		table->entries[at + i].ref = ref;
		table->items += ref != 0;
		table->multi += is_node(ref);
	}
}

/* Ask for the memory that is wanted to know what is below. */
static void
ask_below(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	if (is_node(ref))
		__builtin_prefetch(ebpf_lpm_node(lpm, ref));
	else if (ref != 0)
		__builtin_prefetch(ebpf_lpm_record(lpm, ref));
}

/*
 * All below the reference is in one of four places, and none is one of the
 * table's own; *two: in which. So it mostly is, and then spread() is more than is
 * needed, while others wait for the lock.
 */
static bool
is_one(const struct ebpf_map_lpm *lpm, uint32_t ref, uint32_t depth,
       uint32_t *two)
{
	struct ebpf_lpm_probe probe;

	*two = 0;
	if (ref == 0)
		return true;
	if (is_node(ref)) {
		if (ebpf_lpm_depth(lpm, ref) == depth)
			return false;
		ref = ebpf_lpm_any_below(lpm, ref);
	}
	probe = probe_of(lpm, ref);
	if (probe.len < depth + 2)
		return false;
	*two = ebpf_lpm_two(&probe, depth, lpm->data_bits);
	return true;
}

static void
spread_one(struct ebpf_lpm_table *table, uint32_t at, uint32_t ref,
	   uint32_t two, uint32_t best)
{
	struct ebpf_lpm_entry *entry = &table->entries[at];
	uint32_t i;

	for (i = 0; i < 4; i++)
		entry[i] = (struct ebpf_lpm_entry){ 0, best };
	entry[two].ref = ref;
	table->items += ref != 0;
	table->multi += is_node(ref);
}

/* Of a table that has no more. */
static uint32_t
only_one_in(const struct ebpf_lpm_table *table)
{
	const struct ebpf_lpm_entry *entry = table->entries;

	while (entry->ref == 0 && entry->best == 0)
		entry++;
	return entry->ref != 0 ? entry->ref : entry->best;
}

/*
 * One of four, from entries `at` on: without the own ones of the first bits. To
 * these its own still lead, as who is in the table needs it: parents_cut().
 */
static void
quarter(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *part,
	const struct ebpf_lpm_table *table, uint32_t at)
{
	uint32_t end = part->depth + part->bits, i, number, len;
	struct ebpf_lpm_entry *entry;

	for (i = 0; i <= part->mask; i++) {
		entry = &part->entries[i];
		*entry = table->entries[at + i];
		part->items += entry->ref != 0;
		part->multi += is_node(entry->ref);
		number = entry->best;
		if (number != 0 && ebpf_lpm_len(lpm, number) < part->depth)
			entry->best = number = 0;
		while (number != 0 &&
		       (len = ebpf_lpm_len(lpm, number)) >= part->depth) {
			/* counted where it begins */
			part->items += (i & ((1u << (end - len)) - 1)) == 0;
			number = ebpf_lpm_parent(lpm, number);
		}
	}
}

/*
 * The table's own prefixes from depth on lead to no shorter ones any more. Only
 * when nobody gets into the table from now on: who looks there for what is cut
 * off has come before `changes` say so.
 */
static void
parents_cut(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table,
	    uint32_t depth)
{
	uint32_t i, number, parent;

	for (i = 0; i <= table->mask; i++) {
		number = table->entries[i].best;
		if (number == 0 || ebpf_lpm_len(lpm, number) < depth)
			continue;
		while ((parent = ebpf_lpm_parent(lpm, number)) != 0 &&
		       ebpf_lpm_len(lpm, parent) >= depth)
			number = parent;
		if (parent != 0)
			ebpf_lpm_set_parent(lpm, number, 0);
	}
}

/* A table in this place becomes a node and four tables at most below that. */
static bool
split(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot)
{
	uint32_t old = *slot.ref, refs[4], i;
	struct ebpf_lpm_table *table = &ebpf_lpm_node(lpm, old)->table;
	struct ebpf_lpm_table *parts[4];
	struct quad quad;
	uint32_t got = 0;
	uint64_t head;

	if (!ebpf_lpm_node_ask(lpm, 5))
		return false;
	for (i = 0; i < 4; i++) { /* all are asked for at once */
		head = table->depth > 62 ? table->head :
			table->head | (uint64_t)i << (62 - table->depth);
		parts[i] = ebpf_lpm_table_take(lpm, head, table->depth + 2u,
					       table->bits - 2u, &refs[i]);
		got += parts[i] != NULL;
	}
	if (got < 4) {
		for (i = 0; i < 4; i++)
			if (parts[i] != NULL)
				ebpf_lpm_table_undo(lpm, refs[i]);
		return false;
	}
	quad_of_first(lpm, table, &quad);
	for (i = 0; i < 4; i++) {
		quarter(lpm, parts[i], table, i << (table->bits - 2));
		quad.child[i] = parts[i]->items > 1 ? refs[i] :
				parts[i]->items == 1 ? only_one_in(parts[i]) :
						       0;
		if (parts[i]->items < 2)
			ebpf_lpm_table_undo(lpm, refs[i]);
	}
	ebpf_lpm_put(slot, fold(lpm, &quad, table->depth));
	parents_change(lpm);
	parents_cut(lpm, table, table->depth + 2u);
	ebpf_lpm_table_give(lpm, old);
	return true;
}

/*
 * What is in this place is about to go into a table that ends two bits behind
 * depth. How many nodes, and entries written anew, does that take?
 */
struct cost {
	uint32_t nodes, entries;
	uint32_t parts; /* places where something parts in those two bits */
};

static void
cost_add(const struct ebpf_map_lpm *lpm, struct cost *cost, uint32_t ref,
	 uint32_t depth)
{
	const struct ebpf_lpm_table *table;

	if (!is_node(ref) || ebpf_lpm_depth(lpm, ref) != depth)
		return;
	cost->parts++;
	if (!ebpf_lpm_is_table(ref))
		return;
	table = &ebpf_lpm_node(lpm, ref)->table;
	cost->nodes += 4;
	if (table->bits > EBPF_LPM_BITS_MIN)
		cost->entries += table->mask + 1;
}

/* A table that reaches further than those two bits begins behind them. */
static bool
make_fit(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot, uint32_t depth)
{
	uint32_t ref = *slot.ref;

	if (!is_node(ref) || !ebpf_lpm_is_table(ref) ||
	    ebpf_lpm_depth(lpm, ref) != depth ||
	    ebpf_lpm_node(lpm, ref)->table.bits == EBPF_LPM_BITS_MIN)
		return true;
	return split(lpm, slot);
}

/*
 * When so many of its places have more than one below there may be as many
 * elements as places: with four times the places that is rare, for 32 bytes for
 * each element, which is less than two nodes.
 */
static bool
is_crowded(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table)
{
	return table->multi >= 3u << table->bits >> 4 &&
	       table->multi > ebpf_lpm_rest(table)->tried &&
	       table->bits < EBPF_LPM_BITS_MAX &&
	       table->depth + table->bits + 2u <= lpm->data_bits;
}

/*
 * And if it is indeed: what parts further down is not helped by more places. Of
 * small tables there may be many, and the map itself takes memory.
 */
static uint32_t
parts_for(const struct ebpf_lpm_table *table)
{
	return 1u << table->bits >> (table->bits < 8 ? 2 : 4);
}

static bool
grow(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot,
     struct ebpf_lpm_table *table)
{
	uint32_t end = table->depth + table->bits, refs = 0;
	struct cost cost = { .nodes = 1 };
	struct ebpf_lpm_slot inner = { .table = table };
	uint32_t i, ref, old, below, best, two;
	struct ebpf_lpm_table *wide;
	struct quad quad;

	for (i = 0; i <= table->mask; i++) {
		ask_below(lpm, table->entries[(i + AHEAD) & table->mask].ref);
		cost_add(lpm, &cost, table->entries[i].ref, end);
	}
	if (cost.entries > SPLIT_MAX || cost.parts < parts_for(table) ||
	    !ebpf_lpm_node_ask(lpm, cost.nodes))
		return false;
	wide = ebpf_lpm_table_take(lpm, table->head, table->depth,
				   table->bits + 2u, &ref);
	if (wide == NULL)
		return false;
	for (i = 0; i <= table->mask; i++) {
		inner.ref = &table->entries[i].ref;
		if (!make_fit(lpm, inner, end))
			goto undo;
		refs += *inner.ref != 0;
	}
	if (!ebpf_lpm_node_ask(lpm, cost.nodes))
		goto undo;
	parents_change(lpm);
	wide->items = table->items - refs; /* its own, which stay that */
	for (i = 0; i <= table->mask; i++) {
		ask_below(lpm, table->entries[(i + AHEAD) & table->mask].ref);
		below = table->entries[i].ref;
		best = table->entries[i].best;
		if (os_likely(is_one(lpm, below, end, &two))) {
			spread_one(wide, i * 4, below, two, best);
			continue;
		}
		quad_of(lpm, below, end, &quad);
		spread(lpm, wide, i * 4, &quad, best);
	}
	old = *slot.ref;
	ebpf_lpm_put(slot, ref);
	for (i = 0; i <= table->mask; i++)
		give_apart(lpm, table->entries[i].ref, end);
	ebpf_lpm_table_give(lpm, old);
	return true;
undo:
	ebpf_lpm_table_undo(lpm, ref);
	return false;
}

/* A table in place of a node and those that come behind its two bits. */
static bool
make(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot,
     struct ebpf_lpm_narrow *node)
{
	uint32_t end = node->depth + 2, items;
	struct cost cost = { .nodes = 1 };
	uint32_t i, ref, old, best, half = 0;
	struct ebpf_lpm_slot below = { .table = slot.table };
	struct ebpf_lpm_table *table;
	struct ebpf_lpm_probe probe;
	struct quad quad, inner;

	if (end + 2 > lpm->data_bits)
		return false;
	quad_of_node(node, &quad);
	items = quad_items(&quad);
	for (i = 0; i < 4; i++) {
		ref = quad.child[i];
		cost_add(lpm, &cost, ref, end);
		if (!is_node(ref) || ebpf_lpm_depth(lpm, ref) != end)
			continue;
		if (ebpf_lpm_is_table(ref)) {
			items += 3;
			continue;
		}
		quad_of_node(&ebpf_lpm_node(lpm, ref)->narrow, &inner);
		items += quad_items(&inner) - 1;
	}
	if (items < MAKE_ITEMS || cost.entries > SPLIT_MAX)
		return false;
	for (i = 0; i < 4; i++) {
		below.ref = &node->child[i];
		if (!make_fit(lpm, below, end))
			return false;
	}
	quad_of_node(node, &quad);
	if (!ebpf_lpm_node_ask(lpm, cost.nodes))
		return false;
	probe = probe_of(lpm, ebpf_lpm_any_below(lpm, *slot.ref));
	table = ebpf_lpm_table_take(lpm, probe.head, node->depth,
				    EBPF_LPM_BITS_MIN, &ref);
	if (table == NULL)
		return false;
	parents_change(lpm);
	best = own_first(lpm, table, quad.own[0], 0);
	for (i = 0; i < 4; i++) {
		if (i % 2 == 0)
			half = own_first(lpm, table, quad.own[1 + i / 2],
					 best);
		quad_of(lpm, quad.child[i], end, &inner);
		spread(lpm, table, i * 4, &inner, half);
	}
	old = *slot.ref;
	ebpf_lpm_put(slot, ref);
	for (i = 0; i < 4; i++)
		give_apart(lpm, quad.child[i], end);
	ebpf_lpm_node_give(lpm, old & EBPF_LPM_NUMBER);
	return true;
}

bool
ebpf_lpm_widen(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot)
{
	uint32_t ref = *slot.ref;
	struct ebpf_lpm_table *table;

	if (!is_node(ref))
		return false;
	if (!ebpf_lpm_is_table(ref))
		return make(lpm, slot, &ebpf_lpm_node(lpm, ref)->narrow);
	table = &ebpf_lpm_node(lpm, ref)->table;
	if (!is_crowded(lpm, table))
		return false;
	if (grow(lpm, slot, table))
		return true;
	/* or else again as soon as it is there */
	if (lpm->larder->wants == 0 && lpm->larder->nodes == 0)
		ebpf_lpm_rest(table)->tried =
			table->multi + table->multi / 8;
	return false;
}

/* ---- smaller ---- */

/* The only reference that is left, 0: there are more. */
static uint32_t
only_one(const struct ebpf_lpm_narrow *node)
{
	struct quad quad;
	uint32_t one = 0, i;

	quad_of_node(node, &quad);
	if (quad_items(&quad) > 1)
		return 0;
	for (i = 0; i < 4; i++)
		one |= quad.child[i];
	for (i = 0; i < 3; i++)
		one |= quad.own[i];
	return one;
}

/* Not for a table of four bits. */
static uint32_t
halve(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table)
{
	uint32_t end = table->depth + table->bits - 2u, i, ref;
	struct ebpf_lpm_table *small;
	struct quad quad;

	if (!ebpf_lpm_node_ask(lpm, table->items / 2 + 1))
		return 0;
	small = ebpf_lpm_table_take(lpm, table->head, table->depth,
				    table->bits - 2u, &ref);
	if (small == NULL)
		return 0;
	/* refs become fewer below, and what is left are own prefixes */
	small->items = table->items;
	for (i = 0; i <= table->mask; i += 4) {
		quad_of_entries(lpm, table, i, &quad);
		small->items -= quad_items(&quad);
		small->entries[i / 4].ref = fold(lpm, &quad, end);
		small->entries[i / 4].best = ebpf_lpm_shorter(
			lpm, table->entries[i].best, end - 1);
		small->items += small->entries[i / 4].ref != 0;
		small->multi += is_node(small->entries[i / 4].ref);
	}
	if (small->items > 1)
		return ref;
	/* all was in one place of it */
	i = only_one_in(small);
	ebpf_lpm_table_undo(lpm, ref);
	return i;
}

/* A reference to all that is in the table, which takes less; 0: as it is. */
static uint32_t
less(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_table *table)
{
	struct quad quad;

	if (table->items == 1)
		return only_one_in(table);
	if (table->bits > EBPF_LPM_BITS_MIN)
		return table->items < 1u << table->bits >> 5 ?
			       halve(lpm, table) : 0;
	if (table->items >= KEEP_ITEMS || table->multi > 1 ||
	    !ebpf_lpm_node_ask(lpm, 5))
		return 0;
	quad_of_table(lpm, table, &quad);
	return fold(lpm, &quad, table->depth);
}

void
ebpf_lpm_shrink(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot)
{
	uint32_t old = *slot.ref, ref;
	union ebpf_lpm_node *node = ebpf_lpm_node(lpm, old);

	ref = ebpf_lpm_is_table(old) ? less(lpm, &node->table) :
				       only_one(&node->narrow);
	if (ref == 0)
		return;
	/* who is in it still gets on from there */
	ebpf_lpm_put(slot, ref);
	if (ebpf_lpm_is_table(old))
		ebpf_lpm_table_give(lpm, old);
	else
		ebpf_lpm_node_give(lpm, old & EBPF_LPM_NUMBER);
}
