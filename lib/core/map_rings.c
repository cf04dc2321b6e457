/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kinds ringbuf and perf_event_array, and how users take records out of
 * them. Records are kept from the map's creation on, read by somebody or not;
 * what finds a ring full is lost, and a perf_event_array tells how many. Their
 * helpers are in helper_ring.c.
 */
#include "core/map_rings.h"

enum {
	PERF_RING = 64 << 10, /* bytes for each CPU */
	TAKE_YIELD = 256,     /* records between rests */
};

/* ---- the kinds ---- */

static int
ringbuf_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	uint32_t size = spec->max_entries;

	if (spec->key_size != 0 || spec->value_size != 0 ||
	    size < EBPF_RING_PAGE || (size & (size - 1)) != 0)
		return -EBPF_EINVAL;
	*bytes = ebpf_ring_bytes(size) + sizeof(struct ebpf_ring *);
	return 0;
}

/* Slots above the CPUs there are can be named and never be written to. */
static uint32_t
perf_rings(const struct ebpf_map_spec *spec)
{
	uint32_t cpus = os_cpu_count();

	return spec->max_entries < cpus ? spec->max_entries : cpus;
}

static int
perf_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	if (spec->key_size != sizeof(uint32_t) ||
	    spec->value_size != sizeof(uint32_t) || spec->max_entries == 0)
		return -EBPF_EINVAL;
	*bytes = perf_rings(spec) * (ebpf_ring_bytes(PERF_RING) +
				     sizeof(struct ebpf_ring *));
	return 0;
}

static int
rings_init(struct ebpf_map *map, uint32_t count, uint32_t size)
{
	struct ebpf_map_rings *rings = ebpf_rings_of(map);
	uint32_t i;

	os_event_init(&rings->event);
	os_mutex_init(&rings->reader);
	rings->ready = 1;
	rings->rings = os_alloc(count * sizeof(rings->rings[0]));
	if (rings->rings == NULL)
		return -EBPF_ENOMEM;
	rings->count = count;
	for (i = 0; i < count; i++) {
		rings->rings[i] = ebpf_ring_create(size, &rings->event);
		if (rings->rings[i] == NULL)
			return -EBPF_ENOMEM;
	}
	return 0;
}

static int
ringbuf_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	return rings_init(map, 1, spec->max_entries);
}

static int
perf_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	return rings_init(map, perf_rings(spec), PERF_RING);
}

static void
rings_fini(struct ebpf_map *map)
{
	struct ebpf_map_rings *rings = ebpf_rings_of(map);
	uint32_t i;

	for (i = 0; i < rings->count; i++)
		ebpf_ring_destroy(rings->rings[i]);
	os_free(rings->rings);
	if (rings->ready == 0)
		return;
	os_mutex_destroy(&rings->reader);
	os_event_destroy(&rings->event);
}

/* Elements are nobody's to read or write: Linux keeps file descriptors there. */
const struct ebpf_map_ops ebpf_map_ringbuf_ops = {
	.kind = EBPF_MAP_RINGBUF,
	.flags_allowed = EBPF_F_NUMA_NODE,
	.has_records = true,
	.struct_size = sizeof(struct ebpf_map_rings),
	.check = ringbuf_check,
	.init = ringbuf_init,
	.fini = rings_fini,
};

const struct ebpf_map_ops ebpf_map_perf_event_array_ops = {
	.kind = EBPF_MAP_PERF_EVENT_ARRAY,
	/* rings are the map's own here: nothing else could take them away */
	.flags_allowed = EBPF_F_NUMA_NODE | EBPF_F_RDONLY | EBPF_F_WRONLY |
			 EBPF_F_PRESERVE_ELEMS,
	.has_records = true,
	.struct_size = sizeof(struct ebpf_map_rings),
	.check = perf_check,
	.init = perf_init,
	.fini = rings_fini,
};

/* ---- taking records ---- */

/* The oldest record of all rings that are meant. */
struct head {
	struct ebpf_ring *ring;
	const uint8_t *bytes;
	uint32_t len, cpu;
	uint64_t time_ns;
};

static bool
is_meant(const struct ebpf_take *take, uint32_t cpu)
{
	return take->cpu == EBPF_CPU_ANY || take->cpu == cpu;
}

static bool
find_head(struct ebpf_map_rings *rings, const struct ebpf_take *take,
	  struct head *best)
{
	bool perf = rings->map.ops->kind == EBPF_MAP_PERF_EVENT_ARRAY;
	struct ebpf_perf_head perf_head;
	struct head head;
	uint32_t i;

	best->ring = NULL;
	for (i = 0; i < rings->count; i++) {
		if (!is_meant(take, i))
			continue;
		head.ring = rings->rings[i];
		head.cpu = i;
		head.time_ns = 0;
		head.bytes = ebpf_ring_peek(head.ring, &head.len);
		if (head.bytes == NULL)
			continue;
		if (perf) {
			memcpy(&perf_head, head.bytes, sizeof(perf_head));
			head.time_ns = perf_head.time_ns;
			head.bytes += sizeof(perf_head);
			head.len -= sizeof(perf_head);
		}
		if (best->ring == NULL || head.time_ns < best->time_ns)
			*best = head;
	}
	return best->ring != NULL;
}

static bool
put_record(struct ebpf_take *take, const struct ebpf_record *record,
	   const void *bytes)
{
	if (take->room - take->len < sizeof(*record) + (size_t)record->len)
		return false;
	memcpy(take->out + take->len, record, sizeof(*record));
	take->len += sizeof(*record);
	if (record->len != 0)
		memcpy(take->out + take->len, bytes, record->len);
	take->len += record->len;
	take->count++;
	return true;
}

static bool
wants_more(const struct ebpf_take *take)
{
	return take->count_max == 0 || take->count < take->count_max;
}

/* Behind the records that were there, how many more there would have been. */
static void
take_lost(struct ebpf_map_rings *rings, struct ebpf_take *take)
{
	struct ebpf_record record = { .kind = EBPF_RECORD_LOST,
				      .len = sizeof(uint64_t) };
	uint64_t lost;
	uint32_t i;

	for (i = 0; i < rings->count && wants_more(take); i++) {
		if (!is_meant(take, i) ||
		    take->room - take->len < sizeof(record) + sizeof(lost))
			continue;
		lost = ebpf_ring_lost(rings->rings[i]);
		if (lost == 0)
			continue;
		record.cpu = i;
		record.time_ns = os_time_ns();
		put_record(take, &record, &lost);
	}
}

static int
take_now(struct ebpf_map_rings *rings, struct ebpf_take *take)
{
	struct ebpf_record record = { .kind = EBPF_RECORD_DATA };
	struct head head;
	bool full = false;
	int error = 0;

	os_mutex_lock(&rings->reader);
	while (!full && wants_more(take) && find_head(rings, take, &head)) {
		record.time_ns = head.time_ns;
		record.cpu = head.cpu;
		record.len = head.len;
		full = !put_record(take, &record, head.bytes);
		if (!full)
			ebpf_ring_next(head.ring);
		if (take->count % TAKE_YIELD == TAKE_YIELD - 1)
			os_yield();
	}
	if (full && take->count == 0) {
		take->need = (uint32_t)sizeof(record) + head.len;
		error = -EBPF_ENOSPC;
	} else if (!full &&
		   rings->map.ops->kind == EBPF_MAP_PERF_EVENT_ARRAY) {
		take_lost(rings, take);
	}
	os_mutex_unlock(&rings->reader);
	return error;
}

int
ebpf_map_take(struct ebpf_map *map, struct ebpf_take *take, uint64_t wait_ns,
	      const uint32_t *stop)
{
	struct ebpf_map_rings *rings;
	uint64_t end = os_time_ns() + wait_ns, now;
	uint32_t seen;
	int error;

	take->len = 0;
	take->count = take->need = 0;
	if (!map->ops->has_records)
		return -EBPF_EUNSUPPORTED;
	if ((map->flags & EBPF_F_WRONLY) != 0)
		return -EBPF_EACCES;
	rings = ebpf_rings_of(map);
	if (take->cpu != EBPF_CPU_ANY && take->cpu >= rings->count)
		return -EBPF_ERANGE;
	for (;;) {
		seen = os_event_count(&rings->event);
		error = take_now(rings, take);
		now = os_time_ns();
		if (error != 0 || take->count != 0 || now >= end ||
		    (stop != NULL && os_load_acquire(stop) != 0))
			return error;
		/* the reader's lock is free: others may read meanwhile */
		error = os_event_wait(&rings->event, seen, end - now);
		if (error == -EBPF_ECANCELED)
			return 0;
	}
}

void
ebpf_map_wake(struct ebpf_map *map)
{
	if (map->ops->has_records)
		os_event_signal(&ebpf_rings_of(map)->event);
}

bool
ebpf_map_has_record(struct ebpf_map *map)
{
	struct ebpf_map_rings *rings;
	struct ebpf_ring *ring;
	bool found = false;
	uint32_t i, len;

	if (!map->ops->has_records)
		return false;
	rings = ebpf_rings_of(map);
	os_mutex_lock(&rings->reader);
	for (i = 0; i < rings->count && !found; i++) {
		ring = rings->rings[i];
		found = ring != NULL && ebpf_ring_peek(ring, &len) != NULL;
	}
	os_mutex_unlock(&rings->reader);
	return found;
}
