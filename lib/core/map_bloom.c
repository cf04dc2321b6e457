/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Bloom filters: a set of values that can only grow and be asked. Peeking a
 * value that was pushed finds it, always; one that was not is found rarely,
 * as long as no more than max_entries were pushed. No locks: bits are only
 * ever set.
 */
#include "core/hash_key.h"
#include "core/map.h"

enum {
	HASHES_DEFAULT = 5,
	HASHES_MAX = 15,
	VALUE_MAX = 4 << 20,
};

struct bloom {
	struct ebpf_map map;
	uint64_t *words;
	uint64_t bit_mask;
	uint64_t seed[3];
	uint32_t hashes;
};

static struct bloom *
bloom_of(struct ebpf_map *map)
{
	return os_container(map, struct bloom, map);
}

/*
 * Bits for that many values with that many hashes each: entries * hashes / ln 2
 * is best, rounded up to a power of two so that a mask finds a place.
 */
static uint64_t
bits_for(const struct ebpf_map_spec *spec)
{
	uint64_t hashes = spec->map_extra != 0 ? spec->map_extra :
						 HASHES_DEFAULT;
	uint64_t wanted = spec->max_entries * hashes / 5 * 7, bits = 64;

	while (bits < wanted && bits < 1ull << 32)
		bits *= 2;
	return bits;
}

/* Two hashes of the value; the others are sums of these. */
static uint64_t
hash_value(const struct bloom *bloom, const uint8_t *value)
{
	uint32_t size = bloom->map.value_size;

	if (size <= 16)
		return ebpf_hash_short(bloom->seed,
				       ebpf_key_short(value, size), size);
	return ebpf_hash_long(bloom->seed, value, size, false);
}

static uint64_t
place(const struct bloom *bloom, uint64_t hash, uint32_t i)
{
	uint64_t step = ebpf_hash_mix(hash ^ bloom->seed[2],
				      0x9e3779b97f4a7c15ull);

	return (hash + i * (step | 1)) & bloom->bit_mask;
}

static int
bloom_push(struct ebpf_map *map, const void *value, uint64_t flags)
{
	struct bloom *bloom = bloom_of(map);
	uint64_t hash, at, bit, old;
	uint32_t i;

	if (flags != EBPF_ANY)
		return -EBPF_EINVAL;
	hash = hash_value(bloom, value);
	for (i = 0; i < bloom->hashes; i++) {
		at = place(bloom, hash, i);
		bit = 1ull << at % 64;
		old = os_load(&bloom->words[at / 64]);
		while ((old & bit) == 0 &&
		       !os_cas(&bloom->words[at / 64], &old, old | bit))
			;
	}
	return 0;
}

static int
bloom_peek(struct ebpf_map *map, void *value)
{
	struct bloom *bloom = bloom_of(map);
	uint64_t hash = hash_value(bloom, value), at;
	uint32_t i;

	for (i = 0; i < bloom->hashes; i++) {
		at = place(bloom, hash, i);
		if ((os_load(&bloom->words[at / 64]) >> at % 64 & 1) == 0)
			return -EBPF_ENOENT;
	}
	return 0;
}

static int
bloom_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	if (spec->value_size > VALUE_MAX)
		return -EBPF_E2BIG;
	if (spec->key_size != 0 || spec->value_size == 0 ||
	    spec->max_entries == 0 || spec->map_extra > HASHES_MAX)
		return -EBPF_EINVAL;
	*bytes = bits_for(spec) / 8;
	return 0;
}

static uint64_t
random64(void)
{
	uint64_t high = os_random_u32();

	return high << 32 | os_random_u32();
}

static int
bloom_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct bloom *bloom = bloom_of(map);
	uint64_t bits = bits_for(spec);
	uint32_t i;

	bloom->hashes = spec->map_extra != 0 ? (uint32_t)spec->map_extra :
					       HASHES_DEFAULT;
	bloom->bit_mask = bits - 1;
	for (i = 0; i < 3; i++)
		bloom->seed[i] = (spec->flags & EBPF_F_ZERO_SEED) != 0 ?
			0x9e3779b97f4a7c15ull * (i + 1) : random64();
	bloom->words = os_alloc(bits / 8);
	return bloom->words == NULL ? -EBPF_ENOMEM : 0;
}

static void
bloom_fini(struct ebpf_map *map)
{
	os_free(bloom_of(map)->words);
}

const struct ebpf_map_ops ebpf_map_bloom_filter_ops = {
	.kind = EBPF_MAP_BLOOM_FILTER,
	.flags_allowed = EBPF_F_RDONLY | EBPF_F_WRONLY | EBPF_F_ZERO_SEED |
			 EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG |
			 EBPF_F_NUMA_NODE,
	.asks_value = true,
	.struct_size = sizeof(struct bloom),
	.check = bloom_check,
	.init = bloom_init,
	.fini = bloom_fini,
	.push = bloom_push,
	.peek = bloom_peek,
};
