/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: the lookup of one hash map, with all that is constant about it in the
 * code. What hash_lookup.c does in C, for the slot that the key's tag says; the
 * rest is left to that. Used by x86_lookup.c, which says what it is part of.
 */
#include "core/jit/jit_lookup.h"
#include "core/jit/x86_enc.h"

/* The key's parts, as they are kept, too. */
static void
load_key(struct x86 *x, uint32_t size)
{
	x86_mem(x, size < 8 ? OP_LOAD : OP_LOAD | X_W, X86_KEY_LOW, RSI, 0);
	if (size == 6)
		x86_mem(x, OP_MOVZX16, X86_KEY_HIGH, RSI, 4);
	else if (size > 8)
		x86_mem(x, size < 16 ? OP_LOAD : OP_LOAD | X_W, X86_KEY_HIGH,
			RSI, 8);
}

/* rax = mix(rax, rcx); ebpf_hash_mix */
static void
mix(struct x86 *x)
{
	x86_rr(x, OP_GROUP3 | X_W, G3_MUL, RCX);
	x86_rr(x, OP_XOR | X_W, RDX, RAX);
}

/*
 * rax = the key's hash (ebpf_hash_short); rcx = how far behind r11, the first
 * one, its bucket is; r9, and r10 of the long ones, = its words (ebpf_key_short)
 */
static void
hash_key(struct x86 *x, const struct ebpf_map_hash *table)
{
	uint32_t size = table->map.key_size, step = (uint32_t)table->home_step;

	x86_const64(x, RAX, table->seed[0]);
	x86_rr(x, OP_XOR | X_W, X86_KEY_LOW, RAX);
	x86_const64(x, RCX, table->seed[1]);
	if (size == 6 || size > 8)
		x86_rr(x, OP_XOR | X_W, X86_KEY_HIGH, RCX);
	mix(x);
	if (size == 6) { /* from here on in one */
		x86_shift_imm(x, X_W, SHIFT_SHL, X86_KEY_HIGH, 32);
		x86_rr(x, OP_OR | X_W, X86_KEY_HIGH, R9);
	}
	x86_const64(x, RCX, EBPF_HASH_FACTOR);
	mix(x);
	x86_mov(x, 0, RCX, RAX);
	x86_alu_imm(x, OP_AND, RCX, (int32_t)table->bucket_bits);
	if (step != 0) { /* most are at home; ask for that, too */
		x86_mov(x, 0, R8, RCX);
		if (step % (1 << EBPF_HASH_SHIFT) == 0) {
			x86_scale(x, R8, step >> EBPF_HASH_SHIFT);
		} else {
			x86_shift_imm(x, 0, SHIFT_SHR, R8, EBPF_HASH_SHIFT);
			x86_scale(x, R8, step);
		}
		x86_address(x, R11, table->homes);
		x86_sib(x, OP_PREFETCH, 1, R8, R11, 0, 0);
		if (size > 8)
			x86_sib(x, OP_PREFETCH, 1, R8, R11, 0, 64);
	}
	x86_scale(x, RCX, 1u << (table->bucket_shift - EBPF_HASH_SHIFT));
	x86_address(x, R11, table->buckets);
}

/* Whether an element's number is asked for later on: then it is kept in r8d. */
static bool
wants_number(const struct ebpf_jit_hash *hash)
{
	return hash->lru || hash->given == EBPF_JIT_CPU_VALUE ||
	       hash->chunks != NULL;
}

/*
 * Whether what has the tag, but behind the first, and what is on a chain are
 * looked for here, too; else by C. (Longer keys have no register to spare.)
 */
static bool
looks_further(const struct ebpf_jit_hash *hash)
{
	return hash->table->map.key_size <= 8 && hash->chunks == NULL &&
	       hash->table->slots == EBPF_HASH_SLOTS;
}

/*
 * edx = the slot of the first element with that tag (ebpf_hash_tag), eax or
 * r8d = its number, if it has one there, rcx = the bucket; for long keys edi =
 * what the bucket has lost so far, for others r10 = the tag, eight times. Loads
 * are acquires, as every load is here.
 * *none: what jumps away when there is none. *zero: what jumps when no hash
 * should have the tag it has, and comes back behind that with another.
 */
static void
find_tag(struct x86 *x, const struct ebpf_jit_hash *hash, uint32_t *none,
	 uint32_t *zero)
{
	if (hash->table->map.key_size > 8)
		x86_sib(x, OP_LOAD, RDI, R11, RCX, 0,
			(int32_t)offsetof(struct ebpf_hash_bucket, changes));
	x86_shift_imm(x, X_W, SHIFT_SHR, RAX, 57);
	*zero = x86_skip_far(x, CC_E);
	x86_const64(x, RDX, EBPF_HASH_ONES);
	x86_rr(x, OP_IMUL | X_W, RAX, RDX);
	if (looks_further(hash))
		x86_mov(x, X_W, R10, RAX);
	x86_sib(x, OP_XOR | 2 | X_W, RAX, R11, RCX, 0,
		(int32_t)offsetof(struct ebpf_hash_bucket, tags));
	x86_rr(x, OP_ADD | X_W, R11, RCX);
	/*
	 * Of bytes below 128 the lowest zero is the lowest whose high bit this
	 * sets; those above need not be right, as they would be by
	 * ebpf_hash_match().
	 */
	x86_rr(x, OP_SUB | X_W, RDX, RAX);
	x86_const64(x, RDX, ~EBPF_HASH_LOWS);
	x86_rr(x, OP_AND | X_W, RDX, RAX);
	*none = x86_skip(x, CC_E);
	x86_put(x, 0xf3, 1); /* tzcnt, or bsf where it is not known */
	x86_rr(x, X_0F | 0xbc | X_W, RDX, RAX);
	x86_shift_imm(x, 0, SHIFT_SHR, RDX, 3);
	x86_sib(x, OP_LOAD, wants_number(hash) ? R8 : RAX, RCX, RDX, 2,
		(int32_t)offsetof(struct ebpf_hash_bucket, elements));
}

/* The same for an element in a chunk; ebpf_chunks_at */
static void
place_in_chunk(struct x86 *x, const struct ebpf_chunks *chunks)
{
	x86_address(x, R11, &chunks->table);
	x86_mem(x, OP_LOAD | X_W, R11, R11, 0);
	x86_mov(x, 0, RDX, R8);
	x86_shift_imm(x, 0, SHIFT_SHR, RDX, chunks->shift);
	x86_sib(x, OP_LOAD | X_W, R11, R11, RDX, 3, 0);
	x86_mov(x, 0, RAX, R8);
	x86_scale(x, RAX, chunks->size);
	x86_alu_imm(x, OP_ADD | X_W, RAX, EBPF_HASH_CHUNK_KEY);
}

/* Where keys are from what place() says: back, where that is the value. */
static int32_t
key_off(const struct ebpf_jit_hash *hash)
{
	if (hash->given == EBPF_JIT_VALUE && hash->chunks == NULL &&
	    hash->table->slots == EBPF_HASH_SLOTS)
		return -(int32_t)hash->table->value_off;
	return 0;
}

/*
 * rax = the element's place, or its value's, behind r11, that of number 0
 * (ebpf_hash_slot); its number must be moved there first, or is.
 */
static void
place(struct x86 *x, const struct ebpf_jit_hash *hash, bool moved)
{
	const struct ebpf_map_hash *table = hash->table;

	if (moved)
		x86_mov(x, 0, RAX, R8);
	x86_scale(x, RAX, (uint32_t)table->element_size);
	x86_address(x, R11, table->elements - key_off(hash));
	if (table->slots == EBPF_HASH_SLOTS)
		return;
	/* or, without a branch, as many elements behind the bucket's start */
	x86_scale(x, RDX, EBPF_HASH_INSIDE_ELEMENT);
	x86_rr(x, OP_SUB | X_W, R11, RCX);
	x86_rr(x, OP_ADD | X_W, RDX, RCX);
	x86_alu_imm(x, OP_CMP, RDX,
		    EBPF_HASH_INSIDE * EBPF_HASH_INSIDE_ELEMENT);
	x86_rr(x, OP_CMOVAE | X_W, RAX, RCX);
}

/* Does the element there have the (first) part of the key that is in r9? */
static void
compare(struct x86 *x, const struct ebpf_jit_hash *hash)
{
	x86_sib(x, hash->table->map.key_size == 4 ? OP_CMP : OP_CMP | X_W, R9,
		R11, RAX, 0, key_off(hash));
}

/* Where look_further() comes from and goes to. */
struct further {
	uint32_t other;	  /* the first element has another key */
	uint32_t chained; /* none has the tag, but there is a chain */
	uint32_t found;	  /* goes here with what place() says, and r8d */
	uint32_t none;	  /* here, when no slot has it */
};

/* Compare keys, of that element; rax = what the program is given of it. */
static void
give(struct x86 *x, const struct ebpf_jit_hash *hash, struct further *further)
{
	const struct ebpf_map_hash *table = hash->table;
	uint32_t size = table->map.key_size, skip;

	if (hash->chunks != NULL)
		place_in_chunk(x, hash->chunks);
	else
		place(x, hash, wants_number(hash));
	compare(x, hash);
	if (looks_further(hash))
		further->other = x86_skip_far(x, CC_NE);
	else
		x86_slow_if(x, CC_NE);
	further->found = x->gen.buf.len;
	if (size > 8) {
		x86_sib(x, OP_CMP | X_W, R10, R11, RAX, 0, 8 + key_off(hash));
		x86_slow_if(x, CC_NE);
		x86_mem(x, OP_CMP | 2, RDI, RCX, /* ebpf_hash_same */
			(int32_t)offsetof(struct ebpf_hash_bucket, changes));
		x86_slow_if(x, CC_NE);
	}
	if (hash->lru) { /* ebpf_hash_mark_used */
		x86_address(x, RDX, table->used);
		x86_sib(x, 0x80, OP_CMP >> 3 & 7, RDX, R8, 0, 0);
		x86_put(x, EBPF_HASH_USED, 1);
		skip = x86_skip(x, CC_E);
		x86_sib(x, 0xc6, 0, RDX, R8, 0, 0);
		x86_put(x, EBPF_HASH_USED, 1);
		x86_land(x, skip);
	}
	switch (hash->given) {
	case EBPF_JIT_VALUE:
		if (key_off(hash) != 0) {
			x86_rr(x, OP_ADD | X_W, R11, RAX);
			break;
		}
		x86_sib(x, OP_LEA | X_W, RAX, R11, RAX, 0,
			(int32_t)table->value_off);
		x86_rr(x, OP_TEST | X_W, RAX, RAX);
		break;
	case EBPF_JIT_INNER:
		x86_sib(x, OP_LOAD | X_W, RAX, R11, RAX, 0,
			(int32_t)table->value_off);
		x86_rr(x, OP_TEST | X_W, RAX, RAX);
		break;
	case EBPF_JIT_CPU_VALUE:
		x86_percpu(x, RAX, RDX, table->percpu, &hash->plan);
		x86_scale(x, R8, table->map.stride);
		x86_rr(x, OP_ADD | X_W, R8, RAX);
		break;
	}
}

/* As look() and look_through() of hash_lookup.c go on. */
static void
look_further(struct x86 *x, const struct ebpf_jit_hash *hash,
	     const struct further *further)
{
	const struct ebpf_map_hash *table = hash->table;
	int32_t changes = (int32_t)offsetof(struct ebpf_hash_bucket, changes);
	uint32_t again, next;

	/* r10 = all that have the tag (ebpf_hash_match), the first again */
	x86_land_far(x, further->other);
	x86_mem(x, OP_XOR | 2 | X_W, R10, RCX,
		(int32_t)offsetof(struct ebpf_hash_bucket, tags));
	x86_const64(x, RDX, EBPF_HASH_LOWS);
	x86_rr(x, OP_ADD | X_W, RDX, R10);
	x86_rr(x, OP_OR | X_W, RDX, R10);
	x86_alu_imm(x, OP_XOR | X_W, R10, -1);
	again = x->gen.buf.len;
	x86_back(x, CC_E, further->none);
	x86_put(x, 0xf3, 1); /* tzcnt */
	x86_rr(x, X_0F | 0xbc | X_W, RDX, R10);
	x86_shift_imm(x, 0, SHIFT_SHR, RDX, 3);
	x86_sib(x, OP_LOAD, R8, RCX, RDX, 2,
		(int32_t)offsetof(struct ebpf_hash_bucket, elements));
	place(x, hash, true);
	compare(x, hash);
	x86_back(x, CC_E, further->found);
	x86_mem(x, OP_LEA | X_W, RDX, R10, -1);
	x86_rr(x, OP_AND | X_W, RDX, R10);
	x86_back(x, CC_ALWAYS, again);

	/* if the bucket loses nothing meanwhile; C says what is nowhere */
	x86_land_far(x, further->chained);
	x86_mem(x, OP_LOAD, RDI, RCX, changes);
	x86_mem(x, OP_LOAD, R8, RCX,
		(int32_t)offsetof(struct ebpf_hash_bucket, chain));
	x86_alu_imm(x, OP_AND, R8, (int32_t)~OS_BIT_LOCK);
	again = x->gen.buf.len;
	x86_slow_if(x, CC_E);
	place(x, hash, true);
	compare(x, hash);
	next = x86_skip(x, CC_NE);
	x86_mem(x, OP_CMP | 2, RDI, RCX, changes);
	x86_back(x, CC_E, further->found);
	x86_land(x, next);
	x86_address(x, R11, table->metas.all);
	x86_sib(x, OP_LOAD, R8, R11, R8, 3,
		(int32_t)offsetof(struct ebpf_hash_meta, chain));
	x86_mem(x, OP_CMP | 2, RDI, RCX, changes);
	x86_slow_if(x, CC_NE);
	x86_rr(x, OP_TEST, R8, R8);
	x86_back(x, CC_ALWAYS, again);
}

void
x86_lookup_hash(struct x86 *x, const struct ebpf_jit_hash *hash, uint32_t *kept)
{
	struct further further = { 0 };
	uint32_t none, zero;

	load_key(x, hash->table->map.key_size);
	*kept = x->gen.buf.len;
	hash_key(x, hash->table);
	find_tag(x, hash, &none, &zero);
	give(x, hash, &further);
	x86_ret(x);

	x86_land(x, none);
	further.none = x->gen.buf.len;
	x86_mem(x, 0x83, OP_CMP >> 3 & 7, RCX,
		(int32_t)offsetof(struct ebpf_hash_bucket, chain));
	x86_put(x, 0, 1);
	if (looks_further(hash))
		further.chained = x86_skip_far(x, CC_NE);
	else
		x86_slow_if(x, CC_NE);
	x86_const(x, RAX, 0);
	x86_ret(x);

	x86_land_far(x, zero);
	x86_const(x, RAX, 1);
	x86_back(x, CC_ALWAYS, zero);
	if (looks_further(hash))
		look_further(x, hash, &further);
}
