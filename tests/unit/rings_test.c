/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records from programs to users: rings at their edges, the helpers of ringbuf
 * and perf_event_array maps as engines call them, taking with and without
 * waiting, and many producers with one reader: every record arrives once and
 * whole, in its producer's order, or is counted as lost. Meant for TSan too.
 */
#include <pthread.h>
#include <stdlib.h>

#include "core/ctx.h"
#include "core/helper.h"
#include "core/map.h"
#include "core/map_rings.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "helper_lab.h"
#include "tap.h"

enum {
	PERF_OUTPUT = 25,
	OUTPUT = 130,
	RESERVE = 131,
	SUBMIT = 132,
	DISCARD = 133,
	QUERY = 134,
};

static int
make(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries,
     uint32_t flags, struct ebpf_map **map)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
		.flags = flags,
		.name = "rings",
	};

	return ebpf_map_create(helper_rt, &spec, map);
}

static uint8_t room[1 << 20];

/* Take what is there: the number of records, or an error. */
static int
take_some(struct ebpf_map *map, struct ebpf_take *take)
{
	int error;

	if (take->out == NULL) {
		take->out = room;
		take->room = sizeof(room);
	}
	error = ebpf_map_take(map, take, 0, NULL);
	return error != 0 ? error : (int)take->count;
}

/* Record n of what was taken, and its bytes. */
static struct ebpf_record
record_at(const struct ebpf_take *take, uint32_t n, const uint8_t **bytes)
{
	struct ebpf_record record = { 0 };
	size_t at = 0;

	for (;; n--) {
		if (take->len - at < sizeof(record))
			abort();
		memcpy(&record, take->out + at, sizeof(record));
		at += sizeof(record);
		*bytes = take->out + at;
		if (take->len - at < record.len)
			abort();
		at += record.len;
		if (n == 0)
			return record;
	}
}

/* ---- creation ---- */

static void
test_create(void)
{
	struct ebpf_map *map;
	uint32_t i;
	uint64_t live = os_test_live();
	int error = -1;

	TAP_CHECK(make(EBPF_MAP_RINGBUF, 0, 0, 0, 0, &map) == -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_RINGBUF, 0, 0, 4095, 0, &map) == -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_RINGBUF, 0, 0, 2048, 0, &map) == -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_RINGBUF, 0, 0, 12288, 0, &map) ==
		  -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_RINGBUF, 4, 0, 4096, 0, &map) == -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_RINGBUF, 0, 4, 4096, 0, &map) == -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_RINGBUF, 0, 0, 4096, EBPF_F_RDONLY_PROG,
		       &map) == -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_PERF_EVENT_ARRAY, 4, 4, 0, 0, &map) ==
		  -EBPF_EINVAL);
	TAP_CHECK(make(EBPF_MAP_PERF_EVENT_ARRAY, 4, 8, 4, 0, &map) ==
		  -EBPF_EINVAL);
	for (i = 1; i < 16 && error != 0; i++) {
		os_test_fail_at(i);
		error = make(EBPF_MAP_PERF_EVENT_ARRAY, 4, 4, 2, 0, &map);
		if (error == 0)
			ebpf_map_put(map);
		else if (error != -EBPF_ENOMEM)
			break;
	}
	os_test_fail_at(0);
	os_epoch_drain();
	/* the registry may have grown and stays */
	tap_ok(error == 0 && i > 4 && os_test_live() <= live + 1,
	       "every allocation of a map may fail");
	if (make(EBPF_MAP_RINGBUF, 0, 0, 4096, EBPF_F_NUMA_NODE, &map) != 0)
		abort();
	TAP_CHECK(ebpf_map_read(map, "", room) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ebpf_map_write(map, "", "", 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ebpf_map_next(map, NULL, room) == -EBPF_EUNSUPPORTED);
	ebpf_map_put(map);
}

/* ---- ringbuf ---- */

static void
test_ringbuf(void)
{
	struct ebpf_take take = { .cpu = EBPF_CPU_ANY };
	struct ebpf_record record;
	const uint8_t *bytes;
	struct ebpf_map *map;
	uint64_t a, b, c;

	if (make(EBPF_MAP_RINGBUF, 0, 0, 4096, 0, &map) != 0)
		abort();
	TAP_CHECK(take_some(map, &take) == 0);
	TAP_CHECK(call(OUTPUT, P(map), P("hello"), 5, 0, 0) == 0);
	TAP_CHECK(call(OUTPUT, P(map), P("x"), 1, 4, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(OUTPUT, P(map), P(""), 0, 3, 0) == 0);
	TAP_CHECK(call(QUERY, P(map), 0, 0, 0, 0) == 24);
	TAP_CHECK(call(QUERY, P(map), 1, 0, 0, 0) == 4096);
	TAP_CHECK(call(QUERY, P(map), 2, 0, 0, 0) == 0);
	TAP_CHECK(call(QUERY, P(map), 3, 0, 0, 0) == 24);
	TAP_CHECK(call(QUERY, P(map), 4, 0, 0, 0) == 0);
	TAP_CHECK(take_some(map, &take) == 2);
	record = record_at(&take, 0, &bytes);
	TAP_CHECK(record.kind == EBPF_RECORD_DATA && record.len == 5 &&
		  !memcmp(bytes, "hello", 5) && record.time_ns == 0);
	TAP_CHECK(record_at(&take, 1, &bytes).len == 0);
	TAP_CHECK(call(QUERY, P(map), 2, 0, 0, 0) == 24);

	/* what is not committed holds up what comes after it */
	a = (uint64_t)call(RESERVE, P(map), 8, 0, 0, 0);
	b = (uint64_t)call(RESERVE, P(map), 16, 0, 0, 0);
	c = (uint64_t)call(RESERVE, P(map), 3, 0, 0, 0);
	TAP_CHECK(a % 8 == 0 && b == a + 16 && c == b + 24);
	memset((void *)(uintptr_t)a, 1, 8);
	memset((void *)(uintptr_t)b, 2, 16);
	memset((void *)(uintptr_t)c, 3, 3);
	call(SUBMIT, c, 0, 0, 0, 0);
	TAP_CHECK(take_some(map, &take) == 0);
	call(DISCARD, a, EBPF_RB_NO_WAKEUP, 0, 0, 0);
	TAP_CHECK(take_some(map, &take) == 0);
	TAP_CHECK(call(QUERY, P(map), 2, 0, 0, 0) == 24 + 16);
	call(SUBMIT, b, EBPF_RB_FORCE_WAKEUP, 0, 0, 0);
	TAP_CHECK(take_some(map, &take) == 2);
	TAP_CHECK(record_at(&take, 0, &bytes).len == 16 && bytes[15] == 2);
	TAP_CHECK(record_at(&take, 1, &bytes).len == 3 && bytes[2] == 3);

	TAP_CHECK(call(RESERVE, P(map), 8, 1, 0, 0) == 0);
	ebpf_map_put(map);
}

/* Full and empty, and records that begin at every place of the ring. */
static void
test_edges(void)
{
	struct ebpf_take take = { .cpu = EBPF_CPU_ANY };
	struct ebpf_map *map;
	const uint8_t *bytes;
	uint64_t held;
	uint32_t i, k, n;
	bool good = true;

	if (make(EBPF_MAP_RINGBUF, 0, 0, 4096, 0, &map) != 0)
		abort();
	TAP_CHECK(call(RESERVE, P(map), 4089, 0, 0, 0) == 0);
	TAP_CHECK(call(RESERVE, P(map), 4088, 0, 0, 0) == 0);
	TAP_CHECK(call(RESERVE, P(map), 1u << 30, 0, 0, 0) == 0);
	TAP_CHECK(call(RESERVE, P(map), UINT32_MAX, 0, 0, 0) == 0);
	TAP_CHECK(call(RESERVE, P(map), 1ull << 32, 0, 0, 0) == 0);
	TAP_CHECK(call(QUERY, P(map), 0, 0, 0, 0) == 0);
	held = (uint64_t)call(RESERVE, P(map), 4080, 0, 0, 0);
	tap_ok(held != 0, "a record may take all but 8 bytes");
	TAP_CHECK(call(OUTPUT, P(map), P(""), 0, 0, 0) == -EBPF_EAGAIN);
	call(DISCARD, held, 0, 0, 0, 0);
	TAP_CHECK(take_some(map, &take) == 0);
	for (i = 0, n = 0; i < 4096; i++) {
		uint32_t len = 1 + (i * 97) % 4000;
		uint8_t *out = (uint8_t *)(uintptr_t)call(RESERVE, P(map), len,
							  0, 0, 0);

		if (out == NULL) {
			good = false;
			break;
		}
		for (k = 0; k < len; k++)
			out[k] = (uint8_t)(i + k);
		call(SUBMIT, P(out), 0, 0, 0, 0);
		if (take_some(map, &take) != 1 ||
		    record_at(&take, 0, &bytes).len != len) {
			good = false;
			break;
		}
		for (k = 0; k < len; k++)
			good &= bytes[k] == (uint8_t)(i + k);
		n++;
	}
	tap_ok(good && n == 4096, "whole records wherever they begin");
	ebpf_map_put(map);
}

static void
test_room(void)
{
	struct ebpf_take take = { .cpu = EBPF_CPU_ANY };
	struct ebpf_map *map;
	uint32_t i;

	if (make(EBPF_MAP_RINGBUF, 0, 0, 8192, 0, &map) != 0)
		abort();
	for (i = 0; i < 10; i++)
		call(OUTPUT, P(map), P(room), 100, 0, 0);
	take.out = room;
	take.room = 100 + sizeof(struct ebpf_record) - 1;
	TAP_CHECK(take_some(map, &take) == -EBPF_ENOSPC && take.count == 0 &&
		  take.len == 0 &&
		  take.need == 100 + sizeof(struct ebpf_record));
	take.room = 3 * take.need + 5;
	TAP_CHECK(take_some(map, &take) == 3);
	take.room = sizeof(room);
	take.count_max = 2;
	TAP_CHECK(take_some(map, &take) == 2);
	take.count_max = 0;
	TAP_CHECK(take_some(map, &take) == 5);
	take.cpu = 1;
	TAP_CHECK(take_some(map, &take) == -EBPF_ERANGE);
	take.cpu = 0;
	TAP_CHECK(take_some(map, &take) == 0);
	ebpf_map_put(map);
	if (make(EBPF_MAP_ARRAY, 4, 4, 4, 0, &map) != 0)
		abort();
	TAP_CHECK(take_some(map, &take) == -EBPF_EUNSUPPORTED);
	ebpf_map_wake(map);
	ebpf_map_put(map);
}

/* ---- perf_event_array ---- */

static void
test_perf(void)
{
	struct ebpf_take take = { .cpu = EBPF_CPU_ANY };
	uint8_t packet[64] = "packet bytes";
	struct ebpf_xdp_ctx ctx = { .data = packet, .data_end = packet + 64 };
	uint64_t current = EBPF_F_CURRENT_CPU, before = os_time_ns(), lost;
	uint32_t cpu = os_cpu_id(), cpus = os_cpu_count(), i, n;
	struct ebpf_record record;
	const uint8_t *bytes;
	struct ebpf_map *map;

	if (make(EBPF_MAP_PERF_EVENT_ARRAY, 4, 4, cpus + 1, 0, &map) != 0)
		abort();
	TAP_CHECK(call(PERF_OUTPUT, P(&ctx), P(map), current, P("abc"), 3) ==
		  0);
	TAP_CHECK(call(PERF_OUTPUT, P(&ctx), P(map), cpu, P("abcd"), 4) == 0);
	TAP_CHECK(call(PERF_OUTPUT, P(&ctx), P(map), current | 10ull << 32,
		       P("abc"), 3) == 0);
	TAP_CHECK(call(PERF_OUTPUT, P(&ctx), P(map), current | 65ull << 32,
		       P("abc"), 3) == -EBPF_EFAULT);
	TAP_CHECK(call(PERF_OUTPUT, P(&ctx), P(map), current | 1ull << 52,
		       P("abc"), 3) == -EBPF_EINVAL);
	TAP_CHECK(call(PERF_OUTPUT, P(&ctx), P(map), cpus, P("abc"), 3) ==
		  -EBPF_ENOENT);
	TAP_CHECK(call(PERF_OUTPUT, P(&ctx), P(map), cpus + 1, P("abc"), 3) ==
		  -EBPF_E2BIG);
	TAP_CHECK(cpus == 1 ||
		  call(PERF_OUTPUT, P(&ctx), P(map), (cpu + 1) % cpus, P("abc"),
		       3) == -EBPF_EUNSUPPORTED);
	helper_kind(EBPF_PROG_RAW);
	TAP_CHECK(call(PERF_OUTPUT, P(packet), P(map), current | 4ull << 32,
		       P("abc"), 3) == -EBPF_EINVAL);
	TAP_CHECK(call(PERF_OUTPUT, P(packet), P(map), current, P(""), 0) ==
		  0);
	helper_kind(EBPF_PROG_XDP);

	TAP_CHECK(take_some(map, &take) == 4);
	record = record_at(&take, 0, &bytes);
	TAP_CHECK(record.len == 3 && !memcmp(bytes, "abc", 3) &&
		  record.cpu == cpu && record.time_ns >= before &&
		  record.time_ns <= os_time_ns());
	record = record_at(&take, 2, &bytes);
	TAP_CHECK(record.len == 13 && !memcmp(bytes, "abcpacket byt", 13));
	TAP_CHECK(record_at(&take, 3, &bytes).len == 0);

	for (i = 0, n = 0; i < 1000; i++)
		n += call(PERF_OUTPUT, P(&ctx), P(map), current, P(room),
			  1000) == 0;
	TAP_CHECK(n < 1000 &&
		  call(PERF_OUTPUT, P(&ctx), P(map), current, P(room), 1000) ==
			  -EBPF_ENOSPC);
	take.cpu = cpu;
	TAP_CHECK(take_some(map, &take) == (int)n + 1);
	record = record_at(&take, n, &bytes);
	memcpy(&lost, bytes, sizeof(lost));
	tap_ok(record.kind == EBPF_RECORD_LOST && record.cpu == cpu &&
		       record.len == 8 && lost == 1001 - n,
	       "what was lost is counted");
	TAP_CHECK(take_some(map, &take) == 0);
	ebpf_map_put(map);

	if (make(EBPF_MAP_PERF_EVENT_ARRAY, 4, 4, 1, EBPF_F_WRONLY, &map) != 0)
		abort();
	TAP_CHECK(take_some(map, &take) == -EBPF_EACCES);
	ebpf_map_put(map);
}

/* ---- waiting ---- */

static struct ebpf_map *waited;
static uint32_t stop;

static void *
waiter(void *arg)
{
	struct ebpf_take take = { .cpu = EBPF_CPU_ANY, .room = 4096 };
	uint32_t *count = arg;

	take.out = malloc(take.room);
	if (ebpf_map_take(waited, &take, 3600ull * 1000000000, &stop) != 0)
		abort();
	*count = take.count;
	free(take.out);
	return NULL;
}

static void
test_wait(void)
{
	struct ebpf_take take = { .cpu = EBPF_CPU_ANY, .out = room,
				  .room = sizeof(room) };
	pthread_t thread;
	uint32_t count = 99;
	uint64_t start;

	if (make(EBPF_MAP_RINGBUF, 0, 0, 4096, 0, &waited) != 0)
		abort();
	start = os_time_ns();
	TAP_CHECK(ebpf_map_take(waited, &take, 2000000, NULL) == 0 &&
		  take.count == 0 && os_time_ns() - start >= 2000000);
	/* before or while it waits: either way it ends, within the hour */
	pthread_create(&thread, NULL, waiter, &count);
	call(OUTPUT, P(waited), P("wake"), 4, 0, 0);
	pthread_join(thread, NULL);
	tap_ok(count == 1, "a record wakes who waits");
	pthread_create(&thread, NULL, waiter, &count);
	os_store_release(&stop, 1);
	ebpf_map_wake(waited);
	pthread_join(thread, NULL);
	tap_ok(count == 0, "and so does stopping");
	ebpf_map_put(waited);
}

/* ---- many producers, one reader ---- */

enum { PRODUCERS = 4, EACH = 20000 };

struct item {
	uint32_t producer, number;
	uint32_t len;  /* of the bytes that follow */
	uint32_t drop; /* is never seen */
	uint8_t bytes[40];
};

static struct ebpf_map *shared;
static uint32_t running;
static uint64_t refused[PRODUCERS];

static void
item_fill(struct item *item, uint32_t self, uint32_t number)
{
	item->producer = self;
	item->number = number;
	item->len = number % sizeof(item->bytes);
	item->drop = number % 7 == 3;
	memset(item->bytes, (int)(number + self), item->len);
}

static bool
item_is_good(const struct item *item, size_t len)
{
	uint32_t i;

	if (len < offsetof(struct item, bytes) || item->drop ||
	    item->producer >= PRODUCERS ||
	    len != offsetof(struct item, bytes) + item->len)
		return false;
	for (i = 0; i < item->len; i++)
		if (item->bytes[i] != (uint8_t)(item->number + item->producer))
			return false;
	return true;
}

static void *
producer(void *arg)
{
	uint32_t self = (uint32_t)(uintptr_t)arg, i, len;
	struct ebpf_section section;
	struct item item, *place;
	uint64_t full = 0;
	bool perf = shared->ops->kind == EBPF_MAP_PERF_EVENT_ARRAY;

	for (i = 0; i < EACH; i++) {
		item_fill(&item, self, i);
		len = (uint32_t)offsetof(struct item, bytes) + item.len;
		ebpf_section_enter(&section);
		if (perf) {
			item.drop = 0;
			full += call(PERF_OUTPUT, 0, P(shared),
				     EBPF_F_CURRENT_CPU, P(&item), len) != 0;
		} else if (item.drop || i % 2 == 0) {
			place = (struct item *)(uintptr_t)call(
				RESERVE, P(shared), sizeof(item), 0, 0, 0);
			if (place == NULL) {
				full++;
			} else if (item.drop) {
				*place = item;
				call(DISCARD, P(place), 0, 0, 0, 0);
			} else {
				/* a length that is a constant: all of it */
				item.len = sizeof(item.bytes);
				memset(item.bytes, (int)(i + self), item.len);
				*place = item;
				call(SUBMIT, P(place), 0, 0, 0, 0);
			}
		} else {
			full += call(OUTPUT, P(shared), P(&item), len, 0, 0) !=
				0;
		}
		ebpf_section_leave(&section);
		if (i % 64 == 0)
			os_yield();
	}
	refused[self] = full;
	os_sub(&running, 1);
	ebpf_map_wake(shared);
	return NULL;
}

static void
test_race(uint32_t kind, const char *name)
{
	bool perf = kind == EBPF_MAP_PERF_EVENT_ARRAY;
	struct ebpf_take take = { .cpu = EBPF_CPU_ANY };
	uint64_t wrong = 0, seen = 0, lost = 0, full = 0, said = 0, dropped = 0;
	uint32_t next[PRODUCERS] = { 0 }, i, left;
	pthread_t threads[PRODUCERS];
	struct ebpf_record record;
	const uint8_t *bytes;
	struct item item;
	size_t at;

	if (perf ? make(kind, 4, 4, os_cpu_count(), 0, &shared) :
		   make(kind, 0, 0, 8192, 0, &shared))
		abort();
	take.out = room;
	take.room = 4096; /* often less than there is */
	running = PRODUCERS;
	for (i = 0; i < PRODUCERS; i++)
		pthread_create(&threads[i], NULL, producer,
			       (void *)(uintptr_t)i);
	for (;;) {
		left = os_load_acquire(&running);
		if (ebpf_map_take(shared, &take, left ? 1000000000 : 0, NULL))
			wrong++;
		if (take.count == 0 && left == 0)
			break;
		for (i = 0, at = 0; i < take.count; i++) {
			memcpy(&record, room + at, sizeof(record));
			bytes = room + at + sizeof(record);
			at += sizeof(record) + record.len;
			if (record.kind == EBPF_RECORD_LOST) {
				memcpy(&said, bytes, sizeof(said));
				lost += said;
				continue;
			}
			memset(&item, 0, sizeof(item));
			memcpy(&item, bytes, record.len);
			if (record.len > sizeof(item) ||
			    !item_is_good(&item, record.len)) {
				wrong++;
				continue;
			}
			/* CPUs are merged by time: order within one only */
			if (!perf && item.number < next[item.producer])
				wrong++;
			next[item.producer] = item.number + 1;
			seen++;
		}
	}
	for (i = 0; i < PRODUCERS; i++) {
		pthread_join(threads[i], NULL);
		full += refused[i];
	}
	for (i = 0; i < EACH && !perf; i++)
		dropped += i % 7 == 3 ? PRODUCERS : 0;
	/* of what was refused some would have been dropped anyway */
	tap_ok(wrong == 0 && seen > 0 &&
		       (perf ? lost == full &&
				       seen + lost == PRODUCERS * EACH :
			       seen + full <= PRODUCERS * EACH &&
				       seen + full + dropped >=
					       PRODUCERS * EACH),
	       "%s: nothing is lost but what is counted", name);
	tap_diag("%s: %llu seen, %llu refused, %llu lost, %llu wrong", name,
		 (unsigned long long)seen, (unsigned long long)full,
		 (unsigned long long)lost, (unsigned long long)wrong);
	ebpf_map_put(shared);
}

int
main(void)
{
	helper_begin(EBPF_PROG_XDP);
	os_cpu_pin();
	test_create();
	test_ringbuf();
	test_edges();
	test_room();
	test_perf();
	test_wait();
	os_cpu_unpin();
	test_race(EBPF_MAP_RINGBUF, "ringbuf");
	test_race(EBPF_MAP_PERF_EVENT_ARRAY, "perf_event_array");
	return helper_end();
}
