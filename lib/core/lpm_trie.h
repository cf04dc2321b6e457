/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The trie under lpm_trie maps. Readers take no lock: they run inside an epoch
 * section. Writers hold the map's one lock. All memory is there from the start.
 *
 *   root: a table indexed by the first root_bits of an address. An entry has
 *	the longest prefix that is shorter than that (best) and a reference to
 *	the longer ones (ref); the short ones also stand in a heap (shorts), by
 *	length and bits.
 *   node: one cache line for three bits at depth: its own prefixes, which end
 *	at depth, depth + 1 or depth + 2, and eight references to longer ones.
 *	Depths are root_bits plus a multiple of three. Bits between a node and
 *	its child are not looked at on the way down; comparing with the whole
 *	prefix of what is found makes up for it.
 *   reference: 0, the number of an element that is alone below, or NODE and
 *	the number of a node. A node has at least two references, or else it
 *	goes and its parent refers to what is left: so there are fewer nodes
 *	than elements.
 *   element: prefix length, address bytes as given, value. What it says never
 *	changes but for the value; numbers are used again after a grace period
 *	(hash_pool.h), as are those of nodes. When all spare ones are waiting,
 *	one is handed on at once, and the map counts that (changes) before it
 *	is written to: who was looking meanwhile has gone astray, and starts
 *	anew. A program that holds the value then sees another prefix's.
 *
 * For map_lpm.c; walks in order are in lpm_order.c.
 */
#ifndef CORE_LPM_TRIE_H
#define CORE_LPM_TRIE_H

#include "core/hash_key.h"
#include "core/hash_pool.h"
#include "core/map.h"

enum {
	EBPF_LPM_LEN = 4, /* bytes of the prefix length before the address */
	EBPF_LPM_DATA_MAX = 256,
	EBPF_LPM_ROOT_MIN = 4, /* bits */
	EBPF_LPM_ROOT_MAX = 16,
};
#define EBPF_LPM_NODE (1u << 31)

struct ebpf_lpm_entry {
	uint32_t ref;
	uint32_t best;
};

struct ebpf_lpm_node {
	uint32_t child[8];
	uint32_t own[7]; /* by heap place: 1 bit pattern of depth, 2, 4 */
	uint32_t depth;
} __attribute__((aligned(64)));

/* Numbers from a pool, those at hand and those on their way back. */
struct ebpf_lpm_store {
	struct ebpf_hash_meta *meta;
	struct ebpf_hash_pool *pool;
	struct ebpf_hash_hand at_hand; /* its lock is not used */
};

struct ebpf_map_lpm {
	struct ebpf_map map;
	/* read-mostly */
	struct ebpf_lpm_entry *root;
	struct ebpf_lpm_node *nodes;
	uint8_t *elements;
	size_t element_size;
	uint32_t value_off;
	uint32_t root_bits;
	uint32_t data_bits;
	uint32_t *shorts; /* place 1 << length | bits */
	uint32_t changes; /* numbers handed on before their grace was over */
	/* writers' */
	struct os_spin lock __attribute__((aligned(64)));
	uint32_t count;
	struct ebpf_lpm_store element_store, node_store;
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

static inline const uint8_t *
ebpf_lpm_element(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return lpm->elements + (size_t)number * lpm->element_size;
}

static inline void *
ebpf_lpm_value(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return lpm->elements + (size_t)number * lpm->element_size +
	       lpm->value_off;
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

static inline struct ebpf_lpm_node *
ebpf_lpm_node(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	return &lpm->nodes[ref & ~EBPF_LPM_NODE];
}

/* In the heap of short prefixes; the root's entries are behind its end. */
static inline uint32_t
ebpf_lpm_place(const struct ebpf_lpm_probe *probe, uint32_t root_bits)
{
	uint32_t len = probe->len < root_bits ? probe->len : root_bits;

	return len == 0 ? 1 : 1u << len | (uint32_t)(probe->head >> (64 - len));
}

/* Three bits of an address, zeros where it ends. */
static inline uint32_t
ebpf_lpm_bits_sized(const struct ebpf_lpm_probe *probe, uint32_t at,
		    uint32_t data_bits)
{
	uint32_t byte = at / 8, two;

	if (data_bits <= 61 || os_likely(at <= 61))
		return (uint32_t)(probe->head << at >> 61);
	two = (uint32_t)probe->data[byte] << 8;
	if (byte + 1 < data_bits / 8)
		two |= probe->data[byte + 1];
	return two >> (13 - at % 8) & 7;
}

static inline uint32_t
ebpf_lpm_bits(const struct ebpf_map_lpm *lpm,
	      const struct ebpf_lpm_probe *probe, uint32_t at)
{
	return ebpf_lpm_bits_sized(probe, at, lpm->data_bits);
}

/* Where a prefix of that length, ending in the node, has its place in own. */
static inline uint32_t
ebpf_lpm_own(uint32_t bits, uint32_t over)
{
	return (1u << over | bits >> (3 - over)) - 1;
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
 * With the lock. Link a filled element whose prefix is not there. Or in place of `old`, which has the same prefix, and never
 * fails. Unlink one that is there.
 */
void ebpf_lpm_link(struct ebpf_map_lpm *lpm, uint32_t number);
void ebpf_lpm_replace(struct ebpf_map_lpm *lpm, uint32_t old, uint32_t number);
void ebpf_lpm_unlink(struct ebpf_map_lpm *lpm, uint32_t number);

/*
 * With the lock: a number to use; and its way back. There is one for an element
 * more than max_entries, and a node for each.
 */
uint32_t ebpf_lpm_take(struct ebpf_map_lpm *lpm, struct ebpf_lpm_store *store);
void ebpf_lpm_give(struct ebpf_lpm_store *store, uint32_t number);

/*
 * lpm_order.c: the element that follows the probe's in order, 0: none; with
 * NULL, or when the probe's is not there, the first. Longer prefixes come
 * before the shorter ones that they are part of, otherwise by their bits. In a
 * section; true if changes say so.
 */
uint32_t ebpf_lpm_next(const struct ebpf_map_lpm *lpm,
		       const struct ebpf_lpm_probe *probe);

#endif
