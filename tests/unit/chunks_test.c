/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records whose memory comes by and by: that each number has its own, zeroed
 * and where it stays; that what is charged is what was allocated, and little of
 * it unused; that a chunk which cannot be had changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "core/chunks.h"
#include "core/runtime.h"
#include "tap.h"

static struct ebpf_runtime *rt;
static struct ebpf_object obj;

static void
nothing(struct ebpf_object *o)
{
	(void)o;
}

static bool
begin(uint64_t mem_max)
{
	struct ebpf_runtime_config config = { .mem_max = mem_max };

	config.size = sizeof(config);
	memset(&obj, 0, sizeof(obj));
	return ebpf_runtime_create(&config, &rt) == 0 &&
	       ebpf_object_init(&obj, rt, EBPF_OBJ_MAP, "", 0, nothing) ==
		       0;
}

static void
end(struct ebpf_chunks *chunks)
{
	ebpf_chunks_fini(chunks);
	ebpf_uncharge(&obj, os_load(&obj.mem_bytes));
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
}

static bool
is_zero(const uint8_t *bytes, size_t size)
{
	while (size > 0 && bytes[size - 1] == 0)
		size--;
	return size == 0;
}

static bool
mark(uint8_t *at, size_t size, uint32_t tag)
{
	bool zero = is_zero(at, size);

	memset(at, 0xee, size);
	memcpy(at, &tag, sizeof(tag));
	return zero;
}

static bool
is_marked(const uint8_t *at, uint32_t tag)
{
	return memcmp(at, &tag, sizeof(tag)) == 0;
}

/* Writes every record there is, then looks whether each is what was written. */
static bool
all_there(struct ebpf_chunks *chunks, uint32_t *records)
{
	uint32_t cpus = chunks->cpu_size != 0 ? os_cpu_count() : 0;
	uint32_t number, cpu;
	bool good = true;

	*records = 0;
	for (number = ebpf_chunks_from(chunks, 0);
	     ebpf_chunks_has(chunks, number);
	     number = ebpf_chunks_from(chunks, number + 1)) {
		good &= mark(ebpf_chunks_at(chunks, number), chunks->size,
			     number);
		for (cpu = 0; cpu < cpus; cpu++)
			good &= mark(ebpf_chunks_cpu_at(chunks, number, cpu),
				     chunks->cpu_size, number + cpu);
		++*records;
	}
	for (number = ebpf_chunks_from(chunks, 0);
	     ebpf_chunks_has(chunks, number);
	     number = ebpf_chunks_from(chunks, number + 1)) {
		good &= is_marked(ebpf_chunks_at(chunks, number), number);
		for (cpu = 0; cpu < cpus; cpu++)
			good &= is_marked(ebpf_chunks_cpu_at(chunks, number,
							     cpu),
					  number + cpu);
	}
	return good;
}

static void
fill(uint32_t size, uint32_t cpu_size, uint32_t wanted, uint32_t spare)
{
	struct ebpf_chunks_spec spec = {
		.size = size, .cpu_size = cpu_size, .records = wanted,
		.spare = spare,
	};
	uint64_t before, records = 0, taken, most = 0, ahead, each;
	struct ebpf_chunks_more more;
	struct ebpf_chunks chunks;
	uint32_t seen;
	int error;

	if (!begin(0)) {
		tap_ok(false, "a runtime");
		return;
	}
	before = os_test_bytes();
	ebpf_chunks_init(&chunks, &obj, &spec);
	each = chunks.size + (uint64_t)chunks.cpu_size * os_cpu_count();
	tap_ok(os_test_bytes() == before && chunks.bytes == 0,
	       "%u bytes: nothing is taken ahead", size);
	for (;;) {
		uint32_t held = ebpf_chunks_held(&chunks, chunks.count);

		taken = chunks.bytes;
		error = ebpf_chunks_ask(&chunks, &more);
		ahead = more.bytes;
		if (error == 0)
			error = ebpf_chunks_add(&chunks);
		if (error != 0)
			break;
		if (chunks.bytes - taken != ahead)
			tap_ok(false, "chunk %u takes what is said of it",
			       chunks.count - 1);
		/* with one record of it used, how much is not used? */
		ahead = (held - 1) * each;
		if (held > 1u << chunks.low && ahead > spare * records &&
		    ahead - spare * records > most)
			most = ahead - spare * records;
		records += held;
	}
	tap_ok(error == -EBPF_E2BIG && records >= wanted,
	       "%u bytes: %llu of %u in %u chunks", size,
	       (unsigned long long)records, wanted, chunks.count - 1);
	tap_ok(most <= each + spare, "little is ahead: %llu bytes",
	       (unsigned long long)most);
	TAP_CHECK(os_test_bytes() - before == chunks.bytes &&
		  os_load(&obj.mem_bytes) == chunks.bytes);
	/* each table twice as large as the one before, a leaf at a time */
	if (cpu_size == 0)
		TAP_CHECK(chunks.bytes <=
			  records * each + chunks.count * 32 +
				  (chunks.leaves != NULL) *
					  (EBPF_CHUNKS_LEAF + 64) * 8);
	TAP_CHECK(all_there(&chunks, &seen) && seen == records);
	end(&chunks);
}

static void
test_limit(void)
{
	struct ebpf_chunks_spec spec = {
		.size = 100, .records = 1 << 20, .spare = 48,
	};
	struct ebpf_chunks chunks;
	uint64_t bytes, live;
	uint32_t count, seen;

	if (!begin(64 << 10)) {
		tap_ok(false, "a runtime");
		return;
	}
	live = os_test_bytes();
	ebpf_chunks_init(&chunks, &obj, &spec);
	while (ebpf_chunks_add(&chunks) == 0)
		;
	bytes = chunks.bytes;
	count = chunks.count;
	tap_ok(bytes <= 64 << 10 && bytes > 48 << 10,
	       "%llu of 65536 bytes are taken", (unsigned long long)bytes);
	TAP_CHECK(ebpf_chunks_add(&chunks) == -EBPF_ENOMEM);
	TAP_CHECK(chunks.bytes == bytes && chunks.count == count &&
		  os_load(&obj.mem_bytes) == bytes &&
		  os_test_bytes() - live == bytes);
	TAP_CHECK(all_there(&chunks, &seen));
	end(&chunks);
}

/* Every allocation fails once: the next try goes well. */
static void
test_failures(void)
{
	struct ebpf_chunks_spec spec = {
		.size = 8 << 10, .records = EBPF_CHUNKS_LEAF * 2 + 5,
	};
	struct ebpf_chunks chunks;
	uint32_t seen, failed = 0;
	bool same = true;

	if (!begin(0)) {
		tap_ok(false, "a runtime");
		return;
	}
	ebpf_chunks_init(&chunks, &obj, &spec);
	while (chunks.count < chunks.max) {
		uint32_t count = chunks.count;

		os_test_fail_at(1);
		same &= ebpf_chunks_add(&chunks) == -EBPF_ENOMEM &&
			chunks.count == count;
		os_test_fail_at(2);
		if (ebpf_chunks_add(&chunks) != 0) {
			same &= chunks.count == count;
			failed++;
			os_test_fail_at(3);
			if (ebpf_chunks_add(&chunks) != 0)
				same &= chunks.count == count;
		}
		os_test_fail_at(0);
		if (chunks.count == count)
			same &= ebpf_chunks_add(&chunks) == 0;
	}
	TAP_CHECK(same && failed > 0);
	TAP_CHECK(os_load(&obj.mem_bytes) == chunks.bytes);
	TAP_CHECK(all_there(&chunks, &seen) && seen == EBPF_CHUNKS_LEAF * 2 + 5);
	end(&chunks);
}

/* Two at once want the next chunk: there is one, and the other is dropped. */
static void
test_steps(void)
{
	struct ebpf_chunks_spec spec = {
		.size = 24, .records = 1000, .spare = 48,
	};
	struct ebpf_chunks_more one, other;
	struct ebpf_chunks chunks;
	uint64_t bytes;
	uint32_t count, seen, all = 0;
	bool good = true;

	if (!begin(0)) {
		tap_ok(false, "a runtime");
		return;
	}
	ebpf_chunks_init(&chunks, &obj, &spec);
	while (good && ebpf_chunks_ask(&chunks, &one) == 0) {
		count = chunks.count;
		bytes = chunks.bytes;
		all += ebpf_chunks_held(&chunks, count);
		good = ebpf_chunks_ask(&chunks, &other) == 0 &&
		       ebpf_chunks_get(&chunks, &one) == 0 &&
		       ebpf_chunks_get(&chunks, &other) == 0 &&
		       os_load(&obj.mem_bytes) == bytes + 2 * one.bytes &&
		       ebpf_chunks_put(&chunks, &other) &&
		       !ebpf_chunks_put(&chunks, &one) &&
		       chunks.count == count + 1;
		ebpf_chunks_drop(&chunks, &one);
		ebpf_chunks_drop(&chunks, &other);
		good = good && os_load(&obj.mem_bytes) == chunks.bytes;
	}
	TAP_CHECK(good && all_there(&chunks, &seen) && seen == all);
	end(&chunks);
}

static size_t largest;

static bool
note_size(size_t size)
{
	if (size > largest)
		largest = size;
	return true;
}

/* However many CPUs there are, no piece is large. */
static void
test_cpus(void)
{
	static const uint32_t cpus[] = { 128, 1024, 4096 };
	uint32_t before = os_load(&os_slot_count), i;

	os_test_now(note_size);
	for (i = 0; i < 3; i++) {
		os_store(&os_slot_count, cpus[i]);
		largest = 0;
		fill(16, 8, 100, 72);
		fill(24, 256, 20, 72);
		fill(16, 32 << 10, 5, 72);
		tap_ok(largest > 0 && largest <= 33u << 10,
		       "%u CPUs: the largest piece has %zu bytes", cpus[i],
		       largest);
	}
	os_test_now(NULL);
	os_store(&os_slot_count, before);
}

int
main(void)
{
	uint64_t live = os_test_live();

	fill(24, 0, 1, 48);
	fill(24, 0, 100000, 48);
	fill(72, 0, 5000, 48);
	fill(64, 0, 1000, 24);
	fill(1, 0, 4000000, 48);
	fill(4120, 0, 2000, 48);
	fill(100000, 0, 20, 48);
	fill(6000, 0, 10000, 1);
	fill(16, 8, 1000, 72);
	fill(24, 64, 1000, 72);
	fill(24, 72, 1000, 72);
	fill(16, 32 << 10, 10, 72);
	test_limit();
	test_failures();
	test_steps();
	test_cpus();
	TAP_CHECK(os_test_live() == live);
	return tap_done();
}
