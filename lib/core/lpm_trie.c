/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Lookups and changes of the trie: see lpm_trie.h. */
#include "core/lpm_trie.h"

enum {
	BATCH = 8, /* numbers between a store and its pool */
};

bool
ebpf_lpm_covers_rest(const uint8_t *element, const uint8_t *data, uint32_t len)
{
	uint32_t i = 8, whole = len / 8, rest = len % 8, word;

	for (; i + 4 <= whole; i += 4)
		if (ebpf_lpm_stored(element, i) != ebpf_load32(data + i))
			return false;
	if (i * 8 == len)
		return true;
	/* at least one bit of these four bytes; stored ones end in zeros */
	word = ebpf_lpm_stored(element, i);
	element = (const uint8_t *)&word;
	for (; i < whole; i++)
		if (*element++ != data[i])
			return false;
	return rest == 0 || (*element ^ data[i]) >> (8 - rest) == 0;
}

/* A key shorter than the root's index can only have short prefixes. */
static __attribute__((__noinline__)) uint32_t
find_short(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_probe probe)
{
	uint32_t place = ebpf_lpm_place(&probe, lpm->root_bits), number;

	for (; place != 0; place >>= 1) {
		number = os_load_acquire(&lpm->shorts[place]);
		if (number != 0)
			return number;
	}
	return 0;
}

/* The longest prefix that ends in the node where the bits lead, 0: none. */
static inline uint32_t
own_longest(const struct ebpf_lpm_node *node, uint32_t bits, int32_t over)
{
	uint32_t number = 0;

	if (os_likely(over >= 2))
		number = os_load_acquire(&node->own[ebpf_lpm_own(bits, 2)]);
	if (number == 0 && os_likely(over >= 1))
		number = os_load_acquire(&node->own[ebpf_lpm_own(bits, 1)]);
	if (number == 0)
		number = os_load_acquire(&node->own[0]);
	return number;
}

/* Compares on the way down, and so knows where the key and the trie part. */
static __attribute__((__noinline__)) uint32_t
find_careful(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_probe by_value,
	     uint32_t ref, uint32_t best)
{
	const struct ebpf_lpm_probe *probe = &by_value;
	const struct ebpf_lpm_node *node;
	uint32_t bits, number, depth;
	int32_t over; /* how far the key reaches into the node */

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		depth = os_load(&node->depth);
		over = (int32_t)(probe->len - depth);
		if (over < 0)
			return best;
		bits = ebpf_lpm_bits(lpm, probe, depth);
		number = own_longest(node, bits, over);
		if (number != 0) {
			/* if it differs, so does all that is below */
			if (!ebpf_lpm_covers(lpm, number, probe))
				return best;
			best = number;
		}
		ref = os_load_acquire(&node->child[bits]);
	}
	if (ref != 0 && ebpf_lpm_covers(lpm, ref, probe))
		best = ref;
	return best;
}

/* a, or if that is 0 then b, without a branch that nobody can predict. */
static inline uint32_t
either(uint32_t a, uint32_t b)
{
	return a | (b & ((uint32_t)(a != 0) - 1));
}

/*
 * Of addresses of less than 64 bits: the last two on the way are compared at
 * once, and which of them it is costs no branch either. Element 0, which stands
 * for none, has no length and so is part of everything.
 */
static inline uint32_t
choose(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe,
       uint32_t ref, uint32_t last, uint32_t best, uint32_t data_bits,
       bool *careful)
{
	uint32_t ref_is = 0 - (uint32_t)ebpf_lpm_covers_less(lpm, ref, probe,
							      data_bits);
	uint32_t last_is = 0 - (uint32_t)ebpf_lpm_covers_less(lpm, last, probe,
							       data_bits);
	uint32_t number = ref & ref_is;

	*careful = (number | last_is) == 0;
	return either(number, either(last, best));
}

/*
 * Elements lie elsewhere in memory than nodes, so only the last one or two on
 * the way are compared: mostly these decide. data_bits: of the map, for some a
 * constant.
 */
static inline __attribute__((always_inline)) uint32_t
find_sized(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe,
	   uint32_t data_bits)
{
	const struct ebpf_lpm_entry *entry;
	const struct ebpf_lpm_node *node;
	uint32_t ref, best, bits, number, last = 0, from, depth;
	int32_t over;

	if (os_unlikely(probe->len < lpm->root_bits))
		return find_short(lpm, *probe);
	entry = &lpm->root[probe->head >> (64 - lpm->root_bits)];
	ref = from = os_load_acquire(&entry->ref);
	best = os_load_acquire(&entry->best);
	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		depth = os_load(&node->depth);
		over = (int32_t)(probe->len - depth);
		ref = 0;
		if (os_unlikely(over < 0))
			break;
		bits = ebpf_lpm_bits_sized(probe, depth, data_bits);
		if (os_likely(over >= 2)) {
			number = os_load_acquire(
				&node->own[ebpf_lpm_own(bits, 1)]);
			number = either(number, os_load_acquire(&node->own[0]));
			number = either(
				os_load_acquire(
					&node->own[ebpf_lpm_own(bits, 2)]),
				number);
		} else {
			number = own_longest(node, bits, over);
		}
		last = either(number, last);
		ref = os_load_acquire(&node->child[bits]);
	}
	if (data_bits < 64) {
		bool careful;

		number = choose(lpm, probe, ref, last, best, data_bits,
				&careful);
		return os_unlikely(careful) ?
			find_careful(lpm, *probe, from, best) : number;
	}
	if (ref != 0 && ebpf_lpm_covers_sized(lpm, ref, probe, data_bits))
		return ref;
	if (last == 0)
		return best;
	if (os_likely(ebpf_lpm_covers_sized(lpm, last, probe, data_bits)))
		return last;
	return find_careful(lpm, *probe, from, best);
}

/* Others got in the way: until they do not, or then without them. */
static __attribute__((__noinline__)) uint32_t
find_again(struct ebpf_map_lpm *lpm, struct ebpf_lpm_probe probe)
{
	uint32_t tries, changes, number;

	for (tries = 0; tries < EBPF_LPM_TRIES; tries++) {
		changes = os_load_acquire(&lpm->changes);
		number = find_sized(lpm, &probe, lpm->data_bits);
		if (ebpf_lpm_same(lpm, changes))
			return number;
	}
	os_spin_lock(&lpm->lock);
	number = find_sized(lpm, &probe, lpm->data_bits);
	os_spin_unlock(&lpm->lock);
	return number;
}

static inline __attribute__((always_inline)) void *
look_up(struct ebpf_map_lpm *lpm, const void *key, uint32_t data_bits)
{
	struct ebpf_lpm_probe probe = ebpf_lpm_probe_sized(key, data_bits);
	uint32_t changes = os_load_acquire(&lpm->changes), number;

	if (os_unlikely(probe.len > data_bits))
		return NULL;
	number = find_sized(lpm, &probe, data_bits);
	if (os_unlikely(!ebpf_lpm_same(lpm, changes)))
		number = find_again(lpm, probe);
	return number != 0 ? ebpf_lpm_value(lpm, number) : NULL;
}

void *
ebpf_lpm_lookup(struct ebpf_map *map, const void *key)
{
	struct ebpf_map_lpm *lpm = ebpf_lpm_of(map);

	return look_up(lpm, key, lpm->data_bits);
}

void *
ebpf_lpm_lookup_ipv4(struct ebpf_map *map, const void *key)
{
	return look_up(ebpf_lpm_of(map), key, 32);
}

/* ---- places ---- */

static uint32_t *
root_slot(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe)
{
	return &lpm->root[probe->head >> (64 - lpm->root_bits)].ref;
}

/* Where in the node a prefix that reaches it belongs. */
static uint32_t *
slot_in(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_node *node,
	const struct ebpf_lpm_probe *probe)
{
	uint32_t depth = os_load(&node->depth);
	uint32_t bits = ebpf_lpm_bits(lpm, probe, depth);
	uint32_t over = probe->len - depth;

	return over < 3 ? &node->own[ebpf_lpm_own(bits, over)] :
			  &node->child[bits];
}

uint32_t
ebpf_lpm_find_exact(const struct ebpf_map_lpm *lpm,
		    const struct ebpf_lpm_probe *probe)
{
	struct ebpf_lpm_node *node;
	uint32_t ref;

	if (probe->len < lpm->root_bits)
		return os_load_acquire(
			&lpm->shorts[ebpf_lpm_place(probe, lpm->root_bits)]);
	ref = os_load_acquire(root_slot(lpm, probe));
	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		if (probe->len < os_load(&node->depth))
			return 0;
		ref = os_load_acquire(slot_in(lpm, node, probe));
	}
	if (ref == 0 || ebpf_lpm_len(lpm, ref) != probe->len ||
	    !ebpf_lpm_covers(lpm, ref, probe))
		return 0;
	return ref;
}

static struct ebpf_lpm_probe
probe_of(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return ebpf_lpm_probe(lpm, ebpf_lpm_element(lpm, number));
}

/* ---- numbers ---- */

uint32_t
ebpf_lpm_take(struct ebpf_map_lpm *lpm, struct ebpf_lpm_store *store)
{
	struct ebpf_hash_hand *hand = &store->at_hand;
	uint32_t number;

	if (hand->free.first == 0)
		ebpf_hash_pool_refill(store->pool, hand, BATCH);
	number = ebpf_hash_list_pop(&hand->free, store->meta);
	if (os_likely(number != 0))
		return number;
	/* what waits here must not be what everybody waits for */
	if (hand->removed.first != 0)
		ebpf_hash_pool_return(store->pool, hand);
	/* in front of the pool's lock, and so of all that is written to it */
	os_store_release(&lpm->changes, lpm->changes + 1);
	return ebpf_hash_pool_hurry(store->pool);
}

void
ebpf_lpm_give(struct ebpf_lpm_store *store, uint32_t number)
{
	ebpf_hash_list_push(&store->at_hand.removed, store->meta, number);
	if (store->at_hand.removed.count >= BATCH)
		ebpf_hash_pool_return(store->pool, &store->at_hand);
}

/* ---- short prefixes ---- */

/* Entries of the prefix whose best is `old`, or shorter, get another. */
static void
short_spread(struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe,
	     uint32_t old, uint32_t number)
{
	uint32_t shift = lpm->root_bits - probe->len;
	uint32_t place = ebpf_lpm_place(probe, lpm->root_bits);
	uint32_t at = (place - (1u << probe->len)) << shift;
	uint32_t end = at + (1u << shift), best;

	for (; at < end; at++) {
		best = lpm->root[at].best;
		if (best == old ||
		    (old == 0 && ebpf_lpm_len(lpm, best) < probe->len))
			os_store_release(&lpm->root[at].best, number);
	}
}

/* ---- changes ---- */

/* Some element below: all that are agree as far as the node's depth. */
static uint32_t
any_below(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	const struct ebpf_lpm_node *node;
	uint32_t i;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		for (i = 0; i < 7; i++)
			if (node->own[i] != 0)
				return node->own[i];
		for (i = 0; node->child[i] == 0; i++)
			;
		ref = node->child[i];
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
 * How far the prefix agrees with what is on its way: a node that is deeper is
 * not for it.
 */
static uint32_t
agrees(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe)
{
	uint32_t ref = *root_slot(lpm, probe), next;
	struct ebpf_lpm_probe other;
	struct ebpf_lpm_node *node;

	if (ref == 0)
		return probe->len;
	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		next = probe->len < node->depth ? 0 :
						  *slot_in(lpm, node, probe);
		if (next == 0)
			ref = any_below(lpm, ref);
		else
			ref = next;
	}
	other = probe_of(lpm, ref);
	return common(lpm, probe, &other);
}

/* Some reader may still be in it, from before. */
static void
clear_node(struct ebpf_lpm_node *node, uint32_t depth)
{
	uint32_t i;

	for (i = 0; i < 8; i++)
		os_store_release(&node->child[i], 0);
	for (i = 0; i < 7; i++)
		os_store_release(&node->own[i], 0);
	os_store_release(&node->depth, depth);
}

void
ebpf_lpm_link(struct ebpf_map_lpm *lpm, uint32_t number)
{
	struct ebpf_lpm_probe probe = probe_of(lpm, number), other;
	uint32_t *slot, *beside, agree, fresh, place;
	struct ebpf_lpm_node *node;

	if (probe.len < lpm->root_bits) {
		place = ebpf_lpm_place(&probe, lpm->root_bits);
		os_store_release(&lpm->shorts[place], number);
		short_spread(lpm, &probe, 0, number);
		return;
	}
	agree = agrees(lpm, &probe);
	slot = root_slot(lpm, &probe);
	while ((*slot & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, *slot);
		if (node->depth > agree)
			break;
		slot = slot_in(lpm, node, &probe);
	}
	if (*slot == 0) {
		os_store_release(slot, number);
		return;
	}

	/* a node above what is there, for both */
	fresh = ebpf_lpm_take(lpm, &lpm->node_store);
	node = &lpm->nodes[fresh];
	clear_node(node, agree - (agree - lpm->root_bits) % 3);
	other = probe_of(lpm, any_below(lpm, *slot));
	if ((*slot & EBPF_LPM_NODE) != 0)
		beside = &node->child[ebpf_lpm_bits(lpm, &other, node->depth)];
	else
		beside = slot_in(lpm, node, &other);
	os_store_release(beside, *slot);
	os_store_release(slot_in(lpm, node, &probe), number);
	os_store_release(slot, fresh | EBPF_LPM_NODE);
}

void
ebpf_lpm_replace(struct ebpf_map_lpm *lpm, uint32_t old, uint32_t number)
{
	struct ebpf_lpm_probe probe = probe_of(lpm, number);
	uint32_t *slot, place;

	if (probe.len < lpm->root_bits) {
		place = ebpf_lpm_place(&probe, lpm->root_bits);
		os_store_release(&lpm->shorts[place], number);
		short_spread(lpm, &probe, old, number);
		return;
	}
	slot = root_slot(lpm, &probe);
	while ((*slot & EBPF_LPM_NODE) != 0)
		slot = slot_in(lpm, ebpf_lpm_node(lpm, *slot), &probe);
	os_store_release(slot, number);
}

/* The node's only reference, 0: it has more. */
static uint32_t
only_one(const struct ebpf_lpm_node *node)
{
	uint32_t one = 0, i, ref;

	for (i = 0; i < 15; i++) {
		ref = i < 8 ? node->child[i] : node->own[i - 8];
		if (ref == 0)
			continue;
		if (one != 0)
			return 0;
		one = ref;
	}
	return one;
}

void
ebpf_lpm_unlink(struct ebpf_map_lpm *lpm, uint32_t number)
{
	struct ebpf_lpm_probe probe = probe_of(lpm, number);
	struct ebpf_lpm_node *node = NULL;
	uint32_t *slot, *parent = NULL, place, other = 0;

	if (probe.len < lpm->root_bits) {
		place = ebpf_lpm_place(&probe, lpm->root_bits);
		os_store_release(&lpm->shorts[place], 0);
		while (other == 0 && (place >>= 1) != 0)
			other = lpm->shorts[place];
		short_spread(lpm, &probe, number, other);
		return;
	}
	slot = root_slot(lpm, &probe);
	while ((*slot & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, *slot);
		parent = slot;
		slot = slot_in(lpm, node, &probe);
	}
	os_store_release(slot, 0);
	if (node == NULL)
		return;
	/* who is in the node still gets on from there */
	other = only_one(node);
	if (other != 0) {
		place = *parent & ~EBPF_LPM_NODE;
		os_store_release(parent, other);
		ebpf_lpm_give(&lpm->node_store, place);
	}
}
