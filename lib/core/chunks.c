/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See chunks.h. */
#include "core/chunks.h"

enum {
	CHUNK_BYTES = 8 << 10, /* of a large chunk, unless a record is larger */
	SHIFT_MAX = 8,
	PIECE_BYTES = 32 << 10, /* with what all CPUs have, unless in pieces */
	CPU_MIN = 16, /* of each CPU's line in a chunk */
	LINE = 64,
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

/* Before the records of a chunk with that many: CPUs' lines, or their places. */
static size_t
front_bytes(const struct ebpf_chunks *chunks, uint64_t held)
{
	if (chunks->cpu_size == 0)
		return 0;
	return os_cpu_count() *
	       (chunks->apart ? sizeof(void *) :
				ebpf_chunks_lines(held * chunks->cpu_size));
}

/* Of all of it. */
static uint64_t
chunk_bytes(const struct ebpf_chunks *chunks, uint64_t held)
{
	uint64_t bytes = held * chunks->size + front_bytes(chunks, held);

	if (chunks->apart)
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
	/* nobody has large pieces in a run; what each CPU has is no larger
	   than a value, and then all of its line may be used */
	chunks->apart = spec->cpu_size != 0 &&
			chunk_bytes(chunks, 1ull << chunks->low) > PIECE_BYTES;
	while (chunks->apart && spec->cpu_size << chunks->low < LINE)
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

/* NULL is fine; of CPUs' pieces as many as there are. */
static void
chunk_free(const struct ebpf_chunks *chunks, void *memory)
{
	void **piece = memory;
	uint32_t cpu;

	if (memory != NULL && chunks->apart)
		for (cpu = 0; cpu < os_cpu_count(); cpu++)
			os_free(piece[cpu]);
	os_free(memory);
}

void
ebpf_chunks_fini(struct ebpf_chunks *chunks)
{
	uintptr_t *table = chunks->table, *before;
	uint8_t *records;
	uint32_t c, room;

	for (c = 1; c < chunks->count; c++) {
		records = ebpf_chunks_at(chunks, c << chunks->shift);
		chunk_free(chunks, records - front_bytes(chunks,
						ebpf_chunks_held(chunks, c)));
	}
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

/* ---- more ---- */

static uint32_t
room_next(const struct ebpf_chunks *chunks)
{
	return chunks->room == 0 ? TABLE_MIN : chunks->room * 2;
}

/* What chunk c's place takes; with it comes a table, or a leaf. */
static uint64_t
place_bytes(const struct ebpf_chunks *chunks, uint32_t c)
{
	if (c >= EBPF_CHUNKS_LEAF)
		return c % EBPF_CHUNKS_LEAF == 0 ?
			       EBPF_CHUNKS_LEAF * sizeof(uintptr_t) : 0;
	return c >= chunks->room ? table_bytes(room_next(chunks)) : 0;
}

/* And the first of the leaves. */
static uint64_t
leaves_bytes(const struct ebpf_chunks *chunks, uint32_t c)
{
	return c != EBPF_CHUNKS_LEAF ? 0 :
		(((chunks->max - 1) >> EBPF_CHUNKS_LEAF_SHIFT) + 1) *
			sizeof(chunks->leaves[0]);
}

int
ebpf_chunks_ask(const struct ebpf_chunks *chunks,
		struct ebpf_chunks_more *more)
{
	uint32_t c = chunks->count;

	memset(more, 0, sizeof(*more));
	if (c == chunks->max)
		return -EBPF_E2BIG;
	more->chunk = c;
	more->bytes = chunk_bytes(chunks, ebpf_chunks_held(chunks, c)) +
		      place_bytes(chunks, c) + leaves_bytes(chunks, c);
	more->table_bytes = place_bytes(chunks, c);
	return 0;
}

static void *
chunk_alloc(const struct ebpf_chunks *chunks, uint32_t c)
{
	uint32_t held = ebpf_chunks_held(chunks, c), cpu;
	size_t front = front_bytes(chunks, held);
	uint8_t *memory = os_alloc_now(front + (size_t)held * chunks->size);
	void **piece = (void **)(void *)(memory + front);

	if (memory == NULL || !chunks->apart)
		return memory;
	for (cpu = 0; cpu < os_cpu_count(); cpu++) {
		*--piece = os_alloc_now(ebpf_chunks_cpu_lines(chunks, c));
		if (*piece == NULL) {
			chunk_free(chunks, memory);
			return NULL;
		}
	}
	return memory;
}

int
ebpf_chunks_get(const struct ebpf_chunks *chunks,
		struct ebpf_chunks_more *more)
{
	uint64_t leaves = leaves_bytes(chunks, more->chunk);

	if (ebpf_charge_now(chunks->obj, more->bytes) != 0)
		return -EBPF_ENOMEM;
	more->memory = chunk_alloc(chunks, more->chunk);
	if (more->memory == NULL)
		goto none;
	if (more->table_bytes != 0) {
		more->table = os_alloc_now(more->table_bytes);
		if (more->table == NULL)
			goto none;
	}
	if (leaves != 0) {
		more->leaves = os_alloc_now(leaves);
		if (more->leaves == NULL)
			goto none;
	}
	return 0;
none:
	ebpf_chunks_drop(chunks, more);
	return -EBPF_ENOMEM;
}

void
ebpf_chunks_drop(const struct ebpf_chunks *chunks,
		 struct ebpf_chunks_more *more)
{
	chunk_free(chunks, more->memory);
	os_free(more->table);
	os_free(more->leaves);
	more->memory = more->table = more->leaves = NULL;
	ebpf_uncharge(chunks->obj, more->bytes);
	more->bytes = 0;
}

/*
 * Who reads may still hold the table from before, so that stays; all of them are
 * not larger than the last one.
 */
static void
table_put(struct ebpf_chunks *chunks, void *memory)
{
	uintptr_t *table = memory;
	uint32_t c;

	if (chunks->room == 0)
		table = (uintptr_t *)((uintptr_t)memory - sizeof(*table));
	else
		table[0] = (uintptr_t)chunks->table;
	for (c = 1; c < chunks->room; c++)
		table[c] = chunks->table[c];
	os_store_release(&chunks->table, table);
	chunks->room = room_next(chunks);
}

/* Where chunk c's place is written. */
static uintptr_t *
place_put(struct ebpf_chunks *chunks, const struct ebpf_chunks_more *more)
{
	uint32_t c = more->chunk, leaf = c >> EBPF_CHUNKS_LEAF_SHIFT;

	if (leaf == 0) {
		if (more->table != NULL)
			table_put(chunks, more->table);
		return &chunks->table[c];
	}
	if (more->leaves != NULL)
		chunks->leaves = more->leaves;
	if (more->table != NULL)
		os_store_release(&chunks->leaves[leaf], more->table);
	return &chunks->leaves[leaf][c & (EBPF_CHUNKS_LEAF - 1)];
}

bool
ebpf_chunks_put(struct ebpf_chunks *chunks, struct ebpf_chunks_more *more)
{
	uint32_t c = more->chunk;
	uintptr_t records;

	if (more->memory == NULL || c != chunks->count)
		return false;
	/* what CPUs have comes first, for the sake of their lines */
	records = (uintptr_t)more->memory +
		  front_bytes(chunks, ebpf_chunks_held(chunks, c));
	os_store_release(place_put(chunks, more),
			 records - ((uintptr_t)c << chunks->shift) *
					   (uintptr_t)chunks->size);
	chunks->bytes += more->bytes;
	os_store_release(&chunks->count, c + 1);
	memset(more, 0, sizeof(*more));
	return true;
}

int
ebpf_chunks_add(struct ebpf_chunks *chunks)
{
	struct ebpf_chunks_more more;
	int error = ebpf_chunks_ask(chunks, &more);

	if (error == 0)
		error = ebpf_chunks_get(chunks, &more);
	if (error == 0)
		ebpf_chunks_put(chunks, &more);
	return error;
}
