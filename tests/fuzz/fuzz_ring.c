/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Rings against a model: the input is a size and then reservations, commits in
 * any order, and takings with any room; the model is a list of what was
 * reserved. Any difference aborts, and under ASan any byte too far.
 */
#include <stdlib.h>
#include <string.h>

#include "core/map.h"
#include "core/map_rings.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	HELD_MAX = 600, /* more than the smallest ring has records of 0 bytes */
	ROOM = 64 << 10,
};

enum state { OPEN, DONE, DROPPED };

struct held {
	uint8_t *record;
	uint32_t len;
	uint8_t salt;
	enum state state;
};

static struct ebpf_runtime *rt;
static struct ebpf_map *map;
static struct held held[HELD_MAX]; /* oldest first */
static uint32_t count;
static uint64_t used; /* bytes of those, headers included */

static uint64_t
place(uint32_t len)
{
	return ((uint64_t)len + 15) & ~7ull;
}

static uint8_t
byte_of(const struct held *h, uint32_t i)
{
	return (uint8_t)(h->salt + i * 3);
}

static void
op_reserve(struct input *in)
{
	uint32_t len = take(in) | (uint32_t)take(in) % 32 << 8, i;
	struct held *h = &held[count];

	if (count == HELD_MAX)
		return;
	h->record = ebpf_ring_reserve(ebpf_rings_at(map, 0), len);
	REQUIRE((h->record != NULL) ==
		(used + place(len) < map->max_entries));
	if (h->record == NULL)
		return;
	REQUIRE((uintptr_t)h->record % 8 == 0);
	h->len = len;
	h->salt = take(in);
	h->state = OPEN;
	for (i = 0; i < len; i++)
		h->record[i] = byte_of(h, i);
	used += place(len);
	count++;
}

static void
op_commit(struct input *in)
{
	uint8_t how = take(in);
	struct held *h;

	if (count == 0)
		return;
	h = &held[(how / 4 * 7u) % count];
	if (h->state != OPEN)
		return;
	h->state = how % 4 == 0 ? DROPPED : DONE;
	ebpf_ring_commit(h->record, h->state == DROPPED,
			 how % 2 ? EBPF_RING_WAKE : EBPF_RING_NO_WAKE);
}

static void
forget_first(void)
{
	used -= place(held[0].len);
	count--;
	memmove(&held[0], &held[1], count * sizeof(held[0]));
}

static void
require_record(const uint8_t **at, const uint8_t *end)
{
	const struct held *h = &held[0];
	struct ebpf_record record;
	uint32_t i;

	REQUIRE((size_t)(end - *at) >= sizeof(record));
	memcpy(&record, *at, sizeof(record));
	*at += sizeof(record);
	REQUIRE(record.kind == EBPF_RECORD_DATA && record.len == h->len &&
		record.pad == 0 && record.cpu == 0);
	REQUIRE((size_t)(end - *at) >= record.len);
	for (i = 0; i < record.len; i++)
		REQUIRE((*at)[i] == byte_of(h, i));
	*at += record.len;
}

static void
op_take(struct input *in)
{
	struct ebpf_take t = { .cpu = take(in) % 2 ? EBPF_CPU_ANY : 0 };
	size_t room = (size_t)take(in) << (take(in) % 9), left;
	const uint8_t *at;
	uint32_t n = 0, need;
	bool full = false;
	int error;

	t.count_max = take(in) % 8;
	t.room = room;
	t.out = malloc(room + 1); /* exactly, but for none */
	error = ebpf_map_take(map, &t, 0, NULL);
	at = t.out;
	for (left = room;; left -= need) {
		while (count > 0 && held[0].state == DROPPED &&
		       (t.count_max == 0 || n < t.count_max))
			forget_first();
		if (count == 0 || held[0].state == OPEN ||
		    (t.count_max != 0 && n == t.count_max))
			break;
		need = (uint32_t)sizeof(struct ebpf_record) + held[0].len;
		full = left < need;
		if (full) {
			REQUIRE(n != 0 ||
				(error == -EBPF_ENOSPC && t.need == need));
			break;
		}
		require_record(&at, t.out + t.len);
		forget_first();
		n++;
	}
	REQUIRE(n == t.count && at == t.out + t.len);
	REQUIRE(error == (full && n == 0 ? -EBPF_ENOSPC : 0));
	free(t.out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebpf_map_spec spec = { .size = sizeof(spec),
				      .kind = EBPF_MAP_RINGBUF };
	struct input in = { data, size };
	struct ebpf_ring_state state;
	uint32_t i;

	if (rt == NULL && ebpf_runtime_create(NULL, &rt) != 0)
		return 0;
	spec.max_entries = 4096u << take(&in) % 3;
	REQUIRE(ebpf_map_create(rt, &spec, &map) == 0);
	count = 0;
	used = 0;
	while (in.left > 0) {
		switch (take(&in) % 4) {
		case 0:
		case 1:
			op_reserve(&in);
			break;
		case 2:
			op_commit(&in);
			break;
		case 3:
			op_take(&in);
			break;
		}
		state = ebpf_ring_state(ebpf_rings_at(map, 0));
		REQUIRE(state.producer - state.consumer == used);
	}
	for (i = 0; i < count; i++)
		if (held[i].state == OPEN)
			ebpf_ring_commit(held[i].record, false,
					 EBPF_RING_NO_WAKE);
	ebpf_map_put(map);
	os_epoch_drain();
	return 0;
}
