/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * arm64: the lookup of one hash map, as in x86_hash.c. Used by arm64_lookup.c,
 * which says what it is part of.
 */
#include "core/jit/arm64_enc.h"
#include "core/jit/jit_lookup.h"

enum {
	KEY_A = A_T0, KEY_B = A_T1, HASH = A_T2, TMP = A_T3,
	NUMBER = 13, BUCKET = 14, AT = 15,
	SLOT = 2, CHANGES = 3,
};

#define UMULH 0x9bc07c00u
#define PRFM 0xf9800000u /* for loading, into the nearest cache */
#define CSEL_LO 0x9a803000u
#define LDR64_INDEX 0xf8607800u /* [xn, xm, lsl #3] */

/* ebpf_key_short, but that the parts of 6 bytes are two */
static void
load_key(struct arm64 *a, uint32_t size)
{
	arm64_access(a, A_LOAD, size < 8 ? 32 : 64, KEY_A, 1, 0);
	if (size == 6)
		arm64_access(a, A_LOAD, 16, KEY_B, 1, 4);
	else if (size > 8)
		arm64_access(a, A_LOAD, size < 16 ? 32 : 64, KEY_B, 1, 8);
}

/* HASH = mix(HASH, TMP); ebpf_hash_mix */
static void
mix(struct arm64 *a)
{
	arm64_rrr(a, A_MUL | A_X, AT, HASH, TMP);
	arm64_rrr(a, UMULH, HASH, HASH, TMP);
	arm64_rrr(a, A_EOR | A_X, HASH, HASH, AT);
}

/* HASH and BUCKET, of the key; ebpf_hash_short */
static void
hash_key(struct arm64 *a, const struct ebpf_map_hash *table)
{
	uint32_t size = table->map.key_size;

	load_key(a, size);
	arm64_const(a, HASH, table->seed[0]);
	arm64_rrr(a, A_EOR | A_X, HASH, HASH, KEY_A);
	arm64_const(a, TMP, table->seed[1]);
	if (size == 6 || size > 8)
		arm64_rrr(a, A_EOR | A_X, TMP, TMP, KEY_B);
	mix(a);
	if (size == 6) /* from here on in one */
		arm64_rrr(a, A_ORR | A_X | 32 << 10, KEY_A, KEY_A, KEY_B);
	arm64_const(a, TMP, EBPF_HASH_FACTOR);
	mix(a);
	arm64_logic_imm(a, A_AND_IMM, A_X, NUMBER, HASH, table->bucket_bits);
	if (table->home_step != 0) { /* most are at home; ask for that, too */
		arm64_bitfield(a, A_UBFM, A_X, SLOT, NUMBER, EBPF_HASH_SHIFT,
			       63); /* lsr */
		arm64_place(a, AT, table->homes, SLOT, table->home_step);
		arm64_put(a, PRFM | AT << 5);
		if (size > 8)
			arm64_put(a, PRFM | 64 / 8 << 10 | AT << 5);
	}
	arm64_address(a, BUCKET, table->buckets);
	arm64_rrr(a, A_ADD | A_X |
		     (uint32_t)(table->bucket_shift - EBPF_HASH_SHIFT) << 10,
		  BUCKET, BUCKET, NUMBER);
}

/*
 * SLOT = that of the first element with that tag (ebpf_hash_tag,
 * ebpf_hash_match), NUMBER = its number, if it has one there; for long keys
 * CHANGES = what the bucket has lost so far. What jumps away when there is none.
 */
static uint32_t
find_tag(struct arm64 *a, const struct ebpf_map_hash *table)
{
	uint32_t none;

	if (table->map.key_size > 8) {
		arm64_add_imm(a, A_X, AT, BUCKET,
			      offsetof(struct ebpf_hash_bucket, changes));
		arm64_put(a, A_LDAR32 | AT << 5 | CHANGES);
	}
	arm64_bitfield(a, A_UBFM, A_X, NUMBER, HASH, 57, 63); /* lsr */
	arm64_cmp_imm(a, A_X, NUMBER, 0);
	/* csinc NUMBER, NUMBER, xzr, ne */
	arm64_put(a, 0x9a800400 | A_ZR << 16 | A_NE << 12 | NUMBER << 5 |
			     NUMBER);
	arm64_logic_imm(a, A_ORR_IMM, A_X, AT, A_ZR, EBPF_HASH_ONES);
	arm64_rrr(a, A_MUL | A_X, NUMBER, NUMBER, AT);
	arm64_logic_imm(a, A_ORR_IMM, A_X, TMP, A_ZR, EBPF_HASH_LOWS);
	arm64_put(a, A_LDAR64 | BUCKET << 5 | AT); /* tags come first */
	arm64_rrr(a, A_EOR | A_X, AT, AT, NUMBER);
	arm64_rrr(a, A_ADD | A_X, AT, AT, TMP);
	arm64_rrr(a, A_ORR | A_X, AT, AT, TMP);
	arm64_rrr(a, A_ORR | A_X | 1 << 21, AT, A_ZR, AT); /* mvn */
	none = arm64_skip(a, A_CBZ | A_X | AT);
	arm64_put(a, 0xdac00000 | AT << 5 | AT); /* rbit */
	arm64_put(a, 0xdac01000 | AT << 5 | AT); /* clz */
	arm64_bitfield(a, A_UBFM, A_X, SLOT, AT, 3, 63); /* lsr */
	/* BUCKET + SLOT * 4 */
	arm64_rrr(a, A_ADD | A_X | 2 << 10, AT, BUCKET, SLOT);
	arm64_add_imm(a, A_X, AT, AT,
		      offsetof(struct ebpf_hash_bucket, elements));
	arm64_put(a, A_LDAR32 | AT << 5 | NUMBER);
	return none;
}

/*
 * AT = the element NUMBER in its chunk; ebpf_chunks_at. The number was loaded
 * with acquire, and was stored behind all of this.
 */
static void
place_in_chunk(struct arm64 *a, const struct ebpf_chunks *chunks)
{
	arm64_address(a, AT, &chunks->table);
	arm64_access(a, A_LOAD, 64, AT, AT, 0);
	arm64_bitfield(a, A_UBFM, A_X, TMP, NUMBER, chunks->shift, 63);
	arm64_put(a, LDR64_INDEX | TMP << 16 | AT << 5 | AT);
	arm64_const(a, TMP, chunks->size);
	arm64_put(a, A_MADD | A_X | TMP << 16 | AT << 10 | NUMBER << 5 | AT);
	arm64_add_imm(a, A_X, AT, AT, EBPF_HASH_CHUNK_KEY);
}

/* Compare keys, of the element NUMBER; x0 = what is given of it. */
static void
give(struct arm64 *a, const struct ebpf_jit_hash *hash)
{
	const struct ebpf_map_hash *table = hash->table;
	uint32_t size = table->map.key_size, wide = size == 4 ? 0 : A_X, skip;

	if (hash->chunks != NULL)
		place_in_chunk(a, hash->chunks);
	else
		arm64_place(a, AT, table->elements, NUMBER,
			    table->element_size);
	if (table->slots != EBPF_HASH_SLOTS) { /* ebpf_hash_slot */
		/* BUCKET + SLOT * 16 */
		arm64_rrr(a, A_ADD | A_X | 4 << 10, TMP, BUCKET, SLOT);
		arm64_cmp_imm(a, 0, SLOT, EBPF_HASH_INSIDE);
		arm64_put(a, CSEL_LO | TMP << 16 | AT << 5 | AT);
	}
	/* what was written in front of the key is seen, too */
	arm64_put(a, (size == 4 ? A_LDAR32 : A_LDAR64) | AT << 5 | TMP);
	arm64_rrr(a, A_SUBS | wide, A_ZR, TMP, KEY_A);
	arm64_slow_if(a, A_BCOND | A_NE);
	if (size > 8) {
		arm64_access(a, A_LOAD, 64, TMP, AT, 8);
		arm64_rrr(a, A_SUBS | A_X, A_ZR, TMP, KEY_B);
		arm64_slow_if(a, A_BCOND | A_NE);
		arm64_put(a, A_DMB_LOADS);
		arm64_access(a, A_LOAD, 32, TMP, BUCKET, /* ebpf_hash_same */
			     offsetof(struct ebpf_hash_bucket, changes));
		arm64_rrr(a, A_SUBS, A_ZR, TMP, CHANGES);
		arm64_slow_if(a, A_BCOND | A_NE);
	}
	if (hash->lru) { /* ebpf_hash_mark_used */
		arm64_address(a, KEY_A, table->used);
		arm64_rrr(a, A_ADD | A_X, KEY_A, KEY_A, NUMBER);
		arm64_access(a, A_LOAD, 8, KEY_B, KEY_A, 0);
		arm64_cmp_imm(a, 0, KEY_B, EBPF_HASH_USED);
		skip = arm64_skip(a, A_BCOND | A_EQ);
		arm64_const(a, KEY_B, EBPF_HASH_USED);
		arm64_access(a, A_STORE, 8, KEY_B, KEY_A, 0);
		arm64_land(a, skip);
	}
	switch (hash->given) {
	case EBPF_JIT_VALUE:
		arm64_add_imm(a, A_X, 0, AT, table->value_off);
		break;
	case EBPF_JIT_INNER:
		arm64_add_imm(a, A_X, 0, AT, table->value_off);
		arm64_put(a, A_LDAR64 | 0 << 5 | 0);
		break;
	case EBPF_JIT_CPU_VALUE:
		arm64_percpu(a, 0, table->percpu, &hash->plan);
		arm64_const(a, TMP, table->map.stride);
		arm64_put(a, A_MADD | A_X | TMP << 16 | 0 << 10 | NUMBER << 5);
		break;
	}
}

void
arm64_lookup_hash(struct arm64 *a, const struct ebpf_jit_hash *hash)
{
	uint32_t none;

	hash_key(a, hash->table);
	none = find_tag(a, hash->table);
	give(a, hash);
	arm64_put(a, A_RET);

	arm64_land(a, none);
	arm64_add_imm(a, A_X, AT, BUCKET,
		      offsetof(struct ebpf_hash_bucket, chain));
	arm64_put(a, A_LDAR32 | AT << 5 | AT);
	arm64_slow_if(a, A_CBNZ | AT);
	arm64_const(a, 0, 0);
	arm64_put(a, A_RET);
}
