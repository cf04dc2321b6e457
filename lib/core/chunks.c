/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See chunks.h. */
#include "core/chunks.h"

enum {
	CHUNK_BYTES = 8 << 10, /* of a large chunk, unless a record is larger */
	SHIFT_MAX = 8,
	CPU_MIN = 16, /* of each CPU's line in a chunk */
	TABLE_MIN = 2, /* whose place 0, with nothing before, is not there */
};

/* How many chunks, with number 0, hold that many records. */
static uint32_t
chunks_for(const struct ebpf_chunks *chunks, uint32_t records)
{
	uint64_t held = 0;
	uint32_t c;

	for (c = 1; (c - 1) >> chunks->slow <= chunks->shift; c++) {
		if (held >= records)
			return c;
		held += ebpf_chunks_held(chunks, c);
	}
	if (held >= records)
		return c;
	return c + (uint32_t)((records - held + (1u << chunks->shift) - 1) >>
			      chunks->shift);
}

/* Of a chunk with that many records. */
static uint64_t
chunk_bytes(const struct ebpf_chunks *chunks, uint64_t held)
{
	uint64_t bytes = held * chunks->size;

	if (chunks->cpu_size != 0)
		bytes += ebpf_chunks_lines(held * chunks->cpu_size) *
			 os_cpu_count();
	return bytes;
}

void
ebpf_chunks_init(struct ebpf_chunks *chunks, struct ebpf_object *obj,
		 const struct ebpf_chunks_spec *spec)
{
	uint64_t spare = spec->spare + (spec->spare == 0), each;

	memset(chunks, 0, sizeof(*chunks));
	chunks->obj = obj;
	chunks->size = (spec->size + 7) & ~7u;
	chunks->cpu_size = spec->cpu_size;
	/* a CPU's line must not be wasted, and all lines are there at once */
	while (spec->cpu_size != 0 && spec->cpu_size << chunks->low < CPU_MIN)
		chunks->low++;
	chunks->slow = spec->cpu_size != 0;
	chunks->shift = chunks->low;
	while (chunks->shift < SHIFT_MAX &&
	       chunk_bytes(chunks, 2ull << chunks->shift) <= CHUNK_BYTES)
		chunks->shift++;
	/* as many small ones first as make the next size a small part */
	each = chunk_bytes(chunks, 1ull << chunks->shift) >> chunks->shift;
	while (chunks->shift > chunks->low && spare << chunks->slow < each)
		chunks->slow++;
	chunks->count = 1;
	chunks->max = chunks_for(chunks, spec->records);
}

static uint64_t
table_bytes(uint32_t room)
{
	return (room - (room == TABLE_MIN)) * sizeof(uintptr_t);
}

/* Chunk c as it was allocated. */
static void *
chunk_start(const struct ebpf_chunks *chunks, uint32_t c)
{
	uint8_t *records = ebpf_chunks_at(chunks, c << chunks->shift);

	return records - ebpf_chunks_cpu_lines(chunks, c) * os_cpu_count();
}

void
ebpf_chunks_fini(struct ebpf_chunks *chunks)
{
	uintptr_t *table = chunks->table, *before;
	uint32_t c, room;

	for (c = 1; c < chunks->count; c++)
		os_free(chunk_start(chunks, c));
	for (room = chunks->room; room > TABLE_MIN; room /= 2) {
		before = (uintptr_t *)table[0];
		os_free(table);
		table = before;
	}
	if (table != NULL)
		os_free(&table[1]);
	if (chunks->leaves != NULL)
		for (c = 1; c <= (chunks->max - 1) >> EBPF_CHUNKS_LEAF_SHIFT;
		     c++)
			os_free(chunks->leaves[c]);
	os_free(chunks->leaves);
	chunks->table = NULL;
	chunks->leaves = NULL;
}

static void *
take(struct ebpf_chunks *chunks, uint64_t bytes)
{
	void *memory;

	if (ebpf_charge_now(chunks->obj, bytes) != 0)
		return NULL;
	memory = os_alloc_now(bytes);
	if (memory == NULL)
		ebpf_uncharge(chunks->obj, bytes);
	else
		chunks->bytes += bytes;
	return memory;
}

/*
 * Room for the next chunk's place. Who reads may still hold the table from
 * before, so that stays; all of them are not larger than the last one.
 */
static int
table_grow(struct ebpf_chunks *chunks)
{
	uint32_t room = chunks->room == 0 ? TABLE_MIN : chunks->room * 2, c;
	void *memory = take(chunks, table_bytes(room));
	uintptr_t *table = memory;

	if (memory == NULL)
		return -EBPF_ENOMEM;
	if (room == TABLE_MIN)
		table = (uintptr_t *)((uintptr_t)memory - sizeof(*table));
	else
		table[0] = (uintptr_t)chunks->table;
	for (c = 1; c < chunks->room; c++)
		table[c] = chunks->table[c];
	os_store_release(&chunks->table, table);
	chunks->room = room;
	return 0;
}

static int
leaf_add(struct ebpf_chunks *chunks, uint32_t leaf)
{
	uint32_t leaves = ((chunks->max - 1) >> EBPF_CHUNKS_LEAF_SHIFT) + 1;
	uintptr_t *table;

	if (chunks->leaves == NULL)
		chunks->leaves = take(chunks,
				      leaves * sizeof(chunks->leaves[0]));
	if (chunks->leaves == NULL)
		return -EBPF_ENOMEM;
	if (chunks->leaves[leaf] != NULL)
		return 0;
	table = take(chunks, EBPF_CHUNKS_LEAF * sizeof(*table));
	if (table == NULL)
		return -EBPF_ENOMEM;
	os_store_release(&chunks->leaves[leaf], table);
	return 0;
}

/* *place: where the next chunk's place is written. */
static int
place_make(struct ebpf_chunks *chunks, uintptr_t **place)
{
	uint32_t c = chunks->count, leaf = c >> EBPF_CHUNKS_LEAF_SHIFT;
	int error = 0;

	if (leaf > 0)
		error = leaf_add(chunks, leaf);
	else if (c >= chunks->room)
		error = table_grow(chunks);
	if (error != 0)
		return error;
	*place = leaf > 0 ? &chunks->leaves[leaf][c & (EBPF_CHUNKS_LEAF - 1)] :
			    &chunks->table[c];
	return 0;
}

uint64_t
ebpf_chunks_next_bytes(const struct ebpf_chunks *chunks)
{
	uint64_t bytes = chunk_bytes(chunks,
				     ebpf_chunks_held(chunks, chunks->count));

	if (chunks->count >= chunks->room &&
	    chunks->count < EBPF_CHUNKS_LEAF)
		bytes += table_bytes(chunks->room == 0 ? TABLE_MIN :
							 chunks->room * 2);
	return bytes;
}

int
ebpf_chunks_add(struct ebpf_chunks *chunks)
{
	uint32_t c = chunks->count;
	uintptr_t *place;
	uint8_t *memory;
	uint64_t held;
	int error;

	if (c == chunks->max)
		return -EBPF_E2BIG;
	error = place_make(chunks, &place);
	if (error != 0)
		return error;
	held = ebpf_chunks_held(chunks, c);
	memory = take(chunks, chunk_bytes(chunks, held));
	if (memory == NULL)
		return -EBPF_ENOMEM;
	/* what CPUs have comes first, for the sake of their lines */
	memory += chunk_bytes(chunks, held) - held * chunks->size;
	os_store_release(place,
			 (uintptr_t)memory - ((uintptr_t)c << chunks->shift) *
						     (uintptr_t)chunks->size);
	os_store_release(&chunks->count, c + 1);
	return 0;
}
