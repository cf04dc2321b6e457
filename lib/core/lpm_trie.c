/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Lookups and changes of the trie: see lpm_trie.h. */
#include "core/lpm_trie.h"

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

uint32_t
ebpf_lpm_index_behind(const struct ebpf_lpm_table *table, const uint8_t *data,
		      uint32_t data_bits)
{
	uint32_t byte = table->depth / 8, i, v = 0;

	for (i = 0; i < 3; i++)
		v = v << 8 | (byte + i < data_bits / 8 ? data[byte + i] : 0);
	return v >> (24 - table->depth % 8 - table->bits) & table->mask;
}

/* The longest prefix that ends in the node where the bits lead, 0: none. */
static uint32_t
own_longest(const struct ebpf_lpm_narrow *node, uint32_t two, uint32_t over)
{
	uint32_t number = 0;

	if (os_likely(over >= 1))
		number = os_load_acquire(&node->own[ebpf_lpm_own(two, 1)]);
	if (number == 0)
		number = os_load_acquire(&node->own[0]);
	return number;
}

/*
 * Compares on the way down, and so knows where the key and the trie part. Of
 * keys of any length.
 */
static __attribute__((__noinline__)) uint32_t
find_careful(const struct ebpf_map_lpm *lpm, struct ebpf_lpm_probe by_value)
{
	const struct ebpf_lpm_probe *probe = &by_value;
	const struct ebpf_lpm_entry *entry;
	const union ebpf_lpm_node *node;
	uint32_t ref = os_load_acquire(&lpm->root), best = 0;
	uint32_t two, number, depth, next;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		depth = ebpf_lpm_depth(lpm, ref);
		if (probe->len < depth)
			return best;
		if (ebpf_lpm_is_table(ref)) {
			entry = &node->table.entries[ebpf_lpm_index(
				&node->table, probe, lpm->data_bits)];
			number = ebpf_lpm_shorter(
				lpm, os_load_acquire(&entry->best), probe->len);
			next = probe->len < depth + node->table.bits ?
				       0 : os_load_acquire(&entry->ref);
		} else {
			two = ebpf_lpm_two(probe, depth, lpm->data_bits);
			number = own_longest(&node->narrow, two,
					     probe->len - depth);
			next = os_load_acquire(&node->narrow.child[two]);
		}
		if (number != 0) {
			/* if it differs, so does all that is below */
			if (!ebpf_lpm_covers(lpm, number, probe))
				return best;
			best = number;
		}
		ref = next;
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
 * A whole address, all of whose prefixes count, as lpm_trie.h says: elements lie
 * elsewhere in memory than nodes, so only what is found is compared, and what
 * tables say need not be. data_bits: of the map, for some a constant.
 */
static inline __attribute__((always_inline)) uint32_t
find_sized(const struct ebpf_map_lpm *lpm, const struct ebpf_lpm_probe *probe,
	   uint32_t data_bits)
{
	uint32_t ref = os_load_acquire(&lpm->root), last = 0, own = 0;
	const struct ebpf_lpm_entry *entry;
	const struct ebpf_lpm_table *table;
	const union ebpf_lpm_node *node;
	uint32_t two, number;
	uint64_t at;

	if (os_unlikely(probe->len != data_bits || ref == 0))
		return find_careful(lpm, *probe);
	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		if (os_likely(ebpf_lpm_is_table(ref))) {
			table = &node->table;
			if (data_bits > 64 && os_unlikely(table->shift > 63))
				return find_careful(lpm, *probe);
			at = (probe->head ^ table->head) >>
			     (table->shift & 63);
			if (os_unlikely(at > table->mask)) {
				ref = 0;
				break;
			}
			entry = &table->entries[at & table->mask];
			last = either(own, last);
			last = either(os_load_acquire(&entry->best), last);
			own = 0;
			ref = os_load_acquire(&entry->ref);
			continue;
		}
		two = ebpf_lpm_two(probe, os_load(&node->narrow.depth),
				   data_bits);
		number = either(
			os_load_acquire(
				&node->narrow.own[ebpf_lpm_own(two, 1)]),
			os_load_acquire(&node->narrow.own[0]));
		own = either(number, own);
		ref = os_load_acquire(&node->narrow.child[two]);
	}
	if (data_bits < 64) {
		/* whether there is one in a place nobody can predict */
		number = either(ref, ebpf_lpm_nobody(lpm));
		ref &= 0 - (uint32_t)ebpf_lpm_covers_less(lpm, number, probe,
							  data_bits);
		if (os_likely(own == 0))
			return either(ref, last);
	} else if (ref != 0 &&
		   !ebpf_lpm_covers_sized(lpm, ref, probe, data_bits)) {
		ref = 0;
	}
	if (ref != 0)
		return ref;
	if (own == 0)
		return last;
	if (os_likely(ebpf_lpm_covers_sized(lpm, own, probe, data_bits)))
		return own;
	return find_careful(lpm, *probe);
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

/* ---- exactly that prefix ---- */

uint32_t
ebpf_lpm_find_exact(const struct ebpf_map_lpm *lpm,
		    const struct ebpf_lpm_probe *probe)
{
	const struct ebpf_lpm_entry *entry;
	const union ebpf_lpm_node *node;
	uint32_t ref = os_load_acquire(&lpm->root), depth, two, over;

	while ((ref & EBPF_LPM_NODE) != 0) {
		node = ebpf_lpm_node(lpm, ref);
		depth = ebpf_lpm_depth(lpm, ref);
		if (probe->len < depth)
			return 0;
		over = probe->len - depth;
		if (ebpf_lpm_is_table(ref)) {
			entry = &node->table.entries[ebpf_lpm_index(
				&node->table, probe, lpm->data_bits)];
			ref = os_load_acquire(&entry->ref);
			if (over < node->table.bits)
				ref = ebpf_lpm_shorter(
					lpm, os_load_acquire(&entry->best),
					probe->len);
			if (over < node->table.bits)
				break;
			continue;
		}
		two = ebpf_lpm_two(probe, depth, lpm->data_bits);
		ref = os_load_acquire(
			over < 2 ? &node->narrow.own[ebpf_lpm_own(two, over)] :
				   &node->narrow.child[two]);
	}
	if (ref == 0 || ebpf_lpm_len(lpm, ref) != probe->len ||
	    !ebpf_lpm_covers(lpm, ref, probe))
		return 0;
	return ref;
}
