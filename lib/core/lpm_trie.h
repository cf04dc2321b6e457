/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The trie under lpm_trie maps. Readers take no lock: they run inside an epoch
 * section. Writers hold the map's one lock. Memory comes with the elements.
 *
 *   reference: 0, the number of an element that is alone below, or NODE and
 *	the number of a node; with TABLE as well that node describes a table.
 *	The map has one (root), for all that is in it.
 *   node: 32 bytes for two bits at depth: its own prefixes, which end at depth
 *	or depth + 1, and four references to longer ones.
 *   table: the same for 4 to 16 bits at depth, where there is enough for it:
 *	each entry has a reference to what is longer, and the longest of the
 *	table's own prefixes (best), which end before depth + bits. Each of
 *	these knows the next shorter one among them (parent), so that all are
 *	found from some entry.
 *   element: prefix length, address bytes as given, value. What it says never
 *	changes but for the value.
 *
 * Depths and bits are even, so no two of these overlap, and a table of two bits
 * more has in its entries what nodes had in their places. Nodes and tables have
 * two own prefixes or references at least, or else what is left takes their
 * place: so there are fewer of them than elements. Bits between one and the
 * next below are not looked at on the way down; comparing with the whole prefix
 * of what is found makes up for it. Tables are made, doubled twice, halved twice
 * and given up by writers on their way (lpm_table.c), each out of what was in
 * its place and in the two bits below; readers still find in the old one what
 * they would have found before.
 *
 * Numbers of elements and nodes are used again after a grace period. When there
 * is no memory, or more are waiting than may, one of them is handed on at once,
 * and the map counts that (changes) before it is written to: who was looking
 * meanwhile has gone astray, and starts anew. A program that holds the value
 * then sees another prefix's. What describes a table is never handed on so.
 *
 * A lookup of a whole address, which compiled programs may do by themselves
 * (others, and what is not decided here, go to the map's routine):
 *
 *	c = changes; ref = root; last = own = 0
 *	while ref has NODE:
 *		n = the record of number ref & NUMBER in `nodes`
 *		if ref has TABLE:
 *			i = (head ^ n.table.head) >> n.table.shift
 *			if i > n.table.mask: by the routine
 *			e = n.table.entries[i & n.table.mask]
 *			last = e.best or own or last; own = 0; ref = e.ref
 *		else:
 *			two = head << n.narrow.depth >> 62
 *			own = n.narrow.own[1 + (two >> 1)] or
 *			      n.narrow.own[0] or own
 *			ref = n.narrow.child[two]
 *	if ref is not 0 and its element's prefix covers the address: that
 *	else if own is 0: last, which does cover it, or none
 *	else if own's element does: that
 *	else by the routine; and so if changes is not c any more.
 *
 * head is the address's first 64 bits, first bit highest. For addresses of more
 * than that, shift may be SHIFT_NONE, and depth above 62, which are for the
 * routine. The mask is for who runs ahead of the comparison. What a table says
 * has been compared with all bits above it, what a node says has not. Each
 * reference, and `best`, is loaded with acquire before what it leads to, and so
 * before the store's table of chunks (chunks.h); the last look at changes comes
 * behind all other loads. `nodes` and `elements` have constant size, shift and,
 * if flat, place of their table's address; value_off is constant.
 *
 * For map_lpm.c; walks in order are in lpm_order.c.
 */
#ifndef CORE_LPM_TRIE_H
#define CORE_LPM_TRIE_H

#include "core/chunks.h"
#include "core/hash_key.h"
#include "core/map.h"

enum {
	EBPF_LPM_LEN = 4, /* bytes of the prefix length before the address */
	EBPF_LPM_DATA_MAX = 256,
	EBPF_LPM_BITS_MIN = 4, /* of a table */
	EBPF_LPM_BITS_MAX = 16,
	EBPF_LPM_SHIFT_NONE = 255,
	EBPF_LPM_KEY = 8, /* where in an element's record its key is */
};
#define EBPF_LPM_LIVE (1u << 31) /* of an element's stamp */
#define EBPF_LPM_NODE (1u << 31)
#define EBPF_LPM_TABLE (1u << 30)
#define EBPF_LPM_NUMBER (EBPF_LPM_TABLE - 1)

struct ebpf_lpm_entry {
	uint32_t ref;
	uint32_t best;
};

struct ebpf_lpm_table {
	/* constant until nobody reads it any more */
	struct ebpf_lpm_entry *entries; /* and one more, struct ebpf_lpm_rest */
	uint64_t head; /* of all below, as far as depth; then zeros */
	uint32_t mask; /* entries less 1 */
	uint16_t depth;
	uint8_t bits;
	uint8_t shift; /* 64 - depth - bits, or SHIFT_NONE */
	/* writers' */
	uint32_t items; /* references and own prefixes */
	uint32_t multi; /* references to nodes and tables */
};

/* Writers', and seldom. */
struct ebpf_lpm_rest {
	uint32_t tried; /* multi when it could not grow */
	uint32_t next;	/* of those that wait to be freed */
};

struct ebpf_lpm_narrow {
	uint32_t child[4];
	uint32_t own[3]; /* by heap place: 1 bit pattern of depth, 2 */
	uint32_t depth;
};

union ebpf_lpm_node {
	struct ebpf_lpm_narrow narrow;
	struct ebpf_lpm_table table;
};

struct ebpf_lpm_element {
	uint32_t live;	 /* LIVE and a stamp, or the next in a list */
	uint32_t parent; /* in a table: the next shorter of its own, 0: none */
	/* key, padded to 8 bytes, and value */
};

/* Elements or tables that wait for a grace period: first those of `begun`. */
struct ebpf_lpm_list {
	uint32_t first, last, count;
};
struct ebpf_lpm_leaving {
	struct ebpf_lpm_list begun, next;
	uint64_t epoch; /* that begun ones wait for */
};

struct ebpf_map_lpm {
	struct ebpf_map map;
	/* read-mostly */
	uint32_t root; /* a reference */
	uint32_t changes; /* numbers handed on before their grace was over */
	uint32_t data_bits;
	uint32_t value_off; /* in an element's record */
	struct ebpf_chunks elements, nodes;
	/* writers' */
	struct os_spin lock __attribute__((aligned(64)));
	uint32_t count;
	uint32_t stamp; /* of the last element that was put into the map */
	uint32_t element_end; /* atomic: from here on never handed out */
	uint32_t element_room; /* how many more ever may be */
	uint32_t element_waits_max;
	struct ebpf_lpm_list element_free;
	struct ebpf_lpm_leaving elements_leaving, tables_leaving;
	/*
	 * Nodes that are in no use: numbers from node_free up to node_waiting
	 * are free, to node_next begun to wait, to node_end wait for the next
	 * grace period; all by their place in a ring of as many as there are.
	 */
	uint32_t *ring;
	uint32_t ring_size, nodes_held, node_fresh, node_room;
	uint32_t node_free, node_waiting, node_next, node_end;
	uint64_t node_epoch;
	struct ebpf_lpm_larder *larder; /* of who has the lock */
};

static inline struct ebpf_map_lpm *
ebpf_lpm_of(struct ebpf_map *map)
{
	return os_container(map, struct ebpf_map_lpm, map);
}

/* A key on its way through an operation. */
struct ebpf_lpm_probe {
	uint64_t head; /* the first 64 bits, zeros behind a shorter address */
	const uint8_t *data;
	uint32_t len;
};

static inline uint64_t
ebpf_lpm_swap64(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(v);
#else
	return v;
#endif
}

static inline uint64_t
ebpf_lpm_swap32(uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(v);
#else
	return v;
#endif
}

/* Of an address with exactly that many bits of memory. */
static inline uint64_t
ebpf_lpm_head(const uint8_t *data, uint32_t data_bits)
{
	uint64_t head = 0;
	uint32_t i;

	if (data_bits == 32)
		return ebpf_lpm_swap32(ebpf_load32(data)) << 32;
	if (data_bits >= 64)
		return ebpf_lpm_swap64(ebpf_load64(data));
	for (i = 0; i < data_bits / 8; i++)
		head |= (uint64_t)data[i] << (56 - i * 8);
	return head;
}

static inline struct ebpf_lpm_probe
ebpf_lpm_probe_sized(const uint8_t *key, uint32_t data_bits)
{
	return (struct ebpf_lpm_probe){
		.head = ebpf_lpm_head(key + EBPF_LPM_LEN, data_bits),
		.data = key + EBPF_LPM_LEN,
		.len = ebpf_load32(key),
	};
}

static inline struct ebpf_lpm_probe
ebpf_lpm_probe(const struct ebpf_map_lpm *lpm, const void *key)
{
	return ebpf_lpm_probe_sized(key, lpm->data_bits);
}

/* Its record. */
static inline struct ebpf_lpm_element *
ebpf_lpm_record(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return ebpf_chunks_at(&lpm->elements, number);
}

/* Its key. */
static inline const uint8_t *
ebpf_lpm_element(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return (const uint8_t *)ebpf_lpm_record(lpm, number) + EBPF_LPM_KEY;
}

static inline void *
ebpf_lpm_value(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return (uint8_t *)ebpf_lpm_record(lpm, number) + lpm->value_off;
}

/* Four bytes of an element's key. */
static inline uint32_t
ebpf_lpm_stored(const uint8_t *element, uint32_t at)
{
	return os_load_acquire((const uint32_t *)(const void *)(element + at));
}

static inline uint32_t
ebpf_lpm_len(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return ebpf_lpm_stored(ebpf_lpm_element(lpm, number), 0);
}

/* Of an element, whose address is padded with zeros to 4 or 12 bytes. */
static inline uint64_t
ebpf_lpm_stored_head(const uint8_t *element, uint32_t data_bits)
{
	uint64_t head = ebpf_lpm_swap32(
				ebpf_lpm_stored(element, EBPF_LPM_LEN)) << 32;

	if (data_bits > 32)
		head |= ebpf_lpm_swap32(
			ebpf_lpm_stored(element, EBPF_LPM_LEN + 4));
	return head;
}

/* Has no number been handed on at once since there were that many? */
static inline bool
ebpf_lpm_same(const struct ebpf_map_lpm *lpm, uint32_t changes)
{
	return os_likely(os_load_acquire(&lpm->changes) == changes);
}

static inline union ebpf_lpm_node *
ebpf_lpm_node(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	return ebpf_chunks_at(&lpm->nodes, ref & EBPF_LPM_NUMBER);
}

static inline bool
ebpf_lpm_is_table(uint32_t ref)
{
	return (ref & EBPF_LPM_TABLE) != 0;
}

/* Two bits of an address, of those before its end. */
static inline uint32_t
ebpf_lpm_two(const struct ebpf_lpm_probe *probe, uint32_t at,
	     uint32_t data_bits)
{
	if (data_bits <= 64 || os_likely(at <= 62))
		return (uint32_t)(probe->head << (at & 63) >> 62);
	return probe->data[at / 8] >> (6 - at % 8) & 3;
}

/* Those that index a table, whatever the prefix's length. */
uint32_t ebpf_lpm_index_behind(const struct ebpf_lpm_table *table,
			       const uint8_t *data, uint32_t data_bits);

static inline uint32_t
ebpf_lpm_index(const struct ebpf_lpm_table *table,
	       const struct ebpf_lpm_probe *probe, uint32_t data_bits)
{
	if (data_bits <= 64 || os_likely(table->shift <= 63))
		return (uint32_t)(probe->head >> (table->shift & 63)) &
		       table->mask;
	return ebpf_lpm_index_behind(table, probe->data, data_bits);
}

static inline struct ebpf_lpm_rest *
ebpf_lpm_rest(const struct ebpf_lpm_table *table)
{
	return (struct ebpf_lpm_rest *)&table->entries[table->mask + 1];
}

/* Where the node's or table's bits begin. */
static inline uint32_t
ebpf_lpm_depth(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	const union ebpf_lpm_node *node = ebpf_lpm_node(lpm, ref);

	return ebpf_lpm_is_table(ref) ? node->table.depth :
					os_load(&node->narrow.depth);
}

/* Where own has a prefix that ends in the node. */
static inline uint32_t
ebpf_lpm_own(uint32_t two, uint32_t over)
{
	return over == 0 ? 0 : 1 + (two >> 1);
}

/* Of a table's own prefix. */
static inline uint32_t
ebpf_lpm_parent(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return os_load_acquire(&ebpf_lpm_record(lpm, number)->parent);
}

/* The longest of a table's that is no longer than that, from this one on. */
static inline uint32_t
ebpf_lpm_shorter(const struct ebpf_map_lpm *lpm, uint32_t number, uint32_t len)
{
	while (number != 0 && ebpf_lpm_len(lpm, number) > len)
		number = ebpf_lpm_parent(lpm, number);
	return number;
}

/* The prefixes of more than 64 bits agree behind these. */
bool ebpf_lpm_covers_rest(const uint8_t *element, const uint8_t *data,
			  uint32_t len);

/* Is it one of the probe's? Of maps whose addresses have less than 64 bits. */
static inline bool
ebpf_lpm_covers_less(const struct ebpf_map_lpm *lpm, uint32_t number,
		     const struct ebpf_lpm_probe *probe, uint32_t data_bits)
{
	const uint8_t *element = ebpf_lpm_element(lpm, number);
	uint32_t len = ebpf_lpm_stored(element, 0);
	uint64_t head = ebpf_lpm_stored_head(element, data_bits);

	return ((head ^ probe->head) >> 1 >> (63 - len) == 0) &
	       (len <= probe->len);
}

/* Is the element's prefix one of the probe's? */
static inline bool
ebpf_lpm_covers_sized(const struct ebpf_map_lpm *lpm, uint32_t number,
		      const struct ebpf_lpm_probe *probe, uint32_t data_bits)
{
	const uint8_t *element = ebpf_lpm_element(lpm, number);
	uint32_t len = ebpf_lpm_stored(element, 0);
	uint64_t head;

	if (os_unlikely(len > probe->len))
		return false;
	head = ebpf_lpm_stored_head(element, data_bits) ^ probe->head;
	if (data_bits <= 64 || os_likely(len <= 64))
		return len == 0 || head >> (64 - len) == 0;
	return head == 0 &&
	       ebpf_lpm_covers_rest(element + EBPF_LPM_LEN, probe->data, len);
}

static inline bool
ebpf_lpm_covers(const struct ebpf_map_lpm *lpm, uint32_t number,
		const struct ebpf_lpm_probe *probe)
{
	return ebpf_lpm_covers_sized(lpm, number, probe, lpm->data_bits);
}

/* Where a look ends that others get in the way of. */
enum {
	EBPF_LPM_TRIES = 8, /* then with the lock */
};

/* The longest stored prefix's value, in a section; the other for IPv4 keys. */
void *ebpf_lpm_lookup(struct ebpf_map *map, const void *key);
void *ebpf_lpm_lookup_ipv4(struct ebpf_map *map, const void *key);
/* That very prefix, 0: not there. In a section or with the lock. */
uint32_t ebpf_lpm_find_exact(const struct ebpf_map_lpm *lpm,
			     const struct ebpf_lpm_probe *probe);

/*
 * lpm_change.c, with the lock. Link a filled element whose prefix is not there:
 * ENOMEM, and nothing has changed. Or in place of `old`, which has the same
 * prefix. Unlink one that is there.
 */
int ebpf_lpm_link(struct ebpf_map_lpm *lpm, uint32_t number);
void ebpf_lpm_replace(struct ebpf_map_lpm *lpm, uint32_t old, uint32_t number);
void ebpf_lpm_unlink(struct ebpf_map_lpm *lpm, uint32_t number);
/*
 * What link or, with `less`, unlink of that prefix has left undone for want of
 * memory.
 */
void ebpf_lpm_fit(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe,
		  bool less);
/* Some element below a reference: all agree as far as its depth. */
uint32_t ebpf_lpm_any_below(const struct ebpf_map_lpm *lpm, uint32_t ref);

/* ---- lpm_own.c, with the lock: a table's own prefixes ---- */

void ebpf_lpm_own_add(struct ebpf_map_lpm *lpm, struct ebpf_lpm_table *table,
		      const struct ebpf_lpm_probe *probe, uint32_t number);
void ebpf_lpm_own_replace(struct ebpf_map_lpm *lpm,
			  struct ebpf_lpm_table *table,
			  const struct ebpf_lpm_probe *probe, uint32_t old,
			  uint32_t number);
void ebpf_lpm_own_remove(struct ebpf_map_lpm *lpm,
			 struct ebpf_lpm_table *table,
			 const struct ebpf_lpm_probe *probe, uint32_t number);

static inline void
ebpf_lpm_set_parent(const struct ebpf_map_lpm *lpm, uint32_t number,
		    uint32_t parent)
{
	os_store_release(&ebpf_lpm_record(lpm, number)->parent, parent);
}

/* ---- lpm_larder.c ---- */

/*
 * What a change lacks is noted down with the lock, got without it, and then the
 * change goes on. So it is with large tables, for the sake of others who want
 * the lock; and with all, if a home has no memory while one is held.
 */
enum { EBPF_LPM_LARDER = 5 };

struct ebpf_lpm_larder {
	/* no more is to be had: what waits for its grace is handed on at once,
	   and what can be done without is not done */
	bool closed;
	bool element;	/* wanted */
	uint32_t nodes; /* wanted: so many to be free */
	uint32_t rounds, wants, count;
	uint8_t want[EBPF_LPM_LARDER], bits[EBPF_LPM_LARDER]; /* of tables */
	struct ebpf_lpm_entry *entries[EBPF_LPM_LARDER]; /* charged */
	void *gone; /* to be freed, each begins with where the next is */
};

static inline void
ebpf_lpm_larder_begin(struct ebpf_lpm_larder *larder)
{
	larder->closed = larder->element = false;
	larder->nodes = larder->rounds = larder->wants = larder->count = 0;
	larder->gone = NULL;
}

/*
 * Without the lock, behind a part of the change. True: something was wanted, and
 * is there now, or the larder is closed; the change goes on. False: that was all.
 */
bool ebpf_lpm_larder_more(struct ebpf_map_lpm *lpm,
			  struct ebpf_lpm_larder *larder);
void ebpf_lpm_larder_end(struct ebpf_map_lpm *lpm,
			 struct ebpf_lpm_larder *larder);
/*
 * With the lock: entries for a table of that many bits, zeros. NULL: there are
 * none, and unless it is closed they are wanted. Or back they go.
 */
struct ebpf_lpm_entry *ebpf_lpm_larder_take(struct ebpf_map_lpm *lpm,
					    uint32_t bits);
void ebpf_lpm_larder_give(struct ebpf_map_lpm *lpm,
			  struct ebpf_lpm_entry *entries, uint32_t bits,
			  bool zero);
/* Nobody is in them: freed without the lock. */
void ebpf_lpm_larder_free(struct ebpf_map_lpm *lpm,
			  struct ebpf_lpm_entry *entries, uint32_t bits);

static inline uint64_t
ebpf_lpm_table_bytes(uint32_t bits)
{
	return (sizeof(struct ebpf_lpm_entry) << bits) +
	       sizeof(struct ebpf_lpm_rest);
}

/* ---- lpm_table.c, with the lock ---- */

/* A place for a reference, and the table of whose entries it may be one. */
struct ebpf_lpm_slot {
	uint32_t *ref;
	struct ebpf_lpm_table *table; /* NULL: none above */
};

/* All writes to places go through this: the table counts what it has. */
void ebpf_lpm_put(struct ebpf_lpm_slot slot, uint32_t ref);
/*
 * Something has been put below: make a table of the node in this place, or the
 * one that is there larger, if there is enough for it and memory.
 */
bool ebpf_lpm_widen(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot);
/* A node or table in this place has lost something. */
void ebpf_lpm_shrink(struct ebpf_map_lpm *lpm, struct ebpf_lpm_slot slot);

/* ---- lpm_store.c, with the lock ---- */

void ebpf_lpm_store_init(struct ebpf_map_lpm *lpm, uint32_t record_size);
void ebpf_lpm_store_fini(struct ebpf_map_lpm *lpm);
/* A number to use, 0: there is no memory; and its way back. */
uint32_t ebpf_lpm_element_take(struct ebpf_map_lpm *lpm);
void ebpf_lpm_element_give(struct ebpf_map_lpm *lpm, uint32_t number);
/* It was never linked: nobody need wait. */
void ebpf_lpm_element_undo(struct ebpf_map_lpm *lpm, uint32_t number);
uint32_t ebpf_lpm_node_take(struct ebpf_map_lpm *lpm);
void ebpf_lpm_node_give(struct ebpf_map_lpm *lpm, uint32_t number);
/* So many nodes can be taken next whose grace is over. */
bool ebpf_lpm_node_ask(struct ebpf_map_lpm *lpm, uint32_t count);
/* Without the lock: memory for an element; for so many nodes that are free. */
bool ebpf_lpm_element_more(struct ebpf_map_lpm *lpm);
bool ebpf_lpm_node_more(struct ebpf_map_lpm *lpm, uint32_t count);
/*
 * A table of zeros for prefixes that begin with head, its reference in *ref.
 * NULL: no memory.
 */
struct ebpf_lpm_table *ebpf_lpm_table_take(struct ebpf_map_lpm *lpm,
					   uint64_t head, uint32_t depth,
					   uint32_t bits, uint32_t *ref);
void ebpf_lpm_table_give(struct ebpf_map_lpm *lpm, uint32_t ref);
/* It was never linked: nobody need wait. */
void ebpf_lpm_table_undo(struct ebpf_map_lpm *lpm, uint32_t ref);
/* Tables whose grace is over go, when the larder ends. */
void ebpf_lpm_store_tidy(struct ebpf_map_lpm *lpm);
/* sleep, without the lock: what was given back before can be taken again. */
void ebpf_lpm_store_settle(struct ebpf_map_lpm *lpm);

/* The element that stands for none: it has no length, so all begin with it. */
static inline uint32_t
ebpf_lpm_nobody(const struct ebpf_map_lpm *lpm)
{
	return ebpf_chunks_first(&lpm->elements);
}

/*
 * lpm_order.c: the element that follows the probe's in order, 0: none; with
 * NULL, or when the probe's is not there, the first. Longer prefixes come
 * before the shorter ones that they are part of, otherwise by their bits. In a
 * section; true if changes say so.
 */
uint32_t ebpf_lpm_next(const struct ebpf_map_lpm *lpm,
		       const struct ebpf_lpm_probe *probe);

#endif
