/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records of one size whose memory comes as they are needed, also in a run: for
 * maps without preallocation. Records are known by numbers; they stay where
 * they are until the end, and whoever knows a number reads without a lock.
 *
 * Memory comes in chunks. Chunk c, from 1 on, has the numbers from c << shift
 * on, but the first chunks have fewer records than numbers, so that what is not
 * used yet is always a small part of what is. Number 0 is nobody's, and so is
 * every number below 1 << shift.
 *
 * Who asks for chunks does so under a lock of its own; what is handed on from
 * there to others, by a store with release, they may look for here.
 */
#ifndef CORE_CHUNKS_H
#define CORE_CHUNKS_H

#include "core/object.h"

enum {
	/* chunks whose places are in the first table; then come leaves of as
	   many */
	EBPF_CHUNKS_LEAF_SHIFT = 12,
	EBPF_CHUNKS_LEAF = 1 << EBPF_CHUNKS_LEAF_SHIFT,
};

struct ebpf_chunks {
	/*
	 * By chunk: where the record of number 0 would be, if records lay side
	 * by side from there to the chunk's own. Replaced by a larger one as
	 * chunks come; entry 0, but of the first, says which was before.
	 */
	uintptr_t *table;
	uintptr_t **leaves; /* from chunk LEAF on; NULL until then */
	uint32_t size; /* of a record, a multiple of 8 */
	uint32_t cpu_size; /* of what each CPU has of it; 0: nothing */
	uint8_t shift;
	uint8_t low;  /* the first have 1 << low records; then they double, */
	uint8_t slow; /* when there are 1 << slow of them */
	bool apart;   /* what CPUs have are pieces of their own */
	/* not read by who looks for records */
	uint32_t count; /* atomic: of chunks, and 1 */
	struct ebpf_object *obj; /* whose memory it is */
	uint64_t bytes;		 /* of all of this */
	uint32_t max;		 /* of count */
	uint32_t room;		 /* of the table */
};

/* What a store is made for. */
struct ebpf_chunks_spec {
	uint32_t size; /* of a record; not 0 */
	/*
	 * Of what each CPU has of it besides, in lines of its own, a multiple
	 * of 8. 0: nothing.
	 */
	uint32_t cpu_size;
	uint32_t records; /* at most, below 3 << 29 */
	uint32_t spare;	/* bytes that may be taken ahead for each there is */
};

/* Takes no memory yet. */
void ebpf_chunks_init(struct ebpf_chunks *chunks, struct ebpf_object *obj,
		      const struct ebpf_chunks_spec *spec);
void ebpf_chunks_fini(struct ebpf_chunks *chunks);

/*
 * Locked: the next chunk, zeroed and charged to the object. ENOMEM: there is no
 * memory, or not within the domain's limit, or none is to be had with a lock;
 * E2BIG: all are there. Run path.
 */
int ebpf_chunks_add(struct ebpf_chunks *chunks);

/* Memory for a store's next chunk, on its way there. */
struct ebpf_chunks_more {
	uint32_t chunk;
	uint64_t bytes; /* of all */
	uint64_t table_bytes;
	void *memory, *table, *leaves;
};

/*
 * The same in steps, for who can put its lock down between them. Locked: what
 * the next one takes; E2BIG. Then that memory, charged; ENOMEM. Locked: here it
 * is; false: others were faster. Drop gives back what was not put. Run path.
 */
int ebpf_chunks_ask(const struct ebpf_chunks *chunks,
		    struct ebpf_chunks_more *more);
int ebpf_chunks_get(const struct ebpf_chunks *chunks,
		    struct ebpf_chunks_more *more);
bool ebpf_chunks_put(struct ebpf_chunks *chunks, struct ebpf_chunks_more *more);
void ebpf_chunks_drop(const struct ebpf_chunks *chunks,
		      struct ebpf_chunks_more *more);

/* How many records chunk number c has. */
static inline uint32_t
ebpf_chunks_held(const struct ebpf_chunks *chunks, uint32_t c)
{
	uint32_t doubled = chunks->low + ((c - 1) >> chunks->slow);

	return 1u << (doubled < chunks->shift ? doubled : chunks->shift);
}

/* The first number there may be. */
static inline uint32_t
ebpf_chunks_first(const struct ebpf_chunks *chunks)
{
	return 1u << chunks->shift;
}

/* The first number from that on which has, or will have, a record. */
static inline uint32_t
ebpf_chunks_from(const struct ebpf_chunks *chunks, uint32_t number)
{
	uint32_t c = number >> chunks->shift;

	if (c == 0)
		return ebpf_chunks_first(chunks);
	if (os_likely((number & ((1u << chunks->shift) - 1)) <
		      ebpf_chunks_held(chunks, c)))
		return number;
	return (c + 1) << chunks->shift;
}

/* Is the chunk there that this number is of? Locked. */
static inline bool
ebpf_chunks_has(const struct ebpf_chunks *chunks, uint32_t number)
{
	return number >> chunks->shift < chunks->count;
}

/* All places are in the first table, now and later. */
static inline bool
ebpf_chunks_flat(const struct ebpf_chunks *chunks)
{
	return chunks->max <= EBPF_CHUNKS_LEAF;
}

/* The record of a number that has one. */
static inline void *
ebpf_chunks_at(const struct ebpf_chunks *chunks, uint32_t number)
{
	uint32_t c = number >> chunks->shift;
	const uintptr_t *table;

	if (os_likely(c < EBPF_CHUNKS_LEAF)) {
		table = os_load_acquire(&chunks->table);
	} else {
		table = os_load_acquire(
			&chunks->leaves[c >> EBPF_CHUNKS_LEAF_SHIFT]);
		c &= EBPF_CHUNKS_LEAF - 1;
	}
	return (void *)(os_load_acquire(&table[c]) +
			(size_t)number * chunks->size);
}

static inline size_t
ebpf_chunks_lines(size_t size)
{
	return (size + 63) & ~(size_t)63;
}

/* What each CPU has of chunk c: lines of its own. */
static inline size_t
ebpf_chunks_cpu_lines(const struct ebpf_chunks *chunks, uint32_t c)
{
	return ebpf_chunks_lines((size_t)ebpf_chunks_held(chunks, c) *
				 chunks->cpu_size);
}

/*
 * What that CPU has of it: before the chunk's records, the last CPU first. Or
 * where it says before them.
 */
static inline void *
ebpf_chunks_cpu_at(const struct ebpf_chunks *chunks, uint32_t number,
		   uint32_t cpu)
{
	uint32_t c = number >> chunks->shift, first = c << chunks->shift;
	uint8_t *records = ebpf_chunks_at(chunks, first), *own;

	if (os_unlikely(chunks->apart))
		own = *((uint8_t **)(void *)records - (cpu + 1));
	else
		own = records - ebpf_chunks_cpu_lines(chunks, c) * (cpu + 1);
	return own + (size_t)(number - first) * chunks->cpu_size;
}

#endif
